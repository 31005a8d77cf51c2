"""Check runs, code scanning and labels, held to GitHub's own description."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace

import pytest
from evidence_samples import dangerous, nothing_new
from local_github import Failure, GitHub, Make

from kfm_ci.github.check_run import CheckRun
from kfm_ci.github.code_scanning import CodeScanning
from kfm_ci.github.labels import Labels
from kfm_ci.github.publication import Unpublished
from kfm_ci.model import Place
from kfm_ci.report import sarif


def test_a_hundred_and_twenty_annotations_go_in_three_requests(github: GitHub, publication: Make) -> None:
    one = dangerous().findings[0]
    many = tuple(
        replace(one, message=str(number), acknowledged=None, place=Place(file="a.sql", line=number + 1, column=2))
        for number in range(120)
    )
    CheckRun().publish(publication(replace(dangerous(), findings=many), check_run="true", path="shop"))
    sizes = [len(sent["output"]["annotations"]) for sent in github.checks]
    assert sizes == [50, 50, 20]
    assert github.checks[0]["head_sha"] == "b" * 40 and github.checks[0]["conclusion"] == "failure"
    assert github.checks[0]["output"]["annotations"][0]["path"] == "shop/a.sql"


def test_a_finding_over_several_lines_has_no_columns(github: GitHub, publication: Make) -> None:
    place = Place(file="a.sql", line=3, column=4, end_line=9)
    found = replace(dangerous().findings[0], place=place, acknowledged=None)
    CheckRun().publish(publication(replace(dangerous(), findings=(found,)), check_run="true"))
    (annotation,) = github.checks[0]["output"]["annotations"]
    assert (annotation["start_line"], annotation["end_line"]) == (3, 9) and "start_column" not in annotation


def test_findings_reach_code_scanning_under_their_path_in_the_repository(github: GitHub, publication: Make) -> None:
    run = publication(sarif="true", path="examples/shop")
    run.files = {"findings.sarif": sarif.dumps(run.evidence).encode()}
    CodeScanning().publish(run)
    log = json.loads(gzip.decompress(base64.b64decode(github.sarifs[0]["sarif"])))
    uris = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in log["runs"][0]["results"]
    ]
    assert uris and all(uri.startswith("examples/shop/") for uri in uris)
    assert github.sarifs[0]["ref"] == "refs/pull/7/merge"


def test_a_run_without_findings_uploads_nothing(github: GitHub, publication: Make) -> None:
    with pytest.raises(Unpublished):
        CodeScanning().publish(publication(sarif="true"))
    assert github.asked == []


def test_the_label_follows_the_risk(github: GitHub, publication: Make) -> None:
    github.labels += ["bug", "migration:risk-low"]
    Labels().publish(publication(labels=True))
    assert github.labels == ["bug", "migration:risk-high"]
    Labels().publish(publication(nothing_new(), labels=True))
    assert github.labels == ["bug"]


@pytest.mark.parametrize(("channel", "permission"), [(CheckRun(), "checks: write"), (Labels(), "pull-requests: write")])
def test_a_missing_right_is_named(github: GitHub, publication: Make, channel: CheckRun, permission: str) -> None:
    github.failures.append(Failure("POST", ".", 403, times=9))
    with pytest.raises(Unpublished) as caught:
        channel.publish(publication())
    assert permission in (caught.value.help or "")
