/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_R535_113_01_RPC_H
#define _NVKM_VGPU_R535_113_01_RPC_H

#include <linux/types.h>

#include "../common/chan.h"
#include "../common/rpc.h"

struct nvgpu_event;

#define NVGPU_R535_113_01_EVENT_USER_SHARED_DATA	0x101b
#define NVGPU_R535_113_01_EVENT_NVLINK_FAULT_UP		0x101c
#define NVGPU_R535_113_01_EVENT_LOCKDOWN_NOTICE		0x101d
#define NVGPU_R535_113_01_EVENT_MIG_CI_CONFIG		0x101e

#define NVGPU_R535_113_01_MC_ENGINE_GSP			49

struct nvgpu_r535_113_01_rc_triggered {
	__le32 engine;
	__le32 channel;
	__le32 xid;
	__le32 scope;
	__le16 partition;
	u8 pad[2];
};

int nvgpu_r535_113_01_decode_event(u32 function, const void *buf, size_t len,
				   struct nvgpu_event *event);
int nvgpu_r535_113_01_decode_intr_table(const void *buf, size_t len, u32 *gsp_vector);

#endif
