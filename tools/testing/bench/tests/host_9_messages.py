# SPDX-License-Identifier: GPL-2.0-only
"""
Every message fails once: what GSP-RM and a plugin task are told, from the load of the driver to its
unload, each in turn and in each way. Whoever waited hears of it and the log says why; what ends
afterwards ends in time, nothing is left in use, and the next try works.
"""

import collections
import re
import time

from bench_test import expect, host_test, in_parts
from faults import others, ours, told
from gpu import BIND, UNBIND, VFIO_DRIVER, KernelLog, Wrong
from probe import start

Q8 = 876

# To the n-th message of a step. NV_ERR_INSUFFICIENT_RESOURCES is what a full GPU says; a delay is
# longer than any reply but that of a teardown is waited for.
FAULTS = {
    "refused": "refuse=0x1a:any::{n}",
    "request lost": "lose:any::{n}",
    "answer dropped": "drop:any::{n}",
    "answer late": "delay=6000:any::{n}",
    "answer twice": "duplicate:any::{n}",
    "answer damaged": "corrupt:any::{n}",
    "GSP-RM crashes": "crash:any::{n}",
    "GSP-RM hangs": "hang:any::{n}",
}
# The same of a plugin task; its answers are in shared memory, where none comes twice.
PLUGIN_FAULTS = {
    "refused": "refuse=1:1:{n}",
    "request lost": "lose:1:{n}",
    "answer dropped": "drop:1:{n}",
    "answer late": "delay=31000:1:{n}",
    "task crashes": "crash:1:{n}",
}
MANY = 100000
# A teardown waits for 45 s, and who comes behind it for as long; for who is gone nobody waits
WITHIN = 130
SOON = 12


def bind(gpu):
    return gpu.write(BIND, gpu.pf, timeout=300)


def vfs(gpu):
    if error := gpu.write(gpu.path("sriov_numvfs"), 2, timeout=300):
        return error
    # a VF without its driver has no vGPU, but says nothing either
    gpu.bind(0)
    return ""


def choose(gpu):
    return gpu.set_type(0, Q8)


def use(gpu):
    """Opened, reset and closed, with clearing before and after."""
    out = gpu.client(0, "boot", "rpc", "fb-write:0x1000:7", "reset", "fb-zero:0x1000", "rpc", timeout=400)
    failed = re.search(r"^FAIL (.*)$", out, re.M)
    cleared(gpu)
    return failed[1].strip() if failed else ""


def cleared(gpu):
    """What is cleared behind a close belongs to it."""
    for _ in range(400):
        show = gpu.vm.sh(f"cat /sys/kernel/debug/nvkm-vgpu-{gpu.pf}/scrub")
        if not re.search("^gfid", show, re.M):
            return
        time.sleep(0.2)
    raise Wrong(f"framebuffer is cleared for ever:\n{show}")


def again(gpu):
    """GSP-RM is taken off and loaded anew, with what the operator chose."""
    return gpu.write(gpu.path("reset"), 1, timeout=300)


def sleep(gpu):
    """The same for a host that sleeps, as far as a kernel goes that tests it."""
    gpu.vm.sh("echo devices >/sys/power/pm_test; echo 1 >/sys/module/suspend/parameters/pm_test_delay")
    out = gpu.vm.sleep(timeout=300)
    return out.splitlines()[-1] if out.rc else ""


def give_back(gpu):
    return gpu.set_type(0, 0)


def no_vfs(gpu):
    return gpu.write(gpu.path("sriov_numvfs"), 0, timeout=300)


def unbind(gpu):
    return gpu.write(UNBIND, gpu.pf, timeout=300)


WALK = (bind, vfs, choose, use, give_back, no_vfs, unbind)
# a way round at the place of use, with a type and nothing open
ROUND = (again, sleep)


def must(gpu, step):
    if error := step(gpu):
        raise Wrong(f"{step.__name__}, with no fault: {error}")


def walk(gpu, until=None):
    for step in WALK:
        if step is (use if until in ROUND else until):
            return
        must(gpu, step)


def left(gpu, prop):
    return int(gpu.vm.qom_get(prop, gpu.qom).rpartition(":")[2])


def total(gpu, prop, step, fault):
    """How many messages of a step this could happen to."""
    walk(gpu, step)
    gpu.set_model(prop, fault.format(n=MANY))
    must(gpu, step)
    found = MANY - left(gpu, prop)
    gpu.set_model(prop, "")
    down(gpu)
    return found


def down(gpu):
    """The operator gives up: whatever state it is in, unbind ends and nothing is left."""
    if gpu.driver():
        begin = gpu.vm.clock()
        if error := unbind(gpu):
            raise Wrong(f"unbind: {error}")
        if (took := gpu.vm.clock() - begin) > WITHIN:
            raise Wrong(f"unbind took {took:.0f} s")
    return gpu.in_use()


def injected(vm):
    """What the model says that it hit."""
    found = re.findall(r"fault injected: .*, at function (\d+), control (0x[0-9a-f]+)", vm.model_log())
    if not found:
        return ""
    function, control = found[-1]
    return f"{function}" + (f" {control}" if int(control, 0) else "")


