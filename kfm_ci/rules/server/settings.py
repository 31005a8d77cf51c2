"""Rules on what a change edits around its migrations: settings, directories and smoke tests."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

SETTING_CHANGED = RuleInfo(
    id="setting-changed",
    hazard=Hazard.HEADER,
    decided_by=DecidedBy.SERVER,
    title="Pull request changes a setting",
    why=(
        "A pull request must not choose how it is checked, so the base commit decides most settings. "
        "The finding shows the old and the new value. "
        "Review the edit; docs/configuration.md lists who decides each setting."
    ),
    severities=(Severity.WARNING, Severity.NOTE),
)

MIGRATIONS_MOVED = RuleInfo(
    id="migrations-moved",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.SERVER,
    title="Pull request moves the migrations directory",
    why=(
        "All migrations of the base lie in another directory, with the same bytes. "
        "kfm-ci checks the new directory; the migration tool may still read the old one. "
        "Change the tool's settings together with the directory."
    ),
    severities=(Severity.WARNING,),
)

MIGRATIONS_UNCHECKED = RuleInfo(
    id="migrations-unchecked",
    hazard=Hazard.UNANALYSABLE,
    decided_by=DecidedBy.SERVER,
    title="Migrations in another directory are not checked",
    why=(
        "kfm-ci runs the migrations of one directory and one tool, as the base commit finds them. "
        "The pull request adds or edits migrations that are read only with other settings, or in another directory. "
        "Put them into the checked directory, or run a gate of its own for them."
    ),
    severities=(Severity.ERROR, Severity.WARNING),
)

SMOKE_TEST_CHANGED = RuleInfo(
    id="smoke-test-changed",
    hazard=Hazard.SMOKE,
    decided_by=DecidedBy.SERVER,
    title="Pull request edits or removes a smoke test",
    why=(
        "A weakened assertion would let its own change pass, so the base commit's version runs as well. "
        "An edited test runs in both versions, and a removed one as it was. "
        "If the old assertion no longer holds, relax it in a pull request of its own."
    ),
    severities=(Severity.WARNING,),
)

SETTINGS_RULES: tuple[RuleInfo, ...] = (SETTING_CHANGED, MIGRATIONS_MOVED, MIGRATIONS_UNCHECKED, SMOKE_TEST_CHANGED)
