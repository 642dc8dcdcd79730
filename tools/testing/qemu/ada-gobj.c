/*
 * NVIDIA Ada GPU: objects of a guest's driver
 *
 * A guest names its objects itself, as the host's driver does, and tells its plugin task of those that the GPU has to
 * know. They are kept for each GFID, and go with the guest: when it says so, and by FLR, reset, shutdown or crash.
 *
 * Ids of channels are the guest's own, for each runlist from 0. Its page tables are its own, too: what a channel
 * translates by is the top directory of its VA space, or where the plugin task knows none, that its client told of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "ada-guest.h"

#define MAX_OBJECTS         4096    /* bound of ours, for a GFID */

/* classes without a header in OpenRM */
#define FERMI_TWOD_A        0x902d
#define NV2081_BINAPI       0x2081
#define NV20_SUBDEVICE_DIAG 0x208f

/* NV_ADDRESS_SPACE as RM counts them */
enum { ADDR_SYSMEM = 1, ADDR_FBMEM = 2 };
/* of a page directory's level, as RM counts apertures */
#define APERTURE_FB         1

#define INSTANCE_SIZE       4096
#define RAMFC_SIZE          512
#define USERD_SIZE          512
#define USERD_ALIGN         256

#define GET32(m)    ldl_le_p(c->p + r570_rpc_##m)
#define GET64(m)    ldq_le_p(c->p + r570_rpc_##m)

/* ---- the table --------------------------------------------------------------------------------------------------- */

static uint32_t no_object(AdaGuestCall *c, uint32_t client, uint32_t handle)
{
    ada_refuse(c->v->gpu, "guest-handle", "GFID %u: client 0x%08x has no 0x%08x", c->v->gfid, client, handle);
    return NV(ERR_INVALID_OBJECT_HANDLE);
}

static AdaObject *find(AdaGuestCall *c, uint32_t client, uint32_t handle)
{
    return ada_object_find(c->v->objects, client, handle);
}

/* NULL and its status, if there is no place for it */
static AdaObject *add(AdaGuestCall *c, uint32_t client, uint32_t parent, uint32_t handle, uint32_t class,
                      uint32_t *status)
{
    AdaVgpu *v = c->v;

    if (!handle || find(c, client, handle)) {
        ada_refuse(v->gpu, "guest-handle", "GFID %u: 0x%08x of client 0x%08x is in use", v->gfid, handle, client);
        *status = NV(ERR_INSERT_DUPLICATE_NAME);
        return NULL;
    }
    if (v->objects && g_hash_table_size(v->objects) >= MAX_OBJECTS) {
        ada_refuse(v->gpu, "guest-objects", "GFID %u: more than %u", v->gfid, MAX_OBJECTS);
        *status = NV(ERR_NO_MEMORY);
        return NULL;
    }
    if (!v->objects) {
        v->objects = ada_objects_new();
    }
    *status = NV(OK);
    return ada_object_add(v->objects, client, parent, handle, class);
}

/* @parent is of @class, or of any if that is 0 */
static uint32_t add_below(AdaGuestCall *c, uint32_t client, uint32_t parent, uint32_t parent_class, uint32_t handle,
                          uint32_t class)
{
    AdaObject *p = find(c, client, parent);
    uint32_t status;

    if (!p || (parent_class && p->class != parent_class)) {
        ada_refuse(c->v->gpu, "guest-parent", "GFID %u: class 0x%04x under 0x%08x of client 0x%08x", c->v->gfid, class,
                   parent, client);
        return NV(ERR_INVALID_OBJECT_PARENT);
    }
    add(c, client, parent, handle, class, &status);
    ada_account(c->v->gpu);
    return status;
}

void ada_gobj_clear(AdaVgpu *v)
{
    if (v->objects) {
        g_clear_pointer(&v->objects, g_hash_table_unref);
        ada_account(v->gpu);
    }
}

/* ---- clients, devices, and what lives under them ----------------------------------------------------------------- */

uint32_t ada_gobj_root(AdaGuestCall *c)
{
    uint32_t client = GET32(alloc_root_v07_00__hClient), status;

    add(c, client, 0, client, r570_NV01_ROOT, &status);
    ada_account(c->v->gpu);
    return status;
}

