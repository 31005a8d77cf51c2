"""What one clean run does not show: interrupted, run twice, run elsewhere, or met by the release that still runs."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = (
    "create table widgets (id bigint primary key, name text, n integer not null default 0);\n"
    "insert into widgets values (1, 'a'), (2, 'b');"
)
_LABEL = (
    f"{_WIDGETS}\ncreate function label(p bigint) returns text language plpgsql as $$\n"
    "declare found_name text;\nbegin\n  select name into found_name from widgets where id = p;\n  return found_name;\nend $$;"
)

NOT_RESUMABLE = RuleInfo(
    id="not-resumable",
    hazard=Hazard.NOT_REPEATABLE,
    decided_by=DecidedBy.SERVER,
    title="A file outside a transaction can be cut off and run again",
    why="What such a file did before it was cut off stays. It is cut off here after each of its statements in turn, "
    "and within index builds; invalid indexes are dropped, as the runner would, and the file runs again: it must "
    "come to the same schema, or a human has to finish it at two in the morning.",
    severities=(Severity.WARNING,),
    base=_WIDGETS,
    bad="create index concurrently widgets_name on widgets (name);\ncreate index concurrently widgets_n on widgets (n);\n"
    "-- down:\ndrop index widgets_name, widgets_n;",
    good="create index concurrently widgets_name on widgets (name);\n-- down:\ndrop index concurrently widgets_name;",
)

RERUN_CHANGES_ROWS = RuleInfo(
    id="rerun-changes-rows",
    hazard=Hazard.NOT_REPEATABLE,
    decided_by=DecidedBy.SERVER,
    title="A data migration that is run twice leaves the rows as the first run did",
    why="Files of phase `migrate`, and those that only change rows, are run a second time on a copy, and the rows "
    "compared. Who is not sure whether a run came through wants to start it again. A second run that the server refuses, "
    "because a key is taken, changes nothing and is fine; so is one that is acknowledged above its statement: "
    '`-- kfm:allow not-repeatable reason="…"`. In formats other than kfm it is a warning.',
    severities=(
        Severity.ERROR,
        Severity.WARNING,
    ),
    base=_WIDGETS,
    bad="update widgets set n = n + 1 where id = 1;\n-- down:\nselect 1;",
    good="update widgets set n = 1 where id = 1 and n = 0;\n-- down:\nupdate widgets set n = 0 where id = 1;",
)

ENVIRONMENT_DEPENDENT = RuleInfo(
    id="environment-dependent",
    hazard=Hazard.NOT_REPEATABLE,
    decided_by=DecidedBy.SERVER,
    title="Another time zone, date style, search_path or collation gives the same schema and rows",
    why="The new files are run once more, with other settings of the session. A date that is read as day-month here "
    "and as month-day there makes two schemas, or two sets of rows, from one file. Where they sort texts or change "
    "their case, all files also build a database of another collation from nothing, if the server has one.",
    severities=(Severity.WARNING,),
    base=_WIDGETS,
    bad="create table days (at date default '01/02/2026');\n-- down:\ndrop table days;",
    good="create table days (at date default '2026-02-01');\n-- down:\ndrop table days;",
)

REBUILD_DIFFERS = RuleInfo(
    id="rebuild-differs",
    hazard=Hazard.NOT_REPEATABLE,
    decided_by=DecidedBy.SERVER,
    title="All files, on an empty database, give the schema that the base and the new files give",
    why="Where a new file sorts before merged ones, or a merged one was edited, a database that is built from nothing "
    "sees another order than production did. Both are built here and compared.",
)

PREVIOUS_RELEASE_FAILS = RuleInfo(
    id="previous-release-fails",
    hazard=Hazard.COEXISTENCE,
    decided_by=DecidedBy.SERVER,
    title="The running release's smoke tests pass on the new schema",
    why="While a change rolls out, the release before it still serves. The base commit's smoke tests, and "
    "`[smoke] previous-command`, are run on every state that the new migrations lead through; what fails on the old "
    "schema already is not held against it.",
)

QUERY_BREAKS = RuleInfo(
    id="query-breaks",
    hazard=Hazard.COEXISTENCE,
    decided_by=DecidedBy.SERVER,
    title="The running release's statements prepare as before, with the same result columns",
    why="The statements that `[smoke] queries` names, as the base commit has them, are prepared on the old and on "
    "every new state of the schema; they are never run. Columns that come on top are not noticed.",
)

ROUTINE_BREAKS = RuleInfo(
    id="routine-breaks",
    hazard=Hazard.COEXISTENCE,
    decided_by=DecidedBy.SERVER,
    title="Functions that were there before can still run",
    why="The server drops and renames under the bodies of functions without a word: they fail when they are called. "
    "Bodies in SQL are checked whole, statements in PL/pgSQL bodies one by one, on the old schema and on the new.",
    base=_LABEL,
    bad="alter table widgets rename name to title;\n-- down:\nalter table widgets rename title to name;",
    good="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;",
)

REPEATS: tuple[RuleInfo, ...] = (
    NOT_RESUMABLE,
    RERUN_CHANGES_ROWS,
    ENVIRONMENT_DEPENDENT,
    REBUILD_DIFFERS,
    PREVIOUS_RELEASE_FAILS,
    QUERY_BREAKS,
    ROUTINE_BREAKS,
)
