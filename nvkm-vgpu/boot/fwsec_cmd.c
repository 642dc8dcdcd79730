// SPDX-License-Identifier: GPL-2.0-only
/* Commands for FWSEC: they are written into its data, at a place that the data name. */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "boot/fwsec.h"
#include "boot/vbios.h"

#define FWSEC_INTERFACE_MAPPER		4
#define FWSEC_READ_VBIOS_FLAGS		2
#define FWSEC_FRTS_MEDIA_FB		2

static void *fwsec_cmd_part(u8 *data, u32 size, u32 offset, u32 len)
{
	u32 end;

	return check_add_overflow(offset, len, &end) || end > size ? NULL : data + offset;
}

static struct nvgpu_fwsec_mapper *fwsec_cmd_find_mapper(u8 *data, u32 size, u32 interfaces,
							char *why)
{
	const struct nvgpu_fwsec_interfaces *hdr =
		fwsec_cmd_part(data, size, interfaces, sizeof(*hdr));
	const struct nvgpu_fwsec_interface *entry;
	struct nvgpu_fwsec_mapper *mapper;
	unsigned int i;

	if (!hdr) {
		nvgpu_vbios_fail(why, "FWSEC: interfaces at %#x, DMEM ends at %#x", interfaces,
				 size);
		return NULL;
	}
	for (i = 0; i < hdr->entries; i++) {
		entry = fwsec_cmd_part(data, size,
				       interfaces + hdr->header_size + i * hdr->entry_size,
				       sizeof(*entry));
		if (!entry)
			break;
		if (le32_to_cpu(entry->id) != FWSEC_INTERFACE_MAPPER)
			continue;
		mapper = fwsec_cmd_part(data, size, le32_to_cpu(entry->offset), sizeof(*mapper));
		if (!mapper)
			nvgpu_vbios_fail(why, "FWSEC: DMEM mapper at %#x, DMEM ends at %#x",
					 le32_to_cpu(entry->offset), size);
		return mapper;
	}
	nvgpu_vbios_fail(why, "FWSEC: none of %u interfaces is the DMEM mapper (%u)", hdr->entries,
			 FWSEC_INTERFACE_MAPPER);
	return NULL;
}

/**
 * nvgpu_fwsec_patch - write a command into FWSEC's data
 * @data: FWSEC's data
 * @size: its bytes
 * @interfaces: where it describes its interfaces
 * @cmd: NVGPU_FWSEC_FRTS or NVGPU_FWSEC_SB
 * @frts: for FRTS: framebuffer offset of the region
 * @frts_size: for FRTS: bytes of the region
 * @why: of NVGPU_VBIOS_WHY bytes and empty; what was wrong
 *
 * Return: 0, or -ENODEV when the data are not laid out as they should.
 */
int nvgpu_fwsec_patch(u8 *data, u32 size, u32 interfaces, u32 cmd, u64 frts, u64 frts_size,
		      char *why)
{
	struct nvgpu_fwsec_command command = {
		.read_vbios.version = cpu_to_le32(1),
		.read_vbios.size = cpu_to_le32(sizeof(command.read_vbios)),
		.read_vbios.flags = cpu_to_le32(FWSEC_READ_VBIOS_FLAGS),
		.frts.version = cpu_to_le32(1),
		.frts.size = cpu_to_le32(sizeof(command.frts)),
		.frts.offset_4k = cpu_to_le32(frts >> 12),
		.frts.size_4k = cpu_to_le32(frts_size >> 12),
		.frts.media = cpu_to_le32(FWSEC_FRTS_MEDIA_FB),
	};
	size_t len = cmd == NVGPU_FWSEC_FRTS ? sizeof(command) : sizeof(command.read_vbios);
	struct nvgpu_fwsec_mapper *mapper = fwsec_cmd_find_mapper(data, size, interfaces, why);
	void *in;

	if (!mapper)
		return -ENODEV;
	in = fwsec_cmd_part(data, size, le32_to_cpu(mapper->cmd_in_offset), len);
	if (!in)
		return nvgpu_vbios_fail(why,
					"FWSEC: command buffer at %#x, expected %#zx bytes before %#x",
					le32_to_cpu(mapper->cmd_in_offset), len, size);
	mapper->init_cmd = cpu_to_le32(cmd);
	memcpy(in, &command, len);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fwsec_patch);
