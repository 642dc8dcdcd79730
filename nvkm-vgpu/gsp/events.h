/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_EVENTS_H
#define _NVKM_VGPU_EVENTS_H

#include <linux/types.h>

#include "fwabi/fwabi.h"

struct nvgpu_boot;
struct nvgpu_health;

/**
 * struct nvgpu_events - who has to hear of what GSP-RM says unasked
 * @boot: does what its start asks for
 * @health: of GSP-RM
 * @on_plugin: who wants to know what plugin tasks say; NULL while nobody does. Process context,
 *	with &nvgpu_rpc.receive held
 * @on_channel: who wants to know which channels of the PF were stopped; as @on_plugin
 */
struct nvgpu_events {
	struct nvgpu_boot *boot;
	struct nvgpu_health *health;
	void (*on_plugin)(struct nvgpu_events *events, u32 gfid, enum nvgpu_plugin_event event);
	void (*on_channel)(struct nvgpu_events *events, u32 chid);
};

void nvgpu_events_handle(void *data, u32 function, const void *payload, size_t len);

#endif
