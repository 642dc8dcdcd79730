# SPDX-License-Identifier: GPL-2.0-or-later
"""What GSP-RM tells of vGPUs that run: a control, events of their plugin tasks, use of engines."""

from gspclient import Client, Machine, MIB
from harness import equal, none, test, true
from test_guest import host, SYSTEM_INFO
from test_plugin import Guest, Plugin, RESET

ENUMERATE = 0x20804004
PARAMS = "NV2080_CTRL_VGPU_MGR_INTERNAL_ENUMERATE_VGPU_PER_PGPU_PARAMS"
SAMPLES = "NV2080_CTRL_PERF_GET_GPUMON_PERFMON_UTIL_SAMPLES_V2_PARAMS_v1F_0E"
PLUGIN_EVENT, USE_EVENT = 0x100d, 0x1008
BOOTED, UNLOADED, CRASHED, DRIVER_LOADED, DRIVER_UNLOADED, LICENSE, OS = 0, 1, 2, 3, 4, 6, 7
LINUX = 2 | 1 << 3      # x86-64, Linux
OLDER = (0x25, 0x1b)
STRIDE = 152
SECOND = 1001000000      # and a bit, as the next one counts from when the last was sent


def ask(c):
    """The control's rows, by GFID."""
    raw = c.control(ENUMERATE, bytes(c.abi.sizes[PARAMS]))
    rows = {}
    for i in range(c.abi.get(PARAMS, "numVgpu", raw)):
        row = raw[:8] + raw[8 + i * STRIDE:]
        vm, dev = "vgpuGuest[0].guestVmInfo.", "vgpuGuest[0].vgpuDevice."
        rows[c.abi.get(PARAMS, dev + "gfid", row)] = {
            "pid": c.abi.get(PARAMS, vm + "vmPid", row), "valid": c.abi.get(PARAMS, vm + "guestVmInfoState", row),
            "os": c.abi.get(PARAMS, vm + "guestOs", row), "license": c.abi.get(PARAMS, vm + "licenseState", row),
            "licensed": c.abi.get(PARAMS, vm + "licensed", row),
            "version": c.abi.text(PARAMS, vm + "guestDriverVersion", row),
            "branch": c.abi.text(PARAMS, vm + "guestDriverBranch", row),
            "used": c.abi.get(PARAMS, dev + "fbUsed", row), "loaded": c.abi.get(PARAMS, dev + "bDriverLoaded", row),
        }
    return rows


def said(c, function):
    """Payloads of the events that have come, oldest first; they are forgotten."""
    c.m.settle()
    c.poll()
    out = [payload for kind, payload in c.events if kind == function]
    c.events = []
    return out


def plugin_events(c):
    name = "rpc_vgpu_gsp_plugin_triggered_v17_00"
    return [(c.abi.get(name, "gfid", p), c.abi.get(name, "notifyIndex", p)) for p in said(c, PLUGIN_EVENT)]


def plugin(c, gfid=1):
    p = Plugin(c, gfid)
    p.config["vm_pid"] = 40 + gfid
    return p.start()


@test("monitor: a vGPU is told of from its configuration to its end, its guest once it has said who it is")
def _():
    with Machine() as m:
        c = host(m)
        equal(ask(c), {}, "before")
        p = plugin(c)
        row = ask(c)[1]
        equal((row["pid"], row["valid"], row["loaded"], row["version"]), (41, 0, 0, ""), "without a driver")
        g = Guest(p)
        g.words["guestOsType"] = LINUX
        true(g.setup(), "set-up")
        g.rpc(1, c.abi.pack(SYSTEM_INFO, {"vgxVersionMajorNum": OLDER[0], "vgxVersionMinorNum": OLDER[1],
                                          "guestDriverVersion": b"550.163.01"}))
        g.rpc(64, c.abi.pack("rpc_set_guest_system_info_ext_v25_1B", {"guestDriverBranch": b"r550_00"}))
        m.set_property("inject-event", "use:1:300:0:0:0:0")
        m.set_property("inject-event", "license:1:5")
        row = ask(c)[1]
        equal((row["valid"], row["loaded"], row["version"], row["branch"], row["os"]),
              (1, 1, "550.163.01", "r550_00", LINUX), "with one")
        equal((row["used"], row["license"], row["licensed"]), (300 * MIB, 5, 1), "what was set")
        p.message(RESET)
        equal((ask(c)[1]["valid"], ask(c)[1]["loaded"], ask(c)[1]["used"]), (0, 0, 0), "after RESET")
        p.shutdown()
        equal(ask(c), {}, "after SHUTDOWN")
        none(m)


@test("monitor: a driver tells what is in use of its framebuffer, until it goes")
def _():
    with Machine() as m:
        c = host(m)
        p = plugin(c)
        g = Guest(p)
        true(g.setup(), "set-up")
        hello = c.abi.pack(SYSTEM_INFO, {"vgxVersionMajorNum": OLDER[0], "vgxVersionMinorNum": OLDER[1]})
        for goodbye in (lambda: g.rpc(47, c.abi.pack("rpc_unloading_guest_driver_v1F_07", {})),
                        lambda: p.message(RESET)):
            g.rpc(1, hello)
            for used in (5 * MIB + 4096, 512 * MIB, 0, 7 * MIB):
                equal(g.rpc(85, c.abi.pack("rpc_ctrl_set_vgpu_fb_usage_v1A_08", {"setFbUsage.fbUsed": used}))[0], 0,
                      "result")
                equal(ask(c)[1]["used"], used, "in use")
            goodbye()
            equal(ask(c)[1]["used"], 0, "in use without a driver")
        none(m)


