"""No program stands among the migrations."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.model import Finding, Hazard
from kfm_ci.rules.base import Change
from kfm_ci.rules.forbidden import found_in
from kfm_ci.rules.touched import runs_a_tool, touched

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "Linux program"), (b"MZ", "Windows program"), (b"\xca\xfe\xba\xbe", "Java class or macOS program"),
    (b"\xcf\xfa\xed\xfe", "macOS program"), (b"\xce\xfa\xed\xfe", "macOS program"),
    (b"\xfe\xed\xfa\xcf", "macOS program"),
    (b"\x00asm", "WebAssembly program"),
)  # fmt: skip


class Executable:
    """Finds programs and scripts by their first bytes."""

    id = "executable"
    hazard = Hazard.FORBIDDEN_CONTENT
    title = "No program or script stands among the migrations"
    why = (
        "A migration runs inside the database, under its roles and its locks. A program beside it runs wherever "
        "somebody starts it, unseen by the gate, the ledger and the receipt."
    )
    bad = '#!/bin/sh\npsql -c "update widgets set price = 0"\n'
    good = "update widgets set price = 0 where price is null and id between 1 and 1000;\n"

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield new and changed files that are programs."""
        for item in touched(change):
            # Migrations of some tools are scripts that the tool itself runs.
            if item.migration is not None and runs_a_tool(item.migration):
                continue
            kind = executable_kind(item.file.data)
            if kind:
                yield found_in(
                    self, change, item, f"expected SQL, got a {kind}",
                    help="remove it; what must run outside the database belongs to the deployment",
                )  # fmt: skip


def executable_kind(data: bytes) -> str | None:
    """Return what kind of program a file is by its content, or None."""
    if data.removeprefix(b"\xef\xbb\xbf").startswith(b"#!"):
        return "script"
    for magic, kind in _MAGIC:
        # Two letters may begin a text; a Windows program's header has NUL bytes.
        if data.startswith(magic) and (magic != b"MZ" or b"\0" in data[:64]):
            return kind
    return None
