/* SPDX-License-Identifier: GPL-2.0-only */
/* Bus interface: scratch registers, VBIOS ROM window, configuration space mirror. */
#ifndef _NVKM_VGPU_REGS_BUS_H
#define _NVKM_VGPU_REGS_BUS_H

#include <linux/bits.h>

#define NVGPU_PBUS_SW_SCRATCH(i)		(0x001400 + 4 * (i))	/* ad102/dev_bus.h */
/* kernel_gsp_frts_tu102.c: where FWSEC leaves its result */
#define NVGPU_FWSEC_FRTS_SCRATCH		NVGPU_PBUS_SW_SCRATCH(0x0e)
#define   NVGPU_FWSEC_FRTS_ERROR		GENMASK(31, 16)
#define NVGPU_FWSEC_SB_SCRATCH			NVGPU_PBUS_SW_SCRATCH(0x15)
#define   NVGPU_FWSEC_SB_ERROR			GENMASK(15, 0)

#define NVGPU_XVE				0x088000	/* ga102/dev_nv_pcfg_xve_regmap.h */
#define NVGPU_XVE_SIZE				0x001000
#define NVGPU_XVE_MSI_REARM			0x088704 /* nouveau nvkm/subdev/pci/gp100.c */

#define NVGPU_PROM				0x300000	/* tu102/dev_ext_devices.h */
#define NVGPU_PROM_SIZE				0x100000	/* kernel_gsp_vbios_tu102.c */

#endif
