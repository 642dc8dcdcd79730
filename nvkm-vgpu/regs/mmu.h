/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GMMU: window on framebuffer that no page table translates, table entries of version 2, TLB
 * invalidation.
 */
#ifndef _NVKM_VGPU_REGS_MMU_H
#define _NVKM_VGPU_REGS_MMU_H

#include <linux/bits.h>

#include "regs/vfn.h"

/* PRAMIN, nouveau nvkm/subdev/instmem/nv50.c */
#define NVGPU_PRAMIN_WINDOW			0x001700	/* framebuffer address >> 16 */
#define NVGPU_PRAMIN				0x700000

/*
 * Entries of the four levels of directories, nouveau nvkm/subdev/mmu/vmmgp100.c. Addresses go in
 * from bit 8 on, without their low 12 bits. An entry of the last level has two halves; with a page
 * of 2 MiB the upper one is 0, otherwise it has the table of small pages, 4 KiB each.
 */
#define NVGPU_MMU_ENTRY_ADDR_SHIFT		4
#define NVGPU_MMU_PDE_SIZE			8
#define   NVGPU_MMU_PDE_VIDMEM			BIT_ULL(1)
#define NVGPU_MMU_PDE0_SIZE			16
#define   NVGPU_MMU_PTE_VALID			BIT_ULL(0)
#define   NVGPU_MMU_PTE_VIDMEM			0ULL
#define   NVGPU_MMU_PTE_SYSMEM			(2ULL << 1 | BIT_ULL(3)) /* coherent, volatile */
#define NVGPU_MMU_PTE_SIZE			8
#define NVGPU_MMU_TABLE_SIZE			0x1000	/* of each level */
#define NVGPU_MMU_PD3_ENTRIES			4

/* the PF's own copy, ga100/dev_vm.h NV_VIRTUAL_FUNCTION_PRIV_MMU_INVALIDATE */
#define NVGPU_MMU_INVALIDATE_PDB		(NVGPU_VFN_PF + 0x30a0)	/* address bits from 8 */
#define NVGPU_MMU_INVALIDATE_PDB_UPPER		(NVGPU_VFN_PF + 0x30a4)	/* bits from 40 */
#define NVGPU_MMU_INVALIDATE			(NVGPU_VFN_PF + 0x30b0)
#define   NVGPU_MMU_INVALIDATE_ALL_VA		BIT(0)
#define   NVGPU_MMU_INVALIDATE_ALL_PDB		BIT(1)
#define   NVGPU_MMU_INVALIDATE_HUBTLB_ONLY	BIT(2)
#define   NVGPU_MMU_INVALIDATE_TRIGGER		BIT(31)

#endif
