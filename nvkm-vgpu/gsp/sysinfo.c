// SPDX-License-Identifier: GPL-2.0-only
/* What CPU and GSP-RM tell each other of the system and the board, around GSP-RM's start. */
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fwabi/fwabi.h"
#include "gsp/rpc.h"
#include "gsp/sysinfo.h"
#include "regs/bus.h"
#include "regs/gpu.h"

/* the BARs of a VF by the PCI core's count, where a 64-bit one takes two */
static const u8 sysinfo_vf_bars[] = { 0, 1, 3 };

static const struct nvgpu_registry_key sysinfo_registry[] = {
	/* GSP-RM is to expect VFs */
	{ "RMSetSriovMode", 1 },
	/*
	 * what NVIDIA's driver has GSP-RM do on every board: resets behind bridges, and the PCI
	 * core's own ids
	 */
	{ "RMSecBusResetEnable", 1 },
	{ "RMForcePcieConfigSave", 1 },
	{ "RMDevidCheckIgnore", 1 },
};

static void sysinfo_vfs(struct pci_dev *pdev, struct nvgpu_vf_info *vf)
{
	const struct resource *res;
	unsigned int i;

	vf->total_vfs = pci_sriov_get_totalvfs(pdev);
	/* the PCI core tells no more than the lower byte, and these boards have no more */
	vf->first_vf_offset = (u8)(pci_iov_virtfn_devfn(pdev, 0) - pdev->devfn);
	for (i = 0; i < ARRAY_SIZE(sysinfo_vf_bars); i++) {
		res = pci_resource_n(pdev, PCI_IOV_RESOURCES + sysinfo_vf_bars[i]);
		/* no room for it below the bridges: VFs cannot be had, everything else works */
		if (!res->flags)
			continue;
		vf->bar_size[i] = div_u64(resource_size(res), vf->total_vfs);
		vf->bar_64bit[i] = res->flags & IORESOURCE_MEM_64;
		if (res->parent)
			vf->bar_addr[i] =
				pci_bus_address(pdev, PCI_IOV_RESOURCES + sysinfo_vf_bars[i]);
	}
}

static int sysinfo_send_system(struct nvgpu_rpc *rpc)
{
	struct pci_dev *pdev = rpc->gpu->pdev;
	struct nvgpu_system_info info = {
		.bar0_addr = pci_bus_address(pdev, 0),
		.bar1_addr = pci_bus_address(pdev, 1),
		.bar3_addr = pci_bus_address(pdev, 3),
		.bdf = (u64)pci_domain_nr(pdev->bus) << 32 | pci_dev_id(pdev),
		.max_user_va = TASK_SIZE,
		.config_mirror_base = NVGPU_XVE,
		.config_mirror_size = NVGPU_XVE_SIZE,
		.vendor = pdev->vendor,
		.device = pdev->device,
		.subsystem_vendor = pdev->subsystem_vendor,
		.subsystem = pdev->subsystem_device,
		.revision = pdev->revision,
		.host_page_size = PAGE_SIZE,
	};
	void *buf __free(kfree) = kzalloc(rpc->gpu->abi->system_info_size, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	sysinfo_vfs(pdev, &info.vf);
	rpc->gpu->abi->encode_system_info(buf, &info);
	return nvgpu_rpc_send(rpc, "GSP_SET_SYSTEM_INFO", rpc->gpu->abi->rpc->set_system_info, buf,
			      rpc->gpu->abi->system_info_size);
}

static int sysinfo_send_registry(struct nvgpu_rpc *rpc)
{
	const struct nvgpu_fwabi_rpc *ops = rpc->gpu->abi->rpc;
	size_t size = ops->registry_size(sysinfo_registry, ARRAY_SIZE(sysinfo_registry));

	void *buf __free(kfree) = kzalloc(size, GFP_KERNEL);

	if (!buf)
		return -ENOMEM;
	ops->encode_registry(buf, sysinfo_registry, ARRAY_SIZE(sysinfo_registry));
	return nvgpu_rpc_send(rpc, "SET_REGISTRY", ops->set_registry, buf, size);
}

/**
 * nvgpu_sysinfo_send - queue the messages that GSP-RM wants to find when it starts
 * @rpc: GSP-RM's
 */
int nvgpu_sysinfo_send(struct nvgpu_rpc *rpc)
{
	int ret = sysinfo_send_system(rpc);

	return ret ? ret : sysinfo_send_registry(rpc);
}

/**
 * nvgpu_sysinfo_check_vfs - do GSP-RM and the PCI core speak of the same VFs
 * @dev: for messages
 * @pci: what the PCI core says; sizes are 0 where it has none
 * @gsp: what GSP-RM says
 *
 * Return: 0, or -EPROTO with a line that says what differs.
 */
int nvgpu_sysinfo_check_vfs(struct device *dev, const struct nvgpu_vf_info *pci,
			    const struct nvgpu_vf_info *gsp)
{
	unsigned int i;

	if (gsp->total_vfs != pci->total_vfs)
		return dev_err_probe(dev, -EPROTO, "GSP-RM knows %u VFs, PCI has %u\n",
				     gsp->total_vfs, pci->total_vfs);
	if (gsp->first_vf_offset != pci->first_vf_offset)
		return dev_err_probe(dev, -EPROTO,
				     "GSP-RM has the first VF at offset %u, PCI at %u\n",
				     gsp->first_vf_offset, pci->first_vf_offset);
	for (i = 0; i < ARRAY_SIZE(pci->bar_size); i++) {
		if (pci->bar_size[i] && gsp->bar_size[i] != pci->bar_size[i])
			return dev_err_probe(dev, -EPROTO,
					     "GSP-RM has VF BAR%u of %#llx bytes, PCI of %#llx\n",
					     sysinfo_vf_bars[i], gsp->bar_size[i],
					     pci->bar_size[i]);
	}
	return 0;
}

/**
 * nvgpu_sysinfo_get - ask GSP-RM about the board
 * @rpc: GSP-RM's
 * @info: result
 *
 * Return: 0; -EPROTO when the reply makes no sense, or GSP-RM is not in SR-IOV mode; -errno of the
 * call.
 */
int nvgpu_sysinfo_get(struct nvgpu_rpc *rpc, struct nvgpu_static_info *info)
{
	void *buf __free(kfree) = kzalloc(rpc->gpu->abi->static_info_size, GFP_KERNEL);
	struct nvgpu_rpc_call call = {
		.name = "GET_GSP_STATIC_INFO",
		.function = rpc->gpu->abi->rpc->get_static_info,
		.buf = buf,
		.size = rpc->gpu->abi->static_info_size,
	};
	struct device *dev = &rpc->gpu->pdev->dev;
	struct nvgpu_vf_info vf = {};
	ssize_t len;

	if (!buf)
		return -ENOMEM;
	len = nvgpu_rpc_call(rpc, &call);
	if (len < 0)
		return len;
	if (rpc->gpu->abi->decode_static_info(buf, len, info))
		return dev_err_probe(dev, -EPROTO,
				     "GSP-RM's static information of %zd bytes makes no sense\n",
				     len);
	if (!info->sriov_enabled)
		return dev_err_probe(dev, -EPROTO, "GSP-RM is not in SR-IOV mode\n");
	sysinfo_vfs(rpc->gpu->pdev, &vf);
	return nvgpu_sysinfo_check_vfs(dev, &vf, &info->vf);
}
