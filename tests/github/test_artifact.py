"""The artifact service: the exchange that GitHub's own client was seen to have, and every way it can go wrong."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from local_github import Make

from kfm_ci.github import artifact, bundle
from kfm_ci.github.artifact import Artifact
from kfm_ci.github.edition import Credentials, Edition, Unpublished

FIELDS = {
    "CreateArtifact": {"workflow_run_backend_id", "workflow_job_run_backend_id", "name", "version"},
    "FinalizeArtifact": {"workflow_run_backend_id", "workflow_job_run_backend_id", "name", "size", "hash"},
}


def token(scope: str = "Actions.ExampleScope Actions.Results:ce7f-run:ca39-job") -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"scp": scope}).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


class Service:
    """Takes blocks apart and puts them together again; keeps the order of everything asked."""

    def __init__(self) -> None:
        self.blocks: dict[str, bytes] = {}
        self.blob = b""
        self.names: set[str] = set()
        self.trace: list[str] = []
        self.answers: list[tuple[str, int, dict[str, Any]]] = []
        self.camel = False
        self.address = ""

    def twirp(self, method: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
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

    def store(self, query: dict[str, list[str]], data: bytes) -> None:
        if query["comp"] == ["block"]:
            self.blocks[query["blockid"][0]] = data
        else:
            self.blob = b"".join(self.blocks[name] for name in re.findall("<Latest>(.*?)</Latest>", data.decode()))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(artifact, "FIRST_PAUSE_SECONDS", 0.001)
    state = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            parts = urlsplit(self.path)
            step = parts.path.rpartition("/")[2] if self.command == "POST" else parse_qs(parts.query)["comp"][0]
            state.trace.append(step)
            due = next((item for item in state.answers if item[0] == step), None)
            if due:
                state.answers.remove(due)
                return self.reply(due[1], due[2])
            if self.command == "POST":
                assert self.headers["Authorization"] == f"Bearer {token()}"
                return self.reply(*state.twirp(step, json.loads(data)))
            assert "Authorization" not in self.headers and self.headers["x-ms-version"]
            state.store(parse_qs(parts.query), data)
            return self.reply(201, {})

        def reply(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(service: Service, edition: Make) -> Callable[..., Edition]:
    def make(scope: str | None = None, **given: Any) -> Edition:
        made = edition(**given)
        made.credentials = Credentials(
            runtime_token=token(scope) if scope is not None else token(), results_url=f"{service.address}/ignored/path"
        )
        object.__setattr__(made.context, "run_id", "4711")
        object.__setattr__(made.context, "run_url", "https://github.com/acme/shop/actions/runs/4711")
        made.out.mkdir(exist_ok=True)
        (made.out / "receipt.json").write_text("{}\n")
        (made.out / "journal.jsonl").write_text("noise\n")
        return made

    return make


def test_the_exchange_is_that_of_githubs_own_client(service: Service, run: Callable[..., Edition]) -> None:
    made = run()
    Artifact().publish(made)
    assert service.trace == ["CreateArtifact", "block", "blocklist", "FinalizeArtifact"]
    assert made.artifact_url == "https://github.com/acme/shop/actions/runs/4711/artifacts/4242"
    with zipfile.ZipFile(io.BytesIO(service.blob)) as archive:
        assert archive.namelist() == ["receipt.json"]


def test_a_server_that_answers_in_camel_case_is_understood(service: Service, run: Callable[..., Edition]) -> None:
    service.camel = True
    made = run()
    Artifact().publish(made)
    assert made.artifact_id == "4242"


def test_a_large_report_goes_in_blocks(
    service: Service, run: Callable[..., Edition], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact, "BLOCK_BYTES", 50)
    Artifact().publish(run())
    assert service.trace.count("block") > 1 and zipfile.is_zipfile(io.BytesIO(service.blob))


def test_a_taken_name_gets_a_number(service: Service, run: Callable[..., Edition]) -> None:
    service.names.add("kfm-ci-gate-shop-17")
    Artifact().publish(run(path="./shop", postgres_version="17"))
    assert service.names == {"kfm-ci-gate-shop-17", "kfm-ci-gate-shop-17-2"}


@pytest.mark.parametrize("step", ["CreateArtifact", "block", "blocklist", "FinalizeArtifact"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hiccup_at_any_step_is_waited_out(
    service: Service, run: Callable[..., Edition], step: str, status: int
) -> None:
    service.answers += [(step, status, {})] * 3
    made = run()
    Artifact().publish(made)
    assert made.artifact_id == "4242"


@pytest.mark.parametrize(
    ("step", "status", "said", "code"),
    [
        ("CreateArtifact", 403, {"msg": "insufficient usage to create artifact"}, "KFM-G23"),
        ("CreateArtifact", 400, {"msg": "no"}, "KFM-G24"),
        ("CreateArtifact", 200, {"ok": False}, "KFM-G24"),
        ("CreateArtifact", 200, {"ok": True}, "KFM-G24"),
        ("block", 403, {}, "KFM-G24"),
        ("FinalizeArtifact", 200, {"ok": True}, "KFM-G24"),
        ("FinalizeArtifact", 400, {"msg": "nothing at https://blob.example/x?se=1&sig=SECRET"}, "KFM-G24"),
    ],
)
def test_a_refusal_is_told_without_the_signed_address(service: Service, run: Callable[..., Edition], step: str, status: int,
                                                      said: dict, code: str) -> None:  # fmt: skip
    service.answers.append((step, status, said))
    with pytest.raises(Unpublished) as caught:
        Artifact().publish(run())
    assert caught.value.code == code and "SECRET" not in f"{caught.value!r} {caught.value.help}"


@pytest.mark.parametrize("scope", ["", "Actions.Results", "Actions.Results:a", "Actions.ResultsX:a:b"])
def test_a_token_without_the_scope_is_told(run: Callable[..., Edition], scope: str) -> None:
    with pytest.raises(Unpublished, match="allows no artifacts"):
        Artifact().publish(run(scope))


def test_a_server_without_the_service_names_the_step_to_add(run: Callable[..., Edition]) -> None:
    old = run()
    object.__setattr__(old.context, "server_url", "https://github.acme.example")
    with pytest.raises(Unpublished) as caught:
        Artifact().publish(old)
    assert "upload-artifact@v3" in (caught.value.help or "")


def test_a_service_out_of_reach_is_told_without_the_address(
    run: Callable[..., Edition], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run()
    made.credentials = Credentials(runtime_token=token(), results_url="http://127.0.0.1:9/")
    with pytest.raises(Unpublished, match="ConnectionError") as caught:
        Artifact().publish(made)
    assert caught.value.__cause__ is None


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "b.txt").write_text("b")
        (tmp_path / name / "a.txt").write_text("a")
    assert bundle.pack(tmp_path / "one") == bundle.pack(tmp_path / "two")


def test_a_name_has_nothing_that_the_service_forbids() -> None:
    assert not set(bundle.name("", 'a:b"<>|*?\r\n', "x/y\\z")) & set('":<>|*?\r\n\\/')
