// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a vGPU goes.
 *
 * The rules are those of NVIDIA's own host: a VM that moves to another host must find its place
 * there. As long as all vGPUs have one size, there are as many places as the type has instances,
 * framebuffer from the bottom upwards and channels from the top downwards.
 *
 * vGPUs of several sizes share the GPU by halves: of the placement region, of the channels and of
 * framebuffer alike. A part that is just large enough for two vGPUs of a type has one at its lower
 * and one at its upper end; where the number of vGPUs of a type is no power of two, a part has one
 * of them, at its outer end. So what a small vGPU leaves of a part is one piece.
 *
 * A heap of a segment or more lies behind its guest. Smaller ones share a segment, at the outer end
 * of the part in which four of them and more fit; those of types with 32 vGPUs lie between two
 * guests. kernel_vgpu_mgr.c, _kvgpumgrSetHeterogeneousResources().
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include "fwabi/fwabi.h"
#include "vgpu/placement.h"

#include <kunit/visibility.h>

/**
 * nvgpu_guest_fb_size() - framebuffer of a guest
 * @geo: the board
 * @type: the vGPU type
 *
 * What a board has less than its name says, of check bits most of all, is borne by all vGPUs alike.
 * The rule is that of NVIDIA's host; kernel_vgpu_mgr.c, kvgpumgrSetSupportedPlacementIds().
 *
 * Return: bytes, a multiple of the VMMU segment; 0 if there is nothing left for a guest.
 */
u64 nvgpu_guest_fb_size(const struct nvgpu_geometry *geo, const struct nvgpu_type *type)
{
	u64 share = div_u64(round_up(geo->fb_total, 8 * geo->segment), type->max_instance);
	u64 overhead = type->fb_reservation + type->heap_size;

	if (share <= overhead)
		return 0;
	return round_down(min(type->fb_size, share - overhead), geo->segment);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_guest_fb_size);

/**
 * nvgpu_place_homogeneous() - place number @index among vGPUs of one size
 * @geo: the board
 * @type: the vGPU type
 * @index: from 0
 * @place: filled in
 *
 * Return: 0, -ENOSPC if there is no such place.
 */
int nvgpu_place_homogeneous(const struct nvgpu_geometry *geo, const struct nvgpu_type *type,
			    unsigned int index, struct nvgpu_placement *place)
{
	u64 size = nvgpu_guest_fb_size(geo, type);

	if (index >= type->max_instance || !size || geo->num_chids < type->max_instance)
		return -ENOSPC;

	place->id = index * (u32)div_u64(type->profile_size, SZ_1G);
	place->fb_start = geo->fb_start + index * size;
	place->fb_size = size;
	place->heap_start = NVGPU_ANYWHERE;
	/* Ada knows no other counts than powers of two */
	place->num_chids = rounddown_pow_of_two(geo->num_chids / type->max_instance);
	place->chid_start = geo->num_chids - (index + 1) * place->num_chids;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_place_homogeneous);

/* two vGPUs of 1 GiB that lie side by side would leave no room for the heaps of others */
#define MIXED_SMALL_FB		SZ_1G
#define MIXED_SMALL_PERIOD	6
#define MIXED_SMALL_FIRST	2
#define MIXED_SMALL_LAST	3

/* parts of the region, each for two of them; the limit is 32 vGPUs */
#define MIXED_MAX_PARTS		16

/**
 * nvgpu_mixed_init() - see how vGPUs of several sizes share the GPU
 * @mixed: result
 * @geo: the board
 * @types: all vGPU types of the board
 * @num: how many there are
 *
 * Return: 0, -EOPNOTSUPP if no type has the whole GPU.
 */
int nvgpu_mixed_init(struct nvgpu_mixed *mixed, const struct nvgpu_geometry *geo,
		     const struct nvgpu_type *types, unsigned int num)
{
	const struct nvgpu_type *type;

	*mixed = (struct nvgpu_mixed) {};
	for (type = types; type < types + num; type++) {
		if (type->max_instance == 1) {
			mixed->gib = div_u64(type->profile_size, SZ_1G);
			mixed->size = nvgpu_guest_fb_size(geo, type) +
				      round_down(type->heap_size, geo->segment);
		} else if (is_power_of_2(type->max_instance) &&
			   type->heap_size == geo->segment) {
			mixed->carve |= type->max_instance / 2;
		}
	}
	return mixed->size ? 0 : -EOPNOTSUPP;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_mixed_init);

/* a part of the GPU; all ends are exclusive */
struct placement_part {
	u32 id, id_end;
	u32 chid, chid_end;
	u64 segment, segment_end;
	u64 heap, heap_end;
	bool upper;
};

