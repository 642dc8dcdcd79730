// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/unaligned.h>
#include <trace/events/printk.h>

#include "boot/boot.h"
#include "fwabi/fwabi.h"
#include "gsp/events.h"
#include "gsp/health.h"
#include "gsp/rpc.h"
#include "regs/gpu.h"

#include "regs.h"
#include "seed.h"

/* as in msgq_kunit.c: the shared memory as the GSP sees it */
#define CMD		0x1000
#define STAT		0x41000
#define WRITE_PTR	0x10
#define READ_PTR	0x20
#define ENTRIES		0x1000
#define SLOTS		63
#define CHECKSUM	0x20
#define SEQUENCE	0x24
#define COUNT		0x28
#define RPC		0x30
#define RPC_LENGTH	(RPC + 8)
#define RPC_FUNCTION	(RPC + 12)
#define RPC_RESULT	(RPC + 16)
#define RPC_SEQUENCE	(RPC + 24)
#define PAYLOAD		(RPC + 32)

#define MAX_ELEMENT	SZ_64K
#define MAX_PAYLOAD	(MAX_ELEMENT - PAYLOAD)

#define FN_CONTROL	76
#define FN_OTHER	65
#define FN_CONTINUATION	71
#define EVENT_PERFMON	0x1008

struct rpc_test {
	struct nvgpu_gpu gpu;
	struct nvgpu_falcon falcon;
	struct nvgpu_health health;
	struct nvgpu_rpc rpc;
	u8 *shared, *elem;
	u32 slot;		/* where the GSP writes next */
	unsigned int events, silent;
	unsigned int said;	/* times that GSP-RM was said to be gone */
	bool known;		/* others could see that by then */
	u32 sequence;		/* of the GSP's next element */
};

static void free_rpc(void *data)
{
	struct rpc_test *t = data;

	nvgpu_rpc_fini(&t->rpc);
}

static void count_event(void *data, u32 function, const void *payload, size_t len)
{
	struct rpc_test *t = data;

	t->events++;
}

static void count_silent(void *data)
{
	struct rpc_test *t = data;

	t->silent++;
}

/* registers are memory here: all that is done to them is ringing a doorbell */
static int rpc_test_init(struct kunit *test)
{
	struct rpc_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->gpu.regs = nvgpu_test_regs(test);
	KUNIT_ASSERT_NOT_NULL(test, (void __force *)t->gpu.regs);
	t->elem = kunit_kzalloc(test, MAX_ELEMENT, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->elem);
	t->gpu.pdev = kunit_kzalloc(test, sizeof(*t->gpu.pdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->gpu.pdev);

	ret = dma_coerce_mask_and_coherent(&t->gpu.pdev->dev, DMA_BIT_MASK(47));
	KUNIT_ASSERT_EQ(test, 0, ret);
	t->gpu.abi = &nvgpu_fwabi_r570_144;
	t->falcon = (struct nvgpu_falcon) { .gpu = &t->gpu, .name = "gsp", .base = 0x110000 };
	nvgpu_health_init(&t->health, &t->gpu, &t->falcon);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_rpc_init(&t->rpc, &t->gpu, &t->health, &t->falcon));
	nvgpu_rpc_tell(&t->rpc, count_event, t);
	t->health.on_silent = count_silent;
	t->health.silent_data = t;
	ret = kunit_add_action_or_reset(test, free_rpc, t);
	KUNIT_ASSERT_EQ(test, 0, ret);
	t->shared = t->rpc.queue.shared.cpu;
	test->priv = t;
	return 0;
}

static u32 xor_sum(const u8 *buf, u32 len)
{
	u32 sum = 0, i;

	for (i = 0; i < len; i++)
		sum ^= (u32)buf[i] << 8 * (i % 4);
	return sum;
}

static void gsp_make(struct rpc_test *t, u32 function, u32 sequence, u32 result,
		     const void *payload, u32 len)
{
	u8 *elem = t->elem;

	memset(elem, 0, MAX_ELEMENT);
	put_unaligned_le32(t->sequence++, elem + SEQUENCE);
	put_unaligned_le32(DIV_ROUND_UP(PAYLOAD + len, SZ_4K), elem + COUNT);
	put_unaligned_le32(0x03000000, elem + RPC);
	put_unaligned_le32(0x43505256, elem + RPC + 4);
	put_unaligned_le32(32 + len, elem + RPC_LENGTH);
	put_unaligned_le32(function, elem + RPC_FUNCTION);
	put_unaligned_le32(result, elem + RPC_RESULT);
	put_unaligned_le32(sequence, elem + RPC_SEQUENCE);
	memcpy(elem + PAYLOAD, payload, len);
	put_unaligned_le32(xor_sum(elem, PAYLOAD + len), elem + CHECKSUM);
}

