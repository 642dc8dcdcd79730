// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does after a sleep what a machine's firmware has to do, and SeaBIOS does not: switch on the
 * window through which extended configuration space is reached (PCIEXBAR of QEMU's q35). Without
 * it reads as zeroes all that PCI devices have beyond 256 bytes, SR-IOV among them.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/syscore_ops.h>

#define ECAM_BAR	0x60

static struct pci_dev *bridge;
static u32 ecam_lo, ecam_hi;

/* one CPU, no interrupts: before any device is woken */
static void ecam_resume(void *unused)
{
	u32 lo;

	pci_read_config_dword(bridge, ECAM_BAR, &lo);
	if (lo == ecam_lo)
		return;
	pci_write_config_dword(bridge, ECAM_BAR + 4, ecam_hi);
	pci_write_config_dword(bridge, ECAM_BAR, ecam_lo);
	pr_info("nvgpu-ecam: PCIEXBAR was %#x, is %#x again\n", lo, ecam_lo);
}

static const struct syscore_ops ecam_ops = {
	.resume = ecam_resume,
};

static struct syscore ecam_syscore = {
	.ops = &ecam_ops,
};

static int __init ecam_init(void)
{
	bridge = pci_get_device(PCI_VENDOR_ID_INTEL, 0x29c0, NULL);
	if (!bridge)
		return -ENODEV;
	pci_read_config_dword(bridge, ECAM_BAR, &ecam_lo);
	pci_read_config_dword(bridge, ECAM_BAR + 4, &ecam_hi);
	register_syscore(&ecam_syscore);
	return 0;
}

static void __exit ecam_exit(void)
{
	unregister_syscore(&ecam_syscore);
	pci_dev_put(bridge);
}

module_init(ecam_init);
module_exit(ecam_exit);
MODULE_DESCRIPTION("extended configuration space of q35 after a sleep");
MODULE_LICENSE("GPL");
