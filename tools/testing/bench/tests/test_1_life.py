# SPDX-License-Identifier: GPL-2.0-only
"""What works: drivers, VFs, types, vGPUs by VFIO and in a guest."""

import re

from bench_test import expect, host_test
from gpu import CLIENT, Gpu, KernelLog, VgpuGuest, find_in_vram, pattern

Q8, A8, Q2, Q1 = 876, 886, 872, 871
GUEST = "boot regions clamp whole tlb irq:70 irq:5 rpc"


def idle(gpu):
    """Nothing is in use in the model."""
    now = gpu.model("accounting")["now"]
    expect({what: n for what, n in now.items() if n}, {}, "in use in the model")


@host_test()
def test_load_and_unload(vm):
    gpu = Gpu(vm)
    for _ in range(3):
        log = KernelLog(vm)
        gpu.load()
        expect(gpu.driver(), "nvkm-vgpu", "driver")
        expect(gpu.numvfs(), 0, "VFs")
        gpu.unload()
        expect(log.warnings(), [], "warnings")
        expect(log.said_by("nvkm-vgpu"), [], "a driver that works is silent")
        idle(gpu)
    expect(gpu.model("refusals"), {}, "refused by the model")


@host_test()
def test_unbind_and_bind(vm):
    gpu = Gpu(vm)
    gpu.load()
    for _ in range(2):
        gpu.set_up([Q8, 0], load=False)
        gpu.must_write("/sys/bus/pci/drivers/nvkm-vgpu/unbind", gpu.pf)
        expect(vm.sh(f"ls {gpu.path()} | grep virtfn || :"), "", "VFs without a PF driver")
        expect(gpu.driver(), "", "driver")
        idle(gpu)
        gpu.must_write("/sys/bus/pci/drivers/nvkm-vgpu/bind", gpu.pf)
    gpu.unload()


@host_test()
def test_selftests(vm):
    """The tests that an operator can run, as one would run them."""
    gpu = Gpu(vm)
    gpu.load()
    idle_before = gpu.model("accounting")["now"]
    out = vm.sh(
        f"for t in /bench/selftests/nvidia-vgpu/test-*.sh; do $t {gpu.pf} >/tmp/out 2>&1; rc=$?;"
        " sed -e '/^TAP version/d' -e '/^1\\.\\./d' -e 's/^\\(not \\)*ok [0-9]* - /&'${t##*/}': /'"
        " /tmp/out; [ $rc = 0 ] || echo \"# ${t##*/} exit code $rc\"; [ $rc = 0 ] || bad=1; done;"
        " exit ${bad:-0}",
        timeout=900,
        check=False,
    )
    expect(gpu.model("accounting")["now"], idle_before, "in use after the tests")
    gpu.unload()
    return renumbered(out)


def renumbered(out):
    """Several TAP outputs as one, with its plan."""
    text, count = re.subn(r"^(not ok|ok) \d+ - ", r"\1 - ", out, flags=re.M)
    result = type(out)(f"{text}\n1..{count}")
    result.rc = out.rc
    return result


