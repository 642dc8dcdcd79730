// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/sizes.h>

#include "boot/wpr.h"
#include "fwabi/fwabi.h"

/*
 * Worked out from the formulas that nouveau and nova-core of Linux 7.3 share, for the images of
 * Debian's firmware package, a board without display and heaps as GSP-RM wants them: bare metal
 * and vGPU host.
 */
struct wpr_case {
	const char *name;
	u64 fb_size, image_size, bootloader_size, heap_size;
	u64 frts, boot_bin, elf, heap, wpr_start, nonwpr_heap;
	bool scrubber;
};

static const struct wpr_case wpr_cases[] = {
	{
		"535.113.01, 8 GiB", SZ_8G, 0x2448000, 0x8000, 0x7d00000,
		0x1ffe00000, 0x1ffdf8000, 0x1fd9b0000, 0x1f5c00000, 0x1f5b00000, 0x1f5a00000, false,
	}, {
		"570.144, 8 GiB", SZ_8G, 0x3c99000, 0x9000, 0x7f00000,
		0x1ffe00000, 0x1ffdf7000, 0x1fc150000, 0x1f4200000, 0x1f4100000, 0x1f4000000, false,
	}, {
		"535.113.01, 48 GiB", 48ULL * SZ_1G, 0x2448000, 0x8000, 0x8100000,
		0xbffe00000, 0xbffdf8000, 0xbfd9b0000, 0xbf5800000, 0xbf5700000, 0xbf5600000, false,
	}, {
		"570.144, 48 GiB", 48ULL * SZ_1G, 0x3c99000, 0x9000, 0x8300000,
		0xbffe00000, 0xbffdf7000, 0xbfc150000, 0xbf3e00000, 0xbf3d00000, 0xbf3c00000, false,
	}, {
		"570.144, 48 GiB, vGPU", 48ULL * SZ_1G, 0x3c99000, 0x9000, 0x24500000,
		0xbffe00000, 0xbffdf7000, 0xbfc150000, 0xbd7c00000, 0xbd7b00000, 0xbd7a00000, true,
	}, {
		"535.113.01, 48 GiB, vGPU", 48ULL * SZ_1G, 0x2448000, 0x8000, 0x22500000,
		0xbffe00000, 0xbffdf8000, 0xbfd9b0000, 0xbdb400000, 0xbdb300000, 0xbdb200000, true,
	},
};

KUNIT_ARRAY_PARAM_DESC(wpr, wpr_cases, name);

static void wpr_layout(struct kunit *test)
{
	const struct wpr_case *c = test->param_value;
	u64 vga = c->fb_size - SZ_1M;
	struct nvgpu_wpr wpr = {};

	KUNIT_ASSERT_EQ(test, 0, nvgpu_wpr_layout(&wpr, c->fb_size, vga, c->image_size,
						  c->bootloader_size, c->heap_size));
	KUNIT_EXPECT_EQ(test, wpr.fb_size, c->fb_size);
	KUNIT_EXPECT_EQ(test, wpr.vga_workspace, vga);
	KUNIT_EXPECT_EQ(test, wpr.vga_workspace_size, SZ_1M);
	KUNIT_EXPECT_EQ(test, wpr.wpr_end, vga);
	KUNIT_EXPECT_EQ(test, wpr.frts, c->frts);
	KUNIT_EXPECT_EQ(test, wpr.frts_size, SZ_1M);
	KUNIT_EXPECT_EQ(test, wpr.boot_bin, c->boot_bin);
	KUNIT_EXPECT_EQ(test, wpr.elf, c->elf);
	KUNIT_EXPECT_EQ(test, wpr.heap, c->heap);
	KUNIT_EXPECT_EQ(test, wpr.heap_size, c->heap_size);
	KUNIT_EXPECT_EQ(test, wpr.wpr_start, c->wpr_start);
	KUNIT_EXPECT_EQ(test, wpr.nonwpr_heap, c->nonwpr_heap);
	KUNIT_EXPECT_EQ(test, wpr.nonwpr_heap_size, SZ_1M);
	KUNIT_EXPECT_EQ(test, wpr.rsvd_start, c->nonwpr_heap);
	KUNIT_EXPECT_EQ(test, nvgpu_wpr_needs_scrubber(&wpr), c->scrubber);
}

/* the workspace of a VBIOS that says where it is may start at an odd place */
static void wpr_unaligned_workspace(struct kunit *test)
{
	struct nvgpu_wpr wpr = {};

	KUNIT_ASSERT_EQ(test, 0, nvgpu_wpr_layout(&wpr, SZ_8G, SZ_8G - SZ_256K - SZ_4K, 0x3c99000,
						  0x9000, 0x7f00000));
	KUNIT_EXPECT_EQ(test, wpr.wpr_end, SZ_8G - SZ_256K - SZ_128K);
	KUNIT_EXPECT_EQ(test, wpr.frts, wpr.wpr_end - SZ_1M);
	KUNIT_EXPECT_EQ(test, wpr.vga_workspace_size, SZ_256K + SZ_4K);
}

/* the scrubber is needed from the first byte below the 256 MiB that are clean after power on */
static void wpr_scrubber_edge(struct kunit *test)
{
	struct nvgpu_wpr wpr = { .fb_size = SZ_8G, .rsvd_start = SZ_8G - SZ_256M };

	KUNIT_EXPECT_FALSE(test, nvgpu_wpr_needs_scrubber(&wpr));
	wpr.rsvd_start -= SZ_1M;
	KUNIT_EXPECT_TRUE(test, nvgpu_wpr_needs_scrubber(&wpr));
}

static void wpr_no_room(struct kunit *test)
{
	struct nvgpu_wpr wpr = {};

	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_wpr_layout(&wpr, SZ_512M, SZ_512M - SZ_1M, 0x3c99000,
							0x9000, 0x24500000));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_wpr_layout(&wpr, SZ_8G, SZ_8G - SZ_1M, SZ_8G, 0x9000,
							0x7f00000));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_wpr_layout(&wpr, SZ_1M, 0, 0x3c99000, 0x9000,
							0x7f00000));
	KUNIT_EXPECT_NE(test, 0, nvgpu_wpr_layout(&wpr, SZ_8G, SZ_8G + SZ_1M, 0x3c99000, 0x9000,
						  0x7f00000));
}

static struct kunit_case wpr_test_cases[] = {
	KUNIT_CASE_PARAM(wpr_layout, wpr_gen_params),
	KUNIT_CASE(wpr_unaligned_workspace),
	KUNIT_CASE(wpr_scrubber_edge),
	KUNIT_CASE(wpr_no_room),
	{}
};

static struct kunit_suite wpr_suite = {
	.name = "nvkm_vgpu_wpr",
	.test_cases = wpr_test_cases,
};

kunit_test_suite(wpr_suite);
