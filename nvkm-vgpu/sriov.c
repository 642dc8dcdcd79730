// SPDX-License-Identifier: GPL-2.0-only

#include <linux/pci.h>

#include "device.h"
#include "vgpu/provision.h"
#include "vgpu/state.h"
#include "vgpu/status.h"
#include "vgpu/sysfs.h"

static void sriov_remove_files(struct nvkm_vgpu_pf *pf)
{
	struct pci_dev *pdev = pf->gpu.pdev;
	struct pci_dev *vf = NULL;

	/* of those, too, that an operator has removed */
	nvgpu_status_unwatch(pf);
	while ((vf = nvgpu_vf_next(pdev, vf)))
		nvgpu_sysfs_remove_vf(vf);
}

static int sriov_add_files(struct pci_dev *pdev)
{
	struct pci_dev *vf = NULL;
	int ret;

	while ((vf = nvgpu_vf_next(pdev, vf))) {
		ret = nvgpu_sysfs_add_vf(vf);
		if (ret) {
			pci_dev_put(vf);
			return ret;
		}
	}
	return 0;
}

/*
 * Is a VF bound to a driver that is not attached here? Its users cannot be seen, and to turn VFs
 * off would wait for them with locks held that the whole machine needs. Of an attached driver they
 * can, but for one: whoever has opened the character device of VFIO and not bound it to an iommufd.
 * VFIO tells nobody of that one; operator.rst does.
 */
static bool sriov_foreign_driver(struct nvkm_vgpu_pf *pf)
{
	struct pci_dev *vf = NULL;
	int index;

	guard(mutex)(&pf->mgr.notify);
	while ((vf = nvgpu_vf_next(pf->gpu.pdev, vf))) {
		index = nvgpu_vf_index(pf, vf);
		if (!READ_ONCE(vf->dev.driver) || index < 0 || pf->mgr.client[index])
			continue;
		dev_notice(&pf->gpu.pdev->dev, "VF %d has another driver, %s: unbind it first\n",
			   index, dev_driver_string(&vf->dev));
		pci_dev_put(vf);
		return true;
	}
	return false;
}

static int sriov_enable(struct nvkm_vgpu_pf *pf, int num_vfs)
{
	struct pci_dev *pdev = pf->gpu.pdev;
	int ret;

	/* it may have said something since; a dead one may have no queue any more */
	if (!nvgpu_health_is_dead(&pf->gsp.health))
		nvgpu_rpc_receive(&pf->gsp.rpc);
	if (nvgpu_health_error(&pf->gsp.health))
		return -EIO;
	/* GFIDs are what GSP-RM was booted for */
	if (num_vfs > NVGPU_MAX_VFS || num_vfs > pf->gsp.info.max_gfid)
		return -ERANGE;

	/* a driver that binds as soon as there are VFs may want to give them types */
	nvgpu_provision_enable(&pf->mgr);
	ret = pci_enable_sriov(pdev, num_vfs);
	if (!ret)
		ret = sriov_add_files(pdev);
	if (!ret)
		return num_vfs;

	nvgpu_provision_disable(&pf->mgr, true);
	/* with the VFs, if there are any, go the files that some of them have */
	nvgpu_status_unwatch(pf);
	pci_disable_sriov(pdev);
	nvgpu_provision_clear_all(pf);
	return ret;
}

/**
 * nvgpu_sriov_disable() - turn VFs off
 * @pf: the GPU
 *
 * Waits until nobody has a VF open any more. Nothing happens if there are no VFs.
 *
 * Context: may sleep; the PF's device lock is held.
 */
void nvgpu_sriov_disable(struct nvkm_vgpu_pf *pf)
{
	nvgpu_provision_disable(&pf->mgr, true);
	sriov_remove_files(pf);
	pci_disable_sriov(pf->gpu.pdev);
	nvgpu_provision_clear_all(pf);
}

/**
 * nvgpu_sriov_configure() - &pci_driver.sriov_configure
 * @pdev: the PF
 * @num_vfs: number of VFs, 0 turns them off
 *
 * When it returns, the VFs have their files.
 *
 * Return: number of VFs, or errno; -EBUSY if VFs are to be turned off and one is open, or has a
 * driver that is not attached here: the PCI core would wait for its user with locks held that the
 * whole machine needs.
 */
int nvgpu_sriov_configure(struct pci_dev *pdev, int num_vfs)
{
	struct nvkm_vgpu_pf *pf = pci_get_drvdata(pdev);
	int ret;

	if (num_vfs)
		return sriov_enable(pf, num_vfs);

	if (sriov_foreign_driver(pf))
		return -EBUSY;
	ret = nvgpu_provision_disable(&pf->mgr, false);
	if (ret)
		return ret;
	nvgpu_sriov_disable(pf);
	return 0;
}
