/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_GSP_H
#define _NVKM_VGPU_GSP_H

#include "boot/boot.h"
#include "fwabi/fwabi.h"
#include "gsp/events.h"
#include "gsp/health.h"
#include "gsp/rpc.h"

struct nvgpu_gpu;

/**
 * struct nvgpu_gsp - GSP-RM
 * @gpu: the GPU
 * @boot: how it is started and stopped
 * @health: whether it can be used
 * @rpc: calls to it
 * @events: what it says unasked
 * @info: what it told about the board after it came up
 */
struct nvgpu_gsp {
	struct nvgpu_gpu *gpu;
	struct nvgpu_boot boot;
	struct nvgpu_health health;
	struct nvgpu_rpc rpc;
	struct nvgpu_events events;
	struct nvgpu_static_info info;
};

void nvgpu_gsp_init(struct nvgpu_gsp *gsp, struct nvgpu_gpu *gpu);
int nvgpu_gsp_boot(struct nvgpu_gsp *gsp);
void nvgpu_gsp_unload(struct nvgpu_gsp *gsp);
void nvgpu_gsp_fini(struct nvgpu_gsp *gsp);

#endif
