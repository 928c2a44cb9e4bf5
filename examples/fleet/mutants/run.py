#!/usr/bin/env python3
"""Shows that the fleet's tests can fail: builds faults into it, one at a time, and runs the test that is to find each.

    python3 examples/fleet/mutants/run.py [--check] [PART OF A NAME …]

Prints a table; ends with 1 if a fault is not found. With --check it only sees that each fault still compiles. Works on a
copy of the workspace; builds go to $CARGO_TARGET_DIR or a directory beside the copy.
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
CARGO = ["cargo", "test", "-q", "-p", "bilibili-session-fleet"]
CHECK = ["cargo", "check", "-q", "-p", "bilibili-session-fleet", "--tests"]
FAST = {"RUST_BACKTRACE": "0", "FLEET_NEEDS_POSTGRES": "1", "CHAOS_SECONDS": os.environ.get("CHAOS_SECONDS", "40")}


def command(test):
    """The command of a test: `chaos`, `lib PART` or `fleet PART`."""
    where, _, part = test.partition(" ")
    if where == "chaos":
        return [*CARGO, "--test", "chaos", "--", "--ignored", "--nocapture"]
    return [*CARGO, *(["--lib"] if where == "lib" else ["--test", where]), part]


def change(copy, file, find, put):
    path = copy / file
    source = path.read_text()
    if source.count(find) != 1:
        sys.exit(f"{file} has {source.count(find)} places like {find!r}")
    path.write_text(source.replace(find, put))


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
        survivors = []
        if not only_checks:
            print("| fault | found by | as |\n|---|---|---|", flush=True)
        for mutant in mutants:
            changes = [(mutant["file"], mutant["find"], mutant["put"])]
            changes += [(mutant["file"], *pair) for pair in mutant.get("also", [])]
            changes += mutant.get("also_in", [])
            saved = {file: (copy / file).read_text() for file, _, _ in changes}
            for file, find, put in changes:
                change(copy, file, find, put)
            run = command(mutant["test"])
            build = CHECK if only_checks else [*CARGO, "--no-run"]
            built = subprocess.run(build, cwd=copy, env=env, capture_output=True, text=True)
            if built.returncode:
                sys.exit(f"{mutant['name']}: {built.stderr}")
            output = {"capture_output": True, "text": True, "errors": "replace"}
            done = None if only_checks else subprocess.run(run, cwd=copy, env=env, timeout=900, **output)
            for file, source in saved.items():
                (copy / file).write_text(source)
            if done is None:
                continue
            words = done.stdout + done.stderr
            found = re.search(r"^seed \d+: \d+ faults\n.*$", words, re.M)
            found = found or re.search(r"^thread .* panicked at .*\n.*$", words, re.M)
            what = (found.group(0).split("\n")[-1] if found else words[-200:]).replace("|", " ").strip()[:120]
            if done.returncode == 0:
                survivors.append(mutant["name"])
                what = "**not found**"
            print(f"| {mutant['name']} | {mutant['test']} | {what} |", flush=True)
    if only_checks:
        print(f"{len(mutants)} faults compile")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
