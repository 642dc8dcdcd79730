# SPDX-License-Identifier: GPL-2.0-only
"""Files for the kernel's firmware loader: damaged copies of the GPU's firmware, made from the real ones."""

import contextlib
import struct

FOLDER = "nvidia/ad102/gsp"
VERSION = "570.144"
OLD = "535.113.01"


def name_of(part, version=VERSION):
    return f"{part}-{version}.bin"


def real(vm, part, version=VERSION):
    path = vm.images["root"] / "usr/lib/firmware" / FOLDER / name_of(part, version)
    return bytearray(path.read_bytes())


@contextlib.contextmanager
def placed(vm, name, data):
    """The kernel finds data first when it looks for a file of that name, with its folders."""
    file = vm.share / "firmware" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    path = "/sys/module/firmware_class/parameters/path"
    vm.sh(f"printf /bench/firmware >{path}")
    try:
        yield
    finally:
        vm.sh(f"echo >{path}")
        file.unlink()


def instead(vm, part, data, version=VERSION):
    return placed(vm, f"{FOLDER}/{name_of(part, version)}", data)


@contextlib.contextmanager
def without(vm, part, version=VERSION):
    """The file is moved away."""
    path = f"/usr/lib/firmware/{FOLDER}/{name_of(part, version)}"
    vm.sh(f"mv {path} {path}.away", timeout=120)
    try:
        yield
    finally:
        vm.sh(f"mv {path}.away {path}", timeout=120)


def release(vm):
    """That of GSP-RM which a driver has to take: the newest whose image is there."""
    return next(version for version in (VERSION, OLD)
                if vm.sh(f"[ -e /usr/lib/firmware/{FOLDER}/{name_of('gsp', version)} ]", check=False).rc == 0)


def of_535(vm):
    """There is no image of 570.144, so drivers take that of 535.113.01."""
    return without(vm, "gsp")


# ELF: the image of GSP-RM

def elf_sections(data):
    """{name: (offset of its header, offset, size)}, and where the names are."""
    shoff = struct.unpack_from("<Q", data, 0x28)[0]
    shentsize, shnum, shstrndx = struct.unpack_from("<HHH", data, 0x3A)
    names = struct.unpack_from("<Q", data, shoff + shstrndx * shentsize + 0x18)[0]
    found = {}
    for n in range(shnum):
        header = shoff + n * shentsize
        name_at = names + struct.unpack_from("<I", data, header)[0]
        name = bytes(data[name_at : data.index(0, name_at)]).decode()
        found[name] = (header, name_at, *struct.unpack_from("<QQ", data, header + 0x18))
    return found


def without_section(data, name):
    """The section is there, but its name is another."""
    at = elf_sections(data)[name][1]
    data[at : at + 2] = b".x"
    return data


def with_version(data, version):
    _, _, at, size = elf_sections(data)[".fwversion"]
    data[at : at + size] = version.encode().ljust(size, b"\0")[:size]
    return data


def word(data, offset):
    return struct.unpack_from("<I", data, offset)[0]


def with_word(data, offset, value):
    struct.pack_into("<I", data, offset, value)
    return data
