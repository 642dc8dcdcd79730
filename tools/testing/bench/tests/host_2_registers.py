# SPDX-License-Identifier: GPL-2.0-only
"""
A register of the GPU reads as it must not: while the driver is bound, and while it is unbound. It
says which, and the next correct try works.
"""

import re
import struct

from bench_test import expect, host_test
from faults import ours
from gpu import BIND, UNBIND, KernelLog
from probe import refused, start, works

BAD = 0xbadf5040  # what the GPU's bus has in place of a register that nobody answers for
WPR2_LO, WPR2_HI = 0x1fa824, 0x1fa828
GSP, SEC2 = 0x110000, 0x840000
GSP_MAILBOX, FRTS_RESULT, GSP_FUSE, SEC2_FUSE = GSP + 0x40, 0x1438, 0x8241e0, 0x824148
DISPLAY, PROM = 0x820c04, 0x300000
SEQUENCE_FAILED = "GSP-RM died before GSP_INIT_DONE: its boot sequence cannot be carried out"

# register, what it reads as, errno, what is said
AT_BIND = (
    (0x0, 0xffffffff, "ENODEV", "the GPU does not answer"),
    (0xa00, 0x17000000, "ENODEV", "chip 0x17000000 is not of the Ada generation"),
    (WPR2_HI, BAD, "EIO", "register of WPR2's end reads as error 0xbadf5040"),
    (0x1183a4, BAD, "EIO", "register of the framebuffer's size reads as error 0xbadf5040"),
    (0x1183a4, 64, "ENOSPC", "framebuffer of 64 MiB is too small for GSP-RM"),
    (WPR2_LO, 0x100, "EIO", "FWSEC-FRTS made WPR2 0x10000-0x[0-9a-f]+, not at 0x[0-9a-f]+"),
    (0x1180fc, 0, "EIO", "scrubber on sec2 ended without result, register 0x0"),
    (PROM, 0, "ENODEV", "VBIOS not found"),
    # fuses: which version of a program is still allowed
    (GSP_FUSE, BAD, "EIO", "gsp falcon: version fuse 0x8241e0 reads as error 0xbadf5040"),
    (GSP_FUSE, 0x8000, "ENODEV", "FWSEC: [0-9]+ signatures for versions 0x[0-9a-f]+, none for fuse 0x8000"),
    (SEC2_FUSE, BAD, "EIO", "sec2 falcon: version fuse 0x824148 reads as error 0xbadf5040"),
    (SEC2_FUSE, 0x8000, "EINVAL", "has no signature for version fuse 0x8000"),
)
# A falcon whose memory is cleared for ever, whose core is not switched, whose DMA or program has no
# end, and what it says. The start of GSP-RM is undone on the same falcons, so two say it again.
FALCONS = (
    (GSP + 0xf4, 1 << 12, ["gsp falcon: memory is not scrubbed after reset"] * 2),
    (GSP + 0x1668, 1 << 4, ["gsp falcon: stays with its RISC-V core"] * 2),
    (GSP + 0x118, 1, ["gsp falcon: DMA does not finish"]),
    (SEC2 + 0x118, 0, ["sec2 falcon: DMA does not finish"] * 2),
    (GSP + 0x100, 0, ["FWSEC-FRTS failed: does not end, mailbox 0x0, error 0x0",
                      "FWSEC-SB failed: does not end, mailbox 0x0, error 0x0"]),
    (SEC2 + 0x100, 0, ["scrubber on sec2 does not end, mailbox 0x0",
                       "booter_unload on sec2 does not end, mailbox 0x0"]),
    (FRTS_RESULT, 5 << 16, ["FWSEC-FRTS failed, mailbox 0x0, error 0x5"]),
    (GSP + 0x1388, 0, ["GSP-RM does not start: booter_load is through, and its core does not run"]),
)
# The model's program, a register that it waits for, what is said
SEQUENCES = (
    ("registers", 0x14c0, ["boot sequence: step 2 at register 0x14c0 failed: -110", SEQUENCE_FAILED]),
    ("resume", 0x1180f8, ["GSP-RM's restart by sec2 failed, mailbox 0x0",
                          "boot sequence: step 8 at register 0x0 failed: -5", SEQUENCE_FAILED]),
)
# The flash, its first bytes, and what is wrong in them: from the begin of FWSEC's descriptor
FLASH = 1 << 18
VBIOS = (
    (36, b"\x04\x00", "VBIOS: FWSEC: engine mask 0x4, ucode id 9, expected the GSP's 0x400, 1 to 16"),
    (38, b"\x00", "VBIOS: FWSEC: engine mask 0x400, ucode id 0, expected the GSP's 0x400, 1 to 16"),
    (38, b"\x11", "VBIOS: FWSEC: engine mask 0x400, ucode id 17, expected the GSP's 0x400, 1 to 16"),
    (12, b"\xff\xff\xff\x7f", "VBIOS: "),
)
AT_UNBIND = (
    (WPR2_HI, 0x100, ["booter_unload on sec2 left WPR2, the GPU needs a reset"]),
    # the mailbox is that of FWSEC, too, which runs there next
    (GSP_MAILBOX, 1, ["GSP-RM does not stop, mailbox 0x1", "FWSEC-SB failed, mailbox 0x1, error 0x0"]),
)
# No display, as an L40's fuse says, or one whose workspace nobody has told
ALSO_WORKS = ((DISPLAY, 0), (DISPLAY, BAD))
# One whose workspace is somewhere at the end of framebuffer, or elsewhere: KiB from the end
WORKSPACES = (512, 4096)


