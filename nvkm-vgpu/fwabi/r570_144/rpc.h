/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_R570_144_RPC_H
#define _NVKM_VGPU_R570_144_RPC_H

#include <linux/types.h>

#include "../common/chan.h"
#include "../common/rpc.h"

struct nvgpu_event;

#define NVGPU_R570_144_EVENT_NVLINK_FAULT_UP		0x101b
#define NVGPU_R570_144_EVENT_LOCKDOWN_NOTICE		0x101c
#define NVGPU_R570_144_EVENT_MIG_CI_CONFIG		0x101d
#define NVGPU_R570_144_EVENT_GSP_TRACE			0x101e
#define NVGPU_R570_144_EVENT_NVLINK_RECOVERY		0x101f
#define NVGPU_R570_144_EVENT_NOCAT_RECORD		0x1020
#define NVGPU_R570_144_EVENT_FECS_ERROR			0x1021
#define NVGPU_R570_144_EVENT_RECOVERY_ACTION		0x1022

#define NVGPU_R570_144_MC_ENGINE_GSP			50

/* RM's own numbers of copy engines, and from engine 10 on those of its clients, are different */
#define NVGPU_R570_144_RM_ENGINE_COPY10			19
#define NVGPU_R570_144_RM_ENGINE_COPY_COUNT		20
#define NVGPU_R570_144_ENGINE_COPY10			52

struct nvgpu_r570_144_rc_triggered {
	__le32 engine;
	__le32 channel;
	__le32 gfid;
	__le32 level;
	__le32 xid;
	__le32 scope;
	__le16 partition;
	u8 pad0[2];
	__le32 fault_addr_lo;
	__le32 fault_addr_hi;
	__le32 fault_type;
	u8 callback_needed;
	u8 pad1[3];
	__le32 journal_size;
};

struct nvgpu_r570_144_os_error {
	struct nvgpu_abi_os_error common;
	__le32 previous_xid;
};

struct nvgpu_r570_144_root_params {
	struct nvgpu_abi_root_params common;
	u8 pad[4];
	__le64 pid_info;
};

struct nvgpu_r570_144_channel_params {
	struct nvgpu_abi_channel_params common;
	__le32 tpc_config;
	u8 pad[4];
};

int nvgpu_r570_144_decode_event(u32 function, const void *buf, size_t len,
				struct nvgpu_event *event);
int nvgpu_r570_144_decode_intr_table(const void *buf, size_t len, u32 *gsp_vector);
int nvgpu_r570_144_decode_engine(const void *buf, size_t len, u32 index,
				 struct nvgpu_engine *engine);

#endif
