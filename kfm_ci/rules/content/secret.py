"""Rule ``secret``: secret or credential in a migration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import touched
from kfm_ci.analysis.excerpt import ExcerptLines
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.file_finding import WITHOUT_HISTORY, file_finding, synthetic

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

_DETECTORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("aws.AWSKeyDetector", ("AKIA", "ASIA", "ABIA", "ACCA", "A3T", "aws", "AWS", "Aws")),
    ("azure_storage_key.AzureStorageKeyDetector", ("AccountKey=",)),
    ("github_token.GitHubTokenDetector", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    (
        "gitlab_token.GitLabTokenDetector",
        ("glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "GR1348941", "glcbt-", "glimt-", "glptt-"),
    ),
    ("jwt.JwtTokenDetector", ("eyJ",)),
    ("npm.NpmDetector", ("_authToken",)),
    ("openai.OpenAIDetector", ("T3BlbkFJ",)),
    ("private_key.PrivateKeyDetector", ("PRIVATE KEY", "PuTTY-User-Key-File")),
    ("pypi_token.PypiTokenDetector", ("pypi-Ag",)),
    ("sendgrid.SendGridDetector", ("SG.",)),
    ("slack.SlackDetector", ("xox", "hooks.slack.com")),
    ("square_oauth.SquareOAuthDetector", ("sq0csp-",)),
    ("stripe.StripeDetector", ("k_live_",)),
)
"""Module and class of detectors of values with a recognisable format, each with texts of which a file must contain one.

Loaded only if the file contains one: the library imports an HTTP client, which takes longer than all rules.

Left out: high entropy and keywords (SQL is full of hashes, and of columns named password), and shapes that
ordinary identifiers share.
"""

_OWN: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("GitHub token", "github_pat_", re.compile(r"github_pat_[A-Za-z0-9_]{22,255}")),
    ("Google API key", "AIza", re.compile(r"(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
)
_PASSWORD = re.compile(r"\bpassword\s{1,20}(?:[eE]|[uU]&)?'((?:[^'\n]|''){1,400})'", re.IGNORECASE)
_WINDOW = 2048
_OVERLAP = 512


SECRET = RuleInfo(
    id="secret",
    hazard=Hazard.FORBIDDEN_CONTENT,
    title="Secret or credential in a migration",
    why=(
        "Everyone with access to the repository reads a migration, every server logs it, and git "
        "history keeps it. Revoke a pushed secret. Keep passwords, tokens and keys in the "
        "deployment's secret store."
    ),
    bad="create role reporter login password 'Kq7vTr2mZx91';\n",
    good="-- the password is set by the deployment from its secret store\ncreate role reporter login;\n",
)


class Secret:
    """Finds secrets by their format, and passwords in SQL that sets them."""

    info = SECRET

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each secret and line of new and changed files."""
        for item in touched(change):
            text = item.file.text
            lines: ExcerptLines | None = None
            seen: set[tuple[int, str]] = set()
            for kind, offset, value in secrets_in(text):
                lines = lines or ExcerptLines(text)
                line = lines.of(offset)
                if (line, value) in seen:
                    continue
                seen.add((line, value))
                yield file_finding(
                    SECRET,
                    change,
                    item,
                    f"The file seems to contain a secret ({kind}).",
                    help=WITHOUT_HISTORY,
                    line=line,
                    value=value,
                )


def secrets_in(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield what looks like a secret: kind, 0-based offset, value (never to be shown whole)."""
    wanted = [_detector(name) for name, needles in _DETECTORS if any(needle in text for needle in needles)]
    if wanted:
        for start, window in _windows(text):
            for detector in wanted:
                kind = str(detector.secret_type)
                for value in detector.analyze_string(window):
                    if kind == "Private Key" or not synthetic(value):
                        yield kind, start + max(0, window.find(value)), value
    for kind, needle, pattern in _OWN:
        if needle in text:
            yield from ((kind, match.start(), match.group()) for match in pattern.finditer(text))
    for match in _PASSWORD.finditer(text):
        if not synthetic(match[1]):
            yield "password of a role or user mapping", match.start(), match[1]


@cache
def _detector(name: str) -> BasePlugin:
    module, _, detector = name.partition(".")
    loaded: BasePlugin = getattr(import_module(f"detect_secrets.plugins.{module}"), detector)()
    return loaded


def _windows(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines, long ones in overlapping pieces: detectors take quadratic time on hostile ones."""
    start = 0
    for line in text.splitlines(keepends=True):
        for offset in range(0, max(1, len(line)), _WINDOW - _OVERLAP):
            yield start + offset, line[offset : offset + _WINDOW]
            if offset + _WINDOW >= len(line):
                break
        start += len(line)
