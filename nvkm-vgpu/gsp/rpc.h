/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_RPC_H
#define _NVKM_VGPU_RPC_H

#include <linux/gfp_types.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "gsp/msgq.h"

struct nvgpu_falcon;
struct nvgpu_gpu;
struct nvgpu_health;
struct nvgpu_rpc_waiter;

typedef void (*nvgpu_rpc_event_t)(void *data, u32 function, const void *payload, size_t len);

/**
 * enum nvgpu_rpc_outcome - what is known of a call that is over
 * @NVGPU_RPC_NOT_POSTED: GSP-RM has not seen it
 * @NVGPU_RPC_NO_ANSWER: it may have been carried out, or not
 * @NVGPU_RPC_ANSWERED: GSP-RM said what became of it
 */
enum nvgpu_rpc_outcome {
	NVGPU_RPC_NOT_POSTED,
	NVGPU_RPC_NO_ANSWER,
	NVGPU_RPC_ANSWERED,
};

/* time that GSP-RM has for an answer; ending a vGPU with many objects takes long */
#define NVGPU_RPC_TIMEOUT_MS		4000
#define NVGPU_RPC_TEARDOWN_TIMEOUT_MS	45000
/* of teardowns, which are small: what GSP-RM is not told to end stays until it is loaded anew */
#define NVGPU_RPC_TEARDOWN_GFP		(GFP_KERNEL | __GFP_NOFAIL)

/**
 * struct nvgpu_rpc_call - a call of GSP-RM
 * @name: for messages
 * @function: of the call
 * @buf: parameters; overwritten with the reply
 * @size: their bytes; what a reply has more is cut off
 * @timeout_ms: how long the reply is waited for; 0: NVGPU_RPC_TIMEOUT_MS
 * @teardown: it ends something, so it has more time and goes on when the process is being killed
 * @ping: to see whether GSP-RM responds again; the only one that is sent while it does not
 * @outcome: result
 */
struct nvgpu_rpc_call {
	const char *name;
	u32 function;
	void *buf;
	size_t size;
	unsigned int timeout_ms;
	bool teardown;
	bool ping;
	enum nvgpu_rpc_outcome outcome;
};

/**
 * struct nvgpu_rpc - calls to GSP-RM, replies and events
 * @gpu: the GPU
 * @health: of GSP-RM
 * @falcon: the GSP's, which has the doorbell
 * @on_event: hears of messages that are no replies
 * @event_data: for @on_event
 * @queue: the queues
 * @post: whoever writes to the command queue; never held while a reply is waited for
 * @receive: whoever reads from the status queue; protects what follows
 * @waiters: calls without a reply so far
 * @partial: the call whose reply has come in part
 * @rx: one element
 * @sequence: of the last call
 * @calls: that are over
 * @looks: into the status queue by those who waited for them
 * @tx: one element; protected by @post
 * @again: has interrupts that are pending sent again; NULL while events are not announced by
 *	interrupt, as replies never are
 * @again_data: for @again
 *
 * @receive is taken below @post by who waits for room, never the other way round.
 */
struct nvgpu_rpc {
	const struct nvgpu_gpu *gpu;
	struct nvgpu_health *health;
	const struct nvgpu_falcon *falcon;
	nvgpu_rpc_event_t on_event;
	void *event_data;
	struct nvgpu_msgq queue;
	struct mutex post;		/* see above */
	struct mutex receive;		/* see above */
	struct list_head waiters __guarded_by(&receive);
	struct nvgpu_rpc_waiter *partial __guarded_by(&receive);
	struct nvgpu_msgq_elem *rx __guarded_by(&receive);
	u32 sequence __guarded_by(&receive);
	u64 calls __guarded_by(&receive);
	u64 looks __guarded_by(&receive);
	struct nvgpu_msgq_elem *tx __guarded_by(&post);
	void (*again)(void *data);
	void *again_data;
};

int nvgpu_rpc_init(struct nvgpu_rpc *rpc, const struct nvgpu_gpu *gpu, struct nvgpu_health *health,
		   const struct nvgpu_falcon *falcon);
void nvgpu_rpc_tell(struct nvgpu_rpc *rpc, nvgpu_rpc_event_t on_event, void *data);
void nvgpu_rpc_fini(struct nvgpu_rpc *rpc);
int nvgpu_rpc_send(struct nvgpu_rpc *rpc, const char *name, u32 function, const void *buf,
		   size_t size);
ssize_t nvgpu_rpc_call(struct nvgpu_rpc *rpc, struct nvgpu_rpc_call *call);
int nvgpu_rpc_wait_init_done(struct nvgpu_rpc *rpc, unsigned int timeout_ms);
bool nvgpu_rpc_receive(struct nvgpu_rpc *rpc);
void nvgpu_rpc_again(struct nvgpu_rpc *rpc);
void nvgpu_rpc_set_interrupts(struct nvgpu_rpc *rpc, void (*again)(void *data), void *data);

#endif
