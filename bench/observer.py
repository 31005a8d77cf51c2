"""Cost of observation: one history applied with and without it, on the same server, in turns.

Other load slows both. Compare the ratio of the medians, not the seconds.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

import history

from kfm_ci.evidence.observation import session_snapshot
from kfm_ci.evidence.observation.observer import Observer
from kfm_ci.model import Digest, Outcome
from kfm_ci.postgres import run_script, session
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.engines.embedded import EmbeddedEngine
from kfm_ci.sql.script import Script, SourceFile


def script(path: Path) -> Script:
    """Return a file as the script that the gate runs."""
    data = path.read_bytes()
    return Script(
        file=SourceFile(path=path.name, data=data, text=data.decode(), sha256=Digest.of(data)), text=data.decode()
    )


def run(server: Server, database: str, scripts: list[Script], *, observed: bool) -> float:
    """Return the seconds to apply all scripts to a new database."""
    name = server.create_database(database)
    with session.connect(server, name) as connection, session.connect(server, name, admin=True) as monitoring:
        observer = Observer(monitoring, session_snapshot.existing(connection)) if observed else None
        began = time.perf_counter()
        for item in scripts:
            session.reset(connection)
            if observer is not None:
                observer.reset()
            done = run_script.apply(connection, item, watcher=observer or _NoObserver())
            if done.outcome is not Outcome.APPLIED:
                raise SystemExit(f"{item.file.path} was not applied, so the time is invalid: {done.error}")
        seconds = time.perf_counter() - began
        if observer is not None:
            observer.close()
        return seconds


class _NoObserver:
    """Does nothing; with a watcher the statements are executed one by one."""

    def before(self, *_: object) -> None: ...

    def after(self, *_: object, **__: object) -> None: ...


def main() -> None:
    """Print seconds and the cost of observation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--migrations", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="kfm-bench-"))
    try:
        scripts = [script(path) for path in history.write(work / "repository", arguments.migrations)]
    finally:
        shutil.rmtree(work)
    plain, observed = [], []
    with EmbeddedEngine().start() as server:
        for number in range(arguments.rounds):
            plain.append(run(server, f"plain_{number}", scripts, observed=False))
            observed.append(run(server, f"observed_{number}", scripts, observed=True))
    print(f"{arguments.migrations} migrations, plain {median(plain):.2f} s, all observed {median(observed):.2f} s")
    print(f"observation adds, of the statements' time  {median(observed) / median(plain) - 1:5.2f}")


if __name__ == "__main__":
    main()
