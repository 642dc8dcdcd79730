// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "boot.h"

void nvgpu_r535_113_01_encode_rm_args(void *buf, const struct nvgpu_queue_args *args)
{
	struct nvgpu_r535_113_01_rm_args *rm = buf;

	nvgpu_abi_encode_queue_args(&rm->queues, args);
}

void nvgpu_r535_113_01_encode_system_info(void *buf, const struct nvgpu_system_info *info)
{
	struct nvgpu_r535_113_01_system_info *sys = buf;

	sys->bar0 = cpu_to_le64(info->bar0_addr);
	sys->bar1 = cpu_to_le64(info->bar1_addr);
	sys->bar3 = cpu_to_le64(info->bar3_addr);
	sys->bdf = cpu_to_le64(info->bdf);
	sys->max_user_va = cpu_to_le64(info->max_user_va);
	sys->config_mirror = cpu_to_le32(info->config_mirror_base);
	sys->config_mirror_size = cpu_to_le32(info->config_mirror_size);
	nvgpu_abi_encode_vf_info(&sys->vf, &info->vf);
}

int nvgpu_r535_113_01_decode_static_info(const void *buf, size_t len,
					 struct nvgpu_static_info *info)
{
	const struct nvgpu_r535_113_01_static_info *si = buf;

	if (len < sizeof(*si) || le64_to_cpu(si->fb_length) > NVGPU_FB_END_MAX)
		return -EPROTO;

	memcpy(info->name, si->name, sizeof(info->name));
	info->name[sizeof(info->name) - 1] = '\0';
	info->fb_size = le64_to_cpu(si->fb_length);
	info->bar1_pde_base = le64_to_cpu(si->bar1_pde_base);
	info->internal_client = le32_to_cpu(si->internal_client);
	info->internal_subdevice = le32_to_cpu(si->internal_subdevice);
	info->max_gfid = le32_to_cpu(si->max_gfid);
	nvgpu_abi_decode_sriov_caps(&si->sriov, info);
	return nvgpu_abi_decode_fb_regions(si->fb_region, le32_to_cpu(si->num_fb_regions), info);
}
