from __future__ import annotations

import pytest

from kfm_ci.model import Digest, Mode, Outcome
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.sql.role_references import needed
from kfm_ci.sql.script import Script, SourceFile
from kfm_ci.stages.setup import error_help

FILE = SourceFile(path="a.sql", data=b"", text="", sha256=Digest.of(b""))


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        ('42501: permission denied to create extension "uuid-ossp"', 'extensions = ["uuid-ossp"]'),
        ("42501: must be owner of extension pg_trgm", "Remove `DROP EXTENSION`"),
        ("42501: permission denied to create role", 'run-as = "superuser"'),
        ('42704: role "app reader" does not exist', 'roles = ["app reader"]'),
        ('22023: role "postgres" does not exist', 'roles = ["postgres"]'),
        ('42710: role "app" already exists', 'roles = ["app"]'),
        ('42P04: database "other" already exists', "Create the database when you provision the server"),
        ('42710: tablespace "fast" already exists', "Create the tablespace when you provision the server"),
        ('3F000: schema "auth" does not exist', "[migrations] baseline"),
        ('42P01: relation "auth.users" does not exist', "[migrations] baseline"),
        ("42883: function auth.uid() does not exist", "[migrations] baseline"),
    ],
)
def test_what_a_plain_owner_may_not_do_names_the_setting_to_write(error: str, setting: str) -> None:
    done = ScriptOutcome(
        outcome=Outcome.FAILED, mode=Mode.TRANSACTION, duration_ms=1.0, error=error, sqlstate=error[:5]
    )
    assert setting in str(error_help.of(done, Script(file=FILE, text="")))


def test_all_roles_that_are_missing_are_told_in_one_line() -> None:
    texts = [
        "create role own; grant select on t to own, a; grant b to own; alter table t owner to public, c;".replace(
            "public, ", ""
        ),
        (
            'drop role if exists gone; create policy p on t to current_user, "D d" using (true); alter default '
            "privileges for role a grant all on tables to b"
        ),
    ]
    done = ScriptOutcome(
        outcome=Outcome.FAILED,
        mode=Mode.TRANSACTION,
        duration_ms=1.0,
        error='42704: role "a" does not exist',
        sqlstate="42704",
    )
    scripts = [Script(file=FILE, text=text) for text in texts]
    told = error_help.of(done, scripts[0], missing=lambda: needed(scripts), given=("there",))
    assert told == 'Set `[database] roles = ["there", "a", "b", "c", "D d"]` in kfm-ci.toml.'


def test_a_name_without_a_schema_is_taken_for_a_slip_of_the_pen() -> None:
    error = '42P01: relation "usres" does not exist'
    done = ScriptOutcome(outcome=Outcome.FAILED, mode=Mode.TRANSACTION, duration_ms=1.0, error=error, sqlstate="42P01")
    assert error_help.of(done, Script(file=FILE, text="")) is None
