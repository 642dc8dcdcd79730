/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#ifndef _UAPI_FWCTL_NVKM_VGPU_H
#define _UAPI_FWCTL_NVKM_VGPU_H

#include <linux/types.h>

/*
 * FWCTL_RPC of an NVIDIA GPU that hosts vGPUs: choose what its VFs are, and look at them. All
 * commands are answered by the kernel, none goes to firmware as it is.
 *
 * A request begins with struct nvkm_vgpu_fwctl_head, and so does the reply: @command is that of the
 * request, and @status says what came of it. FWCTL_RPC itself fails when there is no such command
 * (EOPNOTSUPP), when its scope is not the given one (EPERM), or when a request has another length
 * than its structure, or something in a reserved member (EINVAL).
 *
 * A VF is named by @dbdf: domain << 16 | bus << 8 | device << 3 | function.
 */

/* struct fwctl_info.out_device_type: no number that Linux has given; "NV" */
#define NVKM_VGPU_FWCTL_DEVICE_TYPE	0x4e56

/* the most that a list has */
#define NVKM_VGPU_FWCTL_MAX_TYPES	64

/**
 * enum nvkm_vgpu_fwctl_command - struct nvkm_vgpu_fwctl_head.command
 * @NVKM_VGPU_FWCTL_ADD_TYPE: answered by %NVKM_VGPU_FWCTL_NOT_SUPPORTED: types come from the
 *	driver's tables or a file of NVIDIA's. Scope: CONFIGURATION
 * @NVKM_VGPU_FWCTL_QUERY_SUPPORTED: struct nvkm_vgpu_fwctl_head; types that the GPU has, struct
 *	nvkm_vgpu_fwctl_types. Scope: CONFIGURATION
 * @NVKM_VGPU_FWCTL_QUERY_CREATABLE: struct nvkm_vgpu_fwctl_vf; types that the VF could be given,
 *	struct nvkm_vgpu_fwctl_types. Scope: CONFIGURATION
 * @NVKM_VGPU_FWCTL_ASSIGN_TYPE: struct nvkm_vgpu_fwctl_assign; the VF is given a type. Scope:
 *	CONFIGURATION
 * @NVKM_VGPU_FWCTL_DEASSIGN_TYPE: struct nvkm_vgpu_fwctl_vf; its type is taken from the VF. Scope:
 *	CONFIGURATION
 * @NVKM_VGPU_FWCTL_QUERY_PROPERTIES: struct nvkm_vgpu_fwctl_type; what a type is, struct
 *	nvkm_vgpu_fwctl_properties. Scope: CONFIGURATION
 * @NVKM_VGPU_FWCTL_QUERY_ASSIGNED: struct nvkm_vgpu_fwctl_vf; the VF's type, struct
 *	nvkm_vgpu_fwctl_type. Scope: CONFIGURATION
 * @NVKM_VGPU_FWCTL_STATUS: struct nvkm_vgpu_fwctl_vf; how its vGPU is, struct
 *	nvkm_vgpu_fwctl_status. Scope: DEBUG_READ_ONLY
 */
enum nvkm_vgpu_fwctl_command {
	NVKM_VGPU_FWCTL_ADD_TYPE = 0x00020001,
	NVKM_VGPU_FWCTL_QUERY_SUPPORTED,
	NVKM_VGPU_FWCTL_QUERY_CREATABLE,
	NVKM_VGPU_FWCTL_ASSIGN_TYPE,
	NVKM_VGPU_FWCTL_DEASSIGN_TYPE,
	NVKM_VGPU_FWCTL_QUERY_PROPERTIES,
	NVKM_VGPU_FWCTL_QUERY_ASSIGNED,
	NVKM_VGPU_FWCTL_STATUS = 0x00030001,
};

/**
 * enum nvkm_vgpu_fwctl_result - struct nvkm_vgpu_fwctl_head.status
 * @NVKM_VGPU_FWCTL_OK: it is done
 * @NVKM_VGPU_FWCTL_NOT_FOUND: the GPU has no such VF or type, or its VFs are being turned off
 * @NVKM_VGPU_FWCTL_BUSY: the VF's vGPU is open, or GSP-RM is just being told of something else
 * @NVKM_VGPU_FWCTL_OTHER_SIZE: the type differs in size from those of other VFs
 * @NVKM_VGPU_FWCTL_NO_SPACE: framebuffer, channels or instances do not suffice
 * @NVKM_VGPU_FWCTL_FIRMWARE: GSP-RM holds on to the VF's last vGPU
 * @NVKM_VGPU_FWCTL_NOT_SUPPORTED: this driver cannot do it
 */
