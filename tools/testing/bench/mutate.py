#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Plant one error at a time in the two drivers and see whether the tests that reach it notice.

    mutate.py [-n NUMBER] [-f FIRST] [-s SEED] [-t TEXT]... [-m MINUTES] [-j LANES] [-l]

Errors are chosen by rule and seed, as many of each rule as there are places for. Which tests reach
which line is what coverage.py has counted, so that has to run first, with the same sources. Each
error is planted in a clone of HEAD, and what is built from it goes to an overlay of the cache, so
that neither this tree nor what is in the cache changes; nothing else may build meanwhile. KUnit
runs first, in a kernel that is a process. Tests in VMs run on the kernel that counted, which boots
quickly, and if nobody notices there on the debug kernel, where it has them. At the end those tests
that have noticed an error run without any, and have to pass. -m bounds all before that, -l only lists
the errors. With the same seed and the number of errors that were tried, -f goes on, and -t has only those whose row
has a text, as "mgr.c:76", so that they can be tried again. Errors that nobody can notice are not
planted: the file not-noticed has them, each with its reason. Prints a row for each and ends in a
number.
"""

import argparse
import collections
import functools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time

import coverage
from bench_test import load
from hostvm import BENCH, CACHE, REPO, say

WORK = CACHE.parent / f"nvkm-vgpu-mutants{os.environ.get('MUTATE_LANE', '')}"
TAKEN = CACHE.parent / "nvkm-vgpu-mutants-taken"  # a folder for each error that a lane has taken
NOT_BUILT = "not-built"
TREE = WORK / "tree"
SECONDS = 300  # for the tests of one error; most end with the first
# The first boots in seconds, the second sees what is wrong with memory and locks.
KERNELS = ("gcov", "debug")
NO_MATTER_OF_MEMORY = ("wrong errno",)
TESTS = 20  # that are tried for one error
# Who is stopped too late is at work then: a message is on its way that nobody answers, or a VF is open
AT_WORK = re.compile(r"9_messages: (?!every_)|_goes$|waits_for_the_user$")
# How much longer than without an error tests may take before that is an error itself, and on which kernel
TOO_LONG = {"gcov": 4, "debug": 12}
BOOT = 60
FUNCTION = re.compile(r"^\w[^;=]*?\b(\w+)\(")
TEARDOWN = re.compile(
    r"fini|exit|stop|close|release|remove|destroy|free|unload|disable|put|down|forget|undo"
)
# Who is stopped, and what is given back after that: two that are only given back can be so in any order
STOPS = re.compile(r"^\t(?!mutex_destroy)\w*(stop|cancel|flush|unregister|disable|unload|shutdown|detach|unbind|halt)\w*\(.*\);$")
GIVES = re.compile(r"^\t(?!mutex_destroy|ida_destroy)\w*(free|fini|put|destroy|unmap|release|remove|clear|disable)\w*\(.*\);$")
UNLOCK = re.compile(
    r"^\t+((mutex|spin|read|write|rcu_read|device)_unlock|up_(read|write)|guard\()"
)
# Has those of BENCH_ALLOCATIONS_OF fail; not counted by coverage.py, which has them all
ALLOCATIONS = [
    f"host: gcov: 9_allocations: {name}allocations_of_a_function" for name in ("large_", "")
]
# A test in a VM, as check.py calls it; others say something of all of a VM's tests
TEST = re.compile(r"\w+: (gcov|debug|stock|kcsan): \w+: \w+$")
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
    """But for mutex_destroy(), which does nothing to be seen."""
    for n, line in enumerate(lines[:-1]):
        after = lines[n + 1]
        if re.match(r"^\w+:$", line) and re.match(r"^\t(?!mutex_destroy)\w+\(.*\);$", after):
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
    """Something is given back, and only then those are stopped who use it."""
    inside = False
    for n, line in enumerate(lines[:-1]):
        if match := FUNCTION.match(line):
            inside = TEARDOWN.search(match[1]) is not None
        after = lines[n + 1]
        if inside and line != after and STOPS.match(line) and GIVES.match(after):
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


def sources(tree):
    for folder in ("nvkm-vgpu", "vfio-nvidia-vgpu"):
        for path in sorted((tree / folder).rglob("*.c")):
            if "tests" not in path.parts:
                yield path.relative_to(tree)


def function_of(lines, number):
    return next((m[1] for m in map(FUNCTION.match, reversed(lines[:number])) if m), "")


def in_one_line(text):
    return text.strip().replace("\n\t", " ")


def not_noticed():
    """Whom nobody can notice, as (rule, file, function, lines)."""
    found = set()
    for n, line in enumerate((BENCH / "not-noticed").read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r'^([\w ]+): (\S+): (\w+): "(.+)": \S', line)
        if match:
            found.add(match.groups())
        elif line and not line.startswith("#"):
            raise SystemExit(f"not-noticed:{n}: '{line}', expected RULE: FILE: FUNCTION: \"LINE\": REASON")
    return found


def choose(number, seed, tree=TREE):
    """As many of each rule as there are, one rule after the other."""
    places = {rule: [] for rule in RULES}
    left_out = not_noticed()
    useless = set(left_out)
    for name in sources(tree):
        lines = (tree / name).read_text().splitlines()
        for rule, find in RULES.items():
            for n, old, new in find(lines):
                key = (rule, str(name), function_of(lines, n), in_one_line(old))
                useless.discard(key)
                places[rule].append(None if key in left_out else Mutant(rule, name, n, old, new))
    if useless:
        raise SystemExit(f"not-noticed: there is no such error: {min(useless)}")
    dice = random.Random(seed)
    for found in places.values():
        dice.shuffle(found)
    say(", ".join(f"{rule}: {len(found)}" for rule, found in places.items()))
    chosen = []
    while len(chosen) < number and any(places.values()):
        chosen += filter(None, [found.pop() for found in places.values() if found])
    return chosen[:number]


def chosen(args, tree=TREE):
    found = choose(10**6, args.s, tree)[args.f :]
    if not args.t:
        return found
    return [mutant for mutant in found[: args.n] if any(text in row(mutant) for text in args.t)]


def plant(mutant):
    path = TREE / mutant.file
    lines = path.read_text().splitlines()
    count = mutant.old.count("\n") + 1
    assert "\n".join(lines[mutant.line : mutant.line + count]) == mutant.old
    lines[mutant.line : mutant.line + count] = [mutant.new] if mutant.new else []
    path.write_text("\n".join(lines) + "\n")


def told_by_the_build(kernel):
    """What the compiler says of it; None if it does not compile."""
    built = subprocess.run(
        [TREE / BENCH.relative_to(REPO) / "mk-kernel.sh", kernel],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    if built.returncode:
        return None
    warning = re.search(r"warning: (.*)", built.stdout)
    return f"compiler: {warning[1]}" if warning else ""


# Checks that need no machine: what clang says of data without its lock, and what no x86 sees
STATIC = {"lock not given back or not taken": "^locks$", "barrier left out": "^barriers$"}


def told_by_static(mutant):
    if mutant.rule not in STATIC:
        return ""
    run = subprocess.run(
        [TREE / BENCH.relative_to(REPO) / "check-static.sh", STATIC[mutant.rule]],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "STATIC_FULL": "1"},
    )
    found = re.search(r"^not ok (?:.*\n)*? +# (\S+:\d+: .*)", run.stdout, re.M)
    return f"static: {found[1]}" if found else ""


def kunit_py(tree=TREE):
    """What KUnit says in a kernel that is a process, which needs no emulated CPU; with its output."""
    run = subprocess.run(
        [tree / BENCH.relative_to(REPO) / "check-builds.sh", "^KUnit by kunit.py$"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "BUILDS_FULL": "1"},
    )
    found = re.search(r"^not ok \d+ - (.*)", run.stdout, re.M)
    return found[1] if found else "" if re.search(r"^ok 1 - ", run.stdout, re.M) else "not run", run.stdout


def told_by_kunit():
    """Nothing if it cannot be built: the compiler of the next kernel says so, too."""
    told, output = kunit_py()
    return "" if re.search(r"error: |\*\*\* \[", output) else told


@functools.lru_cache
def allocates(mutant):
    """
    The function whose allocation this is about, if it is, and those of its file that call it, and them,
    which the compiler may have made it part of.
    """
    lines = (TREE / mutant.file).read_text().splitlines()
    about = {"check dropped": lines[mutant.line + 1], "wrong errno": mutant.old}.get(mutant.rule, "")
    if not re.search(r"-ENOMEM\b", about):
        return ""
    found = [function_of(lines, mutant.line)]
    for function in found:
        calls = {function_of(lines, n) for n, line in enumerate(lines) if re.match(rf"\t.*\b{function}\(", line)}
        found += sorted(calls - {"", *found})
    return "|".join(found)


class Reached:
    """Which tests reach which line, as coverage.py has it."""

    def __init__(self):
        path = CACHE / "coverage/tests.json"
        if not path.exists():
            raise SystemExit(f"mutate: no {path}: run coverage.py first")
        counted = json.loads(path.read_text(encoding="utf-8"))
        for name, key in counted["sources"].items():
            if key != coverage.key_of(TREE / name):
                raise SystemExit(f"mutate: {name} is not what coverage.py has seen: run it again")
        self.tests = counted["tests"]
        self.code = counted["code"]
        self.reasons = coverage.Reasons(BENCH / "not-covered").entries

    def reach(self, mutant, line):
        name = str(mutant.file)
        line = self.counted(name, line)
        found = [test for test, its in self.tests.items() if line in its["lines"].get(name, [])]
        return sorted(found, key=lambda test: self.tests[test]["seconds"])

    def by(self, mutant):
        """
        Most of them are those who take a branch of the line that few others take, the quickest are the
        rest. Whether a condition was met is what its next line knows, if the compiler has not
        made one place of both.
        """
        name, line = str(mutant.file), mutant.line + 1
        if mutant.rule == "check dropped" and line + 1 in self.code.get(name, []):
            return self.reach(mutant, line + 1) or self.named(mutant)
        found = self.reach(mutant, line)
        takes = {test: self.branches(test, name, line) for test in found}
        takers = collections.Counter(branch for its in takes.values() for branch in its)
        rare = sorted(found, key=lambda test: min((takers[branch] for branch in takes[test]), default=len(found)))
        if mutant.rule == "order of teardown":
            rare = [test for test in found if AT_WORK.search(test)]
        found = list(dict.fromkeys([*rare[: TESTS - 4], *found]))
        if allocates(mutant):
            return [*ALLOCATIONS, *found]
        return found or self.named(mutant)

    def counted(self, name, line):
        """
        A return that the compiler has made part of its condition has no code of its own, nor has a call
        of a function that is only called there: then it is what comes before, but for a label.
        """
        code = self.code.get(name, [])
        before = max((n for n in code if n <= line), default=line)
        lines = (TREE / name).read_text().splitlines()
        if any(re.match(r"\w+:$", text) for text in lines[before:line]):
            return min((n for n in code if n > line), default=line)
        return before

    def branches(self, test, name, line):
        line = self.counted(name, line)
        return self.tests[test]["branches"].get(name, {}).get(str(line), [])

    def named(self, mutant):
        """What it does cannot be counted, and not-covered says who sees it."""
        function = function_of((TREE / mutant.file).read_text().splitlines(), mutant.line)
        said = " ".join(entry[3] for entry in self.reasons.get((str(mutant.file), function), []))
        paths = [BENCH / "tests" / name for name in re.findall(r"tests/(\w+\.py)", said)]
        return [f"{suite}: stock: {topic}: {test.__name__[5:]}" for path in paths
                for suite, topic in [path.stem.split("_", 1)] for test in load(path)]

    def seconds(self, test):
        return self.tests[test]["seconds"] if test in self.tests else BOOT


@functools.lru_cache
def of_debug():
    """Tests that the debug kernel has, as "suite: file: test"."""
    found = set()
    for path in (BENCH / "tests").glob("*.py"):
        suite, topic = path.stem.split("_", 1)
        found |= {
            f"{suite}: {topic}: {test.__name__[5:]}"
            for test in load(path) if "debug" in test.host_test["kernels"]
        }
    return found


def on_debug(tests):
    """Names on the debug kernel, of those that it has; the others would say the same again."""
    parts = [test.split(": ", 2) for test in tests]
    return [f"{suite}: debug: {title}" for suite, _, title in parts if f"{suite}: {title}" in of_debug()]


def told_by_tests(tests, seed, kernel, reached, function=""):
    """The first test that fails, or nothing. A campaign of allocations has those of this function fail."""
    begin = time.monotonic()
    rounds = [["kunit"]] if "kunit" in tests else []
    names = [name for name in tests if name != "kunit"][:TESTS]
    usual = sum(map(reached.seconds, names)) + BOOT
    if kernel == "debug":
        names = on_debug(names)
    if names:
        (WORK / "only").write_text("\n".join(names) + "\n", encoding="utf-8")
        suites = sorted({name.partition(":")[0] for name in names})
        rounds.append(["--only", str(WORK / "only"), *suites])
    for options in rounds:
        left = SECONDS - (time.monotonic() - begin)
        failed = first_failed(options, seed, left, kernel, function)
        if failed is None:
            failed = f"took {SECONDS} s" if usual * TOO_LONG[kernel] < SECONDS else ""
        if failed:
            return failed
    return ""


def first_failed(options, seed, seconds, kernel, function):
    """Nothing if all passed, None if they were not done in time."""
    said, done = check_py(["--first", *options], seed, seconds, kernel, function)
    failed = re.search(r"^not ok \d+ - (.*?)(?: # .*)?$", said, re.M)
    if failed or done:
        return failed[1] if failed else ""
    return None


def check_py(options, seed, seconds, kernel, function):
    """What it said, and whether it was done in time."""
    command = [TREE / BENCH.relative_to(REPO) / "check.py", *options]
    env = {**os.environ, "BENCH_SEED": str(seed), "BENCH_LANES": "1", "BENCH_ALLOCATIONS_OF": function}
    if kernel != "debug":
        env["BENCH_ONE_KERNEL"] = kernel
    with open(WORK / "log", "w", encoding="utf-8") as log:
        with subprocess.Popen(command, stdout=log, stderr=log, env=env) as run:
            try:
                run.wait(max(1, seconds))
            except subprocess.TimeoutExpired:
                run.terminate()
                run.wait()
    return (WORK / "log").read_text(errors="replace"), run.returncode >= 0


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


def fail_anyway(noticed_by, seed):
    """Those of (test, function) that fail without any error, too: what they noticed was not the error."""
    anyway = set()
    lots = collections.defaultdict(list)
    for test, function in noticed_by:
        # those of the stock kernel ran on the one that counts
        lots["debug" if test.split(": ")[1] == "debug" else KERNELS[0], function].append(test)
    for (kernel, function), tests in sorted(lots.items()):
        if told_by_the_build(kernel) is None:
            raise SystemExit(f"mutate: without any error the {kernel} kernel cannot be built")
        (WORK / "only").write_text("\n".join(tests) + "\n", encoding="utf-8")
        options = ["--only", str(WORK / "only"), *sorted({test.partition(":")[0] for test in tests})]
        said, _ = check_py(options, seed, SECONDS * (1 + len(tests)), kernel, function)
        passed = re.findall(r"^ok \d+ - (.*?)(?: # .*)?$", said, re.M)
        anyway |= {(test, function) for test in tests if test not in passed}
    return anyway


def judge(mutant, reached, seed):
    """Who has noticed; "" nobody; None if it cannot be built."""
    tests = reached.by(mutant)
    if not tests:
        return ""
    plant(mutant)
    try:
        if told := told_by_static(mutant):
            return told
        if "kunit" in tests and (told := told_by_kunit()):
            return told
        for kernel in KERNELS[:1] if mutant.rule in NO_MATTER_OF_MEMORY else KERNELS:
            built = told_by_the_build(kernel)
            others = [test for test in tests if test != "kunit" or kernel == "debug"]
            told = built if built is None else built or told_by_tests(others, seed, kernel, reached, allocates(mutant))
            if told != "":
                return told
        return ""
    finally:
        subprocess.run(["git", "-C", TREE, "checkout", "-q", "."], check=True)


def one_lane(args):
    """What no other lane has taken; prints how many were noticed, and of how many."""
    begin = time.monotonic()
    reached = Reached()
    tried = []  # (mutant, who has noticed, whose allocations failed)
    for number, mutant in enumerate(chosen(args)):
        if planted() >= args.n or time.monotonic() - begin > 60 * args.m:
            break
        if not take(number):
            continue
        start = time.monotonic()
        told = judge(mutant, reached, args.s)
        if told is None:
            (TAKEN / str(number) / NOT_BUILT).mkdir()
            continue
        tried.append((mutant, told, allocates(mutant)))
        why = "NOT NOTICED" if reached.by(mutant) else "NOT REACHED"
        print(f"{row(mutant)} | {told or why} | {time.monotonic() - start:.0f} s", flush=True)
    anyway = fail_anyway({(told, function) for _, told, function in tried if TEST.match(told)}, args.s)
    for mutant, told, function in tried:
        if (told, function) in anyway:
            print(f"{row(mutant)} | NOT NOTICED: {told} fails without it, too", flush=True)
    noticed = sum(told != "" and (told, function) not in anyway for _, told, function in tried)
    print(f"{noticed} of {len(tried)} noticed", flush=True)


def planted():
    """In all lanes; what could not be built was none."""
    return len(list(TAKEN.iterdir())) - len(list(TAKEN.glob(f"*/{NOT_BUILT}")))


def take(number):
    try:
        (TAKEN / str(number)).mkdir()
        return True
    except FileExistsError:
        return False


def row(mutant):
    change = f"{in_one_line(mutant.old)} -> {in_one_line(mutant.new) or 'nothing'}"
    return f"{mutant.rule} | {mutant.file}:{mutant.line + 1} | {change}"


def all_lanes(args):
    # its kernel, which takes minutes, is what the lanes begin with
    told, output = kunit_py(REPO)
    if told:
        raise SystemExit(f"mutate: without any error: {told}\n{output}")
    command = [sys.executable, __file__, *sys.argv[1:], "-s", str(args.s)]
    shutil.rmtree(TAKEN, ignore_errors=True)
    TAKEN.mkdir()
    lanes = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "MUTATE_LANE": str(lane)}
        )
        for lane in range(args.j)
    ]
    sums = [0, 0]
    lock = threading.Lock()

    def listen(lane):
        for line in lane.stdout:
            found = re.fullmatch(r"(\d+) of (\d+) noticed\n", line)
            with lock:
                if found:
                    sums[:] = [a + int(b) for a, b in zip(sums, found.groups())]
                else:
                    print(line, end="", flush=True)

    listeners = [threading.Thread(target=listen, args=[lane]) for lane in lanes]
    for listener in listeners:
        listener.start()
    for listener in listeners:
        listener.join()
    failed = [lane.args for lane in lanes if lane.wait()]
    print(f"{sums[0]} of {sums[1]} noticed")
    return int(bool(failed) or not sums[1])


def main():
    parser = argparse.ArgumentParser(description="Plant errors and see whether they are noticed.")
    parser.add_argument("-n", type=int, default=100, help="how many")
    parser.add_argument("-f", type=int, default=0, help="how many to leave out at the beginning")
    parser.add_argument("-s", type=int, default=int.from_bytes(os.urandom(3), "little"))
    parser.add_argument("-t", action="append", help="only those with this in their row")
    parser.add_argument("-m", type=float, default=600, help="minutes")
    parser.add_argument("-j", type=int, default=2, help="how many at a time")
    parser.add_argument("-l", action="store_true", help="list them only")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        one_lane(args)
    elif "MUTATE_LANE" in os.environ:
        in_overlay()
    elif args.l:
        for mutant in chosen(args, REPO)[: args.n]:
            print(row(mutant))
    else:
        print(f"# seed {args.s}", flush=True)
        return all_lanes(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
