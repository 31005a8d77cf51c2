"""Parameters of Liquibase: their definitions in changelogs, and their replacement."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kfm_ci.migrations.formats import liquibase_changesets
from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.problems.file_contents import UNRESOLVED_PLACEHOLDER
from kfm_ci.model import Finding, Severity
from kfm_ci.sql.script import SourceFile

ATTRIBUTE = re.compile(r'(\w+):("[^"]*"|\S+)')


PARAMETER = re.compile(r"\$\{([\w.\-]+)\}")


_PROPERTY = re.compile(r"^[^\S\n]*--[^\S\n]*property[^\S\n]+([^\n]*)$", re.IGNORECASE | re.MULTILINE)


def properties(file: SourceFile) -> dict[str, str]:
    """Return the parameters that a file itself sets for PostgreSQL."""
    found: dict[str, str] = {}
    for line in _PROPERTY.finditer(file.text):
        attributes = {key.lower(): value.strip('"') for key, value in ATTRIBUTE.findall(line[1])}
        if (
            "name" in attributes
            and "value" in attributes
            and liquibase_changesets.runs_here(attributes.get("dbms", ""))
        ):
            found.setdefault(attributes["name"], attributes["value"])
    return found


def replace_parameters(
    file: SourceFile, text: str, first_line: int, values: Mapping[str, str], findings: list[Finding]
) -> str:
    """Return the text with its parameters replaced; one without a value is a finding."""

    def value(found: re.Match[str]) -> str:
        if found[1] in values:
            return values[found[1]]
        findings.append(
            problem(
                file,
                UNRESOLVED_PLACEHOLDER,
                f"The parameter `${{{found[1][:60]}}}` has no value, so Liquibase sends it unchanged.",
                f'Set `[migrations.placeholders] "{found[1][:60]}" = "…"` in `kfm-ci.toml`.',
                line=first_line + text.count("\n", 0, found.start()),
                severity=Severity.WARNING,
            )
        )
        return found[0]

    return PARAMETER.sub(value, text)
