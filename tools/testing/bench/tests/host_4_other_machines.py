# SPDX-License-Identifier: GPL-2.0-only
"""
Machines that are not as ours. What their operators see is in operator.rst, word for
word: each test compares with that page.
"""

import re

from bench_test import expect, host_test
from gpu import BIND, VFIO_DRIVER, Gpu, KernelLog
from hostvm import REPO
from nouveau import WPR2_HI
from probe import refused, start, works

OPERATOR = REPO / "Documentation/nvidia-vgpu/operator.rst"
HOLD = "/bench/selftests/nvidia-vgpu/hold/nvgpu-hold.ko"


def in_operator_rst(text):
    """The page has this text, but for how its lines are broken."""
    page = re.sub(r"\s+", " ", OPERATOR.read_text())
    expect(text in page, True, f"'{text}' in {OPERATOR.name}")


def not_inserted(vm, why, log_line):
    in_operator_rst(why)
    in_operator_rst(log_line)
    log = KernelLog(vm)
    out = vm.sh("modprobe nvkm-vgpu 2>&1", check=False)
    expect((out.rc != 0, why in out), (True, True), f"modprobe: {out}")
    said = [text for _, text in log.lines()]
    expect(any(log_line in text for text in said), True, f"'{log_line}' in {said}")


@host_test(kernels=("stock",), on_debian=True, append="module.sig_enforce=1")
def test_signatures_enforced(vm):
    not_inserted(vm, "Key was rejected by service", "Loading of unsigned module is rejected")


@host_test(kernels=("stock",), on_debian=True, append="lockdown=integrity")
def test_lockdown(vm):
    not_inserted(vm, "Operation not permitted", "unsigned module loading is restricted")


@host_test(kernels=("stock",), iommu=False)
def test_no_iommu(vm):
    gpu = Gpu(vm)
    gpu.load()
    gpu.set_numvfs(1)
    log = KernelLog(vm)
    vf = gpu.vf(0)
    gpu.must_write(gpu.vf_path(0, "driver_override"), VFIO_DRIVER)
    expect(gpu.write(f"/sys/bus/pci/drivers/{VFIO_DRIVER}/bind", vf), "EINVAL", "bind")
    text = "no IOMMU for this VF: is it on in firmware and kernel?"
    in_operator_rst(text)
    said = [t for t in log.said_by(VFIO_DRIVER) if vf in t]
    expect(len(said), 1, f"one line: {said}")
    expect(text in said[0], True, said[0])
    gpu.set_numvfs(0)
    gpu.unload()


@host_test(kernels=("stock",), nouveau=True)
def test_nouveau_was_first(vm):
    """Nothing is said: for the kernel this is in order. Unbound by hand, all works."""
    gpu = Gpu(vm)
    vm.sh("modprobe nouveau", timeout=120)
    expect(gpu.driver(), "nouveau", "driver")
    log = KernelLog(vm)
    vm.sh("modprobe nvkm-vgpu", timeout=60)
    expect(gpu.driver(), "nouveau", "driver")
    expect(log.said_by("nvkm-vgpu"), [], "said by the driver")
    in_operator_rst("Kernel driver in use: nouveau")
    expect("Kernel driver in use: nouveau" in vm.sh(f"lspci -ks {gpu.pf}"), True, "lspci -k")
    gpu.must_write("/sys/bus/pci/drivers/nouveau/unbind", gpu.pf, timeout=120)
    expect(gpu.registers(WPR2_HI), [0], "WPR2 HI")
    works(gpu)


@host_test(kernels=("stock",), on_debian=True)
def test_firmware_draws_into_bar1(vm):
    gpu = start(vm)
    bar1 = gpu.read(gpu.path("resource")).splitlines()[1].split()[0]
    vm.sh(f"insmod {HOLD} start={bar1}")
    log = KernelLog(vm)
    expect(gpu.write(BIND, gpu.pf), "EBUSY", "bind")
    text = "BARs are in use, /proc/iomem says by whom"
    in_operator_rst(text)
    said = log.said_by("nvkm-vgpu")
    # the other line is the PCI core's
    expect([text in line for line in said], [False, True], f"{said}")
    expect("efifb" in vm.sh("cat /proc/iomem"), True, "/proc/iomem")
    vm.sh("rmmod nvgpu_hold")
    works(gpu)


@host_test(kernels=("stock",))
def test_gfw_is_late(vm):
    gpu = start(vm)
    gpu.set_model("gfw-boot-ms", 3_600_000)
    gpu.must_write(gpu.path("reset"), 1)
    in_operator_rst("GFW, the GPU's own firmware, is at")
    refused(gpu, "ETIMEDOUT", "GFW, the GPU's own firmware, is at 0x0 after 5000 ms", "expected 0xff")
    gpu.set_model("gfw-boot-ms", 2500)
    gpu.must_write(gpu.path("reset"), 1)
    works(gpu)
    gpu.set_model("gfw-boot-ms", 2)


