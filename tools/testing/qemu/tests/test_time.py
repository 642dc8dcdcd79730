# SPDX-License-Identifier: GPL-2.0-or-later
"""Property timing=real: what takes its time then, and what a driver may not rely on."""

import struct

from gspclient import Client, GSP, Machine, MIB, R535, R570, SEC2
from harness import CASES, Case, equal, none, only, test, true
from test_mmu import Fb
from test_vgpu import bootload, Vgpu


def late(**props):
    return Machine(timing="real", **props)


for SEED in range(1, 9):
    @test(f"timing real, seed {SEED}: boots, creates a vGPU, unloads")
    def _(seed=SEED):
        release = R535 if seed % 4 == 0 else R570
        with late(**{"timing-seed": seed, "scrubbed": release == R535}) as m:
            for _ in range(2):
                c = Client(m, release).boot()
                c.get_static()
                v = Vgpu(c, 1)
                bootload(c, v)
                v.shutdown()
                v.cleanup()
                c.unload()
                c.ram.next = c.ram.WORK
            none(m)


@test("timing real: the same seed takes the same time, another another")
def _():
    def clock(seed):
        with late(**{"timing-seed": seed}) as m:
            ticks = [0]
            step = m.step
            m.LATE = 2000       # looks often enough to tell one seed from another
            m.step = lambda ns: (ticks.append(ticks.pop() + ns), step(ns))
            Client(m).boot().get_static()
            return ticks[0]
    one, again, other = clock(1), clock(1), clock(2)
    # QEMU's main loop may carry out a step before or after the client's next look, some ms apart
    near = 10_000_000
    true(abs(one - again) < near, f"seed 1 took {one} ns, and {again} ns the second time")
    true(abs(other - one) > near, f"seed 2 takes as long as seed 1, {one} ns")
    true(1_300_000_000 < min(one, other), "faster than GFW and GSP-RM can be")


def refuses_early(check, mutation, change):
    """The driver does not wait for what takes its time."""
    def run():
        with late() as m:
            c = Client(m)
            c.wait_gfw()
            change(c)
            only(m, check)
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


def transfer_at_once(c):
    c.m.wr(SEC2 + 0x3c0, 1)
    c.m.wr(SEC2 + 0x3c0, 0)
    for reg, value in ((0x624, 0x80), (0x10c, 0), (0x600, 5), (0x110, c.ram.alloc(4096) >> 8), (0x118, 0x600)):
        c.m.wr(SEC2 + reg, value)


def start_at_once(c):
    c.reset(SEC2, {"fbif": 0x80, "dmactl": 0, "transcfg": 5})
    c.m.wr(SEC2 + 0x110, c.ram.alloc(4096) >> 8)
    c.m.wr(SEC2 + 0x118, 0x600)
    c.m.wr(SEC2 + 0x100, 2)


def core_at_once(c):
    c.reset_engine(SEC2)
    c.m.wr(SEC2 + 0x1668, 0)
    c.m.wr(SEC2 + 0x100, 2)


refuses_early("falcon-scrubbing", "a transfer while memories are scrubbed", transfer_at_once)
refuses_early("falcon-dma-busy", "STARTCPU while a transfer goes on", start_at_once)
refuses_early("falcon-core", "STARTCPU before the core is chosen", core_at_once)


@test("timing real: status bits are not done at the first read")
def _():
    with late() as m:
        Client(m).boot()
        for trigger, value, status, busy in ((0xb830b0, 0x80000003, 0xb830b0, 1 << 31), (0x70000, 1, 0x70000, 2),
                                             (0xb80f48, 1 << 30, 0xb80f50, 1 << 2)):
            m.wr(trigger, value)
            equal(m.rd(status) & busy, busy, f"first read of 0x{status:x}")
            true(any(not m.rd(status) & busy for _ in range(3)), f"0x{status:x} is never done")
            equal(m.rd(status) & busy, 0, f"0x{status:x} stays done")


@test("timing real: what is written through BAR1 is on its way until a read, a flush, or a while later")
def _():
    with late() as m:
        fb = Fb(m)
        m.writel(m.BAR1 + 64 * MIB, 0x11111111)
        equal(fb.read(64 * MIB, 4), bytes(4), "at once")
        equal(m.readl(m.BAR1 + 64 * MIB), 0x11111111, "read back")
        equal(fb.read(64 * MIB, 4), b"\x11" * 4, "after the read")
        m.writel(m.BAR1 + 64 * MIB, 0x22222222)
        m.wr(0x70000, 1)
        equal(fb.read(64 * MIB, 4), b"\x22" * 4, "after a flush")
        m.writel(m.BAR3 + 4 * MIB, 0x33333333)
        equal(fb.read(4 * MIB, 4), bytes(4), "BAR3, at once")
        m.step(20_000_000)
        equal(fb.read(4 * MIB, 4), b"\x33" * 4, "BAR3, 20 ms later")
        for i in range(100):
            m.writel(m.BAR1 + 65 * MIB + 4 * i, i + 1)
        m.step(20_000_000)
        equal(fb.read(65 * MIB, 400), struct.pack("<100I", *range(1, 101)), "a hundred words")
    with Machine() as m:
        m.writel(m.BAR1 + 64 * MIB, 0x11111111)
        equal(Fb(m).read(64 * MIB, 4), b"\x11" * 4, "with timing=quick")


@test("timing real: a signed program may read its inputs when it is started, or at its end")
def _():
    early = 0
    for seed in range(1, 13):
        with late(**{"timing-seed": seed}) as m:
            c = Client(m)
            c.prepare()
            c.store()
            c.frts()
            c.scrub()
            c.reset_gsp()
            c.on_start = lambda: c.ram.write(c.meta_at, bytes(8))     # pylint: disable=W0640
            early += c.run_booter() == 0
            equal(m.rd(GSP + 0x1388) & 0x80, 0x80 if not m.refusals() else 0, "RISC-V")
    true(0 < early < 12, f"{early} of 12 programs read their inputs before they were changed")
