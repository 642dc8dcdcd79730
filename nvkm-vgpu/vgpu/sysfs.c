// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that choose vGPU types, by the names and in the formats of NVIDIA's product: management
 * software reads them. See Documentation/ABI/testing/sysfs-driver-nvkm-vgpu.
 */

#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/kstrtox.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "vgpu/pf.h"
#include "vgpu/provision.h"
#include "vgpu/state.h"
#include "vgpu/status.h"
#include "vgpu/sysfs.h"

/*
 * The files of a VF are removed before the PF's data go, and removal waits for readers and writers.
 */
static struct nvkm_vgpu_pf *sysfs_pf(struct device *dev)
{
	return pci_get_drvdata(pci_physfn(to_pci_dev(dev)));
}

static int sysfs_vf(struct device *dev)
{
	int index = nvgpu_vf_index(sysfs_pf(dev), to_pci_dev(dev));

	return index < 0 ? -ENODEV : index;
}

/* what is creatable, in the one form that all who read it understand; nothing for nothing */
VISIBLE_IF_KUNIT int nvgpu_sysfs_emit_creatable(char *buf, const struct nvgpu_type **types,
						unsigned int num)
{
	unsigned int i;
	int len = 0;

	if (num)
		len = sysfs_emit(buf, "ID    : vGPU Name\n");
	for (i = 0; i < num; i++)
		len += sysfs_emit_at(buf, len, "%-5u : %s\n", types[i]->id, types[i]->name);
	return len;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_sysfs_emit_creatable);

static ssize_t creatable_vgpu_types_show(struct device *dev, struct device_attribute *attr,
					 char *buf)
{
	struct nvkm_vgpu_pf *pf = sysfs_pf(dev);
	const struct nvgpu_type **types;
	int len, vf = sysfs_vf(dev);

	if (vf < 0)
		return vf;
	types = kcalloc(pf->mgr.num_types, sizeof(*types), GFP_KERNEL);
	if (!types)
		return -ENOMEM;

	len = nvgpu_sysfs_emit_creatable(buf, types,
					 nvgpu_provision_creatable(pf, vf, types));
	kfree(types);
	return len;
}
static DEVICE_ATTR_RO(creatable_vgpu_types);

static ssize_t current_vgpu_type_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	int vf = sysfs_vf(dev);

	return vf < 0 ? vf : sysfs_emit(buf, "%u\n", nvgpu_provision_get(sysfs_pf(dev), vf));
}

static ssize_t current_vgpu_type_store(struct device *dev, struct device_attribute *attr,
				       const char *buf, size_t count)
{
	struct nvkm_vgpu_pf *pf = sysfs_pf(dev);
	int vf = sysfs_vf(dev);
	u32 id;
	int ret;

	if (vf < 0)
		return vf;
	ret = kstrtou32(buf, 10, &id);
	if (ret) {
		dev_notice(&pf->gpu.pdev->dev, "VF %d: current_vgpu_type: '%.*s' is no number\n",
			   vf, (int)strcspn(buf, "\n"), buf);
		return -EINVAL;
	}
	return nvgpu_provision_set(pf, vf, id) ?: count;
}
static DEVICE_ATTR_RW(current_vgpu_type);

static ssize_t vgpu_params_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct nvgpu_params params;
	int vf = sysfs_vf(dev);

	if (vf < 0)
		return vf;
	nvgpu_provision_get_params(sysfs_pf(dev), vf, &params);
	return nvgpu_params_emit(buf, &params);
}

static ssize_t vgpu_params_store(struct device *dev, struct device_attribute *attr,
				 const char *buf, size_t count)
{
	char *text __free(kfree) = kstrdup(buf, GFP_KERNEL);
	int vf = sysfs_vf(dev);

	if (vf < 0)
		return vf;
	if (!text)
		return -ENOMEM;
	return nvgpu_provision_add_params(sysfs_pf(dev), vf, text) ?: count;
}
static DEVICE_ATTR_RW(vgpu_params);

static struct attribute *vf_attrs[] = {
	&dev_attr_creatable_vgpu_types.attr,
	&dev_attr_current_vgpu_type.attr,
	&dev_attr_vgpu_params.attr,
	NULL
};

static const struct attribute_group vf_group = {
	.name = "nvidia",
	.attrs = vf_attrs,
};

static const struct attribute_group *vf_groups[] = {
	&vf_group,
	&nvgpu_status_group,
	NULL
};

/**
 * nvgpu_sysfs_add_vf() - make the files of a VF
 * @vf: the VF
 *
 * The VF's own uevents came before its files, so it gets another one.
 */
int nvgpu_sysfs_add_vf(struct pci_dev *vf)
{
	int ret = sysfs_create_groups(&vf->dev.kobj, vf_groups);

	if (ret)
		return ret;
	nvgpu_status_watch(sysfs_pf(&vf->dev), vf);
	kobject_uevent(&vf->dev.kobj, KOBJ_CHANGE);
	return 0;
}

