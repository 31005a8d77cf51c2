"""Runs a directory with kfm-ci's own runner, and reads the resulting database."""

from __future__ import annotations

import psycopg

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import detection
from kfm_ci.migrations.work_tree import WorkTree
from kfm_ci.model import Outcome
from kfm_ci.postgres import catalog, run_script


def by_us(tool, server, root, name, **settings):
    database = server.create_database(name)
    history = detection.by_name(tool.name).load(WorkTree(root.parent), root.name, MigrationsTable(**settings))
    assert not [item for item in history.findings if item.severity == "error"], history.findings
    with psycopg.connect(server.dsn(database), autocommit=True) as connection:
        connection.prepare_threshold = None
        if history.semantics.single_transaction:
            failed = run_script.apply_in_one_transaction(connection, tuple(item.up for item in history.migrations))
            return database, failed is None, failed[1].error if failed else ""
        for migration in history.migrations:
            done = run_script.apply(connection, migration.up)
            connection.execute("discard all")
            if done.outcome is Outcome.FAILED:
                return database, False, done.error
    return database, True, ""


def state(tool, server, database):
    with psycopg.connect(server.dsn(database)) as connection:
        schema = {name: text for name, text in catalog.read(connection).entries if tool.bookkeeping not in name.lower()}
        rows = (
            connection.execute("select step, xact from borders order by ctid").fetchall()
            if "table public.borders" in schema
            else []
        )
    ids = list(dict.fromkeys(xact for _, xact in rows))
    return schema, [(step, ids.index(xact)) for step, xact in rows]
