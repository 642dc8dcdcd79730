// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest sees of its VF. All but three things is the VF itself:
 *
 * - Device and subsystem ids in configuration space are those of the vGPU type, by which the
 *   guest's driver knows it. VFIO has the device id of a VF in memory, where it is put when the
 *   vGPU is opened; what lies over the rest is here.
 * - BAR1, the guest's window on its framebuffer, has the size of the type, not of the VF.
 * - The page of BAR0 with the MSI-X table cannot be mapped, as NVIDIA's host has it: it is left
 *   out of the sparse mmap capability, so a VMM comes here with read and write, and VFIO keeps the
 *   table to itself.
 *
 * A VMM that knows nothing of sparse mmap maps all of BAR0, and that works, too, but touching that
 * page raises SIGBUS, like a BAR whose memory decoding is off.
 *
 * The page at 0x3000, with the registers that invalidate the function's TLBs, is mapped like any
 * other. NVIDIA's host traps it on Ada (bug 3007008) and hands what the guest writes to firmware,
 * by a way that is not published; to trap it and then do the same access would be an exit for
 * nothing: NVIDIA's driver in a guest, 550.163.01, does 86 invalidations from load to unload. If
 * hardware shows that an invalidation by a guest is not enough, this is the place.
 */

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "vf.h"

#define BAR0			VFIO_PCI_BAR0_REGION_INDEX
#define BAR1			VFIO_PCI_BAR1_REGION_INDEX

/* what of configuration space is not the VF's */
#define OVERLAY_START		PCI_BASE_ADDRESS_1
#define OVERLAY_END		(PCI_SUBSYSTEM_ID + sizeof(u16))

#define VMA_INDEX_SHIFT		(VFIO_PCI_OFFSET_SHIFT - PAGE_SHIFT)

static u64 access_bar_size(const struct nvidia_vgpu_vf *vf, unsigned int index)
{
	u64 size = pci_resource_len(vf->core.pdev, index);

	return index == BAR1 ? min(size, vf_identity(vf)->bar1_size) : size;
}

/* page of the MSI-X table */
static u64 access_table_page(const struct nvidia_vgpu_vf *vf)
{
	return round_down(vf->core.msix_offset, PAGE_SIZE);
}

static bool access_is_trapped(const struct nvidia_vgpu_vf *vf, unsigned int index, u64 offset,
			      u64 size)
{
	u64 page = access_table_page(vf);

	return index == vf->core.msix_bar && offset < page + PAGE_SIZE && offset + size > page;
}

static int access_add_sparse_cap(struct nvidia_vgpu_vf *vf, struct vfio_info_cap *caps)
{
	DEFINE_RAW_FLEX(struct vfio_region_info_cap_sparse_mmap, sparse, areas, 2);
	u64 page = access_table_page(vf), end = access_bar_size(vf, BAR0);
	unsigned int num = 0;

	if (page) {
		sparse->areas[num].offset = 0;
		sparse->areas[num++].size = page;
	}
	if (page + PAGE_SIZE < end) {
		sparse->areas[num].offset = page + PAGE_SIZE;
		sparse->areas[num++].size = end - page - PAGE_SIZE;
	}

	sparse->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	sparse->header.version = 1;
	sparse->nr_areas = num;
	return vfio_info_add_capability(caps, &sparse->header, struct_size(sparse, areas, num));
}

int nvidia_vgpu_get_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
				struct vfio_info_cap *caps)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);
	int ret;

	ret = vfio_pci_ioctl_get_region_info(vdev, info, caps);
	if (ret)
		return ret;

	if (info->index == BAR1)
		info->size = access_bar_size(vf, BAR1);
	if (info->index == BAR0 && vf->core.msix_bar == BAR0 &&
	    info->flags & VFIO_REGION_INFO_FLAG_MMAP)
		ret = access_add_sparse_cap(vf, caps);
	return ret;
}

static int access_overlay(char __user *buf, loff_t pos, size_t count, unsigned int reg,
			  const void *val, size_t size)
{
	size_t len, reg_offset;
	loff_t buf_offset;

	if (vfio_pci_core_range_intersect_range(pos, count, reg, size, &buf_offset, &len,
						&reg_offset) &&
	    copy_to_user(buf + buf_offset, val + reg_offset, len))
		return -EFAULT;
	return 0;
}

