// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one wait for firmware: for GSP-RM's replies, for room in its queue, for plugin tasks.
 *
 * Neither replies of GSP-RM nor answers of plugin tasks interrupt, so they are looked for: at once,
 * as many are there within microseconds, then after sleeps that double up to a bound. An engine
 * does, which ends a sleep early; one whose interrupt got lost is found all the same.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include "gsp/health.h"
#include "gsp/wait.h"

#define WAIT_MIN_US	20U	/* first sleep */
#define WAIT_MAX_US	10000U	/* and longest */
#define WAIT_HINT_MAX_US 100000U	/* of who is told */
#define WAIT_TICK_US	1000U	/* from here on somebody else's look ends it */
#define WAIT_HEALTH_MS	100	/* so often is looked after GSP-RM */

/* < 0 when the process is being killed */
static long wait_sleep(const struct nvgpu_wait *wait, unsigned int us)
{
	if (us < WAIT_TICK_US || !wait->wake) {
		usleep_range(us / 2, us);
		return wait->killable && fatal_signal_pending(current) ? -EINTR : 0;
	}
	if (wait->killable)
		return wait_for_completion_killable_timeout(wait->wake, usecs_to_jiffies(us));
	return wait_for_completion_timeout(wait->wake, usecs_to_jiffies(us));
}

/**
 * nvgpu_wait() - wait for firmware
 * @health: of GSP-RM
 * @wait: for what
 *
 * Context: process, may sleep.
 * Return: 0 when it is there; what @wait's look says; -EIO when GSP-RM is dead, or does not respond
 * and it is GSP-RM that has to answer, known within 100 ms; -EINTR when the process is being
 * killed; -ETIMEDOUT, after one more look.
 */
int nvgpu_wait(struct nvgpu_health *health, struct nvgpu_wait *wait)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(wait->timeout_ms);
	const unsigned long slice = msecs_to_jiffies(WAIT_HEALTH_MS);
	unsigned long check = jiffies + slice;
	unsigned int us = wait->hint ? WAIT_TICK_US : WAIT_MIN_US;
	bool last = false;
	long ret;

	for (;;) {
		wait->looks++;
		ret = wait->look(wait->arg);
		if (ret)
			return ret < 0 ? ret : 0;
		if (wait->patient ? nvgpu_health_is_dead(health) : nvgpu_health_error(health))
			return -EIO;
		if (last)
			return -ETIMEDOUT;
		if (time_after(jiffies, check)) {
			if (!nvgpu_health_look(health))
				return -EIO;
			check = jiffies + slice;
		}
		ret = wait_sleep(wait, us);
		if (ret > 0 && !wait->hint)
			return 0;
		if (ret < 0)
			return -EINTR;
		us = min(2 * us, wait->hint ? WAIT_HINT_MAX_US : WAIT_MAX_US);
		last = time_after(jiffies, deadline);
	}
}
