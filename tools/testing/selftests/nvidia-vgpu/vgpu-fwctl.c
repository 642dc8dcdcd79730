// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of include/uapi/fwctl/nvkm_vgpu.h, by hand.
 *
 *	vgpu-fwctl /dev/fwctl/fwctlN COMMAND...
 *
 *	info			the GPU
 *	supported		types that it has
 *	creatable VF		types that the VF could be given now
 *	assign VF TYPE		give the VF a type
 *	deassign VF		take it away
 *	assigned VF		the VF's type
 *	properties TYPE		what a type is
 *	status VF		how the VF's vGPU is
 *	raw SCOPE WORD...	32-bit words as they are; prints those of the reply
 *
 * VF is its PCI address, 0000:01:00.4. Exits with 1 if the answer is not OK, which is printed as
 * "status" with its number, or if there is none, with the name of errno; with 2 on wrong usage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "nvkm_vgpu.h"

/* as in fwctl/fwctl.h of Linux 6.15, which many systems do not have so far */
struct fwctl_info {
	uint32_t size, flags, out_device_type, device_data_len;
	uint64_t out_device_data;
};

struct fwctl_rpc {
	uint32_t size, scope, in_len, out_len;
	uint64_t in, out;
};

#define FWCTL_INFO _IO(0x9a, 0)
#define FWCTL_RPC _IO(0x9a, 1)
enum { FWCTL_RPC_CONFIGURATION, FWCTL_RPC_DEBUG_READ_ONLY };

#define MAX_WORDS	32

static int fd;
static union {
	struct nvkm_vgpu_fwctl_head head;
	struct nvkm_vgpu_fwctl_type type;
	struct nvkm_vgpu_fwctl_types types;
	struct nvkm_vgpu_fwctl_properties properties;
	struct nvkm_vgpu_fwctl_status status;
	uint32_t word[4096];
} reply;

static int fail(const char *what)
{
	printf("%s: %s\n", what, strerrorname_np(errno));
	return -1;
}

/* bytes of the reply, -1 if there is none */
static int rpc(uint32_t scope, void *in, size_t len)
{
	struct fwctl_rpc rpc = {
		.size = sizeof(rpc), .scope = scope, .in_len = len, .out_len = sizeof(reply),
		.in = (uintptr_t)in, .out = (uintptr_t)&reply,
	};

	return ioctl(fd, FWCTL_RPC, &rpc) ? fail("FWCTL_RPC") : (int)rpc.out_len;
}

/* the answer is OK, and has this length */
static int command(uint32_t scope, void *in, size_t len, size_t out)
{
	const struct nvkm_vgpu_fwctl_head *head = in;
	int got = rpc(scope, in, len);

	if (got < 0)
		return -1;
	if ((size_t)got != out || reply.head.command != head->command) {
		printf("command %#x, %d bytes in place of %zu\n", reply.head.command, got, out);
		return -1;
	}
	if (reply.head.status == NVKM_VGPU_FWCTL_OK)
		return 0;
	printf("status %u\n", reply.head.status);
	return -1;
}

static uint64_t dbdf(const char *name)
{
	unsigned int domain, bus, dev, fn;

	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &dev, &fn) != 4) {
		fprintf(stderr, "vgpu-fwctl: %s is no PCI address\n", name);
		exit(2);
	}
	return (uint64_t)domain << 16 | bus << 8 | dev << 3 | fn;
}

static int about_vf(uint32_t scope, uint32_t number, const char *name, size_t out)
{
	struct nvkm_vgpu_fwctl_vf vf = { .head.command = number, .dbdf = dbdf(name) };

	return command(scope, &vf, sizeof(vf), out);
}

static int info(void)
{
	struct nvkm_vgpu_fwctl_info data = {};
	struct fwctl_info info = {
		.size = sizeof(info), .device_data_len = sizeof(data),
		.out_device_data = (uintptr_t)&data,
	};

	if (ioctl(fd, FWCTL_INFO, &info))
		return fail("FWCTL_INFO");
	printf("type %#x\nversion %u\ngpu %04x:%02x:%02x.%x\n", info.out_device_type, data.version,
	       data.dbdf >> 16, data.dbdf >> 8 & 0xff, data.dbdf >> 3 & 0x1f, data.dbdf & 7);
	return 0;
}

static int print_types(int ret)
{
	uint32_t i;

	for (i = 0; !ret && i < reply.types.count; i++)
		printf("%u\n", reply.types.type[i]);
	return ret;
}

static int supported(void)
{
	struct nvkm_vgpu_fwctl_head head = { .command = NVKM_VGPU_FWCTL_QUERY_SUPPORTED };

	return print_types(command(FWCTL_RPC_CONFIGURATION, &head, sizeof(head),
				   sizeof(reply.types)));
}

