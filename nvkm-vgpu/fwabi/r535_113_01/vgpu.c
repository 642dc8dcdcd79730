// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/array_size.h>
#include <linux/build_bug.h>
#include <linux/errno.h>

#include "../fwabi.h"
#include "plugin.h"
#include "vgpu.h"

int nvgpu_r535_113_01_decode_ecc_status(const void *buf, size_t len, bool *enabled)
{
	const struct nvgpu_r535_113_01_ecc_status *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	*enabled = nvgpu_abi_ecc_enabled(msg->units);
	return 0;
}

void nvgpu_r535_113_01_encode_add_types(void *buf, const struct nvgpu_type *types, u32 num)
{
	struct nvgpu_r535_113_01_add_type *msg = buf;
	u32 i;

	static_assert(ARRAY_SIZE(msg->info) >= NVGPU_MAX_TYPES);

	msg->discard = true;
	msg->count = cpu_to_le32(num);
	for (i = 0; i < num; i++)
		nvgpu_abi_encode_type(&msg->info[i], &types[i]);
}

void nvgpu_r535_113_01_encode_bootload(void *buf, const struct nvgpu_bootload *b)
{
	struct nvgpu_r535_113_01_bootload *msg = buf;

	static_assert(NVGPU_R535_113_01_MAX_ENGINES >= NVGPU_ABI_BOOTLOAD_ENGINES);

	nvgpu_abi_encode_bootload(&msg->head, msg->chid_offset, &msg->memory, b);
	msg->profiling = b->profiling;
}
