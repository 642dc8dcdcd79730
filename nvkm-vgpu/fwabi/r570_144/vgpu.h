/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_R570_144_VGPU_H
#define _NVKM_VGPU_R570_144_VGPU_H

#include <linux/types.h>

#include "../common/vgpu.h"

#define NVGPU_R570_144_CTRL_SET_HETEROGENEOUS		0x2080400e

#define NVGPU_R570_144_ECC_UNITS			36

struct nvgpu_r570_144_ecc_status {
	struct nvgpu_abi_ecc_unit units[NVGPU_R570_144_ECC_UNITS];
	u8 fatal_poison;
	u8 uncorrectable;
	u8 pad[2];
	__le32 flags;
	struct nvgpu_abi_gr_route route;
};

struct nvgpu_r570_144_heterogeneous {
	u8 on;
};

#define NVGPU_R570_144_MAX_PLACEMENTS			32

struct nvgpu_r570_144_vgpu_info {
	struct nvgpu_abi_vgpu_info common;
	__le32 placement_size;
	__le32 num_homogeneous;
	__le32 homogeneous[NVGPU_R570_144_MAX_PLACEMENTS];
	__le32 num_heterogeneous;
	__le32 heterogeneous[NVGPU_R570_144_MAX_PLACEMENTS];
	u8 pad[4];
};

/* release of NVIDIA's vGPU software that goes with this firmware; RFC v2, metadata.c */
#define NVGPU_R570_144_VGPU_MAJOR			18
#define NVGPU_R570_144_VGPU_MINOR			1

struct nvgpu_r570_144_add_type {
	u8 discard;
	u8 pad[3];
	__le32 count;
	struct nvgpu_r570_144_vgpu_info info[NVGPU_ABI_MAX_VGPU_TYPES];
};

#define NVGPU_R570_144_MAX_ENGINES			84

struct nvgpu_r570_144_bootload {
	struct nvgpu_abi_bootload head;
	__le32 chid_offset[NVGPU_R570_144_MAX_ENGINES];
	u8 no_exec_partition_restore;
	u8 pad0[3];
	struct nvgpu_abi_bootload_memory memory;
	__le64 kernel_log_addr;
	__le64 kernel_log_size;
	__le64 migration_heap_addr;
	__le64 migration_heap_size;
	u8 profiling;
	u8 pad1[7];
};

int nvgpu_r570_144_decode_ecc_status(const void *buf, size_t len, bool *enabled);
void nvgpu_r570_144_encode_heterogeneous(void *buf, bool on);
void nvgpu_r570_144_encode_add_types(void *buf, const struct nvgpu_type *types, u32 num);
int nvgpu_r570_144_decode_add_type(const void *buf, size_t len, u32 *count);
int nvgpu_r570_144_decode_type_info(const void *buf, size_t len, struct nvgpu_type *type,
				    char *why);
void nvgpu_r570_144_encode_bootload(void *buf, const struct nvgpu_bootload *b);

#endif
