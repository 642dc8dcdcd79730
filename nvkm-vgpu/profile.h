/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PROFILE_H
#define _NVKM_VGPU_PROFILE_H

#include <linux/types.h>

enum nvgpu_vf_state;
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
void nvgpu_profile_enable(struct nvgpu_vgpu_mgr *mgr);
int nvgpu_profile_disable(struct nvgpu_vgpu_mgr *mgr, bool force);
void nvgpu_profile_clear_all(struct nvkm_vgpu_pf *pf);
void nvgpu_profile_drop_kept(struct nvgpu_vgpu_mgr *mgr);

/* states */
const char *nvgpu_vf_state_name(enum nvgpu_vf_state state);
bool nvgpu_vf_is_open(enum nvgpu_vf_state state);
bool nvgpu_vf_move(struct nvkm_vgpu_pf *pf, unsigned int vf, enum nvgpu_vf_state to);
enum nvgpu_vf_state nvgpu_vf_state(struct nvkm_vgpu_pf *pf, unsigned int vf);

/* a vGPU that opens and closes */
const struct nvgpu_reservation *nvgpu_profile_claim(struct nvkm_vgpu_pf *pf, unsigned int vf,
						    struct nvgpu_params *params);
void nvgpu_profile_release(struct nvkm_vgpu_pf *pf, unsigned int vf, bool kept);

#endif
