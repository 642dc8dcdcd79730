// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "boot/vbios.h"

/*
 * A ROM made byte by byte as a board has it: an image for the PC BIOS with the BIT, an EFI image
 * that BIT's pointers leave out of account, and a firmware image with the table of programs,
 * FWSEC's description, signatures and code.
 */
#define AT_SIZE		SZ_1K
#define EFI_SIZE	SZ_512
#define FW_SIZE		SZ_8K
#define PCIR		0x40
#define BIT_TABLE	0x100
#define FALCON_DATA	0x180
#define TABLE		0x80		/* in the firmware image */
#define DESC		0x100
#define DESC_SIZE	44
#define SIGS		2
#define SIG_SIZE	384
#define UCODE		(DESC + DESC_SIZE + SIGS * SIG_SIZE)
#define IMEM_SIZE	0x400
#define DMEM_SIZE	0x2d0		/* no whole blocks, as on boards */

struct rom {
	u8 *data;
	u32 size;
	u32 at, efi, fw;	/* offsets of the images */
};

static void make_image(u8 *image, u32 size, u8 type, bool last)
{
	put_unaligned_le16(0xaa55, image);
	put_unaligned_le16(PCIR, image + 0x18);
	memcpy(image + PCIR, "PCIR", 4);
	put_unaligned_le16(0x10de, image + PCIR + 4);
	put_unaligned_le16(0x26b5, image + PCIR + 6);
	put_unaligned_le16(0x18, image + PCIR + 0x0a);
	put_unaligned_le16(size / 512, image + PCIR + 0x10);
	image[PCIR + 0x14] = type;
	image[PCIR + 0x15] = last ? 0x80 : 0;
}

static void make_bit(u8 *image, u32 table)
{
	u8 *bit = image + BIT_TABLE, sum = 0;
	unsigned int i;

	put_unaligned_le16(0xb8ff, bit);
	memcpy(bit + 2, "BIT", 4);
	put_unaligned_le16(0x100, bit + 6);
	bit[8] = 12;		/* header */
	bit[9] = 6;		/* a token */
	bit[10] = 2;		/* tokens */
	for (i = 0; i < 11; i++)
		sum += bit[i];
	bit[11] = -sum;

	bit[12] = 'i';
	bit[18] = 'p';
	bit[19] = 2;
	put_unaligned_le16(4, bit + 20);
	put_unaligned_le16(FALCON_DATA, bit + 22);
	put_unaligned_le32(table, image + FALCON_DATA);
}

static void make_desc(u8 *desc)
{
	put_unaligned_le32((DESC_SIZE + SIGS * SIG_SIZE) << 16 | 3 << 8 | 1, desc);
	put_unaligned_le32(IMEM_SIZE + DMEM_SIZE, desc + 4);
	put_unaligned_le32(0x10, desc + 8);		/* signature, in data */
	put_unaligned_le32(0x40, desc + 12);		/* interfaces, in data */
	put_unaligned_le32(IMEM_SIZE, desc + 20);
	put_unaligned_le32(DMEM_SIZE, desc + 32);
	put_unaligned_le16(0x400, desc + 36);
	desc[38] = 9;
	desc[39] = SIGS;
	put_unaligned_le16(0x3, desc + 40);
}

static void make_firmware(u8 *image, u32 pointer_base)
{
	u8 *table = image + TABLE;

	memcpy(table, "\x01\x06\x06\x02\x03\x2c", 6);
	table[6] = 0x01;				/* some other program */
	put_unaligned_le32(pointer_base, table + 8);
	table[12] = 0x85;				/* FWSEC, production */
	put_unaligned_le32(pointer_base + DESC, table + 14);
	make_desc(image + DESC);
	memset(image + DESC + DESC_SIZE, 0xa0, SIG_SIZE);
	memset(image + DESC + DESC_SIZE + SIG_SIZE, 0xa1, SIG_SIZE);
	memset(image + UCODE, 0xc0, IMEM_SIZE);
	memset(image + UCODE + IMEM_SIZE, 0xd0, DMEM_SIZE);
}

