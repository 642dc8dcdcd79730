// SPDX-License-Identifier: GPL-2.0-only
/*
 * VBIOS: the images in a ROM, and FWSEC among them.
 *
 * A ROM may start with an IFR header, commands that the chip's bus interface runs by itself. Then
 * come PCI expansion ROM images one behind the other; NVIDIA's extension of their header splits the
 * first into sub-images. Image type 0 has the BIT, a table of tables; pointers in it count as if
 * image types other than 0 and 0xe0 were not there.
 *
 * What other drivers boot with is taken here, too. Refused is only what cannot be read or what the
 * falcon cannot take, by a text that names it. Nothing here knows a device.
 */
#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "boot/falcon.h"
#include "boot/vbios.h"

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
#define ROM_CODE_TYPE_BASE		0x00
#define ROM_CODE_TYPE_EXT		0xe0

#define BIT_ID				0xb8ff
#define BIT_SIGNATURE			0x00544942	/* "BIT" */
#define BIT_TOKEN_FALCON_DATA		0x70
/* kernel_gsp_fwsec.c; the one for debug boards is no use to others */
#define UCODE_APP_FWSEC			0x85
#define UCODE_APP_FWSEC_OLD		0x05
#define   UCODE_DESC_SIZE		GENMASK(31, 16)
#define   UCODE_DESC_VERSION		GENMASK(15, 8)
#define   UCODE_DESC_VALID		BIT(0)
#define FALCON_BASE_MAX			S32_MAX	/* base and size fit in 32 bits */

struct rom {
	nvgpu_vbios_read_t read;
	void *ctx;
	u32 limit;
	char *why;
};

/**
 * nvgpu_vbios_fail - tell why something of a VBIOS is of no use
 * @why: of NVGPU_VBIOS_WHY bytes; keeps the first reason, as what is tried after it is less likely
 * meant
 * @fmt: the field, its value and what was expected
 *
 * Return: -ENODEV.
 */
int nvgpu_vbios_fail(char *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!*why)
		vscnprintf(why, NVGPU_VBIOS_WHY, fmt, args);
	va_end(args);
	return -ENODEV;
}

/* the ROM window takes aligned 32-bit reads only */
static bool vbios_rom_copy(const struct rom *rom, u32 offset, void *buf, u32 len)
{
	u32 end, i;
	u8 *to = buf;

	if (check_add_overflow(offset, len, &end) || end > rom->limit)
		return false;
	for (i = offset; i < end; i++)
		*to++ = rom->read(rom->ctx, ALIGN_DOWN(i, 4)) >> 8 * (i % 4);
	return true;
}

static u32 vbios_rom_word(const struct rom *rom, u32 offset)
{
	__le32 word;

	/* behind its end a ROM reads as ones */
	return vbios_rom_copy(rom, offset, &word, sizeof(word)) ? le32_to_cpu(word) : ~0;
}

/* version 3: 4 KiB behind the status of the flash is a directory that has the offset */
static int vbios_rom_directory(const struct rom *rom, u32 *start)
{
	u32 status = vbios_rom_word(rom, FIELD_GET(ROM_IFR_TOTAL_SIZE, vbios_rom_word(rom, 8)));
	u32 at, signature;

	if (check_add_overflow(status, ROM_IFR_STATUS_SIZE, &at))
		return nvgpu_vbios_fail(rom->why,
					"IFR header: status of the flash at %#x, expected below %#x",
					status, rom->limit);
	signature = vbios_rom_word(rom, at);
	if (signature != ROM_DIRECTORY_SIGNATURE)
		return nvgpu_vbios_fail(rom->why,
					"IFR header: directory at %#x is %#x, expected RFRD", at,
					signature);
	*start = vbios_rom_word(rom, at + 8);
	return 0;
}

