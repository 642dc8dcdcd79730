# SPDX-License-Identifier: GPL-2.0-only
"""
VFs of a GPU that nvkm-vgpu has not. Our VFIO driver takes them all the same, and does what vfio-pci
does: its user sees the function as it is, and there is no vGPU.
"""

import contextlib

from bench_test import expect, host_test
from gpu import BIND, CLIENT, VFIO_DRIVER, Gpu, KernelLog, vfs_of_nobody
from faults import ours, told

Q8 = 876
TOKEN = "5a1f6c9e-0d3b-4e57-9f21-6b8d24c0a713"
# A PF's resizable BAR, as exponents of MiB: 256 MiB, 64 GiB.
SMALL_BAR1, FULL_BAR1 = 8, 16


def as_it_is(gpu, n):
    """What the client has to find: ids and sizes of BARs as the kernel has them of the VF itself."""
    device = gpu.read(gpu.vf_path(n, "device"))
    subsystem = gpu.read(gpu.vf_path(n, "subsystem_device"))
    commands = [f"ids:{device}:{subsystem}"]
    for index, line in enumerate(gpu.read(gpu.vf_path(n, "resource")).splitlines()[:6]):
        start, end, _ = (int(word, 0) for word in line.split())
        if end:
            commands.append(f"bar:{index}:{end - start + 1:#x}")
    expect(len(commands), 4, f"BARs of the VF: {commands}")
    return commands


def plain(gpu, n, options=""):
    """It opens without a type, which there is none of, is what it is, and is reset as a VF is."""
    expect(gpu.vm.sh(f"ls {gpu.vf_path(n)} | grep -x nvidia || :"), "", "files of types")
    commands = as_it_is(gpu, n)
    gpu.must_client(n, *commands, "boot", "irq:70", "reset", *commands, options=options)
    out = gpu.client(n, "regions", options=options)
    expect("FAIL regions BAR1" in out, True, f"BAR1 is not clamped: {out}")
    expect(gpu.model("vgpus"), [], "vGPUs in the model")


@host_test()
def test_pf_of_another_driver(vm):
    """One that only turns VFs on, and then none: it goes and leaves them."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    with vfs_of_nobody(gpu, 2):
        gpu.load()
        gpu.bind(0)
        plain(gpu, 0)
        stub = "/sys/bus/pci/drivers/pci-pf-stub"
        vm.expected_log.append("driver left SR-IOV enabled after remove")
        gpu.must_write(f"{stub}/unbind", gpu.pf)
        gpu.bind(1)
        for n in (0, 1):
            plain(gpu, n)
        # so they stay what they are
        gpu.must_write(gpu.path("driver_override"), "")
        expect(gpu.write(BIND, gpu.pf), "EBUSY", "nvkm-vgpu takes a GPU with VFs")
        (line,) = ours(log)
        expect(line.partition(": ")[2], "another driver left VFs behind", "said of it")
        gpu.bind_function(gpu.pf, "pci-pf-stub")
    expect(told(log), [], "said by the VF's driver")
    # and with the GPU's own driver a VF without a type does not open
    gpu.must_write(BIND, gpu.pf, timeout=180)
    gpu.set_up([0], load=False)
    expect(gpu.open_error(0), "ENODEV", "open without a type")
    gpu.must_set_type(0, Q8)
    gpu.must_client(0, "ids:0x26b5:0x1774", "bar:1:0x10000000", "rpc")
    gpu.put_away()


@contextlib.contextmanager
def pf_of_vfio(gpu, vfs):
    """The PF has vfio-pci, which is to turn VFs on, and a user, who gave it a token for theirs."""
    vm = gpu.vm
    # VFIO maps a BAR whole, and KASAN wants an eighth of that in memory
    gpu.must_write(gpu.path("resource1_resize"), SMALL_BAR1)
    vm.sh("modprobe -r vfio-pci; modprobe vfio-pci enable_sriov=1")
    gpu.bind_function(gpu.pf, "vfio-pci")
    user = vm.spawn(f"sleep 3603 | {CLIENT} -t {TOKEN} {gpu.pf} hold >/tmp/pf 2>&1")
    vm.sh("for i in $(seq 100); do grep -q '^ok hold' /tmp/pf && exit; sleep 0.1; done; cat /tmp/pf; exit 1")
    gpu.set_numvfs(vfs)
    yield
    gpu.set_numvfs(0)
    vm.sh("pkill -xf 'sleep 3603'")
    user.wait(60)
    gpu.must_write(gpu.path("driver_override"), "")
    vm.sh("modprobe -r vfio-pci")
    gpu.must_write(gpu.path("resource1_resize"), FULL_BAR1)


@host_test()
def test_pf_of_vfio_pci(vm):
    """vfio-pci asks who opens a VF of its for the token of the PF's user; that goes for ours, too."""
    gpu = Gpu(vm)
    with pf_of_vfio(gpu, 2):
        vm.sh(f"modprobe {VFIO_DRIVER}")
        log = KernelLog(vm)
        # with the PF vfio-pci takes the VFs, too
        gpu.must_write("/sys/bus/pci/drivers/vfio-pci/unbind", gpu.vf(0))
        gpu.bind(0)
        expect(gpu.open_error(0), "EACCES", "no token")
        plain(gpu, 0, f"-t {TOKEN}")
        expect(told(log), ["VF token required to access device"], "said by VFIO")
        expect(ours(log), [], "said by nvkm-vgpu")
        gpu.must_write(f"/sys/bus/pci/drivers/{VFIO_DRIVER}/unbind", gpu.vf(0))
    gpu.unload()
    expect(gpu.driver(), "", "driver of the PF")
