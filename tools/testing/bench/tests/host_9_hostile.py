# SPDX-License-Identifier: GPL-2.0-only
"""
A user, and a guest, who do what they can to harm: random calls and accesses, as somebody without
privileges who has the descriptor of one VF. The next VF is watched meanwhile, and the host's log.
"""

import os
import re
import time
import zlib

from bench_test import expect, host_test
from faults import Q8, REFUSED_DMA, others, ours, state, told
from gpu import CLIENT, Gpu, KernelLog

FUZZ = "/bench/selftests/nvidia-vgpu/vfio-fuzz"
MILLION = 1000000
# of them in a make check; a debug kernel takes several times as long for each
SHORT = {"stock": 20000, "debug": 5000}
WATCH = 0x77
IDS = "ids:0x26b5:0x1774"

# Nobody may fill the host's log. What is said each time is rate-limited: ten lines in five seconds
# for one place in the code, which is the kernel's default; of so many places.
BURST, INTERVAL, PLACES = 10, 5, 6


# The kernel's own, one for each vector with an eventfd that another vector has already
TWICE = re.compile(r"irq bypass producer \(eventfd \S+\) registration fails")

# What the IOMMU says of DMA to nowhere; and what the kernel says, five times in five seconds, of an
# interrupt that is on its way while the VMM takes its vector down.
EXPECTED = re.compile(
    r"^DMAR: |^dmar_fault: \d+ callbacks suppressed|^irq \d+, desc: |^->|^ +IRQS?_\w+ set"
    r"|^unexpected IRQ trap at vector|^No irq handler for \d"
)


def seed():
    return zlib.crc32(os.environ.get("BENCH_SEED", "1").encode())


def start_watch(vm, gpu):
    """The user of VF 1, who sees whatever becomes of it."""
    # the fifo stays open for both, so that there is no end of file
    vm.sh("rm -f /tmp/in /tmp/watch; mkfifo /tmp/in")
    client = vm.spawn(
        f"{CLIENT} {gpu.vf(1)} {IDS} watch:{WATCH:#x} {IDS} boot rpc <>/tmp/in >/tmp/watch 2>&1;"
        " rc=$?; cat /tmp/watch; exit $rc"
    )
    vm.sh(
        "for i in $(seq 300); do grep -q '^ok watch begins' /tmp/watch && exit; sleep 0.1; done;"
        " cat /tmp/watch; exit 1", timeout=120,
    )
    return client


def end_watch(vm, client):
    vm.sh("echo >/tmp/in")
    out = client.wait(120, check=False)
    rounds = re.search(r"^ok watch (\d+) rounds$", out, re.M)
    expect((out.rc, bool(rounds)), (0, True), f"who was watched: {out}")
    return int(rounds[1])


def lines_of(log, gpu):
    """What was said of the VF by its IOMMU and by us; nothing may be said of another."""
    dmar = [text for _, text in log.lines() if text.startswith("DMAR: ")]
    devices = set(re.findall(r"Request device \[([^]]*)\]", "\n".join(dmar)))
    expect(devices - {gpu.vf(0)}, set(), "whose DMA the IOMMU has refused")
    return dmar


def hostile(vm, calls, options="", timeout=600):
    gpu = Gpu(vm)
    vm.expected_log += REFUSED_DMA
    gpu.set_up([Q8, Q8])
    idle = gpu.in_use()
    client = start_watch(vm, gpu)
    log = KernelLog(vm)
    begin = time.monotonic()
    out = vm.sh(
        f"{FUZZ} {options} -n {calls} -s {seed()} {gpu.vf(0)}", timeout=timeout, check=False
    )
    took = time.monotonic() - begin
    rounds = end_watch(vm, client)
    print("\n".join(line for line in out.splitlines() if line.startswith("# ")), flush=True)
    dmar = lines_of(log, gpu)
    said = [line for line in ours(log) + told(log) if not TWICE.search(line)]
    lines = [text for _, text in log.lines()]
    twice = [text for text in lines if TWICE.search(text)]
    everything = len(lines) - len(twice)
    print(
        f"# {took:.0f} s, {rounds} rounds of who was watched; lines in the log: {everything}, of them"
        f" {len(dmar)} of the IOMMU, {len(said)} of the drivers; and {len(twice)} of an eventfd for"
        " two vectors", flush=True,
    )
    expect(out.rc, 0, f"{out}")
    limit = PLACES * BURST * (1 + took / INTERVAL)
    expect(everything < limit, True, f"{everything} lines in the log, {limit:.0f} are bearable")
    expect([line for line in others(log) if not EXPECTED.search(line)], [], "warnings")
    # it is as good as before for whoever comes next
    expect(state(gpu)[0], "up", "GSP-RM")
    gpu.must_client(0, "boot", IDS, "fb-zero:0x1000", "rpc", "irq:70")
    expect(gpu.in_use(), idle, "in use in the model")
    gpu.put_away()


@host_test(kernels=("stock",))
def test_watch_sees_one_byte(vm):
    """Of its framebuffer, that changes behind its back: or the watch is worth nothing."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    client = start_watch(vm, gpu)
    (vgpu,) = gpu.model("vgpus")
    with open(vm.vram, "r+b") as vram:
        at = vgpu["segments"][0][1]
        byte = os.pread(vram.fileno(), 1, at)
        os.pwrite(vram.fileno(), bytes([byte[0] ^ 1]), at)
    out = client.wait(60, check=False)
    expect((out.rc, len(re.findall("^FAIL fb-check ", out, re.M))), (1, 1), f"who was watched: {out}")
    gpu.put_away()


@host_test()
def test_user(vm):
    """Calls of VFIO, from threads that disturb each other."""
    hostile(vm, SHORT[vm.kernel])


@host_test()
def test_guest(vm):
    """Configuration space, registers, framebuffer, doorbells, resets."""
    hostile(vm, SHORT[vm.kernel], "-g")


@host_test(full=True)
def test_user_million(vm):
    hostile(vm, MILLION, "-r 20", timeout=7200)


@host_test(full=True)
def test_guest_million(vm):
    hostile(vm, MILLION, "-g -r 20", timeout=7200)
