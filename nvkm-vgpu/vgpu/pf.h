/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One GPU as a host of vGPUs: what is below it, reservations made when a VF is given a type, and
 * vGPUs that are open.
 *
 * Locks, outermost first. A line may be entered while those above it are held, never the other way
 * round.
 *
 *	device_lock(PF), PCI rescan lock  sriov_numvfs and unbind; never taken below
 *	VFIO's dev_set                    open and close hold it; memory_lock is not held
 *	nvkm_vgpu.lock                    life cycle and plugin channel of one vGPU;
 *	                                  firmware is waited for
 *	nvgpu_vgpu_mgr.changing           GSP-RM is told of a mode, and waited for
 *	nvgpu_scrub.channel               the channel that clears framebuffer;
 *	                                  its engine and firmware are waited for
 *	nvgpu_monitor.ask                 GSP-RM is asked about guests, and waited for
 *	nvgpu_rpc.post                    posting to GSP-RM; room is waited for, a reply is not
 *	nvgpu_rpc.receive                 messages of GSP-RM are read and handed on
 *	nvgpu_vgpu_mgr.notify             who is attached to which VF; drivers are told of errors,
 *	                                  and who closes waits for that
 *	nvgpu_vgpu_mgr.lock               reservations, types, who is open;
 *	                                  firmware is never waited for
 *	nvgpu_scrub.lock                  what is to be cleared, and what is clean
 *	nvgpu_bar1.lock                   page table entries and TLB invalidation
 *	nvgpu_monitor.lock                use of engines, counts
 *
 * So vGPUs boot side by side, and neither sysfs files of VFs nor VFIO ever wait for the PF's device
 * lock. A vGPU that is open pins its reservation: the mutex holder who clears a type, or turns VFs
 * off, finds it open and gives up.
 */
#ifndef _NVKM_VGPU_PF_H
#define _NVKM_VGPU_PF_H

#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uuid.h>

#include "fwabi/fwabi.h"
#include "gsp/gsp.h"
#include "regs/gpu.h"
#include "rm/rm.h"
#include "vgpu/bar1.h"
#include "vgpu/chid.h"
#include "vgpu/fbmem.h"
#include "vgpu/monitor.h"
#include "vgpu/params.h"
#include "vgpu/placement.h"
#include "vgpu/scrub.h"
#include "vgpu/types.h"

struct kernfs_node;
struct nvkm_vgpu;

/* of a VF, whose readers are told of changes: its state, and what its guest tells */
#define NVGPU_POLLED_FILES	6

/**
 * struct nvgpu_reservation - what a VF with a type has of the GPU
 * @node: in &nvgpu_vgpu_mgr.kept
 * @type: the type
 * @gfid: number of the function for GSP-RM
 * @place: placement id, framebuffer and channels
 * @fb: framebuffer of the guest
 * @heap: framebuffer of the plugin task
 * @scrub: clears @fb and @heap
 * @uuid: of the vGPU, as long as it has its type
 * @client: of a vGPU that is kept: what GSP-RM may still have of it
 */
struct nvgpu_reservation {
	struct list_head node;
	const struct nvgpu_type *type;
	u32 gfid;
	struct nvgpu_placement place;
	struct nvgpu_fb_block fb;
	struct nvgpu_fb_block heap;
	struct nvgpu_scrub_job scrub;
	uuid_t uuid;
	struct nvgpu_rm_client client;
};

/**
 * enum nvgpu_vf_state - life of a VF's vGPU
 * @NVGPU_VF_FREE: it has no type
 * @NVGPU_VF_TYPED: its share of the GPU is reserved
 * @NVGPU_VF_BOOTING: somebody opens it
 * @NVGPU_VF_RUNNING: a guest may use it
 * @NVGPU_VF_RESETTING: its plugin task is told of a reset
 * @NVGPU_VF_FAILED: its plugin task or GSP-RM is gone; all that is left is to close it
 * @NVGPU_VF_STOPPING: it is being closed, or its end is asked for once more, or it is waited for
 *	that its framebuffer is cleared, before that is somebody else's
 * @NVGPU_VF_KEPT: closed, but GSP-RM did not confirm that. What it had stays reserved, until GSP-RM
 *	confirms it on the next write of a type, or is loaded anew
 *
 *	FREE <--> TYPED --> BOOTING --> RUNNING <--> RESETTING
 *	 ^          ^          |           |             |
 *	 |          |          +-----------+-------------+--> FAILED
 *	 |          |          v           v             |       |
 *	 |          +<----> STOPPING <-----+-------------+-------+
 *	 |                   |   ^
 *	 +-------------------+   |
 *	                         v
 *	   FREE <-- reload --- KEPT
 */
enum nvgpu_vf_state {
	NVGPU_VF_FREE,
	NVGPU_VF_TYPED,
	NVGPU_VF_BOOTING,
	NVGPU_VF_RUNNING,
	NVGPU_VF_RESETTING,
	NVGPU_VF_FAILED,
	NVGPU_VF_STOPPING,
	NVGPU_VF_KEPT,
};

