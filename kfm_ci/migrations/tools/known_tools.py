"""Default command lines of tools whose files kfm-ci can read, for ``[migrations.command]``."""

from __future__ import annotations

from kfm_ci.migrations.model import Tool, ToolCommands, ToolEnvironment, ToolInstallation, ToolTableNames

_URL = "{url}?sslmode=disable"

KNOWN: dict[str, Tool] = {
    "flyway": Tool(
        commands=ToolCommands(
            up=("flyway", "-locations=filesystem:{dir}", "migrate"),
            up_one=("flyway", "-locations=filesystem:{dir}", "-target={version}", "migrate"),
        ),
        tables=ToolTableNames(history="flyway_schema_history"),
        environment=ToolEnvironment(
            variables={"FLYWAY_URL": "{jdbc}", "FLYWAY_USER": "{user}", "FLYWAY_PASSWORD": "{password}"}
        ),
        installation=ToolInstallation(help="put `flyway` on the PATH before the gate runs"),
    ),
    "golang-migrate": Tool(
        commands=ToolCommands(
            up=("migrate", "-path", "{dir}", "-database", _URL, "up"),
            up_one=("migrate", "-path", "{dir}", "-database", _URL, "up", "1"),
            down_one=("migrate", "-path", "{dir}", "-database", _URL, "down", "1"),
        ),
        tables=ToolTableNames(history="schema_migrations"),
        installation=ToolInstallation(
            help="go install -tags postgres github.com/golang-migrate/migrate/v4/cmd/migrate@latest"
        ),
    ),
    "goose": Tool(
        commands=ToolCommands(
            up=("goose", "-dir", "{dir}", "postgres", _URL, "up"),
            up_one=("goose", "-dir", "{dir}", "postgres", _URL, "up-by-one"),
            down_one=("goose", "-dir", "{dir}", "postgres", _URL, "down"),
        ),
        tables=ToolTableNames(history="goose_db_version"),
        installation=ToolInstallation(help="go install github.com/pressly/goose/v3/cmd/goose@latest"),
    ),
    "dbmate": Tool(
        commands=ToolCommands(
            up=("dbmate", "--no-dump-schema", "-d", "{dir}", "-u", _URL, "migrate"),
            down_one=("dbmate", "--no-dump-schema", "-d", "{dir}", "-u", _URL, "rollback"),
            status=("dbmate", "-d", "{dir}", "-u", _URL, "status", "--exit-code"),
        ),
        tables=ToolTableNames(history="schema_migrations"),
        installation=ToolInstallation(help="npm install dbmate, or put `dbmate` on the PATH"),
    ),
    "sqlx": Tool(
        commands=ToolCommands(
            up=("sqlx", "migrate", "run", "--source", "{dir}"),
            up_one=("sqlx", "migrate", "run", "--source", "{dir}", "--target-version", "{version}"),
            down_one=("sqlx", "migrate", "revert", "--source", "{dir}"),
        ),
        tables=ToolTableNames(history="_sqlx_migrations"),
        installation=ToolInstallation(help="cargo install sqlx-cli --no-default-features --features postgres"),
    ),
    "diesel": Tool(
        commands=ToolCommands(
            up=("diesel", "migration", "--migration-dir", "{dir}", "run", "--locked-schema"),
            down_one=("diesel", "migration", "--migration-dir", "{dir}", "revert"),
        ),
        tables=ToolTableNames(history="__diesel_schema_migrations"),
        installation=ToolInstallation(help="cargo install diesel_cli --no-default-features --features postgres"),
    ),
    "atlas": Tool(
        commands=ToolCommands(
            up=("atlas", "migrate", "apply", "--dir", "file://{dir}", "--url", _URL),
            up_one=("atlas", "migrate", "apply", "1", "--dir", "file://{dir}", "--url", _URL),
        ),
        tables=ToolTableNames(history="atlas_schema_revisions.atlas_schema_revisions"),
        installation=ToolInstallation(help="put `atlas` on the PATH before the gate runs"),
    ),
    "supabase": Tool(
        commands=ToolCommands(up=("supabase", "migration", "up", "--db-url", _URL)),
        tables=ToolTableNames(history="supabase_migrations.schema_migrations"),
        installation=ToolInstallation(help="npm install supabase"),
    ),
    "drizzle": Tool(
        commands=ToolCommands(up=("drizzle-kit", "migrate")),
        tables=ToolTableNames(history="drizzle.__drizzle_migrations"),
        installation=ToolInstallation(help="npm ci"),
    ),
    "node-pg-migrate": Tool(
        commands=ToolCommands(
            up=("node-pg-migrate", "up", "-m", "{dir}"),
            up_one=("node-pg-migrate", "up", "1", "-m", "{dir}"),
            down_one=("node-pg-migrate", "down", "1", "-m", "{dir}"),
            down_to=("node-pg-migrate", "down", "{count}", "-m", "{dir}"),
        ),
        tables=ToolTableNames(history="pgmigrations"),
        installation=ToolInstallation(help="npm ci"),
    ),
    "graphile-migrate": Tool(
        commands=ToolCommands(
            up=("graphile-migrate", "migrate"),
            status=("graphile-migrate", "status", "--skipDatabase"),
        ),
        tables=ToolTableNames(history="graphile_migrate.migrations"),
        installation=ToolInstallation(help="npm ci"),
    ),
    "sqitch": Tool(
        commands=ToolCommands(
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
        ),
        tables=ToolTableNames(history="sqitch.changes"),
        environment=ToolEnvironment(variables={"SQITCH_FULLNAME": "kfm-ci", "SQITCH_EMAIL": "kfm-ci@localhost"}),
        installation=ToolInstallation(help="apt-get install sqitch libdbd-pg-perl"),
    ),
    "prisma": Tool(
        commands=ToolCommands(
            up=("prisma", "migrate", "deploy"),
            status=("prisma", "migrate", "status"),
        ),
        tables=ToolTableNames(history="_prisma_migrations"),
        environment=ToolEnvironment(variables={"CHECKPOINT_DISABLE": "1", "PRISMA_HIDE_UPDATE_MESSAGE": "1"}),
        installation=ToolInstallation(help="npm ci"),
    ),
    "liquibase": Tool(
        commands=ToolCommands(
            up=("liquibase", "update"),
            up_one=("liquibase", "update-count", "--count={count}"),
            down_one=("liquibase", "rollback-count", "--count=1"),
            down_to=("liquibase", "rollback-count", "--count={count}"),
            down_preview=("liquibase", "rollback-count-sql", "--count={count}"),
            preview=("liquibase", "update-count-sql", "--count={count}"),
        ),
        tables=ToolTableNames(
            row_keys=("{changeset}", "{author}"),
            history="databasechangelog",
        ),
        environment=ToolEnvironment(
            variables={
                "LIQUIBASE_COMMAND_URL": "{jdbc}",
                "LIQUIBASE_COMMAND_USERNAME": "{user}",
                "LIQUIBASE_COMMAND_PASSWORD": "{password}",
            }
        ),
        installation=ToolInstallation(help="put `liquibase` on the PATH before the gate runs"),
    ),
}
"""By format; a tool without single steps has no ``up_one``."""
