"""Rule ``session-setting-leaks``: session setting outlives the migration."""

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
        "`set` lasts until the session ends, also after the commit. Most tools run all files in one session, "
        "so the setting also changes the next migration. Use `set local`; format `kfm` opens a session per "
        "migration, so it is not checked there."
    ),
    bad="set search_path = shop;\ncreate table widgets (id bigint primary key);\n",
    good="set local search_path = shop;\ncreate table widgets (id bigint primary key);\n",
)


class SessionSettingLeaks:
    """Finds ``SET`` that lasts beyond its file; tools run many files in one session."""

    info = SESSION_SETTING_LEAKS

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for the first setting of each file that lasts beyond it."""
        if change.native_format:
            return
        reported_files: set[str] = set()
        for statement in (*change.statements.of("VariableSetStmt"), *change.statements.mentioning(_CONFIG)):
            name = _session_setting(statement)
            if (
                name is None
                or statement.script.file.path in reported_files
                or _reset(change, statement, name)
                or _set_by_tool(statement, name)
            ):
                continue
            reported_files.add(statement.script.file.path)
            yield statement_finding(
                SESSION_SETTING_LEAKS,
                statement,
                f"`{shown(name)}` stays set for the next migration in this session.",
                help=f"Write `set local {shown(name)} = …;`: the setting ends with the transaction.",
                verdict=Verdict.FACT,
            )


def _set_by_tool(statement: ChangeStatement, name: str) -> bool:
    """Whether the tool itself made the setting: the recorded program does not contain it."""
    said = re.search(
        rf"\bset(?:_config)?\b[^;]{{0,30}}\b{re.escape(name)}\b", statement.script.file.text, re.IGNORECASE
    )
    return statement.script.recorded and said is None


def _session_setting(statement: ChangeStatement) -> str | None:
    """Return the name of the session setting that a statement changes; None for other statements."""
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
