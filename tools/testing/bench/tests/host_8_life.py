# SPDX-License-Identifier: GPL-2.0-only
"""
VFs that come and go while somebody uses them: plugged into a VM that runs, over and over, with
their driver, under load; and those of two GPUs in one VM.
"""

import os
import re
import time

from bench_test import expect, host_test
from faults import held, let_go, others, ours, sit_and_be_told, state, told, wait_state
from gpu import BIND, CLIENT, UNBIND, VFIO_DRIVER, Gpu, KernelLog, VgpuGuest, find_in_vram, pattern
from guest import start_libvirt
from probe import BOARDS, kept, objects, start

Q8 = 876
GPU_RESET = "GSP-RM died: the GPU is being reset with a vGPU open; close it and reset once more"
VF_UNBIND = f"/sys/bus/pci/drivers/{VFIO_DRIVER}/unbind"


def unbind(gpu, n):
    """No driver, and none wanted."""
    gpu.must_write(VF_UNBIND, gpu.vf(n))
    gpu.must_write(gpu.vf_path(n, "driver_override"), "")


# To start a guest takes most of a minute with debugging.
@host_test(full=("debug",), sampled=True)
def test_plugged_and_unplugged(vm):
    """Into a VM that runs, by QEMU's monitor: one VF, out again, then another."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8, Q8])
    idle = gpu.in_use()
    with VgpuGuest(vm, ports=1, offsets=[0x1000], seed=8) as guest:
        guest.wait_for("^NVGPU-GUEST: alive 1$", 240)
        expect((state(gpu, 0)[1], state(gpu, 1)[1]), ("typed", "typed"), "before one is plugged")
        guest.plug(gpu.vf(0))
        guest.wait_done()
        guest.look()
        expect((state(gpu, 0)[1], state(gpu, 1)[1]), ("running", "typed"), "with the first")
        guest.unplug(gpu.vf(0))
        wait_state(gpu, 0, "typed")
        gpu.must_client(0, "boot", "fb-zero:0x1000", "rpc")
        guest.plug(gpu.vf(1))
        guest.wait_done(times=2)
        guest.look()
        expect((state(gpu, 0)[1], state(gpu, 1)[1]), ("typed", "running"), "with the second")
        guest.off()
    wait_state(gpu, 1, "typed")
    expect(gpu.in_use(), idle, "in use in the model")
    expect(log.warnings(), [], "warnings")
    gpu.put_away()


# What libvirt asks of QEMU before it starts the first VM takes most of a minute.
@host_test(kernels=("stock",), full=True)
def test_plugged_by_libvirt(vm):
    """Managed, of no driver and of another before, which libvirt gives it back to; and not managed."""
    gpu = Gpu(vm)
    start_libvirt(vm, wait=False)
    log = KernelLog(vm)
    gpu.set_up([Q8, Q8])
    idle = gpu.in_use()
    vm.sh("modprobe pci-stub || modprobe pci-pf-stub; :")
    unbind(gpu, 0)
    with VgpuGuest(vm, ports=1, offsets=[0x1000], seed=8, by="libvirt") as guest:
        guest.wait_for("^NVGPU-GUEST: alive 1$", 240)
        for times, (n, managed, before) in enumerate(
            ((0, True, ""), (1, False, VFIO_DRIVER), (0, True, "pci-stub")), 1
        ):
            if before != gpu.vf_driver(n):
                gpu.bind(n, before)
            guest.managed = managed
            guest.plug(gpu.vf(n))
            guest.wait_done(times=times)
            guest.look()
            expect((gpu.vf_driver(n), state(gpu, n)[1]), (VFIO_DRIVER, "running"), "plugged")
            guest.unplug(gpu.vf(n))
            wait_state(gpu, n, "typed")
            after = "" if managed else VFIO_DRIVER
            expect((gpu.vf_driver(n), gpu.type(n)), (after, Q8), f"after {before or 'no driver'}")
        guest.off()
    expect(gpu.in_use(), idle, "in use in the model")
    expect(log.warnings(), [], "warnings")
    gpu.put_away()


@host_test(sampled=True)
def test_driver_of_a_vf_goes(vm):
    """
    Modules in use stay. Unbind waits for the user, who is not disturbed; then all is as before. So does
    unbind of the GPU.
    """
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    vf = gpu.vf(0)
    log = KernelLog(vm)
    client = held(vm, gpu, 0, "rpc")
    for module, said in (
        (VFIO_DRIVER.replace("-", "_"), "is in use"),
        ("nvkm_vgpu", f"is in use by: {VFIO_DRIVER.replace('-', '_')}"),
    ):
        out = vm.sh(f"rmmod {module}", check=False)
        expect((out.rc, said in out), (1, True), f"rmmod {module}: {out}")
    unbind = vm.spawn(f"echo {vf} >{VF_UNBIND}")
    time.sleep(2)
    expect(unbind.poll(), None, "unbind while the VF is open")
    expect(state(gpu)[1], "running", "the vGPU")
    let_go(vm, client)
    unbind.wait(30)
    expect((gpu.vf_driver(0), state(gpu)[1], gpu.type(0)), ("", "typed", Q8), "what is left")
    for _ in range(3):
        gpu.bind(0)
        gpu.must_client(0, "boot", "rpc")
        gpu.must_write(VF_UNBIND, vf)
    expect(gpu.type(0), Q8, "type")

    gpu.bind(0)
    client = held(vm, gpu, 0, "rpc")
    unbind_pf = vm.spawn(f"echo {gpu.pf} >{UNBIND}")
    time.sleep(2)
    expect((unbind_pf.poll(), state(gpu)[1]), (None, "running"), "unbind of the GPU while the VF is open")
    let_go(vm, client)
    unbind_pf.wait(60)
    gpu.must_write(BIND, gpu.pf, timeout=180)
    # VFIO says that it waits; a client with a request eventfd would be told instead
    waits = "No device request channel registered, blocked until released by user"
    expect([line for line in told(log) if waits not in line] + ours(log), [], "said of it")
    gpu.put_away()
    expect(gpu.in_use(), {}, "in use in the model")


def link(gpu):
    """The root port that the GPU is behind: its file that resets all that is."""
    port = os.path.basename(gpu.vm.sh(f"dirname $(readlink -f {gpu.path()})"))
    return f"/sys/bus/pci/devices/{port}/reset_subordinate"


# Only where ports do hot-plug of their own QEMU has them say that their link is up, and who resets
# what is behind a port waits for that.
@host_test(extra=("-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"))
def test_bus_is_reset(vm):
    """A user of VFs may not. The operator may: as a reset of the GPU, with what that costs."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    log = KernelLog(vm)
    gpu.must_client(0, "boot", "hot-reset-fails", "config-faults", "rpc")
    # nothing is open: as it was, with firmware that is loaded anew
    gpu.must_write(link(gpu), 1, timeout=180)
    expect((state(gpu, 0), gpu.numvfs(), gpu.type(1)), (("up", "typed"), 2, Q8), "after a reset")
    gpu.must_client(1, "boot", "fb-zero:0x1000", "rpc")
    expect(ours(log) + told(log) + others(log), [], "said of it")

    client = sit_and_be_told(vm, gpu)
    gpu.must_write(link(gpu), 1, timeout=180)
    out = client.wait(60, check=False)
    expect("ok err" in out, True, f"the client: {out}")
    expect((state(gpu)[0], ours(log)[0]), ("dead", GPU_RESET), "with one open")
    expect(others(log), [], "warnings")
    log.mark()
    gpu.must_write(link(gpu), 1, timeout=180)
    expect((state(gpu)[0], gpu.numvfs()), ("up", 2), "after one more")
    expect((ours(log), others(log)), ([], []), "said")
    gpu.must_set_type(0, Q8)
    gpu.must_client(0, "boot", "rpc")
    gpu.put_away()