/**
 * struct nvgpu_vf - a virtual function, by its index
 * @state: written by state.c only
 * @since: seconds since the host booted, when it was last opened
 * @rsv: from TYPED on; what KEPT holds is in &nvgpu_vgpu_mgr.kept
 * @params: for the next open
 * @polled: files of it that user space polls, as long as it is a VF of ours
 */
struct nvgpu_vf {
	enum nvgpu_vf_state state;
	time64_t since;
	struct nvgpu_reservation *rsv;
	struct nvgpu_params params;
	struct kernfs_node *polled[NVGPU_POLLED_FILES];
};

/**
 * enum nvgpu_mode - sizes of vGPUs on a GPU
 * @NVGPU_MODE_EQUAL: all have one
 * @NVGPU_MODE_MIXED: each has its own
 * @NVGPU_MODE_CHANGING: GSP-RM is being told, and no VF is given a type
 */
enum nvgpu_mode {
	NVGPU_MODE_EQUAL,
	NVGPU_MODE_MIXED,
	NVGPU_MODE_CHANGING,
};

/**
 * struct nvgpu_vgpu_mgr - see the top of this file
 * @lock: protects all below but what init alone writes
 * @geo: written by init
 * @types: written by init
 * @num_types: written by init
 * @types_of_file: they are from a file, not built in; written by init
 * @debugfs: written by init
 * @log_blob: GSP-RM's logs for debugfs
 * @changing: held while GSP-RM is told of a mode, and by who is about to take GSP-RM away
 * @mode: whether vGPUs may differ in size
 * @mixed: how vGPUs of several sizes share the GPU
 * @enabled: VFs may be given types and opened
 * @held: VFs are not opened for now, as GSP-RM goes or is gone: who wants that, a bit each
 * @fb: framebuffer that is ours
 * @chids: channels
 * @vf: by index
 * @listed: types that a VF without one could have, as user space was last told
 * @changed: VFs whose lists have changed since
 * @moved: VFs whose state has
 * @guests: VFs whose guest has
 * @tell: tells user space of the three
 * @kept: reservations of vGPUs whose end GSP-RM did not confirm
 * @notify: held while a driver is told of an error, and while one attaches or detaches
 * @client: the driver that is attached to a VF, NULL if none is; protected by @notify
 */
struct nvgpu_vgpu_mgr {
	struct mutex lock;	/* see the top of this file */
	struct nvgpu_geometry geo;
	struct nvgpu_type *types;
	unsigned int num_types;
	bool types_of_file;
	struct dentry *debugfs;
	struct debugfs_blob_wrapper log_blob[NVGPU_BOOT_LOGS];

	struct mutex changing;	/* a step of GSP-RM's, not data */
	enum nvgpu_mode mode __guarded_by(&lock);
	struct nvgpu_mixed mixed __guarded_by(&lock);
	bool enabled __guarded_by(&lock);
	u8 held __guarded_by(&lock);	/* BIT(enum nvgpu_hold) */
	struct nvgpu_fbmem fb __guarded_by(&lock);
	struct nvgpu_chids chids __guarded_by(&lock);
	struct nvgpu_vf vf[NVGPU_MAX_VFS] __guarded_by(&lock);
	DECLARE_BITMAP(listed, NVGPU_MAX_TYPES) __guarded_by(&lock);
	DECLARE_BITMAP(changed, NVGPU_MAX_VFS) __guarded_by(&lock);
	DECLARE_BITMAP(moved, NVGPU_MAX_VFS) __guarded_by(&lock);
	DECLARE_BITMAP(guests, NVGPU_MAX_VFS) __guarded_by(&lock);
	struct work_struct tell;
	struct list_head kept __guarded_by(&lock);
	struct mutex notify;	/* client */
	struct nvkm_vgpu *client[NVGPU_MAX_VFS] __guarded_by(&notify);
};

/**
 * struct nvkm_vgpu_pf - one GPU, bound by its physical function
 * @gpu: PCI function and registers
 * @gsp: GSP-RM
 * @rm: objects of GSP-RM
 * @bar1: aperture on framebuffer for the CPU
 * @scrub: clears framebuffer
 * @mgr: reservations, types and open vGPUs
 * @monitor: what is known of vGPUs that run
 *
 * drvdata of the PF from probe to remove. VF drivers reach it through pci_iov_get_pf_drvdata().
 */
struct nvkm_vgpu_pf {
	struct nvgpu_gpu gpu;
	struct nvgpu_gsp gsp;
	struct nvgpu_rm rm;
	struct nvgpu_bar1 bar1;
	struct nvgpu_scrub scrub;
	struct nvgpu_vgpu_mgr mgr;
	struct nvgpu_monitor monitor;
};

#endif
