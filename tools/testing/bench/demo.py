#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
An operator's day with one L40: drivers, virtual functions, types, two guests
at once, the same by libvirt, one with NVIDIA's own driver, and everything put
away again. Where NVIDIA's driver cannot be had the day goes on without it.

Every step is printed with its time; any surprise ends the day with exit code 1.
"""

import argparse
import sys
import time

from bench_test import expect
from gpu import Gpu, KernelLog, VgpuGuest, Wrong, find_in_vram, pattern
import nvidia
from guest import start_libvirt
from hostvm import START, BenchError, CommandFailed, HostVM, say

TYPE = 876          # L40-8Q
TYPE_NAME = "NVIDIA L40-8Q"
IDS = (0x26B5, 0x1774)
OTHER_SIZE = 872    # L40-2Q
SAME_SIZE = 886     # L40-8A
SAME_SIZE_IDS = (0x26B5, 0x177E)
NUM_VFS = 4
GIB = 1 << 30

# Each guest leaves patterns here: in its first and in its second VMMU segment.
OFFSETS = [0x3000, 0x8005000]
SEEDS = [0x1111_2222_3333_0001, 0x5555_6666_7777_0002]
LIBVIRT_SEED = 0x9999_AAAA_BBBB_0003

BOLD, GREEN, RED, DIM, END = (
    ("\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("",) * 5
)


class Day:
    """The steps, in order; each returns what is worth telling."""

    def __init__(self, keep):
        self.keep = keep
        self.vm = None
        self.gpu = None
        self.log = None
        self.guests = []
        self.vfs = []
        self.idle = None
        self.peak = None
        self.told = []
        self.has_nvidia = True

    def step(self, title, action):
        start = time.time()
        print(f"{DIM}[{start - START:4.0f} s]{END} {title} ...", flush=True)
        detail = action() or ""
        took = time.time() - start
        self.told.append((title, took))
        lines = detail.splitlines() or [""]
        print(f"         {GREEN}ok{END} {took:5.1f} s  {lines[0]}", flush=True)
        for line in lines[1:]:
            print(f"                     {line}", flush=True)

    # ---- the host

    def boot(self):
        try:
            nvidia.build()
        except BenchError:
            self.has_nvidia = False
        self.vm = HostVM(gpu="nvidia-ada,board=l40", keep=self.keep)
        self.vm.start()
        self.gpu = Gpu(self.vm)
        self.log = KernelLog(self.vm)
        return (
            f"{self.vm.sh('. /etc/os-release; echo $PRETTY_NAME')}, "
            f"Linux {self.vm.sh('uname -r')}, "
            f"QEMU {self.vm.sh('qemu-system-x86_64 --version | head -n 1').split()[3]}\n"
            + self.vm.sh(f"lspci -s {self.gpu.pf}")
        )

    def load(self):
        self.gpu.load()
        expect(self.gpu.driver(), "nvkm-vgpu", "driver of the GPU")
        self.idle = self.gpu.model("accounting")["now"]
        messages = sum(self.gpu.model("stats")["rpcs"].values())
        return f"GSP-RM 570.144 is up in vGPU mode after {messages} messages"

    def static_info(self):
        self.clean_log()
        supported = self.gpu.read(self.gpu.path("vgpu/supported_types"))
        if TYPE_NAME not in supported:
            raise Wrong(f"no {TYPE_NAME} in supported_types:\n{supported}")
        total = int(self.gpu.read(self.gpu.path("sriov_totalvfs")))
        expect(total, 32, "total VFs")
        types = len(supported.splitlines()) - 1
        return f"kernel log clean; {types} types supported, up to {total} VFs"

    def enable_vfs(self):
        self.gpu.set_numvfs(NUM_VFS)
        self.vfs = [self.gpu.vf(n) for n in range(NUM_VFS)]
        for n in range(NUM_VFS):
            expect(self.gpu.type(n), 0, f"type of VF {n}")
        return " ".join(self.vfs)

    def bind_vfs(self):
        for n in range(NUM_VFS):
            self.gpu.bind(n)
        start_libvirt(self.vm, wait=False)
        return f"{NUM_VFS} VFs have vfio-nvidia-vgpu, by driver_override"

    def choose_types(self):
        types = self.gpu.creatable(0)
        expect(types.get(TYPE), TYPE_NAME, f"type {TYPE}")
        self.gpu.must_set_type(0, TYPE)
        expect(self.gpu.creatable(0), {}, "more to create on the same VF")
        expect(self.gpu.set_type(1, OTHER_SIZE), "EINVAL", "another size")
        expect(self.gpu.type(1), 0, "type after that")
        left = self.gpu.creatable(1)
        if OTHER_SIZE in left or SAME_SIZE not in left:
            raise Wrong(f"VF 1 can become {left}")
        self.gpu.must_set_type(1, SAME_SIZE)
        return (
            f"{len(types)} types creatable; VF 0 is {TYPE_NAME} ({TYPE}),\n"
            f"VF 1 refuses {types[OTHER_SIZE]} (EINVAL), becomes {types[SAME_SIZE]} ({SAME_SIZE})"
        )

    # ---- guests

    def start_guests(self):
        for vf, seed, ids in zip(self.vfs, SEEDS, (IDS, SAME_SIZE_IDS)):
            guest = VgpuGuest(self.vm, vf, offsets=OFFSETS, seed=seed, ids=ids, stay=True)
            guest.start()
            self.guests.append(guest)
        up = [guest.wait_for(r"^NVGPU-GUEST: up (\S+) (\S+)\n", 240) for guest in self.guests]
        times = " and ".join(f"{match[1]} s" for match in up)
        return f"Linux {up[0][2]} in both, {times} after their power-on"

    def check_guests(self):
        lines = []
        for guest in self.guests:
            checks = guest.wait_done()
            by_name = {check.name: check.detail for check in checks}
            lines.append(
                f"{guest.vf}: {len(checks)} checks passed; {by_name['device-id']}"
                f" subsystem {by_name['subsystem-id']}, BAR1 {by_name['bar1-size'].removesuffix(' 0 KiB')},\n"
                f"  interrupt by MSI-X, RPC version {by_name['rpc-version']} by DMA"
            )
        return "\n".join(lines)

    def see_translation(self):
        """What a guest wrote is in VRAM where its segments are, and nowhere else."""
        vgpus = {vgpu["gfid"]: vgpu for vgpu in self.gpu.model("vgpus")}
        expect(sorted(vgpus), [1, 2], "vGPUs in the model")
        lines = []
        scanned = 0
        for gfid, guest in enumerate(self.guests, 1):
            wanted = [guest_address(vgpus[gfid], offset) for offset in OFFSETS]
            for index, address in enumerate(wanted):
                found, scanned = find_in_vram(self.vm.vram, pattern(guest.seed, index, words=8))
                expect(found, [address], f"places of pattern {index} of {guest.vf}")
                whole = pattern(guest.seed, index)
                with open(self.vm.vram, "rb") as vram:
                    vram.seek(address)
                    expect(vram.read(len(whole)) == whole, True, f"all of pattern {index}")
            lines.append(
                f"{guest.vf}: framebuffer {OFFSETS[0]:#x}, {OFFSETS[1]:#x}"
                f" is VRAM {wanted[0]:#x}, {wanted[1]:#x}"
            )
        lines.append(f"nowhere else in the {scanned >> 20} MiB of 48 GiB that were ever touched")
        return "\n".join(lines)

    def account(self):
        self.peak = self.gpu.model("accounting")["now"]
        for what in ("gfids", "segments", "channels", "heaps", "rm_objects"):
            if not self.peak[what]:
                raise Wrong(f"the model accounts no {what} for two vGPUs: {self.peak}")
        for guest in self.guests:
            guest.wait_alive()
        lines = [told(self.peak)]
        functions = {f["gfid"]: f for f in self.gpu.model("stats")["functions"]}
        for gfid, guest in enumerate(self.guests, 1):
            f = functions[gfid]
            for what in ("dma_read_bytes", "dma_write_bytes", "interrupts"):
                if not f[what]:
                    raise Wrong(f"the model counts no {what} of {guest.vf}")
            lines.append(
                f"{guest.vf}: {f['dma_read_bytes']} bytes read and {f['dma_write_bytes']} written"
                f" by DMA, {f['interrupts']} interrupts"
            )
        return "\n".join(lines)

    def guests_off(self):
        for guest in self.guests:
            guest.type("off")
        for guest in self.guests:
            guest.stay = False
            guest.off()
        left = self.gpu.model("accounting")["now"]
        for what in ("gfids", "segments", "heaps"):
            expect(left[what], 0, f"{what} without a guest")
        return "powered off from inside; their vGPUs are gone"

    def by_libvirt(self):
        start_libvirt(self.vm)
        guest = VgpuGuest(
            self.vm, self.vfs[0], offsets=OFFSETS, seed=LIBVIRT_SEED, ids=IDS, by="libvirt"
        )
        with guest:
            checks = guest.wait_done()
            guest.off()
        return (
            f"libvirt {self.vm.sh('virsh --version')}, <hostdev managed='no'>: "
            f"{len(checks)} checks passed"
        )

    def nvidia_guest(self):
        """Linux, driver and tool as NVIDIA's customers have them."""
        if not self.has_nvidia:
            return "left out: what it is made of cannot be had, see above"
        with nvidia.NvidiaGuest(self.vm, self.vfs[0], "load open smi query unload") as guest:
            _, release = guest.wait_up()
            load, opened, smi, query, _ = map(guest.result, "load open smi query unload".split())
            guest.off()
        (gpu,) = nvidia.parse_query(query.text)[0].values()
        expect(gpu["Product Name"], TYPE_NAME, "name in the guest")
        return (
            f"Linux {release}; module loaded in {load.seconds:.1f} s, device opened in"
            f" {opened.seconds:.1f} s, nothing of it in the kernel log\n{smi.text}"
        )

    # ---- the end

    def put_away(self):
        self.gpu.put_away(unload=False)
        expect(self.gpu.model("accounting")["now"], self.idle, "in use as after modprobe")
        self.gpu.unload()
        expect(self.gpu.driver(), "", "driver of the GPU")
        left = self.vm.sh("lsmod | grep -E '^(nvkm_vgpu|vfio_nvidia_vgpu) ' || :")
        expect(str(left), "", "modules that are left")
        return "types 0, VFs 0, modules out"

    def account_end(self):
        accounting = self.gpu.model("accounting")
        left = {what: n for what, n in accounting["now"].items() if n}
        expect(left, {}, "what the model still accounts")
        return f"now: {told(accounting['now'])}\npeak: {told(accounting['peak'])}"

    def clean_log(self):
        expect(self.log.warnings(), [], "warnings in the host's kernel log")
        expect(self.gpu.model("refusals"), {}, "what the GPU refused")

    def last_look(self):
        self.clean_log()
        return "host and guests: no warning; the GPU refused nothing"

    def all_steps(self):
        self.step("the host boots", self.boot)
        self.step("modprobe -a nvkm-vgpu vfio-nvidia-vgpu", self.load)
        self.step("what the card says", self.static_info)
        self.step(f"echo {NUM_VFS} > sriov_numvfs", self.enable_vfs)
        self.step("the VFIO driver gets the VFs", self.bind_vfs)
        self.step("types are chosen", self.choose_types)
        self.step("two guests: qemu-system-x86_64 -device vfio-pci,host=<VF>", self.start_guests)
        self.step("the guests use their vGPUs", self.check_guests)
        self.step("the framebuffer that they wrote, seen from outside", self.see_translation)
        self.step("resources in use, says the GPU", self.account)
        self.step("guests off", self.guests_off)
        self.step("the same guest by libvirt", self.by_libvirt)
        self.step("a guest with NVIDIA's own driver", self.nvidia_guest)
        self.step("everything is put away", self.put_away)
        self.step("resources in use, says the GPU", self.account_end)
        self.step("kernel logs", self.last_look)

    def summary(self):
        total = time.time() - START
        boot = self.told[0][1]
        print(
            f"\n{BOLD}One L40, two vGPUs, {'four' if self.has_nvidia else 'three'} guests: all of it happened.{END}\n"
            f"  build and boot {self.told[0][1]:.0f} s, GSP firmware {self.told[1][1]:.0f} s,"
            f" guests {sum(t for title, t in self.told if 'guest' in title):.0f} s;"
            f" {total:.0f} s in all"
            f" (goal: {'2 minutes' if boot < 60 else '15 minutes the first time'})\n"
            f"  at the peak {told(self.peak)}; at the end nothing"
        )


