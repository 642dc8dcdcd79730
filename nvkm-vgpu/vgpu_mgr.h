/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_MGR_H
#define _NVKM_VGPU_MGR_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "fwabi/fwabi.h"

struct pci_dev;
struct nvkm_vgpu;
struct nvkm_vgpu_pf;

struct nvgpu_vgpu_mgr {
	struct mutex lock;		/* reservations and types; never held across a wait for firmware */
};

/* after GSP-RM is up: queries, BAR1 tables, type table; nothing per VF */
int nvgpu_vgpu_mgr_init(struct nvkm_vgpu_pf *pf);
void nvgpu_vgpu_mgr_fini(struct nvkm_vgpu_pf *pf);
/* pci_driver.sriov_configure */
int nvgpu_sriov_configure(struct pci_dev *pdev, int num_vfs);
/* first step of remove: waits until no VF is left */
void nvgpu_sriov_disable(struct nvkm_vgpu_pf *pf);

#endif
