"""SQL in the text of programs: where a statement about a table begins and ends, and what it calls the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BACK = 800
"""Characters that a statement may have in front of its table."""
_LONG = 4000
"""Characters that it may have behind it."""

_IGNORE = re.IGNORECASE | re.MULTILINE
_VERB = re.compile(
    r"(?<![\w$])(?:with|select|insert|update|delete|merge|create|alter|drop|truncate|copy|lock)(?![\w$])", _IGNORE
)
_BOUNDARY = re.compile(r";|\n[ \t\r]*\n")
_BEFORE = r"\b(?:from|join|into|references|truncate|(?:create|alter|drop|truncate|lock)\s+table)"
_OTHERS = re.compile(
    r"\b(?:from|join|into|update)\s+(?:only\s+)?(?:\\?[\"`\[]?\w+\\?[\"`\]]?\.)?\\?[\"`\[]?(\w+)", _IGNORE
)
_QUALIFIER = re.compile(r"(\w+)\\?[\"`\]]?\s*\.\s*\\?[\"`\[]?$")
_LABEL = re.compile(r"\bas\s+\\?[\"`\[]?$", re.IGNORECASE)
_OPENING = re.compile(r"(\"\"\"|'''|[\"'`])\s*$")
_CONTINUED = re.compile(r"[\s+.,&|\\<]*(?:[frFR]{0,2})[\"'`]+")
"""Between the strings of which a statement is put together."""
_KEYWORDS = frozenset(
    [
        "where",
        "set",
        "join",
        "on",
        "left",
        "inner",
        "cross",
        "right",
        "full",
        "order",
        "group",
        "limit",
        "using",
        "values",
        "returning",
        "select",
        "and",
        "or",
        "for",
        "natural",
        "lateral",
        "union",
        "having",
        "window",
        "offset",
        "default",
        "as",
        "except",
        "intersect",
        "fetch",
        "cascade",
        "restrict",
    ]
)
_ROWS = frozenset({"excluded", "new", "old"})
"""Names by which a statement calls rows of its own table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A statement that names the table."""

    table: int
    """Offset behind the table's name."""
    start: int
    end: int
    """Offsets of the statement in the text."""
    names: frozenset[str]
    """The table's own name and what the statement calls it, in lower case."""
    alone: bool
    """Whether it names no other table."""

    def uses(self, text: str, start: int, *, shared: bool) -> bool:
        """Whether a column's name that begins here is that of the table; ``shared``: other tables have one too."""
        if not self.start <= start < self.end:
            return False
        before = text[max(self.start, start - 80) : start]
        if _LABEL.search(before):
            return False
        qualifier = _QUALIFIER.search(before)
        return qualifier[1].lower() in self.names | _ROWS if qualifier else self.alone or not shared


def pattern(table: str) -> re.Pattern[str]:
    """Return what finds a table where SQL names it; a name with capitals stands in quotes there."""
    exact = table != table.lower()
    name = rf"(?-i:{re.escape(table)})" if exact else re.escape(table)
    quoted = r"\\?[\"`\[]" if exact else r"\\?[\"`\[]?"
    schema = r"(?:\\?[\"`\[]?(?P<schema{0}>\w+)\\?[\"`\]]?\.)?"
    # what stands in front of a dot there is a schema
    whole = rf"(?:if\s+(?:not\s+)?exists\s+|only\s+)?{{}}{quoted}{name}(?![\w$/-]|\\?[\"`\]]?\.[\\\"`\[\w])"
    first, second = (whole.format(schema.replace("{0}", number)) for number in "12")
    return re.compile(
        rf"{_BEFORE}\s+{first}(?!\s+import\b)|\bupdate\s+{second}(?=[\\\"`\]]{{0,2}}(?:\s+(?:as\s+)?\w+)?\s+set\b|\s*$)",
        _IGNORE,
    )


def about(text: str, table: str, found: re.Pattern[str], schema: str | None = None) -> Iterator[Query]:
    """Yield the statements in a text that name a table, found by its pattern; none of another schema's."""
    for match in found.finditer(text):
        other = match["schema1"] or match["schema2"]
        if schema is not None and other is not None and other.lower() != schema.lower():
            continue
        floor = max(0, match.start() - _BACK)
        floor = max([floor, *(cut.end() for cut in _BOUNDARY.finditer(text, floor, match.start()))])
        verb = _VERB.search(text, floor, match.end())
        if verb is None:
            continue
        end = _end(text, verb.start(), match.end())
        names = {table.lower()}
        alias = re.compile(r"[\\\"`\]]{0,2}\s+(?:as\s+)?(\w+)", re.IGNORECASE).match(text, match.end(), end)
        if alias is not None and alias[1].lower() not in _KEYWORDS:
            names.add(alias[1].lower())
        others = {item[1].lower() for item in _OTHERS.finditer(text, verb.start(), end)} - _KEYWORDS
        yield Query(table=match.end(), start=verb.start(), end=end, names=frozenset(names), alone=others <= names)


def _end(text: str, start: int, table: int) -> int:
    """Return where a statement ends that begins here and has named its table: its string, else its semicolon."""
    limit = min(len(text), table + _LONG)
    opening = _OPENING.search(text, max(0, start - 8), start)
    if opening is None:
        semicolon = text.find(";", table, limit)
        return limit if semicolon < 0 else semicolon
    closing = re.compile(rf"(?<!\\){re.escape(opening[1])}")
    last = closing.search(text, start, limit)
    while last is not None:
        more = _CONTINUED.match(text, last.end(), limit)
        if more is None:
            break
        last = closing.search(text, more.end(), limit)
    return limit if last is None else max(last.start(), table)
