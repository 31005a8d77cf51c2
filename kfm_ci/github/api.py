"""GitHub's API: one client with retries, and its responses as errors with a help."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import requests
from github import Auth, Github, GithubRetry
from github.GithubException import GithubException, RateLimitExceededException
from github.Repository import Repository

from kfm_ci import __version__
from kfm_ci.github.publication import PublicationContext, Unpublished

Response = TypeVar("Response")
TIMEOUT_SECONDS = 20
PAUSE_SECONDS = 2.0
"""Pause before the first retry; doubles."""
ATTEMPTS = 4
PATIENCE_SECONDS = 60.0
"""Longest wait for a rate limit: a comment is not worth more of a runner's time."""
TRANSIENT = frozenset({500, 502, 503, 504})


def connect(publication: PublicationContext) -> Repository:
    """Return the repository of the run, without a request. Raises Unpublished without a token."""
    if not publication.credentials.token or not publication.context.repository:
        raise Unpublished(
            code="KFM-G01",
            message="There is no token to write to the pull request.",
            help="Leave the input `github-token` at its default, or set a token.",
        )
    # retries for rate limits only: `repeat` retries other failures, and both together would multiply the wait
    retry = GithubRetry(
        total=ATTEMPTS,
        connect=0,
        read=0,
        backoff_factor=PAUSE_SECONDS / 2,
        secondary_rate_wait=PATIENCE_SECONDS,
        max_rate_limit_wait=PATIENCE_SECONDS,
        status_forcelist=[],
        allowed_methods={"GET"},
    )
    client = Github(
        auth=Auth.Token(publication.credentials.token),
        base_url=publication.context.api_url,
        lazy=True,
        per_page=100,
        timeout=TIMEOUT_SECONDS,
        retry=retry,
        seconds_between_requests=0,
        seconds_between_writes=PAUSE_SECONDS / 2,
        user_agent=f"kfm-ci/{__version__}",
    )
    return client.get_repo(publication.context.repository)


def repeat(action: Callable[[], Response]) -> Response:
    """Run an idempotent request, again while GitHub fails: a lost response may have been a success."""
    for attempt in range(ATTEMPTS):
        try:
            return action()
        except GithubException as error:
            if error.status not in TRANSIENT or attempt == ATTEMPTS - 1:
                raise
        except (requests.ConnectionError, requests.Timeout):
            if attempt == ATTEMPTS - 1:
                raise
        time.sleep(PAUSE_SECONDS * 2**attempt)
    raise AssertionError("unreachable")


@contextmanager
def translate_errors(publication: PublicationContext, *, what: str, permission: str) -> Iterator[None]:
    """Raise GitHub's errors as Unpublished; ``permission`` is the one that the workflow must grant."""
    try:
        yield
    except (RateLimitExceededException, requests.exceptions.RetryError) as error:
        # the library itself retries for rate limits only
        raise Unpublished(
            code="KFM-G05",
            message="GitHub's rate limit is exceeded.",
            where=what,
            help="Run again later, or use a token with its own limit.",
        ) from error
    except GithubException as error:
        raise _api_error(publication, error, what, permission) from error
    except requests.RequestException as error:
        raise Unpublished(
            code="KFM-G06",
            message=f"GitHub was not reached: {type(error).__name__}.",
            where=what,
            help=f"Allow this runner to reach {publication.context.api_url}.",
        ) from error
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        # the library parses a response without checking it
        raise Unpublished(
            code="KFM-G08",
            message=f"The response is not from the GitHub API ({type(error).__name__}).",
            where=what,
            help=f"Check for a proxy between this runner and {publication.context.api_url}.",
        ) from error


def _api_error(publication: PublicationContext, error: GithubException, what: str, permission: str) -> Unpublished:
    status, message = error.status, _message(error)
    if status in {403, 404} and publication.context.fork:
        return Unpublished(
            code="KFM-G02",
            message="The token of a pull request from a fork is read-only.",
            where=what,
            help="See the job summary and the artifact for the report.",
        )
    if status == 401:
        return Unpublished(
            code="KFM-G03",
            message="GitHub does not accept the token.",
            where=what,
            help="Check the input `github-token`: it may be wrong or expired.",
        )
    if status in {403, 404}:
        return Unpublished(
            code="KFM-G04",
            message=f"The token lacks a permission ({status}: {message}).",
            where=what,
            help=f"Add `{permission}` to the job's permissions.",
        )
    if status == 429:
        return Unpublished(
            code="KFM-G05", message="GitHub's rate limit is exceeded.", where=what, help="Run again later."
        )
    if status in TRANSIENT:
        return Unpublished(
            code="KFM-G06",
            message=f"GitHub responded with {status}, {ATTEMPTS} times.",
            where=what,
            help="Run again later; see githubstatus.com.",
        )
    return Unpublished(
        code="KFM-G07",
        message=f"GitHub rejected the request ({status}: {message}).",
        where=what,
        help="Report it: this is unexpected.",
    )


def _message(error: GithubException) -> str:
    data = error.data
    message = data.get("message") if isinstance(data, dict) else None
    return str(message or "no message")[:200]
