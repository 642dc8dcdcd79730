# SPDX-License-Identifier: GPL-2.0-only
"""
The GPU as an operator of the host VM handles it, and as the model sees it.
"""

import contextlib
import json
import os
import re
import shlex
import struct
import time

from bench_test import expect, without_known_bugs
from guest import Guest

DRIVERS = "nvkm-vgpu vfio-nvidia-vgpu"
BIND = "/sys/bus/pci/drivers/nvkm-vgpu/bind"
UNBIND = "/sys/bus/pci/drivers/nvkm-vgpu/unbind"
VFIO_DRIVER = "vfio-nvidia-vgpu"
CLIENT = "/bench/selftests/nvidia-vgpu/vfio-client"

# What Debian's kernel says of every module that it did not build itself, KVM of
# a guest that looks for counters which an emulated CPU has not, and anybody of
# the clocks of a machine that is emulated beside others.
EXPECTED_WARNINGS = re.compile(
    r"loading out-of-tree module taints kernel|module verification failed: signature"
    r"|kvm(: kvm)? \[\d+\]: vcpu\d+, guest rIP: \S+ [Uu]nhandled (WR|RD)MSR"
    r"|^clocksource: |^tsc: |^TSC found|^sched_clock: |^hrtimer: interrupt took"
    r"|^workqueue: (?!nvgpu).* hogged CPU"
)
SPLATS = re.compile(
    r"WARNING: |BUG: |Oops|KASAN|UBSAN|KCSAN|possible (circular|recursive|irq lock)|INFO: task |"
    r"INFO: trying|refcount_t|general protection|rcu: INFO|sleeping function|DEBUG_LOCKS_WARN|"
    r"unreferenced object|Call Trace"
)
ERRNO = {
    "No such file or directory": "ENOENT",
    "No such device or address": "ENXIO",
    "No such device": "ENODEV",
    "Invalid argument": "EINVAL",
    "Device or resource busy": "EBUSY",
    "Numerical result out of range": "ERANGE",
    "No space left on device": "ENOSPC",
    "Operation not permitted": "EPERM",
    "Input/output error": "EIO",
    "Connection timed out": "ETIMEDOUT",
    "Cannot allocate memory": "ENOMEM",
    "Operation not supported": "EOPNOTSUPP",
    "Protocol error": "EPROTO",
}


class Wrong(AssertionError):
    """Something is not as it must be."""


