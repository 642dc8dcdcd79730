// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channel to the plugin task of a vGPU.
 *
 * Memory at the start of the task's heap has a control page that the CPU writes, a response page
 * that the task writes, and a page for messages. One message is on its way at a time: the CPU puts
 * its payload into the message page, its kind and then its number into the control page, and rings
 * a doorbell; the task answers in place, with the message's number and a result in the response
 * page.
 *
 * Framebuffer is not zero to begin with, so anything could stand where the task will put its ready
 * marker, and anything in the control page when the task first looks. Hence: the marker's place is
 * cleared before the task is started; the control page is made only once the task says that it is
 * up; and the version, which makes it valid, comes last.
 */

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/io-64-nonatomic-hi-lo.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "device.h"
#include "plugin.h"
#include "regs/doorbell.h"
#include "vgpu.h"

#define READY_TIMEOUT_MS	10000
#define CALL_TIMEOUT_MS		120000

static const struct nvgpu_plugin_layout *layout(const struct nvkm_vgpu *vgpu)
{
	return &vgpu->pf->abi->plugin;
}

static void __iomem *ctrl(const struct nvkm_vgpu *vgpu)
{
	return vgpu->plugin.comm + layout(vgpu)->ctrl;
}

static void __iomem *response(const struct nvkm_vgpu *vgpu)
{
	return vgpu->plugin.comm + layout(vgpu)->response;
}

/* Killable, and bounded: the task is firmware. Once the GPU is gone all reads are ones. */
static int wait_for(void __iomem *reg, u32 want, unsigned int timeout_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);
	unsigned int us = 10;
	bool last;
	u32 val;

	for (;;) {
		last = time_after(jiffies, end);
		val = readl(reg);
		if (val == want)
			return 0;
		if (val == U32_MAX)
			return -EIO;
		if (last)
			return -ETIMEDOUT;
		if (fatal_signal_pending(current))
			return -EINTR;
		fsleep(us);
		us = min(2 * us, 2000u);
	}
}

/**
 * nvgpu_plugin_map() - reach the communication area, and clear the ready marker in it
 * @vgpu: the plugin task is not running
 *
 * Context: may sleep; &nvkm_vgpu.lock is held.
 * Return: 0, -EIO if framebuffer does not keep what is written to it, or what nvgpu_bar1_map()
 * returns.
 */
int nvgpu_plugin_map(struct nvkm_vgpu *vgpu)
{
	const struct nvgpu_plugin_layout *lay = layout(vgpu);
	void __iomem *comm;

	lockdep_assert_held(&vgpu->lock);

	if (vgpu->rsv->heap.size < lay->comm_size)
		return -EINVAL;

	comm = nvgpu_bar1_map(vgpu->pf, vgpu->gfid, vgpu->rsv->heap.start, lay->comm_size);
	if (IS_ERR(comm))
		return PTR_ERR(comm);
	vgpu->plugin.comm = comm;

	writel(0, ctrl(vgpu) + lay->ctrl_reg.message_seq_num);
	if (readl(ctrl(vgpu) + lay->ctrl_reg.message_seq_num))
		return -EIO;
	return 0;
}

/**
 * nvgpu_plugin_unmap() - undo nvgpu_plugin_map()
 * @vgpu: the plugin task is not running
 *
 * Context: may sleep; &nvkm_vgpu.lock is held. Nothing happens the second time.
 */
void nvgpu_plugin_unmap(struct nvkm_vgpu *vgpu)
{
	lockdep_assert_held(&vgpu->lock);

	if (!vgpu->plugin.comm)
		return;
	nvgpu_bar1_unmap(vgpu->pf, vgpu->gfid);
	memset(&vgpu->plugin, 0, sizeof(vgpu->plugin));
}

static void ring(struct nvkm_vgpu *vgpu)
{
	/* a read does not overtake what was written: it is in framebuffer before the doorbell */
	readl(ctrl(vgpu) + layout(vgpu)->ctrl_reg.message_seq_num);
	nvgpu_wr32(vgpu->pf, NVGPU_PRIV_DOORBELL, NVGPU_PRIV_DOORBELL_VF_CPU_PLUGIN(vgpu->gfid));
	nvgpu_rd32(vgpu->pf, NVGPU_PRIV_DOORBELL);
}

static int post_and_wait(struct nvkm_vgpu *vgpu, u32 type, const void *payload, u32 size)
{
	const struct nvgpu_plugin_layout *lay = layout(vgpu);
	struct nvgpu_plugin *plugin = &vgpu->plugin;

	memcpy_toio(plugin->comm + lay->message, payload, size);
	writel(type, ctrl(vgpu) + lay->ctrl_reg.message_type);
	/* the number says that the rest is there; uncached writes keep their order */
	writel(++plugin->seq, ctrl(vgpu) + lay->ctrl_reg.message_seq_num);
	ring(vgpu);

	return wait_for(response(vgpu) + lay->response_reg.seq_processed, plugin->seq,
			CALL_TIMEOUT_MS);
}