@test("monitor: two guests are told apart")
def _():
    with Machine() as m:
        c = host(m)
        for gfid in (2, 1):
            plugin(c, gfid)
            m.set_property("inject-event", f"use:{gfid}:{gfid}:0:0:0:0")
        equal({gfid: (row["pid"], row["used"]) for gfid, row in ask(c).items()}, {1: (41, MIB), 2: (42, 2 * MIB)},
              "rows")
        none(m)


@test("monitor: a plugin task says when it has started and ended, and what becomes of its guest")
def _():
    with Machine() as m:
        c = host(m)
        c.events = []
        p = plugin(c)
        equal(plugin_events(c), [(1, BOOTED)], "start")
        g = Guest(p)
        g.words["guestOsType"] = LINUX
        true(g.setup(), "set-up")
        equal(plugin_events(c), [(1, OS)], "set-up")
        g.rpc(1, c.abi.pack(SYSTEM_INFO, {"vgxVersionMajorNum": OLDER[0], "vgxVersionMinorNum": OLDER[1]}))
        equal(plugin_events(c), [(1, DRIVER_LOADED)], "first call")
        m.set_property("inject-event", "license:1:3")
        m.set_property("inject-event", "license:1:3")
        equal(plugin_events(c), [(1, LICENSE)], "licence, once")
        g.rpc(47, c.abi.pack("rpc_unloading_guest_driver_v1F_07", {}))
        equal(plugin_events(c), [(1, DRIVER_UNLOADED)], "goodbye")
        p.shutdown()
        equal(plugin_events(c), [(1, UNLOADED)], "end")
        none(m)


@test("monitor: a reset under a driver says that it is gone")
def _():
    with Machine() as m:
        c = host(m)
        p = plugin(c)
        g = Guest(p)
        true(g.setup(), "set-up")
        g.rpc(1, c.abi.pack(SYSTEM_INFO, {"vgxVersionMajorNum": OLDER[0], "vgxVersionMinorNum": OLDER[1]}))
        plugin_events(c)
        p.message(RESET)
        equal(plugin_events(c), [(1, DRIVER_UNLOADED)], "events")
        none(m)


def samples(c, payload):
    """Rows of a message: time, then (use, process) of memory, graphics, encoder, decoder."""
    out = []
    for i in range(c.abi.get(SAMPLES, "count", payload)):
        at = 16 + 56 * i
        words = [int.from_bytes(payload[at + 8 + 4 * j:at + 12 + 4 * j], "little") for j in range(12)]
        out.append((int.from_bytes(payload[at:at + 8], "little"),
                    tuple((words[3 * j], words[3 * j + 1]) for j in range(4))))
    return out


def next_use(c):
    """The message of the next second."""
    said(c, USE_EVENT)
    c.m.step(SECOND)
    return c.wait_event(USE_EVENT)[1]


@test("monitor: use of engines comes each second, by vGPU, with what was told before")
def _():
    with Machine() as m:
        c = host(m)
        plugin(c)
        rows = samples(c, next_use(c))
        equal(rows[-1][1], ((0, 0xffffffff),) * 4, "nobody")
        m.set_property("inject-event", "use:1:0:100:2500:0:10000")
        more = samples(c, next_use(c))
        equal(len(more), len(rows) + 1, "rows")
        true(more[-1][0] > rows[-1][0], "time grows")
        equal(more[-1][1], ((100, 41), (2500, 41), (0, 0xffffffff), (10000, 41)), "the newest")
        for _ in range(80):
            last = next_use(c)
        rows = samples(c, last)
        equal(len(rows), 72, "rows at most")
        oldest = c.abi.get(SAMPLES, "tracker", last)
        times = [time for time, _ in rows[oldest:] + rows[:oldest]]
        equal(times, sorted(times), "rows from the oldest on")
        none(m)


@test("monitor: use of engines is not told without SR-IOV mode, nor when it is switched off")
def _():
    for vgpu, props in ((False, {}), (True, {"util-interval-ms": 0})):
        with Machine(**props) as m:
            c = Client(m, vgpu=vgpu).boot()
            said(c, USE_EVENT)
            m.step(3000000000)
            equal(said(c, USE_EVENT), [], f"SR-IOV mode {vgpu}, {props}")
            none(m)


@test("monitor: what cannot be set is an error that says why")
def _():
    with Machine() as m:
        c = host(m)
        plugin(c)
        for value, word in (("license:2:5", "GFID 2"), ("license:1", "license:<gfid>"), ("license:1:x", "license:<gfid>"),
                            ("license:33:1", "GFID 33"), ("use:2:0:0:0:0:0", "GFID 2"), ("use:1:0:0:0:0", "use:<gfid>"),
                            ("use:1:0:0:0:0:x", "use:<gfid>"), ("use:1:y:0:0:0:0", "use:<gfid>"),
                            ("use:1:0:0:0:0:0:0", "use:<gfid>")):
            desc = m.set_property("inject-event", value).get("error", {}).get("desc", "")
            true(word in desc, f"{value}: '{desc}'")
        equal((ask(c)[1]["license"], ask(c)[1]["used"]), (0, 0), "what is told")
        none(m)
