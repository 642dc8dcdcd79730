# SPDX-License-Identifier: GPL-2.0-only
"""
What a GPU may do to the host while it is in use: lose an interrupt, or GSP-RM,
or itself.
"""

import re
import time

from bench_test import expect, host_test
from faults import (
    FAILED, KEPT, Q8, clock, others, ours, row, sit_and_be_told, state, told, told_after, wait_running,
    within, works_again,
)
from gpu import BIND, CLIENT, UNBIND, VFIO_DRIVER, Gpu, KernelLog

Q1 = 871
# VFs, and seconds that they have. KASAN keeps an eighth of each BAR that is mapped, and is slow
ALL = {"stock": (32, 60), "debug": (8, 120)}
HELD = "/tmp/held"
KILL = "pkill -9 -x vfio-client; pkill -xf 'sleep 3602'"
WAITS = "No device request channel registered, blocked until released by user"
XID = "GSP-RM: Xid 79: GPU has fallen off the bus"


def sit_and_use(vm, gpu, milliseconds):
    """A client that has VF 0 open for so long."""
    client = vm.spawn(f"{CLIENT} {gpu.vf(0)} boot sleep:{milliseconds}")
    wait_running(gpu)
    return client


@host_test()
def test_interrupt_lost(vm):
    """An event has nothing but its interrupt; who waits for a reply meets it all the same."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8])
    gpu.set_model("lose-interrupt", "0:1")
    event = f"os-error-log:79:{XID.partition(': ')[2].partition(': ')[2]}"
    gpu.set_model("inject-event", event)
    gpu.must_client(0, "rpc")
    expect(gpu.model("lose-interrupt"), "", "the fault was met")
    expect(ours(log), [XID], "the event whose interrupt got lost")
    expect(others(log), [], "warnings")
    log.mark()
    gpu.set_model("inject-event", event)
    begin = time.monotonic()
    while not ours(log):
        within(10, "the next event, which nobody waits for,", begin)
        time.sleep(0.1)
    gpu.put_away()
    expect(others(log), [], "warnings")


@host_test(kernels=("stock",), gpu="nvidia-ada,board=l40,reply-interrupt=on")
def test_interrupt_of_a_reply_lost(vm):
    """Where they have one it is not needed. How many there are is a matter of time: some coincide."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8])
    for _ in range(3):
        gpu.set_model("lose-interrupt", "0:1")
        begin = time.monotonic()
        gpu.must_client(0, "boot", "rpc")
        within(60, "a life of a vGPU without the first interrupt", begin)
        expect(gpu.model("lose-interrupt"), "", "the fault was met")
    gpu.put_away()
    expect(log.warnings(), [], "warnings")


@host_test()
def test_gsp_locks_down(vm):
    """Its registers answer with errors for a while, which is no death; messages go on."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    log = KernelLog(vm)
    client = sit_and_use(vm, gpu, 4000)
    before = state(gpu)
    gpu.set_model("inject-event", "lockdown:on")
    time.sleep(1)
    expect(state(gpu), before, "locked down")
    # by the queue alone: another vGPU opens and closes
    gpu.must_client(1, "boot", "rpc")
    expect(state(gpu)[0], "up", "locked down")
    gpu.set_model("inject-event", "lockdown:off")
    expect(client.wait(60).rc, 0, "the one who has a vGPU open")
    row(before, "GSP-RM locks down, and unlocks", "nothing", state(gpu))
    expect(log.warnings(), [], "warnings")
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


@host_test()
def test_gsp_crashes_in_use(vm):
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    client = sit_and_be_told(vm, gpu, "reset-fails", "gone")
    before = state(gpu)
    expect(before, ("up", "running"), "states")
    event = clock(vm)
    gpu.set_model("crash-gsp", True)
    out = client.wait(60, check=False)
    expect(out.rc, 0, f"the client: {out}")
    expect(state(gpu)[0], "dead", "GSP-RM")
    row(before, "GSP-RM crashes", told_after(out, event), state(gpu))
    expect(ours(log), ["GSP-RM died: its core stopped", KEPT.format(1, -5)], "said by the driver")
    expect(told(log)[0], FAILED, "said by the VF's driver")
    begin = time.monotonic()
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    within(60, "unbind", begin)
    expect(others(log), [], "warnings")
    works_again(gpu)


@host_test(sampled=True)
def test_plugin_crashes_in_use(vm):
    """One VM is told, the other one notices nothing; after closing it all works again."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    log = KernelLog(vm)
    client = sit_and_be_told(vm, gpu, "reset-fails", "gone")
    other = vm.spawn(f"{CLIENT} {gpu.vf(1)} boot sleep:4000 reset rpc")
    time.sleep(1)
    before = state(gpu)
    event = clock(vm)
    gpu.set_model("crash-plugin", 1)
    out = client.wait(60, check=False)
    expect(out.rc, 0, f"the client: {out}")
    out_other = other.wait(60, check=False)
    expect(out_other.rc, 0, f"the other client: {out_other}")
    row(before, "plugin task crashes", told_after(out, event), state(gpu))
    expect(ours(log), ["vGPU 1: its plugin task crashed"], "said by the driver")
    expect(told(log)[0], "vGPU failed: its plugin task crashed", "said by the VF's driver")
    expect(state(gpu), ("up", "typed"), "states")
    gpu.must_client(0, "boot", "rpc")
    expect(others(log), [], "warnings")
    gpu.put_away()


