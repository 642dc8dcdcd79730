/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VFIO_NVIDIA_VGPU_VF_H
#define _VFIO_NVIDIA_VGPU_VF_H

#include <linux/mutex.h>
#include <linux/nvkm_vgpu.h>
#include <linux/spinlock.h>
#include <linux/vfio_pci_core.h>

/**
 * struct nvidia_vgpu_vf - a VF bound to this driver
 * @core: vfio-pci-core's part; the VF's drvdata
 * @pf: the GPU
 * @lock: protects @vgpu
 * @reset_lock: protects @deferred_reset, and that it is seen by whoever lets go of @lock
 * @deferred_reset: the VF was reset, its vGPU has to follow
 * @vgpu: the vGPU, NULL while the VF is not open
 * @identity: what the guest is to see; does not change while the VF is open
 * @bar1: what the guest wrote to BAR1, which is smaller than the VF's
 */
struct nvidia_vgpu_vf {
	struct vfio_pci_core_device core;
	struct nvkm_vgpu_pf *pf;
	struct mutex lock;		/* the vGPU */
	spinlock_t reset_lock;		/* deferred_reset */
	bool deferred_reset;
	struct nvkm_vgpu *vgpu;
	struct nvkm_vgpu_identity identity;
	__le64 bar1;
};

static inline struct nvidia_vgpu_vf *to_vf(struct vfio_device *vdev)
{
	return container_of(vdev, struct nvidia_vgpu_vf, core.vdev);
}

extern const struct vfio_pci_device_ops nvidia_vgpu_dmabuf_ops;

int nvidia_vgpu_get_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
				struct vfio_info_cap *caps);
ssize_t nvidia_vgpu_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *ppos);
ssize_t nvidia_vgpu_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			  loff_t *ppos);
int nvidia_vgpu_mmap(struct vfio_device *vdev, struct vm_area_struct *vma);
long nvidia_vgpu_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg);

#endif
