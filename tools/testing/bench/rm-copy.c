// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program in a guest has of its vGPU without graphics: memory of it and
 * of the machine in a VA space of its own, a channel on a copy engine, copies
 * both ways and between memories, compared with what they should be. It asks
 * the driver itself, where others have a library.
 *
 * It declares what it uses of the driver; the numbers are those of OpenRM's
 * headers, of 550 and 570 alike. Each step is told when it is done; the first
 * that fails ends it: the exit code is 1 then, and 2 if contents are not what
 * they should be.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SIZE	(3u << 20)	/* more than a page of any size of the GPU */

/* escapes */
enum { REGISTER_FD = 0xc9, RM_CONTROL = 0x2a, RM_ALLOC = 0x2b, RM_MAP = 0x4e, RM_MAP_DMA = 0x57 };

/* classes */
enum {
	ROOT = 0x0, DEVICE = 0x80, SUBDEVICE = 0x2080, SYSTEM_MEMORY = 0x3e, GPU_MEMORY = 0x40,
	VIRTUAL_MEMORY = 0x70, VASPACE = 0x90f1, USERMODE = 0xc461, CHANNEL = 0xc56f, COPY = 0xc7b5,
};

enum { GET_ENGINES = 0x20800170, SCHEDULE = 0xa06f0103, SUBMIT_TOKEN = 0xc36f0108 };
enum { COPY0 = 9, COPY9 = 18 };		/* NV2080_ENGINE_TYPE */

struct nvos_alloc {
	uint32_t root, parent, object, class;
	uint64_t params, rights;
	uint32_t size, flags, status;
};

struct nvos_control {
	uint32_t client, object, cmd, flags;
	uint64_t params;
	uint32_t size, status;
};

struct nvos_map {
	uint32_t client, device, memory;
	uint64_t offset, length, address;
	uint32_t status, flags;
	int fd;
};

struct nvos_map_dma {
	uint32_t client, device, dma, memory;
	uint64_t offset, length;
	uint32_t flags;
	uint64_t address;
	uint32_t status;
};

struct device_params { uint32_t id, share, target, target_device, flags; uint64_t va[3]; uint32_t mode; };
struct vaspace_params { uint32_t index, flags; uint64_t size, start, limit; uint32_t big_page; uint64_t base; };
struct virtual_params { uint64_t offset, limit; uint32_t vaspace; };

struct memory_params {
	uint32_t owner, type, flags, width, height, pitch, attr, attr2, format, compression, zcull;
	uint64_t low, high, size, alignment, offset, limit, address;
	uint32_t tags, vaspace, internal, tag, node;
};

struct channel_params {
	uint32_t error, buffer;
	uint64_t gpfifo;
	uint32_t entries, flags, share, vaspace, userd[8];
	uint64_t userd_offset[8];
	uint32_t engine;
	uint32_t rest[128];		/* what the driver fills in, of any release */
};

/* attributes of memory */
#define ATTR_SYSTEM		(1u << 25 | 1u << 27)	/* in system memory, not in one piece */

static int ctl, gpu;
static uint32_t client, device, subdevice, vaspace, virt;

static void die(const char *what, uint32_t status)
{
	printf("%s: status 0x%x\n", what, status);
	exit(1);
}

static void escape(int fd, unsigned int nr, void *p, unsigned int size, const char *what)
{
	if (ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'F', nr, size), p)) {
		perror(what);
		exit(1);
	}
}

static uint32_t allocate(const char *what, uint32_t parent, uint32_t class, void *params)
{
	static uint32_t handles = 0x5c000000;	/* no range of the driver's own */
	struct nvos_alloc a = {
		.root = client, .parent = parent, .object = client ? ++handles : 0, .class = class,
		.params = (uintptr_t)params,
	};

	escape(ctl, RM_ALLOC, &a, sizeof(a), what);
	if (a.status)
		die(what, a.status);
	printf("%s\n", what);
	return a.object;
}

static void control(const char *what, uint32_t object, uint32_t cmd, void *params, uint32_t size)
{
	struct nvos_control c = {
		.client = client, .object = object, .cmd = cmd, .params = (uintptr_t)params, .size = size,
	};

	escape(ctl, RM_CONTROL, &c, sizeof(c), what);
	if (c.status)
		die(what, c.status);
}