static int call(struct nvkm_vgpu *vgpu, u32 type, const void *payload, u32 size)
{
	const struct nvgpu_plugin_layout *lay = layout(vgpu);
	struct device *dev = &vgpu->pf->pdev->dev;
	u32 result;
	int ret;

	lockdep_assert_held(&vgpu->lock);

	if (!vgpu->plugin.ready || vgpu->plugin.broken || size > lay->message_size)
		return -EIO;

	ret = post_and_wait(vgpu, type, payload, size);
	if (ret) {
		vgpu->plugin.broken = true;
		if (ret != -EINTR)
			dev_err_ratelimited(dev, "vGPU %u: no answer to plugin message %u: %d\n",
					    vgpu->gfid, type, ret);
		return ret;
	}

	result = readl(response(vgpu) + lay->response_reg.result_code);
	if (result) {
		dev_err_ratelimited(dev, "vGPU %u: plugin refused message %u: %#x\n",
				    vgpu->gfid, type, result);
		return -EIO;
	}
	return 0;
}

/**
 * nvgpu_plugin_attach() - wait until the plugin task is up and tell it where everything is
 * @vgpu: GSP-RM has started the task
 *
 * Context: may sleep, for some seconds; can be killed; &nvkm_vgpu.lock is held.
 * Return: 0, -ETIMEDOUT, -EINTR, -EIO if the GPU is gone.
 */
int nvgpu_plugin_attach(struct nvkm_vgpu *vgpu)
{
	const struct nvgpu_plugin_layout *lay = layout(vgpu);
	void __iomem *regs = ctrl(vgpu);
	int ret;

	lockdep_assert_held(&vgpu->lock);

	ret = wait_for(regs + lay->ctrl_reg.message_seq_num, lay->booted, READY_TIMEOUT_MS);
	if (ret) {
		if (ret != -EINTR)
			dev_err(&vgpu->pf->pdev->dev, "vGPU %u: plugin task does not come up: %d\n",
				vgpu->gfid, ret);
		return ret;
	}

	writel(0, response(vgpu) + lay->response_reg.seq_processed);
	writel(0, response(vgpu) + lay->response_reg.result_code);

	memset_io(regs, 0, lay->ctrl_reg.size);
	writeq(lay->response, regs + lay->ctrl_reg.response_off);
	writeq(lay->message, regs + lay->ctrl_reg.message_off);
	writeq(lay->migration, regs + lay->ctrl_reg.migration_off);
	writeq(lay->error, regs + lay->ctrl_reg.error_off);
	writel(1, regs + lay->ctrl_reg.attached_count);
	writel(lay->version, regs + lay->ctrl_reg.version);

	vgpu->plugin.ready = true;
	return 0;
}

/**
 * nvgpu_plugin_configure() - agree on a version and set the vGPU up
 * @vgpu: the vGPU
 * @config: its configuration
 *
 * Context: may sleep, for minutes if the task is slow; can be killed; &nvkm_vgpu.lock is held.
 * Return: 0, -ENOMEM, -ETIMEDOUT, -EINTR, -EIO.
 */
int nvgpu_plugin_configure(struct nvkm_vgpu *vgpu, const struct nvgpu_plugin_config *config)
{
	const struct nvgpu_plugin_layout *lay = layout(vgpu);
	void *payload;
	int ret;

	payload = kzalloc(lay->config_size, GFP_KERNEL_ACCOUNT);
	if (!payload)
		return -ENOMEM;

	/* it is about the version in the control page, so the message has no payload */
	ret = call(vgpu, lay->msg.version_negotiation, NULL, 0);
	if (!ret) {
		vgpu->pf->abi->encode_plugin_config(payload, config);
		ret = call(vgpu, lay->msg.setup_config, payload, lay->config_size);
	}

	kfree(payload);
	return ret;
}

/**
 * nvgpu_plugin_set_bus_master() - tell the plugin task whether the VF may use DMA
 * @vgpu: the vGPU
 * @enable: it may
 *
 * Context: as nvgpu_plugin_configure().
 * Return: as nvgpu_plugin_configure().
 */
int nvgpu_plugin_set_bus_master(struct nvkm_vgpu *vgpu, bool enable)
{
	const struct nvgpu_plugin_layout *lay = layout(vgpu);
	void *payload;
	int ret;

	payload = kzalloc(lay->bme_size, GFP_KERNEL_ACCOUNT);
	if (!payload)
		return -ENOMEM;

	vgpu->pf->abi->encode_plugin_bme(payload, enable);
	ret = call(vgpu, lay->msg.update_bme, payload, lay->bme_size);
	kfree(payload);
	return ret;
}

/**
 * nvgpu_plugin_reset() - put the vGPU into the state in which a guest first sees it
 * @vgpu: the vGPU
 *
 * Context: as nvgpu_plugin_configure().
 * Return: as nvgpu_plugin_configure().
 */
int nvgpu_plugin_reset(struct nvkm_vgpu *vgpu)
{
	return call(vgpu, layout(vgpu)->msg.reset, NULL, 0);
}
