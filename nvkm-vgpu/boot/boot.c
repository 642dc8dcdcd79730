// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSP-RM onto the GPU, and off it.
 *
 *	CPU	lays out framebuffer, prepares memory; whoever is above queues the first messages
 *	GSP	FWSEC-FRTS makes WPR2
 *	CPU	resets the GSP into its RISC-V core, with the address of the arguments
 *	SEC2	scrubber: GSP-RM's heap for 32 vGPUs reaches below what is scrubbed at power on
 *	SEC2	booter_load verifies GSP-RM, copies it to WPR2 and starts it
 *
 * Back: FWSEC-SB cleans up on the GSP, booter_unload clears WPR2. The way back is the same whether
 * GSP-RM ran, never came up or died; all that it needs is prepared before the way up starts.
 */
#include <linux/bitfield.h>
#include <linux/iopoll.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "boot/boot.h"
#include "boot/firmware.h"
#include "boot/prom.h"
#include "boot/vbios.h"
#include "boot/wpr.h"
#include "fwabi/framing.h"
#include "regs/falcon.h"
#include "regs/fb.h"
#include "regs/fuse.h"
#include "regs/gc6.h"
#include "regs/gpu.h"

#define BOOT_GFW_MS			5000	/* as long as NVIDIA's gpu-admin-tools wait */
#define BOOT_LOG_SIZE			SZ_64K
#define BOOT_VGA_WORKSPACE_SIZE		SZ_1M
#define BOOT_VGA_WORKSPACE_SMALL	SZ_128K

/* of the tasks that it starts with, itself and its interrupt handlers */
const char * const nvgpu_boot_log_names[NVGPU_BOOT_LOGS] = { "LOGINIT", "LOGINTR", "LOGRM" };

/**
 * nvgpu_boot_init() - name the falcons
 * @boot: result
 * @gpu: the GPU
 */
void nvgpu_boot_init(struct nvgpu_boot *boot, struct nvgpu_gpu *gpu)
{
	*boot = (struct nvgpu_boot) {
		.gpu = gpu,
		.gsp = { .gpu = gpu, .name = "gsp", .base = NVGPU_FALCON_GSP },
		.sec2 = { .gpu = gpu, .name = "sec2", .base = NVGPU_FALCON_SEC2 },
	};
}

/* ---- preparation ----------------------------------------------------------------------------- */

static bool boot_wpr2_up(struct nvgpu_boot *boot)
{
	return nvgpu_rd32(boot->gpu, NVGPU_PFB_WPR2_HI) & NVGPU_PFB_WPR2_ADDR;
}

/* how far the GPU's own firmware is, 0 while that may not be read */
static u32 boot_gfw_progress(struct nvgpu_boot *boot)
{
	u32 plm = nvgpu_rd32(boot->gpu, NVGPU_GC6_GFW_BOOT_PLM), progress;

	if (nvgpu_pri_error(plm) || !(plm & NVGPU_GC6_GFW_BOOT_PLM_READ))
		return 0;
	progress = nvgpu_rd32(boot->gpu, NVGPU_GC6_GFW_BOOT);
	return nvgpu_pri_error(progress) ? 0 : FIELD_GET(NVGPU_GC6_GFW_BOOT_PROGRESS, progress);
}

/**
 * nvgpu_boot_check_idle() - may firmware be loaded now
 * @boot: the GPU
 *
 * The GPU's own firmware has to be through, and no GSP-RM may be left from another driver.
 *
 * Return: 0; -ETIMEDOUT, -EIO or -EBUSY with a line that says why not.
 */
int nvgpu_boot_check_idle(struct nvgpu_boot *boot)
{
	struct device *dev = &boot->gpu->pdev->dev;
	u32 progress, wpr2;

	if (read_poll_timeout(boot_gfw_progress, progress, progress == NVGPU_GC6_GFW_BOOT_COMPLETED,
			      1000, BOOT_GFW_MS * USEC_PER_MSEC, false, boot))
		return dev_err_probe(dev, -ETIMEDOUT,
				     "GFW, the GPU's own firmware, is at %#x after %u ms, expected %#x\n",
				     progress, BOOT_GFW_MS, NVGPU_GC6_GFW_BOOT_COMPLETED);
	wpr2 = nvgpu_rd32(boot->gpu, NVGPU_PFB_WPR2_HI);
	if (nvgpu_pri_error(wpr2))
		return dev_err_probe(dev, -EIO, "register of WPR2's end reads as error %#x\n",
				     wpr2);
	if (wpr2 & NVGPU_PFB_WPR2_ADDR)
		return dev_err_probe(dev, -EBUSY,
				     "WPR2 has another driver's firmware, the GPU needs a reset\n");
	return 0;
}

