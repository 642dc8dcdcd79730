/*
 * NVIDIA Ada: falcon block, as the GSP, SEC2 and the PMU have it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Registers, the loader DMA and the processor's start and halt. What a started program does is in ada-hs.c. Transfers
 * are finished when the command's write returns; programs take a while, so that a driver has to wait for them.
 *
 * Each has two cores, a falcon and a RISC-V, and after each reset the RISC-V one: a driver has to choose the falcon
 * before it starts a program of it. While the engine is held in reset nothing else of it answers.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "ada.h"
#include "ada-abi.h"

#define REG(name)       r570_NV_PFALCON_FALCON_##name
#define BROM(name)      (0x1000 + r570_NV_PFALCON2_FALCON_##name)   /* PFALCON2 is the second page */
#define PRISCV(name)    (0x1000 + r570_NV_PRISCV_RISCV_##name)      /* and shares it with PRISCV */
#define FBIF(name)      (r570_NV_PFALCON_FBIF_##name)               /* in a block of its own */
#define FIELD_OF(name)  name##_LO, name##_HI - name##_LO + 1
#define GET(v, name)    extract32(v, FIELD_OF(r570_NV_PFALCON_##name))

#define ITFEN           0x048   /* interfaces of the falcon that are enabled: stored */
#define ENGINE          0x3c0   /* NV_PGSP_FALCON_ENGINE; SEC2 has it at the same place */

#define IRQ_HALT        BIT(4)
#define IRQ_SWGEN0      BIT(6)
#define CPUCTL_STARTCPU BIT(1)
#define CPUCTL_HALTED   BIT(4)
/*
 * HWCFG2 as SEC2 of an RTX 4070 SUPER has it after FLR: nothing to scrub, has a RISC-V (10). Ready for reset (31) comes
 * with the first one
 */
#define HWCFG2_VALUE    0x67b7
#define HWCFG2_READY    BIT(31)
#define HWCFG3          0x278   /* sizes of memories in blocks: IMEM 11:0, DMEM 27:16 */
/* assumption HWCFG1: core version 6 with heavy-secure mode; the ports as NVIDIA's tools know them of SEC2 and PMU */
#define HWCFG1          0x12c
#define HWCFG1_VALUE(t) (6 | 3 << 4 | (t)->imem_ports << 8 | (t)->dmem_ports << 12)
/* nine bits each, which cannot tell the PMU's */
#define HWCFG_VALUE(t)  (MIN((t)->imem_size / 256, 0x1ff) | MIN((t)->dmem_size / 256, 0x1ff) << 9)
#define DMATRFCMD_IDLE  BIT(1)
#define BCR_VALID       BIT(0)
#define BCR_CORE_RISCV  BIT(4)
#define BCR_WRITABLE    (BIT(8) | BCR_CORE_RISCV)
#define PORT_AINCR      BIT(25)
#define PORT_AINCW      BIT(24)

/* Targets of FBIF_TRANSCFG; the ABI tables name the coherent one only, the others are as Linux's nova-core has them */
enum { TARGET_FB, TARGET_COHERENT_SYSMEM, TARGET_NONCOHERENT_SYSMEM };

#define RUN_MS          1       /* any time will do that a driver must wait for */
#define RUN_MS_REAL     60
#define HWCFG2_SCRUBBING BIT(12)

/* sizes and ports of SEC2 and PMU: gpu-admin-tools has them for Ada. Assumption GSP-FALCON: the GSP's */
const AdaFalconType ada_falcon_gsp = { "gsp", 0x110000, 0x600, ADA_GSP_IMEM, ADA_GSP_DMEM, 1, 4 };
const AdaFalconType ada_falcon_sec2 = { "sec2", 0x840000, 0x600, 0x16000, 0x10000, 1, 1 };
const AdaFalconType ada_falcon_pmu = { "pmu", 0x10a000, 0xe00, ADA_FALCON_IMEM_MAX, 0x2c000, 1, 4 };

