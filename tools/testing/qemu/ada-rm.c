/*
 * NVIDIA Ada GPU: GSP-RM's remote procedure calls, its objects and their controls
 *
 * Clients own trees of objects named by handles; controls are calls on an object of the class in their upper half.
 * GSP-RM wants parameters of exactly the size that its own headers give. What no table here names is not supported.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "ada-chan.h"

#define MAX_OBJECTS     16384   /* bound of ours */

/*
 * What GSP-RM keeps of the framebuffer beside its heaps, as 535.113.01 has it on an RTX 4070 SUPER: the bottom, and two
 * ranges below the heaps, with its page directories for BAR1 and BAR2. Assumption GSP-RESERVED: 570.144 in vGPU mode
 * keeps as much.
 */
#define KEPT_BOTTOM     (49 * MiB)
#define KEPT_BAR1       0x4f40000u
#define KEPT_BAR1_PDB   0x3959000u
#define KEPT_BAR2       0x70000u
#define KEPT_BAR2_PDB   0x3000u
#define KEPT_INSTANCES  0x10000u    /* behind the start of what has BAR2's; free choice */
/* with fb-regions=plain one range below the heaps, and nothing else */
#define KEPT_PLAIN      (64 * MiB)

/* ---- objects ----------------------------------------------------------------------------------------------------- */

typedef struct AdaClass {
    uint32_t class;
    int parent;                 /* class that it lives under, -1: it is a client */
    uint32_t size535, size570;  /* parameters */
    bool optional;              /* parameters may be left out */
    AdaAlloc *alloc;            /* NULL: nothing more to check or make */
} AdaClass;

#define PARAMS(s)   r535_##s##__SIZE, r570_##s##__SIZE

static const AdaClass classes[] = {
    { r570_NV01_ROOT, -1, PARAMS(NV0000_ALLOC_PARAMETERS), true },
    { r570_NV01_ROOT_CLIENT, -1, PARAMS(NV0000_ALLOC_PARAMETERS), true },
    { r570_NV01_DEVICE_0, r570_NV01_ROOT, PARAMS(NV0080_ALLOC_PARAMETERS), true },
    { r570_NV20_SUBDEVICE_0, r570_NV01_DEVICE_0, PARAMS(NV2080_ALLOC_PARAMETERS), true },
    { r570_FERMI_VASPACE_A, r570_NV01_DEVICE_0, PARAMS(NV_VASPACE_ALLOCATION_PARAMETERS), false },
    { r570_AMPERE_CHANNEL_GPFIFO_A, r570_NV01_DEVICE_0, PARAMS(NV_CHANNEL_ALLOC_PARAMS), false, ada_rm_channel },
    { r570_AMPERE_DMA_COPY_B, r570_AMPERE_CHANNEL_GPFIFO_A, PARAMS(NVC0B5_ALLOCATION_PARAMETERS), false,
      ada_rm_copy_engine },
};

static const AdaClass *find_class(uint32_t class)
{
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        if (classes[i].class == class) {
            return &classes[i];
        }
    }
    return NULL;
}

static bool is_client(const AdaObject *o)
{
    return o->handle == o->client;
}

static gint64 object_key(uint32_t client, uint32_t handle)
{
    return (gint64)((uint64_t)client << 32 | handle);
}

AdaObject *ada_object_find(GHashTable *objects, uint32_t client, uint32_t handle)
{
    gint64 key = object_key(client, handle);

    return objects ? g_hash_table_lookup(objects, &key) : NULL;
}

AdaObject *ada_rm_object(AdaState *s, uint32_t client, uint32_t handle)
{
    return ada_object_find(s->gsp->objects, client, handle);
}

AdaObject *ada_object_add(GHashTable *objects, uint32_t client, uint32_t parent, uint32_t handle, uint32_t class)
{
    AdaObject *o = g_new0(AdaObject, 1);
    gint64 *key = g_new(gint64, 1);

    *o = (AdaObject) { .client = client, .handle = handle, .parent = parent, .class = class };
    *key = object_key(client, handle);
    g_hash_table_insert(objects, key, o);
    return o;
}

static void destroy_object(gpointer opaque)
{
    AdaObject *o = opaque;

    if (o->channel) {
        ada_chan_free(o->channel);
    }
    g_free(o);
}

GHashTable *ada_objects_new(void)
{
    return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, destroy_object);
}

bool ada_object_child_of_class(GHashTable *objects, uint32_t client, uint32_t handle, uint32_t class)
{
    GHashTableIter it;
    AdaObject *o;

    if (!objects) {
        return false;
    }
    g_hash_table_iter_init(&it, objects);
    while (g_hash_table_iter_next(&it, NULL, (gpointer *)&o)) {
        if (o->client == client && o->parent == handle && o->class == class) {
            return true;
        }
    }
    return false;
}

/* a parent dies with all that lives under it; classes nest five deep at most */
void ada_object_free(GHashTable *objects, AdaObject *o)
{
    uint32_t client = o->client, handle = o->handle;
    bool root = is_client(o);
    gint64 key = object_key(client, handle);
    g_autoptr(GPtrArray) below = g_ptr_array_new();
    GHashTableIter it;
    AdaObject *child;

    g_hash_table_iter_init(&it, objects);
    while (g_hash_table_iter_next(&it, NULL, (gpointer *)&child)) {
        if (child->client == client && child != o && !is_client(child) && (root || child->parent == handle)) {
            g_ptr_array_add(below, child);
        }
    }
    if (root) {     /* all of them are its own: no order to keep */
        for (guint i = 0; i < below->len; i++) {
            child = g_ptr_array_index(below, i);
            key = object_key(client, child->handle);
            g_hash_table_remove(objects, &key);
        }
        key = object_key(client, handle);
    } else {
        for (guint i = 0; i < below->len; i++) {
            ada_object_free(objects, g_ptr_array_index(below, i));
        }
    }
    g_hash_table_remove(objects, &key);
}

