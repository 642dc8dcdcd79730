# SPDX-License-Identifier: GPL-2.0-or-later
"""Channels and the copy engine: set up by RM objects, driven by GPFIFO and doorbell, and what they are refused."""

import contextlib
import json
import struct

from gspclient import Client, GIB, L40_FB, Machine, MIB, PAGE, R535, R570
from harness import CASES, Case, equal, none, only, refuses_rpc, test, true
from test_mmu import COHERENT, Fb, pte, TABLES, Tables, pde
from test_vgpu import bootload, Vgpu

CLIENT, DEVICE, VASPACE, CHANNEL, COPY = 0xc1d00001, 0xde1d0000, 0x90f10000, 0xf1f00000, 0xc7b50000
GPFIFO_A, COPY_B, COPY2 = 0xc56f, 0xc7b5, 11
BIND, SCHEDULE, SET_PAGE_DIRECTORY, DEVICE_INFO, INTR_TABLE = 0xa06f0104, 0xa06f0103, 0x801813, 0x20801112, 0x20800a5c
OS_ERROR_LOG, RC_TRIGGERED, MMU_FAULT_QUEUED, NOCAT_RECORD = 0x1006, 0x1004, 0x1005, 0x1020
XID_MMU, XID_PBDMA, XID_CE2 = 31, 32, 41
DOORBELL, LEAF = 0xbb0090, 0xb81000
RUNLIST, METHODS = 1, 20480
SYSMEM, FBMEM = 1, 2        # RM's address spaces

# methods of the host, then of the copy engine
SET_OBJECT, NON_STALL, MEM_OP_A, SEM_ADDR, SEM_EXECUTE, WFI = 0x00, 0x20, 0x28, 0x5c, 0x6c, 0x78
SEMAPHORE_A = 0x10
SET_SEMAPHORE, PHYS_MODE, LAUNCH, OFFSETS, REMAP = 0x240, 0x260, 0x300, 0x400, 0x700
ACQUIRE, RELEASE, ACQ_GEQ, ACQ_CIRC_GEQ, ACQ_AND, WIDE, TIMESTAMP = 0, 1, 2, 3, 4, 1 << 24, 1 << 25
PITCH, MULTI_LINE, REMAPPED, SRC_PHYS, DST_PHYS, MOVE = 0x180, 1 << 9, 1 << 10, 1 << 12, 1 << 13, 2
SEM_ONE_WORD, SEM_FOUR_WORDS, NON_BLOCKING = 1 << 3, 2 << 3, 2 << 5
CE = 4                      # the subchannel that the tests have the copy engine on

VA = 5 * GIB + 6 * MIB      # two MiB of addresses: a ring, a pushbuffer, semaphores, then what is copied
RING, PUSH, SEM, FB_DATA, SYS_DATA, UNMAPPED = VA, VA + 4 * PAGE, VA + 15 * PAGE, VA + 16 * PAGE, VA + 32 * PAGE, \
    VA + 64 * PAGE
DATA_PAGES = 8
INSTANCE, USERD = 128 * MIB, 130 * MIB


def inc(method, *data, sub=0, op=1):
    return [op << 29 | len(data) << 16 | sub << 13 | method >> 2, *data]


def imm(method, value, sub=0):
    return [4 << 29 | value << 16 | sub << 13 | method >> 2]


def old(method, *data, op=0):
    return [op << 29 | len(data) << 18 | method, *data]


def split(va):
    return va >> 32, va & 0xffffffff


def semaphore(operation, va, payload):
    """The host's five methods."""
    return inc(SEM_ADDR, va & 0xffffffff, va >> 32, payload & 0xffffffff, payload >> 32, operation)


def launch(src, dst, length, lines=1, pitches=(0, 0), how=MOVE | PITCH | MULTI_LINE):
    return inc(OFFSETS, *split(src), *split(dst), *pitches, length, lines, sub=CE) + inc(LAUNCH, how, sub=CE)


def remap(const_a, const_b, dst, size=4, sources=1):
    """dst: for each component 0..3 a source's, 4, 5 a constant, 6 none."""
    selectors = sum(what << 4 * i for i, what in enumerate(dst))
    return inc(REMAP, const_a, const_b,
               selectors | size - 1 << 16 | sources - 1 << 20 | len(dst) - 1 << 24, sub=CE)


