# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots that must work, and the properties that change what power-on finds."""

import json

from gspclient import Client, GIB, GSP, Machine, R535, R570, SB, SEC2
from harness import CASES, Case, equal, none, only, test, true
from test_vgpu import Vgpu, bootload


def boots(name, release, vgpu, **props):
    def run():
        with Machine(**props) as m:
            c = Client(m, release, vgpu).boot()
            none(m)
            static = c.get_static()
            true(static["hInternalClient"], "no internal client")
            equal(m.rd(0x1fa824) >> 4 << 12, c.meta["gspFwWprStart"], "WPR2 LO")
            equal(m.rd(0x1fa828) >> 4 << 12, c.meta["gspFwWprEnd"] - 0x20000, "WPR2 HI, the last block")
            none(m)

    CASES.append(Case(f"boots {release} {name}", run, "(all)", f"none: {release} {name}", "accepted"))


boots("in vGPU mode, 48 GiB", R570, True)
boots("bare, 48 GiB", R570, False)
boots("bare, 8 GiB", R570, False, vram_size=8 * GIB)
boots("in vGPU mode, 48 GiB", R535, True, scrubbed=True)
boots("bare, 48 GiB", R535, False)
boots("bare, fuses at 1", R570, False, fuse_sec2=1, fuse_gsp=1)
boots("in vGPU mode, scrubbed at power-on", R570, True, scrubbed=True)
boots("bare, checks of hashes only", R570, False, fw_check="hash")
boots("bare, no checks", R570, False, fw_check="off")
boots("bare, no SR-IOV", R570, False, sriov=False)


@test("layout of an L40 in vGPU mode is that of the facts, ended where its framebuffer does")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        for field, value in (("frtsOffset", 0xb3f200000), ("bootBinOffset", 0xb3f1f7000), ("gspFwOffset", 0xb3b550000),
                             ("gspFwHeapOffset", 0xb17000000), ("gspFwHeapSize", 0x24500000),
                             ("gspFwWprStart", 0xb16f00000), ("nonWprHeapOffset", 0xb16e00000)):
            equal(c.meta[field], value, field)


@test("unloads and boots again, twice")
def _():
    with Machine() as m:
        for _ in range(3):
            c = Client(m).boot()
            c.unload()
            equal(m.rd(0x1fa824), 0x1ffffe00, "WPR2 LO")
            c.ram.next = c.ram.WORK
        equal(json.loads(m.property("stats"))["programs"],
              {"fwsec-frts": 3, "fwsec-sb": 3, "scrubber": 1, "booter-load": 3, "booter-unload": 3,
               "sequencer": 3}, "programs")
        none(m)


def unload(check, mutation, function):
    """A way back with one step wrong leaves WPR2 as it is, and the right way is still open."""
    def run():
        with Machine() as m:
            c = Client(m).boot()
            error = function(c)
            true(error and m.rd(0x1fa828), f"mailbox 0x{error:x}, WPR2 HI 0x{m.rd(0x1fa828):x}")
            only(m, check)
            equal(c.run(GSP, c.fwsec(SB), 0), 0, "FWSEC-SB")
            equal(c.run(SEC2, c.fw.booter_unload, MAILBOXES), 0, "booter_unload")
            equal(m.rd(0x1fa828), 0, "WPR2 HI")
            only(m, check)

    CASES.append(Case(f"refuses {check}: {mutation}", run, check, mutation))


MAILBOXES = 0xff << 32 | 0xff


def no_sb(c):
    """Since this load: an earlier one does not count."""
    c.unload()
    c.ram.next = c.ram.WORK
    c = Client(c.m).boot()
    c.rpc(47, bytes(8))
    c.m.wr(GSP + 0x3c0, 1)
    c.m.wr(GSP + 0x3c0, 0)
    return c.run(SEC2, c.fw.booter_unload, MAILBOXES)


def other_mailbox(mailbox):
    return lambda c: c.run(GSP, c.fwsec(SB), 0) or c.run(SEC2, c.fw.booter_unload, mailbox)


unload("booter-unload-active", "booter_unload while GSP-RM runs",
       lambda c: c.run(SEC2, c.fw.booter_unload, MAILBOXES))
unload("booter-unload-sb", "booter_unload without FWSEC-SB", no_sb)
unload("booter-unload-mailbox", "booter_unload with mailbox 0 as of a resume", other_mailbox(0xff << 32 | 0x100))
unload("booter-unload-mailbox", "booter_unload with mailbox 1 as of a resume", other_mailbox(1 << 32 | 0xff))


