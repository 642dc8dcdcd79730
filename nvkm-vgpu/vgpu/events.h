/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_VGPU_EVENTS_H
#define _NVKM_VGPU_VGPU_EVENTS_H

#include "gsp/events.h"

u32 nvgpu_vgpu_event(struct nvgpu_events *events, const struct nvgpu_event *event,
		     const void *payload, size_t len);
void nvgpu_vgpu_channel_event(struct nvgpu_events *events, u32 chid);

#endif