static uint32_t check_parent(AdaState *s, const AdaClass *c, uint32_t client, uint32_t parent)
{
    AdaObject *p;

    if (!ada_rm_object(s, client, client)) {
        return NV(ERR_INVALID_CLIENT);
    }
    p = ada_rm_object(s, client, parent);
    if (!p || (c->parent == r570_NV01_ROOT ? !is_client(p) : p->class != c->parent)) {
        return NV(ERR_INVALID_OBJECT_PARENT);
    }
    return NV(OK);
}

static uint32_t alloc_status(AdaState *s, uint8_t *p, uint32_t size)
{
    AdaGsp *g = s->gsp;
    uint32_t client = ldl_le_p(p + r570_rpc_gsp_rm_alloc_v03_00__hClient);
    uint32_t parent = ldl_le_p(p + r570_rpc_gsp_rm_alloc_v03_00__hParent);
    uint32_t handle = ldl_le_p(p + r570_rpc_gsp_rm_alloc_v03_00__hObject);
    uint32_t class = ldl_le_p(p + r570_rpc_gsp_rm_alloc_v03_00__hClass), status;
    const AdaClass *c = find_class(class);
    AdaObject *o;

    if (!c) {
        ada_refuse(s, "rm-class", "class 0x%04x is not modelled", class);
        return NV(ERR_INVALID_CLASS);
    }
    if (size != (g->fw == ADA_FW_570 ? c->size570 : c->size535) && !(c->optional && !size)) {
        ada_refuse(s, "rm-params-size", "%u bytes for an object of class 0x%04x", size, class);
        return NV(ERR_INVALID_PARAM_STRUCT);
    }
    if (!handle || ada_rm_object(s, c->parent < 0 ? handle : client, handle)) {
        ada_refuse(s, "rm-handle", "handle 0x%08x is in use", handle);
        return NV(ERR_INSERT_DUPLICATE_NAME);
    }
    status = c->parent < 0 ? NV(OK) : check_parent(s, c, client, parent);
    if (status != NV(OK)) {
        ada_refuse(s, "rm-parent", "class 0x%04x under client 0x%08x, parent 0x%08x", class, client, parent);
        return status;
    }
    if (g_hash_table_size(g->objects) >= MAX_OBJECTS) {
        ada_refuse(s, "rm-objects", "more than %u", MAX_OBJECTS);
        return NV(ERR_NO_MEMORY);
    }
    o = ada_object_add(g->objects, c->parent < 0 ? handle : client, c->parent < 0 ? 0 : parent, handle, class);
    if (c->alloc) {
        status = c->alloc(s, o, p + r570_rpc_gsp_rm_alloc_v03_00__SIZE);
    }
    if (status != NV(OK)) {
        ada_object_free(s->gsp->objects, o);
    }
    ada_account(s);
    return status;
}

/* RPC 103; its status is in the message, the message itself succeeds */
static uint32_t rpc_alloc(AdaState *s, uint8_t *p, uint32_t len)
{
    uint32_t size = ldl_le_p(p + r570_rpc_gsp_rm_alloc_v03_00__paramsSize);

    if (size > len - r570_rpc_gsp_rm_alloc_v03_00__SIZE) {
        ada_refuse(s, "rpc-length", "%u bytes of parameters in a payload of %u", size, len);
        stl_le_p(p + r570_rpc_gsp_rm_alloc_v03_00__status, NV(ERR_INVALID_PARAM_STRUCT));
    } else {
        stl_le_p(p + r570_rpc_gsp_rm_alloc_v03_00__status, alloc_status(s, p, size));
    }
    return NV(OK);
}

static uint32_t rpc_free(AdaState *s, uint8_t *p, uint32_t len)
{
    uint32_t root = ldl_le_p(p + r570_rpc_free_v03_00__params__hRoot);
    uint32_t handle = ldl_le_p(p + r570_rpc_free_v03_00__params__hObjectOld);
    AdaObject *o = ada_rm_object(s, root, handle);
    uint32_t status = NV(OK);

    if (!ada_rm_object(s, root, root)) {
        status = NV(ERR_INVALID_CLIENT);
    } else if (!o || root == ada_rm_handles(s).client) {
        status = NV(ERR_INVALID_OBJECT_OLD);
    }
    if (status != NV(OK)) {
        ada_refuse(s, "rm-handle", "free of 0x%08x of client 0x%08x", handle, root);
    } else {
        ada_object_free(s->gsp->objects, o);
        ada_account(s);
    }
    stl_le_p(p + r570_rpc_free_v03_00__params__status, status);
    return NV(OK);
}

/* ---- controls ---------------------------------------------------------------------------------------------------- */

/* of an RTX 4070 SUPER with 535, of boards with 570 and 575; or others */
AdaHandles ada_rm_handles(AdaState *s)
{
    if (s->numbers == ADA_NUMBERS_OTHER) {
        return (AdaHandles) { 0xc1d00042, 0xbeef0001, 0xbeef0002 };
    }
    return (AdaHandles) { s->gsp->fw == ADA_FW_535 ? 0xc2000005 : 0xc2000006, 0xabcd0080, 0xabcd2080 };
}

/* of an RTX 4070; or one of another leaf, in the same subtree of the top */
uint32_t ada_gsp_stall_vector(AdaState *s)
{
    return s->numbers == ADA_NUMBERS_OTHER ? 0xad : 0x9b;
}

/* an absent vector is all ones */
static void put_intr(uint8_t *p, unsigned int i, uint32_t engine, uint32_t stall, uint32_t nonstall)
{
#define INTR(m) r570_NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS__table##m
    uint8_t *e = p + i * INTR(_STRIDE);

    stw_le_p(e + INTR(__engineIdx), engine);
    stl_le_p(e + INTR(__pmcIntrMask), 0);
    stl_le_p(e + INTR(__vectorStall), stall);
    stl_le_p(e + INTR(__vectorNonStall), nonstall);
#undef INTR
}

