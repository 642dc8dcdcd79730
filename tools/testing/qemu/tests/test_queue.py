# SPDX-License-Identifier: GPL-2.0-or-later
"""Message queues and RPCs of a GSP-RM that runs."""

import struct

from gspclient import BootError, Client, GIB, Machine, MIB, PAGE, R535
from harness import accepts, CASES, Case, equal, none, only, refuses_rpc, test, true

STATIC, CONTROL, CONTINUATION = 65, 76, 71
INTR_TABLE, ADD_TYPE = 0x20800a5c, 0x20804003
ADD = "NV2080_CTRL_VGPU_MGR_INTERNAL_PGPU_ADD_VGPU_TYPE_PARAMS"


def booted(function, **props):
    def run():
        with Machine(**props) as m:
            c = Client(m).boot()
            c.get_static()
            function(c)
            none(m)
    return run


@test("queue: 200 commands wrap around both queues")
@booted
def _(c):
    size = c.abi.sizes["NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS"]
    for _ in range(200):
        table = c.control(INTR_TABLE, bytes(size))
        equal(struct.unpack_from("<I", table)[0] >= 1, True, "entries")
    true(c.sequence > 3 * c.slots and c.stat_sequence > 3 * c.slots, "the queues did not wrap")


@test("queue: messages of 2, 3 and 16 elements wrap around its end")
@booted
def _(c):
    size = c.abi.sizes["GspStaticConfigInfo"]
    for pages in (2, 3, 16, 2, 3, 16, 16, 16, 16):
        before = c.cmd_write
        payload = bytes(pages * PAGE - 80)
        answer = c.rpc(STATIC, payload)
        equal(len(answer), len(payload), "length of the answer")
        equal(c.cmd_write, (before + pages) % c.slots, "elements")
        equal(c.abi.get("GspStaticConfigInfo", "hInternalClient", answer[:size]), c.static["hInternalClient"], "handle")


@test("queue: a control of 334,344 bytes goes out and comes back in six messages")
@booted
def _(c):
    params = bytearray(c.abi.sizes[ADD])
    params[0] = 1
    pattern = bytes(i * 13 & 0xff for i in range(1000))
    params[-1000:] = pattern    # of an entry that does not count
    answer = c.control(ADD_TYPE, bytes(params))
    equal(len(answer), len(params), "length")
    equal(answer[-1000:] == pattern, True, "the end of the answer")


@test("queue: GSP-RM waits while the CPU does not read, and goes on when it does")
@booted
def _(c):
    for _ in range(100):
        if c.room():
            c.send(STATIC, bytes(c.abi.sizes["GspStaticConfigInfo"]))
        c.m.step(1000000)
    c.events = []
    used = (c.shm_read32(c.statq + 0x10) - c.stat_read) % c.slots
    equal(used, c.slots - 1, "slots used: one stays empty")
    true(c.m.wait(lambda: len(c.poll()) >= 100, ms=300), f"{len(c.events)} answers")


@test("queue: commands that wait when GSP-RM starts are taken without a doorbell")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        c.store()
        c.push(c.element(72, c.system_info()), ring=False)
        c.push(c.element(73, c.registry(), rpc_sequence=1), ring=False)
        c.boot_falcons()
        c.wait_init_done()
        none(m)


@test("queue: INIT_DONE waits for both first commands")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        c.store()
        c.send(72, c.system_info())
        c.boot_falcons()
        try:
            c.wait_init_done()
        except BootError:
            c.send(73, c.registry())
            c.wait_init_done()
        else:
            raise AssertionError("INIT_DONE without SET_REGISTRY")


@test("queue: the status queue's header is the command queue's")
@booted
def _(c):
    cmd, stat = c.shm_read(c.cmdq, 32), c.shm_read(c.statq, 32)
    equal(cmd[:16] == stat[:16] and cmd[20:] == stat[20:], True, "headers are the same")


@test("queue: 535 sums whole pages, 570 messages, and both hold")
def _():
    with Machine() as m:
        c = Client(m, R535, vgpu=False).boot()
        c.get_static()      # poll() checks both sums of each message
        none(m)


