# SPDX-License-Identifier: GPL-2.0-only
"""
A guest VM inside the host VM, started as an operator would: by the host's own
QEMU or by libvirt, with KVM (nested, emulated SVM).

    with Guest(vm, "0000:01:00.4") as guest:
        guest.wait_for("NVGPU-GUEST: up")
        print(guest.log())

It runs Debian's stock kernel with an initramfs of busybox, the selftests'
guest/init and test module. Its console is logged in the host VM's /bench.
"""

import json
import re
import shlex
import time

from hostvm import CACHE, REPO, VARIANT, BenchError, script

INIT = REPO / "tools/testing/selftests/nvidia-vgpu/guest/init"
MODULE = "selftests/nvidia-vgpu/guest/nvgpu-guest-test.ko"
KVM = "modprobe -q kvm_amd || modprobe kvm_intel"

# Ask a QEMU by its monitor: socket, command as JSON
QMP = """
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(120)
s.connect(sys.argv[1])
lines = s.makefile("rw")
for command in '{"execute": "qmp_capabilities"}', sys.argv[2]:
    lines.write(command + "\\n")
    lines.flush()
    answer = {}
    while not {"return", "error"} & set(answer):
        answer = json.loads(lines.readline())
print(json.dumps(answer))
"""

# What SeaBIOS keeps free at a root port with nothing in it does for no vGPU's BARs: 256 MiB and 32.
ROOM = "pref64-reserve=512M"

DOMAIN = """<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <memory unit='MiB'>{mem}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>{append}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='host-passthrough'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>{on_reboot}</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <serial type='unix'>
      <source mode='bind' path='{console}'/>
      <log file='{log}' append='off'/>
      <target port='0'/>
    </serial>
    <memballoon model='none'/>
    <controller type='usb' model='none'/>
{ports}
{hostdevs}
  </devices>
{room}
</domain>
"""

# It has no word for it
ROOM_OF_LIBVIRT = f"""  <qemu:commandline>
    <qemu:arg value='-global'/>
    <qemu:arg value='pcie-root-port.{ROOM}'/>
  </qemu:commandline>"""
# Ports have indices behind the root's, which has to be there then.
ROOT_OF_LIBVIRT = "    <controller type='pci' index='0' model='pcie-root'/>"
PORT_OF_LIBVIRT = "    <controller type='pci' index='{}' model='pcie-root-port'/>"

HOSTDEV = """    <hostdev mode='subsystem' type='pci' managed='{managed}'>
      <source>
        <address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{fn}'/>
      </source>
    </hostdev>"""


def device_id(vf):
    """What QEMU takes for one."""
    return f"vf-{vf.replace(':', '-')}"


def prepare(vm):
    """Kernel and initramfs that guests boot from, once a host VM; KVM in it."""
    if hasattr(vm, "guest_images"):
        return vm.guest_images
    root = vm.images["root"]
    release = (vm.images["selftests"].parent / "release").read_text().strip()
    initrd = CACHE / f"initramfs/guest{VARIANT}.gz"
    script(
        "mk-initramfs.sh",
        *(initrd, INIT, root, release, "--", vm.images["selftests"].parent / MODULE),
    )
    (vm.share / "guest.gz").write_bytes(initrd.read_bytes())
    # Out of /bench: libvirt's QEMU reads them under its own rules.
    vm.sh(f"{KVM}; cp /boot/vmlinuz-{release} /bench/guest.gz /run/", timeout=240)
    vm.guest_images = (f"/run/vmlinuz-{release}", "/run/guest.gz")
    return vm.guest_images


def start_libvirt(vm, wait=True):
    """
    libvirtd, by systemd if that runs, else by hand and without what needs it.
    It asks QEMU for all that it can do, which takes a while: without wait that
    goes on beside other things.
    """
    if not hasattr(vm, "libvirt"):
        conf = 'namespaces = []\nsecurity_driver = "none"\nuser = "root"\ngroup = "root"'
        command = (
            f"printf '%s\n' '{conf}' 'stdio_handler = \"file\"' >>/etc/libvirt/qemu.conf;"
            "mkdir -p /run/libvirt /var/log/libvirt; libvirtd -d"
        )
        if vm.systemd:
            command = "systemctl start libvirtd"
        vm.libvirt = vm.spawn(f"{command} && virsh -c qemu:///system version")
    if wait:
        vm.libvirt.wait(360)


