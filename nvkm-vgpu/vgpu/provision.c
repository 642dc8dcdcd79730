// SPDX-License-Identifier: GPL-2.0-only
/*
 * Types of VFs.
 *
 * Giving a VF a type reserves all that its vGPU will have of the GPU: framebuffer of the guest and
 * of its plugin task, channels, placement. So what fits is decided once, where an operator sees the
 * answer, and opening the VF cannot fail for want of it. GSP-RM hears of a vGPU only when it is
 * opened.
 */

#include <kunit/visibility.h>
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/math64.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vgpu/pf.h"
#include "vgpu/provision.h"
#include "vgpu/state.h"
#include "vgpu/task.h"

/* PTEs of the CPU's aperture cover as much */
#define HEAP_ALIGN	SZ_2M

/* GiB of a placement region, more than any board has */
#define MAX_SLOTS	128

static const struct nvgpu_type *provision_find_type(const struct nvgpu_vgpu_mgr *mgr, u32 id)
{
	unsigned int i;

	for (i = 0; i < mgr->num_types; i++)
		if (mgr->types[i].id == id)
			return &mgr->types[i];
	return NULL;
}

static void provision_unreserve(struct nvgpu_vgpu_mgr *mgr, struct nvgpu_reservation *rsv)
	__must_hold(&mgr->lock)
{
	lockdep_assert_held(&mgr->lock);

	nvgpu_fbmem_free(&rsv->heap);
	nvgpu_chids_release(&mgr->chids, rsv->place.chid_start, rsv->place.num_chids);
	nvgpu_fbmem_free(&rsv->fb);
}

static void provision_take_slots(unsigned long *used, const struct nvgpu_reservation *rsv)
{
	bitmap_set(used, rsv->place.id, (u32)div_u64(rsv->type->profile_size, SZ_1G));
}

/* of the placement region, a bit a GiB; @but: what is about to be moved */
static void provision_find_slots(const struct nvgpu_vgpu_mgr *mgr, unsigned long *used,
				 const struct nvgpu_reservation *but)
	__must_hold(&mgr->lock)
{
	const struct nvgpu_reservation *rsv;
	unsigned int i;

	bitmap_zero(used, MAX_SLOTS);
	for (i = 0; i < NVGPU_MAX_VFS; i++) {
		rsv = mgr->vf[i].rsv;
		if (rsv && rsv != but)
			provision_take_slots(used, rsv);
	}
	list_for_each_entry(rsv, &mgr->kept, node)
		provision_take_slots(used, rsv);
}

/* who would not collide in framebuffer here may do so on another host */
static bool provision_is_taken(const unsigned long *used, const struct nvgpu_reservation *rsv)
{
	u32 end = rsv->place.id + (u32)div_u64(rsv->type->profile_size, SZ_1G);

	return find_next_bit(used, end, rsv->place.id) < end;
}

static int provision_find_place(const struct nvgpu_vgpu_mgr *mgr, struct nvgpu_reservation *rsv,
				unsigned int index)
	__must_hold(&mgr->lock)
{
	if (mgr->mode == NVGPU_MODE_EQUAL)
		return nvgpu_place_homogeneous(&mgr->geo, rsv->type, index, &rsv->place);
	return nvgpu_place_mixed(&mgr->geo, &mgr->mixed, rsv->type, index, &rsv->place);
}

static int provision_reserve_heap(struct nvgpu_vgpu_mgr *mgr, struct nvgpu_reservation *rsv)
	__must_hold(&mgr->lock)
{
	u64 size = rsv->type->heap_size;

	if (rsv->place.heap_start != NVGPU_ANYWHERE)
		return nvgpu_fbmem_reserve(&mgr->fb, &rsv->heap, rsv->place.heap_start, size);
	return nvgpu_fbmem_alloc_top(&mgr->fb, &rsv->heap, size, HEAP_ALIGN);
}