class Gpu:
    """One PF: number n of the VM's GPUs, by PCI address."""

    def __init__(self, vm, n=0):
        self.vm = vm
        self.qom = "/machine/peripheral/gpu" + (str(n) if n else "")
        self.pf = vm.sh(
            "cd /sys/bus/pci/devices; for d in *; do"
            " [ ! -e $d/physfn ] && grep -q 0x10de $d/vendor && echo $d; done; :"
        ).split()[n]

    # The operator's files

    def path(self, file=""):
        return f"/sys/bus/pci/devices/{self.pf}/{file}"

    def vf_path(self, n, file=""):
        return self.path(f"virtfn{n}/{file}")

    def read(self, path):
        return str(self.vm.sh(f"cat {path}"))

    def write(self, path, text, timeout=120):
        """One write(2), as echo does it; the name of its errno, '' if it worked."""
        command = f"echo {shlex.quote(str(text))} | LC_ALL=C tee {path} >/dev/null"
        out = self.vm.sh(command, timeout=timeout, check=False)
        if not out.rc:
            return ""
        text = out.rsplit(": ", 1)[-1]
        return ERRNO.get(text, text)

    def must_write(self, path, text, timeout=120):
        if error := self.write(path, text, timeout):
            raise Wrong(f"echo {text} > {path}: {error}")

    # Drivers

    def load(self, timeout=180):
        self.vm.sh(f"modprobe -a {DRIVERS}", timeout=timeout)

    def unload(self, timeout=180):
        self.vm.sh(f"modprobe -r {VFIO_DRIVER} nvkm-vgpu", timeout=timeout)

    def driver(self):
        """Name of the PF's driver, '' if none."""
        link = self.vm.sh(f"readlink {self.path('driver')}", check=False)
        return os.path.basename(link)

    # Registers

    def registers(self, offset, words=1):
        """32-bit words of BAR0, which has to decode."""
        bar0 = int(self.read(self.path("resource")).split()[0], 16)
        return self.vm.physical(bar0 + offset, words)

    # VFs

    def set_numvfs(self, count):
        self.must_write(self.path("sriov_numvfs"), count)

    def numvfs(self):
        return int(self.read(self.path("sriov_numvfs")))

    def vf(self, n):
        return os.path.basename(self.vm.sh(f"readlink {self.path(f'virtfn{n}')}"))

    def bind_function(self, bdf, driver):
        """By driver_override, as libvirt does and an operator may."""
        path = f"/sys/bus/pci/devices/{bdf}"
        self.must_write(f"{path}/driver_override", driver)
        self.must_write("/sys/bus/pci/drivers_probe", bdf)
        bound = os.path.basename(self.vm.sh(f"readlink {path}/driver", check=False))
        expect(bound, driver, f"driver of {bdf}")

    def bind(self, n, driver=VFIO_DRIVER):
        vf = self.vf(n)
        self.bind_function(vf, driver)
        return vf

    def vf_driver(self, n):
        """Name of VF n's driver, '' if none."""
        return os.path.basename(self.vm.sh(f"readlink {self.vf_path(n, 'driver')}", check=False))

    # Types

    def creatable(self, n):
        """{id: name} of what VF n could become."""
        lines = self.read(self.vf_path(n, "nvidia/creatable_vgpu_types")).splitlines()
        if not lines:
            return {}
        expect(lines[0], "ID    : vGPU Name", "header of creatable_vgpu_types")
        types = {}
        for line in lines[1:]:
            match = re.fullmatch(r"(\d+) *: (NVIDIA .+)", line)
            if not match or line != f"{int(match[1]):<5d} : {match[2]}":
                raise Wrong(f"line of creatable_vgpu_types: {line!r}")
            types[int(match[1])] = match[2]
        return types

    def type(self, n):
        return int(self.read(self.vf_path(n, "nvidia/current_vgpu_type")))

    def set_type(self, n, value):
        """The name of the errno, '' if it worked."""
        return self.write(self.vf_path(n, "nvidia/current_vgpu_type"), value)

    def must_set_type(self, n, value):
        self.must_write(self.vf_path(n, "nvidia/current_vgpu_type"), value)
        expect(self.type(n), value, f"type of VF {n}")

    def in_use(self):
        """
        What the model counts of us, that is not 0. The driver's channel is there while it clears
        framebuffer, which begins and ends when it likes.
        """
        for _ in range(150):
            now = {what: n for what, n in self.model("accounting")["now"].items() if n}
            if "channels" not in now:
                break
            time.sleep(0.2)
        return now

    def set_up(self, types, load=True):
        """Drivers, as many VFs as there are types, bound and with their types."""
        if load:
            self.load()
        self.set_numvfs(len(types))
        for n, value in enumerate(types):
            self.bind(n)
            if value:
                self.must_set_type(n, value)

    def put_away(self, unload=True):
        for n in range(self.numvfs()):
            self.must_set_type(n, 0)
        self.set_numvfs(0)
        if unload:
            self.unload()

    # VFIO

    def client(self, n, *commands, options="", timeout=120):
        """Run the VFIO client on VF n; its Output, .rc is 1 if a check failed."""
        words = [CLIENT, options, self.vf(n), *commands]
        return self.vm.sh(" ".join(words), timeout=timeout, check=False)

    def must_client(self, n, *commands, **kwargs):
        out = self.client(n, *commands, **kwargs)
        if out.rc:
            raise Wrong(f"VFIO client on VF {n}:\n{out}")
        return out

    def open_error(self, n, **kwargs):
        """The name of the errno of opening VF n, '' if it works."""
        match = re.search(r"^FAIL open (\w+)", self.client(n, **kwargs), re.M)
        return match[1] if match else ""

    # The model's side

    def model(self, prop):
        value = self.vm.qom_get(prop, self.qom)
        return json.loads(value) if str(value)[:1] in ("{", "[") else value

    def set_model(self, prop, value):
        self.vm.qom_set(prop, value, self.qom)


@contextlib.contextmanager
def vfs_of_nobody(gpu, count):
    """VFs that no driver has, of a PF whose driver only turns them on."""
    gpu.vm.sh("modprobe pci-pf-stub")
    gpu.bind_function(gpu.pf, "pci-pf-stub")
    gpu.must_write(gpu.path("sriov_drivers_autoprobe"), 0)
    gpu.set_numvfs(count)
    yield [gpu.vf(n) for n in range(count)]
    gpu.set_numvfs(0)
    gpu.must_write(gpu.path("sriov_drivers_autoprobe"), 1)
    gpu.must_write(gpu.path("driver_override"), "")
    gpu.vm.sh("modprobe -r pci-pf-stub")


def so_often(line, times):
    """A pattern: that many such lines. What is between them is none, so there is one way to match."""
    return rf"(?:{line}\n(?:(?!{line}).*\n)*){{{times}}}"


class Check:
    """A line "NVGPU-GUEST: ok|FAIL name detail" of the guest's module."""

    def __init__(self, verdict, name, detail):
        self.ok = verdict == "ok"
        self.name = name
        self.detail = detail

    def __str__(self):
        return f"{'ok' if self.ok else 'FAIL'} {self.name} {self.detail}"


