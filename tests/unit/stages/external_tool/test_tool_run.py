"""What is told of a tool that failed: the line that says most, and the line of the migration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kfm_ci.migrations.model import Command, Migration
from kfm_ci.migrations.tools import process
from kfm_ci.migrations.tools.process import ProcessResult
from kfm_ci.model import Digest
from kfm_ci.sql.script import SourceFile
from kfm_ci.stages.external_tool.record_down import failure_reason
from kfm_ci.stages.external_tool.tool_run import decisive_line, traceback_line

RAILS = """== 20260119100000 Bad: migrating ==
-- add_column(:customers, :x, :integer)
rails aborted!
StandardError: An error has occurred, this and all later migrations canceled:

undefined local variable or method `nothing_such' for #<Bad:0x00007fd15c5dfe78 @name="Bad">
/tmp/copy/db/migrate/20260119100000_bad.rb:4:in `change'
/tmp/copy/bin/rails:4:in `<main>'

Caused by:
NoMethodError: nothing_such
/tmp/copy/db/migrate/20260119100000_bad.rb:4:in `change'

Tasks: TOP => db:migrate
(See full trace by running task with --trace)
"""
ECTO = """** (RuntimeError) cannot be
    priv/repo/migrations/20260119100000_bad.exs:5: Shop.Repo.Migrations.Bad.change/0
    (ecto_sql 3.10.2) lib/ecto/migration/runner.ex:290: Ecto.Migration.Runner.perform_operation/3
"""


RUBY = """/usr/lib/ruby/specification.rb:2248:in `raise_if_conflicts': \
Unable to activate html-1.6.2 (Gem::ConflictError)
\tfrom /usr/lib/ruby/specification.rb:1379:in `activate'
\tfrom bin/rails:3:in `<main>'
"""


def migration(path, text=""):
    file = SourceFile(path=path, data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    return Migration(id="x", version="", sort_key=("x",), name="x", up=Command(file=file, argv=(), directory="."))


@pytest.mark.parametrize(
    ("tail", "path", "told", "line"),
    [
        (
            RAILS,
            "db/migrate/20260119100000_bad.rb",
            'undefined local variable or method `nothing_such\' for #<Bad @name="Bad">',
            4,
        ),
        (RUBY, "x.rb", RUBY.splitlines()[0], None),
        (ECTO, "app/priv/repo/migrations/20260119100000_bad.exs", "** (RuntimeError) cannot be", 5),
    ],
)
def test_the_error_itself_and_its_line_are_told_not_the_trace_around_them(tail, path, told, line):
    assert decisive_line(tail) == told and traceback_line(migration(path), tail) == line


def test_complaints_are_kept_though_the_program_flushes_all_else_after_them():
    program = "import sys; print('Error: no table', file=sys.stderr, flush=True); print('\\n'.join(['done'] * 500))"
    ended = process.run((sys.executable, "-c", program), directory=Path(), environment={}, timeout=60)
    assert ended.code == 0 and decisive_line(ended.tail) == "Error: no table"


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        ("ERROR: Cannot rollback adding enum value", None),
        ("ActiveRecord::IrreversibleMigration", None),
        ("ERROR: cannot drop table a because other objects depend on it", "cannot drop table a"),
    ],
)
def test_a_way_back_that_its_author_declines_has_not_failed(tail, why):
    found = failure_reason(migration("m/1.js"), None, ProcessResult(code=1, tail=tail))
    assert found is None if why is None else why in found


@pytest.mark.parametrize(
    ("text", "tail", "declines"),
    [
        ('throw new Error("Cannot undo this migration.");', "ERROR: Cannot undo this migration.", True),
        ("throw new Error(\n  'There is no way home'\n)", "Error: There is no way home", True),
        ("console.log('no table a'); throw error;", "ERROR: no table a", False),
        ('throw new Error("No");', "ERROR: No", False),
    ],
)
def test_an_error_of_the_migrations_own_is_known_by_its_words_where_the_tool_tells_no_line(text, tail, declines):
    ended = ProcessResult(code=1, tail=tail)
    assert (failure_reason(migration("m/1.js", text), None, ended) is None) is declines
