"""Tables and keys of the configuration: types, defaults and descriptions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kfm_ci.config_decision import ADOPTION, BASE, BOTH, HEAD
from kfm_ci.config_values import CommandLine, InsidePath, Pattern


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_kebab, populate_by_name=True, strict=True)


class CommandTable(_Table):
    """``[migrations.command]``: commands of the external migration tool, whose SQL is recorded."""

    up: Annotated[CommandLine | None, ADOPTION] = Field(
        None, description="Command that runs all pending migrations, such as `knex migrate:latest`."
    )
    up_one: Annotated[CommandLine | None, ADOPTION] = Field(
        None,
        description="Command that runs one migration. `{id}`, `{version}`, `{previous}`, `{file}`, `{dir}` are "
        "filled in. Default: `up`, with the files of later migrations hidden.",
    )
    down_one: Annotated[CommandLine | None, ADOPTION] = Field(
        None, description="Command that rolls back one migration. It takes the placeholders of `up-one`."
    )
    down_to: Annotated[CommandLine | None, ADOPTION] = Field(
        None,
        description="Command that rolls back one migration and all later ones in one run. `{count}` is the "
        "number of migrations to roll back.",
    )
    status: Annotated[CommandLine | None, ADOPTION] = Field(
        None, description="Command that exits 0 when no migration is pending, and non-zero otherwise."
    )
    preview: Annotated[CommandLine | None, ADOPTION] = Field(
        None,
        description="Command that prints the SQL of one migration without running it. The SQL is checked before "
        "anything runs.",
    )
    history_table: Annotated[str | None, ADOPTION] = Field(
        None, description="The tool's history table, with its schema where it is not on the search path."
    )
    directory: Annotated[InsidePath | None, ADOPTION] = Field(
        None, description="Working directory of the commands, relative to the repository's root. Default: the root."
    )
    env: Annotated[dict[str, str], ADOPTION] = Field(
        {},
        description="Environment variables for the tool. `{url}`, `{jdbc}`, `{host}`, `{port}`, `{user}`, "
        "`{password}`, `{database}` are filled in.",
    )
    pass_env: Annotated[tuple[str, ...], BASE] = Field(
        (), strict=False, description="Names of environment variables of kfm-ci to pass on to the tool."
    )
    timeout: Annotated[int, ADOPTION] = Field(
        300, ge=1, le=3600, description="Time limit for one start of the tool, in seconds (1 to 3600)."
    )


class MigrationsTable(_Table):
    """``[migrations]``: directory of the migrations and their tool."""

    dir: Annotated[InsidePath | None, ADOPTION] = Field(
        None,
        description="Directory of the migrations, relative to the repository's root. Default: `migrations/db` if "
        "it exists, otherwise detected.",
    )
    format: Annotated[str, ADOPTION] = Field("auto", description="Name of the migration tool. `auto` detects it.")
    baseline: Annotated[InsidePath | None, ADOPTION] = Field(
        None, description="SQL file that builds the schema from before the first migration."
    )
    command: Annotated[CommandTable | None, ADOPTION] = Field(
        None, description="The tool's own commands; see `[migrations.command]`."
    )
    placeholders: Annotated[dict[str, str], BOTH] = Field(
        {},
        description="Values of placeholders that another program fills in, such as `${name}` or `{{ .Name }}`. "
        "Write the names with or without their marks.",
    )


class DatabaseTable(_Table):
    """``[database]``: the disposable PostgreSQL server."""

    engine: Annotated[Literal["auto", "embedded", "docker", "service"], ADOPTION] = Field(
        "auto", description="Source of the PostgreSQL server. `auto` takes the first that is available."
    )
    postgres_version: Annotated[int | None, ADOPTION] = Field(
        None, ge=12, le=99, description="Major version of PostgreSQL (12 or later). Default: the newest available."
    )
    image: Annotated[str | None, BASE] = Field(
        None,
        pattern=r"^[a-z0-9][A-Za-z0-9._:/@-]*$",
        max_length=500,
        description="Container image for engine `docker`; it must start like the official image. Default: "
        "`postgres:<version>`.",
    )
    extensions: Annotated[tuple[str, ...], BOTH] = Field(
        (), strict=False, description="Extensions created by the administrator before the first migration."
    )
    roles: Annotated[tuple[str, ...], BOTH] = Field(
        (),
        strict=False,
        max_length=100,
        description="Roles that migrations name, as in `GRANT … TO reader` (at most 100). The administrator "
        "creates them before the first migration.",
    )
    run_as: Annotated[Literal["owner", "superuser"], ADOPTION] = Field(
        "owner",
        description="Role that runs the migrations: `owner` (database owner) or `superuser` (needed to create roles).",
    )
    settings: Annotated[dict[str, str], ADOPTION] = Field(
        {}, description="Server settings of every session, such as `lock_timeout`."
    )
    statistics: Annotated[InsidePath | None, BASE] = Field(
        None,
        description="File with the table sizes of a production database, as `kfm-ci stats` writes it. The "
        "severity of findings depends on it.",
    )
    seed: Annotated[int, BASE] = Field(1, description="Seed of the random generator for synthetic rows.")
    seed_rows: Annotated[int, BASE] = Field(
        8, ge=0, le=1000, description="Number of synthetic rows for each table (0 to 1000). 0 disables seeding."
    )


class SmokeTable(_Table):
    """``[smoke]``: tests to run after the change."""

    sql: Annotated[tuple[str, ...], BOTH] = Field(
        (), strict=False, description="Glob patterns of SQL files; each statement is an assertion."
    )
    command: Annotated[str | None, BOTH] = Field(
        None, description="Shell command to run after the change. `DATABASE_URL` is set."
    )
    image: Annotated[str | None, ADOPTION] = Field(
        None,
        description="Container image in which the commands run. It must contain all that they need, because no "
        "directory is mounted.",
    )
    timeout: Annotated[int, ADOPTION] = Field(
        60, ge=1, le=3600, description="Time limit for one smoke test, in seconds (1 to 3600)."
    )
    queries: Annotated[tuple[str, ...], BOTH] = Field(
        (),
        strict=False,
        description="Glob patterns of SQL files with the application's statements, with parameters as `$1`. The "
        "statements are prepared and never run.",
    )
    previous_command: Annotated[str | None, BOTH] = Field(
        None, description="Shell command of the release in production. It must pass on every state of the schema."
    )


Level = Literal["error", "warning", "note", "off"]


class PolicyTable(_Table):
    """``[policy]``: requirements on a change. In a pull request, the policy of the base commit applies."""

    require_header: Annotated[bool, BASE] = Field(
        False, description="Require the header in all formats, not only in `kfm`."
    )
    require_traceability: Annotated[bool, BASE] = Field(
        False, description="Require impact and operational steps in every header."
    )
    require_manifest: Annotated[bool, BASE] = Field(
        False, description="Require `meta/manifest.json` and `meta/checksums.txt`."
    )
    ticket_pattern: Annotated[Pattern, BASE] = Field(
        r"[A-Z][A-Z0-9]+-[0-9]+", description="Regular expression for the keys of change requests."
    )
    severity: Annotated[dict[str, Level], BASE] = Field(
        {}, description="Severity by rule id or hazard. The severity of a rule overrides that of its hazard."
    )
    max_file_size: Annotated[int, BASE] = Field(
        1_048_576, ge=1, description="Maximum size of a migration file, in bytes."
    )
    personal_data_threshold: Annotated[int, BASE] = Field(
        3,
        ge=1,
        description="Number of distinct values of personal data in a migration from which a finding is reported.",
    )
    lock_timeout: Annotated[int, BASE] = Field(
        5000,
        ge=0,
        description="`lock_timeout` that kfm-ci sets before each migration of format `kfm`, in milliseconds.",
    )
    statement_timeout: Annotated[int, BASE] = Field(
        600_000, ge=0, description="`statement_timeout` that kfm-ci sets on the disposable server, in milliseconds."
    )
    compensation_exceptions: Annotated[tuple[str, ...], BASE] = Field(
        (),
        strict=False,
        description="Objects that a compensating migration need not restore, such as `column public.widgets.*`.",
    )
    squawk: Annotated[bool, BASE] = Field(True, description="Check new migrations with the linter squawk.")


class GithubTable(_Table):
    """``[github]``: outputs on GitHub."""

    comment: Annotated[Literal["auto", "always", "never"], ADOPTION] = Field(
        "auto", description="Whether to comment on the pull request."
    )
    check_run: Annotated[bool, ADOPTION] = Field(False, description="Create a check run with annotations.")
    sarif: Annotated[bool, ADOPTION] = Field(False, description="Upload the findings to code scanning.")
    labels: Annotated[bool, ADOPTION] = Field(False, description="Label the pull request with the assessed risk.")


class EnvironmentTable(_Table):
    """``[environments.NAME]``: a target database of promotion."""

    database_url_env: Annotated[str, BASE] = Field(
        "KFM_DATABASE_URL", description="Name of the environment variable that holds the database URL."
    )
    from_: Annotated[str | None, BASE] = Field(
        None, alias="from", description="Environment whose receipt is required before promotion."
    )
    require_steps: Annotated[tuple[str, ...], BASE] = Field(
        (), strict=False, description="Steps that the receipt must show as passed."
    )
    max_age: Annotated[str, BASE] = Field(
        "7d",
        pattern=r"^[0-9]+[hdm]$",
        description="Maximum age of the receipt: a number followed by `m` (minutes), `h` (hours) or `d` (days).",
    )
    identity: Annotated[str | None, BASE] = Field(
        None, description="Expected sha256 of the target database's identity."
    )
    smoke: Annotated[tuple[str, ...], BASE] = Field(
        (), strict=False, description="Glob patterns of SQL files to run after promotion."
    )


class DeclaredTable(_Table):
    """``[[migration]]``: metadata of a migration whose file cannot have a header."""

    id: Annotated[str, HEAD] = Field(description="Migration id as shown by `kfm-ci gate`.")
    owner: Annotated[str | None, HEAD] = Field(None, description="Owning team.")
    ticket: Annotated[str | None, HEAD] = Field(
        None, description="Change request: a URL, or a key that matches `ticket-pattern`."
    )
    risk: Annotated[str | None, HEAD] = Field(None, description="Declared risk: `low`, `medium` or `high`.")
    rollout: Annotated[str | None, HEAD] = Field(
        None, description="Declared rollout: `safe` or `requires-maintenance-window`."
    )
    rollback: Annotated[str | None, HEAD] = Field(
        None, description="Declared rollback: `down`, `compensating` or `manual`."
    )
    impact: Annotated[str | None, HEAD] = Field(None, description="Users and systems affected by the change.")
    ops: Annotated[str | None, HEAD] = Field(
        None, description="Operational steps: monitoring, feature flags, order of the release."
    )
    phase: Annotated[str | None, HEAD] = Field(
        None, description="Phase of the change: `expand`, `migrate` or `contract`."
    )
    compensated_by: Annotated[str | None, HEAD] = Field(
        None, description='Id of the compensating migration, for `rollback = "compensating"`.'
    )
    runbook: Annotated[str | None, HEAD] = Field(None, description='Path of the runbook, for `rollback = "manual"`.')


class Config(_Table):
    """All settings of a repository."""

    migrations: MigrationsTable = MigrationsTable()
    database: DatabaseTable = DatabaseTable()
    smoke: SmokeTable = SmokeTable()
    policy: PolicyTable = PolicyTable()
    github: GithubTable = GithubTable()
    environments: Annotated[dict[str, EnvironmentTable], BASE] = {}
    migration: Annotated[tuple[DeclaredTable, ...], BOTH] = Field((), strict=False)
