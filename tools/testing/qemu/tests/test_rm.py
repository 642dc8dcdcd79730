# SPDX-License-Identifier: GPL-2.0-or-later
"""RM objects and controls: what lives under what, and what GSP-RM refuses of them."""

import json
import struct

from gspclient import BootError, Client, Machine, PAGE, R535, R570, Refused
from harness import CASES, Case, equal, none, only, refuses_rpc, test, true
from test_vgpu import BOOTLOAD, Vgpu, bootload

ROOT, DEVICE, SUBDEVICE, VASPACE = 0x0, 0x80, 0x2080, 0x90f1
STATIC, FREE, BAR_PDE, REGISTRY, CONTINUATION, CONTROL, ALLOC = 65, 10, 70, 73, 71, 76, 103
SET_PAGE_DIRECTORY, TPC_INFO, SEGMENT_SIZE, INTR_TABLE = 0x801813, 0x20800138, 0x2080017e, 0x20800a5c
SPA_FOR_GPA, ADD_TYPE, MGR_CONFIG, HETEROGENEOUS = 0x20800a57, 0x20804003, 0x2080400b, 0x2080400e
NUM_CHANNELS = 0x20800a61
MAX_OBJECTS = 16384
CL, DEV, SUB, SPACE = 0xcafe0001, 0xcafe0002, 0xcafe0003, 0xcafe0004


def tree(c):
    """A client with a device, its subdevice and a VA space."""
    c.alloc(CL, CL, CL, ROOT)
    c.alloc(CL, CL, DEV, DEVICE)
    c.alloc(CL, DEV, SUB, SUBDEVICE)
    c.alloc(CL, DEV, SPACE, VASPACE, bytes(c.abi.sizes["NV_VASPACE_ALLOCATION_PARAMETERS"]))


def free(c, client, handle):
    answer = c.rpc(FREE, c.abi.pack("rpc_free_v03_00", {"params.hRoot": client, "params.hObjectOld": handle}))
    return c.abi.get("rpc_free_v03_00", "params.status", answer)


def in_use(c):
    return json.loads(c.m.property("accounting"))["now"]["rm_objects"]


def page_directory(c, vaspace=SPACE, addr=0x100000):
    c.control(SET_PAGE_DIRECTORY, c.abi.pack("NV0080_CTRL_DMA_SET_PAGE_DIRECTORY_PARAMS", {
        "physAddress": addr, "hVASpace": vaspace}), client=CL, target=DEV)


@test("RM: objects die with their parents, and handles can be used again")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        for _ in range(2):
            tree(c)
            page_directory(c)
            equal(in_use(c), 4, "objects")
            equal(free(c, CL, DEV), 0, "status of freeing the device")
            equal(in_use(c), 1, "objects without it")
            equal(free(c, CL, CL), 0, "status of freeing the client")
            equal(in_use(c), 0, "objects at the end")
        none(m)


