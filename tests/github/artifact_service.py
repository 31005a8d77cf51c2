"""An artifact service of our own: GitHub's messages, and a storage that takes blocks."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from served import Reply, Request, served

FIELDS = {
    "CreateArtifact": {"workflow_run_backend_id", "workflow_job_run_backend_id", "name", "version"},
    "FinalizeArtifact": {"workflow_run_backend_id", "workflow_job_run_backend_id", "name", "size", "hash"},
}


def token(scope: str = "Actions.ExampleScope Actions.Results:ce7f-run:ca39-job") -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"scp": scope}).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


class ArtifactService:
    """Takes blocks apart and puts them together again; keeps the order of everything asked."""

    def __init__(self) -> None:
        self.blocks: dict[str, bytes] = {}
        self.blob = b""
        self.names: set[str] = set()
        self.trace: list[str] = []
        self.answers: list[tuple[str, int, dict[str, Any]]] = []
        self.camel = False
        self.address = ""

    def answer(self, request: Request) -> Reply:
        posted = request.method == "POST"
        step = request.path.rpartition("/")[2] if posted else request.query["comp"][0]
        self.trace.append(step)
        due = next((item for item in self.answers if item[0] == step), None)
        if due:
            self.answers.remove(due)
            return _json(due[1], due[2])
        if posted:
            assert request.headers["Authorization"] == f"Bearer {token()}"
            return _json(*self._twirp(step, json.loads(request.data)))
        assert "Authorization" not in request.headers and request.headers["x-ms-version"]
        self._store(request.query, request.data)
        return _json(201, {})

    def _twirp(self, method: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert sent.keys() == FIELDS[method]
        assert (sent["workflow_run_backend_id"], sent["workflow_job_run_backend_id"]) == ("ce7f-run", "ca39-job")
        if method == "CreateArtifact":
            assert sent["version"] == 4
            if sent["name"] in self.names:
                return 409, {"code": "already_exists", "msg": "an artifact with this name already exists"}
            self.names.add(sent["name"])
            return 200, {
                "ok": True,
                "signedUploadUrl" if self.camel else "signed_upload_url": f"{self.address}/blob?sig=SECRET%2B",
            }
        assert sent["size"] == str(len(self.blob))
        assert sent["hash"] == f"sha256:{hashlib.sha256(self.blob).hexdigest()}"
        return 200, {"ok": True, "artifactId" if self.camel else "artifact_id": "4242"}

    def _store(self, query: dict[str, list[str]], data: bytes) -> None:
        if query["comp"] == ["block"]:
            self.blocks[query["blockid"][0]] = data
        else:
            self.blob = b"".join(self.blocks[name] for name in re.findall("<Latest>(.*?)</Latest>", data.decode()))


@contextmanager
def keeping(address: str = "127.0.0.1") -> Iterator[ArtifactService]:
    """Serve."""
    state = ArtifactService()
    with served(state.answer, address) as state.address:
        yield state


def _json(status: int, value: dict[str, Any]) -> Reply:
    return Reply(status=status, data=json.dumps(value).encode())
