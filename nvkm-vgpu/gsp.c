// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSP-RM from nothing to running, and back.
 *
 *	CPU	loads the files, lays out framebuffer, prepares memory, queues the first messages
 *	GSP	FWSEC-FRTS makes WPR2
 *	CPU	resets the GSP into its RISC-V core, with the address of the arguments
 *	SEC2	scrubber: GSP-RM's heap for 32 vGPUs reaches below what is scrubbed at power on
 *	SEC2	booter_load verifies GSP-RM, copies it to WPR2 and starts it
 *	GSP	GSP-RM reads its messages, may ask for register accesses, and says that it is done
 *
 * Back: GSP-RM is told, FWSEC-SB cleans up on the GSP, booter_unload clears WPR2. The way back is
 * the same whether GSP-RM ran, never came up or died, as far as it goes; all that it needs is
 * prepared before the way up starts.
 */
#include <linux/bitfield.h>
#include <linux/iopoll.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "cmds/sysinfo.h"
#include "device.h"
#include "firmware.h"
#include "fwabi/framing.h"
#include "gsp.h"
#include "health.h"
#include "prom.h"
#include "regs/falcon.h"
#include "regs/fb.h"
#include "regs/fuse.h"
#include "regs/gc6.h"
#include "vbios.h"
#include "wpr.h"

#define GSP_GFW_BOOT_MS			5000	/* as long as NVIDIA's gpu-admin-tools wait */
#define GSP_INIT_DONE_MS		10000
#define GSP_STOP_US			4000000
#define GSP_STOPPED			0x80000000	/* in mailbox 0 */
#define GSP_LOG_SIZE			SZ_64K
#define GSP_VGA_WORKSPACE_SIZE		SZ_1M
#define GSP_VGA_WORKSPACE_SMALL		SZ_128K

/* of the tasks that it starts with, itself and its interrupt handlers */
const char * const nvgpu_gsp_log_names[NVGPU_GSP_LOGS] = { "LOGINIT", "LOGINTR", "LOGRM" };

/* ---- preparation ----------------------------------------------------------------------------- */

static bool gsp_wpr2_up(struct nvkm_vgpu_pf *pf)
{
	return nvgpu_rd32(pf, NVGPU_PFB_WPR2_HI) & NVGPU_PFB_WPR2_ADDR;
}

/* how far the GPU's own firmware is, 0 while that may not be read */
static u32 gsp_gfw_progress(struct nvkm_vgpu_pf *pf)
{
	u32 plm = nvgpu_rd32(pf, NVGPU_GC6_GFW_BOOT_PLM), boot;

	if (nvgpu_pri_error(plm) || !(plm & NVGPU_GC6_GFW_BOOT_PLM_READ))
		return 0;
	boot = nvgpu_rd32(pf, NVGPU_GC6_GFW_BOOT);
	return nvgpu_pri_error(boot) ? 0 : FIELD_GET(NVGPU_GC6_GFW_BOOT_PROGRESS, boot);
}

/* the GPU's own firmware has to be through, and no GSP-RM may be left from another driver */
static int gsp_check_idle(struct nvkm_vgpu_pf *pf)
{
	struct device *dev = &pf->pdev->dev;
	u32 progress, wpr2;

	if (read_poll_timeout(gsp_gfw_progress, progress, progress == NVGPU_GC6_GFW_BOOT_COMPLETED,
			      1000, GSP_GFW_BOOT_MS * USEC_PER_MSEC, false, pf))
		return dev_err_probe(dev, -ETIMEDOUT,
				     "GFW, the GPU's own firmware, is at %#x after %u ms, expected %#x\n",
				     progress, GSP_GFW_BOOT_MS, NVGPU_GC6_GFW_BOOT_COMPLETED);
	wpr2 = nvgpu_rd32(pf, NVGPU_PFB_WPR2_HI);
	if (nvgpu_pri_error(wpr2))
		return dev_err_probe(dev, -EIO, "register of WPR2's end reads as error %#x\n",
				     wpr2);
	if (wpr2 & NVGPU_PFB_WPR2_ADDR)
		return dev_err_probe(dev, -EBUSY,
				     "WPR2 has another driver's firmware, the GPU needs a reset\n");
	return 0;
}

