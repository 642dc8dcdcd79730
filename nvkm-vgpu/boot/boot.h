/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_BOOT_H
#define _NVKM_VGPU_BOOT_H

#include <linux/types.h>

#include "boot/booter.h"
#include "boot/dma.h"
#include "boot/falcon.h"
#include "boot/fwsec.h"
#include "boot/radix3.h"
#include "fwabi/fwabi.h"

struct nvgpu_firmware;
struct nvgpu_gpu;

#define NVGPU_BOOT_LOGS			3

extern const char * const nvgpu_boot_log_names[NVGPU_BOOT_LOGS];

/**
 * struct nvgpu_boot - what GSP-RM needs to be started and stopped
 * @gpu: the GPU
 * @gsp: falcon that becomes GSP-RM
 * @sec2: falcon that runs the scrubber and the booters
 * @wpr: what GSP-RM has of framebuffer
 * @flush: page that the GPU reads to flush its writes to memory
 * @wpr_meta: for booter: where everything is
 * @bootloader: starts the RISC-V core
 * @signature: of the image
 * @image: GSP-RM itself, until it runs
 * @libos: arguments of its operating system
 * @rm_args: arguments of GSP-RM
 * @log: three rings that it writes text to
 * @frts: makes WPR2
 * @sb: returns the GSP to its state before
 * @booter: programs on SEC2
 * @app_version: of the bootloader
 * @until: jiffies; when what GSP-RM asks for while it starts has to be done
 */
struct nvgpu_boot {
	struct nvgpu_gpu *gpu;
	struct nvgpu_falcon gsp, sec2;
	struct nvgpu_wpr wpr;
	struct nvgpu_dma flush;
	struct nvgpu_dma wpr_meta, bootloader, signature;
	struct nvgpu_radix3 image;
	struct nvgpu_dma libos, rm_args, log[NVGPU_BOOT_LOGS];
	struct nvgpu_fwsec frts, sb;
	struct nvgpu_booter booter;
	u32 app_version;
	unsigned long until;
};

void nvgpu_boot_init(struct nvgpu_boot *boot, struct nvgpu_gpu *gpu);
int nvgpu_boot_check_idle(struct nvgpu_boot *boot);
int nvgpu_boot_prepare(struct nvgpu_boot *boot, const struct nvgpu_firmware *fw,
		       const struct nvgpu_queue_args *queue);
int nvgpu_boot_start(struct nvgpu_boot *boot);
void nvgpu_boot_free_image(struct nvgpu_boot *boot);
void nvgpu_boot_stop(struct nvgpu_boot *boot);
void nvgpu_boot_fini(struct nvgpu_boot *boot);

/* parts of the start that GSP-RM may ask for once more */
int nvgpu_boot_reset_core(struct nvgpu_boot *boot);
int nvgpu_boot_core_started(struct nvgpu_boot *boot);

#endif
