"""Functions with the rights of their owner, and rights that reach further than the tables of the database."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.assess.case import Case
from kfm_ci.assess.privileged_statements import name, rights_finding
from kfm_ci.evidence.privileges import Right, RightChange
from kfm_ci.model import Finding, Severity
from kfm_ci.rules.privileges.outside_database import EXTENSIONS, OUTSIDE_DATABASE
from kfm_ci.rules.privileges.security_definer_search_path import SECURITY_DEFINER_SEARCH_PATH
from kfm_ci.rules.privileges.server_settings import SERVER_SETTINGS
from kfm_ci.rules.privileges.untrusted_language import UNTRUSTED_LANGUAGE
from kfm_ci.rules.server.privileges import PRIVILEGES_WIDENED

_HELP_PATH = "Add `set search_path = pg_catalog, pg_temp` and qualify the names in its body."
_HELP_INFRASTRUCTURE = "Do it in the infrastructure's code, not in a migration."


def check_function(case: Case, change: RightChange) -> Iterator[Finding]:
    """Yield findings on functions that run with the rights of their owner, and on untrusted languages."""
    right, gained = change.right, change.gained
    values = change.after.values if change.after is not None else ()
    for language in (value.removeprefix("untrusted ") for value in gained if value.startswith("untrusted ")):
        message = f"{name(right)} is written in the untrusted language `{language}`."
        yield rights_finding(case, UNTRUSTED_LANGUAGE, change, message, help="Use SQL or PL/pgSQL.")
    is_definer = "security definer" in values
    if is_definer and "search_path" not in values and {"security definer", "search_path"} & {*gained, *change.lost}:
        mild = not change.existing and ("trigger" in values or not _is_public(case, right))
        yield rights_finding(
            case,
            SECURITY_DEFINER_SEARCH_PATH,
            change,
            f"{name(right)} runs with its owner's privileges and the caller's `search_path`.",
            help=_HELP_PATH,
            severity=Severity.WARNING if mild else Severity.ERROR,
        )
    elif change.existing and "security definer" in gained:
        message = f"{name(right)} runs with its owner's privileges after the migration."
        yield rights_finding(
            case,
            PRIVILEGES_WIDENED,
            change,
            message,
            help="Grant `EXECUTE` only to the roles that need it, after `revoke … from public`.",
            severity=Severity.WARNING,
        )


def _is_public(case: Case, function: Right) -> bool:
    return any(
        right.aspect == "privileges" and right.holder == "public" and right.object == function.object
        for right in case.rights.after
    )


def check_server(case: Case, change: RightChange) -> Iterator[Finding]:
    """Yield findings on roles, their members and settings."""
    right = change.right
    what = {"membership": "the members of", "setting": "settings of"}.get(right.aspect, "")
    message = f"The migration changes {what} {name(right)} for the whole server.".replace("  ", " ")
    yield rights_finding(case, SERVER_SETTINGS, change, message, help=_HELP_INFRASTRUCTURE)


def check_remote(case: Case, change: RightChange) -> Iterator[Finding]:
    """Yield findings on foreign servers and subscriptions."""
    if change.after is not None:
        message = f"{name(change.right)} lets SQL reach another server."
        yield rights_finding(case, OUTSIDE_DATABASE, change, message, help=_HELP_INFRASTRUCTURE)


def check_extension(case: Case, change: RightChange) -> Iterator[Finding]:
    """Yield findings on extensions that reach outside the database."""
    if change.before is None and change.right.values[0] in EXTENSIONS:
        message = f"{name(change.right)} lets SQL reach outside the database."
        yield rights_finding(case, OUTSIDE_DATABASE, change, message, help=_HELP_INFRASTRUCTURE)


def check_wide_object(case: Case, change: RightChange) -> Iterator[Finding]:
    """Yield findings on publications and event triggers."""
    if change.gained or (change.before is None and change.after is not None):
        is_publication = change.right.aspect == "publication"
        effect = "sends rows to subscribers" if is_publication else "runs code at statements of other roles"
        yield rights_finding(
            case,
            PRIVILEGES_WIDENED,
            change,
            f"{name(change.right)} {effect}.",
            help="Check that all of its tables and statements are meant.",
            severity=Severity.WARNING,
        )
