# SPDX-License-Identifier: GPL-2.0-only
"""
Memory of a VM that its vGPU reaches, and parts of a vGPU that others reach: addresses that move,
that lie high, pages of 2 MiB, dma-bufs of BARs.
"""

import re
import time

from bench_test import expect, host_test
from faults import Q8, within
from gpu import CLIENT, Gpu, KernelLog, VgpuGuest

LOW, GIB, TIB = 0x100000, 1 << 30, 1 << 40
HUGE = 2 << 20
EVENTS = "/sys/kernel/tracing/kprobe_events"
PROBE = "/sys/kernel/tracing/events/kprobes/nvgpu_insert"
PAGES = "/proc/sys/vm/nr_hugepages"


def faults_of(vm, gpu, n=0):
    """What the IOMMU says, each time; it is expected to say something."""
    fault = rf"DMAR: \[DMA (\w+) NO_PASID\] Request device \[{re.escape(gpu.vf(n))}\].* addr (0x\w+)"
    vm.expected_log += [fault, r"DMAR: DRHD: handling fault status reg"]
    return fault


@host_test(sampled=True)
def test_memory_comes_and_goes(vm):
    """What a VMM maps the device reaches, at once; what it has unmapped it does not, at once."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    fault = faults_of(vm, gpu)
    far = 3 * GIB
    gpu.must_client(
        0, "boot", "rpc", f"stray:{far:#x}", f"move:{far:#x}", "rpc", f"stray:{LOW:#x}",
        f"move:{LOW:#x}", "rpc", f"stray:{far:#x}", "rpc",
    )
    found = re.findall(fault, "\n".join(text for _, text in log.lines()))
    seen = [(how, int(address, 16)) for how, address in found]
    for how in ("Read", "Write"):
        at = {address & ~(HUGE // 2 - 1) for what, address in seen if what == how}
        expect(at, {LOW, far}, f"where the IOMMU has refused a {how}: {seen}")
    gpu.put_away()


@host_test(sampled=True)
def test_memory_high_up(vm):
    """Below 1 TiB, across it and far behind."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    for address in (TIB - HUGE, TIB - HUGE // 2, TIB, 64 * TIB):
        gpu.must_client(0, "boot", "rpc", options=f"-m {address:#x}")
    expect(log.warnings(), [], "warnings")
    gpu.put_away()


def huge_pages(vm, count):
    """So many, all of them free."""
    vm.sh(f"echo {count} >{PAGES}; echo 1 >/proc/sys/vm/compact_memory; echo {count} >{PAGES}")
    expect(free_pages(vm), count, "huge pages that are free")


def free_pages(vm):
    return int(re.search(r"HugePages_Free: +(\d+)", vm.sh("cat /proc/meminfo"))[1])


@host_test(sampled=True)
def test_memory_of_huge_pages(vm):
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    huge_pages(vm, 1)
    out = gpu.client(
        0, "boot", "rpc", "fill:7", "reset", "rpc", "fill:8", "filled:8", options="-l",
    )
    expect(out.rc, 0, f"the client: {out}")
    huge_pages(vm, 0)
    out = gpu.client(0, "rpc", options="-l")
    expect("FAIL open ENOMEM buffer" in out, True, f"without a huge page: {out}")
    expect(log.warnings(), [], "warnings")
    gpu.put_away()


@host_test(full=("debug",), sampled=True)
def test_guest_of_huge_pages(vm):
    """All of a VM's memory."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    mem = 512
    huge_pages(vm, mem // 2)
    extra = (
        f"-object memory-backend-memfd,id=ram,size={mem}M,hugetlb=on,hugetlbsize=2M"
        " -machine memory-backend=ram"
    )
    with VgpuGuest(vm, gpu.vf(0), mem=mem, extra=extra, offsets=[0x1000], seed=9, stay=True) as guest:
        guest.wait_done()
        # all of it is pinned
        expect(free_pages(vm), 0, "huge pages that are free")
        guest.off()
    huge_pages(vm, mem // 2)
    huge_pages(vm, 0)
    gpu.put_away()


def plug_memory(guest):
    guest.qmp("object-add", **{"qom-type": "memory-backend-ram", "id": "more", "size": 256 << 20})
    guest.qmp("device_add", driver="pc-dimm", id="dimm", memdev="more")
    (dimm,) = guest.qmp("query-memory-devices")
    return dimm["data"]["addr"]


def unplug_memory(guest):
    guest.qmp("device_del", id="dimm")
    begin = time.monotonic()
    while guest.qmp("query-memory-devices"):
        within(60, "unplugging memory", begin)
        time.sleep(0.2)
    guest.qmp("object-del", id="more")


def tell(guest, line, done, times):
    """Have its test module do it, and see it done so many times."""
    guest.type(line)
    guest.wait_for(rf"(?s)(?:^NVGPU-GUEST: (?:ok|FAIL) {done}$.*?){{{times}}}")
    guest.no_failure()


@host_test(full=True)
def test_guest_gets_and_loses_memory(vm):
    """While it runs, twice: what is plugged its vGPU reaches, and does not once it is unplugged."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    fault = faults_of(vm, gpu)
    guest = VgpuGuest(
        vm, gpu.vf(0), stay=True, extra="-m 512,slots=2,maxmem=2G"
    )
    guest.append += " memhp_default_state=offline"
    with guest:
        guest.wait_done()
        for times in (1, 2):
            log.mark()
            address = plug_memory(guest)
            tell(guest, f"reach {address:#x}", f"reach teardown at {address:#x}", times)
            expect([line for line in log.warnings() if "DMAR" in line], [], "refused")
            unplug_memory(guest)
            tell(guest, f"stray {address:#x}", f"stray at {address:#x}", times)
            found = {int(where, 16) for _, where in re.findall(fault, "\n".join(log.warnings()))}
            expect(found, {address}, "where the IOMMU has refused DMA")
        guest.off()
    gpu.put_away()


INSERTS = rf"""
echo 'p:nvgpu_insert vfio_pci_core:vfio_pci_vmf_insert_pfn order=%cx:u32' >{EVENTS} || exit 1
echo 1 >{PROBE}/enable
$@
rc=$?
echo 0 >{PROBE}/enable
grep -o 'order=.*' /sys/kernel/tracing/trace | sort | uniq -c
echo >/sys/kernel/tracing/trace
echo >{EVENTS}
exit $rc
"""


@host_test(sampled=True)
def test_bar1_is_mapped_by_huge_pages(vm):
    """256 MiB: one fault each 2 MiB, and no small one."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    (vm.share / "inserts").write_text(INSERTS)
    out = vm.sh(f"sh /bench/inserts {CLIENT} {gpu.vf(0)} touch touch", timeout=120)
    orders = {int(order): int(count) for count, order in re.findall(r"(\d+) order=(\d+)", out)}
    expect(orders, {9: 256 * (1 << 20) // HUGE}, f"pages that were mapped, by order: {out}")
    gpu.put_away()


@host_test()
def test_dmabufs(vm):
    """Of what a guest may map. iommufd lets the device reach one, until the function is reset."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    commands = ["boot", "dmabuf"]
    if vm.iommufd:
        commands += [f"dmabuf-map:{GIB:#x}", "rpc", "reset", "rpc", "dmabuf"]
    gpu.must_client(0, *commands)
    expect(log.warnings(), [], "warnings")
    gpu.put_away()
