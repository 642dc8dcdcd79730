# SPDX-License-Identifier: GPL-2.0-only
"""
What PCI says of the GPU by Advanced Error Reporting. What costs the vGPU stops a VM, and nothing
else does.

QEMU lets the root port, the PF or a VF report them.
"""

import re
import time

from bench_test import expect, host_test
from faults import (
    FAILED, GONE, KEPT, Q8, clock, others, ours, row, sit_and_be_told, sit_and_not_be_told, state, told,
    told_after, within,
)
from gpu import BIND, UNBIND, VFIO_DRIVER, Gpu, KernelLog, vfs_of_nobody

NOT_FATAL = "COMP_TIME"  # completion timeout
FATAL = "DLP"  # data link protocol error
FROZEN = "GSP-RM died: PCI error, the link is frozen"

# What the PCI core says, also in the name of the device
AER = re.compile(
    r"AER: |PCIe Bus Error: |  device \[\w+:\w+\] error status|  \[ *\d+\] |TLP Header: "
    r"|Data Link Layer Link Active not set"
)


def report(gpu, error, device="gpu"):
    command = {"command-line": f"pcie_aer_inject_error {device} {error}"}
    answer = gpu.vm.qmp("human-monitor-command", **command)
    expect(answer[:6], "OK id:", f"QEMU: {answer}")


def recovery(log, result):
    """Wait for what the PCI core says at last."""
    begin = time.monotonic()
    while not any(f"AER: device recovery {result}" in text for _, text in log.lines()):
        within(30, f"device recovery {result}", begin)
        time.sleep(0.2)


def said(log):
    """All but what the PCI core says."""
    lines = ours(log) + told(log) + others(log)
    return [line for line in lines if not AER.search(line) and not GONE.search(line)]


def survives(gpu, log, what, result, error, *args):
    """A client is not told, and goes on with its vGPU."""
    log.mark()
    client = sit_and_not_be_told(gpu.vm, gpu, 5000, "rpc", "reset", "rpc", "sleep:2000")
    before = state(gpu)
    expect(before, ("up", "running"), "states")
    event = clock(gpu.vm)
    error(gpu, *args)
    recovery(log, result)
    after = state(gpu)
    out = client.wait(60, check=False)
    expect(out.rc, 0, f"the client: {out}")
    row(before, what, f"{told_after(out, event)}, goes on", after)
    expect(after, ("up", "running"), "states")
    expect(state(gpu), ("up", "typed"), "states")
    expect(said(log), [], "said of it")


@host_test(sampled=True)
def test_errors_that_are_not_fatal(vm):
    """Nothing was lost. That holds as well when a VF without driver makes it a permanent failure."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, 0])
    log = KernelLog(vm)
    survives(gpu, log, "PF: not fatal", "successful", report, NOT_FATAL)
    gpu.must_write(f"/sys/bus/pci/drivers/{VFIO_DRIVER}/unbind", gpu.vf(1))
    survives(gpu, log, "PF: not fatal, a VF without driver", "failed", report, NOT_FATAL)
    gpu.bind(1)
    survives(gpu, log, "VF: not fatal", "successful", report, NOT_FATAL, "gpu-vf0")
    gpu.put_away()


@host_test(sampled=True)
def test_fatal_error(vm):
    """The link is reset, and the GPU with it: VMs are told, and binding anew helps."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.load()
    for without_driver in (False, True):
        gpu.set_up([Q8, Q8, 0], load=False)
        if without_driver:
            gpu.must_write(f"/sys/bus/pci/drivers/{VFIO_DRIVER}/unbind", gpu.vf(2))
        log.mark()
        clients = [sit_and_be_told(vm, gpu, "sleep:4000", "gone", n=n) for n in range(2)]
        before = state(gpu)
        expect(before, ("up", "running"), "states")
        event = clock(vm)
        report(gpu, FATAL)
        recovery(log, "failed")
        expect(state(gpu), ("dead", "failed"), "states")
        outs = [client.wait(60, check=False) for client in clients]
        for out in outs:
            expect(out.rc, 0, f"the client: {out}")
        what = ", a VF without driver" if without_driver else ""
        row(before, f"PF: fatal{what}", ", ".join(told_after(out, event) for out in outs), state(gpu))
        expect(state(gpu), ("dead", "kept"), "states")
        expect(sorted(said(log)), sorted([FROZEN, FAILED, FAILED, KEPT.format(1, -5), KEPT.format(2, -5)]),
               "said of it")
        begin = time.monotonic()
        gpu.must_write(UNBIND, gpu.pf, timeout=180)
        within(60, "unbind", begin)
        gpu.must_write(BIND, gpu.pf, timeout=180)
    gpu.set_up([Q8], load=False)
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


@host_test()
def test_error_of_a_vf_without_a_vgpu(vm):
    """Its user is told of each, as VFIO does of any function."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    with vfs_of_nobody(gpu, 1):
        gpu.load()
        gpu.bind(0)
        client = sit_and_be_told(vm, gpu, "boot")
        report(gpu, NOT_FATAL, "gpu-vf0")
        out = client.wait(60, check=False)
        expect(out.rc, 0, f"the client: {out}")
        expect(said(log), [], "said of it")
    gpu.unload()


@host_test(fresh=True)
def test_error_of_a_gpu_that_is_gone(vm):
    """A permanent failure that is one. Nobody waits for GSP-RM, so nobody else would notice."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, 0])
    gpu.must_write(f"/sys/bus/pci/drivers/{VFIO_DRIVER}/unbind", gpu.vf(1))
    log = KernelLog(vm)
    client = sit_and_be_told(vm, gpu, "sleep:2000", "gone")
    before = state(gpu)
    gpu.set_model("surprise-removal", True)
    event = clock(vm)
    report(gpu, NOT_FATAL, "rp")
    recovery(log, "failed")
    out = client.wait(150, check=False)
    expect(out.rc, 0, f"the client: {out}")
    row(before, "PF is gone: not fatal, a VF without driver", told_after(out, event), state(gpu))
    expect(said(log), ["GSP-RM died: the GPU is gone", KEPT.format(1, -5), FAILED], "said of it")
    begin = time.monotonic()
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    within(60, "unbind", begin)
