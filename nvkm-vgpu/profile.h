/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PROFILE_H
#define _NVKM_VGPU_PROFILE_H

#include <linux/types.h>

struct nvgpu_params;
struct nvgpu_reservation;
struct nvgpu_type;
struct nvgpu_vgpu_mgr;
struct nvkm_vgpu_pf;

/*
 * What a VF is to be: the layer under sysfs, and under whatever else will choose types one day. @vf
 * is an index.
 */
u32 nvgpu_profile_get(struct nvkm_vgpu_pf *pf, unsigned int vf);
int nvgpu_profile_set(struct nvkm_vgpu_pf *pf, unsigned int vf, u32 id);
unsigned int nvgpu_profile_creatable(struct nvkm_vgpu_pf *pf, unsigned int vf,
				     const struct nvgpu_type **types);
void nvgpu_profile_get_params(struct nvkm_vgpu_pf *pf, unsigned int vf,
			      struct nvgpu_params *params);
int nvgpu_profile_set_params(struct nvkm_vgpu_pf *pf, unsigned int vf, const char *text);

/* SR-IOV on and off */
void nvgpu_profile_open_gate(struct nvgpu_vgpu_mgr *mgr);
int nvgpu_profile_close_gate(struct nvgpu_vgpu_mgr *mgr, bool force);
void nvgpu_profile_clear_all(struct nvgpu_vgpu_mgr *mgr);
void nvgpu_profile_drop_quarantine(struct nvgpu_vgpu_mgr *mgr);

/* a vGPU that opens and closes */
const struct nvgpu_reservation *nvgpu_profile_claim(struct nvkm_vgpu_pf *pf, unsigned int vf,
						    struct nvgpu_params *params);
void nvgpu_profile_release(struct nvkm_vgpu_pf *pf, unsigned int vf, bool lost);

#endif
