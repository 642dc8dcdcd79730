# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin task's two channels: to the host through its heap, to the guest's driver by the VF's DMA."""

import json
import struct

from gspclient import Client, GIB, Machine, MIB, PAGE, R535, Refused
from harness import CASES, Case, equal, none, only, test, true
from test_vgpu import ADD_TYPE, BOOTLOAD, READY, Vgpu, bootload

NEGOTIATE, CONFIGURE, RESET, BUS_MASTER = 1, 2, 3, 13
TYPE = 876
OK, NOT_SUPPORTED, INVALID_STATE, INVALID_ARGUMENT, INVALID_LIMIT = 0, 0x56, 0x40, 0x1f, 0x2e
VALID, SYSMEM, FB, SIZE_4K, SIZE_128K = 1, 1 << 1, 2 << 1, 0, 1 << 3
SETUP, MESSAGE = 0, 1
ADD = "NV2080_CTRL_VGPU_MGR_INTERNAL_PGPU_ADD_VGPU_TYPE_PARAMS"
SYSTEM_INFO = "rpc_set_guest_system_info_v03_00"


class Plugin(Vgpu):
    """A vGPU whose heap is spoken through, as the host does."""

    RESPONSE, MESSAGE = 0x1000, 0x2000

    def __init__(self, c, gfid, **over):
        super().__init__(c, gfid, **over)
        self.seq = 0
        self.config = {"dbdf": (c.m.SLOT << 3) + 4 + gfid - 1, "vgpu_type": TYPE, "num_channels": 32,
                       "num_plugin_channels": 3}
        self.version = 1

    def fb_write(self, addr, data):
        for i in range(0, len(data), 4):
            self.c.m.wr(0x1700, addr + i >> 16)
            self.c.m.wr(0x700000 + (addr + i & 0xffff), int.from_bytes(data[i:i + 4].ljust(4, b"\0"), "little"))

    def fb_read32(self, addr):
        self.c.m.wr(0x1700, addr >> 16)
        return self.c.m.rd(0x700000 + (addr & 0xffff))

    def ctrl_write(self, member, value):
        at, size = self.c.abi.members["rfc_ctrl_region", member]
        self.fb_write(self.heap + self.ctrl + at, value.to_bytes(size, "little"))

    def response(self, member):
        return self.fb_read32(self.heap + self.RESPONSE + self.c.abi.members["rfc_response_region", member][0])

    def boot(self):
        bootload(self.c, self)
        self.ctrl_write("response_buff_offset", self.RESPONSE)
        self.ctrl_write("message_buff_offset", self.MESSAGE)
        self.ctrl_write("version", self.version)
        return self

    def message(self, kind, payload=b""):
        """Sends one message; its result, None if there is none."""
        self.fb_write(self.heap + self.MESSAGE, payload)
        self.ctrl_write("message_type", kind)
        self.seq += 1
        self.ctrl_write("message_seq_num", self.seq)
        self.c.m.wr(0xb82200, self.gfid * 32 + 17)
        done = self.c.m.wait(lambda: self.response("message_seq_num_processed") == self.seq, ms=20)
        return self.response("result_code") if done else None

    def configure(self):
        return self.message(CONFIGURE, self.c.abi.pack("rfc_config_params", self.config))

    def start(self):
        self.boot()
        equal(self.message(NEGOTIATE), OK, "version negotiation")
        equal(self.configure(), OK, "configuration")
        equal(self.message(BUS_MASTER, b"\1\1"), OK, "bus master")
        return self

    def state(self):
        return next((v for v in json.loads(self.c.m.property("vgpus")) if v["gfid"] == self.gfid), None)


