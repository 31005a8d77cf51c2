"""One history in the layout of each tool, and the command line that runs it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CACHE = Path(os.environ.get("KFM_TOOLS_CACHE", Path.home() / ".cache/kfm-ci/tools"))
HERE = Path(__file__).parent
NODE = CACHE / "node/node_modules"
PRISMA_CONFIG = HERE / "prisma.config.ts"
PRISMA_ENVIRONMENT = {
    "PRISMA_QUERY_ENGINE_LIBRARY": "/bin/true",
    "PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true",
    "CHECKPOINT_DISABLE": "1",
    "PRISMA_HIDE_UPDATE_MESSAGE": "1",
}
"""An existing engine file that Prisma never calls."""


@dataclass(frozen=True)
class Step:
    up: str
    down: str = ""
    outside: bool = False


@dataclass(frozen=True)
class Address:
    url: str
    jdbc: str
    user: str
    password: str
    host: str
    port: str
    database: str


@dataclass(frozen=True)
class Tool:
    name: str
    write: Callable[[Path, int, Step], None]
    """Writes one migration into the directory."""
    command: Callable[[Path, Address], list[str]]
    needs: Path | str
    """A required file or program."""
    bookkeeping: str
    """Part of the names of the tool's own tables and schemas."""
    together: bool = False
    """Whether all pending migrations run in one transaction."""
    outside: bool = True
    notes_failure: bool = False
    """Whether the history table records a started migration that did not complete."""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def there(self) -> bool:
        return self.needs.exists() if isinstance(self.needs, Path) else shutil.which(self.needs) is not None


def _stamp(number: int) -> str:
    return f"20260101{number:06}"


def _pair(root: Path, number: int, step: Step) -> None:
    (root / f"{number:04}_step.up.sql").write_text(step.up)
    (root / f"{number:04}_step.down.sql").write_text(step.down)


def _goose(root: Path, number: int, step: Step) -> None:
    body = f"-- +goose StatementBegin\n{step.up}\n-- +goose StatementEnd\n" if "$$" in step.up else step.up
    first = "-- +goose NO TRANSACTION\n" if step.outside else ""
    (root / f"{number:05}_step.sql").write_text(f"{first}-- +goose Up\n{body}\n-- +goose Down\n{step.down}\n")


def _dbmate(root: Path, number: int, step: Step) -> None:
    option = " transaction:false" if step.outside else ""
    (root / f"{_stamp(number)}_step.sql").write_text(
        f"-- migrate:up{option}\n{step.up}\n-- migrate:down{option}\n{step.down}\n"
    )


def _rubenv(root: Path, number: int, step: Step) -> None:
    option = " notransaction" if step.outside else ""
    body = f"-- +migrate StatementBegin\n{step.up}\n-- +migrate StatementEnd\n" if "$$" in step.up else step.up
    (root / f"{number}_step.sql").write_text(f"-- +migrate Up{option}\n{body}\n-- +migrate Down{option}\n{step.down}\n")


def _node_pg(root: Path, number: int, step: Step) -> None:
    (root / f"{1700000000000 + number}_step.sql").write_text(
        f"-- Up Migration\n{step.up}\n-- Down Migration\n{step.down}\n"
    )


def _drizzle(root: Path, number: int, step: Step) -> None:
    meta = root / "meta/_journal.json"
    meta.parent.mkdir(exist_ok=True)
    journal = (
        json.loads(meta.read_text()) if meta.exists() else {"version": "7", "dialect": "postgresql", "entries": []}
    )
    journal["entries"].append(
        {"idx": number, "version": "7", "when": number, "tag": f"{number:04}_step", "breakpoints": True}
    )
    meta.write_text(json.dumps(journal))
    (root / f"{number:04}_step.sql").write_text(step.up)


def _flyway(root: Path, number: int, step: Step) -> None:
    (root / f"V{number}__step.sql").write_text(step.up)


def _liquibase(root: Path, number: int, step: Step) -> None:
    path = root / "changes.sql"
    before = path.read_text() if path.exists() else "--liquibase formatted sql\n"
    options = (" splitStatements:false" if "$$" in step.up else "") + (
        " runInTransaction:false" if step.outside else ""
    )
    path.write_text(f"{before}\n--changeset a:{number}{options}\n{step.up}\n")


def _sqitch(root: Path, number: int, step: Step) -> None:
    plan = root / "sqitch.plan"
    if not plan.exists():
        plan.write_text("%syntax-version=1.0.0\n%project=shop\n\n")
        (root / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    plan.write_text(f"{plan.read_text()}step{number} 2026-01-01T00:00:00Z A B <a@example.com> # x\n")
    for folder, text in (("deploy", step.up), ("revert", step.down)):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / f"step{number}.sql").write_text(text if step.outside else f"begin;\n{text}\ncommit;\n")


