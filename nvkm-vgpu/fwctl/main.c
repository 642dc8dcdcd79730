// SPDX-License-Identifier: GPL-2.0-only
/*
 * fwctl access to a GPU that hosts vGPUs: commands of include/uapi/fwctl/nvkm_vgpu.h.
 *
 * GSP-RM of the releases that the core knows has no such commands, so they are answered by what is
 * behind the files in sysfs, too. Nothing goes to firmware as it comes from user space: the running
 * guests share it.
 */
#include <linux/auxiliary_bus.h>
#include <linux/fwctl.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/nvkm_vgpu.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/fwctl/nvkm_vgpu.h>

static_assert(NVKM_VGPU_FWCTL_MAX_TYPES == NVKM_VGPU_MAX_TYPES);
static_assert(NVKM_VGPU_FWCTL_KNOWN_SHARE == NVKM_VGPU_STATUS_SHARE);
static_assert(NVKM_VGPU_FWCTL_KNOWN_RUNNING == NVKM_VGPU_STATUS_RUNNING);
static_assert(NVKM_VGPU_FWCTL_KNOWN_UTIL == NVKM_VGPU_STATUS_UTIL);
static_assert(NVKM_VGPU_FWCTL_KNOWN_GUEST == NVKM_VGPU_STATUS_GUEST);
static_assert(NVKM_VGPU_FWCTL_KNOWN_GUEST_TOLD == NVKM_VGPU_STATUS_GUEST_TOLD);

struct nvkm_vgpu_fwctl {
	struct fwctl_device fwctl;
	struct nvkm_vgpu_pf *pf;
};

/* the VF that a request names; -ENODEV */
static int main_vf(struct nvkm_vgpu_pf *pf, u64 dbdf)
{
	return dbdf > U32_MAX ? -ENODEV : nvkm_vgpu_mgr_vf(pf, dbdf);
}

/* -ENOMEM is none of the device's answers */
static int main_result(int ret)
{
	switch (ret) {
	case 0:
		return NVKM_VGPU_FWCTL_OK;
	case -ENOMEM:
		return -ENOMEM;
	case -ENODEV:
		return NVKM_VGPU_FWCTL_NOT_FOUND;
	case -EBUSY:
		return NVKM_VGPU_FWCTL_BUSY;
	case -EINVAL:
		return NVKM_VGPU_FWCTL_OTHER_SIZE;
	case -ENOSPC:
		return NVKM_VGPU_FWCTL_NO_SPACE;
	default:
		return NVKM_VGPU_FWCTL_FIRMWARE;
	}
}

/* ---- commands: each has a reply of its size, all zero, and returns what came of it ----------- */

static int main_add_type(struct nvkm_vgpu_pf *pf, const void *request, void *reply)
{
	return NVKM_VGPU_FWCTL_NOT_SUPPORTED;
}

static int main_query_supported(struct nvkm_vgpu_pf *pf, const void *request, void *reply)
{
	struct nvkm_vgpu_fwctl_types *types = reply;

	types->count = nvkm_vgpu_mgr_supported(pf, types->type);
	return NVKM_VGPU_FWCTL_OK;
}

static int main_query_creatable(struct nvkm_vgpu_pf *pf, const void *request, void *reply)
{
	const struct nvkm_vgpu_fwctl_vf *in = request;
	struct nvkm_vgpu_fwctl_types *types = reply;
	int num, vf = main_vf(pf, in->dbdf);

	if (vf < 0)
		return NVKM_VGPU_FWCTL_NOT_FOUND;
	num = nvkm_vgpu_mgr_creatable(pf, vf, types->type);
	if (num < 0)
		return num;
	types->count = num;
	return NVKM_VGPU_FWCTL_OK;
}

