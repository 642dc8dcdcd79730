// SPDX-License-Identifier: GPL-2.0-only
/*
 * Falcon: a microcontroller that starts signed ("heavy-secure") programs. The CPU has its DMA
 * engine load code and data, tells its boot ROM where the signature is and starts it. On Ada each
 * falcon shares its reset with a RISC-V core; either of the two is selected after reset.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/iopoll.h>

#include "boot/falcon.h"
#include "regs/falcon.h"
#include "regs/fuse.h"
#include "regs/gpu.h"
#include "regs/pmc.h"

#define FALCON_RESET_READY_US		150	/* kernel_falcon_ga102.c; may pass unsatisfied */
#define FALCON_RESET_HOLD_US		10	/* nouveau nvkm/falcon/gm200.c */
/* nouveau has 20 and 10 ms; a GPU that is emulated on a busy machine takes longer */
#define FALCON_SCRUB_US			1000000
#define FALCON_CORE_SWITCH_US		1000000
#define FALCON_DMA_US			2000000
#define FALCON_RUN_US			5000000

u32 nvgpu_falcon_rd32(const struct nvgpu_falcon *falcon, u32 reg)
{
	return nvgpu_rd32(falcon->gpu, falcon->base + reg);
}

void nvgpu_falcon_wr32(const struct nvgpu_falcon *falcon, u32 reg, u32 val)
{
	nvgpu_wr32(falcon->gpu, falcon->base + reg, val);
}

static void falcon_mask(const struct nvgpu_falcon *falcon, u32 reg, u32 mask, u32 val)
{
	u32 cur = nvgpu_falcon_rd32(falcon, reg);

	if (nvgpu_pri_error(cur))
		cur = 0;
	nvgpu_falcon_wr32(falcon, reg, (cur & ~mask) | val);
}

/* wait for the bits of @mask to become @val */
static int falcon_poll(const struct nvgpu_falcon *falcon, u32 reg, u32 mask, u32 val,
		       unsigned long timeout_us)
{
	u32 cur;

	return read_poll_timeout(nvgpu_falcon_rd32, cur,
				 !nvgpu_pri_error(cur) && (cur & mask) == val,
				 min(timeout_us / 10, 1000UL), timeout_us, false, falcon, reg);
}

static int falcon_reset_engine(const struct nvgpu_falcon *falcon)
{
	int ret;

	falcon_poll(falcon, NVGPU_FALCON_HWCFG2, NVGPU_FALCON_HWCFG2_RESET_READY,
		    NVGPU_FALCON_HWCFG2_RESET_READY, FALCON_RESET_READY_US);
	falcon_mask(falcon, NVGPU_FALCON_ENGINE, NVGPU_FALCON_ENGINE_RESET,
		    NVGPU_FALCON_ENGINE_RESET);
	udelay(FALCON_RESET_HOLD_US);
	falcon_mask(falcon, NVGPU_FALCON_ENGINE, NVGPU_FALCON_ENGINE_RESET, 0);

	ret = falcon_poll(falcon, NVGPU_FALCON_HWCFG2, NVGPU_FALCON_HWCFG2_MEM_SCRUBBING, 0,
			  FALCON_SCRUB_US);
	if (ret)
		dev_err(&falcon->gpu->pdev->dev, "%s falcon: memory is not scrubbed after reset\n",
			falcon->name);
	return ret;
}

/**
 * nvgpu_falcon_reset - reset and select the falcon core
 * @falcon: the falcon
 *
 * Return: 0 or -ETIMEDOUT.
 */
int nvgpu_falcon_reset(const struct nvgpu_falcon *falcon)
{
	int ret;

	ret = falcon_reset_engine(falcon);
	if (ret)
		return ret;
	if (nvgpu_falcon_rd32(falcon, NVGPU_FALCON2_RISCV_BCR_CTRL) &
	    NVGPU_FALCON2_RISCV_BCR_CORE_RISCV) {
		nvgpu_falcon_wr32(falcon, NVGPU_FALCON2_RISCV_BCR_CTRL, 0);
		ret = falcon_poll(falcon, NVGPU_FALCON2_RISCV_BCR_CTRL,
				  NVGPU_FALCON2_RISCV_BCR_VALID, NVGPU_FALCON2_RISCV_BCR_VALID,
				  FALCON_CORE_SWITCH_US);
		if (ret) {
			dev_err(&falcon->gpu->pdev->dev, "%s falcon: stays with its RISC-V core\n",
				falcon->name);
			return ret;
		}
	}
	nvgpu_falcon_wr32(falcon, NVGPU_FALCON_RM, nvgpu_rd32(falcon->gpu, NVGPU_PMC_BOOT_0));
	return 0;
}

