# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults injected while the model runs, and what a driver sees of them."""

import json
import struct

from gspclient import BootError, Client, GSP, Machine, PAGE, Refused, SEC2
from harness import CASES, Case, equal, none, only, test, true
from test_chan import ACQUIRE, Channel, FB_DATA, launch, new_space, RELEASE, SEM, semaphore
from test_pci import Block, LEAF, LEAF_EN_SET, NO_MESSAGE, TOP_EN_SET, TRIGGER
from test_plugin import BUS_MASTER, Guest, host, OK, Plugin
from test_vgpu import bootload, Vgpu

STATIC, SYSTEM_INFO, REGISTRY, CONTROL, ALLOC, INIT_DONE, OS_ERROR_LOG = 65, 72, 73, 76, 103, 0x1001, 0x1006
SEGMENT_SIZE = 0x2080017e


def booted(function):
    def run():
        with Machine() as m:
            c = Client(m).boot()
            c.get_static()
            function(c)
            none(m)
    return run


def segment_size(c):
    return struct.unpack("<Q", c.control(SEGMENT_SIZE, bytes(8)))[0]


def fails(function, what):
    try:
        function()
    except (BootError, Refused) as error:
        return error
    raise AssertionError(what)


class Kind:
    """
    Messages of one kind: how fault-message calls them, and how to have GSP-RM send
    one. @executed counts requests that were carried out.
    """

    def __init__(self, c, name):
        self.c, self.name, self.handle = c, name, 0xabc00000
        self.function = {"control": CONTROL, "RPC": STATIC, "alloc": ALLOC, "event": OS_ERROR_LOG}[name]
        self.what = f"{self.function}:" + (f"0x{SEGMENT_SIZE:x}" if name == "control" else "")

    def ask(self):
        c = self.c
        if self.name == "control":
            c.send(CONTROL, struct.pack("<6IQ", c.static["hInternalClient"], c.static["hInternalSubdevice"],
                                        SEGMENT_SIZE, 0, 8, 0, 0))
        elif self.name == "RPC":
            c.send(STATIC, bytes(c.abi.sizes["GspStaticConfigInfo"]))
        elif self.name == "alloc":
            self.handle += 1
            c.send(ALLOC, struct.pack("<8I", self.handle, self.handle, self.handle, 0, 0, 0, 0, 0))
        else:
            equal(c.m.set_property("inject-event", "os-error-log:79:text"), {"return": {}}, "inject-event")

    def executed(self):
        if self.name == "alloc":
            return json.loads(self.c.m.property("accounting"))["now"]["rm_objects"]
        return json.loads(self.c.m.property("stats"))["rpcs"].get(str(self.function), 0)

    def status(self, payload):
        """NV_STATUS of an answer, where this kind has it."""
        at = {"control": 12, "alloc": 16}.get(self.name)
        return self.c.result if at is None else struct.unpack_from("<I", payload, at)[0]


def messages(c, ms=10):
    """(function, payload) of what GSP-RM sends within that time."""
    c.events = []
    for _ in range(2 * ms):
        c.m.step(500000)
    c.poll()
    return c.events


def functions(c, ms=10):
    return [f for f, _ in messages(c, ms)]


def dropped(c, kind, before):
    equal((functions(c), kind.executed()), ([], before + (kind.name != "event")), "messages, requests executed")


def lost(c, kind, before):
    equal((functions(c), kind.executed()), ([], before), "messages, requests executed")
    equal(c.room(), c.slots - 1, "it is off the queue")


def delayed(c, kind, before):
    other, event = Kind(c, "RPC" if kind.name != "RPC" else "control"), Kind(c, "event")
    equal((functions(c), kind.executed()), ([], before + (kind.name != "event")), "messages, requests executed")
    event.ask()
    other.ask()
    equal(functions(c), [], "what is behind it waits")
    equal(functions(c, 40), [kind.function, OS_ERROR_LOG, other.function], "and comes in order")


def duplicated(c, kind, before):
    answers = messages(c)
    equal([f for f, _ in answers], [kind.function] * 2, "messages")
    equal(kind.executed(), before + (kind.name != "event"), "requests executed")
    equal(answers[0] == answers[1], True, "the same twice")


def corrupted(c, kind, before):
    true("checksum" in str(fails(lambda: messages(c), "checksum is right")), "another error")
    equal(kind.executed(), before + (kind.name != "event"), "requests executed")
    c.ack_all()
    c.stat_sequence += 1


def changed(c, kind, before):
    (function, payload), = messages(c)
    equal((function, payload[8:12].hex()), (kind.function, "785634f2"), "the word")
    equal(kind.executed(), before + (kind.name != "event"), "requests executed")
    kind.ask()
    (_, right), = messages(c)
    equal((right[:4], right[12:]) == (payload[:4], payload[12:]) or kind.name == "alloc", True, "the others")


