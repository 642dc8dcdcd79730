/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_TESTS_SEED_H
#define _NVKM_VGPU_TESTS_SEED_H

#include <linux/prandom.h>

struct kunit;

/* numbers that are others each time, unless the module is told its seed; the test's log has it */
void nvgpu_seed(struct kunit *test, struct rnd_state *random);

/* below @limit, which is not 0 */
static inline u32 nvgpu_pick(struct rnd_state *random, u32 limit)
{
	return prandom_u32_state(random) % limit;
}

#endif
