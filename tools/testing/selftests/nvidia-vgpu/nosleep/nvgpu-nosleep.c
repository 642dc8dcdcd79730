// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets usleep_range() return at once to callers from an area of code.
 *
 * A driver that limits a wait by counting polls with the shortest of sleeps
 * between waits for minutes where a sleep is not that short, as on a machine
 * that is emulated. It does what it would have done, only sooner.
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/sched.h>

static unsigned long from;
module_param(from, ulong, 0444);
MODULE_PARM_DESC(from, "start of the code, such as /sys/module/NAME/sections/.text");

static unsigned long size;
module_param(size, ulong, 0444);
MODULE_PARM_DESC(size, "bytes of code");

static void no_sleep(unsigned long min, unsigned long max, unsigned int state)
{
	cond_resched();
}

static void notrace enter(unsigned long ip, unsigned long parent_ip,
			  struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	if (parent_ip - from < size)
		ftrace_regs_set_instruction_pointer(fregs, (unsigned long)no_sleep);
}

static struct ftrace_ops nosleep_ops = {
	.func = enter,
	.flags = FTRACE_OPS_FL_IPMODIFY,
};

static int __init nosleep_init(void)
{
	char sleeper[] = "usleep_range_state";
	int ret;

	ret = ftrace_set_filter(&nosleep_ops, sleeper, strlen(sleeper), 1);
	if (ret)
		return ret;
	return register_ftrace_function(&nosleep_ops);
}

static void __exit nosleep_exit(void)
{
	unregister_ftrace_function(&nosleep_ops);
}

module_init(nosleep_init);
module_exit(nosleep_exit);
MODULE_DESCRIPTION("shortens the waits of a driver under test");
MODULE_LICENSE("GPL");