def refused(c, kind, _before):
    objects = Kind(c, "alloc").executed()
    (function, payload), = messages(c)
    equal((function, kind.status(payload)), (kind.function, 0x1a), "status")
    equal(Kind(c, "alloc").executed(), objects, "objects")


ACTIONS = {"drop": dropped, "lose": lost, "delay=40": delayed, "duplicate": duplicated, "corrupt": corrupted,
           "word=8=0xf2345678": changed, "refuse=0x1a": refused}

for ACTION, CHECK in ACTIONS.items():
    for NTH in (1, 3):
        @test(f"fault: {ACTION}, number {NTH} of a kind: control, RPC, alloc, event")
        @booted
        def _(c, action=ACTION, check=CHECK, nth=NTH):
            for name in ("control", "RPC", "alloc") + (() if check in (lost, refused) else ("event",)):
                kind = Kind(c, name)
                other = Kind(c, "RPC" if name != "RPC" else "control")
                equal(c.m.set_property("fault-message", f"{action}:{kind.what}:{nth}"), {"return": {}}, name)
                for _ in range(nth - 1):
                    kind.ask()
                    equal(functions(c), [kind.function], f"{name} before")
                    other.ask()
                    equal(functions(c), [other.function], "another kind")
                before = kind.executed()
                kind.ask()
                check(c, kind, before)
                equal(c.m.property("fault-message"), "", "one shot")
                kind.ask()
                (function, payload), = messages(c)
                equal((function, name != "event" and kind.status(payload)), (kind.function, 0), "the next one")


def word_at(behind):
    def run():
        with Machine() as m:
            c = Client(m).boot()
            offset = c.abi.sizes["GspStaticConfigInfo"] - 4 + behind & 0xffffffff
            m.set_property("fault-message", f"word={offset}=1:{STATIC}")
            Kind(c, "RPC").ask()
            equal(functions(c), [STATIC], "it comes all the same")
            if behind:
                only(m, "fault-word")
            else:
                none(m)
    return run


CASES.append(Case("accepts fault-word: the last one of its message", word_at(0), "fault-word", "the last one", "accepted"))
for BEHIND in 1, 4, 1 << 31:
    CASES.append(Case(f"refuses fault-word: {BEHIND} bytes behind the last one", word_at(BEHIND), "fault-word",
                      f"{BEHIND} bytes behind the last one"))


def dma_of_no_master():
    """Its memory cannot be reached, which ends GSP-RM."""
    with Machine() as m:
        Client(m).boot()
        m.writel(m.config(4), m.readl(m.config(4)) & 0xfffb)
        m.set_property("inject-event", "os-error-log:79:text")
        m.step(10_000_000)
        only(m, "dma-master", "gfid 0, which is no bus master")
        equal(m.rd(0x111388) & 0x90, 0x10, "core halted")


CASES.append(Case("refuses dma-master: an event of a GPU that is no bus master", dma_of_no_master, "dma-master",
                  "an event of a GPU that is no bus master"))


@test("fault: drop INIT_DONE")
def _():
    with Machine() as m:
        m.set_property("fault-message", f"drop:0x{INIT_DONE:x}")
        fails(Client(m).boot, "INIT_DONE came")


WRONG = {
    "fault-message": ("drop", "drop:", "lost:65", "lose=1:65", "delay:65", "drop=1:65", "refuse=x:65", "drop:65:0:0",
                      "drop:65:y", "drop:all", "crash=1:65", "hang:", ":65", "word:65", "word=1:65",
                      "word=1=x:65", "word=x=1:65", "word=1=2=3:65"),
    "fault-plugin": ("x", "lose", "lose:0", "lose:33", "lose=1:1", "delay:1", "delay=x:1", "refuse:1", "crash:1:0", "drop:1:x"),
    "fault-gsp": ("", "hang", "SILENT"),
    "fault-engine": ("x", "none:1", "hang:0", "hang:", "error:x", "hang:1:2"),
    "fault-guest": ("x", "crash", "crash:0", "crash:33", "hold:1:0", "hold:1:x", "delay:1", "hold:1:2:copy",
                    "crash-gsp:1:2:call:3", "drop:1:1:doorbell", "refuse:1:1:doorbell", "corrupt:1:1:doorbell"),
    "fault-register": ("x", "0x1fa828", "0x1fa828:", "x:1", "0x1fa829:0", "0x1000000:0", "0x700000:0", "0:0x100000000",
                       "0:0:0", "0:0:x", "0:0:1:1", "0:1,", ",0:1", "0:1,0:1:0", ",".join(["0:1"] * 5)),
    "lose-interrupt": ("x", "33", "-1", "0:0", "0:", "1:2:3"),
    "inject-event": ("", "xid:1:text", "os-error-log:", "os-error-log:x:text", "os-error-log:1", "lockdown", "lockdown:yes",
                     "message:", "message:x", "message:4096:0", "message:4096:zz", "message:4096:00:0",
                     "message:4096:00:1000001", "message:4096:00:1:1",
                     "channel-error:1:1:0", "channel-error:1:1:0:x", "channel-error:1:1:0:31"),
    "crash-plugin": (0, 1, 33, "one", -1),
    "crash-gsp": ("yes", 1), "hang-gsp": ("yes", 1), "surprise-removal": ("gone", 0),
    "fault-scrubber": ("x", 1 << 32), "fault-booter": (-1, True),
    "ecc": (1, "yes"), "vbios-fwsec": (0,), "prom-ifr": (1,), "vbios": ("/nowhere",),
    "wpr2-up": ("up",), "scrubbed": (1,),
    "fuse-sec2": (True, 1 << 32),
    "fuse-gsp": (-1, "one"),
}


