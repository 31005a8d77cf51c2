"""Rules on rights: privileges, owners and row security that differ after a migration."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text);\n"
_SECURED = _WIDGETS + "alter table widgets enable row level security;"
_GOOD = "alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;"

PRIVILEGES_WIDENED = RuleInfo(
    id="privileges-widened",
    hazard=Hazard.PRIVILEGE,
    decided_by=DecidedBy.SERVER,
    title="Gives a role more rights",
    why=(
        "PostgreSQL's catalogs show rights after the migration that no role had before it. The grant option, "
        "default privileges, publications and event triggers reach further than one table. Check that the role needs "
        "them."
    ),
    severities=(Severity.WARNING, Severity.NOTE),
    base=_WIDGETS,
    bad="grant select on widgets to pg_monitor;\n-- down:\nrevoke select on widgets from pg_monitor;",
    good=_GOOD,
)

PRIVILEGES_REVOKED = RuleInfo(
    id="privileges-revoked",
    hazard=Hazard.BREAKS_CLIENTS,
    decided_by=DecidedBy.SERVER,
    title="Takes rights away from a role",
    why=(
        "Statements of the running release that use the right fail from the moment of the commit. This also happens "
        "when an object is dropped and created again without its grants. Release an application that no longer needs "
        "the right first."
    ),
    severities=(Severity.ERROR, Severity.WARNING, Severity.NOTE),
    base=_WIDGETS + "grant select on widgets to pg_monitor;",
    bad="revoke select on widgets from pg_monitor;\n-- down:\ngrant select on widgets to pg_monitor;",
    good=_GOOD,
)

ROW_SECURITY_WEAKENED = RuleInfo(
    id="row-security-weakened",
    hazard=Hazard.PRIVILEGE,
    decided_by=DecidedBy.SERVER,
    title="Shows rows that row security hid",
    why=(
        "Without its policies, a table shows every row to every role that may read it. A view without "
        "`security_invoker` reads with its owner's rights. Keep row security enabled and add a narrower policy."
    ),
    severities=(Severity.ERROR, Severity.WARNING),
    base=_SECURED,
    bad="alter table widgets disable row level security;\n-- down:\nalter table widgets enable row level security;",
    good=_GOOD,
)

OWNER_CHANGED = RuleInfo(
    id="owner-changed",
    hazard=Hazard.PRIVILEGE,
    decided_by=DecidedBy.SERVER,
    title="Changes the owner of an object",
    why=(
        "The new owner may read, change and drop the object, and the old one may not any more. Later migrations of "
        "the old owner fail. Change owners in the infrastructure's code, together with the roles."
    ),
    severities=(Severity.WARNING,),
)

PRIVILEGE_RULES: tuple[RuleInfo, ...] = (
    PRIVILEGES_WIDENED,
    PRIVILEGES_REVOKED,
    ROW_SECURITY_WEAKENED,
    OWNER_CHANGED,
)
