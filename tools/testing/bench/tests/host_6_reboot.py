# SPDX-License-Identifier: GPL-2.0-only
"""
The machine is rebooted while a vGPU is in use. A kernel that follows by kexec, which resets nothing,
finds a GPU that it can load firmware into.
"""

from bench_test import expect, host_test
from faults import held
from gpu import Gpu
from probe import Q8, start, works

WPR2_HI, GSP_CORE, GSP_CORE_ACTIVE = 0x1fa828, 0x111388, 1 << 7


@host_test(fresh=True)
def test_machine_reboots(vm):
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    held(vm, gpu, 0)
    bar0 = int(gpu.read(gpu.path("resource")).split()[0], 16)

    def gpu_now():
        """Is there a WPR2, and does GSP-RM's core run?"""
        (wpr2,), (core,) = vm.physical(bar0 + WPR2_HI), vm.physical(bar0 + GSP_CORE)
        return wpr2 != 0, core & GSP_CORE_ACTIVE != 0

    expect(gpu_now(), (True, True), "WPR2 and GSP-RM before")
    found = []
    vm.reboot(lambda: found.append((gpu_now(), gpu.model("refusals"))))
    expect(found, [((False, False), {})], "WPR2 and GSP-RM, refusals behind it")
    works(start(vm))
