/*
 * NVIDIA Ada GPU: vGPUs, as GSP-RM's vGPU manager and its plugin tasks run them
 *
 * A vGPU is a GFID with framebuffer segments, channel ids and a heap for its plugin task, all placed by the host. The
 * task talks to the host through the first pages of that heap and to the guest's driver as ada-guest.c tells.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/pci/pci.h"
#include "ada-gsp.h"

/* assumption ENGINES: the engines that have channels, by NV2080_ENGINE_TYPE */
#define ENGINES         0x0008784438383e02ull

/* how long the plugin task takes to see its doorbell */
#define MESSAGE_NS      (50 * SCALE_US)

#define BOOTLOAD(m)     ADA_OFF(fw, NV2080_CTRL_VGPU_MGR_INTERNAL_BOOTLOAD_GSP_VGPU_PLUGIN_TASK_PARAMS, m)
#define ADD_TYPE(m)     ADA_OFF(fw, NV2080_CTRL_VGPU_MGR_INTERNAL_PGPU_ADD_VGPU_TYPE_PARAMS, m)

const char *ada_vgpu_state_name(AdaVgpuState state)
{
    static const char *const names[] = {
        [ADA_VGPU_FREE] = "free", [ADA_VGPU_BOOTING] = "booting", [ADA_VGPU_READY] = "ready",
        [ADA_VGPU_NEGOTIATED] = "negotiated", [ADA_VGPU_RUNNING] = "running", [ADA_VGPU_CRASHED] = "crashed",
        [ADA_VGPU_SHUTDOWN] = "shutdown",
    };

    return names[state];
}

static AdaVgpu *find_vgpu(AdaState *s, uint32_t gfid)
{
    return gfid && gfid <= ADA_MAX_GFID ? &s->gsp->vgpu[gfid] : NULL;
}

bool ada_vgpu_live(AdaState *s, uint32_t gfid)
{
    AdaVgpu *v = find_vgpu(s, gfid);

    return v && v->state != ADA_VGPU_FREE;
}

static bool sriov_off(AdaState *s)
{
    if (s->gsp->sriov_mode) {
        return false;
    }
    ada_refuse(s, "sriov-off", "vGPU call without RMSetSriovMode = 1");
    return true;
}

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
    return a_len && b_len && a < b + b_len && b < a + a_len;
}

/* ---- what BOOTLOAD is judged by ---------------------------------------------------------------------------------- */

/* who has framebuffer that @addr, @len touches; @addr + @len does not overflow */
static const char *fb_owner(AdaState *s, uint64_t addr, uint64_t len)
{
    static char who[32];

    if (!ada_fb_usable(s, addr, len)) {
        return "GSP-RM";
    }
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        AdaVgpu *v = &s->gsp->vgpu[gfid];
        bool hit = false;

        if (v->state == ADA_VGPU_FREE) {
            continue;
        }
        for (unsigned int i = 0; i < v->segs; i++) {
            hit |= overlap(addr, len, v->seg[i].spa, v->seg[i].len);
        }
        if (hit || overlap(addr, len, v->heap, v->heap_len) || overlap(addr, len, v->mig_heap, v->mig_heap_len)) {
            snprintf(who, sizeof(who), "GFID %u", gfid);
            return who;
        }
    }
    return NULL;
}

