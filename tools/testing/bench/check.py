#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Run suites of tests and tell the results as TAP.

    check.py [--full] [--first] [-t NAME] [-k KERNEL] [--only FILE] SUITE...

SUITE is one of static bench builds abi files kunit vbios model host guest package fuzz.

With -t only the tests whose names contain NAME are run. Tests that take long are
left out without --full; BENCH_SEED then chooses on which of two kernels a test is
run, and one in six of those that take half a minute or more. A suite that has no test to
run has failed. Suites run side by side, tests in VMs in groups that share one. After --first
no test is begun once one has failed, and with -k all tests of that kernel are run. FILE has
names of tests in VMs, as they are printed: no others are run then, and these in that order.
BENCH_LANES is how many such things run at a time.
"""

import argparse
import functools
import os
import pathlib
import random
import re
import subprocess
import sys
import time
import traceback
import zlib
from concurrent.futures import ThreadPoolExecutor

import coverage
from bench_test import Skip, load, without_known_bugs
from hostvm import BENCH, CACHE, COVERAGE, ONE_KERNEL, REPO, START, HostVM, say, script
from tap import Reader, Tap
from vbios import vbios

# What a kernel must not say. Printed by nobody who is well.
SPLAT = re.compile(
    r"WARNING:|BUG:|KASAN|UBSAN|\bOops(?!=panic)|Call Trace|INFO: (task|possible|trying)"
    r"|possible (circular|recursive|irq)|inconsistent lock|suspicious RCU|DMAR:.*fault"
    r"|DMA-API|general protection|unreferenced object|refcount_t|ODEBUG|kernel panic",
    re.I,
)
# Debian's and our kernel boot with these on this machine; and what the test of sleep says of itself.
HARMLESS = re.compile(
    r"DMA-API: (preallocated|debugging enabled)|DMAR: \[Firmware|Zen1 .* bug detected"
    r"|taints kernel|suspend debug: Waiting"
)


# About how long things take, in seconds: the longest begin first.
FIRST = 10000
WITHOUT_GUEST = 900
ONE_TEST = {"host": 15, "model": 40, "guest": 120}
IN_ONE_VM = 300
# What all sampled tests of a suite may take of "make check", and one of them that does not tell
SAMPLE = {"host": 120, "model": 80, "guest": 150}
SAMPLED_TEST = {"host": 30, "model": 50, "guest": 100}


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


def beside_others(suite):
    """A suite that runs in one of the two lanes, before the VMs as it keeps one CPU busy for long."""
    @functools.wraps(suite)
    def jobs(tap, name, opts):
        job = Job(tap, suite.__name__, lambda: suite(tap, name, opts))
        job.weight = FIRST
        return [job]
    return jobs


@beside_others
def static(tap, name, opts):
    command = [BENCH / "check-static.sh", *([name] if name else [])]
    if opts.full:
        script("deps.sh", "static")
    program(tap, "static", command, {"STATIC_FULL": "1"} if opts.full else {})


@beside_others
def bench(tap, name, _opts):
    """How the bench takes packages, from an archive that is made for it."""
    program(tap, "bench", [sys.executable, BENCH / "archive_test.py", *([name] if name else [])])


@beside_others
def builds(tap, name, opts):
    """That the drivers build in the ways in which they can be built."""
    if opts.full:
        script("deps.sh", "builds")
    command = [BENCH / "check-builds.sh", *([name] if name else [])]
    program(tap, "builds", command, {"BUILDS_FULL": "1"} if opts.full else {})


@beside_others
def abi(tap, _name, _opts):
    program(tap, "abi", [sys.executable, REPO / "tools/testing/abi/check.py"])
    program(tap, "abi", [sys.executable, REPO / "tools/testing/vgpu-types/test.py"])


def model(tap, name, opts):
    """Without a guest, and with drivers that are not ours in the host VM."""
    in_vm = HostTests(tap, "model", name, opts).jobs()
    if name and in_vm:
        return in_vm
    job = Job(tap, "model without a guest", lambda: model_without_guest(tap, name))
    job.weight = WITHOUT_GUEST
    return [job, *in_vm]


def model_without_guest(tap, name):
    root = script("mk-rootfs.sh", "host")
    program(
        tap,
        "model",
        [sys.executable, REPO / "tools/testing/qemu/tests/run.py", *([name] if name else [])],
        {"QEMU": script("mk-qemu.sh"), "NVKM_VGPU_FIRMWARE": f"{root}/usr/lib/firmware"},
    )


def fuzz(tap, _name, _opts):
    """Random input to the model, for FUZZ_SECONDS."""
    script("deps.sh", "fuzz")
    folder = CACHE / "fuzz"
    program(
        tap,
        "fuzz",
        [sys.executable, REPO / "tools/testing/qemu/tests/fuzz.py", folder],
        {"QEMU_FUZZ": script("mk-qemu.sh", env={"BENCH_QEMU_FUZZ": "1"})},
    )


def kunit(tap, _name, opts):
    return [Job(tap, "kunit", lambda: kunit_in_vm(tap, opts))]


def seed_of(opts):
    """A seed is any text, and for the kernel a number."""
    return zlib.crc32(opts.seed.encode()) or 1


def kunit_in_vm(tap, opts):
    """In the debug kernel, without a GPU; KUnit's own results from debugfs."""
    with HostVM(kernel="debug", gpu=None) as vm:
        vm.counts_for = "kunit"
        before = vm.sh("ls /sys/kernel/debug/kunit 2>/dev/null", check=False).split()
        vm.sh(
            f"echo options nvkm-vgpu-kunit seed={seed_of(opts)} >/etc/modprobe.d/kunit.conf;"
            " modprobe kunit; cd /lib/modules/$(uname -r)/kernel/drivers/gpu/nvkm-vgpu && "
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


def splats(log, allowed=(), known=()):
    """Lines that are a splat, each with what follows it."""
    lines = without_known_bugs(log.splitlines(), known=known)
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

    def __init__(self, tap, suite, name, opts):
        self.tap = tap
        self.suite = suite
        self.opts = opts
        self.groups = {}  # {(kernel, machine...): [(test, function)]}
        self.alone = {}  # the same, of tests that want nothing to run beside them
        for path in sorted((BENCH / "tests").glob(f"{suite}_*.py")):
            topic = path.stem.removeprefix(f"{suite}_")
            for function in load(path):
                self.add(f"{topic}: {function.__name__[5:]}", function, name)

    def add(self, title, function, name):
        want = function.host_test
        # one kernel is in place of both
        for kernel in want["kernels"][:1] if ONE_KERNEL else want["kernels"]:
            test = f"{kernel}: {title}"
            if name not in function.__name__ and name not in test:
                continue
            if self.opts.only and f"{self.suite}: {test}" not in self.opts.only:
                continue
            key = (kernel, repr(sorted(want["machine"].items())), test if want["fresh"] else "")
            groups = self.alone if want["alone"] else self.groups
            groups.setdefault(key, []).append((f"{self.suite}: {test}", function))

    def jobs(self):
        groups = [
            Group(self, key[0], part, alone)
            for alone, groups in ((True, self.alone), (False, self.groups))
            for key, tests in groups.items()
            for part in self.parts(tests)
        ]
        for group in groups if self.opts.only else []:
            group.weight = -self.opts.only.index(group.tests[0][0])
        return groups

    def parts(self, tests):
        """A boot takes less than a test: no lane is to be at work for long when the other is done."""
        if self.opts.only:
            # in the order of the list
            tests = sorted(tests, key=lambda test: self.opts.only.index(test[0]))
        part = []
        for test in tests:
            part.append(test)
            if self.seconds(part) >= IN_ONE_VM:
                yield part
                part = []
        if part:
            yield part

    def seconds(self, tests):
        return sum(
            function.host_test["seconds"] or ONE_TEST.get(self.suite, 60) * (3 if test.split(": ")[1] == "debug" else 1)
            for test, function in tests if not self.left_out(test, function)
        )

    def left_out(self, test, function):
        """Why a test is not to be run."""
        want = function.host_test
        if ONE_KERNEL and want["on_debian"]:
            return f"needs Debian's kernel, not {ONE_KERNEL}"
        if self.opts.full or self.opts.only:
            return None
        suite, kernel, title = test.split(": ", 2)
        if kernel in want["full"]:
            return "takes long: make check-full"
        if self.opts.k and kernel != self.opts.k:
            return f"only those of the {self.opts.k} kernel"
        if self.opts.t or self.opts.k or ONE_KERNEL:
            return None
        # half of what a test costs that has a machine of its own is the start of that
        own = want["sampled"] is None and suite == "host" and want["machine"]
        if title not in self.sample if want["sampled"] else own and self.dice("sample", title) > 1 / 3:
            return f"not in the sample of BENCH_SEED={self.opts.seed}"
        if kernel not in self.kernels_of(title, want):
            return f"on the other kernel with BENCH_SEED={self.opts.seed}"
        return None

    def dice(self, what, title):
        """By the seed, from 0 to 1."""
        return random.Random(f"{self.opts.seed} {what} {self.suite} {title}").random()

    def kernels_of(self, title, want):
        kernels = set(want["kernels"]) - set(want["full"])
        if len(kernels) < 2 or want["both"]:
            return kernels
        # the debug kernel sees more, and takes three times as long
        rare = 24 if self.suite == "host" and want["machine"] else 12
        return {"debug" if self.dice("kernel", title) < 1 / rare else "stock"}

    @functools.cached_property
    def sample(self):
        """Of tests that take half a minute or more those for which there is time, in an order of the seed's."""
        wants = {
            test.split(": ", 2)[2]: function.host_test
            for tests in (*self.alone.values(), *self.groups.values())
            for test, function in tests if function.host_test["sampled"]
        }
        left, chosen = SAMPLE.get(self.suite, 0), set()
        for title in sorted(wants, key=lambda title: self.dice("sample", title)):
            kernels = self.kernels_of(title, wants[title])
            takes = wants[title]["seconds"] or SAMPLED_TEST[self.suite] * (3 if "debug" in kernels else 1)
            # the first has its turn even if it takes longer than all others may
            if kernels and (takes <= left or not chosen):
                chosen.add(title)
                left -= takes
        return chosen


def run_jobs(jobs):
    """Two VMs at a time, if not BENCH_LANES, are what two cores can do; the largest groups of tests come first."""
    jobs.sort(key=lambda job: (not job.alone, -job.weight))
    with ThreadPoolExecutor(int(os.environ.get("BENCH_LANES", 2))) as pool:
        started = []
        for job in jobs:
            started.append(pool.submit(job.run))
            if job.alone:
                started[-1].result()
        for done in started:
            done.result()


class Job:
    """A suite, or a part of it, that runs beside others."""

    alone = False
    weight = 120

    def __init__(self, tap, name, function):
        self.tap = tap
        self.name = name
        self.function = function
        self.seconds = 0

    def run(self):
        begin = time.monotonic()
        try:
            self.function()
        except Exception:  # pylint: disable=broad-except
            self.tap.not_ok(self.name, traceback.format_exc(limit=-4))
        self.seconds = time.monotonic() - begin


class Group:
    """Tests that run in one VM, one after the other."""

    def __init__(self, suite, kernel, tests, alone):
        self.alone = alone
        self.weight = suite.seconds(tests)
        self.seconds = 0  # that its VM was at work
        self.name = suite.suite
        self.tap = suite.tap
        self.suite = suite
        self.kernel = kernel
        self.tests = tests
        self.vm = None

    def run(self):
        begin = time.monotonic()
        try:
            for test, function in self.tests:
                if self.suite.opts.first and self.tap.failed:
                    return
                self.one(test, function)
            self.look_for_leaks()
        finally:
            self.drop()
            self.seconds = time.monotonic() - begin

    def boot(self, machine):
        if self.vm and self.vm.proc.poll() is None:
            return
        self.drop()
        # our drivers live on hardware's times, too: on one of the two kernels, or on both
        real = self.suite.suite == "host" and (self.kernel == "debug" or "BENCH_REAL" in os.environ)
        real = real and not ONE_KERNEL
        timing = "real" if real else "quick"
        self.vm = HostVM(kernel=self.kernel, timing=timing, **machine)
        self.vm.start()

    def drop(self):
        if self.vm:
            self.vm.stop()
            self.vm = None

    def one(self, test, function):
        start = time.monotonic()
        mark = f"bench: test {test}"
        passed = True
        try:
            if why := self.suite.left_out(test, function):
                raise Skip(why)
            self.boot(function.host_test["machine"])
            self.vm.expected_log, self.vm.known_bugs = [], []
            self.count_for(test)
            # a test finds no files of the one before
            self.vm.sh(f"rm -rf /tmp/*; echo '{mark}' >/dev/kmsg")
            results = function(self.vm)
            log = self.vm.dmesg().rpartition(mark)[2]
            bad = splats(log, self.vm.expected_log, self.vm.known_bugs)
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
            self.tap.not_ok(test, self.explain(mark), time.monotonic() - start)
            self.drop()
            passed = False
        self.count_for("")
        if COVERAGE and passed:
            coverage.took(CACHE, test, time.monotonic() - start)
        elif COVERAGE:
            coverage.forget(CACHE, test)

    def count_for(self, test):
        """What gcov counts from here on is this test's."""
        if COVERAGE and self.vm:
            self.vm.gather_coverage()
            self.vm.counts_for = test

    def explain(self, mark="Linux version"):
        """Why a test failed. A splat comes first: what else went wrong mostly follows from it."""
        text = "".join(traceback.format_exc(limit=-4))
        if self.vm and self.vm.run and self.vm.agent and self.vm.proc.poll() is None:
            serial = self.vm.serial().replace("\r", "")
            bad = splats(serial.rpartition(mark)[2], self.vm.expected_log, self.vm.known_bugs)
            if bad:
                text = "the kernel said\n" + "\n".join(bad) + f"\n--- the test\n{text}"
            try:
                log = self.vm.sh("dmesg | tail -n 30", check=False)
            except Exception as error:  # pylint: disable=broad-except
                log = f"{error}\n{self.vm.serial_tail()}"
            text += f"\n--- kernel log\n{log}\n--- QEMU\n{self.vm.model_log()[-3000:]}"
        return text

    def look_for_leaks(self):
        """Nothing may have leaked: asked once a machine, on kernels that can tell."""
        kernel = ONE_KERNEL or self.kernel
        if kernel in ("debug", "gcov") and self.vm:
            name = f"{self.suite.suite}: {kernel}: no memory leaked"
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


def host(tap, name, opts):
    return HostTests(tap, "host", name, opts).jobs()


def guest(tap, name, opts):
    """NVIDIA's own driver in guests of the host VM."""
    script("mk-guest.sh")
    return HostTests(tap, "guest", name, opts).jobs()


VARIANTS = 100000


@beside_others
def files(tap, _name, _opts):
    """Firmware, and a file of vGPU types: what the driver does with damaged ones, in user space."""
    folder = CACHE / "files"
    folder.mkdir(exist_ok=True)
    types = folder / "vgpu-570.144.bin"
    table = REPO / "tools/testing/vgpu-types/sample.xml"
    subprocess.run([REPO / "tools/vgpu-types", "-o", types, table], check=True, stdout=sys.stderr)
    firmware = pathlib.Path(script("mk-rootfs.sh", "host")) / "usr/lib/firmware/nvidia/ad102/gsp"
    for kind, path in ("firmware", firmware), ("types", types):
        begin = time.monotonic()
        run = subprocess.run(
            [script("mk-parse.sh", "file"), kind, str(VARIANTS), path],
            capture_output=True, text=True, check=False, timeout=3600,
        )
        took = time.monotonic() - begin
        if run.returncode:
            tap.not_ok(f"files: {kind}", f"exit {run.returncode}\n{run.stderr[:4000]}", took)
        else:
            tap.ok(f"files: {kind}: {run.stdout.strip()}", took)


def vbios_images(tap, name, opts):
    job = Job(tap, "vbios", lambda: vbios(tap, name, None if opts.full else opts.seed))
    job.weight = IN_ONE_VM
    return [job]


def package(tap, name, opts):
    """The Debian package: what lintian says, and a machine on which it is installed."""
    said = (pathlib.Path(script("mk-package.sh")) / "lintian").read_text()
    if name in "lintian":
        (tap.not_ok if said else tap.ok)("package: lintian", *([said] if said else []))
    return HostTests(tap, "package", name, opts).jobs()


SUITES = {
    "static": static, "bench": bench, "builds": builds, "abi": abi, "files": files, "kunit": kunit,
    "vbios": vbios_images, "model": model, "host": host, "guest": guest, "package": package, "fuzz": fuzz,
}


def run_suites(tap, names, opts):
    """Returns how long what took."""
    jobs = []
    took = {}
    for name in names:
        say(f"suite {name}")
        before, begin = tap.number(), time.monotonic()
        later = None
        try:
            later = SUITES[name](tap, opts.t, opts)
        except Exception:  # pylint: disable=broad-except
            tap.not_ok(name, traceback.format_exc(limit=-4))
        if later:
            jobs += later
        elif tap.number() == before:
            tap.not_ok(name, "the suite has no tests")
        took[f"{name}, before the others" if later else name] = time.monotonic() - begin
    if jobs:
        begin = time.monotonic()
        say(f"{len(jobs)} jobs, two at a time")
        run_jobs(jobs)
        for job in jobs:
            took[f"{job.name}, one of two at a time"] = job.seconds + took.get(
                f"{job.name}, one of two at a time", 0
            )
        took["all jobs, two at a time"] = time.monotonic() - begin
    return took


def lines_of(path):
    return pathlib.Path(path).read_text(encoding="utf-8").splitlines()


def main():
    parser = argparse.ArgumentParser(description="Run suites of tests, in TAP.")
    parser.add_argument("-t", metavar="NAME", default="")
    parser.add_argument("--full", action="store_true", help="also tests that take long")
    parser.add_argument("--first", action="store_true", help="end with the first that fails")
    parser.add_argument("-k", metavar="KERNEL", choices=("stock", "debug"))
    parser.add_argument("--only", metavar="FILE", type=lines_of, default=[])
    parser.add_argument("suite", nargs="+", choices=SUITES)
    args = parser.parse_args()
    # tests that choose by it, too, find it there
    args.seed = os.environ.setdefault("BENCH_SEED", str(int.from_bytes(os.urandom(3), "little")))
    tap = Tap()
    tap.line(f"# BENCH_SEED={args.seed}")
    took = run_suites(tap, args.suite, args)
    took["all, with what was built before"] = time.time() - START
    for name, seconds in took.items():
        if seconds > 3:
            tap.line(f"# {seconds / 60:5.1f} min  {name}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
