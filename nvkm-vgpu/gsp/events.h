/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_EVENTS_H
#define _NVKM_VGPU_EVENTS_H

#include <linux/types.h>

#include "fwabi/fwabi.h"

struct nvgpu_boot;
struct nvgpu_health;

#define NVGPU_EVENTS_COUNTED	64

/**
 * struct nvgpu_event_count - how often GSP-RM said something
 * @name: what; NULL if it never did
 * @count: how often
 */
struct nvgpu_event_count {
	const char *name;
	u64 count;
};

/**
 * struct nvgpu_events - who has to hear of what GSP-RM says unasked
 * @boot: does what its start asks for
 * @health: of GSP-RM
 * @on_vgpu: who wants to know what may be about a vGPU, and says which one it is: its GFID, 0 if
 *	it is about none; NULL while nobody does. Process context, with &nvgpu_rpc.receive held
 * @on_channel: who wants to know which channels of the PF were stopped; as @on_vgpu
 * @seen: by number of the event; protected by &nvgpu_rpc.receive
 * @unknown: events without a name; as @seen
 */
struct nvgpu_events {
	struct nvgpu_boot *boot;
	struct nvgpu_health *health;
	u32 (*on_vgpu)(struct nvgpu_events *events, const struct nvgpu_event *event,
		       const void *payload, size_t len);
	void (*on_channel)(struct nvgpu_events *events, u32 chid);
	struct nvgpu_event_count seen[NVGPU_EVENTS_COUNTED];
	u64 unknown;
};

void nvgpu_events_handle(void *data, u32 function, const void *payload, size_t len);

#endif
