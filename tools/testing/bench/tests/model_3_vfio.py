# SPDX-License-Identifier: GPL-2.0-only
"""
The kernel's own VFIO selftests, unchanged, on VFs of stock vfio-pci and of our VFIO driver, and
on a PF of vfio-pci.
"""

import re
import shutil

from bench_test import expect, host_test
from gpu import VFIO_DRIVER, Gpu
from hostvm import Output, script

Q8 = 876
FOLDER = "/tmp/vfio"

# What some of them map, if it is there.
HUGE_PAGES = "hugepagesz=1G hugepages=1 hugepagesz=2M hugepages=1"
HUGE_SHMEM = "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

ON_A_VF = (
    "vfio_pci_device_test",
    "vfio_iommufd_setup_test",
    "vfio_pci_device_init_perf_test",
    "vfio_dma_mapping_test",
    "vfio_dma_mapping_mmio_test",
)
# The second has a driver of its own, for the DMA of the PMU's falcon at 0x10a000 in BAR0.
ON_A_PF = ("vfio_pci_sriov_uapi_test", "vfio_pci_driver_test")
PMU = 0x10A000
# A PF's resizable BAR, as exponents of MiB: 256 MiB, 64 GiB.
SMALL_BAR1, FULL_BAR1 = 8, 16

# The modes that map a BAR for DMA, page by page.
TYPE1 = ("vfio_type1_iommu", "vfio_type1v2_iommu")
# {(driver, program): variants} for which the debug kernel, emulated, takes longer than the 30 s
# that the kernel's harness allows: 2 GiB of BAR1, which the stock kernel does, and 1 GiB in small
# pages, each of which is printed.
TOO_SLOW = {
    ("vfio-pci", "vfio_dma_mapping_mmio_test"): TYPE1,
    ("vfio-pci", "vfio_dma_mapping_test"): ("iommufd_compat_type1_anonymous_hugetlb_1gb",),
    (VFIO_DRIVER, "vfio_dma_mapping_test"): ("iommufd_compat_type1_anonymous_hugetlb_1gb",),
}

# Tests that must be skipped, and why.
SKIPS = {"vfio_pci_irq_test.msi.enable_trigger_disable": "a VF has MSI-X, no MSI"} | {
    f"vfio_pci_driver_test.{mode}.send_msi": "the kernel's driver of the falcon sends none"
    for mode in (*TYPE1, "iommufd_compat_type1", "iommufd_compat_type1v2", "iommufd")
}


def install(vm):
    """The programs in the VM's FOLDER; all of the kernel's must be known here."""
    folder = vm.share / "vfio"
    if not folder.exists():
        shutil.copytree(script("mk-selftests.sh"), folder)
    vm.sh(f"[ -e {FOLDER} ] || cp -r /bench/vfio {FOLDER}")
    programs = {path.name for path in folder.glob("vfio_*")}
    expect(programs, {*ON_A_VF, *ON_A_PF}, "the kernel's VFIO selftests")


class Results:
    """What several programs of the kernel's harness printed, as one TAP output."""

    def __init__(self):
        self.lines = []
        self.count = 0

    def add(self, good, title, why=""):
        self.count += 1
        self.lines.append(f"{'ok' if good else 'not ok'} - {title}{why}")

    def run(self, vm, title, program, *args):
        out = vm.sh(f"cd {FOLDER} && ./{program} {' '.join(args)}", timeout=900, check=False)
        before = len(self.lines)
        self.read(f"{title}: {program}", out)
        if any(line.startswith("not ok") for line in self.lines[before:]):
            self.lines += [f"# {line}" for line in out.splitlines()[-80:]]

    def read(self, title, out):
        """A test that is skipped and must not be, or the other way round, has failed."""
        found = re.findall(r"^(not ok|ok) \d+ (\S+)(?: # SKIP (.*))?$", out, re.M)
        for verdict, test, skipped in found:
            why = SKIPS.get(test)
            if skipped and why:
                self.add(verdict == "ok", f"{title}: {test}", f" # SKIP {why}")
            else:
                good = verdict == "ok" and not skipped and not why
                self.add(good, f"{title}: {test}", f": skipped: {skipped}" if skipped else "")
        planned = re.findall(r"^1\.\.(\d+)$", out, re.M)
        complete = found and planned == [str(len(found))]
        if not complete or out.rc and all(verdict == "ok" for verdict, *_ in found):
            self.add(False, f"{title}: {len(found)} results of {planned}, exit code {out.rc}")

    def tap(self):
        return Output("\n".join([*self.lines, f"1..{self.count}"]))


