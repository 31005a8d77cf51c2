"""The enabled squawk rules with their hazards, and those that the server confirms or refutes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kfm_ci.model import Hazard, Severity, Verdict

PREFIX = "squawk-"
"""Prefix of the id of a squawk rule."""
PAGES = "https://squawkhq.com/docs"


class Group(StrEnum):
    """The kind of problem that a squawk rule reports."""

    COMPATIBILITY = "compatibility"
    """Removes or renames what the running application may use: the contract's severity."""
    AUTHORITY = "authority"
    """Access, replication, server settings: a warning."""
    STYLE = "style"
    """Style: one note per file."""
    SUSPECT = "suspect"
    """The server confirms or refutes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated:
    """An enabled squawk rule with its group, hazard and severity."""

    group: Group
    hazard: Hazard
    severity: Severity | None = None
    """None: the contract's default for the hazard."""
    verdict: Verdict = Verdict.FACT


def _group(group: Group, hazard: Hazard, names: str, **more: Severity | Verdict) -> dict[str, Delegated]:
    return {name: Delegated(group=group, hazard=hazard, **more) for name in names.split()}  # type: ignore[arg-type]


_MAYBE = Verdict.SUSPECTED
_NOTE, _WARNING = Severity.NOTE, Severity.WARNING

ENABLED: Mapping[str, Delegated] = {
    # The catalog decides: a view that is dropped and recreated breaks no client.
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
    # Dropping a constraint is the usual first step of a safe change, and no client uses an index by its name.
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
    # A lock for a catalog change only is a note, as in the server rules.
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
"""Enabled rules by squawk's own name; all others are disabled."""

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
"""Enabled rules that squawk disables by default."""

GENERAL = "constraint-missing-not-valid"
"""A general rule on constraints; a specific rule for the same place has priority."""

DISABLED = ("prefer-robust-stmts", "require-lock-timeout", "require-statement-timeout", "prefer-repack")
"""Disabled: `if not exists` skips an invalid index, and squawk does not know the timeouts in effect."""

_RELEASE = "Release an application that no longer uses it first; then drop it in a migration with `phase: contract`."
_BESIDE = "Add the new one, keep both in sync and switch the application over. Drop the old one in a later migration."
REMEDIES: Mapping[str, str] = {
    **dict.fromkeys((name for name in ENABLED if name.startswith("ban-drop-")), _RELEASE),
    **dict.fromkeys(("changing-column-type", "renaming-column", "renaming-table", "ban-set-schema"), _BESIDE),
}
"""Helps for rules for which squawk prints none."""
EXCLUSION_REMEDY = (
    "Declare `rollout: requires-maintenance-window`, or create a new table with the constraint and move the "
    "rows in batches. An exclusion constraint cannot be `NOT VALID`, and PostgreSQL cannot build its index "
    "concurrently."
)
"""The help where PostgreSQL rejects what squawk recommends."""
