/*
 * NVIDIA Ada GPU: the virtual-function register block
 *
 * All of a VF's BAR0; the PF sees its own copy at 0xb80000.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "ada.h"

#define BOOT_0              0x0
#define BOOT_1              0x4
#define BOOT_1_VGPU_VF      (2u << 16)
#define BOOT_42             0xa00
#define BAR1_BLOCK          0xf40
#define BAR2_BLOCK          0xf48
#define BAR2_BLOCK_RESET    BIT(30)     /* DEBUG_CYA_INIT */
#define BIND_STATUS         0xf50       /* pending and outstanding */
#define BIND_PENDING        BIT(2)      /* of BAR2 */
#define INTR_FIRST          0x1000
#define INTR_LAST           0x16ff
#define OLD_BAR1_BLOCK      0x1704      /* of older parts; drivers still read and write them */
#define OLD_BAR2_BLOCK      0x1714
#define MAILBOX_SCRATCH     0x2100
#define DOORBELL            0x2200
#define FAULT_BUFFER_FIRST  0x3000      /* two buffers: LO, HI, GET, PUT, SIZE, 0x20 apart */
#define FAULT_BUFFER_LAST   0x303f
#define FAULT_BUFFER_PUT    0xc
#define FAULT_BUFFER_SIZE   0x10        /* in entries of 32 bytes */
#define FAULT_BUFFER_SET_DEFAULT    BIT(30)
#define FAULT_BUFFER_ENTRIES        MAKE_64BIT_MASK(0, 20)
#define FAULT_BUFFER_DEFAULT        1024        /* assumption FAULT-BUFFER */
#define FAULT_INFO_FIRST    0x3080      /* the last fault: none */
#define FAULT_INFO_LAST     0x3097
#define INVALIDATE_PDB      0x30a0
#define INVALIDATE_PDB_SYSMEM   BIT(1)
#define INVALIDATE_PDB_ADDR     MAKE_64BIT_MASK(4, 28)  /* from address bit 12 */
#define INVALIDATE_UPPER    0x30a4                      /* address bits from 40 */
#define INVALIDATE          0x30b0
#define INVALIDATE_ALL_VA       BIT(0)
#define INVALIDATE_ALL_PDB      BIT(1)
#define INVALIDATE_TRIGGER      BIT(31)
#define OLD_BAR0_STATUS     0x9140      /* of older parts, too */
#define USERMODE_CFG        0x30000
#define TIME_0              0x30080
#define TIME_1              0x30084
#define WORK_SUBMIT         0x30090

void ada_func_reset(AdaFunc *f)
{
    ada_intr_reset(f);
    memset(f->mailbox, 0, sizeof(f->mailbox));
    f->bar1_block = 0;          /* of a VF assumption VF-BAR1-RESET */
    f->bar2_block = BAR2_BLOCK_RESET;
    f->inv_pdb = 0;
    f->inv_upper_pdb = 0;
    f->busy_invalidate = f->busy_bind = 0;
    g_clear_pointer(&f->inv_scope, g_free);
    memset(f->usermode_cfg, 0, sizeof(f->usermode_cfg));
    ada_tlb_invalidate_all(f->gpu, f->gfid);
    ada_store_reset(f);
}

/* of what is only kept here; the PF's own copy is part of its BAR0, which keeps other registers */
static uint32_t store_off(AdaFunc *f, uint32_t off)
{
    return f->gfid ? off : ADA_PF_VFREGS + off;
}

/* assumption VF-OLD: what only is kept. In the PF's copy there is nothing at these places */
static bool vf_old(AdaFunc *f, uint32_t off)
{
    switch (off) {
    case OLD_BAR1_BLOCK:
    case OLD_BAR2_BLOCK:
    case OLD_BAR0_STATUS:
        return f->gfid != 0;
    }
    return false;
}

/* What the PF has at these places is in its own BAR0 at 0. */
static bool vf_identity(AdaFunc *f, uint32_t off, uint32_t *val)
{
    if (f->gfid == 0) {
        return false;
    }
    switch (off) {
    case BOOT_0:
        *val = f->gpu->board->boot0;
        return true;
    case BOOT_1:
        *val = BOOT_1_VGPU_VF;
        return true;
    case BOOT_42:
        *val = f->gpu->board->boot42;
        return true;
    }
    return false;
}

static void invalidate_now(AdaFunc *f)
{
    if (f->inv_scope) {
        ada_tlb_invalidate(f->gpu, f->gfid, f->inv_scope);
        g_clear_pointer(&f->inv_scope, g_free);
    }
}

