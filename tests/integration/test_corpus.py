"""The labelled changes of ``tests/corpus`` through the whole gate: no unsafe one missed, no safe one refused."""

from __future__ import annotations

import io
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from kfm_ci.cli.gate import GateOptions, judge
from kfm_ci.evidence.model import Evidence
from kfm_ci.model import Finding

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
FILES = sorted(CORPUS.rglob("*.sql"))
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
MAJOR = int(os.environ["KFM_CORPUS_MAJOR"]) if "KFM_CORPUS_MAJOR" in os.environ else None
"""The server's major version; the newest at hand when none is asked for."""
RUNBOOK = "# Trigger\nx\n# Steps\nx\n# Verification\nx\n# Owner\nx\n"


@dataclass
class Case:
    """One labelled change."""

    kind: str
    hazards: set[str]
    options: dict[str, str]
    base: str
    changes: list[dict[str, str]] = field(default_factory=list)


def load(path: Path) -> Case:
    head, *sections = re.split(r"^-- (base|up|down):\n", path.read_text(), flags=re.MULTILINE)
    options = dict(re.findall(r"^-- ([a-z]+): (.*)$", head, flags=re.MULTILINE))
    kind, *hazards = options.pop("expect").split()
    assert kind in {"safe", "unsafe", "context"} and options.pop("why") and bool(hazards) == (kind != "safe")
    case = Case(kind=kind, hazards=set(hazards), options=options, base="")
    for name, text in zip(sections[::2], sections[1::2], strict=True):
        if name == "base":
            case.base = text
        elif name == "up":
            case.changes.append({"up": text})
        else:
            case.changes[-1]["down"] = text
    return case


def header(id: str, text: str, options: dict[str, str]) -> str:
    keys = {
        "id": id,
        "owner": "team",
        "ticket": "ABC-1",
        "risk": "high",
        "rollout": "safe",
        "rollback": "down",
        "dialect": "postgresql",
    }
    if re.search(r"\b(concurrently|vacuum)\b", text):
        keys |= {"transaction": "no", "transaction-reason": "it must run by itself"}
    if options.get("rollback") == "manual":
        keys["runbook"] = "runbook.md"
    keys |= options
    return (
        "-- [KFM_MIGRATION]\n"
        + "".join(f"-- {key}: {value}\n" for key, value in keys.items())
        + "-- [/KFM_MIGRATION]\n"
    )


class Repository:
    """A case as a pull request."""

    def __init__(self, root: Path, case: Case) -> None:
        self.root = root
        directory = root / "migrations" / "db"
        directory.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
        (root / "runbook.md").write_text(RUNBOOK)
        (directory / "20260101_1200__base.up.sql").write_text(header("20260101_1200__base", "", {}) + case.base)
        (directory / "20260101_1200__base.down.sql").write_text("select 1;\n")
        subprocess.run([*GIT, "add", "-A"], cwd=root, check=True)
        subprocess.run([*GIT, "commit", "-qm", "base"], cwd=root, check=True)
        for number, change in enumerate(case.changes, start=1):
            id = f"20260102_12{number:02}__change_{number}"
            (directory / f"{id}.up.sql").write_text(header(id, change["up"], case.options) + change["up"])
            if case.options.get("rollback") != "manual":
                (directory / f"{id}.down.sql").write_text(change["down"])

    def gate(self) -> Evidence:
        options = GateOptions(
            directory=self.root,
            config_file=None,
            format="auto",
            out=self.root.parent / "out",
            output="human",
            base="main",
            engine="embedded",
            postgres_version=MAJOR,
            database_url=None,
            fail_on=None,
            quiet=True,
        )
        return judge(options, Console(file=io.StringIO()))

    def acknowledge(self, findings: list[Finding]) -> None:
        """Write above each refused statement that its hazard is known."""
        wanted = {(item.place.file, item.place.line, item.hazard.value) for item in findings}
        assert all(file is not None and line is not None for file, line, _ in wanted), findings
        for file, line, hazard in sorted(wanted, key=lambda item: (str(item[0]), -int(item[1] or 0))):
            path = self.root / str(file)
            lines = path.read_text().splitlines()
            lines.insert(int(line or 1) - 1, f'-- kfm:allow {hazard} reason="known and accepted"')
            path.write_text("\n".join(lines) + "\n")


def refusing(evidence: Evidence) -> list[Finding]:
    return [item for item in evidence.findings if item.is_blocking and item.hazard != "understated-risk"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_gate_says_what_the_label_says(path: Path, tmp_path: Path) -> None:
    case = load(path)
    repository = Repository(tmp_path / "repository", case)
    evidence = repository.gate()
    told = [(item.rule, item.hazard.value, item.place.line, item.message) for item in refusing(evidence)]
    assert evidence.result.value in {"pass", "fail"}, evidence.failure
    assert {hazard for _, hazard, _, _ in told} == case.hazards, told
    assert (evidence.exit_code == 0) == (case.kind == "safe"), (told, evidence.stages)
    if case.kind == "context":
        repository.acknowledge(refusing(evidence))
        again = repository.gate()
        assert again.exit_code == 0, [
            (item.rule, item.place.line, item.message) for item in again.findings if item.is_blocking
        ]


def test_the_corpus_is_large_enough_and_of_every_kind() -> None:
    kinds = [load(path).kind for path in FILES]
    assert len(FILES) >= 60 and min(kinds.count(kind) for kind in ("safe", "unsafe", "context")) >= 15