/* assumption VMMU-GPA: guest physical addresses go through the list in order */
static uint32_t take_segments(AdaState *s, AdaVgpu *v, const uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;
    uint64_t align = s->vmmu_segment, gpa = 0;
    uint32_t count = ldl_le_p(p + BOOTLOAD(numGuestFbSegments));
    const char *who;

    if (!count || count > BOOTLOAD(guestFbPhysAddrList_NUM)) {
        ada_refuse(s, "fb-count", "%u segments", count);
        return NV(ERR_INVALID_ARGUMENT);
    }
    v->seg = g_new0(AdaSegment, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t addr = ldq_le_p(p + BOOTLOAD(guestFbPhysAddrList) + 8 * i);
        uint64_t len = ldq_le_p(p + BOOTLOAD(guestFbLengthList) + 8 * i);

        if (!len || addr % align || len % align) {
            ada_refuse(s, "fb-unaligned", "segment %u: 0x%" PRIx64 " + 0x%" PRIx64 ", VMMU segment 0x%" PRIx64, i,
                       addr, len, align);
            return NV(ERR_INVALID_ADDRESS);
        }
        if (addr >= s->fb_size || len > s->fb_size - addr) {
            ada_refuse(s, "fb-bounds", "segment %u: 0x%" PRIx64 " + 0x%" PRIx64, i, addr, len);
            return NV(ERR_INVALID_ADDRESS);
        }
        who = fb_owner(s, addr, len);
        for (uint32_t j = 0; j < i && !who; j++) {
            who = overlap(addr, len, v->seg[j].spa, v->seg[j].len) ? "itself" : NULL;
        }
        if (who) {
            ada_refuse(s, "fb-overlap", "segment %u: 0x%" PRIx64 " + 0x%" PRIx64 " with %s", i, addr, len, who);
            return NV(ERR_INVALID_ADDRESS);
        }
        v->seg[i] = (AdaSegment) { .gpa = gpa, .spa = addr, .len = len };
        v->segs = i + 1;
        gpa += len;
    }
    return NV(OK);
}

static uint32_t check_heap(AdaState *s, AdaVgpu *v, const char *what, uint64_t addr, uint64_t len)
{
    const char *who;

    if (addr % ADA_PAGE || len % ADA_PAGE || !len || addr >= s->fb_size || len > s->fb_size - addr) {
        ada_refuse(s, "heap-bounds", "%s: 0x%" PRIx64 " + 0x%" PRIx64, what, addr, len);
        return NV(ERR_INVALID_ADDRESS);
    }
    who = fb_owner(s, addr, len);
    for (unsigned int i = 0; i < v->segs && !who; i++) {
        who = overlap(addr, len, v->seg[i].spa, v->seg[i].len) ? "its own framebuffer" : NULL;
    }
    if (!who && overlap(addr, len, v->heap, v->heap_len)) {
        who = "its own heap";
    }
    if (who) {
        ada_refuse(s, "heap-overlap", "%s: 0x%" PRIx64 " + 0x%" PRIx64 " with %s", what, addr, len, who);
        return NV(ERR_INVALID_ADDRESS);
    }
    return NV(OK);
}

/* logs are framebuffer addresses inside of the heap; one without a size is not there */
static bool log_ok(AdaState *s, AdaVgpu *v, const char *what, const uint8_t *p, uint32_t off, uint32_t size_off)
{
    uint64_t addr = ldq_le_p(p + off), len = ldq_le_p(p + size_off);

    if (len && (addr < v->heap || addr - v->heap > v->heap_len || len > v->heap_len - (addr - v->heap))) {
        ada_refuse(s, "log-bounds", "%s: 0x%" PRIx64 " + 0x%" PRIx64 ", heap 0x%" PRIx64 " + 0x%" PRIx64, what, addr,
                   len, v->heap, v->heap_len);
        return false;
    }
    return true;
}

