# SPDX-License-Identifier: GPL-2.0-or-later
"""One thing of a boot broken at a time: what the boot ROM, FWSEC, the booter and GSP-RM's start must refuse."""

import copy
import struct

from gspclient import BootError, Client, FRTS, GSP, Machine, MIB, PAGE, R535, SB, SEC2
from harness import CASES, Case, accepts, broken_boot, equal, only, programs, refuses, stays, test, true, wpr2

# ---- boot ROM --------------------------------------------------------------------------------------------------------

PROGRAMS = ("fwsec", "scrubber", "booter_load", "booter_unload")


def edit(name, function):
    return lambda c: c.edit.update({name: function})


def flip(where, at):
    """Flips a bit of @where ("code" or "data") at an offset, or at one that is relative to the signature."""
    def change(p):
        getattr(p, where)[at + (p.at if where == "data" else 0)] ^= 0x40
    return change


def put(where, key, value):
    return lambda p: getattr(p, where).update({key: value})


def refuses_unload(check, mutation, _stage, change, **props):
    """The same for booter_unload, after which WPR2 is as it was."""
    def run():
        with Machine(**props) as m:
            c = Client(m).boot()
            c.goodbye()
            equal(c.run(GSP, c.fwsec(SB), 0), 0, "FWSEC-SB")
            before = wpr2(m)
            equal(before, (c.meta["gspFwWprStart"], c.meta["gspFwWprEnd"]), "WPR2")
            change(c)
            true(c.run(SEC2, c.fw.booter_unload, 0xff << 32 | 0xff), "booter_unload succeeded")
            only(m, check)
            equal((wpr2(m), programs(m).get("booter-unload")), (before, None), "WPR2, runs")
            c.edit.clear()
            equal((c.run(SEC2, c.fw.booter_unload, 0xff << 32 | 0xff), wpr2(m)), (0, (0, 0)), "as it should be")
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


for NAME in PROGRAMS:
    REFUSES = refuses_unload if NAME == "booter_unload" else refuses
    UNKNOWN = "fwsec-image" if NAME == "fwsec" else "hs-image"
    for CHECK, MUTATION, CHANGE in (
            ("hs-signature", "first byte of the signature flipped", flip("data", 0)),
            ("hs-signature", "last byte of the signature flipped", flip("data", 383)),
            (UNKNOWN, "byte of the code flipped", flip("code", 0x123)),
            (UNKNOWN, "byte of the data behind the signature flipped", flip("data", 384)),
            ("hs-brom-paraaddr", "PARAADDR 16 too high", lambda p: p.regs.update(pkc=p.at + 16)),
            ("hs-brom-engine", "engine mask 2", put("regs", "engine", 2)),
            ("hs-brom-ucode-id", "ucode id 5", put("regs", "ucode_id", 5)),
            ("hs-brom-algorithm", "MOD_SEL 0", put("regs", "algorithm", 0)),
            ("hs-boot-vector", "boot vector 0x200", put("regs", "boot_vector", 0x200)),
            ("hs-imem-tag", "tags one block too high", lambda p: setattr(p, "tag", p.tag + 0x100)),
            ("hs-imem-secure", "IMEM not marked secure", put("dma", "imem", 0x610)),
    ):
        REFUSES(CHECK, f"{NAME}: {MUTATION}", "start", edit(NAME, CHANGE))

    def other_signature(p):
        good = bytes(p.data[p.at:p.at + 384])
        p.data[p.at:p.at + 384] = next(s for s in p.signatures if s != good)

    REFUSES("hs-signature-fuse", f"{NAME}: the other fuse version's signature", "start", edit(NAME, other_signature))
    REFUSES("hs-signature-fuse", f"{NAME}: the same with no fuse blown", "start", edit(NAME, other_signature),
            fuse_sec2=0, fuse_gsp=0)



