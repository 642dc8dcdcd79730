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
 * A slot is 4 MiB, two entries of PD0. Slot 0 is made through PRAMIN, which needs no translation
 * but is one for the whole GPU. From then on it is the way to the tables.
 */

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/io-64-nonatomic-hi-lo.h>
#include <linux/iopoll.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "fwabi/fwabi.h"
#include "regs/gpu.h"
#include "regs/mmu.h"
#include "vgpu/bar1.h"

#define BAR1			1	/* PCI BAR */
#define SLOT_SIZE		SZ_4M
#define NUM_SLOTS		(1 + NVGPU_MAX_VFS)
#define APERTURE_SIZE		((size_t)NUM_SLOTS * SLOT_SIZE)
#define PTE_SPAN		SZ_2M
#define PTES_PER_SLOT		(SLOT_SIZE / PTE_SPAN)

/* in the 2 MiB page of the tables */
#define PD2			0x0000
#define PD1			0x1000
#define PD0			0x2000
#define TABLES_END		0x3000
#define SPARE			0x10000	/* up to the end, for others; see nvgpu_bar1_spare() */

#define INVALIDATE_TIMEOUT_US	(2 * USEC_PER_SEC)

static u64 bar1_pde(u64 addr)
{
	return addr >> NVGPU_MMU_ENTRY_ADDR_SHIFT | NVGPU_MMU_PDE_VIDMEM;
}

static u64 bar1_pte(u64 addr)
{
	return addr >> NVGPU_MMU_ENTRY_ADDR_SHIFT | NVGPU_MMU_PTE_VIDMEM | NVGPU_MMU_PTE_VALID;
}

static void bar1_pramin_wr64(struct nvgpu_bar1 *bar1, u64 addr, u64 val)
{
	u32 reg = NVGPU_PRAMIN + (addr & 0xffff);

	nvgpu_wr32(bar1->gpu, NVGPU_PRAMIN_WINDOW, addr >> 16);
	nvgpu_wr32(bar1->gpu, reg + 4, upper_32_bits(val));
	nvgpu_wr32(bar1->gpu, reg, lower_32_bits(val));
}

/* also orders what was written through PRAMIN before what comes after */
static void bar1_pramin_flush(struct nvgpu_bar1 *bar1)
{
	nvgpu_rd32(bar1->gpu, NVGPU_PRAMIN);
}

static int bar1_invalidate(struct nvgpu_bar1 *bar1)
{
	u64 pdb = bar1->pde_base;
	u32 val;

	/* BAR1 is translated by the hub's MMU; what else it has cached is cheap to fetch again */
	nvgpu_wr32(bar1->gpu, NVGPU_MMU_INVALIDATE_PDB, lower_32_bits(pdb >> 8));
	nvgpu_wr32(bar1->gpu, NVGPU_MMU_INVALIDATE_PDB_UPPER, upper_32_bits(pdb >> 8));
	nvgpu_wr32(bar1->gpu, NVGPU_MMU_INVALIDATE,
		   NVGPU_MMU_INVALIDATE_TRIGGER | NVGPU_MMU_INVALIDATE_HUBTLB_ONLY |
		   NVGPU_MMU_INVALIDATE_ALL_PDB | NVGPU_MMU_INVALIDATE_ALL_VA);

	/* a GPU that is gone reads as all ones for ever */
	if (read_poll_timeout(nvgpu_rd32, val, !(val & NVGPU_MMU_INVALIDATE_TRIGGER) || val == ~0U,
			      5, INVALIDATE_TIMEOUT_US, false, bar1->gpu, NVGPU_MMU_INVALIDATE))
		return -ETIMEDOUT;
	return val == ~0U ? -EIO : 0;
}

/* slot 0; what is in framebuffer behind its entries is not looked at before it is cleared */
static int bar1_link_tables(struct nvgpu_bar1 *bar1)
{
	u64 tables = bar1->tables.start;

	bar1_pramin_wr64(bar1, tables + PD2, bar1_pde(tables + PD1));
	bar1_pramin_wr64(bar1, tables + PD1, bar1_pde(tables + PD0));
	bar1_pramin_wr64(bar1, tables + PD0, bar1_pte(tables));
	bar1_pramin_wr64(bar1, tables + PD0 + NVGPU_MMU_PDE_SIZE, 0);
	bar1_pramin_flush(bar1);

	bar1_pramin_wr64(bar1, bar1->pde_base, bar1_pde(tables + PD2));
	bar1_pramin_flush(bar1);
	return bar1_invalidate(bar1);
}

static int bar1_clear_tables(struct nvgpu_bar1 *bar1)
{
	u32 off;

	for (off = 0; off < TABLES_END; off += NVGPU_MMU_PDE_SIZE)
		if (off != PD2 && off != PD1 && off != PD0)
			writeq(0, bar1->base + off);
	/* they must have arrived before the MMU is told to look again */
	readl(bar1->base);
	return bar1_invalidate(bar1);
}

static void __iomem *bar1_pd0_entry(struct nvgpu_bar1 *bar1, unsigned int slot, unsigned int i)
{
	return bar1->base + PD0 + (slot * PTES_PER_SLOT + i) * NVGPU_MMU_PDE0_SIZE;
}

/**
 * nvgpu_bar1_init() - have room for page tables, and map the aperture
 * @bar1: result
 * @gpu: the GPU
 * @fb: framebuffer for the page tables
 *
 * Context: probe, may sleep.
 * Return: 0, -ENODEV if BAR1 is too small, -ENOSPC, -ENOMEM.
 */
