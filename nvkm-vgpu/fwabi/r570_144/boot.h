/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_R570_144_BOOT_H
#define _NVKM_VGPU_R570_144_BOOT_H

#include <linux/types.h>

#include "../common/boot.h"

struct nvgpu_system_info;

#define NVGPU_R570_144_VGPU_HEAP_SIZE			0x24500000	/* 581 MiB */
#define NVGPU_R570_144_WPR_FLAGS_CLOCK_BOOST		1

struct nvgpu_r570_144_rm_args {
	struct nvgpu_abi_queue_args queues;
	__le32 old_level;
	__le32 resume_flags;
	u8 pm_transition;
	u8 pad1[3];
	__le32 gpu_instance;
	u8 dmem_stack;
	u8 pad2[7];
	__le64 profiler;
	__le64 profiler_size;
};

struct nvgpu_r570_144_system_info {
	__le64 bar0;
	__le64 bar1;
	__le64 bar3;
	__le64 io;
	__le64 bdf;
	__le64 sim_access;
	__le64 notify_surface;
	__le64 pcie_atomics_ops;
	__le64 console_size;
	__le64 max_user_va;
	__le32 config_mirror;
	__le32 config_mirror_size;
	__le32 pci_device;
	__le32 pci_subsystem;
	__le32 pci_revision;
	__le32 pcie_atomics_completer;
	u8 oor_arch;
	u8 pad0[7];
	__le64 cl_properties;
	__le32 chipset;
	u8 behind_bridge;
	u8 flr_supported;
	u8 bar0_64bit;
	u8 mnoc_available;
	__le32 chipset_l1ss;
	u8 upstream_l0s_unsupported;
	u8 upstream_l1_unsupported;
	u8 upstream_l1_por;
	u8 upstream_l1_por_mobile;
	u8 has_mux;
	u8 upstream_address_valid;
	struct nvgpu_abi_bus_info host_bridge;
	struct nvgpu_abi_bus_info chipset_id;
	u8 pad1[2];
	u8 acpi[676];
	__le32 hypervisor;
	u8 passthrough;
	u8 pad2[7];
	__le64 timer_offset;
	struct nvgpu_abi_vf_info vf;
	u8 is_primary;
	u8 grid_build;
	u8 pad3[2];
	__le32 link_cap;
	__le32 grid_build_csp;
	u8 preserve_vidmem;
	u8 tdr_events;
	u8 stretch_vblank;
	u8 dynamic_page_arrays;
	u8 clock_boost;
	u8 route_display_intr;
	u8 pad4[6];
	__le64 host_page_size;
};

struct nvgpu_r570_144_sriov_caps {
	struct nvgpu_abi_sriov_caps common;
	u8 resizable_bar1;
	u8 pad[7];
};

/* the parts that nobody here reads are left as bytes */
struct nvgpu_r570_144_static_info {
	u8 pad_head[344];
	__le32 num_fb_regions;
	__le32 pad0;
	struct nvgpu_abi_fb_region fb_region[16];
	struct nvgpu_r570_144_sriov_caps sriov;
	__le32 max_gfid;
	__le32 engine_caps[3];
	u8 poison_fuse;
	u8 pad1[7];
	__le64 fb_length;
	u8 pad2[28];
	char name[64];
	u8 pad3[212];
	__le64 bar1_pde_base;
	__le64 bar2_pde_base;
	u8 pad4[48];
	__le32 internal_client;
	__le32 internal_device;
	__le32 internal_subdevice;
	u8 pad5[44];
};

void nvgpu_r570_144_encode_wpr_meta(void *buf, const struct nvgpu_wpr *wpr);
void nvgpu_r570_144_encode_rm_args(void *buf, const struct nvgpu_queue_args *args);
void nvgpu_r570_144_encode_system_info(void *buf, const struct nvgpu_system_info *info);
int nvgpu_r570_144_decode_static_info(const void *buf, size_t len, struct nvgpu_static_info *info);

#endif
