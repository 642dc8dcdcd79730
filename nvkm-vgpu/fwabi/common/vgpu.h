/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Controls of the vGPU manager, and what it asks about the board. Names and layouts are NVIDIA's,
 * see tools/testing/abi/common.map.
 */
#ifndef _NVKM_VGPU_ABI_VGPU_H
#define _NVKM_VGPU_ABI_VGPU_H

#include <linux/types.h>

struct nvgpu_bootload;
struct nvgpu_type;

#define NVGPU_ABI_CTRL_GET_VMMU_SEGMENT_SIZE	0x2080017e
#define NVGPU_ABI_CTRL_QUERY_ECC_STATUS		0x2080012f
#define NVGPU_ABI_CTRL_FIFO_GET_NUM_CHANNELS	0x20800a61
#define NVGPU_ABI_CTRL_GET_HOST_RESERVE		0x20800ac5
#define NVGPU_ABI_CTRL_GSP_GET_FEATURES		0x20803601
#define NVGPU_ABI_CTRL_BOOTLOAD			0x20804001
#define NVGPU_ABI_CTRL_SHUTDOWN			0x20804002
#define NVGPU_ABI_CTRL_ADD_VGPU_TYPE		0x20804003
#define NVGPU_ABI_CTRL_CLEANUP			0x20804008
#define NVGPU_ABI_CTRL_SET_VGPU_MGR_CONFIG	0x2080400b

struct nvgpu_abi_vmmu_segment_size {
	__le64 size;
};

struct nvgpu_abi_num_channels {
	__le32 runlist;
	__le32 count;
};

struct nvgpu_abi_host_reserve {
	__le64 size;
	__le32 type;
	u8 pad[4];
};

struct nvgpu_abi_ecc_count {
	__le64 count;
};

struct nvgpu_abi_ecc_unit {
	u8 enabled;
	u8 scrub_complete;
	u8 supported;
	u8 pad[5];
	struct nvgpu_abi_ecc_count dbe;
	struct nvgpu_abi_ecc_count dbe_nonresettable;
	struct nvgpu_abi_ecc_count sbe;
	struct nvgpu_abi_ecc_count sbe_nonresettable;
};

struct nvgpu_abi_gr_route {
	__le32 flags;
	u8 pad[4];
	__le64 route;
};

struct nvgpu_abi_features {
	__le32 features;
	u8 valid;
	u8 default_gsp_rm;
	u8 version[64];
	u8 pad[2];
};

struct nvgpu_abi_mgr_config {
	u8 heterogeneous;
};

struct nvgpu_abi_vgpu_info {
	__le32 id;
	u8 name[32];
	u8 class_name[32];
	u8 signature[128];
	u8 license[128];
	__le32 max_instance;
	__le32 num_heads;
	__le32 max_res_x;
	__le32 max_res_y;
	__le32 max_pixels;
	__le32 frl_config;
	__le32 cuda;
	__le32 ecc;
	__le32 gpu_instance_size;
	__le32 multi_vgpu;
	u8 pad0[4];
	__le64 vdev_id;
	__le64 pdev_id;
	__le64 profile_size;
	__le64 fb_size;
	__le64 heap_size;
	__le64 fb_reservation;
	__le64 mappable_video_size;
	__le32 encoder_capacity;
	u8 pad1[4];
	__le64 bar1_mib;
	__le32 frl_enable;
	u8 adapter_name[64];
	__le16 adapter_name_unicode[64];
	u8 short_gpu_name[64];
	u8 licensed_product[128];
	__le32 extra_params[1024];
	__le32 ftrace;
	__le32 gpu_direct;
	__le32 nvlink_p2p;
	__le32 multi_vgpu_exclusive;
	__le32 exclusive_type;
	__le32 exclusive_size;
	__le32 gpu_instance_profile;
};

#define NVGPU_ABI_MAX_VGPU_TYPES		64

/* as many entries as that table has at least */
#define NVGPU_ABI_BOOTLOAD_ENGINES		62
#define NVGPU_ABI_MAX_FB_SEGMENTS		384

/* a plugin task's start, up to the table of channel ids, whose length is the release's */
struct nvgpu_abi_bootload {
	__le32 dbdf;
	__le32 gfid;
	__le32 type;
	__le32 vm_pid;
	__le32 swizz_id;
	__le32 num_channels;
	__le32 num_plugin_channels;
};

/* and behind that */
struct nvgpu_abi_bootload_memory {
	__le32 num_fb_segments;
	u8 pad[4];
	__le64 fb_addr[NVGPU_ABI_MAX_FB_SEGMENTS];
	__le64 fb_size[NVGPU_ABI_MAX_FB_SEGMENTS];
	__le64 heap_addr;
	__le64 heap_size;
	__le64 ctrl_offset;
	__le64 init_log_addr;
	__le64 init_log_size;
	__le64 task_log_addr;
	__le64 task_log_size;
};

/* SHUTDOWN and CLEANUP */
struct nvgpu_abi_gfid_params {
	__le32 gfid;
};

int nvgpu_abi_decode_vmmu_segment_size(const void *buf, size_t len, u64 *size);
int nvgpu_abi_decode_num_channels(const void *buf, size_t len, u32 *count);
void nvgpu_abi_encode_host_reserve(void *buf, u32 type);
int nvgpu_abi_decode_host_reserve(const void *buf, size_t len, u64 *size);
bool nvgpu_abi_ecc_enabled(const struct nvgpu_abi_ecc_unit *units);
int nvgpu_abi_decode_features(const void *buf, size_t len, char *version, size_t version_size);
void nvgpu_abi_encode_mgr_config(void *buf, bool heterogeneous);
void nvgpu_abi_encode_type(struct nvgpu_abi_vgpu_info *info, const struct nvgpu_type *type);
void nvgpu_abi_encode_bootload(struct nvgpu_abi_bootload *msg, __le32 *chid_offset,
			       struct nvgpu_abi_bootload_memory *memory,
			       const struct nvgpu_bootload *b);
void nvgpu_abi_encode_gfid_params(void *buf, u32 gfid);

#endif
