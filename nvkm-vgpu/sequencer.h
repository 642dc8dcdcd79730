/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_SEQUENCER_H
#define _NVKM_VGPU_SEQUENCER_H

#include <linux/types.h>

struct nvkm_vgpu_pf;

int nvgpu_sequencer_run(struct nvkm_vgpu_pf *pf, const void *buf, size_t len);

#endif
