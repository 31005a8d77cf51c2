"""The image as others build on it."""

from __future__ import annotations

import subprocess
from pathlib import Path

EXTENSION = """FROM {}
RUN apt-get update -q && apt-get install -q -y --no-install-recommends postgresql-17-pgvector \\
 && rm -rf /var/lib/apt/lists/*
"""
MIGRATION = "create extension if not exists vector;\ncreate table notes (id bigint primary key, place vector(3));\n"


def test_an_extension_is_installed_on_top_and_used(image: str, tmp_path: Path) -> None:
    def docker(*arguments: str, text: str | None = None) -> str:
        done = subprocess.run(["docker", *arguments], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    ours = docker("build", "-q", "-", text=EXTENSION.format(image))
    (tmp_path / "V1__notes.sql").write_text(MIGRATION)
    (tmp_path / "kfm-ci.toml").write_text(
        "[migrations]\ndir = '.'\nformat = 'flyway'\n[database]\nextensions = ['vector']\n"
    )
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    program = ("--entrypoint", "/opt/kfm-ci/bin/kfm-ci", ours)
    told = docker("run", "--rm", "-v", f"{tmp_path}:/w:ro", *program, "gate", "/w", "--base", "none", "--out", "/tmp/o")
    assert "kfm-ci passed: 1 new migration" in told
