# SPDX-License-Identifier: GPL-2.0-only
"""
include/linux/nvkm_vgpu.h as a driver that is not VFIO's uses it: the example among the selftests,
told by debugfs what to call.
"""

import re
import shlex

from bench_test import expect, host_test
from gpu import BIND, ERRNO, UNBIND, Gpu, KernelLog

Q8, A8, Q2 = 876, 886, 872
DRIVER = "nvkm-vgpu-example"
MODULE = f"/bench/selftests/nvidia-vgpu/example/{DRIVER}.ko"
FILES = f"/sys/kernel/debug/{DRIVER}"


class Example:
    """VF n, bound to the example."""

    def __init__(self, gpu, n):
        self.gpu = gpu
        self.n = n
        self.vf = gpu.bind(n, DRIVER) if gpu.vf_driver(n) != DRIVER else gpu.vf(n)

    def call(self, *commands):
        """What the API gave for each, one after the other: "command", or "command: ERRNO"."""
        words = " ".join(map(shlex.quote, commands))
        out = self.gpu.vm.sh(
            f"for c in {words}; do"
            f" error=$(echo $c | LC_ALL=C tee {FILES}/{self.vf}/ctl 2>&1 >/dev/null);"
            ' echo "$c${error:+: }${error##*: }"; done', timeout=120)
        return [re.sub(": (.*)", lambda m: f": {ERRNO.get(m[1], m[1])}", line)
                for line in out.splitlines()]

    def must(self, *commands):
        expect(self.call(*commands), list(commands), f"VF {self.n}")

    def refused(self, errno, *commands):
        expect(self.call(*commands), [f"{c}: {errno}" for c in commands], f"VF {self.n}")

    def state(self):
        """{first word of a line: the rest}"""
        lines = self.gpu.read(f"{FILES}/{self.vf}/state").splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def bus_master(self):
        command = self.gpu.vm.sh(
            f"od -A n -t u1 -j 4 -N 1 {self.gpu.vf_path(self.n, 'config')}")
        return bool(int(command) & 4)


