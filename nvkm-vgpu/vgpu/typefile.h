/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NVKM_VGPU_TYPEFILE_H
#define _NVKM_VGPU_TYPEFILE_H

#include <linux/types.h>

struct device;
struct nvgpu_fwabi;
struct nvgpu_geometry;
struct nvgpu_type;

/*
 * The file, little endian, as NVIDIA's RFC v2 has it (metadata.h): header, then blobs of any board.
 * A blob of types is its two headers, an array of structures for NVIDIA's driver, and the
 * parameters of the control that adds the types.
 */
#define NVGPU_TYPEFILE_MAGIC		"NVVGPUMT"
#define NVGPU_TYPEFILE_CRC_START	16	/* the CRC is of what follows, and not inverted */
#define NVGPU_TYPEFILE_BLOB_TYPES	0

struct nvgpu_typefile_header {
	u8 magic[8];
	__le32 crc;
	__le32 pad;
	__le64 vgpu_major, vgpu_minor;
	u8 features[128];
	u8 gsp_version[64];
	__le64 num_blobs;
};

struct nvgpu_typefile_blob {
	__le64 type;
	__le64 size;		/* with this header */
};

struct nvgpu_typefile_types {
	__le64 device;
	__le64 info_offset;	/* in the control's parameters */
	__le64 info_size;	/* of one record */
	__le64 structs_size;	/* of all structures */
	__le64 num_structs;
	__le64 control;
	__le64 control_size;
};

#define NVGPU_TYPEFILE_PATH	"nvidia/vgpu-%s.bin"
#define NVGPU_TYPEFILE_PATH_MAX	64

/* what a message about a file may take */
#define NVGPU_TYPEFILE_WHY_MAX	160

/**
 * struct nvgpu_typefile_board - what types have to fit
 * @device: PCI device id of the PF
 * @gib: framebuffer that is divided among vGPUs
 * @bar1_size: bytes of a VF's BAR1
 * @geo: what GSP-RM says of it
 */
struct nvgpu_typefile_board {
	u16 device;
	u32 gib;
	u64 bar1_size;
	const struct nvgpu_geometry *geo;
};

int nvgpu_typefile_parse(const u8 *file, size_t size, const struct nvgpu_fwabi *abi,
			 const struct nvgpu_typefile_board *board, struct nvgpu_type *types,
			 char *why);
int nvgpu_typefile_load(struct device *dev, const struct nvgpu_fwabi *abi,
			const struct nvgpu_typefile_board *board, struct nvgpu_type *types);

#endif
