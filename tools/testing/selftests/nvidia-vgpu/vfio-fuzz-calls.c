// SPDX-License-Identifier: GPL-2.0-only
/* What a hostile user does with the descriptor of a VFIO device. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/pci_regs.h>

#include "guest/vf.h"
#include "vfio-fuzz.h"

#define MAX_RANGES	16
#define DMABUF_IOVA	0x4000000000ull	/* where a dma-buf is mapped; far from the buffer */

/* how an argument lies in memory */
enum place {
	PLACE_GOOD,
	PLACE_FIXED,	/* cannot be written */
	PLACE_BAD,	/* nor read */
};

/* an argument, somewhere */
static void *place(struct fuzz_thread *t, const void *data, size_t len, enum place *how)
{
	size_t offset = fuzz_one_in(t, 3) ? ROOM_SIZE - len :
			fuzz_below(t, (ROOM_SIZE - PAGE) / 8) * 8;

	memcpy(t->room + offset, data, len);
	*how = PLACE_BAD;
	switch (fuzz_below(t, 32)) {
	case 0:
		return NULL;
	case 1:
		return (void *)0xffff888000000000ull;
	case 2:
		return t->room + ROOM_SIZE;
	case 3:
		*how = PLACE_FIXED;
		return t->fixed + offset;
	default:
		*how = PLACE_GOOD;
		return t->room + offset;
	}
}

/* what a caller says that it has room for, where @min is asked for */
static uint32_t some_argsz(struct fuzz_thread *t, uint32_t min, uint32_t good)
{
	const uint32_t edges[] = {
		0, 1, min - 1, min, min + 1, good - 1, good + 1, good + 4, 0x1000, 0x7fffffff,
		0x80000000, 0xffffffff,
	};

	return fuzz_one_in(t, 3) ? PICK(t, edges) : good;
}

static uint32_t some_word(struct fuzz_thread *t, uint32_t below)
{
	const uint32_t edges[] = {
		below, below + 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	};

	return fuzz_one_in(t, 4) ? PICK(t, edges) : fuzz_below(t, below);
}

static unsigned int judge(struct fuzz_thread *t, const char *what, long ret, bool bad,
			  uint32_t a, uint32_t b)
{
	unsigned int outcome = fuzz_outcome(ret);

	if (bad && !outcome)
		fuzz_wrong(t, "%s %#x %#x works: %ld", what, a, b, ret);
	return outcome;
}

/* ---- ioctls that ask ------------------------------------------------------------------------- */

static unsigned int op_info(struct fuzz_thread *t)
{
	const uint32_t min = offsetof(struct vfio_device_info, cap_offset);
	struct vfio_device_info info = { 0 };
	enum place how;
	void *arg;

	info.argsz = some_argsz(t, min, sizeof(info));
	arg = place(t, &info, sizeof(info), &how);
	return judge(t, "GET_INFO", ioctl(t->fuzz->dev.fd, VFIO_DEVICE_GET_INFO, arg),
		     how != PLACE_GOOD || info.argsz < min, info.argsz, how);
}

static unsigned int op_region_info(struct fuzz_thread *t)
{
	struct vfio_region_info info = { 0 };
	struct fuzz *f = t->fuzz;
	unsigned int outcome;
	enum place how;
	bool bad;
	void *arg;

	info.argsz = some_argsz(t, sizeof(info), 256);
	info.index = some_word(t, VFIO_PCI_NUM_REGIONS);
	arg = place(t, &info, sizeof(info), &how);
	bad = how != PLACE_GOOD || info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_REGIONS;
	outcome = judge(t, "GET_REGION_INFO",
			ioctl(f->dev.fd, VFIO_DEVICE_GET_REGION_INFO, arg), bad, info.argsz,
			info.index);
	if (!bad && !outcome) {
		memcpy(&info, arg, sizeof(info));
		if (info.size != f->size[info.index])
			fuzz_wrong(t, "region %u has %#llx bytes, had %#llx", info.index,
				   (unsigned long long)info.size,
				   (unsigned long long)f->size[info.index]);
	}
	return outcome;
}

