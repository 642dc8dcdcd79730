# SPDX-License-Identifier: GPL-2.0-or-later
"""
Random traffic, the same in every run of a RANDOM_SEED: whatever a guest does,
QEMU lives on. Most of it is refused; that is not looked at here. A QEMU that was
built with sanitizers makes these tests strict. RANDOM_FACTOR multiplies their
length.
"""

import json
import os
import random
import struct

from gspclient import BootError, Client, GIB, GSP, Machine, MIB, PAGE, Ram, Refused, SEC2
from harness import equal, test
from test_guest import COPY0, COPY2, Driver, GR0, LAYOUT, Space, host
from test_plugin import MESSAGE
from test_vgpu import bootload, Vgpu

FACTOR = int(os.environ.get("RANDOM_FACTOR", "1"))
SEED = int(os.environ.get("RANDOM_SEED", "0"))

# Blocks of BAR0 that do something
BLOCKS = [(0, 0x2000), (0x9000, 0x500), (0x88000, 0x1000), (0x10a000, 0x2000), (0x110000, 0x2000), (0x118000, 0x400),
          (0x1fa800, 0x40), (0x300000, 0x14000), (0x700000, 0x100000), (0x820000, 0x5000), (0x840000, 0x2000),
          (0xb80000, 0x40000)]
# Registers that lead somewhere: falcon start, DMA, reset, ports, doorbells, interrupts, PRAMIN, MMU
HOT = [f + r for f in (GSP, SEC2) for r in (0x100, 0x130, 0x110, 0x114, 0x11c, 0x118, 0x128, 0x3c0, 0x3e8, 0x600, 0x624,
                                            0x10c, 0x180, 0x184, 0x188, 0x1c0, 0x1c4, 0x40, 0x44, 0x10, 0x1668)]
HOT += [0x110c00, 0x1700, 0x9400, 0x9410, 0x88004, 0x88704, 0xb82200, 0xb81640, 0xb81608, 0xb81610, 0xb830b0, 0xbb0090]


class Chaos:
    def __init__(self, seed, m):
        self.r, self.m = random.Random(seed), m

    def value(self):
        r = self.r
        return r.choice((0, 1, 2, 0x600, 0x614, 0x620, 0x80000000, 0xffffffff, r.getrandbits(32), r.getrandbits(8),
                         r.randrange(Ram.SIZE) & ~0xff, r.randrange(Ram.SIZE) >> 8, self.m.BAR0 + r.choice(HOT),
                         (self.m.BAR0 + r.choice(HOT)) >> 8))

    def access(self, base, reg):
        width = self.r.choice("bwlllllq")
        size = {"b": 1, "w": 2, "l": 4, "q": 8}[width]
        addr = base + reg // size * size
        if self.r.random() < 0.3:
            self.m.cmd(f"read{width} 0x{addr:x}")
        else:
            self.m.cmd(f"write{width} 0x{addr:x} 0x{self.value() & ((1 << 8 * size) - 1):x}")

    def register(self, base=None, blocks=(), hot=HOT):
        r = self.r
        if hot and r.random() < 0.5:
            reg = r.choice(hot)
        else:
            at, size = r.choice(blocks or BLOCKS)
            reg = at + r.randrange(size)
        self.access(self.m.BAR0 if base is None else base, reg)
        if r.random() < 0.02:
            self.m.step(r.choice((1000, 1000000, 20000000)))

    def alive(self):
        """QEMU answers, and after a reset the device is a GPU again."""
        self.m.ram.images.clear()       # falcons may have written anywhere
        self.m.vm.qmp("system_reset")
        self.m.setup_pci()
        equal(self.m.rd(0), 0x192000a1, "PMC_BOOT_0")


def seeds(count):
    return range(SEED, SEED + count * FACTOR)


@test(f"random, seed {SEED}: registers of a GPU at power-on")
def _():
    for seed in seeds(3):
        with Machine() as m:
            chaos = Chaos(seed, m)
            for _ in range(8000):
                chaos.register()
            chaos.alive()


@test(f"random, seed {SEED}: registers, apertures and configuration space of a GPU that runs GSP-RM")
def _():
    for seed in seeds(3):
        with Machine() as m:
            c, chaos = Client(m).boot(), Chaos(100 + seed, m)
            c.get_static()
            for _ in range(3000):
                kind = chaos.r.random()
                if kind < 0.6:
                    chaos.register()
                elif kind < 0.8:
                    chaos.access(m.BAR1, chaos.r.randrange(64 * GIB - 8))
                elif kind < 0.95:
                    chaos.access(m.BAR3, chaos.r.randrange(32 * MIB - 8))
                else:
                    chaos.access(m.config(0), chaos.r.randrange(0x28, 0x1000))
                    m.setup_pci()
            chaos.alive()


