"""Rule ``header-id``: header id differs from the file name."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.header_keys import EXAMPLE, headed, key_place
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

HEADER_ID = RuleInfo(
    id="header-id",
    hazard=Hazard.HEADER,
    title="Header id differs from the file name",
    why=(
        "With a copied or outdated id, the ledger, the receipt and the file name different migrations. "
        "Auditors cannot match them. Set `id` to the name of the file."
    ),
    bad=EXAMPLE.replace("id: 20260225_1200__add_widgets_table", "id: 20251101_0800__add_orders"),
    good=EXAMPLE,
)


class HeaderId:
    """Finds copied headers by their id."""

    info = HEADER_ID

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each header whose id is neither the migration's id nor the file's name."""
        for migration, header in headed(change):
            value = header.values.get("id", "").strip()
            if value and value not in {migration.id, stem(migration)}:
                expected = stem(migration) if change.native_format else migration.id
                yield migration_finding(
                    HEADER_ID,
                    f"`id`: expected `{shown(expected, 120)}`, got `{shown(value, 120)}`.",
                    help=f"Write `-- id: {shown(expected, 120)}`.",
                    place=key_place(migration, header, "id"),
                    migration=migration,
                )


def stem(migration: Migration) -> str:
    """Return the up file's name without ``.up.sql`` or ``.sql``."""
    name = migration.up_path.rsplit("/", 1)[-1]
    return name.removesuffix(".up.sql").removesuffix(".sql")
