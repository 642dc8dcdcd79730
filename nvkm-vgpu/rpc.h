/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_RPC_H
#define _NVKM_VGPU_RPC_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "msgq.h"

struct nvgpu_rpc_waiter;
struct nvkm_vgpu_pf;

/* in a timeout: teardown, which has to go on whatever signals there are */
#define NVGPU_RPC_UNINTERRUPTIBLE	BIT(31)

/**
 * struct nvgpu_rpc - calls to GSP-RM, replies and events
 * @queue: the queues
 * @post: whoever writes to the command queue; never held while a reply is waited for
 * @receive: whoever reads from the status queue; protects what follows
 * @waiters: calls without a reply so far
 * @partial: the call whose reply has come in part
 * @rx: one element
 * @init_done: GSP-RM has finished its start
 * @sequence: of the last call
 * @calls: that are over
 * @looks: into the status queue by those who waited for them
 * @tx: one element; protected by @post
 * @interrupts: events are announced by interrupt; replies never are, nor events in probe
 *
 * @post and @receive are never taken together.
 */
struct nvgpu_rpc {
	struct nvgpu_msgq queue;
	struct mutex post;		/* see above */
	struct mutex receive;		/* see above */
	struct list_head waiters;
	struct nvgpu_rpc_waiter *partial;
	struct nvgpu_msgq_elem *rx;
	bool init_done;
	u32 sequence;
	u64 calls, looks;
	struct nvgpu_msgq_elem *tx;
	bool interrupts;
};

int nvgpu_rpc_init(struct nvkm_vgpu_pf *pf);
void nvgpu_rpc_fini(struct nvkm_vgpu_pf *pf);
int nvgpu_rpc_send(struct nvkm_vgpu_pf *pf, const char *name, u32 function, const void *buf,
		   size_t size);
ssize_t nvgpu_rpc_call(struct nvkm_vgpu_pf *pf, const char *name, u32 function, void *buf,
		       size_t size, unsigned int timeout);
int nvgpu_rpc_wait_init_done(struct nvkm_vgpu_pf *pf, unsigned int timeout_ms);
bool nvgpu_rpc_receive(struct nvkm_vgpu_pf *pf);
void nvgpu_rpc_set_interrupts(struct nvkm_vgpu_pf *pf, bool enable);

#endif
