// SPDX-License-Identifier: GPL-2.0-only
/* Objects of GSP-RM and controls on them. */
#include <linux/slab.h>
#include <linux/string.h>

#include "gsp/gsp.h"
#include "gsp/trace.h"
#include "regs/gpu.h"
#include "rm/rm.h"

/*
 * handles are the client's to choose; the kind of object in the upper half, as NVIDIA's kernel
 * clients do
 */
#define RM_CLIENT_HANDLE(id)		(0xc1d00000 | (id))
#define RM_CLIENT_ID(handle)		((handle) & 0xffff)
#define RM_DEVICE_HANDLE		0xde1d0000
#define RM_SUBDEVICE_HANDLE		0x5d1d0000
#define RM_CLIENT_MAX			0xffff

/* between tries whether GSP-RM responds again */
#define RM_PING_MIN_S			1U
#define RM_PING_MAX_S			60U

static const struct nvgpu_fwabi *rm_abi(const struct nvgpu_rm *rm)
{
	return rm->gsp->gpu->abi;
}

static const struct nvgpu_fwabi_rm *rm_ops(const struct nvgpu_rm *rm)
{
	return rm_abi(rm)->rm;
}

/**
 * nvgpu_rm_is_gone - does GSP-RM say that there is nothing of what is to end
 * @rm: objects of GSP-RM
 * @status: NV_STATUS of a message that ends something
 *
 * Return: true also when it was ended just now.
 */
bool nvgpu_rm_is_gone(const struct nvgpu_rm *rm, u32 status)
{
	return rm_ops(rm)->status_is_gone(status);
}

