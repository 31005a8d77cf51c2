"""One migration's section of the comment: impact, locks, risk, rollback, statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfm_ci import phrases
from kfm_ci.evidence.model import Evidence, MigrationEvidence, SchemaDiff
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.model import Mode, Outcome, Result
from kfm_ci.report.escape import code, inline, prose, summary
from kfm_ci.report.lock_impact import Hold, blocking, change_words, duration, holds, span, strongest, tables_touched
from kfm_ci.report.rollback_plan import RollbackPlan, build_plan, verdict

_ROWS = 20


def compose(evidence: Evidence, migration: MigrationEvidence) -> str:
    """Return one migration's section as Markdown, folded where it has no finding."""
    if evidence.result is Result.PASS:
        return folded(_title(migration), _body(migration))
    return f"### {code(migration.id)}\n\n{_body(migration)}"


def _title(migration: MigrationEvidence) -> str:
    assessed = migration.assessed
    risk = f"risk {assessed.risk.value}, {assessed.rollout.value}" if assessed else "not assessed"
    blocked = phrases.listed([hold.relation for hold in blocking(migration)], 3) or "nothing"
    return f"{migration.id}: {risk}; rollback {verdict(migration)}; blocks {blocked}"


def _body(migration: MigrationEvidence) -> str:
    parts = [_facts(migration), _risk(migration)]
    locks = blocking(migration)
    if locks:
        parts.append(_lock_table(locks))
    parts.append(_impact(migration))
    if migration.apply.outcome is Outcome.APPLIED or migration.rollback.commands:
        parts.append(_rollback(build_plan(migration), migration.rollback.message))
    else:
        parts.append(f"**Rollback:** {verdict(migration)}.")
    if migration.statements:
        title = f"Statements: {len(migration.statements)}, {migration.apply.mode.value}"
        parts.append(folded(title, _statements(migration.statements)))
    return "\n\n".join(part for part in parts if part)


def folded(title: str, body: str, *, opened: bool = False) -> str:
    """Return a folded section; the blank lines make its body Markdown again."""
    return f"<details{' open' if opened else ''}><summary>{summary(title)}</summary>\n\n{body}\n\n</details>"


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]], limit: int = _ROWS) -> str:
    """Return a Markdown table of escaped cells, with the number of rows beyond the limit."""
    everything = list(rows)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cells) + " |" for cells in everything[:limit]]
    if len(everything) > limit:
        lines += ["", f"…{phrases.and_more(len(everything), limit)} in the report."]
    return "\n".join(lines)


def _facts(migration: MigrationEvidence) -> str:
    apply = migration.apply
    if apply.outcome is Outcome.APPLIED:
        took = f" in {duration(apply.duration_ms)}" if apply.duration_ms is not None else ""
        outcome = f"Applied{took} ({apply.mode.value})"
    elif apply.outcome is Outcome.FAILED:
        outcome = f"**Failed**: {inline(apply.error or 'no message from the server', 400)}"
    else:
        outcome = "**Not run**: not observed"
    tables = phrases.listed([code(name, 120) for name in tables_touched(migration)], 8) or "none"
    return f"{outcome}. Schema: {change_words(migration.schema_diff)}. Tables touched: {tables}."


def _risk(migration: MigrationEvidence) -> str:
    declared, assessed = migration.declared, migration.assessed
    risk = declared.risk.value if declared.risk else "nothing"
    rollout = declared.rollout.value if declared.rollout else "nothing"
    if assessed is None:
        return f"**Risk and rollout:** declared {risk} / {rollout}; not assessed."
    text = (
        f"**Risk and rollout:** assessed **{assessed.risk.value} / {assessed.rollout.value}**, "
        f"declared {risk} / {rollout}."
    )
    return "\n".join([text, "", *_items([inline(reason, 240) for reason in assessed.reasons], 8)]).rstrip()


def _items(texts: Sequence[str], limit: int) -> list[str]:
    """Return a Markdown list, and the number of the items beyond the limit."""
    more = [f"-{phrases.and_more(len(texts), limit)} in the report"] if len(texts) > limit else []
    return [*(f"- {text}" for text in texts[:limit]), *more]


