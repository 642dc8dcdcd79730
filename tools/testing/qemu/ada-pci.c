/*
 * NVIDIA Ada GPU: PCI functions
 *
 * Configuration space follows an lspci of a real L20 (AD102). What QEMU cannot express of it: link training and its
 * results, retimers, power budget and margining data (their capabilities are there, empty), contents of the two
 * vendor-specific capabilities. And QEMU lets a VF decode its BARs by its own Memory Space Enable, which reads 0 in
 * real VFs, instead of the PF's VF MSE.
 *
 *   assumption VF-CFG    a VF has Express at 0x40, in front of MSI-X at 0x7c (where NVIDIA's headers have it), ARI at
 *                        0xc14 and AER at 0x420 as the PF, no power management, no INTx, no ROM
 *   assumption VF-PBA    a VF's MSI-X pending bits are at BAR0 0x20000: where the PF's are in its copy of the block
 *   assumption NO-SRIOV  the board without SR-IOV has one MSI vector at 0x68 and neither MSI-X nor ARI
 *   assumption RESET     any reset of the PF is power-on, except that VRAM keeps its contents
 *   assumption NO-P2P    DMA reaches memory only: no register of the machine, no BAR, be it the GPU's own
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "hw/pci/msi.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_sriov.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "ada.h"

#define VENDOR_NVIDIA       0x10de
#define CLASS_3D            0x0302
#define CLASS_VGA           0x0300
#define CLASS_AUDIO         0x0403
#define AUDIO_DEVICE        0x22ba      /* AD102's, of a GeForce RTX 4090 */
#define AUDIO_BAR0_SIZE     (16 * KiB)
#define VGA_IO_SIZE         128
#define ROM_SIZE            (512 * KiB)
#define REVISION_A1         0xa1

#define PF_PM               0x60
#define PF_MSI              0x68    /* a Null capability where there is no MSI */
#define PF_NULL_SIZE        0x10
#define PF_EXPRESS          0x78
#define PF_VENDOR           0xb4
#define PF_VENDOR_SIZE      0x14
#define PF_MSIX             0xc8
#define PF_AER              0x420
#define PF_REBAR            0xbb0
#define PF_SRIOV            0xbcc
#define PF_ARI              0xc14
#define VF_EXPRESS          0x40
#define VF_MSIX             0x7c
#define VF_STRIDE           1
#define VF_PAGE_SIZES       0x573

#define MSIX_VECTORS        6
#define MSIX_TABLE          0x10000     /* in the virtual-function block */
#define MSIX_PBA            0x20000

#define BAR1_MIN            (64 * MiB)
#define BAR1_MAX            (64 * GiB)
#define BAR_MEM64_PREFETCH  (PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH)

/* ---- DMA --------------------------------------------------------------------------------------------------------- */

/*
 * Bus addresses of the PF's own BAR1 are framebuffer, no IOMMU between: on boards with a large BAR booter and GSP-RM
 * were given such addresses as system memory, and took them. Assumption OWN-BAR1: whatever BAR1 shows by then
 */
static bool own_bar1(AdaFunc *f, uint64_t addr, size_t len, uint64_t *fb)
{
    PCIDevice *pf = &f->gpu->parent_obj;
    uint64_t bar = pci_get_bar_addr(pf, 1), size = memory_region_size(&f->gpu->bar1);

    if (f->gfid || bar == PCI_BAR_UNMAPPED || addr < bar || addr - bar >= size || len > size - (addr - bar) ||
        pci_device_iommu_address_space(pf) != &address_space_memory) {
        return false;
    }
    *fb = addr - bar;
    return true;
}

/*
 * What a register of the machine does, it does before the access returns: a write to the PF's own configuration space,
 * say, resets the GPU under whatever does this DMA. So it is for memory, the GPU's own included, and the bus refuses
 * all else
 */
static bool dma(AdaFunc *f, uint64_t addr, void *buf, size_t len, DMADirection dir)
{
    uint64_t fb;

    if (!f->pdev || f->gpu->faults.off_bus) {
        return false;
    }
    if (own_bar1(f, addr, len, &fb)) {
        if (ada_wpr2_denied(f, fb, len)) {
            return false;
        }
        return dir == DMA_DIRECTION_TO_DEVICE ? ada_vram_read(f->gpu, fb, buf, len) :
                                                ada_vram_write(f->gpu, fb, buf, len);
    }
    return pci_dma_rw(f->pdev, addr, buf, len, dir, (MemTxAttrs) { .memory = true }) == MEMTX_OK;
}

static void dma_refuse(AdaFunc *f, const char *what, uint64_t addr, size_t len)
{
    if (f->pdev && !(pci_get_word(f->pdev->config + PCI_COMMAND) & PCI_COMMAND_MASTER)) {
        ada_refuse(f->gpu, "dma-master", "gfid %u, which is no bus master: %s of %zu bytes", f->gfid, what, len);
        return;
    }
    ada_refuse(f->gpu, "dma-fault", "gfid %u: %s of %zu bytes at 0x%" PRIx64, f->gfid, what, len, addr);
}

