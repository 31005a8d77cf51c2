"""Engine ``embedded``: a server of our own from programs on this machine, on a unix socket, in RAM where there is room."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines import binaries
from kfm_ci.postgres.engines.base import ADMIN, OWNER, Server

RAM = Path("/dev/shm")  # noqa: S108
ROOM = 512 * 1024 * 1024
READY_SECONDS = 30.0
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "40",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "client_connection_check_interval": "1s",
}
RECORD = {
    "logging_collector": "on",
    "log_destination": "stderr,csvlog",
    "log_filename": "statements.log",
    "log_file_mode": "0600",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
}
"""Settings under which the server can note what a tool sends; a database asks for it by ``log_statement``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedEngine:
    """A throwaway server from installed programs."""

    major: int | None = None
    extensions: tuple[str, ...] = ()
    """What the server must offer."""
    for_tools: bool = False
    """Whether foreign tools connect: over the loopback, with a log of what they send."""
    kind: str = "embedded"

    @contextmanager
    def start(self) -> Iterator[Server]:
        """Yield a fresh server; reaps first what killed runs left, and leaves nothing itself."""
        installation = binaries.choose(self.major, binaries.find(), self.extensions)
        root = _room()
        reap(root)
        user = _server_user()
        home = Path(tempfile.mkdtemp(prefix="kfm-pg-", dir=root))
        process: subprocess.Popen[bytes] | None = None
        try:
            data = home / "data"
            shutil.copytree(_initialised(installation, user), data, symlinks=True)
            _hand_over(home, user)
            port = _free_port() if self.for_tools else None
            process = _launch(installation, home, data, user, port)
            _record(home, process.pid)
            server = _server(installation, home, port)
            _wait(server, process, home)
            yield server
        finally:
            if process is not None:
                _stop(process)
            shutil.rmtree(home, ignore_errors=True)


