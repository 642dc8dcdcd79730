// SPDX-License-Identifier: GPL-2.0-only
/*
 * What GSP-RM gets of the framebuffer, from its end downward:
 *
 *	fb_size		+-------------------------+
 *			| VGA workspace           |
 *	wpr_end		+-------------------------+ 128 KiB aligned
 *			| FRTS                    | 1 MiB, written by FWSEC
 *	frts		+-------------------------+
 *			| bootloader              |
 *	boot_bin	+-------------------------+ 4 KiB aligned
 *			| GSP-RM's ELF image      |
 *	elf		+-------------------------+ 64 KiB aligned
 *			| GSP-RM's heap           |
 *	heap		+-------------------------+ 1 MiB aligned
 *			| booter's metadata       |
 *	wpr_start	+-------------------------+ 1 MiB aligned
 *			| heap outside of WPR     | 1 MiB
 *	rsvd_start	+-------------------------+
 */
#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/sizes.h>

#include "boot/wpr.h"
#include "fwabi/fwabi.h"

#define WPR_META_SIZE			256
#define WPR_FRTS_SIZE			SZ_1M
#define WPR_NONWPR_HEAP_SIZE		SZ_1M
/* what the chip's own firmware has scrubbed at power on, Turing to Ada; kernel_gsp_tu102.c */
#define WPR_PRE_SCRUBBED_SIZE		SZ_256M

/* place @size bytes below @top; 0 when there is no room */
static u64 wpr_below(u64 top, u64 size, u64 align)
{
	return top > size ? ALIGN_DOWN(top - size, align) : 0;
}

/**
 * nvgpu_wpr_layout - place the parts of GSP-RM in framebuffer
 * @wpr: result; only offsets and sizes of framebuffer are written
 * @fb_size: bytes of usable framebuffer
 * @vga_workspace: start of the VGA workspace, which reaches to the end of framebuffer
 * @image_size: bytes of GSP-RM's image
 * @bootloader_size: bytes of its bootloader
 * @heap_size: bytes of its heap, a multiple of 1 MiB
 *
 * Return: 0, or -ENOSPC when the framebuffer is too small.
 */
int nvgpu_wpr_layout(struct nvgpu_wpr *wpr, u64 fb_size, u64 vga_workspace, u64 image_size,
		     u64 bootloader_size, u64 heap_size)
{
	if (vga_workspace > fb_size)
		return -EINVAL;

	wpr->fb_size = fb_size;
	wpr->vga_workspace = vga_workspace;
	wpr->vga_workspace_size = fb_size - vga_workspace;
	wpr->wpr_end = ALIGN_DOWN(vga_workspace, SZ_128K);
	wpr->frts_size = WPR_FRTS_SIZE;
	wpr->frts = wpr_below(wpr->wpr_end, WPR_FRTS_SIZE, SZ_128K);
	wpr->boot_bin = wpr_below(wpr->frts, bootloader_size, SZ_4K);
	wpr->elf = wpr_below(wpr->boot_bin, image_size, SZ_64K);
	wpr->heap = wpr_below(wpr->elf, heap_size, SZ_1M);
	wpr->heap_size = heap_size;
	wpr->wpr_start = wpr_below(wpr->heap, WPR_META_SIZE, SZ_1M);
	wpr->nonwpr_heap_size = WPR_NONWPR_HEAP_SIZE;
	wpr->nonwpr_heap = wpr_below(wpr->wpr_start, WPR_NONWPR_HEAP_SIZE, SZ_1M);
	wpr->rsvd_start = wpr->nonwpr_heap;
	return wpr->nonwpr_heap ? 0 : -ENOSPC;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_wpr_layout);

/**
 * nvgpu_wpr_needs_scrubber - does the layout reach below what is scrubbed at power on
 * @wpr: the layout
 *
 * Booter refuses memory whose ECC was never initialised, so then the scrubber has to run before it.
 */
bool nvgpu_wpr_needs_scrubber(const struct nvgpu_wpr *wpr)
{
	return wpr->fb_size - wpr->rsvd_start > WPR_PRE_SCRUBBED_SIZE;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_wpr_needs_scrubber);
