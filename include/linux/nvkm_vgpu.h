/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_NVKM_VGPU_H
#define _LINUX_NVKM_VGPU_H

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/types.h>

struct auxiliary_device;
struct pci_dev;
struct nvkm_vgpu;
struct nvkm_vgpu_pf;

/*
 * vGPUs for drivers of VFs. A driver attaches to the vGPU of its VF in probe and detaches in
 * remove; in between it opens and closes it as often as it wants. What the vGPU is, its type, is
 * chosen while it is closed: by the driver, or by an operator in sysfs.
 *
 * What a call may return is told there, and nothing else comes: an answer of firmware that has no
 * place in it is -EIO, with its number in the log. -EIO also says that GSP-RM is dead or does not
 * respond, where that is needed: it fails at once then.
 *
 * No call takes a device lock, so that of the VF may be held: probe, remove and the callbacks of a
 * reset are good places. A lock of the driver's own may be held too, unless @error of &struct
 * nvkm_vgpu_client_ops takes it.
 */

/**
 * enum nvkm_vgpu_error - why an open vGPU cannot go on
 * @NVKM_VGPU_ERROR_GPU: GSP-RM died, or the GPU was reset or removed
 * @NVKM_VGPU_ERROR_PLUGIN: this vGPU's plugin task crashed
 */
enum nvkm_vgpu_error {
	NVKM_VGPU_ERROR_GPU,
	NVKM_VGPU_ERROR_PLUGIN,
};

/**
 * struct nvkm_vgpu_client_ops - what a driver of a VF is told
 * @error: its open vGPU has failed, and all that is left is to close it; or, while nvkm_vgpu_open()
 *	is under way, that one will fail. Called at most once an open, and never once
 *	nvkm_vgpu_close() has returned. What nvkm_vgpu_reset() returns is not told once more.
 *	Context: process, may sleep, but not for long: no message of GSP-RM is read meanwhile. The
 *	API must not be called from it, nor may it wait for who does: close and detach wait for it.
 */
struct nvkm_vgpu_client_ops {
	void (*error)(void *data, enum nvkm_vgpu_error reason);
};

/**
 * struct nvkm_vgpu_identity - what the guest is to see of its vGPU
 * @device: PCI device id
 * @subsystem_vendor: PCI subsystem vendor id
 * @subsystem: PCI subsystem id
 * @bar1_size: bytes of the framebuffer aperture, a power of two, at most the size of the VF's BAR1
 */
struct nvkm_vgpu_identity {
	u16 device;
	u16 subsystem_vendor;
	u16 subsystem;
	u64 bar1_size;
};

/**
 * nvkm_vgpu_attach() - a driver takes the vGPU of its VF
 * @vf: the VF
 * @ops: what the driver is told; stays valid until nvkm_vgpu_detach()
 * @data: for @ops
 *
 * The PF's driver cannot go away while one is attached: it turns VFs off first, and that waits for
 * their drivers.
 *
 * Context: process, in probe of @vf's driver; may sleep, does not wait for firmware.
 * Return: the vGPU, to be given back by nvkm_vgpu_detach(); or ERR_PTR() of -EINVAL if @vf is no VF
 * or its PF is not bound to nvkm-vgpu, which stays so as long as the VF is there; -ENXIO if it is
 * not where a VF would be, or GSP-RM knows no such VF; -EBUSY if another driver is attached;
 * -ENOMEM.
 */
struct nvkm_vgpu *nvkm_vgpu_attach(struct pci_dev *vf, const struct nvkm_vgpu_client_ops *ops,
				   void *data);

/**
 * nvkm_vgpu_detach() - a driver gives the vGPU of its VF back
 * @vgpu: the vGPU, closed; gone afterwards
 *
 * The VF keeps its type.
 *
 * Context: process, in remove of the VF's driver or a probe that fails; may sleep, does not wait
 * for firmware.
 */
void nvkm_vgpu_detach(struct nvkm_vgpu *vgpu);

/**
 * nvkm_vgpu_set_type() - choose what a vGPU is
 * @vgpu: the vGPU, closed
 * @id: number of the type, 0 for none; vgpu/supported_types in the PF's sysfs folder has them
 *
 * Reserves its share of the GPU, so that opening it does not fail for want of that. What the VF had
 * before is gone, also when it does not get the new one. An operator may do the same in sysfs; who
 * comes last has it.
 *
 * Context: process; may sleep, until the framebuffer that the VF had is cleared. If GSP-RM did not
 * confirm the end of the VF's last vGPU it is asked once more, which may take a minute. Neither can
 * be interrupted.
 * Return: 0, -ENODEV if there is no such type or VFs are being turned off, -EBUSY if the vGPU is
 * open (it keeps its type) or GSP-RM is just being asked, -EINVAL if it differs in size from the
 * types of other VFs, -ENOSPC if framebuffer, channels or instances do not suffice, -EIO if GSP-RM
 * holds on to the VF's last vGPU, -ENOMEM.
 */
int nvkm_vgpu_set_type(struct nvkm_vgpu *vgpu, u32 id);

