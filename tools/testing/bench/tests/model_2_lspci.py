# SPDX-License-Identifier: GPL-2.0-only
"""
PCI as Debian's lspci tells it, against what it told of a real L20: the same chip and the
same layout. What depends on the slot of that board (addresses, interrupts, training of
the link) is left out; ids are the L40's.
"""

import re

from bench_test import expect, host_test
from gpu import Gpu

# A capability: (offset, version if extended, its first line): parts of its lines.
PF = {
    "device": [
        "3D controller [0302]: NVIDIA Corporation AD102GL [L40] [10de:26b5] (rev a1)",
        "Subsystem: NVIDIA Corporation Device [10de:169d]",
        "Interrupt: pin A",
        "Region 0: Memory at <address> (32-bit, non-prefetchable) [size=16M]",
        "Region 1: Memory at <address> (64-bit, prefetchable) [size=64G]",
        "Region 3: Memory at <address> (64-bit, prefetchable) [size=32M]",
    ],
    "[60] Power Management version 3": [
        "D1- D2- AuxCurrent=0mA PME(D0+,D1-,D2-,D3hot+,D3cold-)",
        "NoSoftRst+",
    ],
    "[68] Null": [],
    "[78] Express (v2) Legacy Endpoint, IntMsgNum 0": [
        "DevCap: MaxPayload 256 bytes, PhantFunc 0, Latency L0s unlimited, L1 <64us",
        "ExtTag+",
        "RBE+ FLReset+",
        "Speed 16GT/s, Width x16, ASPM not supported",
        "ClockPM+",
        "ASPMOptComp+",
        "DevCap2: Completion Timeout: Range AB, TimeoutDis+",
        "LTR+",
        "10BitTagComp+ 10BitTagReq+ OBFF Via message",
        "LnkCap2: Supported Link Speeds: 2.5-16GT/s",
        "Retimer+ 2Retimers+",
    ],
    "[b4] Vendor Specific Information: Len=14 <?>": [],
    "[c8] MSI-X: Enable- Count=6 Masked-": [
        "Vector table: BAR=0 offset=00b90000",
        "PBA: BAR=0 offset=00ba0000",
    ],
    "[100 v1] Virtual Channel": ["LPEVC=0", "VC0:"],
    "[128 v1] Power Budgeting <?>": [],
    "[250 v1] Latency Tolerance Reporting": [
        "Max snoop latency: 0ns",
        "Max no snoop latency: 0ns",
    ],
    "[258 v1] L1 PM Substates": ["PCI-PM_L1.2+ PCI-PM_L1.1+", "ASPM_L1.1+"],
    "[420 v2] Advanced Error Reporting": [
        "UESvrt: DLP+ SDES+ TLP- FCP+ CmpltTO- CmpltAbrt- UnxCmplt- RxOF+ MalfTLP+",
        "CEMsk: RxErr- BadTLP- BadDLLP- Rollover- Timeout- AdvNonFatalErr",
    ],
    "[600 v1] Vendor Specific Information: ID=0001 Rev=1 Len=024 <?>": [],
    "[900 v1] Secondary PCI Express": [],
    "[bb0 v1] Physical Resizable BAR": [
        "BAR 0: current size: 16MB, supported: 16MB",
        "BAR 1: current size: 64GB, supported: 64MB 128MB 256MB 512MB 1GB 2GB 4GB 8GB 16GB 32GB"
        " 64GB",
        "BAR 3: current size: 32MB, supported: 32MB",
    ],
    "[bcc v1] Single Root I/O Virtualization (SR-IOV)": [
        "IOVCap: Migration- 10BitTagReq+",
        "Initial VFs: 32, Total VFs: 32, Number of VFs: 2, Function Dependency Link: 00",
        "VF offset: 4, stride: 1, Device ID: 26b5",
        "Supported Page Size: 00000573, System Page Size: 00000001",
        "Region 0: Memory at <address> (32-bit, non-prefetchable)",
        "Region 1: Memory at <address> (64-bit, prefetchable)",
        "Region 3: Memory at <address> (64-bit, prefetchable)",
    ],
    "[c14 v1] Alternative Routing-ID Interpretation (ARI)": [
        "ARICap: MFVC- ACS-, Next Function: 0",
    ],
    "[c1c v1] Physical Layer 16.0 GT/s <?>": [],
    "[d00 v1] Lane Margining at the Receiver": [],
    "[e00 v1] Data Link Feature <?>": [],
}

# Nobody has published a VF's: ids, sizes and where its MSI-X is, the rest is VF-CFG of
# the model's assumptions.
VF = {
    "device": [
        "3D controller [0302]: NVIDIA Corporation AD102GL [L40] [10de:26b5] (rev a1)",
        "Subsystem: NVIDIA Corporation Device [10de:169d]",
        "Region 0: Memory at <address> (32-bit, non-prefetchable) [virtual] [size=256K]",
        "Region 1: Memory at <address> (64-bit, prefetchable) [virtual] [size=2G]",
        "Region 3: Memory at <address> (64-bit, prefetchable) [virtual] [size=32M]",
    ],
    "[40] Express (v2) Endpoint, IntMsgNum 0": ["ExtTag+", "RBE+ FLReset+"],
    "[7c] MSI-X: Enable- Count=6 Masked-": [
        "Vector table: BAR=0 offset=00010000",
        "PBA: BAR=0 offset=00020000",
    ],
    "[100 v1] Null": [],
    "[420 v2] Advanced Error Reporting": [],
    "[c14 v1] Alternative Routing-ID Interpretation (ARI)": [],
}

