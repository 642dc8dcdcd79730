// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that GSP-RM has had alike in all releases here, each with its number, size and coders. A
 * release that changes one has a group of its own.
 */
#include "boot.h"
#include "chan.h"
#include "guest.h"
#include "ops.h"
#include "plugin.h"
#include "rpc.h"
#include "vgpu.h"

#define OPS_CTRL(number, params) { NVGPU_ABI_CTRL_##number, sizeof(struct nvgpu_abi_##params) }

const struct nvgpu_fwabi_rpc nvgpu_abi_rpc = {
	.set_system_info = NVGPU_ABI_RPC_SET_SYSTEM_INFO,
	.set_registry = NVGPU_ABI_RPC_SET_REGISTRY,
	.get_static_info = NVGPU_ABI_RPC_GET_GSP_STATIC_INFO,
	.unloading_guest_driver = NVGPU_ABI_RPC_UNLOADING_GUEST_DRIVER,
	.rm_control = NVGPU_ABI_RPC_RM_CONTROL,
	.rm_alloc = NVGPU_ABI_RPC_RM_ALLOC,
	.rm_free = NVGPU_ABI_RPC_FREE,
	.continuation_record = NVGPU_ABI_RPC_CONTINUATION_RECORD,
	.event_first = NVGPU_ABI_EVENT_FIRST,
	.unload_size = sizeof(struct nvgpu_abi_unload),
	.registry_size = nvgpu_abi_registry_size,
	.encode_registry = nvgpu_abi_encode_registry,
	.decode_seq_cmd = nvgpu_abi_decode_seq_cmd,
};

const struct nvgpu_fwabi_rm nvgpu_abi_rm = {
	.control_size = sizeof(struct nvgpu_abi_rm_control),
	.alloc_size = sizeof(struct nvgpu_abi_rm_alloc),
	.free_size = sizeof(struct nvgpu_abi_rm_free),
	.encode_control = nvgpu_abi_encode_rm_control,
	.decode_control = nvgpu_abi_decode_rm_control,
	.encode_alloc = nvgpu_abi_encode_rm_alloc,
	.decode_alloc = nvgpu_abi_decode_rm_alloc,
	.encode_free = nvgpu_abi_encode_rm_free,
	.decode_free = nvgpu_abi_decode_rm_free,
	.status_errno = nvgpu_abi_status_errno,
	.status_is_gone = nvgpu_abi_status_is_gone,
	.class_root = NVGPU_ABI_CLASS_ROOT,
	.class_device = NVGPU_ABI_CLASS_DEVICE,
	.class_subdevice = NVGPU_ABI_CLASS_SUBDEVICE,
	.device_params_size = sizeof(struct nvgpu_abi_device_params),
	.subdevice_params_size = sizeof(struct nvgpu_abi_subdevice_params),
	.encode_root_params = nvgpu_abi_encode_root_params,
	.encode_device_params = nvgpu_abi_encode_device_params,
	.encode_subdevice_params = nvgpu_abi_encode_subdevice_params,
};

const struct nvgpu_fwabi_channel nvgpu_abi_channel = {
	.class_vaspace = NVGPU_ABI_CLASS_VASPACE,
	.class_channel = NVGPU_ABI_CLASS_CHANNEL,
	.class_copy = NVGPU_ABI_CLASS_COPY,
	.vaspace_params_size = sizeof(struct nvgpu_abi_vaspace_params),
	.copy_params_size = sizeof(struct nvgpu_abi_copy_params),
	.encode_vaspace_params = nvgpu_abi_encode_vaspace_params,
	.encode_channel_params = nvgpu_abi_encode_channel_params,
	.encode_copy_params = nvgpu_abi_encode_copy_params,
	.engines = OPS_CTRL(FIFO_GET_DEVICE_INFO, engines),
	.method_buffer = OPS_CTRL(CE_GET_METHOD_BUFFER, method_buffer),
	.set_page_directory = OPS_CTRL(SET_PAGE_DIRECTORY, set_page_directory),
	.unset_page_directory = OPS_CTRL(UNSET_PAGE_DIRECTORY, unset_page_directory),
	.bind = OPS_CTRL(BIND, bind),
	.schedule = OPS_CTRL(SCHEDULE, schedule),
	.decode_method_buffer = nvgpu_abi_decode_method_buffer,
	.encode_set_page_directory = nvgpu_abi_encode_set_page_directory,
	.encode_unset_page_directory = nvgpu_abi_encode_unset_page_directory,
	.encode_bind = nvgpu_abi_encode_bind,
	.encode_schedule = nvgpu_abi_encode_schedule,
};

const struct nvgpu_fwabi_board nvgpu_abi_board = {
	.intr_table = OPS_CTRL(INTR_GET_KERNEL_TABLE, intr_table),
	.vmmu_segment_size = OPS_CTRL(GET_VMMU_SEGMENT_SIZE, vmmu_segment_size),
	.num_channels = OPS_CTRL(FIFO_GET_NUM_CHANNELS, num_channels),
	.host_reserve = OPS_CTRL(GET_HOST_RESERVE, host_reserve),
	.features = OPS_CTRL(GSP_GET_FEATURES, features),
	.decode_copy_vector = nvgpu_abi_decode_copy_vector,
	.decode_vmmu_segment_size = nvgpu_abi_decode_vmmu_segment_size,
	.decode_num_channels = nvgpu_abi_decode_num_channels,
	.encode_host_reserve = nvgpu_abi_encode_host_reserve,
	.decode_host_reserve = nvgpu_abi_decode_host_reserve,
	.decode_features = nvgpu_abi_decode_features,
};

const struct nvgpu_fwabi_vgpu nvgpu_abi_vgpu = {
	.mgr_config = OPS_CTRL(SET_VGPU_MGR_CONFIG, mgr_config),
	.shutdown = OPS_CTRL(SHUTDOWN, gfid_params),
	.cleanup = OPS_CTRL(CLEANUP, gfid_params),
	.guests = OPS_CTRL(ENUMERATE_VGPUS, vgpus),
	.encode_mgr_config = nvgpu_abi_encode_mgr_config,
	.encode_gfid_params = nvgpu_abi_encode_gfid_params,
	.decode_guest = nvgpu_abi_decode_guest,
	.decode_utilization = nvgpu_abi_decode_utilization,
	.encode_plugin_bme = nvgpu_abi_encode_plugin_bme,
};
