"""The questions that are asked on the observed session, as SQL: its settings, locks, relations and counters at once.

Every name and operator is qualified: the observed session's search_path belongs to the migration's author. They
are asked around each statement, and planning them would take most of the time: what is asked most stands in a function,
whose plan the session keeps (a prepared statement would be dropped by the migration's own DEALLOCATE ALL). The others
are planned each time, so each is as plain as can be: few joins, no parameters.
"""

from __future__ import annotations

from functools import cache

RELATIONS = "select c.oid from pg_catalog.pg_class c where c.oid operator(pg_catalog.>=) 16384::pg_catalog.oid"

EVERYTHING = "3"
"""The first transaction there can be: all is newer."""

COLUMNS = 18
"""Of each answer."""
OF_STATE = 10
"""Of them describe the session; the others a relation."""
NAMES = tuple(f"c{number}" for number in range(COLUMNS))

_HELD = """with held as materialized (
  select l.relation, l.mode from pg_catalog.pg_locks l
   where l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
     and l.locktype operator(pg_catalog.=) 'relation'
     and l.relation operator(pg_catalog.>=) 16384::pg_catalog.oid
)"""
_STATE = """pg_catalog.current_setting('client_min_messages'), {settle},
  pg_catalog.current_setting('lock_timeout'), pg_catalog.current_setting('statement_timeout'),
  pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text, {low}, {flush},
  pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text, {outcome}, {held}"""
_RELATIONS = """
  select c.oid::pg_catalog.int8,
         pg_catalog.concat(c.relnamespace::pg_catalog.regnamespace, '.', pg_catalog.quote_ident(c.relname)),
         c.relkind, c.relispartition, c.relfilenode::pg_catalog.int8,
         case when c.relkind operator(pg_catalog.=) any ('{{i,I}}'::pg_catalog."char"[]) then (
           select array[x.indrelid::pg_catalog.int8, x.indisvalid::pg_catalog.int4::pg_catalog.int8]
             from pg_catalog.pg_index x where x.indexrelid operator(pg_catalog.=) c.oid) end,
         case when c.relkind operator(pg_catalog.=) any ('{{r,m,p}}'::pg_catalog."char"[]) then {scans} end,
         case when c.relkind operator(pg_catalog.=) any ('{{r,m,p}}'::pg_catalog."char"[]) then {changes} end
    from pg_catalog.pg_class c
   where {chosen}
     and c.relkind operator(pg_catalog.<>) 't'::pg_catalog."char"
     and c.relnamespace operator(pg_catalog.<>) 'pg_toast'::pg_catalog.regnamespace::pg_catalog.oid
"""
_LOCKS = "(select pg_catalog.array_agg(pg_catalog.concat(h.relation, ' ', h.mode)) from held h)"
_LOW = "pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.xid::pg_catalog.text"

_XACT = {
    "scans": "pg_catalog.pg_stat_get_xact_numscans(c.oid)",
    "changes": "pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) operator(pg_catalog.+) "
    "pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)",
}
# Outside a transaction the counters may be handed over at any moment: only what was handed over and what was not,
# taken together, grow steadily.
_TOTAL = {
    "scans": f"({_XACT['scans']} operator(pg_catalog.+) pg_catalog.pg_stat_get_numscans(c.oid))",
    "changes": f"({_XACT['changes']} operator(pg_catalog.+) pg_catalog.pg_stat_get_tuples_updated(c.oid) "
    "operator(pg_catalog.+) pg_catalog.pg_stat_get_tuples_deleted(c.oid))",
}

# Only what changed since {low} or has been counted is sent: a large schema must not slow down each statement.
_CHANGED = """c.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
     and (pg_catalog.age(c.xmin) operator(pg_catalog.<=) pg_catalog.age('{low}'::pg_catalog.xid)
          or case when c.relkind operator(pg_catalog.=) any ('{{r,m,p}}'::pg_catalog."char"[])
                  then {counted} else {doubtful} end)"""
# A session that changes or reads a relation keeps a lock on it until the transaction ends.
_LOCKED = "c.oid operator(pg_catalog.=) any (array(select h.relation from held h))"
# Only outside a transaction can an index become invalid although its own row stays as it was.
_DOUBTFUL = """c.relkind operator(pg_catalog.=) 'i'::pg_catalog."char" and exists (
  select from pg_catalog.pg_index x where x.indexrelid operator(pg_catalog.=) c.oid and not x.indisvalid)"""

# A statement that set the level itself is left its way.
_RESTORE = """case when pg_catalog.current_setting('client_min_messages') operator(pg_catalog.=) 'debug1'
              then pg_catalog.set_config('client_min_messages', '{level}', {local}) end"""

