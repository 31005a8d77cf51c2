"""Rule ``binary``: binary file or archive among the migrations."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import touched
from kfm_ci.analysis.executable_format import executable_kind
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.file_finding import file_finding

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip archive"),
    (b"PK\x05\x06", "zip archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ\x00", "xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"Rar!\x1a\x07", "rar archive"),
    (b"\x28\xb5\x2f\xfd", "zstd archive"),
    (b"\x04\x22\x4d\x18", "lz4 archive"),
    (b"PGDMP", "pg_dump archive"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"%PDF-", "PDF document"),
    (b"\x89PNG\r\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office document"),
    (b"!<arch>\n", "ar archive"),
    (b"PAR1", "Parquet file"),
    (b"Obj\x01", "Avro file"),
)
_TEXT_LIKE = (b"BZh", b"PAR1", b"GIF8")


BINARY = RuleInfo(
    id="binary",
    hazard=Hazard.FORBIDDEN_CONTENT,
    title="Binary file or archive among the migrations",
    why=(
        "A diff does not show binary content, so reviewers cannot read it. Archives and binaries can "
        "carry dumps, programs and data past every other check. Remove the file."
    ),
    bad="PGDMP\x00\x01\x0e\x00\x04 … (a custom-format dump, renamed to 20260225_1200__add_widgets_table.up.sql)\n",
    good="create table widgets (id bigint generated always as identity primary key);\n",
)


class Binary:
    """Detects binary files by their content; the file name does not count."""

    info = BINARY

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new or changed file that is not text."""
        for item in touched(change):
            kind = binary_kind(item.file.data)
            if kind and not executable_kind(item.file.data):
                yield file_finding(
                    BINARY,
                    change,
                    item,
                    f"The file is not a migration: expected UTF-8 text, got a {kind}.",
                    help="Remove the file. If it is SQL in UTF-16, save it as UTF-8.",
                )


def binary_kind(data: bytes) -> str | None:
    """Return what a file is by its content, or None for text."""
    for magic, kind in _MAGIC:
        if data.startswith(magic) and (magic not in _TEXT_LIKE or not _is_text(data)):
            return kind
    if data[257:262] == b"ustar":
        return "tar archive"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "file in UTF-16"
    return "binary file with NUL bytes" if b"\0" in data else None


def _is_text(data: bytes) -> bool:
    return b"\0" not in data and data.isascii()