@test("fault: what is no fault is an error that names the property")
@booted
def _(c):
    for name, values in WRONG.items():
        for value in values:
            answer = c.m.set_property(name, value)
            true(name in answer.get("error", {}).get("desc", ""), f"{name}={value!r}: {answer}")
    segment_size(c)


@test("fault: messages that nobody asked for, of any function, payload and number")
@booted
def _(c):
    large = bytes(range(256)) * 64
    for function, payload in ((0x1fff, b""), (0xffffffff, b"\1"), (STATIC, large), (CONTROL, b"\xff" * 24)):
        text = f"message:{function}:{payload.hex()}"
        equal(c.m.set_property("inject-event", text), {"return": {}}, f"{function}")
        equal(messages(c), [(function, payload)], f"{function:#x}")
    c.m.set_property("inject-event", f"message:{OS_ERROR_LOG}:00:1000")
    found = []
    while len(found) < 1000:
        more = functions(c)
        equal(bool(more), True, f"more than {len(found)} of 1000")
        found += more
    equal((found, functions(c)), ([OS_ERROR_LOG] * 1000, []), "all of them, and no more")


@test("fault: a register that reads as something else")
def _():
    boot0, boot42 = 0x0, 0xa00
    with Machine() as m:
        right = m.rd(boot0)
        m.set_property("fault-register", f"{boot0}:0xbadf5040")
        equal((m.rd(boot0), m.rd(boot0)), (0xbadf5040, 0xbadf5040), "until it is told")
        equal(m.rd(boot42) == right, False, "another register")
        m.set_property("fault-register", "")
        equal(m.rd(boot0), right, "what it is stays")
        m.set_property("fault-register", f"{boot0}:7:3")
        equal([m.rd(boot0) for _ in range(4)], [right, right, 7, 7], "from the third read on")
        equal(m.property("fault-register"), "0x0:0x7:1", "counted down")
        m.set_property("fault-register", f"{boot0}:7,{boot42}:9:2")
        equal([m.rd(boot0), m.rd(boot42) == 9, m.rd(boot42)], [7, False, 9], "two of them")
        equal(m.property("fault-register"), "0x0:0x7:1,0xa00:0x9:1", "both")


# A message that does not come, and what to say of it
NEVER = {
    "is an event": [f"{action}:0x{function:x}" for action in ("refuse=1", "lose") for function in (INIT_DONE, 0x1fff)],
    "has no answer": [f"{action}:{function}" for action in ("drop", "delay=1", "duplicate", "corrupt", "word=0=1")
                      for function in (SYSTEM_INFO, REGISTRY)],
    "is part of a message": [f"{action}:71" for action in ("drop", "lose", "refuse=1", "delay=1")],
    "has no controls": [f"drop:{STATIC}:0x{SEGMENT_SIZE:x}", f"refuse=1:{ALLOC}:1:2"],
}


@test("fault: one that would never fire is an error that says why")
@booted
def _(c):
    for why, values in NEVER.items():
        for value in values:
            desc = c.m.set_property("fault-message", value).get("error", {}).get("desc", "")
            true(value in desc and why in desc, f"{value}: '{desc}'")
            equal(c.m.property("fault-message"), "", "armed")


@test("fault: the first two commands, which have no answer, lost or refused")
def _():
    for action in ("lose", "refuse=1"):
        for function in (SYSTEM_INFO, REGISTRY):
            with Machine() as m:
                equal(m.set_property("fault-message", f"{action}:{function}"), {"return": {}}, action)
                fails(Client(m).boot, "INIT_DONE came")
                equal(m.property("fault-message"), "", "one shot")
                none(m)


