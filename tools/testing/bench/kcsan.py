# SPDX-License-Identifier: GPL-2.0-only
"""
Reports of KCSAN: which are about our modules, and which only about the rest of the kernel.

A report has a stack for each of the two accesses. Whose data it is says the first function that is
not a helper of the kernel's: what our functions call further up waits, sleeps, or opens files, and
the kernel has races of its own in all of those.
"""

import re

OURS = re.compile(r"(nvkm_vgpu|vfio_nvidia_vgpu)")
FIRST = re.compile(r"BUG: KCSAN: (.*)")
LAST = re.compile(r"^={20,}$")
ACCESS = re.compile(r"^(read|write|read-write|assert|race at unknown origin)\b.* by (task|interrupt)\b")
FRAME = re.compile(r"^ (?:\|? *)?([\w.]+)\+0x\w+/0x\w+(?: \[(\w+)\])?")
# They touch what their callers give them.
HELPER = re.compile(
    r"_*(mem|str|sn?printf|vsc?n?printf|scnprintf|list_|seq_|bitmap_|find_|set_bit|clear_bit|xa_|xas_|ida_|idr_"
    r"|rb_|copy_|kv?free|kv?[mz]alloc|kmalloc|slab_|kasan_|kcsan_|drm_mm_|sysfs_emit|number|string|format|pointer"
    r"|kref_|refcount_|kobject_|ioread|iowrite|sg_)"
)
# What is below it in a stack was only interrupted.
INTERRUPT = re.compile(r"asm_(sysvec|exc|common_interrupt)")


def touches(frames):
    """The module of the function that touches the data, "" for the kernel."""
    for function, module in frames:
        if INTERRUPT.match(function):
            break
        if module or not HELPER.match(function):
            return module
    return ""


def accesses(lines):
    """The stacks of a report, as [(function, module)]."""
    stacks = []
    for line in lines:
        if ACCESS.match(line):
            stacks.append([])
        elif stacks and (match := FRAME.match(line)):
            stacks[-1].append((match[1], match[2] or ""))
    return stacks


def is_ours(title, lines):
    """So is one with a stack that cannot be read."""
    stacks = accesses(lines)
    return not stacks or not all(stacks) or bool(OURS.search(title)) or any(OURS.match(touches(stack)) for stack in stacks)


def reports(lines):
    """[(title, ours)] of a kernel log. What has lost its end is ours."""
    found = []
    title, text = "", []
    for line in lines:
        if match := FIRST.search(line):
            title, text = match[1], []
        elif title and LAST.search(line):
            found.append((title, is_ours(title, text)))
            title = ""
        elif title:
            text.append(line)
    return found + ([(title, True)] if title else [])
