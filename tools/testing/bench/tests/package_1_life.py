# SPDX-License-Identifier: GPL-2.0-only
"""
The Debian package on a machine that was booted after "apt install": vGPUs by themselves, and what
an upgrade and a removal do while a VM has one. The machine is mk-package.sh's; all of it that a
test changes is gone at the next boot.
"""

import json
import re
import shutil
import time

from bench_test import expect, host_test
from faults import held, let_go
from gpu import VFIO_DRIVER, Gpu
from host_4_other_machines import not_inserted
from host_9_command import Metrics
from hostvm import CACHE, VARIANT

PF = "0000:01:00.0"
UNIT = f"nvidia-vgpu@{PF}.service"
CONF = f"[{PF}]\nvfs = 3\n0 = L40-8Q disable_vnc=1\n1 = 0\n2 = 876\n"
KEY = "/var/lib/dkms/mok.pub"
TYPES = ["L40-8Q", "", "L40-8Q"]
PACKAGE = CACHE / f"package{VARIANT}"

# nouveau: nothing but the package keeps it away
MACHINE = {"systemd": True, "nouveau": True, "root": "rootfs-package"}
booted = host_test(kernels=("stock",), etc={"nvidia-vgpu.conf": CONF}, **MACHINE)

# In place of libvirt's, which is not there: it keeps what it saw when it started.
LIBVIRTD = """[Service]
Type=oneshot
ExecStart=sh -c 'nvidia-vgpu dump >/run/seen'
"""
WANTS = f"[Unit]\nWants=libvirtd.service nvidia-vgpu@{PF}.service nvidia-vgpu@{{}}.service\n"


def types(vm):
    (gpu,) = json.loads(vm.sh("nvidia-vgpu list --json"))
    return [vf["name"] for vf in gpu["vfs"]]


def runs(vm):
    """How often the unit has ended by itself."""
    return int(vm.sh(f"journalctl -u {UNIT} -o cat | grep -cE '^(Finished|Failed to start) '", check=False))


def applied(vm, before=0, timeout=120):
    """Wait for the unit to run once more; what the command said."""
    deadline = time.monotonic() + timeout
    while runs(vm) <= before:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{UNIT} does not run: {vm.sh(f'systemctl status {UNIT}', check=False)}")
        time.sleep(0.5)
    said = vm.sh(f"journalctl -I -u {UNIT} -t nvidia-vgpu -o cat", check=False)
    return [line for line in said.splitlines() if line.startswith("nvidia-vgpu: ")]


def up(vm):
    """It has booted, and the GPU was looked after."""
    state = vm.sh("systemctl is-system-running --wait", timeout=300, check=False)
    said = applied(vm)
    failed = vm.sh("systemctl --failed --plain --no-legend")
    why = vm.sh(f"journalctl -o cat -u {failed.split()[0]}") if failed else ""
    expect((str(state), failed), ("running", ""), f"systemd: {why}")
    expect((said, types(vm)), ([], TYPES), "what could not be had, types")
    return Gpu(vm)


@booted
def test_boot(vm):
    """All is there, and a VM can have it."""
    gpu = up(vm)
    expect(gpu.pf, PF, "the GPU's address")
    expect(gpu.driver(), "nvkm-vgpu", "its driver")
    expect("/updates/dkms/" in vm.sh("modinfo -n nvkm-vgpu"), True, "the module is DKMS's")
    expect([gpu.vf_driver(n) for n in range(3)], [VFIO_DRIVER] * 3, "drivers")
    expect(gpu.read(gpu.vf_path(0, "nvidia/vgpu_params")), "disable_vnc=1", "settings of VF 0")
    expect(vm.sh("nvidia-vgpu apply --dry-run"), "", "what is left to do")
    gpu.must_client(0, "boot", "rpc")


