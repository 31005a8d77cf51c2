"""Engine ``embedded``: a server from installed programs, on a Unix socket, in RAM if it has enough space."""

from __future__ import annotations

import contextlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from kfm_ci import config
from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines import data_directory, data_directory_template, installations, server_processes
from kfm_ci.postgres.engines.base import ADMIN, RECORD, SETTINGS, Server

READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedEngine:
    """A throwaway server from installed programs."""

    major: int | None = None
    extensions: tuple[str, ...] = ()
    """Extensions that the server must have."""
    made: tuple[str, ...] = ()
    """Extensions that the migrations create: a server that has them is preferred."""
    installation: installations.Installation | None = None
    """Programs of the server, if already chosen."""
    for_tools: bool = False
    """Whether external tools connect over the loopback, so that the server log records their SQL."""
    kind: str = "embedded"

    @contextmanager
    def start(self) -> Iterator[Server]:
        """Yield a new server and remove it at the end; stop the servers of killed runs first."""
        installation = self.installation or installations.choose(
            self.major, installations.find(), self.extensions, made=self.made
        )
        user = server_processes.server_user()
        config.forget_connection_defaults()
        with data_directory.claim() as place:
            with _disk_errors():
                data_directory_template.change_owner(place, user)
                installation = data_directory_template.runnable(installation, user, place)
                data_directory_template.data_directory(installation, user, place / "data")
                port = _free_port() if self.for_tools else None
                running = _launch(installation, place, user, port)
            try:
                server = _server(installation, place, port)
                _wait(server, running, place)
                yield server
            finally:
                _stop(running)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Raise CannotCheck for files that cannot be written."""
    try:
        yield
    except OSError as error:
        # shutil.Error is a list of errors without errno
        first = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise CannotCheck(
            code="KFM-C27",
            message=f"The server's files cannot be written: {first}.",
            where=error.filename,
            help="Free disk space, or set TMPDIR to a directory with free space.",
        ) from error


def _launch(
    installation: installations.Installation, home: Path, user: pwd.struct_passwd | None, port: int | None
) -> subprocess.Popen[bytes]:
    settings = {**SETTINGS, "listen_addresses": "", "unix_socket_directories": str(home)}
    if installation.major >= 14:
        settings["client_connection_check_interval"] = "1s"
    if port is not None:
        settings |= {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            **RECORD,
            "log_directory": str(home / "record"),
        }
    arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [installation.bindir / "postgres", "-D", home / "data", "-k", home, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"LC_ALL": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
            **server_processes.popen_identity(user),
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _server(installation: installations.Installation, home: Path, port: int | None) -> Server:
    return Server(
        kind="embedded",
        version=installation.version,
        detail=f"PostgreSQL {installation.version} from {installation.source}",
        conninfo=f"host={home} user={ADMIN} password={secrets.token_hex(16)}" + (f" port={port}" if port else ""),
        log=home / "record" / "statements.log" if port else home / "log",
        port=port,
        owner_password=secrets.token_hex(16),
    )


def _wait(server: Server, running: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with server.connect_as_administrator("postgres") as connection:
                _require_passwords(connection, server, home)
            return
        except psycopg.OperationalError as error:
            if running.poll() is not None or time.monotonic() > deadline:
                raise CannotCheck(
                    code="KFM-C04",
                    message=f"The server did not start: {server.log_tail(2) or error}",
                    where=server.detail,
                    help="Run `kfm-ci doctor` to list the available servers.",
                ) from error
            time.sleep(0.01)


def _require_passwords(connection: psycopg.Connection[Any], server: Server, home: Path) -> None:
    """Require passwords: a migration as the owner must not connect as administrator over the socket."""
    server.set_passwords(connection)
    tools = "host all all 127.0.0.1/32 scram-sha-256\n" if server.port else ""
    (home / "data" / "pg_hba.conf").write_text(f"local all all scram-sha-256\n{tools}")
    connection.execute("select pg_reload_conf()")
    # the reload is asynchronous: wait until the server uses the new file, or fail
    wrong = make_conninfo(server.conninfo, dbname="postgres", password="wrong")
    for _ in range(500):
        try:
            psycopg.connect(wrong).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.005)
    raise CannotCheck(
        code="KFM-C09",
        message="The server accepts connections without a password.",
        where=server.detail,
        help="Run again, or use another engine with `--engine`.",
    )


def _stop(running: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        running.send_signal(signal.SIGQUIT)
    try:
        running.wait(timeout=server_processes.PATIENCE)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
