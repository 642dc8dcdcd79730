# SPDX-License-Identifier: GPL-2.0-only
"""
Every allocation fails once, in the process that makes the call: bind, reset of the PF, VFs on, bind of
a VF, a type, its parameters, open, reset, close, the way back, and a sleep; and in the workers of the
kernel that these set to work. Whoever called is told -ENOMEM or did not need it; nothing is left in
use, and the next try works. What the kernel says of it itself is told apart, and counted.
"""

import os
import random
import re
import shlex
from collections import namedtuple

import firmware
from bench_test import KernelBug, Skip, expect, host_test, in_parts
from faults import state
from gpu import BIND, CLIENT, SPLATS, UNBIND, VFIO_DRIVER, KernelLog, Wrong
from host_5_fwctl import MODULE, PROGRAM, set_up
from host_5_monitor import opened
from host_8_types import NAME as TYPES, made
from probe import kept_by_host, start, without_use

Q8 = 876

# Who does not get over it: ACPI's tables lose what they had evaluated; of a VF that cannot be added
# the PCI core takes away what was not there, and oopses (Linux 7.3)
ACPI = "acpi_(ds|ev|ex|hw|ns|ps|rs|tb|ut)_.*"
PCI_CORE = "sriov_enable"
# Who cannot read a file of types goes on without it, and has some forty allocations
FIRMWARE_LOADER = "_request_firmware"

# What the kernel, 7.3, has to say of its own memory, each right after a fault.
FAULT = "FAULT_INJECTION: forcing a failure"
KNOWN_BUGS = (
    # vmalloc() has no caller who says __GFP_NOWARN for a file of firmware, and says so of none
    KernelBug(
        ": vmalloc error: size ",
        (" warn_alloc+", " __vmalloc_node_range_noprof+", " kernel_read_file+", " _request_firmware+"),
        " </TASK>",
        FAULT,
    ),
    # nor has our one large allocation: vmalloc() prints a stack when memory is short
    KernelBug(": vmalloc error: size ", (" warn_alloc+", " vmalloc_noprof+", " nvgpu_radix3_init+"), " </TASK>", FAULT),
    # nor has kvmalloc(), when what is left to it is vmalloc()
    KernelBug(": vmalloc error: size ", (" warn_alloc+", " __kvmalloc_node_noprof+"), " </TASK>", FAULT),
    # a VFIO group that got no name is released as if it had been one that somebody forgot to end:
    # vfio_create_group() puts what only vfio_group_alloc() has made
    KernelBug(
        "WARNING: at vfio_group_release+",
        (" vfio_create_group+", " vfio_device_set_group+", " __vfio_register_dev+"),
        after=FAULT,
    ),
    # an interrupt has no file in /proc, and the kernel takes back what it does not have
    KernelBug("WARNING: at remove_proc_entry+", (" unregister_irq_proc+", " free_desc+", " pci_free_irq_vectors+")),
)

