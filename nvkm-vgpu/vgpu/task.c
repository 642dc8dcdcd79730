// SPDX-License-Identifier: GPL-2.0-only
/* Plugin tasks, as GSP-RM starts and ends them. */
#include <linux/slab.h>

#include "gsp/gsp.h"
#include "regs/gpu.h"
#include "rm/rm.h"
#include "vgpu/pf.h"
#include "vgpu/task.h"

/**
 * nvgpu_task_start() - have GSP-RM start the plugin task of a vGPU
 * @rm: objects of GSP-RM
 * @rsv: what the vGPU has
 * @profiling: its guest may use performance counters
 * @may_run: result: GSP-RM has, or may have, a plugin task afterwards
 *
 * Context: may sleep, bounded; can be killed.
 * Return: 0, or what nvgpu_rm_control() returns.
 */
int nvgpu_task_start(struct nvgpu_rm *rm, const struct nvgpu_reservation *rsv, bool profiling,
		     bool *may_run)
{
	const struct nvgpu_gpu *gpu = rm->gsp->gpu;
	const struct nvgpu_fwabi *abi = gpu->abi;
	const struct nvgpu_bootload bootload = {
		.gfid = rsv->gfid,
		.chid_start = rsv->place.chid_start,
		.fb = { .start = rsv->fb.start, .size = rsv->fb.size },
		.heap = { .start = rsv->heap.start, .size = rsv->heap.size },
		.profiling = profiling,
	};
	struct nvgpu_rm_control control = {
		.cmd = abi->bootload.cmd,
		.size = abi->bootload.size,
	};
	void *params __free(kfree) = kzalloc(abi->bootload.size, GFP_KERNEL_ACCOUNT);
	int ret;

	*may_run = false;
	if (!params)
		return -ENOMEM;

	abi->encode_bootload(params, &bootload);
	control.params = params;
	ret = nvgpu_rm_control(rm, &control);
	/* a refusal is certain, and so is what was never sent */
	*may_run = control.outcome == NVGPU_RPC_NO_ANSWER ||
		   (control.outcome == NVGPU_RPC_ANSWERED && !control.status);
	if (control.outcome == NVGPU_RPC_ANSWERED && control.status)
		dev_err(&gpu->pdev->dev, "vGPU %u: GSP-RM does not start it, status %#x\n",
			rsv->gfid, control.status);
	return ret;
}

/* @confirmed: GSP-RM says that there is nothing more to end */
static int task_tell(struct nvgpu_rm *rm, u32 gfid, u32 cmd, bool *confirmed)
{
	struct nvgpu_rm_control control = {
		.cmd = cmd,
		.size = rm->gsp->gpu->abi->vgpu->shutdown.size,
		.teardown = true,
	};
	void *params __free(kfree) = kzalloc(control.size, NVGPU_RPC_TEARDOWN_GFP);
	int ret;

	rm->gsp->gpu->abi->vgpu->encode_gfid_params(params, gfid);
	control.params = params;
	ret = nvgpu_rm_control(rm, &control);
	*confirmed = control.outcome == NVGPU_RPC_ANSWERED && nvgpu_rm_is_gone(rm, control.status);
	return ret;
}

/**
 * nvgpu_task_end() - have GSP-RM end a plugin task and forget its GFID
 * @rm: objects of GSP-RM
 * @gfid: whose
 *
 * CLEANUP is sent also when SHUTDOWN failed, as NVIDIA's host does, and is the one that counts. If
 * GSP-RM did not answer SHUTDOWN at all it is not sent either, until GSP-RM says something.
 *
 * Context: may sleep, bounded, and cannot be interrupted.
 * Return: whether GSP-RM confirmed that the vGPU has gone. If not, what it had must not be used
 * again.
 */
bool nvgpu_task_end(struct nvgpu_rm *rm, u32 gfid)
{
	bool confirmed;
	int shutdown, cleanup;

	shutdown = task_tell(rm, gfid, rm->gsp->gpu->abi->vgpu->shutdown.cmd, &confirmed);
	cleanup = task_tell(rm, gfid, rm->gsp->gpu->abi->vgpu->cleanup.cmd, &confirmed);
	if (!confirmed)
		dev_err(&rm->gsp->gpu->pdev->dev,
			"vGPU %u: end not confirmed (shutdown %d, cleanup %d), its framebuffer is kept\n",
			gfid, shutdown, cleanup);
	return confirmed;
}
