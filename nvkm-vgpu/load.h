/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_LOAD_H
#define _NVKM_VGPU_LOAD_H

#include <linux/pm.h>

struct nvgpu_device;

extern const struct dev_pm_ops nvgpu_pm_ops;

int nvgpu_load(struct nvgpu_device *nvdev);
void nvgpu_unload(struct nvgpu_device *nvdev);
int nvgpu_load_pause(struct nvgpu_device *nvdev);
void nvgpu_load_resume(struct nvgpu_device *nvdev);
int nvgpu_load_watch_sleep(struct nvgpu_device *nvdev);
void nvgpu_load_unwatch_sleep(struct nvgpu_device *nvdev);

#endif
