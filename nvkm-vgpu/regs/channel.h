/* SPDX-License-Identifier: GPL-2.0-only */
/* What channels are told, class c56f, and their copy engine, class c7b5; NVIDIA's class headers. */
#ifndef _NVKM_VGPU_REGS_CHANNEL_H
#define _NVKM_VGPU_REGS_CHANNEL_H

#include <linux/bitfield.h>
#include <linux/bits.h>

/* a channel's page */
#define NVGPU_USERD_SIZE			512
#define NVGPU_USERD_GP_PUT			0x8c

/* an entry of its ring: where methods are, and how many dwords */
#define NVGPU_GP_ENTRY_ADDR			GENMASK_ULL(39, 2)
#define NVGPU_GP_ENTRY_DWORDS			GENMASK_ULL(62, 42)

/* header of methods at increasing addresses */
#define NVGPU_METHOD_INC			FIELD_PREP_CONST(GENMASK(31, 29), 1)
#define   NVGPU_METHOD_COUNT			GENMASK(28, 16)
#define   NVGPU_METHOD_SUBCHANNEL		GENMASK(15, 13)
#define   NVGPU_METHOD_ADDR			GENMASK(11, 0)	/* bits from 2 */

#define NVGPU_SUBCHANNEL_COPY			4	/* where NVIDIA and nouveau have it */

#define NVGPU_SET_OBJECT			0x000

#define NVGPU_COPY_SET_SEMAPHORE_A		0x240	/* address bits from 32 */
#define NVGPU_COPY_SET_SEMAPHORE_B		0x244
#define NVGPU_COPY_SET_SEMAPHORE_PAYLOAD	0x248
#define NVGPU_COPY_SET_DST_PHYS_MODE		0x264
#define   NVGPU_COPY_PHYS_FB			0
#define NVGPU_COPY_LAUNCH			0x300
#define   NVGPU_COPY_LAUNCH_NON_PIPELINED	(2U << 0)
#define   NVGPU_COPY_LAUNCH_FLUSH		BIT(2)
#define   NVGPU_COPY_LAUNCH_RELEASE_ONE_WORD	BIT(3)
#define   NVGPU_COPY_LAUNCH_INTERRUPT		(2U << 5)	/* that stops nothing */
#define   NVGPU_COPY_LAUNCH_SRC_PITCH		BIT(7)
#define   NVGPU_COPY_LAUNCH_DST_PITCH		BIT(8)
#define   NVGPU_COPY_LAUNCH_REMAP		BIT(10)
#define   NVGPU_COPY_LAUNCH_DST_PHYS		BIT(13)
#define NVGPU_COPY_OFFSET_OUT_UPPER		0x408
#define NVGPU_COPY_OFFSET_OUT_LOWER		0x40c
#define NVGPU_COPY_LINE_LENGTH_IN		0x418	/* elements */
#define NVGPU_COPY_SET_REMAP_CONST_A		0x700
#define NVGPU_COPY_SET_REMAP_CONST_B		0x704
#define NVGPU_COPY_SET_REMAP_COMPONENTS		0x708
/* an element of four components of four bytes, each of them constant A */
#define   NVGPU_COPY_REMAP_CONST_A_FOUR_BY_FOUR	(3U << 24 | 3U << 16 | 0x4444)
#define   NVGPU_COPY_REMAP_ELEMENT		16

#endif
