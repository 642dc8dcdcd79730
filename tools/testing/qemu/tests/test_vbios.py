# SPDX-License-Identifier: GPL-2.0-or-later
"""VBIOS bytes, by the rules of the PCI firmware specification and of NVIDIA's own parser."""

import struct
import tempfile

from gspclient import Client, FRTS, GSP, Machine, MIB
from harness import equal, none, only, test, true


def with_rom(function):
    def run():
        with Machine() as m:
            c = Client(m)
            function(c, c.vbios())
            none(m)
    return run


def frts(c):
    """Where FWSEC is to put its region: below the VGA workspace."""
    return c.m.rd(0x1183a4) * MIB - 2 * MIB, MIB


@test("VBIOS: chain of images")
@with_rom
def _(c, rom):
    images = c.rom_images(rom)
    equal([kind for kind, _at, _size in images], [0x00, 0x03, 0xe0, 0xe0], "types")
    for kind, at, size in images:
        nv = kind == 0xe0
        equal(struct.unpack_from("<H", rom, at)[0], 0x4e56 if nv else 0xaa55, "signature")
        pcir = at + struct.unpack_from("<H", rom, at + 0x18)[0]
        equal(rom[pcir:pcir + 4], b"NPDS" if nv else b"PCIR", "data structure")
        equal(struct.unpack_from("<HH", rom, pcir + 4), (0x10de, 0x2680 if nv else 0x26b5), "ids")
        equal(rom[pcir + 0xd:pcir + 0x10], b"\x00\x02\x03", "class")
        npde = (pcir + struct.unpack_from("<H", rom, pcir + 0xa)[0] + 15) & ~15
        equal(rom[npde:npde + 4], b"NPDE", "extension")
        equal(struct.unpack_from("<H", rom, pcir + 0x10)[0] * 512, size, "size in the PCI header")
        equal(rom[npde + 10], 0x80 if (kind, at, size) == images[-1] else 0, "last image in the extension")
        equal(rom[pcir + 0x15], 0x80 if kind == 3 else rom[npde + 10], "last image in the PCI header")
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


@test("VBIOS: table of falcon programs and FWSEC's descriptor have the numbers of real boards")
@with_rom
def _(c, rom):
    images = c.rom_images(rom)
    table = c.rom_pointer(rom, struct.unpack_from("<I", rom, struct.unpack_from(
        "<H", rom, rom.index(b"\xff\xb8BIT\0") + 12 + 2 * 6 + 4)[0])[0])
    true(table >= images[3][1], "the table is not in the second 0xe0 image")
    equal(rom[table:table + 6], bytes((1, 6, 6, 16, 1, 48)), "table header")
    entries = [struct.unpack_from("<BBI", rom, table + 6 + 6 * i) for i in range(16)]
    equal([app for app, _target, _desc in entries if app], [0x01, 0x45, 0x85], "applications")
    desc = c.rom_pointer(rom, entries[9][2])
    (vdesc, stored, pkc, appif, imem_at, imem, virt, dmem_at, dmem, engine, ucode, count,
     versions) = struct.unpack_from("<9IHBBH", rom, desc)
    equal((vdesc, stored, pkc, appif), (0x32c0301, 0x10480, 0xb24, 0x1c), "descriptor")
    equal((imem_at, imem, virt, dmem_at, dmem), (0, 0xf700, 0, 0, 0xd80), "sizes")
    equal((engine, ucode, count, versions), (0x400, 9, 2, 3), "falcon and signatures")
    data = rom[desc + (vdesc >> 16) + imem:][:dmem]
    equal(struct.unpack_from("<4B4I", data, appif), (1, 4, 8, 2, 4, 0xae0, 5, 0xd2c), "interfaces")
    equal(struct.unpack_from("<4s2H4I", data, 0xae0), (b"DMAP", 3, 64, 0xd40, 0x40, 0, 0x100), "DMEM mapper")
    program = c.fwsec(FRTS)
    true(program.signatures[0] != program.signatures[1], "the signatures are the same")


@test("VBIOS: FWSEC for debug boards is refused")
def _():
    with Machine() as m:
        c = Client(m)
        c.wait_gfw()
        rom = c.vbios()
        c.vbios = lambda: rom.replace(bytes((0x85, 7)), bytes((0x77, 7))).replace(bytes((0x45, 7)), bytes((0x85, 7)))
        program = c.fwsec(FRTS, frts(c))
        true(len(program.code) < 0xf700, "not the one for debug boards")
        true(c.run(GSP, program, 0) != 0, "it ran")
        only(m, "fwsec-image")


