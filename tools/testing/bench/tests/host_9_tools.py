# SPDX-License-Identifier: GPL-2.0-only
"""
The tools that people have, on our files, in each state of a VF: what they look for, how they read
lists of types, and what they write. It is told here as data, from their sources of August 2026:

    vgpu-device-manager         NVIDIA/vgpu-device-manager, pkg/vgpu/vfio
    kubevirt-gpu-device-plugin  NVIDIA/kubevirt-gpu-device-plugin, pkg/device_plugin/vfio_vgpu.go
    KubeVirt                    kubevirt/kubevirt, pkg/virt-handler/device-manager/{pci_device,nvidia}.go
    Harvester                   harvester/pcidevices, pkg/util/gpuhelper, pkg/controller/gpudevice
    OpenNebula                  OpenNebula/one, src/vmm_mad/remotes/kvm/vgpu, src/im_mad/.../pci.rb
    Proxmox                     proxmox/pve-common, SysFSTools.pm; qemu-server, QemuServer/PCI/Mdev.pm
    hypeman                     kernel/hypeman, lib/devices
    CloudStack                  apache/cloudstack, gpudiscovery.sh
    Nova                        openstack/nova, nova/pci and libvirt's list of devices

operator.rst has what follows of it.
"""

import json
import re
import shlex
import shutil

from bench_test import expect, host_test
from faults import held, let_go
from gpu import VFIO_DRIVER, Gpu
from hostvm import REPO

Q8, A8, Q8_NAME = 876, 886, "L40-8Q"
VIEW = "/run/nvidia-vgpu"
SYSFS = "/sys/bus/pci/devices"

# How a tool reads creatable_vgpu_types: what a line with a type is, what lines it leaves out, and
# whether any other line makes it give up
READERS = {
    "vgpu-device-manager": (r"\s*(\d+)\s*:\s*(.*\S)\s*", r"", False),
    "kubevirt-gpu-device-plugin": (r"\s*([0-9]+)\s*:\s*(.+?)\s*", r"", False),
    "Harvester": (r"\s*([^:]*?)\s*:\s*([^:]*?)\s*", r".*: *vGPU Name\s*", False),
    "OpenNebula": (r"\s*([^:]+?)\s*:\s*([^:]+?)\s*", r"\s*ID\s*:.*", True),
    "Proxmox": (r"(.*?)\s*:\s*(.*)", r"ID.*", False),
    "hypeman": (r"\s*(\d+)\s*:\s*(.*\S)\s*", r"\s*ID\b.*", True),
}

# What makes a tool take a function for a vGPU's, or for a GPU that has some: {file: pattern},
# of links the last part; None: it must not be there
VGPU = {"vendor": "0x10de", "nvidia/current_vgpu_type": r"[1-9]\d*"}
FINDERS = {
    "KubeVirt": VGPU | {"driver": "nvidia", "sriov_totalvfs": None, "iommu_group": r"\d+"},
    "KubeVirt, vfio-pci": VGPU | {"driver": "vfio-pci", "iommu_group": r"\d+"},
    "kubevirt-gpu-device-plugin": VGPU | {"driver": "nvidia", "sriov_totalvfs": None, "physfn": r".+",
                                          "iommu_group": r"\d+"},
    "Harvester": VGPU | {"class": "0x030[02]00", "physfn": r".+", "nvidia/creatable_vgpu_types": r"(?s).*"},
    "OpenNebula": VGPU | {"physfn": r".+", "nvidia/creatable_vgpu_types": r"(?s).*"},
    "Proxmox": VGPU | {"iommu_group": r"\d+"},
    "Nova": {"vendor": "0x10de", "device": "0x26b5", "physfn": r".+"},
    "CloudStack": {"class": "0x0302..", "physfn": r".+"},
    "vgpu-device-manager": {"vendor": "0x10de", "class": "0x030[02]00", "driver": "nvidia",
                            "sriov_totalvfs": r"\d+", "physfn": None},
}
# of these a driver's name keeps the tool from finding it
BY_NAME = {"KubeVirt", "kubevirt-gpu-device-plugin", "vgpu-device-manager"}
# a driver that ours is not, whatever the place
NEVER = {"KubeVirt, vfio-pci"}
# they want any VF, with a type or without
ANY_VF = {"Nova", "CloudStack"}

# What a tool writes to give a VF a type and to take it away, and how it opens the file
STEPS = {
    "vgpu-device-manager": ("O_TRUNC O_SYNC", "{}", "0"),
    "Harvester": ("O_TRUNC O_CREAT", "{}", "0"),
    "OpenNebula": ("O_TRUNC O_CREAT", "{}\n", "0\n"),
    "Proxmox": ("O_TRUNC O_CREAT", "{}", "0"),
}
WRITE = """
import json, os, sys
said = []
for path, flags, text in json.loads(sys.argv[1]):
    try:
        fd = os.open(path, os.O_WRONLY | sum(getattr(os, flag) for flag in flags.split()), 0o600)
        try:
            os.write(fd, text.encode())
            error = ""
        finally:
            os.close(fd)
    except OSError as problem:
        error = problem.strerror
    said.append((error, int(open(path).read())))
print(json.dumps(said))
"""
LOOK = """
import json, os, sys
root, *names = sys.argv[1:]
def look(path):
    try:
        if os.path.basename(path) in ("driver", "physfn", "iommu_group"):
            return os.path.basename(os.readlink(path))
        return open(path).read().strip("\\n")
    except OSError:
        return None
print(json.dumps({f: {name: look(f"{root}/{f}/{name}") for name in names} for f in os.listdir(root)}))
"""


