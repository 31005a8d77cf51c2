"""Names, order and sums: what a tool would not run, would run elsewhere, or would refuse."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, ReadingExample, RuleInfo

_WIDGETS = "create table widgets (id bigint);\n"
_COLOUR = "alter table widgets add column colour text;\n"
_JOURNAL = '{{"entries": [{{"idx": 0, "tag": "0000_widgets", "when": 10}}, {{"idx": 1, "tag": "0001_colour", "when": {when}}}]}}\n'
_DRIZZLE = {"m/0000_widgets.sql": _WIDGETS, "m/0001_colour.sql": _COLOUR}
_FIRST = "sha1:902f275a1ee2b5e4fc6771fce9b073b097167194"
_SECOND = "sha1:0d5d42f597c9a5fe51a8c5b7ecc9fb63b3d3bc8d"
_SUMS = (
    "h1:FJNIGie0t7/DlexekvJobly0jeGCKPF5K5CifsZSu8c=\n1_widgets.sql h1:vGRQV8HDWIGJOYfh9GrwKxXgJS3OHeNRy+7d/eNlVpk=\n"
)
_REVISION = 'revision = "{id}"\ndown_revision = {parent}\n\n\ndef upgrade():\n    pass\n'
_MASTER = "databaseChangeLog:\n- include:\n    file: m/{file}\n"
_FORMATTED = "--liquibase formatted sql\n--changeset ann:1\n" + _WIDGETS

FILE_NAME = RuleInfo(
    id="file-name",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="A file's name says that it is a migration, and which",
    why="A name outside the tool's grammar is silently ignored by some tools (Flyway with one underscore) and refused "
    "by others: the change is merged and never runs.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="flyway", breaks={"m/V1_widgets.sql": _WIDGETS}, keeps={"m/V1__widgets.sql": _WIDGETS}
    ),
)

MIXED_STYLES = RuleInfo(
    id="mixed-styles",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="One directory keeps one style of names",
    why="`20260101_1200__…` and `V000123__…` sort into two separate sequences: which runs first would be decided by the "
    "alphabet, not by anybody.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="kfm",
        files={"m/20260101_1200__add_widgets.sql": _WIDGETS},
        breaks={"m/V000001__add_colour.sql": _COLOUR},
        keeps={"m/20260102_1200__add_colour.sql": _COLOUR},
    ),
)

DOWN_WITHOUT_UP = RuleInfo(
    id="down-without-up",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="A way back has the change that it takes back",
    why="A down file whose up file is not there never runs, or runs against something else.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="golang-migrate",
        files={"m/000001_widgets.up.sql": _WIDGETS, "m/000001_widgets.down.sql": "drop table widgets;\n"},
        breaks={"m/000002_colour.down.sql": "alter table widgets drop column colour;\n"},
        keeps={},
    ),
)

FILE_MISSING = RuleInfo(
    id="file-missing",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="What the plan names is there",
    why="Sqitch stops at a change whose deploy script is not there.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sqitch",
        files={
            "m/sqitch.plan": "%syntax-version=1.0.0\n%project=shop\n\nwidgets 2026-01-01T12:00:00Z Ann <ann@example.com>\n"
        },
        breaks={"m/deploy/other.sql": _WIDGETS},
        keeps={"m/deploy/widgets.sql": _WIDGETS},
    ),
)

SQITCH_PLAN_SYNTAX = RuleInfo(
    id="sqitch-plan-syntax",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Every line of the plan can be read",
    why="What Sqitch makes of a line that we cannot read is unknown, so the order is unknown too.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="sqitch",
        files={"m/deploy/widgets.sql": _WIDGETS},
        breaks={"m/sqitch.plan": "%syntax-version=1.0.0\n%project=shop\n\n??? widgets\n"},
        keeps={
            "m/sqitch.plan": "%syntax-version=1.0.0\n%project=shop\n\nwidgets 2026-01-01T12:00:00Z Ann <ann@example.com>\n"
        },
    ),
)

DRIZZLE_JOURNAL_OUT_OF_ORDER = RuleInfo(
    id="drizzle-journal-out-of-order",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Drizzle's journal goes forward in time",
    why="Drizzle applies what is later than the last applied `when`: an entry that goes back is skipped silently where "
    "the later one has run, and runs on new databases.",
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
    title="Drizzle's journal can be read",
    why="The journal alone says what runs, and in which order.",
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
    title="Every file is in Drizzle's journal",
    why="A file that the journal does not name never runs.",
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
    title="Every changelog is included",
    why="Liquibase runs what the first changelog includes, directly or through others; a file beside them never runs.",
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
    title="What a changelog includes is there",
    why="Liquibase refuses to run when an included file is not there.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="liquibase",
        files={"m/a.sql": _FORMATTED},
        breaks={"m/changelog.yaml": _MASTER.format(file="gone.sql")},
        keeps={"m/changelog.yaml": _MASTER.format(file="a.sql")},
    ),
)

MISSING_PARENT_REVISION = RuleInfo(
    id="missing-parent-revision",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Every revision builds on one that is there",
    why="A revision whose parent is not there cannot be ordered, and the tool refuses to start. Often the parent is on "
    "another branch that was not merged.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="alembic",
        files={"m/versions/a.py": _REVISION.format(id="a", parent=None)},
        breaks={"m/versions/b.py": _REVISION.format(id="b", parent='"gone"')},
        keeps={"m/versions/b.py": _REVISION.format(id="b", parent='"a"')},
    ),
)

MULTIPLE_HEADS = RuleInfo(
    id="multiple-heads",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="The revisions end in one head",
    why="Two pull requests that raced build on the same revision. `alembic upgrade head` and Django's `migrate` refuse "
    "until somebody merges the two; the message holds the command.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="alembic",
        files={
            "m/versions/a.py": _REVISION.format(id="a", parent=None),
            "m/versions/b.py": _REVISION.format(id="b", parent='"a"'),
        },
        breaks={"m/versions/c.py": _REVISION.format(id="c", parent='"a"')},
        keeps={"m/versions/c.py": _REVISION.format(id="c", parent='"b"')},
    ),
)

CHAIN_BROKEN = RuleInfo(
    id="chain-broken",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Each migration names the one before it",
    why="graphile-migrate's files form a chain of hashes; it refuses one that does not build on the last.",
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
    title="A migration's hash agrees with its text",
    why="graphile-migrate refuses a file that was edited after it was committed.",
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
    title="atlas.sum agrees with the files",
    why="Atlas refuses a directory whose files are not those that atlas.sum sealed: one was edited, added or removed by "
    "hand, or two pull requests were merged without `atlas migrate hash`.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="atlas",
        files={"m/1_widgets.sql": _WIDGETS},
        breaks={"m/atlas.sum": "h1:0000\n1_widgets.sql h1:0000\n"},
        keeps={"m/atlas.sum": _SUMS},
    ),
)

ORDER: tuple[RuleInfo, ...] = (
    FILE_NAME,
    MIXED_STYLES,
    DOWN_WITHOUT_UP,
    FILE_MISSING,
    SQITCH_PLAN_SYNTAX,
    DRIZZLE_JOURNAL_OUT_OF_ORDER,
    DRIZZLE_JOURNAL_INVALID,
    DRIZZLE_JOURNAL_ENTRY_MISSING,
    NOT_INCLUDED,
    INCLUDE_MISSING,
    MISSING_PARENT_REVISION,
    MULTIPLE_HEADS,
    CHAIN_BROKEN,
    HASH_MISMATCH,
    ATLAS_SUM_MISMATCH,
)

DUPLICATE_VERSION = RuleInfo(
    id="duplicate-version",
    hazard=Hazard.ORDER,
    title="No version is used twice, here or on the base",
    why="Two migrations with one version run in an order that nobody chose, and some tools run only one of them. "
    "Each pull request alone looks right, so the files are compared with the base's tip as well.",
    bad="on main:          migrations/db/V000124__add_orders.up.sql\n"
    "in pull request:  migrations/db/V000124__add_widgets_table.up.sql\n",
    good="on main:          migrations/db/V000124__add_orders.up.sql\n"
    "in pull request:  migrations/db/V000125__add_widgets_table.up.sql\n",
)
