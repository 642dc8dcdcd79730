// SPDX-License-Identifier: GPL-2.0-only
/*
 * Framebuffer of vGPUs is cleared, so that nobody reads what another one left.
 *
 * The CPU cannot do it, gigabytes through an aperture are far too slow. A copy engine fills memory
 * with a constant, at physical addresses, which a privileged channel of the PF may use. The channel
 * has a VA space only for its ring, its methods and the semaphore that says how far it is.
 *
 * A block is clean once the engine has cleared all of it, and until somebody may use it. Everything
 * else is dirty: what was just reserved, as nobody knows who had it before; what was used; what
 * could not be cleared; all of it, after a sleep. Only what is clean is handed out.
 *
 * Work is split into launches of at most 1 GiB, and each goes to the job that waited longest, so
 * that a large vGPU does not hold up small ones. One launch is under way at a time.
 *
 * An interrupt says that it is over, and that is only a hint: the semaphore counts. It is looked at
 * after sleeps that grow, too, as an interrupt can get lost.
 *
 * Ids of channels are one space for all of the GPU, and vGPUs of most sizes have all of it between
 * them. So the channel lives only while there is work, with an id that no open vGPU has, and goes
 * out of the way of one that is about to open. When all ids are taken nothing can be cleared until
 * a vGPU closes, which a reset of that vGPU does (vgpu.c).
 */

#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/bitfield.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/io-64-nonatomic-hi-lo.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "gsp/gsp.h"
#include "gsp/wait.h"
#include "regs/channel.h"
#include "regs/gpu.h"
#include "regs/mmu.h"
#include "vgpu/bar1.h"
#include "vgpu/fbmem.h"
#include "vgpu/scrub.h"

#define LAUNCH_SIZE		((u64)SZ_1G)
/* a copy engine that clears less than 200 MB a second does not work */
#define LAUNCH_TIMEOUT_MS	5000
/* 48 GiB, and as much that was queued before */
#define WAIT_TIMEOUT_MS		60000

/* id 0 is GSP-RM's, as nouveau has it */
#define FIRST_CHID		1

/* in the spare framebuffer of BAR1's tables */
#define FB_INSTANCE		0x0000
#define FB_USERD		0x1000
#define FB_PD3			0x2000
#define FB_PD2			0x3000
#define FB_PD1			0x4000
#define FB_PD0			0x5000
#define FB_PT			0x6000
#define FB_END			0x7000

/* in system memory, and at these addresses from VA on */
#define SYSMEM_RING		0x0000
#define SYSMEM_METHODS		0x1000
#define SYSMEM_SEMAPHORE	0x2000
#define SYSMEM_END		0x3000
#define RING_ENTRIES		(NVGPU_GSP_PAGE / sizeof(__le64))

/* the second 2 MiB: entry 0 of all directories but the last, and entry 1 there */
#define VA			((u64)SZ_2M)

static struct device *scrub_dev(const struct nvgpu_scrub *scrub)
{
	return &scrub->rm->gsp->gpu->pdev->dev;
}

/* ---- engine ---------------------------------------------------------------------------------- */

static void scrub_write_tables(void __iomem *fb, u64 addr, dma_addr_t page)
{
	unsigned int i;

	memset_io(fb, 0, FB_END);
	writeq((addr + FB_PD2) >> NVGPU_MMU_ENTRY_ADDR_SHIFT | NVGPU_MMU_PDE_VIDMEM, fb + FB_PD3);
	writeq((addr + FB_PD1) >> NVGPU_MMU_ENTRY_ADDR_SHIFT | NVGPU_MMU_PDE_VIDMEM, fb + FB_PD2);
	writeq((addr + FB_PD0) >> NVGPU_MMU_ENTRY_ADDR_SHIFT | NVGPU_MMU_PDE_VIDMEM, fb + FB_PD1);
	writeq((addr + FB_PT) >> NVGPU_MMU_ENTRY_ADDR_SHIFT | NVGPU_MMU_PDE_VIDMEM,
	       fb + FB_PD0 + VA / SZ_2M * NVGPU_MMU_PDE0_SIZE + NVGPU_MMU_PDE_SIZE);
	for (i = 0; i < SYSMEM_END / SZ_4K; i++)
		writeq((page + i * SZ_4K) >> NVGPU_MMU_ENTRY_ADDR_SHIFT | NVGPU_MMU_PTE_SYSMEM |
		       NVGPU_MMU_PTE_VALID, fb + FB_PT + i * NVGPU_MMU_PTE_SIZE);
	/* a read does not overtake what was written */
	readq(fb + FB_PT);
}

