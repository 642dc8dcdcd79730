// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "chan.h"
#include "rpc.h"

enum seq_opcode {
	SEQ_REG_WRITE,			/* addr, val */
	SEQ_REG_MODIFY,			/* addr, mask, val */
	SEQ_REG_POLL,			/* addr, mask, val, timeout, error */
	SEQ_DELAY_US,			/* val */
	SEQ_REG_STORE,			/* addr, index */
	SEQ_CORE_RESET,
	SEQ_CORE_START,
	SEQ_CORE_WAIT_FOR_HALT,
	SEQ_CORE_RESUME,
};

static const u8 seq_operands[] = {
	[SEQ_REG_WRITE] = 2,
	[SEQ_REG_MODIFY] = 3,
	[SEQ_REG_POLL] = 5,
	[SEQ_DELAY_US] = 1,
	[SEQ_REG_STORE] = 2,
	[SEQ_CORE_RESET] = 0,
	[SEQ_CORE_START] = 0,
	[SEQ_CORE_WAIT_FOR_HALT] = 0,
	[SEQ_CORE_RESUME] = 0,
};

int nvgpu_abi_decode_seq_cmd(const void *buf, size_t len, u32 pos, struct nvgpu_seq_cmd *cmd)
{
	const struct nvgpu_abi_sequencer *seq = buf;
	u32 arg[5], opcode, dwords, i;

	if (len < sizeof(*seq))
		return -EPROTO;
	dwords = (len - sizeof(*seq)) / sizeof(__le32);
	dwords = min(dwords, le32_to_cpu(seq->used));
	if (pos >= dwords)
		return 0;
	opcode = le32_to_cpu(seq->command[pos]);
	if (opcode >= ARRAY_SIZE(seq_operands) || seq_operands[opcode] >= dwords - pos)
		return -EPROTO;
	for (i = 0; i < seq_operands[opcode]; i++)
		arg[i] = le32_to_cpu(seq->command[pos + 1 + i]);

	memset(cmd, 0, sizeof(*cmd));
	switch (opcode) {
	case SEQ_REG_WRITE:
		*cmd = (struct nvgpu_seq_cmd) {
			NVGPU_SEQ_REG_WRITE, .addr = arg[0], .val = arg[1]
		};
		break;
	case SEQ_REG_MODIFY:
		*cmd = (struct nvgpu_seq_cmd) { NVGPU_SEQ_REG_MODIFY, arg[0], arg[1], arg[2] };
		break;
	case SEQ_REG_POLL:
		*cmd = (struct nvgpu_seq_cmd) {
			NVGPU_SEQ_REG_POLL, arg[0], arg[1], arg[2], arg[3]
		};
		break;
	case SEQ_DELAY_US:
		*cmd = (struct nvgpu_seq_cmd) { NVGPU_SEQ_DELAY, .timeout_us = arg[0] };
		break;
	case SEQ_REG_STORE:
		*cmd = (struct nvgpu_seq_cmd) { NVGPU_SEQ_REG_STORE, .addr = arg[0] };
		break;
	case SEQ_CORE_RESET:
		cmd->op = NVGPU_SEQ_CORE_RESET;
		break;
	case SEQ_CORE_START:
		cmd->op = NVGPU_SEQ_CORE_START;
		break;
	case SEQ_CORE_WAIT_FOR_HALT:
		cmd->op = NVGPU_SEQ_CORE_WAIT_FOR_HALT;
		break;
	case SEQ_CORE_RESUME:
		cmd->op = NVGPU_SEQ_CORE_RESUME;
		break;
	}
	return 1 + seq_operands[opcode];
}

void nvgpu_abi_encode_rm_control(void *buf, u32 client, u32 object, u32 cmd, u32 params_size)
{
	struct nvgpu_abi_rm_control *ctrl = buf;

	ctrl->client = cpu_to_le32(client);
	ctrl->object = cpu_to_le32(object);
	ctrl->cmd = cpu_to_le32(cmd);
	ctrl->params_size = cpu_to_le32(params_size);
}

int nvgpu_abi_decode_rm_control(const void *buf, size_t len, u32 *rm_status, u32 *params_size)
{
	const struct nvgpu_abi_rm_control *ctrl = buf;

	if (len < sizeof(*ctrl) || le32_to_cpu(ctrl->params_size) > len - sizeof(*ctrl))
		return -EPROTO;
	*rm_status = le32_to_cpu(ctrl->status);
	*params_size = le32_to_cpu(ctrl->params_size);
	return 0;
}

void nvgpu_abi_encode_rm_alloc(void *buf, u32 client, u32 parent, u32 object, u32 class,
			       u32 params_size)
{
	struct nvgpu_abi_rm_alloc *alloc = buf;

	alloc->client = cpu_to_le32(client);
	alloc->parent = cpu_to_le32(parent);
	alloc->object = cpu_to_le32(object);
	alloc->class = cpu_to_le32(class);
	alloc->params_size = cpu_to_le32(params_size);
}