static uint32_t take_heap(AdaState *s, AdaVgpu *v, const uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;
    uint64_t heap = ldq_le_p(p + BOOTLOAD(pluginHeapMemoryPhysAddr));
    uint64_t len = ldq_le_p(p + BOOTLOAD(pluginHeapMemoryLength)), comm = ADA_CONST(fw, rfc_heap_comm_area_end);
    uint32_t status = check_heap(s, v, "plugin heap", heap, len);

    if (status != NV(OK)) {
        return status;
    }
    v->heap = heap;
    v->heap_len = len;
    v->ctrl = ldq_le_p(p + BOOTLOAD(ctrlBuffOffset));
    if (len < comm || v->ctrl > len - comm || v->ctrl % ADA_PAGE) {
        ada_refuse(s, "ctrl-bounds", "control region at 0x%" PRIx64 " of 0x%" PRIx64, v->ctrl, len);
        return NV(ERR_INVALID_OFFSET);
    }
    if (!log_ok(s, v, "init task", p, BOOTLOAD(initTaskLogBuffOffset), BOOTLOAD(initTaskLogBuffSize)) ||
        !log_ok(s, v, "vGPU task", p, BOOTLOAD(vgpuTaskLogBuffOffset), BOOTLOAD(vgpuTaskLogBuffSize))) {
        return NV(ERR_INVALID_OFFSET);
    }
    if (fw != ADA_FW_570) {
        return NV(OK);
    }
#define BOOTLOAD570(m)  r570_NV2080_CTRL_VGPU_MGR_INTERNAL_BOOTLOAD_GSP_VGPU_PLUGIN_TASK_PARAMS__##m
    if (!log_ok(s, v, "kernel", p, BOOTLOAD570(kernelLogBuffOffset), BOOTLOAD570(kernelLogBuffSize))) {
        return NV(ERR_INVALID_OFFSET);
    }
    heap = ldq_le_p(p + BOOTLOAD570(migRmHeapMemoryPhysAddr));
    len = ldq_le_p(p + BOOTLOAD570(migRmHeapMemoryLength));
#undef BOOTLOAD570
    if (len) {
        status = check_heap(s, v, "migration heap", heap, len);
        if (status == NV(OK)) {
            v->mig_heap = heap;
            v->mig_heap_len = len;
        }
    }
    return status;
}

/*
 * Channel ids of one engine belong to one vGPU. How many they are may be told by BOOTLOAD or, as NVIDIA's host does,
 * only by the plugin's configuration: until then the first one counts.
 */
static uint32_t check_channels(AdaState *s, AdaVgpu *v, uint32_t channels)
{
    uint32_t n = MAX(channels, 1);

    for (unsigned int e = 0; e < ARRAY_SIZE(v->chid); e++) {
        if (e >= 64 || !(ENGINES >> e & 1)) {
            if (v->chid[e]) {
                ada_refuse(s, "chid-engine", "channel id %u for engine type %u, which has none", v->chid[e], e);
                return NV(ERR_INVALID_ARGUMENT);
            }
            continue;
        }
        if (v->chid[e] >= s->chids || n > s->chids - v->chid[e]) {
            ada_refuse(s, "chid-range", "%u + %u of %u, engine type %u", v->chid[e], n, s->chids, e);
            return NV(ERR_INVALID_LIMIT);
        }
        if (ada_chid_used(s, e, v->chid[e], n)) {
            ada_refuse(s, "chid-overlap", "%u + %u with the host's, engine type %u", v->chid[e], n, e);
            return NV(ERR_INVALID_LIMIT);
        }
        for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
            AdaVgpu *o = &s->gsp->vgpu[gfid];

            if (gfid != v->gfid && o->state != ADA_VGPU_FREE &&
                overlap(v->chid[e], n, o->chid[e], MAX(o->channels, 1))) {
                ada_refuse(s, "chid-overlap", "%u + %u with GFID %u, engine type %u", v->chid[e], n, gfid, e);
                return NV(ERR_INVALID_LIMIT);
            }
        }
    }
    return NV(OK);
}

static uint32_t take_channels(AdaState *s, AdaVgpu *v, const uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;

    for (unsigned int e = 0; e < BOOTLOAD(chidOffset_NUM); e++) {
        v->chid[e] = ldl_le_p(p + BOOTLOAD(chidOffset) + 4 * e);
    }
    v->channels = ldl_le_p(p + BOOTLOAD(numChannels));
    return check_channels(s, v, v->channels);
}

/* ---- controls ---------------------------------------------------------------------------------------------------- */