static int provision_reserve_place(struct nvgpu_vgpu_mgr *mgr, struct nvgpu_reservation *rsv)
	__must_hold(&mgr->lock)
{
	struct nvgpu_placement *place = &rsv->place;
	int ret;

	ret = nvgpu_fbmem_reserve(&mgr->fb, &rsv->fb, place->fb_start, place->fb_size);
	if (ret)
		return ret;
	ret = nvgpu_chids_reserve(&mgr->chids, place->chid_start, place->num_chids);
	if (ret)
		goto err_fb;
	ret = provision_reserve_heap(mgr, rsv);
	if (ret)
		goto err_chids;
	return 0;

err_chids:
	nvgpu_chids_release(&mgr->chids, place->chid_start, place->num_chids);
err_fb:
	nvgpu_fbmem_free(&rsv->fb);
	return ret;
}

/*
 * The first place that is free; @id: or that one. -EINVAL if there is none with that id, -ENOSPC
 * if it is not free.
 */
static int provision_reserve(struct nvgpu_vgpu_mgr *mgr, struct nvgpu_reservation *rsv, u32 id)
	__must_hold(&mgr->lock)
{
	int ret = id == NVGPU_ANY_PLACEMENT ? -ENOSPC : -EINVAL;
	DECLARE_BITMAP(used, MAX_SLOTS);
	unsigned int index;

	lockdep_assert_held(&mgr->lock);

	provision_find_slots(mgr, used, rsv);

	for (index = 0; index < rsv->type->max_instance; index++) {
		if (provision_find_place(mgr, rsv, index) ||
		    (id != NVGPU_ANY_PLACEMENT && rsv->place.id != id))
			continue;
		ret = provision_is_taken(used, rsv) ? -ENOSPC : provision_reserve_place(mgr, rsv);
		if (!ret)
			return 0;
	}
	return ret;
}

/* in equal-size mode all vGPUs of a GPU have one size of framebuffer, whatever their series */
static bool provision_fits_siblings(const struct nvgpu_vgpu_mgr *mgr, const struct nvgpu_type *type)
	__must_hold(&mgr->lock)
{
	const struct nvgpu_reservation *rsv;
	unsigned int i;

	lockdep_assert_held(&mgr->lock);

	if (mgr->mode == NVGPU_MODE_MIXED)
		return true;
	for (i = 0; i < NVGPU_MAX_VFS; i++) {
		rsv = mgr->vf[i].rsv;
		if (rsv && rsv->type->profile_size != type->profile_size)
			return false;
	}
	/* GSP-RM may still have them */
	list_for_each_entry(rsv, &mgr->kept, node)
		if (rsv->type->profile_size != type->profile_size)
			return false;
	return true;
}

/**
 * nvgpu_provision_get() - type of a VF
 * @pf: the GPU
 * @vf: index of the VF
 *
 * Return: the type's id, 0 if it has none.
 */
u32 nvgpu_provision_get(struct nvkm_vgpu_pf *pf, unsigned int vf)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	const struct nvgpu_reservation *rsv;

	guard(mutex)(&mgr->lock);
	rsv = nvgpu_vf_get(mgr, vf)->rsv;
	return rsv ? rsv->type->id : 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_get);

static void provision_clear_type(struct nvkm_vgpu_pf *pf, unsigned int vf)
	__must_hold(&pf->mgr.lock)
{
	struct nvgpu_vf *state = nvgpu_vf_get(&pf->mgr, vf);

	if (state->rsv) {
		provision_unreserve(&pf->mgr, state->rsv);
		kfree(state->rsv);
		state->rsv = NULL;
		nvgpu_vf_move_locked(pf, vf, NVGPU_VF_FREE);
	}
	memset(&state->params, 0, sizeof(state->params));
}

