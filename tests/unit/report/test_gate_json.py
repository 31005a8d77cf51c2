from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from evidence_samples import calm, dangerous, hostile, nothing_new
from hypothesis import given, settings
from hypothesis import strategies as st

from kfm_ci.evidence.model import Evidence
from kfm_ci.model import Result
from kfm_ci.report import gate_json


def violations(document: object) -> list[str]:
    schema = gate_json.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]


@pytest.mark.parametrize("evidence", [calm(), dangerous(), nothing_new(), hostile("\udc80\x00|")])
def test_the_document_is_what_the_schema_says(evidence: Evidence) -> None:
    assert violations(json.loads(gate_json.dumps(evidence))) == []


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=30))
def test_hostile_text_keeps_the_document_valid_and_unaltered(text: str) -> None:
    document = json.loads(gate_json.dumps(hostile(text)))
    assert violations(document) == []
    assert document["migrations"][0]["id"] == text


def test_the_document_can_be_wrong() -> None:
    document = gate_json.document(dangerous())
    document["migrations"][0]["sha256"] = {}
    assert violations(document) == ["'up' is a required property"]


def test_a_changed_object_is_told_with_before_and_after() -> None:
    changed = gate_json.document(dangerous())["migrations"][1]["schema_diff"]["changed"]
    assert changed == ["column public.orders.total: integer → bigint"]


def test_a_digest_of_the_down_is_only_there_when_a_down_is() -> None:
    base, new = gate_json.document(dangerous())["migrations"]
    assert set(base["sha256"]) == {"up"} and set(new["sha256"]) == {"up", "down"}


def test_refuted_and_acknowledged_findings_stay_in_the_list() -> None:
    findings = gate_json.document(dangerous())["findings"]
    assert len(findings) == 5
    assert [item["acknowledged"] for item in findings if item["acknowledged"]] == [
        {"reason": "table has 40 rows in production"}
    ]
    assert "refuted" in {item["verdict"] for item in findings}


def test_what_a_lock_blocks_is_said() -> None:
    lock = gate_json.document(dangerous())["migrations"][1]["statements"][0]["locks"][0]
    assert lock["mode"] == "AccessExclusiveLock" and lock["blocks"] == ["reads", "writes"] and lock["preexisting"]


def test_a_run_without_a_server_has_no_engine() -> None:
    document = gate_json.document(replace(nothing_new(), result=Result.ERROR, exit_code=3))
    assert document["engine"] is None and document["result"] == "error" and document["exit_code"] == 3


def test_the_checklist_is_made_when_nobody_made_it() -> None:
    assert len(gate_json.document(dangerous())["checklist"]) == 8


def test_the_packaged_schema_names_the_published_version() -> None:
    assert gate_json.schema()["properties"]["schema"]["const"] == gate_json.SCHEMA_NAME
    assert Path(gate_json.__file__).with_name("gate.schema.json").exists()
