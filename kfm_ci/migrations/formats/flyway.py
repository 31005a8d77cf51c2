"""Format ``flyway``: ``V1_2__name.sql``, ``R__``, ``U1_2__``, ``B1_2__``, callbacks; numeric versions, placeholders."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import naming, resumption
from kfm_ci.migrations.formats import flyway_programs, flyway_settings
from kfm_ci.migrations.formats.flyway_names import FlywayNames
from kfm_ci.migrations.formats.flyway_settings import FlywaySettings
from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, Migration, RowDeletion, Tree
from kfm_ci.migrations.problems.file_contents import UNRESOLVED_PLACEHOLDER
from kfm_ci.migrations.problems.file_order import FILE_NAME
from kfm_ci.migrations.problems.transaction_modes import (
    FLYWAY_BASELINE,
    FLYWAY_CALLBACK,
    FLYWAY_LOCK_DEADLOCK,
    FLYWAY_MIXED,
)
from kfm_ci.model import Finding, Mode, Resumption, Severity
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script, SourceFile

_VERSIONED = re.compile(r"^([VUB])([0-9]+(?:[._][0-9]+)*)(?:__(.*))?\.sql$", re.IGNORECASE)
_CALLBACK = re.compile(r"^((?:before|after|create)[A-Z]\w*?)(?:__(.*))?\.sql$")
_BEFORE = frozenset(
    {"beforeConnect", "afterConnect", "beforeValidate", "afterValidate", "createSchema", "beforeMigrate"}
)
_AFTER = frozenset(
    {"afterVersioned", "beforeRepeatables", "afterMigrateApplied", "afterMigrate", "afterMigrateOperationFinish"}
)
_WITHIN = frozenset(
    {"beforeEachMigrate", "afterEachMigrate", "beforeEachMigrateStatement", "afterEachMigrateStatement"}
)
_WAY_OUT = (
    "Check whether the migration is complete. If it is, insert its row into the history table by hand "
    "and run `flyway repair` to set its checksum; otherwise revert the change by hand."
)
_PLACEHOLDER = re.compile(r"\$\{([^{}\s]+)\}")
# Flyway's own list: it sends other non-transactional statements inside a transaction, and PostgreSQL rejects them.
_OUTSIDE = re.compile(
    r"^(?:(?:CREATE|DROP) (?:DATABASE|TABLESPACE|SUBSCRIPTION)|ALTER SYSTEM"
    r"|(?:CREATE|DROP)(?: UNIQUE)? INDEX CONCURRENTLY"
    r"|REINDEX(?: VERBOSE)? (?:SCHEMA|DATABASE|SYSTEM)|VACUUM|DISCARD ALL)\b"
)


def _name(path: str, names: FlywayNames) -> FileName | None:
    base = path.rpartition("/")[2]
    if found := names.repeatable.match(base):
        return FileName(
            id=base[:-4], version="", sort_key=(1, found[1]), name=found[1].replace("_", " "), direction="up"
        )
    if (found := _CALLBACK.match(base)) and found[1] in _BEFORE | _AFTER:
        place = -1 if found[1] in _BEFORE else 2
        return FileName(id=base[:-4], version="", sort_key=(place, base), name=base[:-4], direction="up")
    found = names.versioned.match(base)
    kind = names.kinds[found[1]] if found else "B"
    if found is None or kind == "B":
        return None
    number = version(found[2])
    return FileName(
        id=base[:-4],
        version=number,
        sort_key=(0, *map(int, number.split("."))),
        name=(found[3] or number).replace("_", " "),
        direction="up" if kind == "V" else "down",
        pair=number,
    )


def version(text: str) -> str:
    """Return a version as Flyway compares it: numbers with dots, without leading or trailing zeros."""
    numbers = [int(part) for part in re.split(r"[._]", text)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return ".".join(map(str, numbers))


class Flyway:
    """Versions compare number by number, repeatables follow by description; one transaction per file."""

    name = "flyway"
    confidence = 95

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether names have Flyway's form, and Flyway's settings exist where the names also have the native form."""
        fitting = [name for name in names if _VERSIONED.match(name)]
        ours = all((stem := naming.stem(name)) and naming.version(stem[0]) for name in fitting)
        return bool(fitting) and (not ours or flyway_settings.mentioned(tree, directory))

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory recursively, replace placeholders, and decide the transaction of each file."""
        own = flyway_settings.read(tree, directory)
        values = {**own.placeholders, **{key.lower(): value for key, value in settings.placeholders.items()}}
        inside = list(tree.paths(directory))
        history = assemble(
            tree,
            directory,
            format=self.name,
            name=lambda path: _name(path, own.names),
            paths=[path for path in inside if own.names.is_sql(path)],
            extra=lambda path: (f"{path}.conf",) if tree.exists(f"{path}.conf") else (),
        )
        findings = list(history.findings)
        migrations = [_finished(item, own, values, findings) for item in history.migrations]
        for other in history.other_files:
            findings += _file_problems(other, own.names)
        findings += flyway_programs.findings(tree, directory, inside, own.names)
        findings += flyway_settings.unchecked(tree, directory)
        history = replace(
            history,
            migrations=tuple(migrations),
            findings=tuple(findings),
            semantics=replace(
                history.semantics,
                out_of_order_behaviour=own.late,
                row_deletion=RowDeletion(sql="delete from flyway_schema_history where version = {text}"),
                how_to_disable_transaction="in a file of its own, which Flyway runs outside a transaction",
                history_row_repair=_WAY_OUT if own.transactional_lock else None,
            ),
        )
        return resumption.with_resumption(history, Resumption.NEW_TRANSACTION)


def _finished(migration: Migration, own: FlywaySettings, values: dict[str, str], findings: list[Finding]) -> Migration:
    forced, replaced = None, own.replaces
    if not migration.version:
        # Flyway identifies a repeatable by its checksum: another text is another migration to run
        identity = f"{migration.id}@{migration.up.file.sha256.hex[:8]}"
        migration = replace(migration, id=identity, is_repeatable=True)
    for conf in migration.extra_files:
        pairs = flyway_settings.pairs(conf.text)
        forced = {"true": Mode.TRANSACTION, "false": Mode.AUTOCOMMIT}.get(pairs.get("executeintransaction", ""), forced)
        replaced = pairs.get("placeholderreplacement", "true") != "false" and replaced
    scripts: list[Script | None] = []
    for script in (migration.up, migration.down):
        if not isinstance(script, Script):
            scripts.append(None)
            continue
        text = _replaced(script, migration, values, findings) if replaced else script.text
        script = replace(script, text=text)
        scripts.append(replace(script, mode=forced or _mode(script, own, findings)))
    return replace(migration, up=scripts[0] or migration.up, down=scripts[1])


def _replaced(script: Script, migration: Migration, values: dict[str, str], findings: list[Finding]) -> str:
    builtin = {
        "flyway:filename": script.file.path.rpartition("/")[2],
        "flyway:defaultschema": "public",
        "flyway:table": "flyway_schema_history",
        "flyway:environment": "default",
    }
    missing: dict[str, int] = {}

    def value(found: re.Match[str]) -> str:
        key = found[1].lower()
        if key in values or key in builtin:
            return values.get(key, builtin.get(key, ""))
        missing.setdefault(found[1], script.text.count("\n", 0, found.start()) + 1)
        return found[0]

    text = _PLACEHOLDER.sub(value, script.text)
    for name, line in missing.items():
        findings.append(
            problem(
                script.file,
                UNRESOLVED_PLACEHOLDER,
                f"The placeholder `${{{name[:60]}}}` has no value, so Flyway rejects the file.",
                f'Set `[migrations.placeholders] "{name[:60]}" = "…"` in `kfm-ci.toml`.',
                line=line,
                severity=Severity.WARNING,
            )
        )
    return text


def _mode(script: Script, own: FlywaySettings, findings: list[Finding]) -> Mode:
    parts = statements.of(script)
    outside = [part for part in parts if _OUTSIDE.match(" ".join(part.text.upper().split()))]
    if not outside:
        return Mode.TRANSACTION
    inside = next((part for part in parts if part not in outside), None)
    if inside is not None and not own.mixed:
        findings.append(
            problem(
                script.file,
                FLYWAY_MIXED,
                f"Flyway rejects a file that mixes `{statements.kind(outside[0].text)}` on line {outside[0].line}, "
                f"which cannot run in a transaction, with `{statements.kind(inside.text)}` on line {inside.line}.",
                f"Move line {outside[0].line} to its own file.",
                line=outside[0].line,
            )
        )
    waits = [part for part in outside if "CONCURRENTLY" in part.text.upper()]
    if waits and own.transactional_lock:
        findings.append(
            problem(
                script.file,
                FLYWAY_LOCK_DEADLOCK,
                "Flyway holds its lock in an open transaction on a second connection, and `CREATE INDEX "
                "CONCURRENTLY` waits for that transaction forever.",
                "Set `flyway.postgresql.transactional.lock=false`.",
                line=waits[0].line,
            )
        )
    return Mode.AUTOCOMMIT


def _file_problems(file: SourceFile, names: FlywayNames) -> list[Finding]:
    base = file.path.rpartition("/")[2]
    callback = _CALLBACK.match(base)
    if callback and callback[1] in _WITHIN:
        return [
            problem(
                file,
                FLYWAY_CALLBACK,
                "Flyway runs this callback around each migration; kfm-ci did not check it.",
                "Keep schema changes in versioned files.",
                severity=Severity.ERROR,
            )
        ]
    if callback:
        return []
    if (found := names.versioned.match(base)) and names.kinds[found[1]] == "B":
        return [
            problem(
                file,
                FLYWAY_BASELINE,
                f"On an empty database Flyway starts here instead of all versions up to {version(found[2])}; "
                "kfm-ci did not check it.",
                "Compare the schema of a new database with one that ran every version.",
            )
        ]
    if names.nearly.match(base):
        return [
            problem(
                file,
                FILE_NAME,
                "Flyway ignores this file silently: its name is not `V<version>__<name>.sql`.",
                "Rename it to `V<version>__<name>.sql`, with two underscores.",
            )
        ]
    return []
