/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvkm_vgpu

#if !defined(_NVKM_VGPU_GSP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NVKM_VGPU_GSP_TRACE_H

#include <linux/pci.h>
#include <linux/tracepoint.h>

TRACE_EVENT(nvgpu_rpc_send,
	    TP_PROTO(struct pci_dev *pdev, u32 function, u32 sequence, size_t size),
	    TP_ARGS(pdev, function, sequence, size),
	    TP_STRUCT__entry(__string(dev, pci_name(pdev))
			     __field(u32, function)
			     __field(u32, sequence)
			     __field(size_t, size)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->function = function;
			   __entry->sequence = sequence;
			   __entry->size = size;),
	    TP_printk("%s function=%u sequence=%u size=%zu", __get_str(dev),
		      __entry->function, __entry->sequence, __entry->size)
);

TRACE_EVENT(nvgpu_rpc_reply,
	    TP_PROTO(struct pci_dev *pdev, u32 function, u32 sequence, size_t size, u32 result,
		     unsigned int looks),
	    TP_ARGS(pdev, function, sequence, size, result, looks),
	    TP_STRUCT__entry(__string(dev, pci_name(pdev))
			     __field(u32, function)
			     __field(u32, sequence)
			     __field(size_t, size)
			     __field(u32, result)
			     __field(unsigned int, looks)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->function = function;
			   __entry->sequence = sequence;
			   __entry->size = size;
			   __entry->result = result;
			   __entry->looks = looks;),
	    TP_printk("%s function=%u sequence=%u size=%zu result=%#x looks=%u", __get_str(dev),
		      __entry->function, __entry->sequence, __entry->size, __entry->result,
		      __entry->looks)
);

TRACE_EVENT(nvgpu_rpc_dropped,
	    TP_PROTO(struct pci_dev *pdev, u32 function, u32 sequence),
	    TP_ARGS(pdev, function, sequence),
	    TP_STRUCT__entry(__string(dev, pci_name(pdev))
			     __field(u32, function)
			     __field(u32, sequence)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->function = function;
			   __entry->sequence = sequence;),
	    TP_printk("%s function=%u sequence=%u", __get_str(dev),
		      __entry->function, __entry->sequence)
);

TRACE_EVENT(nvgpu_rpc_event,
	    TP_PROTO(struct pci_dev *pdev, u32 function, u32 gfid, u32 xid),
	    TP_ARGS(pdev, function, gfid, xid),
	    TP_STRUCT__entry(__string(dev, pci_name(pdev))
			     __field(u32, function)
			     __field(u32, gfid)
			     __field(u32, xid)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->function = function;
			   __entry->gfid = gfid;
			   __entry->xid = xid;),
	    TP_printk("%s event=%#x gfid=%u xid=%u", __get_str(dev),
		      __entry->function, __entry->gfid, __entry->xid)
);

TRACE_EVENT(nvgpu_control,
	    TP_PROTO(struct pci_dev *pdev, u32 cmd, u32 size, int ret, u32 status),
	    TP_ARGS(pdev, cmd, size, ret, status),
	    TP_STRUCT__entry(__string(dev, pci_name(pdev))
			     __field(u32, cmd)
			     __field(u32, size)
			     __field(int, ret)
			     __field(u32, status)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->cmd = cmd;
			   __entry->size = size;
			   __entry->ret = ret;
			   __entry->status = status;),
	    TP_printk("%s cmd=%#x size=%u ret=%d status=%#x", __get_str(dev), __entry->cmd,
		      __entry->size, __entry->ret, __entry->status)
);

TRACE_EVENT(nvgpu_health,
	    TP_PROTO(struct pci_dev *pdev, const char *state),
	    TP_ARGS(pdev, state),
	    TP_STRUCT__entry(__string(dev, pci_name(pdev))
			     __string(state, state)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(state);),
	    TP_printk("%s %s", __get_str(dev), __get_str(state))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH gsp
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
