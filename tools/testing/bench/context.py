#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Commands for a shell that have clang look for data which is touched without its lock.

    context.py OBJECTS KERNEL CLANG

OBJECTS is where the drivers were built by gcc; each command line is taken from there, without what
only gcc knows. KERNEL is that kernel's source.
"""

import pathlib
import re
import shlex
import sys

KEPT = re.compile(r"-(D|I|include|isystem|nostdinc|std=|fms-extensions|fshort-wchar|funsigned-char|fno-strict|m)")
# as scripts/Makefile.context-analysis has it
ANALYSIS = (
    "-DWARN_CONTEXT_ANALYSIS -fexperimental-late-parse-attributes -Wthread-safety"
    " -Wthread-safety-pointer -Wthread-safety-beta"
    " --warning-suppression-mappings={kernel}/scripts/context-analysis-suppression.txt"
)
# options of gcc's that begin as others do
GCC = re.compile(r"-m(preferred-stack-boundary|skip-rax-setup|tune|no-fp-ret-in-387)")


def options(words):
    words = iter(words)
    for word in words:
        if word in ("-I", "-include", "-isystem"):
            yield from (word, next(words))
        elif KEPT.match(word) and not GCC.match(word):
            yield word


def main():
    objects, kernel, clang = sys.argv[1:]
    found = 0
    print(f"cd {shlex.quote(objects)}")
    for path in sorted(pathlib.Path(objects).rglob(".*.o.cmd")):
        command = re.match(r"\S+ := (gcc .* -c -o \S+ (\S+\.c))", path.read_text(encoding="utf-8"))
        # tests set up by hand what nobody else knows; and sources go
        if not command or "tests" in path.parts or not (pathlib.Path(objects) / command[2]).exists():
            continue
        words = [*options(shlex.split(command[1])), command[2]]
        print(
            clang, "-fsyntax-only -Wno-everything", ANALYSIS.format(kernel=shlex.quote(kernel)),
            " ".join(map(shlex.quote, words)), "|| exit 1",
        )
        found += 1
    if not found:
        sys.exit(f"{objects}: nothing was built there")


if __name__ == "__main__":
    main()
