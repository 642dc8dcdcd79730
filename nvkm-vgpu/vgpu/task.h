/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_TASK_H
#define _NVKM_VGPU_TASK_H

#include <linux/types.h>

struct nvgpu_reservation;
struct nvgpu_rm;

int nvgpu_task_start(struct nvgpu_rm *rm, const struct nvgpu_reservation *rsv, bool profiling,
		     bool *may_run);
bool nvgpu_task_end(struct nvgpu_rm *rm, u32 gfid);

#endif
