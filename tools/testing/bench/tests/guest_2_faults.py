# SPDX-License-Identifier: GPL-2.0-only
"""
When things go wrong, NVIDIA's own driver in a guest is the one who sees it. A row tells for each
case: state before, what happened, what the guest's kernel log and QEMU say, state after. After
each the VF works again for the next guest, and the other guest has noticed nothing.
"""

import contextlib
import datetime
import os
import random
import time

from bench_test import expect, host_test, in_parts
from faults import (
    FAILED, KEPT, Watched, clock, others, ours, row, state, told, within
)
from gpu import BIND, UNBIND, Gpu, KernelLog
from hostvm import BenchError
from nvidia import EXPECTED_IN_GUEST, NvidiaGuest, prepare

CRASHED = "vGPU 1: its plugin task crashed"
PLUGIN_FAILED = "vGPU failed: its plugin task crashed"
START = "load open"
PANIC = "Kernel panic"


class Victim(Watched, NvidiaGuest):
    """Kernel and driver complain on its console at once: it may be stopped at any time."""

    def __init__(self, vm, vf, do=START, **kwargs):
        super().__init__(vm, vf, do, append="loud", extra=self.TIMES, **kwargs)

    def complaints(self):
        return complaints(console_lines(self.log()))

    def saw(self):
        return told_first(self.complaints())


class Ready(Victim):
    """One that has booted once for all, and gets its VF while it runs: most of a start is what comes before."""

    FILE = "/run/ready"
    ALL = f"wait {START}"

    def __init__(self, vm, vf):
        super().__init__(vm, None, self.ALL, ports=1, begin=self.FILE)
        self.vf = vf

    def start(self):
        super().start()
        self.wait_run("running")
        self.plug(self.vf)

    @classmethod
    def boot(cls, vm):
        with Victim(vm, None, cls.ALL, ports=1) as guest:
            guest.wait_for("^NVIDIA: begin wait")
            guest.keep(cls.FILE)


def console_lines(text):
    """All but one that it was stopped in."""
    return [line for line in text.rpartition("\n")[0].splitlines() if line.startswith("[")]


def complaints(lines):
    """What a guest's kernel would not say if all was well."""
    return [line for line in lines if not EXPECTED_IN_GUEST.search(line)]


def told_first(lines):
    """For a row."""
    if not lines:
        return "guest's log: nothing"
    return f"guest's log: {len(lines)} lines, the first: {lines[0].partition('] ')[2].strip()}"


def set_type(gpu, n):
    """By name: numbers are the board's."""
    ids = [i for i, name in gpu.creatable(n).items() if name == "NVIDIA L40-8Q"]
    gpu.must_set_type(n, ids[0])


def types(gpu):
    gpu.set_numvfs(2)
    for n in range(2):
        gpu.bind(n)
        set_type(gpu, n)


@contextlib.contextmanager
def host(vm, refusals=()):
    """
    Two VFs with a type. In the end nothing is in use, and the GPU has refused no more than
    what the test says that it may, by the beginnings of their names.
    """
    gpu = Gpu(vm)
    prepare(vm)
    gpu.load()
    types(gpu)
    before = gpu.model("refusals")
    yield gpu
    gpu.put_away()
    expect(gpu.in_use(), {}, "in use")
    new = [what for what, n in gpu.model("refusals").items() if n != before.get(what)]
    expect([what for what in new if not what.startswith(refusals)], [], "refused by the model")


def works(vm, gpu, n=0):
    """The next guest has the VF from start to end, and finds all as it should be."""
    with NvidiaGuest(vm, gpu.vf(n), START) as guest:
        guest.result("load")
        guest.result("open")
        calls = guest_of(gpu, n)["calls"]
        guest.do("list")
        guest.off()
    return calls


