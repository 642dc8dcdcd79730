/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Framing of messages between CPU and GSP: the same in every firmware version, so the transport
 * knows it.
 */
#ifndef _NVKM_VGPU_FWABI_FRAMING_H
#define _NVKM_VGPU_FWABI_FRAMING_H

#include <linux/sizes.h>
#include <linux/types.h>

#define NVGPU_GSP_PAGE			SZ_4K

/* start of a queue; offsets from there */
struct nvgpu_msgq_tx {
	__le32 version;
	__le32 size;
	__le32 msg_size;
	__le32 msg_count;
	__le32 write_ptr;
	__le32 flags;
	__le32 rx_offset;
	__le32 entry_offset;
};

struct nvgpu_msgq_rx {
	__le32 read_ptr;
};

#define NVGPU_MSGQ_FLAGS_SWAP_RX	1	/* each queue has the other's read pointer */

/* header of a call, a reply or an event */
struct nvgpu_rpc_hdr {
	__le32 header_version;
	__le32 signature;
	__le32 length;			/* with this header */
	__le32 function;
	__le32 result;
	__le32 result_private;
	__le32 sequence;
	__le32 gfid;
};

#define NVGPU_RPC_HEADER_VERSION	0x03000000
#define NVGPU_RPC_SIGNATURE		0x43505256
#define NVGPU_RPC_RESULT_PENDING	0xffffffff

/* unit of a queue: one or more pages */
struct nvgpu_msgq_elem {
	u8 auth_tag[16];
	u8 aad[16];
	__le32 checksum;
	__le32 sequence;
	__le32 count;			/* pages */
	__le32 pad;
	struct nvgpu_rpc_hdr rpc;
};

#define NVGPU_MSGQ_ELEM_MAX_PAGES	16

/* memory that GSP's operating system is told of */
struct nvgpu_libos_arg {
	__le64 id;			/* up to eight characters, the first one most significant */
	__le64 addr;
	__le64 size;
	u8 kind;
	u8 location;
	u8 pad[6];
};

#define NVGPU_LIBOS_KIND_CONTIGUOUS	1
#define NVGPU_LIBOS_LOCATION_SYSMEM	1

#endif
