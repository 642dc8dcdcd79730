// SPDX-License-Identifier: GPL-2.0-only

#include <asm/byteorder.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "plugin.h"
#include "vgpu.h"

/*
 * NV2080_ENGINE_TYPEs of AD102 whose channels a vGPU may use. Named assumption: boards with AD104
 * have fewer engines of the same kinds, and GSP-RM does not look at the others.
 */
#define AD102_ENGINES	0x0008784438383e02ULL

static_assert(!(AD102_ENGINES >> NVGPU_ABI_BOOTLOAD_ENGINES));

int nvgpu_abi_decode_vmmu_segment_size(const void *buf, size_t len, u64 *size)
{
	const struct nvgpu_abi_vmmu_segment_size *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	*size = le64_to_cpu(msg->size);
	return 0;
}

int nvgpu_abi_decode_num_channels(const void *buf, size_t len, u32 *count)
{
	const struct nvgpu_abi_num_channels *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	*count = le32_to_cpu(msg->count);
	return 0;
}

void nvgpu_abi_encode_host_reserve(void *buf, u32 type)
{
	struct nvgpu_abi_host_reserve *msg = buf;

	msg->type = cpu_to_le32(type);
}

int nvgpu_abi_decode_host_reserve(const void *buf, size_t len, u64 *size)
{
	const struct nvgpu_abi_host_reserve *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	*size = le64_to_cpu(msg->size);
	return 0;
}

/* all units of a board are switched together, the first stands for them */
bool nvgpu_abi_ecc_enabled(const struct nvgpu_abi_ecc_unit *units)
{
	return units[0].supported && units[0].enabled;
}

int nvgpu_abi_decode_features(const void *buf, size_t len, char *version, size_t version_size)
{
	const struct nvgpu_abi_features *msg = buf;

	if (len < sizeof(*msg) || !msg->valid)
		return -EPROTO;
	if (strnlen(msg->version, sizeof(msg->version)) == sizeof(msg->version))
		return -EPROTO;
	if (strscpy(version, msg->version, version_size) < 0)
		return -EPROTO;
	return 0;
}

void nvgpu_abi_encode_mgr_config(void *buf, bool heterogeneous)
{
	struct nvgpu_abi_mgr_config *msg = buf;

	msg->heterogeneous = heterogeneous;
}

/*
 * Of a built-in type. No adapter names, no placement: NVIDIA's own host leaves them 0 when it sends
 * all types again after a reload of GSP-RM. No signature, which NVIDIA alone has.
 */
void nvgpu_abi_encode_type(struct nvgpu_abi_vgpu_info *info, const struct nvgpu_type *type)
{
	info->id = cpu_to_le32(type->id);
	strscpy(info->name, type->name, sizeof(info->name));
	strscpy(info->class_name, type->class_name, sizeof(info->class_name));
	strscpy(info->license, type->license, sizeof(info->license));
	info->max_instance = cpu_to_le32(type->max_instance);
	info->num_heads = cpu_to_le32(type->num_heads);
	info->max_res_x = cpu_to_le32(type->max_res_x);
	info->max_res_y = cpu_to_le32(type->max_res_y);
	info->max_pixels = cpu_to_le32(type->max_pixels);
	info->frl_config = cpu_to_le32(type->frl_config);
	info->frl_enable = cpu_to_le32(type->frl_enable);
	info->cuda = cpu_to_le32(type->cuda);
	info->ecc = cpu_to_le32(type->ecc);
	info->multi_vgpu = cpu_to_le32(type->multi_vgpu);
	info->multi_vgpu_exclusive = cpu_to_le32(type->multi_vgpu_exclusive);
	info->vdev_id = cpu_to_le64((u64)type->vdev_device << 16 | type->vdev_subsystem);
	info->pdev_id = cpu_to_le64(type->pdev_device);
	info->profile_size = cpu_to_le64(type->profile_size);
	info->fb_size = cpu_to_le64(type->fb_size);
	info->heap_size = cpu_to_le64(type->heap_size);
	info->fb_reservation = cpu_to_le64(type->fb_reservation);
	info->mappable_video_size = cpu_to_le64(type->mappable_video_size);
	info->encoder_capacity = cpu_to_le32(type->encoder_capacity);
	info->bar1_mib = cpu_to_le64(type->bar1_size / SZ_1M);
}

/*
 * dbdf, type, vm_pid and the channel counts stay 0 as NVIDIA's host leaves them; the plugin learns
 * them from its configuration. Framebuffer is one range, however many VMMU segments it covers.
 */
void nvgpu_abi_encode_bootload(struct nvgpu_abi_bootload *msg, __le32 *chid_offset,
			       struct nvgpu_abi_bootload_memory *memory,
			       const struct nvgpu_bootload *b)
{
	unsigned int engine;

	msg->gfid = cpu_to_le32(b->gfid);
	for (engine = 0; engine < NVGPU_ABI_BOOTLOAD_ENGINES; engine++)
		if (AD102_ENGINES & BIT_ULL(engine))
			chid_offset[engine] = cpu_to_le32(b->chid_start);

	memory->num_fb_segments = cpu_to_le32(1);
	memory->fb_addr[0] = cpu_to_le64(b->fb.start);
	memory->fb_size[0] = cpu_to_le64(b->fb.size);

	memory->heap_addr = cpu_to_le64(b->heap.start);
	memory->heap_size = cpu_to_le64(b->heap.size);
	/* relative to the heap, while the logs are addresses */
	memory->ctrl_offset = cpu_to_le64(NVGPU_ABI_PLUGIN_CTRL);
	memory->init_log_addr = cpu_to_le64(b->heap.start + NVGPU_ABI_PLUGIN_INIT_LOG);
	memory->init_log_size = cpu_to_le64(NVGPU_ABI_PLUGIN_INIT_LOG_SIZE);
	memory->task_log_addr = cpu_to_le64(b->heap.start + NVGPU_ABI_PLUGIN_TASK_LOG);
	memory->task_log_size = cpu_to_le64(NVGPU_ABI_PLUGIN_TASK_LOG_SIZE);
}

void nvgpu_abi_encode_gfid_params(void *buf, u32 gfid)
{
	struct nvgpu_abi_gfid_params *msg = buf;

	msg->gfid = cpu_to_le32(gfid);
}