def refuses_load(program, check, mutation, change, why=""):
    """A DMA set-up with which the program does not get there: the falcon halts, and nothing was done."""
    def run():
        with Machine() as m:
            c = Client(m)
            error, before = broken_boot(c, "start", edit(program, lambda p: p.dma.update(change)))
            true(error, "it booted")
            true(check in m.refusals() and why in m.log(), f"refusals: {m.refusals()}")
            stays(m, error, check, before)
    CASES.append(Case(f"refuses {check}: {program}: {mutation}", run, check, f"{program}: {mutation}"))


for NAME in PROGRAMS[:3]:
    for CHECK, MUTATION, CHANGE in (
            ("falcon-dma-size", "IMEM by 128 bytes", {"imem": 0x514, "chunk": 128}),
            ("falcon-dma-context", "no physical DMA", {"fbif": 0}),
            ("falcon-dma-context", "DMA in a context", {"transcfg": 1}),
            ("falcon-dma-target", "DMA from nowhere", {"transcfg": 7}),
    ):
        refuses_load(NAME, CHECK, MUTATION, CHANGE)
    refuses("fwsec-image" if NAME == "fwsec" else "hs-image", f"{NAME}: DMA from framebuffer", "start",
            edit(NAME, lambda p: p.dma.update(transcfg=4)))

# ---- FWSEC -----------------------------------------------------------------------------------------------------------


def record(fmt, at, value):
    """Overwrites a field of the command buffer."""
    return edit("fwsec", lambda p: struct.pack_into(fmt, p.data, p.record + at, value))


for CHECK, MUTATION, AT, VALUE in (
        ("fwsec-vbios-record", "VBIOS record of version 2", 0, 2),
        ("fwsec-vbios-record", "VBIOS record of 20 bytes", 4, 20),
        ("fwsec-vbios-record", "VBIOS record with an image offset", 8, 0x1000),
        ("fwsec-vbios-record", "VBIOS record with an image size", 16, 0x1000),
        ("fwsec-vbios-record", "VBIOS record with other flags", 20, 0),
        ("fwsec-frts-record", "FRTS record of version 2", 24, 2),
        ("fwsec-frts-record", "FRTS record of 24 bytes", 28, 24),
        ("fwsec-frts-record", "FRTS region of 2 MiB", 36, 0x200),
        ("fwsec-frts-record", "FRTS region in system memory", 40, 1),
        ("fwsec-frts-align", "FRTS region 4 KiB off", 32, 0xb3f201),
        ("fwsec-frts-region", "FRTS region past the end of FB", 32, 0xb3f400),
        ("fwsec-frts-region", "FRTS region half outside", 32, 0xb3f380),
        ("fwsec-frts-region", "FRTS region in the VGA workspace", 32, 0xb3f300),
        ("fwsec-frts-region", "FRTS region half in the VGA workspace", 32, 0xb3f220),
        ("fwsec-frts-region", "FRTS region at 0", 32, 0),
):
    refuses(CHECK, MUTATION, "start", record("<I", AT, VALUE))

refuses("fwsec-command", "command 0x16", "start",
        edit("fwsec", lambda p: struct.pack_into("<I", p.data, p.command, 0x16)))
refuses("fwsec-wpr2-up", "WPR2 up at power-on", "start", lambda c: None, wpr2_up=True)


def sb_refused():
    """FWSEC-SB judges the same record, and tells of an error in a scratch register of its own."""
    with Machine() as m:
        c = Client(m).boot()
        c.goodbye()
        record("<I", 0, 2)(c)
        true(c.run(GSP, c.fwsec(SB), 0), "FWSEC-SB succeeded")
        only(m, "fwsec-vbios-record")
        true(m.rd(0x1454) & 0xffff, "no error in its scratch register")
        equal(programs(m).get("fwsec-sb"), None, "runs")
        c.edit.clear()
        equal((c.run(GSP, c.fwsec(SB), 0), m.rd(0x1454) & 0xffff), (0, 0), "as it should be")


CASES.append(Case("refuses fwsec-vbios-record: VBIOS record of version 2 for SB", sb_refused, "fwsec-vbios-record",
                  "VBIOS record of version 2 for SB"))


