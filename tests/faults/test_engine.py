"""The embedded server under bad luck: it starts where it can, is gone afterwards, and never harms a neighbour."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from kfm_ci.errors import CannotCheck
from kfm_ci.postgres.engines import data_directory, data_directory_template, installations, server_processes
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.engines.embedded import EmbeddedEngine
from tests.faults.conftest import ROOT

HOLD = (
    # a suite that was started with SIGINT ignored passes that on to its children
    "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from kfm_ci.postgres.engines.embedded import EmbeddedEngine\n"
    "with EmbeddedEngine().start() as server: print(server.conninfo, flush=True); sys.stdin.read()"
)


def home_of(server: Server) -> Path:
    return Path(str(conninfo_to_dict(server.conninfo)["host"]))


def postmaster(place: Path) -> int:
    return int((place / "data" / "postmaster.pid").read_text().splitlines()[0])


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@contextlib.contextmanager
def another(environment: Mapping[str, str] = {}) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A server held by another process, until it is told to end."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert child.stdout is not None and child.stdin is not None
    try:
        yield child, Path(str(conninfo_to_dict(child.stdout.readline().strip())["host"]))
    finally:
        with contextlib.suppress(OSError):
            child.stdin.close()
        child.wait(30)
        child.stdout.close()


def test_a_sibling_that_runs_is_left_alone_and_one_that_was_killed_is_removed() -> None:
    with another() as (_, running), another() as (killed, left):
        server = postmaster(left)
        killed.kill()
        killed.wait()
        assert alive(server)
        with EmbeddedEngine().start():
            assert not left.exists() and not alive(server)
            assert running.exists() and alive(postmaster(running))
    assert not running.exists()


def test_a_home_is_held_by_a_lock_and_not_by_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another container our process numbers mean nothing; the lock does."""
    monkeypatch.setattr(data_directory, "_parent_directory", lambda: tmp_path)
    place = tmp_path / f"{data_directory.PREFIX}sibling"
    (place / "data").mkdir(parents=True)
    held = os.open(place / "lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    with data_directory.claim():
        assert place.exists()
    os.close(held)
    with data_directory.claim():
        assert not place.exists()


def test_what_a_killed_run_left_never_names_the_victim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process number may have been given to somebody else since, or written there by the pull request."""
    monkeypatch.setattr(data_directory, "_parent_directory", lambda: tmp_path)
    place = tmp_path / f"{data_directory.PREFIX}left"
    (place / "data").mkdir(parents=True)
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        (place / "data" / "postmaster.pid").write_text(f"{bystander.pid}\n")
        with data_directory.claim():
            assert not place.exists()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_links_and_strangers_in_the_room_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_directory, "_parent_directory", lambda: tmp_path)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (tmp_path / f"{data_directory.PREFIX}link").symlink_to(precious)
    with data_directory.claim():
        assert (precious / "file").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_its_run_by_more_than_the_next(number: signal.Signals) -> None:
    with another() as (child, place):
        server = postmaster(place)
        child.send_signal(number)
        child.wait(30)
        with EmbeddedEngine().start():
            pass
    assert not place.exists() and not alive(server)


def test_a_server_that_ignores_the_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_processes, "PATIENCE", 0.5)
    with EmbeddedEngine().start() as server:
        place, pid = home_of(server), postmaster(home_of(server))
        os.kill(pid, signal.SIGSTOP)
    assert not place.exists() and not alive(pid)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has privileges to drop")
def test_the_server_runs_as_another_user_without_groups_and_without_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret-of-ours")
    with EmbeddedEngine().start() as server:
        pid = postmaster(home_of(server))
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        assert set(status["Uid"].split()) == {str(pwd.getpwnam("postgres").pw_uid)}
        assert status["Groups"].split() in ([], [str(pwd.getpwnam("postgres").pw_gid)])
        assert b"secret-of-ours" not in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts servers as another user")
def test_programs_that_the_other_user_cannot_read_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = next((item for item in installations.find() if item.source == "wheel"), None)
    if wheel is None:
        pytest.skip("the server's wheel is not installed")
    hidden = tmp_path / "hidden"
    package = wheel.bindir.parent.parent
    shutil.copytree(package, hidden / package.name, symlinks=True)
    shutil.copytree(f"{package}.libs", hidden / f"{package.name}.libs", symlinks=True)
    hidden.chmod(0o700)
    monkeypatch.setenv("PATH", f"{hidden / wheel.bindir.relative_to(package.parent)}:{os.environ['PATH']}")
    monkeypatch.setattr(installations, "DIRECTORIES", ())
    with (
        EmbeddedEngine(major=wheel.major).start() as server,
        psycopg.connect(server.dsn("postgres", admin=True)) as connection,
    ):
        assert connection.execute("select 1").fetchone() == (1,)
        assert server.detail.endswith("from PATH")


@pytest.mark.parametrize(
    "variables",
    [
        {
            "PGSERVICE": "nosuch",
            "PGHOST": "db.example.com",
            "PGTARGETSESSIONATTRS": "standby",
            "PGOPTIONS": "-c nosuch=1",
        },
        {"TMPDIR": "/nonexistent"},
        {"TMPDIR": "/proc"},
        {"HOME": "/nonexistent", "USER": "", "LANG": "xx_YY.nonsense", "LC_ALL": "xx_YY"},
        {"PATH": "/nonexistent"},
    ],
    ids=["libpq", "no tmp", "read-only tmp", "no home", "no path"],
)
def test_a_strange_environment_does_not_matter(variables: dict[str, str]) -> None:
    with another(variables) as (child, place):
        assert (place / "data" / "PG_VERSION").exists()
    assert child.returncode == 0


def test_without_home_it_starts_as_well() -> None:
    environment = {key: value for key, value in os.environ.items() if key not in {"HOME", "USER", "LOGNAME"}}
    child = subprocess.run(
        [sys.executable, "-c", HOLD],
        input="",
        capture_output=True,
        text=True,
        check=False,
        env={**environment, "PYTHONPATH": str(ROOT)},
    )
    assert child.returncode == 0, child.stderr


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that every user can come to, as a temporary one of pytest is not."""
    path = Path(tempfile.mkdtemp(dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_a_room_whose_name_is_too_long_for_a_socket_is_not_used(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = public / ("x" * 90)
    long.mkdir()
    assert server_processes.is_reachable(long)
    monkeypatch.setattr(data_directory, "RAM", Path("/nonexistent"))
    monkeypatch.setattr(data_directory.tempfile, "gettempdir", lambda: str(long))
    with EmbeddedEngine().start() as server:
        assert home_of(server).parent == Path("/tmp")


def test_a_small_memory_disk_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_directory, "MIN_FREE_BYTES", 1 << 60)
    with EmbeddedEngine().start() as server:
        assert home_of(server).parent != data_directory.RAM


@pytest.mark.parametrize("mode", [0o777, 0o755])
def test_a_cache_that_others_can_write_is_not_used(public: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    """Whoever can write the template can write what the server runs."""
    cache = public / f"kfm-ci-cache-{os.getuid()}"
    cache.mkdir()
    cache.chmod(mode)
    monkeypatch.setattr("kfm_ci.postgres.engines.data_directory_template.tempfile.gettempdir", lambda: str(public))
    with EmbeddedEngine().start():
        assert bool(list(cache.iterdir())) is (mode == 0o755)


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts servers as another user")
def test_a_cache_that_the_other_user_cannot_come_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr("kfm_ci.postgres.engines.data_directory_template.tempfile.gettempdir", lambda: str(tmp_path))
    with EmbeddedEngine().start() as server:
        assert (home_of(server) / "data" / "PG_VERSION").exists()


def test_an_image_brings_its_data_directory_for_every_user(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has no name in the image cannot make one: ``initdb`` asks for it."""
    monkeypatch.setattr(data_directory_template, "READY", public / "clusters")
    installation = installations.choose(None, installations.find())
    data_directory_template.store(installation)

    def refuse(*_: object) -> None:
        raise AssertionError("made anew")

    monkeypatch.setattr(data_directory_template, "_initialise", refuse)
    with (
        EmbeddedEngine(installation=installation).start() as server,
        psycopg.connect(server.dsn("postgres", admin=True)) as connection,
    ):
        assert connection.execute("show data_checksums").fetchone() == ("on",)
    (made,) = (public / "clusters").iterdir()
    assert not (made / "postmaster.pid").exists(), "a copy is used"


def test_after_the_first_time_a_server_is_ready_much_sooner() -> None:
    with EmbeddedEngine().start():
        pass
    began = time.monotonic()
    with EmbeddedEngine().start():
        warm = time.monotonic() - began
    major = installations.choose(None, installations.find())
    began = time.monotonic()
    with contextlib.suppress(CannotCheck):
        done = subprocess.run(
            [major.bindir / "initdb", "-D", f"/tmp/kfm-ci-cold-{os.getpid()}", "-A", "trust", "--no-sync", "-k"],
            capture_output=True,
            check=False,
            env={},
            cwd="/",
            **server_processes.popen_identity(server_processes.server_user()),
        )
        assert done.returncode == 0, done.stderr
    cold = time.monotonic() - began
    shutil.rmtree(f"/tmp/kfm-ci-cold-{os.getpid()}", ignore_errors=True)
    assert warm < max(1.0, cold)
