"""``kfm-ci stats``: table sizes and activity of a database, for `[database] statistics`."""

from __future__ import annotations

from pathlib import Path

from kfm_ci import config
from kfm_ci.cli import subject
from kfm_ci.clock import SystemClock
from kfm_ci.errors import UsageError
from kfm_ci.evidence.table_statistics import model, query


def write(directory: Path, *, environment: str, to: Path | None, config_file: str | None) -> str:
    """Read the statistics of the environment's database and return the file's text, also written to ``to``."""
    environments = subject.settings_of(directory, config_file).environments
    if environment not in environments:
        raise UsageError(
            code="KFM-U82",
            message="The environment does not exist.",
            where="--environment",
            got=environment,
            expected=" | ".join(sorted(environments)) or "a table [environments.NAME] in kfm-ci.toml",
            help=f"Write `[environments.{environment}]` with `database-url-env` to kfm-ci.toml.",
        )
    variable = environments[environment].database_url_env
    url = config.environment().get(variable)
    if not url:
        raise UsageError(
            code="KFM-U83",
            message="The variable with the database's URL is not set.",
            where=variable,
            expected="postgresql://…",
            help="Set it, or name another one in `database-url-env`.",
        )
    text = model.dumps(query.read(url, environment=environment, now=SystemClock().now()))
    if to is not None:
        try:
            to.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(
                code="KFM-U84",
                message=f"The file cannot be written: {error.strerror}.",
                where=str(to),
                help="Name a file in an existing directory.",
            ) from error
    return text
