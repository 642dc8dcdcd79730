// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of the PF.
 *
 * A vector of the GPU is a bit in a leaf of its interrupt tree; two leaves make a bit of the top.
 * Each function has such a tree and sends a message, or raises its pin, when an enabled top bit is
 * set. The tree is as a level: it has to be masked at its top until everything below was served,
 * and enabling it again sends anew what is still pending.
 *
 * Only GSP-RM interrupts the PF; what other engines have to say it says itself, in messages.
 */
#include <linux/interrupt.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "device.h"
#include "health.h"
#include "intr.h"
#include "regs/bus.h"
#include "regs/falcon.h"
#include "regs/vfn.h"
#include "rm.h"

#define INTR_ROUNDS	8	/* a whole queue each */

static u32 intr_rd32(struct nvkm_vgpu_pf *pf, u32 reg)
{
	return nvgpu_rd32(pf, NVGPU_VFN_PF + reg);
}

static void intr_wr32(struct nvkm_vgpu_pf *pf, u32 reg, u32 val)
{
	nvgpu_wr32(pf, NVGPU_VFN_PF + reg, val);
}

static u32 intr_leaf(const struct nvgpu_intr *intr)
{
	return intr->vector / 32;
}

static u32 intr_leaf_bit(const struct nvgpu_intr *intr)
{
	return BIT(intr->vector % 32);
}

static u32 intr_top_bit(const struct nvgpu_intr *intr)
{
	return BIT(intr_leaf(intr) / 2);
}

static void intr_mask(struct nvkm_vgpu_pf *pf)
{
	intr_wr32(pf, NVGPU_VFN_INTR_TOP_EN_CLEAR, NVGPU_VFN_INTR_TOP_ALL);
}

static void intr_unmask(struct nvkm_vgpu_pf *pf)
{
	/* a message of the old kind is sent once until it is armed again */
	if (pf->pdev->msi_enabled)
		nvgpu_wr32(pf, NVGPU_XVE_MSI_REARM, 0);
	intr_wr32(pf, NVGPU_VFN_INTR_TOP_EN_SET, intr_top_bit(&pf->intr));
}

static irqreturn_t intr_handler(int irq, void *data)
{
	struct nvkm_vgpu_pf *pf = data;

	/* the pin may be another device's; a GPU that is gone reads as all ones */
	if (!pf->pdev->msi_enabled && !pf->pdev->msix_enabled) {
		u32 top = intr_rd32(pf, NVGPU_VFN_INTR_TOP);

		if (top == ~0U || nvgpu_pri_error(top) || !(top & intr_top_bit(&pf->intr)))
			return IRQ_NONE;
	}
	intr_mask(pf);
	return IRQ_WAKE_THREAD;
}

/*
 * A firmware that says more than anybody can read must not keep a CPU from others, as this thread
 * would. What is left is for a worker, which has no more right than they.
 */
static void intr_drain(struct nvkm_vgpu_pf *pf)
{
	unsigned int i;

	for (i = 0; i < INTR_ROUNDS; i++)
		if (!nvgpu_rpc_receive(pf))
			return;
	queue_work(system_dfl_wq, &pf->intr.rest);
}

static void intr_rest(struct work_struct *work)
{
	intr_drain(container_of(work, struct nvkm_vgpu_pf, intr.rest));
}

static irqreturn_t intr_thread(int irq, void *data)
{
	struct nvkm_vgpu_pf *pf = data;
	u32 leaf = intr_rd32(pf, NVGPU_VFN_INTR_LEAF(intr_leaf(&pf->intr)));
	u32 status;

	if (!nvgpu_pri_error(leaf) && (leaf & intr_leaf_bit(&pf->intr))) {
		intr_wr32(pf, NVGPU_VFN_INTR_LEAF(intr_leaf(&pf->intr)), intr_leaf_bit(&pf->intr));
		status = nvgpu_falcon_rd32(&pf->gsp_falcon, NVGPU_FALCON_IRQSTAT) &
			 (NVGPU_FALCON_IRQ_SWGEN0 | NVGPU_FALCON_IRQ_HALT);
		/* what comes from here on interrupts anew */
		nvgpu_falcon_wr32(&pf->gsp_falcon, NVGPU_FALCON_IRQSCLR, status);
		intr_drain(pf);
		if (status & NVGPU_FALCON_IRQ_HALT)
			nvgpu_health_look(pf);
		nvgpu_falcon_wr32(&pf->gsp_falcon, NVGPU_FALCON_INTR_RETRIGGER,
				  NVGPU_FALCON_INTR_RETRIGGER_TRIGGER);
	}
	/* who is dead has nothing to say any more, and may say it for ever */
	if (!nvgpu_health_is_dead(pf))
		intr_unmask(pf);
	return IRQ_HANDLED;
}