/* what a BAR of the smaller size would hold after the guest's writes */
static __le64 access_get_bar1(const struct nvidia_vgpu_vf *vf)
{
	/* writers store it at once: who reads needs no lock */
	__le64 bar1 = context_unsafe(READ_ONCE(vf->bar1));
	u64 val = le64_to_cpu(bar1) & ~(access_bar_size(vf, BAR1) - 1);

	return cpu_to_le64(val | PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
}

static int access_overlay_config(struct nvidia_vgpu_vf *vf, char __user *buf, loff_t pos,
				 size_t count)
{
	const struct nvkm_vgpu_identity *id = vf_identity(vf);
	__le16 subsystem[] = { cpu_to_le16(id->subsystem_vendor), cpu_to_le16(id->subsystem) };
	__le64 bar1 = access_get_bar1(vf);
	int ret;

	ret = access_overlay(buf, pos, count, PCI_SUBSYSTEM_VENDOR_ID, subsystem,
			     sizeof(subsystem));
	return ret ?: access_overlay(buf, pos, count, PCI_BASE_ADDRESS_1, &bar1, sizeof(bar1));
}

/* apart from the way that most reads take, which would guard the stack for it */
static noinline ssize_t access_read_overlaid(struct nvidia_vgpu_vf *vf, char __user *buf,
					     size_t count, loff_t *ppos)
{
	loff_t pos = *ppos & VFIO_PCI_OFFSET_MASK;
	ssize_t done;
	int ret = 0;

	done = vfio_pci_core_read(&vf->core.vdev, buf, count, ppos);
	if (done > 0)
		ret = access_overlay_config(vf, buf, pos, done);
	return ret ?: done;
}

static void access_keep_bar1(struct nvidia_vgpu_vf *vf, loff_t pos, size_t count, const void *data)
{
	size_t len, reg_offset;
	loff_t buf_offset;
	__le64 bar1;

	guard(mutex)(&vf->bar1_lock);
	bar1 = vf->bar1;
	if (vfio_pci_core_range_intersect_range(pos, count, PCI_BASE_ADDRESS_1, sizeof(bar1),
						&buf_offset, &len, &reg_offset)) {
		memcpy((void *)&bar1 + reg_offset, data + buf_offset, len);
		WRITE_ONCE(vf->bar1, bar1);
	}
}

/* apart for the same reason as access_read_overlaid() */
static noinline ssize_t access_write_bar1(struct nvidia_vgpu_vf *vf, const char __user *buf,
					  size_t count, loff_t *ppos)
{
	loff_t pos = *ppos & VFIO_PCI_OFFSET_MASK;
	u8 data[sizeof(u64)];
	ssize_t done;

	/* a VMM writes dwords at most; whatever is longer is written in parts */
	count = min(count, sizeof(data));
	if (copy_from_user(data, buf, count))
		return -EFAULT;
	done = vfio_pci_core_write(&vf->core.vdev, buf, count, ppos);
	if (done > 0)
		access_keep_bar1(vf, pos, done, data);
	return done;
}

static ssize_t access_write_config(struct nvidia_vgpu_vf *vf, const char __user *buf, size_t count,
				   loff_t *ppos)
{
	loff_t pos = *ppos & VFIO_PCI_OFFSET_MASK;
	ssize_t done;
	int ret = 0;

	if (pos < PCI_BASE_ADDRESS_1 + sizeof(u64) && pos + count > PCI_BASE_ADDRESS_1)
		done = access_write_bar1(vf, buf, count, ppos);
	else
		done = vfio_pci_core_write(&vf->core.vdev, buf, count, ppos);
	/* it may have been the bit that resets the function */
	if (done > 0 && vf_reset_pending(vf))
		ret = nvidia_vgpu_follow_reset(vf);
	return ret ?: done;
}

/* bytes of an access that are inside of what the guest has; only of BAR1 it has less than all */
static ssize_t access_clamp_count(struct nvidia_vgpu_vf *vf, loff_t offset, size_t count)
{
	u64 pos = offset & VFIO_PCI_OFFSET_MASK;
	u64 size;

	if (VFIO_PCI_OFFSET_TO_INDEX(offset) != BAR1)
		return count;
	size = access_bar_size(vf, BAR1);
	if (pos >= size)
		return -EINVAL;
	return min_t(u64, count, size - pos);
}

/* the same, once the guest may use its function */
static ssize_t access_ready_count(struct nvidia_vgpu_vf *vf, loff_t offset, size_t count)
{
	int ret = vf_wait_reset(vf);

	return ret ? ret : access_clamp_count(vf, offset, count);
}

ssize_t nvidia_vgpu_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *ppos)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);
	ssize_t len;

	if (VFIO_PCI_OFFSET_TO_INDEX(*ppos) == VFIO_PCI_CONFIG_REGION_INDEX) {
		u64 pos = *ppos & VFIO_PCI_OFFSET_MASK;

		if (pos < OVERLAY_END && pos + count > OVERLAY_START)
			return access_read_overlaid(vf, buf, count, ppos);
		return vfio_pci_core_read(vdev, buf, count, ppos);
	}

	len = access_ready_count(vf, *ppos, count);
	return len < 0 ? len : vfio_pci_core_read(vdev, buf, len, ppos);
}

