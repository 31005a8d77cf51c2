"""action.yml agrees with the inputs that are read and the outputs that are written."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from kfm_ci.errors import UsageError
from kfm_ci.evidence.model import Evidence
from kfm_ci.github import context, publish
from kfm_ci.github.action_inputs import Inputs, check, read
from kfm_ci.github.publication import Credentials, PublicationContext
from kfm_ci.model import Result

ACTION = yaml.safe_load((Path(__file__).resolve().parents[3] / "action.yml").read_text())


def test_every_input_is_read_with_the_default_that_is_documented() -> None:
    read = {item.name.replace("_", "-"): item.default for item in fields(Inputs)} | {
        "github-token": "${{ github.token }}"
    }
    assert {name: item["default"] for name, item in ACTION["inputs"].items()} == read


def test_every_output_is_written(tmp_path: Path) -> None:
    publication = PublicationContext(
        context=context.Context(),
        inputs=Inputs(),
        credentials=Credentials(),
        out=tmp_path,
        log=io.StringIO(),
        evidence=Evidence(result=Result.PASS, exit_code=0, tool_version="1"),
    )
    assert publish.outputs(publication).keys() == ACTION["outputs"].keys()


def test_the_action_on_the_runner_takes_and_gives_the_same() -> None:
    beside = yaml.safe_load((Path(__file__).resolve().parents[3] / "on-runner" / "action.yml").read_text())
    assert beside["inputs"] == ACTION["inputs"]
    assert {name: item["description"] for name, item in beside["outputs"].items()} == {
        name: item["description"] for name, item in ACTION["outputs"].items()
    }
    (judging,) = [step for step in beside["runs"]["steps"] if step.get("id") == "gate"]
    assert judging["env"] == {f"INPUT_{name.upper()}": f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    values = {name: item["value"].strip("${ }") for name, item in beside["outputs"].items()}
    assert {name for name, value in values.items() if value == f"steps.gate.outputs.{name}"} == {
        name for name in values if not name.startswith("receipt-artifact")
    }


def test_an_empty_input_is_one_that_was_not_given() -> None:
    assert read({"INPUT_FAIL-ON": "", "INPUT_PATH": "  "}) == Inputs()
    check(Inputs())


@pytest.mark.parametrize(("name", "value"), [("FAIL-ON", "often"), ("POSTGRES-VERSION", "17.2"), ("COMMENT", "yes")])
def test_an_invalid_input_is_reported_with_the_valid_values(name: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(read({f"INPUT_{name}": value}))
    assert name.lower() in str(caught.value) and value in str(caught.value)


def test_the_page_says_what_the_file_says() -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, root / "docs" / "generate_action.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_code_of_a_failure_to_publish_is_explained() -> None:
    root = Path(__file__).resolve().parents[3]
    code = "".join(file.read_text() for file in (root / "kfm_ci" / "github").glob("*.py"))
    page = (root / "docs" / "action.md").read_text()
    assert set(re.findall(r"KFM-G\d\d", code)) == set(re.findall(r"KFM-G\d\d", page))
