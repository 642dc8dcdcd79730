// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/device.h>
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fwabi/fwabi.h"
#include "gsp/msgq.h"

/* The shared memory as the GSP sees it: page table, command queue, status queue. */
#define CMD		0x1000
#define STAT		0x41000
#define WRITE_PTR	0x10		/* in a queue's own header */
#define READ_PTR	0x20		/* of the other queue, behind the header */
#define ENTRIES		0x1000
#define SLOTS		63

/* an element, and the RPC in it */
#define CHECKSUM	0x20
#define SEQUENCE	0x24
#define COUNT		0x28
#define RPC		0x30
#define RPC_LENGTH	(RPC + 8)

struct msgq_test {
	struct device *dev;
	struct nvgpu_msgq queue;
	u8 *shared;
	u8 *elem;		/* what is sent or was received */
};

static void free_queue(void *data)
{
	struct msgq_test *t = data;

	nvgpu_msgq_fini(t->dev, &t->queue);
}

static int msgq_test_init(struct kunit *test)
{
	struct msgq_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->elem = kunit_kzalloc(test, NVGPU_MSGQ_ELEM_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->elem);
	t->dev = kunit_device_register(test, "nvkm-vgpu-msgq");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t->dev);
	ret = dma_coerce_mask_and_coherent(t->dev, DMA_BIT_MASK(47));
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_msgq_init(t->dev, &t->queue));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_queue, t));
	t->shared = t->queue.shared.cpu;
	test->priv = t;
	return 0;
}

static u32 get(struct msgq_test *t, u32 offset)
{
	return get_unaligned_le32(t->shared + offset);
}

static void put(struct msgq_test *t, u32 offset, u32 val)
{
	put_unaligned_le32(val, t->shared + offset);
}

/* a message of @length bytes with the RPC's header in it; what follows tells which message it is */
static void make_message(u8 *elem, u32 length, u8 fill)
{
	memset(elem, 0, NVGPU_MSGQ_ELEM_MAX);
	put_unaligned_le32(0x03000000, elem + RPC);
	put_unaligned_le32(0x43505256, elem + RPC + 4);
	put_unaligned_le32(length, elem + RPC_LENGTH);
	memset(elem + RPC + 32, fill, length - 32);
}

static u32 xor_sum(const u8 *buf, u32 len)
{
	u32 sum = 0, i;

	for (i = 0; i < len; i++)
		sum ^= (u32)buf[i] << 8 * (i % 4);
	return sum;
}

/* the GSP puts a message into the status queue at @slot; returns the slot behind it */
static u32 gsp_put(struct msgq_test *t, u32 slot, u32 sequence, u32 length, u8 fill)
{
	u32 pages = DIV_ROUND_UP(RPC + length, SZ_4K), i;
	u8 *elem = t->elem;

	make_message(elem, length, fill);
	put_unaligned_le32(sequence, elem + SEQUENCE);
	put_unaligned_le32(pages, elem + COUNT);
	put_unaligned_le32(xor_sum(elem, RPC + length), elem + CHECKSUM);
	for (i = 0; i < pages; i++, slot = (slot + 1) % SLOTS)
		memcpy(t->shared + STAT + ENTRIES + slot * SZ_4K, elem + i * SZ_4K, SZ_4K);
	memset(elem, 0xee, NVGPU_MSGQ_ELEM_MAX);
	put(t, STAT + WRITE_PTR, slot);
	return slot;
}

static int send(struct msgq_test *t, u32 length, u8 fill)
{
	make_message(t->elem, length, fill);
	return nvgpu_msgq_send(&t->queue, (struct nvgpu_msgq_elem *)t->elem);
}

static int receive(struct msgq_test *t)
{
	return nvgpu_msgq_receive(&t->queue, (struct nvgpu_msgq_elem *)t->elem);
}

static void msgq_indices(struct kunit *test)
{
	u32 slots, write, read, n;

	for (slots = 2; slots < 8; slots++) {
		for (write = 0; write < slots; write++) {
			for (read = 0; read < slots; read++) {
				n = (write + slots - read) % slots;
				KUNIT_EXPECT_EQ(test, nvgpu_msgq_used(write, read, slots), n);
				KUNIT_EXPECT_EQ(test, nvgpu_msgq_free(write, read, slots),
						slots - 1 - n);
				KUNIT_EXPECT_EQ(test, nvgpu_msgq_step(write, read, slots),
						(write + read) % slots);
			}
		}
	}
}

static void msgq_checksum(struct kunit *test)
{
	static const u8 words[] = {
		0x01, 0, 0, 0, 0x02, 0, 0, 0,
		0x04, 0, 0, 0, 0, 0, 0, 0x80,
	};

	KUNIT_EXPECT_EQ(test, nvgpu_msgq_checksum(words, 0), 0);
	KUNIT_EXPECT_EQ(test, nvgpu_msgq_checksum(words, 8), 3);
	KUNIT_EXPECT_EQ(test, nvgpu_msgq_checksum(words, 16), 0x80000007);
}

