"""Format ``alembic``: a graph of revisions in Python, run by Alembic itself."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import header, reading
from kfm_ci.migrations.files import Command, History, Migration, SourceFile, Tool, Tree
from kfm_ci.migrations.formats.commands import with_tool
from kfm_ci.migrations.formats.sections import problem
from kfm_ci.model import Finding, Hazard


@dataclass(frozen=True, slots=True, kw_only=True)
class _Revision:
    id: str
    parents: tuple[str, ...]
    needs: tuple[str, ...]
    file: SourceFile
    message: str


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
        revisions: dict[str, _Revision] = {}
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
        ordered = _ordered(revisions, findings)
        heads = _heads(revisions)
        if len(heads) > 1:
            findings.append(problem(revisions[heads[-1]].file, "two-heads", f"the revisions end in {len(heads)} heads: {', '.join(heads)}; `alembic upgrade head` refuses",
                                    f"run: alembic merge -m merge {' '.join(heads)}", hazard=Hazard.ORDER))  # fmt: skip
        unreadable = unreadable or len(ordered) < len(revisions) or len(heads) > 1
        migrations = tuple(
            Migration(id=item.id, version="", sort_key=(number,), name=item.message, header=header.parse(item.file.text.replace("# --", "--")),
                      up=Command(file=item.file, argv=(), directory="."))
            for number, item in enumerate(ordered)
        )  # fmt: skip
        history = History(
            format=self.name,
            directory=directory,
            migrations=migrations,
            findings=tuple(findings),
            unreadable=unreadable,
        )
        ini = _ini(tree, directory)
        return with_tool(history, Tool(
            up=("alembic", "upgrade", "head"), up_one=("alembic", "upgrade", "{id}"), down_one=("alembic", "downgrade", "-1"),
            history_table="alembic_version", directory=ini.rpartition("/")[0] or "." if ini else ".", settings_file=ini,
        ))  # fmt: skip


def _revision(file: SourceFile) -> _Revision | None:
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
                except ValueError:
                    continue
    if not isinstance(values.get("revision"), str) or "down_revision" not in values:
        return None
    message = (ast.get_docstring(tree) or "").strip().splitlines()
    return _Revision(id=str(values["revision"]), parents=_names(values["down_revision"]), needs=_names(values.get("depends_on")),
                     file=file, message=message[0] if message else str(values["revision"]))  # fmt: skip


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, (tuple, list, set)) else ()


def _heads(revisions: dict[str, _Revision]) -> list[str]:
    parents = {parent for item in revisions.values() for parent in item.parents}
    return sorted(name for name in revisions if name not in parents)


def _ordered(revisions: dict[str, _Revision], findings: list[Finding]) -> list[_Revision]:
    """Return the revisions so that each follows what it builds on; says what cannot be placed."""
    done: dict[str, _Revision] = {}
    waiting = dict(sorted(revisions.items(), key=lambda item: item[1].file.path))
    while waiting:
        ready = [item for item in waiting.values() if all(name in done for name in (*item.parents, *item.needs))]
        if not ready:
            item = next(iter(waiting.values()))
            gone = [name for name in (*item.parents, *item.needs) if name not in revisions]
            what = f"builds on {gone[0]}, which is not there" if gone else "builds on itself in a circle"
            findings.append(
                problem(
                    item.file,
                    "revision-missing",
                    f"revision {item.id} {what}",
                    "mend `down_revision`",
                    hazard=Hazard.ORDER,
                )
            )
            return list(done.values())
        for item in ready:
            done[item.id] = waiting.pop(item.id)
    return list(done.values())


def _ini(tree: Tree, directory: str) -> str | None:
    parts = directory.split("/")
    for count in range(len(parts), -1, -1):
        path = "/".join([*parts[:count], "alembic.ini"])
        if tree.exists(path):
            return path
    return None
