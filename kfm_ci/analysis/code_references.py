"""Uses of a table or column in a text: certain uses, and words that may mean something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from kfm_ci.analysis import embedded_sql
from kfm_ci.analysis.embedded_sql import Query

_NEAR = 8
"""Lines that an ORM's call may need to name its columns."""
_BODY = 60
"""Lines that a class of the application may need to list its columns."""

_COMMENT = re.compile(r"\s*(?://|#(?!\[)|--|\*|/\*|<!--)")
_CALL = re.compile(r"(?:into|references|on|from|join|update|table)\s+[\w.\"`]*$", re.IGNORECASE)
_OUTER = re.compile(
    r"(?:@|(?:(?:export|default|pub|public|abstract|final|async|static|data)\s+)*"
    r"(?:class|struct|model|interface|type|enum|record|object|def|func|fn|function|const|impl|defmodule)\b)"
)
"""Where the next thing of a file begins, at the edge of the line."""
_LABELLED = re.compile(r"[\"'`][\w.-]*$")
"""In front of a word in a string of words with dots, such as an event's name."""
_DECLARES = r"(?:table_?name|table|entity|schema|model|relation|map|knex|source|has_many|belongs_to|\.from|\.into)"
_KINDS = r"\b(?:class|struct|model|record|defmodule|type(?=\s+\w+\s+struct\b))\s+|\btable!\s*[({]\s*"
_CALLS = (
    r"(?:objects|query|find|where|filter|create|update|upsert|delete|select|insert|values|count|aggregate|group|order|"
    r"include|joins|exclude|pluck|all|get(?!\s*\(\s*[\"']))"  # a dictionary is asked for a name
)


_GENERIC = frozenset(
    [
        "id",
        "name",
        "type",
        "status",
        "state",
        "title",
        "value",
        "key",
        "data",
        "date",
        "time",
        "email",
        "phone",
        "url",
        "code",
        "count",
        "text",
        "body",
        "label",
        "kind",
        "role",
        "user",
        "version",
        "description",
        "content",
        "comment",
        "position",
        "order",
        "path",
        "size",
        "token",
        "password",
        "username",
        "address",
        "language",
        "enabled",
    ]
)
"""Names that objects of every kind have."""


@dataclass(frozen=True)  # without slots, so that its patterns are compiled once
class Wanted:
    """An identifier to look for."""

    name: str
    table: str | None = None
    """For a column: the table that a text must name too."""
    shared: bool = False
    """For a column: whether other tables have one of that name."""
    schema: str | None = None
    """Of the table, where it is known."""

    @property
    def is_specific(self) -> bool:
        """Whether the name is not a plain word, which code uses for many things."""
        return re.search(r"[_\d]|[a-z][A-Z]|[^\x00-\x7f]", self.name) is not None

    @property
    def spellings(self) -> tuple[str, ...]:
        """The name as it is; for one that SQL folds to lower case, in capitals too."""
        return (self.name, self.name.upper()) if self.name == self.name.lower() else (self.name,)

    @property
    def _holder(self) -> str:
        return self.table or self.name

    @cached_property
    def identifier(self) -> re.Pattern[str]:
        """The name as a whole identifier."""
        return re.compile(rf"(?<![\w$])(?:{'|'.join(map(re.escape, self.spellings))})(?![\w$])")

    @cached_property
    def _forms(self) -> str:
        """The table as code writes it: plural and singular, with and without underscores."""
        table = self._holder.lower()
        singular = f"{table[:-3]}y" if table.endswith("ies") else table.removesuffix("s")
        forms = {table, singular, table.replace("_", ""), singular.replace("_", "")} - {""}
        return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))

    @cached_property
    def about(self) -> re.Pattern[str]:
        """The table's name in any form, also as the beginning of a longer word."""
        return re.compile(
            rf"(?<![a-z0-9])(?:{self._forms})|(?<=[a-z0-9])(?-i:(?=[A-Z]))(?:{self._forms})", re.IGNORECASE
        )

    @cached_property
    def queried(self) -> re.Pattern[str]:
        """The table where SQL names it."""
        return embedded_sql.pattern(self._holder)

    @cached_property
    def declared(self) -> re.Pattern[str]:
        """The table where code says which one a class stands for, or is called like it."""
        table = re.escape(self._holder)
        named = rf"(?i:{_DECLARES})[\"']?[\s_=:(,{{!\[]{{0,12}}[\"'`](?:\w+\.)?{table}[\"'`]"
        kind = rf"(?:{_KINDS})(?:\w+\.)*(?i:(?:{self._forms})(?:entity|model|row|record|table|base|schema)?s?)\b"
        return re.compile(f"{named}|{kind}")

    @cached_property
    def handled(self) -> re.Pattern[str]:
        """The table where an ORM is asked for rows of it."""
        return re.compile(
            rf"(?<!\w)(?i:{self._forms})(?:::|\s*\.\s*){_CALLS}\w*\b|(?<!\w)(?i:{self._forms})::(?:table|dsl)\b"
        )

    @cached_property
    def qualified(self) -> re.Pattern[str]:
        """The column behind its table."""
        return re.compile(
            rf"(?<!\w)(?i:{self._forms})(?:\.|->|::|\?\.|!\.|\[[\"':]|\.get\([\"'])[\"`]?{re.escape(self.name)}(?![\w$(])"
        )

    @cached_property
    def attribute(self) -> re.Pattern[str]:
        """The column where a class lists it: at the line's beginning behind words such as its type, or in quotes."""
        name = re.escape(self.name)
        return re.compile(rf"^\s*(?:[\w.<>\[\]]+\s+){{0,3}}:?{name}[?!]?\s*(?:[:=;,]|$|\s\w)|[\"'`:]{name}\b")


