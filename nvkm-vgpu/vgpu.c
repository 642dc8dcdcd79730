// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life cycle of a vGPU.
 *
 *	create						destroy, in reverse
 *	 1 client of GSP-RM				 6 nothing to tell the plugin task
 *	 2 its heap into the CPU's window		 5 CLEANUP
 *	 3 ready marker away				 4 SHUTDOWN
 *	 4 BOOTLOAD: GSP-RM starts the plugin task	 2 heap out of the window
 *	 5 wait for the task, tell it where all is	 1 client away
 *	 6 agree on a version, configure
 *
 * Framebuffer of the guest is to be scrubbed before step 4, so that the guest sees nothing of who
 * had it before, and after CLEANUP, when nobody can write to it any more; what could not be
 * scrubbed is to be quarantined. The CPU cannot do it, gigabytes through a window are far too slow:
 * it is work for a copy engine, which this driver has none of yet. The CPU zeroes only what the
 * protocol needs, in the plugin's communication area.
 */

#include <linux/device.h>
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "device.h"
#include "vgpu.h"

/* what NVIDIA's host asks for */
#define NUM_PLUGIN_CHANNELS	3

static int boot(struct nvkm_vgpu *vgpu)
{
	const struct nvgpu_fwabi *abi = vgpu->pf->abi;
	const struct nvgpu_reservation *rsv = vgpu->rsv;
	const struct nvgpu_bootload bootload = {
		.gfid = vgpu->gfid,
		.chid_start = rsv->place.chid_start,
		.fb = { .start = rsv->fb.start, .size = rsv->fb.size },
		.heap = { .start = rsv->heap.start, .size = rsv->heap.size },
	};
	void *params;
	int ret;

	params = kzalloc(abi->bootload_size, GFP_KERNEL_ACCOUNT);
	if (!params)
		return -ENOMEM;

	abi->encode_bootload(params, &bootload);
	ret = nvgpu_rm_control_internal(vgpu->pf, abi->ctrl.bootload, params, abi->bootload_size,
					NVGPU_RM_TIMEOUT_MS);
	kfree(params);

	/* a refusal is certain, without an answer the task may have been started */
	vgpu->booted = !ret || ret == -ETIMEDOUT || ret == -EINTR || ret == -EIO || ret == -EPROTO;
	if (ret && ret != -EINTR)
		dev_err(&vgpu->pf->pdev->dev, "vGPU %u: GSP-RM does not start it: %d\n", vgpu->gfid,
			ret);
	return ret;
}

static int configure(struct nvkm_vgpu *vgpu)
{
	const struct nvgpu_reservation *rsv = vgpu->rsv;
	struct nvgpu_plugin_config config = {
		.dbdf = vgpu->dbdf,
		.instance_id = vgpu->client.client,
		.type_id = rsv->type->id,
		.vm_pid = task_tgid_nr(current),
		.num_channels = rsv->place.num_chids,
		.num_plugin_channels = NUM_PLUGIN_CHANNELS,
		.placement_id = rsv->place.id,
		.enable_uvm = vgpu->params.enable_uvm,
		.console_vnc = !vgpu->params.disable_vnc,
	};

	export_uuid(config.uuid, &rsv->uuid);
	return nvgpu_plugin_configure(vgpu, &config);
}

/**
 * nvgpu_vgpu_create() - bring a vGPU up
 * @vgpu: with its reservation
 *
 * Context: may sleep, for a long time but no longer than its parts may take; can be killed. Takes
 * &nvkm_vgpu.lock.
 * Return: 0, or errno; then nvgpu_vgpu_destroy() puts away what was made.
 */
int nvgpu_vgpu_create(struct nvkm_vgpu *vgpu)
{
	int ret;

	guard(mutex)(&vgpu->lock);

	ret = nvgpu_rm_client_init(vgpu->pf, &vgpu->client);
	if (ret)
		return ret;

	ret = nvgpu_plugin_map(vgpu);
	if (ret)
		return ret;

	ret = boot(vgpu);
	if (ret)
		return ret;

	ret = nvgpu_plugin_attach(vgpu);
	if (ret)
		return ret;

	return configure(vgpu);
}

static int tell_gfid(struct nvkm_vgpu *vgpu, u32 cmd)
{
	size_t size = vgpu->pf->abi->gfid_params_size;
	void *params;
	int ret;

	params = kzalloc(size, GFP_KERNEL);
	if (!params)
		return -ENOMEM;

	vgpu->pf->abi->encode_gfid_params(params, vgpu->gfid);
	ret = nvgpu_rm_control_internal(vgpu->pf, cmd, params, size, NVGPU_RM_TEARDOWN_TIMEOUT_MS);
	kfree(params);
	return ret;
}

/* CLEANUP also when SHUTDOWN failed, as NVIDIA's host does */
static bool shut_down(struct nvkm_vgpu *vgpu)
{
	const struct nvgpu_fwabi *abi = vgpu->pf->abi;
	int shutdown, cleanup;

	if (!vgpu->booted)
		return true;

	shutdown = tell_gfid(vgpu, abi->ctrl.shutdown);
	cleanup = tell_gfid(vgpu, abi->ctrl.cleanup);
	vgpu->booted = false;
	if (!shutdown && !cleanup)
		return true;

	dev_err(&vgpu->pf->pdev->dev,
		"vGPU %u: end not confirmed (shutdown %d, cleanup %d), its framebuffer stays reserved\n",
		vgpu->gfid, shutdown, cleanup);
	return false;
}

/**
 * nvgpu_vgpu_destroy() - take a vGPU down
 * @vgpu: wholly or partly up; the second time nothing happens
 *
 * Context: may sleep, bounded, and cannot be interrupted. Takes &nvkm_vgpu.lock.
 * Return: whether GSP-RM confirmed that the vGPU has gone. If not, what it had must not be used
 * again.
 */
bool nvgpu_vgpu_destroy(struct nvkm_vgpu *vgpu)
{
	bool gone;

	guard(mutex)(&vgpu->lock);

	gone = shut_down(vgpu);
	nvgpu_plugin_unmap(vgpu);
	if (vgpu->client.client)
		nvgpu_rm_client_fini(&vgpu->client);
	return gone;
}
