/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_INTR_H
#define _NVKM_VGPU_INTR_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct nvkm_vgpu_pf;

/**
 * struct nvgpu_intr - interrupts of the PF
 * @pf: the GPU
 * @irq: Linux' number
 * @vector: the GSP's, in the GPU's interrupt tree
 * @copy_vector: of the copy engine that clears framebuffer
 * @copy: it is listened to
 * @rest: reads what is too much for the interrupt's thread
 */
struct nvgpu_intr {
	struct nvkm_vgpu_pf *pf;
	int irq;
	u32 vector;
	u32 copy_vector;
	bool copy;
	struct work_struct rest;
};

int nvgpu_intr_init(struct nvgpu_intr *intr, struct nvkm_vgpu_pf *pf);
void nvgpu_intr_listen_copy(struct nvgpu_intr *intr);
void nvgpu_intr_fini(struct nvgpu_intr *intr);

#endif
