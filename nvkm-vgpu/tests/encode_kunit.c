// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that a message is made of reaches it, with each release of GSP-RM. Where a member is in there
 * is checked against NVIDIA's layouts elsewhere; here, that none is forgotten.
 */
#include <kunit/test.h>
#include <linux/array_size.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fwabi/fwabi.h"

#define MESSAGE_MAX	SZ_512K
#define ANY_NUMBER	SIZE_MAX

/**
 * struct encode_member - a member of what a message is made of
 * @name: for who reads it
 * @offset: of the byte that is set to 1, which is a number, and true
 * @since_570: older releases have no place for it
 */
struct encode_member {
	const char *name;
	size_t offset;
	bool since_570;
};

#define MEMBER(type, member)		{ #member, offsetof(struct type, member), false }
#define MEMBER_570(type, member)	{ #member, offsetof(struct type, member), true }

static const struct nvgpu_fwabi * const encode_abis[] = {
	&nvgpu_fwabi_r570_144, &nvgpu_fwabi_r535_113_01,
};

struct encode_test {
	const struct nvgpu_fwabi *abi;
	u8 *without, *with;
};

static int encode_test_init(struct kunit *test)
{
	struct encode_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->without = kunit_kzalloc(test, MESSAGE_MAX, GFP_KERNEL);
	t->with = kunit_kzalloc(test, MESSAGE_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->without);
	KUNIT_ASSERT_NOT_NULL(test, t->with);
	test->priv = t;
	return 0;
}

static size_t encode_count(const u8 *buf)
{
	size_t i, count = 0;

	for (i = 0; i < MESSAGE_MAX; i++)
		count += buf[i] != 0;
	return count;
}

typedef void (*encode_fn)(const struct nvgpu_fwabi *abi, void *buf, const void *from);

/* each member of @from, one at a time, makes a difference in the message, and no two the same */
static void encode_each(struct kunit *test, encode_fn encode, void *from,
			const struct encode_member *members, unsigned int num)
{
	struct encode_test *t = test->priv;
	const struct encode_member *m;
	size_t first, last = SIZE_MAX;
	u8 *byte;
	bool differs;

	for (m = members; m < members + num; m++) {
		byte = from + m->offset;
		*byte = 1;
		memset(t->with, 0, MESSAGE_MAX);
		encode(t->abi, t->with, from);
		*byte = 0;
		for (first = 0; first < MESSAGE_MAX && t->with[first] == t->without[first]; first++)
			;
		differs = first < MESSAGE_MAX;
		KUNIT_EXPECT_EQ_MSG(test, differs, !m->since_570 ||
				    t->abi == &nvgpu_fwabi_r570_144, "%s: %s", t->abi->version,
				    m->name);
		if (differs)
			KUNIT_EXPECT_NE_MSG(test, first, last, "%s: %s is where another one is",
					    t->abi->version, m->name);
		last = differs ? first : last;
	}
}

/* the same with each release; made of nothing, a message has @always bytes that are not 0 */
static void encode_all(struct kunit *test, encode_fn encode, void *from,
		       const struct encode_member *members, unsigned int num, size_t always)
{
	struct encode_test *t = test->priv;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, from);
	for (i = 0; i < ARRAY_SIZE(encode_abis); i++) {
		t->abi = encode_abis[i];
		memset(t->without, 0, MESSAGE_MAX);
		encode(t->abi, t->without, from);
		if (always != ANY_NUMBER)
			KUNIT_EXPECT_EQ_MSG(test, encode_count(t->without), always,
					    "%s: what is always so", t->abi->version);
		encode_each(test, encode, from, members, num);
	}
}

static void encode_system_info(const struct nvgpu_fwabi *abi, void *buf, const void *from)
{
	abi->encode_system_info(buf, from);
}

