# Sourced by the other scripts: a virtual environment at the project's root, made on first use.
# STANCE_VENV names another folder for it, PYTHON the Python to make it with.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${STANCE_VENV:-$root/.venv}

fail() {
  echo "stance: $*" >&2
  exit 2
}

find_python() {
  local python
  for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  fail "found no Python 3.11 or newer with venv; install one (on Debian and Ubuntu: apt install" \
    "python3 python3-venv), or name it: PYTHON=/path/to/python3 $0"
}

# prepare NAME PIP-ARGUMENTS...: installs what NAME needs unless it has been installed for this
# version of pyproject.toml and of the constraints. An installation that was cut off leaves no
# stamp, so the next run completes it.
prepare() {
  local name=$1 python stamp
  shift
  stamp="$(cat "$root/pyproject.toml" "$root/tests/constraints.txt" | cksum) $root"
  if [ "$(cat "$venv/stance-$name" 2>/dev/null)" = "$stamp" ]; then
    return
  fi
  if ! "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(find_python) || exit
    echo "stance: making $venv (on first use)" >&2
    "$python" -m venv --clear "$venv" || fail "cannot make $venv"
  fi
  echo "stance: installing what scripts/$name needs (once for each version)" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" ||
    fail "the installation failed; what pip says stands above"
  echo "$stamp" > "$venv/stance-$name"
}
