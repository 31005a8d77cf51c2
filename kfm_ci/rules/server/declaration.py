"""Rules that compare declarations with the evidence, and the policy with its base."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, RuleInfo

_WIDGETS = "create table widgets (id bigint primary key, name text);\ninsert into widgets values (1, 'a');"
_GOOD = "alter table widgets add column title text;\n-- down:\nalter table widgets drop column title;"

UNDERSTATED_RISK = RuleInfo(
    id="understated-risk",
    hazard=Hazard.UNDERSTATED_RISK,
    decided_by=DecidedBy.SERVER,
    title="Header declares less risk than observed",
    why=(
        "Reviewers and release engineers decide by `risk` and `rollout`. The server did more than the"
        " header declares. Correct the header or make the change safer."
    ),
    base=_WIDGETS,
    bad="alter table widgets drop column name;\n-- down:\nalter table widgets add column name text;",
    good=_GOOD,
)

OVERSTATED_RISK = RuleInfo(
    id="overstated-risk",
    hazard=Hazard.UNDERSTATED_RISK,
    decided_by=DecidedBy.SERVER,
    title="Header declares more risk than observed",
    why=(
        "A harmless change that is declared as dangerous teaches reviewers to ignore the declaration."
        " Lower `risk` or `rollout`; this is a note."
    ),
    severities=(Severity.NOTE,),
)

POLICY_CHANGED = RuleInfo(
    id="policy-changed",
    hazard=Hazard.HEADER,
    decided_by=DecidedBy.SERVER,
    title="Pull request changes the policy",
    why=(
        "kfm-ci checks a pull request with the policy of its base, so that it cannot loosen its own "
        "check. The new policy applies after the merge; this is a note."
    ),
    severities=(Severity.NOTE,),
)

DECLARATION_RULES: tuple[RuleInfo, ...] = (UNDERSTATED_RISK, OVERSTATED_RISK, POLICY_CHANGED)
