// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/elf.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "boot/firmware.h"

/* ---- a program for SEC2, with the offsets of NVIDIA's files and less content ----------------- */

#define HS_HEADER	0x18
#define HS_SIGS		0x3c
#define HS_SIG_SIZE	384
#define HS_NUM_SIGS	2
#define HS_WORDS	(HS_SIGS + HS_NUM_SIGS * HS_SIG_SIZE)	/* patch loc, patch sig, number */
#define HS_META		(HS_WORDS + 12)
#define HS_LOAD		(HS_META + 12)
#define HS_DATA		0x378
#define HS_CODE_SIZE	0x400
#define HS_DMEM		0x500
#define HS_DMEM_SIZE	0x300
#define HS_DATA_SIZE	(HS_DMEM + HS_DMEM_SIZE)
#define HS_SIZE		(HS_DATA + HS_DATA_SIZE)

static void put_words(u8 *to, const u32 *words, unsigned int n)
{
	while (n--)
		put_unaligned_le32(words[n], to + 4 * n);
}

static u8 *make_hs(struct kunit *test)
{
	static const u32 bin[] = { 0x10de, 1, HS_SIZE, HS_HEADER, HS_DATA, HS_DATA_SIZE };
	static const u32 header[] = {
		HS_SIGS, HS_NUM_SIGS * HS_SIG_SIZE, HS_WORDS, HS_WORDS + 4, HS_META, 12,
		HS_WORDS + 8, HS_LOAD, 36,
	};
	static const u32 words[] = { HS_DMEM + 0x10, 0, HS_NUM_SIGS };
	static const u32 meta[] = { 1, 1, 3 };
	static const u32 load[] = {
		0, 0x100, HS_DMEM, HS_DMEM_SIZE, 1, 0x100, HS_CODE_SIZE, HS_DMEM, 0,
	};
	u8 *file = kunit_kzalloc(test, HS_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, file);
	put_words(file, bin, ARRAY_SIZE(bin));
	put_words(file + HS_HEADER, header, ARRAY_SIZE(header));
	put_words(file + HS_WORDS, words, ARRAY_SIZE(words));
	put_words(file + HS_META, meta, ARRAY_SIZE(meta));
	put_words(file + HS_LOAD, load, ARRAY_SIZE(load));
	return file;
}

static void firmware_hs(struct kunit *test)
{
	u8 *file = make_hs(test);
	struct nvgpu_fw_hs hs = {};
	const char *part = NULL;

	KUNIT_ASSERT_EQ(test, 0, nvgpu_fw_parse_hs(file, HS_SIZE, &hs, &part));
	KUNIT_EXPECT_PTR_EQ(test, hs.data, file + HS_DATA);
	KUNIT_EXPECT_EQ(test, hs.data_size, HS_DATA_SIZE);
	KUNIT_EXPECT_EQ(test, hs.code_offset, 0x100);
	KUNIT_EXPECT_EQ(test, hs.code_size, HS_CODE_SIZE);
	KUNIT_EXPECT_EQ(test, hs.dmem_offset, HS_DMEM);
	KUNIT_EXPECT_EQ(test, hs.dmem_size, HS_DMEM_SIZE);
	KUNIT_EXPECT_EQ(test, hs.sig_dmem, 0x10);
	KUNIT_EXPECT_PTR_EQ(test, hs.sigs, file + HS_SIGS);
	KUNIT_EXPECT_EQ(test, hs.sig_size, HS_SIG_SIZE);
	KUNIT_EXPECT_EQ(test, hs.num_sigs, HS_NUM_SIGS);
	KUNIT_EXPECT_EQ(test, hs.fuse_version, 1);
	KUNIT_EXPECT_EQ(test, hs.engine_mask, 1);
	KUNIT_EXPECT_EQ(test, hs.ucode_id, 3);
}

struct hs_case {
	const char *name;
	u32 offset;
	u32 value;
	const char *part;
};

