#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Run suites of tests and tell the results as TAP.

    check.py [--full] [-t NAME] SUITE...

SUITE is one of static bench abi kunit vbios model host guest fuzz.

With -t only the tests whose names contain NAME are run. Tests that take long are
left out without --full. A suite that has no test to run has failed.
"""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from bench_test import Skip, without_known_bugs
from hostvm import BENCH, CACHE, REPO, START, HostVM, say, script
from tap import Reader, Tap
from vbios import vbios

# What a kernel must not say. Printed by nobody who is well.
SPLAT = re.compile(
    r"WARNING:|BUG:|KASAN|UBSAN|\bOops|Call Trace|INFO: (task|possible|trying)"
    r"|possible (circular|recursive|irq)|inconsistent lock|suspicious RCU|DMAR:.*fault"
    r"|DMA-API|general protection|unreferenced object|refcount_t|ODEBUG|kernel panic",
    re.I,
)
# Debian's and our kernel boot with these on this machine.
HARMLESS = re.compile(
    r"DMA-API: (preallocated|debugging enabled)|DMAR: \[Firmware|Zen1 .* bug detected"
    r"|taints kernel"
)


def program(tap, name, command, env=None):
    """A suite that is a program of its own and speaks TAP."""
    reader = Reader(tap, name)
    tail = []
    with subprocess.Popen(
        [str(c) for c in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        env={**os.environ, **(env or {})},
    ) as proc:
        for line in proc.stdout:
            tail = tail[-20:] + [line]
            reader.feed(line)
    reader.end(proc.returncode, "".join(tail))


def static(tap, name, _full):
    program(tap, "static", [BENCH / "check-static.sh", *([name] if name else [])])


def bench(tap, name, _full):
    """How the bench takes packages, from an archive that is made for it."""
    program(tap, "bench", [sys.executable, BENCH / "archive_test.py", *([name] if name else [])])


def abi(tap, _name, _full):
    program(tap, "abi", [sys.executable, REPO / "tools/testing/abi/check.py"])
    program(tap, "abi", [sys.executable, REPO / "tools/testing/vgpu-types/test.py"])


def model(tap, name, full):
    """Without a guest, then with drivers that are not ours in the host VM."""
    in_vm = HostTests(tap, "model", name, full)
    if not name or not in_vm:
        model_without_guest(tap, name)
    if in_vm:
        in_vm.run()


def model_without_guest(tap, name):
    root = script("mk-rootfs.sh", "host")
    program(
        tap,
        "model",
        [sys.executable, REPO / "tools/testing/qemu/tests/run.py", *([name] if name else [])],
        {"QEMU": script("mk-qemu.sh"), "NVKM_VGPU_FIRMWARE": f"{root}/usr/lib/firmware"},
    )


def fuzz(tap, _name, _full):
    """Random input to the model, for FUZZ_SECONDS."""
    script("deps.sh", "fuzz")
    folder = CACHE / "fuzz"
    program(
        tap,
        "fuzz",
        [sys.executable, REPO / "tools/testing/qemu/tests/fuzz.py", folder],
        {"QEMU_FUZZ": script("mk-qemu.sh", env={"BENCH_QEMU_FUZZ": "1"})},
    )


def kunit(tap, _name, _full):
    """In the debug kernel, without a GPU; KUnit's own results from debugfs."""
    with HostVM(kernel="debug", gpu=None) as vm:
        before = vm.sh("ls /sys/kernel/debug/kunit 2>/dev/null", check=False).split()
        vm.sh(
            "modprobe kunit; cd /lib/modules/$(uname -r)/kernel/drivers/gpu/nvkm-vgpu && "
            "for ko in $(find . -name '*.ko'); do "
            "case ,$(modinfo -F depends $ko), in *,kunit,*) "
            "modprobe $(basename $ko .ko) || exit 1;; esac; done",
            timeout=300,
        )
        results = vm.sh(
            "cd /sys/kernel/debug/kunit; for s in *; do echo \"suite $s\"; cat $s/results; done"
        )
        suites = re.split(r"^suite (\S+)\n", results, flags=re.M)[1:]
        suites = dict(zip(suites[::2], suites[1::2]))
        for suite in before:
            del suites[suite]
        if not suites:
            tap.not_ok("kunit", "no suite was seen")
        for suite, text in suites.items():
            reader = Reader(tap, f"kunit: {suite}")
            # A suite's own results are indented below a line for the suite.
            for line in text.splitlines():
                reader.feed(line[4:] if line.startswith("    ") else "")
            reader.end(tail=text)
        bad = splats(vm.dmesg())
        if bad:
            tap.not_ok("kunit: kernel log", "\n".join(bad))


def splats(log, allowed=()):
    """Lines that are a splat, each with what follows it."""
    lines = without_known_bugs(log.splitlines())
    found = []
    for n, line in enumerate(lines):
        if not SPLAT.search(line) or HARMLESS.search(line):
            continue
        if any(re.search(a, line) for a in allowed):
            continue
        found += lines[n : n + 25]
        break
    return found