static void gsp_put(struct rpc_test *t, u32 pages)
{
	u32 i;

	for (i = 0; i < pages; i++, t->slot = (t->slot + 1) % SLOTS)
		memcpy(t->shared + STAT + ENTRIES + t->slot * SZ_4K, t->elem + i * SZ_4K, SZ_4K);
	put_unaligned_le32(t->slot, t->shared + STAT + WRITE_PTR);
}

/* the GSP says something */
static void gsp_say(struct rpc_test *t, u32 function, u32 sequence, u32 result, const void *payload,
		    u32 len)
{
	gsp_make(t, function, sequence, result, payload, len);
	gsp_put(t, DIV_ROUND_UP(PAYLOAD + len, SZ_4K));
}

/* an element of the command queue that does not wrap */
static const u8 *sent(struct rpc_test *t, u32 slot)
{
	return t->shared + CMD + ENTRIES + slot * SZ_4K;
}

static u8 *make_params(struct kunit *test, u32 size)
{
	u8 *buf = kunit_kzalloc(test, size, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (i = 0; i < size; i++)
		buf[i] = i * 7 + i / 251;
	return buf;
}

static ssize_t call_as(struct rpc_test *t, void *buf, size_t size, bool teardown,
		       enum nvgpu_rpc_outcome *outcome)
{
	struct nvgpu_rpc_call call = {
		.name = "test", .function = FN_CONTROL, .buf = buf, .size = size,
		.timeout_ms = 200, .teardown = teardown,
	};
	ssize_t ret = nvgpu_rpc_call(&t->rpc, &call);

	*outcome = call.outcome;
	return ret;
}

static ssize_t call_within(struct rpc_test *t, void *buf, size_t size, unsigned int timeout_ms)
{
	struct nvgpu_rpc_call call = {
		.name = "test", .function = FN_CONTROL, .buf = buf, .size = size,
		.timeout_ms = timeout_ms,
	};

	return nvgpu_rpc_call(&t->rpc, &call);
}

static ssize_t call(struct rpc_test *t, void *buf, size_t size)
{
	enum nvgpu_rpc_outcome outcome;

	return call_as(t, buf, size, false, &outcome);
}

static void rpc_one_element(struct kunit *test)
{
	static const u8 answer[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct rpc_test *t = test->priv;
	u8 buf[8] = { 8, 7, 6, 5, 4, 3, 2, 1 };
	const u8 *elem = sent(t, 0);

	gsp_say(t, FN_CONTROL, 1, 0, answer, sizeof(answer));
	KUNIT_EXPECT_EQ(test, call(t, buf, sizeof(buf)), sizeof(buf));
	KUNIT_EXPECT_MEMEQ(test, buf, answer, sizeof(buf));

	KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC), 0x03000000);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC + 4), 0x43505256);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC_LENGTH), 40);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC_FUNCTION), FN_CONTROL);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC_RESULT), 0xffffffff);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC_RESULT + 4), 0xffffffff);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC_SEQUENCE), 1);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC_SEQUENCE + 4), 0);
	KUNIT_EXPECT_EQ(test, elem[PAYLOAD], 8);
	KUNIT_EXPECT_EQ(test, elem[PAYLOAD + 7], 1);
}

/*
 * What does not fit into an element goes on in continuation records, whose headers are not part of
 * the message. Sizes are around one, two and three full elements.
 */
static const u32 rpc_sizes[] = {
	MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 2 * MAX_PAYLOAD, 2 * MAX_PAYLOAD + 8,
	3 * MAX_PAYLOAD + 1000,
};

static void rpc_size_desc(const u32 *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u bytes", *size);
}

KUNIT_ARRAY_PARAM(rpc_size, rpc_sizes, rpc_size_desc);

