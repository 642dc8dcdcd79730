// SPDX-License-Identifier: GPL-2.0-only
/*
 * Built-in vGPU types of the Ada boards.
 *
 * What a guest driver and NVIDIA's tools know about a type is a matter of three things: the board,
 * the amount of framebuffer and the series. The B series is a desktop, Q a workstation, A a single
 * small screen for applications. Type ids and subsystem ids of a board are consecutive in the order
 * B, Q, A, and within a series by size.
 *
 * Left out are series C, whose type ids nobody has published for Ada (a Q type of the same size
 * does the same and more), and types of 3 GiB in series B: hosts have them since release 580, and
 * guest drivers of this firmware's release refuse their subsystem ids.
 */

#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fwabi/fwabi.h"
#include "gsp/gsp.h"
#include "regs/gpu.h"
#include "rm/rm.h"
#include "vgpu/boards.h"
#include "vgpu/types.h"

#include <kunit/visibility.h>

/* ids of licences that a guest may use */
#define LICENSE_WS	"Quadro-Virtual-DWS,5.0;GRID-Virtual-WS,2.0;GRID-Virtual-WS-Ext,2.0"
#define LICENSE_PC	"GRID-Virtual-PC,2.0;" LICENSE_WS
#define LICENSE_APPS	"GRID-Virtual-Apps,3.0"

#define B_MAX_GIB	2	/* larger desktops are workstations */

static void types_set_display(struct nvgpu_type *type, u32 heads, u32 x, u32 y, u32 pixels)
{
	type->num_heads = heads;
	type->max_res_x = x;
	type->max_res_y = y;
	type->max_pixels = pixels;
}

static void types_set_series_b(struct nvgpu_type *type, u32 gib)
{
	type->class_name = "NVS";
	type->license = LICENSE_PC;
	type->frl_config = 45;
	type->multi_vgpu_exclusive = true;
	types_set_display(type, 4, 5120, 2880, gib == 1 ? 16384000 : 18432000);
}

static void types_set_series_q(struct nvgpu_type *type, u32 gib)
{
	u32 pixels;

	type->class_name = "Quadro";
	type->license = LICENSE_WS;
	type->frl_config = 60;
	type->cuda = true;
	type->ecc = true;
	type->multi_vgpu = true;

	if (gib == 1) {
		types_set_display(type, 4, 5120, 2880, 18432000);
		return;
	}
	pixels = gib >= 8 ? 66355200 : gib >= 4 ? 58982400 : 36864000;
	types_set_display(type, 4, 7680, 4320, pixels);
}

static void types_set_series_a(struct nvgpu_type *type)
{
	type->class_name = "NVS";
	type->license = LICENSE_APPS;
	type->frl_config = 60;
	type->multi_vgpu_exclusive = true;
	types_set_display(type, 1, 1280, 1024, 1280 * 1024);
}

/* shared among all vGPUs of the GPU */
#define TOTAL_HEAP		SZ_512M
#define TOTAL_RESERVATION	(3ULL * SZ_512M)
#define MIN_HEAP		SZ_32M

/*
 * Reproduces the published table of every board. Heap of the plugin task and reserve shrink with
 * the number of vGPUs; what is left of the profile is the guest's, in whole segments. Where the
 * limit of 32 vGPUs leaves memory over, the guest has all of its profile and the heap comes on top.
 */
static void types_set_size(struct nvgpu_type *type, const struct nvgpu_board *board, u32 gib)
{
	u64 profile = (u64)gib * SZ_1G;

	type->max_instance = min(board->gib / gib, NVGPU_MAX_VFS);
	type->profile_size = profile;
	type->heap_size = max(TOTAL_HEAP / roundup_pow_of_two(type->max_instance), MIN_HEAP);

	if (type->max_instance * gib < board->gib) {
		type->fb_size = profile;
		return;
	}
	type->fb_size = profile - type->heap_size - div_u64(TOTAL_RESERVATION, type->max_instance);
	type->fb_size = round_down(type->fb_size, (u64)board->segment_mib * SZ_1M);
	type->fb_reservation = profile - type->heap_size - type->fb_size;
}

static void types_set_series(struct nvgpu_type *type, char series, u32 gib)
{
	switch (series) {
	case 'B':
		types_set_series_b(type, gib);
		break;
	case 'Q':
		types_set_series_q(type, gib);
		break;
	case 'A':
		types_set_series_a(type);
		break;
	}
}

static void types_set_type(struct nvgpu_type *type, const struct nvgpu_board *board,
			   unsigned int index, char series, u32 gib)
{
	memset(type, 0, sizeof(*type));
	snprintf(type->name, sizeof(type->name), "%s-%u%c", board->name, gib, series);
	type->id = board->first_id + index;
	type->vdev_subsystem = board->first_subsystem + index;
	types_set_size(type, board, gib);
	types_set_series(type, series, gib);

	type->frl_enable = true;
	type->mappable_video_size = SZ_4M;
	type->encoder_capacity = 100;	/* percent */
	type->bar1_size = SZ_256M;
}

/**
 * nvgpu_types_build() - all vGPU types of a board
 * @device: PCI device id of the PF
 * @types: filled in
 * @max: room in @types
 *
 * Return: number of types, 0 when the board is not known. They are in ascending order of id.
 */
unsigned int nvgpu_types_build(u16 device, struct nvgpu_type *types, unsigned int max)
{
	const struct nvgpu_board *board = nvgpu_board_find(device);
	unsigned int num = 0;
	const char *series;
	u32 gib, max_gib;

	if (!board)
		return 0;

	for (series = "BQA"; *series; series++) {
		max_gib = *series == 'B' ? B_MAX_GIB : board->gib;
		for (gib = 1; gib <= max_gib && num < max; gib++) {
			/* a GPU is divided evenly */
			if (board->gib % gib)
				continue;
			types_set_type(&types[num], board, num, *series, gib);
			types[num].pdev_device = device;
			types[num].vdev_device = device;
			num++;
		}
	}

	return num;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_types_build);

/**
 * nvgpu_types_host_reserve() - framebuffer that GSP-RM wants the host to keep for itself
 * @rm: objects of GSP-RM, which was told of the type
 * @type: the type that all vGPUs of the GPU have
 * @size: bytes
 *
 * Of no influence on what a guest gets: NVIDIA's host with GSP-RM leaves the fbReservation of the
 * type to itself, and takes this into account only on a GPU without. kernel_vgpu_mgr.c,
 * kvgpumgrSetSupportedPlacementIds().
 *
 * Context: may sleep; GSP-RM is waited for.
 * Return: 0, -ENOMEM, or as nvgpu_rm_query().
 */
int nvgpu_types_host_reserve(struct nvgpu_rm *rm, const struct nvgpu_type *type, u64 *size)
{
	void *msg __free(kfree) = NULL;
	const struct nvgpu_fwabi *abi = rm->gsp->gpu->abi;
	int ret;

	msg = kzalloc(abi->board->host_reserve.size, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	abi->board->encode_host_reserve(msg, type->id);
	ret = nvgpu_rm_query(rm, &abi->board->host_reserve, msg);
	return ret ?: abi->board->decode_host_reserve(msg, abi->board->host_reserve.size, size);
}
