// SPDX-License-Identifier: GPL-2.0-only
/* What GSP-RM says unasked, and who has to hear of it. */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "boot/boot.h"
#include "gsp/events.h"
#include "gsp/health.h"
#include "gsp/sequencer.h"
#include "gsp/trace.h"
#include "regs/gpu.h"

static void events_count(struct nvgpu_events *events, u32 number, const char *name)
{
	if (!name || number >= NVGPU_EVENTS_COUNTED) {
		events->unknown++;
		return;
	}
	number = array_index_nospec(number, NVGPU_EVENTS_COUNTED);
	events->seen[number].name = name;
	events->seen[number].count++;
}

static u32 events_tell(struct nvgpu_events *events, const struct nvgpu_event *event,
		       const void *payload, size_t len)
{
	return events->on_vgpu ? events->on_vgpu(events, event, payload, len) : 0;
}

/* of a guest's channel its own driver is told, and its log has it; GSP-RM may log it here, too */
static void events_log_error(struct device *dev, const struct nvgpu_event *event, u32 gfid)
{
	int len = strnlen(event->text, sizeof(event->text));

	if (gfid)
		dev_err_ratelimited(dev, "GSP-RM: vGPU %u: Xid %u, channel %u: %*pE\n", gfid,
				    event->xid, event->channel, len, event->text);
	else
		dev_err_ratelimited(dev, "GSP-RM: Xid %u: %*pE\n", event->xid, len, event->text);
}

static void events_channel_stopped(struct nvgpu_events *events, const struct nvgpu_event *event)
{
	dev_err_ratelimited(&events->boot->gpu->pdev->dev, "GSP-RM: Xid %u, channel %u\n",
			    event->xid, event->channel);
	if (events->on_channel)
		events->on_channel(events, event->channel);
}

/**
 * nvgpu_events_handle() - a message that is no reply
 * @data: &struct nvgpu_events
 * @function: of the message
 * @payload: of the message
 * @len: its bytes
 *
 * Context: process; &nvgpu_rpc.receive is held.
 */
void nvgpu_events_handle(void *data, u32 function, const void *payload, size_t len)
{
	struct nvgpu_events *events = data;
	struct nvgpu_health *health = events->health;
	const struct nvgpu_gpu *gpu = events->boot->gpu;
	struct device *dev = &gpu->pdev->dev;
	struct nvgpu_event event = {};
	int ret;

	ret = gpu->abi->decode_event(function, payload, len, &event);
	events_count(events, function - gpu->abi->rpc->event_first, event.name);
	if (ret) {
		dev_err_ratelimited(dev, "GSP-RM: event %#x of %zu bytes is too short\n", function,
				    len);
		return;
	}
	trace_nvgpu_rpc_event(gpu->pdev, function, event.gfid, event.xid);

	switch (event.type) {
	case NVGPU_EVENT_INIT_DONE:
		nvgpu_health_init_done(health);
		break;
	case NVGPU_EVENT_SEQUENCER:
		/* only GSP-RM's start has it, when nobody else uses the falcons */
		if (nvgpu_health_booted(health) ||
		    nvgpu_sequencer_run(events->boot, payload, len))
			nvgpu_health_dead(health, "its boot sequence cannot be carried out");
		break;
	case NVGPU_EVENT_OS_ERROR:
		events_log_error(dev, &event, events_tell(events, &event, payload, len));
		break;
	case NVGPU_EVENT_RC:
		if (!event.gfid || (!events_tell(events, &event, payload, len) &&
				    event.gfid == NVGPU_GFID_UNKNOWN))
			events_channel_stopped(events, &event);
		break;
	case NVGPU_EVENT_UNKNOWN:
		dev_warn_ratelimited(dev, "GSP-RM: unknown event %#x\n", function);
		break;
	case NVGPU_EVENT_LOCKDOWN:
		nvgpu_health_lockdown(health, event.engaged);
		break;
	case NVGPU_EVENT_PLUGIN:
	case NVGPU_EVENT_UTILIZATION:
		events_tell(events, &event, payload, len);
		break;
	case NVGPU_EVENT_IGNORED:
		break;
	}
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_events_handle);
