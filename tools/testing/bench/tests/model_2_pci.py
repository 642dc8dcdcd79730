# SPDX-License-Identifier: GPL-2.0-only
"""SR-IOV as the kernel's PCI core and IOMMU see it: resets, groups, DMA."""

import contextlib
import re

from bench_test import expect, host_test
from gpu import CLIENT, Gpu, vfs_of_nobody

Q8 = 876
ALL = 32

# Registers of a VF that hold what is written, and that a reset clears: which interrupts of a leaf
# are on, a mailbox, the address in the first entry of the MSI-X table.
REGISTERS = (0x1200, 0x2108, 0x10000)
COMMAND_MEMORY = 2


def devmem(vm, accesses):
    """Reads (address,) and writes (address, value) of 32 bits; what was read."""
    commands = [f"busybox devmem {a[0]:#x} 32 {a[1] if a[1:] else ''}" for a in accesses]
    return [int(word, 16) for word in vm.sh("\n".join(commands), timeout=300).split()]


@host_test(kernels=("stock",))
def test_groups(vm):
    """As many VFs as there can be, each in a group of its own."""
    gpu = Gpu(vm)
    with vfs_of_nobody(gpu, ALL) as vfs:
        devices = "/sys/bus/pci/devices"
        groups = vm.sh(
            f"for d in {gpu.pf} {' '.join(vfs)}; do echo $(readlink {devices}/$d/iommu_group)"
            f" $(ls {devices}/$d/iommu_group/devices); done"
        )
        members = dict(line.split(maxsplit=1) for line in groups.splitlines())
        expect(sorted(members.values()), sorted([gpu.pf, *vfs]), "devices of the groups")


@host_test(kernels=("stock",))
def test_reset_of_one_vf(vm):
    """It is as if it was just turned on; of the PF and the other VFs nothing has changed."""
    gpu = Gpu(vm)
    with vfs_of_nobody(gpu, ALL) as vfs:
        places = " ".join(gpu.vf_path(n, "resource") for n in range(ALL))
        bars = vm.sh(f"for f in {places}; do head -n 1 $f; done").splitlines()
        addresses = [int(bar.split()[0], 16) + reg for bar in bars for reg in REGISTERS]
        vm.sh(f"for vf in {' '.join(vfs)}; do setpci -s $vf COMMAND={COMMAND_MEMORY}; done")
        reads = [(address,) for address in addresses]
        fresh = devmem(vm, reads)
        expect(fresh, [0] * len(reads), "registers of VFs that were just turned on")
        values = [(n + 1) << 8 for n in range(len(addresses))]
        devmem(vm, zip(addresses, values))
        expect(devmem(vm, reads), values, "registers that were written")
        for n in (0, 17, ALL - 1):
            expect(gpu.read(gpu.vf_path(n, "reset_method")), "flr", "ways to reset a VF")
            gpu.must_write(gpu.vf_path(n, "reset"), 1)
            first = n * len(REGISTERS)
            values[first : first + len(REGISTERS)] = [0] * len(REGISTERS)
            expect(devmem(vm, reads), values, f"registers after the reset of VF {n}")


@contextlib.contextmanager
def held(vm, command):
    """A VFIO client that has said "hold" and goes on at the end of the block; without a failure."""
    process = vm.spawn(f"sleep 3602 | {CLIENT} {command} >/tmp/held 2>&1")
    vm.sh(
        "for i in $(seq 200); do grep -q '^ok hold' /tmp/held && exit; sleep 0.5; done;"
        " cat /tmp/held; exit 1",
        timeout=150,
    )
    yield
    vm.sh("pkill -xf 'sleep 3602'")
    process.wait(60, check=False)
    failed = vm.sh("grep -v '^ok' /tmp/held; rm /tmp/held", check=False)
    expect(failed, "", "failures of the client")


@host_test(kernels=("stock",))
def test_dma_of_another_vf(vm):
    """What one VF's user mapped the other VF cannot read or write; the IOMMU names it."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    theirs = 0x40000000
    fault = (
        rf"DMAR: \[DMA (\w+) NO_PASID\] Request device \[{re.escape(gpu.vf(0))}\]"
        r" fault addr (0x4000[01]000) "
    )
    vm.expected_log += [fault, r"DMAR: DRHD: handling fault status reg"]
    with held(vm, f"-m {theirs:#x} {gpu.vf(1)} rpc fill:7 hold filled:7 rpc"):
        gpu.must_client(0, "rpc", f"stray:{theirs:#x}", "rpc")
    found = set(re.findall(fault, vm.dmesg()))
    expect(found, {("Read", "0x40000000"), ("Write", "0x40001000")}, "faults of the IOMMU")
    gpu.put_away()
