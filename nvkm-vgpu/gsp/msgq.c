// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "fwabi/fwabi.h"
#include "gsp/msgq.h"

#define MSGQ_PTES		(2 * NVGPU_MSGQ_SIZE / NVGPU_GSP_PAGE + 1)
#define MSGQ_CMD_OFFSET		NVGPU_GSP_PAGE
#define MSGQ_STAT_OFFSET	(NVGPU_GSP_PAGE + NVGPU_MSGQ_SIZE)
#define MSGQ_ENTRIES		NVGPU_GSP_PAGE

static_assert(MSGQ_PTES * sizeof(__le64) <= NVGPU_GSP_PAGE);

/**
 * nvgpu_msgq_checksum - fold a message to 32 bits
 * @buf: the message, readable to the next multiple of 8 bytes
 * @len: its bytes
 *
 * Return: 0 for a message whose checksum field is right.
 */
u32 nvgpu_msgq_checksum(const void *buf, size_t len)
{
	u64 sum = 0;
	size_t i;

	for (i = 0; i < len; i += 8)
		sum ^= get_unaligned_le64(buf + i);
	return upper_32_bits(sum) ^ lower_32_bits(sum);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_msgq_checksum);

/**
 * nvgpu_msgq_init - make the shared memory
 * @dev: the GPU
 * @queue: result, zeroed before
 *
 * Return: 0 or -ENOMEM.
 */
int nvgpu_msgq_init(struct device *dev, struct nvgpu_msgq *queue)
{
	__le64 *pte;
	int ret, i;

	ret = nvgpu_dma_alloc(dev, &queue->shared, MSGQ_PTES * NVGPU_GSP_PAGE);
	if (ret)
		return ret;

	pte = queue->shared.cpu;
	for (i = 0; i < MSGQ_PTES; i++)
		pte[i] = cpu_to_le64(queue->shared.addr + i * NVGPU_GSP_PAGE);

	queue->cmd = queue->shared.cpu + MSGQ_CMD_OFFSET;
	queue->stat = queue->shared.cpu + MSGQ_STAT_OFFSET;
	queue->cmd_rx = (void *)(queue->cmd + 1);
	queue->stat_rx = (void *)(queue->stat + 1);
	*queue->cmd = (struct nvgpu_msgq_tx) {
		.size = cpu_to_le32(NVGPU_MSGQ_SIZE),
		.msg_size = cpu_to_le32(NVGPU_GSP_PAGE),
		.msg_count = cpu_to_le32(NVGPU_MSGQ_SLOTS),
		.flags = cpu_to_le32(NVGPU_MSGQ_FLAGS_SWAP_RX),
		.rx_offset = cpu_to_le32(sizeof(struct nvgpu_msgq_tx)),
		.entry_offset = cpu_to_le32(MSGQ_ENTRIES),
	};
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_msgq_init);

/**
 * nvgpu_msgq_fini - free the shared memory
 * @dev: the GPU
 * @queue: may never have been made
 */
void nvgpu_msgq_fini(struct device *dev, struct nvgpu_msgq *queue)
{
	nvgpu_dma_free(dev, &queue->shared);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_msgq_fini);

/**
 * nvgpu_msgq_args - what GSP-RM is told of the queues
 * @queue: the queues
 * @args: result
 */
void nvgpu_msgq_args(const struct nvgpu_msgq *queue, struct nvgpu_queue_args *args)
{
	*args = (struct nvgpu_queue_args) {
		.shared = queue->shared.addr,
		.num_ptes = MSGQ_PTES,
		.cmdq_offset = MSGQ_CMD_OFFSET,
		.statq_offset = MSGQ_STAT_OFFSET,
	};
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_msgq_args);

/* where a slot is, and how many follow it before the ring starts anew */
static void *msgq_slot(struct nvgpu_msgq_tx *base, u32 slot)
{
	return (void *)base + MSGQ_ENTRIES + slot * NVGPU_GSP_PAGE;
}

/**
 * nvgpu_msgq_send - put a message into the command queue
 * @queue: the queues
 * @elem: the message, its RPC part complete and zeroed to the end of the page; the rest is filled
 * in here
 *
 * The caller rings the doorbell.
 *
 * Return: 0; -EAGAIN when there is no room yet; -EPROTO when the GSP's read pointer is impossible.
 */
