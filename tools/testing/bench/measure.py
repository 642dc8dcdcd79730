#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
What the drivers cost, beside others that do the same on the same machine.

    measure.py [TABLE...]

Tables: load, flash, life, grow, slow, vfio, scrub, memory. Counts are the model's and are the same each
time; of what the host VM's CPUs did only ratios within one run mean something. Instructions are
those of a VM whose clock counts them. ROMS=FOLDER has real flash images for "flash".
"""

import argparse
import contextlib
import os
import pathlib
import sys
import tempfile
import time

import nouveau
from gpu import Gpu
from hostvm import HostVM

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "vbios"))
import shapes  # pylint: disable=wrong-import-position,import-error

Q1, Q8 = 871, 876       # L40-1Q, L40-8Q
SLOW_MS = 5000
BENCH = "/bench/selftests/nvidia-vgpu/vfio-bench"
CALLS = 2000


def cpu_seconds(vm):
    fields = pathlib.Path(f"/proc/{vm.proc.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Cost:
    """What happened in a with block."""

    def __init__(self, gpu):
        self.gpu = gpu
        self.counts = {}

    def now(self):
        stats = self.gpu.model("stats")
        pf = stats["functions"][0]
        return {
            "BAR0 reads": pf["bar0"]["reads"],
            "BAR0 writes": pf["bar0"]["writes"],
            "BAR1 reads": pf["bar1"]["reads"],
            "BAR1 writes": pf["bar1"]["writes"],
            "DMA read, KB": pf["dma_read_bytes"] / 1000,
            "DMA written, KB": pf["dma_write_bytes"] / 1000,
            "messages": sum(stats["rpcs"].values()),
            "of which controls": sum(stats["controls"].values()),
            "interrupts": pf["interrupts"],
            "launches": stats["engine"]["launches"],
            "filled, MiB": stats["engine"]["bytes_filled"] / (1 << 20),
            "CPU of the VM, s": cpu_seconds(self.gpu.vm),
        }

    def __enter__(self):
        self.before = self.now()
        self.begin = time.monotonic()
        return self

    def __exit__(self, *exc):
        took = time.monotonic() - self.begin
        self.counts = {name: value - self.before[name] for name, value in self.now().items()}
        self.counts["wall time, s"] = took


def show(value):
    return f"{value:.1f}" if isinstance(value, float) and not value.is_integer() else f"{value:.0f}"


def print_table(title, columns, ratio=None):
    """columns: {name: {row: number}}; ratio: (one, other) columns, the first in parts of the second."""
    rows = list(dict.fromkeys(row for column in columns.values() for row in column))
    names = list(columns) + ([f"{ratio[0]} / {ratio[1]}"] if ratio else [])
    print(f"\n{title}\n{'':24}" + "".join(f"{name:>18}" for name in names))
    for row in rows:
        cells = [show(column[row]) if row in column else "-" for column in columns.values()]
        if ratio:
            one, other = (columns[name].get(row, 0) for name in ratio)
            cells.append(f"{one / other:.2f}" if other else "-")
        print(f"{row:24}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def module_memory(vm, names):
    lines = vm.sh("cat /proc/modules").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.split()[0] in names) / 1000


def one_load(gpu, load, unload, modules):
    """Counts of a load, and of an unload."""
    with Cost(gpu) as loaded:
        load()
    loaded.counts["modules, KB"] = module_memory(gpu.vm, modules())
    with Cost(gpu) as unloaded:
        unload()
    return loaded.counts, unloaded.counts


def modules_with(vm, name):
    """A module and what was loaded for it alone."""
    return lambda: {name.replace("-", "_")} | {
        line.split()[0] for line in vm.sh("cat /proc/modules").splitlines() if name in line.split()[3].split(",")
    }


def both_loads(gpu):
    vm = gpu.vm
    ours = one_load(
        gpu, lambda: vm.sh("modprobe nvkm-vgpu", timeout=300),
        lambda: vm.sh("modprobe -r nvkm-vgpu", timeout=300), modules_with(vm, "nvkm_vgpu"),
    )
    theirs = one_load(
        gpu, lambda: nouveau.load(vm, "570.144"), lambda: nouveau.unload(vm), modules_with(vm, "nouveau"),
    )
    return ours, theirs


def load_table():
    """One load and unload on an L40, and nouveau's with the same firmware."""
    with HostVM(nouveau=True) as vm:
        ours, theirs = both_loads(Gpu(vm))
    for title, n in ("load", 0), ("unload", 1):
        print_table(title, {"ours": ours[n], "nouveau": theirs[n]}, ("ours", "nouveau"))