/**
 * nvgpu_sysfs_remove_vf() - remove the files of a VF
 * @vf: the VF
 *
 * Context: waits for readers and writers, so none of the locks that they take may be held.
 */
void nvgpu_sysfs_remove_vf(struct pci_dev *vf)
{
	/* a VF that an operator is just removing has lost its files with its directory */
	if (device_is_registered(&vf->dev))
		sysfs_remove_groups(&vf->dev.kobj, vf_groups);
}

/**
 * nvgpu_sysfs_tell() - tell user space which VFs have other files than before
 * @work: &nvgpu_vgpu_mgr.tell
 *
 * Files are read when they are asked for, so they are right when user space hears of it.
 */
void nvgpu_sysfs_tell(struct work_struct *work)
{
	struct nvkm_vgpu_pf *pf = container_of(work, struct nvkm_vgpu_pf, mgr.tell);
	DECLARE_BITMAP(changed, NVGPU_MAX_VFS);
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct pci_dev *vf = NULL;
	int index;

	scoped_guard(mutex, &mgr->lock) {
		bitmap_copy(changed, mgr->changed, NVGPU_MAX_VFS);
		for_each_or_bit(index, mgr->moved, mgr->guests, NVGPU_MAX_VFS)
			nvgpu_status_notify(&mgr->vf[index], test_bit(index, mgr->moved),
					    test_bit(index, mgr->guests));
		bitmap_zero(mgr->changed, NVGPU_MAX_VFS);
		bitmap_zero(mgr->moved, NVGPU_MAX_VFS);
		bitmap_zero(mgr->guests, NVGPU_MAX_VFS);
	}
	if (bitmap_empty(changed, NVGPU_MAX_VFS))
		return;
	while ((vf = nvgpu_vf_next(pf->gpu.pdev, vf))) {
		index = nvgpu_vf_index(pf, vf);
		if (index >= 0 && test_bit(index, changed) && device_is_registered(&vf->dev))
			kobject_uevent(&vf->dev.kobj, KOBJ_CHANGE);
	}
}

/* more than a line with the largest of all numbers has */
#define SUPPORTED_LINE_MAX	192

/* whole lines, of as many types as a page has room for */
VISIBLE_IF_KUNIT int nvgpu_sysfs_emit_supported(char *buf, const struct nvgpu_type *types,
						unsigned int num)
{
	const struct nvgpu_type *type;
	int len;

	len = sysfs_emit(buf, "ID    : vGPU Name\n");
	for (type = types; type < types + num && len < PAGE_SIZE - SUPPORTED_LINE_MAX; type++) {
		len += sysfs_emit_at(buf, len, "%-5u : %s, num_heads=%u, frl_config=%u, ",
				     type->id, type->name, type->num_heads, type->frl_config);
		len += sysfs_emit_at(buf, len, "framebuffer=%lluM, max_resolution=%ux%u, ",
				     type->profile_size / SZ_1M, type->max_res_x, type->max_res_y);
		len += sysfs_emit_at(buf, len, "max_instance=%u\n", type->max_instance);
	}
	return len;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_sysfs_emit_supported);

static ssize_t supported_types_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct nvkm_vgpu_pf *pf = dev_get_drvdata(dev);

	return nvgpu_sysfs_emit_supported(buf, pf->mgr.types, pf->mgr.num_types);
}
static DEVICE_ATTR_RO(supported_types);

static ssize_t heterogeneous_mode_show(struct device *dev, struct device_attribute *attr,
				       char *buf)
{
	return sysfs_emit(buf, "%u\n", nvgpu_provision_is_mixed(dev_get_drvdata(dev)));
}

static ssize_t heterogeneous_mode_store(struct device *dev, struct device_attribute *attr,
					const char *buf, size_t count)
{
	bool on;

	return kstrtobool(buf, &on) ?: nvgpu_provision_set_mode(dev_get_drvdata(dev), on) ?: count;
}
static DEVICE_ATTR_RW(heterogeneous_mode);

static ssize_t gsp_version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct nvkm_vgpu_pf *pf = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%s\n", pf->gpu.abi->version);
}
static DEVICE_ATTR_RO(gsp_version);

static ssize_t gsp_state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct nvkm_vgpu_pf *pf = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%s\n", nvgpu_health_name(&pf->gsp.health));
}
static DEVICE_ATTR_RO(gsp_state);

static struct attribute *pf_attrs[] = {
	&dev_attr_supported_types.attr,
	&dev_attr_heterogeneous_mode.attr,
	&dev_attr_gsp_version.attr,
	&dev_attr_gsp_state.attr,
	NULL
};

static const struct attribute_group pf_group = {
	/* not "nvidia": what has that folder is taken for a VF */
	.name = "vgpu",
	.attrs = pf_attrs,
};

const struct attribute_group *nvgpu_pf_groups[] = {
	&pf_group,
	NULL
};
