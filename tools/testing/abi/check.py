#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Compare the driver's wire structures with NVIDIA's layouts, in TAP.

    check.py [VERSION...]       default: every release that the driver has

The structures of release 570.144 are in nvkm-vgpu/fwabi/r570_144/*.h and, what
all releases have, in nvkm-vgpu/fwabi/common/*.h and framing.h; NVIDIA's are in
the tables beside this script, and r570.144.map and common.map say what is what:

    OUR_STRUCT -          NVIDIA_STRUCT -           the sizes are the same
    OUR_STRUCT our.field  NVIDIA_STRUCT its.member  offset and size are the same
    const OUR_NAME        NVIDIA_NAME               the values are the same
    const OUR_NAME        -                         NVIDIA has no name for it
    part OUR_STRUCT                                 of no structure of NVIDIA's

What is in common.map is checked against each release, but for a line that ends
in @RELEASE, which is checked against that one only. A member of a part, or of a
structure of common/ whose member is not in the map, has to be there where it is
used: our.field is then field.itself.

Each line becomes static assertions. Each number in these headers must have a
line, and each member of a structure, unless it is padding by its name (pad*,
rsvd*, reserved*).
Then errors are planted in copies, to see that they are found.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FWABI = HERE.parents[2] / "nvkm-vgpu" / "fwabi"
CC = ["gcc", "-std=gnu11", "-g", "-fno-eliminate-unused-debug-types", "-fmax-errors=0", "-w"]
PADDING = re.compile(r"_*(pad|rsvd|reserved)\w*$")
NOT_WIRE = {"events.h", "ops.h"}        # of common/: functions
WIRE_TYPES = {"__le16", "__le32", "__le64", "u8", "char"}

# As much of the kernel as a header of wire structures may use.
KERNEL = """
#ifndef ABI_CHECK_KERNEL_H
#define ABI_CHECK_KERNEL_H
#include <stdbool.h>
#include <stddef.h>
typedef unsigned char u8, __u8;
typedef unsigned short u16, __u16, __le16;
typedef unsigned int u32, __u32, __le32;
typedef unsigned long long u64, __u64, __le64, dma_addr_t;
typedef int s32;
#define __packed __attribute__((packed))
#define __aligned(x) __attribute__((aligned(x)))
#define __counted_by(x)
#define __counted_by_le(x)
#define SZ_4K 0x1000
#define SZ_64K 0x10000
#define SZ_128K 0x20000
#define SZ_256K 0x40000
#define SZ_1M 0x100000
#define SZ_2M 0x200000
#define BIT(n) (1ul << (n))
#define BIT_ULL(n) (1ull << (n))
#define GENMASK(h, l) (((2ul << (h)) - 1) & ~((1ul << (l)) - 1))
#define GENMASK_ULL(h, l) (((2ull << (h)) - 1) & ~((1ull << (l)) - 1))
#define static_assert _Static_assert
#endif
"""


class Error(Exception):
    pass


class Map:
    """Lines of map files, each by (file, number)."""

    def __init__(self, version):
        self.name = f"r{version}.map"
        self.structs = {}       # ours -> {field: (line, NVIDIA struct or None, member)}
        self.consts = {}        # ours -> (line, NVIDIA name)
        self.parts = set()      # ours
        for path in HERE / self.name, HERE / "common.map":
            for number, line in enumerate(path.read_text().splitlines(), 1):
                words = line.split("#")[0].split()
                if words:
                    self.add((path.name, number), words, version)

    def add(self, line, words, version):
        words = list(words)
        other = words[-1][0] == "@" and words.pop() != "@" + version
        if words[0] == "part" and len(words) == 2:
            self.parts.add(words[1])
            return
        if words[0] == "const" and len(words) == 3:
            old, new = self.consts, (line, "-" if other else words[2])
        elif words[0] not in ("const", "part") and len(words) == 4 and (words[1] == "-") == (words[3] == "-"):
            old = self.structs.setdefault(words[0], {})
            new = (line, None if other else words[2], words[3])
        else:
            raise Error(f"{line[0]}:{line[1]}: cannot read '{' '.join(words)}'")
        if words[1] in old:
            raise Error(f"{line[0]}:{line[1]}: {words[1]} again, first in line {old[words[1]][0][1]}")
        old[words[1]] = new

    def subjects(self):
        """line -> what a failure there is about"""
        lines = {line: ours for ours, (line, _) in self.consts.items()}
        for ours, fields in self.structs.items():
            lines.update({line: ours for line, _, _ in fields.values()})
        return lines


def macro(prefix, struct, member=None):
    name = prefix + struct.replace("@", "_")
    return name + ("__" + member.replace("[0]", "").replace(".", "__") if member else "__SIZE")


def assertions(amap, prefix, flexible):
    """C text; the compiler blames the map's lines."""
    out = []

    def check(line, condition, text):
        out.append(f'#line {line[1]} "{line[0]}"\n_Static_assert({condition}, "{text}");')

    for ours, fields in amap.structs.items():
        for field, (line, struct, member) in fields.items():
            if not struct:
                continue
            if field == "-":
                check(line, f"sizeof(struct {ours}) == {macro(prefix, struct)}",
                      f"size of {ours} is not that of {struct}")
                continue
            theirs = macro(prefix, struct, member)
            check(line, f"offsetof(struct {ours}, {field}) == {theirs}",
                  f"offset of {ours}.{field} is not that of {struct}.{member}")
            if (ours, field) not in flexible:
                check(line, f"sizeof(((struct {ours} *)0)->{field}) == {theirs}_SZ",
                      f"size of {ours}.{field} is not that of {struct}.{member}")
    for ours, (line, nvidia) in amap.consts.items():
        if nvidia == "-":
            continue
        theirs = prefix + re.sub(r"\((\w+)\)$", r"_\1", nvidia)
        out.append(f"#ifdef {theirs}_HI")
        check(line, f"({ours}) == GENMASK_ULL({theirs}_HI, {theirs}_LO)", f"{ours} is not {nvidia}")
        out.append("#else")
        check(line, f"({ours}) == ({theirs})", f"{ours} is not {nvidia}")
        out.append("#endif")
    return "\n".join(out) + "\n"


def parse_layout(text):
    """[(type, path, count)] of one structure as pahole prints it; structures defined in place are opened"""
    stack = [[]]
    for line in re.sub(r"/\*.*?\*/", "", text).splitlines()[1:]:
        if line.endswith("{"):
            stack.append([])
        elif closed := re.match(r"\t+\}\s*(\w*)", line):
            inner = stack.pop()
            prefix = closed[1] + "." if closed[1] else ""
            stack[-1] += [(kind, prefix + member, count) for kind, member, count in inner]
        elif member := re.match(r"\t+(\S.*?)\s*\b(\w+)((?:\[\d*\])*)\s*(?:__attribute__.*)?;", line):
            stack[-1].append(member.groups())
    return stack[0]


