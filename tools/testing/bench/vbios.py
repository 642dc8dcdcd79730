# SPDX-License-Identifier: GPL-2.0-only
"""
Suite vbios: flash images of boards, each on the model. ROMS=FOLDER names a folder of
them, which may hold any; without it there are those of tools/testing/vbios/shapes.py.

For each image the driver's parser says in user space what it is. Then our driver and
Debian's nouveau are loaded on the model with that flash. Both boot, or neither does:
where ours refuses what nouveau takes, ours is wrong. Of shapes, which are the same each time, nouveau
is loaded on a third only, by BENCH_SEED, but for make check-full and who asks for one by name.
"""

import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

from bench_test import expect
from gpu import Gpu, KernelLog
from hostvm import CACHE, REPO, BenchError, HostVM, script
from nouveau import WPR2_HI, load, unload

sys.path.insert(0, str(REPO / "tools/testing/vbios"))
import shapes  # pylint: disable=wrong-import-position,wrong-import-order

VARIANTS = 100000
FIRMWARE = "570.144"
ADA_IDS = range(0x2600, 0x2900)
# What the model says of a file that it does not take
NOT_ADA = re.compile(r"not of Ada|no PCI expansion ROM image|more than the \d+ of a flash")
# FWSEC's entry in the table of falcon programs, as all known images of Ada have it
ENTRY = re.compile(rb"\x01\x06\x06\x10.{2}.*?\x85\x07", re.S)


class Image:
    """A file, and what is expected of it: a refusal with these words, None for a boot."""

    def __init__(self, path, why=None, known=False):
        self.path = path
        self.name = path.name
        self.why = why  # of a shape; of a file of others nothing is known before
        self.known = known
        self.device = None
        self.refusal = None

    def parsed(self, line):
        verdict, device, rest = line.split(" ", 2)
        self.device = int(device, 16)
        self.refusal = rest if verdict == "refused" else None
        return f"10de:{device} {rest}"

    def has_fwsec(self):
        """By a look that is no parser's: a table with FWSEC, and a descriptor of version 3."""
        window = self.path.read_bytes()[:1 << 20]
        return self.device in ADA_IDS and ENTRY.search(window) and b"\x01\x03\x2c\x03" in window

    def check_expected(self):
        if self.known and self.why is None:
            expect(self.refusal, None, "refused")
        if self.has_fwsec() and not self.known:
            expect(self.refusal, None, "refused, though it looks as if it had FWSEC")
        if self.known and self.why is not None and self.why not in (self.refusal or "taken"):
            raise AssertionError(f"'{self.refusal}' has no '{self.why}'")


def collect(folder):
    roms = os.environ.get("ROMS")
    if roms:
        if not os.path.isdir(roms):
            raise BenchError(f"ROMS={roms} is no folder")
        paths = sorted(p for p in pathlib.Path(roms).rglob("*") if p.is_file())
        if not paths:
            raise BenchError(f"ROMS={roms} has no files")
        return [Image(path.resolve()) for path in paths]
    images = []
    for name, (data, why) in shapes.shapes().items():
        path = folder / f"{name}.rom"
        path.write_bytes(data)
        images.append(Image(path, why, known=True))
    return images


