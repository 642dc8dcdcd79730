// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../chid.h"
#include "../fbmem.h"
#include "../fwabi/fwabi.h"
#include "../placement.h"
#include "../types.h"

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
		.fb_total = 46068ULL * SZ_1M, .segment = SEGMENT, .ecc = true,
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

static void placement_large_segments(struct kunit *test)
{
	const struct nvgpu_type *type = l40_type(test, "NVIDIA L40-8Q");
	const struct nvgpu_geometry geo = { .fb_total = 48ULL * SZ_1G, .segment = SZ_512M };

	KUNIT_EXPECT_EQ(test, nvgpu_guest_fb_size(&geo, type), 15ULL * SZ_512M);
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
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_chids_reserve(chids, 2048, 1));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_chids_reserve(chids, 2047, U32_MAX));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_chids_reserve(chids, 0, 0));
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(chids), 512);

	nvgpu_chids_release(chids, 1792, 256);
	nvgpu_chids_release(chids, 0, 0);
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(chids), 256);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_chids_reserve(chids, 2047, 1));
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
	KUNIT_CASE(placement_large_segments),
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
