"""Statements inside a block, a procedure or a function: each noticed when the server comes to it.

While such a statement runs, the server reports every text that it reads (``debug_print_parse``), and event triggers of
our own look at the session around each command that changes the schema. Both speak to the observed session as messages
of level DEBUG1 or LOG, so that a transaction that is rolled back takes nothing with it, and no statement's conditions
("must be the first of its transaction") are touched. What is written here can only add to what was seen of the whole.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.errors import Diagnostic

from kfm_ci.evidence.observation import session_snapshot, snapshot_queries
from kfm_ci.evidence.observation.session_snapshot import SessionSnapshot
from kfm_ci.sql import statements
from kfm_ci.sql.script import Statement

ENTERED = frozenset({"DO", "CALL"})
"""Commands that run others; any statement does when it calls a function of the application."""
_INDIRECT = frozenset({"EXECUTE", "EXPLAIN", "REFRESH MATERIALIZED VIEW"})
"""Commands that call functions which their text does not name."""
_ADDING = frozenset({"INSERT", "COPY"})
"""Commands whose triggers are those of the relations that they name."""
_FIRING = frozenset({"UPDATE", "DELETE", "MERGE", "TRUNCATE TABLE", "TRUNCATE", "WITH", "SELECT"})
"""Commands that can fire triggers of other relations too, through foreign keys."""

MOST = 500
"""So many statements are distinguished; what further ones do is reported for the whole."""

_FUNCTION = """
create function pg_catalog.{name}() returns event_trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp set debug_print_parse = off as {body}"""
_BODY = """
declare seen jsonb;
begin
  select jsonb_agg(jsonb_build_array({columns})) into seen from ({question}) q({columns});
  raise debug using message = '{name}' || jsonb_build_array(
    tg_event, tg_tag, extract(epoch from clock_timestamp()) * 1000, seen)::text;
end"""
_TRIGGER = "create event trigger {trigger} on {event} execute function pg_catalog.{name}()"
_EVENTS = ("ddl_command_start", "ddl_command_end")
_PRINT = "select pg_catalog.set_config('debug_print_parse', %s, %s)"
_CALLS = """
select from pg_catalog.pg_proc p
 where p.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
   and p.prolang operator(pg_catalog.<>) 13::pg_catalog.oid
   and p.proname operator(pg_catalog.=) any (%s::pg_catalog.name[]) limit 1
"""
"""Functions of the application with these names; those in C run no statements of the application."""
_ANY_FUNCTION = (
    "select from pg_catalog.pg_proc where oid >= 16384::pg_catalog.oid and prolang <> 13::pg_catalog.oid limit 1"
)
"""Functions of the application that are not written in C."""
_ANY_TRIGGER = """select from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
where not t.tgisinternal and (%s::pg_catalog.text[] is null or c.relname = any (%s)) limit 1"""
_FUNCTION_NAME = re.compile(r'(?:^|\n)(?:PL/pgSQL function (?:[^\n(]*\.)?([^\n(.]+)\(|SQL function "([^"\n]+)")')
_IN_BLOCK = "PL/pgSQL function inline_code_block line "
_OPENINGS = ("SQL statement", "SQL expression", "PL/pgSQL expression", "PL/pgSQL assignment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a statement stands that runs inside another."""

    text: str
    """Empty for a statement of an SQL function."""
    within: str | None
    """The function, as the server writes it; None right inside the block."""
    block_line: int | None
    """1-based line of the block's body; None outside one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMessage:
    """A message of the server while it ran the statement, in order."""

    origin: Origin
    look: SessionSnapshot | None = None
    """None when the statement was only read."""
    ends: bool = False
    """Whether the command has just ended."""
    tag: str = ""
    at_ms: float = 0.0
    work: str | None = None
    """What DEBUG1 says that it does."""


class NestedStatementListener:
    """Listens while one statement runs others."""

    def __init__(
        self, observed: Connection[Any], beside: Connection[Any], look: SessionSnapshot, *, inside: bool
    ) -> None:
        """Make the server report; ``look`` is the one before the statement. Raises psycopg's errors."""
        self._observed, self._beside, self._inside = observed, beside, inside
        self._name = f"kfm_look_{secrets.token_hex(8)}"
        self.notes: list[ServerMessage] = []
        self.functions: set[str] = set()
        row = observed.execute("select pg_catalog.current_setting('debug_print_parse')").fetchone()
        self._print = row[0] if row else "off"
        question = snapshot_queries.look(inside=inside, low=look.low or snapshot_queries.EVERYTHING)
        body = _BODY.format(name=self._name, columns=", ".join(snapshot_queries.NAMES), question=question)
        name = sql.Identifier(self._name)
        with beside.transaction():
            beside.execute("set local lock_timeout = '2s'")
            beside.execute(sql.SQL(_FUNCTION).format(name=name, body=sql.Literal(body)))
            for event in _EVENTS:
                trigger = sql.Identifier(f"{self._name}_{event}")
                beside.execute(sql.SQL(_TRIGGER).format(trigger=trigger, event=sql.SQL(event), name=name))
        observed.execute(_PRINT, ("on", inside), prepare=False)

    def leave(self, *, usable: bool) -> None:
        """Take all of it away; the session is ``usable`` unless its transaction has failed."""
        if usable:
            self._observed.execute(_PRINT, (self._print, self._inside), prepare=False)
        self._beside.execute(sql.SQL("drop function pg_catalog.{}() cascade").format(sql.Identifier(self._name)))

    def hear(self, said: Diagnostic, *, work: bool) -> bool:
        """Take in a message; return whether it is one of ours. ``work`` marks messages on work by the server."""
        text = said.message_primary or ""
        ours = text.startswith(self._name)
        parsed = said.source_function == "elog_node_display"
        if not (ours or parsed or work) or len(self.notes) > 20 * MOST:
            return ours or parsed
        self.functions |= {one or other for one, other in _FUNCTION_NAME.findall(said.context or "")}
        found = origin(said.context or "", calls=ours or work)
        if found is None:
            return ours or parsed
        if ours:
            try:
                event, tag, at, seen = json.loads(text[len(self._name) :])
            except (ValueError, TypeError):  # code of the migration found the name and wrote this
                return True
            self.notes.append(
                ServerMessage(
                    origin=found,
                    look=session_snapshot.look(seen),
                    tag=tag,
                    at_ms=float(at),
                    ends=event == "ddl_command_end",
                )
            )
        else:
            self.notes.append(ServerMessage(origin=found, work=text if work else None))
        return ours or parsed