static void placement_lower_half(struct placement_part *part, u64 segment_size, bool carve)
{
	part->id_end = (part->id + part->id_end) / 2;
	part->chid_end = (part->chid + part->chid_end) / 2;
	part->segment_end = (part->segment + part->segment_end) / 2;
	part->heap_end = (part->heap + part->heap_end) / 2;
	part->upper = false;
	if (carve) {
		part->heap = part->segment * segment_size;
		part->heap_end = part->heap + segment_size;
		part->segment++;
	}
}

static void placement_upper_half(struct placement_part *part, u64 segment_size, bool carve)
{
	part->id = (part->id + part->id_end) / 2;
	part->chid = (part->chid + part->chid_end) / 2;
	part->segment = (part->segment + part->segment_end) / 2;
	part->heap = (part->heap + part->heap_end) / 2;
	part->upper = true;
	if (carve) {
		part->segment_end--;
		part->heap = part->segment_end * segment_size;
		part->heap_end = part->heap + segment_size;
	}
}

/* number @index of @parts equal ones */
static void placement_find_part(const struct nvgpu_geometry *geo, const struct nvgpu_mixed *mixed,
				u32 parts, unsigned int index, struct placement_part *part)
{
	u64 first = div64_u64(geo->fb_start, geo->segment);
	u32 n;

	*part = (struct placement_part) {
		.id_end = mixed->gib,
		.chid_end = geo->num_chids,
		.segment = first,
		.segment_end = first + div64_u64(mixed->size, geo->segment),
	};
	for (n = 1; n < parts; n *= 2) {
		bool carve = mixed->carve & n;

		if (index & parts / (2 * n))
			placement_upper_half(part, geo->segment, carve);
		else
			placement_lower_half(part, geo->segment, carve);
	}
}

static void placement_set_low(const struct nvgpu_geometry *geo, const struct nvgpu_type *type,
			      const struct placement_part *part, struct nvgpu_placement *place)
{
	place->id = part->id;
	place->chid_start = part->chid;
	place->fb_start = part->segment * geo->segment;
	if (type->heap_size >= geo->segment || type->max_instance == 2 * MIXED_MAX_PARTS)
		place->heap_start = place->fb_start + place->fb_size;
	else
		place->heap_start = part->heap;
}

static void placement_set_high(const struct nvgpu_geometry *geo, const struct nvgpu_type *type,
			       const struct placement_part *part, struct nvgpu_placement *place)
{
	place->id = part->id_end - (u32)div_u64(type->profile_size, SZ_1G);
	place->chid_start = part->chid_end - place->num_chids;
	place->fb_start = part->segment_end * geo->segment - place->fb_size;
	if (type->heap_size >= geo->segment) {
		place->heap_start = part->segment_end * geo->segment - type->heap_size;
		place->fb_start -= type->heap_size;
	} else if (type->max_instance == 2 * MIXED_MAX_PARTS) {
		place->heap_start = place->fb_start - type->heap_size;
	} else {
		place->heap_start = part->heap_end - type->heap_size;
	}
}

static bool placement_is_denied(const struct nvgpu_placement *place)
{
	u32 at = place->id % MIXED_SMALL_PERIOD;

	return place->fb_size == MIXED_SMALL_FB && at >= MIXED_SMALL_FIRST &&
	       at <= MIXED_SMALL_LAST;
}

/**
 * nvgpu_mixed_places() - places that a type has among vGPUs of several sizes
 * @type: the vGPU type
 *
 * Return: their number; nvgpu_place_mixed() refuses some of them.
 */
unsigned int nvgpu_mixed_places(const struct nvgpu_type *type)
{
	return rounddown_pow_of_two(type->max_instance);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_mixed_places);

/**
 * nvgpu_place_mixed() - place number @index of a type among vGPUs of several sizes
 * @geo: the board
 * @mixed: how they share it
 * @type: the vGPU type
 * @index: from 0, below nvgpu_mixed_places()
 * @place: filled in
 *
 * Return: 0, -ENOSPC if there is no such place.
 */
int nvgpu_place_mixed(const struct nvgpu_geometry *geo, const struct nvgpu_mixed *mixed,
		      const struct nvgpu_type *type, unsigned int index,
		      struct nvgpu_placement *place)
{
	u32 places = nvgpu_mixed_places(type);
	bool pairs = places == type->max_instance && places > 1;
	struct placement_part part;

	*place = (struct nvgpu_placement) {
		.fb_size = nvgpu_guest_fb_size(geo, type),
		.num_chids = rounddown_pow_of_two(geo->num_chids / type->max_instance ?: 1),
	};
	if (index >= places || !place->fb_size || geo->num_chids < type->max_instance)
		return -ENOSPC;

	if (pairs)
		placement_find_part(geo, mixed, places / 2, index / 2, &part);
	else
		placement_find_part(geo, mixed, places, index, &part);

	if (pairs ? index % 2 : part.upper)
		placement_set_high(geo, type, &part, place);
	else
		placement_set_low(geo, type, &part, place);
	return placement_is_denied(place) ? -ENOSPC : 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_place_mixed);