/* first and last subtree of each category, as intrInitSubtreeMap_TU102() of OpenRM leaves them */
static void put_subtrees(uint8_t *p)
{
#define NONE            { r570_NV2080_INTR_INVALID_SUBTREE, r570_NV2080_INTR_INVALID_SUBTREE }
#define CATEGORY(name)  [r570_NV2080_INTR_CATEGORY_##name]
    static const uint8_t subtrees[r570_NV2080_INTR_CATEGORY_ENUM_COUNT][r570_NV2080_INTR_CATEGORY_SUBTREE_MAP__SIZE] = {
        CATEGORY(DEFAULT) = NONE,
        CATEGORY(ESCHED_DRIVEN_ENGINE) = { r570_NV_CPU_INTR_STALL_SUBTREE_START, r570_NV_CPU_INTR_STALL_SUBTREE_LAST },
        CATEGORY(ESCHED_DRIVEN_ENGINE_NOTIFICATION) = { r570_NV_VIRTUAL_FUNCTION_PRIV_CPU_INTR_TOP_SUBTREE_0,
                                                        r570_NV_VIRTUAL_FUNCTION_PRIV_CPU_INTR_TOP_SUBTREE_0 },
        CATEGORY(RUNLIST) = NONE,
        CATEGORY(RUNLIST_NOTIFICATION) = NONE,
        CATEGORY(UVM_OWNED) = { r570_NV_CPU_INTR_UVM_SUBTREE_START, r570_NV_CPU_INTR_UVM_SUBTREE_LAST },
        CATEGORY(UVM_SHARED) = { r570_NV_CPU_INTR_UVM_SHARED_SUBTREE_START, r570_NV_CPU_INTR_UVM_SHARED_SUBTREE_LAST },
    };
#undef CATEGORY
#undef NONE

    memcpy(p + r570_NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS__subtreeMap, subtrees, sizeof(subtrees));
}

/* what stops an engine goes to GSP-RM itself */
static uint32_t ctl_intr_table(AdaState *s, AdaObject *obj, uint8_t *p)
{
    put_subtrees(p);
    stl_le_p(p + r570_NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS__tableLen, 2);
    put_intr(p, 0, ADA_CONST(s->gsp->fw, MC_ENGINE_IDX_GSP), ada_gsp_stall_vector(s), UINT32_MAX);
    put_intr(p, 1, ada_engine_mc_index(s), UINT32_MAX, ada_engine(s)->nonstall_vector);
    return NV(OK);
}

/* assumption CHIDS: all runlists share them */
static uint32_t ctl_num_channels(AdaState *s, AdaObject *obj, uint8_t *p)
{
    uint32_t runlist = ldl_le_p(p + r570_NV2080_CTRL_INTERNAL_FIFO_GET_NUM_CHANNELS_PARAMS__runlistId);

    if (runlist && runlist != ada_engine(s)->runlist) {
        ada_refuse(s, "runlist", "there is no runlist %u", runlist);
        return NV(ERR_INVALID_ARGUMENT);
    }
    stl_le_p(p + r570_NV2080_CTRL_INTERNAL_FIFO_GET_NUM_CHANNELS_PARAMS__numChannels, s->chids);
    return NV(OK);
}

/* assumption VMMU-SEG */
static uint32_t ctl_vmmu_segment(AdaState *s, AdaObject *obj, uint8_t *p)
{
    stq_le_p(p, s->vmmu_segment);
    return NV(OK);
}

/* assumption ECC */
static uint32_t ctl_ecc_status(AdaState *s, AdaObject *obj, uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;

    memset(p, 0, ADA_OFF(fw, NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS, units_SZ));
    p[ADA_OFF(fw, NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS, units__enabled)] = s->ecc;
    p[ADA_OFF(fw, NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS, units__scrubComplete)] = s->ecc;
    p[ADA_OFF(fw, NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS, units__supported)] = 1;
    return NV(OK);
}

/* assumption FEATURES */
static uint32_t ctl_features(AdaState *s, AdaObject *obj, uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;
    const char *version = s->wpr.fw ? ada_fw_version_string(s->wpr.fw) : "unknown";

    p[ADA_OFF(fw, NV2080_CTRL_GSP_GET_FEATURES_PARAMS, bValid)] = 1;
    g_strlcpy((char *)p + ADA_OFF(fw, NV2080_CTRL_GSP_GET_FEATURES_PARAMS, firmwareVersion), version,
              ADA_OFF(fw, NV2080_CTRL_GSP_GET_FEATURES_PARAMS, firmwareVersion_SZ));
    return NV(OK);
}

static uint32_t ctl_memsys_config(AdaState *s, AdaObject *obj, uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;

    p[ADA_OFF(fw, NV2080_CTRL_INTERNAL_MEMSYS_GET_STATIC_CONFIG_PARAMS, bEnabledEccFBPA)] = s->ecc;
    p[ADA_OFF(fw, NV2080_CTRL_INTERNAL_MEMSYS_GET_STATIC_CONFIG_PARAMS, bFbpaPresent)] = 1;
    return NV(OK);
}

/* all-zero answers that follow from ENGINES: no GPC, no falcon with a context */
static uint32_t ctl_first_word_zero(AdaState *s, AdaObject *obj, uint8_t *p)
{
    stl_le_p(p, 0);
    return NV(OK);
}

static uint32_t ctl_tpc_info(AdaState *s, AdaObject *obj, uint8_t *p)
{
    ada_refuse(s, "gpc-range", "GPC %u of none", ldl_le_p(p));
    return NV(ERR_INVALID_ARGUMENT);
}

