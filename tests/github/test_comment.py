"""One comment a gate: found on any page, never somebody else's, and no failure changes the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evidence_samples import calm, dangerous, nothing_new
from local_github import Failure, GitHub, Make

from kfm_ci.evidence.model import Evidence
from kfm_ci.github import comment, publish
from kfm_ci.github.comment import Comment
from kfm_ci.github.publication import Unpublished

WRITES = ("POST /repos", "PATCH", "DELETE")


def writes(github: GitHub) -> list[str]:
    return [line.split()[0] for line in github.asked if line.startswith(WRITES)]


def test_the_second_run_updates_the_comment_of_the_first(github: GitHub, publication: Make) -> None:
    first = publication()
    Comment().publish(first)
    Comment().publish(publication(calm()))
    assert writes(github) == ["POST", "PATCH"]
    (only,) = github.comments
    assert "passed" in only["body"] and first.comment_url == only["html_url"]


def test_an_unchanged_comment_is_not_written_again(github: GitHub, publication: Make) -> None:
    Comment().publish(publication())
    github.comments[0]["body"] = github.comments[0]["body"].replace("\n", "\r\n")
    Comment().publish(publication())
    assert writes(github) == ["POST"]


def test_a_second_run_of_the_same_change_does_not_touch_its_comment(github: GitHub, publication: Make) -> None:
    """Times differ a little and the artifact is another one; nothing that a reader would want to know again."""
    for took, number in ((27.4, 1), (31.9, 2)):
        run = publication(slower(dangerous(), took))
        run.artifact_url = f"https://github.com/acme/shop/actions/runs/{number}/artifacts/{number}"
        Comment().publish(run)
    assert writes(github) == ["POST"]
    Comment().publish(publication(slower(dangerous(), 2310.0)))
    assert writes(github) == ["POST", "PATCH"], "a hundred times slower is news"


def slower(evidence: Evidence, took: float) -> Evidence:
    return replace(evidence, stages=tuple(replace(stage, duration_ms=took) for stage in evidence.stages))


def test_the_comment_is_found_behind_hundreds_of_others(github: GitHub, publication: Make) -> None:
    for number in range(230):
        github.comment(f"talk {number}", "ada")
    ours = github.comment(comment.marker(publication().key))
    for number in range(120):
        github.comment(f"more {number}", "ada")
    Comment().publish(publication())
    assert ours["body"].count("\n") > 5 and len(github.comments) == 351


def test_a_copied_marker_does_not_make_a_comment_ours(github: GitHub, publication: Make) -> None:
    theirs = github.comment(comment.marker(publication().key), "eve")
    quoting = github.comment(f"> {comment.marker(publication().key)}")
    Comment().publish(publication())
    assert len(github.comments) == 3 and "\n" not in theirs["body"] + quoting["body"]


@pytest.mark.parametrize(
    "other", [{"job": "second"}, {"path": "billing"}, {"workflow": "w"}, {"postgres_version": "15"}]
)
def test_two_gates_on_one_pull_request_have_two_comments(github: GitHub, publication: Make, other: dict) -> None:
    Comment().publish(publication())
    Comment().publish(publication(**other))
    assert len(github.comments) == 2


def test_a_comment_made_twice_is_one_again(github: GitHub, publication: Make) -> None:
    for _ in range(3):
        github.comment(comment.marker(publication().key))
    Comment().publish(publication())
    assert [item["id"] for item in github.comments] == [1]


def test_nothing_new_is_not_worth_a_comment_but_resolves_one(github: GitHub, publication: Make) -> None:
    Comment().publish(publication(nothing_new()))
    assert github.comments == []
    Comment().publish(publication())
    Comment().publish(publication(nothing_new()))
    assert "no new migrations" in github.comments[0]["body"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_hiccup_is_waited_out(github: GitHub, publication: Make, method: str, status: int) -> None:
    github.failures.append(Failure(method, "comments", status, times=2))
    Comment().publish(publication())
    assert len(github.comments) == 1


def test_a_write_whose_answer_got_lost_is_not_made_twice(github: GitHub, publication: Make) -> None:
    github.failures.append(Failure("POST", "comments", 502, done=True))
    Comment().publish(publication())
    assert len(github.comments) == 1


@pytest.mark.parametrize(
    ("status", "code", "help"),
    [
        (401, "KFM-G03", "github-token"),
        (403, "KFM-G04", "pull-requests: write"),
        (404, "KFM-G04", "pull-requests: write"),
        (422, "KFM-G07", "Report it"),
        (410, "KFM-G07", "Report it"),
        (429, "KFM-G05", "later"),
    ],
)
def test_a_refusal_is_told_once_with_its_remedy(
    github: GitHub, publication: Make, status: int, code: str, help: str
) -> None:
    github.failures.append(Failure("POST", "comments", status, times=9))
    with pytest.raises(Unpublished) as caught:
        Comment().publish(publication())
    assert caught.value.code == code and help in (caught.value.help or "")
    assert writes(github) == ["POST"]


def test_a_server_that_stays_down_is_given_up(github: GitHub, publication: Make) -> None:
    github.failures.append(Failure("POST", "comments", 503, times=99))
    with pytest.raises(Unpublished, match="503, 4 times"):
        Comment().publish(publication())


def test_an_answer_that_is_no_json_is_no_traceback(github: GitHub, publication: Make) -> None:
    github.failures.append(Failure("POST", "comments", 502, times=99, body="<html>bad gateway</html>"))
    with pytest.raises(Unpublished):
        Comment().publish(publication())


@pytest.mark.parametrize("body", ["<html>sign in</html>", {"hello": 1}, "[1, 2]"], ids=["page", "object", "numbers"])
def test_a_proxy_that_answers_in_githubs_place_is_told_and_the_outputs_are_written(
    github: GitHub, publication: Make, body: str | dict
) -> None:
    github.failures.append(Failure("GET", "comments", 200, times=99, body=body))
    run = publication()
    publish.publish(run)
    assert "KFM-G08" in run.log.getvalue() and "Traceback" not in run.log.getvalue()
    assert "exit-code<<" in (run.context.output_file or run.out).read_text()


def test_a_defect_in_publishing_changes_no_verdict(
    github: GitHub, publication: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Comment, "publish", defect)
    run = publication(calm(), comment="auto")
    publish.publish(run)
    assert run.exit_code == 0 and "KFM-D01 comment: This is a defect of kfm-ci" in run.log.getvalue()
    assert "exit-code<<" in (run.context.output_file or run.out).read_text()


def test_a_server_out_of_reach_is_asked_as_often_as_one_that_fails(github: GitHub, publication: Make) -> None:
    github.failures.append(Failure("GET", "comments", 503, times=99))
    with pytest.raises(Unpublished, match="503, 4 times"):
        Comment().publish(publication())
    assert sum(line.startswith("GET") for line in github.asked) == 4


def test_a_secondary_rate_limit_is_waited_out(github: GitHub, publication: Make) -> None:
    limited = {"message": "You have exceeded a secondary rate limit", "documentation_url": "https://docs"}
    github.failures.append(Failure("GET", "comments", 403, headers={"Retry-After": "1"}, body=limited))
    Comment().publish(publication())
    assert len(github.comments) == 1


def test_a_limit_that_a_wrong_clock_takes_for_over_is_told_as_a_limit(github: GitHub, publication: Make) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}
    limited = {"message": "API rate limit exceeded for installation", "documentation_url": "https://docs"}
    github.failures.append(Failure("GET", "comments", 403, times=99, headers=headers, body=limited))
    with pytest.raises(Unpublished, match="KFM-G05"):
        Comment().publish(publication())


def test_a_fork_degrades_and_says_how_to_publish(github: GitHub, publication: Make) -> None:
    github.failures.append(Failure("POST", "comments", 403, times=9))
    run = publication(fork=True)
    publish.publish(run)
    assert "summary and the artifact" in run.log.getvalue() and run.log.getvalue().count("::warning") >= 1
    assert "summary and the artifact" in (run.context.summary_file or run.out).read_text()


def test_a_server_out_of_reach_changes_nothing_but_a_warning(github: GitHub, publication: Make) -> None:
    run = publication()
    object.__setattr__(run.context, "api_url", "http://127.0.0.1:9")
    publish.publish(run)
    assert "KFM-G06" in run.log.getvalue()


def test_who_insists_on_a_comment_learns_that_there_is_none(github: GitHub, publication: Make) -> None:
    for given, code in (
        ({"comment": "always", "pull": None}, 3),
        ({"comment": "always", "token": None}, 3),
        ({"comment": "auto", "token": None}, 0),
    ):
        run = publication(calm(), **given)
        publish.publish(run)
        assert run.exit_code == code
        assert "exit-code<<" in (run.context.output_file or run.out).read_text()
        assert publish.outputs(run)["exit-code"] == str(code) and publish.outputs(run)["result"] == "pass"


def test_a_refusal_of_the_gate_stays_one_whatever_was_not_published(github: GitHub, publication: Make) -> None:
    run = publication(dangerous(), comment="always", token=None)
    publish.publish(run)
    assert run.exit_code == 1 == dangerous().exit_code


def test_no_comment_means_no_request(github: GitHub, publication: Make) -> None:
    publish.publish(publication(comment="never"))
    publish.publish(publication(pull=None))
    assert github.asked == []


def test_a_runners_file_that_cannot_be_written_is_a_warning_and_the_others_are_written(
    github: GitHub, publication: Make
) -> None:
    run = publication()
    assert run.context.output_file is not None and run.context.summary_file is not None
    run.context.output_file.mkdir()
    publish.publish(run)
    assert "::warning" in run.log.getvalue() and "KFM-G14" in run.log.getvalue()
    assert "KFM-G14" in run.context.summary_file.read_text() and len(github.comments) == 1


def test_an_event_that_tells_nothing_is_told(github: GitHub, publication: Make) -> None:
    run = publication(pull=None)
    object.__setattr__(run.context, "event_problem", "event.json: the event is no JSON")
    publish.publish(run)
    assert "KFM-G13" in run.log.getvalue() and github.asked == []