static void release(AdaState *s, AdaVgpu *v)
{
    timer_del(v->timer);
    g_free(v->seg);
    ada_guest_reset(v);
    *v = (AdaVgpu) { .gpu = s, .gfid = v->gfid, .timer = v->timer };
}

uint32_t ada_vgpu_bootload(AdaState *s, AdaObject *obj, uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;
    uint32_t gfid = ldl_le_p(p + BOOTLOAD(gfid)), status;
    AdaVgpu *v = find_vgpu(s, gfid), want;

    if (sriov_off(s)) {
        return NV(ERR_NOT_SUPPORTED);
    }
    if (!v || gfid > s->wpr.vf_partitions) {
        ada_refuse(s, "gfid-range", "GFID %u of %u partitions", gfid, s->wpr.vf_partitions);
        return NV(ERR_INVALID_ARGUMENT);
    }
    if (v->state != ADA_VGPU_FREE) {
        ada_refuse(s, "gfid-in-use", "GFID %u is %s", gfid, ada_vgpu_state_name(v->state));
        return NV(ERR_IN_USE);
    }
    want = (AdaVgpu) {
        .gpu = s, .gfid = gfid, .timer = v->timer, .dbdf = ldl_le_p(p + BOOTLOAD(dbdf)),
        .type = ldl_le_p(p + BOOTLOAD(vgpuType)),
    };
    status = take_segments(s, &want, p);
    if (status == NV(OK)) {
        status = take_heap(s, &want, p);
    }
    if (status == NV(OK)) {
        status = take_channels(s, &want, p);
    }
    if (status != NV(OK)) {
        g_free(want.seg);
        return status;
    }
    *v = want;
    v->state = ADA_VGPU_BOOTING;
    ada_vmmu_set(s, gfid, g_memdup2(v->seg, v->segs * sizeof(*v->seg)), v->segs);
    timer_mod(v->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + (int64_t)s->plugin_delay_ms * SCALE_MS);
    ada_account(s);
    return NV(OK);
}

static AdaVgpu *live_vgpu(AdaState *s, const uint8_t *p)
{
    uint32_t gfid = ldl_le_p(p);
    AdaVgpu *v = find_vgpu(s, gfid);

    if (!v || v->state == ADA_VGPU_FREE) {
        ada_refuse(s, "gfid-unknown", "GFID %u has no vGPU", gfid);
        return NULL;
    }
    return v;
}

uint32_t ada_vgpu_shutdown(AdaState *s, AdaObject *obj, uint8_t *p)
{
    AdaVgpu *v = live_vgpu(s, p);

    if (!v) {
        return NV(ERR_INVALID_ARGUMENT);
    }
    if (v->state == ADA_VGPU_SHUTDOWN) {
        ada_refuse(s, "gfid-shutdown", "GFID %u has no task any more", v->gfid);
        return NV(ERR_INVALID_STATE);
    }
    timer_del(v->timer);
    ada_guest_reset(v);
    v->state = ADA_VGPU_SHUTDOWN;
    ada_vgpu_notify(v, r570_NVA084_NOTIFIERS_EVENT_VGPU_PLUGIN_TASK_UNLOADED);
    return NV(OK);
}

/* also without SHUTDOWN: NVIDIA's host sends it when that failed */
uint32_t ada_vgpu_cleanup(AdaState *s, AdaObject *obj, uint8_t *p)
{
    AdaVgpu *v = live_vgpu(s, p);

    if (!v) {
        return NV(ERR_INVALID_ARGUMENT);
    }
    ada_vmmu_clear(s, v->gfid);
    release(s, v);
    ada_account(s);
    return NV(OK);
}

