# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots that must work, and the properties that change what power-on finds."""

import json

from gspclient import Client, GIB, GSP, Machine, R535, R570
from harness import CASES, Case, equal, none, only, test, true


def boots(name, release, vgpu, **props):
    def run():
        with Machine(**props) as m:
            c = Client(m, release, vgpu).boot()
            none(m)
            static = c.get_static()
            true(static["hInternalClient"], "no internal client")
            equal(m.rd(0x1fa824) >> 4 << 12, c.meta["gspFwWprStart"], "WPR2 LO")
            equal(m.rd(0x1fa828) >> 4 << 12, c.meta["gspFwWprEnd"], "WPR2 HI")
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


@test("layout of 48 GiB in vGPU mode is that of the facts")
def _():
    with Machine() as m:
        c = Client(m)
        c.prepare()
        for field, value in (("frtsOffset", 0xbffe00000), ("bootBinOffset", 0xbffdf7000), ("gspFwOffset", 0xbfc150000),
                             ("gspFwHeapOffset", 0xbd7c00000), ("gspFwHeapSize", 0x24500000),
                             ("gspFwWprStart", 0xbd7b00000), ("nonWprHeapOffset", 0xbd7a00000)):
            equal(c.meta[field], value, field)


@test("unloads and boots again, twice")
def _():
    with Machine() as m:
        for _ in range(3):
            c = Client(m).boot()
            c.unload()
            equal(m.rd(0x1fa824), 0, "WPR2 LO")
            c.ram.next = c.ram.WORK
        equal(json.loads(m.property("stats"))["programs"],
              {"fwsec-frts": 3, "fwsec-sb": 3, "scrubber": 1, "booter-load": 3, "booter-unload": 3}, "programs")
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
        equal(m.rd(0xb81000 + 4 * (0x9c // 32)) >> 0x9c % 32 & 1, 1, "leaf")
        only(m, "libos-args")
