/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest sees of a vGPU: VF registers, and the messages that NVIDIA's guest driver exchanges
 * with the plugin task in GSP-RM. Numbers only, for the kernel and for user space.
 *
 * Source: open-gpu-kernel-modules 570.144. "dev_vm" is dev_vm.h of turing/tu102 and ampere/ga100 in
 * src/common/inc/swref/published, "dev_vgpu" src/nvidia/inc/kernel/vgpu/dev_vgpu.h, "rpc"
 * src/nvidia/generated/g_rpc-*.h and src/nvidia/inc/kernel/vgpu/rpc_headers.h.
 */
#ifndef _NVGPU_GUEST_VF_H
#define _NVGPU_GUEST_VF_H

#define VF_VENDOR		0x10de

/*
 * BARs of a vGPU on an AD102: registers; framebuffer aperture (bar1Length of every Ada type);
 * instance memory aperture
 */
#define VF_BAR0_SIZE		0x40000
#define VF_BAR1_SIZE		0x10000000
#define VF_BAR3_SIZE		0x2000000
#define VF_MSIX_VECTORS		6

/* BAR0: nv_ref.h NV_PMC_BOOT_* */
#define VF_BOOT_0		0x0
#define  VF_BOOT_0_CHIP(v)	(((v) >> 20) & 0x1ff)
#define  VF_BOOT_0_CHIP_AD102	0x192
#define VF_BOOT_1		0x4
#define  VF_BOOT_1_VGPU(v)	(((v) >> 16) & 3)
#define  VF_BOOT_1_VGPU_VF	2

/* dev_vm NV_VIRTUAL_FUNCTION_PRIV_BAR1_BLOCK: all zero is physical mode, video memory */
#define VF_BAR1_BLOCK		0xf40
#define VF_BIND_STATUS		0xf50
#define  VF_BIND_STATUS_BAR1	0x3	/* pending, outstanding */

/* dev_vm NV_VIRTUAL_FUNCTION_PRIV_CPU_INTR_*: 8 leaves of 32 vectors, a top bit for two leaves */
#define VF_INTR_LEAVES		8
#define VF_INTR_LEAF(i)		(0x1000 + 4 * (i))
#define VF_INTR_LEAF_EN_SET(i)	(0x1200 + 4 * (i))
#define VF_INTR_LEAF_EN_CLEAR(i) (0x1400 + 4 * (i))
#define VF_INTR_TOP		0x1600
#define VF_INTR_TOP_EN_SET	0x1608
#define VF_INTR_TOP_EN_CLEAR	0x1610
#define VF_INTR_LEAF_TRIGGER	0x1640

/* ampere/ga102/dev_vm.h NV_VIRTUAL_FUNCTION_PRIV_MAILBOX_SCRATCH: 2 and 3 of them */
#define VF_CTRL_ADDR_LO		0x2108
#define VF_CTRL_ADDR_HI		0x210c
/* nv_sriov_defines.h NV_DOORBELL_NOTIFY_LEAF_VF_RPC_{SETUP,MESSAGE}_HANDLE */
#define VF_DOORBELL		0x2200
#define  VF_DOORBELL_SETUP	0
#define  VF_DOORBELL_MESSAGE	1

/* dev_vm NV_VIRTUAL_FUNCTION_PRIV_MMU_INVALIDATE; in a page that an Ada host traps */
#define VF_MMU_INVALIDATE	0x30b0
#define  VF_MMU_INVALIDATE_ALL	0x3	/* all addresses, all page directories */
#define  VF_MMU_INVALIDATE_TRIGGER 0x80000000

/* kernel_bif_tu102.c: MSI-X table in BAR0, in a page of its own */
#define VF_MSIX_TABLE		0x10000

/* dev_vgpu VGPU_GSP_BUF_ADDR_V{1,2}: a page address with flags in its low bits */
#define BUF_VALID		0x1
#define BUF_SYSMEM		0x2
#define BUF_128K		0x8

/* dev_vgpu VGPU_GSP_CTRL_BUF_V1, the guest writes */
#define CTRL_SIZE		0x1000
#define CTRL_VERSION		0x00	/* u32 */
#define  CTRL_VERSION_2		2
#define CTRL_REQUEST_ID		0x04	/* u32 */
#define CTRL_RESPONSE_BUF	0x08	/* u64 address, u64 BAR2 offset; so are the next three */
#define CTRL_MESSAGE_BUF	0x18
#define CTRL_SHARED_MEM		0x28
#define CTRL_EVENT_BUF		0x38
#define CTRL_GUEST_OS_TYPE	0x58	/* u32 */
#define  CTRL_OS_LINUX_X86_64	0x0a

/* dev_vgpu VGPU_GSP_RESPONSE_BUF_V1, the plugin writes */
#define RESPONSE_SIZE		0x1000
#define RESPONSE_ID		0x00	/* u32 */

#define MESSAGE_SIZE		0x20000
#define SHARED_SIZE		0x1000
#define EVENT_SIZE		0x1000

/* the guest driver waits that long for an answer */
#define RPC_TIMEOUT_MS		10000

/* rpc rpc_message_header_v03_00, all u32 */
#define RPC_HEADER_VERSION	0x00
#define  RPC_HEADER_VERSION_3	0x03000000
#define RPC_SIGNATURE		0x04
#define  RPC_SIGNATURE_VRPC	0x43505256
#define RPC_LENGTH		0x08
#define RPC_FUNCTION		0x0c
#define  RPC_SET_GUEST_SYSTEM_INFO 1
#define RPC_RESULT		0x10
#define RPC_RESULT_PRIVATE	0x14
#define  RPC_RESULT_PENDING	0xffffffff
#define RPC_SEQUENCE		0x18
#define RPC_HEADER_SIZE		0x20

/* rpc rpc_set_guest_system_info_v03_00 behind the header */
#define INFO_VERSION_MAJOR	0x00
#define  INFO_MAJOR		0x29	/* vgx version of 570.144's guest driver */
#define INFO_VERSION_MINOR	0x04
#define  INFO_MINOR		0x0c
#define INFO_DRIVER_LEN		0x08
#define INFO_VERSION_LEN	0x0c
#define INFO_TITLE_LEN		0x10
#define  INFO_STRING_LEN	256
#define INFO_DRIVER		0x18
#define INFO_VERSION		0x118
#define INFO_TITLE		0x218
#define INFO_SIZE		792

/* what the tests leave in framebuffer: 4 KiB of 64-bit words, all of them different */
#define PATTERN_WORDS		512
#define PATTERN_WORD(seed, i)	((seed) + (i) * 0x9e3779b97f4a7c15ull)

#endif
