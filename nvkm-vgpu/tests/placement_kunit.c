// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fwabi/fwabi.h"
#include "vgpu/chid.h"
#include "vgpu/fbmem.h"
#include "vgpu/placement.h"
#include "vgpu/types.h"

#define SEGMENT		SZ_128M
#define FB_START	SZ_256M

static struct nvgpu_type *l40_type(struct kunit *test, const char *name)
{
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, types);
	n = nvgpu_types_build(0x26b5, types, NVGPU_MAX_TYPES);
	for (i = 0; i < n; i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	KUNIT_FAIL_AND_ABORT(test, "no type %s", name);
	return NULL;
}

struct place_case {
	const char *name;
	u32 gib, instances;
	u64 fb_size;
	u32 num_chids;
};

/* chids: the power of two at or below 2048 / instances */
static const struct place_case place_cases[] = {
	{ "NVIDIA L40-1Q",   1, 32, 0x40000000,    64 },
	{ "NVIDIA L40-2B",   2, 24, 0x78000000,    64 },
	{ "NVIDIA L40-3A",   3, 16, 0xb8000000,   128 },
	{ "NVIDIA L40-4Q",   4, 12, 0xf0000000,   128 },
	{ "NVIDIA L40-6Q",   6,  8, 0x170000000,  256 },
	{ "NVIDIA L40-8Q",   8,  6, 0x1e8000000,  256 },
	{ "NVIDIA L40-12Q", 12,  4, 0x2e0000000,  512 },
	{ "NVIDIA L40-16Q", 16,  3, 0x3d8000000,  512 },
	{ "NVIDIA L40-24Q", 24,  2, 0x5c0000000, 1024 },
	{ "NVIDIA L40-48Q", 48,  1, 0xb80000000, 2048 },
};

KUNIT_ARRAY_PARAM_DESC(place, place_cases, name);

/* id j is at j sizes, framebuffer goes up and channels go down, and nothing overlaps */
static void placement_homogeneous(struct kunit *test)
{
	const struct nvgpu_geometry geo = {
		.fb_start = FB_START, .fb_total = 48ULL * SZ_1G, .segment = SEGMENT,
		.num_chids = 2048,
	};
	const struct place_case *c = test->param_value;
	const struct nvgpu_type *type = l40_type(test, c->name);
	struct nvgpu_placement p;
	u32 j;

	for (j = 0; j < c->instances; j++) {
		KUNIT_ASSERT_EQ(test, 0, nvgpu_place_homogeneous(&geo, type, j, &p));
		KUNIT_EXPECT_EQ(test, p.id, j * c->gib);
		KUNIT_EXPECT_EQ(test, p.fb_size, c->fb_size);
		KUNIT_EXPECT_EQ(test, p.fb_start, FB_START + j * c->fb_size);
		KUNIT_EXPECT_EQ(test, p.fb_start % SEGMENT, 0);
		KUNIT_EXPECT_EQ(test, p.num_chids, c->num_chids);
		KUNIT_EXPECT_EQ(test, p.chid_start, 2048 - (j + 1) * c->num_chids);
	}
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_place_homogeneous(&geo, type, c->instances, &p));
}

/*
 * L40-8Q with ECC: 46068 MiB usable, rounded up to 8 segments, a sixth of it, less 384 MiB: 57
 * segments
 */
static void placement_ecc(struct kunit *test)
{
	const struct nvgpu_type *type = l40_type(test, "NVIDIA L40-8Q");
	struct nvgpu_geometry geo = {
		.fb_total = 46068ULL * SZ_1M, .segment = SEGMENT, .num_chids = 2048,
	};
	struct nvgpu_placement p;

	KUNIT_EXPECT_EQ(test, nvgpu_guest_fb_size(&geo, type), 57ULL * SEGMENT);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_place_homogeneous(&geo, type, 5, &p));
	KUNIT_EXPECT_EQ(test, p.fb_start, 5 * 57ULL * SEGMENT);

	/* never more than the type says */
	geo.fb_total = 96ULL * SZ_1G;
	KUNIT_EXPECT_EQ(test, nvgpu_guest_fb_size(&geo, type), type->fb_size);

	/* a board that is far too small */
	geo.fb_total = SZ_1G;
	KUNIT_EXPECT_EQ(test, nvgpu_guest_fb_size(&geo, type), 0);
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_place_homogeneous(&geo, type, 0, &p));
}

