# SPDX-License-Identifier: GPL-2.0-only
"""
libvirt as Debian has it, with systemd and udev: its QEMU is no root, and it keeps to device rules.
What it does with VFs beside that is in host_8_life.py (plugged, managed and not) and the demo.
"""

import re
from xml.etree import ElementTree

from bench_test import expect, host_test
from faults import state
from gpu import VFIO_DRIVER, Gpu, VgpuGuest
from guest import start_libvirt

Q8 = 876


def nodedev(vm, bdf):
    """What libvirt knows of a function."""
    name = "pci_" + bdf.replace(":", "_").replace(".", "_")
    return ElementTree.fromstring(vm.sh(f"virsh -c qemu:///system nodedev-dumpxml {name}", timeout=120))


def addresses(node):
    return ["{}:{}:{}.{}".format(*(a.get(part)[2:] for part in ("domain", "bus", "slot", "function")))
            for a in node.findall("address")]


class ModelGuest(VgpuGuest):
    """It says which driver its function is to have."""

    def hostdev(self, vf):
        return super().hostdev(vf).replace("<source>", f"<driver name='vfio' model='{VFIO_DRIVER}'/>\n      <source>")


@host_test(kernels=("stock",), full=True, systemd=True)
def test_libvirt_as_installed(vm):
    gpu = Gpu(vm)
    gpu.load()
    gpu.set_numvfs(2)
    for n in (0, 1):
        gpu.must_set_type(n, Q8)
    start_libvirt(vm)
    vfs = [gpu.vf(n) for n in (0, 1)]
    (listed,) = nodedev(vm, gpu.pf).findall("capability/capability[@type='virt_functions']")
    expect((listed.get("maxCount"), addresses(listed)), ("32", vfs), "VFs of the GPU")
    for vf in vfs:
        node = nodedev(vm, vf)
        (of,) = node.findall("capability/capability[@type='phys_function']")
        group = vm.sh(f"basename $(readlink /sys/bus/pci/devices/{vf}/iommu_group)")
        expect((addresses(of), node.find("capability/iommuGroup").get("number"), node.find("driver/name")),
               ([gpu.pf], group, None), f"GPU, IOMMU group, driver of {vf}")

    group = vm.sh(f"basename $(readlink /sys/bus/pci/devices/{vfs[0]}/iommu_group)")
    with ModelGuest(vm, vfs[0], offsets=[0x1000], seed=9, stay=True, by="libvirt", managed=True) as guest:
        guest.wait_done(600)
        expect((gpu.vf_driver(0), state(gpu)[1]), (VFIO_DRIVER, "running"), "driver, vGPU")
        expect(nodedev(vm, vfs[0]).find("driver/name").text, VFIO_DRIVER, "driver, as libvirt has it")
        # QEMU has a /dev of its own
        pid, who = vm.sh("ps -o pid=,user:32= -C qemu-system-x86").split()
        owners = vm.sh(f"stat -c %U /proc/{pid}/root/dev/vfio/{group} /dev/vfio/{group}").split()
        expect((who, owners), ("libvirt-qemu", ["libvirt-qemu", "root"]), "user of QEMU, owners of the VF's group")
        label = vm.sh(f"cat /proc/{pid}/attr/apparmor/current")
        expect(label, f"libvirt-{guest.virsh('domuuid ' + guest.name).strip()} (enforce)", "QEMU's AppArmor label")
        others = vm.sh(f"ls /proc/{pid}/root/dev/vfio").split()
        expect(sorted(others), sorted([group, "vfio"]), "VFIO's files that QEMU sees")
        guest.off()
    expect((gpu.vf_driver(0), state(gpu)[1], gpu.type(0)), ("", "typed", Q8), "after it")
    expect(vm.sh(f"[ ! -e /dev/vfio/{group} ] || stat -c %U /dev/vfio/{group}"), "", "the group's node")
    starts_with_the_machine(vm, gpu, guest)
    gpu.put_away()


def starts_with_the_machine(vm, gpu, guest):
    """libvirt starts what is to be started when it runs for the first time since the machine was booted."""
    guest.virsh(f"define /bench/{guest.name}.xml")
    guest.virsh(f"autostart {guest.name}")
    vm.sh("systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd; rm /run/libvirt/qemu/autostarted")
    vm.sh("systemctl start libvirtd", timeout=300)
    vm.sh(f"for i in $(seq 240); do [ $(cat {gpu.vf_path(0, 'vgpu/state')}) = running ] && exit; sleep 0.5; done; exit 1",
          timeout=180)
    expect(guest.virsh(f"domstate {guest.name}").strip(), "running", "the VM")
    guest.virsh(f"destroy {guest.name}")
    guest.virsh(f"undefine {guest.name}")
    expect((gpu.vf_driver(0), state(gpu)[1], gpu.type(0)), ("", "typed", Q8), "after it")


@host_test(kernels=("stock",), full=True, systemd=True, append="security=selinux selinux=1 enforcing=0")
def test_selinux_labels(vm):
    """
    With Debian's policy, which tells what it would forbid and lets it be: the root folder has no
    labels, so nobody but QEMU is in the domain that is meant for it.
    """
    gpu = Gpu(vm)
    gpu.load()
    gpu.set_numvfs(1)
    gpu.must_set_type(0, Q8)
    start_libvirt(vm)
    expect(vm.sh("cat /sys/fs/selinux/enforce"), "0", "whether SELinux enforces")
    vm.sh("echo 0 >/proc/sys/kernel/printk_ratelimit; setsebool virt_use_vfio=on virt_use_sysfs=on")
    group = vm.sh(f"basename $(readlink /sys/bus/pci/devices/{gpu.vf(0)}/iommu_group)")
    with ModelGuest(vm, gpu.vf(0), offsets=[0x1000], seed=9, stay=True, by="libvirt", managed=True) as guest:
        guest.wait_done(600)
        pid = vm.sh("ps -o pid= -C qemu-system-x86").strip()
        of_qemu = vm.sh(f"tr -d '\\0' </proc/{pid}/attr/current")
        of_node = vm.sh(f"stat -c %C /proc/{pid}/root/dev/vfio/{group}")
        user, _, domain, categories = of_qemu.split(":", 3)
        expect((user, domain), ("system_u", "svirt_t"), f"QEMU's label {of_qemu}")
        expect(re.fullmatch(r"s0:c\d+,c\d+", categories) is not None, True, f"categories in {of_qemu}")
        expect(of_node.split(":", 2)[2], f"svirt_image_t:{categories}", f"label of the VF's group, {of_node}")
        guest.off()
    denied = vm.sh("dmesg | grep 'avc: .*denied'", check=False).splitlines()
    of_qemu = [line for line in denied if ":svirt_t:" in line.partition("tcontext=")[0]]
    expect("tcontext=system_u:object_r:unlabeled_t" in "".join(of_qemu), True, "the policy forbids, and it is logged")
    expect([line for line in of_qemu if re.search("vfio|:sysfs_t:", line)], [], "what of its VF QEMU would not have had")
    expect((gpu.vf_driver(0), state(gpu)[1]), ("", "typed"), "after it")
    gpu.put_away()
