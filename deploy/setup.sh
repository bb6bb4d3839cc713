#!/usr/bin/env bash
# Makes .venv and installs what the lock files say: `setup.sh runtime`, then `setup.sh dev`. It downloads by name and
# checks every hash; uv is used where it is there, pip otherwise. No step needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-runtime}
began=$SECONDS

say() { printf '%s\n' "$*"; }

fail() { printf '%s\n' "$*" >&2; exit 1; }

python_of() {
  for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s' "$name"; return
    fi
  done
  fail "Python 3.11 or newer is needed; install it (Debian: apt-get install python3 python3-venv) and try again."
}

if [ ! -x .venv/bin/python ]; then
  say "Making .venv ..."
  python=$(python_of)
  if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --python "$python" .venv
  else
    "$python" -m venv .venv 2>/dev/null ||
      fail "This Python cannot make environments; on Debian: apt-get install python3-venv"
  fi
fi

say "Installing requirements/$what.lock ..."
if command -v uv >/dev/null 2>&1; then
  uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes -r "requirements/$what.lock"
  uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
else
  # The lock stands as a constraint too: pip before 23.3 takes the newest of a package that another wants with an extra.
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r "requirements/$what.lock" -c "requirements/$what.lock"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
fi

# What browsers are given (docs/adr/0018): by the system's npm, else by one from a wheel. It is asked only when something changed.
browser=services/portal/browser
if ! cmp -s "$browser/package-lock.json" "$browser/node_modules/.installed"; then
  npm=$(command -v npm || true)
  if [ -z "$npm" ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/node.lock
    npm=.venv/bin/npm
  fi
  "$npm" ci --silent --prefix "$browser"
  cp "$browser/package-lock.json" "$browser/node_modules/.installed"
fi

.venv/bin/python -m compileall -q shared services deploy  # else sixteen processes do it all at once
say "Set up in $((SECONDS - began)) s."
