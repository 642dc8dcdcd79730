// SPDX-License-Identifier: GPL-2.0-only

#include <asm/byteorder.h>
#include <linux/kconfig.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "../fwabi.h"
#include "plugin.h"

#define MIGRATION_FEATURE	0x4000
#define HYPERVISOR_KVM		4
#define HOST_ARM64		1
#define HOST_X86_64		2

void nvgpu_r570_144_encode_plugin_config(void *buf, const struct nvgpu_plugin_config *cfg)
{
	struct nvgpu_r570_144_plugin_config *msg = buf;

	memcpy(msg->uuid, cfg->uuid, sizeof(msg->uuid));
	msg->dbdf = cpu_to_le32(cfg->dbdf);
	msg->instance_id = cpu_to_le32(cfg->instance_id);
	msg->type_id = cpu_to_le32(cfg->type_id);
	msg->vm_pid = cpu_to_le32(cfg->vm_pid);
	msg->num_channels = cpu_to_le32(cfg->num_channels);
	msg->num_plugin_channels = cpu_to_le32(cfg->num_plugin_channels);
	msg->migration_feature = cpu_to_le32(MIGRATION_FEATURE);
	msg->hypervisor_type = cpu_to_le32(HYPERVISOR_KVM);
	msg->host_cpu_arch = cpu_to_le32(IS_ENABLED(CONFIG_ARM64) ? HOST_ARM64 : HOST_X86_64);
	msg->host_page_size = cpu_to_le64(PAGE_SIZE);
	msg->enable_uvm = cfg->enable_uvm;
	msg->vmm_migration = 1;
	msg->console_vnc = cfg->console_vnc;
	msg->non_stall_events = 1;
	msg->placement_id = cpu_to_le16(cfg->placement_id);
}

/* what the function may do is the PCI core's to decide, so it is always allowed */
void nvgpu_r570_144_encode_plugin_bme(void *buf, bool enable)
{
	struct nvgpu_r570_144_plugin_bme *msg = buf;

	msg->enable = enable;
	msg->allowed = 1;
}
