// SPDX-License-Identifier: GPL-2.0-only
#include <asm/byteorder.h>
#include <linux/bitfield.h>
#include <linux/build_bug.h>
#include <linux/errno.h>

#include "../fwabi.h"
#include "chan.h"

#define USERD_SIZE	512
#define RAMFC_SIZE	512

/* the first ten copy engines have one number */
static_assert(NVGPU_ABI_RM_ENGINE_COPY0 == NVGPU_ABI_ENGINE_COPY0);

void nvgpu_abi_encode_vaspace_params(void *buf)
{
	struct nvgpu_abi_vaspace_params *vaspace = buf;

	/* one of its own, index 0, whose tables the client makes */
	vaspace->flags = cpu_to_le32(NVGPU_ABI_VASPACE_EXTERNAL);
}

void nvgpu_abi_encode_set_page_directory(void *buf, u32 vaspace, u64 fb_addr, u32 entries)
{
	struct nvgpu_abi_set_page_directory *set = buf;

	set->addr = cpu_to_le64(fb_addr);
	set->entries = cpu_to_le32(entries);
	set->vaspace = cpu_to_le32(vaspace);
}

void nvgpu_abi_encode_unset_page_directory(void *buf, u32 vaspace)
{
	struct nvgpu_abi_unset_page_directory *unset = buf;

	unset->vaspace = cpu_to_le32(vaspace);
}

/* @space: where; what is in framebuffer may be cached */
static struct nvgpu_abi_chan_memory chan_memory(u64 base, u64 size, u32 space)
{
	return (struct nvgpu_abi_chan_memory) {
		.base = cpu_to_le64(base),
		.size = cpu_to_le64(size),
		.space = cpu_to_le32(space),
		.cache = cpu_to_le32(space == NVGPU_ABI_ADDR_FBMEM),
	};
}

void nvgpu_abi_encode_channel_params(void *buf, const struct nvgpu_channel_params *params)
{
	struct nvgpu_abi_channel_params *chan = buf;
	u32 page = params->chid / NVGPU_ABI_CHIDS_PER_USERD_PAGE;
	u32 index = params->chid % NVGPU_ABI_CHIDS_PER_USERD_PAGE;

	chan->ring = cpu_to_le64(params->ring);
	chan->entries = cpu_to_le32(params->entries);
	/* only a privileged channel's engine may use physical addresses */
	chan->flags = cpu_to_le32(NVGPU_ABI_CHAN_PRIVILEGED |
				  NVGPU_ABI_CHAN_USERD_PAGE_FIXED |
				  FIELD_PREP(NVGPU_ABI_CHAN_USERD_INDEX, index) |
				  FIELD_PREP(NVGPU_ABI_CHAN_USERD_PAGE, page));
	chan->vaspace = cpu_to_le32(params->vaspace);
	chan->engine = cpu_to_le32(params->engine);
	chan->instance = chan_memory(params->instance, SZ_4K, NVGPU_ABI_ADDR_FBMEM);
	chan->userd = chan_memory(params->userd, USERD_SIZE, NVGPU_ABI_ADDR_FBMEM);
	chan->ramfc = chan_memory(params->instance, RAMFC_SIZE, NVGPU_ABI_ADDR_FBMEM);
	chan->methods = chan_memory(params->methods, params->methods_size,
				    NVGPU_ABI_ADDR_SYSMEM);
	chan->internal_flags = cpu_to_le32(NVGPU_ABI_CHAN_INTERNAL_ADMIN |
					   NVGPU_ABI_CHAN_INTERNAL_NO_NOTIFIER |
					   NVGPU_ABI_CHAN_INTERNAL_NO_ECC_NOTIFIER);
}

void nvgpu_abi_encode_copy_params(void *buf, u32 engine)
{
	struct nvgpu_abi_copy_params *copy = buf;

	copy->version = cpu_to_le32(1);
	copy->engine = cpu_to_le32(engine);
}

void nvgpu_abi_encode_bind(void *buf, u32 engine)
{
	struct nvgpu_abi_bind *bind = buf;

	bind->engine = cpu_to_le32(engine);
}

void nvgpu_abi_encode_schedule(void *buf)
{
	struct nvgpu_abi_schedule *schedule = buf;

	schedule->enable = 1;
}

int nvgpu_abi_decode_engine(const void *buf, size_t len, u32 index,
			    struct nvgpu_engine *engine)
{
	const struct nvgpu_abi_engines *table = buf;
	const __le32 *data;
	u32 count, type, copy;

	if (len < sizeof(*table))
		return -EPROTO;
	count = le32_to_cpu(table->count);
	if (count > NVGPU_ABI_ENGINES)
		return -EPROTO;
	if (index >= count)
		return 0;

	data = table->engine[index].data;
	type = le32_to_cpu(data[NVGPU_ABI_ENGINE_DATA_RM_TYPE]);
	copy = type - NVGPU_ABI_RM_ENGINE_COPY0;
	*engine = (struct nvgpu_engine) {
		.type = type,
		.runlist = le32_to_cpu(data[NVGPU_ABI_ENGINE_DATA_RUNLIST]),
		.copy = copy < NVGPU_ABI_RM_ENGINE_COPIES,
		.graphics = type == NVGPU_ABI_RM_ENGINE_GR0,
	};
	return 1;
}

int nvgpu_abi_decode_method_buffer(const void *buf, size_t len, u32 *size)
{
	const struct nvgpu_abi_method_buffer *methods = buf;

	if (len < sizeof(*methods))
		return -EPROTO;
	*size = le32_to_cpu(methods->size);
	return 0;
}
