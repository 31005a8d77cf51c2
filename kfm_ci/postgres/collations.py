"""Under which rules of sorting and of letters a server can make a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

# What the server found when it was built or set up: without ICU it knows names of ICU's collations that it has not.
# Code-point orders are no other order; in some encodings there are none but these.
KNOWN = """
select collprovider::text, collcollate from pg_catalog.pg_collation, pg_catalog.pg_database
 where datname = pg_catalog.current_database()
   and pg_catalog.pg_encoding_to_char(encoding) not in ('SQL_ASCII', 'MULE_INTERNAL', 'EUC_JIS_2004')
   and collnamespace = 'pg_catalog'::regnamespace and collprovider in ('i', 'c') and collencoding in (-1, encoding)
   and (collname = 'en-US-x-icu' or collprovider = 'c' and collcollate !~* '^(c|posix|ucs_basic)([.]|$)')
 order by collprovider desc, collcollate <> 'en_US.utf8', collcollate limit 1
"""
MODERN = 150_000
"""First server version whose databases can sort by ICU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locale:
    """One such set of rules."""

    name: str
    icu: bool = False

    def clause(self) -> sql.Composed:
        """Return it as CREATE DATABASE takes it."""
        if self.icu:
            return sql.SQL(" locale_provider icu icu_locale {}").format(sql.Literal(self.name))
        return sql.SQL(" lc_collate {0} lc_ctype {0}").format(sql.Literal(self.name))


def another(connection: Connection[Any]) -> Locale | None:
    """Return a locale that sorts as people do, in the database's encoding; None where there are code points alone."""
    row = connection.execute(KNOWN).fetchone()
    if row is None:
        return None
    if row[0] == "i":
        return Locale(name="en-US", icu=True) if connection.info.server_version >= MODERN else None
    return Locale(name=row[1])