@contextlib.contextmanager
def neighbour(vm, gpu, n=1):
    """A guest that uses the other VF, before and after, and has nothing to complain of."""
    with NvidiaGuest(vm, gpu.vf(n), "load pm-on list") as guest:
        for word in "load", "pm-on", "list":
            guest.result(word)
        yield guest
        guest.do("list")
        guest.off()


def vgpu(gpu, n=0):
    """As the model sees it."""
    found = [v for v in gpu.model("vgpus") if v["gfid"] == n + 1]
    return found[0] if found else {"state": "none", "guest": {}}


def guest_of(gpu, n=0):
    return vgpu(gpu, n)["guest"]


def wait(what, condition, timeout=180, guest=None):
    deadline = time.monotonic() + timeout
    while not condition():
        if guest and not guest.running():
            raise AssertionError(f"{what}: {guest.name} ended before:\n{guest.end()}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not after {timeout} s")
        time.sleep(0.05)


def logged(vm, text):
    """When the host's kernel said so last, by its clock."""
    lines = [line for line in vm.sh("dmesg --time-format iso").splitlines() if text in line]
    return datetime.datetime.fromisoformat(lines[-1].split()[0].replace(",", ".")).timestamp()


def quiet(log):
    """The host's drivers have said nothing, nor has anybody else."""
    expect((ours(log), told(log), others(log)), ([], [], []), "said on the host")


# At each call of a start


def crash_at(vm, gpu, where, what):
    """Its plugin task crashes there: QEMU stops the guest before its driver knows."""
    log = KernelLog(vm)
    gpu.set_model("fault-guest", f"crash:1:{where}")
    with Ready(vm, gpu.vf(0)) as guest:
        wait(f"crash at {what}", lambda: vgpu(gpu)["state"] == "crashed", guest=guest)
        guest.wait_stopped()
        stopped = guest.kill(logged(vm, CRASHED))
        expect(guest.complaints(), [], "said by the guest's kernel")
        row(("up", "running"), f"plugin task crashes at {what}",
            f"{guest.saw()}; QEMU: unrecoverable error, {stopped}", state(gpu))
    expect(state(gpu), ("up", "typed"), "states")
    expect((ours(log), told(log), others(log)), ([CRASHED], [PLUGIN_FAILED], []), "said on the host")


def kill_at(vm, gpu, where, what):
    """QEMU is killed there: the call was made, and not answered."""
    log = KernelLog(vm)
    gpu.set_model("fault-guest", f"hold:1:{where}")
    with Ready(vm, gpu.vf(0)) as guest:
        wait(f"held at {what}", lambda: guest_of(gpu).get("held"), guest=guest)
        begin = time.monotonic()
        guest.stop()
        wait("end of the vGPU", lambda: vgpu(gpu)["state"] == "none", 30)
        row(("up", "running"), f"kill -9 of QEMU at {what}",
            f"{guest.saw()}; VF closed after {time.monotonic() - begin:.1f} s", state(gpu))
    expect(state(gpu), ("up", "typed"), "states")
    quiet(log)


def words(guest, may_panic=False):
    """How it starts, when each call that is not answered takes its driver 10 s."""
    did = []
    for word in START.split():
        try:
            did.append(f"{word} {'fails' if guest.next(word, 400).rc else 'works'}")
        except BenchError:
            if not may_panic or PANIC not in guest.log():
                raise
            did.append(f"{word}: {PANIC}")
            break
    return ", ".join(did)


def goes_wrong_at(action, how):
    """The call, or its answer. What comes of that is the driver's; the host has nothing to say of it."""
    def fault(vm, gpu, where, what):
        log = KernelLog(vm)
        gpu.set_model("fault-guest", f"{action}:1:{where}")
        with Ready(vm, gpu.vf(0)) as guest:
            # the driver believes what it is told, damaged numbers, too
            did = words(guest, may_panic=action == "corrupt")
            expect(vm.qom_get("fault-guest", gpu.qom), "", "the fault was")
            # what was held is answered now, too late
            gpu.set_model("fault-guest", "")
            guest.stop()
            wait("end of the vGPU", lambda: vgpu(gpu)["state"] == "none", 30)
            row(("up", "running"), f"{what} {how}", f"{guest.saw()}; {did}", state(gpu))
        expect(state(gpu), ("up", "typed"), "states")
        quiet(log)
    return fault