class Guest:
    """The guest driver's end, on the VF."""

    def __init__(self, plugin, aperture=SYSMEM, gpa=0x100000):
        self.m, self.abi, self.vf = plugin.c.m, plugin.c.abi, plugin.gfid - 1
        self.plugin, self.request = plugin, 0
        self.ctrl, self.response = self.m.ram.alloc(PAGE), self.m.ram.alloc(PAGE)
        if aperture == SYSMEM:
            self.buffers = [self.m.ram.alloc(size) for size in (128 * 1024, PAGE, PAGE)]
        else:
            self.buffers = [gpa, gpa + 128 * 1024, gpa + 132 * 1024]
        self.aperture, self.version = aperture, 2
        self.words = {"responseBuf.addr": self.response | SYSMEM | VALID,
                      "msgBuf.addr": self.buffers[0] | aperture | SIZE_128K | VALID,
                      "sharedMem.addr": self.buffers[1] | aperture | VALID,
                      "eventBuf.addr": self.buffers[2] | aperture | VALID}

    def write(self, reg, value):
        self.m.writel(self.m.VF_BAR0 + self.vf * 0x40000 + reg, value)

    def store(self):
        self.m.ram.write(self.ctrl, self.abi.pack("VGPU_GSP_CTRL_BUF_V1", {
            "version": self.version, "requestId": self.request, **self.words}))

    def answered(self):
        return bool(self.m.wait(lambda: self.m.ram.read32(self.response) == self.request, ms=20))

    def ring(self, handle):
        self.request += 1
        self.store()
        self.write(0x2200, handle)
        return self.answered()

    def setup(self, word=None):
        word = self.ctrl | SYSMEM | VALID if word is None else word
        self.write(0x210c, word >> 32)
        self.write(0x2108, word & 0xffffffff)
        return self.ring(SETUP)

    def teardown(self):
        self.words["msgBuf.addr"] = 0
        return self.setup(0)

    def spa(self, gpa):
        for base, length in self.plugin.segments:
            if gpa < length:
                return base + gpa
            gpa -= length
        raise ValueError("outside")

    def rpc(self, function, payload, signature=0x43505256):
        """Result and payload of one RPC."""
        data = struct.pack("<8I", 0x03000000, signature, 32 + len(payload), function, 0xffffffff, 0xffffffff, 0, 0)
        data += payload
        if self.aperture == SYSMEM:
            self.m.ram.write(self.buffers[0], data)
        else:
            self.plugin.fb_write(self.spa(self.buffers[0]), data)
        if not self.ring(MESSAGE):
            return None, b""
        if self.aperture == SYSMEM:
            data = self.m.ram.read(self.buffers[0], len(data))
        else:
            data = b"".join(self.plugin.fb_read32(self.spa(self.buffers[0] + i)).to_bytes(4, "little")
                            for i in range(0, len(data), 4))
        return struct.unpack_from("<I", data, 16)[0], data[32:]


def host(m, release=None):
    """GSP-RM that knows a type, and two VFs."""
    c = (Client(m, release) if release else Client(m)).boot()
    c.get_static()
    name = "vgpuInfo[0].vgpuType"
    c.control(ADD_TYPE, c.abi.pack(ADD, {"discardVgpuTypes": 1, "vgpuInfoCount": 1, name: TYPE}))
    m.enable_vfs(2)
    return c


def accounting(m):
    return json.loads(m.property("accounting"))


def types_refused():
    """The list that was to be replaced stays."""
    with Machine() as m:
        c = host(m)
        try:
            c.control(ADD_TYPE, c.abi.pack(ADD, {"discardVgpuTypes": 1, "vgpuInfoCount": 65}))
        except Refused as refused:
            equal(refused.status, c.abi.consts["NV_ERR_NOT_SUPPORTED"], "status")
        else:
            raise AssertionError("it was accepted")
        only(m, "vgpu-types")
        Plugin(c, 1).start()


CASES.append(Case("refuses vgpu-types: 65 types in place of those known", types_refused, "vgpu-types",
                  "65 types in place of those known"))


def whole_life(release, **props):
    with Machine(**props) as m:
        c = host(m, release)
        one, two = Plugin(c, 1).start(), Plugin(c, 2).start()
        now = accounting(m)["now"]
        equal((now["gfids"], now["segments"], now["fb_bytes"], now["channels"], now["heaps"], now["heap_bytes"]),
              (2, 8, GIB, 64, 2, 128 * MIB), "accounting")
        equal(one.state()["state"], "running", "state")
        equal(one.state()["segments"], [[0, GIB, 512 * MIB]], "segments")
        equal(two.message(RESET), OK, "reset")
        for v in (one, two):
            v.shutdown()
            v.cleanup()
        equal(set(accounting(m)["now"].values()), {0}, "accounting after the end")
        equal(accounting(m)["peak"]["gfids"], 2, "peak")
        none(m)


@test("plugin: two vGPUs configured and taken down, accounting")
def _():
    whole_life(None)


@test("plugin: the same with 535")
def _():
    whole_life(R535, scrubbed=True)


def guest_life(aperture):
    with Machine() as m:
        c = host(m)
        p = Plugin(c, 1).start()
        g = Guest(p, aperture)
        true(g.setup(), "set-up is acknowledged")
        name = c.abi.sizes[SYSTEM_INFO]
        result, payload = g.rpc(1, c.abi.pack(SYSTEM_INFO, {"vgxVersionMajorNum": 0x29, "vgxVersionMinorNum": 0xc}))
        equal((result, len(payload)), (OK, name), "SET_GUEST_SYSTEM_INFO")
        equal(struct.unpack_from("<2I", payload), (0x29, 0x0c), "version")
        equal(p.state()["guest"]["version"], "29.0c", "version in the model")
        true(g.setup(), "second set-up")
        equal(p.state()["guest"]["version"], "29.0c", "version after the second set-up")
        true(g.teardown(), "teardown is acknowledged")
        equal(p.state()["guest"]["up"], False, "state")
        none(m)


