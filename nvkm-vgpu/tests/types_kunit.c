// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fwabi/fwabi.h"
#include "vgpu/boards.h"
#include "vgpu/types.h"

/*
 * The tables as NVIDIA's vGPU packages have them (vgpuConfig.xml); the driver computes what
 * follows a rule.
 */

struct type_board {
	const char *name;
	u16 device;
	u8 gib;
	u8 num_types;
	u32 first_id, last_id;
	u16 first_subsystem, last_subsystem;
	const char *order;
};

#define ORDER_48	"1B 2B 1Q 2Q 3Q 4Q 6Q 8Q 12Q 16Q 24Q 48Q 1A 2A 3A 4A 6A 8A 12A 16A 24A 48A"
#define ORDER_32	"1B 2B 1Q 2Q 4Q 8Q 16Q 32Q 1A 2A 4A 8A 16A 32A"
#define ORDER_24	"1B 2B 1Q 2Q 3Q 4Q 6Q 8Q 12Q 24Q 1A 2A 3A 4A 6A 8A 12A 24A"

static const struct type_board type_boards[] = {
	{ "NVIDIA RTX6000-Ada", 0x26b1, 48, 22,  939,  960, 0x1708, 0x171d, ORDER_48 },
	{ "NVIDIA RTX5000-Ada", 0x26b2, 32, 14, 1028, 1041, 0x1821, 0x182e, ORDER_32 },
	{ "NVIDIA L40",         0x26b5, 48, 22,  869,  890, 0x176d, 0x1782, ORDER_48 },
	{ "NVIDIA L40S",        0x26b9, 48, 22, 1145, 1166, 0x1889, 0x189e, ORDER_48 },
	{ "NVIDIA L20",         0x26ba, 48, 22, 1204, 1225, 0x1909, 0x191e, ORDER_48 },
	{ "NVIDIA L2",          0x27b6, 24, 18, 1245, 1262, 0x1938, 0x1949, ORDER_24 },
	{ "NVIDIA L4",          0x27b8, 24, 18,  908,  925, 0x172f, 0x1740, ORDER_24 },
};

KUNIT_ARRAY_PARAM_DESC(board, type_boards, name);

struct type_size {
	u8 board_gib, gib;
	u32 max_instance;
	u64 profile, fb, heap, reservation;
};

static const struct type_size type_sizes[] = {
	{ 48,  1, 32, 0x40000000, 0x40000000, 0x2000000, 0 },
	{ 48,  2, 24, 0x80000000, 0x78000000, 0x2000000, 0x6000000 },
	{ 48,  3, 16, 0xc0000000, 0xb8000000, 0x2000000, 0x6000000 },
	{ 48,  4, 12, 0x100000000, 0xf0000000, 0x2000000, 0xe000000 },
	{ 48,  6,  8, 0x180000000, 0x170000000, 0x4000000, 0xc000000 },
	{ 48,  8,  6, 0x200000000, 0x1e8000000, 0x4000000, 0x14000000 },
	{ 48, 12,  4, 0x300000000, 0x2e0000000, 0x8000000, 0x18000000 },
	{ 48, 16,  3, 0x400000000, 0x3d8000000, 0x8000000, 0x20000000 },
	{ 48, 24,  2, 0x600000000, 0x5c0000000, 0x10000000, 0x30000000 },
	{ 48, 48,  1, 0xc00000000, 0xb80000000, 0x20000000, 0x60000000 },
	{ 32,  1, 32, 0x40000000, 0x38000000, 0x2000000, 0x6000000 },
	{ 32,  2, 16, 0x80000000, 0x78000000, 0x2000000, 0x6000000 },
	{ 32,  4,  8, 0x100000000, 0xf0000000, 0x4000000, 0xc000000 },
	{ 32,  8,  4, 0x200000000, 0x1e0000000, 0x8000000, 0x18000000 },
	{ 32, 16,  2, 0x400000000, 0x3c0000000, 0x10000000, 0x30000000 },
	{ 32, 32,  1, 0x800000000, 0x780000000, 0x20000000, 0x60000000 },
	{ 24,  1, 24, 0x40000000, 0x38000000, 0x2000000, 0x6000000 },
	{ 24,  2, 12, 0x80000000, 0x74000000, 0x2000000, 0xa000000 },
	{ 24,  3,  8, 0xc0000000, 0xb0000000, 0x4000000, 0xc000000 },
	{ 24,  4,  6, 0x100000000, 0xec000000, 0x4000000, 0x10000000 },
	{ 24,  6,  4, 0x180000000, 0x160000000, 0x8000000, 0x18000000 },
	{ 24,  8,  3, 0x200000000, 0x1d8000000, 0x8000000, 0x20000000 },
	{ 24, 12,  2, 0x300000000, 0x2c0000000, 0x10000000, 0x30000000 },
	{ 24, 24,  1, 0x600000000, 0x580000000, 0x20000000, 0x60000000 },
};

