/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PLUGIN_H
#define _NVKM_VGPU_PLUGIN_H

#include <linux/types.h>

struct nvgpu_plugin_config;
struct nvkm_vgpu;

/**
 * struct nvgpu_plugin - channel to the task of GSP-RM that serves one vGPU
 * @comm: communication area at the start of the plugin heap, NULL while not mapped
 * @seq: number of the last message
 */
struct nvgpu_plugin {
	void __iomem *comm;
	u32 seq;
};

int nvgpu_plugin_map(struct nvkm_vgpu *vgpu);
void nvgpu_plugin_unmap(struct nvkm_vgpu *vgpu);
int nvgpu_plugin_attach(struct nvkm_vgpu *vgpu);
int nvgpu_plugin_configure(struct nvkm_vgpu *vgpu, const struct nvgpu_plugin_config *config);
int nvgpu_plugin_allow_dma(struct nvkm_vgpu *vgpu);
int nvgpu_plugin_reset(struct nvkm_vgpu *vgpu);

#endif
