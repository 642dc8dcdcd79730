/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_R535_113_01_BOOT_H
#define _NVKM_VGPU_R535_113_01_BOOT_H

#include <linux/types.h>

#include "../common/boot.h"

struct nvgpu_system_info;

#define NVGPU_R535_113_01_VGPU_HEAP_SIZE		0x22500000	/* 549 MiB */

struct nvgpu_r535_113_01_rm_args {
	struct nvgpu_abi_queue_args queues;
	__le64 lockless_cmdq_offset;
	__le64 lockless_statq_offset;
	__le32 old_level;
	__le32 resume_flags;
	u8 pm_transition;
	u8 pad1[3];
	__le32 gpu_instance;
	__le64 profiler;
	__le64 profiler_size;
};

struct nvgpu_r535_113_01_system_info {
	__le64 bar0;
	__le64 bar1;
	__le64 bar3;
	__le64 bdf;
	__le64 sim_access;
	__le64 pcie_atomics_ops;
	__le64 console_size;
	__le64 max_user_va;
	__le32 config_mirror;
	__le32 config_mirror_size;
	u8 oor_arch;
	u8 pad0[7];
	__le64 cl_properties;
	__le32 chipset;
	u8 behind_bridge;
	u8 mnoc_available;
	u8 upstream_l0s_unsupported;
	u8 upstream_l1_unsupported;
	u8 upstream_l1_por;
	u8 upstream_l1_por_mobile;
	u8 upstream_address_valid;
	u8 pad1;
	struct nvgpu_abi_bus_info host_bridge;
	struct nvgpu_abi_bus_info chipset_id;
	u8 acpi[484];
	__le32 hypervisor;
	u8 passthrough;
	u8 pad2[7];
	__le64 timer_offset;
	struct nvgpu_abi_vf_info vf;
};

/* the parts that nobody here reads are left as bytes */
struct nvgpu_r535_113_01_static_info {
	u8 pad_head[840];
	__le32 num_fb_regions;
	__le32 pad0;
	struct nvgpu_abi_fb_region fb_region[16];
	u8 pad_regions[8];
	struct nvgpu_abi_sriov_caps sriov;
	__le32 max_gfid;
	u8 pad1[52];
	__le64 fb_length;
	u8 pad2[60];
	char name[64];
	u8 pad3[204];
	__le64 bar1_pde_base;
	__le64 bar2_pde_base;
	u8 pad4[48];
	__le32 internal_client;
	__le32 internal_device;
	__le32 internal_subdevice;
	u8 pad5[4];
};

void nvgpu_r535_113_01_encode_rm_args(void *buf, const struct nvgpu_queue_args *args);
void nvgpu_r535_113_01_encode_system_info(void *buf, const struct nvgpu_system_info *info);
int nvgpu_r535_113_01_decode_static_info(const void *buf, size_t len,
					 struct nvgpu_static_info *info);

#endif