static int provision_set_type(struct nvkm_vgpu_pf *pf, struct nvgpu_vf *state, unsigned int vf,
			      u32 id)
	__must_hold(&pf->mgr.lock)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct device *dev = &pf->gpu.pdev->dev;
	const struct nvgpu_type *type;
	struct nvgpu_reservation *rsv;
	int ret;

	lockdep_assert_held(&mgr->lock);

	if (state->state == NVGPU_VF_KEPT) {
		dev_notice(dev, "VF %u: GSP-RM still holds its last vGPU\n", vf);
		return -EIO;
	}

	type = provision_find_type(mgr, id);
	if (!type) {
		dev_notice(dev, "VF %u: no vGPU type %u\n", vf, id);
		return -ENODEV;
	}
	if (!provision_fits_siblings(mgr, type)) {
		dev_notice(dev, "VF %u: %s differs in size from the other vGPUs\n", vf, type->name);
		return -EINVAL;
	}

	rsv = kzalloc_obj(*rsv);
	if (!rsv)
		return -ENOMEM;
	rsv->type = type;
	rsv->gfid = vf + 1;
	uuid_gen(&rsv->uuid);

	ret = provision_reserve(mgr, rsv, NVGPU_ANY_PLACEMENT);
	if (ret) {
		dev_notice(dev, "VF %u: no room for another %s\n", vf, type->name);
		kfree(rsv);
		return ret;
	}
	nvgpu_scrub_job_init(&rsv->scrub, rsv->gfid, &rsv->fb, &rsv->heap);
	state->rsv = rsv;
	nvgpu_vf_move_locked(pf, vf, NVGPU_VF_TYPED);
	return 0;
}

/* nobody has it open any more, and nothing of it is with GSP-RM */
static void provision_take_back(struct nvkm_vgpu_pf *pf, struct nvgpu_reservation *rsv)
{
	nvgpu_scrub_take_back(&pf->scrub, &rsv->scrub, rsv->place.chid_start,
			      rsv->place.num_chids);
}

/* what its last user left, on its way to others; who fails is told, and they are safe without */
static void provision_scrub(struct nvkm_vgpu_pf *pf, struct nvgpu_reservation *rsv)
{
	if (nvgpu_scrub_is_due(&pf->scrub, &rsv->scrub))
		nvgpu_scrub_queue(&pf->scrub, &rsv->scrub, NVGPU_SCRUB_BLOCKS);
	/* the engine must be through with it; each launch is bounded, and so is their number */
	while (nvgpu_scrub_is_busy(&pf->scrub, &rsv->scrub))
		nvgpu_scrub_wait(&pf->scrub, &rsv->scrub, false);
}

/* STOPPING keeps the VF from being opened, and its reservation, while it is cleared */
static void provision_settle(struct nvkm_vgpu_pf *pf, unsigned int vf)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_reservation *rsv;

	scoped_guard(mutex, &mgr->lock) {
		rsv = nvgpu_vf_get(mgr, vf)->rsv;
		if (!rsv || nvgpu_vf_get(mgr, vf)->state != NVGPU_VF_TYPED)
			return;
		if (!nvgpu_scrub_is_busy(&pf->scrub, &rsv->scrub) &&
		    (mgr->held || !nvgpu_scrub_is_due(&pf->scrub, &rsv->scrub)))
			return;
		nvgpu_vf_move_locked(pf, vf, NVGPU_VF_STOPPING);
	}
	provision_scrub(pf, rsv);
	nvgpu_vf_move(pf, vf, NVGPU_VF_TYPED);
}

static void provision_free_kept(struct nvgpu_vgpu_mgr *mgr, struct nvgpu_reservation *rsv)
	__must_hold(&mgr->lock)
{
	lockdep_assert_held(&mgr->lock);

	list_del(&rsv->node);
	provision_unreserve(mgr, rsv);
	kfree(rsv);
}

