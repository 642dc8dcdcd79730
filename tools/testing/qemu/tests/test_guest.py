# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's driver and its plugin task: version, static data, objects, channels, events."""

import json
import pathlib
import re
import struct

from gspclient import Client, KIB, MIB, Machine, PAGE, R570
from harness import CASES, Case, equal, none, only, test, true
from test_plugin import ADD, FB, Guest, MESSAGE, OK, Plugin, RESET, SYSMEM, SYSTEM_INFO, TYPE, accounting
from test_vgpu import ADD_TYPE

ABI = pathlib.Path(__file__).resolve().parents[2] / "abi"
R550 = "550.163.01"
NEWEST, OLDER = (0x29, 0x0c), (0x25, 0x1b)      # the versions whose layouts are known
RELEASE = {NEWEST: R570, OLDER: R550}
NOT_SUPPORTED, INVALID_STATE, MISMATCH, BAD_FORMAT, NO_CONTROL = 0x56, 0x40, 0x6a, 0xff100002, 0xff100009
GR0, COPY0, COPY2 = 1, 9, 0xb


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

    def __init__(self, plugin, version=OLDER, aperture=SYSMEM):
        super().__init__(plugin, aperture)
        self.offered = version
        self.layout = Layout(RELEASE.get(version, R570))

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
        equal((self.root(client), self.device(client), self.subdevice(client)), (OK, OK, OK), "client, device, subdevice")
        return self

    def unload(self):
        self.must(47, "rpc_unloading_guest_driver_v1F_07", {})
        true(self.teardown(), "teardown")

    def again(self, fb=None):
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
    """[(type, runlist, host driven, PBDMAs, name)] of the table of FIFO devices."""
    entry, out = "VGPU_FIFO_GET_DEVICE_INFO_TABLE.fifoDeviceInfoTable[0].entries[0].", []
    for i in range(count):
        words = struct.unpack("<16I", data.bytes(entry + "engineData", 100 * i))
        out.append((words[2], words[3], words[12], data(entry + "numPbdmas", 100 * i),
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
        equal((data(fifo + "numEntries"), data(fifo + "bMore")), (3, 0), "entries")
        equal(engines(data, 3), [(GR0, 0, 1, 1, "GR0"), (COPY0, 0, 1, 1, "CE0"), (COPY2, 1, 1, 1, "CE2")], "engines by the FIFO")
        vectors = "NV2080_CTRL_MC_GET_ENGINE_NOTIFICATION_INTR_VECTORS_PARAMS."
        equal([data(vectors + "entries[0].nv2080EngineType", 8 * i) for i in range(data(vectors + "numEntries"))],
              [GR0, COPY0, COPY2], "engines with a vector")
        static = "NV2080_CTRL_MC_GET_STATIC_INTR_TABLE_PARAMS."
        table = {data(static + "entries[0].nv2080IntrType", 16 * i): data(static + "entries[0].intrVectorStall", 16 * i)
                 for i in range(data(static + "numEntries"))}
        equal((sorted(table), table[8], table[4] // 32, table[6] // 32), (list(range(1, 9)), 0x81, 2, 2), "vectors")
        equal(data("GPU_PARTITION_INFO.swizzId"), 0xffffffff, "no MIG")
        equal(data("NVA080_CTRL_VGPU_GET_CONFIG_PARAMS.cudaEnabled"), 1, "CUDA")
        if release == R570:
            equal((data("VGPU_STATIC_PROPERTIES.vmmuSegmentSize"), data("VGPU_STATIC_PROPERTIES.firstAsyncCEIdx")),
                  (128 * MIB, COPY2), "VMMU segment, first engine that is not of graphics")
        none(m)


def graphics_data(version, release):
    with Machine() as m:
        d = driver(host(m), version).hello()
        data = d.graphics()
        equal(len(data.raw), {R550: 31792, R570: 31920}[release], "bytes")
        info = "NV2080_CTRL_INTERNAL_STATIC_GR_GET_INFO_PARAMS.engineInfo[0].infoList[0]."
        equal((data(info + "index", 8 * 0x2c), data(info + "data", 8 * 0x2c)), (0x2c, 64), "subcontexts")
        true(data("NV2080_CTRL_INTERNAL_STATIC_GR_GET_FLOORSWEEPING_MASKS_PARAMS.floorsweepingMasks[0].gpcMask"),
             "there is a GPC")
        buffers = "NV2080_CTRL_INTERNAL_STATIC_GR_GET_CONTEXT_BUFFERS_INFO_PARAMS.engineContextBuffersInfo[0].engine[0]."
        for i in range(26):
            true(data(buffers + "size", 8 * i) and data(buffers + "alignment", 8 * i), f"context buffer {i}")
        none(m)


for VERSION, OF in RELEASE.items():
    CASES.append(Case(f"guest: static data in the layout of {OF}", lambda v=VERSION, r=OF: static_data(v, r)))
    CASES.append(Case(f"guest: data of graphics in the layout of {OF}", lambda v=VERSION, r=OF: graphics_data(v, r)))
