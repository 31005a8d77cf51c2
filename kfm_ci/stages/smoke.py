"""Stage ``smoke``: SQL assertions and the application's own command, on the changed schema."""

from __future__ import annotations

import re
import signal
import subprocess
from contextlib import suppress
from os import killpg
from pathlib import PurePosixPath

import psycopg

from kfm_ci.evidence.model import SmokeEvidence
from kfm_ci.migrations import statements
from kfm_ci.migrations.files import Unreadable
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.postgres import session
from kfm_ci.stages.base import Failed, Run, Skip

FAILS_IF_ROWS = ".fails-if-rows.sql"
_TAP = re.compile(r"^(not ok|ok)\b(.*)", re.IGNORECASE)


class Smoke:
    """Asks whether what must work still works."""

    name = "smoke"

    def run(self, run: Run) -> str | None:
        """Run every assertion on a clone; fails when one does."""
        if not run.smoke_files and not run.config.smoke.command:
            raise Skip("no smoke tests are configured: [smoke] sql or command")
        if run.server is None or run.database is None or run.status("apply") != "passed":
            raise Skip("the new migrations were not applied")
        name = run.server.create_database("smoke", template=run.database)
        for path in run.smoke_files:
            message = self._file(run, name, path)
            run.smoke.append(SmokeEvidence(name=path, passed=message is None, message=message))
            if message:
                run.findings.append(_finding(path, message))
        if run.config.smoke.command:
            message = self._command(run, name, run.config.smoke.command)
            run.smoke.append(SmokeEvidence(name="command", passed=message is None, message=message))
            if message:
                run.findings.append(_finding(None, message))
        failed = [item for item in run.smoke if not item.passed]
        if failed:
            raise Failed(f"{len(failed)} of {len(run.smoke)} failed")
        return f"{len(run.smoke)} passed"

    def _file(self, run: Run, database: str, path: str) -> str | None:
        try:
            text = run.change.tree.read(path).decode("utf-8")
        except (Unreadable, UnicodeDecodeError) as error:
            return f"cannot be read: {error}"
        with run.connect(database) as connection:
            connection.execute("select set_config('statement_timeout', %s, false)", [f"{run.config.smoke.timeout}s"])
            for part in statements.split(text):
                try:
                    cursor = connection.execute(part.text)
                    rows = cursor.fetchall() if cursor.description else []
                except psycopg.Error as error:
                    if connection.closed:
                        raise session.gone(run.server, error) from error  # type: ignore[arg-type]
                    return f"line {part.line}: {error.diag.sqlstate}: {error.diag.message_primary or error}"
                if path.endswith(FAILS_IF_ROWS) and rows:
                    return f"line {part.line}: expected no rows, got {len(rows)}"
                for row in rows:
                    if row and row[0] is False:
                        return f"line {part.line}: expected true, got false"
                    tap = _TAP.match(row[0]) if row and isinstance(row[0], str) else None
                    if tap and tap[1].lower() == "not ok":
                        return f"line {part.line}: {row[0].splitlines()[0][:200]}"
        return None

    def _command(self, run: Run, database: str, command: str) -> str | None:
        dsn = run.server.dsn(database) if run.server else ""
        parts = psycopg.conninfo.conninfo_to_dict(dsn)
        url = f"postgresql:///{database}?host={parts.get('host', '')}&user={parts.get('user', '')}"
        if parts.get("password"):
            url += f"&password={parts['password']}"
        if parts.get("port"):
            url += f"&port={parts['port']}"
        process = subprocess.Popen(
            ["/bin/sh", "-c", command], env={"DATABASE_URL": url, "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=run.config.smoke.timeout)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return f"the command took longer than {run.config.smoke.timeout} s"
        if process.returncode:
            tail = output.decode("utf-8", "replace").strip().splitlines()[-5:]
            return f"the command ended with {process.returncode}: {' / '.join(tail)[:500]}"
        return None


def matching(paths: tuple[str, ...], globs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths that one of the globs names, sorted."""
    return tuple(sorted(path for path in paths if any(PurePosixPath(path).match(glob) for glob in globs)))


def _finding(path: str | None, message: str) -> Finding:
    return Finding(rule="smoke-failed", hazard=Hazard.SMOKE, severity=Severity.ERROR, message=message,
                   help="mend the migration or the assertion", place=Place(file=path, line=1 if path else None))  # fmt: skip
