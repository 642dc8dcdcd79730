// SPDX-License-Identifier: GPL-2.0-only
/* GSP-RM 535.113.01 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/stddef.h>

#include "../common/ops.h"
#include "../fwabi.h"
#include "boot.h"
#include "plugin.h"
#include "rpc.h"
#include "vgpu.h"

const struct nvgpu_fwabi nvgpu_fwabi_r535_113_01 = {
	.version = "535.113.01",
	.vgpu_heap_size = NVGPU_R535_113_01_VGPU_HEAP_SIZE,
	.vgpu_partitions = NVGPU_ABI_VGPU_PARTITIONS,

	.rpc = &nvgpu_abi_rpc,
	.rm = &nvgpu_abi_rm,
	.channel = &nvgpu_abi_channel,
	.board = &nvgpu_abi_board,
	.vgpu = &nvgpu_abi_vgpu,

	.wpr_meta_size = sizeof(struct nvgpu_abi_wpr_meta),
	.system_info_size = sizeof(struct nvgpu_r535_113_01_system_info),
	.static_info_size = sizeof(struct nvgpu_r535_113_01_static_info),
	.encode_wpr_meta = nvgpu_abi_encode_wpr_meta,
	.encode_rm_args = nvgpu_r535_113_01_encode_rm_args,
	.encode_system_info = nvgpu_r535_113_01_encode_system_info,
	.decode_static_info = nvgpu_r535_113_01_decode_static_info,
	.decode_event = nvgpu_r535_113_01_decode_event,

	.root_params_size = sizeof(struct nvgpu_abi_root_params),
	.channel_params_size = sizeof(struct nvgpu_abi_channel_params),
	.decode_engine = nvgpu_abi_decode_engine,
	.decode_intr_table = nvgpu_r535_113_01_decode_intr_table,
	.ecc_status = {
		NVGPU_ABI_CTRL_QUERY_ECC_STATUS,
		sizeof(struct nvgpu_r535_113_01_ecc_status),
	},
	.decode_ecc_status = nvgpu_r535_113_01_decode_ecc_status,

	.add_type = { NVGPU_ABI_CTRL_ADD_VGPU_TYPE, sizeof(struct nvgpu_r535_113_01_add_type) },
	.encode_add_types = nvgpu_r535_113_01_encode_add_types,
	.bootload = { NVGPU_ABI_CTRL_BOOTLOAD, sizeof(struct nvgpu_r535_113_01_bootload) },
	.encode_bootload = nvgpu_r535_113_01_encode_bootload,

	.plugin = {
		NVGPU_ABI_PLUGIN_LAYOUT,
		.comm_size = NVGPU_R535_113_01_PLUGIN_COMM_SIZE,
		.response_reg = {
			offsetof(struct nvgpu_r535_113_01_plugin_response, seq_processed),
			offsetof(struct nvgpu_r535_113_01_plugin_response, result_code),
		},
		.config_size = sizeof(struct nvgpu_r535_113_01_plugin_config),
	},
	.encode_plugin_config = nvgpu_r535_113_01_encode_plugin_config,
};
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fwabi_r535_113_01);