static void scrub_close(struct nvgpu_scrub *scrub)
	__must_hold(&scrub->channel)
{
	lockdep_assert_held(&scrub->channel);

	if (!nvgpu_rm_channel_fini(&scrub->chan)) {
		scrub->lost = false;
		guard(mutex)(&scrub->lock);
		scrub->chid = 0;
		return;
	}
	if (scrub->lost)
		return;
	/* it may write to what is dirty, until GSP-RM ends it after all or is loaded anew */
	scrub->lost = true;
	/* nor is it while GSP-RM is dead, which was told */
	if (!nvgpu_health_is_dead(&scrub->rm->gsp->health))
		dev_err(scrub_dev(scrub),
			"a channel did not end, framebuffer is not cleared until it does\n");
}

static int scrub_open(struct nvgpu_scrub *scrub)
	__must_hold(&scrub->channel)
{
	void __iomem *fb;
	u64 fb_addr;
	u32 chid;
	int ret;

	lockdep_assert_held(&scrub->channel);

	if (!scrub->up)
		return -EIO;
	/* what GSP-RM has refused once it may do the next time */
	if (scrub->lost)
		scrub_close(scrub);
	if (scrub->lost)
		return -EIO;
	if (scrub->chan.handle)
		return 0;
	scoped_guard(mutex, &scrub->lock) {
		chid = find_next_zero_bit(scrub->busy.used, scrub->num_chids, FIRST_CHID);
		if (chid >= scrub->num_chids)
			return -ENOSPC;
		scrub->chid = chid;
	}

	fb = nvgpu_bar1_spare(scrub->bar1, &fb_addr);
	memset_io(fb + FB_INSTANCE, 0, SZ_4K);
	WRITE_ONCE(scrub->error, false);
	ret = nvgpu_rm_channel_init(&scrub->chan, chid);
	if (ret)
		scrub_close(scrub);
	/* -ENOSPC says that all ids are taken */
	return ret == -ENOSPC ? -EIO : ret;
}

static u32 *scrub_methods(u32 *at, u32 addr, u32 count)
{
	*at++ = NVGPU_METHOD_INC | FIELD_PREP(NVGPU_METHOD_COUNT, count) |
		FIELD_PREP(NVGPU_METHOD_SUBCHANNEL, NVGPU_SUBCHANNEL_COPY) |
		FIELD_PREP(NVGPU_METHOD_ADDR, addr / 4);
	return at;
}

