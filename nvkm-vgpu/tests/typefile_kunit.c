// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/crc32.h>
#include <linux/minmax.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fwabi/fwabi.h"
#include "vgpu/placement.h"
#include "vgpu/typefile.h"
#include "vgpu/types.h"

/*
 * A file of two boards with the types of each: the numbers are those of NVIDIA's RFC v2 (container)
 * and of NVIDIA's headers of release 570.144 (records).
 */
#define L40		0x26b5
#define L40_TYPES	22
#define L4		0x27b8
#define L4_TYPES	18

#define HEADER		232
#define BLOB		16
#define TYPES		56
#define STRUCT		96
#define RECORD		5224
#define PARAMS		(8 + 64 * RECORD)

#define L4_BLOB		HEADER
#define L4_SIZE		(BLOB + TYPES + L4_TYPES * STRUCT + PARAMS)
#define L40_BLOB	(L4_BLOB + L4_SIZE)
#define L40_HEADER	(L40_BLOB + BLOB)
#define L40_STRUCTS	(L40_HEADER + TYPES)
#define L40_PARAMS	(L40_STRUCTS + L40_TYPES * STRUCT)
#define L40_RECORD(n)	(L40_PARAMS + 8 + (n) * RECORD)
#define FILE_SIZE	(L40_PARAMS + PARAMS)

static const struct nvgpu_fwabi * const abi = &nvgpu_fwabi_r570_144;

static const struct nvgpu_geometry typefile_geo = {
	.fb_start = SZ_128M, .fb_total = 46068ULL * SZ_1M, .segment = SZ_128M, .num_chids = 2048,
};

static const struct nvgpu_typefile_board typefile_board = {
	.device = L40, .gib = 48, .bar1_size = SZ_2G, .geo = &typefile_geo,
};

static void fix_crc(u8 *file, size_t size)
{
	put_unaligned_le32(crc32_le(~0, file + 16, size - 16), file + 8);
}

static u8 *put_blob(struct kunit *test, u8 *at, u16 device, unsigned int num)
{
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);
	u8 *one = kunit_kzalloc(test, PARAMS, GFP_KERNEL);
	u8 *structs = at + BLOB + TYPES, *params = structs + num * STRUCT;
	const u64 words[] = {
		0, BLOB + TYPES + num * STRUCT + PARAMS,
		device, 8, RECORD, num * STRUCT, num, 0x20804003, PARAMS,
	};
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, types);
	KUNIT_ASSERT_NOT_NULL(test, one);
	KUNIT_ASSERT_EQ(test, nvgpu_types_build(device, types, NVGPU_MAX_TYPES), num);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		put_unaligned_le64(words[i], at + 8 * i);
	params[0] = 1;
	put_unaligned_le32(num, params + 4);
	for (i = 0; i < num; i++) {
		put_unaligned_le32(types[i].id, structs + i * STRUCT);
		memset(one, 0, PARAMS);
		abi->encode_add_types(one, &types[i], 1);
		memcpy(params + 8 + i * RECORD, one + 8, RECORD);
		/* a signature, which built-in types have not */
		memset(params + 8 + i * RECORD + 68, 0xa5 + i, 128);
	}
	return params + PARAMS;
}

static u8 *make_file(struct kunit *test)
{
	/* and 8 bytes behind it */
	u8 *file = kunit_kzalloc(test, FILE_SIZE + 8, GFP_KERNEL), *end;

	KUNIT_ASSERT_NOT_NULL(test, file);
	memcpy(file, "NVVGPUMT", 8);
	put_unaligned_le64(18, file + 16);
	put_unaligned_le64(1, file + 24);
	strscpy(file + 160, "570.144", 64);
	put_unaligned_le64(2, file + 224);
	end = put_blob(test, file + L4_BLOB, L4, L4_TYPES);
	KUNIT_ASSERT_PTR_EQ(test, end, file + L40_BLOB);
	end = put_blob(test, end, L40, L40_TYPES);
	KUNIT_ASSERT_PTR_EQ(test, end, file + FILE_SIZE);
	fix_crc(file, FILE_SIZE);
	return file;
}

static struct nvgpu_type *alloc_types(struct kunit *test)
{
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, types);
	return types;
}

static int parse(u8 *file, size_t size, struct nvgpu_type *types, char *why)
{
	why[0] = 0;
	return nvgpu_typefile_parse(file, size, abi, &typefile_board, types, why);
}

