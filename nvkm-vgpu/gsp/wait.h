/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_WAIT_H
#define _NVKM_VGPU_WAIT_H

#include <linux/types.h>

struct completion;
struct nvgpu_health;

/**
 * struct nvgpu_wait - what is waited for, and how
 * @look: is it there: 1 yes, 0 not yet, -errno never
 * @arg: of @look
 * @wake: who finds it first completes this, which ends a sleep; may be NULL
 * @hint: @wake only says that it is worth a look; as long as it comes, nobody looks often
 * @timeout_ms: how long at most
 * @patient: goes on while GSP-RM does not respond: a plugin task has to answer, which it may do
 *	all the same, or it is tried whether GSP-RM responds again
 * @killable: ends when the process is being killed
 * @looks: how often @look was called, counted up
 */
struct nvgpu_wait {
	int (*look)(void *arg);
	void *arg;
	struct completion *wake;
	bool hint;
	unsigned int timeout_ms;
	bool patient;
	bool killable;
	unsigned int looks;
};

int nvgpu_wait(struct nvgpu_health *health, struct nvgpu_wait *wait);

#endif