static void msgq_layout(struct kunit *test)
{
	struct msgq_test *t = test->priv;
	struct nvgpu_queue_args args;
	unsigned int i;

	for (i = 0; i < 129; i++)
		KUNIT_EXPECT_EQ(test, get_unaligned_le64(t->shared + 8 * i),
				t->queue.shared.addr + i * SZ_4K);
	KUNIT_EXPECT_EQ(test, get(t, CMD + 0x00), 0);		/* version */
	KUNIT_EXPECT_EQ(test, get(t, CMD + 0x04), 0x40000);	/* bytes */
	KUNIT_EXPECT_EQ(test, get(t, CMD + 0x08), 0x1000);	/* of a slot */
	KUNIT_EXPECT_EQ(test, get(t, CMD + 0x0c), SLOTS);
	KUNIT_EXPECT_EQ(test, get(t, CMD + 0x10), 0);		/* write pointer */
	KUNIT_EXPECT_EQ(test, get(t, CMD + 0x14), 1);		/* swapped read pointers */
	KUNIT_EXPECT_EQ(test, get(t, CMD + 0x18), 0x20);	/* where that is */
	KUNIT_EXPECT_EQ(test, get(t, CMD + 0x1c), 0x1000);	/* first slot */

	nvgpu_msgq_args(&t->queue, &args);
	KUNIT_EXPECT_EQ(test, args.shared, t->queue.shared.addr);
	KUNIT_EXPECT_EQ(test, args.num_ptes, 129);
	KUNIT_EXPECT_EQ(test, args.cmdq_offset, CMD);
	KUNIT_EXPECT_EQ(test, args.statq_offset, STAT);
}

/* messages of one to sixteen pages, many rounds through the ring, as fast as the GSP takes them */
static void msgq_send_wraps(struct kunit *test)
{
	struct msgq_test *t = test->priv;
	u32 slot = 0, n, length, pages, i, at;
	u8 *page;

	for (n = 0; n < 60; n++) {
		length = 32 + n * 1091 % (NVGPU_MSGQ_RPC_MAX - 31);
		pages = DIV_ROUND_UP(RPC + length, SZ_4K);
		KUNIT_ASSERT_EQ(test, 0, send(t, length, n + 1));

		page = t->shared + CMD + ENTRIES + slot * SZ_4K;
		KUNIT_EXPECT_EQ(test, get_unaligned_le32(page + SEQUENCE), n);
		KUNIT_EXPECT_EQ(test, get_unaligned_le32(page + COUNT), pages);
		KUNIT_EXPECT_EQ(test, xor_sum(t->elem, RPC + length), 0);
		for (i = 0; i < pages; i++) {
			at = (slot + i) % SLOTS;
			page = t->shared + CMD + ENTRIES + at * SZ_4K;
			KUNIT_EXPECT_MEMEQ(test, page, t->elem + i * SZ_4K, SZ_4K);
		}
		slot = (slot + pages) % SLOTS;
		KUNIT_EXPECT_EQ(test, get(t, CMD + WRITE_PTR), slot);
		put(t, STAT + READ_PTR, slot);
	}
}

static void msgq_send_full(struct kunit *test)
{
	struct msgq_test *t = test->priv;
	u32 n;

	/* one slot stays empty, or full would look like empty */
	for (n = 0; n < SLOTS - 1; n++)
		KUNIT_ASSERT_EQ(test, 0, send(t, 100, n));
	KUNIT_EXPECT_EQ(test, -EAGAIN, send(t, 100, n));
	KUNIT_EXPECT_EQ(test, get(t, CMD + WRITE_PTR), SLOTS - 1);

	put(t, STAT + READ_PTR, 1);
	KUNIT_EXPECT_EQ(test, -EAGAIN, send(t, SZ_4K, n));
	KUNIT_EXPECT_EQ(test, 0, send(t, 100, n));
	KUNIT_EXPECT_EQ(test, get(t, CMD + WRITE_PTR), 0);
	KUNIT_EXPECT_EQ(test, -EAGAIN, send(t, 100, n));
}

static void msgq_send_bad_pointer(struct kunit *test)
{
	struct msgq_test *t = test->priv;

	put(t, STAT + READ_PTR, SLOTS);
	KUNIT_EXPECT_EQ(test, -EPROTO, send(t, 100, 1));
	put(t, STAT + READ_PTR, 0xffffffff);
	KUNIT_EXPECT_EQ(test, -EPROTO, send(t, 100, 1));
	put(t, STAT + READ_PTR, 0);
	KUNIT_EXPECT_EQ(test, 0, send(t, 100, 1));
}

