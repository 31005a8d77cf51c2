"""``kfm-ci new`` and ``kfm-ci manifest``: files that authors commit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from kfm_ci import phrases
from kfm_ci.cli.subject import gather, settings_of
from kfm_ci.clock import SystemClock
from kfm_ci.errors import ExitCode, UsageError
from kfm_ci.github.context import Context
from kfm_ci.migrations import detection, inverse, naming, source_files
from kfm_ci.migrations import manifest as manifests
from kfm_ci.migrations.model import Unreadable
from kfm_ci.migrations.work_tree import WorkTree
from kfm_ci.model import Finding
from kfm_ci.report.escape import single_line
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script

UP = """-- [KFM_MIGRATION]
-- id: {name}
-- owner: TODO
-- ticket: TODO
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- [/KFM_MIGRATION]

"""
META = ("manifest.json", "checksums.txt")
DOWN = "-- Rolls back {name}.\n\n"


def create(root: Path, description: str, *, config_file: str | None, numbered: bool | None) -> tuple[str, ...]:
    """Write up and down files that sort after all existing ones; return their paths."""
    try:
        subject = gather(root, config_file=config_file, format="auto", base_ref="none", context=Context())
        directory, existing = subject.change.head.directory, [item.id for item in subject.change.head.migrations]
        if subject.change.head.format != "kfm":
            raise UsageError(
                code="KFM-U60",
                message="`kfm-ci new` writes format `kfm` only.",
                where=directory,
                got=subject.change.head.format,
                help="Use your tool's own command.",
            )
    except UsageError as error:
        if error.code not in {"KFM-U31", "KFM-U33"}:
            raise
        directory, existing = settings_of(root, config_file).migrations.dir or detection.DEFAULT, []
    if numbered and any(not name.startswith("V") for name in existing):
        raise UsageError(
            code="KFM-U70",
            message="The names in the directory start with a time.",
            where=directory,
            got="--number",
            expected="one style per directory",
            help="Remove `--number`.",
        )
    name = naming.next_name(existing, description, SystemClock().now(), numbered=numbered)
    folder = root / directory
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, text in ((".up.sql", UP), (".down.sql", DOWN)):
        with (folder / f"{name}{suffix}").open("x", encoding="utf-8", newline="\n") as file:
            file.write(text.format(name=name))
        written.append(f"{directory}/{name}{suffix}")
    return tuple(written)


def write_down(root: Path, up: Path) -> str:
    """Generate the down migration from the up migration, next to it; return its path."""
    path = up.as_posix()
    if not path.endswith("up.sql"):
        raise UsageError(
            code="KFM-U61",
            message="The file is not an up migration with a separate down file.",
            where=path,
            expected="a file named ….up.sql or up.sql",
            help="Write the down section by hand if the tool keeps both in one file.",
        )
    target = f"{path.removesuffix('up.sql')}down.sql"
    findings: list[Finding] = []
    tree = WorkTree(root.resolve())
    file = source_files.read(tree, path, findings)
    if file is None:
        raise UsageError(
            code="KFM-U62",
            message=findings[0].message if findings else "The file cannot be read.",
            where=path,
            help="Name an up migration inside the repository.",
        )
    written = source_files.read(tree, target, []) if tree.exists(target) else None
    if written is not None and statements.split(written.text):
        raise UsageError(
            code="KFM-U63",
            message="The down migration already has statements.",
            where=target,
            help="Remove its statements first to generate it again.",
        )
    body = inverse.write(Script(file=file, text=file.text))
    name = PurePosixPath(path).name.removesuffix(".up.sql")
    (root / target).write_text(
        f"{DOWN.format(name=name)}{body or '-- The up migration has nothing to roll back.'}\n",
        encoding="utf-8",
        newline="\n",
    )
    return target


def manifest(root: Path, *, config_file: str | None, verify: bool, report: Callable[[str], None]) -> int:
    """Write the manifest and the checksums, or verify them; report each line of output and return the exit code."""
    subject = gather(root, config_file=config_file, format="auto", base_ref="none", context=Context())
    head = subject.change.head
    meta, migrations = f"{head.directory}/meta", phrases.count(len(head.migrations), "migration")
    if verify:
        tree = WorkTree(subject.root)
        try:
            listed = manifests.verify_manifest(tree.read(f"{meta}/manifest.json"), head)
            summed = manifests.verify_checksums(tree.read(f"{meta}/checksums.txt"), head)
        except Unreadable as error:
            report(f"{meta}: {error}. Run `kfm-ci manifest`.")
            return int(ExitCode.REFUSED)
        problems = [*((item, "manifest.json") for item in listed), *((item, "checksums.txt") for item in summed)]
        for problem, name in problems:
            report(f"{meta}/{name}: {single_line(problem.message)}")
        report("Run `kfm-ci manifest` to update both files." if problems else f"{meta}: matches {migrations}")
        return int(ExitCode.REFUSED if problems else ExitCode.PASSED)
    folder = subject.root / meta
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_bytes(manifests.build(head).to_bytes())
    (folder / "checksums.txt").write_bytes(manifests.checksums(head))
    report(f"{meta}/manifest.json and {meta}/checksums.txt: {migrations}")
    return int(ExitCode.PASSED)
