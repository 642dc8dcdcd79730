// SPDX-License-Identifier: GPL-2.0-only
/*
 * FWSEC: the only program that may set up WPR2. It comes in the VBIOS and runs on the GSP before
 * GSP-RM does (FRTS: make the region and put the board's data at its end) and after it (SB: take
 * back what GSP-RM had). Its commands are written into its data before it starts.
 */
#include <linux/bitfield.h>
#include <linux/math.h>
#include <linux/string.h>

#include "boot/fwsec.h"
#include "boot/vbios.h"
#include "regs/bus.h"
#include "regs/fb.h"
#include "regs/fuse.h"
#include "regs/gpu.h"

#define FWSEC_ENGINE_GSP		BIT(10)

/**
 * nvgpu_fwsec_init - prepare FWSEC for a command
 * @fwsec: result, zeroed before
 * @falcon: GSP
 * @vbios: FWSEC in the VBIOS; not needed afterwards
 * @cmd: NVGPU_FWSEC_FRTS or NVGPU_FWSEC_SB
 * @frts: for FRTS: framebuffer offset of the region
 * @frts_size: for FRTS: bytes of the region
 *
 * Return: 0, -ENODEV when the VBIOS has none that this board can run, -EIO when its fuse cannot be
 * read, -ENOMEM.
 */
int nvgpu_fwsec_init(struct nvgpu_fwsec *fwsec, const struct nvgpu_falcon *falcon,
		     const struct nvgpu_vbios_fwsec *vbios, u32 cmd, u64 frts, u64 frts_size)
{
	struct device *dev = &falcon->gpu->pdev->dev;
	char why[NVGPU_VBIOS_WHY] = "";
	u32 code_size, data_size, fuse;
	u8 *data;
	int sig;
	int ret;

	if (!(vbios->engine_mask & FWSEC_ENGINE_GSP) || !vbios->ucode_id ||
	    vbios->ucode_id > NVGPU_FUSE_UCODES)
		return dev_err_probe(dev, -ENODEV,
				     "VBIOS: FWSEC: engine mask %#x, ucode id %u, expected the GSP's %#lx, 1 to %u\n",
				     vbios->engine_mask, vbios->ucode_id, FWSEC_ENGINE_GSP,
				     NVGPU_FUSE_UCODES);
	ret = nvgpu_falcon_fuse(falcon, NVGPU_FUSE_GSP_UCODE_VERSION(vbios->ucode_id), &fuse);
	if (ret)
		return ret;
	sig = nvgpu_vbios_fwsec_signature(vbios, fuse);
	if (sig < 0)
		return dev_err_probe(dev, -ENODEV,
				     "VBIOS: FWSEC: %u signatures for versions %#x, none for fuse %#x\n",
				     vbios->num_sigs, vbios->sig_versions, fuse);

	/* whole blocks are transferred: zeroes behind code and data */
	code_size = round_up(vbios->imem_size, NVGPU_FALCON_BLOCK);
	data_size = round_up(vbios->dmem_size, NVGPU_FALCON_BLOCK);
	ret = nvgpu_dma_alloc(dev, &fwsec->mem, code_size + data_size);
	if (ret)
		return ret;
	fwsec->falcon = falcon;
	data = fwsec->mem.cpu + code_size;
	memcpy(fwsec->mem.cpu, vbios->code, vbios->imem_size);
	memcpy(data, vbios->data, vbios->dmem_size);
	memcpy(data + vbios->pkc_offset, vbios->sigs + sig * NVGPU_VBIOS_SIG_SIZE,
	       NVGPU_VBIOS_SIG_SIZE);
	ret = nvgpu_fwsec_patch(data, data_size, vbios->interface_offset, cmd, frts, frts_size,
				why);
	if (ret) {
		nvgpu_fwsec_fini(fwsec);
		return dev_err_probe(dev, ret, "VBIOS: %s\n", why);
	}

	fwsec->image = (struct nvgpu_falcon_image) {
		.base = fwsec->mem.addr,
		.code_phys = vbios->imem_phys,
		.code_virt = vbios->imem_virt,
		.code_size = vbios->imem_size,
		.data = code_size,
		.data_phys = vbios->dmem_phys,
		.data_size = vbios->dmem_size,
		.signature = vbios->pkc_offset,
		.engine_mask = vbios->engine_mask,
		.ucode_id = vbios->ucode_id,
	};
	return 0;
}

/**
 * nvgpu_fwsec_fini - free FWSEC
 * @fwsec: may never have been prepared
 */
void nvgpu_fwsec_fini(struct nvgpu_fwsec *fwsec)
{
	if (fwsec->falcon)
		nvgpu_dma_free(&fwsec->falcon->gpu->pdev->dev, &fwsec->mem);
}

static int fwsec_run(const struct nvgpu_fwsec *fwsec, const char *name, u32 scratch, u32 mask)
{
	const struct nvgpu_gpu *gpu = fwsec->falcon->gpu;
	u32 result = 0, error;
	int ret;

	ret = nvgpu_falcon_run(fwsec->falcon, &fwsec->image, 0, &result);
	if (ret == -EIO)
		return ret;
	error = nvgpu_rd32(gpu, scratch) & mask;
	if (!ret && !result && !error)
		return 0;
	dev_err(&gpu->pdev->dev, "%s failed%s, mailbox %#x, error %#x\n", name,
		ret ? ": does not end" : "", result, error >> __ffs(mask));
	return -EIO;
}

/**
 * nvgpu_fwsec_frts - have FWSEC make WPR2
 * @fwsec: prepared for FRTS
 * @frts: where WPR2 is to start
 *
 * Return: 0 or -EIO.
 */
int nvgpu_fwsec_frts(const struct nvgpu_fwsec *fwsec, u64 frts)
{
	const struct nvgpu_gpu *gpu = fwsec->falcon->gpu;
	u64 lo, hi;
	int ret;

	ret = fwsec_run(fwsec, "FWSEC-FRTS", NVGPU_FWSEC_FRTS_SCRATCH, NVGPU_FWSEC_FRTS_ERROR);
	if (ret)
		return ret;
	lo = (u64)FIELD_GET(NVGPU_PFB_WPR2_ADDR, nvgpu_rd32(gpu, NVGPU_PFB_WPR2_LO)) << 12;
	hi = (u64)FIELD_GET(NVGPU_PFB_WPR2_ADDR, nvgpu_rd32(gpu, NVGPU_PFB_WPR2_HI)) << 12;
	if (lo == frts && hi > lo)
		return 0;
	dev_err(&gpu->pdev->dev, "FWSEC-FRTS made WPR2 %#llx-%#llx, not at %#llx\n", lo, hi, frts);
	return -EIO;
}

/**
 * nvgpu_fwsec_sb - have FWSEC return the GSP to its state before GSP-RM
 * @fwsec: prepared for SB
 *
 * Return: 0 or -EIO.
 */
int nvgpu_fwsec_sb(const struct nvgpu_fwsec *fwsec)
{
	return fwsec_run(fwsec, "FWSEC-SB", NVGPU_FWSEC_SB_SCRATCH, NVGPU_FWSEC_SB_ERROR);
}
