# SPDX-License-Identifier: GPL-2.0-or-later
"""Test cases and how they are told: TAP, and a table of checks, mutations and verdicts."""

import json
import multiprocessing
import multiprocessing.util
import os
import sys
import time
import traceback

from gspclient import BootError, Client, fail, Machine, R570, Ram, Refused

CASES = []
REFUSED = "refused"
TOLD = "told, not done"     # refused as far as the log and the counter go
# What FWSEC refuses itself, and tells of in a scratch register; the rest is the boot ROM's
FWSEC_CHECKS = ("fwsec-vbios-record", "fwsec-frts-record", "fwsec-frts-align", "fwsec-frts-region", "fwsec-wpr2-up")


class Case:
    """A case with a check, mutation and verdict has a row in the table of them."""

    def __init__(self, name, run, check="", mutation="", verdict=REFUSED):
        self.name, self.run, self.check, self.mutation, self.verdict = name, run, check, mutation, verdict


def test(name):
    """Decorator: a function that raises when something is wrong."""
    def add(function):
        CASES.append(Case(name, function))
        return function
    return add


def equal(got, want, what=""):
    if got != want:
        show = [hex(v) if isinstance(v, int) and not isinstance(v, bool) else repr(v) for v in (got, want)]
        raise AssertionError(f"{what}: {show[0]}, expected {show[1]}")


def true(value, what):
    if not value:
        raise AssertionError(what)


def only(machine, check, why=""):
    """@check was refused, nothing else was, and its log line tells @why."""
    refusals = machine.refusals()
    if check != "dma-fault":
        refusals.pop("dma-fault", None)     # what cannot be read shows there, too
    equal(sorted(refusals), [check], "refusals")
    true(why in machine.log(), f"the log does not say '{why}'")


def none(machine):
    equal(machine.refusals(), {}, "refusals")


def programs(machine):
    """Signed programs that did their work."""
    return json.loads(machine.property("stats"))["programs"]


def wpr2(machine):
    """Start and end, 0 and 0 when it is down. The register of the end has its last block of 128 KiB."""
    lo, hi = machine.rd(0x1fa824), machine.rd(0x1fa828)
    return (lo >> 4 << 12, (hi >> 4 << 12) + 0x20000) if hi else (0, 0)


def stays(m, error, check, before):
    """What was refused has changed nothing; @before is WPR2 as it was before it."""
    step, ran = str(error).partition(":")[0], programs(m)
    if step == "FWSEC-FRTS":
        true("fwsec-frts" not in ran, "FWSEC did its work")
        equal(wpr2(m), before, "WPR2")
        equal(m.rd(0x1438) >> 16 != 0, check in FWSEC_CHECKS, "FWSEC tells of an error of its own")
    elif step == "scrubber":
        true("scrubber" not in ran, "the scrubber did its work")
        equal(m.rd(0x1180fc) >> 29, 0, "scrubber handoff")
    elif step == "booter_load":
        true("booter-load" not in ran, "the booter did its work")
        equal(wpr2(m), before, "WPR2")
        equal(m.rd(0x111388), 0, "RISC-V")
    else:
        equal(step, "no INIT_DONE", "what failed")
        equal(m.rd(0x111388) & 0x90, 0x10, "RISC-V halted, not active")


def broken_boot(c, stage, change):
    """A boot with one input broken at @stage; its error, and what WPR2 was before the program that failed."""
    before = wpr2(c.m)

    def at(now):
        if now == stage:
            change(c)

    at("start")
    c.prepare()
    at("made")
    c.store()
    at("stored")
    c.first_commands()
    try:
        c.frts()
        c.scrub()
        at("booter")
        before = wpr2(c.m)
        c.load_gsp()
        c.wait_init_done()
    except BootError as error:
        return error, before
    return None, before


def refuses(check, mutation, stage, change, why="", release=R570, vgpu=True, **props):
    """
    A case that breaks one input of a boot that is right otherwise. @change gets
    the client at @stage: "start" (nothing done), "made" (inputs made, not yet in
    memory), "stored", "booter" (before booter_load).
    """
    def run():
        with Machine(**props) as m:
            error, before = broken_boot(Client(m, release, vgpu), stage, change)
            true(error, "it booted")
            only(m, check, why)
            true(": 0x0" not in str(error), f"no error value: {error}")
            stays(m, error, check, before)

    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


