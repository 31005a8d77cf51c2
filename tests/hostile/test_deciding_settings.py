"""A change does not choose how it is checked: settings, directories, smoke tests and reasons."""

from __future__ import annotations

import pytest

from tests.hostile.conftest import BASE, BASE_DOWN, FIRST, SECOND, migration

DROP = "drop table orders cascade;"
NEW = "alter table orders add column paid_on date;"
NEW_DOWN = "alter table orders drop column paid_on;"
STEP = {"db/migrations/000001_base.up.sql": BASE, "db/migrations/000001_base.down.sql": BASE_DOWN}
DANGER = {"db/migrations/000002_drop.up.sql": DROP, "db/migrations/000002_drop.down.sql": "select 1;"}
HARMLESS = {"db/migrations/000002_add.up.sql": NEW, "db/migrations/000002_add.down.sql": NEW_DOWN}
NATIVE = migration(FIRST, BASE, BASE_DOWN)
SOUND = migration(SECOND, NEW, NEW_DOWN)
BAD = migration(SECOND, DROP, "select 1;")
SET = '[migrations]\ndir = "db/migrations"\nformat = "golang-migrate"\n'
OFF = "".join(f'{key} = "off"\n' for key in ("data-loss", "breaks-clients", "table-dropped", "rollback-unproven"))
PY = '[tool.kfm-ci.migrations]\ndir = "db/migrations"\n'


def at(directory: str, files: dict[str, str]) -> dict[str, str]:
    return {
        path.replace("db/migrations", directory).replace("migrations/db", directory): text
        for path, text in files.items()
    }


@pytest.mark.parametrize(
    ("base", "head", "rule"),
    [
        pytest.param(STEP, DANGER | SOUND, "table-dropped", id="default-directory-added"),
        pytest.param(
            STEP | {"kfm-ci.toml": SET},
            DANGER | at("other", HARMLESS) | {"kfm-ci.toml": SET.replace("db/migrations", "other")},
            "table-dropped",
            id="dir-changed",
        ),
        pytest.param(
            STEP | {"kfm-ci.toml": SET},
            DANGER | {"kfm-ci.toml": SET.replace("golang-migrate", "flyway")},
            "table-dropped",
            id="format-changed",
        ),
        pytest.param(
            STEP | {"kfm-ci.toml": SET},
            {"db/migrations/V2__drop.sql": DROP, "kfm-ci.toml": SET.replace("golang-migrate", "flyway")},
            "migrations-unchecked",
            id="format-changed-for-the-new-file",
        ),
        pytest.param(
            STEP,
            DANGER | at("zz", HARMLESS) | {"kfm-ci.toml": '[migrations]\ndir = "zz"\n'},
            "migrations-unchecked",
            id="dir-in-first-settings",
        ),
        pytest.param(
            STEP | {"kfm-ci.toml": SET},
            DANGER | {"kfm-ci.toml": None, **at("aa", HARMLESS)},
            "table-dropped",
            id="settings-removed",
        ),
        pytest.param(
            STEP | {"pyproject.toml": PY},
            DANGER | SOUND | {"kfm-ci.toml": '[migrations]\ndir = "migrations/db"\n'},
            "table-dropped",
            id="settings-shadowed",
        ),
        pytest.param(
            STEP | {"kfm-ci.toml": SET},
            DANGER | {"kfm-ci.toml": None, "pyproject.toml": f"{PY}[tool.kfm-ci.policy.severity]\n{OFF}"},
            "table-dropped",
            id="settings-moved-and-loosened",
        ),
        pytest.param(NATIVE, BAD | {"kfm-ci.toml": f"[policy.severity]\n{OFF}"}, "table-dropped", id="first-policy"),
        pytest.param(
            NATIVE | {"kfm-ci.toml": "[policy]\nsquawk = true\n"},
            BAD | {"kfm-ci.toml": '[policy.severity]\ntable-dropped = "note"\n'},
            "table-dropped",
            id="severity-loosened",
        ),
        pytest.param(
            NATIVE | {"kfm-ci.toml": '[migrations.placeholders]\nwhat = "orders"\n'},
            migration(SECOND, "drop table ${what} cascade;", "select 1;")
            | {"kfm-ci.toml": '[migrations.placeholders]\nwhat = "nothing"\n'},
            "table-dropped",
            id="placeholder-changed",
        ),
        pytest.param(
            NATIVE,
            SOUND | at("flyway", {"db/migrations/V2__drop.sql": DROP, "db/migrations/V1__a.sql": "select 1;"}),
            "migrations-unchecked",
            id="second-directory-added",
        ),
        pytest.param(
            STEP, HARMLESS | at("legacy", DANGER), "migrations-unchecked", id="second-directory-beside-a-detected-one"
        ),
        pytest.param(
            STEP, dict.fromkeys(STEP) | at("moved", STEP | DANGER), "table-dropped", id="moved-with-a-new-one"
        ),
        pytest.param(
            STEP,
            dict.fromkeys(STEP) | at("moved", {**STEP, "db/migrations/000001_base.up.sql": BASE + "select 1;"}),
            "applied-migration-changed",
            id="moved-and-edited",
        ),
    ],
)
def test_a_change_that_moves_the_check_aside_fails(pull_request, base, head, rule):
    pull_request.write(base)
    pull_request.commit()
    pull_request.write(head)
    verdict = pull_request.gate()
    assert verdict.code == 1 and rule in verdict.errors, verdict.output


