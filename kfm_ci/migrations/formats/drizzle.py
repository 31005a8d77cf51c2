"""Format ``drizzle``: the journal lists the files in order; one transaction for all pending migrations."""

from __future__ import annotations

import json
from typing import Any

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import header, resumption, source_files
from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.model import History, Migration, ToolSemantics, Tree
from kfm_ci.migrations.problems.tool_plan import (
    DRIZZLE_JOURNAL_ENTRY_MISSING,
    DRIZZLE_JOURNAL_INVALID,
    DRIZZLE_JOURNAL_OUT_OF_ORDER,
)
from kfm_ci.model import Finding, Mode, Resumption
from kfm_ci.sql.script import Script, SourceFile

_JOURNAL = "meta/_journal.json"
_BREAK = "--> statement-breakpoint"


class Drizzle:
    """``<tag>.sql`` for each entry of ``meta/_journal.json``; other files never run."""

    name = "drizzle"
    confidence = 85

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether the journal exists."""
        return tree.exists(_in(directory, _JOURNAL)) and any(name.endswith(".sql") for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the journal and its files; existing databases skip an entry whose time is not after the previous one."""
        findings: list[Finding] = []
        journal = source_files.read(tree, _in(directory, _JOURNAL), findings)
        entries = _entries(journal, findings) if journal else None
        if journal is None or entries is None:
            return History(format=self.name, directory=directory, findings=tuple(findings), unreadable=True)
        migrations: list[Migration] = []
        latest, before, missing = -1, "", False
        for number, (tag, when) in enumerate(entries):
            path = _in(directory, f"{tag}.sql")
            file = source_files.read(tree, path, findings)
            if file is None:
                missing = True
                continue
            if when <= latest:
                findings.append(
                    problem(
                        file,
                        DRIZZLE_JOURNAL_OUT_OF_ORDER,
                        f"The journal's `when` of `{tag}` ({when}) is not after that of `{before}` ({latest}): "
                        "databases that have the later one skip it silently, new ones run it.",
                        f"Set `when` of `{tag}` in `{journal.path}` to a value after {latest}.",
                    )
                )
            else:
                latest, before = when, tag
            migrations.append(
                Migration(
                    id=tag,
                    version=str(when),
                    sort_key=(number,),
                    name=tag,
                    header=header.parse(file.text),
                    up=Script(file=file, text=_pieces(file.text), mode=Mode.TRANSACTION),
                )
            )
        named = {item.up_path for item in migrations}
        others = [
            file
            for path in tree.paths(directory)
            if path not in named and path.endswith(".sql") and (file := source_files.read(tree, path, []))
        ]
        for file in others:
            findings.append(
                problem(
                    file,
                    DRIZZLE_JOURNAL_ENTRY_MISSING,
                    "The journal does not list this file, so Drizzle never runs it.",
                    "Create migrations with `drizzle-kit generate`, or remove the file.",
                )
            )
        history = History(
            format=self.name,
            directory=directory,
            migrations=tuple(migrations),
            findings=tuple(findings),
            unreadable=missing,
            other_files=(*others, journal),
            semantics=ToolSemantics(
                single_transaction=True,
                how_to_disable_transaction="by hand before the release, because Drizzle runs every statement in a "
                "transaction",
                out_of_order_behaviour="Drizzle skips it silently on databases that have the newer one, and "
                "runs it on new ones",
            ),
        )
        return resumption.with_resumption(history, Resumption.BARE)


def _pieces(text: str) -> str:
    """Return the text with each of Drizzle's statement breakpoints replaced by the end of a statement."""
    return text.replace(_BREAK, ";".ljust(len(_BREAK)))


def _entries(journal: SourceFile, findings: list[Finding]) -> list[tuple[str, int]] | None:
    try:
        document: Any = json.loads(journal.text)
        found = [(entry["tag"], int(entry["when"])) for entry in document["entries"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = [("", 0)]
    if all(isinstance(tag, str) and tag and "/" not in tag for tag, _ in found):
        return found
    findings.append(
        problem(
            journal,
            DRIZZLE_JOURNAL_INVALID,
            "The journal is not valid: expected `entries` with `tag` and `when`.",
            "Restore it from the base and create migrations with `drizzle-kit generate`.",
        )
    )
    return None


def _in(directory: str, name: str) -> str:
    return name if directory in {"", "."} else f"{directory}/{name}"
