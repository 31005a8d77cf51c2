"""Rule ``security-definer-search-path``: SECURITY DEFINER without a search_path."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import spelled
from kfm_ci.model import Finding, Hazard, Severity, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

SECURITY_DEFINER_SEARCH_PATH = RuleInfo(
    id="security-definer-search-path",
    hazard=Hazard.PRIVILEGE,
    title="SECURITY DEFINER without a search_path",
    why=(
        "A `security definer` function runs with its owner's privileges but the caller's `search_path`. A "
        "user who can create functions in a schema on that path can run them with the owner's privileges. Add "
        "`set search_path` to the function."
    ),
    severities=(Severity.ERROR, Severity.WARNING),
    bad="create function add_one(n int) returns int language sql security definer as 'select n + 1';\n",
    good="create function add_one(n int) returns int language sql security definer\n"
    "  set search_path = pg_catalog, pg_temp as 'select n + 1';\n",
)


class SecurityDefinerSearchPath:
    """Finds functions that run as their owner with the caller's search path."""

    info = SECURITY_DEFINER_SEARCH_PATH

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each ``SECURITY DEFINER`` function without a ``search_path``."""
        for statement in change.statements.of("CreateFunctionStmt"):
            definer = path = False
            for option in statement.tree.many("options"):
                value = option.one("arg")
                if value is not None and option.text("defname") == "security":
                    definer = value.flag("boolval")
                elif value is not None and option.text("defname") == "set":
                    path = path or value.text("name").lower() == "search_path"
            if definer and not path:
                yield statement_finding(
                    SECURITY_DEFINER_SEARCH_PATH,
                    statement,
                    (
                        f"`{spelled(statement.tree.strings('funcname'))}` runs with its owner's privileges and "
                        "the caller's `search_path`."
                    ),
                    help="Add `set search_path = pg_catalog, pg_temp` and qualify the names in its body.",
                    verdict=Verdict.FACT,
                    severity=Severity.WARNING,
                )