static const struct hs_case hs_cases[] = {
	{ "magic", 0, 0x10df, "file header" },
	{ "version", 4, 2, "file header" },
	{ "header outside", 12, HS_SIZE - 8, "header" },
	{ "header far outside", 12, 0xfffffff8, "header" },
	{ "data outside", 16, HS_SIZE, "data" },
	{ "data size wraps", 20, 0xffffffff, "data" },
	{ "signatures outside", HS_HEADER, HS_SIZE - 8, "signatures" },
	{ "no signature bytes", HS_HEADER + 4, 0, "signatures" },
	{ "signatures not divisible", HS_HEADER + 4, 2 * HS_SIG_SIZE - 1, "signatures" },
	{ "pointer to patch location outside", HS_HEADER + 8, HS_SIZE - 3, "signatures" },
	{ "pointer to patch signature outside", HS_HEADER + 12, HS_SIZE, "signatures" },
	{ "metadata outside", HS_HEADER + 16, HS_SIZE - 4, "metadata" },
	{ "metadata too short", HS_HEADER + 20, 8, "metadata" },
	{ "pointer to number outside", HS_HEADER + 24, 0xffffffff, "signatures" },
	{ "load header outside", HS_HEADER + 28, HS_SIZE - 20, "load header" },
	{ "load header too short", HS_HEADER + 32, 16, "load header" },
	{ "patch location before data", HS_WORDS, HS_DMEM - 1, "signature location" },
	{ "patch location at the end", HS_WORDS, HS_DMEM + HS_DMEM_SIZE - 1, "signature location" },
	{ "patch signature outside", HS_WORDS + 4, HS_SIZE, "signatures" },
	{ "no signatures", HS_WORDS + 8, 0, "signatures" },
	{ "no application", HS_LOAD + 16, 0, "load header" },
	{ "no code", HS_LOAD + 24, 0, "code" },
	{ "code outside", HS_LOAD + 20, HS_DATA_SIZE, "code" },
	{ "code size wraps", HS_LOAD + 24, 0xffffff00, "code" },
	{ "initial data outside", HS_LOAD + 8, HS_DATA_SIZE, "initial data" },
	{ "no initial data", HS_LOAD + 12, 0, "initial data" },
};

KUNIT_ARRAY_PARAM_DESC(hs, hs_cases, name);

/* the operator is told which part of the file is wrong */
static void firmware_bad_hs(struct kunit *test)
{
	const struct hs_case *c = test->param_value;
	u8 *file = make_hs(test);
	struct nvgpu_fw_hs hs;
	const char *part = NULL;

	put_unaligned_le32(c->value, file + c->offset);
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_fw_parse_hs(file, HS_SIZE, &hs, &part));
	KUNIT_EXPECT_STREQ(test, part, c->part);
}

/* whole blocks are transferred, but sizes need not be whole blocks */
static void firmware_hs_sizes(struct kunit *test)
{
	u8 *file = make_hs(test);
	struct nvgpu_fw_hs hs;
	const char *part;

	put_unaligned_le32(HS_CODE_SIZE - 128, file + HS_LOAD + 24);
	put_unaligned_le32(HS_DMEM_SIZE - 1, file + HS_LOAD + 12);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_fw_parse_hs(file, HS_SIZE, &hs, &part));
	KUNIT_EXPECT_EQ(test, hs.code_size, HS_CODE_SIZE - 128);
	KUNIT_EXPECT_EQ(test, hs.dmem_size, HS_DMEM_SIZE - 1);
}

/* nothing behind the cut is looked at: that is for KASAN to see */
static void firmware_hs_cut_off(struct kunit *test)
{
	u8 *file = make_hs(test), *cut;
	struct nvgpu_fw_hs hs;
	const char *part;
	size_t size;

	for (size = 1; size < HS_SIZE; size += 37) {
		cut = kmemdup(file, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, cut);
		part = NULL;
		KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_fw_parse_hs(cut, size, &hs, &part));
		KUNIT_EXPECT_NOT_NULL(test, part);
		kfree(cut);
	}
}