static unsigned int op_irq_info(struct fuzz_thread *t)
{
	struct vfio_irq_info info = { 0 };
	enum place how;
	void *arg;

	info.argsz = some_argsz(t, sizeof(info), sizeof(info));
	info.index = some_word(t, VFIO_PCI_NUM_IRQS);
	arg = place(t, &info, sizeof(info), &how);
	return judge(t, "GET_IRQ_INFO", ioctl(t->fuzz->dev.fd, VFIO_DEVICE_GET_IRQ_INFO, arg),
		     how != PLACE_GOOD || info.argsz < sizeof(info) ||
		     info.index >= VFIO_PCI_NUM_IRQS, info.argsz, info.index);
}

static unsigned int op_hot_reset_info(struct fuzz_thread *t)
{
	struct vfio_pci_hot_reset_info info = { 0 };
	enum place how;
	void *arg;

	info.argsz = some_argsz(t, sizeof(info), 1024);
	arg = place(t, &info, sizeof(info), &how);
	return judge(t, "GET_PCI_HOT_RESET_INFO",
		     ioctl(t->fuzz->dev.fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, arg),
		     how != PLACE_GOOD || info.argsz < sizeof(info), info.argsz, how);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

#define DATA_MASK	(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_DATA_BOOL | \
			 VFIO_IRQ_SET_DATA_EVENTFD)
#define ACTION_MASK	(VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_ACTION_UNMASK | \
			 VFIO_IRQ_SET_ACTION_TRIGGER)

static unsigned int irq_count(unsigned int index)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return VF_MSIX_VECTORS;
	case VFIO_PCI_ERR_IRQ_INDEX:
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		/* a VF has no INTx */
		return 0;
	}
}

static unsigned int bits(uint32_t val)
{
	return __builtin_popcount(val);
}

/* what no device may accept, whatever state it is in */
static bool irqs_bad(const struct vfio_irq_set *set, bool bad_fd)
{
	unsigned int num = set->index < VFIO_PCI_NUM_IRQS ? irq_count(set->index) : 0;
	uint32_t unit = set->flags & VFIO_IRQ_SET_DATA_EVENTFD ? sizeof(int32_t) :
			set->flags & VFIO_IRQ_SET_DATA_BOOL ? 1 : 0;

	return set->argsz < sizeof(*set) || set->start >= num ||
	       (uint64_t)set->start + set->count > num ||
	       set->flags & ~(DATA_MASK | ACTION_MASK) || bits(set->flags & DATA_MASK) != 1 ||
	       (set->flags & ACTION_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER ||
	       (uint64_t)set->argsz - sizeof(*set) < (uint64_t)set->count * unit ||
	       (set->flags & VFIO_IRQ_SET_DATA_EVENTFD && set->count && bad_fd);
}

static unsigned int op_set_irqs(struct fuzz_thread *t)
{
	static const uint32_t indexes[] = {
		VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_ERR_IRQ_INDEX,
		VFIO_PCI_REQ_IRQ_INDEX, VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX,
	};
	union {
		struct vfio_irq_set set;
		char room[sizeof(struct vfio_irq_set) + 4 * (VF_MSIX_VECTORS + 2)];
	} u = { 0 };
	int32_t *fds = (int32_t *)u.set.data;
	unsigned int i, num;
	bool bad_fd = false;
	enum place how;
	void *arg;

	u.set.index = fuzz_one_in(t, 16) ? some_word(t, VFIO_PCI_NUM_IRQS) : PICK(t, indexes);
	num = u.set.index < VFIO_PCI_NUM_IRQS ? irq_count(u.set.index) : 0;
	u.set.start = fuzz_one_in(t, 2) ? 0 : some_word(t, num);
	u.set.count = fuzz_one_in(t, 2) ? num : some_word(t, num + 1);
	u.set.flags = VFIO_IRQ_SET_ACTION_TRIGGER | 1u << fuzz_below(t, 3);
	if (fuzz_one_in(t, 4))
		u.set.flags = fuzz_random(t) & (fuzz_one_in(t, 2) ? DATA_MASK | ACTION_MASK : ~0u);
	u.set.argsz = some_argsz(t, sizeof(u.set), sizeof(u));
	for (i = 0; i < VF_MSIX_VECTORS + 2; i++)
		fds[i] = fuzz_one_in(t, 8) ? -1 : t->fuzz->eventfd[i];
	/* one for two vectors; the kernel has a line in its log for that each time */
	if (fuzz_one_in(t, 256))
		fds[1] = fds[0];
	if (u.set.count && fuzz_one_in(t, 4)) {
		const int32_t wrong[] = { 0, 1, 255, 0x7fffffff, t->fuzz->dev.fd };

		fds[0] = PICK(t, wrong);
		bad_fd = true;
	}
	arg = place(t, &u, sizeof(u), &how);
	return judge(t, "SET_IRQS", ioctl(t->fuzz->dev.fd, VFIO_DEVICE_SET_IRQS, arg),
		     how == PLACE_BAD || irqs_bad(&u.set, bad_fd), u.set.index, u.set.flags);
}

/* ---- features -------------------------------------------------------------------------------- */

#define FEATURE_BITS	(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET | \
			 VFIO_DEVICE_FEATURE_PROBE)
