# SPDX-License-Identifier: GPL-2.0-only
"""What QEMU does with a VM whose vGPU has died, and what its operator does then."""

import time

from bench_test import expect, host_test
from faults import (
    FAILED, KEPT, Q8, UNRECOVERABLE, Watched, clock, others, ours, row, state, told, within, works_again
)
from gpu import UNBIND, Gpu, KernelLog, VgpuGuest


class Vm(Watched, VgpuGuest):
    """A VM that uses its vGPU all the time."""

    def __init__(self, vm, vf, **kwargs):
        super().__init__(vm, vf, stay=True, extra=self.TIMES, **kwargs)


@host_test(sampled=True)
def test_vm_is_stopped(vm):
    """Its plugin task crashes: it, and no other. GSP-RM crashes: all of them."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    with Vm(vm, gpu.vf(0)) as guest, Vm(vm, gpu.vf(1)) as other:
        for one in (guest, other):
            one.wait_done(timeout=600)
        log = KernelLog(vm)
        before = state(gpu)
        expect(before, ("up", "running"), "states")
        event = clock(vm)
        gpu.set_model("crash-plugin", 1)
        guest.wait_stopped()
        expect(state(gpu), ("up", "failed"), "states")
        saw = guest.kill(event)
        expect(state(gpu), ("up", "typed"), "states")
        expect(state(gpu, 1), ("up", "running"), "states")
        other.wait_alive(2, timeout=120)
        expect(other.runstate(), "running", "run state of the other VM")
        row(before, "plugin task crashes", f"{saw}, {other.name} runs", state(gpu))
        expect(ours(log), ["vGPU 1: its plugin task crashed"], "said by the driver")
        expect(told(log), ["vGPU failed: its plugin task crashed"], "said by the VFs' driver")

        with Vm(vm, gpu.vf(0)) as guest:
            guest.wait_done(timeout=600)
            other.wait_alive(1, timeout=120)
            log.mark()
            before = state(gpu)
            expect(before, ("up", "running"), "states")
            event = clock(vm)
            gpu.set_model("crash-gsp", True)
            for one in (guest, other):
                one.wait_stopped()
            expect((state(gpu), state(gpu, 1)), (("dead", "failed"), ("dead", "failed")), "states")
            saw = f"{guest.kill(event)}, {other.kill(event)}"
    row(before, "GSP-RM crashes", saw, state(gpu))
    expect(state(gpu), ("dead", "kept"), "states")
    expect(ours(log), ["GSP-RM died: its core stopped", KEPT.format(1, -5), KEPT.format(2, -5)],
           "said by the driver")
    expect(told(log), [FAILED, FAILED], "said by the VFs' driver")
    expect(others(log), [], "warnings")
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    works_again(gpu)


@host_test(kernels=("stock",), full=True)
def test_vm_of_libvirt_is_stopped(vm):
    """It is paused, for a reason that libvirt does not know; destroyed, the VF can be used again."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    with VgpuGuest(vm, gpu.vf(0), stay=True, by="libvirt") as guest:
        guest.wait_done(timeout=600)
        before = state(gpu)
        gpu.set_model("crash-plugin", 1)
        begin = time.monotonic()
        while (shown := guest.virsh(f"domstate --reason {guest.name}").strip()) == "running (booted)":
            within(30, "stopping the VM", begin)
            time.sleep(0.2)
        expect(shown, "paused (unknown)", "virsh domstate")
        row(before, "plugin task crashes", f"virsh domstate: {shown}", state(gpu))
        said = vm.sh(f"cat /var/log/libvirt/qemu/{guest.name}.log")
        expect(UNRECOVERABLE.format(gpu.vf(0)) in said, True, f"said by QEMU: {said}")
    expect(told(log), ["vGPU failed: its plugin task crashed"], "said by the VF's driver")
    expect(state(gpu), ("up", "typed"), "states")
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()
