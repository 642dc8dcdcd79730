// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of the PF.
 *
 * A vector of the GPU is a bit in a leaf of its interrupt tree; two leaves make a bit of the top.
 * Each function has such a tree and sends a message, or raises its pin, when an enabled top bit is
 * set. The tree is as a level: it has to be masked at its top until everything below was served,
 * and enabling it again sends anew what is still pending.
 *
 * GSP-RM interrupts the PF, and the copy engine that clears framebuffer. What other engines have to
 * say GSP-RM says itself, in messages.
 */
#include <linux/interrupt.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "intr.h"
#include "regs/bus.h"
#include "regs/falcon.h"
#include "regs/gpu.h"
#include "regs/vfn.h"
#include "rm/rm.h"
#include "vgpu/pf.h"

#define INTR_ROUNDS	8	/* a whole queue each */

static u32 intr_rd32(struct nvgpu_intr *intr, u32 reg)
{
	return nvgpu_rd32(&intr->pf->gpu, NVGPU_VFN_PF + reg);
}

static void intr_wr32(struct nvgpu_intr *intr, u32 reg, u32 val)
{
	nvgpu_wr32(&intr->pf->gpu, NVGPU_VFN_PF + reg, val);
}

static u32 intr_leaf(u32 vector)
{
	return vector / 32;
}

static u32 intr_leaf_bit(u32 vector)
{
	return BIT(vector % 32);
}

static u32 intr_top_bits(const struct nvgpu_intr *intr)
{
	u32 bits = BIT(intr_leaf(intr->vector) / 2);

	if (READ_ONCE(intr->copy))
		bits |= BIT(intr_leaf(intr->copy_vector) / 2);
	return bits;
}

static void intr_enable(struct nvgpu_intr *intr, u32 vector)
{
	intr_wr32(intr, NVGPU_VFN_INTR_LEAF_EN_SET(intr_leaf(vector)), intr_leaf_bit(vector));
}

static void intr_disable(struct nvgpu_intr *intr, u32 vector)
{
	intr_wr32(intr, NVGPU_VFN_INTR_LEAF_EN_CLEAR(intr_leaf(vector)), intr_leaf_bit(vector));
}

/* is it pending? what comes from here on is another one */
static bool intr_take(struct nvgpu_intr *intr, u32 vector)
{
	u32 leaf = intr_rd32(intr, NVGPU_VFN_INTR_LEAF(intr_leaf(vector)));

	if (nvgpu_pri_error(leaf) || !(leaf & intr_leaf_bit(vector)))
		return false;
	intr_wr32(intr, NVGPU_VFN_INTR_LEAF(intr_leaf(vector)), intr_leaf_bit(vector));
	return true;
}

static void intr_mask(struct nvgpu_intr *intr)
{
	intr_wr32(intr, NVGPU_VFN_INTR_TOP_EN_CLEAR, NVGPU_VFN_INTR_TOP_ALL);
}

static void intr_unmask(struct nvgpu_intr *intr)
{
	/* a message of the old kind is sent once until it is armed again */
	if (intr->pf->gpu.pdev->msi_enabled)
		nvgpu_wr32(&intr->pf->gpu, NVGPU_XVE_MSI_REARM, 0);
	intr_wr32(intr, NVGPU_VFN_INTR_TOP_EN_SET, intr_top_bits(intr));
}

static irqreturn_t intr_handler(int irq, void *data)
{
	struct nvgpu_intr *intr = data;

	/* the pin may be another device's; a GPU that is gone reads as all ones */
	if (!intr->pf->gpu.pdev->msi_enabled && !intr->pf->gpu.pdev->msix_enabled) {
		u32 top = intr_rd32(intr, NVGPU_VFN_INTR_TOP);

		if (top == ~0U || nvgpu_pri_error(top) || !(top & intr_top_bits(intr)))
			return IRQ_NONE;
	}
	intr_mask(intr);
	return IRQ_WAKE_THREAD;
}

/* false: there may be more */
static bool intr_drain(struct nvgpu_intr *intr)
{
	unsigned int i;

	for (i = 0; i < INTR_ROUNDS; i++)
		if (!nvgpu_rpc_receive(&intr->pf->gsp.rpc))
			return true;
	return false;
}

/*
 * A firmware that says more than anybody can read must not keep a CPU from others, as the
 * interrupt's thread would. A worker has no more right than they, and until it has read all there
 * are no interrupts of GSP-RM.
 */
static void intr_rest(struct work_struct *work)
{
	struct nvgpu_intr *intr = container_of(work, struct nvgpu_intr, rest);

	if (intr_drain(intr))
		intr_enable(intr, intr->vector);
	else
		queue_work(system_dfl_wq, &intr->rest);
}