class Folder:
    """A copy of one release's headers, compiled with the map."""

    def __init__(self, amap, version, headers, plant=""):
        self.map, self.plant = amap, plant
        self.prefix = f"r{version.split('.')[0]}_"
        self.tmp = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.tmp.name)
        self.headers = []
        for header in headers:
            copy = self.dir / header.relative_to(FWABI)
            copy.parent.mkdir(exist_ok=True)
            self.headers.append(shutil.copy(header, copy))
        subprocess.run([HERE / "gen-header.py", self.dir / "abi.h"], check=True)
        (self.dir / "kernel.h").write_text(KERNEL)
        for header in self.headers:
            for include in re.findall(r"#include <(linux/\w+\.h)>", header.read_text()):
                (self.dir / include).parent.mkdir(exist_ok=True)
                (self.dir / include).write_text('#include "kernel.h"\n')

    def compile(self, name, text):
        source = self.dir / f"{name}.c"
        includes = "".join(f'#include "{h.relative_to(self.dir)}"\n' for h in self.headers)
        source.write_text('#include "kernel.h"\n' + includes + text)
        return subprocess.run(CC + ["-I", self.dir, "-c", "-o", source.with_suffix(".o"), source],
                              check=False, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})

    def check(self):
        """what is wrong: {structure or constant: [messages]}"""
        subjects, wrong, layouts = self.map.subjects(), {}, self.layouts()
        flexible = {(struct, member) for struct, members in layouts.items()
                    for _, member, count in members if count == "[]"}
        result = self.compile("check", '#include "abi.h"\n' + self.plant +
                              assertions(self.map, self.prefix, flexible))
        for line in result.stderr.splitlines():
            found = re.match(r"(\S+?):(\d+):\d+: error: (.*)", line)
            if not found:
                continue
            line = (found[1], int(found[2]))
            if line not in subjects:
                raise Error(result.stderr)
            wrong.setdefault(subjects[line], []).append(f"{found[1]}:{found[2]}: {found[3]}")
        if result.returncode and not wrong:
            raise Error(result.stderr)
        for name in self.numbers() - self.map.consts.keys():
            wrong.setdefault(name, []).append(f"{name} is not in {self.map.name}")
        for struct, members in layouts.items():
            found = self.uncovered(struct, members, layouts)
            if found:
                wrong.setdefault(struct, []).extend(found)
        return wrong

    def texts(self):
        """the headers without comments"""
        return [re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S) for header in self.headers]

    def numbers(self):
        """names of numbers, by #define and enum"""
        names = set()
        for text in self.texts():
            names.update(re.findall(r"^#define (\w+)[ \t]+[^\s{\\]", text, flags=re.M))
            for body in re.findall(r"\benum \w*\s*\{(.*?)\}", text, flags=re.S):
                names.update(re.findall(r"\b([A-Z]\w+)\b\s*(?:=|,|$)", body))
        return names

    def layouts(self):
        """{structure: [(type, member, count)]} from the compiler's debug information"""
        names = set()
        for text in self.texts():
            names.update(re.findall(r"^struct (\w+)\s*\{", text, flags=re.M))
        if not names:
            raise Error("no structures in the headers")
        plain = self.compile("plain", "")
        if plain.returncode:
            raise Error(f"the headers do not compile alone:\n{plain.stderr}")
        result = {}
        for name in sorted(names):
            text = subprocess.run(["pahole", "-C", name, self.dir / "plain.o"], check=True,
                                  capture_output=True, text=True).stdout
            result[name] = parse_layout(text)
            if not result[name]:
                raise Error(f"pahole shows no members of {name}:\n{text}")
        return result

    def uncovered(self, struct, members, layouts):
        mapped = self.map.structs.get(struct, {})
        wrong = []
        if struct not in self.map.parts:
            if not mapped:
                return [f"{struct} is not in {self.map.name}"]
            wrong += [] if "-" in mapped else [f"size of {struct} is not in {self.map.name}"]
        for kind, member, _ in members:
            if struct not in self.map.parts:
                wrong += [f"{struct}.{name} is not in {self.map.name}"
                          for name in unmapped(kind, member, mapped, layouts)]
            if kind not in WIRE_TYPES and not kind.startswith("struct "):
                wrong.append(f"{struct}.{member}: {kind} has no byte order")
        return wrong


