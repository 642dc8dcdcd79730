// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO for VFs of NVIDIA GPUs: a vGPU lives as long as its VF is open.
 *
 * vfio-pci-core does what it does for any VF. Here are only the vGPU's beginning and end, and in
 * access.c what a guest sees differently. All about the GPU is behind include/linux/nvkm_vgpu.h.
 */

#include <linux/module.h>
#include <linux/pci.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

#include "vf.h"

static void reset_vgpu(struct nvidia_vgpu_vf *vf)
{
	int ret;

	lockdep_assert_held(&vf->lock);

	if (!vf->vgpu)
		return;
	ret = nvkm_vgpu_reset(vf->vgpu);
	if (ret)
		dev_err_ratelimited(&vf->core.pdev->dev, "vGPU does not reset: %d\n", ret);
}

/*
 * A reset of the VF may come while somebody holds the lock. The one who holds it then does the
 * vGPU's part when he lets go of it.
 */
static void unlock(struct nvidia_vgpu_vf *vf)
{
	for (;;) {
		spin_lock(&vf->reset_lock);
		if (!vf->deferred_reset)
			break;
		vf->deferred_reset = false;
		spin_unlock(&vf->reset_lock);
		reset_vgpu(vf);
	}
	mutex_unlock(&vf->lock);
	spin_unlock(&vf->reset_lock);
}

/*
 * The function itself is reset by hardware. Once that is done its vGPU has to be told: not before,
 * as its plugin task takes the message as the end of all that the guest had under way. Resets come
 * with any of VFIO's locks held, also from inside open and close, so @lock must not be waited for.
 */
static void nvidia_vgpu_reset_done(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = pci_get_drvdata(pdev);
	struct nvidia_vgpu_vf *vf = container_of(core, struct nvidia_vgpu_vf, core);

	spin_lock(&vf->reset_lock);
	vf->deferred_reset = true;
	if (!mutex_trylock(&vf->lock)) {
		spin_unlock(&vf->reset_lock);
		return;
	}
	spin_unlock(&vf->reset_lock);
	unlock(vf);
}

/* nothing to do before: the PCI core only warns of resets that a driver does not hear of */
static void nvidia_vgpu_reset_prepare(struct pci_dev *pdev)
{
}

static const struct pci_error_handlers nvidia_vgpu_err_handlers = {
	.reset_prepare = nvidia_vgpu_reset_prepare,
	.reset_done = nvidia_vgpu_reset_done,
	.error_detected = vfio_pci_core_aer_err_detected,
};

static int open_vgpu(struct nvidia_vgpu_vf *vf)
{
	struct nvkm_vgpu *vgpu;
	int ret;

	vgpu = nvkm_vgpu_open(vf->pf, vf->core.pdev, &vf->identity);
	if (IS_ERR(vgpu))
		return PTR_ERR(vgpu);

	/*
	 * The guest decides in configuration space whether its function may use DMA, and hardware
	 * obeys. The plugin task only needs to know that nobody forbids it.
	 */
	ret = nvkm_vgpu_set_bus_master(vgpu, true);
	if (ret) {
		nvkm_vgpu_close(vgpu);
		return ret;
	}

	vf->bar1 = 0;
	vf->vgpu = vgpu;
	return 0;
}

static int nvidia_vgpu_open_device(struct vfio_device *vdev)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);
	int ret;

	/* resets the function: a vGPU that starts after it has nothing to follow */
	ret = vfio_pci_core_enable(&vf->core);
	if (ret)
		return ret;

	mutex_lock(&vf->lock);
	ret = open_vgpu(vf);
	unlock(vf);
	if (ret) {
		vfio_pci_core_disable(&vf->core);
		return ret;
	}

	vfio_pci_core_finish_enable(&vf->core);
	return 0;
}

static void nvidia_vgpu_close_device(struct vfio_device *vdev)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);

	mutex_lock(&vf->lock);
	nvkm_vgpu_close(vf->vgpu);
	vf->vgpu = NULL;
	unlock(vf);

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
	spin_lock_init(&vf->reset_lock);
	vf->core.pci_ops = &nvidia_vgpu_dmabuf_ops;
	return 0;
}

static void nvidia_vgpu_release_dev(struct vfio_device *vdev)
{
	mutex_destroy(&to_vf(vdev)->lock);
	vfio_pci_core_release_dev(vdev);
}

static const struct vfio_device_ops nvidia_vgpu_ops = {
	.name = "nvidia-vgpu-vfio-pci",
	.init = nvidia_vgpu_init_dev,
	.release = nvidia_vgpu_release_dev,
	.open_device = nvidia_vgpu_open_device,
	.close_device = nvidia_vgpu_close_device,
	.ioctl = nvidia_vgpu_ioctl,
	.get_region_info_caps = nvidia_vgpu_get_region_info,
	.device_feature = vfio_pci_core_ioctl_feature,
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

static int nvidia_vgpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct nvkm_vgpu_pf *pf = nvkm_vgpu_get_pf(pdev);
	struct nvidia_vgpu_vf *vf;
	int ret;

	/* a PF, or a VF whose PF has another driver */
	if (IS_ERR(pf))
		return -ENODEV;

	vf = vfio_alloc_device(nvidia_vgpu_vf, core.vdev, &pdev->dev, &nvidia_vgpu_ops);
	if (IS_ERR(vf))
		return PTR_ERR(vf);
	vf->pf = pf;

	dev_set_drvdata(&pdev->dev, &vf->core);
	ret = vfio_pci_core_register_device(&vf->core);
	if (!ret)
		return 0;
	if (!device_iommu_mapped(&pdev->dev))
		dev_err_probe(&pdev->dev, ret,
			      "no IOMMU for this VF: is it on in firmware and kernel?\n");
	vfio_put_device(&vf->core.vdev);
	return ret;
}

static void nvidia_vgpu_remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = pci_get_drvdata(pdev);

	vfio_pci_core_unregister_device(core);
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
