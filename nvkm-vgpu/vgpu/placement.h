/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PLACEMENT_H
#define _NVKM_VGPU_PLACEMENT_H

#include <linux/types.h>

struct nvgpu_type;

#define NVGPU_ANY_PLACEMENT	(~0U)
#define NVGPU_ANYWHERE		(~0ULL)

/**
 * struct nvgpu_geometry - what of the board decides where vGPUs go
 * @fb_start: framebuffer address of the first whole VMMU segment that is ours
 * @fb_total: bytes of framebuffer of the board, without those of check bits
 * @segment: bytes of a VMMU segment, a power of two
 * @num_chids: channel ids of a runlist
 * @ecc: part of the framebuffer holds check bits; for debugfs
 */
struct nvgpu_geometry {
	u64 fb_start;
	u64 fb_total;
	u64 segment;
	u32 num_chids;
	bool ecc;
};

/**
 * struct nvgpu_placement - where a vGPU goes
 * @id: placement id, in GiB of the placement region
 * @fb_start: framebuffer address, VMMU segment aligned
 * @fb_size: bytes, VMMU segment aligned
 * @heap_start: framebuffer address of the plugin task's heap, or NVGPU_ANYWHERE
 * @chid_start: first channel id
 * @num_chids: number of channel ids
 */
struct nvgpu_placement {
	u32 id;
	u64 fb_start;
	u64 fb_size;
	u64 heap_start;
	u32 chid_start;
	u32 num_chids;
};

/**
 * struct nvgpu_mixed - what is common to all places for vGPUs of several sizes
 * @gib: placement region
 * @size: bytes of framebuffer for it, guests and heaps
 * @carve: of the powers of two that the region is divided by, those whose parts leave a segment
 *	to the heaps of smaller vGPUs
 */
struct nvgpu_mixed {
	u32 gib;
	u64 size;
	u32 carve;
};

u64 nvgpu_guest_fb_size(const struct nvgpu_geometry *geo, const struct nvgpu_type *type);
int nvgpu_place_homogeneous(const struct nvgpu_geometry *geo, const struct nvgpu_type *type,
			    unsigned int index, struct nvgpu_placement *place);
int nvgpu_mixed_init(struct nvgpu_mixed *mixed, const struct nvgpu_geometry *geo,
		     const struct nvgpu_type *types, unsigned int num);
unsigned int nvgpu_mixed_places(const struct nvgpu_type *type);
int nvgpu_place_mixed(const struct nvgpu_geometry *geo, const struct nvgpu_mixed *mixed,
		      const struct nvgpu_type *type, unsigned int index,
		      struct nvgpu_placement *place);

#endif
