// SPDX-License-Identifier: GPL-2.0-only
/* The API for VF drivers: include/linux/nvkm_vgpu.h */

#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/nvkm_vgpu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "device.h"
#include "profile.h"
#include "vgpu.h"

#define USERS	"vfio-nvidia-vgpu,nvkm-vgpu-*"

/*
 * Pages of a VF's BAR0 that NVIDIA's host keeps from its guests, too. With several vGPUs on one Ada
 * GPU, what a guest writes to the TLB invalidation registers of its function has to go through the
 * host (NVIDIA's bug 3007008); they share a page with those of the fault buffers. The other page is
 * the MSI-X table.
 */
static const struct nvkm_vgpu_trap mmu_trap = { .offset = 0x03000, .size = SZ_4K };
static const struct nvkm_vgpu_trap msix_trap = { .offset = 0x10000, .size = SZ_4K };

struct nvkm_vgpu_pf *nvkm_vgpu_get_pf(struct pci_dev *vf)
{
	return nvgpu_get_pf(vf);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_get_pf, USERS);

static int vf_index(struct nvkm_vgpu_pf *pf, struct pci_dev *vf)
{
	int index;

	if (!vf->is_virtfn || vf->physfn != pf->pdev)
		return -EINVAL;

	index = pci_iov_vf_id(vf);
	if (index < 0 || index >= NVGPU_MAX_VFS || index >= pf->info.max_gfid)
		return -EINVAL;
	return array_index_nospec(index, NVGPU_MAX_VFS);
}

static void get_identity(struct nvkm_vgpu *vgpu, struct nvkm_vgpu_identity *identity)
{
	const struct nvgpu_type *type = vgpu->rsv->type;

	*identity = (struct nvkm_vgpu_identity) {
		.device = type->vdev_device,
		.subsystem_vendor = PCI_VENDOR_ID_NVIDIA,
		.subsystem = type->vdev_subsystem,
		.bar1_size = type->bar1_size,
	};
	if (vgpu->pf->info.emulate_tlb_invalidate && type->max_instance > 1)
		identity->traps[identity->num_traps++] = mmu_trap;
	identity->traps[identity->num_traps++] = msix_trap;
}

static void close(struct nvkm_vgpu *vgpu)
{
	bool gone = nvgpu_vgpu_destroy(vgpu);

	nvgpu_profile_release(vgpu->pf, vgpu->vf, !gone);
	mutex_destroy(&vgpu->lock);
	kfree(vgpu);
}

struct nvkm_vgpu *nvkm_vgpu_open(struct nvkm_vgpu_pf *pf, struct pci_dev *vf,
				 struct nvkm_vgpu_identity *identity)
{
	int index = vf_index(pf, vf);
	struct nvkm_vgpu *vgpu;
	int ret;

	if (index < 0)
		return ERR_PTR(index);

	vgpu = kzalloc_obj(*vgpu, GFP_KERNEL_ACCOUNT);
	if (!vgpu)
		return ERR_PTR(-ENOMEM);

	vgpu->pf = pf;
	vgpu->vf = index;
	vgpu->gfid = index + 1;
	vgpu->dbdf = pci_domain_nr(vf->bus) << 16 | pci_dev_id(vf);
	mutex_init(&vgpu->lock);

	vgpu->rsv = nvgpu_profile_claim(pf, index, &vgpu->params);
	if (IS_ERR(vgpu->rsv)) {
		ret = PTR_ERR(vgpu->rsv);
		mutex_destroy(&vgpu->lock);
		kfree(vgpu);
		return ERR_PTR(ret);
	}

	ret = nvgpu_vgpu_create(vgpu);
	if (ret) {
		close(vgpu);
		return ERR_PTR(ret);
	}

	get_identity(vgpu, identity);
	return vgpu;
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_open, USERS);

void nvkm_vgpu_close(struct nvkm_vgpu *vgpu)
{
	close(vgpu);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_close, USERS);

int nvkm_vgpu_set_bus_master(struct nvkm_vgpu *vgpu, bool enable)
{
	guard(mutex)(&vgpu->lock);
	return nvgpu_plugin_set_bus_master(vgpu, enable);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_set_bus_master, USERS);

int nvkm_vgpu_reset(struct nvkm_vgpu *vgpu)
{
	guard(mutex)(&vgpu->lock);
	return nvgpu_plugin_reset(vgpu);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_reset, USERS);
