// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "events.h"
#include "guest.h"
#include "rpc.h"

void nvgpu_abi_decode_os_error(const void *buf, struct nvgpu_event *event)
{
	const struct nvgpu_abi_os_error *err = buf;

	event->xid = le32_to_cpu(err->xid);
	event->channel = le32_to_cpu(err->channel);
	strscpy(event->text, err->text, min(sizeof(event->text), sizeof(err->text)));
}

static void events_decode_plugin(const void *buf, struct nvgpu_event *event)
{
	const struct nvgpu_abi_plugin_triggered *plugin = buf;

	event->gfid = le32_to_cpu(plugin->gfid);
	switch (le32_to_cpu(plugin->index)) {
	case NVGPU_ABI_PLUGIN_CRASHED:
		event->plugin = NVGPU_PLUGIN_CRASHED;
		break;
	case NVGPU_ABI_PLUGIN_GUEST_LOADED:
	case NVGPU_ABI_PLUGIN_GUEST_UNLOADED:
	case NVGPU_ABI_PLUGIN_GUEST_LICENSE:
	case NVGPU_ABI_PLUGIN_GUEST_OS:
		event->plugin = NVGPU_PLUGIN_GUEST_CHANGED;
		break;
	}
}

void nvgpu_abi_decode_lockdown(const void *buf, struct nvgpu_event *event)
{
	event->engaged = *(const u8 *)buf;
}

/* those of all releases; numbers from 0x101b on are each release's */
static const struct nvgpu_abi_event events_events[] = {
	{ NVGPU_ABI_EVENT_INIT_DONE, NVGPU_EVENT_INIT_DONE, "init_done" },
	{ NVGPU_ABI_EVENT_RUN_CPU_SEQUENCER, NVGPU_EVENT_SEQUENCER, "run_cpu_sequencer",
	  sizeof(struct nvgpu_abi_sequencer) },
	{ NVGPU_ABI_EVENT_POST_EVENT, NVGPU_EVENT_IGNORED, "post_event" },
	{ NVGPU_ABI_EVENT_MMU_FAULT_QUEUED, NVGPU_EVENT_IGNORED, "mmu_fault_queued" },
	{ NVGPU_ABI_EVENT_OS_ERROR_LOG, NVGPU_EVENT_OS_ERROR, "os_error_log",
	  sizeof(struct nvgpu_abi_os_error), nvgpu_abi_decode_os_error },
	{ NVGPU_ABI_EVENT_GPUACCT_SAMPLES, NVGPU_EVENT_UTILIZATION, "gpuacct_samples",
	  sizeof(struct nvgpu_abi_samples) },
	{ NVGPU_ABI_EVENT_LIBOS_PRINT, NVGPU_EVENT_IGNORED, "libos_print" },
	{ NVGPU_ABI_EVENT_PLUGIN_TRIGGERED, NVGPU_EVENT_PLUGIN, "plugin_triggered",
	  sizeof(struct nvgpu_abi_plugin_triggered), events_decode_plugin },
	{ NVGPU_ABI_EVENT_PERF_BRIDGELESS, NVGPU_EVENT_IGNORED, "perf_bridgeless" },
	{ NVGPU_ABI_EVENT_VGPU_CONFIG, NVGPU_EVENT_IGNORED, "vgpu_config" },
};

static const struct nvgpu_abi_event *events_find_event(const struct nvgpu_abi_event *events,
						       unsigned int num, u32 function)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		if (events[i].function == function)
			return &events[i];
	return NULL;
}

/* @own: @num events that are the release's own, or are longer in it */
int nvgpu_abi_decode_event(const struct nvgpu_abi_event *own, unsigned int num, u32 function,
			   const void *buf, size_t len, struct nvgpu_event *event)
{
	const struct nvgpu_abi_event *found = events_find_event(own, num, function);

	if (!found)
		found = events_find_event(events_events, ARRAY_SIZE(events_events), function);
	if (!found) {
		event->type = NVGPU_EVENT_UNKNOWN;
		return 0;
	}
	event->name = found->name;
	if (len < found->size)
		return -EPROTO;
	event->type = found->type;
	if (found->decode)
		found->decode(buf, event);
	return 0;
}
