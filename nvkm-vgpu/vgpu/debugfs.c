// SPDX-License-Identifier: GPL-2.0-only
/*
 * Of a GPU, in /sys/kernel/debug/nvkm-vgpu-<PF>/: which firmware it has, what is reserved, the vGPU
 * types and where they are from, what calls cost, what GSP-RM said unasked, and its logs as it
 * writes them: a put pointer that counts words of 8 bytes, a list of pages, and words whose meaning
 * is not published. Those of a vGPU's plugin task are in a folder of its own, as long as it is
 * open, also when the task has crashed.
 */

#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vgpu/debugfs.h"
#include "vgpu/pf.h"
#include "vgpu/state.h"
#include "vgpu/typefile.h"

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

/* what is left of framebuffer when all vGPUs of a type are there, beside what GSP-RM wants left */
static void debugfs_show_type(struct seq_file *seq, const struct nvgpu_type *type)
{
	struct nvkm_vgpu_pf *pf = seq->private;
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	u64 fb = nvgpu_guest_fb_size(&mgr->geo, type), reserve;
	s64 left;

	scoped_guard(mutex, &mgr->lock)
		left = mgr->fb.end - mgr->geo.fb_start;
	left -= type->max_instance * (fb + type->heap_size);
	seq_printf(seq, "type %u instances %u profile %#llx fb %#llx of %#llx heap %#llx reservation %#llx left %lld MiB",
		   type->id, type->max_instance, type->profile_size, fb, type->fb_size,
		   type->heap_size, type->fb_reservation, div_s64(left, SZ_1M));
	if (nvgpu_types_host_reserve(&pf->rm, type, &reserve))
		seq_puts(seq, " host unknown\n");
	else
		seq_printf(seq, " host %llu MiB\n", div_u64(reserve, SZ_1M));
}