static void take_type(AdaFwVersion fw, AdaVgpuType *t, const uint8_t *p)
{
    *t = (AdaVgpuType) { .type = ldl_le_p(p + ADD_TYPE(vgpuInfo__vgpuType)),
                         .cuda = ldl_le_p(p + ADD_TYPE(vgpuInfo__cudaEnabled)) != 0 };
    if (p[ADD_TYPE(vgpuInfo__adapterName)]) {
        memcpy(t->name, p + ADD_TYPE(vgpuInfo__adapterName), ADD_TYPE(vgpuInfo__adapterName_SZ));
    } else {
        memcpy(t->name, p + ADD_TYPE(vgpuInfo__vgpuName), ADD_TYPE(vgpuInfo__vgpuName_SZ));
    }
    memcpy(t->class, p + ADD_TYPE(vgpuInfo__vgpuClass), sizeof(t->class) - 1);
}

/* assumption OTHERS, here and for SET_VGPU_MGR_CONFIG */
uint32_t ada_vgpu_add_types(AdaState *s, AdaObject *obj, uint8_t *p)
{
    AdaGsp *g = s->gsp;
    AdaFwVersion fw = g->fw;
    uint32_t count = ldl_le_p(p + ADD_TYPE(vgpuInfoCount)), kept = p[ADD_TYPE(discardVgpuTypes)] ? 0 : g->num_types;

    if (sriov_off(s)) {
        return NV(ERR_NOT_SUPPORTED);
    }
    if (count > ARRAY_SIZE(g->types) - kept) {
        ada_refuse(s, "vgpu-types", "%u more than %u", count, kept);
        return NV(ERR_NOT_SUPPORTED);
    }
    g->num_types = kept;
    for (uint32_t i = 0; i < count; i++) {
        take_type(fw, &g->types[g->num_types++], p + i * ADD_TYPE(vgpuInfo_STRIDE));
    }
    return NV(OK);
}

uint32_t ada_vgpu_mgr_config(AdaState *s, AdaObject *obj, uint8_t *p)
{
    return sriov_off(s) ? NV(ERR_NOT_SUPPORTED) : NV(OK);
}

uint32_t ada_vgpu_heterogeneous(AdaState *s, AdaObject *obj, uint8_t *p)
{
    if (sriov_off(s)) {
        return NV(ERR_NOT_SUPPORTED);
    }
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        if (s->gsp->vgpu[gfid].state != ADA_VGPU_FREE) {
            ada_refuse(s, "heterogeneous-busy", "GFID %u has a vGPU", gfid);
            return NV(ERR_IN_USE);
        }
    }
    return NV(OK);      /* it concerns placement, which the host does */
}

uint32_t ada_vgpu_clear_vm_info(AdaState *s, AdaObject *obj, uint8_t *p)
{
    return find_vgpu(s, ldl_le_p(p)) ? NV(OK) : NV(ERR_INVALID_ARGUMENT);
}

uint32_t ada_vgpu_spa_for_gpa(AdaState *s, AdaObject *obj, uint8_t *p)
{
#define SPA(m)  r570_NV2080_CTRL_INTERNAL_VMMU_GET_SPA_FOR_GPA_ENTRIES_PARAMS__##m
    uint32_t gfid = ldl_le_p(p + SPA(gfid)), count = ldl_le_p(p + SPA(numEntries));
    AdaVgpu *v = find_vgpu(s, gfid);

    if (!v || count > SPA(gpaEntries_NUM)) {
        ada_refuse(s, "gfid-range", "%u addresses of GFID %u", count, gfid);
        return NV(ERR_INVALID_ARGUMENT);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t gpa = ldq_le_p(p + SPA(gpaEntries) + 8 * i), spa = UINT64_MAX;

        for (unsigned int j = 0; j < v->segs; j++) {
            if (gpa >= v->seg[j].gpa && gpa - v->seg[j].gpa < v->seg[j].len) {
                spa = v->seg[j].spa + (gpa - v->seg[j].gpa);
            }
        }
        if (spa == UINT64_MAX) {
            ada_refuse(s, "gpa-range", "0x%" PRIx64 " of GFID %u", gpa, gfid);
            return NV(ERR_INVALID_ADDRESS);
        }
        stq_le_p(p + SPA(spaEntries) + 8 * i, spa);
    }
    return NV(OK);
#undef SPA
}

