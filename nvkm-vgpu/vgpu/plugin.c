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

#include <linux/err.h>
#include <linux/io-64-nonatomic-hi-lo.h>
#include <linux/slab.h>

#include "gsp/wait.h"
#include "regs/doorbell.h"
#include "regs/gpu.h"
#include "vgpu/pf.h"
#include "vgpu/plugin.h"
#include "vgpu/state.h"
#include "vgpu/trace.h"

#define READY_TIMEOUT_MS	10000
#define CALL_TIMEOUT_MS		30000
#define RESET_TIMEOUT_MS	5000	/* a guest waits for it */

static const struct nvgpu_plugin_layout *plugin_layout(const struct nvgpu_plugin *plugin)
{
	return &plugin->pf->gpu.abi->plugin;
}

static void __iomem *plugin_ctrl(const struct nvgpu_plugin *plugin)
{
	return plugin->comm + plugin_layout(plugin)->ctrl;
}

static void __iomem *plugin_response(const struct nvgpu_plugin *plugin)
{
	return plugin->comm + plugin_layout(plugin)->response;
}

/* a word of the task's that is to become @want */
struct plugin_word {
	const struct nvgpu_plugin *plugin;
	void __iomem *reg;
	u32 want;
};

static int plugin_look(void *arg)
{
	const struct plugin_word *word = arg;
	struct nvkm_vgpu_pf *pf = word->plugin->pf;
	u32 val = readl(word->reg);

	if (val == word->want)
		return 1;
	/* a task that crashed says no more */
	if (nvgpu_vf_state(pf, word->plugin->gfid - 1) == NVGPU_VF_FAILED)
		return -EIO;
	/* a GPU that is gone reads as all ones */
	return val == U32_MAX ? -EIO : 0;
}

static int plugin_wait(struct nvgpu_plugin *plugin, void __iomem *reg, u32 want,
		       unsigned int timeout_ms)
{
	struct plugin_word word = { .plugin = plugin, .reg = reg, .want = want };
	struct nvgpu_wait wait = {
		.look = plugin_look,
		.arg = &word,
		.timeout_ms = timeout_ms,
		.patient = true,
		.killable = true,
	};

	return nvgpu_wait(&plugin->pf->gsp.health, &wait);
}

/**
 * nvgpu_plugin_map() - reach the communication area, and clear the ready marker in it
 * @plugin: the channel; the plugin task is not running
 * @rsv: what the vGPU has of framebuffer
 *
 * Context: may sleep; &nvgpu_plugin.lock is held.
 * Return: 0, -EIO if framebuffer does not keep what is written to it, or what nvgpu_bar1_map()
 * returns.
 */
int nvgpu_plugin_map(struct nvgpu_plugin *plugin, const struct nvgpu_reservation *rsv)
{
	const struct nvgpu_plugin_layout *lay = plugin_layout(plugin);
	void __iomem *comm;

	lockdep_assert_held(plugin->lock);

	if (rsv->heap.size < lay->comm_size)
		return -EINVAL;

	comm = nvgpu_bar1_map(&plugin->pf->bar1, plugin->gfid, rsv->heap.start, lay->comm_size);
	if (IS_ERR(comm)) {
		if (PTR_ERR(comm) == -ETIMEDOUT)
			dev_err_ratelimited(&plugin->pf->gpu.pdev->dev,
					    "vGPU %u: heap not mapped, BAR1's MMU does not respond\n",
					    plugin->gfid);
		return PTR_ERR(comm);
	}
	plugin->comm = comm;
	nvgpu_debugfs_add_logs(plugin->pf, plugin->gfid, comm, &plugin->logs);

	writel(0, plugin_ctrl(plugin) + lay->ctrl_reg.message_seq_num);
	if (readl(plugin_ctrl(plugin) + lay->ctrl_reg.message_seq_num))
		return -EIO;
	return 0;
}

/**
 * nvgpu_plugin_unmap() - undo nvgpu_plugin_map()
 * @plugin: the channel; the plugin task is not running
 *
 * Context: may sleep; &nvgpu_plugin.lock is held. Nothing happens the second time.
 */
void nvgpu_plugin_unmap(struct nvgpu_plugin *plugin)
{
	lockdep_assert_held(plugin->lock);

	if (!plugin->comm)
		return;
	nvgpu_debugfs_remove_logs(&plugin->logs);
	nvgpu_bar1_unmap(&plugin->pf->bar1, plugin->gfid);
	plugin->comm = NULL;
	plugin->seq = 0;
}

static void plugin_ring(struct nvgpu_plugin *plugin)
{
	const struct nvgpu_gpu *gpu = &plugin->pf->gpu;

	/* a read does not overtake what was written: it is in framebuffer before the doorbell */
	readl(plugin_ctrl(plugin) + plugin_layout(plugin)->ctrl_reg.message_seq_num);
	nvgpu_wr32(gpu, NVGPU_PRIV_DOORBELL, NVGPU_PRIV_DOORBELL_VF_CPU_PLUGIN(plugin->gfid));
	nvgpu_rd32(gpu, NVGPU_PRIV_DOORBELL);
}

static int plugin_post(struct nvgpu_plugin *plugin, u32 type, const void *payload, u32 size,
		       unsigned int timeout_ms)
{
	const struct nvgpu_plugin_layout *lay = plugin_layout(plugin);

	/* the last one was answered: a vGPU whose message is not has failed, and is sent no more */
	memcpy_toio(plugin->comm + lay->message, payload, size);
	writel(type, plugin_ctrl(plugin) + lay->ctrl_reg.message_type);
	trace_nvgpu_plugin_message(plugin->pf->gpu.pdev, plugin->gfid, type, ++plugin->seq, size);
	/* the number says that the rest is there; uncached writes keep their order */
	writel(plugin->seq, plugin_ctrl(plugin) + lay->ctrl_reg.message_seq_num);
	plugin_ring(plugin);
	return plugin_wait(plugin, plugin_response(plugin) + lay->response_reg.seq_processed,
			   plugin->seq, timeout_ms);
}

