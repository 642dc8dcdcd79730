#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Unit tests of the model, without a guest: TAP on standard output.

    QEMU=.../qemu-system-x86_64 NVKM_VGPU_FIRMWARE=.../usr/lib/firmware run.py [NAME...]

Both variables are needed; what is missing is a failure. With names only the
cases run whose names contain one of them.
"""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent


def main():
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    harness = importlib.import_module("harness")
    client = importlib.import_module("gspclient")
    client.import_qemu()
    client.Firmware(client.R570)
    client.Firmware(client.R535)
    for path in sorted(HERE.glob("test_*.py")):
        importlib.import_module(path.stem)
    sys.exit(1 if harness.main(sys.argv[1:]) else 0)


if __name__ == "__main__":
    main()
