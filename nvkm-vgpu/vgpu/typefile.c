// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file of vGPU types, instead of those that are built in.
 *
 * A site that has NVIDIA's vGPU software has its table of types, which may be newer than ours and
 * has signatures. The whole file is judged before anything of it is used: either all types of the
 * board come from it or none. GSP-RM gets each record as it is in the file.
 */

#include <kunit/visibility.h>
#include <linux/crc32.h>
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/firmware.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fwabi/fwabi.h"
#include "vgpu/placement.h"
#include "vgpu/typefile.h"
#include "vgpu/types.h"

/* the smallest segment that the VMMU has, so framebuffer of any board is whole ones */
#define FB_ALIGN	SZ_32M
/* PTEs of the CPU's aperture cover as much */
#define HEAP_ALIGN	SZ_2M

struct typefile_check {
	const char *field;
	u64 value;
	bool ok;
	const char *expected;
};

/* the first check that fails, by its name */
static int typefile_judge(char *why, const char *thing, const struct typefile_check *checks,
			  unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (checks[i].ok)
			continue;
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX, "%s: %s is %#llx, expected %s", thing,
			  checks[i].field, checks[i].value, checks[i].expected);
		return -EINVAL;
	}
	return 0;
}

static int typefile_check_release(const struct nvgpu_typefile_header *hdr,
				  const struct nvgpu_fwabi *abi, char *why)
{
	u64 major = le64_to_cpu(hdr->vgpu_major), minor = le64_to_cpu(hdr->vgpu_minor);
	const struct nvgpu_type_file *want = &abi->type_file;
	size_t len = strlen(abi->version);

	if (strnlen((const char *)hdr->gsp_version, sizeof(hdr->gsp_version)) != len ||
	    memcmp(hdr->gsp_version, abi->version, len)) {
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
			  "header: GSP version is '%*pE', expected '%s'",
			  (int)strnlen((const char *)hdr->gsp_version, 16), hdr->gsp_version,
			  abi->version);
		return -EINVAL;
	}
	if (major == want->vgpu_major && minor == want->vgpu_minor)
		return 0;
	scnprintf(why, NVGPU_TYPEFILE_WHY_MAX, "header: vGPU release is %llu.%llu, expected %u.%u",
		  major, minor, want->vgpu_major, want->vgpu_minor);
	return -EINVAL;
}

static int typefile_check_header(const u8 *file, size_t size, const struct nvgpu_fwabi *abi,
				 char *why)
{
	const struct nvgpu_typefile_header *hdr = (const void *)file;
	u32 crc;

	if (size < sizeof(*hdr)) {
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
			  "file: size is %zu bytes, expected at least %zu", size, sizeof(*hdr));
		return -EINVAL;
	}
	if (memcmp(hdr->magic, NVGPU_TYPEFILE_MAGIC, sizeof(hdr->magic))) {
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX, "header: magic is '%*pE', expected '%s'",
			  (int)sizeof(hdr->magic), hdr->magic, NVGPU_TYPEFILE_MAGIC);
		return -EINVAL;
	}
	crc = crc32_le(~0, file + NVGPU_TYPEFILE_CRC_START, size - NVGPU_TYPEFILE_CRC_START);
	if (le32_to_cpu(hdr->crc) != crc) {
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX, "header: CRC is %#x, expected %#x",
			  le32_to_cpu(hdr->crc), crc);
		return -EINVAL;
	}
	return typefile_check_release(hdr, abi, why);
}

static bool typefile_is_printable(const char *text)
{
	const char *c;

	for (c = text; *c; c++)
		if (!isascii(*c) || !isprint(*c))
			return false;
	return *text;
}

