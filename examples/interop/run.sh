#!/bin/sh
# Runs the unmodified Python package against the simulator. Needs python3 (3.9 or later) with venv; nothing is installed
# outside target/.
#
#   examples/interop/run.sh
#   SIMULATOR="target/debug/bili simulate" examples/interop/run.sh     another command that serves the simulator
#   PYTHON=python3.12 examples/interop/run.sh                          another Python
set -eu

. "$(dirname "$0")/venv.sh"

cd "$root"
exec "$venv/bin/python" "$here/interop.py"