def _lock_table(found: tuple[Hold, ...]) -> str:
    rows = (
        (
            code(hold.relation, 120),
            hold.mode.value,
            "blocked" if "reads" in hold.mode.blocks else "not blocked",
            "blocked" if "writes" in hold.mode.blocks else "not blocked",
            f"{code(hold.statement.kind, 60)} {span(hold.statement.line, hold.statement.end_line)}",
            _while(hold),
            duration(hold.duration_ms),
        )
        for hold in found
    )
    return table(("Relation", "Lock", "Reads", "Writes", "Taken by", "Held while", "Held here for"), rows)


def _while(hold: Hold) -> str:
    later = len(hold.under) - 1
    work = f" ({', '.join(hold.work)})" if hold.work else ""
    return f"it and {later} more run, until COMMIT{work}" if later else f"it runs{work}"


def _impact(migration: MigrationEvidence) -> str:
    impact = f"Declared impact: {inline(migration.declared.impact)}\n\n" if migration.declared.impact else ""
    ops = f"Operational steps: {inline(migration.declared.ops)}\n\n" if migration.declared.ops else ""
    if migration.schema_diff.empty:
        return (impact + ops).strip()
    title = f"Schema: {change_words(migration.schema_diff)}"
    return f"{impact}{ops}{folded(title, _difference(migration.schema_diff))}"


def _difference(diff: SchemaDiff) -> str:
    changes = [f"added {code(name)}" for name in diff.added]
    changes += [f"removed {code(name)}" for name in diff.removed]
    changes += [
        f"changed {code(change.name)}: {code(change.before, 160)} → {code(change.after, 160)}"
        for change in diff.changed
    ]
    return "\n".join(_items(changes, 40))


def _rollback(plan: RollbackPlan, message: str | None) -> str:
    parts = [f"**{plan.verdict}**: {prose(message, 400)}" if message else f"**{plan.verdict}**"]
    if plan.data_loss:
        losses = _items([prose(text, 240) for text in plan.data_loss], _ROWS)
        parts.append("\n".join(["Data loss on rollback:", "", *losses]))
    elif plan.is_proven:
        parts.append("Data loss on rollback: none was found.")
    if plan.locks:
        rows = (
            (code(hold.relation, 120), hold.mode.value, hold.effect, duration(hold.duration_ms)) for hold in plan.locks
        )
        parts.append("Locks of the rollback:\n\n" + table(("Relation", "Lock", "Effect", "Held here for"), rows))
    steps = [f"{number}. {step}" for number, step in enumerate(plan.on_failure, start=1)]
    parts.append("\n".join(["If the rollback fails midway:", "", *steps]))
    return folded(f"Rollback: {plan.verdict}", "\n\n".join(parts), opened=not plan.is_proven)


def _statements(statements: tuple[StatementEvidence, ...]) -> str:
    rows = (
        (
            span(item.line, item.end_line),
            f"{'↳ ' * (item is not whole)}{code(item.kind, 60)}",
            duration(item.duration_ms),
            ", ".join(f"{code(lock.relation, 80)} {lock.mode.value}" for lock in _worst(item)) or "none",
            _work(item),
        )
        for whole in statements
        for item in (whole, *whole.inner)
    )
    return table(("Lines", "Statement", "Time", "Locks", "Work"), rows, 30)


def _worst(item: StatementEvidence) -> list[Hold]:
    found = strongest(holds((item,), Mode.AUTOCOMMIT))
    return [hold for hold in found if hold.preexisting and hold.kind != "index"][:4]


def _work(item: StatementEvidence) -> str:
    words = [f"rewrites {code(name, 80)}" for name in item.effects.rewrites[:3]]
    words += [f"scans {code(name, 80)}" for name in item.effects.scans[:3]]
    words += [f"builds {code(name, 80)}" for name in item.effects.index_builds[:3]]
    words += [phrases.count(item.rows, "row")] if item.rows else []
    words += [f"**failed** {inline(item.error, 160)}"] if item.error else []
    where = f" (in {inline(item.within, 80)})" if item.within else ""
    return (", ".join(words) or "catalog only") + where
