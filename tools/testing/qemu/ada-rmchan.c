/*
 * NVIDIA Ada GPU: GSP-RM's part in channels
 *
 * One engine is reported. Assumption ENGINES: it is LCE 2, the first of AD102's that OpenRM does not give to graphics.
 * Numbers of its runlist and vectors are free choices, drivers take them from tables; its runlist's own registers are
 * GSP-RM's business and not modelled.
 *
 * A channel's id is told by the place of its USERD: a page has eight. What GSP-RM writes into the instance block stays
 * inside the model.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "ada-chan.h"

#define USERD_SIZE          512
#define USERD_TOLD          32      /* as little was told of it, at a multiple of 256, and it worked */
#define USERD_ALIGN         256
#define RAMFC_SIZE          512
#define INSTANCE_ALIGN      4096
#define CHIDS_PER_PAGE      8

/* NV_ADDRESS_SPACE as RM counts them */
enum { ADDR_SYSMEM = 1, ADDR_FBMEM = 2 };

/* order of engineData[]: ENGINE_INFO_TYPE_* */
enum {
    INFO_ENG_DESC, INFO_FIFO_TAG, INFO_RM_ENGINE_TYPE, INFO_RUNLIST, INFO_MMU_FAULT_ID, INFO_RC_MASK, INFO_RESET,
    INFO_INTR, INFO_MC, INFO_DEV_TYPE, INFO_INSTANCE, INFO_RUNLIST_PRI_BASE, INFO_HOST_DRIVEN, INFO_RUNLIST_ENGINE_ID,
    INFO_CHRAM_PRI_BASE,
};
#define ENG_DESC_CE(i)      (0x793cebu << 8 | (i))  /* RM's class OBJCE, instance */
#define ENG_DESC_GR         (0xd334dfu << 8)        /* RM's class Graphics */
#define ENG_DESC_SW         (0x95a6f5u << 8)        /* RM's class OBJSWENG */
#define DEV_TYPE_GRAPHICS   0                       /* in the chip's own table of devices */
#define DEV_TYPE_LCE        19
#define MMU_ENG_ID_GRAPHICS 64

/* of an RTX 4070: copy engines 0 and 1 share runlist 0 with graphics */
static const AdaEngine engines[] = {
    [ADA_NUMBERS_SEEN] = {
        .name = "CE2",
        .type = r570_NV2080_ENGINE_TYPE_COPY2,
        .instance = 2,
        .class = r570_AMPERE_DMA_COPY_B,
        .runlist = 1,
        .mmu_fault_id = r570_NV_PFAULT_MMU_ENG_ID_CE2,
        .nonstall_vector = 7,
        .xid = r570_ROBUST_CHANNEL_CE2_ERROR,
    },
    [ADA_NUMBERS_OTHER] = {
        .name = "CE3",
        .type = r570_NV2080_ENGINE_TYPE_COPY3,
        .instance = 3,
        .class = r570_AMPERE_DMA_COPY_B,
        .runlist = 2,
        .mmu_fault_id = r570_NV_PFAULT_MMU_ENG_ID_CE3,
        .nonstall_vector = 8,
        .xid = r570_ROBUST_CHANNEL_CE3_ERROR,
    },
};

const AdaEngine *ada_engine(AdaState *s)
{
    return &engines[s->numbers];
}

/*
 * Assumption GUEST-ENGINES: a guest has graphics beside the host's copy engine, and one of the two copy engines that
 * share graphics' runlist. The numbers are of an RTX 4070, too. Drivers do not start without graphics, and leave those
 * copy engines to it.
 */
static const AdaEngine guest_engines[] = {
    {
        .name = "GR0",
        .type = r570_NV2080_ENGINE_TYPE_GR0,
        .runlist = 0,
        .mmu_fault_id = MMU_ENG_ID_GRAPHICS,
        .nonstall_vector = 0,
        .xid = r570_ROBUST_CHANNEL_GR_EXCEPTION,
        .swallows = true,
    }, {
        .name = "CE0",
        .type = r570_NV2080_ENGINE_TYPE_COPY0,
        .instance = 0,
        .class = r570_AMPERE_DMA_COPY_B,
        .runlist = 0,
        .mmu_fault_id = r570_NV_PFAULT_MMU_ENG_ID_CE0,
        .nonstall_vector = 5,
        .xid = r570_ROBUST_CHANNEL_CE0_ERROR,
    },
};

