// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window on the board's ROM. It shows the first MiB of a flash that is larger.
 *
 * The CPU waits for each word, and most of a ROM is of no interest here: display, EFI, programs for
 * other falcons. So only what is looked at is read, and that once.
 */
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "boot/prom.h"
#include "boot/vbios.h"
#include "regs/bus.h"
#include "regs/gpu.h"

#define PROM_WORDS	(NVGPU_PROM_SIZE / sizeof(u32))

static u32 prom_word(void *ctx, u32 offset)
{
	struct nvgpu_prom *prom = ctx;

	if (!__test_and_set_bit(offset / sizeof(u32), prom->known))
		put_unaligned_le32(nvgpu_rd32(prom->gpu, NVGPU_PROM + offset), prom->data + offset);
	return get_unaligned_le32(prom->data + offset);
}

static void prom_need(void *ctx, u32 offset, u32 len)
{
	struct nvgpu_prom *prom = ctx;
	u32 end = prom->start + offset + len;
	u32 i;

	for (i = ALIGN_DOWN(prom->start + offset, sizeof(u32)); i < end; i += sizeof(u32))
		prom_word(prom, i);
}

/**
 * nvgpu_prom_open - find the VBIOS in the board's ROM
 * @prom: result; the images start at @prom->data + @prom->start
 * @gpu: the GPU
 * @vbios: result, where the images are; reads what is looked at while @prom is open
 *
 * Return: 0, -ENODEV when there are no images, with a line that says why, or -ENOMEM.
 */
int nvgpu_prom_open(struct nvgpu_prom *prom, struct nvgpu_gpu *gpu, struct nvgpu_vbios *vbios)
{
	int ret = -ENOMEM;

	prom->gpu = gpu;
	prom->data = kvmalloc(NVGPU_PROM_SIZE, GFP_KERNEL);
	prom->known = bitmap_zalloc(PROM_WORDS, GFP_KERNEL);
	if (!prom->data || !prom->known)
		goto err;
	ret = nvgpu_vbios_find_images(vbios, prom_word, prom, NVGPU_PROM_SIZE);
	if (ret) {
		dev_err(&gpu->pdev->dev, "VBIOS not found: %s\n", vbios->why);
		goto err;
	}
	prom->start = vbios->start;
	vbios->need = prom_need;
	vbios->ctx = prom;
	return 0;

err:
	nvgpu_prom_close(prom);
	return ret;
}

/**
 * nvgpu_prom_close - undo nvgpu_prom_open()
 * @prom: opened
 */
void nvgpu_prom_close(struct nvgpu_prom *prom)
{
	bitmap_free(prom->known);
	kvfree(prom->data);
}
