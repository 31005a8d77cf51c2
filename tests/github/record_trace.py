"""Records what GitHub's own client asks of the artifact service, for the test that holds ours to it.

Run where ``npm install @actions/artifact@6.2.1`` was run: ``python record_trace.py >artifact-trace.json``.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from served import Reply, Request, served

UPLOAD = """
import { DefaultArtifactClient } from "@actions/artifact";
const [name, root] = process.argv.slice(-2);
await new DefaultArtifactClient().uploadArtifact(name, [`${root}/receipt.json`], root);
"""
ANSWERS = {
    "CreateArtifact": {"ok": True, "signed_upload_url": "{address}/artifacts/blob?se=2026-11-25&sig=c2VjcmV0%2B"},
    "FinalizeArtifact": {"ok": True, "artifact_id": "4242"},
}
KEPT = ("authorization", "content-type", "x-ms-blob-content-type", "x-ms-version")
"""Headers that the service or the storage looks at."""
IDS = {"scp": "Actions.ExampleScope Actions.Results:ce7f-run:ca39-job"}
TOKEN = f"e30.{base64.urlsafe_b64encode(json.dumps(IDS).encode()).decode().rstrip('=')}.c2ln"


def record() -> list[dict]:
    """Return every exchange in order: request as the client made it, answer as the service gives it."""
    trace: list[dict] = []

    def answer(request: Request) -> Reply:
        said = ANSWERS.get(request.path.rpartition("/")[2])
        trace.append(
            {
                "method": request.method,
                "path": request.target,
                "headers": {name: request.headers[name] for name in KEPT if name in request.headers},
                "body": json.loads(request.data)
                if said
                else request.data.decode()
                if request.data[:1] == b"<"
                else len(request.data),
                "status": 200 if said else 201,
                "answer": said,
            }
        )
        body = json.dumps(said).replace("{address}", f"http://{request.headers['Host']}").encode() if said else b""
        return Reply(status=200 if said else 201, data=body)

    with served(answer) as address, tempfile.TemporaryDirectory() as root:
        (Path(root) / "receipt.json").write_text("{}\n")
        subprocess.run(
            ["node", "--input-type=module", "-e", UPLOAD, "receipt", root],
            check=True,
            stdout=sys.stderr,
            env={
                **os.environ,
                "ACTIONS_RUNTIME_TOKEN": TOKEN,
                "ACTIONS_RESULTS_URL": f"{address}/run/",
                "GITHUB_WORKSPACE": root,
            },
        )
    return trace


if __name__ == "__main__":
    print(json.dumps(record(), indent=1))
