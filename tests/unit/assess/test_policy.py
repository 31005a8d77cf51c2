"""Severity, acknowledgement, phase: what counts in the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfm_ci.analysis.header_keys import EXAMPLE
from kfm_ci.assess.acknowledgement_scope import scopes
from kfm_ci.assess.policy import ACKNOWLEDGEABLE, UNUSED, apply, contracting
from kfm_ci.migrations.model import AllowComment
from kfm_ci.model import Acknowledgement, Digest, Finding, Hazard, Place, Severity, Verdict
from kfm_ci.sql.script import Script, SourceFile

TEXT = "select 1;\n-- allow\nalter table t\n  add a int,\n  add b int;\ncreate index i on t (a);\n"


def script(text: str = TEXT) -> Script:
    data = text.encode()
    return Script(file=SourceFile(path="db/a.sql", data=data, text=text, sha256=Digest.of(data)), text=text)


def allow(hazard: Hazard = Hazard.BLOCKS_WRITES, line: int = 2) -> AllowComment:
    return AllowComment(hazard=hazard, acknowledgement=Acknowledgement(reason="40 rows"), line=line)


def found(line: int = 4, hazard: Hazard = Hazard.BLOCKS_WRITES, **more: object) -> Finding:
    values: dict[str, object] = {"severity": Severity.ERROR} | more
    return Finding(rule="some-rule", hazard=hazard, message="m", place=Place(file="db/a.sql", line=line), **values)  # type: ignore[arg-type]


def judged(
    *findings: Finding, allows: tuple[AllowComment, ...] = (), severities: dict[str, str] | None = None, **more: object
):
    return apply(findings, severities=severities or {}, allows={"db/a.sql": scopes(script(), allows)}, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("line", [3, 4, 5])
def test_an_acknowledgement_covers_the_statement_below_it(line):
    result = judged(found(line), allows=(allow(),))
    assert result.findings[0].acknowledged == Acknowledgement(reason="40 rows")
    assert not result.findings[0].is_blocking and result.suppressed == {"acknowledged": 1} and len(result.findings) == 1


@pytest.mark.parametrize("other", [found(6), found(1), found(4, Hazard.BLOCKS_READS), found(None)])
def test_it_covers_no_other_statement_and_no_other_hazard(other):
    result = judged(other, allows=(allow(),))
    assert result.findings[0].is_blocking
    assert result.findings[1].rule == UNUSED and result.findings[1].severity is Severity.WARNING


def test_one_comment_silences_every_finding_of_its_hazard_in_the_statement():
    result = judged(found(3), found(5), allows=(allow(),))
    assert result.suppressed == {"acknowledged": 2} and len(result.findings) == 2


def test_a_second_comment_for_the_same_is_unused():
    assert [item.rule for item in judged(found(), allows=(allow(line=1), allow())).findings][1:] == [UNUSED]


def test_stacked_comments_cover_the_same_statement():
    result = judged(found(), found(4, Hazard.TABLE_REWRITE), allows=(allow(line=1), allow(Hazard.TABLE_REWRITE)))
    assert result.suppressed == {"acknowledged": 2} and len(result.findings) == 2


@pytest.mark.parametrize(
    "hazard",
    [
        Hazard.NAMING,
        Hazard.ORDER,
        Hazard.IMMUTABILITY,
        Hazard.HEADER,
        Hazard.MANIFEST,
        Hazard.TRACEABILITY,
        Hazard.MIGRATION_ERROR,
        Hazard.DRIFT,
        Hazard.ROLLBACK_MISSING,
        Hazard.ROLLBACK_UNPROVEN,
        Hazard.UNDERSTATED_RISK,
    ],
)
def test_what_is_wrong_with_the_whole_cannot_be_acknowledged(hazard):
    assert hazard not in ACKNOWLEDGEABLE
    result = judged(found(4, hazard), allows=(allow(hazard),), complete=False)
    assert result.findings[0].is_blocking and "cannot be acknowledged" in result.findings[1].message


def test_a_comment_below_the_last_statement_is_unused_even_on_paper():
    (unused,) = judged(allows=(allow(line=6),), complete=False).findings
    assert "there is no statement below" in unused.message


def test_on_paper_an_acknowledgement_may_be_meant_for_the_server():
    assert judged(allows=(allow(),), complete=False).findings == ()
    assert len(judged(allows=(allow(),)).findings) == 1


def test_a_refuted_finding_needs_no_acknowledgement():
    result = judged(found(verdict=Verdict.REFUTED), allows=(allow(),))
    assert result.suppressed == {"refuted": 1} and result.findings[1].rule == UNUSED


def test_a_rule_wins_over_its_hazard():
    levels = {"some-rule": "note", "blocks-writes": "warning"}
    assert judged(found(), severities=levels).findings[0].severity is Severity.NOTE
    assert judged(found(), severities={"blocks-writes": "warning"}).findings[0].severity is Severity.WARNING


def test_what_is_switched_off_is_counted():
    result = judged(found(), severities={"blocks-writes": "off"})
    assert result.findings == () and result.suppressed == {"off": 1}


def test_the_level_of_a_hazard_raises_no_note_but_that_of_a_rule_does():
    harmless = found(severity=Severity.NOTE)
    assert judged(harmless, severities={"blocks-writes": "error"}).findings[0].severity is Severity.NOTE
    assert judged(harmless, severities={"some-rule": "error"}).findings[0].severity is Severity.ERROR


def test_a_contract_step_may_remove_what_nobody_uses():
    loss = found(4, Hazard.DATA_LOSS, migration="m1")
    assert judged(loss, contracts=frozenset({"m1"})).findings[0].severity is Severity.WARNING
    assert judged(loss, contracts=frozenset({"m2"})).findings[0].severity is Severity.ERROR
    assert (
        judged(loss, contracts=frozenset({"m1"}), severities={"data-loss": "error"}).findings[0].severity
        is Severity.ERROR
    )
    assert judged(found(4, Hazard.BACKFILL, migration="m1"), contracts=frozenset({"m1"})).findings[0].is_blocking


def test_only_a_declared_contract_step_without_uses_counts(change):
    text = EXAMPLE.replace("-- dialect", "-- phase: contract\n-- dialect")
    new = change({"V1__one.up.sql": text, "V2__two.up.sql": EXAMPLE}).new
    assert contracting(new) == {"V1__one"}


@pytest.mark.parametrize("severity", [Severity.WARNING, Severity.NOTE])
def test_only_a_sure_use_holds_a_contract_step(severity):
    loss, use = (
        found(4, Hazard.DATA_LOSS, migration="m1"),
        found(4, Hazard.BREAKS_CLIENTS, migration="m1", severity=severity),
    )
    use = replace(use, rule="dropped-object-in-use")
    contracts = frozenset({"m1"})
    weighed = [item.severity for item in judged(loss, use, contracts=contracts).findings]
    assert weighed == [Severity.WARNING, severity]
    raised = judged(loss, use, contracts=contracts, severities={"dropped-object-in-use": "error"})
    assert [item.is_blocking for item in raised.findings] == [True, True]


def test_a_use_holds_its_own_migration_and_no_other():
    losses = [found(4, Hazard.DATA_LOSS, migration=name) for name in ("m1", "m2")]
    use = replace(found(4, Hazard.BREAKS_CLIENTS, migration="m1"), rule="dropped-object-in-use")
    result = judged(*losses, use, contracts=frozenset({"m1", "m2"}))
    assert [item.is_blocking for item in result.findings] == [True, False, True]


def test_a_contract_step_whose_removal_is_still_used_is_no_contract_step():
    loss, use = found(4, Hazard.DATA_LOSS, migration="m1"), found(4, Hazard.BREAKS_CLIENTS, migration="m1")
    use = replace(use, rule="dropped-object-in-use")
    contracts = frozenset({"m1"})
    assert [item.is_blocking for item in judged(loss, use, contracts=contracts).findings] == [True, True]
    accepted = judged(loss, use, contracts=contracts, allows=(allow(Hazard.BREAKS_CLIENTS),))
    assert [item.is_blocking for item in accepted.findings] == [False, False]
    assert [
        item.is_blocking
        for item in judged(loss, use, contracts=contracts, severities={"dropped-object-in-use": "off"}).findings
    ] == [False]
