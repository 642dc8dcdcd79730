// SPDX-License-Identifier: GPL-2.0-only
/* Opens a VFIO device, by its group or by its own node, and lets it reach one buffer. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "vfio-dev.h"

#define TOKEN_SIZE	16

/**
 * vfio_dev_map() - let the device find its buffer
 * @dev: the device
 *
 * Return: true, or false with errno.
 */
bool vfio_dev_map(struct vfio_dev *dev)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)dev->buffer,
		.iova = dev->iova,
		.size = dev->size,
	};
	struct iommu_ioas_map ioas_map = {
		.size = sizeof(ioas_map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = dev->ioas,
		.user_va = (uintptr_t)dev->buffer,
		.length = dev->size,
		.iova = dev->iova,
	};

	return dev->use_iommufd ? !ioctl(dev->iommufd, IOMMU_IOAS_MAP, &ioas_map) :
				  !ioctl(dev->container, VFIO_IOMMU_MAP_DMA, &map);
}

/**
 * vfio_dev_unmap() - take the buffer from the device
 * @dev: the device
 *
 * Return: true, or false with errno.
 */
bool vfio_dev_unmap(struct vfio_dev *dev)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = dev->iova,
		.size = dev->size,
	};
	struct iommu_ioas_unmap ioas_unmap = {
		.size = sizeof(ioas_unmap),
		.ioas_id = dev->ioas,
		.iova = dev->iova,
		.length = dev->size,
	};

	return dev->use_iommufd ? !ioctl(dev->iommufd, IOMMU_IOAS_UNMAP, &ioas_unmap) :
				  !ioctl(dev->container, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

static void dev_call(void (*hook)(void))
{
	if (hook)
		hook();
}

static const char *dev_open_group(struct vfio_dev *dev)
{
	char path[128], link[256], name[128];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", dev->bdf);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return "iommu_group";
	link[len] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%.64s", strrchr(link, '/') + 1);
	dev->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (dev->container < 0)
		return "/dev/vfio/vfio";
	dev->group = open(path, O_RDWR | O_CLOEXEC);
	if (dev->group < 0)
		return "group";
	if (ioctl(dev->group, VFIO_GROUP_SET_CONTAINER, &dev->container))
		return "VFIO_GROUP_SET_CONTAINER";
	if (ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return "VFIO_SET_IOMMU";
	if (!vfio_dev_map(dev))
		return "VFIO_IOMMU_MAP_DMA";
	snprintf(name, sizeof(name), "%s%s%s", dev->bdf, dev->token ? " vf_token=" : "",
		 dev->token ?: "");
	dev_call(dev->begin);
	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, name);
	dev_call(dev->end);
	return dev->fd < 0 ? "VFIO_GROUP_GET_DEVICE_FD" : NULL;
}

static int dev_open_node(const struct vfio_dev *dev)
{
	char path[384];
	struct dirent *entry;
	DIR *dir;
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", dev->bdf);
	dir = opendir(path);
	if (!dir)
		return -1;
	errno = ENOENT;
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "vfio", 4)) {
			snprintf(path, sizeof(path), "/dev/vfio/devices/%s", entry->d_name);
			fd = open(path, O_RDWR | O_CLOEXEC);
			break;
		}
	closedir(dir);
	return fd;
}

/* the bytes of a token, in the order in which they are written */
static bool dev_parse_token(const char *p, uint8_t *bytes)
{
	unsigned int i = 0;

	for (; *p && i < TOKEN_SIZE; p += *p == '-' ? 1 : 2)
		if (*p != '-' && sscanf(p, "%2hhx", &bytes[i++]) != 1)
			return false;
	return !*p && i == TOKEN_SIZE;
}

static const char *dev_open_iommufd(struct vfio_dev *dev)
{
	uint8_t bytes[TOKEN_SIZE];
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };
	int ret;

	dev->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (dev->iommufd < 0)
		return "/dev/iommu";
	dev->fd = dev_open_node(dev);
	if (dev->fd < 0)
		return "device-node";
	bind.iommufd = dev->iommufd;
	if (dev->token) {
		errno = EINVAL;
		if (!dev_parse_token(dev->token, bytes))
			return "token";
		bind.flags = VFIO_DEVICE_BIND_FLAG_TOKEN;
		bind.token_uuid_ptr = (uintptr_t)bytes;
	}
	dev_call(dev->begin);
	ret = ioctl(dev->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
	dev_call(dev->end);
	if (ret)
		return "VFIO_DEVICE_BIND_IOMMUFD";
	if (ioctl(dev->iommufd, IOMMU_IOAS_ALLOC, &alloc))
		return "IOMMU_IOAS_ALLOC";
	dev->ioas = alloc.out_ioas_id;
	attach.pt_id = dev->ioas;
	if (ioctl(dev->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return "VFIO_DEVICE_ATTACH_IOMMUFD_PT";
	return vfio_dev_map(dev) ? NULL : "IOMMU_IOAS_MAP";
}

/**
 * vfio_dev_by_iommufd() - how devices are opened where nobody says how
 *
 * Return: true if VFIO_IOMMUFD is 1 in the environment.
 */
bool vfio_dev_by_iommufd(void)
{
	const char *value = getenv("VFIO_IOMMUFD");

	return value && !strcmp(value, "1");
}

/**
 * vfio_dev_open() - open a device
 * @dev: what to open and how; all descriptors in it are -1
 *
 * What was opened before a step failed stays so until vfio_dev_close().
 *
 * Return: NULL, or the step that failed, with errno.
 */
const char *vfio_dev_open(struct vfio_dev *dev)
{
	return dev->use_iommufd ? dev_open_iommufd(dev) : dev_open_group(dev);
}

/**
 * vfio_dev_close() - close a device, last of all what it was reached by
 * @dev: the device, or what there is of it
 */
void vfio_dev_close(struct vfio_dev *dev)
{
	int *const fds[] = { &dev->fd, &dev->group, &dev->container, &dev->iommufd };
	unsigned int i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