def unmapped(kind, member, mapped, layouts):
    """names that the map lacks: the member, or those of the structure that it is"""
    if member in mapped or PADDING.match(member.split(".")[-1]):
        return []
    inner = layouts.get(kind.removeprefix("struct "))
    if not inner:
        return [member]
    return [name for kind2, member2, _ in inner
            for name in unmapped(kind2, f"{member}.{member2}", mapped, layouts)]


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def result(self, name, problems=()):
        self.count += 1
        self.failed += bool(problems)
        print(f"{'not ' * bool(problems)}ok {self.count} - {name}")
        for problem in problems:
            for line in str(problem).splitlines():
                print(f"  # {line}")


def edit(folder, pattern, replacement):
    """Replace the first match in the folder's headers."""
    for header in folder.headers:
        text, count = re.subn(pattern, replacement, header.read_text(), count=1, flags=re.S)
        if count:
            header.write_text(text)
            return
    raise Error(f"nothing matches {pattern}")


def planted(tap, amap, version, headers, layouts, wrong):
    """Each error must be found, in a structure and a constant that are right without it."""
    struct = next((s for s, fields in amap.structs.items() if s not in wrong and len(fields) > 2
                   and all(struct for _, struct, _ in fields.values()) and not any("." in f for f in fields)
                   and not any(count == "[]" for _, _, count in layouts[s])), None)
    const = next((c for c, (_, nvidia) in amap.consts.items() if nvidia != "-" and c not in wrong), None)
    if not struct or not const:
        raise Error("no structure or no constant to plant an error in")
    body = rf"(struct {struct}\s*\{{)(.*?)(\n\}})"
    cases = [
        ("a wrong offset", struct, "offset of", lambda f: edit(f, body, r"\1\n\tchar pad_planted[8];\2\3")),
        ("a wrong size", struct, "size of", lambda f: edit(f, body, r"\1\2\n\tchar pad_planted[8];\3")),
        ("an unmapped member", struct, "planted is not in",
         lambda f: edit(f, body, r"\1\2\n\t__le64 planted;\3")),
        ("a member without byte order", struct, "u64 has no byte order",
         lambda f: edit(f, body, r"\1\2\n\tu64 pad_planted;\3")),
    ]
    for name, subject, message, plant in cases:
        folder = Folder(amap, version, headers)
        plant(folder)
        expect(tap, f"{version}: {name} is reported", folder, subject, message)
    folder = Folder(amap, version, headers)
    edit(folder, r"(\n#define )", r"\1PLANTED 1\1")
    expect(tap, f"{version}: an unmapped number is reported", folder, "PLANTED", "is not in")
    folder = Folder(amap, version, headers,
                    f"enum {{ planted = {const} + 1 }};\n#undef {const}\n#define {const} planted\n")
    expect(tap, f"{version}: a wrong constant is reported", folder, const, "is not")


