// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest's CUDA can do here without a kernel running on its GPU: a
 * context, memory, copies both ways and between memories, compared with what
 * they should be.
 *
 * It takes the driver's library by its name when it starts, and declares what
 * it uses of it. Each call is told, with its result; the first that fails ends
 * it: the exit code is 1 then, and 2 if contents are not what they should be.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE	(3u << 20)	/* more than a page of any size of the GPU */

enum { MULTIPROCESSORS = 16, COMPUTE_MAJOR = 75, COMPUTE_MINOR = 76 };

typedef uint64_t device_ptr;

static void *library;

static void *function(const char *name)
{
	void *f = dlsym(library, name);

	if (!f) {
		printf("%s is not in the library\n", name);
		exit(1);
	}
	return f;
}

#define CALL(name, types, args...) \
	result(#name, ((int (*)types)function(#name))(args))

static void result(const char *name, int err)
{
	int (*error_name)(int, const char **) = function("cuGetErrorName");
	const char *text;

	if (!err) {
		printf("%s 0\n", name);
		return;
	}
	if (error_name(err, &text))
		text = "?";
	printf("%s %d %s\n", name, err, text);
	exit(1);
}

/* no two words alike, and other ones with each seed */
static void fill(uint32_t *p, uint32_t seed)
{
	for (uint32_t i = 0; i < SIZE / 4; i++)
		p[i] = (i + seed) * 2654435761u;
}

static void compare(const char *what, const uint32_t *is, const uint32_t *should)
{
	for (uint32_t i = 0; i < SIZE / 4; i++) {
		if (is[i] != should[i]) {
			printf("%s: 0x%08x at 0x%x, not 0x%08x\n", what, is[i], 4 * i, should[i]);
			exit(2);
		}
	}
	printf("%s alike\n", what);
}

static void copies(void)
{
	uint32_t *out = malloc(SIZE), *in = calloc(1, SIZE);
	device_ptr a, b;

	if (!out || !in)
		exit(1);
	CALL(cuMemAlloc_v2, (device_ptr *, size_t), &a, SIZE);
	CALL(cuMemAlloc_v2, (device_ptr *, size_t), &b, SIZE);
	fill(out, 1);
	CALL(cuMemcpyHtoD_v2, (device_ptr, const void *, size_t), a, out, SIZE);
	CALL(cuMemcpyDtoH_v2, (void *, device_ptr, size_t), in, a, SIZE);
	compare("there and back", in, out);
	CALL(cuMemcpyDtoD_v2, (device_ptr, device_ptr, size_t), b, a, SIZE);
	fill(in, 2);
	CALL(cuMemcpyHtoD_v2, (device_ptr, const void *, size_t), a, in, SIZE);
	CALL(cuMemcpyDtoH_v2, (void *, device_ptr, size_t), in, b, SIZE);
	compare("copied on the GPU", in, out);
	CALL(cuMemFree_v2, (device_ptr), b);
	CALL(cuMemFree_v2, (device_ptr), a);
	free(in);
	free(out);
}

int main(void)
{
	void *context;
	char name[64];
	int n, device, major, minor, sms;
	size_t memory;

	setvbuf(stdout, NULL, _IOLBF, 0);
	library = dlopen("libcuda.so.1", RTLD_NOW);
	if (!library) {
		printf("%s\n", dlerror());
		return 1;
	}
	CALL(cuInit, (unsigned int), 0);
	CALL(cuDeviceGetCount, (int *), &n);
	CALL(cuDeviceGet, (int *, int), &device, 0);
	CALL(cuDeviceGetName, (char *, int, int), name, sizeof(name), device);
	CALL(cuDeviceGetAttribute, (int *, int, int), &major, COMPUTE_MAJOR, device);
	CALL(cuDeviceGetAttribute, (int *, int, int), &minor, COMPUTE_MINOR, device);
	CALL(cuDeviceGetAttribute, (int *, int, int), &sms, MULTIPROCESSORS, device);
	CALL(cuDeviceTotalMem_v2, (size_t *, int), &memory, device);
	printf("%d of %s: %d.%d, %d SMs, %zu MiB\n", n, name, major, minor, sms, memory >> 20);
	CALL(cuCtxCreate_v2, (void **, unsigned int, int), &context, 0, device);
	copies();
	CALL(cuCtxDestroy_v2, (void *), context);
	printf("all done\n");
	return 0;
}
