// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/visibility.h>
#include <linux/dev_printk.h>
#include <linux/elf.h>
#include <linux/firmware.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "boot/falcon.h"
#include "boot/firmware.h"
#include "fwabi/fwabi.h"

#define NVGPU_FW_RISCV_VERSION		5

/* the part of a file that starts at @offset and has @len bytes, NULL when it is not all there */
static const void *firmware_part(const u8 *file, size_t size, u64 offset, u64 len)
{
	u64 end;

	if (check_add_overflow(offset, len, &end) || end > size)
		return NULL;
	return file + offset;
}

static bool firmware_word(const u8 *file, size_t size, u32 offset, u32 *val)
{
	const void *p = firmware_part(file, size, offset, sizeof(*val));

	if (p)
		*val = get_unaligned_le32(p);
	return p;
}

/* common start of all files: check it, and find header and data */
static int firmware_parse_bin(const u8 *file, size_t size, size_t header_size, const void **header,
			      const u8 **data, u32 *data_size, const char **part)
{
	const struct nvgpu_fw_bin *bin = firmware_part(file, size, 0, sizeof(*bin));

	*part = "file header";
	if (!bin || le32_to_cpu(bin->magic) != NVGPU_FW_BIN_MAGIC ||
	    le32_to_cpu(bin->version) != 1 ||
	    le32_to_cpu(bin->size) > ALIGN(size, NVGPU_FALCON_BLOCK))
		return -EINVAL;

	*part = "data";
	*data_size = le32_to_cpu(bin->data_size);
	*data = firmware_part(file, size, le32_to_cpu(bin->data_offset), *data_size);
	if (!*data)
		return -EINVAL;

	*part = "header";
	*header = firmware_part(file, size, le32_to_cpu(bin->header_offset), header_size);
	return *header ? 0 : -EINVAL;
}

static int firmware_parse_hs_signatures(const u8 *file, size_t size,
					const struct nvgpu_fw_hs_header *hdr,
					struct nvgpu_fw_hs *hs, const char **part)
{
	u32 patch_loc, patch_sig, total = le32_to_cpu(hdr->sig_size);

	*part = "signatures";
	if (!firmware_word(file, size, le32_to_cpu(hdr->num_sigs_offset), &hs->num_sigs) ||
	    !firmware_word(file, size, le32_to_cpu(hdr->patch_loc_offset), &patch_loc) ||
	    !firmware_word(file, size, le32_to_cpu(hdr->patch_sig_offset), &patch_sig))
		return -EINVAL;
	if (!hs->num_sigs || !total || total % hs->num_sigs)
		return -EINVAL;
	hs->sig_size = total / hs->num_sigs;
	hs->sigs = firmware_part(file, size, (u64)le32_to_cpu(hdr->sig_offset) + patch_sig, total);
	if (!hs->sigs)
		return -EINVAL;

	*part = "signature location";
	if (patch_loc < hs->dmem_offset || hs->sig_size > hs->dmem_size ||
	    patch_loc - hs->dmem_offset > hs->dmem_size - hs->sig_size)
		return -EINVAL;
	hs->sig_dmem = patch_loc - hs->dmem_offset;
	return 0;
}

/**
 * nvgpu_fw_parse_hs - take apart a program for SEC2: scrubber, booter_load or booter_unload
 * @file: the file
 * @size: its bytes
 * @hs: result, pointing into @file
 * @part: what was wrong, a constant string
 *
 * Return: 0 or -EINVAL.
 */
int nvgpu_fw_parse_hs(const u8 *file, size_t size, struct nvgpu_fw_hs *hs, const char **part)
{
	const struct nvgpu_fw_hs_header *hdr;
	const struct nvgpu_fw_hs_load *load;
	const struct nvgpu_fw_hs_meta *meta;
	int ret;

	ret = firmware_parse_bin(file, size, sizeof(*hdr), (const void **)&hdr, &hs->data,
				 &hs->data_size, part);
	if (ret)
		return ret;

	*part = "load header";
	load = firmware_part(file, size, le32_to_cpu(hdr->load_offset), sizeof(*load));
	if (!load || le32_to_cpu(hdr->load_size) < sizeof(*load) || !le32_to_cpu(load->num_apps))
		return -EINVAL;
	hs->code_offset = le32_to_cpu(load->app0_offset);
	hs->code_size = le32_to_cpu(load->app0_size);
	hs->dmem_offset = le32_to_cpu(load->os_data_offset);
	hs->dmem_size = le32_to_cpu(load->os_data_size);

	*part = "code";
	if (!hs->code_size || hs->code_offset % NVGPU_FALCON_BLOCK ||
	    !firmware_part(hs->data, hs->data_size, hs->code_offset, hs->code_size))
		return -EINVAL;
	*part = "initial data";
	if (!hs->dmem_size || hs->dmem_offset % NVGPU_FALCON_BLOCK ||
	    !firmware_part(hs->data, hs->data_size, hs->dmem_offset, hs->dmem_size))
		return -EINVAL;

	*part = "metadata";
	meta = firmware_part(file, size, le32_to_cpu(hdr->meta_offset), sizeof(*meta));
	if (!meta || le32_to_cpu(hdr->meta_size) < sizeof(*meta))
		return -EINVAL;
	hs->fuse_version = le32_to_cpu(meta->fuse_version);
	hs->engine_mask = le32_to_cpu(meta->engine_mask);
	hs->ucode_id = le32_to_cpu(meta->ucode_id);

	return firmware_parse_hs_signatures(file, size, hdr, hs, part);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fw_parse_hs);

