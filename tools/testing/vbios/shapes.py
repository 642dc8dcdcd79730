#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Flash images of many shapes, for those who have none of real boards.

    shapes.py FOLDER        writes one file per shape

All numbers of FWSEC, of the table of falcon programs and of the headers are those of
real Ada boards. Code, data and signatures are bytes of no meaning.
"""

import pathlib
import random
import struct
import sys

PC_AT, EFI, NVIDIA = 0x00, 0x03, 0xE0
BASE_SIZE = 0x1000
IFR_SIZE = 0x9400
SIG_SIZE = 384
DESC, TABLE = 0x10C, 0x12E0B  # in the image of FWSEC
INTERFACES, MAPPER, COMMAND = 0x1C, 0xAE0, 0xD40  # in FWSEC's data


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def header(image, kind, device, last, npde, npde_last=None):
    """ROM header, PCI data structure and, where wanted, NVIDIA's extension of it."""
    nvidia = kind == NVIDIA
    blocks = len(image) // 512
    struct.pack_into("<H", image, 0, 0x4E56 if nvidia else 0xAA55)
    struct.pack_into("<H", image, 0x18, 0x20)
    struct.pack_into("<4sHHHHB3sHHBB", image, 0x20, b"NPDS" if nvidia else b"PCIR", 0x10DE,
                     device & ~0x7F if nvidia else device, 0, 0x18, 0, b"\x00\x02\x03", blocks, 0, kind,
                     0x80 if last else 0)
    if npde:
        struct.pack_into("<4sHHHB", image, 0x40, b"NPDE", 0x101, 0x14, blocks,
                         0x80 if (last if npde_last is None else npde_last) else 0)


class Shape:
    """How an image is to look; the defaults are a desktop board's."""

    def __init__(self, **changes):
        self.device = 0x26B5
        self.efi = 1  # images of that kind
        self.npde = True
        self.no_last = False  # nobody says that it is the last image
        self.ifr = 0  # version of the header in front
        self.imem, self.dmem = 0xF700, 0xD80
        self.pkc = 0xB24
        self.applications = {8: 0x45, 9: 0x85}
        self.version = 3
        self.sigs, self.versions = 2, 3
        self.odd_bit = False
        self.table = TABLE
        for name, value in changes.items():
            if not hasattr(self, name):
                raise TypeError(name)
            setattr(self, name, value)

    def base(self, expansion_size):
        image = bytearray(BASE_SIZE)
        header(image, PC_AT, self.device, False, self.npde)
        struct.pack_into("<HIHBBB", image, 0x1B0, 0xB8FF, 0x544942, 0x100, 12, 6, 2)
        image[0x1BB] = (-sum(image[0x1B0:0x1BB]) & 0xFF) ^ self.odd_bit
        struct.pack_into("<BBHH", image, 0x1BC, ord("i"), 2, 16, 0x200)
        struct.pack_into("<BBHH", image, 0x1C2, 0x70, 2, 4, 0x220)
        image[0x200:0x205] = bytes((1, 0, 2, 0x95, 1))
        struct.pack_into("<I", image, 0x220, BASE_SIZE + expansion_size + self.table)
        return image

    def fwsec(self, seed):
        """Descriptor, signatures, code and data."""
        desc = struct.pack("<9IHBBHH", (44 + self.sigs * SIG_SIZE) << 16 | self.version << 8 | 1,
                           self.imem + self.dmem, self.pkc, INTERFACES, 0, self.imem, 0, 0, self.dmem,
                           0x400, 9, self.sigs, self.versions, 0x9249)
        data = bytearray(noise(self.dmem, seed + 1))
        struct.pack_into("<4B4I", data, INTERFACES, 1, 4, 8, 2, 4, MAPPER, 5, 0xD2C)
        struct.pack_into("<4s2H12I", data, MAPPER, b"DMAP", 3, 64, COMMAND, 0x40, 0, 0x100, *[0] * 8)
        return desc + noise(self.sigs * SIG_SIZE, seed + 2) + noise(self.imem, seed) + bytes(data)

    def build(self):
        images = []
        for _ in range(self.efi):
            efi = bytearray(noise(0x400, 3))
            efi[:0x60] = bytes(0x60)
            header(efi, EFI, self.device, True, self.npde, npde_last=False)
            if not self.npde:
                header(efi, EFI, self.device, False, False)
            images.append(efi)
        first = bytearray(0x600)
        header(first, NVIDIA, self.device, False, self.npde)
        second = bytearray(0x13000)
        header(second, NVIDIA, self.device, not self.no_last, self.npde)
        program = self.fwsec(7)
        second[DESC:DESC + len(program)] = program
        at = BASE_SIZE + len(first)
        struct.pack_into("<6B", second, self.table, 1, 6, 6, 16, 1, 48)
        for index, application in self.applications.items():
            # the one for debug boards is not looked at, so it can be the same
            struct.pack_into("<BBI", second, self.table + 6 + 6 * index, application, 7, at + DESC)
        rom = b"".join(map(bytes, [self.base(len(first)), *images, first, second]))
        return self.ifr_header() + rom

    def ifr_header(self):
        if not self.ifr:
            return b""
        head = bytearray(b"\xff" * IFR_SIZE)
        if self.ifr == 3:
            struct.pack_into("<4s2I", head, 0, b"NVGI", 0x80240300, 0x1FD8)
            struct.pack_into("<I", head, 0x1FD8, 0x4000)
            struct.pack_into("<4s2I", head, 0x5000, b"RFRD", 0, IFR_SIZE)
        else:
            # bit 31 is no part of the size; boards have it set
            struct.pack_into("<4sI", head, 0, b"NVGI", 1 << 31 | 0x10 << 16 | self.ifr << 8)
            struct.pack_into("<I", head, 0x14, IFR_SIZE)
        return bytes(head)


