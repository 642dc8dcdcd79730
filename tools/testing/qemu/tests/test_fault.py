# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults injected while the model runs, and what a driver sees of them."""

import json
import struct

from gspclient import BootError, Client, Machine, Refused
from harness import equal, none, test, true

STATIC, CONTROL, INIT_DONE, OS_ERROR_LOG = 65, 76, 0x1001, 0x1006
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


@test("fault: drop the answer to the second control of a kind")
@booted
def _(c):
    c.m.set_property("fault-message", f"drop:{CONTROL}:0x{SEGMENT_SIZE:x}:2")
    first = segment_size(c)
    c.control(0x20800a5c, bytes(2068))
    fails(lambda: segment_size(c), "the second one was answered")
    equal(segment_size(c), first, "the third one")
    equal(c.m.property("fault-message"), "", "one shot")


@test("fault: delay an answer")
@booted
def _(c):
    c.m.set_property("fault-message", f"delay=500:{STATIC}")
    fails(c.get_static, "answered within 100 ms")
    true(c.m.wait(c.poll, ms=1000), "the answer never came")


@test("fault: an answer twice")
@booted
def _(c):
    c.m.set_property("fault-message", f"duplicate:{STATIC}")
    c.get_static()
    c.m.step(20000000)
    c.poll()
    equal([f for f, _ in c.events], [STATIC, STATIC], "answers")


@test("fault: an answer with a wrong checksum")
@booted
def _(c):
    c.m.set_property("fault-message", f"corrupt:{STATIC}")
    true("checksum" in str(fails(c.get_static, "checksum is right")), "another error")


@test("fault: refuse a control and an RPC with a status")
@booted
def _(c):
    c.m.set_property("fault-message", f"refuse=0x1a:{CONTROL}:0x{SEGMENT_SIZE:x}")
    equal(fails(lambda: segment_size(c), "the control was not refused").status, 0x1a, "status")
    c.m.set_property("fault-message", f"refuse=0x40:{STATIC}")
    equal(fails(c.get_static, "the RPC was not refused").status, 0x40, "status")
    c.get_static()
    segment_size(c)


@test("fault: drop INIT_DONE")
def _():
    with Machine() as m:
        m.set_property("fault-message", f"drop:0x{INIT_DONE:x}")
        fails(Client(m).boot, "INIT_DONE came")


@test("fault: what is no fault is an error")
def _():
    with Machine() as m:
        for text in ("drop", "drop:", "lose:65", "delay:65", "drop=1:65", "refuse=x:65", "drop:65:0:0", "drop:65:y"):
            answer = m.vm.qmp("qom-set", path="/machine/peripheral/gpu", property="fault-message", value=text)
            true("error" in answer, f"'{text}' was taken")


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
