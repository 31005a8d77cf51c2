"""One migration's section of the comment: impact, locks, risk, rollback, statements."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.evidence.model import Evidence, MigrationEvidence, SchemaDiff
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.model import Mode, Outcome, Result
from kfm_ci.report.escape import code, inline, prose, summary
from kfm_ci.report.lock_impact import Hold, blocking, change_words, duration, holds, span, strongest, tables_touched
from kfm_ci.report.rollback_plan import RollbackPlan, retreat, verdict

_ROWS = 20


def write(evidence: Evidence, migration: MigrationEvidence) -> str:
    """Return one migration's section as Markdown, folded where it has no finding."""
    if evidence.result is Result.PASS:
        return folded(_in_short(migration), _body(migration))
    return f"### {code(migration.id)}\n\n{_body(migration)}"


def _in_short(migration: MigrationEvidence) -> str:
    assessed = migration.assessed
    risk = f"risk {assessed.risk.value}, {assessed.rollout.value}" if assessed else "not assessed"
    locked = ", ".join(hold.relation for hold in blocking(migration)[:3])
    return (
        f"{migration.id}: {risk}; rollback {verdict(migration)}; {f'blocks {locked}' if locked else 'blocks nothing'}"
    )


def _body(migration: MigrationEvidence) -> str:
    parts = [_facts(migration), _risk(migration)]
    waits = blocking(migration)
    if waits:
        parts.append(_lock_table(waits))
    parts.append(_impact(migration))
    if migration.apply.outcome is Outcome.APPLIED or migration.rollback.commands:
        parts.append(_rollback(retreat(migration), migration.rollback.message))
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
        lines += ["", f"… and {len(everything) - limit} more in the report."]
    return "\n".join(lines)


def _facts(migration: MigrationEvidence) -> str:
    apply = migration.apply
    if apply.outcome is Outcome.APPLIED:
        took = f" in {duration(apply.duration_ms)}" if apply.duration_ms is not None else ""
        done = f"Applied{took} ({apply.mode.value})"
    elif apply.outcome is Outcome.FAILED:
        done = f"**Failed**: {inline(apply.error or 'no message from the server', 400)}"
    else:
        done = "**Not run**: not observed"
    touched = tables_touched(migration)
    named = ", ".join(code(name, 120) for name in touched[:8]) + (f" and {len(touched) - 8} more" * (len(touched) > 8))
    return f"{done}. Schema: {change_words(migration.schema_diff)}. Tables touched: {named or 'none'}."


def _risk(migration: MigrationEvidence) -> str:
    declared, assessed = migration.declared, migration.assessed
    says = (
        f"{declared.risk.value if declared.risk else 'nothing'}"
        f" / {declared.rollout.value if declared.rollout else 'nothing'}"
    )
    if assessed is None:
        return f"**Risk and rollout:** declared {says}; not assessed."
    reasons = "".join(f"\n- {inline(reason, 240)}" for reason in assessed.reasons[:8])
    more = f"\n- and {len(assessed.reasons) - 8} more" if len(assessed.reasons) > 8 else ""
    told = f"**Risk and rollout:** assessed **{assessed.risk.value} / {assessed.rollout.value}**, declared {says}."
    return f"{told}\n{reasons}{more}" if reasons else told


def _lock_table(found: tuple[Hold, ...]) -> str:
    rows = (
        (
            code(hold.relation, 120),
            hold.mode.value,
            "waits" if "reads" in hold.mode.blocks else "goes on",
            "waits" if "writes" in hold.mode.blocks else "goes on",
            f"{code(hold.taken.kind, 60)} {span(hold.taken.line, hold.taken.end_line)}",
            _while(hold),
            duration(hold.duration_ms),
        )
        for hold in found
    )
    return table(("Relation", "Lock", "Reads", "Writes", "Taken by", "While", "Held here"), rows)


def _while(hold: Hold) -> str:
    later = len(hold.under) - 1
    work = f" ({', '.join(hold.work)})" if hold.work else ""
    return f"it and {later} more run, until the commit{work}" if later else f"it runs{work}"


def _impact(migration: MigrationEvidence) -> str:
    said = f"Declared impact: {inline(migration.declared.impact)}\n\n" if migration.declared.impact else ""
    ops = f"Operational steps: {inline(migration.declared.ops)}\n\n" if migration.declared.ops else ""
    if migration.schema_diff.empty:
        return (said + ops).strip()
    title = f"Schema: {change_words(migration.schema_diff)}"
    return f"{said}{ops}{folded(title, _difference(migration.schema_diff))}"


def _difference(diff: SchemaDiff) -> str:
    listed = [f"- added {code(name)}" for name in diff.added]
    listed += [f"- removed {code(name)}" for name in diff.removed]
    listed += [
        f"- changed {code(change.name)}: {code(change.before, 160)} → {code(change.after, 160)}"
        for change in diff.changed
    ]
    more = [f"- and {len(listed) - 40} more in the report"] if len(listed) > 40 else []
    return "\n".join([*listed[:40], *more])


def _rollback(way: RollbackPlan, message: str | None) -> str:
    body = [f"**{way.verdict}**" + (f": {prose(message, 400)}" if message else "")]
    loses = "\n".join(f"- {prose(price, 240)}" for price in way.loses[:_ROWS])
    body.append(
        f"Data loss on rollback:\n\n{loses}" if loses else "Data loss on rollback: none was found." * way.proven
    )
    if way.locks:
        rows = (
            (code(hold.relation, 120), hold.mode.value, hold.waits, duration(hold.duration_ms)) for hold in way.locks
        )
        body.append("Locks of the rollback:\n\n" + table(("Relation", "Lock", "Who waits", "Held here"), rows))
    body.append(
        "If the rollback fails midway:\n\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(way.midway, start=1))
    )
    return folded(f"Rollback: {way.verdict}", "\n\n".join(part for part in body if part), opened=not way.proven)


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
    return table(("Where", "Statement", "Took", "Locks", "Work"), rows, 30)


def _worst(item: StatementEvidence) -> list[Hold]:
    found = strongest(holds((item,), Mode.AUTOCOMMIT))
    return [hold for hold in found if hold.preexisting and hold.kind != "index"][:4]


def _work(item: StatementEvidence) -> str:
    words = [f"rewrites {code(name, 80)}" for name in item.effects.rewrites[:3]]
    words += [f"scans {code(name, 80)}" for name in item.effects.scans[:3]]
    words += [f"builds {code(name, 80)}" for name in item.effects.index_builds[:3]]
    words += [f"{item.rows} rows"] if item.rows else []
    words += [f"**failed** {inline(item.error, 160)}"] if item.error else []
    where = f" (in {inline(item.within, 80)})" if item.within else ""
    return (", ".join(words) or "catalog only") + where
