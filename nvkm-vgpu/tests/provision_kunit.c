// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "vgpu/events.h"
#include "vgpu/monitor.h"
#include "vgpu/pf.h"
#include "vgpu/provision.h"
#include "vgpu/state.h"
#include "vgpu/types.h"

#include "seed.h"

#define L40_1B	869
#define L40_1Q	871
#define L40_2Q	872
#define L40_8Q	876
#define L40_8A	886
#define L40_48Q	880

/* what GSP-RM in vGPU mode leaves of 48 GiB, roughly */
#define FB_SIZE	(47ULL * SZ_1G)

static void tell_nobody(struct work_struct *work)
{
}

static struct nvkm_vgpu_pf *make_pf(struct kunit *test, u64 fb_total, u64 fb_size)
{
	struct nvkm_vgpu_pf *pf = kunit_kzalloc(test, sizeof(*pf), GFP_KERNEL);
	struct nvgpu_vgpu_mgr *mgr;

	KUNIT_ASSERT_NOT_NULL(test, pf);
	/* only for its name in messages */
	pf->gpu.pdev = kunit_kzalloc(test, sizeof(*pf->gpu.pdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pf->gpu.pdev);
	/* nobody answers */
	pf->gpu.abi = &nvgpu_fwabi_r570_144;
	pf->rm.gsp = &pf->gsp;
	pf->gsp.gpu = &pf->gpu;
	pf->gsp.rpc.health = &pf->gsp.health;
	nvgpu_health_init(&pf->gsp.health, &pf->gpu, NULL);
	nvgpu_health_dead(&pf->gsp.health, "there is none in this test");

	nvgpu_scrub_init(&pf->scrub, &pf->rm, &pf->bar1);
	mgr = &pf->mgr;
	mutex_init(&mgr->lock);
	mutex_init(&mgr->changing);
	INIT_LIST_HEAD(&mgr->kept);
	INIT_WORK(&mgr->tell, tell_nobody);
	mgr->types = kunit_kcalloc(test, NVGPU_MAX_TYPES, sizeof(*mgr->types), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mgr->types);
	mgr->num_types = nvgpu_types_build(0x26b5, mgr->types, NVGPU_MAX_TYPES);
	mgr->geo = (struct nvgpu_geometry) {
		.fb_total = fb_total, .segment = SZ_128M, .num_chids = 2048,
	};
	nvgpu_fbmem_init(&mgr->fb, 0, fb_size);
	nvgpu_provision_enable(mgr);
	return pf;
}

static void free_all(void *data)
{
	struct nvkm_vgpu_pf *pf = data;

	nvgpu_provision_clear_all(pf);
	nvgpu_provision_drop_kept(pf);
	nvgpu_scrub_fini(&pf->scrub);
	cancel_work_sync(&pf->mgr.tell);
}

static int provision_test_init(struct kunit *test)
{
	test->priv = make_pf(test, 48ULL * SZ_1G, FB_SIZE);
	return kunit_add_action_or_reset(test, free_all, test->priv);
}

static void expect_nothing_used(struct kunit *test, const struct nvkm_vgpu_pf *pf)
{
	KUNIT_EXPECT_EQ(test, nvgpu_fbmem_used(&pf->mgr.fb), 0);
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(&pf->mgr.chids), 0);
}

static void provision_set_and_clear(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;

	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 0), 0);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 0), L40_8Q);
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 1), 0);
	KUNIT_EXPECT_EQ(test, nvgpu_fbmem_used(&pf->mgr.fb), 0x1e8000000 + 0x4000000);
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(&pf->mgr.chids), 256);

	/* from one type to another without a stop at none */
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_2Q));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 0), L40_2Q);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, 0));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 0), 0);
	expect_nothing_used(test, pf);
}

/* a type that cannot be had takes away the one that was there */
static void provision_unknown_type(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;

	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	KUNIT_EXPECT_EQ(test, -ENODEV, nvgpu_provision_set(pf, 0, 9999));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 0), 0);
	expect_nothing_used(test, pf);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
}

