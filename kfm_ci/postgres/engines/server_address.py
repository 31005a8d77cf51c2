"""The address of a given server, also from inside a container, where ``localhost`` is the container itself."""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.postgres import administrator

TIMEOUT_SECONDS = 10
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104
_CONTAINER_FILES = (Path("/.dockerenv"), Path("/run/.containerenv"))


def connect(url: str) -> tuple[psycopg.Connection[Any], str, str]:
    """Return a connection, its conninfo, and a description of the detour if it is not the given address.

    Raises UsageError for an invalid URL, CannotCheck if the connection fails.
    """
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError as error:
        raise UsageError(
            code="KFM-U20",
            message="The database URL is invalid; it is not shown because it may contain a password.",
            where="--database-url",
            expected="postgresql://user:password@host:5432/name",
            help="Write the URL in the expected form.",
        ) from error
    # with SQL_ASCII as client_encoding psycopg would return bytes
    given = make_conninfo(url, connect_timeout=TIMEOUT_SECONDS, client_encoding="utf8")
    host = parts.get("host", "")
    try:
        return administrator.connect(given, timeout=TIMEOUT_SECONDS), given, ""
    except psycopg.OperationalError as error:
        gateway = _gateway() if host in _LOCAL and is_in_container() else None
        if gateway is not None:
            with contextlib.suppress(psycopg.OperationalError):
                conninfo = make_conninfo(given, host=gateway)
                detour = f", through this container's gateway {gateway}, because `{host}` is the container itself"
                return administrator.connect(conninfo, timeout=TIMEOUT_SECONDS), conninfo, detour
        raise CannotCheck(
            code="KFM-C05",
            message="The connection to the given server failed.",
            where=host or "Unix socket",
            got=_reason(error),
            help=_connection_help(host, parts, _reason(error)),
        ) from error


def _connection_help(host: str, parts: dict[str, str], reason: str) -> str:
    if host in _LOCAL and is_in_container():
        return (
            f"Write the name of the service instead of `{host}`, which is this container itself: "
            f"`postgresql://{parts.get('user', 'postgres')}:…@postgres:5432/{parts.get('dbname', 'postgres')}`. "
            "Or publish its port."
        )
    if "resolve" in reason or "translate host name" in reason:
        return f"Define a service named `{host}` in this job: only services of the same job are resolved by name."
    if "refused" in reason:
        return "Add a health check to the service, so that the job waits until the server is ready."
    return "Check that the server is running and that user, password and database are correct."


def is_in_container() -> bool:
    """Whether kfm-ci runs inside a container."""
    return any(path.exists() for path in _CONTAINER_FILES)


def _gateway() -> str | None:
    """Return the host's address from this container's default route, or None."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/net/route").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] == "00000000":
                return socket.inet_ntoa(struct.pack("<L", int(fields[2], 16)))
    return None


def _reason(error: psycopg.OperationalError) -> str:
    """Return the first line of libpq's message without the address: it contains at most user and database."""
    first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return first.rpartition(" failed: ")[2].removeprefix("FATAL:").strip()[:200]
