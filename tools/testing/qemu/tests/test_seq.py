# SPDX-License-Identifier: GPL-2.0-or-later
"""The CPU sequencer: what GSP-RM asks for while it starts, done right, and done wrong."""

from gspclient import (BootError, Client, CORE_RESET, CORE_RESUME, CORE_START, CORE_WAIT_FOR_HALT, GSP, INIT_DONE, Machine,
                       MODIFY, operations, POLL, R535, R570, RUN_CPU_SEQUENCER, SEC2, WRITE)
from harness import CASES, Case, equal, none, test, true

HANDOFF = 0x1180f8


def run(c, todo):
    c.run_sequencer(todo)


def asked(m, release=R570):
    """A client whose GSP-RM has sent the event, and what it asks for."""
    c = Client(m, release, vgpu=release == R570)
    c.start()
    event = c.wait_event(RUN_CPU_SEQUENCER)
    true(event, "no event")
    c.sequenced = True
    m.step(20000000)
    c.poll()
    return c, operations(event[1])


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


for one in ("seen", "registers", "resume"):
    for version in (R535, R570):
        done(one, version)


@test("sequencer: empty, and GSP-RM does not wait")
def _():
    with Machine(sequencer="empty") as m:
        c, todo = asked(m)
        equal(todo, [], "operations")
        c.wait_init_done()
        none(m)


@test("sequencer: set while it runs, by one of its names")
def _():
    with Machine() as m:
        equal(m.property("sequencer"), "seen", "before")
        equal(m.set_property("sequencer", "sometimes")["error"]["desc"],
              "sequencer is one of seen, empty, registers, resume", "another name")
        m.set_property("sequencer", "resume")
        equal(len(asked(m)[1]) > 5, True, "operations")


def wrong(check, mutation, program, change, why=""):
    """@change(c, operations) does what was asked for, but for something."""
    def case():
        with Machine(sequencer=program) as m:
            c, todo = asked(m)
            change(c, todo)
            true(not_done(c), "INIT_DONE")
            refused = set(m.refusals())
            true(check in refused and refused <= {check, "sequencer-resume"}, f"refusals {refused}")
            true(why in m.log(), f"the log does not say '{why}'")
    CASES.append(Case(f"refuses {check}: {mutation}", case, check, mutation))


def without(*left_out):
    return lambda c, todo: run(c, [one for one in todo if one[0] not in left_out])


def elsewhere(c, todo):
    run(c, todo[:-3])
    c.reset_gsp()
    c.m.wr(GSP + 0x040, c.libos_at + 0x1000)
    equal(c.start_sec2() != 0, True, "SEC2's mailbox")
    equal((c.m.rd(HANDOFF) >> 26 & 1, c.m.rd(GSP + 0x1388) & 0x80), (0, 0), "GSP-RM goes on")


wrong("sequencer-registers", "REG_MODIFY left out", "registers", without(MODIFY, POLL))
wrong("sequencer-registers", "REG_MODIFY without its mask", "registers", lambda c, todo: without(POLL)(
    c, [(operation, (args[0], 0xffffffff, args[2]) if operation == MODIFY else args) for operation, args in todo]))
def spoiled_write(register, bit, nth=0):
    def change(c, todo):
        at = [i for i, (operation, args) in enumerate(todo) if operation == WRITE and args[0] == register][nth]
        broken = todo[:at] + [(WRITE, (register, todo[at][1][1] ^ bit))] + todo[at + 1:]
        try:
            run(c, broken)
        except BootError as error:
            true("CORE_RESUME" in str(error), f"{error}")
    return change


def without_program(c, todo):
    try:
        without(CORE_START, CORE_WAIT_FOR_HALT)(c, todo)
    except BootError as error:
        true("CORE_RESUME" in str(error), f"{error}")


@test("sequencer: what is asked for is by number what was seen")
def _():
    for release in R535, R570:
        with Machine() as m:
            _, todo = asked(m, release)
            kinds = [operation for operation, _ in todo]
            equal([kinds.count(k) for k in (WRITE, POLL, MODIFY)], [318, 103, 0], "writes, polls, others")
            equal([k for k in kinds if k >= CORE_RESET], [CORE_RESET, CORE_START, CORE_WAIT_FOR_HALT, CORE_RESUME], "core")
            equal(sum(1 + len(args) for _, args in todo), 1576, "words")


wrong("sequencer-program", "one block of code left out", "seen", spoiled_write(GSP + 0x114, 0x100, 5))
wrong("sequencer-program", "the last block of data from elsewhere", "seen", spoiled_write(GSP + 0x11c, 0x100, -1))
wrong("sequencer-program", "another ucode id", "seen", spoiled_write(GSP + 0x1198, 1))
wrong("sequencer-resume", "its program not started", "seen", without_program)
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
        c.reset_engine(SEC2)
        c.choose_falcon(SEC2)
        c.reset_gsp()
        c.start_sec2()
        equal((m.rd(HANDOFF) >> 26 & 1, m.rd(GSP + 0x1388) & 0x80), (0, 0), "GSP-RM goes on")
        none(m)
