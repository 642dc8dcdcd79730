# SPDX-License-Identifier: GPL-2.0-only
"""
include/uapi/fwctl/nvkm_vgpu.h by a program that has nothing but that header. Debian's kernel has no
fwctl, so all of it is on our own.
"""

import re

from bench_test import expect, host_test
from faults import held, let_go
from gpu import BIND, UNBIND, Gpu, KernelLog
from host_5_monitor import TOLD, opened

MODULE = "nvkm-vgpu-fwctl"
PROGRAM = "/bench/selftests/nvidia-vgpu/vgpu-fwctl"
Q1, Q8, Q2 = 871, 876, 872

# as the header numbers them
OK, NOT_FOUND, BUSY, OTHER_SIZE, NO_SPACE, FIRMWARE, NOT_SUPPORTED = range(7)
ADD, SUPPORTED, CREATABLE, ASSIGN, DEASSIGN, PROPERTIES, ASSIGNED = range(0x20001, 0x20008)
STATUS = 0x30001
CONFIGURATION, READ_ONLY, WRITE = range(3)
ANY = 0xffffffff


class Fwctl:
    """The device of the one GPU."""

    def __init__(self, gpu):
        self.gpu = gpu
        self.vm = gpu.vm
        names = self.vm.sh("ls /sys/class/fwctl").split()
        expect(len(names), 1, f"devices of fwctl: {names}")
        self.node = f"/dev/fwctl/{names[0]}"

    def call(self, *args):
        """What it prints, if that is all well."""
        return self.vm.sh(f"{PROGRAM} {self.node} {' '.join(map(str, args))}")

    def refused(self, want, *args):
        """The status of an answer, or an errno."""
        out = self.vm.sh(f"{PROGRAM} {self.node} {' '.join(map(str, args))}; echo exit $?")
        text = f"status {want}" if isinstance(want, int) else f"FWCTL_RPC: {want}"
        expect(out.split("\n")[:2], [text, "exit 1"], f"{args}")

    def types(self, *args):
        return [int(line) for line in self.call(*args).split()]

    def raw(self, scope, *words):
        """Words of the reply, or an errno."""
        out = self.vm.sh(f"{PROGRAM} {self.node} raw {scope} {' '.join(map(str, words))}", check=False)
        return out.partition(": ")[2].strip() or [int(word, 16) for word in out.split()]

    def status(self, n):
        return dict(line.partition(" ")[::2] for line in self.call("status", self.gpu.vf(n)).splitlines())


def set_up(vm, vfs):
    gpu = Gpu(vm)
    gpu.load()
    gpu.set_numvfs(vfs)
    vm.sh(f"modprobe {MODULE}")
    return gpu, Fwctl(gpu)


def dbdf(address):
    domain, bus, dev, fn = (int(part, 16) for part in re.split("[:.]", address))
    return domain << 16 | bus << 8 | dev << 3 | fn


