// SPDX-License-Identifier: GPL-2.0-only
/*
 * A firmware that lies: whatever it says, a decoder reads no byte behind the message, which KASAN
 * watches, and either refuses it or gives what is within bounds.
 *
 * Each decoder gets its message cut off everywhere, with each dword at the edges of counts and of
 * numbers, damaged at random, and random from end to end.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "boot/boot.h"
#include "fwabi/fwabi.h"
#include "gsp/sequencer.h"
#include "regs/gpu.h"
#include "vgpu/chid.h"
#include "vgpu/monitor.h"
#include "vgpu/placement.h"
#include "vgpu/types.h"

#include "seed.h"

/* the firmware's layouts, as numbers: bytes */
#define MESSAGE_MAX		SZ_512K
#define SI_REGION(i)		(8 + 48 * (i))
#define EVENTS			0x1000
#define EVENTS_TRIED		48
#define OS_ERROR		0x1006
#define SAMPLES_SIZE		4048
#define SAMPLES_MAX		72
#define SEQ_HEADER		40
#define SEQ_DELAY		3
#define CONTROL_HEADER		24
#define CONTROL_PARAMS		16
#define CONTROL_PARAMS_SIZE	40
#define INTR_ENTRY(i)		(4 + 16 * (i))
#define INTR_ENTRIES		128
#define ENGINE(i)		(12 + 100 * (i))
#define ENGINES			32
#define GUEST(i)		(8 + 152 * (i))
#define GUESTS			32
#define TYPES			64
#define TYPE_SIZE		5224
#define L40			0x26b5

/* per decoder; the large messages get fewer: all dwords of up to 4 KiB, so many of what has more */
#define HOSTILE_CUTS		200
#define HOSTILE_ALL_DWORDS	1024
#define HOSTILE_DWORDS		100
#define HOSTILE_BYTES		SZ_1M

/* where two releases differ: bytes from the start of static information, and of an event */
struct hostile_layout {
	const struct nvgpu_fwabi *abi;
	size_t si_regions, si_fb_size, si_name;
	size_t os_error_size;
};

static const struct hostile_layout hostile_r570_144 = {
	&nvgpu_fwabi_r570_144, 344, 1224, 1260, 272
};

static const struct hostile_layout hostile_r535_113_01 = {
	&nvgpu_fwabi_r535_113_01, 840, 1752, 1820, 268
};

/* of the suite that runs */
static const struct hostile_layout *lay;
static const struct nvgpu_fwabi *abi;

static const u32 hostile_edges[] = {
	0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 71, 72, 73, 127, 128, 129, 0xffff, 0x10000,
	0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
};

static void put32(u8 *at, u32 val)
{
	put_unaligned_le32(val, at);
}

/* ---- decoders: how a message looks, and what must hold of whatever is made of one ------------ */

/* what is a string on this side has its end */
#define HOSTILE_EXPECT_STRING(test, text) \
	KUNIT_EXPECT_LT(test, strnlen(text, sizeof(text)), sizeof(text))

static size_t hostile_static_info_good(u8 *msg)
{
	u8 *regions = msg + lay->si_regions;

	put32(regions, 2);
	put_unaligned_le64(0x30fffff, regions + SI_REGION(0) + 8);
	put_unaligned_le64(1, regions + SI_REGION(0) + 16);
	put_unaligned_le64(0x3100000, regions + SI_REGION(1));
	put_unaligned_le64(0xb3f3fffff, regions + SI_REGION(1) + 8);
	put_unaligned_le64(0xb3f400000, msg + lay->si_fb_size);
	memset(msg + lay->si_name, 'N', 64);
	return abi->static_info_size;
}

static int hostile_static_info(struct kunit *test, const u8 *msg, size_t len)
{
	struct nvgpu_static_info info;
	unsigned int i;
	int ret;

	memset(&info, 0xee, sizeof(info));
	ret = abi->decode_static_info(msg, len, &info);
	if (ret)
		return ret;
	HOSTILE_EXPECT_STRING(test, info.name);
	KUNIT_EXPECT_LE(test, info.fb_size, NVGPU_FB_END_MAX);
	KUNIT_ASSERT_LE(test, info.num_fb_regions, NVGPU_FB_REGIONS_MAX);
	for (i = 0; i < info.num_fb_regions; i++) {
		KUNIT_EXPECT_GT(test, info.fb_region[i].size, 0);
		KUNIT_EXPECT_LT(test, info.fb_region[i].base, NVGPU_FB_END_MAX);
		KUNIT_EXPECT_LE(test, info.fb_region[i].size,
				NVGPU_FB_END_MAX - info.fb_region[i].base);
	}
	return 0;
}

