"""Bytes that are no migration, and sections that are not there."""

from __future__ import annotations

from kfm_ci.migrations.problems.base import Read
from kfm_ci.model import Hazard, Severity

_UP, _DOWN = "m/20260101_1200__add_widgets.up.sql", "m/20260101_1200__add_widgets.down.sql"
_WIDGETS = {_UP: "create table widgets (id bigint primary key);\n"}
_BACK = {_DOWN: "drop table widgets;\n"}

CONTENTS = (
    Read(
        id="unreadable-file", hazard=Hazard.UNANALYSABLE, title="Every migration is a file that can be read",
        why="A link that leaves the repository (hazard `forbidden-content`), a link to nothing, a directory in a file's place "
        "or a file without permission: what cannot be read cannot be judged, so nothing is run.",
        format="kfm", files=_BACK, breaks={_UP: "<link to nothing>"}, keeps=_WIDGETS,
    ),
    Read(
        id="nul-byte", hazard=Hazard.UNANALYSABLE, title="A migration holds no NUL bytes",
        why="PostgreSQL's protocol ends a text at the first NUL byte: what stands behind it would never run. Often the file "
        "was saved as UTF-16.",
        format="kfm", files=_BACK, breaks={_UP: "create table widgets (id bigint);\0\n"}, keeps=_WIDGETS,
    ),
    Read(
        id="encoding", hazard=Hazard.UNANALYSABLE, title="A migration is valid UTF-8",
        why="Bytes of another encoding arrive on the server as other characters than the author saw, or are refused there.",
        format="kfm", files=_BACK, breaks={_UP: "comment on table widgets is 'caf\udce9';\n"},
        keeps={_UP: "comment on table widgets is 'café';\n"},
    ),
    Read(
        id="byte-order-mark", hazard=Hazard.UNANALYSABLE, title="A migration begins with its text, not with a mark",
        why="PostgreSQL and most migration tools take a byte order mark for a part of the first statement, which then is "
        "a syntax error.",
        format="kfm", files=_BACK, breaks={_UP: "\ufeffcreate table widgets (id bigint);\n"}, keeps=_WIDGETS,
    ),
    Read(
        id="empty-file", hazard=Hazard.UNANALYSABLE, title="A migration is not empty",
        why="An empty file is recorded as applied and changes nothing: nearly always the change was lost on the way.",
        format="kfm", files=_BACK, breaks={_UP: "\n"}, keeps=_WIDGETS,
    ),
    Read(
        id="line-endings", hazard=Hazard.UNANALYSABLE, severity=Severity.NOTE, title="Line ends stay what they were",
        why="Said as a note: a checkout that converts CRLF gives the file another checksum, and tools that compare "
        "checksums refuse to run. `*.sql text eol=lf` in .gitattributes keeps them.",
        format="kfm", files=_BACK, breaks={_UP: "create table widgets (id bigint);\r\n"}, keeps=_WIDGETS,
    ),
    Read(
        id="section-missing", hazard=Hazard.UNANALYSABLE, title="A file has the sections that its tool looks for",
        why="dbmate, goose, sql-migrate and Liquibase run what stands below their marks; without one they refuse the "
        "file, or run nothing of it.",
        format="dbmate", breaks={"m/1_widgets.sql": "create table widgets (id bigint);\n"},
        keeps={"m/1_widgets.sql": "-- migrate:up\ncreate table widgets (id bigint);\n-- migrate:down\ndrop table widgets;\n"},
    ),
    Read(
        id="goose-annotation", hazard=Hazard.UNANALYSABLE, title="goose knows the annotation",
        why="goose refuses a file with an annotation that it does not know.",
        format="goose", breaks={"m/1_widgets.sql": "-- +goose Upp\ncreate table widgets (id bigint);\n-- +goose Up\nselect 1;\n"},
        keeps={"m/1_widgets.sql": "-- +goose Up\ncreate table widgets (id bigint);\n-- +goose Down\ndrop table widgets;\n"},
    ),
    Read(
        id="goose-statement-split", hazard=Hazard.MIGRATION_ERROR, title="goose sends a function's body whole",
        why="goose ends a statement at each semicolon at the end of a line, also inside a body between dollars, unless "
        "`StatementBegin` and `StatementEnd` stand around it.",
        format="goose",
        breaks={"m/1_f.sql": "-- +goose Up\ncreate function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend $$;\n"},
        keeps={"m/1_f.sql": "-- +goose Up\n-- +goose StatementBegin\ncreate function f() returns int language plpgsql as $$\n"
               "begin\n  return 1;\nend $$;\n-- +goose StatementEnd\n-- +goose Down\ndrop function f;\n"},
    ),
    Read(
        id="goose-statement-unterminated", hazard=Hazard.MIGRATION_ERROR, title="goose sees where the last statement ends",
        why="goose looks for a semicolon at the end of a line, and refuses a file whose last statement has none.",
        format="goose", breaks={"m/1_widgets.sql": "-- +goose Up\ncreate table widgets (id bigint)\n"},
        keeps={"m/1_widgets.sql": "-- +goose Up\ncreate table widgets (id bigint);\n-- +goose Down\ndrop table widgets;\n"},
    ),
    Read(
        id="liquibase-splits-body", hazard=Hazard.MIGRATION_ERROR, title="Liquibase sends a function's body whole",
        why="Liquibase splits at semicolons and knows no dollar quotes, only BEGIN and END: a body of plain SQL is torn.",
        format="liquibase",
        breaks={"m/a.sql": "--liquibase formatted sql\n--changeset ann:1\ncreate function f() returns int language sql as $$\nselect 1;\n$$;\n"},
        keeps={"m/a.sql": "--liquibase formatted sql\n--changeset ann:1 splitStatements:false\n"
               "create function f() returns int language sql as $$\nselect 1;\n$$;\n"},
    ),
)  # fmt: skip