struct type_series {
	char series;
	u8 min_gib;		/* and up to the next row's */
	const char *class_name;
	u32 heads, x, y, pixels, frl;
	bool cuda, ecc, multi, exclusive;
};

static const struct type_series type_series[] = {
	{ 'B',  1, "NVS",    4, 5120, 2880, 16384000, 0x2d, false, false, false, true },
	{ 'B',  2, "NVS",    4, 5120, 2880, 18432000, 0x2d, false, false, false, true },
	{ 'Q',  1, "Quadro", 4, 5120, 2880, 18432000, 0x3c, true, true, true, false },
	{ 'Q',  2, "Quadro", 4, 7680, 4320, 36864000, 0x3c, true, true, true, false },
	{ 'Q',  4, "Quadro", 4, 7680, 4320, 58982400, 0x3c, true, true, true, false },
	{ 'Q',  8, "Quadro", 4, 7680, 4320, 66355200, 0x3c, true, true, true, false },
	{ 'A',  1, "NVS",    1, 1280, 1024,  1310720, 0x3c, false, false, false, true },
};

static const struct type_size *find_size(u8 board_gib, u8 gib)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(type_sizes); i++)
		if (type_sizes[i].board_gib == board_gib && type_sizes[i].gib == gib)
			return &type_sizes[i];
	return NULL;
}

static const struct type_series *find_series(char series, u8 gib)
{
	const struct type_series *found = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(type_series); i++)
		if (type_series[i].series == series && type_series[i].min_gib <= gib)
			found = &type_series[i];
	return found;
}

static void check_size(struct kunit *test, const struct nvgpu_type *t, const struct type_size *size)
{
	KUNIT_EXPECT_EQ_MSG(test, t->max_instance, size->max_instance, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->profile_size, size->profile, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->fb_size, size->fb, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->heap_size, size->heap, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->fb_reservation, size->reservation, "%s", t->name);
}

static void check_series(struct kunit *test, const struct nvgpu_type *t,
			 const struct type_series *series)
{
	KUNIT_EXPECT_STREQ_MSG(test, t->class_name, series->class_name, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->num_heads, series->heads, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->max_res_x, series->x, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->max_res_y, series->y, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->max_pixels, series->pixels, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->frl_config, series->frl, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->cuda, series->cuda, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->ecc, series->ecc, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->multi_vgpu, series->multi, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->multi_vgpu_exclusive, series->exclusive, "%s", t->name);
}

static void check_common(struct kunit *test, const struct nvgpu_type *t, const struct type_board *b,
			 unsigned int index)
{
	KUNIT_EXPECT_EQ_MSG(test, t->id, b->first_id + index, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->vdev_device, b->device, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->pdev_device, b->device, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->vdev_subsystem, b->first_subsystem + index, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->mappable_video_size, 0x400000, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->encoder_capacity, 0x64, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, t->bar1_size, SZ_256M, "%s", t->name);
	KUNIT_EXPECT_TRUE_MSG(test, t->frl_enable, "%s", t->name);
	KUNIT_EXPECT_NOT_NULL_MSG(test, t->license, "%s", t->name);
}

