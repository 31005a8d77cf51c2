"""What the tool would run is read, or reported as not read: no name, place or setting hides a statement."""

from __future__ import annotations

import subprocess

import pytest

from tests.hostile.conftest import PullRequest, Verdict

FIRST = "create table orders (id bigint primary key, total numeric not null);\n"
DROP = "drop table orders;\n"
FLYWAY = {"db/migration/V1.1__a.sql": FIRST}
GOLANG = {"db/migrations/1_a.up.sql": FIRST, "db/migrations/1_a.down.sql": DROP}
IN_ONE = {**FLYWAY, "kfm-ci.toml": '[migrations]\ndir = "db/migration"\n'}
SETTINGS = "flyway.locations=filesystem:db/migration\n"

HIDDEN: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "in node_modules": (FLYWAY, {"db/migration/node_modules/V2.1__b.sql": DROP}),
    "in a virtual environment": (FLYWAY, {"db/migration/.venv/x/V2.1__b.sql": DROP, "db/migration/V2.2__b.sql": DROP}),
    "in the output directory": (FLYWAY, {"db/migration/kfm-ci-out/V2.1__b.sql": DROP}),
    "in a cache": (FLYWAY, {"db/migration/__pycache__/V2.1__b.sql": DROP}),
    "nested": (FLYWAY, {"db/migration/a/b/c/V2.1__b.sql": DROP}),
    "with another case": (FLYWAY, {"db/migration/V2.1__b.SQL": DROP}),
    "callback": (FLYWAY, {"db/migration/afterMigrate.sql": DROP}),
    "callback before each": (FLYWAY, {"db/migration/beforeEachMigrate.sql": DROP}),
    "callback after each statement": (FLYWAY, {"db/migration/afterEachMigrateStatement.sql": DROP}),
    "script": (FLYWAY, {"db/migration/V2.1__b.sh": "psql -c 'drop table orders'\n"}),
    "class": (FLYWAY, {"db/migration/V2_1__b.java": "class V2_1__b {}\n"}),
    "second location": (IN_ONE, {"flyway.conf": f"{SETTINGS.strip()},filesystem:more\n", "more/V2.1__b.sql": DROP}),
    "second location in TOML": (
        IN_ONE,
        {"flyway.toml": '[flyway]\nlocations = ["db/migration", "filesystem:more"]\n', "more/V2.1__b.sql": DROP},
    ),
    "SQL of the settings": (
        {**FLYWAY, "flyway.conf": SETTINGS},
        {"flyway.conf": f"{SETTINGS}flyway.initSql=drop table if exists orders\n"},
    ),
    "another prefix": (FLYWAY, {"flyway.conf": "flyway.sqlMigrationPrefix=X\n", "db/migration/X2.1__b.sql": DROP}),
    "another suffix": (
        FLYWAY,
        {"flyway.conf": "flyway.sqlMigrationSuffixes=.sql,.ddl\n", "db/migration/V2.1__b.ddl": DROP},
    ),
    "another separator": (
        FLYWAY,
        {"flyway.conf": "flyway.sqlMigrationSeparator=--\n", "db/migration/V2.1--b.sql": DROP},
    ),
    "golang-migrate in upper case": (GOLANG, {"db/migrations/2_b.up.SQL": DROP}),
    "golang-migrate as text": (GOLANG, {"db/migrations/2_b.up.txt": DROP}),
    "golang-migrate as a copy": (GOLANG, {"db/migrations/2_b.up.sql.bak": DROP}),
    "goose program": (
        {"db/goose/1_a.sql": f"-- +goose Up\n{FIRST}-- +goose Down\n{DROP}"},
        {"db/goose/2_b.go": "package migrations\n"},
    ),
    "edited undo file": ({**FLYWAY, "db/migration/U1.1__a.sql": DROP}, {"db/migration/U1.1__a.sql": f"{DROP}{DROP}"}),
    "edited down file": (GOLANG, {"db/migrations/1_a.down.sql": "drop schema public cascade;\n"}),
    "edited script configuration": (
        {**FLYWAY, "db/migration/V1.1__a.sql.conf": "executeInTransaction=true\n"},
        {"db/migration/V1.1__a.sql.conf": "executeInTransaction=false\n"},
    ),
}