class AllOpen:
    """As many VFs as there can be, each open until the block ends: then their users are killed."""

    def __init__(self, gpu):
        self.gpu = gpu
        self.num, self.seconds = ALL[gpu.vm.kernel]
        self.process = None

    def __enter__(self):
        gpu = self.gpu
        gpu.load()
        gpu.set_numvfs(self.num)
        # standard input that stays open holds the device
        self.process = gpu.vm.spawn(
            f"rm -rf {HELD}; mkdir {HELD}; for n in $(seq 0 {self.num - 1}); do d={gpu.path()}virtfn$n;"
            f" vf=$(basename $(readlink $d)); echo {VFIO_DRIVER} >$d/driver_override;"
            f" echo $vf >/sys/bus/pci/drivers_probe; echo {Q1} >$d/nvidia/current_vgpu_type;"
            f" sleep 3602 | {CLIENT} $vf boot hold >{HELD}/$n 2>&1 & done; wait"
        )
        gpu.vm.sh(
            f"for i in $(seq 600); do [ $(cat {HELD}/* | grep -c '^ok hold') = {self.num} ] && exit;"
            f" sleep 0.5; done; grep -H . {HELD}/*; exit 1",
            timeout=360,
        )
        return self

    def __exit__(self, *exc):
        self.gpu.vm.sh(f"{KILL}; :")
        self.process.wait(240, check=False)
        self.gpu.vm.sh(f"rm -r {HELD}")


def hung(log, row_event, before, begin, all_open):
    """All of them are kept, and nobody has waited longer than the one who found out."""
    gpu, num = all_open.gpu, all_open.num
    took = time.monotonic() - begin
    row(before, row_event, f"{num} VFs closed and unbound after {took * 1000:.0f} ms", "no driver")
    said = ours(log)
    expect(said[0], "GSP-RM does not respond: no reply to RPC GSP_RM_CONTROL 0x20804002 in 45000 ms",
           "first line")
    # those that had sent theirs before it was known gave up when it was
    expect(sorted(re.sub(r"shutdown -\d+", "shutdown {}", line) for line in said[1:]),
           sorted(KEPT.format(n, "{}") for n in range(1, num + 1)), "other lines")
    expect([w for w in others(log) if WAITS not in w], [], "warnings")
    if took > all_open.seconds:
        raise AssertionError(f"it took {took:.0f} s, at most {all_open.seconds}")
    works_again(gpu)
    expect(gpu.in_use(), {}, "in use in the model")


@host_test(kernels=("stock",), sampled=True)
def test_gsp_hangs_in_use(vm):
    """A hang costs its time once: the first message that ends something waits, the others do not."""
    gpu = Gpu(vm)
    with AllOpen(gpu) as all_open:
        num = all_open.num
        log = KernelLog(vm)
        before = state(gpu, num - 1)
        expect(before, ("up", "running"), "states")
        gpu.set_model("hang-gsp", True)
        begin = time.monotonic()
    print(f"# {num} VFs closed after {time.monotonic() - begin:.0f} s", flush=True)
    expect(state(gpu, num - 1), ("not responding", "kept"), "states")
    expect(gpu.open_error(0), "ENODEV", "opening a VF whose last vGPU is kept")
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    hung(log, f"GSP-RM hangs, {num} users are killed, then unbind", before, begin, all_open)


@host_test(sampled=True)
def test_gsp_hangs_and_pf_is_unbound(vm):
    """Unbind comes while all VFs are open, and their users die beside it."""
    gpu = Gpu(vm)
    with AllOpen(gpu) as all_open:
        num = all_open.num
        log = KernelLog(vm)
        before = state(gpu, num - 1)
        expect(before, ("up", "running"), "states")
        gpu.set_model("hang-gsp", True)
        begin = time.monotonic()
        unbind = vm.spawn(f"echo {gpu.pf} >{UNBIND}")
    unbind.wait(240)
    hung(log, f"GSP-RM hangs, unbind while {num} users are killed", before, begin, all_open)