/* the event with the most bytes that are read; text without an end */
static size_t hostile_event_good(u8 *msg)
{
	memset(msg + 12, 'X', 256);
	return lay->os_error_size;
}

/* what is too short for one is long enough for another */
static int hostile_event(struct kunit *test, const u8 *msg, size_t len)
{
	struct nvgpu_event event;
	int ret, got = 0;
	u32 function;

	for (function = EVENTS; function < EVENTS + EVENTS_TRIED; function++) {
		event = (struct nvgpu_event) {};
		ret = abi->decode_event(function, msg, len, &event);
		if (function == OS_ERROR)
			got = ret;
		if (ret) {
			KUNIT_EXPECT_EQ(test, ret, -EPROTO);
			continue;
		}
		HOSTILE_EXPECT_STRING(test, event.text);
		KUNIT_EXPECT_LE(test, (u32)event.type, NVGPU_EVENT_UNKNOWN);
		KUNIT_EXPECT_LE(test, (u32)event.plugin, NVGPU_PLUGIN_GUEST_CHANGED);
	}
	return got;
}

static size_t hostile_sequence_good(u8 *msg)
{
	static const u8 operands[] = { 2, 3, 5, 1, 2, 0, 0, 0, 0 };
	u8 *at = msg + SEQ_HEADER;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(operands); i++) {
		put32(at, i);
		at += 4 + 4 * operands[i];
	}
	put32(msg, (at - msg - SEQ_HEADER) / 4);
	put32(msg + 4, (at - msg - SEQ_HEADER) / 4);
	return at - msg;
}

static int hostile_sequence(struct kunit *test, const u8 *msg, size_t len)
{
	struct nvgpu_seq_cmd cmd;
	u32 pos = 0;
	int ret;

	KUNIT_EXPECT_LE(test, abi->rpc->decode_seq_cmd(msg, len, U32_MAX, &cmd), 0);
	while ((ret = abi->rpc->decode_seq_cmd(msg, len, pos, &cmd)) > 0) {
		pos += ret;
		KUNIT_ASSERT_LE(test, SEQ_HEADER + 4 * (u64)pos, len);
		KUNIT_EXPECT_LE(test, (u32)cmd.op, NVGPU_SEQ_CORE_RESUME);
	}
	return ret;
}

static size_t hostile_control_good(u8 *msg)
{
	put32(msg + CONTROL_PARAMS, CONTROL_PARAMS_SIZE);
	return CONTROL_HEADER + CONTROL_PARAMS_SIZE;
}

static int hostile_control(struct kunit *test, const u8 *msg, size_t len)
{
	u32 status, size;
	int ret;

	KUNIT_ASSERT_EQ(test, abi->rm->control_size, CONTROL_HEADER);
	ret = abi->rm->decode_control(msg, len, &status, &size);
	if (!ret)
		KUNIT_EXPECT_LE(test, size, len - CONTROL_HEADER);
	return ret;
}

static size_t hostile_alloc_good(u8 *msg)
{
	return abi->rm->alloc_size;
}

static int hostile_alloc(struct kunit *test, const u8 *msg, size_t len)
{
	u32 status;

	return abi->rm->decode_alloc(msg, len, &status);
}

static size_t hostile_free_good(u8 *msg)
{
	return abi->rm->free_size;
}

static int hostile_free(struct kunit *test, const u8 *msg, size_t len)
{
	u32 status;

	return abi->rm->decode_free(msg, len, &status);
}

/* all engines that there may be: GSP is one of them */
static size_t hostile_intr_good(u8 *msg)
{
	unsigned int i;

	put32(msg, INTR_ENTRIES);
	for (i = 0; i < INTR_ENTRIES; i++)
		put32(msg + INTR_ENTRY(i), i);
	return abi->board->intr_table.size;
}