@test("fault: what needs a GSP-RM says so when there is none")
def _():
    with Machine() as m:
        for name, value in (("crash-gsp", True), ("hang-gsp", True), ("crash-plugin", 1),
                            ("inject-event", "os-error-log:79:text")):
            desc = m.set_property(name, value).get("error", {}).get("desc", "")
            true(name in desc and "running" in desc, f"{name}: '{desc}'")


@test("fault: GSP-RM that never answers stays active, one that dies halts")
def _():
    for fault, active in (("silent", 0x80), ("dies", 0)):
        with Machine() as m:
            m.set_property("fault-gsp", fault)
            fails(Client(m).boot, "INIT_DONE came")
            equal(m.rd(0x111388) & 0x80, active, f"RISC-V active, {fault}")
            m.set_property("fault-gsp", "none")


@test("fault: GSP-RM crashes, a new load works")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        m.set_property("crash-gsp", True)
        fails(c.get_static, "a dead GSP-RM answered")
        equal(m.rd(0x111388) & 0x90, 0x10, "RISC-V halted")
        m.vm.qmp("system_reset")
        m.setup_pci()
        c = Client(m).boot()
        c.get_static()
        none(m)


@test("fault: an error that GSP-RM logs comes as an event")
@booted
def _(c):
    before = c.m.rd(0x110008) & 0x40
    c.m.wr(0x110004, 0x40)
    c.events = []
    c.m.set_property("inject-event", "os-error-log:79:GPU: has fallen off the bus")
    true(c.m.wait(c.poll, ms=50), "no event")
    function, payload = c.events[0]
    name = "rpc_os_error_log_v17_00"
    equal((function, c.abi.get(name, "exceptType", payload)), (OS_ERROR_LOG, 79), "event")
    true(b"GPU: has fallen off the bus\0" in payload, "its text")
    equal((before, c.m.rd(0x110008) & 0x40), (0x40, 0x40), "swgen0")
    equal(json.loads(c.m.property("stats"))["events"][f"0x{OS_ERROR_LOG:04x}"], 1, "count")


@test("fault: GSP-RM crashes or hangs when it takes the third request, whatever it is; requests are counted")
def _():
    for action, core in (("crash", 0x10), ("hang", 0x80)):
        with Machine() as m:
            c = Client(m).boot()
            m.set_property("fault-message", f"{action}:any::3")
            c.get_static()
            segment_size(c)
            m.set_property("inject-event", "os-error-log:79:text")
            equal(m.property("fault-message"), f"{action}:any:0:1", "what is left, an event is no request")
            before = json.loads(m.property("stats"))["rpcs"]
            fails(c.get_static, "it is answered")
            equal((m.property("fault-message"), m.rd(0x111388) & 0x90), ("", core), f"{action}: fault, core")
            equal(json.loads(m.property("stats"))["rpcs"], before, "requests that were carried out")


@test("fault: the third answer, whatever it is of, does not come")
@booted
def _(c):
    c.m.set_property("fault-message", "drop:any::3")
    c.get_static()
    c.m.set_property("inject-event", "os-error-log:79:text")
    segment_size(c)
    fails(c.get_static, "it is answered")
    c.get_static()


@test("fault: messages to a plugin task: lost, not answered, late, refused, and the last thing that it hears")
def _():
    for action, result, taken, state in (
        ("lose", None, False, "running"), ("drop", None, True, "running"), ("delay=40", None, False, "running"),
        ("refuse=0x1234", 0x1234, False, "running"), ("crash", None, False, "crashed"),
    ):
        with Machine() as m:
            c = host(m)
            one, two = (Plugin(c, gfid).start() for gfid in (1, 2))
            equal(m.set_property("fault-plugin", f"{action}:1:2"), {"return": {}}, action)
            equal([p.message(BUS_MASTER, b"\1\1") for p in (two, two, one)], [OK] * 3, "others, and the first")
            equal(one.message(BUS_MASTER, b"\0\0"), result, action)
            equal(m.property("fault-plugin"), "", "one shot")
            equal((one.state()["bus_master"], one.state()["state"]), (not taken, state), f"{action}: taken, state")
            if action.startswith("delay"):
                true(m.wait(lambda: one.response("message_seq_num_processed") == one.seq, ms=40), "answered later")
                equal(one.state()["bus_master"], False, "taken later")
            equal(two.message(BUS_MASTER, b"\1\1"), OK, "the other one")
            none(m)


@test("fault: GSP-RM hangs: its core stays active, nothing is answered, a new load works")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        bootload(c, Vgpu(c, 1))
        m.set_property("hang-gsp", True)
        fails(c.get_static, "a GSP-RM that hangs answered")
        equal(m.rd(0x111388) & 0x90, 0x80, "RISC-V active")
        equal(c.shm_read32(c.statq + 0x20), c.cmd_write - 1, "the command is not taken")
        c = Client(m)
        c.ram.next = c.ram.WORK
        c.m.vm.qmp("system_reset")
        m.setup_pci()
        c.boot().get_static()
        none(m)


