/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_SCRUB_H
#define _NVKM_VGPU_SCRUB_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "rm/channel.h"
#include "vgpu/chid.h"

struct nvgpu_bar1;
struct nvgpu_fb_block;
struct nvgpu_gpu;

#define NVGPU_SCRUB_BLOCKS	2

/**
 * struct nvgpu_scrub_job - framebuffer of a vGPU that is to be cleared
 * @node: in &nvgpu_scrub.queue
 * @gfid: whose
 * @block: what it has
 * @num: how many of @block are to be cleared this time
 * @index: the one that is being cleared
 * @done: bytes of it that are
 * @queued: it is in the queue
 * @out: somebody uses the memory; it is not clean whatever is cleared
 * @used: somebody has used it since it was clean
 * @told: the log says that it could not be cleared
 * @error: of the last time
 * @ended: the last time is over
 *
 * &nvgpu_scrub.lock protects it, and nvgpu_fb_block.clean of its blocks.
 */
struct nvgpu_scrub_job {
	struct list_head node;
	u32 gfid;
	struct nvgpu_fb_block *block[NVGPU_SCRUB_BLOCKS];
	unsigned int num;
	unsigned int index;
	u64 done;
	bool queued;
	bool out;
	bool used;
	bool told;
	int error;
	struct completion ended;
};

/**
 * struct nvgpu_scrub - clears framebuffer by a copy engine
 * @rm: objects of GSP-RM
 * @bar1: has page tables, instance block and USERD in its spare framebuffer
 * @lock: see vgpu/pf.h; protects what follows
 * @queue: jobs, the next one first
 * @engine: that clears, to be shown
 * @busy: channel ids of vGPUs that are open
 * @num_chids: how many there are
 * @chid: that the channel has, 0 if there is no channel
 * @launches: of the engine that are over
 * @bytes: that it cleared
 * @failures: jobs that ended without
 * @work: does the work
 * @channel: see vgpu/pf.h; protects what follows
 * @up: there is an engine
 * @lost: GSP-RM did not confirm the end of the last channel, which may still write
 * @client: client of GSP-RM
 * @vaspace: handle of the VA space
 * @chan: the channel, as long as there is work
 * @error: GSP-RM says that it had an error
 * @page: ring, methods, semaphore
 * @page_dma: where they are for the GPU
 * @methods: what an engine leaves behind that faults
 * @methods_dma: where that is for the GPU
 * @methods_size: its bytes
 * @seq: number of the last launch
 * @vector: by which the engine says that a launch is over; ~0 if by none. Written by start
 * @interrupts: that came
 * @told: one came; not protected
 */
struct nvgpu_scrub {
	struct nvgpu_rm *rm;
	struct nvgpu_bar1 *bar1;
	struct mutex lock;	/* see above */
	struct list_head queue __guarded_by(&lock);
	struct nvgpu_engine engine __guarded_by(&lock);
	struct nvgpu_chids busy __guarded_by(&lock);
	u32 num_chids __guarded_by(&lock);
	u32 chid __guarded_by(&lock);
	u64 launches __guarded_by(&lock);
	u64 bytes __guarded_by(&lock);
	u64 failures __guarded_by(&lock);
	struct work_struct work;
	struct mutex channel;	/* see above */
	bool up __guarded_by(&channel);
	bool lost __guarded_by(&channel);
	struct nvgpu_rm_client client __guarded_by(&channel);
	u32 vaspace __guarded_by(&channel);
	struct nvgpu_rm_channel chan __guarded_by(&channel);
	bool error;
	void *page __guarded_by(&channel);
	dma_addr_t page_dma;
	void *methods __guarded_by(&channel);
	dma_addr_t methods_dma __guarded_by(&channel);
	u32 methods_size __guarded_by(&channel);
	u32 seq __guarded_by(&channel);
	u32 vector;
	atomic_t interrupts;
	struct completion told;
};

void nvgpu_scrub_init(struct nvgpu_scrub *scrub, struct nvgpu_rm *rm, struct nvgpu_bar1 *bar1);
void nvgpu_scrub_fini(struct nvgpu_scrub *scrub);
int nvgpu_scrub_start(struct nvgpu_scrub *scrub, u32 num_chids);
void nvgpu_scrub_stop(struct nvgpu_scrub *scrub);
void nvgpu_scrub_interrupt(struct nvgpu_scrub *scrub);
void nvgpu_scrub_channel_error(struct nvgpu_scrub *scrub, u32 chid);

void nvgpu_scrub_job_init(struct nvgpu_scrub_job *job, u32 gfid, struct nvgpu_fb_block *fb,
			  struct nvgpu_fb_block *heap);
void nvgpu_scrub_queue(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, unsigned int num);
int nvgpu_scrub_wait(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, bool killable);
bool nvgpu_scrub_is_busy(struct nvgpu_scrub *scrub, const struct nvgpu_scrub_job *job);
bool nvgpu_scrub_is_clean(struct nvgpu_scrub *scrub, const struct nvgpu_scrub_job *job);
bool nvgpu_scrub_is_due(struct nvgpu_scrub *scrub, const struct nvgpu_scrub_job *job);
void nvgpu_scrub_soil(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job);

int nvgpu_scrub_hand_out(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, u32 chid_start,
			 u32 num_chids);
void nvgpu_scrub_take_back(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, u32 chid_start,
			   u32 num_chids);

/* for the worker, and for tests */
struct nvgpu_scrub_job *nvgpu_scrub_next(struct nvgpu_scrub *scrub, u64 *start, u64 *size);
bool nvgpu_scrub_ends(struct nvgpu_scrub *scrub, const struct nvgpu_scrub_job *job, u64 size,
		      int error);
void nvgpu_scrub_account(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, u64 size,
			 int error);

#endif
