# SPDX-License-Identifier: GPL-2.0-only
"""
Debian's own kernel driver nouveau, with the real firmware, on the model. It shares
no line with the model or with our driver.
"""

import contextlib
import re
import time
from collections import Counter

from bench_test import expect, host_test
from gpu import KernelLog
from nouveau import (
    FIRMWARE,
    PROGRAMS,
    choose,
    expected_log,
    is_down,
    is_up,
    load,
    load_and_unload,
    said_of,
    unload,
)

L40 = "nvidia-ada,board=l40"
# nouveau takes MSI where it finds it, else the pin
SMALL = "nvidia-ada,board=l40,vram-size=8G,has-msi=on"
L4 = "nvidia-ada,board=l4"
# The last ones are there for one load each, and get no room for VFs.
WITH_IOMMU = {"gpu": [L40, SMALL, L4], "nouveau": True, "reserve": 1}
WITHOUT_IOMMU = {"gpu": [L40, SMALL], "nouveau": True, "reserve": 1, "iommu": False}

# Where nouveau warns when GSP-RM has died under it: of each message that is not answered,
# and of three that it had to have answered. The first line is its interrupt handler's.
AFTER_A_CRASH = "gsp: intr 00000010"
WARNINGS_AFTER_A_CRASH = {
    "r535_gsp_msgq_wait": 14,
    "r535_mmu_vaspace_del": 2,
    "r535_bar_bar2_fini": 1,
    "r535_gsp_fini": 1,
}

NOSLEEP = "/bench/selftests/nvidia-vgpu/nosleep/nvgpu-nosleep.ko"


def is_told(gpu, log, text):
    """nouveau comes to know by an interrupt, and says so."""
    deadline = time.monotonic() + 10
    while not said_of(gpu, log) and time.monotonic() < deadline:
        time.sleep(0.1)
    expect(said_of(gpu, log), [f"nouveau {gpu.pf}: {text}"], "kernel log")


def an_error_is_told(gpu):
    """GSP-RM's own error, which is a message."""
    log = KernelLog(gpu.vm)
    gpu.set_model("inject-event", "os-error-log:79:GPU has fallen off the bus.")
    is_told(gpu, log, "gsp: Xid:79 GPU has fallen off the bus.")


@contextlib.contextmanager
def short_waits(vm):
    """
    nouveau waits for a message by four million polls with a sleep of a microsecond between
    them. An emulated machine needs an hour for that, so it leaves out the sleep.
    """
    vm.sh(
        f"insmod {NOSLEEP} from=$(cat /sys/module/nouveau/sections/.text)"
        " size=$(awk '/^nouveau / { print $2 }' /proc/modules)"
    )
    yield
    vm.sh("rmmod nvgpu_nosleep")


def crash_and_unload(gpu):
    log = KernelLog(gpu.vm)
    with short_waits(gpu.vm):
        gpu.set_model("crash-gsp", True)
        is_told(gpu, log, AFTER_A_CRASH)
        unload(gpu.vm)
    where = re.compile(r"WARNING: drivers/gpu/drm/nouveau/\S+ at (\w+)\+")
    texts = [text for _, text in log.lines()]
    warnings = Counter(match[1] for match in map(where.match, texts) if match)
    expect(warnings, WARNINGS_AFTER_A_CRASH, "where nouveau warned")
    expect(texts.count("Call Trace:"), warnings.total(), "stacks, of which each has a warning")
    expect(said_of(gpu, log), [f"nouveau {gpu.pf}: {AFTER_A_CRASH}"], "kernel log of a crash")
    is_down(gpu)


def eight_gib_and_an_l4(vm):
    small, l4 = choose(vm, 1, 2)
    return {small: {"vram": 7668}, l4: {"chip": "AD104 (194000a1)", "vram": 23034}}


def both_l40(vm):
    big, small = choose(vm, 0, 1)
    return {big: {}, small: {"vram": 7668}}


@host_test(kernels=("stock",), sampled=True, **WITH_IOMMU)
def test_ten_times_570(vm):
    (gpu,) = choose(vm, 0)
    for _ in range(10):
        load_and_unload(vm, "570.144", {gpu: {}})


