#!/usr/bin/env bash
# Runs the gate on a copy of the shop as a pull request would: three new migrations on top of the merged ones, one of which removes a column.
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
commit "what is merged"
git add -A .
commit "what the pull request adds"
out=$here/../kfm-ci-out
"$program" gate . --base HEAD~1 --engine embedded --out "$out"
echo "The comment a reviewer would read: kfm-ci-out/comment.md; the report: kfm-ci-out/report.html"
