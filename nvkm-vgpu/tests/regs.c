// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "regs.h"

static void regs_free(void *regs)
{
	kvfree(regs);
}

static void *regs_alloc(struct kunit *test)
{
	void *regs = kvzalloc(NVGPU_TEST_REGS_SIZE, GFP_KERNEL);

	return regs && !kunit_add_action_or_reset(test, regs_free, regs) ? regs : NULL;
}

#ifdef CONFIG_INDIRECT_IOMEM
#include <linux/logic_iomem.h>

/* a kernel that is a process has registers only where somebody emulates them */
#define REGS_START	0x100000000ULL

static void *regs_now;

static unsigned long regs_read(void *priv, unsigned int offset, int size)
{
	unsigned long val = 0;

	memcpy(&val, regs_now + offset, size);
	return val;
}

static void regs_write(void *priv, unsigned int offset, int size, unsigned long val)
{
	memcpy(regs_now + offset, &val, size);
}

static const struct logic_iomem_ops regs_ops = { .read = regs_read, .write = regs_write };

static long regs_map(unsigned long offset, size_t size, const struct logic_iomem_ops **ops,
		     void **priv)
{
	*ops = &regs_ops;
	return offset;
}

static const struct logic_iomem_region_ops regs_region = { .map = regs_map };

void __iomem *nvgpu_test_regs(struct kunit *test)
{
	static struct resource where = DEFINE_RES_MEM(REGS_START, NVGPU_TEST_REGS_SIZE);
	static void __iomem *mapped;

	regs_now = regs_alloc(test);
	/* there is no way to take a region away, so it stays */
	if (!mapped && !logic_iomem_add_region(&where, &regs_region))
		mapped = ioremap(REGS_START, NVGPU_TEST_REGS_SIZE);
	return regs_now ? mapped : NULL;
}
#else
void __iomem *nvgpu_test_regs(struct kunit *test)
{
	return (void __iomem __force *)regs_alloc(test);
}
#endif
