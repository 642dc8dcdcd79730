/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_DMA_H
#define _NVKM_VGPU_DMA_H

#include <linux/dma-mapping.h>
#include <linux/types.h>

/**
 * struct nvgpu_dma - coherent memory that the GPU reaches
 * @cpu: where the CPU sees it, NULL when not allocated
 * @addr: where the GPU sees it
 * @size: bytes
 */
struct nvgpu_dma {
	void *cpu;
	dma_addr_t addr;
	size_t size;
};

static inline int nvgpu_dma_alloc(struct device *dev, struct nvgpu_dma *mem, size_t size)
{
	mem->cpu = dma_alloc_coherent(dev, size, &mem->addr, GFP_KERNEL);
	if (!mem->cpu)
		return -ENOMEM;
	mem->size = size;
	return 0;
}

static inline void nvgpu_dma_free(struct device *dev, struct nvgpu_dma *mem)
{
	if (mem->cpu)
		dma_free_coherent(dev, mem->size, mem->cpu, mem->addr);
	mem->cpu = NULL;
}

#endif