int nvgpu_bar1_init(struct nvgpu_bar1 *bar1, const struct nvgpu_gpu *gpu, struct nvgpu_fbmem *fb)
{
	int ret;

	if (pci_resource_len(gpu->pdev, BAR1) < APERTURE_SIZE)
		return -ENODEV;

	bar1->gpu = gpu;
	mutex_init(&bar1->lock);

	ret = nvgpu_fbmem_alloc_top(fb, &bar1->tables, PTE_SPAN, PTE_SPAN);
	if (ret)
		goto err_lock;

	bar1->base = ioremap(pci_resource_start(gpu->pdev, BAR1), APERTURE_SIZE);
	if (bar1->base)
		return 0;

	ret = -ENOMEM;
	nvgpu_fbmem_free(&bar1->tables);
err_lock:
	mutex_destroy(&bar1->lock);
	return ret;
}

/**
 * nvgpu_bar1_start() - make the page tables
 * @bar1: the aperture, with GSP-RM up
 * @pde_base: framebuffer address of the top directory, checked
 *
 * Context: may sleep. Uses PRAMIN, as nothing does while vGPUs are open.
 * Return: 0, -ETIMEDOUT, or -EIO if the GPU does not follow the tables.
 */
int nvgpu_bar1_start(struct nvgpu_bar1 *bar1, u64 pde_base)
{
	int ret;

	bar1->pde_base = pde_base;
	ret = bar1_link_tables(bar1);
	if (ret)
		return ret;
	if (readq(bar1_pd0_entry(bar1, 0, 0)) != bar1_pte(bar1->tables.start))
		return -EIO;
	return bar1_clear_tables(bar1);
}

/**
 * nvgpu_bar1_stop() - leave GSP-RM's directory as it was
 * @bar1: the aperture; no vGPU is mapped. Nothing happens the second time
 *
 * Context: may sleep.
 */
void nvgpu_bar1_stop(struct nvgpu_bar1 *bar1)
{
	if (!bar1->pde_base)
		return;
	bar1_pramin_wr64(bar1, bar1->pde_base, 0);
	bar1_pramin_flush(bar1);
	bar1_invalidate(bar1);
	bar1->pde_base = 0;
}

/**
 * nvgpu_bar1_fini() - undo nvgpu_bar1_init()
 * @bar1: the aperture, stopped
 */
void nvgpu_bar1_fini(struct nvgpu_bar1 *bar1)
{
	iounmap(bar1->base);
	nvgpu_fbmem_free(&bar1->tables);
	mutex_destroy(&bar1->lock);
}

/**
 * nvgpu_bar1_spare() - framebuffer that the page tables have left
 * @bar1: the aperture, started
 * @fb_addr: result: framebuffer address, 64 KiB aligned
 *
 * Return: where it is for the CPU, more than a MiB.
 */
void __iomem *nvgpu_bar1_spare(const struct nvgpu_bar1 *bar1, u64 *fb_addr)
{
	*fb_addr = bar1->tables.start + SPARE;
	return bar1->base + SPARE;
}

static int bar1_set_slot(struct nvgpu_bar1 *bar1, unsigned int slot, u64 fb_addr, u64 size)
	__must_hold(&bar1->lock)
{
	unsigned int i;

	lockdep_assert_held(&bar1->lock);

	for (i = 0; i < PTES_PER_SLOT; i++) {
		u64 off = i * PTE_SPAN;

		writeq(off < size ? bar1_pte(fb_addr + off) : 0, bar1_pd0_entry(bar1, slot, i));
	}
	/* entries must have arrived before the MMU is told to look again */
	readl(bar1_pd0_entry(bar1, slot, 0));
	return bar1_invalidate(bar1);
}

/**
 * nvgpu_bar1_map() - map the start of a plugin heap
 * @bar1: the aperture
 * @gfid: whose heap, 1 to NVGPU_MAX_VFS
 * @fb_addr: framebuffer address, 2 MiB aligned
 * @size: bytes, at most 4 MiB; rounded up to 2 MiB
 *
 * Context: may sleep; takes &nvgpu_bar1.lock.
 * Return: where @fb_addr is now, or -EINVAL, -ETIMEDOUT, -EIO if the GPU is gone.
 */
void __iomem *nvgpu_bar1_map(struct nvgpu_bar1 *bar1, unsigned int gfid, u64 fb_addr, u64 size)
{
	int ret;

	if (!gfid || gfid >= NUM_SLOTS || !IS_ALIGNED(fb_addr, PTE_SPAN) || size > SLOT_SIZE)
		return IOMEM_ERR_PTR(-EINVAL);

	guard(mutex)(&bar1->lock);
	ret = bar1_set_slot(bar1, gfid, fb_addr, size);
	if (ret) {
		bar1_set_slot(bar1, gfid, 0, 0);
		return IOMEM_ERR_PTR(ret);
	}
	return bar1->base + (size_t)gfid * SLOT_SIZE;
}

/**
 * nvgpu_bar1_unmap() - undo nvgpu_bar1_map()
 * @bar1: the aperture
 * @gfid: whose heap
 *
 * Context: may sleep; takes &nvgpu_bar1.lock.
 */
void nvgpu_bar1_unmap(struct nvgpu_bar1 *bar1, unsigned int gfid)
{
	guard(mutex)(&bar1->lock);
	bar1_set_slot(bar1, gfid, 0, 0);
}
