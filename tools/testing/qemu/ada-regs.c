/*
 * NVIDIA Ada GPU: BAR0
 *
 *   assumption GFW-BOOT  the GPU's own firmware takes 2 ms after each reset of the PF (property gfw-boot-ms). Until
 *                        then what it tells of itself, of the framebuffer's size and of its clearing reads 0, and no
 *                        signed program runs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "ada.h"

#define PMC_BOOT_0          0x000000
#define PMC_BOOT_1          0x000004
#define PMC_BOOT_42         0x000a00
#define PBUS_SW_SCRATCH     0x001400
#define PBUS_BAR0_WINDOW    0x001700
#define PBUS_BAR1_BLOCK     0x001704    /* assumption PBUS-BLOCK: the same as in the PF's copy of the VF block */
#define PBUS_BAR2_BLOCK     0x001714
#define PTIMER_INTR         0x009100
#define PTIMER_INTR_EN      0x009140
#define PTIMER_TIME_0       0x009400
#define PTIMER_TIME_1       0x009410
#define PTIMER_ALARM        0x009420
#define UFLUSH_PENDING      0x070000
#define UFLUSH_BUSY         BIT(1)
#define CONFIG_MIRROR_LAST  0x088fff
#define CONFIG_MSI_REARM    0x704
#define NISO_FLUSH_SYSMEM   0x100c10
#define MEM_CLEAR           0x100b20    /* by the VBIOS, at power-on */
#define MEM_CLEAR_FINISHED  1
#define NISO_FLUSH_HI       0x100c40
#define LOCAL_MEMORY        0x100ce0    /* 9:4 times two to the 3:0, in MiB */
#define LOCAL_MEMORY_ECC    BIT(30)
#define STRAP               0x101000
#define PMU_FALCON          0x10a000
#define PMU_FALCON_LAST     0x10bfff
#define GSP_FALCON          0x110000
#define GSP_FALCON_LAST     0x111fff
#define GSP_QUEUE_HEAD      0x110c00    /* eight, of which GSP-RM listens to the first */
#define GSP_QUEUE_HEAD_LAST 0x110c3f
#define GFW_BOOT_PRIV_MASK  0x118128
#define GFW_BOOT            0x118234
#define GFW_BOOT_COMPLETED  0x3ff       /* 7:0 is the progress */
#define GFW_BOOT_STARTED    0x1         /* seen on an RTX 4070 SUPER, as the next one */
#define WPR2_LO_DOWN        0x1ffffe00
#define WPR2_BLOCK          (128 * KiB)
#define BOOT_STAGE_3        0x1180f8
#define BOOT_STAGE_3_HANDOFF    BIT(26)
#define SCRUBBER_STATUS     0x1180fc    /* 31:29 */
#define SCRUBBER_DONE       (3u << 29)
#define USABLE_FB_SIZE      0x1183a4    /* MiB */
#define ECC_REQUEST         0x118f08    /* for the next reset: as gpu-admin-tools ask for it */
#define ECC_REQUEST_OFF     2
#define ECC_REQUEST_ON      3
#define WPR2_ADDR_LO        0x1fa824
#define WPR2_ADDR_HI        0x1fa828
#define PROM                0x300000
#define PROM_LAST           0x3fffff
#define VGA_IO              0x601000    /* legacy VGA ports; the outputs are fused off */
#define VGA_IO_LAST         0x601fff
#define VGA_WORKSPACE_BASE  0x625f04    /* bit 3 valid */
#define PRAMIN              0x700000
#define PRAMIN_LAST         0x7fffff
#define FUSE_GSP_DEBUG_DIS  0x82074c
#define FUSE_DISPLAY        0x820c04    /* 1: fused off */
#define FUSE_SEC2_UCODE     0x824140    /* sixteen ucode ids each, from 1 */
#define FUSE_SEC2_LAST      0x82417f
#define FUSE_GSP_UCODE      0x8241c0
#define FUSE_GSP_LAST       0x8241ff
#define SEC2_FALCON         0x840000
#define SEC2_FALCON_LAST    0x841fff
#define ECC_STATE           0x9a0470
#define VFREGS_LAST         (ADA_PF_VFREGS + ADA_VF_BAR0_SIZE - 1)

/* ---- registers without a meaning here ---------------------------------------------------------------------------- */

static uint64_t *store_key(AdaFunc *f, uint32_t off)
{
    uint64_t *key = g_new(uint64_t, 1);

    *key = (uint64_t)f->gfid << 32 | off;
    return key;
}

static gboolean store_of_func(gpointer key, gpointer value, gpointer gfid)
{
    return *(uint64_t *)key >> 32 == GPOINTER_TO_UINT(gfid);
}

uint32_t ada_store_read(AdaFunc *f, uint32_t off)
{
    uint64_t key = (uint64_t)f->gfid << 32 | off;

    return GPOINTER_TO_UINT(g_hash_table_lookup(f->gpu->reg_store, &key));
}

