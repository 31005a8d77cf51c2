from __future__ import annotations

import re
from dataclasses import replace

import pytest
from evidence_samples import UP, calm, dangerous, hostile, nothing_new
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kfm_ci.model import Hazard, Mode, Outcome, Place, Proof, Result, Risk, Strategy
from kfm_ci.report.comment import body

MARKDOWN = MarkdownIt("commonmark").enable("table")
ATTACK = "@octocat <!-- x --> </details>\n\n</details>\n```\n| a | b |\n# h\n[l](https://evil.example) ![i](http://e/x)"
OURS = re.compile(
    r"<details( open)?><summary>[^<]*</summary>\s*|</details>\s*|<!-- kfm-ci:gate -->\s*|</?(sub|br|code)>"
)


def raw_html(comment: str) -> list[str]:
    """Return every piece of the comment that a renderer takes as HTML."""
    found = []
    for token in MARKDOWN.parse(comment):
        if token.type == "html_block":
            found.append(token.content)
        found += [child.content for child in token.children or [] if child.type == "html_inline"]
    return found


def prose(comment: str) -> str:
    tokens = MARKDOWN.parse(comment)
    return "\n".join(child.content for token in tokens for child in token.children or [] if child.type == "text")


def test_the_marker_stands_on_the_first_line() -> None:
    assert body.compose(dangerous()).split("\n")[0] == body.MARKER


def test_the_head_answers_in_five_lines_with_errors_first() -> None:
    lines = [line for line in body.compose(dangerous()).split("\n") if line]
    assert lines[1] == "## ❌ kfm-ci failed: 2 errors in 1 new migration"
    assert lines[2].startswith("- **Risk:** **high**")
    assert "`public.orders`: blocks reads and writes for 52 ms" in lines[3] and "orders_pkey" not in lines[3]
    assert lines[4] == "- **Rollback:** **not proven**: of 1 migration, 1 run and failed"
    assert lines[5] == "**To do:**"
    assert f"`{UP}:12`" in lines[6] and "→ add a bigint column" in lines[6]


def test_the_head_names_once_which_migrations_give_which_reasons() -> None:
    one = dangerous()
    name = one.new[0].id
    more = tuple(replace(one.new[0], id=f"{name}{number}") for number in range(5))
    reasons = (
        f"{name}: blocks-reads at line 2: high",
        f"{name}: table-rewrite at line 2: high",
        *(f"{item.id}: data-loss at line 1: high" for item in more),
    )
    comment = body.compose(replace(one, migrations=(*one.migrations, *more), risk_reasons=reasons))
    (risk,) = (line for line in comment.split("\n") if "**Risk:**" in line)
    first, second = risk.split("; ")
    assert first.endswith(": blocks-reads at line 2, table-rewrite at line 2")
    assert second.endswith(" and 2 more: data-loss at line 1")


def test_no_risk_is_claimed_of_what_could_not_be_checked() -> None:
    one = dangerous()
    unseen = replace(one.new[0], apply=replace(one.new[0].apply, outcome=Outcome.NOT_RUN))
    comment = body.compose(replace(one, migrations=(unseen,), result=Result.ERROR, risk=Risk.LOW, risk_reasons=()))
    assert "- **Risk:** unknown: not every migration was observed" in comment


def test_a_calm_change_has_nothing_to_do_and_a_short_comment() -> None:
    comment = body.compose(calm())
    assert "- **To do:** nothing\n" in comment
    assert "- **Locks:** blocks neither reads nor writes" in comment
    assert "- **Rollback:** proven" in comment
    assert "### Findings" not in comment and "gantt" not in comment
    assert len(comment) < 4_000


def test_nothing_new_says_so() -> None:
    comment = body.compose(nothing_new())
    assert "no new migrations" in comment
    assert "Rollback" not in comment


def test_what_was_not_observed_is_not_called_unlocked() -> None:
    evidence = calm()
    unseen = tuple(replace(item, statements=()) for item in evidence.migrations)
    assert "- **Locks:** unknown" in body.compose(replace(evidence, migrations=unseen))


def test_an_error_is_never_shown_as_a_pass() -> None:
    comment = body.compose(replace(calm(), result=Result.ERROR, failure="KFM-E01: no engine"))
    assert "could not check: this is not a pass" in comment and "✅" not in comment


@pytest.mark.parametrize(
    "part", ["Suppressed", "table has 40 rows in production", "seed 7", "erDiagram", "gantt", "`17.5`"]
)
def test_the_comment_shows(part: str) -> None:
    assert part in body.compose(dangerous())


def test_the_rollback_section_can_be_acted_on() -> None:
    comment = body.compose(dangerous())
    commands, section = comment[: comment.index("### `")], comment[comment.index("### `") :]
    assert "<summary>Rollback: 1 command</summary>" in commands
    assert 'psql "$DATABASE_URL" --no-psqlrc --set ON_ERROR_STOP=1 --single-transaction --file x.down.sql' in commands
    assert "rolling back loses public.notes.body" in section
    assert "| `public.orders` | AccessExclusiveLock | blocks reads and writes | 30 ms |" in section
    assert "If the rollback fails midway" in section


