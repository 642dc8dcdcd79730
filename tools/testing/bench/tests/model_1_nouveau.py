# SPDX-License-Identifier: GPL-2.0-only
"""
Debian's own kernel driver nouveau, with the real firmware, on the model. It shares
no line with the model or with our driver.
"""

import contextlib
import re
from collections import Counter

from bench_test import expect, host_test
from gpu import Gpu, KernelLog

# What nouveau.config wants to hear for each firmware that the package has.
FIRMWARE = {"570.144": "NvGspFw=1", "535.113.01": "NvGspFw=0"}

L40 = "nvidia-ada,board=l40"
SMALL = "nvidia-ada,board=l40,vram-size=8G"
L4 = "nvidia-ada,board=l4"
# The last ones are there for one load each, and get no room for VFs.
WITH_IOMMU = {"gpu": [L40, SMALL, L4], "nouveau": True, "reserve": 1}
WITHOUT_IOMMU = {"gpu": [L40, SMALL], "nouveau": True, "reserve": 1, "iommu": False}

WPR2_HI = 0x1FA828  # bits 31:4 are bits 39:12 of its end, 0: there is none
# What runs on the falcons for one load and one unload.
PROGRAMS = {"fwsec-frts", "booter-load", "fwsec-sb", "booter-unload"}

# Where nouveau warns when GSP-RM has died under it: of each message that is not answered,
# and of three that it had to have answered. The first line is its interrupt handler's.
AFTER_A_CRASH = "gsp: intr 00000010"
WARNINGS_AFTER_A_CRASH = {
    "r535_gsp_msgq_wait": 12,
    "r535_mmu_vaspace_del": 2,
    "r535_bar_bar2_fini": 1,
    "r535_gsp_fini": 1,
}

NOSLEEP = "/bench/selftests/nvidia-vgpu/nosleep/nvgpu-nosleep.ko"

# A GPU without displays makes DRM's console say this at the level of a warning.
NO_DISPLAY = "[drm] No compatible format found"


def expected_log(gpu, firmware, chip="AD102 (192000a1)", vram=49152):
    """All that the kernel has to say of a GPU that nouveau likes."""
    own = f"nouveau {gpu.pf}: "
    return [
        f"{own}NVIDIA {chip}",
        f"{own}gsp: RM version: {firmware}",
        f"{own}bios: version 95.02.00.01.01",
        f"{own}drm: VRAM: {vram} MiB",
        f"{own}drm: GART: 536870912 MiB",
        f"[drm] Initialized nouveau for {gpu.pf}",
        f"{own}{NO_DISPLAY}",
        f"{own}[drm] Cannot find any crtc or sizes",
    ]


def said_of(gpu, log):
    """What is nobody's business is left out: nouveau's own version, DRM's number."""
    lines = [text for _, text in log.lines() if gpu.pf in text]
    return [re.sub(r"nouveau [\d.]+ for (\S+) on minor \d+", r"nouveau for \1", t) for t in lines]


def warned(log):
    return [text for text in log.warnings() if not text.endswith(NO_DISPLAY)]


def choose(vm, *numbers):
    """Only these GPUs of the VM may have a driver."""
    gpus = [Gpu(vm, n) for n in range(len(vm.gpus))]
    for n, gpu in enumerate(gpus):
        gpu.must_write(gpu.path("driver_override"), "" if n in numbers else "none")
    return [gpus[n] for n in numbers]


def load(vm, firmware):
    vm.sh(f"modprobe nouveau config={FIRMWARE[firmware]}", timeout=300)


def unload(vm, timeout=300):
    vm.sh("modprobe -r nouveau", timeout=timeout)


def programs(gpu):
    return gpu.model("stats")["programs"]


def is_up(gpu):
    expect(gpu.driver(), "nouveau", f"driver of {gpu.pf}")
    expect(gpu.registers(WPR2_HI) != [0], True, "WPR2 is up")
    now = gpu.model("accounting")["now"]
    expect(now["rm_clients"] > 0 and now["rm_objects"] > 0, True, "RM clients and objects")


def is_down(gpu):
    expect(gpu.driver(), "", f"driver of {gpu.pf}")
    expect(gpu.registers(WPR2_HI), [0], "WPR2 HI")
    now = gpu.model("accounting")["now"]
    expect({what: n for what, n in now.items() if n}, {}, "in use in the model")
    expect(gpu.model("refusals"), {}, "refused by the model")
    expect(gpu.model("unmodelled"), [], "registers that the model does not know")


def load_and_unload(vm, firmware, gpus, meanwhile=None):
    """gpus: {Gpu: what of its log is its own}; meanwhile: called while it is loaded."""
    before = {gpu: programs(gpu) for gpu in gpus}
    log = KernelLog(vm)
    load(vm, firmware)
    for gpu, special in gpus.items():
        expect(said_of(gpu, log), expected_log(gpu, firmware, **special), "kernel log")
        is_up(gpu)
    expect(warned(log), [], "warnings")
    if meanwhile:
        meanwhile()
    log.mark()
    unload(vm)
    for gpu in gpus:
        expect(said_of(gpu, log), [], "kernel log of unloading")
        is_down(gpu)
        once_more = {name: before[gpu].get(name, 0) + 1 for name in PROGRAMS}
        expect(programs(gpu), once_more, "programs that ran")
    expect(warned(log), [], "warnings of unloading")


def an_error_is_told(gpu):
    """GSP-RM's own error reaches the operator by an interrupt, a message and nouveau's log."""
    log = KernelLog(gpu.vm)
    gpu.set_model("inject-event", "os-error-log:79:GPU has fallen off the bus.")
    expected = [f"nouveau {gpu.pf}: gsp: Xid:79 GPU has fallen off the bus."]
    gpu.vm.sh(f"for i in $(seq 100); do dmesg | grep -qF '{expected[0]}' && break; sleep 0.1; done")
    expect(said_of(gpu, log), expected, "kernel log of an error")


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
    return {small: {"vram": 8192}, l4: {"chip": "AD104 (194000a1)", "vram": 24576}}


def both_l40(vm):
    big, small = choose(vm, 0, 1)
    return {big: {}, small: {"vram": 8192}}


@host_test(kernels=("stock",), **WITH_IOMMU)
def test_ten_times_570(vm):
    (gpu,) = choose(vm, 0)
    for _ in range(10):
        load_and_unload(vm, "570.144", {gpu: {}})


@host_test(kernels=("stock",), **WITH_IOMMU)
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


@host_test(kernels=("stock",), **WITH_IOMMU)
def test_8_gib_and_an_l4(vm):
    gpus = eight_gib_and_an_l4(vm)
    for firmware in FIRMWARE:
        load_and_unload(vm, firmware, gpus, meanwhile=lambda: an_error_is_told(list(gpus)[0]))


@host_test(kernels=("stock",), full=True, **WITH_IOMMU)
def test_8_gib_and_an_l4_ten_times(vm):
    gpus = eight_gib_and_an_l4(vm)
    for firmware in list(FIRMWARE) * 10:
        load_and_unload(vm, firmware, gpus)


@host_test(kernels=("stock",), **WITH_IOMMU)
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


@host_test(kernels=("stock",), **WITHOUT_IOMMU)
def test_without_iommu(vm):
    gpus = both_l40(vm)
    for firmware in FIRMWARE:
        load_and_unload(vm, firmware, gpus)


@host_test(kernels=("stock",), full=True, **WITHOUT_IOMMU)
def test_without_iommu_ten_times(vm):
    gpus = both_l40(vm)
    for firmware in list(FIRMWARE) * 10:
        load_and_unload(vm, firmware, gpus)