static int main_assign_type(struct nvkm_vgpu_pf *pf, const void *request, void *reply)
{
	const struct nvkm_vgpu_fwctl_assign *in = request;
	int vf = main_vf(pf, in->dbdf);

	if (in->reserved)
		return -EINVAL;
	if (in->swizz_id != NVKM_VGPU_FWCTL_ANY || in->placement_id != NVKM_VGPU_FWCTL_ANY)
		return NVKM_VGPU_FWCTL_NOT_SUPPORTED;
	/* none is what DEASSIGN_TYPE gives */
	if (vf < 0 || !in->type)
		return NVKM_VGPU_FWCTL_NOT_FOUND;
	return main_result(nvkm_vgpu_mgr_set_type(pf, vf, in->type));
}

static int main_deassign_type(struct nvkm_vgpu_pf *pf, const void *request, void *reply)
{
	const struct nvkm_vgpu_fwctl_vf *in = request;
	int vf = main_vf(pf, in->dbdf);

	if (vf < 0)
		return NVKM_VGPU_FWCTL_NOT_FOUND;
	return main_result(nvkm_vgpu_mgr_set_type(pf, vf, 0));
}

static void main_add_text(struct nvkm_vgpu_fwctl_properties *props, u32 key, const char *text)
{
	struct nvkm_vgpu_fwctl_property *prop = &props->property[props->count++];

	prop->key = key;
	strscpy_pad(prop->text, text);
	prop->size = strlen(prop->text) + 1;
}

static int main_query_properties(struct nvkm_vgpu_pf *pf, const void *request, void *reply)
{
	const struct nvkm_vgpu_fwctl_type *in = request;
	struct nvkm_vgpu_fwctl_properties *props = reply;
	struct nvkm_vgpu_type_info info;
	unsigned int i;

	if (in->reserved)
		return -EINVAL;
	if (nvkm_vgpu_mgr_type_info(pf, in->type, &info))
		return NVKM_VGPU_FWCTL_NOT_FOUND;

	const struct {
		u32 key;
		u64 value;
	} numbers[] = {
		{ NVKM_VGPU_FWCTL_TYPE_ID, in->type },
		{ NVKM_VGPU_FWCTL_BAR1_MIB, info.bar1_size / SZ_1M },
		{ NVKM_VGPU_FWCTL_MAX_INSTANCES, info.max_instance },
		{ NVKM_VGPU_FWCTL_ECC, info.ecc },
		{ NVKM_VGPU_FWCTL_PROFILE_SIZE, info.profile_size },
		{ NVKM_VGPU_FWCTL_MAX_FPS, info.frame_rate_limit },
		{ NVKM_VGPU_FWCTL_HEADS, info.num_heads },
		{ NVKM_VGPU_FWCTL_MAX_X, info.max_res_x },
		{ NVKM_VGPU_FWCTL_MAX_Y, info.max_res_y },
		{ NVKM_VGPU_FWCTL_DEVICE_ID, info.device },
		{ NVKM_VGPU_FWCTL_SUBSYSTEM_ID, info.subsystem },
		{ NVKM_VGPU_FWCTL_FB_LENGTH, info.fb_size },
		{ NVKM_VGPU_FWCTL_GSP_HEAP, info.heap_size },
		{ NVKM_VGPU_FWCTL_FB_RESERVATION, info.fb_reservation },
	};
	static_assert(ARRAY_SIZE(numbers) + 2 <= NVKM_VGPU_FWCTL_MAX_PROPERTIES);

	main_add_text(props, NVKM_VGPU_FWCTL_NAME, info.name);
	main_add_text(props, NVKM_VGPU_FWCTL_CLASS, info.class_name);
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		props->property[props->count].key = numbers[i].key;
		props->property[props->count++].value = numbers[i].value;
	}
	return NVKM_VGPU_FWCTL_OK;
}

static int main_query_assigned(struct nvkm_vgpu_pf *pf, const void *request, void *reply)
{
	const struct nvkm_vgpu_fwctl_vf *in = request;
	struct nvkm_vgpu_fwctl_type *type = reply;
	int vf = main_vf(pf, in->dbdf);

	if (vf < 0)
		return NVKM_VGPU_FWCTL_NOT_FOUND;
	type->type = nvkm_vgpu_mgr_type(pf, vf);
	return NVKM_VGPU_FWCTL_OK;
}