def other_board(c):
    """FWSEC of a board that has one, on a board whose VBIOS has none."""
    with Machine() as donor:
        other = Client(donor)
        layout = other.layout()
        program = other.fwsec(FRTS, (layout["frtsOffset"], layout["frtsSize"]))
    c.fwsec = lambda _command, _region: program


refuses("fwsec-image", "FWSEC of another board where the VBIOS has none", "start", other_board, vbios_fwsec=False)


def mapper_byte_by_byte():
    """FWSEC's DMEM mapper, of which the host may write the command only."""
    name = "FALCON_APPLICATION_INTERFACE_DMEM_MAPPER_V3"
    with Machine() as m:
        c = Client(m)
        c.prepare()
        program, work = c.fwsec(FRTS, c.frts_region), c.ram.next
        start, size = program.command - c.abi.members[name, "init_cmd"][0], c.abi.sizes[name]
        for at in range(start, start + size):
            if not 0 <= at - program.command < 4:
                c.ram.next = work
                program.data[at] ^= 0x40
                true(c.run(GSP, program, 0), f"FWSEC ran with byte {at - start} of its mapper flipped")
                program.data[at] ^= 0x40
        equal(m.refusals(), {"fwsec-image": size - 4}, "refusals")
        equal(c.run(GSP, program, 0), 0, "FWSEC as it should be")


CASES.append(Case("refuses fwsec-image: bytes of the DMEM mapper", mapper_byte_by_byte, "fwsec-image",
                  "each byte of the DMEM mapper but the command flipped"))

# ---- WPR meta --------------------------------------------------------------------------------------------------------


def meta(**fields):
    """Sets fields; a callable gets the whole of them."""
    def change(c):
        c.meta.update({k: v(c.meta) if callable(v) else v for k, v in fields.items()})
    return change


refuses("wpr-meta-magic", "magic off by one", "made", meta(magic=0xdc3aae21371a60b4))
refuses("wpr-meta-magic", "magic of a resume", "made", meta(magic=0x8a3bb9e6c6c39d93))
refuses("wpr-meta-revision", "revision 2", "made", meta(revision=2))
refuses("wpr-meta-verified", "verified by the host", "made", meta(verified=0xa0a0a0a0a0a0a0a0))
refuses("wpr-meta-fb-size", "fbSize 1 MiB short", "made",
        meta(fbSize=lambda m: m["fbSize"] - MIB, vgaWorkspaceSize=0))
refuses("wpr-meta-address", "its address 16 bytes off", "stored", lambda c: setattr(c, "meta_at", c.meta_at + 16))
refuses("wpr-meta-address", "its address outside of memory", "stored", lambda c: setattr(c, "meta_at", 1 << 45))

for FIELD, STEP in (("gspFwRsvdStart", 64 << 10), ("nonWprHeapOffset", 64 << 10), ("gspFwWprStart", 64 << 10),
                    ("gspFwHeapOffset", 64 << 10), ("gspFwHeapSize", 4096), ("gspFwOffset", 4096),
                    ("bootBinOffset", 0x800), ("frtsOffset", 0x800), ("gspFwWprEnd", 0x10000)):
    refuses("wpr-meta-align", f"{FIELD} 0x{STEP:x} lower", "made",
            meta(**{FIELD: lambda m, f=FIELD, s=STEP: m[f] - s}), why=FIELD)

# Each field moved up over its neighbour by more than there is room for
for FIELD, STEP in (("gspFwRsvdStart", 2 * MIB), ("nonWprHeapOffset", 2 * MIB), ("gspFwWprStart", 2 * MIB),
                    ("gspFwHeapOffset", 16 * MIB), ("gspFwOffset", 1 * MIB), ("bootBinOffset", 0x1000),
                    ("frtsOffset", 1 * MIB), ("gspFwWprEnd", 2 * MIB), ("vgaWorkspaceOffset", 2 * MIB)):
    refuses("wpr-meta-order", f"{FIELD} 0x{STEP:x} higher", "made",
            meta(**{FIELD: lambda m, f=FIELD, s=STEP: m[f] + s}), why=FIELD)
