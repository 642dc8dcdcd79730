/*
 * NVIDIA Ada GPU: framebuffer memory, the MMUs in front of it, and the apertures that show it
 *
 *   virtual address --GMMU--> guest physical FB (GPA) --VMMU--> system physical FB (SPA)
 *                        \--> sysmem (DMA by the function)
 *
 * The PF's GPA is the SPA. What walks found is kept in the TLB (ada-tlb.c).
 *
 * BAR1 and BAR3 of a function show what its block register says: an address space of the GPU, or framebuffer itself. It
 * is the latter from each reset on: of the PF other people's boot code makes use on Ada boards.
 *
 *   assumption VF-BAR1-RESET  the block registers of a VF reset to physical mode, too: offset x of the BAR is GPA x
 *   assumption VMMU-GPA       a GFID's GPA space is its segment list, concatenated; past its end reads are all-ones
 *   assumption WPR2-CPU       the CPU reads all-ones in WPR2, its writes are dropped
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include "qemu/log.h"
#include "qapi/error.h"
#include "exec/memory.h"
#include "exec/cpu-common.h"
#include "ada.h"

/* ---- memory ------------------------------------------------------------------------------------------------------ */

bool ada_vram_init(AdaState *s, Error **errp)
{
    if (s->hostmem) {
        MemoryRegion *mr = host_memory_backend_get_memory(s->hostmem);

        if (host_memory_backend_is_mapped(s->hostmem)) {
            error_setg(errp, "memdev is already in use");
            return false;
        }
        if (memory_region_size(mr) < s->vram_size) {
            error_setg(errp, "memdev is smaller than vram-size (0x%" PRIx64 ")", s->vram_size);
            return false;
        }
        host_memory_backend_set_mapped(s->hostmem, true);
        s->vram_ptr = memory_region_get_ram_ptr(mr);
        return true;
    }

    /* 48 GiB must cost only what is touched, on machines that have less: no reservation */
    s->vram_ptr = mmap(NULL, s->vram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->vram_ptr == MAP_FAILED) {
        error_setg_errno(errp, errno, "cannot map VRAM");
        s->vram_ptr = NULL;
        return false;
    }
    madvise(s->vram_ptr, s->vram_size, MADV_DONTDUMP);
    return true;
}

void ada_vram_exit(AdaState *s)
{
    for (unsigned int gfid = 0; gfid <= ADA_MAX_GFID; gfid++) {
        ada_vmmu_clear(s, gfid);
    }
    if (s->hostmem) {
        host_memory_backend_set_mapped(s->hostmem, false);
    } else if (s->vram_ptr) {
        munmap(s->vram_ptr, s->vram_size);
    }
    s->vram_ptr = NULL;
}

static bool vram_inside(AdaState *s, uint64_t addr, uint64_t len)
{
    return addr <= s->fb_size && len <= s->fb_size - addr;
}

bool ada_vram_read(AdaState *s, uint64_t addr, void *buf, size_t len)
{
    if (!vram_inside(s, addr, len)) {
        memset(buf, 0xff, len);
        return false;
    }
    memcpy(buf, s->vram_ptr + addr, len);
    return true;
}

bool ada_vram_write(AdaState *s, uint64_t addr, const void *buf, size_t len)
{
    if (!vram_inside(s, addr, len)) {
        return false;
    }
    memcpy(s->vram_ptr + addr, buf, len);
    return true;
}

void ada_vram_zero(AdaState *s, uint64_t addr, uint64_t len)
{
    uint64_t page = s->hostmem ? host_memory_backend_pagesize(s->hostmem) : qemu_real_host_page_size();
    uint64_t first, last;
    int err;

    if (!vram_inside(s, addr, len)) {
        return;
    }
    first = MIN(ROUND_UP(addr, page), addr + len);
    last = MAX(ROUND_DOWN(addr + len, page), first);
    memset(s->vram_ptr + addr, 0, first - addr);
    memset(s->vram_ptr + last, 0, addr + len - last);
    if (first == last) {
        return;
    }
    if (s->hostmem) {
        err = ram_block_discard_range(host_memory_backend_get_memory(s->hostmem)->ram_block, first, last - first);
    } else {
        err = madvise(s->vram_ptr + first, last - first, MADV_DONTNEED);
    }
    if (err) {
        memset(s->vram_ptr + first, 0, last - first);
    }
}

