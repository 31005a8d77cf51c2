"""The subject of a check: the repository, its settings, head and base."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from kfm_ci.analysis.change import Change, Requirements
from kfm_ci.cli import location, settings_files, smoke_tests
from kfm_ci.cli.smoke_tests import SmokeFiles
from kfm_ci.config import Config
from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.evidence.model import SourceEvidence
from kfm_ci.evidence.table_statistics import model as statistics
from kfm_ci.evidence.table_statistics.model import Statistics
from kfm_ci.github.context import Context
from kfm_ci.migrations import (
    base_files,
    binary_files,
    checkout,
    config_metadata,
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
from kfm_ci.model import Digest, Finding
from kfm_ci.sql.script import SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A change with its settings."""

    root: Path
    change: Change
    config: Config
    policy: Config
    source: SourceEvidence
    statistics: Statistics | None = None
    settings_file: str | None = None
    """Path of the settings file; None: there is none."""
    notices: tuple[Finding, ...] = ()
    """Findings on the settings, directories and smoke tests that the change edits."""
    smoke: SmokeFiles = SmokeFiles()

    @property
    def policy_digest(self) -> Digest:
        """Return the sha256 of the policy, defaults included."""
        values = self.policy.model_dump(mode="json", by_alias=True, include={"policy", "environments"})
        return Digest.of(json.dumps(values, sort_keys=True, separators=(",", ":")).encode())


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
    base = _base(repository, base_ref, context)
    tracked = _tracked(repository, root)
    tree = WorkTree(root, tracked=tracked)
    tip_tree, merge_base_tree = _base_trees(repository, base, root)
    settings = settings_files.compare(tree, config_file, tip_tree, merge_base_tree)
    try:
        place = location.locate(
            tree,
            tip_tree,
            merge_base_tree,
            settings,
            format=format,
            load=lambda found, tree: _load(found, tree, settings.used),
        )
    except UsageError:
        checkout.complete(root, settings.used.migrations.dir, compared=False)
        raise
    if place.is_first:
        settings = settings.for_first_migrations()
    found, used = place.found, settings.used
    checkout.complete(root, found.directory, compared=base is not None)
    head = _load(found, tree, used)
    config_metadata.check_ids(head, settings.head.migration)
    tip, merge_base, previous = None, None, {}
    if tip_tree is not None and merge_base_tree is not None:
        tip = _load(found, place.base(tip_tree), used)
        is_same = merge_base_tree is tip_tree
        merge_base = tip if is_same else _load(found, place.base(merge_base_tree), used)
        previous = _files(place.base(merge_base_tree), found.directory)
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
        requirements=_requirements(used, head),
        body=context.body,
        before=tip_tree,
        previous=previous,
        tracked=tracked if repository is not None else tuple(tree.paths(".")),
    )
    smoke = smoke_tests.files(tree, tip_tree, merge_base_tree, settings)
    return Subject(
        root=root,
        change=change,
        config=used,
        policy=used,
        source=_source(repository, base),
        statistics=_statistics(tip_tree or tree, used),
        settings_file=settings.file,
        notices=(*settings.notices, *place.notices, *smoke_tests.notices(smoke)),
        smoke=smoke,
    )


def _base(repository: Repository | None, ref: str | None, context: Context) -> Base | None:
    """Return the base; None where everything is new. Raises KfmError for a base that cannot be read."""
    if repository is not None:
        return find_base(repository, ref, pull_request_base=context.base)
    if ref == "none" or (ref is None and context.base is None):
        return None
    if ref is None:
        raise CannotCheck(
            code="KFM-C17",
            message="The checkout has no git repository, so the base commit of the event cannot be read.",
            where=context.base,
            help="Run actions/checkout with git installed, or set the input `base` to `none`.",
        )
    raise UsageError(
        code="KFM-U12",
        message="The directory is not a git repository, so there is no base.",
        where=f"--base {ref}",
        help="Run the command inside the repository, or with `--base none`.",
    )


def _base_trees(
    repository: Repository | None, base: Base | None, root: Path
) -> tuple[CommitTree | None, CommitTree | None]:
    """Return the files of the base's tip and of the merge base; the same tree where both are one commit."""
    if repository is None or base is None:
        return None, None
    prefix = root.relative_to(repository.root.resolve()).as_posix()
    tip = CommitTree(repository, base.tip, "" if prefix == "." else prefix)
    return tip, tip if base.merge_base == base.tip else CommitTree(repository, base.merge_base, tip.prefix)


def _check_recognised(head: History, tip: History | None, tree: Tree, found: Found) -> None:
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


def settings_of_change(directory: Path, *, config_file: str | None, base_ref: str | None, context: Context) -> Config:
    """Return the settings that a check of the change uses."""
    root = directory.resolve()
    repository = Repository.around(root)
    trees = _base_trees(repository, _base(repository, base_ref, context), root)
    return settings_files.compare(WorkTree(root), config_file, *trees).used


def settings_of(directory: Path, config_file: str | None) -> Config:
    """Return the settings of a repository's work tree, for commands without a check."""
    return settings_files.read(WorkTree(directory.resolve()), config_file)


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
