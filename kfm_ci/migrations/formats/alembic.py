"""Format ``alembic``: a graph of revisions in Python, run by Alembic itself."""

from __future__ import annotations

import ast
import re

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import reading
from kfm_ci.migrations.files import Command, History, Migration, SourceFile, Tool, Tree
from kfm_ci.migrations.formats import graph, metadata, programs
from kfm_ci.migrations.formats.commands import with_tool
from kfm_ci.migrations.formats.graph import Node
from kfm_ci.migrations.formats.sections import problem
from kfm_ci.model import Finding, Hazard

_TABLE = re.compile(r"\bversion_table\s*=\s*[\"'](\w+)[\"']")
_DEFAULT = "alembic_version"
_SCHEMA = re.compile(r"\bversion_table_schema\s*=\s*[\"'](\w+)[\"']")


class Alembic:
    """Revisions from the first to the head, each after those it builds on; two heads cannot be upgraded to."""

    name = "alembic"
    confidence = 90

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether Alembic's ``env.py`` stands above Python files."""
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
        revisions: dict[str, Node] = {}
        unreadable = False
        for path in tree.paths(directory):
            if not path.endswith(".py") or path.endswith("__init__.py"):
                continue
            file = reading.read(tree, path, findings)
            found = _revision(file) if file else None
            if file is None or found is None:
                unreadable = unreadable or file is None or "down_revision" in file.text
                continue
            if found.id in revisions:
                findings.append(problem(file, "duplicate-version", f"revision {found.id} twice: {revisions[found.id].file.path} and {path}",
                                        "make the newer one anew by `alembic revision`", hazard=Hazard.ORDER))  # fmt: skip
                unreadable = True
            revisions[found.id] = found
        ordered = graph.ordered(revisions, findings, "mend `down_revision`")
        heads = graph.heads(revisions.values())
        if len(heads) > 1:
            findings.append(problem(revisions[heads[-1]].file, "two-heads", f"the revisions end in {len(heads)} heads: {', '.join(heads)}; `alembic upgrade head` refuses",
                                    f"run: alembic merge -m merge {' '.join(heads)}", hazard=Hazard.ORDER))  # fmt: skip
        unreadable = unreadable or len(ordered) < len(revisions) or len(heads) > 1
        migrations = tuple(
            Migration(id=item.id, version="", sort_key=(number,), name=item.name, header=metadata.parse(item.file.text, id=item.id),
                      up=Command(file=item.file, argv=(), directory="."))
            for number, item in enumerate(ordered)
        )  # fmt: skip
        history = History(
            format=self.name,
            directory=directory,
            migrations=migrations,
            findings=tuple(findings),
            unreadable=unreadable,
            outside="in a revision of its own, within `with op.get_context().autocommit_block():`",
        )
        words = {item.id: {"range": f"{item.parents[0]}:{item.id}" if item.parents else item.id} for item in ordered}
        ini, env = _ini(tree, directory), (f"{directory.rpartition('/')[0]}/env.py".lstrip("/"),)
        schema, table = (programs.says(tree, ".", env, pattern) for pattern in (_SCHEMA, _TABLE))
        return with_tool(history, Tool(
            up=("alembic", "upgrade", "head"), up_one=("alembic", "upgrade", "{id}"), down_one=("alembic", "downgrade", "{id}-1"),
            down_to=("alembic", "downgrade", "{id}-1"),
            preview=("alembic", "upgrade", "{range}", "--sql"), history_table=f"{schema}.{table or _DEFAULT}" if schema else table or _DEFAULT,
            directory=ini.rpartition("/")[0] or "." if ini else ".", settings_file=ini, install="pip install -r requirements.txt",
        ), words)  # fmt: skip


def _revision(file: SourceFile) -> Node | None:
    try:
        tree = ast.parse(file.text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    values: dict[str, object] = {}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                try:
                    values[target.id] = ast.literal_eval(value)
                except (ValueError, TypeError):
                    continue
    if not isinstance(values.get("revision"), str) or "down_revision" not in values:
        return None
    message = (ast.get_docstring(tree) or "").strip().splitlines()
    return Node(id=str(values["revision"]), parents=_names(values["down_revision"]), needs=_names(values.get("depends_on")),
                     file=file, name=message[0] if message else str(values["revision"]))  # fmt: skip


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, (tuple, list, set)) else ()


def _ini(tree: Tree, directory: str) -> str | None:
    parts = directory.split("/")
    for count in range(len(parts), -1, -1):
        path = "/".join([*parts[:count], "alembic.ini"])
        if tree.exists(path):
            return path
    return None
