/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_RADIX3_H
#define _NVKM_VGPU_RADIX3_H

#include <linux/scatterlist.h>
#include <linux/types.h>

#include "boot/dma.h"

/**
 * struct nvgpu_radix3 - a large image in pages that the GPU reaches, and the tables that lead to
 * them
 * @image: the copy, NULL when there is none
 * @pages: its pages, mapped for the GPU
 * @tables: root, one page of addresses below it, and as many pages as the image needs
 *
 * The root has one entry and the second level one page, so an image has at most 512 * 512 pages.
 */
struct nvgpu_radix3 {
	void *image;
	struct sg_table pages;
	struct nvgpu_dma tables;
};

int nvgpu_radix3_init(struct device *dev, struct nvgpu_radix3 *radix3, const void *image,
		      size_t size);
void nvgpu_radix3_fini(struct device *dev, struct nvgpu_radix3 *radix3);

#endif
