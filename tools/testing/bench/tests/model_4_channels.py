# SPDX-License-Identifier: GPL-2.0-only
"""
The copy engine in use by Debian's nouveau: it moves its buffers by a channel, and what
the CPU wrote to them is where the model's page tables, engine and IOMMU took it.
"""

import re

from bench_test import expect, host_test
from gpu import Gpu, KernelLog, find_in_vram, pattern
from nouveau import FIRMWARE, choose, load, load_and_unload, said_of, unload

EVICT = "/bench/selftests/nvidia-vgpu/nouveau-evict"
BUFFERS, SIZE = 8, 512 << 10
SEEDS = {"570.144": 0x57057057, "535.113.01": 0x53553553}

# So little framebuffer that filling it takes a moment only.
SMALL = {"gpu": "nvidia-ada,board=l40,vram-size=1G", "nouveau": True}


def engine(gpu):
    return gpu.model("stats")["engine"]


def buffers_move(gpu, seed):
    log, before = KernelLog(gpu.vm), engine(gpu)
    expect([c["state"] for c in gpu.model("channels")], ["idle"], "nouveau's channel")
    out = gpu.vm.sh(f"{EVICT} /dev/dri/card* {seed}", timeout=300, check=False)
    moved = re.fullmatch(r"ok (\d+) evicted", out)
    expect(bool(moved), True, f"{EVICT}: {out}")
    after = engine(gpu)
    copied = after["bytes_copied"] - before["bytes_copied"]
    expect(copied >= int(moved[1]) * SIZE, True, f"{moved[1]} buffers in {copied} bytes")
    expect((after["launches"] > before["launches"], after["faults"]), (True, 0), "engine")
    for n in range(BUFFERS):
        found, _ = find_in_vram(gpu.vm.vram, pattern(seed, n))
        expect(len(found), 1, f"places in framebuffer that buffer {n} came from")
    expect(log.warnings(), [], "warnings")


def load_and_move(vm, firmware):
    gpu, seed = Gpu(vm), SEEDS[firmware]
    load_and_unload(vm, firmware, {gpu: {"vram": 948}}, meanwhile=lambda: buffers_move(gpu, seed))
    expect(gpu.model("channels"), [], "channels")


@host_test(kernels=("stock",), sampled=True, **SMALL)
def test_buffers_move(vm):
    for firmware in FIRMWARE:
        load_and_move(vm, firmware)


@host_test(kernels=("stock",), iommu=False, sampled=True, **SMALL)
def test_buffers_move_without_iommu(vm):
    load_and_move(vm, "570.144")


# What nouveau says of a channel whose page tables are gone; the two firmwares' events differ.
# The same lines, with these numbers, are in logs of real boards.
AFTER_A_FAULT = [
    r"gsp: mmu fault queued",
    r"gsp: rc:? engn:0000000b chid:\d .*type:31 scope:1 part:233.*",
    r"fifo:000000:000\d:000\d:\[modprobe\[\d+\]\] errored - disabling channel",
    r"DRM: channel \d killed!",
]


@host_test(kernels=("stock",), sampled=True, fresh=True, **SMALL)
def test_fault_of_a_channel(vm):
    """Page tables zeroed behind its back: nouveau is told, gives the channel up, and unloads."""
    (gpu,) = choose(vm, 0)
    vm.expected_log += [*AFTER_A_FAULT, "refused chan-mmu-fault"]
    for count, firmware in enumerate(FIRMWARE, 1):
        load(vm, firmware)
        log, (channel,) = KernelLog(vm), gpu.model("channels")
        with open(vm.vram, "r+b") as framebuffer:
            framebuffer.seek(channel["page_directory"])
            framebuffer.write(bytes(4096))
        vm.sh(f"{EVICT} /dev/dri/card* 0", timeout=300, check=False)
        expect([c["state"] for c in gpu.model("channels")], ["stopped"], "nouveau's channel")
        unload(vm)
        said = [text.removeprefix(f"nouveau {gpu.pf}: ") for text in said_of(gpu, log)]
        unexpected = [s for s in said if not any(re.fullmatch(r, s) for r in AFTER_A_FAULT)]
        expect((unexpected, len(said)), ([], len(AFTER_A_FAULT)), f"kernel log: {said}")
        expect(gpu.model("refusals"), {"chan-mmu-fault": count}, "refused by the model")
        expect(gpu.model("accounting")["now"]["channels"], 0, "channels in use")
