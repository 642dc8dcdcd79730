/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GSP-RM 570.144: communication area at the start of a plugin heap. It is not in NVIDIA's published
 * sources but for what NVIDIA sent to the lists, see tools/testing/abi/r570.144.map.
 */
#ifndef _NVKM_VGPU_R570_144_PLUGIN_H
#define _NVKM_VGPU_R570_144_PLUGIN_H

#include <linux/sizes.h>
#include <linux/types.h>

struct nvgpu_plugin_config;

/* bytes from the start of the heap */
#define NVGPU_R570_144_PLUGIN_CTRL		0x000000
#define NVGPU_R570_144_PLUGIN_RESPONSE		0x001000
#define NVGPU_R570_144_PLUGIN_MESSAGE		0x002000
#define NVGPU_R570_144_PLUGIN_MESSAGE_SIZE	SZ_4K
#define NVGPU_R570_144_PLUGIN_MIGRATION		0x003000
#define NVGPU_R570_144_PLUGIN_ERROR		0x203000
#define NVGPU_R570_144_PLUGIN_INIT_LOG		0x204000
#define NVGPU_R570_144_PLUGIN_INIT_LOG_SIZE	SZ_128K
#define NVGPU_R570_144_PLUGIN_TASK_LOG		0x224000
#define NVGPU_R570_144_PLUGIN_TASK_LOG_SIZE	SZ_256K
#define NVGPU_R570_144_PLUGIN_KERNEL_LOG	0x264000
#define NVGPU_R570_144_PLUGIN_KERNEL_LOG_SIZE	SZ_64K
#define NVGPU_R570_144_PLUGIN_COMM_SIZE		0x274000

#define NVGPU_R570_144_PLUGIN_VERSION		1
#define NVGPU_R570_144_PLUGIN_BOOTED		0x4e654a6f

enum nvgpu_r570_144_plugin_msg {
	NVGPU_R570_144_PLUGIN_VERSION_NEGOTIATION = 1,
	NVGPU_R570_144_PLUGIN_SETUP_CONFIG = 2,
	NVGPU_R570_144_PLUGIN_RESET = 3,
	NVGPU_R570_144_PLUGIN_UPDATE_BME = 13,
};

struct nvgpu_r570_144_host_info {
	__le32 type;
	__le32 host_pci_id;
	__le32 pci_id;
	u8 uuid[16];
};

/* written by the CPU, but for the ready marker in message_seq_num */
struct nvgpu_r570_144_plugin_ctrl {
	__le32 version;
	__le32 message_type;
	__le32 message_seq_num;
	u8 pad0[4];
	__le64 response_off;
	__le64 message_off;
	__le64 migration_off;
	__le64 error_off;
	__le32 migration_cpu_access;
	u8 migration_in_progress;
	u8 pad1[3];
	__le32 error_get;
	__le32 attached_count;
	struct nvgpu_r570_144_host_info host_info[16];
};

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
	u8 uuid[16];
	__le32 dbdf;
	__le32 driver_vm_vf_dbdf;
	__le32 instance_id;
	__le32 type_id;
	__le32 vm_pid;
	__le32 swizz_id;
	__le32 num_channels;
	__le32 num_plugin_channels;
	__le32 vmm_cap;
	__le32 migration_feature;
	__le32 hypervisor_type;
	__le32 host_cpu_arch;
	__le64 host_page_size;
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

struct nvgpu_r570_144_plugin_bme {
	u8 enable;
	u8 allowed;
};

#define NVGPU_R570_144_PLUGIN_LAYOUT {							\
	.comm_size = NVGPU_R570_144_PLUGIN_COMM_SIZE,					\
	.ctrl = NVGPU_R570_144_PLUGIN_CTRL,						\
	.response = NVGPU_R570_144_PLUGIN_RESPONSE,					\
	.message = NVGPU_R570_144_PLUGIN_MESSAGE,					\
	.message_size = NVGPU_R570_144_PLUGIN_MESSAGE_SIZE,				\
	.migration = NVGPU_R570_144_PLUGIN_MIGRATION,					\
	.error = NVGPU_R570_144_PLUGIN_ERROR,						\
	.init_log = NVGPU_R570_144_PLUGIN_INIT_LOG,					\
	.init_log_size = NVGPU_R570_144_PLUGIN_INIT_LOG_SIZE,				\
	.task_log = NVGPU_R570_144_PLUGIN_TASK_LOG,					\
	.task_log_size = NVGPU_R570_144_PLUGIN_TASK_LOG_SIZE,				\
	.kernel_log = NVGPU_R570_144_PLUGIN_KERNEL_LOG,					\
	.kernel_log_size = NVGPU_R570_144_PLUGIN_KERNEL_LOG_SIZE,			\
	.version = NVGPU_R570_144_PLUGIN_VERSION,					\
	.booted = NVGPU_R570_144_PLUGIN_BOOTED,						\
	.ctrl_reg = {									\
		.version = offsetof(struct nvgpu_r570_144_plugin_ctrl, version),	\
		.message_type =								\
			offsetof(struct nvgpu_r570_144_plugin_ctrl, message_type),	\
		.message_seq_num =							\
			offsetof(struct nvgpu_r570_144_plugin_ctrl, message_seq_num),	\
		.response_off =								\
			offsetof(struct nvgpu_r570_144_plugin_ctrl, response_off),	\
		.message_off =								\
			offsetof(struct nvgpu_r570_144_plugin_ctrl, message_off),	\
		.migration_off =							\
			offsetof(struct nvgpu_r570_144_plugin_ctrl, migration_off),	\
		.error_off = offsetof(struct nvgpu_r570_144_plugin_ctrl, error_off),	\
		.attached_count =							\
			offsetof(struct nvgpu_r570_144_plugin_ctrl, attached_count),	\
		.size = sizeof(struct nvgpu_r570_144_plugin_ctrl),			\
	},										\
	.response_reg = {								\
		.seq_processed =							\
			offsetof(struct nvgpu_r570_144_plugin_response, seq_processed),	\
		.result_code =								\
			offsetof(struct nvgpu_r570_144_plugin_response, result_code),	\
	},										\
	.msg = {									\
		.version_negotiation = NVGPU_R570_144_PLUGIN_VERSION_NEGOTIATION,	\
		.setup_config = NVGPU_R570_144_PLUGIN_SETUP_CONFIG,			\
		.reset = NVGPU_R570_144_PLUGIN_RESET,					\
		.update_bme = NVGPU_R570_144_PLUGIN_UPDATE_BME,				\
	},										\
	.config_size = sizeof(struct nvgpu_r570_144_plugin_config),			\
	.bme_size = sizeof(struct nvgpu_r570_144_plugin_bme),				\
}

void nvgpu_r570_144_encode_plugin_config(void *buf, const struct nvgpu_plugin_config *cfg);
void nvgpu_r570_144_encode_plugin_bme(void *buf, bool enable);

#endif
