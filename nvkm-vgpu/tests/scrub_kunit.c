// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>

#include "gsp/gsp.h"
#include "regs/gpu.h"
#include "vgpu/fbmem.h"
#include "vgpu/scrub.h"

#define GIB	((u64)SZ_1G)

struct vgpu {
	struct nvgpu_fb_block fb, heap;
	struct nvgpu_scrub_job job;
};

/* the worker waits for &nvgpu_scrub.channel, which tests hold: they do its work */
struct scrub_test {
	struct nvgpu_gpu gpu;
	struct nvgpu_gsp gsp;
	struct nvgpu_rm rm;
	struct nvgpu_bar1 *bar1;
	struct nvgpu_scrub scrub;
	struct vgpu large, small;
};

static void make_vgpu(struct vgpu *vgpu, u32 gfid, u64 start, u64 size)
{
	vgpu->fb = (struct nvgpu_fb_block) { .start = start, .size = size };
	vgpu->heap = (struct nvgpu_fb_block) { .start = start + size, .size = SZ_64M };
	nvgpu_scrub_job_init(&vgpu->job, gfid, &vgpu->fb, &vgpu->heap);
}

static int scrub_test_init(struct kunit *test)
{
	struct scrub_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->gpu.pdev = kunit_kzalloc(test, sizeof(*t->gpu.pdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->gpu.pdev);
	t->gsp.gpu = &t->gpu;
	t->rm.gsp = &t->gsp;
	nvgpu_scrub_init(&t->scrub, &t->rm, t->bar1);
	t->scrub.num_chids = 2048;
	make_vgpu(&t->large, 1, 0, 5 * GIB);
	make_vgpu(&t->small, 2, 8 * GIB, GIB);
	test->priv = t;
	return 0;
}

static void scrub_test_exit(struct kunit *test)
{
	struct scrub_test *t = test->priv;

	nvgpu_scrub_fini(&t->scrub);
}

/* a launch that ends so; its vGPU, 0 if there is nothing to do */
static u32 launch(struct scrub_test *t, int error, u64 *start, u64 *size)
{
	struct nvgpu_scrub_job *job = nvgpu_scrub_next(&t->scrub, start, size);

	if (!job)
		return 0;
	nvgpu_scrub_account(&t->scrub, job, *size, error);
	return job->gfid;
}

static void launch_all(struct scrub_test *t)
{
	u64 start, size;

	while (launch(t, 0, &start, &size))
		;
}

/* the small one, asked for last, is through long before the large one */
static void scrub_takes_turns(struct kunit *test)
{
	static const struct {
		u32 gfid;
		u64 start, size;
	} want[] = {
		{ 1, 0, GIB }, { 2, 8 * GIB, GIB }, { 1, GIB, GIB }, { 2, 9 * GIB, SZ_64M },
		{ 1, 2 * GIB, GIB }, { 1, 3 * GIB, GIB }, { 1, 4 * GIB, GIB },
		{ 1, 5 * GIB, SZ_64M },
		{},
	};
	struct scrub_test *t = test->priv;
	u64 start = 0, size = 0;
	unsigned int i;

	guard(mutex)(&t->scrub.channel);
	nvgpu_scrub_queue(&t->scrub, &t->large.job, NVGPU_SCRUB_BLOCKS);
	nvgpu_scrub_queue(&t->scrub, &t->small.job, NVGPU_SCRUB_BLOCKS);
	/* once more is not twice */
	nvgpu_scrub_queue(&t->scrub, &t->small.job, NVGPU_SCRUB_BLOCKS);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		KUNIT_EXPECT_EQ_MSG(test, want[i].gfid, launch(t, 0, &start, &size), "launch %u",
				    i);
		if (!want[i].gfid)
			break;
		KUNIT_EXPECT_EQ_MSG(test, want[i].start, start, "launch %u", i);
		KUNIT_EXPECT_EQ_MSG(test, want[i].size, size, "launch %u", i);
		KUNIT_EXPECT_EQ(test, i >= 3, nvgpu_scrub_is_clean(&t->scrub, &t->small.job));
	}
	KUNIT_EXPECT_TRUE(test, nvgpu_scrub_is_clean(&t->scrub, &t->large.job));
	KUNIT_EXPECT_EQ(test, t->scrub.launches, 8);
	KUNIT_EXPECT_EQ(test, t->scrub.bytes, 6 * GIB + 2 * SZ_64M);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_scrub_wait(&t->scrub, &t->small.job, false));
}

