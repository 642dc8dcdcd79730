// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heavy-secure programs from firmware files: they come with a signature for each version of the
 * board's fuses.
 */
#include <linux/math.h>
#include <linux/string.h>

#include "boot/firmware.h"
#include "boot/hs.h"
#include "regs/fuse.h"
#include "regs/gpu.h"

#define HS_ENGINE_SEC2			BIT(0)

/**
 * nvgpu_hs_init - prepare a program for SEC2
 * @hs: the program, zeroed before
 * @falcon: SEC2
 * @name: for messages, a constant string
 * @fw: the firmware file; not needed afterwards
 *
 * Return: 0, -EINVAL when the file has no signature that this board accepts, -EIO when its fuse
 * cannot be read, -ENOMEM.
 */
int nvgpu_hs_init(struct nvgpu_hs *hs, const struct nvgpu_falcon *falcon, const char *name,
		  const struct nvgpu_fw_hs *fw)
{
	struct device *dev = &falcon->gpu->pdev->dev;
	int sig, ret;
	u32 fuse;

	if (!(fw->engine_mask & HS_ENGINE_SEC2) || !fw->ucode_id ||
	    fw->ucode_id > NVGPU_FUSE_UCODES) {
		dev_err(dev, "firmware %s: engine mask %#x, ucode id %u, expected SEC2's %#lx, 1 to %u\n",
			name, fw->engine_mask, fw->ucode_id, HS_ENGINE_SEC2, NVGPU_FUSE_UCODES);
		return -EINVAL;
	}
	ret = nvgpu_falcon_fuse(falcon, NVGPU_FUSE_SEC2_UCODE_VERSION(fw->ucode_id), &fuse);
	if (ret)
		return ret;
	sig = nvgpu_fw_hs_signature(fw, fuse);
	if (sig < 0) {
		dev_err(dev, "firmware %s has no signature for version fuse %#x\n", name, fuse);
		return sig;
	}

	/* whole blocks are transferred: zeroes behind the data */
	ret = nvgpu_dma_alloc(dev, &hs->mem, round_up(fw->data_size, NVGPU_FALCON_BLOCK));
	if (ret)
		return ret;
	memcpy(hs->mem.cpu, fw->data, fw->data_size);
	memcpy(hs->mem.cpu + fw->dmem_offset + fw->sig_dmem, fw->sigs + sig * fw->sig_size,
	       fw->sig_size);

	hs->falcon = falcon;
	hs->name = name;
	hs->image = (struct nvgpu_falcon_image) {
		.base = hs->mem.addr,
		.code = fw->code_offset,
		.code_virt = fw->code_offset,
		.code_size = fw->code_size,
		.data = fw->dmem_offset,
		.data_size = fw->dmem_size,
		.signature = fw->sig_dmem,
		.engine_mask = fw->engine_mask,
		.ucode_id = fw->ucode_id,
	};
	return 0;
}

/**
 * nvgpu_hs_fini - free a program
 * @hs: the program, may never have been prepared
 */
void nvgpu_hs_fini(struct nvgpu_hs *hs)
{
	if (hs->falcon)
		nvgpu_dma_free(&hs->falcon->gpu->pdev->dev, &hs->mem);
}

/**
 * nvgpu_hs_run - run a program to its end
 * @hs: the program
 * @argument: for its mailboxes
 *
 * Return: 0; -EIO when it reported an error, did not end or could not be started, with a line that
 * says so.
 */
int nvgpu_hs_run(const struct nvgpu_hs *hs, u64 argument)
{
	struct device *dev = &hs->falcon->gpu->pdev->dev;
	u32 result = 0;
	int ret;

	ret = nvgpu_falcon_run(hs->falcon, &hs->image, argument, &result);
	if (ret == -ETIMEDOUT) {
		dev_err(dev, "%s on %s does not end, mailbox %#x\n", hs->name, hs->falcon->name,
			result);
		return -EIO;
	}
	if (ret)
		return ret;
	if (result) {
		dev_err(dev, "%s on %s failed, mailbox %#x\n", hs->name, hs->falcon->name, result);
		return -EIO;
	}
	return 0;
}