def broken(check, mutation, function=STATIC, **over):
    """An element with one field broken; GSP-RM must not answer it."""
    def send(c):
        c.send(function, bytes(c.abi.sizes["GspStaticConfigInfo"]), **over)
        expect_silence(c)
    refuses_rpc(check, mutation, quiet(send))


def expect_silence(c):
    c.events = []
    c.m.step(50000000)
    c.poll()
    equal(c.events, [], "answers")


def quiet(function):
    def run(c):
        function(c)
        raise BootError("no answer, as it should be")
    return run


broken("rpc-checksum", "checksum off by one bit", checksum_xor=1)
broken("rpc-checksum", "top bit of the checksum", checksum_xor=1 << 31)
broken("rpc-length", "length larger than its element", length=PAGE - 47)
broken("rpc-length", "length 31", length=31)
broken("rpc-length", "length 0", length=0)
broken("rpc-length", "length 2^32 - 1", length=0xffffffff)
broken("rpc-elements", "no elements", elements=0)
broken("rpc-elements", "17 elements", elements=17)
broken("rpc-elements", "more elements than were written", elements=2)
refuses_rpc("rpc-elements", "17 elements that are there", quiet(
    lambda c: (c.push(c.element(STATIC, bytes(17 * PAGE - 80))), expect_silence(c))))
broken("rpc-sequence", "sequence number of the future", sequence=1000)
broken("rpc-sequence", "sequence number of the past", sequence=0)


def header(at, value):
    """Breaks a word of the RPC header, with a checksum that is right for it."""
    def send(c):
        element = bytearray(c.element(STATIC, bytes(c.abi.sizes["GspStaticConfigInfo"])))
        struct.pack_into("<I", element, 48 + at, value)
        struct.pack_into("<I", element, 32, 0)
        struct.pack_into("<I", element, 32, c.checksum(bytes(element)))
        c.push(bytes(element))
        expect_silence(c)
    return quiet(send)


refuses_rpc("rpc-header", "signature", header(4, 0x12345678))
refuses_rpc("rpc-header", "header version 2", header(0, 0x02000000))
refuses_rpc("rpc-function", "function 0xffff", lambda c: c.rpc(0xffff, bytes(8)))
refuses_rpc("rpc-length", "payload of 4 bytes for GSP_RM_CONTROL", lambda c: c.rpc(CONTROL, bytes(4)))
refuses_rpc("rpc-length", "control parameters larger than the payload",
            lambda c: c.control(INTR_TABLE, bytes(2068), size=4096), "NV_ERR_INVALID_PARAM_STRUCT")
refuses_rpc("rm-params-size", "control parameters 4 bytes short", lambda c: c.control(INTR_TABLE, bytes(2064)),
            "NV_ERR_INVALID_PARAM_STRUCT")
refuses_rpc("rm-handle", "control of an unknown client", lambda c: c.control(INTR_TABLE, bytes(2068), client=0x1234),
            "NV_ERR_INVALID_OBJECT_HANDLE")
refuses_rpc("rm-control", "control that nobody knows", lambda c: c.control(0x20800fff, bytes(4)),
            "NV_ERR_NOT_SUPPORTED")
refuses_rpc("rpc-continuation", "continuation of nothing", quiet(
    lambda c: (c.send(CONTINUATION, bytes(100)), expect_silence(c))))


def unfinished(c):
    """A large command whose second part is another command."""
    params = bytes(c.abi.sizes[ADD])
    body = struct.pack("<6I", c.static["hInternalClient"], c.static["hInternalSubdevice"], ADD_TYPE, 0, len(params), 0)
    c.push(c.element(CONTROL, (body + params)[:16 * PAGE - 80]))
    c.rpc(STATIC, bytes(c.abi.sizes["GspStaticConfigInfo"]))
    raise BootError("the other command was answered, as it should be")


refuses_rpc("rpc-continuation", "another command in between", unfinished)


def pointer(at, value):
    def send(c):
        c.shm_write(at(c), struct.pack("<I", value))
        c.m.wr(0x110c00, 0)
        if at(c) != c.cmdq + 0x10:
            c.send(STATIC, bytes(c.abi.sizes["GspStaticConfigInfo"]))
        expect_silence(c)
    return quiet(send)


