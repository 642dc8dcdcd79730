/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_ABI_CHAN_H
#define _NVKM_VGPU_ABI_CHAN_H

#include <linux/bits.h>
#include <linux/types.h>

struct nvgpu_channel_params;
struct nvgpu_engine;

#define NVGPU_ABI_CLASS_VASPACE			0x90f1
#define NVGPU_ABI_CLASS_CHANNEL			0xc56f
#define NVGPU_ABI_CLASS_COPY			0xc7b5

#define NVGPU_ABI_CTRL_FIFO_GET_DEVICE_INFO	0x20801112
#define NVGPU_ABI_CTRL_CE_GET_METHOD_BUFFER	0x20802a08
#define NVGPU_ABI_CTRL_SET_PAGE_DIRECTORY	0x801813
#define NVGPU_ABI_CTRL_UNSET_PAGE_DIRECTORY	0x801814
#define NVGPU_ABI_CTRL_BIND			0xa06f0104
#define NVGPU_ABI_CTRL_SCHEDULE			0xa06f0103

/* RM's own numbers of engines, up to copy engine 9 also those of its clients */
#define NVGPU_ABI_RM_ENGINE_GR0			1
#define NVGPU_ABI_RM_ENGINE_COPY0		9
#define NVGPU_ABI_RM_ENGINE_COPIES		10
#define NVGPU_ABI_ENGINE_COPY0			9

#define NVGPU_ABI_VASPACE_EXTERNAL		0x8

/* of a channel */
#define NVGPU_ABI_CHAN_PRIVILEGED		GENMASK(5, 5)
#define NVGPU_ABI_CHAN_USERD_INDEX		GENMASK(10, 8)
#define NVGPU_ABI_CHAN_USERD_PAGE		GENMASK(20, 12)
#define NVGPU_ABI_CHAN_USERD_PAGE_FIXED		GENMASK(21, 21)
/* as nouveau has them, nvkm/subdev/gsp/rm/r570/nvrm/fifo.h */
#define NVGPU_ABI_CHAN_INTERNAL_ADMIN		0x1
#define NVGPU_ABI_CHAN_INTERNAL_NO_NOTIFIER	0x4
#define NVGPU_ABI_CHAN_INTERNAL_NO_ECC_NOTIFIER	0x10

#define NVGPU_ABI_ADDR_SYSMEM			1
#define NVGPU_ABI_ADDR_FBMEM			2
#define NVGPU_ABI_CHIDS_PER_USERD_PAGE		8

struct nvgpu_abi_vaspace_params {
	__le32 index;
	__le32 flags;
	__le64 size;
	__le64 start;
	__le64 limit;
	__le32 big_page_size;
	u8 pad[4];
	__le64 base;
};

struct nvgpu_abi_set_page_directory {
	__le64 addr;
	__le32 entries;
	__le32 flags;
	__le32 vaspace;
	__le32 channel;
	__le32 subdevice;
	__le32 pasid;
};

struct nvgpu_abi_unset_page_directory {
	__le32 vaspace;
	__le32 subdevice;
};

struct nvgpu_abi_chan_memory {
	__le64 base;
	__le64 size;
	__le32 space;
	__le32 cache;
};

struct nvgpu_abi_channel_params {
	__le32 error_object;
	__le32 buffer_object;
	__le64 ring;
	__le32 entries;
	__le32 flags;
	__le32 context_share;
	__le32 vaspace;
	__le32 userd_object[8];
	__le64 userd_offset[8];
	__le32 engine;
	__le32 cid;
	__le32 subdevice;
	__le32 ecc_object;
	struct nvgpu_abi_chan_memory instance;
	struct nvgpu_abi_chan_memory userd;
	struct nvgpu_abi_chan_memory ramfc;
	struct nvgpu_abi_chan_memory methods;
	__le32 group;
	__le32 internal_flags;
	struct nvgpu_abi_chan_memory notifier;
	struct nvgpu_abi_chan_memory ecc_notifier;
	__le32 process;
	__le32 sub_process;
	__le32 encrypt_iv[3];
	__le32 decrypt_iv[3];
	__le32 hmac_nonce[8];
};

struct nvgpu_abi_copy_params {
	__le32 version;
	__le32 engine;
};

struct nvgpu_abi_bind {
	__le32 engine;
};

struct nvgpu_abi_schedule {
	u8 enable;
	u8 skip_submit;
};

struct nvgpu_abi_engine {
	__le32 data[16];
	__le32 pbdma[2];
	__le32 pbdma_fault[2];
	__le32 num_pbdmas;
	char name[16];
};

/* of nvgpu_abi_engine.data */
#define NVGPU_ABI_ENGINE_DATA_RM_TYPE		2
#define NVGPU_ABI_ENGINE_DATA_RUNLIST		3
#define NVGPU_ABI_ENGINES			32

struct nvgpu_abi_engines {
	__le32 base;
	__le32 count;
	u8 more;
	u8 pad[3];
	struct nvgpu_abi_engine engine[NVGPU_ABI_ENGINES];
};

struct nvgpu_abi_method_buffer {
	__le32 size;
};

void nvgpu_abi_encode_vaspace_params(void *buf);
void nvgpu_abi_encode_set_page_directory(void *buf, u32 vaspace, u64 fb_addr, u32 entries);
void nvgpu_abi_encode_unset_page_directory(void *buf, u32 vaspace);
void nvgpu_abi_encode_channel_params(void *buf, const struct nvgpu_channel_params *params);
void nvgpu_abi_encode_copy_params(void *buf, u32 engine);
void nvgpu_abi_encode_bind(void *buf, u32 engine);
void nvgpu_abi_encode_schedule(void *buf);
int nvgpu_abi_decode_engine(const void *buf, size_t len, u32 index,
			    struct nvgpu_engine *engine);
int nvgpu_abi_decode_method_buffer(const void *buf, size_t len, u32 *size);

#endif