static bool is_gsp(AdaFalcon *f)
{
    return f == &f->gpu->gsp_falcon;
}

/* ---- interrupts -------------------------------------------------------------------------------------------------- */

/*
 * The RISC-V core has a mask of its own, which its program sets; the falcon's is the host's.
 *
 * Assumption FALCON-LINE: the vector is latched when the falcon's line rises. One more reason while it is up changes
 * nothing: a handler that is done asks for the vector again, by the re-trigger register, in case the line is not down.
 */
static void update_irq(AdaFalcon *f, bool again)
{
    bool line = f->irqstat & (f->riscv_irqmask ? f->riscv_irqmask : f->irqmask);

    if (is_gsp(f) && line && (!f->irq_line || again)) {
        ada_intr_raise(&f->gpu->func, ada_gsp_stall_vector(f->gpu));
    }
    f->irq_line = line;
}

void ada_falcon_swgen0(AdaFalcon *f)
{
    f->irqstat |= IRQ_SWGEN0;
    update_irq(f, false);
}

void ada_falcon_riscv_start(AdaFalcon *f)
{
    f->riscv_active = true;
    f->riscv_halted = false;
    f->riscv_irqmask = IRQ_SWGEN0 | IRQ_HALT;
}

void ada_falcon_riscv_halt(AdaFalcon *f)
{
    f->riscv_active = false;
    f->riscv_halted = true;
    f->irqstat |= IRQ_HALT;
    update_irq(f, false);
}

/* ---- memories ---------------------------------------------------------------------------------------------------- */

static uint32_t mem_size(AdaFalcon *f, bool imem)
{
    return imem ? f->type->imem_size : f->type->dmem_size;
}

static void imem_store(AdaFalcon *f, uint32_t off, const void *data, uint32_t len, uint16_t tag, bool secure)
{
    memcpy(f->imem + off, data, len);
    f->imem_tag[off / 256] = tag;
    f->imem_secure[off / 256] = secure;
    f->imem_high = MAX(f->imem_high, off + len);
}

static void dmem_store(AdaFalcon *f, uint32_t off, const void *data, uint32_t len)
{
    memcpy(f->dmem + off, data, len);
    f->dmem_high = MAX(f->dmem_high, off + len);
}

/* Where a PIO port points: OFFS 7:2, BLK 23:8; past the end of the memory: false */
static bool port_offset(uint32_t ctl, uint32_t size, uint32_t *off)
{
    *off = ctl & 0xfffffc;
    return *off <= size - 4;
}

static void port_advance(uint32_t *ctl, uint32_t inc)
{
    if (*ctl & inc) {
        *ctl = (*ctl & ~0xfffffc) | ((*ctl + 4) & 0xfffffc);
    }
}

static uint32_t port_read(AdaFalcon *f, uint32_t *ctl, bool imem)
{
    uint32_t off, val = 0;

    if (port_offset(*ctl, mem_size(f, imem), &off) && !(imem && f->imem_secure[off / 256])) {
        val = ldl_le_p((imem ? f->imem : f->dmem) + off);
    }
    port_advance(ctl, PORT_AINCR);
    return val;
}

static void port_write(AdaFalcon *f, uint32_t *ctl, bool imem, uint32_t val)
{
    uint32_t off;
    uint8_t data[4];

    stl_le_p(data, val);
    if (port_offset(*ctl, mem_size(f, imem), &off)) {
        if (imem) {
            imem_store(f, off, data, 4, f->imem_tag[off / 256], *ctl & BIT(28));
        } else {
            dmem_store(f, off, data, 4);
        }
    }
    port_advance(ctl, PORT_AINCW);
}

/* ---- loader DMA -------------------------------------------------------------------------------------------------- */