class Host:
    """What tools see of it: by sysfs, or in the folder of "nvidia-vgpu view"."""

    def __init__(self, vm):
        self.vm, self.gpu = vm, Gpu(vm)
        for name in ("nvidia-vgpu", "host/examples/sriov-manage", "host/examples/pve-hookscript"):
            shutil.copy(REPO / "tools" / name, vm.share)
        vm.sh("ln -sf /bench/nvidia-vgpu /usr/local/sbin/; mkdir -p /usr/lib/nvidia;"
              " ln -sf /bench/sriov-manage /usr/lib/nvidia/")
        (vm.share / "look.py").write_text(LOOK)
        (vm.share / "write.py").write_text(WRITE)

    def run(self, command, timeout=180):
        return self.vm.sh(f"PATH=$PATH:/usr/local/sbin; {command}", timeout=timeout)

    def view(self):
        self.run(f"nvidia-vgpu view {VIEW}")

    def see(self, root):
        """{tool: addresses of what it takes for one}"""
        names = sorted({name for wants in FINDERS.values() for name in wants})
        seen = json.loads(self.vm.sh(f"python3 /bench/look.py {root} {' '.join(names)}"))

        def fits(function, wants):
            return all(
                function[name] is None if pattern is None
                else function[name] is not None and re.fullmatch(pattern, function[name])
                for name, pattern in wants.items()
            )
        return {tool: sorted(f for f in seen if fits(seen[f], wants)) for tool, wants in FINDERS.items()}

    def write(self, tool, path, *numbers):
        """[what is said, the type after it] of each type that the tool writes"""
        flags, some, none = STEPS[tool]
        plan = [(path, flags, some.format(number) if number else none) for number in numbers]
        return json.loads(self.vm.sh(f"python3 /bench/write.py {shlex.quote(json.dumps(plan))}"))


def read_by(tool, text):
    """{id: name}, as the tool has it of that list"""
    line_of_type, left_out, strict = READERS[tool]
    types = {}
    for line in text.splitlines():
        if left_out and re.fullmatch(left_out, line):
            continue
        match = re.fullmatch(line_of_type, line)
        if match:
            types[int(match[1])] = match[2]
        elif strict:
            raise AssertionError(f"{tool} gives up at {line!r}")
    return types


def lists_are_read(gpu, n, want, what):
    """By all tools alike; want: how many types."""
    text = gpu.read(gpu.vf_path(n, "nvidia/creatable_vgpu_types"))
    types = gpu.creatable(n)
    expect(len(types), want, f"types that VF {n} could have, {what}")
    for tool in READERS:
        expect(read_by(tool, text), types, f"as {tool} reads them, {what}")
    names = [name.split()[-1] for name in types.values()]
    expect(len(set(names)), len(types), f"short names, {what}: {names}")
    for name in types.values():
        resource = re.sub(r"\s+", "_", name)
        expect(bool(re.fullmatch(r"[A-Za-z0-9][-A-Za-z0-9_.]{0,61}[A-Za-z0-9]", resource)), True,
               f"{resource} can be a resource of Kubernetes")


def found(host, typed, what):
    """What is found by each, by sysfs and in the view."""
    gpu = host.gpu
    vfs = sorted(gpu.vf(n) for n in range(gpu.numvfs()))
    typed = sorted(gpu.vf(n) for n in typed)
    for root, by_name in ((SYSFS, False), (f"{VIEW}/devices", True)):
        for tool, got in host.see(root).items():
            if tool in NEVER or (tool in BY_NAME and not by_name):
                want = []
            elif tool == "vgpu-device-manager":
                want = [gpu.pf]
            else:
                want = vfs if tool in ANY_VF else typed
            expect(got, want, f"{tool} finds in {root}, {what}")