# Allocations of whoever a module of ours calls fail, but for those of one part of the kernel, with
# a line in the log for each
ARM = """
set -- $(sort /proc/kallsyms | awk '/ _etext$/ {{ print first, end; exit }} last {{ end = $1; last = 0 }}
    $3 ~ /^({spared})$/ {{ first = first ? first : $1; last = 1 }}')
for f in failslab fail_page_alloc; do
    cd /sys/kernel/debug/$f
    echo 1 >verbose; echo N >ignore-gfp-wait; echo 32 >stacktrace-depth
    echo 0x$1 >reject-start; echo 0x$2 >reject-end
    echo {start:#x} >require-start; echo {end:#x} >require-end
done
echo N >ignore-gfp-highmem; echo 0 >min-order
cd ../fail_usercopy; echo 0 >verbose; echo 1 >require-start; echo 1 >require-end
"""
# A large one is tried once more, of single pages, so all that follow fail too, of those who ask for it
FOLLOWING = """
for f in failslab fail_page_alloc; do
    cd /sys/kernel/debug/$f; echo 1 >task-filter; echo -1 >times; echo {probability} >probability
done
"""
# Whatever vmalloc() is asked for, and what is more than a page
ONLY_LARGE = """
set -- $(sort /proc/kallsyms | awk 'first {{ print first, $1; exit }} $3 == "{function}" {{ first = $1 }}')
cd /sys/kernel/debug/failslab; echo 0x$1 >require-start; echo 0x$2 >require-end
echo 1 >../fail_page_alloc/min-order
"""
VMALLOC = "__vmalloc_node_range_noprof"
# One write(2), after so many allocations one fails; opening the file is not part of it
WRITE = (
    "exec 3<>/proc/self/fail-nth 4>{path}; echo 1 >/proc/self/make-it-fail; echo {n} >&3; echo '{text}' >&4; rc=$?;"
    " read left <&3; echo 0 >&3; echo 0 >/proc/self/make-it-fail; [ $left = 0 ] && echo hit; exit $rc"
)


# Those who do what somebody has queued
WORKERS = """
grep -l ^kworker /proc/[0-9]*/comm 2>/dev/null | sed 's/comm$/fail-nth/' >/run/workers
while read -r worker; do echo {n} >$worker; done </run/workers
{life}
while read -r worker; do [ "$(cat $worker)" = 0 ] && echo hit; echo 0 >$worker; done </run/workers
"""


# Whose allocations fail, if not those of all our functions: mutate.py has one in mind, or in f|g|h the
# first that is not part of another
FUNCTION = os.environ.get("BENCH_ALLOCATIONS_OF", "")
# Where a function begins, and the next one
RANGE_OF = """for f in $(echo '{function}' | tr '|' ' '); do
    sort /proc/kallsyms | awk -v f=$f 'first {{ print first, $1; exit }}
        $4 == "[{module}]" && $3 ~ "^" f "([.]|$)" && $3 !~ /[.]cold/ {{ first = $1 }}'
done | head -1"""


def arm(vm, module, spared=ACPI, function="", following=False, large=False):
    first, size = vm.sh(f"cd /sys/module/{module}; cat sections/.text coresize").split()
    span = int(first, 0), int(first, 0) + int(size)
    if function:
        of_one = vm.sh(RANGE_OF.format(module=module, function=function)).split()
        span = [int(address, 16) for address in of_one or ("1", "1")]
    vm.sh(ARM.format(start=span[0], end=span[1], spared=spared))
    vm.sh(FOLLOWING.format(probability=100 * following))
    if large:
        vm.sh(ONLY_LARGE.format(function=VMALLOC))


class Call:
    """A call of an operator or of a VM to a module, as it is made and as it is undone."""

    def __init__(self, name, make, undo, most, module="nvkm_vgpu", **arms):
        self.name, self.make, self.undo, self.module = name, make, undo, module
        self.most = most  # allocations: two to the power of it, about
        self.arms = {"function": FUNCTION, **arms}

    def of_large(self):
        arms = {**self.arms, "spared": FIRMWARE_LOADER, "following": True, "large": True}
        return Call(self.name, self.make, self.undo, self.most, self.module, **arms)


def write(path, text):
    def make(gpu, n):
        command = WRITE.format(path=path(gpu), text=text(gpu) if callable(text) else text, n=n)
        # dash does not say which error it was
        out = gpu.vm.sh(f"bash -c {shlex.quote(command)}", timeout=300, check=False)
        why = re.search(r"write error: (.*)$", out, re.M)
        return (why[1] if why else str(out)) if out.rc else "", "hit" in out.split()
    return make


def client(call):
    def make(gpu, n):
        out = gpu.vm.sh(f"{CLIENT} -f {call}:{n} {gpu.vf(0)} boot rpc reset rpc", timeout=300, check=False)
        why = re.search(r"^FAIL (.*)$", out, re.M)
        return why[1] if why else "", "ok fail-nth hit" in out
    return make