static int main_status(struct nvkm_vgpu_pf *pf, const void *request, void *reply)
{
	const struct nvkm_vgpu_fwctl_vf *in = request;
	struct nvkm_vgpu_fwctl_status *out = reply;
	int vf = main_vf(pf, in->dbdf);
	struct nvkm_vgpu_status status;

	if (vf < 0)
		return NVKM_VGPU_FWCTL_NOT_FOUND;
	nvkm_vgpu_mgr_status(pf, vf, &status);
	out->version = 1;
	out->size = sizeof(*out);
	out->type = status.type;
	out->known = status.known;
	out->fb_start = status.fb_start;
	out->fb_size = status.fb_size;
	out->channel_start = status.channel_start;
	out->num_channels = status.num_channels;
	out->placement_id = status.placement_id;
	out->driver_loaded = status.driver_loaded;
	out->uptime = status.uptime;
	out->channel_errors = status.channel_errors;
	static_assert(sizeof(out->util) == sizeof(status.util));
	memcpy(out->util, status.util, sizeof(out->util));
	out->fb_used = status.fb_used;
	out->frame_rate_limit = status.frame_rate_limit;
	strscpy(out->state, status.state);
	if (status.known & NVKM_VGPU_STATUS_GUEST_TOLD) {
		strscpy(out->guest_os, status.guest_os);
		strscpy(out->license_state, status.license_state);
		strscpy(out->guest_driver_version, status.version);
		strscpy(out->guest_driver_branch, status.branch);
	}
	return NVKM_VGPU_FWCTL_OK;
}

static const struct main_command {
	enum nvkm_vgpu_fwctl_command command;
	enum fwctl_rpc_scope scope;
	int (*run)(struct nvkm_vgpu_pf *pf, const void *request, void *reply);
	size_t in, out;		/* bytes; in 0: as many as there are */
} main_commands[] = {
	{ NVKM_VGPU_FWCTL_ADD_TYPE, FWCTL_RPC_CONFIGURATION, main_add_type,
	  0, sizeof(struct nvkm_vgpu_fwctl_head) },
	{ NVKM_VGPU_FWCTL_QUERY_SUPPORTED, FWCTL_RPC_CONFIGURATION, main_query_supported,
	  sizeof(struct nvkm_vgpu_fwctl_head), sizeof(struct nvkm_vgpu_fwctl_types) },
	{ NVKM_VGPU_FWCTL_QUERY_CREATABLE, FWCTL_RPC_CONFIGURATION, main_query_creatable,
	  sizeof(struct nvkm_vgpu_fwctl_vf), sizeof(struct nvkm_vgpu_fwctl_types) },
	{ NVKM_VGPU_FWCTL_ASSIGN_TYPE, FWCTL_RPC_CONFIGURATION, main_assign_type,
	  sizeof(struct nvkm_vgpu_fwctl_assign), sizeof(struct nvkm_vgpu_fwctl_head) },
	{ NVKM_VGPU_FWCTL_DEASSIGN_TYPE, FWCTL_RPC_CONFIGURATION, main_deassign_type,
	  sizeof(struct nvkm_vgpu_fwctl_vf), sizeof(struct nvkm_vgpu_fwctl_head) },
	{ NVKM_VGPU_FWCTL_QUERY_PROPERTIES, FWCTL_RPC_CONFIGURATION, main_query_properties,
	  sizeof(struct nvkm_vgpu_fwctl_type), sizeof(struct nvkm_vgpu_fwctl_properties) },
	{ NVKM_VGPU_FWCTL_QUERY_ASSIGNED, FWCTL_RPC_CONFIGURATION, main_query_assigned,
	  sizeof(struct nvkm_vgpu_fwctl_vf), sizeof(struct nvkm_vgpu_fwctl_type) },
	{ NVKM_VGPU_FWCTL_STATUS, FWCTL_RPC_DEBUG_READ_ONLY, main_status,
	  sizeof(struct nvkm_vgpu_fwctl_vf), sizeof(struct nvkm_vgpu_fwctl_status) },
};

