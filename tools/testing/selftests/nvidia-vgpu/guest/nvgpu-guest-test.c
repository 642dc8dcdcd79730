// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vGPU seen from inside the guest: what NVIDIA's guest driver relies on before it allocates its
 * first object.
 *
 * Prints a line "NVGPU-GUEST: ok|FAIL <name> <detail>" for each check and "NVGPU-GUEST: done
 * <failures>" at the end. Writing to the parameter "recheck" later looks once more.
 */
#define pr_fmt(fmt) "NVGPU-GUEST: " fmt

#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "vf.h"

#define MAX_OFFSETS	4

static unsigned int device = 0x26b5;
module_param(device, uint, 0444);
MODULE_PARM_DESC(device, "PCI device id of the vGPU type");

static unsigned int subsystem = 0x1774;
module_param(subsystem, uint, 0444);
MODULE_PARM_DESC(subsystem, "PCI subsystem id of the vGPU type");

static unsigned long fb_offset[MAX_OFFSETS];
static unsigned int num_offsets;
module_param_array(fb_offset, ulong, &num_offsets, 0444);
MODULE_PARM_DESC(fb_offset, "framebuffer offsets to leave a pattern at");

static unsigned long long fb_pattern;
module_param(fb_pattern, ullong, 0444);
MODULE_PARM_DESC(fb_pattern, "seed of the pattern");

/**
 * struct guest - the vGPU under test
 * @pdev: its PCI function
 * @regs: BAR0
 * @fb: BAR1
 * @failures: checks that failed so far
 * @fired: completed by each interrupt
 * @seen: what interrupts found in the leaves, and cleared
 * @interrupts: how many there were
 * @ctrl: control buffer, the guest writes
 * @response: response buffer, the plugin task writes
 * @message: buffer of one RPC message
 * @shared: shared memory page
 * @event: event ring
 * @dma: addresses of the five
 * @sequence: of the last request
 */
struct guest {
	struct pci_dev *pdev;
	void __iomem *regs;
	void __iomem *fb;
	unsigned int failures;

	struct completion fired;
	u32 seen[VF_INTR_LEAVES];
	unsigned int interrupts;

	void *ctrl, *response, *message, *shared, *event;
	struct {
		dma_addr_t ctrl, response, message, shared, event;
	} dma;
	u32 sequence;
};

static DEFINE_MUTEX(guest_lock);	/* the_guest: probe, remove and recheck */
static struct guest *the_guest;

static bool __printf(4, 5)
check(struct guest *g, bool ok, const char *name, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_info("%s %s %pV\n", ok ? "ok" : "FAIL", name, &vaf);
	va_end(args);

	if (!ok)
		g->failures++;
	return ok;
}

static u32 rd32(struct guest *g, u32 reg)
{
	return ioread32(g->regs + reg);
}

static void wr32(struct guest *g, u32 reg, u32 val)
{
	iowrite32(val, g->regs + reg);
}

/* ---- identity -------------------------------------------------------------------------------- */

static void check_identity(struct guest *g)
{
	struct pci_dev *pdev = g->pdev;
	u32 boot0 = rd32(g, VF_BOOT_0), boot1 = rd32(g, VF_BOOT_1);

	check(g, pdev->vendor == VF_VENDOR && pdev->device == device, "device-id", "%04x:%04x",
	      pdev->vendor, pdev->device);
	check(g, pdev->subsystem_vendor == VF_VENDOR && pdev->subsystem_device == subsystem,
	      "subsystem-id", "%04x:%04x", pdev->subsystem_vendor, pdev->subsystem_device);
	check(g, VF_BOOT_0_CHIP(boot0) == VF_BOOT_0_CHIP_AD102, "chip", "%08x", boot0);
	check(g, VF_BOOT_1_VGPU(boot1) == VF_BOOT_1_VGPU_VF, "virtual-function", "%08x", boot1);
}

