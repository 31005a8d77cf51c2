"""Parts of sentences that messages share: counted nouns, lists with a limit, line numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 row``, ``2 rows``; ``plural`` is for irregular nouns."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or f'{noun}s'}"


def and_more(total: int, limit: int) -> str:
    """Return the end of a list of which ``limit`` items are shown: `` and 3 more``, or empty."""
    return f" and {total - limit} more" if total > limit else ""


def listed(items: Sequence[str], limit: int, *, joint: str = ", ") -> str:
    """Return the first items as one line, and the number of the others: ``a, b and 3 more``."""
    return joint.join(items[:limit]) + and_more(len(items), limit)


def lines(numbers: Iterable[int], limit: int) -> str:
    """Return line numbers as text, each once, in the given order: ``line 4``, ``lines 4, 7 and 2 more``."""
    each = [str(number) for number in dict.fromkeys(numbers)]
    return f"line{'s' if len(each) > 1 else ''} {listed(each, limit)}"


def quoted(names: Sequence[str], limit: int) -> str:
    """Return the first names in backticks as one line, and the number of the others."""
    return listed([f"`{name}`" for name in names], limit)
