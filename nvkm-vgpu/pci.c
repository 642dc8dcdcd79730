// SPDX-License-Identifier: GPL-2.0-only
/* The PF as a PCI device. */
#include <linux/bitfield.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "device.h"
#include "load.h"
#include "regs/gpu.h"
#include "regs/pmc.h"
#include "vgpu/boards.h"
#include "vgpu/events.h"
#include "vgpu/mgr.h"
#include "vgpu/sysfs.h"
#include "vgpu/vgpu.h"

#define PF_DMA_BITS	47	/* Ada's page table entries; nova-core gpu/hal/tu102.rs */
#define PF_BARS		(BIT(0) | BIT(1))	/* registers, aperture on framebuffer */

/* the chip says what it is; boards have been relabelled */
static int pf_check_chip(struct nvkm_vgpu_pf *pf)
{
	u32 boot0 = nvgpu_rd32(&pf->gpu, NVGPU_PMC_BOOT_0);
	u32 boot42 = nvgpu_rd32(&pf->gpu, NVGPU_PMC_BOOT_42);

	if (boot0 == ~0U)
		return dev_err_probe(&pf->gpu.pdev->dev, -ENODEV, "the GPU does not answer\n");
	if (FIELD_GET(NVGPU_PMC_BOOT_42_ARCHITECTURE, boot42) != NVGPU_PMC_ARCHITECTURE_AD100)
		return dev_err_probe(&pf->gpu.pdev->dev, -ENODEV,
				     "chip %#x is not of the Ada generation\n", boot42);
	return 0;
}

/* before BAR0 is mapped: the device may be of another kind, or the BARs another driver's */
static int pf_check_pci(struct pci_dev *pdev)
{
	/* by new_id and driver_override any device may come */
	if (pdev->vendor != PCI_VENDOR_ID_NVIDIA || !nvgpu_board_find(pdev->device))
		return dev_err_probe(&pdev->dev, -ENODEV,
				     "%04x:%04x is no board with known vGPU types\n",
				     pdev->vendor, pdev->device);
	if (pdev->class >> 8 == PCI_CLASS_DISPLAY_VGA)
		return dev_err_probe(&pdev->dev, -ENODEV,
				     "board is in display mode, without SR-IOV; NVIDIA's displaymodeselector switches it\n");
	if (!pci_sriov_get_totalvfs(pdev))
		return dev_err_probe(&pdev->dev, -ENODEV,
				     "no SR-IOV capability, so no vGPUs: is it off in firmware?\n");
	/* VF drivers may take a bound PF for one that is ready */
	if (pci_num_vf(pdev))
		return dev_err_probe(&pdev->dev, -EBUSY, "another driver left VFs behind\n");
	return 0;
}

/*
 * Firmware that keeps too little room leaves a large BAR without an address, and the PCI core says
 * so long before there is a driver. It enables such a device all the same.
 */
static int pf_check_bars(struct pci_dev *pdev)
{
	unsigned int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if ((PF_BARS & BIT(bar)) && !pci_resource_start(pdev, bar))
			return dev_err_probe(&pdev->dev, -ENXIO,
					     "BAR %u has no address: is Above 4G Decoding off in firmware? See also pci=realloc\n",
					     bar);
	return 0;
}

static int pf_enable(struct nvkm_vgpu_pf *pf)
{
	struct pci_dev *pdev = pf->gpu.pdev;
	int ret;

	ret = pci_enable_device_mem(pdev);
	if (ret)
		return dev_err_probe(&pdev->dev, ret, "cannot be enabled\n");
	ret = pci_request_selected_regions(pdev, PF_BARS, "nvkm-vgpu");
	if (ret) {
		dev_err_probe(&pdev->dev, ret, "BARs are in use, /proc/iomem says by whom\n");
		goto err_disable;
	}
	pf->gpu.regs = pci_iomap(pdev, 0, 0);
	if (!pf->gpu.regs) {
		ret = -ENOMEM;
		goto err_release;
	}
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(PF_DMA_BITS));
	if (ret)
		goto err_unmap;
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	return 0;

