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
 *	 6 agree on a version, configure, allow DMA
 *
 * Framebuffer of the guest is to be scrubbed before step 4, so that the guest sees nothing of who
 * had it before, and after CLEANUP, when nobody can write to it any more; what could not be
 * scrubbed is to be quarantined. The CPU cannot do it, gigabytes through a window are far too slow:
 * it is work for a copy engine, which this driver has none of yet. The CPU zeroes only what the
 * protocol needs, in the plugin's communication area.
 */

#include <linux/device.h>
#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "device.h"
#include "profile.h"
#include "vgpu.h"

/* what NVIDIA's host asks for */
#define NUM_PLUGIN_CHANNELS	3

/* @may_run: GSP-RM has, or may have, a plugin task afterwards */
static int vgpu_boot(struct nvkm_vgpu *vgpu, bool *may_run)
{
	const struct nvgpu_fwabi *abi = vgpu->pf->abi;
	const struct nvgpu_reservation *rsv = vgpu->rsv;
	const struct nvgpu_bootload bootload = {
		.gfid = vgpu->gfid,
		.chid_start = rsv->place.chid_start,
		.fb = { .start = rsv->fb.start, .size = rsv->fb.size },
		.heap = { .start = rsv->heap.start, .size = rsv->heap.size },
	};
	struct nvgpu_rm_control control = {
		.cmd = abi->ctrl.bootload,
		.size = abi->bootload_size,
	};
	void *params __free(kfree) = kzalloc(abi->bootload_size, GFP_KERNEL_ACCOUNT);
	int ret;

	*may_run = false;
	if (!params)
		return -ENOMEM;

	abi->encode_bootload(params, &bootload);
	control.params = params;
	ret = nvgpu_rm_control(vgpu->pf, &control);
	/* a refusal is certain, and so is what was never sent */
	*may_run = control.outcome == NVGPU_RPC_NO_ANSWER ||
		   (control.outcome == NVGPU_RPC_ANSWERED && !control.status);
	if (control.outcome == NVGPU_RPC_ANSWERED && control.status)
		dev_err(&vgpu->pf->pdev->dev, "vGPU %u: GSP-RM does not start it, status %#x\n",
			vgpu->gfid, control.status);
	return ret;
}

static int vgpu_configure(struct nvkm_vgpu *vgpu)
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
	int ret;

	export_uuid(config.uuid, &rsv->uuid);
	ret = nvgpu_plugin_configure(vgpu, &config);
	/*
	 * The guest decides in configuration space whether its function may use DMA, and hardware
	 * obeys. The plugin task only needs to know that nobody forbids it.
	 */
	return ret ? ret : nvgpu_plugin_allow_dma(vgpu);
}

static int vgpu_start(struct nvkm_vgpu *vgpu, bool *may_run)
{
	int ret;

	*may_run = false;
	ret = nvgpu_rm_client_init(vgpu->pf, &vgpu->client);
	if (!ret)
		ret = nvgpu_plugin_map(vgpu);
	if (!ret)
		ret = vgpu_boot(vgpu, may_run);
	if (!ret)
		ret = nvgpu_plugin_attach(vgpu);
	return ret ? ret : vgpu_configure(vgpu);
}

/* @may_run: GSP-RM has, or may have, a plugin task */
static void vgpu_stop(struct nvkm_vgpu *vgpu, bool may_run)
{
	bool gone;

	lockdep_assert_held(&vgpu->lock);

	nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_STOPPING);
	gone = !may_run || nvgpu_vgpu_end_task(vgpu->pf, vgpu->gfid);
	nvgpu_plugin_unmap(vgpu);
	nvgpu_rm_client_fini(&vgpu->client);
	vgpu->rsv = NULL;
	nvgpu_profile_release(vgpu->pf, vgpu->vf, !gone);
}

/**
 * nvgpu_vgpu_create() - bring a vGPU up
 * @vgpu: the vGPU
 *
 * Context: may sleep, for a long time but no longer than its parts may take; can be killed;
 * &nvkm_vgpu.lock is held.
 * Return: 0, or errno; then all is as before.
 */
int nvgpu_vgpu_create(struct nvkm_vgpu *vgpu)
{
	const struct nvgpu_reservation *rsv;
	const struct nvgpu_type *type;
	bool may_run;
	int ret;

	lockdep_assert_held(&vgpu->lock);

	rsv = nvgpu_profile_claim(vgpu->pf, vgpu->vf, &vgpu->params);
	if (IS_ERR(rsv))
		return PTR_ERR(rsv);
	vgpu->rsv = rsv;
	type = rsv->type;
	vgpu->identity = (struct nvkm_vgpu_identity) {
		.device = type->vdev_device,
		.subsystem_vendor = PCI_VENDOR_ID_NVIDIA,
		.subsystem = type->vdev_subsystem,
		.bar1_size = type->bar1_size,
	};

	ret = vgpu_start(vgpu, &may_run);
	/* its task may have crashed meanwhile, or GSP-RM died */
	if (!ret && nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_RUNNING) &&
	    !nvgpu_health_is_dead(vgpu->pf))
		return 0;
	vgpu_stop(vgpu, may_run);
	/* -EBUSY says that the VF is open; a GSP-RM that is busy is something else */
	return ret && ret != -EBUSY ? ret : -EIO;
}