def flash_table():
    """Loads with other flash images: what is read of the ROM is by far the most."""
    roms = os.environ.get("ROMS")
    with tempfile.TemporaryDirectory() as folder, HostVM(nouveau=True) as vm:
        if roms:
            images = sorted(path.resolve() for path in pathlib.Path(roms).iterdir() if path.is_file())
        else:
            images = [pathlib.Path(folder) / "desktop.rom"]
            images[0].write_bytes(shapes.shapes()["desktop"][0])
        gpu = Gpu(vm)
        vm.sh("modprobe nvkm-vgpu; modprobe -r nvkm-vgpu", timeout=300)
        for image in images:
            gpu.set_model("vbios", str(image))
            gpu.set_model("prom-ifr", True)
            gpu.must_write(gpu.path("reset"), 1)
            ours, theirs = both_loads(gpu)
            title = f"load, flash {image.name} of {image.stat().st_size / 1000:.0f} KB"
            print_table(title, {"ours": ours[0], "nouveau": theirs[0]}, ("ours", "nouveau"))


CLIENT = "/bench/selftests/nvidia-vgpu/vfio-client"
SLEEP = "sleep 3601"


def await_held(vm, count, line):
    """Until so many clients have said this line."""
    vm.sh(
        f"until [ $(cat /tmp/held/* 2>/dev/null | grep -c '^{line}') = {count} ]; do"
        " ! grep -q '^FAIL' /tmp/held/* || exit 1; sleep 0.2; done", timeout=600,
    )


@contextlib.contextmanager
def held(gpu, count, wait_for=""):
    """So many VFs are open, or will be once a file is there."""
    vm = gpu.vm
    vm.sh("mkdir -p /tmp/held")
    held_by = vm.spawn(
        f"for n in $(seq 0 {count - 1}); do vf=$(basename $(readlink {gpu.path()}virtfn$n));"
        f" {SLEEP} | {CLIENT} {wait_for and '-w ' + wait_for} $vf hold >/tmp/held/$n 2>&1 & done; wait"
    )
    if not wait_for:
        await_held(vm, count, "ok hold")
    yield
    vm.sh(f"pkill -xf '{SLEEP}'; :")
    held_by.wait(300)
    vm.sh("rm -rf /tmp/held")


def open_together(gpu, count):
    """Seconds from the first open to the last one's end, by the VM's clock."""
    vm = gpu.vm
    with held(gpu, count, "/tmp/go"):
        vm.sh(f"until [ $(pgrep -cx vfio-client) = {count} ]; do sleep 0.2; done; sleep 1; touch /tmp/go")
        await_held(vm, count, "ok hold")
        times = vm.sh("stat -c %.9Y /tmp/go /tmp/held/*").split()
        vm.sh("rm /tmp/go")
    return max(map(float, times[1:])) - float(times[0])


def life_of(gpu, n):
    """What one more vGPU costs, which opens and closes, n are open already."""
    gpu.must_set_type(n, Q1)
    gpu.must_client(n)
    with Cost(gpu) as cost:
        gpu.must_client(n)
        # what it leaves is cleared after it
        time.sleep(2)
    return cost.counts


def life_table():
    """The life of one vGPU, beside none and beside 31 others; and as work grows."""
    with HostVM(mem="6G") as vm:
        gpu = Gpu(vm)
        gpu.set_up([Q1] * 32)
        columns = {}
        for others in 0, 31:
            with held(gpu, others) if others else contextlib.nullcontext():
                columns[f"beside {others}"] = life_of(gpu, others)
        print_table("the life of a vGPU (open, set-up, close), of type L40-1Q", columns, ("beside 31", "beside 0"))
        with Cost(gpu) as cost:
            with held(gpu, 32):
                pass
        print_table("32 lives side by side", {"all": cost.counts})
    columns = instructions_of(["lives", 5], ("1Q", Q1), ("8Q", Q8))
    print_table("a life, instructions of the host", columns, ("8Q", "vfio-pci"))


EVENTS = 50


def event_of(gpu):
    """Tasks' instructions for an event of GSP-RM's, one about use of engines."""
    vm = gpu.vm
    vm.sh("mkfifo /tmp/lines")
    client = vm.spawn(f"{BENCH} {gpu.vf(0)} tasks 3 <>/tmp/lines")
    for events in 0, 0, EVENTS:
        for _ in range(events):
            gpu.set_model("inject-event", "use:1:1:1:1:0:1")
        # the machine is at rest, and the line costs the same each time
        vm.sh("sleep 1; echo >/tmp/lines; sleep 1")
    idle, busy = (float(line.split()[1]) for line in client.wait(120).splitlines())
    vm.sh("rm /tmp/lines")
    return (busy - idle) / EVENTS


def growing_of(gpu, n):
    """Instructions for what is done to VF n, which is closed and has no type."""
    costs = numbers_of(gpu, n, "files", Q1)
    gpu.must_set_type(n, Q1)
    gpu.must_client(n)
    costs |= numbers_of(gpu, n, "lives", 3)
    gpu.must_set_type(n, 0)
    return costs


