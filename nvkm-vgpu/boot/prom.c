// SPDX-License-Identifier: GPL-2.0-only
/* The window on the board's ROM. It shows the first MiB of a flash that is larger. */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "boot/prom.h"
#include "boot/vbios.h"
#include "regs/bus.h"
#include "regs/gpu.h"

static u32 prom_word(void *ctx, u32 offset)
{
	return nvgpu_rd32(ctx, NVGPU_PROM + offset);
}

/**
 * nvgpu_prom_read - read the VBIOS from the board's ROM
 * @gpu: the GPU
 * @vbios: result, where the images are
 *
 * Return: the images, to be freed with kvfree(); ERR_PTR(-ENODEV) when there are none, with a line
 * that says why, or ERR_PTR(-ENOMEM).
 */
u8 *nvgpu_prom_read(struct nvgpu_gpu *gpu, struct nvgpu_vbios *vbios)
{
	u32 i;
	u8 *buf;

	if (nvgpu_vbios_find_images(vbios, prom_word, gpu, NVGPU_PROM_SIZE)) {
		dev_err(&gpu->pdev->dev, "VBIOS not found: %s\n", vbios->why);
		return ERR_PTR(-ENODEV);
	}
	buf = kvmalloc(round_up(vbios->size, 4), GFP_KERNEL);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < vbios->size; i += 4)
		put_unaligned_le32(prom_word(gpu, vbios->start + i), buf + i);
	return buf;
}
