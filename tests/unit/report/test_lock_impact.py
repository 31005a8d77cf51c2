from __future__ import annotations

from dataclasses import replace

from evidence_samples import calm, dangerous, hostile, widening

from kfm_ci.evidence.statement_evidence import LockEvidence, LockMode
from kfm_ci.model import Mode
from kfm_ci.report import lock_impact, lock_timeline, mermaid


def test_a_lock_in_a_transaction_is_held_until_its_end() -> None:
    (hold,) = lock_impact.blocking(widening())
    assert (hold.relation, hold.mode, hold.duration_ms) == ("public.orders", LockMode.ACCESS_EXCLUSIVE, 52.0)
    assert [item.kind for item in hold.under] == ["ALTER TABLE", "UPDATE", "CREATE TABLE"]
    assert hold.work == ("rewrite", "scan")


def test_a_lock_outside_a_transaction_ends_with_its_statement() -> None:
    migration = widening()
    (hold,) = lock_impact.blocking(replace(migration, apply=replace(migration.apply, mode=Mode.AUTOCOMMIT)))
    assert hold.duration_ms == 42.5 and len(hold.under) == 1


def test_what_the_change_itself_created_blocks_nobody() -> None:
    assert lock_impact.blocking(calm().new[0]) == ()


def test_tables_touched_are_those_written_or_altered_and_no_indexes() -> None:
    assert lock_impact.tables_touched(widening()) == ("public.customers", "public.notes", "public.orders")


def test_a_bar_starts_where_its_statement_does() -> None:
    drawn = lock_timeline.draw(widening())
    assert drawn is not None
    assert [(lane.relation, lane.worst) for lane in drawn.lanes] == [
        ("public.orders", "reads"),
        ("public.customers", "none"),
    ]
    bar = drawn.lanes[1].bars[0]
    assert (bar.x, bar.width) == (round(42.5 / 52 * 1000), round(9.5 / 52 * 1000))


def test_instant_statements_are_drawn_too() -> None:
    migration = widening()
    instant = tuple(replace(item, duration_ms=0.0) for item in migration.statements)
    drawn = lock_timeline.draw(replace(migration, statements=instant))
    assert drawn is not None and all(bar.x + bar.width <= 1000 for lane in drawn.lanes for bar in lane.bars)


def test_the_entity_diagram_relates_only_what_it_shows() -> None:
    evidence = dangerous()
    source = mermaid.entities(evidence.tables) or ""
    assert '"public.customers" ||--o{ "public.orders" : has' in source
    assert "numeric_10_2 total" in source and "bigint id PK" in source
    assert "||--" not in (mermaid.entities(evidence.tables[:1]) or "")


def test_a_gantt_is_only_drawn_when_somebody_waits() -> None:
    assert mermaid.locks(calm()) is None
    drawn = mermaid.locks(dangerous()) or ""
    assert "crit, 0, 52" in drawn and "milliseconds" in drawn


def test_a_weaker_lock_before_a_stronger_one_has_a_bar_of_its_own() -> None:
    evidence, migration = dangerous(), widening()
    first, *rest = migration.statements
    weaker = replace(
        first,
        locks=LockEvidence(taken=tuple(replace(lock, mode=LockMode.SHARE) for lock in first.locks.taken)),
        duration_ms=8.0,
    )
    drawn = mermaid.locks(replace(evidence, migrations=(replace(migration, statements=(weaker, first, *rest)),))) or ""
    assert "writes - line" in drawn and ": 0, 60" in drawn and ": crit, 8, 60" in drawn


def test_diagrams_of_hostile_names_keep_their_lines() -> None:
    evil = hostile('x"}\n%%{init: {}}%%\nclick a href "javascript:x" ; #')
    for source in (mermaid.entities(evil.tables), mermaid.locks(evil)):
        assert source is not None
        assert "%%" not in source and "\nclick" not in source and "javascript:" not in source
