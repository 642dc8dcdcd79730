# SPDX-License-Identifier: GPL-2.0-only
"""
A guest with NVIDIA's own driver, built from Debian's package (mk-guest.sh).

    with NvidiaGuest(vm, "0000:01:00.4", "load open query") as guest:
        guest.result("load")
        print(guest.result("query").text)
        guest.do("off")

What the words mean is in init-nvidia.
"""

import base64
import functools
import gzip
import pathlib
import re
import time

from bench_test import expect
from guest import KVM, Guest
from hostvm import BenchError, script

# What the module and the kernel say when all is well: the driver asks firmware of the port above
# its GPU with an argument that ACPI does not want, on every machine that has such a method. And
# somebody has the clock of a machine that is emulated. The level of "NVRM: loading" is a line of its own
# if that of "enabling device" comes between the two, which it does on a GPU that is plugged.
EXPECTED_IN_GUEST = re.compile(
    r"nvidia: (loading out-of-tree module taints|module verification failed)"
    r"|nvidia-nvlink: Nvlink Core is being initialized|nvidia-nvlink: Unregistered"
    r"|nvidia-uvm: (Loaded|Unloaded) the UVM driver"
    r"|NVRM: (loading NVIDIA UNIX Open Kernel Module|Persistence mode is deprecated)"
    r"|ACPI Warning: \S+\._DSM: Argument #4 type mismatch"
    r"|nvidia 0000:\S+: (enabling device \(|vgaarb: )"
    r"|hrtimer: interrupt took"
    r"|\] $"
)


def prepare(vm, initrd="initrd.gz"):
    """Kernel and initramfs, once a host VM; KVM in it."""
    images = vm.__dict__.setdefault("nvidia_images", {})
    if initrd not in images:
        made = build()
        for name in ("vmlinuz", initrd):
            (vm.share / f"nvidia-{name}").write_bytes((made / name).read_bytes())
        vm.sh(f"{KVM}; mv /bench/nvidia-* /run/", timeout=240)
        images[initrd] = ("/run/nvidia-vmlinuz", f"/run/nvidia-{initrd}")
    return images[initrd]


def prepare_cuda(vm):
    """The same with CUDA's library, which is large."""
    return prepare(vm, "initrd-cuda.gz")


@functools.lru_cache
def build():
    return pathlib.Path(script("mk-guest.sh"))


class Result:
    """What one word did."""

    def __init__(self, word, text, rc, seconds):
        self.word = word
        self.rc = rc
        self.seconds = seconds
        self.text = re.sub("^NVIDIA: log .*\n", "", text, flags=re.M)
        self.log = re.findall("^NVIDIA: log (.*)", text, re.M)
        if word == "query" and not rc:
            self.text = gzip.decompress(base64.b64decode(self.text)).decode()

    def __str__(self):
        return f"{self.word}: exit code {self.rc}, {self.seconds:.1f} s\n{self.text}"


class NvidiaGuest(Guest):
    """
    do   words that it does at once, as soon as it is up
    """

    images = staticmethod(prepare)

    def __init__(self, vm, vfs, do="", *, mem=1024, append="", **kwargs):
        # Its clock comes from a machine that is itself emulated.
        words = "mitigations=off tsc=reliable no_timer_check oops=panic stay"
        if do:
            words += f" nvidia.do={do.replace(' ', ',')}"
        super().__init__(vm, vfs, mem=mem, append=f"{words} {append}", **kwargs)
        self.seen = 0  # results that were asked for

    def ups(self):
        """[(seconds, release)] of each start."""
        return re.findall(r"^NVIDIA: up (\S+) (\S+)\n", self.log(), re.M)

    def wait_up(self, times=1, timeout=180):
        """It has started so many times."""
        deadline = time.monotonic() + timeout
        while len(self.ups()) < times:
            if not self.running():
                raise BenchError(f"{self.name} ended:\n{self.end()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} is not up after {timeout} s:\n{self.end()}")
            time.sleep(0.3)
        return self.ups()[-1]

    def functions(self):
        """[(device, subsystem device, address of BAR0)] that it saw when it started."""
        line = r"^NVIDIA: pci \S+ 0x10de (\S+) 0x10de (\S+) (\S+) \S+ \S+$"
        last = self.log().rpartition("NVIDIA: up")[0].rpartition("NVIDIA: up")[2]
        return [tuple(int(n, 16) for n in found) for found in re.findall(line, last, re.M)]

    def results(self):
        block = r"^NVIDIA: begin (\S+)\n(.*?)^NVIDIA: end \1 (\d+) (\S+) (\S+)\n"
        return [
            Result(word, text, int(rc), float(end) - float(start))
            for word, text, rc, start, end in re.findall(block, self.log(), re.M | re.S)
        ]

    def next(self, word, timeout=240):
        """The Result of the next word, which is this one."""
        deadline = time.monotonic() + timeout
        while len(results := self.results()) <= self.seen:
            if not self.running():
                raise BenchError(f"{self.name} ended, no result of {word}:\n{self.end()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: no result of {word} after {timeout} s:\n{self.end()}")
            time.sleep(0.3)
        result = results[self.seen]
        self.seen += 1
        expect(result.word, word, f"{self.name}: word that was done")
        return result

    def result(self, word, timeout=240):
        """The same; it worked, and the guest's kernel said nothing of it."""
        result = self.next(word, timeout)
        said = [line for line in result.log if not EXPECTED_IN_GUEST.search(line)]
        expect((result.rc, said), (0, []), f"{self.name}: {result}\n{self.end()}")
        return result

    def do(self, word, timeout=240):
        """Type it, wait for its Result."""
        self.type(word)
        return self.result(word, timeout)

    def fails(self, word, timeout=240):
        """The Result of the next word: its exit code is 1, and the guest's kernel said nothing of it."""
        result = self.next(word, timeout)
        said = [line for line in result.log if not EXPECTED_IN_GUEST.search(line)]
        expect((result.rc, said), (1, []), f"{self.name}: {result}\n{self.end()}")
        return result

    def off(self, timeout=120):
        """Power off from inside, with the driver in it."""
        self.type("off")
        self.wait_end(timeout)
        if "NVIDIA: begin off\n" not in self.log():
            raise BenchError(f"{self.name} ended early:\n{self.end()}")


    def shutdown(self, timeout=120):
        """By "virsh shutdown", which presses its power button; the driver is in it."""
        self.virsh(f"shutdown {self.name}")
        self.wait_end(timeout)
        if "NVIDIA: power button\n" not in self.log():
            raise BenchError(f"{self.name} ended early:\n{self.end()}")


class CudaGuest(NvidiaGuest):
    images = staticmethod(prepare_cuda)


def parse_query(text):
    """nvidia-smi -q as {address: {section: {key: value}}}, sections nested as they are there."""
    top = {}
    stack = [(-1, top)]
    for line in text.expandtabs(8).splitlines():
        key, colon, value = line.partition(" : ")
        indent = len(line) - len(line.lstrip())
        if not line.strip() or line.startswith("="):
            continue
        while stack[-1][0] >= indent:
            stack.pop()
        if colon:
            stack[-1][1][key.strip()] = value.strip()
        else:
            section = stack[-1][1].setdefault(key.strip(), {})
            stack.append((indent, section))
    return {key[4:]: gpu for key, gpu in top.items() if key.startswith("GPU ")}, top
