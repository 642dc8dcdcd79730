# SPDX-License-Identifier: GPL-2.0-only
"""
Guests with NVIDIA's own driver, as Debian packages it: it loads, uses its vGPU, says nothing of it
in the kernel log, and nvidia-smi tells what the host made. All of a machine's tests share one boot.
"""

import contextlib
import re

from bench_test import expect, host_test
from gpu import Gpu, KernelLog
from guest import start_libvirt
from nvidia import CudaGuest, NvidiaGuest, parse_query, prepare

# device, id and subsystem id of the first type
L40, L4 = (0x26B5, 869, 0x176D), (0x27B8, 908, 0x172F)
BAR0 = 256 << 10
MSIX_TABLE = 0x10000
MIB = 1 << 20


@contextlib.contextmanager
def host(vm, board, names):
    """
    VFs with types of these names. In the end all is as it was, nobody warned of anything, and the
    GPU refused nothing.
    """
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.load()
    start_libvirt(vm, wait=False)
    idle = gpu.in_use()
    gpu.set_numvfs(len(names))
    vgpus = []
    for n, name in enumerate(names):
        gpu.bind(n)
        ids = [i for i, its in gpu.creatable(n).items() if its == f"NVIDIA {name}"]
        expect(len(ids), 1, f"types that are called {name}")
        gpu.must_set_type(n, ids[0])
        vgpus.append(Vgpu(gpu, n, board, ids[0], name))
    yield vgpus
    expect(gpu.in_use(), idle, "in use without a guest")
    gpu.put_away()
    expect(gpu.in_use(), {}, "in use")
    expect(log.warnings(), [], "warnings of the host")
    expect(gpu.model("refusals"), {}, "refused by the model")


class Vgpu:
    """A VF with a type."""

    def __init__(self, gpu, n, board, type_id, name):
        self.gpu = gpu
        self.vf = gpu.vf(n)
        self.name = f"NVIDIA {name}"
        self.ids = (board[0], board[2] + type_id - board[1])
        # nvidia-smi tells no mode of the brand NVS, which the model gives to series A and B
        # (GUEST-BRAND).
        self.mode = "VGPU" if name.endswith("Q") else "N/A"

    def model(self):
        """As the model sees it."""
        bus, slot, function = re.findall("[0-9a-f]+", self.vf)[1:]
        dbdf = int(bus, 16) << 8 | int(slot, 16) << 3 | int(function)
        found = [v for v in self.gpu.model("vgpus") if v["dbdf"] == dbdf]
        expect(len(found), 1, f"vGPUs of {self.vf} in the model")
        return found[0]

    def seen_by_host(self, loaded):
        """What the host's files tell of the guest's driver."""
        names = ["guest_driver_loaded", "guest_driver_version", "guest_os", "state"]
        folder = self.gpu.path() + f"../{self.vf}/vgpu"
        out = self.gpu.vm.sh(f"cd {folder}; for f in {' '.join(names)}; do cat $f 2>&1; done")
        expect(out.splitlines(), [str(int(loaded)), "550.163.01", "Linux", "running"], f"files of {self.vf}")

    def told_by(self, gpu, persistence="Disabled"):
        """One GPU of nvidia-smi -q is what the host made."""
        model = self.model()
        pci = gpu["PCI"]
        expect(
            {
                "name": gpu["Product Name"],
                "uuid": gpu["GPU UUID"],
                "mode": gpu["GPU Virtualization Mode"]["Virtualization Mode"],
                "device": pci["Device Id"],
                "subsystem": pci["Sub System Id"],
                "framebuffer": gpu["FB Memory Usage"]["Total"],
                "persistence": gpu["Persistence Mode"],
            },
            {
                "name": self.name,
                "uuid": f"GPU-{model['uuid']}",
                "mode": self.mode,
                "device": f"0x{self.ids[0]:04X}10DE",
                "subsystem": f"0x{self.ids[1]:04X}10DE",
                "framebuffer": f"{sum(length for *_, length in model['segments']) // MIB} MiB",
                "persistence": persistence,
            },
            f"nvidia-smi -q of {self.vf}",
        )


def started(guest, *vgpus):
    """It has found its vGPUs, and each device opens."""
    guest.wait_up()
    expect([ids[:2] for ids in guest.functions()], [v.ids for v in vgpus], "functions in the guest")
    guest.result("load")
    guest.result("open")
    return guest


