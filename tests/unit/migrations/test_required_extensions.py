"""Extensions that migrations make themselves."""

from __future__ import annotations

from kfm_ci.migrations import required_extensions
from kfm_ci.migrations.model import Command, History, Migration
from kfm_ci.model import Digest
from kfm_ci.sql.script import Script, SourceFile


def test_each_extension_is_named_once_however_it_is_written() -> None:
    text = (
        'create extension "uuid-ossp";\nCREATE EXTENSION IF NOT EXISTS Citext;\ncreate extension citext with schema x;'
    )
    script = Script(file=SourceFile(path="m/1.sql", data=b"", text=text, sha256=Digest.of(b"")), text=text)
    migration = Migration(id="1", version="1", sort_key=(1,), name="one", up=script)
    assert required_extensions.created_by(History(format="kfm", directory="m", migrations=(migration,))) == (
        "citext",
        "uuid-ossp",
    )


def test_a_program_makes_extensions_by_sql_or_by_the_tools_own_operations():
    text = 'op.execute("CREATE EXTENSION IF NOT EXISTS pgcrypto")\nop.execute("create extension \\"uuid-ossp\\"")\n'
    text += "operations = [TrigramExtension(), CreateExtension('ltree'), CITextExtension()]\n"
    file = SourceFile(path="m/1.py", data=b"", text=text, sha256=Digest.of(b""))
    up = Command(file=file, argv=(), directory=".")
    migration = Migration(id="1", version="1", sort_key=(1,), name="1", up=up)
    found = required_extensions.created_by(History(format="alembic", directory="m", migrations=(migration,)))
    assert found == ("citext", "ltree", "pg_trgm", "pgcrypto", "uuid-ossp")