/* siblings have the same amount of framebuffer, not the same type */
static void provision_one_size(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;

	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_provision_set(pf, 1, L40_2Q));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 1), 0);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 1, L40_8A));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 2, L40_8Q));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 0), L40_8Q);

	/* the size is free again when the last one is gone */
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 1, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_provision_set(pf, 1, L40_2Q));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 2, 0));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 1, L40_2Q));
}

static void provision_all_instances(struct kunit *test)
{
	static const struct { u32 id, instances; } cases[] = {
		{ L40_1B, 32 }, { L40_1Q, 32 }, { L40_2Q, 24 }, { L40_8Q, 6 }, { L40_48Q, 1 },
	};
	struct nvkm_vgpu_pf *pf = test->priv;
	unsigned int i, vf;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (vf = 0; vf < cases[i].instances; vf++)
			KUNIT_EXPECT_EQ_MSG(test, 0, nvgpu_provision_set(pf, vf, cases[i].id),
					    "type %u, VF %u", cases[i].id, vf);
		if (vf < NVGPU_MAX_VFS)
			KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_provision_set(pf, vf, cases[i].id));
		for (vf = 0; vf < cases[i].instances; vf++)
			KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, vf, 0));
		expect_nothing_used(test, pf);
	}
}

/* a place in the middle is found again */
static void provision_reuses_places(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	const struct nvgpu_placement *place;
	unsigned int vf;

	for (vf = 0; vf < 4; vf++)
		KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, vf, L40_8Q));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 1, 0));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 9, L40_8Q));

	place = &pf->mgr.vf[9].rsv->place;
	KUNIT_EXPECT_EQ(test, place->id, 8);
	KUNIT_EXPECT_EQ(test, place->fb_start, 0x1e8000000);
	KUNIT_EXPECT_EQ(test, place->chid_start, 2048 - 2 * 256);
	KUNIT_EXPECT_EQ(test, pf->mgr.vf[9].rsv->gfid, 10);
}

static void provision_no_framebuffer(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = make_pf(test, 48ULL * SZ_1G, 15ULL * SZ_1G + SZ_256M);

	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_all, pf));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_provision_set(pf, 1, L40_8Q));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 1), 0);
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 0), L40_8Q);
	KUNIT_EXPECT_EQ(test, nvgpu_fbmem_used(&pf->mgr.fb), 0x1e8000000 + 0x4000000);
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(&pf->mgr.chids), 256);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 1, L40_8Q));
}

/* what it got before there was no more is given back */
static void provision_half_done(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	struct nvgpu_fb_block rest = {};

	KUNIT_ASSERT_EQ(test, 0, nvgpu_chids_reserve(&pf->mgr.chids, 0, NVGPU_MAX_CHANNELS));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_provision_set(pf, 0, L40_8Q));
	nvgpu_chids_release(&pf->mgr.chids, 0, NVGPU_MAX_CHANNELS);
	expect_nothing_used(test, pf);

	/* room for one guest, but not for its heap */
	KUNIT_ASSERT_EQ(test, 0, nvgpu_fbmem_reserve(&pf->mgr.fb, &rest, 0x1e8000000,
						     FB_SIZE - 0x1e8000000));
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_provision_set(pf, 0, L40_8Q));
	nvgpu_fbmem_free(&rest);
	expect_nothing_used(test, pf);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
}

static void provision_creatable(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	const struct nvgpu_type *types[NVGPU_MAX_TYPES];
	unsigned int vf;

	KUNIT_EXPECT_EQ(test, nvgpu_provision_creatable(pf, 0, types), 22);
	KUNIT_EXPECT_EQ(test, types[0]->id, 869);
	KUNIT_EXPECT_EQ(test, types[21]->id, 890);
	expect_nothing_used(test, pf);

	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_creatable(pf, 0, types), 0);
	KUNIT_ASSERT_EQ(test, nvgpu_provision_creatable(pf, 1, types), 2);
	KUNIT_EXPECT_EQ(test, types[0]->id, L40_8Q);
	KUNIT_EXPECT_EQ(test, types[1]->id, L40_8A);

	for (vf = 1; vf < 6; vf++)
		KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, vf, L40_8Q));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_creatable(pf, 6, types), 0);
}

