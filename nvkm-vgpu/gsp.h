/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_GSP_H
#define _NVKM_VGPU_GSP_H

#include <linux/debugfs.h>
#include <linux/idr.h>
#include <linux/types.h>

#include "booter.h"
#include "dma.h"
#include "fwabi/fwabi.h"
#include "fwsec.h"
#include "radix3.h"
#include "rpc.h"

struct nvkm_vgpu_pf;

#define NVGPU_GSP_LOGS			3

extern const char * const nvgpu_gsp_log_names[NVGPU_GSP_LOGS];

/**
 * struct nvgpu_gsp - GSP-RM, and what it needs of memory
 * @rpc: calls to it
 * @wpr: what it has of framebuffer
 * @flush: page that the GPU reads to flush its writes to memory
 * @wpr_meta: for booter: where everything is
 * @bootloader: starts the RISC-V core
 * @signature: of the image
 * @image: GSP-RM itself, until it runs
 * @libos: arguments of its operating system
 * @rm_args: arguments of GSP-RM
 * @log: three rings that it writes text to
 * @log_blob: the same for debugfs
 * @frts: makes WPR2
 * @sb: returns the GSP to its state before
 * @booter: programs on SEC2
 * @app_version: of the bootloader
 * @clients: handles of RM clients in use
 */
struct nvgpu_gsp {
	struct nvgpu_rpc rpc;
	struct nvgpu_wpr wpr;
	struct nvgpu_dma flush;
	struct nvgpu_dma wpr_meta, bootloader, signature;
	struct nvgpu_radix3 image;
	struct nvgpu_dma libos, rm_args, log[NVGPU_GSP_LOGS];
	struct debugfs_blob_wrapper log_blob[NVGPU_GSP_LOGS];
	struct nvgpu_fwsec frts, sb;
	struct nvgpu_booter booter;
	u32 app_version;
	struct ida clients;
};

int nvgpu_gsp_boot(struct nvkm_vgpu_pf *pf);
void nvgpu_gsp_unload(struct nvkm_vgpu_pf *pf);
void nvgpu_gsp_fini(struct nvkm_vgpu_pf *pf);
int nvgpu_gsp_reset(struct nvkm_vgpu_pf *pf);
int nvgpu_gsp_started(struct nvkm_vgpu_pf *pf);

#endif
