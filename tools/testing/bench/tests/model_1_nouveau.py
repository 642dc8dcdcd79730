# SPDX-License-Identifier: GPL-2.0-only
"""
Debian's own kernel driver nouveau, with the real firmware, on the model. It shares
no line with the model or with our driver.
"""

import re

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
    """gpus: {Gpu: what of its log is its own}; meanwhile: called with the log while it is loaded."""
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
def test_8_gib_and_an_l4(vm):
    small, l4 = choose(vm, 1, 2)
    both = {small: {"vram": 8192}, l4: {"chip": "AD104 (194000a1)", "vram": 24576}}
    for firmware in FIRMWARE:
        load_and_unload(vm, firmware, both, meanwhile=lambda: an_error_is_told(small))


@host_test(kernels=("stock",), **WITHOUT_IOMMU)
def test_48_gib_and_8_gib_without_iommu(vm):
    big, small = choose(vm, 0, 1)
    for firmware in FIRMWARE:
        load_and_unload(vm, firmware, {big: {}, small: {"vram": 8192}})
