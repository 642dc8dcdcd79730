/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_HEALTH_H
#define _NVKM_VGPU_HEALTH_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct nvgpu_falcon;
struct nvgpu_gpu;

/**
 * enum nvgpu_health_state - what is known of GSP-RM
 * @NVGPU_HEALTH_OFF: not started so far; messages may be queued for it
 * @NVGPU_HEALTH_BOOTING: its core runs
 * @NVGPU_HEALTH_UP: it has said GSP_INIT_DONE
 * @NVGPU_HEALTH_NOT_RESPONDING: it did not answer a message that ends something; calls fail at once
 * @NVGPU_HEALTH_DEAD: it cannot be used any more, nothing helps but loading it anew
 *
 *	OFF --> BOOTING --> UP <--> NOT_RESPONDING
 *	^|         |         |             |
 *	|+---------+---------+-------------+--> DEAD
 *	+------------- loaded anew --------------+
 */
enum nvgpu_health_state {
	NVGPU_HEALTH_OFF,
	NVGPU_HEALTH_BOOTING,
	NVGPU_HEALTH_UP,
	NVGPU_HEALTH_NOT_RESPONDING,
	NVGPU_HEALTH_DEAD,
};

/**
 * struct nvgpu_health - health of GSP-RM
 * @gpu: the GPU
 * @falcon: the GSP's
 * @state: written by health.c only, with @lock held
 * @lock: see @state
 * @lockdown: GSP-RM says that its registers must not be touched now
 * @told: @on_death is there to be called; with @lock held
 * @died: runs @on_death
 * @on_death: who wants to know of it; process context, once
 * @on_silent: tries whether GSP-RM responds again, when it has stopped to; may be NULL. Process
 *	context
 * @silent_data: for @on_silent
 */
struct nvgpu_health {
	const struct nvgpu_gpu *gpu;
	const struct nvgpu_falcon *falcon;
	enum nvgpu_health_state state;
	struct mutex lock;	/* state, told */
	bool lockdown;
	bool told __guarded_by(&lock);
	struct work_struct died;
	void (*on_death)(struct nvgpu_health *health);
	void (*on_silent)(void *data);
	void *silent_data;
};

void nvgpu_health_init(struct nvgpu_health *health, const struct nvgpu_gpu *gpu,
		       const struct nvgpu_falcon *falcon);
void nvgpu_health_tell(struct nvgpu_health *health, void (*on_death)(struct nvgpu_health *health));
void nvgpu_health_tell_nobody(struct nvgpu_health *health);
const char *nvgpu_health_name(const struct nvgpu_health *health);

/* what happens to it */
void nvgpu_health_off(struct nvgpu_health *health);
void nvgpu_health_core_runs(struct nvgpu_health *health);
void nvgpu_health_init_done(struct nvgpu_health *health);
void nvgpu_health_message(struct nvgpu_health *health);
void nvgpu_health_no_answer(struct nvgpu_health *health, const char *call, unsigned int ms);
void nvgpu_health_lockdown(struct nvgpu_health *health, bool engaged);
void nvgpu_health_dead(struct nvgpu_health *health, const char *why);
void nvgpu_health_unloaded(struct nvgpu_health *health);

/* what follows from it */
bool nvgpu_health_booted(const struct nvgpu_health *health);
bool nvgpu_health_is_dead(const struct nvgpu_health *health);
bool nvgpu_health_is_silent(const struct nvgpu_health *health);
int nvgpu_health_error(const struct nvgpu_health *health);
bool nvgpu_health_is_locked(const struct nvgpu_health *health);
bool nvgpu_health_look(struct nvgpu_health *health);

#endif
