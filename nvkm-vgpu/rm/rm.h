/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_RM_H
#define _NVKM_VGPU_RM_H

#include <linux/idr.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "gsp/rpc.h"

struct nvgpu_ctrl;
struct nvgpu_gsp;

/**
 * struct nvgpu_rm - objects of GSP-RM
 * @gsp: GSP-RM
 * @clients: handles of clients in use
 * @ping: tries whether GSP-RM responds again
 * @ping_s: seconds until the next try
 */
struct nvgpu_rm {
	struct nvgpu_gsp *gsp;
	struct ida clients;
	struct delayed_work ping;
	unsigned int ping_s;
};

/**
 * struct nvgpu_rm_client - a client of GSP-RM with one device and one subdevice under it
 * @rm: whose
 * @client: handle of the root object, 0 when not allocated
 * @device: handle of the device
 * @subdevice: handle of the subdevice
 */
struct nvgpu_rm_client {
	struct nvgpu_rm *rm;
	u32 client;
	u32 device;
	u32 subdevice;
};

/**
 * struct nvgpu_rm_object - an object of GSP-RM
 * @client: handle of its client
 * @parent: handle of the object that it is under
 * @handle: its handle
 * @class: its class
 */
struct nvgpu_rm_object {
	u32 client;
	u32 parent;
	u32 handle;
	u32 class;
};

/**
 * struct nvgpu_rm_control - a control on an object of GSP-RM
 * @client: handle of the object's client; 0: GSP-RM's own subdevice is meant
 * @object: handle of the object
 * @cmd: the control
 * @params: its parameters, overwritten with the reply; NULL when there are none
 * @size: bytes of @params
 * @teardown: see &nvgpu_rpc_call
 * @ping: see &nvgpu_rpc_call
 * @outcome: result: what is known of it
 * @status: result: NV_STATUS of a control that was answered
 */
struct nvgpu_rm_control {
	u32 client;
	u32 object;
	u32 cmd;
	void *params;
	u32 size;
	bool teardown;
	bool ping;
	enum nvgpu_rpc_outcome outcome;
	u32 status;
};

bool nvgpu_rm_is_gone(const struct nvgpu_rm *rm, u32 status);

void nvgpu_rm_init(struct nvgpu_rm *rm, struct nvgpu_gsp *gsp);
void nvgpu_rm_fini(struct nvgpu_rm *rm);

int nvgpu_rm_client_init(struct nvgpu_rm *rm, struct nvgpu_rm_client *client);
void nvgpu_rm_client_fini(struct nvgpu_rm_client *client);

int nvgpu_rm_alloc(struct nvgpu_rm *rm, const struct nvgpu_rm_object *object, const void *params,
		   size_t size, bool *exists);
int nvgpu_rm_free(struct nvgpu_rm *rm, u32 client, u32 handle);

int nvgpu_rm_control(struct nvgpu_rm *rm, struct nvgpu_rm_control *control);
int nvgpu_rm_query(struct nvgpu_rm *rm, const struct nvgpu_ctrl *ctrl, void *params);

#endif
