/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Communication area at the start of a plugin heap. It is not in NVIDIA's published sources but for
 * what NVIDIA sent to the lists, see tools/testing/abi/common.map.
 */
#ifndef _NVKM_VGPU_ABI_PLUGIN_H
#define _NVKM_VGPU_ABI_PLUGIN_H

#include <linux/sizes.h>
#include <linux/types.h>

struct nvgpu_plugin_config;

/* bytes from the start of the heap */
#define NVGPU_ABI_PLUGIN_CTRL			0x000000
#define NVGPU_ABI_PLUGIN_RESPONSE		0x001000
#define NVGPU_ABI_PLUGIN_MESSAGE		0x002000
#define NVGPU_ABI_PLUGIN_MESSAGE_SIZE		SZ_4K
#define NVGPU_ABI_PLUGIN_MIGRATION		0x003000
#define NVGPU_ABI_PLUGIN_ERROR			0x203000
#define NVGPU_ABI_PLUGIN_INIT_LOG		0x204000
#define NVGPU_ABI_PLUGIN_INIT_LOG_SIZE		SZ_128K
#define NVGPU_ABI_PLUGIN_TASK_LOG		0x224000
#define NVGPU_ABI_PLUGIN_TASK_LOG_SIZE		SZ_256K

#define NVGPU_ABI_PLUGIN_VERSION		1
#define NVGPU_ABI_PLUGIN_BOOTED			0x4e654a6f

enum nvgpu_abi_plugin_msg {
	NVGPU_ABI_PLUGIN_VERSION_NEGOTIATION = 1,
	NVGPU_ABI_PLUGIN_SETUP_CONFIG = 2,
	NVGPU_ABI_PLUGIN_RESET = 3,
	NVGPU_ABI_PLUGIN_UPDATE_BME = 13,
};

struct nvgpu_abi_host_info {
	__le32 type;
	__le32 host_pci_id;
	__le32 pci_id;
	u8 uuid[16];
};

/* written by the CPU, but for the ready marker in message_seq_num */
struct nvgpu_abi_plugin_ctrl {
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
	struct nvgpu_abi_host_info host_info[16];
};

/* flags of the message, different in each release, follow */
struct nvgpu_abi_plugin_config {
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
};

struct nvgpu_abi_plugin_bme {
	u8 enable;
	u8 allowed;
};

/* of struct nvgpu_plugin_layout, what is the same */
#define NVGPU_ABI_PLUGIN_LAYOUT								\
	.ctrl = NVGPU_ABI_PLUGIN_CTRL,						\
	.response = NVGPU_ABI_PLUGIN_RESPONSE,					\
	.message = NVGPU_ABI_PLUGIN_MESSAGE,					\
	.message_size = NVGPU_ABI_PLUGIN_MESSAGE_SIZE,				\
	.migration = NVGPU_ABI_PLUGIN_MIGRATION,					\
	.error = NVGPU_ABI_PLUGIN_ERROR,						\
	.init_log = NVGPU_ABI_PLUGIN_INIT_LOG,					\
	.init_log_size = NVGPU_ABI_PLUGIN_INIT_LOG_SIZE,				\
	.task_log = NVGPU_ABI_PLUGIN_TASK_LOG,					\
	.task_log_size = NVGPU_ABI_PLUGIN_TASK_LOG_SIZE,				\
	.version = NVGPU_ABI_PLUGIN_VERSION,					\
	.booted = NVGPU_ABI_PLUGIN_BOOTED,						\
	.ctrl_reg = {									\
		.version = offsetof(struct nvgpu_abi_plugin_ctrl, version),	\
		.message_type =								\
			offsetof(struct nvgpu_abi_plugin_ctrl, message_type),	\
		.message_seq_num =							\
			offsetof(struct nvgpu_abi_plugin_ctrl, message_seq_num),	\
		.response_off =								\
			offsetof(struct nvgpu_abi_plugin_ctrl, response_off),	\
		.message_off =								\
			offsetof(struct nvgpu_abi_plugin_ctrl, message_off),	\
		.migration_off =							\
			offsetof(struct nvgpu_abi_plugin_ctrl, migration_off),	\
		.error_off = offsetof(struct nvgpu_abi_plugin_ctrl, error_off),	\
		.attached_count =							\
			offsetof(struct nvgpu_abi_plugin_ctrl, attached_count),	\
		.size = sizeof(struct nvgpu_abi_plugin_ctrl),			\
	},										\
	.msg = {									\
		.version_negotiation = NVGPU_ABI_PLUGIN_VERSION_NEGOTIATION,	\
		.setup_config = NVGPU_ABI_PLUGIN_SETUP_CONFIG,			\
		.reset = NVGPU_ABI_PLUGIN_RESET,					\
		.update_bme = NVGPU_ABI_PLUGIN_UPDATE_BME,				\
	},										\
	.bme_size = sizeof(struct nvgpu_abi_plugin_bme)

void nvgpu_abi_encode_plugin_config(struct nvgpu_abi_plugin_config *msg,
				    const struct nvgpu_plugin_config *cfg);
void nvgpu_abi_encode_plugin_bme(void *buf, bool enable);

#endif