static int hostile_intr(struct kunit *test, const u8 *msg, size_t len)
{
	u32 engine, vector;
	int ret;

	for (engine = 0; engine < 64; engine++) {
		ret = abi->board->decode_copy_vector(msg, len, engine, &vector);
		KUNIT_EXPECT_TRUE(test, !ret || ret == -EPROTO || ret == -ENOENT);
	}
	abi->board->decode_copy_vector(msg, len, U32_MAX, &vector);
	return abi->decode_intr_table(msg, len, &vector);
}

static size_t hostile_segment_good(u8 *msg)
{
	return abi->board->vmmu_segment_size.size;
}

static int hostile_segment(struct kunit *test, const u8 *msg, size_t len)
{
	u64 size;

	return abi->board->decode_vmmu_segment_size(msg, len, &size);
}

static size_t hostile_channels_good(u8 *msg)
{
	return abi->board->num_channels.size;
}

static int hostile_channels(struct kunit *test, const u8 *msg, size_t len)
{
	u32 count;

	return abi->board->decode_num_channels(msg, len, &count);
}

static size_t hostile_reserve_good(u8 *msg)
{
	return abi->board->host_reserve.size;
}

static int hostile_reserve(struct kunit *test, const u8 *msg, size_t len)
{
	u64 size;

	return abi->board->decode_host_reserve(msg, len, &size);
}

static size_t hostile_ecc_good(u8 *msg)
{
	return abi->ecc_status.size;
}

static int hostile_ecc(struct kunit *test, const u8 *msg, size_t len)
{
	bool enabled;

	return abi->decode_ecc_status(msg, len, &enabled);
}

static size_t hostile_features_good(u8 *msg)
{
	msg[4] = 1;
	strscpy(msg + 6, "570.144", 64);
	return abi->board->features.size;
}

static int hostile_features(struct kunit *test, const u8 *msg, size_t len)
{
	char version[64], brief[4];
	int ret;

	ret = abi->board->decode_features(msg, len, brief, sizeof(brief));
	if (!ret)
		HOSTILE_EXPECT_STRING(test, brief);
	ret = abi->board->decode_features(msg, len, version, sizeof(version));
	if (!ret)
		HOSTILE_EXPECT_STRING(test, version);
	return ret;
}

static size_t hostile_engines_good(u8 *msg)
{
	unsigned int i;

	put32(msg + 4, ENGINES);
	for (i = 0; i < ENGINES; i++) {
		put32(msg + ENGINE(i) + 8, i);
		put32(msg + ENGINE(i) + 12, i);
	}
	return abi->channel->engines.size;
}

static int hostile_engines(struct kunit *test, const u8 *msg, size_t len)
{
	struct nvgpu_engine engine;
	u32 i = 0;
	int ret;

	KUNIT_EXPECT_LE(test, abi->decode_engine(msg, len, U32_MAX, &engine), 0);
	while ((ret = abi->decode_engine(msg, len, i, &engine)) > 0) {
		KUNIT_ASSERT_LE(test, ++i, ENGINES);
		KUNIT_EXPECT_FALSE(test, engine.copy && engine.graphics);
	}
	return ret;
}

static size_t hostile_method_buffer_good(u8 *msg)
{
	return abi->channel->method_buffer.size;
}

static int hostile_method_buffer(struct kunit *test, const u8 *msg, size_t len)
{
	u32 size;

	return abi->channel->decode_method_buffer(msg, len, &size);
}

static size_t hostile_guests_good(u8 *msg)
{
	unsigned int i;

	put32(msg, GUESTS);
	for (i = 0; i < GUESTS; i++) {
		memset(msg + GUEST(i), 'g', 100);
		put32(msg + GUEST(i) + 104, i + 1);
	}
	return abi->vgpu->guests.size;
}