for FIELD, STEP in (("nonWprHeapSize", MIB), ("gspFwHeapSize", 16 * MIB), ("sizeOfRadix3Elf", 64 << 10),
                    ("sizeOfBootloader", 0x1000), ("frtsSize", MIB), ("vgaWorkspaceSize", MIB)):
    refuses("wpr-meta-order", f"{FIELD} 0x{STEP:x} larger", "made",
            meta(**{FIELD: lambda m, f=FIELD, s=STEP: m[f] + s}))
# Nothing of a size of 0 at its neighbour's place
for FIELD, SIZE, NEXT, AT in (("nonWprHeapOffset", "nonWprHeapSize", "gspFwWprStart", "gspFwWprStart"),
                              ("gspFwHeapOffset", "gspFwHeapSize", "gspFwOffset", "gspFwHeapOffset"),
                              ("gspFwOffset", "sizeOfRadix3Elf", "bootBinOffset", "gspFwOffset"),
                              ("bootBinOffset", "sizeOfBootloader", "frtsOffset", "frtsOffset"),
                              ("frtsOffset", "frtsSize", "gspFwWprEnd", "gspFwWprEnd")):
    refuses("wpr-meta-order", f"{FIELD} is {NEXT}", "made",
            meta(**{SIZE: 0, FIELD: lambda m, a=AT: m[a], NEXT: lambda m, a=AT: m[a]}), why=FIELD)
refuses("wpr-meta-order", "gspFwHeapOffset wraps around 2^64", "made", meta(gspFwHeapSize=(1 << 64) - MIB))


def heap(mib):
    """A heap of @mib at the same end, the rest below it moved along."""
    def change(c):
        m = c.meta
        step = m["gspFwHeapSize"] - mib * MIB
        m["gspFwHeapSize"] -= step
        for field in ("gspFwHeapOffset", "gspFwWprStart", "nonWprHeapOffset", "gspFwRsvdStart"):
            m[field] += step
    return change


