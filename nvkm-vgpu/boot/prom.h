/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PROM_H
#define _NVKM_VGPU_PROM_H

#include <linux/types.h>

struct nvgpu_gpu;
struct nvgpu_vbios;

/**
 * struct nvgpu_prom - the window on the board's ROM, as far as it was read
 * @gpu: the GPU
 * @data: the window's bytes
 * @known: bit n: word n is in @data
 * @start: offset of the first image
 */
struct nvgpu_prom {
	struct nvgpu_gpu *gpu;
	u8 *data;
	unsigned long *known;
	u32 start;
};

int nvgpu_prom_open(struct nvgpu_prom *prom, struct nvgpu_gpu *gpu, struct nvgpu_vbios *vbios);
void nvgpu_prom_close(struct nvgpu_prom *prom);

#endif
