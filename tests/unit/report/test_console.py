from __future__ import annotations

from dataclasses import replace

from evidence_samples import UP, calm, dangerous, hostile, nothing_new
from rich.console import Console, Group, RenderableType

from kfm_ci.model import Result
from kfm_ci.report import console

SOURCE = "\n" * 11 + "alter table public.orders\n\talter column total\n  type bigint;\n"


def shown(part: RenderableType, *, colour: bool = False) -> str:
    made = Console(width=140, no_color=not colour, force_terminal=colour, color_system="truecolor" if colour else None)
    with made.capture() as capture:
        made.print(part, soft_wrap=True)
    return capture.get()


def test_a_finding_shows_its_file_line_and_source() -> None:
    text = shown(console.summarise(dangerous(), {UP: SOURCE}))
    assert f"  --> {UP}:12:1" in text
    assert "  12 | alter table public.orders\n  13 |     alter column total\n  14 |   type bigint;" in text
    assert "help: add a bigint column" in text
    assert text.index("observed-rewrite") < text.index("lock-without-timeout")


def test_the_last_line_says_it_all() -> None:
    lines = shown(console.summarise(dangerous(), {})).splitlines()
    assert lines[-1] == (
        "kfm-ci failed: 2 errors in 1 new migration, 1 warning, risk high, 1 relation blocked,"
        " rollback proven for 0 of 1"
    )
    assert shown(console.last_line(calm())).startswith("kfm-ci passed: 1 new migration, risk low, rollback proven")


def test_nothing_new_and_errors_say_what_they_are() -> None:
    assert "no new migrations" in shown(console.last_line(nothing_new()))
    failed = replace(nothing_new(), result=Result.ERROR, failure="KFM-E01: no engine")
    assert "could not check" in shown(console.last_line(failed)) and "no engine" in shown(console.last_line(failed))
    unseen = replace(calm(), result=Result.ERROR, failure="KFM-E01: no engine")
    assert "risk" not in shown(console.last_line(unseen)) and "proven" not in shown(console.last_line(unseen))


def test_hostile_text_neither_colours_nor_moves_the_cursor() -> None:
    text = shown(console.summarise(hostile("[bold red]x[/]\x1b[2J\rpassed"), {}))
    assert "\x1b" not in text and "\r" not in text and "[bold red]x[/]" in text


def test_without_colour_there_is_no_escape_and_with_it_there_is() -> None:
    part = console.summarise(dangerous(), {UP: SOURCE})
    assert "\x1b[" not in shown(part) and "\x1b[" in shown(part, colour=True)


def test_what_is_true_of_many_places_is_said_once_and_each_place_counts() -> None:
    first = dangerous().findings[0]
    many = [replace(first, place=replace(first.place, file=f"{number}.sql")) for number in range(7)]
    text = shown(Group(*console.findings([*many, replace(first, message="another")], {})))
    assert text.count(first.message) == 1 and "another" in text
    assert "  --> 0.sql" in text and "  and 4.sql" in text and "5.sql" not in text
    assert "  and 2 more places, all in gate.json" in text


def test_a_place_beyond_the_end_of_the_source_shows_no_excerpt() -> None:
    assert " | " not in shown(*console.findings([dangerous().findings[1]], {UP: "one line"}))


def test_stages_are_listed_with_their_status() -> None:
    text = shown(console.stages(dangerous()))
    assert "failed" in text and "dry-run" in text
    assert shown(console.stage(dangerous().stages[0])).startswith("  passed  validate")
