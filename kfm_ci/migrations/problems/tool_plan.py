"""Rules on a tool's own plan: Sqitch's plan, Drizzle's journal, Liquibase's includes, integrity hashes."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, ReadingExample, RuleInfo

_WIDGETS = "create table widgets (id bigint);\n"
_COLOUR = "alter table widgets add column colour text;\n"
_JOURNAL = (
    '{{"entries": [{{"idx": 0, "tag": "0000_widgets", "when": 10}}, {{"idx": 1, "tag": "0001_colour", "when": '
    "{when}}}]}}\n"
)
_DRIZZLE = {"m/0000_widgets.sql": _WIDGETS, "m/0001_colour.sql": _COLOUR}
_FIRST = "sha1:902f275a1ee2b5e4fc6771fce9b073b097167194"
_SECOND = "sha1:0d5d42f597c9a5fe51a8c5b7ecc9fb63b3d3bc8d"
_SUMS = (
    "h1:FJNIGie0t7/DlexekvJobly0jeGCKPF5K5CifsZSu8c=\n1_widgets.sql h1:vGRQV8HDWIGJOYfh9GrwKxXgJS3OHeNRy+7d/eNlVpk=\n"
)
_MASTER = "databaseChangeLog:\n- include:\n    file: m/{file}\n"
_FORMATTED = "--liquibase formatted sql\n--changeset ann:1\n" + _WIDGETS

FILE_MISSING = RuleInfo(
    id="file-missing",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="Planned script does not exist",
    why=(
        "Sqitch stops at a change whose deploy script does not exist. Add the script or remove the "
        "change from the plan."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sqitch",
        files={
            "m/sqitch.plan": "%syntax-version=1.0.0\n%project=shop\n\n"
            "widgets 2026-01-01T12:00:00Z Ann <ann@example.com>\n"
        },
        breaks={"m/deploy/other.sql": _WIDGETS},
        keeps={"m/deploy/widgets.sql": _WIDGETS},
    ),
)

SQITCH_PLAN_SYNTAX = RuleInfo(
    id="sqitch-plan-syntax",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Line of the Sqitch plan cannot be read",
    why=(
        "A line that does not have the plan's syntax may change the order of the migrations. kfm-ci "
        "cannot check the plan. Write the plan with the `sqitch` command."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sqitch",
        files={"m/deploy/widgets.sql": _WIDGETS},
        breaks={"m/sqitch.plan": "%syntax-version=1.0.0\n%project=shop\n\n??? widgets\n"},
        keeps={
            "m/sqitch.plan": "%syntax-version=1.0.0\n%project=shop\n\n"
            "widgets 2026-01-01T12:00:00Z Ann <ann@example.com>\n"
        },
    ),
)

DRIZZLE_JOURNAL_OUT_OF_ORDER = RuleInfo(
    id="drizzle-journal-out-of-order",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Drizzle skips an entry of its journal",
    why=(
        "Drizzle applies the entries with a `when` after the last applied one. An earlier `when` is "
        "skipped silently on existing databases and applied on new ones. Set `when` to a later value."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="drizzle",
        files=_DRIZZLE,
        breaks={"m/meta/_journal.json": _JOURNAL.format(when=5)},
        keeps={"m/meta/_journal.json": _JOURNAL.format(when=20)},
    ),
)

DRIZZLE_JOURNAL_INVALID = RuleInfo(
    id="drizzle-journal-invalid",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Drizzle journal cannot be read",
    why=(
        "The journal alone lists which files Drizzle runs, in order. Without a valid journal nothing "
        "can be checked. Restore it from the base."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="drizzle",
        files=_DRIZZLE,
        breaks={"m/meta/_journal.json": "<<<<<<< HEAD\n"},
        keeps={"m/meta/_journal.json": _JOURNAL.format(when=20)},
    ),
)

DRIZZLE_JOURNAL_ENTRY_MISSING = RuleInfo(
    id="drizzle-journal-entry-missing",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="File is not in the Drizzle journal",
    why=("Drizzle never runs a file that its journal does not list. Create migrations with `drizzle-kit generate`."),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="drizzle",
        files=_DRIZZLE | {"m/meta/_journal.json": _JOURNAL.format(when=20)},
        breaks={"m/0002_forgotten.sql": _COLOUR},
        keeps={},
    ),
)

NOT_INCLUDED = RuleInfo(
    id="not-included",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="Changelog is never included",
    why=(
        "Liquibase runs the changelogs that the root changelog includes, directly or indirectly. "
        "Another file never runs. Include it or remove it."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="liquibase",
        files={"m/a.sql": _FORMATTED, "m/changelog.yaml": _MASTER.format(file="a.sql")},
        breaks={"m/b.sql": _FORMATTED},
        keeps={},
    ),
)

INCLUDE_MISSING = RuleInfo(
    id="include-missing",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Included changelog does not exist",
    why="Liquibase fails when an included file does not exist. Correct the path.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="liquibase",
        files={"m/a.sql": _FORMATTED},
        breaks={"m/changelog.yaml": _MASTER.format(file="gone.sql")},
        keeps={"m/changelog.yaml": _MASTER.format(file="a.sql")},
    ),
)

CHAIN_BROKEN = RuleInfo(
    id="chain-broken",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Hash of the previous migration does not match",
    why=(
        "graphile-migrate's files form a chain of hashes, and it rejects a file that does not build "
        "on the last one. Run `uncommit` and `commit` on top of the base."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="graphile-migrate",
        files={"m/000001.sql": f"--! Previous: -\n--! Hash: {_FIRST}\n\n{_WIDGETS}"},
        breaks={"m/000002.sql": f"--! Previous: sha1:00\n--! Hash: sha1:00\n\n{_COLOUR}"},
        keeps={"m/000002.sql": f"--! Previous: {_FIRST}\n--! Hash: {_SECOND}\n\n{_COLOUR}"},
    ),
)

HASH_MISMATCH = RuleInfo(
    id="hash-mismatch",
    hazard=Hazard.MANIFEST,
    decided_by=DecidedBy.READING,
    title="Hash does not match the migration's text",
    why="graphile-migrate rejects a file that was edited after its commit. Restore the committed text.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="graphile-migrate",
        breaks={"m/000001.sql": f"--! Previous: -\n--! Hash: sha1:00\n\n{_WIDGETS}"},
        keeps={"m/000001.sql": f"--! Previous: -\n--! Hash: {_FIRST}\n\n{_WIDGETS}"},
    ),
)

ATLAS_SUM_MISMATCH = RuleInfo(
    id="atlas-sum-mismatch",
    hazard=Hazard.MANIFEST,
    decided_by=DecidedBy.READING,
    title="atlas.sum does not match the files",
    why=(
        "Atlas rejects a directory that differs from `atlas.sum`: a file changed, or two pull requests were "
        "merged without `atlas migrate hash`. Review the files, then run `atlas migrate hash`."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="atlas",
        files={"m/1_widgets.sql": _WIDGETS},
        breaks={"m/atlas.sum": "h1:0000\n1_widgets.sql h1:0000\n"},
        keeps={"m/atlas.sum": _SUMS},
    ),
)

TOOL_SETTING_UNCHECKED = RuleInfo(
    id="tool-setting-unchecked",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Tool runs more than the migrations directory",
    why=(
        "A setting of the tool names another directory, or SQL that runs on each connection. kfm-ci checks only "
        "the files of the migrations directory. Keep all migrations in that directory."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="flyway",
        files={"m/V1.1__widgets.sql": _WIDGETS, "more/V2.1__parts.sql": "create table parts (id bigint);\n"},
        breaks={"flyway.conf": "flyway.locations=filesystem:m,filesystem:more\n"},
        keeps={"flyway.conf": "flyway.locations=filesystem:m\n"},
    ),
)

PLAN_RULES: tuple[RuleInfo, ...] = (
    FILE_MISSING,
    SQITCH_PLAN_SYNTAX,
    DRIZZLE_JOURNAL_OUT_OF_ORDER,
    DRIZZLE_JOURNAL_INVALID,
    DRIZZLE_JOURNAL_ENTRY_MISSING,
    NOT_INCLUDED,
    INCLUDE_MISSING,
    CHAIN_BROKEN,
    HASH_MISMATCH,
    ATLAS_SUM_MISMATCH,
    TOOL_SETTING_UNCHECKED,
)
