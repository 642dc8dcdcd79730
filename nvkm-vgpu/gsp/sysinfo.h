/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_CMDS_SYSINFO_H
#define _NVKM_VGPU_CMDS_SYSINFO_H

#include <linux/types.h>

struct device;
struct nvgpu_vf_info;
struct nvgpu_rpc;
struct nvgpu_static_info;

int nvgpu_sysinfo_check_vfs(struct device *dev, const struct nvgpu_vf_info *pci,
			    const struct nvgpu_vf_info *gsp);
int nvgpu_sysinfo_send(struct nvgpu_rpc *rpc);
int nvgpu_sysinfo_get(struct nvgpu_rpc *rpc, struct nvgpu_static_info *info);

#endif
