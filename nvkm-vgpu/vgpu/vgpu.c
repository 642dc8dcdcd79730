// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life cycle of a vGPU.
 *
 *	create						destroy, in reverse
 *	 1 wait until framebuffer is clean		 7 nothing to tell the plugin task
 *	 2 client of GSP-RM				 6 CLEANUP
 *	 3 its heap into the CPU's aperture		 5 SHUTDOWN
 *	 4 ready marker away				 3 heap out of the aperture
 *	 5 BOOTLOAD: GSP-RM starts the plugin task	 2 client away
 *	 6 wait for the task, tell it where all is	 1 have framebuffer cleared, later
 *	 7 agree on a version, configure, allow DMA
 *
 * Framebuffer of the guest and of its plugin task is cleared before anybody has it, and again when
 * GSP-RM confirmed CLEANUP: nobody can write to it any more then. Close does not wait for that, the
 * next open does. What could not be cleared is not handed out; scrub.c has the how.
 *
 * A reset clears what the guest has, not the plugin task's heap, which the task works with. The
 * task is told first: its RESET ends the guest's channels, and what still ran on an engine could
 * write behind the back of who clears. If there is no channel id left to clear with, as a vGPU that
 * has the whole GPU has all of them, the task is ended and started anew instead, with all cleared
 * in between.
 */

#include <linux/device.h>
#include <linux/err.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "vgpu/provision.h"
#include "vgpu/state.h"
#include "vgpu/task.h"
#include "vgpu/vgpu.h"

/* what NVIDIA's host asks for */
#define NUM_PLUGIN_CHANNELS	3

static int vgpu_configure(struct nvkm_vgpu *vgpu)
	__must_hold(&vgpu->lock)
{
	const struct nvgpu_reservation *rsv = vgpu->rsv;
	struct nvgpu_plugin_config config = {
		.dbdf = vgpu->dbdf,
		.instance_id = vgpu->client.client,
		.type_id = rsv->type->id,
		.vm_pid = nvgpu_monitor_pid(vgpu->vf),
		.num_channels = rsv->place.num_chids,
		.num_plugin_channels = NUM_PLUGIN_CHANNELS,
		.placement_id = rsv->place.id,
		.enable_uvm = nvgpu_params_get(&vgpu->params, NVGPU_PARAM_ENABLE_UVM),
		.console_vnc = !nvgpu_params_get(&vgpu->params, NVGPU_PARAM_DISABLE_VNC),
	};
	int ret;

	export_uuid(config.uuid, &rsv->uuid);
	ret = nvgpu_plugin_configure(&vgpu->plugin, &config);
	/*
	 * The guest decides in configuration space whether its function may use DMA, and hardware
	 * obeys. The plugin task only needs to know that nobody forbids it.
	 */
	return ret ? ret : nvgpu_plugin_allow_dma(&vgpu->plugin);
}

/* wait until framebuffer is clean, and take it */
static int vgpu_take_clean(struct nvkm_vgpu *vgpu)
	__must_hold(&vgpu->lock)
{
	struct nvgpu_scrub *scrub = &vgpu->pf->scrub;
	struct nvgpu_reservation *rsv = vgpu->rsv;
	int ret;

	if (!nvgpu_scrub_is_clean(scrub, &rsv->scrub)) {
		nvgpu_scrub_queue(scrub, &rsv->scrub, NVGPU_SCRUB_BLOCKS);
		ret = nvgpu_scrub_wait(scrub, &rsv->scrub, true);
		if (ret)
			return ret == -EINTR ? ret : -EIO;
	}
	return nvgpu_scrub_hand_out(scrub, &rsv->scrub, rsv->place.chid_start,
				    rsv->place.num_chids);
}

static int vgpu_start(struct nvkm_vgpu *vgpu, bool *may_run)
	__must_hold(&vgpu->lock)
{
	bool profiling = nvgpu_params_get(&vgpu->params, NVGPU_PARAM_ENABLE_PROFILING);
	int ret;

	*may_run = false;
	ret = vgpu_take_clean(vgpu);
	if (!ret && !vgpu->client.client)
		ret = nvgpu_rm_client_init(&vgpu->pf->rm, &vgpu->client);
	if (!ret)
		ret = nvgpu_plugin_map(&vgpu->plugin, vgpu->rsv);
	if (!ret)
		ret = nvgpu_task_start(&vgpu->pf->rm, vgpu->rsv, profiling, may_run);
	if (!ret)
		ret = nvgpu_plugin_attach(&vgpu->plugin);
	return ret ? ret : vgpu_configure(vgpu);
}

