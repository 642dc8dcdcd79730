// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels: work for an engine, put into memory by the CPU.
 *
 * A ring (GPFIFO) has entries that point to methods. The CPU adds one, says so in the channel's
 * page (USERD) and rings a doorbell. Ring and methods are at addresses of a VA space whose tables
 * are the caller's: NVIDIA calls it externally owned. Objects and their order are nouveau's.
 */
#include <linux/bitfield.h>
#include <linux/slab.h>

#include "gsp/gsp.h"
#include "regs/channel.h"
#include "regs/doorbell.h"
#include "regs/gpu.h"
#include "rm/channel.h"

/* handles as NVIDIA's kernel clients have them, the class in the upper half */
#define VASPACE_HANDLE		0x90f10000
#define CHANNEL_HANDLE		0xf1f00000
#define COPY_HANDLE		0xc7b50000

/* more than any hardware is known to ask for: 20 KiB */
#define METHOD_BUFFER_MAX	SZ_1M

static const struct nvgpu_fwabi_channel *channel_ops(const struct nvgpu_rm_client *client)
{
	return client->rm->gsp->gpu->abi->channel;
}

/**
 * nvgpu_rm_find_copy_engine() - a copy engine that graphics has no share in
 * @rm: objects of GSP-RM
 * @engine: result
 *
 * Engines on one runlist take turns. What guests draw must not wait for what the host copies.
 *
 * Return: 0, -ENODEV if there is none, -EPROTO, or as nvgpu_rm_control().
 */
