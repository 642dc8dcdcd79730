// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls to GSP-RM.
 *
 * A call is a message in the command queue; its reply comes back in the status queue with the same
 * function and sequence. A message larger than an element goes on in continuation records, which
 * follow it without another message between. Replies come in any order, and events between them.
 * Whoever reads the status queue copies replies to those who wait, and hands on events.
 */
#include <kunit/visibility.h>
#include <linux/completion.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "boot/falcon.h"
#include "fwabi/fwabi.h"
#include "gsp/health.h"
#include "gsp/rpc.h"
#include "gsp/trace.h"
#include "gsp/wait.h"
#include "regs/falcon.h"
#include "regs/gpu.h"

#define RPC_SEND_TIMEOUT_MS		NVGPU_RPC_TIMEOUT_MS	/* of one element */
#define RPC_BATCH			NVGPU_MSGQ_SLOTS

/**
 * struct nvgpu_rpc_waiter - a call whose reply is waited for
 * @node: in &nvgpu_rpc.waiters, until the reply is complete
 * @function: of the call
 * @sequence: of the call
 * @buf: room for the reply
 * @size: bytes of @buf; also what a whole reply has at least
 * @received: bytes of @buf that are filled
 * @result: of the RPC header
 * @done: the reply is complete
 * @rpc: GSP-RM's
 */
struct nvgpu_rpc_waiter {
	struct list_head node;
	struct nvgpu_rpc *rpc;
	u32 function, sequence;
	void *buf;
	size_t size, received;
	u32 result;
	struct completion done;
};

/**
 * nvgpu_rpc_init - make queues and buffers
 * @rpc: result
 * @gpu: the GPU
 * @health: of its GSP-RM
 * @falcon: the GSP's, which has the doorbell
 *
 * Return: 0 or -ENOMEM.
 */
int nvgpu_rpc_init(struct nvgpu_rpc *rpc, const struct nvgpu_gpu *gpu, struct nvgpu_health *health,
		   const struct nvgpu_falcon *falcon)
	__context_unsafe(/* nobody else knows it yet */)
{
	int ret;

	*rpc = (struct nvgpu_rpc) { .gpu = gpu, .health = health, .falcon = falcon };
	mutex_init(&rpc->post);
	mutex_init(&rpc->receive);
	INIT_LIST_HEAD(&rpc->waiters);
	ret = nvgpu_msgq_init(&rpc->gpu->pdev->dev, &rpc->queue);
	if (ret)
		goto err_mutex;
	rpc->tx = kvzalloc(NVGPU_MSGQ_ELEM_MAX, GFP_KERNEL);
	rpc->rx = kvzalloc(NVGPU_MSGQ_ELEM_MAX, GFP_KERNEL);
	if (rpc->tx && rpc->rx)
		return 0;
	kvfree(rpc->rx);
	kvfree(rpc->tx);
	nvgpu_msgq_fini(&rpc->gpu->pdev->dev, &rpc->queue);
	ret = -ENOMEM;
err_mutex:
	mutex_destroy(&rpc->receive);
	mutex_destroy(&rpc->post);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_rpc_init);

/**
 * nvgpu_rpc_fini - free queues and buffers
 * @rpc: GSP-RM's, GSP-RM stopped and nobody waiting
 */
void nvgpu_rpc_fini(struct nvgpu_rpc *rpc)
	__context_unsafe(/* nobody else uses it any more */)
{
	WARN_ON(!list_empty(&rpc->waiters));
	kvfree(rpc->rx);
	kvfree(rpc->tx);
	nvgpu_msgq_fini(&rpc->gpu->pdev->dev, &rpc->queue);
	mutex_destroy(&rpc->receive);
	mutex_destroy(&rpc->post);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_rpc_fini);

/**
 * nvgpu_rpc_tell - who hears of messages that are no replies
 * @rpc: GSP-RM's
 * @on_event: called in process context, with &nvgpu_rpc.receive held
 * @data: for it
 */
void nvgpu_rpc_tell(struct nvgpu_rpc *rpc, nvgpu_rpc_event_t on_event, void *data)
{
	rpc->on_event = on_event;
	rpc->event_data = data;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_rpc_tell);

/* ---- sending --------------------------------------------------------------------------------- */

/* GSP-RM that has no room for what it says takes no messages either */
static int rpc_look_for_room(void *arg)
{
	struct nvgpu_rpc *rpc = arg;
	int ret;

	lockdep_assert_held(&rpc->post);
	ret = nvgpu_msgq_send(&rpc->queue, rpc->tx);
	if (ret != -EAGAIN)
		return ret ?: 1;
	nvgpu_rpc_receive(rpc);
	return 0;
}

