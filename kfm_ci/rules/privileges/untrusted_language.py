"""Rule ``untrusted-language``: function in an untrusted language."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import spelled
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding
from kfm_ci.sql.parse_tree import Node

_UNTRUSTED = frozenset(
    {"c", "internal", "plpythonu", "plpython2u", "plpython3u", "plperlu", "pltclu", "plsh", "plrust"}
)


UNTRUSTED_LANGUAGE = RuleInfo(
    id="untrusted-language",
    hazard=Hazard.PRIVILEGE,
    title="Function in an untrusted language",
    why=(
        "A function in C, `plpython3u` or `plperlu` runs with the rights of the server process: "
        "files, network, memory. Only a superuser can create one, and managed databases do not allow "
        "it. Use `plpgsql`, `sql` or a trusted language."
    ),
    bad="create function shell(text) returns text language plpython3u as $$ import os $$;\n",
    good="create function twice(n int) returns int language sql return n * 2;\n",
)


class UntrustedLanguage:
    """Finds languages whose code has the rights of the server process."""

    info = UNTRUSTED_LANGUAGE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each function, block or extension of an untrusted language."""
        for statement in change.statements.of(
            "CreateFunctionStmt", "DoStmt", "CreateExtensionStmt", "CreatePLangStmt", downs=True
        ):
            tree = statement.tree
            language = tree.text("extname") or tree.text("plname") or _language(tree)
            if language.lower() in _UNTRUSTED:
                name = spelled(tree.strings("funcname")) if tree.tag == "CreateFunctionStmt" else "this"
                yield statement_finding(
                    UNTRUSTED_LANGUAGE,
                    statement,
                    f"`{name}` uses `{language}`, whose code runs with the rights of the server process.",
                    help="Write it in SQL or PL/pgSQL, or in the application.",
                    verdict=Verdict.FACT,
                )


def _language(tree: Node) -> str:
    for option in (*tree.many("options"), *tree.many("args")):
        value = option.one("arg") if option.text("defname") == "language" else None
        if value is not None:
            return value.text("sval")
    return ""