static void rpc_continuation(struct kunit *test)
{
	u32 size = *(const u32 *)test->param_value, at, chunk, slot = 0;
	struct rpc_test *t = test->priv;
	u8 *params = make_params(test, size);
	u8 *buf = kunit_kzalloc(test, size, GFP_KERNEL);
	const u8 *elem;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	memcpy(buf, params, size);
	/* the reply is the call, backwards, but for its place in the queue */
	for (at = 0; at < size; at += chunk) {
		chunk = min(size - at, (u32)MAX_PAYLOAD);
		gsp_say(t, at ? FN_CONTINUATION : FN_CONTROL, 1, 0, params + size - at - chunk,
			chunk);
	}
	KUNIT_ASSERT_EQ(test, call(t, buf, size), size);

	for (at = 0; at < size; at += chunk) {
		chunk = min(size - at, (u32)MAX_PAYLOAD);
		KUNIT_EXPECT_MEMEQ(test, buf + at, params + size - at - chunk, chunk);

		elem = sent(t, slot);
		KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC_FUNCTION),
				at ? FN_CONTINUATION : FN_CONTROL);
		KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + RPC_LENGTH), 32 + chunk);
		KUNIT_EXPECT_EQ(test, get_unaligned_le32(elem + COUNT),
				DIV_ROUND_UP(PAYLOAD + chunk, SZ_4K));
		KUNIT_EXPECT_MEMEQ(test, elem + PAYLOAD, params + at, chunk);
		slot += DIV_ROUND_UP(PAYLOAD + chunk, SZ_4K);
	}
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(t->shared + CMD + WRITE_PTR), slot);
}

/* events, replies to others and stray continuations come in between */
static void rpc_order(struct kunit *test)
{
	struct rpc_test *t = test->priv;
	u32 size = MAX_PAYLOAD + 100;
	u8 *params = make_params(test, size);
	u8 *buf = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	gsp_say(t, FN_CONTINUATION, 0, 0, params, 100);
	gsp_say(t, EVENT_PERFMON, 0, 0, params, 64);
	gsp_say(t, FN_OTHER, 1, 0, params, 16);
	gsp_say(t, FN_CONTROL, 0, 0, params, 16);
	gsp_say(t, FN_CONTROL, 1, 0, params, MAX_PAYLOAD);
	gsp_say(t, EVENT_PERFMON, 0, 0, params, 64);
	gsp_say(t, FN_CONTINUATION, 1, 0, params + MAX_PAYLOAD, 100);
	KUNIT_EXPECT_EQ(test, call(t, buf, size), size);
	KUNIT_EXPECT_MEMEQ(test, buf, params, size);
	KUNIT_EXPECT_EQ(test, t->events, 2);
}