@test(f"random, seed {SEED}: registers and framebuffer of VFs with vGPUs")
def _():
    hot = [0xf40, 0xf48, 0x2108, 0x210c, 0x2200, 0x30a0, 0x30a4, 0x30b0, 0x1640, 0x1600, 0x30090]
    for seed in seeds(3):
        with Machine() as m:
            c, chaos = Client(m).boot(), Chaos(200 + seed, m)
            c.get_static()
            m.enable_vfs(3)
            for gfid in (1, 2):
                bootload(c, Vgpu(c, gfid))
            for _ in range(3000):
                vf, kind = chaos.r.randrange(4), chaos.r.random()
                if kind < 0.6:
                    chaos.register(m.VF_BAR0 + vf * 0x40000, [(0, 0x40000)], hot)
                elif kind < 0.8:
                    chaos.access(m.VF_BAR1 + vf * 2 * GIB, chaos.r.randrange(2 * GIB - 8))
                elif kind < 0.9:
                    chaos.access(m.VF_BAR3 + vf * 32 * MIB, chaos.r.randrange(32 * MIB - 8))
                elif kind < 0.95:
                    chaos.access(m.config(0, 4 + vf), chaos.r.randrange(0x1000))
                else:
                    m.wr(0xb82200, chaos.r.choice((vf * 32 + 17, chaos.value())))
                    m.step(1000000)
            chaos.alive()


@test(f"random, seed {SEED}: what booter_load finds in memory")
def _():
    with Machine(fw_check="off") as m:
        c, chaos = Client(m), Chaos(300 + SEED, m)
        r = chaos.r
        c.prepare()
        c.store()
        c.frts()
        good = dict(c.meta)
        numbers = (0, 1, PAGE, (1 << 64) - 1, (1 << 63), (1 << 64) - PAGE, 0xffffffff, MIB)
        for _ in range(25 * FACTOR):
            fields = r.sample(sorted(good), r.choice((1, 2, len(good))))
            for field in fields:
                width = 8 * c.abi.members["GspFwWprMeta", field][1]
                c.meta[field] = r.choice((*numbers, good[field] + r.choice((-1, 1)) * (1 << r.randrange(33)),
                                          r.getrandbits(64))) & ((1 << width) - 1)
            if r.random() < 0.3:
                c.meta.update(good, sizeOfRadix3Elf=r.randrange(16 * MIB))
            c.ram.next = 60 * MIB
            c.meta_at = c.ram.put(c.abi.pack("GspFwWprMeta", c.meta))
            c.libos_at = r.choice((c.libos_at, 0, r.getrandbits(64)))
            c.ram.next = 40 * MIB
            c.reset_gsp()
            c.run_booter()
            m.step(10000000)
            c.meta = dict(good)
        chaos.alive()