@pytest.mark.parametrize(("files", "more"), HIDDEN.values(), ids=HIDDEN)
def test_no_file_is_run_unread(pull_request: PullRequest, files: dict[str, str], more: dict[str, str]) -> None:
    pull_request.write(files)
    pull_request.commit()
    pull_request.git("checkout", "-qb", "change")
    pull_request.write(more)
    pull_request.commit()
    _assert_reported(pull_request.gate())


@pytest.mark.parametrize("level", ["file", "directory", "migrations directory"])
@pytest.mark.parametrize("edit", ["edited", "added"])
def test_a_link_hides_no_change(pull_request: PullRequest, level: str, edit: str) -> None:
    """Where the migrations are links, the base has what they lead to."""
    link, target = {
        "file": ("db/migration/V1.1__a.sql", "shared/V1.1__a.sql"),
        "directory": ("db/migration/more", "shared"),
        "migrations directory": ("db/migration", "shared"),
    }[level]
    pull_request.write({"shared/V1.1__a.sql": FIRST, "kfm-ci.toml": '[migrations]\ndir = "db/migration"\n'})
    if level == "directory":
        pull_request.write({"db/migration/V1.0__start.sql": "create schema app;\n"})
    path = pull_request.root / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("../" * link.count("/") + target)
    pull_request.commit()
    if edit == "edited":
        pull_request.write({"shared/V1.1__a.sql": f"{FIRST}{DROP}"})
    else:
        pull_request.write({"shared/V2.1__b.sql": DROP})
        if level == "file":
            (pull_request.root / "db/migration/V2.1__b.sql").symlink_to("../../shared/V2.1__b.sql")
    verdict = pull_request.gate()
    _assert_reported(verdict)
    assert ("applied-migration-changed" if edit == "edited" else "table-dropped") in verdict.errors


@pytest.mark.parametrize(
    "content", [b"create table orders (id int);\0", b"-- caf\xe9\ncreate table orders (id int);\n"]
)
def test_an_unreadable_file_of_the_base_is_not_absent(pull_request: PullRequest, content: bytes) -> None:
    pull_request.write({"db/migration/V1.1__a.sql": content})
    pull_request.commit()
    pull_request.write({"db/migration/V1.1__a.sql": "create table orders (id int, note text);\n"})
    verdict = pull_request.gate()
    assert verdict.code == 3 and "KFM-C96" in verdict.output, verdict.output


@pytest.mark.parametrize("place", ["db/migration/vendor", "vendor"])
def test_a_submodule_among_the_migrations_is_not_ignored(pull_request: PullRequest, place: str) -> None:
    pull_request.write(FLYWAY)
    other = PullRequest(pull_request.root.parent / "other")
    other.write({"V2.1__b.sql": DROP})
    other.commit()
    pull_request.commit()
    add = ["git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), place]
    subprocess.run(add, cwd=pull_request.root, check=True)
    if place == "vendor":
        (pull_request.root / "db/migration/more").symlink_to("../../vendor")
    pull_request.git("add", "-A")
    pull_request.git("submodule", "--quiet", "deinit", "--all", "--force")
    verdict = pull_request.gate()
    assert verdict.code == 3 and "submodule" in verdict.output, verdict.output


HARMLESS = {
    "documentation": (FLYWAY, {"db/migration/README.md": "# Migrations\n"}),
    "settings of the same directory": (FLYWAY, {"flyway.conf": SETTINGS}),
    "class elsewhere": (FLYWAY, {"src/main/java/Main.java": "class Main {}\n"}),
    "files of a tool": (FLYWAY, {"node_modules/knex/migrations/1_a.js": "drop\n"}),
    "link to documentation": (FLYWAY, {"docs/x.md": "x\n"}),
    "program of golang-migrate": (GOLANG, {"db/migrations/embed.go": "package migrations\n"}),
}


@pytest.mark.parametrize(("files", "more"), HARMLESS.values(), ids=HARMLESS)
def test_harmless_files_are_not_reported(
    pull_request: PullRequest, files: dict[str, str], more: dict[str, str]
) -> None:
    pull_request.write(files)
    pull_request.commit()
    pull_request.write(more)
    if "docs/x.md" in more:
        (pull_request.root / "db/migration/x.md").symlink_to("../../docs/x.md")
    verdict = pull_request.gate()
    assert verdict.code == 0 and not verdict.errors, verdict.output


def _assert_reported(verdict: Verdict) -> None:
    assert verdict.code in {1, 3}, verdict.output
    assert verdict.code == 3 or verdict.errors, verdict.output