@host_test(kernels=("debug",), sampled=True)
def test_commands(vm):
    """Each does what the files in sysfs do, and sees what they show."""
    gpu, fwctl = set_up(vm, 3)
    log = KernelLog(vm)
    vf = [gpu.vf(n) for n in range(3)]
    for n in range(3):
        gpu.bind(n)
    expect(fwctl.call("info").splitlines(), ["type 0x4e56", "version 1", f"gpu {gpu.pf}"], "info")
    listed = gpu.read(gpu.path("vgpu/supported_types")).splitlines()[1:]
    expect(fwctl.types("supported"), [int(line.split()[0]) for line in listed], "types that it has")
    expect(fwctl.types("creatable", vf[0]), list(gpu.creatable(0)), "types that a VF could be given")

    fwctl.call("assign", vf[0], Q8)
    expect((gpu.type(0), fwctl.types("assigned", vf[0])), (Q8, [Q8]), "type, as both see it")
    expect(fwctl.types("creatable", vf[0]), [], "creatable once it has one")
    expect(fwctl.types("creatable", vf[1]), list(gpu.creatable(1)), "of those with its size")
    gpu.must_set_type(1, Q8)
    expect(fwctl.types("assigned", vf[1]), [Q8], "type that came by sysfs")
    expect(fwctl.types("assigned", vf[2]), [0], "no type")

    gpu.must_client(0, "boot", "rpc")
    status = fwctl.status(0)
    files = ("state", "fb_size", "channel_start", "num_channels", "placement_id")
    for file in files:
        expect(status[file], gpu.read(gpu.vf_path(0, f"vgpu/{file}")), file)
    expect(int(status["fb_start"], 16), int(gpu.read(gpu.vf_path(0, "vgpu/fb_start")), 16), "fb_start")
    expect((status["type"], status["version"], "uptime" in status), (str(Q8), "1", False), "closed")
    expect(fwctl.status(2), {"version": "1", "size": status["size"], "state": "free", "type": "0"}, "no type")
    client = held(vm, gpu, 0)
    status = fwctl.status(0)
    expect((status["state"], status["channel_errors"], status["guest_driver_loaded"]), ("running", "0", "0"),
           "open")
    fwctl.refused(BUSY, "deassign", vf[0])
    fwctl.refused(BUSY, "assign", vf[0], Q1)
    expect(gpu.type(0), Q8, "type of an open one")
    let_go(vm, client)
    with opened(gpu, 0, "rpc"):
        gpu.set_model("inject-event", "license:1:5")
        status = fwctl.status(0)
        for file in ("guest_driver_loaded", *TOLD):
            expect(status[file], gpu.read(gpu.vf_path(0, f"vgpu/{file}")), file)
        expect(status["license_state"], "licensed", "a driver's licence")

    fwctl.call("deassign", vf[0])
    fwctl.call("deassign", vf[0])
    expect(gpu.type(0), 0, "type that was taken away")
    expect(log.warnings(), [], "said")
    vm.sh(f"modprobe -r {MODULE}")
    gpu.put_away()


@host_test(kernels=("debug",), sampled=True)
def test_properties(vm):
    """By their numbers; of a type that the table of sysfs has, too."""
    gpu, fwctl = set_up(vm, 1)
    line = next(x for x in gpu.read(gpu.path("vgpu/supported_types")).splitlines() if x.startswith(f"{Q8} "))
    name, rest = line.partition(": ")[2].split(", ", 1)
    told = dict(part.split("=") for part in rest.split(", "))
    found = dict(x.split(" ", 1) for x in fwctl.call("properties", Q8).splitlines())
    expect(sorted(found), [f"{key:#x}" for key in range(0x3100, 0x3110)], "keys")
    expect(found["0x3100"], name, "name")
    expect(found["0x3102"], str(Q8), "number")
    expect(found["0x3104"], told["max_instance"], "instances")
    expect(found["0x3106"], str(int(told["framebuffer"][:-1]) << 20), "size")
    expect(found["0x3108"], told["num_heads"], "displays")
    expect(f'{found["0x3109"]}x{found["0x310a"]}', told["max_resolution"], "resolution")
    expect((int(found["0x310b"]), int(found["0x310c"])), (0x26b5, 0x1774), "ids")
    expect(int(found["0x3103"]) > 0 and int(found["0x310d"]) > 0 and int(found["0x310e"]) > 0, True, "sizes")
    fwctl.refused(NOT_FOUND, "properties", 1)
    fwctl.refused(NOT_FOUND, "properties", 0)
    vm.sh(f"modprobe -r {MODULE}")
    gpu.put_away()