static int hostile_guests(struct kunit *test, const u8 *msg, size_t len)
{
	struct nvgpu_guest guest;
	u32 i = 0;
	int ret;

	KUNIT_EXPECT_LE(test, abi->vgpu->decode_guest(msg, len, U32_MAX, &guest), 0);
	while ((ret = abi->vgpu->decode_guest(msg, len, i, &guest)) > 0) {
		KUNIT_ASSERT_LE(test, ++i, GUESTS);
		HOSTILE_EXPECT_STRING(test, guest.version);
		HOSTILE_EXPECT_STRING(test, guest.branch);
		KUNIT_EXPECT_LE(test, (u32)guest.os, NVGPU_GUEST_OS_WINDOWS_10);
		KUNIT_EXPECT_LE(test, (u32)guest.license, NVGPU_LICENSE_LICENSED);
	}
	return ret;
}

static size_t hostile_samples_good(u8 *msg)
{
	put32(msg, 2);
	put32(msg + 8, SAMPLES_MAX);
	return SAMPLES_SIZE;
}

static int hostile_samples(struct kunit *test, const u8 *msg, size_t len)
{
	struct nvgpu_util_sample sample;
	u32 i = 0;
	int ret;

	KUNIT_EXPECT_LE(test, abi->vgpu->decode_utilization(msg, len, U32_MAX, &sample), 0);
	while ((ret = abi->vgpu->decode_utilization(msg, len, i, &sample)) > 0)
		KUNIT_ASSERT_LE(test, ++i, SAMPLES_MAX);
	return ret;
}

static size_t hostile_type_good(u8 *msg)
{
	static struct nvgpu_type types[NVGPU_MAX_TYPES];

	nvgpu_types_build(L40, types, ARRAY_SIZE(types));
	abi->encode_add_types(msg, &types[7], 1);
	memmove(msg, msg + abi->type_file.info_offset, TYPE_SIZE);
	memset(msg + TYPE_SIZE, 0, abi->type_file.info_offset);
	return abi->type_file.info_size;
}

static int hostile_type(struct kunit *test, const u8 *msg, size_t len)
{
	char why[NVGPU_TYPE_WHY_MAX];
	struct nvgpu_type type;
	int ret;

	memset(why, 0xee, sizeof(why));
	ret = abi->decode_type_info(msg, len, &type, why);
	if (ret) {
		HOSTILE_EXPECT_STRING(test, why);
		return ret;
	}
	HOSTILE_EXPECT_STRING(test, type.name);
	KUNIT_EXPECT_LT(test, strlen(type.class_name), 32);
	KUNIT_EXPECT_LT(test, strlen(type.license), 128);
	return 0;
}

static size_t hostile_types_good(u8 *msg)
{
	put32(msg + 4, TYPES);
	return abi->add_type.size;
}

static int hostile_types(struct kunit *test, const u8 *msg, size_t len)
{
	u32 count, i;
	int ret;

	ret = abi->decode_add_type(msg, len, &count);
	if (ret)
		return ret;
	KUNIT_ASSERT_LE(test, abi->type_file.info_offset + count * (u64)TYPE_SIZE, len);
	for (i = 0; i < count; i++)
		hostile_type(test, msg + abi->type_file.info_offset + i * TYPE_SIZE, TYPE_SIZE);
	return 0;
}

/**
 * struct hostile_decoder - a decoder, or several of one message
 * @name: what is decoded
 * @good: makes a message that is right, in zeroes; returns its size
 * @decode: all that there is to decode; 0 or an error
 * @least: bytes behind which a message may be cut off, as it has less to say then; 0 if nowhere
 * @file: of a file of vGPU types, which not each release has
 */
struct hostile_decoder {
	const char *name;
	size_t (*good)(u8 *msg);
	int (*decode)(struct kunit *test, const u8 *msg, size_t len);
	size_t least;
	bool file;
};

static const struct hostile_decoder hostile_decoders[] = {
	{ "static information", hostile_static_info_good, hostile_static_info },
	{ "event", hostile_event_good, hostile_event },
	{ "boot sequence", hostile_sequence_good, hostile_sequence, .least = SEQ_HEADER },
	{ "control", hostile_control_good, hostile_control },
	{ "allocation", hostile_alloc_good, hostile_alloc },
	{ "free", hostile_free_good, hostile_free },
	{ "interrupt table", hostile_intr_good, hostile_intr },
	{ "VMMU segment", hostile_segment_good, hostile_segment },
	{ "channels", hostile_channels_good, hostile_channels },
	{ "host reserve", hostile_reserve_good, hostile_reserve },
	{ "ECC", hostile_ecc_good, hostile_ecc },
	{ "features", hostile_features_good, hostile_features },
	{ "engines", hostile_engines_good, hostile_engines },
	{ "method buffer", hostile_method_buffer_good, hostile_method_buffer },
	{ "guests", hostile_guests_good, hostile_guests },
	{ "utilization", hostile_samples_good, hostile_samples },
	{ "vGPU type", hostile_type_good, hostile_type, .file = true },
	{ "vGPU types", hostile_types_good, hostile_types, .file = true },
};

