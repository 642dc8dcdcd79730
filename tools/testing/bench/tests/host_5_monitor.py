# SPDX-License-Identifier: GPL-2.0-only
"""What an operator sees of vGPUs: files of VF and PF, events, logs, traces; and what looking costs."""

import contextlib
import errno
import re
import subprocess
import tempfile
import time
from xml.etree import ElementTree

import firmware
from bench_test import expect, host_test
from faults import ours
from gpu import CLIENT, Gpu, KernelLog
from hostvm import REPO

Q8, Q2 = 876, 872
MIB = 1 << 20
ENUMERATE = "0x20804004"  # NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_ENUMERATE_VGPU_PER_PGPU
SHARE = ("fb_start", "fb_size", "channel_start", "num_channels", "placement_id")
RUNNING = ("uptime", "channel_errors", "fb_used", "guest_driver_loaded")
TOLD = ("guest_driver_version", "guest_driver_branch", "guest_os", "license_state", "frame_rate_limit")
USE = ("util_memory", "util_graphics", "util_encoder", "util_decoder")
# What each release sends until it is up, and the logs of its plugin tasks in KiB
NOCAT_RECORDS = {firmware.VERSION: "2", firmware.OLD: None}
LOGS = {firmware.VERSION: {"init_log": 128, "kernel_log": 64, "task_log": 256},
        firmware.OLD: {"init_log": 128, "task_log": 256}}
TRACES = "/sys/kernel/tracing"
# Waits until a file's poll says that it has changed, as sysfs_notify has it
POLL = """
import select, sys
with open(sys.argv[1]) as f:
    f.read()
    poll = select.poll()
    poll.register(f, select.POLLPRI | select.POLLERR)
    print("waits", flush=True)
    print("told" if poll.poll(20000) else "not told", flush=True)
"""
# read(2), number 0, of a file to where there is no memory; says which error that was
TO_NOWHERE = "perl -e 'open F, q(<), shift; syscall(0, fileno F, 1, 16); print $!+0'"


def files(gpu, n, names):
    """{name: content, or "-" if there is none}"""
    command = f"cd {gpu.vf_path(n, 'vgpu')}; LC_ALL=C grep -H '' {' '.join(names)} 2>&1"
    lines = [line.removeprefix("grep: ").split(":", 1) for line in gpu.vm.sh(command, check=False).splitlines()]
    return {name: "-" if text == " No data available" else text for name, text in lines}


def nothing(names):
    return dict.fromkeys(names, "-")


@contextlib.contextmanager
def opened(gpu, n, last="boot"):
    """Somebody has VF n open, and has done this."""
    words = "boot" if last == "boot" else f"boot {last}"
    client = gpu.vm.spawn(f"exec stdbuf -oL {CLIENT} {gpu.vf(n)} {words} sleep:120000 >/tmp/opened.{n} 2>&1")
    gpu.vm.sh(f"for i in $(seq 300); do grep -q '^ok {last}' /tmp/opened.{n} && exit; sleep 0.1; done;"
              f" cat /tmp/opened.{n}; exit 1")
    yield
    gpu.vm.sh(f"pkill -f '[v]fio-client {gpu.vf(n)}'")
    client.wait(check=False)


