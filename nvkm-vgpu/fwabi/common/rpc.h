/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_ABI_RPC_H
#define _NVKM_VGPU_ABI_RPC_H

#include <linux/types.h>

#include "../framing.h"

struct nvgpu_seq_cmd;

#define NVGPU_ABI_RPC_FREE			10
#define NVGPU_ABI_RPC_UNLOADING_GUEST_DRIVER	47
#define NVGPU_ABI_RPC_GET_GSP_STATIC_INFO	65
#define NVGPU_ABI_RPC_CONTINUATION_RECORD	71
#define NVGPU_ABI_RPC_SET_SYSTEM_INFO		72
#define NVGPU_ABI_RPC_SET_REGISTRY		73
#define NVGPU_ABI_RPC_RM_CONTROL		76
#define NVGPU_ABI_RPC_RM_ALLOC			103

#define NVGPU_ABI_EVENT_FIRST			0x1000
#define NVGPU_ABI_EVENT_INIT_DONE		0x1001
#define NVGPU_ABI_EVENT_RUN_CPU_SEQUENCER	0x1002
#define NVGPU_ABI_EVENT_POST_EVENT		0x1003
#define NVGPU_ABI_EVENT_RC_TRIGGERED		0x1004
#define NVGPU_ABI_EVENT_MMU_FAULT_QUEUED	0x1005
#define NVGPU_ABI_EVENT_OS_ERROR_LOG		0x1006
#define NVGPU_ABI_EVENT_GPUACCT_SAMPLES		0x1008
#define NVGPU_ABI_EVENT_LIBOS_PRINT		0x100c
#define NVGPU_ABI_EVENT_PLUGIN_TRIGGERED	0x100d
#define NVGPU_ABI_EVENT_PERF_BRIDGELESS		0x100f
#define NVGPU_ABI_EVENT_VGPU_CONFIG		0x1010
/* what PLUGIN_TRIGGERED is about. Named assumption PLUGIN-EVENTS-535: in that release, too */
#define NVGPU_ABI_PLUGIN_CRASHED		2
#define NVGPU_ABI_PLUGIN_GUEST_LOADED		3
#define NVGPU_ABI_PLUGIN_GUEST_UNLOADED		4
#define NVGPU_ABI_PLUGIN_GUEST_LICENSE		6
#define NVGPU_ABI_PLUGIN_GUEST_OS		7

#define NVGPU_ABI_CLASS_ROOT			0x0000
#define NVGPU_ABI_CLASS_DEVICE			0x0080
#define NVGPU_ABI_CLASS_SUBDEVICE		0x2080

#define NVGPU_ABI_CTRL_INTR_GET_KERNEL_TABLE	0x20800a5c
#define NVGPU_ABI_MC_ENGINE_CE0			15

/* NV_STATUS */
#define NVGPU_ABI_OK				0x00
#define NVGPU_ABI_ERR_BUSY_RETRY		0x03
#define NVGPU_ABI_ERR_GPU_IS_LOST		0x0f
#define NVGPU_ABI_ERR_IN_USE			0x17
#define NVGPU_ABI_ERR_INSUFFICIENT_RESOURCES	0x1a
#define NVGPU_ABI_ERR_INSUFFICIENT_PERMISSIONS	0x1b
#define NVGPU_ABI_ERR_INVALID_ARGUMENT		0x1f
#define NVGPU_ABI_ERR_INVALID_OBJECT_HANDLE	0x33
#define NVGPU_ABI_ERR_INVALID_STATE		0x40
#define NVGPU_ABI_ERR_NO_MEMORY			0x51
#define NVGPU_ABI_ERR_NOT_READY			0x55
#define NVGPU_ABI_ERR_NOT_SUPPORTED		0x56
#define NVGPU_ABI_ERR_OBJECT_NOT_FOUND		0x57
#define NVGPU_ABI_ERR_RESET_REQUIRED		0x62
#define NVGPU_ABI_ERR_STATE_IN_USE		0x63
#define NVGPU_ABI_ERR_TIMEOUT			0x65
#define NVGPU_ABI_ERR_TIMEOUT_RETRY		0x66

struct nvgpu_abi_rm_control {
	__le32 client;
	__le32 object;
	__le32 cmd;
	__le32 status;
	__le32 params_size;
	__le32 flags;
};

struct nvgpu_abi_rm_alloc {
	__le32 client;
	__le32 parent;
	__le32 object;
	__le32 class;
	__le32 status;
	__le32 params_size;
	__le32 flags;
	u8 reserved[4];
};

struct nvgpu_abi_rm_free {
	__le32 root;
	__le32 parent;
	__le32 object;
	__le32 status;
};

struct nvgpu_abi_unload {
	u8 pm_transition;
	u8 gc6_entering;
	u8 pad[2];
	__le32 new_level;
};

struct nvgpu_abi_root_params {
	__le32 client;
	__le32 process_id;
	char process_name[100];
};

struct nvgpu_abi_device_params {
	__le32 device_id;
	__le32 client_share;
	__le32 target_client;
	__le32 target_device;
	__le32 flags;
	__le32 pad0;
	__le64 va_size;
	__le64 va_start;
	__le64 va_limit;
	__le32 va_mode;
	__le32 pad1;
};

struct nvgpu_abi_subdevice_params {
	__le32 subdevice_id;
};

struct nvgpu_abi_intr_entry {
	__le16 engine;
	u8 pad[2];
	__le32 pmc_mask;
	__le32 vector;
	__le32 nonstall_vector;
};

struct nvgpu_abi_intr_subtree {
	u8 start;
	u8 end;
};

#define NVGPU_ABI_INTR_ENTRIES			128

struct nvgpu_abi_intr_table {
	__le32 count;
	struct nvgpu_abi_intr_entry entry[NVGPU_ABI_INTR_ENTRIES];
	struct nvgpu_abi_intr_subtree subtree[7];
	u8 pad[2];
};

struct nvgpu_abi_os_error {
	__le32 xid;
	__le32 runlist;
	__le32 channel;
	char text[256];
};

struct nvgpu_abi_plugin_triggered {
	__le32 gfid;
	__le32 index;
};

struct nvgpu_abi_sequencer {
	__le32 size;			/* dwords */
	__le32 used;			/* dwords */
	__le32 saved[8];
	__le32 command[];
};

int nvgpu_abi_decode_seq_cmd(const void *buf, size_t len, u32 pos, struct nvgpu_seq_cmd *cmd);
void nvgpu_abi_encode_rm_control(void *buf, u32 client, u32 object, u32 cmd, u32 params_size);
int nvgpu_abi_decode_rm_control(const void *buf, size_t len, u32 *rm_status, u32 *params_size);
void nvgpu_abi_encode_rm_alloc(void *buf, u32 client, u32 parent, u32 object, u32 class,
			       u32 params_size);
int nvgpu_abi_decode_rm_alloc(const void *buf, size_t len, u32 *rm_status);
void nvgpu_abi_encode_rm_free(void *buf, u32 client, u32 object);
int nvgpu_abi_decode_rm_free(const void *buf, size_t len, u32 *status);
void nvgpu_abi_encode_root_params(void *buf, u32 client);
void nvgpu_abi_encode_device_params(void *buf, u32 client);
void nvgpu_abi_encode_subdevice_params(void *buf, u32 client);
int nvgpu_abi_decode_intr_table(const void *buf, size_t len, u32 gsp, u32 *vector);
int nvgpu_abi_decode_copy_vector(const void *buf, size_t len, u32 engine, u32 *vector);
int nvgpu_abi_status_errno(u32 status);
bool nvgpu_abi_status_is_gone(u32 status);

#endif