/* for the CPU; the mapping stays as the file is closed */
static void *map(const char *what, const char *file, uint32_t parent, uint32_t memory, uint64_t size)
{
	struct nvos_map m = {
		.client = client, .device = parent, .memory = memory, .length = size, .fd = open(file, O_RDWR),
	};
	void *p;

	escape(ctl, RM_MAP, &m, sizeof(m), what);
	if (m.status)
		die(what, m.status);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd, 0);
	if (p == MAP_FAILED) {
		perror(what);
		exit(1);
	}
	close(m.fd);
	return p;
}

/* for the GPU */
static uint64_t map_dma(const char *what, uint32_t memory, uint64_t size)
{
	struct nvos_map_dma m = {
		.client = client, .device = device, .dma = virt, .memory = memory, .length = size,
	};

	escape(ctl, RM_MAP_DMA, &m, sizeof(m), what);
	if (m.status)
		die(what, m.status);
	return m.address;
}

static uint32_t memory(const char *what, uint32_t class, uint64_t size)
{
	struct memory_params p = {
		.owner = client, .size = size, .attr = class == SYSTEM_MEMORY ? ATTR_SYSTEM : 0,
	};

	return allocate(what, device, class, &p);
}

static void open_gpu(void)
{
	struct device_params d = { .mode = 2 /* any number of VA spaces */ };
	struct vaspace_params v = { 0 };
	struct virtual_params m = { 0 };
	uint32_t which = 0;

	ctl = open("/dev/nvidiactl", O_RDWR);
	gpu = open("/dev/nvidia0", O_RDWR);
	if (ctl < 0 || gpu < 0) {
		perror("device files");
		exit(1);
	}
	escape(gpu, REGISTER_FD, &ctl, sizeof(ctl), "register");
	client = allocate("client", 0, ROOT, NULL);
	d.share = client;
	device = allocate("device", client, DEVICE, &d);
	subdevice = allocate("subdevice", device, SUBDEVICE, &which);
	vaspace = allocate("VA space", device, VASPACE, &v);
	m.vaspace = vaspace;
	virt = allocate("virtual memory", device, VIRTUAL_MEMORY, &m);
}

/* one that is on no runlist of graphics comes last */
static uint32_t copy_engine(void)
{
	struct { uint32_t count, engine[64]; } e = { 0 };
	uint32_t found = 0;

	control("engines", subdevice, GET_ENGINES, &e, sizeof(e));
	for (uint32_t i = 0; i < e.count && i < 64; i++) {
		if (e.engine[i] >= COPY0 && e.engine[i] <= COPY9 && e.engine[i] > found)
			found = e.engine[i];
	}
	if (!found) {
		printf("no copy engine\n");
		exit(1);
	}
	return found;
}

/* ---- the channel ------------------------------------------------------- */

enum { ENTRIES = 32, PUSH_SIZE = 256, PUT = 0x8c / 4, DOORBELL = 0x90 / 4 };

static volatile uint32_t *userd, *doorbell, *semaphore;
static uint32_t *ring, *push, token, put;
static uint64_t push_va, semaphore_va;

static void open_channel(void)
{
	struct channel_params c = { .entries = ENTRIES, .vaspace = vaspace, .engine = copy_engine() };
	struct { uint32_t version, engine; } ce = { 1, c.engine };
	uint32_t m = memory("ring", SYSTEM_MEMORY, 1 << 16), u = memory("USERD", GPU_MEMORY, 1 << 16), ch;
	uint8_t on[2] = { 1 };
	char *p = map("ring", "/dev/nvidiactl", device, m, 1 << 16);
	uint64_t va = map_dma("ring", m, 1 << 16);

	ring = (uint32_t *)p;
	push = (uint32_t *)(p + 4096);
	semaphore = (uint32_t *)(p + 0x8000);
	push_va = va + 4096;
	semaphore_va = va + 0x8000;
	*semaphore = 0;
	userd = map("USERD", "/dev/nvidia0", device, u, 1 << 16);
	memset((void *)userd, 0, 512);
	c.gpfifo = va;
	c.userd[0] = u;
	ch = allocate("channel", device, CHANNEL, &c);
	allocate("copy engine", ch, COPY, &ce);
	control("schedule", ch, SCHEDULE, on, sizeof(on));
	control("token", ch, SUBMIT_TOKEN, &token, sizeof(token));
	doorbell = map("doorbell", "/dev/nvidia0", subdevice,
		       allocate("doorbell", subdevice, USERMODE, NULL), 1 << 16);
}