static struct nvgpu_type *alloc_types(struct kunit *test)
{
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, types);
	return types;
}

static void types_of_a_board(struct kunit *test)
{
	const struct type_board *b = test->param_value;
	struct nvgpu_type *types = alloc_types(test);
	const char *order = b->order;
	unsigned int i, gib;
	char series, name[32];
	int found, len;

	KUNIT_ASSERT_EQ(test, nvgpu_types_build(b->device, types, NVGPU_MAX_TYPES), b->num_types);
	KUNIT_EXPECT_EQ(test, types[b->num_types - 1].id, b->last_id);
	KUNIT_EXPECT_EQ(test, types[b->num_types - 1].vdev_subsystem, b->last_subsystem);

	for (i = 0; i < b->num_types; i++, order += len) {
		found = sscanf(order, " %u%c%n", &gib, &series, &len);
		KUNIT_ASSERT_EQ(test, found, 2);
		snprintf(name, sizeof(name), "%s-%u%c", b->name, gib, series);
		KUNIT_EXPECT_STREQ(test, types[i].name, name);
		check_common(test, &types[i], b, i);
		check_size(test, &types[i], find_size(b->gib, gib));
		check_series(test, &types[i], find_series(series, gib));
	}
}

static const char license_1b[] =
	"GRID-Virtual-PC,2.0;Quadro-Virtual-DWS,5.0;GRID-Virtual-WS,2.0;GRID-Virtual-WS-Ext,2.0";

/* the one that NVIDIA's first RFC carried as a blob */
static void types_l40_1b(struct kunit *test)
{
	struct nvgpu_type *t = alloc_types(test);

	KUNIT_ASSERT_GT(test, nvgpu_types_build(0x26b5, t, NVGPU_MAX_TYPES), 0);
	KUNIT_EXPECT_EQ(test, t->id, 869);
	KUNIT_EXPECT_STREQ(test, t->name, "NVIDIA L40-1B");
	KUNIT_EXPECT_STREQ(test, t->class_name, "NVS");
	KUNIT_EXPECT_STREQ(test, t->license, license_1b);
	KUNIT_EXPECT_EQ(test, t->max_instance, 32);
	KUNIT_EXPECT_EQ(test, (u32)t->vdev_device << 16 | t->vdev_subsystem, 0x26b5176d);
}

static void types_unknown_board(struct kunit *test)
{
	struct nvgpu_type *types = alloc_types(test);

	KUNIT_EXPECT_EQ(test, nvgpu_types_build(0x2684, types, NVGPU_MAX_TYPES), 0);
	KUNIT_EXPECT_NULL(test, nvgpu_board_find(0x2684));
	KUNIT_EXPECT_NULL(test, nvgpu_board_find(0x26b3));
	KUNIT_EXPECT_NOT_NULL(test, nvgpu_board_find(0x26b5));
}

static void types_no_more_than_room(struct kunit *test)
{
	struct nvgpu_type *types = alloc_types(test);

	KUNIT_EXPECT_EQ(test, nvgpu_types_build(0x26b5, types, 5), 5);
	KUNIT_EXPECT_EQ(test, types[5].id, 0);
}

static struct kunit_case types_test_cases[] = {
	KUNIT_CASE_PARAM(types_of_a_board, board_gen_params),
	KUNIT_CASE(types_l40_1b),
	KUNIT_CASE(types_unknown_board),
	KUNIT_CASE(types_no_more_than_room),
	{}
};

static struct kunit_suite types_suite = {
	.name = "nvkm_vgpu_types",
	.test_cases = types_test_cases,
};

kunit_test_suite(types_suite);
