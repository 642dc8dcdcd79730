// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "boot/fwsec.h"
#include "boot/vbios.h"

/*
 * FWSEC's data as they are in a VBIOS: a list of interfaces, one of which is the mapper, which says
 * where commands go.
 */
#define SIZE		0x400
#define INTERFACES	0x20
#define MAPPER		0x80
#define CMD_IN		0x100
#define CMD_IN_SIZE	0x40
#define INIT_CMD	(MAPPER + 44)

#define FRTS		0xbffe00000ULL

static char why[NVGPU_VBIOS_WHY];

static int patch(u8 *data, u32 interfaces, u32 cmd)
{
	*why = '\0';
	return nvgpu_fwsec_patch(data, SIZE, interfaces, cmd, FRTS, SZ_1M, why);
}

static u8 *make_data(struct kunit *test)
{
	u8 *data = kunit_kmalloc(test, SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	memset(data, 0x5a, SIZE);
	memcpy(data + INTERFACES, "\x01\x04\x08\x02", 4);
	put_unaligned_le32(1, data + INTERFACES + 4);	/* some other interface */
	put_unaligned_le32(0xffffffff, data + INTERFACES + 8);
	put_unaligned_le32(4, data + INTERFACES + 12);
	put_unaligned_le32(MAPPER, data + INTERFACES + 16);
	memcpy(data + MAPPER, "DMAP\x03\x00\x40\x00", 8);
	put_unaligned_le32(CMD_IN, data + MAPPER + 8);
	put_unaligned_le32(CMD_IN_SIZE, data + MAPPER + 12);
	return data;
}

static u32 get(const u8 *data, u32 offset)
{
	return get_unaligned_le32(data + offset);
}

/* everything but the command is as it was */
static void check_rest(struct kunit *test, const u8 *data, u32 len)
{
	u8 *fresh = make_data(test);

	memcpy(fresh + INIT_CMD, data + INIT_CMD, 4);
	memcpy(fresh + CMD_IN, data + CMD_IN, len);
	KUNIT_EXPECT_MEMEQ(test, data, fresh, SIZE);
}

static void fwsec_frts(struct kunit *test)
{
	u8 *data = make_data(test);

	KUNIT_ASSERT_EQ(test, 0, patch(data, INTERFACES, 0x15));
	KUNIT_EXPECT_EQ(test, get(data, INIT_CMD), 0x15);

	/* how to read the VBIOS: version, bytes of this part, where, how many, flags */
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN), 1);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 4), 24);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 8), 0);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 12), 0);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 16), 0);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 20), 2);
	/*
	 * the region: version, bytes of this part, offset and size in pages of 4 KiB, framebuffer
	 */
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 24), 1);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 28), 20);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 32), 0xbffe00);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 36), 0x100);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 40), 2);
	check_rest(test, data, 44);
}

static void fwsec_sb(struct kunit *test)
{
	u8 *data = make_data(test);

	KUNIT_ASSERT_EQ(test, 0, patch(data, INTERFACES, 0x19));
	KUNIT_EXPECT_EQ(test, get(data, INIT_CMD), 0x19);
	KUNIT_EXPECT_EQ(test, get(data, CMD_IN + 4), 24);
	check_rest(test, data, 24);
}

struct fwsec_bad {
	const char *name;
	u32 offset, value;
	const char *why;
};

static const struct fwsec_bad fwsec_bads[] = {
	{ "no entries", INTERFACES, 0x00080401, "none of 0 interfaces" },
	{ "entries beyond the end", INTERFACES, 0xffff0401, "none of 255" },
	{ "no mapper", INTERFACES + 12, 5, "none of 2" },
	{ "mapper beyond the end", INTERFACES + 16, SIZE - 63, "mapper at 0x3c1" },
	{ "mapper far beyond the end", INTERFACES + 16, 0xffffffff, "mapper at 0xffffffff" },
	{ "command beyond the end", MAPPER + 8, SIZE - 43, "at 0x3d5" },
	{ "command far beyond the end", MAPPER + 8, 0xfffffff0, "at 0xfffffff0" },
};

KUNIT_ARRAY_PARAM_DESC(bad, fwsec_bads, name);

static void fwsec_no_commands(struct kunit *test)
{
	const struct fwsec_bad *c = test->param_value;
	u8 *data = make_data(test);

	put_unaligned_le32(c->value, data + c->offset);
	KUNIT_EXPECT_EQ(test, -ENODEV, patch(data, INTERFACES, 0x15));
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(why, c->why), "\"%s\" has no \"%s\"", why, c->why);
	KUNIT_EXPECT_EQ(test, get(data, INIT_CMD), 0x5a5a5a5a);
}

static void fwsec_interfaces_outside(struct kunit *test)
{
	u8 *data = make_data(test);

	KUNIT_EXPECT_EQ(test, -ENODEV, patch(data, SIZE - 3, 0x19));
	KUNIT_EXPECT_NOT_NULL(test, strstr(why, "interfaces at 0x3fd"));
	KUNIT_EXPECT_EQ(test, -ENODEV, patch(data, 0xffffffff, 0x19));
	KUNIT_EXPECT_NOT_NULL(test, strstr(why, "interfaces at 0xffffffff"));
}

/* sizes of the header and of its entries are in the header */
static void fwsec_longer_interfaces(struct kunit *test)
{
	u8 *data = make_data(test);

	memcpy(data + INTERFACES, "\x01\x08\x0c\x01", 4);
	put_unaligned_le32(4, data + INTERFACES + 8);
	put_unaligned_le32(MAPPER, data + INTERFACES + 12);
	KUNIT_EXPECT_EQ(test, 0, patch(data, INTERFACES, 0x15));
	KUNIT_EXPECT_EQ(test, get(data, INIT_CMD), 0x15);
}

static struct kunit_case fwsec_test_cases[] = {
	KUNIT_CASE(fwsec_frts),
	KUNIT_CASE(fwsec_sb),
	KUNIT_CASE_PARAM(fwsec_no_commands, bad_gen_params),
	KUNIT_CASE(fwsec_interfaces_outside),
	KUNIT_CASE(fwsec_longer_interfaces),
	{}
};

static struct kunit_suite fwsec_suite = {
	.name = "nvkm_vgpu_fwsec",
	.test_cases = fwsec_test_cases,
};

kunit_test_suite(fwsec_suite);
