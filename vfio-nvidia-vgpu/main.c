// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO for VFs of NVIDIA GPUs: a vGPU lives as long as its VF is open.
 *
 * vfio-pci-core does what it does for any VF. Here are only the vGPU's beginning and end, and in
 * access.c what a guest sees differently. All about the GPU is behind include/linux/nvkm_vgpu.h.
 */

#include <linux/module.h>
#include <linux/pci.h>
#include <linux/unaligned.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

#include "vf.h"

/*
 * Reset. The function is reset by hardware, then its vGPU has to be told: not before, as its plugin
 * task takes the message as the end of all that the guest had under way. That takes firmware, so it
 * is not done where the PCI core says that the function was reset: VFIO holds memory_lock there.
 * The callbacks only count. Who asked for the reset, by ioctl or configuration space, does the rest
 * once VFIO has let go, and gets its error; after other resets a work item does. Meanwhile faults
 * of the guest on its BARs wait.
 */

/* VFIO's error eventfd: QEMU stops the VM and says so */
static void nvidia_vgpu_fail(struct nvidia_vgpu_vf *vf, const char *why)
{
	WRITE_ONCE(vf->failed, true);
	wake_up_all(&vf->reset_wait);
	dev_err(&vf->core.pdev->dev, "vGPU %s\n", why);
	vfio_pci_core_aer_err_detected(vf->core.pdev, pci_channel_io_perm_failure);
}

/**
 * nvidia_vgpu_follow_reset() - have the vGPU follow a reset of its function
 * @vf: the VF; nothing happens if it was not reset
 *
 * Context: process, may sleep for seconds; memory_lock must not be held.
 * Return: 0; -EIO if the vGPU did not follow this or an earlier reset, or is gone; -EINTR.
 */
int nvidia_vgpu_follow_reset(struct nvidia_vgpu_vf *vf)
{
	int ret = mutex_lock_killable(&vf->lock);
	int resets;

	if (ret)
		return ret;
	/* there may be another one while the vGPU follows */
	while (vf->open && !READ_ONCE(vf->failed) && vf_reset_pending(vf)) {
		resets = atomic_read(&vf->resets);
		if (nvkm_vgpu_reset(vf->vgpu))
			nvidia_vgpu_fail(vf, "did not follow a reset; close it to go on");
		WRITE_ONCE(vf->followed, resets);
	}
	wake_up_all(&vf->reset_wait);
	mutex_unlock(&vf->lock);
	return READ_ONCE(vf->failed) ? -EIO : 0;
}

/**
 * nvidia_vgpu_wait_reset() - wait until a guest may use its function
 * @vf: the VF
 *
 * Return: 0, -EIO if its vGPU has failed, -ERESTARTSYS if the process is being killed.
 */
int nvidia_vgpu_wait_reset(struct nvidia_vgpu_vf *vf)
{
	int ret = wait_event_killable(vf->reset_wait,
				      READ_ONCE(vf->failed) || !vf_reset_pending(vf));

	return ret ? ret : READ_ONCE(vf->failed) ? -EIO : 0;
}

static void nvidia_vgpu_reset_work(struct work_struct *work)
{
	nvidia_vgpu_follow_reset(container_of(work, struct nvidia_vgpu_vf, reset_work));
}

static void nvidia_vgpu_reset_done(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = pci_get_drvdata(pdev);
	struct nvidia_vgpu_vf *vf = container_of(core, struct nvidia_vgpu_vf, core);

	/* whoever followed it in its middle has to do it again */
	atomic_inc(&vf->resets);
	/* a VF that is being opened or closed is reset, too; those look for themselves */
	if (READ_ONCE(vf->open))
		queue_work(system_dfl_wq, &vf->reset_work);
}

/* accesses that begin from now on wait for the vGPU */
static void nvidia_vgpu_reset_prepare(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = pci_get_drvdata(pdev);

	atomic_inc(&container_of(core, struct nvidia_vgpu_vf, core)->resets);
}

/*
 * AER. VFIO's own handler signals the error eventfd whatever it hears, and QEMU stops the VM for
 * good. An error that is not fatal has lost a transfer and not the vGPU, and a permanent failure is
 * also said because a VF without driver has no opinion, as the GPU's driver finds out: it tells by
 * nvidia_vgpu_error() if there is no vGPU any more.
 */
static pci_ers_result_t nvidia_vgpu_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct vfio_pci_core_device *core = pci_get_drvdata(pdev);

	if (!container_of(core, struct nvidia_vgpu_vf, core)->vgpu)
		return vfio_pci_core_aer_err_detected(pdev, state);

	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		return vfio_pci_core_aer_err_detected(pdev, state);
	default:
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

