# SPDX-License-Identifier: GPL-2.0-only
"""
GSP-RM sends what nobody asked for: events and answers that are too short, too long, or name what is
not there, and more of them than anybody can read. A vGPU runs meanwhile.
"""

import random
import re
import struct
import time

from bench_test import expect, host_test
from faults import Q8, held, let_go, others, ours, state, told, within
from gpu import Gpu, KernelLog
from host_9_hostile import seed

FIRST_EVENT, SEQUENCER, OS_ERROR, SAMPLES, LOCKDOWN = 0x1000, 0x1002, 0x1006, 0x1008, 0x101c
# All events that 570.144 has a number for, two behind them, and the largest numbers
EVENTS = (*range(FIRST_EVENT, 0x1025), 0x1fff, 0x7fffffff, 0xffffffff)
# Answers that nobody waits for, and the rest of a message that never began
ANSWERS = (0, 1, 65, 71, 72, 73, 76, 103)
TOO_SHORT = "GSP-RM: event N of N bytes is too short"
# What must be said. Of the others nothing may be: all that is unknown has one rate limit, and all that is too short
SAID = {
    0x1000: "GSP-RM: unknown event N", 0x1004: "GSP-RM: Xid N, channel N",
    SAMPLES: "GSP-RM: gpuacct_samples of N bytes cannot be read",
}
# GSP-RM runs it as it starts, and never again
DEADLY = "GSP-RM died: its boot sequence cannot be carried out"
SUPPRESSED = re.compile(r"^nvgpu_\w+: \d+ callbacks suppressed")
# So many messages last longer than so many seconds, of which the thread may have that part
STORM, SECONDS, SHARE = 100000, 5, 0.5


def payloads():
    """Nothing, too little, as much as a message can have, all ones, all zeroes, anything."""
    dice = random.Random(seed())
    return [
        b"", b"\0", b"\xff" * 3, bytes(64), b"\xff" * 64, b"\xff" * 4016, bytes(4017), b"\xff" * 65000,
        *(dice.randbytes(dice.choice((4, 8, 16, 40, 300, 2048))) for _ in range(4)),
    ]


def message(gpu, function, payload, times=1):
    gpu.set_model("inject-event", f"message:{function}:{payload.hex()}:{times}")


def kinds(lines):
    return sorted({re.sub(r"0x[0-9a-f]+|\d+", "N", line) for line in lines})


def use(gpu, n=1):
    gpu.must_client(n, "boot", "fb-zero:0x1000", "rpc")


@host_test(sampled=True, seconds=80)
def test_messages_that_lie(vm):
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    client = held(vm, gpu, 0, "rpc")
    for function in (*EVENTS, *ANSWERS):
        if function == SEQUENCER:
            continue
        log = KernelLog(vm)
        for payload in payloads():
            message(gpu, function, payload)
        if function == LOCKDOWN:
            message(gpu, function, bytes(4))
        expect(state(gpu), ("up", "running"), f"states after {function:#x}")
        said = kinds(ours(log))
        print(f"# {function:#x} | {'; '.join(said) or 'nothing'}", flush=True)
        if function in SAID:
            expect(SAID[function] in said, True, f"said of {function:#x}: {said}")
        warnings = [line for line in others(log) if not SUPPRESSED.search(line)]
        expect((told(log), warnings), ([], []), f"said after {function:#x}")
    use(gpu)
    let_go(vm, client)
    gpu.put_away()


@host_test(sampled=True)
def test_whose_channel_an_error_is_of(vm):
    """The log names the vGPU while somebody has it open, whose channel it is; the others are nobody's."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    first, number = (int(gpu.read(gpu.vf_path(0, f"vgpu/{file}"))) for file in ("channel_start", "num_channels"))

    def logged(channel):
        log = KernelLog(vm)
        message(gpu, OS_ERROR, struct.pack("<III256sI", 13, 1, channel, b"text", 0))
        begin = time.monotonic()
        while not (said := ours(log)):
            within(10, "what is said of an error", begin)
        return said

    nobodys = ["GSP-RM: Xid 13: text"]
    expect(logged(first), nobodys, "said of a vGPU that is closed")
    client = held(vm, gpu, 0, "rpc")
    for channel in first, first + number - 1:
        expect(logged(channel), [f"GSP-RM: vGPU 1: Xid 13, channel {channel}: text"], f"said of channel {channel}")
    for channel in 0, first - 1, first + number, 0xffffffff:
        expect(logged(channel), nobodys, f"said of channel {channel}")
    let_go(vm, client)
    gpu.put_away()


@host_test(sampled=True)
def test_boot_sequence_behind_the_boot(vm):
    """It is nobody's then, whatever it says; but for one that is too short to be one."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    died = 0
    for payload in payloads():
        log = KernelLog(vm)
        message(gpu, SEQUENCER, payload)
        begin = time.monotonic()
        while not (said := ours(log)):
            within(10, "what is said of a boot sequence behind the boot", begin)
        expect(kinds(said) in ([DEADLY], [TOO_SHORT]), True, f"said of {len(payload)} bytes: {said}")
        expect(state(gpu)[0], "dead" if said == [DEADLY] else "up", f"GSP-RM after {len(payload)} bytes")
        if said == [DEADLY]:
            died += 1
            gpu.must_write(gpu.path("reset"), 1, timeout=180)
    expect(died > 0, True, "one was long enough")
    use(gpu, 0)
    gpu.put_away()


def samples():
    """As many as a message of them can have, which takes the longest of all to read."""
    head = struct.pack("<BxxxIII", 2, 0, 72, 0)
    return head + b"".join(struct.pack("<Q12I", 1 << 40, *range(12)) for _ in range(72))


def ran(vm, pids):
    """Seconds that each has run, and of the clock."""
    files = " ".join(f"/proc/{pid}/schedstat" for pid in pids)
    *lines, clock = vm.sh(f"cat {files}; cut -d' ' -f1 /proc/uptime").splitlines()
    return [int(line.split()[0]) / 1e9 for line in lines], float(clock)


@host_test(kernels=("stock",))
def test_storm(vm):
    """Who shares the CPU with the interrupt's thread still gets at it, and the vGPU lives."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    log = KernelLog(vm)
    client = held(vm, gpu, 0, "rpc")
    (thread,) = vm.sh("pgrep '^irq/.*nvkm'").split()
    number = vm.sh(f"sed -n 's,^irq/\\([0-9]*\\)-.*,\\1,p' /proc/{thread}/comm").strip()
    cpu = vm.sh(f"cat /proc/irq/{number}/effective_affinity_list").strip()
    spinner = vm.sh(f"taskset -c {cpu} sh -c 'while :; do :; done' >/dev/null 2>&1 & echo $!").strip()
    message(gpu, SAMPLES, samples(), STORM)
    (thread_begin, spinner_begin), begin = ran(vm, (thread, spinner))
    time.sleep(SECONDS)
    (thread_end, spinner_end), end = ran(vm, (thread, spinner))
    vm.sh(f"kill {spinner}")
    took, threads, spinners = end - begin, thread_end - thread_begin, spinner_end - spinner_begin
    print(f"# {took:.1f} s of a storm: thread {threads:.1f} s, who shares its CPU {spinners:.1f} s", flush=True)
    expect(threads < SHARE * took, True, f"thread of the interrupt: {threads:.1f} of {took:.1f} s")
    expect(threads > 0, True, "the thread was at work")
    use(gpu)
    let_go(vm, client)
    gpu.put_away()
    expect((ours(log), told(log), others(log)), ([], [], []), "said")
