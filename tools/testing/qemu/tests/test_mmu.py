# SPDX-License-Identifier: GPL-2.0-or-later
"""Framebuffer by PRAMIN, by the PF's BAR1 and BAR3 through GMMU tables, by a VF's BAR1 through its segments."""

import contextlib
import struct

from gspclient import Client, GIB, KIB, L40_FB, Machine, MIB, PAGE
from harness import equal, none, test, true
from test_vgpu import bootload, Vgpu

VID, COHERENT = 1, 2        # apertures of a PDE; a PTE has 0 for video memory
TABLES = 256 * MIB          # where the tests put page tables


class Fb:
    """Framebuffer through the PRAMIN window."""

    def __init__(self, m):
        self.m = m

    def at(self, addr):
        self.m.wr(0x1700, addr >> 16)
        return self.m.BAR0 + 0x700000 + (addr & 0xffff)

    def read(self, addr, size):
        return self.m.read(self.at(addr), size)

    def write(self, addr, data):
        where = self.at(addr)
        for i in range(0, len(data), 4):
            self.m.writel(where + i, struct.unpack_from("<I", data, i)[0])

    def write64(self, addr, *values):
        self.write(addr, struct.pack(f"<{len(values)}Q", *values))


def pde(addr, aperture=VID):
    return addr >> 4 | aperture << 1


def pte(addr, aperture=0, read_only=False):
    return addr >> 4 | aperture << 1 | read_only << 6 | 1


class Tables:
    """A PD2, PD1 and PD0 for one 2 MiB of addresses at @va, and a small and a big table below."""

    def __init__(self, fb, base, va):
        self.fb, self.va, self.base = fb, va, base
        self.pd2, self.pd1, self.pd0, self.small, self.big = (base + i * PAGE for i in range(5))
        fb.write64(self.pd2 + 8 * (va >> 38 & 511), pde(self.pd1))
        fb.write64(self.pd1 + 8 * (va >> 29 & 511), pde(self.pd0))
        fb.write64(self.pd0 + 16 * (va >> 21 & 255), pde(self.big), pde(self.small))

    def huge(self, entry):
        self.fb.write64(self.pd0 + 16 * (self.va >> 21 & 255), entry, 0)

    def map4k(self, index, entry):
        self.fb.write64(self.small + 8 * index, entry)

    def map64k(self, index, entry):
        self.fb.write64(self.big + 8 * index, entry)


@contextlib.contextmanager
def bar1():
    """Tables behind the PF's BAR1: client, framebuffer, tables, where the CPU sees the first of their addresses."""
    with Machine() as m:
        c = Client(m).boot()
        static, fb = c.get_static(), Fb(m)
        va = 3 * GIB + 10 * MIB
        tables = Tables(fb, TABLES, va)
        fb.write64(static["bar1PdeBase"] + 8 * (va >> 47), pde(tables.pd2))
        yield c, fb, tables, m.BAR1 + va


def with_bar1(function):
    """Runs @function(what bar1() gives); nothing may be refused."""
    def run():
        with bar1() as (c, *rest):
            function(c, *rest)
            none(c.m)
    return run


def word(m, addr):
    return m.readl(addr)


@test("PRAMIN: 1 MiB window anywhere in framebuffer, all widths")
def _():
    with Machine() as m:
        fb = Fb(m)
        for addr in (0, 64 * KIB, 5 * GIB + 0x1234 * 64 * KIB, L40_FB - 64 * KIB):
            fb.write(addr, struct.pack("<Q", addr | 0x1122334400000000))
        for addr in (0, 64 * KIB, 5 * GIB + 0x1234 * 64 * KIB, L40_FB - 64 * KIB):
            equal(fb.read(addr, 8), struct.pack("<Q", addr | 0x1122334400000000), f"at 0x{addr:x}")
        m.cmd(f"writeb 0x{fb.at(0) + 1:x} 0xab")
        m.cmd(f"writew 0x{fb.at(0) + 2:x} 0xcdef")
        equal(fb.read(0, 4), b"\x00\xab\xef\xcd", "bytes and words")
        fb.at(L40_FB - 64 * KIB)
        equal(m.readl(m.BAR0 + 0x700000 + 64 * KIB), 0xffffffff, "past the end of framebuffer")