static void hostile_desc(const struct hostile_decoder *decoder, char *desc)
{
	strscpy(desc, decoder->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(hostile, hostile_decoders, hostile_desc);

/* ---- what is done to them -------------------------------------------------------------------- */

static void hostile_kvfree(void *msg)
{
	kvfree(msg);
}

static u8 *hostile_good(struct kunit *test, size_t *size)
{
	const struct hostile_decoder *decoder = test->param_value;
	u8 *msg, *exact;

	if (decoder->file && !abi->type_file.info_size)
		kunit_skip(test, "%s has no files of vGPU types", abi->version);
	msg = kvzalloc(MESSAGE_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, hostile_kvfree, msg));
	*size = decoder->good(msg);
	KUNIT_ASSERT_LE(test, *size, MESSAGE_MAX);
	/* nothing of it is left behind its last byte */
	exact = kunit_kmalloc(test, *size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, exact);
	memcpy(exact, msg, *size);
	return exact;
}

/* a record of a file may be one that nobody could have, too */
static bool hostile_refused(const struct hostile_decoder *decoder, int ret)
{
	return ret == -EPROTO || (decoder->file && ret == -EINVAL);
}

static void hostile_expect_sane(struct kunit *test, const u8 *msg, size_t size)
{
	const struct hostile_decoder *decoder = test->param_value;
	int ret = decoder->decode(test, msg, size);

	KUNIT_EXPECT_TRUE_MSG(test, !ret || hostile_refused(decoder, ret), "%d", ret);
}

/* a message that ends early is refused, and nothing behind its end is read */
static void hostile_cut_off(struct kunit *test)
{
	const struct hostile_decoder *decoder = test->param_value;
	size_t size, len, step;
	u8 *msg = hostile_good(test, &size), *part;
	int ret;

	KUNIT_EXPECT_EQ(test, 0, decoder->decode(test, msg, size));
	step = max(size / HOSTILE_CUTS, 1);
	/* each byte near the end, each so many before */
	for (len = 0; len < size; len += len + 64 < size ? step : 1) {
		part = kmemdup(msg, len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, part);
		ret = decoder->decode(test, part, len);
		if (!decoder->least || len < decoder->least)
			KUNIT_EXPECT_TRUE_MSG(test, hostile_refused(decoder, ret),
					      "%d, %zu of %zu bytes", ret, len, size);
		else if (len == decoder->least)
			KUNIT_EXPECT_EQ_MSG(test, ret, 0, "%zu of %zu bytes", len, size);
		kfree(part);
	}
}

static void hostile_counts(struct kunit *test)
{
	struct rnd_state random;
	size_t size, dwords, n;
	u8 *msg = hostile_good(test, &size);
	unsigned int edge;
	u32 at, good;
	bool all;

	nvgpu_seed(test, &random);
	dwords = size / 4;
	all = dwords <= HOSTILE_ALL_DWORDS;
	for (n = 0; n < (all ? dwords : HOSTILE_DWORDS); n++) {
		/* of what is large the counts are near the start */
		at = all || n < 16 ? n : nvgpu_pick(&random, dwords);
		good = get_unaligned_le32(msg + 4 * at);
		for (edge = 0; edge < ARRAY_SIZE(hostile_edges); edge++) {
			put32(msg + 4 * at, hostile_edges[edge]);
			hostile_expect_sane(test, msg, size);
		}
		put32(msg + 4 * at, good);
	}
}

static void hostile_damage(struct rnd_state *random, u8 *msg, size_t size)
{
	unsigned int n = 1 + nvgpu_pick(random, 8);
	u32 at, edge;

	while (n--) {
		at = nvgpu_pick(random, nvgpu_pick(random, 2) ? size : min_t(size_t, size, 64));
		switch (nvgpu_pick(random, 3)) {
		case 0:
			msg[at] ^= 1 << nvgpu_pick(random, 8);
			break;
		case 1:
			msg[at] = prandom_u32_state(random);
			break;
		case 2:
			at = ALIGN_DOWN(at, 4);
			edge = nvgpu_pick(random, ARRAY_SIZE(hostile_edges));
			if (at + 4 <= size)
				put32(msg + at, hostile_edges[edge]);
			break;
		}
	}
}

static void hostile_damaged(struct kunit *test)
{
	struct rnd_state random;
	size_t size, done;
	u8 *good = hostile_good(test, &size), *msg;

	msg = kunit_kmalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	nvgpu_seed(test, &random);
	/* a small message is as much work as 1 KiB */
	for (done = 0; done < HOSTILE_BYTES; done += max(size, SZ_1K)) {
		memcpy(msg, good, size);
		hostile_damage(&random, msg, size);
		hostile_expect_sane(test, msg, size);
	}
}

static void hostile_random(struct kunit *test)
{
	struct rnd_state random;
	size_t size, done;
	u8 *msg = hostile_good(test, &size);

	nvgpu_seed(test, &random);
	for (done = 0; done < HOSTILE_BYTES / 4; done += max(size, SZ_1K)) {
		prandom_bytes_state(&random, msg, size);
		hostile_expect_sane(test, msg, size);
	}
}

/* ---- who lives with what was decoded --------------------------------------------------------- */

/* any use of engines by anybody at any time: no vGPU has used more than there is */
static void hostile_monitor(struct kunit *test)
{
	struct nvgpu_monitor *monitor = kunit_kzalloc(test, sizeof(*monitor), GFP_KERNEL);
	u8 *msg = kunit_kmalloc(test, SAMPLES_SIZE, GFP_KERNEL);
	struct rnd_state random;
	unsigned int round, i, vf;
	u32 util;

	KUNIT_ASSERT_NOT_NULL(test, monitor);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	nvgpu_seed(test, &random);
	nvgpu_monitor_init(monitor, NULL);
	for (round = 0; round < 64; round++) {
		prandom_bytes_state(&random, msg, SAMPLES_SIZE);
		put32(msg, 2);
		put32(msg + 8, nvgpu_pick(&random, SAMPLES_MAX + 2));
		for (i = 0; i < SAMPLES_MAX; i++)
			put32(msg + 16 + 56 * i + 24,
			      nvgpu_monitor_pid(nvgpu_pick(&random, NVGPU_MAX_VFS)));
		nvgpu_monitor_samples(monitor, abi, msg, SAMPLES_SIZE);
		for (vf = 0; vf < NVGPU_MAX_VFS; vf++)
			if (!nvgpu_monitor_util(monitor, vf, NVGPU_UTIL_GRAPHICS, &util))
				KUNIT_EXPECT_LE(test, util, 10000);
	}
	nvgpu_monitor_fini(monitor);
}

static void hostile_expect_place(struct kunit *test, const struct nvgpu_geometry *geo,
				 const struct nvgpu_placement *place)
{
	KUNIT_EXPECT_GT(test, place->fb_size, 0);
	KUNIT_EXPECT_EQ(test, place->fb_size % geo->segment, 0);
	KUNIT_EXPECT_GT(test, place->num_chids, 0);
	KUNIT_EXPECT_LE(test, place->chid_start, geo->num_chids);
	KUNIT_EXPECT_LE(test, place->num_chids, geo->num_chids - place->chid_start);
}

/* any board that the PF's probe takes: places are within it, or there are none */
static void hostile_board(struct kunit *test)
{
	struct nvgpu_type *types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*types), GFP_KERNEL);
	unsigned int round, num, type, i;
	struct nvgpu_placement place;
	struct nvgpu_mixed mixed;
	struct rnd_state random;

	KUNIT_ASSERT_NOT_NULL(test, types);
	nvgpu_seed(test, &random);
	num = nvgpu_types_build(L40, types, NVGPU_MAX_TYPES);
	for (round = 0; round < 200; round++) {
		struct nvgpu_geometry geo = {
			.segment = SZ_32M << nvgpu_pick(&random, 5),
			.fb_total = nvgpu_pick(&random, 0x20001) * (u64)SZ_1M,
			.num_chids = 1 + nvgpu_pick(&random, NVGPU_MAX_CHANNELS),
		};

		geo.fb_start = round_up(nvgpu_pick(&random, 0x20001) * (u64)SZ_1M, geo.segment);
		for (type = 0; type < num; type++)
			for (i = 0; i <= types[type].max_instance; i++)
				if (!nvgpu_place_homogeneous(&geo, &types[type], i, &place))
					hostile_expect_place(test, &geo, &place);
		if (nvgpu_mixed_init(&mixed, &geo, types, num))
			continue;
		for (type = 0; type < num; type++)
			for (i = 0; i < nvgpu_mixed_places(&types[type]); i++)
				if (!nvgpu_place_mixed(&geo, &mixed, &types[type], i, &place))
					hostile_expect_place(test, &geo, &place);
	}
}