/* where the first image starts: at once, or behind an IFR header */
static int vbios_rom_start(const struct rom *rom, u32 *start)
{
	u32 word = vbios_rom_word(rom, 0), fixed = vbios_rom_word(rom, 4);
	u32 version = FIELD_GET(ROM_IFR_VERSION, fixed);
	int ret = 0;

	*start = 0;
	if (word != ROM_IFR_SIGNATURE)
		return 0;
	switch (version) {
	case 1:
	case 2:
		*start = vbios_rom_word(rom, FIELD_GET(ROM_IFR_FIXED_SIZE, fixed) + 4);
		break;
	case 3:
		ret = vbios_rom_directory(rom, start);
		break;
	default:
		return nvgpu_vbios_fail(rom->why, "IFR header: version %u, expected 1 to 3",
					version);
	}
	/* the window takes whole words */
	if (!ret && (*start >= rom->limit || !IS_ALIGNED(*start, 4)))
		ret = nvgpu_vbios_fail(rom->why,
				       "IFR header: images at %#x, expected a word below %#x",
				       *start, rom->limit);
	return ret;
}

static bool vbios_rom_signature_valid(u16 signature)
{
	return signature == ROM_SIGNATURE || signature == ROM_SIGNATURE_NV ||
	       signature == ROM_SIGNATURE_BB;
}

static bool vbios_rom_pcir_valid(u32 signature)
{
	return signature == ROM_PCIR_SIGNATURE || signature == ROM_PCIR_SIGNATURE_NPDS ||
	       signature == ROM_PCIR_SIGNATURE_RGIS;
}

struct vbios_rom_image {
	u32 size;
	u16 device;
	u8 type;
	bool last;
};

/* NVIDIA's extension, where there is one, has the size and the end that count */
static void vbios_rom_extension(const struct rom *rom, u32 at, struct vbios_rom_image *image)
{
	struct nvgpu_rom_npde npde;
	u16 revision;
	u32 size;

	if (!vbios_rom_copy(rom, at, &npde, sizeof(npde)) ||
	    le32_to_cpu(npde.signature) != ROM_NPDE_SIGNATURE)
		return;
	revision = le16_to_cpu(npde.revision);
	if (revision != 0x100 && revision != 0x101)
		return;
	size = le16_to_cpu(npde.subimage_blocks) * ROM_BLOCK;
	if (le16_to_cpu(npde.length) >= sizeof(npde))
		image->last = npde.indicator & ROM_LAST_IMAGE;
	else if (size < image->size)
		image->last = false;
	image->size = size;
}

static int vbios_rom_image(const struct rom *rom, u32 offset, struct vbios_rom_image *image)
{
	struct nvgpu_rom_header hdr;
	struct nvgpu_rom_pcir pcir;
	u32 at;

	if (!vbios_rom_copy(rom, offset, &hdr, sizeof(hdr)))
		return nvgpu_vbios_fail(rom->why, "image at %#x, expected below %#x", offset,
					rom->limit);
	if (!vbios_rom_signature_valid(le16_to_cpu(hdr.signature)))
		return nvgpu_vbios_fail(rom->why, "image at %#x has signature %#x, expected 0xaa55",
					offset, le16_to_cpu(hdr.signature));
	at = offset + le16_to_cpu(hdr.pcir_offset);
	if (!vbios_rom_copy(rom, at, &pcir, sizeof(pcir)) ||
	    !vbios_rom_pcir_valid(le32_to_cpu(pcir.signature)))
		return nvgpu_vbios_fail(rom->why,
					"image at %#x has PCI data %#x at %#x, expected PCIR",
					offset, vbios_rom_word(rom, at), at);

	image->size = le16_to_cpu(pcir.image_blocks) * ROM_BLOCK;
	image->device = le16_to_cpu(pcir.device);
	image->type = pcir.code_type;
	image->last = pcir.indicator & ROM_LAST_IMAGE;
	vbios_rom_extension(rom, ALIGN(at + le16_to_cpu(pcir.length), 16), image);
	if (!image->size)
		return nvgpu_vbios_fail(rom->why, "image at %#x has size 0", offset);
	return 0;
}

/**
 * nvgpu_vbios_find_images - find the images in a ROM
 * @vbios: result
 * @read: reads an aligned word
 * @ctx: for @read
 * @limit: bytes of the ROM
 *
 * Images end with the one that says so, with the ROM, or where no further one is.
 *
 * Return: 0, or -ENODEV when there is not even one, and @vbios->why says why.
 */
