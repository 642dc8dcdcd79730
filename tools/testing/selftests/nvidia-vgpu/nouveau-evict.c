// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes nouveau move buffers: writes patterns to some in framebuffer, allocates as much more as
 * there is, so that nouveau has to evict the first ones to system memory, and reads them.
 *
 *	nouveau-evict NODE-OF-DRM SEED
 *
 * The seed makes patterns that can be told from those of another run. Prints "ok <buffers> evicted"
 * or what went wrong, and exits accordingly. Wants a GPU with little framebuffer; nouveau moves by
 * its copy engine if it has a channel for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <drm/nouveau_drm.h>

#define BUFFERS		8
#define SIZE		(512 << 10)
#define BALLAST		(32 << 20)

struct buffer {
	uint32_t handle;
	volatile uint64_t *map;
};

static int fd;
static uint64_t seed;

static void fail(const char *what)
{
	printf("FAIL %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t framebuffer(void)
{
	struct drm_nouveau_getparam req = { .param = NOUVEAU_GETPARAM_FB_SIZE };

	if (ioctl(fd, DRM_IOCTL_NOUVEAU_GETPARAM, &req))
		fail("GETPARAM");
	return req.value;
}

static struct drm_nouveau_gem_info gem_new(uint64_t size, uint32_t domains)
{
	struct drm_nouveau_gem_new req = {
		.info.size = size,
		.info.domain = domains | NOUVEAU_GEM_DOMAIN_MAPPABLE,
	};

	if (ioctl(fd, DRM_IOCTL_NOUVEAU_GEM_NEW, &req))
		fail("GEM_NEW");
	return req.info;
}

/*
 * Where it is now; of a buffer with one domain, only that it has that one. To be asked makes a
 * buffer the last one to be evicted.
 */
static uint32_t domain(uint32_t handle)
{
	struct drm_nouveau_gem_info info = { .handle = handle };

	if (ioctl(fd, DRM_IOCTL_NOUVEAU_GEM_INFO, &info))
		fail("GEM_INFO");
	return info.domain;
}

static uint64_t value(unsigned int buffer, unsigned int word)
{
	return seed + ((uint64_t)buffer << 56) + word * 0x9e3779b97f4a7c15ull;
}

static void make(struct buffer *b, unsigned int n)
{
	struct drm_nouveau_gem_info info = gem_new(SIZE, NOUVEAU_GEM_DOMAIN_VRAM |
							 NOUVEAU_GEM_DOMAIN_GART);

	b->handle = info.handle;
	b->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, info.map_handle);
	if (b->map == MAP_FAILED)
		fail("mmap");
	if (!(domain(b->handle) & NOUVEAU_GEM_DOMAIN_VRAM))
		fail("not in framebuffer");
	for (unsigned int i = 0; i < SIZE / sizeof(*b->map); i++)
		b->map[i] = value(n, i);
}

static unsigned int evicted(const struct buffer *b)
{
	unsigned int count = 0;

	for (unsigned int n = 0; n < BUFFERS; n++)
		count += !(domain(b[n].handle) & NOUVEAU_GEM_DOMAIN_VRAM);
	return count;
}

static void verify(const struct buffer *b, unsigned int n)
{
	for (unsigned int i = 0; i < SIZE / sizeof(*b->map); i++) {
		uint64_t got = b->map[i];

		if (got == value(n, i))
			continue;
		printf("FAIL buffer %u, word %u: 0x%016llx, expected 0x%016llx\n", n, i,
		       (unsigned long long)got, (unsigned long long)value(n, i));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct buffer b[BUFFERS];
	uint64_t ballast;

	if (argc != 3) {
		fprintf(stderr, "usage: %s NODE-OF-DRM SEED\n", argv[0]);
		return 2;
	}
	seed = strtoull(argv[2], NULL, 0);
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		fail(argv[1]);
	for (unsigned int n = 0; n < BUFFERS; n++)
		make(&b[n], n);
	for (ballast = 0; ballast < framebuffer(); ballast += BALLAST)
		gem_new(BALLAST, NOUVEAU_GEM_DOMAIN_VRAM);
	if (evicted(b) != BUFFERS)
		fail("not evicted");
	for (unsigned int n = 0; n < BUFFERS; n++)
		verify(&b[n], n);
	printf("ok %u evicted\n", BUFFERS);
	return 0;
}
