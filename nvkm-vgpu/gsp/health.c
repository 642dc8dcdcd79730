// SPDX-License-Identifier: GPL-2.0-only
/*
 * Health of a GPU: the one place that decides whether GSP-RM can be used.
 *
 * Whoever learns something tells it here: the interrupt thread, those who wait for an answer, PCI
 * errors, resets of the PF. Whoever wants something asks here first.
 *
 * A GSP-RM that hangs cannot be told from a slow one, but by time. The first message that ends
 * something (a vGPU, a client, GSP-RM itself) and is not answered is taken for a hang: those have
 * 45 seconds. From then on calls fail at once, so that it costs its time once and not once a vGPU.
 * Any message of GSP-RM brings it back. One that has recovered may have nothing to say by itself,
 * so it is asked something now and then.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/pci.h>

#include "boot/falcon.h"
#include "gsp/health.h"
#include "gsp/trace.h"
#include "regs/gpu.h"

static const char * const health_names[] = {
	[NVGPU_HEALTH_OFF] = "off",
	[NVGPU_HEALTH_BOOTING] = "booting",
	[NVGPU_HEALTH_UP] = "up",
	[NVGPU_HEALTH_NOT_RESPONDING] = "not responding",
	[NVGPU_HEALTH_DEAD] = "dead",
};

static enum nvgpu_health_state health_state(const struct nvgpu_health *health)
{
	return READ_ONCE(health->state);
}

/*
 * A state may be left for some others only; false, and nothing happens, when it is another one.
 * @why is in the log before anybody can see the new state: what others say then follows from it.
 */
static __printf(4, 5) bool health_move(struct nvgpu_health *health, unsigned long from,
				       enum nvgpu_health_state to, const char *why, ...)
{
	struct va_format vaf = { .fmt = why };
	va_list args;

	scoped_guard(mutex, &health->lock) {
		if (!(from & BIT(health->state)))
			return false;
		if (why) {
			va_start(args, why);
			vaf.va = &args;
			dev_err(&health->gpu->pdev->dev, "GSP-RM %pV\n", &vaf);
			va_end(args);
		}
		WRITE_ONCE(health->state, to);
	}
	trace_nvgpu_health(health->gpu->pdev, health_names[to]);
	return true;
}

static void health_died(struct work_struct *work)
{
	struct nvgpu_health *health = container_of(work, struct nvgpu_health, died);

	health->on_death(health);
}

/**
 * nvgpu_health_init() - GSP-RM has not been started
 * @health: result
 * @gpu: the GPU
 * @falcon: the GSP's
 */
void nvgpu_health_init(struct nvgpu_health *health, const struct nvgpu_gpu *gpu,
		       const struct nvgpu_falcon *falcon)
{
	*health = (struct nvgpu_health) { .gpu = gpu, .falcon = falcon };
	health->state = NVGPU_HEALTH_OFF;
	mutex_init(&health->lock);
	INIT_WORK(&health->died, health_died);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_init);

/**
 * nvgpu_health_tell() - who wants to know when GSP-RM dies
 * @health: of GSP-RM
 * @on_death: called once, in process context
 *
 * A GSP-RM that is dead already is not told of: whoever calls this asks it for something next.
 */
void nvgpu_health_tell(struct nvgpu_health *health, void (*on_death)(struct nvgpu_health *health))
{
	guard(mutex)(&health->lock);
	health->on_death = on_death;
	health->told = true;
}

/**
 * nvgpu_health_tell_nobody() - undo nvgpu_health_tell()
 * @health: of GSP-RM
 *
 * Context: may sleep, for as long as the one who was told takes.
 */
void nvgpu_health_tell_nobody(struct nvgpu_health *health)
{
	scoped_guard(mutex, &health->lock)
		health->told = false;
	cancel_work_sync(&health->died);
}

/**
 * nvgpu_health_name() - the state for debugfs
 * @health: of GSP-RM
 */
const char *nvgpu_health_name(const struct nvgpu_health *health)
{
	return health_names[health_state(health)];
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_name);

/**
 * nvgpu_health_off() - GSP-RM is to be loaded
 * @health: of GSP-RM, which is not loaded
 */
void nvgpu_health_off(struct nvgpu_health *health)
{
	WRITE_ONCE(health->lockdown, false);
	health_move(health, BIT(NVGPU_HEALTH_OFF) | BIT(NVGPU_HEALTH_DEAD), NVGPU_HEALTH_OFF, NULL);
}

/**
 * nvgpu_health_core_runs() - the RISC-V core was seen running, so it has to stay so
 * @health: of GSP-RM
 */
