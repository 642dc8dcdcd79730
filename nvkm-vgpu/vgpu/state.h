/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_STATE_H
#define _NVKM_VGPU_STATE_H

#include <linux/types.h>

#include "vgpu/pf.h"

struct pci_dev;

const char *nvgpu_vf_state_name(enum nvgpu_vf_state state);
bool nvgpu_vf_is_open(enum nvgpu_vf_state state);
struct pci_dev *nvgpu_vf_next(struct pci_dev *pdev, struct pci_dev *vf);
int nvgpu_vf_index(const struct nvkm_vgpu_pf *pf, struct pci_dev *vf);
struct nvgpu_vf *nvgpu_vf_get(struct nvgpu_vgpu_mgr *mgr, unsigned int vf)
	__must_hold(&mgr->lock);
bool nvgpu_vf_move_locked(struct nvkm_vgpu_pf *pf, unsigned int vf, enum nvgpu_vf_state to)
	__must_hold(&pf->mgr.lock);
bool nvgpu_vf_move(struct nvkm_vgpu_pf *pf, unsigned int vf, enum nvgpu_vf_state to);
void nvgpu_vf_note_guest(struct nvkm_vgpu_pf *pf, unsigned int vf);
enum nvgpu_vf_state nvgpu_vf_state(struct nvkm_vgpu_pf *pf, unsigned int vf);

#endif
