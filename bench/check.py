"""Times of ``kfm-ci check`` and of squawk on the same generated histories.

Two cases: all files are new, and ten files are new on a committed history, as in a pull request. Runs are interleaved,
so that other load slows both programs. Compare the ratio of the medians.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import history

from kfm_ci.rules.squawk import process

NEW = 10


def main() -> None:
    """Print a table with one line per number of files."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--files", type=int, nargs="*", default=[1000, 10_000])
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()
    print(
        f"{'files':>7}  {'kfm-ci, all new':>16}  {f'{NEW} new':>8}  {'squawk':>8}  {'ratio, all new':>14}  {'ratio':>6}"
    )
    for files in given.files:
        with tempfile.TemporaryDirectory(prefix="kfm-bench-") as folder:
            repository = Path(folder)
            _repository(repository, files)
            everything, change, theirs = [], [], []
            for _ in range(given.runs):
                everything.append(_check(repository, "none"))
                change.append(_check(repository, "HEAD~1"))
                theirs.append(_squawk(repository))
        ours, some, other = median(everything), median(change), median(theirs)
        print(
            (
                f"{files:>7}  {ours:>14.2f} s  {some:>6.2f} s  {other:>6.2f} s  {ours / other:>14.1f}  "
                f"{some / other:>6.1f}"
            ),
            flush=True,
        )


def _repository(root: Path, files: int) -> None:
    history.write(root, files // 2)
    everything = sorted((root / "migrations/db").glob("*.sql"))
    _git(root, "init", "-q")
    last = {path.name.split("__")[0] for path in everything[-NEW:]}
    _git(root, "add", *(str(path) for path in [root / "kfm-ci.toml"] if path.exists()))
    old = [path for path in everything if path.name.split("__")[0] not in last]
    (root / "old").write_text("\n".join(str(path.relative_to(root)) for path in old))
    _git(root, "add", "--pathspec-from-file=old")
    _git(root, "commit", "-qm", "history", "--allow-empty")
    (root / "old").unlink()
    _git(root, "add", ".")
    _git(root, "commit", "-qm", "change")


def _git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


def _check(root: Path, base: str) -> float:
    began = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "kfm_ci", "check", str(root), "--base", base, "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    if ended.returncode not in {0, 1} or "checked" not in ended.stdout:
        raise SystemExit(f"check exited {ended.returncode}, so its time is invalid:\n{ended.stderr[-2000:]}")
    return took


def _squawk(root: Path) -> float:
    began = time.perf_counter()
    files = sorted(str(path) for path in (root / "migrations/db").glob("*.sql"))
    subprocess.run([process.binary(), "--reporter", "json", *files], capture_output=True, check=False, cwd=root)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