/**
 * nvgpu_fw_hs_signature - choose the signature that a board accepts
 * @hs: the program
 * @fuse: bits that are blown of the version fuse of @hs->ucode_id
 *
 * A board whose fuse says nothing takes the oldest signature, which is the last one.
 *
 * Return: index of the signature, or -EINVAL when the program is too old for the board.
 */
int nvgpu_fw_hs_signature(const struct nvgpu_fw_hs *hs, u32 fuse)
{
	u32 version = fls(fuse);

	if (!version)
		return hs->num_sigs - 1;
	if (version > hs->fuse_version || hs->fuse_version - version >= hs->num_sigs)
		return -EINVAL;
	return hs->fuse_version - version;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fw_hs_signature);

/**
 * nvgpu_fw_parse_riscv - take apart the bootloader of the GSP's RISC-V core
 * @file: the file
 * @size: its bytes
 * @riscv: result, pointing into @file
 * @part: what was wrong, a constant string
 *
 * Return: 0 or -EINVAL.
 */
int nvgpu_fw_parse_riscv(const u8 *file, size_t size, struct nvgpu_fw_riscv *riscv,
			 const char **part)
{
	const struct nvgpu_fw_riscv_desc *desc;
	int ret;

	ret = firmware_parse_bin(file, size, sizeof(*desc), (const void **)&desc, &riscv->data,
				 &riscv->size, part);
	if (ret)
		return ret;

	*part = "RISC-V descriptor";
	if (le32_to_cpu(desc->version) != NVGPU_FW_RISCV_VERSION)
		return -EINVAL;
	riscv->code = le32_to_cpu(desc->code_offset);
	riscv->code_data = le32_to_cpu(desc->data_offset);
	riscv->manifest = le32_to_cpu(desc->manifest_offset);
	riscv->app_version = le32_to_cpu(desc->app_version);

	*part = "code";
	if (!firmware_part(riscv->data, riscv->size, riscv->code, le32_to_cpu(desc->code_size)))
		return -EINVAL;
	*part = "initial data";
	if (!firmware_part(riscv->data, riscv->size, riscv->code_data,
			   le32_to_cpu(desc->data_size)))
		return -EINVAL;
	*part = "manifest";
	if (!firmware_part(riscv->data, riscv->size, riscv->manifest,
			   le32_to_cpu(desc->manifest_size)))
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fw_parse_riscv);

/*
 * headers of a 64-bit little-endian ELF: where its section headers are, and the names of the
 * sections
 */
static int firmware_elf_open(const u8 *file, size_t size, const struct elf64_shdr **sections,
			     unsigned int *count, const char **names, u64 *names_size,
			     const char **part)
{
	const struct elf64_hdr *ehdr = firmware_part(file, size, 0, sizeof(*ehdr));
	const struct elf64_shdr *strtab;

	*part = "ELF header";
	if (!ehdr || memcmp(ehdr->e_ident, ELFMAG, SELFMAG) ||
	    ehdr->e_ident[EI_CLASS] != ELFCLASS64 || ehdr->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr->e_shentsize != sizeof(struct elf64_shdr))
		return -EINVAL;

	*part = "section headers";
	*count = ehdr->e_shnum;
	*sections =
		firmware_part(file, size, ehdr->e_shoff, (u64)*count * sizeof(struct elf64_shdr));
	if (!*sections || !IS_ALIGNED(ehdr->e_shoff, 8) || ehdr->e_shstrndx >= *count)
		return -EINVAL;

	*part = "section names";
	strtab = *sections + ehdr->e_shstrndx;
	*names_size = strtab->sh_size;
	*names = firmware_part(file, size, strtab->sh_offset, strtab->sh_size);
	return *names ? 0 : -EINVAL;
}

