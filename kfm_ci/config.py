"""Settings: ``kfm-ci.toml`` or ``[tool.kfm-ci]``, parsed once into frozen values; the only reader of settings."""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from kfm_ci.errors import UsageError
from kfm_ci.model import Hazard

FILE_NAME = "kfm-ci.toml"


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _inside(path: str) -> str:
    if path.startswith("/") or "\\" in path or ".." in path.split("/"):
        raise ValueError("must be a path inside the repository, with forward slashes")
    return path.rstrip("/") or "."


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return text


def _line(text: str) -> str:
    try:
        shlex.split(text)
    except ValueError as error:
        raise ValueError(f"is not a command line: {error}") from error
    return text


InsidePath = Annotated[str, AfterValidator(_inside)]
CommandLine = Annotated[str, AfterValidator(_line)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_kebab, populate_by_name=True, strict=True)


class CommandTable(_Table):
    """``[migrations.command]``: the tool's own command, run and watched instead of reading its files."""

    up: CommandLine | None = Field(None, description="Runs all that is pending, such as `knex migrate:latest`.")
    up_one: CommandLine | None = Field(
        None,
        description="Runs one migration; `{id}`, `{version}`, `{previous}`, `{file}`, `{dir}` are filled in. "
        "Without it `up` is run while the files of later migrations are kept away.",
    )
    down_one: CommandLine | None = Field(None, description="Takes one migration back.")
    down_to: CommandLine | None = Field(
        None,
        description="Takes one migration and all that came after it back in one run; `{count}` says how many those are.",
    )
    status: CommandLine | None = Field(
        None, description="Must end with 0 when all has run: it tells that something is pending by another code."
    )
    preview: CommandLine | None = Field(
        None, description="Prints the SQL of one migration without running it; judged before anything runs."
    )
    history_table: str | None = Field(None, description="Table in which the tool notes what it ran.")
    directory: InsidePath | None = Field(None, description="Where the command is started. Default: the root.")
    env: dict[str, str] = Field(
        {},
        description="Variables for the tool; `{url}`, `{jdbc}`, `{host}`, `{port}`, `{user}`, `{password}`, `{database}` are filled in.",
    )
    pass_env: tuple[str, ...] = Field(
        (), strict=False, description="Names of variables of our own environment that the tool gets."
    )
    timeout: int = Field(300, ge=1, le=3600, description="Seconds one start may take.")


class MigrationsTable(_Table):
    """``[migrations]``: where the files are and which tool they were written for."""

    dir: InsidePath | None = Field(
        None, description="Directory of the migrations. Default: `migrations/db`, else found."
    )
    format: str = Field("auto", description="Name of the migration tool, or `auto`.")
    baseline: InsidePath | None = Field(
        None, description="SQL file that builds what was there before the first migration."
    )
    command: CommandTable | None = Field(None, description="The tool's own command: see `[migrations.command]`.")
    placeholders: dict[str, str] = Field(
        {},
        description="Values for what another program fills in, such as `${name}` or `{{ .Name }}`, named with or without its marks.",
    )


class DatabaseTable(_Table):
    """``[database]``: the throwaway server."""

    engine: Literal["auto", "embedded", "docker", "service"] = Field("auto", description="Where the server comes from.")
    postgres_version: int | None = Field(None, ge=12, le=99, description="Major version. Default: the newest found.")
    image: str | None = Field(
        None,
        pattern=r"^[a-z0-9][A-Za-z0-9._:/@-]*$",
        max_length=500,
        description="Image for engine `docker`, started like the official one. Default: `postgres:<version>`.",
    )
    extensions: tuple[str, ...] = Field((), strict=False, description="Made by the administrator before any migration.")
    roles: tuple[str, ...] = Field(
        (), strict=False, max_length=100,
        description="Roles that migrations name, as in `grant … to reader`; made by the administrator before any migration.",
    )  # fmt: skip
    run_as: Literal["owner", "superuser"] = Field(
        "owner",
        description="Role that runs migrations: a plain owner of the database, or a superuser, as who makes roles must be.",
    )
    settings: dict[str, str] = Field({}, description="Server settings for every session, such as `lock_timeout`.")
    statistics: InsidePath | None = Field(None, description="File with production's table sizes; scales severity.")
    seed: int = Field(1, description="Seed of the synthetic rows.")
    seed_rows: int = Field(8, ge=0, le=1000, description="Synthetic rows per table; 0 switches seeding off.")


