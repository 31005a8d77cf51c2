"""What GitHub's own client asked of the artifact service, recorded, and asked again by ours."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from record_trace import KEPT, TOKEN
from served import Reply, Request, served

from kfm_ci.github.artifact import Service, backend_ids

TRACE = json.loads((Path(__file__).parent / "artifact-trace.json").read_text())
"""Of @actions/artifact 6.2.1."""


@dataclass
class Replay:
    """Gives the recorded answers in their order, whatever is asked."""

    address: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def replay() -> Iterator[Replay]:
    state = Replay()

    def answer(request: Request) -> Reply:
        due = TRACE[len(state.asked)]
        headers = {name: request.headers[name] for name in KEPT if name in request.headers}
        body = json.loads(request.data) if due["answer"] else request.data
        state.asked.append({"method": request.method, "path": request.target, "headers": headers, "body": body})
        said = json.dumps(due["answer"]).replace("{address}", state.address).encode() if due["answer"] else b""
        return Reply(status=due["status"], data=said)

    with served(answer) as state.address:
        yield state


@pytest.fixture
def uploaded(replay: Replay) -> tuple[Replay, Service]:
    run, job = backend_ids(TOKEN)
    service = Service(origin=replay.address, token=TOKEN, run=run, job=job, log=io.StringIO())
    assert service.upload("receipt", b"PK") == "4242"
    return replay, service


def test_every_request_has_the_address_and_the_headers_of_the_recorded_one(uploaded: tuple[Replay, Service]) -> None:
    replay, _ = uploaded
    for ours, recorded in zip(replay.asked, TRACE, strict=True):
        assert ours["method"] == recorded["method"]
        assert _plain(ours["path"]) == _plain(recorded["path"])
        # any version of the storage's protocol that it still knows will do
        assert {**ours["headers"], "x-ms-version": ""} == {**recorded["headers"], "x-ms-version": ""}
        assert ("x-ms-version" in ours["headers"]) == ("x-ms-version" in recorded["headers"])


def test_every_message_has_the_fields_of_the_recorded_one(uploaded: tuple[Replay, Service]) -> None:
    replay, _ = uploaded
    create, _, listed, finalise = (item["body"] for item in replay.asked)
    # an older version of the message, which needs no type of content: servers of others know it too
    assert {**create, "version": 7, "mime_type": "application/zip"} == TRACE[0]["body"]
    assert finalise.keys() == TRACE[3]["body"].keys()
    assert finalise["size"] == "2" and len(finalise["hash"]) == len(TRACE[3]["body"]["hash"])
    names = [
        dict(parse_qsl(urlsplit(path).query)).get("blockid") for path in (replay.asked[1]["path"], TRACE[1]["path"])
    ]
    assert listed.decode() == TRACE[2]["body"].replace(names[1], names[0])


def test_what_signs_the_address_is_hidden_in_both_its_spellings(uploaded: tuple[Replay, Service]) -> None:
    _, service = uploaded
    assert service.log.getvalue().splitlines() == ["::add-mask::c2VjcmV0%252B", "::add-mask::c2VjcmV0+"]


def _plain(path: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a path and its parameters; blocks may be named as one likes."""
    parts = urlsplit(path)
    return parts.path, [(key, "" if key == "blockid" else value) for key, value in parse_qsl(parts.query)]