def rom_file(data):
    """A file for property vbios."""
    file = tempfile.NamedTemporaryFile(suffix=".rom")       # pylint: disable=consider-using-with
    file.write(data)
    file.flush()
    return file


def own_rom():
    """The model's own VBIOS, to be made another of; it ends with the last image."""
    with Machine() as m:
        c = Client(m)
        rom = c.vbios()
        _kind, at, size = c.rom_images(rom)[-1]
        return bytearray(rom[:at + size])


def ifr(rom, version, lead=0x9400):
    """An IFR header in front, as flash chips of boards begin."""
    head = bytearray(b"\xff" * lead)
    if version == 3:
        struct.pack_into("<4sII", head, 0, b"NVGI", 0x80240300, 0x1fd8)
        struct.pack_into("<I", head, 0x1fd8, 0x4000)
        struct.pack_into("<4sII", head, 0x5000, b"RFRD", 0, lead)
    else:
        struct.pack_into("<4sI", head, 0, b"NVGI", 0x10 << 16 | version << 8)
        struct.pack_into("<I", head, 0x14, lead)
    return head + rom


def boots(rom, **props):
    """FWSEC of a flash chip runs."""
    with rom_file(rom) as file, Machine(vbios=file.name, **props) as m:
        c = Client(m)
        c.wait_gfw()
        equal(c.run(GSP, c.fwsec(FRTS, frts(c)), 0), 0, "FWSEC-FRTS")
        none(m)


@test("property vbios: a flash image with an IFR header; the window starts behind it")
def _():
    rom = own_rom()
    for version in 1, 2, 3:
        boots(ifr(rom, version))


@test("property vbios: without EFI image")
def _():
    rom = own_rom()
    boots(rom[:0x1000] + rom[0x1400:])


@test("property vbios: garbage behind the last image")
def _():
    boots(own_rom() + bytes(range(256)) * 4096)


@test("property prom-ifr: the window shows the flash from its first byte")
def _():
    flash = ifr(own_rom(), 3)
    for on in False, True:
        with rom_file(flash) as file, Machine(vbios=file.name, prom_ifr=on) as m:
            equal(m.read(m.BAR0 + 0x300000, 16), flash[:16] if on else flash[0x9400:0x9410], f"prom-ifr={on}")
            equal(m.read(m.BAR0 + 0x3ffff0, 16), b"\xff" * 16, "behind the flash")


def own_fwsec():
    """The model's own VBIOS, where FWSEC's descriptor is in it, and the program as a driver loads it."""
    rom = own_rom()
    with Machine() as m:
        c = Client(m)
        c.wait_gfw()
        program = c.fwsec(FRTS, frts(c))
    return rom, rom.index(program.code[:64]) - 2 * 384 - 44, program


@test("property vbios: other FWSEC than the board's is refused")
def _():
    rom, desc, program = own_fwsec()
    at = desc + 44 + 2 * 384
    for where, check in ((at + 0xf6ff, "fwsec-image"), (at + 0xf700 + 0xadf, "fwsec-image"),
                         (at - 2 * 384, None), (at - 384, "hs-signature")):
        other = bytearray(rom)
        other[where] ^= 1
        with rom_file(other) as file, Machine(vbios=file.name) as m:
            c = Client(m)
            c.wait_gfw()
            result = c.run(GSP, program, 0)
            if check:
                true(result != 0, f"byte 0x{where:x} makes no difference")
                only(m, check)
            else:
                equal(result, 0, "a signature for another fuse counts")


def does_not_run(rom, program, why=None):
    with rom_file(rom) as file, Machine(vbios=file.name) as m:
        c = Client(m)
        c.wait_gfw()
        equal(c.vbios()[:len(rom)], rom, "the window")
        true(c.run(GSP, program, 0) != 0, "it ran")
        only(m, "fwsec-image")
        if why:
            true(why in m.log(), f"'{why}' in {m.log()}")


# where in FWSEC's descriptor, what is written there, and what QEMU says
FLAWS = (
    (1, "B", 2, "not of version 3"), (0, "B", 0, "not of version 3"), (2, "<H", 44, "signatures do not fit"),
    (0x27, "B", 0, "signatures do not fit"), (0x27, "B", 5, "signatures do not fit"),
    (8, "<I", 0xc01, "do not fit into the falcon"), (8, "<I", 0xffffffff, "do not fit into the falcon"),
    (0x14, "<I", 0, "do not fit into the falcon"), (0x14, "<I", 0x10001, "do not fit into the falcon"),
    (0x20, "<I", 0x17f, "do not fit into the falcon"), (0x20, "<I", 0x10001, "do not fit into the falcon"),
)


