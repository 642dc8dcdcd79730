/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_PARAMS_H
#define _NVKM_VGPU_PARAMS_H

#include <linux/types.h>

struct device;

enum nvgpu_param {
	NVGPU_PARAM_FRAME_RATE_LIMITER,
	NVGPU_PARAM_DISABLE_VNC,
	NVGPU_PARAM_ENABLE_UVM,
	NVGPU_PARAM_ENABLE_DEBUGGING,
	NVGPU_PARAM_ENABLE_PROFILING,
	NVGPU_NUM_PARAMS
};

/**
 * struct nvgpu_params - settings of a vGPU that an operator may change
 * @given: bits of &enum nvgpu_param that were written
 * @on: of these, those that are on
 * @placed: the operator chose where it is
 * @placement_id: there; see &struct nvgpu_placement
 */
struct nvgpu_params {
	u32 given;
	u32 on;
	bool placed;
	u32 placement_id;
};

bool nvgpu_params_get(const struct nvgpu_params *params, enum nvgpu_param param);
bool nvgpu_params_have_place(const char *text);
int nvgpu_params_emit(char *buf, const struct nvgpu_params *params);
int nvgpu_params_add(struct nvgpu_params *params, char *text, struct device *dev, unsigned int vf);

#endif
