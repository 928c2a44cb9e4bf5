#!/usr/bin/env python3
"""Shows that the harness can fail: builds faults into the poller, one at a time, and runs 500 seeds on each; where these
do not find it, the same 500 without a push channel.

    python3 examples/harness/mutants/run.py [--check] [PART OF A NAME …]

Prints a table; ends with 1 if a fault is not found, or if the poller without a fault fails. With --check it only sees, in a
few minutes, that each fault still compiles.
Works on a copy of the workspace; builds go to $CARGO_TARGET_DIR or a directory beside the copy.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TEST = ["cargo", "test", "--release", "-q", "-p", "bilibili-session-harness", "--test", "harness"]
CHECK = ["cargo", "check", "-q", "-p", "bilibili-session-harness", "--tests"]
RUN = ["--", "five_hundred", "--nocapture"]
FAST = {
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_INCREMENTAL": "true",
    "HARNESS_AS_IT_IS": "1",
    "HARNESS_THREADS": "1",
    "RUST_BACKTRACE": "0",
}
FOUND = re.compile(r"^seed (\d+): property (\d) \(([^)]*)\) is broken after ([\d.]+) s: (.*)$", re.M)


def run(copy, env):
    """What the harness found, or None."""
    built = subprocess.run([*TEST, "--no-run"], cwd=copy, env=env, capture_output=True, text=True)
    if built.returncode:
        sys.exit(built.stderr)
    try:
        done = subprocess.run(
            [*TEST, *RUN], cwd=copy, env=env, capture_output=True, text=True, errors="replace", timeout=900
        )
    except subprocess.TimeoutExpired:
        return ("", "6", "it never ends", "", "no end in 900 s")
    if done.returncode == 0:
        return None
    found = FOUND.search(done.stderr + done.stdout)
    return found.groups() if found else ("", "", "it panics", "", (done.stderr + done.stdout)[-300:])


def main():
    if {"-h", "--help"} & set(sys.argv[1:]):
        sys.exit(print(__doc__))
    only_checks = "--check" in sys.argv
    wanted = [name.lower() for name in sys.argv[1:] if name != "--check"]
    mutants = json.loads((HERE / "mutants.json").read_text())
    mutants = [m for m in mutants if not wanted or any(w in m["name"].lower() for w in wanted)]
    # A slip of the pen must not look as if all were found.
    if not mutants:
        sys.exit(f"no fault has a name with {' or '.join(wanted)} in it: the names are in mutants.json")
    with tempfile.TemporaryDirectory() as place:
        copy = pathlib.Path(place) / "workspace"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("target", ".git", "corpus"))
        env = {"CARGO_TARGET_DIR": str(pathlib.Path(place) / "target"), **os.environ, **FAST}
        if not wanted and not only_checks and run(copy, env):
            sys.exit("the poller without a fault fails")
        survivors = []
        if not only_checks:
            print("| fault | caught by property | at seed | as |\n|---|---|---|---|", flush=True)
        for mutant in mutants:
            path = copy / mutant["file"]
            source = path.read_text()
            if source.count(mutant["find"]) != 1:
                sys.exit(f"{mutant['name']}: {mutant['file']} has {source.count(mutant['find'])} such places")
            path.write_text(source.replace(mutant["find"], mutant["put"]))
            if only_checks:
                checked = subprocess.run(CHECK, cwd=copy, env=env, capture_output=True, text=True)
                path.write_text(source)
                if checked.returncode:
                    sys.exit(f"{mutant['name']}: {checked.stderr}")
                continue
            # Some show under one habit only, which few of the seeds have.
            habit = {"HARNESS_HABIT": mutant["habit"]} if "habit" in mutant else {}
            # A push channel makes most readings come sooner than a fault shows.
            found = run(copy, {**env, **habit}) or run(copy, {**env, **habit, "HARNESS_HINTS": "none"})
            path.write_text(source)
            if found is None:
                survivors.append(mutant["name"])
                print(f"| {mutant['name']} | **none** | | |", flush=True)
            else:
                seed, number, words, _, what = found
                print(f"| {mutant['name']} | {number} {words} | {seed} | {what.replace('|', ' ')} |", flush=True)
    if only_checks:
        print(f"{len(mutants)} faults compile")
    if survivors:
        sys.exit(f"not found: {', '.join(survivors)}")


if __name__ == "__main__":
    main()