def guest_address(vgpu, offset):
    """Where in VRAM the guest's framebuffer offset is, by its list of segments."""
    for gpa, spa, length in vgpu["segments"]:
        if gpa <= offset < gpa + length:
            return spa + offset - gpa
    raise Wrong(f"{offset:#x} is behind the framebuffer of GFID {vgpu['gfid']}")


def told(account):
    return (
        f"{account['gfids']} GFIDs, {account['segments']} FB segments"
        f" ({account['fb_bytes'] / GIB:.1f} GiB), {account['channels']} channels,"
        f" {account['heaps']} heaps, {account['rm_objects']} RM objects"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the run folder: logs, VRAM")
    day = Day(parser.parse_args().keep)
    try:
        day.all_steps()
        day.summary()
        return 0
    except (AssertionError, CommandFailed, BenchError, TimeoutError) as error:
        print(f"         {RED}FAILED{END}: {error}", flush=True)
        if day.vm and day.vm.proc and day.vm.proc.poll() is None:
            log = day.vm.sh("dmesg | tail -n 40", check=False)
            print(f"--- the host's kernel log\n{log}")
            print(f"--- the model's log\n{day.vm.model_log()[-3000:]}")
        return 1
    finally:
        if day.vm:
            if day.keep:
                say(f"kept: {day.vm.run}")
            day.vm.stop()


if __name__ == "__main__":
    sys.exit(main())
