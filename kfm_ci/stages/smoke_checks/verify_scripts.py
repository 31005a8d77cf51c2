"""Part of stage ``smoke``: the scripts by which a tool itself verifies what its migrations made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from kfm_ci.migrations import placeholders
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.postgres import assertions
from kfm_ci.postgres.session import LOST, gone
from kfm_ci.sql.script import Script
from kfm_ci.stages.run import Run

_HARMLESS = re.compile(r"^\\(?:echo|set|unset|pset|timing|x)\b[^\n]*$", re.MULTILINE)
_META = re.compile(r"^[^\S\n]*\\[a-z!]", re.MULTILINE)


def ask(run: Run, database: str) -> list[tuple[str, str | None]]:
    """Run the scripts of the new migrations; return each one's path and why the server refused it, or None."""
    return [(script.file.path, _refusal(run, database, script)) for script in _readable(run.new)]


def unread(new: Iterable[Migration]) -> list[Finding]:
    """Return a finding for each script that only psql could run."""
    return [
        Finding(
            rule="verify-script-skipped", hazard=Hazard.UNANALYSABLE, severity=Severity.WARNING, migration=item.id,
            message="this script was not run: it holds commands or variables of psql", place=Place(file=item.verify.file.path, line=1),
            help="write plain SQL, or give variables a value in [migrations.placeholders]",
        )
        for item in new if item.verify is not None and not _plain(_spoken(item.verify))
    ]  # fmt: skip


def _readable(new: Iterable[Migration]) -> list[Script]:
    scripts = [_spoken(item.verify) for item in new if item.verify is not None]
    return [script for script in scripts if _plain(script)]


def _spoken(script: Script) -> Script:
    """Leave out what psql says to nobody but its user."""
    return replace(script, text=_HARMLESS.sub("", script.text))


def _plain(script: Script) -> bool:
    return _META.search(script.text) is None and not placeholders.fill(script.text)[1]


def _refusal(run: Run, database: str, script: Script) -> str | None:
    with run.connect(database, settings={"statement_timeout": f"{run.config.smoke.timeout}s"}) as session:
        try:
            return assertions.refusal(session, script)
        except LOST as error:
            if run.server is None:
                raise
            raise gone(run.server, error) from error
