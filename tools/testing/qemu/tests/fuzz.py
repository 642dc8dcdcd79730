#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Runs the fuzzer of the model (ada-fuzz.c) for FUZZ_SECONDS, an hour by default:
TAP on standard output.

    QEMU_FUZZ=.../qemu-fuzz-x86_64 fuzz.py [FOLDER]

It starts from what a host does to vGPUs, made here, and from what earlier runs
left in FOLDER. An input that breaks the model stays there, too, and
"qemu-fuzz-x86_64 --fuzz-target=nvidia-ada INPUT" runs it again.
"""

import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time
import types

import test_chan as chan
from gspclient import Abi, fail, GIB, MIB, PAGE, R570
from test_mmu import COHERENT, pde, pte, Tables
from test_plugin import ADD, BUS_MASTER, CONFIGURE, NEGOTIATE, SIZE_128K, SYSMEM, TYPE, VALID
from test_rm import ALLOC, CL, DEV, DEVICE, FREE, ROOT, SUB, SUBDEVICE, SPACE, VASPACE
from test_vgpu import Vgpu

# Opcodes and places of ada-fuzz.c
READ, WRITE, MEMORY, FRAMEBUFFER, RPC, CONTROL, STEP = 0x00, 0x03, 0x60, 0x80, 0xa1, 0xc0, 0xe0
IN_BAR0, IN_VF, IN_BAR1, GUEST_PAGE, GUEST = 7, 8, 10, 8, 0x108000
BOOTLOAD, SHUTDOWN, CLEANUP, ADD_TYPE = range(4)
BOOTED, WITH_VFS, POWER_ON = 0, 2, 1
ABI = Abi(R570)

# ---- inputs ----------------------------------------------------------------------------------------------------------


def control(which, params):
    """Of GSP-RM's own objects, by its index in ada-fuzz.c."""
    given = params.rstrip(b"\0")
    return bytes((CONTROL, which)) + len(params).to_bytes(3, "little") + len(given).to_bytes(2, "little") + given


def rpc(function, payload):
    return struct.pack("<BHH", RPC, function, len(payload)) + payload


def write(reg, value, vf=None):
    place = IN_BAR0 if vf is None else IN_VF | vf << 4
    return struct.pack("<BB", WRITE, place) + reg.to_bytes(3, "little") + struct.pack("<I", value)


def memory(data, page=GUEST_PAGE):
    parts = ((at, data[at:at + 255]) for at in range(0, len(data), 255))
    return b"".join(struct.pack("<BBHB", MEMORY, page, at, len(part)) + part for at, part in parts)


def step(ms):
    return bytes((STEP | ms - 1,))