static int types_show(struct seq_file *seq, void *unused)
{
	struct nvkm_vgpu_pf *pf = seq->private;
	struct nvgpu_vgpu_mgr *mgr = &pf->mgr;
	unsigned int i;

	if (mgr->types_of_file)
		seq_printf(seq, "table " NVGPU_TYPEFILE_PATH "\n", pf->gpu.abi->version);
	else
		seq_puts(seq, "table built-in\n");
	for (i = 0; i < mgr->num_types; i++)
		debugfs_show_type(seq, &mgr->types[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(types);

static int scrub_show(struct seq_file *seq, void *unused)
{
	struct nvkm_vgpu_pf *pf = seq->private;
	struct nvgpu_scrub *scrub = &pf->scrub;
	const struct nvgpu_scrub_job *job;

	guard(mutex)(&scrub->lock);
	seq_printf(seq, "engine %u runlist %u\n", scrub->engine.type, scrub->engine.runlist);
	seq_printf(seq, "launches %llu bytes %llu failures %llu interrupts %u\n", scrub->launches,
		   scrub->bytes, scrub->failures, atomic_read(&scrub->interrupts));
	list_for_each_entry(job, &scrub->queue, node)
		seq_printf(seq, "gfid %u block %u of %u done %#llx of %#llx\n", job->gfid,
			   job->index, job->num, job->done, job->block[job->index]->size);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(scrub);

static int firmware_show(struct seq_file *seq, void *unused)
{
	struct nvkm_vgpu_pf *pf = seq->private;

	seq_printf(seq, "gsp-rm %s\nscrubber %s\n", pf->gpu.abi->version,
		   pf->gsp.boot.booter.scrubber_version ?: "none");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(firmware);

static int rpc_show(struct seq_file *seq, void *unused)
{
	struct nvkm_vgpu_pf *pf = seq->private;
	struct nvgpu_rpc *rpc = &pf->gsp.rpc;

	guard(mutex)(&rpc->receive);
	seq_printf(seq, "calls %llu looks %llu\n", rpc->calls, rpc->looks);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rpc);

static int events_show(struct seq_file *seq, void *unused)
{
	struct nvkm_vgpu_pf *pf = seq->private;
	const struct nvgpu_events *events = &pf->gsp.events;
	unsigned int i;

	guard(mutex)(&pf->gsp.rpc.receive);
	for (i = 0; i < NVGPU_EVENTS_COUNTED; i++)
		if (events->seen[i].name)
			seq_printf(seq, "%s %llu\n", events->seen[i].name, events->seen[i].count);
	seq_printf(seq, "unknown %llu\n", events->unknown);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(events);

static void debugfs_show_range(struct seq_file *seq, u64 start, u64 size, const char *what,
			       u32 gfid)
{
	if (!size)
		return;
	if (gfid)
		seq_printf(seq, "%#llx+%#llx vgpu %u %s\n", start, size, gfid, what);
	else
		seq_printf(seq, "%#llx+%#llx %s\n", start, size, what);
}

static void debugfs_show_share(struct seq_file *seq, const struct nvgpu_reservation *rsv)
{
	debugfs_show_range(seq, rsv->fb.start, rsv->fb.size, "fb", rsv->gfid);
	debugfs_show_range(seq, rsv->heap.start, rsv->heap.size, "heap", rsv->gfid);
}

/* who has what; the rest is free */
static int framebuffer_show(struct seq_file *seq, void *unused)
{
	struct nvkm_vgpu_pf *pf = seq->private;
	const struct nvgpu_static_info *info = &pf->gsp.info;
	const struct nvgpu_reservation *rsv;
	unsigned int i;

	guard(mutex)(&pf->mgr.lock);
	debugfs_show_range(seq, 0, info->fb_size, "framebuffer", 0);
	for (i = 0; i < info->num_fb_regions; i++)
		if (!info->fb_region[i].usable)
			debugfs_show_range(seq, info->fb_region[i].base, info->fb_region[i].size,
					   "gsp-rm", 0);
	debugfs_show_range(seq, pf->bar1.tables.start, pf->bar1.tables.size, "tables", 0);
	for (i = 0; i < NVGPU_MAX_VFS; i++)
		if (pf->mgr.vf[i].rsv)
			debugfs_show_share(seq, pf->mgr.vf[i].rsv);
	list_for_each_entry(rsv, &pf->mgr.kept, node)
		debugfs_show_share(seq, rsv);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(framebuffer);

/* ---- logs of a vGPU, in its plugin task's heap ----------------------------------------------- */

static ssize_t debugfs_read_log(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	void *buf __free(kfree) = kmalloc(PAGE_SIZE, GFP_KERNEL);
	const struct nvgpu_debugfs_log *log = file->private_data;
	loff_t at = *pos;

	if (!buf)
		return -ENOMEM;
	if (at < 0 || at >= log->size)
		return 0;
	count = min3(count, log->size - (size_t)at, PAGE_SIZE);
	memcpy_fromio(buf, log->base + at, count);
	if (copy_to_user(to, buf, count))
		return -EFAULT;
	*pos += count;
	return count;
}

static const struct file_operations log_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = debugfs_read_log,
	.llseek = default_llseek,
};

static void debugfs_add_log(struct nvgpu_debugfs_logs *logs, const char *name,
			    struct nvgpu_debugfs_log *log, void __iomem *base, size_t size)
{
	*log = (struct nvgpu_debugfs_log) { base, size };
	debugfs_create_file(name, 0400, logs->dir, log, &log_fops);
}

/**
 * nvgpu_debugfs_add_logs() - make the files with the logs of a vGPU
 * @pf: the GPU
 * @gfid: of the vGPU
 * @comm: its communication area, until nvgpu_debugfs_remove_logs()
 * @logs: result
 */
void nvgpu_debugfs_add_logs(struct nvkm_vgpu_pf *pf, u32 gfid, void __iomem *comm,
			    struct nvgpu_debugfs_logs *logs)
{
	const struct nvgpu_plugin_layout *lay = &pf->gpu.abi->plugin;
	char name[16];

	snprintf(name, sizeof(name), "vgpu%u", gfid);
	logs->dir = debugfs_create_dir(name, pf->mgr.debugfs);
	debugfs_add_log(logs, "init_log", &logs->init, comm + lay->init_log, lay->init_log_size);
	debugfs_add_log(logs, "task_log", &logs->task, comm + lay->task_log, lay->task_log_size);
	if (lay->kernel_log_size)
		debugfs_add_log(logs, "kernel_log", &logs->kernel, comm + lay->kernel_log,
				lay->kernel_log_size);
}

/**
 * nvgpu_debugfs_remove_logs() - undo nvgpu_debugfs_add_logs()
 * @logs: of the vGPU
 *
 * Context: waits for readers.
 */
void nvgpu_debugfs_remove_logs(struct nvgpu_debugfs_logs *logs)
{
	debugfs_remove_recursive(logs->dir);
	logs->dir = NULL;
}

/* ---- start and end --------------------------------------------------------------------------- */

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
	debugfs_create_file("framebuffer", 0400, pf->mgr.debugfs, pf, &framebuffer_fops);
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

	debugfs_create_file("firmware", 0400, pf->mgr.debugfs, pf, &firmware_fops);
	debugfs_create_file("rpc", 0400, pf->mgr.debugfs, pf, &rpc_fops);
	debugfs_create_file("events", 0400, pf->mgr.debugfs, pf, &events_fops);
	/* GSP-RM is asked for a part of it */
	debugfs_create_file("types", 0400, pf->mgr.debugfs, pf, &types_fops);
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

	debugfs_lookup_and_remove("types", pf->mgr.debugfs);
	debugfs_lookup_and_remove("firmware", pf->mgr.debugfs);
	debugfs_lookup_and_remove("rpc", pf->mgr.debugfs);
	debugfs_lookup_and_remove("events", pf->mgr.debugfs);
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