static u64 gsp_vga_workspace(struct nvkm_vgpu_pf *pf, u64 fb_size)
{
	u64 base = fb_size - GSP_VGA_WORKSPACE_SIZE, addr;
	u32 val;

	val = nvgpu_rd32(pf, NVGPU_FUSE_DISPLAY);
	if (!nvgpu_pri_error(val) && (val & NVGPU_FUSE_DISPLAY_DISABLED))
		return base;
	val = nvgpu_rd32(pf, NVGPU_PDISP_VGA_WORKSPACE);
	if (nvgpu_pri_error(val) || !(val & NVGPU_PDISP_VGA_WORKSPACE_VALID))
		return base;
	addr = (u64)FIELD_GET(NVGPU_PDISP_VGA_WORKSPACE_ADDR, val) << 16;
	/* the VBIOS put it elsewhere: then only what VGA itself needs stays at the end */
	if (addr < base || addr >= fb_size)
		return fb_size - GSP_VGA_WORKSPACE_SMALL;
	return addr;
}

static int gsp_layout(struct nvkm_vgpu_pf *pf, const struct nvgpu_firmware *fw)
{
	u32 mib = nvgpu_rd32(pf, NVGPU_GC6_USABLE_FB_MIB);
	u64 fb_size = (u64)mib << 20;
	struct nvgpu_wpr *wpr = &pf->gsp.wpr;
	int ret = -ENOSPC;

	if (nvgpu_pri_error(mib))
		return dev_err_probe(&pf->pdev->dev, -EIO,
				     "register of the framebuffer's size reads as error %#x\n",
				     mib);
	if (fb_size > GSP_VGA_WORKSPACE_SIZE)
		ret = nvgpu_wpr_layout(wpr, fb_size, gsp_vga_workspace(pf, fb_size),
				       fw->gsp.image_size, fw->bootloader.size,
				       pf->abi->vgpu_heap_size);
	if (ret)
		return dev_err_probe(&pf->pdev->dev, ret,
				     "framebuffer of %llu MiB is too small for GSP-RM\n",
				     fb_size >> 20);
	wpr->vf_partitions = pf->abi->vgpu_partitions;
	return 0;
}

static int gsp_prepare_fwsec(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_wpr *wpr = &pf->gsp.wpr;
	struct nvgpu_vbios_fwsec fwsec;
	struct nvgpu_vbios vbios;
	u8 *data;
	int ret;

	data = nvgpu_prom_read(pf, &vbios);
	if (IS_ERR(data))
		return PTR_ERR(data);
	ret = nvgpu_vbios_find_fwsec(&vbios, data, &fwsec);
	if (ret) {
		dev_err(&pf->pdev->dev, "VBIOS for device %#x: %s\n", vbios.device, vbios.why);
		goto out;
	}
	ret = nvgpu_fwsec_init(&pf->gsp.frts, &pf->gsp_falcon, &fwsec, NVGPU_FWSEC_FRTS, wpr->frts,
			       wpr->frts_size);
	if (!ret)
		ret = nvgpu_fwsec_init(&pf->gsp.sb, &pf->gsp_falcon, &fwsec, NVGPU_FWSEC_SB, 0, 0);
out:
	kvfree(data);
	return ret;
}

static int gsp_copy(struct device *dev, struct nvgpu_dma *mem, const void *data, size_t size)
{
	int ret = nvgpu_dma_alloc(dev, mem, ALIGN(size, NVGPU_GSP_PAGE));

	if (!ret)
		memcpy(mem->cpu, data, size);
	return ret;
}

