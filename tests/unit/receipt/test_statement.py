from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from evidence_samples import UP, calm, dangerous, digest, hostile, nothing_new
from hypothesis import given, settings
from hypothesis import strategies as st

from kfm_ci.evidence.model import Evidence
from kfm_ci.model import Outcome, Result
from kfm_ci.receipt import statement

WHO = {"claimed": {"actor": {"login": "octocat", "id": "583231"}}}
WHY = {"event": "pull_request", "pull_request": {"number": 812}}


def build(evidence: Evidence, **more: Any) -> bytes:
    return statement.build(
        evidence,
        config_digest=digest("config"),
        policy_digest=digest("policy"),
        smoke_digest=None,
        byproducts={"gate.json": digest("gate"), "comment.md": digest("comment")},
        **({"who": WHO, "why": WHY} | more),
    )


def failed(error: str) -> Evidence:
    evidence = dangerous()
    broken = replace(
        evidence.migrations[1], apply=replace(evidence.migrations[1].apply, outcome=Outcome.FAILED, error=error)
    )
    return replace(evidence, migrations=(evidence.migrations[0], broken))


@pytest.mark.parametrize("evidence", [calm(), dangerous(), nothing_new(), failed("23502 x"), hostile("\udc80\u202e")])
def test_a_receipt_is_what_its_schema_says(evidence: Evidence) -> None:
    jsonschema.Draft202012Validator.check_schema(statement.SCHEMA)
    jsonschema.Draft202012Validator(statement.SCHEMA).validate(statement.parse(build(evidence)))


def test_the_bytes_are_deterministic() -> None:
    data = build(dangerous())
    assert data == build(dangerous())
    assert data.endswith(b"}\n") and data.count(b"\n") == 1
    value = json.loads(data)
    assert data == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def test_the_subjects_are_the_plan() -> None:
    assert statement.parse(build(dangerous()))["subject"] == [{"name": UP, "digest": {"sha256": digest("up").hex}}]


def test_the_migration_speaks_the_words_of_governance() -> None:
    (item,) = statement.parse(build(calm()))["predicate"]["migrations"]
    expected = {
        "migration_id": "20260226_0800__add_notes",
        "git_sha": "a" * 40,
        "applied_at": "2026-02-25T12:00:09Z",
        "db_target": "ephemeral",
        "tool": "kfm-ci 0.1.0",
        "checksums": {"up": digest("up").hex, "down": digest("down").hex},
        "result": "success",
    }
    assert {key: item[key] for key in expected} == expected


def test_a_pass_is_a_success_and_nothing_else_is() -> None:
    for result in Result:
        body = statement.parse(build(replace(calm(), result=result)))["predicate"]
        assert body["result"] == ("success" if result is Result.PASS else "failure")
        assert (body["failure"] is None) == (result is Result.PASS)


def test_a_refused_migration_that_applied_is_no_success() -> None:
    (item,) = statement.parse(build(dangerous()))["predicate"]["migrations"]
    assert (item["outcome"], item["result"]) == ("applied", "failure")


def test_of_an_error_only_its_sqlstate_is_kept() -> None:
    data = build(failed("23502 null value in row (7, secret@example.com)"))
    body = statement.parse(data)["predicate"]
    assert body["failure"]["sqlstate"] == "23502" and body["migrations"][0]["sqlstate"] == "23502"
    assert b"secret" not in data


@pytest.mark.parametrize("error", ["ERROR: no state", "null value 23502", "235020", "2350", ""])
def test_what_only_looks_like_a_state_is_not_kept(error: str) -> None:
    assert statement.parse(build(failed(error)))["predicate"]["failure"]["sqlstate"] is None


