# SPDX-License-Identifier: GPL-2.0-only
"""
What a test of the host VM is made with. In tests/<suite>_<topic>.py:

    from bench_test import Skip, expect, host_test

    @host_test()                            # the default GPU, both kernels
    def test_something(vm):
        expect(vm.sh("cat ..."), "what it should be")

    @host_test(gpu="nvidia-ada,board=l40", kernels=("stock",), fresh=True)
    def test_other(vm): ...

A test passes when it returns. One that returns the Output of a program that
speaks TAP has the results in there.

Tests with the same arguments share a boot, in the order of their names,
unless fresh. One that fails gets the machine thrown away. After each the
kernel's and the model's log must have nothing new in them that is a warning,
but for lines that the test expects, vm.expected_log.append(REGEX), and splats of the
kernel's own that it provokes: vm.known_bugs.append(KernelBug(...)).
"""

import importlib.util
import re
import sys
from collections import namedtuple

# A splat that the kernel itself must answer for: from the line that has the first text to the one
# that has the last. All signs are in it, and with after, that is in one of the ten lines before it.
KernelBug = namedtuple("KernelBug", "first signs last after", defaults=("end trace", ""))

# Linux 7.3's PCI core asserts its rescan lock where VFs are removed, and takes
# it for sriov_numvfs, but not before it unbinds a driver. That cannot take it
# either: the remove of a device comes with it held. So every SR-IOV driver that
# turns its VFs off when it is unbound, as it should, has this warning on a
# kernel with lockdep.
UNBIND_UNLOCKED = KernelBug(
    "WARNING: at pci_stop_and_remove_bus_device+",
    (" sriov_disable+", " device_release_driver_internal+"),
)


def is_known_bug(bug, block, before):
    """Nothing of another splat is in it, too."""
    splat = "\n".join(block)
    begun = sum(bool(re.search(r"cut here|Call Trace:|WARNING: |BUG: ", line)) for line in block)
    expected = 3 if "cut here" in block[0] else 2 if bug.first.startswith("WARNING") else 1
    return (
        all(sign in splat for sign in bug.signs)
        and begun == expected
        and any(bug.after in line for line in before[-10:] or [""])
    )


def without_known_bugs(lines, text=str, known=()):
    """A kernel log without splats that the kernel itself must answer for."""
    kept, block, bugs = [], None, []
    for line in lines:
        if block is None:
            bugs = [b for b in (UNBIND_UNLOCKED, *known) if b.first in text(line)]
            if not bugs:
                kept.append(line)
                continue
            block = [kept.pop()] if kept and "cut here" in text(kept[-1]) else []
        block.append(line)
        ends = [b for b in bugs if b.last in text(line)]
        if ends:
            if not any(is_known_bug(b, list(map(text, block)), list(map(text, kept))) for b in ends):
                kept += block
            block = None
    return kept + (block or [])


class Skip(Exception):
    """The test cannot be run here; the text says why."""


def load(path):
    """Test functions of a file, in the order in which they are written."""
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))       # a file may run tests of another
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tests_of(module)


def tests_of(module):
    return [f for f in vars(module).values() if callable(f) and hasattr(f, "host_test")]


def expect(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}\n  got:  {got!r}\n  want: {want!r}")


def host_test(
    *,
    kernels=("stock", "debug"),
    both=False,
    sampled=None,
    fresh=False,
    full=(),
    alone=False,
    on_debian=False,
    seconds=0,
    **machine,
):
    """
    Of two kernels "make check" takes one for a test, both: not for this one. sampled: one of those
    that take half a minute or more, of which it runs as many as there is time for; None: if it has a
    machine of its own one in three is run; False: always. full: only for
    "make check-full"; or on which kernels. alone: before all others, with nothing beside it.
    on_debian: needs what only Debian's kernel has. seconds: about what it takes, if that is minutes.
    machine: arguments of HostVM.
    """

    def mark(function):
        function.host_test = {
            "kernels": kernels,
            "both": both,
            "sampled": sampled,
            "fresh": fresh,
            "full": kernels if full is True else full,
            "alone": alone,
            "on_debian": on_debian or machine.get("nouveau", False),
            "seconds": seconds,
            "machine": machine,
        }
        return function

    return mark


def in_parts(mark, name, parts, function):
    """
    A test that takes long, as several that can run side by side: {name: test}, for globals(). Each
    calls function(vm, those), with a slice that takes its own of all that there is to do.
    """
    def test(number):
        def one(vm):
            function(vm, slice(number, None, parts))

        one.__name__ = f"test_{name}_{number + 1}_of_{parts}"
        return mark(one)

    return {found.__name__: found for found in map(test, range(parts))}
