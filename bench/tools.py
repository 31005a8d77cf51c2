"""Times of each installed migration tool and of kfm-ci's own runner, for the same history on one server.

Each run is a new process on an empty database; its start is included. Runs are interleaved, so that other load slows
both. Compare the ratio of the medians. `make test-tools` installs the tools; missing ones are named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import history

from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.engines.embedded import EmbeddedEngine

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

from histories import TOOLS, Address, Step, Tool  # noqa: E402 - shared with the tests

_RUNNER = """
import gc
from kfm_ci.__main__ import OBJECTS
gc.set_threshold(OBJECTS)
import sys
import time
from pathlib import Path
import psycopg
from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import detection
from kfm_ci.migrations.git import WorkTree
from kfm_ci.model import Mode, Outcome
from kfm_ci.postgres import ledger, run_script, session
began = time.perf_counter()
format, root, dsn = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
found = detection.by_name(format).load(WorkTree(root.parent), root.name, MigrationsTable())
with psycopg.connect(dsn, autocommit=True) as connection:
    connection.prepare_threshold = None
    if found.semantics.single_transaction:
        if run_script.apply_in_one_transaction(connection, tuple(item.up for item in found.migrations)) is not None:
            raise SystemExit("the single-transaction run failed")
    for item in () if found.semantics.single_transaction else found.migrations:
        session.reset(connection, observed=False)
        done = run_script.apply(connection, item.up)
        if done.outcome is Outcome.FAILED:
            raise SystemExit(f"{item.id}: {done.error}")
    ledger.create(connection)
    ledger.fill(connection, tuple(
        ledger.Entry(version=item.id, name=item.name, sha256=item.up.file.sha256, mode=Mode.TRANSACTION,
                     run_id="", git_commit="")
        for item in found.migrations))
print(time.perf_counter() - began)
"""
"""kfm-ci's side as a process, like the tool. It builds the base as the gate does, with kfm-ci's garbage
collector settings."""


def write(tool: Tool, root: Path, count: int) -> None:
    """Write ``count`` migrations of the generated history in the tool's layout."""
    root.mkdir(parents=True)
    for number, (_, pair) in enumerate(history.pairs(count), start=1):
        outside = pair.autocommit and tool.outside
        up, down = (text if outside else text.replace(" concurrently", "") for text in (pair.up, pair.down))
        tool.write(root, number, Step(up, down, outside=outside))


def theirs(tool: Tool, server: Server, root: Path) -> float:
    """Return the seconds of the tool."""
    database = server.create_database("theirs")
    to = Address(
        url=f"postgres://{server.owner}:{server.owner_password}@127.0.0.1:{server.port}/{database}?sslmode=disable",
        jdbc=f"jdbc:postgresql://127.0.0.1:{server.port}/{database}",
        user=server.owner,
        password=server.owner_password or "",
        host="127.0.0.1",
        port=str(server.port),
        database=database,
    )
    command = tool.command(root, to)
    return _timed(command, root, {**os.environ, **tool.environment, "DATABASE_URL": to.url})[0]


def ours(tool: Tool, server: Server, root: Path) -> tuple[float, float]:
    """Return the seconds of kfm-ci's runner, with and without the start of Python."""
    database = server.create_database("ours")
    command = [sys.executable, "-c", _RUNNER, tool.name, str(root), server.dsn(database)]
    seconds, output = _timed(command, Path(__file__).resolve().parents[1], dict(os.environ))
    return seconds, float(output)


def _timed(command: list[str], directory: Path, environment: dict[str, str]) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-500:])
    return seconds, done.stdout


def main() -> None:
    """Print one line per tool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--migrations", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tools", nargs="*", default=[tool.name for tool in TOOLS])
    given = parser.parse_args()
    chosen = [tool for tool in TOOLS if tool.name in given.tools]
    print(
        f"{given.migrations} migrations, medians of {given.rounds}; load {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} processors"
    )
    for tool in chosen:
        if tool.there:
            _compare(tool, given.migrations, given.rounds)
    absent = [tool.name for tool in chosen if not tool.there]
    if absent:
        print(f"not measured, because not installed: {', '.join(absent)}")


def _compare(tool: Tool, count: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="kfm-bench-") as work, EmbeddedEngine(for_tools=True).start() as server:
        root = Path(work) / "m"
        write(tool, root, count)
        times: list[tuple[float, float, float]] = []
        try:
            times += [(theirs(tool, server, root), *ours(tool, server, root)) for _ in range(rounds)]
        except RuntimeError as error:
            print(f"  {tool.name:18} not measured: {error}")
            return
        their, our, bare = (median(run[side] for run in times) for side in range(3))
        print(
            f"  {tool.name:18} tool {their:6.2f} s  kfm-ci {our:6.2f} s  {our / their:5.2f} × the tool"
            f"  ({bare / their:.2f} without Python's start)",
            flush=True,
        )


if __name__ == "__main__":
    main()