static bool fb_access(AdaFalcon *f, uint64_t addr, void *buf, uint32_t len, bool write)
{
    AdaState *s = f->gpu;

    if (s->wpr2_hi && addr < s->wpr2_hi && addr + len > s->wpr2_lo) {
        ada_refuse(s, "wpr2-access", "%s: DMA of 0x%" PRIx64 " inside WPR2", f->name, addr);
        return false;
    }
    return write ? ada_vram_write(s, addr, buf, len) : ada_vram_read(s, addr, buf, len);
}

/* The far side of a transfer, as the FBIF's context @ctx maps it */
static bool dma_far(AdaFalcon *f, unsigned int ctx, uint64_t addr, void *buf, uint32_t len, bool write)
{
    uint32_t cfg = f->fbif_transcfg[ctx];
    AdaFunc *func = &f->gpu->func;

    switch (GET(cfg, FBIF_TRANSCFG_TARGET)) {
    case TARGET_FB:
        return fb_access(f, addr, buf, len, write);
    case TARGET_COHERENT_SYSMEM:
    case TARGET_NONCOHERENT_SYSMEM:
        return write ? ada_dma_write(func, addr, buf, len) : ada_dma_read(func, addr, buf, len);
    default:
        return false;
    }
}

/* What is wrong with a transfer command, as the name of a refusal, or NULL */
static const char *dma_fault(AdaFalcon *f, uint32_t cmd, uint32_t size)
{
    bool imem = GET(cmd, FALCON_DMATRFCMD_IMEM);
    unsigned int ctx = GET(cmd, FALCON_DMATRFCMD_CTXDMA);

    if (f->busy_scrub) {
        return ADA_CHECK("falcon-scrubbing");
    }
    /* IMEM is loaded by tagged blocks of 256 bytes; there is no size 7 */
    if (size > 256 || (imem && size != 256)) {
        return ADA_CHECK("falcon-dma-size");
    }
    if (f->dma_moffs % size || f->dma_fboffs % size) {
        return ADA_CHECK("falcon-dma-align");
    }
    if (f->dma_moffs > mem_size(f, imem) - size) {
        return ADA_CHECK("falcon-dma-bounds");
    }
    if (imem && GET(cmd, FALCON_DMATRFCMD_WRITE)) {
        return ADA_CHECK("falcon-dma-direction");
    }
    /* There is no instance block here to make a context of, so the physical way must be open */
    if ((f->dmactl & BIT(0)) || !(f->fbif_ctl & BIT(7)) || !GET(f->fbif_transcfg[ctx], FBIF_TRANSCFG_MEM_TYPE)) {
        return ADA_CHECK("falcon-dma-context");
    }
    return NULL;
}

static void dma_command(AdaFalcon *f, uint32_t cmd)
{
    uint32_t size = 4 << GET(cmd, FALCON_DMATRFCMD_SIZE);
    bool imem = GET(cmd, FALCON_DMATRFCMD_IMEM), write = GET(cmd, FALCON_DMATRFCMD_WRITE);
    unsigned int ctx = GET(cmd, FALCON_DMATRFCMD_CTXDMA);
    uint64_t addr = f->dma_base + f->dma_fboffs;
    const char *fault = dma_fault(f, cmd, size);
    uint8_t buf[256] = {};

    f->dma_cmd = cmd;
    if (!fault && write) {
        memcpy(buf, f->dmem + f->dma_moffs, size);
    }
    if (!fault && !dma_far(f, ctx, addr, buf, size, write)) {
        fault = ADA_CHECK("falcon-dma-target");
    }
    if (fault) {
        ada_refused(f->gpu, fault, "%s: command 0x%x, %u bytes, %s 0x%x, address 0x%" PRIx64 ", TRANSCFG 0x%x, DMACTL "
                    "0x%x, FBIF_CTL 0x%x", f->name, cmd, size, imem ? "IMEM" : "DMEM", f->dma_moffs, addr,
                    f->fbif_transcfg[ctx], f->dmactl, f->fbif_ctl);
        return;
    }
    if (imem) {
        imem_store(f, f->dma_moffs, buf, size, f->dma_fboffs >> 8, GET(cmd, FALCON_DMATRFCMD_SEC));
    } else if (!write) {
        dmem_store(f, f->dma_moffs, buf, size);
    }
    f->busy_dma = ada_time_reads(f->gpu);
}

