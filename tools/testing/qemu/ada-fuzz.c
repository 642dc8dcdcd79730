/*
 * NVIDIA Ada GPU: target of QEMU's fuzzer
 *
 * An input is a byte of flags and then operations: an opcode, and as many bytes as it takes. They access registers,
 * apertures and configuration space of the PF and four VFs, write memory that the GPU reads, send messages to GSP-RM,
 * or let time pass. Most inputs start with a GSP-RM that runs, which comes about as a driver would have it, by
 * registers and memory; with fw-check=off any image will do.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "tests/qtest/libqtest.h"
#include "tests/qtest/fuzz/fuzz.h"
#include "ada-abi.h"

#define PAGE            4096u
#define SLOT            4
#define FIRST_VF        4
#define VFS             4

/* where the BARs are put */
#define BAR0            0xc0000000ull
#define VF_BAR0         0xc2000000ull
#define BAR1            (1ull << 40)
#define BAR3            (1ull << 41)
#define VF_BAR1         (1ull << 42)
#define VF_BAR3         (1ull << 43)

/* memory that the GPU is told of; all of it is an input's to overwrite */
#define META            0x100000u
#define RADIX           0x101000u       /* root, two levels, one page of image */
#define LIBOS           0x105000u
#define RMARGS          0x106000u
#define GUEST           0x108000u       /* buffers of a guest's driver, as it likes */
#define SHARED          0x200000u
#define SHARED_PAGES    129
#define CMDQ            PAGE
#define QUEUE_SIZE      0x40000u
#define STATQ           (CMDQ + QUEUE_SIZE)
#define SLOTS           63

#define ELEM(m)         r570_GSP_MSG_QUEUE_ELEMENT__##m
#define ELEM_HDR        r570_GSP_MSG_QUEUE_ELEMENT_HDR_SIZE
#define RPC_HDR         r570_rpc_message_header_v03_00__SIZE
#define RPC(m)          r570_rpc_message_header_v03_00__##m
#define CONTROL(m)      r570_rpc_gsp_rm_control_v03_00__##m
#define FN(name)        r570_NV_VGPU_MSG_FUNCTION_##name

#define GSP             0x110000u
#define SEC2            0x840000u
#define MIRROR          0x88000u

typedef struct Fuzz {
    QTestState *s;
    const uint8_t *data;
    size_t left;
    uint32_t write, sequence;       /* of the command queue */
} Fuzz;

/* ---- the input --------------------------------------------------------------------------------------------------- */

static const uint8_t *take(Fuzz *z, size_t len)
{
    const uint8_t *p = z->data;

    if (z->left < len) {
        z->left = 0;
        return NULL;
    }
    z->data += len;
    z->left -= len;
    return p;
}

/* little endian; 0 when the input is at its end */
static uint64_t number(Fuzz *z, unsigned int len)
{
    const uint8_t *p = take(z, len);
    uint64_t val = 0;

    for (unsigned int i = 0; p && i < len; i++) {
        val |= (uint64_t)p[i] << 8 * i;
    }
    return val;
}

/* ---- access ------------------------------------------------------------------------------------------------------ */

static void wr(Fuzz *z, uint32_t reg, uint32_t val)
{
    qtest_writel(z->s, BAR0 + reg, val);
}

static void step(Fuzz *z, uint32_t ms)
{
    qtest_clock_step(z->s, (int64_t)ms * SCALE_MS);
    flush_events(z->s);
}

static void store64(Fuzz *z, uint64_t addr, uint64_t val)
{
    qtest_writeq(z->s, addr, val);
}

static void config(Fuzz *z, uint32_t reg, uint32_t val)
{
    qtest_outl(z->s, 0xcf8, 0x80000000 | SLOT << 11 | reg);
    qtest_outl(z->s, 0xcfc, val);
}

static void map_bars(Fuzz *z, bool vfs)
{
    static const struct { uint32_t reg; uint32_t val; } bars[] = {
        { 0x10, BAR0 }, { 0x14, 0 }, { 0x18, BAR1 >> 32 }, { 0x1c, 0 }, { 0x20, BAR3 >> 32 }, { 0x04, 6 },
    }, vf_bars[] = {    /* in the SR-IOV capability, by the mirror; last its enable bits */
        { 0xbf0, VF_BAR0 }, { 0xbf4, 0 }, { 0xbf8, VF_BAR1 >> 32 }, { 0xbfc, 0 }, { 0xc00, VF_BAR3 >> 32 },
        { 0xbdc, VFS }, { 0xbd4, 0x19 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(bars); i++) {
        config(z, bars[i].reg, bars[i].val);
    }
    for (size_t i = 0; i < ARRAY_SIZE(vf_bars); i++) {
        wr(z, MIRROR + vf_bars[i].reg, vf_bars[i].val);
    }
    for (unsigned int vf = 0; vfs && vf < VFS; vf++) {
        qtest_outl(z->s, 0xcf8, 0x80000004 | SLOT << 11 | (FIRST_VF + vf) << 8);
        qtest_outl(z->s, 0xcfc, 6);
    }
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static uint32_t checksum(const uint8_t *p, uint32_t len)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < len; i += 8) {
        sum ^= ldq_le_p(p + i);
    }
    return (sum >> 32) ^ (uint32_t)sum;
}

