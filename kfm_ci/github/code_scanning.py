"""Code scanning: upload of findings.sarif."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import PurePosixPath

from kfm_ci.github import api
from kfm_ci.github.publication import PublicationContext, Unpublished


class CodeScanning:
    """Publishes findings to code scanning."""

    name = "code scanning"

    def is_enabled(self, publication: PublicationContext) -> bool:
        """Whether the workflow enables it."""
        return publication.inputs.sarif == "true"

    def publish(self, publication: PublicationContext) -> None:
        """Upload the log for the checked commit."""
        found, context = publication.files.get("findings.sarif"), publication.context
        if found is None or not context.sha or not context.ref:
            raise Unpublished(
                code="KFM-G12",
                message="The run ended before it had findings.",
                where=self.name,
                help="See the error of the run.",
            )
        packed = base64.b64encode(gzip.compress(with_prefix(found.decode("utf-8"), publication.inputs.path), mtime=0))
        request = {
            "commit_sha": context.sha,
            "ref": context.ref,
            "sarif": packed.decode(),
            "tool_name": "kfm-ci",
        }
        with api.translate_errors(publication, what=self.name, permission="security-events: write"):
            repository = api.connect(publication)
            api.repeat(
                lambda: repository.requester.requestJsonAndCheck(
                    "POST", f"{repository.url}/code-scanning/sarifs", input=request
                )
            )


def with_prefix(text: str, path: str) -> bytes:
    """Return the log with paths relative to the repository's root instead of the checked directory."""
    document = json.loads(text)
    for run in document["runs"]:
        # one category per directory: an upload replaces the last one of its category
        run["automationDetails"] = {"id": f"kfm-ci/{path.strip('./')}/"}
        for result in run["results"]:
            for location in result["locations"]:
                artifact = location["physicalLocation"]["artifactLocation"]
                artifact["uri"] = PurePosixPath(path, artifact["uri"]).as_posix()
    return json.dumps(document).encode()
