#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Whose a data race is that KCSAN reports. TAP on standard output.

    kcsan_test.py [NAME]      only tests with that in their name
"""

import sys

from kcsan import reports

RULE = "=" * 66
WORKER = " worker_thread+0x29e/0x4a0\n kthread+0x1f6/0x2b0\n ret_from_fork+0x2a5/0x300"


def report(title, *accesses):
    """As the kernel prints it: a stack for each access."""
    text = [RULE, f"BUG: KCSAN: {title}", ""]
    for what, frames in accesses:
        text += [f"{what} to 0xffff888105ac4000 of 4 bytes by task 113 on cpu 1:", *frames.split("\n"), ""]
    text += ["value changed: 0x00000000 -> 0x00000001", "", "Reported by Kernel Concurrency Sanitizer on:",
             "CPU: 1 UID: 0 PID: 114 Comm: races Not tainted 7.3.4-bench-kcsan #1 PREEMPTLAZY", RULE]
    return text


def plain():
    return report(
        "data-race in nvgpu_vf_move [nvkm_vgpu] / nvgpu_vf_show [nvkm_vgpu]",
        ("write", f" nvgpu_vf_move+0x32/0x160 [nvkm_vgpu]\n{WORKER}"),
        ("read", " nvgpu_vf_show+0x32/0x160 [nvkm_vgpu]\n seq_read+0x6f/0x90\n vfs_read+0x1a/0x3e0"),
    ), True


def one_side():
    """The other side is the kernel, which looks at what we write."""
    return report(
        "data-race in pci_read_config / set_vf",
        ("write", f" set_vf+0x32/0x160 [vfio_nvidia_vgpu]\n{WORKER}"),
        ("read", " pci_read_config+0x10/0x20\n vfs_read+0x1a/0x3e0"),
    ), True


def by_helper():
    return report(
        "data-race in memcpy / string",
        ("write", f" memcpy+0x0/0x10\n strscpy_pad+0x4/0x50\n status_get+0x30/0x60 [nvkm_vgpu]\n{WORKER}"),
        ("read", " string+0x1/0x20\n vsnprintf+0x10/0x500\n seq_printf+0x4/0x30\n"
         " status_show+0x4/0x30 [nvkm_vgpu]\n seq_read+0x6f/0x90"),
    ), True


def freed_meanwhile():
    return report(
        "data-race in kfree / vfs_read",
        ("write", f" kfree+0x0/0x10\n nvkm_vgpu_remove+0x4/0x50 [nvkm_vgpu]\n{WORKER}"),
        ("read", " vfs_read+0x6f/0x90"),
    ), True


def unknown_origin():
    return report(
        "data-race in rm_ping [nvkm_vgpu]",
        ("race at unknown origin, with read", f" rm_ping+0x30/0x60 [nvkm_vgpu]\n{WORKER}"),
    ), True


def reordered():
    return report(
        "data-race in mgr_set / mgr_get",
        ("write (reordered)", f" mgr_set+0x30/0x60 [nvkm_vgpu]\n |\n +-> reordered to: mgr_end+0x4/0x40\n{WORKER}"),
        ("read", " mgr_get+0x32/0x160 [nvkm_vgpu]"),
    ), True


def sleep_of_the_kernel():
    """We only sleep."""
    return report(
        "data-race in hrtimer_wakeup / schedule_hrtimeout_range_clock",
        ("write", " hrtimer_wakeup+0x32/0x70\n __hrtimer_run_queues+0x1a4/0x3a0\n"
         " asm_sysvec_apic_timer_interrupt+0x1a/0x20\n rpc_wait+0x32/0x90 [nvkm_vgpu]"),
        ("read", " schedule_hrtimeout_range_clock+0x10/0x200\n usleep_range_state+0xaa/0xe0\n"
         f" rpc_wait+0x32/0x90 [nvkm_vgpu]\n{WORKER}"),
    ), False


def files_of_the_kernel():
    """We only ask for a file."""
    return report(
        "data-race in generic_permission / kernfs_refresh_inode",
        ("read", " generic_permission+0x1/0x20\n link_path_walk+0x5a3/0xa70\n request_firmware+0x4/0x30\n"
         " nvgpu_typefile_load+0x4/0x30 [nvkm_vgpu]"),
        ("write", " kernfs_refresh_inode+0x32/0x160\n path_lookupat+0x50/0x4e0"),
    ), False


def interrupted():
    """A clock's interrupt comes while our function runs."""
    return report(
        "data-race in tick_nohz_handler / tick_nohz_idle_got_tick",
        ("write", " memset+0x32/0x70\n asm_sysvec_apic_timer_interrupt+0x1a/0x20\n"
         " rpc_wait+0x32/0x90 [nvkm_vgpu]"),
        ("read", " tick_nohz_idle_got_tick+0x4/0x20\n do_idle+0x32/0x90"),
    ), False


def without_end():
    return report(
        "data-race in hrtimer_wakeup / hrtimer_active", ("write", " hrtimer_wakeup+0x32/0x70"),
    )[:-1], True


def without_stack():
    return report("data-race in hrtimer_wakeup / hrtimer_active"), True


def other_frames():
    """Of a kernel that prints functions in another way."""
    return report(
        "data-race in hrtimer_wakeup / hrtimer_active",
        ("write", " hrtimer_wakeup+0x32/0x70"), ("read", " [<0>] hrtimer_active"),
    ), True


TESTS = (plain, one_side, by_helper, freed_meanwhile, unknown_origin, reordered, sleep_of_the_kernel,
         files_of_the_kernel, interrupted, without_end, without_stack,
         other_frames)


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [test for test in TESTS if name in f"kcsan: {test.__name__}"]
    print(f"TAP version 13\n1..{len(chosen)}")
    for n, test in enumerate(chosen, 1):
        lines, ours = test()
        title = lines[1].removeprefix("BUG: KCSAN: ")
        got = reports(["before", *lines, "after"])
        print(f"{'ok' if got == [(title, ours)] else 'not ok'} {n} - kcsan: {test.__name__}")
        if got != [(title, ours)]:
            print(f"#   got:  {got}\n#   want: {[(title, ours)]}")


main()
