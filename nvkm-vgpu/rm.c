// SPDX-License-Identifier: GPL-2.0-only
/* Objects of GSP-RM and controls on them. */
#include <linux/slab.h>
#include <linux/string.h>

#include "device.h"
#include "rm.h"

/*
 * handles are the client's to choose; the kind of object in the upper half, as NVIDIA's kernel
 * clients do
 */
#define RM_CLIENT_HANDLE(id)		(0xc1d00000 | (id))
#define RM_CLIENT_ID(handle)		((handle) & 0xffff)
#define RM_DEVICE_HANDLE		0xde1d0000
#define RM_SUBDEVICE_HANDLE		0x5d1d0000
#define RM_CLIENT_MAX			0xffff

/* NV_STATUS; nvstatuscodes.h */
#define NV_OK				0x00
#define NV_ERR_BUSY_RETRY		0x03
#define NV_ERR_GPU_IS_LOST		0x0f
#define NV_ERR_IN_USE			0x17
#define NV_ERR_INSUFFICIENT_RESOURCES	0x1a
#define NV_ERR_INSUFFICIENT_PERMISSIONS	0x1b
#define NV_ERR_INVALID_STATE		0x40
#define NV_ERR_NO_MEMORY		0x51
#define NV_ERR_NOT_READY		0x55
#define NV_ERR_NOT_SUPPORTED		0x56
#define NV_ERR_OBJECT_NOT_FOUND		0x57
#define NV_ERR_RESET_REQUIRED		0x62
#define NV_ERR_STATE_IN_USE		0x63
#define NV_ERR_TIMEOUT			0x65
#define NV_ERR_TIMEOUT_RETRY		0x66

/**
 * nvgpu_rm_errno - errno of a status of GSP-RM
 * @status: NV_STATUS
 *
 * Return: 0 or -errno.
 */
int nvgpu_rm_errno(u32 status)
{
	switch (status) {
	case NV_OK:
		return 0;
	case NV_ERR_BUSY_RETRY:
	case NV_ERR_IN_USE:
	case NV_ERR_NOT_READY:
	case NV_ERR_STATE_IN_USE:
	case NV_ERR_TIMEOUT_RETRY:
		return -EBUSY;
	case NV_ERR_GPU_IS_LOST:
	case NV_ERR_INVALID_STATE:
	case NV_ERR_RESET_REQUIRED:
		return -EIO;
	case NV_ERR_INSUFFICIENT_RESOURCES:
		return -ENOSPC;
	case NV_ERR_INSUFFICIENT_PERMISSIONS:
		return -EPERM;
	case NV_ERR_NO_MEMORY:
		return -ENOMEM;
	case NV_ERR_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case NV_ERR_OBJECT_NOT_FOUND:
		return -ENOENT;
	case NV_ERR_TIMEOUT:
		return -ETIMEDOUT;
	default:
		return -EINVAL;
	}
}

/**
 * nvgpu_rm_control - send a control to an object
 * @pf: the GPU
 * @client: handle of the client
 * @object: handle of the object
 * @cmd: the control
 * @params: its parameters, overwritten with the reply; NULL when there are none
 * @size: bytes of @params
 * @timeout_ms: see rm.h
 *
 * Context: process, may sleep; any number in parallel.
 * Return: 0; errno of the status when GSP-RM refused it; -EPROTO when the reply is shorter than
 * @size; -EIO when GSP-RM is dead; -ETIMEDOUT; -EINTR when the process is being killed.
 */