static int rm_control(struct nvgpu_rm *rm, struct nvgpu_rm_control *control)
{
	void *buf __free(kvfree) = NULL;
	size_t header = rm_ops(rm)->control_size;
	struct nvgpu_rpc_call call = {
		.function = rm_abi(rm)->rpc->rm_control,
		.size = header + control->size,
		.teardown = control->teardown,
		.ping = control->ping,
	};
	char name[32];
	ssize_t len;
	u32 got;

	control->outcome = NVGPU_RPC_NOT_POSTED;
	buf = kvzalloc(call.size, control->teardown ? NVGPU_RPC_TEARDOWN_GFP : GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (control->client)
		rm_ops(rm)->encode_control(buf, control->client, control->object, control->cmd,
					   control->size);
	else
		rm_ops(rm)->encode_control(buf, rm->gsp->info.internal_client,
					   rm->gsp->info.internal_subdevice, control->cmd,
					   control->size);
	memcpy(buf + header, control->params, control->size);
	scnprintf(name, sizeof(name), "GSP_RM_CONTROL %#x", control->cmd);
	call.name = name;
	call.buf = buf;
	len = nvgpu_rpc_call(&rm->gsp->rpc, &call);
	/* a refusal of the message itself says nothing of the control */
	control->outcome = len < 0 && call.outcome == NVGPU_RPC_ANSWERED ? NVGPU_RPC_NO_ANSWER :
									  call.outcome;
	if (len < 0)
		return len;
	if (rm_ops(rm)->decode_control(buf, len, &control->status, &got)) {
		control->outcome = NVGPU_RPC_NO_ANSWER;
		return -EPROTO;
	}
	if (control->status) {
		dev_dbg(&rm->gsp->gpu->pdev->dev, "GSP-RM refused control %#x: %#x\n", control->cmd,
			control->status);
		return rm_ops(rm)->status_errno(control->status);
	}
	if (got < control->size)
		return -EPROTO;
	memcpy(control->params, buf + header, control->size);
	return 0;
}

/**
 * nvgpu_rm_control - send a control to an object of GSP-RM
 * @rm: objects of GSP-RM
 * @control: the control; its outcome and status are filled in, also when it fails
 *
 * The controls of the vGPU manager live at GSP-RM's own subdevice.
 *
 * Context: process, may sleep; any number in parallel.
 * Return: 0; errno of the status when GSP-RM refused it; -EPROTO when the reply is shorter than
 * the parameters; -EIO when GSP-RM is dead or does not respond; -ETIMEDOUT; -EINTR when the process
 * is being killed; -ENOMEM.
 */
int nvgpu_rm_control(struct nvgpu_rm *rm, struct nvgpu_rm_control *control)
{
	int ret = rm_control(rm, control);

	trace_nvgpu_control(rm->gsp->gpu->pdev, control->cmd, control->size, ret,
			    control->status);
	return ret;
}

/**
 * nvgpu_rm_query - send a control whose outcome is of no matter but for its reply
 * @rm: objects of GSP-RM
 * @ctrl: the control
 * @params: its parameters, overwritten with the reply; NULL when there are none
 *
 * Return: as nvgpu_rm_control().
 */
int nvgpu_rm_query(struct nvgpu_rm *rm, const struct nvgpu_ctrl *ctrl, void *params)
{
	struct nvgpu_rm_control control = {
		.cmd = ctrl->cmd, .params = params, .size = ctrl->size,
	};

	return nvgpu_rm_control(rm, &control);
}

/* ---- a GSP-RM that does not respond ---------------------------------------------------------- */

static void rm_ping(struct work_struct *work)
{
	struct nvgpu_rm *rm = container_of(to_delayed_work(work), struct nvgpu_rm, ping);
	const struct nvgpu_fwabi *abi = rm_abi(rm);
	struct nvgpu_rm_control control = {
		.cmd = abi->board->features.cmd, .size = abi->board->features.size, .ping = true,
	};
	void *params __free(kfree) = kzalloc(control.size, GFP_KERNEL);

	control.params = params;
	if (params)
		nvgpu_rm_control(rm, &control);
	if (!nvgpu_health_is_silent(&rm->gsp->health))
		return;
	rm->ping_s = min(2 * rm->ping_s, RM_PING_MAX_S);
	queue_delayed_work(system_dfl_wq, &rm->ping, rm->ping_s * HZ);
}

static void rm_on_silent(void *data)
{
	struct nvgpu_rm *rm = data;

	rm->ping_s = RM_PING_MIN_S;
	mod_delayed_work(system_dfl_wq, &rm->ping, rm->ping_s * HZ);
}

/**
 * nvgpu_rm_init - no client so far
 * @rm: result
 * @gsp: GSP-RM, which need not run
 */
void nvgpu_rm_init(struct nvgpu_rm *rm, struct nvgpu_gsp *gsp)
{
	rm->gsp = gsp;
	ida_init(&rm->clients);
	INIT_DELAYED_WORK(&rm->ping, rm_ping);
	gsp->health.on_silent = rm_on_silent;
	gsp->health.silent_data = rm;
}

/**
 * nvgpu_rm_fini - forget all clients
 * @rm: GSP-RM is off the GPU, and may be loaded anew
 */
void nvgpu_rm_fini(struct nvgpu_rm *rm)
{
	cancel_delayed_work_sync(&rm->ping);
	ida_destroy(&rm->clients);
}

/* ---- objects --------------------------------------------------------------------------------- */

/* does GSP-RM have, or may it have, an object that was asked for? */
static bool rm_may_exist(enum nvgpu_rpc_outcome outcome, u32 status)
{
	return outcome == NVGPU_RPC_NO_ANSWER || (outcome == NVGPU_RPC_ANSWERED && !status);
}

/**
 * nvgpu_rm_alloc - have GSP-RM make an object
 * @rm: objects of GSP-RM
 * @object: the object; its handle is not in use
 * @params: its parameters
 * @size: their bytes
 * @exists: result: it is there afterwards, or may be
 *
 * Context: process, may sleep; any number in parallel.
 * Return: 0, errno of the status when GSP-RM refused it, with a line in the log, or as
 * nvgpu_rm_control().
 */
int nvgpu_rm_alloc(struct nvgpu_rm *rm, const struct nvgpu_rm_object *object, const void *params,
		   size_t size, bool *exists)
{
	size_t header = rm_ops(rm)->alloc_size;
	struct nvgpu_rpc_call call = {
		.name = "GSP_RM_ALLOC",
		.function = rm_abi(rm)->rpc->rm_alloc,
		.size = header + size,
	};
	void *buf __free(kvfree) = kvzalloc(call.size, GFP_KERNEL);
	u32 status = 0;
	ssize_t len;

	*exists = false;
	if (!buf)
		return -ENOMEM;
	rm_ops(rm)->encode_alloc(buf, object->client, object->parent, object->handle,
				 object->class, size);
	memcpy(buf + header, params, size);
	call.buf = buf;
	len = nvgpu_rpc_call(&rm->gsp->rpc, &call);
	if (len >= 0 && rm_ops(rm)->decode_alloc(buf, len, &status))
		len = -EPROTO;
	*exists = len == -EPROTO || rm_may_exist(call.outcome, status);
	if (len < 0)
		return len;
	if (status)
		dev_err_ratelimited(&rm->gsp->gpu->pdev->dev, "GSP-RM: object of class %#x refused: %#x\n",
				    object->class, status);
	return rm_ops(rm)->status_errno(status);
}

/**
 * nvgpu_rm_free - have GSP-RM free an object and all below it
 * @rm: objects of GSP-RM
 * @client: handle of its client
 * @handle: its handle
 *
 * Context: process; goes on when it is being killed.
 * Return: 0 when GSP-RM does not have it any more.
 */
int nvgpu_rm_free(struct nvgpu_rm *rm, u32 client, u32 handle)
{
	struct nvgpu_rpc_call call = {
		.name = "FREE",
		.function = rm_abi(rm)->rpc->rm_free,
		.size = rm_ops(rm)->free_size,
		.teardown = true,
	};
	void *buf __free(kfree) = kzalloc(call.size, NVGPU_RPC_TEARDOWN_GFP);
	u32 status;
	ssize_t len;

	rm_ops(rm)->encode_free(buf, client, handle);
	call.buf = buf;
	len = nvgpu_rpc_call(&rm->gsp->rpc, &call);
	if (len < 0)
		return len;
	if (rm_ops(rm)->decode_free(buf, len, &status))
		return -EPROTO;
	return rm_ops(rm)->status_is_gone(status) ? 0 : rm_ops(rm)->status_errno(status);
}

/* one of the objects that each client starts with; @encode fills in its parameters */
static int rm_alloc(struct nvgpu_rm *rm, const struct nvgpu_rm_object *object, size_t size,
		    void (*encode)(void *buf, u32 client), bool *exists)
{
	void *params __free(kfree) = kzalloc(size, GFP_KERNEL);

	*exists = false;
	if (!params)
		return -ENOMEM;
	encode(params, object->client);
	return nvgpu_rm_alloc(rm, object, params, size, exists);
}

/**
 * nvgpu_rm_client_init - make a client, and a device and a subdevice under it
 * @rm: objects of GSP-RM
 * @client: result
 */
int nvgpu_rm_client_init(struct nvgpu_rm *rm, struct nvgpu_rm_client *client)
{
	const struct nvgpu_fwabi *abi = rm_abi(rm);
	struct nvgpu_rm_object root, device, subdevice;
	bool exists;
	int id, ret;

	id = ida_alloc_range(&rm->clients, 1, RM_CLIENT_MAX, GFP_KERNEL);
	if (id < 0)
		return id;
	client->rm = rm;
	client->client = RM_CLIENT_HANDLE(id);
	client->device = RM_DEVICE_HANDLE;
	client->subdevice = RM_SUBDEVICE_HANDLE;
	root = (struct nvgpu_rm_object) {
		client->client, client->client, client->client, abi->rm->class_root
	};
	device = (struct nvgpu_rm_object) {
		client->client, client->client, client->device, abi->rm->class_device
	};
	subdevice = (struct nvgpu_rm_object) {
		client->client, client->device, client->subdevice, abi->rm->class_subdevice
	};

	ret = rm_alloc(rm, &root, abi->root_params_size, abi->rm->encode_root_params, &exists);
	if (ret && !exists) {
		/* nothing to free, and nobody to ask */
		ida_free(&rm->clients, id);
		client->client = 0;
		return ret;
	}
	if (!ret)
		ret = rm_alloc(rm, &device, abi->rm->device_params_size,
			       abi->rm->encode_device_params, &exists);
	if (!ret)
		ret = rm_alloc(rm, &subdevice, abi->rm->subdevice_params_size,
			       abi->rm->encode_subdevice_params, &exists);
	if (ret)
		nvgpu_rm_client_fini(client);
	return ret;
}

/**
 * nvgpu_rm_client_fini - free a client with all that is under it
 * @client: the client; nothing happens when it has no handle
 *
 * Context: process; goes on when it is being killed.
 */
void nvgpu_rm_client_fini(struct nvgpu_rm_client *client)
{
	if (!client->client)
		return;
	/* a handle that GSP-RM may still know is not used again */
	if (!nvgpu_rm_free(client->rm, client->client, client->client))
		ida_free(&client->rm->clients, RM_CLIENT_ID(client->client));
	client->client = 0;
}
