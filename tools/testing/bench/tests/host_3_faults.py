# SPDX-License-Identifier: GPL-2.0-only
"""
What a GPU may do to the host while it is in use: lose an interrupt, or GSP-RM,
or itself.
"""

import re
import time

from bench_test import expect, host_test
from gpu import BIND, CLIENT, UNBIND, Gpu, KernelLog

Q8 = 876
XID = "GSP-RM: Xid 79: GPU has fallen off the bus"

# The PCI core waits a minute for a function that was reset and is not there, and says so;
# since Linux 7.3 it looks first.
GONE = re.compile(
    r"not ready \d+ms after FLR|timed out waiting for pending transaction"
    r"|Device config space inaccessible; unable to FLR"
)
# What a vGPU in use has to say of it, after the line for GSP-RM
KEPT = "vGPU 1: end not confirmed (shutdown -5, cleanup -5), its framebuffer stays reserved"


def within(seconds, what, begin):
    took = time.monotonic() - begin
    if took > seconds:
        raise AssertionError(f"{what} took {took:.0f} s, at most {seconds}")


def ours(log):
    """Lines of our driver without the address of the device."""
    return [line.partition(": ")[2] for line in log.said_by("nvkm-vgpu")]


def others(log):
    return [w for w in log.warnings() if not w.startswith("nvkm-vgpu") and not GONE.search(w)]


def sit_and_use(vm, gpu, milliseconds):
    """A client that has VF 0 open for so long."""
    client = vm.spawn(f"{CLIENT} {gpu.vf(0)} boot sleep:{milliseconds}")
    vm.sh(
        "for i in $(seq 100); do ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q vfio-device && exit;"
        " sleep 0.1; done; exit 1"
    )
    return client


def works_again(gpu):
    """The driver is bound anew, and a vGPU lives."""
    gpu.must_write(BIND, gpu.pf, timeout=180)
    gpu.set_up([Q8], load=False)
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


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
def test_gsp_crashes_in_use(vm):
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    client = sit_and_use(vm, gpu, 4000)
    gpu.set_model("crash-gsp", True)
    expect(client.wait(60, check=False).rc, 0, "the client")
    expect(ours(log), ["GSP-RM died: its core stopped", KEPT], "said by the driver")
    begin = time.monotonic()
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    within(60, "unbind", begin)
    expect(others(log), [], "warnings")
    works_again(gpu)


@host_test(kernels=("stock",), full=True)
def test_gsp_hangs_in_use(vm):
    """Each call of a teardown waits its 45 s, as nothing tells a GSP-RM that hangs from a slow one."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    log = KernelLog(vm)
    client = sit_and_use(vm, gpu, 4000)
    gpu.set_model("hang-gsp", True)
    begin = time.monotonic()
    client.wait(240, check=False)
    within(170, "closing the VF", begin)
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    expect(
        ours(log),
        [
            "GSP-RM: no reply to RPC GSP_RM_CONTROL 0x20804002",
            "GSP-RM: no reply to RPC GSP_RM_CONTROL 0x20804008",
            KEPT.replace("-5", "-110"),
            "GSP-RM: no reply to RPC FREE",
            "GSP-RM: no reply to RPC UNLOADING_GUEST_DRIVER",
        ],
        "said by the driver",
    )
    expect(others(log), [], "warnings")
    works_again(gpu)


@host_test(kernels=("stock",), fresh=True)
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
    expect(ours(log), ["GSP-RM died: the GPU is gone", KEPT], "said by the driver")
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
