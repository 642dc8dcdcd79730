// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "boot.h"

void nvgpu_r570_144_encode_wpr_meta(void *buf, const struct nvgpu_wpr *wpr)
{
	struct nvgpu_r570_144_wpr_meta *meta = buf;

	meta->magic = cpu_to_le64(NVGPU_R570_144_WPR_META_MAGIC);
	meta->revision = cpu_to_le64(NVGPU_R570_144_WPR_META_REVISION);
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
	/* NVIDIA's driver sets it on Ada unless told otherwise */
	meta->flags = NVGPU_R570_144_WPR_FLAGS_CLOCK_BOOST;
}

void nvgpu_r570_144_encode_rm_args(void *buf, const struct nvgpu_queue_args *args)
{
	struct nvgpu_r570_144_rm_args *rm = buf;

	rm->shared = cpu_to_le64(args->shared);
	rm->num_ptes = cpu_to_le32(args->num_ptes);
	rm->cmdq_offset = cpu_to_le64(args->cmdq_offset);
	rm->statq_offset = cpu_to_le64(args->statq_offset);
	rm->dmem_stack = 1;
}

void nvgpu_r570_144_encode_system_info(void *buf, const struct nvgpu_system_info *info)
{
	struct nvgpu_r570_144_system_info *sys = buf;

	sys->bar0 = cpu_to_le64(info->bar0_addr);
	sys->bar1 = cpu_to_le64(info->bar1_addr);
	sys->bar3 = cpu_to_le64(info->bar3_addr);
	sys->bdf = cpu_to_le64(info->bdf);
	sys->max_user_va = cpu_to_le64(info->max_user_va);
	sys->config_mirror = cpu_to_le32(info->config_mirror_base);
	sys->config_mirror_size = cpu_to_le32(info->config_mirror_size);
	sys->pci_device = cpu_to_le32(info->device << 16 | info->vendor);
	sys->pci_subsystem = cpu_to_le32(info->subsystem << 16 | info->subsystem_vendor);
	sys->pci_revision = cpu_to_le32(info->revision);
	sys->host_page_size = cpu_to_le64(info->host_page_size);

	sys->vf.total_vfs = cpu_to_le32(info->vf.total_vfs);
	sys->vf.first_vf_offset = cpu_to_le32(info->vf.first_vf_offset);
	sys->vf.bar0_addr = cpu_to_le64(info->vf.bar_addr[0]);
	sys->vf.bar1_addr = cpu_to_le64(info->vf.bar_addr[1]);
	sys->vf.bar2_addr = cpu_to_le64(info->vf.bar_addr[2]);
	sys->vf.bar0_64bit = info->vf.bar_64bit[0];
	sys->vf.bar1_64bit = info->vf.bar_64bit[1];
	sys->vf.bar2_64bit = info->vf.bar_64bit[2];
}

size_t nvgpu_r570_144_registry_size(const struct nvgpu_registry_key *keys, unsigned int count)
{
	size_t size = struct_size_t(struct nvgpu_r570_144_registry, entry, count);
	unsigned int i;

	for (i = 0; i < count; i++)
		size += strlen(keys[i].name) + 1;
	return size;
}

/* the names follow behind the entries */
void nvgpu_r570_144_encode_registry(void *buf, const struct nvgpu_registry_key *keys,
				    unsigned int count)
{
	size_t offset = struct_size_t(struct nvgpu_r570_144_registry, entry, count);
	struct nvgpu_r570_144_registry *reg = buf;
	unsigned int i;
	size_t len;

	reg->count = cpu_to_le32(count);
	for (i = 0; i < count; i++) {
		len = strlen(keys[i].name) + 1;
		reg->entry[i].name_offset = cpu_to_le32(offset);
		reg->entry[i].type = NVGPU_R570_144_REGISTRY_DWORD;
		reg->entry[i].data = cpu_to_le32(keys[i].value);
		reg->entry[i].length = cpu_to_le32(sizeof(__le32));
		memcpy(buf + offset, keys[i].name, len);
		offset += len;
	}
	reg->size = cpu_to_le32(offset);
}

static void boot_decode_sriov_caps(const struct nvgpu_r570_144_sriov_caps *caps,
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

int nvgpu_r570_144_decode_static_info(const void *buf, size_t len, struct nvgpu_static_info *info)
{
	const struct nvgpu_r570_144_static_info *si = buf;
	const struct nvgpu_r570_144_fb_region *region;
	unsigned int i;

	if (len < sizeof(*si) || le32_to_cpu(si->num_fb_regions) > NVGPU_FB_REGIONS_MAX ||
	    le64_to_cpu(si->fb_length) > NVGPU_FB_END_MAX)
		return -EPROTO;

	memcpy(info->name, si->name, sizeof(info->name));
	info->name[sizeof(info->name) - 1] = '\0';
	info->fb_size = le64_to_cpu(si->fb_length);
	info->num_fb_regions = le32_to_cpu(si->num_fb_regions);
	for (i = 0; i < info->num_fb_regions; i++) {
		region = &si->fb_region[i];
		if (le64_to_cpu(region->limit) < le64_to_cpu(region->base) ||
		    le64_to_cpu(region->limit) >= NVGPU_FB_END_MAX)
			return -EPROTO;
		info->fb_region[i].base = le64_to_cpu(region->base);
		info->fb_region[i].size =
			le64_to_cpu(region->limit) - le64_to_cpu(region->base) + 1;
		info->fb_region[i].usable = !region->reserved && !region->is_protected;
	}
	info->bar1_pde_base = le64_to_cpu(si->bar1_pde_base);
	info->internal_client = le32_to_cpu(si->internal_client);
	info->internal_subdevice = le32_to_cpu(si->internal_subdevice);
	info->max_gfid = le32_to_cpu(si->max_gfid);

	boot_decode_sriov_caps(&si->sriov, info);
	return 0;
}