def grow_table():
    """Instructions as there are more vGPUs, and more GPUs."""
    columns = {}
    with HostVM(mem="6G", smp=1, icount=0) as vm:
        gpu = Gpu(vm)
        gpu.set_up([0] * 32)
        for others in 0, 1, 3, 7, 15, 31:
            for n in range(others):
                gpu.must_set_type(n, Q1)
            with held(gpu, others) if others else contextlib.nullcontext():
                columns[f"{others + 1}"] = growing_of(gpu, others)
                if others:
                    columns[f"{others + 1}"]["event"] = event_of(gpu)
    print_table("instructions, the last of so many vGPUs", columns, ("32", "1"))
    columns = {}
    for count in 1, 2, 4:
        with HostVM(mem="6G", smp=1, icount=0, gpu=["nvidia-ada,board=l40"] * count) as vm:
            gpus = [Gpu(vm, n) for n in range(count)]
            gpus[0].load()
            for gpu in gpus[1:]:
                gpu.set_up([Q8], load=False)
            gpus[0].set_up([0], load=False)
            columns[f"{count}"] = growing_of(gpus[0], 0)
            gpus[0].must_set_type(0, Q1)
            with held(gpus[0], 1):
                columns[f"{count}"]["event"] = event_of(gpus[0])
    print_table("instructions, one of so many GPUs", columns, ("4", "1"))


def slow_table():
    """Plugin tasks that take five seconds; the CPU runs a thousand million instructions in one."""
    with HostVM(mem="6G", smp=1, icount=0) as vm:
        gpu = Gpu(vm)
        gpu.set_up([Q1] * 32)
        gpu.must_client(0)
        gpu.set_model("plugin-delay-ms", SLOW_MS)
        took = {f"{count}": {"until open, s": open_together(gpu, count)} for count in (1, 32)}
        print_table(f"plugin tasks that take {SLOW_MS} ms", took, ("32", "1"))


def numbers_of(gpu, n, *args):
    out = gpu.vm.sh(f"{BENCH} {gpu.vf(n)} {' '.join(map(str, args))}", timeout=600)
    return {name: float(value) for name, value in (line.split() for line in out.splitlines())}


def instructions_of(args, *types):
    """Columns of vfio-bench with our driver, for each type, and with vfio-pci."""
    columns = {}
    with HostVM(icount=0, smp=1) as vm:
        gpu = Gpu(vm)
        for name, type_id in types:
            gpu.set_up([type_id])
            gpu.must_client(0)
            columns[name] = numbers_of(gpu, 0, *args)
            gpu.put_away()
        gpu.set_up([0])
        gpu.must_write(gpu.vf_path(0, "driver/unbind"), gpu.vf(0))
        vm.sh("modprobe vfio-pci")
        gpu.bind(0, "vfio-pci")
        columns["vfio-pci"] = numbers_of(gpu, 0, *args)
    return columns


def vfio_table():
    """Calls to a VF of our driver and of vfio-pci, in instructions."""
    columns = instructions_of([CALLS], ("ours", Q8))
    print_table("a call to a VF, instructions", columns, ("ours", "vfio-pci"))


def scrub_table():
    """Clearing what a vGPU leaves."""
    columns = {}
    with HostVM() as vm:
        gpu = Gpu(vm)
        for name, type_id in ("1Q", Q1), ("8Q", Q8):
            gpu.set_up([type_id])
            gpu.must_client(0)
            gpu.in_use()
            with Cost(gpu) as cost:
                gpu.must_client(0)
                gpu.in_use()
            gib = cost.counts["filled, MiB"] / 1024
            cost.counts["launches for a GiB"] = cost.counts["launches"] / gib
            columns[name] = cost.counts
            gpu.put_away()
    print_table("a life and the clearing of what it leaves", columns)


MEMORY = (
    "echo 3 >/proc/sys/vm/drop_caches; sleep 1; awk '/^(Slab|VmallocUsed|Percpu|MemFree)/ {print $1, $2}'"
    " /proc/meminfo"
)


def memory_of(vm):
    lines = vm.sh(MEMORY).splitlines()
    now = {name.rstrip(":"): int(value) for name, value in map(str.split, lines)}
    now["all"] = -now.pop("MemFree")
    return now


def memory_table():
    """What a GPU, VFs, types and open vGPUs take of the host's memory, in KB."""
    columns = {}
    with HostVM(mem="6G") as vm:
        gpu = Gpu(vm)
        gpu.load()
        gpu.unload()
        before = memory_of(vm)

        def step(name):
            nonlocal before
            now = memory_of(vm)
            columns[name] = {row: now[row] - before[row] for row in now}
            before = now

        gpu.load()
        step("a GPU")
        gpu.set_up([Q1] * 32, load=False)
        step("32 VFs, typed")
        with held(gpu, 32):
            step("32 open")
    print_table("memory of the host, KB", columns)


TABLES = {
    "load": load_table, "flash": flash_table, "life": life_table, "grow": grow_table, "slow": slow_table,
    "vfio": vfio_table, "scrub": scrub_table, "memory": memory_table,
}


def main():
    parser = argparse.ArgumentParser(description="What the drivers cost.")
    parser.add_argument("table", nargs="*", help=", ".join(TABLES))
    args = parser.parse_args()
    wrong = set(args.table) - set(TABLES)
    if wrong:
        parser.error(f"no table {', '.join(sorted(wrong))}; there are {', '.join(TABLES)}")
    for name in args.table or TABLES:
        TABLES[name]()


if __name__ == "__main__":
    main()
