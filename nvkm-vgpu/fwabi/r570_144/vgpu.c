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

int nvgpu_r570_144_decode_vmmu_segment_size(const void *buf, size_t len, u64 *size)
{
	const struct nvgpu_r570_144_vmmu_segment_size *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	*size = le64_to_cpu(msg->size);
	return 0;
}

int nvgpu_r570_144_decode_num_channels(const void *buf, size_t len, u32 *count)
{
	const struct nvgpu_r570_144_num_channels *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	*count = le32_to_cpu(msg->count);
	return 0;
}

void nvgpu_r570_144_encode_host_reserve(void *buf, u32 type)
{
	struct nvgpu_r570_144_host_reserve *msg = buf;

	msg->type = cpu_to_le32(type);
}

int nvgpu_r570_144_decode_host_reserve(const void *buf, size_t len, u64 *size)
{
	const struct nvgpu_r570_144_host_reserve *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	*size = le64_to_cpu(msg->size);
	return 0;
}

int nvgpu_r570_144_decode_ecc_status(const void *buf, size_t len, bool *enabled)
{
	const struct nvgpu_r570_144_ecc_status *msg = buf;

	if (len < sizeof(*msg))
		return -EPROTO;

	/* all units of a board are switched together, the first stands for them */
	*enabled = msg->units[0].supported && msg->units[0].enabled;
	return 0;
}

int nvgpu_r570_144_decode_features(const void *buf, size_t len, char *version, size_t version_size)
{
	const struct nvgpu_r570_144_features *msg = buf;

	if (len < sizeof(*msg) || !msg->valid)
		return -EPROTO;
	if (strnlen(msg->version, sizeof(msg->version)) == sizeof(msg->version))
		return -EPROTO;
	if (strscpy(version, msg->version, version_size) < 0)
		return -EPROTO;
	return 0;
}

void nvgpu_r570_144_encode_mgr_config(void *buf, bool heterogeneous)
{
	struct nvgpu_r570_144_mgr_config *msg = buf;

	msg->heterogeneous = heterogeneous;
}

void nvgpu_r570_144_encode_heterogeneous(void *buf, bool on)
{
	struct nvgpu_r570_144_heterogeneous *msg = buf;

	msg->on = on;
}

/*
 * Of a built-in type. No adapter names, no placement: NVIDIA's own host leaves them 0 when it sends
 * all types again after a reload of GSP-RM. No signature, which NVIDIA alone has.
 */
static void vgpu_encode_info(struct nvgpu_r570_144_vgpu_info *info, const struct nvgpu_type *type)
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

void nvgpu_r570_144_encode_add_type(void *buf, bool discard, const struct nvgpu_type *type)
{
	struct nvgpu_r570_144_add_type *msg = buf;

	msg->discard = discard;
	msg->count = cpu_to_le32(1);
	if (type->info)
		memcpy(&msg->info[0], type->info, sizeof(msg->info[0]));
	else
		vgpu_encode_info(&msg->info[0], type);
}

/*
 * dbdf, type, vm_pid and the channel counts stay 0 as NVIDIA's host leaves them; the plugin learns
 * them from its configuration. Framebuffer is one range, however many VMMU segments it covers.
 */
void nvgpu_r570_144_encode_bootload(void *buf, const struct nvgpu_bootload *b)
{
	struct nvgpu_r570_144_bootload *msg = buf;
	unsigned int engine;

	static_assert(NVGPU_R570_144_MAX_ENGINES >= 64);

	msg->gfid = cpu_to_le32(b->gfid);
	for (engine = 0; engine < 64; engine++)
		if (AD102_ENGINES & BIT_ULL(engine))
			msg->chid_offset[engine] = cpu_to_le32(b->chid_start);

	msg->num_fb_segments = cpu_to_le32(1);
	msg->fb_addr[0] = cpu_to_le64(b->fb.start);
	msg->fb_size[0] = cpu_to_le64(b->fb.size);

	msg->profiling = b->profiling;
	msg->heap_addr = cpu_to_le64(b->heap.start);
	msg->heap_size = cpu_to_le64(b->heap.size);
	/* relative to the heap, while the logs are addresses */
	msg->ctrl_offset = cpu_to_le64(NVGPU_R570_144_PLUGIN_CTRL);
	msg->init_log_addr = cpu_to_le64(b->heap.start + NVGPU_R570_144_PLUGIN_INIT_LOG);
	msg->init_log_size = cpu_to_le64(NVGPU_R570_144_PLUGIN_INIT_LOG_SIZE);
	msg->task_log_addr = cpu_to_le64(b->heap.start + NVGPU_R570_144_PLUGIN_TASK_LOG);
	msg->task_log_size = cpu_to_le64(NVGPU_R570_144_PLUGIN_TASK_LOG_SIZE);
	msg->kernel_log_addr = cpu_to_le64(b->heap.start + NVGPU_R570_144_PLUGIN_KERNEL_LOG);
	msg->kernel_log_size = cpu_to_le64(NVGPU_R570_144_PLUGIN_KERNEL_LOG_SIZE);
}

void nvgpu_r570_144_encode_gfid_params(void *buf, u32 gfid)
{
	struct nvgpu_r570_144_gfid_params *msg = buf;

	msg->gfid = cpu_to_le32(gfid);
}