static void expect_same_type(struct kunit *test, const struct nvgpu_type *got,
			     const struct nvgpu_type *want)
{
	struct nvgpu_type type = *got;

	KUNIT_EXPECT_STREQ(test, got->name, want->name);
	KUNIT_EXPECT_STREQ(test, got->class_name, want->class_name);
	KUNIT_EXPECT_STREQ(test, got->license, want->license);
	/* all but these is numbers */
	memcpy(type.name, want->name, sizeof(type.name));
	type.class_name = want->class_name;
	type.license = want->license;
	type.info = want->info;
	KUNIT_EXPECT_MEMEQ_MSG(test, &type, want, sizeof(type), "%s", want->name);
}

/* the types of this board, and GSP-RM is told of each what is in the file, byte for byte */
static void typefile_good(struct kunit *test)
{
	struct nvgpu_type *types = alloc_types(test), *want = alloc_types(test);
	u8 *file = make_file(test), *msg = kunit_kzalloc(test, PARAMS, GFP_KERNEL);
	char why[NVGPU_TYPEFILE_WHY_MAX];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_ASSERT_EQ(test, abi->add_type.size, PARAMS);
	KUNIT_ASSERT_EQ_MSG(test, parse(file, FILE_SIZE, types, why), L40_TYPES, "%s", why);
	nvgpu_types_build(L40, want, NVGPU_MAX_TYPES);
	for (i = 0; i < L40_TYPES; i++) {
		expect_same_type(test, &types[i], &want[i]);
		KUNIT_EXPECT_PTR_EQ(test, types[i].info, file + L40_RECORD(i));
	}
	abi->encode_add_types(msg, types, L40_TYPES);
	KUNIT_EXPECT_EQ(test, msg[0], 1);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(msg + 4), L40_TYPES);
	for (i = 0; i < L40_TYPES; i++)
		KUNIT_EXPECT_MEMEQ(test, msg + 8 + i * RECORD, file + L40_RECORD(i), RECORD);
	KUNIT_EXPECT_NULL(test, memchr_inv(msg + 8 + i * RECORD, 0, PARAMS - 8 - i * RECORD));
}

/* a changed number of a type arrives; features and padding are nobody's business */
static void typefile_changed(struct kunit *test)
{
	struct nvgpu_type *types = alloc_types(test);
	char why[NVGPU_TYPEFILE_WHY_MAX];
	u8 *file = make_file(test);

	put_unaligned_le32(4000, file + L40_RECORD(7));
	put_unaligned_le32(4000, file + L40_STRUCTS + 7 * STRUCT);
	put_unaligned_le32(2, file + L40_RECORD(7) + 328);
	memset(file + 32, 0xff, 128);
	put_unaligned_le32(~0, file + 12);
	fix_crc(file, FILE_SIZE);
	KUNIT_ASSERT_EQ_MSG(test, parse(file, FILE_SIZE, types, why), L40_TYPES, "%s", why);
	KUNIT_EXPECT_EQ(test, types[7].id, 4000);
	KUNIT_EXPECT_STREQ(test, types[7].name, "NVIDIA L40-8Q");
	KUNIT_EXPECT_EQ(test, types[7].num_heads, 2);
}

struct typefile_case {
	const char *name;
	u32 offset;
	u8 size;
	u64 value;
	const char *why;
};

/* the eighth type is L40-8Q, 876: six of 8 GiB */
#define Q8(field)	(L40_RECORD(7) + (field))