/* guests of the B and A series do not see ECC, and bear it as all do */
static void provision_ecc(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	const struct nvgpu_type *types[NVGPU_MAX_TYPES];

	pf->mgr.geo.ecc = true;
	KUNIT_EXPECT_EQ(test, nvgpu_provision_creatable(pf, 0, types), pf->mgr.num_types);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_1B));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 1, L40_1Q));
}

static void provision_open(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	const struct nvgpu_reservation *rsv;
	struct nvgpu_params params;
	char on[] = "enable_uvm=1";

	KUNIT_EXPECT_EQ(test, -ENODEV, PTR_ERR(nvgpu_provision_claim(pf, 3, &params)));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 3, L40_8Q));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_add_params(pf, 3, on));
	rsv = nvgpu_provision_claim(pf, 3, &params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rsv);
	KUNIT_EXPECT_EQ(test, rsv->gfid, 4);
	KUNIT_EXPECT_EQ(test, rsv->type->id, L40_8Q);
	KUNIT_EXPECT_TRUE(test, nvgpu_params_get(&params, NVGPU_PARAM_ENABLE_UVM));

	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR(nvgpu_provision_claim(pf, 3, &params)));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_set(pf, 3, L40_2Q));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_set(pf, 3, 0));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_add_params(pf, 3, on));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 3), L40_8Q);

	KUNIT_EXPECT_TRUE(test, nvgpu_vf_move(pf, 3, NVGPU_VF_RUNNING));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_set(pf, 3, 0));
	KUNIT_EXPECT_TRUE(test, nvgpu_vf_move(pf, 3, NVGPU_VF_STOPPING));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_set(pf, 3, 0));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_add_params(pf, 3, on));
	nvgpu_provision_release(pf, 3, NULL);
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 3), L40_8Q);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 3, 0));
	expect_nothing_used(test, pf);
}

/* RC_TRIGGERED of channel @chid: 535.113.01 does not say whose that is */
static u32 stopped_by(struct nvkm_vgpu_pf *pf, const struct nvgpu_fwabi *abi, u32 chid, u32 gfid)
{
	__le32 msg[12] = { cpu_to_le32(1), cpu_to_le32(chid), cpu_to_le32(gfid) };
	struct nvgpu_event event = {};

	if (abi->decode_event(0x1004, msg, sizeof(msg), &event))
		return U32_MAX;
	return nvgpu_vgpu_event(&pf->gsp.events, &event, msg, sizeof(msg));
}

