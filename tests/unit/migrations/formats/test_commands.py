"""Tools that run their migrations themselves: what is read without running them."""

from __future__ import annotations

import pytest

from kfm_ci.config import CommandTable, MigrationsTable
from kfm_ci.errors import UsageError
from kfm_ci.migrations.tools import command_lines


def rules(history):
    return sorted(item.rule for item in history.findings)


def revision(name, *parents, message="x"):
    down = repr(parents if len(parents) > 1 else parents[0] if parents else None)
    return f'"""{message}"""\nraise SystemExit\nrevision: str = "{name}"\ndown_revision = {down}\n'


DIR = "db/versions"
ENV = {"db/env.py": "", "alembic.ini": "[alembic]\n"}


def test_alembic_orders_the_graph_without_running_a_file(load, detect):
    files = {
        **ENV,
        f"{DIR}/1.py": revision("c", "a", "b"),
        f"{DIR}/2.py": revision("a", "r"),
        f"{DIR}/3.py": revision("b", "r"),
        f"{DIR}/4.py": revision("r", message="first"),
    }
    history = load("alembic", files, DIR)
    assert [item.id for item in history.migrations] == ["r", "a", "b", "c"] and history.migrations[0].name == "first"
    assert history.migrations[1].up.argv == ("alembic", "upgrade", "a") and rules(history) == []
    assert detect(files) == (DIR, "alembic")


def test_alembic_two_heads_are_an_error_with_the_command_to_type(load):
    history = load(
        "alembic",
        {**ENV, f"{DIR}/1.py": revision("a"), f"{DIR}/2.py": revision("b", "a"), f"{DIR}/3.py": revision("c", "a")},
        DIR,
    )
    assert rules(history) == ["multiple-heads"] and history.unreadable
    assert history.findings[0].help == "Run `alembic merge -m merge b c`."


TWO = {f"{DIR}/1.py": revision("a"), f"{DIR}/2.py": revision("b", "a"), f"{DIR}/3.py": revision("c", "a")}


def test_alembic_takes_back_one_branch_of_a_fork_and_leaves_the_other(load):
    history = load("alembic", {**ENV, **TWO, f"{DIR}/4.py": revision("d", "b", "c")}, DIR)
    assert [item.up.down[-1] for item in history.migrations] == ["a-1", "b@a", "c@a", "d@b"]
    assert [bool(item.up.down_to) for item in history.migrations] == [False, False, False, True]


def test_alembic_branches_with_labels_of_their_own_need_no_merge(load):
    label = 'branch_labels = ("x",)\n'
    files = {
        **TWO,
        f"{DIR}/2.py": revision("b", "a") + label,
        f"{DIR}/3.py": revision("c", "a") + label.replace("x", "y"),
    }
    assert rules(load("alembic", {**ENV, **files}, DIR)) == []
    assert rules(
        load("alembic", {**ENV, **files, f"{DIR}/4.py": revision("d", "b"), f"{DIR}/5.py": revision("e", "b")}, DIR)
    ) == ["multiple-heads"]


@pytest.mark.parametrize(
    "settings",
    [
        {"alembic.ini": "[alembic]\nversion_locations = %(here)s/db/versions:app/more\npath_separator = :\n"},
        {"alembic.ini": "[alembic]\nversion_locations = db/versions app/more\n"},
        {"pyproject.toml": '[tool.alembic]\nversion_locations = ["%(here)s/db/versions", "app/more"]\n'},
        {"alembic.ini": "[alembic]\nversion_locations = app/more/deep/..\n"},
    ],
)
def test_alembic_reads_every_place_that_its_settings_name_and_no_directory_below(load, settings):
    files = {**ENV, f"{DIR}/1.py": revision("a"), "app/more/1.py": revision("m"), "app/more/old/1.py": revision("o")}
    history = load("alembic", {**files, **settings}, DIR)
    assert {item.id for item in history.migrations} == {"a", "m"} and rules(history) == []
    assert [item.up.down[-1] for item in history.migrations if item.id == "m"] == ["m@base"]


@pytest.mark.parametrize("place", ["/etc", "../other", "%(here)s/../..", "//x"])
def test_alembic_settings_lead_to_nothing_outside_the_repository(load, place):
    files = {**ENV, "alembic.ini": f"[alembic]\nversion_locations = {place}\n", f"{DIR}/1.py": revision("a")}
    table = CommandTable(up=f"alembic -c {place} upgrade heads")
    assert [item.id for item in load("alembic", files, DIR).migrations] == ["a"]
    history = load("alembic", files, DIR, command=table)
    assert not (history.tool.environment.settings_file or "").startswith(("/", ".."))