static const struct typefile_case typefile_cases[] = {
	{ "magic", 7, 1, 'X', "header: magic is 'NVVGPUMX', expected 'NVVGPUMT'" },
	{ "major", 16, 8, 19, "header: vGPU release is 19.1, expected 18.1" },
	{ "minor", 24, 8, 0, "header: vGPU release is 18.0, expected 18.1" },
	{ "version", 166, 1, '5', "header: GSP version is '570.145', expected '570.144'" },
	{ "version longer", 167, 1, '0',
	  "header: GSP version is '570.1440', expected '570.144'" },
	{ "no blobs", 224, 8, 0, "file: size is 672904 bytes, expected 232, the end of blob 0" },
	{ "fewer blobs", 224, 8, 1,
	  "file: size is 672904 bytes, expected 336376, the end of blob 1" },
	{ "more blobs", 224, 8, 3,
	  "blob 2: rest of the file is 0x0, expected room for its headers" },
	{ "blob type", L40_BLOB, 8, 1, "blob 1: type is 0x1, expected 0, vGPU types" },
	{ "blob size 0", L40_BLOB + 8, 8, 0,
	  "blob 1: size is 0x0, expected a multiple of 8 that ends in the file" },
	{ "blob size", L40_BLOB + 8, 8, FILE_SIZE - L40_BLOB + 8,
	  "blob 1: size is 0x52298, expected a multiple of 8 that ends in the file" },
	{ "blob size odd", L4_BLOB + 8, 8, L4_SIZE - 4,
	  "blob 0: size is 0x5210c, expected a multiple of 8 that ends in the file" },
	{ "blob size huge", L40_BLOB + 8, 8, -8ULL,
	  "blob 1: size is 0xfffffffffffffff8, expected a multiple of 8 that ends in the file" },
	{ "another board", L40_HEADER, 8, 0x26b9,
	  "file: number of types is 0, expected some for device 0x26b5" },
	{ "board twice", L4_BLOB + BLOB, 8, L40,
	  "type 908: pdevId is 0x27b8, expected that of the board" },
	{ "info offset", L40_HEADER + 8, 8, 16,
	  "blob 1: info offset is 0x10, expected that of this firmware" },
	{ "info size", L40_HEADER + 16, 8, 4952,
	  "blob 1: info size is 0x1358, expected that of this firmware" },
	{ "structures", L40_HEADER + 24, 8, L40_TYPES * STRUCT + 8,
	  "blob 1: structures' size is 0x848, expected the rest of the blob" },
	{ "structures huge", L40_HEADER + 24, 8, -8ULL,
	  "blob 1: structures' size is 0xfffffffffffffff8, expected the rest of the blob" },
	{ "number", L40_HEADER + 32, 8, 23,
	  "blob 1: structures' size is 0x840, expected a multiple of 8 bytes for each type" },
	{ "number 0", L40_HEADER + 32, 8, 0, "blob 1: number of types is 0x0, expected 1 to 64" },
	{ "number 65", L40_HEADER + 32, 8, 65,
	  "blob 1: number of types is 0x41, expected 1 to 64" },
	{ "number of records", L40_PARAMS + 4, 4, 11,
	  "blob 1: control has another number of types, expected 22" },
	{ "too many records", L40_PARAMS + 4, 4, 65,
	  "blob 1: control has another number of types, expected 22" },
	{ "control", L40_HEADER + 40, 8, 0x20804004,
	  "blob 1: control is 0x20804004, expected that which adds types" },
	{ "control size", L40_HEADER + 48, 8, PARAMS - 8,
	  "blob 1: control's size is 0x51a00, expected that of this firmware" },
	{ "structure's id", L40_STRUCTS + 7 * STRUCT, 4, 877,
	  "structure 7: vgpu_type is 877, expected 876 as in the record" },
	{ "id 0", Q8(0), 4, 0, "type 0: vgpuType is 0x0, expected another number" },
	{ "id twice", Q8(0), 4, 870, "type 870: is there twice, as record 1 and 7" },
	{ "name empty", Q8(4), 1, 0, "type 876: vgpuName is 0x0, expected printable text" },
	{ "name with newline", Q8(4), 1, '\n',
	  "type 876: vgpuName is 0xa, expected printable text" },
	{ "instances 0", Q8(324), 4, 0, "type 876: maxInstance is 0x0, expected 1 to 32" },
	{ "instances 33", Q8(324), 4, 33, "type 876: maxInstance is 0x21, expected 1 to 32" },
	{ "instances 7", Q8(324), 4, 7,
	  "type 876: profileSize is 0x200000000, expected within a share of the board" },
	{ "heads", Q8(328), 4, 0, "type 876: numHeads is 0x0, expected at least 1" },
	{ "width", Q8(332), 4, 0, "type 876: maxResolutionX is 0x0, expected at least 1" },
	{ "height", Q8(336), 4, 0, "type 876: maxResolutionY is 0x0, expected at least 1" },
	{ "pixels", Q8(340), 4, 0, "type 876: maxPixels is 0x0, expected at least 1" },
	{ "cuda", Q8(348), 4, 2, "type 876: cudaEnabled is 0x2, expected 0 or 1" },
	{ "ecc", Q8(352), 4, 256, "type 876: eccSupported is 0x100, expected 0 or 1" },
	{ "MIG", Q8(356), 4, 1,
	  "type 876: gpuInstanceSize is 0x1, expected 0, without MIG" },
	{ "multi", Q8(360), 4, ~0U,
	  "type 876: multiVgpuSupported is 0xffffffff, expected 0 or 1" },
	{ "vdev large", Q8(368), 8, 0x126b51774,
	  "type 876: vdevId is 0x126b51774, expected two ids of 16 bits" },
	{ "vdev subsystem", Q8(368), 8, 0x26b50000,
	  "type 876: vdevId is 0x26b50000, expected two ids" },
	{ "pdev", Q8(376), 8, 0x26b9, "type 876: pdevId is 0x26b9, expected that of the board" },
	{ "pdev large", Q8(376), 8, 0x126b5,
	  "type 876: pdevId is 0x126b5, expected an id of 16 bits" },
	{ "profile 0", Q8(384), 8, 0, "type 876: profileSize is 0x0, expected whole GiB, not 0" },
	{ "profile odd", Q8(384), 8, 0x1e8000000,
	  "type 876: profileSize is 0x1e8000000, expected whole GiB, not 0" },
	{ "profile large", Q8(384), 8, 0x240000000,
	  "type 876: profileSize is 0x240000000, expected within a share of the board" },
	{ "profile huge", Q8(384), 8, 0xffffffffc0000000,
	  "type 876: profileSize is 0xffffffffc0000000, expected within a share of the board" },
	{ "framebuffer 0", Q8(392), 8, 0,
	  "type 876: fbLength is 0x0, expected a multiple of 32 MiB, not 0" },
	{ "framebuffer odd", Q8(392), 8, 0x1e8100000,
	  "type 876: fbLength is 0x1e8100000, expected a multiple of 32 MiB, not 0" },
	{ "framebuffer large", Q8(392), 8, 0x202000000,
	  "type 876: fbLength is 0x202000000, expected no more than profileSize" },
	{ "framebuffer and heap", Q8(392), 8, 0x200000000,
	  "type 876: fbLength is 0x200000000, expected with gspHeapSize within a share" },
	{ "heap 0", Q8(400), 8, 0,
	  "type 876: gspHeapSize is 0x0, expected room for the task" },
	{ "heap small", Q8(400), 8, SZ_2M,
	  "type 876: gspHeapSize is 0x200000, expected room for the task" },
	{ "heap odd", Q8(400), 8, 0x4001000,
	  "type 876: gspHeapSize is 0x4001000, expected a multiple of 2 MiB" },
	{ "heap huge", Q8(400), 8, 0xffffffffffe00000,
	  "type 876: gspHeapSize is 0xffffffffffe00000, expected no more than profileSize" },
	{ "reservation odd", Q8(408), 8, 0x14000001,
	  "type 876: fbReservation is 0x14000001, expected a multiple of 2 MiB" },
	{ "reservation large", Q8(408), 8, 0x200000000,
	  "type 876: fbReservation is 0x200000000, expected less than profileSize" },
	{ "nothing left", Q8(408), 8, 0x1e0000000,
	  "type 876: fbReservation 0x1e0000000 and gspHeapSize leave nothing of 0xb3f400000" },
	{ "encoder", Q8(424), 4, 101, "type 876: encoderCapacity is 0x65, expected percent" },
	{ "BAR1 0", Q8(432), 8, 0,
	  "type 876: bar1Length is 0x0, expected a power of two that a VF's BAR1 has" },
	{ "BAR1 odd", Q8(432), 8, 384,
	  "type 876: bar1Length is 0x18000000, expected a power of two that a VF's BAR1 has" },
	{ "BAR1 large", Q8(432), 8, 4096,
	  "type 876: bar1Length is 0x100000000, expected a power of two that a VF's BAR1 has" },
	{ "BAR1 huge", Q8(432), 8, 1ULL << 44,
	  "type 876: bar1Length is 0x100000000000, expected MiB" },
	{ "frame rate limiter", Q8(440), 4, 2, "type 876: frlEnable is 0x2, expected 0 or 1" },
	{ "exclusive", Q8(4936), 4, 2, "type 876: multiVgpuExclusive is 0x2, expected 0 or 1" },
	/* 24Q, 879, as if it had the GPU alone, and the other two of that size */
	{ "two that are alone", L40_RECORD(10) + 324, 4, 1,
	  "type 869: maxInstance is 32 of 0x40000000, expected no more than type 879 has" },
};

