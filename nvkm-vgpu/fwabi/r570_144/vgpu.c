// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/array_size.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "plugin.h"
#include "vgpu.h"

int nvgpu_r570_144_decode_ecc_status(const void *buf, size_t len, bool *enabled)
{
	const struct nvgpu_r570_144_ecc_status *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	*enabled = nvgpu_abi_ecc_enabled(msg->units);
	return 0;
}

void nvgpu_r570_144_encode_heterogeneous(void *buf, bool on)
{
	struct nvgpu_r570_144_heterogeneous *msg = buf;

	msg->on = on;
}

void nvgpu_r570_144_encode_add_types(void *buf, const struct nvgpu_type *types, u32 num)
{
	struct nvgpu_r570_144_add_type *msg = buf;
	u32 i;

	static_assert(ARRAY_SIZE(msg->info) >= NVGPU_MAX_TYPES);

	msg->discard = true;
	msg->count = cpu_to_le32(num);
	for (i = 0; i < num; i++) {
		if (types[i].info)
			memcpy(&msg->info[i], types[i].info, sizeof(msg->info[i]));
		else
			nvgpu_abi_encode_type(&msg->info[i].common, &types[i]);
	}
}

void nvgpu_r570_144_encode_bootload(void *buf, const struct nvgpu_bootload *b)
{
	struct nvgpu_r570_144_bootload *msg = buf;

	static_assert(NVGPU_R570_144_MAX_ENGINES >= NVGPU_ABI_BOOTLOAD_ENGINES);

	nvgpu_abi_encode_bootload(&msg->head, msg->chid_offset, &msg->memory, b);
	msg->profiling = b->profiling;
	msg->kernel_log_addr = cpu_to_le64(b->heap.start + NVGPU_R570_144_PLUGIN_KERNEL_LOG);
	msg->kernel_log_size = cpu_to_le64(NVGPU_R570_144_PLUGIN_KERNEL_LOG_SIZE);
}
