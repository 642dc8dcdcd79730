# SPDX-License-Identifier: GPL-2.0-only
"""
The host sleeps, and the GPU loses its power: GSP-RM is loaded anew, and what the operator
chose is as it was. Nobody sleeps with a vGPU open. A reset of the GPU by hand is the same,
but for who asks.
"""

from bench_test import expect, host_test
from faults import IN_USE, Q8, others, ours, state
from gpu import CLIENT, UNBIND, Gpu, KernelLog

A8 = 886
OPEN = "vGPU 1 is open, and would lose its framebuffer: no sleep"
LOST = (
    "SR-IOV capability has VF 0 at devfn 0x0, not 0x4: configuration space is not as it was",
    "GSP-RM is not loaded again, error -5; unbind and bind the GPU to go on",
)
ECAM = "/bench/selftests/nvidia-vgpu/ecam/nvgpu-ecam.ko"


def reservations(gpu):
    return gpu.vm.sh(f"cat /sys/kernel/debug/nvkm-vgpu-{gpu.pf}/reservations")


def typed(vm):
    gpu = Gpu(vm)
    gpu.load()
    gpu.set_numvfs(4)
    for n, vgpu_type in ((0, Q8), (2, A8)):
        expect(gpu.set_type(n, vgpu_type), "", f"type of VF {n}")
        gpu.bind(n)
    return gpu


def lives(gpu, log):
    """All is as it was, and a vGPU can be used."""
    for n in (0, 2):
        gpu.must_client(n, "boot", "rpc")
    # the keyboard of the emulated machine has no driver that wakes
    expect([line for line in others(log) if not line.startswith("serio ")], [], "warnings")
    expect(ours(log), [], "lines of ours")


def refuses_sleep(vm, gpu, log):
    """Whoever has a vGPU open goes on; the runner does not see his end, so it is in a file."""
    client = f"{CLIENT} {gpu.vf(0)} boot sleep:6000 rpc"
    vm.sh(f"rm -f /run/rc; (setsid {client}; echo $? >/run/rc) >/dev/null 2>&1 </dev/null &")
    vm.sh(f"until {IN_USE}; do sleep 0.1; done")
    out = vm.sleep()
    expect("Device or resource busy" in out, True, f"echo mem: {out}")
    expect(ours(log), [OPEN], "what is said of it")
    expect(vm.sh("until [ -s /run/rc ]; do sleep 0.2; done; cat /run/rc"), "0", "the one who has it")
    log.mark()


@host_test(kernels=("debug",), sampled=True, ram=True, mem="6G")
def test_sleeps_without_losing_power(vm):
    """As far as a kernel goes that tests it: all devices are suspended and woken."""
    gpu = typed(vm)
    log = KernelLog(vm)
    before = reservations(gpu)
    vm.sh("echo devices >/sys/power/pm_test; echo 1 >/sys/module/suspend/parameters/pm_test_delay")
    expect(vm.sleep().rc, 0, "echo mem")
    expect(reservations(gpu), before, "reservations")
    lives(gpu, log)
    refuses_sleep(vm, gpu, log)
    vm.sh("echo none >/sys/power/pm_test")
    gpu.put_away()


@host_test(ram=True, mem="6G")
def test_sleeps_and_wakes(vm):
    gpu = typed(vm)
    vm.sh(f"insmod {ECAM}")
    log = KernelLog(vm)
    before = reservations(gpu)
    for _ in range(2):
        out = vm.sleep()
        expect(out.rc, 0, f"echo mem: {out}")
        expect(gpu.numvfs(), 4, "VFs afterwards")
        expect((gpu.type(0), gpu.type(1), gpu.type(2)), (Q8, 0, A8), "types afterwards")
        expect(reservations(gpu), before, "reservations")
        lives(gpu, log)


@host_test(kernels=("stock",), ram=True, mem="6G")
def test_sleeps_not_with_an_open_vgpu(vm):
    gpu = Gpu(vm)
    if not gpu.driver():
        gpu = typed(vm)
    log = KernelLog(vm)
    refuses_sleep(vm, gpu, log)
    lives(gpu, log)


@host_test(kernels=("stock",), ram=True, mem="6G")
def test_sleeps_not_while_a_user_is_waited_for(vm):
    """The driver is being unbound, and waits for who has a vGPU open: who would be frozen now."""
    gpu = Gpu(vm)
    if not gpu.driver():
        gpu = typed(vm)
    vm.sh(f"echo {gpu.pf} >/run/pf")
    log = KernelLog(vm)
    client = f"{CLIENT} {gpu.vf(0)} boot sleep:6000 rpc"
    vm.sh(f"rm -f /run/rc; (setsid {client}; echo $? >/run/rc) >/dev/null 2>&1 </dev/null &")
    vm.sh(f"until {IN_USE}; do sleep 0.1; done")
    vm.sh(f"(setsid sh -c 'cat /run/pf >{UNBIND}; echo done >/run/unbound') >/dev/null 2>&1 </dev/null &")
    out = vm.sleep()
    expect("Device or resource busy" in out, True, f"echo mem: {out}")
    expect(ours(log), [OPEN], "what is said of it")
    expect(vm.sh("until [ -s /run/rc ]; do sleep 0.2; done; cat /run/rc"), "0", "the one who has it")
    vm.sh("until [ -s /run/unbound ]; do sleep 0.2; done")
    expect(gpu.driver(), "", "driver")
    gpu.unload()


@host_test(kernels=("stock",), ram=True, mem="6G", fresh=True)
def test_wakes_without_configuration_space(vm):
    """SeaBIOS leaves extended configuration space off: nothing is known of VFs, and nothing breaks."""
    gpu = typed(vm)
    log = KernelLog(vm)
    out = vm.sleep()
    expect(out.rc, 0, f"echo mem: {out}")
    # a quirk of the PCI core speaks first: it reads zeroes, too
    expect(tuple(ours(log)[-2:]), LOST, "what is said of it")
    expect(state(gpu)[0], "dead", "GSP-RM")
    expect(gpu.set_type(0, 0), "ENODEV", "a VF whose index is unknown")
    expect(vm.sh(f"cat {gpu.vf_path(0, 'nvidia/creatable_vgpu_types')}", check=False).rc != 0, True, "cat")


@host_test(sampled=True)
def test_reset_with_no_vgpu_open(vm):
    """GSP-RM is loaded anew, and what it had kept of vGPUs is free."""
    gpu = typed(vm)
    log = KernelLog(vm)
    before = reservations(gpu)
    gpu.must_write(gpu.path("reset"), 1, timeout=180)
    expect(state(gpu), ("up", "typed"), "after the reset")
    expect(reservations(gpu), before, "reservations")
    lives(gpu, log)

    # as of a GPU whose GSP-RM has died
    gpu.set_model("crash-gsp", True)
    expect(gpu.client(0, "boot").rc != 0, True, "a vGPU without GSP-RM")
    log.mark()
    gpu.must_write(gpu.path("reset"), 1, timeout=180)
    expect(state(gpu)[0], "up", "after the reset")
    lives(gpu, log)
    gpu.put_away()
