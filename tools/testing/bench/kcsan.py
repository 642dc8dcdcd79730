# SPDX-License-Identifier: GPL-2.0-only
"""
Reports of KCSAN: which are about our modules, and which only about the rest of the kernel.
"""

import re

OURS = re.compile(r"\[(nvkm_vgpu|vfio_nvidia_vgpu)\]")
FIRST = re.compile(r"BUG: KCSAN: (.*)")
LAST = re.compile(r"^={20,}$")


def reports(lines):
    """[(title, ours)] of a kernel log. Ours is what has a function of our modules in a stack."""
    found = []
    title, stacks = "", []
    for line in lines:
        if match := FIRST.search(line):
            title, stacks = match[1], []
        elif title and LAST.search(line):
            found.append((title, any(map(OURS.search, stacks)) or bool(OURS.search(title))))
            title = ""
        elif title:
            stacks.append(line)
    return found + ([(title, True)] if title else [])
