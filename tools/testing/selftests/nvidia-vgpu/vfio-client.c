// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VFIO user of one vGPU, without a VM: opens the VF, does what a guest would do, and closes it.
 *
 *	vfio-client [-i|-g] [-l] [-f CALL:N] [-m IOVA] [-t UUID] [-w FILE] BDF COMMAND...
 *
 * -i opens the device's own node and binds it to iommufd, -g the group and a type1 container;
 * without either it is as VFIO_IOMMUFD in the environment says, which may be 1. -m tells where the
 * device finds the buffer that it may reach, -l has it in a huge page. -f has the N-th allocation
 * fail of the call that opens, resets or closes the device. -t is the token that users of a PF and
 * of its VFs share when the PF has vfio-pci. -w opens the device once a file is there. A command is
 * a word with its arguments behind colons; "-" reads more of them from standard input. Prints
 * "ok|FAIL <command> <detail>" for each check and exits with 1 if one failed, with 2 on wrong
 * usage. "open" is the first check: when it fails, its detail starts with the errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "guest/vf.h"
#include "vfio-dev.h"

#define BUFFER_SIZE	0x200000
#define HUGE		0x200000
#define MAX_AREAS	8
#define MAX_ARGS	4
#define PAGE		0x1000
#define STRAY_TIMEOUT_MS	2000

/* the buffer that the device may reach, by offset */
#define BUF_CTRL	0x0
#define BUF_RESPONSE	0x1000
#define BUF_SHARED	0x2000
#define BUF_EVENT	0x3000
#define BUF_MESSAGE	0x20000

struct area {
	uint64_t offset, size;
	volatile uint8_t *map;
};

struct region {
	uint64_t offset, size;
	uint32_t flags;
	bool sparse;
	unsigned int num_areas;
	struct area area[MAX_AREAS];
};

static const char *awaited;
static const char *failing;	/* the call in which an allocation fails */
static unsigned long fail_nth;
static int fail_fd = -1;
static bool huge_buffer;
static struct vfio_dev dev = VFIO_DEV_NONE;
static struct region region[VFIO_PCI_NUM_REGIONS];
static uint8_t *buffer;
static int irq_fd[VF_MSIX_VECTORS];
static bool irqs_on;
static uint32_t sequence;
static unsigned int failures;
static bool only_failures;	/* what is well is not printed */

static bool __attribute__((format(printf, 3, 4)))
check(bool ok, const char *name, const char *fmt, ...)
{
	va_list args;

	if (ok && only_failures)
		return true;
	printf("%s %s ", ok ? "ok" : "FAIL", name);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	if (!ok)
		failures++;
	return ok;
}

static const char *err(void)
{
	return strerrorname_np(errno) ?: "?";
}