KUNIT_ARRAY_PARAM_DESC(refusal, typefile_cases, name);

static void typefile_refused(struct kunit *test)
{
	const struct typefile_case *c = test->param_value;
	struct nvgpu_type *types = alloc_types(test);
	char why[NVGPU_TYPEFILE_WHY_MAX];
	u8 *file = make_file(test);
	unsigned int i;

	for (i = 0; i < c->size; i++)
		file[c->offset + i] = c->value >> 8 * i;
	fix_crc(file, FILE_SIZE);
	KUNIT_EXPECT_EQ(test, parse(file, FILE_SIZE, types, why), -EINVAL);
	KUNIT_EXPECT_STREQ(test, why, c->why);
}

static void typefile_not_terminated(struct kunit *test)
{
	static const struct {
		u32 offset, size;
		const char *why;
	} texts[] = {
		{ 4, 32, "type 876: vgpuName is not terminated within 32 bytes" },
		{ 36, 32, "type 876: vgpuClass is not terminated within 32 bytes" },
		{ 196, 128, "type 876: license is not terminated within 128 bytes" },
	};
	struct nvgpu_type *types = alloc_types(test);
	char why[NVGPU_TYPEFILE_WHY_MAX];
	u8 *file = make_file(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		u8 *text = file + Q8(texts[i].offset);
		u8 saved[128];

		memcpy(saved, text, texts[i].size);
		memset(text, 'x', texts[i].size);
		fix_crc(file, FILE_SIZE);
		KUNIT_EXPECT_EQ(test, parse(file, FILE_SIZE, types, why), -EINVAL);
		KUNIT_EXPECT_STREQ(test, why, texts[i].why);
		memcpy(text, saved, texts[i].size);
	}
	/* the version fills its field */
	memset(file + 160, '5', 64);
	fix_crc(file, FILE_SIZE);
	KUNIT_EXPECT_EQ(test, parse(file, FILE_SIZE, types, why), -EINVAL);
	KUNIT_EXPECT_STREQ(test, why,
			   "header: GSP version is '5555555555555555', expected '570.144'");
}

