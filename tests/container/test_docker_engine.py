"""A server in a container beside us: shut in, reached from where we are, and gone whatever happened."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import docker
import psycopg
import pytest
from docker.models.containers import Container
from runner import Runner

from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines import containers
from kfm_ci.postgres.engines.docker import DockerEngine

SERVER = "kfm-ci-postgres:test"
SETTING = f'\n[database]\nimage = "{SERVER}"\n'


@pytest.fixture
def client(image: str) -> Iterator[docker.DockerClient]:
    with containers.daemon() as client:
        yield client
        assert left(client) == []


def left(client: docker.DockerClient) -> list[str]:
    marked = {"label": containers.OWNER_LABEL}
    return [
        item.name for item in (*client.containers.list(all=True, filters=marked), *client.networks.list(filters=marked))
    ]


def sibling(client: docker.DockerClient) -> Container:
    (found,) = client.containers.list(filters={"label": containers.OWNER_LABEL})
    return found


def start_and_wait(runner: Runner, client: docker.DockerClient) -> tuple[subprocess.Popen[bytes], list[str]]:
    """Start a step that judges on a sibling and then does nothing more; return it when the sibling is there."""
    config = runner.workspace / "kfm-ci.toml"
    config.write_text(config.read_text().replace("[smoke]", "[smoke]\ncommand = 'sleep 60'") + SETTING)
    environment = runner.environment({"engine": "docker", "comment": "never"}, {})
    command = runner.command(environment)
    step = subprocess.Popen(command, env={**environment, **runner.host}, stdout=subprocess.DEVNULL)
    for _ in range(300):
        if client.containers.list(filters={"label": containers.OWNER_LABEL}):
            return step, command
        time.sleep(0.1)
    raise AssertionError("no sibling")


def test_a_laptop_reaches_a_server_that_may_do_nothing_to_it(client: docker.DockerClient) -> None:
    with DockerEngine(image=SERVER, major=17).start() as server:
        with psycopg.connect(server.dsn(server.create_database("x"))) as connection:
            role = connection.execute("select rolsuper or rolcreaterole from pg_roles where rolname = current_user")
            assert role.fetchone() == (False,)
        host = sibling(client).attrs["HostConfig"]
        assert host["CapDrop"] == ["ALL"] and "no-new-privileges" in host["SecurityOpt"] and not host["Binds"]
        assert host["Memory"] and host["PidsLimit"] and not host["Privileged"]


def test_inside_the_action_the_sibling_is_on_a_network_without_a_way_out(
    runner: Runner, client: docker.DockerClient
) -> None:
    step, command = start_and_wait(runner, client)
    container = sibling(client)
    (name,) = container.attrs["NetworkSettings"]["Networks"]
    assert client.networks.get(name).attrs["Internal"] is True
    assert "a1b2c3" in container.labels and "a1b2c3" in client.networks.get(name).attrs["Labels"]
    subprocess.run(
        ["docker", "stop", "--time", "8", command[command.index("--name") + 1]], check=True, capture_output=True
    )
    assert step.wait() == 143


def test_the_action_judges_on_a_sibling_and_leaves_none(runner: Runner, client: docker.DockerClient) -> None:
    (runner.workspace / "kfm-ci.toml").open("a").write(SETTING)
    ended = runner.step({"engine": "docker", "comment": "never"})
    assert ended.code == 0, ended.log
    assert json.loads((runner.workspace / "kfm-ci-out" / "gate.json").read_text())["engine"]["kind"] == "docker"


def test_what_a_killed_action_leaves_is_cleared_by_its_second_container(
    runner: Runner, client: docker.DockerClient
) -> None:
    step, command = start_and_wait(runner, client)
    state = dict(line.split("=") for line in (runner.home / "file_commands" / "state").read_text().split())
    subprocess.run(["docker", "kill", command[command.index("--name") + 1]], check=True, capture_output=True)
    step.wait()
    assert len(left(client)) == 2
    post = runner.environment({}, {f"STATE_{key}": value for key, value in state.items()})
    done = subprocess.run(
        runner.command(post, "/opt/kfm-ci/bin/kfm-ci-post"),
        env={**post, **runner.host},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "removed 1 server" in done.stdout


def test_what_a_killed_process_left_is_removed_by_the_next_run(client: docker.DockerClient) -> None:
    script = (
        "import time;from kfm_ci.postgres.engines.docker import DockerEngine\n"
        f"with DockerEngine(image={SERVER!r}).start(): print('up', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline()
    first = sibling(client).id
    with DockerEngine(image=SERVER).start():
        assert client.containers.get(first).status == "running", "its owner lives"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with DockerEngine(image=SERVER).start():
        assert sibling(client).id != first


def test_an_image_that_is_no_server_is_told_with_its_log(client: docker.DockerClient) -> None:
    with pytest.raises(CannotCheck) as caught, DockerEngine(image="kfm-ci:test").start():
        raise AssertionError
    assert caught.value.code == "KFM-C53" and "No such" in (caught.value.got or "")


def test_an_image_that_cannot_be_pulled_is_told_with_its_remedy(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kfm_ci.postgres.engines.images.PAUSE_SECONDS", 0.01)
    with pytest.raises(CannotCheck) as caught, DockerEngine(image="127.0.0.1:9/nowhere:1").start():
        raise AssertionError
    assert caught.value.code == "KFM-C51" and "[database] image" in (caught.value.help or "")


@pytest.mark.timeout(300)  # three gates
def test_a_service_of_the_job_is_reached_by_name_and_localhost_by_the_gateway(
    runner: Runner, client: docker.DockerClient
) -> None:
    network = client.networks.create("kfm-ci-test-job")
    service = client.containers.run(
        SERVER,
        ["-c", "listen_addresses=*"],
        detach=True,
        network=network.name,
        name="kfm-ci-test-postgres",
        ports={"5432/tcp": 54329},
        environment={
            "POSTGRES_USER": "u",
            "POSTGRES_PASSWORD": "p",
            "PGDATA": "/d",
            "POSTGRES_INITDB_ARGS": "--no-sync",
        },
    )
    try:
        address = "host=127.0.0.1 port=54329 user=u password=p dbname=postgres"
        for _ in range(100):  # as the health check of a service does
            with suppress(psycopg.OperationalError):
                psycopg.connect(address).close()
                break
            time.sleep(0.1)
        runner.network = network.name
        named = runner.step({"database-url": "postgresql://u:p@kfm-ci-test-postgres:5432/postgres", "comment": "never"})
        assert named.code == 0, named.log
        local = runner.step({"database-url": "postgresql://u:p@localhost:54329/postgres", "comment": "never"})
        assert local.code == 0 and "through this container's gateway" in local.log, local.log
        wrong = runner.step({"database-url": "postgresql://u:p@localhost:54330/postgres", "comment": "never"})
        assert wrong.code == 3 and "Write the name of the service instead of `localhost`" in " ".join(wrong.log.split())
        assert "u:p@" not in wrong.log.replace("::add-mask::postgresql://u:p@localhost", "")
    finally:
        service.remove(force=True, v=True)
        network.remove()


TOOL = """
import os, pathlib, psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute("create table if not exists done (name text primary key)")
    for file in sorted(pathlib.Path("steps").glob("*.py")):
        with connection.transaction():
            exec(file.read_text())
            connection.execute("insert into done values (%s)", [file.stem])
"""


def test_a_foreign_tool_in_the_action_is_watched_on_a_sibling(runner: Runner, client: docker.DockerClient) -> None:
    (runner.workspace / "steps").mkdir()
    (runner.workspace / "steps/1_a.py").write_text("connection.execute('create table a (id bigint primary key)')\n")
    (runner.workspace / "tool.py").write_text(TOOL)
    (runner.workspace / "kfm-ci.toml").write_text(
        '[migrations]\ndir = "steps"\nformat = "command"\n[migrations.command]\nhistory-table = "done"\n'
        f'up = "/opt/kfm-ci/bin/python tool.py"\n{SETTING}'
    )
    ended = runner.step({"engine": "docker", "comment": "never", "base": "none"})
    report = json.loads((runner.workspace / "kfm-ci-out" / "gate.json").read_text())
    assert ended.code == 0 and report["engine"]["kind"] == "docker", ended.log
    assert [item["kind"] for item in report["migrations"][0]["statements"]] == ["CREATE TABLE"]