def test_a_command_is_shown_whole_or_not_at_all() -> None:
    evidence = dangerous()
    long = f"psql --file {'x' * 25_000}.down.sql"
    migrations = tuple(replace(item, rollback=replace(item.rollback, commands=(long,))) for item in evidence.migrations)
    comment = body.compose(replace(evidence, migrations=migrations))
    assert "psql --file" not in comment and "do not fit here; see the full report" in comment


def test_no_commands_is_said_plainly() -> None:
    evidence = dangerous()
    migration = replace(
        evidence.migrations[1],
        rollback=replace(evidence.migrations[1].rollback, strategy=Strategy.NONE, proof=Proof.NOT_RUN),
    )
    comment = body.compose(replace(evidence, migrations=(migration,)))
    assert "none: no rollback is defined" in comment and "Fix forward" in comment


def test_no_command_is_promised_that_does_not_exist() -> None:
    comment = body.compose(dangerous())
    assert "kfm-ci rollback" not in comment and "kfm-ci status" not in comment


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (Mode.TRANSACTION, "the failed file changed nothing"),
        (Mode.AUTOCOMMIT, "the statements above that line are committed"),
    ],
)
def test_what_to_do_midway_follows_from_how_the_commands_ran(mode: Mode, words: str) -> None:
    evidence = dangerous()
    migrations = tuple(replace(item, rollback=replace(item.rollback, mode=mode)) for item in evidence.migrations)
    assert words in body.compose(replace(evidence, migrations=migrations))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(ATTACK.split(" ")), max_size=8).map(" ".join))
@example(ATTACK)
@example("|\\|`")
def test_hostile_text_makes_no_html_mention_or_link(text: str) -> None:
    comment = body.compose(hostile(text))
    assert [piece for piece in raw_html(comment) if not OURS.fullmatch(piece)] == []
    assert not re.search(r"@\w|://", prose(comment))
    images = [child for token in MARKDOWN.parse(comment) for child in token.children or [] if child.type == "image"]
    assert images == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
@example(ATTACK)
def test_every_fold_is_closed(text: str) -> None:
    pieces = "".join(raw_html(body.compose(hostile(text))))
    assert pieces.count("<details") == pieces.count("</details>") > 4


@pytest.mark.parametrize("text", ["😀" * 3000, "`|" * 3000, "x" * 5000, "<&$|" * 3000])
def test_a_long_change_fits_and_is_cut_between_sections(text: str) -> None:
    comment = body.compose(hostile(text, copies=15), report_url="https://example.com/report")
    assert len(comment.encode("utf-16-le")) // 2 <= body.CAP
    assert "left out for length" in comment and "[full report](https://example.com/report)" in comment
    fences = [token for token in MARKDOWN.parse(comment) if token.type == "fence"]
    assert all(token.map is not None and token.map[1] < comment.count("\n") for token in fences)
    pieces = "".join(raw_html(comment))
    assert pieces.count("<details") == pieces.count("</details>")


def test_what_is_true_of_many_places_is_one_row_with_the_places() -> None:
    first = dangerous().findings[0]
    many = tuple(replace(first, place=replace(first.place, file=f"{number}.sql")) for number in range(8))
    comment = body.compose(replace(dangerous(), findings=many))
    findings = comment[comment.index("### Findings") :].split("\n\n")[1]
    assert len(findings.splitlines()) == 3
    assert "`0.sql:" in findings and "`5.sql:" in findings and "`6.sql:" not in findings and "and 2 more" in findings


def test_what_is_wrong_at_one_place_is_one_thing_to_do_with_each_remedy_once() -> None:
    first = next(item for item in dangerous().findings if item.is_blocking)
    other = replace(first, rule="another", message="waits.", help="Wait no more.")
    comment = body.compose(replace(dangerous(), findings=(first, other, replace(other, rule="third"))))
    head = comment[comment.index("**To do:**") : comment.index("### Findings")]
    (task,) = [line for line in head.splitlines() if line.startswith("1. ")]
    assert task.count("waits") == 1 and task.count("→ Wait no more.") == 1 and "\n2. " not in head


def test_what_is_written_again_at_the_end_stands_behind_what_must_be_mended_first() -> None:
    first, *_ = (item for item in dangerous().findings if item.is_blocking)
    stale = replace(
        first, rule="manifest-stale", hazard=Hazard.MANIFEST, message="stale list", place=Place(file="a.json", line=1)
    )
    text = body.compose(replace(dangerous(), findings=(stale, *dangerous().findings)))
    tasks = [line for line in text.splitlines() if line[:2] in {"1.", "2.", "3.", "4."}]
    assert "stale list" not in tasks[0] and any("stale list" in line for line in tasks)


def test_a_sentence_that_was_cut_has_one_end() -> None:
    first, *_ = (item for item in dangerous().findings if item.is_blocking)
    text = body.compose(replace(dangerous(), findings=(replace(first, help="word " * 200),)))
    assert "…." not in text
