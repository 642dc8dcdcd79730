/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_MONITOR_H
#define _NVKM_VGPU_MONITOR_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "fwabi/fwabi.h"

struct nvgpu_rm;

/**
 * struct nvgpu_monitor_util - use of engines by one vGPU
 * @at: jiffies when it was told
 * @time: GSP-RM's, of the newest sample; 0: none so far
 * @util: 1/100 %
 */
struct nvgpu_monitor_util {
	unsigned long at;
	u64 time;
	u32 util[NVGPU_UTIL_ENGINES];
};

/**
 * struct nvgpu_monitor - what is known of vGPUs that run
 * @rm: objects of GSP-RM
 * @ask: held while GSP-RM is asked; protects what follows
 * @running: GSP-RM may be asked
 * @asked: jiffies when it was asked last; of no meaning while @stale
 * @stale: it is to be asked before the next answer; set by anybody
 * @error: what came of asking
 * @guest: as GSP-RM told; gfid 0: nothing
 * @lock: leaf; protects what follows
 * @sampled: GSP-RM tells the use of engines
 * @sampled_at: jiffies when it did last
 * @util: by VF
 * @channel_errors: by VF
 */
struct nvgpu_monitor {
	struct nvgpu_rm *rm;
	struct mutex ask;	/* see vgpu/pf.h */
	bool running __guarded_by(&ask);
	unsigned long asked __guarded_by(&ask);
	bool stale;
	int error __guarded_by(&ask);
	struct nvgpu_guest guest[NVGPU_MAX_VFS] __guarded_by(&ask);
	spinlock_t lock;	/* see above */
	bool sampled __guarded_by(&lock);
	unsigned long sampled_at __guarded_by(&lock);
	struct nvgpu_monitor_util util[NVGPU_MAX_VFS] __guarded_by(&lock);
	u64 channel_errors[NVGPU_MAX_VFS] __guarded_by(&lock);
};

/* what a plugin task is told to name its vGPU by: a number that no other vGPU of the GPU has */
static inline u32 nvgpu_monitor_pid(unsigned int vf)
{
	return vf + 1;
}

void nvgpu_monitor_init(struct nvgpu_monitor *monitor, struct nvgpu_rm *rm);
void nvgpu_monitor_fini(struct nvgpu_monitor *monitor);
void nvgpu_monitor_start(struct nvgpu_monitor *monitor);
void nvgpu_monitor_stop(struct nvgpu_monitor *monitor);
void nvgpu_monitor_forget(struct nvgpu_monitor *monitor, unsigned int vf);
int nvgpu_monitor_guest(struct nvgpu_monitor *monitor, unsigned int vf, struct nvgpu_guest *guest);
int nvgpu_monitor_util(struct nvgpu_monitor *monitor, unsigned int vf,
		       enum nvgpu_util_engine engine, u32 *util);
u64 nvgpu_monitor_channel_errors(struct nvgpu_monitor *monitor, unsigned int vf);
void nvgpu_monitor_guest_changed(struct nvgpu_monitor *monitor);
void nvgpu_monitor_channel_error(struct nvgpu_monitor *monitor, unsigned int vf);
int nvgpu_monitor_samples(struct nvgpu_monitor *monitor, const struct nvgpu_fwabi *abi,
			  const void *payload, size_t len);

#endif