/**
 * nvgpu_vgpu_destroy() - take a vGPU down
 * @vgpu: running or failed
 *
 * Context: may sleep, bounded, and cannot be interrupted; &nvkm_vgpu.lock is held.
 */
void nvgpu_vgpu_destroy(struct nvkm_vgpu *vgpu)
{
	vgpu_stop(vgpu, true);
}

/**
 * nvgpu_vgpu_reset() - put a vGPU into the state in which a guest first sees it
 * @vgpu: running
 *
 * Context: may sleep, for seconds; can be killed; &nvkm_vgpu.lock is held.
 * Return: 0, or errno; then the vGPU has failed.
 */
int nvgpu_vgpu_reset(struct nvkm_vgpu *vgpu)
{
	int ret;

	lockdep_assert_held(&vgpu->lock);

	if (!nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_RESETTING))
		return -EIO;
	ret = nvgpu_plugin_reset(vgpu);
	if (!ret && nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_RUNNING))
		return 0;
	nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_FAILED);
	return ret ? ret : -EIO;
}

/* @confirmed: GSP-RM says that there is nothing more to end */
static int vgpu_tell_gfid(struct nvkm_vgpu_pf *pf, u32 gfid, u32 cmd, bool *confirmed)
{
	struct nvgpu_rm_control control = {
		.cmd = cmd,
		.size = pf->abi->gfid_params_size,
		.teardown = true,
	};
	void *params __free(kfree) = kzalloc(control.size, GFP_KERNEL);
	int ret;

	*confirmed = false;
	if (!params)
		return -ENOMEM;

	pf->abi->encode_gfid_params(params, gfid);
	control.params = params;
	ret = nvgpu_rm_control(pf, &control);
	*confirmed = control.outcome == NVGPU_RPC_ANSWERED && nvgpu_rm_is_gone(control.status);
	return ret;
}

/**
 * nvgpu_vgpu_end_task() - have GSP-RM end a plugin task and forget its GFID
 * @pf: the GPU
 * @gfid: whose
 *
 * CLEANUP is sent also when SHUTDOWN failed, as NVIDIA's host does, and is the one that counts. If
 * GSP-RM did not answer SHUTDOWN at all it is not sent either, until GSP-RM says something.
 *
 * Context: may sleep, bounded, and cannot be interrupted.
 * Return: whether GSP-RM confirmed that the vGPU has gone. If not, what it had must not be used
 * again.
 */
bool nvgpu_vgpu_end_task(struct nvkm_vgpu_pf *pf, u32 gfid)
{
	bool confirmed;
	int shutdown, cleanup;

	shutdown = vgpu_tell_gfid(pf, gfid, pf->abi->ctrl.shutdown, &confirmed);
	cleanup = vgpu_tell_gfid(pf, gfid, pf->abi->ctrl.cleanup, &confirmed);
	if (!confirmed)
		dev_err(&pf->pdev->dev,
			"vGPU %u: end not confirmed (shutdown %d, cleanup %d), its framebuffer is kept\n",
			gfid, shutdown, cleanup);
	return confirmed;
}

/* ---- failures -------------------------------------------------------------------------------- */

/**
 * nvgpu_vgpu_fail() - a vGPU cannot go on
 * @pf: the GPU
 * @vf: index of its VF
 * @reason: for its driver, which is told if the vGPU was in use
 *
 * Context: process; takes &nvgpu_vgpu_mgr.notify.
 */
void nvgpu_vgpu_fail(struct nvkm_vgpu_pf *pf, unsigned int vf, enum nvkm_vgpu_error reason)
{
	struct nvkm_vgpu *client;

	if (!nvgpu_vf_move(pf, vf, NVGPU_VF_FAILED))
		return;
	guard(mutex)(&pf->mgr.notify);
	client = pf->mgr.vf[vf].client;
	if (client)
		client->ops->error(client->data, reason);
}

/**
 * nvgpu_vgpu_fail_all() - no vGPU of a GPU can go on
 * @pf: the GPU, whose GSP-RM has died
 */
void nvgpu_vgpu_fail_all(struct nvkm_vgpu_pf *pf)
{
	unsigned int vf;

	for (vf = 0; vf < NVGPU_MAX_VFS; vf++)
		nvgpu_vgpu_fail(pf, vf, NVKM_VGPU_ERROR_GPU);
}

/**
 * nvgpu_vgpu_plugin_event() - a plugin task has something to say
 * @pf: the GPU
 * @gfid: whose
 * @event: what
 */
void nvgpu_vgpu_plugin_event(struct nvkm_vgpu_pf *pf, u32 gfid, enum nvgpu_plugin_event event)
{
	if (event != NVGPU_PLUGIN_CRASHED || !gfid || gfid > NVGPU_MAX_VFS)
		return;
	dev_err_ratelimited(&pf->pdev->dev, "vGPU %u: its plugin task crashed\n", gfid);
	nvgpu_vgpu_fail(pf, array_index_nospec(gfid - 1, NVGPU_MAX_VFS), NVKM_VGPU_ERROR_PLUGIN);
}
