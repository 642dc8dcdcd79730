// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU's way to plugin heaps: the PF's BAR1.
 *
 * BAR1 is an address space of the GPU. GSP-RM made its top directory and told where it is; the
 * three levels below it, as far as they are needed here, are ours, in one 2 MiB page of
 * framebuffer:
 *
 *	GSP-RM's PD3[0] -> PD2[0] -> PD1[0] -> PD0, with pages of 2 MiB
 *
 *	slot 0		the tables themselves
 *	slot GFID	the start of that vGPU's plugin heap
 *
 * A slot is 4 MiB, two entries of PD0. The tables are written once through PRAMIN, the window on
 * framebuffer that needs no translation but is one for the whole GPU. From then on slot 0 is the
 * way to them.
 */

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/io-64-nonatomic-hi-lo.h>
#include <linux/iopoll.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "bar1.h"
#include "device.h"
#include "regs/mmu.h"

#define BAR1			1	/* PCI BAR */
#define SLOT_SIZE		SZ_4M
#define NUM_SLOTS		(1 + NVGPU_MAX_VFS)
#define WINDOW_SIZE		((size_t)NUM_SLOTS * SLOT_SIZE)
#define PTE_SPAN		SZ_2M
#define PTES_PER_SLOT		(SLOT_SIZE / PTE_SPAN)

/* in the 2 MiB page of the tables */
#define PD2			0x0000
#define PD1			0x1000
#define PD0			0x2000
#define TABLES_END		0x3000

#define INVALIDATE_TIMEOUT_US	(2 * USEC_PER_SEC)

static u64 pde(u64 addr)
{
	return addr >> NVGPU_MMU_ENTRY_ADDR_SHIFT | NVGPU_MMU_PDE_VIDMEM;
}

static u64 pte(u64 addr)
{
	return addr >> NVGPU_MMU_ENTRY_ADDR_SHIFT | NVGPU_MMU_PTE_VIDMEM | NVGPU_MMU_PTE_VALID;
}

static void pramin_wr64(struct nvkm_vgpu_pf *pf, u64 addr, u64 val)
{
	u32 reg = NVGPU_PRAMIN + (addr & 0xffff);

	nvgpu_wr32(pf, NVGPU_PRAMIN_WINDOW, addr >> 16);
	nvgpu_wr32(pf, reg + 4, upper_32_bits(val));
	nvgpu_wr32(pf, reg, lower_32_bits(val));
}

/* also orders what was written through PRAMIN before what comes after */
static void pramin_flush(struct nvkm_vgpu_pf *pf)
{
	nvgpu_rd32(pf, NVGPU_PRAMIN);
}

static int invalidate(struct nvkm_vgpu_pf *pf)
{
	u64 pdb = pf->info.bar1_pde_base;
	u32 val;

	/* BAR1 is translated by the hub's MMU; what else it has cached is cheap to fetch again */
	nvgpu_wr32(pf, NVGPU_MMU_INVALIDATE_PDB, lower_32_bits(pdb >> 8));
	nvgpu_wr32(pf, NVGPU_MMU_INVALIDATE_PDB_UPPER, upper_32_bits(pdb >> 8));
	nvgpu_wr32(pf, NVGPU_MMU_INVALIDATE,
		   NVGPU_MMU_INVALIDATE_TRIGGER | NVGPU_MMU_INVALIDATE_HUBTLB_ONLY |
		   NVGPU_MMU_INVALIDATE_ALL_PDB | NVGPU_MMU_INVALIDATE_ALL_VA);

	/* a GPU that is gone reads as all ones for ever */
	if (read_poll_timeout(nvgpu_rd32, val, !(val & NVGPU_MMU_INVALIDATE_TRIGGER) || val == ~0U,
			      5, INVALIDATE_TIMEOUT_US, false, pf, NVGPU_MMU_INVALIDATE))
		return -ETIMEDOUT;
	return val == ~0U ? -EIO : 0;
}

static int write_tables(struct nvkm_vgpu_pf *pf)
{
	u64 tables = pf->bar1.tables.start;
	u64 off;

	for (off = 0; off < TABLES_END; off += NVGPU_MMU_PDE_SIZE)
		pramin_wr64(pf, tables + off, 0);
	pramin_wr64(pf, tables + PD2, pde(tables + PD1));
	pramin_wr64(pf, tables + PD1, pde(tables + PD0));
	pramin_wr64(pf, tables + PD0, pte(tables));
	pramin_flush(pf);

	pramin_wr64(pf, pf->info.bar1_pde_base, pde(tables + PD2));
	pramin_flush(pf);
	return invalidate(pf);
}

