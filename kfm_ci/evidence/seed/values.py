"""Sample values of each type: ordinary ones first, then those that fail a migration tested only on empty tables.

Numbers are too large for a narrower type, but leave room for arithmetic: a data migration that multiplies by 100 must
not fail because of the largest value of a type, which real tables do not hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from uuid import UUID

from kfm_ci.evidence.seed import text_samples
from kfm_ci.evidence.seed.model import Type

_TEXT = frozenset({"text", "varchar", "bpchar", "citext", "name"})

_PLAIN: Mapping[str, tuple[str, ...]] = {
    "bool": ("true", "false"),
    "int2": ("7", "0", "-1", "32000", "300"),
    "int4": ("7", "0", "-1", "20000003", "70003"),
    "int8": ("7", "0", "-1", "9007199254740993", "3000000019"),
    "float4": ("0.5", "0", "-1.5", "1e15", "16777217"),
    "float8": ("0.5", "0", "-1.5", "1e15", "0.1"),
    "money": ("7.50", "0", "-1.25", "12345678.90"),
    "oid": ("16384", "0", "3000000019"),
    "date": ("2024-02-29", "1970-01-01", "9999-12-31", "0001-01-01", "2023-03-26"),
    "timestamp": ("2024-02-29 12:00:00", "1970-01-01 00:00:00", "9999-12-31 23:59:59.999999", "0001-01-01 00:00:00"),
    "timestamptz": (
        "2024-02-29 12:00:00+00",
        "1970-01-01 00:00:00+00",
        "9999-12-31 23:59:59.999999+00",
        "0001-01-01 00:00:00+00",
        "2024-03-31 01:30:00+00",
    ),
    "time": ("12:00:00", "00:00:00", "23:59:59.999999", "24:00:00"),
    "timetz": ("12:00:00+00", "00:00:00-12", "23:59:59.999999+14"),
    "interval": ("1 day", "0", "-1 mons", "100 years 3 days 04:05:06.789"),
    "uuid": (
        "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ),
    "json": ('{"a": 1}', "{}", '{"a": null, "b": {"c": ["\\u00f6", ""]}}'),
    "jsonb": ('{"a": 1}', "{}", '{"a": null, "b": {"c": ["\\u00f6", ""]}}'),
    "bytea": ("\\x616c706861", "\\x", "\\x00ff", "\\x" + "00" * 300),
    "inet": ("192.0.2.1", "0.0.0.0/0", "2001:db8::1"),
    "cidr": ("192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32"),
    "macaddr": ("08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"),
    "macaddr8": ("08:00:2b:01:02:03:04:05",),
    "char": ("a", "Z", ""),
    "xml": ("<a/>", "<a b='c'>&lt;</a>", ""),
    "tsvector": ("'alpha':1", "", "'a':1A 'b':2"),
    "tsquery": ("'alpha'", "", "'a' & !'b'"),
    "point": ("(1,2)", "(0,0)", "(-180,90)"),
    "line": ("{1,2,3}",),
    "lseg": ("[(0,0),(1,1)]",),
    "box": ("(1,1),(0,0)",),
    "path": ("[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"),
    "polygon": ("((0,0),(1,1),(2,0))",),
    "circle": ("<(0,0),1>", "<(0,0),0>"),
    "pg_lsn": ("0/16B3748", "0/0"),
    "xid": ("3",),
    "jsonpath": ("$.a", "$"),
    "regclass": ("pg_class",),
    "regtype": ("integer",),
    "regproc": ("now",),
    "regconfig": ("simple",),
    "hstore": ("a=>1", "", "a=>NULL"),
    "ltree": ("top", "top.sub", ""),
    "lquery": ("top.*",),
    "cube": ("(1,2,3)", "(0)"),
    "seg": ("1 .. 2",),
    "isbn": ("978-0-11-000222-4",),
    "geometry": ("SRID=4326;POINT(1 2)", "POINT(1 2)", "POINT EMPTY"),
    "geography": ("POINT(1 2)", "SRID=4326;POINT(-180 90)"),
}
_FALLBACK = ("", "0", "1", "a", "{}", "[]", "()", "(0,0)", "true")

_ALWAYS_VALID = frozenset(_PLAIN) & frozenset(
    {
        "bool",
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "date",
        "timestamp",
        "timestamptz",
        "time",
        "interval",
        "uuid",
        "json",
        "jsonb",
        "bytea",
        "inet",
    }
) | frozenset({"numeric", "text", "varchar"})

_DIGITS = re.compile(r"-?\d{1,18}")
_LIMITS: Mapping[str, int] = {"int2": 2**15 - 1, "int4": 2**31 - 1, "int8": 2**63 - 1, "oid": 2**31 - 1}
_NUMBER = re.compile(r"-?\d{1,30}(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d.*|-?infinity")
_SHAPES: Mapping[str, re.Pattern[str]] = {
    "bool": re.compile("true|false"),
    "uuid": re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "time": re.compile(r"\d\d:\d\d.*"),
    "interval": re.compile(r"-?\d.*"),
    "json": re.compile(r"[\[{].*|null|true"),
    "jsonb": re.compile(r"[\[{].*|null|true"),
    **dict.fromkeys(("numeric", "float4", "float8", "money"), _NUMBER),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), _DAY),
}
"""Text format of a type."""

_RANGE_BOUNDS: Mapping[str, tuple[str, ...]] = {
    "int4": ("1", "10", "70003"),
    "int8": ("1", "10", "3000000019"),
    "numeric": ("0.5", "10", "12345678.9"),
    "date": ("2024-02-29", "2024-03-31", "9999-12-31"),
    "timestamp": ("2024-02-29 12:00:00", "2024-03-31 12:00:00", "9999-12-31 00:00:00"),
    "timestamptz": ("2024-02-29 12:00:00+00", "2024-03-31 12:00:00+00", "9999-12-31 00:00:00+00"),
}
"""Ascending bounds of ranges, by subtype."""


def samples(type_: Type) -> tuple[str, ...]:
    """Return different values of a type, most useful first."""
    return tuple(dict.fromkeys(_samples(type_)))


def is_readable(type_: Type, text: str) -> bool:
    """Whether a text may be a value of a type; False if the server would certainly reject it."""
    if type_.name in _LIMITS:
        return _DIGITS.fullmatch(text) is not None and abs(int(text)) <= _LIMITS[type_.name]
    shape = _SHAPES.get(type_.name)
    return type_.kind not in "ecrm" and (shape is None or shape.fullmatch(text) is not None) or text in type_.labels


def is_always_valid(type_: Type) -> bool:
    """Whether the server accepts every sample of the type, so that they need no check there."""
    if type_.kind in "ecm" or type_.name in _ALWAYS_VALID:
        return not type_.conditions
    if type_.element is not None and (type_.kind == "r" or type_.name.startswith("_")):
        return is_always_valid(type_.element)
    return False


def distinct_value(type_: Type, number: int) -> str | None:
    """Return the value of that number in a series without duplicates; None if the type has no such series.

    Numbers are larger than those of a sequence or of a lookup table that a migration fills.
    """
    length = type_.sizes[0] if type_.sizes else None
    if type_.name in _TEXT:
        return text_samples.distinct_text(number, length)
    if type_.kind == "e":
        return type_.labels[number] if number < len(type_.labels) else None
    if type_.name in {"numeric", "money"} and len(_numeric(type_)[0]) < 9:
        return str(number + 1)
    if type_.name == "_text" or (type_.element is not None and type_.kind == "b"):
        inner = distinct_value(type_.element, number) if type_.element is not None else None
        return None if inner is None else _array(inner)
    if type_.kind == "r":
        return _distinct_range(type_, number)
    series = _SERIES.get(type_.name)
    return None if series is None else series(number)


def small_distinct_value(type_: Type, number: int) -> str | None:
    """Return the value of that number in a series that also fits a narrower type; None if the type has none."""
    is_number = type_.name in {*_LIMITS, "numeric", "float4", "float8"}
    return str(11 + number) if is_number else distinct_value(type_, number)


_SERIES: Mapping[str, Callable[[int], str]] = {
    "int2": lambda n: str(20_001 + 7 * n),
    "int4": lambda n: str(1_000_003 + 7 * n),
    "int8": lambda n: str(1_000_003 + 7 * n),
    "numeric": lambda n: str(1_000_003 + 7 * n),
    "float4": lambda n: str(100_003 + 7 * n),
    "float8": lambda n: str(1_000_003 + 7 * n),
    "money": lambda n: str(1_000_003 + 7 * n),
    "oid": lambda n: str(1_000_003 + 7 * n),
    "uuid": lambda n: str(UUID(int=(0x5EED << 112) | n + 1, version=4)),
    "date": lambda n: f"{1990 + n % 400}-02-{n % 28 + 1:02}",
    "timestamp": lambda n: f"{1990 + n % 400}-02-{n % 28 + 1:02} 12:00:00",
    "timestamptz": lambda n: f"{1990 + n % 400}-02-{n % 28 + 1:02} 12:00:00+00",
    "time": lambda n: f"{n % 24:02}:{n % 60:02}:00",
    "interval": lambda n: f"{n + 1} days",
    "json": lambda n: f'{{"key": {n}}}',
    "jsonb": lambda n: f'{{"key": {n}}}',
    "bytea": lambda n: f"\\x5eed{n:04x}",
    "inet": lambda n: f"198.51.{n // 250 % 250}.{n % 250 + 1}",
    "cidr": lambda n: f"198.51.{n % 250}.0/24",
    "macaddr": lambda n: f"08:00:2b:00:{n // 256 % 256:02x}:{n % 256:02x}",
    "char": lambda n: chr(ord("a") + n % 26),
    "ltree": lambda n: f"key{n}",
    "hstore": lambda n: f"key=>{n}",
    "tsvector": lambda n: f"'key{n}':1",
    "pg_lsn": lambda n: f"0/{n + 1:X}",
}


def _samples(type_: Type) -> tuple[str, ...]:
    if type_.kind == "e":
        return type_.labels
    if type_.kind == "c":
        return ("(" + "," * max(type_.fields - 1, 0) + ")",)
    if type_.kind == "r":
        return _ranges(type_)
    if type_.kind == "m":
        return ("{}",)
    if type_.name.startswith("_") and type_.element is not None:
        inner = _samples(type_.element)
        return (_array(*inner[:1]), "{}", _array(*inner[:1], *inner[:1], None), _array(*inner[:4]))
    length = type_.sizes[0] if type_.sizes else None
    if type_.name in {"varchar", "bpchar"} or type_.name in _TEXT:
        limit = 60 if type_.name == "name" else length
        full = ("y" * min(limit, text_samples.LONG),) if limit is not None else ()
        return (
            text_samples.truncate(text_samples.ORDINARY, limit),
            "",
            text_samples.truncate(text_samples.UNICODE, limit),
            *full,
            *(text_samples.truncate(text, limit) for text in text_samples.TEXTS),
        )
    if type_.name == "numeric":
        whole, part = _numeric(type_)
        return ("7", "0", "-1", f"{whole}{part}", "0" + part if part else "3", "1")
    if type_.name in {"bit", "varbit"}:
        size = length or 8
        return ("1" * size, "0" * size)
    if type_.name in {"vector", "halfvec"}:
        size = length or 3
        return ("[" + ",".join(["1"] * size) + "]", "[" + ",".join(["0"] * size) + "]")
    return _PLAIN.get(type_.name, _FALLBACK)


def _numeric(type_: Type) -> tuple[str, str]:
    """Return a large value that fits: the digits before the decimal point, and the point with those after it."""
    if not type_.sizes:
        return "123456789012", ".123456789"
    precision, scale = type_.sizes[0], type_.sizes[1] if len(type_.sizes) > 1 else 0
    before = min(max(precision - scale, 0), 12)
    return "123456789012"[:before] or "0", "." + "987654321"[: min(scale, precision)] if scale > 0 else ""


def _array(*values: str | None) -> str:
    quoted = (
        "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values
    )
    return "{" + ",".join(quoted) + "}"


def _ranges(type_: Type) -> tuple[str, ...]:
    bounds = _RANGE_BOUNDS.get(type_.element.name if type_.element else "")
    if bounds is None:
        return ("empty", "(,)")
    low, high, top = bounds
    return (f'["{low}","{high}")', "empty", f'["{high}",)', f'["{low}","{low}"]', f'("{high}","{top}")')


def _distinct_range(type_: Type, number: int) -> str | None:
    if type_.element is None:
        return None
    low, high = distinct_value(type_.element, 2 * number), distinct_value(type_.element, 2 * number + 1)
    return None if low is None or high is None else f'["{low}","{high}")'