def time_goes_on(m):
    """To the machine's next timer, which lies ahead unless one is set anew for the past over and over."""
    m.settle()
    return m.vm.qtest("clock_step").startswith("OK")


@test("fault: GSP-RM dies on a command after those it needs to start; time goes on")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        c.store()
        c.first_commands()
        c.send(73, struct.pack("<II", 4096, 1000))
        c.boot_falcons()
        fails(c.wait_init_done, "INIT_DONE came")
        equal(m.rd(0x111388) & 0x90, 0x10, "RISC-V halted")
        true(time_goes_on(m), "a timer is due for ever")
        only(m, "registry")


@test("fault: GSP-RM hangs before INIT_DONE; time goes on")
def _():
    with Machine() as m:
        c = Client(m)
        c.start()
        true(m.wait(lambda: "error" not in m.set_property("hang-gsp", True), ms=10), "GSP-RM does not run")
        fails(c.wait_init_done, "INIT_DONE came")
        equal(m.rd(0x111388) & 0x90, 0x80, "RISC-V active")
        true(time_goes_on(m), "a timer is due for ever")
        none(m)


# ---- interrupts ------------------------------------------------------------------------------------------------------


def block_on(m, vf=None):
    """The function's block with vector 0x47 enabled all the way up to a message."""
    block = Block(m, vf)
    block.msix_on()
    block.wr(LEAF_EN_SET + 8, 1 << 7)
    block.wr(TOP_EN_SET, 2)
    return block


def pin(m):
    """Interrupt Status."""
    return m.readl(m.config(4)) >> 19 & 1


def raised(block):
    """Vector 0x47 acknowledged and raised anew: the message that was sent, if any."""
    block.wr(LEAF + 8, 1 << 7)
    block.wr(TRIGGER, 0x47)
    return block.message()


@test("fault: lose the second interrupt of one function")
def _():
    with Machine() as m:
        m.enable_vfs(2)
        pf, one, two = block_on(m), block_on(m, 0), block_on(m, 1)
        for gfid, victim in enumerate((pf, one, two)):
            m.set_property("lose-interrupt", f"{gfid}:2")
            for block in (pf, one, two):
                equal(raised(block), 0x600d, "the first one")
            equal(m.property("lose-interrupt"), f"{gfid}:1", "counted down")
            equal([raised(block) for block in (pf, one, two)],
                  [NO_MESSAGE if block is victim else 0x600d for block in (pf, one, two)], f"GFID {gfid}")
            equal(victim.rd(LEAF + 8), 1 << 7, "pending")
            victim.wr(TOP_EN_SET, 2)
            equal(victim.message(), 0x600d, "sent again by TOP_EN_SET")
            equal((m.property("lose-interrupt"), raised(victim)), ("", 0x600d), "one shot")
        m.set_property("lose-interrupt", "1")
        m.set_property("lose-interrupt", "")
        equal(raised(one), 0x600d, "taken back")
        none(m)


@test("fault: lose an interrupt by pin and by MSI, and get it back by arming again")
def _():
    with Machine() as m:
        pf = Block(m)
        pf.wr(LEAF_EN_SET + 8, 1 << 7)
        pf.wr(TOP_EN_SET, 2)
        m.set_property("lose-interrupt", "0")
        pf.wr(TRIGGER, 0x47)
        equal(pin(m), 0, "pin")
        pf.wr(LEAF_EN_SET, 1)
        pf.wr(TRIGGER, 0x47)
        equal(pin(m), 0, "pin, whatever is written that does not send again")
        pf.wr(TOP_EN_SET, 2)
        equal(pin(m), 1, "pin after TOP_EN_SET")
        m.set_property("lose-interrupt", "0")
        pf.wr(LEAF + 8, 1 << 7)
        pf.wr(TRIGGER, 0x47)
        equal(pin(m), 0, "pin, lost again")
        pf.wr(LEAF + 8, 1 << 7)
        pf.wr(TRIGGER, 0x47)
        equal(pin(m), 1, "the next one")
    with Machine(sriov=False) as m:
        pf, where = Block(m), m.ram.alloc(4096)
        m.writel(m.config(0x6c), where)
        m.writel(m.config(0x74), 0x1234)
        m.writel(m.config(0x68), 1 << 16)
        pf.wr(LEAF_EN_SET + 8, 1 << 7)
        pf.wr(TOP_EN_SET, 2)
        m.set_property("lose-interrupt", "0")
        pf.wr(TRIGGER, 0x47)
        m.settle()
        equal(m.ram.read32(where), 0, "message")
        m.wr(0x88704, 0)
        m.settle()
        equal(m.ram.read32(where), 0x1234, "message after arming again")


# ---- surprise removal ------------------------------------------------------------------------------------------------


