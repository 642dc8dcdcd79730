/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_MGR_H
#define _NVKM_VGPU_MGR_H

struct nvkm_vgpu_pf;

/* GSP-RM goes and comes back; nothing of VFs changes */
void nvgpu_vgpu_mgr_stop(struct nvkm_vgpu_pf *pf);
int nvgpu_vgpu_mgr_restart(struct nvkm_vgpu_pf *pf);

int nvgpu_vgpu_mgr_init(struct nvkm_vgpu_pf *pf);
void nvgpu_vgpu_mgr_fini(struct nvkm_vgpu_pf *pf);

#endif