/* numbers are missing: what comes is taken all the same, and the order goes on from there */
static void rpc_messages_lost(struct kunit *test)
{
	static const u8 answer[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct rpc_test *t = test->priv;
	u8 buf[8] = {};

	t->sequence += 3;
	gsp_say(t, EVENT_PERFMON, 0, 0, answer, sizeof(answer));
	gsp_say(t, EVENT_PERFMON, 0, 0, answer, sizeof(answer));
	KUNIT_EXPECT_FALSE(test, nvgpu_rpc_receive(&t->rpc));
	KUNIT_EXPECT_EQ(test, t->events, 2);
	gsp_say(t, FN_CONTROL, 1, 0, answer, sizeof(answer));
	KUNIT_EXPECT_EQ(test, call(t, buf, sizeof(buf)), sizeof(buf));
	KUNIT_EXPECT_MEMEQ(test, buf, answer, sizeof(buf));
}

static void rpc_reply_sizes(struct kunit *test)
{
	struct rpc_test *t = test->priv;
	u8 *params = make_params(test, 64);
	u8 buf[32] = {};

	/* what is more than there is room for is cut off */
	gsp_say(t, FN_CONTROL, 1, 0, params, 64);
	KUNIT_EXPECT_EQ(test, call(t, buf, 16), 16);
	KUNIT_EXPECT_MEMEQ(test, buf, params, 16);
	KUNIT_EXPECT_EQ(test, buf[16], 0);

	/* and of less the caller is told */
	gsp_say(t, FN_CONTROL, 2, 0, params, 8);
	KUNIT_EXPECT_EQ(test, call(t, buf, 16), 8);
	gsp_say(t, FN_CONTROL, 3, 0, params, 0);
	KUNIT_EXPECT_EQ(test, call(t, buf, 16), 0);
}

static void rpc_refused(struct kunit *test)
{
	struct rpc_test *t = test->priv;
	u8 buf[16] = {};

	gsp_say(t, FN_CONTROL, 1, 0x56, buf, sizeof(buf));
	KUNIT_EXPECT_EQ(test, call(t, buf, sizeof(buf)), -EIO);
}

/* nobody answers: bounded; what comes later belongs to nobody */
static void rpc_no_reply(struct kunit *test)
{
	struct rpc_test *t = test->priv;
	u8 buf[16] = {}, late[16] = { 0xee };

	KUNIT_EXPECT_EQ(test, call(t, buf, sizeof(buf)), -ETIMEDOUT);
	gsp_say(t, FN_CONTROL, 1, 0, late, sizeof(late));
	gsp_say(t, FN_CONTROL, 2, 0, buf, sizeof(buf));
	KUNIT_EXPECT_EQ(test, call(t, buf, sizeof(buf)), sizeof(buf));
	KUNIT_EXPECT_EQ(test, buf[0], 0);
}

/* half a reply is none, also when the next call gets its own */
static void rpc_half_reply(struct kunit *test)
{
	struct rpc_test *t = test->priv;
	u32 size = MAX_PAYLOAD + 100;
	u8 *params = make_params(test, size);
	u8 *buf = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	gsp_say(t, FN_CONTROL, 1, 0, params, MAX_PAYLOAD);
	KUNIT_EXPECT_EQ(test, call(t, buf, size), -ETIMEDOUT);

	gsp_say(t, FN_CONTINUATION, 1, 0, params, 100);
	gsp_say(t, FN_CONTROL, 2, 0, params, 50);
	memset(buf, 0, size);
	put_unaligned_le32(get_unaligned_le32(t->shared + CMD + WRITE_PTR),
			   t->shared + STAT + READ_PTR);
	KUNIT_EXPECT_EQ(test, call(t, buf, 100), 50);
	KUNIT_EXPECT_MEMEQ(test, buf, params, 50);
	KUNIT_EXPECT_EQ(test, buf[50], 0);
}

/* a queue that nobody empties: the call fails, and says so for good if a part of it has gone out */
static void rpc_queue_full(struct kunit *test)
{
	struct rpc_test *t = test->priv;
	u8 *buf = make_params(test, 5 * MAX_PAYLOAD);

	KUNIT_EXPECT_EQ(test, nvgpu_rpc_send(&t->rpc, "test", FN_OTHER, buf, 3 * MAX_PAYLOAD), 0);
	/* GSP-RM may wait for the CPU to read */
	gsp_say(t, EVENT_PERFMON, 0, 0, buf, 16);
	KUNIT_EXPECT_EQ(test, nvgpu_rpc_send(&t->rpc, "test", FN_OTHER, buf, MAX_PAYLOAD),
			-ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, t->events, 1);
	KUNIT_EXPECT_FALSE(test, nvgpu_health_is_dead(&t->health));

	put_unaligned_le32(16, t->shared + STAT + READ_PTR);
	KUNIT_EXPECT_EQ(test, nvgpu_rpc_send(&t->rpc, "test", FN_OTHER, buf, 2 * MAX_PAYLOAD),
			-ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, nvgpu_health_is_dead(&t->health));
	KUNIT_EXPECT_EQ(test, nvgpu_rpc_send(&t->rpc, "test", FN_OTHER, buf, 16), -EIO);
	KUNIT_EXPECT_EQ(test, call(t, buf, 16), -EIO);
}

/* the core of the fake GSP runs: RISCV_CPUCTL */
static void core_runs(struct rpc_test *t)
{
	iowrite32(BIT(7), t->gpu.regs + 0x111388);
	nvgpu_health_core_runs(&t->health);
	nvgpu_health_init_done(&t->health);
}

/* not sent, sent, answered: three things, and an answer that refuses is one */
static void rpc_outcome(struct kunit *test)
{
	enum nvgpu_rpc_outcome outcome;
	struct rpc_test *t = test->priv;
	u8 buf[16] = {};

	gsp_say(t, FN_CONTROL, 1, 0, buf, sizeof(buf));
	KUNIT_EXPECT_EQ(test, call_as(t, buf, sizeof(buf), false, &outcome), sizeof(buf));
	KUNIT_EXPECT_EQ(test, outcome, NVGPU_RPC_ANSWERED);
	gsp_say(t, FN_CONTROL, 2, 0x56, buf, sizeof(buf));
	KUNIT_EXPECT_EQ(test, call_as(t, buf, sizeof(buf), false, &outcome), -EIO);
	KUNIT_EXPECT_EQ(test, outcome, NVGPU_RPC_ANSWERED);
	KUNIT_EXPECT_EQ(test, call_as(t, buf, sizeof(buf), false, &outcome), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, outcome, NVGPU_RPC_NO_ANSWER);
	nvgpu_health_dead(&t->health, "test");
	KUNIT_EXPECT_EQ(test, call_as(t, buf, sizeof(buf), false, &outcome), -EIO);
	KUNIT_EXPECT_EQ(test, outcome, NVGPU_RPC_NOT_POSTED);
}

static void said_of_gsp(void *data, const char *text, size_t len)
{
	struct rpc_test *t = data;

	if (!strnstr(text, "GSP-RM does not respond: no reply to RPC test in 7 ms", len) &&
	    !strnstr(text, "GSP-RM died: test", len))
		return;
	t->said++;
	t->known |= nvgpu_health_error(&t->health) != 0;
}

static void hear_no_more(void *data)
{
	unregister_trace_console(said_of_gsp, data);
	tracepoint_synchronize_unregister();
}

/* the reason is in the log before others can act on it, so that theirs come after it */
static void rpc_reason_comes_first(struct kunit *test)
{
	struct rpc_test *t = test->priv;
	int ret;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "this kernel has no tracepoints");
	ret = register_trace_console(said_of_gsp, t);
	KUNIT_ASSERT_EQ(test, ret, 0);
	ret = kunit_add_action_or_reset(test, hear_no_more, t);
	KUNIT_ASSERT_EQ(test, ret, 0);

	core_runs(t);
	nvgpu_health_no_answer(&t->health, "test", 7);
	KUNIT_EXPECT_EQ(test, t->said, 1);
	KUNIT_EXPECT_FALSE(test, t->known);
	KUNIT_EXPECT_EQ(test, nvgpu_health_error(&t->health), -EIO);

	nvgpu_health_message(&t->health);
	nvgpu_health_dead(&t->health, "test");
	KUNIT_EXPECT_EQ(test, t->said, 2);
	KUNIT_EXPECT_FALSE(test, t->known);
	KUNIT_EXPECT_TRUE(test, nvgpu_health_is_dead(&t->health));

	/* and once is enough */
	nvgpu_health_dead(&t->health, "test");
	nvgpu_health_no_answer(&t->health, "test", 7);
	KUNIT_EXPECT_EQ(test, t->said, 2);
}