static void typefile_crc(struct kunit *test)
{
	struct nvgpu_type *types = alloc_types(test);
	char why[NVGPU_TYPEFILE_WHY_MAX], want[NVGPU_TYPEFILE_WHY_MAX];
	u8 *file = make_file(test);
	u32 crc = get_unaligned_le32(file + 8);

	/* inverted at its end, as most others are */
	put_unaligned_le32(~crc, file + 8);
	snprintf(want, sizeof(want), "header: CRC is %#x, expected %#x", ~crc, crc);
	KUNIT_EXPECT_EQ(test, parse(file, FILE_SIZE, types, why), -EINVAL);
	KUNIT_EXPECT_STREQ(test, why, want);
}

/* two blobs for one board, each of them good */
static void typefile_twice(struct kunit *test)
{
	const size_t size = HEADER + 2 * (FILE_SIZE - L40_BLOB);
	struct nvgpu_type *types = alloc_types(test);
	u8 *file = kunit_kzalloc(test, size, GFP_KERNEL);
	char why[NVGPU_TYPEFILE_WHY_MAX];

	KUNIT_ASSERT_NOT_NULL(test, file);
	memcpy(file, make_file(test), HEADER);
	put_blob(test, put_blob(test, file + HEADER, L40, L40_TYPES), L40, L40_TYPES);
	fix_crc(file, size);
	KUNIT_EXPECT_EQ(test, parse(file, size, types, why), -EINVAL);
	KUNIT_EXPECT_STREQ(test, why, "blob 1: device 0x26b5 is there twice");
}

