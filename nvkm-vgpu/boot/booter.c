// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitfield.h>

#include "boot/booter.h"
#include "boot/firmware.h"
#include "regs/fb.h"
#include "regs/gc6.h"
#include "regs/gpu.h"

/* mailboxes of booter_unload when nothing is to be kept for a resume; kernel_gsp_tu102.c */
#define BOOTER_UNLOAD_NORMAL		0x000000ff000000ffULL

/**
 * nvgpu_booter_init - prepare the programs for this board
 * @booter: result, zeroed before
 * @sec2: the falcon that they run on
 * @fw: firmware files; not needed afterwards
 */
int nvgpu_booter_init(struct nvgpu_booter *booter, const struct nvgpu_falcon *sec2,
		      const struct nvgpu_firmware *fw)
{
	int ret = 0;

	booter->scrubber_version = fw->scrubber_version;
	if (fw->file[NVGPU_FW_SCRUBBER])
		ret = nvgpu_hs_init(&booter->scrubber, sec2, "scrubber", &fw->scrubber);
	if (!ret)
		ret = nvgpu_hs_init(&booter->load, sec2, "booter_load", &fw->booter_load);
	if (!ret)
		ret = nvgpu_hs_init(&booter->unload, sec2, "booter_unload",
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

static const struct nvgpu_gpu *booter_gpu(const struct nvgpu_booter *booter)
{
	return booter->load.falcon->gpu;
}

static bool booter_scrubbed(const struct nvgpu_gpu *gpu)
{
	u32 val = nvgpu_rd32(gpu, NVGPU_GC6_SCRUBBER);

	return !nvgpu_pri_error(val) &&
	       FIELD_GET(NVGPU_GC6_SCRUBBER_HANDOFF, val) >= NVGPU_GC6_SCRUBBER_DONE;
}

/**
 * nvgpu_booter_scrub - initialise framebuffer, once after power on
 * @booter: the programs
 *
 * Return: 0 or -EIO.
 */
int nvgpu_booter_scrub(const struct nvgpu_booter *booter)
{
	const struct nvgpu_gpu *gpu = booter_gpu(booter);
	int ret;

	if (booter_scrubbed(gpu))
		return 0;
	if (!booter->scrubber.falcon)
		return dev_err_probe(&gpu->pdev->dev, -EIO,
				     "framebuffer is not scrubbed, and there is no scrubber file\n");
	ret = nvgpu_hs_run(&booter->scrubber, 0);
	if (ret)
		return ret;
	if (!booter_scrubbed(gpu))
		return dev_err_probe(&gpu->pdev->dev, -EIO,
				     "scrubber on sec2 ended without result, register %#x\n",
				     nvgpu_rd32(gpu, NVGPU_GC6_SCRUBBER));
	return 0;
}

/**
 * nvgpu_booter_load - start GSP-RM
 * @booter: the programs; WPR2 is made, and the GSP in reset with its arguments
 * @wpr_meta: where booter finds everything
 *
 * Return: 0 or -EIO.
 */
int nvgpu_booter_load(const struct nvgpu_booter *booter, dma_addr_t wpr_meta)
{
	return nvgpu_hs_run(&booter->load, wpr_meta);
}

/**
 * nvgpu_booter_unload - clear WPR2
 * @booter: the programs; the GSP is in reset
 *
 * Return: 0 or -EIO.
 */
int nvgpu_booter_unload(const struct nvgpu_booter *booter)
{
	const struct nvgpu_gpu *gpu = booter_gpu(booter);
	int ret;

	ret = nvgpu_hs_run(&booter->unload, BOOTER_UNLOAD_NORMAL);
	if (ret)
		return ret;
	if (nvgpu_rd32(gpu, NVGPU_PFB_WPR2_HI) & NVGPU_PFB_WPR2_ADDR) {
		dev_err(&gpu->pdev->dev, "booter_unload on sec2 left WPR2, the GPU needs a reset\n");
		return -EIO;
	}
	return 0;
}
