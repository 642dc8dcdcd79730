/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_STATUS_H
#define _NVKM_VGPU_STATUS_H

#include <linux/types.h>

struct attribute_group;
struct pci_dev;

extern const struct attribute_group nvgpu_status_group;

void nvgpu_status_notify(struct pci_dev *vf, bool moved, bool guest);

#endif