#define MAX_FEATURE	20	/* more than there are */

/* all but dma-buf is not there for a vGPU, not even to be asked for */
static unsigned int op_feature(struct fuzz_thread *t)
{
	static const uint32_t how_to[] = {
		VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_SET, VFIO_DEVICE_FEATURE_PROBE,
		VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET,
		VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET, FEATURE_BITS, 0,
		VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET, 1u << 19, ~0u,
	};
	union {
		struct vfio_device_feature feature;
		uint64_t room[32];
	} u;
	uint32_t number = fuzz_one_in(t, 8) ? some_word(t, 0xffff) & VFIO_DEVICE_FEATURE_MASK :
			  fuzz_below(t, MAX_FEATURE);
	enum place how;
	unsigned int i;
	long ret;
	void *arg;
	bool good;

	for (i = 0; i < sizeof(u.room) / sizeof(u.room[0]); i++)
		u.room[i] = fuzz_one_in(t, 2) ? 0 : fuzz_random(t);
	u.feature.flags = number | PICK(t, how_to);
	u.feature.argsz = some_argsz(t, sizeof(u.feature), sizeof(u));
	good = (u.feature.flags & VFIO_DEVICE_FEATURE_MASK) == VFIO_DEVICE_FEATURE_DMA_BUF &&
	       !(u.feature.flags & ~(VFIO_DEVICE_FEATURE_MASK | VFIO_DEVICE_FEATURE_GET |
				     VFIO_DEVICE_FEATURE_PROBE)) &&
	       u.feature.argsz >= sizeof(u.feature);
	arg = place(t, &u, sizeof(u), &how);
	ret = ioctl(t->fuzz->dev.fd, VFIO_DEVICE_FEATURE, arg);
	if (ret > 2)
		close(ret);
	return judge(t, "FEATURE", ret, how == PLACE_BAD || !good, u.feature.flags,
		     u.feature.argsz);
}

/* a range of a region, most of them good */
static struct vfio_region_dma_range some_range(struct fuzz_thread *t, uint64_t size)
{
	struct vfio_region_dma_range range;

	range.offset = fuzz_edge(t, size);
	range.length = fuzz_one_in(t, 3) ? fuzz_edge(t, size) : PAGE << fuzz_below(t, 10);
	if (!fuzz_one_in(t, 16)) {
		range.offset &= ~(PAGE - 1);
		range.length &= ~(PAGE - 1);
	}
	if (fuzz_one_in(t, 16))
		range.offset = -PAGE;
	if (fuzz_one_in(t, 16))
		range.length = -range.offset + PAGE * fuzz_below(t, 2);
	return range;
}

static bool range_bad(const struct fuzz *f, uint32_t index,
		      const struct vfio_region_dma_range *range)
{
	uint64_t end = range->offset + range->length;
	uint64_t table = f->table & ~(PAGE - 1);

	return !range->length || (range->offset | range->length) & (PAGE - 1) ||
	       end < range->offset || end > f->size[index] ||
	       (index == VFIO_PCI_BAR0_REGION_INDEX && range->offset < table + PAGE && end > table);
}

/* keep one for others to use, or put it away */
static void keep(struct fuzz_thread *t, int fd)
{
	int old = atomic_exchange(&PICK(t, t->fuzz->fd), fd);

	if (old >= 0)
		close(old);
}

