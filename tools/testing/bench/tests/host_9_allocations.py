# SPDX-License-Identifier: GPL-2.0-only
"""
Every allocation fails once, in the process that makes the call: bind, VFs on, bind of a VF, a type, its
parameters, open, reset, close. Whoever called is told -ENOMEM or did not need it; nothing is left
in use, and the next try works.
"""

import os
import random
import re
import shlex

from bench_test import expect, host_test
from gpu import BIND, CLIENT, UNBIND, VFIO_DRIVER, KernelLog, Wrong
from probe import start

Q8 = 876

# Who does not get over it: ACPI's tables lose what they had evaluated; of a VF that cannot be added
# the PCI core takes away what was not there, and oopses (Linux 7.3)
ACPI = "acpi_(ds|ev|ex|hw|ns|ps|rs|tb|ut)_.*"
PCI_CORE = "sriov_enable"

# Allocations of whoever a module of ours calls fail, but for those of one part of the kernel, with
# no line in the log for each
ARM = """
set -- $(sort /proc/kallsyms | awk '/ _etext$/ {{ print first, end; exit }} last {{ end = $1; last = 0 }}
    $3 ~ /^({spared})$/ {{ first = first ? first : $1; last = 1 }}')
for f in failslab fail_page_alloc; do
    cd /sys/kernel/debug/$f
    echo 0 >verbose; echo N >ignore-gfp-wait; echo 32 >stacktrace-depth
    echo 0x$1 >reject-start; echo 0x$2 >reject-end
    echo {start:#x} >require-start; echo {end:#x} >require-end
done
echo N >ignore-gfp-highmem; echo 0 >min-order
cd ../fail_usercopy; echo 0 >verbose; echo 1 >require-start; echo 1 >require-end
"""
# One write(2), after so many allocations one fails; opening the file is not part of it
WRITE = (
    "exec 3<>/proc/self/fail-nth 4>{path}; echo {n} >&3; echo '{text}' >&4; rc=$?; read left <&3; echo 0 >&3;"
    " [ $left = 0 ] && echo hit; exit $rc"
)


def arm(vm, call):
    start, size = vm.sh(f"cd /sys/module/{call.module}; cat sections/.text coresize").split()
    vm.sh(ARM.format(start=int(start, 0), end=int(start, 0) + int(size), spared=call.spared))


class Call:
    """A call of an operator or of a VM to a module, as it is made and as it is undone."""

    def __init__(self, name, make, undo, most, module="nvkm_vgpu", spared=ACPI):
        self.name, self.make, self.undo, self.module, self.spared = name, make, undo, module, spared
        self.most = most  # allocations: two to the power of it, about


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
        flag = "-i " if gpu.vm.kernel == "debug" else ""
        out = gpu.vm.sh(f"{CLIENT} {flag}-f {call}:{n} {gpu.vf(0)} boot rpc reset rpc", timeout=300, check=False)
        why = re.search(r"^FAIL (.*)$", out, re.M)
        return why[1] if why else "", "ok fail-nth hit" in out
    return make


def nothing(_gpu):
    pass


def vf_file(name):
    return lambda gpu: gpu.vf_path(0, f"nvidia/{name}")


