# SPDX-License-Identifier: GPL-2.0-or-later
"""
A minimal GSP boot client that drives the model without a guest.

It speaks QEMU's qtest protocol: registers by readl and writel, guest memory by
a file that QEMU maps, too. It was written from the same public facts as the
model and shares nothing with it but NVIDIA's own structure layouts
(tools/testing/abi). Every step takes its inputs from attributes that a test
may change first, so that a test breaks exactly one thing.
"""

import base64
import copy
import json
import mmap
import os
import pathlib
import struct
import sys
import tempfile

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PAGE = 4096

R570, R535 = "570.144", "535.113.01"
L40_FB = 46068 * MIB        # of 48 GiB: a MiB less for each of 12 channels, and a sixteenth less for ECC


def fail(why):
    """The environment is not complete: that is a failure, never a skip."""
    print(f"Bail out! {why}", flush=True)
    sys.exit(1)


def qemu_binary():
    path = os.environ.get("QEMU", "")
    if not os.access(path, os.X_OK):
        fail(f"QEMU={path!r} is not a program")
    return path


def import_qemu():
    """The package qemu of QEMU's own source tree."""
    build = pathlib.Path(qemu_binary()).resolve().parent
    places = [os.environ.get("QEMU_PYTHON", "")] + [str(build / p) for p in ("../src/python", "../python", "python")]
    for place in places:
        if place and (pathlib.Path(place) / "qemu/machine").is_dir():
            sys.path.insert(0, place)
            from qemu.machine.qtest import QEMUQtestMachine  # pylint: disable=import-error
            return QEMUQtestMachine
    return fail("no python/qemu/machine beside QEMU; set QEMU_PYTHON")


# ---- NVIDIA's layouts ------------------------------------------------------------------------------------------------


def abi_tables():
    """Beside this file, or where the repository of the driver has them."""
    here = pathlib.Path(__file__).resolve().parent
    beside = here / "abi"
    return beside if beside.is_dir() else here.parents[1] / "abi"


class Abi:
    """Offsets and constants of one release, from the tables."""

    cache = {}

    def __new__(cls, release):
        if release not in cls.cache:
            self = super().__new__(cls)
            folder = abi_tables()
            self.members, self.sizes, self.consts = {}, {}, {}
            for line in (folder / f"r{release}.structs.tsv").read_text().splitlines():
                if not line.startswith("#"):
                    name, member, offset, size, _kind, _src = line.split("\t")
                    if member == "-":
                        self.sizes[name] = int(size)
                    else:
                        self.members[name, member] = int(offset), int(size)
            for line in (folder / f"r{release}.consts.tsv").read_text().splitlines():
                if not line.startswith("#"):
                    name, value, _src = line.split("\t")
                    if value.startswith("0x") and ":" not in value:
                        self.consts[name] = int(value, 16)
            cls.cache[release] = self
        return cls.cache[release]

    def pack(self, name, fields, size=None):
        """Bytes of structure @name with @fields set, the rest zero."""
        out = bytearray(size or self.sizes[name])
        for member, value in fields.items():
            at, length = self.members[name, member]
            out[at:at + length] = value.ljust(length, b"\0") if isinstance(value, bytes) else \
                value.to_bytes(length, "little")
        return bytes(out)

    def get(self, name, member, data):
        at, length = self.members[name, member]
        return int.from_bytes(data[at:at + length], "little")

    def text(self, name, member, data):
        at, length = self.members[name, member]
        return data[at:at + length].partition(b"\0")[0].decode()


# ---- firmware --------------------------------------------------------------------------------------------------------


class Program:
    """
    A signed falcon program as it lies in a file or in the VBIOS, with all that
    it takes to load and start it: what a test changes of it is broken.
    """

    def __init__(self, name, code, data, signatures, **regs):
        self.name, self.code, self.data, self.signatures = name, bytearray(code), bytearray(data), signatures
        self.signature = None       # index; None: as the fuses want it
        self.fuse_version = regs.pop("fuse_version", 0)
        self.at = regs["pkc"]       # where the signature belongs in the data
        self.regs = {"algorithm": 1, **regs}    # pkc, engine, ucode_id, boot_vector
        self.tag = regs["boot_vector"]
        # DMA commands, bytes in each transfer, FBIF_TRANSCFG(0), FBIF_CTL, DMACTL
        self.dma = {"imem": 0x614, "dmem": 0x600, "chunk": 256, "transcfg": 5, "fbif": 0x80, "dmactl": 0}


class Firmware:
    """The files of one release."""

    def __init__(self, release):
        self.release = release
        root = os.environ.get("NVKM_VGPU_FIRMWARE", "")
        self.folder = pathlib.Path(root) / "nvidia/ad102/gsp"
        if not root or not (self.folder / f"gsp-{release}.bin").exists():
            fail(f"NVKM_VGPU_FIRMWARE={root!r} has no nvidia/ad102/gsp/gsp-{release}.bin")
        elf = self.sections()
        self.image, self.signature = elf[".fwimage"], elf[".fwsignature_ad10x"]
        blob, at, self.bootloader = self.container("bootloader")
        desc = struct.unpack_from("<15I", blob, at)
        self.loader_manifest, self.loader_data, self.loader_code = desc[8], desc[10], desc[12]
        self.booter_load, self.booter_unload = self.program("booter_load"), self.program("booter_unload")
        self.scrubber = self.program("scrubber") if release == R570 else None

    def sections(self):
        elf = (self.folder / f"gsp-{self.release}.bin").read_bytes()
        table, = struct.unpack_from("<Q", elf, 0x28)
        entry, count, names = struct.unpack_from("<3H", elf, 0x3a)
        heads = [struct.unpack_from("<2I4Q", elf, table + i * entry) for i in range(count)]
        strings = heads[names][4]
        return {elf[strings + h[0]:elf.index(b"\0", strings + h[0])].decode(): elf[h[4]:h[4] + h[5]] for h in heads}

    def container(self, name):
        blob = (self.folder / f"{name}-{self.release}.bin").read_bytes()
        _magic, _version, _size, header, data, length = struct.unpack_from("<6I", blob)
        return blob, header, blob[data:data + length]

    def program(self, name):
        blob, at, data = self.container(name)
        sigs, sigs_len, patch, _, meta, _, _, load = struct.unpack_from("<8I", blob, at)
        patch, = struct.unpack_from("<I", blob, patch)
        fuse, engine, ucode = struct.unpack_from("<3I", blob, meta)
        _, _, data_at, data_len, _, code_at, code_len = struct.unpack_from("<7I", blob, load)
        return Program(name, data[code_at:code_at + code_len], data[data_at:data_at + data_len],
                       [blob[sigs + i:sigs + i + 384] for i in range(0, sigs_len, 384)],
                       pkc=patch - data_at, engine=engine, ucode_id=ucode, boot_vector=code_at, fuse_version=fuse)