# All but that the task crashes; its answers are in shared memory, where none comes twice.
WRONG = [
    goes_wrong_at(*fault) for fault in (
        ("refuse", "is refused"), ("lose", "gets lost"), ("drop", "is not answered"),
        ("corrupt", "has a damaged answer"), ("hold", "is answered too late"),
    )
]
# What the driver asks for when it has missed something: buffers without set-up; and of damaged answers anything
REFUSED = "guest-"


def gsp_dies_at(vm, gpu, where, what):
    log = KernelLog(vm)
    gpu.set_model("fault-guest", f"crash-gsp:1:{where}")
    with Ready(vm, gpu.vf(0)) as guest:
        wait("GSP-RM dead", lambda: state(gpu)[0] == "dead", guest=guest)
        guest.wait_stopped()
        stopped = guest.kill(logged(vm, "GSP-RM died"))
        row(("up", "running"), f"GSP-RM dies at {what}",
            f"{guest.saw()}; QEMU: unrecoverable error, {stopped}", state(gpu))
        expect(guest.complaints(), [], "said by the guest's kernel")
    gsp_dead(log, gpu, 1)


def gsp_hangs_at(vm, gpu, where, what):
    """Its core is active: the host knows when it ends the vGPU."""
    log = KernelLog(vm)
    gpu.set_model("fault-guest", f"hang-gsp:1:{where}")
    with Ready(vm, gpu.vf(0)) as guest:
        did = words(guest)
        quiet(log)
        row(("up", "running"), f"GSP-RM hangs at {what}", f"{guest.saw()}; {did}", state(gpu))
        guest.stop()
        gsp_hung(log, gpu)


def gsp_hung(log, gpu):
    """What the host says of it when a guest has ended. A reset of the PF mends it."""
    begin = time.monotonic()
    wait("end of the vGPU", lambda: state(gpu)[1] == "kept", 120)
    within(60, "closing the VF", begin)
    expect(ours(log)[0].partition(":")[0], "GSP-RM does not respond", "said by the driver")
    expect(ours(log)[1:], [KEPT.format(1, -110)], "said by the driver")
    expect(others(log), [], "said on the host")
    gpu_reset(gpu, [0])


def sweep(vm, faults, refusals=()):
    """
    Faults at calls of a start and its end. faults(number of them): [(function, call)]. Each guest is
    the next one for the one before; the last one goes all the way.
    """
    with host(vm, refusals) as gpu:
        total = works(vm, gpu)
        Ready.boot(vm)
        for fault, n in faults(total):
            fault(vm, gpu, n, f"call {n} of {total}")
        expect(works(vm, gpu), total, "calls of a start")


def some(total):
    """Each fault at the first call, the last, and one between."""
    seed = os.environ["BENCH_SEED"]
    print(f"# BENCH_SEED={seed}; load, open and close are {total} calls", flush=True)
    pick = random.Random(seed)
    return [
        (fault, n)
        for fault in (crash_at, kill_at)
        for n in (1, pick.randrange(2, total), total)
    ]


@host_test(kernels=("stock",), sampled=True, seconds=120)
def test_crash_or_kill_at_a_call(vm):
    sweep(vm, some)


def three(total):
    pick = random.Random(os.environ["BENCH_SEED"])
    return [(fault, pick.randrange(1, total + 1)) for fault in pick.sample([*WRONG, gsp_dies_at, gsp_hangs_at], 3)]


@host_test(kernels=("stock",), sampled=True, seconds=140)
def test_calls_go_wrong(vm):
    sweep(vm, three, (REFUSED, "doorbell-dead"))


