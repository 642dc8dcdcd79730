/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_CHID_H
#define _NVKM_VGPU_CHID_H

#include <linux/types.h>

/*
 * Channels of a runlist. Named assumption: all of Ada has as many, and GSP-RM has no question for
 * it; the runlists share one number space.
 */
#define NVGPU_NUM_CHANNELS	2048

/**
 * struct nvgpu_chids - channel ids that are reserved for vGPUs
 * @used: one bit a channel
 *
 * The owner locks.
 */
struct nvgpu_chids {
	DECLARE_BITMAP(used, NVGPU_NUM_CHANNELS);
};

int nvgpu_chids_reserve(struct nvgpu_chids *chids, u32 start, u32 count);
void nvgpu_chids_release(struct nvgpu_chids *chids, u32 start, u32 count);
u32 nvgpu_chids_used(const struct nvgpu_chids *chids);

#endif