void ada_vram_write64(AdaState *s, uint64_t addr, uint64_t val)
{
    val = cpu_to_le64(val);
    ada_vram_write(s, addr, &val, sizeof(val));
}

/* ---- VMMU -------------------------------------------------------------------------------------------------------- */

void ada_vmmu_set(AdaState *s, uint32_t gfid, AdaSegment *seg, unsigned int count)
{
    AdaVmmu *v;

    if (gfid == 0 || gfid > ADA_MAX_GFID) {
        g_free(seg);
        return;
    }
    v = &s->vmmu[gfid];
    ada_vmmu_clear(s, gfid);
    v->seg = seg;
    v->count = count;
}

void ada_vmmu_clear(AdaState *s, uint32_t gfid)
{
    if (gfid <= ADA_MAX_GFID) {
        g_free(s->vmmu[gfid].seg);
        s->vmmu[gfid] = (AdaVmmu) { 0 };
        ada_tlb_invalidate_all(s, gfid);
    }
}

/* SPA of @gpa and how far it goes on from there; 0 = nothing there */
static uint64_t vmmu_xlat(AdaFunc *f, uint64_t gpa, uint64_t *spa)
{
    const AdaVmmu *v = &f->gpu->vmmu[f->gfid];

    if (f->gfid == 0) {
        *spa = gpa;
        return gpa < f->gpu->fb_size ? f->gpu->fb_size - gpa : 0;
    }
    for (unsigned int i = 0; i < v->count; i++) {
        if (gpa >= v->seg[i].gpa && gpa - v->seg[i].gpa < v->seg[i].len) {
            *spa = v->seg[i].spa + (gpa - v->seg[i].gpa);
            return v->seg[i].len - (gpa - v->seg[i].gpa);
        }
    }
    return 0;
}

bool ada_gpa_read(AdaFunc *f, uint64_t gpa, void *buf, size_t len)
{
    bool ok = true;

    while (len) {
        uint64_t spa, n = vmmu_xlat(f, gpa, &spa);

        if (!n) {
            f->stats.vmmu_faults++;
            memset(buf, 0xff, len);
            return false;
        }
        n = MIN(n, len);
        ok &= ada_vram_read(f->gpu, spa, buf, n);
        buf = (uint8_t *)buf + n;
        gpa += n;
        len -= n;
    }
    return ok;
}

bool ada_gpa_write(AdaFunc *f, uint64_t gpa, const void *buf, size_t len)
{
    bool ok = true;

    while (len) {
        uint64_t spa, n = vmmu_xlat(f, gpa, &spa);

        if (!n) {
            f->stats.vmmu_faults++;
            return false;
        }
        n = MIN(n, len);
        ok &= ada_vram_write(f->gpu, spa, buf, n);
        buf = (const uint8_t *)buf + n;
        gpa += n;
        len -= n;
    }
    return ok;
}

bool ada_gpa_zero(AdaFunc *f, uint64_t gpa, uint64_t len)
{
    while (len) {
        uint64_t spa, n = MIN(vmmu_xlat(f, gpa, &spa), len);

        if (!n) {
            f->stats.vmmu_faults++;
            return false;
        }
        ada_vram_zero(f->gpu, spa, n);
        gpa += n;
        len -= n;
    }
    return true;
}

/* ---- GMMU, version 2 tables -------------------------------------------------------------------------------------- */

/* Apertures of a PDE; of a PTE, where 0 is video memory */
enum { AP_INVALID = 0, AP_VID = 1, AP_SYS = 2, AP_SYS_NONCOHERENT = 3 };
enum { PTE_AP_VID = 0, PTE_AP_PEER = 1 };

