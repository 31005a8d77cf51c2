"""Container images: pulling with retries, and errors of the container engine."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from kfm_ci.errors import CannotCheck

PULLS = 3
PAUSE_SECONDS = 3.0
"""Pause before the second pull; it doubles before the third."""
DATABASE = "[database] image"


@contextmanager
def translate_errors(image: str, *, setting: str = DATABASE) -> Iterator[None]:
    """Raise the daemon's errors as CannotCheck; they contain no password."""
    try:
        yield
    except DockerException as error:
        reason = error.explanation if isinstance(error, APIError) else str(error)
        raise CannotCheck(
            code="KFM-C52",
            message=f"The container engine returned an error: {str(reason or error).splitlines()[0][:300]}.",
            where=f"{setting} {image}",
            help="Read the log of the container engine.",
        ) from error


def pull(client: docker.DockerClient, image: str, *, setting: str = DATABASE) -> None:
    """Pull an image unless it is present; raises CannotCheck if that fails."""
    with contextlib.suppress(ImageNotFound):
        client.images.get(image)
        return
    for attempt in range(1, PULLS + 1):
        try:
            client.images.pull(image)
        except (DockerException, OSError) as error:
            missing = isinstance(error, NotFound)
            if attempt < PULLS and not missing:
                time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
                continue
            reason = error.explanation if isinstance(error, APIError) else str(error)
            raise CannotCheck(
                code="KFM-C51",
                message="The image cannot be pulled" + ("." if missing else f", tried {PULLS} times."),
                where=f"{setting} {image}",
                got=str(reason).splitlines()[0][:300],
                help="Check the image name and the machine's access to the registry. "
                f"Run `docker login` before the gate, or name another image with `{setting}`.",
            ) from error
        else:
            return