uint32_t ada_gobj_device(AdaGuestCall *c)
{
    uint32_t client = GET32(alloc_share_device_v03_00__hClient), class = GET32(alloc_share_device_v03_00__hClass);

    if (class != r570_NV01_DEVICE_0) {
        ada_refuse(c->v->gpu, "guest-class", "GFID %u: device of class 0x%04x", c->v->gfid, class);
        return NV(ERR_INVALID_CLASS);
    }
    return add_below(c, client, client, r570_NV01_ROOT, GET32(alloc_share_device_v03_00__hDevice), class);
}

uint32_t ada_gobj_subdevice(AdaGuestCall *c)
{
    uint32_t class = GET32(alloc_subdevice_v08_01__params__hClass);

    if (class != r570_NV20_SUBDEVICE_0 || GET32(alloc_subdevice_v08_01__subDeviceInst)) {
        ada_refuse(c->v->gpu, "guest-class", "GFID %u: subdevice %u of class 0x%04x", c->v->gfid,
                   GET32(alloc_subdevice_v08_01__subDeviceInst), class);
        return NV(ERR_INVALID_CLASS);
    }
    return add_below(c, GET32(alloc_subdevice_v08_01__params__hRoot),
                     GET32(alloc_subdevice_v08_01__params__hObjectParent), r570_NV01_DEVICE_0,
                     GET32(alloc_subdevice_v08_01__params__hObjectNew), class);
}

/* on a channel: of the class that its engine has */
static bool engine_takes(AdaGuestCall *c, uint32_t client, uint32_t parent, uint32_t class)
{
    AdaObject *o = find(c, client, parent);
    const AdaEngine *e = o && o->channel ? o->channel->engine : NULL;

    return e && (e->swallows ? class == FERMI_TWOD_A : class == e->class);
}

uint32_t ada_gobj_object(AdaGuestCall *c)
{
    uint32_t client = GET32(alloc_object_v27_00__hClient), parent = GET32(alloc_object_v27_00__hParent);
    uint32_t class = GET32(alloc_object_v27_00__hClass), handle = GET32(alloc_object_v27_00__hObject);

    switch (class) {
    case NV2081_BINAPI:
    case NV20_SUBDEVICE_DIAG:
    case r570_GF100_SUBDEVICE_MASTER:
        return add_below(c, client, parent, r570_NV20_SUBDEVICE_0, handle, class);
    case r570_FERMI_VASPACE_A:
        return add_below(c, client, parent, r570_NV01_DEVICE_0, handle, class);
    case r570_AMPERE_DMA_COPY_B:
    case FERMI_TWOD_A:
        if (!engine_takes(c, client, parent, class)) {
            ada_refuse(c->v->gpu, "guest-parent", "GFID %u: class 0x%04x under 0x%08x, which is no channel for it",
                       c->v->gfid, class, parent);
            return NV(ERR_INVALID_OBJECT_PARENT);
        }
        return add_below(c, client, parent, 0, handle, class);
    }
    ada_refuse(c->v->gpu, "guest-class", "GFID %u: class 0x%04x is not modelled", c->v->gfid, class);
    return NV(ERR_INVALID_CLASS);
}

/* it may be about an object of another client of the guest */
uint32_t ada_gobj_event(AdaGuestCall *c)
{
    uint32_t client = GET32(alloc_event_v03_00__hClient), about = GET32(alloc_event_v03_00__hObject), status;
    uint32_t about_client = GET32(alloc_event_v03_00__hParentClient);
    AdaObject *e;

    if (!find(c, client, client) || !find(c, about_client, about)) {
        ada_refuse(c->v->gpu, "guest-parent", "GFID %u: event of client 0x%08x about 0x%08x of 0x%08x", c->v->gfid,
                   client, about, about_client);
        return NV(ERR_INVALID_OBJECT_PARENT);
    }
    e = add(c, client, client == about_client ? about : client, GET32(alloc_event_v03_00__hEvent),
            GET32(alloc_event_v03_00__hClass), &status);
    if (e) {
        e->event_client = about_client;
        e->event_object = about;
        e->event_index = GET32(alloc_event_v03_00__notifyIndex);
    }
    ada_account(c->v->gpu);
    return status;
}

