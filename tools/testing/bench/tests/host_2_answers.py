# SPDX-License-Identifier: GPL-2.0-only
"""
GSP-RM answers what cannot be: one word of an answer is another one. The driver says which and is not
bound, and the next correct try works. Offsets are those of 570.144, by the names of its structures.
"""

import functools

from bench_test import expect, host_test
from faults import ours
from gpu import BIND, UNBIND, KernelLog
from hostvm import REPO
from probe import refused, start, works

ABI = REPO / "tools/testing/abi"
VERSION = "570.144"
STATIC = ("GET_GSP_STATIC_INFO", "GspStaticConfigInfo")
SEGMENT = ("GPU_GET_VMMU_SEGMENT_SIZE", "NV2080_CTRL_GPU_GET_VMMU_SEGMENT_SIZE_PARAMS")
CHANNELS = ("INTERNAL_FIFO_GET_NUM_CHANNELS", "NV2080_CTRL_INTERNAL_FIFO_GET_NUM_CHANNELS_PARAMS")
INTERRUPTS = ("INTERNAL_INTR_GET_KERNEL_TABLE", "NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS")
FEATURES = ("GSP_GET_FEATURES", "NV2080_CTRL_GSP_GET_FEATURES_PARAMS")
ENGINES = ("FIFO_GET_DEVICE_INFO_TABLE", "NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS")
CONTROL = "rpc_gsp_rm_control_v03_00"

# answer, field and the bytes behind its begin, what is read there, errno, what is said
AT_BIND = (
    (STATIC, "sriovCaps.totalVFs", 0, 31, "EPROTO", "GSP-RM knows 31 VFs, PCI has 32"),
    (STATIC, "sriovCaps.firstVfOffset", 0, 5, "EPROTO", "GSP-RM has the first VF at offset 5, PCI at 4"),
    (STATIC, "sriovCaps.bar1Size", 4, 7, "EPROTO", "GSP-RM has VF BAR1 of 0x7[0-9a-f]+ bytes, PCI of 0x"),
    # one word has four flags
    (STATIC, "sriovCaps.b64bitBar0", 0, 0x00010101, "EPROTO", "GSP-RM is not in SR-IOV mode"),
    (STATIC, "fbRegionInfoParams.numFBRegions", 0, 17, "EPROTO", "static information of 1656 bytes makes no sense"),
    (STATIC, "fbRegionInfoParams.numFBRegions", 0, 0, "ENOSPC", "no framebuffer for vGPUs"),
    (STATIC, "bar1PdeBase", 0, 1, "EPROTO", "GSP-RM has BAR1's page directory at 0x[0-9a-f]*1 of 0x"),
    (STATIC, "bar1PdeBase", 4, 0x100, "EPROTO", "GSP-RM has BAR1's page directory at 0x100[0-9a-f]{8} of 0x"),
    (SEGMENT, "vmmuSegmentSize", 0, 0, "EPROTO", "no size of VMMU segments"),
    (SEGMENT, "vmmuSegmentSize", 0, 16 << 20, "EPROTO", "no size of VMMU segments"),
    (SEGMENT, "vmmuSegmentSize", 0, 1 << 30, "EPROTO", "no size of VMMU segments"),
    (SEGMENT, "vmmuSegmentSize", 0, 33 << 20, "EPROTO", "no size of VMMU segments"),
    (CHANNELS, "numChannels", 0, 0, "EPROTO", "no number of channels"),
    (INTERRUPTS, "tableLen", 0, 0, "EPROTO", "interrupt table lacks its own vector"),
    (INTERRUPTS, "tableLen", 0, 129, "EPROTO", "interrupt table lacks its own vector"),
    (FEATURES, "gspFeatures", 4, 0, "EPROTO", "no version of GSP-RM"),
    (FEATURES, "firmwareVersion", 2, int.from_bytes(b"9.99", "little"), "EINVAL", "GSP-RM is 579.994, not 570.144"),
)
# The driver is bound, but no framebuffer can be cleared
WITHOUT_ENGINE = (
    (ENGINES, "numEntries", 0, -19),
    (ENGINES, "numEntries", 33, -71),
)


@functools.lru_cache
def layouts():
    """{(structure, field): offset}"""
    rows = [line.split("\t") for line in (ABI / f"r{VERSION}.structs.tsv").read_text().splitlines()[1:]]
    return {(struct, field): int(offset) for struct, field, offset, *_ in rows}


@functools.lru_cache
def constants():
    rows = [line.split("\t") for line in (ABI / f"r{VERSION}.consts.tsv").read_text().splitlines()[1:]]
    return {name: value for name, value, *_ in rows}


def control(name):
    return f"{constants()['NV_VGPU_MSG_FUNCTION_GSP_RM_CONTROL']}:{constants()[f'NV2080_CTRL_CMD_{name}']}"


def word(answer, field, behind, value, nth=1):
    """As the model is told of a word that is to be another one."""
    name, struct = answer
    if answer == STATIC:
        message, begin = f"{constants()[f'NV_VGPU_MSG_FUNCTION_{name}']}:", 0
    else:
        message, begin = control(name), layouts()[CONTROL, "params"]
    return f"word={begin + layouts()[struct, field] + behind}={value}:{message}:{nth}"


def fault(gpu, text):
    gpu.set_model("fault-message", text)


def fired(gpu):
    expect((gpu.model("fault-message"), gpu.model("refusals")), ("", {}), "what is left of the fault")


@host_test(kernels=("stock",))
def test_answers_at_bind(vm):
    gpu = start(vm)
    for answer, field, behind, value, errno, said in AT_BIND:
        fault(gpu, word(answer, field, behind, value))
        refused(gpu, errno, said)
        fired(gpu)
    # more than there are, and fewer than were asked for
    for size in 9, 7:
        fault(gpu, f"word={layouts()[CONTROL, 'paramsSize']}={size}:{control(SEGMENT[0])}")
        refused(gpu, "EPROTO", "no size of VMMU segments")
        fired(gpu)
    works(gpu)


@host_test(kernels=("stock",))
def test_answers_of_copy_engines(vm):
    """The driver is bound. Without an engine no vGPU can be opened, without an interrupt it looks for itself."""
    gpu = start(vm)
    for answer, field, value, error in WITHOUT_ENGINE:
        log = KernelLog(vm)
        fault(gpu, word(answer, field, 0, value))
        gpu.must_write(BIND, gpu.pf, timeout=180)
        fired(gpu)
        expect(ours(log), [f"no copy engine, error {error}: framebuffer cannot be cleared, so no vGPU can be opened"],
               "said")
        gpu.must_write(UNBIND, gpu.pf, timeout=180)
    log = KernelLog(vm)
    fault(gpu, word(INTERRUPTS, "tableLen", 0, 0, 2))
    works(gpu)
    fired(gpu)
    expect(ours(log), [], "said without an interrupt")