int nvgpu_vbios_find_images(struct nvgpu_vbios *vbios, nvgpu_vbios_read_t read, void *ctx,
			    u32 limit)
{
	const struct rom rom = { .read = read, .ctx = ctx, .limit = limit, .why = vbios->why };
	struct vbios_rom_image image = {};
	u32 offset, ext = 0;
	int ret;

	memset(vbios, 0, sizeof(*vbios));
	ret = vbios_rom_start(&rom, &vbios->start);
	if (ret)
		return ret;

	for (offset = vbios->start; !image.last && offset < limit; offset += image.size) {
		ret = vbios_rom_image(&rom, offset, &image);
		if (ret) {
			strscpy(vbios->end, vbios->why);
			break;
		}
		if (image.size > limit - offset) {
			nvgpu_vbios_fail(vbios->end, "image at %#x of %#x bytes, ROM ends at %#x",
					 offset, image.size, limit);
			image.size = limit - offset;
		}
		if (image.type == ROM_CODE_TYPE_EXT && !ext && vbios->base_size)
			ext = offset - vbios->start;
		if (image.type == ROM_CODE_TYPE_BASE && !vbios->base_size) {
			vbios->base_size = image.size;
			vbios->device = image.device;
		}
	}
	vbios->size = offset - vbios->start;
	if (!vbios->size)
		return -ENODEV;
	if (ext > vbios->base_size)
		vbios->expansion = ext - vbios->base_size;
	*vbios->why = '\0';
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_vbios_find_images);

/* ---- FWSEC ----------------------------------------------------------------------------------- */

/* offsets here count from the first image, those in texts from the ROM's start */
struct bios {
	const u8 *data;
	u32 start, size;
	u32 base_size, expansion;
	const struct nvgpu_vbios *vbios;
	char *why;
};

static const void *vbios_part(const struct bios *bios, u64 offset, u64 len)
{
	if (offset + len > bios->size)
		return NULL;
	if (bios->vbios->need)
		bios->vbios->need(bios->vbios->ctx, offset, len);
	return bios->data + offset;
}

/* where a pointer in BIT or in the table of programs leads */
static u64 vbios_pointer(const struct bios *bios, u32 pointer)
{
	return pointer < bios->base_size ? pointer : (u64)pointer + bios->expansion;
}

static bool vbios_bit_sum(const struct nvgpu_rom_bit *bit)
{
	const u8 *byte = (const u8 *)bit;
	u8 sum = 0;
	u32 n;

	for (n = 0; n < bit->header_size; n++)
		sum += byte[n];
	return !sum && bit->header_size >= sizeof(*bit);
}

/* the first with a good checksum; without one, the first at all */
static const struct nvgpu_rom_bit *vbios_find_bit(const struct bios *bios, u32 *offset)
{
	const struct nvgpu_rom_bit *bit, *any = NULL;
	u32 i;

	for (i = 0; (bit = vbios_part(bios, i, sizeof(*bit))); i++) {
		if (le16_to_cpu(bit->id) != BIT_ID ||
		    le32_to_cpu(bit->signature) != BIT_SIGNATURE ||
		    !vbios_part(bios, i, bit->header_size))
			continue;
		if (!any) {
			any = bit;
			*offset = i;
		}
		if (vbios_bit_sum(bit)) {
			*offset = i;
			return bit;
		}
	}
	return any;
}

