# SPDX-License-Identifier: GPL-2.0-only
"""
The other firmware: GSP-RM 535.113.01. The image that is found decides; beside what is only about
that, tests of other files run again with it.
"""

import functools
import re

import firmware
import host_1_life
import host_2_bad_input
import host_3_faults
import host_5_api
import host_5_fwctl
import host_5_monitor
import host_5_vms_stopped
import host_6_pci_errors
import host_6_sleep
import host_7_mixed
import host_7_scrub
import host_8_life
import host_9_command
import host_9_hostile
import host_9_memory
import host_9_messages
import host_9_tools
from bench_test import expect, host_test, tests_of
from gpu import CLIENT, Gpu, KernelLog
from probe import refused, start, works

Q8, Q1 = 876, 871
NO_MODE = f"GSP-RM {firmware.OLD} has no heterogeneous_mode"


def debugfs(gpu, file):
    return gpu.read(f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/{file}")


def taken(gpu):
    """Versions as the driver tells them: of GSP-RM, twice, and of the scrubber."""
    return [gpu.read(gpu.path("vgpu/gsp_version")),
            *re.fullmatch(r"gsp-rm (\S+)\nscrubber (\S+)", debugfs(gpu, "firmware")).groups()]


def refusals_since(gpu, before):
    """Names of what the model has refused since then, and how often so far."""
    now = gpu.model("refusals")
    return sorted(name for name, times in now.items() if times != before.get(name)), now


@host_test()
def test_image_that_is_found(vm):
    """570.144 first; without its image 535.113.01 as a whole, with the one scrubber that there is."""
    gpu = Gpu(vm)
    log = KernelLog(vm)
    before = gpu.model("refusals")
    with firmware.of_535(vm):
        gpu.load()
        expect(taken(gpu), [firmware.OLD, firmware.OLD, firmware.VERSION], "firmware")
        events = dict(line.split() for line in debugfs(gpu, "events").splitlines())
        expect((events["init_done"], events["user_shared_data"], events["unknown"]), ("1", "2", "0"), "events")
        expect(debugfs(gpu, "types").splitlines()[0], "table built-in", "vGPU types")
        gpu.unload()
    expect(log.warnings(), [], "warnings")
    expect(refusals_since(gpu, before)[0], [], "refused by the model")
    gpu.load()
    expect(taken(gpu), [firmware.VERSION] * 3, "firmware")
    gpu.unload()


@host_test()
def test_files_of_535_missing(vm):
    gpu = start(vm)
    with firmware.of_535(vm):
        for part in host_2_bad_input.some(vm, ("booter_load", "bootloader", "booter_unload")):
            with firmware.without(vm, part, firmware.OLD):
                refused(gpu, "ENOENT", re.escape(f"{firmware.FOLDER}/{part}-{firmware.OLD}.bin"))
        with firmware.without(vm, "gsp", firmware.OLD):
            # the first choice is what is missed
            refused(gpu, "ENOENT", re.escape(f"{firmware.FOLDER}/{firmware.name_of('gsp')}"))
        works(gpu)


@host_test(full=True, fresh=True)
def test_no_scrubber_at_all(vm):
    """It is missed once after power on, and not before it is."""
    gpu = start(vm)
    with firmware.of_535(vm), firmware.without(vm, "scrubber"):
        refused(gpu, "EIO", "framebuffer is not scrubbed, and there is no scrubber file")
    with firmware.of_535(vm):
        works(gpu)
        gpu = start(vm)
        with firmware.without(vm, "scrubber"):
            works(gpu)


@host_test()
def test_images_mixed_up(vm):
    """A file of one release under the name of the other: nothing runs, and the model says why."""
    gpu = start(vm)
    vm.expected_log += [r"refused (wpr-heap-size|gsp-image-release)"]
    before = gpu.model("refusals")
    with firmware.instead(vm, "gsp", firmware.real(vm, "gsp"), firmware.OLD), firmware.of_535(vm):
        refused(gpu, "EINVAL", rf"gsp-{re.escape(firmware.OLD)}\.bin says that it is version 570\.144")
    # 549 MiB are too little for the newer booter; 581 MiB are enough for the older one
    with firmware.instead(vm, "booter_load", firmware.real(vm, "booter_load"), firmware.OLD), firmware.of_535(vm):
        refused(gpu, "EIO", "booter_load on sec2")
    told, before = refusals_since(gpu, before)
    expect(told, ["wpr-heap-size"], "refused by the model")
    with firmware.instead(vm, "booter_load", firmware.real(vm, "booter_load", firmware.OLD)):
        refused(gpu, "EIO", "booter_load on sec2")
    expect(refusals_since(gpu, before)[0], ["gsp-image-release"], "refused by the model")
    works(gpu)


@host_test()
def test_what_535_has_not(vm):
    """No control for several sizes, no log of a task's kernel."""
    gpu = Gpu(vm)
    with firmware.of_535(vm):
        gpu.load()
        log = KernelLog(vm)
        mode = gpu.path("vgpu/heterogeneous_mode")
        expect(gpu.write(mode, 0), "", "what it is already")
        expect(gpu.write(mode, 1), "EOPNOTSUPP", "mode of several sizes")
        expect(gpu.read(mode), "0", "mode")
        expect([line for line in log.said_by("nvkm-vgpu") if NO_MODE not in line], [], "other lines")
        gpu.set_up([Q8, Q8], load=False)
        expect(Q1 in gpu.creatable(1), False, "another size beside it")
        client = vm.spawn(f"{CLIENT} {gpu.vf(0)} boot rpc sleep:4000")
        logs = f"/sys/kernel/debug/nvkm-vgpu-{gpu.pf}/vgpu1"
        vm.sh(f"for i in $(seq 200); do [ -d {logs} ] && exit; sleep 0.1; done; exit 1")
        expect(vm.sh(f"ls {logs}").split(), ["init_log", "task_log"], "logs of a plugin task")
        expect(client.wait(60).rc, 0, "its user")
        gpu.put_away()


def again(function, full):
    """The test with the other firmware, on the same kernels."""
    want = function.host_test

    @functools.wraps(function)
    def test(vm):
        with firmware.of_535(vm):
            function(vm)

    test.__name__ = f"{function.__name__}_535"
    same = {name: value for name, value in want.items() if name != "machine"}
    return host_test(**{**same, "full": full or want["full"], "both": False}, **want["machine"])(test)


AGAIN = (
    host_1_life.test_two_vgpus,
    host_3_faults.test_gsp_crashes_in_use,
    host_3_faults.test_plugin_crashes_in_use,
    host_6_sleep.test_reset_with_no_vgpu_open,
)
# files that are about vGPUs, and tests of others that are
FILES_IN_FULL = (
    host_1_life,
    host_3_faults,
    host_5_api,
    host_5_fwctl,
    host_5_monitor,
    host_5_vms_stopped,
    host_6_pci_errors,
    host_6_sleep,
    host_7_scrub,
    host_8_life,
    host_9_command,
    host_9_hostile,
    host_9_memory,
    host_9_tools,
)
AGAIN_IN_FULL = (
    host_2_bad_input.test_bootload_refused,
    host_2_bad_input.test_framebuffer_exhausted,
    host_7_mixed.test_lists_are_told,
    host_9_messages.test_some_messages_fail,
)
# those that take many minutes have shorter ones beside them, and there is one size only
NOT_AGAIN = (
    *AGAIN,
    host_9_command.test_mixed_sizes,
    host_8_life.test_five_hundred_times,
    host_9_hostile.test_user_million,
    host_9_hostile.test_guest_million,
)


def others():
    yield from AGAIN_IN_FULL
    for file in FILES_IN_FULL:
        yield from (test for test in tests_of(file) if test not in NOT_AGAIN)


for _test in AGAIN:
    globals()[f"{_test.__name__}_535"] = again(_test, full=False)
for _test in others():
    globals()[f"{_test.__name__}_535"] = again(_test, full=True)
del _test