struct place_guest {
	u8 board_gib, gib;
	u32 mib, ecc_mib;
};

/*
 * Framebuffer of a guest as NVIDIA's host computes it, in MiB: what
 * kvgpumgrSetSupportedPlacementIds() does with the table of types and the sizes of boards below,
 * done by hand
 */
static const struct place_guest place_guests[] = {
	{ 48,  1,  1024,  1024 },
	{ 48,  2,  1920,  1792 },
	{ 48,  3,  2944,  2688 },
	{ 48,  4,  3840,  3584 },
	{ 48,  6,  5888,  5504 },
	{ 48,  8,  7808,  7296 },
	{ 48, 12, 11776, 11008 },
	{ 48, 16, 15744, 14720 },
	{ 48, 24, 23552, 22016 },
	{ 48, 48, 47104, 44032 },
	{ 32,  1,   896,   768 },
	{ 32,  2,  1920,  1792 },
	{ 32,  4,  3840,  3584 },
	{ 32,  8,  7680,  7168 },
	{ 32, 16, 15360, 14336 },
	{ 32, 32, 30720, 28672 },
	{ 24,  1,   896,   832 },
	{ 24,  2,  1856,  1728 },
	{ 24,  3,  2816,  2624 },
	{ 24,  4,  3776,  3520 },
	{ 24,  6,  5632,  5248 },
	{ 24,  8,  7552,  7040 },
	{ 24, 12, 11264, 10496 },
	{ 24, 24, 22528, 20992 },
};

struct place_board {
	const char *name;
	u16 device;
	u32 mib, ecc_mib, segment_mib;
};

/* framebuffer without and with ECC: as nvidia-smi shows it of such boards, or by the same rule */
static const struct place_board place_boards[] = {
	{ "L40",		0x26b5, 49140, 46068, 128 },
	{ "L40S",		0x26b9, 49140, 46068, 128 },
	{ "L20",		0x26ba, 49140, 46068, 128 },
	{ "RTX 6000 Ada",	0x26b1, 49140, 46068, 128 },
	{ "RTX 5000 Ada",	0x26b2, 32760, 30712, 128 },
	{ "L4",			0x27b8, 24570, 23034,  64 },
	{ "L2",			0x27b6, 24570, 23034,  64 },
};

KUNIT_ARRAY_PARAM_DESC(board, place_boards, name);

/* what GSP-RM keeps: the bottom (seen), 581 MiB of heap for vGPUs, and around that 145 MiB */
#define KEPT_BOTTOM	49
#define KEPT_TOP	726

/* @type's vGPUs and their heaps are in what is left, whole segments from the first one on */
static void expect_room(struct kunit *test, const struct nvgpu_type *type, u32 mib, u32 segment_mib)
{
	struct nvgpu_geometry geo = {
		.fb_start = round_up(KEPT_BOTTOM, segment_mib) * (u64)SZ_1M,
		.fb_total = mib * (u64)SZ_1M, .segment = segment_mib * (u64)SZ_1M,
		.num_chids = 2048,
	};
	struct nvgpu_placement p;
	u64 end;

	KUNIT_ASSERT_EQ_MSG(test, 0,
			    nvgpu_place_homogeneous(&geo, type, type->max_instance - 1, &p), "%s",
			    type->name);
	KUNIT_EXPECT_EQ(test, p.fb_size % geo.segment, 0);
	end = p.fb_start + p.fb_size + type->max_instance * type->heap_size;
	KUNIT_EXPECT_LE_MSG(test, end, (mib - KEPT_TOP) * (u64)SZ_1M, "%s", type->name);
}

/* without ECC a guest has what the product publishes; with it all places exist, too */
static void placement_boards(struct kunit *test)
{
	const struct place_board *b = test->param_value;
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);
	struct nvgpu_geometry geo = {
		.fb_total = b->mib * (u64)SZ_1M, .segment = b->segment_mib * (u64)SZ_1M,
	};
	unsigned int i, n, segment;

	KUNIT_ASSERT_NOT_NULL(test, types);
	n = nvgpu_types_build(b->device, types, NVGPU_MAX_TYPES);
	KUNIT_ASSERT_GT(test, n, 0);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ_MSG(test, nvgpu_guest_fb_size(&geo, &types[i]), types[i].fb_size,
				    "%s", types[i].name);
		/*
		 * The size of a segment is asked for, it may be a smaller one than is assumed. With
		 * larger ones the rule gives more than there is of some boards, and the last of a
		 * type's vGPUs find no room.
		 */
		for (segment = 32; segment <= b->segment_mib; segment *= 2) {
			expect_room(test, &types[i], b->mib, segment);
			expect_room(test, &types[i], b->ecc_mib, segment);
		}
	}
}