def mentions(text: str, wanted: Wanted, *, code: bool = True) -> Iterator[tuple[int, bool]]:
    """Yield each 1-based line on which a name stands, and whether it surely means what is wanted.

    Sure is a statement of SQL about the table, a class that stands for it, an ORM's call, an object called like it.
    Comments do not count, nor does a function of that name. For a column nothing is yielded where the text does not
    name its table. ``code``: whether the text is a program at the database; elsewhere only SQL is sure.
    """
    if wanted.table is not None and not wanted.about.search(text):
        return
    asked = list(embedded_sql.about(text, wanted.table or wanted.name, wanted.queried, wanted.schema))
    lines = text.split("\n")
    ours = _Code(text, lines, wanted, known=bool(asked)) if code else None
    lines_found: dict[int, bool] = {}
    for line, start in _named(text, wanted):
        if lines_found.get(line) or _COMMENT.match(lines[line - 1]):
            continue
        lines_found[line] = _queried(text, start, wanted, asked) or (ours is not None and ours.sure(line))
    yield from lines_found.items()


def _queried(text: str, start: int, wanted: Wanted, asked: list[Query]) -> bool:
    if wanted.table is None:
        return any(start < query.table <= start + len(wanted.name) + 1 for query in asked)
    return any(query.uses(text, start, shared=wanted.shared) for query in asked)


class _Code:
    """What a program says of the table, beside its SQL."""

    def __init__(self, text: str, lines: list[str], wanted: Wanted, *, known: bool) -> None:
        self._lines, self._wanted = lines, wanted
        declared = set(_lines(text, wanted.declared))
        self._handled = set(_lines(text, wanted.handled))
        self._declared, self._bodies = declared, [_body(lines, line) for line in declared]
        self._known = known or bool(declared or self._handled)

    def sure(self, line: int) -> bool:
        wanted, text = self._wanted, self._lines[line - 1]
        if wanted.table is None:
            return line in self._declared or line in self._handled
        if any(_LABELLED.search(text[: found.start()]) is None for found in wanted.qualified.finditer(text)):
            return self._known or wanted.name.lower() not in _GENERIC
        if any(first <= line <= last for first, last in self._bodies):
            return wanted.attribute.search(text) is not None or (wanted.is_specific and not wanted.shared)
        if wanted.shared or not wanted.is_specific:
            return False
        return any(0 <= line - other <= _NEAR for other in self._handled)


def _body(lines: list[str], line: int) -> tuple[int, int]:
    """Return the first and last line of what a declaration on this line belongs to."""
    first = next((at for at in range(line, max(0, line - _BODY), -1) if _OUTER.match(lines[at - 1])), line)
    after = range(line + 1, min(len(lines), line + _BODY) + 1)
    last = next((at - 1 for at in after if _OUTER.match(lines[at - 1])), min(len(lines), line + _BODY))
    return first, last


def _lines(text: str, pattern: re.Pattern[str]) -> Iterator[int]:
    for found in pattern.finditer(text):
        yield text.count("\n", 0, found.end()) + 1


def _named(text: str, wanted: Wanted) -> Iterator[tuple[int, int]]:
    """Yield the line and offset of each place where the name stands."""
    line, counted = 1, 0
    for found in wanted.identifier.finditer(text):
        line += text.count("\n", counted, found.start())
        counted = found.start()
        # A function of that name is no table, unless SQL lists a table's columns behind it.
        if text[found.end() : found.end() + 1] == "(" and not _CALL.search(text[max(0, counted - 40) : counted]):
            continue
        yield line, found.start()