/* a boot sequence of nothing but waiting ends when GSP-RM's start has to */
static void hostile_sequence_ends(struct kunit *test)
{
	struct nvgpu_boot *boot = kunit_kzalloc(test, sizeof(*boot), GFP_KERNEL);
	struct nvgpu_gpu *gpu = kunit_kzalloc(test, sizeof(*gpu), GFP_KERNEL);
	u8 *msg = kunit_kzalloc(test, SZ_16K, GFP_KERNEL);
	unsigned long start = jiffies;
	size_t at;

	KUNIT_ASSERT_NOT_NULL(test, boot);
	KUNIT_ASSERT_NOT_NULL(test, gpu);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	/* only for its name in messages */
	gpu->pdev = kunit_kzalloc(test, sizeof(*gpu->pdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, gpu->pdev);
	gpu->abi = abi;
	boot->gpu = gpu;
	put32(msg + 4, U32_MAX);
	for (at = SEQ_HEADER; at + 8 <= SZ_16K; at += 8) {
		put32(msg + at, SEQ_DELAY);
		put32(msg + at + 4, U32_MAX);
	}
	boot->until = start + HZ / 5;
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, nvgpu_sequencer_run(boot, msg, SZ_16K));
	KUNIT_EXPECT_TRUE(test, time_before(jiffies, start + 5 * HZ));
}