def _sqlx(root: Path, number: int, step: Step) -> None:
    first = "-- no-transaction\n" if step.outside else ""
    (root / f"{number}_step.up.sql").write_text(first + step.up)
    (root / f"{number}_step.down.sql").write_text(first + step.down)


def _diesel(root: Path, number: int, step: Step) -> None:
    folder = root / f"2026-01-01-{number:06}_step"
    folder.mkdir()
    (folder / "up.sql").write_text(step.up)
    (folder / "down.sql").write_text(step.down)
    if step.outside:
        (folder / "metadata.toml").write_text("run_in_transaction = false\n")


def _refinery(root: Path, number: int, step: Step) -> None:
    (root / f"V{number}__step.sql").write_text(step.up)


def _graphile(root: Path, number: int, step: Step) -> None:
    """Write a committed migration with the hash of the chain, computed independently of kfm-ci."""
    before = sorted(root.glob("*.sql"))
    previous = before[-1].read_text().split("--! Hash: ")[1].split("\n")[0] if before else None
    body = ("--! no-transaction\n" if step.outside else "") + step.up.strip() + "\n"
    digest = hashlib.sha1(
        f"{previous or ''}\n{body.strip()}".strip().encode() + b"\n", usedforsecurity=False
    ).hexdigest()
    (root / f"{number:06}.sql").write_text(f"--! Previous: {previous or '-'}\n--! Hash: sha1:{digest}\n\n{body}")


def _supabase(root: Path, number: int, step: Step) -> None:
    (root / f"{_stamp(number)}_step.sql").write_text(step.up)


def _prisma(root: Path, number: int, step: Step) -> None:
    folder = root / f"{_stamp(number)}_step"
    folder.mkdir()
    (folder / "migration.sql").write_text(step.up)
    (root / "migration_lock.toml").write_text('provider = "postgresql"\n')


def _atlas(root: Path, number: int, step: Step) -> None:
    first = "-- atlas:txmode none\n\n" if step.outside else ""
    (root / f"{_stamp(number)}_step.sql").write_text(first + step.up)