/* what booter reads: image, bootloader, signature, and the list of them */
static int gsp_prepare_image(struct nvkm_vgpu_pf *pf, const struct nvgpu_firmware *fw)
{
	struct device *dev = &pf->pdev->dev;
	struct nvgpu_gsp *gsp = &pf->gsp;
	int ret;

	ret = nvgpu_radix3_init(dev, &gsp->image, fw->gsp.image, fw->gsp.image_size);
	if (!ret)
		ret = gsp_copy(dev, &gsp->bootloader, fw->bootloader.data, fw->bootloader.size);
	if (!ret)
		ret = gsp_copy(dev, &gsp->signature, fw->gsp.signature, fw->gsp.signature_size);
	if (!ret)
		ret = nvgpu_dma_alloc(dev, &gsp->wpr_meta,
				      ALIGN(pf->abi->wpr_meta_size, NVGPU_GSP_PAGE));
	if (ret)
		return ret;

	gsp->wpr.radix3 = gsp->image.tables.addr;
	gsp->wpr.radix3_size = fw->gsp.image_size;
	gsp->wpr.bootloader = gsp->bootloader.addr;
	gsp->wpr.bootloader_size = fw->bootloader.size;
	gsp->wpr.bootloader_code = fw->bootloader.code;
	gsp->wpr.bootloader_data = fw->bootloader.code_data;
	gsp->wpr.bootloader_manifest = fw->bootloader.manifest;
	gsp->wpr.signature = gsp->signature.addr;
	gsp->wpr.signature_size = fw->gsp.signature_size;
	gsp->app_version = fw->bootloader.app_version;
	pf->abi->encode_wpr_meta(gsp->wpr_meta.cpu, &gsp->wpr);
	return 0;
}

