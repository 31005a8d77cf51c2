from __future__ import annotations

import json

import pytest
from evidence_samples import UP, calm, dangerous, hostile
from pydantic import ValidationError
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from kfm_ci.evidence.model import Evidence
from kfm_ci.report import sarif


def test_levels_places_and_rules_agree() -> None:
    (run,) = sarif.document(dangerous())["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    rewrite = next(result for result in run["results"] if result["ruleId"] == "observed-rewrite")
    assert rewrite["level"] == "error"
    location = rewrite["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": UP, "uriBaseId": "%SRCROOT%"}
    assert location["region"] == {"startLine": 12, "startColumn": 1, "endLine": 14}


def test_an_acknowledgement_is_a_suppression_with_its_reason() -> None:
    results = sarif.document(dangerous())["runs"][0]["results"]
    suppressed = [result["suppressions"] for result in results if "suppressions" in result]
    assert suppressed == [
        [{"kind": "inSource", "status": "accepted", "justification": "table has 40 rows in production"}]
    ]


def test_a_refuted_finding_raises_no_alert() -> None:
    results = sarif.document(dangerous())["runs"][0]["results"]
    assert "maybe-scan" not in {result["ruleId"] for result in results}


def test_odd_file_names_are_written_as_addresses() -> None:
    text = sarif.dumps(hostile("a b%#?é\udc80.sql"))
    location = json.loads(text)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "a%20b%25%23%3F%C3%A9%80.sql"


def test_every_result_has_a_file_as_code_scanning_demands() -> None:
    for result in sarif.document(dangerous())["runs"][0]["results"]:
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


@pytest.mark.parametrize(
    "evidence", [calm(), dangerous(), hostile("<&>\u202e\n`|")], ids=["calm", "dangerous", "hostile"]
)
def test_the_log_is_what_the_standard_says(evidence: Evidence) -> None:
    # The binding was made from the last draft; the standard as published calls a suppression's state its status.
    log = Sarif.model_validate_json(sarif.dumps(evidence).replace('"status": "accepted"', '"state": "accepted"'))
    assert [len(run.results or ()) for run in log.runs] == [len(sarif.document(evidence)["runs"][0]["results"])]


def test_the_standard_refuses_what_is_not_in_it() -> None:
    wrong = sarif.dumps(dangerous()).replace('"level": "error"', '"level": "fatal"')
    with pytest.raises(ValidationError, match="level"):
        Sarif.model_validate_json(wrong)
