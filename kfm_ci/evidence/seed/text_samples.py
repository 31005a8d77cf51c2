"""Texts that a schema allows and applications often mishandle: empty, long, padded, non-Latin, other case only."""

from __future__ import annotations

LONG = 1_000
"""Length of the long text, which still fits into an index row once it is compressed."""

ORDINARY = "alpha"
UNICODE = "Z\u00f6e \U0001f600 \u202e\u0627\u0628"
"""A combining script, a character beyond the first plane and a change of direction."""

TEXTS = (ORDINARY, "", UNICODE, "x" * LONG, "O'Brien \\ %_\"", " padded ", "0012", "Alpha", "n/a", "line\nline")
"""Most useful first."""

CODES = (
    "AB",
    "ab",
    "ABC",
    "abc",
    "Abc",
    "USD",
    "en",
    "en_US",
    "A1",
    "1",
    "0",
    "12",
    "123",
    "1234",
    "12345",
    "00:00",
    "a@b.example",
    "ada@example.com",
    "https://example.com/",
    "http://a.example/b",
    "example.com",
    "/",
    "/a",
    "#aabbcc",
    "+15555550100",
    "15555550100",
    "1.0.0",
    "v1.0.0",
    "2024-02-29",
    "2024-02-29T00:00:00Z",
    "a-b",
    "a_b",
    "a.b",
    "a/b",
    "127.0.0.1",
    "00000000-0000-4000-8000-000000000000",
    "{}",
    "[]",
    "null",
    "true",
    "UTC",
    "Europe/Paris",
)
"""Common formats that check constraints on texts require."""


def truncate(text: str, length: int | None) -> str:
    """Return the text, cut to the column's length in characters; None is no limit."""
    return text if length is None else text[:length]


def distinct_text(number: int, length: int | None) -> str:
    """Return the text of that number in a series without duplicates; neighbours differ in case, script or an accent."""
    prefixes = ("Key-", "key-", "k\u00e9y-", "ke\u0301y-", "KEY ", "\u043a\u043b\u044e\u0447-")
    text = f"{prefixes[number % len(prefixes)]}{number // 2 + 1}"
    if length is None or len(text) <= length:
        return text
    digits = "abcdefghijklmnopqrstuvwxyz0123456789"
    short = ""
    rest = number
    while len(short) < max(length, 1):
        short = digits[rest % len(digits)] + short
        rest //= len(digits)
    return short