static void gsp_libos_arg(struct nvgpu_libos_arg *arg, const char *name,
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
static int gsp_prepare_args(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_queue_args queue_args;
	struct nvgpu_gsp *gsp = &pf->gsp;
	struct nvgpu_libos_arg *arg;
	unsigned int i, page;
	__le64 *pte;
	int ret;

	ret = nvgpu_dma_alloc(&pf->pdev->dev, &gsp->libos, NVGPU_GSP_PAGE);
	if (!ret)
		ret = nvgpu_dma_alloc(&pf->pdev->dev, &gsp->rm_args, NVGPU_GSP_PAGE);
	for (i = 0; i < NVGPU_GSP_LOGS && !ret; i++)
		ret = nvgpu_dma_alloc(&pf->pdev->dev, &gsp->log[i], GSP_LOG_SIZE);
	if (ret)
		return ret;

	arg = gsp->libos.cpu;
	for (i = 0; i < NVGPU_GSP_LOGS; i++) {
		pte = gsp->log[i].cpu;
		for (page = 0; page < GSP_LOG_SIZE / NVGPU_GSP_PAGE; page++)
			pte[1 + page] = cpu_to_le64(gsp->log[i].addr + page * NVGPU_GSP_PAGE);
		gsp_libos_arg(arg++, nvgpu_gsp_log_names[i], &gsp->log[i]);
	}
	nvgpu_msgq_args(&gsp->rpc.queue, &queue_args);
	pf->abi->encode_rm_args(gsp->rm_args.cpu, &queue_args);
	gsp_libos_arg(arg, "RMARGS", &gsp->rm_args);
	return 0;
}

/* the GPU flushes its writes to memory by reading this page back */
static int gsp_prepare_flush(struct nvkm_vgpu_pf *pf)
{
	int ret = nvgpu_dma_alloc(&pf->pdev->dev, &pf->gsp.flush, NVGPU_GSP_PAGE);

	if (ret)
		return ret;
	nvgpu_wr32(pf, NVGPU_PFB_SYSMEM_FLUSH_HI, upper_32_bits(pf->gsp.flush.addr >> 8));
	nvgpu_wr32(pf, NVGPU_PFB_SYSMEM_FLUSH, lower_32_bits(pf->gsp.flush.addr >> 8));
	return 0;
}

static int gsp_prepare(struct nvkm_vgpu_pf *pf, const struct nvgpu_firmware *fw)
{
	int ret;

	ret = gsp_layout(pf, fw);
	if (!ret)
		ret = gsp_prepare_flush(pf);
	if (!ret)
		ret = gsp_prepare_fwsec(pf);
	if (!ret)
		ret = nvgpu_booter_init(pf, &pf->gsp.booter, fw);
	if (!ret)
		ret = gsp_prepare_image(pf, fw);
	if (!ret)
		ret = gsp_prepare_args(pf);
	if (!ret)
		ret = nvgpu_sysinfo_send(pf);
	return ret;
}

/* what only the way up needs; a GSP-RM that runs has its own copy */
static void gsp_free_image(struct nvkm_vgpu_pf *pf)
{
	struct device *dev = &pf->pdev->dev;
	struct nvgpu_gsp *gsp = &pf->gsp;

	nvgpu_dma_free(dev, &gsp->wpr_meta);
	nvgpu_dma_free(dev, &gsp->signature);
	nvgpu_dma_free(dev, &gsp->bootloader);
	nvgpu_radix3_fini(dev, &gsp->image);
}

/* ---- up -------------------------------------------------------------------------------------- */

/**
 * nvgpu_gsp_reset - reset the GSP into its RISC-V core, which finds GSP-RM's arguments in the
 * mailboxes
 * @pf: the GPU
 *
 * Return: 0 or -ETIMEDOUT.
 */
int nvgpu_gsp_reset(struct nvkm_vgpu_pf *pf)
{
	int ret = nvgpu_falcon_reset_riscv(&pf->gsp_falcon);

	if (ret)
		return ret;
	nvgpu_falcon_wr32(&pf->gsp_falcon, NVGPU_FALCON_MAILBOX0,
			  lower_32_bits(pf->gsp.libos.addr));
	nvgpu_falcon_wr32(&pf->gsp_falcon, NVGPU_FALCON_MAILBOX1,
			  upper_32_bits(pf->gsp.libos.addr));
	return 0;
}

/**
 * nvgpu_gsp_started - booter has started the RISC-V core
 * @pf: the GPU
 *
 * Return: 0, or -EIO when the core does not run.
 */
int nvgpu_gsp_started(struct nvkm_vgpu_pf *pf)
{
	nvgpu_falcon_wr32(&pf->gsp_falcon, NVGPU_FALCON_OS, pf->gsp.app_version);
	if (nvgpu_falcon_riscv_active(&pf->gsp_falcon) <= 0) {
		nvgpu_health_dead(pf, "its core does not run");
		return -EIO;
	}
	nvgpu_health_core_runs(pf);
	return 0;
}

static int gsp_start(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_gsp *gsp = &pf->gsp;
	int ret;

	ret = nvgpu_fwsec_frts(&gsp->frts, gsp->wpr.frts);
	if (ret)
		return ret;
	ret = nvgpu_gsp_reset(pf);
	if (ret)
		return ret;
	if (nvgpu_wpr_needs_scrubber(&gsp->wpr)) {
		ret = nvgpu_booter_scrub(pf, &gsp->booter);
		if (ret)
			return ret;
	}
	ret = nvgpu_booter_load(pf, &gsp->booter, gsp->wpr_meta.addr);
	if (ret)
		return ret;
	ret = nvgpu_gsp_started(pf);
	if (ret)
		return ret;
	ret = nvgpu_rpc_wait_init_done(pf, GSP_INIT_DONE_MS);
	if (ret == -ETIMEDOUT)
		dev_err(&pf->pdev->dev, "GSP-RM does not answer: no GSP_INIT_DONE for %u s\n",
			GSP_INIT_DONE_MS / 1000);
	return ret;
}

/* ---- down ------------------------------------------------------------------------------------ */

/* take GSP-RM off the GSP, in whatever state it is */
static void gsp_stop(struct nvkm_vgpu_pf *pf)
{
	nvgpu_health_unloaded(pf);
	if (!pci_device_is_present(pf->pdev))
		return;
	nvgpu_falcon_reset(&pf->gsp_falcon);
	if (!gsp_wpr2_up(pf))
		return;
	nvgpu_fwsec_sb(&pf->gsp.sb);
	nvgpu_booter_unload(pf, &pf->gsp.booter);
}

/**
 * nvgpu_gsp_fini - free what GSP-RM had of memory
 * @pf: the GPU, GSP-RM unloaded or never loaded
 */
void nvgpu_gsp_fini(struct nvkm_vgpu_pf *pf)
{
	struct device *dev = &pf->pdev->dev;
	struct nvgpu_gsp *gsp = &pf->gsp;
	unsigned int i;

	for (i = 0; i < NVGPU_GSP_LOGS; i++)
		nvgpu_dma_free(dev, &gsp->log[i]);
	nvgpu_dma_free(dev, &gsp->rm_args);
	nvgpu_dma_free(dev, &gsp->libos);
	gsp_free_image(pf);
	nvgpu_booter_fini(&gsp->booter);
	nvgpu_fwsec_fini(&gsp->sb);
	nvgpu_fwsec_fini(&gsp->frts);
	if (gsp->flush.cpu) {
		nvgpu_wr32(pf, NVGPU_PFB_SYSMEM_FLUSH_HI, 0);
		nvgpu_wr32(pf, NVGPU_PFB_SYSMEM_FLUSH, 0);
	}
	nvgpu_dma_free(dev, &gsp->flush);
	nvgpu_rpc_fini(pf);
	ida_destroy(&gsp->clients);
}

/**
 * nvgpu_gsp_boot - load GSP-RM in vGPU mode and start it
 * @pf: the GPU; its abi and info are set
 *
 * Replies are polled for until nvgpu_intr_init().
 *
 * Return: 0 or -errno, with a line that says what failed; then the GPU is as it was before.
 */
int nvgpu_gsp_boot(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_firmware fw = {};
	int ret;

	ret = gsp_check_idle(pf);
	if (ret)
		return ret;
	ret = nvgpu_firmware_get(&pf->pdev->dev, &fw);
	if (ret)
		return ret;
	pf->abi = fw.abi;
	ida_init(&pf->gsp.clients);
	ret = nvgpu_rpc_init(pf);
	if (ret)
		goto err_firmware;
	ret = gsp_prepare(pf, &fw);
	if (ret)
		goto err_memory;
	nvgpu_firmware_put(&fw);

	ret = gsp_start(pf);
	if (ret)
		goto err_stop;
	gsp_free_image(pf);
	ret = nvgpu_sysinfo_get(pf);
	if (ret)
		goto err_unload;
	return 0;

err_unload:
	nvgpu_gsp_unload(pf);
	nvgpu_gsp_fini(pf);
	return ret;
err_stop:
	gsp_stop(pf);
	nvgpu_gsp_fini(pf);
	return ret;
err_memory:
	nvgpu_firmware_put(&fw);
	nvgpu_gsp_fini(pf);
	return ret;
err_firmware:
	nvgpu_firmware_put(&fw);
	return ret;
}

/**
 * nvgpu_gsp_unload - end GSP-RM and take it off the GPU
 * @pf: the GPU
 *
 * Goes on whatever fails; a GPU that cannot be cleaned up says so in the log, and when it is loaded
 * again.
 */
void nvgpu_gsp_unload(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_rpc_call call = {
		.name = "UNLOADING_GUEST_DRIVER",
		.function = pf->abi->rpc.unloading_guest_driver,
		.size = pf->abi->unload_size,
		.timeout_ms = NVGPU_RPC_TIMEOUT_MS,
		.teardown = true,
	};
	void *buf __free(kfree) = kzalloc(call.size, GFP_KERNEL);
	u32 mailbox;

	call.buf = buf;
	if (buf && nvgpu_rpc_call(pf, &call) >= 0 &&
	    read_poll_timeout(nvgpu_falcon_rd32, mailbox, mailbox == GSP_STOPPED, 1000, GSP_STOP_US,
			      false, &pf->gsp_falcon, NVGPU_FALCON_MAILBOX0))
		dev_err(&pf->pdev->dev, "GSP-RM does not stop, mailbox %#x\n", mailbox);
	gsp_stop(pf);
}
