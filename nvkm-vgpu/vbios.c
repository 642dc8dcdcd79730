// SPDX-License-Identifier: GPL-2.0-only
/*
 * VBIOS: the images in the board's ROM, and FWSEC among them.
 *
 * A ROM may start with an IFR header, commands that the chip's bus interface runs by itself. Then
 * come PCI expansion ROM images one behind the other; NVIDIA's extension of their header splits the
 * first into sub-images. Image type 0 has the BIT, a table of tables; pointers in it count as if
 * image types other than 0 and 0xe0 were not there.
 */
#include <kunit/visibility.h>
#include <linux/bitfield.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "device.h"
#include "regs/bus.h"
#include "vbios.h"

#define ROM_IFR_SIGNATURE		0x4947564e	/* "NVGI"; tu102/dev_bus.h */
#define   ROM_IFR_VERSION		GENMASK(15, 8)	/* word 1 */
#define   ROM_IFR_FIXED_SIZE		GENMASK(30, 16)	/* word 1, versions 1 and 2 */
#define   ROM_IFR_TOTAL_SIZE		GENMASK(19, 0)	/* word 2, version 3 */
#define ROM_IFR_STATUS_SIZE		4096
#define ROM_DIRECTORY_SIGNATURE		0x44524652	/* "RFRD"; kernel_gsp_vbios_tu102.c */

#define ROM_SIGNATURE			0xaa55
#define ROM_SIGNATURE_NV		0x4e56
#define ROM_SIGNATURE_BB		0xbb77
#define ROM_PCIR_SIGNATURE		0x52494350	/* "PCIR" */
#define ROM_PCIR_SIGNATURE_NPDS		0x5344504e
#define ROM_PCIR_SIGNATURE_RGIS		0x53494752
#define ROM_NPDE_SIGNATURE		0x4544504e
#define ROM_LAST_IMAGE			BIT(7)
#define ROM_BLOCK			512
#define ROM_MAX_IMAGES			64
#define ROM_CODE_TYPE_BASE		0x00
#define ROM_CODE_TYPE_EXT		0xe0

#define BIT_ID				0xb8ff
#define BIT_SIGNATURE			0x00544942	/* "BIT" */
#define BIT_TOKEN_FALCON_DATA		0x70
#define UCODE_APP_FWSEC			0x05
#define UCODE_APP_FWSEC_PROD		0x85
#define   UCODE_DESC_SIZE		GENMASK(31, 16)
#define   UCODE_DESC_VERSION		GENMASK(15, 8)
#define   UCODE_DESC_VALID		BIT(0)
#define FALCON_BLOCK			256

struct rom {
	nvgpu_vbios_read_t read;
	void *ctx;
	u32 limit;
};

/* the ROM window takes aligned 32-bit reads only */
static int rom_copy(const struct rom *rom, u32 offset, void *buf, u32 len)
{
	u32 end, i;
	u8 *to = buf;

	if (check_add_overflow(offset, len, &end) || end > rom->limit)
		return -ENODATA;
	for (i = offset; i < end; i++)
		*to++ = rom->read(rom->ctx, ALIGN_DOWN(i, 4)) >> 8 * (i % 4);
	return 0;
}

static int rom_word(const struct rom *rom, u32 offset, u32 *val)
{
	__le32 word;
	int ret = rom_copy(rom, offset, &word, sizeof(word));

	*val = le32_to_cpu(word);
	return ret;
}

/* where the first image starts behind an IFR header */
static int rom_skip_ifr(const struct rom *rom, u32 *start)
{
	u32 word[3], status, signature;

	*start = 0;
	if (rom_word(rom, 0, &word[0]) || rom_word(rom, 4, &word[1]) || rom_word(rom, 8, &word[2]))
		return -ENODATA;
	if (word[0] != ROM_IFR_SIGNATURE)
		return 0;

	switch (FIELD_GET(ROM_IFR_VERSION, word[1])) {
	case 1:
	case 2:
		return rom_word(rom, FIELD_GET(ROM_IFR_FIXED_SIZE, word[1]) + 4, start);
	case 3:
		if (rom_word(rom, FIELD_GET(ROM_IFR_TOTAL_SIZE, word[2]), &status) ||
		    status >= rom->limit)
			return -ENODATA;
		status += ROM_IFR_STATUS_SIZE;
		if (rom_word(rom, status, &signature) || signature != ROM_DIRECTORY_SIGNATURE)
			return -ENODATA;
		return rom_word(rom, status + 8, start);
	default:
		return -ENODATA;
	}
}