def each_call(name, parts, *faults, refusals=()):
    def some_of_all(vm, those):
        sweep(vm, lambda total: [(fault, n + 1) for n in range(total) for fault in faults][those], refusals)
    return in_parts(host_test(kernels=("stock",), full=True, seconds=1200), name, parts, some_of_all)


globals().update(
    each_call("plugin_task_crashes_at_each_call", 2, crash_at)
    | each_call("qemu_is_killed_at_each_call", 2, kill_at)
    | each_call("each_call_goes_wrong", 8, *WRONG, refusals=(REFUSED,))
    | each_call("gsp_dies_or_hangs_at_each_call", 5, gsp_dies_at, gsp_hangs_at, refusals=("doorbell-dead",))
)


# At rest, and in a copy


@contextlib.contextmanager
def idle(vm, gpu, n=0):
    """A guest whose driver has its GPU, and does nothing with it."""
    with Victim(vm, gpu.vf(n), "load pm-on list") as guest:
        for word in "load", "pm-on", "list":
            guest.result(word)
        yield guest


@host_test(kernels=("stock",), sampled=True)
def test_plugin_task_crashes_idle_and_in_a_copy(vm):
    """Beside another guest. The copy is the driver's own, the first that it asks for."""
    with host(vm) as gpu, neighbour(vm, gpu) as other:
        log = KernelLog(vm)
        with idle(vm, gpu) as guest:
            event = clock(vm)
            gpu.set_model("crash-plugin", 1)
            guest.wait_stopped()
            saw = guest.kill(event)
            row(("up", "running"), "plugin task crashes, idle", f"{guest.saw()}; QEMU: unrecoverable error, {saw}",
                state(gpu))
            expect(guest.complaints(), [], "said by the guest's kernel")
        expect((ours(log), told(log), others(log)), ([CRASHED], [PLUGIN_FAILED], []), "said on the host")
        other.do("list")
        crash_at(vm, gpu, "1:doorbell", "the first copy")
        kill_at(vm, gpu, "1:doorbell", "the first copy")
        works(vm, gpu)


# GSP-RM


def gpu_reset(gpu, used):
    gpu.must_write(gpu.path("reset"), 1, timeout=180)
    expect(state(gpu), ("up", "free"), "states")
    for n in range(2):
        expect(gpu.type(n) == 0, n in used, f"no type of VF {n}")
    for n in used:
        set_type(gpu, n)


def gsp_dead(log, gpu, guests):
    """What the host says of it. A reset of the PF mends it; VFs that were in use lose their types."""
    kept = [KEPT.format(n + 1, -5) for n in range(guests)]
    expect(ours(log), ["GSP-RM died: its core stopped", *kept], "said by the driver")
    expect((told(log), others(log)), ([FAILED] * guests, []), "said on the host")
    expect(state(gpu), ("dead", "kept"), "states")
    gpu_reset(gpu, range(guests))


@host_test(kernels=("stock",), sampled=True, seconds=140)
def test_gsp_dies(vm):
    """Idle, with two guests, and at a call of a third."""
    with host(vm) as gpu:
        log = KernelLog(vm)
        with idle(vm, gpu) as guest, idle(vm, gpu, 1) as other:
            event = clock(vm)
            gpu.set_model("crash-gsp", True)
            for one in guest, other:
                one.wait_stopped()
            saw = f"{guest.kill(event)}, {other.kill(event)}"
            row(("up", "running"), "GSP-RM dies, idle", f"{guest.saw()}; QEMU: unrecoverable error, {saw}",
                state(gpu))
            expect((guest.complaints(), other.complaints()), ([], []), "said by the guests' kernels")
        gsp_dead(log, gpu, 2)
        gsp_dies_at(vm, gpu, 40, "call 40")
        works(vm, gpu)


# What does not answer