def work_of_a_life(gpu, n):
    """Of each worker of the kernel one fails, while a VF has a type and is used: clearing, and a reset."""
    type_of_vf = vf_file("current_vgpu_type")(gpu)
    life = f"echo {Q8} >{type_of_vf} && {CLIENT} {gpu.vf(0)} boot rpc reset rpc; echo 0 >{type_of_vf}"
    out = gpu.vm.sh(WORKERS.format(life=life, n=n), timeout=300, check=False)
    why = re.search(r"^FAIL (.*)$|write error: (.*)$", out, re.M)
    return why[0] if why else "", "hit" in out.split()


def nothing(_gpu):
    pass


def pf_reset(gpu, n):
    """Has no error to tell; whose GSP-RM did not come back says so."""
    error, hit = write(lambda gpu: gpu.path("reset"), 1)(gpu, n)
    gsp = state(gpu)[0]
    return error or ("" if gsp == "up" else f"GSP-RM is {gsp}"), hit


def sleep(gpu, n):
    """As far as devices sleep, and their drivers in the process that asks for it."""
    command = WRITE.format(path="/sys/power/state", text="mem", n=n)
    gpu.vm.sh(
        "echo devices >/sys/power/pm_test; echo 1 >/sys/module/suspend/parameters/pm_test_delay;"
        f" echo 0 >/sys/power/pm_async; echo {shlex.quote(command)} >/run/sleep"
    )
    out = gpu.vm.sleep(300, "bash /run/sleep")
    why = re.search(r"write error: (.*)$", out, re.M)
    gsp = state(gpu)[0]
    return why[1] if why else "" if gsp == "up" else f"GSP-RM is {gsp}", "hit" in out.split()


def bind_again(gpu):
    if gpu.driver() and state(gpu)[0] != "up":
        gpu.must_write(UNBIND, gpu.pf, timeout=300)
    if not gpu.driver():
        gpu.must_write(BIND, gpu.pf, timeout=300)


def vfs_on(gpu):
    if not gpu.numvfs():
        gpu.set_numvfs(1)
        override(gpu)


def override(gpu):
    gpu.must_write(f"/sys/bus/pci/devices/{gpu.vf(0)}/driver_override", VFIO_DRIVER)


def vf_file(name):
    return lambda gpu: gpu.vf_path(0, f"nvidia/{name}")


def bind_gpu(**kwargs):
    return Call("bind", write(lambda _gpu: BIND, lambda gpu: gpu.pf),
                lambda gpu: gpu.driver() and gpu.must_write(UNBIND, gpu.pf, timeout=300), 10, **kwargs)