/* what is kept of a VF; only the one who moves it from KEPT to STOPPING may have it */
static struct nvgpu_reservation *provision_take_kept(struct nvkm_vgpu_pf *pf, unsigned int vf)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_reservation *rsv;

	guard(mutex)(&mgr->lock);
	if (mgr->held || nvgpu_vf_get(mgr, vf)->state != NVGPU_VF_KEPT)
		return NULL;
	list_for_each_entry(rsv, &mgr->kept, node)
		if (rsv->gfid == vf + 1)
			return nvgpu_vf_move_locked(pf, vf, NVGPU_VF_STOPPING) ? rsv : NULL;
	return NULL;
}

/* ask once more for the end of a vGPU that was not confirmed */
static void provision_retry_kept(struct nvkm_vgpu_pf *pf, unsigned int vf)
{
	/* STOPPING keeps the GFID from being opened while its end is asked for */
	struct nvgpu_reservation *rsv = provision_take_kept(pf, vf);
	bool gone;

	if (!rsv)
		return;
	gone = nvgpu_task_end(&pf->rm, rsv->gfid);
	if (gone) {
		nvgpu_rm_client_fini(&rsv->client);
		provision_take_back(pf, rsv);
		provision_scrub(pf, rsv);
	}

	guard(mutex)(&pf->mgr.lock);
	nvgpu_vf_move_locked(pf, vf, gone ? NVGPU_VF_FREE : NVGPU_VF_KEPT);
	if (gone)
		provision_free_kept(&pf->mgr, rsv);
}

static bool provision_is_creatable(struct nvgpu_vgpu_mgr *mgr, const struct nvgpu_type *type)
	__must_hold(&mgr->lock)
{
	struct nvgpu_reservation trial = { .type = type };

	if (!provision_fits_siblings(mgr, type) ||
	    provision_reserve(mgr, &trial, NVGPU_ANY_PLACEMENT))
		return false;
	provision_unreserve(mgr, &trial);
	return true;
}

/* have user space told of VFs whose list of creatable types is not what it was; of @vf it is not */
static void provision_note_lists(struct nvgpu_vgpu_mgr *mgr, unsigned int vf)
	__must_hold(&mgr->lock)
{
	DECLARE_BITMAP(now, NVGPU_MAX_TYPES) = {};
	unsigned int i;

	lockdep_assert_held(&mgr->lock);

	for (i = 0; i < mgr->num_types; i++)
		if (provision_is_creatable(mgr, &mgr->types[i]))
			__set_bit(i, now);
	if (!bitmap_equal(now, mgr->listed, NVGPU_MAX_TYPES)) {
		bitmap_copy(mgr->listed, now, NVGPU_MAX_TYPES);
		for (i = 0; i < NVGPU_MAX_VFS; i++)
			if (mgr->vf[i].state == NVGPU_VF_FREE)
				__set_bit(i, mgr->changed);
	}
	if (vf < NVGPU_MAX_VFS)
		__set_bit(vf, mgr->changed);
	if (!bitmap_empty(mgr->changed, NVGPU_MAX_VFS))
		queue_work(system_dfl_wq, &mgr->tell);
}

/**
 * nvgpu_provision_set() - give a VF a type
 * @pf: the GPU
 * @vf: index of the VF
 * @id: the type's id, 0 for none
 *
 * What the VF had before is gone, also when it does not get the new one. The type that it has
 * leaves all as it is.
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 * Return: 0, -EBUSY if the VF is open or nvgpu_provision_set_mode() is at work (the VF keeps its
 * type), -ENODEV if there is no such type or VFs are being turned off, -EINVAL if it differs in
 * size from other VFs' types and must not, -ENOSPC if framebuffer, channels or places do not
 * suffice, -EIO if GSP-RM holds on to the VF's last vGPU and does not let go of it now, -ENOMEM.
 */
