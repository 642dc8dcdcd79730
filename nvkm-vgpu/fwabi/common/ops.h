/* SPDX-License-Identifier: GPL-2.0-only */
/* What releases have alike, for their tables. */
#ifndef _NVKM_VGPU_ABI_OPS_H
#define _NVKM_VGPU_ABI_OPS_H

#include "../fwabi.h"

extern const struct nvgpu_fwabi_rpc nvgpu_abi_rpc;
extern const struct nvgpu_fwabi_rm nvgpu_abi_rm;
extern const struct nvgpu_fwabi_channel nvgpu_abi_channel;
extern const struct nvgpu_fwabi_board nvgpu_abi_board;
extern const struct nvgpu_fwabi_vgpu nvgpu_abi_vgpu;

#endif