VFIO_MODULE = VFIO_DRIVER.replace("-", "_")
VFIO_BUS = f"/sys/bus/pci/drivers/{VFIO_DRIVER}"
CALLS = (
    bind_gpu(),
    Call("reset of the PF", pf_reset, bind_again, 9),
    Call("sriov_numvfs", write(lambda gpu: gpu.path("sriov_numvfs"), 1), lambda gpu: gpu.set_numvfs(0), 7,
         spared=PCI_CORE),
    Call("bind of a VF", write(lambda _gpu: f"{VFIO_BUS}/bind", lambda gpu: gpu.vf(0)),
         lambda gpu: gpu.vf_driver(0) and gpu.must_write(f"{VFIO_BUS}/unbind", gpu.vf(0)), 8, VFIO_MODULE),
    Call("current_vgpu_type", write(vf_file("current_vgpu_type"), Q8), lambda gpu: gpu.must_set_type(0, 0), 2),
    Call("vgpu_params", write(vf_file("vgpu_params"), "frame_rate_limiter=1"),
         lambda gpu: gpu.must_write(vf_file("vgpu_params")(gpu), " "), 2),
    Call("open", client("open"), nothing, 8, VFIO_MODULE),
    # a worker follows a reset
    Call("reset", client("reset"), nothing, 0, VFIO_MODULE),
    # its messages are made of memory that is waited for, so it has none that may fail
    Call("close", client("close"), nothing, 0, VFIO_MODULE),
    Call("unbind of a VF", write(lambda _gpu: f"{VFIO_BUS}/unbind", lambda gpu: gpu.vf(0)),
         lambda gpu: gpu.vf_driver(0) or gpu.must_write(f"{VFIO_BUS}/bind", gpu.vf(0)), 0, VFIO_MODULE),
    Call("sriov_numvfs 0", write(lambda gpu: gpu.path("sriov_numvfs"), 0), vfs_on, 0),
    Call("unbind", write(lambda _gpu: UNBIND, lambda gpu: gpu.pf), bind_again, 0),
)
WORK = Call("work of a life", work_of_a_life, lambda gpu: gpu.must_set_type(0, 0), 5)
EVER = 1 << 30  # no call makes so many
SLEEPS = (CALLS[0], Call("sleep", sleep, bind_again, 9), CALLS[-1])
NO_MEMORY = re.compile(r"Cannot allocate memory|ENOMEM")
OTHER_ERRNO = re.compile(r"error (?!-12\b|-ENOMEM\b)-\w+")
# others have other words for it: of a range that cannot be noted the resource tree says that it is in use
FIRMWARE, RANGE = r"firmware \S+ cannot be loaded", r"BAR \d: can't reserve"
ELSE = {
    "bind": f"{FIRMWARE}|{RANGE}",
    "reset of the PF": f"{FIRMWARE}|not loaded again, error -12;",
    "sleep": f"{FIRMWARE}|not loaded again, error -12;",
    "work of a life": "error -12",
    "open": RANGE,
}


def once(gpu, call, n, log):
    """Returns whether n allocations were made, and what the caller was told."""
    error, hit = call.make(gpu, n)
    if error and not hit:
        raise Wrong(f"{call.name}, with no fault: {error}")
    said = log.said_by("nvkm-vgpu") + log.said_by(VFIO_DRIVER)
    if not error and (wrong := [line for line in said if OTHER_ERRNO.search(line)]):
        raise Wrong(f"{call.name}, allocation {n}, which it did without: {wrong}")
    if error and not NO_MEMORY.search(error):
        if not re.search(ELSE.get(call.name, "(?!)"), "\n".join(said)):
            raise Wrong(f"{call.name}, allocation {n}: {error}; said: {said}")
    return hit, error


def once_and_back(gpu, call, n):
    """The same, undone; and how many splats of the kernel's own came of it."""
    # of all tries it would not have room, and lose what a splat came from
    gpu.vm.sh("dmesg -C")
    log = KernelLog(gpu.vm)
    hit, error = once(gpu, call, n, log)
    call.undo(gpu)
    return hit, error, splats_of_the_kernel(gpu.vm, log, f"{call.name}, allocation {n}")


def splats_of_the_kernel(vm, log, when):
    """How many; of others there must be none."""
    bad = [w for w in log.warnings() if SPLATS.search(w) or "allocation failure" in w or "vmalloc error" in w]
    expect(bad, [], f"splats of {when}")
    said = vm.sh("dmesg").splitlines()
    return sum(bug.first in line for bug in KNOWN_BUGS for line in said)


def kept(gpu):
    return without_use(kept_by_host(gpu.vm, gpu))


def some(call, number):
    """So many by BENCH_SEED, of which some may be more than there are."""
    pick = random.Random(f"{os.environ['BENCH_SEED']} {call.name}")
    return [1] + [int(2 ** pick.uniform(1, call.most)) for _ in range(number)]