def mangle(r, element):
    """Breaks words of an element; half of the time its checksum is right for what it became."""
    data = bytearray(element)
    for _ in range(r.randrange(4)):
        at = r.choice((0x24, 0x28, 0x30, 0x34, 0x38, 0x3c, r.randrange(len(data) // 4) * 4))
        struct.pack_into("<I", data, at, r.choice((0, 1, 16, 17, 0xffffffff, r.getrandbits(32), r.getrandbits(12))))
    if r.random() < 0.7:
        length = min(max(struct.unpack_from("<I", data, 0x38)[0], 32), len(data) - 48)
        struct.pack_into("<I", data, 0x20, 0)
        struct.pack_into("<I", data, 0x20, Client.checksum(bytes(data[:48 + length])))
    return bytes(data)


@test(f"random, seed {SEED}: messages to GSP-RM")
def _():
    functions = [1, 10, 47, 65, 70, 71, 72, 73, 76, 76, 76, 76, 103, 103, 0, 0xffffffff]
    commands = [0x2080017e, 0x20800a57, 0x20800a5c, 0x20804001, 0x20804002, 0x20804003, 0x20804005, 0x20804008,
                0x2080400b, 0x2080400e, 0x801813, 0x20801112]
    for seed in seeds(6):
        with Machine() as m:
            c, r = Client(m).boot(), random.Random(400 + seed)
            c.get_static()
            for _ in range(150):
                payload = r.randbytes(r.choice((0, 4, 24, 100, 2068 + 24, 6616 + 24, 60000)))
                function = r.choice(functions)
                if function == 76 and len(payload) >= 24:
                    size = r.choice((len(payload) - 24, 0, 1, 4, 1 << 31))
                    payload = struct.pack("<6I", c.static["hInternalClient"], c.static["hInternalSubdevice"],
                                          r.choice(commands), 0, size, 0) + payload[24:]
                element = mangle(r, c.element(function, payload))
                if c.room() < -(-len(element) // PAGE):
                    break       # stands still, as it may after a broken message
                c.push(element)
                m.step(3000000)
                c.ack_all()
            c.shm_write(c.cmdq + r.choice((0x10, 0x20)), struct.pack("<I", r.getrandbits(32)))
            m.wr(0x110c00, 0)
            m.step(20000000)
            Chaos(0, m).alive()


@test(f"random, seed {SEED}: what GSP-RM's start finds in memory")
def _():
    with Machine() as m:
        r = random.Random(500 + SEED)
        for _ in range(8 * FACTOR):
            c = Client(m)
            m.ram.next = Ram.WORK
            c.prepare()
            for name, where in (("GSP_ARGUMENTS_CACHED", c.rmargs), ("msgqTxHeader", c.queue_header)):
                key = r.choice(sorted(where))
                width = 8 * c.abi.members[name, key][1]
                where[key] = r.choice((0, 1, 0xffffffff, 0x1000, r.getrandbits(32))) & ((1 << width) - 1)
            if r.random() < 0.5:
                c.libos[r.randrange(4)][r.randrange(1, 3)] = r.getrandbits(40)
            c.store()
            if r.random() < 0.5:
                c.shm_write(8 * r.randrange(129), struct.pack("<Q", r.getrandbits(64)))
            try:
                c.first_commands()
                c.boot_falcons()
                c.wait_init_done()
            except (BootError, Refused, struct.error, IndexError, ValueError):
                pass
            m.vm.qmp("system_reset")
            m.setup_pci()


# Calls of a guest, most of them those that are served
CALLS = [1, 2, 6, 9, 10, 19, 23, 32, 47, 60, 64, 97, 111, 116, 155, 156, 204, 207, 210]


def guest_call(r, space, known):
    """Bytes of one, with handles, classes and addresses that mean something in many places."""
    words = [*known, 0, 1, 2, 3, 0x20, 0xffffffff, 0x80, 0x2080, 0xc56f, 0xc36f, 0xc7b5, 0x902d, 0x2081, GR0, COPY0,
             COPY2, 0x29, 0x0c, 0x25, 0x1b, space.ROOT, space.USERD, 16, 4056, r.getrandbits(32)]
    size = r.choice((0, 4, 8, 16, 28, 40, 64, 108, 192, 248, 268, 568, 792, 4048))
    payload = struct.pack(f"<{size // 4}I", *[r.choice(words) for _ in range(size // 4)])
    length = r.choice((32 + size, 32 + size, 32 + size, 40, 0, 0xffffffff))
    return struct.pack("<8I", 0x03000000, 0x43505256, length, r.choice(CALLS) if r.random() < 0.9 else r.randrange(300),
                       0xffffffff, 0xffffffff, 0, 0) + payload


@test(f"random, seed {SEED}: a guest's calls and doorbells")
def _():
    for number in range(2 * FACTOR):
        r = random.Random(900 + number + SEED)
        with Machine() as m:
            space = Space(host(m), version=r.choice(list(LAYOUT)))
            d, known = space.d, [Driver.CLIENT, Driver.DEVICE, Driver.SUBDEVICE]
            known += [space.channel(i, kind).handle for i, kind in enumerate((COPY2, COPY0, GR0))]
            for _ in range(600):
                what = r.random()
                if what < 0.8:
                    m.ram.write(d.buffers[0], guest_call(r, space, known))
                    d.ring(MESSAGE)
                elif what < 0.95:
                    d.write(0x30090, r.choice((0, 1)) << 16 | r.randrange(4))
                elif what < 0.97:
                    d.again()
                else:
                    d.system_info(r.choice(list(LAYOUT)))
            d.plugin.shutdown()
            d.plugin.cleanup()
            equal({n: v for n, v in json.loads(m.property("accounting"))["now"].items() if v}, {}, "in use at the end")
            Chaos(0, m).alive()
