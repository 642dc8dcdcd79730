# SPDX-License-Identifier: GPL-2.0-only
"""vGPUs of several sizes on one GPU, by sysfs as an operator does it and as the model sees them."""

import re
import time

from bench_test import expect, host_test
from faults import others, ours, within
from gpu import CLIENT, Gpu, KernelLog

Q1, Q2, Q8, Q12, Q24, Q48, B1 = 871, 872, 876, 878, 879, 880, 869
MODE = "vgpu/heterogeneous_mode"
CONTROL = "0x2080400e"  # NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_SET_VGPU_HETEROGENEOUS_MODE
NOT_NOW = "heterogeneous_mode is changed only while no VF has a vGPU type"
GIB = 1 << 30


def placement(gpu, n):
    """(id, framebuffer, heap, channels) of a VF's vGPU, as debugfs has them."""
    show = gpu.read(f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/reservations")
    found = re.search(
        rf"^gfid {n + 1} .* placement (\d+) fb (\w+)\+(\w+) heap (\w+)\+(\w+) chid (\d+)\+(\d+)", show, re.M
    )
    numbers = [int(word, 0) for word in found.groups()]
    return numbers[0], *(tuple(numbers[i : i + 2]) for i in (1, 3, 5))


def apart(ranges, what):
    """None of these (start, size) overlap."""
    ranges = sorted(ranges)
    for (start, size), (after, _) in zip(ranges, ranges[1:]):
        expect(start + size <= after, True, f"{what} {start:#x}+{size:#x} ends before {after:#x}")


def controls(gpu):
    return gpu.model("stats")["controls"].get(CONTROL, 0)


def unloaded(gpu):
    """UNLOADING_GUEST_DRIVER"""
    return gpu.model("stats")["rpcs"].get("47", 0)


@host_test(full=("debug",))
def test_sizes_side_by_side(vm):
    """Each has its place by the product's table, all are open at once, and none is in another's way."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_model("count-anew", True)
    gpu.load()
    mode = gpu.path(MODE)
    expect(gpu.read(mode), "0", "mode at first")
    for bad in ("2x", "maybe"):
        expect(gpu.write(mode, bad), "EINVAL", f"mode {bad!r}")
    gpu.must_write(mode, 1)
    expect((gpu.read(mode), controls(gpu)), ("1", 1), "mode, and how often GSP-RM was told")
    types = [Q24, Q8, Q1, B1, Q2]
    gpu.set_up(types, load=False)
    expect([placement(gpu, n)[0] for n in range(len(types))], [0, 24, 35, 36, 40], "placement ids")
    expect(gpu.write(mode, 0), "EBUSY", "mode while VFs have types")
    expect(ours(log), [NOT_NOW], "what is said of it")
    log.mark()

    places = [placement(gpu, n) for n in range(len(types))]
    apart([place[i] for place in places for i in (1, 2)], "framebuffer")
    apart([place[3] for place in places], "channels")
    out = vm.sh(
        f"for n in {' '.join(str(n) for n in range(len(types)))}; do"
        f" {CLIENT} $(basename $(readlink {gpu.path()}virtfn$n)) boot fb-zero:0 fb-write:0:$n rpc"
        " sleep:4000 rpc reset fb-zero:0 >/tmp/mixed.$n 2>&1 & done; wait; grep -H ^FAIL /tmp/mixed.*; rm /tmp/mixed.*",
        timeout=300, check=False,
    )
    expect(str(out), "", "clients that failed")
    gpu.put_away(unload=False)
    expect(gpu.read(mode), "1", "mode without VFs")
    gpu.must_write(mode, 0)
    expect((gpu.read(mode), controls(gpu)), ("0", 2), "mode, and how often GSP-RM was told")
    gpu.set_up([Q8], load=False)
    expect(gpu.creatable(0), {}, "creatable types of a VF that has one")
    gpu.put_away()
    expect(others(log) + ours(log), [], "warnings")


@host_test(full=("debug",), sampled=True)
def test_places_are_chosen(vm):
    """By vgpu-placement-id; refused where there is none, and nothing moves then."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.load()
    gpu.must_write(gpu.path(MODE), 1)
    gpu.set_up([Q8, Q8, 0], load=False)
    params = [gpu.vf_path(n, "nvidia/vgpu_params") for n in (0, 1)]
    gpu.must_write(params[0], "vgpu-placement-id=40")
    expect((placement(gpu, 0)[0], placement(gpu, 1)[0]), (40, 16), "placement ids")
    expect(gpu.write(params[1], "vgpu-placement-id=40"), "ENOSPC", "a place that is taken")
    expect(gpu.write(params[1], "vgpu-placement-id=8"), "EINVAL", "no place")
    expect(ours(log), ["VF 1: placement id 40 is taken for NVIDIA L40-8Q",
                       "VF 1: placement id 8 is not one of NVIDIA L40-8Q"], "what is said of it")
    log.mark()
    expect(placement(gpu, 1)[0], 16, "placement id that stays")

    # 12Q at 0 alone, as 12, 24 and 36 are taken in part; 24Q and 48Q nowhere
    names = [name.rpartition("-")[2] for name in gpu.creatable(2).values()]
    expect([size for size in ("1Q", "12Q", "16Q", "24Q", "48Q") if size in names], ["1Q", "12Q", "16Q"],
           "what can still be created")
    gpu.must_set_type(2, Q12)
    expect(placement(gpu, 2)[0], 0, "placement id of a 12Q")
    for n in (0, 1):
        gpu.must_client(n, "boot", "fb-zero:0", "fb-write:0:3", "rpc")

    # GSP-RM is loaded anew, and told again
    before = controls(gpu)
    gpu.must_write(gpu.path("reset"), 1, timeout=180)
    expect(controls(gpu), before + 1, "how often GSP-RM was told")
    expect((placement(gpu, 0)[0], gpu.read(gpu.path(MODE))), (40, "1"), "place and mode")
    gpu.must_client(0, "boot", "fb-zero:0", "rpc")
    gpu.put_away()
    gpu.load()
    expect(gpu.read(gpu.path(MODE)), "0", "mode of a driver that is loaded anew")
    gpu.unload()
    expect(others(log) + ours(log), [], "warnings")


@host_test(sampled=True)
def test_mode_while_gpu_is_reset(vm):
    """GSP-RM is not taken off while somebody waits for its answer; that one is given up first."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.load()
    told, unloads = controls(gpu), unloaded(gpu)
    gpu.set_model("fault-message", f"drop:76:{CONTROL}")
    mode = vm.spawn(f"echo 1 >{gpu.path(MODE)}")
    begin = time.monotonic()
    while controls(gpu) == told:
        within(30, "GSP-RM is told", begin)
        time.sleep(0.1)
    reset = vm.spawn(f"echo 1 >{gpu.path('reset')}")
    seen = unloads
    while mode.poll() is None:
        expect(seen, unloads, "how often GSP-RM was unloaded while it was waited for")
        seen = unloaded(gpu)
        time.sleep(0.1)
    expect("I/O error" in mode.poll(), True, f"what is said to who writes the mode: {mode.poll()}")
    reset.wait(180)
    expect((unloaded(gpu), gpu.read(gpu.path(MODE))), (unloads + 1, "0"), "how often then, and the mode")
    gpu.must_write(gpu.path(MODE), 1)
    gpu.set_up([Q24, Q8], load=False)
    gpu.must_client(1, "boot", "rpc")
    gpu.put_away()
    expect((others(log), len(ours(log))), ([], 1), f"warnings, and who gave up: {ours(log)}")


@host_test(full=("debug",))
def test_lists_are_told(vm):
    """
    Each VF whose list changes has an event, and no other; what reads the list then finds it
    changed. With L40-24Q the second one fills the GPU.
    """
    gpu = Gpu(vm)
    gpu.load()
    gpu.set_numvfs(3)
    vfs = [gpu.vf(n) for n in range(3)]
    vm.sh(
        "rm -f /run/told; (setsid stdbuf -oL udevadm monitor --kernel --subsystem-match=pci |"
        " while read -r _ what where _; do [ \"$what\" = change ] &&"
        " echo ${where##*/} $(tail -n +2 /sys$where/nvidia/creatable_vgpu_types | wc -l) >>/run/told;"
        " done) >/dev/null 2>&1 </dev/null & sleep 1"
    )

    def told(begin, want):
        """(VF, types that it could have) of each event since, in any order"""
        for _ in range(100):
            lines = str(vm.sh("cat /run/told 2>/dev/null", check=False)).splitlines()[begin:]
            if len(lines) >= len(want):
                break
            time.sleep(0.1)
        time.sleep(0.5)
        lines = str(vm.sh("cat /run/told 2>/dev/null", check=False)).splitlines()[begin:]
        events = [line.split() for line in lines]
        expect(sorted((vf, int(types)) for vf, types in events), sorted(want), "events")
        return begin + len(want)

    every = len(gpu.creatable(0))
    gpu.must_set_type(0, Q24)
    same = len(gpu.creatable(1))
    expect(0 < same < every, True, f"{same} of {every} types beside a 24Q")
    seen = told(0, [(vfs[0], 0), (vfs[1], same), (vfs[2], same)])
    gpu.must_set_type(0, Q24)
    seen = told(seen, [])
    gpu.must_set_type(1, Q24)
    seen = told(seen, [(vfs[1], 0), (vfs[2], 0)])
    gpu.must_set_type(0, 0)
    seen = told(seen, [(vfs[0], same), (vfs[2], same)])
    gpu.must_set_type(1, 0)
    told(seen, [(vf, every) for vf in vfs])
    vm.sh("pkill udevadm")
    gpu.put_away()
