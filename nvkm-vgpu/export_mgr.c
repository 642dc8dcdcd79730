// SPDX-License-Identifier: GPL-2.0-only
/* The API for drivers that let somebody choose what VFs are: include/linux/nvkm_vgpu.h */

#include <linux/auxiliary_bus.h>
#include <linux/nvkm_vgpu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "device.h"
#include "vgpu/provision.h"
#include "vgpu/state.h"
#include "vgpu/status.h"

#define USERS	"nvkm-vgpu-*"

static_assert(NVKM_VGPU_MAX_VFS == NVGPU_MAX_VFS);
static_assert(NVKM_VGPU_MAX_TYPES == NVGPU_MAX_TYPES);

static u32 export_mgr_dbdf(struct pci_dev *pdev)
{
	return (u32)pci_domain_nr(pdev->bus) << 16 | pci_dev_id(pdev);
}

/**
 * nvgpu_export_mgr_add() - let drivers have the GPU that provision it
 * @nvdev: the GPU, ready for use
 *
 * Return: 0 or -ENOMEM.
 */
int nvgpu_export_mgr_add(struct nvgpu_device *nvdev)
{
	struct pci_dev *pdev = nvdev->pf.gpu.pdev;

	nvdev->provision = auxiliary_device_create(&pdev->dev, KBUILD_MODNAME, NVKM_VGPU_PROVISION,
						   &nvdev->pf, (int)export_mgr_dbdf(pdev));
	return nvdev->provision ? 0 : -ENOMEM;
}

/**
 * nvgpu_export_mgr_remove() - undo nvgpu_export_mgr_add()
 * @nvdev: the GPU
 *
 * Context: may sleep; waits for calls of the driver.
 */
void nvgpu_export_mgr_remove(struct nvgpu_device *nvdev)
{
	auxiliary_device_destroy(nvdev->provision);
}

struct nvkm_vgpu_pf *nvkm_vgpu_mgr_pf(struct auxiliary_device *adev)
{
	return dev_get_platdata(&adev->dev);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_mgr_pf, USERS);

int nvkm_vgpu_mgr_vf(struct nvkm_vgpu_pf *pf, u32 dbdf)
{
	struct pci_dev *vf = NULL;
	int index = -ENODEV;

	while ((vf = nvgpu_vf_next(pf->gpu.pdev, vf))) {
		if (export_mgr_dbdf(vf) != dbdf)
			continue;
		index = nvgpu_vf_index(pf, vf);
		pci_dev_put(vf);
		break;
	}
	return index < 0 || index >= pf->gsp.info.max_gfid ? -ENODEV : index;
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_mgr_vf, USERS);

unsigned int nvkm_vgpu_mgr_supported(struct nvkm_vgpu_pf *pf, u32 ids[NVKM_VGPU_MAX_TYPES])
{
	unsigned int i;

	for (i = 0; i < pf->mgr.num_types; i++)
		ids[i] = pf->mgr.types[i].id;
	return i;
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_mgr_supported, USERS);

int nvkm_vgpu_mgr_creatable(struct nvkm_vgpu_pf *pf, unsigned int vf, u32 ids[NVKM_VGPU_MAX_TYPES])
{
	const struct nvgpu_type **types __free(kfree) =
		kcalloc(NVKM_VGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);
	unsigned int i, num;

	if (!types)
		return -ENOMEM;
	num = nvgpu_provision_creatable(pf, vf, types);
	for (i = 0; i < num; i++)
		ids[i] = types[i]->id;
	return num;
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_mgr_creatable, USERS);

int nvkm_vgpu_mgr_type_info(struct nvkm_vgpu_pf *pf, u32 id, struct nvkm_vgpu_type_info *info)
{
	const struct nvgpu_type *type;

	for (type = pf->mgr.types; type < pf->mgr.types + pf->mgr.num_types; type++) {
		if (type->id != id)
			continue;
		*info = (struct nvkm_vgpu_type_info) {
			.name = type->name,
			.class_name = type->class_name,
			.bar1_size = type->bar1_size,
			.fb_size = type->fb_size,
			.profile_size = type->profile_size,
			.heap_size = type->heap_size,
			.fb_reservation = type->fb_reservation,
			.max_instance = type->max_instance,
			.num_heads = type->num_heads,
			.max_res_x = type->max_res_x,
			.max_res_y = type->max_res_y,
			.frame_rate_limit = type->frl_enable ? type->frl_config : 0,
			.device = type->vdev_device,
			.subsystem = type->vdev_subsystem,
			.ecc = type->ecc,
		};
		return 0;
	}
	return -ENODEV;
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_mgr_type_info, USERS);

int nvkm_vgpu_mgr_set_type(struct nvkm_vgpu_pf *pf, unsigned int vf, u32 id)
{
	return nvgpu_export_set_type(pf, vf, id);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_mgr_set_type, USERS);

u32 nvkm_vgpu_mgr_type(struct nvkm_vgpu_pf *pf, unsigned int vf)
{
	return nvgpu_provision_get(pf, vf);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_mgr_type, USERS);

void nvkm_vgpu_mgr_status(struct nvkm_vgpu_pf *pf, unsigned int vf, struct nvkm_vgpu_status *status)
{
	nvgpu_status_get(pf, vf, status);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_mgr_status, USERS);
