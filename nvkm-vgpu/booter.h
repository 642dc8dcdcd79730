/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_BOOTER_H
#define _NVKM_VGPU_BOOTER_H

#include "hs.h"

struct nvgpu_firmware;
struct nvkm_vgpu_pf;

/**
 * struct nvgpu_booter - programs that SEC2 runs around GSP-RM
 * @scrubber: initialises the framebuffer that GSP-RM will get
 * @load: verifies GSP-RM, copies it into WPR2 and starts it
 * @unload: clears WPR2
 */
struct nvgpu_booter {
	struct nvgpu_hs scrubber, load, unload;
};

int nvgpu_booter_init(struct nvkm_vgpu_pf *pf, struct nvgpu_booter *booter,
		      const struct nvgpu_firmware *fw);
void nvgpu_booter_fini(struct nvgpu_booter *booter);
int nvgpu_booter_scrub(struct nvkm_vgpu_pf *pf, const struct nvgpu_booter *booter);
int nvgpu_booter_load(struct nvkm_vgpu_pf *pf, const struct nvgpu_booter *booter,
		      dma_addr_t wpr_meta);
int nvgpu_booter_unload(struct nvkm_vgpu_pf *pf, const struct nvgpu_booter *booter);

#endif