@host_test(full=("debug",), sampled=True, **BOARDS)
def test_vgpus_of_two_gpus(vm):
    """In one VM. What it writes through either is in that one's framebuffer, and nowhere else."""
    log = KernelLog(vm)
    gpus = [start(vm, n) for n in (0, 1)]
    vm.sh(f"modprobe {VFIO_DRIVER}")
    # the first one comes with somebody else's WPR2, which probe refuses
    gpus[0].must_write(gpus[0].path("reset"), 1)
    for gpu in gpus:
        gpu.must_write(BIND, gpu.pf, timeout=180)
        gpu.set_up([0, Q8], load=False)
    idle = [gpu.in_use() for gpu in gpus]
    seed = int.from_bytes(os.urandom(6), "little")
    vfs = [gpu.vf(1) for gpu in gpus]
    with VgpuGuest(vm, vfs, offsets=[0x7000], seed=seed, stay=True) as guest:
        guest.wait_done(600, times=2)
        for gpu, vram in zip(gpus, (vm.vram, vm.vram.with_name("vram1"))):
            expect(state(gpu, 1), ("up", "running"), f"states of {gpu.pf}")
            (vgpu,) = gpu.model("vgpus")
            expect(vgpu["gfid"], 2, "GFID")
            found, _ = find_in_vram(vram, pattern(seed, words=8))
            expect(found, [vgpu["segments"][0][1] + 0x7000], f"{gpu.pf}: pattern in VRAM")
        guest.off()
    expect([gpu.in_use() for gpu in gpus], idle, "in use in the model")
    for gpu in gpus:
        gpu.put_away(unload=False)
    gpus[0].unload()
    expect(log.warnings(), [], "warnings")


CYCLES = """
for i in $(seq {cycles}); do
    for n in 0 1; do
        {client} $(basename $(readlink {pf}virtfn$n)) $([ $((i % 8)) = 0 ] && echo rpc reset) >/tmp/out.$n 2>&1 &
    done
    wait
    ! grep -H ^FAIL /tmp/out.* || exit 1
    [ $(cat /tmp/out.* | grep -c '^ok open') = 2 ] || exit 1
done
"""