def enter(
    statement: Statement, *, observed: Connection[Any], beside: Connection[Any], look: SessionSnapshot, inside: bool
) -> NestedStatementListener | None:
    """Listen to what runs inside a statement; None when nothing does, or the role beside may not set it up."""
    if not runs_others(statement, observed) or beside.info.dbname != observed.info.dbname:
        return None
    try:
        return NestedStatementListener(observed, beside, look, inside=inside)
    except psycopg.Error:
        return None


def runs_others(statement: Statement, observed: Connection[Any]) -> bool:
    """Whether a statement may run others: it is a block, or calls functions of the application, or fires triggers."""
    kind = statements.kind(statement.text)
    if kind in ENTERED:
        return True
    if kind in _INDIRECT:
        return _exists(observed, _ANY_FUNCTION)
    try:
        trees = statements.parse(statement.text)
    except statements.SyntaxProblem:
        return False
    called = {call.strings("funcname")[-1] for tree in trees for call in tree.find("FuncCall")}
    if called and _exists(observed, _CALLS, list(called)):
        return True
    changes = kind in _FIRING and (
        kind != "SELECT" or any(True for tree in trees for _ in tree.find("CommonTableExpr"))
    )
    if not changes and kind not in _ADDING:
        return False
    named = [node.text("relname") for tree in trees for node in tree.find("RangeVar")] if kind in _ADDING else None
    return _exists(observed, _ANY_TRIGGER, named, named)


def _exists(observed: Connection[Any], question: str, *arguments: list[str] | None) -> bool:
    # only the observed session sees what its own transaction has created
    return observed.execute(question, arguments, prepare=False).fetchone() is not None


def origin(context: str, *, calls: bool = False) -> Origin | None:
    """Return the innermost statement of a context that stands in a function's body; None for an expression.

    Below a statement's own line stand those of whatever runs for it, such as the queries of a foreign key.
    """
    # a statement's text can look like the server's lines below it: with two blocks, none of the lines is trusted
    forged = context.count(_IN_BLOCK) > 1
    block = context.rfind(_IN_BLOCK)
    block_line = int(context[block + len(_IN_BLOCK) :].split(None, 1)[0]) if block >= 0 else None
    end = context.find('"\nPL/pgSQL function ')
    plain = context.find('SQL function "')
    if plain >= 0 and (end < 0 or plain < end):
        name = context[plain:].split("\n", 1)[0].removeprefix("SQL ").replace('"', "")
        return Origin(text="", within=name, block_line=block_line) if calls else None
    if end < 0:
        return None
    start, opening = max((context.rfind(f'\n{word} "', 0, end), word) for word in _OPENINGS)
    if start < 0:
        start, opening = -1, next((word for word in _OPENINGS if context.startswith(f'{word} "')), "")
    if opening != "SQL statement":
        return None
    text = context[start + 1 + len(f'{opening} "') : end]
    where = context[end + 2 :].split("\n", 1)[0].removeprefix("PL/pgSQL ")
    function = where.rpartition(" at ")[0].replace(" line ", ", line ")
    within = None if function.startswith("function inline_code_block,") and not forged else function
    return Origin(text=text, within=within, block_line=block_line)
