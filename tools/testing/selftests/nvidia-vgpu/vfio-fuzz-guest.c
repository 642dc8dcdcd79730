// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hostile guest does with its vGPU, as a VMM hands it on: configuration space and what is
 * trapped by read and write, all else by mappings.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "guest/vf.h"
#include "vfio-fuzz.h"

#define STRANGE		0x400000000000ull	/* an address at which nothing is mapped */

/* where the registers of a VF are: dev_vm NV_VIRTUAL_FUNCTION_PRIV and NV_VIRTUAL_FUNCTION */
static const struct {
	uint32_t first, last;
} places[] = {
	{ 0x0, 0x10 }, { 0xa00, 0xa10 },
	{ VF_BAR1_BLOCK, VF_BIND_STATUS + 0x10 },
	{ VF_INTR_LEAF(0), 0x1700 }, { 0x1700, 0x1720 },
	{ 0x2100, VF_DOORBELL + 0x10 },
	{ 0x3000, 0x3100 },
	{ VF_MSIX_TABLE, VF_MSIX_TABLE + 0x80 },
	{ 0x30000, 0x300a0 },
	{ 0x0, VF_BAR0_SIZE },
};

/* a mapping of the whole region, made when it is first used; NULL if there is none */
static uint8_t *bar(struct fuzz_thread *t, unsigned int index)
{
	struct fuzz *f = t->fuzz;
	struct fuzz_slot *slot = &f->slot[index];
	unsigned int turn = 0;
	uint8_t *p = f->arena + SLOT_SIZE * index;

	if (atomic_load(&slot->turn) == 2)
		return p;
	if (!atomic_compare_exchange_strong(&slot->turn, &turn, 1))
		return NULL;
	if (mmap(p, f->size[index], PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, f->dev.fd,
		 (uint64_t)index << REGION_SHIFT) == MAP_FAILED)
		return NULL;
	atomic_store(&slot->turn, 2);
	return p;
}

static unsigned int some_width(struct fuzz_thread *t)
{
	return fuzz_one_in(t, 2) ? 4 : 1u << fuzz_below(t, 4);
}

static unsigned int op_registers(struct fuzz_thread *t)
{
	unsigned int n = fuzz_below(t, sizeof(places) / sizeof(places[0])), width = some_width(t);
	uint64_t pos = places[n].first + fuzz_below(t, places[n].last - places[n].first);
	uint8_t *p = bar(t, VFIO_PCI_BAR0_REGION_INDEX);
	uint64_t table = t->fuzz->table & ~(PAGE - 1);

	pos &= ~(uint64_t)(width - 1);
	if (!p)
		return OUTCOME(EAGAIN);
	if (pos < table || pos >= table + PAGE)
		return fuzz_access(t, p + pos, width, fuzz_one_in(t, 2));
	return fuzz_rw(t, VFIO_PCI_BAR0_REGION_INDEX, pos, width, fuzz_one_in(t, 2));
}

static unsigned int op_memory(struct fuzz_thread *t)
{
	unsigned int index = fuzz_one_in(t, 3) ? VFIO_PCI_BAR3_REGION_INDEX :
						 VFIO_PCI_BAR1_REGION_INDEX;
	unsigned int width = some_width(t);
	uint8_t *p = bar(t, index);
	uint64_t pos = fuzz_edge(t, t->fuzz->size[index]) & ~(uint64_t)(width - 1);

	if (!p)
		return OUTCOME(EAGAIN);
	if (pos < t->fuzz->size[index])
		return fuzz_access(t, p + pos, width, fuzz_one_in(t, 2));
	return fuzz_rw(t, index, pos, width, fuzz_one_in(t, 2));
}

/* all of it, and the standard header and the capabilities that do something more often */
static unsigned int op_config(struct fuzz_thread *t)
{
	const uint64_t starts[] = { 0, PCI_BASE_ADDRESS_0, t->fuzz->express, t->fuzz->pm, 0x40, 0 };
	unsigned int width = 1u << fuzz_below(t, 3);
	uint64_t pos = PICK(t, starts) + fuzz_below(t, 0x40);

	if (fuzz_one_in(t, 3))
		pos = fuzz_below(t, PCI_CFG_SPACE_EXP_SIZE);
	return fuzz_rw(t, VFIO_PCI_CONFIG_REGION_INDEX, pos & ~(uint64_t)(width - 1), width,
		       fuzz_one_in(t, 2));
}

#define WRITES	3

struct write {
	uint32_t reg, val;
};

/* one after the other */
static unsigned int write_registers(struct fuzz_thread *t, const struct write *writes)
{
	uint8_t *p = bar(t, VFIO_PCI_BAR0_REGION_INDEX);
	unsigned int i, outcome = p ? OUTCOME_OK : EAGAIN;

	for (i = 0; p && !outcome && i < WRITES; i++)
		outcome = fuzz_store(t, p + writes[i].reg, writes[i].val);
	return outcome;
}

/* a page that a buffer may be in; wrong ones, too */
static uint64_t some_buffer(struct fuzz_thread *t, uint64_t flags)
{
	const uint64_t bases[] = {
		t->fuzz->dev.iova, t->fuzz->dev.iova, t->fuzz->dev.iova, t->fuzz->dev.iova,
		0, STRANGE, -PAGE, 1ull << 40, VF_BAR1_SIZE,
	};
	uint64_t base = PICK(t, bases);

	base += fuzz_edge(t, BUFFER_SIZE) & ~(PAGE - 1);
	if (fuzz_one_in(t, 16))
		return fuzz_random(t);
	return base | (fuzz_one_in(t, 8) ? fuzz_random(t) & (PAGE - 1) : flags);
}

