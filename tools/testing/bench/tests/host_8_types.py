# SPDX-License-Identifier: GPL-2.0-only
"""vGPU types of a file that tools/vgpu-types made, as an operator installs it."""

import re
import struct
import subprocess
import zlib

import firmware
from bench_test import expect, host_test
from gpu import BIND, UNBIND, KernelLog
from hostvm import REPO
from probe import start, works

NAME = "nvidia/vgpu-570.144.bin"
SAMPLE = REPO / "tools/testing/vgpu-types/sample.xml"
# of the sample; the second has 128 MiB less than NVIDIA's of that size
TYPES = {4001: "NVIDIA L40-1T", 4008: "NVIDIA L40-8T", 4010: "NVIDIA L40-8S", 4012: "NVIDIA L40-12T",
         4048: "NVIDIA L40-48T"}
HEADER = 232
# the blob of the first board in the file, the record of its second type
RECORD = HEADER + 16 + 56 + 5 * 96 + 8 + 5224


def made(vm):
    output = vm.share / "made.bin"
    subprocess.run([REPO / "tools/vgpu-types", "-o", output, SAMPLE], check=True, capture_output=True)
    data = bytearray(output.read_bytes())
    output.unlink()
    return data


def table(gpu):
    show = gpu.read(f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/types").splitlines()
    return show[0], {int(line.split()[1]): line for line in show[1:]}


def bind(gpu):
    """What the driver said."""
    log = KernelLog(gpu.vm)
    gpu.must_write(BIND, gpu.pf, timeout=180)
    return [line.partition(f"{gpu.pf}: ")[2] for line in log.said_by("nvkm-vgpu")]


def listed(gpu):
    lines = gpu.read(gpu.path("vgpu/supported_types")).splitlines()[1:]
    return [int(line.split()[0]) for line in lines]


@host_test(full=("debug",))
def test_file_in_place_of_built_in(vm):
    """Its types are offered, have the sizes that are in it, and run; also of several sizes."""
    gpu = start(vm)
    with firmware.placed(vm, NAME, made(vm)):
        expect(bind(gpu), [], "said")
    first, types = table(gpu)
    expect((first, list(types)), (f"table {NAME}", list(TYPES)), "table in use")
    expect(listed(gpu), list(TYPES), "supported_types")
    vm.sh("modprobe vfio-nvidia-vgpu", timeout=60)
    gpu.set_numvfs(2)
    expect(gpu.creatable(0), TYPES, "creatable types")
    expect(gpu.set_type(0, 876), "ENODEV", "a built-in type")
    for n in (0, 1):
        gpu.bind(n)
        gpu.must_set_type(n, 4008)
    gpu.must_client(0, "boot", "rpc")
    # 46068 MiB rounded up are 45 GiB; a sixth, less reservation and heap, in segments of 128 MiB
    expect("fb 0x1c0000000 of 0x1e0000000 heap 0x4000000 reservation 0x1c000000" in types[4008], True,
           types[4008])
    show = gpu.read(f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/reservations")
    expect([size in show for size in ("+0x1c0000000 heap", "+0x4000000 chid")], [True, True], show)
    # GSP-RM is loaded anew: the file is gone, what was read stays
    gpu.must_write(gpu.path("reset"), 1, timeout=180)
    gpu.must_client(1, "boot", "rpc")
    for n in (0, 1):
        gpu.must_set_type(n, 0)
    gpu.must_write(gpu.path("vgpu/heterogeneous_mode"), 1)
    for n, value in enumerate((4008, 4001)):
        gpu.must_set_type(n, value)
    gpu.must_client(1, "boot", "rpc")
    gpu.put_away(unload=False)
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    expect(bind(gpu), [], "said without the file")
    first, types = table(gpu)
    expect((first, 876 in listed(gpu)), ("table built-in", True), "without the file")
    expect([n for n, line in types.items() if not re.search(r" left \d+ MiB host 1536 MiB$", line)], [],
           "types of which GSP-RM did not tell the reserve of the host")
    # of no matter but here if GSP-RM does not tell
    gpu.set_model("fault-message", "refuse=0x56:76:0x20800ac5:2")
    _, types = table(gpu)
    expect([n for n, line in types.items() if line.endswith(" host unknown")], [870], "refused")
    gpu.unload()


def with_crc(data):
    struct.pack_into("<I", data, 8, zlib.crc32(data[16:]) ^ 0xFFFFFFFF)
    return data


def changed(data, offset, fmt, value, crc=True):
    data = bytearray(data)
    struct.pack_into(fmt, data, offset, value)
    return with_crc(data) if crc else data


@host_test()
def test_broken_file_is_not_used(vm):
    """One line says what is wrong with it, and the GPU has the built-in types."""
    gpu = start(vm)
    good = made(vm)
    right = struct.unpack_from("<I", good, 8)[0]
    wrong = zlib.crc32(changed(good, RECORD, "<I", 4009, crc=False)[16:]) ^ 0xFFFFFFFF
    cases = (
        (changed(good, RECORD + 392, "<Q", 0x1E8000000 + (1 << 34)),
         "type 4008: fbLength is 0x5e8000000, expected no more than profileSize"),
        (changed(good, RECORD, "<I", 4009, crc=False), f"header: CRC is {right:#x}, expected {wrong:#x}"),
        (changed(good, 16, "<Q", 19), "header: vGPU release is 19.1, expected 18.1"),
        (good[:200], "file: size is 200 bytes, expected at least 232"),
        (changed(good, RECORD, "<I", 4001), "type 4001: is there twice, as record 0 and 1"),
    )
    for data, text in cases if vm.kernel == "stock" else cases[:1]:
        with firmware.placed(vm, NAME, data):
            said = bind(gpu)
        expect(said, [f"{NAME}: {text}; built-in vGPU types are used"], "said")
        first, types = table(gpu)
        expect((first, 876 in types, len(types)), ("table built-in", True, 22), "table in use")
        gpu.must_write(UNBIND, gpu.pf, timeout=180)
    if vm.kernel == "stock":
        works(gpu)
    else:
        gpu.unload()
