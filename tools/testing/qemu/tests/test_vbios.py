# SPDX-License-Identifier: GPL-2.0-or-later
"""VBIOS bytes, by the rules of the PCI firmware specification and of NVIDIA's own parser."""

import struct

from gspclient import Client, FRTS, Machine
from harness import equal, none, test, true


def with_rom(function):
    def run():
        with Machine() as m:
            c = Client(m)
            function(c, c.vbios())
            none(m)
    return run


@test("VBIOS: chain of images")
@with_rom
def _(c, rom):
    images = c.rom_images(rom)
    equal([kind for kind, _at, _size in images], [0x00, 0x03, 0xe0], "types")
    for kind, at, size in images:
        equal(struct.unpack_from("<H", rom, at)[0], 0x4e56 if kind == 0xe0 else 0xaa55, "signature")
        pcir = at + struct.unpack_from("<H", rom, at + 0x18)[0]
        equal(rom[pcir:pcir + 4], b"NPDS" if kind == 0xe0 else b"PCIR", "data structure")
        equal(struct.unpack_from("<HH", rom, pcir + 4), (0x10de, 0x26b5), "ids")
        equal(rom[pcir + 0xd:pcir + 0x10], b"\x00\x02\x03", "class")
        npde = (pcir + struct.unpack_from("<H", rom, pcir + 0xa)[0] + 15) & ~15
        equal(rom[npde:npde + 4], b"NPDE", "extension")
        equal(struct.unpack_from("<H", rom, npde + 8)[0] * 512, size, "size in the extension")
        equal(rom[npde + 10], rom[pcir + 0x15], "last image in the extension")
    true(images[-1][1] + images[-1][2] <= 1 << 20, "larger than the PROM window")


@test("VBIOS: checksums of the first image and of the BIT header")
@with_rom
def _(c, rom):
    _kind, at, size = c.rom_images(rom)[0]
    equal(sum(rom[at:at + size]) & 0xff, 0, "image")
    equal(rom[2] * 512, size, "size in the header")
    bit = rom.index(b"\xff\xb8BIT\0")
    equal((rom[bit + 8], rom[bit + 9]), (12, 6), "BIT header and token size")
    equal(sum(rom[bit:bit + 12]) & 0xff, 0, "BIT header")


@test("VBIOS: FWSEC's descriptor")
@with_rom
def _(c, rom):
    images = c.rom_images(rom)
    table = c.rom_pointer(rom, struct.unpack_from("<I", rom, struct.unpack_from(
        "<H", rom, rom.index(b"\xff\xb8BIT\0") + 12 + 2 * 6 + 4)[0])[0])
    true(table >= images[2][1], "the table is not in the 0xe0 image")
    equal(rom[table:table + 4], bytes((1, 6, 6, 2)), "table header")
    program = c.fwsec(FRTS)
    equal(len(program.code) % 256, 0, "code size")
    equal(len(program.data) % 256, 0, "data size")
    equal(program.regs["engine"], 0x400, "engine mask")
    true(program.at + 384 <= len(program.data), "the signature does not fit")
    equal(len(program.signatures), 2, "signatures")
    true(program.signatures[0] != program.signatures[1], "the signatures are the same")


@test("VBIOS: the same bytes on every power-on")
def _():
    roms = []
    for _ in range(2):
        with Machine() as m:
            roms.append(Client(m).vbios())
    equal(roms[0] == roms[1], True, "equal")


@test("VBIOS: 8 and 16 bit reads give the same as 32 bit")
@with_rom
def _(c, rom):
    for at in range(0x40, 0x60):
        equal(int(c.m.cmd(f"readb 0x{c.m.BAR0 + 0x300000 + at:x}")[0], 16), rom[at], f"byte 0x{at:x}")