bool ada_dma_read(AdaFunc *f, uint64_t addr, void *buf, size_t len)
{
    if (!dma(f, addr, buf, len, DMA_DIRECTION_TO_DEVICE)) {
        dma_refuse(f, "read", addr, len);
        return false;
    }
    f->stats.dma_read_bytes += len;
    return true;
}

bool ada_dma_write(AdaFunc *f, uint64_t addr, const void *buf, size_t len)
{
    if (!dma(f, addr, (void *)buf, len, DMA_DIRECTION_FROM_DEVICE)) {
        dma_refuse(f, "write", addr, len);
        return false;
    }
    f->stats.dma_write_bytes += len;
    return true;
}

/* ---- BAR1, BAR3 -------------------------------------------------------------------------------------------------- */

static uint64_t bar1_read(void *opaque, hwaddr addr, unsigned int size)
{
    AdaFunc *f = opaque;

    f->stats.bar_reads[1]++;
    return ada_bar1_read(f, addr, size);
}

static void bar1_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
    AdaFunc *f = opaque;

    f->stats.bar_writes[1]++;
    ada_bar1_write(f, addr, val, size);
}

static uint64_t bar3_read(void *opaque, hwaddr addr, unsigned int size)
{
    AdaFunc *f = opaque;

    f->stats.bar_reads[3]++;
    return ada_bar3_read(f, addr, size);
}

static void bar3_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
    AdaFunc *f = opaque;

    f->stats.bar_writes[3]++;
    ada_bar3_write(f, addr, val, size);
}

static const MemoryRegionOps bar1_ops = {
    .read = bar1_read,
    .write = bar1_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

static const MemoryRegionOps bar3_ops = {
    .read = bar3_read,
    .write = bar3_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

/* ---- surprise removal -------------------------------------------------------------------------------------------- */

static uint64_t off_bus_read(void *opaque, hwaddr addr, unsigned int size)
{
    return UINT64_MAX;
}

static void off_bus_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
}

static const MemoryRegionOps off_bus_ops = {
    .read = off_bus_read,
    .write = off_bus_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

static void off_bus_update(AdaFunc *f)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(f->off_bus); i++) {
        memory_region_set_enabled(&f->off_bus[i], f->gpu->faults.off_bus);
    }
}

/* Covers all that is in the BARs, the MSI-X tables too */
static void off_bus_init(AdaFunc *f, Object *owner, MemoryRegion *bar0, MemoryRegion *bar1, MemoryRegion *bar3)
{
    MemoryRegion *bar[ARRAY_SIZE(f->off_bus)] = { bar0, bar1, bar3 };

    for (unsigned int i = 0; i < ARRAY_SIZE(bar); i++) {
        /* BAR1 can grow, and what is past the end of a BAR is not seen */
        memory_region_init_io(&f->off_bus[i], owner, &off_bus_ops, NULL, "nvidia-ada-off-bus", BAR1_MAX);
        memory_region_add_subregion_overlap(bar[i], 0, &f->off_bus[i], 1);
    }
    off_bus_update(f);
}

static void func_off_bus(AdaFunc *f)
{
    off_bus_update(f);
    ada_intr_off_bus(f);
}

void ada_off_bus(AdaState *s)
{
    func_off_bus(&s->func);
    for (unsigned int i = 0; i < ADA_MAX_VFS; i++) {
        if (s->vf[i]) {
            func_off_bus(s->vf[i]);
        }
    }
}

/* ---- capabilities ------------------------------------------------------------------------------------------------ */

static void board_ids(PCIDevice *pdev, const AdaBoard *board)
{
    pci_config_set_device_id(pdev->config, board->device_id);
    pci_set_word(pdev->config + PCI_SUBSYSTEM_ID, board->subsystem_id);
    if (board->display) {
        pci_config_set_class(pdev->config, CLASS_VGA);
    }
}

static bool init_express(PCIDevice *pdev, uint8_t offset, uint8_t type, Error **errp)
{
    uint8_t *cap, *wmask;

    if (pcie_cap_init(pdev, offset, type, 0, errp) < 0) {
        return false;
    }
    cap = pdev->config + offset;
    wmask = pdev->wmask + offset;

    /* 256-byte payload, L0s any latency, L1 below 64 us */
    pci_set_long(cap + PCI_EXP_DEVCAP, 1 | PCI_EXP_DEVCAP_EXT_TAG | 7 << 6 | 6 << 9 | PCI_EXP_DEVCAP_RBER);
    pci_set_word(wmask + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_EXT_TAG |
                 PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ);
    pci_set_word(cap + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | 2 << 12);

    pcie_cap_fill_link_ep_usp(pdev, QEMU_PCI_EXP_LNK_X16, QEMU_PCI_EXP_LNK_16GT);
    pci_long_test_and_clear_mask(cap + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_ASPMS);
    pci_long_test_and_set_mask(cap + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_CLKPM | BIT(22) /* ASPM optionality */);
    pci_long_test_and_set_mask(cap + PCI_EXP_LNKCAP2, BIT(23) | BIT(24) /* sees one and two retimers */);

    /* timeout ranges A and B and disable, LTR, 10-bit tags both ways, OBFF by message */
    pci_set_long(cap + PCI_EXP_DEVCAP2, 0x3 | PCI_EXP_DEVCAP2_COMP_TMOUT_DIS | PCI_EXP_DEVCAP2_LTR | BIT(16) | BIT(17) |
                 BIT(18));
    pci_set_word(wmask + PCI_EXP_DEVCTL2, 0x1f | PCI_EXP_DEVCTL2_LTR_EN | BIT(12) | PCI_EXP_DEVCTL2_OBFF_WAKE_EN);

    pcie_cap_deverr_init(pdev);
    pcie_cap_flr_init(pdev);
    return true;
}