int nvgpu_rm_control(struct nvkm_vgpu_pf *pf, u32 client, u32 object, u32 cmd, void *params,
		     u32 size, unsigned int timeout_ms)
{
	void *buf __free(kvfree) = NULL;
	size_t header = pf->abi->rm_control_size;
	char name[32];
	u32 status, got;
	ssize_t len;

	if (nvgpu_gsp_dead(pf))
		return -EIO;
	buf = kvzalloc(header + size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	pf->abi->encode_rm_control(buf, client, object, cmd, size);
	memcpy(buf + header, params, size);
	scnprintf(name, sizeof(name), "GSP_RM_CONTROL %#x", cmd);
	len = nvgpu_rpc_call(pf, name, pf->abi->rpc.rm_control, buf, header + size, timeout_ms);
	if (len < 0)
		return len;
	if (pf->abi->decode_rm_control(buf, len, &status, &got))
		return -EPROTO;
	if (status) {
		dev_dbg(&pf->pdev->dev, "GSP-RM refused control %#x: %#x\n", cmd, status);
		return nvgpu_rm_errno(status);
	}
	if (got < size)
		return -EPROTO;
	memcpy(params, buf + header, size);
	return 0;
}

/**
 * nvgpu_rm_control_internal - send a control to GSP-RM's own subdevice
 * @pf: the GPU
 * @cmd: the control
 * @params: its parameters, overwritten with the reply; NULL when there are none
 * @size: bytes of @params
 * @timeout_ms: see rm.h
 *
 * Return: as nvgpu_rm_control().
 */
int nvgpu_rm_control_internal(struct nvkm_vgpu_pf *pf, u32 cmd, void *params, u32 size,
			      unsigned int timeout_ms)
{
	return nvgpu_rm_control(pf, pf->info.internal_client, pf->info.internal_subdevice, cmd,
				params, size, timeout_ms);
}

/* allocate an object; @encode fills in the parameters */
static int rm_alloc(struct nvkm_vgpu_pf *pf, u32 client, u32 parent, u32 object, u32 class,
		    size_t size, void (*encode)(void *buf, u32 client))
{
	void *buf __free(kvfree) = kvzalloc(pf->abi->rm_alloc_size + size, GFP_KERNEL);
	size_t header = pf->abi->rm_alloc_size;
	u32 status;
	ssize_t len;

	if (!buf)
		return -ENOMEM;
	pf->abi->encode_rm_alloc(buf, client, parent, object, class, size);
	encode(buf + header, client);
	len = nvgpu_rpc_call(pf, "GSP_RM_ALLOC", pf->abi->rpc.rm_alloc, buf, header + size,
			     NVGPU_RM_TIMEOUT_MS);
	if (len < 0)
		return len;
	if (pf->abi->decode_rm_alloc(buf, len, &status))
		return -EPROTO;
	if (status)
		dev_err_ratelimited(&pf->pdev->dev, "GSP-RM: object of class %#x refused: %#x\n",
				    class, status);
	return nvgpu_rm_errno(status);
}

/* free an object and all below it */
static int rm_free(struct nvkm_vgpu_pf *pf, u32 client, u32 object)
{
	void *buf __free(kvfree) = kvzalloc(pf->abi->rm_free_size, GFP_KERNEL);
	ssize_t len;

	if (!buf)
		return -ENOMEM;
	pf->abi->encode_rm_free(buf, client, object);
	len = nvgpu_rpc_call(pf, "FREE", pf->abi->rpc.rm_free, buf, pf->abi->rm_free_size,
			     NVGPU_RM_TEARDOWN_TIMEOUT_MS);
	return len < 0 ? len : 0;
}

/**
 * nvgpu_rm_client_init - make a client, and a device and a subdevice under it
 * @pf: the GPU
 * @client: result
 *
 * Return: 0 or -errno.
 */
int nvgpu_rm_client_init(struct nvkm_vgpu_pf *pf, struct nvgpu_rm_client *client)
{
	int id, ret;

	if (nvgpu_gsp_dead(pf))
		return -EIO;
	id = ida_alloc_range(&pf->gsp.clients, 1, RM_CLIENT_MAX, GFP_KERNEL);
	if (id < 0)
		return id;
	client->pf = pf;
	client->client = RM_CLIENT_HANDLE(id);
	client->device = RM_DEVICE_HANDLE;
	client->subdevice = RM_SUBDEVICE_HANDLE;

	ret = rm_alloc(pf, client->client, client->client, client->client, pf->abi->class.root,
		       pf->abi->root_params_size, pf->abi->encode_root_params);
	if (!ret)
		ret = rm_alloc(pf, client->client, client->client, client->device,
			       pf->abi->class.device, pf->abi->device_params_size,
			       pf->abi->encode_device_params);
	if (!ret)
		ret = rm_alloc(pf, client->client, client->device, client->subdevice,
			       pf->abi->class.subdevice, pf->abi->subdevice_params_size,
			       pf->abi->encode_subdevice_params);
	if (ret)
		nvgpu_rm_client_fini(client);
	return ret;
}

/**
 * nvgpu_rm_client_fini - free a client with all that is under it
 * @client: the client; nothing happens when it has no handle
 *
 * Context: process; goes on when it is being killed.
 */
void nvgpu_rm_client_fini(struct nvgpu_rm_client *client)
{
	if (!client->client)
		return;
	/* a handle that GSP-RM may still know is not used again */
	if (!rm_free(client->pf, client->client, client->client))
		ida_free(&client->pf->gsp.clients, RM_CLIENT_ID(client->client));
	client->client = 0;
}