err_unmap:
	pci_iounmap(pdev, pf->gpu.regs);
err_release:
	pci_release_selected_regions(pdev, PF_BARS);
err_disable:
	pci_disable_device(pdev);
	return ret;
}

static void pf_disable(struct nvkm_vgpu_pf *pf)
{
	pci_iounmap(pf->gpu.pdev, pf->gpu.regs);
	pci_release_selected_regions(pf->gpu.pdev, PF_BARS);
	pci_disable_device(pf->gpu.pdev);
}

/*
 * Messages are read until GSP-RM is unloaded, and what they would be told to is going. Of its
 * channel the scrubber hears to the end: who waits for a launch needs that.
 */
static void pf_hear_no_more(struct nvgpu_device *nvdev)
{
	struct nvkm_vgpu_pf *pf = &nvdev->pf;

	nvgpu_health_tell_nobody(&pf->gsp.health);
	if (nvdev->loaded) {
		scoped_guard(mutex, &pf->gsp.rpc.receive)
			pf->gsp.events.on_vgpu = NULL;
	}
}

static int nvkm_vgpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct nvgpu_device *nvdev;
	struct nvkm_vgpu_pf *pf;
	int ret;

	/* VFs have the PF's id and wait for vfio-nvidia-vgpu */
	if (pdev->is_virtfn)
		return -ENODEV;

	ret = pf_check_pci(pdev) ?: pf_check_bars(pdev);
	if (ret)
		return ret;

	nvdev = kzalloc_obj(*nvdev);
	if (!nvdev)
		return -ENOMEM;
	pf = &nvdev->pf;
	pf->gpu.pdev = pdev;
	nvgpu_gsp_init(&pf->gsp, &pf->gpu);
	nvgpu_rm_init(&pf->rm, &pf->gsp);

	ret = pf_enable(pf);
	if (ret)
		goto err_free;
	ret = pf_check_chip(pf);
	if (ret)
		goto err_disable;
	ret = nvgpu_load(nvdev);
	if (ret)
		goto err_disable;
	pci_set_drvdata(pdev, pf);
	ret = nvgpu_vgpu_mgr_init(pf);
	if (ret)
		goto err_unload;
	ret = nvgpu_load_watch_sleep(nvdev);
	if (ret)
		goto err_mgr;
	nvgpu_intr_listen_copy(&nvdev->intr);
	scoped_guard(mutex, &pf->gsp.rpc.receive) {
		pf->gsp.events.on_vgpu = nvgpu_vgpu_event;
		pf->gsp.events.on_channel = nvgpu_vgpu_channel_event;
	}
	nvgpu_health_tell(&pf->gsp.health, nvgpu_vgpu_fail_all);
	ret = nvgpu_export_mgr_add(nvdev);
	if (ret)
		goto err_listen;
	return 0;

err_listen:
	nvgpu_load_unwatch_sleep(nvdev);
	pf_hear_no_more(nvdev);
err_mgr:
	nvgpu_vgpu_mgr_fini(pf);
err_unload:
	nvgpu_unload(nvdev);
err_disable:
	pf_disable(pf);
err_free:
	kfree(nvdev);
	return ret;
}

static void nvkm_vgpu_remove(struct pci_dev *pdev)
{
	struct nvkm_vgpu_pf *pf = pci_get_drvdata(pdev);
	struct nvgpu_device *nvdev = nvgpu_device(pf);

	nvgpu_export_mgr_remove(nvdev);
	nvgpu_sriov_disable(pf);
	/* not before: sleep would freeze those whom turning VFs off waits for */
	nvgpu_load_unwatch_sleep(nvdev);
	pf_hear_no_more(nvdev);
	nvgpu_vgpu_mgr_fini(pf);
	nvgpu_unload(nvdev);
	pf_disable(pf);
	kfree(nvdev);
}

