"""Part of stage ``smoke``: the verify scripts of the migration tool."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from kfm_ci.migrations import placeholders
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Place
from kfm_ci.postgres import assertions
from kfm_ci.postgres.session import CONNECTION_ERRORS, connection_error
from kfm_ci.rules.server.external_tool import VERIFY_SCRIPT_SKIPPED
from kfm_ci.sql.script import Script
from kfm_ci.stages.results import Provisioned

_HARMLESS = re.compile(r"^\\(?:echo|set|unset|pset|timing|x)\b[^\n]*$", re.MULTILINE)
_META = re.compile(r"^[^\S\n]*\\[a-z!]", re.MULTILINE)


def run_scripts(base: Provisioned, database: str) -> list[tuple[str, str | None]]:
    """Run the verify scripts of the new migrations; return each path with PostgreSQL's error, or None."""
    return [(script.file.path, _failure(base, database, script)) for script in _readable(base.new)]


def check_skipped(new: Iterable[Migration]) -> list[Finding]:
    """Return a finding for each verify script that only psql can run."""
    return [
        VERIFY_SCRIPT_SKIPPED.finding(
            "The verify script was not run: it contains psql commands or variables.",
            help="Write plain SQL, or set the variables in `[migrations.placeholders]`.",
            place=Place(file=item.verify.file.path, line=1),
            migration=item.id,
        )
        for item in new
        if item.verify is not None and not _is_plain(_without_output(item.verify))
    ]


def _readable(new: Iterable[Migration]) -> list[Script]:
    scripts = [_without_output(item.verify) for item in new if item.verify is not None]
    return [script for script in scripts if _is_plain(script)]


def _without_output(script: Script) -> Script:
    """Return the script without psql commands that only format output."""
    return replace(script, text=_HARMLESS.sub("", script.text))


def _is_plain(script: Script) -> bool:
    return _META.search(script.text) is None and not placeholders.fill(script.text)[1]


def _failure(base: Provisioned, database: str, script: Script) -> str | None:
    with base.connect(database, settings={"statement_timeout": f"{base.config.smoke.timeout}s"}) as session:
        try:
            return assertions.first_error(session, script)
        except CONNECTION_ERRORS as error:
            raise connection_error(base.server, error) from error
