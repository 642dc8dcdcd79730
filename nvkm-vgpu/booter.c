// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitfield.h>

#include "booter.h"
#include "device.h"
#include "firmware.h"
#include "regs/fb.h"
#include "regs/gc6.h"

/* mailboxes of booter_unload when nothing is to be kept for a resume; kernel_gsp_tu102.c */
#define BOOTER_UNLOAD_NORMAL		0x000000ff000000ffULL

/**
 * nvgpu_booter_init - prepare the programs for this board
 * @pf: the GPU
 * @booter: result, zeroed before
 * @fw: firmware files; not needed afterwards
 *
 * Return: 0 or -errno.
 */
int nvgpu_booter_init(struct nvkm_vgpu_pf *pf, struct nvgpu_booter *booter,
		      const struct nvgpu_firmware *fw)
{
	int ret = 0;

	if (fw->file[NVGPU_FW_SCRUBBER])
		ret = nvgpu_hs_init(&booter->scrubber, &pf->sec2, "scrubber", &fw->scrubber);
	if (!ret)
		ret = nvgpu_hs_init(&booter->load, &pf->sec2, "booter_load", &fw->booter_load);
	if (!ret)
		ret = nvgpu_hs_init(&booter->unload, &pf->sec2, "booter_unload",
				    &fw->booter_unload);
	if (ret)
		nvgpu_booter_fini(booter);
	return ret;
}

/**
 * nvgpu_booter_fini - free the programs
 * @booter: the programs
 */
void nvgpu_booter_fini(struct nvgpu_booter *booter)
{
	nvgpu_hs_fini(&booter->unload);
	nvgpu_hs_fini(&booter->load);
	nvgpu_hs_fini(&booter->scrubber);
}

static bool booter_scrubbed(struct nvkm_vgpu_pf *pf)
{
	u32 val = nvgpu_rd32(pf, NVGPU_GC6_SCRUBBER);

	return !nvgpu_pri_error(val) &&
	       FIELD_GET(NVGPU_GC6_SCRUBBER_HANDOFF, val) >= NVGPU_GC6_SCRUBBER_DONE;
}

/**
 * nvgpu_booter_scrub - initialise framebuffer, once after power on
 * @pf: the GPU
 * @booter: the programs
 *
 * Return: 0 or -EIO.
 */
int nvgpu_booter_scrub(struct nvkm_vgpu_pf *pf, const struct nvgpu_booter *booter)
{
	int ret;

	if (booter_scrubbed(pf))
		return 0;
	if (!booter->scrubber.falcon)
		return dev_err_probe(&pf->pdev->dev, -EIO,
				     "framebuffer is not scrubbed, and this firmware cannot\n");
	ret = nvgpu_hs_run(&booter->scrubber, 0);
	if (ret)
		return ret;
	if (!booter_scrubbed(pf))
		return dev_err_probe(&pf->pdev->dev, -EIO,
				     "scrubber on sec2 ended without result, register %#x\n",
				     nvgpu_rd32(pf, NVGPU_GC6_SCRUBBER));
	return 0;
}

/**
 * nvgpu_booter_load - start GSP-RM
 * @pf: the GPU, WPR2 made and GSP in reset with its arguments
 * @booter: the programs
 * @wpr_meta: where booter finds everything
 *
 * Return: 0 or -EIO.
 */
int nvgpu_booter_load(struct nvkm_vgpu_pf *pf, const struct nvgpu_booter *booter,
		      dma_addr_t wpr_meta)
{
	return nvgpu_hs_run(&booter->load, wpr_meta);
}

/**
 * nvgpu_booter_unload - clear WPR2
 * @pf: the GPU, GSP in reset
 * @booter: the programs
 *
 * Return: 0 or -EIO.
 */
int nvgpu_booter_unload(struct nvkm_vgpu_pf *pf, const struct nvgpu_booter *booter)
{
	int ret;

	ret = nvgpu_hs_run(&booter->unload, BOOTER_UNLOAD_NORMAL);
	if (ret)
		return ret;
	if (nvgpu_rd32(pf, NVGPU_PFB_WPR2_HI) & NVGPU_PFB_WPR2_ADDR) {
		dev_err(&pf->pdev->dev, "booter_unload on sec2 left WPR2, the GPU needs a reset\n");
		return -EIO;
	}
	return 0;
}
