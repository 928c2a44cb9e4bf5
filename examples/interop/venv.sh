# To be sourced: sets $here, $root and $venv, a virtual environment with the Python package in it.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv="${INTEROP_VENV:-${CARGO_TARGET_DIR:-$root/target}/interop-venv}"

if [ ! -x "$venv/bin/python" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