def heap(gfid, at, data):
    data = data.ljust(-(-len(data) // 4) * 4, b"\0")
    return struct.pack("<BBHB", FRAMEBUFFER, gfid, at, len(data) // 4) + data


def vgpu(gfid):
    """BOOTLOAD with the plugin heap where the fuzzer's operations find it, and time for its task to start."""
    place = Vgpu(types.SimpleNamespace(abi=ABI), gfid, segments=[(gfid * GIB, 512 * MIB)], heap=gfid * GIB + 512 * MIB)
    known = control(ADD_TYPE, ABI.pack(ADD, {"discardVgpuTypes": 1, "vgpuInfoCount": 1, "vgpuInfo[0].vgpuType": TYPE}))
    return known + control(BOOTLOAD, place.params()) + step(11)


def message(gfid, number, kind, payload=b""):
    """The host's end of the plugin task's channel."""
    region = ABI.pack("rfc_ctrl_region", {"version": 1, "message_type": kind, "message_seq_num": number,
                                          "response_buff_offset": 0x1000, "message_buff_offset": 0x2000})
    return heap(gfid, 0x2000, payload) + heap(gfid, 0, region) + write(0xb82200, gfid * 32 + 17) + step(1)


def running(gfid):
    config = ABI.pack("rfc_config_params", {"dbdf": 0x24 + gfid - 1, "vgpu_type": TYPE, "num_channels": 32,
                                            "num_plugin_channels": 3})
    return vgpu(gfid) + b"".join(message(gfid, n, kind, payload) for n, (kind, payload) in enumerate(
        ((NEGOTIATE, b""), (CONFIGURE, config), (BUS_MASTER, b"\1\1")), 1))


def guest(vf):
    """The guest's end: set-up of its buffers and one message."""
    ctrl = ABI.pack("VGPU_GSP_CTRL_BUF_V1", {
        "version": 2, "requestId": 1, "responseBuf.addr": GUEST + 0x1000 | SYSMEM | VALID,
        "msgBuf.addr": GUEST + 0x3000 | SYSMEM | SIZE_128K | VALID,
        "sharedMem.addr": GUEST + 0x2000 | SYSMEM | VALID, "eventBuf.addr": GUEST + 0x2000 | SYSMEM | VALID})
    call = struct.pack("<8I", 0x03000000, 0x43505256, 32 + 64, 1, 0xffffffff, 0xffffffff, 0, 0) + bytes(64)
    return memory(ctrl) + write(0x210c, 0, vf) + write(0x2108, GUEST | SYSMEM | VALID, vf) + \
        write(0x2200, 0, vf) + memory(call, GUEST_PAGE + 3) + memory(struct.pack("<II", 2, 2)) + write(0x2200, 1, vf)


def alloc(client, parent, handle, cls, params=b""):
    return rpc(ALLOC, struct.pack("<8I", client, parent, handle, cls, 0, len(params), 0, 0) + params)


def rm_control(client, target, command, params):
    return rpc(76, struct.pack("<6I", client, target, command, 0, len(params), 0) + params)


class Recorded:
    """Framebuffer as Tables writes it, in operations of the fuzzer."""

    BASE = 512 * MIB

    def __init__(self):
        self.ops = b""

    def write64(self, addr, *values):
        self.ops += heap(0, addr - self.BASE, struct.pack(f"<{len(values)}Q", *values))


def mmu():
    """A page of BAR1 in framebuffer, one in system memory and one of 64 KiB, and accesses to them."""
    fb = Recorded()
    tables = Tables(fb, fb.BASE, 0)
    tables.map4k(1, pte(1 * GIB))
    tables.map4k(2, pte(GUEST, 2))
    tables.map64k(1, pte(2 * GIB))
    entry = ABI.pack("rpc_update_bar_pde_v15_00", {"info.entryValue": pde(tables.pd2), "info.entryLevelShift": 47})
    reads = b"".join(bytes((READ, IN_BAR1)) + at.to_bytes(5, "little") for at in (0x1000, 0x2000, 0x10000))
    return fb.ops + rpc(70, entry) + reads


def work(sem, data, in_fb):
    """Methods that use each part of the host and of the copy engine; the last one faults."""
    words = chan.inc(chan.SET_OBJECT, chan.COPY_B, sub=chan.CE)
    words += chan.semaphore(chan.RELEASE | chan.WIDE | chan.TIMESTAMP, sem, 7) + chan.semaphore(chan.ACQUIRE, sem, 7)
    words += chan.launch(data, in_fb, PAGE) + chan.launch(in_fb + 8, data, 64, 3, (128, 64))
    words += chan.remap(0x01020304, 0, (4,))
    words += chan.launch(in_fb, in_fb + PAGE, 256, 2, (1024, 1024),
                         chan.MOVE | chan.PITCH | chan.MULTI_LINE | chan.REMAPPED)
    words += chan.inc(chan.SET_SEMAPHORE, *chan.split(sem + 64), 9, sub=chan.CE)
    words += chan.launch(data, in_fb, 4, how=chan.MOVE | chan.PITCH | chan.SEM_FOUR_WORDS | chan.DST_PHYS)
    words += chan.imm(chan.NON_STALL, 0) + chan.launch(chan.UNMAPPED, data, 8)
    return words


def one_channel(chid, instance, userd):
    """Set up, and told of two entries in its ring."""
    handle, gives = chan.CHANNEL | chid, {
        "gpFifoOffset": chan.VA, "gpFifoEntries": 8, "hVASpace": chan.VASPACE, "engineType": chan.COPY2,
        "flags": 1 << 5 | chid << 8 | 1 << 21}
    for what, base in {"instanceMem": instance, "ramfcMem": instance, "userdMem": userd,
                       "mthdbufMem": instance}.items():
        size = chan.METHODS if what == "mthdbufMem" else PAGE
        gives |= {f"{what}.base": base, f"{what}.size": size, f"{what}.addressSpace": chan.FBMEM}
    return alloc(chan.CLIENT, chan.DEVICE, handle, chan.GPFIFO_A, ABI.pack("NV_CHANNEL_ALLOC_PARAMS", gives)) + \
        alloc(chan.CLIENT, handle, chan.COPY | chid, chan.COPY_B, struct.pack("<II", 1, chan.COPY2)) + \
        rm_control(chan.CLIENT, handle, chan.BIND, struct.pack("<I", chan.COPY2)) + \
        rm_control(chan.CLIENT, handle, chan.SCHEDULE, b"\1\0") + \
        heap(0, userd + 0x8c - Recorded.BASE, struct.pack("<I", 2)) + \
        write(chan.DOORBELL, chan.RUNLIST << 16 | chid) + step(3)


def channels():
    """
    Two with the same ring and pushbuffer. The GUEST pages are the ring, the pushbuffer, semaphores and data; as many
    pages of framebuffer follow them in the VA space.
    """
    fb, pages = Recorded(), 4
    tables = Tables(fb, fb.BASE, chan.VA)
    root, instance, userd = (fb.BASE + at for at in (0x5000, 0x6000, 0x8000))
    fb.write64(root, pde(tables.pd2))
    for i in range(pages):
        tables.map4k(i, pte(GUEST + i * PAGE, COHERENT))
        tables.map4k(pages + i, pte(fb.BASE + (9 + i) * PAGE))
    push, sem, data, in_fb = (chan.VA + i * PAGE for i in (1, 2, 3, pages))
    words = work(sem, data, in_fb)
    entry = struct.pack("<II", push & 0xffffffff, push >> 32 | len(words) << 10)
    space = alloc(chan.CLIENT, 0, chan.CLIENT, ROOT) + alloc(chan.CLIENT, chan.CLIENT, chan.DEVICE, DEVICE) + \
        alloc(chan.CLIENT, chan.DEVICE, chan.VASPACE, VASPACE, bytes(ABI.sizes["NV_VASPACE_ALLOCATION_PARAMETERS"])) + \
        rm_control(chan.CLIENT, chan.DEVICE, chan.SET_PAGE_DIRECTORY, ABI.pack(
            "NV0080_CTRL_DMA_SET_PAGE_DIRECTORY_PARAMS", {"physAddress": root, "hVASpace": chan.VASPACE}))
    return fb.ops + memory(entry * 8) + memory(struct.pack(f"<{len(words)}I", *words), GUEST_PAGE + 1) + space + \
        one_channel(0, instance, userd) + one_channel(1, instance, userd + 512) + \
        rpc(FREE, struct.pack("<4I", chan.CLIENT, chan.DEVICE, chan.CHANNEL, 0))


def seeds():
    handle = struct.pack("<I", 1)
    tree = alloc(CL, CL, CL, ROOT) + alloc(CL, CL, DEV, DEVICE) + alloc(CL, DEV, SUB, SUBDEVICE) + \
        alloc(CL, DEV, SPACE, VASPACE, bytes(ABI.sizes["NV_VASPACE_ALLOCATION_PARAMETERS"]))
    vfs = bytes((BOOTED | WITH_VFS,))
    return {
        "power-on": bytes((POWER_ON,)) + write(0x840100, 2) + step(2),
        "static": bytes((BOOTED,)) + rpc(65, bytes(64)),
        "objects": bytes((BOOTED,)) + tree + rpc(FREE, struct.pack("<4I", CL, 0, CL, 0)),
        "mmu": bytes((BOOTED,)) + mmu(),
        "channels": bytes((BOOTED,)) + channels(),
        "vgpu": vfs + vgpu(1) + control(SHUTDOWN, handle) + control(CLEANUP, handle),
        "plugin": vfs + running(1) + guest(0) + control(SHUTDOWN, handle) + control(CLEANUP, handle),
        "two": vfs + vgpu(1) + vgpu(2) + control(CLEANUP, handle),
        "unload": bytes((BOOTED,)) + rpc(47, bytes(16)) + step(5),
    }


# ---- the run ---------------------------------------------------------------------------------------------------------

# What the model refuses of a seed, which is all right but for the last method of "channels"
REFUSED = {"channels": ["chan-mmu-fault"] * 2}
STAT = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
COVERAGE = re.compile(r"\bcov: (\d+)")


def starts(binary, folder):
    """Write the seeds; the names of those that the model does not take as it should. Then its GSP-RM would not run."""
    wrong = []
    for name, data in seeds().items():
        path = pathlib.Path(folder) / name
        path.write_bytes(data)
        done = subprocess.run([binary, "--fuzz-target=nvidia-ada", path], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, errors="replace", check=False, cwd=folder)
        refused = re.findall(r"^nvidia-ada: refused (\S+):", done.stderr, re.M)
        if done.returncode or refused != REFUSED.get(name, []):
            wrong.append(f"{name} ({done.returncode}, refused: {' '.join(refused)})")
    return wrong


def run(binary, folder, start, seconds):
    """The last lines, executions and coverage of a run; the model's own log is not kept."""
    command = [binary, "--fuzz-target=nvidia-ada", f"-max_total_time={seconds}", "-max_len=32768", "-timeout=60",
               "-rss_limit_mb=0", "-detect_leaks=0", "-print_final_stats=1", "-reload=0",
               f"-artifact_prefix={folder}/broken-", str(folder / "corpus"), start]
    tail, cov = [], 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
                          cwd=folder) as fuzzer:
        for line in fuzzer.stderr:
            if line.startswith("nvidia-ada: "):
                continue
            tail = tail[-60:] + [line.rstrip()]
            seen = COVERAGE.search(line)
            cov = int(seen[1]) if seen else cov
            if seen and any(f"\t{word} " in line for word in ("INITED", "pulse", "DONE")):
                print(f"# {line.strip()}", flush=True)
    count = next((int(m[1]) for m in map(STAT.search, tail) if m), 0)
    return fuzzer.returncode, tail, count, cov


def main():
    binary = os.environ.get("QEMU_FUZZ", "")
    if not os.access(binary, os.X_OK):
        fail(f"QEMU_FUZZ={binary!r} is not a program")
    seconds = int(os.environ.get("FUZZ_SECONDS", "3600"))
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="ada-fuzz-")).resolve()
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    print("1..2", flush=True)
    with tempfile.TemporaryDirectory() as start:
        wrong = starts(binary, start)
        print(f"{'not ok' if wrong else 'ok'} 1 - what it starts from does what it is for", flush=True)
        print("".join(f"#   {line}\n" for line in wrong), end="")
        begin = time.monotonic()
        code, tail, count, cov = run(binary, folder, start, seconds)
        took = time.monotonic() - begin
    good = code == 0 and count > len(seeds())
    print(f"{'ok' if good else 'not ok'} 2 - {count} inputs in {took:.0f} s, {cov} places of the code reached")
    if not good:
        print("\n".join(f"#   {line}" for line in [f"exit code {code}, inputs in {folder}"] + tail))
    sys.exit(0 if good and not wrong else 1)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
