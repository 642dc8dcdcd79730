# SPDX-License-Identifier: GPL-2.0-only
"""
Guests without a GPU: that the machine under it all can nest. With QEMU as it is without
qemu-ignne.patch the host VM dies of one start of two guests in twelve, or of none where
something else keeps this machine's cores busy. So twenty rounds find that four times of five;
three, as in every run, are for what is worse.
"""

import re

from bench_test import expect, host_test
from guest import Guest


def two_at_once(vm, rounds):
    for _ in range(rounds):
        with Guest(vm) as first, Guest(vm) as second:
            for guest in (first, second):
                log = guest.wait_end(180)
                said = re.findall("^NVGPU-GUEST: (up|FAIL no-device|off)", log, re.M)
                expect(said, ["up", "FAIL no-device", "off"], f"said by {guest.name}:\n{guest.end()}")


@host_test(kernels=("stock",), gpu=None, alone=True, sampled=True)
def test_two_at_once(vm):
    two_at_once(vm, 3)


@host_test(kernels=("stock",), gpu=None, alone=True, full=True)
def test_two_at_once_twenty_times(vm):
    two_at_once(vm, 20)
