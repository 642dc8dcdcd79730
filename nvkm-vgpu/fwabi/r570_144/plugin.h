/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_R570_144_PLUGIN_H
#define _NVKM_VGPU_R570_144_PLUGIN_H

#include <linux/types.h>

#include "../common/plugin.h"

/* bytes from the start of the heap */
#define NVGPU_R570_144_PLUGIN_KERNEL_LOG		0x264000
#define NVGPU_R570_144_PLUGIN_KERNEL_LOG_SIZE		SZ_64K
#define NVGPU_R570_144_PLUGIN_COMM_SIZE			0x274000

struct nvgpu_r570_144_surface {
	__le64 seq_start;
	__le64 seq_end;
	__le32 fb_page_size;
	__le32 rect_w;
	__le32 rect_h;
	__le32 surf_w;
	__le32 surf_h;
	__le32 size;
	__le32 offset;
	__le32 format;
	__le32 kind;
	__le32 pitch;
	__le32 type;
	u8 block_height;
	u8 blanking;
	u8 flip_pending;
	u8 free_pending;
	u8 blocklinear;
	u8 pad[7];
};

/* written by the plugin task */
struct nvgpu_r570_144_plugin_response {
	__le32 seq_received;
	__le32 seq_processed;
	__le32 result_code;
	__le32 guest_rpc_version;
	__le32 migration_gsp_access;
	__le32 migration_save_complete;
	struct nvgpu_r570_144_surface surface[4];
	__le32 error_put;
	__le32 license_state;
	__le32 guest_os_type;
	__le32 frl_config;
};

struct nvgpu_r570_144_plugin_config {
	struct nvgpu_abi_plugin_config common;
	u8 rsvd1[3];
	u8 enable_uvm;
	u8 linux_interrupt_optimization;
	u8 vmm_migration;
	u8 rsvd2;
	u8 console_vnc;
	u8 non_stall_events;
	u8 rsvd3[3];
	__le16 placement_id;
	u8 pad0[2];
	__le32 rsvd4;
	__le32 channel_usage_threshold;
	u8 rsvd5;
	u8 pad1[3];
	__le32 rsvd6;
	u8 rsvd7;
	u8 pad2[7];
};

void nvgpu_r570_144_encode_plugin_config(void *buf, const struct nvgpu_plugin_config *cfg);

#endif