static const struct place_guest *find_guest(u32 board_gib, u32 gib)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(place_guests); i++)
		if (place_guests[i].board_gib == board_gib && place_guests[i].gib == gib)
			return &place_guests[i];
	return NULL;
}

static void placement_guest_sizes(struct kunit *test)
{
	const struct place_board *b = test->param_value;
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);
	struct nvgpu_geometry geo = { .segment = b->segment_mib * (u64)SZ_1M };
	const struct place_guest *guest;
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, types);
	n = nvgpu_types_build(b->device, types, NVGPU_MAX_TYPES);
	KUNIT_ASSERT_GT(test, n, 0);
	for (i = 0; i < n; i++) {
		guest = find_guest(round_up(b->mib, SZ_1K) / SZ_1K, types[i].profile_size / SZ_1G);
		KUNIT_ASSERT_NOT_NULL_MSG(test, guest, "%s", types[i].name);
		geo.fb_total = b->mib * (u64)SZ_1M;
		KUNIT_EXPECT_EQ_MSG(test, nvgpu_guest_fb_size(&geo, &types[i]) / SZ_1M, guest->mib,
				    "%s", types[i].name);
		geo.fb_total = b->ecc_mib * (u64)SZ_1M;
		KUNIT_EXPECT_EQ_MSG(test, nvgpu_guest_fb_size(&geo, &types[i]) / SZ_1M,
				    guest->ecc_mib, "%s with ECC", types[i].name);
	}
}

struct mixed_row {
	u32 gib;
	u32 id[32];
	unsigned int num;
};

#define MIXED_ROW(gib, ...) \
	{ gib, { __VA_ARGS__ }, ARRAY_SIZE(((u32[]){ __VA_ARGS__ })) }

/* as the product's guide has them, in its appendix on placement ids */
static const struct mixed_row mixed_48[] = {
	MIXED_ROW(1, 0, 5, 6, 11, 12, 17, 18, 23, 24, 29, 30, 35, 36, 41, 42, 47),
	MIXED_ROW(2, 0, 4, 6, 10, 12, 16, 18, 22, 24, 28, 30, 34, 36, 40, 42, 46),
	MIXED_ROW(3, 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45),
	MIXED_ROW(4, 0, 8, 12, 20, 24, 32, 36, 44),
	MIXED_ROW(6, 0, 6, 12, 18, 24, 30, 36, 42),
	MIXED_ROW(8, 0, 16, 24, 40),
	MIXED_ROW(12, 0, 12, 24, 36),
	MIXED_ROW(16, 0, 32),
	MIXED_ROW(24, 0, 24),
	MIXED_ROW(48, 0),
	{}
};

static const struct mixed_row mixed_24[] = {
	MIXED_ROW(1, 0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23),
	MIXED_ROW(2, 0, 4, 6, 10, 12, 16, 18, 22),
	MIXED_ROW(3, 0, 3, 6, 9, 12, 15, 18, 21),
	MIXED_ROW(4, 0, 8, 12, 20),
	MIXED_ROW(6, 0, 6, 12, 18),
	MIXED_ROW(8, 0, 16),
	MIXED_ROW(12, 0, 12),
	MIXED_ROW(24, 0),
	{}
};

static const struct mixed_row *mixed_find_row(const struct mixed_row *row, u32 gib)
{
	while (row->num && row->gib != gib)
		row++;
	return row->num ? row : NULL;
}