class VgpuGuest(Guest):
    """
    A guest that checks its vGPU.

    offsets  of its framebuffer, where it leaves a pattern with the seed
    ids      device and subsystem id that it must see
    stay     look again every second, until off()
    ports    there is none at first; it looks when look() says so, until off()
    """

    def __init__(
        self, vm, vf=None, *, offsets=(), seed=0, ids=(0x26B5, 0x1774), stay=False, ports=0, **kwargs
    ):
        # Its clock comes from a machine that is itself emulated.
        words = ["mitigations=off tsc=reliable no_timer_check"]
        params = {
            "device": hex(ids[0]),
            "subsystem": hex(ids[1]),
            "fb_offset": ",".join(map(hex, offsets)),
            "fb_pattern": hex(seed),
        }
        words += [f"nvgpu_guest_test.{k}={v}" for k, v in params.items() if v]
        if ports or stay:
            words.append("plug" if ports else "stay")
        super().__init__(vm, vf, append=" ".join(words), ports=ports, **kwargs)
        self.vf = vf
        self.stay = bool(stay or ports)
        self.offsets = list(offsets)
        self.seed = seed

    def checks(self):
        found = re.findall(r"^NVGPU-GUEST: (ok|FAIL) (\S+) ?(.*)$", self.log(), re.M)
        return [Check(*groups) for groups in found]

    def no_failure(self):
        for check in self.checks():
            if not check.ok:
                raise Wrong(f"{self.name}: {check}\n{self.log()}")

    def wait_done(self, timeout=240, times=1):
        """The module's checks ran and passed, of so many functions; they are returned."""
        done = r"^NVGPU-GUEST: done (\d+)$"
        self.wait_for(rf"{so_often(done, times)}|^NVGPU-GUEST: FAIL (no-device|insmod).*$", timeout)
        self.no_failure()
        expect(re.findall(done, self.log(), re.M), ["0"] * times, f"{self.name}: checks that failed")
        return self.checks()

    def look(self, timeout=60):
        """It looks once more, and finds all as it was."""
        count = len(re.findall("^NVGPU-GUEST: looked$", self.log(), re.M)) + 1
        self.type("look")
        self.wait_for(so_often("^NVGPU-GUEST: looked$", count), timeout)
        self.no_failure()

    def wait_alive(self, more=1, timeout=60):
        """It looks again, and finds all as it was, so many times more."""
        count = len(re.findall(r"^NVGPU-GUEST: alive \d+$", self.log(), re.M))
        self.wait_for(rf"^NVGPU-GUEST: alive {count + more}$", timeout)
        self.no_failure()

    def off(self, timeout=120):
        """
        Power off from inside, if it stays; wait for its end. A console may drop
        what is typed on it while the one who typed hangs up: so once more.
        """
        for _ in range(timeout // 30 if self.stay else 0):
            self.type("off")
            with contextlib.suppress(TimeoutError):
                self.wait_for(r"^NVGPU-GUEST: off$", 30)
                break
        self.wait_end(timeout)
        self.no_failure()
        if not re.search(r"^NVGPU-GUEST: off$", self.log(), re.M):
            raise Wrong(f"{self.name} ended early:\n{self.log()}")


class KernelLog:
    """What the kernel printed since the last mark."""

    marks = 0

    def __init__(self, vm):
        self.vm = vm
        self.text = ""
        self.mark()

    def mark(self):
        KernelLog.marks += 1
        # none is the start of another
        self.text = f"bench: mark {KernelLog.marks}."
        self.vm.sh(f"echo '{self.text}' >/dev/kmsg")

    def lines(self):
        """[(level, text)]"""
        log = self.vm.sh("dmesg -r").rpartition(self.text)[2]
        found = re.findall(r"^<(\d+)>\[[^\]]*\] ?(.*)$", log, re.M)
        lines = [(int(level) & 7, text) for level, text in found]
        return without_known_bugs(lines, lambda line: line[1], self.vm.known_bugs)

    def warnings(self):
        return [
            text
            for level, text in self.lines()
            if (level <= 4 or SPLATS.search(text)) and not EXPECTED_WARNINGS.search(text)
        ]

    def said_by(self, driver):
        """
        Lines of a driver, but for what the driver core says of its probe, and
        Debian's firmware loader of each place where it looked.
        """
        others = re.compile(r"probe with driver|: firmware: (failed to load|direct-loading)")
        return [
            text
            for _, text in self.lines()
            if text.startswith(driver) and not others.search(text)
        ]


# Framebuffer, in the file behind the model's VRAM

def pattern(seed, index=0, words=512):
    """What the guest module leaves at its offset number index, see guest/vf.h."""
    seed += index << 56
    return b"".join(
        struct.pack("<Q", (seed + i * 0x9E3779B97F4A7C15) % (1 << 64)) for i in range(words)
    )


def extents(fd):
    """(start, end) of each piece of a sparse file that is not a hole."""
    end = 0
    size = os.fstat(fd).st_size
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, end


def find_in_vram(path, needle):
    """Every offset at which the bytes are, and how much of the file is not holes."""
    chunk = 16 << 20
    found = []
    scanned = 0
    fd = os.open(path, os.O_RDONLY)
    try:
        for start, end in extents(fd):
            scanned += end - start
            for base in range(start, end, chunk):
                data = os.pread(fd, min(chunk + len(needle) - 1, end - base), base)
                at = data.find(needle)
                while at >= 0:
                    found.append(base + at)
                    at = data.find(needle, at + 1)
    finally:
        os.close(fd)
    return found, scanned
