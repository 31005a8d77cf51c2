"""Findings in files, with masked values, shared by the rules on forbidden content."""

from __future__ import annotations

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import ChangedFile
from kfm_ci.analysis.excerpt import mask
from kfm_ci.model import Finding, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

WITHOUT_HISTORY = (
    "Revoke the value if it was pushed, then remove it from the git history; a commit that deletes it is not enough."
)


def file_finding(
    rule: RuleInfo,
    change: Change,
    item: ChangedFile,
    message: str,
    *,
    help: str,
    line: int = 1,
    value: str | None = None,
) -> Finding:
    """Return a finding in a file; ``value`` is masked behind the message."""
    return migration_finding(
        rule,
        f"{message.removesuffix('.')}: {mask(value)}." if value is not None else message,
        help=help,
        place=Place(file=item.file.path, line=line, end_line=line),
        migration=item.migration,
        native_format=change.native_format,
    )


def synthetic(value: str) -> bool:
    """Whether a secret is plainly a stand-in: a variable, a placeholder, one character repeated."""
    bare = value.strip()
    if len(set(bare)) <= 1 or bare.startswith((":", "$", "%(", "{{", "<", "@@")) or "${" in bare or "{{" in bare:
        return True
    return bare.lower() in STAND_INS


STAND_INS = frozenset({"null", "none", "redacted", "placeholder", "your-password", "your_password", "password-here"})
