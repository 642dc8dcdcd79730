/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_BOARDS_H
#define _NVKM_VGPU_BOARDS_H

#include <linux/mod_devicetable.h>
#include <linux/types.h>

/**
 * struct nvgpu_board - what is known of a board before it is looked at
 * @first_subsystem: subsystem id of the board's first vGPU type; others follow in steps of one
 * @first_id: id of that type; others follow in steps of one
 * @gib: framebuffer that is divided among vGPUs
 * @segment_mib: VMMU segment, framebuffer of guests is whole ones
 * @name: what the names of types begin with
 */
struct nvgpu_board {
	u16 first_subsystem;
	u16 first_id;
	u8 gib;
	u8 segment_mib;
	const char *name;
};

extern const struct pci_device_id nvgpu_board_ids[];

const struct nvgpu_board *nvgpu_board_find(u16 device);

#endif