uint32_t ada_gobj_free(AdaGuestCall *c)
{
    uint32_t client = GET32(free_v03_00__params__hRoot), handle = GET32(free_v03_00__params__hObjectOld);
    AdaObject *o = find(c, client, handle);

    if (!o) {
        return no_object(c, client, handle);
    }
    ada_object_free(c->v->objects, o);
    ada_account(c->v->gpu);
    return NV(OK);
}

/* ---- channels ---------------------------------------------------------------------------------------------------- */

#define CHANNEL32(m)    GET32(alloc_channel_dma_v1F_04__params__##m)
#define CHANNEL64(m)    GET64(alloc_channel_dma_v1F_04__params__##m)
#define FLAG(flags, f)  ADA_FIELD(flags, NVOS04_FLAGS_##f)

static bool in_framebuffer(AdaGuestCall *c, uint64_t addr, uint64_t size)
{
    uint64_t all = ada_vgpu_fb_bytes(c->v);

    return addr < all && size <= all - addr;
}

typedef struct Memory { uint64_t base; uint32_t space; } Memory;

/* framebuffer address 0 is as good as any */
static bool memory_ok(AdaGuestCall *c, const Memory *m, uint64_t size, uint64_t align, const char *what)
{
    if (m->base % align == 0 &&
        (m->space == ADDR_SYSMEM || (m->space == ADDR_FBMEM && in_framebuffer(c, m->base, size)))) {
        return true;
    }
    ada_refuse(c->v->gpu, "guest-chan-memory", "GFID %u: %s at 0x%" PRIx64 ", address space %u", c->v->gfid, what,
               m->base, m->space);
    return false;
}

static bool memories_ok(AdaGuestCall *c, Memory *userd)
{
    Memory instance = { CHANNEL64(instanceMem__base), CHANNEL32(instanceMem__addressSpace) };
    Memory ramfc = { CHANNEL64(ramfcMem__base), CHANNEL32(ramfcMem__addressSpace) };

    *userd = (Memory) { CHANNEL64(userdMem__base), CHANNEL32(userdMem__addressSpace) };
    return memory_ok(c, &instance, INSTANCE_SIZE, INSTANCE_SIZE, "instance block") &&
           memory_ok(c, &ramfc, RAMFC_SIZE, RAMFC_SIZE, "RAMFC") &&
           memory_ok(c, userd, USERD_SIZE, USERD_ALIGN, "USERD");
}

static const AdaEngine *engine_of_type(AdaGuestCall *c, uint32_t type)
{
    const AdaEngine *e;

    for (unsigned int i = 0; (e = ada_guest_engine(c->v->gpu, i)); i++) {
        if (e->type == type) {
            return e;
        }
    }
    return NULL;
}

static bool chid_free(AdaGuestCall *c, const AdaEngine *e, uint32_t chid)
{
    AdaFifo *fifo = c->v->gpu->fifo;

    for (guint i = 0; i < fifo->channels->len; i++) {
        const AdaChannel *o = g_ptr_array_index(fifo->channels, i);

        if (o->gfid == c->v->gfid && o->engine->runlist == e->runlist && o->chid == chid) {
            return false;
        }
    }
    return true;
}

/* Drivers do not tell of every VA space; then the client has the page directory */
static uint32_t space_of(AdaGuestCall *c, uint32_t client, uint32_t vaspace)
{
    AdaObject *o = find(c, client, vaspace);

    return o && o->class == r570_FERMI_VASPACE_A ? vaspace : client;
}

