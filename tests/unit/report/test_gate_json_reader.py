"""What another run left as gate.json tells the same again, and can do nothing more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_samples import calm, dangerous, nothing_new
from hypothesis import given, settings
from hypothesis import strategies as st

from kfm_ci.errors import UsageError
from kfm_ci.evidence.model import Evidence
from kfm_ci.report import gate_json, gate_json_reader
from kfm_ci.report.comment import body


@pytest.mark.parametrize("evidence", [calm(), dangerous(), nothing_new()], ids=["calm", "dangerous", "nothing new"])
def test_the_comment_of_what_was_read_is_the_comment_of_what_was_written(evidence: Evidence) -> None:
    read = gate_json_reader.loads(gate_json.dumps(evidence).encode(), where="gate.json")
    assert gate_json.document(read) == gate_json.document(evidence) | {
        "schema_digests": {"before": None, "after": None}
    }
    assert _without_links(body.compose(read)) == _without_links(body.compose(evidence))


def _without_links(comment: str) -> str:
    # the samples' own pages are kept only where they are ours
    return comment.replace("](https://", "] (https://").split("<!--", 1)[-1]


def test_a_link_of_somebody_elses_is_not_kept() -> None:
    document = gate_json.document(dangerous())
    for item in document["findings"]:
        item["docs"] = "https://evil.example/rules/x"
    read = gate_json_reader.loads(json.dumps(document).encode(), where="gate.json")
    assert {item.docs for item in read.findings} == {None} and "evil" not in body.compose(read)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"schema": "kfm-ci/gate/v1"}',
        b'{"schema": "kfm-ci/gate/v2"}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_no_gate_json_is_told_in_one_line(data: bytes) -> None:
    with pytest.raises(UsageError, match="KFM-U69 gate.json: The file is not a valid gate.json"):
        gate_json_reader.loads(data, where="gate.json")


PLACES = ("result", "risk", "migrations", "findings", "smoke", "checksums", "stages", "engine", "checklist", "tables")


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(PLACES), st.none() | st.integers() | st.text(max_size=9) | st.lists(st.integers(), max_size=2))
def test_a_value_of_another_shape_never_gets_through_unparsed(name: str, value: Any) -> None:
    document = gate_json.document(dangerous()) | {name: value}
    try:
        read = gate_json_reader.loads(json.dumps(document).encode(), where="gate.json")
    except UsageError:
        return
    assert body.compose(read).startswith(body.MARKER)