def sweep(gpu, call, each, to_end):
    """With to_end until the call makes no more; prints what came of it."""
    arm(gpu.vm, call.module, **call.arms)
    do(gpu, call)
    call.undo(gpu)
    before = kept(gpu)
    tries = hits = told = known = 0
    for n in each:
        hit, error, splats = once_and_back(gpu, call, n)
        tries += 1
        hits += hit
        told += bool(error)
        known += splats
        if kept(gpu) != before:
            # it may do with less, memory of another kind or an interrupt without MSI, until the next try
            do(gpu, call)
            call.undo(gpu)
            expect(kept(gpu), before, f"kept after {call.name}, allocation {n}, and another one")
        if tries % 50 == 0:
            print(f"# {call.name}: {tries} tries", flush=True)
        if to_end and not hit:
            break
    # the first of a part may be more than a call has that makes few
    expect(hits > 0 or not call.most or each[0] > 1 or FUNCTION != "", True, f"{call.name} allocates")
    # the next try works, and its result stays for the calls that follow
    do(gpu, call, "afterwards")
    return Row(call.name, tries, hits, told, known)


def do(gpu, call, when="with no fault"):
    error, _ = call.make(gpu, EVER)
    expect(error, "", f"{call.name}, {when}")
    if call.name == "sriov_numvfs":
        override(gpu)


class Row(namedtuple("Row", "name tries hits told known")):
    def show(self):
        print(f"# {self.name} | {self.tries} tries | {self.hits} allocations failed |"
              f" {self.told} calls told of it | {self.known} splats of the kernel's own", flush=True)


def allocations_fail(vm, each, calls=CALLS):
    """each: {number of a call: (which of its allocations, to the end)}; the others only make way."""
    vm.known_bugs += KNOWN_BUGS
    gpu = start(vm)
    vm.sh(f"modprobe {VFIO_DRIVER}")
    rows = []
    for n, call in enumerate(calls):
        if n in each:
            rows.append(sweep(gpu, call, *each[n]))
            rows[-1].show()
        elif call.undo is not nothing:
            do(gpu, call)
    in_use = {what: n for what, n in gpu.model("accounting")["now"].items() if n}
    expect(in_use, {}, "in use in the model")
    Row("all", *(sum(row[n] for row in rows) for n in (1, 2, 3, 4))).show()
    gpu.unload()
    return rows


def large_allocations_fail(vm, each):
    """In one piece and in many: who does not get by without them is told."""
    row = allocations_fail(vm, {0: each}, (bind_gpu().of_large(), CALLS[-1]))[0]
    expect(row.told, row.hits, "binds that failed")


def every_allocation(name, parts, *calls):
    """A thousand binds would take hours on the debug kernel, which sees more; it has some of them."""
    chosen = {n for n, call in enumerate(CALLS) if call.name in calls}
    expect(len(chosen), len(calls), f"calls of {name}")
    return in_parts(
        host_test(kernels=("gcov",), full=True, seconds=75),
        f"every_allocation_{name}_fails_once",
        parts,
        lambda vm, those: allocations_fail(vm, dict.fromkeys(chosen, (range(1, EVER)[those], True))),
    )


globals().update(
    every_allocation("of_bind", 24, "bind")
    | every_allocation("of_a_reset_of_the_pf", 24, "reset of the PF")
    | every_allocation("of_sriov_numvfs", 3, "sriov_numvfs")
    | every_allocation("of_a_bind_of_a_vf", 3, "bind of a VF")
    | in_parts(
        host_test(kernels=("gcov",), full=True, seconds=150, ram=True, mem="6G"),
        "every_allocation_of_a_sleep_fails_once",
        24,
        lambda vm, those: allocations_fail(vm, {1: (range(1, EVER)[those], True)}, SLEEPS),
    )
    | every_allocation("of_a_life", 1, "current_vgpu_type", "vgpu_params", "open", "reset", "close")
    | every_allocation("of_the_way_back", 1, "unbind of a VF", "sriov_numvfs 0", "unbind")
)