uint32_t ada_vfregs_read(AdaFunc *f, uint32_t off)
{
    uint32_t val;

    if (vf_identity(f, off, &val)) {
        return val;
    }
    if (vf_old(f, off)) {
        return ada_store_read(f, store_off(f, off));
    }
    switch (off) {
    case INTR_FIRST ... INTR_LAST:
        return ada_intr_read(f, off);
    case BAR1_BLOCK:
        return f->bar1_block;
    case BAR2_BLOCK:
        return f->bar2_block;
    case BIND_STATUS:
        return ada_time_busy(&f->busy_bind) ? BIND_PENDING : 0;
    case MAILBOX_SCRATCH ... MAILBOX_SCRATCH + 4 * (ARRAY_SIZE(f->mailbox) - 1):
        return f->mailbox[(off - MAILBOX_SCRATCH) / 4];
    case DOORBELL:
        return 0;
    case FAULT_BUFFER_FIRST ... FAULT_BUFFER_LAST:
        /* no fault is ever written: PUT stays where GET starts */
        return (off & 0x1f) == FAULT_BUFFER_PUT ? 0 : ada_store_read(f, store_off(f, off));
    case FAULT_INFO_FIRST ... FAULT_INFO_LAST:
        return 0;
    case INVALIDATE_PDB:
        return f->inv_pdb;
    case INVALIDATE_UPPER:
        return f->inv_upper_pdb;
    case INVALIDATE:
        if (ada_time_busy(&f->busy_invalidate)) {
            return INVALIDATE_TRIGGER;
        }
        invalidate_now(f);
        return 0;
    case USERMODE_CFG ... USERMODE_CFG + 4 * (ARRAY_SIZE(f->usermode_cfg) - 1):
        return f->usermode_cfg[(off - USERMODE_CFG) / 4];
    case TIME_0:
        return (uint32_t)ada_ptimer(f->gpu) & ~0x1fu;
    case TIME_1:
        return ada_ptimer(f->gpu) >> 32;
    case WORK_SUBMIT:
        return 0;
    }
    return ada_unknown_read(f, store_off(f, off));
}

/* Done when it says so. Without ALL_VA it is of one address, whose register was not published */
static void mmu_invalidate(AdaFunc *f, uint32_t val)
{
    AdaTlbScope scope = {
        .all_roots = val & INVALIDATE_ALL_PDB,
        .root_sysmem = f->inv_pdb & INVALIDATE_PDB_SYSMEM,
        .root = (uint64_t)f->inv_upper_pdb << 40 | (uint64_t)(f->inv_pdb & INVALIDATE_PDB_ADDR) << 8,
    };

    if (!(val & INVALIDATE_TRIGGER)) {
        return;
    }
    if (!(val & INVALIDATE_ALL_VA)) {
        ada_refuse(f->gpu, "tlb-invalidate", "gfid %u: 0x%08x is not of all addresses", f->gfid, val);
        return;
    }
    invalidate_now(f);
    f->inv_scope = g_memdup2(&scope, sizeof(scope));
    f->busy_invalidate = ada_time_reads(f->gpu);
    if (!f->busy_invalidate) {
        invalidate_now(f);
    }
}

/* a driver has the size set to what the part takes it to be, and reads it */
static uint32_t fault_buffer_value(uint32_t off, uint32_t val)
{
    if ((off & 0x1f) == FAULT_BUFFER_SIZE && (val & FAULT_BUFFER_SET_DEFAULT)) {
        return (val & ~FAULT_BUFFER_ENTRIES) | FAULT_BUFFER_DEFAULT;
    }
    return val;
}

void ada_vfregs_write(AdaFunc *f, uint32_t off, uint32_t val)
{
    uint32_t known;

    if (vf_identity(f, off, &known)) {
        return;
    }
    if (vf_old(f, off)) {
        ada_store_write(f, store_off(f, off), val);
        return;
    }
    switch (off) {
    case INTR_FIRST ... INTR_LAST:
        ada_intr_write(f, off, val);
        return;
    case BAR1_BLOCK:
        f->bar1_block = val;
        f->busy_bind = ada_time_reads(f->gpu);
        return;
    case BAR2_BLOCK:
        f->bar2_block = val;
        f->busy_bind = ada_time_reads(f->gpu);
        return;
    case BIND_STATUS:
        return;
    case MAILBOX_SCRATCH ... MAILBOX_SCRATCH + 4 * (ARRAY_SIZE(f->mailbox) - 1):
        f->mailbox[(off - MAILBOX_SCRATCH) / 4] = val;
        return;
    case DOORBELL:
        if (f->gfid == 0) {
            ada_vgpu_doorbell(f->gpu, val);
        } else {
            ada_guest_doorbell(f, val);
        }
        return;
    case INVALIDATE_PDB:
        f->inv_pdb = val;
        return;
    case INVALIDATE_UPPER:
        f->inv_upper_pdb = val;
        return;
    case INVALIDATE:
        mmu_invalidate(f, val);
        return;
    case USERMODE_CFG ... USERMODE_CFG + 4 * (ARRAY_SIZE(f->usermode_cfg) - 1):
        f->usermode_cfg[(off - USERMODE_CFG) / 4] = val;
        return;
    case TIME_0:
    case TIME_1:
        return;
    case WORK_SUBMIT:
        ada_fifo_doorbell(f, val);
        return;
    case FAULT_BUFFER_FIRST ... FAULT_BUFFER_LAST:
        ada_store_write(f, store_off(f, off), fault_buffer_value(off, val));
        return;
    }
    ada_unknown_write(f, store_off(f, off), val);
}