static void expect_mixed_row(struct kunit *test, const struct nvgpu_geometry *geo,
			     const struct nvgpu_mixed *mixed, const struct nvgpu_type *type,
			     const struct mixed_row *row)
{
	struct nvgpu_placement p;
	unsigned int i, n = 0;

	for (i = 0; i < nvgpu_mixed_places(type); i++) {
		if (nvgpu_place_mixed(geo, mixed, type, i, &p))
			continue;
		KUNIT_ASSERT_LT_MSG(test, n, row->num, "%s", type->name);
		KUNIT_EXPECT_EQ_MSG(test, p.id, row->id[n], "%s, place %u", type->name, n);
		KUNIT_EXPECT_EQ(test, p.fb_start % geo->segment, 0);
		KUNIT_EXPECT_EQ(test, p.heap_start % SZ_2M, 0);
		KUNIT_EXPECT_GE(test, p.fb_start, geo->fb_start);
		KUNIT_EXPECT_GE(test, p.heap_start, geo->fb_start);
		KUNIT_EXPECT_LE(test, p.fb_start + p.fb_size, geo->fb_start + mixed->size);
		KUNIT_EXPECT_LE(test, p.heap_start + type->heap_size,
				geo->fb_start + mixed->size);
		KUNIT_EXPECT_LE(test, p.chid_start + p.num_chids, geo->num_chids);
		n++;
	}
	KUNIT_EXPECT_EQ_MSG(test, n, row->num, "%s", type->name);
}

static void expect_mixed(struct kunit *test, u16 device, const struct nvgpu_geometry *geo,
			 const struct mixed_row *rows)
{
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);
	const struct mixed_row *row;
	struct nvgpu_mixed mixed;
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, types);
	n = nvgpu_types_build(device, types, NVGPU_MAX_TYPES);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_mixed_init(&mixed, geo, types, n));
	for (i = 0; i < n; i++) {
		row = mixed_find_row(rows, types[i].profile_size / SZ_1G);
		KUNIT_ASSERT_NOT_NULL(test, row);
		expect_mixed_row(test, geo, &mixed, &types[i], row);
	}
	/* no type has the whole GPU */
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, nvgpu_mixed_init(&mixed, geo, types, 2));
}

static void placement_mixed(struct kunit *test)
{
	struct nvgpu_geometry geo = {
		.fb_start = SZ_128M, .fb_total = 49140ULL * SZ_1M, .segment = SZ_128M,
		.num_chids = 2048,
	};

	expect_mixed(test, 0x26b5, &geo, mixed_48);
	geo.fb_total = 46068ULL * SZ_1M;
	expect_mixed(test, 0x26b5, &geo, mixed_48);
	geo.fb_start = SZ_64M;
	geo.fb_total = 24570ULL * SZ_1M;
	geo.segment = SZ_64M;
	expect_mixed(test, 0x27b8, &geo, mixed_24);
	geo.fb_total = 23034ULL * SZ_1M;
	expect_mixed(test, 0x27b8, &geo, mixed_24);
}

static void placement_large_segments(struct kunit *test)
{
	const struct nvgpu_type *type = l40_type(test, "NVIDIA L40-8Q");
	const struct nvgpu_geometry geo = { .fb_total = 48ULL * SZ_1G, .segment = SZ_512M };

	KUNIT_EXPECT_EQ(test, nvgpu_guest_fb_size(&geo, type), 15ULL * SZ_512M);
}

/* fewer channels than usual: shares get smaller, down to none */
static void placement_few_channels(struct kunit *test)
{
	const struct nvgpu_type *type = l40_type(test, "NVIDIA L40-2Q");
	struct nvgpu_geometry geo = {
		.fb_total = 48ULL * SZ_1G, .segment = SEGMENT, .num_chids = 512,
	};
	struct nvgpu_placement p;

	KUNIT_ASSERT_EQ(test, 0, nvgpu_place_homogeneous(&geo, type, 23, &p));
	KUNIT_EXPECT_EQ(test, p.num_chids, 16);
	KUNIT_EXPECT_EQ(test, p.chid_start, 512 - 24 * 16);
	geo.num_chids = 23;
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_place_homogeneous(&geo, type, 0, &p));
}

static void placement_chids(struct kunit *test)
{
	struct nvgpu_chids *chids = kunit_kzalloc(test, sizeof(*chids), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, chids);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_chids_reserve(chids, 1792, 256));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_chids_reserve(chids, 1536, 256));
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(chids), 512);

	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_chids_reserve(chids, 1792, 256));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_chids_reserve(chids, 1535, 2));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_chids_reserve(chids, 2047, 1));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_chids_reserve(chids, 4096, 1));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_chids_reserve(chids, 4095, U32_MAX));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_chids_reserve(chids, 0, 0));
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(chids), 512);

	nvgpu_chids_release(chids, 1792, 256);
	nvgpu_chids_release(chids, 0, 0);
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(chids), 256);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_chids_reserve(chids, 4095, 1));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_chids_reserve(chids, 0, 1));
}