#define ENTRY_VALID         BIT_ULL(0)      /* a PTE's; in PD0's low qword: this is a 2 MiB PTE */
#define ENTRY_APERTURE(e)   extract64(e, 1, 2)
#define ENTRY_VOL           BIT_ULL(3)      /* not valid and volatile: sparse */
#define ENTRY_PRIV          BIT_ULL(5)      /* big PTE not valid and privileged: do not look at the small ones */
#define ENTRY_READ_ONLY     BIT_ULL(6)
/* Addresses in 4 KiB pages from bit 8, a big page table in 256 bytes from bit 4; 25 page bits for video memory */
#define ENTRY_ADDR_SYS      MAKE_64BIT_MASK(8, 46)
#define ENTRY_ADDR_VID      MAKE_64BIT_MASK(8, 25)
#define ENTRY_ADDR_BIG_SYS  MAKE_64BIT_MASK(4, 50)
#define ENTRY_ADDR_BIG_VID  MAKE_64BIT_MASK(4, 29)
#define ENTRY_ADDR_SHIFT    4

#define SHIFT_SMALL 12
#define SHIFT_BIG   16
#define SHIFT_HUGE  21

typedef struct Table { uint64_t addr; bool valid, sysmem; } Table;

static bool table_read(AdaFunc *f, const Table *t, uint64_t off, void *buf, size_t len)
{
    return t->sysmem ? ada_dma_read(f, t->addr + off, buf, len) : ada_gpa_read(f, t->addr + off, buf, len);
}

static bool table_entry(AdaFunc *f, const Table *t, unsigned int index, uint64_t *entry)
{
    if (!table_read(f, t, index * 8, entry, 8)) {
        return false;
    }
    *entry = le64_to_cpu(*entry);
    return true;
}

static Table pde_table(uint64_t pde, uint64_t mask_vid, uint64_t mask_sys)
{
    Table t = { .valid = true };

    switch (ENTRY_APERTURE(pde)) {
    case AP_VID:
        t.addr = (pde & mask_vid) << ENTRY_ADDR_SHIFT;
        break;
    case AP_SYS:
    case AP_SYS_NONCOHERENT:
        t.addr = (pde & mask_sys) << ENTRY_ADDR_SHIFT;
        t.sysmem = true;
        break;
    default:
        t.valid = false;
    }
    return t;
}

static AdaXlat pte_xlat(uint64_t pte, uint64_t va, unsigned int shift)
{
    AdaXlat x = { .page_size = 1ull << shift };
    unsigned int aperture = ENTRY_APERTURE(pte);

    if (!(pte & ENTRY_VALID)) {
        x.sparse = pte & ENTRY_VOL;
        return x;
    }
    if (aperture == PTE_AP_PEER) {
        return x;
    }
    x.valid = true;
    x.sysmem = aperture != PTE_AP_VID;
    x.read_only = pte & ENTRY_READ_ONLY;
    x.addr = (pte & (x.sysmem ? ENTRY_ADDR_SYS : ENTRY_ADDR_VID)) << ENTRY_ADDR_SHIFT;
    x.addr = ROUND_DOWN(x.addr, x.page_size) | (va & (x.page_size - 1));
    return x;
}

