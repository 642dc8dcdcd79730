// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds a range of physical addresses under the name of a firmware's framebuffer.
 *
 * That is what a driver meets on a board whose BAR1 the machine's firmware draws
 * its boot screen into.
 */
#include <linux/ioport.h>
#include <linux/module.h>

static unsigned long long start;
module_param(start, ullong, 0444);
MODULE_PARM_DESC(start, "first address");

static unsigned long size = 0x300000;
module_param(size, ulong, 0444);
MODULE_PARM_DESC(size, "bytes");

static int __init hold_init(void)
{
	return request_mem_region(start, size, "efifb") ? 0 : -EBUSY;
}

static void __exit hold_exit(void)
{
	release_mem_region(start, size);
}

module_init(hold_init);
module_exit(hold_exit);
MODULE_DESCRIPTION("holds a BAR as efifb does");
MODULE_LICENSE("GPL");