static void sleep_ms(unsigned int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* ---- allocations that fail ------------------------------------------------------------------- */

/* so many allocations of this call are allowed, the next one fails; needs CONFIG_FAULT_INJECTION */
static void fail_arm(const char *call)
{
	char text[16];
	int len;

	if (!failing || strcmp(failing, call))
		return;
	len = snprintf(text, sizeof(text), "%lu", fail_nth);
	if (pwrite(fail_fd, text, len, 0) != len)
		perror("fail-nth");
}

static void fail_disarm(const char *call)
{
	char text[16] = "";
	int saved = errno;
	bool hit;

	if (!failing || strcmp(failing, call))
		return;
	hit = pread(fail_fd, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
	if (pwrite(fail_fd, "0", 1, 0) != 1)
		perror("fail-nth");
	check(true, "fail-nth", "%s", hit ? "hit" : "not reached");
	errno = saved;
}

/* CALL:N */
static bool fail_parse(char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return false;
	*colon = 0;
	failing = text;
	fail_nth = strtoul(colon + 1, NULL, 0);
	fail_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return fail_nth && fail_fd >= 0;
}

/* ---- opening and closing --------------------------------------------------------------------- */

/* all but the open itself is done: several users can begin that at once */
static void wait_awaited(void)
{
	while (awaited && access(awaited, F_OK))
		sleep_ms(10);
}

static void begin_open(void)
{
	wait_awaited();
	fail_arm("open");
}

static void end_open(void)
{
	fail_disarm("open");
}

static void get_areas(struct region *r, struct vfio_region_info *info)
{
	struct vfio_region_info_cap_sparse_mmap *sparse;
	struct vfio_info_cap_header *cap;
	uint32_t next = (info->flags & VFIO_REGION_INFO_FLAG_CAPS) ? info->cap_offset : 0;
	unsigned int i;

	r->num_areas = 1;
	r->area[0] = (struct area){ .offset = 0, .size = r->size };
	for (; next; next = cap->next) {
		cap = (void *)((char *)info + next);
		if (cap->id != VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			continue;
		sparse = (void *)cap;
		r->sparse = true;
		r->num_areas = sparse->nr_areas < MAX_AREAS ? sparse->nr_areas : MAX_AREAS;
		for (i = 0; i < r->num_areas; i++)
			r->area[i] = (struct area){ .offset = sparse->areas[i].offset,
						    .size = sparse->areas[i].size };
	}
}

/* as QEMU does it: where huge pages fit */
static void *map_area(uint64_t size, uint64_t offset)
{
	uint64_t slack = size < HUGE ? 0 : HUGE;
	uint8_t *room, *p;

	room = mmap(NULL, size + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		    0);
	if (room == MAP_FAILED)
		return NULL;
	p = slack ? (uint8_t *)(((uintptr_t)room + slack - 1) & ~(slack - 1)) : room;
	p = mmap(p, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, dev.fd, offset);
	return p == MAP_FAILED ? NULL : p;
}

static bool get_region(unsigned int index)
{
	union {
		struct vfio_region_info info;
		char room[1024];
	} u = { .info = { .argsz = sizeof(u), .index = index } };
	struct region *r = &region[index];
	unsigned int i;

	if (ioctl(dev.fd, VFIO_DEVICE_GET_REGION_INFO, &u.info))
		return false;
	r->offset = u.info.offset;
	r->size = u.info.size;
	r->flags = u.info.flags;
	if (!(r->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return true;
	get_areas(r, &u.info);
	for (i = 0; i < r->num_areas; i++) {
		struct area *a = &r->area[i];

		a->map = map_area(a->size, r->offset + a->offset);
		if (!a->map)
			return false;
	}
	return true;
}

/* @len bytes of configuration space, not more than eight, as so many single accesses of @width */
static bool config_write(unsigned int reg, uint64_t val, unsigned int len, unsigned int width)
{
	uint64_t start = region[VFIO_PCI_CONFIG_REGION_INDEX].offset + reg;
	unsigned int i;

	for (i = 0; i < len; i += width)
		if (pwrite(dev.fd, (char *)&val + i, width, start + i) != width)
			return false;
	return true;
}

static bool config_read(unsigned int reg, uint64_t *val, unsigned int len, unsigned int width)
{
	uint64_t start = region[VFIO_PCI_CONFIG_REGION_INDEX].offset + reg;
	unsigned int i;

	*val = 0;
	for (i = 0; i < len; i += width)
		if (pread(dev.fd, (char *)val + i, width, start + i) != width)
			return false;
	return true;
}

static bool config_write16(unsigned int reg, uint16_t val)
{
	return pwrite(dev.fd, &val, 2, region[VFIO_PCI_CONFIG_REGION_INDEX].offset + reg) == 2;
}

static uint16_t config_read16(unsigned int reg)
{
	uint16_t val = 0xffff;

	if (pread(dev.fd, &val, 2, region[VFIO_PCI_CONFIG_REGION_INDEX].offset + reg) != 2)
		check(false, "config-read", "%s at %#x", err(), reg);
	return val;
}

static bool open_device(void)
{
	static const unsigned int used[] = {
		VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_BAR1_REGION_INDEX, VFIO_PCI_BAR3_REGION_INDEX,
		VFIO_PCI_CONFIG_REGION_INDEX,
	};
	const char *step;
	unsigned int i;

	buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | (huge_buffer ? MAP_HUGETLB : 0), -1, 0);
	if (buffer == MAP_FAILED)
		return check(false, "open", "%s buffer", err());
	dev.buffer = buffer;
	dev.size = BUFFER_SIZE;
	dev.begin = begin_open;
	dev.end = end_open;
	step = vfio_dev_open(&dev);
	if (step)
		return check(false, "open", "%s %s", err(), step);
	for (i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if (!get_region(used[i]))
			return check(false, "open", "%s region %u", err(), used[i]);
	if (!config_write16(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER))
		return check(false, "open", "%s command register", err());
	return check(true, "open", "%s", dev.use_iommufd ? "iommufd" : "group");
}

static void close_device(void)
{
	unsigned int i, j;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++)
		for (j = 0; j < region[i].num_areas; j++)
			if (region[i].area[j].map)
				munmap((void *)region[i].area[j].map, region[i].area[j].size);
	fail_arm("close");
	if (dev.fd >= 0)
		close(dev.fd);
	dev.fd = -1;
	fail_disarm("close");
	vfio_dev_close(&dev);
}

/* ---- registers ------------------------------------------------------------------------------- */

/* where @offset of a BAR is mapped, NULL where the host traps it */
static volatile void *mapped(unsigned int index, uint64_t offset, size_t len)
{
	struct region *r = &region[index];
	unsigned int i;

	for (i = 0; i < r->num_areas; i++) {
		struct area *a = &r->area[i];

		if (a->map && offset >= a->offset && offset + len <= a->offset + a->size)
			return a->map + (offset - a->offset);
	}
	return NULL;
}

static uint32_t rd32(uint32_t reg)
{
	volatile uint32_t *p = mapped(VFIO_PCI_BAR0_REGION_INDEX, reg, 4);
	uint32_t val = 0xffffffff;

	if (p)
		return *p;
	if (pread(dev.fd, &val, 4, region[VFIO_PCI_BAR0_REGION_INDEX].offset + reg) != 4)
		check(false, "register-read", "%s at %#x", err(), reg);
	return val;
}

static void wr32(uint32_t reg, uint32_t val)
{
	volatile uint32_t *p = mapped(VFIO_PCI_BAR0_REGION_INDEX, reg, 4);

	if (p)
		*p = val;
	else if (pwrite(dev.fd, &val, 4, region[VFIO_PCI_BAR0_REGION_INDEX].offset + reg) != 4)
		check(false, "register-write", "%s at %#x", err(), reg);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static bool wait_clear(uint32_t reg, uint32_t mask, unsigned int timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;

	while (rd32(reg) & mask) {
		if (now_ms() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

/* ---- commands: identity and regions ---------------------------------------------------------- */

/* what configuration space shows must not depend on where a read begins and ends */
static void check_pieces(void)
{
	uint64_t start = region[VFIO_PCI_CONFIG_REGION_INDEX].offset;
	uint8_t whole[PCI_STD_HEADER_SIZEOF], piece[sizeof(whole)];
	unsigned int from, len, i;

	for (i = 0; i < sizeof(whole); i++)
		if (pread(dev.fd, &whole[i], 1, start + i) != 1)
			check(false, "ids", "%s at %#x", err(), i);
	for (from = 0; from < sizeof(whole); from++)
		for (len = 1; len <= 8 && from + len <= sizeof(whole); len++)
			if (pread(dev.fd, piece, len, start + from) != len ||
			    memcmp(piece, &whole[from], len)) {
				check(false, "ids", "%u bytes at %#x", len, from);
				return;
			}
	check(true, "ids", "however they are read");
}

static void cmd_ids(uint64_t *arg)
{
	uint16_t vendor = config_read16(PCI_VENDOR_ID), dev = config_read16(PCI_DEVICE_ID);
	uint16_t subvendor = config_read16(PCI_SUBSYSTEM_VENDOR_ID);
	uint16_t subsystem = config_read16(PCI_SUBSYSTEM_ID);

	check(vendor == VF_VENDOR && dev == arg[0], "ids", "device %04x:%04x", vendor, dev);
	check(subvendor == VF_VENDOR && subsystem == arg[1], "ids", "subsystem %04x:%04x",
	      subvendor, subsystem);
	check_pieces();
}

static void cmd_boot(uint64_t *arg)
{
	uint32_t boot0 = rd32(VF_BOOT_0), boot1 = rd32(VF_BOOT_1);

	(void)arg;
	check(VF_BOOT_0_CHIP(boot0) == VF_BOOT_0_CHIP_AD102, "boot", "BOOT_0 %08x", boot0);
	check(VF_BOOT_1_VGPU(boot1) == VF_BOOT_1_VGPU_VF, "boot", "BOOT_1 %08x", boot1);
}

static void cmd_regions(uint64_t *arg)
{
	static const struct {
		unsigned int index;
		uint64_t size;
	} want[] = {
		{ VFIO_PCI_BAR0_REGION_INDEX, VF_BAR0_SIZE },
		{ VFIO_PCI_BAR1_REGION_INDEX, VF_BAR1_SIZE },
		{ VFIO_PCI_BAR3_REGION_INDEX, VF_BAR3_SIZE },
	};
	unsigned int i;

	(void)arg;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct region *r = &region[want[i].index];

		check(r->size == want[i].size, "regions", "BAR%u %llu KiB, %u areas%s",
		      want[i].index, (unsigned long long)r->size >> 10, r->num_areas,
		      r->sparse ? ", sparse" : "");
	}
	check(!mapped(VFIO_PCI_BAR0_REGION_INDEX, VF_MSIX_TABLE, 4) &&
	      mapped(VFIO_PCI_BAR0_REGION_INDEX, VF_MMU_INVALIDATE, 4), "regions",
	      "only the MSI-X table traps");
}

/*
 * A BAR is sized as a guest does it: ones are written, what reads back as zero is its size. Also of
 * one half alone, and an address.
 */
static void check_sizing(unsigned int index, uint64_t mask, unsigned int len, unsigned int width)
{
	unsigned int reg = PCI_BASE_ADDRESS_0 + 4 * index, i;
	static const uint64_t written[] = { ~0ull, ~0u, ~0ull << 32, 0x123456789abcdef0 };
	uint64_t val;

	for (i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		if (!check(config_write(reg, written[i], len, width) &&
			   config_read(reg, &val, len, width), "bar", "%s BAR%u", err(), index))
			return;
		val &= ~0xfull;
		check(val == (written[i] & mask), "bar", "BAR%u by %u: %#llx reads %#llx", index,
		      width, (unsigned long long)written[i], (unsigned long long)val);
	}
}

static void cmd_bar(uint64_t *arg)
{
	unsigned int index = arg[0], reg = PCI_BASE_ADDRESS_0 + 4 * index, len, width;
	uint64_t before, mask = ~(arg[1] - 1);

	if (!check(index <= VFIO_PCI_BAR5_REGION_INDEX && region[index].size == arg[1], "bar",
		   "BAR%u has %llu KiB", index, (unsigned long long)region[index].size >> 10))
		return;
	config_read(reg, &before, 8, 4);
	len = (before & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64 ? 8 : 4;
	if (len == 4)
		mask = (uint32_t)mask;
	for (width = 1; width <= len; width *= 2)
		check_sizing(index, mask, len, width);
	config_write(reg, before, len, 4);
}

/* nothing of BAR1 behind the type's aperture can be reached, however it is tried */
static void cmd_clamp(uint64_t *arg)
{
	struct region *r = &region[VFIO_PCI_BAR1_REGION_INDEX];
	uint64_t val = 0;
	void *p;

	(void)arg;
	check(pread(dev.fd, &val, 8, r->offset + r->size) <= 0, "clamp", "read behind the end");
	check(pwrite(dev.fd, &val, 8, r->offset + r->size) <= 0, "clamp", "write behind the end");
	check(pread(dev.fd, &val, 8, r->offset + r->size - 4) == 4, "clamp", "read across the end");
	check(pwrite(dev.fd, &val, 8, r->offset + r->size - 4) == 4, "clamp",
	      "write across the end");
	check(pread(dev.fd, &val, 8, r->offset + (1ull << 39)) <= 0, "clamp", "read far behind");
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev.fd, r->offset + r->size);
	check(p == MAP_FAILED && errno == EINVAL, "clamp", "mmap behind the end");
	p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, dev.fd, r->offset + r->size - PAGE);
	check(p == MAP_FAILED && errno == EINVAL, "clamp", "mmap across the end");
}

static sigjmp_buf trap_jump;

static void on_sigbus(int sig)
{
	(void)sig;
	siglongjmp(trap_jump, 1);
}

/* a VMM may map BAR0 whole; a trapped page then gives a fault and no access, the others work */
static void cmd_whole(uint64_t *arg)
{
	struct region *r = &region[VFIO_PCI_BAR0_REGION_INDEX];
	struct sigaction sa = { .sa_handler = on_sigbus }, old;
	volatile uint32_t *p;

	(void)arg;
	p = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, dev.fd, r->offset);
	if (!check(p != MAP_FAILED, "whole", "mmap"))
		return;
	sigaction(SIGBUS, &sa, &old);
	if (!sigsetjmp(trap_jump, 1))
		check(false, "whole", "trapped page read %08x", p[VF_MSIX_TABLE / 4]);
	else
		check(true, "whole", "trapped page gives SIGBUS");
	sigaction(SIGBUS, &old, NULL);
	check(p[VF_BOOT_0 / 4] == rd32(VF_BOOT_0), "whole", "BOOT_0 %08x", p[VF_BOOT_0 / 4]);
	munmap((void *)p, r->size);
}

/* one word of each huge page of BAR1 */
static void cmd_touch(uint64_t *arg)
{
	struct region *r = &region[VFIO_PCI_BAR1_REGION_INDEX];
	volatile uint32_t *p;
	uint64_t offset;

	(void)arg;
	for (offset = 0; offset < r->size; offset += HUGE) {
		p = mapped(VFIO_PCI_BAR1_REGION_INDEX, offset, 4);
		if (!check(p, "touch", "%#llx is mapped", (unsigned long long)offset))
			return;
		(void)*p;
	}
}

/* a dma-buf of up to two ranges of a BAR; -1, with errno, if it is refused */
static int get_dmabuf(unsigned int index, const struct vfio_region_dma_range *ranges,
		      unsigned int num)
{
	union {
		struct vfio_device_feature feature;
		char room[sizeof(struct vfio_device_feature) +
			  sizeof(struct vfio_device_feature_dma_buf) + 2 * sizeof(*ranges)];
	} u = { .feature = { .flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF } };
	struct vfio_device_feature_dma_buf *get = (void *)u.feature.data;

	u.feature.argsz = sizeof(u.feature) + sizeof(*get) + num * sizeof(*ranges);
	get->region_index = index;
	get->open_flags = O_RDWR | O_CLOEXEC;
	get->nr_ranges = num;
	memcpy(get->dma_ranges, ranges, num * sizeof(*ranges));
	return ioctl(dev.fd, VFIO_DEVICE_FEATURE, &u);
}

/* nothing that a guest cannot map, and all that it can */
static void cmd_dmabuf(uint64_t *arg)
{
	const uint64_t bar0 = region[VFIO_PCI_BAR0_REGION_INDEX].size;
	const uint64_t bar1 = region[VFIO_PCI_BAR1_REGION_INDEX].size;
	const uint64_t bar3 = region[VFIO_PCI_BAR3_REGION_INDEX].size;
	const uint64_t table = VF_MSIX_TABLE & ~(PAGE - 1ull), behind = table + PAGE;
	const struct {
		unsigned int index;
		int error;
		struct vfio_region_dma_range ranges[2];
	} want[] = {
		{ VFIO_PCI_BAR0_REGION_INDEX, EINVAL, { { 0, bar0 } } },
		{ VFIO_PCI_BAR0_REGION_INDEX, EINVAL, { { table, PAGE } } },
		{ VFIO_PCI_BAR0_REGION_INDEX, EINVAL, { { table - PAGE, 2 * PAGE } } },
		{ VFIO_PCI_BAR0_REGION_INDEX, EINVAL, { { table, 2 * PAGE } } },
		{ VFIO_PCI_BAR0_REGION_INDEX, EINVAL, { { 0, PAGE }, { table, PAGE } } },
		{ VFIO_PCI_BAR0_REGION_INDEX, 0, { { 0, table } } },
		{ VFIO_PCI_BAR0_REGION_INDEX, 0, { { 0, table }, { behind, bar0 - behind } } },
		{ VFIO_PCI_BAR1_REGION_INDEX, EINVAL, { { bar1, PAGE } } },
		{ VFIO_PCI_BAR1_REGION_INDEX, EINVAL, { { bar1 - PAGE, 2 * PAGE } } },
		{ VFIO_PCI_BAR1_REGION_INDEX, EINVAL, { { 0, PAGE }, { bar1, PAGE } } },
		{ VFIO_PCI_BAR1_REGION_INDEX, EOVERFLOW, { { ~(PAGE - 1ull), 2 * PAGE } } },
		{ VFIO_PCI_BAR1_REGION_INDEX, 0, { { 0, bar1 } } },
		{ VFIO_PCI_BAR3_REGION_INDEX, 0, { { 0, bar3 } } },
	};
	unsigned int i;
	int fd, error;

	(void)arg;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		errno = 0;
		fd = get_dmabuf(want[i].index, want[i].ranges, want[i].ranges[1].length ? 2 : 1);
		error = errno;
		check(fd < 0 ? error && error == want[i].error : !want[i].error, "dmabuf",
		      "BAR%u from %#llx: %s", want[i].index,
		      (unsigned long long)want[i].ranges[0].offset,
		      fd < 0 ? strerrorname_np(error) : "works");
		if (fd >= 0)
			close(fd);
	}
}

/* the device finds a part of its own BAR1 where it finds memory, and a reset takes that away */
static void cmd_dmabuf_map(uint64_t *arg)
{
	struct vfio_region_dma_range range = { 0, BUFFER_SIZE };
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = dev.ioas,
		.length = BUFFER_SIZE,
		.iova = arg[0],
	};

	map.fd = get_dmabuf(VFIO_PCI_BAR1_REGION_INDEX, &range, 1);
	if (!check(map.fd >= 0, "dmabuf-map", "%s", map.fd < 0 ? err() : "dma-buf"))
		return;
	check(!ioctl(dev.iommufd, IOMMU_IOAS_MAP_FILE, &map), "dmabuf-map", "%s at %#llx", err(),
	      (unsigned long long)arg[0]);
	close(map.fd);
}

static void cmd_tlb(uint64_t *arg)
{
	(void)arg;
	wr32(VF_MMU_INVALIDATE, VF_MMU_INVALIDATE_TRIGGER | VF_MMU_INVALIDATE_ALL);
	check(wait_clear(VF_MMU_INVALIDATE, VF_MMU_INVALIDATE_TRIGGER, 2000), "tlb", "%08x",
	      rd32(VF_MMU_INVALIDATE));
}

/* ---- commands: framebuffer ------------------------------------------------------------------- */

static volatile uint64_t *framebuffer(uint64_t offset)
{
	volatile uint64_t *p = mapped(VFIO_PCI_BAR1_REGION_INDEX, offset, 8 * PATTERN_WORDS);

	if (!p)
		check(false, "framebuffer", "%#llx is not mapped", (unsigned long long)offset);
	return p;
}

static void cmd_fb_write(uint64_t *arg)
{
	volatile uint64_t *p = framebuffer(arg[0]);
	unsigned int i;

	wr32(VF_BAR1_BLOCK, 0);
	check(wait_clear(VF_BIND_STATUS, VF_BIND_STATUS_BAR1, 2000), "fb-write", "physical mode");
	for (i = 0; p && i < PATTERN_WORDS; i++)
		p[i] = PATTERN_WORD(arg[1], i);
}

static void cmd_fb_check(uint64_t *arg)
{
	volatile uint64_t *p = framebuffer(arg[0]);
	unsigned int i;

	for (i = 0; p && i < PATTERN_WORDS; i++)
		if (p[i] != PATTERN_WORD(arg[1], i)) {
			check(false, "fb-check", "word %u at %#llx: %016llx", i,
			      (unsigned long long)arg[0], (unsigned long long)p[i]);
			return;
		}
	check(p, "fb-check", "%#llx", (unsigned long long)arg[0]);
}

static void cmd_fb_zero(uint64_t *arg)
{
	volatile uint64_t *p = framebuffer(arg[0]);
	unsigned int i;

	for (i = 0; p && i < PATTERN_WORDS; i++)
		if (p[i]) {
			check(false, "fb-zero", "word %u at %#llx: %016llx", i,
			      (unsigned long long)arg[0], (unsigned long long)p[i]);
			return;
		}
	check(p, "fb-zero", "%#llx", (unsigned long long)arg[0]);
}

/* ---- commands: interrupts -------------------------------------------------------------------- */

static bool enable_irqs(void)
{
	union {
		struct vfio_irq_set set;
		char room[sizeof(struct vfio_irq_set) + sizeof(irq_fd)];
	} u = {
		.set = {
			.argsz = sizeof(u),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = VF_MSIX_VECTORS,
		},
	};
	unsigned int i;

	if (irqs_on)
		return true;
	for (i = 0; i < VF_MSIX_VECTORS; i++)
		irq_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	memcpy(u.set.data, irq_fd, sizeof(irq_fd));
	irqs_on = !ioctl(dev.fd, VFIO_DEVICE_SET_IRQS, &u.set);
	return irqs_on;
}

static int err_fd = -1;	/* VFIO's error eventfd */

/* VFIO's error eventfd: armed by "err:0", then waited for */
static void cmd_err(uint64_t *arg)
{
	union {
		struct vfio_irq_set set;
		char room[sizeof(struct vfio_irq_set) + sizeof(err_fd)];
	} u = {
		.set = {
			.argsz = sizeof(u),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_ERR_IRQ_INDEX,
			.count = 1,
		},
	};
	struct pollfd poll_fd = { .events = POLLIN };
	uint64_t begin = now_ms();
	struct timespec t;
	bool told;

	if (err_fd < 0) {
		err_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		memcpy(u.set.data, &err_fd, sizeof(err_fd));
		if (!check(!ioctl(dev.fd, VFIO_DEVICE_SET_IRQS, &u.set), "err", "armed"))
			return;
	}
	if (!arg[0])
		return;
	poll_fd.fd = err_fd;
	told = poll(&poll_fd, 1, arg[0]) == 1;
	clock_gettime(CLOCK_REALTIME, &t);
	check(told, "err", "told after %llu ms, at %llu.%03lu",
	      (unsigned long long)(now_ms() - begin), (unsigned long long)t.tv_sec,
	      t.tv_nsec / 1000000);
}

/* armed before, and nothing comes */
static void cmd_quiet(uint64_t *arg)
{
	struct pollfd poll_fd = { .fd = err_fd, .events = POLLIN };

	check(err_fd >= 0 && !poll(&poll_fd, 1, arg[0]), "quiet", "nothing for %llu ms",
	      (unsigned long long)arg[0]);
}

/* an interrupt on any vector */
static bool wait_irq(int timeout_ms)
{
	struct pollfd fds[VF_MSIX_VECTORS];
	uint64_t count;
	unsigned int i;
	bool came;

	for (i = 0; i < VF_MSIX_VECTORS; i++)
		fds[i] = (struct pollfd){ .fd = irq_fd[i], .events = POLLIN };
	came = poll(fds, VF_MSIX_VECTORS, timeout_ms) > 0;
	for (i = 0; i < VF_MSIX_VECTORS; i++)
		if (fds[i].revents && read(irq_fd[i], &count, 8) != 8)
			came = false;
	return came;
}

static void cmd_irq(uint64_t *arg)
{
	unsigned int vector = arg[0] % (32 * VF_INTR_LEAVES), leaf = vector / 32;
	uint32_t bit = 1u << vector % 32;
	bool came;

	if (!check(enable_irqs(), "irq", "MSI-X by eventfd"))
		return;
	wr32(VF_INTR_LEAF_EN_CLEAR(leaf), bit);
	wr32(VF_INTR_TOP_EN_SET, 1u << leaf / 2);
	wr32(VF_INTR_LEAF_TRIGGER, vector);
	check(!wait_irq(100) && rd32(VF_INTR_LEAF(leaf)) & bit, "irq", "masked %u", vector);
	wr32(VF_INTR_LEAF(leaf), bit);

	wr32(VF_INTR_LEAF_EN_SET(leaf), bit);
	wr32(VF_INTR_LEAF_TRIGGER, vector);
	came = wait_irq(5000);
	check(came && rd32(VF_INTR_LEAF(leaf)) & bit, "irq", "vector %u", vector);
	wr32(VF_INTR_LEAF(leaf), bit);
	check(!(rd32(VF_INTR_LEAF(leaf)) & bit), "irq", "cleared");
	wr32(VF_INTR_LEAF_EN_CLEAR(leaf), bit);
}

/* ---- commands: the plugin channel ------------------------------------------------------------ */

static volatile uint32_t *word(unsigned int offset)
{
	return (volatile uint32_t *)(buffer + offset);
}

static void put_address(unsigned int offset, uint64_t val)
{
	*word(offset) = val;
	*word(offset + 4) = val >> 32;
}

static bool request(uint32_t doorbell, unsigned int timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;

	*word(BUF_CTRL + CTRL_REQUEST_ID) = ++sequence;
	__sync_synchronize();
	wr32(VF_DOORBELL, doorbell);
	while (*word(BUF_RESPONSE + RESPONSE_ID) != sequence) {
		if (now_ms() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

static bool setup(uint64_t address, unsigned int timeout_ms)
{
	wr32(VF_CTRL_ADDR_HI, address >> 32);
	wr32(VF_CTRL_ADDR_LO, address);
	return request(VF_DOORBELL_SETUP, timeout_ms);
}

static void put_message(void)
{
	const unsigned int info = BUF_MESSAGE + RPC_HEADER_SIZE;

	*word(BUF_MESSAGE + RPC_HEADER_VERSION) = RPC_HEADER_VERSION_3;
	*word(BUF_MESSAGE + RPC_SIGNATURE) = RPC_SIGNATURE_VRPC;
	*word(BUF_MESSAGE + RPC_LENGTH) = RPC_HEADER_SIZE + INFO_SIZE;
	*word(BUF_MESSAGE + RPC_FUNCTION) = RPC_SET_GUEST_SYSTEM_INFO;
	*word(BUF_MESSAGE + RPC_RESULT) = RPC_RESULT_PENDING;
	*word(BUF_MESSAGE + RPC_RESULT_PRIVATE) = RPC_RESULT_PENDING;
	*word(info + INFO_VERSION_MAJOR) = INFO_MAJOR;
	*word(info + INFO_VERSION_MINOR) = INFO_MINOR;
	*word(info + INFO_DRIVER_LEN) = INFO_STRING_LEN;
	*word(info + INFO_VERSION_LEN) = INFO_STRING_LEN;
	*word(info + INFO_TITLE_LEN) = INFO_STRING_LEN;
	memcpy(buffer + info + INFO_DRIVER, "570.144", sizeof("570.144"));
	memcpy(buffer + info + INFO_VERSION, "r570", sizeof("r570"));
	memcpy(buffer + info + INFO_TITLE, "vfio-client", sizeof("vfio-client"));
}

/* a control buffer that says that the others are behind @base */
static void put_control(uint64_t base)
{
	memset(buffer, 0, BUFFER_SIZE);
	sequence = 0;
	*word(BUF_CTRL + CTRL_VERSION) = CTRL_VERSION_2;
	*word(BUF_CTRL + CTRL_GUEST_OS_TYPE) = CTRL_OS_LINUX_X86_64;
	put_address(BUF_CTRL + CTRL_RESPONSE_BUF, (base + BUF_RESPONSE) | BUF_SYSMEM | BUF_VALID);
	put_address(BUF_CTRL + CTRL_MESSAGE_BUF,
		    (base + BUF_MESSAGE) | BUF_128K | BUF_SYSMEM | BUF_VALID);
	put_address(BUF_CTRL + CTRL_SHARED_MEM, (base + BUF_SHARED) | BUF_SYSMEM | BUF_VALID);
	put_address(BUF_CTRL + CTRL_EVENT_BUF, (base + BUF_EVENT) | BUF_SYSMEM | BUF_VALID);
}

static void cmd_rpc(uint64_t *arg)
{
	const unsigned int info = BUF_MESSAGE + RPC_HEADER_SIZE;
	const uint64_t control = (dev.iova + BUF_CTRL) | BUF_SYSMEM | BUF_VALID;
	uint32_t result, private;

	(void)arg;
	put_control(dev.iova);
	if (!check(setup(control, RPC_TIMEOUT_MS), "rpc", "set-up"))
		return;
	put_message();
	if (!check(request(VF_DOORBELL_MESSAGE, RPC_TIMEOUT_MS), "rpc", "message"))
		return;
	result = *word(BUF_MESSAGE + RPC_RESULT);
	private = *word(BUF_MESSAGE + RPC_RESULT_PRIVATE);
	check(!result && !private, "rpc", "result %08x %08x", result, private);
	check(*word(info + INFO_VERSION_MAJOR) == INFO_MAJOR &&
	      *word(info + INFO_VERSION_MINOR) == INFO_MINOR, "rpc", "version %02x.%02x",
	      *word(info + INFO_VERSION_MAJOR), *word(info + INFO_VERSION_MINOR));
	put_address(BUF_CTRL + CTRL_MESSAGE_BUF, 0);
	check(setup(0, RPC_TIMEOUT_MS), "rpc", "teardown");
}

/* the device is told to read, and then to write, where this client has mapped nothing */
static void cmd_stray(uint64_t *arg)
{
	put_control(arg[0]);
	check(!setup((arg[0] + BUF_CTRL) | BUF_SYSMEM | BUF_VALID, STRAY_TIMEOUT_MS), "stray",
	      "read at %#llx", (unsigned long long)arg[0]);
	check(!setup((dev.iova + BUF_CTRL) | BUF_SYSMEM | BUF_VALID, STRAY_TIMEOUT_MS), "stray",
	      "write at %#llx", (unsigned long long)arg[0]);
}

/* ---- commands: the buffer -------------------------------------------------------------------- */

static void cmd_fill(uint64_t *arg)
{
	uint64_t *p = (uint64_t *)buffer;
	unsigned int i;

	for (i = 0; i < BUFFER_SIZE / 8; i++)
		p[i] = PATTERN_WORD(arg[0], i);
}

static void cmd_filled(uint64_t *arg)
{
	uint64_t *p = (uint64_t *)buffer;
	unsigned int i;

	for (i = 0; i < BUFFER_SIZE / 8; i++)
		if (p[i] != PATTERN_WORD(arg[0], i))
			break;
	check(i == BUFFER_SIZE / 8, "filled", "%u words", i);
}

/* what the device could reach, it cannot any more: as when memory is taken out of a VM */
static void cmd_move(uint64_t *arg)
{
	if (!check(vfio_dev_unmap(&dev), "move", "%s unmap %#llx", err(),
		   (unsigned long long)dev.iova))
		return;
	dev.iova = arg[0];
	check(vfio_dev_map(&dev), "move", "%s map %#llx", err(), (unsigned long long)dev.iova);
}

/* ---- commands: the watch --------------------------------------------------------------------- */

#define WATCHED_PLACES	4

/* a piece of framebuffer at each end of BAR1, and in between */
static uint64_t watched_place(unsigned int i)
{
	uint64_t size = region[VFIO_PCI_BAR1_REGION_INDEX].size;

	return i < WATCHED_PLACES - 1 ? size / WATCHED_PLACES * i : size - 8 * PATTERN_WORDS;
}

static bool read_config(uint8_t *config)
{
	uint64_t start = region[VFIO_PCI_CONFIG_REGION_INDEX].offset;
	unsigned int i;

	for (i = 0; i < PCI_CFG_SPACE_EXP_SIZE; i += 4)
		if (pread(dev.fd, config + i, 4, start + i) != 4)
			return check(false, "watch", "%s in configuration space at %#x", err(), i);
	return true;
}

static bool watch_round(uint64_t seed, const uint8_t *config)
{
	uint8_t now[PCI_CFG_SPACE_EXP_SIZE];
	unsigned int i, before = failures;

	cmd_fill(&seed);
	sleep_ms(20);
	cmd_filled(&seed);
	for (i = 0; i < WATCHED_PLACES; i++)
		cmd_fb_check((uint64_t[]){ watched_place(i), seed + i });
	cmd_boot(&seed);
	if (read_config(now))
		for (i = 0; i < sizeof(now); i++)
			if (now[i] != config[i])
				check(false, "watch", "configuration space at %#x: %02x, was %02x",
				      i, now[i], config[i]);
	check(!wait_irq(0), "watch", "no interrupt");
	cmd_rpc(&seed);
	cmd_quiet((uint64_t[]){ 0 });
	return failures == before;
}

/* of a user that does nothing but look, while another one does what it likes to its own VF */
static void cmd_watch(uint64_t *arg)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	uint8_t config[PCI_CFG_SPACE_EXP_SIZE];
	unsigned int i, rounds = 0;
	bool good;

	cmd_err((uint64_t[]){ 0 });
	good = check(enable_irqs(), "watch", "MSI-X by eventfd") && read_config(config);
	for (i = 0; i < WATCHED_PLACES; i++)
		cmd_fb_write((uint64_t[]){ watched_place(i), arg[0] + i });
	check(good, "watch", "begins");
	only_failures = true;
	do {
		good = good && watch_round(arg[0], config);
		rounds++;
	} while (good && !poll(&in, 1, 50));
	only_failures = false;
	check(good, "watch", "%u rounds", rounds);
}

/* ---- commands: the rest ---------------------------------------------------------------------- */

static void cmd_reset(uint64_t *arg)
{
	int ret;

	(void)arg;
	fail_arm("reset");
	ret = ioctl(dev.fd, VFIO_DEVICE_RESET);
	fail_disarm("reset");
	check(!ret, "reset", "%s", ret ? err() : "done");
	config_write16(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* BAR0 is touched all the while that the vGPU follows a reset: one of the touches lasts as long */
static void cmd_reset_waits(uint64_t *arg)
{
	struct region *r = &region[VFIO_PCI_BAR0_REGION_INDEX];
	volatile uint32_t *map = mapped(VFIO_PCI_BAR0_REGION_INDEX, 0, sizeof(*map));
	uint64_t begin, longest = 0;
	pid_t child = fork();
	int status = -1;
	uint32_t val;

	if (!child)
		_exit(ioctl(dev.fd, VFIO_DEVICE_RESET) ? 1 : 0);
	while (child > 0 && !waitpid(child, &status, WNOHANG)) {
		begin = now_ms();
		if (arg[1])
			val = *map;
		else if (pread(dev.fd, &val, sizeof(val), r->offset) != sizeof(val))
			break;
		if (now_ms() - begin > longest)
			longest = now_ms() - begin;
	}
	check(!status && longest >= arg[0], "reset-waits", "%llu ms, %s",
	      (unsigned long long)longest, arg[1] ? "mapped" : "read");
	config_write16(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* more is behind that bridge than this user has */
static void cmd_hot_reset_fails(uint64_t *arg)
{
	union {
		struct vfio_pci_hot_reset reset;
		char room[sizeof(struct vfio_pci_hot_reset) + sizeof(dev.group)];
	} u = { .reset = { .argsz = sizeof(u), .count = dev.use_iommufd ? 0 : 1 } };
	int ret;

	(void)arg;
	memcpy(u.reset.group_fds, &dev.group, sizeof(dev.group));
	ret = ioctl(dev.fd, VFIO_DEVICE_PCI_HOT_RESET, &u);
	check(ret == -1 && errno == EINVAL, "hot-reset-fails", "%s", ret ? err() : "no error");
}

/* the vGPU cannot follow, so the function is not for use until it is opened anew */
static void cmd_reset_fails(uint64_t *arg)
{
	uint64_t begin = now_ms();
	int ret = ioctl(dev.fd, VFIO_DEVICE_RESET);

	(void)arg;
	check(ret == -1 && errno == EIO, "reset-fails", "%s after %llu ms",
	      ret ? strerror(errno) : "no error",
	      (unsigned long long)(now_ms() - begin));
}

static void cmd_gone(uint64_t *arg)
{
	struct region *r = &region[VFIO_PCI_BAR0_REGION_INDEX];
	struct sigaction sa = { .sa_handler = on_sigbus }, old;
	volatile uint32_t *p;
	uint32_t val;

	(void)arg;
	check(pread(dev.fd, &val, sizeof(val), r->offset) == -1 && errno == EIO, "gone", "read");
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev.fd, r->offset);
	if (!check(p != MAP_FAILED, "gone", "mmap"))
		return;
	sigaction(SIGBUS, &sa, &old);
	if (!sigsetjmp(trap_jump, 1))
		check(false, "gone", "mapped page read %08x", p[0]);
	else
		check(true, "gone", "mapped page gives SIGBUS");
	sigaction(SIGBUS, &old, NULL);
	munmap((void *)p, PAGE);
}

static void cmd_master(uint64_t *arg)
{
	uint16_t val = PCI_COMMAND_MEMORY | (arg[0] ? PCI_COMMAND_MASTER : 0);

	check(config_write16(PCI_COMMAND, val) && (config_read16(PCI_COMMAND) & 6) == val, "master",
	      "%04x", config_read16(PCI_COMMAND));
}

/* what a driver keeps of configuration space it has to get at first */
static void cmd_config_faults(uint64_t *arg)
{
	void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t config = region[VFIO_PCI_CONFIG_REGION_INDEX].offset, before, after;
	unsigned int reg;

	(void)arg;
	for (reg = PCI_BASE_ADDRESS_0; reg <= PCI_BASE_ADDRESS_2; reg += 4) {
		ssize_t ret;

		if (!config_read(reg, &before, 4, 4))
			break;
		errno = 0;
		ret = pwrite(dev.fd, nowhere, 4, config + reg);
		if (ret != -1 || errno != EFAULT || !config_read(reg, &after, 4, 4) ||
		    after != before)
			break;
	}
	check(reg > PCI_BASE_ADDRESS_2, "config-faults", "%s at %#x", err(), reg);
	munmap(nowhere, 4096);
}

static void cmd_sleep(uint64_t *arg)
{
	sleep_ms(arg[0]);
}

/* until standard input says something or ends */
static void cmd_hold(uint64_t *arg)
{
	char line[64];

	(void)arg;
	check(true, "hold", "pid %d", getpid());
	if (!fgets(line, sizeof(line), stdin))
		clearerr(stdin);
}

static const struct command {
	const char *name;
	void (*run)(uint64_t *arg);
	unsigned int num_args;
	const char *help;
} commands[] = {
	{ "ids", cmd_ids, 2, "DEVICE:SUBSYSTEM: config space shows these" },
	{ "bar", cmd_bar, 2, "INDEX:BYTES: its size, by VFIO and by configuration space" },
	{ "boot", cmd_boot, 0, "BOOT registers of a VF of an AD102" },
	{ "regions", cmd_regions, 0, "sizes of the BARs, and what is trapped" },
	{ "clamp", cmd_clamp, 0, "nothing behind BAR1's aperture" },
	{ "whole", cmd_whole, 0, "BAR0 mapped in one piece" },
	{ "touch", cmd_touch, 0, "all of BAR1, once each 2 MiB" },
	{ "dmabuf", cmd_dmabuf, 0, "dma-bufs of BARs, but of what is trapped or not there" },
	{ "dmabuf-map", cmd_dmabuf_map, 1, "IOVA: by iommufd, the device can reach 2 MiB of BAR1" },
	{ "tlb", cmd_tlb, 0, "invalidate the TLB" },
	{ "fb-write", cmd_fb_write, 2, "OFFSET:SEED: write a pattern" },
	{ "fb-check", cmd_fb_check, 2, "OFFSET:SEED: the pattern is there" },
	{ "fb-zero", cmd_fb_zero, 1, "OFFSET: 4 KiB of zeroes" },
	{ "irq", cmd_irq, 1, "VECTOR: trigger it, masked and unmasked" },
	{ "rpc", cmd_rpc, 0, "the guest's half of the plugin channel" },
	{ "stray", cmd_stray, 1, "IOVA: set it up where nothing is mapped; no answer" },
	{ "fill", cmd_fill, 1, "SEED: a pattern in the buffer that the device may reach" },
	{ "filled", cmd_filled, 1, "SEED: it is still there" },
	{ "move", cmd_move, 1, "IOVA: where the device finds that buffer from now on" },
	{ "hot-reset-fails", cmd_hot_reset_fails, 0, "VFIO_DEVICE_PCI_HOT_RESET gives EINVAL" },
	{ "reset", cmd_reset, 0, "VFIO_DEVICE_RESET" },
	{ "reset-waits", cmd_reset_waits, 2, "MS:MAPPED: how long a touch of BAR0 waits" },
	{ "reset-fails", cmd_reset_fails, 0, "VFIO_DEVICE_RESET gives EIO" },
	{ "gone", cmd_gone, 0, "the BARs give EIO and SIGBUS" },
	{ "err", cmd_err, 1, "MILLISECONDS: wait for VFIO's error eventfd; 0: arm it" },
	{ "quiet", cmd_quiet, 1, "MILLISECONDS: it is not signalled" },
	{ "watch", cmd_watch, 1, "SEED: until there is standard input, nobody touches this VF" },
	{ "master", cmd_master, 1, "0|1: bus mastering" },
	{ "config-faults", cmd_config_faults, 0, "BARs are not written from nowhere" },
	{ "sleep", cmd_sleep, 1, "MILLISECONDS" },
	{ "hold", cmd_hold, 0, "wait for a line on standard input" },
};

static int usage(void)
{
	unsigned int i;

	fprintf(stderr,
		"usage: vfio-client [-i|-g] [-l] [-f open|reset|close:N] [-m IOVA] [-t UUID] [-w FILE] BDF [COMMAND...]\n");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "  %-16s%s\n", commands[i].name, commands[i].help);
	return 2;
}

static bool run(const char *text)
{
	uint64_t arg[MAX_ARGS] = { 0 };
	size_t len = strcspn(text, ":");
	unsigned int i, n = 0;
	const char *p;
	char *end;

	for (p = text + len; *p == ':' && n < MAX_ARGS; p = end) {
		arg[n++] = strtoull(p + 1, &end, 0);
		if (end == p + 1)
			return false;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strlen(commands[i].name) == len && !strncmp(commands[i].name, text, len)) {
			if (*p || n != commands[i].num_args)
				return false;
			errno = 0;
			commands[i].run(arg);
			return true;
		}
	return false;
}

static bool run_input(void)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (*line && !run(line))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	int i, option;

	dev.use_iommufd = vfio_dev_by_iommufd();
	while ((option = getopt(argc, argv, "+if:glm:t:w:")) != -1)
		switch (option) {
		case 'i':
			dev.use_iommufd = true;
			break;
		case 'g':
			dev.use_iommufd = false;
			break;
		case 'f':
			if (!fail_parse(optarg))
				return usage();
			break;
		case 'l':
			huge_buffer = true;
			break;
		case 'm':
			dev.iova = strtoull(optarg, NULL, 0);
			break;
		case 't':
			dev.token = optarg;
			break;
		case 'w':
			awaited = optarg;
			break;
		default:
			return usage();
		}
	i = optind;
	if (i >= argc)
		return usage();
	dev.bdf = argv[i++];
	if (open_device())
		for (; i < argc; i++)
			if (!(strcmp(argv[i], "-") ? run(argv[i]) : run_input())) {
				fprintf(stderr, "vfio-client: what is '%s'?\n", argv[i]);
				return usage();
			}
	close_device();
	return failures != 0;
}
