"""Which other order of texts a server offers: one that a database in the same encoding can have."""

from __future__ import annotations

import psycopg
import pytest

from kfm_ci.postgres import collations
from kfm_ci.postgres.engines.base import Server


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "SQL_ASCII"])
def test_a_database_can_be_made_with_the_locale_that_is_offered(server: Server, encoding: str) -> None:
    make = "create database {} template template0 encoding {} lc_collate 'C' lc_ctype 'C'"
    with psycopg.connect(server.dsn(server.maintenance, admin=True), autocommit=True) as admin:
        admin.execute(make.format("here", encoding).encode())
        try:
            with psycopg.connect(server.dsn("here", admin=True), client_encoding="utf8") as here:
                locale = collations.find_locale(here)
            if locale is None:
                assert encoding != "UTF8" or server.major < 15 or not _has_icu(admin)
            else:
                plain = make if locale.icu else make.partition(" lc_collate")[0]
                admin.execute(plain.format("elsewhere", encoding).encode() + locale.clause().as_bytes())
                admin.execute("drop database elsewhere")
        finally:
            admin.execute("drop database here")


def _has_icu(admin: psycopg.Connection) -> bool:
    row = admin.execute("select from pg_collation where collname = 'en-US-x-icu'").fetchone()
    return row is not None
