// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "vgpu/monitor.h"

/* the firmware's layouts, as numbers: bytes */
#define SAMPLES_SIZE		4048
#define SAMPLES_TYPE		0
#define SAMPLES_COUNT		8
#define SAMPLES_MAX		72
#define SAMPLE(i)		(16 + 56 * (i))
#define SAMPLE_GRAPHICS		20
#define SAMPLE_GRAPHICS_PID	24
#define UTILIZATION		2

#define GUESTS_MAX		32
#define GUEST(i)		(8 + 152 * (i))
#define GUEST_OS		4
#define GUEST_FRAME_RATE	16
#define GUEST_LICENSE		24
#define GUEST_VERSION		33
#define GUEST_STRING		32
#define GUEST_VALID		100
#define GUEST_GFID		104
#define GUEST_FB_USED		128
#define GUEST_LOADED		144

static const struct nvgpu_fwabi * const abi = &nvgpu_fwabi_r570_144;

struct monitor_test {
	struct nvgpu_monitor monitor;
	u8 msg[SAMPLES_SIZE];
	u32 rows;
	u8 vgpus[GUEST(GUESTS_MAX)];
};

static void put32(u8 *at, u32 val)
{
	put_unaligned_le32(val, at);
}

static void free_monitor(void *data)
{
	nvgpu_monitor_fini(data);
}

static int monitor_test_init(struct kunit *test)
{
	struct monitor_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	t->msg[SAMPLES_TYPE] = UTILIZATION;
	KUNIT_ASSERT_EQ(test, abi->vgpu->guests.size, sizeof(t->vgpus));
	nvgpu_monitor_init(&t->monitor, NULL);
	return kunit_add_action_or_reset(test, free_monitor, &t->monitor);
}

/* one more row: @pid used @util of graphics, and of nothing else */
static void add_row(struct monitor_test *t, u64 time, u32 pid, u32 util)
{
	u8 *row = t->msg + SAMPLE(t->rows++);

	memset(row, 0xff, SAMPLE(1) - SAMPLE(0));
	put_unaligned_le64(time, row);
	put32(row + SAMPLE_GRAPHICS, util);
	put32(row + SAMPLE_GRAPHICS_PID, pid);
}

static int tell(struct monitor_test *t, size_t len)
{
	put32(t->msg + SAMPLES_COUNT, t->rows);
	t->rows = 0;
	return nvgpu_monitor_samples(&t->monitor, abi, t->msg, len);
}

static void expect_util(struct kunit *test, unsigned int vf, u32 want)
{
	struct monitor_test *t = test->priv;
	u32 util = U32_MAX;

	KUNIT_EXPECT_EQ(test, 0, nvgpu_monitor_util(&t->monitor, vf, NVGPU_UTIL_GRAPHICS, &util));
	KUNIT_EXPECT_EQ_MSG(test, util, want, "VF %u", vf);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_monitor_util(&t->monitor, vf, NVGPU_UTIL_MEMORY, &util));
	KUNIT_EXPECT_EQ(test, util, 0);
}

static void monitor_knows_nothing_first(struct kunit *test)
{
	struct monitor_test *t = test->priv;
	u32 util;

	KUNIT_EXPECT_EQ(test, -ENODATA,
			nvgpu_monitor_util(&t->monitor, 0, NVGPU_UTIL_GRAPHICS, &util));
	/* nobody used anything, which is something to know */
	add_row(t, 1, U32_MAX, 0);
	KUNIT_EXPECT_EQ(test, 0, tell(t, SAMPLES_SIZE));
	expect_util(test, 0, 0);
}

