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
#include <linux/err.h>
#include <linux/export.h>
#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "device.h"
#include "profile.h"

/* PTEs of the CPU's window cover as much */
#define HEAP_ALIGN	SZ_2M

static struct nvgpu_vf *get_vf(struct nvgpu_vgpu_mgr *mgr, unsigned int vf)
{
	lockdep_assert_held(&mgr->lock);
	return &mgr->vf[array_index_nospec(vf, NVGPU_MAX_VFS)];
}

static const struct nvgpu_type *find_type(const struct nvgpu_vgpu_mgr *mgr, u32 id)
{
	unsigned int i;

	for (i = 0; i < mgr->num_types; i++)
		if (mgr->types[i].id == id)
			return &mgr->types[i];
	return NULL;
}

static void unreserve(struct nvgpu_vgpu_mgr *mgr, struct nvgpu_reservation *rsv)
{
	lockdep_assert_held(&mgr->lock);

	nvgpu_fbmem_free(&rsv->heap);
	nvgpu_chids_release(&mgr->chids, rsv->place.chid_start, rsv->place.num_chids);
	nvgpu_fbmem_free(&rsv->fb);
}

static int reserve_place(struct nvgpu_vgpu_mgr *mgr, struct nvgpu_reservation *rsv,
			 unsigned int index)
{
	struct nvgpu_placement *place = &rsv->place;
	int ret;

	ret = nvgpu_place_homogeneous(&mgr->geo, rsv->type, index, place);
	if (ret)
		return ret;

	ret = nvgpu_fbmem_reserve(&mgr->fb, &rsv->fb, place->fb_start, place->fb_size);
	if (ret)
		return ret;

	ret = nvgpu_chids_reserve(&mgr->chids, place->chid_start, place->num_chids);
	if (ret)
		nvgpu_fbmem_free(&rsv->fb);
	return ret;
}

/* the lowest place that is free, and a heap */
static int reserve(struct nvgpu_vgpu_mgr *mgr, struct nvgpu_reservation *rsv)
{
	unsigned int index;
	int ret = -ENOSPC;

	lockdep_assert_held(&mgr->lock);

	for (index = 0; ret && index < rsv->type->max_instance; index++)
		ret = reserve_place(mgr, rsv, index);
	if (ret)
		return ret;

	ret = nvgpu_fbmem_alloc_top(&mgr->fb, &rsv->heap, rsv->type->heap_size, HEAP_ALIGN);
	if (ret)
		unreserve(mgr, rsv);
	return ret;
}

/* all vGPUs of a GPU have one size of framebuffer, whatever their series */
static bool fits_siblings(const struct nvgpu_vgpu_mgr *mgr, const struct nvgpu_type *type)
{
	unsigned int i;

	lockdep_assert_held(&mgr->lock);

	for (i = 0; i < NVGPU_MAX_VFS; i++) {
		const struct nvgpu_reservation *rsv = mgr->vf[i].rsv;

		if (rsv && rsv->type->profile_size != type->profile_size)
			return false;
	}
	return true;
}

/**
 * nvgpu_profile_get() - type of a VF
 * @pf: the GPU
 * @vf: index of the VF
 *
 * Return: the type's id, 0 if it has none.
 */
u32 nvgpu_profile_get(struct nvkm_vgpu_pf *pf, unsigned int vf)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	const struct nvgpu_reservation *rsv;

	guard(mutex)(&mgr->lock);
	rsv = get_vf(mgr, vf)->rsv;
	return rsv ? rsv->type->id : 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_get);

static void clear_type(struct nvgpu_vgpu_mgr *mgr, struct nvgpu_vf *state)
{
	lockdep_assert_held(&mgr->lock);

	if (state->rsv) {
		unreserve(mgr, state->rsv);
		kfree(state->rsv);
		state->rsv = NULL;
	}
	memset(&state->params, 0, sizeof(state->params));
}

