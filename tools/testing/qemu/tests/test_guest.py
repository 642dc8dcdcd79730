# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's driver and its plugin task: version, static data, objects, channels, events."""

import json
import re
import struct

from gspclient import Client, KIB, MIB, Machine, PAGE, R570, abi_tables
from harness import CASES, Case, equal, none, only, test, true
from test_chan import (CE, COPY_B, DATA_PAGES, FB_DATA, PUSH, RELEASE, RING, SEM, SET_OBJECT, SYS_DATA, UNMAPPED, VA,
                       engine, inc, launch, semaphore)
from test_mmu import COHERENT, Fb, Tables, pde, pte
from test_plugin import ADD, FB, Guest, MESSAGE, OK, Plugin, RESET, SYSMEM, SYSTEM_INFO, TYPE, accounting
from test_vgpu import ADD_TYPE

ABI = abi_tables()
R550 = "550.163.01"
NEWEST, OLDER = (0x29, 0x0c), (0x25, 0x1b)      # the versions whose layouts are known
LAYOUT = {NEWEST: R570, OLDER: R550}
NOT_SUPPORTED, INVALID_STATE, INSUFFICIENT_RESOURCES, MISMATCH = 0x56, 0x40, 0x1a, 0x6a
BAD_FORMAT, NO_CONTROL = 0xff100002, 0xff100009
GR0, COPY0, COPY2, SW = 1, 9, 0xb, 0x22


class Layout:
    """Members of the two large replies: {part.member: (offset, size)}, parts without their version."""

    def __init__(self, release):
        members = {}
        for line in (ABI / f"r{release}.structs.tsv").read_text().splitlines()[1:]:
            struct_, member, offset, size, _kind, _source = line.split("\t")
            members.setdefault(struct_, []).append((member, int(offset), int(size)))
        self.total, self.at = {}, {}
        for line in (ABI / f"r{release}.guest-static-data.tsv").read_text().splitlines()[1:]:
            rpc, index, offset, size, wire = line.split("\t")
            if index == "total":
                self.total[rpc] = int(size)
                continue
            part = re.sub(r"_v[0-9A-F]{2}_[0-9A-F]{2}(\[\d+\])?$", "", wire)
            for member, inside, length in members.get(wire, []):
                self.at[f"{part}.{member}"] = int(offset) + inside, length


class Data:
    """One of these replies, as it came."""

    def __init__(self, layout, raw):
        self.layout, self.raw = layout, raw

    def bytes(self, name, stride=0):
        at, size = self.layout.at[name]
        return self.raw[at + stride:at + stride + size]

    def __call__(self, name, stride=0):
        return int.from_bytes(self.bytes(name, stride), "little")

    def text(self, name):
        return self.bytes(name).partition(b"\0")[0].decode()


UUID = bytes(range(1, 17))
NAME = "NVIDIA L40-8Q"


def host(m, cls="Quadro", cuda=1):
    """GSP-RM that knows a type by name, and two VFs."""
    c = Client(m).boot()
    c.get_static()
    first = "vgpuInfo[0]."
    c.control(ADD_TYPE, c.abi.pack(ADD, {
        "discardVgpuTypes": 1, "vgpuInfoCount": 1, first + "vgpuType": TYPE, first + "vgpuName": NAME.encode(),
        first + "vgpuClass": cls.encode(), first + "cudaEnabled": cuda}))
    m.enable_vfs(2)
    return c


class Driver(Guest):
    """What NVIDIA's driver does, call by call."""

    def __init__(self, plugin, version=OLDER, aperture=SYSMEM, gpa=MIB):
        super().__init__(plugin, aperture, gpa)
        self.offered, self.get = version, 0
        self.layout = Layout(LAYOUT.get(version, R570))

    def call(self, function, name, fields, size=None):
        """An RPC by the name of its structure; its result and payload."""
        return self.rpc(function, self.abi.pack(name, fields, size))

    def system_info(self, version=None):
        major, minor = version or self.offered
        return self.call(1, SYSTEM_INFO, {"vgxVersionMajorNum": major, "vgxVersionMinorNum": minor})

    def private(self):
        return struct.unpack("<I", self.m.ram.read(self.buffers[0] + 20, 4))[0]

    def must(self, function, name, fields, size=None):
        result, payload = self.call(function, name, fields, size)
        equal(result, OK, f"result of function {function}")
        return payload

    def hello(self):
        """Set-up and the first two calls."""
        true(self.setup(), "set-up")
        result, payload = self.system_info()
        equal((result, self.private(), struct.unpack_from("<2I", payload)), (OK, OK, self.offered), "version")
        self.must(64, "rpc_set_guest_system_info_ext_v25_1B", {})
        return self

    def piece(self, function, offset, size):
        return self.rpc(function, struct.pack("<2I", offset, size) + bytes(min(size, 4056)))

    def read(self, function, rpc):
        total, raw = self.layout.total[rpc], b""
        while len(raw) < total:
            size = min(4056, total - len(raw))
            result, payload = self.piece(function, len(raw), size)
            equal(result, OK, f"function {function} at {len(raw)}")
            equal(struct.unpack_from("<2I", payload), (len(raw), size), "what was asked for")
            raw += payload[8:8 + size]
        return Data(self.layout, raw)

    def static(self):
        return self.read(207, "GET_STATIC_DATA")

    def graphics(self):
        return self.read(156, "GET_CONSOLIDATED_GR_STATIC_INFO")

    # objects

    CLIENT, DEVICE, SUBDEVICE = 0xc1d00001, 0xcaf00000, 0xcaf00001

    def root(self, client=CLIENT):
        return self.call(2, "rpc_alloc_root_v07_00", {"hClient": client, "processID": 0xffffffff})[0]

    def device(self, client=CLIENT, device=DEVICE, cls=0x80):
        return self.call(32, "rpc_alloc_share_device_v03_00", {"hClient": client, "hDevice": device, "hClass": cls})[0]

    def subdevice(self, client=CLIENT, parent=DEVICE, handle=SUBDEVICE, cls=0x2080, inst=0):
        return self.call(19, "rpc_alloc_subdevice_v08_01", {
            "subDeviceInst": inst, "params.hRoot": client, "params.hObjectParent": parent,
            "params.hObjectNew": handle, "params.hClass": cls})[0]

    def object(self, parent, handle, cls, client=CLIENT):
        return self.call(9, "rpc_alloc_object_v27_00", {
            "hClient": client, "hParent": parent, "hObject": handle, "hClass": cls}, 80)[0]

    def free(self, parent, handle, client=CLIENT):
        return self.call(10, "rpc_free_v03_00", {
            "params.hRoot": client, "params.hObjectParent": parent, "params.hObjectOld": handle})[0]

    def event(self, handle, about, index, client=CLIENT, about_client=CLIENT):
        return self.call(23, "rpc_alloc_event_v03_00", {
            "hClient": client, "hParentClient": about_client, "hObject": about, "hEvent": handle, "hClass": 0x7e,
            "notifyIndex": index})[0]

    def tree(self, client=CLIENT):
        equal((self.root(client), self.device(client), self.subdevice(client)), (OK, OK, OK), "results")
        return self

    def unload(self):
        self.must(47, "rpc_unloading_guest_driver_v1F_07", {})
        true(self.teardown(), "teardown")

    def again(self):
        """The buffers are put elsewhere, as after BAR2 has page tables."""
        words, self.aperture = dict(self.words), SYSMEM
        true(self.teardown(), "teardown")
        self.words = words
        true(self.setup(), "second set-up")


def driver(c, version=OLDER, **kwargs):
    return Driver(Plugin(c, 1).start(), version, **kwargs)


def in_guests(m):
    now = accounting(m)["now"]
    return tuple(now[f"guest_{what}"] for what in ("clients", "objects", "channels"))


# ---- version ---------------------------------------------------------------------------------------------------------


