"""Which call of a program sent a statement."""

from __future__ import annotations

import pytest

from kfm_ci.migrations.program import read, sender

ALEMBIC = '''"""Add customers."""
from alembic import op

def upgrade():
    op.create_table("customers", sa.Column("id", sa.BigInteger()), sa.Column("email", sa.Text()))
    # kfm:allow blocks-writes reason="forty rows"
    op.create_index("customers_email_idx", "customers", ["email"])
    op.add_column(
        "customers", sa.Column("name", sa.Text()))
    op.execute("""update customers
        set name = email""")

def downgrade():
    op.drop_column("customers", "name")
    op.drop_index("customers_email_idx")
'''
KNEX = """exports.up = async (knex) => {
  await knex.schema.createTable("orders", (t) => { t.bigIncrements("id"); t.text("note"); });
  await knex.schema.alterTable("orders", (t) => {
    t.index(["note"], "orders_note_idx");
  });
  await knex.raw(`create index x
    on orders (note)`);
};
"""


@pytest.mark.parametrize(
    ("text", "statement", "lines"),
    [
        (ALEMBIC, "CREATE TABLE customers (id BIGSERIAL NOT NULL, email TEXT)", (5, 5)),
        (ALEMBIC, "CREATE INDEX customers_email_idx ON customers (email)", (7, 7)),
        (ALEMBIC, "ALTER TABLE customers ADD COLUMN name TEXT", (8, 9)),
        (ALEMBIC, "update customers\n  set name = email", (10, 11)),
        (ALEMBIC, "ALTER TABLE customers DROP COLUMN name", (14, 14)),
        (ALEMBIC, "DROP INDEX customers_email_idx", (15, 15)),
        (KNEX, 'create table "orders" ("id" bigserial primary key, "note" text)', (2, 2)),
        (KNEX, 'create index "orders_note_idx" on "orders" ("note")', (3, 5)),
        (KNEX, "create index x on orders (note)", (6, 7)),
    ],
)
def test_a_statement_is_put_at_the_call_that_names_what_it_names(text, statement, lines):
    call = sender(statement, read(text)[0])
    assert call is not None and (call.line, call.end_line) == lines


@pytest.mark.parametrize("statement", ["select 1", "create table elsewhere (id int)", ""])
def test_what_no_call_names_has_no_place(statement):
    assert sender(statement, read(ALEMBIC)[0]) is None


@pytest.mark.parametrize("text", ["", "(((", ")))", '"', "'''", "op.f(`", "/*", "<!--", "x('a'" * 500])
def test_text_that_is_no_program_is_read_all_the_same(text):
    read(text)


def test_comments_are_remarks_with_their_lines():
    assert [(item.line, "kfm:allow" in item.text) for item in read(ALEMBIC)[1]] == [(6, True)]
