/* SPDX-License-Identifier: GPL-2.0-only */
/* Master control: who the chip is. */
#ifndef _NVKM_VGPU_REGS_PMC_H
#define _NVKM_VGPU_REGS_PMC_H

#include <linux/bits.h>

#define NVGPU_PMC_BOOT_0			0x000000	/* tu102/dev_boot.h */
#define NVGPU_PMC_BOOT_42			0x000a00	/* nv_ref.h */
#define   NVGPU_PMC_BOOT_42_ARCHITECTURE	GENMASK(29, 24)
#define     NVGPU_PMC_ARCHITECTURE_AD100	0x19

#endif
