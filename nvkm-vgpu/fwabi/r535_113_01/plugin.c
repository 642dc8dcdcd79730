// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>

#include "../fwabi.h"
#include "plugin.h"

void nvgpu_r535_113_01_encode_plugin_config(void *buf, const struct nvgpu_plugin_config *cfg)
{
	struct nvgpu_r535_113_01_plugin_config *msg = buf;

	nvgpu_abi_encode_plugin_config(&msg->common, cfg);
	msg->enable_uvm = cfg->enable_uvm;
	msg->vmm_migration = 1;
	msg->console_vnc = cfg->console_vnc;
	msg->non_stall_events = 1;
}