static void monitor_newest_rows_count(struct kunit *test)
{
	struct monitor_test *t = test->priv;

	/* in any order: the message is a ring */
	add_row(t, 30, nvgpu_monitor_pid(0), 100);
	add_row(t, 10, nvgpu_monitor_pid(0), 7000);
	add_row(t, 20, nvgpu_monitor_pid(31), 500);
	/* two processes of one guest */
	add_row(t, 30, nvgpu_monitor_pid(0), 200);
	add_row(t, 40, 4711, 9999);
	KUNIT_EXPECT_EQ(test, 0, tell(t, SAMPLES_SIZE));
	expect_util(test, 0, 300);
	expect_util(test, 1, 0);
	expect_util(test, 31, 500);

	/* what was told before is told again, and is not added */
	add_row(t, 30, nvgpu_monitor_pid(0), 100);
	add_row(t, 20, nvgpu_monitor_pid(31), 500);
	KUNIT_EXPECT_EQ(test, 0, tell(t, SAMPLES_SIZE));
	expect_util(test, 0, 300);

	add_row(t, 31, nvgpu_monitor_pid(0), 1);
	KUNIT_EXPECT_EQ(test, 0, tell(t, SAMPLES_SIZE));
	expect_util(test, 0, 1);
}

/* the next vGPU of a VF has the number of the last one, which is still told of */
static void monitor_predecessor_is_forgotten(struct kunit *test)
{
	struct monitor_test *t = test->priv;

	add_row(t, 30, nvgpu_monitor_pid(0), 700);
	KUNIT_EXPECT_EQ(test, 0, tell(t, SAMPLES_SIZE));
	expect_util(test, 0, 700);
	nvgpu_monitor_forget(&t->monitor, 0);
	expect_util(test, 0, 0);
	add_row(t, 30, nvgpu_monitor_pid(0), 700);
	KUNIT_EXPECT_EQ(test, 0, tell(t, SAMPLES_SIZE));
	expect_util(test, 0, 0);
	add_row(t, 31, nvgpu_monitor_pid(0), 5);
	KUNIT_EXPECT_EQ(test, 0, tell(t, SAMPLES_SIZE));
	expect_util(test, 0, 5);
}

static void monitor_no_more_than_all(struct kunit *test)
{
	struct monitor_test *t = test->priv;

	add_row(t, 1, nvgpu_monitor_pid(0), U32_MAX);
	add_row(t, 1, nvgpu_monitor_pid(0), 9000);
	add_row(t, 1, nvgpu_monitor_pid(1), 6000);
	add_row(t, 1, nvgpu_monitor_pid(1), 6000);
	KUNIT_EXPECT_EQ(test, 0, tell(t, SAMPLES_SIZE));
	expect_util(test, 0, 10000);
	expect_util(test, 1, 10000);
}

static void monitor_samples_that_lie(struct kunit *test)
{
	struct monitor_test *t = test->priv;
	u32 util;

	t->rows = SAMPLES_MAX + 1;
	KUNIT_EXPECT_EQ(test, -EPROTO, tell(t, SAMPLES_SIZE));
	add_row(t, 1, nvgpu_monitor_pid(0), 5);
	KUNIT_EXPECT_EQ(test, -EPROTO, tell(t, SAMPLES_SIZE - 1));
	KUNIT_EXPECT_EQ(test, -ENODATA,
			nvgpu_monitor_util(&t->monitor, 0, NVGPU_UTIL_GRAPHICS, &util));
	/* another kind of samples is none of ours, and no lie */
	t->msg[SAMPLES_TYPE] = UTILIZATION - 1;
	add_row(t, 1, nvgpu_monitor_pid(0), 5);
	KUNIT_EXPECT_EQ(test, 0, tell(t, SAMPLES_SIZE));
	expect_util(test, 0, 0);
}

static int decode(struct monitor_test *t, u32 index, struct nvgpu_guest *guest)
{
	return abi->vgpu->decode_guest(t->vgpus, sizeof(t->vgpus), index, guest);
}

