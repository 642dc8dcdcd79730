// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/array_size.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "chan.h"
#include "guest.h"
#include "rpc.h"

static void rpc_decode_os_error(const struct nvgpu_r570_144_os_error *err,
				struct nvgpu_event *event)
{
	event->xid = le32_to_cpu(err->xid);
	event->channel = le32_to_cpu(err->channel);
	strscpy(event->text, err->text, min(sizeof(event->text), sizeof(err->text)));
}

static void rpc_decode_rc_triggered(const struct nvgpu_r570_144_rc_triggered *rc,
				    struct nvgpu_event *event)
{
	event->xid = le32_to_cpu(rc->xid);
	event->gfid = le32_to_cpu(rc->gfid);
	event->channel = le32_to_cpu(rc->channel);
}

static void rpc_decode_plugin(const struct nvgpu_r570_144_plugin_triggered *plugin,
			      struct nvgpu_event *event)
{
	event->gfid = le32_to_cpu(plugin->gfid);
	switch (le32_to_cpu(plugin->index)) {
	case NVGPU_R570_144_PLUGIN_CRASHED:
		event->plugin = NVGPU_PLUGIN_CRASHED;
		break;
	case NVGPU_R570_144_PLUGIN_GUEST_LOADED:
	case NVGPU_R570_144_PLUGIN_GUEST_UNLOADED:
	case NVGPU_R570_144_PLUGIN_GUEST_LICENSE:
	case NVGPU_R570_144_PLUGIN_GUEST_OS:
		event->plugin = NVGPU_PLUGIN_GUEST_CHANGED;
		break;
	}
}

static const struct {
	u32 function;
	enum nvgpu_event_type type;
	const char *name;
	size_t size;			/* at least */
} rpc_events[] = {
	{ NVGPU_R570_144_EVENT_INIT_DONE, NVGPU_EVENT_INIT_DONE, "init_done" },
	{ NVGPU_R570_144_EVENT_RUN_CPU_SEQUENCER, NVGPU_EVENT_SEQUENCER, "run_cpu_sequencer",
	  sizeof(struct nvgpu_r570_144_sequencer) },
	{ NVGPU_R570_144_EVENT_POST_EVENT, NVGPU_EVENT_IGNORED, "post_event" },
	{ NVGPU_R570_144_EVENT_RC_TRIGGERED, NVGPU_EVENT_RC, "rc_triggered",
	  sizeof(struct nvgpu_r570_144_rc_triggered) },
	{ NVGPU_R570_144_EVENT_MMU_FAULT_QUEUED, NVGPU_EVENT_IGNORED, "mmu_fault_queued" },
	{ NVGPU_R570_144_EVENT_OS_ERROR_LOG, NVGPU_EVENT_OS_ERROR, "os_error_log",
	  sizeof(struct nvgpu_r570_144_os_error) },
	{ NVGPU_R570_144_EVENT_GPUACCT_SAMPLES, NVGPU_EVENT_UTILIZATION, "gpuacct_samples",
	  sizeof(struct nvgpu_r570_144_samples) },
	{ NVGPU_R570_144_EVENT_LIBOS_PRINT, NVGPU_EVENT_IGNORED, "libos_print" },
	{ NVGPU_R570_144_EVENT_PLUGIN_TRIGGERED, NVGPU_EVENT_PLUGIN, "plugin_triggered",
	  sizeof(struct nvgpu_r570_144_plugin_triggered) },
	{ NVGPU_R570_144_EVENT_PERF_BRIDGELESS, NVGPU_EVENT_IGNORED, "perf_bridgeless" },
	{ NVGPU_R570_144_EVENT_VGPU_CONFIG, NVGPU_EVENT_IGNORED, "vgpu_config" },
	{ NVGPU_R570_144_EVENT_NVLINK_FAULT_UP, NVGPU_EVENT_IGNORED, "nvlink_fault_up" },
	{ NVGPU_R570_144_EVENT_LOCKDOWN_NOTICE, NVGPU_EVENT_LOCKDOWN, "lockdown_notice", 1 },
	{ NVGPU_R570_144_EVENT_MIG_CI_CONFIG, NVGPU_EVENT_IGNORED, "mig_ci_config" },
	{ NVGPU_R570_144_EVENT_GSP_TRACE, NVGPU_EVENT_IGNORED, "gsp_trace" },
	{ NVGPU_R570_144_EVENT_NVLINK_RECOVERY, NVGPU_EVENT_IGNORED, "nvlink_recovery" },
	{ NVGPU_R570_144_EVENT_NOCAT_RECORD, NVGPU_EVENT_IGNORED, "nocat_record" },
	{ NVGPU_R570_144_EVENT_FECS_ERROR, NVGPU_EVENT_IGNORED, "fecs_error" },
	{ NVGPU_R570_144_EVENT_RECOVERY_ACTION, NVGPU_EVENT_IGNORED, "recovery_action" },
};