@host_test()
def test_two_vgpus(vm):
    """What is written through one VF is in its own segments and nowhere else."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.load()
    before = gpu.model("accounting")["now"]
    gpu.set_up([Q8, A8])
    offsets = (0x7000, 0x8009000)
    seeds = (0xABCD_0000_0000_0001, 0xDCBA_0000_0000_0002)
    holders = []
    for n, seed in enumerate(seeds):
        writes = " ".join(f"fb-write:{o:#x}:{seed + i:#x}" for i, o in enumerate(offsets))
        # Standard input that stays open holds the device.
        holders.append(vm.spawn(f"sleep 600 | {CLIENT} {gpu.vf(n)} {writes} {GUEST} hold"))
    wait_for_vgpus(vm, gpu, holders, 2)
    vgpus = {v["gfid"]: v for v in gpu.model("vgpus")}
    for gfid, seed in enumerate(seeds, 1):
        for i, offset in enumerate(offsets):
            _, spa, length = vgpus[gfid]["segments"][0]
            expect(length > offset, True, "one segment list entry is enough")
            found, _ = find_in_vram(vm.vram, pattern(seed + i, words=8))
            expect(found, [spa + offset], f"GFID {gfid}: {offset:#x} in VRAM")
    expect(gpu.model("accounting")["now"]["gfids"], 2, "GFIDs in use")
    vm.sh("pkill -x sleep; :")
    for holder in holders:
        expect(re.findall("^FAIL.*", holder.wait(60, check=False), re.M), [], "client")
    gpu.put_away(unload=False)
    expect(gpu.model("accounting")["now"], before, "in use after it")
    gpu.unload()
    expect(log.warnings(), [], "warnings")


def wait_for_vgpus(vm, gpu, holders, count, timeout=300):
    """Until so many clients hold their device, their checks passed."""
    script = (
        f"for i in $(seq {timeout * 5}); do "
        f"[ $(ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c 'anon_inode:.*vfio-device') -ge {count} ]"
        " && exit; sleep 0.2; done; exit 1"
    )
    vm.sh(script, timeout=timeout + 60)
    for _ in range(timeout):
        running = [v for v in gpu.model("vgpus") if v["guest"]["rpcs"]]
        for holder in holders:
            if (out := holder.poll()) is not None:
                raise AssertionError(f"a client ended early:\n{out}")
        if len(running) >= count:
            break
        vm.sh("sleep 1")
    expect(len(running), count, "guests that did their RPC")


@host_test(kernels=("debug",))
def test_iommufd(vm):
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    gpu.must_client(0, "ids:0x26b5:0x1774", GUEST, "reset", "rpc", iommufd=True)
    gpu.must_client(0, "ids:0x26b5:0x1774", GUEST, iommufd=False)
    gpu.put_away()


@host_test()
def test_thirty_two_vgpus(vm):
    """All at once; opened and closed side by side."""
    gpu = Gpu(vm)
    gpu.load()
    before = gpu.model("accounting")["now"]
    gpu.set_up([Q1] * 32, load=False)
    out = vm.sh(
        f"for n in $(seq 0 31); do vf=$(basename $(readlink {gpu.path()}virtfn$n));"
        f" {CLIENT} $vf boot irq:70 rpc sleep:3000 rpc >/tmp/client.$n 2>&1 || echo VF $n: $? &"
        " done; wait; grep -h FAIL /tmp/client.*; rm -f /tmp/client.*",
        timeout=600,
    )
    expect(str(out), "", "clients that failed")
    peak = gpu.model("accounting")["peak"]
    expect(peak["gfids"], 32, "GFIDs at the peak")
    gpu.put_away(unload=False)
    expect(gpu.model("accounting")["now"], before, "in use after it")
    gpu.unload()


@host_test()
def test_guest_is_not_disturbed(vm):
    """What an operator tries meanwhile is refused; the guest does not notice."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, 0])
    with VgpuGuest(vm, gpu.vf(0), offsets=[0x1000, 0x8001000], seed=99, stay=True) as guest:
        guest.wait_done(timeout=600)
        for value in (0, A8, Q2, 4, "x"):
            expect(gpu.set_type(0, value), "EBUSY", f"type {value} while open")
        expect(gpu.type(0), Q8, "type")
        expect(gpu.write(gpu.path("sriov_numvfs"), 0), "EBUSY", "no VFs while one is open")
        expect(gpu.numvfs(), 2, "VFs")
        expect(gpu.set_type(1, Q2), "EINVAL", "another size for the sibling")
        gpu.must_set_type(1, A8)
        guest.wait_alive(2, timeout=300)
        guest.off(timeout=300)
    gpu.put_away()


@host_test(kernels=("stock",))
def test_guest_killed(vm):
    """QEMU dies; the next one gets a clean vGPU at once."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    for _ in range(2):
        with VgpuGuest(vm, gpu.vf(0), offsets=[0x1000], seed=7, stay=True) as guest:
            guest.wait_done()
        expect(gpu.model("accounting")["now"]["gfids"], 0, "GFIDs after QEMU was killed")
    gpu.must_client(0, GUEST)
    gpu.put_away()


@host_test()
def test_unbind_waits_for_the_user(vm):
    """Only unbind, which cannot refuse, waits for a VF to be closed."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8])
    client = vm.spawn(f"{CLIENT} {gpu.vf(0)} boot sleep:6000 boot rpc")
    wait_for_open(vm, 1)
    gpu.must_write("/sys/bus/pci/drivers/nvkm-vgpu/unbind", gpu.pf, timeout=120)
    expect(client.wait(60, check=False).rc, 0, "the client was not disturbed")
    idle(gpu)
    gpu.unload()
    expect(log.warnings(), [], "warnings")


def wait_for_open(vm, count):
    vm.sh(
        "for i in $(seq 100); do "
        f"[ $(ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c vfio-device) -ge {count} ] && exit;"
        " sleep 0.1; done; exit 1"
    )