@host_test(kernels=("stock",), sampled=True)
def test_gsp_is_slow(vm):
    """It did not respond, and then it does: nothing was lost but the time."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    log = KernelLog(vm)
    gpu.set_model("fault-message", "delay=47000:76:0x20804002")
    gpu.must_client(0, "boot", timeout=180)
    expect(ours(log)[0], "GSP-RM does not respond: no reply to RPC GSP_RM_CONTROL 0x20804002 in 45000 ms",
           "first line")
    expect(state(gpu)[1], "kept", "vGPU")
    time.sleep(3)
    # the next who asks hears it, and what was kept is given back
    gpu.must_set_type(0, Q8)
    expect(state(gpu), ("up", "typed"), "states")
    gpu.must_client(0, "boot", "rpc")
    gpu.must_client(1, "boot", "rpc")
    expect("GSP-RM responds again" in ours(log), True, f"said by the driver: {ours(log)}")
    gpu.put_away()


@host_test()
def test_gpu_is_reset_in_use(vm):
    """By hand in sysfs: nothing can forbid it, VMs are told, and the log says how to go on."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    client = sit_and_be_told(vm, gpu)
    before = state(gpu)
    event = clock(vm)
    gpu.must_write(gpu.path("reset"), 1)
    out = client.wait(60, check=False)
    expect("ok err" in out, True, f"the client: {out}")
    row(before, "PF is reset", told_after(out, event), state(gpu))
    expect(ours(log)[0], "GSP-RM died: the GPU is being reset with a vGPU open; close it and reset once more",
           "said")
    expect(others(log), [], "warnings")
    log.mark()
    gpu.must_write(gpu.path("reset"), 1, timeout=180)
    expect(state(gpu)[0], "up", "GSP-RM after a reset with nothing open")
    expect((ours(log), others(log)), ([], []), "said")
    expect(gpu.set_type(0, Q8), "", "type of VF 0")
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


@host_test()
def test_reset_of_a_vf_from_elsewhere(vm):
    """A reset that the user of the VF did not ask for is followed, too."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    client = vm.spawn(f"{CLIENT} {gpu.vf(0)} boot sleep:3000 boot rpc reset rpc")
    time.sleep(1.5)
    gpu.must_write(gpu.vf_path(0, "reset"), 1)
    out = client.wait(60, check=False)
    expect(out.rc, 0, f"the client: {out}")
    gpu.put_away()


@host_test(kernels=("stock",))
def test_vfs_of_another_driver(vm):
    """Turning VFs off would wait for users that nobody here sees."""
    gpu = Gpu(vm)
    gpu.load()
    gpu.set_numvfs(1)
    vf = gpu.vf(0)
    vm.sh("modprobe vfio-pci")
    gpu.must_write(gpu.vf_path(0, "driver_override"), "vfio-pci")
    gpu.must_write("/sys/bus/pci/drivers_probe", vf)
    log = KernelLog(vm)
    expect(gpu.write(gpu.path("sriov_numvfs"), 0), "EBUSY", "no VFs while another driver has one")
    expect(ours(log), ["VF 0 has another driver, vfio-pci: unbind it first"], "said by the driver")
    gpu.must_write("/sys/bus/pci/drivers/vfio-pci/unbind", vf)
    gpu.put_away()
    vm.sh("modprobe -r vfio-pci")


@host_test(sampled=True, fresh=True)
def test_surprise_removal(vm):
    """All ones from everywhere: close and unbind end, and when it is back all works."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    client = sit_and_use(vm, gpu, 5000)
    gpu.set_model("surprise-removal", True)
    begin = time.monotonic()
    client.wait(150, check=False)
    within(150, "closing the VF", begin)
    begin = time.monotonic()
    gpu.must_write(UNBIND, gpu.pf, timeout=300)
    within(60, "unbind", begin)
    expect(ours(log), ["GSP-RM died: the GPU is gone", KEPT.format(1, -5)], "said by the driver")
    expect(others(log), [], "warnings")
    expect(gpu.write(BIND, gpu.pf, timeout=60), "ENODEV", "bind")

    # GSP-RM goes on with the message it had got last, in memory that it has no more, dies of
    # it, and tells that by an interrupt that nobody has any more.
    vm.expected_log += [
        r"DMAR: DRHD: handling fault status",
        rf"DMAR: \[DMA Read NO_PASID\] Request device \[{gpu.pf}\]",
        rf"DMAR: \[INTR-REMAP\] Request device \[{gpu.pf}\]",
    ]
    gpu.set_model("surprise-removal", False)
    gpu.must_write(gpu.path("reset"), 1)
    works_again(gpu)
