/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Doorbell of channels, tu102/dev_vm.h. Private doorbell, ga102/dev_vm.h: 32 handles a GFID. What
 * rings where: NVIDIA's vGPU RFC.
 */
#ifndef _NVKM_VGPU_REGS_DOORBELL_H
#define _NVKM_VGPU_REGS_DOORBELL_H

#include <linux/bits.h>

#include "regs/vfn.h"

#define NVGPU_CHANNEL_DOORBELL			(NVGPU_VFN_PF + 0x30090)
#define   NVGPU_CHANNEL_DOORBELL_RUNLIST	GENMASK(22, 16)
#define   NVGPU_CHANNEL_DOORBELL_CHID		GENMASK(11, 0)

#define NVGPU_PRIV_DOORBELL			(NVGPU_VFN_PF + 0x2200)
#define   NVGPU_PRIV_DOORBELL_VF_CPU_PLUGIN(gfid)	((gfid) * 32 + 17)

#endif