int nvgpu_provision_set(struct nvkm_vgpu_pf *pf, unsigned int vf, u32 id)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_vf *state;
	bool had;
	int ret;

	provision_retry_kept(pf, vf);
	provision_settle(pf, vf);

	guard(mutex)(&mgr->lock);
	if (!mgr->enabled)
		return -ENODEV;
	if (mgr->mode == NVGPU_MODE_CHANGING)
		return -EBUSY;

	state = nvgpu_vf_get(mgr, vf);
	/* or was open just now */
	if (nvgpu_vf_is_open(state->state) ||
	    (state->rsv && nvgpu_scrub_is_busy(&pf->scrub, &state->rsv->scrub)))
		return -EBUSY;

	if (state->rsv && state->rsv->type->id == id)
		return 0;

	had = state->rsv;
	provision_clear_type(pf, vf);
	ret = id ? provision_set_type(pf, state, vf, id) : 0;
	provision_note_lists(mgr, had || state->rsv ? vf : NVGPU_MAX_VFS);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_set);

/**
 * nvgpu_provision_creatable() - types that a VF could be given now
 * @pf: the GPU
 * @vf: index of the VF
 * @types: room for &nvgpu_vgpu_mgr.num_types, filled in
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 * Return: their number; 0 if the VF has a type.
 */
unsigned int nvgpu_provision_creatable(struct nvkm_vgpu_pf *pf, unsigned int vf,
				       const struct nvgpu_type **types)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	const struct nvgpu_vf *state;
	unsigned int i, num = 0;

	guard(mutex)(&mgr->lock);
	state = nvgpu_vf_get(mgr, vf);
	if (!mgr->enabled || mgr->mode == NVGPU_MODE_CHANGING || state->state != NVGPU_VF_FREE)
		return 0;

	for (i = 0; i < mgr->num_types; i++)
		if (provision_is_creatable(mgr, &mgr->types[i]))
			types[num++] = &mgr->types[i];
	return num;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_creatable);

/**
 * nvgpu_provision_get_params() - settings of a VF's vGPU
 * @pf: the GPU
 * @vf: index of the VF
 * @params: filled in
 */
void nvgpu_provision_get_params(struct nvkm_vgpu_pf *pf, unsigned int vf,
				struct nvgpu_params *params)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;

	guard(mutex)(&mgr->lock);
	*params = nvgpu_vf_get(mgr, vf)->params;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_get_params);

/* to the place @id, or nothing has changed */
static int provision_move(struct nvkm_vgpu_pf *pf, struct nvgpu_reservation *rsv, u32 id)
	__must_hold(&pf->mgr.lock)
{
	struct nvgpu_reservation trial = { .type = rsv->type };
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct device *dev = &pf->gpu.pdev->dev;
	int ret;

	if (mgr->mode != NVGPU_MODE_MIXED) {
		dev_notice(dev, "VF %u: vgpu-placement-id=%u is for GPUs in heterogeneous_mode\n",
			   rsv->gfid - 1, id);
		return -EOPNOTSUPP;
	}
	if (rsv->place.id == id)
		return 0;
	/* it was open just now */
	if (nvgpu_scrub_is_busy(&pf->scrub, &rsv->scrub))
		return -EBUSY;

	ret = provision_reserve(mgr, &trial, id);
	if (ret) {
		dev_notice(dev, "VF %u: placement id %u is %s %s\n", rsv->gfid - 1, id,
			   ret == -EINVAL ? "not one of" : "taken for", rsv->type->name);
		return ret;
	}
	provision_unreserve(mgr, &trial);
	provision_unreserve(mgr, rsv);
	/* it was free, and the lock is held */
	WARN_ON(provision_reserve(mgr, rsv, id));
	nvgpu_scrub_job_init(&rsv->scrub, rsv->gfid, &rsv->fb, &rsv->heap);
	return 0;
}