void nvgpu_health_core_runs(struct nvgpu_health *health)
{
	health_move(health, BIT(NVGPU_HEALTH_OFF), NVGPU_HEALTH_BOOTING, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_core_runs);

/**
 * nvgpu_health_init_done() - GSP-RM has finished its start
 * @health: of GSP-RM
 */
void nvgpu_health_init_done(struct nvgpu_health *health)
{
	health_move(health, BIT(NVGPU_HEALTH_OFF) | BIT(NVGPU_HEALTH_BOOTING), NVGPU_HEALTH_UP,
		    NULL);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_init_done);

/**
 * nvgpu_health_message() - GSP-RM has said something
 * @health: of GSP-RM
 */
void nvgpu_health_message(struct nvgpu_health *health)
{
	if (health_state(health) == NVGPU_HEALTH_NOT_RESPONDING &&
	    health_move(health, BIT(NVGPU_HEALTH_NOT_RESPONDING), NVGPU_HEALTH_UP, NULL))
		dev_notice(&health->gpu->pdev->dev, "GSP-RM responds again\n");
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_message);

/**
 * nvgpu_health_no_answer() - a message that ends something was not answered
 * @health: of GSP-RM
 * @call: its name
 * @ms: how long it was waited for
 */
void nvgpu_health_no_answer(struct nvgpu_health *health, const char *call, unsigned int ms)
{
	if (!health_move(health, BIT(NVGPU_HEALTH_UP), NVGPU_HEALTH_NOT_RESPONDING,
			 "does not respond: no reply to RPC %s in %u ms", call, ms))
		return;
	if (health->on_silent)
		health->on_silent(health->silent_data);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_no_answer);

/**
 * nvgpu_health_lockdown() - GSP-RM locks or unlocks its registers
 * @health: of GSP-RM
 * @engaged: they must not be touched
 */
void nvgpu_health_lockdown(struct nvgpu_health *health, bool engaged)
{
	WRITE_ONCE(health->lockdown, engaged);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_lockdown);

/**
 * nvgpu_health_dead() - GSP-RM cannot be used any more
 * @health: of GSP-RM
 * @why: for the log, which gets one line
 *
 * Context: process, may sleep. Whoever waits for GSP-RM notices within 100 ms.
 */
void nvgpu_health_dead(struct nvgpu_health *health, const char *why)
{
	if (!health_move(health, ~BIT(NVGPU_HEALTH_DEAD), NVGPU_HEALTH_DEAD, "died%s: %s",
			 nvgpu_health_booted(health) ? "" : " before GSP_INIT_DONE", why))
		return;
	guard(mutex)(&health->lock);
	if (health->told)
		schedule_work(&health->died);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_dead);

/**
 * nvgpu_health_unloaded() - GSP-RM was taken off the GPU
 * @health: of GSP-RM
 *
 * A call that comes late finds nobody. Nobody is told.
 */
void nvgpu_health_unloaded(struct nvgpu_health *health)
{
	health_move(health, ~0UL, NVGPU_HEALTH_DEAD, NULL);
}

/**
 * nvgpu_health_booted() - has GSP-RM finished its start
 * @health: of GSP-RM
 *
 * Return: also true when it is not responding; false when it is dead.
 */
bool nvgpu_health_booted(const struct nvgpu_health *health)
{
	enum nvgpu_health_state state = health_state(health);

	return state == NVGPU_HEALTH_UP || state == NVGPU_HEALTH_NOT_RESPONDING;
}

/**
 * nvgpu_health_is_dead() - is GSP-RM dead
 * @health: of GSP-RM
 */
bool nvgpu_health_is_dead(const struct nvgpu_health *health)
{
	return health_state(health) == NVGPU_HEALTH_DEAD;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_is_dead);

/**
 * nvgpu_health_is_silent() - does GSP-RM not respond
 * @health: of GSP-RM
 *
 * Return: false also when it is dead.
 */
bool nvgpu_health_is_silent(const struct nvgpu_health *health)
{
	return health_state(health) == NVGPU_HEALTH_NOT_RESPONDING;
}

/**
 * nvgpu_health_error() - may GSP-RM be asked for something
 * @health: of GSP-RM
 *
 * Return: 0, or -EIO when it is dead or does not respond.
 */
int nvgpu_health_error(const struct nvgpu_health *health)
{
	enum nvgpu_health_state state = health_state(health);

	return state == NVGPU_HEALTH_DEAD || state == NVGPU_HEALTH_NOT_RESPONDING ? -EIO : 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_error);

/**
 * nvgpu_health_is_locked() - must registers of the GSP be left alone
 * @health: of GSP-RM
 */
bool nvgpu_health_is_locked(const struct nvgpu_health *health)
{
	return READ_ONCE(health->lockdown);
}

/**
 * nvgpu_health_look() - see whether GSP-RM's core still runs
 * @health: of GSP-RM
 *
 * Return: false when GSP-RM is dead. A register that cannot be read, or must not be, is no verdict.
 */
bool nvgpu_health_look(struct nvgpu_health *health)
{
	enum nvgpu_health_state state = health_state(health);

	if (state == NVGPU_HEALTH_DEAD)
		return false;
	if (state == NVGPU_HEALTH_OFF || READ_ONCE(health->lockdown) ||
	    nvgpu_falcon_riscv_active(health->falcon))
		return true;
	nvgpu_health_dead(health, pci_device_is_present(health->gpu->pdev) ? "its core stopped" :
								"the GPU is gone");
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_look);