static void provision_whose_channel(struct kunit *test)
{
	const struct nvgpu_fwabi *old = &nvgpu_fwabi_r535_113_01, *new = &nvgpu_fwabi_r570_144;
	struct nvkm_vgpu_pf *pf = test->priv;
	const struct nvgpu_reservation *rsv;
	struct nvgpu_params params;
	u32 first, last;

	nvgpu_monitor_init(&pf->monitor, &pf->rm);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 3, L40_8Q));
	first = pf->mgr.vf[3].rsv->place.chid_start;
	last = first + pf->mgr.vf[3].rsv->place.num_chids - 1;
	/* nobody uses it */
	KUNIT_EXPECT_EQ(test, 0, stopped_by(pf, old, first, 0));
	rsv = nvgpu_provision_claim(pf, 3, &params);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rsv);
	KUNIT_EXPECT_TRUE(test, nvgpu_vf_move(pf, 3, NVGPU_VF_RUNNING));

	KUNIT_EXPECT_EQ(test, 4, stopped_by(pf, old, first, 0));
	KUNIT_EXPECT_EQ(test, 4, stopped_by(pf, old, last, 0));
	KUNIT_EXPECT_EQ(test, 0, stopped_by(pf, old, last + 1, 0));
	KUNIT_EXPECT_EQ(test, 0, stopped_by(pf, old, U32_MAX, 0));
	KUNIT_EXPECT_EQ(test, 4, stopped_by(pf, new, 0, 4));
	KUNIT_EXPECT_EQ(test, 0, stopped_by(pf, new, first, 0));
	KUNIT_EXPECT_EQ(test, NVGPU_MAX_VFS, stopped_by(pf, new, 0, NVGPU_MAX_VFS));
	KUNIT_EXPECT_EQ(test, 0, stopped_by(pf, new, 0, NVGPU_MAX_VFS + 1));
	KUNIT_EXPECT_EQ(test, 3, nvgpu_monitor_channel_errors(&pf->monitor, 3));

	KUNIT_EXPECT_TRUE(test, nvgpu_vf_move(pf, 3, NVGPU_VF_STOPPING));
	nvgpu_provision_release(pf, 3, NULL);
	nvgpu_monitor_fini(&pf->monitor);
}

/* the host sleeps, and the GPU is reset meanwhile */
static void provision_held(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	struct nvgpu_params params;
	u32 open = 0;

	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 3, L40_8Q));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_hold(pf, NVGPU_HOLD_SLEEP, &open));
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_hold(pf, NVGPU_HOLD_LOAD, &open));
	nvgpu_provision_unhold(pf, NVGPU_HOLD_SLEEP);
	KUNIT_EXPECT_EQ(test, -EBUSY, PTR_ERR(nvgpu_provision_claim(pf, 3, &params)));
	nvgpu_provision_unhold(pf, NVGPU_HOLD_LOAD);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, nvgpu_provision_claim(pf, 3, &params));

	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_hold(pf, NVGPU_HOLD_LOAD, &open));
	KUNIT_EXPECT_EQ(test, open, 4);
	KUNIT_EXPECT_TRUE(test, nvgpu_vf_move(pf, 3, NVGPU_VF_STOPPING));
	nvgpu_provision_release(pf, 3, NULL);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 3, 0));
	expect_nothing_used(test, pf);
}

/* GSP-RM is being told of the mode, which holds no lock */
static void provision_mode_changes(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;

	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 3, L40_8Q));
	pf->mgr.mode = NVGPU_MODE_CHANGING;
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_set(pf, 3, 0));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_set(pf, 2, L40_8Q));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_set_mode(pf, true));
	pf->mgr.mode = NVGPU_MODE_EQUAL;
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 3), L40_8Q);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 3, 0));
	expect_nothing_used(test, pf);
}

static void provision_disabled(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	const struct nvgpu_type *types[NVGPU_MAX_TYPES];
	struct nvgpu_params params;

	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, nvgpu_provision_claim(pf, 0, &params));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_disable(&pf->mgr, false));
	/* it stayed open */
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 1, L40_8Q));
	KUNIT_EXPECT_TRUE(test, nvgpu_vf_move(pf, 0, NVGPU_VF_STOPPING));
	nvgpu_provision_release(pf, 0, NULL);

	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_disable(&pf->mgr, false));
	KUNIT_EXPECT_EQ(test, -ENODEV, PTR_ERR(nvgpu_provision_claim(pf, 0, &params)));
	KUNIT_EXPECT_EQ(test, -ENODEV, nvgpu_provision_set(pf, 2, L40_8Q));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_creatable(pf, 2, types), 0);
	nvgpu_provision_clear_all(pf);
	expect_nothing_used(test, pf);

	nvgpu_provision_enable(&pf->mgr);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_2Q));
}