enum nvkm_vgpu_fwctl_result {
	NVKM_VGPU_FWCTL_OK,
	NVKM_VGPU_FWCTL_NOT_FOUND,
	NVKM_VGPU_FWCTL_BUSY,
	NVKM_VGPU_FWCTL_OTHER_SIZE,
	NVKM_VGPU_FWCTL_NO_SPACE,
	NVKM_VGPU_FWCTL_FIRMWARE,
	NVKM_VGPU_FWCTL_NOT_SUPPORTED,
};

/**
 * struct nvkm_vgpu_fwctl_info - what FWCTL_INFO tells
 * @version: of these commands, 1
 * @dbdf: the GPU
 */
struct nvkm_vgpu_fwctl_info {
	__u32 version;
	__u32 dbdf;
};

/**
 * struct nvkm_vgpu_fwctl_head - begins each request and each reply
 * @command: enum nvkm_vgpu_fwctl_command
 * @status: of a request: 0; of a reply: enum nvkm_vgpu_fwctl_result
 */
struct nvkm_vgpu_fwctl_head {
	__u32 command;
	__u32 status;
};

/**
 * struct nvkm_vgpu_fwctl_vf - a request about a VF
 * @head: see there
 * @dbdf: the VF
 */
struct nvkm_vgpu_fwctl_vf {
	struct nvkm_vgpu_fwctl_head head;
	__aligned_u64 dbdf;
};

/**
 * struct nvkm_vgpu_fwctl_type - a request about a type, or a type as the reply
 * @head: see there
 * @type: its number; 0 for none
 * @reserved: 0
 */
struct nvkm_vgpu_fwctl_type {
	struct nvkm_vgpu_fwctl_head head;
	__u32 type;
	__u32 reserved;
};

/* of struct nvkm_vgpu_fwctl_assign: the driver chooses */
#define NVKM_VGPU_FWCTL_ANY	0xffffffffU

/**
 * struct nvkm_vgpu_fwctl_assign - request that gives a VF a type
 * @head: see there
 * @dbdf: the VF
 * @type: number of the type
 * @swizz_id: %NVKM_VGPU_FWCTL_ANY
 * @placement_id: %NVKM_VGPU_FWCTL_ANY; where a VF is to be is written to its vgpu_params in sysfs
 * @reserved: 0
 */
struct nvkm_vgpu_fwctl_assign {
	struct nvkm_vgpu_fwctl_head head;
	__aligned_u64 dbdf;
	__u32 type;
	__u32 swizz_id;
	__u32 placement_id;
	__u32 reserved;
};

/**
 * struct nvkm_vgpu_fwctl_types - reply with types
 * @head: see there
 * @count: their number
 * @reserved: 0
 * @type: their numbers
 */
struct nvkm_vgpu_fwctl_types {
	struct nvkm_vgpu_fwctl_head head;
	__u32 count;
	__u32 reserved;
	__u32 type[NVKM_VGPU_FWCTL_MAX_TYPES];
};

/**
 * enum nvkm_vgpu_fwctl_key - struct nvkm_vgpu_fwctl_property.key
 * @NVKM_VGPU_FWCTL_NAME: text
 * @NVKM_VGPU_FWCTL_CLASS: text: what it is for
 * @NVKM_VGPU_FWCTL_TYPE_ID: number of the type
 * @NVKM_VGPU_FWCTL_BAR1_MIB: framebuffer aperture
 * @NVKM_VGPU_FWCTL_MAX_INSTANCES: so many fit on the GPU
 * @NVKM_VGPU_FWCTL_ECC: 1: it has ECC
 * @NVKM_VGPU_FWCTL_PROFILE_SIZE: bytes by which it is named and placed
 * @NVKM_VGPU_FWCTL_MAX_FPS: frames a second, 0 for any
 * @NVKM_VGPU_FWCTL_HEADS: displays
 * @NVKM_VGPU_FWCTL_MAX_X: of a display
 * @NVKM_VGPU_FWCTL_MAX_Y: of a display
 * @NVKM_VGPU_FWCTL_DEVICE_ID: PCI device id that a guest sees
 * @NVKM_VGPU_FWCTL_SUBSYSTEM_ID: PCI subsystem id that a guest sees
 * @NVKM_VGPU_FWCTL_FB_LENGTH: bytes of framebuffer that a guest has
 * @NVKM_VGPU_FWCTL_GSP_HEAP: bytes of framebuffer for its plugin task
 * @NVKM_VGPU_FWCTL_FB_RESERVATION: bytes of the profile's size that the guest does not have
 */