static uint32_t *methods(uint32_t *p, uint32_t method, uint32_t n)
{
	*p++ = 1u << 29 | n << 16 | 4 << 13 | method >> 2;
	return p;
}

static void copy(const char *what, uint64_t to, uint64_t from)
{
	uint32_t *start = push + put * PUSH_SIZE / 4, *p = start, n = put + 1;
	time_t end = time(NULL) + 20;

	p = methods(p, 0x000, 1);		/* SET_OBJECT */
	*p++ = COPY;
	p = methods(p, 0x240, 3);		/* SET_SEMAPHORE */
	*p++ = semaphore_va >> 32;
	*p++ = semaphore_va;
	*p++ = n;
	p = methods(p, 0x400, 8);		/* OFFSET_IN ... LINE_COUNT */
	*p++ = from >> 32;
	*p++ = from;
	*p++ = to >> 32;
	*p++ = to;
	*p++ = SIZE;
	*p++ = SIZE;
	*p++ = SIZE;
	*p++ = 1;
	p = methods(p, 0x300, 1);		/* LAUNCH_DMA: not pipelined, flush, release, pitch */
	*p++ = 2 | 1 << 2 | 1 << 3 | 1 << 7 | 1 << 8;
	ring[2 * put] = push_va + put * PUSH_SIZE;
	ring[2 * put + 1] = (push_va + put * PUSH_SIZE) >> 32 | (p - start) << 10;
	put++;
	__sync_synchronize();
	userd[PUT] = put;
	(void)userd[PUT];	/* it is there before the doorbell */
	doorbell[DOORBELL] = token;
	while (*semaphore != n) {
		if (time(NULL) > end) {
			printf("%s: did not end\n", what);
			exit(1);
		}
	}
	printf("%s\n", what);
}

/* ---- contents ---------------------------------------------------------- */

/* no two words alike, and other ones with each seed */
static void fill(uint32_t *p, uint32_t seed)
{
	for (uint32_t i = 0; i < SIZE / 4; i++)
		p[i] = (i + seed) * 2654435761u;
}

static void compare(const char *what, const uint32_t *is, uint32_t seed)
{
	for (uint32_t i = 0; i < SIZE / 4; i++) {
		uint32_t should = (i + seed) * 2654435761u;

		if (is[i] != should) {
			printf("%s: 0x%08x at 0x%x, not 0x%08x\n", what, is[i], 4 * i, should);
			exit(2);
		}
	}
	printf("%s alike\n", what);
}

int main(void)
{
	uint32_t m, a, b, *host;
	uint64_t host_va, a_va, b_va;

	setvbuf(stdout, NULL, _IOLBF, 0);
	open_gpu();
	m = memory("memory of the machine", SYSTEM_MEMORY, SIZE);
	a = memory("memory of the GPU", GPU_MEMORY, SIZE);
	b = memory("more of it", GPU_MEMORY, SIZE);
	host = map("memory", "/dev/nvidiactl", device, m, SIZE);
	host_va = map_dma("memory", m, SIZE);
	a_va = map_dma("memory of the GPU", a, SIZE);
	b_va = map_dma("more of it", b, SIZE);
	open_channel();
	fill(host, 1);
	copy("to the GPU", a_va, host_va);
	fill(host, 2);
	copy("on the GPU", b_va, a_va);
	copy("to the GPU again", a_va, host_va);
	fill(host, 3);
	copy("back", host_va, b_va);
	compare("copied on the GPU", host, 1);
	copy("back again", host_va, a_va);
	compare("there and back", host, 2);
	printf("all done\n");
	return 0;
}