static uint32_t page_directory(AdaState *s, AdaObject *obj, uint32_t vaspace, uint64_t addr, bool sysmem)
{
    AdaObject *v = ada_rm_object(s, obj->client, vaspace);

    if (!v || v->class != r570_FERMI_VASPACE_A) {
        ada_refuse(s, "page-directory", "0x%08x is no VA space of client 0x%08x", vaspace, obj->client);
        return NV(ERR_INVALID_OBJECT_HANDLE);
    }
    v->page_directory = addr;
    v->page_directory_sysmem = sysmem;
    ada_tlb_invalidate(s, 0, &(AdaTlbScope) { .root = addr, .root_sysmem = sysmem });
    return NV(OK);
}

static uint32_t ctl_set_page_directory(AdaState *s, AdaObject *obj, uint8_t *p)
{
    uint64_t addr = ldq_le_p(p + r570_NV0080_CTRL_DMA_SET_PAGE_DIRECTORY_PARAMS__physAddress);
    uint32_t flags = ldl_le_p(p + r570_NV0080_CTRL_DMA_SET_PAGE_DIRECTORY_PARAMS__flags);

    if (!addr || addr % ADA_PAGE) {
        ada_refuse(s, "page-directory", "at 0x%" PRIx64, addr);
        return NV(ERR_INVALID_ADDRESS);
    }
    return page_directory(s, obj, ldl_le_p(p + r570_NV0080_CTRL_DMA_SET_PAGE_DIRECTORY_PARAMS__hVASpace), addr,
                          !ADA_IS(flags, NV0080_CTRL_DMA_SET_PAGE_DIRECTORY_FLAGS_APERTURE, VIDMEM));
}

static uint32_t ctl_unset_page_directory(AdaState *s, AdaObject *obj, uint8_t *p)
{
    return page_directory(s, obj, ldl_le_p(p + r570_NV0080_CTRL_DMA_UNSET_PAGE_DIRECTORY_PARAMS__hVASpace), 0,
                          false);
}

typedef struct AdaControlEntry {
    uint32_t cmd535, cmd570;        /* 0: not in that release */
    uint32_t size535, size570;
    AdaControl *run;
} AdaControlEntry;

