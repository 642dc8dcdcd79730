// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "boot.h"

void nvgpu_abi_encode_wpr_meta(void *buf, const struct nvgpu_wpr *wpr)
{
	struct nvgpu_abi_wpr_meta *meta = buf;

	meta->magic = cpu_to_le64(NVGPU_ABI_WPR_META_MAGIC);
	meta->revision = cpu_to_le64(NVGPU_ABI_WPR_META_REVISION);
	meta->radix3 = cpu_to_le64(wpr->radix3);
	meta->radix3_size = cpu_to_le64(wpr->radix3_size);
	meta->bootloader = cpu_to_le64(wpr->bootloader);
	meta->bootloader_size = cpu_to_le64(wpr->bootloader_size);
	meta->bootloader_code = cpu_to_le64(wpr->bootloader_code);
	meta->bootloader_data = cpu_to_le64(wpr->bootloader_data);
	meta->bootloader_manifest = cpu_to_le64(wpr->bootloader_manifest);
	meta->signature = cpu_to_le64(wpr->signature);
	meta->signature_size = cpu_to_le64(wpr->signature_size);
	meta->rsvd_start = cpu_to_le64(wpr->rsvd_start);
	meta->nonwpr_heap = cpu_to_le64(wpr->nonwpr_heap);
	meta->nonwpr_heap_size = cpu_to_le64(wpr->nonwpr_heap_size);
	meta->wpr_start = cpu_to_le64(wpr->wpr_start);
	meta->heap = cpu_to_le64(wpr->heap);
	meta->heap_size = cpu_to_le64(wpr->heap_size);
	meta->elf = cpu_to_le64(wpr->elf);
	meta->boot_bin = cpu_to_le64(wpr->boot_bin);
	meta->frts = cpu_to_le64(wpr->frts);
	meta->frts_size = cpu_to_le64(wpr->frts_size);
	meta->wpr_end = cpu_to_le64(wpr->wpr_end);
	meta->fb_size = cpu_to_le64(wpr->fb_size);
	meta->vga_workspace = cpu_to_le64(wpr->vga_workspace);
	meta->vga_workspace_size = cpu_to_le64(wpr->vga_workspace_size);
	meta->vf_partitions = wpr->vf_partitions;
}

void nvgpu_abi_encode_queue_args(struct nvgpu_abi_queue_args *msg,
				 const struct nvgpu_queue_args *args)
{
	msg->shared = cpu_to_le64(args->shared);
	msg->num_ptes = cpu_to_le32(args->num_ptes);
	msg->cmdq_offset = cpu_to_le64(args->cmdq_offset);
	msg->statq_offset = cpu_to_le64(args->statq_offset);
}

void nvgpu_abi_encode_vf_info(struct nvgpu_abi_vf_info *msg, const struct nvgpu_vf_info *vf)
{
	msg->total_vfs = cpu_to_le32(vf->total_vfs);
	msg->first_vf_offset = cpu_to_le32(vf->first_vf_offset);
	msg->bar0_addr = cpu_to_le64(vf->bar_addr[0]);
	msg->bar1_addr = cpu_to_le64(vf->bar_addr[1]);
	msg->bar2_addr = cpu_to_le64(vf->bar_addr[2]);
	msg->bar0_64bit = vf->bar_64bit[0];
	msg->bar1_64bit = vf->bar_64bit[1];
	msg->bar2_64bit = vf->bar_64bit[2];
}

size_t nvgpu_abi_registry_size(const struct nvgpu_registry_key *keys, unsigned int count)
{
	size_t size = struct_size_t(struct nvgpu_abi_registry, entry, count);
	unsigned int i;

	for (i = 0; i < count; i++)
		size += strlen(keys[i].name) + 1;
	return size;
}

/* the names follow behind the entries */
void nvgpu_abi_encode_registry(void *buf, const struct nvgpu_registry_key *keys,
			       unsigned int count)
{
	size_t offset = struct_size_t(struct nvgpu_abi_registry, entry, count);
	struct nvgpu_abi_registry *reg = buf;
	unsigned int i;
	size_t len;

	reg->count = cpu_to_le32(count);
	for (i = 0; i < count; i++) {
		len = strlen(keys[i].name) + 1;
		reg->entry[i].name_offset = cpu_to_le32(offset);
		reg->entry[i].type = NVGPU_ABI_REGISTRY_DWORD;
		reg->entry[i].data = cpu_to_le32(keys[i].value);
		reg->entry[i].length = cpu_to_le32(sizeof(__le32));
		memcpy(buf + offset, keys[i].name, len);
		offset += len;
	}
	reg->size = cpu_to_le32(offset);
}

void nvgpu_abi_decode_sriov_caps(const struct nvgpu_abi_sriov_caps *caps,
				 struct nvgpu_static_info *info)
{
	struct nvgpu_vf_info *vf = &info->vf;

	info->sriov_enabled = caps->enabled;
	info->emulate_tlb_invalidate = caps->emulate_tlb_invalidate;
	vf->total_vfs = le32_to_cpu(caps->total_vfs);
	vf->first_vf_offset = le32_to_cpu(caps->first_vf_offset);
	vf->bar_addr[0] = le64_to_cpu(caps->bar0_addr);
	vf->bar_addr[1] = le64_to_cpu(caps->bar1_addr);
	vf->bar_addr[2] = le64_to_cpu(caps->bar2_addr);
	vf->bar_size[0] = le64_to_cpu(caps->bar0_size);
	vf->bar_size[1] = le64_to_cpu(caps->bar1_size);
	vf->bar_size[2] = le64_to_cpu(caps->bar2_size);
	vf->bar_64bit[0] = caps->bar0_64bit;
	vf->bar_64bit[1] = caps->bar1_64bit;
	vf->bar_64bit[2] = caps->bar2_64bit;
}

int nvgpu_abi_decode_fb_regions(const struct nvgpu_abi_fb_region *regions, u32 num,
				struct nvgpu_static_info *info)
{
	const struct nvgpu_abi_fb_region *region;
	unsigned int i;

	if (num > NVGPU_FB_REGIONS_MAX)
		return -EPROTO;
	info->num_fb_regions = num;
	for (i = 0; i < num; i++) {
		region = &regions[i];
		if (le64_to_cpu(region->limit) < le64_to_cpu(region->base) ||
		    le64_to_cpu(region->limit) >= NVGPU_FB_END_MAX)
			return -EPROTO;
		info->fb_region[i].base = le64_to_cpu(region->base);
		info->fb_region[i].size =
			le64_to_cpu(region->limit) - le64_to_cpu(region->base) + 1;
		info->fb_region[i].usable = !region->reserved && !region->is_protected;
	}
	return 0;
}
