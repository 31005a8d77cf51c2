"""What a text says of a table or column: that it uses it, or only a word that may mean something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

_NEAR = 8
"""Lines between a query's table and its columns."""
_CLOSE = 2
"""The same, for a column that other tables have too."""
_BODY = 60
"""Lines that a class of the application may need to list its columns."""
_BACK = 800
"""Characters that a query may have in front of its table."""

_IGNORE = re.IGNORECASE | re.MULTILINE
_COMMENT = re.compile(r"\s*(?://|#(?!\[)|--|\*|/\*|<!--)")
_IMPORT = re.compile(r"\s*(?:pub(?:\([a-z]+\))?\s+)?(?:mod|use|import|package|require)\b|\s*from\s+\S+\s+import\b")
_QUERY = re.compile(r"\b(?:select|insert|update|delete|merge|create|alter|drop|truncate|copy)\b", _IGNORE)
_VERBS = r"\b(?:from|join|into|references|truncate|(?:create|alter|drop|truncate|lock)\s+table)"
_DECLARES = r"(?:table_?name|table|entity|schema|model|relation|map|knex|source|has_many|belongs_to|\.from|\.into)"
_KINDS = r"\b(?:class|struct|model|interface|type|record|defmodule)\s+|\btable!\s*[({]\s*"
_CALL = re.compile(r"(?:into|references|on|from|join|update|table)\s+[\w.\"`]*$", _IGNORE)


@dataclass(frozen=True)  # without slots, so that its patterns are compiled once
class Wanted:
    """An identifier to look for."""

    name: str
    table: str | None = None
    """For a column: the table that a text must name too."""
    shared: bool = False
    """For a column: whether other tables have one of that name."""

    @property
    def telling(self) -> bool:
        """Whether the name is no plain word, which code uses for many things."""
        return re.search(r"[_\d]|[a-z][A-Z]|[^\x00-\x7f]", self.name) is not None

    @property
    def spellings(self) -> tuple[str, ...]:
        """The name as it is; for one that SQL folds to lower case, in capitals too."""
        return (self.name, self.name.upper()) if self.name == self.name.lower() else (self.name,)

    @cached_property
    def identifier(self) -> re.Pattern[str]:
        """The name as a whole identifier."""
        return re.compile(rf"(?<![\w$])(?:{'|'.join(map(re.escape, self.spellings))})(?![\w$])")

    @cached_property
    def _forms(self) -> str:
        """The table as code writes it: plural and singular, with and without underscores."""
        table = (self.table or self.name).lower()
        singular = f"{table[:-3]}y" if table.endswith("ies") else table.removesuffix("s")
        forms = {table, singular, table.replace("_", ""), singular.replace("_", "")} - {""}
        return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))

    @cached_property
    def about(self) -> re.Pattern[str]:
        """The table's name in any form, also as the beginning of a longer word."""
        return re.compile(rf"(?<![a-z0-9])(?:{self._forms})|(?<=[a-z0-9])(?-i:(?=[A-Z]))(?:{self._forms})", _IGNORE)

    @cached_property
    def queried(self) -> re.Pattern[str]:
        """The table where SQL names it; a name with capitals stands in quotes there."""
        table = self.table or self.name
        exact = table != table.lower()
        name = rf"(?-i:{re.escape(table)})" if exact else re.escape(table)
        quoted = r"\\?[\"`\[]" if exact else r"\\?[\"`\[]?"
        name = rf"(?:if\s+(?:not\s+)?exists\s+|only\s+)?(?:[\"`\[]?\w+[\"`\]]?\.)?{quoted}{name}(?![\w$/-])"
        return re.compile(
            rf"{_VERBS}\s+{name}(?!\s+import\b)|\bupdate\s+{name}(?=[\\\"`\]]{{0,2}}(?:\s+(?:as\s+)?\w+)?\s+set\b|\s*$)",
            _IGNORE,
        )

    @cached_property
    def declared(self) -> re.Pattern[str]:
        """The table where code says which one a class stands for, or is called like it."""
        table = re.escape(self.table or self.name)
        named = rf"(?i:{_DECLARES})[\"']?[\s_=:(,{{!\[]{{0,12}}[\"'`](?:\w+\.)?{table}[\"'`]"
        kind = rf"(?:{_KINDS})(?:\w+\.)*(?i:(?:{self._forms})(?:entity|model|row|record|table|base|schema)?s?)\b"
        return re.compile(f"{named}|{kind}")

    @cached_property
    def qualified(self) -> re.Pattern[str]:
        """The column behind its table."""
        return re.compile(
            rf"(?i:{self._forms})(?:\.|->|::|\?\.|!\.|\[[\"':]|\.get\([\"'])[\"`]?{re.escape(self.name)}(?![\w$(])"
        )


def mentions(text: str, wanted: Wanted, *, code: bool = True) -> Iterator[tuple[int, bool]]:
    """Yield each 1-based line on which a name stands, and whether it surely means what is wanted.

    Comments do not count, nor does a function of that name. For a column nothing is yielded where the text does not
    name its table. ``code``: whether the text is a program; in data only SQL is sure.
    """
    if wanted.table is not None and not wanted.about.search(text):
        return
    lines = text.split("\n")
    queried, declared = list(_queries(text, wanted)), list(_lines(text, wanted.declared))
    for number in _named(text, wanted):
        line = lines[number - 1]
        if _COMMENT.match(line):
            continue
        if wanted.table is None:
            sure = number in queried or number in declared or (code and wanted.telling and not _elsewhere(line, wanted))
        elif wanted.shared:
            sure = _near(number, queried, _CLOSE)
        else:
            within = any(0 <= number - other <= _BODY for other in declared)
            alone = wanted.telling or within or wanted.qualified.search(line) is not None
            sure = _near(number, queried, _NEAR) or (code and alone)
        yield number, sure


def _near(number: int, others: list[int], lines: int) -> bool:
    return any(abs(number - other) <= lines for other in others)


def _elsewhere(line: str, wanted: Wanted) -> bool:
    """Whether it is the name of a module or of a folder."""
    return bool(_IMPORT.match(line)) or any(
        "/" in (line[found.start() - 1 : found.start()], line[found.end() : found.end() + 1])
        for found in wanted.identifier.finditer(line)
    )


def _queries(text: str, wanted: Wanted) -> Iterator[int]:
    for found in wanted.queried.finditer(text):
        if _QUERY.search(text, max(0, found.start() - _BACK), found.end()):
            yield text.count("\n", 0, found.end()) + 1


def _lines(text: str, pattern: re.Pattern[str]) -> Iterator[int]:
    for found in pattern.finditer(text):
        yield text.count("\n", 0, found.end()) + 1


def _named(text: str, wanted: Wanted) -> Iterator[int]:
    line, counted, last = 1, 0, 0
    for found in wanted.identifier.finditer(text):
        line += text.count("\n", counted, found.start())
        counted = found.start()
        # A function of that name is no table, unless SQL lists a table's columns behind it.
        if text[found.end() : found.end() + 1] == "(" and not _CALL.search(text[max(0, counted - 40) : counted]):
            continue
        if line != last:
            last = line
            yield line
