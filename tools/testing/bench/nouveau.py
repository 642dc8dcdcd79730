# SPDX-License-Identifier: GPL-2.0-only
"""
Debian's own kernel driver nouveau in the host VM, as tests load and judge it.
"""

import re

from bench_test import expect
from gpu import Gpu, KernelLog

# What nouveau.config wants to hear for each firmware that the package has.
FIRMWARE = {"570.144": "NvGspFw=1", "535.113.01": "NvGspFw=0"}

WPR2_HI = 0x1FA828  # bits 31:4 are bits 39:12 of its end, 0: there is none
# What runs on the falcons for one load and one unload, GSP-RM's own by the CPU sequencer among it.
PROGRAMS = {"fwsec-frts", "booter-load", "sequencer", "fwsec-sb", "booter-unload"}

# A GPU without displays makes DRM's console say this at the level of a warning.
NO_DISPLAY = "[drm] No compatible format found"


def expected_log(gpu, firmware, chip="AD102 (192000a1)", vram=46068):
    """All that the kernel has to say of a GPU that nouveau likes."""
    own = f"nouveau {gpu.pf}: "
    return [
        f"{own}NVIDIA {chip}",
        f"{own}gsp: RM version: {firmware}",
        f"{own}bios: version 95.02.00.01.01",
        f"{own}drm: VRAM: {vram} MiB",
        f"{own}drm: GART: 536870912 MiB",
        f"{own}drm: MM: using COPY for buffer copies",
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


def load_and_unload(vm, firmware, gpus, meanwhile=None, ran=frozenset(PROGRAMS)):
    """
    gpus: {Gpu: what of its log is its own}; meanwhile: called while it is loaded; ran: the
    programs that run then.
    """
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
        once_more = before[gpu] | {name: before[gpu].get(name, 0) + 1 for name in ran}
        expect(programs(gpu), once_more, "programs that ran")
    expect(warned(log), [], "warnings of unloading")