/* DMA moves whole blocks to the bases; the signature is written into the data */
static int vbios_check_falcon(const struct bios *bios, const struct nvgpu_vbios_fwsec *fwsec)
{
	const struct {
		const char *name;
		u32 base;
	} fields[] = {
		{ "IMEM physical base", fwsec->imem_phys },
		{ "IMEM virtual base", fwsec->imem_virt },
		{ "DMEM physical base", fwsec->dmem_phys },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].base % NVGPU_FALCON_BLOCK)
			return nvgpu_vbios_fail(bios->why,
						"FWSEC: %s %#x, expected a multiple of %#x",
						fields[i].name, fields[i].base, NVGPU_FALCON_BLOCK);
		if (fields[i].base > FALCON_BASE_MAX)
			return nvgpu_vbios_fail(bios->why, "FWSEC: %s %#x, expected at most %#x",
						fields[i].name, fields[i].base, FALCON_BASE_MAX);
	}
	if (!fwsec->imem_size)
		return nvgpu_vbios_fail(bios->why, "FWSEC: IMEM load size 0");
	if (fwsec->dmem_size < NVGPU_VBIOS_SIG_SIZE)
		return nvgpu_vbios_fail(bios->why,
					"FWSEC: DMEM load size %#x, expected room for %u",
					fwsec->dmem_size, NVGPU_VBIOS_SIG_SIZE);
	if (fwsec->pkc_offset > fwsec->dmem_size - NVGPU_VBIOS_SIG_SIZE)
		return nvgpu_vbios_fail(bios->why,
					"FWSEC: signature at %#x of DMEM, expected %u bytes before %#x",
					fwsec->pkc_offset, NVGPU_VBIOS_SIG_SIZE, fwsec->dmem_size);
	return 0;
}

/* a description of FWSEC, checked to lie with all that it speaks of in the VBIOS */
static int vbios_parse_desc(const struct bios *bios, u64 offset, struct nvgpu_vbios_fwsec *fwsec)
{
	const struct nvgpu_rom_ucode_desc *desc = vbios_part(bios, offset, sizeof(*desc));
	u32 header, version, size, room;

	if (!desc)
		return nvgpu_vbios_fail(bios->why, "FWSEC: descriptor at %#llx, images end at %#x",
					bios->start + offset, bios->start + bios->size);
	header = le32_to_cpu(desc->header);
	version = header & UCODE_DESC_VALID ? FIELD_GET(UCODE_DESC_VERSION, header) : 0;
	if (version != 3)
		return nvgpu_vbios_fail(bios->why, "FWSEC: descriptor version %u, expected 3",
					version);
	size = FIELD_GET(UCODE_DESC_SIZE, header);
	room = size < sizeof(*desc) ? 0 : (size - sizeof(*desc)) / NVGPU_VBIOS_SIG_SIZE;
	fwsec->num_sigs = min(desc->signatures, room);
	if (!fwsec->num_sigs)
		return nvgpu_vbios_fail(bios->why,
					"FWSEC: %u signatures, room for %u in a descriptor of %#x, expected one at least",
					desc->signatures, room, size);

	fwsec->imem_phys = le32_to_cpu(desc->imem_phys_base);
	fwsec->imem_virt = le32_to_cpu(desc->imem_virt_base);
	fwsec->imem_size = le32_to_cpu(desc->imem_load_size);
	fwsec->dmem_phys = le32_to_cpu(desc->dmem_phys_base);
	fwsec->dmem_size = le32_to_cpu(desc->dmem_load_size);
	fwsec->pkc_offset = le32_to_cpu(desc->pkc_data_offset);
	fwsec->interface_offset = le32_to_cpu(desc->interface_offset);
	fwsec->sig_versions = le16_to_cpu(desc->signature_versions);
	fwsec->engine_mask = le16_to_cpu(desc->engine_mask);
	fwsec->ucode_id = desc->ucode_id;
	fwsec->sigs = vbios_part(bios, offset + sizeof(*desc), size - sizeof(*desc));
	fwsec->code = vbios_part(bios, offset + size, (u64)fwsec->imem_size + fwsec->dmem_size);
	if (!fwsec->sigs || !fwsec->code)
		return nvgpu_vbios_fail(bios->why,
					"FWSEC at %#llx: IMEM load size %#x, DMEM %#x, images end at %#x",
					bios->start + offset, fwsec->imem_size, fwsec->dmem_size,
					bios->start + bios->size);
	fwsec->data = fwsec->code + fwsec->imem_size;
	return vbios_check_falcon(bios, fwsec);
}