def places(m):
    """An address in each thing that a driver can read of the PF and of VF 0."""
    return {"PMC_BOOT_0": m.BAR0, "MSI-X table of the PF": m.BAR0 + 0xb90000, "last of BAR0": m.BAR0 + 0xfffffc,
            "PRAMIN": m.BAR0 + 0x700000, "BAR1": m.BAR1, "end of BAR1": m.BAR1 + (64 << 30) - 4, "BAR3": m.BAR3,
            "BAR0 of the VF": m.VF_BAR0, "MSI-X table of the VF": m.VF_BAR0 + 0x10000, "BAR1 of the VF": m.VF_BAR1,
            "BAR3 of the VF": m.VF_BAR3, "ids": m.config(0), "last of configuration space": m.config(0xffc),
            "VF's command": m.config(4, 4)}


@test("fault: surprise removal: all ones from everywhere, writes lost, and all as before when it is back")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        m.enable_vfs(1)
        vf = block_on(m, 0)
        bootload(c, Vgpu(c, 1))
        m.writel(m.VF_BAR1 + 64, 0xabc)
        before = {name: m.readl(at) for name, at in places(m).items()}
        equal([name for name, v in before.items() if v == 0xffffffff], ["BAR1", "end of BAR1", "BAR3"], "not mapped")
        m.set_property("surprise-removal", True)
        for name, at in places(m).items():
            equal(m.readl(at), 0xffffffff, name)
        for at in [*places(m).values(), m.VF_BAR1 + 64, m.config(0xbdc)]:
            m.writel(at, 0)
        equal(m.read(m.BAR0, 3), b"\xff" * 3, "bytes")
        fails(c.get_static, "answered from nowhere")
        equal(raised(vf), NO_MESSAGE, "an interrupt from nowhere")
        m.set_property("surprise-removal", False)
        for name, at in places(m).items():
            equal(m.readl(at), before[name], f"{name} afterwards")
        equal(m.readl(m.VF_BAR1 + 64), 0xabc, "framebuffer")
        m.wr(0x110c00, 0)
        true(m.wait(c.poll, ms=100), "the message that waited is answered")
        segment_size(c)
        none(m)


@test("fault: surprise removal while GSP-RM has something to say")
def _():
    with Machine() as m:
        c = Client(m).boot()
        m.set_property("fault-message", f"delay=20:{STATIC}")
        c.send(STATIC, bytes(c.abi.sizes["GspStaticConfigInfo"]))
        m.set_property("surprise-removal", True)
        m.step(100000000)
        c.events = []
        true(not c.poll(), "a message from nowhere")
        m.set_property("surprise-removal", False)
        true(m.wait(c.poll, ms=100), "no answer after its return")
        none(m)


@test("fault: surprise removal: channels stand still, and go on when it is back")
def _():
    with new_space() as s:
        one, two, ram, m = Channel(s, 5), Channel(s, 6), s.c.ram, s.c.m
        one.post(semaphore(ACQUIRE, SEM, 1), semaphore(RELEASE, SEM + 16, 1))
        one.wait("waiting")
        two.post(launch(FB_DATA, FB_DATA, PAGE, 1 << 16), semaphore(RELEASE, SEM + 32, 1))
        m.set_property("surprise-removal", True)
        ram.write32(s.sem, 1)
        m.step(10_000_000)
        equal((one.state()["state"], two.state()["state"]), ("waiting", "running"), "states")
        equal((ram.read32(s.sem + 16), ram.read32(s.sem + 32)), (0, 0), "written from nowhere")
        m.set_property("surprise-removal", False)
        one.wait("idle")
        true(m.wait(lambda: ram.read32(s.sem + 32)), "the copy does not end")
        equal(ram.read32(s.sem + 16), 1, "semaphore")
        none(m)


@test("fault: surprise removal: no DMA")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        c.store()
        c.frts()
        c.scrub()
        c.reset_gsp()
        wait = m.wait

        def away(*args):
            """While booter_load runs."""
            m.wait = wait
            m.set_property("surprise-removal", True)
            m.step(10_000_000)
            m.set_property("surprise-removal", False)
            return wait(*args)

        c.on_start = lambda: setattr(m, "wait", away)
        true(c.run_booter() != 0, "booter_load read its arguments from nowhere")
        true("dma-fault" in m.refusals(), "dma-fault")


GSP_LEAF, GSP_BIT, GSP_SUBTREE = 0x9b // 32 * 4, 1 << 0x9b % 32, 1 << 0x9b // 64


def gsp_interrupt(c):
    """GSP-RM's vector acknowledged and enabled all the way up."""
    pf = Block(c.m)
    c.m.wr(0x110004, 0x50)
    pf.wr(LEAF + GSP_LEAF, GSP_BIT)
    pf.wr(LEAF_EN_SET + GSP_LEAF, GSP_BIT)
    pf.wr(TOP_EN_SET, GSP_SUBTREE)
    return pf


