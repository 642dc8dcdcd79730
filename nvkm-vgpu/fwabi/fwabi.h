/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seam between the driver and the firmware's wire format.
 *
 * GSP-RM's messages have no stable layout. Whatever depends on the version lives in
 * fwabi/<version>/ and is reached through one struct nvgpu_fwabi, chosen by the image that was
 * loaded. On this side of the seam there are only the meanings: the structures below, in CPU byte
 * order.
 */
#ifndef _NVKM_VGPU_FWABI_H
#define _NVKM_VGPU_FWABI_H

#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/types.h>

#define NVGPU_MAX_VFS			32
#define NVGPU_MAX_TYPES			64	/* vGPU types that GSP-RM takes of one GPU */
#define NVGPU_FB_REGIONS_MAX		16
/* what a page table has bits for; gp100/dev_mmu.h NV_MMU_VER2_PTE_ADDRESS_VID */
#define NVGPU_FB_END_MAX		BIT_ULL(37)

/* ---- boot ------------------------------------------------------------------------------------ */

/*
 * struct nvgpu_wpr - framebuffer layout of the write-protected region, and where booter finds its
 * parts in sysmem
 *
 * All offsets are bytes of framebuffer, all addresses DMA addresses; see wpr.c for order and
 * alignment.
 */
struct nvgpu_wpr {
	u64 fb_size;
	u64 vga_workspace, vga_workspace_size;
	u64 frts, frts_size;
	u64 boot_bin;
	u64 elf;
	u64 heap, heap_size;
	u64 wpr_start, wpr_end;
	u64 nonwpr_heap, nonwpr_heap_size;
	u64 rsvd_start;
	dma_addr_t radix3, bootloader, signature;
	u64 radix3_size, bootloader_size, signature_size;
	u32 bootloader_code, bootloader_data, bootloader_manifest;
	u8 vf_partitions;
};

/**
 * struct nvgpu_queue_args - where GSP-RM finds the message queues
 * @shared: DMA address of the page table that starts the shared memory
 * @num_ptes: entries of that table
 * @cmdq_offset: bytes from the start of the shared memory to the command queue
 * @statq_offset: bytes from there to the status queue
 */
struct nvgpu_queue_args {
	dma_addr_t shared;
	u32 num_ptes;
	u64 cmdq_offset, statq_offset;
};

/* ---- system information, CPU to GSP ---------------------------------------------------------- */

/*
 * struct nvgpu_vf_info - SR-IOV capability as the PCI core has it
 */
struct nvgpu_vf_info {
	u32 total_vfs;
	u32 first_vf_offset;
	u64 bar_addr[3];		/* VF BAR0, BAR1, BAR3 of VF 0; 0 where unassigned */
	u64 bar_size[3];		/* of one VF */
	bool bar_64bit[3];
};

struct nvgpu_system_info {
	u64 bar0_addr, bar1_addr, bar3_addr;
	u64 bdf;
	u64 max_user_va;
	u32 config_mirror_base, config_mirror_size;
	u16 vendor, device, subsystem_vendor, subsystem;
	u8 revision;
	u64 host_page_size;
	struct nvgpu_vf_info vf;
};

/**
 * struct nvgpu_registry_key - a setting of GSP-RM
 * @name: as NVIDIA's driver has it in its registry
 * @value: a number
 */
struct nvgpu_registry_key {
	const char *name;
	u32 value;
};

/* ---- static information, GSP to CPU ---------------------------------------------------------- */

struct nvgpu_fb_region {
	u64 base, size;
	bool usable;			/* neither reserved nor protected */
};

/*
 * struct nvgpu_static_info - what the driver needs of GET_GSP_STATIC_INFO, validated
 */
struct nvgpu_static_info {
	char name[64];
	u64 fb_size;
	u32 num_fb_regions;
	struct nvgpu_fb_region fb_region[NVGPU_FB_REGIONS_MAX];
	u64 bar1_pde_base;		/* framebuffer address of BAR1's page directory */
	u32 internal_client, internal_subdevice;
	bool sriov_enabled;
	bool emulate_tlb_invalidate;	/* VF BAR0 page 0x3000 must be trapped */
	u32 max_gfid;
	struct nvgpu_vf_info vf;
};