/* what GSP-RM did not let go of goes to nobody else */
static void provision_kept(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	const struct nvgpu_type *types[NVGPU_MAX_TYPES];
	struct nvgpu_params params;
	unsigned int vf;

	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, nvgpu_provision_claim(pf, 0, &params));
	KUNIT_EXPECT_TRUE(test, nvgpu_vf_move(pf, 0, NVGPU_VF_STOPPING));
	nvgpu_provision_release(pf, 0, &(const struct nvgpu_rm_client){});
	KUNIT_EXPECT_EQ(test, nvgpu_vf_state(pf, 0), NVGPU_VF_KEPT);
	KUNIT_EXPECT_EQ(test, nvgpu_provision_get(pf, 0), 0);
	/* it is asked for once more, and GSP-RM has still nothing to say */
	KUNIT_EXPECT_EQ(test, -EIO, nvgpu_provision_set(pf, 0, L40_8Q));
	/* GSP-RM may still run one of that size */
	KUNIT_EXPECT_EQ(test, -EINVAL, nvgpu_provision_set(pf, 1, L40_2Q));
	KUNIT_EXPECT_EQ(test, nvgpu_provision_creatable(pf, 0, types), 0);
	KUNIT_EXPECT_EQ(test, nvgpu_chids_used(&pf->mgr.chids), 256);

	for (vf = 1; vf < 6; vf++)
		KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, vf, L40_8Q));
	KUNIT_EXPECT_EQ(test, pf->mgr.vf[1].rsv->place.id, 8);
	KUNIT_EXPECT_EQ(test, -ENOSPC, nvgpu_provision_set(pf, 6, L40_8Q));

	nvgpu_provision_drop_kept(pf);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 6, L40_8Q));
	KUNIT_EXPECT_EQ(test, pf->mgr.vf[6].rsv->place.id, 0);
}

static int add_params(struct nvkm_vgpu_pf *pf, const char *text)
{
	char copy[128];

	strscpy(copy, text, sizeof(copy));
	return nvgpu_provision_add_params(pf, 0, copy);
}

static void expect_params(struct kunit *test, const char *want)
{
	char *page = (char *)__get_free_page(GFP_KERNEL);
	struct nvgpu_params params;

	KUNIT_ASSERT_NOT_NULL(test, page);
	nvgpu_provision_get_params(test->priv, 0, &params);
	nvgpu_params_emit(page, &params);
	KUNIT_EXPECT_STREQ(test, page, want);
	free_page((unsigned long)page);
}

static void provision_params(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	struct nvgpu_params params;

	KUNIT_EXPECT_EQ(test, -ENODEV, add_params(pf, "enable_uvm=1"));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	expect_params(test, "\n");
	KUNIT_EXPECT_EQ(test, 0, add_params(pf, "enable_uvm=1, disable_vnc=1\n"));
	KUNIT_EXPECT_EQ(test, 0, add_params(pf, "enable_profiling=1"));
	KUNIT_EXPECT_EQ(test, 0, add_params(pf, "disable_vnc=0"));
	expect_params(test, "disable_vnc=0, enable_uvm=1, enable_profiling=1\n");
	nvgpu_provision_get_params(pf, 0, &params);
	KUNIT_EXPECT_TRUE(test, nvgpu_params_get(&params, NVGPU_PARAM_ENABLE_UVM));
	KUNIT_EXPECT_FALSE(test, nvgpu_params_get(&params, NVGPU_PARAM_DISABLE_VNC));
	KUNIT_EXPECT_TRUE(test, nvgpu_params_get(&params, NVGPU_PARAM_FRAME_RATE_LIMITER));

	/* what is refused changes nothing, and nothing else is refused for it */
	KUNIT_EXPECT_EQ(test, -EINVAL, add_params(pf, "colour=green"));
	KUNIT_EXPECT_EQ(test, -EINVAL, add_params(pf, "enable_uvm"));
	KUNIT_EXPECT_EQ(test, -EINVAL, add_params(pf, "enable_uvm=maybe"));
	KUNIT_EXPECT_EQ(test, -EINVAL, add_params(pf, "enable_uv=0"));
	KUNIT_EXPECT_EQ(test, -EINVAL, add_params(pf, "enable_uvm2=0"));
	KUNIT_EXPECT_EQ(test, -EINVAL, add_params(pf, "disable_vnc=0,,"));
	KUNIT_EXPECT_EQ(test, -EINVAL, add_params(pf, "vgpu-placement-id=x"));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, add_params(pf, "enable_debugging=1"));
	expect_params(test, "disable_vnc=0, enable_uvm=1, enable_profiling=1\n");
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			add_params(pf, "frame_rate_limiter=0, colour=green, disable_vnc=1"));
	expect_params(test, "disable_vnc=1, enable_uvm=1, enable_profiling=1\n");

	/* the type that it has is no new one */
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	expect_params(test, "disable_vnc=1, enable_uvm=1, enable_profiling=1\n");

	/* a single space clears all, as the product's guide says */
	KUNIT_EXPECT_EQ(test, 0, add_params(pf, " "));
	expect_params(test, "\n");

	/* and they go with the type */
	KUNIT_EXPECT_EQ(test, 0, add_params(pf, "frame_rate_limiter=1, enable_debugging=0"));
	expect_params(test, "frame_rate_limiter=1, enable_debugging=0\n");
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set(pf, 0, 0));
	expect_params(test, "\n");
}

