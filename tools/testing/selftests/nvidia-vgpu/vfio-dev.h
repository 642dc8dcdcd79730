/* SPDX-License-Identifier: GPL-2.0-only */
/* Opens a VFIO device for the programs here. */
#ifndef _NVGPU_VFIO_DEV_H
#define _NVGPU_VFIO_DEV_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct vfio_dev - a device, and all that it takes to have it open
 * @bdf: its PCI address
 * @use_iommufd: by the device's own node and iommufd, not by its group and a type1 container
 * @token: UUID that users of a PF and of its VFs share, or NULL
 * @buffer: memory that the device may reach
 * @iova: where it finds that
 * @size: of it
 * @begin: called before the call that opens the device, may be NULL; all else is done then
 * @end: called after that call, may be NULL
 * @fd: the device; this and all below are -1 while there is none
 * @group: its group
 * @container: of that
 * @iommufd: the one that the device is bound to
 * @ioas: the address space in it
 */
struct vfio_dev {
	const char *bdf;
	bool use_iommufd;
	const char *token;
	void *buffer;
	uint64_t iova, size;
	void (*begin)(void);
	void (*end)(void);
	int fd, group, container, iommufd;
	uint32_t ioas;
};

/* none is open; where it will find its buffer is a place like any other */
#define VFIO_DEV_NONE	{ .iova = 0x100000, .fd = -1, .group = -1, .container = -1, .iommufd = -1 }

bool vfio_dev_by_iommufd(void);
const char *vfio_dev_open(struct vfio_dev *dev);
void vfio_dev_close(struct vfio_dev *dev);
bool vfio_dev_map(struct vfio_dev *dev);
bool vfio_dev_unmap(struct vfio_dev *dev);

#endif