def reap(root: Path) -> None:
    """End servers under ``root`` whose parent is dead, and remove their directories."""
    for home in root.glob("kfm-pg-*"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            if home.stat().st_uid not in {os.getuid(), (_server_user() or pwd.getpwuid(os.getuid())).pw_uid}:
                continue
            state = json.loads((home / "state.json").read_text())
            if _started(state["parent"]) == state["parent_started"]:
                continue
            if _started(state["server"]) == state["server_started"]:
                os.kill(state["server"], signal.SIGQUIT)
                time.sleep(0.2)
            shutil.rmtree(home, ignore_errors=True)


def _room() -> Path:
    with contextlib.suppress(OSError):
        free = os.statvfs(RAM)
        if free.f_bavail * free.f_frsize >= ROOM and os.access(RAM, os.W_OK):
            return RAM
    return Path(tempfile.gettempdir())


def _server_user() -> pwd.struct_passwd | None:
    """Return the user the server runs as; None: our own. PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise CannotCheck(
        code="KFM-C02", message="running as root, and there is no user `postgres` or `nobody` for the server",
        help="run as another user, or add one",
    )  # fmt: skip


def _identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {"user": user.pw_uid, "group": user.pw_gid} if user else {}


def _hand_over(path: Path, user: pwd.struct_passwd | None) -> None:
    if user is None:
        return
    for folder, folders, files in os.walk(path):
        for name in [*folders, *files, "."]:
            os.chown(Path(folder) / name, user.pw_uid, user.pw_gid, follow_symlinks=False)
    os.chmod(path, 0o700)


def _initialised(installation: binaries.Installation, user: pwd.struct_passwd | None) -> Path:
    """Return a data directory initialised once per version; made under a lock, in place by rename."""
    uid = os.getuid()
    cache = Path(tempfile.gettempdir()) / f"kfm-ci-cache-{uid}"
    cache.mkdir(mode=0o711, exist_ok=True)
    if cache.is_symlink() or cache.stat().st_uid != uid:
        cache = Path(tempfile.mkdtemp(prefix="kfm-ci-cache-"))
        cache.chmod(0o711)
    name = hashlib.sha256(f"{installation.bindir}{installation.version}".encode()).hexdigest()[:16]
    final = cache / f"{installation.major}-{name}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.exists():
            return final
        work = Path(tempfile.mkdtemp(prefix="initdb-", dir=cache))
        _hand_over(work, user)
        done = subprocess.run(
            [installation.bindir / "initdb", "-D", work / "data", "-U", ADMIN, "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8" if os.uname().sysname == "Linux" else "--locale=C", "--no-sync", "-k"],
            capture_output=True, text=True, check=False, env={}, cwd="/", **_identity(user),
        )  # fmt: skip
        if done.returncode:
            raise CannotCheck(
                code="KFM-C03", message=f"initdb failed: {(done.stderr.strip().splitlines() or ['no output'])[-1]}",
                where=str(installation.bindir), help="is there disk space, and a complete installation of PostgreSQL?",
            )  # fmt: skip
        (work / "data").rename(final)
        work.rmdir()
    return final


def _launch(
    installation: binaries.Installation, home: Path, data: Path, user: pwd.struct_passwd | None, port: int | None
) -> subprocess.Popen[bytes]:
    settings = {**SETTINGS, "unix_socket_directories": str(home)}
    if port is not None:
        settings |= {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            **RECORD,
            "log_directory": str(home / "record"),
        }
    if installation.major < 14:
        settings.pop("client_connection_check_interval")
    arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [installation.bindir / "postgres", "-D", data, "-k", home, *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"LC_ALL": "C.UTF-8"}, cwd="/",
            start_new_session=True, **_identity(user),
        )  # fmt: skip


def _record(home: Path, pid: int) -> None:
    parent = os.getpid()
    state = {"parent": parent, "parent_started": _started(parent), "server": pid, "server_started": _started(pid)}
    (home / "state.json").write_text(json.dumps(state))


def _started(pid: int) -> str | None:
    """Return what tells a process from a later one with its number; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        try:
            os.kill(pid, 0)
        except OSError:
            return None
        return "running"
    return None if fields[0] == "Z" else fields[19]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _server(installation: binaries.Installation, home: Path, port: int | None) -> Server:
    return Server(
        kind="embedded",
        version=installation.version,
        detail=f"PostgreSQL {installation.version} from {installation.source}",
        conninfo=f"host={home} user={ADMIN} password={secrets.token_hex(16)}" + (f" port={port}" if port else ""),
        log=home / "record" / "statements.log" if port else home / "log",
        statement_log=home / "record" / "statements.csv" if port else None,
        port=port,
        owner_password=secrets.token_hex(16),
    )


def _wait(server: Server, process: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with psycopg.connect(server.dsn("postgres", admin=True), autocommit=True) as connection:
                _lock_up(connection, server, home)
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise CannotCheck(
                    code="KFM-C04", message=f"the server did not start: {server.log_tail(2) or error}",
                    where=server.detail, help="see `kfm-ci doctor`",
                ) from error  # fmt: skip
            time.sleep(0.01)


def _lock_up(connection: psycopg.Connection[Any], server: Server, home: Path) -> None:
    """Ask for passwords from now on: whoever runs as the owner must not become administrator over the socket."""
    password = conninfo_to_dict(server.conninfo)["password"]
    connection.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(ADMIN), sql.Literal(password)))
    connection.execute(
        sql.SQL("create role {} login nosuperuser nocreatedb nocreaterole password {}").format(
            sql.Identifier(OWNER), sql.Literal(server.owner_password)
        )
    )
    tools = "host all all 127.0.0.1/32 scram-sha-256\n" if server.port else ""
    (home / "data" / "pg_hba.conf").write_text(f"local all all scram-sha-256\n{tools}")
    connection.execute("select pg_reload_conf()")
    # the reload is a signal: wait until the server reads the new file, and fail rather than stay open
    wrong = make_conninfo(server.conninfo, dbname="postgres", password="wrong")
    for _ in range(500):
        try:
            psycopg.connect(wrong).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.005)
    raise CannotCheck(code="KFM-C09", message="the server does not ask for passwords", where=server.detail)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGQUIT)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
