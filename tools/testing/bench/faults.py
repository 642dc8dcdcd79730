# SPDX-License-Identifier: GPL-2.0-only
"""
What tests of faults share: what the drivers say of them, states around them, how long they take.
"""

import datetime
import re
import time

from bench_test import expect
from gpu import BIND, CLIENT, VFIO_DRIVER

Q8 = 876

# The PCI core waits a minute for a function that was reset and is not there, and says so;
# since Linux 7.3 it looks first.
GONE = re.compile(
    r"not ready \d+ms after FLR|timed out waiting for pending transaction"
    r"|Device config space inaccessible; unable to FLR"
)
# What a vGPU in use has to say of it, after the line for GSP-RM
KEPT = "vGPU {}: end not confirmed (shutdown {}, cleanup -5), its framebuffer is kept"
FAILED = "vGPU failed: the GPU is dead"
# What QEMU says then
UNRECOVERABLE = "vfio_err_notifier_handler({}) Unrecoverable error detected."
# What the IOMMU says of DMA to nowhere, for check.py
REFUSED_DMA = [r"DMAR: DRHD: handling fault status reg", r"DMAR: \[DMA \w+ NO_PASID\]"]
# Somebody has a VF open
IN_USE = "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -qE 'vfio-device|/vfio/devices/'"


def within(seconds, what, begin):
    took = time.monotonic() - begin
    if took > seconds:
        raise AssertionError(f"{what} took {took:.0f} s, at most {seconds}")


def ours(log):
    """Lines of our driver without the address of the device."""
    return [line.partition(": ")[2] for line in log.said_by("nvkm-vgpu")]


def others(log):
    return [
        w
        for w in log.warnings()
        if not w.startswith(("nvkm-vgpu", VFIO_DRIVER)) and not GONE.search(w)
    ]


def works_again(gpu):
    """The driver is bound anew, and a vGPU lives."""
    gpu.must_write(BIND, gpu.pf, timeout=180)
    gpu.set_up([Q8], load=False)
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


def told(log):
    """Lines of the VF's driver without the address of the device."""
    said = [line.partition(": ")[2] for line in log.said_by(VFIO_DRIVER)]
    return [line for line in said if not line.startswith("enabling device")]


def state(gpu, n=0):
    """Of GSP-RM, and of a VF's vGPU, as debugfs has them."""
    show = gpu.vm.sh(f"cat /sys/kernel/debug/nvkm-vgpu-{gpu.pf}/reservations")
    gsp = re.search(r"^gsp-rm (.*)$", show, re.M)[1]
    vf = re.search(rf"^gfid {n + 1} type \d+ (\w+) ", show, re.M)
    return gsp, vf[1] if vf else "free"


def wait_state(gpu, n, want, timeout=30):
    begin = time.monotonic()
    while (now := state(gpu, n)[1]) != want:
        within(timeout, f"VF {n} is {now}; until it is {want}", begin)
        time.sleep(0.2)


def wait_running(gpu, n=0):
    """A VF's node may be open for a second before its vGPU is."""
    show = f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/reservations"
    gpu.vm.sh(
        f"for i in $(seq 300); do grep -q '^gfid {n + 1} type [0-9]* running ' {show} && exit; sleep 0.1;"
        f" done; cat {show}; exit 1"
    )


def sit_and_be_told(vm, gpu, *after, n=0):
    """A client that waits for VFIO's error eventfd, and what it does then."""
    commands = " ".join(("err:0", "boot", "err:60000", *after))
    client = vm.spawn(f"{CLIENT} {gpu.vf(n)} {commands}")
    vm.sh(
        "for i in $(seq 100); do ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q 'anon_inode:.eventfd'"
        " && exit; sleep 0.1; done; exit 1"
    )
    time.sleep(1)
    return client


def held(vm, gpu, n, *commands):
    """A client that has the VF open, and does this once its standard input ends."""
    client = vm.spawn(
        f"sleep 3604 | {CLIENT} {gpu.vf(n)} boot hold {' '.join(commands)} >/tmp/held 2>&1;"
        " rc=$?; cat /tmp/held; exit $rc"
    )
    vm.sh(
        "for i in $(seq 200); do grep -q '^ok hold' /tmp/held && exit; sleep 0.1; done;"
        " cat /tmp/held; exit 1", timeout=120,
    )
    return client


def let_go(vm, client):
    vm.sh("pkill -xf 'sleep 3604'")
    out = client.wait(60, check=False)
    expect(out.rc, 0, f"the client: {out}")


def sit_and_not_be_told(vm, gpu, milliseconds, *after):
    """A client whose error eventfd stays quiet for so long, and what it does then."""
    client = vm.spawn(f"{CLIENT} {gpu.vf(0)} err:0 boot quiet:{milliseconds} {' '.join(after)}")
    wait_running(gpu)
    time.sleep(1)
    return client


def clock(vm):
    """The VM's, in seconds."""
    return float(vm.sh("date +%s.%N"))


def told_after(out, event):
    """What a client saw that waited for VFIO's error eventfd; event: the clock just before."""
    at = re.search(r"^ok err told after \d+ ms, at (\S+)", out, re.M)
    return f"told after {(float(at[1]) - event) * 1000:.0f} ms" if at else "not told"


def row(before, event, saw, after):
    """What is printed of a fault: states around it, and what each VM saw of it."""
    print(f"# {before} | {event} | {saw} | {after}", flush=True)


class Watched:  # pylint: disable=no-member
    """Beside the class of a guest: its QEMU says when it says something, and that is kept."""

    TIMES = "-msg timestamp=on"
    said = ""

    def wait_stopped(self, timeout=30):
        """Until QEMU has stopped it, which is for good."""
        begin = time.monotonic()
        while self.runstate() == "running":
            if time.monotonic() - begin > timeout:
                raise AssertionError(f"{self.name} still runs after {timeout} s")
            time.sleep(0.2)
        expect(self.runstate(), "internal-error", f"run state of {self.name}")

    def kill(self, event):
        """Kill its QEMU; returns when it was stopped. event: the clock just before."""
        self.stop()
        self.said = self.process.poll()
        lines = [line for line in self.said.splitlines() if UNRECOVERABLE.format(self.vfs[0]) in line]
        expect(len(lines), 1, f"said by QEMU: {self.said}")
        at = datetime.datetime.fromisoformat(lines[0].split()[0]).timestamp()
        return f"{self.name} stopped after {(at - event) * 1000:.0f} ms"