void ada_store_write(AdaFunc *f, uint32_t off, uint32_t val)
{
    g_hash_table_replace(f->gpu->reg_store, store_key(f, off), GUINT_TO_POINTER(val));
}

void ada_store_reset(AdaFunc *f)
{
    g_hash_table_foreach_remove(f->gpu->reg_store, store_of_func, GUINT_TO_POINTER(f->gfid));
}

uint32_t ada_unknown_read(AdaFunc *f, uint32_t off)
{
    ada_unmodelled(f, off, false, ADA_PRI_UNKNOWN);
    return ADA_PRI_UNKNOWN;
}

void ada_unknown_write(AdaFunc *f, uint32_t off, uint32_t val)
{
    ada_unmodelled(f, off, true, val);
}

/* ---- PTIMER ------------------------------------------------------------------------------------------------------ */

uint64_t ada_ptimer(AdaState *s)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + s->ptimer_offset;
}

static void ptimer_set(AdaState *s, uint64_t now)
{
    s->ptimer_offset = now - qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/* ---- PF ---------------------------------------------------------------------------------------------------------- */

bool ada_gfw_booted(AdaState *s)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) >= s->gfw_booted_at;
}

/*
 * Assumption FB-SIZE: a MiB for each channel of memory is not to be had, and with ECC a sixteenth of the rest. Fits
 * what is known of nine boards, of which those with ECC are known by nvidia-smi only
 */
static uint64_t fb_size(AdaState *s)
{
    uint64_t mib = s->vram_size / MiB - s->board->fb_channels;

    return (s->ecc ? mib * 15 / 16 : mib) * MiB;
}

void ada_regs_reset(AdaState *s)
{
    s->ecc = s->power_on.ecc == ON_OFF_AUTO_AUTO ? s->board->ecc : s->power_on.ecc == ON_OFF_AUTO_ON;
    s->fb_size = fb_size(s);
    memset(s->sw_scratch, 0, sizeof(s->sw_scratch));
    /* as an RTX 4070 SUPER has them at power-on; what they say is not known */
    s->sw_scratch[4] = 0x2000;
    s->sw_scratch[5] = 0x8000;
    s->sw_scratch[6] = 0x85800;
    s->pramin_base = 0;
    s->ptimer_offset = 0;
    s->gfw_booted_at = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                       ((int64_t)s->power_on.gfw_boot_ms + ada_time_ms(s, 0, 300, 1500)) * SCALE_MS;
    s->scrub_done = s->power_on.scrubbed;
    s->handoff = false;
    s->wpr2_lo = 0;
    s->wpr2_hi = 0;
    s->fwsec_sb_done = false;
    if (s->power_on.wpr2_up) {
        /* as a driver leaves it that died after FWSEC-FRTS: 1 MiB below the VGA workspace */
        s->wpr2_hi = ROUND_DOWN(s->fb_size - 1 * MiB, WPR2_BLOCK);
        s->wpr2_lo = s->wpr2_hi - 1 * MiB;
    }
}

