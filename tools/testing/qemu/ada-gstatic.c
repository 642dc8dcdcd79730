/*
 * NVIDIA Ada GPU: what a plugin task tells its guest's driver of the GPU
 *
 * A guest has no GSP-RM to ask: it reads two replies when it starts and builds everything on them. They are made from
 * the vGPU's type, its framebuffer and channels, the board and the engines, in the layout of the version that both
 * agreed upon. What is not named here is zero.
 *
 * Assumption GUEST-STATIC: these values, where OpenRM's guest needs one and no table of the host has it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/pci/pcie.h"
#include "ada-guest.h"

/* subcontexts of a channel group, as Ada has them */
#define SUBCONTEXTS         64
/* assumption GUEST-GRAPHICS: one GPC of one TPC, and for each buffer of a context a size that a driver can allocate */
#define SMS                 2       /* of a TPC */
#define CORES               128     /* of an SM of Ada */
#define WARPS               48
#define THREADS             32      /* of a warp */
#define CONTEXT_BUFFER      (64 * KiB)
#define CONTEXT_ALIGN       (4 * KiB)
/* no partition of MIG */
#define SWIZZID_NONE        UINT32_MAX
#define REGION_PERFORMANCE  6       /* as the host is told */
#define PAGE_2M             (2 * MiB)
#define PAGE_512M           (512 * MiB)

/* a reply in the making */
typedef struct Reply {
    AdaVgpu *v;
    AdaState *s;
    uint32_t version;
    uint8_t *p;
} Reply;

#define AT(m)       ADA_GUEST(r->version, GET_STATIC_DATA__##m)
#define GR_PART(m)  ADA_GUEST(r->version, GET_CONSOLIDATED_GR_STATIC_INFO__NV2080_CTRL_INTERNAL_STATIC_GR_GET_##m)
#define PUT8(m, val)    (r->p[AT(m)] = (val))
#define PUT32(m, val)   stl_le_p(r->p + AT(m), val)
#define PUT64(m, val)   stq_le_p(r->p + AT(m), val)

/* ---- the board and the type -------------------------------------------------------------------------------------- */

/* assumption GUEST-BRAND */
uint32_t ada_gstatic_brand(AdaVgpu *v)
{
    static const struct { const char *class; uint32_t brand; } brands[] = {
        { "Quadro", ADA_BRAND_QUADRO }, { "NVS", ADA_BRAND_NVS }, { "Compute", ADA_BRAND_COMPUTE },
    };
    const AdaVgpuType *t = ada_vgpu_type(v);

    for (size_t i = 0; t && i < ARRAY_SIZE(brands); i++) {
        if (!strcmp(t->class, brands[i].class)) {
            return brands[i].brand;
        }
    }
    return ADA_BRAND_DEFAULT;
}

static void put_names(Reply *r)
{
    const AdaVgpuType *t = ada_vgpu_type(r->v);
    const char *name = t ? t->name : "", *brand = "NVIDIA ";
    const char *brief = g_str_has_prefix(name, brand) ? name + strlen(brand) : name;

    g_strlcpy((char *)r->p + AT(VGPU_STATIC_DATA__gpuName__adapterName), name,
              AT(VGPU_STATIC_DATA__gpuName__adapterName_SZ));
    g_strlcpy((char *)r->p + AT(VGPU_STATIC_DATA__gpuName__shortGpuNameString), brief,
              AT(VGPU_STATIC_DATA__gpuName__shortGpuNameString_SZ));
    for (size_t i = 0; name[i] && i + 1 < AT(VGPU_STATIC_DATA__gpuName__adapterName_Unicode_NUM); i++) {
        stw_le_p(r->p + AT(VGPU_STATIC_DATA__gpuName__adapterName_Unicode) + 2 * i, (uint8_t)name[i]);
    }
}