#define CONTROL(cmd, params, run) \
    { r535_##cmd, r570_##cmd, PARAMS(params), run }
#define VGPU_MGR(name, run) \
    CONTROL(NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_##name, NV2080_CTRL_VGPU_MGR_INTERNAL_##name##_PARAMS, run)

static const AdaControlEntry controls[] = {
    CONTROL(NV2080_CTRL_CMD_INTERNAL_INTR_GET_KERNEL_TABLE, NV2080_CTRL_INTERNAL_INTR_GET_KERNEL_TABLE_PARAMS,
            ctl_intr_table),
    CONTROL(NV2080_CTRL_CMD_INTERNAL_FIFO_GET_NUM_CHANNELS, NV2080_CTRL_INTERNAL_FIFO_GET_NUM_CHANNELS_PARAMS,
            ctl_num_channels),
    CONTROL(NV2080_CTRL_CMD_GPU_GET_VMMU_SEGMENT_SIZE, NV2080_CTRL_GPU_GET_VMMU_SEGMENT_SIZE_PARAMS, ctl_vmmu_segment),
    CONTROL(NV2080_CTRL_CMD_GPU_QUERY_ECC_STATUS, NV2080_CTRL_GPU_QUERY_ECC_STATUS_PARAMS, ctl_ecc_status),
    CONTROL(NV2080_CTRL_CMD_FIFO_GET_DEVICE_INFO_TABLE, NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS,
            ada_rm_device_info),
    CONTROL(NV2080_CTRL_CMD_GSP_GET_FEATURES, NV2080_CTRL_GSP_GET_FEATURES_PARAMS, ctl_features),
    CONTROL(NV2080_CTRL_CMD_INTERNAL_MEMMGR_GET_VGPU_CONFIG_HOST_RESERVED_FB,
            NV2080_CTRL_INTERNAL_MEMMGR_GET_VGPU_CONFIG_HOST_RESERVED_FB_PARAMS, ada_vgpu_host_reserved_fb),
    CONTROL(NV2080_CTRL_CMD_INTERNAL_MEMSYS_GET_STATIC_CONFIG, NV2080_CTRL_INTERNAL_MEMSYS_GET_STATIC_CONFIG_PARAMS,
            ctl_memsys_config),
    CONTROL(NV2080_CTRL_CMD_CE_GET_FAULT_METHOD_BUFFER_SIZE, NV2080_CTRL_CE_GET_FAULT_METHOD_BUFFER_SIZE_PARAMS,
            ada_rm_fault_method_buffer),
    CONTROL(NVA06F_CTRL_CMD_BIND, NVA06F_CTRL_BIND_PARAMS, ada_rm_channel_bind),
    CONTROL(NVA06F_CTRL_CMD_GPFIFO_SCHEDULE, NVA06F_CTRL_GPFIFO_SCHEDULE_PARAMS, ada_rm_channel_schedule),
    CONTROL(NV2080_CTRL_CMD_GPU_GET_FERMI_GPC_INFO, NV2080_CTRL_GPU_GET_FERMI_GPC_INFO_PARAMS, ctl_first_word_zero),
    CONTROL(NV2080_CTRL_CMD_GPU_GET_FERMI_TPC_INFO, NV2080_CTRL_GPU_GET_FERMI_TPC_INFO_PARAMS, ctl_tpc_info),
    { r535_NV2080_CTRL_CMD_INTERNAL_GET_CONSTRUCTED_FALCON_INFO, r570_NV2080_CTRL_CMD_GPU_GET_CONSTRUCTED_FALCON_INFO,
      r535_NV2080_CTRL_INTERNAL_GET_CONSTRUCTED_FALCON_INFO_PARAMS__SIZE,
      r570_NV2080_CTRL_GPU_GET_CONSTRUCTED_FALCON_INFO_PARAMS__SIZE, ctl_first_word_zero },
    CONTROL(NV0080_CTRL_CMD_DMA_SET_PAGE_DIRECTORY, NV0080_CTRL_DMA_SET_PAGE_DIRECTORY_PARAMS, ctl_set_page_directory),
    CONTROL(NV0080_CTRL_CMD_DMA_UNSET_PAGE_DIRECTORY, NV0080_CTRL_DMA_UNSET_PAGE_DIRECTORY_PARAMS,
            ctl_unset_page_directory),
    CONTROL(NV2080_CTRL_CMD_INTERNAL_VMMU_GET_SPA_FOR_GPA_ENTRIES,
            NV2080_CTRL_INTERNAL_VMMU_GET_SPA_FOR_GPA_ENTRIES_PARAMS, ada_vgpu_spa_for_gpa),
    VGPU_MGR(BOOTLOAD_GSP_VGPU_PLUGIN_TASK, ada_vgpu_bootload),
    VGPU_MGR(SHUTDOWN_GSP_VGPU_PLUGIN_TASK, ada_vgpu_shutdown),
    VGPU_MGR(VGPU_PLUGIN_CLEANUP, ada_vgpu_cleanup),
    VGPU_MGR(PGPU_ADD_VGPU_TYPE, ada_vgpu_add_types),
    VGPU_MGR(SET_VGPU_MGR_CONFIG, ada_vgpu_mgr_config),
    VGPU_MGR(CLEAR_GUEST_VM_INFO, ada_vgpu_clear_vm_info),
    VGPU_MGR(ENUMERATE_VGPU_PER_PGPU, ada_vgpu_enumerate),
    { 0, r570_NV2080_CTRL_CMD_VGPU_MGR_INTERNAL_SET_VGPU_HETEROGENEOUS_MODE,
      0, r570_NV2080_CTRL_VGPU_MGR_INTERNAL_SET_VGPU_HETEROGENEOUS_MODE_PARAMS__SIZE, ada_vgpu_heterogeneous },
};

static const AdaControlEntry *find_control(AdaFwVersion fw, uint32_t cmd)
{
    for (size_t i = 0; cmd && i < ARRAY_SIZE(controls); i++) {
        if (cmd == (fw == ADA_FW_570 ? controls[i].cmd570 : controls[i].cmd535)) {
            return &controls[i];
        }
    }
    return NULL;
}

/* what a channel can do, it has been able to since Kepler's: that class names its controls */
static uint32_t control_class(const AdaObject *obj)
{
    return obj->channel ? r570_NVA06F_CTRL_CMD_BIND >> 16 : obj->class;
}

static uint32_t control_status(AdaState *s, uint8_t *p, uint32_t size)
{
    AdaFwVersion fw = s->gsp->fw;
    uint32_t client = ldl_le_p(p + r570_rpc_gsp_rm_control_v03_00__hClient);
    uint32_t handle = ldl_le_p(p + r570_rpc_gsp_rm_control_v03_00__hObject);
    uint32_t cmd = ldl_le_p(p + r570_rpc_gsp_rm_control_v03_00__cmd), class = cmd >> 16;
    const AdaControlEntry *c = find_control(fw, cmd);
    AdaObject *obj = ada_rm_object(s, client, handle);

    if (!ada_rm_object(s, client, client) || !obj) {
        ada_refuse(s, "rm-handle", "control 0x%08x on 0x%08x of client 0x%08x", cmd, handle, client);
        return obj ? NV(ERR_INVALID_CLIENT) : NV(ERR_INVALID_OBJECT_HANDLE);
    }
    if (!c) {
        ada_refuse(s, "rm-control", "0x%08x is not modelled", cmd);
        return NV(ERR_NOT_SUPPORTED);
    }
    if (control_class(obj) != class) {
        ada_refuse(s, "rm-control", "0x%08x on an object of class 0x%04x", cmd, obj->class);
        return NV(ERR_INVALID_OBJECT);
    }
    if (size != (fw == ADA_FW_570 ? c->size570 : c->size535)) {
        ada_refuse(s, "rm-params-size", "%u bytes for control 0x%08x", size, cmd);
        return NV(ERR_INVALID_PARAM_STRUCT);
    }
    return c->run(s, obj, p + r570_rpc_gsp_rm_control_v03_00__SIZE);
}

static uint32_t rpc_control(AdaState *s, uint8_t *p, uint32_t len)
{
    uint32_t size = ldl_le_p(p + r570_rpc_gsp_rm_control_v03_00__paramsSize), status;

    if (size > len - r570_rpc_gsp_rm_control_v03_00__SIZE) {
        ada_refuse(s, "rpc-length", "%u bytes of parameters in a payload of %u", size, len);
        status = NV(ERR_INVALID_PARAM_STRUCT);
    } else {
        status = control_status(s, p, size);
    }
    stl_le_p(p + r570_rpc_gsp_rm_control_v03_00__status, status);
    return NV(OK);
}

#define REGION_PERFORMANCE  6   /* as seen */

/* ---- the other calls --------------------------------------------------------------------------------------------- */

static void put_region(AdaFwVersion fw, uint8_t *p, unsigned int i, const AdaFbRegion *region)
{
    uint8_t *r = p + i * ADA_OFF(fw, GspStaticConfigInfo, fbRegionInfoParams__fbRegion_STRIDE);

    stq_le_p(r + ADA_OFF(fw, GspStaticConfigInfo, fbRegionInfoParams__fbRegion__base), region->base);
    stq_le_p(r + ADA_OFF(fw, GspStaticConfigInfo, fbRegionInfoParams__fbRegion__limit),
             region->base + region->size - 1);
    stq_le_p(r + ADA_OFF(fw, GspStaticConfigInfo, fbRegionInfoParams__fbRegion__reserved),
             region->reserved ? region->size : 0);
    stl_le_p(r + ADA_OFF(fw, GspStaticConfigInfo, fbRegionInfoParams__fbRegion__performance),
             region->graphics ? REGION_PERFORMANCE : 0);
    r[ADA_OFF(fw, GspStaticConfigInfo, fbRegionInfoParams__fbRegion__supportCompressed)] = region->graphics;
    r[ADA_OFF(fw, GspStaticConfigInfo, fbRegionInfoParams__fbRegion__supportISO)] = region->graphics;
}

/* assumption SRIOV-CAPS; all zero unless the driver asked for SR-IOV mode */
static void put_sriov(AdaState *s, uint8_t *p)
{
    AdaGsp *g = s->gsp;
    AdaFwVersion fw = g->fw;

#define SRIOV(m)    (p + ADA_OFF(fw, GspStaticConfigInfo, sriovCaps__##m))
    stl_le_p(SRIOV(totalVFs), ADA_MAX_VFS);
    stl_le_p(SRIOV(firstVfOffset), ADA_VF_OFFSET);
    stq_le_p(SRIOV(FirstVFBar0Address), g->vf.bar[0]);
    stq_le_p(SRIOV(FirstVFBar1Address), g->vf.bar[1]);
    stq_le_p(SRIOV(FirstVFBar2Address), g->vf.bar[2]);
    stq_le_p(SRIOV(bar0Size), ADA_VF_BAR0_SIZE);
    stq_le_p(SRIOV(bar1Size), ADA_VF_BAR1_SIZE);
    stq_le_p(SRIOV(bar2Size), ADA_BAR3_SIZE);
    *SRIOV(b64bitBar1) = 1;
    *SRIOV(b64bitBar2) = 1;
    *SRIOV(bSriovEnabled) = 1;
    *SRIOV(bEmulateVFBar0TlbInvalidationRegister) = 1;
    *SRIOV(bClientRmAllocatedCtxBuffer) = 1;
#undef SRIOV
    stl_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, sriovMaxGfid), ADA_MAX_GFID);
}

