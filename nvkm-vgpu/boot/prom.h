/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PROM_H
#define _NVKM_VGPU_PROM_H

#include <linux/types.h>

struct nvgpu_gpu;
struct nvgpu_vbios;

u8 *nvgpu_prom_read(struct nvgpu_gpu *gpu, struct nvgpu_vbios *vbios);

#endif
