/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VFIO_NVIDIA_VGPU_VF_H
#define _VFIO_NVIDIA_VGPU_VF_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/nvkm_vgpu.h>
#include <linux/vfio_pci_core.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/**
 * struct nvidia_vgpu_vf - a VF bound to this driver
 * @core: vfio-pci-core's part; the VF's drvdata
 * @vgpu: the vGPU of the VF; NULL if its PF has another driver, and then only @core is used
 * @lock: open, close and what follows a reset
 * @open: the vGPU is open; protected by @lock
 * @resets: how often a reset of the function began or ended; its vGPU has to follow each before a
 *	guest may use it again
 * @followed: the last one of @resets that it has followed; protected by @lock
 * @failed: the vGPU did not follow, or is gone; until it is opened anew
 * @reset_work: has the vGPU follow a reset that nobody here asked for
 * @reset_wait: for @followed to be as far as @resets
 * @bar1: what the guest wrote to BAR1, which is smaller than the VF's
 * @bar1_lock: for writers of @bar1
 */
struct nvidia_vgpu_vf {
	struct vfio_pci_core_device core;
	struct nvkm_vgpu *vgpu;
	struct mutex lock;		/* see @lock */
	bool open;
	atomic_t resets;
	int followed;
	bool failed;
	struct work_struct reset_work;
	wait_queue_head_t reset_wait;
	__le64 bar1 __guarded_by(&bar1_lock);
	struct mutex bar1_lock;		/* bar1 */
};

static inline struct nvidia_vgpu_vf *to_vf(struct vfio_device *vdev)
{
	return container_of(vdev, struct nvidia_vgpu_vf, core.vdev);
}

static inline const struct nvkm_vgpu_identity *vf_identity(const struct nvidia_vgpu_vf *vf)
{
	return nvkm_vgpu_identity(vf->vgpu);
}

static inline bool vf_reset_pending(const struct nvidia_vgpu_vf *vf)
{
	return READ_ONCE(vf->followed) != atomic_read(&vf->resets);
}

extern const struct vfio_pci_device_ops nvidia_vgpu_dmabuf_ops;

int nvidia_vgpu_follow_reset(struct nvidia_vgpu_vf *vf);
int nvidia_vgpu_wait_reset(struct nvidia_vgpu_vf *vf);

/* nearly always there is nothing to wait for */
static inline int vf_wait_reset(struct nvidia_vgpu_vf *vf)
{
	if (likely(!READ_ONCE(vf->failed) && !vf_reset_pending(vf)))
		return 0;
	return nvidia_vgpu_wait_reset(vf);
}

int nvidia_vgpu_get_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
				struct vfio_info_cap *caps);
ssize_t nvidia_vgpu_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *ppos);
ssize_t nvidia_vgpu_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			  loff_t *ppos);
int nvidia_vgpu_mmap(struct vfio_device *vdev, struct vm_area_struct *vma);
long nvidia_vgpu_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg);

#endif