enum nvkm_vgpu_fwctl_key {
	NVKM_VGPU_FWCTL_NAME = 0x3100,
	NVKM_VGPU_FWCTL_CLASS,
	NVKM_VGPU_FWCTL_TYPE_ID,
	NVKM_VGPU_FWCTL_BAR1_MIB,
	NVKM_VGPU_FWCTL_MAX_INSTANCES,
	NVKM_VGPU_FWCTL_ECC,
	NVKM_VGPU_FWCTL_PROFILE_SIZE,
	NVKM_VGPU_FWCTL_MAX_FPS,
	NVKM_VGPU_FWCTL_HEADS,
	NVKM_VGPU_FWCTL_MAX_X,
	NVKM_VGPU_FWCTL_MAX_Y,
	NVKM_VGPU_FWCTL_DEVICE_ID,
	NVKM_VGPU_FWCTL_SUBSYSTEM_ID,
	NVKM_VGPU_FWCTL_FB_LENGTH,
	NVKM_VGPU_FWCTL_GSP_HEAP,
	NVKM_VGPU_FWCTL_FB_RESERVATION,
};

#define NVKM_VGPU_FWCTL_TEXT_MAX	64

/**
 * struct nvkm_vgpu_fwctl_property - one property of a type
 * @key: enum nvkm_vgpu_fwctl_key; one that is not known is to be skipped
 * @size: bytes of @text that count; 0: @value does
 * @value: a number
 * @text: ends with 0
 */
struct nvkm_vgpu_fwctl_property {
	__u32 key;
	__u32 size;
	union {
		__aligned_u64 value;
		char text[NVKM_VGPU_FWCTL_TEXT_MAX];
	};
};

#define NVKM_VGPU_FWCTL_MAX_PROPERTIES	32

/**
 * struct nvkm_vgpu_fwctl_properties - reply with what a type is
 * @head: see there
 * @count: of properties
 * @reserved: 0
 * @property: in no order
 */
struct nvkm_vgpu_fwctl_properties {
	struct nvkm_vgpu_fwctl_head head;
	__u32 count;
	__u32 reserved;
	struct nvkm_vgpu_fwctl_property property[NVKM_VGPU_FWCTL_MAX_PROPERTIES];
};

/* struct nvkm_vgpu_fwctl_status.known */
#define NVKM_VGPU_FWCTL_KNOWN_SHARE		0x01	/* fb_start to placement_id */
#define NVKM_VGPU_FWCTL_KNOWN_RUNNING		0x02	/* uptime, channel_errors */
#define NVKM_VGPU_FWCTL_KNOWN_UTIL		0x04	/* util */
#define NVKM_VGPU_FWCTL_KNOWN_GUEST		0x08	/* driver_loaded, fb_used */
#define NVKM_VGPU_FWCTL_KNOWN_GUEST_TOLD	0x10	/* frame_rate_limit to the end */

/**
 * struct nvkm_vgpu_fwctl_status - reply with how a vGPU is
 * @head: see there
 * @version: 1; a later one may be longer
 * @size: bytes of this structure
 * @type: number of the VF's type, 0 for none
 * @known: NVKM_VGPU_FWCTL_KNOWN_*: which of the members below mean something
 * @fb_start: framebuffer address
 * @fb_size: bytes
 * @channel_start: first channel
 * @num_channels: number of channels
 * @placement_id: where it is
 * @driver_loaded: 1: its guest has a driver
 * @uptime: seconds since it was opened
 * @channel_errors: since then
 * @util: 1/100 % of memory, graphics, encoder and decoder
 * @fb_used: bytes
 * @frame_rate_limit: frames a second, 0 for none
 * @reserved: 0
 * @state: as the file vgpu/state of the VF has it; ends with 0, as all texts
 * @guest_os: as vgpu/guest_os
 * @license_state: as vgpu/license_state
 * @guest_driver_version: what the guest says; any bytes
 * @guest_driver_branch: what the guest says; any bytes
 */
struct nvkm_vgpu_fwctl_status {
	struct nvkm_vgpu_fwctl_head head;
	__u32 version;
	__u32 size;
	__u32 type;
	__u32 known;
	__aligned_u64 fb_start;
	__aligned_u64 fb_size;
	__u32 channel_start;
	__u32 num_channels;
	__u32 placement_id;
	__u32 driver_loaded;
	__aligned_u64 uptime;
	__aligned_u64 channel_errors;
	__u32 util[4];
	__aligned_u64 fb_used;
	__u32 frame_rate_limit;
	__u32 reserved;
	char state[32];
	char guest_os[32];
	char license_state[32];
	char guest_driver_version[64];
	char guest_driver_branch[64];
};

#endif
