#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""layers.py REPO: prints what breaks the layers of nvkm-vgpu/ and vfio-nvidia-vgpu/, and nothing if nothing does.

A folder is a layer. Includes name the layer and go down, within a layer they do not go in a circle, and every static
function is named after its file, which is what a stack trace shows. A lower layer can call a higher one only if it
has its declaration, so there is none but in headers.

layers.py --test REPO: the same with one thing broken at a time, each of which has to be found.
"""

import os
import re
import shutil
import sys
import tempfile

# from the bottom up; "" is nvkm-vgpu/ itself
LAYERS = ["fwabi", "regs", "boot", "gsp", "rm", "vgpu", ""]
# functions of a file with another name than the file's, and why
PREFIX = {
    "pci.c": "pf_",                     # pci_ is Linux's
    "vgpu/sysfs.c": r"\w+_(show|store)$|sysfs_",        # named by DEVICE_ATTR
    "vgpu/status.c": r"\w+_show$|status_",             # named by DEVICE_ATTR
    "vgpu/debugfs.c": r"\w+_show$|debugfs_",            # named by DEFINE_SHOW_ATTRIBUTE
}
STATIC = re.compile(r"^static (?:inline |noinline |__printf\(\d, \d\) )*(?:const )?(?:(?:struct|enum|unsigned) )?\w+ "
                    r"(?:__iomem )?\**(?:const )?(\w+)\(", re.M)


def sources(top):
    for folder, folders, names in os.walk(top):
        # modules of their own are no layers
        folders[:] = sorted(d for d in folders if d not in ("fwctl", "tests") and not d.startswith("."))
        for name in sorted(names):
            if re.search(r"(?<!\.mod)\.[ch]$", name):
                yield os.path.relpath(os.path.join(folder, name), top)


def layer(path):
    return LAYERS.index(path.split("/")[0] if "/" in path else "")


def check_includes(path, text, uses):
    for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.M):
        if re.match("fwabi/(r|common/)", path):
            # one release: itself and what all releases have
            if not re.fullmatch(r"(\.\./(common/)?)?\w+\.h", name):
                yield f"{path}: includes {name}, expected a file of its own, of fwabi/ or of fwabi/common/"
            continue
        if "/" in name and name.split("/")[0] not in LAYERS:
            yield f"{path}: {name} names no layer"
            continue
        if layer(name) > layer(path):
            yield f"{path}: includes {name}, which is above it"
        uses.setdefault(os.path.splitext(path)[0], set()).add(os.path.splitext(name)[0])


def circles(uses):
    """a file and its header are one"""
    done, way = set(), []

    def visit(unit):
        if unit in way:
            yield "circle: " + " -> ".join(way[way.index(unit):] + [unit])
        elif unit not in done:
            way.append(unit)
            for other in sorted(uses.get(unit, set()) - {unit}):
                yield from visit(other)
            way.pop()
            done.add(unit)

    for unit in sorted(uses):
        yield from visit(unit)


def check_names(path, text):
    own = PREFIX.get(path, os.path.basename(path)[:-2] + "_")
    for name in STATIC.findall(text):
        if not re.match(f"{own}|nvgpu_|nvkm_vgpu_|nvidia_vgpu_", name):
            yield f"{path}: static {name}() has not the file's prefix"


def problems(top):
    uses, n = {}, 0
    for path in sources(top):
        n += 1
        text = open(os.path.join(top, path)).read()
        yield from check_includes(path, text, uses)
        if path.endswith(".c"):
            yield from check_names(path, text)
            if re.search(r"^(extern\b.*;|(?!static|typedef)\w[\w ]* \**\w+\([^;{]*\);)", text, re.M):
                yield f"{path}: declares what its header should"
    yield from circles(uses)
    if n < 20 or len(uses) < 20:
        yield f"{n} files, {len(uses)} with includes: not the driver"


BROKEN = [
    ("boot/falcon.c", '#include "gsp/rpc.h"\n', "above"),
    ("gsp/msgq.h", '#include "vgpu/pf.h"\n', "above"),
    ("fwabi/r570_144/rpc.c", '#include "../../gsp/rpc.h"\n', "expected a file of its own"),
    ("fwabi/common/rpc.c", '#include "../r570_144/rpc.h"\n', "expected a file of its own"),
    ("vgpu/task.h", '#include "vgpu/vgpu.h"\n', "circle"),
    ("gsp/rpc.c", '#include "gsp/gsp.h"\n', "circle"),
    ("gsp/rpc.c", "static int call(void)\n{\n\treturn 0;\n}\n", "prefix"),
    ("rm/rm.c", "void nvgpu_provision_enable(struct nvgpu_vgpu_mgr *mgr);\n", "declares"),
]


def test(top):
    for path, line, want in BROKEN:
        with tempfile.TemporaryDirectory() as tmp:
            copy = os.path.join(tmp, "nvkm-vgpu")
            shutil.copytree(top, copy)
            with open(os.path.join(copy, path), "a") as f:
                f.write(line)
            if not any(want in p for p in problems(copy)):
                print(f"not found: {line.strip()!r} in {path}")


def main():
    args = [a for a in sys.argv[1:] if a != "--test"]
    top = os.path.join(args[0], "nvkm-vgpu")
    if "--test" in sys.argv:
        test(top)
        return
    for p in problems(top):
        print(p)
    vfio = os.path.join(args[0], "vfio-nvidia-vgpu")
    for path in (s for s in sources(vfio) if s.endswith(".c")):
        for p in check_names(path, open(os.path.join(vfio, path)).read()):
            print(p)


main()