int nvgpu_r570_144_decode_event(u32 function, const void *buf, size_t len,
				struct nvgpu_event *event)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rpc_events); i++)
		if (rpc_events[i].function == function)
			break;
	if (i == ARRAY_SIZE(rpc_events)) {
		event->type = NVGPU_EVENT_UNKNOWN;
		return 0;
	}
	event->name = rpc_events[i].name;
	if (len < rpc_events[i].size)
		return -EPROTO;
	event->type = rpc_events[i].type;

	switch (event->type) {
	case NVGPU_EVENT_OS_ERROR:
		rpc_decode_os_error(buf, event);
		break;
	case NVGPU_EVENT_RC:
		rpc_decode_rc_triggered(buf, event);
		break;
	case NVGPU_EVENT_PLUGIN:
		rpc_decode_plugin(buf, event);
		break;
	case NVGPU_EVENT_LOCKDOWN:
		event->engaged = *(const u8 *)buf;
		break;
	default:
		break;
	}
	return 0;
}

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

int nvgpu_r570_144_decode_seq_cmd(const void *buf, size_t len, u32 pos, struct nvgpu_seq_cmd *cmd)
{
	const struct nvgpu_r570_144_sequencer *seq = buf;
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

void nvgpu_r570_144_encode_rm_control(void *buf, u32 client, u32 object, u32 cmd, u32 params_size)
{
	struct nvgpu_r570_144_rm_control *ctrl = buf;

	ctrl->client = cpu_to_le32(client);
	ctrl->object = cpu_to_le32(object);
	ctrl->cmd = cpu_to_le32(cmd);
	ctrl->params_size = cpu_to_le32(params_size);
}

int nvgpu_r570_144_decode_rm_control(const void *buf, size_t len, u32 *rm_status, u32 *params_size)
{
	const struct nvgpu_r570_144_rm_control *ctrl = buf;

	if (len < sizeof(*ctrl) || le32_to_cpu(ctrl->params_size) > len - sizeof(*ctrl))
		return -EPROTO;
	*rm_status = le32_to_cpu(ctrl->status);
	*params_size = le32_to_cpu(ctrl->params_size);
	return 0;
}

void nvgpu_r570_144_encode_rm_alloc(void *buf, u32 client, u32 parent, u32 object, u32 class,
				    u32 params_size)
{
	struct nvgpu_r570_144_rm_alloc *alloc = buf;

	alloc->client = cpu_to_le32(client);
	alloc->parent = cpu_to_le32(parent);
	alloc->object = cpu_to_le32(object);
	alloc->class = cpu_to_le32(class);
	alloc->params_size = cpu_to_le32(params_size);
}

int nvgpu_r570_144_decode_rm_alloc(const void *buf, size_t len, u32 *rm_status)
{
	const struct nvgpu_r570_144_rm_alloc *alloc = buf;

	if (len < sizeof(*alloc))
		return -EPROTO;
	*rm_status = le32_to_cpu(alloc->status);
	return 0;
}

void nvgpu_r570_144_encode_rm_free(void *buf, u32 client, u32 object)
{
	struct nvgpu_r570_144_rm_free *free = buf;

	free->root = cpu_to_le32(client);
	free->object = cpu_to_le32(object);
}

int nvgpu_r570_144_decode_rm_free(const void *buf, size_t len, u32 *status)
{
	const struct nvgpu_r570_144_rm_free *free = buf;

	if (len < sizeof(*free))
		return -EPROTO;
	*status = le32_to_cpu(free->status);
	return 0;
}

void nvgpu_r570_144_encode_root_params(void *buf, u32 client)
{
	struct nvgpu_r570_144_root_params *root = buf;

	root->client = cpu_to_le32(client);
	root->process_id = cpu_to_le32(~0U);	/* the kernel itself */
}

void nvgpu_r570_144_encode_device_params(void *buf, u32 client)
{
	struct nvgpu_r570_144_device_params *device = buf;

	device->client_share = cpu_to_le32(client);
}

void nvgpu_r570_144_encode_subdevice_params(void *buf, u32 client)
{
}

int nvgpu_r570_144_decode_intr_table(const void *buf, size_t len, u32 *gsp_vector)
{
	const struct nvgpu_r570_144_intr_table *table = buf;
	u32 i;

	if (len < sizeof(*table) || le32_to_cpu(table->count) > NVGPU_R570_144_INTR_ENTRIES)
		return -EPROTO;
	for (i = 0; i < le32_to_cpu(table->count); i++) {
		if (le16_to_cpu(table->entry[i].engine) != NVGPU_R570_144_MC_ENGINE_GSP)
			continue;
		*gsp_vector = le32_to_cpu(table->entry[i].vector);
		return 0;
	}
	return -EPROTO;
}

int nvgpu_r570_144_decode_copy_vector(const void *buf, size_t len, u32 engine, u32 *vector)
{
	const struct nvgpu_r570_144_intr_table *table = buf;
	u32 copy = engine - NVGPU_R570_144_ENGINE_COPY0, i;

	if (len < sizeof(*table) || le32_to_cpu(table->count) > NVGPU_R570_144_INTR_ENTRIES)
		return -EPROTO;
	/* channels name later ones by other numbers, which are not looked for */
	if (copy >= NVGPU_R570_144_RM_ENGINE_COPY10 - NVGPU_R570_144_RM_ENGINE_COPY0)
		return -ENOENT;
	for (i = 0; i < le32_to_cpu(table->count); i++) {
		if (le16_to_cpu(table->entry[i].engine) != NVGPU_R570_144_MC_ENGINE_CE0 + copy)
			continue;
		*vector = le32_to_cpu(table->entry[i].nonstall_vector);
		return *vector == ~0U ? -ENOENT : 0;
	}
	return -ENOENT;
}
