"""A GitHub on this machine, and a run to publish there."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from evidence_samples import dangerous
from local_github import GitHub, Make, running

from kfm_ci.evidence.model import Evidence
from kfm_ci.github import api
from kfm_ci.github.action_inputs import Inputs
from kfm_ci.github.context import Context
from kfm_ci.github.publication import Credentials, PublicationContext


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    monkeypatch.setattr(api, "PAUSE_SECONDS", 0.001)
    with running() as state:
        yield state
        assert state.wrong == []


@pytest.fixture
def publication(github: GitHub, tmp_path: Path) -> Make:
    def make(
        evidence: Evidence | None = None, token: str | None = "secret-token", labels: bool = False, **given: Any
    ) -> PublicationContext:
        names = {"pull", "fork", "workflow", "job", "event", "sha", "ref", "head_sha"}
        context = {
            "pull": 7,
            "workflow": "migrations",
            "job": "gate",
            "event": "pull_request",
            "sha": "a" * 40,
            "ref": "refs/pull/7/merge",
            "head_sha": "b" * 40,
            **{k: v for k, v in given.items() if k in names},
        }
        inputs = {"comment": "auto", **{k: v for k, v in given.items() if k not in names}}
        return PublicationContext(
            context=Context(
                repository="acme/shop",
                api_url=github.url,
                summary_file=tmp_path / "summary",
                output_file=tmp_path / "output",
                workspace=tmp_path,
                **context,
            ),
            inputs=Inputs(**inputs),
            credentials=Credentials(token=token),
            evidence=evidence or dangerous(),
            out=tmp_path / "kfm-ci-out",
            log=io.StringIO(),
            labels=labels,
        )

    return make
