// SPDX-License-Identifier: GPL-2.0-only

#include <linux/align.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "rm/rm.h"
#include "vgpu/boards.h"
#include "vgpu/debugfs.h"
#include "vgpu/mgr.h"
#include "vgpu/pf.h"
#include "vgpu/provision.h"
#include "vgpu/sysfs.h"
#include "vgpu/typefile.h"
#include "vgpu/types.h"

/* a control that only asks; the caller frees what is returned */
static void *mgr_query(struct nvkm_vgpu_pf *pf, const struct nvgpu_ctrl *ctrl)
{
	void *params;
	int ret;

	params = kvzalloc(ctrl->size, GFP_KERNEL);
	if (!params)
		return ERR_PTR(-ENOMEM);

	ret = nvgpu_rm_query(&pf->rm, ctrl, params);
	if (ret) {
		kvfree(params);
		return ERR_PTR(ret);
	}
	return params;
}

static int mgr_query_segment_size(struct nvkm_vgpu_pf *pf, struct nvgpu_geometry *geo)
{
	const struct nvgpu_fwabi *abi = pf->gpu.abi;
	u64 size;
	void *msg;
	int ret;

	msg = mgr_query(pf, &abi->board->vmmu_segment_size);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ret = abi->board->decode_vmmu_segment_size(msg, abi->board->vmmu_segment_size.size, &size);
	kvfree(msg);
	if (ret)
		return ret;

	/* the sizes that the VMMU has */
	if (!is_power_of_2(size) || size < SZ_32M || size > SZ_512M)
		return -EPROTO;
	geo->segment = size;
	return 0;
}

static int mgr_query_channels(struct nvkm_vgpu_pf *pf, struct nvgpu_geometry *geo)
{
	const struct nvgpu_fwabi *abi = pf->gpu.abi;
	u32 count;
	void *msg;
	int ret;

	/* of runlist 0, which the zeroes ask for; the others share its number space */
	msg = mgr_query(pf, &abi->board->num_channels);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ret = abi->board->decode_num_channels(msg, abi->board->num_channels.size, &count);
	kvfree(msg);
	if (ret)
		return ret;
	if (!count)
		return -EPROTO;
	geo->num_chids = min(count, NVGPU_MAX_CHANNELS);
	return 0;
}

static int mgr_query_ecc(struct nvkm_vgpu_pf *pf, struct nvgpu_geometry *geo)
{
	const struct nvgpu_fwabi *abi = pf->gpu.abi;
	void *msg;
	int ret;

	msg = mgr_query(pf, &abi->ecc_status);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ret = abi->decode_ecc_status(msg, abi->ecc_status.size, &geo->ecc);
	kvfree(msg);
	return ret;
}

/* the numbers of a version are of use only with that version */
static int mgr_query_version(struct nvkm_vgpu_pf *pf)
{
	const struct nvgpu_fwabi *abi = pf->gpu.abi;
	char version[64];
	void *msg;
	int ret;

	msg = mgr_query(pf, &abi->board->features);
	if (IS_ERR(msg))
		return dev_err_probe(&pf->gpu.pdev->dev, PTR_ERR(msg), "no version of GSP-RM\n");
	ret = abi->board->decode_features(msg, abi->board->features.size, version, sizeof(version));
	kvfree(msg);
	if (ret)
		return dev_err_probe(&pf->gpu.pdev->dev, ret, "no version of GSP-RM\n");

	if (strcmp(version, abi->version))
		return dev_err_probe(&pf->gpu.pdev->dev, -EINVAL, "GSP-RM is %s, not %s\n", version,
				     abi->version);
	return 0;
}

/* the largest range that GSP-RM has no use for */
static const struct nvgpu_fb_region *mgr_find_region(const struct nvgpu_static_info *info)
{
	const struct nvgpu_fb_region *best = NULL;
	unsigned int i;

	for (i = 0; i < info->num_fb_regions; i++) {
		const struct nvgpu_fb_region *region = &info->fb_region[i];

		if (region->usable && (!best || region->size > best->size))
			best = region;
	}
	return best;
}

static int mgr_query_board(struct nvkm_vgpu_pf *pf, struct nvgpu_geometry *geo)
{
	const struct nvgpu_fb_region *region = mgr_find_region(&pf->gsp.info);
	struct device *dev = &pf->gpu.pdev->dev;
	int ret;

	ret = mgr_query_segment_size(pf, geo);
	if (ret)
		return dev_err_probe(dev, ret, "no size of VMMU segments\n");

	ret = mgr_query_channels(pf, geo);
	if (ret)
		return dev_err_probe(dev, ret, "no number of channels\n");

	ret = mgr_query_ecc(pf, geo);
	if (ret)
		return dev_err_probe(dev, ret, "no state of ECC\n");

	if (!region)
		return dev_err_probe(dev, -ENOSPC, "no framebuffer for vGPUs\n");
	geo->fb_start = round_up(region->base, geo->segment);
	geo->fb_total = pf->gsp.info.fb_size;

	return mgr_query_version(pf);
}

