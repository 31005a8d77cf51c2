"""A command in its own container, with access to the database and to nothing else of kfm-ci."""

from __future__ import annotations

import time
from typing import Any

import docker
from docker.models.containers import Container

from kfm_ci.postgres.engines import containers, images
from kfm_ci.postgres.engines.base import Server

SETTING = "[smoke] image"
LINES = 5
"""Last lines of the command's output that are returned."""
_POLL_SECONDS = 0.05


def run(server: Server, database: str, *, image: str, command: str, timeout: float) -> tuple[int | None, str]:
    """Return the exit code of a shell command, None after the timeout, and the last lines of its output.

    Nothing of the repository is mounted, so the image must contain all files. Raises CannotCheck if there is no
    container engine, no image, or no shell in it.
    """
    without = "remove `image` from `[smoke]` to run the command without a container"
    with (
        containers.daemon(asked_by=f"{SETTING} {image}", instead=without) as client,
        images.translate_errors(image, setting=SETTING),
    ):
        containers.remove_abandoned(client)
        images.pull(client, image, setting=SETTING)
        return _run(client, server, database, image, command, timeout)


def _run(
    client: docker.DockerClient, server: Server, database: str, image: str, command: str, timeout: float
) -> tuple[int | None, str]:
    own = containers.own_container(client)
    options, host, port = _network_options(server, own)
    container = client.containers.create(
        image,
        [command],
        entrypoint=["/bin/sh", "-c"],
        environment={"DATABASE_URL": server.tcp_url(database, host, port)},
        labels=containers.labels(own),
        **options,
        **containers.LIMITS,
    )
    try:
        container.start()
        code = _wait(container, timeout)
        return code, container.logs(tail=LINES).decode("utf-8", "replace").strip()
    finally:
        containers.remove(container)


def _network_options(server: Server, own: Container | None) -> tuple[dict[str, Any], str, str]:
    """Return the network options of the container, and the server's host and port in that network."""
    if server.network is not None:
        return {"network": server.network}, server.alias, "5432"
    shared = {"network_mode": f"container:{own.id}" if own is not None else "host"}
    return shared, *server.tcp_address


def _wait(container: Container, timeout: float) -> int | None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        container.reload()
        if container.status in {"exited", "dead"}:
            return int(container.attrs["State"]["ExitCode"])
        time.sleep(_POLL_SECONDS)
    return None
