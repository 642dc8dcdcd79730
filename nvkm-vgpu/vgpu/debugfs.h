/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_DEBUGFS_H
#define _NVKM_VGPU_DEBUGFS_H

#include <linux/types.h>

struct dentry;
struct nvkm_vgpu_pf;

/**
 * struct nvgpu_debugfs_log - a log in framebuffer
 * @base: where it is for the CPU
 * @size: its bytes
 */
struct nvgpu_debugfs_log {
	void __iomem *base;
	size_t size;
};

/**
 * struct nvgpu_debugfs_logs - logs of a vGPU
 * @dir: their folder
 * @init: of the plugin task's start
 * @task: of the plugin task
 * @kernel: of GSP-RM's kernel
 */
struct nvgpu_debugfs_logs {
	struct dentry *dir;
	struct nvgpu_debugfs_log init, task, kernel;
};

void nvgpu_debugfs_init(struct nvkm_vgpu_pf *pf);
void nvgpu_debugfs_start(struct nvkm_vgpu_pf *pf);
void nvgpu_debugfs_stop(struct nvkm_vgpu_pf *pf);
void nvgpu_debugfs_fini(struct nvkm_vgpu_pf *pf);
void nvgpu_debugfs_add_logs(struct nvkm_vgpu_pf *pf, u32 gfid, void __iomem *comm,
			    struct nvgpu_debugfs_logs *logs);
void nvgpu_debugfs_remove_logs(struct nvgpu_debugfs_logs *logs);

#endif