static uint32_t pf_read(AdaState *s, uint32_t off)
{
    PCIDevice *pdev = &s->parent_obj;

    switch (off) {
    case PMC_BOOT_0:
        return s->board->boot0;
    case PMC_BOOT_1:
        return 0;
    case PMC_BOOT_42:
        return s->board->boot42;
    case PBUS_SW_SCRATCH ... PBUS_SW_SCRATCH + 4 * (ARRAY_SIZE(s->sw_scratch) - 1):
        return s->sw_scratch[(off - PBUS_SW_SCRATCH) / 4];
    case PBUS_BAR0_WINDOW:
        return s->pramin_base;
    case PBUS_BAR1_BLOCK:
        return s->func.bar1_block;
    case PBUS_BAR2_BLOCK:
        return s->func.bar2_block;
    case PTIMER_INTR:
        return 0;
    case PTIMER_INTR_EN:
    case PTIMER_ALARM:
    case NISO_FLUSH_SYSMEM:
    case NISO_FLUSH_HI:
    case ECC_REQUEST:
    case GSP_QUEUE_HEAD ... GSP_QUEUE_HEAD_LAST:
        return ada_store_read(&s->func, off);
    case LOCAL_MEMORY:
        return 10 | (s->vram_size / GiB) << 4 | (s->ecc ? LOCAL_MEMORY_ECC : 0);
    case ECC_STATE:
        return s->ecc;
    case PTIMER_TIME_0:
        return (uint32_t)ada_ptimer(s) & ~0x1fu;
    case PTIMER_TIME_1:
        return ada_ptimer(s) >> 32;
    case UFLUSH_PENDING:
        return ada_time_busy(&s->busy_flush) ? UFLUSH_BUSY : 0;
    case ADA_CONFIG_MIRROR ... CONFIG_MIRROR_LAST:
        return pdev->config_read(pdev, off - ADA_CONFIG_MIRROR, 4);
    case STRAP:
        return 0;
    case GSP_FALCON ... GSP_QUEUE_HEAD - 1:
    case GSP_QUEUE_HEAD_LAST + 1 ... GSP_FALCON_LAST:
        return ada_gsp_locked(s, off) ? ADA_PRI_RESET : ada_falcon_read(&s->gsp_falcon, off - GSP_FALCON);
    case SEC2_FALCON ... SEC2_FALCON_LAST:
        return ada_falcon_read(&s->sec2, off - SEC2_FALCON);
    case PMU_FALCON ... PMU_FALCON_LAST:
        return ada_falcon_read(&s->pmu, off - PMU_FALCON);
    case MEM_CLEAR:
        return ada_gfw_booted(s) ? MEM_CLEAR_FINISHED : 0;
    case GFW_BOOT_PRIV_MASK:
        return ada_gfw_booted(s);
    case GFW_BOOT:
        return ada_gfw_booted(s) ? GFW_BOOT_COMPLETED : GFW_BOOT_STARTED;
    case SCRUBBER_STATUS:
        return s->scrub_done ? SCRUBBER_DONE : 0;
    case BOOT_STAGE_3:
        return s->handoff ? BOOT_STAGE_3_HANDOFF : 0;
    case USABLE_FB_SIZE:
        return ada_gfw_booted(s) ? s->fb_size / MiB : ADA_PRI_NOT_READY;
    case WPR2_ADDR_LO:
        return s->wpr2_hi ? s->wpr2_lo >> 12 << 4 : WPR2_LO_DOWN;
    case WPR2_ADDR_HI:
        /* the last block that belongs to it */
        return s->wpr2_hi ? (s->wpr2_hi - WPR2_BLOCK) >> 12 << 4 : 0;
    case PROM ... PROM_LAST:
        return ada_flash_prom(s, off - PROM);
    case VGA_IO ... VGA_IO_LAST:
        return 0;
    case VGA_WORKSPACE_BASE:
        /* in 64 KiB from bit 8 */
        return s->power_on.vga_workspace ? (s->fb_size - s->power_on.vga_workspace * KiB) >> 16 << 8 | 1 << 3 : 0;
    case FUSE_DISPLAY:
        return !s->power_on.vga_workspace;
    case FUSE_GSP_DEBUG_DIS:
        return 1;
    case FUSE_SEC2_UCODE ... FUSE_SEC2_LAST:
        return s->power_on.fuse_sec2;
    case FUSE_GSP_UCODE ... FUSE_GSP_LAST:
        return s->power_on.fuse_gsp;
    case ADA_PF_VFREGS ... VFREGS_LAST:
        return ada_vfregs_read(&s->func, off - ADA_PF_VFREGS);
    }
    return ada_unknown_read(&s->func, off);
}

static void request_ecc(AdaState *s, uint32_t what)
{
    if (what == ECC_REQUEST_ON || what == ECC_REQUEST_OFF) {
        s->next_power_on.ecc = what == ECC_REQUEST_ON ? ON_OFF_AUTO_ON : ON_OFF_AUTO_OFF;
    }
}

