"""Formats: one tool per file, one line in ``ALL``."""

from __future__ import annotations

from kfm_ci.migrations.formats.alembic import Alembic
from kfm_ci.migrations.formats.atlas import Atlas
from kfm_ci.migrations.formats.base import Format
from kfm_ci.migrations.formats.command import AnyTool
from kfm_ci.migrations.formats.dbmate import Dbmate
from kfm_ci.migrations.formats.diesel import Diesel
from kfm_ci.migrations.formats.django import Django
from kfm_ci.migrations.formats.drizzle import Drizzle
from kfm_ci.migrations.formats.ecto import Ecto
from kfm_ci.migrations.formats.flyway import Flyway
from kfm_ci.migrations.formats.golang_migrate import GolangMigrate
from kfm_ci.migrations.formats.goose import Goose
from kfm_ci.migrations.formats.graphile_migrate import GraphileMigrate
from kfm_ci.migrations.formats.kfm import Kfm
from kfm_ci.migrations.formats.knex import Knex
from kfm_ci.migrations.formats.liquibase import Liquibase
from kfm_ci.migrations.formats.node_pg_migrate import NodePgMigrate
from kfm_ci.migrations.formats.prisma import Prisma
from kfm_ci.migrations.formats.rails import Rails
from kfm_ci.migrations.formats.refinery import Refinery
from kfm_ci.migrations.formats.sequelize import Sequelize
from kfm_ci.migrations.formats.sqitch import Sqitch
from kfm_ci.migrations.formats.sql_migrate import SqlMigrate
from kfm_ci.migrations.formats.sqlx import Sqlx
from kfm_ci.migrations.formats.supabase import Supabase
from kfm_ci.migrations.formats.typeorm import TypeOrm
from kfm_ci.migrations.formats.yoyo import Yoyo

ALL: tuple[Format, ...] = (
    Kfm(),
    Flyway(),
    Liquibase(),
    Alembic(),
    Prisma(),
    Knex(),
    Django(),
    Sequelize(),
    TypeOrm(),
    Yoyo(),
    Rails(),
    Ecto(),
    GolangMigrate(),
    Dbmate(),
    Goose(),
    Sqlx(),
    Diesel(),
    Refinery(),
    Atlas(),
    Supabase(),
    Drizzle(),
    NodePgMigrate(),
    GraphileMigrate(),
    Sqitch(),
    SqlMigrate(),
    AnyTool(),
)
"""Each format that can be named or detected."""