for VERSION in (OLDER, NEWEST):
    @test(f"guest: version {VERSION[0]:x}.{VERSION[1]:02x} stays as it is")
    def _(version=VERSION):
        with Machine() as m:
            d = driver(host(m), version).hello()
            equal(d.plugin.state()["guest"]["version"], f"{version[0]:02x}.{version[1]:02x}", "version in the model")
            none(m)


@test("guest: a newer one is told the host's version, and comes again with it")
def _():
    with Machine() as m:
        d = driver(host(m), (0x2b, 0x13))
        true(d.setup(), "set-up")
        result, payload = d.system_info()
        equal((result, d.private(), struct.unpack_from("<2I", payload)), (OK, MISMATCH, NEWEST), "first answer")
        result, payload = d.system_info(NEWEST)
        equal((result, d.private(), struct.unpack_from("<2I", payload)), (OK, OK, NEWEST), "second answer")
        none(m)


# ---- static data -----------------------------------------------------------------------------------------------------


def engines(data, count):
    """[(type, runlist, host driven, its PBDMAs, name)] of the table of FIFO devices."""
    entry, out = "VGPU_FIFO_GET_DEVICE_INFO_TABLE.fifoDeviceInfoTable[0].entries[0].", []
    for i in range(count):
        words = struct.unpack("<16I", data.bytes(entry + "engineData", 100 * i))
        pbdmas = struct.unpack("<2I", data.bytes(entry + "pbdmaIds", 100 * i))
        out.append((words[2], words[3], words[12], list(pbdmas[:data(entry + "numPbdmas", 100 * i)]),
                    data.bytes(entry + "engineName", 100 * i).partition(b"\0")[0].decode()))
    return out


