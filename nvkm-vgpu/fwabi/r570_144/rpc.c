// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/array_size.h>

#include "../fwabi.h"
#include "../common/events.h"
#include "rpc.h"

static void rpc_decode_rc_triggered(const void *buf, struct nvgpu_event *event)
{
	const struct nvgpu_r570_144_rc_triggered *rc = buf;

	event->xid = le32_to_cpu(rc->xid);
	event->gfid = le32_to_cpu(rc->gfid);
	event->channel = le32_to_cpu(rc->channel);
}

static const struct nvgpu_abi_event rpc_events[] = {
	{ NVGPU_ABI_EVENT_RC_TRIGGERED, NVGPU_EVENT_RC, "rc_triggered",
	  sizeof(struct nvgpu_r570_144_rc_triggered), rpc_decode_rc_triggered },
	{ NVGPU_ABI_EVENT_OS_ERROR_LOG, NVGPU_EVENT_OS_ERROR, "os_error_log",
	  sizeof(struct nvgpu_r570_144_os_error), nvgpu_abi_decode_os_error },
	{ NVGPU_R570_144_EVENT_NVLINK_FAULT_UP, NVGPU_EVENT_IGNORED, "nvlink_fault_up" },
	{ NVGPU_R570_144_EVENT_LOCKDOWN_NOTICE, NVGPU_EVENT_LOCKDOWN, "lockdown_notice", 1,
	  nvgpu_abi_decode_lockdown },
	{ NVGPU_R570_144_EVENT_MIG_CI_CONFIG, NVGPU_EVENT_IGNORED, "mig_ci_config" },
	{ NVGPU_R570_144_EVENT_GSP_TRACE, NVGPU_EVENT_IGNORED, "gsp_trace" },
	{ NVGPU_R570_144_EVENT_NVLINK_RECOVERY, NVGPU_EVENT_IGNORED, "nvlink_recovery" },
	{ NVGPU_R570_144_EVENT_NOCAT_RECORD, NVGPU_EVENT_IGNORED, "nocat_record" },
	{ NVGPU_R570_144_EVENT_FECS_ERROR, NVGPU_EVENT_IGNORED, "fecs_error" },
	{ NVGPU_R570_144_EVENT_RECOVERY_ACTION, NVGPU_EVENT_IGNORED, "recovery_action" },
};

int nvgpu_r570_144_decode_event(u32 function, const void *buf, size_t len,
				struct nvgpu_event *event)
{
	return nvgpu_abi_decode_event(rpc_events, ARRAY_SIZE(rpc_events), function, buf, len,
				      event);
}

int nvgpu_r570_144_decode_intr_table(const void *buf, size_t len, u32 *gsp_vector)
{
	return nvgpu_abi_decode_intr_table(buf, len, NVGPU_R570_144_MC_ENGINE_GSP, gsp_vector);
}

int nvgpu_r570_144_decode_engine(const void *buf, size_t len, u32 index,
				 struct nvgpu_engine *engine)
{
	u32 late;
	int ret;

	ret = nvgpu_abi_decode_engine(buf, len, index, engine);
	if (ret <= 0)
		return ret;
	late = engine->type - NVGPU_R570_144_RM_ENGINE_COPY10;
	if (late < NVGPU_R570_144_RM_ENGINE_COPY_COUNT - NVGPU_ABI_RM_ENGINE_COPIES) {
		engine->copy = true;
		engine->type = NVGPU_R570_144_ENGINE_COPY10 + late;
	}
	return 1;
}