def _java(main: list[str]) -> list[str]:
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{CACHE}/jvm/lib/*", *main]


JVM = CACHE / "jvm/lib"
RUST = CACHE / "rust/bin"
TOOLS = (
    Tool(
        "golang-migrate",
        _pair,
        lambda root, to: [f"{CACHE}/go/migrate", "-path", str(root), "-database", to.url, "up"],
        CACHE / "go/migrate",
        "schema_migrations",
        notes_failure=True,
    ),
    Tool(
        "goose",
        _goose,
        lambda root, to: [f"{CACHE}/go/goose", "-dir", str(root), "postgres", to.url, "up"],
        CACHE / "go/goose",
        "goose_db_version",
    ),
    Tool(
        "dbmate",
        _dbmate,
        lambda root, to: [f"{NODE}/.bin/dbmate", "--no-dump-schema", "-d", str(root), "-u", to.url, "migrate"],
        NODE / ".bin/dbmate",
        "schema_migrations",
    ),
    Tool(
        "sql-migrate",
        _rubenv,
        lambda root, to: [f"{CACHE}/go/sql-migrate", "up", f"-config={_dbconfig(root, to)}", "-env=test"],
        CACHE / "go/sql-migrate",
        "gorp_migrations",
    ),
    Tool(
        "node-pg-migrate",
        _node_pg,
        lambda root, to: [f"{NODE}/.bin/node-pg-migrate", "up", "-m", str(root)],
        NODE / ".bin/node-pg-migrate",
        "pgmigrations",
        True,
        False,
    ),
    Tool(
        "drizzle",
        _drizzle,
        lambda root, to: ["node", str(_beside(NODE.parent, HERE / "run_drizzle.cjs")), to.url, str(root)],
        NODE / "drizzle-orm",
        "drizzle",
        True,
        False,
    ),
    Tool(
        "flyway",
        _flyway,
        lambda root, to: _java([str(HERE / "RunFlyway.java"), to.jdbc, to.user, to.password, str(root)]),
        JVM,
        "flyway_schema_history",
    ),
    Tool(
        "liquibase",
        _liquibase,
        lambda root, to: _java(
            [
                "liquibase.integration.commandline.LiquibaseCommandLine",
                f"--url={to.jdbc}",
                f"--username={to.user}",
                f"--password={to.password}",
                f"--search-path={root}",
                "--changelog-file=changes.sql",
                "update",
            ]
        ),
        JVM,
        "databasechangelog",
    ),
    Tool(
        "sqitch",
        _sqitch,
        lambda root, to: [
            "sqitch",
            "deploy",
            "--mode",
            "change",
            f"db:pg://{to.user}:{to.password}@{to.host}:{to.port}/{to.database}",
        ],
        "sqitch",
        "sqitch",
        environment={"SQITCH_FULLNAME": "A B", "SQITCH_EMAIL": "a@example.com"},
    ),
    Tool(
        "sqlx",
        _sqlx,
        lambda root, to: [
            f"{RUST}/sqlx",
            "migrate",
            "run",
            "--no-dotenv",
            "--source",
            str(root),
            "--database-url",
            to.url,
        ],
        RUST / "sqlx",
        "_sqlx_migrations",
    ),
    Tool(
        "diesel",
        _diesel,
        lambda root, to: [f"{RUST}/diesel", "migration", "run", "--migration-dir", str(root), "--database-url", to.url],
        RUST / "diesel",
        "diesel",
    ),
    Tool(
        "refinery",
        _refinery,
        lambda root, to: [f"{RUST}/refinery", "migrate", "-e", "DATABASE_URL", "-p", str(root)],
        RUST / "refinery",
        "refinery",
        outside=False,
    ),
    Tool(
        "graphile-migrate",
        _graphile,
        lambda root, to: [f"{NODE}/.bin/graphile-migrate", "migrate", "--config", str(_gmrc(root))],
        NODE / ".bin/graphile-migrate",
        "graphile_migrate",
    ),
    Tool(
        "supabase",
        _supabase,
        lambda root, to: [
            f"{NODE}/.bin/supabase",
            "db",
            "push",
            "--yes",
            "--skip-vault",
            f"--remote={to.url}",
            "--workdir",
            str(_supabase_home(root)),
        ],
        NODE / ".bin/supabase",
        "supabase",
    ),
    Tool(
        "atlas",
        _atlas,
        lambda root, to: [f"{CACHE}/go/atlasrun", str(_with_integrity_hash(root)), to.url],
        CACHE / "go/atlasrun",
        "atlas_schema_revisions",
    ),
    Tool(
        "prisma",
        _prisma,
        lambda root, to: [f"{NODE}/.bin/prisma", "migrate", "deploy", "--config", str(_prisma_home(root))],
        NODE / ".bin/prisma",
        "_prisma_migrations",
        notes_failure=True,
        environment=PRISMA_ENVIRONMENT,
    ),
)


def _with_integrity_hash(root: Path) -> Path:
    """Run `atlas migrate hash`; kfm-ci then verifies the resulting `atlas.sum`."""
    subprocess.run([f"{CACHE}/go/atlasrun", str(root)], check=True)
    return root


def _gmrc(root: Path) -> Path:
    """Create the layout that graphile-migrate requires."""
    home = root.parent / "graphile"
    if not home.exists():
        home.mkdir()
        (home / "committed").symlink_to(root)
        (home / "current.sql").write_text("")
        (home / "gmrc").write_text(json.dumps({"migrationsFolder": str(home)}))
    return home / "gmrc"


def _supabase_home(root: Path) -> Path:
    home = root.parent / "supabase_home"
    if not home.exists():
        (home / "supabase").mkdir(parents=True)
        (home / "supabase/migrations").symlink_to(root)
        (home / "supabase/config.toml").write_text('project_id = "shop"\n')
    return home


def _prisma_home(root: Path) -> Path:
    """Write the settings with which Prisma runs without downloading its engine."""
    home = root.parent / "prisma_home"
    if not home.exists():
        (home / "prisma").mkdir(parents=True)
        (home / "prisma/migrations").symlink_to(root)
        (home / "prisma/schema.prisma").write_text(
            'datasource db {\n  provider = "postgresql"\n  url = env("DATABASE_URL")\n}\n'
        )
        shutil.copy(PRISMA_CONFIG, home / "prisma.config.ts")
        (home / "node_modules").symlink_to(NODE)
    return home / "prisma.config.ts"


def _dbconfig(root: Path, to: Address) -> Path:
    path = root.parent / "dbconfig.yml"
    path.write_text(f"test:\n  dialect: postgres\n  datasource: {to.url}\n  dir: {root}\n")
    return path


def _beside(directory: Path, program: Path) -> Path:
    """Copy a program next to its modules."""
    return Path(shutil.copy(program, directory / program.name))
