"""Configuration: ``kfm-ci.toml`` or ``[tool.kfm-ci]`` parsed into frozen values."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from kfm_ci import toml
from kfm_ci.config_tables import (
    CommandTable,
    Config,
    DatabaseTable,
    DeclaredTable,
    EnvironmentTable,
    GithubTable,
    MigrationsTable,
    PolicyTable,
    SmokeTable,
)
from kfm_ci.errors import UsageError
from kfm_ci.model import Hazard

__all__ = [
    "FILE_NAME",
    "CommandTable",
    "Config",
    "DatabaseTable",
    "DeclaredTable",
    "EnvironmentTable",
    "GithubTable",
    "MigrationsTable",
    "PolicyTable",
    "SmokeTable",
    "database_url",
    "environment",
    "forget_connection_defaults",
    "parse",
]

FILE_NAME = "kfm-ci.toml"


def parse(data: bytes, *, where: str, table: tuple[str, ...] = ()) -> Config:
    """Return the settings in a TOML file; raises UsageError with the place and the nearest key.

    ``table`` names the table of the file that holds them, such as ``("tool", "kfm-ci")``.
    """
    try:
        document: Any = toml.loads(data.decode("utf-8"))
    except (toml.InvalidToml, UnicodeDecodeError) as error:
        raise UsageError(
            code="KFM-U01", message=f"The file is not valid TOML: {error}.", where=where, help="Fix the file's syntax."
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
                message="A key of `[policy.severity]` is neither a rule id nor a hazard.",
                got=key,
                expected="lower-case words joined by hyphens",
                help=f"Write a rule id or one of these hazards: {', '.join(sorted(known))}.",
            )
    return config


def _explained(error: ValidationError, where: str) -> UsageError:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        names = list(_fields_at(location[:-1]))
        near = difflib.get_close_matches(location[-1], names, n=1, cutoff=0.5)
        hint = f"Write `{near[0]}`." if near else f"Use one of the known keys: {', '.join(names)}."
        return UsageError(code="KFM-U02", where=where, message=f"The key `{key}` is unknown.", help=hint)
    if location == ["migration"]:
        return UsageError(
            code="KFM-U03",
            where=where,
            message="`[migration]` is not a table.",
            expected="`[[migration]]`, once for each migration",
            help="Write `[migrations]` for settings of the whole directory.",
        )
    field = _fields_at(location[:-1]).get(location[-1])
    meaning = f"{field.description.rstrip('.')}." if field is not None and field.description else ""
    return UsageError(
        code="KFM-U03",
        where=where,
        message=f"The value of `{key}` is not valid: {first['msg'].removeprefix('Value error, ').rstrip('.')}.",
        got=_shown(first.get("input")),
        help=f"See docs/configuration.md for `{key}`: {meaning}" if meaning else "See docs/configuration.md.",
    )


def _shown(value: object) -> str:
    try:
        return json.dumps(value, default=str)[:80]
    except RecursionError:
        return f"a value of type {type(value).__name__}"


def _fields_at(location: list[str]) -> dict[str, FieldInfo]:
    """Return the fields of the table at a place, by the name they have in the file."""
    model: Any = Config
    for part in location:
        found = {field.alias or name: field for name, field in getattr(model, "model_fields", {}).items()}.get(part)
        candidates = [found.annotation, *getattr(found.annotation, "__args__", ())] if found is not None else ()
        model = next((item for item in candidates if hasattr(item, "model_fields")), model)
    return {field.alias or name: field for name, field in model.model_fields.items()}


def environment() -> Mapping[str, str]:
    """Return a copy of the process's environment."""
    return dict(os.environ)


def database_url(given: str | None) -> str | None:
    """Return the URL for engine ``service``: the option, else ``KFM_DATABASE_URL``, else None."""
    return given or os.environ.get("KFM_DATABASE_URL") or None


def forget_connection_defaults() -> None:
    """Remove libpq's variables from the environment, because they address another server than the disposable one."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