@pytest.mark.parametrize(
    ("base", "head", "rule"),
    [
        pytest.param(STEP, dict.fromkeys(STEP) | at("moved", STEP | HARMLESS), "migrations-moved", id="moved"),
        pytest.param(STEP, HARMLESS | {"kfm-ci.toml": SET}, "setting-changed", id="first-settings"),
        pytest.param(
            STEP | {"kfm-ci.toml": SET}, HARMLESS | {"kfm-ci.toml": None}, "setting-changed", id="settings-removed"
        ),
        pytest.param(
            STEP | {"kfm-ci.toml": SET},
            HARMLESS | at("other", HARMLESS),
            "migrations-unchecked",
            id="second-directory-beside-a-named-one",
        ),
        pytest.param(
            NATIVE,
            SOUND | {"docs/examples/1_a.up.sql": "select 1;", "queries/top.sql": "select 1;"},
            None,
            id="other-sql",
        ),
        pytest.param(
            NATIVE,
            SOUND
            | {"kfm-ci.toml": "[database]\nroles = ['reader']\nextensions = ['pg_trgm']\n"}
            | migration(
                SECOND, NEW + " grant select on orders to reader;", "revoke all on orders from reader; " + NEW_DOWN
            ),
            "setting-changed",
            id="needed-role",
        ),
        pytest.param(
            NATIVE | {"kfm-ci.toml": "[policy]\nsquawk = true\n"},
            migration(SECOND, "alter table orders add column ${name} date;", NEW_DOWN)
            | {"kfm-ci.toml": "[migrations.placeholders]\nname = 'paid_on'\n"},
            "setting-changed",
            id="needed-placeholder",
        ),
        pytest.param(
            NATIVE | {"kfm-ci.toml": "[smoke]\nsql = ['smoke/*.sql']\n", "smoke/a.sql": "select true;\n"},
            SOUND | {"smoke/a.sql": "select count(*) >= 0 from orders;\n"},
            "smoke-test-changed",
            id="smoke-test-edited",
        ),
        pytest.param(
            NATIVE,
            SOUND
            | {"kfm-ci.toml": "[smoke]\nsql = ['smoke/*.sql']\n", "smoke/a.sql": "select count(*) >= 0 from orders;\n"},
            "setting-changed",
            id="first-smoke-test",
        ),
    ],
)
def test_a_harmless_edit_passes_and_is_reported(pull_request, base, head, rule):
    pull_request.write(base)
    pull_request.commit()
    pull_request.write(head)
    verdict = pull_request.gate()
    assert verdict.code == 0, verdict.output
    assert rule is None or verdict.finding(rule)


ASSERTION = "select not exists (select from information_schema.columns where column_name = 'paid_on');\n"
TESTED = NATIVE | {"kfm-ci.toml": "[smoke]\nsql = ['smoke/*.sql']\n", "smoke/a.sql": ASSERTION}


@pytest.mark.parametrize(
    "head",
    [
        pytest.param({"smoke/a.sql": "select true;\n"}, id="weakened"),
        pytest.param({"smoke/a.sql": None}, id="removed"),
        pytest.param({"kfm-ci.toml": None}, id="settings-removed"),
        pytest.param({"kfm-ci.toml": "[smoke]\nsql = ['other/*.sql']\n"}, id="pattern-changed"),
    ],
)
def test_a_smoke_test_of_the_base_still_runs(pull_request, head):
    pull_request.write(TESTED)
    pull_request.commit()
    pull_request.write(SOUND | head)
    verdict = pull_request.gate()
    assert verdict.code == 1 and "smoke-failed" in verdict.errors, verdict.output


@pytest.mark.parametrize(
    ("settings", "up", "rule"),
    [
        ('run-as = "superuser"', "create role somebody superuser;", "migration-failed"),
        (
            "extensions = ['dblink']",
            "create table x as select * from dblink('', 'select 1') as t (i int);",
            "migration-failed",
        ),
        ("seed-rows = 0", "alter table orders alter column note set not null;", "data-dependent-failure"),
    ],
)
def test_the_base_decides_about_the_server(pull_request, settings, up, rule):
    pull_request.write(NATIVE | {"kfm-ci.toml": "[database]\nseed = 1\n"})
    pull_request.commit()
    pull_request.write(migration(SECOND, up, "select 1;") | {"kfm-ci.toml": f"[database]\nseed = 1\n{settings}\n"})
    verdict = pull_request.gate()
    assert verdict.code == 1 and rule in verdict.errors, verdict.output
    assert verdict.finding("setting-changed")["severity"] == "warning"