static void put(struct fuzz_thread *t, uint64_t at, uint64_t val, unsigned int len)
{
	memcpy((uint8_t *)t->fuzz->dev.buffer + at, &val, len);
}

/* a control buffer and a message that could be right, and are in part */
static void scribble(struct fuzz_thread *t, uint64_t control)
{
	const unsigned int fields[] = {
		CTRL_RESPONSE_BUF, CTRL_MESSAGE_BUF, CTRL_SHARED_MEM, CTRL_EVENT_BUF,
	};
	uint64_t message = fuzz_below(t, BUFFER_SIZE / MESSAGE_SIZE) * MESSAGE_SIZE;
	unsigned int i;

	put(t, control + CTRL_VERSION, fuzz_one_in(t, 8) ? fuzz_random(t) : CTRL_VERSION_2, 4);
	put(t, control + CTRL_REQUEST_ID, fuzz_below(t, 64), 4);
	put(t, control + CTRL_GUEST_OS_TYPE, CTRL_OS_LINUX_X86_64, 4);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		put(t, control + fields[i],
		    some_buffer(t, BUF_SYSMEM | BUF_VALID | (i == 1 ? BUF_128K : 0)), 8);
	if (!fuzz_one_in(t, 4))
		put(t, control + CTRL_MESSAGE_BUF,
		    (t->fuzz->dev.iova + message) | BUF_128K | BUF_SYSMEM | BUF_VALID, 8);
	put(t, message + RPC_HEADER_VERSION, RPC_HEADER_VERSION_3, 4);
	put(t, message + RPC_SIGNATURE, RPC_SIGNATURE_VRPC, 4);
	put(t, message + RPC_LENGTH, fuzz_one_in(t, 4) ? fuzz_random(t) :
	    fuzz_below(t, MESSAGE_SIZE), 4);
	put(t, message + RPC_FUNCTION, fuzz_below(t, 256), 4);
	for (i = 0; i < 8; i++)
		put(t, message + RPC_HEADER_SIZE + fuzz_below(t, INFO_SIZE), fuzz_random(t), 4);
}

/* the plugin task is told where to look, and to look */
static unsigned int op_doorbell(struct fuzz_thread *t)
{
	uint64_t control = fuzz_below(t, BUFFER_SIZE / PAGE) * PAGE, word;
	uint32_t bell = fuzz_one_in(t, 8) ? (uint32_t)fuzz_random(t) : fuzz_below(t, 3);

	scribble(t, control);
	word = fuzz_one_in(t, 3) ? some_buffer(t, BUF_SYSMEM | BUF_VALID) :
	       (t->fuzz->dev.iova + control) | BUF_SYSMEM | BUF_VALID;
	return write_registers(t, (const struct write[]){
		{ VF_CTRL_ADDR_HI, word >> 32 }, { VF_CTRL_ADDR_LO, word }, { VF_DOORBELL, bell },
	});
}

/* what a VMM does when a guest turns MSI-X on or off */
static unsigned int op_vectors(struct fuzz_thread *t)
{
	struct {
		struct vfio_irq_set set;
		int32_t fds[VF_MSIX_VECTORS];
	} u = {
		.set = {
			.argsz = sizeof(u),
			.flags = VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_EVENTFD,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = VF_MSIX_VECTORS,
		},
	};
	unsigned int i;

	if (fuzz_one_in(t, 3)) {
		u.set.flags = VFIO_IRQ_SET_ACTION_TRIGGER | VFIO_IRQ_SET_DATA_NONE;
		u.set.count = 0;
	}
	for (i = 0; i < VF_MSIX_VECTORS; i++)
		u.fds[i] = t->fuzz->eventfd[i];
	return fuzz_outcome(ioctl(t->fuzz->dev.fd, VFIO_DEVICE_SET_IRQS, &u));
}

/* every vector, as fast as it goes */
static unsigned int op_interrupts(struct fuzz_thread *t)
{
	unsigned int vector = fuzz_below(t, 32 * VF_INTR_LEAVES), leaf = vector / 32;

	return write_registers(t, (const struct write[]){
		{ VF_INTR_LEAF_EN_SET(leaf), ~0u }, { VF_INTR_TOP_EN_SET, ~0u },
		{ VF_INTR_LEAF_TRIGGER, vector },
	});
}

/* several in a row, the function's own and the VMM's */
static unsigned int op_storm(struct fuzz_thread *t)
{
	uint16_t flr = PCI_EXP_DEVCTL_BCR_FLR;
	unsigned int i, outcome = EAGAIN;

	for (i = fuzz_below(t, 4); i < 4; i++)
		outcome = t->fuzz->express && fuzz_one_in(t, 2) ?
			  fuzz_config_write(t, t->fuzz->express + PCI_EXP_DEVCTL, &flr,
					    sizeof(flr)) : fuzz_reset(t);
	return outcome;
}

const struct fuzz_op fuzz_guest_ops[] = {
	{ "config space", 30, op_config, true },
	{ "BAR0", 40, op_registers, true },
	{ "BAR1, BAR3", 20, op_memory, true },
	{ "doorbell", 10, op_doorbell, true },
	{ "vectors", 2, op_vectors, true },
	{ "interrupts", 6, op_interrupts, true },
	{ "resets", 1, op_storm, true },
	{ "heal", 10, fuzz_heal, true },
	{ 0 }
};