/* ---- RM -------------------------------------------------------------------------------------- */

/*
 * struct nvgpu_event - an unsolicited message of GSP-RM, decoded
 */
enum nvgpu_event_type {
	NVGPU_EVENT_INIT_DONE,
	NVGPU_EVENT_SEQUENCER,
	NVGPU_EVENT_OS_ERROR,		/* xid, channel, text */
	NVGPU_EVENT_RC,			/* gfid, xid, channel */
	NVGPU_EVENT_PLUGIN,		/* gfid, plugin */
	NVGPU_EVENT_UTILIZATION,	/* decode_utilization has the rest */
	NVGPU_EVENT_LOCKDOWN,		/* engaged */
	NVGPU_EVENT_IGNORED,		/* known and of no use to a host */
	NVGPU_EVENT_UNKNOWN,
};

/* what a plugin task has to say */
enum nvgpu_plugin_event {
	NVGPU_PLUGIN_OTHER,
	NVGPU_PLUGIN_CRASHED,
	NVGPU_PLUGIN_GUEST_CHANGED,	/* its driver, its licence or its system */
};

/* of a channel whose owner the release does not name */
#define NVGPU_GFID_UNKNOWN	U32_MAX

struct nvgpu_event {
	enum nvgpu_event_type type;
	const char *name;
	enum nvgpu_plugin_event plugin;
	u32 xid;
	u32 gfid;
	u32 channel;
	bool engaged;
	char text[128];
};

/* engines whose use is measured */
enum nvgpu_util_engine {
	NVGPU_UTIL_MEMORY,		/* its bandwidth */
	NVGPU_UTIL_GRAPHICS,
	NVGPU_UTIL_ENCODER,
	NVGPU_UTIL_DECODER,
	NVGPU_UTIL_ENGINES,
};

/*
 * struct nvgpu_util_sample - use of engines by processes, at one time
 */
struct nvgpu_util_sample {
	u64 time;			/* grows */
	struct {
		u32 util;		/* 1/100 % */
		u32 pid;		/* as &nvgpu_plugin_config.vm_pid told it */
	} engine[NVGPU_UTIL_ENGINES];
};

/* an instruction of GSP-RM's to the CPU, while it boots */
enum nvgpu_seq_op {
	NVGPU_SEQ_REG_WRITE,		/* addr, val */
	NVGPU_SEQ_REG_MODIFY,		/* addr, mask, val */
	NVGPU_SEQ_REG_POLL,		/* addr, mask, val, timeout_us */
	NVGPU_SEQ_DELAY,		/* timeout_us */
	NVGPU_SEQ_REG_STORE,		/* addr */
	NVGPU_SEQ_CORE_RESET,
	NVGPU_SEQ_CORE_START,
	NVGPU_SEQ_CORE_WAIT_FOR_HALT,
	NVGPU_SEQ_CORE_RESUME,
};

struct nvgpu_seq_cmd {
	enum nvgpu_seq_op op;
	u32 addr, mask, val;
	u32 timeout_us;
};

/* ---- channels -------------------------------------------------------------------------------- */

/*
 * struct nvgpu_engine - an engine as GSP-RM lists it
 */
struct nvgpu_engine {
	u32 type;			/* as channels and objects on them name it */
	u32 runlist;
	bool copy, graphics;
};

/*
 * struct nvgpu_channel_params - a channel and the memory that it works with
 */
struct nvgpu_channel_params {
	u32 chid;
	u32 vaspace;			/* handle */
	u32 engine;			/* its type */
	u64 ring;			/* GPFIFO, in the VA space */
	u32 entries;			/* of it */
	u64 instance;			/* framebuffer address, 4 KiB */
	u64 userd;			/* framebuffer address */
	dma_addr_t methods;		/* what an engine leaves behind that faults */
	u32 methods_size;
};

/* ---- vGPU ------------------------------------------------------------------------------------ */

/*
 * struct nvgpu_type - a vGPU type: what the firmware is told of it
 */
