// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/array_size.h>
#include <linux/bitfield.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "guest.h"

static enum nvgpu_guest_os guest_os(u32 val)
{
	switch (FIELD_GET(NVGPU_ABI_GUEST_OS, val)) {
	case NVGPU_ABI_GUEST_OS_LINUX:
		return NVGPU_GUEST_OS_LINUX;
	case NVGPU_ABI_GUEST_OS_WINDOWS7:
		return NVGPU_GUEST_OS_WINDOWS_7;
	case NVGPU_ABI_GUEST_OS_WINDOWS10:
		return NVGPU_GUEST_OS_WINDOWS_10;
	default:
		return NVGPU_GUEST_OS_UNKNOWN;
	}
}

/* Named assumption: GSP-RM counts states of a licence as NVML does, which is published */
static enum nvgpu_license guest_license(u32 val)
{
	static const enum nvgpu_license states[] = {
		NVGPU_LICENSE_UNKNOWN, NVGPU_LICENSE_UNINITIALIZED, NVGPU_LICENSE_UNRESTRICTED,
		NVGPU_LICENSE_RESTRICTED, NVGPU_LICENSE_UNLICENSED, NVGPU_LICENSE_LICENSED,
	};

	return val < ARRAY_SIZE(states) ? states[val] : NVGPU_LICENSE_UNKNOWN;
}

/* it may lack its end */
static void guest_copy_string(char *to, const u8 *from)
{
	memcpy(to, from, NVGPU_ABI_GUEST_STRING);
	to[NVGPU_ABI_GUEST_STRING] = '\0';
}

int nvgpu_abi_decode_guest(const void *buf, size_t len, u32 index, struct nvgpu_guest *guest)
{
	const struct nvgpu_abi_vgpus *msg = buf;
	const struct nvgpu_abi_guest *from;
	u32 limit;

	static_assert(sizeof(guest->version) > NVGPU_ABI_GUEST_STRING);
	static_assert(sizeof(guest->branch) > NVGPU_ABI_GUEST_STRING);

	if (len < sizeof(*msg) || le32_to_cpu(msg->count) > NVGPU_ABI_MAX_GUESTS)
		return -EPROTO;
	if (index >= le32_to_cpu(msg->count))
		return 0;
	from = &msg->guest[index];
	limit = le32_to_cpu(from->vm.frame_rate_limit);
	*guest = (struct nvgpu_guest) {
		.gfid = le32_to_cpu(from->device.gfid),
		.valid = le32_to_cpu(from->vm.state) == NVGPU_ABI_GUEST_INFO_INITIALIZED,
		.driver_loaded = from->device.driver_loaded,
		.fb_used = le64_to_cpu(from->device.fb_used),
		.os = guest_os(le32_to_cpu(from->vm.os)),
		.license = guest_license(le32_to_cpu(from->vm.license_state)),
		.frame_rate_limit = limit == U32_MAX ? 0 : limit,
	};
	guest_copy_string(guest->version, from->vm.driver_version);
	guest_copy_string(guest->branch, from->vm.driver_branch);
	return 1;
}

int nvgpu_abi_decode_utilization(const void *buf, size_t len, u32 index,
				 struct nvgpu_util_sample *sample)
{
	const struct nvgpu_abi_samples *msg = buf;
	const struct nvgpu_abi_engine_sample *engine[NVGPU_UTIL_ENGINES];
	unsigned int i;

	if (len < sizeof(*msg) || le32_to_cpu(msg->count) > NVGPU_ABI_MAX_SAMPLES)
		return -EPROTO;
	if (msg->type != NVGPU_ABI_SAMPLES_UTILIZATION || index >= le32_to_cpu(msg->count))
		return 0;
	engine[NVGPU_UTIL_MEMORY] = &msg->sample[index].memory;
	engine[NVGPU_UTIL_GRAPHICS] = &msg->sample[index].graphics;
	engine[NVGPU_UTIL_ENCODER] = &msg->sample[index].encoder;
	engine[NVGPU_UTIL_DECODER] = &msg->sample[index].decoder;
	sample->time = le64_to_cpu(msg->sample[index].time);
	for (i = 0; i < NVGPU_UTIL_ENGINES; i++) {
		sample->engine[i].util = le32_to_cpu(engine[i]->util);
		sample->engine[i].pid = le32_to_cpu(engine[i]->pid);
	}
	return 1;
}
