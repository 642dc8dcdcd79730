# SPDX-License-Identifier: GPL-2.0-only
"""
The host VM: a Debian hypervisor with the GPU in it, run by the bench's QEMU.

    with HostVM(gpu="nvidia-ada,board=l40") as vm:
        vm.sh("modprobe -a nvkm-vgpu vfio-nvidia-vgpu")
        vm.qom_set("some-fault", "drop")
        print(vm.dmesg(), vm.model_log())

Everything is bounded: a command has a time-out, and when the VM dies or does
not answer the end of its serial log is in the exception.
"""

import base64
import contextlib
import ctypes
import functools
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import coverage

BENCH = pathlib.Path(__file__).resolve().parent
REPO = BENCH.parents[2]
CACHE = pathlib.Path(
    os.environ.get("NVKM_VGPU_CACHE")
    or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "nvkm-vgpu"
    )
)
# As in lib.sh: what was built for other versions than those of the file "versions".
VARIANT = "".join(
    f".{word}"
    for word in (
        "newest" if os.environ.get("BENCH_NEWEST") else "", os.environ.get("BENCH_KERNEL")
    )
    if word
)
START = float(os.environ.setdefault("BENCH_T0", str(int(time.time()))))

# Debian's, and those of mk-kernel.sh
KERNELS = ("stock", "debug", *(path.name.split(".")[1] for path in BENCH.glob("kernel.*.config")))

# All VMs have this kernel, whichever they ask for; with BENCH_COVERAGE that which counts lines: see
# coverage.py
COVERAGE = bool(os.environ.get("BENCH_COVERAGE"))
ONE_KERNEL = "gcov" if COVERAGE else os.environ.get("BENCH_ONE_KERNEL", "")

AGENT_PORT = "org.qemu.guest_agent.0"
PR_SET_PDEATHSIG = 1

# SVM is what TCG emulates, so KVM in the host VM needs an AMD model; without
# what TCG lacks it warns of nothing.
TCG_CPU = (
    "EPYC,+svm,+x2apic,-fxsr-opt,-misalignsse,-osvw,-topoext,-nrip-save,-xsavec"
)


def say(text):
    print(f"[{time.time() - START:4.0f} s] {text}", file=sys.stderr, flush=True)


def script(name, *args, env=None):
    """Run a build script of the bench; its last line is what it made."""
    proc = subprocess.Popen(
        [BENCH / name, *args],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(env or {})},
    )
    last = ""
    for line in proc.stdout:
        last = line.rstrip()
        if last.startswith("["):
            print(last, file=sys.stderr, flush=True)
    if proc.wait():
        raise BenchError(f"{name} failed")
    return last


class BenchError(Exception):
    """The bench or the VM, as opposed to what runs in it."""


class CommandFailed(Exception):
    def __init__(self, command, output):
        super().__init__(f"'{command}' exited with {output.rc}:\n{output[-4000:]}")
        self.output = output


class Output(str):
    """What a command printed, without the last newline; its exit code is .rc."""

    rc = 0

    @classmethod
    def of(cls, data, rc):
        out = cls(data.decode(errors="replace").rstrip())
        out.rc = rc
        return out


class Agent:
    """QEMU's guest agent: one JSON command a line, answers in order."""

    def __init__(self, sock, alive):
        self.sock = sock
        self.alive = alive  # raises if the VM is dead, or dies in so many seconds
        self.buffer = b""
        self.serial = 0

    def read(self):
        try:
            data = self.sock.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self.alive(5)
            raise BenchError("the guest agent's connection was closed")
        return data

    def receive(self, deadline):
        while b"\n" not in self.buffer:
            if select.select([self.sock], [], [], 0.2)[0]:
                self.buffer += self.read()
                continue
            self.alive()
            if time.monotonic() > deadline:
                raise TimeoutError("the guest agent does not answer")
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line.lstrip(b"\xff"))

    def command(self, name, timeout=60, **args):
        """Answers carry the id of their command, so late ones are dropped."""
        self.serial += 1
        request = {"execute": name, "arguments": args, "id": self.serial}
        try:
            self.sock.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            self.alive(5)
            raise
        deadline = time.monotonic() + timeout
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.serial:
                break
        if "error" in answer:
            raise BenchError(f"{name}: {answer['error'].get('desc')}")
        return answer["return"]