/**
 * nvgpu_fw_elf_section - find a section of an ELF file by name
 * @file: the file
 * @size: its bytes
 * @name: the section's name, a constant string
 * @section: result, inside @file
 * @section_size: its bytes
 * @part: what was wrong, a constant string; @name when the section is missing or cut off
 *
 * Return: 0 or -EINVAL.
 */
int nvgpu_fw_elf_section(const u8 *file, size_t size, const char *name, const u8 **section,
			 size_t *section_size, const char **part)
{
	const struct elf64_shdr *sections;
	unsigned int count, i;
	const char *names;
	u64 names_size;
	int ret;

	ret = firmware_elf_open(file, size, &sections, &count, &names, &names_size, part);
	if (ret)
		return ret;

	*part = name;
	for (i = 0; i < count; i++) {
		u64 at = sections[i].sh_name;

		if (at >= names_size || strnlen(names + at, names_size - at) == names_size - at ||
		    strcmp(names + at, name))
			continue;
		*section = firmware_part(file, size, sections[i].sh_offset, sections[i].sh_size);
		*section_size = sections[i].sh_size;
		return *section && *section_size ? 0 : -EINVAL;
	}
	return -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fw_elf_section);

/**
 * nvgpu_fw_parse_gsp - take apart the image of GSP-RM
 * @file: the file
 * @size: its bytes
 * @gsp: result, pointing into @file
 * @part: what was wrong, a constant string
 *
 * Return: 0 or -EINVAL.
 */
int nvgpu_fw_parse_gsp(const u8 *file, size_t size, struct nvgpu_fw_gsp *gsp, const char **part)
{
	int ret;

	ret = nvgpu_fw_elf_section(file, size, ".fwimage", &gsp->image, &gsp->image_size, part);
	if (ret)
		return ret;
	if (gsp->image_size % SZ_4K)
		return -EINVAL;
	ret = nvgpu_fw_elf_section(file, size, ".fwsignature_ad10x", &gsp->signature,
				   &gsp->signature_size, part);
	if (ret)
		return ret;
	return gsp->signature_size <= SZ_64K ? 0 : -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fw_parse_gsp);

/* ---- files ----------------------------------------------------------------------------------- */

static const char * const fw_names[NVGPU_FW_COUNT] = {
	[NVGPU_FW_GSP] = "gsp",
	[NVGPU_FW_BOOTLOADER] = "bootloader",
	[NVGPU_FW_BOOTER_LOAD] = "booter_load",
	[NVGPU_FW_BOOTER_UNLOAD] = "booter_unload",
	[NVGPU_FW_SCRUBBER] = "scrubber",
};

static const struct nvgpu_fwabi * const fw_abis[] = {
	&nvgpu_fwabi_r570_144,
	&nvgpu_fwabi_r535_113_01,
};

static void firmware_path(char *path, const struct nvgpu_fwabi *abi, enum nvgpu_fw_id id)
{
	snprintf(path, NVGPU_FW_NAME_MAX, NVGPU_FW_DIR "%s-%s.bin", fw_names[id], abi->version);
}

static int firmware_check_version(struct device *dev, const struct nvgpu_firmware *fw,
				  const char **part)
{
	const struct firmware *file = fw->file[NVGPU_FW_GSP];
	size_t len = strlen(fw->abi->version);
	const u8 *version;
	size_t size;
	int ret;

	ret = nvgpu_fw_elf_section(file->data, file->size, ".fwversion", &version, &size, part);
	if (ret)
		return ret;
	size = strnlen(version, size);
	if (size == len && !memcmp(version, fw->abi->version, len))
		return 0;
	dev_err(dev, "firmware " NVGPU_FW_DIR "gsp-%s.bin says that it is version %*pE\n",
		fw->abi->version, (int)min_t(size_t, size, 32), version);
	*part = NULL;
	return -EINVAL;
}

static int firmware_parse(struct device *dev, struct nvgpu_firmware *fw, enum nvgpu_fw_id id,
			  const char **part)
{
	const u8 *data = fw->file[id]->data;
	size_t size = fw->file[id]->size;
	int ret;

	switch (id) {
	case NVGPU_FW_GSP:
		ret = nvgpu_fw_parse_gsp(data, size, &fw->gsp, part);
		return ret ? ret : firmware_check_version(dev, fw, part);
	case NVGPU_FW_BOOTLOADER:
		return nvgpu_fw_parse_riscv(data, size, &fw->bootloader, part);
	case NVGPU_FW_BOOTER_LOAD:
		return nvgpu_fw_parse_hs(data, size, &fw->booter_load, part);
	case NVGPU_FW_BOOTER_UNLOAD:
		return nvgpu_fw_parse_hs(data, size, &fw->booter_unload, part);
	default:
		return nvgpu_fw_parse_hs(data, size, &fw->scrubber, part);
	}
}