/* speed and width at most, as the GPU's Link Capabilities have them */
static uint32_t pcie_link(AdaState *s)
{
    const PCIDevice *d = PCI_DEVICE(s);

    return pci_get_long(d->config + d->exp.exp_cap + PCI_EXP_LNKCAP) & (PCI_EXP_LNKCAP_SLS | PCI_EXP_LNKCAP_MLW);
}

/* Assumption GUEST-CONFIG: nothing else of it, so no memory that CUDA manages by faults */
static void put_config(Reply *r, bool cuda)
{
#define BIT_OF(name)    BIT(r570_NVA080_CTRL_CMD_VGPU_GET_CONFIG_PARAMS_##name##_LO)
    uint32_t caps = BIT_OF(VGPU_DEV_CAPS_SRIOV_ENABLED);

    if (cuda) {
        PUT32(NVA080_CTRL_VGPU_GET_CONFIG_PARAMS__cudaEnabled, 1);
        caps |= BIT_OF(VGPU_DEV_CAPS_CUDA_ENABLED);
    }
    PUT32(NVA080_CTRL_VGPU_GET_CONFIG_PARAMS__vgpuDeviceCapsBits, caps);
#undef BIT_OF
}

static void put_gpu(Reply *r)
{
    const AdaVgpuType *t = ada_vgpu_type(r->v);

    PUT64(VGPU_STATIC_DATA__fbLength, ada_vgpu_fb_bytes(r->v));
    PUT32(VGPU_STATIC_DATA__fbBusWidth, r->s->board->fb_channels * 32);
    put_names(r);
    /* the guest has its own page tables, and ids of channels for each runlist */
    PUT8(VGPU_STATIC_DATA__bSplitVasBetweenServerClientRm, 1);
    PUT8(VGPU_STATIC_DATA__bPerRunlistChannelRamEnabled, 1);
    /* a page must not cross segments of the VMMU */
    PUT64(VGPU_STATIC_DATA__maxSupportedPageSize, r->s->vmmu_segment < PAGE_512M ? PAGE_2M : PAGE_512M);
    PUT32(VGPU_STATIC_DATA__ceFaultMethodBufferDepth, ADA_METHOD_BUFFER);
    PUT32(VGPU_STATIC_PROPERTIES__channelCount, r->v->channels);
    put_config(r, t && t->cuda);
    PUT32(VGPU_STATIC_DATA__pcieGpuLinkCaps, pcie_link(r->s));
    PUT32(GPU_PARTITION_INFO__swizzId, SWIZZID_NONE);
    PUT32(NV2080_CTRL_GPU_GET_GID_INFO_PARAMS__flags, r570_NV2080_GPU_CMD_GPU_GET_GID_FLAGS_FORMAT_BINARY);
    PUT32(NV2080_CTRL_GPU_GET_GID_INFO_PARAMS__length, sizeof(r->v->uuid));
    memcpy(r->p + AT(NV2080_CTRL_GPU_GET_GID_INFO_PARAMS__data), r->v->uuid, sizeof(r->v->uuid));
    if (r->version == ADA_GUEST_29_0C) {
        stq_le_p(r->p + r570_GET_STATIC_DATA__VGPU_STATIC_PROPERTIES__vmmuSegmentSize, r->s->vmmu_segment);
    }
}

/* assumption ECC, as the host is told */
static void put_memory(Reply *r)
{
    PUT8(NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS__units__enabled, r->s->ecc);
    PUT8(NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS__units__scrubComplete, r->s->ecc);
    PUT8(NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS__units__supported, 1);
    PUT8(NV2080_CTRL_INTERNAL_MEMSYS_GET_STATIC_CONFIG_PARAMS__bEnabledEccFBPA, r->s->ecc);
    PUT8(NV2080_CTRL_INTERNAL_MEMSYS_GET_STATIC_CONFIG_PARAMS__bFbpaPresent, 1);
    PUT32(NV2080_CTRL_CMD_FB_GET_FB_REGION_INFO_PARAMS__numFBRegions, 1);
    PUT64(NV2080_CTRL_CMD_FB_GET_FB_REGION_INFO_PARAMS__fbRegion__limit, ada_vgpu_fb_bytes(r->v) - 1);
    PUT32(NV2080_CTRL_CMD_FB_GET_FB_REGION_INFO_PARAMS__fbRegion__performance, REGION_PERFORMANCE);
    PUT8(NV2080_CTRL_CMD_FB_GET_FB_REGION_INFO_PARAMS__fbRegion__supportCompressed, 1);
    PUT8(NV2080_CTRL_CMD_FB_GET_FB_REGION_INFO_PARAMS__fbRegion__supportISO, 1);
}