static u64 boot_vga_workspace(struct nvgpu_boot *boot, u64 fb_size)
{
	u64 base = fb_size - BOOT_VGA_WORKSPACE_SIZE, addr;
	u32 val;

	val = nvgpu_rd32(boot->gpu, NVGPU_FUSE_DISPLAY);
	if (!nvgpu_pri_error(val) && (val & NVGPU_FUSE_DISPLAY_DISABLED))
		return base;
	val = nvgpu_rd32(boot->gpu, NVGPU_PDISP_VGA_WORKSPACE);
	if (nvgpu_pri_error(val) || !(val & NVGPU_PDISP_VGA_WORKSPACE_VALID))
		return base;
	addr = (u64)FIELD_GET(NVGPU_PDISP_VGA_WORKSPACE_ADDR, val) << 16;
	/* the VBIOS put it elsewhere: then only what VGA itself needs stays at the end */
	if (addr < base || addr >= fb_size)
		return fb_size - BOOT_VGA_WORKSPACE_SMALL;
	return addr;
}

static int boot_layout(struct nvgpu_boot *boot, const struct nvgpu_firmware *fw)
{
	u32 mib = nvgpu_rd32(boot->gpu, NVGPU_GC6_USABLE_FB_MIB);
	u64 fb_size = (u64)mib << 20;
	struct nvgpu_wpr *wpr = &boot->wpr;
	int ret = -ENOSPC;

	if (nvgpu_pri_error(mib))
		return dev_err_probe(&boot->gpu->pdev->dev, -EIO,
				     "register of the framebuffer's size reads as error %#x\n",
				     mib);
	if (fb_size > BOOT_VGA_WORKSPACE_SIZE)
		ret = nvgpu_wpr_layout(wpr, fb_size, boot_vga_workspace(boot, fb_size),
				       fw->gsp.image_size, fw->bootloader.size,
				       boot->gpu->abi->vgpu_heap_size);
	if (ret)
		return dev_err_probe(&boot->gpu->pdev->dev, ret,
				     "framebuffer of %llu MiB is too small for GSP-RM\n",
				     fb_size >> 20);
	wpr->vf_partitions = boot->gpu->abi->vgpu_partitions;
	return 0;
}

static int boot_prepare_fwsec(struct nvgpu_boot *boot)
{
	struct nvgpu_wpr *wpr = &boot->wpr;
	struct nvgpu_vbios_fwsec fwsec;
	struct nvgpu_vbios vbios;
	struct nvgpu_prom prom;
	int ret;

	ret = nvgpu_prom_open(&prom, boot->gpu, &vbios);
	if (ret)
		return ret;
	ret = nvgpu_vbios_find_fwsec(&vbios, prom.data + prom.start, &fwsec);
	if (ret) {
		dev_err(&boot->gpu->pdev->dev, "VBIOS for device %#x: %s\n", vbios.device,
			vbios.why);
		goto out;
	}
	ret = nvgpu_fwsec_init(&boot->frts, &boot->gsp, &fwsec, NVGPU_FWSEC_FRTS, wpr->frts,
			       wpr->frts_size);
	if (!ret)
		ret = nvgpu_fwsec_init(&boot->sb, &boot->gsp, &fwsec, NVGPU_FWSEC_SB, 0, 0);
out:
	nvgpu_prom_close(&prom);
	return ret;
}

static int boot_copy(struct device *dev, struct nvgpu_dma *mem, const void *data, size_t size)
{
	int ret = nvgpu_dma_alloc(dev, mem, ALIGN(size, NVGPU_GSP_PAGE));

	if (!ret)
		memcpy(mem->cpu, data, size);
	return ret;
}

/* what booter reads: image, bootloader, signature, and the list of them */
static int boot_prepare_image(struct nvgpu_boot *boot, const struct nvgpu_firmware *fw)
{
	struct device *dev = &boot->gpu->pdev->dev;
	int ret;

	ret = nvgpu_radix3_init(dev, &boot->image, fw->gsp.image, fw->gsp.image_size);
	if (!ret)
		ret = boot_copy(dev, &boot->bootloader, fw->bootloader.data, fw->bootloader.size);
	if (!ret)
		ret = boot_copy(dev, &boot->signature, fw->gsp.signature, fw->gsp.signature_size);
	if (!ret)
		ret = nvgpu_dma_alloc(dev, &boot->wpr_meta,
				      ALIGN(boot->gpu->abi->wpr_meta_size, NVGPU_GSP_PAGE));
	if (ret)
		return ret;

	boot->wpr.radix3 = boot->image.tables.addr;
	boot->wpr.radix3_size = fw->gsp.image_size;
	boot->wpr.bootloader = boot->bootloader.addr;
	boot->wpr.bootloader_size = fw->bootloader.size;
	boot->wpr.bootloader_code = fw->bootloader.code;
	boot->wpr.bootloader_data = fw->bootloader.code_data;
	boot->wpr.bootloader_manifest = fw->bootloader.manifest;
	boot->wpr.signature = boot->signature.addr;
	boot->wpr.signature_size = fw->gsp.signature_size;
	boot->app_version = fw->bootloader.app_version;
	boot->gpu->abi->encode_wpr_meta(boot->wpr_meta.cpu, &boot->wpr);
	return 0;
}