static void intr_serve(struct nvgpu_intr *intr)
{
	struct nvgpu_health *health = &intr->pf->gsp.health;
	struct nvgpu_falcon *gsp = &intr->pf->gsp.boot.gsp;
	u32 status = 0;

	if (!nvgpu_health_is_locked(health)) {
		status = nvgpu_falcon_rd32(gsp, NVGPU_FALCON_IRQSTAT);
		status = nvgpu_pri_error(status) ? 0 : status & (NVGPU_FALCON_IRQ_SWGEN0 |
								 NVGPU_FALCON_IRQ_HALT);
		/* what comes from here on interrupts anew */
		nvgpu_falcon_wr32(gsp, NVGPU_FALCON_IRQSCLR, status);
	}
	if (!intr_drain(intr)) {
		intr_disable(intr, intr->vector);
		queue_work(system_dfl_wq, &intr->rest);
	}
	if (status & NVGPU_FALCON_IRQ_HALT)
		nvgpu_health_look(health);
	/* one of the messages may have been that registers are locked from now on */
	if (!nvgpu_health_is_locked(health))
		nvgpu_falcon_wr32(gsp, NVGPU_FALCON_INTR_RETRIGGER,
				  NVGPU_FALCON_INTR_RETRIGGER_TRIGGER);
}

static irqreturn_t intr_thread(int irq, void *data)
{
	struct nvgpu_intr *intr = data;

	if (READ_ONCE(intr->copy) && intr_take(intr, intr->copy_vector))
		nvgpu_scrub_interrupt(&intr->pf->scrub);
	if (intr_take(intr, intr->vector))
		intr_serve(intr);
	/* who is dead has nothing to say any more, and may say it for ever */
	if (!nvgpu_health_is_dead(&intr->pf->gsp.health))
		intr_unmask(intr);
	return IRQ_HANDLED;
}

/*
 * As long as something is pending that was sent before, the tree sends nothing more. So a message
 * that got lost would take all that follow with it.
 */
static void intr_again(void *data)
{
	intr_unmask(data);
}

/* which vector is GSP-RM's */
static int intr_find_vector(struct nvgpu_intr *intr)
{
	void *buf __free(kfree) = kzalloc(intr->pf->gpu.abi->board->intr_table.size, GFP_KERNEL);
	struct device *dev = &intr->pf->gpu.pdev->dev;
	int ret;

	if (!buf)
		return -ENOMEM;
	ret = nvgpu_rm_query(&intr->pf->rm, &intr->pf->gpu.abi->board->intr_table, buf);
	if (ret)
		return dev_err_probe(dev, ret, "GSP-RM has no interrupt table\n");
	ret = intr->pf->gpu.abi->decode_intr_table(buf, intr->pf->gpu.abi->board->intr_table.size,
						   &intr->vector);
	if (ret || intr->vector >= NVGPU_VFN_INTR_VECTORS)
		return dev_err_probe(dev, -EPROTO,
				     "GSP-RM's interrupt table lacks its own vector\n");
	return 0;
}

/**
 * nvgpu_intr_init - have GSP-RM's messages announced by interrupt
 * @intr: result
 * @pf: the GPU, GSP-RM running
 */
int nvgpu_intr_init(struct nvgpu_intr *intr, struct nvkm_vgpu_pf *pf)
{
	struct pci_dev *pdev = pf->gpu.pdev;
	unsigned int i;
	int ret;

	intr->pf = pf;
	intr->copy = false;
	ret = intr_find_vector(intr);
	if (ret)
		return ret;
	INIT_WORK(&intr->rest, intr_rest);
	intr_mask(intr);
	for (i = 0; i < NVGPU_VFN_INTR_LEAVES; i++)
		intr_wr32(intr, NVGPU_VFN_INTR_LEAF_EN_CLEAR(i), ~0);

	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (ret < 0)
		return dev_err_probe(&pdev->dev, ret, "no interrupt\n");
	intr->irq = pci_irq_vector(pdev, 0);
	ret = request_threaded_irq(intr->irq, intr_handler, intr_thread,
				   pdev->msi_enabled || pdev->msix_enabled ? 0 : IRQF_SHARED,
				   "nvkm-vgpu", intr);
	if (ret) {
		pci_free_irq_vectors(pdev);
		return dev_err_probe(&pdev->dev, ret, "interrupt %d refused\n", intr->irq);
	}
	intr_enable(intr, intr->vector);
	intr_unmask(intr);
	nvgpu_rpc_set_interrupts(&pf->gsp.rpc, intr_again, intr);
	return 0;
}

/**
 * nvgpu_intr_listen_copy - have the end of a launch announced that clears framebuffer
 * @intr: interrupts; nothing happens if the engine has none. Until nvgpu_intr_fini()
 */
void nvgpu_intr_listen_copy(struct nvgpu_intr *intr)
{
	u32 vector = intr->pf->scrub.vector;

	if (vector >= NVGPU_VFN_INTR_VECTORS)
		return;
	intr->copy_vector = vector;
	WRITE_ONCE(intr->copy, true);
	intr_enable(intr, vector);
	intr_unmask(intr);
}

/**
 * nvgpu_intr_fini - no more interrupts
 * @intr: interrupts; whoever still waits for GSP-RM polls from here on
 */
void nvgpu_intr_fini(struct nvgpu_intr *intr)
{
	unsigned int i;

	nvgpu_rpc_set_interrupts(&intr->pf->gsp.rpc, NULL, NULL);
	/* it would enable its vector again; from here on the thread cannot queue it */
	disable_work_sync(&intr->rest);
	for (i = 0; i < NVGPU_VFN_INTR_LEAVES; i++)
		intr_wr32(intr, NVGPU_VFN_INTR_LEAF_EN_CLEAR(i), ~0);
	intr_mask(intr);
	free_irq(intr->irq, intr);
	pci_free_irq_vectors(intr->pf->gpu.pdev);
}