def debugfs(gpu, file):
    return gpu.read(f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/{file}")


def drawn(text, *words):
    """What nvidia-vgpu map makes of a GPU's debugfs file: (exit status, output)."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        command = [REPO / "tools/nvidia-vgpu", "map", *words, file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, (done.stdout or done.stderr).replace(file.name, "FILE").strip()


def the_map_is_whole(gpu):
    """Each byte is somebody's or free, and once; a file that says otherwise is refused."""
    text = debugfs(gpu, "framebuffer")
    status, out = drawn(text)
    ranges = re.findall(r"^(0x\w+) +([\d.]+) MiB  .  (.*)$", out, re.M)
    total = int(re.match(r"0x0\+(0x\w+) framebuffer", text)[1], 16)
    expect((status, sum(float(size) for _, size, _ in ranges)), (0, total / MIB), f"sum of\n{out}")
    expect([what for *_, what in ranges if "vgpu" in what].count("vgpu 1 fb"), 1, f"vGPU 1 in\n{out}")
    status, out = drawn(text, "--svg")
    expect((status, len(ElementTree.fromstring(out).findall("{*}rect"))), (0, len(ranges)), "ranges of the picture")
    start, size = re.search(r"^(0x\w+)\+(0x\w+) vgpu 1 fb", text, re.M).groups()
    for wrong, why in (
        ("", "FILE: no line tells the size of the framebuffer"),
        (text + "\nnoise", f"FILE:{len(text.splitlines()) + 1}: 'noise' is no range of framebuffer"),
        (text + f"\n{start}+{size} vgpu 2 fb", f"FILE: vgpu 2 fb at {start}+{size} is not between"),
        (text + f"\n{total:#x}+0x1000 vgpu 2 fb", f"FILE: vgpu 2 fb at {total:#x}+0x1000 is not between"),
    ):
        status, out = drawn(wrong)
        expect((status, why in out), (1, True), f"{why}: {out}")


@host_test(full=("debug",))
def test_files_of_a_vgpu(vm):
    """Each tells what is so, and nothing where there is nothing to tell."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    gpu.set_up([Q8, 0])
    expect(gpu.read(gpu.path("vgpu/gsp_version")), firmware.release(vm), "version of GSP-RM")
    expect(gpu.read(gpu.path("vgpu/gsp_state")), "up", "state of GSP-RM")
    expect(files(gpu, 1, ("state", *SHARE, *RUNNING, *TOLD, *USE)),
           {"state": "free", **nothing((*SHARE, *RUNNING, *TOLD, *USE))}, "VF without a type")

    the_map_is_whole(gpu)
    share = files(gpu, 0, SHARE)
    place = re.search(r"^gfid 1 .* placement (\d+) fb (\w+)\+(\w+) heap \S+ chid (\d+)\+(\d+)",
                      debugfs(gpu, "reservations"), re.M)
    expect([share["placement_id"], share["fb_start"], hex(int(share["fb_size"])), share["channel_start"],
            share["num_channels"]], list(place.groups()), "share of the GPU")
    expect(files(gpu, 0, ("state", *RUNNING, *TOLD, *USE)), {"state": "typed", **nothing((*RUNNING, *TOLD, *USE))},
           "vGPU that is closed")

    with opened(gpu, 0):
        now = files(gpu, 0, ("state", *RUNNING, *TOLD))
        expect(int(now.pop("uptime")) < 60, True, "seconds since it was opened")
        expect(now, {"state": "running", "channel_errors": "0", "fb_used": "0", "guest_driver_loaded": "0",
                     **nothing(TOLD)}, "without a driver")
        time.sleep(2)
        expect(files(gpu, 0, USE), dict.fromkeys(USE, "0.00"), "use of engines")
        gpu.set_model("inject-event", "use:1:300:5:2500:0:10000")
        time.sleep(3)
        expect(files(gpu, 0, ("fb_used", *USE)),
               {"fb_used": str(300 * MIB), "util_memory": "0.05", "util_graphics": "25.00", "util_encoder": "0.00",
                "util_decoder": "100.00"}, "in use")
    with opened(gpu, 0, "rpc"):
        gpu.set_model("inject-event", "license:1:5")
        now = files(gpu, 0, ("guest_driver_loaded", *TOLD))
        expect(now, {"guest_driver_loaded": "1", "guest_driver_version": "570.144", "guest_driver_branch": "",
                     "guest_os": "Linux", "license_state": "licensed", "frame_rate_limit": "0"}, "a driver's")
        gpu.set_model("crash-plugin", 1)
        vm.sh(f"for i in $(seq 100); do grep -q failed {gpu.vf_path(0, 'vgpu/state')} && exit; sleep 0.1; done; exit 1")
        expect(files(gpu, 0, (*RUNNING, *TOLD)), nothing((*RUNNING, *TOLD)), "vGPU that has failed")
    expect(files(gpu, 0, ("state", *RUNNING)), {"state": "typed", **nothing(RUNNING)}, "closed again")
    gpu.put_away()
    expect(ours(log), ["vGPU 1: its plugin task crashed"], "what the driver says")


@host_test()
def test_events_of_a_vgpu(vm):
    """Who polls is told; known events are counted by name; the logs are there until it is closed."""
    gpu = Gpu(vm)
    gpu.set_up([Q8, Q8])
    logs = f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/vgpu1"
    before = dict(line.split() for line in debugfs(gpu, "events").splitlines())
    release = firmware.release(vm)
    kept = LOGS[release]
    expect((before["init_done"], before.get("nocat_record"), before["unknown"]), ("1", NOCAT_RECORDS[release], "0"),
           "events of the start")

    def told(file, act):
        poll = vm.spawn(f"timeout 30 python3 -c '{POLL}' {gpu.vf_path(0, f'vgpu/{file}')} >/tmp/poll")
        vm.sh("for i in $(seq 100); do grep -q waits /tmp/poll && exit; sleep 0.1; done; exit 1")
        act()
        poll.wait()
        expect(vm.sh("cat /tmp/poll").split("\n")[-1], "told", f"who polls {file}")

    with contextlib.ExitStack() as stack:
        told("state", lambda: stack.enter_context(opened(gpu, 0, "rpc")))
        expect(vm.sh(f"cd {logs}; stat -c %n * | sort; cat * | wc -c").split(),
               [*kept, str(sum(kept.values()) << 10)], "logs")
        expect(vm.sh(f"{TO_NOWHERE} {logs}/task_log"), str(errno.EFAULT), "a log that is read to nowhere")
        for state, name in (3, "unlicensed (restricted)"), (5, "licensed"):
            told("license_state", lambda state=state: gpu.set_model("inject-event", f"license:1:{state}"))
            expect(files(gpu, 0, ["license_state"]), {"license_state": name}, "licence at once")
        now = files(gpu, 0, (*SHARE, *RUNNING, *TOLD, *USE))
        expect([name for name, value in now.items() if value == "-"], [], "files with nothing to tell")
        told("state", lambda: gpu.set_model("crash-plugin", 1))
        expect(vm.sh(f"cat {logs}/* | wc -c"), str(sum(kept.values()) << 10), "logs after a crash")
    expect(vm.sh(f"ls {logs} 2>&1", check=False).rc != 0, True, "logs of what is closed are gone")
    after = dict(line.split() for line in debugfs(gpu, "events").splitlines())
    # booted, system known, driver loaded, licence twice, crashed; and ended for good
    expect(int(after["plugin_triggered"]), 7, "events of the plugin task")
    expect(after["unknown"], "0", "unknown events")
    gpu.put_away()


@host_test(full=("debug",))
def test_looking_costs_little(vm):
    """A loop of readers asks GSP-RM once a second, whatever it reads, of however many."""
    gpu = Gpu(vm)
    gpu.set_up([Q2] * 4)
    count = lambda: gpu.model("stats")["controls"].get(ENUMERATE, 0)
    before = count()
    files(gpu, 0, (*RUNNING, *TOLD))
    expect(count() - before, 0, "asked while nothing runs")
    with contextlib.ExitStack() as stack:
        for n in range(4):
            stack.enter_context(opened(gpu, n))
        before = count()
        out = vm.sh(f"cd {gpu.path()}; a=$(date +%s%N); for i in $(seq 50); do cat virtfn*/vgpu/fb_used; done | wc -l;"
                    " echo $(( ($(date +%s%N) - a) / 1000000 ))").split()
        expect(out[0], "200", "reads")
        asked = count() - before
        print(f"# 200 reads in {out[1]} ms: GSP-RM was asked {asked} times", flush=True)
        expect(0 < asked <= 2 + int(out[1]) // 1000, True, f"times asked: {asked}")
    gpu.put_away()


@host_test(full=("debug",))
def test_traces(vm):
    """Every call, event, plugin message and change of state can be followed by tracepoints."""
    gpu = Gpu(vm)
    gpu.set_up([Q8])
    vm.sh(f"cd {TRACES}; echo >trace; echo 1 >events/nvkm_vgpu/enable")
    gpu.must_client(0, "boot", "reset")
    vm.sh(f"echo 0 >{TRACES}/events/nvkm_vgpu/enable")
    text = vm.sh(f"cat {TRACES}/trace")
    seen = re.findall(r": nvgpu_(\w+): \S+ (.*)$", text, re.M)
    states = [rest.split()[1] for name, rest in seen if name == "vf_state"]
    # the client asks for a reset at open and another one
    expect(states[:2] + states[-2:], ["booting", "running", "stopping", "typed"], "states")
    expect("resetting" in states, True, f"states {states}")
    controls = [re.match(r"cmd=(\w+)", rest)[1] for name, rest in seen if name == "control"]
    expect([c for c in controls if c in ("0x20804001", "0x20804002", "0x20804008")],
           ["0x20804001", "0x20804002", "0x20804008"], "start and end of the plugin task")
    sent = [re.search(r"type=(\d+)", rest)[1] for name, rest in seen if name == "plugin_message"]
    answered = [re.search(r"type=(\d+) sequence=\d+ ret=0 result=0", rest) for name, rest in seen
                if name == "plugin_answer"]
    expect(sent[:3], ["1", "2", "13"], "messages to the plugin task")
    expect((len(answered), all(answered)), (len(sent), True), "answers")
    expect({"rpc_send", "rpc_reply", "rpc_event"} <= {name for name, _ in seen}, True, "calls and events")
    gpu.put_away()
