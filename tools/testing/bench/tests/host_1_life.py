# SPDX-License-Identifier: GPL-2.0-only
"""What works: drivers, VFs, types, vGPUs by VFIO and in a guest."""

import os
import re

from bench_test import expect, host_test
from faults import REFUSED_DMA, held, let_go, wait_running, wait_state
from gpu import BIND, CLIENT, UNBIND, Gpu, KernelLog, VgpuGuest, find_in_vram, pattern

Q8, A8, Q2, Q1 = 876, 886, 872, 871
PLUGIN_MS = 5000
GUEST = "boot regions bar:0:0x40000 bar:1:0x10000000 bar:3:0x2000000 clamp whole tlb irq:70 irq:5 rpc"


def idle(gpu):
    """Nothing is in use in the model."""
    expect(gpu.in_use(), {}, "in use in the model")


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
def test_boot_sequence(vm):
    """What GSP-RM may have the CPU do while it starts: all operations on registers, a reset."""
    gpu = Gpu(vm)
    for program in ("registers", "resume"):
        gpu.set_model("sequencer", program)
        log = KernelLog(vm)
        gpu.load()
        gpu.unload()
        expect(log.warnings(), [], "warnings")
        idle(gpu)
    gpu.set_model("sequencer", "empty")
    expect(gpu.model("refusals"), {}, "refused by the model")