static bool rom_signature_valid(u16 signature)
{
	return signature == ROM_SIGNATURE || signature == ROM_SIGNATURE_NV ||
	       signature == ROM_SIGNATURE_BB;
}

static bool rom_pcir_valid(u32 signature)
{
	return signature == ROM_PCIR_SIGNATURE || signature == ROM_PCIR_SIGNATURE_NPDS ||
	       signature == ROM_PCIR_SIGNATURE_RGIS;
}

/* size and type of the image at @offset, and whether it is the last one */
static int rom_image(const struct rom *rom, u32 offset, u32 *size, u8 *type, bool *last)
{
	struct nvgpu_rom_header hdr;
	struct nvgpu_rom_pcir pcir;
	struct nvgpu_rom_npde npde;
	u16 revision;
	u32 at;

	if (rom_copy(rom, offset, &hdr, sizeof(hdr)) ||
	    !rom_signature_valid(le16_to_cpu(hdr.signature)))
		return -ENODATA;
	at = offset + le16_to_cpu(hdr.pcir_offset);
	if (rom_copy(rom, at, &pcir, sizeof(pcir)) || !rom_pcir_valid(le32_to_cpu(pcir.signature)))
		return -ENODATA;
	*size = le16_to_cpu(pcir.image_blocks) * ROM_BLOCK;
	*type = pcir.code_type;
	*last = pcir.indicator & ROM_LAST_IMAGE;

	at = ALIGN(at + le16_to_cpu(pcir.length), 16);
	if (!rom_copy(rom, at, &npde, sizeof(npde)) &&
	    le32_to_cpu(npde.signature) == ROM_NPDE_SIGNATURE) {
		revision = le16_to_cpu(npde.revision);
		if (revision == 0x100 || revision == 0x101) {
			u32 sub = le16_to_cpu(npde.subimage_blocks) * ROM_BLOCK;

			if (le16_to_cpu(npde.length) >= sizeof(npde))
				*last = npde.indicator & ROM_LAST_IMAGE;
			else if (sub < *size)
				*last = false;
			*size = sub;
		}
	}
	return *size ? 0 : -ENODATA;
}

/**
 * nvgpu_vbios_extent - find the images in a ROM
 * @read: reads an aligned word
 * @ctx: for @read
 * @limit: bytes of the ROM
 * @start: result, offset of the first image
 * @size: result, bytes of all images
 * @expansion: result, to be added to a pointer of BIT that leads into the firmware images
 *
 * Return: 0, or -ENODATA when this is not a ROM of this kind.
 */
int nvgpu_vbios_extent(nvgpu_vbios_read_t read, void *ctx, u32 limit, u32 *start, u32 *size,
		       u32 *expansion)
{
	const struct rom rom = { .read = read, .ctx = ctx, .limit = limit };
	u32 offset, image, base = 0, ext = 0;
	unsigned int n;
	bool last;
	u8 type;
	int ret;

	ret = rom_skip_ifr(&rom, start);
	if (ret)
		return ret;
	if (!IS_ALIGNED(*start, 4) || *start >= limit)
		return -ENODATA;

	offset = *start;
	for (n = 0; n < ROM_MAX_IMAGES; n++) {
		ret = rom_image(&rom, offset, &image, &type, &last);
		if (ret || image > limit - offset)
			return -ENODATA;
		if (type == ROM_CODE_TYPE_EXT && !ext)
			ext = offset - *start;
		else if (type == ROM_CODE_TYPE_BASE && !base)
			base = image;
		offset += image;
		if (last)
			break;
		if (offset >= limit)
			return -ENODATA;
	}
	*size = offset - *start;
	*expansion = ext && base ? ext - base : 0;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_vbios_extent);