VFIO_MODULE = VFIO_DRIVER.replace("-", "_")
CALLS = (
    Call("bind", write(lambda _gpu: BIND, lambda gpu: gpu.pf),
         lambda gpu: gpu.driver() and gpu.must_write(UNBIND, gpu.pf, timeout=300), 10),
    Call("sriov_numvfs", write(lambda gpu: gpu.path("sriov_numvfs"), 1), lambda gpu: gpu.set_numvfs(0), 7,
         spared=PCI_CORE),
    Call("bind of a VF", write(lambda _gpu: f"/sys/bus/pci/drivers/{VFIO_DRIVER}/bind", lambda gpu: gpu.vf(0)),
         lambda gpu: gpu.vf_driver(0) and gpu.must_write(f"/sys/bus/pci/drivers/{VFIO_DRIVER}/unbind", gpu.vf(0)),
         8, VFIO_MODULE),
    Call("current_vgpu_type", write(vf_file("current_vgpu_type"), Q8), lambda gpu: gpu.must_set_type(0, 0), 2),
    Call("vgpu_params", write(vf_file("vgpu_params"), "frame_rate_limiter=1"),
         lambda gpu: gpu.must_write(vf_file("vgpu_params")(gpu), " "), 2),
    Call("open", client("open"), nothing, 8, VFIO_MODULE),
    # a worker follows a reset
    Call("reset", client("reset"), nothing, 0, VFIO_MODULE),
    Call("close", client("close"), nothing, 4, VFIO_MODULE),
)
NO_MEMORY = re.compile(r"Cannot allocate memory|ENOMEM")
# others have other words for it
ELSE = {"bind": r"firmware \S+ cannot be loaded", "open": r"BAR \d: can't reserve"}


def once(gpu, call, n):
    """Returns whether n allocations were made, and what the caller was told."""
    log = KernelLog(gpu.vm)
    error, hit = call.make(gpu, n)
    if error and not hit:
        raise Wrong(f"{call.name}, with no fault: {error}")
    if error and not NO_MEMORY.search(error):
        said = log.said_by("nvkm-vgpu") + log.said_by(VFIO_DRIVER)
        if not re.search(ELSE.get(call.name, "(?!)"), "\n".join(said)):
            raise Wrong(f"{call.name}, allocation {n}: {error}; said: {said}")
    return hit, error


def last(gpu, call):
    """How many allocations the call makes, by halves."""
    low, high = 0, 1
    while once_and_back(gpu, call, high)[0]:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if once_and_back(gpu, call, middle)[0]:
            low = middle
        else:
            high = middle
    return low


def once_and_back(gpu, call, n):
    hit, error = once(gpu, call, n)
    call.undo(gpu)
    return hit, error


def sweep(gpu, call, number):
    """All, or so many by BENCH_SEED, of which some may be more than there are; prints what came of them."""
    arm(gpu.vm, call)
    if number:
        pick = random.Random(f"{os.environ['BENCH_SEED']} {call.name}")
        each = [1] + [int(2 ** pick.uniform(1, call.most)) for _ in range(number)]
    else:
        each = range(1, last(gpu, call) + 1)
    hits = told = 0
    for n in each:
        hit, error = once_and_back(gpu, call, n)
        hits += hit
        told += bool(error)
    expect(hits > 0 or not call.most, True, f"{call.name} allocates")
    # the next try works, and its result stays for the calls that follow
    error, _ = call.make(gpu, 1 << 30)
    expect(error, "", f"{call.name} afterwards")
    print(f"# {call.name} | {len(each)} tries | {hits} allocations failed | {told} calls told of it", flush=True)


def allocations_fail(vm, number=None):
    gpu = start(vm)
    vm.sh(f"modprobe {VFIO_DRIVER}")
    log = KernelLog(vm)
    for call in CALLS:
        sweep(gpu, call, number)
        if call.name == "sriov_numvfs":
            gpu.must_write(f"/sys/bus/pci/devices/{gpu.vf(0)}/driver_override", VFIO_DRIVER)
    in_use = gpu.in_use()
    expect(set(in_use) <= {"rm_clients", "rm_objects"}, True, f"in use in the model: {in_use}")
    expect([w for w in log.warnings() if "page allocation failure" in w], [], "said by the allocator")
    gpu.must_set_type(0, 0)
    gpu.set_numvfs(0)
    gpu.unload()


@host_test(kernels=("debug",), full=True)
def test_every_allocation_fails_once(vm):
    allocations_fail(vm)


# In check-full only, as the kernel warns of some of them in traces of its own: at a firmware file that
# finds no memory, and once as a VF was bound. These have to be told apart first.
@host_test(kernels=("debug",), full=True)
def test_some_allocations_fail(vm):
    allocations_fail(vm, 3)
