"""Migrations from files with an up and a down suffix: pairs matched, versions ordered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

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
class Named:
    """The parts of a migration file's name."""

    id: str
    version: str
    sort_key: SortKey
    name: str
    direction: str
    """``up`` or ``down``."""
    pair: str | None = None
    """Key that pairs an up with its down migration, if it is not the id."""


def relative(path: str, directory: str) -> str:
    """Return a path relative to a directory."""
    return path if directory in {"", "."} else path[len(directory) + 1 :]


def assemble(
    tree: Tree,
    directory: str,
    *,
    format: str,
    name: Callable[[str], Named | None],
    paths: Iterable[str],
    whole: bool = False,
    mode: Callable[[SourceFile], Mode | None] = lambda _: None,
    extra: Callable[[str], tuple[str, ...]] = lambda _: (),
    empty_downs: bool = False,
) -> History:
    """Read the files a format names, pair ups with downs, and order them; says what does not fit.

    ``empty_downs``: the tool runs an empty down, and others write such ones: then it is no way back, and no broken file.
    """
    findings: list[Finding] = []
    ups: dict[str, tuple[Named, SourceFile | None, str]] = {}
    downs: dict[str, tuple[Named, SourceFile | None, str]] = {}
    others: list[SourceFile] = []
    unreadable = False
    for path in paths:
        named = name(relative(path, directory))
        if named is not None and not path.isprintable():
            findings.append(
                _finding(
                    path,
                    FILE_NAME,
                    "The name has bytes or characters that cannot be displayed.",
                    "Rename the file with letters, digits and `_`.",
                )
            )
            if not _is_text(path):
                unreadable = True
                continue
        before = len(findings)
        file = source_files.read(tree, path, findings)
        if named is None:
            del findings[before:]
            if file is not None:
                others.append(file)
            continue
        if empty_downs and named.direction == "down":
            findings[before:] = [item for item in findings[before:] if item.rule != EMPTY_FILE.id]
        unreadable = unreadable or file is None
        target = ups if named.direction == "up" else downs
        key = named.pair or named.id
        if key in target:
            findings.append(
                _finding(
                    path,
                    DUPLICATE_VERSION,
                    f"`{target[key][2]}` and `{path}` define the same migration.",
                    "Rename one of them.",
                )
            )
            unreadable = True
            continue
        target[key] = (named, file, path)
    migrations: list[Migration] = []
    for key, (named, file, path) in sorted(ups.items(), key=lambda item: item[1][0].sort_key):
        if file is None:
            continue
        down = downs.get(key)
        migrations.append(
            Migration(
                id=named.id,
                version=named.version,
                sort_key=named.sort_key,
                name=named.name,
                up=_script(file, mode(file), whole),
                down=_script(down[1], mode(down[1]), whole) if down and down[1] else None,
                header=header.parse(file.text),
                extra_files=tuple(item for item in (source_files.read(tree, name, []) for name in extra(path)) if item),
            )
        )
    for key, (_, _, path) in downs.items():
        if key not in ups:
            findings.append(
                _finding(
                    path,
                    DOWN_WITHOUT_UP,
                    "The down migration has no up migration.",
                    "Add the up file of the same name, or remove this file.",
                )
            )
    unreadable = _repeated(migrations, findings) or unreadable
    return History(
        format=format,
        directory=directory,
        migrations=tuple(migrations),
        findings=tuple(findings),
        unreadable=unreadable,
        others=tuple(others),
    )


def _repeated(migrations: list[Migration], findings: list[Finding]) -> bool:
    """Whether a version is given twice; says which."""
    found = False
    versions: dict[str, str] = {}
    for migration in migrations:
        if not migration.version:
            continue
        if migration.version in versions:
            findings.append(
                _finding(
                    migration.up_path,
                    DUPLICATE_VERSION,
                    f"`{versions[migration.version]}` and `{migration.up_path}` have the same version {migration.version}.",
                    "Renumber the newer one.",
                )
            )
            found = True
        versions.setdefault(migration.version, migration.up_path)
    return found


def _script(file: SourceFile, mode: Mode | None, whole: bool) -> Script:
    script = Script(file=file, text=file.text, mode=mode, whole=whole)
    return transactions.unwrapped(script) if whole and mode is not Mode.TRANSACTION else script


def _is_text(path: str) -> bool:
    return path == path.encode("utf-8", "replace").decode("utf-8")


def _finding(path: str, rule: RuleInfo, message: str, help: str) -> Finding:
    return rule.finding(message, place=Place(file=path, line=1), help=help)