@test("GMMU: 4 KiB pages in framebuffer")
@with_bar1
def _(c, fb, tables, bar):
    for i, addr in ((0, 1 * GIB), (1, 2 * GIB + PAGE), (511, 5 * MIB)):
        tables.map4k(i, pte(addr))
        fb.write(addr + 0x10, struct.pack("<I", 0xfeed0000 + i))
        equal(word(c.m, bar + i * PAGE + 0x10), 0xfeed0000 + i, f"page {i}")
        c.m.writel(bar + i * PAGE + 0x20, 0xbeef0000 + i)
        equal(fb.read(addr + 0x20, 4), struct.pack("<I", 0xbeef0000 + i), f"page {i} written")


@test("GMMU: 4 KiB pages in system memory")
@with_bar1
def _(c, fb, tables, bar):
    page = c.ram.put(b"\x11\x22\x33\x44" * 1024)
    tables.map4k(7, pte(page, COHERENT))
    equal(word(c.m, bar + 7 * PAGE + 0x100), 0x44332211, "read")
    c.m.writel(bar + 7 * PAGE + 0x104, 0xcafe)
    equal(c.ram.read32(page + 0x104), 0xcafe, "written")


@test("GMMU: 64 KiB pages, and small ones where a big one is not valid")
@with_bar1
def _(c, fb, tables, bar):
    tables.map64k(2, pte(3 * GIB))
    tables.map4k(2 * 16 + 1, pte(4 * GIB))
    tables.map4k(3 * 16 + 1, pte(4 * GIB))
    fb.write(3 * GIB + PAGE + 4, b"big!")
    fb.write(4 * GIB + 4, b"tiny")
    equal(struct.pack("<I", word(c.m, bar + 2 * 64 * KIB + PAGE + 4)), b"big!", "big page")
    equal(struct.pack("<I", word(c.m, bar + 3 * 64 * KIB + PAGE + 4)), b"tiny", "small page")


@test("GMMU: 2 MiB pages")
@with_bar1
def _(c, fb, tables, bar):
    tables.huge(pte(6 * GIB))
    fb.write(6 * GIB + 2 * MIB - 4, b"last")
    equal(struct.pack("<I", word(c.m, bar + 2 * MIB - 4)), b"last", "its end")


@test("GMMU: a page starts where pages of its size do")
@with_bar1
def _(c, fb, tables, bar):
    for addr, text in ((3 * GIB, b"big!"), (6 * GIB, b"huge")):
        fb.write(addr + PAGE + 4, text)
        fb.write(addr + 6 * PAGE + 4, b"past")
    tables.map64k(2, pte(3 * GIB + 5 * PAGE))
    equal(c.m.read(bar + 2 * 64 * KIB + PAGE + 4, 4), b"big!", "of 64 KiB")
    tables.huge(pte(6 * GIB + 5 * PAGE))
    equal(c.m.read(bar + PAGE + 4, 4), b"huge", "of 2 MiB")


@test("GMMU: writes of read-only pages and accesses without a mapping go nowhere")
@with_bar1
def _(c, fb, tables, bar):
    tables.map4k(0, pte(1 * GIB, read_only=True))
    fb.write(1 * GIB, b"keep")
    c.m.writel(bar, 0)
    equal(fb.read(1 * GIB, 4), b"keep", "read-only page")
    equal(word(c.m, bar + PAGE), 0xffffffff, "read without a mapping")
    c.m.writel(bar + PAGE, 1)
    equal(word(c.m, c.m.BAR1 + 40 * GIB), 0xffffffff, "read without a table")


@test("BAR3: reads 0 before UPDATE_BAR_PDE, then goes through the entry it gave")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        fb = Fb(m)
        tables = Tables(fb, TABLES, 0)
        tables.map4k(3, pte(1 * GIB))
        fb.write(1 * GIB, b"bar3")
        c.rpc(70, c.abi.pack("rpc_update_bar_pde_v15_00", {
            "info.barType": 1, "info.entryValue": pde(tables.pd2), "info.entryLevelShift": 47}))
        equal(struct.pack("<I", m.readl(m.BAR3 + 3 * PAGE)), b"bar3", "BAR3")
        none(m)