/* put the element in rpc->tx into the queue as soon as there is room */
static int rpc_post_element(struct nvgpu_rpc *rpc)
	__must_hold(&rpc->post)
{
	struct nvgpu_wait room = {
		.look = rpc_look_for_room,
		.arg = rpc,
		.timeout_ms = RPC_SEND_TIMEOUT_MS,
	};
	int ret = nvgpu_wait(rpc->health, &room);

	if (!ret)
		nvgpu_falcon_wr32(rpc->falcon, NVGPU_FALCON_GSP_QUEUE_HEAD, 0);
	return ret;
}

/* send a whole message, in as many elements as it takes */
static int rpc_post(struct nvgpu_rpc *rpc, const char *name, u32 function, u32 sequence,
		    const void *buf, size_t size)
	__must_hold(&rpc->post)
{
	const size_t max = NVGPU_MSGQ_RPC_MAX - sizeof(struct nvgpu_rpc_hdr);
	size_t chunk, used, sent = 0;
	int ret;

	lockdep_assert_held(&rpc->post);
	do {
		chunk = min(size - sent, max);
		used = sizeof(struct nvgpu_msgq_elem) + chunk;
		memset(rpc->tx, 0, sizeof(*rpc->tx));
		rpc->tx->rpc = (struct nvgpu_rpc_hdr){
			.header_version = cpu_to_le32(NVGPU_RPC_HEADER_VERSION),
			.signature = cpu_to_le32(NVGPU_RPC_SIGNATURE),
			.length = cpu_to_le32(sizeof(struct nvgpu_rpc_hdr) + chunk),
			.function = cpu_to_le32(sent ? rpc->gpu->abi->rpc->continuation_record :
						       function),
			.result = cpu_to_le32(NVGPU_RPC_RESULT_PENDING),
			.result_private = cpu_to_le32(NVGPU_RPC_RESULT_PENDING),
			.sequence = cpu_to_le32(sequence),
		};
		memcpy(rpc->tx + 1, buf + sent, chunk);
		memset((void *)rpc->tx + used, 0, ALIGN(used, NVGPU_GSP_PAGE) - used);
		ret = rpc_post_element(rpc);
		if (ret) {
			if (!nvgpu_health_error(rpc->health))
				dev_err_ratelimited(&rpc->gpu->pdev->dev,
						    "GSP-RM takes no messages: RPC %s not sent\n",
						    name);
			/* what was sent waits for the rest: nothing else can be said any more */
			if (sent || ret == -EPROTO)
				nvgpu_health_dead(rpc->health, "its command queue is stuck");
			return ret;
		}
		sent += chunk;
	} while (sent < size);
	trace_nvgpu_rpc_send(rpc->gpu->pdev, function, sequence, size);
	return 0;
}

static int rpc_lock_post(struct nvgpu_rpc *rpc, bool killable)
	__cond_acquires(0, &rpc->post)
{
	if (killable)
		return mutex_lock_killable(&rpc->post);
	mutex_lock(&rpc->post);
	return 0;
}

/**
 * nvgpu_rpc_send - send a call that has no reply
 * @rpc: GSP-RM's
 * @name: of the call, for messages
 * @function: of the call
 * @buf: parameters
 * @size: their bytes
 *
 * Works before GSP-RM runs, as long as there is room.
 *
 * Return: 0, -EIO when GSP-RM is dead, -ETIMEDOUT when it takes no messages, -EINTR.
 */
int nvgpu_rpc_send(struct nvgpu_rpc *rpc, const char *name, u32 function, const void *buf,
		   size_t size)
{
	u32 sequence;
	int ret;

	if (nvgpu_health_error(rpc->health))
		return -EIO;
	scoped_guard(mutex, &rpc->receive)
		sequence = ++rpc->sequence;
	ret = rpc_lock_post(rpc, true);
	if (ret)
		return ret;
	ret = rpc_post(rpc, name, function, sequence, buf, size);
	mutex_unlock(&rpc->post);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_rpc_send);

/* ---- receiving ------------------------------------------------------------------------------- */

static void rpc_complete(struct nvgpu_rpc *rpc, struct nvgpu_rpc_waiter *waiter)
	__must_hold(&rpc->receive)
{
	lockdep_assert_held(&rpc->receive);
	list_del_init(&waiter->node);
	if (rpc->partial == waiter)
		rpc->partial = NULL;
	complete(&waiter->done);
}

/* @len more bytes of a reply; a full element means that there is more to come */
static void rpc_append(struct nvgpu_rpc *rpc, struct nvgpu_rpc_waiter *waiter, const void *payload,
		       size_t len)
	__must_hold(&rpc->receive)
{
	size_t room = waiter->size - waiter->received;

	memcpy(waiter->buf + waiter->received, payload, min(len, room));
	waiter->received += min(len, room);
	if (len == NVGPU_MSGQ_RPC_MAX - sizeof(struct nvgpu_rpc_hdr) && len < room)
		rpc->partial = waiter;
	else
		rpc_complete(rpc, waiter);
}