/* @may_run: GSP-RM has, or may have, a plugin task */
static void vgpu_stop(struct nvkm_vgpu *vgpu, bool may_run)
	__must_hold(&vgpu->lock)
{
	bool gone;

	lockdep_assert_held(&vgpu->lock);

	/* who is being told that it failed is not to take that for its next one */
	scoped_guard(mutex, &vgpu->pf->mgr.notify)
		nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_STOPPING);
	gone = !may_run || nvgpu_task_end(&vgpu->pf->rm, vgpu->gfid);
	nvgpu_plugin_unmap(&vgpu->plugin);
	/* it may own what GSP-RM still has of the vGPU */
	if (gone)
		nvgpu_rm_client_fini(&vgpu->client);
	vgpu->rsv = NULL;
	nvgpu_provision_release(vgpu->pf, vgpu->vf, gone ? NULL : &vgpu->client);
	vgpu->client.client = 0;
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
	__must_hold(&vgpu->lock)
{
	struct nvgpu_reservation *rsv;
	const struct nvgpu_type *type;
	bool may_run;
	int ret;

	lockdep_assert_held(&vgpu->lock);

	rsv = nvgpu_provision_claim(vgpu->pf, vgpu->vf, &vgpu->params);
	if (IS_ERR(rsv))
		return PTR_ERR(rsv);
	vgpu->rsv = rsv;
	type = rsv->type;
	nvgpu_monitor_forget(&vgpu->pf->monitor, vgpu->vf);
	vgpu->identity = (struct nvkm_vgpu_identity) {
		.device = type->vdev_device,
		.subsystem_vendor = PCI_VENDOR_ID_NVIDIA,
		.subsystem = type->vdev_subsystem,
		.bar1_size = type->bar1_size,
	};

	ret = vgpu_start(vgpu, &may_run);
	/* its task may have crashed meanwhile, or GSP-RM died */
	if (!ret && nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_RUNNING) &&
	    !nvgpu_health_is_dead(&vgpu->pf->gsp.health))
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
	__must_hold(&vgpu->lock)
{
	vgpu_stop(vgpu, true);
}

/* end the plugin task and start it anew; whatever it is, the vGPU is to be closed if it fails */
static int vgpu_restart(struct nvkm_vgpu *vgpu)
	__must_hold(&vgpu->lock)
{
	struct nvgpu_reservation *rsv = vgpu->rsv;
	bool may_run;

	if (!nvgpu_task_end(&vgpu->pf->rm, vgpu->gfid))
		return -EIO;
	nvgpu_plugin_unmap(&vgpu->plugin);
	nvgpu_scrub_take_back(&vgpu->pf->scrub, &rsv->scrub, rsv->place.chid_start,
			      rsv->place.num_chids);
	return vgpu_start(vgpu, &may_run);
}

static int vgpu_reset(struct nvkm_vgpu *vgpu)
	__must_hold(&vgpu->lock)
{
	struct nvgpu_scrub *scrub = &vgpu->pf->scrub;
	struct nvgpu_scrub_job *job = &vgpu->rsv->scrub;
	int ret;

	ret = nvgpu_plugin_reset(&vgpu->plugin);
	if (ret)
		return ret;
	/* of the guest only */
	nvgpu_scrub_queue(scrub, job, 1);
	ret = nvgpu_scrub_wait(scrub, job, true);
	if (ret == -ENOSPC)
		return vgpu_restart(vgpu);
	return ret == -EINTR || !ret ? ret : -EIO;
}

/**
 * nvgpu_vgpu_reset() - put a vGPU into the state in which a guest first sees it
 * @vgpu: running
 *
 * Context: may sleep, for seconds; can be killed; &nvkm_vgpu.lock is held.
 * Return: 0, or errno; then the vGPU has failed.
 */
int nvgpu_vgpu_reset(struct nvkm_vgpu *vgpu)
	__must_hold(&vgpu->lock)
{
	int ret;

	lockdep_assert_held(&vgpu->lock);

	if (!nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_RESETTING))
		return -EIO;
	ret = vgpu_reset(vgpu);
	if (!ret && nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_RUNNING))
		return 0;
	nvgpu_vf_move(vgpu->pf, vgpu->vf, NVGPU_VF_FAILED);
	return ret ? ret : -EIO;
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

	guard(mutex)(&pf->mgr.notify);
	if (!nvgpu_vf_move(pf, vf, NVGPU_VF_FAILED))
		return;
	client = pf->mgr.client[vf];
	if (client)
		client->ops->error(client->data, reason);
}

/**
 * nvgpu_vgpu_fail_all() - no vGPU of a GPU can go on
 * @health: of its GSP-RM, which has died
 */
void nvgpu_vgpu_fail_all(struct nvgpu_health *health)
{
	struct nvkm_vgpu_pf *pf = container_of(health, struct nvkm_vgpu_pf, gsp.health);
	unsigned int vf;

	for (vf = 0; vf < NVGPU_MAX_VFS; vf++)
		nvgpu_vgpu_fail(pf, vf, NVKM_VGPU_ERROR_GPU);
}
