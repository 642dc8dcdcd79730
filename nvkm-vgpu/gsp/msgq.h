/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Message queues: two rings of pages in memory that CPU and GSP share. One slot is always left
 * empty.
 */
#ifndef _NVKM_VGPU_MSGQ_H
#define _NVKM_VGPU_MSGQ_H

#include <linux/types.h>

#include "boot/dma.h"
#include "fwabi/framing.h"

struct nvgpu_queue_args;

#define NVGPU_MSGQ_SIZE			SZ_256K
#define NVGPU_MSGQ_SLOTS		(NVGPU_MSGQ_SIZE / NVGPU_GSP_PAGE - 1)
#define NVGPU_MSGQ_ELEM_MAX		(NVGPU_MSGQ_ELEM_MAX_PAGES * NVGPU_GSP_PAGE)
/* largest message with its RPC header that fits into one element */
#define NVGPU_MSGQ_RPC_MAX	(NVGPU_MSGQ_ELEM_MAX - offsetof(struct nvgpu_msgq_elem, rpc))

/**
 * struct nvgpu_msgq - both queues
 * @shared: page table, command queue, status queue
 * @cmd: command queue in @shared, written by the CPU
 * @stat: status queue in @shared, written by the GSP
 * @cmd_rx: read pointer of the status queue, which the CPU keeps in its own queue
 * @stat_rx: read pointer of the command queue, which the GSP keeps in its queue
 * @write: next slot of the command queue
 * @read: next slot of the status queue
 * @cmd_seq: sequence of elements sent
 * @stat_seq: sequence of elements received
 *
 * Sender and receiver each need one caller at a time; they don't get into each other's way.
 */
struct nvgpu_msgq {
	struct nvgpu_dma shared;
	struct nvgpu_msgq_tx *cmd, *stat;
	struct nvgpu_msgq_rx *cmd_rx, *stat_rx;
	u32 write, read;
	u32 cmd_seq, stat_seq;
};

/*
 * slots that hold messages, slots that can take messages, and the slot @n steps on, in a ring of
 * @slots
 */
static inline u32 nvgpu_msgq_used(u32 write, u32 read, u32 slots)
{
	return write >= read ? write - read : write + slots - read;
}

static inline u32 nvgpu_msgq_free(u32 write, u32 read, u32 slots)
{
	return slots - 1 - nvgpu_msgq_used(write, read, slots);
}

static inline u32 nvgpu_msgq_step(u32 slot, u32 n, u32 slots)
{
	return slot + n < slots ? slot + n : slot + n - slots;
}

u32 nvgpu_msgq_checksum(const void *buf, size_t len);
int nvgpu_msgq_init(struct device *dev, struct nvgpu_msgq *queue);
void nvgpu_msgq_fini(struct device *dev, struct nvgpu_msgq *queue);
void nvgpu_msgq_args(const struct nvgpu_msgq *queue, struct nvgpu_queue_args *args);
int nvgpu_msgq_send(struct nvgpu_msgq *queue, struct nvgpu_msgq_elem *elem);
int nvgpu_msgq_receive(struct nvgpu_msgq *queue, struct nvgpu_msgq_elem *elem);

#endif