static void make_mixed(struct kunit *test, struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;

	KUNIT_ASSERT_EQ(test, 0,
			nvgpu_mixed_init(&mgr->mixed, &mgr->geo, mgr->types, mgr->num_types));
	mgr->mode = NVGPU_MODE_MIXED;
}

static void provision_mixed(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	struct nvgpu_placement *place;

	/* GSP-RM, who does not answer, has the last word */
	KUNIT_EXPECT_GT(test, 0, nvgpu_provision_set_mode(pf, true));
	KUNIT_EXPECT_EQ(test, pf->mgr.mode, NVGPU_MODE_EQUAL);
	KUNIT_EXPECT_EQ(test, 0, nvgpu_provision_set_mode(pf, false));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_set_mode(pf, true));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, add_params(pf, "vgpu-placement-id=16, enable_uvm=1"));
	expect_params(test, "enable_uvm=1\n");
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 0, 0));

	make_mixed(test, pf);
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 0, L40_8Q));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 1, L40_1Q));
	place = &pf->mgr.vf[0].rsv->place;
	KUNIT_EXPECT_EQ(test, place->id, 0);
	KUNIT_EXPECT_EQ(test, pf->mgr.vf[0].rsv->heap.start, place->heap_start);
	KUNIT_EXPECT_EQ(test, pf->mgr.vf[1].rsv->place.id, 11);
	KUNIT_EXPECT_EQ(test, -EBUSY, nvgpu_provision_set_mode(pf, false));

	/* it moves, or stays where it is */
	KUNIT_EXPECT_EQ(test, 0, add_params(pf, "vgpu-placement-id=16"));
	KUNIT_EXPECT_EQ(test, place->id, 16);
	expect_params(test, "vgpu-placement-id=16\n");
	KUNIT_EXPECT_EQ(test, -EINVAL, add_params(pf, "vgpu-placement-id=8, disable_vnc=1"));
	KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, 2, L40_2Q));
	KUNIT_EXPECT_EQ(test, pf->mgr.vf[2].rsv->place.id, 0);
	KUNIT_EXPECT_EQ(test, -ENOSPC, add_params(pf, "vgpu-placement-id=0"));
	KUNIT_EXPECT_EQ(test, place->id, 16);
	expect_params(test, "disable_vnc=1, vgpu-placement-id=16\n");
	KUNIT_EXPECT_EQ(test, 0, add_params(pf, " "));
	KUNIT_EXPECT_EQ(test, place->id, 16);
}

