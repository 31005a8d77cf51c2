"""Locales that a server can create a database with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

# Without ICU pg_collation still lists `unicode`, so the query looks for a collation that initdb imports from ICU.
# Collations that sort by code point are no alternative to C; ICU does not support the three excluded encodings.
COLLATIONS = """
select collprovider::text, collcollate from pg_catalog.pg_collation, pg_catalog.pg_database
 where datname = pg_catalog.current_database()
   and pg_catalog.pg_encoding_to_char(encoding) not in ('SQL_ASCII', 'MULE_INTERNAL', 'EUC_JIS_2004')
   and collnamespace = 'pg_catalog'::regnamespace and collprovider in ('i', 'c') and collencoding in (-1, encoding)
   and (collname = 'en-US-x-icu' or collprovider = 'c' and collcollate !~* '^(c|posix|ucs_basic)([.]|$)')
 order by collprovider desc, collcollate <> 'en_US.utf8', collcollate limit 1
"""
ICU_VERSION = 150_000
"""First server version with ICU as the locale provider of a database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locale:
    """A locale and its provider."""

    name: str
    icu: bool = False

    def clause(self) -> sql.Composed:
        """Return the options of CREATE DATABASE."""
        if self.icu:
            return sql.SQL(" locale_provider icu icu_locale {}").format(sql.Literal(self.name))
        return sql.SQL(" lc_collate {0} lc_ctype {0}").format(sql.Literal(self.name))


def find_locale(connection: Connection[Any]) -> Locale | None:
    """Return a locale of the database's encoding that does not sort by code point, or None."""
    row = connection.execute(COLLATIONS).fetchone()
    if row is None:
        return None
    if row[0] == "i":
        return Locale(name="en-US", icu=True) if connection.info.server_version >= ICU_VERSION else None
    return Locale(name=row[1])
