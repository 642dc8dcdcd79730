// SPDX-License-Identifier: GPL-2.0-only
/*
 * What operators want to see of vGPUs that run.
 *
 * GSP-RM is asked for all of them in one control, and only when somebody reads, at most once a
 * second: however many files are read in a loop, GSP-RM has no more to do. It says by an event that
 * something has changed, which only means that it is worth asking again.
 *
 * Use of engines comes unasked, once a second. A sample says whose it is by the process id that the
 * plugin task was configured with. Several may have one time, for the guest's processes: they add
 * up. A vGPU that did nothing is in none.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "gsp/gsp.h"
#include "regs/gpu.h"
#include "rm/rm.h"
#include "vgpu/monitor.h"

#define MAX_AGE		HZ
/* samples come each second */
#define MAX_SAMPLE_AGE	(2 * HZ)
#define MAX_SILENCE	(5 * HZ)
#define UTIL_FULL	10000U

/**
 * nvgpu_monitor_init() - nothing is known
 * @monitor: result
 * @rm: objects of GSP-RM
 */
void nvgpu_monitor_init(struct nvgpu_monitor *monitor, struct nvgpu_rm *rm)
{
	*monitor = (struct nvgpu_monitor) { .rm = rm, .stale = true };
	mutex_init(&monitor->ask);
	spin_lock_init(&monitor->lock);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_monitor_init);

/**
 * nvgpu_monitor_fini() - undo nvgpu_monitor_init()
 * @monitor: stopped
 */
void nvgpu_monitor_fini(struct nvgpu_monitor *monitor)
{
	mutex_destroy(&monitor->ask);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_monitor_fini);

/**
 * nvgpu_monitor_start() - GSP-RM is up and may be asked
 * @monitor: what is known
 */
void nvgpu_monitor_start(struct nvgpu_monitor *monitor)
{
	guard(mutex)(&monitor->ask);
	monitor->running = true;
	WRITE_ONCE(monitor->stale, true);
	/* its time may have begun anew */
	guard(spinlock)(&monitor->lock);
	monitor->sampled = false;
	memset(monitor->util, 0, sizeof(monitor->util));
}

/**
 * nvgpu_monitor_stop() - GSP-RM is to be unloaded
 * @monitor: what is known
 *
 * Context: may sleep, for as long as GSP-RM is just being waited for.
 */
void nvgpu_monitor_stop(struct nvgpu_monitor *monitor)
{
	guard(mutex)(&monitor->ask);
	monitor->running = false;
}

/**
 * nvgpu_monitor_forget() - a VF gets another vGPU
 * @monitor: what is known
 * @vf: index of the VF
 */
void nvgpu_monitor_forget(struct nvgpu_monitor *monitor, unsigned int vf)
{
	WRITE_ONCE(monitor->stale, true);
	guard(spinlock)(&monitor->lock);
	/* what the VF's last one used is told for seconds to come: only what is newer counts */
	memset(monitor->util[vf].util, 0, sizeof(monitor->util[vf].util));
	monitor->channel_errors[vf] = 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_monitor_forget);

