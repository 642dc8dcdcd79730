# SPDX-License-Identifier: GPL-2.0-or-later
"""What the GMMU keeps of its walks, what makes it forget, and what it says of a driver that did not."""

import contextlib
import struct

from gspclient import Client, GIB, KIB, Machine, MIB, PAGE
from harness import CASES, Case, equal, none, only, test, TOLD
from test_chan import Channel, CLIENT, DEVICE, FB_DATA, inc, launch, MEM_OP_A, new_space, SET_PAGE_DIRECTORY, \
    SYS_DATA, with_space
from test_mmu import bar1, Fb, pde, pte, TABLES, Tables, with_bar1
from test_vgpu import bootload, Vgpu

INVALIDATE_PDB, UPPER_PDB, INVALIDATE = 0x30a0, 0x30a4, 0x30b0
ALL_VA, ALL_PDB, HUB_ONLY, TRIGGER = 1, 2, 4, 1 << 31
PF_REGS, SYSMEM = 0xb80000, 2
OLD, NEW = 1 * GIB, 2 * GIB


def invalidate(m, how, root=0):
    """By the PF's registers, of the page directory at @root."""
    m.wr(PF_REGS + INVALIDATE_PDB, root >> 8 & 0xfffffff0 | root & SYSMEM)
    m.wr(PF_REGS + UPPER_PDB, root >> 40)
    m.wr(PF_REGS + INVALIDATE, how)
    equal(m.rd(PF_REGS + INVALIDATE) >> 31, 0, "TRIGGER, read back")


def changed(c, fb, tables, bar):
    """A page that was used, and then its entry was changed."""
    fb.write(OLD, b"old!")
    fb.write(NEW, b"new!")
    tables.map4k(0, pte(OLD))
    equal(c.m.read(bar, 4), b"old!", "before")
    tables.map4k(0, pte(NEW))


# ---- by the PF's registers -------------------------------------------------------------------------------------------


def forgets(what, how, root=None):
    @test(f"TLB: forgets with an invalidation of {what}")
    @with_bar1
    def _(c, fb, tables, bar):
        changed(c, fb, tables, bar)
        invalidate(c.m, how, c.static["bar1PdeBase"] if root is None else root)
        c.m.writel(bar + 4, 1)
        equal(c.m.read(bar, 4), b"new!", "after")
        equal((fb.read(OLD + 4, 4), fb.read(NEW + 4, 4)), (bytes(4), b"\1\0\0\0"), "what was written")


forgets("a page directory", TRIGGER | ALL_VA)
forgets("a page directory, in the hub", TRIGGER | ALL_VA | HUB_ONLY)
forgets("all page directories", TRIGGER | ALL_VA | ALL_PDB, 0)


def keeps(mutation, how, root=None, check="tlb-stale"):
    """An invalidation that is wrong or missing: what was there is used, and the log tells."""
    def run():
        with bar1() as (c, fb, tables, bar):
            changed(c, fb, tables, bar)
            if how is not None:
                invalidate(c.m, how, c.static["bar1PdeBase"] if root is None else root)
            equal(c.m.read(bar, 4), b"old!", "after")
            c.m.writel(bar + 4, 1)
            equal((fb.read(OLD + 4, 4), fb.read(NEW + 4, 4)), (b"\1\0\0\0", bytes(4)), "what was written")
            equal(c.m.refusals(), {"tlb-stale": 1, check: 1}, "refusals, once for the page")
            invalidate(c.m, TRIGGER | ALL_VA | ALL_PDB)
            equal(c.m.read(bar, 4), b"new!", "after a right one")
    CASES.append(Case(f"tells {check}: {mutation}", run, check, mutation, TOLD))


keeps("entry changed, no invalidation", None)
keeps("invalidation of another page directory", TRIGGER | ALL_VA, TABLES)
keeps("invalidation of that address in system memory", TRIGGER | ALL_VA, TABLES | SYSMEM)
keeps("invalidation without TRIGGER", ALL_VA | ALL_PDB)
keeps("invalidation of one address", TRIGGER | ALL_PDB, check="tlb-invalidate")


@test("TLB: a page that was taken away stays until it is invalidated, one that was not there can be used at once")
def _():
    with bar1() as (c, fb, tables, bar):
        equal(c.m.readl(bar + PAGE), 0xffffffff, "not there yet")
        tables.map4k(1, pte(NEW))
        fb.write(NEW, b"new!")
        equal(c.m.read(bar + PAGE, 4), b"new!", "there")
        tables.map4k(1, 0)
        equal(c.m.read(bar + PAGE, 4), b"new!", "taken away")
        only(c.m, "tlb-stale", "framebuffer 0x80000000")
        invalidate(c.m, TRIGGER | ALL_VA, c.static["bar1PdeBase"])
        equal(c.m.readl(bar + PAGE), 0xffffffff, "invalidated")