static unsigned int op_dmabuf(struct fuzz_thread *t)
{
	struct {
		struct vfio_device_feature feature;
		struct vfio_device_feature_dma_buf get;
		struct vfio_region_dma_range range[MAX_RANGES];
	} u = { .feature.flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF };
	static const uint32_t indexes[] = { 0, 1, 3, 0, 1, 3, 0, 1, 3, 2, 6, 9, ~0u };
	bool bad = false;
	enum place how;
	unsigned int i;
	long ret;
	void *arg;

	u.get.region_index = PICK(t, indexes);
	u.get.nr_ranges = fuzz_one_in(t, 16) ? some_word(t, MAX_RANGES) : 1 + fuzz_below(t, 3);
	u.get.open_flags = fuzz_one_in(t, 8) ? (uint32_t)fuzz_random(t) : O_RDWR | O_CLOEXEC;
	u.get.flags = fuzz_one_in(t, 16) ? some_word(t, 3) : 0;
	u.feature.argsz = fuzz_one_in(t, 8) ? some_argsz(t, 8, sizeof(u)) : sizeof(u);
	bad = u.get.region_index > VFIO_PCI_BAR5_REGION_INDEX || !u.get.nr_ranges || u.get.flags ||
	      u.feature.argsz < offsetof(typeof(u), range) || u.get.nr_ranges > MAX_RANGES;
	for (i = 0; i < MAX_RANGES; i++) {
		uint64_t size = u.get.region_index <= VFIO_PCI_BAR5_REGION_INDEX ?
				t->fuzz->size[u.get.region_index] : 0x1000000;

		u.range[i] = some_range(t, size);
		if (!bad && i < u.get.nr_ranges)
			bad = range_bad(t->fuzz, u.get.region_index, &u.range[i]);
	}
	/* more than there are ranges for must not be found behind them */
	memcpy(t->room + ROOM_SIZE - sizeof(u), &u, sizeof(u));
	arg = fuzz_one_in(t, 16) ? place(t, &u, sizeof(u), &how) : t->room + ROOM_SIZE - sizeof(u);
	if (arg == t->room + ROOM_SIZE - sizeof(u))
		how = PLACE_GOOD;
	if (how == PLACE_GOOD && u.get.nr_ranges > MAX_RANGES)
		arg = t->room + ROOM_SIZE - sizeof(u);
	ret = ioctl(t->fuzz->dev.fd, VFIO_DEVICE_FEATURE, arg);
	if (ret >= 0)
		keep(t, ret);
	return judge(t, "dma-buf of", ret, bad || how == PLACE_BAD, u.get.region_index,
		     u.get.nr_ranges);
}

/* the device finds its own BAR where it finds memory; or a dma-buf goes */
static unsigned int op_dmabuf_use(struct fuzz_thread *t)
{
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = t->fuzz->dev.ioas,
		.length = PAGE << fuzz_below(t, 10),
		.iova = DMABUF_IOVA,
	};
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = t->fuzz->dev.ioas,
		.iova = DMABUF_IOVA,
		.length = UINT64_MAX - DMABUF_IOVA,
	};

	if (fuzz_one_in(t, 3)) {
		keep(t, -1);
		return OUTCOME_OK;
	}
	if (!t->fuzz->dev.use_iommufd)
		return OUTCOME(ENOTTY);
	if (fuzz_one_in(t, 2))
		return fuzz_outcome(ioctl(t->fuzz->dev.iommufd, IOMMU_IOAS_UNMAP, &unmap));
	map.fd = atomic_load(&PICK(t, t->fuzz->fd));
	return fuzz_outcome(ioctl(t->fuzz->dev.iommufd, IOMMU_IOAS_MAP_FILE, &map));
}

/* ---- other ioctls ---------------------------------------------------------------------------- */

