/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvkm_vgpu

#if !defined(_NVKM_VGPU_VGPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NVKM_VGPU_VGPU_TRACE_H

#include <linux/pci.h>
#include <linux/tracepoint.h>

TRACE_EVENT(nvgpu_vf_state,
	    TP_PROTO(struct pci_dev *pdev, u32 gfid, const char *state),
	    TP_ARGS(pdev, gfid, state),
	    TP_STRUCT__entry(__string(dev, pci_name(pdev))
			     __field(u32, gfid)
			     __string(state, state)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->gfid = gfid;
			   __assign_str(state);),
	    TP_printk("%s gfid=%u %s", __get_str(dev), __entry->gfid, __get_str(state))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH vgpu
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
