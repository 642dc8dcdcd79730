/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_WPR_H
#define _NVKM_VGPU_WPR_H

#include <linux/types.h>

struct nvgpu_wpr;

int nvgpu_wpr_layout(struct nvgpu_wpr *wpr, u64 fb_size, u64 vga_workspace, u64 image_size,
		     u64 bootloader_size, u64 heap_size);
bool nvgpu_wpr_needs_scrubber(const struct nvgpu_wpr *wpr);

#endif