/**
 * nvkm_vgpu_type() - what a vGPU is
 * @vgpu: the vGPU, open or closed
 *
 * Context: process; may sleep, does not wait for firmware.
 * Return: number of the type, 0 if it has none. An operator may change it while it is not open.
 */
u32 nvkm_vgpu_type(struct nvkm_vgpu *vgpu);

/**
 * nvkm_vgpu_open() - bring up a vGPU
 * @vgpu: the vGPU; its VF is out of reset
 *
 * The VF must have been given a type. It is waited for until its framebuffer is cleared of what
 * somebody else left; -EIO if that fails. GSP-RM gets a client and starts the vGPU's plugin task,
 * which is waited for. Afterwards the guest may use the VF, DMA included. If it fails, all is as
 * before, but for a type that is gone if GSP-RM does not let go of what it had begun.
 *
 * Context: process; may sleep, seconds as a rule, bounded; can be killed.
 * Return: 0, to be undone by nvkm_vgpu_close(); -ENODEV if the VF has no type or VFs are being
 * turned off, -EBUSY if it is open or being given a type, or if GSP-RM is off for a sleep or a
 * reset, -EINTR if killed, -ETIMEDOUT or -EIO if GSP-RM or the plugin task does not do its part,
 * -ENOSPC if GSP-RM has no room, -ENOMEM.
 */
int nvkm_vgpu_open(struct nvkm_vgpu *vgpu);

/**
 * nvkm_vgpu_close() - end a vGPU
 * @vgpu: the vGPU, whatever has become of it; nothing happens if it is not open
 *
 * Never fails. What GSP-RM did not confirm to be free is kept from further use, and the VF has no
 * type then. The function is to be kept from DMA before.
 *
 * Context: process; may sleep, bounded, cannot be interrupted; waits for @error of &struct
 * nvkm_vgpu_client_ops.
 */
void nvkm_vgpu_close(struct nvkm_vgpu *vgpu);

/**
 * nvkm_vgpu_identity() - what the guest is to see
 * @vgpu: the vGPU, open
 *
 * Context: any.
 * Return: valid until it is closed.
 */
const struct nvkm_vgpu_identity *nvkm_vgpu_identity(const struct nvkm_vgpu *vgpu);

/**
 * nvkm_vgpu_reset() - put a vGPU into its first state, after a reset of its VF
 * @vgpu: the vGPU, open
 *
 * The function is reset first: what the plugin task is told is the end of all that was under way.
 * If it fails the vGPU has failed, and only closing it helps.
 *
 * What the guest left in framebuffer is cleared.
 *
 * Context: process; may sleep, for seconds, bounded; can be killed. Not with VFIO's memory_lock
 * held: the guest's faults wait for that one.
 * Return: 0, -EINTR if killed, -ETIMEDOUT if the plugin task does not answer, -EIO if it refuses,
 * or the vGPU has failed or is not open.
 */
int nvkm_vgpu_reset(struct nvkm_vgpu *vgpu);

/*
 * What VFs are to be, for drivers that let somebody choose it. Such a driver binds to an auxiliary
 * device that each GPU has, and may use the GPU until its remove returns. It is one more front of
 * what the files in sysfs do, with the same answers.
 */

/* what it binds to is "nvkm_vgpu." with this */
#define NVKM_VGPU_PROVISION	"provision"

/* number of VFs, and of types, that a GPU has at most */
#define NVKM_VGPU_MAX_VFS	32
#define NVKM_VGPU_MAX_TYPES	64

/**
 * struct nvkm_vgpu_type_info - a vGPU type
 * @name: as vgpu/supported_types has it
 * @class_name: what it is for
 * @bar1_size: bytes of the framebuffer aperture
 * @fb_size: bytes of framebuffer that a guest has
 * @profile_size: bytes by which the type is named and placed
 * @heap_size: bytes of framebuffer for its plugin task
 * @fb_reservation: bytes of @profile_size that the guest does not have
 * @max_instance: so many fit on the GPU
 * @num_heads: displays
 * @max_res_x: of a display
 * @max_res_y: of a display
 * @frame_rate_limit: frames a second, 0 for none
 * @device: PCI device id that a guest sees
 * @subsystem: PCI subsystem id that a guest sees
 * @ecc: it has ECC
 */
struct nvkm_vgpu_type_info {
	const char *name;
	const char *class_name;
	u64 bar1_size;
	u64 fb_size;
	u64 profile_size;
	u64 heap_size;
	u64 fb_reservation;
	u32 max_instance;
	u32 num_heads;
	u32 max_res_x;
	u32 max_res_y;
	u32 frame_rate_limit;
	u16 device;
	u16 subsystem;
	bool ecc;
};

/* which members of struct nvkm_vgpu_status are known */
#define NVKM_VGPU_STATUS_SHARE		BIT(0)	/* fb_start to placement_id: the VF has a type */
#define NVKM_VGPU_STATUS_RUNNING	BIT(1)	/* uptime, channel_errors: its vGPU runs */
#define NVKM_VGPU_STATUS_UTIL		BIT(2)	/* util: GSP-RM has told of it lately */
#define NVKM_VGPU_STATUS_GUEST		BIT(3)	/* driver_loaded, fb_used: GSP-RM knows its guest */
#define NVKM_VGPU_STATUS_GUEST_TOLD	BIT(4)	/* what follows: the guest's driver has told it */