struct nvgpu_type {
	u32 id;
	char name[32];			/* "NVIDIA L40-8Q" */
	const char *class_name;		/* "Quadro", "NVS", "Compute" */
	const char *license;
	u32 max_instance;
	u32 num_heads;
	u32 max_res_x, max_res_y;
	u32 max_pixels;
	u32 frl_config;
	bool frl_enable, cuda, ecc, multi_vgpu, multi_vgpu_exclusive;
	u16 vdev_device, vdev_subsystem;
	u16 pdev_device;
	u64 profile_size, fb_size, heap_size, fb_reservation;	/* bytes */
	u64 mappable_video_size;
	u32 encoder_capacity;
	u64 bar1_size;			/* bytes */
	const void *info;		/* the firmware's own record of it, NULL if there is none */
};

/* room for what decode_type_info() has to say */
#define NVGPU_TYPE_WHY_MAX	96

/*
 * struct nvgpu_type_file - what a file with vGPU types has to say for this firmware
 *
 * It holds the parameters of the control that adds types: records of info_size from info_offset on.
 */
struct nvgpu_type_file {
	u32 vgpu_major, vgpu_minor;	/* release of NVIDIA's vGPU software */
	u32 info_offset, info_size;
};

struct nvgpu_range {
	u64 start, size;
};

/*
 * struct nvgpu_bootload - what a plugin task is started with
 */
struct nvgpu_bootload {
	u32 gfid;
	u32 chid_start;			/* same for every engine of the board */
	struct nvgpu_range fb;		/* VMMU segment aligned */
	struct nvgpu_range heap;
	bool profiling;			/* the guest may use performance counters */
};

/*
 * struct nvgpu_plugin_config - SETUP_CONFIG_PARAMS_AND_INIT
 */
struct nvgpu_plugin_config {
	u8 uuid[16];
	u32 dbdf;
	u32 instance_id;
	u32 type_id;
	u32 vm_pid;
	u32 num_channels;
	u32 num_plugin_channels;
	u16 placement_id;
	bool enable_uvm, console_vnc;
};

enum nvgpu_license {
	NVGPU_LICENSE_UNKNOWN,
	NVGPU_LICENSE_UNINITIALIZED,
	NVGPU_LICENSE_UNRESTRICTED,	/* none yet, and not missed yet */
	NVGPU_LICENSE_RESTRICTED,	/* none, and missed */
	NVGPU_LICENSE_UNLICENSED,
	NVGPU_LICENSE_LICENSED,
};

enum nvgpu_guest_os {
	NVGPU_GUEST_OS_UNKNOWN,
	NVGPU_GUEST_OS_LINUX,
	NVGPU_GUEST_OS_WINDOWS_7,
	NVGPU_GUEST_OS_WINDOWS_10,	/* and later */
};

/*
 * struct nvgpu_guest - a vGPU's guest as GSP-RM knows it; most is what the guest says
 */
struct nvgpu_guest {
	u32 gfid;
	bool valid;			/* all but @driver_loaded and @fb_used */
	bool driver_loaded;
	u64 fb_used;			/* bytes */
	enum nvgpu_guest_os os;
	enum nvgpu_license license;
	u32 frame_rate_limit;		/* frames a second, 0 for none */
	char version[33], branch[33];	/* of its driver; any bytes */
};

/*
 * struct nvgpu_plugin_layout - communication area at the start of a plugin heap
 *
 * Offsets are bytes from the start of the heap; regs of the control and the response page bytes
 * from that page.
 */
struct nvgpu_plugin_layout {
	u32 comm_size;
	u32 ctrl, response, message, message_size, migration, error;
	u32 init_log, init_log_size, task_log, task_log_size, kernel_log, kernel_log_size;
	u32 version;			/* value of ctrl.version */
	u32 booted;			/* ready marker in ctrl.message_seq_num */
	struct {
		u16 version, message_type, message_seq_num;
		u16 response_off, message_off, migration_off, error_off;	/* u64 */
		u16 attached_count;
		u16 size;
	} ctrl_reg;
	struct {
		u16 seq_processed, result_code;
	} response_reg;
	struct {
		u32 version_negotiation, setup_config, reset, update_bme;
	} msg;
	u32 config_size;
	u32 bme_size;
};