@test("WPR2: the CPU reads all-ones, and its writes are dropped")
def _():
    with Machine() as m:
        c = Client(m).boot()
        fb = Fb(m)
        for field in ("gspFwWprStart", "gspFwHeapOffset", "frtsOffset"):
            equal(fb.read(c.meta[field], 4), b"\xff" * 4, field)
        equal(list(m.refusals()), ["wpr2-access"], "refusals")
        equal(fb.read(c.meta["nonWprHeapOffset"], 4) != b"\xff" * 4, True, "below WPR2")


@test("VMMU: a VF's BAR1 in physical mode is its segments, one after the other")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        m.enable_vfs(2)
        one = Vgpu(c, 1, segments=[(1 * GIB, 128 * MIB), (3 * GIB, 256 * MIB)])
        two = Vgpu(c, 2, segments=[(8 * GIB, 384 * MIB)])
        bootload(c, one)
        bootload(c, two)
        fb = Fb(m)
        for vf, gpa, spa in ((0, 0, 1 * GIB), (0, 128 * MIB - 4, 1 * GIB + 128 * MIB - 4), (0, 128 * MIB, 3 * GIB),
                             (0, 384 * MIB - 4, 3 * GIB + 256 * MIB - 4), (1, 0, 8 * GIB),
                             (1, 200 * MIB, 8 * GIB + 200 * MIB)):
            bar = m.VF_BAR1 + vf * 2 * GIB + gpa
            m.writel(bar, 0x600d0000 | vf << 8)
            equal(fb.read(spa, 4), struct.pack("<I", 0x600d0000 | vf << 8), f"VF {vf} at 0x{gpa:x}")
            equal(m.readl(bar), 0x600d0000 | vf << 8, f"VF {vf} at 0x{gpa:x} read back")
        for vf in (0, 1):
            bar = m.VF_BAR1 + vf * 2 * GIB + 384 * MIB
            m.writel(bar, 0)
            equal(m.readl(bar), 0xffffffff, f"VF {vf} past its end")
        equal(fb.read(3 * GIB + 256 * MIB, 4), bytes(4), "behind the segment")
        none(m)


@test("VMMU: before BOOTLOAD and after CLEANUP a VF has no framebuffer")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        m.enable_vfs(1)
        equal(m.readl(m.VF_BAR1), 0xffffffff, "before")
        v = Vgpu(c, 1)
        bootload(c, v)
        m.writel(m.VF_BAR1, 0x1234)
        equal(m.readl(m.VF_BAR1), 0x1234, "between")
        v.cleanup()
        equal(m.readl(m.VF_BAR1), 0xffffffff, "after")
        equal(Fb(m).read(v.segments[0][0], 4), struct.pack("<I", 0x1234), "the framebuffer keeps it")
        true(m.property("accounting") is not None, "accounting")
        none(m)


@test("BAR1 and BAR3: framebuffer itself until GSP-RM starts, then what its page directory says, then as the CPU wants")
def _():
    with Machine() as m:
        fb = Fb(m)
        for bar, block in ((m.BAR1, 0x1704), (m.BAR3, 0x1714)):
            equal(m.rd(block) >> 31, 0, "block register")
            m.writel(bar + 20 * MIB, 0xfeed0001)
            equal(fb.read(20 * MIB, 4), struct.pack("<I", 0xfeed0001), "written")
            fb.write(21 * MIB, b"seen")
            equal(m.read(bar + 21 * MIB, 4), b"seen", "read")
        c = Client(m).boot()
        equal(m.readl(m.BAR1 + 20 * MIB), 0xffffffff, "GSP-RM has it")
        before = m.rd(0x1704)
        equal((before >> 31, before), (1, m.rd(0xb80f40)), "block register, both copies")
        m.wr(0x1704, 0)
        equal(m.read(m.BAR1 + 21 * MIB, 4), b"seen", "physical again")
        equal(m.rd(0xb80f40), 0, "the other copy")
        m.wr(0x1704, before)
        equal(m.readl(m.BAR1 + 20 * MIB), 0xffffffff, "as GSP-RM had it")
        none(m)
        c.unload()