static void boot_libos_arg(struct nvgpu_libos_arg *arg, const char *name,
			   const struct nvgpu_dma *mem)
{
	u64 id = 0;

	while (*name)
		id = id << 8 | *name++;
	*arg = (struct nvgpu_libos_arg) {
		.id = cpu_to_le64(id),
		.addr = cpu_to_le64(mem->addr),
		.size = cpu_to_le64(mem->size),
		.kind = NVGPU_LIBOS_KIND_CONTIGUOUS,
		.location = NVGPU_LIBOS_LOCATION_SYSMEM,
	};
}

/*
 * what GSP-RM itself reads: log rings, each with a list of its pages behind the put pointer, and
 * its arguments
 */
static int boot_prepare_args(struct nvgpu_boot *boot, const struct nvgpu_queue_args *queue)
{
	struct nvgpu_libos_arg *arg;
	unsigned int i, page;
	__le64 *pte;
	int ret;

	ret = nvgpu_dma_alloc(&boot->gpu->pdev->dev, &boot->libos, NVGPU_GSP_PAGE);
	if (!ret)
		ret = nvgpu_dma_alloc(&boot->gpu->pdev->dev, &boot->rm_args, NVGPU_GSP_PAGE);
	for (i = 0; i < NVGPU_BOOT_LOGS && !ret; i++)
		ret = nvgpu_dma_alloc(&boot->gpu->pdev->dev, &boot->log[i], BOOT_LOG_SIZE);
	if (ret)
		return ret;

	arg = boot->libos.cpu;
	for (i = 0; i < NVGPU_BOOT_LOGS; i++) {
		pte = boot->log[i].cpu;
		for (page = 0; page < BOOT_LOG_SIZE / NVGPU_GSP_PAGE; page++)
			pte[1 + page] = cpu_to_le64(boot->log[i].addr + page * NVGPU_GSP_PAGE);
		boot_libos_arg(arg++, nvgpu_boot_log_names[i], &boot->log[i]);
	}
	boot->gpu->abi->encode_rm_args(boot->rm_args.cpu, queue);
	boot_libos_arg(arg, "RMARGS", &boot->rm_args);
	return 0;
}

/* the GPU flushes its writes to memory by reading this page back */
static int boot_prepare_flush(struct nvgpu_boot *boot)
{
	int ret = nvgpu_dma_alloc(&boot->gpu->pdev->dev, &boot->flush, NVGPU_GSP_PAGE);

	if (ret)
		return ret;
	nvgpu_wr32(boot->gpu, NVGPU_PFB_SYSMEM_FLUSH_HI, upper_32_bits(boot->flush.addr >> 8));
	nvgpu_wr32(boot->gpu, NVGPU_PFB_SYSMEM_FLUSH, lower_32_bits(boot->flush.addr >> 8));
	return 0;
}

/**
 * nvgpu_boot_prepare() - make ready all that the way up and the way back need
 * @boot: nvgpu_boot_check_idle() said yes
 * @fw: firmware files; not needed afterwards
 * @queue: where GSP-RM finds its queues
 *
 * Return: 0, or -errno with a line that says what failed; nvgpu_boot_fini() frees what there is.
 */
int nvgpu_boot_prepare(struct nvgpu_boot *boot, const struct nvgpu_firmware *fw,
		       const struct nvgpu_queue_args *queue)
{
	int ret;

	ret = boot_layout(boot, fw);
	if (!ret)
		ret = boot_prepare_flush(boot);
	if (!ret)
		ret = boot_prepare_fwsec(boot);
	if (!ret)
		ret = nvgpu_booter_init(&boot->booter, &boot->sec2, fw);
	if (!ret)
		ret = boot_prepare_image(boot, fw);
	if (!ret)
		ret = boot_prepare_args(boot, queue);
	return ret;
}