/*
 * signatures are for the program's version, then one less, and so on; a board without fuse takes
 * the last
 */
static void firmware_hs_signature(struct kunit *test)
{
	struct nvgpu_fw_hs hs = { .num_sigs = 2, .fuse_version = 1 };

	KUNIT_EXPECT_EQ(test, 1, nvgpu_fw_hs_signature(&hs, 0));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_fw_hs_signature(&hs, 0x1));
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_fw_hs_signature(&hs, 0x3));
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_fw_hs_signature(&hs, 0xffffffff));

	hs.num_sigs = 3;
	hs.fuse_version = 4;
	KUNIT_EXPECT_EQ(test, 2, nvgpu_fw_hs_signature(&hs, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_fw_hs_signature(&hs, 0x1));
	KUNIT_EXPECT_EQ(test, 2, nvgpu_fw_hs_signature(&hs, 0x3));
	KUNIT_EXPECT_EQ(test, 1, nvgpu_fw_hs_signature(&hs, 0x7));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_fw_hs_signature(&hs, 0xf));
}

/*
 * ---- the bootloader of the GSP's RISC-V core --------------------------------------------------
 */

#define RV_DESC		0x18
#define RV_DATA		0x6c
#define RV_DATA_SIZE	0x900
#define RV_SIZE		(RV_DATA + RV_DATA_SIZE)

static u8 *make_riscv(struct kunit *test)
{
	static const u32 bin[] = { 0x10de, 1, RV_SIZE, RV_DESC, RV_DATA, RV_DATA_SIZE };
	static const u32 desc[] = {
		5, 0, 0, 0, 0, 0, 0, 7,		/* version ... application version */
		0, 0x80,			/* manifest */
		0x80, 0x400,			/* initial data */
		0x480, 0x480,			/* code */
	};
	u8 *file = kunit_kzalloc(test, RV_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, file);
	put_words(file, bin, ARRAY_SIZE(bin));
	put_words(file + RV_DESC, desc, ARRAY_SIZE(desc));
	return file;
}

static void firmware_riscv(struct kunit *test)
{
	u8 *file = make_riscv(test);
	struct nvgpu_fw_riscv riscv = {};
	const char *part = NULL;

	KUNIT_ASSERT_EQ(test, 0, nvgpu_fw_parse_riscv(file, RV_SIZE, &riscv, &part));
	KUNIT_EXPECT_PTR_EQ(test, riscv.data, file + RV_DATA);
	KUNIT_EXPECT_EQ(test, riscv.size, RV_DATA_SIZE);
	KUNIT_EXPECT_EQ(test, riscv.code, 0x480);
	KUNIT_EXPECT_EQ(test, riscv.code_data, 0x80);
	KUNIT_EXPECT_EQ(test, riscv.manifest, 0);
	KUNIT_EXPECT_EQ(test, riscv.app_version, 7);
}

static const struct hs_case riscv_cases[] = {
	{ "magic", 0, 0, "file header" },
	{ "descriptor version", RV_DESC, 4, "RISC-V descriptor" },
	{ "manifest outside", RV_DESC + 32, RV_DATA_SIZE, "manifest" },
	{ "initial data outside", RV_DESC + 40, RV_DATA_SIZE, "initial data" },
	{ "code outside", RV_DESC + 48, 0x481, "code" },
	{ "code size wraps", RV_DESC + 52, 0xffffffff, "code" },
};

KUNIT_ARRAY_PARAM_DESC(riscv, riscv_cases, name);

static void firmware_bad_riscv(struct kunit *test)
{
	const struct hs_case *c = test->param_value;
	u8 *file = make_riscv(test);
	struct nvgpu_fw_riscv riscv;
	const char *part = NULL;

	put_unaligned_le32(c->value, file + c->offset);
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_fw_parse_riscv(file, RV_SIZE, &riscv, &part));
	KUNIT_EXPECT_STREQ(test, part, c->part);
}

/* ---- GSP-RM's ELF file ----------------------------------------------------------------------- */

