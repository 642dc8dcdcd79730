/*
 * NVIDIA Ada GPU: TLB of the GMMU
 *
 * A translation that was used is kept until somebody says that the tables have changed: the driver, by the function's
 * MMU_INVALIDATE register or by a method of a channel, or GSP-RM where it changed them itself. A real part may forget
 * one at any time, so that a driver can neither do without the invalidation nor count on what it has replaced. To tell
 * it, the tables are walked each time: where they say something else than what is kept, that is refused ("tlb-stale"),
 * once for each, and what is kept is used.
 *
 *   assumption TLB-SIZE     4096 pages of any size, each with one place where it can be
 *   assumption TLB-INVALID  only valid translations are kept
 *   assumption TLB-GSP      GSP-RM invalidates the page directory of UPDATE_BAR_PDE and SET_PAGE_DIRECTORY, and all of
 *                           a GFID with a new VMMU segment list
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "ada.h"

static AdaTlbEntry *tlb_place(AdaFunc *f, uint64_t root, uint64_t va, uint64_t page_size)
{
    return &f->gpu->tlb[(va / page_size ^ root / ADA_PAGE * 61 ^ f->gfid * 127) % ADA_TLB_ENTRIES];
}

static AdaTlbEntry *tlb_lookup(AdaFunc *f, uint64_t root, bool root_sysmem, uint64_t va)
{
    static const uint64_t sizes[] = { 4 * KiB, 64 * KiB, 2 * MiB };

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        AdaTlbEntry *e = tlb_place(f, root, va, sizes[i]);

        if (e->used && e->gfid == f->gfid && e->root == root && e->root_sysmem == root_sysmem &&
            e->x.page_size == sizes[i] && e->va == ROUND_DOWN(va, sizes[i])) {
            return e;
        }
    }
    return NULL;
}

static bool same_target(const AdaXlat *a, const AdaXlat *b)
{
    return a->valid == b->valid && a->sysmem == b->sysmem && a->read_only == b->read_only && a->addr == b->addr;
}

AdaXlat ada_tlb_translate(AdaFunc *f, uint64_t root, bool root_sysmem, uint64_t va)
{
    AdaXlat now = ada_gmmu_walk(f, root, root_sysmem, va), kept;
    AdaTlbEntry *e = tlb_lookup(f, root, root_sysmem, va);

    if (!e) {
        if (now.valid) {
            e = tlb_place(f, root, va, now.page_size);
            *e = (AdaTlbEntry) {
                .used = true, .gfid = f->gfid, .root = root, .root_sysmem = root_sysmem,
                .va = ROUND_DOWN(va, now.page_size), .x = now,
            };
            e->x.addr -= va - e->va;
        }
        return now;
    }
    kept = e->x;
    kept.addr += va - e->va;
    if (same_target(&kept, &now)) {
        now.page_size = MIN(now.page_size, kept.page_size);
        return now;
    }
    if (!e->told) {
        ada_refuse(f->gpu, "tlb-stale", "gfid %u: 0x%" PRIx64 " was %s 0x%" PRIx64 " and is something else now, but "
                   "was not invalidated", f->gfid, va, e->x.sysmem ? "system memory" : "framebuffer", kept.addr);
        e->told = true;
    }
    return kept;
}

void ada_tlb_invalidate(AdaState *s, uint32_t gfid, const AdaTlbScope *scope)
{
    for (unsigned int i = 0; i < ADA_TLB_ENTRIES; i++) {
        AdaTlbEntry *e = &s->tlb[i];

        if (!e->used || e->gfid != gfid ||
            (!scope->all_roots && (e->root != scope->root || e->root_sysmem != scope->root_sysmem)) ||
            (scope->size && (e->va >= scope->va + scope->size || e->va + e->x.page_size <= scope->va))) {
            continue;
        }
        e->used = false;
    }
}

void ada_tlb_invalidate_all(AdaState *s, uint32_t gfid)
{
    ada_tlb_invalidate(s, gfid, &(AdaTlbScope) { .all_roots = true });
}

void ada_tlb_reset(AdaState *s)
{
    memset(s->tlb, 0, sizeof(s->tlb));
}
