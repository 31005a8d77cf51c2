"""The pull request of a commit, from the GitHub API: an artifact's own claim is never used."""

from __future__ import annotations

import re

from kfm_ci.github import api
from kfm_ci.github.publication import PublicationContext, Unpublished

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def of_tip(publication: PublicationContext) -> int | None:
    """Return the number of the open pull request whose tip is the event's commit; None when there is none."""
    tip = publication.context.head_sha or ""
    if not _COMMIT.fullmatch(tip):
        raise Unpublished(
            code="KFM-G11",
            message="This event has no commit.",
            where="comment",
            help="Use it in a workflow on `workflow_run`.",
        )
    with api.translate_errors(publication, what="comment", permission="pull-requests: write"):
        repository = api.connect(publication)
        _, found = api.repeat(
            lambda: repository.requester.requestJsonAndCheck(
                "GET", f"/repos/{publication.context.repository}/commits/{tip}/pulls"
            )
        )
        pulls = found if isinstance(found, list) else []
        return next((item["number"] for item in pulls if item["state"] == "open" and item["head"]["sha"] == tip), None)
