#!/bin/sh
# Whole processes side by side: `bili watch` on both runtimes and the unmodified Python package, at the same static server.
# Needs Linux and python3 (3.9 or later) with venv; nothing is installed outside target/. About ten minutes; see bench.py.
#
#   examples/interop/bench.sh
#   examples/interop/bench.sh --pairs 3 --delays 0
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv="${INTEROP_VENV:-${CARGO_TARGET_DIR:-$root/target}/interop-venv}"

if [ ! -x "$venv/bin/python" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"

cd "$root"
cargo build --quiet --release --locked --bin bili
cargo build --quiet --release --locked -p bilibili-session-simulator --example static_server
exec "$venv/bin/python" "$here/bench.py" "$@"