AdaXlat ada_gmmu_walk(AdaFunc *f, uint64_t pdb, bool pdb_sysmem, uint64_t va)
{
    static const struct { unsigned int first, bits; } level[] = { { 47, 2 }, { 38, 9 }, { 29, 9 } };
    Table t = { .addr = pdb, .valid = true, .sysmem = pdb_sysmem }, big, small;
    AdaXlat none = { 0 }, x;
    uint64_t pde, pd0[2], pte;

    if (va >> ADA_VA_BITS) {
        return none;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(level); i++) {
        if (!table_entry(f, &t, extract64(va, level[i].first, level[i].bits), &pde)) {
            return none;
        }
        t = pde_table(pde, ENTRY_ADDR_VID, ENTRY_ADDR_SYS);
        if (!t.valid) {
            none.sparse = pde & ENTRY_VOL;
            return none;
        }
    }

    if (!table_read(f, &t, extract64(va, 21, 8) * sizeof(pd0), pd0, sizeof(pd0))) {
        return none;
    }
    pd0[0] = le64_to_cpu(pd0[0]);
    pd0[1] = le64_to_cpu(pd0[1]);
    if (pd0[0] & ENTRY_VALID) {
        return pte_xlat(pd0[0], va, SHIFT_HUGE);
    }
    big = pde_table(pd0[0], ENTRY_ADDR_BIG_VID, ENTRY_ADDR_BIG_SYS);
    small = pde_table(pd0[1], ENTRY_ADDR_VID, ENTRY_ADDR_SYS);

    if (big.valid) {
        if (!table_entry(f, &big, extract64(va, SHIFT_BIG, 5), &pte)) {
            return none;
        }
        x = pte_xlat(pte, va, SHIFT_BIG);
        if (x.valid || x.sparse || (pte & ENTRY_PRIV) || !small.valid) {
            return x;
        }
    }
    if (small.valid) {
        if (!table_entry(f, &small, extract64(va, SHIFT_SMALL, 9), &pte)) {
            return none;
        }
        return pte_xlat(pte, va, SHIFT_SMALL);
    }
    none.sparse = (pd0[0] | pd0[1]) & ENTRY_VOL;
    return none;
}

/* ---- what the CPU sees ------------------------------------------------------------------------------------------- */

bool ada_wpr2_denied(AdaFunc *f, uint64_t gpa, uint64_t size)
{
    AdaState *s = f->gpu;
    uint64_t spa;

    if (!s->wpr2_hi || !vmmu_xlat(f, gpa, &spa)) {
        return false;
    }
    if (spa + size <= s->wpr2_lo || spa >= s->wpr2_hi) {
        return false;
    }
    ada_refuse(s, "wpr2-access", "gfid %u touches 0x%" PRIx64 " inside WPR2", f->gfid, spa);
    return true;
}

static uint64_t fb_read(AdaFunc *f, uint64_t gpa, unsigned int size)
{
    uint8_t b[8];

    if (ada_wpr2_denied(f, gpa, size)) {
        memset(b, 0xff, sizeof(b));
    } else {
        ada_gpa_read(f, gpa, b, size);
    }
    return ldn_le_p(b, size);
}

/* @posted: by an aperture of the PF, where it may take its time */
static void fb_write(AdaFunc *f, uint64_t gpa, uint64_t val, unsigned int size, bool posted)
{
    uint8_t b[8];

    if (ada_wpr2_denied(f, gpa, size)) {
        return;
    }
    stn_le_p(b, size, val);
    if (posted && !f->gfid && f->gpu->timing_real) {
        ada_posted_write(f->gpu, gpa, b, size);
    } else {
        ada_gpa_write(f, gpa, b, size);
    }
}

static void aperture_fault(AdaFunc *f, const char *bar, uint64_t off, bool write)
{
    qemu_log_mask(LOG_GUEST_ERROR, "nvidia-ada: gfid %u: %s of %s offset 0x%" PRIx64 " has no translation\n",
                  f->gfid, write ? "write" : "read", bar, off);
}

static uint64_t virt_read(AdaFunc *f, const char *bar, Table pdb, uint64_t va, unsigned int size)
{
    AdaXlat x = ada_tlb_translate(f, pdb.addr, pdb.sysmem, va);
    uint8_t b[8] = { 0 };

    if (x.sparse) {
        return 0;
    }
    if (!x.valid) {
        aperture_fault(f, bar, va, false);
        return extract64(UINT64_MAX, 0, 8 * size);
    }
    if (!x.sysmem) {
        return fb_read(f, x.addr, size);
    }
    if (!ada_dma_read(f, x.addr, b, size)) {
        memset(b, 0xff, sizeof(b));
    }
    return ldn_le_p(b, size);
}

static void virt_write(AdaFunc *f, const char *bar, Table pdb, uint64_t va, uint64_t val, unsigned int size)
{
    AdaXlat x = ada_tlb_translate(f, pdb.addr, pdb.sysmem, va);
    uint8_t b[8];

    if (x.sparse) {
        return;
    }
    if (!x.valid || x.read_only) {
        aperture_fault(f, bar, va, true);
        return;
    }
    if (!x.sysmem) {
        fb_write(f, x.addr, val, size, true);
        return;
    }
    stn_le_p(b, size, val);
    ada_dma_write(f, x.addr, b, size);
}