static void reset_express(PCIDevice *pdev)
{
    uint8_t *cap = pdev->config + pdev->exp.exp_cap;

    pcie_cap_deverr_reset(pdev);
    /* keeps the FLR bit: the PCI core clears it when this reset is done */
    pci_set_word(cap + PCI_EXP_DEVCTL, (pci_get_word(cap + PCI_EXP_DEVCTL) & PCI_EXP_DEVCTL_BCR_FLR) |
                 PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | 2 << 12);
    pci_set_word(cap + PCI_EXP_DEVCTL2, 0);
}

static void reset_aer(PCIDevice *pdev)
{
    uint8_t *cap = pdev->config + PF_AER;

    pci_set_long(cap + PCI_ERR_UNCOR_STATUS, 0);
    pci_set_long(cap + PCI_ERR_UNCOR_SEVER, PCI_ERR_UNC_DLP | PCI_ERR_UNC_SDN | PCI_ERR_UNC_FCP | PCI_ERR_UNC_RX_OVER |
                 PCI_ERR_UNC_MALF_TLP);
    pci_set_long(cap + PCI_ERR_UNCOR_MASK, 0);
    pci_set_long(cap + PCI_ERR_COR_STATUS, 0);
    pci_set_long(cap + PCI_ERR_COR_MASK, PCI_ERR_COR_ADV_NONFATAL);
    memset(cap + PCI_ERR_HEADER_LOG, 0, PCI_ERR_HEADER_LOG_SIZE);
}

static bool init_aer(PCIDevice *pdev, Error **errp)
{
    if (pcie_aer_init(pdev, 2, PF_AER, PCI_ERR_SIZEOF, errp) < 0) {
        return false;
    }
    reset_aer(pdev);
    return true;
}

static bool init_msix(PCIDevice *pdev, MemoryRegion *bar0, uint32_t block, uint8_t offset, Error **errp)
{
    if (msix_init(pdev, MSIX_VECTORS, bar0, 0, block + MSIX_TABLE, bar0, 0, block + MSIX_PBA, offset, errp)) {
        return false;
    }
    for (unsigned int i = 0; i < MSIX_VECTORS; i++) {
        msix_vector_use(pdev, i);
    }
    return true;
}

