"""The subject of a check: the repository, its settings, head and base."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from kfm_ci import config
from kfm_ci.analysis.change import Change, Requirements
from kfm_ci.config import FILE_NAME, Config
from kfm_ci.errors import UsageError
from kfm_ci.evidence.model import SourceEvidence
from kfm_ci.evidence.table_statistics import model as statistics
from kfm_ci.evidence.table_statistics.model import Statistics
from kfm_ci.github.context import Context
from kfm_ci.migrations import (
    base_files,
    binary_files,
    checkout,
    config_metadata,
    detection,
    included_files,
    placeholders,
    source_files,
)
from kfm_ci.migrations.base_commit import Base, find_base
from kfm_ci.migrations.commit_tree import CommitTree
from kfm_ci.migrations.detection import Found
from kfm_ci.migrations.git import Repository
from kfm_ci.migrations.model import History, Tree, Unreadable
from kfm_ci.migrations.tools import command_lines
from kfm_ci.migrations.work_tree import WorkTree
from kfm_ci.model import Digest, Finding, Place
from kfm_ci.rules import registry
from kfm_ci.rules.server.declaration import POLICY_CHANGED
from kfm_ci.sql.script import SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A change with its settings."""

    root: Path
    change: Change
    config: Config
    policy: Config
    source: SourceEvidence
    policy_changed: bool = False
    """Whether the change edits the policy that it is checked against."""
    statistics: Statistics | None = None
    settings_file: str | None = None
    """Path of the settings file; None: there is none."""

    @property
    def policy_digest(self) -> Digest:
        """Return the sha256 of the policy, defaults included."""
        values = self.policy.model_dump(mode="json", by_alias=True, include={"policy", "environments"})
        return Digest.of(json.dumps(values, sort_keys=True, separators=(",", ":")).encode())

    @property
    def notices(self) -> tuple[Finding, ...]:
        """Return findings on the settings themselves."""
        if not self.policy_changed:
            return ()
        return (
            POLICY_CHANGED.finding(
                "This change edits `[policy]` or `[environments]`; it was checked against the base commit's.",
                help="Review the edit: it takes effect for every change after the merge.",
                place=Place(file=self.settings_file or FILE_NAME, line=1, end_line=1),
            ),
        )


def gather(directory: Path, *, config_file: str | None, format: str, base_ref: str | None, context: Context) -> Subject:
    """Return the subject; raises UsageError for missing or ambiguous input."""
    if not directory.is_dir():
        raise UsageError(
            code="KFM-U40",
            message="The directory does not exist.",
            where=str(directory),
            help="Name the repository's root.",
        )
    root = directory.resolve()
    repository = Repository.around(root)
    tracked = _tracked(repository, root)
    tree = WorkTree(root, tracked=tracked)
    settings = _settings(tree, config_file)
    registry.known(settings.policy.severity, where=config_file or FILE_NAME)
    base = find_base(repository, base_ref, pull_request_base=context.base) if repository else None
    if repository is None and base_ref not in {None, "none"}:
        raise UsageError(
            code="KFM-U12",
            message="The directory is not a git repository, so there is no base.",
            where=f"--base {base_ref}",
            help="Run the command inside the repository, or with `--base none`.",
        )
    try:
        found = detection.locate(
            tree, directory=settings.migrations.dir, format=format if format != "auto" else settings.migrations.format
        )
    except UsageError:
        checkout.complete(root, settings.migrations.dir, compared=False)
        raise
    checkout.complete(root, found.directory, compared=base is not None)
    head = _load(found, tree, settings)
    config_metadata.check_ids(head, settings.migration)
    policy_tree: Tree = tree
    tip, merge_base, policy, previous, before = None, None, settings, {}, None
    if repository is not None and base is not None:
        prefix = root.relative_to(repository.root.resolve()).as_posix()
        tip_tree = CommitTree(repository, base.tip, "" if prefix == "." else prefix)
        merge_base_tree = (
            tip_tree if base.merge_base == base.tip else CommitTree(repository, base.merge_base, tip_tree.prefix)
        )
        before = tip_tree
        tip = _load(found, tip_tree, settings)
        merge_base = tip if merge_base_tree is tip_tree else _load(found, merge_base_tree, settings)
        previous = _files(merge_base_tree, found.directory)
        policy, policy_tree = (_settings(tip_tree, config_file), tip_tree) if context.base else (settings, tree)
    _check_recognised(head, tip, tree, found)
    known = {item.id for item in tip.migrations} if tip else set()
    new = tuple(item for item in head.migrations if item.id not in known)
    base_files.check_readable(new, (tip, merge_base))
    change = Change(
        head=head,
        base=tip,
        merge_base=merge_base,
        new=new,
        tree=tree,
        requirements=_requirements(policy, head),
        body=context.body,
        before=before,
        previous=previous,
        tracked=tracked if repository is not None else tuple(tree.paths(".")),
    )
    return Subject(
        root=root,
        change=change,
        config=settings,
        policy=policy,
        source=_source(repository, base),
        policy_changed=(policy.policy, policy.environments) != (settings.policy, settings.environments),
        statistics=_statistics(policy_tree, policy),
        settings_file=settings_file(tree, config_file),
    )


