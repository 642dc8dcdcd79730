/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Firmware files: fetching and taking apart.
 *
 * The parsers work on a buffer and know no device. What is wrong they tell by name in @part, for
 * the line that goes to the log; everything they return lies inside the buffer that was given.
 */
#ifndef _NVKM_VGPU_FIRMWARE_H
#define _NVKM_VGPU_FIRMWARE_H

#include <linux/firmware.h>
#include <linux/types.h>

struct nvgpu_fwabi;

#define NVGPU_FW_DIR			"nvidia/ad102/gsp/"
#define NVGPU_FW_NAME_MAX		64

/*
 * Structures in files are packed: where they begin, a file says, and not every CPU reads a word at
 * any address.
 */

/* every NVIDIA firmware file but the GSP image starts with this; linux include/nvfw/fw.h */
struct nvgpu_fw_bin {
	__le32 magic;
	__le32 version;
	__le32 size;			/* rounded up to 256 */
	__le32 header_offset;
	__le32 data_offset;
	__le32 data_size;
} __packed;

#define NVGPU_FW_BIN_MAGIC		0x10de

/*
 * program for a falcon in heavy-secure mode, second layout; offsets from the start of the file;
 * include/nvfw/hs.h
 */
struct nvgpu_fw_hs_header {
	__le32 sig_offset;
	__le32 sig_size;
	__le32 patch_loc_offset;
	__le32 patch_sig_offset;
	__le32 meta_offset;
	__le32 meta_size;
	__le32 num_sigs_offset;
	__le32 load_offset;
	__le32 load_size;
} __packed;

struct nvgpu_fw_hs_meta {
	__le32 fuse_version;
	__le32 engine_mask;
	__le32 ucode_id;
} __packed;

/* offsets from the start of the program */
struct nvgpu_fw_hs_load {
	__le32 os_code_offset;
	__le32 os_code_size;
	__le32 os_data_offset;
	__le32 os_data_size;
	__le32 num_apps;
	__le32 app0_offset;
	__le32 app0_size;
	__le32 app0_data_offset;
	__le32 app0_data_size;
} __packed;

/* header of the RISC-V bootloader, version 5; RM_RISCV_UCODE_DESC */
struct nvgpu_fw_riscv_desc {
	__le32 version;
	__le32 bootloader_offset;
	__le32 bootloader_size;
	__le32 params_offset;
	__le32 params_size;
	__le32 elf_offset;
	__le32 elf_size;
	__le32 app_version;
	__le32 manifest_offset;
	__le32 manifest_size;
	__le32 data_offset;
	__le32 data_size;
	__le32 code_offset;
	__le32 code_size;
} __packed;

/**
 * struct nvgpu_fw_hs - a heavy-secure program
 * @data: code and data, @data_size bytes
 * @data_size: bytes
 * @code_offset: secure code in @data, also its virtual address; a multiple of the falcon's block
 * @code_size: bytes
 * @dmem_offset: initial data in @data, a multiple of the falcon's block
 * @dmem_size: bytes
 * @sig_dmem: where in the initial data the signature belongs
 * @sigs: the signatures, @num_sigs of @sig_size bytes
 * @sig_size: bytes of one
 * @num_sigs: at least 1
 * @fuse_version: version of the program that the first signature is for; each further one is for
 * one version less
 * @engine_mask: falcon that it is signed for
 * @ucode_id: slot of its version fuse, from 1
 */
struct nvgpu_fw_hs {
	const u8 *data;
	u32 data_size;
	u32 code_offset, code_size;
	u32 dmem_offset, dmem_size;
	u32 sig_dmem;
	const u8 *sigs;
	u32 sig_size, num_sigs;
	u32 fuse_version, engine_mask, ucode_id;
};

/**
 * struct nvgpu_fw_riscv - GSP's bootloader
 * @data: the image, @size bytes
 * @size: bytes
 * @code: offset of the code in @data
 * @code_data: offset of the code's data in @data
 * @manifest: offset of the manifest in @data
 * @app_version: for the falcon's OS register
 */
struct nvgpu_fw_riscv {
	const u8 *data;
	u32 size;
	u32 code, code_data, manifest;
	u32 app_version;
};

/**
 * struct nvgpu_fw_gsp - GSP-RM's image
 * @image: for the write-protected region, @image_size bytes
 * @image_size: bytes, a multiple of the GPU's page
 * @signature: of the image, for Ada, @signature_size bytes
 * @signature_size: bytes
 */
struct nvgpu_fw_gsp {
	const u8 *image;
	size_t image_size;
	const u8 *signature;
	size_t signature_size;
};

int nvgpu_fw_parse_hs(const u8 *file, size_t size, struct nvgpu_fw_hs *hs, const char **part);
int nvgpu_fw_parse_riscv(const u8 *file, size_t size, struct nvgpu_fw_riscv *riscv,
			 const char **part);
int nvgpu_fw_elf_section(const u8 *file, size_t size, const char *name, const u8 **section,
			 size_t *section_size, const char **part);
int nvgpu_fw_parse_gsp(const u8 *file, size_t size, struct nvgpu_fw_gsp *gsp, const char **part);
int nvgpu_fw_hs_signature(const struct nvgpu_fw_hs *hs, u32 fuse);

enum nvgpu_fw_id {
	NVGPU_FW_GSP,
	NVGPU_FW_BOOTLOADER,
	NVGPU_FW_BOOTER_LOAD,
	NVGPU_FW_BOOTER_UNLOAD,
	NVGPU_FW_SCRUBBER,
	NVGPU_FW_COUNT,
};

/**
 * struct nvgpu_firmware - the files of one firmware version, during probe
 * @abi: its wire format
 * @file: as loaded, the scrubber's NULL if there is none
 * @scrubber_version: that of the scrubber, NULL if there is none
 * @gsp: parsed
 * @bootloader: parsed
 * @booter_load: parsed
 * @booter_unload: parsed
 * @scrubber: parsed
 */
struct nvgpu_firmware {
	const struct nvgpu_fwabi *abi;
	const struct firmware *file[NVGPU_FW_COUNT];
	const char *scrubber_version;
	struct nvgpu_fw_gsp gsp;
	struct nvgpu_fw_riscv bootloader;
	struct nvgpu_fw_hs booter_load, booter_unload, scrubber;
};

int nvgpu_firmware_get(struct device *dev, struct nvgpu_firmware *fw);
void nvgpu_firmware_put(struct nvgpu_firmware *fw);

#endif
