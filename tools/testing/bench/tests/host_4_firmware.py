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
import host_5_monitor
import host_5_vms_stopped
import host_6_sleep
import host_7_scrub
import host_8_life
import host_9_hostile
import host_9_memory
from bench_test import expect, host_test
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
    kernels = want["kernels"]
    return host_test(kernels=kernels, full=kernels if full else want["full"], fresh=want["fresh"],
                     sampled=want["sampled"], **want["machine"])(test)


AGAIN = (
    host_1_life.test_two_vgpus,
    host_3_faults.test_gsp_crashes_in_use,
    host_3_faults.test_plugin_crashes_in_use,
    host_6_sleep.test_reset_with_no_vgpu_open,
)
# what is about vGPUs, but for several sizes, a file of types, and what is told of them in the
# numbers of the one firmware (host_5_monitor.py)
AGAIN_IN_FULL = (
    host_1_life.test_load_and_unload,
    host_1_life.test_boot_sequence,
    host_1_life.test_replies_are_looked_for,
    host_1_life.test_unbind_and_bind,
    host_1_life.test_selftests,
    host_1_life.test_access_waits_for_reset,
    host_1_life.test_iommufd,
    host_1_life.test_thirty_two_vgpus,
    host_1_life.test_guest_is_not_disturbed,
    host_1_life.test_guest_killed,
    host_1_life.test_unbind_waits_for_the_user,
    host_2_bad_input.test_bootload_refused,
    host_3_faults.test_interrupt_lost,
    host_3_faults.test_gsp_locks_down,
    host_3_faults.test_gsp_hangs_in_use,
    host_3_faults.test_gsp_hangs_and_pf_is_unbound,
    host_3_faults.test_gsp_is_slow,
    host_3_faults.test_surprise_removal,
    host_3_faults.test_gpu_is_reset_in_use,
    host_3_faults.test_reset_of_a_vf_from_elsewhere,
    host_5_api.test_lives,
    host_5_api.test_errors,
    host_5_api.test_who_may_go,
    host_5_monitor.test_looking_costs_little,
    host_5_monitor.test_traces,
    host_5_vms_stopped.test_vm_is_stopped,
    host_6_sleep.test_sleeps_and_wakes,
    host_7_scrub.test_predecessor_is_not_seen,
    host_7_scrub.test_closing_does_not_wait,
    host_7_scrub.test_many_at_once,
    host_7_scrub.test_interrupts_get_lost,
    host_7_scrub.test_channel_error,
    host_7_scrub.test_engine_hangs,
    host_7_scrub.test_gsp_dies_half_way,
    host_7_scrub.test_no_engine,
    host_8_life.test_plugged_and_unplugged,
    host_8_life.test_plugged_by_libvirt,
    host_8_life.test_driver_of_a_vf_goes,
    host_8_life.test_over_and_over,
    host_8_life.test_vfs_come_and_go_under_load,
    host_9_hostile.test_watch_sees_one_byte,
    host_9_hostile.test_user,
    host_9_hostile.test_guest,
    host_9_memory.test_memory_comes_and_goes,
    host_9_memory.test_guest_gets_and_loses_memory,
    host_9_memory.test_dmabufs,
)

for _test in AGAIN:
    globals()[f"{_test.__name__}_535"] = again(_test, full=False)
for _test in AGAIN_IN_FULL:
    globals()[f"{_test.__name__}_535"] = again(_test, full=True)
del _test