/* @lead bytes are left in front of the first image */
static struct rom make_rom(struct kunit *test, u32 lead, bool efi)
{
	u32 hole = efi ? EFI_SIZE : 0;
	struct rom rom = {
		.at = lead,
		.efi = lead + AT_SIZE,
		.fw = lead + AT_SIZE + hole,
		.size = lead + AT_SIZE + hole + FW_SIZE,
	};

	rom.data = kunit_kzalloc(test, rom.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rom.data);
	make_image(rom.data + rom.at, AT_SIZE, 0, false);
	if (efi)
		make_image(rom.data + rom.efi, EFI_SIZE, 3, false);
	make_image(rom.data + rom.fw, FW_SIZE, 0xe0, true);
	/* behind the image for the PC BIOS comes, for a pointer, the firmware image */
	make_bit(rom.data + rom.at, AT_SIZE + TABLE);
	make_firmware(rom.data + rom.fw, AT_SIZE);
	return rom;
}

static u32 read_rom(void *ctx, u32 offset)
{
	const struct rom *rom = ctx;

	/* past its end a ROM reads as ones */
	return offset + 4 <= rom->size ? get_unaligned_le32(rom->data + offset) : ~0;
}

static int find_images(struct rom *rom, struct nvgpu_vbios *vbios)
{
	return nvgpu_vbios_find_images(vbios, read_rom, rom, SZ_1M);
}

static void expect_why(struct kunit *test, const struct nvgpu_vbios *vbios, const char *text)
{
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(vbios->why, text), "\"%s\" has no \"%s\"",
				  vbios->why, text);
}

/* the whole of @rom is a VBIOS, and has FWSEC */
static void check_fwsec(struct kunit *test, struct rom *rom, u32 expansion)
{
	struct nvgpu_vbios_fwsec f = {};
	struct nvgpu_vbios vbios;

	KUNIT_ASSERT_EQ(test, 0, find_images(rom, &vbios));
	KUNIT_EXPECT_STREQ(test, vbios.why, "");
	KUNIT_EXPECT_EQ(test, vbios.start, rom->at);
	KUNIT_EXPECT_EQ(test, vbios.size, rom->size - rom->at);
	KUNIT_EXPECT_EQ(test, vbios.expansion, expansion);
	KUNIT_EXPECT_EQ(test, vbios.device, 0x26b5);

	KUNIT_ASSERT_EQ(test, 0, nvgpu_vbios_find_fwsec(&vbios, rom->data + rom->at, &f));
	KUNIT_EXPECT_PTR_EQ(test, f.code, rom->data + rom->fw + UCODE);
	KUNIT_EXPECT_PTR_EQ(test, f.data, f.code + IMEM_SIZE);
	KUNIT_EXPECT_PTR_EQ(test, f.sigs, rom->data + rom->fw + DESC + DESC_SIZE);
	KUNIT_EXPECT_EQ(test, f.imem_size, IMEM_SIZE);
	KUNIT_EXPECT_EQ(test, f.dmem_size, DMEM_SIZE);
	KUNIT_EXPECT_EQ(test, f.pkc_offset, 0x10);
	KUNIT_EXPECT_EQ(test, f.interface_offset, 0x40);
	KUNIT_EXPECT_EQ(test, f.num_sigs, SIGS);
	KUNIT_EXPECT_EQ(test, f.sig_versions, 0x3);
	KUNIT_EXPECT_EQ(test, f.engine_mask, 0x400);
	KUNIT_EXPECT_EQ(test, f.ucode_id, 9);
}

static void vbios_plain(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, false);

	check_fwsec(test, &rom, 0);
}

static void vbios_efi_image_between(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, true);

	check_fwsec(test, &rom, EFI_SIZE);
}