def test_no_text_of_the_change_reaches_the_receipt() -> None:
    evidence = dangerous()
    secret = "alter table secret_hunter2"
    stages = tuple(replace(item, message=secret) for item in evidence.stages)
    findings = tuple(replace(item, message=secret, help=secret) for item in evidence.findings)
    migration = hostile(secret).migrations[0]
    bad = replace(migration, id="m", up_path="m.sql", down_path=None)
    told = replace(
        evidence,
        stages=stages,
        findings=findings,
        migrations=(bad,),
        failure=f"KFM-E21: {secret}",
        risk_reasons=(secret,),
        engine=replace(evidence.engine, detail=secret) if evidence.engine else None,
    )
    data = build(told)
    assert b"hunter2" not in data
    assert statement.parse(data)["predicate"]["failure"]["code"] == "KFM-E21"


def test_credentials_in_claims_are_removed_and_long_claims_cut() -> None:
    data = build(calm(), why={"reason": "see postgres://bob:hunter2@db/x " + "y" * 500})
    reason = statement.parse(data)["predicate"]["why"]["reason"]
    assert "hunter2" not in reason and reason.startswith("see postgres://db/x") and len(reason) == 280


def test_a_float_among_the_claims_is_refused() -> None:
    with pytest.raises(statement.MalformedJson):
        build(calm(), who={"load": 0.5})


def test_a_promotion_names_its_target_and_its_place_in_the_chain() -> None:
    data = build(
        calm(),
        target=statement.Target(kind="apply", environment="staging", identity=digest("db")),
        link=statement.Link(sequence=118, previous=digest("before"), receipts={"gate": digest("gate")}),
    )
    body = statement.parse(data)["predicate"]
    assert body["chain"] == {"sequence": 118, "previous": {"sha256": digest("before").hex}}
    assert body["migrations"][0]["db_target"] == "staging" and body["stage"]["kind"] == "apply"
    assert body["inputs"]["receipts"] == [{"name": "gate", "digest": {"sha256": digest("gate").hex}}]


def test_who_advised_is_named_with_the_bytes_of_its_program() -> None:
    asked, alone = (
        statement.parse(build(evidence))["predicate"]["inputs"]["linter"]
        for evidence in (dangerous(), replace(dangerous(), linter=None))
    )
    assert (
        asked == {"name": "squawk", "version": "2.70.0", "digest": {"sha256": digest("squawk").hex}} and alone is None
    )
    assert f"linter    squawk 2.70.0 sha256 {digest('squawk').hex}" in statement.show(build(dangerous()))


def test_a_key_that_stands_twice_is_refused() -> None:
    data = build(dangerous())
    altered = data.replace(b'"result":"failure"', b'"result":"failure","result":"success"')
    assert altered != data
    with pytest.raises(statement.MalformedJson):
        statement.parse(altered)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"a":NaN}',
        b'{"a":1.5}',
        b'{"a":1e3}',
        b'{"a":Infinity}',
        b'{"a":1,"a":2}',
        b"[" * 100_000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
    ],
)
def test_what_readers_could_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(statement.MalformedJson):
        statement.parse(data)


@pytest.mark.parametrize("path", ["_type", "predicateType", "subject", "predicate"])
def test_a_statement_without_its_parts_is_refused(path: str) -> None:
    value = json.loads(build(calm()))
    del value[path]
    with pytest.raises(statement.MalformedJson):
        statement.parse(json.dumps(value).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_parsing_crash(data: bytes) -> None:
    with pytest.raises(statement.MalformedJson):
        statement.parse(data)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40))
def test_a_receipt_is_written_whatever_the_names(text: str) -> None:
    assert statement.parse(build(hostile(text), why={"reason": text}))


def test_showing_names_what_an_auditor_asks() -> None:
    text = statement.show(build(dangerous()))
    for part in (
        "result    failure",
        "ephemeral",
        "octocat",
        "20260225_1200__widen_orders",
        "KFM-E0",
        digest("up").hex,
    ):
        assert part in text


def test_showing_obeys_no_control_character() -> None:
    text = statement.show(build(calm(), why={"reason": "\x1b[2Jpassed\u202e"}))
    assert "\x1b" not in text and "\u202e" not in text and "\\u001b[2Jpassed" in text


def test_an_auditor_needs_no_database_driver() -> None:
    program = "import sys; import kfm_ci.receipt.statement; sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
