"""Format ``django``: a graph of migrations over all apps below ``manage.py``, run by Django itself."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import source_files
from kfm_ci.migrations.formats import django_settings
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
from kfm_ci.migrations.problems.file_order import MISSING_PARENT_REVISION, MULTIPLE_HEADS
from kfm_ci.migrations.tools.command_lines import with_tool
from kfm_ci.model import Digest, Finding
from kfm_ci.sql.script import SourceFile

_PATH = re.compile(r"^(?:.*/)?([^/]+)/migrations/(\w+)\.py$")
_NUMBERED = re.compile(r"\d{4}_\w+$")
_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE[\"']\s*,\s*[\"']([\w.]+)[\"']")
_OURS = "kfm_ci_settings"
_WRAPPER = '''"""The project's own settings, with the database replaced by the throwaway server."""

from {module} import *  # noqa: F403


def _pointed(given):
    ours = "postg" in given.get("ENGINE", "")
    elsewhere = ("sslmode", "service", "passfile")
    options = {{key: value for key, value in given.get("OPTIONS", {{}}).items() if ours and key not in elsewhere}}
    return {{
        **given, "ENGINE": given["ENGINE"] if ours else "django.db.backends.postgresql", "OPTIONS": options,
        "NAME": "{{database}}", "USER": "{{user}}", "PASSWORD": "{{password}}", "HOST": "{{host}}", "PORT": "{{port}}",
    }}


