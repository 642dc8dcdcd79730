/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_BAR1_H
#define _NVKM_VGPU_BAR1_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "vgpu/fbmem.h"

struct nvgpu_gpu;

/**
 * struct nvgpu_bar1 - aperture on framebuffer for the CPU, through page tables of ours
 * @gpu: the GPU
 * @pde_base: framebuffer address of the top directory, which is GSP-RM's; 0 while
 *	there are no tables
 * @lock: leaf, see vgpu/pf.h
 * @base: the part of BAR1 that is mapped for the CPU
 * @tables: framebuffer of the page tables
 */
struct nvgpu_bar1 {
	const struct nvgpu_gpu *gpu;
	u64 pde_base;
	struct mutex lock;	/* page table entries and TLB invalidation */
	void __iomem *base;
	struct nvgpu_fb_block tables;
};

int nvgpu_bar1_init(struct nvgpu_bar1 *bar1, const struct nvgpu_gpu *gpu, struct nvgpu_fbmem *fb);
int nvgpu_bar1_start(struct nvgpu_bar1 *bar1, u64 pde_base);
void nvgpu_bar1_stop(struct nvgpu_bar1 *bar1);
void nvgpu_bar1_fini(struct nvgpu_bar1 *bar1);
void __iomem *nvgpu_bar1_spare(const struct nvgpu_bar1 *bar1, u64 *fb_addr);
/* map the start of the plugin heap of @gfid; the returned pointer is at @fb_addr */
void __iomem *nvgpu_bar1_map(struct nvgpu_bar1 *bar1, unsigned int gfid, u64 fb_addr, u64 size);
void nvgpu_bar1_unmap(struct nvgpu_bar1 *bar1, unsigned int gfid);

#endif
