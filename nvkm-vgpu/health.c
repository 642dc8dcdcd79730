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
 * Any message of GSP-RM brings it back.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/pci.h>

#include "device.h"
#include "falcon.h"
#include "health.h"
#include "trace.h"

static const char * const health_names[] = {
	[NVGPU_HEALTH_OFF] = "off",
	[NVGPU_HEALTH_BOOTING] = "booting",
	[NVGPU_HEALTH_UP] = "up",
	[NVGPU_HEALTH_NOT_RESPONDING] = "not responding",
	[NVGPU_HEALTH_DEAD] = "dead",
};

static enum nvgpu_health_state health_state(const struct nvkm_vgpu_pf *pf)
{
	return READ_ONCE(pf->health.state);
}

/* a state may be left for some others only; false, and nothing happens, when it is another one */
static bool health_move(struct nvkm_vgpu_pf *pf, unsigned long from, enum nvgpu_health_state to)
{
	struct nvgpu_health *health = &pf->health;

	scoped_guard(spinlock_irqsave, &health->lock) {
		if (!(from & BIT(health->state)))
			return false;
		WRITE_ONCE(health->state, to);
	}
	trace_nvgpu_health(pf->pdev, health_names[to]);
	return true;
}

static void health_died(struct work_struct *work)
{
	struct nvkm_vgpu_pf *pf = container_of(work, struct nvkm_vgpu_pf, health.died);

	pf->health.on_death(pf);
}

/**
 * nvgpu_health_init() - GSP-RM has not been started
 * @pf: the GPU
 */
void nvgpu_health_init(struct nvkm_vgpu_pf *pf)
{
	pf->health.state = NVGPU_HEALTH_OFF;
	spin_lock_init(&pf->health.lock);
	INIT_WORK(&pf->health.died, health_died);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_init);

/**
 * nvgpu_health_tell() - who wants to know when GSP-RM dies
 * @pf: the GPU
 * @on_death: called once, in process context
 *
 * A GSP-RM that is dead already is not told of: whoever calls this asks it for something next.
 */
void nvgpu_health_tell(struct nvkm_vgpu_pf *pf, void (*on_death)(struct nvkm_vgpu_pf *pf))
{
	guard(spinlock_irqsave)(&pf->health.lock);
	pf->health.on_death = on_death;
	pf->health.told = true;
}

/**
 * nvgpu_health_tell_nobody() - undo nvgpu_health_tell()
 * @pf: the GPU
 *
 * Context: may sleep, for as long as the one who was told takes.
 */
void nvgpu_health_tell_nobody(struct nvkm_vgpu_pf *pf)
{
	scoped_guard(spinlock_irqsave, &pf->health.lock)
		pf->health.told = false;
	cancel_work_sync(&pf->health.died);
}

/**
 * nvgpu_health_name() - the state for debugfs
 * @pf: the GPU
 */
const char *nvgpu_health_name(const struct nvkm_vgpu_pf *pf)
{
	return health_names[health_state(pf)];
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_name);

/**
 * nvgpu_health_core_runs() - the RISC-V core was seen running, so it has to stay so
 * @pf: the GPU
 */
void nvgpu_health_core_runs(struct nvkm_vgpu_pf *pf)
{
	health_move(pf, BIT(NVGPU_HEALTH_OFF), NVGPU_HEALTH_BOOTING);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_core_runs);

/**
 * nvgpu_health_init_done() - GSP-RM has finished its start
 * @pf: the GPU
 */
void nvgpu_health_init_done(struct nvkm_vgpu_pf *pf)
{
	health_move(pf, BIT(NVGPU_HEALTH_OFF) | BIT(NVGPU_HEALTH_BOOTING), NVGPU_HEALTH_UP);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_init_done);

/**
 * nvgpu_health_message() - GSP-RM has said something
 * @pf: the GPU
 */
void nvgpu_health_message(struct nvkm_vgpu_pf *pf)
{
	if (health_state(pf) == NVGPU_HEALTH_NOT_RESPONDING &&
	    health_move(pf, BIT(NVGPU_HEALTH_NOT_RESPONDING), NVGPU_HEALTH_UP))
		dev_notice(&pf->pdev->dev, "GSP-RM responds again\n");
}

