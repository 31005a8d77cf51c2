"""Format ``sqitch``: the plan's lines in their order; ``deploy``, ``revert`` and ``verify`` scripts run by psql."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import header, source_files
from kfm_ci.migrations.formats import sqitch_variables
from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.model import History, Migration, ToolSemantics, Tree
from kfm_ci.migrations.problems.tool_plan import FILE_MISSING, SQITCH_PLAN_SYNTAX
from kfm_ci.model import Finding, Mode
from kfm_ci.sql import transactions
from kfm_ci.sql.script import Script, SourceFile

_CHANGE = re.compile(r"^\s*(?:\+\s*)?([^\s@%#+\-\[][^\s@#\[]*)(?:\s+\[([^\]]*)\])?\s+\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\s")
_FOLDERS = ("deploy", "revert", "verify")
_TAG = re.compile(r"^\s*@(\S+)")
_WAITING = re.compile(r"^\s*-\s*\S")


class Sqitch:
    """Changes of ``sqitch.plan``; a script contains its own BEGIN and COMMIT."""

    name = "sqitch"
    confidence = 90

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether the plan and the deploy directory exist."""
        return tree.exists(_in(directory, "sqitch.plan")) and any(name.startswith("deploy/") for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the plan and its scripts; the first deploy of a reworked change runs ``name@tag.sql``."""
        findings: list[Finding] = []
        plan = source_files.read(tree, _in(directory, "sqitch.plan"), findings)
        if plan is None:
            return History(format=self.name, directory=directory, findings=tuple(findings), unreadable=True)
        variables = sqitch_variables.read(tree, directory, settings.placeholders)
        migrations: list[Migration] = []
        missing = False
        times: Counter[str] = Counter()
        for number, (name, stems) in enumerate(_instances(plan, findings)):
            times[name] += 1
            identity = name if times[name] == 1 else f"{name}.rework{times[name] - 1}"
            # Sqitch uses the first of these that exists
            stem = next((item for item in stems if tree.exists(_in(directory, f"deploy/{item}.sql"))), stems[0])
            up = _script(tree, directory, "deploy", stem, findings, variables)
            if up is None:
                findings.append(
                    problem(
                        plan,
                        FILE_MISSING,
                        f"The plan lists `{name}`, but `deploy/{stem}.sql` does not exist.",
                        f"Create it with `sqitch add {name}`, or remove the line from the plan.",
                    )
                )
                missing = True
                continue
            verify = _file(tree, directory, "verify", stem, [])
            migrations.append(
                Migration(
                    id=identity,
                    version=identity,
                    sort_key=(number,),
                    name=name,
                    up=up,
                    header=header.parse(up.text),
                    down=_script(tree, directory, "revert", stem, findings, variables),
                    extra_files=(verify,) if verify else (),
                    verify=sqitch_variables.put(Script(file=verify, text=verify.text), variables["verify"])
                    if verify
                    else None,
                )
            )
        named = {
            file.path
            for item in migrations
            for file in (item.up.file, *(() if item.down is None else (item.down.file,)), *item.extra_files)
        }
        others = [
            file
            for folder in _FOLDERS
            for path in tree.paths(_in(directory, folder))
            if path not in named and path.endswith(".sql") and (file := source_files.read(tree, path, []))
        ]
        return History(
            format=self.name,
            directory=directory,
            migrations=tuple(migrations),
            findings=tuple(findings),
            unreadable=missing,
            other_files=(*others, plan),
            semantics=ToolSemantics(
                moves_applied_files=True,
                how_to_disable_transaction="in a change of its own without `BEGIN` and `COMMIT`",
                out_of_order_behaviour="Sqitch fails on databases that have the later one",
            ),
        )


def _instances(plan: SourceFile, findings: list[Finding]) -> list[tuple[str, tuple[str, ...]]]:
    """Return each change's name and the possible stems of its scripts, in plan order."""
    rows: list[tuple[str, str]] = []
    for number, line in enumerate(plan.text.split("\n"), 1):
        text = line.strip()
        if not text or text.startswith(("%", "#")):
            continue
        if tag := _TAG.match(line):
            rows.append(("@", tag[1]))
        elif change := _CHANGE.match(line):
            rows.append(("+", change[1]))
        elif _WAITING.match(line):
            findings.append(
                problem(
                    plan,
                    SQITCH_PLAN_SYNTAX,
                    "The plan reverts a change, which kfm-ci does not support.",
                    "Use a revert script.",
                    line=number,
                )
            )
        else:
            findings.append(
                problem(
                    plan,
                    SQITCH_PLAN_SYNTAX,
                    "The line does not have the syntax of a Sqitch plan.",
                    "Write the plan with `sqitch add`, `sqitch tag` and `sqitch rework`.",
                    line=number,
                )
            )
    found = []
    for index, (kind, name) in enumerate(rows):
        if kind != "+":
            continue
        reworked = next((at for at in range(index + 1, len(rows)) if rows[at] == ("+", name)), None)
        between = rows[index + 1 : reworked] if reworked else []
        since = tuple(f"{name}@{word}" for sort, word in between if sort == "@")
        found.append((name, since or (name,)))
    return found


def _script(
    tree: Tree,
    directory: str,
    folder: str,
    stem: str,
    findings: list[Finding],
    variables: Mapping[str, Mapping[str, str]],
) -> Script | None:
    file = _file(tree, directory, folder, stem, findings)
    if file is None:
        return None
    script = sqitch_variables.put(Script(file=file, text=file.text, mode=Mode.AUTOCOMMIT), variables[folder])
    return transactions.unwrapped(script)


def _file(tree: Tree, directory: str, folder: str, stem: str, findings: list[Finding]) -> SourceFile | None:
    path = _in(directory, f"{folder}/{stem}.sql")
    return source_files.read(tree, path, findings) if tree.exists(path) else None


def _in(directory: str, name: str) -> str:
    return name if directory in {"", "."} else f"{directory}/{name}"
