/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_STATUS_H
#define _NVKM_VGPU_STATUS_H

#include <linux/types.h>

struct attribute_group;
struct nvgpu_vf;
struct nvkm_vgpu_status;
struct nvkm_vgpu_pf;
struct pci_dev;

extern const struct attribute_group nvgpu_status_group;

void nvgpu_status_get(struct nvkm_vgpu_pf *pf, unsigned int vf, struct nvkm_vgpu_status *status);
void nvgpu_status_watch(struct nvkm_vgpu_pf *pf, struct pci_dev *vf);
void nvgpu_status_unwatch(struct nvkm_vgpu_pf *pf);
void nvgpu_status_notify(struct nvgpu_vf *vf, bool moved, bool guest);

#endif