# A command in a VM whose clock leaps while nothing runs: from when to when it ran is told behind it.
TIMED = (
    "read -r bench_begin bench_rest </proc/uptime\n({}\n)\nbench_rc=$?\nread -r bench_end bench_rest </proc/uptime\n"
    'printf "\\nbench: from %s %s\\n" "$bench_begin" "$bench_end"\nexit $bench_rc'
)
TOLD = b"\nbench: from "


class Process:
    """A command that was started in the VM."""

    def __init__(self, vm, command):
        self.vm = vm
        self.command = command
        self.output = None
        if vm.icount is not None:
            command = TIMED.format(command)
        self.pid = vm.agent.command(
            "guest-exec",
            path="/bin/sh",
            arg=["-c", command],
            env=[
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
                f"VFIO_IOMMUFD={vm.iommufd:d}",
            ],
            **{"capture-output": "merged"},
        )["pid"]

    def poll(self):
        """Its Output if it has ended, else None."""
        if self.output is not None:
            return self.output  # the agent tells it once only
        status = self.vm.agent.command("guest-exec-status", pid=self.pid)
        if not status["exited"]:
            return None
        rc = status.get("exitcode", 128 + status.get("signal", 0))
        data = base64.b64decode(status.get("out-data", ""))
        # a shell that was killed has told no times
        if self.vm.icount is not None and TOLD in data:
            data, _, times = data.rpartition(TOLD)
            begin, end = map(float, times.split())
            self.vm.worked += end - begin
        self.output = Output.of(data, rc)
        return self.output

    def wait(self, timeout=60, check=True):
        deadline = time.monotonic() + timeout
        pause = 0.01
        while (out := self.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"'{self.command}' still runs after {timeout} s")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
        if check and out.rc:
            raise CommandFailed(self.command, out)
        return out


