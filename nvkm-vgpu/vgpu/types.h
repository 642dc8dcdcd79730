/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_TYPES_H
#define _NVKM_VGPU_TYPES_H

#include <linux/types.h>

struct nvgpu_rm;
struct nvgpu_type;

unsigned int nvgpu_types_build(u16 device, struct nvgpu_type *types, unsigned int max);
int nvgpu_types_host_reserve(struct nvgpu_rm *rm, const struct nvgpu_type *type, u64 *size);

#endif
