"""A setting ends with the migration that made it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.excerpt import shown
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

_HARMLESS = frozenset({"lock_timeout", "statement_timeout", "role", "session_authorization", "application_name"})
_CONFIG = re.compile(r"\bset_config\b", re.IGNORECASE)


SESSION_SETTING_LEAKS = RuleInfo(
    id="session-setting-leaks",
    hazard=Hazard.SESSION_STATE,
    title="Session setting outlives the migration",
    why=(
        "`set` lasts until the session ends, also after the commit. Most tools run all files in one "
        "session, so the next migration and the tool's own statements get a foreign setting. Use `set"
        " local`; format `kfm` opens a session per migration, so it is not checked there."
    ),
    bad="set search_path = shop;\ncreate table widgets (id bigint primary key);\n",
    good="set local search_path = shop;\ncreate table widgets (id bigint primary key);\n",
)


class SessionSettingLeaks:
    """Tools run many files on one session, so it reaches the files after it."""

    info = SESSION_SETTING_LEAKS

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield the first setting of each file that outlives it."""
        if change.native_format:
            return
        told_files: set[str] = set()
        for statement in (*change.statements.of("VariableSetStmt"), *change.statements.mentioning(_CONFIG)):
            name = _outliving(statement)
            if (
                name is None
                or statement.script.file.path in told_files
                or _reset(change, statement, name)
                or _made_by_tool(statement, name)
            ):
                continue
            told_files.add(statement.script.file.path)
            yield statement_finding(
                SESSION_SETTING_LEAKS,
                statement,
                f"`{shown(name)}` stays set for the next migration in this session.",
                help=f"`set local {shown(name)} = …;` ends with the transaction.",
                verdict=Verdict.FACT,
            )


def _made_by_tool(statement: ChangeStatement, name: str) -> bool:
    """Whether a tool made the setting of its own accord: the program that it ran says nothing of it."""
    said = re.search(
        rf"\bset(?:_config)?\b[^;]{{0,30}}\b{re.escape(name)}\b", statement.script.file.text, re.IGNORECASE
    )
    return statement.script.recorded and said is None


def _outliving(statement: ChangeStatement) -> str | None:
    """Return the setting that a statement makes for the whole session; None for any other statement."""
    if not statement.up:
        return None
    if statement.tree.tag == "VariableSetStmt":
        name = statement.tree.text("name").lower()
        lasting = statement.tree.choice("kind") == "VAR_SET_VALUE" and not statement.tree.flag("is_local")
        return name if lasting and name not in _HARMLESS else None
    for call in statement.tree.find("FuncCall"):
        if call.strings("funcname")[-1:] == ("set_config",):
            values = call.many("args")
            setting, local = (values[0].one("sval"), values[2].one("boolval")) if len(values) == 3 else (None, None)
            if setting is not None and local is not None and not local.flag("boolval"):
                return setting.text("sval")
    return None


def _reset(change: Change, statement: ChangeStatement, name: str) -> bool:
    return any(
        later.ordinal > statement.ordinal
        and later.script is statement.script
        and (
            later.tree.tag == "DiscardStmt"
            or later.tree.choice("kind") == "VAR_RESET_ALL"
            or (later.tree.choice("kind") in {"VAR_RESET", "VAR_SET_DEFAULT"} and later.tree.text("name") == name)
        )
        for later in change.statements.of("VariableSetStmt", "DiscardStmt")
    )