static const struct main_command *main_find_command(u32 number)
{
	const struct main_command *command;

	for (command = main_commands; command < main_commands + ARRAY_SIZE(main_commands);
	     command++)
		if (command->command == number)
			return command;
	return NULL;
}

/* ---- fwctl ----------------------------------------------------------------------------------- */

static void *main_rpc(struct fwctl_uctx *uctx, enum fwctl_rpc_scope scope, void *request,
		      size_t len, size_t *out_len)
{
	struct nvkm_vgpu_fwctl *self = container_of(uctx->fwctl, struct nvkm_vgpu_fwctl, fwctl);
	const struct nvkm_vgpu_fwctl_head *head = request;
	const struct main_command *command;
	struct nvkm_vgpu_fwctl_head *reply;
	int result;

	if (len < sizeof(*head) || head->status)
		return ERR_PTR(-EINVAL);
	command = main_find_command(head->command);
	if (!command)
		return ERR_PTR(-EOPNOTSUPP);
	if (scope != command->scope)
		return ERR_PTR(-EPERM);
	if (command->in && len != command->in)
		return ERR_PTR(-EINVAL);

	reply = kvzalloc(command->out, GFP_KERNEL_ACCOUNT);
	if (!reply)
		return ERR_PTR(-ENOMEM);
	result = command->run(self->pf, request, reply);
	if (result < 0) {
		kvfree(reply);
		return ERR_PTR(result);
	}
	reply->command = head->command;
	reply->status = result;
	*out_len = command->out;
	return reply;
}

static void *main_info(struct fwctl_uctx *uctx, size_t *length)
{
	struct pci_dev *pdev = to_pci_dev(uctx->fwctl->dev.parent);
	struct nvkm_vgpu_fwctl_info *info = kzalloc_obj(*info);

	if (!info)
		return ERR_PTR(-ENOMEM);
	info->version = 1;
	info->dbdf = (u32)pci_domain_nr(pdev->bus) << 16 | pci_dev_id(pdev);
	*length = sizeof(*info);
	return info;
}

static int main_open(struct fwctl_uctx *uctx)
{
	return 0;
}

static void main_close(struct fwctl_uctx *uctx)
{
}

static const struct fwctl_ops main_ops = {
	.device_type = (enum fwctl_device_type)NVKM_VGPU_FWCTL_DEVICE_TYPE,
	.uctx_size = sizeof(struct fwctl_uctx),
	.open_uctx = main_open,
	.close_uctx = main_close,
	.info = main_info,
	.fw_rpc = main_rpc,
};

static int main_probe(struct auxiliary_device *adev, const struct auxiliary_device_id *id)
{
	struct nvkm_vgpu_fwctl *self = fwctl_alloc_device(adev->dev.parent, &main_ops,
							  struct nvkm_vgpu_fwctl, fwctl);
	int ret;

	if (!self)
		return -ENOMEM;
	self->pf = nvkm_vgpu_mgr_pf(adev);
	ret = fwctl_register(&self->fwctl);
	if (ret) {
		fwctl_put(&self->fwctl);
		return ret;
	}
	auxiliary_set_drvdata(adev, self);
	return 0;
}

static void main_remove(struct auxiliary_device *adev)
{
	struct nvkm_vgpu_fwctl *self = auxiliary_get_drvdata(adev);

	fwctl_unregister(&self->fwctl);
	fwctl_put(&self->fwctl);
}

static const struct auxiliary_device_id main_ids[] = {
	{ .name = "nvkm_vgpu." NVKM_VGPU_PROVISION },
	{}
};
MODULE_DEVICE_TABLE(auxiliary, main_ids);

static struct auxiliary_driver main_driver = {
	.name = "fwctl",
	.probe = main_probe,
	.remove = main_remove,
	.id_table = main_ids,
};
module_auxiliary_driver(main_driver);

MODULE_IMPORT_NS("FWCTL");
MODULE_DESCRIPTION("fwctl access to NVIDIA GPUs that host vGPUs");
MODULE_LICENSE("GPL");