static void placement_fb_reserve(struct kunit *test)
{
	struct nvgpu_fb_block a = {}, b = {}, c = {};
	struct nvgpu_fbmem fb;

	nvgpu_fbmem_init(&fb, SZ_1M, 8 * SZ_1M);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_fbmem_reserve(&fb, &b, 4 * SZ_1M, SZ_1M));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_fbmem_reserve(&fb, &a, SZ_1M, 3 * SZ_1M));
	KUNIT_EXPECT_EQ(test, nvgpu_fbmem_used(&fb), 4 * SZ_1M);

	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_reserve(&fb, &c, 0, 2 * SZ_1M));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_reserve(&fb, &c, 3 * SZ_1M, SZ_1M));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_reserve(&fb, &c, 4 * SZ_1M + SZ_4K, SZ_4K));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_reserve(&fb, &c, 8 * SZ_1M, 2 * SZ_1M));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_reserve(&fb, &c, U64_MAX, 2));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_reserve(&fb, &c, 5 * SZ_1M, 0));
	KUNIT_EXPECT_EQ(test, c.size, 0);

	KUNIT_EXPECT_EQ(test, 0, nvgpu_fbmem_reserve(&fb, &c, 5 * SZ_1M, 4 * SZ_1M));
	KUNIT_EXPECT_EQ(test, nvgpu_fbmem_used(&fb), 8 * SZ_1M);
	nvgpu_fbmem_free(&a);
	nvgpu_fbmem_free(&a);
	KUNIT_EXPECT_EQ(test, nvgpu_fbmem_used(&fb), 5 * SZ_1M);
	nvgpu_fbmem_free(&b);
	nvgpu_fbmem_free(&c);
	KUNIT_EXPECT_TRUE(test, list_empty(&fb.used));
}

static void placement_fb_from_top(struct kunit *test)
{
	struct nvgpu_fb_block guest = {}, a = {}, b = {}, c = {}, d = {};
	struct nvgpu_fbmem fb;

	nvgpu_fbmem_init(&fb, SZ_1M, 8 * SZ_1M + SZ_4K);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_fbmem_reserve(&fb, &guest, SZ_1M, 4 * SZ_1M));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_fbmem_alloc_top(&fb, &a, SZ_1M, SZ_1M));
	KUNIT_EXPECT_EQ(test, a.start, 8 * SZ_1M);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_fbmem_alloc_top(&fb, &b, SZ_1M, SZ_4K));
	KUNIT_EXPECT_EQ(test, b.start, 7 * SZ_1M);
	/* what alignment left over at the very top */
	KUNIT_ASSERT_EQ(test, 0, nvgpu_fbmem_alloc_top(&fb, &c, SZ_4K, SZ_4K));
	KUNIT_EXPECT_EQ(test, c.start, 9 * SZ_1M);

	/* the hole that a left, before what is below */
	nvgpu_fbmem_free(&a);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_fbmem_alloc_top(&fb, &d, SZ_1M, SZ_1M));
	KUNIT_EXPECT_EQ(test, d.start, 8 * SZ_1M);
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_alloc_top(&fb, &a, 3 * SZ_1M, SZ_1M));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_fbmem_alloc_top(&fb, &a, 2 * SZ_1M, SZ_1M));
	KUNIT_EXPECT_EQ(test, a.start, 5 * SZ_1M);
	nvgpu_fbmem_free(&a);
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_alloc_top(&fb, &a, SZ_1M, SZ_16M));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_alloc_top(&fb, &a, U64_MAX, SZ_4K));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_fbmem_alloc_top(&fb, &a, 0, SZ_4K));
}

static struct kunit_case placement_test_cases[] = {
	KUNIT_CASE_PARAM(placement_homogeneous, place_gen_params),
	KUNIT_CASE(placement_ecc),
	KUNIT_CASE_PARAM(placement_boards, board_gen_params),
	KUNIT_CASE_PARAM(placement_guest_sizes, board_gen_params),
	KUNIT_CASE(placement_mixed),
	KUNIT_CASE(placement_large_segments),
	KUNIT_CASE(placement_few_channels),
	KUNIT_CASE(placement_chids),
	KUNIT_CASE(placement_fb_reserve),
	KUNIT_CASE(placement_fb_from_top),
	{}
};

static struct kunit_suite placement_suite = {
	.name = "nvkm_vgpu_placement",
	.test_cases = placement_test_cases,
};

kunit_test_suite(placement_suite);