refuses_rpc("queue-pointer", "command write pointer 63", pointer(lambda c: c.cmdq + 0x10, 63))
refuses_rpc("queue-pointer", "status read pointer 0xffffffff", pointer(lambda c: c.cmdq + 0x20, 0xffffffff))


def early(check, mutation, change):
    """Wrong first commands: GSP-RM must not come up."""
    def run():
        with Machine() as m:
            c = Client(m)
            c.prepare()
            c.store()
            change(c)
            c.boot_falcons()
            try:
                c.wait_init_done()
            except BootError:
                only(m, check)
                equal(m.rd(0x111388) & 0x80, 0, "RISC-V active")
            else:
                raise AssertionError("INIT_DONE")
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


def info(member, value):
    def change(c):
        data = bytearray(c.system_info())
        at, size = c.abi.members["GspSystemInfo", member]
        data[at:at + size] = value.to_bytes(size, "little")
        c.send(72, bytes(data))
        c.send(73, c.registry())
    return change


def registry(change):
    def send(c):
        data = bytearray(c.registry())
        change(data)
        c.send(72, c.system_info())
        c.send(73, bytes(data))
    return send


for FIELD in ("gpuPhysAddr", "gpuPhysFbAddr", "gpuPhysInstAddr"):
    early("system-info", f"{FIELD} 16 MiB off", info(FIELD, 0xd0000000))
early("system-info", "another bus", info("nvDomainBusDeviceFunc", 1 << 8 | Machine.SLOT << 3))
early("system-info", "config mirror elsewhere", info("pciConfigMirrorBase", 0x92000))
early("system-info", "config mirror of 256 bytes", info("pciConfigMirrorSize", 0x100))


def vf_info(**fields):
    """gspVFInfo with one field broken, told before or after the key that makes it count."""
    def change(c, last=False):
        data = bytearray(c.system_info())
        for field, value in fields.items():
            at, size = c.abi.members["GspSystemInfo", f"gspVFInfo.{field}"]
            data[at:at + size] = value.to_bytes(size, "little")
        for function, payload in ((73, c.registry()), (72, bytes(data)))[::1 if last else -1]:
            c.send(function, payload)
    return change


for FIELD, VALUE in (("totalVFs", 31), ("totalVFs", 0), ("firstVFOffset", 2),
                     ("FirstVFBar0Address", Machine.VF_BAR0 + MIB), ("FirstVFBar1Address", Machine.VF_BAR1 + GIB),
                     ("FirstVFBar2Address", Machine.VF_BAR3 + MIB), ("b64bitBar0", 1), ("b64bitBar1", 0),
                     ("b64bitBar2", 0)):
    early("system-info-vf", f"{FIELD} 0x{VALUE:x}", vf_info(**{FIELD: VALUE}))
early("system-info-vf", "firstVFOffset 5, told after the key", lambda c: vf_info(firstVFOffset=5)(c, last=True))


def first_commands(change):
    return lambda c: setattr(c, "first_commands", lambda: change(c))


accepts("system-info-vf", "VF BARs that the host has not placed", "start", first_commands(
    vf_info(**{f"FirstVFBar{i}Address": 0 for i in range(3)}, b64bitBar1=0)))
accepts("system-info-vf", "31 VFs, not in SR-IOV mode", "start", first_commands(vf_info(totalVFs=31)), vgpu=False)


def late(function, payload):
    """GSP-RM in SR-IOV mode stays in it."""
    def send(c):
        c.keys["RMSetSriovMode"] = 0
        c.send(function, payload(c))
        expect_silence(c)
        c.control(ADD_TYPE, bytes(c.abi.sizes[ADD]))
    return quiet(send)


refuses_rpc("rpc-late", "second SET_SYSTEM_INFO", late(72, lambda c: c.system_info()))
refuses_rpc("rpc-late", "second SET_REGISTRY", late(73, lambda c: c.registry()))
early("registry", "more entries than its size holds", registry(lambda d: struct.pack_into("<I", d, 4, 1000)))
early("registry", "size larger than the message", registry(lambda d: struct.pack_into("<I", d, 0, 4000)))
early("registry", "name outside of the table", registry(lambda d: struct.pack_into("<I", d, 8, 3000)))
early("registry", "name without an end", registry(lambda d: d.__setitem__(slice(len(d) - 1, len(d)), b"x")))
