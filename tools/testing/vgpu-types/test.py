#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Tests of tools/vgpu-types, in TAP: what it makes of sample.xml, byte by byte where it matters, and
what it refuses. That the driver takes the file is seen in the host VM (host_8_types.py).
"""

import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOOL = HERE.parents[1] / "vgpu-types"
SAMPLE = (HERE / "sample.xml").read_text()

# by NVIDIA's RFC v2 and NVIDIA's headers of 570.144
HEADER, BLOB, TYPES, STRUCTURE, RECORD = 232, 16, 56, 96, 5224
PARAMS = 8 + 64 * RECORD


class Folder:
    """A place for a table and what is made of it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.output = self.path / "out.bin"

    def run(self, xml, *args):
        (self.path / "in.xml").write_text(xml)
        self.output.unlink(missing_ok=True)
        proc = subprocess.run([TOOL, "-o", self.output, *args, self.path / "in.xml"], text=True,
                              capture_output=True, check=False)
        return proc.returncode, proc.stdout, proc.stderr.replace(f"{self.path}/in.xml: ", "")

    def good(self, *args, xml=SAMPLE):
        code, out, err = self.run(xml, *args)
        equal((code, err), (0, ""), "exit code and errors")
        return out, self.output.read_bytes()

    def refused(self, xml, text, *args):
        equal(self.run(xml, *args), (1, "", text + "\n"), "exit code, output, errors")
        equal(self.output.exists(), False, "a file is there")


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def replaced(old, new, count=1):
    equal(SAMPLE.count(old) >= 1, True, f"{old!r} in the sample")
    return SAMPLE.replace(old, new, count)


def crc(data):
    """Bit by bit, without the inversion at the end."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return value


def word(data, at):
    return struct.unpack_from("<I", data, at)[0]


def long(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def words(data, at, count):
    return struct.unpack_from(f"<{count}Q", data, at)


def test_container(folder):
    out, data = folder.good()
    equal(out, "board 26b5: 5 types, 4001 to 4048\nboard 27b8: 1 types, 4024 to 4024\n", "output")
    sizes = [BLOB + TYPES + n * STRUCTURE + PARAMS for n in (5, 1)]
    equal(len(data), HEADER + sum(sizes), "size")
    equal(data[:8], b"NVVGPUMT", "magic")
    equal(word(data, 8), crc(data[16:]), "CRC")
    equal(words(data, 16, 2), (18, 1), "release")
    equal(data[32:160], bytes(128), "features")
    equal(data[160:224], b"570.144".ljust(64, b"\0"), "version")
    equal(long(data, 224), 2, "blobs")
    at = HEADER
    for device, count, size in ((0x26B5, 5, sizes[0]), (0x27B8, 1, sizes[1])):
        equal(words(data, at, 9), (0, size, device, 8, RECORD, count * STRUCTURE, count,
                                   0x20804003, PARAMS), f"headers of {device:x}")
        params = at + BLOB + TYPES + count * STRUCTURE
        equal((data[params], word(data, params + 4)), (1, count), "discard, number")
        at += size


def test_record(folder):
    """Second type of the first board."""
    _, data = folder.good()
    at = HEADER + BLOB + TYPES + STRUCTURE
    equal(struct.unpack_from("<I32s4xQQQQQIIQ", data, at),
          (4008, b"NVIDIA L40-8T".ljust(32, b"\0"), 0x26B51774, 0x26B5, 0x1E0000000, 0x4000000,
           0x100, 6, 1, 0x1C000000), "structure")
    at = HEADER + BLOB + TYPES + 5 * STRUCTURE + 8 + RECORD
    record = data[at : at + RECORD]
    equal(record[4:36], b"NVIDIA L40-8T".ljust(32, b"\0"), "name")
    equal(record[36:68], b"Quadro".ljust(32, b"\0"), "class")
    equal(record[68:196], b"\x22" * 128, "signature")
    equal(record[196:324].rstrip(b"\0"),
          b"Quadro-Virtual-DWS,5.0;GRID-Virtual-WS,2.0;GRID-Virtual-WS-Ext,2.0", "license")
    got = {at: word(record, at) for at in (0, 324, 328, 332, 336, 340, 344, 348, 352, 356, 360, 424, 440)}
    equal(got, {0: 4008, 324: 6, 328: 2, 332: 7680, 336: 4320, 340: 66355200, 344: 60, 348: 1, 352: 1,
                356: 0, 360: 1, 424: 100, 440: 1}, "numbers")
    got = {at: long(record, at) for at in (368, 376, 384, 392, 400, 408, 416, 432)}
    equal(got, {368: 0x26B51774, 376: 0x26B5, 384: 8 << 30, 392: 0x1E0000000, 400: 0x4000000,
                408: 0x1C000000, 416: 0x400000, 432: 256}, "long numbers")
    equal(record[444:], bytes(RECORD - 444), "the rest")


def test_exclusive(folder):
    _, data = folder.good()
    at = HEADER + BLOB + TYPES + 5 * STRUCTURE + 8 + 2 * RECORD
    equal((word(data, at), word(data, at + 360), word(data, at + 4936)), (4010, 0, 1), "type 4010")


def test_fractional(folder):
    """What NVIDIA's host clears on boards that are not."""
    _, data = folder.good(xml=replaced('<pgpu fractionalMultiVgpu="1"', '<pgpu fractionalMultiVgpu="0"'))
    at = HEADER + BLOB + TYPES + 5 * STRUCTURE + 8
    equal([word(data, at + n * RECORD + 360) for n in range(5)], [0, 0, 0, 0, 1], "multiVgpuSupported")