@host_test(kernels=("debug",), sampled=True)
def test_what_is_refused(vm):
    """By the device, with a status, or by the driver, with an errno; nothing changes."""
    gpu, fwctl = set_up(vm, 2)
    vf, nobody = gpu.vf(0), "0000:01:1f.7"
    for command in "creatable", "deassign", "assigned", "status":
        fwctl.refused(NOT_FOUND, command, nobody)
        fwctl.refused(NOT_FOUND, command, gpu.pf)
    fwctl.refused(NOT_FOUND, "assign", nobody, Q8)
    fwctl.refused(NOT_FOUND, "assign", vf, 1)
    fwctl.refused(NOT_FOUND, "assign", vf, 0)
    gpu.must_set_type(1, Q2)
    fwctl.refused(OTHER_SIZE, "assign", vf, Q8)
    expect(fwctl.raw(CONFIGURATION, ADD, 0, 1, 2, 3), [ADD, NOT_SUPPORTED], "a type of one's own")
    who = dbdf(vf)
    # somewhere else, or on a part of the GPU
    expect(fwctl.raw(CONFIGURATION, ASSIGN, 0, who, 0, Q2, ANY, 0, 0), [ASSIGN, NOT_SUPPORTED], "a place")
    expect(fwctl.raw(CONFIGURATION, ASSIGN, 0, who, 0, Q2, 0, ANY, 0), [ASSIGN, NOT_SUPPORTED], "a part")
    expect(fwctl.raw(CONFIGURATION, ASSIGN, 0, who, 0, Q2, ANY, ANY, 1), "EINVAL", "reserved of an assignment")
    expect(fwctl.raw(CONFIGURATION, ASSIGN, 0, who, 1, Q2, ANY, ANY, 0), [ASSIGN, NOT_FOUND], "65 bits of dbdf")
    expect(fwctl.raw(CONFIGURATION, PROPERTIES, 0, Q2, 1), "EINVAL", "reserved of a type")
    for command, words in ((SUPPORTED, 0), (CREATABLE, 2), (DEASSIGN, 2), (PROPERTIES, 2), (ASSIGNED, 2), (ASSIGN, 6)):
        for wrong in {words - 1, words + 1} - {-1}:
            expect(fwctl.raw(CONFIGURATION, command, 0, *[0] * wrong), "EINVAL", f"{command:#x}, {wrong} words")
        for scope in READ_ONLY, WRITE:
            expect(fwctl.raw(scope, command, 0, *[0] * words), "EPERM", f"{command:#x}, scope {scope}")
        expect(fwctl.raw(CONFIGURATION, command, 1, *[0] * words), "EINVAL", f"{command:#x}, a status")
    expect(fwctl.raw(CONFIGURATION, STATUS, 0, who, 0), "EPERM", "status, scope of a configuration")
    expect(fwctl.raw(READ_ONLY, STATUS, 0, who), "EINVAL", "status, 1 word")
    for command in 0, 1, ADD - 1, ASSIGNED + 1, STATUS + 1, 0x20804001, ANY:
        expect(fwctl.raw(CONFIGURATION, command, 0), "EOPNOTSUPP", f"{command:#x}")
    expect(fwctl.raw(CONFIGURATION), "EINVAL", "nothing at all")
    expect((gpu.type(0), gpu.type(1)), (0, Q2), "types, after all that")
    vm.sh(f"modprobe -r {MODULE}")
    gpu.put_away()


@host_test(kernels=("debug",), sampled=True)
def test_gpu_goes(vm):
    """An open file outlives the GPU, and has nothing to say then."""
    gpu, fwctl = set_up(vm, 1)
    expect("nvkm_vgpu" in vm.sh("lsmod | grep ^nvkm_vgpu_fwctl"), True, "uses the core")
    log = KernelLog(vm)
    gone = vm.spawn(
        f"exec 3<>{fwctl.node}; echo open >/tmp/gone; until [ -e /tmp/unbound ]; do sleep 0.1; done;"
        f" {PROGRAM} /proc/self/fd/3 supported; exit 0"
    )
    vm.sh("until [ -e /tmp/gone ]; do sleep 0.1; done")
    gpu.must_write(UNBIND, gpu.pf)
    expect(vm.sh("ls /sys/class/fwctl"), "", "devices of fwctl")
    vm.sh("touch /tmp/unbound")
    gone.wait()
    gpu.must_write(BIND, gpu.pf)
    gpu.set_numvfs(1)
    again = Fwctl(gpu)
    again.call("assign", gpu.vf(0), Q8)
    # types go with the VFs, and the device stays
    gpu.set_numvfs(0)
    again.refused(NOT_FOUND, "assigned", "0000:01:00.4")
    expect(log.warnings(), [], "said")
    # the core waits for its users
    expect(vm.sh("modprobe -r nvkm-vgpu 2>&1", check=False) != "", True, "the core goes first")
    vm.sh(f"modprobe -r {MODULE}")
    gpu.put_away()
