// SPDX-License-Identifier: GPL-2.0-only
/* States of VFs: the one place that writes them. */
#include <kunit/visibility.h>
#include <linux/bits.h>
#include <linux/export.h>
#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "vgpu/pf.h"
#include "vgpu/state.h"
#include "vgpu/trace.h"

static const char * const state_names[] = {
	[NVGPU_VF_FREE] = "free",
	[NVGPU_VF_TYPED] = "typed",
	[NVGPU_VF_BOOTING] = "booting",
	[NVGPU_VF_RUNNING] = "running",
	[NVGPU_VF_RESETTING] = "resetting",
	[NVGPU_VF_FAILED] = "failed",
	[NVGPU_VF_STOPPING] = "stopping",
	[NVGPU_VF_KEPT] = "kept",
};

/* from which states each one may be reached; see the picture in vgpu/pf.h */
static const unsigned long state_from[] = {
	[NVGPU_VF_FREE] = BIT(NVGPU_VF_FREE) | BIT(NVGPU_VF_TYPED) | BIT(NVGPU_VF_STOPPING) |
			  BIT(NVGPU_VF_KEPT),
	[NVGPU_VF_TYPED] = BIT(NVGPU_VF_FREE) | BIT(NVGPU_VF_STOPPING),
	[NVGPU_VF_BOOTING] = BIT(NVGPU_VF_TYPED),
	[NVGPU_VF_RUNNING] = BIT(NVGPU_VF_BOOTING) | BIT(NVGPU_VF_RESETTING),
	[NVGPU_VF_RESETTING] = BIT(NVGPU_VF_RUNNING),
	[NVGPU_VF_FAILED] = BIT(NVGPU_VF_BOOTING) | BIT(NVGPU_VF_RUNNING) |
			    BIT(NVGPU_VF_RESETTING),
	[NVGPU_VF_STOPPING] = BIT(NVGPU_VF_TYPED) | BIT(NVGPU_VF_BOOTING) | BIT(NVGPU_VF_RUNNING) |
			      BIT(NVGPU_VF_RESETTING) | BIT(NVGPU_VF_FAILED) |
			      BIT(NVGPU_VF_KEPT),
	[NVGPU_VF_KEPT] = BIT(NVGPU_VF_STOPPING),
};

/**
 * nvgpu_vf_state_name() - a state for debugfs and traces
 * @state: the state
 */
const char *nvgpu_vf_state_name(enum nvgpu_vf_state state)
{
	return state_names[state];
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_vf_state_name);

/**
 * nvgpu_vf_is_open() - has somebody opened the VF
 * @state: of the VF
 */
bool nvgpu_vf_is_open(enum nvgpu_vf_state state)
{
	return state >= NVGPU_VF_BOOTING && state <= NVGPU_VF_STOPPING;
}

/**
 * nvgpu_vf_next() - go through the VFs of a GPU
 * @pdev: the PF
 * @vf: the last one, or NULL; it is put
 *
 * They come from PCI's bookkeeping each time: an operator may have removed some.
 *
 * Return: the next one, with a reference; NULL if there is none.
 */
struct pci_dev *nvgpu_vf_next(struct pci_dev *pdev, struct pci_dev *vf)
{
	do {
		vf = pci_get_device(PCI_VENDOR_ID_NVIDIA, PCI_ANY_ID, vf);
	} while (vf && (!vf->is_virtfn || vf->physfn != pdev));
	return vf;
}

/**
 * nvgpu_vf_index() - index of a VF
 * @pf: the GPU
 * @vf: a PCI device
 *
 * The PCI core's pci_iov_vf_id() divides by what it has read from the GPU, which may be nonsense
 * after a sleep in which configuration space was not restored.
 *
 * Return: the index, -EINVAL if it is no VF of @pf, or not where a VF would be.
 */
int nvgpu_vf_index(const struct nvkm_vgpu_pf *pf, struct pci_dev *vf)
{
	struct pci_dev *pdev = pf->gpu.pdev;
	int i;

	if (!vf->is_virtfn || vf->physfn != pdev)
		return -EINVAL;
	for (i = 0; i < NVGPU_MAX_VFS; i++)
		if (vf->devfn == pci_iov_virtfn_devfn(pdev, i))
			return array_index_nospec(i, NVGPU_MAX_VFS);
	return -EINVAL;
}

/**
 * nvgpu_vf_get() - a VF by its index
 * @mgr: the GPU's vGPU manager
 * @vf: index of the VF
 *
 * Context: &nvgpu_vgpu_mgr.lock is held.
 */
struct nvgpu_vf *nvgpu_vf_get(struct nvgpu_vgpu_mgr *mgr, unsigned int vf)
	__must_hold(&mgr->lock)
{
	lockdep_assert_held(&mgr->lock);
	return &mgr->vf[array_index_nospec(vf, NVGPU_MAX_VFS)];
}

/**
 * nvgpu_vf_move_locked() - nvgpu_vf_move() for who holds &nvgpu_vgpu_mgr.lock
 * @pf: the GPU
 * @vf: index of the VF
 * @to: the state
 *
 * Return: as nvgpu_vf_move().
 */
bool nvgpu_vf_move_locked(struct nvkm_vgpu_pf *pf, unsigned int vf, enum nvgpu_vf_state to)
	__must_hold(&pf->mgr.lock)
{
	struct nvgpu_vf *state = nvgpu_vf_get(&pf->mgr, vf);

	if (!(state_from[to] & BIT(state->state)))
		return false;
	if (to == NVGPU_VF_RUNNING && state->state == NVGPU_VF_BOOTING)
		state->since = ktime_get_boottime_seconds();
	state->state = to;
	__set_bit(vf, pf->mgr.moved);
	queue_work(system_dfl_wq, &pf->mgr.tell);
	trace_nvgpu_vf_state(pf->gpu.pdev, vf + 1, state_names[to]);
	return true;
}

/**
 * nvgpu_vf_move() - a VF goes into another state
 * @pf: the GPU
 * @vf: index of the VF
 * @to: the state
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 * Return: false, and nothing happens, if there is no way to it from where the VF is.
 */
bool nvgpu_vf_move(struct nvkm_vgpu_pf *pf, unsigned int vf, enum nvgpu_vf_state to)
{
	guard(mutex)(&pf->mgr.lock);
	return nvgpu_vf_move_locked(pf, vf, to);
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_vf_move);

/**
 * nvgpu_vf_note_guest() - have user space told that a guest has changed
 * @pf: the GPU
 * @vf: index of the guest's VF
 *
 * Context: may sleep; takes &nvgpu_vgpu_mgr.lock.
 */
void nvgpu_vf_note_guest(struct nvkm_vgpu_pf *pf, unsigned int vf)
{
	guard(mutex)(&pf->mgr.lock);
	__set_bit(vf, pf->mgr.guests);
	queue_work(system_dfl_wq, &pf->mgr.tell);
}

/**
 * nvgpu_vf_state() - where a VF is
 * @pf: the GPU
 * @vf: index of the VF
 */
enum nvgpu_vf_state nvgpu_vf_state(struct nvkm_vgpu_pf *pf, unsigned int vf)
{
	guard(mutex)(&pf->mgr.lock);
	return nvgpu_vf_get(&pf->mgr, vf)->state;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_vf_state);
