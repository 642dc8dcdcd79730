# SPDX-License-Identifier: GPL-2.0-only
"""
Binding the driver to the GPU, as tests have it fail and work again, and what must be the same then.
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


def kept_by_host(vm, gpu):
    """What the kernel has for a GPU and its users, as it is after any number of them."""
    parts = {
        "reservations": f"cat /sys/kernel/debug/nvkm-vgpu-{gpu.pf}/reservations",
        "files in debugfs": "ls -d /sys/kernel/debug/nvkm-vgpu*",
        "users of modules": "lsmod | grep -E '^(nvkm_vgpu|vfio)' | sort",
        "VFIO's devices": "find /dev/vfio | sort",
        "vmalloc": "grep -oE '(nvgpu|nvkm|vfio)\\w*' /proc/vmallocinfo | sort | uniq -c",
        "mappings of devices": "grep -c ioremap /proc/vmallocinfo",
        "ranges": "grep -E 'nvkm|vfio' /proc/iomem | sort",
        "users of the GPU": f"cat {gpu.path('enable')}",
        "interrupts": "grep -oE '(nvkm|vfio)\\S*' /proc/interrupts | sort | uniq -c",
        "vectors": f"ls {gpu.path('msi_irqs')} | wc -l",
        "devices": "ls /sys/bus/auxiliary/devices /sys/class/fwctl",
        "files of this shell's parent": "ls /proc/$PPID/fd | wc -l",
    }
    script = "".join(f'echo "== {what}"; {command} 2>/dev/null\n' for what, command in parts.items())
    blocks = re.split(r"^== (.*)\n?", str(vm.sh(script, check=False)) + "\n", flags=re.M)[1:]
    return dict(zip(blocks[::2], blocks[1::2]))


def kept(vm, gpu):
    """The same, and what the model has for them."""
    return kept_by_host(vm, gpu) | {"the model's": gpu.in_use()}


def without_use(kept_things):
    """Of what was kept, all but who has had the framebuffer of a type that stays."""
    return {what: re.sub(r" (clean|dirty)$", "", text, flags=re.M) if isinstance(text, str) else text
            for what, text in kept_things.items()}


def objects(vm):
    """{cache: objects in use}"""
    vm.sh("for f in /sys/kernel/slab/*/shrink; do echo 1 >$f; done 2>/dev/null; :")
    lines = vm.sh("sed 1,2d /proc/slabinfo").splitlines()
    return {name: int(active) for name, active, *_ in map(str.split, lines)}
