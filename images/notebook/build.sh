#!/usr/bin/env bash
# Builds the environment of the notebooks, as locked, with the lab's own settings.
#
#   images/notebook/build.sh [TARGET]       TARGET defaults to .build/notebook
#
# Idempotent: what it is made of is hashed into TARGET/.stamp, and a second call does nothing.
# May be killed at any time: the stamp is written last.
# The environment is relocatable: sandboxes see it, read-only, as /opt/notebook.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${1:-$root/.build/notebook}
umask 022  # sandboxes run as another user, who must be able to read it

fail() {
  printf 'notebook environment: %s\n' "$*" >&2
  exit 1
}

uv=${UV:-$(command -v uv || true)}
[ -n "$uv" ] || uv=$root/.venv/bin/uv
[ -x "$uv" ] || fail "uv is not installed. It builds the environment from the lock. Run 'pip install uv', then try again."

python=${VASE_CLOS_PYTHON:-$("$uv" python find --no-project '>=3.11,<3.13' 2>/dev/null || true)}
[ -n "$python" ] || fail "no Python 3.11 or 3.12 was found. Install python3 (Debian 12 has 3.11), then try again."

mkdir -p "$target"
target=$(cd "$target" && pwd)
exec 9>"$target.lock"
flock 9

wanted=$(
  {
    "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
    cd "$here"
    find build.sh pyproject.toml uv.lock files -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -d' ' -f1
)
stamp=$target/.stamp
[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || exit 0
rm -f "$stamp"

if ! grep -qsx 'relocatable = true' "$target/pyvenv.cfg" || [ ! -x "$target/bin/python" ] \
  || [ "$("$target/bin/python" -c 'import sys; print(sys.version, sys.base_prefix)' 2>/dev/null)" \
    != "$("$python" -c 'import sys; print(sys.version, sys.base_prefix)')" ]; then
  "$uv" venv --quiet --clear --relocatable --no-project --python "$python" --prompt notebook "$target" \
    || fail "could not make $target. Look at the line above: is the disk full, or the folder not yours?"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Compiled here, once: it is read-only in the sandbox, and Python could not keep what it compiles.
if ! (cd "$here" && UV_PROJECT_ENVIRONMENT=$target UV_PYTHON=$target/bin/python VIRTUAL_ENV= \
  "$uv" sync --frozen --no-dev --compile-bytecode --no-progress) >"$log" 2>&1; then
  why=$(grep -iE '^ *(error|×|├─▶|╰─▶|caused by)' "$log" | tail -1 | sed 's/^[^[:alnum:]]*//' || true)
  fail "a download or an installation failed (${why:-$(tail -1 "$log")}). It needs a package index once: check the network or UV_INDEX_URL, then run the same command again; what was fetched is kept."
fi

# A file of ours may replace one of a package's, whose bytes uv shares with its cache by a hard link.
cp -R --remove-destination "$here/files/." "$target/"
chmod -R a+rX "$target"
printf '%s\n' "$wanted" >"$stamp.new"
mv "$stamp.new" "$stamp"
