// SPDX-License-Identifier: GPL-2.0-only
/*
 * FWSEC: the only program that may set up WPR2. It comes in the VBIOS and runs on the GSP before
 * GSP-RM does (FRTS: make the region and put the board's data at its end) and after it (SB: take
 * back what GSP-RM had). Its commands are written into its data before it starts.
 */
#include <kunit/visibility.h>
#include <linux/bitfield.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "device.h"
#include "fwsec.h"
#include "regs/bus.h"
#include "regs/fb.h"
#include "regs/fuse.h"
#include "vbios.h"

#define FWSEC_ENGINE_GSP		BIT(10)
#define FWSEC_INTERFACE_MAPPER		4
#define FWSEC_READ_VBIOS_FLAGS		2
#define FWSEC_FRTS_MEDIA_FB		2

static void *fwsec_part(u8 *data, u32 size, u32 offset, u32 len)
{
	u32 end;

	return check_add_overflow(offset, len, &end) || end > size ? NULL : data + offset;
}

/**
 * nvgpu_fwsec_patch - write a command into FWSEC's data
 * @data: FWSEC's data
 * @size: its bytes
 * @interfaces: where it describes its interfaces
 * @cmd: NVGPU_FWSEC_FRTS or NVGPU_FWSEC_SB
 * @frts: for FRTS: framebuffer offset of the region
 * @frts_size: for FRTS: bytes of the region
 *
 * Return: 0, or -EINVAL when the data are not laid out as they should.
 */
int nvgpu_fwsec_patch(u8 *data, u32 size, u32 interfaces, u32 cmd, u64 frts, u64 frts_size)
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
	const struct nvgpu_fwsec_interfaces *hdr = fwsec_part(data, size, interfaces, sizeof(*hdr));
	const struct nvgpu_fwsec_interface *entry;
	struct nvgpu_fwsec_mapper *mapper = NULL;
	unsigned int i;
	void *in;

	if (!hdr || hdr->entry_size < sizeof(*entry))
		return -EINVAL;
	for (i = 0; i < hdr->entries && !mapper; i++) {
		entry = fwsec_part(data, size, interfaces + hdr->header_size + i * hdr->entry_size,
				   sizeof(*entry));
		if (!entry)
			return -EINVAL;
		if (le32_to_cpu(entry->id) != FWSEC_INTERFACE_MAPPER)
			continue;
		mapper = fwsec_part(data, size, le32_to_cpu(entry->offset), sizeof(*mapper));
		if (!mapper)
			return -EINVAL;
	}
	if (!mapper)
		return -EINVAL;

	in = fwsec_part(data, size, le32_to_cpu(mapper->cmd_in_offset), len);
	if (!in || le32_to_cpu(mapper->cmd_in_size) < len)
		return -EINVAL;
	mapper->init_cmd = cpu_to_le32(cmd);
	memcpy(in, &command, len);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nvgpu_fwsec_patch);

/**
 * nvgpu_fwsec_init - prepare FWSEC for a command
 * @fwsec: result, zeroed before
 * @falcon: GSP
 * @vbios: FWSEC in the VBIOS; not needed afterwards
 * @cmd: NVGPU_FWSEC_FRTS or NVGPU_FWSEC_SB
 * @frts: for FRTS: framebuffer offset of the region
 * @frts_size: for FRTS: bytes of the region
 *
 * Return: 0, -ENODEV when the VBIOS has none that this board can run, -ENOMEM.
 */