/* ---- processor --------------------------------------------------------------------------------------------------- */

static void run_done(void *opaque)
{
    AdaFalcon *f = opaque;

    if (f->ran) {
        f->mailbox[0] = f->result;
    } else {
        ada_hs_run(f);
    }
    f->halted = true;
    f->irqstat |= IRQ_HALT;
    update_irq(f, false);
}

static void start_cpu(AdaFalcon *f)
{
    if (f->bcr_ctrl & BCR_CORE_RISCV) {
        ada_refuse(f->gpu, "falcon-core", "%s: STARTCPU, but its core is the RISC-V (BCR_CTRL 0x%x)", f->name,
                   f->bcr_ctrl);
        return;
    }
    if (f->busy_core) {
        ada_refuse(f->gpu, "falcon-core", "%s: STARTCPU before BCR_CTRL is valid", f->name);
        return;
    }
    if (f->busy_dma) {
        ada_refuse(f->gpu, "falcon-dma-busy", "%s: STARTCPU before its last transfer is done", f->name);
        f->imem[0] ^= 1;
    }
    if (!timer_pending(f->run)) {
        f->halted = false;
        f->early = !ada_gfw_booted(f->gpu);
        f->ran = ada_time_coin(f->gpu);
        if (f->ran) {
            uint32_t before = f->mailbox[0];

            ada_hs_run(f);
            f->result = f->mailbox[0];
            f->mailbox[0] = before;
        }
        timer_mod(f->run, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                  ada_time_ms(f->gpu, RUN_MS, RUN_MS, RUN_MS_REAL) * SCALE_MS);
    }
}

void ada_falcon_reset(AdaFalcon *f)
{
    bool was_active = f->riscv_active;

    timer_del(f->run);
    memset(f->imem, 0, f->type->imem_size);
    memset(f->dmem, 0, f->type->dmem_size);
    memset(f->imem_tag, 0, sizeof(f->imem_tag));
    memset(f->imem_secure, 0, sizeof(f->imem_secure));
    memset(f->imemc, 0, sizeof(f->imemc));
    memset(f->dmemc, 0, sizeof(f->dmemc));
    memset(f->mailbox, 0, sizeof(f->mailbox));
    memset(f->fbif_transcfg, 0, sizeof(f->fbif_transcfg));
    f->imem_high = f->dmem_high = 0;
    f->busy_dma = f->busy_core = 0;
    f->busy_scrub = ada_time_reads(f->gpu);
    f->irqstat = f->irqmask = f->irqdest = f->riscv_irqmask = 0;
    f->itfen = f->os = f->rm = f->bootvec = f->fbif_ctl = 0;
    f->dmactl = BIT(0);     /* DMA wants a context until the host says otherwise */
    f->dma_base = f->dma_moffs = f->dma_fboffs = f->dma_cmd = 0;
    f->brom_modsel = f->brom_ucode_id = f->brom_engid = f->brom_paraaddr = 0;
    f->halted = true;
    f->irq_line = f->riscv_active = f->riscv_halted = false;
    f->bcr_ctrl = BCR_CORE_RISCV | BCR_VALID;

    if (is_gsp(f) ? was_active && !ada_seq_suspend(f->gpu) : f == &f->gpu->sec2 && ada_seq_suspended(f->gpu)) {
        ada_gsp_forget(f->gpu);
    }
}

void ada_falcon_power_on(AdaFalcon *f)
{
    f->engine = 0;
    f->was_reset = false;
    ada_falcon_reset(f);
}

