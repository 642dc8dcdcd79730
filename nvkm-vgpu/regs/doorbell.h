/* SPDX-License-Identifier: GPL-2.0-only */
/* Private doorbell, ga102/dev_vm.h: 32 handles a GFID. What rings where: NVIDIA's vGPU RFC. */
#ifndef _NVKM_VGPU_REGS_DOORBELL_H
#define _NVKM_VGPU_REGS_DOORBELL_H

#include "regs/vfn.h"

#define NVGPU_PRIV_DOORBELL			(NVGPU_VFN_PF + 0x2200)
#define   NVGPU_PRIV_DOORBELL_VF_CPU_PLUGIN(gfid)	((gfid) * 32 + 17)

#endif