/* the first teardown without an answer costs its time, the next nothing; any message ends that */
static void rpc_not_responding(struct kunit *test)
{
	enum nvgpu_rpc_outcome outcome;
	struct rpc_test *t = test->priv;
	u8 buf[16] = {};
	struct nvgpu_rpc_call ping = {
		.name = "test", .function = FN_CONTROL, .buf = buf, .size = sizeof(buf),
		.timeout_ms = 200, .ping = true,
	};

	core_runs(t);
	KUNIT_EXPECT_EQ(test, call(t, buf, sizeof(buf)), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, nvgpu_health_error(&t->health), 0);
	KUNIT_EXPECT_EQ(test, call_as(t, buf, sizeof(buf), true, &outcome), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, outcome, NVGPU_RPC_NO_ANSWER);
	KUNIT_EXPECT_STREQ(test, nvgpu_health_name(&t->health), "not responding");
	KUNIT_EXPECT_EQ(test, t->silent, 1);
	KUNIT_EXPECT_EQ(test, call_as(t, buf, sizeof(buf), true, &outcome), -EIO);
	KUNIT_EXPECT_EQ(test, outcome, NVGPU_RPC_NOT_POSTED);

	/* only who tries whether it responds again is let through */
	KUNIT_EXPECT_EQ(test, nvgpu_rpc_call(&t->rpc, &ping), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, ping.outcome, NVGPU_RPC_NO_ANSWER);
	KUNIT_EXPECT_STREQ(test, nvgpu_health_name(&t->health), "not responding");
	KUNIT_EXPECT_EQ(test, t->silent, 1);

	/* a reply to whoever gave up is a message, too */
	gsp_say(t, FN_CONTROL, 1, 0, buf, sizeof(buf));
	gsp_say(t, FN_CONTROL, 5, 0, buf, sizeof(buf));
	KUNIT_EXPECT_EQ(test, call(t, buf, sizeof(buf)), -ETIMEDOUT);
	KUNIT_EXPECT_STREQ(test, nvgpu_health_name(&t->health), "up");
}