/**
 * nvgpu_boot_free_image() - free what only the way up needs
 * @boot: GSP-RM runs, and has its own copy; or never will
 */
void nvgpu_boot_free_image(struct nvgpu_boot *boot)
{
	struct device *dev = &boot->gpu->pdev->dev;

	nvgpu_dma_free(dev, &boot->wpr_meta);
	nvgpu_dma_free(dev, &boot->signature);
	nvgpu_dma_free(dev, &boot->bootloader);
	nvgpu_radix3_fini(dev, &boot->image);
}

/* ---- up -------------------------------------------------------------------------------------- */

/**
 * nvgpu_boot_reset_core() - reset the GSP into its RISC-V core
 * @boot: prepared
 *
 * It finds GSP-RM's arguments in the mailboxes.
 *
 * Return: 0 or -ETIMEDOUT.
 */
int nvgpu_boot_reset_core(struct nvgpu_boot *boot)
{
	int ret = nvgpu_falcon_reset_riscv(&boot->gsp);

	if (ret)
		return ret;
	nvgpu_falcon_wr32(&boot->gsp, NVGPU_FALCON_MAILBOX0, lower_32_bits(boot->libos.addr));
	nvgpu_falcon_wr32(&boot->gsp, NVGPU_FALCON_MAILBOX1, upper_32_bits(boot->libos.addr));
	return 0;
}

/**
 * nvgpu_boot_core_started() - booter has started the RISC-V core
 * @boot: the GPU
 *
 * Return: 0, or -EIO when the core does not run.
 */
int nvgpu_boot_core_started(struct nvgpu_boot *boot)
{
	nvgpu_falcon_wr32(&boot->gsp, NVGPU_FALCON_OS, boot->app_version);
	return nvgpu_falcon_riscv_active(&boot->gsp) > 0 ? 0 : -EIO;
}

/**
 * nvgpu_boot_start() - start GSP-RM
 * @boot: prepared
 *
 * Return: 0 when its core runs, or -errno with a line that says what failed; nvgpu_boot_stop() is
 * the way back from either.
 */
int nvgpu_boot_start(struct nvgpu_boot *boot)
{
	int ret;

	ret = nvgpu_fwsec_frts(&boot->frts, boot->wpr.frts);
	if (ret)
		return ret;
	ret = nvgpu_boot_reset_core(boot);
	if (ret)
		return ret;
	if (nvgpu_wpr_needs_scrubber(&boot->wpr)) {
		ret = nvgpu_booter_scrub(&boot->booter);
		if (ret)
			return ret;
	}
	ret = nvgpu_booter_load(&boot->booter, boot->wpr_meta.addr);
	if (ret)
		return ret;
	ret = nvgpu_boot_core_started(boot);
	if (ret)
		return dev_err_probe(&boot->gpu->pdev->dev, ret,
				     "GSP-RM does not start: booter_load is through, and its core does not run\n");
	return 0;
}

/* ---- down ------------------------------------------------------------------------------------ */

/**
 * nvgpu_boot_stop() - take GSP-RM off the GSP, in whatever state it is
 * @boot: prepared
 */
void nvgpu_boot_stop(struct nvgpu_boot *boot)
{
	if (!pci_device_is_present(boot->gpu->pdev))
		return;
	nvgpu_falcon_reset(&boot->gsp);
	if (!boot_wpr2_up(boot))
		return;
	nvgpu_fwsec_sb(&boot->sb);
	nvgpu_booter_unload(&boot->booter);
}

/**
 * nvgpu_boot_fini() - free what GSP-RM had of memory
 * @boot: GSP-RM is off the GPU, or was never on it
 */
void nvgpu_boot_fini(struct nvgpu_boot *boot)
{
	struct device *dev = &boot->gpu->pdev->dev;
	unsigned int i;

	for (i = 0; i < NVGPU_BOOT_LOGS; i++)
		nvgpu_dma_free(dev, &boot->log[i]);
	nvgpu_dma_free(dev, &boot->rm_args);
	nvgpu_dma_free(dev, &boot->libos);
	nvgpu_boot_free_image(boot);
	nvgpu_booter_fini(&boot->booter);
	nvgpu_fwsec_fini(&boot->sb);
	nvgpu_fwsec_fini(&boot->frts);
	if (boot->flush.cpu) {
		nvgpu_wr32(boot->gpu, NVGPU_PFB_SYSMEM_FLUSH_HI, 0);
		nvgpu_wr32(boot->gpu, NVGPU_PFB_SYSMEM_FLUSH, 0);
	}
	nvgpu_dma_free(dev, &boot->flush);
}