/* 16 bytes that stay the same for one board: made of its ids, as no public rule gives a real one's */
static void put_gid(AdaState *s, uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;
    uint8_t *data = p + ADA_OFF(fw, GspStaticConfigInfo, gidInfo__data);
    static const uint8_t serial[] = { 'Q', 'E', 'M', 'U', 'A', 'D', 'A', '1' };

    stl_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, gidInfo__length), 16);
    stl_le_p(data, s->board->boot0);
    stl_le_p(data + 4, s->board->device_id << 16 | s->board->subsystem_id);
    memcpy(data + 8, serial, sizeof(serial));
}

static uint32_t rpc_static_info(AdaState *s, uint8_t *p, uint32_t len)
{
    AdaGsp *g = s->gsp;
    AdaFwVersion fw = g->fw;
    const char *name = s->board->marketing_name;
    AdaHandles handles = ada_rm_handles(s);

    memset(p, 0, ADA_SIZE(fw, GspStaticConfigInfo));
    put_gid(s, p);
    stl_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, fbRegionInfoParams__numFBRegions), g->regions);
    for (unsigned int i = 0; i < g->regions; i++) {
        put_region(fw, p, i, &g->region[i]);
    }
    if (g->sriov_mode) {
        put_sriov(s, p);
    }
    stq_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, fb_length), s->fb_size);
    g_strlcpy((char *)p + ADA_OFF(fw, GspStaticConfigInfo, gpuNameString), name,
              ADA_OFF(fw, GspStaticConfigInfo, gpuNameString_SZ));
    g_strlcpy((char *)p + ADA_OFF(fw, GspStaticConfigInfo, gpuShortNameString),
              g_str_has_prefix(name, "NVIDIA ") ? name + 7 : name,
              ADA_OFF(fw, GspStaticConfigInfo, gpuShortNameString_SZ));
    stq_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, bar1PdeBase), s->bar1_pdb);
    stq_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, bar2PdeBase), s->bar2_pdb);
    p[ADA_OFF(fw, GspStaticConfigInfo, bVbiosValid)] = 1;
    stl_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, vbiosSubVendor), PCI_VENDOR_ID_NVIDIA);
    stl_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, vbiosSubDevice), s->board->subsystem_id);
    stl_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, hInternalClient), handles.client);
    stl_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, hInternalDevice), handles.device);
    stl_le_p(p + ADA_OFF(fw, GspStaticConfigInfo, hInternalSubdevice), handles.subdevice);
    return NV(OK);
}

/* the driver's top entry for BAR1 or BAR2 goes into GSP-RM's own page directory; only entry 0 can be set */
static uint32_t rpc_update_bar_pde(AdaState *s, uint8_t *p, uint32_t len)
{
    uint32_t type = ldl_le_p(p + r570_rpc_update_bar_pde_v15_00__info__barType);
    uint64_t value = ldq_le_p(p + r570_rpc_update_bar_pde_v15_00__info__entryValue);
    uint64_t shift = ldq_le_p(p + r570_rpc_update_bar_pde_v15_00__info__entryLevelShift), root;

    if ((type != r570_NV_RPC_UPDATE_PDE_BAR_1 && type != r570_NV_RPC_UPDATE_PDE_BAR_2) || shift != 47) {
        ada_refuse(s, "bar-pde", "BAR type %u, level shift %" PRIu64, type, shift);
        return NV(ERR_INVALID_ARGUMENT);
    }
    root = type == r570_NV_RPC_UPDATE_PDE_BAR_1 ? s->bar1_pdb : s->bar2_pdb;
    ada_vram_write64(s, root, value);
    ada_tlb_invalidate(s, 0, &(AdaTlbScope) { .root = root });
    return NV(OK);
}

/* RPC 1: sets the version that the following calls are coded in */
static uint32_t rpc_guest_system_info(AdaState *s, uint8_t *p, uint32_t len)
{
    stl_le_p(p + r570_rpc_set_guest_system_info_v03_00__vgxVersionMajorNum, r570_VGX_MAJOR_VERSION_NUMBER);
    stl_le_p(p + r570_rpc_set_guest_system_info_v03_00__vgxVersionMinorNum, r570_VGX_MINOR_VERSION_NUMBER);
    return NV(OK);
}

