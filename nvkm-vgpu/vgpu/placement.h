/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PLACEMENT_H
#define _NVKM_VGPU_PLACEMENT_H

#include <linux/types.h>

struct nvgpu_type;

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
 * @chid_start: first channel id
 * @num_chids: number of channel ids
 */
struct nvgpu_placement {
	u32 id;
	u64 fb_start;
	u64 fb_size;
	u32 chid_start;
	u32 num_chids;
};

u64 nvgpu_guest_fb_size(const struct nvgpu_geometry *geo, const struct nvgpu_type *type);
int nvgpu_place_homogeneous(const struct nvgpu_geometry *geo, const struct nvgpu_type *type,
			    unsigned int index, struct nvgpu_placement *place);

#endif