static int assign(const char *name, const char *type)
{
	struct nvkm_vgpu_fwctl_assign in = {
		.head.command = NVKM_VGPU_FWCTL_ASSIGN_TYPE, .dbdf = dbdf(name),
		.type = strtoul(type, NULL, 0), .swizz_id = NVKM_VGPU_FWCTL_ANY,
		.placement_id = NVKM_VGPU_FWCTL_ANY,
	};

	return command(FWCTL_RPC_CONFIGURATION, &in, sizeof(in), sizeof(reply.head));
}

static int properties(const char *type)
{
	struct nvkm_vgpu_fwctl_type in = {
		.head.command = NVKM_VGPU_FWCTL_QUERY_PROPERTIES, .type = strtoul(type, NULL, 0),
	};
	const struct nvkm_vgpu_fwctl_property *p = reply.properties.property;
	unsigned int i;

	if (command(FWCTL_RPC_CONFIGURATION, &in, sizeof(in), sizeof(reply.properties)))
		return -1;
	for (i = 0; i < reply.properties.count; i++, p++)
		if (p->size)
			printf("%#x %s\n", p->key, p->text);
		else
			printf("%#x %llu\n", p->key, p->value);
	return 0;
}

static int status(const char *name)
{
	const struct nvkm_vgpu_fwctl_status *s = &reply.status;

	if (about_vf(FWCTL_RPC_DEBUG_READ_ONLY, NVKM_VGPU_FWCTL_STATUS, name, sizeof(*s)))
		return -1;
	printf("version %u\nsize %u\nstate %s\ntype %u\n", s->version, s->size, s->state, s->type);
	if (s->known & NVKM_VGPU_FWCTL_KNOWN_SHARE) {
		printf("fb_start %#llx\nfb_size %llu\n", s->fb_start, s->fb_size);
		printf("channel_start %u\nnum_channels %u\nplacement_id %u\n", s->channel_start,
		       s->num_channels, s->placement_id);
	}
	if (s->known & NVKM_VGPU_FWCTL_KNOWN_RUNNING)
		printf("uptime %llu\nchannel_errors %llu\n", s->uptime, s->channel_errors);
	if (s->known & NVKM_VGPU_FWCTL_KNOWN_UTIL)
		printf("util %u %u %u %u\n", s->util[0], s->util[1], s->util[2], s->util[3]);
	if (s->known & NVKM_VGPU_FWCTL_KNOWN_GUEST)
		printf("guest_driver_loaded %u\nfb_used %llu\n", s->driver_loaded, s->fb_used);
	if (s->known & NVKM_VGPU_FWCTL_KNOWN_GUEST_TOLD) {
		printf("guest_os %s\nlicense_state %s\nframe_rate_limit %u\n", s->guest_os,
		       s->license_state, s->frame_rate_limit);
		printf("guest_driver_version %s\nguest_driver_branch %s\n",
		       s->guest_driver_version, s->guest_driver_branch);
	}
	return 0;
}

static int raw(char **args)
{
	uint32_t words[MAX_WORDS], scope = strtoul(*args++, NULL, 0);
	int i, got, num = 0;

	while (*args && num < MAX_WORDS)
		words[num++] = strtoul(*args++, NULL, 0);
	got = rpc(scope, words, num * sizeof(*words));
	for (i = 0; i < got / 4; i++)
		printf("%#x\n", reply.word[i]);
	return got < 0 ? got : 0;
}

static int run(const char *name, int num, char **args)
{
	const uint32_t scope = FWCTL_RPC_CONFIGURATION;

	if (!strcmp(name, "info") && !num)
		return info();
	if (!strcmp(name, "supported") && !num)
		return supported();
	if (!strcmp(name, "creatable") && num == 1)
		return print_types(about_vf(scope, NVKM_VGPU_FWCTL_QUERY_CREATABLE, args[0],
					    sizeof(reply.types)));
	if (!strcmp(name, "assign") && num == 2)
		return assign(args[0], args[1]);
	if (!strcmp(name, "deassign") && num == 1)
		return about_vf(scope, NVKM_VGPU_FWCTL_DEASSIGN_TYPE, args[0], sizeof(reply.head));
	if (!strcmp(name, "assigned") && num == 1) {
		if (about_vf(scope, NVKM_VGPU_FWCTL_QUERY_ASSIGNED, args[0], sizeof(reply.type)))
			return -1;
		return printf("%u\n", reply.type.type) < 0;
	}
	if (!strcmp(name, "properties") && num == 1)
		return properties(args[0]);
	if (!strcmp(name, "status") && num == 1)
		return status(args[0]);
	if (!strcmp(name, "raw") && num >= 1)
		return raw(args);
	fprintf(stderr, "vgpu-fwctl: what is '%s' with %d arguments?\n", name, num);
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: vgpu-fwctl DEVICE COMMAND...; its source says which\n", stderr);
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		fail(argv[1]);
		return 1;
	}
	return run(argv[2], argc - 3, argv + 3) ? 1 : 0;
}