static void check_bars(struct guest *g)
{
	static const struct {
		int bar;
		const char *name;
		resource_size_t size;
	} bars[] = {
		{ 0, "bar0-size", VF_BAR0_SIZE },
		{ 1, "bar1-size", VF_BAR1_SIZE },
		{ 3, "bar3-size", VF_BAR3_SIZE },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bars); i++) {
		resource_size_t size = pci_resource_len(g->pdev, bars[i].bar);

		check(g, size == bars[i].size, bars[i].name, "%llu MiB %llu KiB", (u64)size >> 20,
		      ((u64)size >> 10) % 1024);
	}
}

/* ---- framebuffer ----------------------------------------------------------------------------- */

static u64 seed(unsigned int i)
{
	return fb_pattern + ((u64)i << 56);
}

static bool pattern_there(struct guest *g, unsigned int n)
{
	void __iomem *p = g->fb + fb_offset[n];
	unsigned int i;

	for (i = 0; i < PATTERN_WORDS; i++)
		if (readq(p + 8 * i) != PATTERN_WORD(seed(n), i))
			return false;
	return true;
}

static void check_framebuffer(struct guest *g)
{
	unsigned int n, i;
	u32 status;

	wr32(g, VF_BAR1_BLOCK, 0);
	if (read_poll_timeout(rd32, status, !(status & VF_BIND_STATUS_BAR1), 100,
			      2 * USEC_PER_SEC, false, g, VF_BIND_STATUS)) {
		check(g, false, "bar1-physical", "bind status %08x", status);
		return;
	}
	check(g, !rd32(g, VF_BAR1_BLOCK), "bar1-physical", "%08x", rd32(g, VF_BAR1_BLOCK));

	for (n = 0; n < num_offsets; n++) {
		if (fb_offset[n] > VF_BAR1_SIZE - 8 * PATTERN_WORDS || fb_offset[n] % 8) {
			check(g, false, "framebuffer", "%#lx is not in BAR1", fb_offset[n]);
			return;
		}
		for (i = 0; i < PATTERN_WORDS; i++)
			writeq(PATTERN_WORD(seed(n), i), g->fb + fb_offset[n] + 8 * i);
	}
	/* all are read after all were written: two offsets that alias would show */
	for (n = 0; n < num_offsets; n++)
		check(g, pattern_there(g, n), "framebuffer", "pattern at %#lx", fb_offset[n]);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static irqreturn_t guest_irq(int irq, void *data)
{
	struct guest *g = data;
	u32 top = rd32(g, VF_INTR_TOP);
	unsigned int i;

	for (i = 0; i < VF_INTR_LEAVES; i++) {
		u32 leaf;

		if (!(top & BIT(i / 2)))
			continue;
		leaf = rd32(g, VF_INTR_LEAF(i));
		wr32(g, VF_INTR_LEAF(i), leaf);
		g->seen[i] |= leaf;
	}
	g->interrupts++;
	complete(&g->fired);
	return IRQ_HANDLED;
}

/* triggers @vector; true if an interrupt came and found just that */
static bool trigger(struct guest *g, unsigned int vector, unsigned int timeout_ms)
{
	unsigned int leaf = vector / 32;
	u32 bit = BIT(vector % 32);

	reinit_completion(&g->fired);
	memset(g->seen, 0, sizeof(g->seen));
	wr32(g, VF_INTR_LEAF_TRIGGER, vector);
	if (!wait_for_completion_timeout(&g->fired, msecs_to_jiffies(timeout_ms)))
		return false;
	return g->seen[leaf] & bit;
}

static void check_interrupt(struct guest *g, unsigned int vector)
{
	unsigned int leaf = vector / 32, before;
	u32 bit = BIT(vector % 32);
	bool came;

	wr32(g, VF_INTR_LEAF_EN_CLEAR(leaf), bit);
	before = g->interrupts;
	came = trigger(g, vector, 100);
	check(g, !came && g->interrupts == before && rd32(g, VF_INTR_LEAF(leaf)) & bit,
	      "interrupt-masked", "vector %u, leaf %08x", vector, rd32(g, VF_INTR_LEAF(leaf)));
	wr32(g, VF_INTR_LEAF(leaf), bit);

	wr32(g, VF_INTR_LEAF_EN_SET(leaf), bit);
	wr32(g, VF_INTR_TOP_EN_SET, BIT(leaf / 2));
	came = trigger(g, vector, 5000);
	check(g, came && !(rd32(g, VF_INTR_LEAF(leaf)) & bit), "interrupt",
	      "vector %u, %u in all", vector, g->interrupts);
	wr32(g, VF_INTR_LEAF_EN_CLEAR(leaf), bit);
}

static int setup_interrupts(struct guest *g)
{
	int n, i, ret;

	n = pci_alloc_irq_vectors(g->pdev, 1, VF_MSIX_VECTORS, PCI_IRQ_MSIX);
	if (!check(g, n > 0, "msix", "%d vectors", n))
		return n < 0 ? n : -ENOSPC;
	for (i = 0; i < n; i++) {
		ret = devm_request_irq(&g->pdev->dev, pci_irq_vector(g->pdev, i), guest_irq, 0,
				       KBUILD_MODNAME, g);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- the page that the host traps ------------------------------------------------------------ */

static void check_tlb_invalidate(struct guest *g)
{
	u32 val;

	wr32(g, VF_MMU_INVALIDATE, VF_MMU_INVALIDATE_TRIGGER | VF_MMU_INVALIDATE_ALL);
	check(g, !read_poll_timeout(rd32, val, !(val & VF_MMU_INVALIDATE_TRIGGER), 100,
				    2 * USEC_PER_SEC, false, g, VF_MMU_INVALIDATE),
	      "tlb-invalidate", "%08x", val);
}

/* ---- the plugin task's half of the channel --------------------------------------------------- */

static void put32(void *buf, unsigned int off, u32 val)
{
	WRITE_ONCE(*(__le32 *)(buf + off), cpu_to_le32(val));
}

static u32 get32(void *buf, unsigned int off)
{
	return le32_to_cpu(READ_ONCE(*(__le32 *)(buf + off)));
}

static void put64(void *buf, unsigned int off, u64 val)
{
	put32(buf, off, lower_32_bits(val));
	put32(buf, off + 4, upper_32_bits(val));
}

/* one request, one answer */
static int request(struct guest *g, u32 doorbell)
{
	u32 id;

	put32(g->ctrl, CTRL_REQUEST_ID, ++g->sequence);
	dma_wmb();	/* the request is complete before the bell rings */
	wr32(g, VF_DOORBELL, doorbell);
	return read_poll_timeout(get32, id, id == g->sequence, 200,
				 RPC_TIMEOUT_MS * USEC_PER_MSEC, false, g->response, RESPONSE_ID);
}

static int setup_channel(struct guest *g, u64 ctrl_addr)
{
	wr32(g, VF_CTRL_ADDR_HI, upper_32_bits(ctrl_addr));
	wr32(g, VF_CTRL_ADDR_LO, lower_32_bits(ctrl_addr));
	return request(g, VF_DOORBELL_SETUP);
}

static int alloc_channel(struct guest *g)
{
	struct device *dev = &g->pdev->dev;
	const struct {
		void **buf;
		dma_addr_t *dma;
		size_t size;
	} bufs[] = {
		{ &g->ctrl, &g->dma.ctrl, CTRL_SIZE },
		{ &g->response, &g->dma.response, RESPONSE_SIZE },
		{ &g->message, &g->dma.message, MESSAGE_SIZE },
		{ &g->shared, &g->dma.shared, SHARED_SIZE },
		{ &g->event, &g->dma.event, EVENT_SIZE },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(bufs); i++) {
		*bufs[i].buf = dmam_alloc_coherent(dev, bufs[i].size, bufs[i].dma, GFP_KERNEL);
		if (!*bufs[i].buf)
			return -ENOMEM;
	}
	put32(g->ctrl, CTRL_VERSION, CTRL_VERSION_2);
	put64(g->ctrl, CTRL_RESPONSE_BUF, g->dma.response | BUF_SYSMEM | BUF_VALID);
	put64(g->ctrl, CTRL_MESSAGE_BUF, g->dma.message | BUF_128K | BUF_SYSMEM | BUF_VALID);
	put64(g->ctrl, CTRL_SHARED_MEM, g->dma.shared | BUF_SYSMEM | BUF_VALID);
	put64(g->ctrl, CTRL_EVENT_BUF, g->dma.event | BUF_SYSMEM | BUF_VALID);
	put32(g->ctrl, CTRL_GUEST_OS_TYPE, CTRL_OS_LINUX_X86_64);
	g->sequence = get32(g->response, RESPONSE_ID);
	return 0;
}

static void check_guest_info(struct guest *g)
{
	void *info = g->message + RPC_HEADER_SIZE;
	u32 result, private, major, minor;
	int ret;

	put32(g->message, RPC_HEADER_VERSION, RPC_HEADER_VERSION_3);
	put32(g->message, RPC_SIGNATURE, RPC_SIGNATURE_VRPC);
	put32(g->message, RPC_LENGTH, RPC_HEADER_SIZE + INFO_SIZE);
	put32(g->message, RPC_FUNCTION, RPC_SET_GUEST_SYSTEM_INFO);
	put32(g->message, RPC_RESULT, RPC_RESULT_PENDING);
	put32(g->message, RPC_RESULT_PRIVATE, RPC_RESULT_PENDING);
	put32(g->message, RPC_SEQUENCE, 0);
	put32(info, INFO_VERSION_MAJOR, INFO_MAJOR);
	put32(info, INFO_VERSION_MINOR, INFO_MINOR);
	put32(info, INFO_DRIVER_LEN, INFO_STRING_LEN);
	put32(info, INFO_VERSION_LEN, INFO_STRING_LEN);
	put32(info, INFO_TITLE_LEN, INFO_STRING_LEN);
	strscpy(info + INFO_DRIVER, "570.144", INFO_STRING_LEN);
	strscpy(info + INFO_VERSION, "r570", INFO_STRING_LEN);
	strscpy(info + INFO_TITLE, KBUILD_MODNAME, INFO_STRING_LEN);

	ret = request(g, VF_DOORBELL_MESSAGE);
	if (!check(g, !ret, "rpc-answered", "request %u", g->sequence))
		return;
	result = get32(g->message, RPC_RESULT);
	private = get32(g->message, RPC_RESULT_PRIVATE);
	check(g, !result && !private, "rpc-result", "%08x %08x", result, private);
	major = get32(info, INFO_VERSION_MAJOR);
	minor = get32(info, INFO_VERSION_MINOR);
	check(g, major == INFO_MAJOR && minor == INFO_MINOR, "rpc-version", "%02x.%02x", major,
	      minor);
}

static void check_plugin(struct guest *g)
{
	int ret;

	ret = alloc_channel(g);
	if (ret) {
		check(g, false, "plugin-buffers", "%d", ret);
		return;
	}
	ret = setup_channel(g, g->dma.ctrl | BUF_SYSMEM | BUF_VALID);
	if (!check(g, !ret, "plugin-setup", "request %u", g->sequence))
		return;
	check_guest_info(g);

	put64(g->ctrl, CTRL_MESSAGE_BUF, 0);
	ret = setup_channel(g, 0);
	check(g, !ret, "plugin-teardown", "request %u", g->sequence);
}

/* the plugin task finds its control buffer in that memory, and answers there */
static void check_reach(struct guest *g, u64 address)
{
	void *ctrl = g->ctrl, *response = g->response, *p;
	int ret;

	p = memremap(address, 2 * PAGE_SIZE, MEMREMAP_WB);
	if (!check(g, p, "reach", "memory at %#llx", address))
		return;
	memset(p, 0, 2 * PAGE_SIZE);
	memcpy(p, ctrl, CTRL_SIZE);
	put64(p, CTRL_RESPONSE_BUF, (address + PAGE_SIZE) | BUF_SYSMEM | BUF_VALID);
	put64(p, CTRL_MESSAGE_BUF, g->dma.message | BUF_128K | BUF_SYSMEM | BUF_VALID);
	g->ctrl = p;
	g->response = p + PAGE_SIZE;
	ret = setup_channel(g, address | BUF_SYSMEM | BUF_VALID);
	check(g, !ret, "reach", "set-up at %#llx", address);
	put64(p, CTRL_MESSAGE_BUF, 0);
	check(g, !setup_channel(g, 0), "reach", "teardown at %#llx", address);
	g->ctrl = ctrl;
	g->response = response;
	memunmap(p);
}

/* there is no memory any more */
static void check_stray(struct guest *g, u64 address)
{
	check(g, setup_channel(g, address | BUF_SYSMEM | BUF_VALID), "stray", "at %#llx", address);
}

/* ---- module ---------------------------------------------------------------------------------- */

static int guest_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct guest *g;
	int ret;

	g = devm_kzalloc(&pdev->dev, sizeof(*g), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	g->pdev = pdev;
	init_completion(&g->fired);
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	pci_set_master(pdev);
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(47));
	if (ret)
		return ret;
	g->regs = pcim_iomap(pdev, 0, 0);
	g->fb = pcim_iomap(pdev, 1, 0);
	if (!g->regs || !g->fb)
		return -ENOMEM;

	check_identity(g);
	check_bars(g);
	check_framebuffer(g);
	check_tlb_invalidate(g);
	if (!setup_interrupts(g)) {
		check_interrupt(g, 70);
		check_interrupt(g, 5);
	}
	check_plugin(g);
	pr_info("done %u\n", g->failures);

	guard(mutex)(&guest_lock);
	the_guest = g;
	return 0;
}

static void guest_remove(struct pci_dev *pdev)
{
	guard(mutex)(&guest_lock);
	the_guest = NULL;
}

static int recheck(const char *val, const struct kernel_param *kp)
{
	unsigned int n;

	guard(mutex)(&guest_lock);
	if (!the_guest)
		return -ENODEV;
	for (n = 0; n < num_offsets; n++)
		check(the_guest, pattern_there(the_guest, n), "framebuffer-again",
		      "pattern at %#lx", fb_offset[n]);
	check_interrupt(the_guest, 70);
	return 0;
}

static int at_address(const char *val, const struct kernel_param *kp)
{
	void (*run)(struct guest *g, u64 address) = kp->arg;
	u64 address;
	int ret;

	ret = kstrtou64(val, 0, &address);
	if (ret)
		return ret;
	guard(mutex)(&guest_lock);
	if (!the_guest)
		return -ENODEV;
	run(the_guest, address);
	return 0;
}

static const struct kernel_param_ops at_address_ops = { .set = at_address };
module_param_cb(reach, &at_address_ops, check_reach, 0200);
MODULE_PARM_DESC(reach, "address of memory that the device must reach");
module_param_cb(stray, &at_address_ops, check_stray, 0200);
MODULE_PARM_DESC(stray, "address where there is no memory for it");

static const struct kernel_param_ops recheck_ops = { .set = recheck };
module_param_cb(recheck, &recheck_ops, NULL, 0200);
MODULE_PARM_DESC(recheck, "look at framebuffer and interrupt once more");

static const struct pci_device_id guest_ids[] = {
	/* any NVIDIA display function; what it must be is checked */
	{
		PCI_DEVICE(VF_VENDOR, PCI_ANY_ID),
		.class = PCI_BASE_CLASS_DISPLAY << 16,
		.class_mask = 0xff0000,
	},
	{ }
};
MODULE_DEVICE_TABLE(pci, guest_ids);

static struct pci_driver guest_driver = {
	.name = KBUILD_MODNAME,
	.id_table = guest_ids,
	.probe = guest_probe,
	.remove = guest_remove,
};
module_pci_driver(guest_driver);

MODULE_DESCRIPTION("Checks a vGPU from inside its guest");
MODULE_LICENSE("GPL");
