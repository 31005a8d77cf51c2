"""The cost of splitting grows linearly with the text; counted in characters, because seconds depend on the load."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from kfm_ci.sql import copy_data, statements, tokens


class Text(str):
    """A text that counts the characters that a search reads."""

    read = 0

    def find(self, sub: str, start: object = 0, end: object = None, /) -> int:  # type: ignore[override]
        found = super().find(sub, start, end)  # type: ignore[arg-type]
        Text.read += (len(self) if found < 0 else found) - int(start)  # type: ignore[call-overload]
        return found


class Pattern:
    """A pattern that counts the characters that it reads."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def search(self, text: str, start: int = 0) -> re.Match[str] | None:
        found = self._pattern.search(text, start)
        Text.read += (found.end() if found else len(text)) - start
        return found

    def finditer(self, text: str, start: int = 0) -> Iterator[re.Match[str]]:
        Text.read += len(text) - start
        return self._pattern.finditer(text, start)


TEXTS: dict[str, Callable[[int], str]] = {
    "unclosed dollar quotes": lambda row: f"$t{row}$ ",
    "dollars": lambda row: f"$t{row} ",
    "statements of unclosed dollar quotes": lambda row: f"select $t{row}$;\n",
    "closed dollar quotes": lambda row: f"select $t{row}$ $t $t{row}$;\n",
    "parentheses before dollar quotes": lambda row: f"((select $t{row}$;\n",
    "commands of psql": lambda row: f"\\x $t{row}$\n",
    "copies without rows": lambda row: f"copy t{row} from stdin;\n",
    "copies with rows": lambda row: f"copy t{row} from stdin;\n$a{row}$\n\\.\n",
    "unclosed comments": lambda row: f"/* {row} ",
}


@pytest.mark.parametrize("line", TEXTS.values(), ids=TEXTS.keys())
def test_no_character_is_searched_many_times(monkeypatch: pytest.MonkeyPatch, line: Callable[[int], str]) -> None:
    monkeypatch.setattr(tokens, "_COMMENT_EDGE", Pattern(tokens._COMMENT_EDGE))
    monkeypatch.setattr(copy_data, "_DATA_END", Pattern(copy_data._DATA_END))
    text = Text("".join(line(row) for row in range(1000)))
    for read in (statements.split, tokens.tokens, statements.too_deep):
        Text.read = 0
        read(text)
        assert Text.read <= 3 * len(text), read.__name__


def test_rows_of_a_copy_end_at_the_first_mark_after_it() -> None:
    text = "copy a from stdin;\n1\n\\.\ncopy b from stdin; \\.\n\\.\r\nselect 1;\ncopy c from stdin;\n\\."
    found = statements.split(text)
    assert [item.text for item in found] == ["copy a from stdin", "copy b from stdin", "select 1", "copy c from stdin"]
    assert [item.raw for item in found] == [
        "copy a from stdin;\n1\n\\.\n",
        "copy b from stdin; \\.\n\\.\r\n",
        "select 1;",
        "\ncopy c from stdin;\n\\.",
    ]