for RELEASE in (R570, R535):
    @test(f"RM: the table of interrupts has the subtrees of each category, {RELEASE}")
    def _(release=RELEASE):
        with Machine(scrubbed=True) as m:
            c = Client(m, release).boot()
            c.get_static()
            name = "NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS"
            answer = c.control(INTR_TABLE, b"\x55" * c.abi.sizes[name])
            at, size = c.abi.members[name, "subtreeMap"]
            ranges = [tuple(answer[i:i + 2]) for i in range(at, at + size, 2)]
            equal(ranges, [(255, 255), (3, 3), (0, 0), (255, 255), (255, 255), (1, 1), (2, 2)], "subtrees")
            (_, _, gsp, _), (_, _, _, engine) = struct.iter_unpack("<H2x3I", answer[4:4 + 2 * 16])
            equal((gsp // 64, engine // 64), (ranges[6][0], ranges[2][0]), "subtrees of the vectors")
            none(m)


@test("RM: property numbers has other handles, vectors, engine and runlist, told where drivers ask")
def _():
    for numbers, handles, vectors, engine in (("seen", (0xc2000006, 0xabcd0080, 0xabcd2080), (0x9b, 7), (0xb, 1)),
                                              ("other", (0xc1d00042, 0xbeef0001, 0xbeef0002), (0xad, 8), (0xc, 2))):
        with Machine(numbers=numbers) as m:
            c = Client(m).boot()
            static = c.get_static()
            equal(tuple(static[f"hInternal{what}"] for what in ("Client", "Device", "Subdevice")), handles, "handles")
            name = "NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS"
            answer = c.control(INTR_TABLE, bytes(c.abi.sizes[name]))
            (_, _, gsp, _), (_, _, _, nonstall) = struct.iter_unpack("<H2x3I", answer[4:4 + 2 * 16])
            equal((gsp, nonstall), vectors, "vectors")
            name = "NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS"
            answer = c.control(0x20801112, bytes(c.abi.sizes[name]))
            data = struct.unpack_from("<16I", answer, c.abi.members[name, "entries"][0])
            equal((data[2], data[3]), engine, "engine and runlist")
            equal("error" in m.set_property("numbers", "seen"), True, "changed while it runs")
            none(m)


@test("RM: property chids is the number of channels that GSP-RM tells, and takes")
def _():
    for chids in 512, 2048:
        with Machine(chids=chids) as m:
            c = Client(m).boot()
            c.get_static()
            answer = c.control(NUM_CHANNELS, bytes(8))
            equal(struct.unpack("<2I", answer), (0, chids), "channels")
            bootload(c, Vgpu(c, 1, chid=chids - 32))
            try:
                c.control(BOOTLOAD, Vgpu(c, 2, chid=chids - 31).params())
            except Refused:
                only(m, "chid-range")


refuses_rpc("runlist", "number of channels of a runlist that there is not",
            lambda c: c.control(NUM_CHANNELS, struct.pack("<2I", 9, 0)), "NV_ERR_INVALID_ARGUMENT")


def after_tree(check, mutation, function, status):
    refuses_rpc(check, mutation, lambda c: (tree(c), function(c)), status)


after_tree("rm-class", "class 0x1234", lambda c: c.alloc(CL, DEV, 5, 0x1234), "NV_ERR_INVALID_CLASS")
after_tree("rm-parent", "device of a client that is not there", lambda c: c.alloc(0xbad, 0xbad, 5, DEVICE),
           "NV_ERR_INVALID_CLIENT")
after_tree("rm-parent", "subdevice under the client", lambda c: c.alloc(CL, CL, 5, SUBDEVICE),
           "NV_ERR_INVALID_OBJECT_PARENT")
after_tree("rm-parent", "device under a device", lambda c: c.alloc(CL, DEV, 5, DEVICE), "NV_ERR_INVALID_OBJECT_PARENT")
after_tree("rm-handle", "handle of the device again", lambda c: c.alloc(CL, CL, DEV, DEVICE),
           "NV_ERR_INSERT_DUPLICATE_NAME")
after_tree("rm-handle", "client's handle again", lambda c: c.alloc(CL, CL, CL, ROOT), "NV_ERR_INSERT_DUPLICATE_NAME")
after_tree("rm-handle", "handle 0", lambda c: c.alloc(CL, CL, 0, DEVICE), "NV_ERR_INSERT_DUPLICATE_NAME")
after_tree("rm-params-size", "VA space with parameters of 4 bytes", lambda c: c.alloc(CL, DEV, 5, VASPACE, bytes(4)),
           "NV_ERR_INVALID_PARAM_STRUCT")
after_tree("rm-control", "control of a subdevice on its device",
           lambda c: c.control(SEGMENT_SIZE, bytes(8), client=CL, target=DEV), "NV_ERR_INVALID_OBJECT")
after_tree("page-directory", "of what is no VA space", lambda c: page_directory(c, vaspace=SUB),
           "NV_ERR_INVALID_OBJECT_HANDLE")
after_tree("page-directory", "at 0", lambda c: page_directory(c, addr=0), "NV_ERR_INVALID_ADDRESS")
after_tree("page-directory", "16 bytes off", lambda c: page_directory(c, addr=0x100010), "NV_ERR_INVALID_ADDRESS")
refuses_rpc("gpc-range", "GPC 7", lambda c: c.control(
    TPC_INFO, c.abi.pack("NV2080_CTRL_GPU_GET_FERMI_TPC_INFO_PARAMS", {"gpcId": 7})), "NV_ERR_INVALID_ARGUMENT")


def of_gfid(gfid):
    return lambda c: c.rpc(STATIC, bytes(c.abi.sizes["GspStaticConfigInfo"]), gfid=gfid)


def of_gfid_gone(c):
    v = Vgpu(c, 3)
    bootload(c, v)
    of_gfid(3)(c)
    v.cleanup()
    of_gfid(3)(c)


refuses_rpc("rpc-gfid", "on behalf of GFID 3, which has no vGPU", of_gfid(3), "NV_ERR_INVALID_STATE")
refuses_rpc("rpc-gfid", "on behalf of GFID 3, which has none any more", of_gfid_gone, "NV_ERR_INVALID_STATE")
refuses_rpc("rpc-gfid", "on behalf of GFID 40", of_gfid(40), "NV_ERR_INVALID_STATE")


def alloc_too_long(c):
    answer = c.rpc(ALLOC, struct.pack("<8I", CL, CL, CL, ROOT, 0, 4096, 0, 0))
    raise Refused(struct.unpack_from("<I", answer, 16)[0])


refuses_rpc("rpc-length", "parameters of an object larger than the payload", alloc_too_long,
            "NV_ERR_INVALID_PARAM_STRUCT")


def refuses_free(mutation, client, handle, status):
    def send(c):
        tree(c)
        equal(free(c, client, handle), c.abi.consts[status], "status")
        raise BootError("the message itself succeeds")
    refuses_rpc("rm-handle", mutation, send)


refuses_free("free of an unknown client", 0xbad, DEV, "NV_ERR_INVALID_CLIENT")
refuses_free("free of an unknown object", CL, 0xbad, "NV_ERR_INVALID_OBJECT_OLD")
refuses_free("free of GSP-RM's own client", 0xc2000006, 0xc2000006, "NV_ERR_INVALID_OBJECT_OLD")


def bar_pde(mutation, **fields):
    good = {"info.barType": 0, "info.entryValue": 0, "info.entryLevelShift": 47}
    refuses_rpc("bar-pde", mutation, lambda c: c.rpc(BAR_PDE, c.abi.pack("rpc_update_bar_pde_v15_00", {
        **good, **{f"info.{k}": v for k, v in fields.items()}})), "NV_ERR_INVALID_ARGUMENT")


bar_pde("BAR type 2", barType=2)
bar_pde("entry of a lower level", entryLevelShift=38)


def spa(c, gfid, gpas, count=None):
    name = "NV2080_CTRL_INTERNAL_VMMU_GET_SPA_FOR_GPA_ENTRIES_PARAMS"
    c.control(SPA_FOR_GPA, c.abi.pack(name, {
        "gfid": gfid, "numEntries": len(gpas) if count is None else count,
        "gpaEntries": struct.pack(f"<{len(gpas)}Q", *gpas)}))


refuses_rpc("gpa-range", "address of a GFID without framebuffer", lambda c: spa(c, 3, [0]), "NV_ERR_INVALID_ADDRESS")


def spa_behind(c):
    v = Vgpu(c, 3)
    bootload(c, v)
    length = v.segments[0][1]
    spa(c, 3, [0, length - 1])
    spa(c, 3, [length])


refuses_rpc("gpa-range", "address behind a GFID's framebuffer", spa_behind, "NV_ERR_INVALID_ADDRESS")
refuses_rpc("gfid-range", "addresses of GFID 33", lambda c: spa(c, 33, [0]), "NV_ERR_INVALID_ARGUMENT")
refuses_rpc("gfid-range", "more addresses than there is room for", lambda c: spa(c, 1, [0], 1 << 20),
            "NV_ERR_INVALID_ARGUMENT")
for NAME, COMMAND, PARAMS in (("ADD_VGPU_TYPE", ADD_TYPE, "PGPU_ADD_VGPU_TYPE"),
                              ("SET_VGPU_MGR_CONFIG", MGR_CONFIG, "SET_VGPU_MGR_CONFIG"),
                              ("SET_VGPU_HETEROGENEOUS_MODE", HETEROGENEOUS, "SET_VGPU_HETEROGENEOUS_MODE")):
    refuses_rpc("sriov-off", f"{NAME} on a board without SR-IOV", lambda c, cmd=COMMAND, p=PARAMS: c.control(
        cmd, bytes(c.abi.sizes[f"NV2080_CTRL_VGPU_MGR_INTERNAL_{p}_PARAMS"])), "NV_ERR_NOT_SUPPORTED", sriov=False)


def case(check, mutation, function, **props):
    """A case with a machine to itself, which nothing was done to."""
    def run():
        with Machine(**props) as m:
            function(Client(m))
            only(m, check)
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


def too_many(c):
    """As many at a time as the queue holds."""
    c.boot().get_static()
    left = MAX_OBJECTS - 3 + 1      # GSP-RM has three of its own
    while left:
        batch = min(left, c.slots - 1)
        for n in range(batch):
            handle = 0x10000 + left - n
            c.push(c.element(ALLOC, struct.pack("<8I", handle, handle, handle, ROOT, 0, 0, 0, 0)), ring=n == batch - 1)
            c.rpc_sequence += 1
        true(c.m.wait(lambda: c.room() == c.slots - 1, ms=200), "commands are not taken")
        c.m.step(1000000)
        c.ack_all()
        left -= batch
    equal(in_use(c), MAX_OBJECTS - 3, "objects")
    equal(c.m.refusals(), {"rm-objects": 1}, "refusals")


case("rm-objects", f"{MAX_OBJECTS + 1} objects", too_many)


def image_of_nothing(c):
    """What is never let through, whatever fw-check says."""
    c.prepare()
    c.meta["sizeOfRadix3Elf"] = 0
    c.store()
    c.frts()
    true(c.run_booter(), "booter_load succeeded")


def early(c):
    """A call before GSP-RM is up is answered with an error, and does not keep it from coming up."""
    c.prepare()
    c.store()
    c.send(STATIC, bytes(c.abi.sizes["GspStaticConfigInfo"]))
    c.first_commands()
    c.boot_falcons()
    c.wait_init_done()
    equal([f for f, _ in c.events][0], STATIC, "first message")


case("doorbell-dead", "host's doorbell before GSP-RM runs", lambda c: c.m.wr(0xb82200, 32 + 17))
case("gsp-image-size", "image of 0 bytes, with checks off", image_of_nothing, fw_check="off")
case("rpc-early", "GET_GSP_STATIC_INFO before the first commands", early)


def continuation_too_long(c):
    c.boot().get_static()
    body = struct.pack("<6I", c.static["hInternalClient"], c.static["hInternalSubdevice"], ADD_TYPE, 0,
                       c.abi.sizes["NV2080_CTRL_VGPU_MGR_INTERNAL_PGPU_ADD_VGPU_TYPE_PARAMS"], 0)
    first = 16 * PAGE - 80
    c.push(c.element(CONTROL, body.ljust(first, b"\0")))
    left = len(body) + struct.unpack_from("<I", body, 16)[0] - first
    while left > 0:
        size = min(left + 8, first)
        true(c.m.wait(lambda: c.room() >= 16), "the command queue stays full")
        c.push(c.element(CONTINUATION, bytes(size)))
        left -= size
    c.m.step(20000000)
    c.events = []
    equal(c.poll(), [], "answers")


case("rpc-continuation", "8 bytes more than the command has", continuation_too_long)
case("wpr2-register", "the CPU writes WPR2", lambda c: [c.m.wr(reg, 0xfff0) for reg in (0x1fa824, 0x1fa828)] and equal(
    (c.m.rd(0x1fa824), c.m.rd(0x1fa828)), (0x1ffffe00, 0), "WPR2"))


def pramin_in_wpr2(c):
    c.boot()
    c.m.wr(0x1700, c.meta["gspFwHeapOffset"] >> 16)
    equal(c.m.rd(0x700000), 0xffffffff, "GSP-RM's heap")


case("wpr2-access", "the CPU reads GSP-RM's heap by PRAMIN", pramin_in_wpr2)
