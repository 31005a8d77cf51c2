"""Reading rules on the content of files: encoding, empty files, section markers, split statements."""

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
    title="Migration file cannot be read",
    why=(
        "kfm-ci cannot read a link out of the repository (hazard `forbidden-content`), a dangling link, a directory "
        "or a protected file. It cannot check the migration, so it runs nothing. "
        "Replace it by a regular file."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(format="kfm", files=_BACK, breaks={_UP: "<link to nothing>"}, keeps=_WIDGETS),
)

NUL_BYTE = RuleInfo(
    id="nul-byte",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Migration contains NUL bytes",
    why=(
        "PostgreSQL's protocol ends a text at the first NUL byte, so the rest of the file never runs."
        " Often the file was saved as UTF-16. Save it as UTF-8."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="kfm", files=_BACK, breaks={_UP: "create table widgets (id bigint);\0\n"}, keeps=_WIDGETS
    ),
)

ENCODING = RuleInfo(
    id="encoding",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Migration is not valid UTF-8",
    why=(
        "Bytes of another encoding reach the server as different characters, or cause an error there."
        " Save the file as UTF-8."
    ),
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
    title="Migration starts with a byte order mark",
    why=(
        "PostgreSQL and most tools read a byte order mark as part of the first statement: a syntax error. "
        "Save the file without it."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="kfm", files=_BACK, breaks={_UP: "\ufeffcreate table widgets (id bigint);\n"}, keeps=_WIDGETS
    ),
)

EMPTY_FILE = RuleInfo(
    id="empty-file",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Migration is empty",
    why=(
        "An empty file is recorded as applied but changes nothing. Usually the change was lost. Write"
        " the change or delete the file."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(format="kfm", files=_BACK, breaks={_UP: "\n"}, keeps=_WIDGETS),
)

LINE_ENDINGS = RuleInfo(
    id="line-endings",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Migration has CRLF line ends",
    why=(
        "A checkout that converts CRLF changes the file's checksum, and tools that compare checksums "
        "then fail. Set `*.sql text eol=lf` in `.gitattributes`. This is a note."
    ),
    severities=(Severity.NOTE,),
    reading_example=ReadingExample(
        format="kfm", files=_BACK, breaks={_UP: "create table widgets (id bigint);\r\n"}, keeps=_WIDGETS
    ),
)

SECTION_MISSING = RuleInfo(
    id="section-missing",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="File without the tool's section marker",
    why=(
        "dbmate, goose, sql-migrate and Liquibase run the text below their markers. Without a marker "
        "they reject the file or run nothing of it. Write the marker above the change."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="dbmate",
        breaks={"m/1_widgets.sql": "create table widgets (id bigint);\n"},
        keeps={
            "m/1_widgets.sql": "-- migrate:up\ncreate table widgets (id bigint);\n-- migrate:down\n"
            "drop table widgets;\n"
        },
    ),
)

GOOSE_ANNOTATION = RuleInfo(
    id="goose-annotation",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.READING,
    title="Unknown goose annotation",
    why=(
        "goose rejects a file with an annotation that it does not know. The deployment then stops. "
        "Use one of goose's own annotations."
    ),
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
    title="goose splits a statement",
    why=(
        "goose ends a statement at each semicolon at the end of a line, also inside a dollar-quoted "
        "body. The server then gets an incomplete statement. Write `StatementBegin` and "
        "`StatementEnd` around it."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="goose",
        breaks={
            "m/1_f.sql": "-- +goose Up\ncreate function f() returns int language plpgsql as $$\nbegin\n"
            "  return 1;\nend $$;\n"
        },
        keeps={
            "m/1_f.sql": "-- +goose Up\n-- +goose StatementBegin\n"
            "create function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend $$;\n"
            "-- +goose StatementEnd\n-- +goose Down\ndrop function f;\n"
        },
    ),
)

GOOSE_STATEMENT_UNTERMINATED = RuleInfo(
    id="goose-statement-unterminated",
    hazard=Hazard.MIGRATION_ERROR,
    decided_by=DecidedBy.READING,
    title="goose statement without a final semicolon",
    why=(
        "goose expects a semicolon at the end of a line and rejects a file whose last statement has "
        "none. End the statement with a semicolon."
    ),
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
    title="Liquibase splits a function body",
    why=(
        "Liquibase recognises no dollar quotes, so it splits the body of an SQL function at its semicolons. "
        "The server then gets an incomplete statement. Add `splitStatements:false` to the changeset."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="liquibase",
        breaks={
            "m/a.sql": "--liquibase formatted sql\n--changeset ann:1\n"
            "create function f() returns int language sql as $$\nselect 1;\n$$;\n"
        },
        keeps={
            "m/a.sql": "--liquibase formatted sql\n--changeset ann:1 splitStatements:false\n"
            "create function f() returns int language sql as $$\nselect 1;\n$$;\n"
        },
    ),
)

CONTENT_RULES: tuple[RuleInfo, ...] = (
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
    title="Template placeholder without a value",
    why=(
        "Another program replaces `{{ … }}`, `${…}`, `%(x)s` and `:x` before the SQL runs. kfm-ci "
        "checks the statement as if each were a plain name, and the server cannot run it. Set the "
        "values in `[migrations.placeholders]`."
    ),
    bad="alter table ${schema}.widgets add column colour text;\n",
    good="alter table shop.widgets add column colour text;\n",
)
