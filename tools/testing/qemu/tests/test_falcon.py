# SPDX-License-Identifier: GPL-2.0-or-later
"""Falcon registers, memories and loader DMA."""

import struct

from gspclient import Client, FRTS, GSP, L40_FB, Machine, PMU, SEC2, MIB
from harness import CASES, Case, equal, none, only, test, true

DMEMC, DMEMD, IMEMC, IMEMD, IMEMT = 0x1c0, 0x1c4, 0x180, 0x184, 0x188
AUTO_READ, AUTO_WRITE = 1 << 25, 1 << 24


def opened(m, falcon):
    """A client whose falcon takes DMA from system memory."""
    c = Client(m)
    c.reset(falcon, {"fbif": 0x80, "dmactl": 0, "transcfg": 5})
    return c


def port(m, falcon, ctl, data, at, size):
    m.wr(falcon + ctl, at | AUTO_READ)
    return b"".join(struct.pack("<I", m.rd(falcon + data)) for _ in range(size // 4))


def dmem(m, falcon, at, size):
    return port(m, falcon, DMEMC, DMEMD, at, size)


def imem(m, falcon, at, size):
    return port(m, falcon, IMEMC, IMEMD, at, size)


def transfer(m, falcon, addr, at, off, command):
    m.wr(falcon + 0x110, addr >> 8)
    m.wr(falcon + 0x128, addr >> 40)
    m.wr(falcon + 0x114, at)
    m.wr(falcon + 0x11c, off)
    m.wr(falcon + 0x118, command)


PATTERN = bytes((i * 7 + i // 256) & 0xff for i in range(4096))

for FALCON, NAME in ((GSP, "gsp"), (SEC2, "sec2"), (PMU, "pmu")):
    for CODE in range(7):
        @test(f"{NAME}: DMA of {4 << CODE} bytes to DMEM")
        def _(falcon=FALCON, size=4 << CODE, code=CODE):
            with Machine() as m:
                c = opened(m, falcon)
                src = c.ram.put(PATTERN)
                transfer(m, falcon, src, 0x1000 + size, 3 * size, code << 8)
                equal(dmem(m, falcon, 0x1000, size), bytes(size), "before")
                equal(dmem(m, falcon, 0x1000 + size, size), PATTERN[3 * size:4 * size], "content")
                equal(dmem(m, falcon, 0x1000 + 2 * size, size), bytes(size), "behind")
                none(m)


@test("falcon: DMA writes DMEM to system memory")
def _():
    with Machine() as m:
        c = opened(m, SEC2)
        src, dst = c.ram.put(PATTERN), c.ram.alloc(4096)
        transfer(m, SEC2, src, 0, 0, 0x600)
        transfer(m, SEC2, dst, 0, 0x100, 0x620)
        equal(c.ram.read(dst, 768), bytes(256) + PATTERN[:256] + bytes(256), "memory")
        none(m)


@test("falcon: DMA from framebuffer where FBIF says so")
def _():
    with Machine() as m:
        c = opened(m, SEC2)
        m.wr(0x1700, 64 * MIB >> 16)
        for i in range(0, 256, 4):
            m.wr(0x700000 + i, struct.unpack_from("<I", PATTERN, i)[0])
        m.wr(SEC2 + 0x604, 4)       # context 1: local framebuffer, physical
        transfer(m, SEC2, 64 * MIB, 0, 0, 0x600 | 1 << 12)
        equal(dmem(m, SEC2, 0, 256), PATTERN[:256], "content")
        none(m)
        del c


@test("falcon: DMA address above 40 bits uses BASE1")
def _():
    with Machine() as m:
        c = opened(m, GSP)
        transfer(m, GSP, 1 << 45, 0, 0, 0x600)
        equal(dmem(m, GSP, 0, 256), bytes(256), "content")
        only(m, "falcon-dma-target", "0x200000000000")
        del c


@test("pmu: no program of it is known")
def _():
    with Machine() as m:
        c = opened(m, PMU)
        c.wait_gfw()
        transfer(m, PMU, c.ram.put(PATTERN), 0, 0, 0x610)
        m.wr(PMU + 0x100, 2)
        m.step(10**7)
        only(m, "hs-image", "pmu")


def gfw(m):
    return tuple(m.rd(reg) for reg in (0x118128, 0x118234, 0x100b20, 0x1183a4))


GFW_STARTED = (0, 1, 0, 0xbadf5108)
GFW_BOOTED = (1, 0x3ff, 1, 46068)


@test("GFW: what drivers wait for before they use a falcon takes a while after each reset of the PF")
def _():
    with Machine() as m:
        for _ in range(2):
            equal(gfw(m), GFW_STARTED, "at power-on")
            m.step(1999999)
            equal(gfw(m), GFW_STARTED, "just before its end")
            m.step(1)
            equal(gfw(m), GFW_BOOTED, "after 2 ms")
            m.writel(m.config(0x80), 1 << 15)
            m.setup_pci()
        m.set_property("gfw-boot-ms", 500)
        m.vm.qmp("system_reset")
        m.setup_pci()
        m.step(499999999)
        equal(gfw(m), GFW_STARTED, "with gfw-boot-ms=500")
        m.step(1)
        equal(gfw(m), GFW_BOOTED, "after 500 ms")
        none(m)
    with Machine(gfw_boot_ms=0) as m:
        equal(gfw(m), GFW_BOOTED, "with gfw-boot-ms=0")
        equal(Client(m).run_scrubber(), 0, "scrubber")


for PROGRAM, FALCON in (("FWSEC", GSP), ("scrubber", SEC2), ("booter_load", SEC2), ("booter_unload", SEC2)):
    def too_early(program=PROGRAM, falcon=FALCON):
        with Machine() as m:
            c = Client(m)
            c.wait_gfw = lambda: None
            image = c.fwsec(FRTS, (L40_FB - 2 * MIB, MIB)) if program == "FWSEC" else getattr(c.fw, program)
            equal(c.run(falcon, image, 0), 0xbad0001, "mailbox 0")
            only(m, "gfw-boot")
            equal((m.rd(0x1fa828), m.rd(0x1180fc) >> 29), (0, 0), "WPR2, scrubber")

    CASES.append(Case(f"refuses gfw-boot: {PROGRAM} at power-on", too_early, "gfw-boot", f"{PROGRAM} at power-on"))


def refused_dma(check, mutation, command, at=0, off=0, **setup):
    def run():
        with Machine() as m:
            c = Client(m)
            c.reset(SEC2, {"fbif": 0x80, "dmactl": 0, "transcfg": 5, **setup})
            src = c.ram.put(PATTERN)
            transfer(m, SEC2, src, at, off, command)
            only(m, check)
            equal(dmem(m, SEC2, 0, 512), bytes(512), "DMEM")
            equal(imem(m, SEC2, 0, 512), bytes(512), "IMEM")    # not secure ones can be read
            equal(c.ram.read(src, len(PATTERN)) == PATTERN, True, "memory is as it was")
            true(m.rd(SEC2 + 0x118) & 2, "the engine is not idle")
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


refused_dma("falcon-dma-size", "IMEM by 128 bytes", 0x510)
refused_dma("falcon-dma-size", "IMEM by 4 bytes", 0x010)
refused_dma("falcon-dma-size", "DMEM with size code 7", 0x700)
refused_dma("falcon-dma-align", "destination 0x80 of 256 bytes", 0x600, at=0x80)
refused_dma("falcon-dma-align", "source offset 0x10 of 256 bytes", 0x600, off=0x10)
refused_dma("falcon-dma-bounds", "DMEM past its end", 0x600, at=0x10000)
refused_dma("falcon-dma-bounds", "IMEM past its end", 0x610, at=0xffff00)
refused_dma("falcon-dma-direction", "IMEM to memory", 0x630)
refused_dma("falcon-dma-context", "FBIF_CTL without physical", 0x600, fbif=0)
refused_dma("falcon-dma-context", "DMACTL requires a context", 0x600, dmactl=1)
refused_dma("falcon-dma-context", "TRANSCFG virtual", 0x600, transcfg=1)
refused_dma("falcon-dma-target", "TRANSCFG target 3", 0x600, transcfg=7)


@test("falcon: IMEM ports, tags, and no way to read secure blocks")
def _():
    with Machine() as m:
        c = opened(m, SEC2)
        m.wr(SEC2 + IMEMC, 0x200 | AUTO_WRITE)
        m.wr(SEC2 + IMEMT, 0x42)
        m.wr(SEC2 + IMEMD, 0x11223344)
        m.wr(SEC2 + IMEMD, 0x55667788)
        m.wr(SEC2 + IMEMC, 0x200 | AUTO_READ)
        equal((m.rd(SEC2 + IMEMD), m.rd(SEC2 + IMEMD)), (0x11223344, 0x55667788), "words")
        equal(m.rd(SEC2 + IMEMT), 0x42, "tag")
        transfer(m, SEC2, c.ram.put(PATTERN), 0x300, 0, 0x614)
        m.wr(SEC2 + IMEMC, 0x300)
        equal(m.rd(SEC2 + IMEMD), 0, "a secure word")
        transfer(m, SEC2, c.ram.put(PATTERN), 0x300, 0, 0x610)
        equal(m.rd(SEC2 + IMEMD), struct.unpack_from("<I", PATTERN)[0], "a word that is not secure")


@test("falcon: ports past the end read 0 and drop writes")
def _():
    with Machine() as m:
        for falcon in (GSP, SEC2):
            for port in (DMEMC, IMEMC):
                m.wr(falcon + port, 0xfffffc)
                m.wr(falcon + port + 4, 0xffffffff)
                m.wr(falcon + port, 0xfffffc)
                equal(m.rd(falcon + port + 4), 0, "word")


@test("falcon: reset clears memories, mailboxes and masks, and chooses the RISC-V core")
def _():
    with Machine() as m:
        c = opened(m, SEC2)
        transfer(m, SEC2, c.ram.put(PATTERN), 0, 0, 0x600)
        for reg in (0x040, 0x044, 0x104, 0x010, 0x1180, 0x1210):
            m.wr(SEC2 + reg, 0x55)
        m.wr(SEC2 + 0x3c0, 1)
        for reg in (0x040, 0x0f4, 0x100, 0x118, 0x1668, 0x1388, 0x40c):
            m.wr(SEC2 + reg, 0x55)
            equal(m.rd(SEC2 + reg), 0xbadf5620, f"register 0x{reg:x} while in reset")
        equal(m.rd(SEC2 + 0x3c0), 1, "ENGINE")
        m.wr(SEC2 + 0x3c0, 0)
        for reg in (0x040, 0x044, 0x104, 0x018, 0x1180, 0x1210, 0x008):
            equal(m.rd(SEC2 + reg), 0, f"register 0x{reg:x}")
        equal(dmem(m, SEC2, 0, 256), bytes(256), "DMEM")
        equal(m.rd(SEC2 + 0x1668), 0x11, "BCR_CTRL")
        m.wr(SEC2 + 0x1668, 0)
        equal(m.rd(SEC2 + 0x1668), 1, "BCR_CTRL after the falcon was chosen")
        equal(m.rd(SEC2 + 0x0f4), 0x800067b7, "HWCFG2")


@test("falcon: configuration of SEC2 and PMU as it was seen")
def _():
    with Machine() as m:
        for falcon, imem, dmem, ports in ((SEC2, 90112, 65536, 0x11), (PMU, 147456, 180224, 0x41)):
            equal(m.rd(falcon + 0x0f4), 0x67b7, "HWCFG2 before the first reset")
            opened(m, falcon)
            equal(m.rd(falcon + 0x0f4), 0x800067b7, "HWCFG2 after it")
            equal(m.rd(falcon + 0x278), dmem // 256 << 16 | imem // 256, "sizes")
            equal(m.rd(falcon + 0x12c) >> 8 & 0xff, ports, "ports")
            for at, size in ((0x1c0, dmem), (0x180, imem)):
                m.wr(falcon + at, size - 4)
                m.wr(falcon + at + 4, 0x12345678)
                m.wr(falcon + at, size - 4)
                equal(m.rd(falcon + at + 4), 0x12345678, "its last word")
        equal(m.rd(SEC2 + 0x1c8), 0xbadf5040, "a port that there is not")
        m.writel(m.config(0x80), 1 << 15)
        m.setup_pci()
        equal(m.rd(SEC2 + 0x0f4), 0x67b7, "HWCFG2 after FLR")


def start_without_choice():
    with Machine() as m:
        c = Client(m)
        c.wait_gfw()
        c.reset_engine(SEC2)
        m.wr(SEC2 + 0x100, 2)
        m.step(10**7)
        only(m, "falcon-core", "sec2")
        equal((m.rd(SEC2 + 0x008), m.rd(SEC2 + 0x040)), (0, 0), "interrupt, mailbox")


CASES.append(Case("refuses falcon-core: STARTCPU with the RISC-V core", start_without_choice, "falcon-core",
                  "STARTCPU with the RISC-V core"))


@test("falcon: an empty one that is started halts, mailboxes as they were")
def _():
    with Machine() as m:
        for start in (0x100, 0x130):
            opened(m, GSP)
            m.wr(GSP + 0x040, 0x1234)
            m.wr(GSP + start, 2)
            equal(m.rd(GSP + 0x100) & 0x10, 0, "halted at once")
            true(m.wait(lambda: m.rd(GSP + 0x100) & 0x10), "it does not halt")
            equal(m.rd(GSP + 0x040), 0x1234, "mailbox 0")
            equal(m.rd(GSP + 0x008) & 0x10, 0x10, "halt interrupt pending")
            m.wr(GSP + 0x004, 0x10)
            equal(m.rd(GSP + 0x008), 0, "halt interrupt cleared")
        none(m)


@test("gsp: interrupt raised at the leaf, again by retrigger while pending")
def _():
    with Machine() as m:
        vector = 0x9b
        leaf, bit = 0xb81000 + 4 * (vector // 32), 1 << vector % 32
        opened(m, GSP)
        m.wr(GSP + 0x010, 0x10)
        m.wr(GSP + 0x100, 2)
        true(m.wait(lambda: m.rd(GSP + 0x100) & 0x10), "it does not halt")
        equal(m.rd(leaf) & bit, bit, "leaf")
        m.wr(leaf, bit)
        equal(m.rd(leaf) & bit, 0, "leaf cleared")
        m.wr(GSP + 0x3e8, 1)
        equal(m.rd(leaf) & bit, bit, "leaf after retrigger")
        m.wr(GSP + 0x014, 0x10)
        m.wr(leaf, bit)
        m.wr(GSP + 0x3e8, 1)
        equal(m.rd(leaf) & bit, 0, "leaf when masked")


@test("gsp: events interrupt, replies do not; property reply-interrupt has both do it")
def _():
    for on in False, True:
        with Machine(reply_interrupt=on) as m:
            c = Client(m).boot()
            c.get_static()
            leaf, bit = 0xb81000 + 0x9b // 32 * 4, 1 << 0x9b % 32
            m.wr(GSP + 0x004, 0x40)
            m.wr(leaf, bit)
            c.send(65, bytes(c.abi.sizes["GspStaticConfigInfo"]))
            true(m.wait(c.poll), "no answer")
            equal((m.rd(GSP + 0x008) & 0x40, m.rd(leaf) & bit), (0x40, bit) if on else (0, 0), f"reply, property {on}")
            m.wr(GSP + 0x004, 0x40)
            m.wr(leaf, bit)
            m.set_property("inject-event", "os-error-log:79:text")
            true(m.wait(c.poll), "no event")
            equal((m.rd(GSP + 0x008) & 0x40, m.rd(leaf) & bit), (0x40, bit), "event")


@test("gsp: locked down, its registers answer with errors, and the doorbell works")
def _():
    with Machine() as m:
        c = Client(m).boot()
        active = m.rd(GSP + 0x1388)
        m.set_property("inject-event", "lockdown:on")
        equal(m.rd(GSP + 0x1388) & 0xfff00000, 0xbad00000, "CPUCTL, locked down")
        c.get_static()
        none(m)
        m.set_property("inject-event", "lockdown:off")
        equal(m.rd(GSP + 0x1388), active, "CPUCTL afterwards")


def touched_late():
    """A register of the GSP, long after it was said."""
    with Machine() as m:
        Client(m).boot()
        m.set_property("inject-event", "lockdown:on")
        m.step(60_000_000)
        m.rd(GSP + 0x008)
        only(m, "gsp-lockdown")


CASES.append(Case("refuses gsp-lockdown: a register is read long after", touched_late, "gsp-lockdown",
                  "a register is read long after"))


@test("gsp: one more message while its line is up latches nothing; retrigger does")
def _():
    with Machine(reply_interrupt=True) as m:
        c = Client(m).boot()
        c.get_static()
        leaf, bit = 0xb81000 + 0x9b // 32 * 4, 1 << 0x9b % 32
        m.wr(GSP + 0x004, 0x40)
        for line, latched in (("rises", bit), ("is up", 0)):
            m.wr(leaf, bit)
            equal(m.rd(leaf) & bit, 0, "leaf, acknowledged")
            c.send(65, bytes(c.abi.sizes["GspStaticConfigInfo"]))
            true(m.wait(lambda: c.poll() and m.rd(GSP + 0x008) & 0x40), "no answer")
            equal(m.rd(leaf) & bit, latched, f"leaf when the line {line}")
        m.wr(GSP + 0x3e8, 1)
        equal(m.rd(leaf) & bit, bit, "leaf after retrigger")
        m.wr(leaf, bit)
        m.wr(GSP + 0x004, 0x40)
        m.wr(GSP + 0x3e8, 1)
        equal(m.rd(leaf) & bit, 0, "leaf after retrigger of nothing")