/**
 * nvgpu_intr_again - have what is pending sent again
 * @pf: the GPU, with interrupts
 *
 * As long as something is pending that was sent before, the tree sends nothing more. So a message
 * that got lost would take all that follow with it.
 */
void nvgpu_intr_again(struct nvkm_vgpu_pf *pf)
{
	intr_unmask(pf);
}

/* which vector is GSP-RM's */
static int intr_find_vector(struct nvkm_vgpu_pf *pf)
{
	void *buf __free(kfree) = kzalloc(pf->abi->intr_table_size, GFP_KERNEL);
	struct device *dev = &pf->pdev->dev;
	int ret;

	if (!buf)
		return -ENOMEM;
	ret = nvgpu_rm_query(pf, pf->abi->ctrl.intr_get_kernel_table, buf,
			     pf->abi->intr_table_size);
	if (ret)
		return dev_err_probe(dev, ret, "GSP-RM has no interrupt table\n");
	ret = pf->abi->decode_intr_table(buf, pf->abi->intr_table_size, &pf->intr.vector);
	if (ret || pf->intr.vector >= NVGPU_VFN_INTR_VECTORS)
		return dev_err_probe(dev, -EPROTO,
				     "GSP-RM's interrupt table lacks its own vector\n");
	return 0;
}

/**
 * nvgpu_intr_init - have GSP-RM's messages announced by interrupt
 * @pf: the GPU, GSP-RM running
 *
 * Return: 0 or -errno.
 */
int nvgpu_intr_init(struct nvkm_vgpu_pf *pf)
{
	struct pci_dev *pdev = pf->pdev;
	unsigned int i;
	int ret;

	ret = intr_find_vector(pf);
	if (ret)
		return ret;
	INIT_WORK(&pf->intr.rest, intr_rest);
	intr_mask(pf);
	for (i = 0; i < NVGPU_VFN_INTR_LEAVES; i++)
		intr_wr32(pf, NVGPU_VFN_INTR_LEAF_EN_CLEAR(i), ~0);

	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (ret < 0)
		return dev_err_probe(&pdev->dev, ret, "no interrupt\n");
	pf->intr.irq = pci_irq_vector(pdev, 0);
	ret = request_threaded_irq(pf->intr.irq, intr_handler, intr_thread,
				   pdev->msi_enabled || pdev->msix_enabled ? 0 : IRQF_SHARED,
				   "nvkm-vgpu", pf);
	if (ret) {
		pci_free_irq_vectors(pdev);
		return dev_err_probe(&pdev->dev, ret, "interrupt %d refused\n", pf->intr.irq);
	}
	intr_wr32(pf, NVGPU_VFN_INTR_LEAF_EN_SET(intr_leaf(&pf->intr)), intr_leaf_bit(&pf->intr));
	intr_unmask(pf);
	nvgpu_rpc_set_interrupts(pf, true);
	return 0;
}

/**
 * nvgpu_intr_fini - no more interrupts
 * @pf: the GPU; whoever still waits for GSP-RM polls from here on
 */
void nvgpu_intr_fini(struct nvkm_vgpu_pf *pf)
{
	unsigned int i;

	nvgpu_rpc_set_interrupts(pf, false);
	for (i = 0; i < NVGPU_VFN_INTR_LEAVES; i++)
		intr_wr32(pf, NVGPU_VFN_INTR_LEAF_EN_CLEAR(i), ~0);
	intr_mask(pf);
	free_irq(pf->intr.irq, pf);
	cancel_work_sync(&pf->intr.rest);
	pci_free_irq_vectors(pf->pdev);
}