/* a core that stopped, and registers that say nothing of it */
static void rpc_core_stops(struct kunit *test)
{
	static const u32 nothing[] = { 0xbadf5620, 0xbad00100 };
	struct rpc_test *t = test->priv;
	u8 buf[16] = {};
	unsigned int i;

	core_runs(t);
	for (i = 0; i < ARRAY_SIZE(nothing); i++) {
		iowrite32(nothing[i], t->gpu.regs + 0x111388);
		KUNIT_EXPECT_TRUE(test, nvgpu_health_look(&t->health));
	}
	iowrite32(0x10, t->gpu.regs + 0x111388);
	/* there is no PCI device to ask */
	t->gpu.pdev->error_state = pci_channel_io_perm_failure;
	nvgpu_health_lockdown(&t->health, true);
	KUNIT_EXPECT_TRUE(test, nvgpu_health_look(&t->health));
	nvgpu_health_lockdown(&t->health, false);
	KUNIT_EXPECT_EQ(test, call(t, buf, sizeof(buf)), -EIO);
	KUNIT_EXPECT_STREQ(test, nvgpu_health_name(&t->health), "dead");
}

/* ---- a GSP that lies ------------------------------------------------------------------------- */

#define LIES_ROUNDS	100
#define CALLS_PER_LIE	2
#define LIES_PAGES	(SLOTS - 1)	/* that a queue takes */

static u32 lie_length(struct rnd_state *random)
{
	switch (nvgpu_pick(random, 4)) {
	case 0:
		return MAX_PAYLOAD;
	case 1:
		return MAX_PAYLOAD - 1 - nvgpu_pick(random, 2);
	case 2:
		return nvgpu_pick(random, MAX_PAYLOAD);
	default:
		return nvgpu_pick(random, 400);
	}
}

static u32 lie_function(struct rnd_state *random)
{
	static const u32 functions[] = { FN_CONTROL, FN_CONTROL, FN_CONTINUATION, FN_OTHER };
	u32 which = nvgpu_pick(random, ARRAY_SIZE(functions) + 1);

	return which < ARRAY_SIZE(functions) ? functions[which] : 0x1000 + nvgpu_pick(random, 64);
}

/* what the element says of itself, some of it with a checksum that is right */
static void lie_of_itself(struct rpc_test *t, struct rnd_state *random, u32 pages)
{
	const u32 lengths[] = {
		0, 31, 32, 33, pages * SZ_4K - RPC, pages * SZ_4K - RPC + 1, MAX_ELEMENT - RPC,
		MAX_ELEMENT, U32_MAX - RPC, U32_MAX,
	};
	const u32 counts[] = { 0, 1, pages - 1, pages + 1, 16, 17, 63, U32_MAX };
	u8 *elem = t->elem;
	u32 length;

	switch (nvgpu_pick(random, 32)) {
	case 0:
	case 1:
		length = lengths[nvgpu_pick(random, ARRAY_SIZE(lengths))];
		put_unaligned_le32(length, elem + RPC_LENGTH);
		put_unaligned_le32(0, elem + CHECKSUM);
		if (length <= MAX_ELEMENT - RPC)
			put_unaligned_le32(xor_sum(elem, RPC + length), elem + CHECKSUM);
		break;
	case 2:
		put_unaligned_le32(counts[nvgpu_pick(random, ARRAY_SIZE(counts))], elem + COUNT);
		break;
	case 3:
		elem[nvgpu_pick(random, PAYLOAD + 64)] ^= 1 << nvgpu_pick(random, 8);
		break;
	}
}