/* ---- tables ---------------------------------------------------------------------------------- */

/*
 * encode functions get a zeroed buffer of the size that is named for them; decode functions get
 * what arrived and its length, and return -EPROTO when it does not fit.
 */

/*
 * struct nvgpu_ctrl - a control: its number and the bytes of its parameters
 */
struct nvgpu_ctrl {
	u32 cmd;
	u32 size;
};

/*
 * struct nvgpu_fwabi_rpc - functions of messages, and what goes with no object
 */
struct nvgpu_fwabi_rpc {
	u32 set_system_info, set_registry, get_static_info, unloading_guest_driver;
	u32 rm_control, rm_alloc, rm_free, continuation_record;
	u32 event_first;
	size_t unload_size;
	size_t (*registry_size)(const struct nvgpu_registry_key *keys, unsigned int count);
	void (*encode_registry)(void *buf, const struct nvgpu_registry_key *keys,
				unsigned int count);
	/* instruction at dword @pos of a sequencer event: dwords to step on, 0 at the end */
	int (*decode_seq_cmd)(const void *buf, size_t len, u32 pos, struct nvgpu_seq_cmd *cmd);
};

/*
 * struct nvgpu_fwabi_rm - RM_CONTROL, RM_ALLOC, FREE: header before the parameters, status behind;
 * and the three objects of a client
 */
struct nvgpu_fwabi_rm {
	size_t control_size, alloc_size, free_size;
	void (*encode_control)(void *buf, u32 client, u32 object, u32 cmd, u32 params_size);
	int (*decode_control)(const void *buf, size_t len, u32 *status, u32 *params_size);
	void (*encode_alloc)(void *buf, u32 client, u32 parent, u32 object, u32 class,
			     u32 params_size);
	int (*decode_alloc)(const void *buf, size_t len, u32 *status);
	void (*encode_free)(void *buf, u32 client, u32 object);
	int (*decode_free)(const void *buf, size_t len, u32 *status);
	int (*status_errno)(u32 status);
	/* of a message that ends something: there is nothing of it, or not any more */
	bool (*status_is_gone)(u32 status);

	u32 class_root, class_device, class_subdevice;
	size_t device_params_size, subdevice_params_size;
	void (*encode_root_params)(void *buf, u32 client);
	void (*encode_device_params)(void *buf, u32 client);
	void (*encode_subdevice_params)(void *buf, u32 client);
};

/*
 * struct nvgpu_fwabi_channel - a channel's allocations, controls on its device and on itself
 */
struct nvgpu_fwabi_channel {
	u32 class_vaspace, class_channel, class_copy;
	size_t vaspace_params_size, copy_params_size;
	void (*encode_vaspace_params)(void *buf);
	void (*encode_channel_params)(void *buf, const struct nvgpu_channel_params *params);
	void (*encode_copy_params)(void *buf, u32 engine);
	struct nvgpu_ctrl engines, method_buffer;
	struct nvgpu_ctrl set_page_directory, unset_page_directory, bind, schedule;
	int (*decode_method_buffer)(const void *buf, size_t len, u32 *size);
	void (*encode_set_page_directory)(void *buf, u32 vaspace, u64 fb_addr, u32 entries);
	void (*encode_unset_page_directory)(void *buf, u32 vaspace);
	void (*encode_bind)(void *buf, u32 engine);
	void (*encode_schedule)(void *buf);
};

/*
 * struct nvgpu_fwabi_board - what GSP-RM is asked about the board
 */
struct nvgpu_fwabi_board {
	struct nvgpu_ctrl intr_table, vmmu_segment_size, num_channels, host_reserve, features;
	/* vector by which a copy engine says that a launch is over; -ENOENT if it has none */
	int (*decode_copy_vector)(const void *buf, size_t len, u32 engine, u32 *vector);
	int (*decode_vmmu_segment_size)(const void *buf, size_t len, u64 *size);
	int (*decode_num_channels)(const void *buf, size_t len, u32 *count);
	void (*encode_host_reserve)(void *buf, u32 type);
	int (*decode_host_reserve)(const void *buf, size_t len, u64 *size);
	int (*decode_features)(const void *buf, size_t len, char *version, size_t version_size);
};

