"""Format ``alembic``: a graph of revisions in Python, run by Alembic itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import source_files
from kfm_ci.migrations.formats import alembic_settings
from kfm_ci.migrations.formats.alembic_settings import AlembicSettings
from kfm_ci.migrations.layouts import program_files, program_metadata, python_assignments, revision_graph
from kfm_ci.migrations.layouts.revision_graph import Revision
from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.model import (
    Command,
    History,
    Migration,
    Tool,
    ToolCommands,
    ToolEnvironment,
    ToolInstallation,
    ToolSemantics,
    ToolTableNames,
    Tree,
)
from kfm_ci.migrations.problems.file_contents import UNREADABLE_FILE
from kfm_ci.migrations.problems.file_order import DUPLICATE_VERSION, MULTIPLE_HEADS
from kfm_ci.migrations.tools.command_lines import with_tool
from kfm_ci.model import Finding, Hazard
from kfm_ci.sql.script import SourceFile

_TABLE = re.compile(r"\bversion_table\s*=\s*[\"'](\w+)[\"']")
_DEFAULT = "alembic_version"
_BASE = "base"
"""Alembic's name for the state before the first revision."""
_NAMES_PARENT = re.compile(r"^down_revision\b", re.MULTILINE)
_SCHEMA = re.compile(r"\bversion_table_schema\s*=\s*[\"'](\w+)[\"']")


class Alembic:
    """Revisions from the first to the heads, each after its parents; a fork without branch labels must be merged."""

    name = "alembic"
    confidence = 90

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether Alembic's ``env.py`` is in a directory above Python files."""
        above = directory.rpartition("/")[0]
        env = f"{above}/env.py" if above else "env.py"
        return (
            any(name.endswith(".py") and "/" not in name for name in names)
            and tree.exists(env)
            and directory.endswith("versions")
        )

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read every revision without running it, and order the graph."""
        findings: list[Finding] = []
        revisions: dict[str, Revision] = {}
        unreadable = False
        found = alembic_settings.read(tree, directory, settings.command)
        for path in _paths(tree, found):
            file = source_files.read(tree, path, findings)
            node = _revision(file) if file else None
            if file is None or node is None:
                unreadable = unreadable or file is None
                if file is not None and _NAMES_PARENT.search(file.text):
                    findings.append(
                        problem(
                            file,
                            UNREADABLE_FILE,
                            "`revision` is not a literal: Alembic may run this file, and kfm-ci did not check it.",
                            'Write `revision = "…"` and `down_revision = "…"` as literals.',
                            hazard=Hazard.ORDER,
                        )
                    )
                    unreadable = True
                continue
            if node.id in revisions:
                findings.append(
                    problem(
                        file,
                        DUPLICATE_VERSION,
                        f"Revision `{node.id}` is defined twice: in `{revisions[node.id].file.path}` and `{path}`.",
                        "Create the newer one again with `alembic revision`.",
                    )
                )
                unreadable = True
            revisions[node.id] = node
        ordered = revision_graph.ordered(revisions, findings, "Fix `down_revision`.")
        heads = revision_graph.forked(ordered)
        if heads:
            findings.append(
                problem(
                    revisions[heads[-1]].file,
                    MULTIPLE_HEADS,
                    f"The revisions end in {len(heads)} heads ({', '.join(heads)}), so `alembic upgrade head` fails.",
                    f"Run `alembic merge -m merge {' '.join(heads)}`.",
                )
            )
        unreadable = unreadable or len(ordered) < len(revisions) or bool(heads)
        migrations = tuple(
            Migration(
                id=item.id,
                version="",
                sort_key=(number,),
                name=item.name,
                header=program_metadata.parse(item.file.text, id=item.id),
                up=Command(file=item.file, argv=(), directory="."),
            )
            for number, item in enumerate(ordered)
        )
        history = History(
            format=self.name,
            directory=directory,
            migrations=migrations,
            findings=tuple(findings),
            unreadable=unreadable,
            semantics=ToolSemantics(
                how_to_disable_transaction="in a revision of its own, within `with "
                "op.get_context().autocommit_block():`"
            ),
        )
        children = Counter(parent for item in ordered for parent in item.parents or (_BASE,))
        words = {
            item.id: {
                "range": f"{item.parents[0]}:{item.id}" if item.parents else item.id,
                "below": _below(item, children),
            }
            for item in ordered
        }
        history = with_tool(history, _tool(tree, found), words)
        straight = _straight(ordered)
        return replace(
            history,
            migrations=tuple(
                item if item.id in straight else replace(item, up=replace(item.up, down_to=()))
                for item in history.migrations
                if isinstance(item.up, Command)
            ),
        )


def _paths(tree: Tree, settings: AlembicSettings) -> Iterator[str]:
    """Yield each file that may be a revision, once."""
    for place in settings.places:
        for path in tree.paths(place):
            here = path.rpartition("/")[0] in settings.places
            if path.endswith(".py") and not path.endswith("__init__.py") and (here or settings.recursive):
                yield path


def _tool(tree: Tree, settings: AlembicSettings) -> Tool:
    env = (f"{settings.places[0].rpartition('/')[0]}/env.py".lstrip("/"),)
    schema, table = (program_files.first_match(tree, ".", env, pattern) for pattern in (_SCHEMA, _TABLE))
    run = ("alembic", *settings.options)
    return Tool(
        commands=ToolCommands(
            # all heads: the base may have two when the pull request adds the merge
            up=(*run, "upgrade", "heads"),
            up_one=(*run, "upgrade", "{id}"),
            down_one=(*run, "downgrade", "{id}{below}"),
            down_to=(*run, "downgrade", "{id}{below}"),
            preview=(*run, "upgrade", "{range}", "--sql"),
        ),
        tables=ToolTableNames(history=f"{schema}.{table or _DEFAULT}" if schema else table or _DEFAULT),
        environment=ToolEnvironment(
            directory=settings.home,
            settings_file=settings.file,
        ),
        installation=ToolInstallation(help="pip install -r requirements.txt"),
    )


def _below(node: Revision, children: Mapping[str, int]) -> str:
    """Return the suffix that limits a downgrade to the revision's own branch where the history forks below it."""
    parent = node.parents[0] if node.parents else _BASE
    return "-1" if children[parent] == 1 and len(node.parents) < 2 else f"@{parent}"


def _straight(nodes: list[Revision]) -> frozenset[str]:
    """Return the revisions with a single line of descendants, so that one step below them is below all of these."""
    line: list[str] = []
    for number in range(len(nodes) - 1, -1, -1):
        line.append(nodes[number].id)
        if not number or nodes[number].parents != (nodes[number - 1].id,):
            break
    return frozenset(line)


def _revision(file: SourceFile) -> Revision | None:
    said = python_assignments.read(file.text)
    if said is None or not isinstance(revision := said.literal("revision"), str) or "down_revision" not in said.values:
        return None
    return Revision(
        id=revision,
        parents=_names(said.literal("down_revision")),
        needs=_names(said.literal("depends_on")),
        labels=_names(said.literal("branch_labels")),
        file=file,
        name=said.title or revision,
    )


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, (tuple, list, set)) else ()
