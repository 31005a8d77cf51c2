"""Real servers for the tests: one a session for each major version at hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from kfm_ci.postgres.engines import binaries
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.engines.embedded import EmbeddedEngine

MAJORS = sorted({item.major for item in binaries.find()})
_numbers = itertools.count()


@pytest.fixture(scope="session", params=MAJORS, ids=lambda major: f"pg{major}")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A running server of each version on this machine."""
    with EmbeddedEngine(major=request.param).start() as running:
        yield running


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """An empty database; the conninfo connects as administrator."""
    name = server.create_database(f"test_{next(_numbers)}")
    yield server.dsn(name, admin=True)
    server.drop_database(name)
