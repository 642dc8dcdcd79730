#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Plant one error at a time in the two drivers and see whether the quickest suites notice.

    mutate.py [-n NUMBER] [-s SEED] [-m MINUTES] [-l]

Errors are chosen by rule and seed, as many of each rule as there are places for. Each is
planted in a clone of HEAD, and what is built from it goes to an overlay of the cache, so
that neither this tree nor the cache changes; nothing else may build meanwhile. -m bounds
all of it, -l only lists the errors. Prints a row for each and ends in a number.
"""

import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import time

from hostvm import BENCH, CACHE, REPO, say

WORK = CACHE.parent / "nvkm-vgpu-mutants"
TREE = WORK / "tree"
# What is not noticed on the stock kernel, with KUnit beside it, may be on the debug kernel.
ROUNDS = (("-k", "stock", "kunit", "host"), ("-k", "debug", "host"))
SECONDS = 1800  # for each; a test ends much earlier
FUNCTION = re.compile(r"^\w[^;=]*?\b(\w+)\(")
TEARDOWN = re.compile(
    r"fini|exit|stop|close|release|remove|destroy|free|unload|disable|put|down|forget|undo"
)
UNLOCK = re.compile(
    r"^\t+((mutex|spin|read|write|rcu_read|device)_unlock|up_(read|write)|guard\()"
)
COMPARES = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > "}

Mutant = collections.namedtuple("Mutant", "rule file line old new")


def dropped_checks(lines):
    for n, line in enumerate(lines[:-1]):
        match = re.match(r"^(\t+)(?:else )?if \((.*)\)$", line)
        if match and re.match(r"^\t+(return -E|goto |return false;)", lines[n + 1]):
            yield n, line, line.replace(f"({match[2]})", f"(false && ({match[2]}))")


def wrong_errnos(lines):
    for n, line in enumerate(lines):
        match = re.search(r"(?:return|=|:) -(E[A-Z]+)\b", line)
        if match and not line.startswith(" *"):
            other = "EIO" if match[1] == "EINVAL" else "EINVAL"
            yield n, line, line.replace(f"-{match[1]}", f"-{other}", 1)


def missing_unlocks(lines):
    for n, line in enumerate(lines):
        if UNLOCK.match(line) and line.endswith(";"):
            yield n, line, ""


def missing_unwinds(lines):
    for n, line in enumerate(lines[:-1]):
        after = lines[n + 1]
        if re.match(r"^\w+:$", line) and re.match(r"^\t\w+\(.*\);$", after):
            yield n + 1, after, ""


def missing_barriers(lines):
    for n, line in enumerate(lines):
        if re.match(r"^\t+(dma_|smp_)?(wmb|rmb|mb)\(\);", line):
            yield n, line, ""
        elif "smp_store_release(" in line:
            yield n, line, re.sub(r"smp_store_release\(&?", "WRITE_ONCE(", line)
        elif "smp_load_acquire(" in line:
            yield n, line, re.sub(r"smp_load_acquire\(&?", "READ_ONCE(", line)


def off_by_one(lines):
    for n, line in enumerate(lines):
        if not re.match(r"^\t+((else )?if|for|while|return|[\w>.-]+ [+-]?=) ?\W", line):
            continue
        for old, new in COMPARES.items():
            if old in line:
                yield n, line, line.replace(old, new, 1)
                break
        else:
            match = re.search(r" [+-] 1\b(?!u?l* *<<)", line)
            if match:
                yield n, line, line[: match.start()] + line[match.end() :]


def wrong_order(lines):
    """Two calls that follow each other, where something is taken down."""
    inside = False
    for n, line in enumerate(lines[:-1]):
        if match := FUNCTION.match(line):
            inside = TEARDOWN.search(match[1]) is not None
        after = lines[n + 1]
        if inside and line != after and all(re.match(r"^\t\w+\(.*\);$", x) for x in (line, after)):
            yield n, f"{line}\n{after}", f"{after}\n{line}"


RULES = {
    "check dropped": dropped_checks,
    "wrong errno": wrong_errnos,
    "lock not given back or not taken": missing_unlocks,
    "unwind left out": missing_unwinds,
    "barrier left out": missing_barriers,
    "off by one": off_by_one,
    "order of teardown": wrong_order,
}


def sources():
    for folder in ("nvkm-vgpu", "vfio-nvidia-vgpu"):
        for path in sorted((TREE / folder).rglob("*.c")):
            if "tests" not in path.parts:
                yield path


def choose(number, seed):
    """As many of each rule as there are, one rule after the other."""
    places = {rule: [] for rule in RULES}
    for path in sources():
        lines = path.read_text().splitlines()
        for rule, find in RULES.items():
            for n, old, new in find(lines):
                places[rule].append(Mutant(rule, path.relative_to(TREE), n, old, new))
    dice = random.Random(seed)
    for found in places.values():
        dice.shuffle(found)
    say(", ".join(f"{rule}: {len(found)}" for rule, found in places.items()))
    chosen = []
    while len(chosen) < number and any(places.values()):
        chosen += [found.pop() for found in places.values() if found]
    return chosen[:number]


def plant(mutant):
    path = TREE / mutant.file
    lines = path.read_text().splitlines()
    count = mutant.old.count("\n") + 1
    assert "\n".join(lines[mutant.line : mutant.line + count]) == mutant.old
    lines[mutant.line : mutant.line + count] = [mutant.new] if mutant.new else []
    path.write_text("\n".join(lines) + "\n")


def told_by_the_build():
    """What the compiler says of it; None if it does not compile."""
    built = subprocess.run(
        [TREE / BENCH.relative_to(REPO) / "mk-modules.sh"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    if built.returncode:
        return None
    warning = re.search(r"warning: (.*)", built.stdout)
    return f"compiler: {warning[1]}" if warning else ""


def told_by_tests(options, seed):
    """The first test that fails, or nothing."""
    command = [TREE / BENCH.relative_to(REPO) / "check.py", "--first", *options]
    with open(WORK / "log", "w", encoding="utf-8") as log:
        run = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "BENCH_SEED": str(seed)}
        )
        try:
            run.wait(SECONDS)
        except subprocess.TimeoutExpired:
            run.terminate()
            run.wait()
    failed = re.search(r"^not ok \d+ - (.*)", (WORK / "log").read_text(), re.M)
    return failed[1] if failed else ""


def in_overlay():
    """Where this runs again: whatever is built from here on is built in an overlay."""
    shutil.rmtree(WORK, ignore_errors=True)
    for name in ("upper", "work"):
        (WORK / name).mkdir(parents=True)
    subprocess.run(["git", "clone", "-q", REPO, TREE], check=True)
    mount = f"lowerdir={CACHE},upperdir={WORK}/upper,workdir={WORK}/work"
    os.execvp("unshare", [
        "unshare", "-m", "sh", "-c", 'mount -t overlay overlay -o "$0" "$1" && shift && exec "$@"',
        mount, str(CACHE), sys.executable, *sys.argv, "--inside",
    ])


def main():
    parser = argparse.ArgumentParser(description="Plant errors and see whether they are noticed.")
    parser.add_argument("-n", type=int, default=100, help="how many")
    parser.add_argument("-s", type=int, default=int.from_bytes(os.urandom(3), "little"))
    parser.add_argument("-m", type=float, default=600, help="minutes")
    parser.add_argument("-l", action="store_true", help="list them only")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.inside:
        sys.argv[1:] = [*sys.argv[1:], "-s", str(args.s)]
        in_overlay()
    print(f"# seed {args.s}", flush=True)
    begin = time.monotonic()
    noticed = missed = 0
    for mutant in choose(10**6, args.s):
        if noticed + missed == args.n or time.monotonic() - begin > 60 * args.m:
            break
        change = f"{mutant.old.strip()} -> {mutant.new.strip() or 'nothing'}".replace("\n\t", " ")
        row = f"{mutant.rule} | {mutant.file}:{mutant.line + 1} | {change}"
        if args.l:
            print(row)
            missed += 1
            continue
        plant(mutant)
        start = time.monotonic()
        told = told_by_the_build()
        for options in ROUNDS:
            if told == "":
                told = told_by_tests(options, args.s)
        subprocess.run(["git", "-C", TREE, "checkout", "-q", "."], check=True)
        if told is None:
            continue
        noticed += bool(told)
        missed += not told
        print(f"{row} | {told or 'NOT NOTICED'} | {time.monotonic() - start:.0f} s", flush=True)
    if not args.l:
        print(f"{noticed} of {noticed + missed} noticed")


if __name__ == "__main__":
    main()