# What a real one shows and this one does not: (whose, a sign of it, why). The sign is what
# lspci would print, or a range of configuration space that would not be zero.
MISSING = [
    ("pf", r"EqualizationComplete\+", "QEMU trains no link: its results stay at reset"),
    ("pf", r"LnkSta2: .* Retimer\+", "the same: nobody sees a retimer"),
    ("pf", r"MargReady\+", "there is no receiver whose margin could be measured"),
    ("pf", range(0xB8, 0xC8), "contents of that vendor-specific capability are not published"),
    ("pf", range(0x608, 0x624), "the same, of the extended one"),
    ("pf", range(0x12C, 0x138), "a board's power budget is its own, and not published"),
    ("pf", range(0xC20, 0xC4C), "status of lanes at 16 GT/s, which are not there"),
    ("pf", range(0xE04, 0xE0C), "there is no other end of the link to tell features to"),
    ("vf", "Control: I/O- Mem-", "QEMU lets a VF decode by its own enable bit, not VF MSE"),
]

CONFIG_MIRROR = 0x88000


def capabilities(dump):
    """{first line: all lines as one}; what is in front of them is the device's."""
    text = re.sub(r"(Memory at) [0-9a-f]+", r"\1 <address>", dump)
    device, *rest = re.split(r"^\tCapabilities: ", text, flags=re.M)
    found = {"device": device}
    for part in rest:
        title, _, lines = part.partition("\n")
        found[title] = lines
    return {title: " ".join(lines.split()) for title, lines in found.items()}


def lspci(vm, address):
    return str(vm.sh(f"lspci -vvv -nn -s {address}"))


def compare(dump, wanted, what):
    found = capabilities(dump)
    expect(list(found), list(wanted), f"capabilities of the {what}")
    for title, parts in wanted.items():
        for part in parts:
            expect(part if part in found[title] else found[title], part, f"{what}: {title}")
    regions = [part for part in wanted["device"] if part.startswith("Region")]
    expect(found["device"].count("Region "), len(regions), f"regions of the {what}")
    expect("Expansion ROM" in found["device"], False, f"ROM of the {what}")


def config_space(vm, address):
    words = vm.sh(f"od -An -v -tx4 /sys/bus/pci/devices/{address}/config").split()
    return [int(word, 16) for word in words]


def is_there(sign, dump, config):
    if isinstance(sign, str):
        return bool(re.search(sign, " ".join(dump.split())))
    return any(config[at // 4] for at in sign[::4])


def linux_version(vm):
    return tuple(int(number) for number in vm.sh("uname -r").split(".")[:2])


def with_vfs(vm, count):
    """By a driver that has no idea what it drives."""
    gpu = Gpu(vm)
    vm.sh("modprobe vfio-pci enable_sriov=1 disable_idle_d3=1")
    gpu.must_write(gpu.path("sriov_drivers_autoprobe"), 0)
    gpu.must_write(gpu.path("driver_override"), "vfio-pci")
    gpu.must_write("/sys/bus/pci/drivers_probe", gpu.pf)
    gpu.set_numvfs(count)
    return gpu


def put_away(gpu):
    gpu.set_numvfs(0)
    gpu.must_write("/sys/bus/pci/drivers/vfio-pci/unbind", gpu.pf)
    gpu.must_write(gpu.path("driver_override"), "")


@host_test(kernels=("stock",))
def test_capabilities(vm):
    gpu = with_vfs(vm, 2)
    pf, vf = lspci(vm, gpu.pf), lspci(vm, gpu.vf(0))
    compare(pf, PF, "PF")
    # Masked as the card comes up; since Linux 7.3 the PCI core wants to hear of it.
    sign = "-" if linux_version(vm) >= (7, 3) else "+"
    expect(re.search("CEMsk:.* AdvNonFatalErr(.)", pf)[1], sign, "AdvNonFatalErr in CEMsk")
    compare(vf, VF, "VF")
    expect("Interrupt:" in vf, False, "a VF has no interrupt pin")
    expect("VC1:" in pf, False, "a second virtual channel")
    put_away(gpu)


@host_test(kernels=("stock",))
def test_what_is_missing_is_listed(vm):
    gpu = with_vfs(vm, 1)
    vm.sh(f"setpci -s {gpu.vf(0)} COMMAND=2:2")
    dumps = {n: (lspci(vm, a), config_space(vm, a)) for n, a in (("pf", gpu.pf), ("vf", gpu.vf(0)))}
    for whose, sign, why in MISSING:
        expect(is_there(sign, *dumps[whose]), False, f"{whose}: {sign} is there, although: {why}")
    put_away(gpu)


@host_test(kernels=("stock",))
def test_config_mirror(vm):
    """BAR0 shows all of configuration space, and as it is now."""
    gpu = with_vfs(vm, 3)
    vm.sh(f"setpci -s {gpu.pf} COMMAND=2:2 INTERRUPT_LINE=0b")
    config = config_space(vm, gpu.pf)
    expect(len(config), 1024, "words of configuration space")
    expect(config[0x3C // 4] & 0xFF, 0x0B, "interrupt line, as written")
    expect(config[0xBDC // 4] & 0xFFFF, 3, "number of VFs")
    expect(gpu.registers(CONFIG_MIRROR, 1024), config, "mirror")
    vm.sh(f"setpci -s {gpu.pf} INTERRUPT_LINE=0a")
    expect(gpu.registers(CONFIG_MIRROR + 0x3C)[0] & 0xFF, 0x0A, "interrupt line in the mirror")
    put_away(gpu)