int nvgpu_fwsec_init(struct nvgpu_fwsec *fwsec, const struct nvgpu_falcon *falcon,
		     const struct nvgpu_vbios_fwsec *vbios, u32 cmd, u64 frts, u64 frts_size)
{
	struct device *dev = &falcon->pf->pdev->dev;
	u8 *data;
	u32 fuse;
	int sig;
	int ret;

	if (!(vbios->engine_mask & FWSEC_ENGINE_GSP) || !vbios->ucode_id ||
	    vbios->ucode_id > NVGPU_FUSE_UCODES)
		return dev_err_probe(dev, -ENODEV, "VBIOS: FWSEC is not for the GSP\n");
	fuse = FIELD_GET(NVGPU_FUSE_UCODE_VERSION,
			 nvgpu_rd32(falcon->pf, NVGPU_FUSE_GSP_UCODE_VERSION(vbios->ucode_id)));
	sig = nvgpu_vbios_fwsec_signature(vbios, fuse);
	if (sig < 0)
		return dev_err_probe(dev, -ENODEV,
				     "VBIOS: FWSEC has no signature for version fuse %#x\n", fuse);

	ret = nvgpu_dma_alloc(dev, &fwsec->mem, vbios->imem_size + vbios->dmem_size);
	if (ret)
		return ret;
	fwsec->falcon = falcon;
	data = fwsec->mem.cpu + vbios->imem_size;
	memcpy(fwsec->mem.cpu, vbios->ucode, fwsec->mem.size);
	memcpy(data + vbios->pkc_offset, vbios->sigs + sig * NVGPU_VBIOS_SIG_SIZE,
	       NVGPU_VBIOS_SIG_SIZE);
	ret = nvgpu_fwsec_patch(data, vbios->dmem_size, vbios->interface_offset, cmd, frts,
				frts_size);
	if (ret) {
		nvgpu_fwsec_fini(fwsec);
		return dev_err_probe(dev, -ENODEV, "VBIOS: FWSEC takes no commands\n");
	}

	fwsec->image = (struct nvgpu_falcon_image) {
		.base = fwsec->mem.addr,
		.code_phys = vbios->imem_phys,
		.code_virt = vbios->imem_virt,
		.code_size = vbios->imem_size,
		.data = vbios->imem_size,
		.data_phys = vbios->dmem_phys,
		.data_size = vbios->dmem_size,
		.signature = vbios->pkc_offset,
		.engine_mask = vbios->engine_mask,
		.ucode_id = vbios->ucode_id,
	};
	return 0;
}

/**
 * nvgpu_fwsec_fini - free FWSEC
 * @fwsec: may never have been prepared
 */
void nvgpu_fwsec_fini(struct nvgpu_fwsec *fwsec)
{
	if (fwsec->falcon)
		nvgpu_dma_free(&fwsec->falcon->pf->pdev->dev, &fwsec->mem);
}

static int fwsec_run(const struct nvgpu_fwsec *fwsec, const char *name, u32 scratch, u32 mask)
{
	struct nvkm_vgpu_pf *pf = fwsec->falcon->pf;
	u32 result = 0, error;
	int ret;

	ret = nvgpu_falcon_run(fwsec->falcon, &fwsec->image, 0, &result);
	error = nvgpu_rd32(pf, scratch) & mask;
	if (!ret && !result && !error)
		return 0;
	dev_err(&pf->pdev->dev, "%s failed%s, mailbox %#x, error %#x\n", name,
		ret ? ": does not end" : "", result, error >> __ffs(mask));
	return -EIO;
}

/**
 * nvgpu_fwsec_frts - have FWSEC make WPR2
 * @fwsec: prepared for FRTS
 * @frts: where WPR2 is to start
 *
 * Return: 0 or -EIO.
 */
int nvgpu_fwsec_frts(const struct nvgpu_fwsec *fwsec, u64 frts)
{
	struct nvkm_vgpu_pf *pf = fwsec->falcon->pf;
	u64 lo, hi;
	int ret;

	ret = fwsec_run(fwsec, "FWSEC-FRTS", NVGPU_FWSEC_FRTS_SCRATCH, NVGPU_FWSEC_FRTS_ERROR);
	if (ret)
		return ret;
	lo = (u64)FIELD_GET(NVGPU_PFB_WPR2_ADDR, nvgpu_rd32(pf, NVGPU_PFB_WPR2_LO)) << 12;
	hi = (u64)FIELD_GET(NVGPU_PFB_WPR2_ADDR, nvgpu_rd32(pf, NVGPU_PFB_WPR2_HI)) << 12;
	if (lo == frts && hi > lo)
		return 0;
	dev_err(&pf->pdev->dev, "FWSEC-FRTS made WPR2 %#llx-%#llx, not at %#llx\n", lo, hi, frts);
	return -EIO;
}

/**
 * nvgpu_fwsec_sb - have FWSEC return the GSP to its state before GSP-RM
 * @fwsec: prepared for SB
 *
 * Return: 0 or -EIO.
 */
int nvgpu_fwsec_sb(const struct nvgpu_fwsec *fwsec)
{
	return fwsec_run(fwsec, "FWSEC-SB", NVGPU_FWSEC_SB_SCRATCH, NVGPU_FWSEC_SB_ERROR);
}