/* at each border and one byte beside it, with the CRC as it was and as it should be then */
static void typefile_truncated(struct kunit *test)
{
	static const size_t borders[] = {
		0, 8, 12, 16, 24, 32, 160, 224, HEADER, L4_BLOB + BLOB, L4_BLOB + BLOB + TYPES,
		L40_BLOB, L40_HEADER, L40_STRUCTS, L40_STRUCTS + STRUCT, L40_PARAMS, L40_RECORD(0),
		L40_RECORD(1), L40_RECORD(22), FILE_SIZE,
	};
	struct nvgpu_type *types = alloc_types(test);
	u8 *file = make_file(test), *part;
	char why[NVGPU_TYPEFILE_WHY_MAX];
	unsigned int i;
	int beside;

	for (i = 0; i < ARRAY_SIZE(borders); i++) {
		for (beside = -1; beside <= 1; beside++) {
			size_t size = borders[i] + beside;

			if (size >= FILE_SIZE)
				continue;
			/* of just that size, so that KASAN sees what is read behind it */
			part = kunit_kmalloc(test, size ?: 1, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, part);
			memcpy(part, file, size);
			KUNIT_EXPECT_EQ_MSG(test, parse(part, size, types, why), -EINVAL, "%zu",
					    size);
			KUNIT_EXPECT_NE_MSG(test, why[0], 0, "%zu", size);
			if (size > 16) {
				fix_crc(part, size);
				KUNIT_EXPECT_EQ_MSG(test, parse(part, size, types, why), -EINVAL,
						    "%zu", size);
			}
			kunit_kfree(test, part);
		}
	}
	fix_crc(file, FILE_SIZE + 8);
	KUNIT_EXPECT_EQ(test, parse(file, FILE_SIZE + 8, types, why), -EINVAL);
	KUNIT_EXPECT_STREQ(test, why,
			   "file: size is 672912 bytes, expected 672904, the end of blob 2");
}

static void flip(u8 *file, u32 bit)
{
	file[bit / 8] ^= 1 << bit % 8;
}

/* any bit that is wrong is found by the CRC, but in the CRC's own padding */
static void typefile_bits(struct kunit *test)
{
	struct nvgpu_type *types = alloc_types(test);
	char why[NVGPU_TYPEFILE_WHY_MAX];
	struct rnd_state random;
	u8 *file = make_file(test);
	unsigned int i;
	u32 bit;

	prandom_seed_state(&random, 570144);
	for (i = 0; i < 60; i++) {
		/* half of them in the headers */
		bit = prandom_u32_state(&random) % (i % 2 ? FILE_SIZE * 8 : HEADER * 8);
		if (bit / 32 == 3)
			continue;
		flip(file, bit);
		KUNIT_EXPECT_EQ_MSG(test, parse(file, FILE_SIZE, types, why), -EINVAL, "bit %u",
				    bit);
		flip(file, bit);
	}
	KUNIT_EXPECT_EQ(test, parse(file, FILE_SIZE, types, why), L40_TYPES);
}

/* whatever a record says under a good CRC: what is taken has places that are on the board */
static void typefile_bits_taken(struct kunit *test)
{
	struct nvgpu_type *types = alloc_types(test);
	unsigned int i, j, taken = 0, refused = 0;
	char why[NVGPU_TYPEFILE_WHY_MAX];
	struct rnd_state random;
	u8 *file = make_file(test);
	int num;
	u32 bit;

	prandom_seed_state(&random, 876);
	for (i = 0; i < 80; i++) {
		/* numbers of one record, from maxInstance to frlEnable */
		bit = L40_RECORD(prandom_u32_state(&random) % L40_TYPES) * 8;
		bit += 324 * 8 + prandom_u32_state(&random) % (120 * 8);
		flip(file, bit);
		fix_crc(file, FILE_SIZE);
		num = parse(file, FILE_SIZE, types, why);
		if (num < 0)
			refused++;
		else
			taken++;
		for (j = 0; num > 0 && j < num; j++) {
			const struct nvgpu_type *t = &types[j];

			KUNIT_EXPECT_LE(test, t->max_instance, 32);
			KUNIT_EXPECT_GT(test, t->max_instance, 0);
			KUNIT_EXPECT_LE(test, t->profile_size * t->max_instance, 48ULL * SZ_1G);
			KUNIT_EXPECT_GT(test, nvgpu_guest_fb_size(&typefile_geo, t), 0);
		}
		flip(file, bit);
	}
	/* else it was no test */
	KUNIT_EXPECT_GT(test, taken, 5);
	KUNIT_EXPECT_GT(test, refused, 5);
}

static struct kunit_case typefile_test_cases[] = {
	KUNIT_CASE(typefile_good),
	KUNIT_CASE(typefile_changed),
	KUNIT_CASE_PARAM(typefile_refused, refusal_gen_params),
	KUNIT_CASE(typefile_not_terminated),
	KUNIT_CASE(typefile_crc),
	KUNIT_CASE(typefile_twice),
	KUNIT_CASE(typefile_truncated),
	KUNIT_CASE(typefile_bits),
	KUNIT_CASE(typefile_bits_taken),
	{}
};

static struct kunit_suite typefile_suite = {
	.name = "nvkm_vgpu_typefile",
	.test_cases = typefile_test_cases,
};

kunit_test_suite(typefile_suite);
