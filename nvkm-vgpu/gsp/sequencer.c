// SPDX-License-Identifier: GPL-2.0-only
/*
 * While GSP-RM starts it may have the CPU do what its own core cannot: touch registers, and reset
 * and restart that core.
 *
 * A sequence may have thousands of steps that wait, and nothing ends them before their time: all
 * that GSP-RM asks for shares the time in which it has to start.
 */
#include <kunit/visibility.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/iopoll.h>
#include <linux/jiffies.h>

#include "boot/boot.h"
#include "gsp/sequencer.h"
#include "regs/falcon.h"
#include "regs/gc6.h"
#include "regs/gpu.h"

#define SEQ_POLL_DEFAULT_US		4000000	/* nouveau nvkm/subdev/gsp/rm/r535/gsp.c */
#define SEQ_RESUME_US			2000000

/* @us, or what is left of the time; not 0, which would be for ever */
static u32 sequencer_wait_us(const struct nvgpu_boot *boot, u32 us)
{
	unsigned long now = jiffies;

	if (time_after_eq(now, boot->until))
		return 1;
	return clamp(us, 1U, jiffies_to_usecs(boot->until - now));
}

/* a register of BAR0 */
static bool sequencer_register(struct nvgpu_boot *boot, u32 addr)
{
	return IS_ALIGNED(addr, 4) && addr < pci_resource_len(boot->gpu->pdev, 0);
}

/* the GSP's core starts anew, booter on SEC2 lets it */
static int sequencer_core_resume(struct nvgpu_boot *boot)
{
	u32 val;
	int ret;

	ret = nvgpu_boot_reset_core(boot);
	if (ret)
		return ret;
	nvgpu_falcon_start(&boot->sec2);
	ret = read_poll_timeout(nvgpu_rd32, val, val & NVGPU_GC6_BOOT_STAGE_3_HANDOFF, 1000,
				SEQ_RESUME_US, false, boot->gpu, NVGPU_GC6_BOOT_STAGE_3);
	val = nvgpu_falcon_rd32(&boot->sec2, NVGPU_FALCON_MAILBOX0);
	if (ret || val) {
		dev_err(&boot->gpu->pdev->dev, "GSP-RM's restart by sec2 failed, mailbox %#x\n",
			val);
		return -EIO;
	}
	return nvgpu_boot_core_started(boot);
}

static int sequencer_register_op(struct nvgpu_boot *boot, const struct nvgpu_seq_cmd *cmd)
{
	u32 timeout, val;

	if (!sequencer_register(boot, cmd->addr))
		return -EINVAL;
	switch (cmd->op) {
	case NVGPU_SEQ_REG_WRITE:
		nvgpu_wr32(boot->gpu, cmd->addr, cmd->val);
		return 0;
	case NVGPU_SEQ_REG_MODIFY:
		nvgpu_wr32(boot->gpu, cmd->addr,
			   (nvgpu_rd32(boot->gpu, cmd->addr) & ~cmd->mask) | cmd->val);
		return 0;
	case NVGPU_SEQ_REG_POLL:
		timeout = sequencer_wait_us(boot, cmd->timeout_us ?: SEQ_POLL_DEFAULT_US);
		return read_poll_timeout(nvgpu_rd32, val, (val & cmd->mask) == cmd->val, 20,
					 timeout, false, boot->gpu, cmd->addr);
	default:
		/* REG_STORE: GSP-RM has no way to ask for the value in this version */
		nvgpu_rd32(boot->gpu, cmd->addr);
		return 0;
	}
}

static int sequencer_run_one(struct nvgpu_boot *boot, const struct nvgpu_seq_cmd *cmd)
{
	int ret;

	switch (cmd->op) {
	case NVGPU_SEQ_DELAY:
		fsleep(sequencer_wait_us(boot, cmd->timeout_us));
		return 0;
	case NVGPU_SEQ_CORE_RESET:
		ret = nvgpu_falcon_reset(&boot->gsp);
		nvgpu_falcon_allow_phys(&boot->gsp);
		return ret;
	case NVGPU_SEQ_CORE_START:
		nvgpu_falcon_start(&boot->gsp);
		return 0;
	case NVGPU_SEQ_CORE_WAIT_FOR_HALT:
		return nvgpu_falcon_wait_halted(&boot->gsp);
	case NVGPU_SEQ_CORE_RESUME:
		return sequencer_core_resume(boot);
	default:
		return sequencer_register_op(boot, cmd);
	}
}

/**
 * nvgpu_sequencer_run - do what a sequencer event asks for
 * @boot: GSP-RM that starts
 * @buf: the event
 * @len: its bytes
 *
 * Context: may sleep, until &nvgpu_boot.until and a second or two.
 * Return: 0; -ETIMEDOUT; -EPROTO when it makes no sense; -EINVAL when it names what is no register.
 */
int nvgpu_sequencer_run(struct nvgpu_boot *boot, const void *buf, size_t len)
{
	struct nvgpu_seq_cmd cmd;
	u32 pos = 0;
	int ret;

	for (;;) {
		ret = boot->gpu->abi->rpc->decode_seq_cmd(buf, len, pos, &cmd);
		if (ret <= 0)
			return ret;
		pos += ret;
		if (time_after(jiffies, boot->until)) {
			dev_err(&boot->gpu->pdev->dev, "boot sequence takes too long\n");
			return -ETIMEDOUT;
		}
		ret = sequencer_run_one(boot, &cmd);
		if (ret) {
			dev_err(&boot->gpu->pdev->dev,
				"boot sequence: step %d at register %#x failed: %d\n", cmd.op,
				cmd.addr, ret);
			return ret;
		}
	}
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_sequencer_run);
