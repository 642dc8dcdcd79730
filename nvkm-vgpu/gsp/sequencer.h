/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_SEQUENCER_H
#define _NVKM_VGPU_SEQUENCER_H

#include <linux/types.h>

struct nvgpu_boot;

int nvgpu_sequencer_run(struct nvgpu_boot *boot, const void *buf, size_t len);

#endif