@host_test(kernels=("debug",), full=True)
def test_some_allocations_fail(vm):
    allocations_fail(vm, {n: (some(call, 4), False) for n, call in enumerate(CALLS)})


def allocations_of_work_fail(vm, each):
    calls = [call for call in CALLS if call.name in ("bind", "sriov_numvfs", "bind of a VF")]
    back = [call for call in CALLS if call.name in ("unbind of a VF", "sriov_numvfs 0", "unbind")]
    allocations_fail(vm, {len(calls): each}, (*calls, WORK, *back))


@host_test(kernels=("gcov",), full=True, seconds=150)
def test_every_allocation_of_work_fails_once(vm):
    allocations_of_work_fail(vm, (range(1, EVER), True))


@host_test(kernels=("debug",), sampled=True)
def test_some_allocations_of_work_fail(vm):
    allocations_of_work_fail(vm, (some(WORK, 4), False))


@host_test(kernels=("gcov",), full=True, seconds=150)
def test_every_large_allocation_fails(vm):
    large_allocations_fail(vm, (range(1, EVER), True))


@host_test(kernels=("debug",), sampled=True)
def test_some_large_allocations_fail(vm):
    large_allocations_fail(vm, ((1, 2, 4, 8), False))


@host_test(kernels=("debug",), sampled=True)
def test_file_of_types_is_not_kept(vm):
    """No memory for what was read: bind fails."""
    bind = bind_gpu(spared=FIRMWARE_LOADER, function="nvgpu_typefile_load")
    with firmware.placed(vm, TYPES, made(vm)):
        rows = allocations_fail(vm, {0: (range(1, EVER), True)}, (bind, CALLS[-1]))
    expect(rows[0].told > 0, True, "binds that failed")


# Of a process whose allocations fail, and of those that it begins
FIRST_FAILS = """
cd /sys/kernel/debug/failslab; echo 1 >task-filter; echo 100 >probability; echo 1 >times
(echo 1 >/proc/self/make-it-fail; LC_ALL=C exec {command}) 2>&1
echo "left $(cat times)"; echo 0 >probability; echo 0 >task-filter
"""


@host_test(kernels=("debug",), sampled=True)
def test_who_only_reads_is_told(vm):
    """What is made of memory only while somebody reads it."""
    gpu, fwctl = set_up(vm, 2)
    gpu.must_set_type(0, Q8)
    gpu.bind(0)
    with opened(gpu, 0):
        log = f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/vgpu1/init_log"
        for module, command in (
            ("nvkm_vgpu", f"cat {gpu.vf_path(1, 'nvidia/creatable_vgpu_types')}"),
            ("nvkm_vgpu", f"head -c 4096 {log}"),
            ("nvkm_vgpu_fwctl", f"{PROGRAM} {fwctl.node} info"),
            ("nvkm_vgpu_fwctl", f"{PROGRAM} {fwctl.node} creatable {gpu.vf(1)}"),
        ):
            arm(vm, module)
            said = vm.sh(FIRST_FAILS.format(command=command)).splitlines()
            expect((bool(NO_MEMORY.search(said[0])), said[1:]), (True, ["left 0"]), f"{command}: {said[0]}")
            vm.sh(command)
    vm.sh(f"modprobe -r {MODULE}")
    gpu.put_away()


def all_of_a_function_fail(vm, *calls):
    rows = allocations_fail(vm, dict.fromkeys(range(len(calls)), (range(1, EVER), True)), calls)
    if not any(row.hits for row in rows):
        raise Skip(f"{FUNCTION} has become part of another function, or is not in these calls")


if FUNCTION:
    @host_test(kernels=("gcov",), full=True)
    def test_allocations_of_a_function(vm):
        all_of_a_function_fail(vm, *CALLS[:4], WORK, *CALLS[4:])

    @host_test(kernels=("gcov",), full=True)
    def test_large_allocations_of_a_function(vm):
        all_of_a_function_fail(vm, bind_gpu().of_large(), CALLS[-1])