const AdaEngine *ada_guest_engine(AdaState *s, unsigned int i)
{
    return i < ARRAY_SIZE(guest_engines) ? &guest_engines[i] : i == ARRAY_SIZE(guest_engines) ? ada_engine(s) : NULL;
}

uint32_t ada_engine_mc_index(AdaState *s)
{
    return s->numbers == ADA_NUMBERS_OTHER ? ADA_CONST(s->gsp->fw, MC_ENGINE_IDX_CE3) :
                                             ADA_CONST(s->gsp->fw, MC_ENGINE_IDX_CE2);
}

/* ---- what there is ----------------------------------------------------------------------------------------------- */

void ada_engine_entry(const AdaEngine *e, uint32_t mc, uint32_t pbdma, uint8_t *entry)
{
    const uint32_t data[] = {
        [INFO_ENG_DESC] = e->swallows ? ENG_DESC_GR : ENG_DESC_CE(e->instance),
        [INFO_RM_ENGINE_TYPE] = e->type, [INFO_RUNLIST] = e->runlist,
        [INFO_MMU_FAULT_ID] = e->mmu_fault_id, [INFO_RC_MASK] = e->xid,
        [INFO_RESET] = UINT32_MAX, [INFO_INTR] = UINT32_MAX,
        [INFO_MC] = mc, [INFO_DEV_TYPE] = e->swallows ? DEV_TYPE_GRAPHICS : DEV_TYPE_LCE,
        [INFO_INSTANCE] = e->instance, [INFO_HOST_DRIVEN] = 1, [INFO_CHRAM_PRI_BASE] = 0,
    };

    for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
        stl_le_p(entry + r570_NV2080_CTRL_FIFO_DEVICE_ENTRY__engineData + 4 * i, data[i]);
    }
    stl_le_p(entry + r570_NV2080_CTRL_FIFO_DEVICE_ENTRY__pbdmaIds, pbdma);
    stl_le_p(entry + r570_NV2080_CTRL_FIFO_DEVICE_ENTRY__numPbdmas, 1);
    g_strlcpy((char *)entry + r570_NV2080_CTRL_FIFO_DEVICE_ENTRY__engineName, e->name,
              r570_NV2080_CTRL_FIFO_DEVICE_ENTRY__engineName_SZ);
}

void ada_software_entry(uint8_t *entry)
{
    const uint32_t data[] = {
        [INFO_ENG_DESC] = ENG_DESC_SW, [INFO_RM_ENGINE_TYPE] = r570_NV2080_ENGINE_TYPE_SW,
        [INFO_RESET] = UINT32_MAX, [INFO_INTR] = UINT32_MAX, [INFO_CHRAM_PRI_BASE] = 0,
    };

    for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
        stl_le_p(entry + r570_NV2080_CTRL_FIFO_DEVICE_ENTRY__engineData + 4 * i, data[i]);
    }
    g_strlcpy((char *)entry + r570_NV2080_CTRL_FIFO_DEVICE_ENTRY__engineName, "SW",
              r570_NV2080_CTRL_FIFO_DEVICE_ENTRY__engineName_SZ);
}

uint32_t ada_rm_device_info(AdaState *s, AdaObject *obj, uint8_t *p)
{
    uint8_t *entry = p + r570_NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS__entries;
    bool first = !ldl_le_p(p + r570_NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS__baseIndex);

    stl_le_p(p + r570_NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS__numEntries, first);
    p[r570_NV2080_CTRL_FIFO_GET_DEVICE_INFO_TABLE_PARAMS__bMore] = 0;
    if (first) {
        memset(entry, 0, r570_NV2080_CTRL_FIFO_DEVICE_ENTRY__SIZE);
        ada_engine_entry(ada_engine(s), ada_engine_mc_index(s), 0, entry);
    }
    return NV(OK);
}

