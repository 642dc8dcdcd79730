# SPDX-License-Identifier: GPL-2.0-only
"""tools/nvidia-vgpu, as an operator uses it: by hand, and by a file of how things should be."""

import json
import shutil

from bench_test import expect, host_test
from faults import held, let_go, state
from gpu import VFIO_DRIVER, Gpu
from hostvm import REPO

TOOL = "/bench/nvidia-vgpu"


class Tool:
    """The command, and a file for it."""

    def __init__(self, vm, gpu):
        self.vm, self.gpu, self.files = vm, gpu, 0
        shutil.copy(REPO / "tools/nvidia-vgpu", vm.share)

    def run(self, words):
        return self.vm.sh(f"python3 {TOOL} {words}", check=False, timeout=180)

    def must(self, words):
        out = self.run(words)
        expect(out.rc, 0, f"nvidia-vgpu {words}: {out}")
        return str(out)

    def told(self, words, *parts, rc=1):
        """It fails with one line that has all of the parts."""
        out = self.run(words)
        expect((out.rc, out.count("\n")), (rc, 0), f"nvidia-vgpu {words}: {out}")
        for part in parts:
            expect(part in out, True, f"{part!r} in {out!r}")

    def file(self, *lines):
        text = "\n".join(lines).replace("GPU", self.gpu.pf)
        self.files += 1
        (self.vm.share / f"vgpu{self.files}.conf").write_text(text)
        return f"/bench/vgpu{self.files}.conf"

    def types(self):
        (gpu,) = json.loads(self.must("list --json"))
        return [vf["name"] for vf in gpu["vfs"]]


@host_test(kernels=("stock",))
def test_command(vm):
    gpu = Gpu(vm)
    tool = Tool(vm, gpu)
    tool.told("list", "nvkm-vgpu is not loaded")
    gpu.load()
    expect(json.loads(tool.must("list --json"))[0]["vfs"], [], "VFs")

    file = tool.file("[GPU]", "vfs = 3", "mixed = no", "0 = L40-8Q disable_vnc=1", "2 = 876")
    dry = tool.must(f"apply --dry-run {file}")
    expect((gpu.numvfs(), dry.count("\n") + 1), (0, 10), f"after a dry run: {dry}")
    tool.must(f"apply {file}")
    expect(tool.types(), ["L40-8Q", "", "L40-8Q"], "types")
    expect([gpu.vf_driver(n) for n in range(3)], [VFIO_DRIVER] * 3, "drivers")
    expect(tool.must(f"apply --dry-run {file}"), "", "what is left to do")
    dumped = tool.must("dump")
    expect(tool.must(f"apply --dry-run {tool.file(dumped)}"), "", f"what is left to do for {dumped}")

    # what runs is not touched, and all else is done
    client = held(vm, gpu, 0, "rpc")
    file = tool.file("[GPU]", "vfs = 3", "0 = L40-8A", "1 = L40-8Q", "2 = L40-8Q enable_uvm=1")
    tool.told(f"apply {file}", gpu.vf(0), "is running")
    tool.told(f"apply {tool.file('[GPU]', 'vfs = 2')}", "3 VFs, 2 are wanted", "is running")
    tool.told(f"apply {tool.file('[GPU]', 'mixed = yes')}", "as to mixed sizes", "is running")
    tool.told(f"set {gpu.pf}/0 0", "is running")
    expect((tool.types(), state(gpu)[1]), (["L40-8Q"] * 3, "running"), "types, state")
    (vf,) = json.loads(tool.must(f"status --json {gpu.pf}/0"))
    expect((vf["type"], vf["fb_size"], "uptime" in vf), (876, str(int(vf["fb_size"])), True), "status")
    let_go(vm, client)
    tool.must(f"apply {file}")
    expect(tool.types(), ["L40-8A", "L40-8Q", "L40-8Q"], "types, once it has ended")
    expect(gpu.read(gpu.vf_path(2, "nvidia/vgpu_params")), "enable_uvm=1", "settings of VF 2")

    tool.must(f"set {gpu.vf(0)} 0")
    tool.told(f"set {gpu.vf(0)} L40-4Q", "current_vgpu_type: ", "is refused: Invalid argument")
    tool.told(f"set {gpu.pf}/7 L40-8Q", "has 3 VFs, none is '7'")
    tool.told(f"set {gpu.pf}/0 L40-9Q", "has no type 'L40-9Q'")
    tool.told(f"set {gpu.pf} L40-8Q", "is a GPU")
    tool.told("status 0000:7f:00.0", "is no GPU")
    tool.told(f"apply {tool.file('[GPU]', 'vf = 2')}", "'vf = 2' is not understood")
    tool.told(f"apply {tool.file('[l40]')}", "'[l40]' is no PCI address")
    tool.told("apply /nowhere", "/nowhere: No such file")
    kinds = {kind["name"]: kind for kind in json.loads(tool.must(f"types --json {gpu.pf}/0"))}
    expect((kinds["L40-8A"]["vfs"], kinds["L40-1Q"]["vfs"]), (1, 0), "what VF 0 could have")
    expect(len(tool.must("status").splitlines()) > 20, True, "lines of two vGPUs")

    # sizes mixed: needs all types away, which is done; for this GPU, which has no section
    file = tool.file("[0000:7f:00.0]", "vfs = 1", "[*]", "vfs = 2", "mixed = yes", "0 = L40-8Q", "1 = L40-4Q")
    tool.must(f"apply --gpu {gpu.pf} {file}")
    expect(tool.types(), ["L40-8Q", "L40-4Q"], "types of two sizes")
    tool.told(f"apply {file}", "'0000:7f:00.0' is no GPU")
    tool.told(f"apply --gpu {gpu.vf(0)} {file}", "is a VF; its GPU is")
    gpu.put_away()