@test("plugin: guest's set-up, RPC 1, set-up again and teardown, buffers in system memory")
def _():
    guest_life(SYSMEM)


@test("plugin: the same, buffers in framebuffer")
def _():
    guest_life(FB)


@test("plugin: FLR of the VF takes the guest's set-up, the task lives on")
def _():
    with Machine() as m:
        c = host(m)
        p = Plugin(c, 1).start()
        g = Guest(p)
        true(g.setup(), "set-up")
        cap = m.readl(m.config(0x34, 4)) & 0xff
        while m.readl(m.config(cap, 4)) & 0xff != 0x10:     # Express
            cap = m.readl(m.config(cap, 4)) >> 8 & 0xff
        control = m.config(cap + 8, 4)
        m.writel(control, m.readl(control) & 0xffff | 1 << 15)
        m.writel(m.config(0x04, 4), 6)
        equal((p.state()["guest"]["up"], p.state()["state"]), (False, "running"), "state")
        true(g.setup(), "set-up after FLR")
        none(m)


def refused(check, mutation, function):
    def run():
        with Machine() as m:
            function(host(m))
            only(m, check)
    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


def configured(check, mutation, status, **change):
    def function(c):
        p = Plugin(c, 1).boot()
        p.message(NEGOTIATE)
        p.config |= change
        equal(p.configure(), status, "result")
        p.config = Plugin(c, 1).config
        equal(p.configure(), OK, "the next correct one")
    refused(check, mutation, function)


configured("config-dbdf", "address of another VF", INVALID_ARGUMENT, dbdf=(Machine.SLOT << 3) + 5)
configured("config-dbdf", "address 0", INVALID_ARGUMENT, dbdf=0)
configured("config-type", "type that was not added", INVALID_ARGUMENT, vgpu_type=877)
configured("config-channels", "no channels", INVALID_ARGUMENT, num_channels=0)
configured("config-channels", "other channels than BOOTLOAD", INVALID_ARGUMENT, num_channels=64)
configured("config-channels", "6 plugin channels", INVALID_ARGUMENT, num_plugin_channels=6)


def too_many_channels(c):
    """As NVIDIA's host: BOOTLOAD with offsets alone, the number only in the configuration."""
    p = Plugin(c, 2, channels=0, chid=40).boot()
    p.message(NEGOTIATE)
    p.config["num_channels"] = 2048
    equal(p.configure(), INVALID_LIMIT, "result")


def channels_grow_into_another(c):
    one = Plugin(c, 1, channels=0).boot()
    Plugin(c, 2, channels=0, chid=16).boot()
    one.message(NEGOTIATE)
    equal(one.configure(), INVALID_LIMIT, "result")


refused("chid-range", "configuration with more channels than there are", too_many_channels)
refused("chid-overlap", "configuration with channels of another GFID", channels_grow_into_another)


def order(kind, at):
    def function(c):
        p = Plugin(c, 1).boot()
        if at == "running":
            p.message(NEGOTIATE)
            p.configure()
        equal(p.message(kind), INVALID_STATE, "result")
    return function


for KIND in (CONFIGURE, RESET, BUS_MASTER):
    refused("plugin-order", f"message {KIND} first", order(KIND, "ready"))
refused("plugin-order", "version negotiation while it runs", order(NEGOTIATE, "running"))


def unknown(c):
    p = Plugin(c, 1).start()
    for kind in (0, 4, 12, 14, 15, 0xffffffff):
        equal(p.message(kind), NOT_SUPPORTED, f"result of message {kind}")


refused("plugin-message", "messages 0, 4, 12, 14, 15", unknown)


def silent(**change):
    def function(c):
        p = Plugin(c, 1).boot()
        for member, value in change.items():
            p.ctrl_write(member, value)
        equal(p.message(NEGOTIATE), None, "answer")
    return function


refused("plugin-version", "control region of version 2", silent(version=2))
refused("plugin-bounds", "response behind the heap", silent(response_buff_offset=64 * MIB))
refused("plugin-bounds", "message at 2^64 - 4096", silent(message_buff_offset=(1 << 64) - PAGE))


def guest_refused(check, mutation, function, bus_master=True):
    def run(c):
        p = Plugin(c, 1).start()
        if not bus_master:
            p.message(BUS_MASTER, b"\0\0")
        function(Guest(p))
    refused(check, mutation, run)