static int firmware_get_one(struct device *dev, struct nvgpu_firmware *fw,
			    const struct nvgpu_fwabi *abi, enum nvgpu_fw_id id)
{
	char path[NVGPU_FW_NAME_MAX];
	const char *part = NULL;
	int ret;

	firmware_path(path, abi, id);
	if (!fw->file[id]) {
		ret = firmware_request_nowarn(&fw->file[id], path, dev);
		if (ret)
			return dev_err_probe(dev, ret, "firmware %s cannot be loaded\n", path);
	}
	ret = firmware_parse(dev, fw, id, &part);
	if (ret && part)
		dev_err(dev, "firmware %s: %s missing, cut off or wrong\n", path, part);
	return ret;
}

/*
 * Named assumption FW-SCRUBBER: the scrubber clears framebuffer and knows nothing of GSP-RM, so
 * that of another release will do. Debian has none of 535.113.01.
 */
static int firmware_get_scrubber(struct device *dev, struct nvgpu_firmware *fw)
{
	const struct nvgpu_fwabi *abi = fw->abi;
	char path[NVGPU_FW_NAME_MAX];
	unsigned int i;

	for (i = 0; !abi->has_scrubber && !fw->file[NVGPU_FW_SCRUBBER]; i++) {
		/* none at all: it is not missed if framebuffer is scrubbed already */
		if (i == ARRAY_SIZE(fw_abis))
			return 0;
		if (!fw_abis[i]->has_scrubber)
			continue;
		firmware_path(path, fw_abis[i], NVGPU_FW_SCRUBBER);
		if (!firmware_request_nowarn(&fw->file[NVGPU_FW_SCRUBBER], path, dev))
			abi = fw_abis[i];
	}
	fw->scrubber_version = abi->version;
	return firmware_get_one(dev, fw, abi, NVGPU_FW_SCRUBBER);
}

/**
 * nvgpu_firmware_get - load and take apart all files of the newest firmware version that is
 * installed
 * @dev: the GPU
 * @fw: result, zeroed before
 *
 * A release without a scrubber gets that of another, if there is one.
 *
 * Return: 0; -ENOENT when a file is missing, -EINVAL when one is damaged or of another version,
 * each with a line that names it.
 */
int nvgpu_firmware_get(struct device *dev, struct nvgpu_firmware *fw)
{
	char path[NVGPU_FW_NAME_MAX];
	unsigned int i;
	int ret = 0;

	/*
	 * the GSP image decides on the version; without any, the first one's absence is what is
	 * reported
	 */
	fw->abi = fw_abis[0];
	for (i = 0; i < ARRAY_SIZE(fw_abis); i++) {
		firmware_path(path, fw_abis[i], NVGPU_FW_GSP);
		if (firmware_request_nowarn(&fw->file[NVGPU_FW_GSP], path, dev))
			continue;
		fw->abi = fw_abis[i];
		break;
	}

	for (i = 0; i < NVGPU_FW_SCRUBBER && !ret; i++)
		ret = firmware_get_one(dev, fw, fw->abi, i);
	if (!ret)
		ret = firmware_get_scrubber(dev, fw);
	if (ret)
		nvgpu_firmware_put(fw);
	return ret;
}

/**
 * nvgpu_firmware_put - release what nvgpu_firmware_get() loaded
 * @fw: the files; everything that was parsed from them is gone afterwards
 */
void nvgpu_firmware_put(struct nvgpu_firmware *fw)
{
	unsigned int i;

	for (i = 0; i < NVGPU_FW_COUNT; i++) {
		release_firmware(fw->file[i]);
		fw->file[i] = NULL;
	}
}

MODULE_FIRMWARE(NVGPU_FW_DIR "gsp-570.144.bin");
MODULE_FIRMWARE(NVGPU_FW_DIR "bootloader-570.144.bin");
MODULE_FIRMWARE(NVGPU_FW_DIR "booter_load-570.144.bin");
MODULE_FIRMWARE(NVGPU_FW_DIR "booter_unload-570.144.bin");
MODULE_FIRMWARE(NVGPU_FW_DIR "scrubber-570.144.bin");
MODULE_FIRMWARE(NVGPU_FW_DIR "gsp-535.113.01.bin");
MODULE_FIRMWARE(NVGPU_FW_DIR "bootloader-535.113.01.bin");
MODULE_FIRMWARE(NVGPU_FW_DIR "booter_load-535.113.01.bin");
MODULE_FIRMWARE(NVGPU_FW_DIR "booter_unload-535.113.01.bin");
