"""Fixtures for the tools' tests: the shared histories, and a server that the tools can reach."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kfm_ci.postgres.engines.embedded import EmbeddedEngine

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def server():
    with EmbeddedEngine(for_tools=True).start() as running:
        yield running
