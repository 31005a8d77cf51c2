"""Executable files, by their first bytes."""

from __future__ import annotations

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "Linux program"),
    (b"MZ", "Windows program"),
    (b"\xca\xfe\xba\xbe", "Java class or macOS program"),
    (b"\xcf\xfa\xed\xfe", "macOS program"),
    (b"\xce\xfa\xed\xfe", "macOS program"),
    (b"\xfe\xed\xfa\xcf", "macOS program"),
    (b"\x00asm", "WebAssembly program"),
)


def executable_kind(data: bytes) -> str | None:
    """Return what kind of program a file is by its content, or None."""
    if data.removeprefix(b"\xef\xbb\xbf").startswith(b"#!"):
        return "script"
    for magic, kind in _MAGIC:
        # Two letters may begin a text; a Windows program's header has NUL bytes.
        if data.startswith(magic) and (magic != b"MZ" or b"\0" in data[:64]):
            return kind
    return None