def no_setup(word=None, **change):
    def function(g):
        g.version = change.pop("version", 2)
        g.words |= {k.replace("_", "."): v for k, v in change.items()}
        equal(g.setup(word), False, "acknowledged")
    return function


guest_refused("guest-buffer", "control buffer of 128 KiB", lambda g: no_setup(g.ctrl | SYSMEM | SIZE_128K | VALID)(g))
guest_refused("guest-buffer", "control buffer in no aperture", lambda g: no_setup(g.ctrl | VALID)(g))
guest_refused("guest-buffer", "message buffer of 4 KiB", no_setup(msgBuf_addr=0x3000000 | SYSMEM | VALID))
guest_refused("guest-buffer", "response buffer invalid", no_setup(responseBuf_addr=0))
guest_refused("guest-buffer", "control buffer where there is no memory",
              lambda g: equal(g.setup(1 << 45 | SYSMEM | VALID), False, "acknowledged"))
guest_refused("guest-buffer", "response buffer where there is no memory",
              no_setup(responseBuf_addr=1 << 45 | SYSMEM | VALID))
guest_refused("guest-buffer", "message buffer where there is no memory", lambda g: (
    g.words.update({"msgBuf.addr": 1 << 45 | SYSMEM | SIZE_128K | VALID}), true(g.setup(), "set-up"),
    equal(g.ring(MESSAGE), False, "acknowledged")))
guest_refused("guest-version", "control buffer of version 3", no_setup(version=3))
guest_refused("guest-bus-master", "set-up without bus mastering", no_setup(), bus_master=False)
guest_refused("guest-setup", "teardown of nothing", lambda g: equal(g.setup(0), False, "acknowledged"))
guest_refused("guest-setup", "RPC without set-up", lambda g: equal(g.ring(MESSAGE), False, "acknowledged"))
guest_refused("guest-rpc", "function 76", lambda g: (g.setup(), equal(g.rpc(76, bytes(8))[0], NOT_SUPPORTED, "")))
guest_refused("guest-rpc-header", "signature", lambda g: (
    g.setup(), equal(g.rpc(1, bytes(792), signature=1)[0], 0xff100002, "")))
guest_refused("doorbell-handle", "handle 2", lambda g: equal(g.ring(2), False, "acknowledged"))


def dead(c):
    p = Plugin(c, 1).start()
    g = Guest(p)
    true(g.setup(), "set-up")
    p.shutdown()
    equal(g.ring(MESSAGE), False, "acknowledged")


refused("doorbell-dead", "guest's doorbell after SHUTDOWN", dead)
refused("doorbell-dead", "guest's doorbell without a vGPU", lambda c: Guest(Plugin(c, 2)).ring(SETUP))


def crashed(c):
    p = Plugin(c, 1).start()
    g = Guest(p)
    true(g.setup(), "set-up")
    c.m.set_property("crash-plugin", 1)
    equal(g.ring(MESSAGE), False, "acknowledged")
    equal(p.message(RESET), None, "answer")
    p.shutdown()
    p.cleanup()
    Plugin(c, 1).start()


refused("doorbell-dead", "plugin task that crashed", crashed)


def crashes(c, p):
    equal(c.m.set_property("crash-plugin", p.gfid), {"return": {}}, "crash-plugin")
    equal(p.state()["state"], "crashed", "state")


def crashed_early(c):
    """One that boots never gets ready, one that is ready never answers; the other vGPU does not notice."""
    two = Plugin(c, 2).start()
    guest = Guest(two)
    true(guest.setup(), "set-up of the other's guest")
    one = Plugin(c, 1)
    c.control(BOOTLOAD, one.params())
    equal(one.state()["state"], "booting", "state")
    crashes(c, one)
    c.m.step(1000000000)
    equal(one.mailbox() == READY, False, "ready marker of a task that crashed")
    one.shutdown()
    one.cleanup()
    one = Plugin(c, 1).boot()
    equal(one.state()["state"], "ready", "state")
    crashes(c, one)
    equal(one.message(NEGOTIATE), None, "answer of a task that crashed")
    name = c.abi.pack(SYSTEM_INFO, {"vgxVersionMajorNum": 0x29, "vgxVersionMinorNum": 0xc})
    equal((two.state()["state"], two.message(RESET)), ("running", OK), "the other vGPU")
    true(guest.setup(), "the other's guest after a reset")
    equal(guest.rpc(1, name)[0], OK, "its RPC")
    one.shutdown()
    one.cleanup()
    Plugin(c, 1).start()
    two.shutdown()
    two.cleanup()
    equal(accounting(c.m)["now"]["gfids"], 1, "GFIDs in use")


refused("doorbell-dead", "plugin tasks that crashed while they booted and when ready, beside another", crashed_early)
