"""Cost per statement of recording an external migration tool: log, parse, split into migrations.

A Python program executes the same statements with and without recording, in turns. Compare the medians.
"""

from __future__ import annotations

import time
from statistics import median

import psycopg

from kfm_ci.evidence.tool_log.history_writes import HistoryWrites
from kfm_ci.evidence.tool_log.server_log import LogRecorder
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.evidence.tool_log.transcript import split_recording
from kfm_ci.migrations.model import Command, Migration, Tool
from kfm_ci.model import Digest
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.engines.embedded import EmbeddedEngine
from kfm_ci.sql.script import SourceFile

MIGRATIONS, STATEMENTS, ROUNDS = 100, 10, 5
LIMIT = 0.6
"""Milliseconds per statement."""
FILE = SourceFile(path="x", data=b"", text="", sha256=Digest.of(b""))
TOOL = Tool(up=(), history_table="done")


def tool(server: Server, database: str) -> None:
    """Run all migrations, each in a transaction with its history row."""
    with psycopg.connect(server.dsn(database), autocommit=True) as connection:
        connection.execute("create table done (name text)")
        for number in range(MIGRATIONS):
            with connection.transaction():
                connection.execute(f"create table t{number} (id bigint primary key, name text)")
                for column in range(STATEMENTS - 2):
                    connection.execute(f"alter table t{number} add column c{column} text")
                connection.execute(f"insert into t{number} values (%s, %s)", [number, "it's"])
                connection.execute("insert into done values (%s)", [f"{number}_step"])


def main() -> None:
    """Print the cost per statement."""
    expected = tuple(
        Migration(id=f"{n}_step", version="", sort_key=(n,), name="", up=Command(file=FILE, argv=(), directory="."))
        for n in range(MIGRATIONS)
    )
    plain, recorded, reading = [], [], []
    with EmbeddedEngine(for_tools=True).start() as server:
        for number in range(ROUNDS):
            name = server.create_database(f"plain{number}")
            began = time.perf_counter()
            tool(server, name)
            plain.append(time.perf_counter() - began)
            name = server.create_database(f"recorded{number}")
            began = time.perf_counter()
            recorder = LogRecorder(server, name)
            tool(server, name)
            ours = time.process_time()
            found = split_recording(recorder.read_new(), ToolTables.of(TOOL), HistoryWrites(expected))
            recorded.append(time.perf_counter() - began)
            reading.append(time.process_time() - ours)
            if len(found.steps) != MIGRATIONS:
                raise SystemExit("the record is incomplete, so its time is invalid")
    cost = (median(recorded) - median(plain)) * 1000 / (MIGRATIONS * STATEMENTS)
    print(
        f"a tool of {MIGRATIONS} migrations, {STATEMENTS} statements each: not recorded {median(plain):.2f} "
        f"s, recorded {median(recorded):.2f} s"
    )
    print(
        f"parsing the record takes {median(reading) * 1000 / (MIGRATIONS * STATEMENTS):.3f} ms of processor "
        "time per statement"
    )
    print(f"recording adds per statement: {cost:.3f} ms (limit {LIMIT})")


if __name__ == "__main__":
    main()
