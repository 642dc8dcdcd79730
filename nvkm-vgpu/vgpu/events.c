// SPDX-License-Identifier: GPL-2.0-only
/* What GSP-RM says unasked, as far as it is about vGPUs. */
#include <kunit/visibility.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/nospec.h>
#include <linux/pci.h>

#include "vgpu/events.h"
#include "vgpu/pf.h"
#include "vgpu/state.h"
#include "vgpu/vgpu.h"

static struct nvkm_vgpu_pf *events_pf(struct nvgpu_events *events)
{
	return container_of(events, struct nvkm_vgpu_pf, gsp.events);
}

/* whose channel it is; a reservation has its ids whether or not it is in use */
static u32 events_channel_owner(struct nvkm_vgpu_pf *pf, u32 chid)
{
	const struct nvgpu_reservation *rsv;
	unsigned int i;

	guard(mutex)(&pf->mgr.lock);
	for (i = 0; i < NVGPU_MAX_VFS; i++) {
		rsv = pf->mgr.vf[i].rsv;
		if (rsv && nvgpu_vf_is_open(pf->mgr.vf[i].state) &&
		    chid >= rsv->place.chid_start &&
		    chid - rsv->place.chid_start < rsv->place.num_chids)
			return i + 1;
	}
	return 0;
}

static void events_plugin(struct nvkm_vgpu_pf *pf, unsigned int vf, enum nvgpu_plugin_event event)
{
	switch (event) {
	case NVGPU_PLUGIN_CRASHED:
		dev_err_ratelimited(&pf->gpu.pdev->dev, "vGPU %u: its plugin task crashed\n",
				    vf + 1);
		nvgpu_vgpu_fail(pf, vf, NVKM_VGPU_ERROR_PLUGIN);
		break;
	case NVGPU_PLUGIN_GUEST_CHANGED:
		nvgpu_monitor_guest_changed(&pf->monitor);
		nvgpu_vf_note_guest(pf, vf);
		break;
	case NVGPU_PLUGIN_OTHER:
		break;
	}
}

/**
 * nvgpu_vgpu_event() - GSP-RM says something that may be about a vGPU
 * @events: of the GPU
 * @event: what
 * @payload: of its message
 * @len: bytes of @payload
 *
 * Context: process; &nvgpu_rpc.receive is held.
 * Return: GFID of the vGPU, 0 if it is about none.
 */
u32 nvgpu_vgpu_event(struct nvgpu_events *events, const struct nvgpu_event *event,
		     const void *payload, size_t len)
{
	struct nvkm_vgpu_pf *pf = events_pf(events);
	u32 gfid = event->gfid;
	unsigned int vf;

	if (event->type == NVGPU_EVENT_UTILIZATION) {
		if (nvgpu_monitor_samples(&pf->monitor, pf->gpu.abi, payload, len) == -EPROTO)
			dev_err_ratelimited(&pf->gpu.pdev->dev,
					    "GSP-RM: %s of %zu bytes cannot be read\n",
					    event->name, len);
		return 0;
	}
	if (event->type == NVGPU_EVENT_OS_ERROR || gfid == NVGPU_GFID_UNKNOWN)
		gfid = events_channel_owner(pf, event->channel);
	if (!gfid || gfid > NVGPU_MAX_VFS)
		return 0;
	vf = array_index_nospec(gfid - 1, NVGPU_MAX_VFS);
	if (event->type == NVGPU_EVENT_PLUGIN)
		events_plugin(pf, vf, event->plugin);
	else if (event->type == NVGPU_EVENT_RC)
		nvgpu_monitor_channel_error(&pf->monitor, vf);
	return gfid;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_vgpu_event);

/**
 * nvgpu_vgpu_channel_event() - GSP-RM stopped a channel of the PF
 * @events: of its GSP-RM
 * @chid: its id
 */
void nvgpu_vgpu_channel_event(struct nvgpu_events *events, u32 chid)
{
	nvgpu_scrub_channel_error(&events_pf(events)->scrub, chid);
}
