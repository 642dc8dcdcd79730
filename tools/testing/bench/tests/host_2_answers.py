# SPDX-License-Identifier: GPL-2.0-only
"""
GSP-RM answers what cannot be: one word of an answer is another one. The driver says which and is not
bound, and the next correct try works. Offsets are those of 570.144, by the names of its structures.
"""

import functools
import re
import time

from bench_test import expect, host_test
from faults import held, let_go, ours, told
from gpu import BIND, UNBIND, KernelLog
from hostvm import REPO
from probe import Q8, refused, start, works

ABI = REPO / "tools/testing/abi"
VERSION = "570.144"
STATIC = ("GET_GSP_STATIC_INFO", "GspStaticConfigInfo")
SEGMENT = ("GPU_GET_VMMU_SEGMENT_SIZE", "NV2080_CTRL_GPU_GET_VMMU_SEGMENT_SIZE_PARAMS")
CHANNELS = ("INTERNAL_FIFO_GET_NUM_CHANNELS", "NV2080_CTRL_INTERNAL_FIFO_GET_NUM_CHANNELS_PARAMS")
INTERRUPTS = ("INTERNAL_INTR_GET_KERNEL_TABLE", "NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS")
FEATURES = ("GSP_GET_FEATURES", "NV2080_CTRL_GSP_GET_FEATURES_PARAMS")
ENGINES = ("FIFO_GET_DEVICE_INFO_TABLE", "NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS")
GUESTS = ("VGPU_MGR_INTERNAL_ENUMERATE_VGPU_PER_PGPU", "NV2080_CTRL_VGPU_MGR_INTERNAL_ENUMERATE_VGPU_PER_PGPU_PARAMS")
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
    # another page directory than BAR1's
    (STATIC, "bar1PdeBase", 4, 2, "EIO", "no way to framebuffer through BAR1"),
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
# The driver is bound, but no framebuffer can be cleared: the table, a field, the bytes behind it, what
# is there, the error. Of an engine number 2 is its type, where 1 is graphics, and 3 its runlist.
WITHOUT_ENGINE = (
    (ENGINES, "numEntries", 0, 0, -19),
    (ENGINES, "numEntries", 0, 33, -71),
    (ENGINES, "entries[0].engineData", 4 * 2, 1, -19),
    (ENGINES, "entries[0].engineData", 4 * 3, 64, -71),
)
NO_ENGINE = "no copy engine, error {}: framebuffer cannot be cleared, so no vGPU can be opened"
LOADED = "GSP-RM is not loaded again, error {}; unbind and bind the GPU to go on"
MODE = "vgpu/heterogeneous_mode"
MMU_INVALIDATE, TRIGGER = 0xb830b0, 1 << 31


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
    gpu.set_model("count-anew", True)
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


def without_engine(gpu, text, said):
    log = KernelLog(gpu.vm)
    fault(gpu, text)
    gpu.must_write(BIND, gpu.pf, timeout=180)
    fired(gpu)
    expect(ours(log), said, f"said with {text}")
    gpu.must_write(UNBIND, gpu.pf, timeout=180)


@host_test(kernels=("stock",))
def test_answers_of_copy_engines(vm):
    """The driver is bound. Without an engine no vGPU can be opened, without an interrupt it looks for itself."""
    gpu = start(vm)
    for answer, field, behind, value, error in WITHOUT_ENGINE:
        without_engine(gpu, word(answer, field, behind, value), [NO_ENGINE.format(error)])
    alloc = constants()["NV_VGPU_MSG_FUNCTION_GSP_RM_ALLOC"]
    status = layouts()["rpc_gsp_rm_alloc_v03_00", "status"]
    without_engine(gpu, f"word={status}=0x1a:{alloc}", [
        "GSP-RM: object of class 0x0 refused: 0x1a", NO_ENGINE.format(-28),
    ])
    log = KernelLog(vm)
    fault(gpu, word(INTERRUPTS, "tableLen", 0, 0, 2))
    works(gpu)
    fired(gpu)
    expect(ours(log), [], "said without an interrupt")


def reset_fails(gpu, said, error):
    """GSP-RM is loaded anew, and the GPU is not what it was."""
    log = KernelLog(gpu.vm)
    gpu.must_write(gpu.path("reset"), 1, timeout=180)
    expect(ours(log)[-1:], [LOADED.format(error)], "said at the end")
    expect(any(re.search(said, line) for line in ours(log)), True, f"{said!r} in {ours(log)}")
    expect(gpu.read(gpu.path("vgpu/gsp_state")), "dead", "GSP-RM")
    gpu.set_model("fault-register", "")
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    gpu.must_write(BIND, gpu.pf, timeout=180)
    expect(gpu.read(gpu.path("vgpu/gsp_state")), "up", "GSP-RM")