def _check_recognised(head: History, tip: History | None, tree: Tree, found: detection.Found) -> None:
    """Raise UsageError for a directory with SQL files of which the format recognises none: its format is wrong."""
    if head.migrations or head.unreadable or head.format == "kfm" or (tip and tip.migrations):
        return
    files = [path for path in tree.paths(found.directory) if path.endswith(".sql")]
    if files:
        raise UsageError(
            code="KFM-U34",
            message=f"None of {len(files)} SQL files has a name of format `{head.format}`.",
            where=found.directory,
            got=files[0].rpartition("/")[2],
            expected=f"names as {head.format} writes them",
            help="Set `[migrations] format` in kfm-ci.toml; `kfm-ci doctor` lists the formats.",
        )


def _load(found: Found, tree: Tree, settings: Config) -> History:
    history = placeholders.put(
        found.format.load(tree, found.directory, settings.migrations), settings.migrations.placeholders
    )
    if (how := history.semantics.how_to_disable_transaction) is not None:
        marked = (replace(item, how_to_disable_transaction=how) for item in history.migrations)
        history = replace(history, migrations=tuple(marked))
    history = binary_files.attach(tree, history)
    history = included_files.attach(tree, command_lines.instead(history, settings.migrations.command))
    return config_metadata.add(history, settings.migration)


def _tracked(repository: Repository | None, root: Path) -> tuple[str, ...]:
    if repository is None:
        return ()
    prefix = root.relative_to(repository.root.resolve()).as_posix()
    start = "" if prefix == "." else f"{prefix}/"
    return tuple(path.removeprefix(start) for path in repository.tracked() if path.startswith(start))


def _statistics(tree: Tree, settings: Config) -> Statistics | None:
    path = settings.database.statistics
    if path is None:
        return None
    try:
        return statistics.parse(tree.read(path), where=path)
    except Unreadable as error:
        raise UsageError(
            code="KFM-U81",
            message=f"The statistics cannot be read: {error}.",
            where=path,
            help="Write them with `kfm-ci stats`, or remove `statistics` from `[database]`.",
        ) from error


def settings_of(directory: Path, config_file: str | None) -> Config:
    """Return the settings of a repository's work tree, for commands without a check."""
    return _settings(WorkTree(directory.resolve()), config_file)


def _settings(tree: Tree, name: str | None) -> Config:
    path = settings_file(tree, name)
    if path is not None:
        table = ("tool", "kfm-ci") if path.endswith("pyproject.toml") else ()
        return config.parse(_bytes(tree, path), where=path, table=table)
    if name is not None and isinstance(tree, WorkTree):
        raise UsageError(
            code="KFM-U04",
            message="The configuration file does not exist.",
            where=name,
            help="Name a path relative to the repository.",
        )
    return Config()


def settings_file(tree: Tree, name: str | None) -> str | None:
    """Return the path of the settings file: the option's, else the default one; None: there is none."""
    names = (FILE_NAME, "pyproject.toml") if name is None else (name,)
    return next((path for path in names if tree.exists(path)), None)


def _bytes(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path)
    except Unreadable as error:
        raise UsageError(
            code="KFM-U05",
            message=f"The configuration cannot be read: {error}.",
            where=path,
            help="Make it a regular, readable file.",
        ) from error


def _files(tree: Tree, directory: str) -> dict[str, SourceFile]:
    return {path: file for path in tree.paths(directory) if (file := source_files.read_any(tree, path, []))}


def _requirements(policy: Config, head: History) -> Requirements:
    table = policy.policy
    return Requirements(
        require_header=table.require_header or head.format == "kfm",
        require_traceability=table.require_traceability,
        require_manifest=table.require_manifest,
        ticket_pattern=table.ticket_pattern,
        max_file_size=table.max_file_size,
        personal_data_threshold=table.personal_data_threshold,
    )


def _source(repository: Repository | None, base: Base | None) -> SourceEvidence:
    if repository is None:
        return SourceEvidence()
    return SourceEvidence(git_sha=repository.head, base_sha=base.tip if base else None, tree_clean=repository.clean)