@host_test(kernels=("stock",))
def test_a_register_is_wrong_at_bind(vm):
    gpu = start(vm)
    for register, value, errno, said in AT_BIND:
        gpu.must_write(gpu.path("reset"), 1)
        gpu.set_model("fault-register", f"{register}:{value}")
        refused(gpu, errno, said)
        gpu.set_model("fault-register", "")
    gpu.must_write(gpu.path("reset"), 1)
    for register, value in ALSO_WORKS:
        gpu = start(vm)
        gpu.set_model("fault-register", f"{register}:{value}")
        works(gpu)
        gpu.set_model("fault-register", "")


@host_test(kernels=("stock",), sampled=True, seconds=40)
def test_a_falcon_is_broken(vm):
    gpu = start(vm)
    for register, value, said in FALCONS:
        gpu.must_write(gpu.path("reset"), 1)
        log = KernelLog(vm)
        gpu.set_model("fault-register", f"{register}:{value}")
        expect(gpu.write(BIND, gpu.pf, timeout=180), "EIO", f"errno of bind, register {register:#x}")
        gpu.set_model("fault-register", "")
        # the errno is a word or a number, as the kernel is configured
        lines = [re.sub(r"^error -\w+: ", "", line) for line in ours(log)]
        expect(lines, said, f"said, register {register:#x}")
    gpu.must_write(gpu.path("reset"), 1)
    works(gpu)


@host_test(kernels=("stock",))
def test_next_try_without_reset(vm):
    """A start that fails takes back what it has done to the GPU."""
    for register, value, said in ((FRTS_RESULT, 5 << 16, "FWSEC-FRTS failed"),
                                  (GSP + 0x1388, 0, "GSP-RM does not start")):
        gpu = start(vm)
        gpu.set_model("fault-register", f"{register}:{value}")
        refused(gpu, "EIO", said)
        gpu.set_model("fault-register", "")
        works(gpu)


def descriptor(flash):
    """Where a VBIOS describes FWSEC: version 3, made for the GSP, program 9 (FALCON_UCODE_DESC_V3)."""
    found = [
        at for at in range(len(flash) - 44)
        if flash[at] & 1 and flash[at + 1] == 3 and flash[at + 36 : at + 39] == b"\x00\x04\x09"
    ]
    # one for debugging, and the one that boards run
    expect(len(found), 2, f"descriptors of FWSEC in the flash: {found}")
    return found[1]


def with_bytes(flash, at, data):
    """The words of the flash that have these bytes in place of others, as registers that are wrong."""
    begin, end = at & ~3, at + len(data) + 3 & ~3
    block = bytearray(flash[begin:end])
    block[at - begin : at - begin + len(data)] = data
    return ",".join(f"{PROM + begin + 4 * n}:{word}"
                    for n, word in enumerate(struct.unpack(f"<{len(block) // 4}I", block)))


@host_test(kernels=("stock",), sampled=True, seconds=30)
def test_boot_sequence_fails(vm):
    """What GSP-RM has the CPU do as it starts: to wait for a register, and to start its core again."""
    gpu = start(vm)
    for program, register, said in SEQUENCES:
        gpu.set_model("sequencer", program)
        gpu.must_write(gpu.path("reset"), 1)
        log = KernelLog(vm)
        gpu.set_model("fault-register", f"{register}:0")
        expect(gpu.write(BIND, gpu.pf, timeout=180), "EIO", f"errno of bind, register {register:#x}")
        gpu.set_model("fault-register", "")
        expect(ours(log), said, f"said, register {register:#x}")
    gpu.set_model("sequencer", "empty")
    gpu.must_write(gpu.path("reset"), 1)
    works(gpu)


@host_test(kernels=("stock",))
def test_vbios_is_wrong(vm):
    gpu = start(vm)
    gpu.must_write(gpu.path("enable"), 1)
    flash = struct.pack(f"<{FLASH // 4}I", *gpu.registers(PROM, FLASH // 4))
    gpu.must_write(gpu.path("enable"), 0)
    at = descriptor(flash)
    for offset, data, said in VBIOS:
        gpu.must_write(gpu.path("reset"), 1)
        gpu.set_model("fault-register", with_bytes(flash, at + offset, data))
        refused(gpu, "ENODEV", said)
        gpu.set_model("fault-register", "")
    gpu.must_write(gpu.path("reset"), 1)
    works(gpu)


@host_test(kernels=("stock",))
def test_a_display_has_a_workspace(vm):
    for workspace in WORKSPACES:
        gpu = start(vm)
        gpu.set_model("vga-workspace", workspace)
        gpu.must_write(gpu.path("reset"), 1)
        works(gpu)
        expect(gpu.model("refusals"), {}, f"refused, workspace {workspace} KiB from the end")
    gpu.set_model("vga-workspace", 0)
    gpu.must_write(gpu.path("reset"), 1)


@host_test(kernels=("stock",))
def test_a_register_is_wrong_at_unbind(vm):
    """Nobody can be told but the log; a reset mends what is left on the GPU."""
    for register, value, said in AT_UNBIND:
        gpu = start(vm)
        gpu.must_write(BIND, gpu.pf, timeout=180)
        log = KernelLog(vm)
        gpu.set_model("fault-register", f"{register}:{value}")
        gpu.must_write(UNBIND, gpu.pf, timeout=180)
        gpu.set_model("fault-register", "")
        expect([line.partition(": ")[2] for line in log.said_by("nvkm-vgpu")], said, "said")
        gpu.must_write(gpu.path("reset"), 1)
        works(gpu)
