"""Bytes that are no migration, and sections that are not there."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, ReadingExample, RuleInfo

_UP, _DOWN = "m/20260101_1200__add_widgets.up.sql", "m/20260101_1200__add_widgets.down.sql"
_WIDGETS = {_UP: "create table widgets (id bigint primary key);\n"}
_BACK = {_DOWN: "drop table widgets;\n"}

UNREADABLE_FILE = RuleInfo(
    id="unreadable-file",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Every migration is a file that can be read",
    why="A link that leaves the repository (hazard `forbidden-content`), a link to nothing, a directory in a file's place "
    "or a file without permission: what cannot be read cannot be judged, so nothing is run.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(format="kfm", files=_BACK, breaks={_UP: "<link to nothing>"}, keeps=_WIDGETS),
)

NUL_BYTE = RuleInfo(
    id="nul-byte",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="A migration holds no NUL bytes",
    why="PostgreSQL's protocol ends a text at the first NUL byte: what stands behind it would never run. Often the file "
    "was saved as UTF-16.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="kfm", files=_BACK, breaks={_UP: "create table widgets (id bigint);\0\n"}, keeps=_WIDGETS
    ),
)

ENCODING = RuleInfo(
    id="encoding",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="A migration is valid UTF-8",
    why="Bytes of another encoding arrive on the server as other characters than the author saw, or are refused there.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="kfm",
        files=_BACK,
        breaks={_UP: "comment on table widgets is 'caf\udce9';\n"},
        keeps={_UP: "comment on table widgets is 'café';\n"},
    ),
)

BYTE_ORDER_MARK = RuleInfo(
    id="byte-order-mark",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="A migration begins with its text, not with a mark",
    why="PostgreSQL and most migration tools take a byte order mark for a part of the first statement, which then is "
    "a syntax error.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="kfm", files=_BACK, breaks={_UP: "\ufeffcreate table widgets (id bigint);\n"}, keeps=_WIDGETS
    ),
)

EMPTY_FILE = RuleInfo(
    id="empty-file",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="A migration is not empty",
    why="An empty file is recorded as applied and changes nothing: nearly always the change was lost on the way.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(format="kfm", files=_BACK, breaks={_UP: "\n"}, keeps=_WIDGETS),
)

LINE_ENDINGS = RuleInfo(
    id="line-endings",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Line ends stay what they were",
    why="Said as a note: a checkout that converts CRLF gives the file another checksum, and tools that compare "
    "checksums refuse to run. `*.sql text eol=lf` in .gitattributes keeps them.",
    severities=(Severity.NOTE,),
    reading_example=ReadingExample(
        format="kfm", files=_BACK, breaks={_UP: "create table widgets (id bigint);\r\n"}, keeps=_WIDGETS
    ),
)

SECTION_MISSING = RuleInfo(
    id="section-missing",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="A file has the sections that its tool looks for",
    why="dbmate, goose, sql-migrate and Liquibase run what stands below their marks; without one they refuse the "
    "file, or run nothing of it.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="dbmate",
        breaks={"m/1_widgets.sql": "create table widgets (id bigint);\n"},
        keeps={
            "m/1_widgets.sql": "-- migrate:up\ncreate table widgets (id bigint);\n-- migrate:down\ndrop table widgets;\n"
        },
    ),
)

GOOSE_ANNOTATION = RuleInfo(
    id="goose-annotation",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="goose knows the annotation",
    why="goose refuses a file with an annotation that it does not know.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="goose",
        breaks={"m/1_widgets.sql": "-- +goose Upp\ncreate table widgets (id bigint);\n-- +goose Up\nselect 1;\n"},
        keeps={
            "m/1_widgets.sql": "-- +goose Up\ncreate table widgets (id bigint);\n-- +goose Down\ndrop table widgets;\n"
        },
    ),
)

GOOSE_STATEMENT_SPLIT = RuleInfo(
    id="goose-statement-split",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="goose sends a function's body whole",
    why="goose ends a statement at each semicolon at the end of a line, also inside a body between dollars, unless "
    "`StatementBegin` and `StatementEnd` stand around it.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="goose",
        breaks={
            "m/1_f.sql": "-- +goose Up\ncreate function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend $$;\n"
        },
        keeps={
            "m/1_f.sql": "-- +goose Up\n-- +goose StatementBegin\ncreate function f() returns int language plpgsql as $$\n"
            "begin\n  return 1;\nend $$;\n-- +goose StatementEnd\n-- +goose Down\ndrop function f;\n"
        },
    ),
)

GOOSE_STATEMENT_UNTERMINATED = RuleInfo(
    id="goose-statement-unterminated",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="goose sees where the last statement ends",
    why="goose looks for a semicolon at the end of a line, and refuses a file whose last statement has none.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="goose",
        breaks={"m/1_widgets.sql": "-- +goose Up\ncreate table widgets (id bigint)\n"},
        keeps={
            "m/1_widgets.sql": "-- +goose Up\ncreate table widgets (id bigint);\n-- +goose Down\ndrop table widgets;\n"
        },
    ),
)

LIQUIBASE_SPLITS_BODY = RuleInfo(
    id="liquibase-splits-body",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="Liquibase sends a function's body whole",
    why="Liquibase splits at semicolons and knows no dollar quotes, only BEGIN and END: a body of plain SQL is torn.",
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="liquibase",
        breaks={
            "m/a.sql": "--liquibase formatted sql\n--changeset ann:1\ncreate function f() returns int language sql as $$\nselect 1;\n$$;\n"
        },
        keeps={
            "m/a.sql": "--liquibase formatted sql\n--changeset ann:1 splitStatements:false\n"
            "create function f() returns int language sql as $$\nselect 1;\n$$;\n"
        },
    ),
)

CONTENTS: tuple[RuleInfo, ...] = (
    UNREADABLE_FILE,
    NUL_BYTE,
    ENCODING,
    BYTE_ORDER_MARK,
    EMPTY_FILE,
    LINE_ENDINGS,
    SECTION_MISSING,
    GOOSE_ANNOTATION,
    GOOSE_STATEMENT_SPLIT,
    GOOSE_STATEMENT_UNTERMINATED,
    LIQUIBASE_SPLITS_BODY,
)

UNRESOLVED_PLACEHOLDER = RuleInfo(
    id="unresolved-placeholder",
    hazard=Hazard.UNANALYSABLE,
    title="What a template fills in is listed as unjudged",
    why="`{{ … }}`, `${…}`, `%(x)s` and `:x` are filled in by another program before the SQL runs. The statement is "
    "judged as if each were a plain name; what will really stand there is not known here, and the server cannot run it. "
    "Values in `[migrations.placeholders]` are put in before anything is judged or run.",
    bad="alter table ${schema}.widgets add column colour text;\n",
    good="alter table shop.widgets add column colour text;\n",
)