static int monitor_read_guests(struct nvgpu_monitor *monitor)
	__must_hold(&monitor->ask)
{
	void *msg __free(kvfree) = NULL;
	const struct nvgpu_fwabi *abi = monitor->rm->gsp->gpu->abi;
	struct nvgpu_guest guest = {};
	u32 i = 0;
	int ret;

	msg = kvzalloc(abi->vgpu->guests.size, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	ret = nvgpu_rm_query(monitor->rm, &abi->vgpu->guests, msg);
	if (ret)
		return ret;
	memset(monitor->guest, 0, sizeof(monitor->guest));
	while ((ret = abi->vgpu->decode_guest(msg, abi->vgpu->guests.size, i++, &guest)) > 0)
		if (guest.gfid && guest.gfid <= NVGPU_MAX_VFS)
			monitor->guest[array_index_nospec(guest.gfid - 1, NVGPU_MAX_VFS)] = guest;
	return ret;
}

/* have @guest filled in, unless it is fresh */
static int monitor_ask(struct nvgpu_monitor *monitor)
	__must_hold(&monitor->ask)
{
	lockdep_assert_held(&monitor->ask);

	if (!monitor->running)
		return -EIO;
	if (!READ_ONCE(monitor->stale) && time_before(jiffies, monitor->asked + MAX_AGE))
		return monitor->error;
	/* what changes from here on has it asked once more */
	WRITE_ONCE(monitor->stale, false);
	monitor->error = monitor_read_guests(monitor);
	/* an error as well, or a loop of readers would have GSP-RM time out one after the other */
	monitor->asked = jiffies;
	if (monitor->error == -EINTR)
		WRITE_ONCE(monitor->stale, true);
	return monitor->error;
}

/**
 * nvgpu_monitor_guest() - what is known of a vGPU's guest
 * @monitor: what is known
 * @vf: index of the vGPU's VF
 * @guest: result
 *
 * Context: may sleep; GSP-RM is waited for unless it was asked within the last second.
 * Return: 0, -ENODATA if GSP-RM knows no such vGPU, -EIO if GSP-RM is not there or what it answers
 * is not what it should be, or what nvgpu_rm_query() returns.
 */
int nvgpu_monitor_guest(struct nvgpu_monitor *monitor, unsigned int vf, struct nvgpu_guest *guest)
{
	int ret;

	guard(mutex)(&monitor->ask);
	ret = monitor_ask(monitor);
	if (ret)
		return ret == -EPROTO ? -EIO : ret;
	*guest = monitor->guest[vf];
	return guest->gfid ? 0 : -ENODATA;
}

/**
 * nvgpu_monitor_util() - how much of an engine a vGPU used in the last second
 * @monitor: what is known
 * @vf: index of the vGPU's VF
 * @engine: the engine
 * @util: result: 1/100 %, at most 10000
 *
 * Return: 0, -ENODATA if GSP-RM has not told of late.
 */
int nvgpu_monitor_util(struct nvgpu_monitor *monitor, unsigned int vf,
		       enum nvgpu_util_engine engine, u32 *util)
{
	const struct nvgpu_monitor_util *known = &monitor->util[vf];

	guard(spinlock)(&monitor->lock);
	if (!monitor->sampled || time_after(jiffies, monitor->sampled_at + MAX_SILENCE))
		return -ENODATA;
	/* what is idle is in no sample */
	*util = known->time && time_before(jiffies, known->at + MAX_SAMPLE_AGE) ?
		known->util[engine] : 0;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_monitor_util);

/**
 * nvgpu_monitor_channel_errors() - channels of a vGPU's guest that GSP-RM stopped
 * @monitor: what is known
 * @vf: index of the vGPU's VF
 *
 * Return: their number since the vGPU was opened.
 */
u64 nvgpu_monitor_channel_errors(struct nvgpu_monitor *monitor, unsigned int vf)
{
	guard(spinlock)(&monitor->lock);
	return monitor->channel_errors[vf];
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_monitor_channel_errors);

/* ---- what GSP-RM says unasked ---------------------------------------------------------------- */

/**
 * nvgpu_monitor_guest_changed() - GSP-RM says that a guest has changed
 * @monitor: what is known
 *
 * Context: any.
 */
void nvgpu_monitor_guest_changed(struct nvgpu_monitor *monitor)
{
	WRITE_ONCE(monitor->stale, true);
}

/**
 * nvgpu_monitor_channel_error() - GSP-RM stopped a channel of a vGPU's guest
 * @monitor: what is known
 * @vf: index of the vGPU's VF
 */
void nvgpu_monitor_channel_error(struct nvgpu_monitor *monitor, unsigned int vf)
{
	guard(spinlock)(&monitor->lock);
	monitor->channel_errors[vf]++;
}

/* of one message: the newest time of each VF counts, and all that has it */
static void monitor_add_sample(struct nvgpu_monitor_util *fresh,
			       const struct nvgpu_util_sample *sample)
{
	unsigned int i, vf;

	for (i = 0; i < NVGPU_UTIL_ENGINES; i++) {
		struct nvgpu_monitor_util *util;

		for (vf = 0; vf < NVGPU_MAX_VFS; vf++)
			if (sample->engine[i].pid == nvgpu_monitor_pid(vf))
				break;
		if (vf == NVGPU_MAX_VFS || sample->time < fresh[vf].time)
			continue;
		util = &fresh[vf];
		if (sample->time > util->time)
			*util = (struct nvgpu_monitor_util) { .time = sample->time };
		util->util[i] = min(util->util[i] + min(sample->engine[i].util, UTIL_FULL),
				    UTIL_FULL);
	}
}

/**
 * nvgpu_monitor_samples() - GSP-RM tells how engines were used
 * @monitor: what is known
 * @abi: of the firmware
 * @payload: of the event
 * @len: its bytes
 *
 * A message repeats what older ones have told.
 *
 * Context: process.
 * Return: 0, -EPROTO if it is not what it should be, -ENOMEM.
 */
int nvgpu_monitor_samples(struct nvgpu_monitor *monitor, const struct nvgpu_fwabi *abi,
			  const void *payload, size_t len)
{
	struct nvgpu_monitor_util *fresh __free(kfree) =
		kcalloc(NVGPU_MAX_VFS, sizeof(*fresh), GFP_KERNEL);
	struct nvgpu_util_sample sample;
	unsigned int vf;
	u32 i = 0;
	int ret;

	if (!fresh)
		return -ENOMEM;
	while ((ret = abi->vgpu->decode_utilization(payload, len, i++, &sample)) > 0)
		monitor_add_sample(fresh, &sample);
	if (ret)
		return ret;

	guard(spinlock)(&monitor->lock);
	monitor->sampled = true;
	monitor->sampled_at = jiffies;
	for (vf = 0; vf < NVGPU_MAX_VFS; vf++) {
		if (fresh[vf].time <= monitor->util[vf].time)
			continue;
		fresh[vf].at = jiffies;
		monitor->util[vf] = fresh[vf];
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_monitor_samples);
