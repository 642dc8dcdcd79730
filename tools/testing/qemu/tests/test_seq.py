# SPDX-License-Identifier: GPL-2.0-or-later
"""The CPU sequencer: what GSP-RM asks for while it starts, done right, and done wrong."""

import struct

from gspclient import BootError, Client, GSP, Machine, R535, R570, SEC2
from harness import CASES, Case, equal, none, only, test, true

RUN_CPU_SEQUENCER, INIT_DONE = 0x1002, 0x1001
WRITE, MODIFY, POLL, DELAY, STORE, CORE_RESET, CORE_RESUME = 0, 1, 2, 3, 4, 5, 8
OPERANDS = {WRITE: 2, MODIFY: 3, POLL: 5, DELAY: 1, STORE: 2, CORE_RESET: 0, CORE_RESUME: 0}
HANDOFF = 0x1180f8


def operations(payload):
    """[(opcode, operands)] of the event."""
    size, used = struct.unpack_from("<II", payload)
    words = struct.unpack_from(f"<{used}I", payload, 40)
    equal((size, len(payload)), (used, 40 + 4 * used), "its sizes")
    found, at = [], 0
    while at < used:
        count = OPERANDS[words[at]]
        found.append((words[at], words[at + 1:at + 1 + count]))
        at += 1 + count
    return found


def run(c, todo):
    """As a driver does it."""
    for operation, args in todo:
        if operation == WRITE:
            c.m.wr(*args)
        elif operation == MODIFY:
            c.m.wr(args[0], c.m.rd(args[0]) & ~args[1] | args[2])
        elif operation == POLL:
            true(c.m.wait(lambda r=args[0], mask=args[1], value=args[2]: c.m.rd(r) & mask == value, ms=1), "poll")
        elif operation == DELAY:
            c.m.step(args[0] * 1000)
        elif operation == STORE:
            c.m.rd(args[0])
        elif operation == CORE_RESET:
            c.m.wr(GSP + 0x3c0, 1)
            c.m.wr(GSP + 0x3c0, 0)
        else:
            equal(c.m.rd(HANDOFF) >> 26 & 1, 0, "GSP-RM goes on, before it may")
            c.reset_gsp()
            error = start_sec2(c)
            if error:
                raise BootError(f"CORE_RESUME: 0x{error:x}")
            equal((c.m.rd(HANDOFF) >> 26 & 1, c.m.rd(GSP + 0x1388) & 0x80), (1, 0x80), "GSP-RM goes on")


def start_sec2(c):
    c.m.wr(SEC2 + 0x100, 2)
    true(c.m.wait(lambda: c.m.rd(SEC2 + 0x100) & 0x10), "SEC2 does not halt")
    return c.m.rd(SEC2 + 0x040)


def asked(m, release=R570):
    """A client whose GSP-RM has sent the event, and what it asks for."""
    c = Client(m, release, vgpu=release == R570)
    c.start()
    true(m.wait(lambda: c.poll() and RUN_CPU_SEQUENCER in [f for f, _ in c.events], ms=200), "no event")
    m.step(20000000)
    c.poll()
    return c, operations(next(payload for function, payload in c.events if function == RUN_CPU_SEQUENCER))


def not_done(c):
    c.m.step(100000000)
    c.poll()
    return INIT_DONE not in [function for function, _ in c.events]


def done(program, release):
    @test(f"sequencer: {program}, {release}")
    def _():
        with Machine(sequencer=program) as m:
            for _ in range(2):          # a driver is loaded again: what the first left does not count
                c, todo = asked(m, release)
                true(not_done(c), "INIT_DONE before the CPU has done it")
                run(c, todo)
                c.wait_init_done()
                c.get_static()
                c.unload()
            none(m)


for one in ("registers", "resume"):
    for version in (R535, R570):
        done(one, version)


@test("sequencer: empty, and GSP-RM does not wait")
def _():
    with Machine() as m:
        c, todo = asked(m)
        equal(todo, [], "operations")
        c.wait_init_done()
        none(m)


@test("sequencer: set while it runs, by one of its names")
def _():
    with Machine() as m:
        equal(m.property("sequencer"), "empty", "before")
        equal(m.set_property("sequencer", "sometimes")["error"]["desc"],
              "sequencer is one of empty, registers, resume", "another name")
        m.set_property("sequencer", "resume")
        equal(len(asked(m)[1]) > 5, True, "operations")


def wrong(check, mutation, program, change, why=""):
    """@change(c, operations) does what was asked for, but for something."""
    def case():
        with Machine(sequencer=program) as m:
            c, todo = asked(m)
            change(c, todo)
            true(not_done(c), "INIT_DONE")
            only(m, check, why)
    CASES.append(Case(f"refuses {check}: {mutation}", case, check, mutation))


def without(*left_out):
    return lambda c, todo: run(c, [one for one in todo if one[0] not in left_out])


def elsewhere(c, todo):
    run(c, todo[:-3])
    c.reset_gsp()
    c.m.wr(GSP + 0x040, c.libos_at + 0x1000)
    equal(start_sec2(c) != 0, True, "SEC2's mailbox")
    equal((c.m.rd(HANDOFF) >> 26 & 1, c.m.rd(GSP + 0x1388) & 0x80), (0, 0), "GSP-RM goes on")


wrong("sequencer-registers", "REG_MODIFY left out", "registers", without(MODIFY, POLL))
wrong("sequencer-registers", "REG_MODIFY without its mask", "registers", lambda c, todo: without(POLL)(
    c, [(operation, (args[0], 0xffffffff, args[2]) if operation == MODIFY else args) for operation, args in todo]))
wrong("sequencer-resume", "its last operation, none of the core", "resume", without(CORE_RESET, CORE_RESUME),
      "no CORE_RESUME")
wrong("sequencer-resume", "other libos arguments in the GSP's mailboxes", "resume", elsewhere, "mailboxes have")


@test("sequencer: GSP-RM waits for CORE_RESUME after CORE_RESET")
def _():
    with Machine(sequencer="resume") as m:
        c, todo = asked(m)
        without(CORE_RESUME)(c, todo)
        true(not_done(c), "INIT_DONE")
        run(c, [(CORE_RESUME, ())])
        c.wait_init_done()
        none(m)


@test("sequencer: GSP-RM does not outlive a reset of SEC2 in between")
def _():
    with Machine(sequencer="resume") as m:
        c, todo = asked(m)
        run(c, todo[:-2])
        m.wr(SEC2 + 0x3c0, 1)
        m.wr(SEC2 + 0x3c0, 0)
        c.reset_gsp()
        start_sec2(c)
        equal((m.rd(HANDOFF) >> 26 & 1, m.rd(GSP + 0x1388) & 0x80), (0, 0), "GSP-RM goes on")
        none(m)