/* the product's guide, appendix on placement ids */
static const struct {
	u32 gib;
	u64 ids;
} mixed_ids[] = {
#define IDS(a, b, c, d) (BIT_ULL(a) | BIT_ULL(b) | BIT_ULL(c) | BIT_ULL(d))
	{ 1, IDS(0, 5, 6, 11) | IDS(12, 17, 18, 23) | IDS(24, 29, 30, 35) | IDS(36, 41, 42, 47) },
	{ 2, IDS(0, 4, 6, 10) | IDS(12, 16, 18, 22) | IDS(24, 28, 30, 34) | IDS(36, 40, 42, 46) },
	{ 3, IDS(0, 3, 6, 9) | IDS(12, 15, 18, 21) | IDS(24, 27, 30, 33) | IDS(36, 39, 42, 45) },
	{ 4, IDS(0, 8, 12, 20) | IDS(24, 32, 36, 44) },
	{ 6, IDS(0, 6, 12, 18) | IDS(24, 30, 36, 42) },
	{ 8, IDS(0, 16, 24, 40) },
	{ 12, IDS(0, 12, 24, 36) },
	{ 16, BIT_ULL(0) | BIT_ULL(32) },
	{ 24, BIT_ULL(0) | BIT_ULL(24) },
	{ 48, BIT_ULL(0) },
};

/* ids at which that many GiB are free, @used has a bit a GiB */
static u64 oracle_ids(u64 used, u32 gib)
{
	u64 ids = 0;
	unsigned int i, id;

	for (i = 0; mixed_ids[i].gib != gib; i++)
		;
	for (id = 0; id < 48; id++)
		if (mixed_ids[i].ids & BIT_ULL(id) && !(used & GENMASK_ULL(id + gib - 1, id)))
			ids |= BIT_ULL(id);
	return ids;
}

static u32 gib_of(const struct nvgpu_type *type)
{
	return type->profile_size / SZ_1G;
}

static void expect_creatable(struct kunit *test, struct nvkm_vgpu_pf *pf, unsigned int vf, u64 used)
{
	const struct nvgpu_type *types[NVGPU_MAX_TYPES];
	unsigned int i, n, at = 0;

	n = nvgpu_provision_creatable(pf, vf, types);
	for (i = 0; i < pf->mgr.num_types; i++) {
		const struct nvgpu_type *type = &pf->mgr.types[i];
		bool listed = at < n && types[at] == type;

		KUNIT_ASSERT_EQ_MSG(test, listed, !!oracle_ids(used, gib_of(type)),
				    "%s, used %#llx", type->name, used);
		at += listed;
	}
}

#define RANDOM_STEPS	100000

/*
 * Whatever comes and goes, what fits by the rule can be had. Nothing overlaps, in framebuffer and
 * in channels, as the allocators would refuse it.
 */
static void provision_mixed_random(struct kunit *test)
{
	struct nvkm_vgpu_pf *pf = test->priv;
	const struct nvgpu_type *type;
	unsigned int step, vf, made = 0;
	struct rnd_state random;
	u64 used = 0, ids, bits;

	nvgpu_seed(test, &random);
	make_mixed(test, pf);
	for (step = 0; step < RANDOM_STEPS; step++) {
		vf = prandom_u32_state(&random) % NVGPU_MAX_VFS;
		if (pf->mgr.vf[vf].rsv) {
			type = pf->mgr.vf[vf].rsv->type;
			used &= ~(GENMASK_ULL(gib_of(type) - 1, 0) << pf->mgr.vf[vf].rsv->place.id);
			KUNIT_ASSERT_EQ(test, 0, nvgpu_provision_set(pf, vf, 0));
			continue;
		}
		if (step % 32 == 0)
			expect_creatable(test, pf, vf, used);
		type = &pf->mgr.types[prandom_u32_state(&random) % pf->mgr.num_types];
		ids = oracle_ids(used, gib_of(type));
		if (!ids)
			continue;
		KUNIT_ASSERT_EQ_MSG(test, 0, nvgpu_provision_set(pf, vf, type->id),
				    "%s, used %#llx", type->name, used);
		KUNIT_ASSERT_TRUE(test, ids & BIT_ULL(pf->mgr.vf[vf].rsv->place.id));
		bits = GENMASK_ULL(gib_of(type) - 1, 0) << pf->mgr.vf[vf].rsv->place.id;
		KUNIT_ASSERT_EQ(test, used & bits, 0);
		used |= bits;
		made++;
	}
	KUNIT_EXPECT_GT(test, made, RANDOM_STEPS / 10);
	nvgpu_provision_clear_all(pf);
	expect_nothing_used(test, pf);
}