/* ---- the plugin task's end of its channel to the host ------------------------------------------------------------ */

#define CTRL(m)         r570_rfc_ctrl_region__##m
#define RESPONSE(m)     ADA_OFF(fw, rfc_response_region, m)
#define CONFIG(m)       ADA_OFF(fw, rfc_config_params, m)

QEMU_BUILD_BUG_ON(r535_rfc_ctrl_region__SIZE != r570_rfc_ctrl_region__SIZE);

static void put32(AdaVgpu *v, uint64_t off, uint32_t val)
{
    uint32_t le = cpu_to_le32(val);

    ada_vram_write(v->gpu, v->heap + off, &le, sizeof(le));
}

static const AdaVgpuType *find_type(AdaGsp *g, uint32_t type)
{
    for (unsigned int i = 0; i < g->num_types; i++) {
        if (g->types[i].type == type) {
            return &g->types[i];
        }
    }
    return NULL;
}

const AdaVgpuType *ada_vgpu_type(AdaVgpu *v)
{
    return find_type(v->gpu->gsp, v->type);
}

/*
 * Assumption HOST-RESERVED-FB: what the type with all of a board leaves to the host by its fbReservation, which is the
 * same on all boards. The host has to have added the type that it asks for.
 */
#define HOST_RESERVED   (1536 * MiB)

uint32_t ada_vgpu_host_reserved_fb(AdaState *s, AdaObject *obj, uint8_t *p)
{
#define RESERVED(m) r570_NV2080_CTRL_INTERNAL_MEMMGR_GET_VGPU_CONFIG_HOST_RESERVED_FB_PARAMS__##m
    uint32_t type = ldl_le_p(p + RESERVED(vgpuTypeId));

    if (!find_type(s->gsp, type)) {
        ada_refuse(s, "vgpu-type-unknown", "reserve of the host for type %u", type);
        return NV(ERR_INVALID_ARGUMENT);
    }
    stq_le_p(p + RESERVED(hostReservedFb), HOST_RESERVED);
    return NV(OK);
#undef RESERVED
}

uint64_t ada_vgpu_fb_bytes(AdaVgpu *v)
{
    uint64_t bytes = 0;

    for (unsigned int i = 0; i < v->segs; i++) {
        bytes += v->seg[i].len;
    }
    return bytes;
}

static uint32_t message_config(AdaState *s, AdaVgpu *v, const uint8_t *p)
{
    AdaFwVersion fw = s->gsp->fw;
    uint32_t dbdf = ldl_le_p(p + CONFIG(dbdf)), type = ldl_le_p(p + CONFIG(vgpu_type)), status;
    uint32_t channels = ldl_le_p(p + CONFIG(num_channels)), plugin = ldl_le_p(p + CONFIG(num_plugin_channels));
    AdaFunc *vf = s->vf[v->gfid - 1];

    if (!vf || (dbdf & 0xffff) != pci_get_bdf(vf->pdev)) {
        ada_refuse(s, "config-dbdf", "0x%08x is not VF %u", dbdf, v->gfid - 1);
        return NV(ERR_INVALID_ARGUMENT);
    }
    if (!find_type(s->gsp, type)) {
        ada_refuse(s, "config-type", "%u was not added", type);
        return NV(ERR_INVALID_ARGUMENT);
    }
    if (!channels || (v->channels && v->channels != channels) || plugin > r570_VGPU_MAX_PLUGIN_CHANNELS) {
        ada_refuse(s, "config-channels", "%u, of BOOTLOAD %u, for the plugin %u", channels, v->channels, plugin);
        return NV(ERR_INVALID_ARGUMENT);
    }
    status = check_channels(s, v, channels);
    if (status == NV(OK)) {
        v->channels = channels;
        v->dbdf = dbdf;
        v->type = type;
        v->vm_pid = ldl_le_p(p + CONFIG(vm_pid));
        memcpy(v->uuid, p + CONFIG(vgpu_uuid), sizeof(v->uuid));
        v->state = ADA_VGPU_RUNNING;
        ada_account(s);
    }
    return status;
}