def test_alembic_settings_for_several_databases_are_told_before_anything_runs(load):
    ini = "[alembic]\ndatabases = one, two\n"
    with pytest.raises(UsageError) as told:
        load("alembic", {**ENV, "alembic.ini": ini, f"{DIR}/1.py": revision("a")}, DIR)
    assert "one, two" in str(told.value) and "alembic -c alembic.one.ini" in (told.value.help or "")
    table = CommandTable(up="alembic -c alembic.one.ini upgrade heads")
    files = {**ENV, "alembic.ini": ini, "alembic.one.ini": "[alembic]\ndatabases = one\n", f"{DIR}/1.py": revision("a")}
    history = command_lines.instead(load("alembic", files, DIR, command=table), table)
    assert history.tool.environment.settings_file == "alembic.one.ini"
    assert history.migrations[0].up.argv == ("alembic", "-c", "alembic.one.ini", "upgrade", "a")


@pytest.mark.parametrize(
    "files", [{"1.py": revision("a", "gone")}, {"1.py": revision("a", "b"), "2.py": revision("b", "a")}]
)
def test_alembic_a_graph_with_holes_or_circles_cannot_be_run(load, files):
    history = load("alembic", {**ENV, **{f"{DIR}/{name}": text for name, text in files.items()}}, DIR)
    assert "missing-parent-revision" in rules(history) and history.unreadable


def test_knex_orders_by_name_and_finds_its_home(load, detect):
    files = {
        "app/knexfile.js": "",
        "app/migrations/2_b.js": "",
        "app/migrations/1_a.ts": "",
        "app/migrations/1_a.d.ts": "",
        "app/migrations/notes.md": "",
    }
    history = load("knex", files, "app/migrations")
    assert [item.id for item in history.migrations] == ["1_a.ts", "2_b.js"]
    assert history.tool.environment.directory == "app" and history.migrations[0].up.down == (
        "knex",
        "migrate:down",
        "1_a.ts",
    )
    assert detect(files) == ("app/migrations", "knex")


ACTIVE = "class A < ActiveRecord::Migration[6.1]\nend\n"


def test_rails_orders_by_number_and_asks_the_repositorys_own_program(load, detect):
    files = {
        "app/bin/rails": "#!/usr/bin/env ruby\n",
        "app/db/migrate/20260105090000_b.rb": ACTIVE,
        "app/db/migrate/099_a.rb": ACTIVE,
        "app/db/migrate/notes.rb": "",
    }
    history = load("rails", files, "app/db/migrate")
    assert [(item.id, item.version) for item in history.migrations] == [
        ("099_a", "099"),
        ("20260105090000_b", "20260105090000"),
    ]
    assert history.tool.environment.directory == "app" and history.tool.commands.load_schema == ()
    assert history.migrations[1].up.argv == ("ruby", "bin/rails", "db:migrate:up", "VERSION=20260105090000")
    assert detect(files) == ("app/db/migrate", "rails")


def test_rails_begins_with_the_schema_that_it_keeps(load):
    files = {"Gemfile": "", "db/schema.rb": "", "db/migrate/1_a.rb": ACTIVE}
    assert load("rails", files, "db/migrate").tool.commands.load_schema == ("bundle", "exec", "rake", "db:schema:load")


def test_ecto_orders_by_number_and_is_pointed_at_the_throwaway_server(load, detect):
    files = {
        "mix.exs": "",
        "config/config.exs": 'config :shop, Shop.Repo, migration_source: "ran"\n',
        "priv/repo/migrations/20260105090000_b.exs": "defmodule B do\n  use Ecto.Migration\nend\n",
        "priv/repo/migrations/.formatter.exs": "[]",
    }
    history = load("ecto", files, "priv/repo/migrations")
    assert [item.id for item in history.migrations] == ["20260105090000_b"] and history.tool.tables.history == "ran"
    assert "{url}" in history.tool.environment.generated_files["kfm_ci_ecto.exs"]
    assert detect(files) == ("priv/repo/migrations", "ecto")


def test_any_tool_is_described_by_its_commands(load):
    table = CommandTable(
        up="tool up", up_one="tool one '{id}' --file={file}", down_one="tool back {id}", history_table="done"
    )
    history = load("command", {"m/2_b.rb": "", "m/1_a.rb": "", "m/_x.rb": ""}, command=table)
    history = command_lines.instead(history, table)
    assert history.migrations[0].up.argv == ("tool", "one", "1_a", "--file=m/1_a.rb")
    assert history.migrations[1].up.down == ("tool", "back", "2_b")


