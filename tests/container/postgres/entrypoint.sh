#!/bin/sh
# What the engine relies on of the official image's entry point, for machines that reach no registry.
set -eu
PATH=/usr/lib/postgresql/17/bin:/usr/bin:/bin
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chown postgres "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
password=$(mktemp)
echo "$POSTGRES_PASSWORD" >"$password"
# shellcheck disable=SC2086 # arguments, as the official image takes them
initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile "$password" $POSTGRES_INITDB_ARGS
rm "$password"
echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
exec postgres -k /tmp "$@"