static void msgq_receive_wraps(struct kunit *test)
{
	struct msgq_test *t = test->priv;
	u32 slot = 0, n, length;

	KUNIT_EXPECT_EQ(test, -EAGAIN, receive(t));
	for (n = 0; n < 60; n++) {
		length = 32 + n * 1091 % (NVGPU_MSGQ_RPC_MAX - 31);
		slot = gsp_put(t, slot, n, length, n + 1);
		KUNIT_ASSERT_EQ(test, 0, receive(t));
		KUNIT_EXPECT_EQ(test, get_unaligned_le32(t->elem + RPC_LENGTH), length);
		if (length > 32) {
			KUNIT_EXPECT_EQ(test, t->elem[RPC + 32], (u8)(n + 1));
			KUNIT_EXPECT_EQ(test, t->elem[RPC + length - 1], (u8)(n + 1));
		}
		KUNIT_EXPECT_EQ(test, get(t, CMD + READ_PTR), slot);
	}
	KUNIT_EXPECT_EQ(test, -EAGAIN, receive(t));
}

/* a message that is no good is skipped, the one behind it arrives */
static void msgq_receive_damaged(struct kunit *test)
{
	struct msgq_test *t = test->priv;
	u32 first = STAT + ENTRIES, slot;

	slot = gsp_put(t, 0, 0, 100, 0x11);
	t->shared[first + RPC + 50] ^= 1;
	slot = gsp_put(t, slot, 1, 100, 0x22);
	t->shared[first + SZ_4K + RPC + 4] ^= 1;
	slot = gsp_put(t, slot, 2, 100, 0x33);
	put(t, first + 2 * SZ_4K + RPC_LENGTH, 31);
	slot = gsp_put(t, slot, 3, 100, 0x44);
	put(t, first + 3 * SZ_4K + RPC_LENGTH, SZ_4K - RPC + 1);
	slot = gsp_put(t, slot, 4, 100, 0x55);
	put(t, first + 4 * SZ_4K + RPC_LENGTH, 0xffffffff);
	gsp_put(t, slot, 5, 100, 0x66);

	for (slot = 0; slot < 5; slot++)
		KUNIT_EXPECT_EQ(test, -EBADMSG, receive(t));
	/* they counted, so this one is the next */
	KUNIT_EXPECT_EQ(test, 0, receive(t));
	KUNIT_EXPECT_EQ(test, t->elem[RPC + 32], 0x66);
	KUNIT_EXPECT_EQ(test, -EAGAIN, receive(t));
	gsp_put(t, 6, 6, 100, 0x77);
	KUNIT_EXPECT_EQ(test, 0, receive(t));
}

static void msgq_receive_lost(struct kunit *test)
{
	struct msgq_test *t = test->priv;
	u32 slot;

	slot = gsp_put(t, 0, 3, 100, 0x11);
	gsp_put(t, slot, 4, 100, 0x22);
	KUNIT_EXPECT_EQ(test, -EILSEQ, receive(t));
	KUNIT_EXPECT_EQ(test, t->elem[RPC + 32], 0x11);
	KUNIT_EXPECT_EQ(test, 0, receive(t));
	KUNIT_EXPECT_EQ(test, t->elem[RPC + 32], 0x22);
}

/* nothing in the queue can be trusted any more, and nothing of it is consumed */
static void msgq_receive_bad_queue(struct kunit *test)
{
	static const u32 counts[] = { 0, 2, 17, 0xffffffff };
	struct msgq_test *t = test->priv;
	unsigned int i;

	put(t, STAT + WRITE_PTR, SLOTS);
	KUNIT_EXPECT_EQ(test, -EPROTO, receive(t));
	put(t, STAT + WRITE_PTR, 0xffffffff);
	KUNIT_EXPECT_EQ(test, -EPROTO, receive(t));

	gsp_put(t, 0, 0, 100, 0x11);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		put(t, STAT + ENTRIES + COUNT, counts[i]);
		KUNIT_EXPECT_EQ(test, -EPROTO, receive(t));
	}
	KUNIT_EXPECT_EQ(test, get(t, CMD + READ_PTR), 0);
	put(t, STAT + ENTRIES + COUNT, 1);
	KUNIT_EXPECT_EQ(test, 0, receive(t));
}

static struct kunit_case msgq_test_cases[] = {
	KUNIT_CASE(msgq_indices),
	KUNIT_CASE(msgq_checksum),
	KUNIT_CASE(msgq_layout),
	KUNIT_CASE(msgq_send_wraps),
	KUNIT_CASE(msgq_send_full),
	KUNIT_CASE(msgq_send_bad_pointer),
	KUNIT_CASE(msgq_receive_wraps),
	KUNIT_CASE(msgq_receive_damaged),
	KUNIT_CASE(msgq_receive_lost),
	KUNIT_CASE(msgq_receive_bad_queue),
	{}
};

static struct kunit_suite msgq_suite = {
	.name = "nvkm_vgpu_msgq",
	.init = msgq_test_init,
	.test_cases = msgq_test_cases,
};

kunit_test_suite(msgq_suite);
