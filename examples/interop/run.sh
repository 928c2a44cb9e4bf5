#!/bin/sh
# Runs the unmodified Python package against the simulator. Needs python3 (3.9 or later) with venv; nothing is installed
# outside target/.
#
#   examples/interop/run.sh
#   SIMULATOR="target/debug/bili simulate" examples/interop/run.sh     another command that serves the simulator
#   PYTHON=python3.12 examples/interop/run.sh                          another Python
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv="${INTEROP_VENV:-${CARGO_TARGET_DIR:-$root/target}/interop-venv}"

if [ ! -x "$venv/bin/python" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"

cd "$root"
exec "$venv/bin/python" "$here/interop.py"