/* what failed stays dirty, the others go on; what hangs is not tried with everybody */
static void scrub_failures(struct kunit *test)
{
	struct scrub_test *t = test->priv;
	u64 start, size;

	guard(mutex)(&t->scrub.channel);
	nvgpu_scrub_queue(&t->scrub, &t->large.job, NVGPU_SCRUB_BLOCKS);
	nvgpu_scrub_queue(&t->scrub, &t->small.job, NVGPU_SCRUB_BLOCKS);
	KUNIT_EXPECT_EQ(test, 1, launch(t, -EIO, &start, &size));
	KUNIT_EXPECT_EQ(test, -EIO, nvgpu_scrub_wait(&t->scrub, &t->large.job, false));
	KUNIT_EXPECT_TRUE(test, nvgpu_scrub_is_busy(&t->scrub, &t->small.job));
	launch_all(t);
	KUNIT_EXPECT_FALSE(test, nvgpu_scrub_is_clean(&t->scrub, &t->large.job));
	KUNIT_EXPECT_TRUE(test, nvgpu_scrub_is_clean(&t->scrub, &t->small.job));

	/* from the start again */
	nvgpu_scrub_queue(&t->scrub, &t->large.job, NVGPU_SCRUB_BLOCKS);
	nvgpu_scrub_queue(&t->scrub, &t->small.job, NVGPU_SCRUB_BLOCKS);
	KUNIT_EXPECT_EQ(test, 1, launch(t, -ETIMEDOUT, &start, &size));
	KUNIT_EXPECT_EQ(test, start, 0);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, nvgpu_scrub_wait(&t->scrub, &t->large.job, false));
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, nvgpu_scrub_wait(&t->scrub, &t->small.job, false));
	KUNIT_EXPECT_EQ(test, 0, launch(t, 0, &start, &size));
	KUNIT_EXPECT_EQ(test, t->scrub.failures, 3);
}

/* only what is clean is handed out, once, and dirty until it is cleared again */
static void scrub_hand_out(struct kunit *test)
{
	struct scrub_test *t = test->priv;
	struct nvgpu_scrub *scrub = &t->scrub;
	struct nvgpu_scrub_job *job = &t->large.job;

	KUNIT_EXPECT_EQ(test, -EIO, nvgpu_scrub_hand_out(scrub, job, 1024, 1024));
	KUNIT_EXPECT_FALSE(test, nvgpu_scrub_is_due(scrub, job));
	mutex_lock(&scrub->channel);
	nvgpu_scrub_queue(scrub, job, NVGPU_SCRUB_BLOCKS);
	launch_all(t);
	nvgpu_scrub_queue(scrub, &t->small.job, NVGPU_SCRUB_BLOCKS);
	launch_all(t);
	mutex_unlock(&scrub->channel);

	KUNIT_EXPECT_EQ(test, 0, nvgpu_scrub_hand_out(scrub, job, 1024, 1024));
	KUNIT_EXPECT_EQ(test, -EIO, nvgpu_scrub_hand_out(scrub, job, 0, 1024));
	KUNIT_EXPECT_EQ(test, -EIO, nvgpu_scrub_hand_out(scrub, &t->small.job, 2047, 1));
	KUNIT_EXPECT_TRUE(test, nvgpu_scrub_is_due(scrub, job));

	/* a reset clears it, and does not make it clean: somebody has it */
	mutex_lock(&scrub->channel);
	nvgpu_scrub_queue(scrub, job, 1);
	launch_all(t);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_scrub_wait(scrub, job, false));
	KUNIT_EXPECT_FALSE(test, t->large.fb.clean);
	KUNIT_EXPECT_TRUE(test, nvgpu_scrub_is_due(scrub, job));

	nvgpu_scrub_take_back(scrub, job, 1024, 1024);
	nvgpu_scrub_take_back(scrub, job, 1024, 1024);
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(&scrub->busy), 0);
	KUNIT_EXPECT_FALSE(test, nvgpu_scrub_is_clean(scrub, job));
	nvgpu_scrub_queue(scrub, job, NVGPU_SCRUB_BLOCKS);
	launch_all(t);
	KUNIT_EXPECT_TRUE(test, nvgpu_scrub_is_clean(scrub, job));
	KUNIT_EXPECT_FALSE(test, nvgpu_scrub_is_due(scrub, job));

	nvgpu_scrub_soil(scrub, job);
	KUNIT_EXPECT_FALSE(test, nvgpu_scrub_is_clean(scrub, job));
	/* nobody left anything in it, though */
	KUNIT_EXPECT_FALSE(test, nvgpu_scrub_is_due(scrub, job));
	mutex_unlock(&scrub->channel);
}

