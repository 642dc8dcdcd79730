# SPDX-License-Identifier: GPL-2.0-only
"""tools/nvidia-vgpu, as an operator uses it: by hand, and by a file of how things should be."""

import json
import re
import shutil
import subprocess
import time

import firmware
from bench_test import expect, host_test
from faults import held, let_go, state
from gpu import VFIO_DRIVER, Gpu
from hostvm import REPO

TOOL = "/bench/nvidia-vgpu"
MIB = 1 << 20
# Prometheus' own parser is Debian's, so is its Python
PARSE = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
print(json.dumps([(f.documentation, s.name, s.labels, s.value) for f in parse(sys.stdin.read()) for s in f.samples]))
"""
# A process that has a file of VFIO open, and QEMU's options
LIKE_QEMU = "python3 -c 'import sys; f = open(sys.argv[1]); sys.stdin.read()' {} -name guest=zq7,debug-threads=on" \
    " -uuid 0a1b2c3d-1111-2222-3333-444455556666"
# What nobody is to learn from a bug report; the log of a host has such
HOST_NAME = "kvm-prod-17.example.net"
SECRETS = ("1324021012345", "00-0f-53-ff-ff-12-34-56", "10.17.1.5", "3c:ec:ef:12:34:56", "2001:db8::17",
           "ffff888012345678", "ops@example.net", "alice", "0a1b2c3d-1111-2222-3333-444455556666", "zq7",
           "kvm-prod-17")
LOG = (
    "nvidia test: board with serial number: 1324021012345",
    "nvidia test: Device Serial Number 00-0f-53-ff-ff-12-34-56",
    "nvidia test: from 10.17.1.5 and 2001:db8::17, 3c:ec:ef:12:34:56, at ffff888012345678",
    "nvidia test: by ops@example.net in /" "home/alice/x on kvm-prod-17, for 0a1b2c3d-1111-2222-3333-444455556666",
    "somebody else has a secret",
)


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
    gpu.put_away()


@host_test(kernels=("stock",))
def test_mixed_sizes(vm):
    """They need all types away, which is done; for this GPU, which has no section."""
    gpu = Gpu(vm)
    tool = Tool(vm, gpu)
    gpu.set_up([876] * 3)
    file = tool.file("[0000:7f:00.0]", "vfs = 1", "[*]", "vfs = 2", "mixed = yes", "0 = L40-8Q", "1 = L40-4Q")
    tool.must(f"apply --gpu {gpu.pf} {file}")
    expect(tool.types(), ["L40-8Q", "L40-4Q"], "types of two sizes")
    tool.told(f"apply {file}", "'0000:7f:00.0' is no GPU")
    tool.told(f"apply --gpu {gpu.vf(0)} {file}", "is a VF; its GPU is")
    gpu.put_away()


class Metrics:
    """What a scrape has: [(labels, value)] of each name."""

    def __init__(self, text):
        self.of = {}
        done = subprocess.run(["/usr/bin/python3", "-c", PARSE], input=f"{text}\n", capture_output=True, text=True,
                              check=False)
        expect((done.returncode, done.stderr), (0, ""), f"Prometheus' parser of\n{text}")
        for about, name, labels, value in json.loads(done.stdout):
            expect(bool(about), True, f"a word about {name}")
            self.of.setdefault(name.removeprefix("nvidia_vgpu_"), []).append((labels, value))

    def one(self, name, **labels):
        """The only sample with these labels."""
        found = [value for its, value in self.of.get(name, []) if labels.items() <= its.items()]
        expect(len(found), 1, f"samples of {name} with {labels}")
        return found[0]

    def state(self, name, **labels):
        """The only state that is 1."""
        now = [its["state"] for its, value in self.of[name] if value and labels.items() <= its.items()]
        expect(len(now), 1, f"states of {name} with {labels}")
        return now[0]


@host_test(kernels=("stock",))
def test_metrics(vm):
    """What Prometheus' own parser has of them is what the files say."""
    gpu = Gpu(vm)
    tool = Tool(vm, gpu)
    none = Metrics(tool.must("metrics"))
    expect(none.of, {"driver_loaded": [({}, 0.0)]}, "without the driver")
    gpu.set_up([876, 0])
    client = held(vm, gpu, 0, "rpc")
    time.sleep(2)
    gpu.set_model("inject-event", "use:1:300:5:2500:0:10000")
    time.sleep(3)
    expect(tool.must("metrics --output /tmp/nvidia-vgpu.prom"), "", "said")
    there = vm.sh("ls -A /tmp | grep prom; stat -c %a /tmp/nvidia-vgpu.prom").split()
    expect(there, ["nvidia-vgpu.prom", "644"], "files")
    now = Metrics(vm.sh("cat /tmp/nvidia-vgpu.prom"))
    where = {"gpu": gpu.pf}
    expect([now.one(name, **where) for name in ("scrape_success", "gpu_vfs")], [1, 2], "the GPU")
    expect((now.one("driver_loaded"), now.state("gpu_state"), now.state("state", vf="0"), now.state("state", vf="1")),
           (1, "up", "running", "free"), "states")
    expect([now.one("utilization_ratio", vf="0", engine=e) for e in ("memory", "graphics", "encoder", "decoder")],
           [0.0005, 0.25, 0, 1], "use of engines")
    expect((now.one("framebuffer_used_bytes", vf="0"), now.one("channel_errors_total", vf="0")), (300 * MIB, 0), "VF 0")
    expect(now.one("framebuffer_bytes"), float(gpu.read(gpu.vf_path(0, "vgpu/fb_size"))), "framebuffer")
    expect(now.one("info", vf="0", type="L40-8Q", address=gpu.vf(0), driver=VFIO_DRIVER), 1, "info")
    expect((now.one("creatable_vfs", type="L40-8A"), now.one("creatable_vfs", type="L40-1Q")), (1, 0), "creatable")
    let_go(vm, client)
    after = Metrics(tool.must("metrics"))
    expect((after.state("state", vf="0"), "uptime_seconds" in after.of), ("typed", False), "when it is closed")
    tool.told("metrics --output /nowhere/x.prom", "/nowhere/x.prom: No such file")
    gpu.put_away()


