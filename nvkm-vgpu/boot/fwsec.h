/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_FWSEC_H
#define _NVKM_VGPU_FWSEC_H

#include "boot/dma.h"
#include "boot/falcon.h"

struct nvgpu_vbios_fwsec;

/* what FWSEC finds in its data, aligned or not; kernel_gsp_frts_tu102.c */

struct nvgpu_fwsec_interfaces {
	u8 version;
	u8 header_size;
	u8 entry_size;
	u8 entries;
} __packed;

struct nvgpu_fwsec_interface {
	__le32 id;
	__le32 offset;
} __packed;

struct nvgpu_fwsec_mapper {
	__le32 signature;
	__le16 version;
	__le16 size;
	__le32 cmd_in_offset;
	__le32 cmd_in_size;
	__le32 cmd_out_offset;
	__le32 cmd_out_size;
	__le32 image_data_offset;
	__le32 image_data_size;
	__le32 printf_buffer;
	__le32 build_time;
	__le32 ucode_signature;
	__le32 init_cmd;
	__le32 ucode_feature;
	__le32 cmd_mask[2];
	__le32 targets;
} __packed;

struct nvgpu_fwsec_read_vbios {
	__le32 version;
	__le32 size;
	__le64 image_offset;
	__le32 image_size;
	__le32 flags;
} __packed;

struct nvgpu_fwsec_frts {
	__le32 version;
	__le32 size;
	__le32 offset_4k;
	__le32 size_4k;
	__le32 media;
} __packed;

struct nvgpu_fwsec_command {
	struct nvgpu_fwsec_read_vbios read_vbios;
	struct nvgpu_fwsec_frts frts;
} __packed;

/**
 * struct nvgpu_fwsec - FWSEC with one command, in memory that the GSP can reach
 * @falcon: GSP
 * @mem: code and data
 * @image: what of it goes where
 */
struct nvgpu_fwsec {
	const struct nvgpu_falcon *falcon;
	struct nvgpu_dma mem;
	struct nvgpu_falcon_image image;
};

#define NVGPU_FWSEC_FRTS		0x15
#define NVGPU_FWSEC_SB			0x19

int nvgpu_fwsec_patch(u8 *data, u32 size, u32 interfaces, u32 cmd, u64 frts, u64 frts_size,
		      char *why);
int nvgpu_fwsec_init(struct nvgpu_fwsec *fwsec, const struct nvgpu_falcon *falcon,
		     const struct nvgpu_vbios_fwsec *vbios, u32 cmd, u64 frts, u64 frts_size);
void nvgpu_fwsec_fini(struct nvgpu_fwsec *fwsec);
int nvgpu_fwsec_frts(const struct nvgpu_fwsec *fwsec, u64 frts);
int nvgpu_fwsec_sb(const struct nvgpu_fwsec *fwsec);

#endif
