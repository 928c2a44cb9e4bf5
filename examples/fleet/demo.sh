#!/usr/bin/env bash
# Shows a fleet: a PostgreSQL server of its own in a temporary folder, a simulator with 200 accounts, three workers, and
# messages as they come in. Everything goes with it. FLEET_SECONDS says how long (20).
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb 2>/dev/null || true)")
if [ ! -x "$bin/initdb" ]; then
    echo "!! SKIPPED: the fleet's demo needs PostgreSQL, and there is none (Debian: apt-get install postgresql)" >&2
    # Where it is meant to be there, that is a fault.
    if [ -n "${FLEET_NEEDS_POSTGRES:-}" ]; then exit 1; fi
    exit 0
fi

# CI has just built them with all others.
[ -n "${FLEET_BUILT:-}" ] || cargo build -q --locked -p bilibili-session-fleet --bins --examples
target=${CARGO_TARGET_DIR:-target}/debug

folder=$(mktemp -d)
pids=()
# PostgreSQL does not run as root.
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"; else "$@"; fi; }
end() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    as "$bin/pg_ctl" -D "$folder/server/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap end EXIT

chmod 711 "$folder"
mkdir "$folder/server"
[ "$(id -u)" != 0 ] || chown postgres "$folder/server"
as "$bin/initdb" -D "$folder/server/data" -U fleet -A trust -E UTF8 --no-sync >"$folder/initdb.log"
as "$bin/pg_ctl" -D "$folder/server/data" -l "$folder/server/log" -w \
    -o "-c listen_addresses='' -c unix_socket_directories='$folder/server'" start >/dev/null
export DATABASE_URL="postgresql:///postgres?host=$folder/server&user=fleet"

(umask 077; "$target/bili-fleet" key >"$folder/key")
export BILI_FLEET_KEY_FILE=$folder/key
"$target/bili-fleet" init
"$target/bili-fleet" way direct --budget 200

"$target/examples/fleet_simulator" 200 20 "$folder/cookies" >"$folder/origin" &
pids+=($!)
until [ -s "$folder/origin" ]; do sleep 0.1; done
export BILI_ORIGIN=$(cat "$folder/origin")
"$target/bili-fleet" add --each-line --pace 3 <"$folder/cookies"

for name in one two three; do
    "$target/bili-fleet" work --name "$name" --capacity 150 2>"$folder/$name.log" &
    pids+=($!)
done
"$target/bili-fleet" tail --all >"$folder/events" 2>/dev/null &
pids+=($!)
sleep "${FLEET_SECONDS:-20}"
head -n 3 "$folder/events"
"$target/bili-fleet" status
events=$(wc -l <"$folder/events")
echo "$events events came in"
[ "$events" -ge 50 ]