def test_any_files_format_can_be_run_by_its_own_tool(load):
    table = CommandTable(
        up="flyway migrate", up_one="flyway migrate -target={version}", history_table="flyway_schema_history"
    )
    history = command_lines.instead(load("flyway", {"m/V1_2__a.sql": "select 1;"}), table)
    assert history.migrations[0].up.argv == ("flyway", "migrate", "-target=1.2") and history.migrations[0].down is None


@pytest.mark.parametrize("table", [None, CommandTable(up="x")])
def test_an_incomplete_command_is_told_with_the_lines_to_write(load, table):
    with pytest.raises(UsageError) as raised:
        command_lines.instead(load("command", {"m/1_a.rb": ""}, command=table), table)
    assert "history-table" in raised.value.help


def test_the_configuration_takes_the_table():
    assert MigrationsTable.model_validate({"command": {"up-one": "x", "pass-env": ["A"]}}).command.pass_env == ("A",)


DJANGO = {
    "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')",
    "shop/migrations/0001_initial.py": "class Migration(migrations.Migration):\n    dependencies = []\n",
    "blog/steps/0001_initial.py": "class Migration(migrations.Migration):\n    dependencies = []\n",
    "old/migrations/0001_initial.py": "class Migration(migrations.Migration):\n    dependencies = []\n",
}
MODULES = "MIGRATION_MODULES = {'posts': 'blog.steps', 'old': None}\n"


def test_django_reads_the_migrations_where_the_settings_put_them(load):
    history = load("django", {**DJANGO, "site_/settings.py": MODULES}, ".")
    assert [item.id for item in history.migrations] == ["posts.0001_initial", "shop.0001_initial"] and rules(
        history
    ) == []
    history = load("django", {**DJANGO, "site_/settings_test.py": MODULES}, ".")
    assert [item.id for item in history.migrations] == ["old.0001_initial", "shop.0001_initial"]


def test_django_a_migration_that_no_app_is_known_to_read_is_no_pass(load):
    history = load("django", {**DJANGO, "site_/settings.py": "MIGRATION_MODULES = modules()\n"}, ".")
    assert (
        rules(history) == ["missing-parent-revision"] and history.findings[0].place.file == "blog/steps/0001_initial.py"
    )


def test_alembic_a_revision_without_a_written_name_is_no_pass(load):
    history = load("alembic", {**ENV, f"{DIR}/1.py": "revision = make()\ndown_revision = None\n"}, DIR)
    assert rules(history) == ["unreadable-file"] and history.unreadable


def test_yoyo_reads_every_source_that_its_settings_name(load, detect):
    files = {
        "yoyo.ini": "[DEFAULT]\nsources = db/a db/b ../x\n",
        "db/a/0001.t.sql": "",
        "db/b/0002.u.py": "from yoyo import step\n",
        "c/0003.v.sql": "",
    }
    assert detect(files) == ("db/a", "yoyo")
    history = load("yoyo", files, "db/a")
    assert [item.id for item in history.migrations] == ["0001.t.sql", "0002.u.py"]
    assert history.tool.commands.up[-2:] == ("db/a", "db/b")
    assert [item.id for item in load("yoyo", files, "c").migrations] == ["0003.v.sql"]


@pytest.mark.parametrize(
    ("package", "source", "program"),
    [
        ("{}", "data-source.js", "typeorm"),
        ("{}", "src/data-source.ts", "typeorm-ts-node-commonjs"),
        ('{"type": "module"}', "src/data-source.ts", "typeorm-ts-node-esm"),
    ],
)
def test_typeorm_runs_a_data_source_in_the_language_that_it_is_in(load, package, source, program):
    files = {"package.json": package, source: "", "m/1700000000001-A.ts": "queryRunner"}
    tool = load("typeorm", files).tool
    assert tool.commands.up == (program, "migration:run", "-d", source) and bool(
        tool.installation.check
    ) == source.endswith(".ts")


@pytest.mark.parametrize("name", ["up", "up_one", "down_one", "down_to", "status", "preview"])
def test_a_command_whose_quote_stays_open_is_a_wrong_setting_and_no_defect(name):
    with pytest.raises(ValueError, match="is not a command line: No closing quotation"):
        CommandTable(**{name: "alembic -c 'x upgrade head"})
