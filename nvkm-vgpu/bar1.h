/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_BAR1_H
#define _NVKM_VGPU_BAR1_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "fbmem.h"

struct nvkm_vgpu_pf;

/**
 * struct nvgpu_bar1 - window on framebuffer for the CPU, through page tables of ours
 * @lock: leaf, see vgpu_mgr.h
 * @base: the part of BAR1 that is mapped for the CPU
 * @tables: framebuffer of the page tables
 */
struct nvgpu_bar1 {
	struct mutex lock;	/* page table entries and TLB invalidation */
	void __iomem *base;
	struct nvgpu_fb_block tables;
};

int nvgpu_bar1_init(struct nvkm_vgpu_pf *pf);
void nvgpu_bar1_fini(struct nvkm_vgpu_pf *pf);
/* map the start of the plugin heap of @gfid; the returned pointer is at @fb_addr */
void __iomem *nvgpu_bar1_map(struct nvkm_vgpu_pf *pf, unsigned int gfid, u64 fb_addr, u64 size);
void nvgpu_bar1_unmap(struct nvkm_vgpu_pf *pf, unsigned int gfid);

#endif