def lost(guest, word="list"):
    """A word that fails, as nobody answers the driver; what the guest's log has of it."""
    guest.type(word)
    result = guest.next(word)
    expect(result.rc != 0, True, f"{guest.name}: {result}")
    lines = complaints(result.log)
    expect("rpcRecvPoll timedout" in lines[0], True, f"said by the guest's kernel: {lines}")
    return f"{told_first(lines)}; {word} fails after {result.seconds:.0f} s"


@host_test(kernels=("stock",), full=True)
def test_plugin_task_hangs_at_a_call(vm):
    """The driver gives the start up, and the next one works. The task finds a call that was withdrawn."""
    with host(vm, refusals=("guest-setup",)) as gpu:
        log = KernelLog(vm)
        gpu.set_model("fault-guest", "hold:1:30")
        with Victim(vm, gpu.vf(0), "load") as guest:
            guest.result("load")
            row(("up", "running"), "plugin task hangs at call 30", lost(guest, "open"), state(gpu))
            gpu.set_model("fault-guest", "")
            guest.do("open")
            guest.do("list")
            guest.off()
        quiet(log)


@host_test(kernels=("stock",), full=True)
def test_gsp_hangs(vm):
    """The same for its guests, whose doorbells nobody hears. The host knows when it ends the vGPU."""
    with host(vm, refusals=("doorbell-dead",)) as gpu:
        log = KernelLog(vm)
        with idle(vm, gpu) as guest:
            gpu.set_model("hang-gsp", True)
            saw = lost(guest)
            quiet(log)
            row(("up", "running"), "GSP-RM hangs, idle", f"{saw}; QEMU: nothing, {guest.runstate()}", state(gpu))
            guest.stop()
            gsp_hung(log, gpu)
        works(vm, gpu)


@host_test(kernels=("stock",), full=True)
def test_reset_and_reload(vm):
    """Without a new start of the guest the module has to go, which takes minutes of calls without an answer."""
    # it goes on as if it had agreed on a version, when its buffers have been set up anew
    with host(vm, refusals=("guest-setup", "guest-order", "chan-doorbell")) as gpu:
        log = KernelLog(vm)
        with idle(vm, gpu) as guest:
            guest.do("flr")
            guest.type("unload")
            result = guest.next("unload", 600)
            expect(result.rc, 0, f"{guest.name}: {result}")
            row(("up", "running"), "FLR by the guest, then rmmod",
                f"{told_first(complaints(result.log))}; rmmod after {result.seconds:.0f} s", state(gpu))
            guest.do("load")
            guest.do("open")
            guest.do("list")
            guest.off()
        quiet(log)


# The PF's driver goes


def bound_again(gpu):
    gpu.must_write(BIND, gpu.pf, timeout=180)
    types(gpu)


def unbind_waits(vm, gpu, log):
    """On the root bus the VF cannot leave its VM, which goes on."""
    with idle(vm, gpu) as guest:
        unbind = vm.spawn(f"echo {gpu.pf} >{UNBIND}")
        wait("request", lambda: [w for w in told(log) if "device request" in w], 30)
        guest.do("list")
        expect(unbind.poll(), None, "unbind while the guest runs")
        saw, runs = guest.saw(), guest.runstate()
        begin = time.monotonic()
        guest.stop()
        said = guest.process.poll().splitlines()[0].split(" ", 1)[1]
        expect("does not support hotplugging" in said, True, f"said by QEMU: {said}")
        unbind.wait(120)
        row(("up", "running"), "PF is unbound, VF on the root bus",
            f"{saw}; QEMU: {runs}, {said}; unbound {time.monotonic() - begin:.1f} s after kill -9", "no driver")


