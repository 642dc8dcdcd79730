/* SPDX-License-Identifier: GPL-2.0-only */
/* Framebuffer and memory management: write-protected region, flush page, display's share. */
#ifndef _NVKM_VGPU_REGS_FB_H
#define _NVKM_VGPU_REGS_FB_H

#include <linux/bits.h>

#define NVGPU_PFB_SYSMEM_FLUSH			0x100c10 /* ga100/dev_fb.h, address bits 39:8 */
#define NVGPU_PFB_SYSMEM_FLUSH_HI		0x100c40	/* address bits 63:40 */

#define NVGPU_PFB_WPR2_LO			0x1fa824 /* tu102/dev_fb.h, address bits from 12 */
#define NVGPU_PFB_WPR2_HI		0x1fa828 /* exclusive; 0 means that there is no WPR2 */
#define   NVGPU_PFB_WPR2_ADDR			GENMASK(31, 4)

#define NVGPU_PDISP_VGA_WORKSPACE		0x625f04 /* nouveau nvkm/subdev/gsp/tu102.c */
#define   NVGPU_PDISP_VGA_WORKSPACE_VALID	BIT(3)
#define   NVGPU_PDISP_VGA_WORKSPACE_ADDR	GENMASK(31, 8)	/* of framebuffer, bits from 16 */

#endif