class SmokeTable(_Table):
    """``[smoke]``: what must work after the change."""

    sql: tuple[str, ...] = Field((), strict=False, description="Globs of SQL files, each statement an assertion.")
    command: str | None = Field(None, description="Shell command run with `DATABASE_URL` set.")
    image: str | None = Field(
        None, description="Container image that the commands run in, with all they need: nothing is mounted."
    )
    timeout: int = Field(60, ge=1, le=3600, description="Seconds a smoke test may take.")
    queries: tuple[str, ...] = Field(
        (), strict=False,
        description="Globs of SQL files with the application's statements (parameters as `$1`): prepared, never run.",
    )  # fmt: skip
    previous_command: str | None = Field(
        None, description="Like `command`, but of the release that runs now: must work on every state of the schema."
    )


Level = Literal["error", "warning", "note", "off"]


class PolicyTable(_Table):
    """``[policy]``: what is asked of a change. In a pull request that of the base commit holds."""

    require_header: bool = Field(False, description="Ask for the header in formats other than `kfm` too.")
    require_traceability: bool = Field(False, description="Ask for impact and operational steps too.")
    require_manifest: bool = Field(False, description="Ask for `meta/manifest.json` and `meta/checksums.txt`.")
    ticket_pattern: Pattern = Field(r"[A-Z][A-Z0-9]+-[0-9]+", description="Keys that count as change request.")
    severity: dict[str, Level] = Field({}, description="Severity by rule id or hazard; a rule wins over its hazard.")
    max_file_size: int = Field(1_048_576, ge=1, description="Bytes a migration may have.")
    personal_data_threshold: int = Field(3, ge=1, description="Distinct values of personal data that are a finding.")
    lock_timeout: int = Field(5000, ge=0, description="Milliseconds; set by our runner before each migration.")
    statement_timeout: int = Field(
        600_000, ge=0, description="Milliseconds; set by our runner on the throwaway server."
    )
    compensation_exceptions: tuple[str, ...] = Field(
        (), strict=False,
        description="Objects that a compensating migration need not restore, such as `column public.widgets.*`.",
    )  # fmt: skip
    squawk: bool = Field(True, description="Ask squawk for advice.")


class GithubTable(_Table):
    """``[github]``: what is published."""

    comment: Literal["auto", "always", "never"] = Field("auto", description="Comment on the pull request.")
    check_run: bool = Field(False, description="Make a check run with annotations.")
    sarif: bool = Field(False, description="Upload findings to code scanning.")
    labels: bool = Field(False, description="Label the pull request with the assessed risk.")


class EnvironmentTable(_Table):
    """``[environments.NAME]``: a real target of promotion."""

    database_url_env: str = Field("KFM_DATABASE_URL", description="Name of the variable that holds the URL.")
    from_: str | None = Field(None, alias="from", description="Environment whose receipt is required.")
    require_steps: tuple[str, ...] = Field((), strict=False, description="Steps that the receipt must show as passed.")
    max_age: str = Field("7d", pattern=r"^[0-9]+[hdm]$", description="How old a receipt may be.")
    identity: str | None = Field(None, description="sha256 of the target's identity, pinned.")
    smoke: tuple[str, ...] = Field((), strict=False, description="Globs of SQL files, run after promotion.")


