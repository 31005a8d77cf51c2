"""Running one smoke test: a file of assertions or a command."""

from __future__ import annotations

from pathlib import Path

from kfm_ci.migrations.tools import process
from kfm_ci.postgres import assertions
from kfm_ci.postgres.session import LOST, gone
from kfm_ci.stages.run import Run


def file_failure(run: Run, database: str, path: str, text: str) -> str | None:
    """Run every statement of a file on a database; return why one is not as expected, or None."""
    with run.connect(database, settings={"statement_timeout": f"{run.config.smoke.timeout}s"}) as session:
        try:
            return assertions.failure(session, path, text)
        except LOST as error:
            if run.server is None:
                raise
            raise gone(run.server, error) from error


def command_failure(run: Run, database: str, command: str) -> str | None:
    """Run a command with the database's URL and nothing else of our environment; return why it failed, or None."""
    smoke, server = run.config.smoke, run.server
    if server is None:
        return "there is no server"
    server.roles.enter(database)
    if smoke.image:
        # its library takes long to load
        from kfm_ci.postgres.engines import container_command

        code, said = container_command.run(server, database, image=smoke.image, command=command, timeout=smoke.timeout)
    else:
        environment = {
            "DATABASE_URL": server.url(database),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
        }
        ended = process.run(
            ("/bin/sh", "-c", command), directory=Path(), environment=environment, timeout=smoke.timeout
        )
        code, said = ended.code, ended.tail
    if code is None:
        return f"the command took longer than {smoke.timeout} s"
    if code:
        return f"the command ended with {code}: {' / '.join(said.splitlines()[-5:])[:500]}"
    return None
