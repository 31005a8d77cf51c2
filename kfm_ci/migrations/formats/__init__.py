"""Formats: one tool a file, one line in ``ALL``."""

from __future__ import annotations

from kfm_ci.migrations.formats.base import Format
from kfm_ci.migrations.formats.diesel import Diesel
from kfm_ci.migrations.formats.golang_migrate import GolangMigrate
from kfm_ci.migrations.formats.kfm import Kfm
from kfm_ci.migrations.formats.plain import Sqlx, Supabase
from kfm_ci.migrations.formats.prisma import Prisma

ALL: tuple[Format, ...] = (
    Kfm(),
    GolangMigrate(),
    Diesel(),
    Prisma(),
    Supabase(),
    Sqlx(),
)
"""Every format that can be named or detected."""
