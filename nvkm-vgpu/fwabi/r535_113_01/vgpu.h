/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_R535_113_01_VGPU_H
#define _NVKM_VGPU_R535_113_01_VGPU_H

#include <linux/types.h>

#include "../common/vgpu.h"

#define NVGPU_R535_113_01_ECC_UNITS			24

struct nvgpu_r535_113_01_ecc_status {
	struct nvgpu_abi_ecc_unit units[NVGPU_R535_113_01_ECC_UNITS];
	u8 fatal_poison;
	u8 uncorrectable;
	u8 pad[2];
	__le32 flags;
	struct nvgpu_abi_gr_route route;
};

struct nvgpu_r535_113_01_add_type {
	u8 discard;
	u8 pad[3];
	__le32 count;
	struct nvgpu_abi_vgpu_info info[NVGPU_ABI_MAX_VGPU_TYPES];
};

#define NVGPU_R535_113_01_MAX_ENGINES			62

struct nvgpu_r535_113_01_bootload {
	struct nvgpu_abi_bootload head;
	__le32 chid_offset[NVGPU_R535_113_01_MAX_ENGINES];
	u8 no_exec_partition_restore;
	u8 pad0[3];
	struct nvgpu_abi_bootload_memory memory;
	u8 profiling;
	u8 pad1[7];
};

int nvgpu_r535_113_01_decode_ecc_status(const void *buf, size_t len, bool *enabled);
void nvgpu_r535_113_01_encode_add_types(void *buf, const struct nvgpu_type *types, u32 num);
void nvgpu_r535_113_01_encode_bootload(void *buf, const struct nvgpu_bootload *b);

#endif
