// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a call to a VFIO device takes: the same calls for whichever driver the device has.
 *
 *	vfio-bench BDF CALLS
 *	vfio-bench BDF lives COUNT
 *	vfio-bench BDF files TYPE
 *	vfio-bench BDF tasks LINES
 *
 * The first prints "NAME NANOSECONDS" for each kind of call, of the quickest of some rounds of
 * CALLS calls. The second opens and closes the device, and prints what all tasks of CPU 0 ran for
 * meanwhile, and in the second after a close: the machine should have no other CPU, and nothing
 * else to do. The third writes and reads what sysfs has of a VF whose device is closed and has no
 * type. The last prints what tasks ran for between two lines on standard input.
 *
 * In a machine whose clock counts instructions (QEMU's -icount shift=0) all that are instructions.
 */
#define _GNU_SOURCE
#include <fcntl.h>
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

/* nanoseconds that tasks ran on CPU 0, which are counted when one stops; -1 */
static double tasks_ran(void)
{
	FILE *file = fopen("/proc/schedstat", "r");
	unsigned long long ran = 0;
	bool found = false;
	char line[256];

	usleep(1000);
	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "cpu0 %*u %*u %*u %*u %*u %*u %llu", &ran) == 1;
	if (file)
		fclose(file);
	return found ? (double)ran : -1;
}

static int lives(unsigned int count)
{
	double ran[4], best[3] = {};
	const char *failed;
	unsigned int i, n;

	for (n = 0; n < count; n++) {
		ran[0] = tasks_ran();
		failed = vfio_dev_open(&dev);
		ran[1] = tasks_ran();
		if (failed || ran[0] < 0) {
			perror(failed ? failed : "/proc/schedstat");
			return 1;
		}
		vfio_dev_close(&dev);
		ran[2] = tasks_ran();
		sleep(1);
		ran[3] = tasks_ran();
		for (i = 0; i < 3; i++)
			if (!n || ran[i + 1] - ran[i] < best[i])
				best[i] = ran[i + 1] - ran[i];
	}
	printf("open %.0f\nclose %.0f\nafter %.0f\n", best[0], best[1], best[2]);
	return 0;
}

static int sysfs_fd;
static char sysfs_text[16];

static bool sysfs_write(void)
{
	return pwrite(sysfs_fd, sysfs_text, strlen(sysfs_text), 0) > 0 &&
	       pwrite(sysfs_fd, "0", 1, 0) == 1;
}

static bool sysfs_read(void)
{
	char buf[4096];

	return pread(sysfs_fd, buf, sizeof(buf), 0) >= 0;
}

static int files(unsigned int type)
{
	static const struct {
		const char *name, *file;
		bool (*call)(void);
		int flags;
	} kinds[] = {
		{ "type-on-and-off", "nvidia/current_vgpu_type", sysfs_write, O_WRONLY },
		{ "read-creatable", "nvidia/creatable_vgpu_types", sysfs_read, O_RDONLY },
		{ "read-state", "vgpu/state", sysfs_read, O_RDONLY },
	};
	unsigned int i, round;
	double best, took;
	char path[128];

	snprintf(sysfs_text, sizeof(sysfs_text), "%u", type);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", dev.bdf, kinds[i].file);
		sysfs_fd = open(path, kinds[i].flags);
		for (round = 0, best = 0; round < ROUNDS; round++) {
			took = measure(kinds[i].call, 1);
			if (took < 0) {
				perror(path);
				return 1;
			}
			if (!round || took < best)
				best = took;
		}
		printf("%s %.0f\n", kinds[i].name, best);
		close(sysfs_fd);
	}
	return 0;
}

static int tasks(unsigned int lines)
{
	double last = 0, ran;
	char line[16];

	while (lines-- && fgets(line, sizeof(line), stdin)) {
		ran = tasks_ran();
		if (last)
			printf("ran %.0f\n", ran - last);
		fflush(stdout);
		last = tasks_ran();
	}
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: vfio-bench BDF CALLS | lives COUNT | files TYPE | tasks LINES\n");
	return 2;
}

int main(int argc, char **argv)
{
	unsigned int times = argc > 2 ? atoi(argv[argc - 1]) : 0, i, round;
	const char *failed, *what = argc == 4 ? argv[2] : "calls";
	double best, took;

	if (!times || argc > 4)
		return usage();
	dev.bdf = argv[1];
	dev.use_iommufd = vfio_dev_by_iommufd();
	dev.size = BUFFER_SIZE;
	dev.buffer = aligned_alloc(BUFFER_SIZE, BUFFER_SIZE);
	if (!strcmp(what, "lives") && dev.buffer)
		return lives(times);
	if (!strcmp(what, "files"))
		return files(times);
	if (!strcmp(what, "tasks"))
		return tasks(times);
	if (strcmp(what, "calls"))
		return usage();
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
