#!/usr/bin/env bash
# Runs the gate on a copy of the shop, as a pull request with three new migrations. One of them drops a column.
set -euo pipefail
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$here/shop/." "$work"
cd "$work"
git init -q .
commit() { git -c user.name=demo -c user.email=demo@example.com commit -q -m "$1"; }
git add -A . ':!migrations/db/20260216*' ':!migrations/db/20260223*' ':!migrations/db/20260302*' ':!migrations/db/meta'
commit "merged migrations"
git add -A .
commit "migrations of the pull request"
out=$here/../kfm-ci-out
"$program" gate . --base HEAD~1 --engine embedded --out "$out"
echo "Pull-request comment: kfm-ci-out/comment.md. Report: kfm-ci-out/report.html."
