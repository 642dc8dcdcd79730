/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_NVKM_VGPU_H
#define _LINUX_NVKM_VGPU_H

#include <linux/err.h>
#include <linux/types.h>

struct pci_dev;
struct nvkm_vgpu_pf;
struct nvkm_vgpu;

/**
 * struct nvkm_vgpu_trap - a range of VF BAR0 that a guest must not reach directly
 * @offset: bytes from the start of BAR0, page aligned
 * @size: bytes, page aligned
 */
struct nvkm_vgpu_trap {
	u32 offset;
	u32 size;
};

#define NVKM_VGPU_MAX_TRAPS	2

/**
 * struct nvkm_vgpu_identity - what the guest is to see of its vGPU
 * @device: PCI device id
 * @subsystem_vendor: PCI subsystem vendor id
 * @subsystem: PCI subsystem id
 * @bar1_size: bytes of the framebuffer aperture, a power of two, at most the size of the VF's BAR1
 * @num_traps: entries of @traps in use
 * @traps: ranges of BAR0 that are not to be mapped into the guest
 */
struct nvkm_vgpu_identity {
	u16 device;
	u16 subsystem_vendor;
	u16 subsystem;
	u64 bar1_size;
	unsigned int num_traps;
	struct nvkm_vgpu_trap traps[NVKM_VGPU_MAX_TRAPS];
};

struct nvkm_vgpu_pf *nvkm_vgpu_get_pf(struct pci_dev *vf);
struct nvkm_vgpu *nvkm_vgpu_open(struct nvkm_vgpu_pf *pf, struct pci_dev *vf,
				 struct nvkm_vgpu_identity *identity);
void nvkm_vgpu_close(struct nvkm_vgpu *vgpu);
int nvkm_vgpu_set_bus_master(struct nvkm_vgpu *vgpu, bool enable);
int nvkm_vgpu_reset(struct nvkm_vgpu *vgpu);

#endif