static uint32_t out_of_order(AdaState *s, AdaVgpu *v, uint32_t type)
{
    ada_refuse(s, "plugin-order", "message %u while %s", type, ada_vgpu_state_name(v->state));
    return NV(ERR_INVALID_STATE);
}

/* assumption PLUGIN-READY: these messages, in this order, everything else refused */
static uint32_t run_message(AdaState *s, AdaVgpu *v, uint32_t type, uint8_t *p)
{
    switch (type) {
    case r570_rfc_MSG_VERSION_NEGOTIATION:
        if (v->state == ADA_VGPU_RUNNING) {
            return out_of_order(s, v, type);
        }
        stl_le_p(p + r570_rfc_version_negotiation__version_negotiated, r570_rfc_ctrl_version);
        v->state = ADA_VGPU_NEGOTIATED;
        return NV(OK);
    case r570_rfc_MSG_SETUP_CONFIG_PARAMS_AND_INIT:
        return v->state == ADA_VGPU_NEGOTIATED ? message_config(s, v, p) : out_of_order(s, v, type);
    case r570_rfc_MSG_RESET:
        if (v->state != ADA_VGPU_RUNNING) {
            return out_of_order(s, v, type);
        }
        ada_monitor_driver(v, false);
        ada_guest_reset(v);
        return NV(OK);
    case r570_rfc_MSG_UPDATE_BME_STATE:
        if (v->state != ADA_VGPU_RUNNING) {
            return out_of_order(s, v, type);
        }
        v->bus_master = p[r570_rfc_update_bme_state__enable] && p[r570_rfc_update_bme_state__allowed];
        return NV(OK);
    default:
        ada_refuse(s, "plugin-message", "type %u", type);
        return NV(ERR_NOT_SUPPORTED);
    }
}

static void plugin_message(AdaState *s, AdaVgpu *v)
{
    AdaFwVersion fw = s->gsp->fw;
    uint8_t ctrl[r570_rfc_ctrl_region__SIZE], payload[ADA_PAGE];
    uint64_t response, message;     /* offsets in the heap */
    uint32_t seq, result, arg;
    AdaFaultKind fault;

    ada_vram_read(s, v->heap + v->ctrl, ctrl, sizeof(ctrl));
    seq = ldl_le_p(ctrl + CTRL(message_seq_num));
    if (seq == v->seq) {
        return;     /* rung without news */
    }
    fault = ada_fault_plugin(v, &arg);
    if (fault == ADA_FAULT_CRASH) {
        ada_vgpu_crash(s, v->gfid);
        return;
    }
    if (fault == ADA_FAULT_DELAY) {     /* not taken yet: it is as rung again then */
        timer_mod(v->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + (int64_t)arg * SCALE_MS);
        return;
    }
    response = ldq_le_p(ctrl + CTRL(response_buff_offset));
    message = ldq_le_p(ctrl + CTRL(message_buff_offset));
    if (ldl_le_p(ctrl + CTRL(version)) != r570_rfc_ctrl_version) {
        ada_refuse(s, "plugin-version", "%u", ldl_le_p(ctrl + CTRL(version)));
        return;
    }
    if (response > v->heap_len - ADA_PAGE || message > v->heap_len - ADA_PAGE || response % 4 || message % 4) {
        ada_refuse(s, "plugin-bounds", "response at 0x%" PRIx64 ", message at 0x%" PRIx64, response, message);
        return;
    }
    v->seq = seq;
    if (fault == ADA_FAULT_LOSE) {
        return;
    }
    if (fw == ADA_FW_570) {
        put32(v, response + r570_rfc_response_region__message_seq_num_received, seq);
    }
    ada_vram_read(s, v->heap + message, payload, sizeof(payload));
    result = fault == ADA_FAULT_REFUSE ? arg : run_message(s, v, ldl_le_p(ctrl + CTRL(message_type)), payload);
    if (fault == ADA_FAULT_DROP) {
        return;
    }
    ada_vram_write(s, v->heap + message, payload, sizeof(payload));
    put32(v, response + RESPONSE(result_code), result);
    put32(v, response + RESPONSE(message_seq_num_processed), seq);
}