def rpc_cost(gpu):
    """(calls, looks for their replies) so far"""
    text = gpu.read(f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/rpc")
    return [int(n) for n in re.fullmatch(r"calls (\d+) looks (\d+)", text).groups()]


@host_test()
def test_replies_are_looked_for(vm):
    """They do not interrupt. Looking is no busy loop: a reply that is late costs sleeps."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    gpu.set_model("fault-message", "delay=2000:76")
    calls, looks = rpc_cost(gpu)
    gpu.must_client(0, "boot", "rpc")
    more_calls, more_looks = [now - then for now, then in zip(rpc_cost(gpu), (calls, looks))]
    expect(gpu.model("fault-message"), "", "fault that is still to come")
    if not more_calls <= more_looks <= 40 * more_calls + 400:
        raise AssertionError(f"{more_calls} calls, {more_looks} looks")
    gpu.put_away()


@host_test(kernels=("stock",), gpu="nvidia-ada,board=l40,reply-interrupt=on", sampled=True)
def test_replies_that_interrupt(vm):
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


@host_test()
def test_unbind_and_bind(vm):
    gpu = Gpu(vm)
    gpu.load()
    for _ in range(2):
        gpu.set_up([Q8, 0], load=False)
        gpu.must_write(UNBIND, gpu.pf)
        expect(vm.sh(f"ls {gpu.path()} | grep virtfn || :"), "", "VFs without a PF driver")
        expect(gpu.driver(), "", "driver")
        idle(gpu)
        gpu.must_write(BIND, gpu.pf)
    gpu.unload()


@host_test()
def test_selftests(vm):
    """The tests that an operator can run, as one would run them."""
    # by vfio-fuzz
    vm.expected_log += REFUSED_DMA
    gpu = Gpu(vm)
    gpu.load()
    idle_before = gpu.in_use()
    out = vm.sh(
        f"for t in /bench/selftests/nvidia-vgpu/test-*.sh; do $t {gpu.pf} >/tmp/out 2>&1; rc=$?;"
        " sed -e '/^TAP version/d' -e '/^1\\.\\./d' -e 's/^\\(not \\)*ok [0-9]* - /&'${t##*/}': /'"
        " /tmp/out; [ $rc = 0 ] || echo \"# ${t##*/} exit code $rc\"; [ $rc = 0 ] || bad=1; done;"
        " exit ${bad:-0}",
        timeout=900,
        check=False,
    )
    expect(gpu.in_use(), idle_before, "in use after the tests")
    gpu.unload()
    return renumbered(out)


def renumbered(out):
    """Several TAP outputs as one, with its plan."""
    text, count = re.subn(r"^(not ok|ok) \d+ - ", r"\1 - ", out, flags=re.M)
    result = type(out)(f"{text}\n1..{count}")
    result.rc = out.rc
    return result


class Holders:
    """VFIO clients that run commands, hold their VF until the end of the block, and run more."""

    def __init__(self, gpu, count, commands, timeout=300, options=""):
        self.vm = gpu.vm
        self.count = count
        self.timeout = timeout
        # Standard input that stays open holds the device.
        self.process = self.vm.spawn(
            f"mkdir /tmp/held; for n in $(seq 0 {count - 1}); do"
            f" vf=$(basename $(readlink {gpu.path()}virtfn$n));"
            f" sleep 3601 | {CLIENT} {options} $vf {commands} rpc hold irq:70 rpc >/tmp/held/$n 2>&1 &"
            " done; wait"
        )

    def __enter__(self):
        self.vm.sh(
            f"for i in $(seq {self.timeout * 2}); do"
            f" [ $(cat /tmp/held/* | grep -c '^ok hold') = {self.count} ] && exit;"
            " grep -q '^FAIL' /tmp/held/* && break; sleep 0.5; done; grep -H . /tmp/held/*; exit 1",
            timeout=self.timeout + 60,
        )

    def __exit__(self, *exc):
        self.vm.sh("pkill -xf 'sleep 3601'; :")
        self.process.wait(self.timeout)
        failed = self.vm.sh("grep -H '^FAIL' /tmp/held/*; rm -r /tmp/held", check=False)
        expect(str(failed), "", "clients that failed")


@host_test(both=True)
def test_two_vgpus(vm):
    """What is written through one VF is in its own segments and nowhere else."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.load()
    before = gpu.in_use()
    gpu.set_up([Q8, A8], load=False)
    offsets = (0x7000, 0x8009000)
    seed = int.from_bytes(os.urandom(6), "little")
    writes = " ".join(f"fb-write:{o:#x}:$(({seed + i} + n * 16))" for i, o in enumerate(offsets))
    with Holders(gpu, 2, f"{writes} {GUEST}"):
        vgpus = {v["gfid"]: v for v in gpu.model("vgpus")}
        expect(sorted(vgpus), [1, 2], "GFIDs in use")
        for n, gfid in enumerate(sorted(vgpus)):
            for i, offset in enumerate(offsets):
                _, spa, length = vgpus[gfid]["segments"][0]
                expect(length > offset, True, "one entry of the segment list is enough")
                found, _ = find_in_vram(vm.vram, pattern(seed + i + n * 16, words=8))
                expect(found, [spa + offset], f"GFID {gfid}: {offset:#x} in VRAM")
    gpu.put_away(unload=False)
    expect(gpu.in_use(), before, "in use after it")
    gpu.unload()
    expect(log.warnings(), [], "warnings")


@host_test()
def test_access_waits_for_reset(vm):
    """Between a reset of the function and the end of its plugin task's own, nobody sees registers."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8])
    for mapped in (0, 1):
        client = held(vm, gpu, 0, f"reset-waits:1500:{mapped}", "rpc")
        gpu.set_model("fault-plugin", "delay=2000:1:1")
        let_go(vm, client)
    gpu.put_away()
    expect(log.warnings(), [], "warnings")


@host_test()
def test_reset_while_it_starts(vm):
    """By the host, when its plugin task is not up yet: the vGPU follows as soon as it is."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8])
    gpu.set_model("plugin-delay-ms", PLUGIN_MS)
    client = vm.spawn(f"{CLIENT} {gpu.vf(0)} boot rpc irq:70")
    wait_state(gpu, 0, "booting")
    gpu.must_write(gpu.vf_path(0, "reset"), 1)
    gpu.set_model("plugin-delay-ms", 10)
    out = client.wait(60, check=False)
    expect(out.rc, 0, f"the client: {out}")
    expect(log.warnings(), [], "warnings")
    gpu.put_away()


@host_test(kernels=("debug",))
def test_iommufd(vm):
    """And a group, where a kernel has both."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    gpu.must_client(0, "ids:0x26b5:0x1774", GUEST, "reset", "rpc", options="-i")
    gpu.must_client(0, "ids:0x26b5:0x1774", GUEST, options="-g")
    gpu.put_away()


@host_test(kernels=("stock",))
def test_thirty_two_vgpus(vm):
    """
    All at once; opened and closed side by side. VFIO maps all BARs of an open VF, and with KASAN
    the shadow of 32 BAR1s of 2 GiB takes 8 GiB.
    """
    gpu = Gpu(vm)
    gpu.load()
    show = f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/reservations"
    before = gpu.in_use()
    gpu.set_up([Q1] * 32, load=False)
    # plugin tasks take their time, side by side: none waits for another's
    gpu.set_model("plugin-delay-ms", PLUGIN_MS)
    booting = vm.spawn(
        "until [ $(ls /tmp/held 2>/dev/null | wc -l) = 32 ]; do sleep 0.5; done; sleep 5; most=0;"
        " begin=$(date +%s%N); touch /tmp/go; for i in $(seq 600); do"
        f" set -- $(grep -cE ' booting ' {show}) $(grep -cE ' running ' {show});"
        " [ $1 -gt $most ] && most=$1; [ $2 = 32 ] && break; sleep 0.1; done;"
        " echo $most $(($(date +%s%N) - begin)); rm /tmp/go"
    )
    with Holders(gpu, 32, "boot", timeout=600, options="-w /tmp/go"):
        most, took = map(int, booting.wait(120).split())
        print(f"# {most} of 32 vGPUs were booting at once, all ran after {took / 1e9:.1f} s", flush=True)
        expect(most >= 24, True, f"{most} of 32 vGPUs were booting at once")
        # one after the other would be 160 s
        expect(took < 32 * PLUGIN_MS * 1e6 / 4, True, f"all ran after {took / 1e9:.1f} s")
        gpu.set_model("plugin-delay-ms", 10)
        expect(gpu.model("accounting")["now"]["gfids"], 32, "GFIDs in use")
        gpu.set_model("crash-plugin", 32)
        wait_state(gpu, 31, "failed")
        expect(gpu.creatable(0), {}, "creatable when all is in use")
    gpu.put_away(unload=False)
    expect(gpu.in_use(), before, "in use after it")
    gpu.unload()


@host_test(sampled=True)
def test_guest_is_not_disturbed(vm):
    """What an operator tries meanwhile is refused; the guest does not notice."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, 0])
    with VgpuGuest(vm, gpu.vf(0), offsets=[0x1000, 0x8001000], seed=99, stay=True) as guest:
        guest.wait_done(timeout=600)
        for value in (0, A8, Q2, Q8, 4):
            expect(gpu.set_type(0, value), "EBUSY", f"type {value} while open")
        expect(gpu.set_type(0, "x"), "EINVAL", "no type")
        expect(gpu.type(0), Q8, "type")
        expect(gpu.write(gpu.path("sriov_numvfs"), 0), "EBUSY", "no VFs while one is open")
        expect(gpu.numvfs(), 2, "VFs")
        expect(gpu.set_type(1, Q2), "EINVAL", "another size for the sibling")
        gpu.must_set_type(1, A8)
        guest.wait_alive(2, timeout=300)
        guest.off(timeout=300)
    gpu.put_away()


@host_test(full=("debug",), sampled=True)
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
    vf = gpu.vf(0)
    client = vm.spawn(f"{CLIENT} {vf} boot sleep:6000 boot rpc")
    wait_running(gpu)
    gpu.must_write(UNBIND, gpu.pf, timeout=120)
    expect(client.wait(60, check=False).rc, 0, "the client was not disturbed")
    idle(gpu)
    gpu.unload()
    # VFIO says that it waits; a client with a request eventfd would be told instead.
    waits = f"{vf}: No device request channel registered, blocked until released by user"
    expect([w.partition(" ")[2] for w in log.warnings()], [waits], "warnings")
