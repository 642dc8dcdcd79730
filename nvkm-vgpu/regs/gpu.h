/* SPDX-License-Identifier: GPL-2.0-only */
/* A GPU as every layer has it: its PCI function, its registers, and what its firmware speaks. */
#ifndef _NVKM_VGPU_REGS_GPU_H
#define _NVKM_VGPU_REGS_GPU_H

#include <linux/io.h>
#include <linux/pci.h>

struct nvgpu_fwabi;

/**
 * struct nvgpu_gpu - a GPU
 * @pdev: the PF
 * @regs: BAR0
 * @abi: wire format of the GSP-RM firmware that was loaded
 */
struct nvgpu_gpu {
	struct pci_dev *pdev;
	void __iomem *regs;
	const struct nvgpu_fwabi *abi;
};

static inline u32 nvgpu_rd32(const struct nvgpu_gpu *gpu, u32 reg)
{
	return ioread32(gpu->regs + reg);
}

/**
 * nvgpu_pri_error - is it an answer in place of a value
 * @val: what nvgpu_rd32() gave
 *
 * The bus in the GPU answers so for a register that is not there, not ready, or of an engine in
 * reset; GPU_READ_PRI_ERROR_MASK in OpenRM's gpu.h. No register has such a value by itself.
 *
 * Return: true when it says nothing of the register.
 */
static inline bool nvgpu_pri_error(u32 val)
{
	return (val & 0xfff00000) == 0xbad00000;
}

static inline void nvgpu_wr32(const struct nvgpu_gpu *gpu, u32 reg, u32 val)
{
	iowrite32(val, gpu->regs + reg);
}

#endif
