"""Running one smoke test: a file of assertions or a command."""

from __future__ import annotations

from pathlib import Path

from kfm_ci.migrations.tools import process
from kfm_ci.postgres import assertions
from kfm_ci.postgres.session import CONNECTION_ERRORS, connection_error
from kfm_ci.stages.results import RunningServer


def file_failure(base: RunningServer, database: str, path: str, text: str) -> str | None:
    """Run each statement of a file on a database; return why an assertion fails, or None."""
    with base.connect(database, settings={"statement_timeout": f"{base.config.smoke.timeout}s"}) as session:
        try:
            return assertions.first_failure(session, path, text)
        except CONNECTION_ERRORS as error:
            raise connection_error(base.server, error) from error


def command_failure(base: RunningServer, database: str, command: str) -> str | None:
    """Run a command with the database's URL as its only variable of ours; return why it failed, or None."""
    smoke, server = base.config.smoke, base.server
    server.roles.switch_to(database)
    if smoke.image:
        # its library takes long to load
        from kfm_ci.postgres.engines import container_command

        code, output = container_command.run(
            server, database, image=smoke.image, command=command, timeout=smoke.timeout
        )
    else:
        environment = {
            "DATABASE_URL": server.url(database),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
        }
        ended = process.run(
            ("/bin/sh", "-c", command), directory=Path(), environment=environment, timeout=smoke.timeout
        )
        code, output = ended.code, ended.tail
    if code is None:
        return f"The command took longer than {smoke.timeout} s."
    if code:
        return f"The command exited {code}: {' / '.join(output.splitlines()[-5:])[:500]}"
    return None
