/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_DEVICE_H
#define _NVKM_VGPU_DEVICE_H

#include <linux/io.h>
#include <linux/pci.h>

#include "bar1.h"
#include "falcon.h"
#include "fwabi/fwabi.h"
#include "gsp.h"
#include "health.h"
#include "intr.h"
#include "vgpu_mgr.h"

/**
 * struct nvkm_vgpu_pf - one GPU, bound by its physical function
 * @pdev: the PF
 * @regs: BAR0
 * @abi: wire format of the GSP-RM firmware that was loaded
 * @gsp_falcon: falcon that becomes GSP-RM
 * @sec2: falcon that runs the scrubber and the booters
 * @intr: interrupt tree and handler
 * @health: whether GSP-RM can be used
 * @gsp: booted firmware and its message queues
 * @on_plugin_event: who wants to know what plugin tasks say; NULL while nobody does
 * @info: what GSP-RM told about the board after it came up
 * @bar1: window on framebuffer for the CPU
 * @mgr: reservations, types and open vGPUs
 *
 * Allocated in probe, drvdata of @pdev, freed last in remove. VF drivers reach it through
 * pci_iov_get_pf_drvdata().
 */
struct nvkm_vgpu_pf {
	struct pci_dev *pdev;
	void __iomem *regs;
	const struct nvgpu_fwabi *abi;
	struct nvgpu_falcon gsp_falcon;
	struct nvgpu_falcon sec2;
	struct nvgpu_intr intr;
	struct nvgpu_health health;
	struct nvgpu_gsp gsp;
	void (*on_plugin_event)(struct nvkm_vgpu_pf *pf, u32 gfid, enum nvgpu_plugin_event event);
	struct nvgpu_static_info info;
	struct nvgpu_bar1 bar1;
	struct nvgpu_vgpu_mgr mgr;
};

struct nvkm_vgpu_pf *nvgpu_get_pf(struct pci_dev *vf);

static inline u32 nvgpu_rd32(struct nvkm_vgpu_pf *pf, u32 reg)
{
	return ioread32(pf->regs + reg);
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

static inline void nvgpu_wr32(struct nvkm_vgpu_pf *pf, u32 reg, u32 val)
{
	iowrite32(val, pf->regs + reg);
}

#endif
