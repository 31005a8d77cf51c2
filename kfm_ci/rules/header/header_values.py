"""Rule ``header-values``: header value that is not defined."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from enum import StrEnum

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.header_keys import EXAMPLE, headed, key_place
from kfm_ci.model import Finding, Hazard, Phase, Risk, Rollout, Strategy
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding


def _values(kind: type[StrEnum]) -> tuple[str, ...]:
    return tuple(member.value for member in kind)


CLOSED: dict[str, tuple[str, ...]] = {
    "risk": _values(Risk),
    "rollout": _values(Rollout),
    "rollback": tuple(value for value in _values(Strategy) if value != Strategy.NONE.value),
    "phase": _values(Phase),
    "transaction": ("yes", "no"),
}


HEADER_VALUES = RuleInfo(
    id="header-values",
    hazard=Hazard.HEADER,
    title="Header value that is not defined",
    why=(
        "kfm-ci compares the declared values with what the server did, and `risk: trivial` or "
        "`rollout: Safe` cannot be compared. Reviewers cannot rely on such a declaration. Use one of "
        "the values that the message lists."
    ),
    bad=EXAMPLE.replace("risk: low", "risk: trivial"),
    good=EXAMPLE,
)


class HeaderValues:
    """Requires values of enumerated keys to be defined ones."""

    info = HEADER_VALUES

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each undefined value."""
        for migration, header in headed(change):
            for key, allowed in CLOSED.items():
                value = header.values.get(key, "").strip()
                if not value or value in allowed:
                    continue
                near = difflib.get_close_matches(value.lower()[:60], allowed, n=1, cutoff=0.5)
                yield migration_finding(
                    HEADER_VALUES,
                    f"`{key}`: expected {' or '.join(allowed)}, got `{shown(value)}`.",
                    help=f"Write `{key}: {near[0]}` if that is meant." if near else f"Use one of {', '.join(allowed)}.",
                    place=key_place(migration, header, key),
                    migration=migration,
                )