class Suite:
    """One VM for all; the flash is another after each reset of the GPU."""

    def __init__(self, tap, images, seed=None):
        self.tap = tap
        self.images = images
        self.seed = seed    # None: nouveau is loaded on all
        self.parser = script("mk-parse.sh", "vbios")
        self.vm = self.gpu = None
        self.booted = self.refused = self.skipped = 0

    def test(self, name, function):
        start = time.monotonic()
        try:
            more = function()
        except Exception as error:  # pylint: disable=broad-except
            self.tap.not_ok(f"vbios: {name}", error, time.monotonic() - start)
            self.drop()     # a driver may have died, and the kernel with it
            return False
        self.tap.ok(f"vbios: {name}{': ' + more if more else ''}", time.monotonic() - start)
        return True

    def run_parser(self, *args):
        done = subprocess.run(
            [self.parser, *map(str, args)],
            capture_output=True, text=True, check=False, timeout=600,
        )
        if done.returncode:
            raise AssertionError(f"exit {done.returncode}\n{done.stderr}")
        return done.stdout.strip()

    def parse(self, image):
        told = image.parsed(self.run_parser(image.path))
        image.check_expected()
        return told

    def parse_variants(self):
        return self.run_parser("-m", VARIANTS, *[image.path for image in self.images])

    def flash(self, image):
        """False if the model does not take it, as it is no board of Ada's."""
        answer = self.vm.monitor.cmd_raw(
            "qom-set", {"path": self.gpu.qom, "property": "vbios", "value": str(image.path)}
        )
        if "error" in answer:
            self.not_taken(image, answer["error"]["desc"])
            return False
        # The parser in user space sees the flash from its first byte. Boards may show it so or not.
        self.vm.qom_set("prom-ifr", True)
        self.gpu.must_write(self.gpu.path("reset"), 1)
        return True

    def not_taken(self, image, why):
        """A SKIP, but only for what is no flash of Ada's by all that is known of it."""
        self.skipped += 1
        if image.known or not NOT_ADA.search(why) or (
            image.refusal is None and image.device in ADA_IDS
        ):
            self.tap.not_ok(f"vbios: {image.name}: boots", why)
        else:
            self.tap.skip(f"vbios: {image.name}: boots", why)

    def wpr2_is_down(self):
        expect(self.gpu.registers(WPR2_HI), [0], "WPR2 HI")

    def ours(self, image):
        log = KernelLog(self.vm)
        self.gpu.load()
        if image.refusal is None:
            expect(log.warnings(), [], "kernel log")
            expect(self.gpu.driver(), "nvkm-vgpu", "driver")
            expect(self.gpu.registers(WPR2_HI) != [0], True, "WPR2 is up")
        else:
            said = log.warnings()
            if len(said) != 1 or image.refusal.split(";")[0] not in said[0]:
                raise AssertionError(f"not one line with '{image.refusal}':\n" + "\n".join(said))
            expect(self.gpu.driver(), "", "driver")
        self.gpu.unload()
        self.wpr2_is_down()

    def nouveau(self, image):
        log = KernelLog(self.vm)
        load(self.vm, FIRMWARE)
        up = self.gpu.driver() == "nouveau" and self.gpu.registers(WPR2_HI) != [0]
        if up and image.refusal is None:
            expect([t for t in log.warnings() if "No compatible format" not in t], [], "kernel log")
        expect(up, image.refusal is None, "GSP-RM is up")
        unload(self.vm)
        self.wpr2_is_down()

    def boot(self):
        if not self.vm:
            self.vm = HostVM(kernel="stock", gpu="nvidia-ada,board=l40", nouveau=True)
            self.vm.start()
            self.gpu = Gpu(self.vm)

    def drop(self):
        if self.vm:
            self.vm.stop()
        self.vm = None

    def one(self, image):
        self.boot()
        if not self.flash(image):
            return
        does = "boots and unloads" if image.refusal is None else "refuses"
        if not self.test(f"{image.name}: nvkm-vgpu {does}", lambda: self.ours(image)):
            return
        if image.refusal is None:
            self.booted += 1
        else:
            self.refused += 1
        does = does if image.refusal is None else "does not boot, either"
        name = f"{image.name}: nouveau {does}"
        if image.known and self.seed and random.Random(f"{self.seed} {image.name}").randrange(3):
            self.tap.skip(f"vbios: {name}", f"not in the sample of BENCH_SEED={self.seed}")
        else:
            self.test(name, lambda: self.nouveau(image))

    def run(self):
        parsed = [i for i in self.images if self.test(f"{i.name}: parsed", lambda i=i: self.parse(i))]
        self.test("parsed under ASan and UBSan", self.parse_variants)
        try:
            for image in parsed:
                self.one(image)
        finally:
            self.drop()
        counts = f"{self.booted} booted, {self.refused} refused, {self.skipped} not of Ada"
        if self.booted:
            self.tap.ok(f"vbios: images: {counts}")
        else:
            self.tap.not_ok("vbios: images", f"none has booted: {counts}")


def vbios(tap, name, seed=None):
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="vbios-") as folder:
        images = [i for i in collect(pathlib.Path(folder)) if name in i.name]
        if not images:
            tap.not_ok("vbios", f"no image with '{name}' in its name")
        else:
            Suite(tap, images, None if name else seed).run()
