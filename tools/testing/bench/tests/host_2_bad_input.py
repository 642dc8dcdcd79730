# SPDX-License-Identifier: GPL-2.0-only
"""
Every row of the table of bad input: the errno, one clear line, nothing
half-done, and the next correct try works.
"""

import re

import firmware
from bench_test import expect, host_test
from gpu import BIND, Gpu, KernelLog
from probe import BOARDS, refused, start, works

Q8, A8, Q2, Q24 = 876, 886, 872, 879


def some(vm, cases):
    """All on the stock kernel; the first on the debug kernel, where each takes its time."""
    return cases if vm.kernel == "stock" else cases[:1]


# Firmware files

@host_test()
def test_firmware_missing(vm):
    """Without the image an older release is taken: host_4_firmware.py."""
    gpu = start(vm)
    for part in some(vm, ("bootloader", "booter_load", "booter_unload", "scrubber")):
        with firmware.without(vm, part):
            refused(gpu, "ENOENT", re.escape(f"{firmware.FOLDER}/{part}-570.144.bin"))
    works(gpu)


def bad_firmware(gpu, part, data, *words):
    with firmware.instead(gpu.vm, part, data):
        refused(gpu, "EINVAL", re.escape(firmware.name_of(part)), *words)


@host_test()
def test_gsp_truncated(vm):
    gpu = start(vm)
    data = firmware.real(vm, "gsp")
    for size, words in some(
        vm, ((len(data) // 2, "section"), (len(data) - 4096, "section"), (40, "header"))
    ):
        bad_firmware(gpu, "gsp", data[:size], words)
    works(gpu)


@host_test()
def test_gsp_section_missing(vm):
    gpu = start(vm)
    for section in some(vm, (".fwsignature_ad10x", ".fwimage", ".fwversion")):
        data = firmware.without_section(firmware.real(vm, "gsp"), section)
        bad_firmware(gpu, "gsp", data, re.escape(section))
    works(gpu)


@host_test()
def test_gsp_of_another_version(vm):
    gpu = start(vm)
    for version in ("535.113", "570.1440", "570.14"):
        data = firmware.with_version(firmware.real(vm, "gsp"), version)
        bad_firmware(gpu, "gsp", data, re.escape(version), r"570\.144\b")
    works(gpu)


@host_test(sampled=True)
def test_booter_header_wrong(vm):
    """struct nvfw_bin_hdr at 0, the HS header at 0x18: facts of the file format."""
    gpu = start(vm)
    for part in some(vm, ("booter_load", "booter_unload", "scrubber")):
        data = firmware.real(vm, part)
        for offset, value, words in some(
            vm,
            (
                (0x00, 0x10DF, "header"),           # magic
                (0x04, 2, "header"),                # version
                (0x0C, 0xFFFFFFF0, "header"),       # offset of the HS header
                (0x14, 0x7FFFFFFF, "data"),         # size of the data
                (0x1C, 0, "signature"),             # size of the signatures
                (0x18, 0xFFFFFF00, "signature"),    # their offset
            ),
        ):
            bad_firmware(gpu, part, firmware.with_word(bytearray(data), offset, value), words)
        bad_firmware(gpu, part, data[:0x40], "header|data")
    works(gpu)


@host_test(kernels=("stock",))
def test_booter_for_another_engine(vm):
    """Its metadata have its version, the bits of engines that run it, and its id from 1."""
    gpu = start(vm)
    data = firmware.real(vm, "booter_load")
    meta = firmware.word(data, firmware.word(data, 0x0C) + 0x10)
    for offset, value, said in ((4, 0x400, "engine mask 0x400, ucode id 3"), (8, 0, "ucode id 0"), (8, 17, "ucode id 17")):
        with firmware.instead(vm, "booter_load", firmware.with_word(bytearray(data), meta + offset, value)):
            refused(gpu, "EINVAL", f"firmware booter_load: .*{said}, expected SEC2's 0x1, 1 to 16")
    works(gpu)


@host_test()
def test_bootloader_header_wrong(vm):
    gpu = start(vm)
    data = firmware.real(vm, "bootloader")
    bad_firmware(gpu, "bootloader", firmware.with_word(bytearray(data), 0, 0), "header")
    bad_firmware(gpu, "bootloader", firmware.with_word(bytearray(data), 0x18, 4), "descriptor")
    bad_firmware(gpu, "bootloader", data[:0x100], "header|data")
    works(gpu)


# The GPU

@host_test()
def test_booter_fails(vm):
    gpu = start(vm)
    gpu.set_model("fault-booter", 0xB7)
    refused(gpu, "EIO", "booter_load", "0xb7")
    gpu.set_model("fault-booter", 0)
    works(gpu)


@host_test(sampled=True)
def test_gsp_never_answers(vm):
    gpu = start(vm)
    gpu.set_model("fault-gsp", "silent")
    refused(gpu, "ETIMEDOUT", "INIT_DONE", within=60)
    gpu.set_model("fault-gsp", "none")
    works(gpu)


@host_test()
def test_gsp_dies(vm):
    gpu = start(vm)
    gpu.set_model("fault-gsp", "dies")
    refused(gpu, "EIO", "INIT_DONE|GSP-RM does not start", within=60)
    gpu.set_model("fault-gsp", "none")
    works(gpu)


# One of them is enough for the debug kernel, whose lane is the longer one.


@host_test(sampled=True, **BOARDS)
def test_wpr2_already_up(vm):
    gpu = start(vm, 0)
    for _ in range(2):
        refused(gpu, "EBUSY", "WPR2", "reset")
    gpu.must_write(gpu.path("reset"), 1)
    works(gpu)


@host_test(kernels=("stock",), **BOARDS)
def test_scrubber_fails(vm):
    """It runs once after power on."""
    gpu = start(vm, 1)
    gpu.set_model("fault-scrubber", 0x5C)
    refused(gpu, "EIO", "scrubber", "0x5c")
    gpu.set_model("fault-scrubber", 0)
    works(gpu)


@host_test(kernels=("stock",), **BOARDS)
def test_vbios_without_fwsec(vm):
    refused(start(vm, 2), "ENODEV", "FWSEC")


@host_test(kernels=("stock",), **BOARDS)
def test_no_sriov(vm):
    refused(start(vm, 3), "ENODEV", "SR-IOV")


@host_test(kernels=("stock",))
def test_device_of_another_kind(vm):
    """By driver_override any device may come; it goes to its own driver afterwards."""
    gpu = start(vm)
    (random,) = vm.sh("grep -lx 0x1005 /sys/bus/pci/devices/*/device; :").split() or [""]
    bdf = random.split("/")[-2] if random else vm.sh(
        "grep -lx 0x1044 /sys/bus/pci/devices/*/device").split("/")[-2]
    path = f"/sys/bus/pci/devices/{bdf}"
    log = KernelLog(vm)
    gpu.must_write(f"{path}/driver_override", "nvkm-vgpu")
    vm.sh(f"[ ! -e {path}/driver ] || echo {bdf} >{path}/driver/unbind")
    expect(gpu.write(BIND, bdf), "ENODEV", "errno of bind")
    expect(any("1af4:10" in line and "is no board with known vGPU types" in line
               for line in log.said_by("nvkm-vgpu")), True, f"{log.said_by('nvkm-vgpu')}")
    gpu.must_write(f"{path}/driver_override", "")
    gpu.must_write("/sys/bus/pci/drivers_probe", bdf)
    works(gpu)


@host_test(reserve=False)
def test_no_room_for_vf_bars(vm):
    """The PCI core refuses; there is nothing for a driver to add."""
    gpu = Gpu(vm)
    gpu.load()
    log = KernelLog(vm)
    expect(gpu.write(gpu.path("sriov_numvfs"), 4), "ENOMEM", "numvfs")
    expect(gpu.numvfs(), 0, "VFs")
    ours = [t for t in log.said_by("nvkm-vgpu") if "not enough MMIO resources" not in t]
    expect(ours, [], "said by the driver")
    gpu.unload()


# Types and VFs

@host_test()
def test_more_vfs_than_there_are(vm):
    gpu = Gpu(vm)
    gpu.load()
    log = KernelLog(vm)
    expect(gpu.write(gpu.path("sriov_numvfs"), 33), "ERANGE", "numvfs")
    expect(gpu.numvfs(), 0, "VFs")
    expect(log.warnings(), [], "warnings")
    expect(log.said_by("nvkm-vgpu"), [], "said by the driver")
    gpu.set_up([Q8], load=False)
    gpu.must_client(0, "rpc")
    gpu.put_away()


@host_test()
def test_open_without_type(vm):
    gpu = Gpu(vm)
    gpu.set_up([0])
    log = KernelLog(vm)
    for _ in range(3):
        expect(gpu.open_error(0), "ENODEV", "open without a type")
    expect(gpu.model("vgpus"), [], "vGPUs in the model")
    expect(log.warnings(), [], "warnings")
    gpu.must_set_type(0, Q8)
    gpu.must_client(0, "rpc")
    gpu.must_set_type(0, 0)
    expect(gpu.open_error(0), "ENODEV", "open when the type is gone")
    gpu.put_away()


def one_line(log, *words):
    said = log.said_by("nvkm-vgpu")
    expect(len(said), 1, f"one line: {said}")
    for word in words:
        expect(bool(re.search(word, said[0], re.I)), True, f"{word!r} in {said[0]!r}")


@host_test(sampled=True)
def test_bad_types(vm):
    gpu = Gpu(vm)
    gpu.set_up([Q8, 0])
    before = gpu.in_use()
    for value, errno, words in (
        (4, "ENODEV", ["type 4"]),
        (4294967295, "ENODEV", []),
        (Q2, "EINVAL", ["size"]),
    ):
        log = KernelLog(vm)
        expect(gpu.set_type(1, value), errno, f"type {value}")
        expect(gpu.type(1), 0, "type after that")
        one_line(log, *words)
        expect(log.warnings(), [], "warnings")
    expect(gpu.in_use(), before, "in use in the model")
    gpu.must_set_type(1, A8)
    gpu.must_client(1, "rpc")
    for value in ("eight", "876x", "-876", "4294967296", "0x36c"):
        log = KernelLog(vm)
        expect(gpu.set_type(1, value), "EINVAL", f"type {value}")
        expect(gpu.type(1), A8, "type after that")
        one_line(log, "VF 1", "current_vgpu_type", f"'{value}'", "number")
    # A VF that has a type loses it by a number that is none, as the product has it.
    expect(gpu.set_type(1, 4), "ENODEV", "no type")
    expect(gpu.type(1), 0, "type after that")
    gpu.must_client(0, "rpc")
    gpu.put_away()


@host_test(gpu="nvidia-ada,board=l40,fb-regions=split")
def test_framebuffer_exhausted(vm):
    """GSP-RM leaves a hole in framebuffer: what is on one side of it is room for one."""
    gpu = Gpu(vm)
    gpu.load()
    mode = gpu.path("vgpu/heterogeneous_mode")
    expect(gpu.write(mode, 1), "EOPNOTSUPP", "vGPUs of several sizes, which need places in all of it")
    expect(gpu.read(mode), "0", "the mode")
    gpu.set_up([Q24, 0])
    log = KernelLog(vm)
    expect(gpu.set_type(1, Q24), "ENOSPC", "second L40-24Q beside a hole")
    one_line(log, "room")
    expect(gpu.type(1), 0, "type after that")
    expect(gpu.creatable(1), {}, "creatable when it is full")
    gpu.must_client(0, "rpc")
    gpu.must_set_type(0, 0)
    gpu.must_set_type(1, Q24)
    gpu.must_client(1, "rpc")
    gpu.put_away()


@host_test(sampled=True)
def test_removed_by_hand(vm):
    """
    The PCI core gives VFs no file "remove". Their driver can be taken away by
    hand, and the GPU with all of them, even the port it is in.
    """
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8, A8, 0])
    expect(vm.sh(f"ls {gpu.vf_path(0)} | grep -x remove || :"), "", "VF's file remove")
    gpu.must_write("/sys/bus/pci/drivers/vfio-nvidia-vgpu/unbind", gpu.vf(1))
    gpu.must_client(0, "rpc")
    gpu.must_set_type(0, 0)
    gpu.set_numvfs(0)

    port = str(vm.sh(f"basename $(dirname $(readlink -f {gpu.path()}))"))
    for removed in (gpu.pf, port):
        gpu.set_up([0, Q2, Q2], load=False)
        gpu.must_client(1, "rpc")
        gpu.must_write(f"/sys/bus/pci/devices/{removed}/remove", 1)
        expect(vm.sh(f"ls -d {gpu.path()} 2>/dev/null || :"), "", "the GPU")
        expect(gpu.in_use(), {}, "in use in the model")
        gpu.must_write("/sys/bus/pci/rescan", 1)
        expect(gpu.driver(), "nvkm-vgpu", f"driver after {removed} was found again")
    gpu.set_up([Q8], load=False)
    gpu.must_client(0, "rpc")
    gpu.put_away()
    expect(log.warnings(), [], "warnings")


# Messages of GSP-RM in a vGPU's life; functions and controls by number

RM_CONTROL = 76
BOOTLOAD, SHUTDOWN, CLEANUP = 0x20804001, 0x20804002, 0x20804008


def open_fails(gpu, fault, errno):
    gpu.set_model("fault-message", fault)
    before = gpu.in_use()
    log = KernelLog(gpu.vm)
    expect(gpu.open_error(0, timeout=180), errno, f"open with {fault}")
    expect(gpu.model("fault-message"), "", "the fault was met")
    expect(gpu.in_use(), before, "in use in the model")
    expect(len(log.said_by("nvkm-vgpu")), 1, f"one line: {log.said_by('nvkm-vgpu')}")
    gpu.must_client(0, "boot", "rpc")


@host_test()
def test_bootload_refused(vm):
    """0x1a: NV_ERR_INSUFFICIENT_RESOURCES"""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    open_fails(gpu, f"refuse=0x1a:{RM_CONTROL}:{BOOTLOAD}", "ENOSPC")
    gpu.put_away()
