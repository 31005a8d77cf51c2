"""Default command lines of tools whose files kfm-ci can read, for ``[migrations.command]``."""

from __future__ import annotations

from kfm_ci.migrations.model import Tool

_URL = "{url}?sslmode=disable"

KNOWN: dict[str, Tool] = {
    "flyway": Tool(
        up=("flyway", "-locations=filesystem:{dir}", "migrate"),
        up_one=("flyway", "-locations=filesystem:{dir}", "-target={version}", "migrate"),
        history_table="flyway_schema_history",
        environment={"FLYWAY_URL": "{jdbc}", "FLYWAY_USER": "{user}", "FLYWAY_PASSWORD": "{password}"},
        how_to_install="put `flyway` on the PATH before the gate runs",
    ),
    "golang-migrate": Tool(
        up=("migrate", "-path", "{dir}", "-database", _URL, "up"),
        up_one=("migrate", "-path", "{dir}", "-database", _URL, "up", "1"),
        down_one=("migrate", "-path", "{dir}", "-database", _URL, "down", "1"),
        history_table="schema_migrations",
        records_before_run=True,
        how_to_install="go install -tags postgres github.com/golang-migrate/migrate/v4/cmd/migrate@latest",
    ),
    "goose": Tool(
        up=("goose", "-dir", "{dir}", "postgres", _URL, "up"),
        up_one=("goose", "-dir", "{dir}", "postgres", _URL, "up-by-one"),
        down_one=("goose", "-dir", "{dir}", "postgres", _URL, "down"),
        history_table="goose_db_version",
        how_to_install="go install github.com/pressly/goose/v3/cmd/goose@latest",
    ),
    "dbmate": Tool(
        up=("dbmate", "--no-dump-schema", "-d", "{dir}", "-u", _URL, "migrate"),
        down_one=("dbmate", "--no-dump-schema", "-d", "{dir}", "-u", _URL, "rollback"),
        status=("dbmate", "-d", "{dir}", "-u", _URL, "status", "--exit-code"),
        history_table="schema_migrations",
        how_to_install="npm install dbmate, or put `dbmate` on the PATH",
    ),
    "sqlx": Tool(
        up=("sqlx", "migrate", "run", "--source", "{dir}"),
        up_one=("sqlx", "migrate", "run", "--source", "{dir}", "--target-version", "{version}"),
        down_one=("sqlx", "migrate", "revert", "--source", "{dir}"),
        history_table="_sqlx_migrations",
        how_to_install="cargo install sqlx-cli --no-default-features --features postgres",
    ),
    "diesel": Tool(
        up=("diesel", "migration", "--migration-dir", "{dir}", "run", "--locked-schema"),
        down_one=("diesel", "migration", "--migration-dir", "{dir}", "revert"),
        history_table="__diesel_schema_migrations",
        how_to_install="cargo install diesel_cli --no-default-features --features postgres",
    ),
    "atlas": Tool(
        up=("atlas", "migrate", "apply", "--dir", "file://{dir}", "--url", _URL),
        up_one=("atlas", "migrate", "apply", "1", "--dir", "file://{dir}", "--url", _URL),
        history_table="atlas_schema_revisions.atlas_schema_revisions",
        how_to_install="put `atlas` on the PATH before the gate runs",
    ),
    "supabase": Tool(
        up=("supabase", "migration", "up", "--db-url", _URL),
        history_table="supabase_migrations.schema_migrations",
        how_to_install="npm install supabase",
    ),
    "drizzle": Tool(
        up=("drizzle-kit", "migrate"), history_table="drizzle.__drizzle_migrations", how_to_install="npm ci"
    ),
    "node-pg-migrate": Tool(
        up=("node-pg-migrate", "up", "-m", "{dir}"),
        up_one=("node-pg-migrate", "up", "1", "-m", "{dir}"),
        down_one=("node-pg-migrate", "down", "1", "-m", "{dir}"),
        down_to=("node-pg-migrate", "down", "{count}", "-m", "{dir}"),
        history_table="pgmigrations",
        how_to_install="npm ci",
    ),
    "graphile-migrate": Tool(
        up=("graphile-migrate", "migrate"),
        status=("graphile-migrate", "status", "--skipDatabase"),
        history_table="graphile_migrate.migrations",
        how_to_install="npm ci",
    ),
    "sqitch": Tool(
        up=("sqitch", "deploy", "--mode", "change", "db:pg://{user}:{password}@{host}:{port}/{database}"),
        up_one=(
            "sqitch",
            "deploy",
            "--mode",
            "change",
            "--to-change",
            "{id}",
            "db:pg://{user}:{password}@{host}:{port}/{database}",
        ),
        down_one=(
            "sqitch",
            "revert",
            "-y",
            "--to-change",
            "@HEAD^",
            "db:pg://{user}:{password}@{host}:{port}/{database}",
        ),
        history_table="sqitch.changes",
        environment={"SQITCH_FULLNAME": "kfm-ci", "SQITCH_EMAIL": "kfm-ci@localhost"},
        how_to_install="apt-get install sqitch libdbd-pg-perl",
    ),
    "prisma": Tool(
        up=("prisma", "migrate", "deploy"),
        status=("prisma", "migrate", "status"),
        history_table="_prisma_migrations",
        records_before_run=True,
        environment={"CHECKPOINT_DISABLE": "1", "PRISMA_HIDE_UPDATE_MESSAGE": "1"},
        how_to_install="npm ci",
    ),
    "liquibase": Tool(
        up=("liquibase", "update"),
        up_one=("liquibase", "update-count", "--count={count}"),
        down_one=("liquibase", "rollback-count", "--count=1"),
        down_to=("liquibase", "rollback-count", "--count={count}"),
        history_row_keys=("{changeset}", "{author}"),
        down_preview=("liquibase", "rollback-count-sql", "--count={count}"),
        preview=("liquibase", "update-count-sql", "--count={count}"),
        history_table="databasechangelog",
        environment={
            "LIQUIBASE_COMMAND_URL": "{jdbc}",
            "LIQUIBASE_COMMAND_USERNAME": "{user}",
            "LIQUIBASE_COMMAND_PASSWORD": "{password}",
        },
        how_to_install="put `liquibase` on the PATH before the gate runs",
    ),
}
"""By format; a tool without single steps has no ``up_one``."""
