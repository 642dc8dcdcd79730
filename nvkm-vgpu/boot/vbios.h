/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_VBIOS_H
#define _NVKM_VGPU_VBIOS_H

#include <linux/compiler_attributes.h>
#include <linux/types.h>

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

#define NVGPU_VBIOS_WHY			192

/**
 * struct nvgpu_vbios - the images in a ROM
 * @start: offset of the first one
 * @size: bytes of all; less than they say where the ROM ends before
 * @base_size: bytes of the image that has the BIT
 * @expansion: to be added to a pointer of BIT that leads out of that image
 * @device: PCI device id that it is for
 * @need: called before bytes of the images are looked at, counted from the first; %NULL: all are
 * there
 * @ctx: for @need
 * @end: why they end before one says that it is the last; empty when one does
 * @why: where a function here has failed: the field, its value and what was expected
 */
struct nvgpu_vbios {
	u32 start, size;
	u32 base_size, expansion;
	u16 device;
	void (*need)(void *ctx, u32 offset, u32 len);
	void *ctx;
	char end[NVGPU_VBIOS_WHY];
	char why[NVGPU_VBIOS_WHY];
};

/**
 * struct nvgpu_vbios_fwsec - FWSEC, the part of the VBIOS that the GSP runs
 * @code: code, @imem_size bytes
 * @data: initial data, @dmem_size bytes
 * @imem_phys: where code belongs in the falcon, a multiple of its block
 * @imem_virt: its virtual address, a multiple of the falcon's block
 * @imem_size: bytes of code, any number
 * @dmem_phys: where data belongs in the falcon, a multiple of its block
 * @dmem_size: bytes of data, any number
 * @pkc_offset: where the signature belongs in the data
 * @interface_offset: where the data describes its interfaces
 * @sigs: the signatures
 * @num_sigs: how many there are, at least 1
 * @sig_versions: bit n: there is a signature for version n of the fuse; lowest bit first in @sigs
 * @engine_mask: falcon that it is signed for
 * @ucode_id: slot of its version fuse, from 1
 */
struct nvgpu_vbios_fwsec {
	const u8 *code, *data;
	u32 imem_phys, imem_virt, imem_size;
	u32 dmem_phys, dmem_size;
	u32 pkc_offset, interface_offset;
	const u8 *sigs;
	u32 num_sigs, sig_versions;
	u32 engine_mask, ucode_id;
};

#define NVGPU_VBIOS_SIG_SIZE		384	/* RSA 3072 */

typedef u32 (*nvgpu_vbios_read_t)(void *ctx, u32 offset);

__printf(2, 3) int nvgpu_vbios_fail(char *why, const char *fmt, ...);
int nvgpu_vbios_find_images(struct nvgpu_vbios *vbios, nvgpu_vbios_read_t read, void *ctx,
			    u32 limit);
int nvgpu_vbios_find_fwsec(struct nvgpu_vbios *vbios, const u8 *data,
			   struct nvgpu_vbios_fwsec *fwsec);
int nvgpu_vbios_fwsec_signature(const struct nvgpu_vbios_fwsec *fwsec, u32 fuse);

#endif
