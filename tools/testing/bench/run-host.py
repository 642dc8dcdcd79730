#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boot the host VM, run commands in it, print what they print."""

import argparse
import sys

from hostvm import KERNELS, BenchError, HostVM, say


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--kernel", default="stock", choices=KERNELS)
    p.add_argument("--gpu", action="append", help="-device string; 'none': no GPU")
    p.add_argument("--vram", default="48G", help="framebuffer file; 'none': no memdev")
    p.add_argument("--mem", default="4G")
    p.add_argument("--no-iommu", action="store_true")
    p.add_argument("--no-reserve", action="store_true")
    p.add_argument("--nouveau", action="store_true", help="do not keep nouveau away")
    p.add_argument("--udev", action="store_true")
    p.add_argument("--systemd", action="store_true")
    p.add_argument("--qemu", help="QEMU binary to use")
    p.add_argument("--append", default="", help="more kernel arguments")
    p.add_argument("--extra", action="append", default=[], help="more QEMU arguments")
    p.add_argument("--file", action="append", default=[], help="copied to /bench")
    p.add_argument("--no-build", action="store_true", help="boot what was built last")
    p.add_argument("--timeout", type=int, default=300, help="of each command")
    p.add_argument("--dmesg", action="store_true", help="print the kernel log after")
    p.add_argument("--model-log", action="store_true", help="print QEMU's log after")
    p.add_argument("--keep", action="store_true", help="keep the run folder")
    p.add_argument("command", nargs="*")
    return p.parse_args()


def main():
    args = parse()
    gpus = args.gpu or ["nvidia-ada,board=l40"]
    vm = HostVM(
        kernel=args.kernel,
        gpu=None if gpus == ["none"] else gpus,
        vram=None if args.vram == "none" else args.vram,
        mem=args.mem,
        iommu=not args.no_iommu,
        reserve=not args.no_reserve,
        nouveau=args.nouveau,
        udev=args.udev,
        systemd=args.systemd,
        qemu=args.qemu,
        append=args.append,
        extra=[word for words in args.extra for word in words.split()],
        files=args.file,
        build=not args.no_build,
        keep=args.keep,
    )
    rc = 0
    with vm:
        try:
            for command in args.command:
                out = vm.sh(command, timeout=args.timeout, check=False)
                print(out)
                if out.rc:
                    rc = out.rc
                    say(f"exit {rc}: {command}")
                    break
        finally:
            if args.dmesg and vm.proc.poll() is None:
                print("--- dmesg", vm.dmesg(), sep="\n")
            if args.model_log:
                print("--- QEMU", vm.model_log(), sep="\n")
            if args.keep:
                say(f"kept: {vm.run}")
    return rc


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BenchError, TimeoutError) as error:
        say(f"error: {error}")
        sys.exit(125)