/* the next kernel finds a GPU that it can load firmware into; whoever used a VF is gone by now */
static void nvkm_vgpu_shutdown(struct pci_dev *pdev)
{
	struct nvkm_vgpu_pf *pf = pci_get_drvdata(pdev);
	struct nvgpu_device *nvdev = nvgpu_device(pf);

	if (!nvdev->loaded)
		return;
	nvgpu_intr_fini(&nvdev->intr);
	nvgpu_gsp_unload(&pf->gsp);
	pci_clear_master(pdev);
}

static void pf_restore_config(struct pci_dev *pdev)
{
	/* of the time when the device was found: its BARs may not decode in there */
	pci_restore_state(pdev);
	if (pci_reenable_device(pdev))
		dev_err(&pdev->dev, "cannot be enabled after a PCI error\n");
}

/*
 * AER. An error that is not fatal has lost nothing. A frozen channel has: what the GPU has in
 * memory goes with the link, and GSP-RM with it. The PCI core then resets the link, which takes
 * BARs and VFs out of configuration space, and says at last that the failure is permanent: without
 * them the next probe would find no GPU. A permanent failure may also be said only because a VF
 * without driver has no opinion, as VFs have before they are given away: so ask the GPU itself.
 */
static pci_ers_result_t nvkm_vgpu_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct nvkm_vgpu_pf *pf = pci_get_drvdata(pdev);

	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		nvgpu_health_dead(&pf->gsp.health, "PCI error, the link is frozen");
		return PCI_ERS_RESULT_DISCONNECT;
	default:
		if (pdev->error_state == pci_channel_io_frozen)
			pf_restore_config(pdev);
		else
			nvgpu_health_look(&pf->gsp.health);
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

/* by hand in sysfs, or by PCI error recovery: it takes GSP-RM and all VFs with it, unasked */
static void nvkm_vgpu_reset_prepare(struct pci_dev *pdev)
{
	struct nvkm_vgpu_pf *pf = pci_get_drvdata(pdev);

	if (nvgpu_load_pause(nvgpu_device(pf)))
		nvgpu_health_dead(&pf->gsp.health,
				  "the GPU is being reset with a vGPU open; close it and reset once more");
}

static void nvkm_vgpu_reset_done(struct pci_dev *pdev)
{
	struct nvkm_vgpu_pf *pf = pci_get_drvdata(pdev);

	nvgpu_load_resume(nvgpu_device(pf));
}

static const struct pci_error_handlers nvkm_vgpu_error_handlers = {
	.error_detected = nvkm_vgpu_error_detected,
	.reset_prepare = nvkm_vgpu_reset_prepare,
	.reset_done = nvkm_vgpu_reset_done,
};

static struct pci_driver nvkm_vgpu_driver = {
	.name = "nvkm-vgpu",
	.id_table = nvgpu_board_ids,
	.probe = nvkm_vgpu_probe,
	.remove = nvkm_vgpu_remove,
	.shutdown = nvkm_vgpu_shutdown,
	.driver.pm = pm_sleep_ptr(&nvgpu_pm_ops),
	.sriov_configure = nvgpu_sriov_configure,
	.dev_groups = nvgpu_pf_groups,
	.err_handler = &nvkm_vgpu_error_handlers,
};
module_pci_driver(nvkm_vgpu_driver);

/* a driver is attached to @vf; ERR_PTR(-EINVAL) if it is no VF of a GPU of ours */
struct nvkm_vgpu_pf *nvgpu_get_pf(struct pci_dev *vf)
{
	return pci_iov_get_pf_drvdata(vf, &nvkm_vgpu_driver);
}

MODULE_DESCRIPTION("vGPU host driver for NVIDIA GPUs: GSP-RM, SR-IOV and vGPU types");
MODULE_LICENSE("GPL");