ssize_t nvidia_vgpu_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			  loff_t *ppos)
{
	struct nvidia_vgpu_vf *vf = to_vf(vdev);
	ssize_t len;

	if (VFIO_PCI_OFFSET_TO_INDEX(*ppos) == VFIO_PCI_CONFIG_REGION_INDEX)
		return access_write_config(vf, buf, count, ppos);

	len = access_ready_count(vf, *ppos, count);
	return len < 0 ? len : vfio_pci_core_write(vdev, buf, len, ppos);
}

/* false: not yet, and memory_lock was let go of to wait */
static bool access_insert_pfn(struct nvidia_vgpu_vf *vf, struct vm_fault *vmf, unsigned long pfn,
			      unsigned int order, vm_fault_t *ret)
{
	guard(rwsem_read)(&vf->core.memory_lock);
	if (vf_reset_pending(vf))
		return false;
	*ret = vfio_pci_vmf_insert_pfn(&vf->core, vmf, pfn, order);
	return true;
}

static vm_fault_t access_bar_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct nvidia_vgpu_vf *vf = container_of(vma->vm_private_data, struct nvidia_vgpu_vf, core);
	unsigned long addr = ALIGN_DOWN(vmf->address, PAGE_SIZE << order);
	unsigned int index = vma->vm_pgoff >> VMA_INDEX_SHIFT;
	u64 page = vma->vm_pgoff & (BIT_ULL(VMA_INDEX_SHIFT) - 1);
	unsigned long pfn;
	vm_fault_t ret;

	page += (addr - vma->vm_start) >> PAGE_SHIFT;
	pfn = PHYS_PFN(pci_resource_start(vf->core.pdev, index)) + page;
	if (order && (addr < vma->vm_start || addr + (PAGE_SIZE << order) > vma->vm_end ||
		      !IS_ALIGNED(pfn, 1UL << order)))
		return VM_FAULT_FALLBACK;
	if (access_is_trapped(vf, index, page << PAGE_SHIFT, PAGE_SIZE << order))
		return order ? VM_FAULT_FALLBACK : VM_FAULT_SIGBUS;

	do {
		if (vf_wait_reset(vf))
			return VM_FAULT_SIGBUS;
	} while (!access_insert_pfn(vf, vmf, pfn, order, &ret));
	return ret;
}

static vm_fault_t access_bar_fault(struct vm_fault *vmf)
{
	return access_bar_huge_fault(vmf, 0);
}

static const struct vm_operations_struct access_bar_vm_ops = {
	.fault = access_bar_fault,
#ifdef CONFIG_ARCH_SUPPORTS_HUGE_PFNMAP
	.huge_fault = access_bar_huge_fault,
#endif
};

int nvidia_vgpu_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	unsigned int index = vma->vm_pgoff >> VMA_INDEX_SHIFT;
	u64 start = (vma->vm_pgoff & (BIT_ULL(VMA_INDEX_SHIFT) - 1)) << PAGE_SHIFT;
	struct nvidia_vgpu_vf *vf = to_vf(vdev);
	u64 end;
	int ret;

	if (index == BAR1 && (check_add_overflow(start, vma->vm_end - vma->vm_start, &end) ||
			      end > access_bar_size(vf, BAR1)))
		return -EINVAL;

	ret = vfio_pci_core_mmap(vdev, vma);
	if (!ret)
		vma->vm_ops = &access_bar_vm_ops;
	return ret;
}

/*
 * An ioeventfd writes past read, write and mmap. It is only a shortcut, so rather than to have it
 * look at traps and sizes, there is none: VMMs then trap.
 */
long nvidia_vgpu_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	long ret;

	if (cmd == VFIO_DEVICE_IOEVENTFD)
		return -ENOTTY;
	ret = vfio_pci_core_ioctl(vdev, cmd, arg);
	if (!ret && (cmd == VFIO_DEVICE_RESET || cmd == VFIO_DEVICE_PCI_HOT_RESET))
		ret = nvidia_vgpu_follow_reset(to_vf(vdev));
	return ret;
}

static int access_get_dmabuf_phys(struct vfio_pci_core_device *core,
				  struct p2pdma_provider **provider, unsigned int index,
				  struct phys_vec *phys_vec, struct vfio_region_dma_range *ranges,
				  size_t nr_ranges)
{
	struct nvidia_vgpu_vf *vf = container_of(core, struct nvidia_vgpu_vf, core);
	size_t i;

	for (i = 0; i < nr_ranges; i++) {
		u64 end;

		if (check_add_overflow(ranges[i].offset, ranges[i].length, &end))
			return -EOVERFLOW;
		if (end > access_bar_size(vf, index))
			return -EINVAL;
		if (access_is_trapped(vf, index, ranges[i].offset, ranges[i].length))
			return -EINVAL;
	}
	return vfio_pci_core_get_dmabuf_phys(core, provider, index, phys_vec, ranges, nr_ranges);
}

const struct vfio_pci_device_ops nvidia_vgpu_dmabuf_ops = {
	.get_dmabuf_phys = access_get_dmabuf_phys,
};