@host_test(kernels=("stock",), sampled=True)
def test_other_tools(vm):
    """None, typed, sibling typed, in use, full."""
    host = Host(vm)
    gpu = host.gpu
    gpu.load()
    gpu.set_numvfs(7)
    for n in range(7):
        gpu.bind(n)
    host.view()
    board = len(gpu.creatable(0))
    expect(board > 20, True, f"types of the board: {board}")
    lists_are_read(gpu, 0, board, "none has a type")
    found(host, [], "none has a type")

    gpu.must_set_type(0, Q8)
    same = [name for name in gpu.creatable(1).values() if name.split("-")[1][:-1] == "8"]
    lists_are_read(gpu, 0, 0, "it has a type")
    lists_are_read(gpu, 1, len(same), "a sibling has a type")
    found(host, [0], "one has a type")

    client = held(vm, gpu, 0, "rpc")
    lists_are_read(gpu, 0, 0, "it is in use")
    found(host, [0], "one is in use")
    for tool in STEPS:
        expect(host.write(tool, gpu.vf_path(0, "nvidia/current_vgpu_type"), A8, 0),
               [["Device or resource busy", Q8]] * 2, f"{tool} writes to one in use")
    let_go(vm, client)
    expect(gpu.type(0), Q8, "type")

    for n in range(1, 6):
        gpu.must_set_type(n, A8)
    for n in (0, 6):
        lists_are_read(gpu, n, 0, "the GPU is full")
    found(host, range(6), "the GPU is full")
    # names that no VF can tell any more
    listed = vm.sh(f"cat {VIEW}/devices/{gpu.pf}/nvidia/creatable_vgpu_types")
    names = read_by("kubevirt-gpu-device-plugin", listed)
    expect((names[Q8], len(names)), (f"NVIDIA {Q8_NAME}", board), "the GPU's types in the view")
    gpu.put_away()


@host_test(kernels=("stock",), sampled=True)
def test_steps_of_other_tools(vm):
    """Types come and go as they write them, through sysfs and through the view."""
    host = Host(vm)
    gpu = host.gpu
    gpu.set_up([0, 0])
    host.view()
    for tool in STEPS:
        for root in (SYSFS, f"{VIEW}/devices"):
            path = f"{root}/{gpu.vf(0)}/nvidia/current_vgpu_type"
            types = (Q8, Q8, 0, 0, Q8, A8, 0)
            want = [["", number] for number in types] + [["No such device", 0]]
            expect(host.write(tool, path, *types, 9999), want, f"{tool} writes to {path}")
    gpu.put_away()


# To turn 32 VFs on and give them drivers takes half a minute.
@host_test(kernels=("stock",), sampled=True)
def test_work_arounds(vm):
    """As operator.rst has them."""
    host = Host(vm)
    gpu = host.gpu
    gpu.load()
    # a folder that is something else is left alone
    vm.sh("mkdir -p /tmp/other/devices; echo mine >/tmp/other/devices/file")
    out = vm.sh("python3 /bench/nvidia-vgpu view /tmp/other", check=False)
    expect((out.rc, "is no link, so" in out, str(vm.sh("cat /tmp/other/devices/file"))), (1, True, "mine"), f"{out}")

    # vgpu-device-manager, Harvester
    host.view()
    before = vm.sh(f"ls -id {VIEW}/devices").split()[0]
    host.run(f"/usr/lib/nvidia/sriov-manage -e {gpu.pf}", timeout=300)
    total = int(gpu.read(gpu.path("sriov_totalvfs")))
    drivers = vm.sh(f"for d in {gpu.path()}virtfn*; do basename $(readlink $d/driver); done").split()
    expect((gpu.numvfs(), set(drivers)), (total, {VFIO_DRIVER}), "VFs, their drivers")
    gpu.must_set_type(0, Q8)
    host.run(f"/usr/lib/nvidia/sriov-manage -e {gpu.pf}")
    expect((gpu.numvfs(), gpu.type(0)), (total, Q8), "VFs, type, after one more -e")
    # mounts of the folder go on
    expect(vm.sh(f"ls -id {VIEW}/devices").split()[0], before, "the view's folder")
    expect(host.see(f"{VIEW}/devices")["KubeVirt"], [gpu.vf(0)], "found by KubeVirt")
    gpu.must_set_type(0, 0)
    host.run("/usr/lib/nvidia/sriov-manage -d ALL")
    expect((gpu.numvfs(), vm.sh(f"ls {VIEW}/functions")), (0, gpu.pf), "VFs, functions in the view")
    out = vm.sh("/usr/lib/nvidia/sriov-manage -x ALL 2>&1", check=False)
    expect((out.rc, str(out)), (1, "sriov-manage: '-x' is neither -e nor -d"), "what is no option")

    # Proxmox: it takes the type away in the end, the hookscript gives it again
    (vm.share / "pve.conf").write_text(f"[{gpu.pf}]\nvfs = 2\n1 = {Q8_NAME}\n")
    vm.sh("cp /bench/pve.conf /etc/nvidia-vgpu.conf")
    for _ in range(2):
        host.run("/bench/pve-hookscript 100 pre-start")
        expect(gpu.type(1), Q8, "type at the start")
        gpu.must_client(1, "boot", "rpc")
        expect(host.write("Proxmox", gpu.vf_path(1, "nvidia/current_vgpu_type"), 0), [["", 0]], "taken away")
        host.run("/bench/pve-hookscript 100 post-stop")
        expect(gpu.type(1), 0, "type after the end")
    vm.sh("rm /etc/nvidia-vgpu.conf")
    gpu.put_away()
