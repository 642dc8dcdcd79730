// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a VF that only tell: what its vGPU has of the GPU, how it is, and what GSP-RM knows
 * of its guest. One value a file. See Documentation/ABI/testing/sysfs-driver-nvkm-vgpu.
 */

#include <linux/nvkm_vgpu.h>
#include <linux/pci.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>

#include "vgpu/pf.h"
#include "vgpu/state.h"
#include "vgpu/status.h"

/* the files of a VF are removed before the PF's data go, and removal waits for readers */
static struct nvkm_vgpu_pf *status_pf(struct device *dev)
{
	return pci_get_drvdata(pci_physfn(to_pci_dev(dev)));
}

/* a copy; -ENODATA if it has no share of the GPU */
static int status_share(struct device *dev, struct nvgpu_placement *place, struct nvgpu_range *fb)
{
	struct nvkm_vgpu_pf *pf = status_pf(dev);
	int vf = nvgpu_vf_index(pf, to_pci_dev(dev));
	const struct nvgpu_reservation *rsv;

	if (vf < 0)
		return -ENODEV;
	guard(mutex)(&pf->mgr.lock);
	rsv = nvgpu_vf_get(&pf->mgr, vf)->rsv;
	if (!rsv)
		return -ENODATA;
	*place = rsv->place;
	*fb = (struct nvgpu_range) { rsv->fb.start, rsv->fb.size };
	return 0;
}

/* index of a VF whose vGPU runs; -ENODATA if it does not */
static int status_running(struct device *dev)
{
	struct nvkm_vgpu_pf *pf = status_pf(dev);
	int vf = nvgpu_vf_index(pf, to_pci_dev(dev));
	enum nvgpu_vf_state state;

	if (vf < 0)
		return -ENODEV;
	state = nvgpu_vf_state(pf, vf);
	return state == NVGPU_VF_RUNNING || state == NVGPU_VF_RESETTING ? vf : -ENODATA;
}

static int status_guest(struct device *dev, struct nvgpu_guest *guest)
{
	int vf = status_running(dev);

	return vf < 0 ? vf : nvgpu_monitor_guest(&status_pf(dev)->monitor, vf, guest);
}

/* what the guest has told, if it has */
static int status_guest_told(struct device *dev, struct nvgpu_guest *guest)
{
	int ret = status_guest(dev, guest);

	return ret ?: guest->valid ? 0 : -ENODATA;
}

/* ---- the vGPU -------------------------------------------------------------------------------- */

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct nvkm_vgpu_pf *pf = status_pf(dev);
	int vf = nvgpu_vf_index(pf, to_pci_dev(dev));

	if (vf < 0)
		return -ENODEV;
	return sysfs_emit(buf, "%s\n", nvgpu_vf_state_name(nvgpu_vf_state(pf, vf)));
}
static DEVICE_ATTR_RO(state);

static ssize_t uptime_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct nvkm_vgpu_pf *pf = status_pf(dev);
	int vf = status_running(dev);
	time64_t since;

	if (vf < 0)
		return vf;
	scoped_guard(mutex, &pf->mgr.lock)
		since = nvgpu_vf_get(&pf->mgr, vf)->since;
	return sysfs_emit(buf, "%lld\n", ktime_get_boottime_seconds() - since);
}
static DEVICE_ATTR_RO(uptime);

#define STATUS_SHARE(name, format, value)							\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf)	\
{												\
	struct nvgpu_placement place;								\
	struct nvgpu_range fb;									\
												\
	return status_share(dev, &place, &fb) ?: sysfs_emit(buf, format "\n", value);		\
}												\
static DEVICE_ATTR_RO(name)

STATUS_SHARE(fb_start, "%#llx", fb.start);
STATUS_SHARE(fb_size, "%llu", fb.size);
STATUS_SHARE(channel_start, "%u", place.chid_start);
STATUS_SHARE(num_channels, "%u", place.num_chids);
STATUS_SHARE(placement_id, "%u", place.id);

static ssize_t channel_errors_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	int vf = status_running(dev);

	if (vf < 0)
		return vf;
	return sysfs_emit(buf, "%llu\n",
			  nvgpu_monitor_channel_errors(&status_pf(dev)->monitor, vf));
}
static DEVICE_ATTR_RO(channel_errors);

#define STATUS_UTIL(name, which)								\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf)	\
{												\
	return status_util(dev, which, buf);							\
}												\
static DEVICE_ATTR_RO(name)

static ssize_t status_util(struct device *dev, enum nvgpu_util_engine engine, char *buf)
{
	int ret, vf = status_running(dev);
	u32 util;

	if (vf < 0)
		return vf;
	ret = nvgpu_monitor_util(&status_pf(dev)->monitor, vf, engine, &util);
	return ret ?: sysfs_emit(buf, "%u.%02u\n", util / 100, util % 100);
}

