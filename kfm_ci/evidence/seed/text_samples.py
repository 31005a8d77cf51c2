"""Texts that a schema allows and an application forgets: empty, long, padded, of other scripts, alike but for case."""

from __future__ import annotations

LONG = 1_000
"""Length of the long text: beyond what is usual, and short enough for any index once compressed."""

ORDINARY = "alpha"
UNICODE = "Z\u00f6e \U0001f600 \u202e\u0627\u0628"
"""A combining script, a character beyond the first plane and a change of direction."""

TEXTS = (ORDINARY, "", UNICODE, "x" * LONG, "O'Brien \\ %_\"", " padded ", "0012", "Alpha", "n/a", "line\nline")
"""In order of weight."""

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
"""Well-formed pieces that conditions on texts often want."""


def fitted(text: str, length: int | None) -> str:
    """Return a text that fits a column of that many characters."""
    return text if length is None else text[:length]


def key(number: int, length: int | None) -> str:
    """Return one of a series of different texts; neighbours differ by case, script or an accent alone."""
    heads = ("Key-", "key-", "k\u00e9y-", "ke\u0301y-", "KEY ", "\u043a\u043b\u044e\u0447-")
    text = f"{heads[number % len(heads)]}{number // 2 + 1}"
    if length is None or len(text) <= length:
        return text
    digits = "abcdefghijklmnopqrstuvwxyz0123456789"
    short = ""
    rest = number
    while len(short) < max(length, 1):
        short = digits[rest % len(digits)] + short
        rest //= len(digits)
    return short