static void rpc_reply(struct nvgpu_rpc *rpc, const struct nvgpu_rpc_hdr *hdr, size_t len)
	__must_hold(&rpc->receive)
{
	u32 function = le32_to_cpu(hdr->function), sequence = le32_to_cpu(hdr->sequence);
	struct nvgpu_rpc_waiter *waiter;

	if (function == rpc->gpu->abi->rpc->continuation_record) {
		if (rpc->partial)
			rpc_append(rpc, rpc->partial, hdr + 1, len);
		return;
	}
	/* a reply that stopped in its middle was not one */
	rpc->partial = NULL;
	list_for_each_entry(waiter, &rpc->waiters, node) {
		if (waiter->function != function || waiter->sequence != sequence)
			continue;
		waiter->received = 0;
		waiter->result = le32_to_cpu(hdr->result);
		rpc_append(rpc, waiter, hdr + 1, len);
		return;
	}
	/* too late: whoever waited gave up, and was told so */
	trace_nvgpu_rpc_dropped(rpc->gpu->pdev, function, sequence);
}

static void rpc_dispatch(struct nvgpu_rpc *rpc, const struct nvgpu_rpc_hdr *hdr)
	__must_hold(&rpc->receive)
{
	u32 function = le32_to_cpu(hdr->function);
	size_t len = le32_to_cpu(hdr->length) - sizeof(*hdr);

	if (function >= rpc->gpu->abi->rpc->event_first)
		rpc->on_event(rpc->event_data, function, hdr + 1, len);
	else
		rpc_reply(rpc, hdr, len);
}

/**
 * nvgpu_rpc_receive - handle what is in the status queue
 * @rpc: GSP-RM's
 *
 * Return: true when there may be more.
 */
bool nvgpu_rpc_receive(struct nvgpu_rpc *rpc)
{
	unsigned int i;
	int ret;

	guard(mutex)(&rpc->receive);
	for (i = 0; i < RPC_BATCH && !nvgpu_health_is_dead(rpc->health); i++) {
		ret = nvgpu_msgq_receive(&rpc->queue, rpc->rx);
		switch (ret) {
		case -EILSEQ:
			dev_err_ratelimited(&rpc->gpu->pdev->dev, "GSP-RM: messages got lost\n");
			fallthrough;
		case 0:
			nvgpu_health_message(rpc->health);
			rpc_dispatch(rpc, &rpc->rx->rpc);
			break;
		case -EBADMSG:
			nvgpu_health_message(rpc->health);
			dev_err_ratelimited(&rpc->gpu->pdev->dev, "GSP-RM: damaged message dropped\n");
			break;
		case -EPROTO:
			nvgpu_health_dead(rpc->health, "its message queue is damaged");
			return false;
		default:
			return false;
		}
	}
	return i == RPC_BATCH;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_rpc_receive);

/**
 * nvgpu_rpc_set_interrupts - say whether events are announced by interrupt
 * @rpc: GSP-RM's
 * @again: has what is pending sent again; NULL: they are not announced
 * @data: for @again
 */
void nvgpu_rpc_set_interrupts(struct nvgpu_rpc *rpc, void (*again)(void *data), void *data)
{
	if (again)
		rpc->again_data = data;
	WRITE_ONCE(rpc->again, again);
	/* what came before */
	if (again)
		nvgpu_rpc_receive(rpc);
}

/**
 * nvgpu_rpc_again - have interrupts that are pending sent again
 * @rpc: GSP-RM's; nothing happens while events are not announced by interrupt
 *
 * One that got lost would keep all later ones from coming. So who has waited for something that
 * might have been announced calls this.
 */