STATUS_UTIL(util_memory, NVGPU_UTIL_MEMORY);
STATUS_UTIL(util_graphics, NVGPU_UTIL_GRAPHICS);
STATUS_UTIL(util_encoder, NVGPU_UTIL_ENCODER);
STATUS_UTIL(util_decoder, NVGPU_UTIL_DECODER);

/* ---- its guest ------------------------------------------------------------------------------- */

static const char * const license_names[] = {
	[NVGPU_LICENSE_UNKNOWN] = "unknown",
	[NVGPU_LICENSE_UNINITIALIZED] = "uninitialized",
	[NVGPU_LICENSE_UNRESTRICTED] = "unlicensed (unrestricted)",
	[NVGPU_LICENSE_RESTRICTED] = "unlicensed (restricted)",
	[NVGPU_LICENSE_UNLICENSED] = "unlicensed",
	[NVGPU_LICENSE_LICENSED] = "licensed",
};

static const char * const guest_os_names[] = {
	[NVGPU_GUEST_OS_UNKNOWN] = "unknown",
	[NVGPU_GUEST_OS_LINUX] = "Linux",
	[NVGPU_GUEST_OS_WINDOWS_7] = "Windows 7",
	[NVGPU_GUEST_OS_WINDOWS_10] = "Windows 10 or later",
};

#define STATUS_GUEST(name, get, format, ...)							\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf)	\
{												\
	struct nvgpu_guest guest;								\
												\
	return get(dev, &guest) ?: sysfs_emit(buf, format "\n", __VA_ARGS__);			\
}												\
static DEVICE_ATTR_RO(name)

STATUS_GUEST(guest_driver_loaded, status_guest, "%u", guest.driver_loaded);
STATUS_GUEST(fb_used, status_guest, "%llu", guest.fb_used);
/* the guest's to choose */
STATUS_GUEST(guest_driver_version, status_guest_told, "%*pE", (int)strlen(guest.version),
	     guest.version);
STATUS_GUEST(guest_driver_branch, status_guest_told, "%*pE", (int)strlen(guest.branch),
	     guest.branch);
STATUS_GUEST(guest_os, status_guest_told, "%s", guest_os_names[guest.os]);
STATUS_GUEST(license_state, status_guest_told, "%s", license_names[guest.license]);
STATUS_GUEST(frame_rate_limit, status_guest_told, "%u", guest.frame_rate_limit);

static struct attribute *status_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_uptime.attr,
	&dev_attr_fb_start.attr,
	&dev_attr_fb_size.attr,
	&dev_attr_channel_start.attr,
	&dev_attr_num_channels.attr,
	&dev_attr_placement_id.attr,
	&dev_attr_channel_errors.attr,
	&dev_attr_util_memory.attr,
	&dev_attr_util_graphics.attr,
	&dev_attr_util_encoder.attr,
	&dev_attr_util_decoder.attr,
	&dev_attr_guest_driver_loaded.attr,
	&dev_attr_fb_used.attr,
	&dev_attr_guest_driver_version.attr,
	&dev_attr_guest_driver_branch.attr,
	&dev_attr_guest_os.attr,
	&dev_attr_license_state.attr,
	&dev_attr_frame_rate_limit.attr,
	NULL
};

/* beside "nvidia", which has the product's files and no others */
const struct attribute_group nvgpu_status_group = {
	.name = "vgpu",
	.attrs = status_attrs,
};

/* ---- all of it at once ----------------------------------------------------------------------- */

static_assert(NVKM_VGPU_NUM_UTILS == NVGPU_UTIL_ENGINES);
static_assert(sizeof_field(struct nvkm_vgpu_status, version) ==
	      sizeof_field(struct nvgpu_guest, version));
static_assert(sizeof_field(struct nvkm_vgpu_status, branch) ==
	      sizeof_field(struct nvgpu_guest, branch));

static void status_get_guest(struct nvkm_vgpu_pf *pf, unsigned int vf,
			     struct nvkm_vgpu_status *status)
{
	struct nvgpu_guest guest;

	if (nvgpu_monitor_guest(&pf->monitor, vf, &guest))
		return;
	status->known |= NVKM_VGPU_STATUS_GUEST;
	status->driver_loaded = guest.driver_loaded;
	status->fb_used = guest.fb_used;
	if (!guest.valid)
		return;
	status->known |= NVKM_VGPU_STATUS_GUEST_TOLD;
	status->frame_rate_limit = guest.frame_rate_limit;
	status->guest_os = guest_os_names[guest.os];
	status->license_state = license_names[guest.license];
	strscpy_pad(status->version, guest.version);
	strscpy_pad(status->branch, guest.branch);
}

