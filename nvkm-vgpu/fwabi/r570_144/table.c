// SPDX-License-Identifier: GPL-2.0-only
/* GSP-RM 570.144 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/stddef.h>

#include "../common/ops.h"
#include "../fwabi.h"
#include "boot.h"
#include "plugin.h"
#include "rpc.h"
#include "vgpu.h"

const struct nvgpu_fwabi nvgpu_fwabi_r570_144 = {
	.version = "570.144",
	.vgpu_heap_size = NVGPU_R570_144_VGPU_HEAP_SIZE,
	.vgpu_partitions = NVGPU_ABI_VGPU_PARTITIONS,
	.has_scrubber = true,

	.rpc = &nvgpu_abi_rpc,
	.rm = &nvgpu_abi_rm,
	.channel = &nvgpu_abi_channel,
	.board = &nvgpu_abi_board,
	.vgpu = &nvgpu_abi_vgpu,

	.wpr_meta_size = sizeof(struct nvgpu_abi_wpr_meta),
	.system_info_size = sizeof(struct nvgpu_r570_144_system_info),
	.static_info_size = sizeof(struct nvgpu_r570_144_static_info),
	.encode_wpr_meta = nvgpu_r570_144_encode_wpr_meta,
	.encode_rm_args = nvgpu_r570_144_encode_rm_args,
	.encode_system_info = nvgpu_r570_144_encode_system_info,
	.decode_static_info = nvgpu_r570_144_decode_static_info,
	.decode_event = nvgpu_r570_144_decode_event,

	.root_params_size = sizeof(struct nvgpu_r570_144_root_params),
	.channel_params_size = sizeof(struct nvgpu_r570_144_channel_params),
	.decode_engine = nvgpu_r570_144_decode_engine,
	.decode_intr_table = nvgpu_r570_144_decode_intr_table,
	.ecc_status = {
		NVGPU_ABI_CTRL_QUERY_ECC_STATUS,
		sizeof(struct nvgpu_r570_144_ecc_status),
	},
	.decode_ecc_status = nvgpu_r570_144_decode_ecc_status,

	.heterogeneous = {
		NVGPU_R570_144_CTRL_SET_HETEROGENEOUS,
		sizeof(struct nvgpu_r570_144_heterogeneous),
	},
	.encode_heterogeneous = nvgpu_r570_144_encode_heterogeneous,
	.add_type = { NVGPU_ABI_CTRL_ADD_VGPU_TYPE, sizeof(struct nvgpu_r570_144_add_type) },
	.encode_add_types = nvgpu_r570_144_encode_add_types,
	.type_file = {
		.vgpu_major = NVGPU_R570_144_VGPU_MAJOR,
		.vgpu_minor = NVGPU_R570_144_VGPU_MINOR,
		.info_offset = offsetof(struct nvgpu_r570_144_add_type, info),
		.info_size = sizeof(struct nvgpu_r570_144_vgpu_info),
	},
	.decode_add_type = nvgpu_r570_144_decode_add_type,
	.decode_type_info = nvgpu_r570_144_decode_type_info,
	.bootload = { NVGPU_ABI_CTRL_BOOTLOAD, sizeof(struct nvgpu_r570_144_bootload) },
	.encode_bootload = nvgpu_r570_144_encode_bootload,

	.plugin = {
		NVGPU_ABI_PLUGIN_LAYOUT,
		.comm_size = NVGPU_R570_144_PLUGIN_COMM_SIZE,
		.kernel_log = NVGPU_R570_144_PLUGIN_KERNEL_LOG,
		.kernel_log_size = NVGPU_R570_144_PLUGIN_KERNEL_LOG_SIZE,
		.response_reg = {
			offsetof(struct nvgpu_r570_144_plugin_response, seq_processed),
			offsetof(struct nvgpu_r570_144_plugin_response, result_code),
		},
		.config_size = sizeof(struct nvgpu_r570_144_plugin_config),
	},
	.encode_plugin_config = nvgpu_r570_144_encode_plugin_config,
};
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fwabi_r570_144);