void nvgpu_rpc_again(struct nvgpu_rpc *rpc)
{
	void (*again)(void *data) = READ_ONCE(rpc->again);

	if (again && !nvgpu_health_is_dead(rpc->health))
		again(rpc->again_data);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int rpc_look_for_reply(void *arg)
{
	struct nvgpu_rpc_waiter *waiter = arg;

	nvgpu_rpc_receive(waiter->rpc);
	return try_wait_for_completion(&waiter->done);
}

/* a waiter goes: true when its reply is complete */
static bool rpc_forget(struct nvgpu_rpc *rpc, struct nvgpu_rpc_waiter *waiter, unsigned int looks)
{
	guard(mutex)(&rpc->receive);
	rpc->calls++;
	rpc->looks += looks;
	if (list_empty(&waiter->node))
		return true;
	list_del(&waiter->node);
	if (rpc->partial == waiter)
		rpc->partial = NULL;
	return false;
}

/* may GSP-RM be called? One that did not respond may have said something since */
static int rpc_may_call(struct nvgpu_rpc *rpc, const struct nvgpu_rpc_call *call)
{
	if (nvgpu_health_is_silent(rpc->health))
		nvgpu_rpc_receive(rpc);
	if (call->ping && nvgpu_health_is_silent(rpc->health))
		return 0;
	return nvgpu_health_error(rpc->health);
}

static int rpc_post_call(struct nvgpu_rpc *rpc, struct nvgpu_rpc_waiter *waiter,
			 struct nvgpu_rpc_call *call)
{
	int ret;

	ret = rpc_lock_post(rpc, !call->teardown);
	if (ret)
		return ret;
	ret = rpc_post(rpc, call->name, call->function, waiter->sequence, call->buf, call->size);
	mutex_unlock(&rpc->post);
	if (!ret)
		call->outcome = NVGPU_RPC_NO_ANSWER;
	return ret;
}

/* no reply, for reason @ret: what that says of GSP-RM, and a line unless it was said already */
static void rpc_no_reply(struct nvgpu_rpc *rpc, const struct nvgpu_rpc_call *call, int ret,
			 unsigned int timeout_ms)
{
	if (call->outcome == NVGPU_RPC_NO_ANSWER && ret == -ETIMEDOUT && call->teardown)
		nvgpu_health_no_answer(rpc->health, call->name, timeout_ms);
	else if (ret == -ETIMEDOUT && call->outcome == NVGPU_RPC_NO_ANSWER && !call->ping)
		dev_err_ratelimited(&rpc->gpu->pdev->dev, "GSP-RM: no reply to RPC %s in %u ms\n",
				    call->name, timeout_ms);
}

/**
 * nvgpu_rpc_call - call GSP-RM and wait for the reply
 * @rpc: GSP-RM's
 * @call: the call; its outcome is filled in, also when it fails
 *
 * Context: process, may sleep; any number in parallel.
 * Return: bytes of the reply; -EIO when GSP-RM is dead, does not respond, or refused the call;
 * -ETIMEDOUT; -EINTR when the process is being killed.
 */
ssize_t nvgpu_rpc_call(struct nvgpu_rpc *rpc, struct nvgpu_rpc_call *call)
{
	struct nvgpu_rpc_waiter waiter = {
		.rpc = rpc, .function = call->function, .buf = call->buf, .size = call->size,
	};
	struct nvgpu_wait wait = {
		.look = rpc_look_for_reply,
		.arg = &waiter,
		.wake = &waiter.done,
		.timeout_ms = call->timeout_ms ?: call->teardown ? NVGPU_RPC_TEARDOWN_TIMEOUT_MS :
								   NVGPU_RPC_TIMEOUT_MS,
		.patient = call->ping,
		.killable = !call->teardown,
	};
	int ret;

	call->outcome = NVGPU_RPC_NOT_POSTED;
	ret = rpc_may_call(rpc, call);
	if (ret)
		return ret;
	init_completion(&waiter.done);
	scoped_guard(mutex, &rpc->receive) {
		waiter.sequence = ++rpc->sequence;
		list_add_tail(&waiter.node, &rpc->waiters);
	}
	ret = rpc_post_call(rpc, &waiter, call);
	if (!ret)
		ret = nvgpu_wait(rpc->health, &wait);
	nvgpu_rpc_again(rpc);
	if (rpc_forget(rpc, &waiter, wait.looks))
		ret = 0;	/* it came while we gave up */
	if (ret) {
		rpc_no_reply(rpc, call, ret, wait.timeout_ms);
		return ret;
	}
	call->outcome = NVGPU_RPC_ANSWERED;
	trace_nvgpu_rpc_reply(rpc->gpu->pdev, call->function, waiter.sequence, waiter.received,
			      waiter.result, wait.looks);
	if (waiter.result) {
		dev_err_ratelimited(&rpc->gpu->pdev->dev, "GSP-RM refused RPC %s: %#x\n",
				    call->name, waiter.result);
		return -EIO;
	}
	return waiter.received;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_rpc_call);

static int rpc_look_for_init_done(void *arg)
{
	struct nvgpu_rpc *rpc = arg;

	nvgpu_rpc_receive(rpc);
	return nvgpu_health_booted(rpc->health);
}

/**
 * nvgpu_rpc_wait_init_done - wait until GSP-RM has started
 * @rpc: GSP-RM's, no interrupts so far
 * @timeout_ms: milliseconds that it has
 *
 * Return: 0, -EIO when it died, -ETIMEDOUT, -EINTR.
 */
int nvgpu_rpc_wait_init_done(struct nvgpu_rpc *rpc, unsigned int timeout_ms)
{
	struct nvgpu_wait wait = {
		.look = rpc_look_for_init_done,
		.arg = rpc,
		.timeout_ms = timeout_ms,
		.killable = true,
	};

	return nvgpu_wait(rpc->health, &wait);
}
