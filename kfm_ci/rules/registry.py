"""All rules with a page: static rules, reading rules and server rules."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from kfm_ci.errors import UsageError
from kfm_ci.migrations.problems import READING_RULES
from kfm_ci.model import Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules import ALL
from kfm_ci.rules.server import SERVER_RULES

SQUAWK_PREFIX = "squawk-"
"""Prefix of the ids of squawk's rules, which squawk documents."""


def unique(rules: Iterable[RuleInfo]) -> tuple[RuleInfo, ...]:
    """Return the rules in their order; raises ValueError for an id that is defined twice."""
    found: dict[str, RuleInfo] = {}
    for rule in rules:
        if rule.id in found:
            raise ValueError(f"rule id {rule.id!r} is defined twice: {found[rule.id]!r} and {rule!r}")
        found[rule.id] = rule
    return tuple(found.values())


RULES = unique((*(rule.info for rule in ALL), *READING_RULES, *SERVER_RULES))
"""All rules, in the order of the list."""


def known(keys: Iterable[str], *, where: str) -> None:
    """Raise UsageError for a key of ``[policy.severity]`` that is neither a rule id nor a hazard."""
    names = {rule.id for rule in RULES} | {hazard.value for hazard in Hazard}
    for key in keys:
        if key in names or key.startswith(SQUAWK_PREFIX):
            continue
        near = difflib.get_close_matches(key, sorted(names), n=1)
        raise UsageError(
            code="KFM-U03",
            where=where,
            message="The key in [policy.severity] is not a rule or hazard.",
            got=key,
            help=f"Write `{near[0]}` if that is meant." if near else "Run `kfm-ci rules` for the list.",
        )
