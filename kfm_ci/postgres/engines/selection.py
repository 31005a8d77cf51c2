"""The choice of an engine."""

from __future__ import annotations

from dataclasses import replace

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.postgres.engines import installations
from kfm_ci.postgres.engines.base import Engine
from kfm_ci.postgres.engines.embedded import EmbeddedEngine
from kfm_ci.postgres.engines.service import ServiceEngine


def choose(
    kind: str,
    *,
    major: int | None,
    url: str | None,
    extensions: tuple[str, ...] = (),
    made: tuple[str, ...] = (),
    image: str | None = None,
    for_tools: bool = False,
) -> Engine:
    """Return the requested engine; ``auto`` is a given URL, else a fitting ``embedded`` server, else ``docker``."""
    if kind == "service" and url is None:
        raise UsageError(
            code="KFM-U22",
            message="Engine `service` has no database URL.",
            help="Pass `--database-url`, or set KFM_DATABASE_URL.",
        )
    embedded = EmbeddedEngine(major=major, extensions=extensions, made=made, for_tools=for_tools)
    match kind:
        case "service":
            return ServiceEngine(url=url or "", major=major)
        case "embedded":
            return embedded
        case "docker":
            return _docker(major, image, for_tools)
        case _:
            return ServiceEngine(url=url, major=major) if url else _embedded_or_docker(embedded, image)


def _embedded_or_docker(embedded: EmbeddedEngine, image: str | None) -> Engine:
    try:
        installation = installations.choose(
            embedded.major, installations.find(), embedded.extensions, made=embedded.made
        )
    except CannotCheck as missing:
        from kfm_ci.postgres.engines import containers

        if containers.is_reachable():
            return _docker(embedded.major, image, embedded.for_tools)
        raise replace(missing, help=f"{missing.help} Or start Docker: no container engine is reachable.") from None
    return replace(embedded, installation=installation)


def _docker(major: int | None, image: str | None, for_tools: bool) -> Engine:
    # imported late: the docker library takes longer to load than an embedded server to start
    from kfm_ci.postgres.engines.docker import DockerEngine

    return DockerEngine(major=major, image=image, for_tools=for_tools)
