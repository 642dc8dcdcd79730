// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fwabi/fwabi.h"
#include "vgpu/sysfs.h"
#include "vgpu/types.h"

/*
 * The format is a contract: vgpu-device-manager, KubeVirt's plugin and others take a line apart at
 * its colon, skip the header by its "ID", and take the last word of the name for the type's short
 * name.
 */

struct sysfs_test {
	struct nvgpu_type *types;
	unsigned int num;
	char *page;
};

static void free_buf(void *page)
{
	free_page((unsigned long)page);
}

static int sysfs_test_init(struct kunit *test)
{
	struct sysfs_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*t->types), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->types);
	t->num = nvgpu_types_build(0x26b5, t->types, NVGPU_MAX_TYPES);
	/* sysfs gives a page, and sysfs_emit() insists on one */
	t->page = (char *)__get_free_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->page);
	ret = kunit_add_action_or_reset(test, free_buf, t->page);
	KUNIT_ASSERT_EQ(test, 0, ret);
	test->priv = t;
	return 0;
}

static void sysfs_creatable(struct kunit *test)
{
	struct sysfs_test *t = test->priv;
	const struct nvgpu_type *types[] = { &t->types[7], &t->types[17] };
	struct nvgpu_type longer = { .id = 1145, .name = "NVIDIA L40S-1B" };
	const struct nvgpu_type *one[] = { &longer };
	int len;

	len = nvgpu_sysfs_emit_creatable(t->page, types, 2);
	KUNIT_EXPECT_STREQ(test, t->page,
			   "ID    : vGPU Name\n876   : NVIDIA L40-8Q\n886   : NVIDIA L40-8A\n");
	KUNIT_EXPECT_EQ(test, len, strlen(t->page));

	len = nvgpu_sysfs_emit_creatable(t->page, one, 1);
	KUNIT_EXPECT_STREQ(test, t->page, "ID    : vGPU Name\n1145  : NVIDIA L40S-1B\n");
	KUNIT_EXPECT_EQ(test, len, strlen(t->page));
}

/* not even the header: a reader must see that there is nothing */
static void sysfs_nothing_creatable(struct kunit *test)
{
	struct sysfs_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, nvgpu_sysfs_emit_creatable(t->page, NULL, 0), 0);
}

static void sysfs_supported(struct kunit *test)
{
	static const char line[] =
		"876   : NVIDIA L40-8Q, num_heads=4, frl_config=60, framebuffer=8192M, ";
	static const char rest[] = "max_resolution=7680x4320, max_instance=6\n";
	struct sysfs_test *t = test->priv;
	char *found;

	nvgpu_sysfs_emit_supported(t->page, &t->types[7], 1);
	KUNIT_EXPECT_PTR_EQ(test, strstr(t->page, "ID    : vGPU Name\n"), t->page);
	found = strstr(t->page, line);
	KUNIT_ASSERT_PTR_EQ(test, found, t->page + strlen("ID    : vGPU Name\n"));
	KUNIT_EXPECT_STREQ(test, found + strlen(line), rest);
}

/* the longest list there is has to fit into a page */
static void sysfs_supported_fits(struct kunit *test)
{
	struct sysfs_test *t = test->priv;
	int len = nvgpu_sysfs_emit_supported(t->page, t->types, t->num);
	unsigned int lines = 0;
	char *p;

	KUNIT_EXPECT_LT(test, len, PAGE_SIZE - 1);
	for (p = t->page; *p; p++)
		lines += *p == '\n';
	KUNIT_EXPECT_EQ(test, lines, t->num + 1);
	KUNIT_EXPECT_EQ(test, t->page[len - 1], '\n');
}

/* as many as a file may have, each as long as can be: no line is cut, and most are there */
static void sysfs_supported_many(struct kunit *test)
{
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);
	struct sysfs_test *t = test->priv;
	unsigned int i;
	int len;

	KUNIT_ASSERT_NOT_NULL(test, types);
	for (i = 0; i < NVGPU_MAX_TYPES; i++) {
		memset(types[i].name, 'N', sizeof(types[i].name) - 1);
		types[i].id = U32_MAX;
		types[i].num_heads = U32_MAX;
		types[i].frl_config = U32_MAX;
		types[i].max_res_x = U32_MAX;
		types[i].max_res_y = U32_MAX;
		types[i].max_instance = 32;
		types[i].profile_size = 48ULL * SZ_1G;
	}
	len = nvgpu_sysfs_emit_supported(t->page, types, NVGPU_MAX_TYPES);
	KUNIT_EXPECT_EQ(test, len, strlen(t->page));
	KUNIT_EXPECT_GT(test, len, PAGE_SIZE - 384);
	KUNIT_EXPECT_STREQ(test, t->page + len - strlen("max_instance=32\n"), "max_instance=32\n");
}

static struct kunit_case sysfs_test_cases[] = {
	KUNIT_CASE(sysfs_creatable),
	KUNIT_CASE(sysfs_nothing_creatable),
	KUNIT_CASE(sysfs_supported),
	KUNIT_CASE(sysfs_supported_fits),
	KUNIT_CASE(sysfs_supported_many),
	{}
};

static struct kunit_suite sysfs_suite = {
	.name = "nvkm_vgpu_sysfs",
	.init = sysfs_test_init,
	.test_cases = sysfs_test_cases,
};

kunit_test_suite(sysfs_suite);