void ada_falcon_init(AdaFalcon *f, AdaState *s, const AdaFalconType *type)
{
    f->gpu = s;
    f->type = type;
    f->name = type->name;
    f->imem = g_malloc0(type->imem_size);
    f->dmem = g_malloc0(type->dmem_size);
    f->run = timer_new_ns(QEMU_CLOCK_VIRTUAL, run_done, f);
    ada_falcon_power_on(f);
}

void ada_falcon_exit(AdaFalcon *f)
{
    timer_free(f->run);
    g_free(f->imem);
    g_free(f->dmem);
    f->run = NULL;
    f->imem = f->dmem = NULL;
}

/* ---- registers --------------------------------------------------------------------------------------------------- */

/* PIO ports: IMEMC, IMEMD, IMEMT 16 bytes apart; DMEMC, DMEMD 8 bytes apart */
static bool port_access(AdaFalcon *f, uint32_t off, bool write, uint32_t *val)
{
    bool imem = off >= REG(IMEMC_0) && off < REG(IMEMC_0) + 16 * f->type->imem_ports;
    uint32_t stride = imem ? 16 : 8, base = imem ? REG(IMEMC_0) : REG(DMEMC_0);
    uint32_t *ctl;

    if (!imem && (off < base || off >= base + 8 * f->type->dmem_ports)) {
        return false;
    }
    ctl = (imem ? f->imemc : f->dmemc) + (off - base) / stride;

    switch ((off - base) % stride) {
    case 0:
        if (write) {
            *ctl = *val;
        } else {
            *val = *ctl;
        }
        return true;
    case 4:
        if (write) {
            port_write(f, ctl, imem, *val);
        } else {
            *val = port_read(f, ctl, imem);
        }
        return true;
    case 8: {   /* IMEMT: tag of the block that the port points into */
        uint32_t at;
        if (port_offset(*ctl, f->type->imem_size, &at)) {
            if (write) {
                f->imem_tag[at / 256] = *val;
            } else {
                *val = f->imem_tag[at / 256];
            }
        }
        return true;
    }
    default:
        return false;
    }
}

static uint32_t *fbif_register(AdaFalcon *f, uint32_t off)
{
    uint32_t transcfg = off - FBIF(TRANSCFG_0);

    if (off == FBIF(CTL)) {
        return &f->fbif_ctl;
    }
    if (transcfg < sizeof(f->fbif_transcfg) && transcfg % 4 == 0) {
        return &f->fbif_transcfg[transcfg / 4];
    }
    return NULL;
}

static uint32_t *plain_register(AdaFalcon *f, uint32_t off)
{
    switch (off) {
    case REG(IRQDEST):
        return &f->irqdest;
    case REG(MAILBOX0):
        return &f->mailbox[0];
    case REG(MAILBOX1):
        return &f->mailbox[1];
    case ITFEN:
        return &f->itfen;
    case REG(OS):
        return &f->os;
    case REG(RM):
        return &f->rm;
    case REG(BOOTVEC):
        return &f->bootvec;
    case REG(DMATRFFBOFFS):
        return &f->dma_fboffs;
    case BROM(MOD_SEL):
        return &f->brom_modsel;
    case BROM(BROM_CURR_UCODE_ID):
        return &f->brom_ucode_id;
    case BROM(BROM_ENGIDMASK):
        return &f->brom_engid;
    case BROM(BROM_PARAADDR_0):
        return &f->brom_paraaddr;
    default:
        return fbif_register(f, off - f->type->fbif);
    }
}