static void encode_of_system_info(struct kunit *test)
{
	static const struct encode_member members[] = {
		MEMBER(nvgpu_system_info, bar0_addr),
		MEMBER(nvgpu_system_info, bar1_addr),
		MEMBER(nvgpu_system_info, bar3_addr),
		MEMBER(nvgpu_system_info, bdf),
		MEMBER(nvgpu_system_info, max_user_va),
		MEMBER(nvgpu_system_info, config_mirror_base),
		MEMBER(nvgpu_system_info, config_mirror_size),
		MEMBER_570(nvgpu_system_info, vendor),
		MEMBER_570(nvgpu_system_info, device),
		MEMBER_570(nvgpu_system_info, subsystem_vendor),
		MEMBER_570(nvgpu_system_info, subsystem),
		MEMBER_570(nvgpu_system_info, revision),
		MEMBER_570(nvgpu_system_info, host_page_size),
		MEMBER(nvgpu_system_info, vf.total_vfs),
		MEMBER(nvgpu_system_info, vf.first_vf_offset),
		MEMBER(nvgpu_system_info, vf.bar_addr[0]),
		MEMBER(nvgpu_system_info, vf.bar_addr[1]),
		MEMBER(nvgpu_system_info, vf.bar_addr[2]),
		MEMBER(nvgpu_system_info, vf.bar_64bit[0]),
		MEMBER(nvgpu_system_info, vf.bar_64bit[1]),
		MEMBER(nvgpu_system_info, vf.bar_64bit[2]),
	};
	void *info = kunit_kzalloc(test, sizeof(struct nvgpu_system_info), GFP_KERNEL);

	encode_all(test, encode_system_info, info, members, ARRAY_SIZE(members), 0);
}

static void encode_bootload(const struct nvgpu_fwabi *abi, void *buf, const void *from)
{
	abi->encode_bootload(buf, from);
}

static void encode_of_bootload(struct kunit *test)
{
	static const struct encode_member members[] = {
		MEMBER(nvgpu_bootload, gfid),
		MEMBER(nvgpu_bootload, chid_start),
		MEMBER(nvgpu_bootload, fb.start),
		MEMBER(nvgpu_bootload, fb.size),
		MEMBER(nvgpu_bootload, heap.start),
		MEMBER(nvgpu_bootload, heap.size),
		MEMBER(nvgpu_bootload, profiling),
	};
	void *bootload = kunit_kzalloc(test, sizeof(struct nvgpu_bootload), GFP_KERNEL);

	encode_all(test, encode_bootload, bootload, members, ARRAY_SIZE(members), ANY_NUMBER);
}

static void encode_config(const struct nvgpu_fwabi *abi, void *buf, const void *from)
{
	abi->encode_plugin_config(buf, from);
}

static void encode_of_plugin_config(struct kunit *test)
{
	static const struct encode_member members[] = {
		MEMBER(nvgpu_plugin_config, uuid),
		MEMBER(nvgpu_plugin_config, dbdf),
		MEMBER(nvgpu_plugin_config, instance_id),
		MEMBER(nvgpu_plugin_config, type_id),
		MEMBER(nvgpu_plugin_config, vm_pid),
		MEMBER(nvgpu_plugin_config, num_channels),
		MEMBER(nvgpu_plugin_config, num_plugin_channels),
		MEMBER_570(nvgpu_plugin_config, placement_id),
		MEMBER(nvgpu_plugin_config, enable_uvm),
		MEMBER(nvgpu_plugin_config, console_vnc),
	};
	void *config = kunit_kzalloc(test, sizeof(struct nvgpu_plugin_config), GFP_KERNEL);

	/* migration, of pages too, KVM, CPU, size of a page, events that do not stall */
	encode_all(test, encode_config, config, members, ARRAY_SIZE(members), 6);
}

static void encode_one_type(const struct nvgpu_fwabi *abi, void *buf, const void *from)
{
	abi->encode_add_types(buf, from, 1);
}