/**
 * nvgpu_provision_add_params() - add to the settings of a VF's vGPU
 * @pf: the GPU
 * @vf: index of the VF
 * @text: as for nvgpu_params_add()
 *
 * They take effect when the VF is opened, and are gone with its type. A placement id is had at
 * once, or refused.
 *
 * Context: may sleep, for a placement id also until framebuffer is cleared; takes
 * &nvgpu_vgpu_mgr.lock.
 * Return: 0, -ENODEV if the VF has no type, -EBUSY if it is open, as nvgpu_params_add(), or of a
 * placement id -EOPNOTSUPP in equal-size mode, -EINVAL if the type has no such place, -ENOSPC if
 * it is taken.
 */
int nvgpu_provision_add_params(struct nvkm_vgpu_pf *pf, unsigned int vf, char *text)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_params params;
	struct nvgpu_vf *state;
	int ret, error;

	/* what it leaves is somebody else's next */
	if (nvgpu_params_have_place(text))
		provision_settle(pf, vf);

	guard(mutex)(&mgr->lock);
	state = nvgpu_vf_get(mgr, vf);
	if (!state->rsv)
		return -ENODEV;
	if (nvgpu_vf_is_open(state->state))
		return -EBUSY;

	params = state->params;
	ret = nvgpu_params_add(&params, text, &pf->gpu.pdev->dev, vf);
	if (params.placed) {
		error = provision_move(pf, state->rsv, params.placement_id);
		if (error) {
			params.placed = state->params.placed;
			params.placement_id = state->params.placement_id;
		}
		ret = ret ?: error;
	}
	state->params = params;
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_add_params);

/* a type of a VF, and what GSP-RM may still have of one, is placed by the rules of its mode */
static bool provision_is_empty(const struct nvgpu_vgpu_mgr *mgr)
	__must_hold(&mgr->lock)
{
	unsigned int i;

	for (i = 0; i < NVGPU_MAX_VFS; i++)
		if (mgr->vf[i].rsv)
			return false;
	return list_empty(&mgr->kept);
}

static int provision_begin_mode(struct nvkm_vgpu_pf *pf, bool mixed)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	int ret;

	guard(mutex)(&mgr->lock);
	if (mgr->mode == NVGPU_MODE_CHANGING || mgr->held)
		return -EBUSY;
	if (mgr->mode == (mixed ? NVGPU_MODE_MIXED : NVGPU_MODE_EQUAL))
		return 0;
	if (!provision_is_empty(mgr)) {
		dev_notice(&pf->gpu.pdev->dev,
			   "heterogeneous_mode is changed only while no VF has a vGPU type\n");
		return -EBUSY;
	}
	ret = nvgpu_mixed_init(&mgr->mixed, &mgr->geo, mgr->types, mgr->num_types);
	if (!ret && mgr->geo.fb_start + mgr->mixed.size > mgr->fb.end)
		ret = -EOPNOTSUPP;
	if (ret)
		return ret;
	mgr->mode = NVGPU_MODE_CHANGING;
	return 1;
}

/**
 * nvgpu_provision_tell_mode() - tell GSP-RM whether vGPUs may differ in size
 * @pf: the GPU
 * @mixed: they may
 *
 * Context: may sleep; GSP-RM is waited for.
 * Return: 0, -EOPNOTSUPP if this GSP-RM has no such mode, or as nvgpu_rm_query().
 */
