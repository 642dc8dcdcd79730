// SPDX-License-Identifier: GPL-2.0-only
/*
 * Of a GPU, in /sys/kernel/debug/nvkm-vgpu-<PF>/: what is reserved, what calls cost, and GSP-RM's
 * logs as it writes them: a put pointer that counts words of 8 bytes, a list of pages, and words
 * whose meaning is not published.
 */

#include <linux/debugfs.h>
#include <linux/pci.h>
#include <linux/seq_file.h>

#include "vgpu/debugfs.h"
#include "vgpu/pf.h"
#include "vgpu/state.h"

static void debugfs_show_reservation(struct seq_file *seq, const struct nvgpu_reservation *rsv,
				     const char *state)
{
	struct nvkm_vgpu_pf *pf = seq->private;

	seq_printf(seq, "gfid %u type %u %s placement %u fb %#llx+%#llx heap %#llx+%#llx chid %u+%u %s\n",
		   rsv->gfid, rsv->type->id, state, rsv->place.id, rsv->fb.start, rsv->fb.size,
		   rsv->heap.start, rsv->heap.size, rsv->place.chid_start, rsv->place.num_chids,
		   nvgpu_scrub_is_clean(&pf->scrub, &rsv->scrub) ? "clean" : "dirty");
}

static int reservations_show(struct seq_file *seq, void *unused)
{
	struct nvkm_vgpu_pf *pf = seq->private;
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	const struct nvgpu_reservation *rsv;
	unsigned int i;

	guard(mutex)(&mgr->lock);

	seq_printf(seq, "fb %#llx+%#llx used %#llx segment %#llx ecc %u\n", mgr->fb.start,
		   mgr->fb.end - mgr->fb.start, nvgpu_fbmem_used(&mgr->fb), mgr->geo.segment,
		   mgr->geo.ecc);
	seq_printf(seq, "gsp-rm %s\n", nvgpu_health_name(&pf->gsp.health));
	seq_printf(seq, "chids %u used %u\n", mgr->geo.num_chids, nvgpu_chids_used(&mgr->chids));
	seq_printf(seq, "tables %#llx+%#llx\n", pf->bar1.tables.start, pf->bar1.tables.size);

	for (i = 0; i < NVGPU_MAX_VFS; i++)
		if (mgr->vf[i].rsv)
			debugfs_show_reservation(seq, mgr->vf[i].rsv,
						 nvgpu_vf_state_name(mgr->vf[i].state));
	list_for_each_entry(rsv, &mgr->kept, node)
		debugfs_show_reservation(seq, rsv, nvgpu_vf_state_name(NVGPU_VF_KEPT));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(reservations);

static int scrub_show(struct seq_file *seq, void *unused)
{
	struct nvkm_vgpu_pf *pf = seq->private;
	struct nvgpu_scrub *scrub = &pf->scrub;
	const struct nvgpu_scrub_job *job;

	guard(mutex)(&scrub->lock);
	seq_printf(seq, "engine %u runlist %u\n", scrub->chan.engine.type,
		   scrub->chan.engine.runlist);
	seq_printf(seq, "launches %llu bytes %llu failures %llu\n", scrub->launches, scrub->bytes,
		   scrub->failures);
	list_for_each_entry(job, &scrub->queue, node)
		seq_printf(seq, "gfid %u block %u of %u done %#llx of %#llx\n", job->gfid,
			   job->index, job->num, job->done, job->block[job->index]->size);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(scrub);

static int rpc_show(struct seq_file *seq, void *unused)
{
	struct nvkm_vgpu_pf *pf = seq->private;
	struct nvgpu_rpc *rpc = &pf->gsp.rpc;

	guard(mutex)(&rpc->receive);
	seq_printf(seq, "calls %llu looks %llu\n", rpc->calls, rpc->looks);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rpc);

/**
 * nvgpu_debugfs_init() - make the files of a GPU
 * @pf: the GPU
 */
void nvgpu_debugfs_init(struct nvkm_vgpu_pf *pf)
{
	char name[32];

	snprintf(name, sizeof(name), "nvkm-vgpu-%s", pci_name(pf->gpu.pdev));
	pf->mgr.debugfs = debugfs_create_dir(name, NULL);
	debugfs_create_file("reservations", 0400, pf->mgr.debugfs, pf, &reservations_fops);
	debugfs_create_file("scrub", 0400, pf->mgr.debugfs, pf, &scrub_fops);
}

/**
 * nvgpu_debugfs_start() - make the files that are about GSP-RM
 * @pf: the GPU, GSP-RM loaded
 */
void nvgpu_debugfs_start(struct nvkm_vgpu_pf *pf)
{
	struct debugfs_blob_wrapper *blob = pf->mgr.log_blob;
	const struct nvgpu_boot *boot = &pf->gsp.boot;
	unsigned int i;

	debugfs_create_file("rpc", 0400, pf->mgr.debugfs, pf, &rpc_fops);
	for (i = 0; i < NVGPU_BOOT_LOGS; i++) {
		blob[i].data = boot->log[i].cpu;
		blob[i].size = boot->log[i].size;
		debugfs_create_blob(nvgpu_boot_log_names[i], 0400, pf->mgr.debugfs, &blob[i]);
	}
}

/**
 * nvgpu_debugfs_stop() - undo nvgpu_debugfs_start(); GSP-RM's memory is to go
 * @pf: the GPU
 *
 * Context: waits for readers.
 */
void nvgpu_debugfs_stop(struct nvkm_vgpu_pf *pf)
{
	unsigned int i;

	debugfs_lookup_and_remove("rpc", pf->mgr.debugfs);
	for (i = 0; i < NVGPU_BOOT_LOGS; i++)
		debugfs_lookup_and_remove(nvgpu_boot_log_names[i], pf->mgr.debugfs);
}

/**
 * nvgpu_debugfs_fini() - remove the files of a GPU
 * @pf: the GPU
 */
void nvgpu_debugfs_fini(struct nvkm_vgpu_pf *pf)
{
	debugfs_remove_recursive(pf->mgr.debugfs);
	pf->mgr.debugfs = NULL;
}