/* ---- engines and interrupts -------------------------------------------------------------------------------------- */


/* guests of both versions count places in the table of interrupts alike */
static uint32_t mc_index(const AdaEngine *e)
{
    return e->swallows ? r570_MC_ENGINE_IDX_GR0 : r570_MC_ENGINE_IDX_CE0 + e->instance;
}

/* of all that a copy engine can do only whether it is one of graphics' runlist: assumption GUEST-STATIC */
static void put_copy_engine(Reply *r, const AdaEngine *e)
{
    uint8_t *present = r->p + AT(NV2080_CTRL_CE_GET_ALL_CAPS_PARAMS__present);
    uint8_t *all = r->p + AT(NV2080_CTRL_CE_GET_ALL_CAPS_PARAMS__ceCaps) +
                   e->instance * AT(NV2080_CTRL_CE_GET_ALL_CAPS_PARAMS__ceCaps_STRIDE);
    uint8_t *own = r->p + AT(VGPU_CE_GET_CAPS_V2__ceCaps) + e->instance * AT(VGPU_CE_GET_CAPS_V2__ceCaps_STRIDE);
    uint8_t caps = e->runlist == ada_guest_engine(r->s, 0)->runlist ? r570_NV2080_CTRL_CE_CAPS_CE_GRCE_LO : 0;

    stl_le_p(present, ldl_le_p(present) | BIT(e->instance));
    all[r570_NV2080_CTRL_CE_CAPS_CE_GRCE_HI] = caps;
    stl_le_p(own, e->type);
    own[4 + r570_NV2080_CTRL_CE_CAPS_CE_GRCE_HI] = caps;
}

static void put_engine(Reply *r, const AdaEngine *e, unsigned int i)
{
    uint8_t *notify = r->p + AT(NV2080_CTRL_MC_GET_ENGINE_NOTIFICATION_INTR_VECTORS_PARAMS__entries__nv2080EngineType) +
                      i * AT(NV2080_CTRL_MC_GET_ENGINE_NOTIFICATION_INTR_VECTORS_PARAMS__entries_STRIDE);
    uint8_t *list = r->p + AT(VGPU_STATIC_DATA__engineList) + e->type / 64 * 8;
    uint8_t *entry = r->p + AT(VGPU_FIFO_GET_DEVICE_INFO_TABLE__fifoDeviceInfoTable__entries) +
                     i * AT(VGPU_FIFO_GET_DEVICE_INFO_TABLE__fifoDeviceInfoTable__entries_STRIDE);

    stq_le_p(list, ldq_le_p(list) | BIT_ULL(e->type % 64));
    stl_le_p(notify, e->type);
    stl_le_p(notify + 4, e->nonstall_vector);
    ada_engine_entry(e, mc_index(e), e->runlist, entry);     /* a runlist has one PBDMA, for all of its engines */
    if (e->swallows) {
        return;
    }
    put_copy_engine(r, e);
    if (r->version == ADA_GUEST_29_0C && e == ada_engine(r->s)) {
        /* the copy engines below it share graphics' runlist */
        stl_le_p(r->p + r570_GET_STATIC_DATA__VGPU_STATIC_PROPERTIES__firstAsyncCEIdx, e->type);
    }
}