class Guest:
    """
    vfs      PCI addresses of the functions to hand over; None or "": no device
    by       "qemu" or "libvirt"; with libvirt managed is its managed='yes'
    append   more kernel arguments; extra: more QEMU arguments
    reboots  a reboot starts it again; else it ends it
    ports    root ports with nothing in them: what plug() is for
    begin    a file that keep() has made of one with the same arguments: it goes on from there
    """

    count = 0
    images = staticmethod(prepare)

    def __init__(
        self,
        vm,
        vfs=None,
        *,
        by="qemu",
        managed=False,
        mem=512,
        append="",
        extra="",
        reboots=False,
        ports=0,
        begin="",
    ):
        Guest.count += 1
        self.vm = vm
        self.name = f"guest{Guest.count}"
        self.vfs = [vfs] if isinstance(vfs, str) and vfs else list(vfs or [])
        self.by = by
        self.managed = managed
        self.iommufd = vm.iommufd and by != "libvirt"
        self.mem = mem
        self.append = f"console=ttyS0 quiet panic=-1 {append}"
        self.extra = extra
        self.reboots = reboots
        self.ports = ports
        self.begin = begin
        self.free = [f"port{n}" for n in range(ports)]
        self.plugged = {}  # {VF: port}, by QEMU's monitor
        self.console = f"/run/{self.name}.sock"
        self.monitor = f"/run/{self.name}.qmp"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def start(self):
        kernel, initrd = self.images(self.vm)
        if self.by == "libvirt":
            self.start_libvirt(kernel, initrd)
        else:
            self.start_qemu(kernel, initrd)

    def start_qemu(self, kernel, initrd):
        args = (
            "qemu-system-x86_64 -machine q35 -accel kvm -cpu host -nodefaults"
            f" -display none {'' if self.reboots else '-no-reboot'} -m {self.mem} -kernel {kernel} -initrd {initrd}"
            f" -append {shlex.quote(self.append)}"
            f" -chardev socket,id=c,path={self.console},server=on,wait=off,"
            f"logfile=/bench/{self.name}.log -serial chardev:c"
            f" -qmp unix:{self.monitor},server=on,wait=off"
        )
        iommufd = ""
        if self.iommufd:
            args += " -object iommufd,id=iommufd0"
            iommufd = ",iommufd=iommufd0"
        for vf in self.vfs:
            args += f" -device vfio-pci,host={vf}{iommufd}"
        for n, port in enumerate(self.free, 1):
            args += f" -device pcie-root-port,id={port},chassis={n},{ROOM}"
        if self.begin:
            args += f" -incoming file:{self.begin}"
        self.process = self.vm.spawn(f"exec {args} {self.extra}")

    def start_libvirt(self, kernel, initrd):
        start_libvirt(self.vm)
        xml = DOMAIN.format(
            name=self.name,
            on_reboot="restart" if self.reboots else "destroy",
            mem=self.mem,
            kernel=kernel,
            initrd=initrd,
            append=self.append,
            console=self.console,
            log=f"/bench/{self.name}.log",
            ports="\n".join(
                [ROOT_OF_LIBVIRT] + [PORT_OF_LIBVIRT.format(n) for n in range(1, self.ports + 1)]
            ),
            room=ROOM_OF_LIBVIRT if self.ports else "",
            hostdevs="\n".join(map(self.hostdev, self.vfs)),
        )
        (self.vm.share / f"{self.name}.xml").write_text(xml)
        self.virsh(f"create /bench/{self.name}.xml")

    def hostdev(self, vf):
        domain, bus, slot, fn = re.split("[:.]", vf)
        managed = "yes" if self.managed else "no"
        return HOSTDEV.format(managed=managed, domain=domain, bus=bus, slot=slot, fn=fn)

    def plug(self, vf):
        """Give it one more function while it runs."""
        if self.by == "libvirt":
            self.virsh_device("attach", vf)
            self.vfs.append(vf)
            return
        args = {"iommufd": "iommufd0"} if self.iommufd else {}
        self.plugged[vf] = self.free.pop(0)
        self.qmp("device_add", driver="vfio-pci", id=device_id(vf), host=vf, bus=self.plugged[vf], **args)
        self.vfs.append(vf)

    def unplug(self, vf, timeout=60):
        """Take it away again; returns when the guest has let go of it."""
        if self.by == "libvirt":
            self.virsh_device("detach", vf)
        else:
            self.qmp("device_del", id=device_id(vf))
        deadline = time.monotonic() + timeout
        while self.has(vf):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} keeps {vf} for {timeout} s:\n{self.end()}")
            time.sleep(0.2)
        self.vfs.remove(vf)
        if vf in self.plugged:
            self.free.append(self.plugged.pop(vf))

    def virsh_device(self, what, vf):
        (self.vm.share / "device.xml").write_text(self.hostdev(vf))
        return self.virsh(f"{what}-device {self.name} /bench/device.xml --live")

    def has(self, vf):
        if self.by == "libvirt":
            bus, slot, fn = re.split("[:.]", vf)[1:]
            address = f"bus='0x{bus}' slot='0x{slot}' function='0x{fn}'"
            return address in self.virsh(f"dumpxml {self.name}").partition("<hostdev")[2]
        devices = self.qmp("qom-list", path="/machine/peripheral")
        return device_id(vf) in [device["name"] for device in devices]

    def virsh(self, command, timeout=180, check=True):
        return self.vm.sh(f"virsh -c qemu:///system {command}", timeout, check)

    def log(self):
        path = self.vm.share / f"{self.name}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return text.replace("\r", "")

    def end(self):
        """The last lines of its console."""
        return "\n".join(self.log().splitlines()[-15:])

    def running(self):
        """Whether it still runs; its QEMU's words if it ended badly."""
        if self.by == "libvirt":
            return self.name in self.virsh("list --name")
        out = self.process.poll()
        if out is not None and out.rc:
            raise BenchError(f"{self.name}: QEMU exited with {out.rc}: {out}")
        return out is None

    def wait_for(self, pattern, timeout=120):
        """Wait until a line of its console matches; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            ended = not self.running()
            match = re.search(pattern, self.log(), re.M)
            if match:
                return match
            if ended:
                raise BenchError(f"{self.name} ended, no '{pattern}' in:\n{self.log()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: no '{pattern}' after {timeout} s in:\n{self.end()}")
            time.sleep(0.2)

    def wait_end(self, timeout=120):
        """Wait until it has powered off; returns its log."""
        deadline = time.monotonic() + timeout
        while self.running():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} still runs after {timeout} s:\n{self.end()}")
            time.sleep(0.2)
        return self.log()

    def type(self, line):
        """
        Type a line on its console, and wait for its echo: what QEMU has not read yet when a
        connection is closed can get lost. What the guest says meanwhile can be in the middle.
        """
        self.vm.sh(
            "python3 -c 'import re, socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(30);"
            " s.connect(sys.argv[1]); line = sys.argv[2].encode(); s.sendall(line + b\"\\n\");"
            " seen = b\"\"; lines = rb\"NVGPU-GUEST: .*\\r\\n\"\n"
            "while line + b\"\\r\\n\" not in re.sub(lines, b\"\", seen):"
            " seen += s.recv(4096) or exit(\"no echo\")'"
            f" {self.console} {shlex.quote(line)}"
        )

    def qmp(self, command, **args):
        """What its QEMU's monitor answers."""
        request = shlex.quote(json.dumps({"execute": command, "arguments": args}))
        out = self.vm.sh(f"python3 -c {shlex.quote(QMP)} {self.monitor} {request}")
        answer = json.loads(out)
        if "error" in answer:
            raise BenchError(f"{self.name}: {command}: {answer['error']['desc']}")
        return answer["return"]

    def runstate(self):
        """As QEMU calls it: running, internal-error, ..."""
        return self.qmp("query-status")["status"]

    def keep(self, path):
        """It ends, and its state is in a file of the host VM's; with a function it has none that can be kept."""
        self.qmp("migrate", uri=f"file:{path}")
        self.wait_run("postmigrate")
        self.stop()

    def wait_run(self, wanted, timeout=60):
        """Until its run state is that; it may have been started just before."""
        deadline = time.monotonic() + timeout
        while (now := self.runstate() if self.answers() else "not there") != wanted:
            if not self.running():
                raise BenchError(f"{self.name} ended, expected {wanted}:\n{self.end()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} is {now} after {timeout} s, expected {wanted}:\n{self.end()}")
            time.sleep(0.1)

    def answers(self):
        """Whether its monitor is there."""
        return not self.vm.sh(f"[ -S {self.monitor} ]", check=False).rc

    def stop(self):
        """Pull its plug, if it still runs."""
        if self.by == "libvirt":
            self.virsh(f"destroy {self.name}", check=False)
        elif self.process and self.process.poll() is None:
            self.vm.sh(f"kill -9 {self.process.pid}", check=False)
            self.process.wait(check=False)
