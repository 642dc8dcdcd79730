// SPDX-License-Identifier: GPL-2.0-only
/* GSP-RM 570.144 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/stddef.h>

#include "../fwabi.h"
#include "boot.h"
#include "chan.h"
#include "guest.h"
#include "plugin.h"
#include "rpc.h"
#include "vgpu.h"

const struct nvgpu_fwabi nvgpu_fwabi_r570_144 = {
	.version = "570.144",
	.vgpu_heap_size = NVGPU_R570_144_VGPU_HEAP_SIZE,
	.vgpu_partitions = NVGPU_R570_144_VGPU_PARTITIONS,
	.needs_scrubber_file = true,

	.wpr_meta_size = sizeof(struct nvgpu_r570_144_wpr_meta),
	.encode_wpr_meta = nvgpu_r570_144_encode_wpr_meta,
	.encode_rm_args = nvgpu_r570_144_encode_rm_args,

	.rpc = {
		.set_system_info = NVGPU_R570_144_RPC_SET_SYSTEM_INFO,
		.set_registry = NVGPU_R570_144_RPC_SET_REGISTRY,
		.get_static_info = NVGPU_R570_144_RPC_GET_GSP_STATIC_INFO,
		.unloading_guest_driver = NVGPU_R570_144_RPC_UNLOADING_GUEST_DRIVER,
		.rm_control = NVGPU_R570_144_RPC_RM_CONTROL,
		.rm_alloc = NVGPU_R570_144_RPC_RM_ALLOC,
		.rm_free = NVGPU_R570_144_RPC_FREE,
		.continuation_record = NVGPU_R570_144_RPC_CONTINUATION_RECORD,
		.event_first = NVGPU_R570_144_EVENT_FIRST,
	},

	.system_info_size = sizeof(struct nvgpu_r570_144_system_info),
	.encode_system_info = nvgpu_r570_144_encode_system_info,
	.registry_size = nvgpu_r570_144_registry_size,
	.encode_registry = nvgpu_r570_144_encode_registry,
	.static_info_size = sizeof(struct nvgpu_r570_144_static_info),
	.decode_static_info = nvgpu_r570_144_decode_static_info,
	.unload_size = sizeof(struct nvgpu_r570_144_unload),
	.decode_event = nvgpu_r570_144_decode_event,
	.decode_utilization = nvgpu_r570_144_decode_utilization,
	.decode_seq_cmd = nvgpu_r570_144_decode_seq_cmd,

	.rm_control_size = sizeof(struct nvgpu_r570_144_rm_control),
	.rm_alloc_size = sizeof(struct nvgpu_r570_144_rm_alloc),
	.rm_free_size = sizeof(struct nvgpu_r570_144_rm_free),
	.encode_rm_control = nvgpu_r570_144_encode_rm_control,
	.decode_rm_control = nvgpu_r570_144_decode_rm_control,
	.encode_rm_alloc = nvgpu_r570_144_encode_rm_alloc,
	.decode_rm_alloc = nvgpu_r570_144_decode_rm_alloc,
	.encode_rm_free = nvgpu_r570_144_encode_rm_free,
	.decode_rm_free = nvgpu_r570_144_decode_rm_free,

	.class = {
		.root = NVGPU_R570_144_CLASS_ROOT,
		.device = NVGPU_R570_144_CLASS_DEVICE,
		.subdevice = NVGPU_R570_144_CLASS_SUBDEVICE,
		.vaspace = NVGPU_R570_144_CLASS_VASPACE,
		.channel = NVGPU_R570_144_CLASS_CHANNEL,
		.copy = NVGPU_R570_144_CLASS_COPY,
	},
	.root_params_size = sizeof(struct nvgpu_r570_144_root_params),
	.device_params_size = sizeof(struct nvgpu_r570_144_device_params),
	.subdevice_params_size = sizeof(struct nvgpu_r570_144_subdevice_params),
	.encode_root_params = nvgpu_r570_144_encode_root_params,
	.encode_device_params = nvgpu_r570_144_encode_device_params,
	.encode_subdevice_params = nvgpu_r570_144_encode_subdevice_params,

	.vaspace_params_size = sizeof(struct nvgpu_r570_144_vaspace_params),
	.channel_params_size = sizeof(struct nvgpu_r570_144_channel_params),
	.copy_params_size = sizeof(struct nvgpu_r570_144_copy_params),
	.encode_vaspace_params = nvgpu_r570_144_encode_vaspace_params,
	.encode_channel_params = nvgpu_r570_144_encode_channel_params,
	.encode_copy_params = nvgpu_r570_144_encode_copy_params,
	.set_page_directory_size = sizeof(struct nvgpu_r570_144_set_page_directory),
	.unset_page_directory_size = sizeof(struct nvgpu_r570_144_unset_page_directory),
	.bind_size = sizeof(struct nvgpu_r570_144_bind),
	.schedule_size = sizeof(struct nvgpu_r570_144_schedule),
	.encode_set_page_directory = nvgpu_r570_144_encode_set_page_directory,
	.encode_unset_page_directory = nvgpu_r570_144_encode_unset_page_directory,
	.encode_bind = nvgpu_r570_144_encode_bind,
	.encode_schedule = nvgpu_r570_144_encode_schedule,
	.engines_size = sizeof(struct nvgpu_r570_144_engines),
	.decode_engine = nvgpu_r570_144_decode_engine,
	.method_buffer_size = sizeof(struct nvgpu_r570_144_method_buffer),
	.decode_method_buffer = nvgpu_r570_144_decode_method_buffer,

	.ctrl = {
		.intr_get_kernel_table = NVGPU_R570_144_CTRL_INTR_GET_KERNEL_TABLE,
		.get_vmmu_segment_size = NVGPU_R570_144_CTRL_GET_VMMU_SEGMENT_SIZE,
		.query_ecc_status = NVGPU_R570_144_CTRL_QUERY_ECC_STATUS,
		.get_host_reserve = NVGPU_R570_144_CTRL_GET_HOST_RESERVE,
		.gsp_get_features = NVGPU_R570_144_CTRL_GSP_GET_FEATURES,
		.fifo_get_num_channels = NVGPU_R570_144_CTRL_FIFO_GET_NUM_CHANNELS,
		.fifo_get_device_info = NVGPU_R570_144_CTRL_FIFO_GET_DEVICE_INFO,
		.ce_get_method_buffer = NVGPU_R570_144_CTRL_CE_GET_METHOD_BUFFER,
		.set_page_directory = NVGPU_R570_144_CTRL_SET_PAGE_DIRECTORY,
		.unset_page_directory = NVGPU_R570_144_CTRL_UNSET_PAGE_DIRECTORY,
		.bind = NVGPU_R570_144_CTRL_BIND,
		.schedule = NVGPU_R570_144_CTRL_SCHEDULE,
		.set_vgpu_mgr_config = NVGPU_R570_144_CTRL_SET_VGPU_MGR_CONFIG,
		.set_heterogeneous = NVGPU_R570_144_CTRL_SET_HETEROGENEOUS,
		.add_vgpu_type = NVGPU_R570_144_CTRL_ADD_VGPU_TYPE,
		.bootload = NVGPU_R570_144_CTRL_BOOTLOAD,
		.shutdown = NVGPU_R570_144_CTRL_SHUTDOWN,
		.cleanup = NVGPU_R570_144_CTRL_CLEANUP,
		.enumerate_vgpus = NVGPU_R570_144_CTRL_ENUMERATE_VGPUS,
	},
	.intr_table_size = sizeof(struct nvgpu_r570_144_intr_table),
	.decode_intr_table = nvgpu_r570_144_decode_intr_table,
	.decode_copy_vector = nvgpu_r570_144_decode_copy_vector,
	.vmmu_segment_size_size = sizeof(struct nvgpu_r570_144_vmmu_segment_size),
	.decode_vmmu_segment_size = nvgpu_r570_144_decode_vmmu_segment_size,
	.num_channels_size = sizeof(struct nvgpu_r570_144_num_channels),
	.decode_num_channels = nvgpu_r570_144_decode_num_channels,
	.host_reserve_size = sizeof(struct nvgpu_r570_144_host_reserve),
	.encode_host_reserve = nvgpu_r570_144_encode_host_reserve,
	.decode_host_reserve = nvgpu_r570_144_decode_host_reserve,
	.ecc_status_size = sizeof(struct nvgpu_r570_144_ecc_status),
	.decode_ecc_status = nvgpu_r570_144_decode_ecc_status,
	.features_size = sizeof(struct nvgpu_r570_144_features),
	.decode_features = nvgpu_r570_144_decode_features,

	.mgr_config_size = sizeof(struct nvgpu_r570_144_mgr_config),
	.encode_mgr_config = nvgpu_r570_144_encode_mgr_config,
	.heterogeneous_size = sizeof(struct nvgpu_r570_144_heterogeneous),
	.encode_heterogeneous = nvgpu_r570_144_encode_heterogeneous,
	.add_type_size = sizeof(struct nvgpu_r570_144_add_type),
	.encode_add_type = nvgpu_r570_144_encode_add_type,
	.type_file = {
		.vgpu_major = NVGPU_R570_144_VGPU_MAJOR,
		.vgpu_minor = NVGPU_R570_144_VGPU_MINOR,
		.info_offset = offsetof(struct nvgpu_r570_144_add_type, info),
		.info_size = sizeof(struct nvgpu_r570_144_vgpu_info),
	},
	.decode_add_type = nvgpu_r570_144_decode_add_type,
	.decode_type_info = nvgpu_r570_144_decode_type_info,
	.bootload_size = sizeof(struct nvgpu_r570_144_bootload),
	.encode_bootload = nvgpu_r570_144_encode_bootload,
	.gfid_params_size = sizeof(struct nvgpu_r570_144_gfid_params),
	.encode_gfid_params = nvgpu_r570_144_encode_gfid_params,
	.vgpus_size = sizeof(struct nvgpu_r570_144_vgpus),
	.decode_guest = nvgpu_r570_144_decode_guest,

	.plugin = NVGPU_R570_144_PLUGIN_LAYOUT,
	.encode_plugin_config = nvgpu_r570_144_encode_plugin_config,
	.encode_plugin_bme = nvgpu_r570_144_encode_plugin_bme,
};
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fwabi_r570_144);