def cut(rom, at):
    return rom[:at]


# Shapes that every driver boots, and how they come about
GOOD = {
    "desktop": Shape(),
    "no-efi": Shape(efi=0),
    "two-efi": Shape(efi=2),
    "ifr-v1": Shape(ifr=1),
    "ifr-v2": Shape(ifr=2),
    "ifr-v3": Shape(ifr=3),
    "no-npde": Shape(npde=False, efi=0),
    "no-last-bit": Shape(no_last=True),
    "dmem-1-short-of-a-block": Shape(dmem=0xDFF),
    "dmem-1-over-a-block": Shape(dmem=0xE01),
    "dmem-whole-blocks": Shape(dmem=0xE00),
    "older-board": Shape(imem=0xF200),
    "laptop": Shape(device=0x28E0, dmem=0xDA0),
    "one-signature": Shape(sigs=1, versions=2),
    "odd-bit-checksum": Shape(odd_bit=True),
    "table-first": Shape(table=0x50),
}

# What no driver boots with, and what ours has to say
BAD = {
    "turing-descriptor": (Shape(version=2), "descriptor version 2, expected 3"),
    "only-debug-fwsec": (Shape(applications={8: 0x45}), "has no FWSEC"),
    "no-signature": (Shape(sigs=0, versions=0), "0 signatures, room for 0"),
}


def shapes():
    """{name: (bytes, what our driver says, None where it boots)}"""
    made = {name: (shape.build(), None) for name, shape in GOOD.items()}
    # pylint: disable-next=no-member
    made |= {name: (shape.build(), why) for name, (shape, why) in BAD.items()}
    rom = Shape().build()
    made["garbage-behind"] = rom + noise(2048000 - len(rom), 9), None
    ends = {"base": BASE_SIZE, "efi": BASE_SIZE + 0x400, "first-nvidia": BASE_SIZE + 0xA00}
    for name, at in ends.items():
        why = f"images end at {at:#x}; image at {at:#x} has signature 0xffff"
        made[f"cut-behind-{name}"] = cut(rom, at), why
    # behind the cut the flash reads as ones, and so does the table
    made["cut-before-table"] = cut(rom, BASE_SIZE + 0xA00 + 0x4000), "programs: version 255"
    # the table is there, but the image of FWSEC says that it ends before its program does
    short = bytearray(Shape(table=0x50).build()[:BASE_SIZE + 0xA00 + 0x4000])
    for at in 0x30, 0x48:
        struct.pack_into("<H", short, BASE_SIZE + 0xA00 + at, 0x4000 // 512)
    made["cut-in-fwsec"] = bytes(short), "IMEM load size 0xf700"
    return made


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (rom, _why) in shapes().items():
        (folder / f"{name}.rom").write_bytes(rom)


if __name__ == "__main__":
    main()