static int mgr_set_config(struct nvkm_vgpu_pf *pf)
{
	const struct nvgpu_fwabi *abi = pf->gpu.abi;
	void *msg;
	int ret;

	msg = kvzalloc(abi->vgpu->mgr_config.size, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;

	/* a host with VFIO could have several sizes on one GPU, whether or not that mode is on */
	abi->vgpu->encode_mgr_config(msg, true);
	ret = nvgpu_rm_query(&pf->rm, &abi->vgpu->mgr_config, msg);
	kvfree(msg);
	return ret;
}

/* all at once, as NVIDIA's host does when it has loaded GSP-RM: kvgpumgrSendAllVgpuTypesToGsp */
static int mgr_add_types(struct nvkm_vgpu_pf *pf)
{
	const struct nvgpu_fwabi *abi = pf->gpu.abi;
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	void *msg;
	int ret;

	msg = kvzalloc(abi->add_type.size, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	abi->encode_add_types(msg, mgr->types, mgr->num_types);
	ret = nvgpu_rm_query(&pf->rm, &abi->add_type, msg);
	kvfree(msg);
	return ret;
}

/* those of the file, if there is a good one; the board is known, or there would be no probe */
static int mgr_init_types(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	struct pci_dev *pdev = pf->gpu.pdev;
	const struct nvgpu_typefile_board board = {
		.device = pdev->device,
		.gib = nvgpu_board_find(pdev->device)->gib,
		.bar1_size = pf->gsp.info.vf.bar_size[1],
		.geo = &mgr->geo,
	};
	int ret;

	mgr->types = devm_kcalloc(&pdev->dev, NVGPU_MAX_TYPES, sizeof(*mgr->types), GFP_KERNEL);
	if (!mgr->types)
		return -ENOMEM;

	ret = nvgpu_typefile_load(&pdev->dev, pf->gpu.abi, &board, mgr->types);
	if (ret < 0)
		return ret;
	mgr->types_of_file = ret;
	mgr->num_types = ret ?: nvgpu_types_build(pdev->device, mgr->types, NVGPU_MAX_TYPES);
	return 0;
}

/* in the order of NVIDIA's host */
static int mgr_tell_gsp(struct nvkm_vgpu_pf *pf)
{
	int ret;

	ret = mgr_set_config(pf);
	if (ret)
		return dev_err_probe(&pf->gpu.pdev->dev, ret, "vGPU manager not configured\n");

	ret = mgr_add_types(pf);
	if (ret)
		return dev_err_probe(&pf->gpu.pdev->dev, ret, "vGPU types not accepted\n");

	if (nvgpu_provision_is_mixed(pf))
		ret = nvgpu_provision_tell_mode(pf, true);
	if (ret)
		return dev_err_probe(&pf->gpu.pdev->dev, ret, "heterogeneous mode not accepted\n");
	return 0;
}

/* what has to be done each time that GSP-RM was loaded */
static int mgr_start(struct nvkm_vgpu_pf *pf)
{
	u64 pde_base = pf->gsp.info.bar1_pde_base;
	int ret;

	if (!pde_base || !IS_ALIGNED(pde_base, SZ_4K) || pde_base >= pf->gsp.info.fb_size)
		return dev_err_probe(&pf->gpu.pdev->dev, -EPROTO,
				     "GSP-RM has BAR1's page directory at %#llx of %#llx\n",
				     pde_base, pf->gsp.info.fb_size);
	ret = mgr_tell_gsp(pf);
	if (ret)
		return ret;
	ret = nvgpu_bar1_start(&pf->bar1, pde_base);
	if (ret)
		return dev_err_probe(&pf->gpu.pdev->dev, ret,
				     "no way to framebuffer through BAR1\n");
	ret = nvgpu_scrub_start(&pf->scrub, pf->mgr.geo.num_chids);
	if (ret == -ETIMEDOUT || ret == -ENOMEM || ret == -EINTR) {
		/* the next try may work */
		nvgpu_bar1_stop(&pf->bar1);
		return dev_err_probe(&pf->gpu.pdev->dev, ret, "nothing clears framebuffer\n");
	}
	if (ret)
		dev_err(&pf->gpu.pdev->dev,
			"no copy engine, error %d: framebuffer cannot be cleared, so no vGPU can be opened\n",
			ret);
	nvgpu_monitor_start(&pf->monitor);
	nvgpu_debugfs_start(pf);
	return 0;
}

/**
 * nvgpu_vgpu_mgr_stop() - GSP-RM is to be unloaded
 * @pf: the GPU; no vGPU is open
 *
 * Reservations stay.
 */
void nvgpu_vgpu_mgr_stop(struct nvkm_vgpu_pf *pf)
{
	nvgpu_debugfs_stop(pf);
	nvgpu_monitor_stop(&pf->monitor);
	nvgpu_scrub_stop(&pf->scrub);
	nvgpu_provision_soil(pf);
	nvgpu_bar1_stop(&pf->bar1);
}

/**
 * nvgpu_vgpu_mgr_restart() - GSP-RM was loaded anew
 * @pf: the GPU; nvgpu_vgpu_mgr_stop() was called
 *
 * Reservations are as they were, if the GPU is. What GSP-RM had not given back is free.
 *
 * Return: 0, or errno with a line in the log.
 */
int nvgpu_vgpu_mgr_restart(struct nvkm_vgpu_pf *pf)
{
	const struct nvgpu_fb_region *region = mgr_find_region(&pf->gsp.info);
	const struct nvgpu_fbmem *fb = &pf->mgr.fb;
	struct nvgpu_geometry geo = {};
	int ret;

	ret = mgr_query_board(pf, &geo);
	if (ret)
		return ret;
	if (memcmp(&geo, &pf->mgr.geo, sizeof(geo)) || region->base > fb->start ||
	    region->base + region->size < fb->end) {
		dev_err(&pf->gpu.pdev->dev,
			"framebuffer or channels are not what they were: %#llx+%#llx, ecc %u, chids %u\n",
			region->base, region->size, geo.ecc, geo.num_chids);
		return -EIO;
	}
	nvgpu_provision_drop_kept(pf);
	return mgr_start(pf);
}

/**
 * nvgpu_vgpu_mgr_init() - get ready for VFs
 * @pf: the GPU, with GSP-RM up
 *
 * Context: probe.
 * Return: 0, or errno with a line in the log.
 */
int nvgpu_vgpu_mgr_init(struct nvkm_vgpu_pf *pf)
	__context_unsafe(/* nobody else knows it yet */)
{
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	const struct nvgpu_fb_region *region;
	int ret;

	mutex_init(&mgr->lock);
	mutex_init(&mgr->changing);
	mutex_init(&mgr->notify);
	INIT_LIST_HEAD(&mgr->kept);
	INIT_WORK(&mgr->tell, nvgpu_sysfs_tell);
	nvgpu_monitor_init(&pf->monitor, &pf->rm);

	ret = mgr_query_board(pf, &mgr->geo);
	if (ret)
		goto err_lock;
	ret = mgr_init_types(pf);
	if (ret)
		goto err_lock;
	region = mgr_find_region(&pf->gsp.info);
	nvgpu_fbmem_init(&mgr->fb, region->base, region->size);

	ret = nvgpu_bar1_init(&pf->bar1, &pf->gpu, &mgr->fb);
	if (ret) {
		dev_err_probe(&pf->gpu.pdev->dev, ret, "no way to framebuffer through BAR1\n");
		goto err_lock;
	}
	nvgpu_scrub_init(&pf->scrub, &pf->rm, &pf->bar1);
	nvgpu_debugfs_init(pf);
	ret = mgr_start(pf);
	if (ret)
		goto err_debugfs;
	return 0;

err_debugfs:
	nvgpu_debugfs_fini(pf);
	nvgpu_scrub_fini(&pf->scrub);
	nvgpu_bar1_fini(&pf->bar1);
err_lock:
	nvgpu_monitor_fini(&pf->monitor);
	mutex_destroy(&mgr->notify);
	mutex_destroy(&mgr->changing);
	mutex_destroy(&mgr->lock);
	return ret;
}

/**
 * nvgpu_vgpu_mgr_fini() - undo nvgpu_vgpu_mgr_init()
 * @pf: the GPU, without VFs
 *
 * GSP-RM is to be unloaded next; with it goes what it held on to.
 */
void nvgpu_vgpu_mgr_fini(struct nvkm_vgpu_pf *pf)
{
	nvgpu_vgpu_mgr_stop(pf);
	nvgpu_debugfs_fini(pf);
	nvgpu_scrub_fini(&pf->scrub);
	nvgpu_bar1_fini(&pf->bar1);
	nvgpu_provision_drop_kept(pf);
	cancel_work_sync(&pf->mgr.tell);
	nvgpu_monitor_fini(&pf->monitor);
	mutex_destroy(&pf->mgr.notify);
	mutex_destroy(&pf->mgr.changing);
	mutex_destroy(&pf->mgr.lock);
}
