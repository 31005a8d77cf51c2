"""The artifact: report and receipt in GitHub's artifact service, by its own protocol.

The service has no Python library. Field names are those of its messages; it responds in snake or camel case,
depending on the server. Uploads go in blocks to a signed URL, which is a secret and never logged.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO
from urllib.parse import quote, unquote, urlsplit

import requests

from kfm_ci import __version__
from kfm_ci.github import artifact_zip, workflow_commands
from kfm_ci.github.publication import PublicationContext, Unpublished

SERVICE = "/twirp/github.actions.results.api.v1.ArtifactService/"
BLOCK_BYTES = 8 * 1024 * 1024
ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 3.0
TIMEOUT_SECONDS = 60
NAMES = 5
"""Number of names that are tried when one is taken."""
HELP = "Upload the directory of `out` in a separate step with actions/upload-artifact."
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_STORAGE = {"x-ms-version": "2020-10-02"}
_SIGNATURE = re.compile(r"([?&]sig=)([^&\s]+)")


class NameTaken(Exception):
    """Another job or step of the run has an artifact with this name."""


class Artifact:
    """Uploads the files of the run."""

    name = "artifact"

    def is_enabled(self, publication: PublicationContext) -> bool:
        """Whether a runner started the action, and there are files."""
        return publication.context.run_id is not None and bool(publication.files)

    def publish(self, publication: PublicationContext) -> None:
        """Upload the files; raises Unpublished with the alternative on a server without the service."""
        context = publication.context
        if context.composite and not publication.credentials.runtime_token:
            # the action's next step uploads them, and the run's page lists that artifact
            publication.artifact_url = context.run_url
            return
        service = connect(publication)
        content = artifact_zip.pack(publication.files)
        first_name = artifact_zip.name(
            publication.inputs.artifact_name,
            context.job or "",
            publication.inputs.path,
            publication.inputs.postgres_version,
        )
        for number in range(1, NAMES + 1):
            name = first_name if number == 1 else f"{first_name}-{number}"
            try:
                publication.artifact_id = service.upload(name, content)
            except NameTaken:
                continue
            publication.artifact_url = f"{context.run_url}/artifacts/{publication.artifact_id}"
            return
        raise Unpublished(
            code="KFM-G21",
            message=f"The artifact name `{first_name}` and {NAMES - 1} variants of it are taken.",
            where=self.name,
            help="Set a different `artifact-name` for each job.",
        )


def connect(publication: PublicationContext) -> Service:
    """Return the service of this run; raises Unpublished where there is none."""
    credentials, host = publication.credentials, urlsplit(publication.context.server_url).hostname or ""
    if not credentials.runtime_token or not credentials.results_url:
        raise Unpublished(
            code="KFM-G20",
            message="This runner has no artifact service.",
            where="artifact",
            help=f"Upload `{publication.inputs.out}` in a separate step with actions/upload-artifact.",
        )
    if host != "github.com" and not host.endswith((".ghe.com", ".localhost")):
        raise Unpublished(
            code="KFM-G20",
            message=f"`{host}` has no artifact service of this version.",
            where="artifact",
            help=f"Upload `{publication.inputs.out}` in a separate step with actions/upload-artifact@v3.",
        )
    parts = urlsplit(credentials.results_url)
    run, job = backend_ids(credentials.runtime_token)
    return Service(
        origin=f"{parts.scheme}://{parts.netloc}",
        token=credentials.runtime_token,
        run=run,
        job=job,
        log=publication.log,
    )


def backend_ids(token: str) -> tuple[str, str]:
    """Return the service's ids of run and job from the token's scopes."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        scopes = [scope.split(":") for scope in str(claims["scp"]).split()]
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise Unpublished(
            code="KFM-G22", message="The runner's token cannot be parsed.", where="artifact", help=HELP
        ) from error
    for scope in scopes:
        if scope[0] == "Actions.Results" and len(scope) == 3:
            return scope[1], scope[2]
    raise Unpublished(
        code="KFM-G22", message="The runner's token does not allow artifacts.", where="artifact", help=HELP
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The artifact service, for one job."""

    origin: str
    token: str
    run: str
    job: str
    log: TextIO
    """Log in which the runner masks secrets."""

    def upload(self, name: str, content: bytes) -> str:
        """Return the id of the new artifact; raises NameTaken or Unpublished."""
        created = self._call("CreateArtifact", {"name": name, "version": 4})
        address = _field(created, "signed_upload_url", "signedUploadUrl")
        self._mask_signature(address)
        blocks = [content[start : start + BLOCK_BYTES] for start in range(0, len(content), BLOCK_BYTES)]
        identities = [base64.b64encode(f"{number:08d}".encode()).decode() for number in range(len(blocks))]
        for identity, block in zip(identities, blocks, strict=True):
            self._store(
                address,
                f"comp=block&blockid={quote(identity, safe='')}",
                block,
                {"Content-Type": "application/octet-stream"},
            )
        latest = "".join(f"<Latest>{identity}</Latest>" for identity in identities)
        listed = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><BlockList>{latest}</BlockList>'
        self._store(
            address,
            "comp=blocklist",
            listed.encode(),
            {"Content-Type": "application/xml", "x-ms-blob-content-type": "application/zip"},
        )
        digest = hashlib.sha256(content).hexdigest()
        finalized = self._call(
            "FinalizeArtifact", {"name": name, "size": str(len(content)), "hash": f"sha256:{digest}"}
        )
        return _field(finalized, "artifact_id", "artifactId")

    def _call(self, method: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        body = {"workflow_run_backend_id": self.run, "workflow_job_run_backend_id": self.job, **fields}
        headers = {"Authorization": f"Bearer {self.token}", "User-Agent": f"kfm-ci/{__version__}"}
        response = _request("POST", self.origin + SERVICE + method, json=body, headers=headers)
        value = _json(response)
        message = _SIGNATURE.sub(r"\1***", str(value.get("msg") or ""))
        if response.status_code == 409:
            raise NameTaken
        if re.search(r"insufficient usage|storage quota", message, re.IGNORECASE):
            raise Unpublished(
                code="KFM-G23",
                message="The storage quota for artifacts is exceeded.",
                where="artifact",
                help="Delete old artifacts, or raise the limit in the billing settings.",
            )
        if response.status_code != 200 or value.get("ok") is not True:
            raise Unpublished(
                code="KFM-G24",
                message=f"`{method}` failed with {response.status_code} {message[:200]}.".rstrip(),
                where="artifact",
                help=f"Run again. {HELP}",
            )
        return value

    def _mask_signature(self, address: str) -> None:
        """Mask the signature of the URL in the log."""
        for _, signature in _SIGNATURE.findall(address):
            for spelling in dict.fromkeys((signature, unquote(signature))):
                workflow_commands.write(self.log, workflow_commands.mask(spelling))
        self.log.flush()

    def _store(self, address: str, query: str, data: bytes, headers: Mapping[str, str]) -> None:
        # no Authorization header: the signed URL is the permission
        target = f"{address}{'&' if '?' in address else '?'}{query}"
        response = _request("PUT", target, data=data, headers={**_STORAGE, **headers})
        if response.status_code not in {200, 201}:
            raise Unpublished(
                code="KFM-G24",
                where="artifact",
                message=f"The storage responded with {response.status_code}.",
                help=f"Run again. {HELP}",
            )


def _request(method: str, address: str, **request: Any) -> requests.Response:
    """Return the first response that is not transient, or the last one; errors never contain the URL."""
    pause = FIRST_PAUSE_SECONDS
    response: requests.Response | None = None
    for attempt in range(ATTEMPTS):
        try:
            response = requests.request(method, address, timeout=TIMEOUT_SECONDS, **request)
        except requests.RequestException as error:
            if attempt == ATTEMPTS - 1 or isinstance(error, requests.exceptions.InvalidURL):
                raise Unpublished(
                    code="KFM-G25",
                    message=f"The artifact service was not reached: {type(error).__name__}.",
                    where="artifact",
                    help="Allow this runner to reach *.actions.githubusercontent.com and *.blob.core.windows.net.",
                ) from None
        else:
            if response.status_code not in _TRANSIENT:
                return response
        if attempt < ATTEMPTS - 1:
            time.sleep(pause)
            pause *= random.uniform(1.2, 1.8)  # noqa: S311 - jitter, not security
    if response is None:
        raise AssertionError("each attempt returns or raises")
    return response


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _field(value: Mapping[str, Any], snake: str, camel: str) -> str:
    found = value.get(snake) or value.get(camel)
    if not found:
        raise Unpublished(code="KFM-G24", message=f"The response has no `{snake}`.", where="artifact", help=HELP)
    return str(found)
