#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Which lines and branches of the two drivers the tests in VMs reach.

    coverage.py [-t NAME] [-a] [-r] [SUITE...]

Runs the suites (those of check.py) on the kernel of kernel.gcov.config, whichever kernel a test
asks for; adds up what gcov counts in each VM, and prints a row for each file. Without a name of
either kind it runs all suites that use the drivers, and host's campaigns in which every message and
every allocation fails. With -a what is counted is added to what was counted before,
with -t those tests are run that have NAME in their names, the long ones, too. With -r it runs nothing
and looks again at what was counted.

What is not reached has to have a reason, in the file not-covered: a line is

    FILE: FUNCTION: REASON            or
    FILE: FUNCTION: "TEXT": REASON    for lines of the function that have this text.

Exit code 1 if a line has no reason, a reason no line, or less is reached than LINES and BRANCHES
say. Of a part, but with -a or -r, nothing is demanded.
"""

import argparse
import base64
import collections
import fcntl
import functools
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

BENCH = pathlib.Path(__file__).resolve().parent
FOLDER = "drivers/gpu/nvkm-vgpu/"
LINES, BRANCHES = 90, 80  # percent
SUITES = ["kunit", "host", "guest"]
# Most of what handles errors is reached by nobody else.
CAMPAIGNS = ["--full", "-t", "every_", "host"]
# Tests of the drivers are none of them, and a trace event is one macro of Linux's.
LEFT_OUT = re.compile(r"/tests/|/trace\.[ch]$")
# In the VM: files of gcov have no size, so they are read before they are packed.
PACK = (
    "cd /sys/kernel/debug/gcov && rm -rf /tmp/gcov &&"
    " find . -path '*/nvkm-vgpu/*' ! -path '*/tests/*' -name '*.gcda' | "
    "while read -r f; do mkdir -p /tmp/gcov/${f%/*}; cat $f >/tmp/gcov/$f; done; "
    "mkdir -p /tmp/gcov; cd /tmp/gcov && tar cz . | base64 -w 0; rm -rf /tmp/gcov;"
    " echo 0 >/sys/kernel/debug/gcov/reset"
)


def folder(cache):
    return cache / "coverage"


def add(cache, packed, test=""):
    """Counts of one VM to those of all, and for themselves if they are of one test."""
    data = folder(cache)
    (data / "tests").mkdir(parents=True, exist_ok=True)
    with open(data / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        one, total, both = data / "one", data / "total", data / "both"
        for path in one, both:
            shutil.rmtree(path, ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed)), mode="r:gz") as archive:
            archive.extractall(one)
        if not list(one.rglob("*.gcda")):
            return  # no driver of ours was loaded
        if test:
            shutil.copytree(one, data / "tests" / test, dirs_exist_ok=True)
        if not total.exists():
            one.rename(total)
            return
        subprocess.run(["gcov-tool", "merge", "-o", both, total, one], check=True)
        shutil.rmtree(total)
        both.rename(total)


def took(cache, test, seconds):
    """How long a test was at work."""
    if (folder(cache) / "tests" / test).is_dir():
        (folder(cache) / "tests" / test / "seconds").write_text(f"{seconds:.1f}", encoding="utf-8")


def forget(cache, test):
    """It has failed: it says of no error that is planted."""
    shutil.rmtree(folder(cache) / "tests" / test, ignore_errors=True)


class Line:
    """Counts of one line, and of its branches, in all objects that have it."""

    def __init__(self):
        self.count = 0
        self.function = ""
        self.branches = []

    def add(self, line):
        self.count += line["count"]
        self.function = self.function or line.get("function_name", "")
        counts = [b["count"] for b in line["branches"] if not b["throw"]]
        if len(counts) != len(self.branches):
            self.branches += [0] * (len(counts) - len(self.branches))
        for n, count in enumerate(counts):
            self.branches[n] += count


def documents(text):
    """JSON after JSON."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        found, at = decoder.raw_decode(text, at)
        yield found
        while text[at : at + 1].isspace():
            at += 1


def gcov(objects, counted, everything=True):
    """{file: {line number: Line}} of what is built of the drivers; everything: counted or not."""
    files = collections.defaultdict(functools.partial(collections.defaultdict, Line))
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        notes = []
        for note in sorted((objects / FOLDER).rglob("*.gcno")):
            if LEFT_OUT.search(str(note)):
                continue
            found = counted / note.with_suffix(".gcda").relative_to("/")
            if not found.exists() and not everything:
                continue
            place = work / note.relative_to(objects)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(note, place)
            if found.exists():
                shutil.copy(found, place.with_suffix(".gcda"))
            notes.append(place)
        if not notes:
            return files
        done = subprocess.run(
            ["gcov", "--json-format", "--branch-probabilities", "--stdout", *notes],
            cwd=objects, capture_output=True, text=True, check=False,
        )
    if "stamp mismatch" in done.stderr:
        raise SystemExit("coverage: what was counted is not of the kernel that is built now: run it again")
    done.check_returncode()
    for file in (file for one in documents(done.stdout) for file in one["files"]):
        name = file["file"].rpartition(FOLDER)[2]
        if FOLDER not in file["file"] or LEFT_OUT.search(name):
            continue
        for line in file["lines"]:
            files[name][line["line_number"]].add(line)
    return files


