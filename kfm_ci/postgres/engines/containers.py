"""Containers of kfm-ci: the daemon, kfm-ci's own container, and the removal of abandoned containers."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.context import ContextAPI
from docker.errors import DockerException, NotFound
from docker.models.containers import Container

from kfm_ci import config
from kfm_ci.errors import CannotCheck

OWNER_LABEL = "io.github.kfm-ci.owner"
"""Label of every container and network: host name, process id and start time, which show whether the owner lives."""
LIMITS: dict[str, Any] = {
    "mem_limit": "4g",
    "pids_limit": 512,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
}
"""Limits for a hostile migration or smoke test: memory and processes, without privileges."""
_RUNNER_LABEL = re.compile(r"[0-9a-f]{6}")
"""Label of GitHub's runner: before its next job it removes the containers with its label."""
_HOSTNAME_FILE = re.compile(r"/containers/([0-9a-f]{64})/hostname /etc/hostname ")


@contextmanager
def daemon(*, asked_by: str = "engine docker", instead: str = "use --engine embedded") -> Iterator[docker.DockerClient]:
    """Yield a client of the daemon that the `docker` command uses; raises CannotCheck if none is reachable."""
    try:
        client = _client()
    except DockerException as error:
        raise CannotCheck(
            code="KFM-C50",
            message="No container engine is reachable.",
            where=asked_by,
            got=_reason(error),
            help=f"Start Docker, or {instead}. On a self-hosted runner, give the job access to the Docker socket.",
        ) from error
    with contextlib.closing(client):
        yield client


def is_reachable() -> bool:
    """Whether a container engine is reachable."""
    try:
        with daemon():
            return True
    except CannotCheck:
        return False


def _client() -> docker.DockerClient:
    if "DOCKER_HOST" not in config.environment():
        # Docker Desktop, colima and rootless Docker set a context, which the Python library ignores
        with contextlib.suppress(DockerException, OSError, ValueError):
            chosen = ContextAPI.get_current_context()
            if chosen is not None and chosen.name != "default" and chosen.Host:
                return docker.DockerClient(base_url=chosen.Host, tls=chosen.TLSConfig or False)
    return docker.from_env()


def own_container(client: docker.DockerClient) -> Container | None:
    """Return the container whose network kfm-ci uses; None if it runs on the daemon's host."""
    try:
        found = client.containers.get(_own_id())
        for _ in range(3):
            mode = str(found.attrs["HostConfig"]["NetworkMode"])
            if not mode.startswith("container:"):
                return None if mode == "host" else found
            found = client.containers.get(mode.removeprefix("container:"))
    except NotFound:
        return None
    return found


def _own_id() -> str:
    """Return the id of kfm-ci's own container, or an id that no container has; the default host name is the id."""
    with contextlib.suppress(OSError):
        known = _HOSTNAME_FILE.search(Path("/proc/self/mountinfo").read_text())
        if known:
            return known[1]
    name = socket.gethostname()
    return name if re.fullmatch(r"[0-9a-f]{12}", name) else "0" * 64


def labels(own: Container | None) -> dict[str, str]:
    """Return the labels of kfm-ci's containers and networks, with those of a GitHub runner that started kfm-ci."""
    runner = {key: value for key, value in (own.labels if own else {}).items() if _RUNNER_LABEL.fullmatch(key)}
    return {**runner, OWNER_LABEL: owner()}


def owner() -> str:
    """Return the value of ``OWNER_LABEL`` for this process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start_time(os.getpid())}"


def remove_abandoned(client: docker.DockerClient, *, host: str | None = None) -> int:
    """Remove containers and networks of ended owners and of ``host``; return the number of containers."""
    count = 0
    for container in client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True):
        if _is_abandoned(client, container.labels[OWNER_LABEL], host):
            remove(container)
            count += 1
    for network in client.networks.list(filters={"label": OWNER_LABEL}, greedy=True):
        if _is_abandoned(client, network.attrs["Labels"][OWNER_LABEL], host):
            with contextlib.suppress(DockerException):
                for member in network.containers:
                    network.disconnect(member, force=True)
                network.remove()
    return count


def remove(container: Container) -> None:
    """Remove a container with its volumes, running or not, if it exists."""
    with contextlib.suppress(NotFound):
        container.remove(force=True, v=True)


def _is_abandoned(client: docker.DockerClient, named: str, host: str | None) -> bool:
    """Whether an owner is known to have ended; False for processes of another machine."""
    name, _, process = named.partition(":")
    pid, _, started = process.partition(":")
    if name == host:
        return True
    if name == socket.gethostname() and pid.isdecimal():
        return _start_time(int(pid)) != started
    if re.fullmatch(r"[0-9a-f]{12}", name):
        try:
            return str(client.containers.get(name).status) not in {"running", "paused", "created"}
        except NotFound:
            return True
    return False


def _start_time(pid: int) -> str:
    """Return the start time of a process in kernel ticks, ``gone`` if it ended, ``lives`` without a ``/proc``."""
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        except (OSError, IndexError):
            return "gone"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass
    return "lives"


def _reason(error: Exception) -> str:
    """Return the innermost cause in one short line: the library wraps a socket error four times."""
    while error.__cause__ or error.__context__:
        inner = error.__cause__ or error.__context__
        if not isinstance(inner, Exception):
            break
        error = inner
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
