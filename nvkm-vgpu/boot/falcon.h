/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_FALCON_H
#define _NVKM_VGPU_FALCON_H

#include <linux/types.h>

struct nvgpu_gpu;

#define NVGPU_FALCON_BLOCK		256	/* what its DMA moves at a time, here */

/**
 * struct nvgpu_falcon - a microcontroller of the GPU
 * @gpu: the GPU
 * @name: for messages
 * @base: offset in BAR0
 *
 * One user at a time: probe, remove and GSP-RM's boot sequencer, which runs in probe.
 */
struct nvgpu_falcon {
	const struct nvgpu_gpu *gpu;
	const char *name;
	u32 base;
};

/**
 * struct nvgpu_falcon_image - a program in memory that the falcon can reach, ready to be loaded
 * @base: DMA address of the program
 * @code: offset of the code
 * @code_phys: where it belongs in the falcon's code memory
 * @code_virt: its virtual address, where it starts
 * @code_size: bytes; memory up to the next %NVGPU_FALCON_BLOCK is transferred, too
 * @data: offset of the data
 * @data_phys: where it belongs in the falcon's data memory
 * @data_size: bytes; memory up to the next %NVGPU_FALCON_BLOCK is transferred, too
 * @signature: offset of the signature in the data
 * @engine_mask: falcon that it is signed for
 * @ucode_id: slot of its version fuse
 */
struct nvgpu_falcon_image {
	dma_addr_t base;
	u32 code, code_phys, code_virt, code_size;
	u32 data, data_phys, data_size;
	u32 signature;
	u32 engine_mask, ucode_id;
};

u32 nvgpu_falcon_rd32(const struct nvgpu_falcon *falcon, u32 reg);
void nvgpu_falcon_wr32(const struct nvgpu_falcon *falcon, u32 reg, u32 val);
int nvgpu_falcon_reset(const struct nvgpu_falcon *falcon);
int nvgpu_falcon_reset_riscv(const struct nvgpu_falcon *falcon);
void nvgpu_falcon_allow_phys(const struct nvgpu_falcon *falcon);
int nvgpu_falcon_load(const struct nvgpu_falcon *falcon, const struct nvgpu_falcon_image *image);
void nvgpu_falcon_start(const struct nvgpu_falcon *falcon);
int nvgpu_falcon_wait_halted(const struct nvgpu_falcon *falcon);
int nvgpu_falcon_run(const struct nvgpu_falcon *falcon, const struct nvgpu_falcon_image *image,
		     u64 argument, u32 *result);
int nvgpu_falcon_fuse(const struct nvgpu_falcon *falcon, u32 reg, u32 *version);
int nvgpu_falcon_riscv_active(const struct nvgpu_falcon *falcon);

#endif