@host_test(kernels=("debug",), sampled=True, seconds=400, append=HUGE_PAGES)
def test_vfs(vm):
    install(vm)
    gpu = Gpu(vm)
    gpu.load()
    vm.sh("modprobe vfio-pci")
    gpu.set_numvfs(4)
    drivers = {"vfio-pci": [gpu.vf(0), gpu.vf(1)], VFIO_DRIVER: [gpu.vf(2), gpu.vf(3)]}
    for driver, bdfs in drivers.items():
        for bdf in bdfs:
            gpu.bind_function(bdf, driver)
    gpu.must_set_type(2, Q8)
    gpu.must_set_type(3, Q8)
    results = Results()
    for driver, (first, second) in drivers.items():
        for program in ON_A_VF:
            slow = TOO_SLOW.get((driver, program), ())
            args = [*(f"-V {variant}" for variant in slow), first]
            if program == "vfio_pci_device_init_perf_test":
                args.append(second)
            results.run(vm, driver, program, *args)
            for variant in slow:
                results.add(True, f"{driver}: {program}: {variant}", " # SKIP too slow here")
    start, end = (int(word, 16) for word in gpu.read(gpu.vf_path(0, "resource")).split()[:2])
    expect(end - start < PMU, True, "a VF's BAR0 ends before the PMU's registers")
    results.add(True, ON_A_PF[1], " # SKIP its driver wants a PMU, which a VF has not")
    vm.sh("modprobe -r vfio-pci")
    gpu.put_away()
    return results.tap()


@host_test(kernels=("stock",))
def test_mmio(vm):
    install(vm)
    gpu = Gpu(vm)
    gpu.load()
    vm.sh("modprobe vfio-pci")
    gpu.set_numvfs(1)
    gpu.bind_function(gpu.vf(0), "vfio-pci")
    results = Results()
    modes = [f"-v {mode}" for mode in TYPE1]
    results.run(vm, "vfio-pci", "vfio_dma_mapping_mmio_test", *modes, gpu.vf(0))
    vm.sh("modprobe -r vfio-pci")
    gpu.put_away()
    return results.tap()


@host_test(kernels=("debug",), sampled=True, seconds=250, append=HUGE_PAGES)
def test_pf(vm):
    install(vm)
    gpu = Gpu(vm)
    expect(gpu.driver(), "", "driver")
    # vfio-pci maps a BAR whole, and KASAN wants an eighth of that in memory.
    gpu.must_write(gpu.path("resource1_resize"), SMALL_BAR1)
    vm.sh("modprobe vfio-pci enable_sriov=1")
    gpu.bind_function(gpu.pf, "vfio-pci")
    # Each test of the second maps 1 GiB: in small pages that takes longer than the harness's 30 s.
    gpu.must_write(HUGE_SHMEM, "always")
    # It reads and writes where nothing is mapped, on purpose.
    vm.expected_log += [
        r"DMAR: DRHD: handling fault status reg",
        rf"DMAR: \[DMA (Read|Write) NO_PASID\] Request device \[{re.escape(gpu.pf)}\]",
    ]
    results = Results()
    for program in ON_A_PF:
        results.run(vm, "vfio-pci", program, gpu.pf)
    gpu.must_write(HUGE_SHMEM, "never")
    expect(gpu.numvfs(), 0, "VFs that are left")
    gpu.must_write(gpu.path("driver_override"), "")
    vm.sh("modprobe -r vfio-pci")
    gpu.must_write(gpu.path("resource1_resize"), FULL_BAR1)
    return results.tap()
