"""plan.txt: the files of the plan with their sha256, in the format of sha256sum."""

from __future__ import annotations

from collections.abc import Iterable

from kfm_ci.model import Digest


def render(plan: Iterable[tuple[str, Digest]]) -> str:
    """Return plan.txt: ``<64 hex>  <path>`` per line, in plan order, for ``sha256sum -c``."""
    return "".join(_line(path, digest) for path, digest in plan)


def digest(plan: Iterable[tuple[str, Digest]]) -> Digest:
    """Return the sha256 of plan.txt."""
    return Digest.of(render(plan).encode("utf-8", "surrogateescape"))


def _line(path: str, digest: Digest) -> str:
    # sha256sum marks a line with an escaped name by a leading backslash
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == path else chr(92)}{digest}  {escaped}\n"
