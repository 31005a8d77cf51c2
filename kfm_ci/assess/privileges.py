"""Rights that differ after a migration, however its statements changed them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from kfm_ci import phrases
from kfm_ci.assess import row_security, server_rights
from kfm_ci.assess.case import SHOWN, Case
from kfm_ci.assess.privileged_statements import listed, name, rights_finding
from kfm_ci.evidence.privileges import RightChange
from kfm_ci.model import Finding, Place, Severity
from kfm_ci.rules.privileges.granted_to_public import GRANTED_TO_PUBLIC
from kfm_ci.rules.privileges.outside_database import OUTSIDE_DATABASE
from kfm_ci.rules.privileges.security_definer_search_path import SECURITY_DEFINER_SEARCH_PATH
from kfm_ci.rules.privileges.server_settings import SERVER_SETTINGS
from kfm_ci.rules.privileges.untrusted_language import UNTRUSTED_LANGUAGE
from kfm_ci.rules.server.privileges import (
    OWNER_CHANGED,
    PRIVILEGES_REVOKED,
    PRIVILEGES_WIDENED,
)

PUBLIC = "public"
CONFIRMED = frozenset(
    rule.id
    for rule in (GRANTED_TO_PUBLIC, OUTSIDE_DATABASE, SECURITY_DEFINER_SEARCH_PATH, SERVER_SETTINGS, UNTRUSTED_LANGUAGE)
)
"""Static rules whose finding is replaced by that of the catalogs."""
_HARMLESS_FOR_PUBLIC = frozenset({"SELECT", "USAGE", "CONNECT", "TEMPORARY"})
_ROUTINES = ("function ", "procedure ", "aggregate ")
_USUAL_FOR_PUBLIC = {"function": "EXECUTE", "procedure": "EXECUTE", "aggregate": "EXECUTE"}
"""Privileges that PostgreSQL itself grants to PUBLIC on new objects, by kind."""
_WITH_ROWS = ("table ", "foreign table ", "view ", "materialized view ", "column ", "sequence ")
_GRANT_OPTION = " WITH GRANT OPTION"
_HELP_GRANT = "Grant to the role that needs it: `grant … to …;`."
_HELP_REVOKE = "Release an application that does not need the right first; then revoke it in a later migration."
_HELP_INFRASTRUCTURE = "Do it in the infrastructure's code, not in a migration."


def check(case: Case) -> Iterator[Finding]:
    """Yield findings on rights that differ after the migration, each at the statement that changed them."""
    groups: dict[tuple[str, Severity, Place, str], list[str]] = {}
    first: list[Finding] = []
    for found in case.rights.changes():
        # no application uses what an earlier migration of the pull request created
        change = replace(found, existing=found.existing and not case.is_new(found.right.object))
        for finding in _CHECKS[change.right.aspect](case, change):
            # one statement can change the same right of hundreds of objects
            key = (finding.rule, finding.severity, finding.place, finding.message.replace(name(change.right), "\0"))
            if key not in groups:
                first.append(finding)
            groups.setdefault(key, []).append(change.right.object)
    for finding, ((*_, message), names) in zip(first, groups.items(), strict=True):
        yield replace(finding, message=message.replace("\0", phrases.quoted(list(dict.fromkeys(names)), SHOWN)))


def without_confirmed(static: Iterable[Finding], observed: Iterable[Finding]) -> list[Finding]:
    """Return the static findings without those that an observed finding of the same rule and statement replaces."""
    facts = [item for item in observed if item.rule in CONFIRMED]
    return [item for item in static if not any(_is_same(item, fact) for fact in facts)]


def _is_same(one: Finding, other: Finding) -> bool:
    if (one.rule, one.migration, one.place.file) != (other.rule, other.migration, other.place.file):
        return False
    if one.place.line is None or other.place.line is None:
        return True
    return one.place.line <= (other.place.end_line or other.place.line) and other.place.line <= (
        one.place.end_line or one.place.line
    )


def _check_privileges(case: Case, change: RightChange) -> Iterator[Finding]:
    right, is_public = change.right, change.right.holder == PUBLIC
    gained = _gained(case, change)
    if gained and right.key.startswith("parameter "):
        message = f"`{right.holder}` may change the server setting of {name(right)}."
        yield rights_finding(case, SERVER_SETTINGS, change, message, help=_HELP_INFRASTRUCTURE)
    elif gained and is_public:
        harmless = not change.existing or (
            _HARMLESS_FOR_PUBLIC.issuperset(gained) and not right.object.startswith(_ROUTINES)
        )
        yield rights_finding(
            case,
            GRANTED_TO_PUBLIC,
            change,
            f"Every role that can connect has {listed(gained)} on {name(right)} after the migration.",
            help=_HELP_GRANT,
            severity=Severity.WARNING if harmless else Severity.ERROR,
        )
    elif gained and change.existing:
        may_pass_on = any(value.endswith(_GRANT_OPTION) for value in gained)
        yield rights_finding(
            case,
            PRIVILEGES_WIDENED,
            change,
            f"Role `{right.holder}` gains {listed(gained)} on {name(right)}.",
            help=f"Check that `{right.holder}` needs it.",
            severity=Severity.WARNING if may_pass_on else Severity.NOTE,
        )
    lost = tuple(value for value in change.lost if not value.endswith(_GRANT_OPTION))
    if lost and change.existing:
        yield _revoked(case, change, lost)


def _gained(case: Case, change: RightChange) -> tuple[str, ...]:
    """Return the gained privileges, without those that every new object has."""
    right = change.right
    kind = right.object.partition(" ")[0]
    if right.holder == PUBLIC and not change.existing:
        usual = {_USUAL_FOR_PUBLIC.get(kind, ""), "USAGE" if kind in {"type", "domain", "language"} else ""}
        return tuple(value for value in change.gained if value not in usual)
    return change.gained


def _revoked(case: Case, change: RightChange, lost: tuple[str, ...]) -> Finding:
    right, is_public = change.right, change.right.holder == PUBLIC
    severity = Severity.ERROR
    if is_public:
        severity = Severity.WARNING if right.object.startswith(_WITH_ROWS) else Severity.NOTE
    holder = "Every role without a grant of its own" if is_public else f"Role `{right.holder}`"
    if right.aspect == "owner privileges":
        holder = "The owner"
    return rights_finding(
        case,
        PRIVILEGES_REVOKED,
        change,
        f"{holder} loses {listed(lost)} on {name(right)}: its statements fail.",
        help=_HELP_REVOKE,
        severity=severity,
    )


def _check_owner_privileges(case: Case, change: RightChange) -> Iterator[Finding]:
    if change.lost and change.existing:
        yield _revoked(case, change, change.lost)


def _check_owner(case: Case, change: RightChange) -> Iterator[Finding]:
    if change.before is not None and change.after is not None:
        yield rights_finding(
            case,
            OWNER_CHANGED,
            change,
            f"The owner of {name(change.right)} changes from `{change.before.values[0]}` to "
            f"`{change.after.values[0]}`.",
            help=_HELP_INFRASTRUCTURE,
            severity=Severity.WARNING,
        )


def _check_default_privileges(case: Case, change: RightChange) -> Iterator[Finding]:
    right, gained = change.right, change.gained
    if right.holder == PUBLIC:
        # a global entry repeats what PostgreSQL grants to PUBLIC anyway
        usual = {"functions": "EXECUTE", "types": "USAGE"}.get(right.object)
        gained = tuple(value for value in gained if value != usual)
    if not gained:
        return
    message = f"has {listed(gained)} on all {right.object} that are created later."
    if right.holder == PUBLIC:
        yield rights_finding(
            case, GRANTED_TO_PUBLIC, change, f"Every role that can connect {message}", help=_HELP_GRANT
        )
        return
    yield rights_finding(
        case,
        PRIVILEGES_WIDENED,
        change,
        f"Role `{right.holder}` {message}",
        help="Grant on each new table instead, in the migration that creates it.",
        severity=Severity.WARNING,
    )


_CHECKS: Mapping[str, Callable[[Case, RightChange], Iterator[Finding]]] = {
    "privileges": _check_privileges,
    "owner privileges": _check_owner_privileges,
    "owner": _check_owner,
    "default privileges": _check_default_privileges,
    "row security": row_security.check_row_security,
    "policy": row_security.check_policy,
    "view security": row_security.check_view,
    "function security": server_rights.check_function,
    "role": server_rights.check_server,
    "membership": server_rights.check_server,
    "setting": server_rights.check_server,
    "remote": server_rights.check_remote,
    "extension": server_rights.check_extension,
    "publication": server_rights.check_wide_object,
    "event trigger": server_rights.check_wide_object,
}