/* returns their number */
static u32 scrub_write_launch(struct nvgpu_scrub *scrub, u64 start, u64 size)
	__must_hold(&scrub->channel)
{
	u32 *methods = scrub->page + SYSMEM_METHODS;
	u32 *at = methods;

	at = scrub_methods(at, NVGPU_SET_OBJECT, 1);
	*at++ = scrub->rm->gsp->gpu->abi->channel->class_copy;
	at = scrub_methods(at, NVGPU_COPY_SET_SEMAPHORE_A, 3);
	*at++ = upper_32_bits(VA + SYSMEM_SEMAPHORE);
	*at++ = lower_32_bits(VA + SYSMEM_SEMAPHORE);
	*at++ = scrub->seq;
	at = scrub_methods(at, NVGPU_COPY_SET_DST_PHYS_MODE, 1);
	*at++ = NVGPU_COPY_PHYS_FB;
	at = scrub_methods(at, NVGPU_COPY_OFFSET_OUT_UPPER, 2);
	*at++ = upper_32_bits(start);
	*at++ = lower_32_bits(start);
	at = scrub_methods(at, NVGPU_COPY_LINE_LENGTH_IN, 1);
	*at++ = size / NVGPU_COPY_REMAP_ELEMENT;
	at = scrub_methods(at, NVGPU_COPY_SET_REMAP_CONST_A, 3);
	*at++ = 0;
	*at++ = 0;
	*at++ = NVGPU_COPY_REMAP_CONST_A_FOUR_BY_FOUR;
	at = scrub_methods(at, NVGPU_COPY_LAUNCH, 1);
	/* the semaphore follows when all that was written can be seen */
	*at++ = NVGPU_COPY_LAUNCH_NON_PIPELINED | NVGPU_COPY_LAUNCH_FLUSH |
		NVGPU_COPY_LAUNCH_RELEASE_ONE_WORD | NVGPU_COPY_LAUNCH_SRC_PITCH |
		NVGPU_COPY_LAUNCH_DST_PITCH | NVGPU_COPY_LAUNCH_REMAP |
		NVGPU_COPY_LAUNCH_DST_PHYS |
		(scrub->vector != ~0U ? NVGPU_COPY_LAUNCH_INTERRUPT : 0);
	return at - methods;
}

static int scrub_look(void *arg)
{
	struct nvgpu_scrub *scrub = arg;
	const u32 *semaphore;

	lockdep_assert_held(&scrub->channel);
	semaphore = scrub->page + SYSMEM_SEMAPHORE;
	if (READ_ONCE(*semaphore) == scrub->seq)
		return 1;
	return READ_ONCE(scrub->error) ? -EIO : 0;
}

static int scrub_clear(struct nvgpu_scrub *scrub, u64 start, u64 size)
	__must_hold(&scrub->channel)
{
	struct nvgpu_wait wait = {
		.look = scrub_look,
		.arg = scrub,
		.wake = &scrub->told,
		.hint = scrub->vector != ~0U,
		.timeout_ms = LAUNCH_TIMEOUT_MS,
		.patient = true,
	};
	int interrupts, ret;

	lockdep_assert_held(&scrub->channel);

	if (!IS_ALIGNED(size, NVGPU_COPY_REMAP_ELEMENT))
		return -EINVAL;
	ret = scrub_open(scrub);
	if (ret)
		return ret;
	scrub->seq++;
	reinit_completion(&scrub->told);
	interrupts = atomic_read(&scrub->interrupts);
	nvgpu_rm_channel_push(&scrub->chan, VA + SYSMEM_METHODS,
			      scrub_write_launch(scrub, start, size));
	ret = nvgpu_wait(&scrub->rm->gsp->health, &wait);
	/* it may be lost */
	if (wait.hint && atomic_read(&scrub->interrupts) == interrupts)
		nvgpu_rpc_again(&scrub->rm->gsp->rpc);
	if (ret)
		scrub_close(scrub);
	return ret;
}

/**
 * nvgpu_scrub_interrupt() - the engine says that a launch is over
 * @scrub: clears framebuffer
 *
 * Context: any.
 */
void nvgpu_scrub_interrupt(struct nvgpu_scrub *scrub)
{
	atomic_inc(&scrub->interrupts);
	complete(&scrub->told);
}

/**
 * nvgpu_scrub_channel_error() - GSP-RM stopped a channel of the PF
 * @scrub: clears framebuffer
 * @chid: its id
 */
