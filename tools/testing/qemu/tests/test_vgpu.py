# SPDX-License-Identifier: GPL-2.0-or-later
"""vGPU calls: what BOOTLOAD and its kin are judged by."""

import json
import struct

from gspclient import Client, GIB, KIB, L40_FB, Machine, MIB, R535, R570, Refused
from harness import CASES, Case, equal, none, only, refuses_rpc, test, true

BOOTLOAD, SHUTDOWN, ADD_TYPE, CLEANUP, HETEROGENEOUS = 0x20804001, 0x20804002, 0x20804003, 0x20804008, 0x2080400e
SEGMENT_SIZE, SPA_FOR_GPA, HOST_RESERVED = 0x2080017e, 0x20800a57, 0x20800ac5
TASK = "NV2080_CTRL_VGPU_MGR_INTERNAL_BOOTLOAD_GSP_VGPU_PLUGIN_TASK_PARAMS"
ENGINES = 0x0008784438383e02     # AD102's, bit = NV2080_ENGINE_TYPE
READY = 0x4e654a6f


class Vgpu:
    """Parameters of one BOOTLOAD, by default with a place of its own for each GFID."""

    def __init__(self, c, gfid, **over):
        self.c, self.gfid = c, gfid
        base = gfid * GIB
        self.segments = [(base, 512 * MIB)]
        self.heap, self.heap_len = base + 512 * MIB, 64 * MIB
        self.ctrl = 0
        self.chid, self.channels = (gfid - 1) % 64 * 32, 32
        self.chids = {}             # engine type: offset, over the common one
        self.logs = {}              # member: value
        self.mig = (0, 0)
        for name, value in over.items():
            true(hasattr(self, name), f"no parameter {name}")
            setattr(self, name, value)

    def params(self):
        abi, count = self.c.abi, self.c.abi.members[TASK, "chidOffset"][1] // 4
        chids = [self.chids.get(e, self.chid if ENGINES >> e & 1 else 0) for e in range(count)]
        limit = self.c.abi.members[TASK, "guestFbPhysAddrList"][1] // 8
        listed = self.segments[:limit]
        fields = {"gfid": self.gfid, "numChannels": self.channels, "chidOffset": struct.pack(f"<{count}I", *chids),
                  "numGuestFbSegments": len(self.segments),
                  "guestFbPhysAddrList": struct.pack(f"<{len(listed)}Q", *[s[0] for s in listed]),
                  "guestFbLengthList": struct.pack(f"<{len(listed)}Q", *[s[1] for s in listed]),
                  "pluginHeapMemoryPhysAddr": self.heap, "pluginHeapMemoryLength": self.heap_len,
                  "ctrlBuffOffset": self.ctrl, **self.logs}
        if self.mig[1]:
            fields |= {"migRmHeapMemoryPhysAddr": self.mig[0], "migRmHeapMemoryLength": self.mig[1]}
        return abi.pack(TASK, fields)

    def shutdown(self):
        self.c.control(SHUTDOWN, struct.pack("<I", self.gfid))

    def cleanup(self):
        self.c.control(CLEANUP, struct.pack("<I", self.gfid))

    def mailbox(self):
        """message_seq_num of the control region: the plugin task's ready marker."""
        addr = self.heap + self.ctrl + self.c.abi.members["rfc_ctrl_region", "message_seq_num"][0]
        self.c.m.wr(0x1700, addr >> 16)
        return self.c.m.rd(0x700000 + (addr & 0xffff))


def bootload(c, v):
    c.control(BOOTLOAD, v.params())
    true(c.m.wait(lambda: v.mailbox() == READY, ms=1000), f"plugin task of GFID {v.gfid} does not come up")


@test("vGPU: 32 at once come up, go down and come again")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        for _ in range(2):
            all_of_them = [Vgpu(c, gfid, segments=[(gfid * GIB, 512 * MIB)], heap=gfid * GIB + 512 * MIB)
                           for gfid in range(1, 33)]
            for v in all_of_them:
                v.channels, v.chid = 64, (v.gfid - 1) * 64
                bootload(c, v)
            for v in reversed(all_of_them):
                v.shutdown()
                v.cleanup()
        none(m)


