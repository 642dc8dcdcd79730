# SPDX-License-Identifier: GPL-2.0-or-later
"""PCI functions: identity, configuration space and its mirror, interrupts, reset, properties of the board."""

import json
import struct
import subprocess

from gspclient import Client, GIB, GSP, Machine, MIB, PAGE, qemu_binary, Refused, SEC2
from harness import equal, none, test, true
from test_mmu import Fb, pte, Tables
from test_vgpu import BOOTLOAD, bootload, SEGMENT_SIZE, Vgpu

VF_STRIDE = 256 << 10
PF_BLOCK = 0xb80000
LEAF, LEAF_EN_SET, LEAF_EN_CLEAR, TOP, TOP_EN_SET, TOP_EN_CLEAR, TRIGGER = \
    0x1000, 0x1200, 0x1400, 0x1600, 0x1608, 0x1610, 0x1640
MAILBOX, BAR1_BLOCK, BAR2_BLOCK, BIND_STATUS = 0x2100, 0xf40, 0xf48, 0xf50
VF_MSIX, PF_MSIX, PF_MSI, REBAR = 0x7c, 0xc8, 0x68, 0xbb0
NO_MESSAGE = 0
UNKNOWN = 0xbadf5040
GET_GSP_STATIC_INFO = 65

# name: (device, subsystem, framebuffer, BAR1 at power-on in MiB, BOOT_0, BOOT_42)
AD102, AD104 = (0x192000a1, 0x192a1000), (0x194000a1, 0x194a1000)
BOARDS = {
    "l40": (0x26b5, 0x169d, 46068 * MIB, 64 << 10, *AD102), "l40s": (0x26b9, 0x1851, 46068 * MIB, 64 << 10, *AD102),
    "l20": (0x26ba, 0x1957, 46068 * MIB, 64 << 10, *AD102), "rtx6000ada": (0x26b1, 0x16a1, 49140 * MIB, 256, *AD102),
    "rtx5000ada": (0x26b2, 0x17fa, 32760 * MIB, 256, *AD102), "l4": (0x27b8, 0x16ca, 23034 * MIB, 32 << 10, *AD104),
    "l2": (0x27b6, 0x1933, 23034 * MIB, 32 << 10, *AD104),
}
NAMES = {
    "l40": "NVIDIA L40", "l40s": "NVIDIA L40S", "l20": "NVIDIA L20", "rtx6000ada": "NVIDIA RTX 6000 Ada Generation",
    "rtx5000ada": "NVIDIA RTX 5000 Ada Generation", "l4": "NVIDIA L4", "l2": "NVIDIA L2",
}


class Block:
    """The virtual-function register block of one function. @vf counts from 0; None is the PF's window."""

    def __init__(self, m, vf=None):
        self.m, self.function = m, 0 if vf is None else 4 + vf
        self.base = m.BAR0 + PF_BLOCK if vf is None else m.VF_BAR0 + vf * VF_STRIDE
        self.where = None

    def rd(self, reg):
        return self.m.readl(self.base + reg)

    def wr(self, reg, value):
        self.m.writel(self.base + reg, value)

    def msix_on(self):
        """Vector 0 writes to memory of the test: messages() finds it there."""
        cap = VF_MSIX if self.function else PF_MSIX
        self.where = self.m.ram.alloc(PAGE)
        for reg, value in ((0, self.where), (4, 0), (8, 0x600d), (12, 0)):
            self.wr(0x10000 + reg, value)
        control = self.m.config(cap, self.function)
        self.m.writel(control, self.m.readl(control) | 1 << 31)
        self.m.writel(self.m.config(4, self.function), 6)

    def message(self):
        self.m.settle()
        value = self.m.ram.read32(self.where)
        self.m.ram.write32(self.where, NO_MESSAGE)
        return value


def capabilities(m, function=0):
    """Offsets and ids of both lists."""
    found, at = {}, m.readl(m.config(0x34, function)) & 0xff
    while at:
        head = m.readl(m.config(at, function))
        found[at] = head & 0xff
        at = head >> 8 & 0xff
    at = 0x100
    while at:
        head = m.readl(m.config(at, function))
        found[at] = head & 0xffff
        at = head >> 20
    return found