def accepts(check, mutation, stage, change, release=R570, vgpu=True, **props):
    """A case like those of refuses(), just within what @check lets through."""
    def run():
        with Machine(**props) as m:
            error, _before = broken_boot(Client(m, release, vgpu), stage, change)
            equal(str(error or ""), "", "error")
            none(m)

    CASES.append(Case(f"accepts {check}: {mutation}", run, check, mutation, "accepted"))


def refuses_rpc(check, mutation, function, status=None, **props):
    """A case on a booted GSP-RM: function(client) sends what must be refused (with @status, where one is due)."""
    def run():
        with Machine(**props) as m:
            c = Client(m).boot()
            c.get_static()
            try:
                function(c)
            except Refused as refused:
                if status is not None:
                    equal(refused.status, c.abi.consts[status], "status")
            except BootError:
                if status is not None:
                    raise
            else:
                raise AssertionError("it was accepted")
            only(m, check)

    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


def run(index):
    """Runs a case, in a process that may have run others before; returns what went wrong, and the time it took."""
    start, notes = time.monotonic(), ""
    Machine.reports.clear()
    try:
        CASES[index].run()
        true(not Machine.reports, "\n".join(Machine.reports))
    except Exception as error:      # pylint: disable=broad-except
        notes = "".join(traceback.format_exception(error))
    return notes, time.monotonic() - start


def end_with_qemu():
    """A process that ends has ended its last QEMU."""
    multiprocessing.util.Finalize(None, Machine.close_left, exitpriority=0)


def never_refused(rows):
    """What the model can refuse and no case saw it refuse."""
    with Machine() as m:
        checks = set(json.loads(m.property("checks")))
    return sorted(checks - {check for check, _mutation, verdict in rows if verdict in (REFUSED, TOLD)})


def tell(number, name, notes, seconds):
    print(f"{'not ok' if notes else 'ok'} {number} - {name} # {seconds:.1f} s", flush=True)
    for line in notes.splitlines():
        print(f"#   {line}", flush=True)


def main(only_names):
    """
    Runs what CASES holds, as many at a time as there are processors; returns the
    number of failures. When all of them ran, one more asks if that was enough.
    """
    indices = [i for i, c in enumerate(CASES) if not only_names or any(n in c.name for n in only_names)]
    cases, rows, failed = [CASES[i] for i in indices], [], 0
    if not cases:
        fail("no case has such a name")
    Ram.folder()
    print(f"1..{len(cases) + (not only_names)}", flush=True)
    workers = min(os.cpu_count() or 1, 4)
    with multiprocessing.get_context("fork").Pool(workers, initializer=end_with_qemu) as pool:
        for number, (case, (notes, seconds)) in enumerate(zip(cases, pool.imap(run, indices)), 1):
            failed += bool(notes)
            tell(number, case.name, notes, seconds)
            if case.check:
                rows.append((case.check, case.mutation, "NOT AS IT SHOULD BE" if notes else case.verdict))
        pool.close()
        pool.join()
    table(rows)
    if not only_names:
        missing = "\n".join(f"never refused: {check}" for check in never_refused(rows))
        Machine.close_left()
        failed += bool(missing)
        tell(len(cases) + 1, "every check of the model has refused something", missing, 0)
    print(f"# {len(cases) + (not only_names) - failed} passed, {failed} failed, 0 skipped", flush=True)
    return failed


def table(rows):
    """What was broken and what became of it, in lines that a reader of TAP may pass on."""
    if not rows:
        return
    rows = [("check", "mutation", "verdict")] + sorted(rows, key=lambda row: row[0])
    widths = [max(len(r[i]) for r in rows) for i in (0, 1)]
    for check, mutation, verdict in rows:
        print(f"# {check:<{widths[0]}} | {mutation:<{widths[1]}} | {verdict}")
    sys.stdout.flush()