@host_test(kernels=("stock",), sampled=True, **WITH_IOMMU)
def test_ten_times_535(vm):
    (gpu,) = choose(vm, 0)
    for _ in range(10):
        load_and_unload(vm, "535.113.01", {gpu: {}})


@host_test(kernels=("stock",), **WITH_IOMMU)
def test_a_refusal_is_told(vm):
    """The log is another when GSP-RM refuses something, so that comparing it has a point."""
    (gpu,) = choose(vm, 0)
    log = KernelLog(vm)
    gpu.set_model("fault-message", "refuse=0x56:76:0x20802a08")
    load(vm, "570.144")
    told = set(said_of(gpu, log)) - set(expected_log(gpu, "570.144"))
    expect(sorted(re.sub(r"cli:\S+ obj:\S+ ", "", line) for line in told), [
        f"nouveau {gpu.pf}: fifo: one-time init failed, -22",
        f"nouveau {gpu.pf}: gsp: ctrl cmd:0x20802a08 failed: 0x00000056",
    ], "lines of a refusal")
    unload(vm)
    is_down(gpu)


@host_test(kernels=("stock",), sampled=True, **WITH_IOMMU)
def test_8_gib_and_an_l4(vm):
    gpus = eight_gib_and_an_l4(vm)

    def errors_are_told():
        """By MSI, which has to be armed in between, and by the pin."""
        for gpu in list(gpus) * 2:
            an_error_is_told(gpu)

    for firmware in FIRMWARE:
        load_and_unload(vm, firmware, gpus, meanwhile=errors_are_told)


@host_test(kernels=("stock",), full=True, **WITH_IOMMU)
def test_8_gib_and_an_l4_ten_times(vm):
    gpus = eight_gib_and_an_l4(vm)
    for firmware in list(FIRMWARE) * 10:
        load_and_unload(vm, firmware, gpus)


@host_test(kernels=("stock",), sampled=True, **WITH_IOMMU)
def test_core_is_reset(vm):
    """GSP-RM has the driver do more or less of what the CPU sequencer can."""
    (gpu,) = choose(vm, 0)
    for program in "resume", "registers", "empty":
        gpu.set_model("sequencer", program)
        for firmware in FIRMWARE:
            load_and_unload(vm, firmware, {gpu: {}}, ran=PROGRAMS - {"sequencer"})
    gpu.set_model("sequencer", "seen")


@host_test(kernels=("stock",), sampled=True, **WITH_IOMMU)
def test_other_variants(vm):
    """Of what differs from board to board, or is only assumed."""
    (gpu,) = choose(vm, 0)
    for prop, value, default, special in (
        ("fb-regions", "plain", "seen", {}),
        ("fb-regions", "split", "seen", {}),
        ("numbers", "other", "seen", {}),
        ("ecc", "off", "auto", {"vram": 49140}),
        ("timing", "real", "quick", {}),
    ):
        gpu.set_model(prop, value)
        gpu.must_write(gpu.path("reset"), 1)
        for firmware in FIRMWARE:
            load_and_unload(vm, firmware, {gpu: special})
        gpu.set_model(prop, default)
    gpu.must_write(gpu.path("reset"), 1)


@host_test(kernels=("stock",), sampled=True, **WITH_IOMMU)
def test_gsp_crash(vm):
    """Unloading ends, by nouveau's own time-outs; after a reset all works again."""
    vm.expected_log += [rf" at {function}\+" for function in WARNINGS_AFTER_A_CRASH]
    vm.expected_log.append("Call Trace:")
    (gpu,) = choose(vm, 0)
    for firmware in FIRMWARE:
        load(vm, firmware)
        is_up(gpu)
        crash_and_unload(gpu)
        gpu.must_write(gpu.path("reset"), 1)
        load_and_unload(vm, firmware, {gpu: {}})


@host_test(kernels=("stock",), sampled=True, **WITHOUT_IOMMU)
def test_without_iommu(vm):
    gpus = both_l40(vm)
    for firmware in FIRMWARE:
        load_and_unload(vm, firmware, gpus)


@host_test(kernels=("stock",), full=True, **WITHOUT_IOMMU)
def test_without_iommu_ten_times(vm):
    gpus = both_l40(vm)
    for firmware in list(FIRMWARE) * 10:
        load_and_unload(vm, firmware, gpus)