static void encode_of_type(struct kunit *test)
{
	static const struct encode_member members[] = {
		MEMBER(nvgpu_type, id),
		MEMBER(nvgpu_type, max_instance),
		MEMBER(nvgpu_type, num_heads),
		MEMBER(nvgpu_type, max_res_x),
		MEMBER(nvgpu_type, max_res_y),
		MEMBER(nvgpu_type, max_pixels),
		MEMBER(nvgpu_type, frl_config),
		MEMBER(nvgpu_type, frl_enable),
		MEMBER(nvgpu_type, cuda),
		MEMBER(nvgpu_type, ecc),
		MEMBER(nvgpu_type, multi_vgpu),
		MEMBER(nvgpu_type, multi_vgpu_exclusive),
		MEMBER(nvgpu_type, vdev_device),
		MEMBER(nvgpu_type, vdev_subsystem),
		MEMBER(nvgpu_type, pdev_device),
		MEMBER(nvgpu_type, profile_size),
		MEMBER(nvgpu_type, fb_size),
		MEMBER(nvgpu_type, heap_size),
		MEMBER(nvgpu_type, fb_reservation),
		MEMBER(nvgpu_type, mappable_video_size),
		MEMBER(nvgpu_type, encoder_capacity),
		/* is told in MiB, and the fourth byte counts 16 of them */
		{ "bar1_size", offsetof(struct nvgpu_type, bar1_size) + 3 },
	};
	struct nvgpu_type *type = kunit_kzalloc(test, sizeof(*type), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, type);
	type->class_name = "";
	type->license = "";
	/* their number, and that those of before are gone */
	encode_all(test, encode_one_type, type, members, ARRAY_SIZE(members), 2);
}

/* each of them is in the message, with its texts */
static void encode_of_types(struct kunit *test)
{
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);
	struct encode_test *t = test->priv;
	unsigned int i, n;

	KUNIT_ASSERT_NOT_NULL(test, types);
	for (n = 0; n < NVGPU_MAX_TYPES; n++) {
		strscpy(types[n].name, "abc");
		types[n].class_name = "defg";
		types[n].license = "hijkl";
	}
	for (i = 0; i < ARRAY_SIZE(encode_abis); i++)
		for (n = 0; n <= NVGPU_MAX_TYPES; n += 8) {
			memset(t->with, 0, MESSAGE_MAX);
			encode_abis[i]->encode_add_types(t->with, types, n);
			KUNIT_EXPECT_EQ_MSG(test, encode_count(t->with), 1 + !!n + 12 * n,
					    "%s: %u types", encode_abis[i]->version, n);
		}
}

/* what an operator or a user is told of it; NV_STATUS of all releases */
static void encode_errno_of_status(struct kunit *test)
{
	static const struct { u32 status; int error; } known[] = {
		{ 0x00, 0 }, { 0x03, -EBUSY }, { 0x17, -EBUSY }, { 0x55, -EBUSY },
		{ 0x63, -EBUSY }, { 0x66, -EBUSY }, { 0x0f, -EIO }, { 0x40, -EIO },
		{ 0x62, -EIO }, { 0x1a, -ENOSPC }, { 0x1b, -EPERM }, { 0x51, -ENOMEM },
		{ 0x56, -EOPNOTSUPP }, { 0x57, -ENOENT }, { 0x65, -ETIMEDOUT },
		{ 0x1f, -EINVAL }, { 0x33, -EINVAL }, { 0xffff, -EINVAL }, { ~0U, -EINVAL },
	};
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(encode_abis); i++)
		for (n = 0; n < ARRAY_SIZE(known); n++)
			KUNIT_EXPECT_EQ_MSG(test, known[n].error,
					    encode_abis[i]->rm->status_errno(known[n].status),
					    "%s: %#x", encode_abis[i]->version, known[n].status);
}

static struct kunit_case encode_cases[] = {
	KUNIT_CASE(encode_of_system_info),
	KUNIT_CASE(encode_of_bootload),
	KUNIT_CASE(encode_of_plugin_config),
	KUNIT_CASE(encode_of_type),
	KUNIT_CASE(encode_of_types),
	KUNIT_CASE(encode_errno_of_status),
	{}
};

static struct kunit_suite encode_suite = {
	.name = "nvkm_vgpu_encode",
	.init = encode_test_init,
	.test_cases = encode_cases,
};

kunit_test_suite(encode_suite);
