// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a vGPU goes.
 *
 * The rules are those of NVIDIA's own host: a VM that moves to another host must find its place
 * there. As long as all vGPUs have one size, there are as many places as the type has instances,
 * framebuffer from the bottom upwards and channels from the top downwards.
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
	/* Ada knows no other counts than powers of two */
	place->num_chids = rounddown_pow_of_two(geo->num_chids / type->max_instance);
	place->chid_start = geo->num_chids - (index + 1) * place->num_chids;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_place_homogeneous);