def test_choice(folder):
    out, _ = folder.good("--device", "27b8")
    equal(out, "board 27b8: 1 types, 4024 to 4024\n", "one board")
    out, _ = folder.good("--skip", "4048", "--skip", "4024", "--device", "26b5")
    equal(out, "board 26b5: 4 types, 4001 to 4012\n", "without a type")
    folder.refused(SAMPLE, "board 26b9: no <pgpu> has this deviceId", "--device", "26b9")
    folder.refused(SAMPLE, "board 27b8: no types", "--skip", "4024")


def test_subsystems(folder):
    two = replaced('"0x26B5" subsystemVendorId="0x10de" subsystemId="0x0"',
                   '"0x26B5" subsystemVendorId="0x10de" subsystemId="0x169D"')
    two = two.replace('deviceId="0x27B8" subsystemVendorId="0x10de" subsystemId="0x16CA"',
                      'deviceId="0x26B5" subsystemVendorId="0x10de" subsystemId="0x17DA"')
    folder.refused(two, "board 26b5: is there for subsystems 169d, 17da, choose by --subsystem")
    out, _ = folder.good("--subsystem", "17da", xml=two)
    equal(out, "board 26b5: 1 types, 4024 to 4024\n", "the other")
    folder.refused(two, "board 26b5: is there for subsystems 169d, 17da, choose by --subsystem",
                   "--subsystem", "1")


def test_unknown_element(folder):
    code, _, err = folder.run(replaced("<numHeads>2", "<newThing>1</newThing><numHeads>2"))
    equal((code, err), (0, "type 4008: <newThing> is not known, left out\n"), "exit code, errors")


