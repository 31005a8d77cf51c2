"""``kfm-ci doctor``: what this machine offers."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator

from kfm_ci import __version__
from kfm_ci.github import context
from kfm_ci.migrations.formats import ALL
from kfm_ci.postgres.engines import binaries


def lines() -> Iterator[str]:
    """Yield one line a fact."""
    yield f"kfm-ci     {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    found = binaries.find()
    for item in found:
        yield f"embedded   PostgreSQL {item.version} from {item.source}: {item.bindir}"
    if not found:
        yield "embedded   none: install PostgreSQL, or `pip install kfm-ci[embedded]`"
    yield f"git        {shutil.which('git') or 'not found'}"
    yield f"squawk     {shutil.which('squawk') or 'in the package'}"
    event = context.read()
    yield f"github     {event.event or 'not in a workflow'}"
    yield f"formats    {', '.join(item.name for item in ALL)}"
