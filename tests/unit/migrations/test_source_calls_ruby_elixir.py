"""Which call of a program in Ruby or Elixir sent a statement."""

from __future__ import annotations

import pytest

from kfm_ci.migrations.source_calls import read, sender

RAILS = """class A < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!

  def up
    # kfm:allow blocks-writes reason="forty rows"
    add_index :customers, :email, name: "customers_email_idx"
    create_table :orders do |t|
      t.text :note, null: false
    end
    add_column :customers, :vip, :boolean,
               default: false
    execute <<~SQL
      update customers
         set name = email
    SQL
  end

  def down
    drop_table "#{prefix}orders"
  end
end
"""
ECTO = '''defmodule A do
  use Ecto.Migration

  def change do
    create table(:orders) do
      add :note, :text
    end

    alter table(:customers) do
      add :vip, :boolean
    end

    create index(:customers, [:email])

    execute """
    update customers set name = email
    """
  end
end
'''


@pytest.mark.parametrize(
    ("path", "statement", "lines"),
    [
        ("a.rb", 'CREATE INDEX "customers_email_idx" ON "customers" ("email")', (6, 6)),
        ("a.rb", 'CREATE TABLE "orders" ("id" bigserial primary key, "note" text NOT NULL)', (7, 9)),
        ("a.rb", 'ALTER TABLE "customers" ADD "vip" boolean DEFAULT FALSE', (10, 11)),
        ("a.rb", "update customers\n   set name = email", (12, 15)),
        ("a.exs", 'CREATE TABLE "orders" ("id" bigserial, "note" text)', (5, 7)),
        ("a.exs", 'ALTER TABLE "customers" ADD COLUMN "vip" boolean', (9, 11)),
        ("a.exs", 'CREATE INDEX "customers_email_index" ON "customers" ("email")', (13, 13)),
        ("a.exs", "update customers set name = email", (15, 17)),
    ],
)
def test_calls_without_brackets_are_read_by_line_and_indentation(path, statement, lines):
    call = sender(statement, read(RAILS if path.endswith(".rb") else ECTO, path)[0])
    assert call is not None and (call.line, call.end_line) == lines


def test_a_comment_is_a_remark_and_what_a_string_holds_is_none():
    assert [(item.line, item.text[:11]) for item in read(RAILS, "a.rb")[1]] == [(5, "# kfm:allow")]


@pytest.mark.parametrize(
    ("text", "strings"),
    [
        ("", None),
        ("x (", None),
        ("x <<~SQL", None),
        ("x :a,", 1),
        ('x """', 1),
        ("x :a do", 1),
        ("x :a do |" * 99, 99),
        ("x(:a" * 500, 500),
        ('x "' * 999, 499),
    ],
)
def test_broken_text_is_read_to_its_end(text, strings):
    calls, remarks = read(text, "a.rb")
    assert [len(call.strings) for call in calls[:1]] == ([] if strings is None else [strings])
    assert remarks == ()