@test("vGPU: CLEANUP without SHUTDOWN, as NVIDIA's host sends it when that failed")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        v = Vgpu(c, 5)
        bootload(c, v)
        v.cleanup()
        bootload(c, Vgpu(c, 5))
        none(m)


@test("vGPU: BOOTLOAD of 535")
def _():
    with Machine(scrubbed=True) as m:
        c = Client(m, R535).boot()
        c.get_static()
        bootload(c, Vgpu(c, 1))
        none(m)


for SIZE in (32, 64, 256, 512):
    @test(f"vGPU: property vmmu-segment, {SIZE} MiB")
    def _(size=SIZE * MIB):
        with Machine(vmmu_segment=size) as m:
            c = Client(m).boot()
            c.get_static()
            equal(struct.unpack_from("<Q", c.control(SEGMENT_SIZE, bytes(8))), (size,), "VMMU segment")
            bootload(c, Vgpu(c, 3, segments=[(4 * GIB + size, size)]))
            none(m)
            if size > 32 * MIB:
                try:
                    c.control(BOOTLOAD, Vgpu(c, 4, segments=[(6 * GIB + size // 2, size)]).params())
                except Refused:
                    only(m, "fb-unaligned")


@test("vGPU: segment size, and addresses by segment")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        size, = struct.unpack_from("<Q", c.control(SEGMENT_SIZE, bytes(8)))
        equal(size, 128 * MIB, "VMMU segment")
        bootload(c, Vgpu(c, 3, segments=[(4 * GIB, size), (2 * GIB, 2 * size)]))
        gpas = [0, size - 1, size, 3 * size - 1]
        name = "NV2080_CTRL_INTERNAL_VMMU_GET_SPA_FOR_GPA_ENTRIES_PARAMS"
        answer = c.control(SPA_FOR_GPA, c.abi.pack(name, {
            "gfid": 3, "numEntries": len(gpas), "gpaEntries": struct.pack("<4Q", *gpas)}))
        equal(struct.unpack_from("<4Q", answer, c.abi.members[name, "spaEntries"][0]),
              (4 * GIB, 4 * GIB + size - 1, 2 * GIB, 2 * GIB + 2 * size - 1), "addresses")
        none(m)


SRIOV = {"totalVFs": 32, "firstVfOffset": 4, "vfFeatureMask": 0, "FirstVFBar0Address": Machine.VF_BAR0,
         "FirstVFBar1Address": Machine.VF_BAR1, "FirstVFBar2Address": Machine.VF_BAR3, "bar0Size": 256 * KIB,
         "bar1Size": 2 * GIB, "bar2Size": 32 * MIB, "b64bitBar0": 0, "b64bitBar1": 1, "b64bitBar2": 1,
         "bSriovEnabled": 1, "bSriovHeavyEnabled": 0, "bEmulateVFBar0TlbInvalidationRegister": 1,
         "bClientRmAllocatedCtxBuffer": 1, "bNonPowerOf2ChannelCountSupported": 0, "bVfResizableBAR1Supported": 0}

for RELEASE in (R570, R535):
    for MODE in (True, False):
        @test(f"vGPU: what static information of {RELEASE} says of SR-IOV {'with' if MODE else 'without'} the key")
        def _(release=RELEASE, mode=MODE):
            with Machine(scrubbed=True) as m:
                c = Client(m, release, mode).boot()
                told = {k: v for k, v in c.get_static().items() if k.startswith("sriov")}
                want = {f"sriovCaps.{k}": v for k, v in SRIOV.items()} | {"sriovMaxGfid": 32}
                equal(told, {k: want[k] if mode else 0 for k in told}, "SR-IOV")
                equal(len(told), len(want) - (0 if release == R570 else 2), "fields")
                none(m)


@test("vGPU: a refused BOOTLOAD takes nothing, the next correct one works")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        for wrong in ({"segments": [(64 * MIB, 128 * MIB)]}, {"chid": 4096}, {"heap_len": 64 * KIB}):
            try:
                c.control(BOOTLOAD, Vgpu(c, 1, **wrong).params())
            except Exception:       # pylint: disable=broad-except
                continue
            raise AssertionError(f"{wrong} was accepted")
        bootload(c, Vgpu(c, 2, segments=[(GIB, 512 * MIB)], heap=GIB + 512 * MIB, chid=0))
        bootload(c, Vgpu(c, 1, segments=[(2 * GIB, 512 * MIB)], heap=2 * GIB + 512 * MIB, chid=32))


def in_use(c):
    return json.loads(c.m.property("accounting"))["now"], json.loads(c.m.property("vgpus"))


def wrong(check, mutation, status, gfid=1, beside=None, beside_mig=(0, 0), **over):
    """
    BOOTLOAD with one parameter wrong, next to a vGPU that is right where @beside
    has its GFID. It takes nothing.
    """
    def send(c):
        if beside:
            bootload(c, Vgpu(c, beside, mig=beside_mig))
        before = in_use(c)
        try:
            c.control(BOOTLOAD, Vgpu(c, gfid, **{k: v(c) if callable(v) else v for k, v in over.items()}).params())
        finally:
            equal(in_use(c), before, "accounting and vGPUs")
    refuses_rpc(check, mutation, send, status)


ADDRESS, ARGUMENT, LIMIT, OFFSET = (f"NV_ERR_INVALID_{n}" for n in ("ADDRESS", "ARGUMENT", "LIMIT", "OFFSET"))

wrong("gfid-range", "GFID 0", ARGUMENT, gfid=0)
wrong("gfid-range", "GFID 33", ARGUMENT, gfid=33)
wrong("gfid-range", "GFID 0xffffffff", ARGUMENT, gfid=0xffffffff)
wrong("gfid-in-use", "GFID 7 twice", "NV_ERR_IN_USE", gfid=7, beside=7)
wrong("fb-unaligned", "segment at 64 MiB", ADDRESS, segments=[(GIB + 64 * MIB, 128 * MIB)])
wrong("fb-unaligned", "segment of 192 MiB", ADDRESS, segments=[(GIB, 192 * MIB)])
wrong("fb-unaligned", "second segment 4 KiB off", ADDRESS, segments=[(GIB, 128 * MIB), (2 * GIB + 4 * KIB, 128 * MIB)])
wrong("fb-unaligned", "segment of length 0", ADDRESS, segments=[(GIB, 0)])
wrong("fb-count", "no segments", ARGUMENT, segments=[])
wrong("fb-count", "385 segments", ARGUMENT, segments=[(i * 128 * MIB, 128 * MIB) for i in range(385)])
wrong("fb-bounds", "segment past the end of framebuffer", ADDRESS, segments=[(48 * GIB, 128 * MIB)])
wrong("fb-bounds", "segment longer than the framebuffer", ADDRESS, segments=[(GIB, 48 * GIB)])
wrong("fb-bounds", "length wraps around 2^64", ADDRESS, segments=[(GIB, (1 << 64) - 128 * MIB)])
wrong("fb-overlap", "segment of another GFID", ADDRESS, beside=2, segments=[(2 * GIB + 384 * MIB, 128 * MIB)])
wrong("fb-overlap", "segments around another GFID's", ADDRESS, beside=2, segments=[(GIB + 512 * MIB, 2 * GIB)])
wrong("fb-overlap", "plugin heap of another GFID", ADDRESS, beside=2, segments=[(2 * GIB + 512 * MIB, 128 * MIB)])
wrong("fb-overlap", "two of its own", ADDRESS, segments=[(GIB, 256 * MIB), (GIB + 128 * MIB, 128 * MIB)])
wrong("fb-overlap", "GSP-RM's heap and WPR2", ADDRESS,
      segments=lambda c: [(c.meta["gspFwHeapOffset"] // (128 * MIB) * 128 * MIB, 128 * MIB)])
wrong("heap-bounds", "plugin heap of 0 bytes", ADDRESS, heap_len=0)
wrong("heap-bounds", "plugin heap past the end of framebuffer", ADDRESS, heap=L40_FB)
wrong("heap-bounds", "plugin heap 16 bytes off", ADDRESS, heap=GIB + 512 * MIB + 16)
wrong("heap-bounds", "plugin heap of 64 MiB and 16 bytes", ADDRESS, heap_len=64 * MIB + 16)
wrong("heap-bounds", "plugin heap longer than the framebuffer", ADDRESS, heap_len=L40_FB)
wrong("heap-bounds", "migration heap past the end of framebuffer", ADDRESS, mig=(L40_FB, 16 * MIB))
wrong("heap-overlap", "plugin heap in its own framebuffer", ADDRESS, heap=GIB + 256 * MIB)
wrong("heap-overlap", "plugin heap in another GFID's framebuffer", ADDRESS, beside=2, heap=2 * GIB)
wrong("heap-overlap", "plugin heap in another GFID's", ADDRESS, beside=2, heap=2 * GIB + 512 * MIB)
wrong("heap-overlap", "plugin heap around another GFID's migration heap", ADDRESS, beside=2,
      beside_mig=(3 * GIB, 4 * MIB), heap=3 * GIB - 4 * MIB)
wrong("heap-overlap", "plugin heap in GSP-RM's", ADDRESS, heap=lambda c: c.meta["gspFwHeapOffset"])
wrong("heap-overlap", "plugin heap in what GSP-RM keeps below its heaps", ADDRESS,
      heap=lambda c: c.meta["nonWprHeapOffset"] - 64 * MIB)
wrong("heap-overlap", "migration heap in the plugin heap", ADDRESS, mig=(GIB + 512 * MIB, 16 * MIB))
wrong("heap-overlap", "migration heap in its own framebuffer", ADDRESS, mig=(GIB, 16 * MIB))
wrong("heap-overlap", "migration heap in another GFID's framebuffer", ADDRESS, beside=2, mig=(2 * GIB, 16 * MIB))
wrong("heap-overlap", "migration heap in another GFID's heap", ADDRESS, beside=2,
      mig=(2 * GIB + 512 * MIB, 16 * MIB))
wrong("fb-overlap", "migration heap of another GFID", ADDRESS, beside=2, beside_mig=(3 * GIB, 16 * MIB),
      segments=[(3 * GIB, 128 * MIB)])
wrong("ctrl-bounds", "control region past the end of the heap", OFFSET, ctrl=64 * MIB)
wrong("ctrl-bounds", "control region 16 bytes off", OFFSET, ctrl=16)
wrong("ctrl-bounds", "heap smaller than the communication area", OFFSET, heap_len=MIB)
for MEMBER in ("initTask", "vgpuTask", "kernel"):
    wrong("log-bounds", f"{MEMBER}Log behind the heap", OFFSET,
          logs={f"{MEMBER}LogBuffOffset": GIB + 576 * MIB, f"{MEMBER}LogBuffSize": 4 * KIB})
for MUTATION, ADDR, SIZE in (("told from the heap's start", 0x204000, 4 * KIB),
                             ("4 GiB behind the heap", 5 * GIB + 512 * MIB, 4 * KIB),
                             ("half behind the heap", GIB + 576 * MIB - 4 * KIB, 8 * KIB)):
    wrong("log-bounds", f"initTaskLog {MUTATION}", OFFSET,
          logs={"initTaskLogBuffOffset": ADDR, "initTaskLogBuffSize": SIZE})
wrong("chid-range", "channels past 2048", LIMIT, chid=2040)
wrong("chid-range", "offset 2048", LIMIT, chid=2048)
wrong("chid-range", "offset 0xffffffff", LIMIT, chid=0xffffffff)
wrong("chid-overlap", "channels of another GFID", LIMIT, beside=2, chid=48)
wrong("chid-overlap", "channels around another GFID's", LIMIT, beside=2, chid=16, channels=128)
wrong("chid-overlap", "channels of another GFID on one engine only", LIMIT, beside=2, chid=512, chids={9: 40})
wrong("chid-engine", "channels for an engine that is not there", ARGUMENT, chids={40: 32, 0: 5})
wrong("chid-engine", "channels for an engine past the bitmap", ARGUMENT, chids={65: 5})     # bit 1 is an engine


def refuses_mode(check, mutation, status, key, partitions):
    """BOOTLOAD where GSP-RM was booted with another RMSetSriovMode (None: without), or without VF partitions."""
    def run():
        with Machine() as m:
            c = Client(m, vgpu=partitions)
            c.prepare()
            c.vgpu = True       # in what is told of VFs
            c.keys["RMSetSriovMode"] = key
            if key is None:
                del c.keys["RMSetSriovMode"]
            c.store()
            c.first_commands()
            c.boot_falcons()
            c.wait_init_done()
            c.get_static()
            before = in_use(c)
            try:
                c.control(BOOTLOAD, Vgpu(c, 1).params())
            except Refused as refused:
                equal(refused.status, c.abi.consts[status], "status")
            else:
                raise AssertionError("it was accepted")
            only(m, check)
            equal(in_use(c), before, "accounting and vGPUs")
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


refuses_rpc("sriov-off", "BOOTLOAD on a board without SR-IOV", lambda c: c.control(BOOTLOAD, Vgpu(c, 1).params()),
            "NV_ERR_NOT_SUPPORTED", sriov=False)
for VALUE in (0, 2, None):
    refuses_mode("sriov-off", f"BOOTLOAD with RMSetSriovMode {VALUE}", "NV_ERR_NOT_SUPPORTED", VALUE, True)
refuses_mode("gfid-range", "GFID 1 without VF partitions", ARGUMENT, 1, False)
refuses_rpc("gfid-unknown", "SHUTDOWN of a GFID without vGPU", lambda c: Vgpu(c, 4).shutdown(), ARGUMENT)
refuses_rpc("gfid-unknown", "CLEANUP of GFID 0", lambda c: Vgpu(c, 0).cleanup(), ARGUMENT)
refuses_rpc("gfid-unknown", "CLEANUP of GFID 33", lambda c: Vgpu(c, 33).cleanup(), ARGUMENT)


def twice(c):
    v = Vgpu(c, 4)
    bootload(c, v)
    v.shutdown()
    v.shutdown()


refuses_rpc("gfid-shutdown", "SHUTDOWN twice", twice, "NV_ERR_INVALID_STATE")


def heterogeneous(c):
    bootload(c, Vgpu(c, 4))
    c.control(HETEROGENEOUS, b"\1")


refuses_rpc("heterogeneous-busy", "mode change with a vGPU", heterogeneous, "NV_ERR_IN_USE")


def too_many_types(c):
    name = "NV2080_CTRL_VGPU_MGR_INTERNAL_PGPU_ADD_VGPU_TYPE_PARAMS"
    for count in (1, 64):
        c.control(ADD_TYPE, c.abi.pack(name, {"vgpuInfoCount": count}))


refuses_rpc("vgpu-types", "65 types", too_many_types, "NV_ERR_NOT_SUPPORTED")


def host_reserved(c, vgpu_type):
    return struct.unpack_from("<Q", c.control(HOST_RESERVED, struct.pack("<QII", 0xdead, vgpu_type, 0)))[0]


@test("vGPU: the host is told of its reserve for a type that it added")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        name = "NV2080_CTRL_VGPU_MGR_INTERNAL_PGPU_ADD_VGPU_TYPE_PARAMS"
        c.control(ADD_TYPE, c.abi.pack(name, {"vgpuInfoCount": 1, "vgpuInfo[0].vgpuType": 880}))
        equal(host_reserved(c, 880), 1536 * MIB, "reserve")
        none(m)


refuses_rpc("vgpu-type-unknown", "reserve of the host for a type that was not added",
            lambda c: host_reserved(c, 880), ARGUMENT)


def doorbell(handle_and_gfid, with_vgpu=False, shutdown=False):
    def ring(c):
        if with_vgpu:
            v = Vgpu(c, 3)
            bootload(c, v)
            if shutdown:
                v.shutdown()
        c.m.wr(0xb82200, handle_and_gfid)
        c.m.step(10000000)
    return ring


def rings(check, mutation, ring):
    def run():
        with Machine() as m:
            c = Client(m).boot()
            c.get_static()
            ring(c)
            only(m, check)
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


rings("doorbell-dead", "host's doorbell for a GFID without vGPU", doorbell(3 * 32 + 17))
rings("doorbell-dead", "host's doorbell for GFID 40", doorbell(40 * 32 + 17))
rings("doorbell-dead", "host's doorbell with a handle that is not the plugin's", doorbell(3 * 32 + 3, with_vgpu=True))
rings("doorbell-dead", "host's doorbell after SHUTDOWN", doorbell(3 * 32 + 17, with_vgpu=True, shutdown=True))