@test("property vbios: a flash without usable FWSEC is shown, and nothing runs; QEMU says why")
def _():
    rom, desc, program = own_fwsec()
    for offset, fmt, value, why in FLAWS:
        other = bytearray(rom)
        struct.pack_into(fmt, other, desc + offset, value)
        does_not_run(other, program, why)


@test("property vbios: FWSEC whose data lead out of themselves")
def _():
    rom, desc, program = own_fwsec()
    data = desc + 44 + 2 * 384 + 0xf700
    for at, fmt, value in ((desc + 0xc, "<I", 0xd7d), (desc + 0xc, "<I", 0xffffffff), (data + 0x1f, "B", 0),
                           (data + 0x1d, "B", 0xff), (data + 0x24, "<I", 0xd80 - 63), (data + 0x24, "<I", 0xffffffff),
                           (data + 0x20, "<I", 6), (data + 0xae8, "<I", 0xd80 - 63), (data + 0xae8, "<I", 0xffffffff),
                           (data + 0xaec, "<I", 0x2b), (data + 0xaec, "<I", 0xffffffff)):
        other = bytearray(rom)
        struct.pack_into(fmt, other, at, value)
        changed = bytearray(program.data)
        if data <= at < data + 0xd80:
            struct.pack_into(fmt, changed, at - data, value)
        kept, program.data = program.data, changed
        does_not_run(other, program)
        program.data = kept


@test("property vbios: wherever the file is cut off, nothing behind is looked at")
def _():
    rom, desc, program = own_fwsec()
    code = desc + 44 + 2 * 384
    for size in (0x1000, 0x1400, 0x1a00, 0x1a20, desc, desc + 43, code, code + 0x8000, code + 0xf700 + 0xd7f):
        does_not_run(rom[:size], program)


@test("property vbios: an image of no size ends the images")
def _():
    rom, _desc, program = own_fwsec()
    for at in 0x50, 0x68:
        struct.pack_into("<H", rom, at, 0)
    with rom_file(rom) as file, Machine() as m:
        refused(m, file.name, "no PCI expansion ROM image")
    for at in 0x1050, 0x1068:
        rom = own_rom()
        struct.pack_into("<H", rom, at, 0)
        if at == 0x1068:
            does_not_run(rom, program, "no table of falcon programs")


@test("property vbios: stays when a fault is injected")
def _():
    rom = own_rom() + b"\x5a" * 64
    with rom_file(rom) as file, Machine(vbios=file.name) as m:
        m.set_property("fault-message", "drop:65")
        c = Client(m).boot()
        c.send(65, bytes(c.abi.sizes["GspStaticConfigInfo"]))
        m.step(10**7)
        equal(m.property("fault-message"), "", "the fault has fired")
        equal(m.property("vbios"), file.name, "property")
        m.ram.next = m.ram.WORK
        m.vm.qmp("system_reset")
        m.setup_pci()
        equal(Client(m).vbios()[:len(rom)], rom, "the window")


def refused(m, name, text):
    answer = m.set_property("vbios", name)
    true(text in answer.get("error", {}).get("desc", ""), f"{answer} has no '{text}'")


@test("property vbios: what is no flash image of an Ada board is refused by name")
def _():
    def with_id(device):
        rom = own_rom()
        struct.pack_into("<H", rom, 0x46, device)
        return rom

    for data, text in ((b"", "no PCI expansion ROM image"), (b"NVGI" + bytes(64), "no PCI expansion ROM image"),
                       (bytes(512), "no PCI expansion ROM image"), (with_id(0x1e87), "is of Turing (10de:1e87)"),
                       (with_id(0x2206), "is of Ampere (10de:2206)"), (with_id(0x2504), "is of Ampere (10de:2504)"),
                       (with_id(0x2331), "is of Hopper (10de:2331)"),
                       (with_id(0x2182), "is of Turing (10de:2182)"),
                       (with_id(0x2d04), "is of Blackwell (10de:2d04)"),
                       (with_id(0x1b06), "before Turing (10de:1b06)"),
                       (bytes(0x1000) + with_id(0x2d04),
                        "no PCI expansion ROM image at 0x0, it seems to be of Blackwell"),
                       (bytes(17 << 20), "more than the 16777216 of a flash")):
        with rom_file(data) as file, Machine() as m:
            refused(m, file.name, text)
    with Machine() as m:
        refused(m, "/nowhere/board.rom", "/nowhere/board.rom")
        equal(m.property("vbios"), "", "property")


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