#define NVKM_VGPU_NUM_UTILS	4

/**
 * struct nvkm_vgpu_status - how a VF's vGPU is, as the files in vgpu/ of the VF tell it
 * @state: name of its state
 * @type: number of its type, 0 if it has none
 * @known: NVKM_VGPU_STATUS_*
 * @fb_start: framebuffer address
 * @fb_size: bytes
 * @channel_start: first channel
 * @num_channels: number of channels
 * @placement_id: where it is
 * @uptime: seconds since it was opened
 * @channel_errors: since then
 * @util: 1/100 % of memory, graphics, encoder and decoder
 * @driver_loaded: its guest has a driver
 * @fb_used: bytes
 * @frame_rate_limit: frames a second, 0 for none
 * @guest_os: name
 * @license_state: name
 * @version: of the guest's driver; any bytes, ends with 0
 * @branch: of the guest's driver; any bytes, ends with 0
 */
struct nvkm_vgpu_status {
	const char *state;
	u32 type;
	u32 known;
	u64 fb_start;
	u64 fb_size;
	u32 channel_start;
	u32 num_channels;
	u32 placement_id;
	u64 uptime;
	u64 channel_errors;
	u32 util[NVKM_VGPU_NUM_UTILS];
	bool driver_loaded;
	u64 fb_used;
	u32 frame_rate_limit;
	const char *guest_os;
	const char *license_state;
	char version[33];
	char branch[33];
};

/**
 * nvkm_vgpu_mgr_pf() - the GPU of an auxiliary device
 * @adev: the device that the driver is bound to
 *
 * Context: any.
 * Return: the GPU, until the driver is unbound from @adev.
 */
struct nvkm_vgpu_pf *nvkm_vgpu_mgr_pf(struct auxiliary_device *adev);

/**
 * nvkm_vgpu_mgr_vf() - which VF of a GPU is at a PCI address
 * @pf: the GPU
 * @dbdf: domain, bus, device and function
 *
 * Context: process; may sleep, does not wait for firmware.
 * Return: index of the VF, or -ENODEV.
 */
int nvkm_vgpu_mgr_vf(struct nvkm_vgpu_pf *pf, u32 dbdf);

/**
 * nvkm_vgpu_mgr_supported() - types that the GPU has
 * @pf: the GPU
 * @ids: result: their numbers
 *
 * Context: any.
 * Return: their number.
 */
unsigned int nvkm_vgpu_mgr_supported(struct nvkm_vgpu_pf *pf, u32 ids[NVKM_VGPU_MAX_TYPES]);

/**
 * nvkm_vgpu_mgr_creatable() - types that a VF could be given now
 * @pf: the GPU
 * @vf: index of the VF
 * @ids: result: their numbers
 *
 * Context: process; may sleep, does not wait for firmware.
 * Return: their number, 0 if the VF has a type; or -ENOMEM.
 */
int nvkm_vgpu_mgr_creatable(struct nvkm_vgpu_pf *pf, unsigned int vf,
			    u32 ids[NVKM_VGPU_MAX_TYPES]);

/**
 * nvkm_vgpu_mgr_type_info() - what a type is
 * @pf: the GPU
 * @id: number of the type
 * @info: result; its names are valid as long as @pf is
 *
 * Context: any.
 * Return: 0, or -ENODEV if there is no such type.
 */
int nvkm_vgpu_mgr_type_info(struct nvkm_vgpu_pf *pf, u32 id, struct nvkm_vgpu_type_info *info);

/**
 * nvkm_vgpu_mgr_set_type() - choose what a VF is
 * @pf: the GPU
 * @vf: index of the VF
 * @id: number of the type, 0 for none
 *
 * As nvkm_vgpu_set_type(), whoever is attached to the VF.
 *
 * Context: as there.
 * Return: as there.
 */
int nvkm_vgpu_mgr_set_type(struct nvkm_vgpu_pf *pf, unsigned int vf, u32 id);

/**
 * nvkm_vgpu_mgr_type() - what a VF is
 * @pf: the GPU
 * @vf: index of the VF
 *
 * Context: process; may sleep, does not wait for firmware.
 * Return: number of the type, 0 if it has none.
 */
u32 nvkm_vgpu_mgr_type(struct nvkm_vgpu_pf *pf, unsigned int vf);

/**
 * nvkm_vgpu_mgr_status() - how a VF's vGPU is
 * @pf: the GPU
 * @vf: index of the VF
 * @status: result
 *
 * Context: process; may sleep. GSP-RM is asked and waited for, at most once a second.
 */
void nvkm_vgpu_mgr_status(struct nvkm_vgpu_pf *pf, unsigned int vf,
			  struct nvkm_vgpu_status *status);

#endif
