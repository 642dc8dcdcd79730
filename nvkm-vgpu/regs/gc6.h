/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Always-on island: scratch registers that firmware of earlier boot stages leaves for the driver.
 */
#ifndef _NVKM_VGPU_REGS_GC6_H
#define _NVKM_VGPU_REGS_GC6_H

#include <linux/bits.h>

#define NVGPU_GC6_BOOT_STAGE_3			0x1180f8 /* ga102/dev_gc6_island.h, SCRATCH_14 */
#define   NVGPU_GC6_BOOT_STAGE_3_HANDOFF	BIT(26)
#define NVGPU_GC6_SCRUBBER			0x1180fc /* ad102/dev_gc6_island_addendum.h */
#define   NVGPU_GC6_SCRUBBER_HANDOFF		GENMASK(31, 29)
#define     NVGPU_GC6_SCRUBBER_DONE		3
/* ga102/dev_gc6_island.h: may GROUP_05 be read at all yet */
#define NVGPU_GC6_GFW_BOOT_PLM			0x118128
#define   NVGPU_GC6_GFW_BOOT_PLM_READ		BIT(0)
#define NVGPU_GC6_GFW_BOOT			0x118234 /* ga102/dev_gc6_island_addendum.h */
#define   NVGPU_GC6_GFW_BOOT_PROGRESS		GENMASK(7, 0)
#define     NVGPU_GC6_GFW_BOOT_COMPLETED	0xff
#define NVGPU_GC6_USABLE_FB_MIB			0x1183a4 /* ga102/dev_gc6_island.h, GROUP_42 */

#endif
