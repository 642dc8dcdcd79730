/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PLUGIN_H
#define _NVKM_VGPU_PLUGIN_H

#include <linux/types.h>

#include "vgpu/debugfs.h"

struct mutex;
struct nvgpu_plugin_config;
struct nvgpu_reservation;
struct nvkm_vgpu_pf;

/**
 * struct nvgpu_plugin - channel to the task of GSP-RM that serves one vGPU
 * @pf: the GPU
 * @gfid: of the vGPU
 * @lock: who calls anything here holds it
 * @comm: communication area at the start of the plugin heap, NULL while not mapped
 * @seq: number of the last message
 * @logs: files that show what GSP-RM and the task log, while mapped
 */
struct nvgpu_plugin {
	struct nvkm_vgpu_pf *pf;
	u32 gfid;
	struct mutex *lock;	/* see @lock */
	void __iomem *comm;
	u32 seq;
	struct nvgpu_debugfs_logs logs;
};

int nvgpu_plugin_map(struct nvgpu_plugin *plugin, const struct nvgpu_reservation *rsv);
void nvgpu_plugin_unmap(struct nvgpu_plugin *plugin);
int nvgpu_plugin_attach(struct nvgpu_plugin *plugin);
int nvgpu_plugin_configure(struct nvgpu_plugin *plugin, const struct nvgpu_plugin_config *config);
int nvgpu_plugin_allow_dma(struct nvgpu_plugin *plugin);
int nvgpu_plugin_reset(struct nvgpu_plugin *plugin);

#endif
