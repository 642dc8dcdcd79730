/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_TESTS_REGS_H
#define _NVKM_VGPU_TESTS_REGS_H

#include <linux/sizes.h>

struct kunit;

#define NVGPU_TEST_REGS_SIZE	SZ_2M

/* registers that are memory, all 0; NULL. They go with the test, and one has them at a time */
void __iomem *nvgpu_test_regs(struct kunit *test);

#endif