HEADS, DIGEST = "<numHeads>2</numHeads>", "22" * 128
REFUSED = (
    ("another document", SAMPLE.replace("vgpuconfig>", "other>"), "<other>, expected <vgpuconfig>"),
    ("no XML", "vgpuconfig", "syntax error: line 1, column 0"),
    ("no board", SAMPLE.replace("0x26B5", "0x1").replace("0x27B8", "0x2"),
     "no <pgpu> is a board that the driver knows"),
    ("element missing", replaced(HEADS, ""), "type 4008: 0 times <numHeads>, expected it once"),
    ("element twice", replaced(HEADS, 2 * HEADS), "type 4008: 2 times <numHeads>, expected it once"),
    ("no number", replaced(HEADS, "<numHeads>two</numHeads>"),
     "type 4008: <numHeads>: 'two' is no number"),
    ("empty number", replaced(HEADS, "<numHeads/>"), "type 4008: <numHeads>: None is no number"),
    ("large number", replaced(HEADS, "<numHeads>0x100000000</numHeads>"),
     "type 4008: numHeads: 0x100000000 does not fit into 4 bytes"),
    ("negative number", replaced(HEADS, "<numHeads>-1</numHeads>"),
     "type 4008: numHeads: -0x1 does not fit into 4 bytes"),
    ("unknown licence", replaced("<license>VApps", "<license>VApps;VNew"),
     "type 4010: <license> has 'VNew', known are VPC, QVDWS, VWS, VWSExt, VApps"),
    ("name too long", replaced("NVIDIA L40-8T", "N" * 32),
     f"type 4008: vgpuName: '{'N' * 32}', expected 1 to 31 printable characters"),
    ("name empty", replaced("NVIDIA L40-8T", ""),
     "type 4008: vgpuName: '', expected 1 to 31 printable characters"),
    ("name of other letters", replaced("NVIDIA L40-8T", "NVIDIÄ"),
     "type 4008: vgpuName: 'NVIDIÄ', expected 1 to 31 printable characters"),
    ("signature short", replaced(DIGEST, DIGEST[2:]),
     'type 4008: <digest type="signature">, expected one of 256 hex digits'),
    ("signature of another kind", replaced('"signature">22', '"other">22'),
     'type 4008: <digest type="signature">, expected one of 256 hex digits'),
    ("type missing", replaced('vgpuType id="4008"', 'vgpuType id="4009"'),
     "board 26b5: 0 times <vgpuType> of its type 4008, expected it once"),
    ("type twice", replaced('vgpuType id="4001"', 'vgpuType id="4008"'),
     "board 26b5: 0 times <vgpuType> of its type 4001, expected it once"),
    ("attribute missing", replaced(' class="NVS"', ""),
     "type 4010: attribute class of <vgpuType> is missing"),
    ("not by SR-IOV", replaced('hostVgpuMode="sriov"', 'hostVgpuMode="nonSriov"'),
     "board 26b5: hostVgpuMode is 'nonSriov', expected 'sriov'"),
)


def test_usage(folder):
    code = subprocess.run([TOOL], capture_output=True, check=False).returncode
    equal(code, 2, "exit code without arguments")
    helped = subprocess.run([TOOL, "--help"], capture_output=True, text=True, check=False)
    equal((helped.returncode, "exit codes: 0 written" in helped.stdout), (0, True), "--help")
    gone = folder.path / "gone.xml"
    proc = subprocess.run([TOOL, gone], capture_output=True, text=True, check=False)
    equal((proc.returncode, proc.stderr), (1, f"{gone}: No such file or directory\n"), "no table")
    code, _, err = folder.run(SAMPLE, "-o", folder.path / "gone" / "x")
    equal((code, err), (1, f"{folder.path}/gone/x.new: No such file or directory\n"), "no folder")


def cases():
    for name, function in list(globals().items()):
        if name.startswith("test_"):
            yield name[5:], function
    for name, xml, text in REFUSED:
        yield f"refused: {name}", lambda folder, xml=xml, text=text: folder.refused(xml, text)


def main():
    failed = count = 0
    print("TAP version 13")
    for name, function in cases():
        count += 1
        with tempfile.TemporaryDirectory() as path:
            try:
                function(Folder(path))
                print(f"ok {count} - vgpu-types: {name}")
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {count} - vgpu-types: {name}\n# {error!r}")
    print(f"1..{count}")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