/* BAR1_BLOCK, BAR2_BLOCK */
#define BLOCK_MODE_VIRTUAL  BIT(31)
#define BLOCK_TARGET(b)     extract32(b, 28, 2)     /* as a PTE's aperture */
#define BLOCK_PTR(b)        ((uint64_t)extract32(b, 0, 28) << 12)

/* Instance block: page directory base */
#define RAMIN_PDB           0x200
#define RAMIN_PDB_TARGET    0x3                     /* as a PTE's aperture */
#define RAMIN_PDB_ADDR      MAKE_64BIT_MASK(12, 52)

static Table block_pdb(AdaFunc *f, uint32_t block)
{
    Table inst = { .addr = BLOCK_PTR(block), .sysmem = BLOCK_TARGET(block) != PTE_AP_VID };
    Table pdb = { 0 };
    uint64_t val;

    if (table_read(f, &inst, RAMIN_PDB, &val, sizeof(val))) {
        val = le64_to_cpu(val);
        pdb.addr = val & RAMIN_PDB_ADDR;
        pdb.sysmem = (val & RAMIN_PDB_TARGET) != PTE_AP_VID;
        pdb.valid = true;
    }
    return pdb;
}

static uint64_t aperture_read(AdaFunc *f, const char *bar, uint32_t block, uint64_t off, unsigned int size)
{
    Table pdb;

    if (!f->gfid) {
        ada_posted_land(f->gpu);    /* a read does not overtake */
    }
    if (!(block & BLOCK_MODE_VIRTUAL)) {
        return fb_read(f, off, size);
    }
    pdb = block_pdb(f, block);
    return pdb.valid ? virt_read(f, bar, pdb, off, size) : extract64(UINT64_MAX, 0, 8 * size);
}

static void aperture_write(AdaFunc *f, const char *bar, uint32_t block, uint64_t off, uint64_t val, unsigned int size)
{
    Table pdb;

    if (!(block & BLOCK_MODE_VIRTUAL)) {
        fb_write(f, off, val, size, true);
        return;
    }
    pdb = block_pdb(f, block);
    if (pdb.valid) {
        virt_write(f, bar, pdb, off, val, size);
    }
}

uint64_t ada_bar1_read(AdaFunc *f, uint64_t off, unsigned int size)
{
    return aperture_read(f, "BAR1", f->bar1_block, off, size);
}

void ada_bar1_write(AdaFunc *f, uint64_t off, uint64_t val, unsigned int size)
{
    aperture_write(f, "BAR1", f->bar1_block, off, val, size);
}

uint64_t ada_bar3_read(AdaFunc *f, uint64_t off, unsigned int size)
{
    return aperture_read(f, "BAR3", f->bar2_block, off, size);
}

void ada_bar3_write(AdaFunc *f, uint64_t off, uint64_t val, unsigned int size)
{
    aperture_write(f, "BAR3", f->bar2_block, off, val, size);
}

uint32_t ada_aperture_bind(AdaState *s, uint64_t instance, uint64_t pdb)
{
    ada_vram_zero(s, instance, ADA_PAGE);
    ada_vram_write64(s, instance + RAMIN_PDB, pdb);
    return BLOCK_MODE_VIRTUAL | instance >> 12;
}

/* ---- PRAMIN ------------------------------------------------------------------------------------------------------ */

#define WINDOW_BASE(w)  ((uint64_t)extract32(w, 0, 24) << 16)

uint64_t ada_pramin_read(AdaState *s, uint32_t off, unsigned int size)
{
    return fb_read(&s->func, WINDOW_BASE(s->pramin_base) + off, size);
}

void ada_pramin_write(AdaState *s, uint32_t off, uint64_t val, unsigned int size)
{
    fb_write(&s->func, WINDOW_BASE(s->pramin_base) + off, val, size, false);
}
