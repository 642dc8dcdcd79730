# SPDX-License-Identifier: GPL-2.0-only
"""
Nobody sees what somebody else left in framebuffer. What becomes of it is seen in the file behind
the model's: clients leave marks, and their vGPU's ranges, of the guest and of its plugin task, are
to have nothing but zeroes afterwards.
"""

import os
import re
import time

from bench_test import expect, host_test
from faults import others, ours, sit_and_be_told, within
from gpu import CLIENT, Gpu, KernelLog, extents, find_in_vram, pattern

Q48, Q8, Q1 = 880, 876, 871
MANY = 32
GIB = 1 << 30
CHUNK = 16 << 20
REFUSED = "vGPU {}: framebuffer not cleared, error {}; it is not used until it is"
STOPPED = "LAUNCH_DMA 0x[0-9a-f]+: fault-engine wants it"
XID = r"GSP-RM: Xid 41(: Ch 0{7}1, CE2: .*|, channel 1)"
NOT_ENDED = "a channel did not end, framebuffer is not cleared until it does"
FREE = 10  # NV_VGPU_MSG_FUNCTION_FREE
NO_ENGINE = "no copy engine, error {}: framebuffer cannot be cleared, so no vGPU can be opened"


def debugfs(gpu, file):
    return gpu.read(f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/{file}")


def ranges(gpu):
    """{gfid: [(start, size) of the guest's framebuffer, of the plugin heap]}"""
    show = debugfs(gpu, "reservations")
    found = re.findall(r"^gfid (\d+) .* fb (\w+)\+(\w+) heap (\w+)\+(\w+) ", show, re.M)
    return {
        int(gfid): [(int(fb, 0), int(fb_size, 0)), (int(heap, 0), int(heap_size, 0))]
        for gfid, fb, fb_size, heap, heap_size in found
    }


def cleanness(gpu, n=0):
    return re.search(rf"^gfid {n + 1} .* (clean|dirty)$", debugfs(gpu, "reservations"), re.M)[1]


def settled(gpu, timeout=60):
    """Nothing is being cleared any more; (launches, bytes, failures) so far."""
    begin = time.monotonic()
    while "gfid" in (show := debugfs(gpu, "scrub")):
        within(timeout, f"clearing: {show}", begin)
        time.sleep(0.1)
    return [int(n) for n in re.search(r"launches (\d+) bytes (\d+) failures (\d+)", show).groups()]


def interrupts(gpu):
    """Launches, and interrupts that said that they were over."""
    show = re.search(r"launches (\d+) .* interrupts (\d+)", debugfs(gpu, "scrub"))
    return [int(n) for n in show.groups()]


def leave_marks(vm, blocks, mark=0x5A):
    """
    As who had it before could: at the start, at both ends of each launch, and at the end of each
    block. Sparse, so that 48 GiB cost nothing.
    """
    fd = os.open(vm.vram, os.O_WRONLY)
    try:
        for start, size in blocks:
            for off in sorted({0, size - 4096, *(n for n in range(GIB, size, GIB)),
                               *(n - 4096 for n in range(GIB, size, GIB))}):
                os.pwrite(fd, bytes([mark]) * 4096, start + off)
    finally:
        os.close(fd)


def not_zero(vm, blocks):
    """Framebuffer addresses in the blocks that are not zero, one a MiB."""
    found = []
    fd = os.open(vm.vram, os.O_RDONLY)
    try:
        for data, end in extents(fd):
            for start, size in blocks:
                low, high = max(data, start), min(end, start + size)
                for base in range(low, high, CHUNK):
                    piece = os.pread(fd, min(CHUNK, high - base), base)
                    found += [
                        base + at
                        for at in range(0, len(piece), 1 << 20)
                        if any(piece[at : at + (1 << 20)])
                    ]
    finally:
        os.close(fd)
    return found


def expect_zero(vm, blocks, what):
    expect([hex(at) for at in not_zero(vm, blocks)], [], f"{what}: not zero")


def cost(gpu, what, before):
    now = gpu.model("stats")["engine"]
    spent = {key: now[key] - before[key] for key in ("launches", "methods", "bytes_filled")}
    gib = spent["bytes_filled"] / GIB
    print(
        f"# {what}: {gib:.2f} GiB in {spent['launches']} launches, {spent['methods']} methods;"
        f" a GiB {spent['launches'] / gib:.2f} launches, {spent['methods'] / gib:.1f} methods",
        flush=True,
    )
    return spent


@host_test(full=("debug",))
def test_predecessor_is_not_seen(vm):
    """Before first use, by a reset, after close; the smallest and the largest vGPU."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.load()
    idle = gpu.in_use()
    marks = (0, 0xF000000)
    for size in (Q1, Q48):
        gpu.set_up([size], load=False)
        (fb, heap), = ranges(gpu).values()
        expect(cleanness(gpu), "dirty", "what was just reserved")
        leave_marks(vm, [fb, heap])
        before = gpu.model("stats")["engine"]
        check = [f"fb-zero:{offset:#x}" for offset in marks]
        write = [f"fb-write:{offset:#x}:{77 + i}" for i, offset in enumerate(marks)]
        gpu.must_client(0, "boot", *check, *write, "rpc", "reset", *check, *write, "rpc")
        settled(gpu)
        expect(cleanness(gpu), "clean", "after close")
        expect_zero(vm, [fb, heap], "after close")
        for i, _ in enumerate(marks):
            expect(find_in_vram(vm.vram, pattern(77 + i, words=8))[0], [], "left anywhere")
        spent = cost(gpu, f"type {size}: opened, reset, closed", before)
        expect(spent["bytes_filled"] >= 2 * (fb[1] + heap[1]) + fb[1], True, "bytes that were cleared")
        # what is clean is not cleared again
        gpu.must_client(0, "boot", *check)
        gpu.put_away(unload=False)
    expect(gpu.in_use(), idle, "in use after it")
    launches, told = interrupts(gpu)
    print(f"# {launches} launches, {told} interrupts of the copy engine", flush=True)
    expect(launches // 2 < told <= launches, True, f"interrupts of {launches} launches: {told}")
    expect(others(log) + ours(log), [], "warnings")
    gpu.unload()


@host_test(full=("debug",))
def test_closing_does_not_wait(vm):
    """An engine that takes its time holds up who opens next, who takes the type, and nobody else."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8, Q8])
    gpu.must_client(0, "boot", "fb-write:0:7")
    settled(gpu)
    gpu.set_model("fault-engine", "hang")
    # at once: a launch is given up after five seconds
    show = vm.sh(
        f"{CLIENT} {gpu.vf(0)} boot fb-write:0:7 && cat /sys/kernel/debug/nvkm-vgpu-{gpu.pf}/scrub", timeout=120
    )
    expect("gfid 1" in show, True, f"it is still being cleared when it is closed: {show}")
    second = vm.spawn(f"{CLIENT} {gpu.vf(0)} boot fb-zero:0")
    time.sleep(1)
    expect(second.poll(), None, "who opens it waits")
    gpu.set_model("fault-engine", "none")
    expect(second.wait(60, check=False).rc, 0, "and sees zeroes")

    # whoever opens it can be killed
    gpu.set_model("fault-engine", "hang")
    client = vm.spawn(f"{CLIENT} {gpu.vf(1)} boot")
    vm.sh(f"until grep -q '^gfid 2' /sys/kernel/debug/nvkm-vgpu-{gpu.pf}/scrub; do sleep 0.1; done")
    vm.sh("pkill -9 -x vfio-client")
    client.wait(30, check=False)
    expect(re.search(r"^ok boot", client.output, re.M), None, "it got no vGPU")
    gpu.set_model("fault-engine", "none")
    settled(gpu)
    gpu.put_away()
    # where the machine is slow the launch may have had its time
    slow = [REFUSED.format(gfid, -110) for gfid in (1, 2)]
    said = [line for line in ours(log) if line not in slow]
    expect(others(log) + said, [], "warnings")


@host_test(kernels=("stock",), sampled=True)
def test_many_at_once(vm):
    """Each opens as soon as its own framebuffer is clean, with ids of channels that it needs."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q1] * MANY)
    blocks = [block for both in ranges(gpu).values() for block in both]
    leave_marks(vm, blocks)
    before = gpu.model("stats")["engine"]
    for _ in range(2):
        out = vm.sh(
            f"for n in $(seq 0 {MANY - 1}); do {CLIENT} $(basename $(readlink {gpu.path()}virtfn$n))"
            " boot fb-zero:0 fb-write:0:$n rpc reset fb-zero:0 fb-write:0:$n"
            " >/tmp/many.$n 2>&1 & done; wait; grep -H ^FAIL /tmp/many.*; rm /tmp/many.*",
            timeout=300, check=False,
        )
        expect(str(out), "", "clients that failed")
    settled(gpu)
    expect_zero(vm, blocks, "all of them")
    cost(gpu, f"{MANY} vGPUs at once, twice", before)
    gpu.put_away()
    expect(others(log) + ours(log), [], "warnings")


def refused(gpu, log, error, *more):
    """VF 0 is not opened, with one line that says why, and its framebuffer stays dirty."""
    said = ours(log)
    expect(said.count(REFUSED.format(1, error)), 1, f"lines of it among {said}")
    for line in said:
        if line != REFUSED.format(1, error) and not any(re.fullmatch(other, line) for other in more):
            raise AssertionError(f"line {line!r}")
    expect(cleanness(gpu), "dirty", "what was not cleared")
    log.mark()


@host_test(full=("debug",))
def test_interrupts_get_lost(vm):
    """One after the other: clearing goes on, and so does what GSP-RM has to say."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    begin = time.monotonic()
    for _ in range(4):
        gpu.set_model("lose-interrupt", "0")
        gpu.must_client(0, "boot", "fb-zero:0", "fb-write:0:5", "reset", "fb-zero:0")
    within(60, "four opens with lost interrupts", begin)
    settled(gpu)
    expect(cleanness(gpu), "clean", "after close")
    client = sit_and_be_told(vm, gpu)
    gpu.set_model("crash-plugin", 1)
    expect("told after" in client.wait(60), True, "an event afterwards")
    gpu.put_away()


@host_test(full=("debug",))
def test_channel_error(vm):
    """In the middle of it: refused, and tried again by the next open, or write of a type."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8])
    blocks = ranges(gpu)[1]
    leave_marks(vm, blocks)
    vm.expected_log.append(STOPPED)
    gpu.set_model("fault-engine", "error:3")
    expect(gpu.open_error(0), "EIO", "open whose scrub failed")
    refused(gpu, log, -5, XID)
    gpu.must_client(0, "boot", "fb-zero:0", "fb-write:0:5")
    settled(gpu)
    expect(ours(log), [], "lines when it works again")

    gpu.set_model("fault-engine", "error:2")
    gpu.must_client(0, "boot", "fb-write:0:5")
    settled(gpu)
    refused(gpu, log, -5, XID)
    gpu.must_set_type(0, 0)
    expect_zero(vm, blocks, "taken away, and cleared by that")
    gpu.put_away()
    expect(others(log) + ours(log), [], "warnings")


@host_test(kernels=("debug",), sampled=True)
def test_engine_hangs(vm):
    """Nobody waits for ever, nobody gets what is dirty, and the engine may come back."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8, Q8])
    gpu.set_model("fault-engine", "hang:2")
    begin = time.monotonic()
    expect(gpu.open_error(0), "EIO", "open whose scrub hangs")
    within(15, "an open whose scrub hangs", begin)
    took = time.monotonic() - begin
    refused(gpu, log, -110)
    # it was said already
    expect(gpu.open_error(0), "EIO", "another try")
    expect(ours(log), [], "lines of it")
    gpu.set_model("fault-engine", "none")
    gpu.must_client(0, "boot", "fb-zero:0", "rpc")
    settled(gpu)
    expect(cleanness(gpu), "clean", "after close")
    gpu.put_away()
    print(f"# engine hangs: refused after {took:.1f} s", flush=True)
    expect(others(log), [], "warnings")


@host_test(kernels=("debug",), sampled=True)
def test_channel_does_not_end(vm):
    """As GSP-RM refuses to free it, once; who comes next has it asked again."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8, Q8])
    settled(gpu)
    for n in (0, 1, 0, 1):
        gpu.set_model("fault-message", f"refuse=0x1a:{FREE}")
        gpu.must_client(n, "boot", "fb-zero:0", "fb-write:0:5", "rpc")
        settled(gpu)
    expect(NOT_ENDED in ours(log), True, f"{NOT_ENDED} is said")
    gpu.must_client(0, "boot", "fb-zero:0", "rpc")
    settled(gpu)
    expect([cleanness(gpu, n) for n in (0, 1)], ["clean", "clean"], "after close")
    gpu.put_away()
    expect(others(log), [], "warnings")


@host_test(kernels=("debug",), sampled=True)
def test_gsp_dies_half_way(vm):
    """Who opens hears of it at once, and what is dirty is refused from then on."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8, Q8])
    gpu.must_client(0, "boot", "fb-write:0:5")
    settled(gpu)
    gpu.set_model("fault-engine", "hang:2")
    client = vm.spawn(f"LC_ALL=C {CLIENT} {gpu.vf(1)} boot")
    vm.sh(f"until grep -q '^gfid 2' /sys/kernel/debug/nvkm-vgpu-{gpu.pf}/scrub; do sleep 0.1; done")
    gpu.set_model("crash-gsp", True)
    begin = time.monotonic()
    out = client.wait(30, check=False)
    within(4, "hearing of it", begin)
    expect(re.search(r"^FAIL open (\w+)", out, re.M)[1], "EIO", "who opened it")
    gpu.set_model("fault-engine", "none")
    for n in (0, 1):
        expect(gpu.open_error(n), "EIO", "open when GSP-RM is dead")
    expect(ours(log).count(REFUSED.format(2, -5)), 1, f"lines of it among {ours(log)}")
    expect(cleanness(gpu, 1), "dirty", "what was not cleared")
    gpu.put_away()
    expect(others(log), [], "warnings")


@host_test(full=("debug",))
def test_no_engine(vm):
    """The driver works but for that no vGPU opens."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_model("fault-message", "refuse=0x56:76:0x20801112")
    gpu.load()
    expect(ours(log), [NO_ENGINE.format(-95)], "what is said of it")
    log.mark()
    gpu.set_up([Q8], load=False)
    expect(gpu.open_error(0), "EIO", "open of what is dirty")
    expect(ours(log), [REFUSED.format(1, -5)], "what is said of it")
    gpu.put_away()
    expect(others(log), [], "warnings")
