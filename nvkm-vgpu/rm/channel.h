/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_RM_CHANNEL_H
#define _NVKM_VGPU_RM_CHANNEL_H

#include <linux/types.h>

#include "fwabi/fwabi.h"
#include "rm/rm.h"

/**
 * struct nvgpu_rm_channel - a channel to a copy engine
 * @client: whose
 * @engine: the engine
 * @params: the channel, and its memory
 * @ring: CPU address of its GPFIFO
 * @userd: its page, as the CPU sees it
 * @handle: of the channel, 0 while GSP-RM has none
 * @put: entry of the ring that is next
 */
struct nvgpu_rm_channel {
	struct nvgpu_rm_client *client;
	struct nvgpu_engine engine;
	struct nvgpu_channel_params params;
	__le64 *ring;
	void __iomem *userd;
	u32 handle;
	u32 put;
};

int nvgpu_rm_find_copy_engine(struct nvgpu_rm *rm, struct nvgpu_engine *engine);
int nvgpu_rm_copy_vector(struct nvgpu_rm *rm, u32 engine, u32 *vector);
int nvgpu_rm_method_buffer_size(struct nvgpu_rm *rm, u32 *size);

int nvgpu_rm_vaspace_init(struct nvgpu_rm_client *client, u64 tables, u32 entries, u32 *handle);
void nvgpu_rm_vaspace_fini(struct nvgpu_rm_client *client, u32 handle);

int nvgpu_rm_channel_init(struct nvgpu_rm_channel *chan, u32 chid);
int nvgpu_rm_channel_fini(struct nvgpu_rm_channel *chan);
void nvgpu_rm_channel_push(struct nvgpu_rm_channel *chan, u64 addr, u32 dwords);

#endif
