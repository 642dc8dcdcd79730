# SPDX-License-Identifier: GPL-2.0-only
"""
Binding the driver to the GPU, as tests have it fail and work again.
"""

import re
import time

from bench_test import expect
from gpu import BIND, UNBIND, Gpu, KernelLog

Q8 = 876

# Four boards in one machine, each with its own trouble; two have room for VFs.
BOARDS = {
    "gpu": [
        f"nvidia-ada,board=l40{trouble}"
        for trouble in (",wpr2-up=on", "", ",vbios-fwsec=off", ",sriov=off")
    ],
    "reserve": 2,
}


def start(vm, number=0):
    """The driver is loaded and has not touched the GPU."""
    gpu = Gpu(vm, number)
    autoprobe = "/sys/bus/pci/drivers_autoprobe"
    vm.sh(f"echo 0 >{autoprobe}; modprobe nvkm-vgpu; echo 1 >{autoprobe}", timeout=180)
    if gpu.driver():
        gpu.must_write(UNBIND, gpu.pf)
    return gpu


def refused(gpu, errno, *words, within=60):
    """Probe fails with that errno and says one line, with all of the words."""
    log = KernelLog(gpu.vm)
    begin = time.monotonic()
    expect(gpu.write(BIND, gpu.pf, timeout=180), errno, "errno of bind")
    took = time.monotonic() - begin
    if took > within:
        raise AssertionError(f"took {took:.0f} s")
    said = log.said_by("nvkm-vgpu")
    expect(len(said), 1, f"one line: {said}")
    for word in words:
        expect(bool(re.search(word, said[0], re.I)), True, f"{word!r} in {said[0]!r}")
    others = [
        w for w in log.warnings() if not w.startswith("nvkm-vgpu")
    ]
    expect(others, [], "said by others")
    expect(gpu.driver(), "", "driver")
    expect(gpu.vm.sh(f"ls -d {gpu.path('nvidia')} 2>/dev/null || :"), "", "files of the GPU")
    now = gpu.model("accounting")["now"]
    expect({what: n for what, n in now.items() if n}, {}, "in use in the model")


def works(gpu):
    """The next correct try."""
    gpu.must_write(BIND, gpu.pf, timeout=180)
    gpu.vm.sh("modprobe vfio-nvidia-vgpu", timeout=60)
    gpu.set_up([Q8], load=False)
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()