/* The core puts each new capability in front: last one first. */
static bool pf_caps(AdaState *s, Error **errp)
{
    PCIDevice *pdev = &s->parent_obj;

    if (s->sriov && !init_msix(pdev, &s->bar0, ADA_PF_VFREGS, PF_MSIX, errp)) {
        return false;
    }
    if (pci_add_capability(pdev, PCI_CAP_ID_VNDR, PF_VENDOR, PF_VENDOR_SIZE, errp) < 0) {
        return false;
    }
    pci_set_byte(pdev->config + PF_VENDOR + 2, PF_VENDOR_SIZE);
    if (!init_express(pdev, PF_EXPRESS, PCI_EXP_TYPE_LEG_END, errp)) {
        return false;
    }
    if (s->has_msi) {
        if (msi_init(pdev, PF_MSI, 1, true, false, errp)) {
            return false;
        }
    } else if (pci_add_capability(pdev, 0 /* Null */, PF_MSI, PF_NULL_SIZE, errp) < 0) {
        return false;
    }
    if (pci_pm_init(pdev, PF_PM, errp) < 0) {
        return false;
    }
    pci_set_word(pdev->config + PF_PM + PCI_PM_PMC, 3 | PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot);
    pci_set_word(pdev->config + PF_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
    pci_set_word(pdev->wmask + PF_PM + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
    pci_set_word(pdev->w1cmask + PF_PM + PCI_PM_CTRL, PCI_PM_CTRL_PME_STATUS);
    pci_config_set_interrupt_pin(pdev->config, 1);
    return true;
}

static void pf_rebar(AdaState *s);

static bool pf_ext_caps(AdaState *s, Error **errp)
{
    PCIDevice *pdev = &s->parent_obj;
    uint8_t *config = pdev->config;

    pcie_add_capability(pdev, PCI_EXT_CAP_ID_VC, 1, 0x100, 0x1c);
    pci_set_long(config + 0x100 + PCI_VC_RES_CTRL, 0x800000ff);     /* VC0, all traffic classes, enabled */
    pcie_add_capability(pdev, PCI_EXT_CAP_ID_PWR, 1, 0x128, 0x10);
    if (s->board->display) {
        uint8_t *lnkcap = config + PF_EXPRESS + PCI_EXP_LNKCAP;

        pci_long_test_and_set_mask(lnkcap, PCI_EXP_LNKCAP_ASPM_L1);
    } else {
        pcie_add_capability(pdev, PCI_EXT_CAP_ID_LTR, 1, 0x250, 8);
        pci_set_long(pdev->wmask + 0x250 + PCI_LTR_MAX_SNOOP_LAT, 0x1fff1fff);
    }
    pcie_add_capability(pdev, PCI_EXT_CAP_ID_L1SS, 1, 0x258, 0x10);
    pci_set_long(config + 0x258 + PCI_L1SS_CAP, PCI_L1SS_CAP_PCIPM_L1_2 | PCI_L1SS_CAP_PCIPM_L1_1 |
                 PCI_L1SS_CAP_ASPM_L1_1 | PCI_L1SS_CAP_L1_PM_SS);
    if (!init_aer(pdev, errp)) {
        return false;
    }
    if (s->board->display) {
        pci_long_test_and_set_mask(config + PF_AER + PCI_ERR_UNCOR_SEVER, PCI_ERR_UNC_COMP_TIME | PCI_ERR_UNC_UNX_COMP);
    }
    pcie_add_capability(pdev, PCI_EXT_CAP_ID_VNDR, 1, 0x600, 0x24);
    pci_set_long(config + 0x600 + PCI_VNDR_HEADER, 0x24 << 20 | 1 << 16 | 1);
    pcie_add_capability(pdev, PCI_EXT_CAP_ID_SECPCI, 1, 0x900, 0x2c);
    pf_rebar(s);
    if (s->sriov) {
        if (!pcie_sriov_pf_init(pdev, PF_SRIOV, TYPE_NVIDIA_ADA_VF, s->board->device_id, ADA_MAX_VFS, ADA_MAX_VFS,
                                ADA_VF_OFFSET, VF_STRIDE, errp)) {
            pdev->exp.sriov_cap = 0;    /* it has undone its VFs */
            return false;
        }
        pci_set_long(config + PF_SRIOV + PCI_SRIOV_CAP, BIT(2) /* VF 10-bit tag requester */);
        pcie_sriov_pf_add_sup_pgsize(pdev, VF_PAGE_SIZES);
        pcie_sriov_pf_init_vf_bar(pdev, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, ADA_VF_BAR0_SIZE);
        pcie_sriov_pf_init_vf_bar(pdev, 1, BAR_MEM64_PREFETCH, ADA_VF_BAR1_SIZE);
        pcie_sriov_pf_init_vf_bar(pdev, 3, BAR_MEM64_PREFETCH, ADA_BAR3_SIZE);
        pcie_ari_init(pdev, PF_ARI);
    }
    pcie_add_capability(pdev, PCI_EXT_CAP_ID_PL_16GT, 1, 0xc1c, 0x30);
    pcie_add_capability(pdev, 0x27 /* lane margining */, 1, 0xd00, 0x48);
    pcie_add_capability(pdev, PCI_EXT_CAP_ID_DLF, 1, 0xe00, 0xc);
    return true;
}

static bool vf_caps(PCIDevice *pdev, MemoryRegion *bar0, Error **errp)
{
    if (!init_msix(pdev, bar0, 0, VF_MSIX, errp) || !init_express(pdev, VF_EXPRESS, PCI_EXP_TYPE_ENDPOINT, errp)) {
        return false;
    }
    /* the extended list starts at 0x100, always */
    pcie_add_capability(pdev, 0 /* Null */, 1, PCI_CONFIG_SPACE_SIZE, 8);
    if (!init_aer(pdev, errp)) {
        return false;
    }
    pcie_ari_init(pdev, PF_ARI);
    return true;
}

/* ---- resizable BAR1 ---------------------------------------------------------------------------------------------- */

/* One capability/control pair for BAR0, BAR1 and BAR3 each. Only BAR1 offers a choice. */
#define REBAR_SIZE          0x1c
#define REBAR_CAP(i)        (PF_REBAR + 4 + 8 * (i))
#define REBAR_CTRL(i)       (PF_REBAR + 8 + 8 * (i))
#define REBAR_SIZE_BIT(b)   (1u << (ctz64(b) - 20 + 4))         /* capability: bit 4 is 1 MiB */
#define REBAR_CTRL_SIZE(b)  ((uint32_t)(ctz64(b) - 20) << 8)    /* control: 0 is 1 MiB */

static void set_bar1_size(AdaState *s, uint64_t size)
{
    PCIDevice *pdev = &s->parent_obj;
    PCIIORegion *r = &pdev->io_regions[1];

    r->size = size;
    pci_set_quad(pdev->wmask + PCI_BASE_ADDRESS_1, ~(size - 1) & ~0xfull);
    pci_set_quad(pdev->config + PCI_BASE_ADDRESS_1, r->type);
    memory_region_set_size(&s->bar1, size);
}

static void pf_rebar(AdaState *s)
{
    static const uint8_t bar[] = { 0, 1, 3 };
    const uint64_t size[] = { ADA_PF_BAR0_SIZE, s->bar1_size, ADA_BAR3_SIZE };
    PCIDevice *pdev = &s->parent_obj;

    g_assert(s->bar1_size >= BAR1_MIN);
    pcie_add_capability(pdev, PCI_EXT_CAP_ID_REBAR, 1, PF_REBAR, REBAR_SIZE);
    for (unsigned int i = 0; i < ARRAY_SIZE(bar); i++) {
        pci_set_long(pdev->config + REBAR_CAP(i), REBAR_SIZE_BIT(size[i]));
        pci_set_long(pdev->config + REBAR_CTRL(i), bar[i] | (i ? 0 : ARRAY_SIZE(bar) << PCI_REBAR_CTRL_NBAR_SHIFT) |
                     REBAR_CTRL_SIZE(size[i]));
    }
    pci_set_long(pdev->config + REBAR_CAP(1), REBAR_SIZE_BIT(BAR1_MAX) * 2 - REBAR_SIZE_BIT(BAR1_MIN));
    pci_set_long(pdev->wmask + REBAR_CTRL(1), PCI_REBAR_CTRL_BAR_SIZE);
}

static void rebar_write_config(AdaState *s, uint32_t addr, int len)
{
    PCIDevice *pdev = &s->parent_obj;
    uint32_t ctrl;
    uint64_t size;

    if (!ranges_overlap(addr, len, REBAR_CTRL(1), 4)) {
        return;
    }
    ctrl = pci_get_long(pdev->config + REBAR_CTRL(1));
    size = 1 * MiB << MIN((ctrl & PCI_REBAR_CTRL_BAR_SIZE) >> PCI_REBAR_CTRL_BAR_SHIFT, 32);
    if (size < BAR1_MIN || size > BAR1_MAX || (pci_get_word(pdev->config + PCI_COMMAND) & PCI_COMMAND_MEMORY)) {
        /* not offered, or decoding: what it was stays */
        ctrl = (ctrl & ~PCI_REBAR_CTRL_BAR_SIZE) | REBAR_CTRL_SIZE(memory_region_size(&s->bar1));
        pci_set_long(pdev->config + REBAR_CTRL(1), ctrl);
        return;
    }
    set_bar1_size(s, size);
}

static void rebar_reset(AdaState *s)
{
    uint8_t *ctrl = s->parent_obj.config + REBAR_CTRL(1);

    /* the PCI core unmaps the BAR later in this reset; do not move it while it is mapped */
    if (memory_region_size(&s->bar1) == s->bar1_size) {
        return;
    }
    pci_word_test_and_clear_mask(s->parent_obj.config + PCI_COMMAND, PCI_COMMAND_MEMORY);
    pci_set_long(ctrl, (pci_get_long(ctrl) & ~PCI_REBAR_CTRL_BAR_SIZE) | REBAR_CTRL_SIZE(s->bar1_size));
    set_bar1_size(s, s->bar1_size);
}

/* ---- configuration space ----------------------------------------------------------------------------------------- */

static uint32_t read_config(PCIDevice *pdev, AdaState *s, uint32_t addr, int len)
{
    return s->faults.off_bus ? MAKE_64BIT_MASK(0, 8 * len) : pci_default_read_config(pdev, addr, len);
}

static uint32_t pf_read_config(PCIDevice *pdev, uint32_t addr, int len)
{
    return read_config(pdev, NVIDIA_ADA(pdev), addr, len);
}

static uint32_t vf_read_config(PCIDevice *pdev, uint32_t addr, int len)
{
    return read_config(pdev, NVIDIA_ADA_VF(pdev)->func.gpu, addr, len);
}

static void pf_write_config(PCIDevice *pdev, uint32_t addr, uint32_t val, int len)
{
    if (NVIDIA_ADA(pdev)->faults.off_bus) {
        return;
    }
    pci_default_write_config(pdev, addr, val, len);
    rebar_write_config(NVIDIA_ADA(pdev), addr, len);
    pcie_cap_flr_write_config(pdev, addr, val, len);
}

static void vf_write_config(PCIDevice *pdev, uint32_t addr, uint32_t val, int len)
{
    if (NVIDIA_ADA_VF(pdev)->func.gpu->faults.off_bus) {
        return;
    }
    pci_default_write_config(pdev, addr, val, len);
    pcie_cap_flr_write_config(pdev, addr, val, len);
}

/* ---- life of the PF ---------------------------------------------------------------------------------------------- */

static bool check_properties(AdaState *s, Error **errp)
{
    s->board = ada_board_find(s->board_name ?: "l40");
    if (!s->board) {
        g_autofree char *names = ada_board_names();

        error_setg(errp, "unknown board '%s', known are: %s", s->board_name, names);
        return false;
    }
    s->vram_size = s->vram_size ?: s->board->vram_size;
    if (s->vram_size < 1 * GiB || s->vram_size > 128 * GiB || s->vram_size % (2 * MiB)) {
        error_setg(errp, "vram-size must be 1 to 128 GiB and a multiple of 2 MiB");
        return false;
    }
    s->bar1_size = s->bar1_size ?: s->board->bar1_size;
    if (s->bar1_size < BAR1_MIN || s->bar1_size > BAR1_MAX || !is_power_of_2(s->bar1_size)) {
        error_setg(errp, "bar1-size must be a power of two from 64 MiB to 64 GiB");
        return false;
    }
    s->vmmu_segment = s->vmmu_segment ?: s->board->vmmu_segment;
    if (s->vmmu_segment < 32 * MiB || s->vmmu_segment > 512 * MiB || !is_power_of_2(s->vmmu_segment)) {
        error_setg(errp, "vmmu-segment must be a power of two from 32 to 512 MiB");
        return false;
    }
    if (s->chids < 32 || s->chids > 8192 || !is_power_of_2(s->chids)) {
        error_setg(errp, "chids must be a power of two from 32 to 8192");
        return false;
    }
    if (s->fw_check && !g_str_equal(s->fw_check, "strict") && !g_str_equal(s->fw_check, "hash") &&
        !g_str_equal(s->fw_check, "off")) {
        error_setg(errp, "fw-check must be strict, hash or off");
        return false;
    }
    if (!s->fw_check) {
        s->fw_check = g_strdup("strict");
    }
    if (s->board->display) {
        s->sriov = false;
    }
    if (!s->sriov) {
        s->has_msi = true;
    }
    return true;
}

static void init_bar0(PCIDevice *pdev, MemoryRegion *bar0, MemoryRegion *io, const MemoryRegionOps *ops, void *opaque,
                      uint64_t size)
{
    memory_region_init(bar0, OBJECT(pdev), "nvidia-ada-bar0", size);
    memory_region_init_io(io, OBJECT(pdev), ops, opaque, "nvidia-ada-regs", size);
    memory_region_add_subregion_overlap(bar0, 0, io, -1);           /* below the MSI-X tables */
    pci_register_bar(pdev, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, bar0);
}

/* what is behind the ports of VGA, and in the ROM BAR: nothing that a machine's firmware would run */
static uint64_t ones_read(void *opaque, hwaddr addr, unsigned int size)
{
    return UINT64_MAX;
}

static void ones_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
}

static const MemoryRegionOps ones_ops = {
    .read = ones_read, .write = ones_write, .endianness = DEVICE_LITTLE_ENDIAN,
};

static void init_display(AdaState *s)
{
    PCIDevice *pdev = &s->parent_obj;

    memory_region_init_io(&s->vga_io, OBJECT(s), &ones_ops, NULL, "nvidia-ada-vga-io", VGA_IO_SIZE);
    pci_register_bar(pdev, 5, PCI_BASE_ADDRESS_SPACE_IO, &s->vga_io);
    memory_region_init_io(&s->rom, OBJECT(s), &ones_ops, NULL, "nvidia-ada-rom", ROM_SIZE);
    pci_register_bar(pdev, PCI_ROM_SLOT, 0, &s->rom);
}

static void pf_exit(PCIDevice *pdev)
{
    AdaState *s = NVIDIA_ADA(pdev);

    pcie_sriov_pf_exit(pdev);
    pcie_aer_exit(pdev);
    pcie_cap_exit(pdev);
    if (s->sriov) {
        msix_unuse_all_vectors(pdev);
        msix_uninit(pdev, &s->bar0, &s->bar0);
    }
    msi_uninit(pdev);
    ada_gsp_exit(s);
    ada_fifo_exit(s);
    ada_falcon_exit(&s->gsp_falcon);
    ada_falcon_exit(&s->sec2);
    ada_falcon_exit(&s->pmu);
    ada_intr_exit(s);
    ada_time_exit(s);
    ada_debug_exit(s);
    g_clear_pointer(&s->flash, g_bytes_unref);
    g_hash_table_unref(s->reg_store);
    ada_vram_exit(s);
}

static void pf_realize(PCIDevice *pdev, Error **errp)
{
    AdaState *s = NVIDIA_ADA(pdev);

    if (!check_properties(s, errp) || !ada_vram_init(s, errp)) {
        return;
    }
    board_ids(pdev, s->board);
    s->func.pdev = pdev;
    s->func.gpu = s;
    s->reg_store = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

    init_bar0(pdev, &s->bar0, &s->bar0_io, &ada_pf_bar0_ops, s, ADA_PF_BAR0_SIZE);
    memory_region_init_io(&s->bar1, OBJECT(s), &bar1_ops, &s->func, "nvidia-ada-bar1", s->bar1_size);
    pci_register_bar(pdev, 1, BAR_MEM64_PREFETCH, &s->bar1);
    memory_region_init_io(&s->bar3, OBJECT(s), &bar3_ops, &s->func, "nvidia-ada-bar3", ADA_BAR3_SIZE);
    pci_register_bar(pdev, 3, BAR_MEM64_PREFETCH, &s->bar3);
    off_bus_init(&s->func, OBJECT(s), &s->bar0, &s->bar1, &s->bar3);
    if (s->board->display) {
        init_display(s);
    }

    ada_debug_init(s);
    ada_time_init(s);
    ada_intr_init(s);
    ada_falcon_init(&s->gsp_falcon, s, &ada_falcon_gsp);
    ada_falcon_init(&s->sec2, s, &ada_falcon_sec2);
    ada_falcon_init(&s->pmu, s, &ada_falcon_pmu);
    ada_fifo_init(s);
    ada_gsp_init(s);

    if (!pf_caps(s, errp) || !pf_ext_caps(s, errp)) {
        pf_exit(pdev);
    }
}

static void pf_reset_hold(Object *obj, ResetType type)
{
    AdaState *s = NVIDIA_ADA(obj);

    s->power_on = s->next_power_on;
    s->next_power_on.wpr2_up = false;
    ada_time_reset(s);
    ada_flash_reset(s);
    ada_gsp_forget(s);
    ada_falcon_power_on(&s->gsp_falcon);
    ada_falcon_power_on(&s->sec2);
    ada_falcon_power_on(&s->pmu);
    for (unsigned int gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        ada_vmmu_clear(s, gfid);
    }
    memset(&s->wpr, 0, sizeof(s->wpr));
    ada_regs_reset(s);
    ada_func_reset(&s->func);
    reset_express(&s->parent_obj);
    rebar_reset(s);
}

/* ---- life of a VF: made with the PF, switched on and off by VF Enable -------------------------------------------- */

static void vf_exit(PCIDevice *pdev)
{
    AdaVf *vf = NVIDIA_ADA_VF(pdev);

    vf->func.gpu->vf[vf->func.gfid - 1] = NULL;
    pcie_aer_exit(pdev);
    pcie_cap_exit(pdev);
    msix_unuse_all_vectors(pdev);
    msix_uninit(pdev, &vf->bar0, &vf->bar0);
}

static void vf_realize(PCIDevice *pdev, Error **errp)
{
    AdaVf *vf = NVIDIA_ADA_VF(pdev);
    AdaState *s = NVIDIA_ADA(pcie_sriov_get_pf(pdev));

    board_ids(pdev, s->board);
    vf->func.gpu = s;
    vf->func.gfid = pcie_sriov_vf_number(pdev) + 1;
    if (DEVICE(s)->id) {
        /* a name for QEMU's monitor, which reports errors of a VF by it */
        DEVICE(pdev)->id = g_strdup_printf("%s-vf%u", DEVICE(s)->id, pcie_sriov_vf_number(pdev));
    }

    init_bar0(pdev, &vf->bar0, &vf->bar0_io, &ada_vf_bar0_ops, &vf->func, ADA_VF_BAR0_SIZE);
    memory_region_init_io(&vf->bar1, OBJECT(vf), &bar1_ops, &vf->func, "nvidia-ada-vf-bar1", ADA_VF_BAR1_SIZE);
    pci_register_bar(pdev, 1, BAR_MEM64_PREFETCH, &vf->bar1);
    memory_region_init_io(&vf->bar3, OBJECT(vf), &bar3_ops, &vf->func, "nvidia-ada-vf-bar3", ADA_BAR3_SIZE);
    pci_register_bar(pdev, 3, BAR_MEM64_PREFETCH, &vf->bar3);
    off_bus_init(&vf->func, OBJECT(vf), &vf->bar0, &vf->bar1, &vf->bar3);
    if (!vf_caps(pdev, &vf->bar0, errp)) {
        vf_exit(pdev);
    }
}

/* FLR, and each change of VF Enable */
static void vf_reset_hold(Object *obj, ResetType type)
{
    AdaVf *vf = NVIDIA_ADA_VF(obj);
    AdaFunc *f = &vf->func;
    PCIDevice *pdev = PCI_DEVICE(obj);

    ada_func_reset(f);
    ada_guest_flr(f);
    reset_express(pdev);
    if (!pdev->enabled) {
        reset_aer(pdev);    /* it lasts through an FLR, but not in a VF that is no more */
    }
    f->pdev = pdev->enabled ? pdev : NULL;
    f->gpu->vf[f->gfid - 1] = pdev->enabled ? f : NULL;
    off_bus_update(f);
}

/* without what GSP-RM knows a GPU would come up elsewhere that its driver does not know */
static const VMStateDescription vmstate_none = { .name = "nvidia-ada", .unmigratable = 1 };

/* ---- the audio function of a board in display mode: it is there, and that is all --------------------------------- */

typedef struct AdaAudio {
    PCIDevice parent_obj;
    MemoryRegion bar0;
} AdaAudio;

static void audio_realize(PCIDevice *pdev, Error **errp)
{
    AdaAudio *a = (AdaAudio *)object_dynamic_cast_assert(OBJECT(pdev), TYPE_NVIDIA_ADA_AUDIO, __FILE__, __LINE__,
                                                         __func__);

    memory_region_init_io(&a->bar0, OBJECT(pdev), &ones_ops, NULL, "nvidia-ada-audio", AUDIO_BAR0_SIZE);
    pci_register_bar(pdev, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &a->bar0);
    pci_config_set_interrupt_pin(pdev->config, 2);
    if (pci_pm_init(pdev, PF_PM, errp) >= 0 && !msi_init(pdev, PF_MSI, 1, true, false, errp)) {
        init_express(pdev, PF_EXPRESS, PCI_EXP_TYPE_ENDPOINT, errp);
    }
}

static void audio_exit(PCIDevice *pdev)
{
    pcie_cap_exit(pdev);
    msi_uninit(pdev);
}

static void audio_class_init(ObjectClass *oc, void *data)
{
    PCIDeviceClass *k = PCI_DEVICE_CLASS(oc);

    k->vendor_id = VENDOR_NVIDIA;
    k->device_id = AUDIO_DEVICE;
    k->subsystem_vendor_id = VENDOR_NVIDIA;
    k->revision = REVISION_A1;
    k->class_id = CLASS_AUDIO;
    k->realize = audio_realize;
    k->exit = audio_exit;
    DEVICE_CLASS(oc)->vmsd = &vmstate_none;
    DEVICE_CLASS(oc)->desc = "audio function beside nvidia-ada in display mode";
    DEVICE_CLASS(oc)->hotpluggable = false;
    set_bit(DEVICE_CATEGORY_SOUND, DEVICE_CLASS(oc)->categories);
}

/* ---- types ------------------------------------------------------------------------------------------------------- */

static const Property pf_properties[] = {
    DEFINE_PROP_STRING("board", AdaState, board_name),
    DEFINE_PROP_LINK("memdev", AdaState, hostmem, TYPE_MEMORY_BACKEND, HostMemoryBackend *),
    DEFINE_PROP_SIZE("vram-size", AdaState, vram_size, 0),
    DEFINE_PROP_SIZE("bar1-size", AdaState, bar1_size, 0),
    DEFINE_PROP_UINT32("chids", AdaState, chids, 2048),
    DEFINE_PROP_SIZE("vmmu-segment", AdaState, vmmu_segment, 0),
    DEFINE_PROP_BOOL("sriov", AdaState, sriov, true),
    DEFINE_PROP_BOOL("has-msi", AdaState, has_msi, false),
    DEFINE_PROP_STRING("fw-check", AdaState, fw_check),
    DEFINE_PROP_BOOL("reply-interrupt", AdaState, reply_interrupt, false),
    DEFINE_PROP_UINT32("util-interval-ms", AdaState, util_interval_ms, 1000),
};

static void common_class_init(ObjectClass *oc)
{
    PCIDeviceClass *k = PCI_DEVICE_CLASS(oc);

    k->vendor_id = VENDOR_NVIDIA;
    k->subsystem_vendor_id = VENDOR_NVIDIA;
    k->revision = REVISION_A1;
    k->class_id = CLASS_3D;
    DEVICE_CLASS(oc)->vmsd = &vmstate_none;
    set_bit(DEVICE_CATEGORY_DISPLAY, DEVICE_CLASS(oc)->categories);
}

static void pf_class_init(ObjectClass *oc, void *data)
{
    PCIDeviceClass *k = PCI_DEVICE_CLASS(oc);

    common_class_init(oc);
    k->realize = pf_realize;
    k->exit = pf_exit;
    k->config_read = pf_read_config;
    k->config_write = pf_write_config;
    RESETTABLE_CLASS(oc)->phases.hold = pf_reset_hold;
    device_class_set_props(DEVICE_CLASS(oc), pf_properties);
    DEVICE_CLASS(oc)->desc = "NVIDIA Ada GPU with GSP firmware and SR-IOV";
    DEVICE_CLASS(oc)->hotpluggable = false;
    ada_debug_class_init(oc);
}

static void vf_class_init(ObjectClass *oc, void *data)
{
    PCIDeviceClass *k = PCI_DEVICE_CLASS(oc);

    common_class_init(oc);
    k->realize = vf_realize;
    k->exit = vf_exit;
    k->config_read = vf_read_config;
    k->config_write = vf_write_config;
    RESETTABLE_CLASS(oc)->phases.hold = vf_reset_hold;
    DEVICE_CLASS(oc)->desc = "virtual function of nvidia-ada";
    DEVICE_CLASS(oc)->user_creatable = false;
}

static const TypeInfo ada_types[] = {
    {
        .name = TYPE_NVIDIA_ADA,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(AdaState),
        .class_init = pf_class_init,
        .interfaces = (InterfaceInfo[]) { { INTERFACE_PCIE_DEVICE }, { } },
    }, {
        .name = TYPE_NVIDIA_ADA_AUDIO,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(AdaAudio),
        .class_init = audio_class_init,
        .interfaces = (InterfaceInfo[]) { { INTERFACE_PCIE_DEVICE }, { } },
    }, {
        .name = TYPE_NVIDIA_ADA_VF,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(AdaVf),
        .class_init = vf_class_init,
        .interfaces = (InterfaceInfo[]) { { INTERFACE_PCIE_DEVICE }, { } },
    },
};
DEFINE_TYPES(ada_types)
