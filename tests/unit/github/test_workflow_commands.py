"""Nothing that a pull request brings becomes a command of the runner."""

from __future__ import annotations

import io
from dataclasses import replace

from kfm_ci.github import workflow_commands
from kfm_ci.model import Acknowledgement, Finding, Hazard, Place, Severity


def finding(message: str = "locks", **more: object) -> Finding:
    return Finding(rule="r", hazard=Hazard.BLOCKS_READS, severity=Severity.ERROR, message=message, **more)  # type: ignore[arg-type]


def test_a_message_with_line_breaks_stays_one_line() -> None:
    (line,) = workflow_commands.annotate([finding("a\n::set-output name=x::y\r%0A")])
    assert "\n" not in line and "\r" not in line
    assert line.endswith("::a%0A::set-output name=x::y⟨U+000D⟩%250A")


def test_a_file_name_cannot_end_its_property() -> None:
    (line,) = workflow_commands.annotate([finding(place=Place(file="a,line=1::b.sql", line=3))])
    assert "file=a%2Cline=1%3A%3Ab.sql,line=3" in line


def test_files_are_named_from_the_workspace() -> None:
    (line,) = workflow_commands.annotate([finding(place=Place(file="db/a.sql", line=3))], prefix="examples/shop")
    assert "file=examples/shop/db/a.sql" in line


def test_ten_of_each_level_are_shown_and_acknowledged_ones_are_not() -> None:
    many = [finding(str(number)) for number in range(14)]
    assert len(workflow_commands.annotate(many)) == 10
    assert workflow_commands.annotate([finding(acknowledged=Acknowledgement(reason="small"))]) == []


def test_many_of_one_rule_hide_no_other_from_the_ten_that_are_shown() -> None:
    many = [replace(finding(f"no down of {number}"), rule="rollback-missing") for number in range(140)]
    same = [replace(finding("unknown"), rule="naming", place=Place(file=f"{number}.sql")) for number in range(20)]
    found = [*many, *same, replace(finding("another"), rule="other")]
    lines = workflow_commands.annotate([replace(item, severity=Severity.WARNING) for item in found])
    assert [line.rpartition("::")[2].partition("%0A")[0] for line in lines] == [
        "no down of 0",
        "no down of 1",
        "no down of 2",
        "137 more, listed in the report.",
        "unknown",
        "another",
    ]
    assert "Also in 19 other places." in lines[4]


def test_what_is_written_quietly_stands_between_two_lines_with_an_unguessable_token() -> None:
    log = io.StringIO()
    with workflow_commands.quiet(log):
        log.write("::error::hello")
    first, _, last = log.getvalue().strip().split("\n")
    token = first.removeprefix("::stop-commands::")
    assert len(token) == 32 and last == f"::{token}::"
