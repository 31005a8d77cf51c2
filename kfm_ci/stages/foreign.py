"""A foreign tool's migrations: run by the tool for real, recorded, and checked to be repeatable by our own runner.

What the tool sent is a script like any other afterwards: no later stage knows who wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from kfm_ci.evidence.recording import Recorded, Recorder
from kfm_ci.migrations.files import Command, Migration, Script, Tool
from kfm_ci.model import Finding, Mode
from kfm_ci.rules.touched import files_of
from kfm_ci.stages import attempt, together, validate, workshop
from kfm_ci.stages.attempt import Attempts
from kfm_ci.stages.base import Failed, Run
from kfm_ci.stages.together import End
from kfm_ci.stages.workshop import Workshop


def build_base(run: Run, tool: Tool, database: str) -> None:
    """Bring a database to the base commit's state by the tool's own command on that commit's files."""
    tree = run.change.before
    if tree is None or run.server is None or not run.change.base or not run.change.base.migrations:
        return
    with workshop.opened(tree, tool, run.server, run.root) as shop:
        recorder = Recorder(run.server, database)
        ended = shop.start(tool.up, database)
        if ended.code and not recorder.take():
            raise attempt.broken(tool, ended)
    if ended.code:
        raise Failed(f"the base commit's own migrations do not apply: {attempt.last(ended.tail)}")
    if not attempt.history(run, database, tool):
        raise attempt.silent(tool, ended)


def record(run: Run, tool: Tool) -> None:
    """Run each new migration by the tool, up and down, and put what it sent in the place of the command.

    What is judged on paper is what was sent; of a migration that did not run, what the tool prints for it.
    """
    server, base = run.server, run.base_database
    if server is None or base is None:
        raise RuntimeError("no server yet")
    name = server.create_database("tool", template=base)
    with ExitStack() as stack:
        shop = stack.enter_context(workshop.opened(run.change.tree, tool, server, run.root))
        attempts = Attempts(run=run, shop=shop, recorder=Recorder(server, name), database=name)
        ups, failure = _ups(run, attempts)
        if failure is not None:
            _put(run, {**_scripts(run, ups, {}), **_printed(run, attempts, ups)})
            run.findings[:] = [*dict.fromkeys([*validate.judged(run), *run.findings, failure])]
            raise Failed(f"{failure.migration}: {failure.message}")
        end = End(run, name, tool)
        pending = attempts.status()
        run.findings += [pending] if pending else []
        downs = {item.id: attempts.down(item) for item in reversed(run.new)}
        scripts = _scripts(run, ups, downs)
        together.repeat(run, tuple(scripts[item.id] for item in run.new), end, tool)
        if len(run.new) > 1:
            together.as_one(run, shop, end, tool)
    _put(run, scripts)
    run.findings[:] = [*dict.fromkeys([*validate.judged(run), *run.findings])]
    server.drop_database(name)


def _ups(run: Run, attempts: Attempts) -> tuple[dict[str, Recorded], Finding | None]:
    """Run the new migrations in order; return what each sent, and why the first that failed did."""
    shop = attempts.shop
    if not shop.tool.up_one:
        shop.keep_away(file.path for item in run.new for file in files_of(item))
    ups: dict[str, Recorded] = {}
    failure: Finding | None = None
    for item in run.new:
        if not shop.tool.up_one:
            _bring(shop, item)
        done = attempts.up(item)
        if isinstance(done, Finding):
            failure = done
            break
        ups[item.id] = done
    for item in run.new if not shop.tool.up_one else ():
        _bring(shop, item)
    return ups, failure


def _bring(shop: Workshop, migration: Migration) -> None:
    for file in files_of(migration):
        shop.bring(file.path, file.data)


def _printed(run: Run, attempts: Attempts, ran: Mapping[str, Recorded]) -> dict[str, Migration]:
    """Return the migrations that did not run as what the tool prints for them, where it can."""
    texts = {item.id: attempts.preview(item) for item in run.new if item.id not in ran}
    ups = {
        name: Recorded(text=text, mode=Mode.TRANSACTION, error=None, transactions=1)
        for name, text in texts.items()
        if text
    }
    return _scripts(run, ups, {})


def _put(run: Run, scripts: Mapping[str, Migration]) -> None:
    new = tuple(scripts.get(item.id, item) for item in run.new)
    head = replace(run.change.head, migrations=tuple(scripts.get(item.id, item) for item in run.change.head.migrations))
    run.change = replace(run.change, head=head, new=new)


class _Lines:
    """Counts on the lines of what was sent from the end of each file, so that no place means two things."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def script(self, migration: Migration, text: str, mode: Mode) -> Script:
        file, command = migration.up.file, migration.up
        first = self._next.get(file.path, file.text.count("\n") + 2)
        self._next[file.path] = first + text.count("\n") + 1
        begins = command.line if isinstance(command, Command) else 1
        return Script(file=file, text=text, mode=mode, first_line=first, recorded=True, begins=begins)


def _scripts(run: Run, ups: Mapping[str, Recorded], downs: Mapping[str, Recorded | None]) -> dict[str, Migration]:
    lines = _Lines()
    found = {}
    for item in run.new:
        if item.id in ups:
            up, down = ups[item.id], downs.get(item.id)
            back = lines.script(item, down.text, down.mode) if down is not None else item.down
            found[item.id] = replace(item, up=lines.script(item, up.text, up.mode), down=back)
    return found
