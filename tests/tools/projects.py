"""One small repository per external migration tool: two migrations, and one that blocks writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from histories import CACHE, JVM, NODE, PRISMA_CONFIG

PYTHON = CACHE / "python/bin"


@dataclass(frozen=True)
class Project:
    name: str
    files: dict[str, str]
    """Files of the base commit."""
    blocking: tuple[str, str]
    """A new file that builds an index and blocks writes."""
    line: int
    """The text of the line that creates the index."""
    needs: Path
    passes: dict[str, str] = field(default_factory=dict)
    """Environment variables of the job."""


def _django(number, before, operations):
    needs = f'("shop", "{before}")' if before else ""
    return (
        "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = [{needs}]\n    operations = [\n        {operations},\n    ]\n"
    )


DJANGO = Project(
    "django",
    {
        "manage.py": "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')\n"
        "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n",
        "site_/__init__.py": "",
        "site_/settings.py": "SECRET_KEY = 'x' * 3\nINSTALLED_APPS = ['shop']\n"
        "DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\nUSE_TZ = True\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}\n",
        "shop/__init__.py": "",
        "shop/models.py": "from django.db import models\n\n\nclass Customer(models.Model):\n"
        "    email = models.TextField()\n    name = models.TextField(null=True)\n",
        "shop/migrations/__init__.py": "",
        "shop/migrations/0001_initial.py": _django(
            1,
            "",
            (
                "migrations.CreateModel('Customer', [('id', models.BigAutoField(primary_key=True)), ('email', "
                "models.TextField())])"
            ),
        ),
        "shop/migrations/0002_name.py": _django(
            2, "0001_initial", "migrations.AddField('customer', 'name', models.TextField(null=True))"
        ),
    },
    (
        "shop/migrations/0003_index.py",
        _django(
            3,
            "0002_name",
            "migrations.RunSQL('create index shop_email on shop_customer (email)', 'drop index shop_email')",
        ),
    ),
    7,
    PYTHON / "django-admin",
)

SEQUELIZE = Project(
    "sequelize",
    {
        "package.json": "{}",
        "migrations/20260105090000-customers.js": "module.exports = {\n"
        "  up: (queryInterface, Sequelize) => queryInterface.createTable('customers', { id: { type: Sequelize.BIGINT, "
        "primaryKey: true, autoIncrement: true }, email: Sequelize.TEXT }),\n"
        "  down: (queryInterface) => queryInterface.dropTable('customers'),\n};\n",
        "migrations/20260112100000-name.js": "module.exports = {\n  up: (queryInterface, Sequelize) => "
        "queryInterface.addColumn('customers', 'name', Sequelize.TEXT),\n"
        "  down: (queryInterface) => queryInterface.removeColumn('customers', 'name'),\n};\n",
    },
    (
        "migrations/20260119100000-index.js",
        (
            "module.exports = {\n  up: (queryInterface) =>\n"
            "    queryInterface.addIndex('customers', ['email'], { name: 'customers_email' }),\n"
            "  down: (queryInterface) => queryInterface.removeIndex('customers', 'customers_email'),\n};\n"
        ),
    ),
    3,
    NODE / ".bin/sequelize-cli",
)


def _typeorm(time, up, down):
    return (
        f"module.exports = class Step{time} {{\n  name = 'Step{time}';\n"
        f"  async up(queryRunner) {{\n    await queryRunner.query(`{up}`);\n  }}\n"
        f"  async down(queryRunner) {{\n    await queryRunner.query(`{down}`);\n  }}\n}};\n"
    )


TYPEORM = Project(
    "typeorm",
    {
        "package.json": "{}",
        "data-source.js": "const { DataSource } = require('typeorm');\n"
        "module.exports.AppDataSource = new DataSource({ type: 'postgres', url: process.env.DATABASE_URL, migrations: "
        "['migrations/*.js'] });\n",
        "migrations/1700000000001-Step.js": _typeorm(
            1700000000001, "create table customers (id bigserial primary key, email text)", "drop table customers"
        ),
        "migrations/1700000000002-Step.js": _typeorm(
            1700000000002, "alter table customers add column name text", "alter table customers drop column name"
        ),
    },
    (
        "migrations/1700000000003-Step.js",
        _typeorm(1700000000003, "create index customers_email on customers (email)", "drop index customers_email"),
    ),
    4,
    NODE / ".bin/typeorm",
)


def _yoyo(up, down, before=""):
    return (
        f'"""Step."""\nfrom yoyo import step\n\n__depends__ = {{{before}}}\nsteps = [\n    step("{up}", "{down}"),\n]\n'
    )


YOYO = Project(
    "yoyo",
    {
        "migrations/0001.customers.py": _yoyo(
            "create table customers (id bigserial primary key, email text)", "drop table customers"
        ),
        "migrations/0002.name.py": _yoyo(
            "alter table customers add column name text", "alter table customers drop column name", '"0001.customers"'
        ),
    },
    (
        "migrations/0003.index.py",
        _yoyo("create index customers_email on customers (email)", "drop index customers_email", '"0002.name"'),
    ),
    6,
    PYTHON / "yoyo",
)


def _rails(name, body):
    return f"class {name} < ActiveRecord::Migration[6.1]\n{body}\nend\n"


RAILS = Project(
    "rails",
    {
        "Rakefile": 'require_relative "config/application"\nRails.application.load_tasks\n',
        "bin/rails": '#!/usr/bin/env ruby\nAPP_PATH = File.expand_path("../config/application", __dir__)\n'
        'require "rails/commands"\n',
        "config/application.rb": 'require "rails"\nrequire "active_record/railtie"\nmodule Shop\n'
        "  class Application < Rails::Application\n"
        "    config.load_defaults 6.1\n    config.eager_load = false\n"
        "    config.active_record.schema_format = :sql\n  end\nend\n",
        "config/environment.rb": 'require_relative "application"\nRails.application.initialize!\n',
        "config/database.yml": "test:\n  adapter: postgresql\n  database: shop_test\n",
        "db/migrate/20260105090000_create_customers.rb": _rails(
            "CreateCustomers", "  def change\n    create_table :customers do |t|\n      t.text :email\n    end\n  end"
        ),
        "db/migrate/20260112100000_add_name.rb": _rails(
            "AddName",
            (
                "  def up\n    add_column :customers, :name, :text\n  end\n\n  def down\n"
                "    remove_column :customers, :name\n  end"
            ),
        ),
    },
    (
        "db/migrate/20260119100000_index_email.rb",
        _rails("IndexEmail", "  def change\n    add_index :customers, :email\n  end"),
    ),
    3,
    Path("/usr/bin/rails"),
)


def _ecto(name, body):
    return f"defmodule Shop.Repo.Migrations.{name} do\n  use Ecto.Migration\n\n  def change do\n{body}\n  end\nend\n"


_LIBRARIES = CACHE / "ecto/_build/dev/lib"

# The settings name another server, as most applications do outside production.
ECTO = Project(
    "ecto",
    {
        "kfm-ci.toml": '[migrations.command]\npass-env = ["ERL_LIBS"]\n',
        "mix.exs": "defmodule Shop.MixProject do\n  use Mix.Project\n"
        '  def project, do: [app: :shop, version: "0.1.0", prune_code_paths: false]\nend\n',
        "config/config.exs": "import Config\nconfig :shop, ecto_repos: [Shop.Repo]\n"
        'config :shop, Shop.Repo, username: "postgres", hostname: "127.0.0.1", port: 1, database: "shop_dev"\n',
        "lib/repo.ex": "defmodule Shop.Repo do\n"
        "  use Ecto.Repo, otp_app: :shop, adapter: Ecto.Adapters.Postgres\nend\n",
        "priv/repo/migrations/20260105090000_customers.exs": _ecto(
            "Customers", "    create table(:customers) do\n      add :email, :text\n    end"
        ),
        "priv/repo/migrations/20260112100000_name.exs": _ecto(
            "Name", "    alter table(:customers) do\n      add :name, :text\n    end"
        ),
    },
    ("priv/repo/migrations/20260119100000_index.exs", _ecto("Index", "    create index(:customers, [:email])")),
    5,
    _LIBRARIES / "ecto_sql",
    {"ERL_LIBS": str(_LIBRARIES)},
)

_XML = """<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog"
                   xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                   xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-latest.xsd">
{body}
</databaseChangeLog>
"""

LIQUIBASE = Project(
    "liquibase",
    {
        "src/main/resources/db/changelog/db.changelog-master.yaml": "databaseChangeLog:\n  - includeAll:\n"
        "      path: db/changelog/changes/\n",
        "src/main/resources/db/changelog/changes/1.xml": _XML.format(
            body="""
  <changeSet id="1" author="ann">
    <createTable tableName="customers">
      <column name="id" type="bigint"><constraints primaryKey="true"/></column>
      <column name="email" type="text"/>
    </createTable>
  </changeSet>"""
        ),
        "src/main/resources/db/changelog/changes/2.yaml": "databaseChangeLog:\n  - changeSet:\n      id: 2\n"
        "      author: ann\n      changes:\n        - addColumn:\n            tableName: customers\n"
        "            columns:\n              - column:\n                  name: name\n                  type: text\n",
    },
    (
        "src/main/resources/db/changelog/changes/3.xml",
        _XML.format(
            body="""  <changeSet id="3" author="ann">
    <createIndex indexName="customers_email" tableName="customers"><column name="email"/></createIndex>
  </changeSet>"""
        ),
    ),
    5,
    JVM,
)

# Prisma's engines are a download. The JavaScript engine needs none; its defects are patched.
_ENGINES = (
    '[migrations.command.env]\nPRISMA_QUERY_ENGINE_LIBRARY = "/bin/true"\nPRISMA_SCHEMA_ENGINE_BINARY = "/bin/true"\n'
)

PRISMA = Project(
    "prisma",
    {
        "kfm-ci.toml": f"[migrations.command]\n{_ENGINES}",
        "prisma.config.ts": PRISMA_CONFIG.read_text(),
        "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n  url = env("DATABASE_URL")\n}\n',
        "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
        "prisma/migrations/1_customers/migration.sql": "create table customers (id bigserial primary key, "
        "email text);\n",
        "prisma/migrations/1_customers/down.sql": "drop table customers;\n",
        "prisma/migrations/2_name/migration.sql": "alter table customers add column name text;\n",
        "prisma/migrations/2_name/down.sql": "alter table customers drop column name;\n",
    },
    ("prisma/migrations/3_index/migration.sql", "\ncreate index customers_email on customers (email);\n"),
    2,
    NODE / ".bin/prisma",
)

PROJECTS = (DJANGO, SEQUELIZE, TYPEORM, YOYO, RAILS, ECTO, LIQUIBASE, PRISMA)