typedef struct AdaRpc {
    uint32_t function;
    uint32_t min535, min570;    /* shortest payload of a request */
    bool grow;                  /* the reply is that long, however short the request was */
    bool early;                 /* before INIT_DONE, and only then */
    bool silent;                /* no reply */
    uint32_t (*run)(AdaState *s, uint8_t *p, uint32_t len);
} AdaRpc;

static const AdaRpc rpcs[] = {
    { RPC_FN(GSP_SET_SYSTEM_INFO), PARAMS(GspSystemInfo), .early = true, .silent = true,
      .run = ada_gsp_set_system_info },
    { RPC_FN(SET_REGISTRY), PARAMS(PACKED_REGISTRY_TABLE), .early = true, .silent = true, .run = ada_gsp_set_registry },
    { RPC_FN(SET_GUEST_SYSTEM_INFO), PARAMS(rpc_set_guest_system_info_v03_00), .run = rpc_guest_system_info },
    { RPC_FN(GET_GSP_STATIC_INFO), PARAMS(GspStaticConfigInfo), .grow = true, .run = rpc_static_info },
    { RPC_FN(UPDATE_BAR_PDE), PARAMS(rpc_update_bar_pde_v15_00), .run = rpc_update_bar_pde },
    { RPC_FN(GSP_RM_ALLOC), PARAMS(rpc_gsp_rm_alloc_v03_00), .run = rpc_alloc },
    { RPC_FN(GSP_RM_CONTROL), PARAMS(rpc_gsp_rm_control_v03_00), .run = rpc_control },
    { RPC_FN(FREE), PARAMS(rpc_free_v03_00), .run = rpc_free },
    { RPC_FN(UNLOADING_GUEST_DRIVER), PARAMS(rpc_unloading_guest_driver_v1F_07), .run = ada_gsp_unloading },
};

static const AdaRpc *find_rpc(uint32_t function)
{
    for (size_t i = 0; i < ARRAY_SIZE(rpcs); i++) {
        if (rpcs[i].function == function) {
            return &rpcs[i];
        }
    }
    return NULL;
}

bool ada_rpc_silent(uint32_t function)
{
    const AdaRpc *r = find_rpc(function);

    return r && r->silent;
}

uint64_t ada_rpc_full_length(const uint8_t *rpc, uint32_t len)
{
    const uint8_t *p = rpc + RPC_HDR;

    switch (ldl_le_p(rpc + RPC_OFF(function))) {
    case RPC_FN(GSP_RM_CONTROL):
        return len < RPC_HDR + r570_rpc_gsp_rm_control_v03_00__SIZE ? len :
               RPC_HDR + r570_rpc_gsp_rm_control_v03_00__SIZE +
               (uint64_t)ldl_le_p(p + r570_rpc_gsp_rm_control_v03_00__paramsSize);
    case RPC_FN(GSP_RM_ALLOC):
        return len < RPC_HDR + r570_rpc_gsp_rm_alloc_v03_00__SIZE ? len :
               RPC_HDR + r570_rpc_gsp_rm_alloc_v03_00__SIZE +
               (uint64_t)ldl_le_p(p + r570_rpc_gsp_rm_alloc_v03_00__paramsSize);
    case RPC_FN(SET_REGISTRY):
        return len < RPC_HDR + r570_PACKED_REGISTRY_TABLE__SIZE ? len :
               RPC_HDR + (uint64_t)ldl_le_p(p + r570_PACKED_REGISTRY_TABLE__size);
    default:
        return len;
    }
}

uint32_t ada_rpc_control(const GByteArray *msg)
{
    return ldl_le_p(msg->data + RPC_OFF(function)) == RPC_FN(GSP_RM_CONTROL) &&
           msg->len >= RPC_HDR + r570_rpc_gsp_rm_control_v03_00__SIZE ?
           ldl_le_p(msg->data + RPC_HDR + r570_rpc_gsp_rm_control_v03_00__cmd) : 0;
}

/* the NV_STATUS of a refusal by fault injection goes where a real one would be */
static uint32_t refused(GByteArray *msg, uint32_t function, uint32_t status)
{
    if (function == RPC_FN(GSP_RM_CONTROL) && msg->len >= RPC_HDR + r570_rpc_gsp_rm_control_v03_00__SIZE) {
        stl_le_p(msg->data + RPC_HDR + r570_rpc_gsp_rm_control_v03_00__status, status);
        return NV(OK);
    }
    if (function == RPC_FN(GSP_RM_ALLOC) && msg->len >= RPC_HDR + r570_rpc_gsp_rm_alloc_v03_00__SIZE) {
        stl_le_p(msg->data + RPC_HDR + r570_rpc_gsp_rm_alloc_v03_00__status, status);
        return NV(OK);
    }
    return status;
}

/* assumption RPC-GFID: a command is on behalf of the host (0) or of a GFID that has a vGPU */
static uint32_t run_rpc(AdaState *s, const AdaRpc *r, uint32_t function, GByteArray *msg)
{
    uint32_t min, len = msg->len - RPC_HDR, gfid = ldl_le_p(msg->data + RPC_OFF(u__cpuRmGfid));

    if (!r) {
        ada_refuse(s, "rpc-function", "%u is not modelled", function);
        return NV(ERR_NOT_SUPPORTED);
    }
    if (gfid && !ada_vgpu_live(s, gfid)) {
        ada_refuse(s, "rpc-gfid", "function %u on behalf of GFID %u, which has no vGPU", function, gfid);
        return NV(ERR_INVALID_STATE);
    }
    if (!r->early && !s->gsp->init_done) {
        ada_refuse(s, "rpc-early", "function %u before GSP_INIT_DONE", function);
        return NV(ERR_INVALID_STATE);
    }
    if (r->early && s->gsp->init_done) {
        ada_refuse(s, "rpc-late", "function %u after GSP_INIT_DONE", function);
        return NV(ERR_INVALID_STATE);
    }
    min = s->gsp->fw == ADA_FW_570 ? r->min570 : r->min535;
    if (len < min) {
        if (!r->grow) {
            ada_refuse(s, "rpc-length", "payload of %u bytes for function %u, want %u", len, function, min);
            return NV(ERR_INVALID_PARAM_STRUCT);
        }
        g_byte_array_set_size(msg, RPC_HDR + min);
        len = min;
    }
    return r->run(s, msg->data + RPC_HDR, len);
}