static void monitor_guests(struct kunit *test)
{
	struct monitor_test *t = test->priv;
	u8 *row = t->vgpus + GUEST(1);
	struct nvgpu_guest guest;

	put32(t->vgpus, 2);
	put32(row + GUEST_GFID, 3);
	put_unaligned_le64(5ULL << 30, row + GUEST_FB_USED);
	row[GUEST_LOADED] = 1;
	put32(row + GUEST_VALID, 1);
	/* x86-64, Linux, pages of 4 KiB */
	put32(row + GUEST_OS, 2 | 1 << 3 | 12 << 8);
	put32(row + GUEST_LICENSE, 5);
	put32(row + GUEST_FRAME_RATE, 60);
	/* without an end */
	memset(row + GUEST_VERSION, '5', GUEST_STRING);
	KUNIT_EXPECT_EQ(test, 1, decode(t, 1, &guest));
	KUNIT_EXPECT_EQ(test, guest.gfid, 3);
	KUNIT_EXPECT_TRUE(test, guest.valid && guest.driver_loaded);
	KUNIT_EXPECT_EQ(test, guest.fb_used, 5ULL << 30);
	KUNIT_EXPECT_EQ(test, (int)guest.os, NVGPU_GUEST_OS_LINUX);
	KUNIT_EXPECT_EQ(test, (int)guest.license, NVGPU_LICENSE_LICENSED);
	KUNIT_EXPECT_EQ(test, guest.frame_rate_limit, 60);
	KUNIT_EXPECT_EQ(test, strlen(guest.version), GUEST_STRING);
	KUNIT_EXPECT_EQ(test, strlen(guest.branch), 0);

	put32(row + GUEST_LICENSE, 6);
	put32(row + GUEST_OS, 31 << 3);
	put32(row + GUEST_FRAME_RATE, U32_MAX);
	KUNIT_EXPECT_EQ(test, 1, decode(t, 1, &guest));
	KUNIT_EXPECT_EQ(test, (int)guest.license, NVGPU_LICENSE_UNKNOWN);
	KUNIT_EXPECT_EQ(test, (int)guest.os, NVGPU_GUEST_OS_UNKNOWN);
	KUNIT_EXPECT_EQ(test, guest.frame_rate_limit, 0);

	KUNIT_EXPECT_EQ(test, 0, decode(t, 2, &guest));
	KUNIT_EXPECT_EQ(test, -EPROTO,
			abi->vgpu->decode_guest(t->vgpus, sizeof(t->vgpus) - 1, 0, &guest));
	put32(t->vgpus, GUESTS_MAX + 1);
	KUNIT_EXPECT_EQ(test, -EPROTO, decode(t, 0, &guest));
}

/* a number without a name is unknown; one with a name fits, or is an error with a name */
static void monitor_expect_names(struct kunit *test, const struct nvgpu_fwabi *release,
				 unsigned int names)
{
	unsigned int named = 0, sized = 0;
	static const u8 nothing[1];
	u32 function;

	for (function = 0; function < 0x2000; function++) {
		struct nvgpu_event event = {};
		int ret = release->decode_event(function, nothing, 0, &event);

		if (!event.name) {
			KUNIT_EXPECT_EQ(test, 0, ret);
			KUNIT_EXPECT_EQ(test, (int)event.type, NVGPU_EVENT_UNKNOWN);
			continue;
		}
		named++;
		sized += ret == -EPROTO;
		KUNIT_EXPECT_TRUE(test, ret == -EPROTO || event.type != NVGPU_EVENT_UNKNOWN);
	}
	KUNIT_EXPECT_EQ(test, named, names);
	KUNIT_EXPECT_EQ(test, sized, 6);
}

static void monitor_events_have_names(struct kunit *test)
{
	monitor_expect_names(test, &nvgpu_fwabi_r570_144, 19);
	monitor_expect_names(test, &nvgpu_fwabi_r535_113_01, 15);
}

static struct kunit_case monitor_cases[] = {
	KUNIT_CASE(monitor_knows_nothing_first),
	KUNIT_CASE(monitor_newest_rows_count),
	KUNIT_CASE(monitor_predecessor_is_forgotten),
	KUNIT_CASE(monitor_no_more_than_all),
	KUNIT_CASE(monitor_samples_that_lie),
	KUNIT_CASE(monitor_guests),
	KUNIT_CASE(monitor_events_have_names),
	{}
};

static struct kunit_suite monitor_suite = {
	.name = "nvkm_vgpu_monitor",
	.init = monitor_test_init,
	.test_cases = monitor_cases,
};

kunit_test_suite(monitor_suite);
