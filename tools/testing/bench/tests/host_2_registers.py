# SPDX-License-Identifier: GPL-2.0-only
"""
A register of the GPU reads as it must not: while the driver is bound, and while it is unbound. It
says which, and the next correct try works.
"""

from bench_test import expect, host_test
from gpu import BIND, UNBIND, KernelLog
from probe import refused, start, works

BAD = 0xbadf5040  # what the GPU's bus has in place of a register that nobody answers for
WPR2_LO, WPR2_HI, GSP_MAILBOX = 0x1fa824, 0x1fa828, 0x110040

# register, what it reads as, errno, what is said
AT_BIND = (
    (0x0, 0xffffffff, "ENODEV", "the GPU does not answer"),
    (0xa00, 0x17000000, "ENODEV", "chip 0x17000000 is not of the Ada generation"),
    (WPR2_HI, BAD, "EIO", "register of WPR2's end reads as error 0xbadf5040"),
    (0x1183a4, BAD, "EIO", "register of the framebuffer's size reads as error 0xbadf5040"),
    (0x1183a4, 64, "ENOSPC", "framebuffer of 64 MiB is too small for GSP-RM"),
    (WPR2_LO, 0x100, "EIO", "FWSEC-FRTS made WPR2 0x10000-0x[0-9a-f]+, not at 0x[0-9a-f]+"),
    (0x1180fc, 0, "EIO", "scrubber on sec2 ended without result, register 0x0"),
)
AT_UNBIND = (
    (WPR2_HI, 0x100, ["booter_unload on sec2 left WPR2, the GPU needs a reset"]),
    # the mailbox is that of FWSEC, too, which runs there next
    (GSP_MAILBOX, 1, ["GSP-RM does not stop, mailbox 0x1", "FWSEC-SB failed, mailbox 0x1, error 0x0"]),
)
# no display, as an L40's fuse says, or one whose workspace nobody has told
ALSO_WORKS = ((0x820c04, 0), (0x820c04, BAD))


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