class DeclaredTable(_Table):
    """``[[migration]]``: metadata for a file that cannot carry a header."""

    id: str = Field(description="Of the migration, as `kfm-ci gate` calls it.")
    owner: str | None = Field(None, description="Team that answers for it.")
    ticket: str | None = Field(None, description="Change request: a URL, or a key that `ticket-pattern` matches.")
    risk: str | None = Field(None, description="`low`, `medium` or `high`.")
    rollout: str | None = Field(None, description="`safe` or `requires-maintenance-window`.")
    rollback: str | None = Field(None, description="`down`, `compensating` or `manual`.")
    impact: str | None = Field(None, description="What changes for whom.")
    ops: str | None = Field(None, description="Monitoring, flags, order of steps.")
    phase: str | None = Field(None, description="`expand`, `migrate` or `contract`.")
    compensated_by: str | None = Field(None, description="Id of the compensating migration.")
    runbook: str | None = Field(None, description='Path of the runbook, for `rollback = "manual"`.')


class Config(_Table):
    """All settings of a repository; every key has a default."""

    migrations: MigrationsTable = MigrationsTable()
    database: DatabaseTable = DatabaseTable()
    smoke: SmokeTable = SmokeTable()
    policy: PolicyTable = PolicyTable()
    github: GithubTable = GithubTable()
    environments: dict[str, EnvironmentTable] = {}
    migration: tuple[DeclaredTable, ...] = Field((), strict=False)


def parse(data: bytes, *, where: str, table: tuple[str, ...] = ()) -> Config:
    """Return the settings in a TOML file; raises UsageError with the place and the nearest key.

    ``table`` names the table of the file that holds them, such as ``("tool", "kfm-ci")``.
    """
    try:
        document: Any = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            code="KFM-U01", message=f"not readable as TOML: {error}", where=where, help="mend the file's syntax"
        ) from error
    for key in table:
        document = document.get(key, {}) if isinstance(document, dict) else {}
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        raise _explained(error, where) from error
    known = {hazard.value for hazard in Hazard}
    for key in config.policy.severity:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key):
            raise UsageError(
                code="KFM-U03",
                where=where,
                message="not a rule id or hazard in [policy.severity]",
                got=key,
                expected="a slug",
                help=f"hazards are: {', '.join(sorted(known))}",
            )
    return config


def _explained(error: ValidationError, where: str) -> UsageError:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        names = list(_fields_at(location[:-1]))
        near = difflib.get_close_matches(location[-1], names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(names)}"
        return UsageError(code="KFM-U02", where=where, message=f"unknown key {key!r}", help=hint)
    if location == ["migration"]:
        return UsageError(code="KFM-U03", where=where, message="[migration] is not a table", expected="[[migration]], one for each migration",
                          help="for the files as a whole write [migrations]")  # fmt: skip
    field = _fields_at(location[:-1]).get(location[-1])
    meaning = f"{key}: {field.description} " if field is not None and field.description else ""
    return UsageError(
        code="KFM-U03", where=where, message=f"wrong value for {key!r}: {first['msg'].removeprefix('Value error, ')}",
        got=json.dumps(first.get("input"), default=str)[:80], help=f"{meaning}(docs/configuration.md)",
    )  # fmt: skip


def _fields_at(location: list[str]) -> dict[str, FieldInfo]:
    """Return the fields of the table at a place, by the name they have in the file."""
    model: Any = Config
    for part in location:
        found = {field.alias or name: field for name, field in getattr(model, "model_fields", {}).items()}.get(part)
        candidates = [found.annotation, *getattr(found.annotation, "__args__", ())] if found is not None else ()
        model = next((item for item in candidates if hasattr(item, "model_fields")), model)
    return {field.alias or name: field for name, field in model.model_fields.items()}


def environment() -> Mapping[str, str]:
    """Return the process's environment; nothing else reads it but ``github.context``."""
    return dict(os.environ)


def database_url(given: str | None) -> str | None:
    """Return the URL for engine ``service``: the option, else ``KFM_DATABASE_URL``, else None."""
    return given or os.environ.get("KFM_DATABASE_URL") or None


def forget_connection_defaults() -> None:
    """Take libpq's variables out of our environment: they are about another server than our own."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
