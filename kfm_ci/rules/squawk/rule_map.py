"""What squawk is asked: its rules that add to ours, in three classes, and those that only a server decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kfm_ci.model import Hazard, Severity, Verdict

PREFIX = "squawk-"
"""Stands before squawk's own name of a rule."""
PAGES = "https://squawkhq.com/docs"


class Group(StrEnum):
    """What kind of advice a rule gives."""

    COMPATIBILITY = "compatibility"
    """Removes or renames what the running application may use: the contract's severity."""
    AUTHORITY = "authority"
    """Access, replication, server settings: a warning."""
    STYLE = "style"
    """Taste: a note, one a file."""
    SUSPECT = "suspect"
    """Only a server can decide: settled by evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated:
    """One of squawk's rules, and what it means here."""

    group: Group
    hazard: Hazard
    severity: Severity | None = None
    """None: the contract's for the hazard."""
    verdict: Verdict = Verdict.FACT


def _group(group: Group, hazard: Hazard, names: str, **more: Severity | Verdict) -> dict[str, Delegated]:
    return {name: Delegated(group=group, hazard=hazard, **more) for name in names.split()}  # type: ignore[arg-type]


_MAYBE = Verdict.SUSPECTED
_NOTE, _WARNING = Severity.NOTE, Severity.WARNING

ASKED: Mapping[str, Delegated] = {
    # What is gone is read back from the catalog: a view that is dropped and made anew has broken nobody.
    **_group(
        Group.COMPATIBILITY,
        Hazard.DATA_LOSS,
        """
        ban-drop-column ban-drop-table ban-drop-schema""",
        verdict=_MAYBE,
    ),
    **_group(
        Group.COMPATIBILITY,
        Hazard.BREAKS_CLIENTS,
        """
        ban-drop-view ban-drop-function ban-drop-sequence ban-drop-type ban-drop-domain ban-drop-extension
        renaming-column renaming-table ban-set-schema""",
        verdict=_MAYBE,
    ),
    **_group(Group.COMPATIBILITY, Hazard.DATA_LOSS, "ban-drop-database ban-truncate-cascade"),
    **_group(Group.COMPATIBILITY, Hazard.DATA_DEPENDENT, "adding-required-field"),
    # Loosening is the usual first step of a safe change, and an index's new name is nobody's business.
    **_group(
        Group.COMPATIBILITY,
        Hazard.BREAKS_CLIENTS,
        """
        ban-drop-constraint ban-drop-not-null ban-drop-default ban-drop-generated-expression ban-alter-identity
        renaming-object""",
        severity=_NOTE,
    ),
    **_group(
        Group.AUTHORITY,
        Hazard.PRIVILEGE,
        """
        ban-revoke ban-alter-role-options ban-alter-system-options ban-alter-database-options ban-create-policy
        ban-drop-policy ban-alter-policy-condition ban-alter-policy-roles ban-alter-row-level-security
        ban-disable-trigger ban-replica-identity ban-alter-extension""",
        severity=_WARNING,
    ),
    **_group(Group.AUTHORITY, Hazard.BREAKS_CLIENTS, "ban-detach-inheritance", severity=_WARNING),
    # `create or replace` is how every function is changed.
    **_group(Group.AUTHORITY, Hazard.BREAKS_CLIENTS, "ban-replace-view-function", severity=_NOTE),
    **_group(
        Group.STYLE,
        Hazard.DATA_DEPENDENT,
        """
        prefer-bigint-over-int prefer-bigint-over-smallint prefer-identity prefer-text-field prefer-timestamp-tz
        ban-char-field require-enum-value-ordering ban-duplicate-column-assignments ban-create-domain-with-constraint
        ban-alter-domain-with-add-constraint""",
        severity=_NOTE,
    ),
    **_group(Group.STYLE, Hazard.NAMING, "identifier-too-long", severity=_NOTE),
    **_group(Group.SUSPECT, Hazard.TABLE_REWRITE, "adding-field-with-default changing-column-type", verdict=_MAYBE),
    **_group(Group.SUSPECT, Hazard.FULL_SCAN, "adding-not-nullable-field constraint-missing-not-valid", verdict=_MAYBE),
    **_group(
        Group.SUSPECT,
        Hazard.BLOCKS_WRITES,
        """
        adding-foreign-key-constraint require-concurrent-index-creation require-concurrent-reindex""",
        verdict=_MAYBE,
    ),
    **_group(
        Group.SUSPECT,
        Hazard.BLOCKS_READS,
        """
        disallowed-unique-constraint adding-serial-primary-key-field""",
        verdict=_MAYBE,
    ),
    # A lock for catalog changes only is a note, whoever sees it.
    **_group(
        Group.SUSPECT,
        Hazard.BLOCKS_READS,
        """
        require-concurrent-index-deletion require-concurrent-partition-detach""",
        verdict=_MAYBE,
        severity=_NOTE,
    ),
    **_group(
        Group.SUSPECT,
        Hazard.TRANSACTION,
        """
        ban-concurrent-index-creation-in-transaction ban-uncommitted-transaction transaction-nesting""",
        verdict=_MAYBE,
    ),
}
"""By squawk's own name. What is not here is not asked."""

OPT_IN = (
    "ban-alter-database-options",
    "ban-alter-extension",
    "ban-alter-policy-condition",
    "ban-alter-policy-roles",
    "ban-alter-role-options",
    "ban-alter-row-level-security",
    "ban-alter-system-options",
    "ban-create-policy",
    "ban-detach-inheritance",
    "ban-disable-trigger",
    "ban-drop-policy",
    "ban-replace-view-function",
    "ban-replica-identity",
    "ban-revoke",
)
"""Asked, but switched off unless one asks."""

GENERAL = "constraint-missing-not-valid"
"""Says of any constraint what other rules say of its kind: of two answers about one place, theirs is told."""

REFUSED = ("prefer-robust-stmts", "require-lock-timeout", "require-statement-timeout", "prefer-repack")
"""Not asked: the first advises a trap (an invalid index is taken for done), the timeouts ignore what is in effect."""

_RELEASE = "Release an application that no longer uses it first; then drop it in a migration with `phase: contract`."
_BESIDE = "Add the new one, keep both in sync and switch the application over. Drop the old one in a later migration."
REMEDIES: Mapping[str, str] = {
    **dict.fromkeys((name for name in ASKED if name.startswith("ban-drop-")), _RELEASE),
    **dict.fromkeys(("changing-column-type", "renaming-column", "renaming-table", "ban-set-schema"), _BESIDE),
}
"""What to do where squawk itself says nothing."""
AT_ONCE = (
    "Declare `rollout: requires-maintenance-window`, or create a new table with the constraint and move the rows in batches. "
    "An exclusion constraint cannot be `NOT VALID`, and PostgreSQL cannot build its index concurrently."
)
"""What to do where squawk advises what the server refuses."""