/* what is wrong with it, as a status; else what it is, in @chan */
static uint32_t take_channel(AdaGuestCall *c, AdaChannel *chan)
{
    AdaState *s = c->v->gpu;
    uint32_t type = CHANNEL32(engineType), flags = CHANNEL32(flags);
    Memory userd;

    chan->engine = engine_of_type(c, type);
    chan->chid = GET32(alloc_channel_dma_v1F_04__chid);
    chan->gpfifo = CHANNEL64(gpFifoOffset);
    chan->entries = CHANNEL32(gpFifoEntries);
    if (!chan->engine) {
        ada_refuse(s, "guest-chan-engine", "GFID %u: there is no engine of type %u", c->v->gfid, type);
        return NV(ERR_INVALID_ARGUMENT);
    }
    if (chan->chid >= c->v->channels || !chid_free(c, chan->engine, chan->chid)) {
        ada_refuse(s, "guest-chan-id", "GFID %u: %u of %u on runlist %u, or in use", c->v->gfid, chan->chid,
                   c->v->channels, chan->engine->runlist);
        return NV(ERR_INVALID_CHANNEL);
    }
    if (!is_power_of_2(chan->entries) || !chan->gpfifo || chan->gpfifo % r570_NVC56F_GP_ENTRY__SIZE) {
        ada_refuse(s, "guest-chan-ring", "GFID %u: %u entries at 0x%" PRIx64, c->v->gfid, chan->entries, chan->gpfifo);
        return NV(ERR_INVALID_ARGUMENT);
    }
    if (!memories_ok(c, &userd)) {
        return NV(ERR_INVALID_ADDRESS);
    }
    chan->vaspace = space_of(c, chan->client, CHANNEL32(hVASpace));
    chan->userd = userd.base;
    chan->userd_sysmem = userd.space == ADDR_SYSMEM;
    chan->phys_ce = FLAG(flags, PRIVILEGED_CHANNEL) && !FLAG(flags, CHANNEL_DENY_PHYSICAL_MODE_CE);
    return NV(OK);
}

uint32_t ada_gobj_channel(AdaGuestCall *c)
{
    uint32_t client = GET32(alloc_channel_dma_v1F_04__hClient), class = GET32(alloc_channel_dma_v1F_04__hClass);
    uint32_t handle = GET32(alloc_channel_dma_v1F_04__hChannel), status;
    AdaChannel want = { .gfid = c->v->gfid, .client = client, .handle = handle, .bound = true };
    AdaObject *o;

    if (class != r570_AMPERE_CHANNEL_GPFIFO_A && class != r570_VOLTA_CHANNEL_GPFIFO_A) {
        ada_refuse(c->v->gpu, "guest-class", "GFID %u: channel of class 0x%04x", c->v->gfid, class);
        return NV(ERR_INVALID_CLASS);
    }
    status = take_channel(c, &want);
    if (status == NV(OK)) {
        status = add_below(c, client, GET32(alloc_channel_dma_v1F_04__hDevice), r570_NV01_DEVICE_0, handle, class);
    }
    if (status != NV(OK)) {
        return status;
    }
    o = find(c, client, handle);
    o->channel = g_memdup2(&want, sizeof(want));
    ada_chan_add(c->v->gpu, o->channel);
    ada_account(c->v->gpu);
    return NV(OK);
}

uint32_t ada_gobj_schedule(AdaGuestCall *c)
{
    uint32_t client = GET32(ctrl_gpfifo_schedule_v1A_0A__hClient);
    uint32_t handle = GET32(ctrl_gpfifo_schedule_v1A_0A__hObject);
    AdaObject *o = find(c, client, handle);

    if (!o || !o->channel) {
        return no_object(c, client, handle);
    }
    ada_chan_enable(o->channel, c->p[r570_rpc_ctrl_gpfifo_schedule_v1A_0A__gpfifoSchedule__bEnable]);
    return NV(OK);
}

/* ---- page tables ------------------------------------------------------------------------------------------------- */

#define PDES32(m)   GET32(ctrl_vaspace_copy_server_reserved_pdes_v1E_04__##m)
#define PDES64(m)   GET64(ctrl_vaspace_copy_server_reserved_pdes_v1E_04__##m)