static const struct pci_error_handlers nvidia_vgpu_err_handlers = {
	.reset_prepare = nvidia_vgpu_reset_prepare,
	.reset_done = nvidia_vgpu_reset_done,
	.error_detected = nvidia_vgpu_error_detected,
};

static void nvidia_vgpu_error(void *data, enum nvkm_vgpu_error reason)
{
	nvidia_vgpu_fail(data, reason == NVKM_VGPU_ERROR_PLUGIN ?
			 "failed: its plugin task crashed" : "failed: the GPU is dead");
}

static const struct nvkm_vgpu_client_ops nvidia_vgpu_client_ops = {
	.error = nvidia_vgpu_error,
};

static int nvidia_vgpu_open_device(struct vfio_device *vdev)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);
	int ret;

	/* resets the function: a vGPU that starts after it has nothing to follow */
	ret = vfio_pci_core_enable(&vf->core);
	if (ret)
		return ret;

	ret = mutex_lock_killable(&vf->lock);
	if (ret)
		goto err_disable;
	/* nobody has it open yet */
	context_unsafe(vf->bar1 = 0);
	vf->failed = false;
	vf->followed = atomic_read(&vf->resets);
	ret = nvkm_vgpu_open(vf->vgpu);
	WRITE_ONCE(vf->open, !ret);
	mutex_unlock(&vf->lock);
	if (ret)
		goto err_disable;
	/* what VFIO tells of a VF, which has none of its own */
	put_unaligned_le16(vf_identity(vf)->device, vf->core.vconfig + PCI_DEVICE_ID);
	/* by sysfs, while it was brought up */
	if (vf_reset_pending(vf))
		queue_work(system_dfl_wq, &vf->reset_work);

	vfio_pci_core_finish_enable(&vf->core);
	return 0;

err_disable:
	vfio_pci_core_disable(&vf->core);
	return ret;
}

static void nvidia_vgpu_close_device(struct vfio_device *vdev)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);

	mutex_lock(&vf->lock);
	WRITE_ONCE(vf->open, false);
	nvkm_vgpu_close(vf->vgpu);
	mutex_unlock(&vf->lock);
	/* one that came before finds nothing open */
	flush_work(&vf->reset_work);

	vfio_pci_core_close_device(vdev);
}

static int nvidia_vgpu_init_dev(struct vfio_device *vdev)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);
	int ret;

	ret = vfio_pci_core_init_dev(vdev);
	if (ret)
		return ret;

	mutex_init(&vf->lock);
	mutex_init(&vf->bar1_lock);
	INIT_WORK(&vf->reset_work, nvidia_vgpu_reset_work);
	init_waitqueue_head(&vf->reset_wait);
	vf->core.pci_ops = &nvidia_vgpu_dmabuf_ops;
	return 0;
}

static void nvidia_vgpu_release_dev(struct vfio_device *vdev)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);

	mutex_destroy(&vf->bar1_lock);
	mutex_destroy(&vf->lock);
	vfio_pci_core_release_dev(vdev);
}

/*
 * A function that sleeps loses what its plugin task has set up in it, and there is no message for
 * that. So low power is not offered.
 */
static int nvidia_vgpu_feature(struct vfio_device *vdev, u32 flags, void __user *arg, size_t size)
{
	switch (flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
	case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		return -ENOTTY;
	default:
		return vfio_pci_core_ioctl_feature(vdev, flags, arg, size);
	}
}

static const struct vfio_device_ops nvidia_vgpu_ops = {
	.name = "nvidia-vgpu-vfio-pci",
	.init = nvidia_vgpu_init_dev,
	.release = nvidia_vgpu_release_dev,
	.open_device = nvidia_vgpu_open_device,
	.close_device = nvidia_vgpu_close_device,
	.ioctl = nvidia_vgpu_ioctl,
	.get_region_info_caps = nvidia_vgpu_get_region_info,
	.device_feature = nvidia_vgpu_feature,
	.read = nvidia_vgpu_read,
	.write = nvidia_vgpu_write,
	.mmap = nvidia_vgpu_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
	.match_token_uuid = vfio_pci_core_match_token_uuid,
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
};

/*
 * A VF without a vGPU: its GPU has another driver, or had one that left its VFs behind. It is what
 * it is with vfio-pci. That stays so, as nvkm-vgpu takes no GPU that has VFs, so it is found out
 * once, in probe.
 */
