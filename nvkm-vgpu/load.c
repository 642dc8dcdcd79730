// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSP-RM onto the GPU and off it, as Linux asks: when the driver is bound and unbound, when the
 * host sleeps, and when somebody resets the GPU.
 *
 * Sleep takes the GPU's power, and a reset what firmware it runs. Neither asks first. So GSP-RM is
 * taken down before, and loaded anew after; types, reservations and VFs are the CPU's and stay. A
 * vGPU that is open cannot live through that: its guest has memory on the GPU. Sleep is refused
 * then, while user space still runs and can be told; a reset cannot be refused, and costs the vGPU.
 */
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/suspend.h>

#include "device.h"
#include "load.h"
#include "vgpu/mgr.h"
#include "vgpu/provision.h"

/**
 * nvgpu_load() - load GSP-RM and hear of what it says
 * @nvdev: the GPU, without GSP-RM
 *
 * Return: 0, or errno with a line in the log; then there is nothing to undo.
 */
int nvgpu_load(struct nvgpu_device *nvdev)
{
	struct nvkm_vgpu_pf *pf = &nvdev->pf;
	int ret;

	pci_set_master(pf->gpu.pdev);
	ret = nvgpu_gsp_boot(&pf->gsp);
	if (ret)
		goto err_master;
	ret = nvgpu_intr_init(&nvdev->intr, pf);
	if (ret)
		goto err_gsp;
	nvdev->loaded = true;
	return 0;

err_gsp:
	nvgpu_gsp_unload(&pf->gsp);
	nvgpu_rm_fini(&pf->rm);
	nvgpu_gsp_fini(&pf->gsp);
	return ret;
err_master:
	/* one that fell silent while it was taken down again would be asked whether it responds */
	nvgpu_rm_fini(&pf->rm);
	pci_clear_master(pf->gpu.pdev);
	return ret;
}

/**
 * nvgpu_unload() - undo nvgpu_load()
 * @nvdev: the GPU; nothing happens if GSP-RM is not loaded
 */
void nvgpu_unload(struct nvgpu_device *nvdev)
{
	struct nvkm_vgpu_pf *pf = &nvdev->pf;

	if (!nvdev->loaded)
		return;
	nvdev->loaded = false;
	nvgpu_intr_fini(&nvdev->intr);
	nvgpu_gsp_unload(&pf->gsp);
	nvgpu_rm_fini(&pf->rm);
	nvgpu_gsp_fini(&pf->gsp);
}

/*
 * After a sleep the PCI core reads from the GPU where its VFs are. If the machine did not switch
 * extended configuration space on again, that is nonsense, and so is all that follows from it.
 */
static int load_check_vfs(struct nvgpu_device *nvdev)
{
	struct pci_dev *pdev = nvdev->pf.gpu.pdev;
	unsigned int i;
	int devfn;

	for (i = 0; i < ARRAY_SIZE(nvdev->vf_devfn); i++) {
		devfn = pci_iov_virtfn_devfn(pdev, i);
		if (devfn == nvdev->vf_devfn[i])
			continue;
		dev_err(&pdev->dev,
			"SR-IOV capability has VF %u at devfn %#x, not %#x: configuration space is not as it was\n",
			i, devfn, nvdev->vf_devfn[i]);
		return -EIO;
	}
	return 0;
}

/**
 * nvgpu_load_pause() - take GSP-RM off the GPU for a while
 * @nvdev: the GPU
 *
 * From here on VFs are not opened.
 *
 * Context: may sleep; the PF's device lock is held.
 * Return: 0, also if there is no GSP-RM to take off; -EBUSY if a vGPU is open, and nothing has
 * happened.
 */
int nvgpu_load_pause(struct nvgpu_device *nvdev)
{
	unsigned int i;
	u32 open;
	int ret;

	ret = nvgpu_provision_hold(&nvdev->pf, NVGPU_HOLD_LOAD, &open);
	if (ret || !nvdev->loaded)
		return ret;
	for (i = 0; i < ARRAY_SIZE(nvdev->vf_devfn); i++)
		nvdev->vf_devfn[i] = pci_iov_virtfn_devfn(nvdev->pf.gpu.pdev, i);
	nvgpu_vgpu_mgr_stop(&nvdev->pf);
	nvgpu_unload(nvdev);
	nvdev->paused = true;
	return 0;
}

/**
 * nvgpu_load_resume() - undo nvgpu_load_pause()
 * @nvdev: the GPU; its VFs are there again
 *
 * If it fails the GPU is dead, with a line that says how to go on.
 *
 * Context: may sleep; the PF's device lock is held.
 */
void nvgpu_load_resume(struct nvgpu_device *nvdev)
{
	struct nvkm_vgpu_pf *pf = &nvdev->pf;
	int ret;

	if (nvdev->paused) {
		nvdev->paused = false;
		ret = load_check_vfs(nvdev);
		if (!ret)
			ret = nvgpu_load(nvdev);
		if (!ret) {
			ret = nvgpu_vgpu_mgr_restart(pf);
			if (ret)
				nvgpu_unload(nvdev);
			else
				nvgpu_intr_listen_copy(&nvdev->intr);
		}
		if (ret) {
			nvgpu_health_unloaded(&pf->gsp.health);
			dev_err(&pf->gpu.pdev->dev,
				"GSP-RM is not loaded again, error %d; unbind and bind the GPU to go on\n",
				ret);
		}
	}
	nvgpu_provision_unhold(pf, NVGPU_HOLD_LOAD);
}

/* ---- sleep of the host ----------------------------------------------------------------------- */

static int load_suspend(struct device *dev)
{
	struct nvkm_vgpu_pf *pf = dev_get_drvdata(dev);

	return nvgpu_load_pause(nvgpu_device(pf));
}

static int load_resume(struct device *dev)
{
	struct nvkm_vgpu_pf *pf = dev_get_drvdata(dev);

	/* others sleep and wake as well if this GPU does not: no error */
	nvgpu_load_resume(nvgpu_device(pf));
	return 0;
}

DEFINE_SIMPLE_DEV_PM_OPS(nvgpu_pm_ops, load_suspend, load_resume);

/* before user space is frozen, so that whoever has a vGPU open is not stopped for nothing */
static int load_notify(struct notifier_block *nb, unsigned long event, void *unused)
{
	struct nvgpu_device *nvdev = container_of(nb, struct nvgpu_device, sleep);
	u32 open;
	int ret;

	switch (event) {
	case PM_HIBERNATION_PREPARE:
	case PM_SUSPEND_PREPARE:
	case PM_RESTORE_PREPARE:
		ret = nvgpu_provision_hold(&nvdev->pf, NVGPU_HOLD_SLEEP, &open);
		if (ret)
			dev_err(&nvdev->pf.gpu.pdev->dev,
				"vGPU %u is open, and would lose its framebuffer: no sleep\n",
				open);
		return notifier_from_errno(ret);
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
	case PM_POST_RESTORE:
		nvgpu_provision_unhold(&nvdev->pf, NVGPU_HOLD_SLEEP);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

/**
 * nvgpu_load_watch_sleep() - hear of the host's going to sleep
 * @nvdev: the GPU
 */
int nvgpu_load_watch_sleep(struct nvgpu_device *nvdev)
{
	nvdev->sleep.notifier_call = load_notify;
	return register_pm_notifier(&nvdev->sleep);
}

/**
 * nvgpu_load_unwatch_sleep() - undo nvgpu_load_watch_sleep()
 * @nvdev: the GPU
 */
void nvgpu_load_unwatch_sleep(struct nvgpu_device *nvdev)
{
	unregister_pm_notifier(&nvdev->sleep);
}
