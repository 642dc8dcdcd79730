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
 * @traps: ranges of BAR0 that are not to be mapped into the guest, in ascending order
 */
struct nvkm_vgpu_identity {
	u16 device;
	u16 subsystem_vendor;
	u16 subsystem;
	u64 bar1_size;
	unsigned int num_traps;
	struct nvkm_vgpu_trap traps[NVKM_VGPU_MAX_TRAPS];
};

/**
 * nvkm_vgpu_get_pf() - the GPU that a VF belongs to
 * @vf: the VF
 *
 * Context: any in which a driver is attached to @vf. The PF's driver cannot go away meanwhile: it
 * turns VFs off first, and that waits for their drivers.
 * Return: the GPU, or ERR_PTR(-EINVAL) if @vf is no VF or its PF is not bound to nvkm-vgpu.
 */
struct nvkm_vgpu_pf *nvkm_vgpu_get_pf(struct pci_dev *vf);

/**
 * nvkm_vgpu_open() - bring up the vGPU of a VF
 * @pf: the GPU
 * @vf: one of its VFs, out of reset
 * @identity: filled in
 *
 * The VF must have been given a type. GSP-RM gets a client and starts the vGPU's plugin task, which
 * is waited for.
 *
 * Context: process; may sleep, seconds as a rule, bounded; can be killed. Takes no device lock.
 * Return: the vGPU, to be given back by nvkm_vgpu_close(); or ERR_PTR() of -EINVAL if @vf is no VF
 * of @pf, -ENODEV if it has no type or VFs are being turned off, -EBUSY if it is open, -EINTR if
 * killed, -ETIMEDOUT or -EIO if GSP-RM or the plugin task does not do its part, -ENOMEM.
 */
struct nvkm_vgpu *nvkm_vgpu_open(struct nvkm_vgpu_pf *pf, struct pci_dev *vf,
				 struct nvkm_vgpu_identity *identity);

/**
 * nvkm_vgpu_close() - end a vGPU
 * @vgpu: the vGPU, gone afterwards
 *
 * Never fails. What GSP-RM did not confirm to be free is kept from further use.
 *
 * Context: process; may sleep, bounded, cannot be interrupted. Takes no device lock.
 */
void nvkm_vgpu_close(struct nvkm_vgpu *vgpu);

/**
 * nvkm_vgpu_set_bus_master() - tell the plugin task whether the VF may use DMA
 * @vgpu: the vGPU
 * @enable: it may
 *
 * Context: process; may sleep, bounded; can be killed.
 * Return: 0, -EINTR if killed, -ETIMEDOUT, -EIO, -ENOMEM.
 */
int nvkm_vgpu_set_bus_master(struct nvkm_vgpu *vgpu, bool enable);

/**
 * nvkm_vgpu_reset() - put a vGPU into its first state, after a reset of its VF
 * @vgpu: the vGPU
 *
 * Context: process; may sleep, bounded; can be killed. The VF's device lock may be held.
 * Return: 0, -EINTR if killed, -ETIMEDOUT, -EIO.
 */
int nvkm_vgpu_reset(struct nvkm_vgpu *vgpu);

#endif