def key_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def by_test(objects, source, data, files):
    """
    Which lines have code, which of them each test has reached, and which branches of these it has
    taken, for mutate.py, in tests.json.
    """
    tests = {}
    for counted in sorted((data / "tests").iterdir()):
        seconds = counted / "seconds"
        reached = gcov(objects, counted, everything=False)
        tests[counted.name] = {
            "seconds": float(seconds.read_text()) if seconds.exists() else 60,
            "lines": {
                name: sorted(n for n, line in lines.items() if line.count) for name, lines in reached.items()
            },
            "branches": {
                name: {
                    n: [i for i, count in enumerate(line.branches) if count]
                    for n, line in lines.items() if any(line.branches)
                }
                for name, lines in reached.items()
            },
        }
    names = sorted({name for its in tests.values() for name in its["lines"]})
    found = {
        "sources": {name: key_of(source / name) for name in names},
        "code": {name: sorted(lines) for name, lines in files.items()},
        "tests": tests,
    }
    (data / "tests.json").write_text(json.dumps(found), encoding="utf-8")


class Reasons:
    """The file not-covered."""

    ENTRY = re.compile(r'^(\S+): (\w+): (?:"([^"]+)": )?(\S.*)$')

    def __init__(self, path):
        self.path = path
        self.wrong = []
        self.entries = {}  # {(file, function): [[text or None, line, used, reason]]}
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = self.ENTRY.match(line)
            if match:
                self.entries.setdefault((match[1], match[2]), []).append([match[3], n, 0, match[4]])
            elif line and not line.startswith("#"):
                self.wrong.append(f"{path.name}:{n}: '{line}', expected FILE: FUNCTION: REASON")

    def has(self, file, function, text):
        for entry in self.entries.get((file, function), []):
            if entry[0] is None or entry[0] in text:
                entry[2] += 1
                return True
        return False

    def useless(self):
        for (file, function), entries in self.entries.items():
            for text, line, used, _ in entries:
                if not used:
                    where = f'{file}: {function}{f": {text!r}" if text else ""}'
                    yield f"{self.path.name}:{line}: {where} is reached or does not exist"


def percent(part, whole):
    return 100 * part / whole if whole else 100.0


def table(files):
    """A row for each file, and what of all is reached."""
    sums = [0, 0, 0, 0]
    print(f"{'file':44} {'lines':>6} {'reached':>8} {'branches':>9} {'taken':>8}")
    for name in sorted(files):
        lines = files[name].values()
        branches = [count for line in lines for count in line.branches]
        row = [len(lines), sum(line.count > 0 for line in lines), len(branches),
               sum(count > 0 for count in branches)]
        sums = [a + b for a, b in zip(sums, row)]
        print_row(name, row)
    print_row("all", sums)
    return percent(sums[1], sums[0]), percent(sums[3], sums[2])


def print_row(name, row):
    print(f"{name:44} {row[0]:6} {percent(row[1], row[0]):7.1f}% {row[2]:9} "
          f"{percent(row[3], row[2]):7.1f}%")


def missed(files, source, reasons):
    """Lines that nothing reaches and nobody explains."""
    explained = 0
    for name in sorted(files):
        text = (source / name).read_text(encoding="utf-8").splitlines()
        for n, line in sorted(files[name].items()):
            if line.count:
                continue
            if reasons.has(name, line.function, text[n - 1]):
                explained += 1
            else:
                yield f"{name}:{n}: {line.function}: {text[n - 1].strip()}"
    print(f"{explained} lines that are not reached have a reason")


def report(cache, demand):
    total = folder(cache) / "total"
    if not total.exists():
        print("coverage: nothing was counted")
        return 1
    # as mk-kernel.sh names its folders
    objects = str((cache / "kernel-gcov").resolve()).replace("-install-", "-obj-")
    source = pathlib.Path(objects.removesuffix("-obj-gcov")) / FOLDER
    objects = pathlib.Path(objects)
    files = gcov(objects, total)
    by_test(objects, source, folder(cache), files)
    lines, branches = table(files)
    reasons = Reasons(BENCH / "not-covered")
    wrong = list(missed(files, source, reasons)) + list(reasons.useless()) + reasons.wrong
    for line in wrong:
        print(line)
    print(f"{lines:.1f} % of lines, {branches:.1f} % of branches, {len(wrong)} without a reason or wrong")
    if not demand:
        return 0
    return int(bool(wrong) or lines < LINES or branches < BRANCHES)


def main():
    parser = argparse.ArgumentParser(description="Which lines of the drivers the tests reach.")
    parser.add_argument("-t", metavar="NAME", help="only tests with that in their name")
    parser.add_argument("-a", action="store_true", help="add to what was counted before")
    parser.add_argument("-r", action="store_true", help="run nothing")
    parser.add_argument("suite", nargs="*")
    args = parser.parse_args()
    cache = pathlib.Path(
        os.environ.get("NVKM_VGPU_CACHE")
        or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "nvkm-vgpu"
    )
    failed = 0
    if not args.r:
        if not args.a:
            shutil.rmtree(folder(cache), ignore_errors=True)
        runs = [args.suite or SUITES]
        if args.t:
            runs = [["--full", "-t", args.t, *runs[0]]]
        elif not args.suite:
            runs.append(CAMPAIGNS)
        for run in runs:
            failed |= subprocess.run(
                [BENCH / "check.py", *run], env={**os.environ, "BENCH_COVERAGE": "1"}, check=False
            ).returncode
    return report(cache, args.a or args.r or not (args.t or args.suite)) or int(failed != 0)


if __name__ == "__main__":
    sys.exit(main())