/* what may follow what: the picture in vgpu/pf.h, line by line */
static void provision_states(struct kunit *test)
{
	static const unsigned int next[] = {
		[NVGPU_VF_FREE] = BIT(NVGPU_VF_FREE) | BIT(NVGPU_VF_TYPED),
		[NVGPU_VF_TYPED] = BIT(NVGPU_VF_FREE) | BIT(NVGPU_VF_BOOTING) |
				   BIT(NVGPU_VF_STOPPING),
		[NVGPU_VF_BOOTING] = BIT(NVGPU_VF_RUNNING) | BIT(NVGPU_VF_FAILED) |
				     BIT(NVGPU_VF_STOPPING),
		[NVGPU_VF_RUNNING] = BIT(NVGPU_VF_RESETTING) | BIT(NVGPU_VF_FAILED) |
				     BIT(NVGPU_VF_STOPPING),
		[NVGPU_VF_RESETTING] = BIT(NVGPU_VF_RUNNING) | BIT(NVGPU_VF_FAILED) |
				       BIT(NVGPU_VF_STOPPING),
		[NVGPU_VF_FAILED] = BIT(NVGPU_VF_STOPPING),
		[NVGPU_VF_STOPPING] = BIT(NVGPU_VF_FREE) | BIT(NVGPU_VF_TYPED) |
				      BIT(NVGPU_VF_KEPT),
		[NVGPU_VF_KEPT] = BIT(NVGPU_VF_STOPPING) | BIT(NVGPU_VF_FREE),
	};
	struct nvkm_vgpu_pf *pf = test->priv;
	unsigned int from, to;

	for (from = 0; from < ARRAY_SIZE(next); from++) {
		for (to = 0; to < ARRAY_SIZE(next); to++) {
			bool may = next[from] & BIT(to);

			pf->mgr.vf[7].state = from;
			KUNIT_EXPECT_EQ_MSG(test, nvgpu_vf_move(pf, 7, to), may, "%s to %s",
					    nvgpu_vf_state_name(from), nvgpu_vf_state_name(to));
			KUNIT_EXPECT_EQ(test, nvgpu_vf_state(pf, 7), may ? to : from);
		}
	}
	pf->mgr.vf[7].state = NVGPU_VF_FREE;
}

static struct kunit_case provision_test_cases[] = {
	KUNIT_CASE(provision_set_and_clear),
	KUNIT_CASE(provision_unknown_type),
	KUNIT_CASE(provision_one_size),
	KUNIT_CASE(provision_all_instances),
	KUNIT_CASE(provision_reuses_places),
	KUNIT_CASE(provision_no_framebuffer),
	KUNIT_CASE(provision_half_done),
	KUNIT_CASE(provision_creatable),
	KUNIT_CASE(provision_ecc),
	KUNIT_CASE(provision_states),
	KUNIT_CASE(provision_open),
	KUNIT_CASE(provision_whose_channel),
	KUNIT_CASE(provision_held),
	KUNIT_CASE(provision_mode_changes),
	KUNIT_CASE(provision_disabled),
	KUNIT_CASE(provision_kept),
	KUNIT_CASE(provision_params),
	KUNIT_CASE(provision_mixed),
	KUNIT_CASE_SLOW(provision_mixed_random),
	{}
};

static struct kunit_suite provision_suite = {
	.name = "nvkm_vgpu_provision",
	.init = provision_test_init,
	.test_cases = provision_test_cases,
};

kunit_test_suite(provision_suite);
