// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSP-RM from nothing to running, and back.
 *
 *	CPU	loads the files, prepares memory, queues the first messages, starts it (boot/)
 *	GSP	reads its messages, may ask for register accesses, and says that it is done
 *
 * Back: GSP-RM is told, then taken off the GPU. The way back is the same whether GSP-RM ran, never
 * came up or died, as far as it goes.
 */
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "boot/firmware.h"
#include "gsp/gsp.h"
#include "gsp/sysinfo.h"
#include "regs/falcon.h"
#include "regs/gpu.h"

#define GSP_INIT_DONE_MS		10000
#define GSP_STOP_US			4000000
#define GSP_STOPPED			0x80000000	/* in mailbox 0 */

/**
 * nvgpu_gsp_init() - before anything else
 * @gsp: result
 * @gpu: the GPU
 */
void nvgpu_gsp_init(struct nvgpu_gsp *gsp, struct nvgpu_gpu *gpu)
{
	gsp->gpu = gpu;
	nvgpu_health_init(&gsp->health, gpu, &gsp->boot.gsp);
	gsp->events = (struct nvgpu_events) { .boot = &gsp->boot, .health = &gsp->health };
}

static int gsp_prepare(struct nvgpu_gsp *gsp, const struct nvgpu_firmware *fw)
{
	struct nvgpu_queue_args queue;
	int ret;

	nvgpu_msgq_args(&gsp->rpc.queue, &queue);
	ret = nvgpu_boot_prepare(&gsp->boot, fw, &queue);
	return ret ? ret : nvgpu_sysinfo_send(&gsp->rpc);
}

static int gsp_start(struct nvgpu_gsp *gsp)
{
	int ret;

	ret = nvgpu_boot_start(&gsp->boot);
	if (ret)
		return ret;
	nvgpu_health_core_runs(&gsp->health);
	gsp->boot.until = jiffies + msecs_to_jiffies(GSP_INIT_DONE_MS);
	ret = nvgpu_rpc_wait_init_done(&gsp->rpc, GSP_INIT_DONE_MS);
	if (ret == -ETIMEDOUT)
		dev_err(&gsp->gpu->pdev->dev, "GSP-RM does not answer: no GSP_INIT_DONE for %u s\n",
			GSP_INIT_DONE_MS / 1000);
	return ret;
}

static void gsp_stop(struct nvgpu_gsp *gsp)
{
	nvgpu_health_unloaded(&gsp->health);
	nvgpu_boot_stop(&gsp->boot);
}

/**
 * nvgpu_gsp_fini() - end DMA and free what GSP-RM had of memory
 * @gsp: GSP-RM unloaded or never loaded
 */
void nvgpu_gsp_fini(struct nvgpu_gsp *gsp)
{
	/* whatever became of its engines, they do not write to memory that is freed now */
	pci_clear_master(gsp->gpu->pdev);
	nvgpu_boot_fini(&gsp->boot);
	nvgpu_rpc_fini(&gsp->rpc);
}

/**
 * nvgpu_gsp_boot() - load GSP-RM in vGPU mode and start it
 * @gsp: nvgpu_gsp_init() was called, and GSP-RM is not loaded
 *
 * Sets &nvgpu_gpu.abi. Replies are polled for until nvgpu_rpc_set_interrupts().
 *
 * Return: 0 or -errno, with a line that says what failed; then the GPU is as it was before.
 */
int nvgpu_gsp_boot(struct nvgpu_gsp *gsp)
{
	struct nvgpu_firmware fw = {};
	int ret;

	nvgpu_health_off(&gsp->health);
	nvgpu_boot_init(&gsp->boot, gsp->gpu);
	ret = nvgpu_boot_check_idle(&gsp->boot);
	if (ret)
		return ret;
	ret = nvgpu_firmware_get(&gsp->gpu->pdev->dev, &fw);
	if (ret)
		return ret;
	gsp->gpu->abi = fw.abi;
	ret = nvgpu_rpc_init(&gsp->rpc, gsp->gpu, &gsp->health, &gsp->boot.gsp);
	if (ret)
		goto err_firmware;
	nvgpu_rpc_tell(&gsp->rpc, nvgpu_events_handle, &gsp->events);
	ret = gsp_prepare(gsp, &fw);
	if (ret)
		goto err_memory;
	nvgpu_firmware_put(&fw);

	ret = gsp_start(gsp);
	if (ret)
		goto err_stop;
	nvgpu_boot_free_image(&gsp->boot);
	ret = nvgpu_sysinfo_get(&gsp->rpc, &gsp->info);
	if (ret)
		goto err_unload;
	return 0;

err_unload:
	nvgpu_gsp_unload(gsp);
	nvgpu_gsp_fini(gsp);
	return ret;
err_stop:
	gsp_stop(gsp);
	nvgpu_gsp_fini(gsp);
	return ret;
err_memory:
	nvgpu_firmware_put(&fw);
	nvgpu_gsp_fini(gsp);
	return ret;
err_firmware:
	nvgpu_firmware_put(&fw);
	return ret;
}

/**
 * nvgpu_gsp_unload() - end GSP-RM and take it off the GPU
 * @gsp: GSP-RM
 *
 * Goes on whatever fails; a GPU that cannot be cleaned up says so in the log, and when it is loaded
 * again.
 */
void nvgpu_gsp_unload(struct nvgpu_gsp *gsp)
{
	const struct nvgpu_fwabi *abi = gsp->gpu->abi;
	struct nvgpu_rpc_call call = {
		.name = "UNLOADING_GUEST_DRIVER",
		.function = abi->rpc->unloading_guest_driver,
		.size = abi->rpc->unload_size,
		.timeout_ms = NVGPU_RPC_TIMEOUT_MS,
		.teardown = true,
	};
	void *buf __free(kfree) = kzalloc(call.size, NVGPU_RPC_TEARDOWN_GFP);
	u32 mailbox;

	call.buf = buf;
	if (nvgpu_rpc_call(&gsp->rpc, &call) >= 0 &&
	    read_poll_timeout(nvgpu_falcon_rd32, mailbox, mailbox == GSP_STOPPED, 1000, GSP_STOP_US,
			      false, &gsp->boot.gsp, NVGPU_FALCON_MAILBOX0))
		dev_err(&gsp->gpu->pdev->dev, "GSP-RM does not stop, mailbox %#x\n", mailbox);
	gsp_stop(gsp);
}
