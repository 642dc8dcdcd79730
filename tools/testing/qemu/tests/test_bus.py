# SPDX-License-Identifier: GPL-2.0-or-later
"""DMA and messages that are aimed at the machine's registers: none of them may pull the model's state from under it."""

import json
import struct

from gspclient import Client, GIB, Machine, MIB, PAGE
from harness import equal, none, only, test
from test_chan import Channel, imm, NON_STALL, new_space, RELEASE, SEM, semaphore
from test_fault import block_on, fails, segment_size
from test_mmu import COHERENT, Fb, pte, Tables
from test_pci import BAR1_BLOCK, Block, LEAF_EN_SET, TOP_EN_SET, TRIGGER
from test_vgpu import bootload, Vgpu

DEVCTL, FLR = 0x80, 1 << 15     # in the PF's configuration space


def commands(m):
    return m.readl(m.config(4)) & 6


@test("bus: a channel's write to the GPU's own configuration space is a fault, not a reset")
def _():
    with new_space() as s:
        ch, m = Channel(s, 5), s.c.m
        s.map(SEM, pte(m.config(0), COHERENT))
        ch.post(semaphore(RELEASE, SEM + DEVCTL, FLR), semaphore(RELEASE, SEM + 4, 0))
        ch.wait("stopped")
        equal((commands(m), m.rd(0x1fa828) != 0), (6, True), "memory and bus master, WPR2")
        only(m, "chan-dma", "the bus refuses")
        segment_size(s.c)


@test("bus: a status queue in the GPU's own configuration space ends GSP-RM, not the machine")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        c.shm_write(8 * ((c.statq + PAGE) // PAGE + 8), struct.pack("<Q", m.config(0)))     # six events, one of two, an answer
        c.store()
        c.first_commands()
        c.boot_falcons()
        c.wait_init_done()
        c.get_static()
        fails(lambda: segment_size(c), "the answer came from nowhere")
        equal((commands(m), m.rd(0x111388) & 0x90), (6, 0x10), "memory and bus master, halted")
        only(m, "dma-fault")


@test("bus: a message to the GPU's own configuration space resets it, after what caused the message")
def _():
    with new_space() as s:
        ch, m = Channel(s, 5), s.c.m
        block = block_on(m)
        block.wr(LEAF_EN_SET, 1 << 7)
        for reg, value in ((0, m.config(0) + DEVCTL), (4, 0), (8, FLR)):
            block.wr(0x10000 + reg, value)
        block.wr(TOP_EN_SET, 1)
        ch.post(imm(NON_STALL, 0), semaphore(RELEASE, SEM, 1))
        m.step(5_000_000)
        equal((commands(m), s.c.ram.read32(s.sem)), (0, 1), "memory and bus master, the channel's semaphore")
        equal(json.loads(m.property("channels")), [], "channels")
        none(m)
        m.setup_pci()
        equal(m.rd(0x1fa828), 0, "WPR2 HI")


@test("bus: a message to the GPU's own registers gets nowhere")
def _():
    with Machine() as m:
        block = block_on(m)
        for reg, value in ((0, m.BAR0 + 0xb80000 + TOP_EN_SET), (4, 0), (8, 2)):
            block.wr(0x10000 + reg, value)
        block.wr(TRIGGER, 0x47)
        for _ in range(10):
            m.settle()
        equal(json.loads(m.property("stats"))["functions"][0]["interrupts"], 1, "messages")


@test("bus: a VF's tables and data are in memory, not in another VF's BAR1")
def _():
    with Machine() as m:
        c, fb = Client(m).boot(), Fb(m)
        c.get_static()
        m.enable_vfs(2)
        for gfid in (1, 2):
            bootload(c, Vgpu(c, gfid))
        first, second = GIB, 2 * GIB            # framebuffer of each
        other, bar1 = m.VF_BAR1, m.VF_BAR1 + 2 * GIB

        class Gpa:
            """Framebuffer as a guest counts it, at the same place for both"""
            def write64(self, addr, *values):
                fb.write64(first + addr, *values)
                fb.write64(second + addr, *values)

        gpa, instance, pd3 = Gpa(), 16 * MIB, 17 * MIB
        tables = Tables(gpa, 32 * MIB, 0)
        gpa.write64(pd3, tables.pd2 >> 4 | 2)
        tables.map4k(5, pte(100 * MIB))
        tables.map4k(6, pte(other + 100 * MIB, COHERENT))
        fb.write(first + 100 * MIB, b"1st!")
        fb.write(second + 100 * MIB, b"2nd!")
        Block(m, 1).wr(BAR1_BLOCK, 1 << 31 | instance >> 12)

        def reads():
            return [f["bar1"]["reads"] for f in json.loads(m.property("stats"))["functions"] if f["gfid"] == 1]

        equal(m.read(other + 100 * MIB, 4), b"1st!", "the first VF's, by its own BAR1")
        before = reads()
        fb.write64(second + instance + 0x200, pd3 | 1 << 10)
        equal(m.read(bar1 + 5 * PAGE, 4), b"2nd!", "its tables, its data")
        none(m)
        equal(m.read(bar1 + 6 * PAGE, 4), b"\xff" * 4, "its tables, the other's data")
        fb.write64(second + instance + 0x200, other + pd3 | 2)
        equal(m.read(bar1 + 5 * PAGE, 4), b"\xff" * 4, "the other's tables")
        equal(reads(), before, "reads of the other's BAR1")
        only(m, "dma-fault", f"at 0x{other + pd3:x}")