/* ---- FWSEC ----------------------------------------------------------------------------------- */

struct bios {
	const u8 *data;
	u32 size;
	u32 expansion;
};

static const void *bios_part(const struct bios *bios, u64 offset, u64 len)
{
	return offset + len <= bios->size ? bios->data + offset : NULL;
}

static const struct nvgpu_rom_bit *bios_find_bit(const struct bios *bios, u32 *offset)
{
	const struct nvgpu_rom_bit *bit;
	u32 i, n;
	u8 sum;

	for (i = 0; (bit = bios_part(bios, i, sizeof(*bit))); i++) {
		if (le16_to_cpu(bit->id) != BIT_ID ||
		    le32_to_cpu(bit->signature) != BIT_SIGNATURE ||
		    bit->header_size < sizeof(*bit) || !bios_part(bios, i, bit->header_size))
			continue;
		for (n = 0, sum = 0; n < bit->header_size; n++)
			sum += bios->data[i + n];
		if (sum)
			continue;
		*offset = i;
		return bit;
	}
	return NULL;
}

/* a description of FWSEC, checked to lie with all that it speaks of in the VBIOS */
static int bios_parse_desc(const struct bios *bios, u64 offset, struct nvgpu_vbios_fwsec *fwsec)
{
	const struct nvgpu_rom_ucode_desc *desc = bios_part(bios, offset, sizeof(*desc));
	u32 header, size;

	if (!desc)
		return -EINVAL;
	header = le32_to_cpu(desc->header);
	size = FIELD_GET(UCODE_DESC_SIZE, header);
	if (!(header & UCODE_DESC_VALID) || FIELD_GET(UCODE_DESC_VERSION, header) != 3 ||
	    !desc->signatures || size < sizeof(*desc) + desc->signatures * NVGPU_VBIOS_SIG_SIZE)
		return -EINVAL;

	fwsec->imem_phys = le32_to_cpu(desc->imem_phys_base);
	fwsec->imem_virt = le32_to_cpu(desc->imem_virt_base);
	fwsec->imem_size = le32_to_cpu(desc->imem_load_size);
	fwsec->dmem_phys = le32_to_cpu(desc->dmem_phys_base);
	fwsec->dmem_size = le32_to_cpu(desc->dmem_load_size);
	fwsec->pkc_offset = le32_to_cpu(desc->pkc_data_offset);
	fwsec->interface_offset = le32_to_cpu(desc->interface_offset);
	fwsec->num_sigs = desc->signatures;
	fwsec->sig_versions = le16_to_cpu(desc->signature_versions);
	fwsec->engine_mask = le16_to_cpu(desc->engine_mask);
	fwsec->ucode_id = desc->ucode_id;
	fwsec->sigs = bios_part(bios, offset + sizeof(*desc), size - sizeof(*desc));
	fwsec->ucode = bios_part(bios, offset + size, (u64)fwsec->imem_size + fwsec->dmem_size);

	if (!fwsec->sigs || !fwsec->ucode || !fwsec->imem_size ||
	    (fwsec->imem_size | fwsec->dmem_size | fwsec->imem_phys | fwsec->dmem_phys |
	     fwsec->imem_virt) %
		    FALCON_BLOCK)
		return -EINVAL;
	if (fwsec->dmem_size < NVGPU_VBIOS_SIG_SIZE ||
	    fwsec->pkc_offset > fwsec->dmem_size - NVGPU_VBIOS_SIG_SIZE)
		return -EINVAL;
	return 0;
}

