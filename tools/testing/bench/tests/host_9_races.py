# SPDX-License-Identifier: GPL-2.0-only
"""
All that can be done to one GPU, at once and in random order: selftests/nvidia-vgpu/races.c. Each
actor knows which errors its acts may end with; here is what must be true of the rest: nothing
hangs, the kernel does not complain, and all is as good as new afterwards.
"""

import collections
import os
import re
import zlib

from bench_test import expect, host_test
from gpu import SPLATS, Gpu, KernelLog, Wrong
from probe import works

RACES = "/bench/selftests/nvidia-vgpu/races"
LIMIT = 240  # seconds that one act may last
# What the kernel shows of tasks that it could not freeze in 20 s, because a write of theirs waits for
# the user of a VF. It is no splat, but has the same line in it, and KASAN's functions.
SHOWN, STACK, END = re.compile(r"^task:(\S+) +state:"), "Call Trace:", "</TASK>"
FRAME = r" \S+\+0x[0-9a-f]+/0x[0-9a-f]+$"
# What VFIO says of one that has been taken off the bus meanwhile
GONE = "Hardware bug: VF reports bogus INTx pin 255"
MACHINE = {"ram": True, "mem": "6G"}


def seed():
    """BENCH_SEED is any text."""
    return zlib.crc32(os.environ["BENCH_SEED"].encode()) or 1


def said(log):
    """What was said, numbers apart, and how often."""
    kinds = collections.Counter(
        re.sub(r"\b\d+\b|0x[0-9a-f]+", "N", line.partition(": ")[2] or line)
        for line in log.said_by("nvkm-vgpu") + log.said_by("vfio-nvidia-vgpu")
    )
    for line, times in kinds.most_common():
        print(f"# {times} times: {line}", flush=True)


def quiesce(gpu):
    """All loaded, nothing bound, no VF; what was removed is found again."""
    gpu.vm.sh("echo none >/sys/power/pm_test; echo 1 >/sys/bus/pci/rescan", timeout=180)
    gpu.load()
    if gpu.driver():
        gpu.must_write("/sys/bus/pci/drivers/nvkm-vgpu/unbind", gpu.pf, timeout=180)
    now = {what: n for what, n in gpu.model("accounting")["now"].items() if n}
    expect(now, {}, "in use in the model")


def race(vm, seconds, few=False):
    """
    All actors, or those few who leave the VFs where they are, which then do something all the time.
    Returns the kernel log of it.
    """
    gpu = Gpu(vm)
    vm.sh("d=/sys/module/suspend/parameters/pm_test_delay; [ ! -e $d ] || echo 1 >$d")
    gpu.load()
    if few:
        gpu.set_numvfs(4)
        for n in range(4):
            gpu.bind(n)
    log = KernelLog(vm)
    vm.expected_log += [STACK, FRAME, GONE]
    words = [RACES, "-i" if vm.kernel != "stock" else "", f"-s {seed()} -t {seconds} -l {LIMIT}"]
    words += ["-a type,params,mode,read,user,reset-vf -p 2" if few else "", gpu.pf]
    out = vm.sleep(seconds + LIMIT + 120, " ".join(words))
    for line in out.splitlines():
        print(f"# {line}", flush=True)
    if out.rc:
        raise Wrong(f"races: exit code {out.rc}:\n{out[:4000]}")
    quiesce(gpu)
    works(gpu)
    said(log)
    # what a GPU does not do, no driver may have asked for
    # but that the PCI core takes bus mastering from a GPU which it resets, whoever uses it
    refused = {what: times for what, times in gpu.model("refusals").items() if what != "dma-master"}
    of_vfs = re.findall(r"refused dma-master: gfid [1-9].*", vm.model_log())
    expect((refused, of_vfs), ({}, []), "refused by the model")
    gpu.unload()
    return log


def without_shown_tasks(lines):
    """The others; prints where each of those was, once."""
    left, shown = [], collections.Counter()
    before, stack = "", None
    for line in lines:
        if line == STACK and (task := SHOWN.search(before)):
            stack = [task[1]]
        elif stack is not None:
            if END in line:
                shown[" < ".join(stack)] += 1
                stack = None
            elif match := re.match(r" ([\w.]+)\+0x\S+(?: \[(\w+)\])?$", line):
                stack.append(f"{match[1]} [{match[2]}]" if match[2] else match[1])
        else:
            left.append(line)
        before = line
    for where, times in shown.most_common():
        print(f"# {times} times not frozen: {where}", flush=True)
    return left


def no_splats(lines):
    left = without_shown_tasks([text for _, text in lines])
    expect([x for x in left if SPLATS.search(x)], [], "splats")


@host_test(kernels=("stock",), sampled=False, seconds=90, **MACHINE)
def test_races(vm):
    no_splats(race(vm, 60).lines())


@host_test(kernels=("debug",), full=True, **MACHINE)
def test_races_for_ten_minutes(vm):
    no_splats(race(vm, 600).lines())


def watched(vm):
    """How often KCSAN has watched a word, which it does for nobody but us (mk-kernel.sh)."""
    return int(re.search(r"^setup_watchpoints: *(\d+)$", vm.sh("cat /sys/kernel/debug/kcsan"), re.M)[1])


@host_test(kernels=("kcsan",), full=True, **MACHINE)
def test_data_races(vm):
    """A report of one is a splat."""
    before = watched(vm)
    no_splats(race(vm, 600).lines())
    no_splats(race(vm, 120, few=True).lines())
    times = watched(vm) - before
    print(f"# {times} times a word was watched", flush=True)
    expect(times > 10000, True, "our modules are watched")