/* @fix: with a checksum and a length that are right. A full queue, or one that stands still, gets no more */
static void post(Fuzz *z, uint32_t function, const uint8_t *payload, uint32_t len, bool fix)
{
    uint32_t elems = DIV_ROUND_UP(ELEM_HDR + RPC_HDR + len, PAGE), read, write;
    g_autofree uint8_t *e = g_malloc0(elems * PAGE);

    read = qtest_readl(z->s, SHARED + STATQ + r570_msgqTxHeader__SIZE);
    if ((read + SLOTS - z->write - 1) % SLOTS < elems) {
        return;
    }
    stl_le_p(e + ELEM(seqNum), z->sequence++);
    stl_le_p(e + ELEM(elemCount), elems);
    stl_le_p(e + ELEM_HDR + RPC(header_version), r570_NV_VGPU_MSG_HEADER_VERSION_MAJOR_TOT << 24);
    stl_le_p(e + ELEM_HDR + RPC(signature), r570_NV_VGPU_MSG_SIGNATURE_VALID);
    stl_le_p(e + ELEM_HDR + RPC(length), RPC_HDR + len);
    stl_le_p(e + ELEM_HDR + RPC(function), function);
    memcpy(e + ELEM_HDR + RPC_HDR, payload, len);
    if (fix) {
        stl_le_p(e + ELEM(checkSum), checksum(e, elems * PAGE));
    }
    for (uint32_t i = 0; i < elems; i++) {
        qtest_memwrite(z->s, SHARED + CMDQ + PAGE + (z->write + i) % SLOTS * PAGE, e + i * PAGE, PAGE);
    }
    z->write = (z->write + elems) % SLOTS;
    qtest_writel(z->s, SHARED + CMDQ + r570_msgqTxHeader__writePtr, z->write);
    wr(z, 0x110c00, 0);
    flush_events(z->s);
    /* what GSP-RM said is taken off its queue, unread */
    write = qtest_readl(z->s, SHARED + STATQ + r570_msgqTxHeader__writePtr);
    qtest_writel(z->s, SHARED + CMDQ + r570_msgqTxHeader__SIZE, write);
}

/* as many messages as it takes */
static void post_all(Fuzz *z, uint32_t function, const uint8_t *payload, uint32_t len)
{
    const uint32_t max = r570_GSP_MSG_QUEUE_RPC_SIZE_MAX - RPC_HDR;

    for (uint32_t off = 0; off < len; off += max) {
        post(z, off ? FN(CONTINUATION_RECORD) : function, payload + off, MIN(len - off, max), true);
    }
}

