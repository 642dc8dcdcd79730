// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/array_size.h>

#include "../fwabi.h"
#include "../common/events.h"
#include "rpc.h"

static void rpc_decode_rc_triggered(const void *buf, struct nvgpu_event *event)
{
	const struct nvgpu_r535_113_01_rc_triggered *rc = buf;

	event->xid = le32_to_cpu(rc->xid);
	event->gfid = NVGPU_GFID_UNKNOWN;
	event->channel = le32_to_cpu(rc->channel);
}

static const struct nvgpu_abi_event rpc_events[] = {
	{ NVGPU_ABI_EVENT_RC_TRIGGERED, NVGPU_EVENT_RC, "rc_triggered",
	  sizeof(struct nvgpu_r535_113_01_rc_triggered), rpc_decode_rc_triggered },
	{ NVGPU_R535_113_01_EVENT_USER_SHARED_DATA, NVGPU_EVENT_IGNORED, "user_shared_data" },
	{ NVGPU_R535_113_01_EVENT_NVLINK_FAULT_UP, NVGPU_EVENT_IGNORED, "nvlink_fault_up" },
	{ NVGPU_R535_113_01_EVENT_LOCKDOWN_NOTICE, NVGPU_EVENT_LOCKDOWN, "lockdown_notice", 1,
	  nvgpu_abi_decode_lockdown },
	{ NVGPU_R535_113_01_EVENT_MIG_CI_CONFIG, NVGPU_EVENT_IGNORED, "mig_ci_config" },
};

int nvgpu_r535_113_01_decode_event(u32 function, const void *buf, size_t len,
				   struct nvgpu_event *event)
{
	return nvgpu_abi_decode_event(rpc_events, ARRAY_SIZE(rpc_events), function, buf, len,
				      event);
}

int nvgpu_r535_113_01_decode_intr_table(const void *buf, size_t len, u32 *gsp_vector)
{
	return nvgpu_abi_decode_intr_table(buf, len, NVGPU_R535_113_01_MC_ENGINE_GSP, gsp_vector);
}