class HostTests:
    """A suite's tests in tests/<suite>_*.py, grouped by the machine that they want."""

    def __init__(self, tap, suite, name, full):
        self.tap = tap
        self.suite = suite
        self.full = full
        self.kernels = {}  # {kernel: {machine: [(test, function)]}}
        self.alone = {}  # the same, of tests that want nothing to run beside them
        for path in sorted((BENCH / "tests").glob(f"{suite}_*.py")):
            topic = path.stem.removeprefix(f"{suite}_")
            for function in load(path):
                self.add(f"{topic}: {function.__name__[5:]}", function, name)

    def add(self, title, function, name):
        want = function.host_test
        for kernel in want["kernels"]:
            test = f"{kernel}: {title}"
            if name not in function.__name__ and name not in test:
                continue
            key = (repr(sorted(want["machine"].items())), test if want["fresh"] else "")
            groups = (self.alone if want["alone"] else self.kernels).setdefault(kernel, {})
            groups.setdefault(key, []).append((f"{self.suite}: {test}", function))

    def __bool__(self):
        return bool(self.kernels or self.alone)

    def run(self):
        """Each kernel has a VM at a time: two of them are what two cores can do."""
        if not self:
            self.tap.not_ok(self.suite, "no test of that name")
        for kernel, groups in self.alone.items():
            Lane(self, kernel, groups).run()
        if not self.kernels:
            return
        with ThreadPoolExecutor(len(self.kernels)) as pool:
            lanes = [pool.submit(Lane(self, *item).run) for item in self.kernels.items()]
        for lane in lanes:
            lane.result()


class Lane:
    """Those of the tests that run on one kernel, one after the other."""

    def __init__(self, tests, kernel, groups):
        self.tap = tests.tap
        self.suite = tests.suite
        self.full = tests.full
        self.kernel = kernel
        self.groups = groups.values()
        self.vm = None

    def run(self):
        try:
            for group in self.groups:
                for test, function in group:
                    self.one(test, function)
                self.end_group()
        finally:
            self.drop()

    def boot(self, machine):
        if self.vm and self.vm.proc.poll() is None:
            return
        self.drop()
        # our drivers live on hardware's times, too: on one of the two kernels
        timing = "real" if (self.suite, self.kernel) == ("host", "debug") else "quick"
        self.vm = HostVM(kernel=self.kernel, timing=timing, **machine)
        self.vm.start()

    def drop(self):
        if self.vm:
            self.vm.stop()
            self.vm = None

    def one(self, test, function):
        start = time.monotonic()
        try:
            if function.host_test["full"] and not self.full:
                raise Skip("takes long: make check-full")
            self.boot(function.host_test["machine"])
            self.vm.expected_log = []
            mark = f"bench: test {test}"
            # a test finds no files of the one before
            self.vm.sh(f"rm -rf /tmp/*; echo '{mark}' >/dev/kmsg")
            results = function(self.vm)
            bad = splats(self.vm.dmesg().rpartition(mark)[2], self.vm.expected_log)
            if bad:
                raise AssertionError("kernel log:\n" + "\n".join(bad))
            if results is None:
                self.tap.ok(test, time.monotonic() - start)
            else:
                reader = Reader(self.tap, test)
                for line in results.splitlines():
                    reader.feed(line)
                reader.end(results.rc, results)
        except Skip as why:
            self.tap.skip(test, why)
        except Exception:  # pylint: disable=broad-except
            self.tap.not_ok(test, self.explain(), time.monotonic() - start)
            self.drop()

    def explain(self):
        text = "".join(traceback.format_exc(limit=-4))
        if self.vm and self.vm.run and self.vm.agent and self.vm.proc.poll() is None:
            try:
                log = self.vm.sh("dmesg | tail -n 30", check=False)
            except Exception as error:  # pylint: disable=broad-except
                log = f"{error}\n{self.vm.serial_tail()}"
            text += f"\n--- kernel log\n{log}\n--- QEMU\n{self.vm.model_log()[-3000:]}"
        return text

    def end_group(self):
        """Nothing may have leaked: asked once a machine, on the debug kernel."""
        if self.kernel == "debug" and self.vm:
            name = f"{self.suite}: debug: no memory leaked"
            try:
                leaks = "/sys/kernel/debug/kmemleak"
                # What was freed late needs a second scan to be seen as free.
                self.vm.sh(f"echo scan >{leaks}; sleep 6; echo scan >{leaks}", timeout=300)
                found = self.vm.sh(f"cat {leaks}", timeout=120)
                if found:
                    self.tap.not_ok(name, found[:4000])
                else:
                    self.tap.ok(name)
            except Exception:  # pylint: disable=broad-except
                self.tap.not_ok(name, self.explain())
        self.drop()


def load(path):
    """Test functions of a file, in the order in which they are written."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [f for f in vars(module).values() if hasattr(f, "host_test")]


def host(tap, name, full):
    HostTests(tap, "host", name, full).run()


def guest(tap, name, full):
    """NVIDIA's own driver in guests of the host VM."""
    script("mk-guest.sh")
    HostTests(tap, "guest", name, full).run()


SUITES = {
    "static": static, "bench": bench, "abi": abi, "kunit": kunit, "vbios": vbios, "model": model,
    "host": host, "guest": guest, "fuzz": fuzz,
}


def main():
    parser = argparse.ArgumentParser(description="Run suites of tests, in TAP.")
    parser.add_argument("-t", metavar="NAME", default="")
    parser.add_argument("--full", action="store_true", help="also tests that take long")
    parser.add_argument("suite", nargs="+", choices=SUITES)
    args = parser.parse_args()
    tap = Tap()
    took = {}
    for name in args.suite:
        say(f"suite {name}")
        before, begin = tap.number(), time.monotonic()
        try:
            SUITES[name](tap, args.t, args.full)
        except Exception:  # pylint: disable=broad-except
            tap.not_ok(name, traceback.format_exc(limit=-4))
        if tap.number() == before:
            tap.not_ok(name, "the suite has no tests")
        took[name] = time.monotonic() - begin
    for name, seconds in [*took.items(), ("all, with what was built before", time.time() - START)]:
        tap.line(f"# {seconds / 60:5.1f} min  {name}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
