// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boards: whoever has to know one takes it from here, the PCI core included. All are of the Ada
 * generation and have SR-IOV; a VF has the id of its PF.
 *
 * What is not here is left alone on purpose. RTX 5880 Ada (26b3) and L40G (26b8) are known to guest
 * drivers, but nobody has published the ids of their types. GeForce, RTX 4500 Ada and what is below
 * have no vGPUs.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "vgpu/boards.h"

/* device, first_subsystem, first_id, gib, segment_mib, name */
#define BOARD(_device, ...)							\
	{									\
		PCI_DEVICE(PCI_VENDOR_ID_NVIDIA, _device),			\
		.driver_data = (kernel_ulong_t)					\
			&(const struct nvgpu_board) { __VA_ARGS__ },		\
	}

const struct pci_device_id nvgpu_board_ids[] = {
	BOARD(0x26b1, 0x1708,  939, 48, 128, "NVIDIA RTX6000-Ada"),
	BOARD(0x26b2, 0x1821, 1028, 32, 128, "NVIDIA RTX5000-Ada"),
	BOARD(0x26b5, 0x176d,  869, 48, 128, "NVIDIA L40"),
	BOARD(0x26b9, 0x1889, 1145, 48, 128, "NVIDIA L40S"),
	BOARD(0x26ba, 0x1909, 1204, 48, 128, "NVIDIA L20"),
	BOARD(0x27b6, 0x1938, 1245, 24,  64, "NVIDIA L2"),
	BOARD(0x27b8, 0x172f,  908, 24,  64, "NVIDIA L4"),
	{}
};
MODULE_DEVICE_TABLE(pci, nvgpu_board_ids);

/**
 * nvgpu_board_find - what is known of a board
 * @device: PCI device id of the PF
 *
 * Return: the board, NULL when it is not known.
 */
const struct nvgpu_board *nvgpu_board_find(u16 device)
{
	const struct pci_device_id *id;

	for (id = nvgpu_board_ids; id->vendor; id++)
		if (id->device == device)
			return (const struct nvgpu_board *)id->driver_data;
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_board_find);
