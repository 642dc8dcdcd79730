/* SPDX-License-Identifier: GPL-2.0-only */
/* Fuses */
#ifndef _NVKM_VGPU_REGS_FUSE_H
#define _NVKM_VGPU_REGS_FUSE_H

#include <linux/bits.h>

#define NVGPU_FUSE_DISPLAY			0x820c04	/* ga100/dev_fuse.h */
#define   NVGPU_FUSE_DISPLAY_DISABLED		BIT(0)
/* ga100/dev_fuse.h: lowest version of ucode @id (from 1) that the falcon still accepts */
#define NVGPU_FUSE_SEC2_UCODE_VERSION(id)	(0x824140 + 4 * ((id) - 1))
#define NVGPU_FUSE_GSP_UCODE_VERSION(id)	(0x8241c0 + 4 * ((id) - 1))
#define   NVGPU_FUSE_UCODE_VERSION		GENMASK(15, 0)
#define NVGPU_FUSE_UCODES			16

#endif