int nvgpu_msgq_send(struct nvgpu_msgq *queue, struct nvgpu_msgq_elem *elem)
{
	size_t len = offsetof(struct nvgpu_msgq_elem, rpc) + le32_to_cpu(elem->rpc.length);
	u32 pages = DIV_ROUND_UP(len, NVGPU_GSP_PAGE), first;
	u32 read = le32_to_cpu(READ_ONCE(queue->stat_rx->read_ptr));

	if (read >= NVGPU_MSGQ_SLOTS)
		return -EPROTO;
	if (nvgpu_msgq_free(queue->write, read, NVGPU_MSGQ_SLOTS) < pages)
		return -EAGAIN;

	elem->sequence = cpu_to_le32(queue->cmd_seq);
	elem->count = cpu_to_le32(pages);
	elem->checksum = 0;
	elem->checksum = cpu_to_le32(nvgpu_msgq_checksum(elem, len));

	first = min(pages, NVGPU_MSGQ_SLOTS - queue->write);
	memcpy(msgq_slot(queue->cmd, queue->write), elem, first * NVGPU_GSP_PAGE);
	memcpy(msgq_slot(queue->cmd, 0), (void *)elem + first * NVGPU_GSP_PAGE,
	       (pages - first) * NVGPU_GSP_PAGE);
	queue->cmd_seq++;
	queue->write = nvgpu_msgq_step(queue->write, pages, NVGPU_MSGQ_SLOTS);

	/* the GSP may fetch the message as soon as it sees the pointer */
	dma_wmb();
	WRITE_ONCE(queue->cmd->write_ptr, cpu_to_le32(queue->write));
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_msgq_send);

/* an element that was copied: is it what it says, and the one that was to come */
static int msgq_check(struct nvgpu_msgq *queue, const struct nvgpu_msgq_elem *elem, size_t size)
{
	u32 expected = queue->stat_seq++;
	size_t len = le32_to_cpu(elem->rpc.length);

	if (len < sizeof(elem->rpc) || len > size - offsetof(struct nvgpu_msgq_elem, rpc) ||
	    le32_to_cpu(elem->rpc.signature) != NVGPU_RPC_SIGNATURE ||
	    le32_to_cpu(elem->rpc.header_version) != NVGPU_RPC_HEADER_VERSION)
		return -EBADMSG;
	if (nvgpu_msgq_checksum(elem, offsetof(struct nvgpu_msgq_elem, rpc) + len))
		return -EBADMSG;
	if (le32_to_cpu(elem->sequence) == expected)
		return 0;
	queue->stat_seq = le32_to_cpu(elem->sequence) + 1;
	return -EILSEQ;
}

/**
 * nvgpu_msgq_receive - take the next message from the status queue
 * @queue: the queues
 * @elem: room for NVGPU_MSGQ_ELEM_MAX bytes
 *
 * The message is copied before it is looked at, so the GSP cannot change it under the check.
 *
 * Return: 0; -EAGAIN when there is none; -EBADMSG when it is damaged and was skipped; -EILSEQ when
 * it is good, but others before it got lost; -EPROTO when the queue itself is damaged and nothing
 * more can be read from it.
 */
int nvgpu_msgq_receive(struct nvgpu_msgq *queue, struct nvgpu_msgq_elem *elem)
{
	u32 write = le32_to_cpu(READ_ONCE(queue->stat->write_ptr));
	u32 used, pages, first;

	if (write >= NVGPU_MSGQ_SLOTS)
		return -EPROTO;
	used = nvgpu_msgq_used(write, queue->read, NVGPU_MSGQ_SLOTS);
	if (!used)
		return -EAGAIN;
	/* the pointer first, what it says to be there after it */
	dma_rmb();

	memcpy(elem, msgq_slot(queue->stat, queue->read), NVGPU_GSP_PAGE);
	pages = le32_to_cpu(elem->count);
	if (!pages || pages > NVGPU_MSGQ_ELEM_MAX_PAGES || pages > used)
		return -EPROTO;
	first = min(pages, NVGPU_MSGQ_SLOTS - queue->read);
	if (first > 1)
		memcpy((void *)elem + NVGPU_GSP_PAGE, msgq_slot(queue->stat, queue->read + 1),
		       (first - 1) * NVGPU_GSP_PAGE);
	memcpy((void *)elem + first * NVGPU_GSP_PAGE, msgq_slot(queue->stat, 0),
	       (pages - first) * NVGPU_GSP_PAGE);

	queue->read = nvgpu_msgq_step(queue->read, pages, NVGPU_MSGQ_SLOTS);
	/* the slots may be used again from here on */
	dma_mb();
	WRITE_ONCE(queue->cmd_rx->read_ptr, cpu_to_le32(queue->read));
	return msgq_check(queue, elem, pages * NVGPU_GSP_PAGE);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_msgq_receive);