int nvgpu_provision_tell_mode(struct nvkm_vgpu_pf *pf, bool mixed)
{
	const struct nvgpu_fwabi *abi = pf->gpu.abi;
	void *msg;
	int ret;

	if (!abi->heterogeneous.cmd) {
		if (mixed)
			dev_notice(&pf->gpu.pdev->dev, "GSP-RM %s has no heterogeneous_mode\n",
				   abi->version);
		return mixed ? -EOPNOTSUPP : 0;
	}
	msg = kzalloc(abi->heterogeneous.size, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	abi->encode_heterogeneous(msg, mixed);
	ret = nvgpu_rm_query(&pf->rm, &abi->heterogeneous, msg);
	kfree(msg);
	return ret;
}

/**
 * nvgpu_provision_set_mode() - let vGPUs differ in size, or not
 * @pf: the GPU
 * @mixed: they may
 *
 * It lasts until the driver is unbound.
 *
 * Context: may sleep; GSP-RM is waited for; takes &nvgpu_vgpu_mgr.changing and
 * &nvgpu_vgpu_mgr.lock.
 * Return: 0, -EBUSY if a VF has a type, GSP-RM may still have a vGPU or is being loaded anew;
 * -EOPNOTSUPP if the board has no room for the places of this mode or its GSP-RM no such mode; or
 * why GSP-RM does not do it, and nothing has changed.
 */
int nvgpu_provision_set_mode(struct nvkm_vgpu_pf *pf, bool mixed)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	int ret;

	guard(mutex)(&mgr->changing);
	ret = provision_begin_mode(pf, mixed);
	if (ret <= 0)
		return ret;
	ret = nvgpu_provision_tell_mode(pf, mixed);

	guard(mutex)(&mgr->lock);
	mgr->mode = mixed == !ret ? NVGPU_MODE_MIXED : NVGPU_MODE_EQUAL;
	provision_note_lists(mgr, NVGPU_MAX_VFS);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_set_mode);

/**
 * nvgpu_provision_is_mixed() - may vGPUs differ in size
 * @pf: the GPU
 */
bool nvgpu_provision_is_mixed(struct nvkm_vgpu_pf *pf)
{
	guard(mutex)(&pf->mgr.lock);
	return pf->mgr.mode == NVGPU_MODE_MIXED;
}

/**
 * nvgpu_provision_enable() - let VFs be given types and opened
 * @mgr: the GPU's vGPU manager
 */
void nvgpu_provision_enable(struct nvgpu_vgpu_mgr *mgr)
{
	guard(mutex)(&mgr->lock);
	mgr->enabled = true;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_enable);

/**
 * nvgpu_provision_disable() - let no more VFs be given types or opened
 * @mgr: the GPU's vGPU manager
 * @force: also if one is open
 *
 * Return: 0, -EBUSY if a vGPU is open.
 */
int nvgpu_provision_disable(struct nvgpu_vgpu_mgr *mgr, bool force)
{
	unsigned int i;

	guard(mutex)(&mgr->lock);
	for (i = 0; i < NVGPU_MAX_VFS; i++)
		if (nvgpu_vf_is_open(mgr->vf[i].state) && !force)
			return -EBUSY;
	mgr->enabled = false;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_disable);

/**
 * nvgpu_provision_clear_all() - take all types back; no VF is left
 * @pf: the GPU
 */
void nvgpu_provision_clear_all(struct nvkm_vgpu_pf *pf)
{
	unsigned int i;

	for (i = 0; i < NVGPU_MAX_VFS; i++)
		provision_settle(pf, i);

	guard(mutex)(&pf->mgr.lock);
	for (i = 0; i < NVGPU_MAX_VFS; i++)
		provision_clear_type(pf, i);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_clear_all);

/**
 * nvgpu_provision_drop_kept() - forget what GSP-RM held on to; it is gone
 * @pf: the GPU
 */
void nvgpu_provision_drop_kept(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_reservation *rsv, *next;

	guard(mutex)(&pf->mgr.lock);
	list_for_each_entry_safe(rsv, next, &pf->mgr.kept, node) {
		nvgpu_vf_move_locked(pf, rsv->gfid - 1, NVGPU_VF_FREE);
		provision_free_kept(&pf->mgr, rsv);
	}
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_drop_kept);

/**
 * nvgpu_provision_hold() - let no VF be opened for a while
 * @pf: the GPU
 * @who: wants that, and ends it
 * @open: GFID of a vGPU that is open, if that is why not
 *
 * Whoever is telling GSP-RM of a mode is waited for.
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.changing and &nvgpu_vgpu_mgr.lock.
 * Return: 0, also if that is so already; -EBUSY if a vGPU is open.
 */