/* header of commands in front, first layout: its size leads to the offset of the images */
static void vbios_ifr_fixed(struct kunit *test)
{
	struct rom rom = make_rom(test, SZ_512, false);

	memcpy(rom.data, "NVGI", 4);
	/* bit 31 is not part of the size; boards have it set */
	put_unaligned_le32(BIT(31) | 0x20 << 16 | 1 << 8, rom.data + 4);
	put_unaligned_le32(SZ_512, rom.data + 0x24);
	check_fwsec(test, &rom, 0);
}

static struct rom make_rom_with_directory(struct kunit *test)
{
	const u32 lead = 0x1000 + SZ_1K;
	struct rom rom = make_rom(test, lead, true);

	memcpy(rom.data, "NVGI", 4);
	put_unaligned_le32(3 << 8, rom.data + 4);
	put_unaligned_le32(0x40, rom.data + 8);
	put_unaligned_le32(0x80, rom.data + 0x40);
	memcpy(rom.data + 0x1080, "RFRD", 4);
	put_unaligned_le32(lead, rom.data + 0x1088);
	return rom;
}

/* third layout: 4 KiB behind its status word is a directory that has the offset */
static void vbios_ifr_directory(struct kunit *test)
{
	struct rom rom = make_rom_with_directory(test);

	check_fwsec(test, &rom, EFI_SIZE);
}

static void vbios_bad_ifr(struct kunit *test)
{
	struct rom rom = make_rom_with_directory(test);
	struct nvgpu_vbios vbios;

	put_unaligned_le32(0x1000 + SZ_1K + 2, rom.data + 0x1088);
	KUNIT_EXPECT_EQ(test, -ENODEV, find_images(&rom, &vbios));
	expect_why(test, &vbios, "images at 0x1402");
	put_unaligned_le32(SZ_1M, rom.data + 0x1088);
	KUNIT_EXPECT_EQ(test, -ENODEV, find_images(&rom, &vbios));
	expect_why(test, &vbios, "images at 0x100000");
	rom.data[0x1080] = 'X';
	KUNIT_EXPECT_EQ(test, -ENODEV, find_images(&rom, &vbios));
	expect_why(test, &vbios, "directory at 0x1080");
	put_unaligned_le32(0xffffefff, rom.data + 0x40);
	KUNIT_EXPECT_EQ(test, -ENODEV, find_images(&rom, &vbios));
	expect_why(test, &vbios, "directory at 0xffffffff is 0xffffffff");
	put_unaligned_le32(0xfffff800, rom.data + 0x40);
	KUNIT_EXPECT_EQ(test, -ENODEV, find_images(&rom, &vbios));
	expect_why(test, &vbios, "status of the flash at 0xfffff800");
	put_unaligned_le32(4 << 8, rom.data + 4);
	KUNIT_EXPECT_EQ(test, -ENODEV, find_images(&rom, &vbios));
	expect_why(test, &vbios, "version 4");
}

/* NVIDIA's extension of the image header has the size and the last mark that count */
static void vbios_npde(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, false);
	u8 *npde = rom.data + ALIGN(PCIR + 0x18, 16);
	struct nvgpu_vbios vbios;

	memcpy(npde, "NPDE", 4);
	put_unaligned_le16(0x100, npde + 4);
	put_unaligned_le16(0x0b, npde + 6);
	put_unaligned_le16(AT_SIZE / 512, npde + 8);
	/* what the older header says is for a BIOS that knows no sub-images */
	put_unaligned_le16(rom.size / 512, rom.data + PCIR + 0x10);
	rom.data[PCIR + 0x15] = 0x80;
	check_fwsec(test, &rom, 0);

	/* too short to have the mark: images smaller than the older header says are not the last */
	put_unaligned_le16(10, npde + 6);
	check_fwsec(test, &rom, 0);
	put_unaligned_le16(0x0b, npde + 6);

	npde[0x0a] = 0x80;
	KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
	KUNIT_EXPECT_EQ(test, vbios.size, AT_SIZE);

	/* of a revision that is not known */
	put_unaligned_le16(0x102, npde + 4);
	put_unaligned_le16(AT_SIZE / 512, rom.data + PCIR + 0x10);
	rom.data[PCIR + 0x15] = 0;
	check_fwsec(test, &rom, 0);
}