/* Behind the chip's engines the table has one of software, which drivers do not count: who forgets it loses another */
static void put_software(Reply *r, unsigned int i)
{
    ada_software_entry(r->p + AT(VGPU_FIFO_GET_DEVICE_INFO_TABLE__fifoDeviceInfoTable__entries) +
                       i * AT(VGPU_FIFO_GET_DEVICE_INFO_TABLE__fifoDeviceInfoTable__entries_STRIDE));
}

static void put_engines(Reply *r)
{
    unsigned int i = 0;

    for (const AdaEngine *e = ada_guest_engine(r->s, i); e; e = ada_guest_engine(r->s, i)) {
        put_engine(r, e, i++);
    }
    PUT32(NV2080_CTRL_MC_GET_ENGINE_NOTIFICATION_INTR_VECTORS_PARAMS__numEntries, i);
    put_software(r, i);
    PUT32(VGPU_FIFO_GET_DEVICE_INFO_TABLE__fifoDeviceInfoTable__numEntries, i + 1);
}

/*
 * Assumption GUEST-VECTORS. What may be handed to a memory manager (UVM) is in the leaves of subtree 1, everything
 * else beyond; the vector of the CPU's doorbell, with which the plugin task tells of events, is the chip's.
 */
static const struct { uint32_t type, vector; } interrupts[] = {
    { r570_NV2080_INTR_TYPE_NON_REPLAYABLE_FAULT, 132 }, { r570_NV2080_INTR_TYPE_NON_REPLAYABLE_FAULT_ERROR, 133 },
    { r570_NV2080_INTR_TYPE_INFO_FAULT, 134 }, { r570_NV2080_INTR_TYPE_REPLAYABLE_FAULT, 64 },
    { r570_NV2080_INTR_TYPE_REPLAYABLE_FAULT_ERROR, 135 }, { r570_NV2080_INTR_TYPE_ACCESS_CNTR, 65 },
    { r570_NV2080_INTR_TYPE_TMR, 130 }, { r570_NV2080_INTR_TYPE_CPU_DOORBELL, ADA_GUEST_EVENT_VECTOR },
};

static void put_interrupts(Reply *r)
{
#define INTR(m) r570_NV2080_CTRL_MC_GET_STATIC_INTR_TABLE_PARAMS_v1E_09__entries##m
    uint8_t *p = r->p + AT(NV2080_CTRL_MC_GET_STATIC_INTR_TABLE_PARAMS);

    PUT32(NV2080_CTRL_MC_GET_STATIC_INTR_TABLE_PARAMS__numEntries, ARRAY_SIZE(interrupts));
    for (size_t i = 0; i < ARRAY_SIZE(interrupts); i++, p += INTR(_STRIDE)) {
        stl_le_p(p + INTR(__nv2080IntrType), interrupts[i].type);
        stl_le_p(p + INTR(__intrVectorStall), interrupts[i].vector);
        stl_le_p(p + INTR(__intrVectorNonStall), UINT32_MAX);
    }
#undef INTR
}

/* ---- graphics ---------------------------------------------------------------------------------------------------- */

#define GR_INFO(m)      GR_PART(INFO_PARAMS__engineInfo__##m)
#define GR_MASKS(m)     GR_PART(FLOORSWEEPING_MASKS_PARAMS__floorsweepingMasks__##m)
#define GR_BUFFERS(m)   GR_PART(CONTEXT_BUFFERS_INFO_PARAMS__engineContextBuffersInfo__##m)

#define GR_SMS(m)       GR_PART(GLOBAL_SM_ORDER_PARAMS__globalSmOrder__##m)