# ---- guest memory ----------------------------------------------------------------------------------------------------


class Ram:
    """
    Guest memory, a file that outlives the QEMUs of a test run, so that the
    large images are written to it once. Addresses are guest physical.
    """

    SIZE = 512 * MIB
    WORK, WORK_END = 2 * MIB, 64 * MIB
    IMAGES = {R570: 64 * MIB, R535: 192 * MIB}
    shared = place = None

    def __init__(self):
        fd, self.path = tempfile.mkstemp(dir=self.folder())
        os.ftruncate(fd, self.SIZE)
        self.map = mmap.mmap(fd, self.SIZE)
        os.close(fd)
        self.images = {}
        self.next = self.WORK

    @classmethod
    def folder(cls):
        """Where such files are, until the process ends that asked first."""
        if not cls.place:
            where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
            cls.place = tempfile.TemporaryDirectory(prefix="gspclient-", dir=where)
        return cls.place.name

    @classmethod
    def get(cls):
        cls.shared = cls.shared or cls()
        cls.shared.next = cls.WORK
        return cls.shared

    def alloc(self, size, align=PAGE):
        """Zeroed, and not adjacent to what was allocated before."""
        at = (self.next + align - 1) // align * align
        self.next = at + (size + PAGE - 1) // PAGE * PAGE + PAGE
        if self.next > self.WORK_END:
            raise MemoryError("guest memory of the test")
        self.write(at, bytes(size))
        return at

    def put(self, data, align=PAGE):
        at = self.alloc(len(data), align)
        self.write(at, data)
        return at

    def write(self, at, data):
        self.map[at:at + len(data)] = bytes(data)

    def read(self, at, size):
        return self.map[at:at + size]

    def read32(self, at):
        return struct.unpack_from("<I", self.map, at)[0]

    def write32(self, at, value):
        struct.pack_into("<I", self.map, at, value)

    def flip(self, at):
        self.map[at] ^= 0x40

    def image_pages(self, firmware):
        """Bus address of each page of GSP-RM's image; neighbours are swapped, so that following the table matters."""
        release, base = firmware.release, self.IMAGES[firmware.release]
        count = (len(firmware.image) + PAGE - 1) // PAGE
        pages = [base + (i ^ 1) * PAGE for i in range(count)]
        if release not in self.images:
            for i, at in enumerate(pages):
                self.write(at, firmware.image[i * PAGE:(i + 1) * PAGE])
            self.images[release] = True
        return pages


# ---- machine ---------------------------------------------------------------------------------------------------------


class Framebuffer:
    """Of a GPU whose machine is taken again: a file, so that it can be emptied meanwhile."""

    SIZE = 48 * GIB

    def __init__(self):
        self.fd, self.path = tempfile.mkstemp(dir=Ram.folder())
        os.truncate(self.fd, self.SIZE)

    def options(self):
        return f"memory-backend-file,id=vram,size={self.SIZE},mem-path={self.path},share=on,reserve=off"

    def clear(self):
        os.truncate(self.fd, 0)
        os.truncate(self.fd, self.SIZE)

    def close(self):
        os.unlink(self.path)
        os.close(self.fd)