/* signatures that some images have in place of the usual ones */
static void vbios_other_signatures(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, true);

	put_unaligned_le16(0xbb77, rom.data + rom.efi);
	memcpy(rom.data + rom.efi + PCIR, "RGIS", 4);
	put_unaligned_le16(0x4e56, rom.data + rom.fw);
	memcpy(rom.data + rom.fw + PCIR, "NPDS", 4);
	check_fwsec(test, &rom, EFI_SIZE);
}

/* only the first image of its kind counts, and a firmware image before it does not */
static void vbios_order_of_images(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, true);
	struct nvgpu_vbios vbios;

	make_image(rom.data + rom.efi, EFI_SIZE, 0, false);
	check_fwsec(test, &rom, EFI_SIZE);
	make_image(rom.data, AT_SIZE, 0xe0, false);
	make_image(rom.data + rom.efi, EFI_SIZE, 3, false);
	KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
	KUNIT_EXPECT_EQ(test, vbios.expansion, 0);
}

/* pointers that stay in the first image are not moved, those that leave it do not wrap */
static void vbios_pointers(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, true);
	struct nvgpu_vbios vbios;
	struct nvgpu_vbios_fwsec f;

	KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
	/* the table in the first image, FWSEC where it was */
	memcpy(rom.data + 0x200, rom.data + rom.fw + TABLE, 18);
	put_unaligned_le32(0x200, rom.data + FALCON_DATA);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_vbios_find_fwsec(&vbios, rom.data, &f));
	put_unaligned_le32(0xffffffff, rom.data + 0x200 + 14);
	KUNIT_EXPECT_EQ(test, -ENODEV, nvgpu_vbios_find_fwsec(&vbios, rom.data, &f));
	expect_why(test, &vbios, "descriptor at 0x1000001ff");
	put_unaligned_le32(0xffffffff, rom.data + FALCON_DATA);
	KUNIT_EXPECT_EQ(test, -ENODEV, nvgpu_vbios_find_fwsec(&vbios, rom.data, &f));
	expect_why(test, &vbios, "programs at 0x1000001ff");
}

/* something that looks like BIT comes before it, or is cut off by the end */
static void vbios_other_bit(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, false);
	struct nvgpu_vbios vbios;
	struct nvgpu_vbios_fwsec f;
	u8 *end;

	KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
	memcpy(rom.data + 0xc0, rom.data + BIT_TABLE, 12);
	rom.data[0xc0 + 10] = 0;
	KUNIT_EXPECT_EQ(test, 0, nvgpu_vbios_find_fwsec(&vbios, rom.data, &f));
	/* a header of a byte has a sum of 0 where that byte is 0: it is none all the same */
	memset(rom.data + 0xc0, 0, 12);
	memcpy(rom.data + 0xc0, "\xff\xb8\x42IT", 5);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_vbios_find_fwsec(&vbios, rom.data, &f));

	end = kunit_kzalloc(test, 64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, end);
	memcpy(end + 52, rom.data + BIT_TABLE, 12);
	end[52 + 8] = 0xff;
	vbios.size = 64;
	KUNIT_EXPECT_EQ(test, -ENODEV, nvgpu_vbios_find_fwsec(&vbios, end, &f));
	expect_why(test, &vbios, "no BIT");
}