/* a type by itself, and on this board */
static int typefile_check_type(const struct nvgpu_type *t, const struct nvgpu_fwabi *abi,
			       const struct nvgpu_typefile_board *board, char *why)
{
	u64 whole = (u64)board->gib * SZ_1G;
	/* nothing below divides by 0 or overflows: the first that fails ends it */
	u64 share = div_u64(whole, t->max_instance ?: 1);
	const struct typefile_check checks[] = {
		{ "vgpuType", t->id, t->id, "another number" },
		{ "vgpuName", (u8)t->name[0], typefile_is_printable(t->name), "printable text" },
		{ "pdevId", t->pdev_device, t->pdev_device == board->device, "that of the board" },
		{ "vdevId", (u64)t->vdev_device << 16 | t->vdev_subsystem,
		  t->vdev_device && t->vdev_subsystem, "two ids" },
		{ "maxInstance", t->max_instance,
		  t->max_instance && t->max_instance <= NVGPU_MAX_VFS, "1 to 32" },
		{ "numHeads", t->num_heads, t->num_heads, "at least 1" },
		{ "maxResolutionX", t->max_res_x, t->max_res_x, "at least 1" },
		{ "maxResolutionY", t->max_res_y, t->max_res_y, "at least 1" },
		{ "maxPixels", t->max_pixels, t->max_pixels, "at least 1" },
		{ "encoderCapacity", t->encoder_capacity, t->encoder_capacity <= 100, "percent" },
		{ "profileSize", t->profile_size,
		  t->profile_size && IS_ALIGNED(t->profile_size, SZ_1G), "whole GiB, not 0" },
		{ "profileSize", t->profile_size, t->profile_size <= share,
		  "within a share of the board" },
		{ "fbLength", t->fb_size, t->fb_size && IS_ALIGNED(t->fb_size, FB_ALIGN),
		  "a multiple of 32 MiB, not 0" },
		{ "fbLength", t->fb_size, t->fb_size <= t->profile_size,
		  "no more than profileSize" },
		{ "gspHeapSize", t->heap_size, IS_ALIGNED(t->heap_size, HEAP_ALIGN),
		  "a multiple of 2 MiB" },
		{ "gspHeapSize", t->heap_size, t->heap_size >= abi->plugin.comm_size,
		  "room for the task" },
		{ "gspHeapSize", t->heap_size, t->heap_size <= t->profile_size,
		  "no more than profileSize" },
		{ "fbReservation", t->fb_reservation, IS_ALIGNED(t->fb_reservation, HEAP_ALIGN),
		  "a multiple of 2 MiB" },
		{ "fbReservation", t->fb_reservation, t->fb_reservation < t->profile_size,
		  "less than profileSize" },
		{ "fbLength", t->fb_size, t->fb_size + t->heap_size <= share,
		  "with gspHeapSize within a share" },
		{ "bar1Length", t->bar1_size, is_power_of_2(t->bar1_size) &&
		  t->bar1_size <= board->bar1_size, "a power of two that a VF's BAR1 has" },
	};
	char thing[24];
	int ret;

	scnprintf(thing, sizeof(thing), "type %u", t->id);
	ret = typefile_judge(why, thing, checks, ARRAY_SIZE(checks));
	if (ret || nvgpu_guest_fb_size(board->geo, t))
		return ret;
	scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
		  "%s: fbReservation %#llx and gspHeapSize leave nothing of %#llx", thing,
		  t->fb_reservation, board->geo->fb_total);
	return -EINVAL;
}

/* types beside each other: @num of them, the last is new */
static int typefile_check_siblings(const struct nvgpu_type *types, unsigned int num, char *why)
{
	const struct nvgpu_type *t = &types[num - 1];
	unsigned int i;

	for (i = 0; i < num - 1; i++) {
		if (types[i].id == t->id) {
			scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
				  "type %u: is there twice, as record %u and %u", t->id, i,
				  num - 1);
			return -EINVAL;
		}
	}
	return 0;
}

/* vGPUs of several sizes share what the type has that has the GPU alone */
static int typefile_check_whole(const struct nvgpu_type *types, unsigned int num, char *why)
{
	const struct nvgpu_type *t, *whole = NULL;

	for (t = types; t < types + num; t++)
		if (t->max_instance == 1 && (!whole || t->profile_size < whole->profile_size))
			whole = t;
	for (t = types; whole && t < types + num; t++) {
		if (t->profile_size * t->max_instance <= whole->profile_size)
			continue;
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
			  "type %u: maxInstance is %u of %#llx, expected no more than type %u has",
			  t->id, t->max_instance, t->profile_size, whole->id);
		return -EINVAL;
	}
	return 0;
}