@test("unloads after GSP-RM crashed, hung, or was stopped by a reset of its falcon")
def _():
    for fault in ("crash-gsp", "hang-gsp", None):
        with Machine() as m:
            c = Client(m).boot()
            if fault:
                equal(m.set_property(fault, True), {"return": {}}, fault)
            equal(c.run(GSP, c.fwsec(SB), 0), 0, "FWSEC-SB")
            equal(c.run(SEC2, c.fw.booter_unload, MAILBOXES), 0, "booter_unload")
            equal(m.rd(0x1fa828), 0, "WPR2 HI")
            c.ram.next = c.ram.WORK
            Client(m).boot().get_static()
            none(m)


@test("needs the scrubber once only: its handoff outlives an unload")
def _():
    with Machine() as m:
        equal(m.rd(0x1180fc) >> 29, 0, "handoff at power-on")
        Client(m).boot().unload()
        equal(m.rd(0x1180fc) >> 29 >= 3, True, "handoff after a boot")


@test("property vbios-fwsec=off: no FWSEC in the VBIOS")
def _():
    with Machine(vbios_fwsec=False) as m:
        equal(Client(m).fwsec(0x15), None, "FWSEC")


@test("GSP-RM that dies raises the falcon's halt interrupt")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        c.libos.clear()
        c.store()
        c.boot_falcons()
        true(m.wait(lambda: m.rd(GSP + 0x1388) & 0x10), "the RISC-V core does not halt")
        equal(m.rd(GSP + 0x008) & m.rd(GSP + 0x1528), 0x10, "IRQSTAT under the RISC-V core's mask")
        equal(m.rd(0xb81000 + 4 * (0x9b // 32)) >> 0x9b % 32 & 1, 1, "leaf")
        only(m, "libos-args")


@test("GSP-RM: what comes before INIT_DONE")
def _():
    for firmware, before in ((R570, [0x100c, 0x100c, 0x1020, 0x1020, 0x1002]),
                             (R535, [0x101b, 0x1002, 0x101b, 0x100c, 0x100c])):
        with Machine(scrubbed=True) as m:
            events = Client(m, firmware).boot().events
            equal([function for function, _payload in events], [*before, 0x1001], firmware)


@test("booter_load: the numbers of its errors, as boards have them")
def _():
    for change, number in (({"magic": 0}, 0x89), ({"revision": 2}, 0x89), ({"gspFwWprEnd": 0x20000}, 0x8d),
                           ({"frtsSize": 0x20000}, 0x8d)):
        with Machine() as m:
            c = Client(m)
            c.prepare()
            for name, value in change.items():
                c.meta[name] = c.meta[name] + value if value > 0xffff else value
            c.store()
            c.frts()
            c.scrub()
            c.reset_gsp()
            equal(c.run_booter(), number, f"{change}")
    with Machine() as m:
        c = Client(m).boot()
        equal(c.run_booter(), 0x29, "once more")


@test("property count-anew: counters begin at nothing, and what is in use stays")
def _():
    with Machine() as m:
        c = Client(m).boot()
        c.get_static()
        v = Vgpu(c, 1)
        bootload(c, v)
        v.shutdown()
        v.cleanup()
        m.wr(0x1fa824, 0)
        before = json.loads(m.property("stats"))
        used = json.loads(m.property("accounting"))
        equal([used[when]["gfids"] for when in ("peak", "now")], [1, 0], "vGPUs")
        true(before["rpcs"] and before["programs"] and before["functions"][0]["dma_read_bytes"], "counted")
        only(m, "wpr2-register")
        m.set_property("count-anew", True)
        none(m)
        after = json.loads(m.property("stats"))
        equal([after[name] for name in ("rpcs", "controls", "events", "programs")], [{}] * 4, "counted again")
        equal(set(after["engine"].values()), {0}, "by the engine")
        equal({name: after["functions"][0][name] for name in ("dma_read_bytes", "interrupts")},
              {"dma_read_bytes": 0, "interrupts": 0}, "by the PF")
        equal(json.loads(m.property("accounting")), {"now": used["now"], "peak": used["now"]}, "in use")
        c.get_static()
        equal(len(json.loads(m.property("stats"))["rpcs"]), 1, "counted since")
