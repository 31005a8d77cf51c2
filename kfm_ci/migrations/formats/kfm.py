"""Format ``kfm``: the native format, with two naming styles and a header."""

from __future__ import annotations

from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import naming
from kfm_ci.migrations.history_tables.row_deletion import LEDGER
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble, relative
from kfm_ci.migrations.model import History, Tree
from kfm_ci.migrations.problems.file_order import FILE_NAME, MIXED_STYLES
from kfm_ci.model import Finding, Mode, Place
from kfm_ci.rule_info import RuleInfo


def _name(path: str) -> FileName | None:
    split = naming.stem(path) if "/" not in path else None
    version = naming.version(split[0]) if split else None
    if split is None or version is None:
        return None
    stem, kind = split
    return FileName(
        id=stem,
        version=version[0],
        sort_key=(version[0], stem),
        name=stem.split("__", 1)[1],
        direction="down" if kind == "down" else "up",
    )


class Kfm:
    """``YYYYMMDD_HHMM__slug`` or ``V000123__slug``, ``.up.sql`` and ``.down.sql``, or ``.sql`` alone."""

    name = "kfm"
    confidence = 90

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether one name has the native form."""
        return any(_name(name) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory; names outside the grammar are findings."""
        paths = [path for path in tree.paths(directory) if not relative(path, directory).startswith("meta/")]
        history = assemble(tree, directory, format=self.name, name=_name, paths=paths)
        findings = list(history.findings)
        for other in history.other_files:
            if other.path.endswith(".sql"):
                findings.append(
                    _naming(
                        other.path,
                        FILE_NAME,
                        "The file name does not have the native form.",
                        "Name it `YYYYMMDD_HHMM__short_description` or `V000123__short_description` with "
                        "`.up.sql` or `.down.sql`, or run `kfm-ci new`.",
                    )
                )
        styles = {(naming.version(item.id) or ("", ""))[1]: item.up_path for item in history.migrations}
        if len(styles) > 1:
            findings.append(
                _naming(
                    max(styles.values()),
                    MIXED_STYLES,
                    f"The directory mixes two naming styles: {', '.join(sorted(styles.values()))}.",
                    "Keep the style of the merged files.",
                )
            )
        migrations = tuple(
            replace(item, up=replace(item.up, mode=mode))
            if (mode := _declared(item.header)) and not hasattr(item.up, "argv")
            else item
            for item in history.migrations
        )
        outside = "in a file of its own with `transaction: no`"
        return replace(
            history,
            findings=tuple(findings),
            migrations=migrations,
            semantics=replace(history.semantics, row_deletion=LEDGER, how_to_disable_transaction=outside),
        )


def _declared(header: object) -> Mode | None:
    values = getattr(header, "values", {})
    return Mode.AUTOCOMMIT if values.get("transaction") == "no" else None


def _naming(path: str, rule: RuleInfo, message: str, help: str) -> Finding:
    return rule.finding(message, place=Place(file=path, line=1), help=help)