static int nvidia_vgpu_core_open_device(struct vfio_device *vdev)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);
	int ret = vfio_pci_core_enable(&vf->core);

	if (ret)
		return ret;
	vfio_pci_core_finish_enable(&vf->core);
	return 0;
}

static const struct vfio_pci_device_ops nvidia_vgpu_core_dmabuf_ops = {
	.get_dmabuf_phys = vfio_pci_core_get_dmabuf_phys,
};

static const struct vfio_device_ops nvidia_vgpu_core_ops = {
	.name = "nvidia-vgpu-vfio-pci-core",
	.init = vfio_pci_core_init_dev,
	.release = vfio_pci_core_release_dev,
	.open_device = nvidia_vgpu_core_open_device,
	.close_device = vfio_pci_core_close_device,
	.ioctl = vfio_pci_core_ioctl,
	.get_region_info_caps = vfio_pci_ioctl_get_region_info,
	.device_feature = vfio_pci_core_ioctl_feature,
	.read = vfio_pci_core_read,
	.write = vfio_pci_core_write,
	.mmap = vfio_pci_core_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
	.match_token_uuid = vfio_pci_core_match_token_uuid,
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
};

static struct nvidia_vgpu_vf *nvidia_vgpu_alloc(struct pci_dev *pdev)
{
	struct nvidia_vgpu_vf *vf;
	int ret;

	vf = vfio_alloc_device(nvidia_vgpu_vf, core.vdev, &pdev->dev, &nvidia_vgpu_ops);
	if (IS_ERR(vf))
		return vf;
	vf->vgpu = nvkm_vgpu_attach(pdev, &nvidia_vgpu_client_ops, vf);
	if (!IS_ERR(vf->vgpu))
		return vf;
	ret = PTR_ERR(vf->vgpu);
	vfio_put_device(&vf->core.vdev);
	if (ret != -EINVAL)
		return ERR_PTR(ret);

	vf = vfio_alloc_device(nvidia_vgpu_vf, core.vdev, &pdev->dev, &nvidia_vgpu_core_ops);
	if (!IS_ERR(vf))
		vf->core.pci_ops = &nvidia_vgpu_core_dmabuf_ops;
	return vf;
}

static int nvidia_vgpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct nvidia_vgpu_vf *vf;
	int ret;

	if (!pdev->is_virtfn)
		return -ENODEV;

	vf = nvidia_vgpu_alloc(pdev);
	if (IS_ERR(vf))
		return PTR_ERR(vf);

	dev_set_drvdata(&pdev->dev, &vf->core);
	ret = vfio_pci_core_register_device(&vf->core);
	if (!ret)
		return 0;
	if (!device_iommu_mapped(&pdev->dev))
		dev_err_probe(&pdev->dev, ret,
			      "no IOMMU for this VF: is it on in firmware and kernel?\n");
	if (vf->vgpu)
		nvkm_vgpu_detach(vf->vgpu);
	vfio_put_device(&vf->core.vdev);
	return ret;
}

static void nvidia_vgpu_remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = pci_get_drvdata(pdev);
	struct nvidia_vgpu_vf *vf = container_of(core, struct nvidia_vgpu_vf, core);

	vfio_pci_core_unregister_device(core);
	if (vf->vgpu) {
		/* a reset while it was closed may have queued it; from here on none comes */
		cancel_work_sync(&vf->reset_work);
		nvkm_vgpu_detach(vf->vgpu);
	}
	vfio_put_device(&core->vdev);
}

static const struct pci_device_id nvidia_vgpu_table[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_NVIDIA, 0x26b1) },	/* RTX 6000 Ada */
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_NVIDIA, 0x26b2) },	/* RTX 5000 Ada */
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_NVIDIA, 0x26b5) },	/* L40 */
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_NVIDIA, 0x26b9) },	/* L40S */
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_NVIDIA, 0x26ba) },	/* L20 */
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_NVIDIA, 0x27b6) },	/* L2 */
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_NVIDIA, 0x27b8) },	/* L4 */
	{ }
};
MODULE_DEVICE_TABLE(pci, nvidia_vgpu_table);

static struct pci_driver nvidia_vgpu_driver = {
	.name = "vfio-nvidia-vgpu",
	.id_table = nvidia_vgpu_table,
	.probe = nvidia_vgpu_probe,
	.remove = nvidia_vgpu_remove,
	.err_handler = &nvidia_vgpu_err_handlers,
	.driver_managed_dma = true,
};
module_pci_driver(nvidia_vgpu_driver);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VFIO for virtual functions of NVIDIA GPUs");
