/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_FBMEM_H
#define _NVKM_VGPU_FBMEM_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct nvgpu_fb_block - a range of framebuffer, part of the structure that owns it
 * @node: in &nvgpu_fbmem.used
 * @start: framebuffer address
 * @size: bytes, 0 when nothing is allocated
 * @clean: all of it is zero, and nobody uses it; see vgpu/scrub.c, whose lock protects it
 */
struct nvgpu_fb_block {
	struct list_head node;
	u64 start;
	u64 size;
	bool clean;
};

/**
 * struct nvgpu_fbmem - framebuffer that GSP-RM leaves to us
 * @start: framebuffer address
 * @end: exclusive
 * @used: blocks in ascending order
 *
 * The owner locks.
 */
struct nvgpu_fbmem {
	u64 start;
	u64 end;
	struct list_head used;
};

void nvgpu_fbmem_init(struct nvgpu_fbmem *fb, u64 start, u64 size);
int nvgpu_fbmem_reserve(struct nvgpu_fbmem *fb, struct nvgpu_fb_block *block, u64 start, u64 size);
int nvgpu_fbmem_alloc_top(struct nvgpu_fbmem *fb, struct nvgpu_fb_block *block, u64 size,
			  u64 align);
void nvgpu_fbmem_free(struct nvgpu_fb_block *block);
u64 nvgpu_fbmem_used(const struct nvgpu_fbmem *fb);

#endif