@booted
def test_driver_again(vm):
    """The driver is loaded anew, the GPU is plugged in anew."""
    gpu = up(vm)
    before = runs(vm)
    gpu.unload()
    # as it does where it is enabled
    waiting = vm.spawn(f"systemctl start {UNIT}")
    time.sleep(2)
    expect((waiting.poll(), runs(vm)), (None, before), "the unit, without a driver")
    vm.sh("modprobe nvkm-vgpu", timeout=120)
    expect((applied(vm, before), types(vm)), ([], TYPES), "after modprobe")
    expect((waiting.wait(60).rc, runs(vm)), (0, before + 1), "the unit, with it")
    # it goes while the unit runs, and comes again
    vm.spawn(f"systemctl restart {UNIT}")
    gpu.unload()
    vm.sh("modprobe nvkm-vgpu", timeout=120)
    vm.sh("for i in $(seq 60); do nvidia-vgpu apply --dry-run | grep -q . || exit 0; sleep 1; done; exit 1", 180)
    expect((types(vm), vm.sh(f"systemctl is-active {UNIT}", check=False)), (TYPES, "active"), "once more")
    before = runs(vm)
    vm.sh(f"echo 1 >{gpu.path('remove')}; echo 1 >/sys/bus/pci/rescan", timeout=120)
    expect((applied(vm, before), types(vm)), ([], TYPES), "after rescan")
    gpu.must_client(2, "boot", "rpc")


@booted
def test_vm_is_left_alone(vm):
    """The unit runs while a VM has a VF: what is not in use is done, and the rest has a line."""
    gpu = up(vm)
    client = held(vm, gpu, 0, "rpc")
    before = runs(vm)
    # an event of the GPU does not start it again
    vm.sh(f"udevadm trigger --settle -c change {gpu.path()}; udevadm trigger --settle -c add {gpu.path()}")
    expect(runs(vm), before, "how often the unit ran")
    vm.sh(f"systemctl restart {UNIT}")
    vm.sh("printf '[*]\\n0 = L40-8A\\n1 = L40-8Q\\n2 = L40-4Q\\n[0000:7f:00.0]\\nvfs = 1\\n' >/etc/nvidia-vgpu.conf")
    expect(vm.sh(f"systemctl restart {UNIT}", check=False).rc, 1, "the unit's exit code")
    said = applied(vm)
    expect(len(said), 2, f"lines: {said}")
    for line, *parts in zip(said, (gpu.vf(0), "virtfn2"), ("is running", "is refused: Invalid argument")):
        expect([part in line for part in parts], [True, True], line)
    expect(types(vm), ["L40-8Q", "L40-8Q", ""], "types")
    said = vm.sh("nvidia-vgpu apply", check=False)
    expect((said.rc, said.count("'0000:7f:00.0' is no GPU")), (1, 1), f"of all GPUs: {said}")
    let_go(vm, client)
    (vm.share / "conf").write_text(CONF)
    vm.sh(f"cp /bench/conf /etc/nvidia-vgpu.conf; systemctl restart {UNIT}")
    expect(types(vm), TYPES, "types, with the file as it was")


@booted
def test_numbers_for_prometheus(vm):
    """The timer writes them, and Debian's node-exporter has them twice a minute."""
    gpu = up(vm)
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9100/metrics').read().decode())"

    def served(state):
        deadline = time.monotonic() + 120
        while True:
            now = Metrics(vm.sh(f'python3 -c "{ask}" | grep -E "^(# .*|)nvidia_vgpu_"', check=False))
            if "state" in now.of and now.state("state", vf="0") == state:
                return now
            if time.monotonic() > deadline:
                raise AssertionError(f"VF 0 is never {state} for node-exporter: {now.of}")
            time.sleep(2)

    now = served("typed")
    expect([now.one("info", vf=str(n), type=name) for n, name in enumerate(TYPES)], [1] * 3, "VFs")
    client = held(vm, gpu, 0, "rpc")
    expect(served("running").one("channel_errors_total", vf="0"), 0, "its channels that were stopped")
    let_go(vm, client)
    served("typed")
    expect(vm.sh("ls -A /var/lib/prometheus/node-exporter"), "nvidia-vgpu.prom", "files")
    expect(vm.sh("systemctl is-active nvidia-vgpu-metrics.timer"), "active", "the timer")