def unbind_is_followed(vm, gpu, _log):
    """Below a root port, where libvirt puts it, QEMU asks the guest, whose kernel takes it from the driver."""
    with Victim(vm, gpu.vf(0), "load pm-on", by="libvirt") as guest:
        guest.result("load")
        guest.result("pm-on")
        begin = time.monotonic()
        gpu.must_write(UNBIND, gpu.pf, timeout=120)
        took = time.monotonic() - begin
        expect(guest.complaints(), [], "said by the guest's kernel")
        guest.type("list")
        result = guest.next("list")
        expect("No supported GPUs" in result.text, True, f"{guest.name}: {result}")
        row(("up", "running"), "PF is unbound, VF below a root port",
            f"{guest.saw()}; unbound after {took:.0f} s, the guest runs on without", "no driver")
        guest.off()


@host_test(kernels=("stock",), sampled=True)
def test_pf_is_unbound(vm):
    with host(vm) as gpu:
        log = KernelLog(vm)
        for unbound in unbind_waits, unbind_is_followed:
            unbound(vm, gpu, log)
            bound_again(gpu)
        expect((ours(log), others(log)), ([], []), "said on the host")
        works(vm, gpu)


# A guest that nobody stops


def channels(gpu, n=0):
    return [c for c in gpu.model("channels") if c["gfid"] == n + 1]


def channels_fail(gpu, guest):
    """A fault of the MMU in each of its channels. The log has no word of "Xid", but its number."""
    expect(len(channels(gpu)) > 1, True, f"channels of a driver: {channels(gpu)}")
    for count, c in enumerate(channels(gpu), 1):
        gpu.set_model("inject-event", f"channel-error:1:{c['runlist']}:{c['chid']}:31")
        guest.type("list")
        result = guest.next("list")
        # where CPUs are slow it also says of other things that they took long
        said = complaints(result.log)
        lines = [line for line in said if "ROBUST_CHANNEL error" in line]
        expect((result.rc, len(lines)), (0, 1), f"{guest.name}: {result}, said: {said}")
        expect(gpu.read(gpu.vf_path(0, "vgpu/channel_errors")), str(count), "errors that the host has counted")
        expect("exceptType = 31" in lines[0], True, lines[0])
        row(("up", "running"), f"MMU fault of channel {c['chid']} on runlist {c['runlist']}",
            f"{told_first(lines)}; QEMU: {guest.runstate()}", state(gpu))


def task_hangs(gpu, guest):
    """Nobody is told: the driver gives each call up after 10 s. When the task answers all is well."""
    gpu.set_model("fault-guest", "hold:1")
    saw = lost(guest)
    row(("up", "running"), "plugin task hangs, idle", f"{saw}; QEMU: {guest.runstate()}", state(gpu))
    gpu.set_model("fault-guest", "")
    guest.do("list")


def reset(gpu, guest, how, what):
    """The driver is not told, and what it asks then is not answered. A new start of the guest mends it."""
    for word in "load", "pm-on", "list":
        guest.result(word)
    how()
    saw = lost(guest)
    row(("up", "running"), what, f"{saw}; QEMU: {guest.runstate()}", state(gpu))
    before = len(guest.ups())
    guest.qmp("system_reset")
    guest.wait_up(before + 1)
    row(state(gpu), "reset button of that VM", "it starts anew", state(gpu))


@host_test(kernels=("stock",), sampled=True)
def test_driver_that_goes_on(vm):
    """It alone knows of its channels, of a plugin task that hangs, of resets; another guest does not."""
    with host(vm, refusals=("guest-setup",)) as gpu, neighbour(vm, gpu) as other:
        log = KernelLog(vm)
        with Victim(vm, gpu.vf(0), "load pm-on list", reboots=True) as guest:
            reset(gpu, guest, lambda: guest.do("flr"), "FLR by the guest")
            other.do("list")
            reset(gpu, guest, lambda: gpu.must_write(gpu.vf_path(0, "reset"), 1), "reset of the VF by the host")
            other.do("list")
            for word in "load", "pm-on", "list":
                guest.result(word)
            task_hangs(gpu, guest)
            channels_fail(gpu, guest)
            guest.off()
        quiet(log)
        works(vm, gpu)