@test("fault: surprise removal: no message; what GSP-RM raised meanwhile comes when it is back")
@booted
def _(c):
    pf = gsp_interrupt(c)
    pf.msix_on()
    c.m.set_property("surprise-removal", True)
    c.m.set_property("crash-gsp", True)
    equal(pf.message(), NO_MESSAGE, "message from nowhere")
    c.m.set_property("surprise-removal", False)
    equal(pf.message(), 0x600d, "message")


@test("fault: surprise removal: the pin falls, and rises when it is back")
@booted
def _(c):
    m, pf = c.m, gsp_interrupt(c)
    m.writel(m.ECAM + (0x1f << 15) + 0x60, 0x0a0a0a0a)          # all pins to IRQ 10, a level
    m.writel(m.ECAM + (0x1f << 15) + 0x68, 0x0a0a0a0a)
    m.cmd("outb 0x4d1 4")
    m.cmd("outb 0xa0 0x0a")

    def line():
        return int(m.cmd("inb 0xa0")[0], 16) >> 2 & 1

    equal(line(), 0, "quiet")
    m.set_property("surprise-removal", True)
    m.set_property("crash-gsp", True)
    equal(line(), 0, "raised from nowhere")
    m.set_property("surprise-removal", False)
    equal(line(), 1, "raised")
    m.set_property("surprise-removal", True)
    equal(line(), 0, "gone")
    m.set_property("surprise-removal", False)
    equal(line(), 1, "back")
    pf.wr(LEAF + GSP_LEAF, GSP_BIT)
    equal(line(), 0, "acknowledged")


@test("fault: surprise removal of a GPU that is taken away before it starts")
def _():
    with Machine() as m:
        m.set_property("surprise-removal", True)
        m.vm.qmp("system_reset")
        try:
            m.setup_pci()
        except RuntimeError:
            pass
        else:
            raise AssertionError("it is still there")
        m.set_property("surprise-removal", False)
        m.setup_pci()
        Client(m).boot().get_static()
        none(m)


# ---- power-on --------------------------------------------------------------------------------------------------------

# Signature that each fuse value wants of two, for versions 0 and 1; None: the program is too old
FUSES = {0: 1, 1: 0, 2: None, 3: None, 0x10: None, 0x80000000: None}


def runs(c, program, falcon, signature):
    """Whether the boot ROM lets @program run with that of its signatures."""
    program.signature = signature
    return c.run(falcon, program, 0) == 0


def fuse_case(program, fuse, run):
    CASES.append(Case(f"fuse 0x{fuse:x}: {program}'s signature for it, and no other", run, "hs-signature-fuse",
                      f"{program}: each signature that is not for fuse 0x{fuse:x}"))


for FUSE, GOOD in FUSES.items():
    def scrubber(fuse=FUSE, good=GOOD):
        for signature in range(2):
            with Machine(fuse_sec2=fuse) as m:
                c = Client(m)
                program = c.fw.scrubber
                try:
                    ran = runs(c, program, SEC2, signature)
                finally:
                    program.signature = None
                equal((ran, m.rd(0x1180fc) >> 29 >= 3), (signature == good, signature == good), "ran, scrubbed")
                if ran:
                    none(m)
                else:
                    only(m, "hs-signature-fuse")
    fuse_case("the scrubber", FUSE, scrubber)

# FWSEC's descriptor has signatures from version 0 on: the fuse version's own
for FUSE, GOOD in {0: 0, 1: 1, 2: None, 3: None, 0x8000: None, 0x10000: None}.items():
    def fwsec(fuse=FUSE, good=GOOD):
        for signature in range(2):
            with Machine(fuse_gsp=fuse) as m:
                c = Client(m)
                c.prepare()
                ran = runs(c, c.fwsec(0x15, c.frts_region), GSP, signature)
                equal((ran, m.rd(0x1fa828) != 0), (signature == good, signature == good), "ran, WPR2")
                if ran:
                    none(m)
                else:
                    only(m, "hs-signature-fuse")
    fuse_case("FWSEC", FUSE, fwsec)


def says_ecc(c):
    """Is ECC on, by the control that asks for it?"""
    name = "NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS"
    return c.abi.get(name, "units[0].enabled", c.control(0x2080012f, bytes(c.abi.sizes[name])))


