"""Rule ``connection-string``: connection string with a password."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import touched
from kfm_ci.analysis.excerpt import ExcerptLines
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.file_finding import WITHOUT_HISTORY, file_finding, synthetic

_URL = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,30}://([^\s:/?#@'\"]{0,100}):([^\s/@'\"]{1,200})@([^\s/:?#'\"]{1,255})", re.IGNORECASE
)
_PARAMETER = re.compile(
    r"\b(?:postgres(?:ql)?|mysql|sqlserver|oracle|redis|mongodb)\b[^\s'\"]{0,300}[?&;]password=([^\s&;'\"]{1,200})",
    re.IGNORECASE,
)
_KEYWORDS = re.compile(
    r"\b(?:host|hostaddr|dbname|user|server)\s?=\s?[^\s';]{1,200}[^';\n]{0,300}?[\s;]password\s?=\s?([^\s';]{1,200})",
    re.IGNORECASE,
)
_TRIVIAL = frozenset({"password", "pass", "passwd", "pwd", "secret", "postgres", "user", "test", "changeme", "example"})
_NOWHERE = re.compile(
    r"(?:^|\.)(?:localhost|example(?:\.[a-z]{2,3})?|test|invalid|local)$|^127\.0\.0\.1$|^\[?::1\]?$", re.IGNORECASE
)


CONNECTION_STRING = RuleInfo(
    id="connection-string",
    hazard=Hazard.FORBIDDEN_CONTENT,
    title="Connection string with a password",
    why=(
        "A connection string with a password opens the database to everyone who reads the repository."
        " It also ties the migration to one environment. Revoke the password and move the address to "
        "the deployment."
    ),
    bad="select dblink_connect('host=db.acme.io user=app password=Zt4kPq81xw dbname=prod');\n",
    good="select dblink_connect('app_server');  -- server and user mapping are made by the deployment\n",
)


class ConnectionString:
    """Finds connection strings with a password: URLs, JDBC parameters, libpq keywords."""

    info = CONNECTION_STRING

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each connection string with a password in new and changed files."""
        for item in touched(change):
            lines: ExcerptLines | None = None
            seen: set[tuple[int, str]] = set()
            for offset, password in passwords_in(item.file.text):
                lines = lines or ExcerptLines(item.file.text)
                line = lines.of(offset)
                if (line, password) in seen:
                    continue
                seen.add((line, password))
                message = "The file contains a connection string with a password."
                yield file_finding(
                    CONNECTION_STRING, change, item, message, help=WITHOUT_HISTORY, line=line, value=password
                )


def passwords_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield passwords inside connection strings: 0-based offset, value (never to be shown whole)."""
    if "://" in text:
        for match in _URL.finditer(text):
            documented = match[2].lower() in _TRIVIAL and _NOWHERE.search(match[3])
            if not synthetic(match[2]) and not documented:
                yield match.start(), match[2]
    if "assword" not in text and "PASSWORD" not in text:
        return
    for pattern in (_PARAMETER, _KEYWORDS):
        for match in pattern.finditer(text):
            if not synthetic(match[1]):
                yield match.start(), match[1]
