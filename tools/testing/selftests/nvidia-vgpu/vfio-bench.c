// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a call to a VFIO device takes: the same calls for whichever driver the device has.
 *
 *	vfio-bench BDF CALLS
 *
 * Prints "NAME NANOSECONDS" for each kind of call, of the quickest of some rounds of CALLS calls.
 * In a machine whose clock counts instructions (QEMU's -icount shift=0) that are instructions.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "vfio-dev.h"

#define ROUNDS		5
#define BUFFER_SIZE	0x200000

static struct vfio_dev dev = VFIO_DEV_NONE;
static uint64_t bar0, config;

static bool region_info(void)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};

	return !ioctl(dev.fd, VFIO_DEVICE_GET_REGION_INFO, &info);
}

static bool irq_info(void)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = VFIO_PCI_MSIX_IRQ_INDEX };

	return !ioctl(dev.fd, VFIO_DEVICE_GET_IRQ_INFO, &info);
}

static bool irq_trigger(void)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.count = 1,
	};

	return !ioctl(dev.fd, VFIO_DEVICE_SET_IRQS, &set);
}

static bool bar_read(void)
{
	uint32_t val;

	return pread(dev.fd, &val, sizeof(val), bar0) == sizeof(val);
}

static bool bar_write(void)
{
	uint32_t val = 0;

	return pwrite(dev.fd, &val, sizeof(val), bar0) == sizeof(val);
}

static bool config_read(void)
{
	uint32_t val;

	return pread(dev.fd, &val, sizeof(val), config) == sizeof(val);
}

/* the subsystem's ids, which our driver has for each type */
static bool config_read_ids(void)
{
	uint32_t val;

	return pread(dev.fd, &val, sizeof(val), config + 0x2c) == sizeof(val);
}

/* the command register: neither memory nor bus mastering changes */
static bool config_write(void)
{
	uint16_t val = 0x2;

	return pwrite(dev.fd, &val, sizeof(val), config + 0x4) == sizeof(val);
}

static const struct {
	const char *name;
	bool (*call)(void);
} calls[] = {
	{ "region-info", region_info },
	{ "irq-info", irq_info },
	{ "irq-trigger", irq_trigger },
	{ "bar-read", bar_read },
	{ "bar-write", bar_write },
	{ "config-read", config_read },
	{ "config-read-ids", config_read_ids },
	{ "config-write", config_write },
};

static bool find_region(unsigned int index, uint64_t *offset)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(dev.fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		return false;
	*offset = info.offset;
	return true;
}

static bool set_up(void)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} irq = {
		.set = {
			.argsz = sizeof(irq),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 1,
		},
		.fd = eventfd(0, EFD_CLOEXEC),
	};

	return find_region(VFIO_PCI_BAR0_REGION_INDEX, &bar0) &&
	       find_region(VFIO_PCI_CONFIG_REGION_INDEX, &config) &&
	       config_write() && irq.fd >= 0 && !ioctl(dev.fd, VFIO_DEVICE_SET_IRQS, &irq);
}

static double measure(bool (*call)(void), unsigned int times)
{
	struct timespec begin, end;
	unsigned int i;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i < times; i++)
		if (!call())
			return -1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	return ((end.tv_sec - begin.tv_sec) * 1e9 + end.tv_nsec - begin.tv_nsec) / times;
}

int main(int argc, char **argv)
{
	unsigned int times = argc > 2 ? atoi(argv[2]) : 0, i, round;
	const char *failed;
	double best, took;

	if (!times) {
		fprintf(stderr, "usage: vfio-bench BDF CALLS\n");
		return 2;
	}
	dev.bdf = argv[1];
	dev.use_iommufd = vfio_dev_by_iommufd();
	dev.size = BUFFER_SIZE;
	dev.buffer = aligned_alloc(BUFFER_SIZE, BUFFER_SIZE);
	failed = dev.buffer ? vfio_dev_open(&dev) : "buffer";
	if (failed || !set_up()) {
		perror(failed ? failed : "set-up");
		return 1;
	}
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		for (round = 0, best = 0; round < ROUNDS; round++) {
			took = measure(calls[i].call, times);
			if (took < 0) {
				perror(calls[i].name);
				return 1;
			}
			if (!round || took < best)
				best = took;
		}
		printf("%s %.0f\n", calls[i].name, best);
	}
	vfio_dev_close(&dev);
	return 0;
}
