/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_RPC_H
#define _NVKM_VGPU_RPC_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "msgq.h"

struct nvgpu_rpc_waiter;
struct nvkm_vgpu_pf;

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

/**
 * struct nvgpu_rpc_call - a call of GSP-RM
 * @name: for messages
 * @function: of the call
 * @buf: parameters; overwritten with the reply
 * @size: their bytes; what a reply has more is cut off
 * @timeout_ms: how long the reply is waited for; 0: NVGPU_RPC_TIMEOUT_MS
 * @teardown: it ends something, so it has more time and goes on when the process is being killed
 * @outcome: result
 */
struct nvgpu_rpc_call {
	const char *name;
	u32 function;
	void *buf;
	size_t size;
	unsigned int timeout_ms;
	bool teardown;
	enum nvgpu_rpc_outcome outcome;
};

/**
 * struct nvgpu_rpc - calls to GSP-RM, replies and events
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
	u32 sequence;
	u64 calls, looks;
	struct nvgpu_msgq_elem *tx;
	bool interrupts;
};

int nvgpu_rpc_init(struct nvkm_vgpu_pf *pf);
void nvgpu_rpc_fini(struct nvkm_vgpu_pf *pf);
int nvgpu_rpc_send(struct nvkm_vgpu_pf *pf, const char *name, u32 function, const void *buf,
		   size_t size);
ssize_t nvgpu_rpc_call(struct nvkm_vgpu_pf *pf, struct nvgpu_rpc_call *call);
int nvgpu_rpc_wait_init_done(struct nvkm_vgpu_pf *pf, unsigned int timeout_ms);
bool nvgpu_rpc_receive(struct nvkm_vgpu_pf *pf);
void nvgpu_rpc_set_interrupts(struct nvkm_vgpu_pf *pf, bool enable);

#endif
