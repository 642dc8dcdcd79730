/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_VGPU_H
#define _NVKM_VGPU_VGPU_H

#include <linux/mutex.h>
#include <linux/nvkm_vgpu.h>
#include <linux/types.h>

#include "rm/rm.h"
#include "vgpu/pf.h"
#include "vgpu/plugin.h"

/**
 * struct nvkm_vgpu - the vGPU of a VF that a driver is attached to
 * @pf: the GPU
 * @vf: index of its VF; its state is that of &nvgpu_vgpu_mgr.vf
 * @gfid: number of the function for GSP-RM, 0 is the PF
 * @dbdf: PCI address of the VF, domain in the upper half
 * @ops: what the driver is told
 * @data: for @ops
 * @lock: see vgpu/pf.h; what follows is of an open vGPU
 * @identity: what the guest sees
 * @rsv: its share of the GPU, which nobody changes while it is open
 * @params: settings
 * @client: its client of GSP-RM
 * @plugin: channel to its plugin task
 */
struct nvkm_vgpu {
	struct nvkm_vgpu_pf *pf;
	unsigned int vf;
	u32 gfid;
	u32 dbdf;
	const struct nvkm_vgpu_client_ops *ops;
	void *data;
	struct mutex lock;	/* life cycle, plugin channel */
	struct nvkm_vgpu_identity identity;
	struct nvgpu_reservation *rsv __guarded_by(&lock);
	struct nvgpu_params params __guarded_by(&lock);
	struct nvgpu_rm_client client __guarded_by(&lock);
	struct nvgpu_plugin plugin __guarded_by(&lock);
};

int nvgpu_vgpu_create(struct nvkm_vgpu *vgpu) __must_hold(&vgpu->lock);
void nvgpu_vgpu_destroy(struct nvkm_vgpu *vgpu) __must_hold(&vgpu->lock);
int nvgpu_vgpu_reset(struct nvkm_vgpu *vgpu) __must_hold(&vgpu->lock);
void nvgpu_vgpu_fail(struct nvkm_vgpu_pf *pf, unsigned int vf, enum nvkm_vgpu_error reason);
void nvgpu_vgpu_fail_all(struct nvgpu_health *health);

#endif
