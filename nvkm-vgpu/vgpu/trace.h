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

TRACE_EVENT(nvgpu_plugin_message,
	    TP_PROTO(struct pci_dev *pdev, u32 gfid, u32 type, u32 sequence, u32 size),
	    TP_ARGS(pdev, gfid, type, sequence, size),
	    TP_STRUCT__entry(__string(dev, pci_name(pdev))
			     __field(u32, gfid)
			     __field(u32, type)
			     __field(u32, sequence)
			     __field(u32, size)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->gfid = gfid;
			   __entry->type = type;
			   __entry->sequence = sequence;
			   __entry->size = size;),
	    TP_printk("%s gfid=%u type=%u sequence=%u size=%u", __get_str(dev), __entry->gfid,
		      __entry->type, __entry->sequence, __entry->size)
);

TRACE_EVENT(nvgpu_plugin_answer,
	    TP_PROTO(struct pci_dev *pdev, u32 gfid, u32 type, u32 sequence, int ret, u32 result),
	    TP_ARGS(pdev, gfid, type, sequence, ret, result),
	    TP_STRUCT__entry(__string(dev, pci_name(pdev))
			     __field(u32, gfid)
			     __field(u32, type)
			     __field(u32, sequence)
			     __field(int, ret)
			     __field(u32, result)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->gfid = gfid;
			   __entry->type = type;
			   __entry->sequence = sequence;
			   __entry->ret = ret;
			   __entry->result = result;),
	    TP_printk("%s gfid=%u type=%u sequence=%u ret=%d result=%#x", __get_str(dev),
		      __entry->gfid, __entry->type, __entry->sequence, __entry->ret,
		      __entry->result)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH vgpu
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
