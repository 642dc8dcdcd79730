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

void nvgpu_abi_encode_plugin_config(struct nvgpu_abi_plugin_config *msg,
				    const struct nvgpu_plugin_config *cfg)
{
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
}

/* what the function may do is the PCI core's to decide, so it is always allowed */
void nvgpu_abi_encode_plugin_bme(void *buf, bool enable)
{
	struct nvgpu_abi_plugin_bme *msg = buf;

	msg->enable = enable;
	msg->allowed = 1;
}