/* others have VFs behind the same bridge */
static unsigned int op_hot_reset(struct fuzz_thread *t)
{
	struct {
		struct vfio_pci_hot_reset reset;
		int32_t fds[40];
	} u = { 0 };
	const int32_t some[] = { t->fuzz->dev.group, t->fuzz->dev.fd, -1, 0 };
	enum place how;
	unsigned int i;
	void *arg;

	u.reset.argsz = some_argsz(t, sizeof(u.reset), sizeof(u));
	u.reset.flags = fuzz_one_in(t, 4) ? some_word(t, 2) : 0;
	u.reset.count = fuzz_one_in(t, 4) ? some_word(t, 40) : !t->fuzz->dev.use_iommufd;
	for (i = 0; i < 40; i++)
		u.fds[i] = PICK(t, some);
	arg = place(t, &u, sizeof(u), &how);
	return judge(t, "PCI_HOT_RESET", ioctl(t->fuzz->dev.fd, VFIO_DEVICE_PCI_HOT_RESET, arg),
		     true, u.reset.count, u.reset.flags);
}

/* would go past what read, write and mmap look at */
static unsigned int op_ioeventfd(struct fuzz_thread *t)
{
	struct vfio_device_ioeventfd arg = {
		.argsz = some_argsz(t, sizeof(arg), sizeof(arg)),
		.flags = fuzz_one_in(t, 4) ? (uint32_t)fuzz_random(t) : 1u << fuzz_below(t, 4),
		.offset = fuzz_below(t, 4) << REGION_SHIFT | fuzz_edge(t, VF_BAR0_SIZE),
		.data = fuzz_random(t),
		.fd = PICK(t, t->fuzz->eventfd),
	};

	return judge(t, "IOEVENTFD", ioctl(t->fuzz->dev.fd, VFIO_DEVICE_IOEVENTFD, &arg), true,
		     arg.flags, arg.offset);
}

static unsigned int op_iommufd(struct fuzz_thread *t)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = some_argsz(t, sizeof(bind), sizeof(bind)),
		.flags = fuzz_one_in(t, 4) ? some_word(t, 2) : 0,
		.iommufd = t->fuzz->dev.iommufd,
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = some_argsz(t, offsetof(typeof(attach), pasid), sizeof(attach)),
		.flags = fuzz_one_in(t, 4) ? some_word(t, 2) : 0,
		.pt_id = fuzz_one_in(t, 4) ? some_word(t, 8) : t->fuzz->dev.ioas,
	};
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = some_argsz(t, offsetof(typeof(detach), pasid), sizeof(detach)),
		.flags = fuzz_one_in(t, 4) ? some_word(t, 2) : 0,
	};
	bool group = !t->fuzz->dev.use_iommufd;
	int fd = t->fuzz->dev.fd;

	switch (fuzz_below(t, 4)) {
	case 0:
		return judge(t, "BIND_IOMMUFD", ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind), true,
			     bind.argsz, bind.flags);
	case 1:
		return judge(t, "DETACH_IOMMUFD_PT",
			     ioctl(fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach), group ||
			     detach.flags > 1 || detach.argsz < offsetof(typeof(detach), pasid),
			     detach.argsz, detach.flags);
	default:
		return judge(t, "ATTACH_IOMMUFD_PT",
			     ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), group ||
			     attach.flags > 1 || attach.argsz < offsetof(typeof(attach), pasid),
			     attach.argsz, attach.flags);
	}
}

/* a number that means nothing to a VFIO device, or one that does with a size that it has not */
static unsigned int op_unknown(struct fuzz_thread *t)
{
	static const unsigned int known[] = {
		VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_REGION_INFO, VFIO_DEVICE_GET_IRQ_INFO,
		VFIO_DEVICE_SET_IRQS, VFIO_DEVICE_RESET, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
		VFIO_DEVICE_PCI_HOT_RESET, VFIO_DEVICE_FEATURE, VFIO_DEVICE_BIND_IOMMUFD,
		VFIO_DEVICE_ATTACH_IOMMUFD_PT, VFIO_DEVICE_DETACH_IOMMUFD_PT,
	};
	unsigned int i, cmd = _IO(VFIO_TYPE, fuzz_below(t, 256));

	if (fuzz_one_in(t, 2))
		cmd |= fuzz_below(t, 0x10000) << 16;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (cmd == known[i])
			cmd |= 1u << 16;
	return judge(t, "ioctl", ioctl(t->fuzz->dev.fd, cmd, fuzz_one_in(t, 2) ? NULL : t->room),
		     true, cmd, 0);
}