static int plugin_call(struct nvgpu_plugin *plugin, u32 type, const void *payload, u32 size,
		       unsigned int timeout_ms)
{
	const struct nvgpu_plugin_layout *lay = plugin_layout(plugin);
	struct device *dev = &plugin->pf->gpu.pdev->dev;
	u32 result = 0;
	int ret;

	lockdep_assert_held(plugin->lock);

	if (size > lay->message_size)
		return -EIO;

	ret = plugin_post(plugin, type, payload, size, timeout_ms);
	if (!ret)
		result = readl(plugin_response(plugin) + lay->response_reg.result_code);
	trace_nvgpu_plugin_answer(plugin->pf->gpu.pdev, plugin->gfid, type, plugin->seq, ret,
				  result);
	if (ret) {
		if (ret == -ETIMEDOUT)
			dev_err_ratelimited(dev,
					    "vGPU %u: no answer to plugin message %u in %u ms\n",
					    plugin->gfid, type, timeout_ms);
		return ret;
	}

	if (result) {
		dev_err_ratelimited(dev, "vGPU %u: plugin refused message %u: %#x\n",
				    plugin->gfid, type, result);
		return -EIO;
	}
	return 0;
}

/**
 * nvgpu_plugin_attach() - wait until the plugin task is up and tell it where everything is
 * @plugin: the channel; GSP-RM has started the task
 *
 * Context: may sleep, for some seconds; can be killed; &nvgpu_plugin.lock is held.
 * Return: 0, -ETIMEDOUT, -EINTR, -EIO if the task crashed, the GPU is gone or GSP-RM dead.
 */
int nvgpu_plugin_attach(struct nvgpu_plugin *plugin)
{
	const struct nvgpu_plugin_layout *lay = plugin_layout(plugin);
	void __iomem *regs = plugin_ctrl(plugin);
	int ret;

	ret = plugin_wait(plugin, regs + lay->ctrl_reg.message_seq_num, lay->booted,
			  READY_TIMEOUT_MS);
	if (ret) {
		if (ret == -ETIMEDOUT)
			dev_err(&plugin->pf->gpu.pdev->dev,
				"vGPU %u: plugin task does not come up in %u ms\n", plugin->gfid,
				READY_TIMEOUT_MS);
		return ret;
	}

	writel(0, plugin_response(plugin) + lay->response_reg.seq_processed);
	writel(0, plugin_response(plugin) + lay->response_reg.result_code);

	memset_io(regs, 0, lay->ctrl_reg.size);
	writeq(lay->response, regs + lay->ctrl_reg.response_off);
	writeq(lay->message, regs + lay->ctrl_reg.message_off);
	writeq(lay->migration, regs + lay->ctrl_reg.migration_off);
	writeq(lay->error, regs + lay->ctrl_reg.error_off);
	writel(1, regs + lay->ctrl_reg.attached_count);
	writel(lay->version, regs + lay->ctrl_reg.version);
	return 0;
}

/**
 * nvgpu_plugin_configure() - agree on a version and set the vGPU up
 * @plugin: the channel
 * @config: its configuration
 *
 * Context: may sleep, for a minute if the task is slow; can be killed; &nvgpu_plugin.lock is held.
 * Return: 0, -ENOMEM, -ETIMEDOUT, -EINTR, -EIO.
 */
int nvgpu_plugin_configure(struct nvgpu_plugin *plugin, const struct nvgpu_plugin_config *config)
{
	const struct nvgpu_plugin_layout *lay = plugin_layout(plugin);
	void *payload;
	int ret;

	payload = kzalloc(lay->config_size, GFP_KERNEL_ACCOUNT);
	if (!payload)
		return -ENOMEM;

	/* it is about the version in the control page, so the message has no payload */
	ret = plugin_call(plugin, lay->msg.version_negotiation, NULL, 0, CALL_TIMEOUT_MS);
	if (!ret) {
		plugin->pf->gpu.abi->encode_plugin_config(payload, config);
		ret = plugin_call(plugin, lay->msg.setup_config, payload, lay->config_size,
				  CALL_TIMEOUT_MS);
	}

	kfree(payload);
	return ret;
}

/**
 * nvgpu_plugin_allow_dma() - tell the plugin task that the VF may use DMA
 * @plugin: the channel
 *
 * Context: as nvgpu_plugin_configure().
 * Return: as nvgpu_plugin_configure().
 */
int nvgpu_plugin_allow_dma(struct nvgpu_plugin *plugin)
{
	const struct nvgpu_plugin_layout *lay = plugin_layout(plugin);
	void *payload;
	int ret;

	payload = kzalloc(lay->bme_size, GFP_KERNEL_ACCOUNT);
	if (!payload)
		return -ENOMEM;

	plugin->pf->gpu.abi->vgpu->encode_plugin_bme(payload, true);
	ret = plugin_call(plugin, lay->msg.update_bme, payload, lay->bme_size, CALL_TIMEOUT_MS);
	kfree(payload);
	return ret;
}

/**
 * nvgpu_plugin_reset() - put the vGPU into the state in which a guest first sees it
 * @plugin: the channel
 *
 * Context: as nvgpu_plugin_configure().
 * Return: as nvgpu_plugin_configure().
 */
int nvgpu_plugin_reset(struct nvgpu_plugin *plugin)
{
	return plugin_call(plugin, plugin_layout(plugin)->msg.reset, NULL, 0, RESET_TIMEOUT_MS);
}
