// SPDX-License-Identifier: GPL-2.0-only

#include <linux/bitmap.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/overflow.h>

#include "regs/doorbell.h"
#include "vgpu/chid.h"

#include <kunit/visibility.h>

static_assert(NVGPU_CHANNEL_DOORBELL_CHID + 1 == NVGPU_MAX_CHANNELS);

/**
 * nvgpu_chids_reserve() - take a range of channel ids
 * @chids: the allocator
 * @start: first id
 * @count: number of ids, not 0
 *
 * Return: 0, -ENOSPC if a part of it is not there or in use.
 */
int nvgpu_chids_reserve(struct nvgpu_chids *chids, u32 start, u32 count)
{
	u32 end;

	if (!count || check_add_overflow(start, count, &end) || end > NVGPU_MAX_CHANNELS)
		return -ENOSPC;
	if (find_next_bit(chids->used, end, start) < end)
		return -ENOSPC;

	bitmap_set(chids->used, start, count);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_chids_reserve);

/**
 * nvgpu_chids_release() - give a range back
 * @chids: the allocator
 * @start: first id
 * @count: as it was reserved; nothing happens if 0
 */
void nvgpu_chids_release(struct nvgpu_chids *chids, u32 start, u32 count)
{
	bitmap_clear(chids->used, start, count);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_chids_release);

/**
 * nvgpu_chids_used() - ids in use
 * @chids: the allocator
 *
 * Return: their number.
 */
u32 nvgpu_chids_used(const struct nvgpu_chids *chids)
{
	return bitmap_weight(chids->used, NVGPU_MAX_CHANNELS);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_chids_used);
