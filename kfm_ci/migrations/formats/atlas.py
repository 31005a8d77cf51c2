"""Format ``atlas``: a directory that ``atlas.sum`` seals; file name order, ``-- atlas:txmode``."""

from __future__ import annotations

import base64
import hashlib
import re

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import reading
from kfm_ci.migrations.files import History, SourceFile, Tree
from kfm_ci.migrations.formats.pairs import Named, assemble
from kfm_ci.migrations.formats.sections import problem
from kfm_ci.model import Finding, Hazard, Mode, Severity

_NAME = re.compile(r"^([^/_]+)(?:_([^/]*))?\.sql$")
_CHECKPOINT = re.compile(r"^--[ \t]*atlas:checkpoint\b", re.MULTILINE)
_TXMODE = re.compile(r"^--[ \t]*atlas:txmode[ \t]+(\w+)[ \t]*$", re.MULTILINE)


def _name(path: str) -> Named | None:
    match = _NAME.match(path)
    if match is None:
        return None
    return Named(
        id=path.removesuffix(".sql"), version=match[1], sort_key=(path,), name=match[2] or match[1], direction="up"
    )


class Atlas:
    """Every ``*.sql`` directly in the directory, in the order of names."""

    name = "atlas"
    confidence = 70

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether ``atlas.sum`` is there, and the files are Atlas's own: not another tool's that it only seals."""
        return tree.exists(_sum_path(directory)) and not any(name.endswith((".up.sql", ".down.sql")) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory and verify the seal."""
        findings: list[Finding] = []

        def mode(file: SourceFile) -> Mode:
            found = _TXMODE.search(file.text)
            if found is None or found[1] != "none":
                return Mode.TRANSACTION
            if found.start() < len(_head(file.text)):
                return Mode.AUTOCOMMIT
            findings.append(problem(
                file, "atlas-directive-ignored", "Atlas ignores this `atlas:txmode`: it reads directives only from the comments "
                "at the top of a file that a blank line follows", "move it to the first line and leave a blank line below",
                line=file.text.count("\n", 0, found.start()) + 1, hazard=Hazard.TRANSACTION,
            ))  # fmt: skip
            return Mode.TRANSACTION

        history = assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory), mode=mode)
        seal = reading.read(tree, _sum_path(directory), findings)
        if seal is not None:
            findings += _verify(seal, [item.up.file for item in history.migrations])
        checkpoints = [item.up.file for item in history.migrations if _CHECKPOINT.search(_head(item.up.file.text))]
        findings += [_checkpoint(file) for file in checkpoints]
        steps = tuple(item for item in history.migrations if item.up.file not in checkpoints)
        return History(format=self.name, directory=directory, migrations=steps, unreadable=history.unreadable,
                       findings=(*history.findings, *findings), others=(*history.others, *checkpoints),
                       outside="in a file of its own that begins with `-- atlas:txmode none` and a blank line",
                       late="Atlas refuses it on databases that have the newer one, unless `--exec-order` says otherwise")  # fmt: skip


def _checkpoint(file: SourceFile) -> Finding:
    return problem(file, "atlas-checkpoint", "on an empty database Atlas begins at this checkpoint, in place of all files before it, and passes over it "
                   "on all others; what it does was not judged", "compare the schema of a new database with one that ran every file",
                   severity=Severity.WARNING)  # fmt: skip


def _head(text: str) -> str:
    """Return the comments at the top, when a blank line follows them; else nothing."""
    lines = text.split("\n")
    count = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return "\n".join(lines[:count]) if count < len(lines) and not lines[count].strip() else ""


def sums(files: list[tuple[str, bytes]]) -> list[str]:
    """Return the lines of ``atlas.sum``: a running sha256 over names and bytes, and one over all of it on top."""
    running, total, lines = hashlib.sha256(), hashlib.sha256(), []
    for name, data in files:
        running.update(name.encode() + data)
        value = base64.b64encode(running.digest()).decode()
        total.update(name.encode() + value.encode())
        lines.append(f"{name} h1:{value}")
    return [f"h1:{base64.b64encode(total.digest()).decode()}", *lines]


def _verify(seal: SourceFile, files: list[SourceFile]) -> list[Finding]:
    told = seal.text.split()
    expected = sums([(file.path.rpartition("/")[2], file.data) for file in files])
    if told == " ".join(expected).split():
        return []
    wrong = next((line.split()[0] for line in expected[1:] if line not in seal.text), "its first line")
    return [problem(seal, "atlas-sum-mismatch", f"atlas.sum does not agree with the files, from {wrong} on: Atlas refuses the directory",
                    "run `atlas migrate hash` after a look at what changed", hazard=Hazard.MANIFEST)]  # fmt: skip


def _sum_path(directory: str) -> str:
    return "atlas.sum" if directory in {"", "."} else f"{directory}/atlas.sum"