#define ELF_NAMES	0x40
#define ELF_VERSION	0x100
#define ELF_GA10X	0x140
#define ELF_AD10X	0x180
#define ELF_SIG_SIZE	0x40
#define ELF_SECTIONS	0x200
#define ELF_IMAGE	0x1000
#define ELF_SIZE	(ELF_IMAGE + 2 * SZ_4K)

static const char elf_names[] =
	"\0.shstrtab\0.fwversion\0.fwsignature_ga10x\0.fwsignature_ad10x\0.fwimage";

enum { SEC_NULL, SEC_NAMES, SEC_VERSION, SEC_GA10X, SEC_AD10X, SEC_IMAGE, SEC_COUNT };

static const struct {
	u32 name, offset, size;
} elf_sections[SEC_COUNT] = {
	[SEC_NAMES] = { 1, ELF_NAMES, sizeof(elf_names) },
	[SEC_VERSION] = { 11, ELF_VERSION, 8 },
	[SEC_GA10X] = { 22, ELF_GA10X, ELF_SIG_SIZE },
	[SEC_AD10X] = { 41, ELF_AD10X, ELF_SIG_SIZE },
	[SEC_IMAGE] = { 60, ELF_IMAGE, 2 * SZ_4K },
};

struct elf_file {
	u8 *data;
	struct elf64_hdr *header;
	struct elf64_shdr *sections;
};

static struct elf_file make_elf(struct kunit *test)
{
	struct elf_file elf;
	unsigned int i;

	elf.data = kunit_kzalloc(test, ELF_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, elf.data);
	elf.header = (void *)elf.data;
	elf.sections = (void *)(elf.data + ELF_SECTIONS);

	memcpy(elf.header->e_ident, ELFMAG, SELFMAG);
	elf.header->e_ident[EI_CLASS] = ELFCLASS64;
	elf.header->e_ident[EI_DATA] = ELFDATA2LSB;
	elf.header->e_shoff = ELF_SECTIONS;
	elf.header->e_shentsize = sizeof(*elf.sections);
	elf.header->e_shnum = SEC_COUNT;
	elf.header->e_shstrndx = SEC_NAMES;
	for (i = 0; i < SEC_COUNT; i++) {
		elf.sections[i].sh_name = elf_sections[i].name;
		elf.sections[i].sh_offset = elf_sections[i].offset;
		elf.sections[i].sh_size = elf_sections[i].size;
	}
	memcpy(elf.data + ELF_NAMES, elf_names, sizeof(elf_names));
	memcpy(elf.data + ELF_VERSION, "570.144", 8);
	return elf;
}

static void firmware_gsp(struct kunit *test)
{
	struct elf_file elf = make_elf(test);
	struct nvgpu_fw_gsp gsp = {};
	const char *part = NULL;
	const u8 *version;
	size_t size;

	KUNIT_ASSERT_EQ(test, 0, nvgpu_fw_parse_gsp(elf.data, ELF_SIZE, &gsp, &part));
	KUNIT_EXPECT_PTR_EQ(test, gsp.image, elf.data + ELF_IMAGE);
	KUNIT_EXPECT_EQ(test, gsp.image_size, 2 * SZ_4K);
	KUNIT_EXPECT_PTR_EQ(test, gsp.signature, elf.data + ELF_AD10X);
	KUNIT_EXPECT_EQ(test, gsp.signature_size, ELF_SIG_SIZE);

	KUNIT_ASSERT_EQ(test, 0, nvgpu_fw_elf_section(elf.data, ELF_SIZE, ".fwversion", &version,
						      &size, &part));
	KUNIT_EXPECT_EQ(test, size, 8);
	KUNIT_EXPECT_STREQ(test, version, "570.144");
}

static void expect_bad_elf(struct kunit *test, const struct elf_file *elf, size_t size,
			   const char *want)
{
	struct nvgpu_fw_gsp gsp;
	const char *part = NULL;

	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_fw_parse_gsp(elf->data, size, &gsp, &part));
	KUNIT_EXPECT_STREQ(test, part, want);
}