static void __iomem *pd0_entry(struct nvkm_vgpu_pf *pf, unsigned int slot, unsigned int i)
{
	return pf->bar1.base + PD0 + (slot * PTES_PER_SLOT + i) * NVGPU_MMU_PDE0_SIZE;
}

/**
 * nvgpu_bar1_init() - make the page tables and map the window
 * @pf: the GPU, GSP-RM and &nvgpu_vgpu_mgr.fb are up
 *
 * Context: probe, may sleep. Uses PRAMIN, as nothing does after probe.
 * Return: 0, -ENODEV if BAR1 is too small, -ENOSPC, -ENOMEM, -ETIMEDOUT, or -EIO if the GPU does
 * not follow the tables.
 */
int nvgpu_bar1_init(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_bar1 *bar1 = &pf->bar1;
	int ret;

	if (pci_resource_len(pf->pdev, BAR1) < WINDOW_SIZE)
		return -ENODEV;

	mutex_init(&bar1->lock);

	ret = nvgpu_fbmem_alloc_top(&pf->mgr.fb, &bar1->tables, PTE_SPAN, PTE_SPAN);
	if (ret)
		goto err_lock;

	bar1->base = ioremap(pci_resource_start(pf->pdev, BAR1), WINDOW_SIZE);
	if (!bar1->base) {
		ret = -ENOMEM;
		goto err_tables;
	}

	ret = write_tables(pf);
	if (ret)
		goto err_unmap;

	if (readq(pd0_entry(pf, 0, 0)) != pte(bar1->tables.start)) {
		ret = -EIO;
		goto err_unmap;
	}
	return 0;

err_unmap:
	iounmap(bar1->base);
	bar1->base = NULL;
err_tables:
	nvgpu_fbmem_free(&bar1->tables);
err_lock:
	mutex_destroy(&bar1->lock);
	return ret;
}

/**
 * nvgpu_bar1_fini() - undo nvgpu_bar1_init()
 * @pf: the GPU; no vGPU is mapped
 *
 * Context: may sleep. Nothing happens the second time.
 */
void nvgpu_bar1_fini(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_bar1 *bar1 = &pf->bar1;

	if (!bar1->base)
		return;

	/* the directory is GSP-RM's and outlives our tables */
	pramin_wr64(pf, pf->info.bar1_pde_base, 0);
	pramin_flush(pf);
	invalidate(pf);

	iounmap(bar1->base);
	bar1->base = NULL;
	nvgpu_fbmem_free(&bar1->tables);
	mutex_destroy(&bar1->lock);
}

static int set_slot(struct nvkm_vgpu_pf *pf, unsigned int slot, u64 fb_addr, u64 size)
{
	unsigned int i;

	lockdep_assert_held(&pf->bar1.lock);

	for (i = 0; i < PTES_PER_SLOT; i++) {
		u64 off = i * PTE_SPAN;

		writeq(off < size ? pte(fb_addr + off) : 0, pd0_entry(pf, slot, i));
	}
	/* entries must have arrived before the MMU is told to look again */
	readl(pd0_entry(pf, slot, 0));
	return invalidate(pf);
}

/**
 * nvgpu_bar1_map() - map the start of a plugin heap
 * @pf: the GPU
 * @gfid: whose heap, 1 to NVGPU_MAX_VFS
 * @fb_addr: framebuffer address, 2 MiB aligned
 * @size: bytes, at most 4 MiB; rounded up to 2 MiB
 *
 * Context: may sleep; takes &nvgpu_bar1.lock.
 * Return: where @fb_addr is now, or -EINVAL, -ETIMEDOUT, -EIO if the GPU is gone.
 */
void __iomem *nvgpu_bar1_map(struct nvkm_vgpu_pf *pf, unsigned int gfid, u64 fb_addr, u64 size)
{
	int ret;

	if (!gfid || gfid >= NUM_SLOTS || !IS_ALIGNED(fb_addr, PTE_SPAN) || size > SLOT_SIZE)
		return IOMEM_ERR_PTR(-EINVAL);

	guard(mutex)(&pf->bar1.lock);
	ret = set_slot(pf, gfid, fb_addr, size);
	if (ret) {
		set_slot(pf, gfid, 0, 0);
		return IOMEM_ERR_PTR(ret);
	}
	return pf->bar1.base + (size_t)gfid * SLOT_SIZE;
}

/**
 * nvgpu_bar1_unmap() - undo nvgpu_bar1_map()
 * @pf: the GPU
 * @gfid: whose heap
 *
 * Context: may sleep; takes &nvgpu_bar1.lock.
 */
void nvgpu_bar1_unmap(struct nvkm_vgpu_pf *pf, unsigned int gfid)
{
	guard(mutex)(&pf->bar1.lock);
	set_slot(pf, gfid, 0, 0);
}