@test("TLB: the same page by another table is not stale")
@with_bar1
def _(c, fb, tables, bar):
    tables.huge(pte(6 * GIB))
    fb.write(6 * GIB + 2 * PAGE, b"huge")
    equal(c.m.read(bar + 2 * PAGE, 4), b"huge", "2 MiB")
    tables.map4k(2, pte(6 * GIB + 2 * PAGE))
    fb.write64(tables.pd0 + 16 * (tables.va >> 21 & 255), pde(tables.big), pde(tables.small))
    equal(c.m.read(bar + 2 * PAGE, 4), b"huge", "4 KiB")


def big_page(name, size, put):
    """Of a page that was used at its beginning, the end is kept, too."""
    def run():
        with bar1() as (c, fb, tables, bar):
            put(tables, pte(6 * GIB))
            equal(c.m.readl(bar), 0, "its beginning")
            put(tables, pte(7 * GIB))
            c.m.writel(bar + size - 4, 1)
            equal((fb.read(6 * GIB + size - 4, 4), fb.read(7 * GIB + size - 4, 4)), (b"\1\0\0\0", bytes(4)), "its end")
            equal(c.m.refusals(), {"tlb-stale": 1}, "refusals")
            invalidate(c.m, TRIGGER | ALL_VA, c.static["bar1PdeBase"])
            c.m.writel(bar + size - 4, 2)
            equal(fb.read(7 * GIB + size - 4, 4), b"\2\0\0\0", "its end, invalidated")
    CASES.append(Case(f"tells tlb-stale: page of {name} changed", run, "tlb-stale", f"page of {name} changed",
                      TOLD))


big_page("64 KiB", 64 * KIB, lambda tables, entry: tables.map64k(0, entry))
big_page("2 MiB", 2 * MIB, lambda tables, entry: tables.huge(entry))


# ---- by GSP-RM -------------------------------------------------------------------------------------------------------


@test("TLB: forgets with UPDATE_BAR_PDE")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        fb = Fb(m)
        for at, addr in ((TABLES, OLD), (TABLES + MIB, NEW)):
            tables = Tables(fb, at, 0)
            tables.map4k(3, pte(addr))
            fb.write64(addr, addr)
            c.rpc(70, c.abi.pack("rpc_update_bar_pde_v15_00", {
                "info.barType": 1, "info.entryValue": pde(tables.pd2), "info.entryLevelShift": 47}))
            equal(m.read(m.BAR3 + 3 * PAGE, 8), struct.pack("<Q", addr), "BAR3")
        none(m)


@with_space("TLB: forgets with SET_PAGE_DIRECTORY", 5)
def _(s, ch):
    fb, c = s.fb, s.c
    fb.write(s.vram, b"old!")
    fb.write(NEW, b"new!")
    ch.submit(launch(FB_DATA, SYS_DATA, 4))
    s.map(FB_DATA, pte(NEW))
    s.set_directory(s.root, 0)
    ch.submit(launch(FB_DATA, SYS_DATA + 4, 4))
    equal(c.ram.read(s.sys, 8), b"old!new!", "copied")


def another_space():
    with new_space() as s:
        c = s.c
        other = 0x90f10001
        c.alloc(CLIENT, DEVICE, other, 0x90f1, bytes(c.abi.sizes["NV_VASPACE_ALLOCATION_PARAMETERS"]))
        set_root = c.abi.pack("NV0080_CTRL_DMA_SET_PAGE_DIRECTORY_PARAMS",
                              {"physAddress": s.root + PAGE, "hVASpace": other})
        ch = Channel(s, 5)
        ch.submit(launch(FB_DATA, SYS_DATA, 4))
        s.map(FB_DATA, pte(NEW))
        c.control(SET_PAGE_DIRECTORY, set_root, CLIENT, DEVICE)
        ch.submit(launch(FB_DATA, SYS_DATA, 4))
        equal(c.m.refusals(), {"tlb-stale": 1}, "refusals")


CASES.append(Case("tells tlb-stale: SET_PAGE_DIRECTORY of another VA space", another_space, "tlb-stale",
                  "SET_PAGE_DIRECTORY of another VA space", TOLD))


# ---- by a channel ----------------------------------------------------------------------------------------------------


def mem_op(root, va=None, log2_pages=0, every=False, sysmem=False):
    """MMU_TLB_INVALIDATE, or _TARGETED at @va."""
    operation, at = (9, 0) if va is None else (10, va)
    return inc(MEM_OP_A, log2_pages | at & 0xfffff000, at >> 32,
               every | (2 << 10 if sysmem else 0) | root & 0xfffff000, operation << 27 | root >> 32)