int nvgpu_abi_decode_rm_alloc(const void *buf, size_t len, u32 *rm_status)
{
	const struct nvgpu_abi_rm_alloc *alloc = buf;

	if (len < sizeof(*alloc))
		return -EPROTO;
	*rm_status = le32_to_cpu(alloc->status);
	return 0;
}

void nvgpu_abi_encode_rm_free(void *buf, u32 client, u32 object)
{
	struct nvgpu_abi_rm_free *free = buf;

	free->root = cpu_to_le32(client);
	free->object = cpu_to_le32(object);
}

int nvgpu_abi_decode_rm_free(const void *buf, size_t len, u32 *status)
{
	const struct nvgpu_abi_rm_free *free = buf;

	if (len < sizeof(*free))
		return -EPROTO;
	*status = le32_to_cpu(free->status);
	return 0;
}

void nvgpu_abi_encode_root_params(void *buf, u32 client)
{
	struct nvgpu_abi_root_params *root = buf;

	root->client = cpu_to_le32(client);
	root->process_id = cpu_to_le32(~0U);	/* the kernel itself */
}

void nvgpu_abi_encode_device_params(void *buf, u32 client)
{
	struct nvgpu_abi_device_params *device = buf;

	device->client_share = cpu_to_le32(client);
}

void nvgpu_abi_encode_subdevice_params(void *buf, u32 client)
{
}

/* @gsp: RM's number of that engine */
int nvgpu_abi_decode_intr_table(const void *buf, size_t len, u32 gsp, u32 *vector)
{
	const struct nvgpu_abi_intr_table *table = buf;
	u32 i;

	if (len < sizeof(*table) || le32_to_cpu(table->count) > NVGPU_ABI_INTR_ENTRIES)
		return -EPROTO;
	for (i = 0; i < le32_to_cpu(table->count); i++) {
		if (le16_to_cpu(table->entry[i].engine) != gsp)
			continue;
		*vector = le32_to_cpu(table->entry[i].vector);
		return 0;
	}
	return -EPROTO;
}

int nvgpu_abi_decode_copy_vector(const void *buf, size_t len, u32 engine, u32 *vector)
{
	const struct nvgpu_abi_intr_table *table = buf;
	u32 copy = engine - NVGPU_ABI_ENGINE_COPY0, i;

	if (len < sizeof(*table) || le32_to_cpu(table->count) > NVGPU_ABI_INTR_ENTRIES)
		return -EPROTO;
	/* channels name later ones by other numbers, which are not looked for */
	if (copy >= NVGPU_ABI_RM_ENGINE_COPIES)
		return -ENOENT;
	for (i = 0; i < le32_to_cpu(table->count); i++) {
		if (le16_to_cpu(table->entry[i].engine) != NVGPU_ABI_MC_ENGINE_CE0 + copy)
			continue;
		*vector = le32_to_cpu(table->entry[i].nonstall_vector);
		return *vector == ~0U ? -ENOENT : 0;
	}
	return -ENOENT;
}

int nvgpu_abi_status_errno(u32 status)
{
	switch (status) {
	case NVGPU_ABI_OK:
		return 0;
	case NVGPU_ABI_ERR_BUSY_RETRY:
	case NVGPU_ABI_ERR_IN_USE:
	case NVGPU_ABI_ERR_NOT_READY:
	case NVGPU_ABI_ERR_STATE_IN_USE:
	case NVGPU_ABI_ERR_TIMEOUT_RETRY:
		return -EBUSY;
	case NVGPU_ABI_ERR_GPU_IS_LOST:
	case NVGPU_ABI_ERR_INVALID_STATE:
	case NVGPU_ABI_ERR_RESET_REQUIRED:
		return -EIO;
	case NVGPU_ABI_ERR_INSUFFICIENT_RESOURCES:
		return -ENOSPC;
	case NVGPU_ABI_ERR_INSUFFICIENT_PERMISSIONS:
		return -EPERM;
	case NVGPU_ABI_ERR_NO_MEMORY:
		return -ENOMEM;
	case NVGPU_ABI_ERR_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case NVGPU_ABI_ERR_OBJECT_NOT_FOUND:
		return -ENOENT;
	case NVGPU_ABI_ERR_TIMEOUT:
		return -ETIMEDOUT;
	default:
		return -EINVAL;
	}
}

bool nvgpu_abi_status_is_gone(u32 status)
{
	return status == NVGPU_ABI_OK || status == NVGPU_ABI_ERR_INVALID_ARGUMENT ||
	       status == NVGPU_ABI_ERR_INVALID_OBJECT_HANDLE ||
	       status == NVGPU_ABI_ERR_OBJECT_NOT_FOUND;
}