/**
 * nvgpu_falcon_reset_riscv - reset and select the RISC-V core
 * @falcon: the falcon
 *
 * Return: 0 or -ETIMEDOUT.
 */
int nvgpu_falcon_reset_riscv(const struct nvgpu_falcon *falcon)
{
	int ret = falcon_reset_engine(falcon);

	if (!ret)
		nvgpu_falcon_wr32(falcon, NVGPU_FALCON2_RISCV_BCR_CTRL,
				  NVGPU_FALCON2_RISCV_BCR_CORE_RISCV |
					  NVGPU_FALCON2_RISCV_BCR_VALID |
					  NVGPU_FALCON2_RISCV_BCR_BRFETCH);
	return ret;
}

/**
 * nvgpu_falcon_allow_phys - let the falcon's DMA work without a context
 * @falcon: the falcon
 */
void nvgpu_falcon_allow_phys(const struct nvgpu_falcon *falcon)
{
	falcon_mask(falcon, NVGPU_FALCON_FBIF_CTL, NVGPU_FALCON_FBIF_CTL_ALLOW_PHYS,
		    NVGPU_FALCON_FBIF_CTL_ALLOW_PHYS);
	nvgpu_falcon_wr32(falcon, NVGPU_FALCON_DMACTL, 0);
}

/* have the falcon fetch @size bytes from @base + @from to its memory at @to */
static int falcon_dma(const struct nvgpu_falcon *falcon, dma_addr_t base, u32 from, u32 to,
		      u32 size, u32 command)
{
	u32 end = to + size;
	int ret;

	nvgpu_falcon_wr32(falcon, NVGPU_FALCON_DMATRFBASE, lower_32_bits(base >> 8));
	nvgpu_falcon_wr32(falcon, NVGPU_FALCON_DMATRFBASE1, upper_32_bits(base >> 8));

	command |= FIELD_PREP(NVGPU_FALCON_DMATRFCMD_SIZE, NVGPU_FALCON_DMATRFCMD_SIZE_256B);
	for (; to < end; to += NVGPU_FALCON_BLOCK, from += NVGPU_FALCON_BLOCK) {
		ret = falcon_poll(falcon, NVGPU_FALCON_DMATRFCMD, NVGPU_FALCON_DMATRFCMD_FULL, 0,
				  FALCON_DMA_US);
		if (ret)
			return ret;
		nvgpu_falcon_wr32(falcon, NVGPU_FALCON_DMATRFMOFFS, to);
		nvgpu_falcon_wr32(falcon, NVGPU_FALCON_DMATRFFBOFFS, from);
		nvgpu_falcon_wr32(falcon, NVGPU_FALCON_DMATRFCMD, command);
	}
	/*
	 * memory of these falcons has no tags: a block must be there before anything else is asked
	 * for
	 */
	return falcon_poll(falcon, NVGPU_FALCON_DMATRFCMD, NVGPU_FALCON_DMATRFCMD_IDLE,
			   NVGPU_FALCON_DMATRFCMD_IDLE, FALCON_DMA_US);
}

/**
 * nvgpu_falcon_load - load a heavy-secure program into a falcon after reset
 * @falcon: the falcon
 * @image: the program
 *
 * Return: 0 or -ETIMEDOUT.
 */
int nvgpu_falcon_load(const struct nvgpu_falcon *falcon, const struct nvgpu_falcon_image *image)
{
	int ret;

	nvgpu_falcon_allow_phys(falcon);
	falcon_mask(falcon, NVGPU_FALCON_FBIF_TRANSCFG(0),
		    NVGPU_FALCON_FBIF_TRANSCFG_TARGET | NVGPU_FALCON_FBIF_TRANSCFG_PHYSICAL,
		    FIELD_PREP(NVGPU_FALCON_FBIF_TRANSCFG_TARGET, NVGPU_FALCON_FBIF_TARGET_SYSMEM) |
		    NVGPU_FALCON_FBIF_TRANSCFG_PHYSICAL);

	/* the source offset of code is its virtual address, too: a tag that the boot ROM checks */
	ret = falcon_dma(falcon, image->base + image->code - image->code_virt, image->code_virt,
			 image->code_phys, image->code_size,
			 NVGPU_FALCON_DMATRFCMD_IMEM | FIELD_PREP(NVGPU_FALCON_DMATRFCMD_SEC, 1));
	if (!ret)
		ret = falcon_dma(falcon, image->base + image->data, 0, image->data_phys,
				 image->data_size, 0);
	if (ret) {
		dev_err(&falcon->gpu->pdev->dev, "%s falcon: DMA does not finish\n", falcon->name);
		return ret;
	}

	nvgpu_falcon_wr32(falcon, NVGPU_FALCON2_BROM_PARAADDR, image->signature);
	nvgpu_falcon_wr32(falcon, NVGPU_FALCON2_BROM_ENGIDMASK, image->engine_mask);
	nvgpu_falcon_wr32(falcon, NVGPU_FALCON2_BROM_UCODE_ID, image->ucode_id);
	nvgpu_falcon_wr32(falcon, NVGPU_FALCON2_MOD_SEL, NVGPU_FALCON2_MOD_SEL_RSA3K);
	nvgpu_falcon_wr32(falcon, NVGPU_FALCON_BOOTVEC, image->code_virt);
	return 0;
}

