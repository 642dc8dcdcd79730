/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_DEBUGFS_H
#define _NVKM_VGPU_DEBUGFS_H

struct nvkm_vgpu_pf;

void nvgpu_debugfs_init(struct nvkm_vgpu_pf *pf);
void nvgpu_debugfs_fini(struct nvkm_vgpu_pf *pf);
/* what is of GSP-RM */
void nvgpu_debugfs_start(struct nvkm_vgpu_pf *pf);
void nvgpu_debugfs_stop(struct nvkm_vgpu_pf *pf);

#endif