int nvgpu_provision_hold(struct nvkm_vgpu_pf *pf, enum nvgpu_hold who, u32 *open)
{
	unsigned int i;

	guard(mutex)(&pf->mgr.changing);
	guard(mutex)(&pf->mgr.lock);
	for (i = 0; i < NVGPU_MAX_VFS; i++)
		if (nvgpu_vf_is_open(pf->mgr.vf[i].state)) {
			*open = i + 1;
			return -EBUSY;
		}
	pf->mgr.held |= BIT(who);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_hold);

/**
 * nvgpu_provision_soil() - framebuffer loses its contents, or may
 * @pf: the GPU; no vGPU is open, and nothing is being cleared
 */
void nvgpu_provision_soil(struct nvkm_vgpu_pf *pf)
{
	unsigned int i;

	guard(mutex)(&pf->mgr.lock);
	for (i = 0; i < NVGPU_MAX_VFS; i++)
		if (pf->mgr.vf[i].rsv)
			nvgpu_scrub_soil(&pf->scrub, &pf->mgr.vf[i].rsv->scrub);
}

/**
 * nvgpu_provision_unhold() - undo nvgpu_provision_hold()
 * @pf: the GPU
 * @who: wanted it; others who do go on
 */
void nvgpu_provision_unhold(struct nvkm_vgpu_pf *pf, enum nvgpu_hold who)
{
	guard(mutex)(&pf->mgr.lock);
	pf->mgr.held &= ~BIT(who);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_unhold);

/**
 * nvgpu_provision_claim() - a VF is being opened
 * @pf: the GPU
 * @vf: index of the VF
 * @params: filled in
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 * Return: what is reserved for it, to be given back by nvgpu_provision_release(); -ENODEV if it has
 * no type or VFs are being turned off, -EBUSY if it is open, or GSP-RM is being loaded anew.
 */
struct nvgpu_reservation *nvgpu_provision_claim(struct nvkm_vgpu_pf *pf, unsigned int vf,
						struct nvgpu_params *params)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_vf *state;

	guard(mutex)(&mgr->lock);
	state = nvgpu_vf_get(mgr, vf);
	if (!mgr->enabled)
		return ERR_PTR(-ENODEV);
	if (nvgpu_vf_is_open(state->state) || mgr->held)
		return ERR_PTR(-EBUSY);
	if (!nvgpu_vf_move_locked(pf, vf, NVGPU_VF_BOOTING))
		return ERR_PTR(-ENODEV);

	*params = state->params;
	return state->rsv;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_claim);

/**
 * nvgpu_provision_release() - a VF that was stopping is closed
 * @pf: the GPU
 * @vf: index of the VF
 * @kept: NULL if the vGPU has ended. GSP-RM did not confirm it: its client, which is kept with all
 *	that the vGPU had
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 */
void nvgpu_provision_release(struct nvkm_vgpu_pf *pf, unsigned int vf,
			     const struct nvgpu_rm_client *kept)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_vf *state;

	guard(mutex)(&mgr->lock);
	state = nvgpu_vf_get(mgr, vf);
	if (!kept) {
		provision_take_back(pf, state->rsv);
		if (nvgpu_scrub_is_due(&pf->scrub, &state->rsv->scrub))
			nvgpu_scrub_queue(&pf->scrub, &state->rsv->scrub, NVGPU_SCRUB_BLOCKS);
		nvgpu_vf_move_locked(pf, vf, NVGPU_VF_TYPED);
		return;
	}
	state->rsv->client = *kept;
	list_add(&state->rsv->node, &mgr->kept);
	state->rsv = NULL;
	memset(&state->params, 0, sizeof(state->params));
	nvgpu_vf_move_locked(pf, vf, NVGPU_VF_KEPT);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_provision_release);