static void post_first(Fuzz *z)
{
    static const char key[] = "RMSetSriovMode";
    uint8_t info[r570_GspSystemInfo__SIZE] = {};
    uint8_t reg[r570_PACKED_REGISTRY_TABLE__entries + r570_PACKED_REGISTRY_ENTRY__SIZE + sizeof(key)] = {};
    uint8_t *entry = reg + r570_PACKED_REGISTRY_TABLE__entries;

    stq_le_p(info + r570_GspSystemInfo__gpuPhysAddr, BAR0);
    stq_le_p(info + r570_GspSystemInfo__gpuPhysFbAddr, BAR1);
    stq_le_p(info + r570_GspSystemInfo__gpuPhysInstAddr, BAR3);
    stl_le_p(info + r570_GspSystemInfo__pciConfigMirrorBase, MIRROR);
    stl_le_p(info + r570_GspSystemInfo__pciConfigMirrorSize, PAGE);
    stl_le_p(info + r570_GspSystemInfo__gspVFInfo__totalVFs, 32);
    stl_le_p(info + r570_GspSystemInfo__gspVFInfo__firstVFOffset, FIRST_VF);
    stq_le_p(info + r570_GspSystemInfo__gspVFInfo__FirstVFBar0Address, VF_BAR0);
    stq_le_p(info + r570_GspSystemInfo__gspVFInfo__FirstVFBar1Address, VF_BAR1);
    stq_le_p(info + r570_GspSystemInfo__gspVFInfo__FirstVFBar2Address, VF_BAR3);
    info[r570_GspSystemInfo__gspVFInfo__b64bitBar1] = info[r570_GspSystemInfo__gspVFInfo__b64bitBar2] = 1;
    post(z, FN(GSP_SET_SYSTEM_INFO), info, sizeof(info), true);

    stl_le_p(reg + r570_PACKED_REGISTRY_TABLE__size, sizeof(reg));
    stl_le_p(reg + r570_PACKED_REGISTRY_TABLE__numEntries, 1);
    stl_le_p(entry + r570_PACKED_REGISTRY_ENTRY__nameOffset, sizeof(reg) - sizeof(key));
    entry[r570_PACKED_REGISTRY_ENTRY__type] = r570_REGISTRY_TABLE_ENTRY_TYPE_DWORD;
    stl_le_p(entry + r570_PACKED_REGISTRY_ENTRY__data, 1);
    stl_le_p(entry + r570_PACKED_REGISTRY_ENTRY__length, 4);
    memcpy(reg + sizeof(reg) - sizeof(key), key, sizeof(key));
    post(z, FN(SET_REGISTRY), reg, sizeof(reg), true);
}

/* ---- a GSP-RM that runs ------------------------------------------------------------------------------------------ */

static void prepare_queues(Fuzz *z)
{
    uint8_t header[PAGE] = {}, table[2 * PAGE] = {};

    for (unsigned int i = 0; i < SHARED_PAGES; i++) {
        stq_le_p(table + 8 * i, SHARED + i * PAGE);
    }
    qtest_memwrite(z->s, SHARED, table, PAGE);
    qtest_memwrite(z->s, SHARED + STATQ, header, PAGE);
    stl_le_p(header + r570_msgqTxHeader__size, QUEUE_SIZE);
    stl_le_p(header + r570_msgqTxHeader__msgSize, PAGE);
    stl_le_p(header + r570_msgqTxHeader__msgCount, SLOTS);
    stl_le_p(header + r570_msgqTxHeader__flags, r570_MSGQ_FLAGS_SWAP_RX);
    stl_le_p(header + r570_msgqTxHeader__rxHdrOff, r570_msgqTxHeader__SIZE);
    stl_le_p(header + r570_msgqTxHeader__entryOff, PAGE);
    qtest_memwrite(z->s, SHARED + CMDQ, header, PAGE);
}

static void prepare_memory(Fuzz *z)
{
    uint8_t meta[r570_GspFwWprMeta__SIZE] = {}, args[r570_GSP_ARGUMENTS_CACHED__SIZE] = {}, libos[PAGE] = {};

    for (unsigned int level = 0; level < 3; level++) {
        store64(z, RADIX + level * PAGE, RADIX + (level + 1) * PAGE);
    }
    stq_le_p(meta + r570_GspFwWprMeta__sysmemAddrOfRadix3Elf, RADIX);
    stq_le_p(meta + r570_GspFwWprMeta__sizeOfRadix3Elf, PAGE);
    stq_le_p(meta + r570_GspFwWprMeta__nonWprHeapOffset, 46 * GiB);
    stq_le_p(meta + r570_GspFwWprMeta__gspFwWprStart, 46 * GiB + MiB);
    stq_le_p(meta + r570_GspFwWprMeta__gspFwWprEnd, 48 * GiB - MiB);
    meta[r570_GspFwWprMeta__gspFwHeapVfPartitionCount] = VFS;
    qtest_memwrite(z->s, META, meta, sizeof(meta));

    stq_le_p(libos + r570_LibosMemoryRegionInitArgument__id8, 0x524d41524753ull);      /* RMARGS */
    stq_le_p(libos + r570_LibosMemoryRegionInitArgument__pa, RMARGS);
    stq_le_p(libos + r570_LibosMemoryRegionInitArgument__size, PAGE);
    libos[r570_LibosMemoryRegionInitArgument__kind] = r570_LIBOS_MEMORY_REGION_CONTIGUOUS;
    libos[r570_LibosMemoryRegionInitArgument__loc] = r570_LIBOS_MEMORY_REGION_LOC_SYSMEM;
    qtest_memwrite(z->s, LIBOS, libos, sizeof(libos));

#define ARG(m)  (args + r570_GSP_ARGUMENTS_CACHED__messageQueueInitArguments__##m)
    stq_le_p(ARG(sharedMemPhysAddr), SHARED);
    stl_le_p(ARG(pageTableEntryCount), SHARED_PAGES);
    stq_le_p(ARG(cmdQueueOffset), CMDQ);
    stq_le_p(ARG(statQueueOffset), STATQ);
#undef ARG
    qtest_memwrite(z->s, RMARGS, args, sizeof(args));
    prepare_queues(z);
}