static void status_get_utils(struct nvkm_vgpu_pf *pf, unsigned int vf,
			     struct nvkm_vgpu_status *status)
{
	unsigned int i;

	for (i = 0; i < NVKM_VGPU_NUM_UTILS; i++)
		if (nvgpu_monitor_util(&pf->monitor, vf, i, &status->util[i]))
			return;
	status->known |= NVKM_VGPU_STATUS_UTIL;
}

/**
 * nvgpu_status_get() - how a VF's vGPU is
 * @pf: the GPU
 * @vf: index of the VF
 * @status: result
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock and &nvgpu_monitor.ask.
 */
void nvgpu_status_get(struct nvkm_vgpu_pf *pf, unsigned int vf, struct nvkm_vgpu_status *status)
{
	const struct nvgpu_reservation *rsv;
	enum nvgpu_vf_state state;

	*status = (struct nvkm_vgpu_status) {};
	scoped_guard(mutex, &pf->mgr.lock) {
		state = nvgpu_vf_get(&pf->mgr, vf)->state;
		status->state = nvgpu_vf_state_name(state);
		rsv = nvgpu_vf_get(&pf->mgr, vf)->rsv;
		if (rsv) {
			status->known = NVKM_VGPU_STATUS_SHARE;
			status->type = rsv->type->id;
			status->fb_start = rsv->fb.start;
			status->fb_size = rsv->fb.size;
			status->channel_start = rsv->place.chid_start;
			status->num_channels = rsv->place.num_chids;
			status->placement_id = rsv->place.id;
		}
		status->uptime = ktime_get_boottime_seconds() - nvgpu_vf_get(&pf->mgr, vf)->since;
	}
	if (state != NVGPU_VF_RUNNING && state != NVGPU_VF_RESETTING) {
		status->uptime = 0;
		return;
	}
	status->known |= NVKM_VGPU_STATUS_RUNNING;
	status->channel_errors = nvgpu_monitor_channel_errors(&pf->monitor, vf);
	status_get_utils(pf, vf, status);
	status_get_guest(pf, vf, status);
}

/* ---- who polls ------------------------------------------------------------------------------- */

/* files that who polls them is told of */
static const struct status_polled {
	const char *name;
	bool guest;
} status_polled[] = {
	{ "state" },
	{ "guest_driver_loaded", .guest = true },
	{ "guest_driver_version", .guest = true },
	{ "guest_driver_branch", .guest = true },
	{ "guest_os", .guest = true },
	{ "license_state", .guest = true },
};

static_assert(ARRAY_SIZE(status_polled) == NVGPU_POLLED_FILES);

/**
 * nvgpu_status_watch() - get ready to tell who polls files of a VF
 * @pf: the GPU
 * @vf: one of its VFs, with its files
 *
 * The files are remembered: they cannot be looked up later, when an operator may just be removing
 * the VF.
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 */
void nvgpu_status_watch(struct nvkm_vgpu_pf *pf, struct pci_dev *vf)
{
	struct kernfs_node *dir = sysfs_get_dirent(vf->dev.kobj.sd, nvgpu_status_group.name);
	int index = nvgpu_vf_index(pf, vf);
	unsigned int i;

	guard(mutex)(&pf->mgr.lock);
	for (i = 0; index >= 0 && dir && i < NVGPU_POLLED_FILES; i++)
		nvgpu_vf_get(&pf->mgr, index)->polled[i] =
			sysfs_get_dirent(dir, status_polled[i].name);
	sysfs_put(dir);
}

/**
 * nvgpu_status_unwatch() - undo nvgpu_status_watch() for all VFs
 * @pf: the GPU
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 */
void nvgpu_status_unwatch(struct nvkm_vgpu_pf *pf)
{
	struct nvgpu_vf *vf;
	unsigned int i;

	guard(mutex)(&pf->mgr.lock);
	for (vf = pf->mgr.vf; vf < pf->mgr.vf + NVGPU_MAX_VFS; vf++)
		for (i = 0; i < NVGPU_POLLED_FILES; i++) {
			sysfs_put(vf->polled[i]);
			vf->polled[i] = NULL;
		}
}

/**
 * nvgpu_status_notify() - tell who polls files of a VF
 * @vf: the VF
 * @moved: its state is another one
 * @guest: its guest may be
 *
 * Context: &nvgpu_vgpu_mgr.lock is held.
 */
void nvgpu_status_notify(struct nvgpu_vf *vf, bool moved, bool guest)
{
	unsigned int i;

	for (i = 0; i < NVGPU_POLLED_FILES; i++)
		if (vf->polled[i] && (status_polled[i].guest ? guest : moved))
			sysfs_notify_dirent(vf->polled[i]);
}