uint32_t ada_falcon_read(AdaFalcon *f, uint32_t off)
{
    uint32_t *plain = plain_register(f, off), val = 0;

    if (f->engine && off != ENGINE) {
        return ADA_PRI_RESET;
    }
    if (plain) {
        return *plain;
    }
    if (port_access(f, off, false, &val)) {
        return val;
    }
    switch (off) {
    case REG(IRQSTAT):
        return f->irqstat;
    case REG(IRQMASK):
        return f->irqmask;
    case REG(IRQSCLR):
    case REG(IRQMSET):
    case REG(IRQMCLR):
    case REG(CPUCTL_ALIAS):
    case REG(INTR_RETRIGGER_0):
    case REG(INTR_RETRIGGER_1):
        return 0;
    case REG(HWCFG2):
        return HWCFG2_VALUE | (f->was_reset ? HWCFG2_READY : 0) |
               (ada_time_busy(&f->busy_scrub) ? HWCFG2_SCRUBBING : 0);
    case HWCFG3:
        return f->type->imem_size / 256 | f->type->dmem_size / 256 << 16;
    case REG(HWCFG):
        return HWCFG_VALUE(f->type);
    case HWCFG1:
        return HWCFG1_VALUE(f->type);
    case REG(CPUCTL):
        return f->halted ? CPUCTL_HALTED : 0;
    case REG(DMACTL):
        return f->dmactl;
    case REG(DMATRFBASE):
        return f->dma_base >> 8;
    case REG(DMATRFBASE1):
        return f->dma_base >> 40;
    case REG(DMATRFMOFFS):
        return f->dma_moffs;
    case REG(DMATRFCMD):
        return (f->dma_cmd & ~3) | (ada_time_busy(&f->busy_dma) ? 0 : DMATRFCMD_IDLE);
    case ENGINE:
        return f->engine;
    case PRISCV(CPUCTL):
        return (f->riscv_active ? BIT(7) : 0) | (f->riscv_halted ? BIT(4) : 0);
    case PRISCV(IRQMASK):
    case PRISCV(IRQDEST):
        return f->riscv_irqmask;
    case PRISCV(BCR_CTRL):
        return f->bcr_ctrl & ~(ada_time_busy(&f->busy_core) ? BCR_VALID : 0);
    default:
        return ada_unknown_read(&f->gpu->func, f->type->base + off);
    }
}

static void write_engine(AdaFalcon *f, uint32_t val)
{
    f->engine = val & 1;
    if (val & 1) {
        f->was_reset = true;
        ada_falcon_reset(f);
    }
}

void ada_falcon_write(AdaFalcon *f, uint32_t off, uint32_t val)
{
    uint32_t *plain = plain_register(f, off);

    if (f->engine && off != ENGINE) {
        return;
    }
    if (plain) {
        *plain = val;
        return;
    }
    if (port_access(f, off, true, &val)) {
        return;
    }
    switch (off) {
    case REG(IRQSCLR):
        f->irqstat &= ~val;
        update_irq(f, false);
        break;
    case REG(IRQMSET):
        f->irqmask |= val;
        update_irq(f, false);
        break;
    case REG(IRQMCLR):
        f->irqmask &= ~val;
        update_irq(f, false);
        break;
    case REG(INTR_RETRIGGER_0):
    case REG(INTR_RETRIGGER_1):
        if (val & 1) {
            update_irq(f, true);
        }
        break;
    case REG(CPUCTL):
    case REG(CPUCTL_ALIAS):
        if (val & CPUCTL_STARTCPU) {
            start_cpu(f);
        }
        break;
    case REG(DMACTL):
        f->dmactl = val & ~6;   /* scrubbing of both memories is done */
        break;
    case REG(DMATRFBASE):
        f->dma_base = deposit64(f->dma_base, 8, 32, val);
        break;
    case REG(DMATRFBASE1):
        f->dma_base = deposit64(f->dma_base, 40, 9, val);
        break;
    case REG(DMATRFMOFFS):
        f->dma_moffs = val & 0xffffff;
        break;
    case REG(DMATRFCMD):
        dma_command(f, val);
        break;
    case ENGINE:
        write_engine(f, val);
        break;
    case PRISCV(BCR_CTRL):
        f->bcr_ctrl = (val & BCR_WRITABLE) | BCR_VALID;
        f->busy_core = ada_time_reads(f->gpu);
        break;
    default:
        ada_unknown_write(&f->gpu->func, f->type->base + off, val);
    }
}
