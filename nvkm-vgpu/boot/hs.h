/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_HS_H
#define _NVKM_VGPU_HS_H

#include "boot/dma.h"
#include "boot/falcon.h"

struct nvgpu_fw_hs;

/**
 * struct nvgpu_hs - a heavy-secure program, signed for this board and in memory that a falcon can
 * reach
 * @falcon: where it runs
 * @name: for messages
 * @mem: the program
 * @image: what of it goes where
 */
struct nvgpu_hs {
	const struct nvgpu_falcon *falcon;
	const char *name;
	struct nvgpu_dma mem;
	struct nvgpu_falcon_image image;
};

int nvgpu_hs_init(struct nvgpu_hs *hs, const struct nvgpu_falcon *falcon, const char *name,
		  const struct nvgpu_fw_hs *fw);
void nvgpu_hs_fini(struct nvgpu_hs *hs);
int nvgpu_hs_run(const struct nvgpu_hs *hs, u64 argument);

#endif
