"""Sqitch: registry ``sqitch``; the id of a change is the sha1 of its line in the plan and of its parent's id."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from kfm_ci.migrations.history_tables.base import HistoryTable, names_in_settings
from kfm_ci.migrations.model import History
from kfm_ci.sql.script import SourceFile

_PRAGMA = re.compile(r"^%(\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)
_LINE = re.compile(
    r"^\s*(?:\+\s*)?(?P<name>[^\s@%#+\-\[][^\s@#\[]*)(?:\s+\[(?P<needs>[^\]]*)\])?"
    r"\s+(?P<date>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\s+(?P<planner>[^#]*?<[^>]*>)(?:\s*#\s?(?P<note>.*?))?\s*$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    name: str
    uri: str | None


def change_ids(plan: str) -> list[str]:
    """Return the id of each change of a plan, in order."""
    pragmas = dict(_PRAGMA.findall(plan))
    project = _Project(name=pragmas.get("project", ""), uri=pragmas.get("uri"))
    found: list[str] = []
    for line in plan.split("\n"):
        change = _LINE.match(line)
        if change:
            found.append(_id(project, change, found[-1] if found else None))
    return found


def _id(project: _Project, change: re.Match[str], parent: str | None) -> str:
    needs = (change["needs"] or "").split()
    requires = [item for item in needs if not item.startswith("!")]
    conflicts = [item[1:] for item in needs if item.startswith("!")]
    note = (change["note"] or "").replace("\\n", "\n").replace("\\\\", "\\")
    lines = [
        f"project {project.name}",
        *([f"uri {project.uri}"] if project.uri else []),
        f"change {change['name']}",
        *([f"parent {parent}"] if parent else []),
        f"planner {change['planner'].strip()}",
        f"date {change['date']}",
        *(["requires", *(f"  + {item}" for item in requires)] if requires else []),
        *(["conflicts", *(f"  - {item}" for item in conflicts)] if conflicts else []),
        *(["", note] if note else []),
    ]
    text = "\n".join(lines).encode()
    return hashlib.sha1(b"change %d\0" % len(text) + text, usedforsecurity=False).hexdigest()


def _plan(history: History) -> SourceFile | None:
    return next((file for file in history.other_files if file.path.endswith("sqitch.plan")), None)


def _keys(history: History) -> dict[str, str]:
    plan = _plan(history)
    ids = change_ids(plan.text) if plan else []
    # a change without a script is in the plan only, so the plan's numbers are used
    return {item.id: ids[int(item.sort_key[0])] for item in history.migrations if int(item.sort_key[0]) < len(ids)}


def _scripts(history: History) -> dict[str, tuple[str, ...]]:
    return {
        item.id: (hashlib.sha1(item.up.file.data, usedforsecurity=False).hexdigest(),) for item in history.migrations
    }


SQITCH = HistoryTable(
    format="sqitch",
    name="sqitch.changes",
    columns=frozenset({"change_id", "script_hash", "project"}),
    query="select change_id, script_hash, 'applied' from {table} order by committed_at",
    keys=_keys,
    checksums=_scripts,
    rejects_changed_files=False,
    configured_name=names_in_settings(("sqitch.conf",), schema=r"^\s*registry\s*=\s*(\w+)"),
    repair_help="Revert its changes, then run `sqitch revert`.",
    checksum_help="Restore the script, or run `sqitch rework` for the change.",
)