for BOARD, WANT in BOARDS.items():
    @test(f"board {BOARD}: ids, memory and chip, then a boot that tells them, too")
    def _(board=BOARD, want=WANT):
        device, subsystem, memory, bar1, boot0, boot42 = want
        with Machine(board=board) as m:
            equal(m.readl(m.config(0)), device << 16 | 0x10de, "id")
            equal(m.readl(m.config(8)), 0x030200a1, "class and revision")
            equal(m.readl(m.config(0x2c)), subsystem << 16 | 0x10de, "subsystem")
            Client(m).wait_gfw()
            equal(m.rd(0x1183a4), memory // MIB, "usable framebuffer in MiB")
            equal((m.rd(0), m.rd(4), m.rd(0xa00)), (boot0, 0, boot42), "BOOT_0, BOOT_1, BOOT_42")
            equal(1 << (m.readl(m.config(REBAR + 0x10)) >> 8 & 0x3f), bar1, "BAR1 in MiB")
            equal(m.readl(m.config(0xbd8)), 32 << 16 | 32, "Initial and Total VFs")
            equal(m.readl(m.config(0xbe4)) >> 16, device, "device id of VFs")
            rom = Client(m).vbios()
            for kind, at, _size in Client.rom_images(rom):
                pcir = at + struct.unpack_from("<H", rom, at + 0x18)[0]
                family = device & ~0x7f     # in NVIDIA's own images
                equal(struct.unpack_from("<HH", rom, pcir + 4), (0x10de, family if kind == 0xe0 else device),
                      "ids in the VBIOS")
            m.enable_vfs(32)
            for vf in (0, 31):
                equal((Block(m, vf).rd(0), Block(m, vf).rd(0xa00)), (boot0, boot42), "BOOT_0, BOOT_42 of a VF")
                equal(m.readl(m.config(0x2c, 4 + vf)), subsystem << 16 | 0x10de, "subsystem of a VF")
                equal(m.readl(m.config(8, 4 + vf)), 0x030200a1, "class and revision of a VF")
            c = Client(m).boot()
            equal(c.get_static()["fb_length"], memory, "framebuffer, says GSP-RM")
            segment, = struct.unpack("<Q", c.control(SEGMENT_SIZE, bytes(8)))
            equal(segment, (64 if memory == 23034 * MIB else 128) * MIB, "VMMU segment")
            bootload(c, Vgpu(c, 1, segments=[(GIB + segment, segment)]))
            none(m)
            half = Vgpu(c, 2, segments=[(2 * GIB + segment // 2, segment)])
            try:
                c.control(BOOTLOAD, half.params())
            except Refused as refused:
                equal(refused.status, c.abi.consts["NV_ERR_INVALID_ADDRESS"], "segment at half a VMMU segment")
            equal(m.refusals(), {"fb-unaligned": 1}, "refusals")
            reply = c.rpc(GET_GSP_STATIC_INFO, bytes(c.abi.sizes["GspStaticConfigInfo"]))
            equal(c.abi.text("GspStaticConfigInfo", "gpuNameString", reply), NAMES[board], "name")


@test("PF: capabilities are where a real board has them")
def _():
    with Machine() as m:
        equal(capabilities(m), {
            0x60: 1, 0x68: 0, 0x78: 0x10, 0xb4: 9, 0xc8: 0x11, 0x100: 2, 0x128: 4, 0x250: 0x18, 0x258: 0x1e, 0x420: 1,
            0x600: 0xb, 0x900: 0x19, 0xbb0: 0x15, 0xbcc: 0x10, 0xc14: 0xe, 0xc1c: 0x26, 0xd00: 0x27, 0xe00: 0x25},
            "capabilities")
        equal(m.readl(m.config(0xbd8)), 32 << 16 | 32, "Initial and Total VFs")
        equal(m.readl(m.config(0xbe0)), 1 << 16 | 4, "offset and stride")
        equal(m.readl(m.config(0xc8)) >> 16 & 0x7ff, 5, "MSI-X vectors less one")


@test("VF: what masks its errors lasts through an FLR, not through the end of VFs")
def _():
    with Machine() as m:
        m.enable_vfs(2)
        caps = {id_: at for at, id_ in capabilities(m, 4).items() if at >= 0x100}
        mask, other = (m.config(caps[1] + 8, function) for function in (4, 5))
        devctl = m.config(next(at for at, id_ in capabilities(m, 4).items() if id_ == 0x10 and at < 0x100) + 8, 4)
        equal(m.readl(mask), 0, "uncorrectable errors masked at first")
        m.writel(mask, 1 << 14)
        m.writel(devctl, m.readl(devctl) & 0xffff | 1 << 15)
        equal((m.readl(mask), m.readl(other)), (1 << 14, 0), "masked after FLR of VF 0")
        m.enable_vfs(0)
        m.enable_vfs(2)
        equal(m.readl(mask), 0, "masked in the next VF 0")


@test("mirror: BAR0 0x88000 is configuration space as it is now")
def _():
    with Machine() as m:
        for reg in range(0, 0x1000, 4):
            equal(m.rd(0x88000 + reg), m.readl(m.config(reg)), f"0x{reg:x}")
        m.writel(m.config(0x3c), 0x0b)
        equal(m.rd(0x8803c) & 0xff, 0x0b, "written by PCI")
        m.wr(0x88050, 1)
        equal(m.readl(m.config(0x50)), 1, "written by the mirror")
        m.enable_vfs(3)
        equal(m.rd(0x88bdc) & 0xffff, 3, "Number of VFs")


@test("board without SR-IOV: no VFs, one MSI vector")
def _():
    with Machine(sriov=False) as m:
        caps = capabilities(m)
        equal((caps[PF_MSI], caps.get(PF_MSIX), caps.get(0xbcc)), (5, None, None), "MSI, MSI-X, SR-IOV")
        pf, where = Block(m), m.ram.alloc(PAGE)
        for reg, value in ((4, where), (8, 0), (12, 0x1234), (0, m.readl(m.config(PF_MSI)) | 1 << 16)):
            m.writel(m.config(PF_MSI + reg), value)
        pf.wr(LEAF_EN_SET, 1)
        pf.wr(TOP_EN_SET, 1)
        pf.wr(TRIGGER, 0)
        m.settle()
        equal(m.ram.read32(where), 0x1234, "message")
        m.ram.write32(where, 0)
        m.wr(0x88704, 0)
        m.settle()
        equal(m.ram.read32(where), 0x1234, "message again by re-arming while pending")

        def message():
            m.settle()
            value = m.ram.read32(where)
            m.ram.write32(where, 0)
            return value

        message()
        pf.wr(LEAF, 1)
        pf.wr(TRIGGER, 0)
        pf.wr(TOP_EN_SET, 1)
        equal(message(), 0, "message before it is armed again")
        m.wr(0x88704, 0)
        equal(message(), 0x1234, "what was pending, then")
        pf.wr(LEAF, 1)
        m.wr(0x88704, 0)
        equal(message(), 0, "armed again with nothing pending")
        pf.wr(TRIGGER, 0)
        equal(message(), 0x1234, "the next one")
        m.writel(m.config(0x80), 1 << 15)
        m.setup_pci()
        for reg, value in ((4, where), (12, 0x4321), (0, m.readl(m.config(PF_MSI)) | 1 << 16)):
            m.writel(m.config(PF_MSI + reg), value)
        pf.wr(LEAF_EN_SET, 1)
        pf.wr(TOP_EN_SET, 1)
        pf.wr(TRIGGER, 0)
        equal(message(), 0x4321, "armed by a reset")


@test("PF: its copy of the VF block keeps other registers than BAR0 does at the same offset")
def _():
    with Machine() as m:
        for at, value in ((0x9140, 0), (0x100c10, 0), (PF_BLOCK + 0x3004, 0)):
            equal(m.rd(at), value, f"0x{at:x} at first")
            m.wr(at, 0x55)
            equal(m.rd(at), 0x55, f"0x{at:x}")
        for reg in (0x9140, 0x100c10, 0x3004, 0x5554):
            other = reg if reg in (0x3004, 0x5554) else reg % VF_STRIDE + PF_BLOCK
            m.wr(other, 0xaa)
            equal(m.rd(other), UNKNOWN, f"0x{other:x}, which there is not")
        equal(m.rd(PF_BLOCK + 0x5554), UNKNOWN, "nor there")
        registers = {r["register"] for r in json.loads(m.property("unmodelled"))}
        true({"0xb85554", "0x005554"} <= registers, f"unmodelled: {registers}")


@test("PF: resets of the engine and of the function choose the RISC-V core; the latter ends the former")
def _():
    with Machine() as m:
        for falcon in (GSP, SEC2):
            equal(m.rd(falcon + 0x1668), 0x11, "at power-on")
            m.wr(falcon + 0x1668, 0)
            equal(m.rd(falcon + 0x1668), 1, "the falcon")
            m.wr(falcon + 0x3c0, 1)
            m.wr(falcon + 0x3c0, 0)
            equal(m.rd(falcon + 0x1668), 0x11, "after an engine reset")
            m.wr(falcon + 0x1668, 0)
            m.wr(falcon + 0x3c0, 1)
        m.writel(m.config(0x80), 1 << 15)
        m.setup_pci()
        for falcon in (GSP, SEC2):
            equal((m.rd(falcon + 0x1668), m.rd(falcon + 0x3c0)), (0x11, 0), "function level reset")


@test("PF: cannot be migrated, nor be saved")
def _():
    with Machine() as m:
        error = m.vm.qmp("migrate", uri="exec:cat >/dev/null").get("error", {}).get("desc", "")
        true("nvidia-ada" in error and "non-migratable" in error, f"migrate: '{error}'")


@test("PF: where its VFs have no place it is an error, with nothing left behind")
def _():
    machine = [qemu_binary(), "-machine", "q35,accel=qtest", *Machine.BIOS, "-nodefaults", "-display", "none"]
    for devices, why in ((["addr=1c.0"], "VF addr overflows"), (["addr=6.0,sriov=off", "addr=4.0"], "not available")):
        run = subprocess.run(machine + [arg for device in devices for arg in ("-device", f"nvidia-ada,{device}")],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        equal(run.returncode, 1, f"status with {devices}: {run.stderr}")
        true(why in run.stderr, run.stderr)


@test("VF: shows the chip, and that it is a VF")
def _():
    with Machine() as m:
        m.enable_vfs(32)
        for vf in (0, 7, 31):
            b = Block(m, vf)
            equal((b.rd(0), b.rd(0xa00)), (0x192000a1, 0x192a1000), f"chip in VF {vf}")
            equal(b.rd(4) >> 16 & 3, 2, f"BOOT_1 in VF {vf}")
            b.wr(4, 0)
            equal(b.rd(4) >> 16 & 3, 2, "BOOT_1 cannot be written")
            equal(m.readl(m.config(8, 4 + vf)), 0x030200a1, "class")
        b = Block(m, 0)
        before = b.rd(0x30084) << 32 | b.rd(0x30080)
        m.step(1000000)
        after = b.rd(0x30084) << 32 | b.rd(0x30080)
        true(after - before >= 1000000 - 32, "time stands still")
        equal(m.readl(m.config(0, 4 + 0)) , 0xffffffff, "ids of a VF are the PF's to tell")


@test("VF: MSI-X from leaf to message, for this VF alone")
def _():
    with Machine() as m:
        m.enable_vfs(3)
        one, two = Block(m, 1), Block(m, 2)
        for b in (one, two):
            b.msix_on()
        vector = 0x47
        leaf, bit = vector // 32 * 4, 1 << vector % 32
        one.wr(TRIGGER, vector)
        equal((one.rd(LEAF + leaf), one.rd(TOP), one.message()), (bit, 0, NO_MESSAGE), "not enabled")
        one.wr(LEAF_EN_SET + leaf, bit)
        equal((one.rd(TOP), one.message()), (1 << vector // 64, NO_MESSAGE), "enabled at the leaf only")
        one.wr(TOP_EN_SET, 1 << vector // 64)
        equal(one.message(), 0x600d, "enabled at the top while pending")
        one.wr(TRIGGER, vector)
        equal(one.message(), NO_MESSAGE, "was pending already")
        one.wr(TOP_EN_SET, 1 << vector // 64)
        equal(one.message(), 0x600d, "TOP_EN_SET again while pending")
        one.wr(LEAF + leaf, bit)
        equal((one.rd(LEAF + leaf), one.rd(TOP)), (0, 0), "acknowledged")
        one.wr(TRIGGER, vector)
        equal(one.message(), 0x600d, "the next one")
        one.wr(LEAF + leaf, bit)
        one.wr(LEAF_EN_CLEAR + leaf, bit)
        one.wr(TRIGGER, vector)
        equal(one.message(), NO_MESSAGE, "disabled at the leaf")
        one.wr(LEAF_EN_SET + leaf, bit)
        equal(one.message(), 0x600d, "enabled at the leaf while pending")
        for bad in (256, 0xfff):
            one.wr(TRIGGER, bad)
        equal((two.message(), two.rd(LEAF + leaf), two.rd(TOP_EN_SET)), (NO_MESSAGE, 0, 0), "the other VF")


@test("PF: INTx is a level, MSI-X the same rule as a VF's")
def _():
    def intx(m):
        return m.readl(m.config(4)) >> 19 & 1

    with Machine() as m:
        pf = Block(m)
        pf.wr(LEAF_EN_SET + 16, 1)
        pf.wr(TOP_EN_SET, 4)
        equal(intx(m), 0, "quiet")
        pf.wr(TRIGGER, 128)
        equal(intx(m), 1, "pending")
        pf.wr(TOP_EN_CLEAR, 0xf)
        equal(intx(m), 0, "disabled at the top")
        pf.wr(TOP_EN_SET, 0xf)
        equal(intx(m), 1, "enabled again")
        pf.wr(LEAF + 16, 1)
        equal(intx(m), 0, "acknowledged")
        pf.msix_on()
        pf.wr(TRIGGER, 128)
        equal((intx(m), pf.message()), (0, 0x600d), "by MSI-X")


@test("VF: a function level reset resets this VF and no other")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        m.enable_vfs(2)
        blocks = [Block(m, vf) for vf in (0, 1)]
        for gfid, b in enumerate(blocks, 1):
            bootload(c, Vgpu(c, gfid))
            b.msix_on()
            for reg, value in ((MAILBOX + 8, 0x1000), (LEAF_EN_SET, 5), (TOP_EN_SET, 1), (BAR1_BLOCK, 1 << 31),
                               (0x3004, 7)):
                b.wr(reg, value)
        one, two = blocks
        m.writel(m.config(0x48, 4), 1 << 15)
        equal(m.readl(m.config(4, 4)) & 6, 0, "memory and bus master are off")
        m.writel(m.config(4, 4), 6)
        for reg, value in ((MAILBOX + 8, 0), (LEAF_EN_SET, 0), (TOP_EN_SET, 0), (BAR1_BLOCK, 0),
                           (BAR2_BLOCK, 1 << 30), (BIND_STATUS, 0), (0x3004, 0)):
            equal(one.rd(reg), value, f"0x{reg:x} of the VF that was reset")
        for reg, value in ((MAILBOX + 8, 0x1000), (LEAF_EN_SET, 5), (TOP_EN_SET, 1), (BAR1_BLOCK, 1 << 31),
                           (0x3004, 7)):
            equal(two.rd(reg), value, f"0x{reg:x} of the other")
        m.writel(m.VF_BAR1 + 64, 0xabc)
        equal(m.readl(m.VF_BAR1 + 64), 0xabc, "it keeps its framebuffer")
        m.enable_vfs(0)
        m.enable_vfs(2)
        equal(two.rd(MAILBOX + 8), 0, "VF Enable off and on resets, too")
        none(m)


@test("VF: BAR1 in virtual mode walks the guest's own tables")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        m.enable_vfs(1)
        base = 2 * GIB
        bootload(c, Vgpu(c, 1, segments=[(base, 512 * MIB)], heap=base + 512 * MIB))
        fb = Fb(m)

        class Gpa:
            """Framebuffer as the guest counts it"""
            def write64(self, addr, *values):
                fb.write64(base + addr, *values)

        gpa, instance, pd3 = Gpa(), 16 * MIB, 17 * MIB
        tables = Tables(gpa, 32 * MIB, 0)
        gpa.write64(pd3, tables.pd2 >> 4 | 2)
        gpa.write64(instance + 0x200, pd3 | 1 << 10)
        tables.map4k(5, pte(100 * MIB))
        page = c.ram.put(b"\x0b\x0a\x0d\x00" * 1024)
        tables.map4k(6, pte(page, 2))
        Block(m, 0).wr(BAR1_BLOCK, 1 << 31 | instance >> 12)
        m.writel(m.VF_BAR1 + 5 * PAGE + 8, 0x5eed)
        equal(fb.read(base + 100 * MIB + 8, 4), struct.pack("<I", 0x5eed), "a page of framebuffer")
        equal(m.readl(m.VF_BAR1 + 6 * PAGE), 0x000d0a0b, "a page of system memory")
        equal(m.readl(m.VF_BAR1), 0xffffffff, "not mapped")
        Block(m, 0).wr(BAR1_BLOCK, 1 << 31 | (4 * GIB >> 12))
        equal(m.readl(m.VF_BAR1 + 5 * PAGE + 8), 0xffffffff, "instance block outside of its framebuffer")


@test("board rtx6000ada-display: a VGA device as two servers show it, with an audio function")
def _():
    with Machine(board="rtx6000ada-display") as m:
        equal(m.readl(m.config(8)), 0x030000a1, "class and revision")
        equal(sorted({0x68: 5, 0x78: 0x10, 0x60: 1}.items()),
              sorted((at, kind) for at, kind in capabilities(m).items() if at in (0x60, 0x68, 0x78, 0xc8)), "capabilities")
        found = set(capabilities(m).values())
        equal(found & {0x11, 0x18} | ({0x10} if m.find_capability(0x10) else set()), set(), "MSI-X, LTR, SR-IOV")
        equal(m.find_capability(0x0e), 0, "ARI")
        equal(m.readl(m.config(REBAR + 0x10)) >> 8 & 0x3f, 16, "BAR1 of 64 GiB")
        equal(m.readl(m.config(0x78 + 0xc)) >> 10 & 3, 2, "ASPM L1")
        equal(m.readl(m.config(0x420 + 0xc)) & (1 << 14 | 1 << 16), 1 << 14 | 1 << 16, "severity of errors")
        for reg, mask in ((0x24, 0xffffff81), (0x30, 0xfff80001)):
            m.writel(m.config(reg), 0xffffffff)
            equal(m.readl(m.config(reg)), mask, f"BAR at 0x{reg:x}")
            m.writel(m.config(reg), 0)
        Client(m).wait_gfw()
        equal(m.rd(0x1183a4), 49140, "framebuffer")
        Client(m, vgpu=False).boot().get_static()
        none(m)
    run = subprocess.run([qemu_binary(), "-machine", "q35,accel=qtest", *Machine.BIOS, "-nodefaults", "-display", "none",
                          "-device", "nvidia-ada,board=rtx6000ada-display,addr=4.0,multifunction=on", "-device",
                          "nvidia-ada-audio,addr=4.1", "-monitor", "stdio"], input="info pci\nquit\n",
                         capture_output=True, text=True, timeout=60, check=True)
    true("Audio controller: PCI device 10de:22ba" in run.stdout, run.stdout)


@test("properties: sizes that cannot be are refused by name")
def _():
    for what, why in (("vmmu-segment=16M", "power of two from 32 to 512 MiB"), ("vmmu-segment=96M", "power of two"),
                      ("vmmu-segment=1G", "power of two"), ("bar1-size=3G", "power of two from 64 MiB"),
                      ("vram-size=512M", "1 to 128 GiB"), ("timing=slow", "slow"), ("ecc=perhaps", "perhaps"),
                      ("fb-regions=none", "none"), ("chids=48", "power of two from 32"),
                      ("chids=16384", "power of two from 32"), ("numbers=few", "few")):
        run = subprocess.run([qemu_binary(), "-machine", "q35,accel=qtest", *Machine.BIOS, "-nodefaults", "-display",
                              "none", "-device", f"nvidia-ada,{what}"], stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=60, check=False)
        true(run.returncode and why in run.stderr, f"{what}: {run.stderr}")


@test("BAR1 can be resized while it does not decode")
def _():
    with Machine() as m:
        ctrl = m.config(REBAR + 0x10)
        equal(m.readl(ctrl) >> 8 & 0x3f, 16, "64 GiB at power-on")
        m.writel(ctrl, 8 << 8)
        equal(m.readl(ctrl) >> 8 & 0x3f, 16, "while it decodes")
        m.writel(m.config(4), 0)
        for code in (5, 17, 63):
            m.writel(ctrl, code << 8)
            equal(m.readl(ctrl) >> 8 & 0x3f, 16, f"size code {code}")
        m.writel(ctrl, 8 << 8)
        m.writel(m.config(0x14), 0xffffffff)
        equal(m.readl(m.config(0x14)), 0xf000000c, "BAR1 of 256 MiB")
        m.writel(m.config(0x14), 0)
        m.writel(m.config(0x18), m.BAR1 >> 32)
        m.writel(m.config(4), 6)
        equal(m.readl(m.BAR1), 0, "it answers")
        m.writel(m.config(0x80), 1 << 15)
        equal(m.readl(ctrl) >> 8 & 0x3f, 16, "reset takes it back")


@test("PTIMER: can be set, and moves")
def _():
    with Machine() as m:
        m.wr(0x9410, 0x12345)
        m.wr(0x9400, 0)
        equal((m.rd(0x9410), m.rd(0x9400)), (0x12345, 0), "set")
        m.step(3_000_000_000)
        equal(m.rd(0x9410), 0x12345, "high half after three seconds")
        equal(m.rd(0x9400), 3_000_000_000 & ~31, "low half")
        m.step(2_000_000_000)
        equal(m.rd(0x9410), 0x12346, "carried")


@test("properties: WPR2 up, scrubbed, fuses, memory and BAR1")
def _():
    with Machine(wpr2_up=True, scrubbed=True, fuse_sec2=3, fuse_gsp=0, vram_size=8 * GIB, bar1_size=256 * MIB,
                 ecc="off") as m:
        equal(m.rd(0x1fa828), ((8192 - 13) * MIB - 0x20000) >> 12 << 4, "WPR2 HI")
        equal(m.rd(0x1fa824), (8192 - 14) * MIB >> 12 << 4, "WPR2 LO")
        equal(m.rd(0x1180fc) >> 29 >= 3, True, "scrubber")
        equal((m.rd(0x824148), m.rd(0x8241e0)), (3, 0), "fuses")
        Client(m).wait_gfw()
        equal(m.rd(0x1183a4), 8192 - 12, "framebuffer")
        equal(m.readl(m.config(REBAR + 0x10)) >> 8 & 0x3f, 8, "BAR1")
    with Machine() as m:
        equal((m.rd(0x1fa828), m.rd(0x1180fc) >> 29, m.rd(0x824148)), (0, 0, 1), "as a board usually powers on")
