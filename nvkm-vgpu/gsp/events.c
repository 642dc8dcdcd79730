// SPDX-License-Identifier: GPL-2.0-only
/* What GSP-RM says unasked, and who has to hear of it. */
#include "boot/boot.h"
#include "gsp/events.h"
#include "gsp/health.h"
#include "gsp/sequencer.h"
#include "gsp/trace.h"
#include "regs/gpu.h"

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

	if (gpu->abi->decode_event(function, payload, len, &event)) {
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
		dev_err_ratelimited(dev, "GSP-RM: Xid %u: %*pE\n", event.xid,
				    (int)strnlen(event.text, sizeof(event.text)), event.text);
		break;
	case NVGPU_EVENT_RC:
		/* of a guest's channel its own driver is told, and its log has it */
		if (event.gfid)
			break;
		dev_err_ratelimited(dev, "GSP-RM: Xid %u, channel %u\n", event.xid,
				    event.channel);
		if (events->on_channel)
			events->on_channel(events, event.channel);
		break;
	case NVGPU_EVENT_UNKNOWN:
		dev_warn_ratelimited(dev, "GSP-RM: unknown event %#x\n", function);
		break;
	case NVGPU_EVENT_LOCKDOWN:
		nvgpu_health_lockdown(health, event.engaged);
		break;
	case NVGPU_EVENT_PLUGIN:
		if (events->on_plugin)
			events->on_plugin(events, event.gfid, event.plugin);
		break;
	case NVGPU_EVENT_IGNORED:
		break;
	}
}
