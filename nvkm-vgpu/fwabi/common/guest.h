/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What GSP-RM tells of guests and of their use of the GPU. Names and layouts are
 * NVIDIA's, see tools/testing/abi/common.map.
 */
#ifndef _NVKM_VGPU_ABI_GUEST_H
#define _NVKM_VGPU_ABI_GUEST_H

#include <linux/bits.h>
#include <linux/types.h>

struct nvgpu_guest;
struct nvgpu_util_sample;

#define NVGPU_ABI_CTRL_ENUMERATE_VGPUS		0x20804004

#define NVGPU_ABI_GUEST_STRING			32
#define NVGPU_ABI_GUEST_INFO_INITIALIZED	1
/* named assumption GUEST-OS-535: in that release, too */
#define NVGPU_ABI_GUEST_OS			GENMASK(7, 3)
#define NVGPU_ABI_GUEST_OS_LINUX		1
#define NVGPU_ABI_GUEST_OS_WINDOWS7		2
#define NVGPU_ABI_GUEST_OS_WINDOWS10		3

struct nvgpu_abi_guest_vm {
	__le32 vm_pid;
	__le32 os;			/* 7:3 */
	__le32 migration_prohibited;
	__le32 version;
	__le32 frame_rate_limit;
	u8 licensed;
	u8 pad0[3];
	__le32 license_state;
	__le32 license_expiry;
	u8 license_expiry_status;
	u8 driver_version[NVGPU_ABI_GUEST_STRING];
	u8 driver_branch[NVGPU_ABI_GUEST_STRING];
	u8 pad1[3];
	__le32 state;
};

struct nvgpu_abi_guest_device {
	__le32 gfid;
	u8 pad0[4];
	__le64 pci_id;
	__le32 instance_id;
	u8 pad1[4];
	__le64 fb_used;
	__le32 encoder_capacity;
	__le32 ecc_state;
	u8 driver_loaded;
	u8 pad2[7];
};

struct nvgpu_abi_guest {
	struct nvgpu_abi_guest_vm vm;
	struct nvgpu_abi_guest_device device;
};

#define NVGPU_ABI_MAX_GUESTS			32

struct nvgpu_abi_vgpus {
	__le32 count;
	u8 pad[4];
	struct nvgpu_abi_guest guest[NVGPU_ABI_MAX_GUESTS];
};

struct nvgpu_abi_engine_sample {
	__le32 util;
	__le32 pid;
	__le32 sub_pid;
};

struct nvgpu_abi_sample {
	__le64 time;
	struct nvgpu_abi_engine_sample memory;
	struct nvgpu_abi_engine_sample graphics;
	struct nvgpu_abi_engine_sample encoder;
	struct nvgpu_abi_engine_sample decoder;
};

#define NVGPU_ABI_SAMPLES_UTILIZATION		2
#define NVGPU_ABI_MAX_SAMPLES			72

struct nvgpu_abi_samples {
	u8 type;
	u8 pad[3];
	__le32 size;
	__le32 count;
	__le32 oldest;
	struct nvgpu_abi_sample sample[NVGPU_ABI_MAX_SAMPLES];
};

int nvgpu_abi_decode_guest(const void *buf, size_t len, u32 index, struct nvgpu_guest *guest);
int nvgpu_abi_decode_utilization(const void *buf, size_t len, u32 index,
				 struct nvgpu_util_sample *sample);

#endif
