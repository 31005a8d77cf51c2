"""The settings on a tool's page find that tool's migrations, and detection finds them without settings."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import detection
from kfm_ci.migrations.formats import atlas, graphile_migrate
from kfm_ci.migrations.work_tree import WorkTree

PAGES = Path(__file__).parents[2] / "docs" / "tools"
TABLE, DROP = "create table widgets (id bigint primary key);\n", "drop table widgets;\n"
LAYOUTS = {
    "atlas": {"1_a.sql": TABLE, "atlas.sum": "\n".join(atlas.sums([("1_a.sql", TABLE.encode())]))},
    "dbmate": {"20260101_a.sql": f"-- migrate:up\n{TABLE}-- migrate:down\n{DROP}"},
    "diesel": {"2026-01-01-000000_a/up.sql": TABLE, "2026-01-01-000000_a/down.sql": DROP},
    "flyway": {"V1__a.sql": TABLE},
    "golang-migrate": {"1_a.up.sql": TABLE, "1_a.down.sql": DROP},
    "goose": {"1_a.sql": f"-- +goose Up\n{TABLE}-- +goose Down\n{DROP}"},
    "graphile-migrate": {
        "000001.sql": f"--! Previous: -\n--! Hash: {graphile_migrate.integrity_hash(None, TABLE)}\n\n{TABLE}"
    },
    "liquibase": {"a.sql": f"--liquibase formatted sql\n--changeset a:1\n{TABLE}--rollback {DROP}"},
    "node-pg-migrate": {"1_a.sql": f"-- Up Migration\n{TABLE}-- Down Migration\n{DROP}"},
    "prisma": {"20260101_a/migration.sql": TABLE},
    "refinery": {"V1__a.sql": TABLE},
    "sql-migrate": {"1_a.sql": f"-- +migrate Up\n{TABLE}-- +migrate Down\n{DROP}"},
    "sqitch": {
        "sqitch.plan": "%syntax-version=1.0.0\n%project=x\n\na 2026-01-01T00:00:00Z A <a@b.c> # x\n",
        "deploy/a.sql": TABLE,
        "revert/a.sql": DROP,
    },
    "sqlx": {"1_a.sql": TABLE},
    "supabase": {"20260101000000_a.sql": TABLE},
}
BESIDE = {
    "package.json": '{"devDependencies": {"node-pg-migrate": "8"}}',
    "Cargo.toml": "[dependencies]\nrefinery = 1\n",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_settings_of_a_page_find_the_tool_s_migrations(tmp_path, name):
    page = (PAGES / f"{name}.md").read_text()
    shown = tomllib.loads(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])["migrations"]
    needed = {path: text for path, text in BESIDE.items() if (path == "Cargo.toml") is (name == "refinery")}
    for path, text in {**{f"{shown['dir']}/{path}": text for path, text in LAYOUTS[name].items()}, **needed}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    tree = WorkTree(tmp_path)
    for asked in ({"directory": shown["dir"], "format": shown["format"]}, {"directory": None, "format": "auto"}):
        found = detection.locate(tree, **asked)
        assert (found.directory, found.format.name) == (shown["dir"], name)
        history = found.format.load(tree, found.directory, MigrationsTable())
        assert len(history.migrations) == 1 and history.findings == ()