bool ada_rpc_execute(AdaState *s, GByteArray *msg)
{
    uint32_t function = ldl_le_p(msg->data + RPC_OFF(function)), control = ada_rpc_control(msg), arg[2], result;
    const AdaRpc *r = find_rpc(function);
    AdaFaultKind fault;

    if (ldl_le_p(msg->data + RPC_OFF(signature)) != r570_NV_VGPU_MSG_SIGNATURE_VALID ||
        ldl_le_p(msg->data + RPC_OFF(header_version)) != r570_NV_VGPU_MSG_HEADER_VERSION_MAJOR_TOT << 24) {
        ada_refuse(s, "rpc-header", "function %u, signature 0x%08x, version 0x%08x", function,
                   ldl_le_p(msg->data + RPC_OFF(signature)), ldl_le_p(msg->data + RPC_OFF(header_version)));
        return false;
    }
    fault = ada_fault_message(s, true, function, control, arg);
    switch (fault) {
    case ADA_FAULT_CRASH:
        ada_gsp_die(s);
        return false;
    case ADA_FAULT_HANG:
        s->gsp->state = ADA_GSP_DEAD;
        return false;
    case ADA_FAULT_LOSE:
        return false;
    default:
        break;
    }
    ada_count_rpc(s, function, control);
    result = fault == ADA_FAULT_REFUSE ? refused(msg, function, arg[0]) : run_rpc(s, r, function, msg);
    stl_le_p(msg->data + RPC_OFF(rpc_result), result);
    stl_le_p(msg->data + RPC_OFF(rpc_result_private), result);
    return !r || !r->silent;
}

/* ---- start and end ----------------------------------------------------------------------------------------------- */

bool ada_fb_usable(AdaState *s, uint64_t addr, uint64_t len)
{
    for (unsigned int i = 0; i < s->gsp->regions; i++) {
        const AdaFbRegion *r = &s->gsp->region[i];

        if (!r->reserved && addr >= r->base && addr - r->base < r->size && len <= r->size - (addr - r->base)) {
            return true;
        }
    }
    return false;
}

/* the next region reaches to @end */
static AdaFbRegion *add_region(AdaGsp *g, uint64_t end, bool reserved, bool graphics)
{
    AdaFbRegion *last = g->regions ? &g->region[g->regions - 1] : NULL, *r = &g->region[g->regions++];
    uint64_t base = last ? last->base + last->size : 0;

    *r = (AdaFbRegion) { .base = base, .size = end - base, .reserved = reserved, .graphics = graphics };
    return r;
}

/*
 * The page directories have their places in it. From here on BAR1 shows what they say, nothing at first: on GA106 with
 * 570.144 GSP-RM's start was seen to take BAR1 away from a driver that used it as a window
 */
static void divide_framebuffer(AdaState *s)
{
    AdaGsp *g = s->gsp;
    uint64_t heap = s->wpr.nonwpr_heap, bar2 = heap - KEPT_BAR2, bar1 = bar2 - KEPT_BAR1;
    uint64_t instances = (s->fb_regions == ADA_FB_PLAIN ? heap - KEPT_PLAIN : bar2) + KEPT_INSTANCES;

    g->regions = 0;
    if (s->fb_regions == ADA_FB_PLAIN) {
        add_region(g, heap - KEPT_PLAIN, false, true);
        s->bar1_pdb = heap - KEPT_PLAIN;
        s->bar2_pdb = s->bar1_pdb + ADA_PAGE;
    } else {
        add_region(g, KEPT_BOTTOM, true, false);
        if (s->fb_regions == ADA_FB_SPLIT) {
            /* a third, a hole, and the rest */
            add_region(g, ROUND_DOWN(bar1 / 3, MiB), false, true);
            add_region(g, ROUND_DOWN(bar1 / 3, MiB) + 1 * MiB, true, false);
        }
        add_region(g, bar1, false, true);
        s->bar1_pdb = add_region(g, bar2, true, true)->base + KEPT_BAR1_PDB;
        s->bar2_pdb = add_region(g, heap, true, false)->base + KEPT_BAR2_PDB;
    }
    add_region(g, s->fb_size, true, false);
    ada_vram_zero(s, s->bar1_pdb, ADA_PAGE);
    ada_vram_zero(s, s->bar2_pdb, ADA_PAGE);
    s->func.bar1_block = ada_aperture_bind(s, instances, s->bar1_pdb);
    s->func.bar2_block = ada_aperture_bind(s, instances + ADA_PAGE, s->bar2_pdb);
}

bool ada_rm_start(AdaState *s)
{
    AdaGsp *g = s->gsp;
    AdaHandles h = ada_rm_handles(s);

    if (s->wpr.nonwpr_heap <= 2 * (KEPT_BOTTOM + KEPT_BAR1 + KEPT_BAR2)) {
        ada_refuse(s, "fb-small", "nothing left below 0x%" PRIx64, s->wpr.nonwpr_heap);
        return false;
    }
    divide_framebuffer(s);
    ada_object_add(g->objects, h.client, 0, h.client, r570_NV01_ROOT);
    ada_object_add(g->objects, h.client, h.client, h.device, r570_NV01_DEVICE_0);
    ada_object_add(g->objects, h.client, h.device, h.subdevice, r570_NV20_SUBDEVICE_0);
    return true;
}

void ada_rm_init(AdaState *s)
{
    s->gsp->objects = ada_objects_new();
}

void ada_rm_exit(AdaState *s)
{
    g_clear_pointer(&s->gsp->objects, g_hash_table_unref);
}