/**
 * nvgpu_falcon_start - start the falcon core
 * @falcon: the falcon
 */
void nvgpu_falcon_start(const struct nvgpu_falcon *falcon)
{
	bool alias = nvgpu_falcon_rd32(falcon, NVGPU_FALCON_CPUCTL) & NVGPU_FALCON_CPUCTL_ALIAS_EN;

	nvgpu_falcon_wr32(falcon, alias ? NVGPU_FALCON_CPUCTL_ALIAS : NVGPU_FALCON_CPUCTL,
			  NVGPU_FALCON_CPUCTL_STARTCPU);
}

/**
 * nvgpu_falcon_wait_halted - wait until a program has ended
 * @falcon: the falcon
 *
 * Return: 0 or -ETIMEDOUT.
 */
int nvgpu_falcon_wait_halted(const struct nvgpu_falcon *falcon)
{
	return falcon_poll(falcon, NVGPU_FALCON_CPUCTL, NVGPU_FALCON_CPUCTL_HALTED,
			   NVGPU_FALCON_CPUCTL_HALTED, FALCON_RUN_US);
}

/**
 * nvgpu_falcon_run - reset a falcon, run a program on it and wait for its end
 * @falcon: the falcon
 * @image: the program
 * @argument: for the two mailboxes
 * @result: mailbox 0 afterwards, which is 0 when the program succeeded
 *
 * Return: 0 when the program ended, whatever its result; -EIO when it could not be started, with a
 * line in the log that says why; -ETIMEDOUT when it does not end.
 */
int nvgpu_falcon_run(const struct nvgpu_falcon *falcon, const struct nvgpu_falcon_image *image,
		     u64 argument, u32 *result)
{
	int ret;

	ret = nvgpu_falcon_reset(falcon);
	if (!ret)
		ret = nvgpu_falcon_load(falcon, image);
	if (ret)
		return -EIO;
	nvgpu_falcon_wr32(falcon, NVGPU_FALCON_MAILBOX0, lower_32_bits(argument));
	nvgpu_falcon_wr32(falcon, NVGPU_FALCON_MAILBOX1, upper_32_bits(argument));
	nvgpu_falcon_start(falcon);
	ret = nvgpu_falcon_wait_halted(falcon);
	*result = nvgpu_falcon_rd32(falcon, NVGPU_FALCON_MAILBOX0);
	return ret;
}

/**
 * nvgpu_falcon_fuse - read the fuse that says which signature a falcon wants
 * @falcon: the falcon
 * @reg: the fuse's register
 * @version: the lowest version that is still accepted, a bit for each step
 *
 * Return: 0, or -EIO with a line in the log when the register cannot be read.
 */
int nvgpu_falcon_fuse(const struct nvgpu_falcon *falcon, u32 reg, u32 *version)
{
	u32 val = nvgpu_rd32(falcon->gpu, reg);

	if (nvgpu_pri_error(val))
		return dev_err_probe(&falcon->gpu->pdev->dev, -EIO,
				     "%s falcon: version fuse %#x reads as error %#x\n",
				     falcon->name, reg, val);
	*version = FIELD_GET(NVGPU_FUSE_UCODE_VERSION, val);
	return 0;
}

/**
 * nvgpu_falcon_riscv_active - is the RISC-V core running
 * @falcon: the falcon
 *
 * A GPU that fell off the bus reads as all ones, which is not a running core.
 *
 * Return: 1 when it is, 0 when it is not, -EAGAIN when its register cannot be read now.
 */
int nvgpu_falcon_riscv_active(const struct nvgpu_falcon *falcon)
{
	u32 cpuctl = nvgpu_falcon_rd32(falcon, NVGPU_FALCON2_RISCV_CPUCTL);

	if (nvgpu_pri_error(cpuctl))
		return -EAGAIN;
	return cpuctl != ~0U && (cpuctl & NVGPU_FALCON2_RISCV_CPUCTL_ACTIVE);
}
