/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_ABI_BOOT_H
#define _NVKM_VGPU_ABI_BOOT_H

#include <linux/sizes.h>
#include <linux/types.h>

struct nvgpu_queue_args;
struct nvgpu_registry_key;
struct nvgpu_static_info;
struct nvgpu_vf_info;
struct nvgpu_wpr;

#define NVGPU_ABI_VGPU_PARTITIONS		32

struct nvgpu_abi_wpr_meta {
	__le64 magic;
	__le64 revision;
	__le64 radix3;
	__le64 radix3_size;
	__le64 bootloader;
	__le64 bootloader_size;
	__le64 bootloader_code;
	__le64 bootloader_data;
	__le64 bootloader_manifest;
	__le64 signature;
	__le64 signature_size;
	__le64 rsvd_start;
	__le64 nonwpr_heap;
	__le64 nonwpr_heap_size;
	__le64 wpr_start;
	__le64 heap;
	__le64 heap_size;
	__le64 elf;
	__le64 boot_bin;
	__le64 frts;
	__le64 frts_size;
	__le64 wpr_end;
	__le64 fb_size;
	__le64 vga_workspace;
	__le64 vga_workspace_size;
	__le64 boot_count;
	__le64 partition_rpc;
	__le16 partition_rpc_request;
	__le16 partition_rpc_reply;
	__le32 elf_code;
	__le32 elf_data;
	__le32 elf_code_size;
	__le32 elf_data_size;
	__le32 ls_version;
	u8 vf_partitions;
	u8 flags;			/* from 570 on */
	u8 pad[2];
	__le32 pmu_reserved_size;	/* from 570 on */
	__le64 verified;
};

#define NVGPU_ABI_WPR_META_MAGIC		0xdc3aae21371a60b3ULL
#define NVGPU_ABI_WPR_META_REVISION		1

/* start of GSP-RM's arguments; what follows is each release's */
struct nvgpu_abi_queue_args {
	__le64 shared;
	__le32 num_ptes;
	__le32 pad;
	__le64 cmdq_offset;
	__le64 statq_offset;
};

struct nvgpu_abi_vf_info {
	__le32 total_vfs;
	__le32 first_vf_offset;
	__le64 bar0_addr;
	__le64 bar1_addr;
	__le64 bar2_addr;
	u8 bar0_64bit;
	u8 bar1_64bit;
	u8 bar2_64bit;
	u8 pad[5];
};

struct nvgpu_abi_bus_info {
	__le16 device;
	__le16 vendor;
	__le16 subdevice;
	__le16 subvendor;
	u8 revision;
	u8 pad;
};

struct nvgpu_abi_registry_entry {
	__le32 name_offset;
	u8 type;
	u8 pad[3];
	__le32 data;
	__le32 length;
};

struct nvgpu_abi_registry {
	__le32 size;
	__le32 count;
	struct nvgpu_abi_registry_entry entry[];
};

#define NVGPU_ABI_REGISTRY_DWORD		1

struct nvgpu_abi_fb_region {
	__le64 base;
	__le64 limit;			/* last byte */
	__le64 reserved;
	__le32 performance;
	u8 compressed;
	u8 iso;
	u8 is_protected;
	u8 blacklist[17];
};

struct nvgpu_abi_sriov_caps {
	__le32 total_vfs;
	__le32 first_vf_offset;
	__le32 feature_mask;
	__le32 pad0;
	__le64 bar0_addr;
	__le64 bar1_addr;
	__le64 bar2_addr;
	__le64 bar0_size;
	__le64 bar1_size;
	__le64 bar2_size;
	u8 bar0_64bit;
	u8 bar1_64bit;
	u8 bar2_64bit;
	u8 enabled;
	u8 heavy;
	u8 emulate_tlb_invalidate;
	u8 client_ctx_buffers;
	u8 any_channel_count;		/* from 570 on, where more follows */
};

void nvgpu_abi_encode_wpr_meta(void *buf, const struct nvgpu_wpr *wpr);
void nvgpu_abi_encode_queue_args(struct nvgpu_abi_queue_args *msg,
				 const struct nvgpu_queue_args *args);
void nvgpu_abi_encode_vf_info(struct nvgpu_abi_vf_info *msg, const struct nvgpu_vf_info *vf);
size_t nvgpu_abi_registry_size(const struct nvgpu_registry_key *keys, unsigned int count);
void nvgpu_abi_encode_registry(void *buf, const struct nvgpu_registry_key *keys,
			       unsigned int count);
int nvgpu_abi_decode_fb_regions(const struct nvgpu_abi_fb_region *regions, u32 num,
				struct nvgpu_static_info *info);
void nvgpu_abi_decode_sriov_caps(const struct nvgpu_abi_sriov_caps *caps,
				 struct nvgpu_static_info *info);

#endif