# No other server is reached, and migrations that a router assigns to another database run here too.
DATABASES = {{name: _pointed(given) for name, given in {{"default": {{}}, **globals().get("DATABASES", {{}})}}.items()}}
DATABASE_ROUTERS = []
'''
_MANAGE = ("python", "manage.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    node: Revision
    app: str
    name: str
    replaces: tuple[str, ...]


class Django:
    """One transaction per migration, unless it sets ``atomic = False``."""

    name = "django"
    confidence = 90

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether the directory holds ``manage.py`` and migrations below it."""
        return "manage.py" in names and any(_PATH.match(path) for path in tree.paths(directory))

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the migrations of each app without running them, and order the graph."""
        findings: list[Finding] = []
        found = {item.node.id: item for item in self._all(tree, directory, findings)}
        replaced = {name for item in found.values() for name in item.replaces}
        kept = {name: item for name, item in found.items() if name not in replaced}
        nodes = {name: _without(item.node, found, kept) for name, item in kept.items()}
        ordered = revision_graph.ordered(nodes, findings, "Fix `dependencies`.")
        unreadable = len(ordered) < len(nodes)
        for app in sorted({item.app for item in kept.values()}):
            unreadable = (
                _forked(app, [nodes[name] for name, item in kept.items() if item.app == app], findings) or unreadable
            )
        migrations = tuple(
            Migration(
                id=item.id,
                version="",
                sort_key=(number,),
                name=item.name,
                header=program_metadata.parse(item.file.text, id=item.id),
                up=Command(file=item.file, argv=(), directory=directory),
                accepted_digests=_sequels(item.file),
            )
            for number, item in enumerate(ordered)
        )
        history = History(
            format=self.name,
            directory=directory,
            migrations=migrations,
            findings=tuple(findings),
            unreadable=unreadable,
            other_files=tuple(found[name].node.file for name in replaced if name in found),
            semantics=ToolSemantics(how_to_disable_transaction="in a migration of its own with `atomic = False`"),
        )
        words = {
            item.id: {"app": kept[item.id].app, "name": kept[item.id].name, "back": _back(item, kept)}
            for item in ordered
        }
        start = "" if directory in {"", "."} else f"{directory}/"
        module = _SETTINGS.search(program_files.read_text(tree, f"{start}manage.py"))
        return with_tool(
            history,
            Tool(
                commands=ToolCommands(
                    up=(*_MANAGE, "migrate", "--noinput"),
                    up_one=(*_MANAGE, "migrate", "{app}", "{name}", "--noinput"),
                    down_one=(*_MANAGE, "migrate", "{app}", "{back}", "--noinput"),
                    down_to=(*_MANAGE, "migrate", "{app}", "{back}", "--noinput"),
                    status=(*_MANAGE, "migrate", "--check"),
                    preview=(*_MANAGE, "sqlmigrate", "{app}", "{name}"),
                ),
                tables=ToolTableNames(
                    row_keys=("{app}", "{name}"),
                    filled_afterwards=("django_content_type", "auth_permission"),
                    history="django_migrations",
                ),
                environment=ToolEnvironment(
                    directory=directory,
                    generated_files={f"{start}{_OURS}.py": _WRAPPER.format(module=module[1])} if module else {},
                    variables={"DJANGO_SETTINGS_MODULE": _OURS} if module else {},
                ),
                installation=ToolInstallation(
                    help="pip install -r requirements.txt",
                    check=("python", "-c", "import django"),
                ),
            ),
            words,
        )

    def _all(self, tree: Tree, directory: str, findings: list[Finding]) -> Iterator[_Read]:
        inside = list(tree.paths(directory))
        settings = django_settings.read(tree, inside)
        for path in inside:
            name = posixpath.basename(path).removesuffix(".py")
            if not path.endswith(".py") or not name.isidentifier() and not name[:1].isdigit() or name.startswith("__"):
                continue
            app = settings.app(tree, path)
            if app is None and not (settings.computed and _NUMBERED.match(name)):
                continue
            file = source_files.read(tree, path, findings)
            read = _migration(file, app or "", name, settings.user) if file else None
            if read is not None and app is None:
                findings.append(
                    problem(
                        read.node.file,
                        MISSING_PARENT_REVISION,
                        "No app is known to read migrations from this directory: `MIGRATION_MODULES` is not a literal.",
                        'Write `MIGRATION_MODULES` as a literal: `{"label": "package.of.migrations"}`.',
                    )
                )
            elif read is not None:
                yield read


def _migration(file: SourceFile, app: str, name: str, user: str | None) -> _Read | None:
    said = python_assignments.read(file.text, of="Migration")
    if said is None:
        return None
    named = [*_pairs(said.values.get("dependencies"))]
    swapped = "swappable_dependency" in file.text and user is not None and user != app
    parents = tuple(f"{one}.{other}" for one, other in named if one == app)
    needs = (*(f"{one}.{other}" for one, other in named if one != app), *((f"{user}.__first__",) if swapped else ()))
    return _Read(
        node=Revision(id=f"{app}.{name}", parents=parents, needs=needs, file=file, name=said.title or name),
        app=app,
        name=name,
        replaces=tuple(f"{one}.{other}" for one, other in _pairs(said.values.get("replaces"))),
    )


def _sequels(file: SourceFile) -> frozenset[Digest]:
    """Return the texts of a squash after its old files are deleted: without ``replaces`` and its blank lines."""
    said = python_assignments.read(file.text, of="Migration")
    value = said.values.get("replaces") if said else None
    lines = file.text.splitlines(keepends=True)
    if value is None or not value.end_lineno or value.end_lineno > len(lines):
        return frozenset()
    first, last = value.lineno - 1, value.end_lineno
    starts = {first, first - 1} if first and not lines[first - 1].strip() else {first}
    ends = {last, last + 1} if last < len(lines) and not lines[last].strip() else {last}
    texts = ("".join([*lines[:start], *lines[end:]]) for start in starts for end in ends)
    return frozenset(Digest.of(text.encode()) for text in texts)


def _pairs(value: ast.expr | None) -> Iterator[tuple[str, str]]:
    """Yield the pairs of string literals in a list; other items are left out."""
    for item in value.elts if isinstance(value, (ast.List, ast.Tuple)) else ():
        try:
            pair = ast.literal_eval(item)
        except (ValueError, TypeError):
            continue
        if isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
            yield pair


def _without(node: Revision, found: dict[str, _Read], kept: dict[str, _Read]) -> Revision:
    """Return the node with its dependencies by name: a squashed one by its squash, without other projects' apps."""
    squash = {name: item.node.id for item in kept.values() for name in item.replaces}
    apps = {item.app for item in found.values()}

    def name(one: str) -> str | None:
        app, _, plain = one.partition(".")
        if app not in apps:
            return None
        if plain in {"__first__", "__latest__"}:
            own = sorted(
                item.node.id
                for item in kept.values()
                if item.app == app and (plain == "__latest__" or not item.node.parents)
            )
            return own[-1 if plain == "__latest__" else 0] if own else None
        return squash.get(one, one)

    def names(given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(new for one in given if (new := name(one)) is not None and new != node.id))

    return Revision(id=node.id, parents=names(node.parents), needs=names(node.needs), file=node.file, name=node.name)


def _forked(app: str, nodes: list[Revision], findings: list[Finding]) -> bool:
    heads = revision_graph.heads(nodes)
    if len(heads) < 2:
        return False
    file = next(node.file for node in nodes if node.id == heads[-1])
    findings.append(
        problem(
            file,
            MULTIPLE_HEADS,
            f"The migrations of `{app}` end in {len(heads)} leaf nodes ({', '.join(heads)}), so `migrate` fails.",
            f"Run `python manage.py makemigrations --merge {app}`.",
        )
    )
    return True


def _back(node: Revision, kept: dict[str, _Read]) -> str:
    return kept[node.parents[0]].name if node.parents and node.parents[0] in kept else "zero"
