// SPDX-License-Identifier: GPL-2.0-only
/*
 * Framebuffer for guests and plugin heaps.
 *
 * Guests have fixed places from the bottom upwards (placement.c), everything else is taken from the
 * top downwards. There are at most some hundred blocks, and they come and go with VMs: a sorted
 * list is enough.
 */

#include <linux/align.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/overflow.h>

#include "vgpu/fbmem.h"

#include <kunit/visibility.h>

/**
 * nvgpu_fbmem_init() - start with everything free
 * @fb: the allocator
 * @start: framebuffer address
 * @size: bytes
 */
void nvgpu_fbmem_init(struct nvgpu_fbmem *fb, u64 start, u64 size)
{
	fb->start = start;
	fb->end = start + size;
	INIT_LIST_HEAD(&fb->used);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fbmem_init);

static void fbmem_insert_before(struct nvgpu_fb_block *block, struct list_head *next, u64 start,
				u64 size)
{
	block->start = start;
	block->size = size;
	/* nobody knows who had it before */
	block->clean = false;
	list_add_tail(&block->node, next);
}

/**
 * nvgpu_fbmem_reserve() - take a given range
 * @fb: the allocator
 * @block: not allocated so far
 * @start: framebuffer address
 * @size: bytes, not 0
 *
 * Return: 0, -ENOSPC if a part of it is not there or in use.
 */
int nvgpu_fbmem_reserve(struct nvgpu_fbmem *fb, struct nvgpu_fb_block *block, u64 start, u64 size)
{
	struct list_head *next = &fb->used;
	struct nvgpu_fb_block *other;
	u64 end;

	if (!size || check_add_overflow(start, size, &end) || start < fb->start || end > fb->end)
		return -ENOSPC;

	list_for_each_entry(other, &fb->used, node) {
		if (other->start >= end) {
			next = &other->node;
			break;
		}
		if (other->start + other->size > start)
			return -ENOSPC;
	}

	fbmem_insert_before(block, next, start, size);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fbmem_reserve);

static bool fbmem_fits(u64 bottom, u64 top, u64 size, u64 align)
{
	return top >= size && ALIGN_DOWN(top - size, align) >= bottom;
}

/**
 * nvgpu_fbmem_alloc_top() - take the highest range that is free
 * @fb: the allocator
 * @block: not allocated so far
 * @size: bytes, not 0
 * @align: of the start, a power of two
 *
 * Return: 0, -ENOSPC.
 */
int nvgpu_fbmem_alloc_top(struct nvgpu_fbmem *fb, struct nvgpu_fb_block *block, u64 size,
			  u64 align)
{
	struct list_head *next = &fb->used;
	struct nvgpu_fb_block *below;
	u64 top = fb->end;

	if (!size)
		return -ENOSPC;

	list_for_each_entry_reverse(below, &fb->used, node) {
		if (fbmem_fits(below->start + below->size, top, size, align)) {
			fbmem_insert_before(block, next, ALIGN_DOWN(top - size, align), size);
			return 0;
		}
		next = &below->node;
		top = below->start;
	}

	if (!fbmem_fits(fb->start, top, size, align))
		return -ENOSPC;
	fbmem_insert_before(block, next, ALIGN_DOWN(top - size, align), size);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fbmem_alloc_top);

/**
 * nvgpu_fbmem_free() - give a block back
 * @block: what nvgpu_fbmem_reserve() or nvgpu_fbmem_alloc_top() filled in; nothing happens if it is
 * not allocated
 */
void nvgpu_fbmem_free(struct nvgpu_fb_block *block)
{
	if (!block->size)
		return;

	list_del(&block->node);
	block->start = 0;
	block->size = 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fbmem_free);

/**
 * nvgpu_fbmem_used() - framebuffer in use
 * @fb: the allocator
 *
 * Return: bytes.
 */
u64 nvgpu_fbmem_used(const struct nvgpu_fbmem *fb)
{
	const struct nvgpu_fb_block *block;
	u64 sum = 0;

	list_for_each_entry(block, &fb->used, node)
		sum += block->size;
	return sum;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fbmem_used);
