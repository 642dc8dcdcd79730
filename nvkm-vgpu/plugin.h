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
 * @ready: the task has come up and knows where everything is
 * @broken: a message was not answered, so the next answer could be a late one
 */
struct nvgpu_plugin {
	void __iomem *comm;
	u32 seq;
	bool ready;
	bool broken;
};

int nvgpu_plugin_map(struct nvkm_vgpu *vgpu);
void nvgpu_plugin_unmap(struct nvkm_vgpu *vgpu);
int nvgpu_plugin_attach(struct nvkm_vgpu *vgpu);
int nvgpu_plugin_configure(struct nvkm_vgpu *vgpu, const struct nvgpu_plugin_config *config);
int nvgpu_plugin_set_bus_master(struct nvkm_vgpu *vgpu, bool enable);
int nvgpu_plugin_reset(struct nvkm_vgpu *vgpu);

#endif