def queried(result, *vgpus, **kwargs):
    """nvidia-smi -q tells of each vGPU what it is."""
    gpus, top = parse_query(result.text)
    expect(top["Driver Version"], "550.163.01", "driver's version")
    expect(top["Attached GPUs"], str(len(vgpus)), "GPUs")
    expect(len(gpus), len(vgpus), f"GPUs with details in\n{result.text}")
    for vgpu, gpu in zip(vgpus, gpus.values()):
        vgpu.told_by(gpu, **kwargs)


def listed(result, *vgpus):
    """nvidia-smi -L"""
    lines = [f"GPU {n}: {v.name} (UUID: GPU-{v.model()['uuid']})" for n, v in enumerate(vgpus)]
    expect(result.text.splitlines(), lines, "nvidia-smi -L")


class Exits:
    """Accesses to devices for which KVM left a guest, per page of the guest's memory."""

    EVENT = "/sys/kernel/tracing/events/kvm/kvm_mmio"
    COUNT = "hist:keys=gpa.buckets=4096:size=4096"

    def __init__(self, vm):
        self.vm = vm
        vm.sh(f"echo {self.COUNT} >{self.EVENT}/trigger")

    def end(self):
        """{address: count}"""
        text = self.vm.sh(f"cat {self.EVENT}/hist; echo '!{self.COUNT}' >{self.EVENT}/trigger")
        lines = re.findall(r"gpa: ~ (\d+)-\d+ *\} hitcount: +(\d+)", text)
        return {int(address): int(count) for address, count in lines}


@host_test(kernels=("stock",), on_debian=True, seconds=250)
def test_life(vm):
    """
    Persistence mode, the module out and in again, the guest's reboot, its end. BAR0 is mapped, but
    for MSI-X's table, which QEMU emulates: for no other page the driver's start leaves the guest.
    """
    with host(vm, L40, ["L40-8Q"]) as (vgpu,):
        prepare(vm)
        exits = Exits(vm)
        with NvidiaGuest(vm, vgpu.vf, "load open", reboots=True) as guest:
            started(guest, vgpu)
            pages = exits.end()
            bar0 = guest.functions()[0][2]
            trapped = sorted(a - bar0 for a in pages if 0 <= a - bar0 < BAR0)
            expect(trapped, [MSIX_TABLE], f"pages of BAR0 with exits, of {pages}")
            queried(guest.do("query"), vgpu)
            guest.do("pm-on")
            vgpu.seen_by_host(loaded=True)
            queried(guest.do("query"), vgpu, persistence="Enabled")
            guest.do("pm-off")
            guest.do("unload")
            guest.do("load")
            listed(guest.do("list"), vgpu)
            guest.do("pm-on")
            guest.type("reboot")
            guest.wait_up(2)
            guest.result("load")
            guest.result("open")
            listed(guest.do("list"), vgpu)
            guest.off()


@host_test(kernels=("stock",), sampled=True)
def test_smallest_two_at_once(vm):
    """One of them by libvirt."""
    with host(vm, L40, ["L40-1B", "L40-1Q"]) as vgpus:
        with contextlib.ExitStack() as stack:
            guests = [
                stack.enter_context(NvidiaGuest(vm, vgpu.vf, "load open query", by=by))
                for vgpu, by in zip(vgpus, ("qemu", "libvirt"))
            ]
            for guest, vgpu in zip(guests, vgpus):
                queried(started(guest, vgpu).result("query"), vgpu)
            for guest, vgpu in zip(guests, vgpus):
                listed(guest.do("list"), vgpu)
                guest.off()


@host_test(kernels=("stock",), sampled=True)
def test_largest(vm):
    """It ends as an operator ends it, by libvirt and the guest's power button."""
    with host(vm, L40, ["L40-48Q"]) as (vgpu,):
        with NvidiaGuest(vm, vgpu.vf, "load open query unload", by="libvirt") as guest:
            queried(started(guest, vgpu).result("query"), vgpu)
            guest.result("unload")
            guest.do("load")
            guest.do("pm-on")
            guest.shutdown()


@host_test(kernels=("stock",), sampled=True)
def test_handed_over(vm):
    """From a guest whose plug was pulled, while its driver had the GPU, to another."""
    with host(vm, L40, ["L40-8A"]) as (vgpu,):
        with NvidiaGuest(vm, vgpu.vf, "load pm-on list") as guest:
            guest.result("load")
            guest.result("pm-on")
            listed(guest.result("list"), vgpu)
            now = vgpu.gpu.model("accounting")["now"]
            expect(now["guest_channels"] > 0, True, f"channels of a driver that stays: {now}")
        with NvidiaGuest(vm, vgpu.vf, "load open query", by="libvirt") as guest:
            queried(started(guest, vgpu).result("query"), vgpu)
            guest.off()