static struct kunit_case hostile_cases[] = {
	KUNIT_CASE_PARAM(hostile_cut_off, hostile_gen_params),
	KUNIT_CASE_PARAM(hostile_counts, hostile_gen_params),
	KUNIT_CASE_PARAM(hostile_damaged, hostile_gen_params),
	KUNIT_CASE_PARAM(hostile_random, hostile_gen_params),
	KUNIT_CASE(hostile_monitor),
	KUNIT_CASE(hostile_board),
	KUNIT_CASE(hostile_sequence_ends),
	{}
};

static int hostile_init_570(struct kunit_suite *suite)
{
	lay = &hostile_r570_144;
	abi = lay->abi;
	return 0;
}

static struct kunit_suite hostile_suite_570 = {
	.name = "nvkm_vgpu_hostile",
	.suite_init = hostile_init_570,
	.test_cases = hostile_cases,
};

/* what is not of the wire is in the other suite */
static struct kunit_case hostile_wire_cases[] = {
	KUNIT_CASE_PARAM(hostile_cut_off, hostile_gen_params),
	KUNIT_CASE_PARAM(hostile_counts, hostile_gen_params),
	KUNIT_CASE_PARAM(hostile_damaged, hostile_gen_params),
	KUNIT_CASE_PARAM(hostile_random, hostile_gen_params),
	{}
};

static int hostile_init_535(struct kunit_suite *suite)
{
	lay = &hostile_r535_113_01;
	abi = lay->abi;
	return 0;
}

static struct kunit_suite hostile_suite_535 = {
	.name = "nvkm_vgpu_hostile_535",
	.suite_init = hostile_init_535,
	.test_cases = hostile_wire_cases,
};

kunit_test_suites(&hostile_suite_570, &hostile_suite_535);
