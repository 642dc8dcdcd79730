# SPDX-License-Identifier: GPL-2.0-only
"""
A host that is never at rest: 32 vGPUs, users and guests that come, crash and go, and a GPU that has
its own troubles. Round after round, for BENCH_SOAK minutes; all is as it was after each, and
nothing grows from the first to the last.
"""

import contextlib
import os
import random
import statistics
import time

from bench_test import expect, host_test
from faults import state
from gpu import CLIENT, SPLATS, Gpu, KernelLog, VgpuGuest
from hostvm import BenchError
from nvidia import NvidiaGuest, prepare
from probe import kept, objects, without_use

Q1 = 871
VFS = 32
GUESTS = (29, 30)  # our guest has these two, NVIDIA's driver the last one
WARM = 3  # rounds until all caches of the kernel have what they need
# After how many commands to GSP-RM, of whichever user, it does what it should not.
TROUBLES = {
    "none": None,
    "answer lost": "drop:any::{n}",
    "request refused": "refuse=0x1a:any::{n}",
    "answer late": "delay=6000:any::{n}",
    "task crashes": "crash-plugin",
    "GPU is reset": "reset",
    "GSP-RM crashes": "crash-gsp",
}
LIVES = ("boot rpc", "boot rpc reset rpc", "boot fb-zero:0 fb-write:0:{n} rpc", "rpc boot sleep:60000")


def users(vm, gpu, dice):
    """A client for most of the VFs; those that would stay a minute are killed when all others are done."""
    lines = []
    for n in range(GUESTS[0]):
        if dice.random() < 0.8:
            life = dice.choice(LIVES).format(n=n + 1)
            lines.append(f"{CLIENT} {gpu.vf(n)} {life} >/tmp/soak.{n} 2>&1 &")
    return len(lines), vm.spawn(
        "rm -f /tmp/soak.*\n" + "\n".join(lines) +
        # by the name of the program, as this shell has all of their words in its own
        "\nfor i in $(seq 240); do sleep 0.5; pgrep -xa vfio-client | grep -qv sleep:60000 || break; done;"
        " pkill -9 -x vfio-client; wait; exit 0"
    )


def trouble(vm, gpu, what, dice):
    """It comes while users do."""
    how = TROUBLES[what]
    time.sleep(dice.uniform(0.5, 3))
    if how == "reset":
        gpu.must_write(gpu.path("reset"), 1, timeout=300)
    elif how == "crash-plugin":
        with contextlib.suppress(Exception):  # nobody may be there just now
            gpu.set_model("crash-plugin", dice.randrange(1, GUESTS[0]))
    elif how == "crash-gsp":
        gpu.set_model("crash-gsp", True)
    elif how:
        gpu.set_model("fault-message", how.format(n=dice.randrange(1, 60)))


def guests(vm, gpu, dice, troubled):
    """Our guest and NVIDIA's, which may lose their vGPUs when the GPU has its troubles."""
    ours = VgpuGuest(vm, [gpu.vf(n) for n in GUESTS], offsets=[0x7000], seed=7, ids=(0x26B5, 0x176F))
    theirs = NvidiaGuest(vm, [gpu.vf(VFS - 1)], "load open off")
    chosen = dice.choice(((ours,), (theirs,), (ours, theirs)))
    with contextlib.ExitStack() as stack:
        for guest in chosen:
            stack.enter_context(guest)
        for guest in chosen:
            try:
                log = guest.wait_end(60 if troubled else 300)
            except (TimeoutError, BenchError) as why:
                if not troubled or isinstance(why, BenchError) and "error getting device" not in str(why):
                    raise
            else:
                expect(troubled or "FAIL" not in log, True, f"a guest that had no troubles:\n{log}")
    return len(chosen)


def mend(gpu, log):
    """
    What an operator does: a dead GPU is reset, and one that has kept a client which nobody knows any
    more; a VF with a vGPU that is kept gets its type anew.
    """
    if state(gpu)[0] != "up" or any("refused RPC FREE" in line for line in log.said_by("nvkm-vgpu")):
        gpu.must_write(gpu.path("reset"), 1, timeout=300)
    gpu.set_model("fault-message", "")
    for n in range(VFS):
        if state(gpu, n)[1] != "typed":
            gpu.must_set_type(n, Q1)


def one_round(vm, gpu, dice, what):
    log = KernelLog(vm)
    came, process = users(vm, gpu, dice)
    trouble(vm, gpu, what, dice)
    came += guests(vm, gpu, dice, what != "none")
    process.wait(600)
    # sockets that QEMU leaves
    vm.sh("rm -f /run/guest*.sock /run/guest*.qmp")
    if what == "none":
        expect(vm.sh("grep -h ^FAIL /tmp/soak.* || :"), "", "what users say who had no troubles")
    mend(gpu, log)
    # a type is taken back now and then, and another one's place becomes free
    for n in dice.sample(range(VFS), 4):
        gpu.must_set_type(n, 0)
    for n in range(VFS):
        if not gpu.type(n):
            gpu.must_set_type(n, Q1)
    return came


def grown(seen):
    """{cache: objects a round} of what grows with the rounds."""
    part = max(1, len(seen) // 4)
    first, last = seen[:part], seen[-part:]
    rounds = len(seen) - part
    more = {}
    for name in seen[-1]:
        before, after = (statistics.median(s.get(name, 0) for s in some) for some in (first, last))
        if after - before >= rounds:
            more[name] = (after - before) / rounds
    return more


# Each cache has its own name, and nobody keeps regions of memory that it has seen used
@host_test(kernels=("stock",), full=True, alone=True, mem="10G", smp=2,
           append="slab_nomerge damon_stat.enabled=0")
def test_soak(vm):
    prepare(vm)
    minutes = float(os.environ.get("BENCH_SOAK", 60))
    dice = random.Random(os.environ["BENCH_SEED"])
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q1] * VFS)
    seen, vgpus, rounds = [], 0, 0
    deadline = time.monotonic() + 60 * minutes
    same = None
    while time.monotonic() < deadline or len(seen) < 4:
        what = dice.choice(list(TROUBLES)) if rounds >= WARM else "none"
        begin = time.monotonic()
        vgpus += one_round(vm, gpu, dice, what)
        rounds += 1
        expect([line for line in log.warnings() if SPLATS.search(line)], [], f"splats, round {rounds}")
        now = without_use(kept(vm, gpu))
        if rounds > WARM:
            seen.append(objects(vm))
            same = same or now
            expect(now, same, f"what is kept after round {rounds}, {what}")
        print(f"# round {rounds} | {what} | {vgpus} vGPUs | {time.monotonic() - begin:.0f} s", flush=True)
    more = grown(seen)
    for name, often in sorted(more.items(), key=lambda item: -item[1])[:10]:
        print(f"# slab cache {name} | grows by {often:.1f} objects a round", flush=True)
    expect(more, {}, "slab caches that grow with the rounds")
    gpu.put_away()
    expect(gpu.in_use(), {}, "in use in the model")
    print(f"# {rounds} rounds, {vgpus} vGPUs, {minutes:.0f} min", flush=True)
