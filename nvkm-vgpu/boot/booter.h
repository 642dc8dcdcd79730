/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_BOOTER_H
#define _NVKM_VGPU_BOOTER_H

#include "boot/hs.h"

struct nvgpu_firmware;

/**
 * struct nvgpu_booter - programs that SEC2 runs around GSP-RM
 * @scrubber: initialises the framebuffer that GSP-RM will get
 * @load: verifies GSP-RM, copies it into WPR2 and starts it
 * @unload: clears WPR2
 * @scrubber_version: release that the scrubber is from, NULL if there is none
 */
struct nvgpu_booter {
	struct nvgpu_hs scrubber, load, unload;
	const char *scrubber_version;
};

int nvgpu_booter_init(struct nvgpu_booter *booter, const struct nvgpu_falcon *sec2,
		      const struct nvgpu_firmware *fw);
void nvgpu_booter_fini(struct nvgpu_booter *booter);
int nvgpu_booter_scrub(const struct nvgpu_booter *booter);
int nvgpu_booter_load(const struct nvgpu_booter *booter, dma_addr_t wpr_meta);
int nvgpu_booter_unload(const struct nvgpu_booter *booter);

#endif
