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
    without = "remove `image` from [smoke] to run the command without a container"
    with (
        containers.daemon(asked_by=f"{SETTING} {image}", instead=without) as client,
        images.explained(image, setting=SETTING),
    ):
        containers.reap(client)
        images.pull(client, image, setting=SETTING)
        return _run(client, server, database, image, command, timeout)


def _run(
    client: docker.DockerClient, server: Server, database: str, image: str, command: str, timeout: float
) -> tuple[int | None, str]:
    ours = containers.ourselves(client)
    place, host, port = _place(server, ours)
    container = client.containers.create(
        image,
        [command],
        entrypoint=["/bin/sh", "-c"],
        environment={"DATABASE_URL": server.tcp_url(database, host, port)},
        labels=containers.labels(ours),
        **place,
        **containers.LIMITS,
    )
    try:
        container.start()
        code = _await(container, timeout)
        return code, container.logs(tail=LINES).decode("utf-8", "replace").strip()
    finally:
        containers.remove(container)


def _place(server: Server, ours: Container | None) -> tuple[dict[str, Any], str, str]:
    """Return the network options of the container, and the server's host and port in that network."""
    if server.network is not None:
        return {"network": server.network}, server.alias, "5432"
    shared = {"network_mode": f"container:{ours.id}" if ours is not None else "host"}
    return shared, *server.tcp_address


def _await(container: Container, timeout: float) -> int | None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        container.reload()
        if container.status in {"exited", "dead"}:
            return int(container.attrs["State"]["ExitCode"])
        time.sleep(_POLL_SECONDS)
    return None
