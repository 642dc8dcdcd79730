/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_ABI_EVENTS_H
#define _NVKM_VGPU_ABI_EVENTS_H

#include <linux/types.h>

#include "../fwabi.h"

/*
 * struct nvgpu_abi_event - an event of GSP-RM's
 */
struct nvgpu_abi_event {
	u32 function;
	enum nvgpu_event_type type;
	const char *name;
	size_t size;			/* at least */
	void (*decode)(const void *buf, struct nvgpu_event *event);
};

void nvgpu_abi_decode_os_error(const void *buf, struct nvgpu_event *event);
void nvgpu_abi_decode_lockdown(const void *buf, struct nvgpu_event *event);
int nvgpu_abi_decode_event(const struct nvgpu_abi_event *own, unsigned int num, u32 function,
			   const void *buf, size_t len, struct nvgpu_event *event);

#endif