/* images end where no further one is, or where the ROM does; what was found before is of use */
static void vbios_open_end(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, false);
	struct nvgpu_vbios_fwsec f;
	struct nvgpu_vbios vbios;

	/* no last mark: the next image is ones */
	rom.data[rom.fw + PCIR + 0x15] = 0;
	check_fwsec(test, &rom, 0);

	put_unaligned_le16(0xffff, rom.data + rom.fw + PCIR + 0x10);
	KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
	KUNIT_EXPECT_EQ(test, vbios.size, SZ_1M);

	/* a few bytes are left, too few for one */
	KUNIT_ASSERT_EQ(test, 0, nvgpu_vbios_find_images(&vbios, read_rom, &rom, AT_SIZE + 8));
	KUNIT_EXPECT_EQ(test, vbios.size, AT_SIZE);
	KUNIT_EXPECT_STREQ(test, vbios.end, "image at 0x400, expected below 0x408");

	rom.data[rom.fw + PCIR] = 'X';
	KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
	KUNIT_EXPECT_EQ(test, vbios.size, AT_SIZE);
	KUNIT_EXPECT_EQ(test, -ENODEV, nvgpu_vbios_find_fwsec(&vbios, rom.data, &f));
	expect_why(test, &vbios, "images end at 0x400; image at 0x400 has PCI data 0x52494358");
}

static void vbios_no_rom(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, false);
	struct nvgpu_vbios vbios;

	/* an image of no size would be looked at for ever */
	put_unaligned_le16(0, rom.data + PCIR + 0x10);
	KUNIT_EXPECT_EQ(test, -ENODEV, find_images(&rom, &vbios));
	expect_why(test, &vbios, "size 0");

	rom.data[PCIR] = 'X';
	KUNIT_EXPECT_EQ(test, -ENODEV, find_images(&rom, &vbios));
	expect_why(test, &vbios, "0x52494358");
	put_unaligned_le16(0, rom.data);
	KUNIT_EXPECT_EQ(test, -ENODEV, find_images(&rom, &vbios));
	expect_why(test, &vbios, "signature 0");
}

struct fwsec_case {
	const char *name;
	u32 offset;		/* in the ROM without EFI image */
	u32 value;
	unsigned int bytes;
	const char *why;
};

#define IN_DESC(x)	(AT_SIZE + DESC + (x))

static const struct fwsec_case fwsec_cases[] = {
	{ "no BIT", BIT_TABLE + 2, 'X', 1, "no BIT" },
	{ "token too small", BIT_TABLE + 9, 5, 1, "token size 5" },
	{ "falcon data of 3 bytes", BIT_TABLE + 20, 3, 2, "no token" },
	{ "table header too small", AT_SIZE + TABLE + 1, 5, 1, "header size 5" },
	{ "no token for falcons", BIT_TABLE + 18, 'x', 1, "no token" },
	{ "token of another version", BIT_TABLE + 19, 1, 1, "no token" },
	{ "falcon data nowhere", BIT_TABLE + 22, 0xfffe, 2, "falcon data at 0xfffe" },
	{ "pointer to nowhere", FALCON_DATA, 0xfffffff0, 4, "programs at 0xfffffff0" },
	{ "table of another version", AT_SIZE + TABLE, 2, 1, "version 2" },
	{ "table without entries", AT_SIZE + TABLE + 3, 0, 1, "no FWSEC" },
	{ "entries too small", AT_SIZE + TABLE + 2, 5, 1, "entry size 5" },
	{ "only FWSEC for debug boards", AT_SIZE + TABLE + 12, 0x45, 1, "no FWSEC" },
	{ "description nowhere", AT_SIZE + TABLE + 14, 0xffffffff, 4, "descriptor at 0xffffffff" },
	{ "description of Turing", IN_DESC(1), 2, 1, "version 2" },
	{ "description not valid", IN_DESC(0), 0, 1, "version 0" },
	{ "description shorter than itself", IN_DESC(2), 1, 2, "room for 0" },
	{ "no signatures", IN_DESC(39), 0, 1, "0 signatures" },
	{ "code beyond the end", IN_DESC(20), FW_SIZE, 4, "IMEM load size 0x2000" },
	{ "code size wraps", IN_DESC(20), 0xffffff00, 4, "IMEM load size 0xffffff00" },
	{ "no code", IN_DESC(20), 0, 4, "IMEM load size 0" },
	{ "data beyond the end", IN_DESC(32), FW_SIZE, 4, "DMEM 0x2000" },
	{ "data too small for a signature", IN_DESC(32), 0x100, 4, "DMEM load size 0x100" },
	{ "signature beyond the data", IN_DESC(8), DMEM_SIZE - SIG_SIZE + 1, 4, "0x151 of DMEM" },
	{ "signature far beyond the data", IN_DESC(8), 0xffffffff, 4, "0xffffffff of DMEM" },
	{ "code to half a block", IN_DESC(16), 128, 4, "IMEM physical base 0x80" },
	{ "code at half a block", IN_DESC(24), 128, 4, "IMEM virtual base 0x80" },
	{ "data to half a block", IN_DESC(28), 128, 4, "DMEM physical base 0x80" },
	{ "data to the end of all addresses", IN_DESC(28), 0xffffff00, 4, "base 0xffffff00" },
};

