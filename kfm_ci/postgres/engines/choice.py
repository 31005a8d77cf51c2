"""Which engine serves a run: one line an engine."""

from __future__ import annotations

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.postgres.engines.base import Engine
from kfm_ci.postgres.engines.embedded import EmbeddedEngine
from kfm_ci.postgres.engines.service import ServiceEngine


def choose(
    kind: str, *, major: int | None, url: str | None, extensions: tuple[str, ...] = (), for_tools: bool = False
) -> Engine:  # fmt: skip
    """Return the engine asked for; ``auto`` is a given URL, else ``embedded``."""
    if kind == "service" and url is None:
        raise UsageError(
            code="KFM-U22", message="engine `service` needs a URL", help="give --database-url, or set KFM_DATABASE_URL"
        )
    if kind == "service" or (kind == "auto" and url):
        return ServiceEngine(url=url or "", major=major)
    if kind in {"auto", "embedded"}:
        return EmbeddedEngine(major=major, extensions=extensions, for_tools=for_tools)
    raise CannotCheck(
        code="KFM-C07", message=f"engine {kind!r} is not available in this version", expected="embedded or service",
        help="use --engine embedded, or start a server and give --database-url",
    )  # fmt: skip