uint32_t ada_rm_fault_method_buffer(AdaState *s, AdaObject *obj, uint8_t *p)
{
    stl_le_p(p, ADA_METHOD_BUFFER);
    return NV(OK);
}

/* ---- channel objects --------------------------------------------------------------------------------------------- */

#define ALLOC(m)        ADA_OFF(s->gsp->fw, NV_CHANNEL_ALLOC_PARAMS, m)
#define FLAG(flags, f)  ADA_FIELD(flags, NVOS04_FLAGS_##f)

typedef struct Memory { uint64_t base, size; uint32_t space; } Memory;

/* @size bytes are used of it, at least @told have to be told */
static bool memory_ok(AdaState *s, const Memory *m, uint64_t size, uint64_t told, uint64_t align, const char *what)
{
    bool fits = m->space == ADDR_SYSMEM ? m->base != 0 :
                m->space == ADDR_FBMEM && ada_fb_usable(s, m->base, size);

    if (!fits || m->size < told || m->base % align) {
        ada_refuse(s, "chan-memory", "%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 ", address space %u", what, m->size,
                   m->base, m->space);
        return false;
    }
    return true;
}

#define MEMORY(m)       { ldq_le_p(p + ALLOC(m##__base)), ldq_le_p(p + ALLOC(m##__size)), \
                          ldl_le_p(p + ALLOC(m##__addressSpace)) }

static bool memories_ok(AdaState *s, const uint8_t *p, Memory *userd)
{
    Memory instance = MEMORY(instanceMem), ramfc = MEMORY(ramfcMem), methods = MEMORY(mthdbufMem);

    *userd = (Memory) MEMORY(userdMem);
    return memory_ok(s, &instance, INSTANCE_ALIGN, INSTANCE_ALIGN, INSTANCE_ALIGN, "instance block") &&
           memory_ok(s, &ramfc, RAMFC_SIZE, RAMFC_SIZE, RAMFC_SIZE, "RAMFC") &&
           memory_ok(s, userd, USERD_SIZE, USERD_TOLD, USERD_ALIGN, "USERD") &&
           memory_ok(s, &methods, ADA_METHOD_BUFFER, ADA_METHOD_BUFFER, 1, "method buffer");
}

bool ada_chid_used(AdaState *s, uint32_t type, uint32_t first, uint32_t count)
{
    for (guint i = 0; i < s->fifo->channels->len; i++) {
        const AdaChannel *c = g_ptr_array_index(s->fifo->channels, i);

        if (!c->gfid && c->engine->type == type && c->chid >= first && c->chid - first < count) {
            return true;
        }
    }
    return false;
}

static bool chid_free(AdaState *s, uint32_t type, uint32_t chid)
{
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        const AdaVgpu *v = &s->gsp->vgpu[gfid];

        if (v->state != ADA_VGPU_FREE && chid >= v->chid[type] && chid - v->chid[type] < MAX(v->channels, 1)) {
            return false;
        }
    }
    return !ada_chid_used(s, type, chid, 1);
}

static bool take_chid(AdaState *s, uint32_t flags, uint32_t type, uint32_t *chid)
{
    if (FLAG(flags, CHANNEL_USERD_INDEX_PAGE_FIXED)) {
        *chid = FLAG(flags, CHANNEL_USERD_INDEX_PAGE_VALUE) * CHIDS_PER_PAGE + FLAG(flags, CHANNEL_USERD_INDEX_VALUE);
        if (*chid < s->chids && chid_free(s, type, *chid)) {
            return true;
        }
        ada_refuse(s, "chan-id", "%u is in use, or not below %u", *chid, s->chids);
        return false;
    }
    for (*chid = 0; *chid < s->chids; (*chid)++) {
        if (chid_free(s, type, *chid)) {
            return true;
        }
    }
    ada_refuse(s, "chan-id", "none is left");
    return false;
}

uint32_t ada_rm_channel(AdaState *s, AdaObject *obj, uint8_t *p)
{
    const AdaEngine *e = ada_engine(s);
    uint32_t vaspace = ldl_le_p(p + ALLOC(hVASpace)), flags = ldl_le_p(p + ALLOC(flags));
    uint32_t entries = ldl_le_p(p + ALLOC(gpFifoEntries)), type = ldl_le_p(p + ALLOC(engineType)), chid;
    uint64_t gpfifo = ldq_le_p(p + ALLOC(gpFifoOffset));
    AdaObject *v = ada_rm_object(s, obj->client, vaspace);
    Memory userd;
    AdaChannel *c;

    if (type != e->type) {
        ada_refuse(s, "chan-engine", "there is no engine of type %u", type);
        return NV(ERR_INVALID_ARGUMENT);
    }
    if (!v || v->class != r570_FERMI_VASPACE_A || v->parent != obj->parent) {
        ada_refuse(s, "chan-vaspace", "0x%08x is no VA space of the channel's device", vaspace);
        return NV(ERR_INVALID_OBJECT_HANDLE);
    }
    if (!is_power_of_2(entries) || !gpfifo || gpfifo % r570_NVC56F_GP_ENTRY__SIZE) {
        ada_refuse(s, "chan-ring", "%u entries at 0x%" PRIx64, entries, gpfifo);
        return NV(ERR_INVALID_ARGUMENT);
    }
    if (FLAG(flags, CHANNEL_TYPE) != r570_NVOS04_FLAGS_CHANNEL_TYPE_PHYSICAL) {
        ada_refuse(s, "chan-flags", "0x%08x", flags);
        return NV(ERR_INVALID_ARGUMENT);
    }
    if (!memories_ok(s, p, &userd)) {
        return NV(ERR_INVALID_ADDRESS);
    }
    if (!take_chid(s, flags, type, &chid)) {
        return NV(ERR_STATE_IN_USE);
    }
    c = g_new0(AdaChannel, 1);
    c->engine = e;
    c->chid = chid;
    c->client = obj->client;
    c->handle = obj->handle;
    c->vaspace = vaspace;
    c->phys_ce = FLAG(flags, PRIVILEGED_CHANNEL) && !FLAG(flags, CHANNEL_DENY_PHYSICAL_MODE_CE);
    c->userd = userd.base;
    c->userd_sysmem = userd.space == ADDR_SYSMEM;
    c->gpfifo = gpfifo;
    c->entries = entries;
    obj->channel = c;
    ada_chan_add(s, c);
    return NV(OK);
}

uint32_t ada_rm_copy_engine(AdaState *s, AdaObject *obj, uint8_t *p)
{
    const AdaChannel *c = ada_rm_object(s, obj->client, obj->parent)->channel;
    uint32_t type = ldl_le_p(p + r570_NVC0B5_ALLOCATION_PARAMETERS__engineType);

    if (type != c->engine->type || obj->class != c->engine->class) {
        ada_refuse(s, "chan-engine", "class 0x%04x, engine type %u on a channel of type %u", obj->class, type,
                   c->engine->type);
        return NV(ERR_INVALID_ARGUMENT);
    }
    return NV(OK);
}

/* ---- controls ---------------------------------------------------------------------------------------------------- */

uint32_t ada_rm_channel_bind(AdaState *s, AdaObject *obj, uint8_t *p)
{
    uint32_t type = ldl_le_p(p + r570_NVA06F_CTRL_BIND_PARAMS__engineType);

    if (type != obj->channel->engine->type) {
        ada_refuse(s, "chan-engine", "BIND of a channel of engine type %u to %u", obj->channel->engine->type, type);
        return NV(ERR_INVALID_ARGUMENT);
    }
    obj->channel->bound = true;
    return NV(OK);
}

uint32_t ada_rm_channel_schedule(AdaState *s, AdaObject *obj, uint8_t *p)
{
    if (!obj->channel->bound) {
        ada_refuse(s, "chan-schedule", "channel %u is not bound to an engine", obj->channel->chid);
        return NV(ERR_INVALID_STATE);
    }
    ada_chan_enable(obj->channel, p[r570_NVA06F_CTRL_GPFIFO_SCHEDULE_PARAMS__bEnable]);
    return NV(OK);
}