def static_data(version, release):
    with Machine() as m:
        p = Plugin(host(m), 1, segments=[(1 << 30, 256 * MIB), (3 << 30, 128 * MIB)])
        p.config |= {"vgpu_uuid": UUID}
        d = Driver(p.start(), version).hello()
        data = d.static()
        equal(len(data.raw), {R550: 54152, R570: 70476}[release], "bytes")
        gpu, name = "VGPU_STATIC_DATA.", "VGPU_STATIC_DATA.gpuName."
        equal(data(gpu + "fbLength"), 384 * MIB, "framebuffer")
        equal(data(gpu + "engineList"), 1 << GR0 | 1 << COPY0 | 1 << COPY2, "engines")
        equal((data(gpu + "bSplitVasBetweenServerClientRm"), data(gpu + "bPerRunlistChannelRamEnabled")), (1, 1),
              "page tables and ids are the guest's")
        equal((data.text(name + "adapterName"), data.text(name + "shortGpuNameString")), (NAME, "L40-8Q"), "names")
        equal(data.bytes(name + "adapterName_Unicode").decode("utf-16-le").rstrip("\0"), NAME, "name in Unicode")
        equal(data("VGPU_STATIC_PROPERTIES.channelCount"), 32, "channels")
        equal(data.bytes("NV2080_CTRL_GPU_GET_GID_INFO_PARAMS.data")[:16], UUID, "UUID")
        region = "NV2080_CTRL_CMD_FB_GET_FB_REGION_INFO_PARAMS."
        equal((data(region + "numFBRegions"), data(region + "fbRegion[0].base"), data(region + "fbRegion[0].limit")),
              (1, 0, 384 * MIB - 1), "regions")
        fifo = "VGPU_FIFO_GET_DEVICE_INFO_TABLE.fifoDeviceInfoTable[0]."
        equal((data(fifo + "numEntries"), data(fifo + "bMore")), (4, 0), "entries")
        equal(engines(data, 4), [(GR0, 0, 1, [0], "GR0"), (COPY0, 0, 1, [0], "CE0"), (COPY2, 1, 1, [1], "CE2"),
                                 (SW, 0, 0, [], "SW")], "engines by the FIFO, the last is software's")
        vectors = "NV2080_CTRL_MC_GET_ENGINE_NOTIFICATION_INTR_VECTORS_PARAMS."
        equal([data(vectors + "entries[0].nv2080EngineType", 8 * i) for i in range(data(vectors + "numEntries"))],
              [GR0, COPY0, COPY2], "engines with a vector")
        static = "NV2080_CTRL_MC_GET_STATIC_INTR_TABLE_PARAMS."
        table = {data(static + "entries[0].nv2080IntrType", 16 * i): data(static + "entries[0].intrVectorStall", 16 * i)
                 for i in range(data(static + "numEntries"))}
        equal((sorted(table), table[8], table[4] // 32, table[6] // 32), (list(range(1, 9)), 0x81, 2, 2), "vectors")
        equal(data("GPU_PARTITION_INFO.swizzId"), 0xffffffff, "no MIG")
        config = "NVA080_CTRL_VGPU_GET_CONFIG_PARAMS."
        equal([data(config + name) for name in ("cudaEnabled", "vgpuDeviceCapsBits", "uvmEnabledFeatures")],
              [1, 1 << 11 | 1 << 1, 0], "CUDA, SR-IOV, nothing managed")
        caps = "VGPU_CE_GET_CAPS_V2.ceCaps[0]."
        equal([(data(caps + "ceEngineType", 8 * i), data(caps + "capsTbl", 8 * i)) for i in range(4)],
              [(COPY0, 1), (0, 0), (COPY2, 0), (0, 0)], "copy engines, the first is graphics'")
        caps = "NV2080_CTRL_CE_GET_ALL_CAPS_PARAMS."
        equal([data(caps + "present")] + [data(caps + "ceCaps[0].capsTbl", 2 * i) for i in range(3)], [5, 1, 0, 0],
              "the same in a table")
        link = m.readl(m.config(express(m) + 0xc, 4)) & 0x3ff
        equal((data(gpu + "pcieGpuLinkCaps"), link & 0xf, link >> 4), (link, 4, 16), "link, generation, lanes")
        if release == R570:
            equal((data("VGPU_STATIC_PROPERTIES.vmmuSegmentSize"), data("VGPU_STATIC_PROPERTIES.firstAsyncCEIdx")),
                  (128 * MIB, COPY2), "VMMU segment, first engine that is not of graphics")
        none(m)


@test("guest: static data follows board, ECC, VMMU segment, numbers and type")
def _():
    gpu = "VGPU_STATIC_DATA."
    for props, want in (
            ({"board": "l4", "vmmu_segment": 64 * MIB}, {gpu + "fbBusWidth": 192,
                                                         "VGPU_STATIC_PROPERTIES.vmmuSegmentSize": 64 * MIB}),
            ({"vmmu_segment": 512 * MIB}, {gpu + "maxSupportedPageSize": 512 * MIB}),
            ({"ecc": "off"}, {"NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS.units[0].enabled": 0, gpu + "fbBusWidth": 384,
                              gpu + "maxSupportedPageSize": 2 * MIB}),
            ({"ecc": "on"}, {"NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS.units[0].enabled": 1}),
            ({"numbers": "other"}, {"VGPU_STATIC_PROPERTIES.firstAsyncCEIdx": 0xc,
                                    gpu + "engineList": 1 << GR0 | 1 << COPY0 | 1 << 0xc})):
        with Machine(**props) as m:
            data = driver(host(m, cuda=0), NEWEST).hello().static()
            equal({name: data(name) for name in want}, want, str(props))
            equal(data("NVA080_CTRL_VGPU_GET_CONFIG_PARAMS.cudaEnabled"), 0, "CUDA of a type without it")
            none(m)


def graphics_data(version, release):
    with Machine() as m:
        d = driver(host(m), version).hello()
        data = d.graphics()
        equal(len(data.raw), {R550: 31792, R570: 31920}[release], "bytes")
        info = "NV2080_CTRL_INTERNAL_STATIC_GR_GET_INFO_PARAMS.engineInfo[0].infoList[0]."
        equal((data(info + "index", 8 * 0x2c), data(info + "data", 8 * 0x2c)), (0x2c, 64), "subcontexts")
        has = [data(info + "data", 8 * i) for i in (0x7, 0x9, 0xc, 0xd, 0xe, 0x14, 0x17, 0x1d, 0x20)]
        equal(has, [1, 1, 0x809, 48, 32, 1, 1, 256, 2], "GPCs, TPCs, SM, its warps and threads, and all of these again")
        order = "NV2080_CTRL_INTERNAL_STATIC_GR_GET_GLOBAL_SM_ORDER_PARAMS.globalSmOrder[0]."
        equal((data(order + "numSm"), data(order + "numTpc")), (2, 1), "SMs and TPCs")
        equal([data(order + "globalSmId[0].localSmId", 12 * i) for i in range(3)], [0, 1, 0], "ids of SMs")
        masks = "NV2080_CTRL_INTERNAL_STATIC_GR_GET_FLOORSWEEPING_MASKS_PARAMS.floorsweepingMasks[0]."
        equal([data(masks + name) & 0xffffffff for name in ("gpcMask", "physGpcMask", "tpcMask", "tpcCount")], [1] * 4,
              "masks")
        part = "NV2080_CTRL_INTERNAL_STATIC_GR_GET_CONTEXT_BUFFERS_INFO_PARAMS"
        buffers = f"{part}.engineContextBuffersInfo[0].engine[0]."
        for i in range(26):
            true(data(buffers + "size", 8 * i) and data(buffers + "alignment", 8 * i), f"context buffer {i}")
        none(m)


for VERSION, OF in LAYOUT.items():
    CASES.append(Case(f"guest: static data in the layout of {OF}", lambda v=VERSION, r=OF: static_data(v, r)))
    CASES.append(Case(f"guest: data of graphics in the layout of {OF}", lambda v=VERSION, r=OF: graphics_data(v, r)))


# ---- messages --------------------------------------------------------------------------------------------------------


for CLASS_NAME, USM, CAPS in (("Quadro", 2, 1), ("NVS", 1, 2), ("Compute", 4, 0), ("", 0, 0)):
    @test(f"guest: brand of a type of class '{CLASS_NAME}'")
    def _(cls=CLASS_NAME, usm=USM, caps=CAPS):
        with Machine() as m:
            d = driver(host(m, cls=cls)).hello()
            response = "VGPU_GSP_RESPONSE_BUF_V1"
            equal(m.ram.read32(d.response + d.abi.members[response, "usmType"][0]), usm, "type in the response buffer")
            equal(d.rpc(210, b"\xff" * 4), (OK, struct.pack("<I", caps)), "capabilities")
            none(m)


@test("guest: no engine is busy, however long the request is")
def _():
    with Machine() as m:
        d = driver(host(m)).hello()
        for size in (28, 4048):
            head = struct.pack("<4I", d.CLIENT, d.SUBDEVICE, 0x20802087, 0)
            result, payload = d.rpc(60, head + b"\xff" * (size - 16))
            equal((result, payload), (OK, head + bytes(size - 16)), "answer")
        none(m)


def control(d, size, client=None, handle=None, length=40, cmd=0x2080a637):
    """204, whose header does not count its parameters; its result and whether the parameters came back."""
    params = bytes(i * 7 & 0xff for i in range(size))
    body = struct.pack("<8I", 0x03000000, 0x43505256, length, 204, 0xffffffff, 0xffffffff, 0, 0)
    body += d.abi.pack("rpc_rm_api_control_v25_1A", {
        "params.hClient": d.CLIENT if client is None else client,
        "params.hObject": d.SUBDEVICE if handle is None else handle,
        "params.cmd": cmd, "params.paramsSize": size}) + params
    d.m.ram.write(d.buffers[0], body[:128 * KIB])
    true(d.ring(MESSAGE), "answered")
    data = d.m.ram.read(d.buffers[0], len(body[:128 * KIB]))
    return struct.unpack_from("<I", data, 16)[0], data[72:] == params


@test("guest: a control is quietly not there, with parameters of up to 128 KiB")
def _():
    with Machine() as m:
        d = driver(host(m)).hello().tree()
        for size in (0, 4, 0x157d8, 128 * KIB - 72):
            equal(control(d, size), (NO_CONTROL, True), f"control of {size} bytes")
        none(m)


@test("guest: a control without a name is accepted as a GA106 does, of a subdevice and in its size")
def _():
    with Machine() as m:
        d = driver(host(m)).hello().tree()
        for size, handle, result in ((332, d.SUBDEVICE, OK), (328, d.SUBDEVICE, NO_CONTROL),
                                     (336, d.SUBDEVICE, NO_CONTROL), (332, d.DEVICE, NO_CONTROL)):
            equal(control(d, size, handle=handle, cmd=0x20808159), (result, True), f"{size} bytes, 0x{handle:08x}")
        none(m)


def infos(d, function, entries, count=None, handle=None, size=532):
    """209 or 142: what the GPU or its framebuffer is; its result and list."""
    count = len(entries) if count is None else count
    body = struct.pack("<3I", d.CLIENT, d.SUBDEVICE if handle is None else handle, count)
    body += b"".join(struct.pack("<2I", *entry) for entry in entries)
    result, payload = d.rpc(function, body.ljust(size, b"\0"))
    return result, [struct.unpack_from("<2I", payload, 12 + 8 * i) for i in range(len(entries))]


for VERSION, SIZE in ((OLDER, 452), (NEWEST, 468)):
    @test(f"guest: what it asks of its GPU and framebuffer, version {VERSION[0]:x}.{VERSION[1]:02x}")
    def _(version=VERSION, size=SIZE):
        with Machine() as m:
            d = driver(host(m), version).hello().tree()
            equal(infos(d, 209, [(0x80000011, 7), (0x22, 5)]), (OK, [(0x11, 0), (0x22, 5)]), "of the GPU")
            asked = [(0xd, 7), (0x16, 7)] + [(0, 7)] * (size // 8 - 4)
            equal(infos(d, 142, asked, size=size), (OK, [(0xd, 0x11), (0x16, 0)] + [(0, 0)] * (size // 8 - 4)),
                  "of framebuffer")
            none(m)


@test("guest: there are no links to other GPUs")
def _():
    with Machine() as m:
        d = driver(host(m)).hello().tree()
        head = struct.pack("<2I", d.CLIENT, d.SUBDEVICE)
        for size in (3088, 3472):
            equal(d.rpc(124, head + b"\xff" * (size - 8)), (OK, head + bytes(size - 8)), f"answer of {size} bytes")
        none(m)


# ---- objects ---------------------------------------------------------------------------------------------------------


@test("guest: objects are counted, a parent takes what is below it")
def _():
    with Machine() as m:
        d = driver(host(m)).hello().tree().tree(d2 := 0xc1d00002)
        equal(d.object(d.SUBDEVICE, 0x20810000, 0x2081), OK, "object")
        equal(d.object(d.SUBDEVICE, 0x208f0000, 0x208f), OK, "object")
        equal(d.object(d.SUBDEVICE, 0x90e60000, 0x90e6), OK, "object")
        equal(d.object(d.DEVICE, VASPACE, 0x90f1), OK, "VA space")
        equal(d.event(0x7e0000, d.SUBDEVICE, 0xc2), OK, "event")
        equal(d.event(0x7e0001, d.SUBDEVICE, 0xc2, client=d2), OK, "event about another client's")
        equal(in_guests(m), (2, 12, 0), "clients, objects, channels")
        equal(d.free(d.DEVICE, d.SUBDEVICE), OK, "free of the subdevice")
        equal(in_guests(m), (2, 7, 0), "without what was below it")
        equal(d.subdevice(), OK, "again")
        equal((d.free(0, d.CLIENT), d.free(0, d2, client=d2)), (OK, OK), "free of clients")
        equal(in_guests(m), (0, 0, 0), "nothing left")
        none(m)


@test("guest: objects live on when buffers are put elsewhere, and go when the driver unloads")
def _():
    with Machine() as m:
        d = driver(host(m)).hello().tree()
        d.again()
        equal(in_guests(m), (1, 3, 0), "objects after the second set-up")
        equal(d.plugin.state()["guest"]["version"], "25.1b", "version after it")
        equal(d.object(d.SUBDEVICE, 0x20810000, 0x2081), OK, "object")
        d.unload()
        equal((in_guests(m), d.plugin.state()["guest"]["version"]), ((0, 0, 0), "00.00"), "after the end")
        none(m)


def express(m):
    cap = m.readl(m.config(0x34, 4)) & 0xff
    while m.readl(m.config(cap, 4)) & 0xff != 0x10:
        cap = m.readl(m.config(cap, 4)) >> 8 & 0xff
    return cap


def flr(m):
    register = m.config(express(m) + 8, 4)
    m.writel(register, m.readl(register) & 0xffff | 1 << 15)


ENDS = {
    "FLR": lambda d: flr(d.m),
    "the host's reset": lambda d: d.plugin.message(RESET),
    "SHUTDOWN": lambda d: d.plugin.shutdown(),
    "CLEANUP alone": lambda d: d.plugin.cleanup(),
    "a crash of its plugin task": lambda d: d.m.set_property("crash-plugin", 1),
    "a driver that starts": lambda d: d.system_info(),
    "the end of VFs": lambda d: d.m.enable_vfs(0),
}

for WHAT, END in ENDS.items():
    @test(f"guest: {WHAT} ends its objects and channels")
    def _(end=END):
        with Machine() as m:
            s = Space(host(m))
            s.channel(0)
            equal(in_guests(m), (1, 5, 1), "before")
            end(s.d)
            equal((in_guests(m), json.loads(m.property("channels"))), ((0, 0, 0), []), "after")
            none(m)


# ---- channels --------------------------------------------------------------------------------------------------------

GPFIFO_A, WATCHDOG, TWOD = 0xc56f, 0xc36f, 0x902d
FBMEM = 2
VASPACE = 0x90f10000
RUNLIST = {GR0: 0, COPY0: 0, COPY2: 1}
XID_MMU, XID_CE2, XID_CE0 = 31, 41, 39


class GuestFb(Fb):
    """A guest's framebuffer, which is one segment of the GPU's."""

    def __init__(self, m, base):
        super().__init__(m)
        self.base = base

    def at(self, addr):
        return super().at(self.base + addr)


class Space:
    """A guest with a client whose page tables are in its framebuffer, and all that channels need in its memory."""

    ROOT, DATA, INSTANCES, USERD = 64 * MIB, 96 * MIB, 128 * MIB, 130 * MIB

    def __init__(self, c, directory=True, version=OLDER):
        self.c, self.m = c, c.m
        self.d = driver(c, version).hello().tree()
        self.fb = GuestFb(c.m, self.d.plugin.segments[0][0])
        self.tables = Tables(self.fb, self.ROOT + PAGE, VA)
        self.fb.write64(self.ROOT + 8 * (VA >> 47), pde(self.tables.pd2))
        self.ring, self.push, self.sem, self.sys = (c.ram.alloc(n * PAGE) for n in (4, 11, 1, DATA_PAGES))
        for va, at, pages in ((RING, self.ring, 4), (PUSH, self.push, 11), (SEM, self.sem, 1),
                              (SYS_DATA, self.sys, DATA_PAGES)):
            for i in range(pages):
                self.tables.map4k((va - VA) // PAGE + i, pte(at + i * PAGE, COHERENT))
        for i in range(DATA_PAGES):
            self.tables.map4k((FB_DATA - VA) // PAGE + i, pte(self.DATA + i * PAGE))
        if directory:
            equal(self.directory(), OK, "page directory")

    def directory(self, root=ROOT, aperture=1, levels=3, client=Driver.CLIENT, handle=0):
        return self.d.call(116, "rpc_ctrl_vaspace_copy_server_reserved_pdes_v1E_04", {
            "hClient": client, "hObject": handle, "ctrlParams.hSubDevice": Driver.SUBDEVICE, "ctrlParams.pageSize": 512 * MIB,
            "ctrlParams.virtAddrLo": 1 << 32, "ctrlParams.virtAddrHi": (1 << 32) + 512 * MIB - 1,
            "ctrlParams.numLevelsToCopy": levels, "ctrlParams.levels[0].physAddress": root,
            "ctrlParams.levels[0].size": PAGE, "ctrlParams.levels[0].aperture": aperture,
            "ctrlParams.levels[0].pageShift": 47})[0]

    def channel(self, chid, kind=COPY2, **over):
        ch = Channel(self, chid, kind, **over)
        equal(ch.alloc(), OK, f"channel {chid}")
        equal(ch.object(), OK, "object on it")
        equal(ch.schedule(), OK, "schedule")
        return ch


class Channel:
    """One of the guest's; parameters may be changed by name."""

    def __init__(self, space, chid, kind, **over):
        self.space, self.d, self.chid, self.kind = space, space.d, chid, kind
        self.handle, self.cls = 0xf1f00000 | kind << 8 | chid, over.pop("cls", WATCHDOG if kind == GR0 else GPFIFO_A)
        slot = (chid + 2 * (kind == COPY2)) % 4
        self.ring, self.push, self.push_va = space.ring + slot * PAGE, space.push + 2 * slot * PAGE, \
            PUSH + 2 * slot * PAGE
        self.put = self.next = 0
        self.userd = over.get("userdMem.base", space.USERD + 512 * (slot + 1))
        self.fields = {
            "gpFifoOffset": RING + slot * PAGE, "gpFifoEntries": 16, "engineType": kind, "flags": 1 << 5,
            "instanceMem.base": space.INSTANCES + slot * PAGE, "instanceMem.size": PAGE,
            "instanceMem.addressSpace": FBMEM,
            "ramfcMem.base": space.INSTANCES + slot * PAGE, "ramfcMem.size": 512, "ramfcMem.addressSpace": FBMEM,
            "userdMem.base": self.userd, "userdMem.size": 512, "userdMem.addressSpace": FBMEM,
            "mthdbufMem.base": 0x02000000, "mthdbufMem.size": 20480, "mthdbufMem.addressSpace": 4, **over}

    def alloc(self, client=Driver.CLIENT, device=Driver.DEVICE):
        return self.d.call(6, "rpc_alloc_channel_dma_v1F_04", {
            "hClient": client, "hDevice": device, "hChannel": self.handle, "hClass": self.cls, "chid": self.chid,
            **{f"params.{name}": value for name, value in self.fields.items()}})[0]

    def object(self, cls=None):
        cls = cls or (TWOD if self.kind == GR0 else COPY_B)
        return self.d.object(self.handle, self.handle ^ 0x10000000, cls)

    def schedule(self, on=1, handle=None):
        return self.d.call(97, "rpc_ctrl_gpfifo_schedule_v1A_0A", {
            "hClient": Driver.CLIENT, "hObject": handle or self.handle, "cmd": 0xa06f0103,
            "gpfifoSchedule.bEnable": on})[0]

    def post(self, *parts):
        words = [word for part in parts for word in part]
        ram = self.space.c.ram
        ram.write(self.push + self.next, struct.pack(f"<{len(words)}I", *words))
        va = self.push_va + self.next
        ram.write(self.ring + 8 * self.put, struct.pack("<II", va & 0xffffffff, va >> 32 | len(words) << 10))
        self.next += 4 * len(words)
        self.put += 1
        self.space.fb.write(self.userd + 0x8c, struct.pack("<I", self.put))
        self.d.write(0x30090, RUNLIST[self.kind] << 16 | self.chid)

    def state(self):
        return next((ch["state"] for ch in json.loads(self.d.m.property("channels"))
                     if (ch["gfid"], ch["runlist"], ch["chid"]) == (1, RUNLIST[self.kind], self.chid)), None)

    def wait(self, state="idle"):
        true(self.d.m.wait(lambda: self.state() == state, ms=50), f"{self.state()}, expected {state}")

    def submit(self, *parts):
        self.post(*parts)
        self.wait()


def with_space(name, version=OLDER):
    """A test of function(space); nothing may be refused."""
    def add(function):
        def run():
            with Machine() as m:
                s = Space(host(m), version=version)
                function(s)
                none(m)
        CASES.append(Case(name, run))
        return function
    return add


for VERSION in LAYOUT:
    @with_space(f"guest: a channel copies from its framebuffer to its memory, version {VERSION[0]:x}.{VERSION[1]:02x}",
                VERSION)
    def _(s):
        s.fb.write(s.DATA, b"from FB!")
        ch = s.channel(0)
        ch.submit(inc(SET_OBJECT, COPY_B, sub=CE), launch(FB_DATA, SYS_DATA + 16, 8), semaphore(RELEASE, SEM, 77))
        equal(s.c.ram.read(s.sys + 16, 8), b"from FB!", "copy")
        equal(s.c.ram.read32(s.sem), 77, "semaphore")
        equal(in_guests(s.m), (1, 5, 1), "in use")


@with_space("guest: a channel translates by the page directory of its VA space, another by its client's")
def _(s):
    for handle in VASPACE, VASPACE + 1:
        equal(s.d.object(s.d.DEVICE, handle, 0x90f1), OK, "VA space")
    equal(s.directory(s.ROOT + 16 * MIB, handle=VASPACE + 1), OK, "an empty page directory")
    equal(s.directory(handle=VASPACE), OK, "the one with pages")
    equal(s.directory(s.ROOT + 16 * MIB), OK, "the client's is empty, too")
    s.channel(0, hVASpace=VASPACE).submit(semaphore(RELEASE, SEM, 77))
    equal(s.c.ram.read32(s.sem), 77, "semaphore")
    equal(s.directory(), OK, "now the client has the one with pages")
    s.channel(1).submit(semaphore(RELEASE, SEM, 78))
    s.channel(2, hVASpace=0x12345678).submit(semaphore(RELEASE, SEM + 4, 79))
    equal((s.c.ram.read32(s.sem), s.c.ram.read32(s.sem + 4)), (78, 79), "semaphores of channels without a VA space")
    equal([ch["page_directory"] for ch in json.loads(s.m.property("channels"))], [s.ROOT] * 3, "page directories")


@with_space("guest: ids of channels are its own on each runlist, and doorbells find the right one")
def _(s):
    first, second = s.channel(0, COPY0), s.channel(0, COPY2)
    second.submit(semaphore(RELEASE, SEM, 2))
    equal((first.state(), s.c.ram.read32(s.sem)), ("idle", 2), "the second works alone")
    first.submit(semaphore(RELEASE, SEM + 16, 1))
    equal(s.c.ram.read32(s.sem + 16), 1, "the first works")


@with_space("guest: USERD may be at framebuffer address 0")
def _(s):
    ch = s.channel(1, **{"userdMem.base": 0})
    ch.submit(semaphore(RELEASE, SEM, 5))
    equal(s.c.ram.read32(s.sem), 5, "semaphore")


@with_space("guest: graphics takes methods, does nothing, and says so once")
def _(s):
    ch = s.channel(1, GR0)
    equal(s.d.call(111, "rpc_ctrl_gpu_promote_ctx_v1A_20", {"hClient": Driver.CLIENT, "hObject": Driver.SUBDEVICE})[0],
          OK, "buffers of a context")
    ch.submit(inc(SET_OBJECT, TWOD), inc(0x104, 1, 2, 3), inc(0x100, 0), semaphore(RELEASE, SEM, 9))
    ch.submit(inc(0x100, 0))
    equal((engine(s.c)["swallowed"], s.c.ram.read32(s.sem)), (5, 9), "methods, and the host's semaphore")
    equal(s.m.log().count("takes methods and does nothing"), 1, "lines")


@with_space("guest: page directory of dead subcontexts")
def _(s):
    equal(zombie(s.d), OK, "in framebuffer")


def zombie(d, base=32 * MIB, size=PAGE, space=FBMEM, client=Driver.CLIENT):
    return d.call(155, "rpc_ctrl_fifo_setup_vf_zombie_subctx_pdb_v1A_23", {
        "hClient": client, "hObject": Driver.SUBDEVICE, "params.base": base, "params.size": size,
        "params.addressSpace": space})[0]


# ---- registers -------------------------------------------------------------------------------------------------------


@test("guest: fault buffers have a size by default, older parts' registers are kept")
def _():
    with Machine() as m:
        d = driver(host(m))
        at = m.VF_BAR0
        for register in (0x3010, 0x3030):
            equal(m.readl(at + register), 0, "size before")
            d.write(register, 1 << 30)
            equal(m.readl(at + register) & 0xfffff, 1024, "size by default")
            d.write(register, 1 << 31 | 512)
            equal(m.readl(at + register), 1 << 31 | 512, "another size")
        for register in (0x1704, 0x1714, 0x9140):
            equal(m.readl(at + register), 0, "older parts' registers")
            d.write(register, 0x40)
            equal(m.readl(at + register), 0x40, "what was written")
        equal(json.loads(m.property("unmodelled")), [], "unknown registers")
        none(m)


# ---- events ----------------------------------------------------------------------------------------------------------


def events(d):
    """Entries of the ring between the guest's place and the plugin task's."""
    put, out = d.m.ram.read32(d.response + d.abi.members["VGPU_GSP_RESPONSE_BUF_V1", "putEventBuf"][0]), []
    while d.get != put:
        entry = d.m.ram.read(d.buffers[2] + 40 * d.get, 40)
        words = struct.unpack("<10I", entry)
        out.append({"client": words[0], "object": words[1], "index": words[2], "flags": words[3],
                    "info32": words[6], "info16": words[7], "chid": words[9]})
        d.get = (d.get + 1) % 102
    d.words["getEventBuf"] = d.get
    return out


def told(d):
    """Whether the vector of events is latched; acknowledges it."""
    leaf = d.m.VF_BAR0 + 0x1000 + 4 * (0x81 // 32)
    latched = d.m.readl(leaf) >> 0x81 % 32 & 1
    d.m.writel(leaf, 1 << 0x81 % 32)
    return bool(latched)


@test("guest: a channel that fails is told of, to the guest and to the host")
def _():
    with Machine() as m:
        s = Space(host(m))
        s.c.events = []
        ch = s.channel(3)
        ch.post(semaphore(RELEASE, UNMAPPED, 1))
        ch.wait("stopped")
        true(told(s.d), "interrupt")
        equal(events(s.d), [{"client": Driver.CLIENT, "object": ch.handle, "index": 0, "flags": 1, "info32": XID_MMU,
                             "info16": COPY2, "chid": 3}], "event")
        payload = s.c.wait_event(0x1004)[1]
        name = "rpc_rc_triggered_v17_02"
        equal([s.c.abi.get(name, member, payload) for member in ("gfid", "chid", "exceptType")], [1, 3, XID_MMU],
              "the host's event")
        only(m, "chan-mmu-fault")


@test("guest: ECC errors and what it asked to be told of")
def _():
    with Machine() as m:
        d = driver(host(m)).hello().tree()
        equal(d.event(0x7e0000, d.SUBDEVICE, 0xc2), OK, "event object")
        m.set_property("inject-event", "guest-ecc:1:dbe:0:3")
        true(told(d), "interrupt")
        equal([(e["flags"], e["info32"]) for e in events(d)], [(1 | 5 << 16, 0)], "event")
        equal(struct.unpack("<3I", m.ram.read(d.buffers[1] + 0x94, 12)), (0x70, 0, 3), "kind, unit, count")
        m.set_property("inject-event", "guest-notify:1:0xc2")
        equal([(e["client"], e["object"], e["index"], e["flags"]) for e in events(d)],
              [(d.CLIENT, d.SUBDEVICE, 0xc2, 0)], "event of an object")
        none(m)


@test("guest: the ring of events goes round, and starts where the guest stands")
def _():
    with Machine() as m:
        d = driver(host(m)).hello()
        for _ in range(3):
            for _ in range(60):
                m.set_property("inject-event", "guest-ecc:1:sbe:0:1")
            equal(len(events(d)), 60, "events")
            d.store()
        d.again()
        equal(events(d), [], "after another set-up")
        m.set_property("inject-event", "guest-ecc:1:sbe:0:1")
        equal(len(events(d)), 1, "events after it")
        none(m)


@test("guest: what cannot be injected is an error that says why")
def _():
    with Machine() as m:
        driver(host(m)).hello()
        for value, why in (("guest-ecc:2:sbe:0:1", "GFID 2 has no guest"), ("guest-ecc:33:sbe:0:1", "GFID 33"),
                           ("guest-ecc:1:none:0:1", "<sbe|dbe>"), ("guest-ecc:1:sbe:0", "guest-ecc:<gfid>"),
                           ("guest-notify:x:1", "GFID x"), ("guest-notify:1", "guest-notify:<gfid>:<index>"),
                           ("guest", "os-error-log:<xid>")):
            error = m.set_property("inject-event", value).get("error", {}).get("desc", "")
            true(why in error, f"{value}: '{error}'")
        none(m)


# ---- faults ----------------------------------------------------------------------------------------------------------


def state(m, gfid=1):
    return next(v for v in json.loads(m.property("vgpus")) if v["gfid"] == gfid)




def rpc_of(d):
    return d.rpc(1, d.abi.pack(SYSTEM_INFO, {"vgxVersionMajorNum": 0x25, "vgxVersionMinorNum": 0x1b}))[0]


@test("guest: its plugin task crashes at the call that was named, and at no other")
def _():
    for nth, served in ((1, 0), (3, 2)):
        with Machine() as m:
            c = host(m)
            d, other = driver(c), Driver(Plugin(c, 2).start())
            m.set_property("fault-guest", f"crash:1:{nth}")
            equal(m.property("fault-guest"), f"crash:1:{nth}:call", "armed")
            other.hello()
            if served:
                true(d.setup(), "set-up")
                equal(rpc_of(d), OK, "first RPC")
                equal(d.ring(MESSAGE), False, "answered")
            else:
                equal(d.setup(), False, "answered")
            equal((state(m)["state"], state(m)["guest"]["calls"], state(m, 2)["state"]), ("crashed", served, "running"),
                  "states")
            equal(m.property("fault-guest"), "", "one shot")
            none(m)


@test("guest: GSP-RM crashes at a call, or hangs, and its core stays active")
def _():
    for action, active in (("crash-gsp", 0), ("hang-gsp", 0x80)):
        with Machine() as m:
            d = driver(host(m))
            true(d.setup(), "set-up")
            m.set_property("fault-guest", f"{action}:1")
            equal(d.ring(MESSAGE), False, "answered")
            equal(m.rd(0x111388) & 0x80, active, f"{action}: RISC-V active")
            none(m)


@test("guest: a call that is held is served when it is let go")
def _():
    with Machine() as m:
        d = driver(host(m)).hello()
        m.set_property("fault-guest", "hold:1:1")
        d.m.ram.write(d.buffers[0] + 32, bytes(64))
        before = state(m)["guest"]
        equal((before["calls"], before["held"]), (3, False), "before")
        true(not d.ring(MESSAGE), "answered")
        equal((state(m)["guest"]["calls"], state(m)["guest"]["held"]), (3, True), "held")
        m.set_property("fault-guest", "")
        m.step(1000000)
        equal((state(m)["guest"]["calls"], state(m)["guest"]["held"]), (4, False), "after")
        none(m)


@test("guest: its plugin task crashes at a channel's doorbell, or the channel is held")
def _():
    for action in ("crash", "hold"):
        with Machine() as m:
            s = Space(host(m))
            ch = s.channel(0)
            m.set_property("fault-guest", f"{action}:1:2:doorbell")
            ch.submit(semaphore(RELEASE, SEM, 1))
            ch.post(semaphore(RELEASE, SEM, 2))
            m.step(1000000)
            equal(s.c.ram.read32(s.sem), 1, "semaphore after the second doorbell")
            m.set_property("fault-guest", "")
            m.step(1000000)
            gone = action == "crash"
            equal((state(m)["state"], s.c.ram.read32(s.sem)), ("crashed", 1) if gone else ("running", 2), "in the end")
            none(m)


@test("guest: a call that is lost is not carried out, one whose answer is dropped is")
def _():
    for action, served in (("lose", 0), ("drop", 1)):
        with Machine() as m:
            d = driver(host(m)).hello()
            before = state(m)["guest"]["rpcs"]
            m.set_property("fault-guest", f"{action}:1")
            equal(d.ring(MESSAGE), False, "answered")
            equal((state(m)["guest"]["rpcs"] - before, state(m)["guest"]["held"]), (served, False), action)
            equal(rpc_of(d), OK, "the next")
            none(m)


@test("guest: a call that is refused is not carried out, and its answer says so")
def _():
    with Machine() as m:
        d = driver(host(m)).hello()
        before = state(m)["guest"]["rpcs"]
        m.set_property("fault-guest", "refuse:1")
        equal((rpc_of(d), state(m)["guest"]["rpcs"] - before), (INSUFFICIENT_RESOURCES, 0), "result, RPCs")
        equal(rpc_of(d), OK, "the next")
        none(m)


@test("guest: an answer that is damaged has its number and its header, and no more")
def _():
    with Machine() as m:
        d = driver(host(m)).hello()
        sent = d.abi.pack(SYSTEM_INFO, {"vgxVersionMajorNum": 0x25, "vgxVersionMinorNum": 0x1b})
        result, good = d.rpc(1, sent)[:2]
        m.set_property("fault-guest", "corrupt:1")
        damaged = d.rpc(1, sent)
        equal((damaged[0], damaged[1]), (result, bytes(b ^ 0xff for b in good)), "answer")
        equal(rpc_of(d), OK, "the next")
        none(m)


@test("guest: a set-up that is lost or refused is none, one that is dropped or damaged is not answered")
def _():
    for action, up in (("lose", False), ("refuse", False), ("drop", True), ("corrupt", True)):
        with Machine() as m:
            d = driver(host(m))
            m.set_property("fault-guest", f"{action}:1")
            equal((d.setup(), state(m)["guest"]["up"]), (False, up), action)
            true(d.setup(), "the next")
            none(m)


@test("guest: a channel's doorbell that is lost is not heard, the next one is")
def _():
    with Machine() as m:
        s = Space(host(m))
        ch = s.channel(0)
        m.set_property("fault-guest", "lose:1:1:doorbell")
        ch.post(semaphore(RELEASE, SEM, 1))
        m.step(1000000)
        equal(s.c.ram.read32(s.sem), 0, "semaphore")
        ch.submit(semaphore(RELEASE, SEM, 2))
        equal(s.c.ram.read32(s.sem), 2, "semaphore in the end")
        none(m)


@test("guest: a reset ends what was held")
def _():
    with Machine() as m:
        d = driver(host(m)).hello()
        m.set_property("fault-guest", "hold:1")
        true(not d.ring(MESSAGE), "answered")
        equal(d.plugin.message(RESET), OK, "the host's reset")
        equal(state(m)["guest"]["held"], False, "held")
        d.hello()
        none(m)


@test("guest: a channel's error is injected into that one alone")
def _():
    for xid in (XID_MMU, XID_CE2):
        with Machine() as m:
            s = Space(host(m))
            s.c.events = []
            ch, _ = s.channel(3), s.channel(4)
            equal(m.set_property("inject-event", f"channel-error:1:1:3:{xid}"), {"return": {}}, "inject-event")
            true(told(s.d), "interrupt")
            equal([(e["object"], e["info32"], e["chid"]) for e in events(s.d)], [(ch.handle, xid, 3)], "event")
            equal([c["state"] for c in json.loads(m.property("channels"))], ["stopped", "idle"], "channels")
            true("error" in m.set_property("inject-event", f"channel-error:1:1:3:{xid}"), "twice")
            none(m)


# ---- refusals --------------------------------------------------------------------------------------------------------


def refused(check, mutation, function):
    """function(driver) is refused, by that check alone, and takes nothing."""
    def run():
        with Machine() as m:
            d = driver(host(m)).hello().tree()
            before = in_guests(m)
            function(d)
            only(m, check)
            equal(in_guests(m), before, "in use")
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


def early(check, mutation, function, version=OLDER):
    """The same before the version is agreed upon."""
    def run():
        with Machine() as m:
            d = driver(host(m), version)
            true(d.setup(), "set-up")
            function(d)
            only(m, check)
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


def fails(call, status, what="result"):
    return lambda d: equal(call(d), status, what)


ARGUMENT, OBJECT, PARENT, CLASS, CHANNEL, ADDRESS, DUPLICATE = 0x1f, 0x33, 0x36, 0x22, 0x21, 0x1e, 0x19
ANY = 0x22222222

for OFFERED in ((0x22, 0xff), (0x14, 0), (0, 0)):
    early("guest-too-old", f"version {OFFERED[0]:x}.{OFFERED[1]:02x}",
          fails(lambda d, v=OFFERED: d.system_info(v)[0], MISMATCH))
early("guest-order", "static data before a version", fails(lambda d: d.piece(207, 0, 8)[0], INVALID_STATE))
early("guest-order", "client before a version", fails(lambda d: d.root(), INVALID_STATE))
for OFFERED in ((0x25, 0x18), (0x29, 0x09), (0x23, 0)):
    early("guest-layout", f"static data in version {OFFERED[0]:x}.{OFFERED[1]:02x}",
          lambda d, v=OFFERED: (equal(d.system_info(v)[0], OK, "version"),
                                equal(d.piece(207, 0, 8)[0], INVALID_STATE, "static data")))
refused("guest-rpc-length", "client of 4 bytes", fails(lambda d: d.rpc(2, bytes(4))[0], BAD_FORMAT))
refused("guest-rpc-length", "channel without its id", fails(lambda d: d.rpc(6, bytes(240))[0], BAD_FORMAT))
refused("guest-rpc-length", "a control of more than 128 KiB",
        fails(lambda d: control(d, 128 * KIB - 71)[0], BAD_FORMAT))
refused("guest-rpc-length", "a control of 4 GiB", fails(lambda d: oversize(d), BAD_FORMAT))
for FUNCTION in (207, 156):
    for OFFSET, SIZE in ((0, 0), (0, 4057), (80000, 8), (0xffffffff, 8), (31000, 1000 * (FUNCTION == 156) or 65536)):
        refused("guest-static", f"function {FUNCTION}, {SIZE} bytes at {OFFSET}",
                fails(lambda d, f=FUNCTION, o=OFFSET, n=SIZE: d.piece(f, o, n)[0], ARGUMENT))


def half_there():
    """The message buffer's first page is the last of framebuffer."""
    with Machine() as m:
        d = driver(host(m), aperture=FB, gpa=512 * MIB - PAGE).hello()
        for size, check in ((PAGE - 72, None), (PAGE - 71, "guest-buffer")):
            d.call(204, "rpc_rm_api_control_v25_1A", {"params.hClient": d.CLIENT, "params.paramsSize": size})
            equal(m.refusals().get(check), 1 if check else None, f"refusals, {size} bytes")
        equal(sorted(m.refusals()), ["guest-buffer", "guest-handle"], "refusals")


CASES.append(Case("refuses guest-buffer: a control that goes on behind framebuffer", half_there, "guest-buffer",
                  "a control that goes on behind framebuffer"))


def oversize(d):
    d.m.ram.write(d.buffers[0], struct.pack("<8I", 0x03000000, 0x43505256, 40, 204, 0xffffffff, 0xffffffff, 0, 0) +
                  d.abi.pack("rpc_rm_api_control_v25_1A", {"params.paramsSize": 0xffffffff}))
    true(d.ring(MESSAGE), "answered")
    return d.m.ram.read32(d.buffers[0] + 16)


refused("guest-handle", "client twice", fails(lambda d: d.root(), DUPLICATE))
refused("guest-handle", "client 0", fails(lambda d: d.root(0), DUPLICATE))
refused("guest-handle", "subdevice with its device's handle", fails(lambda d: d.subdevice(handle=d.DEVICE), DUPLICATE))
refused("guest-handle", "device with its client's handle", fails(lambda d: d.device(device=d.CLIENT), DUPLICATE))
refused("guest-handle", "free of what is not there", fails(lambda d: d.free(d.DEVICE, ANY), OBJECT))
refused("guest-handle", "free of another client's", fails(lambda d: d.free(d.DEVICE, d.SUBDEVICE, client=ANY), OBJECT))
refused("guest-handle", "control of what is not there", fails(lambda d: control(d, 4, handle=ANY)[0], OBJECT))
refused("guest-handle", "buffers of a context of an unknown client", fails(
    lambda d: d.call(111, "rpc_ctrl_gpu_promote_ctx_v1A_20", {"hClient": ANY, "hObject": d.SUBDEVICE})[0], OBJECT))
refused("guest-handle", "dead subcontexts of an unknown client", fails(lambda d: zombie(d, client=ANY), OBJECT))
refused("guest-handle", "GPU of a device", fails(lambda d: infos(d, 209, [(0x80000011, 0)], handle=d.DEVICE)[0], OBJECT))
refused("guest-handle", "framebuffer of what is not there", fails(
    lambda d: infos(d, 142, [(0xd, 0)], handle=ANY)[0], OBJECT))
refused("guest-handle", "links of what is not there", fails(
    lambda d: d.rpc(124, struct.pack("<2I", d.CLIENT, ANY) + bytes(3080))[0], OBJECT))
for FUNCTION, OF, MOST, INDEX in ((209, "GPU", 65, 0x80000041), (142, "framebuffer", 65, 0x39)):
    refused("guest-info", f"nothing of the {OF}", fails(lambda d, f=FUNCTION: infos(d, f, [])[0], ARGUMENT))
    refused("guest-info", f"{MOST + 1} things of the {OF}", fails(
        lambda d, f=FUNCTION, n=MOST: infos(d, f, [], count=n + 1)[0], ARGUMENT))
    refused("guest-info", f"thing 0x{INDEX:x} of the {OF}", fails(
        lambda d, f=FUNCTION, i=INDEX: infos(d, f, [(i, 0)])[0], ARGUMENT))
refused("guest-info", "56 things of the framebuffer in a list of 55", fails(
    lambda d: infos(d, 142, [], count=56, size=452)[0], ARGUMENT))
refused("guest-fb-usage", "more of its framebuffer than there is", fails(
    lambda d: d.call(85, "rpc_ctrl_set_vgpu_fb_usage_v1A_08", {"setFbUsage.fbUsed": 512 * MIB + 1})[0], ARGUMENT))
refused("guest-parent", "VA space below a subdevice", fails(lambda d: d.object(d.SUBDEVICE, ANY, 0x90f1), PARENT))
refused("guest-parent", "master of a subdevice below a device", fails(lambda d: d.object(d.DEVICE, ANY, 0x90e6), PARENT))
refused("guest-parent", "device of no client", fails(lambda d: d.device(client=ANY, device=ANY), PARENT))
refused("guest-parent", "subdevice below a client", fails(
    lambda d: d.subdevice(parent=d.CLIENT, handle=ANY), PARENT))
refused("guest-parent", "binary interface below a device", fails(lambda d: d.object(d.DEVICE, ANY, 0x2081), PARENT))
refused("guest-parent", "copy engine below a subdevice", fails(lambda d: d.object(d.SUBDEVICE, ANY, COPY_B), PARENT))
refused("guest-parent", "event about what is not there", fails(lambda d: d.event(ANY, ANY + 1, 0), PARENT))
refused("guest-class", "device of class 0x2080", fails(lambda d: d.device(device=ANY, cls=0x2080), CLASS))
refused("guest-class", "second subdevice", fails(lambda d: d.subdevice(handle=ANY, inst=1), CLASS))
refused("guest-class", "subdevice of class 0x2081", fails(lambda d: d.subdevice(handle=ANY, cls=0x2081), CLASS))
refused("guest-class", "class 0xc7c0", fails(lambda d: d.object(d.SUBDEVICE, ANY, 0xc7c0), CLASS))


def crowd(d):
    """As many clients as one GFID may have, then one more."""
    status = [d.root(0xc2000000 + i) for i in range(4096 - 3 + 1)]
    equal((set(status[:-1]), status[-1]), ({OK}, 0x51), "results")
    equal(in_guests(d.m)[1], 4096, "objects")
    for i in range(4096 - 3):
        d.free(0, 0xc2000000 + i, client=0xc2000000 + i)


refused("guest-objects", "4097 objects", crowd)
refused("guest-page-directory", "dead subcontexts behind framebuffer", fails(
    lambda d: zombie(d, base=512 * MIB), ADDRESS))
refused("guest-page-directory", "dead subcontexts longer than framebuffer", fails(
    lambda d: zombie(d, size=(1 << 64) - PAGE), ADDRESS))
refused("guest-page-directory", "dead subcontexts in no aperture", fails(lambda d: zombie(d, space=7), ADDRESS))


def of_space(check, mutation, function):
    """function(space) is refused, by that check alone, and takes nothing."""
    def run():
        with Machine() as m:
            s = Space(host(m))
            before = in_guests(m)
            function(s)
            only(m, check)
            equal(in_guests(m), before, "in use")
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


of_space("guest-handle", "page directory of no client", fails(lambda s: s.directory(client=ANY), OBJECT))
of_space("guest-handle", "page directory of a device", fails(lambda s: s.directory(handle=s.d.DEVICE), OBJECT))
of_space("guest-page-directory", "behind framebuffer", fails(lambda s: s.directory(512 * MIB), ADDRESS))
of_space("guest-page-directory", "16 bytes off", fails(lambda s: s.directory(s.ROOT + 16), ADDRESS))
of_space("guest-page-directory", "in aperture 2", fails(lambda s: s.directory(aperture=2), ADDRESS))
of_space("guest-page-directory", "no level", fails(lambda s: s.directory(levels=0), ADDRESS))
of_space("guest-page-directory", "seven levels", fails(lambda s: s.directory(levels=7), ADDRESS))


def bad_channel(check, mutation, status, chid=0, kind=COPY2, **over):
    over = {name.replace("__", "."): value for name, value in over.items()}
    of_space(check, mutation, fails(lambda s: Channel(s, chid, kind, **over).alloc(), status))


bad_channel("guest-chan-engine", "engine type 0xc", ARGUMENT, engineType=0xc)
bad_channel("guest-chan-engine", "engine type 0", ARGUMENT, engineType=0)
bad_channel("guest-chan-id", "32 of 32", CHANNEL, chid=32)
bad_channel("guest-chan-id", "0xffffffff", CHANNEL, chid=0xffffffff)
bad_channel("guest-chan-ring", "12 entries", ARGUMENT, gpFifoEntries=12)
bad_channel("guest-chan-ring", "no entries", ARGUMENT, gpFifoEntries=0)
bad_channel("guest-chan-ring", "at 0", ARGUMENT, gpFifoOffset=0)
bad_channel("guest-chan-ring", "4 bytes off", ARGUMENT, gpFifoOffset=RING + 4)
bad_channel("guest-chan-memory", "instance block behind framebuffer", ADDRESS, instanceMem__base=512 * MIB)
bad_channel("guest-chan-memory", "instance block 512 bytes off", ADDRESS, instanceMem__base=MIB + 512)
bad_channel("guest-chan-memory", "RAMFC in no address space", ADDRESS, ramfcMem__addressSpace=0)
bad_channel("guest-chan-memory", "USERD behind framebuffer", ADDRESS, userdMem__base=512 * MIB)
bad_channel("guest-chan-memory", "USERD 64 bytes off", ADDRESS, userdMem__base=MIB + 64)
bad_channel("guest-class", "channel of class 0xc46f", CLASS, cls=0xc46f)
of_space("guest-parent", "channel below a client", fails(
    lambda s: Channel(s, 0, COPY2).alloc(device=Driver.CLIENT), PARENT))
of_space("guest-handle", "schedule of a subdevice", fails(
    lambda s: Channel(s, 0, COPY2).schedule(handle=Driver.SUBDEVICE), OBJECT))


def with_channel(check, mutation, function):
    def run():
        with Machine() as m:
            s = Space(host(m))
            function(s, s.channel(0))
            only(m, check)
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


with_channel("guest-chan-id", "twice on a runlist", lambda s, ch: equal(
    Channel(s, 0, COPY2, **{"userdMem.base": 0}).alloc(), CHANNEL, "result"))
with_channel("guest-parent", "2D on a channel of the copy engine", lambda s, ch: equal(
    s.d.object(ch.handle, ANY, TWOD), PARENT, "result"))
with_channel("chan-doorbell", "guest's doorbell with the host's id", lambda s, ch: s.d.write(
    0x30090, 1 << 16 | s.d.plugin.chid + 7))
with_channel("chan-class", "guest sets a class that it has not on the channel", lambda s, ch: (
    ch.post(inc(SET_OBJECT, TWOD, sub=CE)), ch.wait("stopped")))
with_channel("ce-method", "guest's method that no copy engine has", lambda s, ch: (
    ch.post(inc(SET_OBJECT, COPY_B, sub=CE), inc(0x7f0, 0, sub=CE)), ch.wait("stopped")))


def no_directory():
    with Machine() as m:
        s = Space(host(m), directory=False)
        ch = s.channel(0)
        ch.post(semaphore(RELEASE, SEM, 1))
        ch.wait("stopped")
        only(m, "chan-mmu-fault", "no page directory")


CASES.append(Case("refuses chan-mmu-fault: guest's channel without a page directory", no_directory, "chan-mmu-fault",
                  "guest's channel without a page directory"))


def no_ring():
    with Machine() as m:
        d = driver(host(m))
        d.words["eventBuf.addr"] = 512 * MIB | FB | 1
        d.hello()
        m.set_property("inject-event", "guest-ecc:1:sbe:0:1")
        only(m, "guest-buffer", "ring of events")
        equal((told(d), m.ram.read32(d.response + d.abi.members["VGPU_GSP_RESPONSE_BUF_V1", "putEventBuf"][0])),
              (False, 0), "interrupt, place in the ring")


CASES.append(Case("refuses guest-buffer: events behind framebuffer", no_ring, "guest-buffer",
                  "events behind framebuffer"))


def full_ring(d):
    for _ in range(101):
        d.m.set_property("inject-event", "guest-ecc:1:sbe:0:1")
    equal(d.m.refusals(), {}, "refusals before it is full")
    d.m.set_property("inject-event", "guest-ecc:1:sbe:0:1")


refused("guest-event-full", "102 events that nobody takes", full_ring)
