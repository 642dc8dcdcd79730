/*
 * NVIDIA Ada GPU: interrupt tree of one function
 *
 * 256 vectors latch in eight leaves; a leaf and its neighbour feed one bit of TOP. A source that stays active does not
 * latch again by itself: its block has a re-trigger register. What is latched and enabled all the way up is a level:
 *
 *   assumption VF-MSIX   a VF sends MSI-X vector 0 when a subtree becomes pending, and again when TOP_EN_SET finds one
 *   assumption PF-IRQ    the PF does the same by MSI-X vector 0, else by MSI (which sends once and then nothing until
 *                        it is armed again, which sends what is pending); INTx simply is that level
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/msi.h"
#include "hw/pci/msix.h"
#include "hw/qdev-core.h"
#include "ada.h"

/* offsets in the virtual-function register block */
#define LEAF            0x1000
#define LEAF_EN_SET     0x1200
#define LEAF_EN_CLEAR   0x1400
#define TOP             0x1600
#define TOP_EN_SET      0x1608
#define TOP_EN_CLEAR    0x1610
#define LEAF_TRIGGER    0x1640
#define TRIGGER_VECTOR  0xfff

#define SUBTREES        (ADA_INTR_LEAVES / 2)
#define SUBTREE_MASK    ((1u << SUBTREES) - 1)

static uint32_t intr_top(const AdaIntr *t)
{
    uint32_t top = 0;

    for (unsigned int i = 0; i < ADA_INTR_LEAVES; i++) {
        if (t->leaf[i] & t->leaf_en[i]) {
            top |= 1u << (i / 2);
        }
    }
    return top;
}

static void intr_update(AdaFunc *f, bool again)
{
    AdaIntr *t = &f->intr;
    uint32_t pending = intr_top(t) & t->top_en;
    bool send = (pending & ~t->signalled) || (again && pending);
    PCIDevice *pdev = f->pdev;
    bool messages;

    if (!pdev || f->gpu->faults.off_bus) {
        return;
    }
    t->signalled = pending;
    messages = msix_enabled(pdev) || msi_enabled(pdev);
    if (!messages && f->gfid) {
        return;
    }
    if (messages && !msix_enabled(pdev)) {
        send &= t->armed;
        t->armed &= !send;
    }
    if (send) {     /* one that is lost counts as sent: only what sends again brings it back */
        t->lost = ada_fault_interrupt(f);
    }
    send &= !t->lost;
    f->stats.interrupts += send;
    if (!messages) {
        pci_set_irq(pdev, pending && !t->lost);
    } else if (send) {
        f->intr.message = true;
        qemu_bh_schedule(f->gpu->messages);
    }
}

static void send_message(AdaFunc *f)
{
    if (!f || !f->pdev || !f->intr.message) {
        return;
    }
    f->intr.message = false;
    if (msix_enabled(f->pdev)) {
        msix_notify(f->pdev, 0);
    } else if (msi_enabled(f->pdev)) {
        msi_notify(f->pdev, 0);
    }
}

/*
 * A message goes where the driver said, which may be a register of the machine that resets this GPU before the write
 * returns: so it leaves when nothing else of the model runs. Two that meet here are one, as they are in a processor
 */
static void send_messages(void *opaque)
{
    AdaState *s = opaque;

    send_message(&s->func);
    for (unsigned int i = 0; i < ADA_MAX_VFS; i++) {
        send_message(s->vf[i]);
    }
}

void ada_intr_init(AdaState *s)
{
    s->messages = qemu_bh_new_guarded(send_messages, s, &DEVICE(s)->mem_reentrancy_guard);
}

void ada_intr_exit(AdaState *s)
{
    g_clear_pointer(&s->messages, qemu_bh_delete);
}

void ada_intr_raise(AdaFunc *f, unsigned int vector)
{
    if (vector / 32 >= ADA_INTR_LEAVES) {
        return;
    }
    f->intr.leaf[vector / 32] |= 1u << (vector % 32);
    intr_update(f, false);
}

void ada_intr_rearm(AdaFunc *f)
{
    f->intr.armed = true;
    if (f->pdev && msi_enabled(f->pdev)) {
        intr_update(f, true);
    }
}

void ada_intr_reset(AdaFunc *f)
{
    f->intr = (AdaIntr) { .armed = true };
    intr_update(f, false);
}

void ada_intr_off_bus(AdaFunc *f)
{
    if (!f->gpu->faults.off_bus) {
        intr_update(f, false);
    } else if (f->gfid == 0) {
        pci_set_irq(f->pdev, 0);
    }
}

uint32_t ada_intr_read(AdaFunc *f, uint32_t off)
{
    AdaIntr *t = &f->intr;
    unsigned int i = (off & 0x1f) / 4;

    switch (off) {
    case LEAF ... LEAF + 4 * (ADA_INTR_LEAVES - 1):
        return t->leaf[i];
    case LEAF_EN_SET ... LEAF_EN_SET + 4 * (ADA_INTR_LEAVES - 1):
    case LEAF_EN_CLEAR ... LEAF_EN_CLEAR + 4 * (ADA_INTR_LEAVES - 1):
        return t->leaf_en[i];
    case TOP:
        return intr_top(t);
    case TOP_EN_SET:
    case TOP_EN_CLEAR:
        return t->top_en;
    }
    return 0;
}

void ada_intr_write(AdaFunc *f, uint32_t off, uint32_t val)
{
    AdaIntr *t = &f->intr;
    unsigned int i = (off & 0x1f) / 4;

    switch (off) {
    case LEAF ... LEAF + 4 * (ADA_INTR_LEAVES - 1):
        t->leaf[i] &= ~val;
        break;
    case LEAF_EN_SET ... LEAF_EN_SET + 4 * (ADA_INTR_LEAVES - 1):
        t->leaf_en[i] |= val;
        break;
    case LEAF_EN_CLEAR ... LEAF_EN_CLEAR + 4 * (ADA_INTR_LEAVES - 1):
        t->leaf_en[i] &= ~val;
        break;
    case TOP_EN_SET:
        t->top_en |= val & SUBTREE_MASK;
        intr_update(f, true);
        return;
    case TOP_EN_CLEAR:
        t->top_en &= ~val;
        break;
    case LEAF_TRIGGER:
        ada_intr_raise(f, val & TRIGGER_VECTOR);
        return;
    }
    intr_update(f, false);
}