class Space:
    """A VA space with two MiB of page tables, in framebuffer; the tables' root may be in system memory."""

    def __init__(self, c, root_in_sysmem=False):
        self.c, self.fb = c, Fb(c.m)
        self.tables = Tables(self.fb, TABLES, VA)
        self.root = TABLES + 16 * PAGE
        self.flags = 0
        if root_in_sysmem:
            self.root, self.flags = c.ram.alloc(PAGE), 1
            c.ram.write(self.root + 8 * (VA >> 47), struct.pack("<Q", pde(self.tables.pd2)))
        else:
            self.fb.write64(self.root + 8 * (VA >> 47), pde(self.tables.pd2))
        self.ring, self.push, self.sem, self.sys = (c.ram.alloc(n * PAGE) for n in (4, 11, 1, DATA_PAGES))
        self.vram = 1 * GIB
        for va, at, pages in ((RING, self.ring, 4), (PUSH, self.push, 11), (SEM, self.sem, 1),
                              (SYS_DATA, self.sys, DATA_PAGES)):
            for i in range(pages):
                self.map(va + i * PAGE, pte(at + i * PAGE, COHERENT))
        for i in range(DATA_PAGES):         # neighbours are apart, so that pages matter
            self.map(FB_DATA + i * PAGE, pte(self.vram + 3 * i * PAGE))
        c.alloc(CLIENT, 0, CLIENT, 0)
        c.alloc(CLIENT, CLIENT, DEVICE, 0x80)
        c.alloc(CLIENT, DEVICE, VASPACE, 0x90f1, bytes(c.abi.sizes["NV_VASPACE_ALLOCATION_PARAMETERS"]))
        self.set_directory(self.root, self.flags)

    def set_directory(self, root, flags):
        params = self.c.abi.pack("NV0080_CTRL_DMA_SET_PAGE_DIRECTORY_PARAMS",
                                 {"physAddress": root, "flags": flags, "hVASpace": VASPACE})
        self.c.control(SET_PAGE_DIRECTORY, params, CLIENT, DEVICE)

    def map(self, va, entry):
        self.tables.map4k((va - VA) // PAGE, entry)

    def unmap(self, va):
        self.map(va, 0)
        for reg, value in ((0xb830a0, self.root >> 8), (0xb830a4, 0), (0xb830b0, 0x80000001)):
            self.c.m.wr(reg, value)

    def read_fb(self, off, size):
        """Of the FB_DATA pages."""
        return b"".join(self.fb.read(self.vram + (off + i) // PAGE * 3 * PAGE + (off + i) % PAGE, 4)
                        for i in range(0, size, 4))

    def write_fb(self, off, data):
        for i in range(0, len(data), 4):
            self.fb.write(self.vram + (off + i) // PAGE * 3 * PAGE + (off + i) % PAGE, data[i:i + 4])


class Channel:
    """One with its ring and its part of the pushbuffer in the space; parameters may be changed by name."""

    def __init__(self, space, chid=5, entries=16, setup=True, **over):
        self.space, self.c, self.chid, self.entries = space, space.c, chid, entries
        self.ring, self.push = space.ring + chid % 4 * PAGE, space.push + chid % 4 * 2 * PAGE
        self.push_va, self.next, self.put = PUSH + chid % 4 * 2 * PAGE, 0, 0
        self.userd, self.userd_in_fb = USERD + chid * 512, True
        self.fields = {
            "gpFifoOffset": RING + chid % 4 * PAGE, "gpFifoEntries": entries, "hVASpace": VASPACE,
            "engineType": COPY2, "flags": 1 << 5 | chid % 8 << 8 | chid // 8 << 12 | 1 << 21,
            "instanceMem.base": INSTANCE + chid * PAGE, "instanceMem.size": PAGE, "instanceMem.addressSpace": FBMEM,
            "ramfcMem.base": INSTANCE + chid * PAGE, "ramfcMem.size": 512, "ramfcMem.addressSpace": FBMEM,
            "userdMem.base": self.userd, "userdMem.size": 512, "userdMem.addressSpace": FBMEM,
            "mthdbufMem.base": self.c.ram.alloc(METHODS), "mthdbufMem.size": METHODS, "mthdbufMem.addressSpace": SYSMEM,
            **over}
        self.handle = CHANNEL | chid
        if self.fields["userdMem.addressSpace"] == SYSMEM:
            self.userd, self.userd_in_fb = self.fields["userdMem.base"], False
        if setup:
            self.alloc()
            self.copy_engine()
            self.bind()
            self.schedule()
            self.submit(inc(SET_OBJECT, COPY_B, sub=CE))

    def alloc(self, device=DEVICE):
        self.c.alloc(CLIENT, device, self.handle, GPFIFO_A, self.c.abi.pack("NV_CHANNEL_ALLOC_PARAMS", self.fields))

    def copy_engine(self, engine=COPY2):
        self.c.alloc(CLIENT, self.handle, COPY | self.chid, COPY_B, struct.pack("<II", 1, engine))

    def bind(self, engine=COPY2):
        self.c.control(BIND, struct.pack("<I", engine), CLIENT, self.handle)

    def schedule(self, on=1):
        self.c.control(SCHEDULE, struct.pack("<BB", on, 0), CLIENT, self.handle)

    def free(self):
        self.c.rpc(10, self.c.abi.pack("rpc_free_v03_00", {
            "params.hRoot": CLIENT, "params.hObjectParent": DEVICE, "params.hObjectOld": self.handle}))

    def entry(self, low, high):
        """One entry of the ring; kick() tells of it."""
        self.c.ram.write(self.ring + 8 * self.put, struct.pack("<II", low, high))
        self.put = (self.put + 1) % self.entries

    def segment(self, words):
        if self.next + 4 * len(words) > 2 * PAGE:
            self.next = 0
        self.c.ram.write(self.push + self.next, struct.pack(f"<{len(words)}I", *words))
        va = self.push_va + self.next
        self.entry(va & 0xffffffff, va >> 32 | len(words) << 10)
        self.next += 4 * len(words)

    def userd_read(self, off):
        return struct.unpack("<I", self.space.fb.read(self.userd + off, 4))[0] if self.userd_in_fb else \
            self.c.ram.read32(self.userd + off)

    def kick(self, put=None):
        value = struct.pack("<I", self.put if put is None else put)
        if self.userd_in_fb:
            self.space.fb.write(self.userd + 0x8c, value)
        else:
            self.c.ram.write(self.userd + 0x8c, value)
        self.c.m.wr(DOORBELL, RUNLIST << 16 | self.chid)

    def post(self, *words):
        """Without waiting for its end."""
        self.segment([word for part in words for word in part])
        self.kick()

    def submit(self, *words):
        self.post(*words)
        self.wait("idle")

    def state(self):
        return next((ch for ch in json.loads(self.c.m.property("channels")) if ch["chid"] == self.chid), None)

    def wait(self, state):
        true(self.c.m.wait(lambda: self.state()["state"] == state, ms=50),
             f"channel {self.chid} is {self.state()}, expected {state}: {self.c.m.log()}")


def engine(c):
    return json.loads(c.m.property("stats"))["engine"]


def in_use(c):
    return json.loads(c.m.property("accounting"))["now"]["channels"]


@contextlib.contextmanager
def new_space(release=R570, **space):
    with Machine() as m:
        c = Client(m, release, vgpu=release == R570).boot()
        c.get_static()
        yield Space(c, **space)


def with_space(name, *chids, releases=(R570,), **space):
    """A test of function(space, channel...); nothing may be refused."""
    def add(function):
        for release in releases:
            def run(release=release):
                with new_space(release, **space) as s:
                    function(s, *(Channel(s, chid) for chid in chids))
                    none(s.c.m)
            CASES.append(Case(name + ("" if len(releases) == 1 else f", {release}"), run))
        return function
    return add


# ---- what is there ---------------------------------------------------------------------------------------------------


@test("channels: the tables name the copy engine, its runlist and its interrupt")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        table = c.control(DEVICE_INFO, bytes(c.abi.sizes["NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS"]))
        equal(struct.unpack_from("<3I", table), (0, 1, 0), "one entry")
        data = struct.unpack_from("<16I", table, 12)
        equal((data[2], data[3], data[10], data[12]), (COPY2, RUNLIST, 2, 1),
              "type, runlist, instance, driven by the host")
        intr = c.control(INTR_TABLE, bytes(c.abi.sizes["NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS"]))
        equal(struct.unpack_from("<I", intr)[0], 2, "interrupts")
        equal(struct.unpack_from("<H2x3I", intr, 4 + 16), (0x11, 0, 0xffffffff, 7), "of CE 2")
        again = bytes([1]) + bytes(c.abi.sizes["NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS"] - 1)
        equal(struct.unpack_from("<3I", c.control(DEVICE_INFO, again))[1], 0, "no second part")
        none(m)


# ---- host ------------------------------------------------------------------------------------------------------------


@with_space("channels: the host releases semaphores, with 32 and 64 bits and with the time", 5, releases=(R570, R535))
def _(s, ch):
    ram = s.c.ram
    ch.submit(semaphore(RELEASE, SEM, 0x1234))
    equal(ram.read(s.sem, 8), struct.pack("<Q", 0x1234), "32 bits")
    ram.write(s.sem, b"\xff" * 32)
    ch.submit(semaphore(RELEASE, SEM, 0x1234))
    equal(ram.read(s.sem, 8), struct.pack("<II", 0x1234, 0xffffffff), "32 bits, no more")
    ch.submit(semaphore(RELEASE | WIDE, SEM, 0x11223344_55667788))
    equal(ram.read(s.sem, 16), struct.pack("<QQ", 0x11223344_55667788, 2**64 - 1), "64 bits")
    ch.submit(semaphore(RELEASE | TIMESTAMP, SEM, 7))
    payload, time = struct.unpack("<QQ", ram.read(s.sem, 16))
    equal(payload, 7, "payload")
    true(0 < time < 60 * 10**9, f"time {time}")
    ch.submit(inc(SEMAPHORE_A, *split(SEM + 32), 99, 2 | 1 << 24))
    equal(ram.read(s.sem + 32, 8), struct.pack("<Q", 99), "the old way")
    stats = engine(s.c)
    equal((stats["channels"], stats["semaphores"], stats["faults"], in_use(s.c)), (1, 5, 0, 1), "counters")
    ch.free()
    equal(in_use(s.c), 0, "in use")


@with_space("channels: every form of method header", 5)
def _(s, ch):
    ram, addr = s.c.ram, SEM & 0xffffffff
    ch.submit(old(SEM_ADDR, addr, SEM >> 32, 1), imm(SEM_EXECUTE, RELEASE), imm(WFI, 0), [0, 0])
    equal(ram.read32(s.sem), 1, "old increasing, immediate, NOP")
    ch.submit(inc(0x64, 10, 11, 12, op=3), inc(SEM_EXECUTE, RELEASE))
    equal(ram.read32(s.sem), 12, "not increasing")
    ch.submit(old(0x64, 20, 21, op=2), inc(SEM_EXECUTE, RELEASE))
    equal(ram.read32(s.sem), 21, "old not increasing")
    ch.submit(inc(0x60, SEM >> 32, 30, 31, op=5), inc(SEM_EXECUTE, RELEASE))
    equal(ram.read32(s.sem), 31, "increasing once")
    ch.submit(imm(0x64, 40), imm(SEM_EXECUTE, RELEASE), [7 << 29], imm(0x64, 41), imm(SEM_EXECUTE, RELEASE))
    equal(ram.read32(s.sem), 40, "nothing after the end of a segment")
    words = semaphore(RELEASE, SEM, 50)
    ch.segment(words[:3])
    ch.entry(0, 0)
    ch.segment(words[3:])
    ch.kick()
    ch.wait("idle")
    equal(ram.read32(s.sem), 50, "data of one header in two segments")
    ch.submit(inc(MEM_OP_A, 0, 0, 0, 5 << 27), inc(MEM_OP_A, 0, 0, 1, 9 << 27), imm(0x24, 0), imm(0x50, 1),
              imm(0x80, 0))


@with_space("channels: the ring wraps around, and GET follows", 6)
def _(s, ch):
    ch = Channel(s, 7, entries=4)
    for i in range(1, 14):
        ch.submit(semaphore(RELEASE, SEM + 16 * i, i))
        equal(s.c.ram.read32(s.sem + 16 * i), i, f"segment {i}")
        equal(ch.userd_read(0x88), ch.put, "GET")
    for i in range(3):
        ch.segment(semaphore(RELEASE, SEM, 100 + i))
    ch.kick()
    ch.wait("idle")
    equal(s.c.ram.read32(s.sem), 102, "three at once")


@with_space("channels: a semaphore is waited for until another channel releases it", 5, 6)
def _(s, one, two):
    ram = s.c.ram
    for operation, payload, no, yes in ((ACQUIRE, 5, 4, 5), (ACQ_GEQ, 5, 4, 9), (ACQ_CIRC_GEQ, 2, 0xfffffff0, 3),
                                        (ACQ_AND, 6, 9, 2), (ACQUIRE | WIDE, 5 << 32 | 1, 1, 5 << 32 | 1)):
        ram.write(s.sem, struct.pack("<QQQ", no, 0, 0))
        one.post(semaphore(operation, SEM, payload), semaphore(RELEASE, SEM + 16, 1))
        one.wait("waiting")
        s.c.m.step(20_000_000)
        equal((one.state()["state"], ram.read32(s.sem + 16)), ("waiting", 0), f"operation {operation:x}")
        two.submit(semaphore(RELEASE | WIDE, SEM, yes))
        one.wait("idle")
        equal(ram.read32(s.sem + 16), 1, f"operation {operation:x} went on")


@with_space("channels: a semaphore that the CPU writes is seen within milliseconds", 5)
def _(s, ch):
    ch.post(inc(SEMAPHORE_A, *split(SEM), 77, 1), semaphore(RELEASE, SEM + 16, 1))
    ch.wait("waiting")
    s.c.ram.write32(s.sem, 77)
    s.c.m.step(5_000_000)
    ch.wait("idle")
    equal(s.c.ram.read32(s.sem + 16), 1, "it went on")


@with_space("channels: the non-stall interrupt, of the host and of the engine", 5)
def _(s, ch):
    m = s.c.m
    bit, leaf = 1 << 7, LEAF
    equal(m.rd(leaf) & bit, 0, "before")
    ch.submit(imm(NON_STALL, 0))
    equal(m.rd(leaf) & bit, bit, "of the host")
    m.wr(leaf, bit)
    ch.submit(launch(FB_DATA, SYS_DATA, 4, how=MOVE | PITCH))
    equal(m.rd(leaf) & bit, 0, "not without being asked")
    ch.submit(launch(FB_DATA, SYS_DATA, 4, how=MOVE | PITCH | NON_BLOCKING))
    equal(m.rd(leaf) & bit, bit, "of the engine")


@with_space("channels: one that is not enabled remembers its doorbell")
def _(s):
    ch = Channel(s, 5, setup=False)
    ch.alloc()
    ch.bind()
    ch.post(semaphore(RELEASE, SEM, 3))
    s.c.m.step(5_000_000)
    equal((ch.state()["state"], s.c.ram.read32(s.sem)), ("disabled", 0), "not enabled")
    ch.schedule()
    ch.wait("idle")
    equal(s.c.ram.read32(s.sem), 3, "enabled")
    ch.schedule(0)
    ch.post(semaphore(RELEASE, SEM, 4))
    s.c.m.step(5_000_000)
    equal(s.c.ram.read32(s.sem), 3, "disabled again")


@with_space("channels: freed while it waits and while it copies; others go on", 5, 6)
def _(s, one, two):
    one.post(semaphore(ACQUIRE, SEM, 1), semaphore(RELEASE, SEM + 16, 1))
    one.wait("waiting")
    one.free()
    s.c.ram.write32(s.sem, 1)
    s.c.m.step(5_000_000)
    two.submit(semaphore(RELEASE, SEM + 32, 2))
    equal((s.c.ram.read32(s.sem + 16), s.c.ram.read32(s.sem + 32)), (0, 2), "semaphores")
    two.post(launch(FB_DATA, FB_DATA, 4096, 1 << 20, how=MOVE | PITCH | MULTI_LINE), semaphore(RELEASE, SEM + 48, 3))
    true(two.state()["state"] == "running", "a long copy does not hold up the machine")
    two.free()
    s.c.m.step(5_000_000)
    equal((in_use(s.c), s.c.ram.read32(s.sem + 48)), (0, 0), "in use, end of the copy")
    equal(json.loads(s.c.m.property("channels")), [], "channels")


@with_space("channels: USERD and the top page directory in system memory", root_in_sysmem=True)
def _(s):
    ch = Channel(s, 5, **{"userdMem.addressSpace": SYSMEM, "userdMem.base": s.c.ram.alloc(PAGE)})
    ch.submit(semaphore(RELEASE, SEM, 3))
    equal((s.c.ram.read32(s.sem), ch.userd_read(0x88)), (3, 2), "semaphore, GET")


@with_space("channels: an id that nobody names is a free one; its client takes channels along", 0)
def _(s, zero):
    ch = Channel(s, 1, flags=0)
    equal(ch.state()["chid"], 1, "the next")
    equal(in_use(s.c), 2, "in use")
    s.c.rpc(10, s.c.abi.pack("rpc_free_v03_00", {"params.hRoot": CLIENT, "params.hObjectOld": CLIENT}))
    equal((in_use(s.c), zero.state()), (0, None), "in use")


# ---- copy engine -----------------------------------------------------------------------------------------------------


def pattern(size, seed=0):
    return b"".join(struct.pack("<I", (i * 2654435761 + seed) & 0xffffffff) for i in range(size // 4))


@with_space("copy engine: framebuffer to framebuffer, to system memory and back", 5, releases=(R570, R535))
def _(s, ch):
    data = pattern(2 * PAGE)
    s.c.ram.write(s.sys, data)
    ch.submit(launch(SYS_DATA, FB_DATA + 0x10, 2 * PAGE), semaphore(RELEASE, SEM, 1))
    equal(s.read_fb(0x10, 2 * PAGE), data, "system memory to framebuffer")
    ch.submit(launch(FB_DATA + 0x10, FB_DATA + 4 * PAGE + 0x100, 2 * PAGE))
    equal(s.read_fb(4 * PAGE + 0x100, 2 * PAGE), data, "framebuffer to framebuffer")
    ch.submit(launch(FB_DATA + 4 * PAGE + 0x100, SYS_DATA + 4 * PAGE + 4, 2 * PAGE))
    equal(s.c.ram.read(s.sys + 4 * PAGE, 2 * PAGE + 8), bytes(4) + data + bytes(4), "framebuffer to system memory")
    stats = engine(s.c)
    equal((stats["bytes_copied"], stats["bytes_filled"], stats["launches"]), (6 * PAGE, 0, 3), "counters")


@with_space("copy engine: lines of a pitch, forwards and backwards", 5)
def _(s, ch):
    data = pattern(PAGE)
    s.c.ram.write(s.sys, data)
    ch.submit(launch(SYS_DATA, FB_DATA, 64, 10, (128, 256)))
    for i in range(10):
        equal(s.read_fb(256 * i, 256), data[128 * i:128 * i + 64] + bytes(192), f"line {i}")
    ch.submit(launch(SYS_DATA, SYS_DATA + PAGE + 0x700, 128, 15, (128, 2**32 - 128)))
    equal(s.c.ram.read(s.sys + PAGE, 15 * 128), b"".join(data[128 * i:128 * i + 128] for i in range(14, -1, -1)),
          "upside down")
    ch.submit(launch(SYS_DATA, FB_DATA, 8, 10, (128, 256), MOVE | PITCH))
    equal(s.read_fb(256, 8), data[128:136], "LINE_COUNT without MULTI_LINE is not looked at")


@with_space("copy engine: fills with constants, of any component size", 5)
def _(s, ch):
    how = MOVE | PITCH | REMAPPED
    ch.submit(remap(0xdeadbeef, 0, [4]), launch(0, FB_DATA, PAGE // 4, how=how))
    equal(s.read_fb(0, PAGE + 4), struct.pack("<I", 0xdeadbeef) * (PAGE // 4) + bytes(4), "words")
    ch.submit(remap(0x1122, 0x3344, [4, 5], size=2), launch(0, FB_DATA + 16, 8, how=how))
    equal(s.read_fb(16, 36), struct.pack("<HH", 0x1122, 0x3344) * 8 + struct.pack("<I", 0xdeadbeef), "halves")
    ch.submit(remap(0x5a, 0, [4], size=1), launch(0, SYS_DATA + 1, 3, how=how))
    equal(s.c.ram.read(s.sys, 5), b"\0ZZZ\0", "bytes")
    ch.submit(remap(0, 0, [4, 4, 4, 4]), launch(0, FB_DATA + 32, PAGE // 16 - 2, how=how))
    equal(s.read_fb(16, PAGE), struct.pack("<HH", 0x1122, 0x3344) * 4 + bytes(PAGE - 16), "zeros")
    equal(engine(s.c)["bytes_filled"], PAGE + 32 + 3 + PAGE - 32, "counted")
    equal(engine(s.c)["bytes_copied"], 0, "nothing copied")


@with_space("copy engine: components change places, or stay as they are", 5)
def _(s, ch):
    s.c.ram.write(s.sys, bytes(range(24)))
    s.c.ram.write(s.sys + PAGE, b"\xff" * 32)
    ch.submit(remap(0xab, 0, [2, 6, 4, 0], size=1, sources=3),
              launch(SYS_DATA, SYS_DATA + PAGE, 8, how=MOVE | PITCH | REMAPPED))
    equal(s.c.ram.read(s.sys + PAGE, 32), b"".join(bytes((3 * i + 2, 0xff, 0xab, 3 * i)) for i in range(8)), "elements")


@with_space("copy engine: physical addresses of framebuffer and system memory", 5)
def _(s, ch):
    data = pattern(PAGE, 9)
    s.c.ram.write(s.sys, data)
    both = MOVE | PITCH | SRC_PHYS | DST_PHYS
    ch.submit(inc(PHYS_MODE, 1, 0, sub=CE), launch(s.sys, 7 * GIB, PAGE, how=both))
    equal(s.fb.read(7 * GIB, PAGE), data, "framebuffer")
    ch.submit(inc(PHYS_MODE, 0, 2, sub=CE), launch(7 * GIB, s.sys + PAGE, PAGE, how=both))
    equal(s.c.ram.read(s.sys + PAGE, PAGE), data, "system memory")


@with_space("copy engine: zeroes gigabytes of framebuffer, in no time and no memory", 5)
def _(s, ch):
    for addr in (8 * GIB, 12 * GIB - 4, 12 * GIB):
        s.fb.write(addr, b"mark")
    ch.submit(remap(0, 0, [4]),
              launch(0, 8 * GIB, GIB // 4, 4, (0, GIB), MOVE | PITCH | MULTI_LINE | REMAPPED | DST_PHYS))
    equal([s.fb.read(addr, 4) for addr in (8 * GIB, 12 * GIB - 4, 12 * GIB)], [bytes(4), bytes(4), b"mark"], "marks")
    equal(engine(s.c)["bytes_filled"], 4 * GIB, "filled")


@with_space("copy engine: releases a semaphore behind a transfer, and without one", 5)
def _(s, ch):
    s.c.ram.write(s.sem, b"\xff" * 32)
    ch.submit(inc(SET_SEMAPHORE, *split(SEM), 0x77, sub=CE),
              launch(FB_DATA, SYS_DATA, 64, how=MOVE | PITCH | SEM_ONE_WORD))
    equal(s.c.ram.read(s.sem, 8), struct.pack("<II", 0x77, 0xffffffff), "one word")
    ch.submit(inc(SET_SEMAPHORE, *split(SEM + 16), 0x78, sub=CE), inc(LAUNCH, SEM_FOUR_WORDS, sub=CE))
    payload, time = struct.unpack("<QQ", s.c.ram.read(s.sem + 16, 16))
    equal(payload, 0x78, "four words")
    true(0 < time < 60 * 10**9, f"time {time}")


# ---- refused while it runs -------------------------------------------------------------------------------------------


def faults(check, xid, mutation, words, why="", release=R570, setup=None, **over):
    """
    A case of a channel that is stopped for @words, or what setup(channel) does:
    GSP-RM tells of it with @xid, and another channel goes on.
    """
    def run():
        with Machine() as m:
            c = Client(m, release, vgpu=False).boot()
            c.get_static()
            s = Space(c)
            other, ch = Channel(s, 6), Channel(s, 5, **over)
            c.poll()
            c.events = []
            if setup:
                setup(ch)
            if words:
                ch.post(*words, semaphore(RELEASE, SEM, 1))
            ch.wait("stopped")
            true(m.wait(lambda: c.poll() and RC_TRIGGERED in [f for f, _ in c.events], ms=50), "no RC_TRIGGERED")
            events = [(f, payload) for f, payload in c.events if f > 0x1000]
            told = [OS_ERROR_LOG]
            if check == "chan-mmu-fault":
                told = [MMU_FAULT_QUEUED] + [NOCAT_RECORD] * (5 if release == R570 else 0)
            equal([f for f, _ in events], told + [RC_TRIGGERED], "events")
            for f, data in events:
                name = {OS_ERROR_LOG: "rpc_os_error_log_v17_00", RC_TRIGGERED: "rpc_rc_triggered_v17_02"}.get(f)
                if name:
                    equal((c.abi.get(name, "exceptType", data), c.abi.get(name, "chid", data)), (xid, 5), name)
            rc, name = events[-1][1], "rpc_rc_triggered_v17_02"
            equal([c.abi.get(name, field, rc) for field in ("nv2080EngineType", "scope", "partitionAttributionId")],
                  [COPY2, 1, 233], "engine, scope, partition")
            equal(c.ram.read32(s.sem), 0, "what comes after is not done")
            ch.kick()
            other.submit(semaphore(RELEASE, SEM + 32, 2))
            equal((c.ram.read32(s.sem + 32), ch.state()["state"]), (2, "stopped"), "the other channel")
            equal(engine(c)["faults"], 1, "faults")
            only(m, check, why)
            ch.free()
            other.free()
            equal(in_use(c), 0, "in use")

    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


def mmu(mutation, words, why, **kwargs):
    faults("chan-mmu-fault", XID_MMU, mutation, words, why, **kwargs)


mmu("source is not mapped", [launch(UNMAPPED, SYS_DATA, 4)], "read of 0x%x, PTE" % UNMAPPED)
mmu("source is not mapped, 535.113.01", [launch(UNMAPPED, SYS_DATA, 4)], "PTE", release=R535)
mmu("destination is not mapped behind its first page", [launch(SYS_DATA, FB_DATA + (DATA_PAGES - 1) * PAGE, 2 * PAGE)],
    "write of")
mmu("no page directory entry", [launch(SYS_DATA, VA + GIB, 4)], "PDE")
mmu("past the last address", [launch(1 << 48 | 1 << 47, SYS_DATA, 4)], "PDE")
mmu("read-only destination", [launch(SYS_DATA, FB_DATA, 4)], "read-only",
    setup=lambda ch: ch.space.map(FB_DATA, pte(1 * GIB, read_only=True)))
mmu("semaphore is not mapped", [semaphore(RELEASE, UNMAPPED, 1)], "write of")
mmu("semaphore to wait for is not mapped", [semaphore(ACQUIRE, UNMAPPED, 1)], "read of")
mmu("framebuffer that is not there", [launch(FB_DATA, SYS_DATA, 4)], "region",
    setup=lambda ch: ch.space.map(FB_DATA, pte(L40_FB)))


faults("chan-dma", XID_CE2, "system memory that is not there", [launch(FB_DATA, SYS_DATA, 4)], "the bus refuses",
       setup=lambda ch: ch.space.map(FB_DATA, pte(1 << 45, COHERENT)))


def segment_at(va):
    def setup(ch):
        ch.entry(va & 0xffffffff, va >> 32 | 1 << 10)
        ch.kick()
    return setup


def ring_entry(low, high):
    def setup(ch):
        ch.entry(low, high)
        ch.kick()
    return setup


mmu("pushbuffer is not mapped", [], "read of", setup=segment_at(UNMAPPED))
mmu("ring is not mapped", [], "read of", setup=lambda ch: (ch.space.unmap(RING + PAGE), ch.kick(5)))
mmu("page directory is taken away", [], "no page directory", setup=lambda ch: (
    ch.c.control(0x801814, ch.c.abi.pack("NV0080_CTRL_DMA_UNSET_PAGE_DIRECTORY_PARAMS", {"hVASpace": VASPACE}),
                 CLIENT, DEVICE), ch.kick(5), ch.wait("stopped"), ch.space.set_directory(ch.space.root, 0)))

faults("chan-gpfifo", XID_PBDMA, "PUT past the ring", [], setup=lambda ch: ch.kick(16))
faults("chan-gpfifo", XID_PBDMA, "entry without length, opcode ILLEGAL", [], setup=ring_entry(0, 1))
faults("chan-gpfifo", XID_PBDMA, "conditional fetch", [], setup=ring_entry(PUSH & 0xffffffff | 1, PUSH >> 32 | 1 << 10))
faults("chan-header", XID_PBDMA, "reserved form of header", [[6 << 29]])
faults("chan-header", XID_PBDMA, "mask of subdevices", [[1 << 16]])
faults("chan-header", XID_PBDMA, "reserved form of header, 535.113.01", [[6 << 29]], release=R535)
faults("chan-method", XID_PBDMA, "host method that does not exist", [imm(0x3c, 0)])
faults("chan-method", XID_PBDMA, "ILLEGAL", [imm(0x04, 0)])
faults("chan-method", XID_PBDMA, "memory operation that does not exist", [inc(MEM_OP_A, 0, 0, 0, 1 << 27)])
faults("chan-method", XID_PBDMA, "subchannel without a class", [imm(LAUNCH, 0, sub=2)])
faults("chan-class", XID_CE2, "class of another engine", [inc(SET_OBJECT, 0xc597, sub=2)])
faults("chan-semaphore", XID_PBDMA, "address of a wide one not a multiple of 8",
       [semaphore(RELEASE | WIDE, SEM + 4, 1)])
faults("chan-semaphore", XID_PBDMA, "reduction", [semaphore(6, SEM, 1)])
faults("chan-semaphore", XID_PBDMA, "old operation that does not exist", [inc(SEMAPHORE_A, *split(SEM), 1, 3)])
faults("ce-method", XID_CE2, "method that does not exist", [inc(0x180, 0, sub=CE)])
faults("ce-launch", XID_CE2, "line length 0", [launch(FB_DATA, SYS_DATA, 0)], "nothing to transfer")
faults("ce-launch", XID_CE2, "line count 0", [launch(FB_DATA, SYS_DATA, 4, 0)], "nothing to transfer")
faults("ce-launch", XID_CE2, "block-linear source", [launch(FB_DATA, SYS_DATA, 4, how=MOVE | 1 << 8)], "block-linear")
faults("ce-launch", XID_CE2, "transfer type 3", [launch(FB_DATA, SYS_DATA, 4, how=3 | PITCH)], "transfer type")
faults("ce-launch", XID_CE2, "component of a source that has fewer",
       [remap(0, 0, [1]), launch(FB_DATA, SYS_DATA, 4, how=MOVE | PITCH | REMAPPED)], "components")
faults("ce-launch", XID_CE2, "physical addresses in a channel without privilege",
       [launch(0, SYS_DATA, 4, how=MOVE | PITCH | SRC_PHYS)], "physical", flags=5 << 8 | 1 << 21)
faults("ce-launch", XID_CE2, "memory of a peer", [
    inc(PHYS_MODE, 3, sub=CE), launch(0, SYS_DATA, 4, how=MOVE | PITCH | SRC_PHYS)], "peer")
faults("ce-physical", XID_CE2, "physical address past framebuffer",
       [launch(L40_FB - 2, SYS_DATA, 4, how=MOVE | PITCH | SRC_PHYS)])


@test("refuses chan-mmu-fault: WPR2, by virtual and by physical address")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        s = Space(c)
        secret = c.meta["gspFwWprStart"]
        one, two = Channel(s, 5), Channel(s, 6)
        s.map(FB_DATA, pte(secret))
        one.post(launch(FB_DATA, SYS_DATA, 64))
        two.post(launch(SYS_DATA, secret, 64, how=MOVE | PITCH | DST_PHYS))
        for ch in (one, two):
            ch.wait("stopped")
        equal(m.refusals(), {"wpr2-access": 2, "chan-mmu-fault": 1, "ce-physical": 1}, "refusals")


# ---- refused by RM ---------------------------------------------------------------------------------------------------


def refuses_setup(check, status, mutation, function, **over):
    """A case of a set-up that GSP-RM refuses: function(channel not yet there)."""
    def run(c):
        function(Channel(Space(c), 5, setup=False, **over))

    refuses_rpc(check, mutation, run, status)


def refuses_alloc(check, status, mutation, **over):
    refuses_setup(check, status, mutation, lambda ch: ch.alloc(), **over)


refuses_alloc("chan-engine", "NV_ERR_INVALID_ARGUMENT", "an engine that is not reported", engineType=1)
refuses_alloc("chan-vaspace", "NV_ERR_INVALID_OBJECT_HANDLE", "VA space that is none", hVASpace=DEVICE)
refuses_alloc("chan-ring", "NV_ERR_INVALID_ARGUMENT", "entries not a power of two", gpFifoEntries=12)
refuses_alloc("chan-ring", "NV_ERR_INVALID_ARGUMENT", "ring not a multiple of 8", gpFifoOffset=RING + 4)
refuses_alloc("chan-flags", "NV_ERR_INVALID_ARGUMENT", "channel type that is obsolete", flags=1)
refuses_alloc("chan-memory", "NV_ERR_INVALID_ADDRESS", "instance block unaligned",
              **{"instanceMem.base": INSTANCE + 512})
refuses_alloc("chan-memory", "NV_ERR_INVALID_ADDRESS", "instance block too small", **{"instanceMem.size": 512})
refuses_alloc("chan-memory", "NV_ERR_INVALID_ADDRESS", "RAMFC nowhere", **{"ramfcMem.addressSpace": 0})
refuses_alloc("chan-memory", "NV_ERR_INVALID_ADDRESS", "USERD in GSP-RM's own memory",
              **{"userdMem.base": L40_FB - 4096})
refuses_alloc("chan-memory", "NV_ERR_INVALID_ADDRESS", "USERD unaligned", **{"userdMem.base": USERD + 64})
refuses_alloc("chan-memory", "NV_ERR_INVALID_ADDRESS", "no method buffer", **{"mthdbufMem.base": 0})
refuses_alloc("chan-id", "NV_ERR_STATE_IN_USE", "past the last", flags=256 << 12 | 1 << 21)
refuses_setup("rm-parent", "NV_ERR_INVALID_OBJECT_PARENT", "channel under its VA space", lambda ch: ch.alloc(VASPACE))
refuses_setup("rm-parent", "NV_ERR_INVALID_OBJECT_PARENT", "copy engine without a channel", lambda ch: ch.copy_engine())
refuses_setup("chan-engine", "NV_ERR_INVALID_ARGUMENT", "copy engine that the channel is not for",
              lambda ch: (ch.alloc(), ch.copy_engine(12)))
refuses_setup("chan-engine", "NV_ERR_INVALID_ARGUMENT", "BIND to another engine", lambda ch: (ch.alloc(), ch.bind(9)))
refuses_setup("chan-schedule", "NV_ERR_INVALID_STATE", "SCHEDULE before BIND", lambda ch: (ch.alloc(), ch.schedule()))
refuses_setup("rm-control", "NV_ERR_INVALID_OBJECT", "BIND of a VA space", lambda ch: ch.c.control(
    BIND, struct.pack("<I", COPY2), CLIENT, VASPACE))


def same_id(ch):
    ch.alloc()
    ch.handle += 0x100
    ch.alloc()


def id_of_vgpu(ch):
    bootload(ch.c, Vgpu(ch.c, 1, chid=0, channels=32))
    ch.alloc()


def vgpu_on_id(ch):
    ch.alloc()
    bootload(ch.c, Vgpu(ch.c, 1, chid=0, channels=32))


refuses_setup("chan-id", "NV_ERR_STATE_IN_USE", "taken by another channel", same_id)
refuses_setup("chan-id", "NV_ERR_STATE_IN_USE", "taken by a vGPU", id_of_vgpu)
refuses_setup("chid-overlap", "NV_ERR_INVALID_LIMIT", "vGPU on ids of a channel", vgpu_on_id)


def doorbells():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        m.enable_vfs(1)
        ch = Channel(Space(c), 5)
        m.wr(DOORBELL, RUNLIST << 16 | 6)
        m.wr(DOORBELL, 3 << 16 | 5)
        m.writel(m.VF_BAR0 + 0x30090, RUNLIST << 16 | 5)
        ch.free()
        m.wr(DOORBELL, RUNLIST << 16 | 5)
        equal(m.refusals(), {"chan-doorbell": 4}, "refusals")
        true("GFID 1 has no channel 5 on runlist 1" in m.log(), "the VF is named")


CASES.append(Case("refuses chan-doorbell: unknown channel, other runlist, freed, of a VF", doorbells, "chan-doorbell",
                  "unknown channel, other runlist, freed, of a VF"))


@test("channels: a reset of the GPU takes them along")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        ch = Channel(Space(c), 5)
        ch.post(semaphore(ACQUIRE, SEM, 1))
        ch.wait("waiting")
        m.vm.qmp("system_reset")
        true(m.wait(lambda: json.loads(m.property("channels")) == [], ms=50), "no channels")
        equal(in_use(c), 0, "in use")


@test("fault: the second transfer hangs until that is over; one stops its channel, and no other")
def _():
    with new_space() as s:
        one, two = Channel(s, 5), Channel(s, 6)
        fill = (remap(0, 0, (4,)), launch(0, FB_DATA, 16, how=MOVE | PITCH | REMAPPED))
        s.c.m.set_property("fault-engine", "hang:2")
        one.submit(*fill)
        equal(s.c.m.property("fault-engine"), "hang:1", "counted down")
        one.post(*fill, semaphore(RELEASE, SEM, 1))
        one.wait("waiting")
        s.c.m.step(20_000_000)
        equal((one.state()["state"], s.c.ram.read32(s.sem)), ("waiting", 0), "hangs")
        s.c.m.set_property("fault-engine", "none")
        one.wait("idle")
        equal(s.c.ram.read32(s.sem), 1, "goes on")
        none(s.c.m)
        s.c.m.set_property("fault-engine", "error")
        one.post(*fill)
        one.wait("stopped")
        two.submit(*fill, semaphore(RELEASE, SEM, 2))
        equal((s.c.ram.read32(s.sem), s.c.m.property("fault-engine")), (2, "none"), "the other, and only once")
        equal(s.c.m.refusals(), {"ce-launch": 1}, "refusals")
