/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_CHID_H
#define _NVKM_VGPU_CHID_H

#include <linux/types.h>

/*
 * The runlists share one number space, and GSP-RM says how large it is: 2048 in a capture of GA106.
 * This is no guess at it, but what a doorbell can ring; ids above would be of no use to a guest.
 */
#define NVGPU_MAX_CHANNELS	4096

/**
 * struct nvgpu_chids - channel ids that are reserved for vGPUs
 * @used: one bit a channel
 *
 * The owner locks.
 */
struct nvgpu_chids {
	DECLARE_BITMAP(used, NVGPU_MAX_CHANNELS);
};

int nvgpu_chids_reserve(struct nvgpu_chids *chids, u32 start, u32 count);
void nvgpu_chids_release(struct nvgpu_chids *chids, u32 start, u32 count);
u32 nvgpu_chids_used(const struct nvgpu_chids *chids);

#endif