# property: value that is not the default, how it shows, what that gives before and after
POWER_ON = {
    "fuse-sec2": (3, lambda m: m.rd(0x824148), 1, 3),
    "fuse-gsp": (5, lambda m: m.rd(0x8241e0), 1, 5),
    "scrubbed": (True, lambda m: m.rd(0x1180fc) >> 29, 0, 3),
    "vbios-fwsec": (False, lambda m: Client(m).fwsec(0x15) is None, False, True),
    "vga-workspace": (512, lambda m: (m.rd(0x820c04), m.rd(0x625f04)), (1, 0), (0, 0x0b3f3808)),
    "wpr2-up": (True, lambda m: (m.rd(0x1fa824), m.rd(0x1fa828)), (0x1ffffe00, 0), (0x0b3f2000, 0x0b3f2e00)),
}


def flr(m):
    m.writel(m.config(0x80), m.readl(m.config(0x80)) & 0xffff | 1 << 15)


def reset_pf(m, how):
    m.ram.next = m.ram.WORK
    how(m)
    m.setup_pci()


for PROPERTY, HOW in POWER_ON.items():
    @test(f"power-on: {PROPERTY} set while it runs is found at the next reset, and not before")
    def _(name=PROPERTY, how=HOW):
        value, shows, off, on = how
        with Machine() as m:
            default = m.property(name)
            for new, before, after, reset in ((value, off, on, lambda m: m.vm.qmp("system_reset")),
                                              (default, on, off, flr)):
                equal(m.set_property(name, new), {"return": {}}, name)
                equal((shows(m), m.property(name)), (before, new), "before the reset")
                reset_pf(m, reset)
                equal(shows(m), after, "after the reset")
            equal(m.property(name), default, "at the end")
            none(m)


@test("power-on: ecc set while GSP-RM runs is what it says after the next reset, and not before")
def _():
    with Machine() as m:
        for old, new in ((True, "off"), (False, "auto"), (True, "auto")):
            c = Client(m).boot()
            c.get_static()
            equal(m.set_property("ecc", new), {"return": {}}, "ecc")
            equal((says_ecc(c), m.property("ecc")), (old, new), "before the reset")
            equal(m.rd(0x1183a4), 46068 if old else 49140, "framebuffer")
            reset_pf(m, flr)
        none(m)


@test("power-on: ECC is switched for the next reset as gpu-admin-tools does it")
def _():
    with Machine() as m:
        Client(m).wait_gfw()
        for request, before, after in ((2, 1, 0), (3, 0, 1)):
            m.wr(0x118f08, request << 12)
            equal((m.rd(0x9a0470), m.rd(0x100ce0) >> 30), (before, before), "before the reset")
            reset_pf(m, flr)
            Client(m).wait_gfw()
            equal((m.rd(0x9a0470), m.rd(0x100ce0) >> 30), (after, after), "after it")
            equal(m.rd(0x1183a4), 46068 if after else 49140, "framebuffer")
        equal(m.rd(0x100ce0) & 0x3ff, 48 << 4 | 10, "memory")


@test("ECC: off and on, by control, memory system and the guest's response buffer")
def _():
    for ecc in (False, True):
        with Machine(ecc="on" if ecc else "off") as m:
            c = host(m)
            guest = Guest(Plugin(c, 1).start())
            true(guest.setup(), "set-up of a guest")
            at, _ = c.abi.members["VGPU_GSP_RESPONSE_BUF_V1", "hostEccStatus"]
            equal(m.ram.read32(guest.response + at), ecc, "hostEccStatus")
            name = "NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS"
            answer = c.control(0x2080012f, bytes(c.abi.sizes[name]))
            equal([c.abi.get(name, f"units[0].{m}", answer) for m in ("supported", "enabled", "scrubComplete")],
                  [1, ecc, ecc], "unit 0")
            equal(answer[c.abi.members[name, "units[0].supported"][0] + 1:1440].strip(b"\0"), b"", "other units")
            name = "NV2080_CTRL_INTERNAL_MEMSYS_GET_STATIC_CONFIG_PARAMS"
            answer = c.control(0x20800a1c, bytes(c.abi.sizes[name]))
            equal(c.abi.get(name, "bEnabledEccFBPA", answer), ecc, "FBPA")
            none(m)


@test("WPR2 up at power-on: FWSEC refuses, and a reset clears it")
def _():
    with Machine(wpr2_up=True) as m:
        c = Client(m)
        c.prepare()
        true("FWSEC-FRTS" in str(fails(c.frts, "FRTS ran over WPR2")), "another error")
        only(m, "fwsec-wpr2-up")
        m.vm.qmp("system_reset")
        m.setup_pci()
        equal(m.rd(0x1fa828), 0, "WPR2 HI")
        c.ram.next = c.ram.WORK
        Client(m).boot().get_static()


@test("scrubbed at power-on: GSP-RM's heap of 581 MiB is accepted without the scrubber")
def _():
    with Machine(scrubbed=True) as m:
        c = Client(m)
        c.scrub = lambda: None
        c.boot().get_static()
        equal(m.rd(0x1180fc) >> 29, 3, "handoff")
        none(m)