def by_channel(what, make, stale=False, **space):
    """The page below what a channel copies is changed, and then the channel executes what make(space) gives."""
    def run():
        with new_space(**space) as s:
            ch = Channel(s, 5)
            s.fb.write(s.vram, b"old!")
            s.fb.write(NEW, b"new!")
            ch.submit(launch(FB_DATA, SYS_DATA, 4))
            s.map(FB_DATA, pte(NEW))
            ch.submit(make(s), launch(FB_DATA, SYS_DATA + 4, 4))
            equal(s.c.ram.read(s.sys, 8), b"old!old!" if stale else b"old!new!", "copied")
            equal(s.c.m.refusals(), {"tlb-stale": 1} if stale else {}, "refusals")
    if stale:
        CASES.append(Case(f"tells tlb-stale: channel's invalidation of {what}", run, "tlb-stale",
                          f"channel's invalidation of {what}", TOLD))
    else:
        CASES.append(Case(f"TLB: forgets with a channel's invalidation of {what}", run))


by_channel("its page directory", lambda s: mem_op(s.root))
by_channel("its page directory in system memory", lambda s: mem_op(s.root, sysmem=True), root_in_sysmem=True)
by_channel("all page directories", lambda s: mem_op(0, every=True))
by_channel("the page", lambda s: mem_op(s.root, FB_DATA))
by_channel("eight pages around it", lambda s: mem_op(s.root, FB_DATA + 5 * PAGE, 3))
by_channel("another page directory", lambda s: mem_op(s.root + PAGE), stale=True)
by_channel("its page directory in the wrong memory", lambda s: mem_op(s.root, sysmem=True), stale=True)
by_channel("the next page", lambda s: mem_op(s.root, FB_DATA + PAGE), stale=True)
by_channel("the eight pages behind it", lambda s: mem_op(s.root, FB_DATA + 8 * PAGE, 3), stale=True)


# ---- of a VF ---------------------------------------------------------------------------------------------------------

ROOT, GUEST_TABLES, GUEST_INSTANCE, GUEST_OLD, GUEST_NEW = 32 * MIB, 33 * MIB, 34 * MIB, 40 * MIB, 41 * MIB
BAR1_BLOCK, VIRTUAL = 0xf40, 1 << 31


class GuestFb:
    """A VF's framebuffer through its BAR1, which is in physical mode."""

    def __init__(self, m, vf):
        self.m, self.bar = m, m.VF_BAR1 + vf * 2 * GIB

    def write64(self, addr, *values):
        for i, value in enumerate(values):
            self.m.writel(self.bar + addr + 8 * i, value & 0xffffffff)
            self.m.writel(self.bar + addr + 8 * i + 4, value >> 32)


def vf_reg(m, vf, reg, value):
    m.writel(m.VF_BAR0 + vf * 256 * KIB + reg, value)


@contextlib.contextmanager
def guests():
    """Two VFs with the same tables in their framebuffers, of which they have used a page; its entry was changed."""
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        m.enable_vfs(2)
        pf = Fb(m)
        for vf in (0, 1):
            bootload(c, Vgpu(c, vf + 1))
            fb = GuestFb(m, vf)
            tables = Tables(fb, GUEST_TABLES, 0)
            fb.write64(ROOT, pde(tables.pd2))
            fb.write64(GUEST_INSTANCE + 0x200, ROOT)
            fb.write64(GUEST_OLD, 0x01d0 + vf)
            fb.write64(GUEST_NEW, 0x2e30 + vf)
            tables.map4k(0, pte(GUEST_OLD))
            vf_reg(m, vf, BAR1_BLOCK, VIRTUAL | GUEST_INSTANCE >> 12)
            equal(m.readl(fb.bar), 0x01d0 + vf, f"VF {vf}, before")
            pf.write64((vf + 1) * GIB + tables.small, pte(GUEST_NEW))
        yield c, m.VF_BAR1, m.VF_BAR1 + 2 * GIB


@test("TLB: a VF's invalidation is of its own")
def _():
    with guests() as (c, first, second):
        vf_reg(c.m, 0, INVALIDATE, TRIGGER | ALL_VA | ALL_PDB)
        equal(c.m.readl(first), 0x2e30, "VF 0")
        none(c.m)
        equal(c.m.readl(second), 0x01d1, "VF 1")
        only(c.m, "tlb-stale", "gfid 2")
        vf_reg(c.m, 1, INVALIDATE_PDB, ROOT >> 8)
        vf_reg(c.m, 1, INVALIDATE, TRIGGER | ALL_VA)
        equal(c.m.readl(second), 0x2e31, "VF 1 after its own")


def vf_keeps():
    with guests() as (c, first, _second):
        invalidate(c.m, TRIGGER | ALL_VA | ALL_PDB)
        equal(c.m.readl(first), 0x01d0, "VF 0")
        only(c.m, "tlb-stale", "gfid 1")


CASES.append(Case("tells tlb-stale: VF's page, invalidation by the PF", vf_keeps, "tlb-stale",
                  "VF's page, invalidation by the PF", TOLD))
