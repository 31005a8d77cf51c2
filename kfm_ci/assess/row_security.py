"""Row security that is weaker after a migration."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.assess.case import Case
from kfm_ci.assess.privileged_statements import listed, name, rights_finding
from kfm_ci.evidence.privileges import Right, RightChange
from kfm_ci.model import Finding, Severity
from kfm_ci.rules.server.privileges import ROW_SECURITY_WEAKENED

_PUBLIC = "public"
_HELP_SECURITY = "Keep row security enabled, and write a policy for the rows that the role may see."


def check_row_security(case: Case, change: RightChange) -> Iterator[Finding]:
    """Yield findings on row security that is disabled."""
    if change.existing and change.lost:
        what = "is disabled" if "enabled" in change.lost else "no longer applies to the owner"
        message = f"Row security of {name(change.right)} {what}: rows that its policies hid are visible."
        yield rights_finding(case, ROW_SECURITY_WEAKENED, change, message, help=_HELP_SECURITY)


def check_policy(case: Case, change: RightChange) -> Iterator[Finding]:
    """Yield findings on policies that show more rows."""
    if not change.existing:
        return
    before, after = change.before, change.after
    severity: Severity | None = None
    what = "changes"
    if after is None:
        severity, what = (Severity.ERROR if _is(before, "restrictive") else None), "is dropped"
    elif before is None:
        is_wider = _is(after, "permissive") and _shows_all(after) and _had_policies(case, after)
        severity, what = (Severity.ERROR if is_wider else None), "shows every row"
    elif _widens(before, after):
        severity = Severity.ERROR
    elif before.values != after.values:
        severity = Severity.WARNING
    if severity is not None:
        message = f"Policy `{change.right.holder}` on {name(change.right)} {what}: rows that it hid can be visible."
        yield rights_finding(case, ROW_SECURITY_WEAKENED, change, message, help=_HELP_SECURITY, severity=severity)


def _is(right: Right | None, kind: str) -> bool:
    return right is not None and right.values[0] == kind


def _shows_all(right: Right) -> bool:
    """Whether the policy's condition, on reading or on writing, is always true."""
    return "true" in right.values[2:4]


def _had_policies(case: Case, added: Right) -> bool:
    return any(
        right.aspect == "policy" and right.object == added.object and _is(right, "permissive") and not _shows_all(right)
        for right in case.rights.before
    )


def _widens(before: Right, after: Right) -> bool:
    roles = [set(right.values[4].split(", ")) for right in (before, after)]
    return (
        (_shows_all(after) and not _shows_all(before))
        or (_PUBLIC in roles[1] and _PUBLIC not in roles[0])
        or (before.values[0] == "restrictive" and after.values[0] == "permissive")
    )


def check_view(case: Case, change: RightChange) -> Iterator[Finding]:
    """Yield findings on views that lose their protection of rows."""
    if change.existing and change.lost:
        message = f"{name(change.right)} loses {listed(change.lost)}: it can show rows that were hidden."
        yield rights_finding(
            case,
            ROW_SECURITY_WEAKENED,
            change,
            message,
            help="Write the options again: `create or replace view … with (security_invoker = true) as …`.",
        )
