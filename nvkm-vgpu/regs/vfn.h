/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual-function register block: all of a VF's BAR0, and the PF's own copy in a window of its
 * BAR0.
 */
#ifndef _NVKM_VGPU_REGS_VFN_H
#define _NVKM_VGPU_REGS_VFN_H

#include <linux/bits.h>

#define NVGPU_VFN_PF			0xb80000	/* tu102/dev_vm.h, FULL_PHYS_OFFSET */

/* interrupt tree: 32 vectors a leaf, two leaves a bit of top */
#define NVGPU_VFN_INTR_LEAF(i)		(0x1000 + 4 * (i))
#define NVGPU_VFN_INTR_LEAF_EN_SET(i)	(0x1200 + 4 * (i))
#define NVGPU_VFN_INTR_LEAF_EN_CLEAR(i)	(0x1400 + 4 * (i))
#define NVGPU_VFN_INTR_TOP		0x1600
#define NVGPU_VFN_INTR_TOP_EN_SET	0x1608
#define NVGPU_VFN_INTR_TOP_EN_CLEAR	0x1610
#define NVGPU_VFN_INTR_LEAVES		8
#define NVGPU_VFN_INTR_VECTORS		(32 * NVGPU_VFN_INTR_LEAVES)
#define NVGPU_VFN_INTR_TOP_ALL		GENMASK(NVGPU_VFN_INTR_LEAVES / 2 - 1, 0)

#endif