@host_test(kernels=("stock",), sampled=True)
def test_two_in_one_guest(vm):
    with host(vm, L40, ["L40-8Q", "L40-8A"]) as vgpus:
        with NvidiaGuest(vm, [v.vf for v in vgpus], "load open query list unload") as guest:
            started(guest, *vgpus)
            queried(guest.result("query"), *vgpus)
            listed(guest.result("list"), *vgpus)
            guest.result("unload")
            guest.off()


COPIED = ["copied on the GPU alike", "there and back alike"]


@host_test(kernels=("stock",))
def test_copies(vm):
    """
    A program has memory and a channel on a copy engine, and what it copies arrives. Twice, as what
    it left behind would be in its way.
    """
    with host(vm, L40, ["L40-8Q"]) as (vgpu,):
        with NvidiaGuest(vm, vgpu.vf, "load copy copy unload") as guest:
            guest.wait_up()
            guest.result("load")
            for _ in range(2):
                lines = guest.result("copy").text.split("\n")[:-1]
                expect([line for line in lines if line.endswith("alike")], COPIED, f"what was compared: {lines}")
                expect(lines[-1], "all done", "last line")
            guest.result("unload")
            guest.off()


# What CUDA does before it wants a context, and with what that ends: model.rst, "CUDA".
CUDA_BEFORE = [
    "cuInit 0",
    "cuDeviceGetCount 0",
    "cuDeviceGet 0",
    "cuDeviceGetName 0",
    "cuDeviceGetAttribute 0",
    "cuDeviceGetAttribute 0",
    "cuDeviceGetAttribute 0",
    "cuDeviceTotalMem_v2 0",
]
CUDA_END = "cuCtxCreate_v2 801 CUDA_ERROR_NOT_SUPPORTED"


@host_test(kernels=("stock",), sampled=True)
def test_cuda(vm):
    """
    CUDA finds the vGPU, with graphics as the model has them, and stops where it wants a context.
    One that goes on from there is news, too. Twice, as what it left behind would be in its way.
    """
    with host(vm, L40, ["L40-8Q"]) as (vgpu,):
        words = "load load-uvm cuda cuda unload-uvm unload"
        with CudaGuest(vm, vgpu.vf, words) as guest:
            guest.wait_up()
            guest.result("load")
            guest.result("load-uvm")
            for _ in range(2):
                lines = guest.fails("cuda").text.split("\n")[:-1]
                expect(lines[: len(CUDA_BEFORE)], CUDA_BEFORE, "CUDA's calls, which go less far")
                told, *after = lines[len(CUDA_BEFORE) :]
                found = re.fullmatch(rf"1 of {vgpu.name}: 8\.9, 2 SMs, (\d+) MiB", told)
                expect(found is not None, True, f"what CUDA tells of it: {told}")
                has = sum(length for *_, length in vgpu.model()["segments"]) // MIB
                expect(has // 2 < int(found[1]) <= has, True, f"{told} of {has}")
                expect(after, [CUDA_END], "calls that come next, which go another way now")
            guest.result("unload-uvm")
            guest.result("unload")
            guest.off()


@host_test(kernels=("stock",), gpu="nvidia-ada,board=l4", sampled=True)
def test_l4(vm):
    """Its smallest and its largest."""
    for name in "L4-1Q", "L4-24Q":
        with host(vm, L4, [name]) as (vgpu,):
            with NvidiaGuest(vm, vgpu.vf, "load open query") as guest:
                queried(started(guest, vgpu).result("query"), vgpu)
                guest.off()


@host_test(kernels=("stock",), full=True)
def test_all_types(vm):
    """One after the other."""
    gpu = Gpu(vm)
    gpu.load()
    gpu.set_numvfs(1)
    gpu.bind(0)
    names = [name.removeprefix("NVIDIA ") for name in gpu.creatable(0).values()]
    gpu.put_away()
    for name in names:
        with host(vm, L40, [name]) as (vgpu,):
            with NvidiaGuest(vm, vgpu.vf, "load open query") as guest:
                queried(started(guest, vgpu).result("query"), vgpu)
                guest.off()