def in_bar1(c):
    """What booter and GSP-RM read, but for the image and the queues, in framebuffer; told by BAR1's bus address."""
    m, place = c.m, [64 * MIB]

    def move(at, size):
        there = m.BAR1 + place[0]
        place[0] += (size + PAGE - 1) // PAGE * PAGE
        data = c.ram.read(at, size)
        for i in range(0, size, 4):
            if data[i:i + 4] != bytes(4):
                m.writel(there + i, struct.unpack_from("<I", data, i)[0])
        return there

    for region in c.libos:
        region[1], region[2] = move(region[1], PAGE), PAGE
    c.meta["sysmemAddrOfSignature"] = move(c.signature, len(c.fw.signature))
    c.meta["sysmemAddrOfBootloader"] = move(c.bootloader, len(c.fw.bootloader))
    return move


@test("own BAR1: booter and GSP-RM take framebuffer by its bus address for system memory")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        c.store()
        move = in_bar1(c)
        page = b"".join(struct.pack("<3Q2B6x", int.from_bytes(name.encode(), "big"), at, size, kind, loc)
                        for name, at, size, kind, loc in c.libos)
        c.libos_at = move(c.ram.put(page.ljust(PAGE, b"\0")), PAGE)
        c.meta_at = move(c.ram.put(c.abi.pack("GspFwWprMeta", c.meta)), PAGE)
        c.first_commands()
        c.boot_falcons()
        c.wait_init_done()
        c.get_static()
        equal([Fb(m).read(region[1] - m.BAR1, 8) for region in c.libos[:3]],
              [struct.pack("<Q", put) for put in (0x182, 2, 0x132)], "put pointers of the logs")
        none(m)


@test("GSP-RM: writes its logs, as far as it is known: their put pointers, when it is up")
def _():
    with Machine() as m:
        c = Client(m)
        c.start()
        equal([c.ram.read(region[1], 8) for region in c.libos[:3]], [bytes(8)] * 3, "before")
        c.wait_init_done()
        equal([struct.unpack("<Q", c.ram.read(region[1], 8))[0] for region in c.libos[:3]], [0x182, 2, 0x132], "after")
        none(m)


def regions(c):
    """[(base, size, reserved, performance, compressed)] of static information."""
    name, found = "GspStaticConfigInfo", []
    count = c.abi.get(name, "fbRegionInfoParams.numFBRegions", c.static_raw)
    start, _ = c.abi.members[name, "fbRegionInfoParams.fbRegion"]
    for i in range(count):
        base, limit, reserved, performance, compressed, _iso = struct.unpack_from("<3QI2B", c.static_raw, start + 48 * i)
        found.append((base, limit + 1 - base, reserved, performance, compressed))
    return found


@test("framebuffer: regions as GSP-RM of an RTX 4070 SUPER told them, and properties with others")
def _():
    with Machine() as m:
        for kind in "seen", "plain", "split":
            m.set_property("fb-regions", kind)
            c = Client(m).boot()
            static, found = c.get_static(), regions(c)
            heap = c.meta["nonWprHeapOffset"]
            equal(sum(size for _, size, *_ in found), L40_FB, "all of them")
            equal([base for base, *_ in found], [0] + [found[i][0] + found[i][1] for i in range(len(found) - 1)], "gaps")
            usable = [(base, size) for base, size, reserved, *_ in found if not reserved]
            if kind == "seen":
                equal([size for _, size, *_ in found],
                      [49 * MIB, heap - 0x4fb0000 - 49 * MIB, 0x4f40000, 0x70000, L40_FB - heap], "sizes")
                equal([(bool(r), p, z) for _, _, r, p, z in found],
                      [(True, 0, 0), (False, 6, 1), (True, 6, 1), (True, 0, 0), (True, 0, 0)], "kinds")
                equal((static["bar1PdeBase"] - found[2][0], static["bar2PdeBase"] - found[3][0]), (0x3959000, 0x3000),
                      "page directories")
            equal(len(usable), 2 if kind == "split" else 1, "usable regions")
            c.unload()
            c.ram.next = c.ram.WORK
        none(m)