class HostVM:
    """
    kernel   "stock": Debian's; "debug": our own with KASAN, lockdep, KUnit...; "NAME": that
             with kernel.NAME.config
    gpu      a -device string without id, bus and memdev; a list for several;
             None for no GPU. The first has the QOM id "gpu", the next "gpu1".
    iommu    put an intel-iommu into the machine
    reserve  give root ports the windows that 32 VFs need; a number: the first ones
    vram     size of the file behind a GPU's framebuffer (vm.vram: its path);
             None: the device is not given one
    nouveau  let the stock kernel's own drivers have the GPU
    udev     start udevd (modules load by alias); systemd: boot Debian's init
    uefi     its firmware: "secure", with Secure Boot; "wide", without; "narrow": it keeps just 128 GiB for
             BARs above 4 GiB. key: path in root of a key (DER) that it was told of
    ram      nothing of it is outside: it can sleep (vm.sleep())
    root     in the cache, another root folder than the stock kernel's; its modules are its own
    etc      {name: text} of files in /etc that it boots with
    timing   how long things take in GPUs: "quick", or as "real" ones
    icount   its clock counts instructions, 2^icount ns each, and jumps ahead while it waits: a
             minute costs nothing, and how long something takes in it does not depend on what else
             this machine does. Only clock() can tell how long, and only within commands
    qemu     QEMU binary; default: what mk-qemu.sh built
    extra    more QEMU arguments; append: more kernel arguments
    files    files or folders for the VM's /bench
    keep     leave the run folder (logs, VRAM file) behind
    """

    def __init__(
        self,
        kernel="stock",
        gpu="nvidia-ada,board=l40",
        *,
        iommu=True,
        reserve=True,
        vram="48G",
        mem="4G",
        smp=2,
        nouveau=False,
        udev=False,
        systemd=False,
        uefi=None,
        key=None,
        ram=False,
        root=None,
        etc=None,
        timing="quick",
        icount=None,
        qemu=None,
        extra=(),
        append="",
        files=(),
        keep=False,
        build=True,
        boot_timeout=900,
    ):
        self.kernel = kernel
        # Debian's has groups only; users of our own come by the device's node
        self.iommufd = kernel != "stock"
        self.gpus = [gpu] if isinstance(gpu, str) else list(gpu or [])
        self.iommu = iommu
        self.reserve = reserve
        self.vram_size = vram
        self.mem = mem
        self.smp = smp
        self.nouveau = nouveau
        self.udev = udev
        self.systemd = systemd
        self.uefi = uefi
        self.key = key
        self.ram = ram
        self.timing = timing
        self.icount = icount
        self.worked = 0.0  # seconds of commands, by the VM's clock
        self.extra = list(extra)
        self.append = append
        self.files = list(files)
        self.keep = keep
        self.boot_timeout = boot_timeout
        self.proc = None
        self.monitor = None
        self.agent = None
        self.locks = []
        self.run = None
        self.expected_log = []  # for check.py: warnings that the test provokes
        self.known_bugs = []  # and splats of the kernel's own
        self.counts_for = ""  # the test whose lines gcov counts
        self.built = ONE_KERNEL or kernel
        self.images = images(self.built, build)
        self.own_modules = bool(root)
        if root:
            self.images = {**self.images, "root": (CACHE / f"{root}{VARIANT}").resolve()}
        self.etc = etc or {}
        self.qemu = qemu or self.images["qemu"]

    # Life

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def start(self):
        """
        A kernel that patches its own code while another emulated CPU runs it may panic before any
        driver of ours is there. Then it gets one more try, and the end of its log is shown.
        """
        for last in (False, True):
            try:
                self.make_run_folder()
                self.launch()
                self.wait_ready()
                return
            except BenchError as error:
                panic = "Kernel panic" in self.serial() if self.run else False
                self.stop()
                if last or not panic:
                    raise
                say(f"host VM panicked while it booted, once more:\n{error}")
            except BaseException:
                self.stop()
                raise

    def make_run_folder(self):
        runs = CACHE / "run"
        runs.mkdir(parents=True, exist_ok=True)
        remove_dead_runs(runs)
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="vm-", dir=runs))
        self.locks = [
            hold(self.run / "lock", fcntl.LOCK_EX),
            hold(CACHE / "lock" / f"use-{self.images['root'].name}", fcntl.LOCK_SH),
        ]
        self.share = self.run / "share"
        self.share.mkdir()
        shutil.copy(BENCH / "init-host", self.share / "init")
        with no_builds("modules", *(["kernel"] if self.built != "stock" else [])):
            if not self.own_modules:
                shutil.copytree(self.images["overlay"], self.share / "overlay", symlinks=True)
            shutil.copytree(self.images["selftests"], self.share / "selftests")
            # modules among them are the stock kernel's; others have some of their own
            shutil.copytree(
                self.images["overlay"].parent / "selftests", self.share / "selftests",
                dirs_exist_ok=True,
            )
        (self.share / "overlay").mkdir(exist_ok=True)
        for name, text in self.etc.items():
            path = self.share / "overlay/etc" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for path in map(pathlib.Path, self.files):
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, self.share / path.name)

    def ram_initrd(self):
        """All that the VM has over 9p else, in one archive; later files replace earlier ones."""
        archive = self.run / "ram.cpio"
        (self.run / "bench").mkdir()
        shutil.copy(BENCH / "init-host", self.run / "bench/init")
        shutil.copy(BENCH / "sleep-host", self.run / "bench")
        shutil.copytree(self.share / "selftests", self.run / "bench/selftests")
        shutil.copy(BENCH / "init-ram", self.run / "init")
        left_out = "./usr/share ./usr/lib/python3.13 ./usr/lib/udev ./boot ./var/cache".split()
        left_out = " ".join(f"-path {path} -prune -o" for path in left_out)
        with open(archive, "wb") as out:
            for folder, names in (
                (self.images["root"], f". {left_out}"),
                (self.share / "overlay", "."),
                (self.run, "init bench"),
            ):
                command = f"find {names} -print | cpio -o -H newc --quiet"
                subprocess.run(["sh", "-c", command], cwd=folder, stdout=out, check=True)
        return archive

    def gpu_args(self):
        """Each GPU under a root port of its own, its VRAM in a sparse file."""
        args = []
        for n, device in enumerate(self.gpus):
            suffix = str(n) if n else ""
            roomy = self.reserve if isinstance(self.reserve, bool) else n < self.reserve
            windows = ",pref64-reserve=256G,mem-reserve=64M" if roomy else ""
            args += [
                "-device",
                f"pcie-root-port,id=rp{suffix},bus=pcie.0,addr={5 + n},"
                f"chassis={n + 1},slot={n + 1}{windows}",
            ]
            memory = ""
            if self.vram_size:
                args += [
                    "-object",
                    f"memory-backend-file,id=vram{suffix},share=on,reserve=off,"
                    f"size={self.vram_size},mem-path={self.run}/vram{suffix}",
                ]
                memory = f",memdev=vram{suffix}"
            if device.startswith("nvidia-ada"):
                device += f",timing={self.timing}"
            args += ["-device", f"{device},id=gpu{suffix},bus=rp{suffix}{memory}"]
        return args

    def kernel_args(self):
        # Where the machine is busy the watchdog blames the TSC for it.
        args = ["console=ttyS0", "loglevel=5", "panic=-1", "tsc=nowatchdog", "no_timer_check"]
        args.append("log_buf_len=4M")
        # Whoever waits for a thread that has oopsed waits for minutes.
        args.append("oops=panic")
        # An emulated CPU has no secrets, and pays for each indirect call that is guarded.
        args.append("mitigations=off")
        if self.iommu:
            args.append("intel_iommu=on")
        if not self.nouveau:
            args.append("modprobe.blacklist=nouveau")
        if self.udev:
            args.append("bench.udev")
        if self.systemd:
            args.append("bench.init=/sbin/init")
        return " ".join(args + [self.append])

    def boot_args(self):
        initrd = self.ram_initrd() if self.ram else self.images["initrd"]
        if not self.uefi:
            return ["-kernel", self.images["vmlinuz"], "-initrd", initrd, "-append", self.kernel_args()]
        efi = self.run / "efi"
        key = [self.images["root"] / self.key] if self.key else []
        kind = "secure" if self.uefi == "secure" else "open"
        script("mk-efi.sh", efi, self.images["vmlinuz"], initrd, self.kernel_args(), kind, *key)
        room = [] if self.uefi == "narrow" else ["-fw_cfg", "name=opt/ovmf/X-PciMmio64Mb,string=524288"]
        return room + [
            *("-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"),
            *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={efi}/code.fd"),
            *("-drive", f"if=pflash,unit=1,format=raw,file={efi}/vars.fd"),
            *("-blockdev", f"raw,node-name=esp,read-only=on,file.driver=file,file.filename={efi}/esp.img"),
            *("-device", "virtio-blk-pci,drive=esp,bootindex=0,addr=1c"),
        ]

    def launch(self):
        ours, theirs = {}, {}
        for name in ("monitor", "agent"):
            ours[name], theirs[name] = socket.socketpair()
        how, cpu = accel(self.qemu, self.images["vmlinuz"], self.images["initrd"])
        if self.icount is not None:
            how, cpu = "tcg,thread=single", TCG_CPU
        share = "security_model=none,multidevs=remap"
        image = script("mk-image.sh", self.images["root"])
        args = [
            self.qemu,
            *("-L", "/usr/share/seabios", "-L", "/usr/share/qemu"),
            *("-machine", "q35,kernel-irqchip=split", "-accel", how, "-cpu", cpu),
            *("-smp", str(self.smp), "-m", self.mem),
            *("-nodefaults", "-display", "none", "-no-reboot"),
            *("-chardev", f"file,id=serial,path={self.run}/serial.log"),
            *("-serial", "chardev:serial"),
            *("-chardev", f"socket,id=monitor,fd={theirs['monitor'].fileno()}"),
            *("-mon", "chardev=monitor,mode=control"),
            *("-chardev", f"socket,id=agent,fd={theirs['agent'].fileno()}"),
            *("-device", "virtio-serial-pci"),
            *("-device", f"virtserialport,chardev=agent,name={AGENT_PORT}"),
            *("-device", "virtio-rng-pci"),
            *("-blockdev", f"raw,node-name=root,read-only=on,file.driver=file,file.filename={image}"),
            *("-device", "virtio-blk-pci,drive=root"),
            *("-fsdev", f"local,id=bench,path={self.share},{share}"),
            *("-device", "virtio-9p-pci,fsdev=bench,mount_tag=bench"),
        ]
        args += self.boot_args()
        if self.icount is not None:
            args += ["-icount", f"shift={self.icount},sleep=off,align=off"]
        if self.iommu:
            args += ["-device", "intel-iommu,intremap=on,caching-mode=on"]
        args += self.gpu_args() + self.extra
        args = [str(a) for a in args]
        (self.run / "command").write_text("\n".join(args) + "\n")
        with open(self.run / "qemu.log", "wb") as log, no_builds("qemu-build"):
            self.proc = subprocess.Popen(
                args,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[s.fileno() for s in theirs.values()],
                preexec_fn=die_with_parent,
            )
        for sock in theirs.values():
            sock.close()
        self.agent = Agent(ours["agent"], self.check_alive)
        self.connect_monitor(ours["monitor"])

    def connect_monitor(self, sock):
        sys.path.insert(0, str(self.images["qemu"].parents[1] / "src/python"))
        # pylint: disable=import-outside-toplevel,import-error
        from qemu.qmp.legacy import QEMUMonitorProtocol

        timer = threading.Timer(120, self.proc.kill)
        timer.start()
        try:
            self.monitor = QEMUMonitorProtocol(sock)
            self.monitor.connect()
        except Exception as error:
            self.monitor = None
            time.sleep(0.2)
            raise BenchError(f"QEMU did not start: {self.model_log()}") from error
        finally:
            timer.cancel()
        self.monitor.settimeout(60)

    def wait_ready(self):
        start = shown = now = time.monotonic()
        while True:
            try:
                self.agent.command("guest-ping", timeout=2)
                break
            except TimeoutError:
                now = time.monotonic()
            if now - start > self.boot_timeout:
                raise BenchError(
                    f"the VM is not up after {self.boot_timeout} s\n" + self.serial_tail()
                )
            if now - shown > 20:
                shown = now
                last = self.serial_tail(1).strip()
                say(f"host VM boots: {now - start:.0f} s: {last[:80]}")
        say(f"host VM ({self.kernel} kernel) is up after {time.monotonic() - start:.1f} s")

    def check_alive(self, ending=0):
        """Raise if QEMU is dead, or dies within so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.proc.wait(ending)
        if self.proc.poll() is not None:
            raise BenchError(
                f"the VM died (QEMU exit {self.proc.returncode})\n{self.where_it_died()}"
                f"--- QEMU\n{self.model_log()[-3000:]}\n--- serial\n{self.serial_tail()}"
            )

    def gather_coverage(self):
        """What gcov has counted since it was asked last, added to what it has of others."""
        if not self.agent or self.proc.poll() is not None:
            return
        try:
            packed = self.sh(coverage.PACK, timeout=180)
            coverage.add(CACHE, packed, self.counts_for)
        except (BenchError, CommandFailed, TimeoutError) as error:
            say(f"coverage: what this VM has counted is lost: {error}")

    def where_it_died(self):
        """What this machine's kernel said last of a QEMU that died of a signal, for addr2line."""
        if self.proc.returncode >= 0:
            return ""
        log = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
        lines = [line for line in log.splitlines() if " in qemu-" in line]
        return "\n".join(["--- kernel", *lines[-2:], ""])

    def stop(self):
        """Kill it and remove the run folder; can be called twice."""
        if COVERAGE:
            self.gather_coverage()
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait(30)
        if self.monitor:
            try:
                self.monitor.close()
            except Exception:  # pylint: disable=broad-except
                pass  # the other end is gone: that is what was wanted
            self.monitor = None
        if self.agent:
            self.agent.sock.close()
            self.agent = None
        if self.run and not self.keep:
            shutil.rmtree(self.run, ignore_errors=True)
        for lock in self.locks:
            os.close(lock)
        self.locks = []

    kill = stop

    def reboot(self, look, timeout=120):
        """
        At once, whoever uses what. look() is called when the kernel has gone, and all else is as it
        has left it; commands are not possible then.
        """
        self.qmp("set-action", shutdown="pause")
        self.spawn("busybox reboot -f")
        deadline = time.monotonic() + timeout
        while self.qmp("query-status")["status"] != "shutdown":
            if time.monotonic() > deadline:
                raise BenchError("it does not reboot\n" + self.serial_tail())
            time.sleep(0.1)
        look()
        self.qmp("set-action", reboot="reset", shutdown="poweroff")
        self.qmp("system_reset")
        self.qmp("cont")
        self.wait_ready()
        self.qmp("set-action", reboot="shutdown")

    def sleep(self, timeout=120, command=""):
        """
        Suspend to memory, and wake up if that worked: devices have lost their power. Returns what
        the write to /sys/power/state said, or the command that is run in its place. Only with ram.
        """
        before = self.serial().count("BENCH: slept")
        self.sh(f"setsid /bench/sleep-host {command} >/dev/null 2>&1 </dev/null &")
        deadline = time.monotonic() + timeout
        while (serial := self.serial()).count("BENCH: slept") == before:
            if time.monotonic() > deadline:
                raise BenchError("it does not fall asleep, or not wake up\n" + self.serial_tail())
            if self.qmp("query-status")["status"] == "suspended":
                self.qmp("system_wakeup")
            time.sleep(0.3)
        rc = int(serial.rpartition("BENCH: slept, ")[2].split()[0])
        return Output.of(self.sh("cat /run/said").encode(), rc)

    # What runs in it

    def sh(self, command, timeout=60, check=True):
        """Run a shell command; returns Output (a str with .rc)."""
        return self.spawn(command).wait(timeout, check)

    def spawn(self, command):
        """Start a shell command; returns a Process."""
        return Process(self, command)

    def clock(self):
        """Seconds since some moment; of commands alone where the VM's clock leaps between them."""
        return time.monotonic() if self.icount is None else self.worked

    def dmesg(self):
        return self.sh("dmesg", timeout=60)

    # What it is

    def qmp(self, command, **args):
        self.check_alive()
        return self.monitor.cmd(command, **args)

    def qom_get(self, prop, path="/machine/peripheral/gpu"):
        return self.qmp("qom-get", path=path, property=prop)

    def qom_set(self, prop, value, path="/machine/peripheral/gpu"):
        self.qmp("qom-set", path=path, property=prop, value=value)

    def physical(self, address, words=1):
        """32-bit words at a physical address, memory or device, as its CPUs would read them."""
        command = {"command-line": f"xp /{words}wx {address:#x}"}
        lines = self.qmp("human-monitor-command", **command).splitlines()
        return [int(word, 16) for line in lines for word in line.partition(":")[2].split()]

    @property
    def vram(self):
        return self.run / "vram"

    def model_log(self):
        """What QEMU, and so the GPU model, printed."""
        return (self.run / "qemu.log").read_text(errors="replace")

    def serial(self):
        path = self.run / "serial.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def serial_tail(self, lines=40):
        return "\n".join(self.serial().splitlines()[-lines:])


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def hold(path, mode, timeout=1800):
    """A file lock, held until the descriptor is closed."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(fd, mode | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(fd)
                raise BenchError(f"somebody holds {path}") from None
            time.sleep(0.1)


@contextlib.contextmanager
def no_builds(*names):
    """While these are read nobody builds them anew."""
    locks = [hold(CACHE / "lock" / name, fcntl.LOCK_SH) for name in names]
    try:
        yield
    finally:
        for lock in locks:
            os.close(lock)


def remove_dead_runs(runs):
    """Folders whose owner is gone: nobody holds their lock."""
    for lock in runs.glob("vm-*/lock"):
        try:
            fd = os.open(lock, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(fd)


@functools.lru_cache
def accel(qemu, vmlinuz, initrd):
    """
    -accel and -cpu. /dev/kvm may exist and not work, or work and not nest: a
    kernel is booted with it, once a boot of this machine, before it is trusted.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg,thread=multi", TCG_CPU
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    known = CACHE / f"stamp/kvm-{boot}"
    if not known.exists():
        command = [qemu, "-L", "/usr/share/seabios", "-L", "/usr/share/qemu"]
        command += ["-machine", "q35", "-accel", "kvm", "-cpu", "host", "-m", "512"]
        command += ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
        command += ["-kernel", vmlinuz, "-initrd", initrd]
        command += ["-append", "console=ttyS0 quiet panic=-1 bench.probe"]
        out = ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            out = subprocess.run(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=30,
                text=True,
                errors="replace",
                check=False,
            ).stdout
        known.write_text("kvm" if "BENCH: nests" in out else "tcg")
        say(f"/dev/kvm {'works' if known.read_text() == 'kvm' else 'is of no use'} here")
    if known.read_text() == "kvm":
        return "kvm", "host"
    return "tcg,thread=multi", TCG_CPU