def huge_heap(c):
    """A heap that leaves 32 MiB of framebuffer below it."""
    heap((c.meta["gspFwHeapSize"] + c.meta["gspFwRsvdStart"]) // MIB - 32)(c)


refuses("fb-small", "32 MiB left for all but GSP-RM", "made", huge_heap)
refuses("wpr-heap-size", "580 MiB with 32 VF partitions", "made", heap(580))
refuses("wpr-heap-size", "bare-metal heap with 32 VF partitions", "made", heap(131))
refuses("wpr-heap-size", "87 MiB, bare", "made", heap(87), vgpu=False)
accepts("wpr-heap-size", "88 MiB, bare", "made", heap(88), vgpu=False)
accepts("wpr-heap-size", "87 MiB, bare, checks of hashes only", "made", heap(87), vgpu=False, fw_check="hash")
accepts("wpr-heap-size", "87 MiB, bare, no checks", "made", heap(87), vgpu=False, fw_check="off")
refuses("wpr-heap-size", "548 MiB with 32 VF partitions, 535", "made", heap(548), release=R535, scrubbed=True)
refuses("wpr-heap-size", "83 MiB, bare, 535", "made", heap(83), release=R535, vgpu=False)
for COUNT in (1, 7, 31):
    refuses("wpr-partition-count", f"{COUNT} VF partitions", "made", meta(gspFwHeapVfPartitionCount=COUNT))
refuses("wpr-partition-count", "33 VF partitions", "made", meta(gspFwHeapVfPartitionCount=33))
refuses("wpr-partition-count", "255 VF partitions", "made", meta(gspFwHeapVfPartitionCount=255))
refuses("wpr-meta-frts", "FRTS not where FWSEC put it", "made",
        meta(**{f: lambda m, f=f: m[f] - MIB for f in ("frtsOffset", "gspFwWprEnd", "bootBinOffset", "gspFwOffset",
                                                      "gspFwHeapOffset", "gspFwWprStart", "nonWprHeapOffset",
                                                      "gspFwRsvdStart")}))
refuses("wpr-meta-frts", "512 KiB of FRTS", "made", meta(frtsSize=MIB // 2))
refuses("wpr-meta-frts", "FRTS was never run", "start", lambda c: setattr(c, "frts", lambda: None))


def unscrubbed(mib, booter=lambda c: None):
    """GSP-RM takes @mib at the end of framebuffer; the scrubber does not run, but @booter in its place."""
    def change(c):
        heap(c.meta["gspFwHeapSize"] // MIB + mib - (c.meta["fbSize"] - c.meta["gspFwRsvdStart"]) // MIB)(c)
        c.scrub = lambda: booter(c)
    return change


def write_handoff(c):
    """The field is the firmware's, writes of the CPU are lost."""
    c.m.wr(0x1180fc, 0xffffffff)
    equal(c.m.rd(0x1180fc) >> 29, 0, "scrubber handoff")


refuses("scrubber-skipped", "581 MiB heap, no scrubber", "start", lambda c: setattr(c, "scrub", lambda: None))
refuses("scrubber-skipped", "257 MiB at the end, no scrubber", "made", unscrubbed(257), vgpu=False)
refuses("scrubber-skipped", "257 MiB, the CPU says that they are scrubbed", "made", unscrubbed(257, write_handoff),
        vgpu=False)
accepts("scrubber-skipped", "256 MiB at the end, no scrubber", "made", unscrubbed(256), vgpu=False)

# ---- what it points to -----------------------------------------------------------------------------------------------


def in_memory(what, at):
    """Flips a bit in what lies in memory."""
    return lambda c: c.ram.flip(getattr(c, what) + at)


def image(page, at):
    """Flips a bit of the image in a copy of one page, as the image itself serves all tests."""
    def change(c):
        table, slot = c.radix["level2"][page // 512], page % 512 * 8
        copy = c.ram.put(c.ram.read(c.radix["pages"][page], PAGE))
        c.ram.flip(copy + at)
        c.ram.write(table + slot, struct.pack("<Q", copy))
    return change


def entry(level, index, value):
    """Replaces a radix3 entry; a callable gets the old one."""
    def change(c):
        at = (c.radix["level2"][index // 512] if level == "level2" else c.radix[level]) + index % 512 * 8
        old, = struct.unpack("<Q", c.ram.read(at, 8))
        c.ram.write(at, struct.pack("<Q", value(old) if callable(value) else value))
    return change


def swap(a, b):
    def change(c):
        table = c.radix["level2"][0]
        one, two = c.ram.read(table + 8 * a, 8), c.ram.read(table + 8 * b, 8)
        c.ram.write(table + 8 * a, two)
        c.ram.write(table + 8 * b, one)
    return change


for PAGE_NO, AT in ((0, 0), (511, 4095), (512, 0), (7000, 1234), (15512, 4095)):
    refuses("gsp-image-hash", f"bit of image page {PAGE_NO} flipped", "stored", image(PAGE_NO, AT))
refuses("gsp-image-hash", "bit of image page 9287 flipped, 535", "stored", image(9287, 4095), release=R535, vgpu=False)
refuses("gsp-image-hash", "bit of image page 7 flipped, checks of hashes only", "stored", image(7, 7), vgpu=False,
        fw_check="hash")
accepts("gsp-image-hash", "bit of image page 7 flipped, no checks", "stored", image(7, 7), vgpu=False, fw_check="off")
refuses("gsp-image-hash", "two radix3 entries swapped", "stored", swap(3, 4))
refuses("radix3-entry", "root entry 0", "stored", entry("root", 0, 0))
refuses("radix3-entry", "root entry not aligned", "stored", entry("root", 0, lambda v: v + 8))
refuses("radix3-entry", "level 1 entry 0 is 0", "stored", entry("level1", 0, 0))
refuses("radix3-entry", "level 1 entry 30 outside of memory", "stored", entry("level1", 30, 1 << 45))
refuses("radix3-entry", "level 2 entry 5 with a flag bit", "stored", entry("level2", 5, lambda v: v | 1))
refuses("radix3-entry", "last level 2 entry is 0", "stored", entry("level2", 15512, 0))
refuses("radix3-entry", "root address not aligned", "made",
        meta(sysmemAddrOfRadix3Elf=lambda m: m["sysmemAddrOfRadix3Elf"] + 256))
refuses("gsp-image-size", "one page short", "made", meta(sizeOfRadix3Elf=lambda m: m["sizeOfRadix3Elf"] - PAGE))
refuses("gsp-image-size", "size 0", "made", meta(sizeOfRadix3Elf=0))
refuses("gsp-signature", "first byte flipped", "stored", in_memory("signature", 0))
refuses("gsp-signature", "last byte flipped", "stored", in_memory("signature", 4095))
refuses("gsp-signature-size", "2048 bytes", "made", meta(sizeOfSignature=2048))
refuses("gsp-signature-address", "outside of memory", "made", meta(sysmemAddrOfSignature=1 << 45))
refuses("bootloader-hash", "byte of its code flipped", "stored", in_memory("bootloader", 0x4800))
refuses("bootloader-hash", "byte of its manifest flipped", "stored", in_memory("bootloader", 0))
refuses("bootloader-size", "one page short", "made", meta(sizeOfBootloader=lambda m: m["sizeOfBootloader"] - PAGE))
refuses("bootloader-address", "outside of memory", "made", meta(sysmemAddrOfBootloader=1 << 45))
for FIELD, VALUE in (("Code", 0x4900), ("Data", 0x1000), ("Manifest", 0x100)):
    refuses("bootloader-offsets", f"{FIELD.lower()} outside of it", "made",
            meta(**{f"bootloader{FIELD}Offset": lambda m: m["sizeOfBootloader"]}), why="are outside of")
    refuses("bootloader-offsets", f"{FIELD.lower()} elsewhere", "made", meta(**{f"bootloader{FIELD}Offset": VALUE}),
            why="are not where")


def other_release(c):
    """The other release's image, signature and bootloader behind this release's booter."""
    booter, c.fw = c.fw.booter_load, copy.copy(Client(c.m, R535).fw)
    c.fw.booter_load = booter


refuses("gsp-image-release", "535 behind the booter of 570", "start", other_release, vgpu=False)

# ---- faults ----------------------------------------------------------------------------------------------------------


def fault(name, value, mutation, expect, **props):
    def run():
        with Machine(**{name: value}, **props) as m:
            c = Client(m)
            try:
                c.boot()
            except BootError as error:
                true(expect in str(error), f"{error}")
                equal(m.refusals(), {}, "refusals")
            else:
                raise AssertionError("it booted")
    CASES.append(Case(f"fault {name}={value}: {mutation}", run))


fault("fault_scrubber", 0x31, "its value in mailbox 0", "scrubber: 0x31")
fault("fault_booter", 0x42, "its value in mailbox 0", "booter_load: 0x42")

# ---- GSP-RM's start --------------------------------------------------------------------------------------------------


def drop_rmargs(c):
    c.libos = [entry for entry in c.libos if entry[0] != "RMARGS"]


def libos(index, field, value):
    return lambda c: c.libos[index].__setitem__(field, value)


def args(**fields):
    names = {"shm": "sharedMemPhysAddr", "count": "pageTableEntryCount", "cmd": "cmdQueueOffset",
             "stat": "statQueueOffset"}
    return lambda c: c.rmargs.update({f"messageQueueInitArguments.{names[k]}": v for k, v in fields.items()})


refuses("libos-args", "no RMARGS", "made", drop_rmargs)
refuses("libos-args", "RMARGS of 64 bytes", "made", libos(3, 2, 64))
refuses("libos-args", "LOGRM in framebuffer", "made", libos(2, 4, 2))
refuses("libos-args", "RMARGS not contiguous", "made", libos(3, 3, 2))
for INDEX, NAME in enumerate(("LOGINIT", "LOGINTR", "LOGRM", "RMARGS")):
    for MUTATION, FIELD, CHANGE, WHY in (
            ("of no bytes", 2, lambda old: 0, "not whole pages"),
            ("of a page and 16 bytes", 2, lambda old: PAGE + 16, "not whole pages"),
            ("16 bytes off", 1, lambda old: old + 16, "not whole pages"),
            ("around the end of the address space", 1, lambda old: (1 << 64) - PAGE, "not whole pages"),
            ("outside of memory", 1, lambda old: 1 << 45, "not to be read"),
            ("that ends outside of memory", 2, lambda old: 1 << 45, "not to be read"),
    ):
        refuses("libos-args", f"{NAME} {MUTATION}", "made", lambda c, i=INDEX, f=FIELD, new=CHANGE:
                libos(i, f, new(c.libos[i][f]))(c), why=WHY)
refuses("libos-args", "LOGRM that starts outside of memory and ends in that of the BIOS", "made",
        lambda c: (libos(2, 1, 0xe0000000)(c), libos(2, 2, 0x20000000)(c)), why="not to be read")
accepts("libos-args", "a region that nobody knows, before the others", "made",
        lambda c: c.libos.insert(0, ["LOGMNOC", 0x123, 5, 7, 9]))
refuses("libos-args", "their page not aligned", "stored", lambda c: setattr(c, "libos_at", c.libos_at + 32))
refuses("rmargs", "no pages of shared memory", "made", args(count=0))
refuses("rmargs", "shared memory not aligned", "made", lambda c: args(shm=c.shm[0] + 0x100)(c))
refuses("rmargs", "a resume", "made", lambda c: c.rmargs.update({"srInitArguments.bInPMTransition": 1}))
refuses("dma-fault", "shared memory where there is none", "made", args(shm=1 << 45))
refuses("rmargs", "both queues at the same place", "made", args(stat=0x1000))
refuses("rmargs", "status queue behind the shared memory", "made", args(stat=0x81000))
refuses("rmargs", "command queue behind the shared memory", "made", args(cmd=0x81000))
refuses("rmargs", "command queue 16 bytes off", "made", args(cmd=0x1010))
refuses("rmargs", "status queue 16 bytes off", "made", args(stat=0x41010))
refuses("queue-header", "queues do not fit", "made", args(count=100))
refuses("queue-header", "status queue in the command queue", "made", args(stat=0x2000))
for FIELD, VALUE in (("version", 1), ("size", 0x80000), ("msgSize", 0x800), ("msgCount", 62), ("flags", 0),
                     ("rxHdrOff", 0x10), ("entryOff", 0x20000)):
    refuses("queue-header", f"{FIELD} 0x{VALUE:x}", "made",
            lambda c, f=FIELD, v=VALUE: c.queue_header.update({f: v}))
refuses("queue-pte", "first entry is not the page itself", "stored",
        lambda c: c.shm_write(0, struct.pack("<Q", c.shm[1])))
refuses("queue-pte", "entry 50 not aligned", "stored", lambda c: c.shm_write(400, struct.pack("<Q", c.shm[50] + 8)))
refuses("queue-pte", "entry 50 is 0", "stored", lambda c: c.shm_write(400, bytes(8)))


@test("booter_load that was refused leaves WPR2, RISC-V and GSP-RM as they were")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        c.meta["revision"] = 2
        c.store()
        c.frts()
        c.scrub()
        try:
            c.load_gsp()
        except BootError:
            pass
        equal(m.rd(0x1fa824) >> 4 << 12, c.frts_region[0], "WPR2 LO")
        equal(wpr2(m), (c.frts_region[0], sum(c.frts_region)), "WPR2")
        equal(m.rd(0x111388), 0, "RISC-V")
        only(m, "wpr-meta-revision")
        c.meta["revision"] = 1
        c.store()
        c.first_commands()
        c.load_gsp()
        c.wait_init_done()
