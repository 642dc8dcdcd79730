/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PROVISION_H
#define _NVKM_VGPU_PROVISION_H

#include <linux/types.h>

struct nvgpu_params;
struct nvgpu_reservation;
struct nvgpu_rm_client;
struct nvgpu_type;
struct nvgpu_vgpu_mgr;
struct nvkm_vgpu_pf;

/* what a VF is to be: the layer under sysfs and under the API; @vf is an index */
u32 nvgpu_provision_get(struct nvkm_vgpu_pf *pf, unsigned int vf);
int nvgpu_provision_set(struct nvkm_vgpu_pf *pf, unsigned int vf, u32 id);
unsigned int nvgpu_provision_creatable(struct nvkm_vgpu_pf *pf, unsigned int vf,
				       const struct nvgpu_type **types);
void nvgpu_provision_get_params(struct nvkm_vgpu_pf *pf, unsigned int vf,
				struct nvgpu_params *params);
int nvgpu_provision_add_params(struct nvkm_vgpu_pf *pf, unsigned int vf, char *text);

/* SR-IOV on and off */
void nvgpu_provision_enable(struct nvgpu_vgpu_mgr *mgr);
int nvgpu_provision_disable(struct nvgpu_vgpu_mgr *mgr, bool force);
int nvgpu_provision_tell_mode(struct nvkm_vgpu_pf *pf, bool mixed);
int nvgpu_provision_set_mode(struct nvkm_vgpu_pf *pf, bool mixed);
bool nvgpu_provision_is_mixed(struct nvkm_vgpu_pf *pf);
void nvgpu_provision_clear_all(struct nvkm_vgpu_pf *pf);
void nvgpu_provision_drop_kept(struct nvkm_vgpu_pf *pf);

/* GSP-RM goes and comes back */

/* who lets no VF be opened; a reset of the GPU may end in the middle of the host's sleep */
enum nvgpu_hold {
	NVGPU_HOLD_SLEEP,	/* the host is about to sleep, until all of it is awake */
	NVGPU_HOLD_LOAD,	/* GSP-RM is off */
};

int nvgpu_provision_hold(struct nvkm_vgpu_pf *pf, enum nvgpu_hold who, u32 *open);
void nvgpu_provision_soil(struct nvkm_vgpu_pf *pf);
void nvgpu_provision_unhold(struct nvkm_vgpu_pf *pf, enum nvgpu_hold who);

/* a vGPU that opens and closes */
struct nvgpu_reservation *nvgpu_provision_claim(struct nvkm_vgpu_pf *pf, unsigned int vf,
						struct nvgpu_params *params);
void nvgpu_provision_release(struct nvkm_vgpu_pf *pf, unsigned int vf,
			     const struct nvgpu_rm_client *kept);

#endif