KUNIT_ARRAY_PARAM_DESC(fwsec, fwsec_cases, name);

static void vbios_bad_fwsec(struct kunit *test)
{
	const struct fwsec_case *c = test->param_value;
	struct rom rom = make_rom(test, 0, false);
	struct nvgpu_vbios vbios;
	struct nvgpu_vbios_fwsec f;
	unsigned int i;

	for (i = 0; i < c->bytes; i++)
		rom.data[c->offset + i] = c->value >> 8 * i;
	KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
	KUNIT_EXPECT_EQ(test, -ENODEV, nvgpu_vbios_find_fwsec(&vbios, rom.data, &f));
	expect_why(test, &vbios, c->why);
}

/* other drivers boot with all of these */
static const struct fwsec_case fwsec_good_cases[] = {
	{ "data of a byte less than blocks", IN_DESC(32), 0x2ff, 4 },
	{ "data of a byte more than blocks", IN_DESC(32), 0x201, 4 },
	{ "code of half a block", IN_DESC(20), IMEM_SIZE - 128, 4 },
	{ "checksum of BIT", BIT_TABLE + 11, 0, 1 },
	{ "more signatures than there is room", IN_DESC(39), 200, 1 },
	{ "FWSEC as older boards call it", AT_SIZE + TABLE + 12, 0x05, 1 },
	{ "stored size of whole blocks", IN_DESC(4), 0x800, 4 },
	{ "an entry that leads nowhere first", AT_SIZE + TABLE + 6, 0x85, 1 },
};

KUNIT_ARRAY_PARAM_DESC(fwsec_good, fwsec_good_cases, name);

static void vbios_good_fwsec(struct kunit *test)
{
	const struct fwsec_case *c = test->param_value;
	struct rom rom = make_rom(test, 0, false);
	struct nvgpu_vbios vbios;
	struct nvgpu_vbios_fwsec f;
	unsigned int i;

	for (i = 0; i < c->bytes; i++)
		rom.data[c->offset + i] = c->value >> 8 * i;
	KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
	KUNIT_EXPECT_EQ_MSG(test, 0, nvgpu_vbios_find_fwsec(&vbios, rom.data, &f), "%s",
			    vbios.why);
	KUNIT_EXPECT_STREQ(test, vbios.why, "");
	KUNIT_EXPECT_LE(test, f.num_sigs, SIGS);
}

/* wherever the ROM is cut off, nothing behind the cut is looked at: that is for KASAN to see */
static void vbios_cut_off(struct kunit *test)
{
	struct rom rom = make_rom(test, 0, false);
	const u32 end = rom.fw + UCODE + IMEM_SIZE + DMEM_SIZE;
	struct nvgpu_vbios vbios;
	struct nvgpu_vbios_fwsec f;
	u32 size;
	u8 *cut;

	for (size = 61; size < rom.size; size += 61) {
		cut = kmemdup(rom.data, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, cut);
		KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
		vbios.size = size;
		KUNIT_EXPECT_EQ(test, size < end ? -ENODEV : 0,
				nvgpu_vbios_find_fwsec(&vbios, cut, &f));
		kfree(cut);
	}
}

