/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_R570_144_BOOT_H
#define _NVKM_VGPU_R570_144_BOOT_H

#include <linux/sizes.h>
#include <linux/types.h>

struct nvgpu_queue_args;
struct nvgpu_registry_key;
struct nvgpu_static_info;
struct nvgpu_system_info;
struct nvgpu_wpr;

#define NVGPU_R570_144_VGPU_HEAP_SIZE		0x24500000	/* 581 MiB */
#define NVGPU_R570_144_VGPU_PARTITIONS		32

struct nvgpu_r570_144_wpr_meta {
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
	u8 flags;
	u8 pad[2];
	__le32 pmu_reserved_size;
	__le64 verified;
};

#define NVGPU_R570_144_WPR_META_MAGIC		0xdc3aae21371a60b3ULL
#define NVGPU_R570_144_WPR_META_REVISION		1
#define NVGPU_R570_144_WPR_FLAGS_CLOCK_BOOST	1

struct nvgpu_r570_144_rm_args {
	__le64 shared;
	__le32 num_ptes;
	__le32 pad0;
	__le64 cmdq_offset;
	__le64 statq_offset;
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

struct nvgpu_r570_144_vf_info {
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

struct nvgpu_r570_144_bus_info {
	__le16 device;
	__le16 vendor;
	__le16 subdevice;
	__le16 subvendor;
	u8 revision;
	u8 pad;
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
	struct nvgpu_r570_144_bus_info host_bridge;
	struct nvgpu_r570_144_bus_info chipset_id;
	u8 pad1[2];
	u8 acpi[676];
	__le32 hypervisor;
	u8 passthrough;
	u8 pad2[7];
	__le64 timer_offset;
	struct nvgpu_r570_144_vf_info vf;
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

struct nvgpu_r570_144_registry_entry {
	__le32 name_offset;
	u8 type;
	u8 pad[3];
	__le32 data;
	__le32 length;
};

struct nvgpu_r570_144_registry {
	__le32 size;
	__le32 count;
	struct nvgpu_r570_144_registry_entry entry[];
};

#define NVGPU_R570_144_REGISTRY_DWORD		1

struct nvgpu_r570_144_fb_region {
	__le64 base;
	__le64 limit;			/* last byte */
	__le64 reserved;
	__le32 performance;
	u8 compressed;
	u8 iso;
	u8 is_protected;
	u8 blacklist[17];
};

struct nvgpu_r570_144_sriov_caps {
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
	u8 any_channel_count;
	u8 resizable_bar1;
	u8 pad1[7];
};

/* the parts that nobody here reads are left as bytes */
struct nvgpu_r570_144_static_info {
	u8 pad_head[344];
	__le32 num_fb_regions;
	__le32 pad0;
	struct nvgpu_r570_144_fb_region fb_region[16];
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
size_t nvgpu_r570_144_registry_size(const struct nvgpu_registry_key *keys, unsigned int count);
void nvgpu_r570_144_encode_registry(void *buf, const struct nvgpu_registry_key *keys,
				    unsigned int count);
int nvgpu_r570_144_decode_static_info(const void *buf, size_t len, struct nvgpu_static_info *info);

#endif