int nvgpu_rm_find_copy_engine(struct nvgpu_rm *rm, struct nvgpu_engine *engine)
{
	void *table __free(kvfree) = NULL;
	const struct nvgpu_fwabi *abi = rm->gsp->gpu->abi;
	u32 size = abi->channel->engines.size;
	u64 graphics = 0;
	u32 i;
	int ret;

	table = kvzalloc(size, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	ret = nvgpu_rm_query(rm, &abi->channel->engines, table);
	if (ret)
		return ret;
	for (i = 0; (ret = abi->decode_engine(table, size, i, engine)) > 0; i++) {
		if (engine->runlist >= BITS_PER_TYPE(graphics))
			return -EPROTO;
		if (engine->graphics)
			graphics |= BIT_ULL(engine->runlist);
	}
	if (ret < 0)
		return ret;
	for (i = 0; abi->decode_engine(table, size, i, engine) > 0; i++)
		if (engine->copy && !(graphics & BIT_ULL(engine->runlist)))
			return 0;
	return -ENODEV;
}

/**
 * nvgpu_rm_copy_vector() - by which interrupt a copy engine says that a launch is over
 * @rm: objects of GSP-RM
 * @engine: its type
 * @vector: result
 *
 * Return: 0, -ENOENT if it says so by none, -EPROTO, -ENOMEM, or as nvgpu_rm_control().
 */
int nvgpu_rm_copy_vector(struct nvgpu_rm *rm, u32 engine, u32 *vector)
{
	const struct nvgpu_fwabi *abi = rm->gsp->gpu->abi;
	void *table;
	int ret;

	table = kvzalloc(abi->board->intr_table.size, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	ret = nvgpu_rm_query(rm, &abi->board->intr_table, table);
	if (!ret)
		ret = abi->board->decode_copy_vector(table, abi->board->intr_table.size, engine,
						     vector);
	kvfree(table);
	return ret;
}

/**
 * nvgpu_rm_method_buffer_size() - memory that a channel needs for an engine that faults
 * @rm: objects of GSP-RM
 * @size: result, bytes
 *
 * Return: 0, -EPROTO, or as nvgpu_rm_control().
 */
int nvgpu_rm_method_buffer_size(struct nvgpu_rm *rm, u32 *size)
{
	void *params __free(kfree) = NULL;
	const struct nvgpu_fwabi_channel *ops = rm->gsp->gpu->abi->channel;
	int ret;

	params = kzalloc(ops->method_buffer.size, GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	ret = nvgpu_rm_query(rm, &ops->method_buffer, params);
	if (ret)
		return ret;
	ret = ops->decode_method_buffer(params, ops->method_buffer.size, size);
	if (ret)
		return ret;
	return *size && *size <= METHOD_BUFFER_MAX ? 0 : -EPROTO;
}

static int channel_control(struct nvgpu_rm_client *client, u32 object,
			   const struct nvgpu_ctrl *ctrl, void *params, bool teardown)
{
	struct nvgpu_rm_control control = {
		.client = client->client,
		.object = object,
		.cmd = ctrl->cmd,
		.params = params,
		.size = ctrl->size,
		.teardown = teardown,
	};

	return nvgpu_rm_control(client->rm, &control);
}

static int channel_set_directory(struct nvgpu_rm_client *client, u32 vaspace, u64 tables,
				 u32 entries)
{
	void *params __free(kfree) = NULL;
	const struct nvgpu_fwabi_channel *ops = channel_ops(client);

	params = kzalloc(ops->set_page_directory.size, GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	ops->encode_set_page_directory(params, vaspace, tables, entries);
	return channel_control(client, client->device, &ops->set_page_directory, params, false);
}

static void channel_unset_directory(struct nvgpu_rm_client *client, u32 vaspace)
{
	void *params __free(kfree) = NULL;
	const struct nvgpu_fwabi_channel *ops = channel_ops(client);

	params = kzalloc(ops->unset_page_directory.size, NVGPU_RPC_TEARDOWN_GFP);
	ops->encode_unset_page_directory(params, vaspace);
	channel_control(client, client->device, &ops->unset_page_directory, params, true);
}

/**
 * nvgpu_rm_vaspace_init() - a VA space with page tables of the caller's
 * @client: whose
 * @tables: framebuffer address of the top directory, filled in
 * @entries: of it
 * @handle: result
 *
 * Return: 0, or as nvgpu_rm_alloc(); what may be left goes with the client.
 */
int nvgpu_rm_vaspace_init(struct nvgpu_rm_client *client, u64 tables, u32 entries, u32 *handle)
{
	void *params __free(kfree) = NULL;
	const struct nvgpu_fwabi_channel *ops = channel_ops(client);
	const struct nvgpu_rm_object object = {
		client->client, client->device, VASPACE_HANDLE, ops->class_vaspace
	};
	bool exists;
	int ret;

	params = kzalloc(ops->vaspace_params_size, GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	ops->encode_vaspace_params(params);
	ret = nvgpu_rm_alloc(client->rm, &object, params, ops->vaspace_params_size, &exists);
	if (ret)
		return ret;
	*handle = object.handle;
	return channel_set_directory(client, object.handle, tables, entries);
}

/**
 * nvgpu_rm_vaspace_fini() - undo nvgpu_rm_vaspace_init()
 * @client: whose; it is to be freed next
 * @handle: of the VA space, without channels
 */
void nvgpu_rm_vaspace_fini(struct nvgpu_rm_client *client, u32 handle)
{
	channel_unset_directory(client, handle);
	nvgpu_rm_free(client->rm, client->client, handle);
}

static int channel_alloc(struct nvgpu_rm_channel *chan)
{
	void *params __free(kfree) = NULL;
	struct nvgpu_rm_client *client = chan->client;
	const struct nvgpu_fwabi_channel *ops = channel_ops(client);
	const struct nvgpu_rm_object object = {
		client->client, client->device, CHANNEL_HANDLE | chan->params.chid,
		ops->class_channel
	};
	size_t size = client->rm->gsp->gpu->abi->channel_params_size;
	bool exists;
	int ret;

	params = kzalloc(size, GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	ops->encode_channel_params(params, &chan->params);
	ret = nvgpu_rm_alloc(client->rm, &object, params, size, &exists);
	chan->handle = exists ? object.handle : 0;
	return ret;
}

static int channel_alloc_copy(struct nvgpu_rm_channel *chan)
{
	void *params __free(kfree) = NULL;
	struct nvgpu_rm_client *client = chan->client;
	const struct nvgpu_fwabi_channel *ops = channel_ops(client);
	const struct nvgpu_rm_object object = {
		client->client, chan->handle, COPY_HANDLE | chan->params.chid, ops->class_copy
	};
	bool exists;

	params = kzalloc(ops->copy_params_size, GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	ops->encode_copy_params(params, chan->engine.type);
	return nvgpu_rm_alloc(client->rm, &object, params, ops->copy_params_size, &exists);
}

static int channel_bind(struct nvgpu_rm_channel *chan)
{
	void *params __free(kfree) = NULL;
	const struct nvgpu_fwabi_channel *ops = channel_ops(chan->client);

	params = kzalloc(ops->bind.size, GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	ops->encode_bind(params, chan->engine.type);
	return channel_control(chan->client, chan->handle, &ops->bind, params, false);
}

static int channel_schedule(struct nvgpu_rm_channel *chan)
{
	void *params __free(kfree) = NULL;
	const struct nvgpu_fwabi_channel *ops = channel_ops(chan->client);

	params = kzalloc(ops->schedule.size, GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	ops->encode_schedule(params);
	return channel_control(chan->client, chan->handle, &ops->schedule, params, false);
}

/**
 * nvgpu_rm_channel_init() - have a channel made and scheduled
 * @chan: the channel, with engine, memory and VA space filled in; its instance block is zero
 * @chid: its id, which nobody has
 *
 * Context: process, may sleep.
 * Return: 0, or errno; then nvgpu_rm_channel_fini() has to be called all the same.
 */
int nvgpu_rm_channel_init(struct nvgpu_rm_channel *chan, u32 chid)
{
	int ret;

	memset_io(chan->userd, 0, NVGPU_USERD_SIZE);
	chan->put = 0;
	chan->params.chid = chid;
	chan->params.engine = chan->engine.type;

	ret = channel_alloc(chan);
	if (!ret)
		ret = channel_alloc_copy(chan);
	if (!ret)
		ret = channel_bind(chan);
	return ret ? ret : channel_schedule(chan);
}

/**
 * nvgpu_rm_channel_fini() - end a channel with what it still does
 * @chan: the channel; nothing happens if there is none
 *
 * Context: process; goes on when it is being killed.
 * Return: 0 if it does nothing any more; else it may, and its id and memory must not be used.
 */
int nvgpu_rm_channel_fini(struct nvgpu_rm_channel *chan)
{
	int ret;

	if (!chan->handle)
		return 0;
	ret = nvgpu_rm_free(chan->client->rm, chan->client->client, chan->handle);
	if (!ret)
		chan->handle = 0;
	return ret;
}

/**
 * nvgpu_rm_channel_push() - have methods executed
 * @chan: the channel, with a free entry in its ring
 * @addr: of the methods in the VA space
 * @dwords: how many
 */
void nvgpu_rm_channel_push(struct nvgpu_rm_channel *chan, u64 addr, u32 dwords)
{
	const struct nvgpu_gpu *gpu = chan->client->rm->gsp->gpu;

	chan->ring[chan->put] = cpu_to_le64((addr & NVGPU_GP_ENTRY_ADDR) |
					    FIELD_PREP(NVGPU_GP_ENTRY_DWORDS, dwords));
	chan->put = (chan->put + 1) % chan->params.entries;
	/* methods and entry are in memory before the GPU is told; writel() sees to that */
	writel(chan->put, chan->userd + NVGPU_USERD_GP_PUT);
	/* a read does not overtake what was written: it is in framebuffer before the doorbell */
	readl(chan->userd + NVGPU_USERD_GP_PUT);
	nvgpu_wr32(gpu, NVGPU_CHANNEL_DOORBELL,
		   FIELD_PREP(NVGPU_CHANNEL_DOORBELL_RUNLIST, chan->engine.runlist) |
		   FIELD_PREP(NVGPU_CHANNEL_DOORBELL_CHID, chan->params.chid));
}
