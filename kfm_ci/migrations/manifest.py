"""The manifest: a reproducible list of all migrations with their digests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kfm_ci.migrations.model import History, Migration
from kfm_ci.model import Digest
from kfm_ci.sql.script import SourceFile

SCHEMA = "kfm-ci/manifest/v1"
MANIFEST = "meta/manifest.json"
CHECKSUMS = "meta/checksums.txt"

_CHECKSUM_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")


class _ManifestModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ManifestFile(_ManifestModel):
    """One file of a migration."""

    path: str
    """POSIX, relative to the migrations directory."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ManifestEntry(_ManifestModel):
    """One migration."""

    id: str
    order: int = Field(ge=1)
    """1-based position in the plan."""
    files: tuple[ManifestFile, ...]
    metadata: dict[str, str] = {}
    """Keys and values of the header, except the id."""


class Manifest(_ManifestModel):
    """All migrations of a directory, in plan order."""

    schema_: Literal["kfm-ci/manifest/v1"] = Field(default="kfm-ci/manifest/v1", alias="schema")
    format: str
    migrations: tuple[ManifestEntry, ...]

    def to_bytes(self) -> bytes:
        """Return the file's bytes: JSON in ASCII with sorted keys, an indent of two blanks and a final newline."""
        data = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(data, indent=2, sort_keys=True) + "\n").encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestProblem:
    """One difference between the manifest or the checksums and the files."""

    message: str
    path: str | None = None
    """Path of the migration's file, relative to the migrations directory."""
    line_ends: bool = False
    """Whether only the line ends differ, as after a checkout with CRLF."""


def build(history: History) -> Manifest:
    """Return the manifest of the files."""
    return Manifest(
        format=history.format,
        migrations=tuple(
            ManifestEntry(
                id=migration.id,
                order=order,
                files=tuple(
                    ManifestFile(path=relative(history, file.path), sha256=file.sha256.hex)
                    for file in _files(migration)
                ),
                metadata=_metadata(migration),
            )
            for order, migration in enumerate(history.migrations, start=1)
        ),
    )


def checksums(history: History) -> bytes:
    """Return all digests in plan order, as ``sha256sum --check`` reads them in the migrations directory."""
    lines = []
    for path, file in _by_path(history).items():
        name = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        lines.append(f"{chr(92) if name != path else ''}{file.sha256}  {name}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def verify_manifest(data: bytes, history: History) -> tuple[ManifestProblem, ...]:
    """Return the differences between a manifest and the files; empty if its bytes are as expected."""
    expected = build(history)
    if data == expected.to_bytes():
        return ()
    try:
        got = Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return (
            ManifestProblem(
                message=f"The file is not a manifest of schema {SCHEMA}: {where} {first['msg']}.".replace("  ", " ")
            ),
        )
    problems = (*_compare(got, expected, history),)
    return problems or (
        ManifestProblem(message="The content is correct, but the bytes differ from those of `kfm-ci manifest`."),
    )


def verify_checksums(data: bytes, history: History) -> tuple[ManifestProblem, ...]:
    """Return the differences between a list of checksums and the files; empty if its bytes are as expected."""
    if data == checksums(history):
        return ()
    got: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").splitlines(), start=1):
        match = _CHECKSUM_LINE.fullmatch(line)
        if match is None:
            return (ManifestProblem(message=f"Line {number} is not in the format of sha256sum."),)
        got[_unescaped(match[3]) if match[1] else match[3]] = match[2]
    files = _by_path(history)
    problems = (*_differences(got, {path: file.sha256.hex for path, file in files.items()}, files),)
    return problems or (ManifestProblem(message="The order or the form differs from that of `kfm-ci manifest`."),)


def relative(history: History, path: str) -> str:
    """Return a path relative to the migrations directory; unchanged when it lies elsewhere."""
    return path if history.directory in {"", "."} else path.removeprefix(f"{history.directory.rstrip('/')}/")


def _files(migration: Migration) -> tuple[SourceFile, ...]:
    files = (migration.up.file, *((migration.down.file,) if migration.down else ()), *migration.extra_files)
    return tuple({file.path: file for file in files}.values())


def _by_path(history: History) -> dict[str, SourceFile]:
    return {relative(history, file.path): file for migration in history.migrations for file in _files(migration)}


def _metadata(migration: Migration) -> dict[str, str]:
    header = migration.header
    return {key: value for key, value in header.values.items() if key != "id"} if header else {}


def _unescaped(name: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), name)


def _compare(got: Manifest, expected: Manifest, history: History) -> Iterator[ManifestProblem]:
    if got.format != expected.format:
        yield ManifestProblem(message=f"The format differs: expected {expected.format}, got {got.format}.")
    ours = {entry.id: entry for entry in expected.migrations}
    theirs = {entry.id: entry for entry in got.migrations}
    yield from (
        ManifestProblem(message=f"The list names `{key}`, which is not a migration here.")
        for key in theirs
        if key not in ours
    )
    files = _by_path(history)
    for key, entry in ours.items():
        path = entry.files[0].path
        other = theirs.get(key)
        if other is None:
            yield ManifestProblem(message=f"The list has no entry for `{key}`.", path=path)
            continue
        if other.order != entry.order:
            yield ManifestProblem(
                message=f"The order of `{key}` differs: expected {entry.order}, got {other.order}.", path=path
            )
        if other.metadata != entry.metadata:
            yield ManifestProblem(message=f"The metadata of `{key}` differs from its header.", path=path)
        listed = {file.path: file.sha256 for file in other.files}
        yield from _differences(listed, {file.path: file.sha256 for file in entry.files}, files)


def _differences(
    got: dict[str, str], expected: dict[str, str], files: dict[str, SourceFile]
) -> Iterator[ManifestProblem]:
    for path, digest in expected.items():
        listed = got.get(path)
        if listed is None:
            yield ManifestProblem(message=f"The list has no entry for `{path}`.", path=path)
        elif listed != digest:
            line_ends = listed in _with_other_line_ends(files[path].data)
            message = f"The sha256 of `{path}` differs: the file has {digest[:12]}…, the list has {listed[:12]}…."
            yield ManifestProblem(message=message, path=path, line_ends=line_ends)
    yield from (
        ManifestProblem(message=f"The list names `{path}`, which does not exist.")
        for path in got
        if path not in expected
    )


def _with_other_line_ends(data: bytes) -> tuple[str, str]:
    plain = data.replace(b"\r\n", b"\n")
    return Digest.of(plain).hex, Digest.of(plain.replace(b"\n", b"\r\n")).hex
