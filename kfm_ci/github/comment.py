"""The pull-request comment: one per gate, identified by marker and author, updated in place."""

from __future__ import annotations

import re

from github.GithubException import GithubException
from github.IssueComment import IssueComment
from github.Repository import Repository

from kfm_ci.github import api
from kfm_ci.github.publication import PublicationContext, Unpublished
from kfm_ci.github.summary import body

ACTIONS_BOT = "github-actions[bot]"
"""Author of comments by a workflow's own token."""
VIEWER = "query { viewer { login } }"
_MEASURED = re.compile(r"\b(\d+)(?:\.\d+)? (ms|s)\b")
_BAR = re.compile(r"^( {4}.* : (?:crit, )?)\d+, \d+$", re.MULTILINE)
"""A bar of the lock timeline."""
_REPORT = re.compile(r"\[full report\]\([^)\s]*\)")


class Comment:
    """Publishes the verdict as a pull-request comment."""

    name = "comment"

    def is_enabled(self, publication: PublicationContext) -> bool:
        """Whether there is a pull request, or the workflow requires a comment."""
        mode = publication.inputs.comment
        return mode != "never" and (publication.context.pull is not None or mode == "always")

    def publish(self, publication: PublicationContext) -> None:
        """Create or update the comment; without new migrations only an existing one is updated."""
        number = publication.context.pull
        if number is None:
            raise Unpublished(
                code="KFM-G10",
                message="This event has no pull request to comment on.",
                where="comment",
                help="Use `comment: auto`, which comments where possible.",
            )
        with api.translate_errors(publication, what="comment", permission="pull-requests: write"):
            repository = api.connect(publication)
            comment = api.repeat(lambda: _upsert(repository, number, publication))
        publication.comment_url = comment.html_url if comment is not None else None


def marker(key: str) -> str:
    """Return the hidden first line of the comment of one gate."""
    return f"<!-- kfm-ci:gate {key} -->"


def _upsert(repository: Repository, number: int, publication: PublicationContext) -> IssueComment | None:
    evidence = publication.evidence
    first = marker(publication.key)
    text = f"{first}\n{body(evidence, publication.artifact_url)}"
    issue = repository.get_issue(number)
    author = _author(repository)
    existing = [
        item
        for item in issue.get_comments()
        if item.user and item.user.login == author and _starts_with(item.body, first)
    ]
    if not existing:
        has_content = bool(evidence.new or evidence.findings or evidence.failure)
        return issue.create_comment(text) if has_content or publication.inputs.comment == "always" else None
    oldest, *duplicates = existing
    if _comparable(oldest.body) != _comparable(text):
        oldest.edit(text)
    # two runs that started together may both have found no comment
    for duplicate in duplicates:
        duplicate.delete()
    return oldest


def _author(repository: Repository) -> str:
    """Return the token's user; some servers do not return it for a workflow's own token."""
    try:
        _, response = repository.requester.graphql_query(VIEWER, {})
        return str(response["data"]["viewer"]["login"])
    except (GithubException, KeyError, TypeError):
        return ACTIONS_BOT


def _starts_with(text: str | None, first: str) -> bool:
    return (text or "").lstrip().startswith(first)


def _comparable(text: str | None) -> str:
    """Return the text without measured times of equal length and without the report's URL, for comparison."""
    flat = (text or "").replace("\r\n", "\n").strip()
    timeless = _MEASURED.sub(lambda found: f"{len(found[1])} digits {found[2]}", flat)
    return _REPORT.sub("[full report]", _BAR.sub(r"\1", timeless))