/* booter_load on SEC2: a word of code is enough for the falcon to start */
static void boot(Fuzz *z)
{
    step(z, 3);     /* gfw-boot-ms */
    prepare_memory(z);
    wr(z, GSP + 0x3c0, 1);
    wr(z, GSP + 0x3c0, 0);
    wr(z, GSP + 0x040, LIBOS);
    wr(z, SEC2 + 0x3c0, 1);
    wr(z, SEC2 + 0x3c0, 0);
    wr(z, SEC2 + 0x180, BIT(24));
    wr(z, SEC2 + 0x184, 1);
    wr(z, SEC2 + 0x1198, 3);
    wr(z, SEC2 + 0x040, META);
    wr(z, SEC2 + 0x100, 2);
    step(z, 2);
    step(z, 3);
    z->write = z->sequence = 0;
    post_first(z);
    step(z, 3);
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

/* registers that lead somewhere, of the PF and of a VF */
static const uint32_t hot[] = {
    GSP + 0x100, GSP + 0x3c0, GSP + 0x118, GSP + 0x3e8, GSP + 0x1668, SEC2 + 0x100, SEC2 + 0x110, SEC2 + 0x114,
    SEC2 + 0x11c, SEC2 + 0x118, SEC2 + 0x128, SEC2 + 0x600, SEC2 + 0x624, SEC2 + 0x10c, SEC2 + 0x1198, SEC2 + 0x1668,
    SEC2 + 0x180, SEC2 + 0x184, SEC2 + 0x1c0, SEC2 + 0x1c4, SEC2 + 0x040, 0x110c00, 0x1700, 0x9400, 0x88704, 0xb82200,
    0xb81640, 0xb81608, 0xb81200, 0xb80f40, 0xb80f48, 0xbb0090,
}, hot_vf[] = {
    0xf40, 0xf48, 0x2108, 0x210c, 0x2200, 0x30a0, 0x30a4, 0x30b0, 0x1640, 0x1608, 0x1200, 0x30090, 0x10000, 0x1000c,
};

/* commands of controls, by the index that an input has */
static const uint32_t controls[] = {
    r570_NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_BOOTLOAD_GSP_VGPU_PLUGIN_TASK,
    r570_NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_SHUTDOWN_GSP_VGPU_PLUGIN_TASK,
    r570_NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_VGPU_PLUGIN_CLEANUP,
    r570_NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_PGPU_ADD_VGPU_TYPE,
    r570_NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_SET_VGPU_MGR_CONFIG,
    r570_NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_SET_VGPU_HETEROGENEOUS_MODE,
    r570_NV2080_CTRL_CMD_INTERNAL_VMMU_GET_SPA_FOR_GPA_ENTRIES,
    r570_NV2080_CTRL_CMD_INTERNAL_INTR_GET_KERNEL_TABLE,
    r570_NV2080_CTRL_CMD_GPU_GET_VMMU_SEGMENT_SIZE,
    r570_NV2080_CTRL_CMD_FIFO_GET_DEVICE_INFO_TABLE,
    r570_NV0080_CTRL_CMD_DMA_SET_PAGE_DIRECTORY,
};

/* one of what a driver can reach: a byte says which, and then where in it */
static uint64_t place(Fuzz *z)
{
    uint32_t what = number(z, 1), vf = what >> 4 & (VFS - 1);

    switch (what & 0xf) {
    case 0 ... 3:
        return BAR0 + hot[number(z, 1) % ARRAY_SIZE(hot)];
    case 4 ... 6:
        return VF_BAR0 + vf * 256 * KiB + hot_vf[number(z, 1) % ARRAY_SIZE(hot_vf)];
    case 7:
        return BAR0 + (number(z, 3) & ~3);
    case 8:
        return VF_BAR0 + vf * 256 * KiB + (number(z, 3) & 0x3fffc);
    case 9:
        return BAR0 + MIRROR + (number(z, 2) & 0xffc);
    case 10:
        return BAR1 + (number(z, 5) & (64 * GiB - 1));
    case 11:
        return BAR3 + (number(z, 4) & (32 * MiB - 1));
    case 12:
        return VF_BAR1 + vf * 2 * GiB + (number(z, 4) & (2 * GiB - 1));
    case 13:
        return VF_BAR3 + vf * 32 * MiB + (number(z, 4) & (32 * MiB - 1));
    default:    /* PRAMIN: wherever its window is */
        return BAR0 + 0x700000 + (number(z, 3) & 0xfffff);
    }
}

static void op_access(Fuzz *z, uint8_t op)
{
    uint64_t addr = place(z);

    switch (op & 7) {
    case 0:
        qtest_readl(z->s, addr & ~3);
        break;
    case 1:
        qtest_writeq(z->s, addr & ~7, number(z, 8));
        break;
    case 2:
        qtest_writew(z->s, addr & ~1, number(z, 2));
        break;
    default:
        qtest_writel(z->s, addr & ~3, number(z, 4));
        break;
    }
}

/* into the memory that the GPU reads, at a page of an input's choice */
static void op_memory(Fuzz *z)
{
    uint32_t page = number(z, 1), off = number(z, 2) % PAGE, len = number(z, 1);
    uint64_t base = page & 0x80 ? SHARED + (page & 0x7f) * PAGE : META + (page & 0xf) * PAGE;
    const uint8_t *p = take(z, len);

    if (p) {
        qtest_memwrite(z->s, base + off, p, len);
    }
}

/* into framebuffer, near where a plugin task would have its heap */
static void op_framebuffer(Fuzz *z)
{
    uint32_t gfid = number(z, 1) % (VFS + 1), off = number(z, 2) & 0xfffc, words = number(z, 1);
    uint64_t addr = gfid * GiB + 512 * MiB;

    wr(z, 0x1700, addr >> 16);
    for (uint32_t i = 0; i < words && z->left; i++) {
        wr(z, 0x700000 + off + 4 * i, number(z, 4));
    }
}

static void op_rpc(Fuzz *z, bool fix)
{
    uint32_t function = number(z, 2), len = number(z, 2);
    const uint8_t *p = take(z, len);

    if (p) {
        post(z, function, p, len, fix);
    }
}

/* a control of GSP-RM's own objects; parameters that the input does not have are zero */
static void op_control(Fuzz *z)
{
    uint32_t which = number(z, 1) % ARRAY_SIZE(controls), size = number(z, 3) & 0x7ffff, len = number(z, 2);
    g_autofree uint8_t *msg = g_malloc0(CONTROL(SIZE) + size);
    const uint8_t *p = take(z, len);

    stl_le_p(msg + CONTROL(hClient), 0xc2000006);
    stl_le_p(msg + CONTROL(hObject), controls[which] >> 16 == 0x80 ? 0xabcd0080 : 0xabcd2080);
    stl_le_p(msg + CONTROL(cmd), controls[which]);
    stl_le_p(msg + CONTROL(paramsSize), size);
    if (p) {
        memcpy(msg + CONTROL(SIZE), p, MIN(len, size));
    }
    post_all(z, FN(GSP_RM_CONTROL), msg, CONTROL(SIZE) + size);
}

static void operation(Fuzz *z)
{
    uint8_t op = number(z, 1);

    switch (op >> 5) {
    case 0:
    case 1:
    case 2:
        op_access(z, op);
        break;
    case 3:
        op_memory(z);
        break;
    case 4:
        op_framebuffer(z);
        break;
    case 5:
        op_rpc(z, op & 0x1f);
        break;
    case 6:
        op_control(z);
        break;
    default:
        step(z, 1 + (op & 0x1f));
        break;
    }
    flush_events(z->s);
}

static void ada_fuzz(QTestState *s, const unsigned char *data, size_t size)
{
    Fuzz z = { .s = s, .data = data, .left = size };
    uint8_t flags = number(&z, 1);

    map_bars(&z, flags & 2);
    if (!(flags & 1)) {
        boot(&z);
    }
    while (z.left) {
        operation(&z);
    }
    fuzz_reset(s);
}

static GString *ada_cmdline(FuzzTarget *t)
{
    return g_string_new("qemu -display none -machine q35,accel=qtest -nodefaults -m 64M "
                        "-L /usr/share/seabios -L /usr/share/qemu "
                        "-device nvidia-ada,addr=4.0,multifunction=on,fw-check=off");
}

static void register_target(void)
{
    fuzz_add_target(&(FuzzTarget) {
        .name = "nvidia-ada",
        .description = "registers, apertures and messages of an Ada GPU that runs GSP-RM",
        .get_init_cmdline = ada_cmdline,
        .fuzz = ada_fuzz,
    });
}

fuzz_target_init(register_target);
