/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_VBIOS_H
#define _NVKM_VGPU_VBIOS_H

#include <linux/types.h>

struct nvkm_vgpu_pf;

/* layouts as in the ROM: nothing is aligned; kernel_gsp_fwsec.c where nothing else is said */

struct nvgpu_rom_header {		/* PCI firmware specification */
	__le16 signature;
	u8 reserved[22];
	__le16 pcir_offset;
} __packed;

struct nvgpu_rom_pcir {			/* PCI firmware specification */
	__le32 signature;
	__le16 vendor, device;
	__le16 device_list;
	__le16 length;
	u8 revision;
	u8 class[3];
	__le16 image_blocks;
	__le16 image_revision;
	u8 code_type;
	u8 indicator;
	__le16 max_runtime_blocks;
} __packed;

struct nvgpu_rom_npde {			/* NVIDIA's extension behind it; pci_exp_table.h */
	__le32 signature;
	__le16 revision;
	__le16 length;
	__le16 subimage_blocks;
	u8 indicator;
} __packed;

struct nvgpu_rom_bit {
	__le16 id;
	__le32 signature;
	__le16 version;
	u8 header_size;
	u8 token_size;
	u8 tokens;
	u8 checksum;
} __packed;

struct nvgpu_rom_bit_token {
	u8 id;
	u8 version;
	__le16 size;
	__le16 offset;
} __packed;

struct nvgpu_rom_ucode_table {
	u8 version;
	u8 header_size;
	u8 entry_size;
	u8 entries;
	u8 desc_version;
	u8 desc_size;
} __packed;

struct nvgpu_rom_ucode_entry {
	u8 application;
	u8 target;
	__le32 desc;
} __packed;

struct nvgpu_rom_ucode_desc {		/* version 3 */
	__le32 header;
	__le32 stored_size;
	__le32 pkc_data_offset;
	__le32 interface_offset;
	__le32 imem_phys_base;
	__le32 imem_load_size;
	__le32 imem_virt_base;
	__le32 dmem_phys_base;
	__le32 dmem_load_size;
	__le16 engine_mask;
	u8 ucode_id;
	u8 signatures;
	__le16 signature_versions;
	__le16 reserved;
} __packed;

/**
 * struct nvgpu_vbios_fwsec - FWSEC, the part of the VBIOS that the GSP runs
 * @ucode: code and behind it initial data
 * @imem_phys: where code belongs in the falcon
 * @imem_virt: its virtual address
 * @imem_size: bytes of code, a multiple of the falcon's block
 * @dmem_phys: where data belongs in the falcon
 * @dmem_size: bytes of data, a multiple of the falcon's block
 * @pkc_offset: where the signature belongs in the data
 * @interface_offset: where the data describes its interfaces
 * @sigs: the signatures
 * @num_sigs: at least 1
 * @sig_versions: bit n: there is a signature for version n of the fuse; lowest bit first in @sigs
 * @engine_mask: falcon that it is signed for
 * @ucode_id: slot of its version fuse, from 1
 */
struct nvgpu_vbios_fwsec {
	const u8 *ucode;
	u32 imem_phys, imem_virt, imem_size;
	u32 dmem_phys, dmem_size;
	u32 pkc_offset, interface_offset;
	const u8 *sigs;
	u32 num_sigs, sig_versions;
	u32 engine_mask, ucode_id;
};

#define NVGPU_VBIOS_SIG_SIZE		384	/* RSA 3072 */

typedef u32 (*nvgpu_vbios_read_t)(void *ctx, u32 offset);

int nvgpu_vbios_extent(nvgpu_vbios_read_t read, void *ctx, u32 limit, u32 *start, u32 *size,
		       u32 *expansion);
int nvgpu_vbios_find_fwsec(const u8 *bios, u32 size, u32 expansion,
			   struct nvgpu_vbios_fwsec *fwsec);
int nvgpu_vbios_fwsec_signature(const struct nvgpu_vbios_fwsec *fwsec, u32 fuse);
int nvgpu_vbios_get(struct nvkm_vgpu_pf *pf, u8 **bios, u32 *size, u32 *expansion);

#endif
