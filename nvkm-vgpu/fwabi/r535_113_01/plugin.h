/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_R535_113_01_PLUGIN_H
#define _NVKM_VGPU_R535_113_01_PLUGIN_H

#include <linux/types.h>

#include "../common/plugin.h"

/* bytes from the start of the heap */
#define NVGPU_R535_113_01_PLUGIN_COMM_SIZE		0x264000

struct nvgpu_r535_113_01_surface {
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
	u8 pad[3];
	__le32 blanking;
	__le32 flip_pending;
	__le32 free_pending;
	__le32 blocklinear;
};

/* written by the plugin task */
struct nvgpu_r535_113_01_plugin_response {
	__le32 seq_processed;
	__le32 result_code;
	__le32 guest_rpc_version;
	__le32 migration_gsp_access;
	__le32 migration_save_complete;
	u8 pad[4];
	struct nvgpu_r535_113_01_surface surface[4];
	__le32 error_put;
	__le32 license_state;
};

struct nvgpu_r535_113_01_plugin_config {
	struct nvgpu_abi_plugin_config common;
	u8 rsvd1[2];
	u8 enable_uvm;
	u8 linux_interrupt_optimization;
	u8 vmm_migration;
	u8 rsvd2;
	u8 console_vnc;
	u8 non_stall_events;
	__le32 rsvd3;
	u8 pad[4];
};

void nvgpu_r535_113_01_encode_plugin_config(void *buf, const struct nvgpu_plugin_config *cfg);

#endif
