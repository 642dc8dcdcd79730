/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_VGPU_H
#define _NVKM_VGPU_VGPU_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "plugin.h"
#include "rm.h"
#include "vgpu_mgr.h"

struct nvkm_vgpu_pf;

/**
 * struct nvkm_vgpu - a vGPU that is open
 * @pf: the GPU
 * @vf: index of its VF
 * @gfid: number of the function for GSP-RM, 0 is the PF
 * @dbdf: PCI address of the VF, domain in the upper half
 * @lock: see vgpu_mgr.h
 * @rsv: its share of the GPU, which nobody changes while it is open
 * @params: settings
 * @client: its client of GSP-RM
 * @plugin: channel to its plugin task
 * @booted: GSP-RM has, or may have, a plugin task for it
 */
struct nvkm_vgpu {
	struct nvkm_vgpu_pf *pf;
	unsigned int vf;
	u32 gfid;
	u32 dbdf;
	struct mutex lock;	/* life cycle, plugin channel */
	const struct nvgpu_reservation *rsv;
	struct nvgpu_params params;
	struct nvgpu_rm_client client;
	struct nvgpu_plugin plugin;
	bool booted;
};

int nvgpu_vgpu_create(struct nvkm_vgpu *vgpu);
bool nvgpu_vgpu_destroy(struct nvkm_vgpu *vgpu);

#endif