static int typefile_add_types(const u8 *params, u32 count, const struct nvgpu_fwabi *abi,
			      const struct nvgpu_typefile_board *board, struct nvgpu_type *types,
			      char *why)
{
	const struct nvgpu_type_file *layout = &abi->type_file;
	char field[NVGPU_TYPE_WHY_MAX];
	unsigned int i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = abi->decode_type_info(params + layout->info_offset + i * layout->info_size,
					    layout->info_size, &types[i], field);
		if (ret) {
			scnprintf(why, NVGPU_TYPEFILE_WHY_MAX, "type %u: %s", types[i].id, field);
			return ret;
		}
		ret = typefile_check_type(&types[i], abi, board, why);
		if (ret)
			return ret;
		ret = typefile_check_siblings(types, i + 1, why);
		if (ret)
			return ret;
	}
	return typefile_check_whole(types, count, why);
}

/* the ids in the structures for NVIDIA's driver are those of the records */
static int typefile_check_structs(const u8 *structs, u64 size, const struct nvgpu_type *types,
				  u32 count, char *why)
{
	u64 step = div_u64(size, count);
	unsigned int i;
	u32 id;

	for (i = 0; i < count; i++) {
		id = le32_to_cpup((const __le32 *)(structs + i * step));
		if (id == types[i].id)
			continue;
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
			  "structure %u: vgpu_type is %u, expected %u as in the record", i, id,
			  types[i].id);
		return -EINVAL;
	}
	return 0;
}

/* a blob of types; @size of what is behind its first header. 0 if it is another board's */
static int typefile_parse_types(const char *thing, const u8 *blob, u64 size,
				const struct nvgpu_fwabi *abi,
				const struct nvgpu_typefile_board *board, struct nvgpu_type *types,
				char *why)
{
	const struct nvgpu_typefile_types *hdr = (const void *)blob;
	u64 structs = le64_to_cpu(hdr->structs_size), num = le64_to_cpu(hdr->num_structs);
	u64 left = size - sizeof(*hdr);
	const struct typefile_check checks[] = {
		{ "info offset", le64_to_cpu(hdr->info_offset),
		  le64_to_cpu(hdr->info_offset) == abi->type_file.info_offset,
		  "that of this firmware" },
		{ "info size", le64_to_cpu(hdr->info_size),
		  le64_to_cpu(hdr->info_size) == abi->type_file.info_size,
		  "that of this firmware" },
		{ "control", le64_to_cpu(hdr->control),
		  le64_to_cpu(hdr->control) == abi->add_type.cmd, "that which adds types" },
		{ "control's size", le64_to_cpu(hdr->control_size),
		  le64_to_cpu(hdr->control_size) == abi->add_type.size, "that of this firmware" },
		{ "number of types", num, num && num <= NVGPU_MAX_TYPES, "1 to 64" },
		{ "structures' size", structs,
		  left >= abi->add_type.size && structs == left - abi->add_type.size,
		  "the rest of the blob" },
		{ "structures' size", structs,
		  num && structs && !(structs % num) && !(structs / num % 8),
		  "a multiple of 8 bytes for each type" },
	};
	const u8 *params;
	u32 count;
	int ret;

	if (le64_to_cpu(hdr->device) != board->device)
		return 0;
	ret = typefile_judge(why, thing, checks, ARRAY_SIZE(checks));
	if (ret)
		return ret;
	params = blob + sizeof(*hdr) + structs;
	ret = abi->decode_add_type(params, abi->add_type.size, &count);
	if (ret || count != num) {
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
			  "%s: control has another number of types, expected %llu", thing, num);
		return -EINVAL;
	}
	ret = typefile_add_types(params, count, abi, board, types, why);
	if (ret)
		return ret;
	ret = typefile_check_structs(blob + sizeof(*hdr), structs, types, count, why);
	return ret ?: count;
}

static int typefile_check_blob(const char *thing, const u8 *blob, u64 left, u64 *size, char *why)
{
	u64 min = sizeof(struct nvgpu_typefile_blob) + sizeof(struct nvgpu_typefile_types);
	const struct nvgpu_typefile_blob *hdr = (const void *)blob;
	struct typefile_check checks[] = {
		{ "rest of the file", left, left >= min, "room for its headers" },
		{ .field = "type", .expected = "0, vGPU types" },
		{ .field = "size", .expected = "a multiple of 8 that ends in the file" },
	};

	if (left >= min) {
		*size = le64_to_cpu(hdr->size);
		checks[1].value = le64_to_cpu(hdr->type);
		checks[1].ok = checks[1].value == NVGPU_TYPEFILE_BLOB_TYPES;
		checks[2].value = *size;
		checks[2].ok = *size >= min && *size <= left && IS_ALIGNED(*size, 8);
	}
	return typefile_judge(why, thing, checks, ARRAY_SIZE(checks));
}