def over_and_over(vm, cycles, warm=8):
    """Two VFs at once, each is opened and closed so often, and in between resets."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8, Q8])
    script = CYCLES.replace("{client}", CLIENT).replace("{pf}", gpu.path())
    vm.sh(script.replace("{cycles}", str(warm)), timeout=300)
    before, slabs = kept(vm, gpu), objects(vm)
    begin = time.monotonic()
    vm.sh(script.replace("{cycles}", str(cycles)), timeout=120 + 30 * cycles)
    took = time.monotonic() - begin
    now = objects(vm)
    expect(kept(vm, gpu), before, "kept")
    # one of any kind for each open would show; other things of the kernel come and go
    grown = {name: now[name] - slabs.get(name, 0) for name in now}
    most = sorted(grown.items(), key=lambda item: -item[1])[:3]
    print(
        f"# {cycles} times two vGPUs: {took:.0f} s; slab caches that grew most:"
        f" {', '.join(f'{name} {more}' for name, more in most)}", flush=True
    )
    if cycles >= MANY:
        expect([item for item in most if item[1] >= 2 * cycles], [], "caches that grow with each")
    gpu.put_away()
    expect((gpu.in_use(), log.warnings()), ({}, []), "in use in the model, warnings")


MANY = 250


@host_test(full=("debug",))
def test_over_and_over(vm):
    over_and_over(vm, 20, warm=4)


@host_test(kernels=("stock",), full=True)
def test_five_hundred_times(vm):
    over_and_over(vm, MANY)


# Each user opens its VF and uses it, or finds that it is gone, and begins again; beside that VFs
# come and go. Whoever wants to turn them off is refused while one is open.
USERS = """
rm -f /tmp/end /tmp/said.*
for n in 0 1 2; do
    (while [ ! -e /tmp/end ]; do
        vf=$(basename $(readlink {pf}virtfn$n)) && {client} $vf boot rpc
        sleep 0.$((n * 2 + 4))
    done) >/tmp/said.$n 2>/dev/null &
done
wait
"""
COME_AND_GO = """
trap 'touch /tmp/end' EXIT
bad() {{ echo "round $i: $1"; tail -n 3 /tmp/refused; exit 1; }}
off=0 refused=0
for i in $(seq {rounds}); do
    echo 3 >{pf}sriov_numvfs || bad "3 VFs"
    for d in {pf}virtfn*; do
        echo {type} >$d/nvidia/current_vgpu_type || bad "type of $d"
        echo {driver} >$d/driver_override
        echo $(basename $(readlink $d)) >/sys/bus/pci/drivers_probe || bad "driver of $d"
    done
    sleep 0.$((i % 5 + 3))
    for try in $(seq 300); do
        if echo 0 | LC_ALL=C tee {pf}sriov_numvfs >/dev/null; then break; fi
        refused=$((refused + 1))
        sleep 0.03
    done
    [ $(cat {pf}sriov_numvfs) = 0 ] || bad "VFs are still there"
    off=$((off + 1))
done 2>/tmp/refused
echo $off $refused $(sed 's/.*: //' /tmp/refused | sort -u)
"""


@host_test(full=("debug",))
def test_vfs_come_and_go_under_load(vm):
    """Turning VFs off never waits for a user and never harms one: it is refused, or done."""
    gpu = Gpu(vm)
    gpu.load()
    idle = gpu.in_use()
    log = KernelLog(vm)
    # so that opens are under way for a good while
    gpu.set_model("plugin-delay-ms", 300)
    words = {"pf": gpu.path(), "type": Q8, "driver": VFIO_DRIVER, "client": CLIENT}
    users = vm.spawn(USERS.format(**words))
    rounds = 6
    off, refused, *why = vm.sh(COME_AND_GO.format(rounds=rounds, **words), timeout=240).split(maxsplit=2)
    users.wait(60)
    gpu.set_model("plugin-delay-ms", 10)
    said = str(vm.sh("cat /tmp/said.*; rm /tmp/said.*"))
    opened = len(re.findall("^ok open", said, re.M))
    print(f"# VFs off {off} times, refused {refused} times; opened {opened} times", flush=True)
    expect((int(off), why), (rounds, ["Device or resource busy"]), "how it was refused")
    expect(opened > 4, True, f"opened {opened} times")
    # who finds its VF gone, or not ready yet, does not get to open it; who does is not disturbed
    failed = re.findall("^FAIL (.*)", said, re.M)
    expect([line for line in failed if not line.startswith("open ")], [], "users that were harmed")
    expect((gpu.numvfs(), gpu.in_use()), (0, idle), "VFs, in use in the model")
    expect([line for line in others(log) + ours(log) if "has another driver" not in line], [], "said")
    gpu.unload()