def reservations(gpu):
    """debugfs of the GPU, but for what GSP-RM is."""
    return gpu.read(f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/reservations").splitlines()


def running(gpu):
    """{GFID: type} of those in the model"""
    return {vgpu["gfid"]: vgpu["type"] for vgpu in gpu.model("vgpus")}


def doorbells(gpu):
    """Writes to the PF's registers: a plugin task that is told of something costs one at least."""
    return gpu.model("stats")["functions"][0]["bar0"]["writes"]


def loaded(vm):
    gpu = Gpu(vm)
    gpu.load()
    vm.sh(f"insmod {MODULE}")
    return gpu


def put_away(gpu, before):
    """No VFs, nothing reserved, no modules, and nothing in use in the model."""
    gpu.put_away(unload=False)
    expect(reservations(gpu), before, "reservations")
    gpu.vm.sh(f"rmmod {DRIVER}")
    gpu.unload()
    expect(gpu.in_use(), {}, "in use in the model")


@host_test()
def test_lives(vm):
    """Two VFs of the example and one of VFIO, and each call at a wrong time."""
    gpu = loaded(vm)
    log = KernelLog(vm)
    before = reservations(gpu)
    gpu.set_numvfs(3)
    one, two = Example(gpu, 0), Example(gpu, 1)
    gpu.bind(2)

    expect(one.call("open", "reset", "close", "type 1", "up"),
           ["open: ENODEV", "reset: EIO", "close", "type 1: ENODEV", "up: EOPNOTSUPP"],
           "a VF without a type")
    one.must(f"type {Q2}", f"type {Q8}")
    expect(gpu.type(0), Q8, "type that an operator sees")
    two.refused("EINVAL", f"type {Q2}")
    two.must(f"type {A8}")
    gpu.must_set_type(2, Q8)
    expect([e.state()["type"] for e in (one, two)], [str(Q8), str(A8)], "types")

    one.must("open")
    state = one.state()
    expect(state["identity"], "26b5 10de:1774 bar1 0x10000000", "identity of the first")
    expect((one.bus_master(), two.bus_master()), (True, False), "bus masters")
    one.refused("EBUSY", "open", f"type {Q8}", f"type {Q2}", "type 0", "type 1")
    expect(gpu.set_type(0, 0), "EBUSY", "an operator takes the type of an open vGPU")
    expect(gpu.type(0), Q8, "type of the open one")
    two.must("open")
    expect(two.state()["identity"], "26b5 10de:177e bar1 0x10000000", "identity of the second")
    client = vm.spawn(f"/bench/selftests/nvidia-vgpu/vfio-client {gpu.vf(2)} boot sleep:1000 reset rpc")
    expect(running(gpu) | {3: Q8}, {1: Q8, 2: A8, 3: Q8}, "vGPUs in the model")

    for reset in (lambda: one.must("reset"), lambda: gpu.must_write(gpu.vf_path(0, "reset"), 1)):
        rung = doorbells(gpu)
        reset()
        expect(one.state()["followed"], "0", "how the vGPU took the reset")
        expect(doorbells(gpu) > rung, True, "the plugin task was told")
    expect(one.bus_master(), True, "bus master after resets")
    two.must("reset", "close")
    two.refused("EIO", "reset")
    expect(two.bus_master(), False, "bus master after close")
    two.must(f"type {Q8}", "open", "close", "close")
    out = client.wait(60, check=False)
    expect(out.rc, 0, f"VFIO's client beside them: {out}")
    gpu.must_client(2, "boot", "rpc")
    expect(running(gpu), {1: Q8}, "vGPUs in the model")

    one.must("close")
    for example in (one, two):
        expect(example.state()["errors"], "0 none", "errors told")
        example.must("type 0")
        expect(example.state()["type"], "0", "type")
    expect(log.warnings(), [], "warnings")
    put_away(gpu, before)


@host_test()
def test_errors(vm):
    """Each driver is told once and of its own vGPU; closing helps where the GPU still lives."""
    gpu = loaded(vm)
    gpu.set_numvfs(2)
    one, two = Example(gpu, 0), Example(gpu, 1)
    for example in (one, two):
        example.must(f"type {Q8}", "open")
    gpu.set_model("crash-plugin", 1)
    vm.sh(f"for i in $(seq 100); do grep -q 'errors 1' {FILES}/{one.vf}/state && exit;"
          " sleep 0.05; done; exit 1")
    expect((one.state()["errors"], two.state()["errors"]), ("1 plugin", "0 none"), "errors told")
    one.refused("EIO", "reset")
    one.refused("EBUSY", "open")
    two.must("reset")
    one.must("close", "open", "reset")
    expect((one.state()["errors"], two.state()["errors"]), ("1 plugin", "0 none"), "errors told")

    gpu.set_model("crash-gsp", True)
    vm.sh(f"for i in $(seq 100); do cat {FILES}/*/state | grep -c 'gpu$' | grep -qx 2 && exit;"
          " sleep 0.05; done; exit 1")
    expect((one.state()["errors"], two.state()["errors"]), ("2 gpu", "1 gpu"), "errors told")
    one.refused("EIO", "reset")
    one.must("close")
    # nobody says that it ended, so it is kept
    expect(one.state()["type"], "0", "type")
    one.refused("ENODEV", "open")
    one.refused("EIO", f"type {Q8}")
    expect((one.state()["errors"], two.state()["errors"]), ("2 gpu", "1 gpu"), "errors told")
    # and the other one is closed by its driver's remove
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    gpu.must_write(BIND, gpu.pf, timeout=180)
    before = reservations(gpu)
    gpu.set_numvfs(1)
    Example(gpu, 0).must(f"type {Q8}", "open", "reset", "close")
    put_away(gpu, before)


@host_test()
def test_who_may_go(vm):
    """Modules, VFs and drivers that are in use, and what closes them."""
    vm.sh("echo 0 >/sys/bus/pci/drivers_autoprobe; modprobe nvkm-vgpu;"
          f" insmod {MODULE}; echo 1 >/sys/bus/pci/drivers_autoprobe")
    gpu = Gpu(vm)
    gpu.must_write(gpu.path("driver_override"), DRIVER)
    expect(gpu.write(f"/sys/bus/pci/drivers/{DRIVER}/bind", gpu.pf), "ENODEV", "bind of a PF")
    vm.sh(f"echo >{gpu.path('driver_override')}")
    gpu.must_write(BIND, gpu.pf, timeout=180)
    before = reservations(gpu)

    out = vm.sh("rmmod nvkm_vgpu", check=False)
    expect("nvkm_vgpu is in use by: nvkm_vgpu_example" in out, True, f"rmmod nvkm-vgpu: {out}")

    gpu.set_numvfs(2)
    one, two = Example(gpu, 0), Example(gpu, 1)
    one.must(f"type {Q8}", "open")
    two.must(f"type {Q8}")
    expect(gpu.write(gpu.path("sriov_numvfs"), 0), "EBUSY", "no VFs while one is open")
    two.must("open", "close")
    one.must("close")
    gpu.set_numvfs(0)
    expect(vm.sh(f"ls {FILES}"), "", "files of VFs that are gone")
    expect(reservations(gpu), before, "reservations")

    # a driver's end is its vGPU's; the type is the VF's
    gpu.set_numvfs(1)
    one = Example(gpu, 0)
    one.must(f"type {Q8}", "open")
    expect(running(gpu), {1: Q8}, "vGPUs in the model")
    vm.sh(f"rmmod {DRIVER}")
    expect(running(gpu), {}, "vGPUs in the model")
    expect(gpu.type(0), Q8, "type that the VF keeps")
    vm.sh(f"insmod {MODULE}")
    one = Example(gpu, 0)
    one.must("open")
    gpu.must_write(f"/sys/bus/pci/drivers/{DRIVER}/unbind", one.vf)
    expect(running(gpu), {}, "vGPUs in the model")
    gpu.put_away(unload=False)

    # a driver that has its VFs as soon as they appear, and gives them a type in probe
    new = "10de 26b5 ffffffff ffffffff 0 0"
    gpu.must_write(f"/sys/bus/pci/drivers/{DRIVER}/new_id", f"{new} {Q8:x}")
    gpu.set_numvfs(2)
    for n in range(2):
        expect(gpu.vf_driver(n), DRIVER, f"driver of VF {n}")
        expect(Example(gpu, n).state()["type"], str(Q8), f"type of VF {n} from probe")
    Example(gpu, 1).must("open", "close")
    gpu.must_write(f"/sys/bus/pci/drivers/{DRIVER}/remove_id", new)
    put_away(gpu, before)