def judge(error, took, said, fault):
    """Why an outcome is not as it must be; empty if it is."""
    if fault == "answer twice" and (error or said):
        return "an answer that comes twice is one"
    if error and not said:
        return "nothing in the log"
    # what was damaged, who got no answer, what does not work now, what to do, that it answers again;
    # and what becomes of a vGPU whose GSP-RM is dead
    if len(said) > (6 if "GSP-RM" in fault else 5):
        return f"{len(said)} lines in the log"
    if took > (SOON if "crashes" in fault else WITHIN):
        return f"took {took:.0f} s"
    return ""


def fail_once(gpu, prop, fault, step, n):
    """One case; returns the row of it, and what is wrong with that."""
    how = (PLUGIN_FAULTS if prop == "fault-plugin" else FAULTS)[fault]
    walk(gpu, step)
    log = KernelLog(gpu.vm)
    gpu.set_model(prop, how.format(n=n))
    begin = gpu.vm.clock()
    error = step(gpu)
    took = gpu.vm.clock() - begin
    fired = not gpu.vm.qom_get(prop, gpu.qom)
    gpu.set_model(prop, "")
    said = ours(log) + told(log)
    kept = down(gpu)
    wrong = judge(error, took, said, fault)
    if not fired:
        wrong = "the fault did not come"
    elif kept:
        wrong = f"left in the model: {kept}"
    elif other := others(log):
        wrong = f"said by others: {other}"
    what = injected(gpu.vm) if prop == "fault-message" else "plugin"
    return (f"# {step.__name__} {n} ({what}) | {fault} | {error or 'works'}, {took:.0f} s | "
            f"{'; '.join(said) or 'nothing said'} | {wrong or 'as it must be'}"), wrong


def cases(gpu, prop, *steps):
    """All messages of these steps in all ways: [(property, fault, step, n)]"""
    faults = PLUGIN_FAULTS if prop == "fault-plugin" else FAULTS
    found = []
    for step in steps:
        requests = total(gpu, prop, step, faults["request lost"])
        answers = total(gpu, prop, step, faults["answer dropped"])
        print(f"# {prop}: {step.__name__} has {requests} requests and {answers} answers", flush=True)
        for fault in faults:
            of = answers if fault.startswith("answer") else requests
            found += [(prop, fault, step, n + 1) for n in range(of)]
    return found


def campaign(gpu, todo):
    bad = []
    outcomes = collections.Counter()
    begin = time.monotonic()
    for number, case in enumerate(todo):
        row, wrong = fail_once(gpu, *case)
        print(f"{row} [{number + 1} of {len(todo)}, {time.monotonic() - begin:.0f} s]", flush=True)
        outcomes[case[1], wrong or "as it must be"] += 1
        if wrong:
            bad.append(row)
    # the next correct try, after the last of them
    walk(gpu)
    expect(gpu.in_use(), {}, "in use in the model")
    gpu.unload()
    for (fault, outcome), times in sorted(outcomes.items()):
        print(f"# {times:4d} x {fault}: {outcome}")
    print(f"# {len(todo)} messages failed once, {len(bad)} not as they must", flush=True)
    expect(bad, [], "outcomes")


def every(vm, those, prop, *steps):
    gpu = ready(vm)
    campaign(gpu, cases(gpu, prop, *steps)[those])


def ready(vm):
    gpu = start(vm)
    vm.sh(f"modprobe {VFIO_DRIVER}")
    return gpu


# Nearly all is waiting, which a clock that leaps makes short.
LEAPS = {"icount": 2, "smp": 1}
SLEEPS = {"ram": True, "mem": "6G"}


def every_message(name, parts, prop, *steps, **machine):
    mark = host_test(kernels=("stock",), full=True, fresh=True, **LEAPS, **machine)
    return in_parts(
        mark, f"every_message_{name}_fails_once", parts, lambda vm, those: every(vm, those, prop, *steps)
    )


globals().update(
    every_message("of_a_load", 2, "fault-message", bind)
    | every_message("of_a_type", 1, "fault-message", vfs, choose, give_back)
    | every_message("of_a_life", 3, "fault-message", use)
    | every_message("to_a_task", 1, "fault-plugin", use)
    | every_message("of_a_reset", 3, "fault-message", again)
    | every_message("of_a_sleep", 3, "fault-message", sleep, **SLEEPS)
    | every_message("of_an_unload", 1, "fault-message", no_vfs, unbind)
)


# One of each kind; any by a seed once all of them have been seen
SOME = (
    ("fault-message", "answer late", bind, 15),
    ("fault-message", "refused", use, 3),
    # of a type: more than the queue has room for
    ("fault-message", "answer twice", again, 12),
    ("fault-message", "GSP-RM crashes", use, 8),
    ("fault-message", "answer damaged", use, 9),
    # the last that it is sent: nobody asks it again whether it responds
    ("fault-message", "request lost", unbind, 4),
    ("fault-plugin", "task crashes", use, 2),
)


@host_test(**LEAPS)
def test_some_messages_fail(vm):
    campaign(ready(vm), SOME)