/* a queue full of whatever it may be; what it has to do with calls are their numbers */
static void lie(struct rpc_test *t, struct rnd_state *random, const u8 *payload)
{
	u32 used = 0, len, pages;

	for (;;) {
		len = lie_length(random);
		pages = DIV_ROUND_UP(PAYLOAD + len, SZ_4K);
		used += pages;
		if (used > LIES_PAGES)
			break;
		gsp_make(t, lie_function(random), nvgpu_pick(random, CALLS_PER_LIE + 1),
			 nvgpu_pick(random, 8) ? 0 : prandom_u32_state(random),
			 payload + nvgpu_pick(random, MAX_ELEMENT - len + 1), len);
		lie_of_itself(t, random, pages);
		gsp_put(t, pages);
	}
	if (!nvgpu_pick(random, 8))
		put_unaligned_le32(nvgpu_pick(random, 80), t->shared + STAT + WRITE_PTR);
}

static void start_anew(struct kunit *test, struct rpc_test *t, struct nvgpu_events *events)
{
	nvgpu_rpc_fini(&t->rpc);
	nvgpu_health_init(&t->health, &t->gpu, &t->falcon);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_rpc_init(&t->rpc, &t->gpu, &t->health, &t->falcon));
	nvgpu_rpc_tell(&t->rpc, nvgpu_events_handle, events);
	t->shared = t->rpc.queue.shared.cpu;
	t->slot = 0;
	t->sequence = 0;
	core_runs(t);
}

/* whatever it says, a call ends, and no byte behind its buffer is written, which KASAN watches */
static void rpc_lies(struct kunit *test)
{
	struct nvgpu_events *events = kunit_kzalloc(test, sizeof(*events), GFP_KERNEL);
	struct nvgpu_boot *boot = kunit_kzalloc(test, sizeof(*boot), GFP_KERNEL);
	struct rpc_test *t = test->priv;
	unsigned int round, n, answered = 0;
	struct rnd_state random;
	u8 *payload, *buf;
	ssize_t ret;
	u32 size;

	KUNIT_ASSERT_NOT_NULL(test, events);
	KUNIT_ASSERT_NOT_NULL(test, boot);
	boot->gpu = &t->gpu;
	*events = (struct nvgpu_events) { .boot = boot, .health = &t->health };
	payload = kunit_kmalloc(test, MAX_ELEMENT, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	nvgpu_seed(test, &random);
	prandom_bytes_state(&random, payload, MAX_ELEMENT);
	for (round = 0; round < LIES_ROUNDS; round++) {
		start_anew(test, t, events);
		lie(t, &random, payload);
		for (n = 0; n < CALLS_PER_LIE; n++) {
			/* it reads what it is sent, or a call would wait for room */
			put_unaligned_le32(get_unaligned_le32(t->shared + CMD + WRITE_PTR),
					   t->shared + STAT + READ_PTR);
			size = 1 + nvgpu_pick(&random, 2) * MAX_PAYLOAD + lie_length(&random);
			buf = kvzalloc(size, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, buf);
			ret = call_within(t, buf, size, 1);
			KUNIT_EXPECT_LE(test, ret, (ssize_t)size);
			answered += ret >= 0;
			kvfree(buf);
		}
	}
	/* or these were lies that nobody listened to */
	KUNIT_EXPECT_GT(test, answered, LIES_ROUNDS / 10);
	kunit_info(test, "%u of %u calls answered\n", answered, CALLS_PER_LIE * LIES_ROUNDS);
}

static struct kunit_case rpc_test_cases[] = {
	KUNIT_CASE(rpc_one_element),
	KUNIT_CASE_PARAM(rpc_continuation, rpc_size_gen_params),
	KUNIT_CASE(rpc_order),
	KUNIT_CASE(rpc_messages_lost),
	KUNIT_CASE(rpc_reply_sizes),
	KUNIT_CASE(rpc_refused),
	KUNIT_CASE(rpc_outcome),
	KUNIT_CASE(rpc_not_responding),
	KUNIT_CASE(rpc_core_stops),
	KUNIT_CASE(rpc_reason_comes_first),
	KUNIT_CASE(rpc_no_reply),
	KUNIT_CASE(rpc_half_reply),
	KUNIT_CASE_SLOW(rpc_lies),
	KUNIT_CASE_SLOW(rpc_queue_full),
	{}
};

static struct kunit_suite rpc_suite = {
	.name = "nvkm_vgpu_rpc",
	.init = rpc_test_init,
	.test_cases = rpc_test_cases,
};

kunit_test_suite(rpc_suite);
