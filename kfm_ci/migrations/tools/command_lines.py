"""Command lines of a tool that runs migrations itself, from the format or from ``[migrations.command]``."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping
from dataclasses import replace

from kfm_ci.config import CommandTable
from kfm_ci.errors import UsageError
from kfm_ci.migrations.model import Command, History, Migration, Tool, ToolCommands, ToolTableNames
from kfm_ci.migrations.tools.known_tools import KNOWN

_UNKNOWN = Tool(commands=ToolCommands(up=()), tables=ToolTableNames(history=""))
"""A tool of which everything must be configured."""


def with_tool(history: History, tool: Tool, words: Mapping[str, Mapping[str, str]] | None = None) -> History:
    """Return the history with each migration run by the tool, one step each.

    ``words``: by migration id, further values for the placeholders of command lines.
    """
    before = ""
    migrations = []
    known = {"dir": posixpath.relpath(history.directory or ".", tool.environment.directory or ".")}
    commands = replace(
        tool.commands,
        up=_filled(tool.commands.up, known),
        status=_filled(tool.commands.status, known),
        load_schema=_filled(tool.commands.load_schema, known),
    )
    for item in history.migrations:
        names = {
            **known,
            "id": item.id,
            "stem": item.id.rpartition("/")[2].rsplit(".", 1)[0],
            "version": item.version,
            "previous": before,
            "file": item.up_path,
        }
        own = (words or {}).get(item.id) or (item.up.placeholders if isinstance(item.up, Command) else {})
        names |= own
        before = item.id
        note = _filled(tool.tables.row_keys, names)
        down = _filled(commands.down_one, names) if commands.down_one else None
        preview = _filled(commands.preview, names) if commands.preview else None
        part, line = (item.up.part, item.up.line) if isinstance(item.up, Command) else _part(item)
        up = Command(
            file=item.up.file,
            argv=_filled(commands.up_one, names),
            directory=tool.environment.directory,
            down=down,
            preview=preview,
            part=part,
            line=line,
            placeholders=dict(own),
            is_reversible=item.up.is_reversible if isinstance(item.up, Command) else True,
            down_to=_filled(commands.down_to, names),
            history_row_keys=() if any("{" in part for part in note) else note,
        )
        # without a down command of the tool, a down file is drilled by our own runner
        migrations.append(replace(item, up=up, down=None if down else item.down))
    return replace(history, migrations=tuple(migrations), tool=replace(tool, commands=commands))


def instead(history: History, table: CommandTable | None) -> History:
    """Return the history run by the configured command, if there is one.

    Keys that the table leaves out come from the format, else from the known tools.
    """
    if table is None:
        return history
    own = history.tool or KNOWN.get(history.format) or _UNKNOWN
    commands = replace(
        own.commands,
        up=_argv(table.up) or own.commands.up,
        up_one=_argv(table.up_one) or own.commands.up_one,
        down_one=_argv(table.down_one) or own.commands.down_one,
        down_to=_argv(table.down_to) or (() if table.down_one else own.commands.down_to),
        down_preview=() if table.down_one else own.commands.down_preview,
        status=_argv(table.status) or own.commands.status,
        preview=_argv(table.preview) or own.commands.preview,
    )
    tables = replace(own.tables, history=table.history_table or own.tables.history)
    environment = replace(
        own.environment,
        directory=table.directory or own.environment.directory,
        variables={**own.environment.variables, **table.env},
        pass_env=(*own.environment.pass_env, *table.pass_env),
        timeout=table.timeout,
    )
    missing = [name for name, value in (("up", commands.up), ("history-table", tables.history)) if not value]
    if missing:
        raise _incomplete(f"the tool's command is incomplete: {', '.join(missing)}")
    return with_tool(history, replace(own, commands=commands, tables=tables, environment=environment))


def _incomplete(message: str) -> UsageError:
    return UsageError(
        code="KFM-U35",
        message=message,
        where="[migrations.command]",
        help='Write `up = "…"` and `history-table = "…"` in `[migrations.command]`. '
        'Add `up-one = "…"` if the tool has single steps.',
    )


def _part(item: Migration) -> tuple[str | None, int]:
    """Return the text of a migration that is only a part of its file, and its first line."""
    if isinstance(item.up, Command) or item.up.text == item.up.file.text:
        return None, 1
    return f"{item.up.text}\n{item.down.text if item.down else ''}", item.up.first_line


def _argv(text: str | None) -> tuple[str, ...]:
    return tuple(shlex.split(text)) if text else ()


def _filled(argv: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    def fill(part: str) -> str:
        for name, value in names.items():
            part = part.replace("{" + name + "}", value)
        return part

    return tuple(fill(part) for part in argv)