@host_test(kernels=("stock",))
def test_answers_at_reset(vm):
    gpu = start(vm)
    gpu.must_write(BIND, gpu.pf, timeout=180)
    fault(gpu, word(CHANNELS, "numChannels", 0, 1024))
    reset_fails(gpu, "framebuffer or channels are not what they were: .* chids 1024", -5)
    fired(gpu)
    fault(gpu, word(STATIC, "bar1PdeBase", 0, 1))
    reset_fails(gpu, "GSP-RM has BAR1's page directory at", -71)
    fired(gpu)
    gpu.must_write(gpu.path(MODE), 1)
    fault(gpu, f"refuse=0x1a:{control('VGPU_MGR_INTERNAL_SET_VGPU_HETEROGENEOUS_MODE')}")
    reset_fails(gpu, "heterogeneous mode not accepted", -28)
    gpu.set_model("fault-register", f"{MMU_INVALIDATE}:{TRIGGER}")
    reset_fails(gpu, "no way to framebuffer through BAR1", -110)
    gpu.must_write(UNBIND, gpu.pf, timeout=180)
    works(gpu)


def with_a_type(vm):
    """A VF that can be opened."""
    gpu = start(vm)
    gpu.must_write(BIND, gpu.pf, timeout=180)
    vm.sh("modprobe vfio-nvidia-vgpu", timeout=60)
    gpu.set_up([Q8], load=False)
    return gpu


@host_test(kernels=("stock",))
def test_answers_in_use(vm):
    """What GSP-RM knows of its vGPUs, and an MMU that forgets nothing."""
    gpu = with_a_type(vm)
    client = held(vm, gpu, 0, "rpc")
    for number, error in (33, "Input/output error"), (0, "No data available"):
        fault(gpu, word(GUESTS, "numVgpu", 0, number))
        time.sleep(1)  # GSP-RM is asked no sooner than that
        said = vm.sh(f"LC_ALL=C cat {gpu.vf_path(0, 'vgpu/fb_used')} 2>&1", check=False)
        expect(error in said, True, f"a file of what GSP-RM knows, which tells of {number}: {said}")
        fired(gpu)
    let_go(vm, client)
    log = KernelLog(vm)
    gpu.set_model("fault-register", f"{MMU_INVALIDATE}:{TRIGGER}")
    expect(gpu.open_error(0, timeout=180), "ETIMEDOUT", "open, when BAR1 cannot be mapped")
    gpu.set_model("fault-register", "")
    expect(ours(log), ["vGPU 1: heap not mapped, BAR1's MMU does not respond"], "said")
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


@host_test(kernels=("stock",))
def test_vgpu_does_not_follow_a_reset(vm):
    """Its plugin task refuses what it is told anew. Who has it open closes it, and the next one is well."""
    gpu = with_a_type(vm)
    client = held(vm, gpu, 0, "reset-fails")
    log = KernelLog(vm)
    gpu.set_model("fault-plugin", "refuse=1:1")
    let_go(vm, client)
    expect(gpu.model("fault-plugin"), "", "the fault was met")
    expect((ours(log), told(log)), (["vGPU 1: plugin refused message 3: 0x1"],
                                    ["vGPU did not follow a reset; close it to go on"]), "said")
    gpu.must_client(0, "boot", "reset", "rpc")
    gpu.put_away()


@host_test(kernels=("stock",))
def test_plugin_task_does_not_come_up(vm):
    gpu = with_a_type(vm)
    log = KernelLog(vm)
    gpu.set_model("plugin-delay-ms", 15000)
    expect(gpu.open_error(0, timeout=180), "ETIMEDOUT", "open")
    gpu.set_model("plugin-delay-ms", 10)
    expect(ours(log), ["vGPU 1: plugin task does not come up in 10000 ms"], "said")
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


@host_test(kernels=("stock",))
def test_fewer_vgpus_than_vfs(vm):
    """GSP-RM serves one, so no more can be turned on."""
    gpu = start(vm)
    fault(gpu, word(STATIC, "sriovMaxGfid", 0, 1))
    gpu.must_write(BIND, gpu.pf, timeout=180)
    fired(gpu)
    expect(gpu.write(gpu.path("sriov_numvfs"), 2), "ERANGE", "two VFs")
    vm.sh("modprobe vfio-nvidia-vgpu", timeout=60)
    gpu.set_up([Q8], load=False)
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()
