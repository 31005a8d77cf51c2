"""Rules of the robustness and compatibility checks: interruption, second run, other settings, running release."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = (
    "create table widgets (id bigint primary key, name text, n integer not null default 0);\n"
    "insert into widgets values (1, 'a'), (2, 'b');"
)
_LABEL = (
    f"{_WIDGETS}\ncreate function label(p bigint) returns text language plpgsql as $$\n"
    "declare found_name text;\nbegin\n  select name into found_name from widgets where id = p;\n"
    "  return found_name;\nend $$;"
)

NOT_RESUMABLE = RuleInfo(
    id="not-resumable",
    hazard=Hazard.NOT_REPEATABLE,
    decided_by=DecidedBy.SERVER,
    title="File cannot be re-run after an interruption",
    why=(
        "A file without a transaction keeps its effects when it is interrupted. kfm-ci interrupts it after "
        "each statement and within index builds, runs it again and compares the schema. Make each statement "
        "safe to re-run, or move it to its own file."
    ),
    severities=(Severity.WARNING,),
    base=_WIDGETS,
    bad="create index concurrently widgets_name on widgets (name);\n"
    "create index concurrently widgets_n on widgets (n);\n-- down:\ndrop index widgets_name, widgets_n;",
    good="create index concurrently widgets_name on widgets (name);\n-- down:\ndrop index concurrently widgets_name;",
)

RERUN_CHANGES_ROWS = RuleInfo(
    id="rerun-changes-rows",
    hazard=Hazard.NOT_REPEATABLE,
    decided_by=DecidedBy.SERVER,
    title="Second run changes rows again",
    why=(
        "kfm-ci runs data migrations twice and compares the rows, because an engineer may re-run one after an "
        "interruption. A second run that fails, for example on a key, changes nothing and is allowed. Make "
        "the statement idempotent; in formats other than `kfm` this is a warning."
    ),
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
    title="Result depends on session settings or collation",
    why=(
        "kfm-ci runs the new migrations again with another time zone, date style, `search_path` and "
        "collation. A date can mean two days, and texts can sort differently. Write the value so that it is "
        "unambiguous."
    ),
    severities=(Severity.WARNING,),
    base=_WIDGETS,
    bad="create table days (at date default '01/02/2026');\n-- down:\ndrop table days;",
    good="create table days (at date default '2026-02-01');\n-- down:\ndrop table days;",
)

REBUILD_DIFFERS = RuleInfo(
    id="rebuild-differs",
    hazard=Hazard.NOT_REPEATABLE,
    decided_by=DecidedBy.SERVER,
    title="New database gets a different schema",
    why=(
        "A new file that sorts before merged ones gives a new database another order than production. kfm-ci "
        "builds both and compares them. Number the new migration last, and leave merged files unchanged."
    ),
)

PREVIOUS_RELEASE_FAILS = RuleInfo(
    id="previous-release-fails",
    hazard=Hazard.COEXISTENCE,
    decided_by=DecidedBy.SERVER,
    title="Running release fails on the new schema",
    why=(
        "During a rollout the previous release still runs. kfm-ci runs the base commit's smoke tests "
        "and `[smoke] previous-command` on every state between the new migrations. Expand first, and "
        "contract in a later pull request."
    ),
)

QUERY_BREAKS = RuleInfo(
    id="query-breaks",
    hazard=Hazard.COEXISTENCE,
    decided_by=DecidedBy.SERVER,
    title="Query of the running release breaks",
    why=(
        "kfm-ci prepares the base commit's statements from `[smoke] queries` on the old and on each "
        "new schema, without running them. A statement that fails or returns other columns breaks the"
        " running release. Keep the old name until no release uses it."
    ),
)

ROUTINE_BREAKS = RuleInfo(
    id="routine-breaks",
    hazard=Hazard.COEXISTENCE,
    decided_by=DecidedBy.SERVER,
    title="Function no longer works on the new schema",
    why=(
        "PostgreSQL drops and renames objects without checking the bodies of functions, which then "
        "fail when they are called. kfm-ci checks SQL bodies and the statements of PL/pgSQL bodies on"
        " both schemas. Change the function in the same migration."
    ),
    base=_LABEL,
    bad="alter table widgets rename name to title;\n-- down:\nalter table widgets rename title to name;",
    good="alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;",
)

ROBUSTNESS_RULES: tuple[RuleInfo, ...] = (
    NOT_RESUMABLE,
    RERUN_CHANGES_ROWS,
    ENVIRONMENT_DEPENDENT,
    REBUILD_DIFFERS,
    PREVIOUS_RELEASE_FAILS,
    QUERY_BREAKS,
    ROUTINE_BREAKS,
)
