"""Assertions of a smoke test: SQL whose answers must be as expected, and a command that must end well."""

from __future__ import annotations

import re
import signal
import subprocess
from contextlib import suppress
from os import killpg

import psycopg

from kfm_ci.migrations import statements
from kfm_ci.postgres import session
from kfm_ci.stages.base import Run

FAILS_IF_ROWS = ".fails-if-rows.sql"
_TAP = re.compile(r"^(not ok|ok)\b(.*)", re.IGNORECASE)


def failure(run: Run, database: str, path: str, text: str) -> str | None:
    """Run every statement of a file; return why one is not as expected, or None."""
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


def command_failure(run: Run, database: str, command: str) -> str | None:
    """Run a command with the database's URL; return why it failed, or None."""
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
