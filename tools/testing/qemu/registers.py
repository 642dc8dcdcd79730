#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
The registers that the model handles by name, from its sources, one a line:

    registers.py         block, offset, name; as in the tables of model-registers.rst
"""

import importlib.util
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
DEFINE = re.compile(r"^#define\s+(\w+)\s+(0x[0-9a-f]+)\b", re.M)
USED = re.compile(r"\bcase (\w+)\b|(?<=>= )(PRAMIN)\b")
# A name of NVIDIA's headers, as the falcons' registers have
MACROS = {"REG": "NV_PFALCON_FALCON_", "BROM": "NV_PFALCON2_FALCON_", "PRISCV": "NV_PRISCV_RISCV_",
          "FBIF": "NV_PFALCON_FBIF_"}
MACRO = re.compile(r"\b(" + "|".join(MACROS) + r")\((\w+)\)")
# Ranges that are told register by register elsewhere
ELSEWHERE = {"INTR"}


def short(name):
    return name.removeprefix("ADA_").removesuffix("_FIRST")


def plain(*files):
    """Names with a number in these files that a register access is compared with."""
    text = "".join((HERE / f).read_text() for f in files)
    numbers = dict(DEFINE.findall(text))
    used = {a or b for a, b in USED.findall(text)}
    return {(int(numbers[name], 16), short(name)) for name in used
            if name in numbers and not name.endswith("_LAST") and short(name) not in ELSEWHERE}


def constants():
    """Numbers by name, as the model's own header has them: where chips differ, it chooses."""
    spec = importlib.util.spec_from_file_location("gen_header", HERE.parent / "abi/gen-header.py")
    gen = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gen)
    header = gen.Header()
    gen.consts(header, HERE.parent / "abi/r570.144.consts.tsv", "")
    return {name: value for name, (value, _rank, _where) in header.macros.items()}


def falcon():
    """(offset in the block, name), and the same of the FBIF, which is not at the same place in each."""
    text = re.sub(r"^#define.*", "", (HERE / "ada-falcon.c").read_text(), flags=re.M)
    consts = constants()
    block, fbif = set(), set()
    for macro, name in MACRO.findall(text):
        value = int(consts[MACROS[macro] + name], 16)
        if macro == "FBIF":
            fbif.add((value, name))
        else:
            block.add((value + 0x1000, f"RISCV_{name}") if macro == "PRISCV" else
                      (value + (0x1000 if macro == "BROM" else 0), name))
    return block, fbif


def main():
    block, fbif = falcon()
    blocks = {"PF": plain("ada.h", "ada-regs.c"), "VF": plain("ada-vfregs.c", "ada-intr.c"),
              "Falcon": block | plain("ada-falcon.c"), "FBIF": fbif}
    for title, rows in blocks.items():
        for offset, name in sorted(rows):
            print(f"{title} 0x{offset:06x} {name}")


if __name__ == "__main__":
    main()