static void plugin_timer(void *opaque)
{
    AdaVgpu *v = opaque;
    AdaState *s = v->gpu;

    if (!ada_gsp_running(s)) {
        return;
    }
    switch (v->state) {
    case ADA_VGPU_BOOTING:
        v->seq = r570_rfc_GSP_PLUGIN_BOOTLOADED;
        put32(v, v->ctrl + CTRL(message_seq_num), v->seq);
        v->state = ADA_VGPU_READY;
        ada_vgpu_notify(v, r570_NVA084_NOTIFIERS_EVENT_VGPU_PLUGIN_TASK_BOOTLOADED);
        break;
    case ADA_VGPU_READY:
    case ADA_VGPU_NEGOTIATED:
    case ADA_VGPU_RUNNING:
        plugin_message(s, v);
        break;
    default:
        break;
    }
}

static void ring(AdaState *s, uint32_t gfid)
{
    AdaVgpu *v = find_vgpu(s, gfid);

    if (!v || v->state == ADA_VGPU_FREE || v->state == ADA_VGPU_SHUTDOWN || v->state == ADA_VGPU_CRASHED) {
        ada_refuse(s, "doorbell-dead", "GFID %u is %s", gfid, v ? ada_vgpu_state_name(v->state) : "none");
    } else if (v->state != ADA_VGPU_BOOTING && !timer_pending(v->timer)) {
        timer_mod(v->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                  ada_time_ms(s, 0, 1, 50) * SCALE_MS + MESSAGE_NS);
    }
}

void ada_vgpu_doorbell(AdaState *s, uint32_t val)
{
    uint32_t gfid = val / r570_rfc_doorbell_handle_stride, handle = val % r570_rfc_doorbell_handle_stride;

    if (!ada_gsp_running(s) || handle != r570_NV_DOORBELL_NOTIFY_LEAF_VF_CPU_PLUGIN_HANDLE) {
        ada_refuse(s, "doorbell-dead", "0x%08x with GSP-RM %s", val, ada_gsp_running(s) ? "up" : "down");
        return;
    }
    ring(s, gfid);
}

/* ---- start and end ----------------------------------------------------------------------------------------------- */

bool ada_vgpu_crash(AdaState *s, uint32_t gfid)
{
    AdaVgpu *v = find_vgpu(s, gfid);

    if (!v || v->state < ADA_VGPU_BOOTING || v->state > ADA_VGPU_RUNNING) {
        return false;
    }
    timer_del(v->timer);
    ada_guest_reset(v);
    v->state = ADA_VGPU_CRASHED;
    ada_vgpu_notify(v, r570_NVA084_NOTIFIERS_EVENT_VGPU_PLUGIN_TASK_CRASHED);
    return true;
}

/* for a reset: after a crash of GSP-RM alone what it had set up stays in force */
void ada_vgpu_stop_all(AdaState *s)
{
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        ada_vmmu_clear(s, gfid);
        release(s, &s->gsp->vgpu[gfid]);
    }
    s->gsp->num_types = 0;
    ada_account(s);
}

void ada_vgpu_init(AdaState *s)
{
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        AdaVgpu *v = &s->gsp->vgpu[gfid];

        v->gpu = s;
        v->gfid = gfid;
        v->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, plugin_timer, v);
    }
}

void ada_vgpu_exit(AdaState *s)
{
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        ada_guest_reset(&s->gsp->vgpu[gfid]);
        timer_free(s->gsp->vgpu[gfid].timer);
    }
}