@host_test(kernels=("stock",), sampled=True)
def test_who_has_what(vm):
    """The map names types and placements, the status who has a VF."""
    gpu = Gpu(vm)
    tool = Tool(vm, gpu)
    gpu.set_up([876, 886])
    (shown,) = json.loads(tool.must(f"map --json {gpu.pf}"))
    mine = [part for part in shown["ranges"] if part["what"] == "vgpu 2 fb"]
    told = [gpu.read(gpu.vf_path(1, f"vgpu/{file}")) for file in ("placement_id", "fb_start", "fb_size")]
    expect([(p["vf"], p["type"], str(p["placement_id"]), hex(p["start"]), str(p["size"])) for p in mine],
           [(1, "L40-8A", *told)], "what VF 1 has")
    expect(sum(part["size"] for part in shown["ranges"]), shown["size"], "sum of all parts")
    named = re.findall(r"  vgpu \d fb: VF [01], L40-8[QA], placement \d+$", tool.must("map"), re.M)
    expect(len(named), 2, "vGPUs in the text")
    expect("L40-8A, placement" in tool.must(f"map --svg {gpu.pf}"), True, "in the picture")
    tool.told(f"map {gpu.vf(0)}", "is a VF; its GPU is")

    node = "/dev/vfio/" + vm.sh(f"basename $(readlink {gpu.vf_path(0, 'iommu_group')})")
    user = vm.spawn(f"sleep 3603 | {LIKE_QEMU.format(node)}")
    vm.sh(f"for i in $(seq 100); do ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q ' {node}$' && exit;"
          " sleep 0.1; done; exit 1")
    his, mine = json.loads(tool.must("status --json"))
    expect((his["vm_name"], his["vm_uuid"], his["vm_pid"].isdigit(), "vm_pid" in mine),
           ("zq7", "0a1b2c3d-1111-2222-3333-444455556666", True, False), "who has VF 0, and VF 1")

    # while that VM is there
    before = vm.sh("hostname")
    vm.sh(f"hostname {HOST_NAME}; " + "; ".join(f"echo '<6>{line}' >/dev/kmsg" for line in LOG))
    expect(tool.must("report --output /bench/report.txt"), "", "said")
    vm.sh(f"hostname {before}")
    report = (vm.share / "report.txt").read_text()
    expect([secret for secret in SECRETS if secret in report], [], f"in the report:\n{report}")
    expect("somebody else" in report, False, "lines of others in the report")
    release = firmware.release(vm)
    titles = re.findall("^==== (.*)$", report, re.M)
    expect(len(titles), 18, f"parts: {titles}")
    for text in (f"{gpu.pf}  firmware {release}, up; 2 VFs", "L40-8A", "gsp-rm up", "placement", "NVIDIA Corporation",
                 "nvidia test: board with serial number:", "intel_iommu=on", f"gsp-{release}.bin", "nvidia_vgpu_gpu_vfs"):
        expect(text in report, True, f"{text!r} in the report:\n{report}")
    vm.sh("pkill -xf 'sleep 3603'")
    user.wait(60)
    gpu.put_away()