/**
 * nvgpu_typefile_parse() - take apart a file of vGPU types
 * @file: the file, aligned to 8 bytes
 * @size: its bytes
 * @abi: firmware that it has to be for
 * @board: what the types have to fit
 * @types: room for NVGPU_MAX_TYPES; filled in, pointing into @file
 * @why: room for NVGPU_TYPEFILE_WHY_MAX; what was wrong: thing, field, value, and what was expected
 *
 * Return: number of types, or -EINVAL.
 */
int nvgpu_typefile_parse(const u8 *file, size_t size, const struct nvgpu_fwabi *abi,
			 const struct nvgpu_typefile_board *board, struct nvgpu_type *types,
			 char *why)
{
	const struct nvgpu_typefile_header *hdr = (const void *)file;
	u64 i, num, step, at = sizeof(*hdr);
	int ret, found = 0;
	char thing[24];

	ret = typefile_check_header(file, size, abi, why);
	if (ret)
		return ret;
	num = le64_to_cpu(hdr->num_blobs);
	for (i = 0; i < num; i++, at += step) {
		scnprintf(thing, sizeof(thing), "blob %llu", i);
		ret = typefile_check_blob(thing, file + at, size - at, &step, why);
		if (ret)
			return ret;
		ret = typefile_parse_types(thing, file + at + sizeof(struct nvgpu_typefile_blob),
					   step - sizeof(struct nvgpu_typefile_blob), abi, board,
					   types, why);
		if (ret < 0)
			return ret;
		if (ret && found) {
			scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
				  "%s: device %#x is there twice", thing, board->device);
			return -EINVAL;
		}
		found = found ?: ret;
	}
	if (at != size) {
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
			  "file: size is %zu bytes, expected %llu, the end of blob %llu", size, at,
			  num);
		return -EINVAL;
	}
	if (!found) {
		scnprintf(why, NVGPU_TYPEFILE_WHY_MAX,
			  "file: number of types is 0, expected some for device %#x",
			  board->device);
		return -EINVAL;
	}
	return found;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_typefile_parse);

static void typefile_free(void *file)
{
	kvfree(file);
}

/* the types point into it as long as the GPU is bound */
static u8 *typefile_keep(struct device *dev, const struct firmware *fw)
{
	u8 *file = kvmemdup(fw->data, fw->size, GFP_KERNEL);

	if (!file || devm_add_action_or_reset(dev, typefile_free, file))
		return NULL;
	return file;
}

/**
 * nvgpu_typefile_load() - vGPU types of the file, if there is a good one
 * @dev: the GPU
 * @abi: its firmware
 * @board: what the types have to fit
 * @types: room for NVGPU_MAX_TYPES; filled in
 *
 * A file that is not good is named in the log with what is wrong, and nothing of it is used.
 *
 * Context: probe.
 * Return: number of types, 0 if there is no file or no good one, or none is known for the firmware;
 * -ENOMEM.
 */
int nvgpu_typefile_load(struct device *dev, const struct nvgpu_fwabi *abi,
			const struct nvgpu_typefile_board *board, struct nvgpu_type *types)
{
	char path[NVGPU_TYPEFILE_PATH_MAX], why[NVGPU_TYPEFILE_WHY_MAX];
	const struct firmware *fw;
	u8 *file;
	int ret;

	if (!abi->type_file.info_size)
		return 0;
	snprintf(path, sizeof(path), NVGPU_TYPEFILE_PATH, abi->version);
	ret = firmware_request_nowarn(&fw, path, dev);
	if (ret == -ENOENT)
		return 0;
	if (ret) {
		dev_warn(dev, "%s: not read, error %d; built-in vGPU types are used\n", path, ret);
		return 0;
	}
	file = typefile_keep(dev, fw);
	if (!file) {
		release_firmware(fw);
		return -ENOMEM;
	}
	ret = nvgpu_typefile_parse(file, fw->size, abi, board, types, why);
	release_firmware(fw);
	if (ret > 0)
		return ret;
	dev_warn(dev, "%s: %s; built-in vGPU types are used\n", path, why);
	devm_release_action(dev, typefile_free, file);
	return 0;
}

MODULE_FIRMWARE("nvidia/vgpu-570.144.bin");
