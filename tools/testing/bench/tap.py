# SPDX-License-Identifier: GPL-2.0-only
"""
Results of tests as TAP: our own, and those read from the output of programs
and of the kernel's KUnit (TAP with indented subtests).
"""

import re
import sys
import threading
import time

RESULT = re.compile(r"^(\s*)(not ok|ok)\b\s*(\d+)?\s*(?:-\s*)?(.*)$")
PLAN = re.compile(r"^(\s*)1\.\.(\d+)\s*(?:#\s*(skip\S*)?.*)?$", re.I)
TOOK = re.compile(r"\s*#\s*[\d.]+\s*(s|ms)$")
TABLE = re.compile(r"^# .+ \| .+ \| ")
SKIP = re.compile(r"\s*#\s*skip\S*\s*(.*)$", re.I)


class Tap:
    """Writes one flat TAP stream and counts; several threads may tell it results."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.lock = threading.Lock()
        self.line("TAP version 13")

    def line(self, text):
        print(text, file=self.out, flush=True)

    def number(self):
        return self.passed + self.failed + self.skipped

    def ok(self, name, seconds=None):
        took = f" # {seconds:.1f} s" if seconds is not None else ""
        with self.lock:
            self.passed += 1
            self.line(f"ok {self.number()} - {name}{took}")

    def skip(self, name, why):
        with self.lock:
            self.skipped += 1
            self.line(f"ok {self.number()} - {name} # SKIP {why}")

    def not_ok(self, name, why="", seconds=None):
        took = f" # {seconds:.1f} s" if seconds is not None else ""
        with self.lock:
            self.failed += 1
            self.failures.append(name)
            self.line(f"not ok {self.number()} - {name}{took}")
            for text in str(why).splitlines():
                self.line(f"#   {text}")

    def end(self):
        """The plan, the failures again and the count; the exit code."""
        self.line(f"1..{self.number()}")
        for name in self.failures:
            self.line(f"# failed: {name}")
        self.line(
            f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        )
        return 0 if self.passed and not self.failed else 1


class Reader:
    """
    Reads a program's TAP line by line into a Tap. Only leaves are counted: a
    result that closes subtests is not, unless it failed and none of them did.
    Rows of a table in comments are passed on.
    """

    def __init__(self, tap, prefix):
        self.tap = tap
        self.prefix = prefix
        self.last = time.monotonic()
        self.leaves = 0
        self.pending = None  # a failure, whose diagnostics may follow
        self.before = []  # lines before a result: KUnit explains first
        self.nested = []  # (indent, failed) of results not yet closed
        self.plan = None  # of the top level
        self.top = 0

    def feed(self, line):
        line = line.rstrip("\n")
        plan = PLAN.match(line)
        if plan:
            self.flush()
            if not plan[1]:
                self.plan = int(plan[2])
                if not self.plan:
                    self.tap.skip(self.prefix, line)
            return
        if TABLE.match(line):
            self.flush()
            self.tap.line(line)
            return
        result = RESULT.match(line)
        if not result:
            if self.pending:
                self.pending[1].append(line.strip(" #"))
            else:
                self.before.append(line.strip())
            return
        self.flush()
        self.result(len(result[1]), result[2] == "ok", result[4].strip())

    def result(self, indent, good, name):
        now = time.monotonic()
        seconds, self.last = now - self.last, now
        if not indent:
            self.top += 1
        children = [failed for depth, failed in self.nested if depth > indent]
        self.nested = [n for n in self.nested if n[0] <= indent]
        self.nested.append((indent, not good or any(children)))
        before, self.before = self.before[-20:], []
        if children and (good or any(children)):
            return
        self.leaves += 1
        skip = SKIP.search(name)
        full = f"{self.prefix}: {TOOK.sub('', SKIP.sub('', name)) or self.leaves}"
        if skip and good:
            self.tap.skip(full, skip[1])
        elif good:
            self.tap.ok(full, seconds)
        else:
            self.pending = (full, before, seconds)

    def flush(self):
        if self.pending:
            name, why, seconds = self.pending
            self.pending = None
            self.tap.not_ok(name, "\n".join(why), seconds)

    def end(self, rc=0, tail=""):
        """The program has ended: it must have told all that it planned."""
        self.flush()
        if not self.top and self.plan != 0:
            self.tap.not_ok(self.prefix, f"no results, exit code {rc}\n{tail}")
        elif self.plan is not None and self.plan != self.top:
            self.tap.not_ok(self.prefix, f"{self.top} of {self.plan} results\n{tail}")
        elif self.plan is None:
            self.tap.not_ok(self.prefix, f"ended without a plan, exit code {rc}\n{tail}")
        elif rc and not any(f.startswith(self.prefix + ":") for f in self.tap.failures):
            self.tap.not_ok(self.prefix, f"exit code {rc}\n{tail}")