@booted
def test_upgrade_and_removal(vm):
    gpu = up(vm)
    shutil.copy(PACKAGE / "new.deb", vm.share)
    shutil.copy(PACKAGE / "new.tar.gz", vm.share)
    # DKMS takes what is built from there, instead of building it
    folder = "/usr/share/nvkm-vgpu-dkms"
    vm.sh(f"mkdir {folder}; cp /bench/new.tar.gz {folder}/nvkm-vgpu-2.0.dkms.tar.gz")

    # nor is an initramfs made, which nobody boots from here
    vm.sh("mount --bind /bin/true /usr/bin/dracut")

    client = held(vm, gpu, 0, "rpc")
    said = vm.sh("dpkg -i /bench/new.deb", timeout=600)
    expect("the modules that are loaded stay, 1 vGPUs are in use" in said, True, f"upgrade: {said}")
    expect(re.findall(r"nvkm-vgpu/(\S+), .*: (\w+)", vm.sh("dkms status")), [("2.0", "installed")], "DKMS")
    expect((client.poll(), types(vm)), (None, TYPES), "the VM, types")
    let_go(vm, client)
    before = runs(vm)
    vm.sh("modprobe -r vfio-nvidia-vgpu nvkm-vgpu && modprobe nvkm-vgpu", timeout=180)
    expect((applied(vm, before), types(vm)), ([], TYPES), "with the new modules")

    client = held(vm, gpu, 0, "rpc")
    said = vm.sh("dpkg -r nvkm-vgpu-dkms", timeout=300)
    expect("the modules stay loaded, 1 vGPUs are in use" in said, True, f"removal: {said}")
    expect(client.poll(), None, "the VM")
    expect([gpu.type(n) for n in range(3)], [876, 0, 876], "types, without the package")
    let_go(vm, client)
    gpu.must_client(2, "boot", "rpc")
    expect(vm.sh("cat /etc/nvidia-vgpu.conf"), CONF.strip(), "the operator's file")
    vm.sh("rmmod vfio_nvidia_vgpu nvkm_vgpu", timeout=120)
    expect(vm.sh("modinfo nvkm-vgpu", check=False).rc, 1, "there is such a module")


@host_test(kernels=("stock",), etc={"nvidia-vgpu.conf": CONF}, uefi="secure", **MACHINE)
def test_secure_boot_without_key(vm):
    """DKMS has signed the modules, and nobody told the machine of its key."""
    vm.sh("systemctl is-system-running --wait", timeout=300, check=False)
    expect(vm.sh("mokutil --sb-state"), "SecureBoot enabled", "Secure Boot")
    expect("DKMS" in vm.sh("modinfo -F signer nvkm-vgpu"), True, "who signed it")
    not_inserted(vm, "Key was rejected by service", "Loading of module with unavailable key is rejected")
    expect(vm.sh(f"mokutil --test-key {KEY}", check=False), f"{KEY} is not enrolled", "the key")


@host_test(kernels=("stock",), etc={"nvidia-vgpu.conf": CONF}, uefi="secure", key=KEY.lstrip("/"), **MACHINE)
def test_secure_boot(vm):
    """It was told of the key: all is as without Secure Boot."""
    gpu = up(vm)
    expect(vm.sh("mokutil --sb-state"), "SecureBoot enabled", "Secure Boot")
    expect(vm.sh("cat /sys/kernel/security/lockdown"), "none [integrity] confidentiality", "lockdown")
    expect(vm.sh(f"mokutil --test-key {KEY}", check=False), f"{KEY} is already enrolled", "the key")
    gpu.must_client(0, "boot", "rpc")


SECOND = "0000:02:00.0"


@host_test(
    kernels=("stock",),
    gpu=["nvidia-ada,board=l40", "nvidia-ada,board=l4"],
    etc={
        "nvidia-vgpu.conf": "[*]\nvfs = 2\nmixed = yes\n0 = L40-24Q\n1 = L40-8Q\n"
        f"[{SECOND}]\n1 = L4-6Q\n3 = L4-6B\n",
        "systemd/system/libvirtd.service": LIBVIRTD,
        "systemd/system/multi-user.target.d/test.conf": WANTS.format(SECOND),
    },
    **MACHINE,
)
def test_order(vm):
    """Two GPUs; libvirt starts when they are as they should be. What cannot be had has a line."""
    vm.sh("systemctl is-system-running --wait", timeout=300, check=False)
    expect(vm.sh("systemctl --failed --plain --no-legend").split()[:1], [f"nvidia-vgpu@{SECOND}.service"], "failed")
    said = vm.sh(f"journalctl -I -u nvidia-vgpu@{SECOND} -t nvidia-vgpu -o cat")
    expect(said, f"nvidia-vgpu: {SECOND} has no type 'L4-6B'; see 'nvidia-vgpu types'", "what could not be had")
    seen = f"[{PF}]\nvfs = 2\nmixed = yes\n0 = L40-24Q\n1 = L40-8Q\n\n[{SECOND}]\nvfs = 4\nmixed = no\n1 = L4-6Q\n"
    expect(vm.sh("cat /run/seen"), seen.strip(), "what libvirt saw")
