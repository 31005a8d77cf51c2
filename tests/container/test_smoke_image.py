"""``[smoke] image``: the application's own command in its own image, with the database and nothing else of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from runner import Ended, Runner

QUERY = 'psql -qAt "$DATABASE_URL" -c "select count(*) from customers"'


@pytest.fixture
def configured(runner: Runner) -> Runner:
    text = (runner.workspace / "kfm-ci.toml").read_text()
    assert "[smoke]\n" in text
    (runner.workspace / "kfm-ci.toml").write_text(
        text.replace("[smoke]\n", f"[smoke]\nimage = '{runner.image}'\n{{command}}\n")
    )
    return runner


def ask(runner: Runner, command: str, more: str = "") -> Path:
    file = runner.workspace / "kfm-ci.toml"
    file.write_text(file.read_text().replace("{command}", f"command = '''{command}'''\n{more}"))
    return file


def smoke(runner: Runner, ended: Ended) -> tuple[dict, dict]:
    """Return the stage and the command's own line."""
    report = json.loads((runner.workspace / ended.outputs["gate-json"]).read_text())
    stage = next(item for item in report["stages"] if item["name"] == "smoke")
    return stage, next((item for item in report["smoke"] if item["name"] == "command"), {})


def test_the_command_reaches_the_server_inside_the_action_and_no_secret(configured: Runner) -> None:
    ask(
        configured,
        f"{QUERY} && ! env | grep -E 'SECRET|INPUT|ACTIONS' && ! test -e /github && ! test -e /var/run/docker.sock",
    )
    ended = configured.step(
        {"github-token": "SECRET-input", "comment": "never"}, {"ACTIONS_RUNTIME_TOKEN": "SECRET-runtime"}
    )
    assert ended.code == 0, ended.log
    assert smoke(configured, ended)[1]["status"] == "passed"


def test_a_command_that_fails_refuses_with_its_last_words(configured: Runner) -> None:
    ask(configured, "echo the shop is closed; exit 3")
    ended = configured.step({"comment": "never"})
    assert ended.code == 1, ended.log
    assert smoke(configured, ended)[1]["message"] == "The command exited 3: the shop is closed"


def test_an_image_that_is_nowhere_is_no_pass(configured: Runner) -> None:
    file = ask(configured, "true")
    file.write_text(file.read_text().replace(configured.image, "127.0.0.1:9/nowhere:1"))
    ended = configured.step({"comment": "never"})
    assert ended.code == 3, ended.log
    told = smoke(configured, ended)[0]["message"]
    assert "KFM-C51" in told and "[smoke] image" in told


def on_the_host(runner: Runner, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    base = runner.event["pull_request"]["base"]["sha"]
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "kfm_ci",
            "gate",
            str(runner.workspace),
            "--base",
            base,
            "--out",
            str(runner.home / "out"),
            *arguments,
        ],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("engine", ["embedded", "docker"])
def test_on_a_machine_of_ones_own_both_engines_are_reached(configured: Runner, engine: str) -> None:
    more = "[database]\nimage = 'kfm-ci-postgres:test'\n" if engine == "docker" else ""
    file = ask(configured, QUERY)
    file.write_text(file.read_text() + more)
    done = on_the_host(configured, "--engine", engine)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_command_without_end_is_ended(configured: Runner) -> None:
    ask(configured, "sleep 100", "timeout = 1")
    done = on_the_host(configured)
    assert done.returncode == 1 and "The command took longer than 1 s" in done.stdout
    left = subprocess.run(
        ["docker", "ps", "-q", "--filter", "label=io.github.kfm-ci.owner"], capture_output=True, text=True, check=True
    )
    assert left.stdout == ""


def test_without_a_container_engine_nothing_is_called_passed(configured: Runner) -> None:
    ask(configured, "true")
    done = on_the_host(configured, DOCKER_HOST="unix:///nowhere.sock")
    assert done.returncode == 3
    assert "remove `image` from `[smoke]`" in " ".join(done.stdout.split())
