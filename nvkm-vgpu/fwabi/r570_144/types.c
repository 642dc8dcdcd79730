// SPDX-License-Identifier: GPL-2.0-only
/* vGPU types as a file has them, in the form in which GSP-RM is told of them. */
#include <asm/byteorder.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "vgpu.h"

static int types_refuse(char *why, const char *field, u64 value, const char *expected)
{
	scnprintf(why, NVGPU_TYPE_WHY_MAX, "%s is %#llx, expected %s", field, value, expected);
	return -EINVAL;
}

static int types_check_text(char *why, const char *field, const u8 *text, size_t size)
{
	if (strnlen((const char *)text, size) < size)
		return 0;
	scnprintf(why, NVGPU_TYPE_WHY_MAX, "%s is not terminated within %zu bytes", field, size);
	return -EINVAL;
}

static int types_check_texts(const struct nvgpu_abi_vgpu_info *info, char *why)
{
	int ret;

	ret = types_check_text(why, "vgpuName", info->name, sizeof(info->name));
	if (ret)
		return ret;
	ret = types_check_text(why, "vgpuClass", info->class_name, sizeof(info->class_name));
	if (ret)
		return ret;
	return types_check_text(why, "license", info->license, sizeof(info->license));
}

/* what has less room on this side of the seam, and what this side has no word for */
static int types_check_numbers(const struct nvgpu_abi_vgpu_info *info, char *why)
{
	const struct {
		const char *field;
		u64 value, max;
		const char *expected;
	} numbers[] = {
		{ "cudaEnabled", le32_to_cpu(info->cuda), 1, "0 or 1" },
		{ "eccSupported", le32_to_cpu(info->ecc), 1, "0 or 1" },
		{ "multiVgpuSupported", le32_to_cpu(info->multi_vgpu), 1, "0 or 1" },
		{ "multiVgpuExclusive", le32_to_cpu(info->multi_vgpu_exclusive), 1, "0 or 1" },
		{ "frlEnable", le32_to_cpu(info->frl_enable), 1, "0 or 1" },
		{ "gpuInstanceSize", le32_to_cpu(info->gpu_instance_size), 0, "0, without MIG" },
		{ "vdevId", le64_to_cpu(info->vdev_id), U32_MAX, "two ids of 16 bits" },
		{ "pdevId", le64_to_cpu(info->pdev_id), U16_MAX, "an id of 16 bits" },
		{ "bar1Length", le64_to_cpu(info->bar1_mib), U64_MAX / SZ_1M, "MiB" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].value > numbers[i].max)
			return types_refuse(why, numbers[i].field, numbers[i].value,
					    numbers[i].expected);
	return 0;
}

static void types_decode(const struct nvgpu_abi_vgpu_info *info, struct nvgpu_type *type)
{
	type->id = le32_to_cpu(info->id);
	strscpy(type->name, (const char *)info->name, sizeof(type->name));
	type->class_name = (const char *)info->class_name;
	type->license = (const char *)info->license;
	type->max_instance = le32_to_cpu(info->max_instance);
	type->num_heads = le32_to_cpu(info->num_heads);
	type->max_res_x = le32_to_cpu(info->max_res_x);
	type->max_res_y = le32_to_cpu(info->max_res_y);
	type->max_pixels = le32_to_cpu(info->max_pixels);
	type->frl_config = le32_to_cpu(info->frl_config);
	type->frl_enable = le32_to_cpu(info->frl_enable);
	type->cuda = le32_to_cpu(info->cuda);
	type->ecc = le32_to_cpu(info->ecc);
	type->multi_vgpu = le32_to_cpu(info->multi_vgpu);
	type->multi_vgpu_exclusive = le32_to_cpu(info->multi_vgpu_exclusive);
	type->vdev_device = le64_to_cpu(info->vdev_id) >> 16;
	type->vdev_subsystem = le64_to_cpu(info->vdev_id);
	type->pdev_device = le64_to_cpu(info->pdev_id);
	type->profile_size = le64_to_cpu(info->profile_size);
	type->fb_size = le64_to_cpu(info->fb_size);
	type->heap_size = le64_to_cpu(info->heap_size);
	type->fb_reservation = le64_to_cpu(info->fb_reservation);
	type->mappable_video_size = le64_to_cpu(info->mappable_video_size);
	type->encoder_capacity = le32_to_cpu(info->encoder_capacity);
	type->bar1_size = le64_to_cpu(info->bar1_mib) * SZ_1M;
}

int nvgpu_r570_144_decode_add_type(const void *buf, size_t len, u32 *count)
{
	const struct nvgpu_r570_144_add_type *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	*count = le32_to_cpu(msg->count);
	return *count <= ARRAY_SIZE(msg->info) ? 0 : -EPROTO;
}

int nvgpu_r570_144_decode_type_info(const void *buf, size_t len, struct nvgpu_type *type, char *why)
{
	const struct nvgpu_r570_144_vgpu_info *record = buf;
	const struct nvgpu_abi_vgpu_info *info = &record->common;
	int ret;

	if (len < sizeof(*record))
		return types_refuse(why, "record", len, "more bytes");
	type->id = le32_to_cpu(info->id);

	ret = types_check_texts(info, why);
	if (ret)
		return ret;
	ret = types_check_numbers(info, why);
	if (ret)
		return ret;
	types_decode(info, type);
	type->info = record;
	return 0;
}