static int bios_search_table(const struct bios *bios, u64 offset, struct nvgpu_vbios_fwsec *fwsec)
{
	const struct nvgpu_rom_ucode_table *table = bios_part(bios, offset, sizeof(*table));
	const struct nvgpu_rom_ucode_entry *entry;
	unsigned int i;

	if (!table || table->version != 1 || table->header_size < sizeof(*table) ||
	    table->entry_size < sizeof(*entry))
		return -ENODEV;
	for (i = 0; i < table->entries; i++) {
		entry = bios_part(bios, offset + table->header_size + i * table->entry_size,
				  sizeof(*entry));
		if (!entry)
			break;
		if (entry->application != UCODE_APP_FWSEC &&
		    entry->application != UCODE_APP_FWSEC_PROD)
			continue;
		if (!bios_parse_desc(bios, (u64)bios->expansion + le32_to_cpu(entry->desc), fwsec))
			return 0;
	}
	return -ENODEV;
}

/**
 * nvgpu_vbios_find_fwsec - find FWSEC in a VBIOS
 * @data: the images
 * @size: their bytes
 * @expansion: as nvgpu_vbios_extent() told
 * @fwsec: result, pointing into @data
 *
 * Return: 0, or -ENODEV when there is no FWSEC of a known layout.
 */
int nvgpu_vbios_find_fwsec(const u8 *data, u32 size, u32 expansion, struct nvgpu_vbios_fwsec *fwsec)
{
	const struct bios bios = { .data = data, .size = size, .expansion = expansion };
	const struct nvgpu_rom_bit_token *token;
	const struct nvgpu_rom_bit *bit;
	const void *table;
	u32 offset, i;

	bit = bios_find_bit(&bios, &offset);
	if (!bit || bit->token_size < sizeof(*token))
		return -ENODEV;
	for (i = 0; i < bit->tokens; i++) {
		token = bios_part(&bios, (u64)offset + bit->header_size + i * bit->token_size,
				  sizeof(*token));
		if (!token)
			break;
		if (token->id != BIT_TOKEN_FALCON_DATA || token->version != 2 ||
		    le16_to_cpu(token->size) < 4)
			continue;
		table = bios_part(&bios, le16_to_cpu(token->offset), 4);
		if (table &&
		    !bios_search_table(&bios, (u64)expansion + get_unaligned_le32(table), fwsec))
			return 0;
	}
	return -ENODEV;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_vbios_find_fwsec);

/**
 * nvgpu_vbios_fwsec_signature - choose the signature that a board accepts
 * @fwsec: FWSEC
 * @fuse: bits that are blown of the version fuse of @fwsec->ucode_id
 *
 * Return: index of the signature, or -EINVAL when there is none for this board.
 */
int nvgpu_vbios_fwsec_signature(const struct nvgpu_vbios_fwsec *fwsec, u32 fuse)
{
	u32 version = BIT(fls(fuse));
	u32 index;

	if (!(fwsec->sig_versions & version))
		return -EINVAL;
	index = hweight32(fwsec->sig_versions & (version - 1));
	return index < fwsec->num_sigs ? index : -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_vbios_fwsec_signature);

/* ---- the ROM of a board ---------------------------------------------------------------------- */

static u32 prom_read(void *ctx, u32 offset)
{
	return nvgpu_rd32(ctx, NVGPU_PROM + offset);
}

/**
 * nvgpu_vbios_get - read the VBIOS from the board's ROM
 * @pf: the GPU
 * @bios: result, to be freed with kvfree()
 * @size: result, bytes
 * @expansion: result, see nvgpu_vbios_extent()
 *
 * Return: 0, -ENODEV when there is none, -ENOMEM.
 */
int nvgpu_vbios_get(struct nvkm_vgpu_pf *pf, u8 **bios, u32 *size, u32 *expansion)
{
	u32 start, i;
	u8 *buf;
	int ret;

	ret = nvgpu_vbios_extent(prom_read, pf, NVGPU_PROM_SIZE, &start, size, expansion);
	if (ret)
		return dev_err_probe(&pf->pdev->dev, -ENODEV,
				     "VBIOS not found in the board's ROM\n");

	/* images are whole blocks of 512 bytes, so this reads whole words */
	buf = kvmalloc(*size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < *size; i += 4)
		put_unaligned_le32(prom_read(pf, start + i), buf + i);
	*bios = buf;
	return 0;
}