/**
 * nvgpu_health_no_answer() - a message that ends something was not answered
 * @pf: the GPU
 * @call: its name
 * @ms: how long it was waited for
 */
void nvgpu_health_no_answer(struct nvkm_vgpu_pf *pf, const char *call, unsigned int ms)
{
	if (health_move(pf, BIT(NVGPU_HEALTH_UP), NVGPU_HEALTH_NOT_RESPONDING))
		dev_err(&pf->pdev->dev, "GSP-RM does not respond: no reply to RPC %s in %u ms\n",
			call, ms);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_no_answer);

/**
 * nvgpu_health_lockdown() - GSP-RM locks or unlocks its registers
 * @pf: the GPU
 * @engaged: they must not be touched
 */
void nvgpu_health_lockdown(struct nvkm_vgpu_pf *pf, bool engaged)
{
	WRITE_ONCE(pf->health.lockdown, engaged);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_lockdown);

/**
 * nvgpu_health_dead() - GSP-RM cannot be used any more
 * @pf: the GPU
 * @why: for the log, which gets one line
 *
 * Context: any. Whoever waits for GSP-RM notices within 100 ms.
 */
void nvgpu_health_dead(struct nvkm_vgpu_pf *pf, const char *why)
{
	bool booted = nvgpu_health_booted(pf);

	if (!health_move(pf, ~BIT(NVGPU_HEALTH_DEAD), NVGPU_HEALTH_DEAD))
		return;
	dev_err(&pf->pdev->dev, "GSP-RM died%s: %s\n", booted ? "" : " before GSP_INIT_DONE", why);

	guard(spinlock_irqsave)(&pf->health.lock);
	if (pf->health.told)
		schedule_work(&pf->health.died);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_dead);

/**
 * nvgpu_health_unloaded() - GSP-RM was taken off the GPU
 * @pf: the GPU
 *
 * A call that comes late finds nobody. Nobody is told.
 */
void nvgpu_health_unloaded(struct nvkm_vgpu_pf *pf)
{
	health_move(pf, ~0UL, NVGPU_HEALTH_DEAD);
}

/**
 * nvgpu_health_booted() - has GSP-RM finished its start
 * @pf: the GPU
 *
 * Return: also true when it is not responding; false when it is dead.
 */
bool nvgpu_health_booted(const struct nvkm_vgpu_pf *pf)
{
	enum nvgpu_health_state state = health_state(pf);

	return state == NVGPU_HEALTH_UP || state == NVGPU_HEALTH_NOT_RESPONDING;
}

/**
 * nvgpu_health_is_dead() - is GSP-RM dead
 * @pf: the GPU
 */
bool nvgpu_health_is_dead(const struct nvkm_vgpu_pf *pf)
{
	return health_state(pf) == NVGPU_HEALTH_DEAD;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_is_dead);

/**
 * nvgpu_health_error() - may GSP-RM be asked for something
 * @pf: the GPU
 *
 * Return: 0, or -EIO when it is dead or does not respond.
 */
int nvgpu_health_error(const struct nvkm_vgpu_pf *pf)
{
	enum nvgpu_health_state state = health_state(pf);

	return state == NVGPU_HEALTH_DEAD || state == NVGPU_HEALTH_NOT_RESPONDING ? -EIO : 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_error);

/**
 * nvgpu_health_look() - see whether GSP-RM's core still runs
 * @pf: the GPU
 *
 * Return: false when GSP-RM is dead. A register that cannot be read, or must not be, is no verdict.
 */
bool nvgpu_health_look(struct nvkm_vgpu_pf *pf)
{
	enum nvgpu_health_state state = health_state(pf);

	if (state == NVGPU_HEALTH_DEAD)
		return false;
	if (state == NVGPU_HEALTH_OFF || READ_ONCE(pf->health.lockdown) ||
	    nvgpu_falcon_riscv_active(&pf->gsp_falcon))
		return true;
	nvgpu_health_dead(pf, pci_device_is_present(pf->pdev) ? "its core stopped" :
								"the GPU is gone");
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_health_look);
