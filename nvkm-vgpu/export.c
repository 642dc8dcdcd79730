// SPDX-License-Identifier: GPL-2.0-only
/* The API for drivers of VFs: include/linux/nvkm_vgpu.h */

#include <linux/err.h>
#include <linux/nvkm_vgpu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "device.h"
#include "vgpu/provision.h"
#include "vgpu/state.h"
#include "vgpu/vgpu.h"

#define USERS	"vfio-nvidia-vgpu,nvkm-vgpu-*"

/* what the header says of a call, but for -EIO, which stands for all the rest; ends with 0 */
static const int set_type_errnos[] = { -EBUSY, -EINVAL, -ENODEV, -ENOMEM, -ENOSPC, 0 };
static const int open_errnos[] = { -EBUSY, -EINTR, -ENODEV, -ENOMEM, -ENOSPC, -ETIMEDOUT, 0 };
static const int reset_errnos[] = { -EINTR, -ETIMEDOUT, 0 };

static int export_errno(int ret, const int *documented)
{
	for (; *documented; documented++)
		if (ret == *documented)
			return ret;
	return ret ? -EIO : 0;
}

static int export_vf_index(struct nvkm_vgpu_pf *pf, struct pci_dev *vf)
{
	int index = nvgpu_vf_index(pf, vf);

	return index < 0 || index >= pf->gsp.info.max_gfid ? -ENXIO : index;
}

struct nvkm_vgpu *nvkm_vgpu_attach(struct pci_dev *vf, const struct nvkm_vgpu_client_ops *ops,
				   void *data)
{
	struct nvkm_vgpu_pf *pf = nvgpu_get_pf(vf);
	struct nvkm_vgpu *vgpu;
	int index;

	if (IS_ERR(pf))
		return ERR_CAST(pf);
	index = export_vf_index(pf, vf);
	if (index < 0)
		return ERR_PTR(index);

	vgpu = kzalloc_obj(*vgpu);
	if (!vgpu)
		return ERR_PTR(-ENOMEM);
	vgpu->pf = pf;
	vgpu->vf = index;
	vgpu->gfid = index + 1;
	vgpu->dbdf = (u32)pci_domain_nr(vf->bus) << 16 | pci_dev_id(vf);
	vgpu->ops = ops;
	vgpu->data = data;
	mutex_init(&vgpu->lock);
	/* nobody else knows it yet */
	context_unsafe(vgpu->plugin = (struct nvgpu_plugin) {
		.pf = pf, .gfid = vgpu->gfid, .lock = &vgpu->lock,
	});

	scoped_guard(mutex, &pf->mgr.notify) {
		if (!pf->mgr.client[index]) {
			pf->mgr.client[index] = vgpu;
			return vgpu;
		}
	}
	mutex_destroy(&vgpu->lock);
	kfree(vgpu);
	return ERR_PTR(-EBUSY);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_attach, USERS);

void nvkm_vgpu_detach(struct nvkm_vgpu *vgpu)
{
	scoped_guard(mutex, &vgpu->pf->mgr.notify)
		vgpu->pf->mgr.client[vgpu->vf] = NULL;
	mutex_destroy(&vgpu->lock);
	kfree(vgpu);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_detach, USERS);

int nvgpu_export_set_type(struct nvkm_vgpu_pf *pf, unsigned int vf, u32 id)
{
	return export_errno(nvgpu_provision_set(pf, vf, id), set_type_errnos);
}

int nvkm_vgpu_set_type(struct nvkm_vgpu *vgpu, u32 id)
{
	return nvgpu_export_set_type(vgpu->pf, vgpu->vf, id);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_set_type, USERS);

u32 nvkm_vgpu_type(struct nvkm_vgpu *vgpu)
{
	return nvgpu_provision_get(vgpu->pf, vgpu->vf);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_type, USERS);

int nvkm_vgpu_open(struct nvkm_vgpu *vgpu)
{
	guard(mutex)(&vgpu->lock);
	return export_errno(nvgpu_vgpu_create(vgpu), open_errnos);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_open, USERS);

void nvkm_vgpu_close(struct nvkm_vgpu *vgpu)
{
	guard(mutex)(&vgpu->lock);
	if (vgpu->rsv)
		nvgpu_vgpu_destroy(vgpu);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_close, USERS);

const struct nvkm_vgpu_identity *nvkm_vgpu_identity(const struct nvkm_vgpu *vgpu)
{
	return &vgpu->identity;
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_identity, USERS);

int nvkm_vgpu_reset(struct nvkm_vgpu *vgpu)
{
	guard(mutex)(&vgpu->lock);
	return export_errno(nvgpu_vgpu_reset(vgpu), reset_errnos);
}
EXPORT_SYMBOL_FOR_MODULES(nvkm_vgpu_reset, USERS);