static int vbios_search_table(const struct bios *bios, u64 offset, struct nvgpu_vbios_fwsec *fwsec,
			      u8 application)
{
	const struct nvgpu_rom_ucode_table *table = vbios_part(bios, offset, sizeof(*table));
	const struct nvgpu_rom_ucode_entry *entry;
	unsigned int i;

	if (!table)
		return nvgpu_vbios_fail(bios->why,
					"table of falcon programs at %#llx, images end at %#x",
					bios->start + offset, bios->start + bios->size);
	if (table->version != 1 || table->header_size < sizeof(*table) ||
	    table->entry_size < sizeof(*entry))
		return nvgpu_vbios_fail(bios->why,
					"table of falcon programs: version %u, header size %u, entry size %u, expected 1, 6, 6",
					table->version, table->header_size, table->entry_size);
	for (i = 0; i < table->entries; i++) {
		entry = vbios_part(bios, offset + table->header_size + i * table->entry_size,
				   sizeof(*entry));
		if (!entry)
			break;
		if (entry->application == application &&
		    !vbios_parse_desc(bios, vbios_pointer(bios, le32_to_cpu(entry->desc)), fwsec))
			return 0;
	}
	return -ENODEV;
}

static int vbios_search_token(const struct bios *bios, const struct nvgpu_rom_bit_token *token,
			      struct nvgpu_vbios_fwsec *fwsec)
{
	const void *pointer = vbios_part(bios, le16_to_cpu(token->offset), 4);
	u64 table;

	if (!pointer)
		return nvgpu_vbios_fail(bios->why, "BIT: falcon data at %#x, images end at %#x",
					bios->start + le16_to_cpu(token->offset),
					bios->start + bios->size);
	table = vbios_pointer(bios, get_unaligned_le32(pointer));
	if (!vbios_search_table(bios, table, fwsec, UCODE_APP_FWSEC) ||
	    !vbios_search_table(bios, table, fwsec, UCODE_APP_FWSEC_OLD))
		return 0;
	return nvgpu_vbios_fail(bios->why, "table of falcon programs at %#llx has no FWSEC (%#x)",
				bios->start + table, UCODE_APP_FWSEC);
}

static int vbios_find_fwsec(const struct bios *bios, struct nvgpu_vbios_fwsec *fwsec)
{
	const struct nvgpu_rom_bit_token *token;
	const struct nvgpu_rom_bit *bit;
	u32 offset, i;

	bit = vbios_find_bit(bios, &offset);
	if (!bit)
		return nvgpu_vbios_fail(bios->why, "no BIT in images of %#x bytes", bios->size);
	if (bit->token_size < sizeof(*token))
		return nvgpu_vbios_fail(bios->why, "BIT: token size %u, expected %zu",
					bit->token_size, sizeof(*token));
	for (i = 0; i < bit->tokens; i++) {
		token = vbios_part(bios, (u64)offset + bit->header_size + i * bit->token_size,
				   sizeof(*token));
		if (!token)
			break;
		if (token->id != BIT_TOKEN_FALCON_DATA || token->version != 2 ||
		    le16_to_cpu(token->size) < 4)
			continue;
		if (!vbios_search_token(bios, token, fwsec))
			return 0;
	}
	return nvgpu_vbios_fail(bios->why, "BIT: no token 0x70 of version 2 for falcon data");
}

/**
 * nvgpu_vbios_find_fwsec - find FWSEC in a VBIOS
 * @vbios: as nvgpu_vbios_find_images() told
 * @data: the images, @vbios->size bytes
 * @fwsec: result, pointing into @data
 *
 * Return: 0, or -ENODEV when there is no FWSEC of a known layout, and @vbios->why says why.
 */
int nvgpu_vbios_find_fwsec(struct nvgpu_vbios *vbios, const u8 *data,
			   struct nvgpu_vbios_fwsec *fwsec)
{
	const struct bios bios = {
		.data = data,
		.start = vbios->start,
		.size = vbios->size,
		.base_size = vbios->base_size,
		.expansion = vbios->expansion,
		.vbios = vbios,
		.why = vbios->why,
	};
	size_t len;
	int ret;

	*vbios->why = '\0';
	ret = vbios_find_fwsec(&bios, fwsec);
	if (!ret) {
		/* of what was tried before */
		*vbios->why = '\0';
	} else if (*vbios->end) {
		len = strlen(vbios->why);
		scnprintf(vbios->why + len, sizeof(vbios->why) - len, "; %s", vbios->end);
	}
	return ret;
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
