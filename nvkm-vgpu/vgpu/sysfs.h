/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_SYSFS_H
#define _NVKM_VGPU_SYSFS_H

#include <linux/pci.h>

struct nvgpu_type;
struct work_struct;

/* pci_driver.dev_groups */
extern const struct attribute_group *nvgpu_pf_groups[];

int nvgpu_sysfs_add_vf(struct pci_dev *vf);
void nvgpu_sysfs_remove_vf(struct pci_dev *vf);
void nvgpu_sysfs_tell(struct work_struct *work);

#if IS_ENABLED(CONFIG_KUNIT)
int nvgpu_sysfs_emit_creatable(char *buf, const struct nvgpu_type **types, unsigned int num);
int nvgpu_sysfs_emit_supported(char *buf, const struct nvgpu_type *types, unsigned int num);
#endif

#endif
