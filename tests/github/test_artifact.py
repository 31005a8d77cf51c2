"""The artifact service: the exchange that GitHub's own client was seen to have, and every way it can go wrong."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from artifact_service import ArtifactService, keeping, token
from local_github import Make

from kfm_ci.github import artifact, artifact_zip
from kfm_ci.github.artifact import Artifact
from kfm_ci.github.publication import Credentials, PublicationContext, Unpublished


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArtifactService]:
    monkeypatch.setattr(artifact, "FIRST_PAUSE_SECONDS", 0.001)
    with keeping() as state:
        yield state


@pytest.fixture
def run(service: ArtifactService, publication: Make) -> Callable[..., PublicationContext]:
    def make(scope: str | None = None, **given: Any) -> PublicationContext:
        made = publication(**given)
        made.credentials = Credentials(
            runtime_token=token(scope) if scope is not None else token(), results_url=f"{service.address}/ignored/path"
        )
        object.__setattr__(made.context, "run_id", "4711")
        object.__setattr__(made.context, "run_url", "https://github.com/acme/shop/actions/runs/4711")
        made.out.mkdir(exist_ok=True)
        (made.out / "secrets.txt").write_text("of somebody else\n")
        made.files = {"receipt.json": b"{}\n"}
        return made

    return make


def test_the_exchange_is_that_of_githubs_own_client(
    service: ArtifactService, run: Callable[..., PublicationContext]
) -> None:
    made = run()
    Artifact().publish(made)
    assert service.trace == ["CreateArtifact", "block", "blocklist", "FinalizeArtifact"]
    assert made.artifact_url == "https://github.com/acme/shop/actions/runs/4711/artifacts/4242"
    with zipfile.ZipFile(io.BytesIO(service.blob)) as archive:
        assert archive.namelist() == ["receipt.json"]


def test_a_server_that_answers_in_camel_case_is_understood(
    service: ArtifactService, run: Callable[..., PublicationContext]
) -> None:
    service.camel = True
    made = run()
    Artifact().publish(made)
    assert made.artifact_id == "4242"


def test_a_large_report_goes_in_blocks(
    service: ArtifactService, run: Callable[..., PublicationContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact, "BLOCK_BYTES", 50)
    Artifact().publish(run())
    assert service.trace.count("block") > 1 and zipfile.is_zipfile(io.BytesIO(service.blob))


def test_a_taken_name_gets_a_number(service: ArtifactService, run: Callable[..., PublicationContext]) -> None:
    service.names.add("kfm-ci-gate-shop-17")
    Artifact().publish(run(path="./shop", postgres_version="17"))
    assert service.names == {"kfm-ci-gate-shop-17", "kfm-ci-gate-shop-17-2"}


@pytest.mark.parametrize("step", ["CreateArtifact", "block", "blocklist", "FinalizeArtifact"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hiccup_at_any_step_is_waited_out(
    service: ArtifactService, run: Callable[..., PublicationContext], step: str, status: int
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
def test_a_refusal_is_told_without_the_signed_address(
    service: ArtifactService, run: Callable[..., PublicationContext], step: str, status: int, said: dict, code: str
) -> None:
    service.answers.append((step, status, said))
    with pytest.raises(Unpublished) as caught:
        Artifact().publish(run())
    assert caught.value.code == code and "SECRET" not in f"{caught.value!r} {caught.value.help}"


@pytest.mark.parametrize("scope", ["", "Actions.Results", "Actions.Results:a", "Actions.ResultsX:a:b"])
def test_a_token_without_the_scope_is_told(run: Callable[..., PublicationContext], scope: str) -> None:
    with pytest.raises(Unpublished, match="does not allow artifacts"):
        Artifact().publish(run(scope))


def test_a_server_without_the_service_names_the_step_to_add(run: Callable[..., PublicationContext]) -> None:
    old = run()
    object.__setattr__(old.context, "server_url", "https://github.acme.example")
    with pytest.raises(Unpublished) as caught:
        Artifact().publish(old)
    assert "upload-artifact@v3" in (caught.value.help or "")


def test_a_service_out_of_reach_is_told_without_the_address(
    run: Callable[..., PublicationContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run()
    made.credentials = Credentials(runtime_token=token(), results_url="http://127.0.0.1:9/")
    with pytest.raises(Unpublished, match="ConnectionError") as caught:
        Artifact().publish(made)
    assert caught.value.__cause__ is None


def test_the_same_files_are_the_same_bytes() -> None:
    assert artifact_zip.pack({"a": b"1", "b": b"2"}) == artifact_zip.pack({"b": b"2", "a": b"1"})


def test_a_name_has_nothing_that_the_service_forbids() -> None:
    assert not set(artifact_zip.name("", 'a:b"<>|*?\r\n', "x/y\\z")) & set('":<>|*?\r\n\\/')
