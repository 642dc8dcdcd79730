// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three levels of page tables for booter, which has no other MMU: plain DMA addresses of 4 KiB
 * pages, no flags.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "boot/radix3.h"

#define RADIX3_PAGE			SZ_4K
#define RADIX3_ENTRIES			(RADIX3_PAGE / sizeof(__le64))

static int radix3_map(struct device *dev, struct nvgpu_radix3 *radix3, size_t size)
{
	unsigned int count = DIV_ROUND_UP(size, PAGE_SIZE), i;
	struct page **pages;
	int ret;

	pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		pages[i] = vmalloc_to_page(radix3->image + i * PAGE_SIZE);
	ret = sg_alloc_table_from_pages(&radix3->pages, pages, count, 0, size, GFP_KERNEL);
	kvfree(pages);
	if (ret)
		return ret;

	ret = dma_map_sgtable(dev, &radix3->pages, DMA_TO_DEVICE, 0);
	if (ret)
		sg_free_table(&radix3->pages);
	return ret;
}

static void radix3_fill(struct nvgpu_radix3 *radix3, size_t level2)
{
	__le64 *root = radix3->tables.cpu;
	__le64 *level1 = root + RADIX3_ENTRIES;
	__le64 *entry = level1 + RADIX3_ENTRIES;
	dma_addr_t table = radix3->tables.addr;
	struct scatterlist *sg;
	dma_addr_t addr, end;
	unsigned int i;

	root[0] = cpu_to_le64(table + RADIX3_PAGE);
	for (i = 0; i < level2; i++)
		level1[i] = cpu_to_le64(table + (2 + i) * RADIX3_PAGE);
	for_each_sgtable_dma_sg(&radix3->pages, sg, i) {
		end = sg_dma_address(sg) + sg_dma_len(sg);
		for (addr = sg_dma_address(sg); addr < end; addr += RADIX3_PAGE)
			*entry++ = cpu_to_le64(addr);
	}
}

/**
 * nvgpu_radix3_init - copy an image into pages that the GPU reaches
 * @dev: the GPU
 * @radix3: result, zeroed before
 * @image: the image
 * @size: its bytes, a multiple of 4 KiB
 *
 * Firmware files do not have the image at a page boundary, so there is no way around the copy.
 *
 * Return: 0, -EFBIG, -ENOMEM or what mapping returned.
 */
int nvgpu_radix3_init(struct device *dev, struct nvgpu_radix3 *radix3, const void *image,
		      size_t size)
{
	size_t level2 = DIV_ROUND_UP(size / RADIX3_PAGE, RADIX3_ENTRIES);
	int ret;

	if (level2 > RADIX3_ENTRIES)
		return -EFBIG;
	radix3->image = vmalloc(size);
	if (!radix3->image)
		return -ENOMEM;
	memcpy(radix3->image, image, size);

	ret = radix3_map(dev, radix3, size);
	if (ret)
		goto err_image;
	ret = nvgpu_dma_alloc(dev, &radix3->tables, (2 + level2) * RADIX3_PAGE);
	if (ret)
		goto err_pages;
	radix3_fill(radix3, level2);
	return 0;

err_pages:
	dma_unmap_sgtable(dev, &radix3->pages, DMA_TO_DEVICE, 0);
	sg_free_table(&radix3->pages);
err_image:
	vfree(radix3->image);
	radix3->image = NULL;
	return ret;
}

/**
 * nvgpu_radix3_fini - free image and tables
 * @dev: the GPU
 * @radix3: may never have been made
 */
void nvgpu_radix3_fini(struct device *dev, struct nvgpu_radix3 *radix3)
{
	if (!radix3->image)
		return;
	nvgpu_dma_free(dev, &radix3->tables);
	dma_unmap_sgtable(dev, &radix3->pages, DMA_TO_DEVICE, 0);
	sg_free_table(&radix3->pages);
	vfree(radix3->image);
	radix3->image = NULL;
}