/* another descriptor of the same file */
static unsigned int op_dup(struct fuzz_thread *t)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = VFIO_PCI_MSIX_IRQ_INDEX };
	int fd = dup(t->fuzz->dev.fd);
	unsigned int outcome;

	if (fd < 0)
		return fuzz_outcome(fd);
	outcome = fuzz_outcome(ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &info));
	close(fd);
	return outcome;
}

/* ---- read, write, mmap ----------------------------------------------------------------------- */

static unsigned int some_region(struct fuzz_thread *t)
{
	static const unsigned int real[] = {
		VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_BAR1_REGION_INDEX, VFIO_PCI_BAR3_REGION_INDEX,
		VFIO_PCI_CONFIG_REGION_INDEX,
	};

	return fuzz_one_in(t, 6) ? some_word(t, 12) & 0x7fffff : PICK(t, real);
}

static unsigned int op_rw(struct fuzz_thread *t)
{
	static const size_t counts[] = { 0, 1, 2, 3, 4, 4, 4, 5, 7, 8, 9, 16, 17, 64 };
	static const size_t long_counts[] = { 4095, 4096, 4097, ROOM_SIZE, 1ull << 32, 1ull << 46 };
	unsigned int index = some_region(t);
	uint64_t size = index < VFIO_PCI_NUM_REGIONS ? t->fuzz->size[index] : 0;
	uint64_t pos = fuzz_edge(t, size);

	if (index == VFIO_PCI_BAR0_REGION_INDEX && fuzz_one_in(t, 4))
		pos = (t->fuzz->table & ~(PAGE - 1)) + fuzz_below(t, PAGE + 16) - 8;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX && fuzz_one_in(t, 2))
		pos = fuzz_below(t, PCI_STD_HEADER_SIZEOF);
	return fuzz_rw(t, index, pos, fuzz_one_in(t, 1024) ? PICK(t, long_counts) : PICK(t, counts),
		       fuzz_one_in(t, 2));
}

/* false: somebody else is at it */
static bool slot_begin(struct fuzz_slot *slot)
{
	unsigned int turn = atomic_load(&slot->turn);

	return !(turn & 1) && atomic_compare_exchange_strong(&slot->turn, &turn, turn + 1);
}

static uint8_t *slot_address(struct fuzz *f, const struct fuzz_slot *slot)
{
	return f->arena + SLOT_SIZE * (slot - f->slot);
}

/* the addresses stay ours: a file that is refused may leave a hole */
static void slot_clear(struct fuzz *f, struct fuzz_slot *slot)
{
	slot->size = 0;
	mmap(slot_address(f, slot), SLOT_SIZE, PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

static unsigned int slot_map(struct fuzz_thread *t, struct fuzz_slot *slot)
{
	static const int prots[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ, PROT_READ, PROT_WRITE, PROT_NONE,
		PROT_READ | PROT_EXEC,
	};
	struct fuzz *f = t->fuzz;
	unsigned int index = some_region(t);
	uint64_t size = index < VFIO_PCI_NUM_REGIONS ? f->size[index] : 0;
	uint64_t offset = fuzz_edge(t, size) & ~(PAGE - 1), len;
	int flags = fuzz_one_in(t, 8) ? MAP_PRIVATE : MAP_SHARED;
	void *p;

	len = fuzz_one_in(t, 2) ? size - offset + PAGE * fuzz_one_in(t, 4) :
				  1 + fuzz_below(t, fuzz_one_in(t, 2) ? PAGE : size - offset);
	if (!len || len > SLOT_SIZE)
		len = PAGE;
	p = mmap(slot_address(f, slot), len, PICK(t, prots), flags | MAP_FIXED, f->dev.fd,
		 (uint64_t)index << REGION_SHIFT | offset);
	if (p == MAP_FAILED)
		return fuzz_outcome(-1);
	/* the last page of a region is whole */
	if (flags == MAP_PRIVATE || offset >= size ||
	    ((len + PAGE - 1) & ~(PAGE - 1)) > size - offset)
		fuzz_wrong(t, "mmap of %#llx bytes at %#llx of region %u works, flags %#x",
			   (unsigned long long)len, (unsigned long long)offset, index, flags);
	slot->index = index;
	slot->offset = offset;
	slot->size = len;
	return OUTCOME_OK;
}

static unsigned int op_mmap(struct fuzz_thread *t)
{
	struct fuzz_slot *slot = &PICK(t, t->fuzz->slot);
	unsigned int outcome;
	int error;

	if (!slot_begin(slot))
		return OUTCOME(EBUSY);
	slot_clear(t->fuzz, slot);
	outcome = slot_map(t, slot);
	error = errno;
	if (outcome)
		slot_clear(t->fuzz, slot);
	errno = error;
	atomic_fetch_add(&slot->turn, 1);
	return outcome;
}

static unsigned int op_munmap(struct fuzz_thread *t)
{
	struct fuzz_slot *slot = &PICK(t, t->fuzz->slot);

	if (!slot_begin(slot))
		return OUTCOME(EBUSY);
	slot_clear(t->fuzz, slot);
	atomic_fetch_add(&slot->turn, 1);
	return OUTCOME_OK;
}

/* others may access it, change it or take it away meanwhile */
static unsigned int op_advise(struct fuzz_thread *t)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_WILLNEED, MADV_DONTFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_MERGEABLE, MADV_DODUMP, MADV_FREE, MADV_COLD, MADV_PAGEOUT,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE,
	};
	struct fuzz_slot *slot = &PICK(t, t->fuzz->slot);
	uint8_t *p = slot_address(t->fuzz, slot) + (fuzz_edge(t, slot->size) & ~(PAGE - 1)) %
		     SLOT_SIZE;

	switch (fuzz_below(t, 4)) {
	case 0:
		return fuzz_outcome(mprotect(p, PAGE, fuzz_below(t, 4)));
	case 1:
		return fuzz_outcome(msync(p, PAGE, MS_SYNC));
	default:
		return fuzz_outcome(madvise(p, PAGE, PICK(t, advice)));
	}
}

