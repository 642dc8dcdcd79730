/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_RM_H
#define _NVKM_VGPU_RM_H

#include <linux/types.h>

#include "rpc.h"

struct nvkm_vgpu_pf;

/**
 * struct nvgpu_rm_client - a client of GSP-RM with one device and one subdevice under it
 * @pf: the GPU
 * @client: handle of the root object, 0 when not allocated
 * @device: handle of the device
 * @subdevice: handle of the subdevice
 */
struct nvgpu_rm_client {
	struct nvkm_vgpu_pf *pf;
	u32 client;
	u32 device;
	u32 subdevice;
};

/*
 * Default time that GSP-RM has for an answer. Teardown of a vGPU with many objects takes longer,
 * and goes on when the process is being killed.
 */
#define NVGPU_RM_TIMEOUT_MS		4000
#define NVGPU_RM_TEARDOWN_TIMEOUT_MS	(45000 | NVGPU_RPC_UNINTERRUPTIBLE)

/* errno of an NV_STATUS */
int nvgpu_rm_errno(u32 status);

int nvgpu_rm_client_init(struct nvkm_vgpu_pf *pf, struct nvgpu_rm_client *client);
void nvgpu_rm_client_fini(struct nvgpu_rm_client *client);

/*
 * Send control @cmd to @object of @client. @params (may be NULL when @size is 0) goes out and is
 * overwritten with the reply. Errno of a refused control comes from its NV_STATUS. Context:
 * process, may sleep; any number in parallel.
 */
int nvgpu_rm_control(struct nvkm_vgpu_pf *pf, u32 client, u32 object, u32 cmd, void *params,
		     u32 size, unsigned int timeout_ms);
/* the same on GSP-RM's own internal subdevice, where the vGPU manager controls live */
int nvgpu_rm_control_internal(struct nvkm_vgpu_pf *pf, u32 cmd, void *params, u32 size,
			      unsigned int timeout_ms);

#endif
