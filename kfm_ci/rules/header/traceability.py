"""Rule ``traceability``: change request, impact or rollback plan is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.header_keys import EXAMPLE, placeholder
from kfm_ci.analysis.pull_request_body import answer, sections
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Rollout, Severity, Strategy
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import declared_rollout, migration_finding

_URL = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?")


class Topic(StrEnum):
    """A topic that auditors ask for."""

    TICKET = "change request"
    IMPACT = "impact statement"
    ROLLBACK = "rollback strategy"
    OPS = "operational steps"


class Source(StrEnum):
    """The place of an answer."""

    HEADER = "header"
    BODY = "pull request"


SECTIONS: dict[Topic, tuple[str, ...]] = {
    Topic.TICKET: ("change request", "ticket", "issue"),
    Topic.IMPACT: ("impact", "impact statement"),
    Topic.ROLLBACK: ("rollback", "rollback strategy", "rollback plan"),
    Topic.OPS: ("operational steps", "operations", "ops"),
}
_KEYS = {Topic.TICKET: "ticket", Topic.IMPACT: "impact", Topic.ROLLBACK: "rollback", Topic.OPS: "ops"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One topic of one migration: whether it is required, and where it is answered."""

    topic: Topic
    required: bool
    source: Source | None
    """None: not answered."""


def is_ticket(value: str, pattern: str) -> bool:
    """Whether a value is a web address, or a key that the policy's pattern matches."""
    value = value.strip()
    return len(value) <= 500 and bool(_URL.fullmatch(value) or re.fullmatch(pattern, value))


def traces(change: Change, migration: Migration) -> tuple[Trace, ...]:
    """Return where each topic of a migration is answered, for this rule and for the checklist."""
    text = sections(change.body)
    wants_all = change.requirements.require_traceability
    window = declared_rollout(migration) is Rollout.WINDOW
    wanted = {
        Topic.TICKET: wants_all or change.native_format,
        Topic.IMPACT: wants_all,
        Topic.ROLLBACK: wants_all or change.native_format,
        Topic.OPS: window and (wants_all or change.native_format),
    }
    return tuple(
        Trace(topic=topic, required=wanted[topic], source=_source(change, migration, topic, text)) for topic in Topic
    )


def _source(change: Change, migration: Migration, topic: Topic, text: dict[str, str]) -> Source | None:
    pattern = change.requirements.ticket_pattern
    header = migration.header
    value = header.values.get(_KEYS[topic], "").strip() if header else ""
    if topic is Topic.TICKET:
        in_header = is_ticket(value, pattern)
    elif topic is Topic.ROLLBACK:
        in_header = header is not None and header.choice("rollback", Strategy) not in {None, Strategy.NONE.value}
    else:
        in_header = bool(value) and not placeholder(value)
    if in_header:
        return Source.HEADER
    said = [found for name in SECTIONS[topic] if (found := answer(text.get(name, "")))]
    if topic is Topic.TICKET:
        words = (word.strip("()[]<>,.;*_-") for word in " ".join(said).split())
        return Source.BODY if any(word and is_ticket(word, pattern) for word in words) else None
    return Source.BODY if said else None


TRACEABILITY = RuleInfo(
    id="traceability",
    hazard=Hazard.TRACEABILITY,
    title="Change request, impact or rollback plan is missing",
    why=(
        "Auditors ask who requested the change, how it affects users and how it is rolled back. The "
        "header or the pull request's text (`## Impact`, `## Rollback`, `## Operational steps`) "
        "answers; checkboxes and placeholders do not count. Operational steps are required only for a"
        " rollout with a maintenance window."
    ),
    bad=EXAMPLE.replace("ticket: https://example.com/tickets/12", "ticket: see chat"),
    good=EXAMPLE,
)


class Traceability:
    """Requires a change request, the impact, a rollback plan and operational steps."""

    info = TRACEABILITY

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield one finding for each new migration with an unanswered topic."""
        for migration in change.new:
            found = traces(change, migration)
            missing = [trace.topic for trace in found if trace.required and trace.source is None]
            if not missing:
                continue
            answered = [f"{trace.topic} in the {trace.source}" for trace in found if trace.source]
            answers = ", ".join(answered)
            # a maintenance window without written steps is an error only where the policy requires them
            mild = missing == [Topic.OPS] and not change.requirements.require_traceability
            yield migration_finding(
                TRACEABILITY,
                # without the migration's name, so that equal findings of many migrations are grouped
                f"The change has no {', no '.join(missing)}{f' (found: {answers})' if answered else ''}.",
                help=" ".join(_remedy(topic) for topic in missing),
                place=_place(migration, missing[0]),
                migration=migration,
                native_format=change.native_format,
                severity=Severity.WARNING if mild else None,
            )


def _remedy(topic: Topic) -> str:
    section = SECTIONS[topic][0].capitalize()
    if topic is Topic.TICKET:
        return f"Write `-- ticket:` with a URL or a key, or a section `## {section}` in the pull request."
    return f"Write `-- {_KEYS[topic]}:` in the header, or a section `## {section}` in the pull request."


def _place(migration: Migration, topic: Topic) -> Place:
    header = migration.header
    line = header.lines.get(_KEYS[topic], header.start) if header else 1
    return Place(file=migration.up_path, line=max(1, line), column=1)