/* The guest's tables for what its plugin task has in its VA space. From the top: the first level is the root. */
uint32_t ada_gobj_page_directory(AdaGuestCall *c)
{
    uint32_t client = PDES32(hClient), aperture = PDES32(ctrlParams__levels__aperture);
    uint32_t levels = PDES32(ctrlParams__numLevelsToCopy);
    uint32_t handle = PDES32(hObject) ?: client;
    uint64_t root = PDES64(ctrlParams__levels__physAddress);
    AdaObject *o = find(c, client, handle);

    if (!o || (o->class != r570_NV01_ROOT && o->class != r570_FERMI_VASPACE_A)) {
        return no_object(c, client, handle);
    }
    if (!levels || levels > r570_rpc_ctrl_vaspace_copy_server_reserved_pdes_v1E_04__ctrlParams__levels_NUM ||
        aperture != APERTURE_FB || root % ADA_PAGE || !in_framebuffer(c, root, ADA_PAGE)) {
        ada_refuse(c->v->gpu, "guest-page-directory", "GFID %u: at 0x%" PRIx64 ", aperture %u, %u levels", c->v->gfid,
                   root, aperture, levels);
        return NV(ERR_INVALID_ADDRESS);
    }
    o->page_directory = root;
    ada_tlb_invalidate(c->v->gpu, c->v->gfid, &(AdaTlbScope) { .root = root });
    return NV(OK);
}

/* a page directory for subcontexts whose own is gone; nothing translates by it here */
uint32_t ada_gobj_zombie(AdaGuestCall *c)
{
    uint32_t client = GET32(ctrl_fifo_setup_vf_zombie_subctx_pdb_v1A_23__hClient);
    uint32_t handle = GET32(ctrl_fifo_setup_vf_zombie_subctx_pdb_v1A_23__hObject);
    uint32_t space = GET32(ctrl_fifo_setup_vf_zombie_subctx_pdb_v1A_23__params__addressSpace);
    uint64_t base = GET64(ctrl_fifo_setup_vf_zombie_subctx_pdb_v1A_23__params__base);
    uint64_t size = GET64(ctrl_fifo_setup_vf_zombie_subctx_pdb_v1A_23__params__size);

    if (!find(c, client, handle)) {
        return no_object(c, client, handle);
    }
    if (space != ADDR_SYSMEM && (space != ADDR_FBMEM || !in_framebuffer(c, base, size))) {
        ada_refuse(c->v->gpu, "guest-page-directory", "GFID %u: of dead subcontexts at 0x%" PRIx64 " + 0x%" PRIx64
                   ", address space %u", c->v->gfid, base, size, space);
        return NV(ERR_INVALID_ADDRESS);
    }
    return NV(OK);
}

/* ---- controls ---------------------------------------------------------------------------------------------------- */

/* buffers of a context of graphics, which does nothing here */
uint32_t ada_gobj_promote(AdaGuestCall *c)
{
    uint32_t client = GET32(ctrl_gpu_promote_ctx_v1A_20__hClient), handle = GET32(ctrl_gpu_promote_ctx_v1A_20__hObject);

    return find(c, client, handle) ? NV(OK) : no_object(c, client, handle);
}

/*
 * Assumption GUEST-LEGACY: this one has no name in any header. A list as of GPU_GET_INFO_V2; a GA106 under GSP-RM was
 * seen to accept it and to change nothing.
 */
#define LEGACY_GPU_INFO         0x20808159
#define LEGACY_GPU_INFO_SIZE    332

/* assumption GUEST-RPC: a plugin task says quietly that it has not the control */
uint32_t ada_gobj_control(AdaGuestCall *c)
{
    uint32_t client = GET32(rm_api_control_v25_1A__params__hClient);
    uint32_t handle = GET32(rm_api_control_v25_1A__params__hObject);
    uint32_t control = GET32(rm_api_control_v25_1A__params__cmd);
    uint32_t size = GET32(rm_api_control_v25_1A__params__paramsSize);
    AdaObject *o = find(c, client, handle);

    if (!o) {
        return no_object(c, client, handle);
    }
    if (control == LEGACY_GPU_INFO && size == LEGACY_GPU_INFO_SIZE && o->class == r570_NV20_SUBDEVICE_0) {
        return NV(OK);
    }
    return r570_NV_VGPU_MSG_RESULT_RPC_API_CONTROL_NOT_SUPPORTED;
}