static void pf_write(AdaState *s, uint32_t off, uint32_t val)
{
    PCIDevice *pdev = &s->parent_obj;

    switch (off) {
    case PMC_BOOT_0:
    case PMC_BOOT_1:
    case PMC_BOOT_42:
    case PTIMER_INTR:
    case STRAP:
    case GFW_BOOT_PRIV_MASK:
    case GFW_BOOT:
    case MEM_CLEAR:
    case BOOT_STAGE_3:
    case SCRUBBER_STATUS:
    case USABLE_FB_SIZE:
    case LOCAL_MEMORY:
    case ECC_STATE:
    case PROM ... PROM_LAST:
    case VGA_IO ... VGA_IO_LAST:
    case FUSE_GSP_DEBUG_DIS:
    case FUSE_DISPLAY:
    case FUSE_SEC2_UCODE ... FUSE_SEC2_LAST:
    case FUSE_GSP_UCODE ... FUSE_GSP_LAST:
        return;
    case WPR2_ADDR_LO:
    case WPR2_ADDR_HI:
        /* only firmware of a high security level may */
        ada_refuse(s, "wpr2-register", "write of 0x%08x by the CPU", val);
        return;
    case PBUS_SW_SCRATCH ... PBUS_SW_SCRATCH + 4 * (ARRAY_SIZE(s->sw_scratch) - 1):
        s->sw_scratch[(off - PBUS_SW_SCRATCH) / 4] = val;
        return;
    case PBUS_BAR0_WINDOW:
        s->pramin_base = val;
        return;
    case UFLUSH_PENDING:
        ada_posted_land(s);
        s->busy_flush = ada_time_reads(s);
        return;
    case PBUS_BAR1_BLOCK:
        s->func.bar1_block = val;
        return;
    case PBUS_BAR2_BLOCK:
        s->func.bar2_block = val;
        return;
    case ECC_REQUEST:
        ada_store_write(&s->func, off, val);
        request_ecc(s, extract32(val, 12, 2));
        return;
    case PTIMER_INTR_EN:
    case PTIMER_ALARM:
    case NISO_FLUSH_SYSMEM:
    case NISO_FLUSH_HI:
        ada_store_write(&s->func, off, val);
        return;
    case PTIMER_TIME_0:
        ptimer_set(s, deposit64(ada_ptimer(s), 0, 32, val));
        return;
    case PTIMER_TIME_1:
        ptimer_set(s, deposit64(ada_ptimer(s), 32, 32, val));
        return;
    case ADA_CONFIG_MIRROR ... CONFIG_MIRROR_LAST:
        pdev->config_write(pdev, off - ADA_CONFIG_MIRROR, val, 4);
        if (off - ADA_CONFIG_MIRROR == CONFIG_MSI_REARM) {
            ada_intr_rearm(&s->func);
        }
        return;
    case GSP_QUEUE_HEAD ... GSP_QUEUE_HEAD_LAST:
        ada_store_write(&s->func, off, val);
        if (off == GSP_QUEUE_HEAD) {
            ada_gsp_doorbell(s);
        }
        return;
    case GSP_FALCON ... GSP_QUEUE_HEAD - 1:
    case GSP_QUEUE_HEAD_LAST + 1 ... GSP_FALCON_LAST:
        if (!ada_gsp_locked(s, off)) {
            ada_falcon_write(&s->gsp_falcon, off - GSP_FALCON, val);
        }
        return;
    case SEC2_FALCON ... SEC2_FALCON_LAST:
        ada_falcon_write(&s->sec2, off - SEC2_FALCON, val);
        return;
    case PMU_FALCON ... PMU_FALCON_LAST:
        ada_falcon_write(&s->pmu, off - PMU_FALCON, val);
        return;
    case ADA_PF_VFREGS ... VFREGS_LAST:
        ada_vfregs_write(&s->func, off - ADA_PF_VFREGS, val);
        return;
    }
    ada_unknown_write(&s->func, off, val);
}

/* ---- access sizes ------------------------------------------------------------------------------------------------ */

/* Registers are dwords; a narrower read picks its bytes. */
static uint64_t narrow_read(uint32_t dword, hwaddr addr, unsigned int size)
{
    return extract32(dword, 8 * (addr & 3), 8 * size);
}

/*
 * A narrower write drives the other byte lanes to 0: read-modify-write would acknowledge write-one-to-clear bits, and
 * no driver writes a dword register so.
 */
static uint32_t widen_write(uint64_t val, hwaddr addr, unsigned int size)
{
    return extract64(val, 0, 8 * size) << 8 * (addr & 3);
}

bool ada_is_register(uint32_t off)
{
    return off % 4 == 0 && off < ADA_PF_BAR0_SIZE && (off < PRAMIN || off > PRAMIN_LAST);
}

static uint64_t pf_bar0_read(void *opaque, hwaddr addr, unsigned int size)
{
    AdaState *s = opaque;
    uint32_t val;

    s->func.stats.bar_reads[0]++;
    if (addr >= PRAMIN && addr <= PRAMIN_LAST) {
        return ada_pramin_read(s, addr - PRAMIN, size);
    }
    val = pf_read(s, addr & ~3);
    return narrow_read(ada_fault_register(s, addr & ~3, val), addr, size);
}

static void pf_bar0_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
    AdaState *s = opaque;

    s->func.stats.bar_writes[0]++;
    if (addr >= PRAMIN && addr <= PRAMIN_LAST) {
        ada_pramin_write(s, addr - PRAMIN, val, size);
        return;
    }
    pf_write(s, addr & ~3, widen_write(val, addr, size));
}

const MemoryRegionOps ada_pf_bar0_ops = {
    .read = pf_bar0_read,
    .write = pf_bar0_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

static uint64_t vf_bar0_read(void *opaque, hwaddr addr, unsigned int size)
{
    AdaFunc *f = opaque;

    f->stats.bar_reads[0]++;
    return narrow_read(ada_vfregs_read(f, addr & ~3), addr, size);
}

static void vf_bar0_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
    AdaFunc *f = opaque;

    f->stats.bar_writes[0]++;
    ada_vfregs_write(f, addr & ~3, widen_write(val, addr, size));
}

const MemoryRegionOps ada_vf_bar0_ops = {
    .read = vf_bar0_read,
    .write = vf_bar0_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};
