"""The cost of squawk's results grows linearly with the script; counted in calls, because seconds depend on the load."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType

import pytest

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.rules.squawk.findings import LinterResult, lint

SMALL, FACTOR = 150, 8
FILE = "20260225_1200__a.up.sql"


def calls(run: Callable[[], LinterResult]) -> int:
    """Return the number of calls, of Python and of C, in this thread and in those that it starts."""
    counted = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    before = sys.getprofile()
    threading.setprofile(count)
    sys.setprofile(count)
    try:
        result = run()
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]
    assert result.unchecked == ()
    return counted


def rows(number: int) -> str:
    """Return a script with inline rows, which squawk does not know: it reports several syntax errors for each."""
    return "copy old from stdin;\n" + "".join(f"{row}\tit's\t(\n" for row in range(number)) + "\\.\n"


def dollars(number: int) -> str:
    return "".join(f"$t{row} " for row in range(number))


def statements(number: int) -> str:
    return "".join(f"alter table old drop column c{row};\n" for row in range(number))


def constraints(number: int) -> str:
    return "".join(f"alter table old add constraint c{row} check (a > {row});\n" for row in range(number))


@pytest.mark.parametrize("text", [rows, dollars, statements, constraints])
def test_the_cost_grows_linearly_with_the_script(change: Callable[..., Change], text: Callable[[int], str]) -> None:
    def cost(number: int) -> int:
        subject = change({FILE: text(number)})
        ours = [_ours(line) for line in range(1, number)]
        changed = subject.statements
        lint(subject.new, changed, ours=ours)  # fills the caches
        return calls(lambda: lint(subject.new, changed, ours=ours))

    assert cost(SMALL * FACTOR) < 1.5 * FACTOR * cost(SMALL)


def _ours(line: int) -> Finding:
    place = Place(file=f"migrations/db/{FILE}", line=line, end_line=line)
    return Finding(rule="x", hazard=Hazard.DATA_LOSS, severity=Severity.NOTE, message="x", place=place)
