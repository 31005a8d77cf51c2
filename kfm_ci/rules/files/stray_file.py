"""Rule ``stray-file``: one-off script outside the naming convention."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import ChangedFile, touched
from kfm_ci.analysis.excerpt import shown
from kfm_ci.migrations.layouts.program_files import TESTS
from kfm_ci.migrations.problems.transaction_modes import MIGRATION_NOT_SQL
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.file_finding import file_finding
from kfm_ci.sql.script import SourceFile

_WELCOME = re.compile(
    r"""(?:^|/)(?:
        (?:readme|license|licence|notice|changelog|codeowners|owners|contributing)(?:\.[a-z]{1,4})?
      | [^/]+\.(?:md|rst|adoc)
      | \.(?:gitkeep|keep|gitignore|gitattributes|dockerignore|editorconfig|prettierignore)
      | \.(?:sqlfluff|sqlfluffignore|squawk\.toml)
      | (?:atlas\.sum|atlas\.hcl|migration_lock\.toml|flyway\.(?:conf|toml)|liquibase\.properties|sqitch\.(?:plan|conf))
      | (?:diesel\.toml|sqlx-data\.json|knexfile\.[a-z]{2,3}|drizzle\.config\.[a-z]{2,3}|config\.toml|dbconfig\.ya?ml)
      | (?:kfm-ci\.toml|alembic\.ini|env\.py|script\.py\.mako|__init__\.py)
      | (?:embed|migrations?|main)\.(?:go|rs|py|ts|js)
      | (?:build\.rs|mod\.rs|package\.json|tsconfig\.json)
    )$""",
    re.VERBOSE | re.IGNORECASE,
)
_HELPS = re.compile(r"\.(?:[cm]?[jt]sx?|json|go|py)$")
_META = ("meta/", "runbooks/", "docs/", ".sqlx/")


STRAY_FILE = RuleInfo(
    id="stray-file",
    hazard=Hazard.FORBIDDEN_CONTENT,
    title="One-off script outside the naming convention",
    why=(
        "A script outside the convention is run by hand. No ledger records it, no rollback is proven,"
        " and a new database misses its effects. Make it a migration or remove it."
    ),
    severities=(
        Severity.ERROR,
        Severity.WARNING,
    ),
    bad="migrations/db/hotfix-prod.sql:\nupdate widgets set price = 0;\n",
    good="migrations/db/20260302_1000__reset_widget_prices.up.sql, with its header and its down\n",
)


class StrayFile:
    """Finds files in the migrations directory that no tool runs."""

    info = STRAY_FILE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new or changed file that is neither a migration nor a known companion file."""
        reported = {found.place.file for found in change.head.findings}
        reported |= {file.path for file in change.head.binary_files}
        programs = {
            found.place.file.rpartition("/")[0]
            for found in change.head.findings
            if found.rule == MIGRATION_NOT_SQL.id and found.place.file
        }
        for item in touched(change):
            if (
                item.migration is None
                and item.file.path not in reported
                and not welcome(change.head.directory, item.file)
            ):
                # files of a program that is already reported are in its directory
                helps = any(item.file.path.startswith(f"{folder}/") for folder in programs) and _HELPS.search(
                    item.file.path
                )
                if not helps:
                    yield self._stray(change, item)

    def _stray(self, change: Change, item: ChangedFile) -> Finding:
        stray = file_finding(
            STRAY_FILE,
            change,
            item,
            f"`{shown(item.file.path, 200)}` is not a migration: expected a name of format `{change.head.format}`.",
            help="Make it a migration (`kfm-ci new`), or move it out of the directory.",
        )
        if change.native_format:
            return stray
        # other tools may have files that are unknown here
        return replace(stray, severity=Severity.WARNING)


def welcome(directory: str, file: SourceFile) -> bool:
    """Whether a file is a known companion of migrations: documentation, metadata, a tool's settings."""
    inside = file.path.removeprefix(f"{directory.rstrip('/')}/") if directory not in {"", "."} else file.path
    return inside.startswith(_META) or any(known.search(inside) for known in (_WELCOME, TESTS))