@host_test(kernels=("stock",))
def test_a_failed_probe_is_no_failed_modprobe(vm):
    gpu = start(vm)
    gpu.set_model("vbios-fwsec", False)
    gpu.must_write(gpu.path("reset"), 1)
    vm.sh("modprobe -r nvkm-vgpu", timeout=60)
    log = KernelLog(vm)
    expect(vm.sh("modprobe nvkm-vgpu", timeout=60, check=False).rc, 0, "modprobe")
    in_operator_rst("``modprobe`` exits with 0 all the same")
    expect(len(log.said_by("nvkm-vgpu")), 1, "lines")
    expect(gpu.driver(), "", "driver")
    gpu.set_model("vbios-fwsec", True)
    gpu.must_write(gpu.path("reset"), 1)
    works(gpu)


@host_test(kernels=("stock",), gpu="nvidia-ada,board=rtx6000ada-display")
def test_display_mode(vm):
    gpu = Gpu(vm)
    log = KernelLog(vm)
    vm.sh("modprobe nvkm-vgpu", timeout=60)
    in_operator_rst("board is in display mode, without SR-IOV")
    text = "board is in display mode, without SR-IOV; NVIDIA's displaymodeselector switches it"
    said = log.said_by("nvkm-vgpu")
    expect((len(said), text in said[0]), (1, True), f"{said}")
    expect(gpu.driver(), "", "driver")


@host_test(kernels=("stock",), on_debian=True, uefi="narrow")
def test_no_room_for_bar1(vm):
    """UEFI whose room above 4 GiB is too small for the GPU: it leaves out all of the GPU."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    vm.sh("modprobe nvkm-vgpu", timeout=60)
    text = "BAR 1 has no address: is Above 4G Decoding off in firmware? See also pci=realloc"
    in_operator_rst("BAR <n> has no address: is Above 4G")     # it goes on in the next line of a table
    said = log.said_by("nvkm-vgpu")
    expect((len(said), text in said[0]), (1, True), f"{said}")
    expect(gpu.driver(), "", "driver")
    expect(gpu.write(BIND, gpu.pf), "ENXIO", "bind")


@host_test(kernels=("stock",), on_debian=True, uefi="wide")
def test_uefi(vm):
    """And with room for the GPU and its VFs."""
    gpu = Gpu(vm)
    gpu.set_up([876])
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


def lives(gpu, segment=128 << 20, chids=2048):
    """Types, a vGPU, and what debugfs and the model have of it."""
    refusals = gpu.model("refusals")
    gpu.set_numvfs(1)
    gpu.bind(0)
    gpu.must_set_type(0, 876)
    gpu.must_client(0, "rpc")
    show = gpu.vm.sh(f"cat /sys/kernel/debug/nvkm-vgpu-{gpu.pf}/reservations")
    expect(f"segment {segment:#x} " in show, True, show)
    expect(f"chids {chids} used {chids // 8}" in show, True, show)
    put = gpu.vm.sh(f"od -An -tu8 -N8 /sys/kernel/debug/nvkm-vgpu-{gpu.pf}/LOGINIT").split()
    expect(put, [str(0x182)], "put pointer of GSP-RM's log")
    gpu.put_away(unload=False)
    expect(gpu.model("refusals"), refusals, "refused by the model")


@host_test(kernels=("stock",))
def test_other_answers(vm):
    """Whatever GSP-RM may answer otherwise than it was seen to, the driver lives on it."""
    gpu = start(vm)
    gpu.unload()
    for prop, value, default in (
        ("numbers", "other", "seen"),
        ("fb-regions", "plain", "seen"),
        ("ecc", "off", "auto"),
        ("sequencer", "empty", "seen"),
    ):
        gpu.set_model(prop, value)
        gpu.must_write(gpu.path("reset"), 1)
        gpu.load()
        lives(gpu)
        gpu.unload()
        gpu.set_model(prop, default)
    gpu.must_write(gpu.path("reset"), 1)


@host_test(kernels=("stock",), gpu="nvidia-ada,board=l40,vmmu-segment=32M,chids=1024")
def test_smaller_segments_and_fewer_channels(vm):
    gpu = Gpu(vm)
    gpu.load()
    lives(gpu, 32 << 20, 1024)
    gpu.unload()


@host_test(kernels=("stock",), gpu="nvidia-ada,board=l40,vmmu-segment=512M,chids=4096")
def test_larger_segments_and_more_channels(vm):
    gpu = Gpu(vm)
    gpu.load()
    lives(gpu, 512 << 20, 4096)
    gpu.unload()