class Machine:
    """
    QEMU with one nvidia-ada, its BARs mapped. Much of a test's time is the start
    of QEMU. So one that has the default board, and whose properties nobody has
    set, is reset and taken again by the next that wants such a one.
    """

    ECAM = 0xb0000000
    SLOT = 4
    BIOS = "-L", "/usr/share/seabios", "-L", "/usr/share/qemu"
    SOON, LATE = 40, 40     # looks at something that is done soon; parts of the time in which it is looked for late
    PATIENCE = 120      # seconds until a QEMU that does not answer is a failure
    BAR0, VF_BAR0 = 0xc0000000, 0xc2000000
    BAR1, BAR3, VF_BAR1, VF_BAR3 = 1 << 40, 1 << 41, 1 << 42, 1 << 43
    reports = []
    left = ()           # a QEMU and its framebuffer that may be taken again

    def __init__(self, **props):
        self.ram = Ram.get()
        self.may_stay = not props
        self.log_start = 0
        self.fb = None
        try:
            if props or not self.take_left():
                self.launch(props)
            self.setup_pci()
        except Exception:
            self.close()
            raise

    def launch(self, props):
        self.vm = import_qemu()(qemu_binary(), name=f"gspclient-{os.getpid()}", base_temp_dir=tempfile.gettempdir(),
                                qmp_timer=self.PATIENCE)
        self.vm.set_machine("q35,memory-backend=ram")
        self.vm.add_args(*self.BIOS)
        device = {"driver": "nvidia-ada", "id": "gpu", "bus": "pcie.0", "addr": f"{self.SLOT:x}.0",
                  "multifunction": True, **{k.replace("_", "-"): v for k, v in props.items()}}
        self.vm.add_args("-m", f"{Ram.SIZE // MIB}M", "-nodefaults", "-qtest-log", "/dev/null", "-object",
                         f"memory-backend-file,id=ram,size={Ram.SIZE},mem-path={self.ram.path},share=on")
        if not props:
            self.fb = Framebuffer()
            self.vm.add_args("-object", self.fb.options())
            device["memdev"] = "vram"
        self.vm.add_args("-device", json.dumps(device))
        self.vm.launch()
        self.vm._qtest.settimeout(self.PATIENCE)    # pylint: disable=protected-access

    def take_left(self):
        """True if there was a QEMU to go on with. Nothing of what it did before may be seen."""
        if not Machine.left:
            return False
        (self.vm, self.fb), Machine.left = Machine.left, ()
        self.count_anew()
        self.vm.get_qmp_events()        # one of them may be a RESET
        self.vm.qmp("system_reset")
        if not self.vm.event_wait("RESET", timeout=self.PATIENCE):
            raise RuntimeError("QEMU was not reset")
        self.fb.clear()
        self.count_anew()
        self.log_start = len(self.whole_log())
        return True

    def count_anew(self):
        self.vm.qmp("qom-set", path="/machine/peripheral/gpu", property="count-anew", value=True)

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        if error or not self.may_stay or Machine.left or not self.vm.is_running():
            self.close()
        else:
            self.report(self.log())
            Machine.left = self.vm, self.fb

    @classmethod
    def close_left(cls):
        """Ends the QEMU that nobody takes any more."""
        if cls.left:
            vm, fb = cls.left
            vm.shutdown(hard=True)
            fb.close()
        cls.left = ()

    def close(self):
        self.vm.shutdown(hard=True)
        if self.fb:
            self.fb.close()
        self.report((self.vm.get_log() or "")[self.log_start:])

    @classmethod
    def report(cls, log):
        """Keeps for the harness what sanitizers have said."""
        cls.reports += [line for line in log.splitlines() if "runtime error:" in line or "Sanitizer:" in line]

    # qtest

    def cmd(self, text):
        answer = self.vm.qtest(text).split()
        if not answer or answer[0] != "OK":
            raise RuntimeError(f"qtest: {text[:80]}: {' '.join(answer)}")
        return answer[1:]

    def readl(self, addr):
        return int(self.cmd(f"readl 0x{addr:x}")[0], 16)

    def writel(self, addr, value):
        self.cmd(f"writel 0x{addr:x} 0x{value:x}")

    def read(self, addr, size):
        return base64.b64decode(self.cmd(f"b64read 0x{addr:x} 0x{size:x}")[0])

    def step(self, ns):
        self.cmd(f"clock_step {ns}")

    def settle(self):
        """Lets happen what the last access has left for later, as the sending of a message."""
        self.readl(self.config(0))

    def property(self, name, path="/machine/peripheral/gpu"):
        return self.vm.qmp("qom-get", path=path, property=name)["return"]

    def set_property(self, name, value, path="/machine/peripheral/gpu"):
        self.may_stay = False
        return self.vm.qmp("qom-set", path=path, property=name, value=value)

    def refusals(self):
        return json.loads(self.property("refusals") or "{}")

    def log(self):
        """What QEMU has written to its standard error since this machine was switched on."""
        return self.whole_log()[self.log_start:]

    def whole_log(self):
        path = self.vm._qemu_log_path      # pylint: disable=protected-access
        return pathlib.Path(path).read_text(errors="replace") if path else ""

    # PCI

    def config(self, reg, function=0):
        return self.ECAM + (self.SLOT << 15) + (function << 12) + reg

    def setup_pci(self):
        for port, value in ((0xcf8, 0x80000064), (0xcfc, 0), (0xcf8, 0x80000060), (0xcfc, self.ECAM | 1)):
            self.cmd(f"outl 0x{port:x} 0x{value:x}")
        if self.readl(self.config(0)) & 0xffff != 0x10de:
            raise RuntimeError("no NVIDIA device in its slot")
        for reg, value in ((0x10, self.BAR0), (0x14, self.BAR1), (0x18, self.BAR1 >> 32),
                           (0x1c, self.BAR3), (0x20, self.BAR3 >> 32), (0x04, 6)):
            self.writel(self.config(reg), value & 0xffffffff)
        self.sriov = self.find_capability(0x10)
        if self.sriov:
            for reg, value in ((0x24, self.VF_BAR0), (0x28, self.VF_BAR1), (0x2c, self.VF_BAR1 >> 32),
                               (0x30, self.VF_BAR3), (0x34, self.VF_BAR3 >> 32)):
                self.writel(self.config(self.sriov + reg), value & 0xffffffff)

    def find_capability(self, wanted):
        at = 0x100
        while at:
            head = self.readl(self.config(at))
            if head & 0xffff == wanted:
                return at
            at = head >> 20
        return 0

    def enable_vfs(self, count):
        """VF n is function n + 4 of the slot."""
        self.writel(self.config(self.sriov + 0x10), count)
        self.writel(self.config(self.sriov + 0x08), 0x19 if count else 0)     # VFE, MSE, ARI
        for vf in range(count):
            self.writel(self.config(0x04, 4 + vf), 6)

    # registers

    def rd(self, reg):
        return self.readl(self.BAR0 + reg)

    def wr(self, reg, value):
        self.writel(self.BAR0 + reg, value)

    def wait(self, done, ms=2000, step_us=500):
        """
        Lets the machine's time pass until @done() or @ms are over. Most is done
        soon or never, so after a while it looks less often.
        """
        passed, step = 0, step_us
        while passed < ms * 1000:
            value = done()
            if value:
                return value
            self.step(step * 1000)
            passed += step
            if passed > self.SOON * step_us:
                step = min(2 * step, ms * 1000 // self.LATE)
        return done()


# ---- GPU -------------------------------------------------------------------------------------------------------------

GSP, SEC2, PMU = 0x110000, 0x840000, 0x10a000
FBIF = {GSP: 0x600, SEC2: 0x600, PMU: 0xe00}     # in the falcon's block
FRTS, SB = 0x15, 0x19
META = "GspFwWprMeta"


# the CPU sequencer: its event, and its operations with their numbers of operands
RUN_CPU_SEQUENCER, INIT_DONE = 0x1002, 0x1001
WRITE, MODIFY, POLL, DELAY, STORE, CORE_RESET, CORE_START, CORE_WAIT_FOR_HALT, CORE_RESUME = range(9)
OPERANDS = {WRITE: 2, MODIFY: 3, POLL: 5, DELAY: 1, STORE: 2}


def operations(payload):
    """[(operation, operands)] of the event."""
    size, used = struct.unpack_from("<II", payload)
    if size != used or len(payload) != 40 + 4 * used:
        raise BootError(f"sequencer: {used} words of {size} in {len(payload)} bytes")
    words = struct.unpack_from(f"<{used}I", payload, 40)
    found, at = [], 0
    while at < used:
        count = OPERANDS.get(words[at], 0)
        found.append((words[at], words[at + 1:at + 1 + count]))
        at += 1 + count
    return found


class BootError(Exception):
    pass


class Refused(Exception):
    """GSP-RM answered an RPC with an error."""

    def __init__(self, status):
        super().__init__(f"status 0x{status:x}")
        self.status = status


class Client:
    """
    Boots GSP-RM and talks to it. Each step may be called by itself; boot()
    calls them in order. Inputs of later steps (meta, libos, rmargs, ...) are
    made by prepare() and may be changed in between.
    """

    firmware_cache = {}

    def __init__(self, machine, release=R570, vgpu=True):
        self.m, self.ram, self.vgpu = machine, machine.ram, vgpu
        self.fw = self.firmware_cache.setdefault(release, None) or Firmware(release)
        self.firmware_cache[release] = self.fw
        self.release, self.abi = release, Abi(release)
        self.edit = {}              # program's name: function that breaks it when it is loaded
        self.keys = {"RMSecBusResetEnable": 1, "RMForcePcieConfigSave": 1, "RMDevidCheckIgnore": 1}
        if vgpu:
            self.keys["RMSetSriovMode"] = 1
        self.sequence = self.rpc_sequence = 0
        self.cmd_write = self.stat_read = self.stat_sequence = 0
        self.events = []
        self.sequenced = False
        self.on_start = lambda: None    # called when a program was started
        self.continued = None

    # VBIOS

    def vbios(self):
        return self.m.read(self.m.BAR0 + 0x300000, 0x20000)

    def fwsec(self, command, region=None):
        """FWSEC's program from the VBIOS with @command patched in; None when the board has none."""
        rom = self.vbios()
        bit = rom.index(b"\xff\xb8BIT\0")
        head, entry, count = rom[bit + 8], rom[bit + 9], rom[bit + 10]
        falcon = None
        for i in range(count):
            token, _version, _size, at = struct.unpack_from("<BBHH", rom, bit + head + i * entry)
            if token == 0x70:
                falcon, = struct.unpack_from("<I", rom, at)
        base = self.rom_pointer(rom, falcon)
        _version, head, entry, count = struct.unpack_from("<4B", rom, base)
        for i in range(count):
            app, _target, desc = struct.unpack_from("<BBI", rom, base + head + i * entry)
            if app == 0x85:
                return self.fwsec_program(rom, self.rom_pointer(rom, desc), command, region)
        return None

    @staticmethod
    def rom_images(rom):
        """(type, offset, size) of each image of the ROM, by NVIDIA's extension of the PCI header."""
        images, at = [], 0
        while True:
            pcir = at + struct.unpack_from("<H", rom, at + 0x18)[0]
            npde = (pcir + struct.unpack_from("<H", rom, pcir + 0xa)[0] + 15) & ~15
            size = struct.unpack_from("<H", rom, npde + 8)[0] * 512
            images.append((rom[pcir + 0x14], at, size))
            if rom[npde + 0xa] & 0x80:
                return images
            at += size

    @classmethod
    def rom_pointer(cls, rom, pointer):
        """Pointers past the first image go on in the first of type 0xe0."""
        images = cls.rom_images(rom)
        first = images[0][2]
        if pointer < first:
            return pointer
        return pointer - first + next(at for kind, at, _size in images if kind == 0xe0)

    def fwsec_program(self, rom, desc, command, region):
        (vdesc, _stored, pkc, appif, _imem, code_len, virt, _dmem, data_len, engine, ucode, count,
         versions) = struct.unpack_from("<9IHBBH", rom, desc)
        code_at = desc + (vdesc >> 16)
        data = bytearray(rom[code_at + code_len:code_at + code_len + data_len])
        data += bytes(-len(data) % 256)     # whole blocks are loaded
        _version, head, step, entries = data[appif:appif + 4]
        for i in range(entries):
            ident, mapper = struct.unpack_from("<2I", data, appif + head + i * step)
            if ident == 4:
                break
        struct.pack_into("<I", data, mapper + 0x2c, command)
        cmd, = struct.unpack_from("<I", data, mapper + 8)
        struct.pack_into("<2IQ2I", data, cmd, 1, 24, 0, 0, 2)
        if region:
            struct.pack_into("<5I", data, cmd + 24, 1, 20, region[0] >> 12, region[1] >> 12, 2)
        program = Program("fwsec", rom[code_at:code_at + code_len], data,
                          [rom[desc + 44 + i * 384:desc + 44 + (i + 1) * 384] for i in range(count)],
                          pkc=pkc, engine=engine, ucode_id=ucode, boot_vector=virt)
        fuse = self.m.rd(0x8241c0 + 4 * (ucode - 1)).bit_length()
        program.signature = bin(versions & ((1 << fuse) - 1)).count("1")
        program.command, program.record = mapper + 0x2c, cmd
        return program

    # falcons

    def wait_gfw(self):
        """The GPU's own firmware is through."""
        if not self.m.wait(lambda: self.m.rd(0x118128) & 1 and self.m.rd(0x118234) & 0xff == 0xff):
            raise BootError("GFW does not boot")

    def reset_engine(self, falcon):
        """Its RISC-V core is the one that is chosen then."""
        self.m.wr(falcon + 0x3c0, 1)
        self.m.wr(falcon + 0x3c0, 0)
        self.m.wait(lambda: not self.m.rd(falcon + 0x0f4) & 1 << 12, ms=10)

    def choose_falcon(self, falcon):
        self.m.wr(falcon + 0x1668, 0)
        self.m.wait(lambda: self.m.rd(falcon + 0x1668) & 1, ms=10)

    def reset(self, falcon, dma):
        self.reset_engine(falcon)
        self.choose_falcon(falcon)
        self.m.wr(falcon + 0x084, self.m.rd(0))
        self.m.wr(falcon + FBIF[falcon] + 0x24, dma["fbif"])
        self.m.wr(falcon + 0x10c, dma["dmactl"])
        self.m.wr(falcon + FBIF[falcon], dma["transcfg"])

    def load(self, falcon, addr, size, command, tag=0, chunk=256):
        """@size bytes from bus address @addr to the start of a falcon memory; code gets tags from @tag on."""
        self.m.wr(falcon + 0x110, (addr - tag) >> 8 & 0xffffffff)
        self.m.wr(falcon + 0x128, (addr - tag) >> 40)
        for off in range(0, size, chunk):
            self.m.wr(falcon + 0x114, off)
            self.m.wr(falcon + 0x11c, off + tag)
            self.m.wr(falcon + 0x118, command)
            if not self.m.wait(lambda: self.m.rd(falcon + 0x118) & 2, ms=10):
                raise BootError("falcon DMA does not end")

    def signature_index(self, program):
        if program.signature is not None:
            return program.signature
        fuse = self.m.rd(0x824140 + 4 * (program.regs["ucode_id"] - 1)).bit_length()
        return program.fuse_version - fuse if fuse else len(program.signatures) - 1

    def run(self, falcon, program, mailbox=None):
        """Loads and starts a program; mailbox 0 after it halted."""
        self.wait_gfw()
        program = copy.deepcopy(program)
        sign = program.signatures[self.signature_index(program)]
        program.data[program.at:program.at + len(sign)] = sign
        if program.name in self.edit:
            self.edit[program.name](program)
        dma, regs = program.dma, program.regs
        self.reset(falcon, dma)
        self.load(falcon, self.ram.put(program.code, 256), len(program.code), dma["imem"], program.tag, dma["chunk"])
        self.load(falcon, self.ram.put(program.data, 256), len(program.data), dma["dmem"])
        for reg, value in ((0x1210, regs["pkc"]), (0x119c, regs["engine"]), (0x1198, regs["ucode_id"]),
                           (0x1180, regs["algorithm"]), (0x104, regs["boot_vector"])):
            self.m.wr(falcon + reg, value)
        if mailbox is not None:
            self.m.wr(falcon + 0x040, mailbox & 0xffffffff)
            self.m.wr(falcon + 0x044, mailbox >> 32)
        self.m.wr(falcon + 0x100, 2)
        self.on_start()
        if self.m.rd(falcon + 0x100) & 0x10:
            raise BootError("the falcon is said to have halted at once")
        if not self.m.wait(lambda: self.m.rd(falcon + 0x100) & 0x10):
            raise BootError("the falcon does not halt")
        return self.m.rd(falcon + 0x040)

    # what booter_load and GSP-RM read

    def heap_size(self, fb):
        if self.vgpu:
            return (581 if self.release == R570 else 549) * MIB
        carve = 22 if self.release == R570 else 20
        return (carve + 8 + 96) * MIB + (96 * KIB * (fb // GIB) + MIB - 1) // MIB * MIB

    def layout(self):
        """Framebuffer from the top down, with no display."""
        self.wait_gfw()
        fb = self.m.rd(0x1183a4) * MIB
        vga = fb - MIB
        end = vga & -(128 * KIB)
        frts = end - MIB
        boot = (frts - len(self.fw.bootloader)) & -PAGE
        elf = (boot - len(self.fw.image)) & -(64 * KIB)
        heap = (elf - self.heap_size(fb)) & -MIB
        start = heap - MIB
        return {"fbSize": fb, "vgaWorkspaceOffset": vga, "vgaWorkspaceSize": fb - vga, "gspFwWprEnd": end,
                "frtsOffset": frts, "frtsSize": MIB, "bootBinOffset": boot, "gspFwOffset": elf,
                "gspFwHeapOffset": heap, "gspFwHeapSize": (elf - heap) & -MIB, "gspFwWprStart": start,
                "nonWprHeapOffset": start - MIB, "nonWprHeapSize": MIB, "gspFwRsvdStart": start - MIB,
                "gspFwHeapVfPartitionCount": 32 if self.vgpu else 0}

    def radix3(self):
        """Tables over the image's pages; returns the root. The tables stay at self.radix for tests to break."""
        pages = self.ram.image_pages(self.fw)
        level2 = [self.ram.put(struct.pack(f"<{len(pages[i:i + 512])}Q", *pages[i:i + 512]).ljust(PAGE, b"\0"))
                  for i in range(0, len(pages), 512)]
        level1 = self.ram.put(struct.pack(f"<{len(level2)}Q", *level2).ljust(PAGE, b"\0"))
        root = self.ram.put(struct.pack("<Q", level1).ljust(PAGE, b"\0"))
        self.radix = {"root": root, "level1": level1, "level2": level2, "pages": pages}
        return root

    def prepare(self):
        """Everything in memory that the programs and GSP-RM will read."""
        fw = self.fw
        self.bootloader = self.ram.put(fw.bootloader)
        self.signature = self.ram.put(fw.signature)
        self.meta = {
            "magic": 0xdc3aae21371a60b3, "revision": 1, "sysmemAddrOfRadix3Elf": self.radix3(),
            "sizeOfRadix3Elf": len(fw.image), "sysmemAddrOfBootloader": self.bootloader,
            "sizeOfBootloader": len(fw.bootloader), "bootloaderCodeOffset": fw.loader_code,
            "bootloaderDataOffset": fw.loader_data, "bootloaderManifestOffset": fw.loader_manifest,
            "sysmemAddrOfSignature": self.signature, "sizeOfSignature": len(fw.signature), **self.layout()}
        self.frts_region = self.meta["frtsOffset"], self.meta["frtsSize"]
        self.make_queues()
        self.make_libos()

    def make_queues(self):
        """Shared memory of 129 pages, each apart from the next, described by its own first page."""
        self.shm = [self.ram.alloc(PAGE) for _ in range(129)][::-1]
        for i, at in enumerate(self.shm):
            self.shm_write(8 * i, struct.pack("<Q", at))
        self.cmdq, self.statq, self.slots = 0x1000, 0x41000, 63
        self.queue_header = {"version": 0, "size": 0x40000, "msgSize": PAGE, "msgCount": self.slots, "writePtr": 0,
                             "flags": 1, "rxHdrOff": 0x20, "entryOff": PAGE}

    def make_libos(self):
        self.rmargs = {
            "messageQueueInitArguments.sharedMemPhysAddr": self.shm[0],
            "messageQueueInitArguments.pageTableEntryCount": len(self.shm),
            "messageQueueInitArguments.cmdQueueOffset": self.cmdq,
            "messageQueueInitArguments.statQueueOffset": self.statq}
        if self.release == R570:
            self.rmargs["bDmemStack"] = 1
        self.rmargs_at = self.ram.alloc(PAGE)
        self.libos = []
        for name in ("LOGINIT", "LOGINTR", "LOGRM"):
            log = self.ram.alloc(0x10000)
            self.ram.write(log + 8, struct.pack("<16Q", *range(log, log + 0x10000, PAGE)))
            self.libos.append([name, log, 0x10000, 1, 1])
        self.libos.append(["RMARGS", self.rmargs_at, PAGE, 1, 1])

    def store(self):
        """Writes what prepare() made, with the tests' changes, to memory."""
        self.meta_at = self.ram.put(self.abi.pack(META, self.meta))
        self.ram.write(self.rmargs_at, self.abi.pack("GSP_ARGUMENTS_CACHED", self.rmargs))
        self.shm_write(self.cmdq, self.abi.pack("msgqTxHeader", self.queue_header))
        page = b"".join(struct.pack("<3Q2B6x", int.from_bytes(name.encode(), "big"), at, size, kind, loc)
                        for name, at, size, kind, loc in self.libos)
        self.libos_at = self.ram.put(page.ljust(PAGE, b"\0"))

    # the boot

    def run_frts(self):
        return self.run(GSP, self.fwsec(FRTS, self.frts_region), 0)

    def run_scrubber(self):
        return self.run(SEC2, self.fw.scrubber)

    def reset_gsp(self):
        """Into RISC-V, with the address of the libos arguments in its mailboxes."""
        self.reset_engine(GSP)
        self.m.wr(GSP + 0x1668, 0x111)
        self.m.wr(GSP + 0x040, self.libos_at & 0xffffffff)
        self.m.wr(GSP + 0x044, self.libos_at >> 32)

    def run_booter(self):
        return self.run(SEC2, self.fw.booter_load, self.meta_at)

    def needs_scrubber(self):
        return self.meta["fbSize"] - self.meta["gspFwRsvdStart"] > 256 * MIB and self.m.rd(0x1180fc) >> 29 < 3

    def frts(self):
        error = self.run_frts()
        if error or self.m.rd(0x1438) >> 16:
            raise BootError(f"FWSEC-FRTS: 0x{error:x}, scratch 0x{self.m.rd(0x1438):x}")
        lo, hi = self.m.rd(0x1fa824) >> 4 << 12, (self.m.rd(0x1fa828) >> 4 << 12) + 0x20000
        if (lo, hi) != (self.frts_region[0], sum(self.frts_region)):
            raise BootError(f"FWSEC-FRTS: WPR2 0x{lo:x} - 0x{hi:x}")

    def scrub(self):
        if self.needs_scrubber():
            error = self.run_scrubber()
            if error or self.m.rd(0x1180fc) >> 29 < 3:
                raise BootError(f"scrubber: 0x{error:x}")

    def load_gsp(self):
        self.reset_gsp()
        error = self.run_booter()
        if error:
            raise BootError(f"booter_load: 0x{error:x}")
        if not self.m.rd(GSP + 0x1388) & 0x80:
            raise BootError("booter_load: RISC-V is not active")

    def boot_falcons(self):
        """Up to the end of booter_load; raises BootError where a program fails."""
        self.frts()
        self.scrub()
        self.load_gsp()

    def first_commands(self):
        self.send(72, self.system_info())
        self.send(73, self.registry())

    def wait_event(self, *functions, ms=2000):
        """The first of these that came, as (function, payload)."""
        def come():
            self.poll()
            return next((e for e in self.events if e[0] in functions), None)
        return self.m.wait(come, ms=ms)

    def wait_init_done(self):
        """Does on the way what GSP-RM asks for."""
        event = self.wait_event(RUN_CPU_SEQUENCER, INIT_DONE)
        if event and event[0] == RUN_CPU_SEQUENCER and not self.sequenced:
            self.sequenced = True
            self.run_sequencer(operations(event[1]))
        if not self.wait_event(INIT_DONE):
            raise BootError("no INIT_DONE")

    def start_sec2(self):
        self.m.wr(SEC2 + 0x100, 2)
        if not self.m.wait(lambda: self.m.rd(SEC2 + 0x100) & 0x10):
            raise BootError("SEC2 does not halt")
        return self.m.rd(SEC2 + 0x040)

    def core(self, operation):
        if operation == CORE_RESET:
            self.reset(GSP, {"fbif": 0x80, "dmactl": 0, "transcfg": 0})
        elif operation == CORE_START:
            self.m.wr(GSP + 0x100, 2)
        elif operation == CORE_WAIT_FOR_HALT:
            if not self.m.wait(lambda: self.m.rd(GSP + 0x100) & 0x10):
                raise BootError("the GSP's falcon does not halt")
        else:
            self.reset_gsp()
            error = self.start_sec2()
            if error:
                raise BootError(f"CORE_RESUME: 0x{error:x}")

    def run_sequencer(self, todo):
        """As a driver does it."""
        for operation, args in todo:
            if operation == WRITE:
                self.m.wr(*args)
            elif operation == MODIFY:
                self.m.wr(args[0], self.m.rd(args[0]) & ~args[1] | args[2])
            elif operation == POLL:
                if not self.m.wait(lambda r=args[0], mask=args[1], value=args[2]: self.m.rd(r) & mask == value, ms=100):
                    raise BootError(f"poll of 0x{args[0]:x}")
            elif operation == DELAY:
                self.m.step(args[0] * 1000)
            elif operation == STORE:
                self.m.rd(args[0])
            else:
                self.core(operation)

    def start(self):
        """Up to the end of booter_load."""
        self.prepare()
        self.store()
        self.first_commands()
        self.boot_falcons()

    def boot(self):
        self.start()
        self.wait_init_done()
        return self

    def goodbye(self):
        """GSP-RM stops, WPR2 stays up."""
        self.rpc(47, bytes(self.abi.sizes.get("rpc_unloading_guest_driver_v1F_07", 8)))
        if not self.m.wait(lambda: self.m.rd(GSP + 0x040) == 0x80000000):
            raise BootError("GSP-RM does not say goodbye")

    def unload(self):
        """The way back, to WPR2 down."""
        self.goodbye()
        error = self.run(GSP, self.fwsec(SB), 0)
        if error or self.m.rd(0x1454) & 0xffff:
            raise BootError(f"FWSEC-SB: 0x{error:x}")
        error = self.run(SEC2, self.fw.booter_unload, 0xff << 32 | 0xff)
        if error or self.m.rd(0x1fa828):
            raise BootError(f"booter_unload: 0x{error:x}, WPR2 HI 0x{self.m.rd(0x1fa828):x}")

    # first two commands

    def system_info(self):
        fields = {"gpuPhysAddr": self.m.BAR0, "gpuPhysFbAddr": self.m.BAR1, "gpuPhysInstAddr": self.m.BAR3,
                  "nvDomainBusDeviceFunc": self.m.SLOT << 3, "maxUserVa": 0x7ffffffff000,
                  "pciConfigMirrorBase": 0x88000, "pciConfigMirrorSize": 0x1000}
        if self.vgpu:
            fields |= {"gspVFInfo.totalVFs": 32, "gspVFInfo.firstVFOffset": 4,
                       "gspVFInfo.FirstVFBar0Address": self.m.VF_BAR0, "gspVFInfo.FirstVFBar1Address": self.m.VF_BAR1,
                       "gspVFInfo.FirstVFBar2Address": self.m.VF_BAR3, "gspVFInfo.b64bitBar1": 1,
                       "gspVFInfo.b64bitBar2": 1}
        return self.abi.pack("GspSystemInfo", fields)

    def registry(self):
        names, entries, at = b"", b"", 8 + 16 * len(self.keys)
        for name, value in self.keys.items():
            entries += struct.pack("<IB3xII", at + len(names), 1, value, 4)
            names += name.encode() + b"\0"
        return struct.pack("<II", at + len(names), len(self.keys)) + entries + names

    # queues

    def shm_write(self, off, data):
        """Shared memory by its own page table."""
        while data:
            room = PAGE - off % PAGE
            self.ram.write(self.shm[off // PAGE] + off % PAGE, data[:room])
            off, data = off + room, data[room:]

    def shm_read(self, off, size):
        out = b""
        while size:
            n = min(size, PAGE - off % PAGE)
            out += self.ram.read(self.shm[off // PAGE] + off % PAGE, n)
            off, size = off + n, size - n
        return out

    def shm_read32(self, off):
        return struct.unpack("<I", self.shm_read(off, 4))[0]

    @staticmethod
    def checksum(data):
        data = data.ljust(-(-len(data) // 8) * 8, b"\0")
        total = 0
        for word in struct.unpack(f"<{len(data) // 8}Q", data):
            total ^= word
        return (total >> 32) ^ (total & 0xffffffff)

    def element(self, function, payload, **over):
        """One queue element; @over replaces fields after everything else was made right."""
        length = over.get("length", 32 + len(payload))
        count = over.get("elements", -(-(48 + 32 + len(payload)) // PAGE))
        rpc = struct.pack("<8I", 0x03000000, 0x43505256, length, function, 0xffffffff, 0xffffffff,
                          over.get("rpc_sequence", self.rpc_sequence), over.get("gfid", 0)) + payload
        head = struct.pack("<32x3I4x", 0, over.get("sequence", self.sequence), count)
        total = self.checksum(head + rpc) ^ over.get("checksum_xor", 0)
        return head[:32] + struct.pack("<I", total) + head[36:] + rpc

    def push(self, element, ring=True):
        """Into the command queue, wrapping around its end."""
        for i in range(0, len(element), PAGE):
            self.shm_write(self.cmdq + PAGE + self.cmd_write * PAGE, element[i:i + PAGE].ljust(PAGE, b"\0"))
            self.cmd_write = (self.cmd_write + 1) % self.slots
        self.sequence += 1
        self.shm_write(self.cmdq + 0x10, struct.pack("<I", self.cmd_write))
        if ring:
            self.m.wr(0x110c00, 0)

    def room(self):
        """Slots that GSP-RM has left free in the command queue; one stays empty."""
        read = self.shm_read32(self.statq + 0x20)
        return (read - self.cmd_write - 1) % self.slots

    def send(self, function, payload, **over):
        """A command of any size; what does not fit in 16 pages goes on in continuation records."""
        limit = 16 * PAGE - 48 - 32
        for off in range(0, max(len(payload), 1), limit):
            part = payload[off:off + limit]
            element = self.element(function if not off else 71, part, **over)
            if not self.m.wait(lambda: self.room() >= -(-len(element) // PAGE)):     # pylint: disable=W0640
                raise BootError("the command queue stays full")
            self.push(element)
        self.rpc_sequence += 1

    def poll(self, keep=False):
        """Takes all messages off the status queue into self.events; true if there are any in it."""
        while True:
            write = self.shm_read32(self.statq + 0x10)
            if write == self.stat_read:
                return self.events
            at = self.statq + PAGE + self.stat_read * PAGE
            head = self.shm_read(at, 80)
            _sum, sequence, count = struct.unpack_from("<3I", head, 32)
            length, function, result = struct.unpack_from("<3I", head, 56)
            data = b"".join(self.shm_read(self.statq + PAGE + (self.stat_read + i) % self.slots * PAGE, PAGE)
                            for i in range(count))
            if self.checksum(data[:48 + length]) or self.checksum(data):
                raise BootError(f"checksum of message {sequence} is wrong")
            if sequence != self.stat_sequence:
                raise BootError(f"message {sequence}, expected {self.stat_sequence}")
            self.stat_sequence += 1
            self.stat_read = (self.stat_read + count) % self.slots
            self.accept(function, result, data[80:48 + length])
            if not keep:
                self.ack()

    def ack(self):
        self.shm_write(self.cmdq + 0x20, struct.pack("<I", self.stat_read))

    def ack_all(self):
        """Forgets what is in the status queue."""
        self.stat_read = self.shm_read32(self.statq + 0x10)
        self.ack()

    def accept(self, function, result, payload):
        if function == 71:
            self.events[-1] = self.events[-1][0], self.events[-1][1] + payload
            return
        if result and function >= 0x1000:
            raise BootError(f"event 0x{function:x} with result 0x{result:x}")
        self.events.append((function, payload))
        self.result = result

    def rpc(self, function, payload, length=None, **over):
        """Sends a command and returns its answer's payload (all @length bytes of it)."""
        self.events = []
        self.send(function, payload, **over)
        want = len(payload) if length is None else length

        def answered():
            self.poll()
            return [p for f, p in self.events if f == function and len(p) >= want]

        found = self.m.wait(answered, ms=300)
        if not found:
            raise BootError(f"no answer to RPC {function}")
        if self.result:
            raise Refused(self.result)
        return found[0]

    def control(self, command, params, client=None, target=None, size=None):
        """GSP_RM_CONTROL; raises Refused with NV_STATUS, else the parameters as GSP-RM left them."""
        client = self.static["hInternalClient"] if client is None else client
        target = self.static["hInternalSubdevice"] if target is None else target
        body = struct.pack("<6I", client, target, command, 0, len(params) if size is None else size, 0) + params
        answer = self.rpc(76, body)
        status, = struct.unpack_from("<I", answer, 12)
        if status:
            raise Refused(status)
        return answer[24:]

    def alloc(self, client, parent, handle, cls, params=b""):
        body = struct.pack("<8I", client, parent, handle, cls, 0, len(params), 0, 0) + params
        answer = self.rpc(103, body)
        status, = struct.unpack_from("<I", answer, 16)
        if status:
            raise Refused(status)

    def get_static(self):
        """GET_GSP_STATIC_INFO; keeps the handles that controls need."""
        size = self.abi.sizes["GspStaticConfigInfo"]
        data = self.static_raw = self.rpc(65, bytes(size))
        self.static = {m: self.abi.get("GspStaticConfigInfo", m, data)
                       for (s, m) in self.abi.members if s == "GspStaticConfigInfo" and
                       self.abi.members[s, m][1] <= 8}
        return self.static
