#!/usr/bin/env bash
# Installs the real migration tools, each from its own registry, into a cache directory: install.sh DIR [NAME…].
# What cannot be had is left out; the tests then skip it and say so.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$(mkdir -p "$1" && cd "$1" && pwd)
shift
names=${*:-python node go jvm debian rust}
log="$cache/install.log"

once() { # once NAME COMMAND…: runs the command unless it ended well before, with the same words, text and files beside it
  local mark
  mark="$cache/.$1-$({ echo "${@:2}" && declare -f "$2" && cat "$here/$1"/*; } 2>/dev/null | cksum | cut -d' ' -f1)"
  [ -e "$mark" ] && return 0
  if "${@:2}" >>"$log" 2>&1; then touch "$mark"; echo "installed: $1"; else echo "NOT installed: $1 (see $log)"; fi
}

python_tools() {
  python3 -m venv "$cache/python" && "$cache/python/bin/python" -m pip install --quiet \
    alembic==1.16.5 sqlalchemy==2.0.43 django==5.2.6 yoyo-migrations==9.0.0 'psycopg[binary]==3.2.10' psycopg2-binary==2.9.10
}

node_tools() {
  mkdir -p "$cache/node" && cd "$cache/node" && npm install --silent --no-save --prefix . \
    knex@3.1.0 pg@8.16.3 node-pg-migrate@8.0.3 dbmate@2.28.0 drizzle-orm@0.44.5 drizzle-kit@0.31.4 \
    graphile-migrate@1.4.1 sequelize@6.37.7 sequelize-cli@6.6.3 pg-hstore@2.3.4 typeorm@0.3.26 \
    prisma@6.19.0 @prisma/client@6.19.0 @prisma/adapter-pg@6.19.0 supabase@3.1.0
}

workflows() { # GitHub's parser of workflows, bundled: its modules are not all ones that every Node takes
  mkdir -p "$cache/workflows" && cp "$here"/workflows/* "$cache/workflows/" && cd "$cache/workflows" &&
    npm install --silent --prefix . && npx esbuild parse.js --bundle --platform=node --format=cjs --outfile=parse.cjs --log-level=error
}

mermaid() { # draws the comment's diagrams on GitHub
  mkdir -p "$cache/mermaid" && cd "$cache/mermaid" && npm install --silent --no-save --prefix . mermaid@11.17.2
}

rails_tools() {
  command -v rails >/dev/null && ruby -e 'require "pg"' && return 0
  [ "$(id -u)" = 0 ] && apt-get install -q -y --no-install-recommends ruby-activerecord ruby-railties ruby-pg
}

ecto() { # Elixir from Debian, its libraries from Hex
  command -v mix >/dev/null || {
    [ "$(id -u)" = 0 ] && apt-get install -q -y --no-install-recommends elixir erlang-dev erlang-parsetools erlang-xmerl
  } || return 1
  mkdir -p "$cache/ecto" && cp "$here/ecto/mix.exs" "$cache/ecto/" && cd "$cache/ecto" &&
    mix local.hex --force && mix local.rebar --force && mix deps.get && MIX_ENV=dev mix deps.compile
}

go_tool() { # go_tool MODULE@VERSION [TAGS]
  GOBIN="$cache/go" GOFLAGS=-trimpath CGO_ENABLED=0 go install -tags "${2:-}" "$1"
}

atlas_runner() { # Atlas' command line is on no registry, its library is: a program of our own around that
  (cd "$here/atlas" && CGO_ENABLED=0 go build -mod=readonly -trimpath -o "$cache/go/atlasrun" .)
}

rust_tool() { # rust_tool CRATE@VERSION FEATURE; minutes of compiling, so debug code without its symbols
  CARGO_TARGET_DIR="$cache/rust-target" CARGO_PROFILE_DEV_DEBUG=0 \
    cargo install --locked --quiet --debug --root "$cache/rust" "$1" --no-default-features --features "$2"
}

jvm_tools() {
  mkdir -p "$cache/jvm" && cp "$here/jvm/pom.xml" "$cache/jvm/" &&
    mvn -q -B -f "$cache/jvm/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cache/jvm/lib"
}

debian_tools() {
  command -v sqitch >/dev/null && return 0
  [ "$(id -u)" = 0 ] && apt-get install -q -y --no-install-recommends sqitch libdbd-pg-perl
}

for name in $names; do
  case $name in
  python) once python python_tools ;;
  node)
    once node node_tools
    once workflows workflows
    once mermaid mermaid
    ;;
  go)
    once golang-migrate go_tool github.com/golang-migrate/migrate/v4/cmd/migrate@v4.19.0 postgres
    once goose go_tool github.com/pressly/goose/v3/cmd/goose@v3.25.0 \
      'no_clickhouse no_mssql no_mysql no_sqlite3 no_vertica no_ydb no_libsql no_duckdb no_turso'
    once sql-migrate go_tool github.com/rubenv/sql-migrate/sql-migrate@v1.8.0
    once atlas atlas_runner
    ;;
  jvm) once jvm jvm_tools ;;
  debian)
    once debian debian_tools
    once rails rails_tools
    once ecto ecto
    ;;
  rust)
    [ "$(id -u)" = 0 ] && once libpq apt-get install -q -y --no-install-recommends libpq-dev
    once sqlx rust_tool sqlx-cli@0.8.6 postgres
    once diesel rust_tool diesel_cli@2.3.2 postgres
    once refinery rust_tool refinery_cli@0.9.0 postgresql
    rm -rf "$cache/rust-target"
    ;;
  *) echo "unknown: $name" && exit 2 ;;
  esac
done
