/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_DEVICE_H
#define _NVKM_VGPU_DEVICE_H

#include <linux/notifier.h>

#include "intr.h"
#include "vgpu/pf.h"

struct auxiliary_device;

/**
 * struct nvgpu_device - a GPU, with what binds its layers to Linux
 * @pf: the GPU as a host of vGPUs; drvdata of the PF
 * @intr: interrupts, while @loaded
 * @sleep: hears of the host's going to sleep
 * @vf_devfn: of the first two VFs, before GSP-RM was taken off
 * @loaded: GSP-RM has memory and interrupts
 * @paused: it has to be loaded again
 * @provision: for drivers that choose what VFs are
 *
 * The PF's device lock protects @loaded and @paused.
 */
struct nvgpu_device {
	struct nvkm_vgpu_pf pf;
	struct nvgpu_intr intr;
	struct notifier_block sleep;
	int vf_devfn[2];
	bool loaded;
	bool paused;
	struct auxiliary_device *provision;
};

static inline struct nvgpu_device *nvgpu_device(struct nvkm_vgpu_pf *pf)
{
	return container_of(pf, struct nvgpu_device, pf);
}

struct nvkm_vgpu_pf *nvgpu_get_pf(struct pci_dev *vf);
int nvgpu_sriov_configure(struct pci_dev *pdev, int num_vfs);
void nvgpu_sriov_disable(struct nvkm_vgpu_pf *pf);
int nvgpu_export_set_type(struct nvkm_vgpu_pf *pf, unsigned int vf, u32 id);
int nvgpu_export_mgr_add(struct nvgpu_device *nvdev);
void nvgpu_export_mgr_remove(struct nvgpu_device *nvdev);

#endif