# Handed over at the end of each transaction the counters are few; else they gather for a second.
_FLUSH = "pg_catalog.pg_stat_force_next_flush()::pg_catalog.text"
HANDS_OVER = 150_000
"""First server version that hands counters over when asked to."""


def whole(*, inside: bool, low: str, xact: str | None, version: int) -> str:
    """Ask for all that changed since ``low``, and have the session report what it does."""
    flush = _FLUSH if version >= HANDS_OVER else "null"
    return _whole(_listen(inside=inside), inside=inside, low=low, outcome=_outcome(xact), flush=flush)


def opening(*, xact: str | None) -> str:
    """Ask, where a transaction has just begun, what no transaction can have changed; from ``HANDS_OVER`` on."""
    return f"select {_opening(_outcome(xact))}"


def _opening(outcome: str) -> str:
    return _STATE.format(settle=_listen(inside=True), low="null", flush=_FLUSH, outcome=outcome, held="null")


@cache
def locked(*, version: int) -> str:
    """Ask, inside a transaction, for what it has locked, which is all that it can have changed."""
    return _joined(*_locked(version=version))


def _locked(*, version: int) -> tuple[str, str]:
    flush = _FLUSH if version >= HANDS_OVER else "null"
    state = _STATE.format(settle=_listen(inside=True), low="null", flush=flush, outcome="null", held=_LOCKS)
    return state, _RELATIONS.format(chosen=_LOCKED, **_XACT)


CACHED = "select pg_catalog.kfm_locked()"
"""Ask ``locked`` with the plan of before; the answer is one JSON text: the state of the session, once, then an array
with that of each relation."""


def opened(*, xact: str | None) -> str:
    """Ask ``opening`` with the plan of before; the answer is one JSON text, an array."""
    return f"select pg_catalog.kfm_opened({int(xact) if xact else 'null'})"


def cached_functions(*, version: int) -> str:
    """Return the commands that let a database answer ``CACHED`` and ``opened``, for a superuser.

    Among the server's own functions it disturbs nothing: no dump, comparison or search path leads to it.
    """
    state, relation = ", ".join(NAMES[:OF_STATE]), ", ".join(NAMES[OF_STATE:])
    asked, relations = _locked(version=version)
    begun = _opening("pg_catalog.pg_xact_status(xact::pg_catalog.text::pg_catalog.xid8)")
    return (
        "create or replace function pg_catalog.kfm_locked() returns pg_catalog.json language plpgsql"
        " set search_path = pg_catalog, pg_temp as $kfm$ begin return ("
        f"{_HELD} select pg_catalog.json_build_array(pg_catalog.json_build_array({state}), (select"
        f" pg_catalog.json_agg(pg_catalog.json_build_array({relation})) from ({relations} offset 0) r({relation})))"
        f" from (select {asked} offset 0) s({state})); end $kfm$;"
        "create or replace function pg_catalog.kfm_opened(xact pg_catalog.int8) returns pg_catalog.json "
        "language plpgsql set search_path = pg_catalog, pg_temp as $kfm$ begin return "
        f"pg_catalog.json_build_array({begun}); end $kfm$"
    )


def restore(*, inside: bool, low: str, level: str, version: int) -> str:
    """Ask for all that changed since ``low``, and give the session its own message level back."""
    word = "".join(letter for letter in level if letter.isalnum())
    # else what a statement outside a transaction has read is counted in the transaction after it
    flush = _FLUSH if version >= HANDS_OVER else "null"
    return _whole(_RESTORE.format(local=str(inside).lower(), level=word), inside=inside, low=low, flush=flush)


def look(*, inside: bool, low: str) -> str:
    """Ask for all that changed since ``low`` and change nothing, for code that runs in the session itself."""
    return _whole("null", inside=inside, low=low)


def _whole(settle: str, *, inside: bool, low: str, outcome: str = "null", flush: str = "null") -> str:
    counters = _XACT if inside else _TOTAL
    counted = " or ".join(f"{counter} operator(pg_catalog.>) 0::pg_catalog.int8" for counter in counters.values())
    chosen = _CHANGED.format(low=int(low), counted=counted, doubtful="false" if inside else _DOUBTFUL)
    state = _STATE.format(settle=settle, low=_LOW, flush=flush, outcome=outcome, held=_LOCKS)
    return _joined(state, _RELATIONS.format(chosen=chosen, **counters))


def _joined(state: str, relations: str) -> str:
    return f"{_HELD}\nselect s.*, r.* from (select {state} offset 0) s left join ({relations} offset 0) r on true"


def _listen(*, inside: bool) -> str:
    return f"pg_catalog.set_config('client_min_messages', 'debug1', {str(inside).lower()})"


def _outcome(xact: str | None) -> str:
    return f"pg_catalog.pg_xact_status('{int(xact)}'::pg_catalog.xid8)" if xact else "null"