static int set_type(struct nvkm_vgpu_pf *pf, struct nvgpu_vf *state, unsigned int vf, u32 id)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct device *dev = &pf->pdev->dev;
	const struct nvgpu_type *type;
	struct nvgpu_reservation *rsv;
	int ret;

	lockdep_assert_held(&mgr->lock);

	if (state->lost) {
		dev_notice(dev, "VF %u: unusable until GSP-RM is loaded anew\n", vf);
		return -EIO;
	}

	type = find_type(mgr, id);
	if (!type) {
		dev_notice(dev, "VF %u: no vGPU type %u\n", vf, id);
		return -ENODEV;
	}
	if (!fits_siblings(mgr, type)) {
		dev_notice(dev, "VF %u: %s differs in size from the other vGPUs\n", vf, type->name);
		return -EINVAL;
	}

	rsv = kzalloc_obj(*rsv);
	if (!rsv)
		return -ENOMEM;
	rsv->type = type;
	rsv->gfid = vf + 1;
	uuid_gen(&rsv->uuid);

	ret = reserve(mgr, rsv);
	if (ret) {
		dev_notice(dev, "VF %u: no room for another %s\n", vf, type->name);
		kfree(rsv);
		return ret;
	}
	state->rsv = rsv;
	return 0;
}

/**
 * nvgpu_profile_set() - give a VF a type
 * @pf: the GPU
 * @vf: index of the VF
 * @id: the type's id, 0 for none
 *
 * What the VF had before is gone, also when it does not get the new one.
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 * Return: 0, -EBUSY if the VF is open (it keeps its type), -ENODEV if there is no such type or VFs
 * are being turned off, -EINVAL if it differs in size from other VFs' types, -ENOSPC if
 * framebuffer, channels or instances do not suffice, -EIO if GSP-RM holds on to the VF's last vGPU,
 * -ENOMEM.
 */
int nvgpu_profile_set(struct nvkm_vgpu_pf *pf, unsigned int vf, u32 id)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_vf *state;

	guard(mutex)(&mgr->lock);
	if (!mgr->gate_open)
		return -ENODEV;

	state = get_vf(mgr, vf);
	if (state->open)
		return -EBUSY;

	clear_type(mgr, state);
	return id ? set_type(pf, state, vf, id) : 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_set);

/**
 * nvgpu_profile_creatable() - types that a VF could be given now
 * @pf: the GPU
 * @vf: index of the VF
 * @types: room for &nvgpu_vgpu_mgr.num_types, filled in
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 * Return: their number; 0 if the VF has a type.
 */
unsigned int nvgpu_profile_creatable(struct nvkm_vgpu_pf *pf, unsigned int vf,
				     const struct nvgpu_type **types)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	const struct nvgpu_vf *state;
	unsigned int i, num = 0;

	guard(mutex)(&mgr->lock);
	state = get_vf(mgr, vf);
	if (!mgr->gate_open || state->rsv || state->lost)
		return 0;

	for (i = 0; i < mgr->num_types; i++) {
		struct nvgpu_reservation trial = { .type = &mgr->types[i] };

		if (!fits_siblings(mgr, trial.type))
			continue;
		if (reserve(mgr, &trial))
			continue;
		unreserve(mgr, &trial);
		types[num++] = trial.type;
	}
	return num;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_creatable);

/**
 * nvgpu_profile_get_params() - settings of a VF's vGPU
 * @pf: the GPU
 * @vf: index of the VF
 * @params: filled in
 */
void nvgpu_profile_get_params(struct nvkm_vgpu_pf *pf, unsigned int vf,
			      struct nvgpu_params *params)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;

	guard(mutex)(&mgr->lock);
	*params = get_vf(mgr, vf)->params;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_get_params);

static int parse_param(struct nvgpu_params *params, char *word)
{
	char *value = strchr(word, '=');
	bool on;
	int ret;

	if (!value)
		return -EINVAL;
	*value++ = '\0';

	if (!strcmp(word, "enable_uvm") || !strcmp(word, "disable_vnc")) {
		ret = kstrtobool(value, &on);
		if (ret)
			return ret;
		if (!strcmp(word, "enable_uvm"))
			params->enable_uvm = on;
		else
			params->disable_vnc = on;
		return 0;
	}

	/* the product has them, the plugin's side of them is not published */
	if (!strcmp(word, "frame_rate_limiter") || !strcmp(word, "enable_debugging") ||
	    !strcmp(word, "enable_profiling") || !strcmp(word, "vgpu-placement-id"))
		return -EOPNOTSUPP;
	return -EINVAL;
}

