"""``kfm-ci new --renumber``: give a migration a version after all others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.renumbering import RENUMBERED
from kfm_ci.cli.new import META, manifest
from kfm_ci.cli.subject import gather
from kfm_ci.errors import UsageError
from kfm_ci.github.context import Context
from kfm_ci.migrations import naming
from kfm_ci.migrations.model import Migration
from kfm_ci.sql import tokens
from kfm_ci.sql.script import SourceFile

_NUMBER = re.compile(r"(\d+)(_.*)")
_STAMP = "%Y%m%d%H%M%S"


def renumber(root: Path, file: Path, *, config_file: str | None, base: str | None, now: datetime) -> Iterator[str]:
    """Rename a migration, and the new ones after it, to versions after those of head and base; yield a line for each.

    The order is kept, because later migrations may depend on earlier ones. Up and down files keep one name, ids in
    comments of new files are renamed too, and an existing manifest is updated.
    """
    subject = gather(root, config_file=config_file, format="auto", base_ref=base, context=Context())
    renumbered = _renumbered_migrations(subject.change, file.as_posix().removeprefix("./"), base)
    names = _new_ids(subject.change, renumbered, now)
    targets = {
        source.path: str(PurePosixPath(source.path).with_name(PurePosixPath(source.path).name.replace(old, new, 1)))
        for migration in renumbered
        for old, new in [(migration.id, names[migration.id])]
        for source in _files(migration)
    }
    for target in targets.values():
        if (subject.root / target).exists():
            raise UsageError(
                code="KFM-U66",
                message="A file with the new name already exists.",
                where=target,
                help="Move the file away first.",
            )
    for migration in subject.change.new:
        for source in _files(migration):
            path = subject.root / source.path
            data = _rename_ids(source, names)
            if data != source.data:
                path.write_bytes(data)
            if source.path in targets:
                path.rename(subject.root / targets[source.path])
                yield f"{source.path} → {targets[source.path]}"
    if any((subject.root / subject.change.head.directory / "meta" / name).exists() for name in META):
        lines: list[str] = []
        manifest(root, config_file=config_file, verify=False, report=lines.append)
        yield from lines
    for table in subject.config.migration:
        if table.id in names:
            yield f"Rename the id in the configuration: [[migration]] id = {table.id} → {names[table.id]}"


def _renumbered_migrations(change: Change, path: str, base: str | None) -> list[Migration]:
    """Return the migration that a file belongs to, and the new ones that sort after it."""
    found = next((item for item in change.head.migrations if path in {file.path for file in _files(item)}), None)
    if found is None:
        raise UsageError(
            code="KFM-U64",
            message="No migration has this file.",
            where=path,
            expected=f"an up or down file in {change.head.directory}",
            help="Run `kfm-ci check` if the migration is renumbered already.",
        )
    if change.head.format != "kfm" and change.head.format not in RENUMBERED:
        raise UsageError(
            code="KFM-U65",
            message="kfm-ci cannot renumber this format.",
            where=path,
            got=change.head.format,
            expected=", ".join(["kfm", *sorted(RENUMBERED)]),
            help="Use your tool's own command.",
        )
    if change.base is None and base != "none":
        raise UsageError(
            code="KFM-U68",
            message="There is no base, so kfm-ci cannot separate new migrations from existing ones.",
            where=path,
            help="Run the command inside the repository, or name a commit with `--base`.",
        )
    if change.base is not None and change.base.get(found.id) is not None:
        raise UsageError(
            code="KFM-U67",
            message="The migration is on the base and may be applied.",
            where=path,
            help="Renumber a new migration instead.",
        )
    new = list(change.new)
    return new[new.index(found) :]


def _new_ids(change: Change, renumbered: list[Migration], now: datetime) -> dict[str, str]:
    """Return the new id by the old one."""
    stay = [*change.head.migrations, *(change.base.migrations if change.base else ())]
    taken = list(dict.fromkeys(item.id for item in stay if item not in renumbered))
    names: dict[str, str] = {}
    for migration in renumbered:
        if change.head.format == "kfm":
            name = naming.next_name(taken, migration.name, now, numbered=migration.id.startswith("V"))
        else:
            name = _next_number(taken, migration.id, now)
        names[migration.id] = name
        taken.append(name)
    return names


def _next_number(taken: list[str], name: str, now: datetime) -> str:
    number, rest = _split(name)
    last = max((int(_split(item)[0]) for item in taken), default=0)
    stamp = now.strftime(_STAMP)
    following = max(int(stamp), last + 1) if len(number) == len(stamp) else last + 1
    return f"{following:0{len(number)}d}{rest}"


def _split(name: str) -> tuple[str, str]:
    match = _NUMBER.fullmatch(name)
    return (match[1], match[2]) if match else ("0", f"_{name}")


def _files(migration: Migration) -> list[SourceFile]:
    files = [migration.up.file, *([migration.down.file] if migration.down else [])]
    return list({file.path: file for file in files}.values())


def _rename_ids(source: SourceFile, names: dict[str, str]) -> bytes:
    """Return a file with the old ids renamed in its comments and header; never in SQL."""
    whole = re.compile("|".join(rf"(?<![0-9A-Za-z_]){re.escape(old)}(?![0-9A-Za-z_])" for old in names))
    text, at, parts = source.text, 0, []
    for comment in tokens.comments(text):
        parts += [text[at : comment.start], whole.sub(lambda found: names[found[0]], text[comment.start : comment.end])]
        at = comment.end
    renamed = "".join([*parts, text[at:]])
    # a file that is not UTF-8 has its own finding and stays unchanged
    return source.data if renamed == text or text.encode() != source.data else renamed.encode()