/* nothing else of it has a number that is public */
static const struct { uint32_t index, value; } graphics[] = {
#define INFO(name, value)   { r570_NV2080_CTRL_GR_INFO_INDEX_##name, value }
    INFO(MAX_SUBCONTEXT_COUNT, SUBCONTEXTS), INFO(SM_VERSION, r570_NV2080_CTRL_GR_INFO_SM_VERSION_8_09),
    INFO(SHADER_PIPE_COUNT, 1), INFO(SHADER_PIPE_SUB_COUNT, 1), INFO(LITTER_NUM_GPCS, 1),
    INFO(LITTER_NUM_TPC_PER_GPC, 1), INFO(LITTER_NUM_SM_PER_TPC, SMS), INFO(GPU_CORE_COUNT, SMS * CORES),
    INFO(MAX_WARPS_PER_SM, WARPS), INFO(MAX_THREADS_PER_WARP, THREADS),
#undef INFO
};

/* all of it is the first: only the SMs have numbers */
static void put_multiprocessors(Reply *r)
{
    for (uint32_t i = 0; i < SMS; i++) {
        stw_le_p(r->p + GR_SMS(globalSmId__localSmId) + i * GR_SMS(globalSmId_STRIDE), i);
    }
    stw_le_p(r->p + GR_SMS(numSm), SMS);
    stw_le_p(r->p + GR_SMS(numTpc), 1);
    stl_le_p(r->p + GR_MASKS(gpcMask), 1);
    stl_le_p(r->p + GR_MASKS(physGpcMask), 1);
    stl_le_p(r->p + GR_MASKS(tpcMask), 1);
    stl_le_p(r->p + GR_MASKS(tpcCount), 1);
}

static void put_graphics(Reply *r)
{
    uint8_t *info = r->p + GR_INFO(infoList), *buffer = r->p + GR_BUFFERS(engine);

    for (uint32_t i = 0; i < GR_INFO(infoList_NUM); i++) {
        stl_le_p(info + 8 * i, i);
    }
    for (size_t i = 0; i < ARRAY_SIZE(graphics); i++) {
        stl_le_p(info + 8 * graphics[i].index + 4, graphics[i].value);
    }
    put_multiprocessors(r);
    for (uint32_t i = 0; i < GR_BUFFERS(engine_NUM); i++) {
        stl_le_p(buffer + 8 * i, CONTEXT_BUFFER);
        stl_le_p(buffer + 8 * i + 4, CONTEXT_ALIGN);
    }
}

/* ---- in pieces --------------------------------------------------------------------------------------------------- */

/* each request names an offset and a size; the bytes follow these in the reply */
static uint32_t piece(AdaGuestCall *c, const uint8_t *data, uint32_t total)
{
    uint32_t off = ldl_le_p(c->p + r570_rpc_get_static_data_v25_0E__offset);
    uint32_t size = ldl_le_p(c->p + r570_rpc_get_static_data_v25_0E__size);

    if (!size || size > ADA_PAGE - RPC_HDR - r570_rpc_get_static_data_v25_0E__SIZE || off > total ||
        size > total - off) {
        ada_refuse(c->v->gpu, "guest-static", "GFID %u: %u bytes at %u of %u", c->v->gfid, size, off, total);
        return NV(ERR_INVALID_ARGUMENT);
    }
    memcpy(c->p + r570_rpc_get_static_data_v25_0E__payload, data + off, size);
    return NV(OK);
}

uint32_t ada_gstatic_data(AdaGuestCall *c)
{
    uint32_t version = c->v->guest.version, total = ADA_GUEST(version, GET_STATIC_DATA__SIZE);
    g_autofree uint8_t *p = g_malloc0(total);
    Reply r = { c->v, c->v->gpu, version, p };

    put_gpu(&r);
    put_memory(&r);
    put_engines(&r);
    put_interrupts(&r);
    return piece(c, p, total);
}

uint32_t ada_gstatic_graphics(AdaGuestCall *c)
{
    uint32_t version = c->v->guest.version, total = ADA_GUEST(version, GET_CONSOLIDATED_GR_STATIC_INFO__SIZE);
    g_autofree uint8_t *p = g_malloc0(total);
    Reply r = { c->v, c->v->gpu, version, p };

    put_graphics(&r);
    return piece(c, p, total);
}
