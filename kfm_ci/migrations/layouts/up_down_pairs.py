"""Migrations from files with an up and a down suffix: pairs matched, versions ordered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kfm_ci.migrations import header, source_files
from kfm_ci.migrations.model import History, Migration, Tree
from kfm_ci.migrations.problems.file_contents import EMPTY_FILE
from kfm_ci.migrations.problems.file_order import DOWN_WITHOUT_UP, DUPLICATE_VERSION, FILE_NAME
from kfm_ci.model import Finding, Mode, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.sql import transactions
from kfm_ci.sql.script import Script, SourceFile

SortKey = tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """The parts of a migration file's name."""

    id: str
    version: str
    sort_key: SortKey
    name: str
    direction: str
    """``up`` or ``down``."""
    pair: str | None = None
    """Key that pairs an up with its down migration, if it is not the id."""


_NamedFile = tuple[FileName, SourceFile | None, str]
"""Parsed name, file (None: unreadable) and path."""


def relative(path: str, directory: str) -> str:
    """Return a path relative to a directory."""
    return path if directory in {"", "."} else path[len(directory) + 1 :]


@dataclass(slots=True, kw_only=True)
class FilePairs:
    """The files of a directory, paired by direction; filled while they are read."""

    ups: dict[str, _NamedFile] = field(default_factory=dict)
    downs: dict[str, _NamedFile] = field(default_factory=dict)
    others: list[SourceFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unreadable: bool = False


def assemble(
    tree: Tree,
    directory: str,
    *,
    format: str,
    name: Callable[[str], FileName | None],
    paths: Iterable[str],
    whole: bool = False,
    mode: Callable[[SourceFile], Mode | None] = lambda _: None,
    extra: Callable[[str], tuple[str, ...]] = lambda _: (),
    empty_downs: bool = False,
) -> History:
    """Read the files of a format, pair up with down migrations, and order them.

    ``empty_downs``: the tool runs an empty down file; it is then no down migration, and no finding.
    """
    pairs = pair_files(tree, directory, name=name, paths=paths, empty_downs=empty_downs)

    def script(file: SourceFile) -> Script:
        return _script(file, mode(file), whole)

    migrations = build_migrations(pairs, script=script, extra=lambda path: _extra_files(tree, extra(path)))
    unpaired = [
        _finding(
            path,
            DOWN_WITHOUT_UP,
            "The down migration has no up migration.",
            "Add the up file of the same name, or remove this file.",
        )
        for key, (_, _, path) in pairs.downs.items()
        if key not in pairs.ups
    ]
    repeated = check_versions(migrations)
    return History(
        format=format,
        directory=directory,
        migrations=migrations,
        findings=(*pairs.findings, *unpaired, *repeated),
        unreadable=pairs.unreadable or bool(repeated),
        other_files=tuple(pairs.others),
    )


def pair_files(
    tree: Tree,
    directory: str,
    *,
    name: Callable[[str], FileName | None],
    paths: Iterable[str],
    empty_downs: bool,
) -> FilePairs:
    """Read the files once and sort them into up migrations, down migrations and others."""
    pairs = FilePairs()
    for path in paths:
        named = name(relative(path, directory))
        if named is not None and not path.isprintable():
            pairs.findings.append(
                _finding(
                    path,
                    FILE_NAME,
                    "The name has bytes or characters that cannot be displayed.",
                    "Rename the file with letters, digits and `_`.",
                )
            )
            if not _is_text(path):
                pairs.unreadable = True
                continue
        if named is None:
            other = source_files.read_any(tree, path, pairs.findings)
            if other is not None:
                pairs.others.append(other)
            continue
        findings: list[Finding] = []
        file = source_files.read(tree, path, findings)
        is_up = named.direction == "up"
        pairs.findings += [item for item in findings if is_up or not empty_downs or item.rule != EMPTY_FILE.id]
        pairs.unreadable = pairs.unreadable or file is None
        target, key = pairs.ups if is_up else pairs.downs, named.pair or named.id
        if key in target:
            pairs.findings.append(
                _finding(
                    path,
                    DUPLICATE_VERSION,
                    f"`{target[key][2]}` and `{path}` define the same migration.",
                    "Rename one of them.",
                )
            )
            pairs.unreadable = True
            continue
        target[key] = (named, file, path)
    return pairs


def build_migrations(
    pairs: FilePairs, *, script: Callable[[SourceFile], Script], extra: Callable[[str], tuple[SourceFile, ...]]
) -> tuple[Migration, ...]:
    """Return the migrations of the readable up files, ordered by their sort keys."""
    migrations = []
    for key, (named, file, path) in sorted(pairs.ups.items(), key=lambda item: item[1][0].sort_key):
        if file is None:
            continue
        down = pairs.downs.get(key)
        migrations.append(
            Migration(
                id=named.id,
                version=named.version,
                sort_key=named.sort_key,
                name=named.name,
                up=script(file),
                down=script(down[1]) if down and down[1] else None,
                header=header.parse(file.text),
                extra_files=extra(path),
            )
        )
    return tuple(migrations)


def check_versions(migrations: Iterable[Migration]) -> tuple[Finding, ...]:
    """Return a finding for each migration whose version an earlier one already has."""
    findings = []
    versions: dict[str, str] = {}
    for migration in migrations:
        if not migration.version:
            continue
        if migration.version in versions:
            findings.append(
                _finding(
                    migration.up_path,
                    DUPLICATE_VERSION,
                    f"`{versions[migration.version]}` and `{migration.up_path}` share version {migration.version}.",
                    "Renumber the newer one.",
                )
            )
        versions.setdefault(migration.version, migration.up_path)
    return tuple(findings)


def _extra_files(tree: Tree, paths: Iterable[str]) -> tuple[SourceFile, ...]:
    files = (source_files.read(tree, path, []) for path in paths)
    return tuple(file for file in files if file is not None)


def _script(file: SourceFile, mode: Mode | None, whole: bool) -> Script:
    script = Script(file=file, text=file.text, mode=mode, implicit_transaction=whole)
    return transactions.unwrapped(script) if whole and mode is not Mode.TRANSACTION else script


def _is_text(path: str) -> bool:
    return path == path.encode("utf-8", "replace").decode("utf-8")


def _finding(path: str, rule: RuleInfo, message: str, help: str) -> Finding:
    return rule.finding(message, place=Place(file=path, line=1), help=help)