/* the fuse counts up; each bit of the versions is a version that has a signature, in order */
static void vbios_signature(struct kunit *test)
{
	struct nvgpu_vbios_fwsec f = { .num_sigs = 3, .sig_versions = 0xb };

	KUNIT_EXPECT_EQ(test, 0, nvgpu_vbios_fwsec_signature(&f, 0));
	KUNIT_EXPECT_EQ(test, 1, nvgpu_vbios_fwsec_signature(&f, 0x1));
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_vbios_fwsec_signature(&f, 0x3));
	KUNIT_EXPECT_EQ(test, 2, nvgpu_vbios_fwsec_signature(&f, 0x7));
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_vbios_fwsec_signature(&f, 0xf));
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_vbios_fwsec_signature(&f, 0xffff));
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_vbios_fwsec_signature(&f, 0xffffffff));
	f.num_sigs = 2;
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_vbios_fwsec_signature(&f, 0x7));
}

/* a copy of a ROM that has what was needed of it, and how many bytes that were */
struct part_of_rom {
	const struct rom *rom;
	u8 *data;
	bool *known;
	u32 bytes;
};

static void need_rom(void *ctx, u32 offset, u32 len)
{
	struct part_of_rom *part = ctx;

	for (offset += part->rom->at; len--; offset++) {
		part->data[offset] = part->rom->data[offset];
		part->bytes += !part->known[offset];
		part->known[offset] = true;
	}
}

/* nothing is looked at that was not asked for before; that is little besides FWSEC */
static void vbios_needs_little(struct kunit *test)
{
	struct rom rom = make_rom(test, SZ_512, true);
	u32 size = SIGS * SIG_SIZE + IMEM_SIZE + DMEM_SIZE;
	struct part_of_rom part = { .rom = &rom };
	struct nvgpu_vbios_fwsec f;
	struct nvgpu_vbios vbios;

	memcpy(rom.data, "NVGI", 4);
	put_unaligned_le32(0x20 << 16 | 1 << 8, rom.data + 4);
	put_unaligned_le32(SZ_512, rom.data + 0x24);
	part.data = kunit_kzalloc(test, rom.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, part.data);
	part.known = kunit_kcalloc(test, rom.size, sizeof(*part.known), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, part.known);

	KUNIT_ASSERT_EQ(test, 0, find_images(&rom, &vbios));
	vbios.need = need_rom;
	vbios.ctx = &part;
	KUNIT_ASSERT_EQ(test, 0, nvgpu_vbios_find_fwsec(&vbios, part.data + rom.at, &f));
	KUNIT_EXPECT_MEMEQ(test, f.sigs, rom.data + rom.fw + DESC + DESC_SIZE, size);
	KUNIT_EXPECT_LE(test, part.bytes, size + BIT_TABLE + 128);
}

static struct kunit_case vbios_test_cases[] = {
	KUNIT_CASE(vbios_plain),
	KUNIT_CASE(vbios_efi_image_between),
	KUNIT_CASE(vbios_ifr_fixed),
	KUNIT_CASE(vbios_ifr_directory),
	KUNIT_CASE(vbios_bad_ifr),
	KUNIT_CASE(vbios_npde),
	KUNIT_CASE(vbios_other_signatures),
	KUNIT_CASE(vbios_order_of_images),
	KUNIT_CASE(vbios_pointers),
	KUNIT_CASE(vbios_other_bit),
	KUNIT_CASE(vbios_open_end),
	KUNIT_CASE(vbios_no_rom),
	KUNIT_CASE_PARAM(vbios_bad_fwsec, fwsec_gen_params),
	KUNIT_CASE_PARAM(vbios_good_fwsec, fwsec_good_gen_params),
	KUNIT_CASE(vbios_cut_off),
	KUNIT_CASE(vbios_signature),
	KUNIT_CASE(vbios_needs_little),
	{}
};

static struct kunit_suite vbios_suite = {
	.name = "nvkm_vgpu_vbios",
	.test_cases = vbios_test_cases,
};

kunit_test_suite(vbios_suite);
