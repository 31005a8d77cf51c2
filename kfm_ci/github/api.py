"""GitHub's API: one patient client, and its answers as errors that say what to do."""

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

Answer = TypeVar("Answer")
TIMEOUT_SECONDS = 20
PAUSE_SECONDS = 2.0
"""Before something is tried again; doubles."""
ATTEMPTS = 4
PATIENCE_SECONDS = 60.0
"""How long a rate limit may make us wait: a comment is not worth more of a runner's time."""
TRANSIENT = frozenset({500, 502, 503, 504})


def connect(edition: PublicationContext) -> Repository:
    """Return the repository of the run; asks nothing of GitHub yet. Raises Unpublished without a token."""
    if not edition.credentials.token or not edition.context.repository:
        raise Unpublished(
            code="KFM-G01",
            message="no token, so nothing can be written to the pull request",
            help="leave the input `github-token` at its default, or give a token",
        )
    # of rate limits only: what fails otherwise `repeat` tries again, and nobody waits for the product of both
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
        auth=Auth.Token(edition.credentials.token),
        base_url=edition.context.api_url,
        lazy=True,
        per_page=100,
        timeout=TIMEOUT_SECONDS,
        retry=retry,
        seconds_between_requests=0,
        seconds_between_writes=PAUSE_SECONDS / 2,
        user_agent=f"kfm-ci/{__version__}",
    )
    return client.get_repo(edition.context.repository)


def repeat(action: Callable[[], Answer]) -> Answer:
    """Do what may be done twice, again while GitHub fails: an answer that got lost may have been a success."""
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
def explained(edition: PublicationContext, *, what: str, permission: str) -> Iterator[None]:
    """Turn GitHub's refusals into Unpublished; ``permission`` is the one that the workflow must grant."""
    try:
        yield
    except (RateLimitExceededException, requests.exceptions.RetryError) as error:
        # the library itself tries again for rate limits alone
        raise Unpublished(
            code="KFM-G05",
            message="GitHub's rate limit is used up",
            where=what,
            help="run again later, or give a token with a limit of its own",
        ) from error
    except GithubException as error:
        raise _refused(edition, error, what, permission) from error
    except requests.RequestException as error:
        raise Unpublished(
            code="KFM-G06",
            message=f"GitHub was not reached: {type(error).__name__}",
            where=what,
            help=f"may this runner reach {edition.context.api_url}?",
        ) from error
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        # the library takes an answer apart without looking
        raise Unpublished(
            code="KFM-G08",
            message=f"the answer is none of GitHub's API ({type(error).__name__})",
            where=what,
            help=f"does a proxy between this runner and {edition.context.api_url} answer instead?",
        ) from error


def _refused(edition: PublicationContext, error: GithubException, what: str, permission: str) -> Unpublished:
    status, said = error.status, _message(error)
    if status in {403, 404} and edition.context.fork:
        return Unpublished(
            code="KFM-G02",
            message="the token of a pull request from a fork may only read",
            where=what,
            help="the job's summary and its artifact hold the whole report",
        )
    if status == 401:
        return Unpublished(
            code="KFM-G03",
            message="GitHub does not accept the token",
            where=what,
            help="check the input `github-token`: it may be wrong or expired",
        )
    if status in {403, 404}:
        return Unpublished(
            code="KFM-G04",
            message=f"the token may not do this ({status}: {said})",
            where=what,
            help=f"add `{permission}` to the job's permissions",
        )
    if status == 429:
        return Unpublished(code="KFM-G05", message="GitHub's rate limit is used up", where=what, help="run again later")
    if status in TRANSIENT:
        return Unpublished(
            code="KFM-G06",
            message=f"GitHub answered {status}, {ATTEMPTS} times",
            where=what,
            help="run again later; see githubstatus.com",
        )
    return Unpublished(
        code="KFM-G07",
        message=f"GitHub refused it ({status}: {said})",
        where=what,
        help="please report it: this should not happen",
    )


def _message(error: GithubException) -> str:
    data = error.data
    said = data.get("message") if isinstance(data, dict) else None
    return str(said or "no message")[:200]