static bool is_subdevice(AdaGuestCall *c, uint32_t client, uint32_t handle)
{
    AdaObject *o = find(c, client, handle);

    return o && o->class == r570_NV20_SUBDEVICE_0;
}

static uint32_t bad_info(AdaGuestCall *c, const char *what, uint32_t value)
{
    ada_refuse(c->v->gpu, "guest-info", "GFID %u: asks for %s 0x%x", c->v->gfid, what, value);
    return NV(ERR_INVALID_ARGUMENT);
}

/*
 * What the guest's driver does not know of its GPU itself; it marks what its plugin task is to answer.
 * Assumption GUEST-INFO: nothing of that has a name in a header, and all of it is 0.
 */
uint32_t ada_gobj_gpu_info(AdaGuestCall *c)
{
#define INFO(m)     r570_rpc_ctrl_gpu_get_info_v2_v25_11__params__gpuInfoList##m
    uint32_t client = GET32(ctrl_gpu_get_info_v2_v25_11__hClient);
    uint32_t handle = GET32(ctrl_gpu_get_info_v2_v25_11__hObject);
    uint32_t n = GET32(ctrl_gpu_get_info_v2_v25_11__params__gpuInfoListSize);

    if (!is_subdevice(c, client, handle)) {
        return no_object(c, client, handle);
    }
    if (!n || n > INFO(_NUM)) {
        return bad_info(c, "things of its GPU in a list of", n);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *entry = c->p + INFO() + i * INFO(_STRIDE);
        uint32_t index = ldl_le_p(entry);

        if (!ADA_FIELD(index, NV2080_CTRL_GPU_INFO_INDEX_RESERVED)) {
            continue;
        }
        if (ADA_FIELD(index, NV2080_CTRL_GPU_INFO_INDEX_INDEX) >= r570_NV2080_CTRL_GPU_INFO_MAX_LIST_SIZE) {
            return bad_info(c, "of its GPU", index);
        }
        stl_le_p(entry, index & INT32_MAX);
        stl_le_p(entry + 4, 0);
    }
    return NV(OK);
#undef INFO
}

/* The same of its framebuffer. Lists differ in length. All Ada boards with vGPUs have GDDR6. */
uint32_t ada_gobj_fb_info(AdaGuestCall *c)
{
#define INFO(m)     r570_rpc_ctrl_fb_get_info_v2_v27_00__ctrlParams__fbInfoList##m
    uint32_t client = GET32(ctrl_fb_get_info_v2_v27_00__hClient);
    uint32_t handle = GET32(ctrl_fb_get_info_v2_v27_00__hObject);
    uint32_t n = GET32(ctrl_fb_get_info_v2_v27_00__ctrlParams__fbInfoListSize);

    if (!is_subdevice(c, client, handle)) {
        return no_object(c, client, handle);
    }
    if (!n || n > (c->len - INFO()) / INFO(_STRIDE)) {
        return bad_info(c, "things of its framebuffer in a list of", n);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *entry = c->p + INFO() + i * INFO(_STRIDE);
        uint32_t index = ldl_le_p(entry);

        if (index >= r570_NV2080_CTRL_FB_INFO_MAX_LIST_SIZE) {
            return bad_info(c, "of its framebuffer", index);
        }
        stl_le_p(entry + 4, index == r570_NV2080_CTRL_FB_INFO_INDEX_RAM_TYPE
                            ? r570_NV2080_CTRL_FB_INFO_RAM_TYPE_GDDR6 : 0);
    }
    return NV(OK);
#undef INFO
}

/* no board with vGPUs has a link */
uint32_t ada_gobj_nvlink(AdaGuestCall *c)
{
    uint32_t client = GET32(ctrl_get_nvlink_status_v28_09__hClient);
    uint32_t handle = GET32(ctrl_get_nvlink_status_v28_09__hObject);

    if (!is_subdevice(c, client, handle)) {
        return no_object(c, client, handle);
    }
    memset(c->p + r570_rpc_ctrl_get_nvlink_status_v28_09__ctrlParams, 0,
           c->len - r570_rpc_ctrl_get_nvlink_status_v28_09__ctrlParams);
    return NV(OK);
}