static int parse_params(struct nvgpu_params *params, const char *text)
{
	char copy[NVGPU_PARAMS_MAX], *rest, *word;
	int ret;

	if (strscpy(copy, text, sizeof(copy)) < 0)
		return -EINVAL;
	strscpy(params->text, strim(copy), sizeof(params->text));
	strscpy(copy, params->text, sizeof(copy));

	rest = copy;
	while (*copy && (word = strsep(&rest, ","))) {
		ret = parse_param(params, strim(word));
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * nvgpu_profile_set_params() - change settings of a VF's vGPU
 * @pf: the GPU
 * @vf: index of the VF
 * @text: "name=value, ..."; nothing but white space clears all
 *
 * They take effect when the VF is opened, and are gone with its type.
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 * Return: 0, -ENODEV if the VF has no type, -EBUSY if it is open, -EINVAL, -EOPNOTSUPP for a
 * setting of the product that is not supported.
 */
int nvgpu_profile_set_params(struct nvkm_vgpu_pf *pf, unsigned int vf, const char *text)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_params params = {};
	struct nvgpu_vf *state;
	int ret;

	ret = parse_params(&params, text);
	if (ret)
		return ret;

	guard(mutex)(&mgr->lock);
	state = get_vf(mgr, vf);
	if (!state->rsv)
		return -ENODEV;
	if (state->open)
		return -EBUSY;
	state->params = params;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_set_params);

/**
 * nvgpu_profile_open_gate() - let VFs be given types and opened
 * @mgr: the GPU's vGPU manager
 */
void nvgpu_profile_open_gate(struct nvgpu_vgpu_mgr *mgr)
{
	guard(mutex)(&mgr->lock);
	mgr->gate_open = true;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_open_gate);

/**
 * nvgpu_profile_close_gate() - let no more VFs be given types or opened
 * @mgr: the GPU's vGPU manager
 * @force: also if one is open
 *
 * Return: 0, -EBUSY if a vGPU is open.
 */
int nvgpu_profile_close_gate(struct nvgpu_vgpu_mgr *mgr, bool force)
{
	unsigned int i;

	guard(mutex)(&mgr->lock);
	for (i = 0; i < NVGPU_MAX_VFS; i++)
		if (mgr->vf[i].open && !force)
			return -EBUSY;
	mgr->gate_open = false;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_close_gate);

/**
 * nvgpu_profile_clear_all() - take all types back; no VF is left
 * @mgr: the GPU's vGPU manager
 */
void nvgpu_profile_clear_all(struct nvgpu_vgpu_mgr *mgr)
{
	unsigned int i;

	guard(mutex)(&mgr->lock);
	for (i = 0; i < NVGPU_MAX_VFS; i++)
		clear_type(mgr, &mgr->vf[i]);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_clear_all);

/**
 * nvgpu_profile_drop_quarantine() - forget what GSP-RM held on to; it is gone
 * @mgr: the GPU's vGPU manager
 */
void nvgpu_profile_drop_quarantine(struct nvgpu_vgpu_mgr *mgr)
{
	struct nvgpu_reservation *rsv, *next;

	guard(mutex)(&mgr->lock);
	list_for_each_entry_safe(rsv, next, &mgr->quarantine, node) {
		list_del(&rsv->node);
		unreserve(mgr, rsv);
		kfree(rsv);
	}
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_drop_quarantine);

/**
 * nvgpu_profile_claim() - a VF is being opened
 * @pf: the GPU
 * @vf: index of the VF
 * @params: filled in
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 * Return: what is reserved for it, to be given back by nvgpu_profile_release(); -ENODEV if it has
 * no type or VFs are being turned off, -EBUSY if it is open.
 */
const struct nvgpu_reservation *nvgpu_profile_claim(struct nvkm_vgpu_pf *pf, unsigned int vf,
						    struct nvgpu_params *params)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_vf *state;

	guard(mutex)(&mgr->lock);
	state = get_vf(mgr, vf);
	if (!mgr->gate_open || !state->rsv)
		return ERR_PTR(-ENODEV);
	if (state->open)
		return ERR_PTR(-EBUSY);

	state->open = true;
	*params = state->params;
	return state->rsv;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_claim);

/**
 * nvgpu_profile_release() - a VF was closed
 * @pf: the GPU
 * @vf: index of the VF
 * @lost: GSP-RM did not confirm that the vGPU ended: nobody else may have what it had
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 */
void nvgpu_profile_release(struct nvkm_vgpu_pf *pf, unsigned int vf, bool lost)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct nvgpu_vf *state;

	guard(mutex)(&mgr->lock);
	state = get_vf(mgr, vf);
	state->open = false;
	if (lost) {
		state->lost = true;
		list_add_tail(&state->rsv->node, &mgr->quarantine);
		state->rsv = NULL;
	}
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_profile_release);