static unsigned int op_touch(struct fuzz_thread *t)
{
	struct fuzz_slot *slot = &PICK(t, t->fuzz->slot);
	unsigned int turn = atomic_load(&slot->turn), index = slot->index, outcome;
	uint64_t offset = slot->offset, size = slot->size;
	uint64_t pos = (fuzz_one_in(t, 4) ? fuzz_edge(t, size) : fuzz_below(t, size)) & ~7ull;
	uint64_t table = t->fuzz->table & ~(PAGE - 1);
	bool trapped;

	if (index == VFIO_PCI_BAR0_REGION_INDEX && fuzz_one_in(t, 4) && offset <= table)
		pos = table - offset + (fuzz_below(t, PAGE) & ~7ull);
	if (turn & 1 || pos >= size || pos >= SLOT_SIZE)
		return OUTCOME(EAGAIN);
	trapped = index == VFIO_PCI_BAR0_REGION_INDEX && offset + pos >= table &&
		  offset + pos < table + PAGE;
	outcome = fuzz_access(t, slot_address(t->fuzz, slot) + pos, 1u << fuzz_below(t, 4),
			      fuzz_one_in(t, 2));
	if (!outcome && trapped && atomic_load(&slot->turn) == turn)
		fuzz_wrong(t, "the page of the MSI-X table is mapped: %#llx",
			   (unsigned long long)(offset + pos));
	return outcome;
}

const struct fuzz_op fuzz_user_ops[] = {
	{ "get info", 4, op_info, true },
	{ "region info", 6, op_region_info, true },
	{ "irq info", 4, op_irq_info, true },
	{ "hot reset info", 2, op_hot_reset_info, true },
	{ "set irqs", 10, op_set_irqs, true },
	{ "reset", 1, fuzz_reset, true },
	{ "hot reset", 2, op_hot_reset, false },
	{ "ioeventfd", 3, op_ioeventfd, false },
	{ "feature", 10, op_feature, true },
	{ "dma-buf", 8, op_dmabuf, true },
	{ "dma-buf used", 4, op_dmabuf_use, true },
	{ "iommufd", 3, op_iommufd, false },
	{ "unknown ioctl", 4, op_unknown, false },
	{ "dup", 2, op_dup, true },
	{ "read, write", 60, op_rw, true },
	{ "mmap", 4, op_mmap, true },
	{ "munmap", 1, op_munmap, true },
	{ "madvise", 2, op_advise, false },
	{ "touch", 20, op_touch, true },
	{ "heal", 8, fuzz_heal, true },
	{ 0 }
};
