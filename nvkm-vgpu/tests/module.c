// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/random.h>

#include "seed.h"

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "Of tests that take things at random; 0, the default, is another each time");

void nvgpu_seed(struct kunit *test, struct rnd_state *random)
{
	u32 used = seed ?: get_random_u32();

	kunit_info(test, "seed %u\n", used);
	prandom_seed_state(random, used);
}

MODULE_DESCRIPTION("KUnit tests of nvkm-vgpu");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