/* the firmware's table: bytes; which engines, by its numbers of interrupts and of channels */
#define INTR_ENTRY(i)		(4 + 16 * (i))
#define INTR_NONSTALL		12
#define INTR_MAX		128
#define INTR_GSP		50
#define INTR_CE2		17
#define COPY2			11

static void put_intr(u8 *table, u32 i, u16 engine, u32 nonstall)
{
	put_unaligned_le16(engine, table + INTR_ENTRY(i));
	put_unaligned_le32(nonstall, table + INTR_ENTRY(i) + INTR_NONSTALL);
	put_unaligned_le32(i + 1, table);
}

static void scrub_vector(struct kunit *test)
{
	const struct nvgpu_fwabi_board *ops = nvgpu_fwabi_r570_144.board;
	u8 *table = kunit_kzalloc(test, ops->intr_table.size, GFP_KERNEL);
	size_t size = ops->intr_table.size;
	u32 vector;

	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_EXPECT_EQ(test, -ENOENT, ops->decode_copy_vector(table, size, COPY2, &vector));
	put_intr(table, 0, INTR_GSP, 5);
	put_intr(table, 1, INTR_CE2 - 1, 6);
	put_intr(table, 2, INTR_CE2, 7);
	KUNIT_EXPECT_EQ(test, 0, ops->decode_copy_vector(table, size, COPY2, &vector));
	KUNIT_EXPECT_EQ(test, vector, 7);
	/* no such engine, none of the first ten, one without a vector */
	KUNIT_EXPECT_EQ(test, -ENOENT, ops->decode_copy_vector(table, size, COPY2 + 1, &vector));
	KUNIT_EXPECT_EQ(test, -ENOENT, ops->decode_copy_vector(table, size, 0, &vector));
	KUNIT_EXPECT_EQ(test, -ENOENT, ops->decode_copy_vector(table, size, 50, &vector));
	put_intr(table, 2, INTR_CE2, ~0);
	KUNIT_EXPECT_EQ(test, -ENOENT, ops->decode_copy_vector(table, size, COPY2, &vector));

	KUNIT_EXPECT_EQ(test, -EPROTO, ops->decode_copy_vector(table, size - 1, COPY2, &vector));
	put_unaligned_le32(INTR_MAX + 1, table);
	KUNIT_EXPECT_EQ(test, -EPROTO, ops->decode_copy_vector(table, size, COPY2, &vector));
}

static struct kunit_case scrub_cases[] = {
	KUNIT_CASE(scrub_takes_turns),
	KUNIT_CASE(scrub_failures),
	KUNIT_CASE(scrub_hand_out),
	KUNIT_CASE(scrub_vector),
	{}
};

static struct kunit_suite scrub_suite = {
	.name = "nvkm_vgpu_scrub",
	.init = scrub_test_init,
	.exit = scrub_test_exit,
	.test_cases = scrub_cases,
};

kunit_test_suite(scrub_suite);