def expect(tap, name, folder, subject, message):
    found = folder.check().get(subject, [])
    problems = [] if any(message in line for line in found) else [f"'{message}' not in: {found}"]
    tap.result(name, problems)


def check_version(tap, version):
    headers = sorted((FWABI / ("r" + version.replace(".", "_"))).glob("*.h"))
    if not headers:
        raise Error(f"no headers for {version} in {FWABI}")
    headers += sorted(h for h in (FWABI / "common").glob("*.h") if h.name not in NOT_WIRE)
    headers.append(FWABI / "framing.h")
    amap = Map(version)
    if not amap.structs or not amap.consts:
        raise Error(f"{amap.name} has no structures or no constants")
    folder = Folder(amap, version, headers)
    wrong = folder.check()
    layouts = folder.layouts()
    structs = sorted(layouts.keys() | amap.structs.keys())
    for struct in structs:
        tap.result(f"{version}: struct {struct}, {len(layouts.get(struct, []))} members",
                   wrong.get(struct, ()))
    tap.result(f"{version}: {len(amap.consts)} numbers",
               [line for name, lines in wrong.items() if name not in structs for line in lines])
    planted(tap, amap, version, headers, layouts, wrong)
    planted_common(tap, amap, version, headers)


def planted_common(tap, amap, version, headers):
    """A structure of common/ that one release has otherwise, and a member of one inside another."""
    folder = Folder(amap, version, headers)
    edit(folder, r"(struct nvgpu_abi_rm_free \{)", r"\1\n\t__le32 pad_planted;")
    expect(tap, f"{version}: a wrong offset in common/ is reported", folder, "nvgpu_abi_rm_free", "offset of")
    folder = Folder(amap, version, headers)
    edit(folder, r"(struct nvgpu_abi_bootload_memory \{)", r"\1\n\t__le64 planted;")
    expect(tap, f"{version}: an unmapped member of a part is reported", folder,
           f"nvgpu_r{version.replace('.', '_')}_bootload", "memory.planted is not in")


def main():
    versions = sys.argv[1:] or [p.name[1:].replace("_", ".") for p in sorted(FWABI.glob("r[0-9]*"))]
    tap = Tap()
    print("TAP version 13")
    if not versions:
        tap.result("releases", [f"none in {FWABI}"])
    for version in versions:
        try:
            check_version(tap, version)
        except (Error, OSError, subprocess.SubprocessError) as error:
            tap.result(f"{version}: check", [error])
    print(f"1..{tap.count}")
    print(f"# {tap.count - tap.failed} passed, {tap.failed} failed, 0 skipped")
    sys.exit(tap.failed != 0)


if __name__ == "__main__":
    main()
