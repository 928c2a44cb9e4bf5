#!/bin/sh
# Whole processes side by side: `bili watch` on both runtimes and the unmodified Python package, at the same static server.
# Needs Linux and python3 (3.9 or later) with venv; nothing is installed outside target/. About ten minutes; see bench.py.
#
#   examples/interop/bench.sh
#   examples/interop/bench.sh --pairs 3 --delays 0
set -eu

. "$(dirname "$0")/venv.sh"

cd "$root"
cargo build --quiet --release --locked --bin bili
cargo build --quiet --release --locked -p bilibili-session-simulator --example static_server
exec "$venv/bin/python" "$here/bench.py" "$@"
