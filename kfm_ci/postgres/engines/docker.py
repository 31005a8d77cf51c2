"""Engine ``docker``: a server in its own container, on a network with kfm-ci as the only other member."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import psycopg
from docker.errors import DockerException
from docker.models.containers import Container
from docker.models.networks import Network
from psycopg.conninfo import make_conninfo

from kfm_ci import config
from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines import containers, images
from kfm_ci.postgres.engines.base import ADMIN, RECORD, SETTINGS, Server

DEFAULT_MAJOR = 17
READY_SECONDS = 60.0
DATA = "/kfm-ci"
SERVER_OPTIONS: dict[str, Any] = {
    "shm_size": "256m",
    "tmpfs": {DATA: "rw,size=3g,mode=1777"},
    # needed by the official image to switch from root to the user postgres
    "cap_add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
}
"""Options of the server's container in addition to the limits of all containers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerEngine:
    """A throwaway server from the official image, or one with the same environment variables."""

    major: int | None = None
    image: str | None = None
    """Image to use instead of the official one of the requested version."""
    for_tools: bool = False
    """Whether external tools connect, so that the server log records their SQL."""
    kind: str = "docker"

    @contextmanager
    def start(self) -> Iterator[Server]:
        """Yield a new server and remove it at the end; remove the containers of killed runs first."""
        image = self.image or f"postgres:{self.major or DEFAULT_MAJOR}"
        config.forget_connection_defaults()
        with ExitStack() as resources:
            client = resources.enter_context(containers.daemon())
            resources.enter_context(images.translate_errors(image))
            containers.remove_abandoned(client)
            images.pull(client, image)
            own = containers.own_container(client)
            name, password = f"kfm-ci-{secrets.token_hex(4)}", secrets.token_hex(16)
            network = resources.enter_context(_network(client, own, name))
            settings = {**SETTINGS, "listen_addresses": "*"} | (RECORD if self.for_tools else {})
            container = resources.enter_context(_container(client, image, name, password, network, own, settings))
            log = resources.enter_context(_copied_log(container, collected=self.for_tools))
            conninfo = make_conninfo(user=ADMIN, password=password, **_address(container, name, own), connect_timeout=5)
            version = _wait(conninfo, container, image)
            server = Server(
                kind=self.kind,
                version=version,
                detail=f"PostgreSQL {version} from image {image}",
                conninfo=conninfo,
                owner_password=secrets.token_hex(16),
                log=log,
                network=network.name,
                alias=name,
            )
            if self.major is not None and server.major != self.major:
                raise CannotCheck(
                    code="KFM-C01",
                    message=f"Image `{image}` has another major version of PostgreSQL.",
                    expected=str(self.major),
                    got=version,
                    help="Change `postgres-version` or `[database] image`.",
                )
            with server.connect_as_administrator() as administrator:
                server.set_passwords(administrator)
            yield server


@contextmanager
def _network(client: docker.DockerClient, own: Container | None, name: str) -> Iterator[Network]:
    """Yield a new network: internal if kfm-ci joins it, with a published port if kfm-ci runs on the host."""
    network = client.networks.create(name, driver="bridge", internal=own is not None, labels=containers.labels(own))
    try:
        if own is not None:
            network.connect(own)
        yield network
    finally:
        with contextlib.suppress(DockerException):
            if own is not None:
                network.disconnect(own, force=True)
        with contextlib.suppress(DockerException):
            network.remove()


@contextmanager
def _container(
    client: docker.DockerClient,
    image: str,
    name: str,
    password: str,
    network: Network,
    own: Container | None,
    settings: Mapping[str, str],
) -> Iterator[Container]:
    container = client.containers.create(
        image,
        [part for key, value in settings.items() for part in ("-c", f"{key}={value}")],
        name=name,
        hostname=name,
        network=network.name,
        labels=containers.labels(own),
        environment={
            "POSTGRES_USER": ADMIN,
            "POSTGRES_PASSWORD": password,
            "POSTGRES_DB": "postgres",
            "PGDATA": f"{DATA}/data",
            "POSTGRES_INITDB_ARGS": "--encoding=UTF8 --locale=C.UTF-8 --no-sync --data-checksums "
            "--auth-local=scram-sha-256 --auth-host=scram-sha-256",
        },
        ports={} if own is not None else {"5432/tcp": ("127.0.0.1", None)},
        **containers.LIMITS,
        **SERVER_OPTIONS,
    )
    try:
        container.start()
        container.reload()
        yield container
    finally:
        containers.remove(container)


@contextmanager
def _copied_log(container: Container, *, collected: bool) -> Iterator[Path]:
    """Yield a file to which the server's log is copied while the container runs.

    ``collected``: whether the logging collector writes the log to a file in the container.
    """
    with tempfile.TemporaryDirectory(prefix="kfm-ci-log-") as folder:
        path = Path(folder) / "log"
        path.touch()
        log = f"{DATA}/data/log/{RECORD['log_filename']}"
        stream = (
            container.exec_run(["tail", "-n", "+1", "-F", log], stream=True).output
            if collected
            else container.logs(stream=True, follow=True)
        )
        writer = threading.Thread(target=_copy, args=(stream, path), daemon=True)
        writer.start()
        try:
            yield path
        finally:
            containers.remove(container)
            writer.join(timeout=5)


def _copy(stream: Any, path: Path) -> None:
    with contextlib.suppress(DockerException, OSError, ValueError), path.open("ab", buffering=0) as file:
        for part in stream:
            file.write(part)


def _address(container: Container, name: str, own: Container | None) -> dict[str, str]:
    if own is not None:
        return {"host": name, "port": "5432"}
    published = container.ports["5432/tcp"][0]
    return {"host": str(published["HostIp"]), "port": str(published["HostPort"])}


def _wait(conninfo: str, container: Container, image: str) -> str:
    """Return the server's version once it accepts connections; raises CannotCheck with the container's log."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with psycopg.connect(conninfo, dbname="postgres") as connection:
                return str(connection.info.parameter_status("server_version") or "0").split()[0]
        except psycopg.OperationalError as error:
            container.reload()
            if container.status != "running" or time.monotonic() > deadline:
                log = container.logs(tail=4).decode("utf-8", "replace").strip()
                raise CannotCheck(
                    code="KFM-C53",
                    message=f"The server of image `{image}` did not start.",
                    where=f"container {container.status}",
                    got=" | ".join(line.strip() for line in log.splitlines()) or str(error).strip().splitlines()[-1],
                    help="Use an image that reads POSTGRES_USER, POSTGRES_PASSWORD and PGDATA like the official image.",
                ) from error
            time.sleep(0.05)
