"""Times of the complete gate on a generated history, and of psql on the same files and server version.

Runs are interleaved, so that other load slows both. Compare the ratio of the medians, not the seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import history

from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.engines.embedded import EmbeddedEngine

Times = dict[str, float]


def psql(ups: list[Path]) -> Times:
    """Return the times of psql: one process per file, as in a shell loop, and one process for all files."""
    began = time.perf_counter()
    with EmbeddedEngine().start() as server:
        times = {"server": time.perf_counter() - began}
        times["psql, one process per file"] = _timed(
            lambda: [_psql(server, "loop", [up]) for up in ups], server, "loop"
        )
        times["psql, one process"] = _timed(lambda: _psql(server, "once", ups), server, "once")
    return times


def _timed(work, server: Server, name: str) -> float:
    server.create_database(name)
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _psql(server: Server, name: str, ups: list[Path]) -> None:
    files = [part for up in ups for part in ("-f", str(up))]
    dsn = server.dsn(f"{server.prefix}{name}")
    subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, *files], check=True, stdout=subprocess.DEVNULL
    )


def gate(repository: Path, out: Path) -> Times:
    """Return the times of the gate and of its stages, run in a new process."""
    command = [sys.executable, "-m", "kfm_ci", "gate", str(repository), "--base", "none", "--out", str(out), "-q"]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    times = {"all": time.perf_counter() - began}
    if done.returncode:
        raise SystemExit(f"the gate exited {done.returncode}, so its time is invalid:\n{done.stdout[-2000:]}")
    document = json.loads((out / "gate.json").read_text())
    return times | {stage["name"]: stage["duration_ms"] / 1000 for stage in document["stages"]}


def main() -> None:
    """Print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--migrations", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if shutil.which("psql") is None:
        raise SystemExit("psql is not installed: install it to compare")
    work = Path(tempfile.mkdtemp(prefix="kfm-bench-"))
    try:
        ups = history.write(work / "repository", arguments.migrations)
        theirs, ours = [], []
        for _ in range(arguments.rounds):
            theirs.append(psql(ups))
            ours.append(gate(work / "repository", work / "out"))
    finally:
        shutil.rmtree(work)
    _print_ratios(arguments.migrations, _middle(theirs), _middle(ours))


def _middle(rounds: list[Times]) -> Times:
    return {name: median(times[name] for times in rounds) for name in rounds[0]}


def _print_ratios(count: int, theirs: Times, ours: Times) -> None:
    loop = theirs["psql, one process per file"]
    print(f"{count} migrations, medians; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for name, seconds in theirs.items():
        print(f"  {name:26} {seconds:7.2f} s")
    print("the gate")
    for name, seconds in ours.items():
        print(f"  {name:26} {seconds:7.2f} s  {seconds / loop:5.2f} × psql")
    rest = ours["all"] - theirs["server"]
    once = theirs["psql, one process"]
    print(f"gate / psql, both with server start          {ours['all'] / (loop + theirs['server']):5.2f}")
    print(
        f"gate / psql, both without server start       {rest / loop:5.2f}   ({rest / once:.2f} of one process "
        "for all files)"
    )
    print(f"rollback drill / observed apply              {ours['rollback'] / ours['apply']:5.2f}")


if __name__ == "__main__":
    main()
