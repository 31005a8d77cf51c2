"""History tables of the migration tools; one line in ``ALL`` for each tool."""

from __future__ import annotations

from kfm_ci.migrations.history_tables import digests, versions
from kfm_ci.migrations.history_tables.base import HistoryRow, HistoryTable, RowState
from kfm_ci.migrations.history_tables.flyway import FLYWAY
from kfm_ci.migrations.history_tables.liquibase import LIQUIBASE
from kfm_ci.migrations.history_tables.prisma import PRISMA
from kfm_ci.migrations.history_tables.sqitch import SQITCH

__all__ = ["ALL", "HistoryRow", "HistoryTable", "RowState", "of"]

ALL: tuple[HistoryTable, ...] = (
    FLYWAY,
    LIQUIBASE,
    PRISMA,
    SQITCH,
    digests.SQLX,
    digests.DRIZZLE,
    digests.REFINERY,
    digests.ATLAS,
    digests.GRAPHILE_MIGRATE,
    versions.GOLANG_MIGRATE,
    versions.GOOSE,
    versions.DBMATE,
    versions.DIESEL,
    versions.SUPABASE,
    versions.NODE_PG_MIGRATE,
    versions.SQL_MIGRATE,
)
"""The history tables that kfm-ci can read."""


def of(format: str) -> HistoryTable | None:
    """Return the history table of a format's tool, or None."""
    return next((item for item in ALL if item.format == format), None)
