/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of vfio-fuzz share. */
#ifndef _NVGPU_VFIO_FUZZ_H
#define _NVGPU_VFIO_FUZZ_H

#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vfio.h>

#include "vfio-dev.h"

#define PAGE		0x1000ull
#define REGION_SHIFT	40	/* places of regions, as GET_REGION_INFO must say, too */
#define BUFFER_SIZE	0x200000
#define ROOM_SIZE	0x10000
#define MAX_THREADS	8
#define MAX_ERRNO	134
#define SLOTS		16	/* mappings of BARs, shared by all threads */
#define SLOT_SIZE	0x20000000ull
#define EVENTFDS	8	/* more than there are vectors */
#define FDS		8	/* dma-bufs that are kept for a while */

/* what became of a call; errors are below MAX_ERRNO */
#define OUTCOME_OK	0
#define OUTCOME(error)	(error)	/* not a call's own */
#define OUTCOME_SIGNAL	MAX_ERRNO	/* SIGBUS or SIGSEGV */
#define OUTCOMES	(MAX_ERRNO + 1)

/**
 * struct fuzz_slot - an address range in which a BAR may be mapped
 * @turn: odd while it is being changed
 * @index: the region
 * @offset: in it
 * @size: of the mapping, 0 if there is none
 */
struct fuzz_slot {
	atomic_uint turn;
	unsigned int index;
	uint64_t offset, size;
};

/**
 * struct fuzz - the device as all threads have it
 * @dev: the device
 * @size: sizes of its regions
 * @config: what cannot change at the start of configuration space: ids
 * @table: the page of BAR0 that cannot be mapped
 * @express: the PCI Express capability, 0 if there is none
 * @pm: the one for power management, 0 if there is none
 * @arena: address ranges of the slots
 * @slot: mappings
 * @fd: dma-bufs, -1 where there is none
 * @eventfd: some that work
 * @resets: how many may still be done, as each takes long
 */
struct fuzz {
	struct vfio_dev dev;
	uint64_t size[VFIO_PCI_NUM_REGIONS];
	uint8_t config[64];
	uint64_t table;
	unsigned int express, pm;
	uint8_t *arena;
	struct fuzz_slot slot[SLOTS];
	atomic_int fd[FDS];
	int eventfd[EVENTFDS];
	atomic_int resets;
};

/**
 * struct fuzz_thread - one that makes calls
 * @fuzz: the device
 * @random: state of its numbers
 * @number: its own
 * @calls: to make
 * @op: kind of the one that is being made
 * @room: memory for arguments; behind it and at its end nothing can be accessed
 * @fixed: the same, for reading only
 * @jump: where SIGBUS and SIGSEGV go
 */
struct fuzz_thread {
	struct fuzz *fuzz;
	uint64_t random;
	unsigned int number;
	unsigned long calls;
	unsigned int op;
	uint8_t *room, *fixed;
	sigjmp_buf jump;
};

/**
 * struct fuzz_op - a kind of call
 * @name: for the table
 * @weight: how often it is chosen
 * @run: makes one, and returns OUTCOME_*
 * @useful: it must have worked at least once in a long run
 */
struct fuzz_op {
	const char *name;
	unsigned int weight;
	unsigned int (*run)(struct fuzz_thread *t);
	bool useful;
};

extern const struct fuzz_op fuzz_user_ops[], fuzz_guest_ops[];

uint64_t fuzz_random(struct fuzz_thread *t);
uint64_t fuzz_below(struct fuzz_thread *t, uint64_t n);
bool fuzz_one_in(struct fuzz_thread *t, unsigned int n);
uint64_t fuzz_edge(struct fuzz_thread *t, uint64_t size);
bool fuzz_may_reset(struct fuzz_thread *t);
unsigned int fuzz_outcome(long ret);
unsigned int fuzz_config_write(struct fuzz_thread *t, uint64_t pos, void *data, size_t len);
unsigned int fuzz_access(struct fuzz_thread *t, volatile uint8_t *p, unsigned int width,
			 bool write);
unsigned int fuzz_store(struct fuzz_thread *t, volatile uint8_t *p, uint32_t val);
unsigned int fuzz_heal(struct fuzz_thread *t);
unsigned int fuzz_rw(struct fuzz_thread *t, unsigned int index, uint64_t pos, size_t count,
		     bool write);
unsigned int fuzz_reset(struct fuzz_thread *t);

__attribute__((format(printf, 2, 3)))
void fuzz_wrong(struct fuzz_thread *t, const char *fmt, ...);

#define PICK(t, table)	((table)[fuzz_below(t, sizeof(table) / sizeof((table)[0]))])

#endif