static void firmware_bad_elf_header(struct kunit *test)
{
	struct elf_file elf = make_elf(test);

	elf.header->e_ident[EI_CLASS] = ELFCLASS32;
	expect_bad_elf(test, &elf, ELF_SIZE, "ELF header");
	elf.header->e_ident[EI_CLASS] = ELFCLASS64;

	elf.header->e_shentsize--;
	expect_bad_elf(test, &elf, ELF_SIZE, "ELF header");
	elf.header->e_shentsize++;

	elf.header->e_shoff = U64_MAX - 7;
	expect_bad_elf(test, &elf, ELF_SIZE, "section headers");
	elf.header->e_shoff = ELF_SECTIONS;

	elf.header->e_shnum = 0xffff;
	expect_bad_elf(test, &elf, ELF_SIZE, "section headers");
	elf.header->e_shnum = SEC_COUNT;

	elf.header->e_shstrndx = SEC_COUNT;
	expect_bad_elf(test, &elf, ELF_SIZE, "section headers");
	elf.header->e_shstrndx = SEC_NAMES;

	elf.sections[SEC_NAMES].sh_offset = ELF_SIZE;
	expect_bad_elf(test, &elf, ELF_SIZE, "section names");
}

static void firmware_bad_elf_section(struct kunit *test)
{
	struct elf_file elf = make_elf(test);

	elf.sections[SEC_AD10X].sh_name = elf.sections[SEC_GA10X].sh_name;
	expect_bad_elf(test, &elf, ELF_SIZE, ".fwsignature_ad10x");
	elf.sections[SEC_AD10X].sh_name = 0xffffffff;
	expect_bad_elf(test, &elf, ELF_SIZE, ".fwsignature_ad10x");

	elf.sections[SEC_IMAGE].sh_size = SZ_4K + 1;
	expect_bad_elf(test, &elf, ELF_SIZE, ".fwimage");
	elf.sections[SEC_IMAGE].sh_size = 0;
	expect_bad_elf(test, &elf, ELF_SIZE, ".fwimage");
	elf.sections[SEC_IMAGE].sh_size = U64_MAX - ELF_IMAGE + 1;
	expect_bad_elf(test, &elf, ELF_SIZE, ".fwimage");
	elf.sections[SEC_IMAGE].sh_size = 2 * SZ_4K;
	expect_bad_elf(test, &elf, ELF_SIZE - 1, ".fwimage");

	/* the last name is not terminated any more */
	elf.sections[SEC_NAMES].sh_size = sizeof(elf_names) - 1;
	expect_bad_elf(test, &elf, ELF_SIZE, ".fwimage");
}

static void firmware_elf_cut_off(struct kunit *test)
{
	struct elf_file elf = make_elf(test);
	struct nvgpu_fw_gsp gsp;
	const char *part;
	size_t size;
	u8 *cut;

	for (size = 1; size < ELF_SIZE; size += 53) {
		cut = kmemdup(elf.data, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, cut);
		KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_fw_parse_gsp(cut, size, &gsp, &part));
		kfree(cut);
	}
}

static struct kunit_case firmware_test_cases[] = {
	KUNIT_CASE(firmware_hs),
	KUNIT_CASE_PARAM(firmware_bad_hs, hs_gen_params),
	KUNIT_CASE(firmware_hs_sizes),
	KUNIT_CASE(firmware_hs_cut_off),
	KUNIT_CASE(firmware_hs_signature),
	KUNIT_CASE(firmware_riscv),
	KUNIT_CASE_PARAM(firmware_bad_riscv, riscv_gen_params),
	KUNIT_CASE(firmware_gsp),
	KUNIT_CASE(firmware_bad_elf_header),
	KUNIT_CASE(firmware_bad_elf_section),
	KUNIT_CASE(firmware_elf_cut_off),
	{}
};

static struct kunit_suite firmware_suite = {
	.name = "nvkm_vgpu_firmware",
	.test_cases = firmware_test_cases,
};

kunit_test_suite(firmware_suite);