/*
 * struct nvgpu_fwabi_vgpu - the vGPU manager's part that no release has changed
 */
struct nvgpu_fwabi_vgpu {
	struct nvgpu_ctrl mgr_config, shutdown, cleanup, guests;
	void (*encode_mgr_config)(void *buf, bool heterogeneous);
	void (*encode_gfid_params)(void *buf, u32 gfid);	/* SHUTDOWN and CLEANUP */
	/* number @index: 1 if there is one, 0 if not */
	int (*decode_guest)(const void *buf, size_t len, u32 index, struct nvgpu_guest *guest);
	/* of NVGPU_EVENT_UTILIZATION, in any order: 1 if there is a number @index, 0 if not */
	int (*decode_utilization)(const void *buf, size_t len, u32 index,
				  struct nvgpu_util_sample *sample);
	void (*encode_plugin_bme)(void *buf, bool enable);
};

/*
 * struct nvgpu_fwabi - one firmware version
 *
 * In the groups is what releases may have alike: common/ops.c has them. What differs from each to
 * the next is beside them. Where a release has no such message, cmd of it is 0.
 */
struct nvgpu_fwabi {
	const char *version;
	/* WPR heap in vGPU mode, and the partitions that GSP-RM divides it into */
	u64 vgpu_heap_size;
	u8 vgpu_partitions;
	/* it comes with a scrubber; where it does not, that of another release is taken */
	bool has_scrubber;

	const struct nvgpu_fwabi_rpc *rpc;
	const struct nvgpu_fwabi_rm *rm;
	const struct nvgpu_fwabi_channel *channel;
	const struct nvgpu_fwabi_board *board;
	const struct nvgpu_fwabi_vgpu *vgpu;

	size_t wpr_meta_size, system_info_size, static_info_size;
	void (*encode_wpr_meta)(void *buf, const struct nvgpu_wpr *wpr);
	void (*encode_rm_args)(void *buf, const struct nvgpu_queue_args *args);
	void (*encode_system_info)(void *buf, const struct nvgpu_system_info *info);
	int (*decode_static_info)(const void *buf, size_t len, struct nvgpu_static_info *info);
	/* names it also when it does not fit; @name stays NULL when it is unknown */
	int (*decode_event)(u32 function, const void *buf, size_t len, struct nvgpu_event *event);

	size_t root_params_size, channel_params_size;
	/* number @index: 1 if there is one, 0 if not */
	int (*decode_engine)(const void *buf, size_t len, u32 index, struct nvgpu_engine *engine);
	/* vector of GSP's stall interrupt */
	int (*decode_intr_table)(const void *buf, size_t len, u32 *gsp_vector);
	struct nvgpu_ctrl ecc_status;
	int (*decode_ecc_status)(const void *buf, size_t len, bool *enabled);

	struct nvgpu_ctrl heterogeneous;	/* or none */
	void (*encode_heterogeneous)(void *buf, bool on);
	struct nvgpu_ctrl add_type;
	/* at most NVGPU_MAX_TYPES, in place of those that there were; @buf is zero */
	void (*encode_add_types)(void *buf, const struct nvgpu_type *types, u32 num);
	/* a file of vGPU types; info_size is 0 where a release has none */
	struct nvgpu_type_file type_file;
	/* number of records in parameters of the control */
	int (*decode_add_type)(const void *buf, size_t len, u32 *count);
	/* one record, which @type points to; -EINVAL and @why if it is none */
	int (*decode_type_info)(const void *buf, size_t len, struct nvgpu_type *type,
				char why[NVGPU_TYPE_WHY_MAX]);
	struct nvgpu_ctrl bootload;
	void (*encode_bootload)(void *buf, const struct nvgpu_bootload *b);

	struct nvgpu_plugin_layout plugin;
	void (*encode_plugin_config)(void *buf, const struct nvgpu_plugin_config *cfg);
};

extern const struct nvgpu_fwabi nvgpu_fwabi_r570_144, nvgpu_fwabi_r535_113_01;

#endif