@functools.lru_cache
def images(kernel, build=True):
    """
    Paths of what a VM boots from; with build they are brought up to date, once
    in a run, so that all of its VMs are the same.
    """
    if kernel not in KERNELS:
        raise BenchError(f"no kernel '{kernel}'")
    if build:
        qemu = script("mk-qemu.sh")
        root = script("mk-rootfs.sh", "host")
        # of the stock kernel's only programs and modules of tests are needed then: they are there
        overlay = selftests = CACHE / f"modules{VARIANT}/stock"
        if not os.environ.get("BENCH_ONE_KERNEL"):
            overlay = selftests = script("mk-modules.sh")
        if kernel != "stock":
            overlay = script("mk-kernel.sh", kernel)
    else:
        qemu = CACHE / "qemu.newest/build/qemu-system-x86_64"
        if not os.environ.get("BENCH_NEWEST") or not qemu.exists():
            qemu = CACHE / "qemu/build/qemu-system-x86_64"
        root = CACHE / f"rootfs-host{VARIANT}"
        overlay = selftests = CACHE / f"modules{VARIANT}/stock"
        if kernel != "stock":
            overlay = CACHE / f"kernel-{kernel}{VARIANT}"
    selftests = pathlib.Path(selftests)
    qemu = pathlib.Path(qemu)
    root = pathlib.Path(root).resolve()
    overlay = pathlib.Path(overlay)
    release = (overlay / "release").read_text().strip()
    vmlinuz = overlay / "vmlinuz"
    needed = []
    if kernel == "stock":
        vmlinuz = root / f"boot/vmlinuz-{release}"
        needed = ["virtio_blk", "erofs", "9pnet_virtio", "9p", "overlay"]
    initrd = CACHE / f"initramfs/host-{kernel}{VARIANT}.gz"
    script(
        "mk-initramfs.sh", initrd, BENCH / "initramfs-host", root, release, *needed
    )
    return {
        "qemu": qemu,
        "root": root,
        "overlay": overlay / "overlay",
        "selftests": selftests / "selftests",
        "vmlinuz": vmlinuz,
        "initrd": initrd,
    }