void nvgpu_scrub_channel_error(struct nvgpu_scrub *scrub, u32 chid)
{
	/* no lock: its holder may be waiting for GSP-RM, whose message is read here */
	if (context_unsafe(READ_ONCE(scrub->chan.params.chid)) != chid)
		return;
	WRITE_ONCE(scrub->error, true);
	complete(&scrub->told);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

/* a block does not know whose lock is its own, so that the compiler is told here */
static bool scrub_all_clean(const struct nvgpu_scrub *scrub, const struct nvgpu_scrub_job *job)
	__must_hold(&scrub->lock)
{
	unsigned int i;

	lockdep_assert_held(&scrub->lock);

	for (i = 0; i < NVGPU_SCRUB_BLOCKS; i++)
		if (!job->block[i]->clean)
			return false;
	return true;
}

static void scrub_all_dirty(const struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job)
	__must_hold(&scrub->lock)
{
	unsigned int i;

	lockdep_assert_held(&scrub->lock);

	for (i = 0; i < NVGPU_SCRUB_BLOCKS; i++)
		job->block[i]->clean = false;
}

static void scrub_end(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, int error)
	__must_hold(&scrub->lock)
{
	lockdep_assert_held(&scrub->lock);

	list_del(&job->node);
	job->queued = false;
	job->error = error;
	if (error) {
		scrub->failures++;
		/* that all ids are taken is told to who waits, who knows a way */
		if (!job->told && error != -ENOSPC)
			dev_err(scrub_dev(scrub),
				"vGPU %u: framebuffer not cleared, error %d; it is not used until it is\n",
				job->gfid, error);
		job->told |= error != -ENOSPC;
	} else {
		job->told = false;
		if (scrub_all_clean(scrub, job))
			job->used = false;
	}
	complete_all(&job->ended);
}

/**
 * nvgpu_scrub_next() - what is to be cleared next
 * @scrub: clears framebuffer
 * @start: result: framebuffer address
 * @size: result: bytes
 *
 * Context: takes &nvgpu_scrub.lock.
 * Return: whose it is, which goes to the end of the queue; NULL if there is nothing.
 */
struct nvgpu_scrub_job *nvgpu_scrub_next(struct nvgpu_scrub *scrub, u64 *start, u64 *size)
{
	const struct nvgpu_fb_block *block;
	struct nvgpu_scrub_job *job;

	guard(mutex)(&scrub->lock);
	job = list_first_entry_or_null(&scrub->queue, struct nvgpu_scrub_job, node);
	if (!job)
		return NULL;
	list_move_tail(&job->node, &scrub->queue);
	block = job->block[job->index];
	*start = block->start + job->done;
	*size = min(block->size - job->done, LAUNCH_SIZE);
	return job;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_next);

static bool scrub_completes(const struct nvgpu_scrub_job *job, u64 size)
{
	return job->index + 1 == job->num && job->done + size == job->block[job->index]->size;
}

/**
 * nvgpu_scrub_ends() - will nothing be left to do
 * @scrub: clears framebuffer
 * @job: what nvgpu_scrub_next() gave
 * @size: that was cleared of it
 * @error: why it was not
 *
 * Context: takes &nvgpu_scrub.lock.
 */
bool nvgpu_scrub_ends(struct nvgpu_scrub *scrub, const struct nvgpu_scrub_job *job, u64 size,
		      int error)
{
	guard(mutex)(&scrub->lock);
	return list_is_singular(&scrub->queue) && (error || scrub_completes(job, size));
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_ends);

/**
 * nvgpu_scrub_account() - a launch is over
 * @scrub: clears framebuffer
 * @job: what nvgpu_scrub_next() gave
 * @size: that was cleared of it
 * @error: why it was not
 *
 * An engine that does not end is not tried with all other jobs, each of which would have to wait.
 *
 * Context: takes &nvgpu_scrub.lock.
 */
void nvgpu_scrub_account(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, u64 size,
			 int error)
{
	struct nvgpu_fb_block *block = job->block[job->index];
	struct nvgpu_scrub_job *other, *next;

	guard(mutex)(&scrub->lock);
	if (error == -ETIMEDOUT) {
		list_for_each_entry_safe(other, next, &scrub->queue, node)
			scrub_end(scrub, other, error);
		return;
	}
	if (error) {
		scrub_end(scrub, job, error);
		return;
	}

	scrub->launches++;
	scrub->bytes += size;
	job->done += size;
	if (job->done < block->size)
		return;
	block->clean = !job->out;
	job->done = 0;
	if (++job->index == job->num)
		scrub_end(scrub, job, 0);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_account);

/* false when there is nothing to do */
static bool scrub_step(struct nvgpu_scrub *scrub)
{
	struct nvgpu_scrub_job *job;
	u64 start, size;
	int ret;

	guard(mutex)(&scrub->channel);
	job = nvgpu_scrub_next(scrub, &start, &size);
	if (!job) {
		scrub_close(scrub);
		return false;
	}
	ret = scrub_clear(scrub, start, size);
	/* nothing of it is left on the GPU when the last one hears that it is through */
	if (nvgpu_scrub_ends(scrub, job, size, ret))
		scrub_close(scrub);
	nvgpu_scrub_account(scrub, job, size, ret);
	return true;
}

static void scrub_work(struct work_struct *work)
{
	struct nvgpu_scrub *scrub = container_of(work, struct nvgpu_scrub, work);

	while (scrub_step(scrub))
		;
}

/**
 * nvgpu_scrub_job_init() - framebuffer that nobody knows anything of
 * @job: result
 * @gfid: who is going to have it
 * @fb: of the guest
 * @heap: of its plugin task
 */
void nvgpu_scrub_job_init(struct nvgpu_scrub_job *job, u32 gfid, struct nvgpu_fb_block *fb,
			  struct nvgpu_fb_block *heap)
{
	*job = (struct nvgpu_scrub_job) { .gfid = gfid, .block = { fb, heap } };
	init_completion(&job->ended);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_job_init);

/**
 * nvgpu_scrub_queue() - have framebuffer cleared
 * @scrub: clears framebuffer
 * @job: what; nothing happens if it waits already
 * @num: how many of its blocks
 *
 * Context: may sleep, does not wait for the engine; takes &nvgpu_scrub.lock.
 */
void nvgpu_scrub_queue(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, unsigned int num)
{
	guard(mutex)(&scrub->lock);
	if (job->queued)
		return;
	job->num = num;
	job->index = 0;
	job->done = 0;
	job->queued = true;
	reinit_completion(&job->ended);
	list_add_tail(&job->node, &scrub->queue);
	queue_work(system_dfl_wq, &scrub->work);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_queue);

/**
 * nvgpu_scrub_wait() - wait until framebuffer was cleared
 * @scrub: clears framebuffer
 * @job: what was queued
 * @killable: until the process is being killed
 *
 * Context: may sleep, bounded.
 * Return: 0; -EINTR and -ETIMEDOUT, when the job still waits; -ENOSPC if no channel id is free; or
 * another errno, with a line in the log.
 */
int nvgpu_scrub_wait(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, bool killable)
{
	const unsigned long timeout = msecs_to_jiffies(WAIT_TIMEOUT_MS);
	long ret;

	if (killable)
		ret = wait_for_completion_killable_timeout(&job->ended, timeout);
	else
		ret = wait_for_completion_timeout(&job->ended, timeout);
	if (ret < 0)
		return -EINTR;
	if (!ret)
		return -ETIMEDOUT;
	guard(mutex)(&scrub->lock);
	return job->error;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_wait);

/**
 * nvgpu_scrub_is_busy() - does it wait to be cleared, or is being cleared
 * @scrub: clears framebuffer
 * @job: what
 */
bool nvgpu_scrub_is_busy(struct nvgpu_scrub *scrub, const struct nvgpu_scrub_job *job)
{
	guard(mutex)(&scrub->lock);
	return job->queued;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_is_busy);

/**
 * nvgpu_scrub_is_clean() - may it be handed out
 * @scrub: clears framebuffer
 * @job: what
 */
bool nvgpu_scrub_is_clean(struct nvgpu_scrub *scrub, const struct nvgpu_scrub_job *job)
{
	guard(mutex)(&scrub->lock);
	return scrub_all_clean(scrub, job);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_is_clean);

/**
 * nvgpu_scrub_is_due() - has somebody left something in it
 * @scrub: clears framebuffer
 * @job: what
 */
bool nvgpu_scrub_is_due(struct nvgpu_scrub *scrub, const struct nvgpu_scrub_job *job)
{
	guard(mutex)(&scrub->lock);
	return job->used;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_is_due);

/**
 * nvgpu_scrub_soil() - nobody knows any more what is in it
 * @scrub: clears framebuffer
 * @job: what; not queued
 */
void nvgpu_scrub_soil(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job)
{
	guard(mutex)(&scrub->lock);
	scrub_all_dirty(scrub, job);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_soil);

/* is the channel in the way of who is going to have these ids */
static bool scrub_in_way(const struct nvgpu_scrub *scrub, u32 chid_start, u32 num_chids)
	__must_hold(&scrub->lock)
{
	lockdep_assert_held(&scrub->lock);
	return scrub->chid && scrub->chid - chid_start < num_chids;
}

/**
 * nvgpu_scrub_hand_out() - somebody is going to use framebuffer and channel ids
 * @scrub: clears framebuffer
 * @job: the framebuffer
 * @chid_start: the first channel id
 * @num_chids: how many
 *
 * Context: may sleep, bounded: if the channel has one of the ids, until its launch is over.
 * Return: 0; -EIO if the framebuffer is not clean, or an id is not free.
 */
int nvgpu_scrub_hand_out(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, u32 chid_start,
			 u32 num_chids)
{
	scoped_guard(mutex, &scrub->lock) {
		if (job->queued || !scrub_all_clean(scrub, job) ||
		    nvgpu_chids_reserve(&scrub->busy, chid_start, num_chids))
			return -EIO;
		scrub_all_dirty(scrub, job);
		job->out = true;
		job->used = true;
		if (!scrub_in_way(scrub, chid_start, num_chids))
			return 0;
	}
	/* its next one has another id, as these are taken from here on */
	guard(mutex)(&scrub->channel);
	if (scrub->chan.params.chid - chid_start < num_chids)
		scrub_close(scrub);
	guard(mutex)(&scrub->lock);
	return scrub_in_way(scrub, chid_start, num_chids) ? -EIO : 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_hand_out);

/**
 * nvgpu_scrub_take_back() - nobody uses framebuffer and channel ids any more
 * @scrub: clears framebuffer
 * @job: the framebuffer; nothing happens if it was not handed out
 * @chid_start: the first channel id
 * @num_chids: how many
 */
void nvgpu_scrub_take_back(struct nvgpu_scrub *scrub, struct nvgpu_scrub_job *job, u32 chid_start,
			   u32 num_chids)
{
	guard(mutex)(&scrub->lock);
	if (!job->out)
		return;
	job->out = false;
	nvgpu_chids_release(&scrub->busy, chid_start, num_chids);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_take_back);

/* ---- life ------------------------------------------------------------------------------------ */

/**
 * nvgpu_scrub_init() - nothing to clear so far, and nobody to do it
 * @scrub: result
 * @rm: objects of GSP-RM
 * @bar1: the way to framebuffer, which need not be up
 */
void nvgpu_scrub_init(struct nvgpu_scrub *scrub, struct nvgpu_rm *rm, struct nvgpu_bar1 *bar1)
	__context_unsafe(/* nobody else knows it yet */)
{
	scrub->rm = rm;
	scrub->bar1 = bar1;
	mutex_init(&scrub->lock);
	mutex_init(&scrub->channel);
	INIT_LIST_HEAD(&scrub->queue);
	INIT_WORK(&scrub->work, scrub_work);
	scrub->vector = ~0;
	init_completion(&scrub->told);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_init);

/**
 * nvgpu_scrub_fini() - undo nvgpu_scrub_init()
 * @scrub: clears framebuffer; stopped
 */
void nvgpu_scrub_fini(struct nvgpu_scrub *scrub)
{
	cancel_work_sync(&scrub->work);
	mutex_destroy(&scrub->channel);
	mutex_destroy(&scrub->lock);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_scrub_fini);

/* it stays until the driver is unbound: a channel that does not end may write to it until then */
static int scrub_alloc(struct nvgpu_scrub *scrub, u32 methods_size)
	__must_hold(&scrub->channel)
{
	struct device *dev = scrub_dev(scrub);

	if (!scrub->page)
		scrub->page = dmam_alloc_coherent(dev, SYSMEM_END, &scrub->page_dma, GFP_KERNEL);
	if (!scrub->page)
		return -ENOMEM;
	if (scrub->methods_size >= methods_size)
		return 0;
	scrub->methods = dmam_alloc_coherent(dev, methods_size, &scrub->methods_dma, GFP_KERNEL);
	scrub->methods_size = scrub->methods ? methods_size : 0;
	return scrub->methods ? 0 : -ENOMEM;
}

/* without an interrupt it is looked for, more often */
static int scrub_find_vector(struct nvgpu_scrub *scrub, u32 engine)
{
	int ret = nvgpu_rm_copy_vector(scrub->rm, engine, &scrub->vector);

	if (ret != -ENOENT)
		return ret;
	scrub->vector = ~0;
	return 0;
}

static int scrub_start(struct nvgpu_scrub *scrub)
	__must_hold(&scrub->channel)
{
	struct nvgpu_engine engine;
	void __iomem *fb;
	u32 size;
	u64 addr;
	int ret;

	ret = nvgpu_rm_find_copy_engine(scrub->rm, &engine);
	if (!ret)
		ret = scrub_find_vector(scrub, engine.type);
	if (!ret)
		ret = nvgpu_rm_method_buffer_size(scrub->rm, &size);
	if (!ret)
		ret = scrub_alloc(scrub, size);
	if (!ret)
		ret = nvgpu_rm_client_init(scrub->rm, &scrub->client);
	if (ret)
		return ret;

	fb = nvgpu_bar1_spare(scrub->bar1, &addr);
	scrub_write_tables(fb, addr, scrub->page_dma);
	ret = nvgpu_rm_vaspace_init(&scrub->client, addr + FB_PD3, NVGPU_MMU_PD3_ENTRIES,
				    &scrub->vaspace);
	if (ret) {
		nvgpu_rm_client_fini(&scrub->client);
		return ret;
	}
	scrub->chan = (struct nvgpu_rm_channel) {
		.client = &scrub->client,
		.engine = engine,
		.params = {
			.vaspace = scrub->vaspace,
			.ring = VA + SYSMEM_RING,
			.entries = RING_ENTRIES,
			.instance = addr + FB_INSTANCE,
			.userd = addr + FB_USERD,
			.methods = scrub->methods_dma,
			.methods_size = scrub->methods_size,
		},
		.ring = scrub->page + SYSMEM_RING,
		.userd = fb + FB_USERD,
	};
	return 0;
}

/**
 * nvgpu_scrub_start() - get ready to clear framebuffer
 * @scrub: clears framebuffer
 * @num_chids: channel ids that the GPU has
 *
 * Context: may sleep; GSP-RM was loaded, no vGPU is open.
 * Return: 0, or errno; then nothing is cleared, and so no vGPU opens.
 */
int nvgpu_scrub_start(struct nvgpu_scrub *scrub, u32 num_chids)
{
	int ret;

	guard(mutex)(&scrub->channel);
	ret = scrub_start(scrub);
	scrub->up = !ret;
	scrub->lost = false;
	guard(mutex)(&scrub->lock);
	bitmap_zero(scrub->busy.used, NVGPU_MAX_CHANNELS);
	scrub->chid = 0;
	scrub->num_chids = num_chids;
	scrub->engine = scrub->chan.engine;
	return ret;
}

/**
 * nvgpu_scrub_stop() - undo nvgpu_scrub_start()
 * @scrub: clears framebuffer; what waits for that ends without. Nothing happens the second time
 *
 * Context: may sleep, until the engine is through with a launch, and bounded.
 */
void nvgpu_scrub_stop(struct nvgpu_scrub *scrub)
{
	scoped_guard(mutex, &scrub->channel) {
		if (!scrub->up)
			return;
		scrub->up = false;
		scrub_close(scrub);
	}
	/* those that wait hear it from the worker */
	flush_work(&scrub->work);
	guard(mutex)(&scrub->channel);
	nvgpu_rm_vaspace_fini(&scrub->client, scrub->vaspace);
	nvgpu_rm_client_fini(&scrub->client);
	scrub->chan.handle = 0;
}
