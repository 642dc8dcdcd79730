/*
 * NVIDIA Ada GPU: the plugin task's end of its channel to the guest's driver
 *
 * The guest puts an address into two mailbox registers of its VF and rings. There lies its control buffer, which names
 * the others: response, message, shared memory and events, in the guest's system memory or framebuffer. All of it is
 * read and written as the VF, through the IOMMU or the VMMU. One request at a time; a response is its request's number.
 *
 * The driver tells its version of the protocol first. One that is not newer than the host's stays as it is, a newer one
 * is answered with the host's, and the driver comes again with that. Layouts are known of two versions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "ada-guest.h"

#define WORD_VALID(w)       ((w) & r570_VGPU_GSP_BUF_ADDR_V1_VALIDITY_VALID)
#define WORD_APERTURE(w)    extract64(w, r570_VGPU_GSP_BUF_ADDR_V1_APERTURE_LO, 2)
#define WORD_SIZE(w)        extract64(w, r570_VGPU_GSP_BUF_ADDR_V2_SIZE_LO, 2)
#define WORD_ADDR(w)        ((w) & ~0xfffull)
#define SYSMEM              r570_VGPU_GSP_BUF_ADDR_V1_APERTURE_SYSMEM
#define FBMEM               r570_VGPU_GSP_BUF_ADDR_V1_APERTURE_FBMEM
#define SIZE_4K             r570_VGPU_GSP_BUF_ADDR_V2_SIZE_4K
#define SIZE_128K           r570_VGPU_GSP_BUF_ADDR_V2_SIZE_128K

#define CTRL(m)             r570_VGPU_GSP_CTRL_BUF_V1__##m
#define CTRL_USED           (CTRL(debugBuf) + CTRL(debugBuf_SZ))
#define RESPONSE(m)         r570_VGPU_GSP_RESPONSE_BUF_V1__##m

/* what OpenRM 570.144 says of its own: guests of vGPU 16 and later */
#define OLDEST_GUEST        (r570_VGX_MAJOR_VERSION_NUMBER_VGPU_16_0 << 16)

#define MESSAGE_MAX         (128 * KiB)     /* of a control, whose length is told apart; all others are a page */

QEMU_BUILD_BUG_ON(r570_VGPU_GSP_BUF_ADDR_V1_APERTURE_HI - r570_VGPU_GSP_BUF_ADDR_V1_APERTURE_LO != 1);
QEMU_BUILD_BUG_ON(r570_VGPU_GSP_BUF_ADDR_V2_SIZE_HI - r570_VGPU_GSP_BUF_ADDR_V2_SIZE_LO != 1);

static bool guest_read(AdaFunc *f, uint64_t word, uint32_t off, void *buf, uint32_t len)
{
    return WORD_APERTURE(word) == FBMEM ? ada_gpa_read(f, WORD_ADDR(word) + off, buf, len)
                                        : ada_dma_read(f, WORD_ADDR(word) + off, buf, len);
}

static bool guest_write(AdaFunc *f, uint64_t word, uint32_t off, const void *buf, uint32_t len)
{
    return WORD_APERTURE(word) == FBMEM ? ada_gpa_write(f, WORD_ADDR(word) + off, buf, len)
                                        : ada_dma_write(f, WORD_ADDR(word) + off, buf, len);
}

static bool guest_write32(AdaFunc *f, uint64_t word, uint32_t off, uint32_t val)
{
    uint32_t le = cpu_to_le32(val);

    return guest_write(f, word, off, &le, sizeof(le));
}

static bool word_ok(AdaFunc *f, const char *what, uint64_t word, uint32_t size)
{
    if (WORD_VALID(word) && WORD_SIZE(word) == size &&
        (WORD_APERTURE(word) == SYSMEM || WORD_APERTURE(word) == FBMEM)) {
        return true;
    }
    ada_refuse(f->gpu, "guest-buffer", "GFID %u: %s 0x%016" PRIx64, f->gfid, what, word);
    return false;
}

void ada_guest_reset(AdaVgpu *v)
{
    ada_gobj_clear(v);
    v->info = (AdaGuestInfo) {};
    v->guest = (AdaGuestRpc) { .count = v->guest.count, .last_function = v->guest.last_function };
}

/* A driver takes its buffers down to put them elsewhere, too: only one that said goodbye is gone after that */
static void forget_buffers(AdaVgpu *v)
{
    uint32_t version = v->guest.version;

    if (v->guest.leaving) {
        ada_guest_reset(v);
        return;
    }
    v->guest = (AdaGuestRpc) {
        .version = version, .count = v->guest.count, .last_function = v->guest.last_function,
    };
}

/* ---- set-up and teardown ----------------------------------------------------------------------------------------- */

/* the last store is the response number: the guest looks at nothing before it */
static void answer(AdaFunc *f, AdaGuestRpc *g, uint32_t request, AdaGuestFault fault)
{
    g->request = request;
    if (fault != ADA_GUEST_DROP) {
        guest_write32(f, g->response, RESPONSE(responseId), fault == ADA_GUEST_CORRUPT ? ~request : request);
    }
}

static bool read_ctrl(AdaFunc *f, uint64_t word, uint8_t *ctrl)
{
    if (!guest_read(f, word, 0, ctrl, CTRL_USED)) {
        ada_refuse(f->gpu, "guest-buffer", "GFID %u: control buffer unreachable", f->gfid);
        return false;
    }
    return true;
}

static void setup(AdaFunc *f, AdaVgpu *v, uint64_t word, AdaGuestFault fault)
{
    uint8_t ctrl[CTRL_USED];
    AdaGuestRpc g = { .ctrl = word, .up = true, .count = v->guest.count, .last_function = v->guest.last_function };
    uint32_t version;

    if (!word_ok(f, "control", word, SIZE_4K) || !read_ctrl(f, word, ctrl)) {
        return;
    }
    version = ldl_le_p(ctrl + CTRL(version));
    if (version != r570_VGPU_GSP_CTRL_BUF_V1_VERSION && version != r570_VGPU_GSP_CTRL_BUF_V2_VERSION) {
        ada_refuse(f->gpu, "guest-version", "GFID %u: control buffer of version %u", f->gfid, version);
        return;
    }
    g.response = ldq_le_p(ctrl + CTRL(responseBuf__addr));
    g.message = ldq_le_p(ctrl + CTRL(msgBuf__addr));
    g.shared = ldq_le_p(ctrl + CTRL(sharedMem__addr));
    g.events = ldq_le_p(ctrl + CTRL(eventBuf__addr));
    if (!word_ok(f, "response", g.response, SIZE_4K) || !word_ok(f, "message", g.message, SIZE_128K) ||
        !word_ok(f, "shared memory", g.shared, SIZE_4K) || !word_ok(f, "events", g.events, SIZE_4K)) {
        return;
    }
    g.version = v->guest.version;
    g.put = ldl_le_p(ctrl + CTRL(getEventBuf)) % r570_VGPU_EVENT_BUF_ENTRY_COUNT;   /* the ring is empty */
    if (!guest_write32(f, g.response, RESPONSE(putEventBuf), g.put) ||
        !guest_write32(f, g.response, RESPONSE(hostEccStatus), f->gpu->ecc) ||
        !guest_write32(f, g.response, RESPONSE(usmType), ada_gstatic_brand(v)) ||
        !guest_write32(f, g.response, RESPONSE(enabledGspCaps), 0)) {
        ada_refuse(f->gpu, "guest-buffer", "GFID %u: response buffer unreachable", f->gfid);
        return;
    }
    v->guest = g;
    ada_monitor_os(v, ldl_le_p(ctrl + CTRL(guestOsType)));
    answer(f, &v->guest, ldl_le_p(ctrl + CTRL(requestId)), fault);
}

/* an invalid address word: acknowledged in the buffers that were set up last, then they are forgotten */
static void teardown(AdaFunc *f, AdaVgpu *v, AdaGuestFault fault)
{
    uint8_t ctrl[CTRL_USED];

    if (!v->guest.up) {
        ada_refuse(f->gpu, "guest-setup", "GFID %u: nothing to tear down", f->gfid);
        return;
    }
    if (read_ctrl(f, v->guest.ctrl, ctrl)) {
        answer(f, &v->guest, ldl_le_p(ctrl + CTRL(requestId)), fault);
    }
    forget_buffers(v);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

bool ada_guest_shared(AdaVgpu *v, uint32_t off, uint32_t val)
{
    AdaFunc *f = v->gpu->vf[v->gfid - 1];

    return f && v->guest.up && guest_write32(f, v->guest.shared, off, val);
}

bool ada_guest_event(AdaVgpu *v, const AdaGuestEvent *e)
{
#define EVENT(m)    r570_VGPU_EVENT_BUF_ENTRY__##m
    uint8_t ctrl[CTRL_USED], entry[r570_VGPU_EVENT_BUF_ENTRY__SIZE] = {};
    AdaFunc *f = v->gpu->vf[v->gfid - 1];
    AdaGuestRpc *g = &v->guest;
    uint32_t next = (g->put + 1) % r570_VGPU_EVENT_BUF_ENTRY_COUNT;
    uint64_t now = ada_ptimer(v->gpu);

    if (!f || !g->up || !read_ctrl(f, g->ctrl, ctrl)) {
        return false;
    }
    if (next == ldl_le_p(ctrl + CTRL(getEventBuf))) {
        ada_refuse(v->gpu, "guest-event-full", "GFID %u: event of type %u is lost", v->gfid, e->type);
        return false;
    }
    stl_le_p(entry + EVENT(hClient), e->client);
    stl_le_p(entry + EVENT(hObject), e->object);
    stl_le_p(entry + EVENT(notifyIndex), e->index);
    stl_le_p(entry + EVENT(flags), e->type << 16 | e->plugin);
    stl_le_p(entry + EVENT(timestampLo), now);
    stl_le_p(entry + EVENT(timestampHi), now >> 32);
    stl_le_p(entry + EVENT(info32), e->info32);
    stl_le_p(entry + EVENT(info16), e->info16);
    stl_le_p(entry + EVENT(rcChid), e->chid);
    if (!guest_write(f, g->events, g->put * sizeof(entry), entry, sizeof(entry)) ||
        !guest_write32(f, g->response, RESPONSE(putEventBuf), next)) {
        ada_refuse(v->gpu, "guest-buffer", "GFID %u: ring of events unreachable", v->gfid);
        return false;
    }
    g->put = next;
    ada_intr_raise(f, ADA_GUEST_EVENT_VECTOR);
    return true;
#undef EVENT
}

void ada_guest_rc(AdaVgpu *v, const AdaChannel *c, uint32_t xid)
{
    AdaGuestEvent e = {
        .client = c->client, .object = c->handle, .plugin = true, .type = ADA_GUEST_EVENT_RC, .info32 = xid,
        .info16 = c->engine->type, .chid = c->chid,
    };

    ada_guest_event(v, &e);
}

/* ---- RPCs -------------------------------------------------------------------------------------------------------- */

#define SYSTEM_INFO(m)  r570_rpc_set_guest_system_info_v03_00__##m

/* The first call of a driver that starts: what one before it has left behind has nobody any more */
static uint32_t system_info(AdaGuestCall *c)
{
    AdaVgpu *v = c->v;
    uint32_t version = ldl_le_p(c->p + SYSTEM_INFO(vgxVersionMajorNum)) << 16 |
                       ldl_le_p(c->p + SYSTEM_INFO(vgxVersionMinorNum));

    ada_gobj_clear(v);
    v->guest.version = 0;
    if (version < OLDEST_GUEST) {
        ada_refuse(v->gpu, "guest-too-old", "GFID %u: version %x.%02x", v->gfid, version >> 16, version & 0xffff);
        return NV(ERR_LIB_RM_VERSION_MISMATCH);
    }
    if (version > ADA_GUEST_29_0C) {
        stl_le_p(c->p + SYSTEM_INFO(vgxVersionMajorNum), ADA_GUEST_29_0C >> 16);
        stl_le_p(c->p + SYSTEM_INFO(vgxVersionMinorNum), ADA_GUEST_29_0C & 0xffff);
        c->private = NV(ERR_LIB_RM_VERSION_MISMATCH);
        return NV(OK);
    }
    v->guest.version = version;
    memcpy(v->info.version, c->p + SYSTEM_INFO(guestDriverVersion), sizeof(v->info.version));
    ada_monitor_driver(v, true);
    return NV(OK);
}

static uint32_t system_info_ext(AdaGuestCall *c)
{
    memcpy(c->v->info.branch, c->p + r570_rpc_set_guest_system_info_ext_v25_1B__guestDriverBranch,
           sizeof(c->v->info.branch));
    return NV(OK);
}

static uint32_t unloading(AdaGuestCall *c)
{
    c->v->guest.leaving = true;
    ada_monitor_driver(c->v, false);
    return NV(OK);
}

/* assumption GUEST-BRAND */
static uint32_t brand_caps(AdaGuestCall *c)
{
    uint32_t brand = ada_gstatic_brand(c->v);

    stl_le_p(c->p, brand == ADA_BRAND_QUADRO ? r570_NV0080_CTRL_GPU_GET_BRAND_CAPS_QUADRO :
             brand == ADA_BRAND_NVS ? r570_NV0080_CTRL_GPU_GET_BRAND_CAPS_NVS : 0);
    return NV(OK);
}

/* What its programs have of the framebuffer. Drivers tell of it once a second at most, when it has changed */
static uint32_t fb_usage(AdaGuestCall *c)
{
    uint64_t used = ldq_le_p(c->p + r570_rpc_ctrl_set_vgpu_fb_usage_v1A_08__setFbUsage__fbUsed);

    if (used > ada_vgpu_fb_bytes(c->v)) {
        ada_refuse(c->v->gpu, "guest-fb-usage", "GFID %u: uses 0x%" PRIx64 " bytes of 0x%" PRIx64, c->v->gfid, used,
                   ada_vgpu_fb_bytes(c->v));
        return NV(ERR_INVALID_ARGUMENT);
    }
    c->v->info.fb_used = used;
    return NV(OK);
}

/* No engine was ever busy. A union of controls; the message has as much of it as its control needs */
static uint32_t engine_utilization(AdaGuestCall *c)
{
    memset(c->p + r570_rpc_get_engine_utilization_v1F_0E__params, 0,
           c->len - r570_rpc_get_engine_utilization_v1F_0E__params);
    return NV(OK);
}

/* Asked of a guest's first GPU when it has two. No vGPU reaches another: assumption NO-P2P */
static uint32_t p2p_caps(AdaGuestCall *c)
{
    return NV(ERR_NOT_SUPPORTED);
}

/* assumption GUEST-RPC: these calls, all others not supported */
static const struct {
    uint32_t function, size;        /* of the payload, at least */
    AdaGuestRun *run;
} rpcs[] = {
#define RPC(name, params, run)  { RPC_FN(name), r570_rpc_##params##__SIZE, run }
    RPC(SET_GUEST_SYSTEM_INFO, set_guest_system_info_v03_00, system_info),
    RPC(SET_GUEST_SYSTEM_INFO_EXT, set_guest_system_info_ext_v25_1B, system_info_ext),
    RPC(GET_STATIC_DATA, get_static_data_v25_0E, ada_gstatic_data),
    RPC(GET_CONSOLIDATED_GR_STATIC_INFO, get_consolidated_gr_static_info_v1B_04, ada_gstatic_graphics),
    RPC(ALLOC_ROOT, alloc_root_v07_00, ada_gobj_root),
    RPC(ALLOC_SHARE_DEVICE, alloc_share_device_v03_00, ada_gobj_device),
    RPC(ALLOC_SUBDEVICE, alloc_subdevice_v08_01, ada_gobj_subdevice),
    RPC(ALLOC_CHANNEL_DMA, alloc_channel_dma_v1F_04, ada_gobj_channel),
    { RPC_FN(ALLOC_OBJECT), r570_rpc_alloc_object_v27_00__params, ada_gobj_object },    /* parameters differ */
    RPC(ALLOC_EVENT, alloc_event_v03_00, ada_gobj_event),
    RPC(FREE, free_v03_00, ada_gobj_free),
    RPC(CTRL_FIFO_SETUP_VF_ZOMBIE_SUBCTX_PDB, ctrl_fifo_setup_vf_zombie_subctx_pdb_v1A_23, ada_gobj_zombie),
    RPC(CTRL_VASPACE_COPY_SERVER_RESERVED_PDES, ctrl_vaspace_copy_server_reserved_pdes_v1E_04,
        ada_gobj_page_directory),
    RPC(CTRL_GPFIFO_SCHEDULE, ctrl_gpfifo_schedule_v1A_0A, ada_gobj_schedule),
    RPC(CTRL_GPU_PROMOTE_CTX, ctrl_gpu_promote_ctx_v1A_20, ada_gobj_promote),
    { RPC_FN(RM_API_CONTROL), 0, ada_gobj_control },    /* its length counts neither structure nor parameters */
    RPC(CTRL_SET_VGPU_FB_USAGE, ctrl_set_vgpu_fb_usage_v1A_08, fb_usage),
    RPC(CTRL_GPU_GET_INFO_V2, ctrl_gpu_get_info_v2_v25_11, ada_gobj_gpu_info),
    /* these differ in length */
    { RPC_FN(CTRL_FB_GET_INFO_V2), r570_rpc_ctrl_fb_get_info_v2_v27_00__ctrlParams__fbInfoList, ada_gobj_fb_info },
    { RPC_FN(CTRL_GET_NVLINK_STATUS), r570_rpc_ctrl_get_nvlink_status_v28_09__ctrlParams, ada_gobj_nvlink },
    RPC(GET_BRAND_CAPS, get_brand_caps_v25_12, brand_caps),
    { RPC_FN(GET_ENGINE_UTILIZATION), r570_rpc_get_engine_utilization_v1F_0E__params, engine_utilization },
    { RPC_FN(CTRL_SUBDEVICE_GET_P2P_CAPS), 0, p2p_caps },
    RPC(UNLOADING_GUEST_DRIVER, unloading_guest_driver_v1F_07, unloading),
#undef RPC
};

static bool in_order(AdaVgpu *v, uint32_t function)
{
    uint32_t version = v->guest.version;

    if (function == RPC_FN(SET_GUEST_SYSTEM_INFO)) {
        return true;
    }
    if (!version) {
        ada_refuse(v->gpu, "guest-order", "GFID %u: function %u before a version", v->gfid, function);
        return false;
    }
    if (version != ADA_GUEST_25_1B && version != ADA_GUEST_29_0C) {
        ada_refuse(v->gpu, "guest-layout", "GFID %u: function %u in version %x.%02x", v->gfid, function, version >> 16,
                   version & 0xffff);
        return false;
    }
    return true;
}

static uint32_t run_rpc(AdaGuestCall *c, uint32_t function)
{
    AdaVgpu *v = c->v;

    v->guest.count++;
    v->guest.last_function = function;
    for (size_t i = 0; i < ARRAY_SIZE(rpcs); i++) {
        if (rpcs[i].function != function) {
            continue;
        }
        if (c->len < rpcs[i].size) {
            ada_refuse(v->gpu, "guest-rpc-length", "GFID %u: %u bytes for function %u", v->gfid, c->len, function);
            return r570_NV_VGPU_MSG_RESULT_RPC_INVALID_MESSAGE_FORMAT;
        }
        return in_order(v, function) ? rpcs[i].run(c) : NV(ERR_INVALID_STATE);
    }
    ada_refuse(v->gpu, "guest-rpc", "GFID %u: function %u", v->gfid, function);
    return NV(ERR_NOT_SUPPORTED);
}

/* A control's parameters follow it, however long the header says that it is */
static bool read_rest(AdaFunc *f, AdaVgpu *v, uint8_t *msg, uint32_t *len)
{
    const uint32_t at = RPC_HDR + r570_rpc_rm_api_control_v25_1A__SIZE;
    uint32_t size = ldl_le_p(msg + RPC_HDR + r570_rpc_rm_api_control_v25_1A__params__paramsSize);

    if (ldl_le_p(msg + RPC_OFF(function)) != RPC_FN(RM_API_CONTROL)) {
        return true;
    }
    if (size > MESSAGE_MAX - at) {
        ada_refuse(f->gpu, "guest-rpc-length", "GFID %u: a control with %u bytes of parameters", f->gfid, size);
        return false;
    }
    if (at + size > ADA_PAGE && !guest_read(f, v->guest.message, ADA_PAGE, msg + ADA_PAGE, at + size - ADA_PAGE)) {
        ada_refuse(f->gpu, "guest-buffer", "GFID %u: %u bytes of a message unreachable", f->gfid, at + size);
        return false;
    }
    *len = MAX(at + size, ADA_PAGE);
    return true;
}

static bool header_ok(AdaFunc *f, const uint8_t *msg)
{
    uint32_t len = ldl_le_p(msg + RPC_OFF(length));

    if (ldl_le_p(msg + RPC_OFF(signature)) == r570_NV_VGPU_MSG_SIGNATURE_VALID &&
        ldl_le_p(msg + RPC_OFF(header_version)) == r570_NV_VGPU_MSG_HEADER_VERSION_MAJOR_TOT << 24 && len >= RPC_HDR &&
        (len <= ADA_PAGE || ldl_le_p(msg + RPC_OFF(function)) == RPC_FN(RM_API_CONTROL))) {
        return true;
    }
    ada_refuse(f->gpu, "guest-rpc-header", "GFID %u: signature 0x%08x, version 0x%08x, length %u", f->gfid,
               ldl_le_p(msg + RPC_OFF(signature)), ldl_le_p(msg + RPC_OFF(header_version)), len);
    return false;
}

static void execute(AdaFunc *f, AdaVgpu *v, uint8_t *msg, uint32_t *len, AdaGuestFault fault)
{
    AdaGuestCall c = { .f = f, .v = v, .p = msg + RPC_HDR };
    uint32_t result = r570_NV_VGPU_MSG_RESULT_RPC_INVALID_MESSAGE_FORMAT;

    *len = ADA_PAGE;
    if (header_ok(f, msg) && read_rest(f, v, msg, len)) {
        c.len = ldl_le_p(msg + RPC_OFF(length)) - RPC_HDR;
        result = fault == ADA_GUEST_REFUSE ? NV(ERR_INSUFFICIENT_RESOURCES) :
                 run_rpc(&c, ldl_le_p(msg + RPC_OFF(function)));
    }
    stl_le_p(msg + RPC_OFF(rpc_result), result);
    stl_le_p(msg + RPC_OFF(rpc_result_private), c.private ?: result);
    for (uint32_t i = RPC_HDR; fault == ADA_GUEST_CORRUPT && i < *len; i++) {
        msg[i] = ~msg[i];
    }
}

static void message(AdaFunc *f, AdaVgpu *v, AdaGuestFault fault)
{
    static uint8_t msg[MESSAGE_MAX];
    uint8_t ctrl[CTRL_USED];
    uint32_t request, len;

    if (!v->guest.up) {
        ada_refuse(f->gpu, "guest-setup", "GFID %u: message without set-up", f->gfid);
        return;
    }
    if (!read_ctrl(f, v->guest.ctrl, ctrl)) {
        return;
    }
    request = ldl_le_p(ctrl + CTRL(requestId));
    if (request == v->guest.request) {
        return;     /* rung without news */
    }
    if (!guest_read(f, v->guest.message, 0, msg, ADA_PAGE)) {
        ada_refuse(f->gpu, "guest-buffer", "GFID %u: message buffer unreachable", f->gfid);
        return;
    }
    execute(f, v, msg, &len, fault);
    if (guest_write(f, v->guest.message, 0, msg, len)) {
        /* whose content is damaged, or who has none: its number is that of the request */
        answer(f, &v->guest, request, fault == ADA_GUEST_CORRUPT ? ADA_GUEST_OK : fault);
    }
}

/* ---- doorbells --------------------------------------------------------------------------------------------------- */

/* false: nobody is there to serve it */
static bool goes_on(AdaVgpu *v, AdaGuestFault fault)
{
    switch (fault) {
    case ADA_GUEST_CRASH:
        ada_vgpu_crash(v->gpu, v->gfid);
        return false;
    case ADA_GUEST_CRASH_GSP:
        ada_gsp_die(v->gpu);
        return false;
    case ADA_GUEST_HANG_GSP:
        v->gpu->gsp->state = ADA_GSP_DEAD;      /* its core stays active */
        return false;
    case ADA_GUEST_HOLD:
        v->guest.held = true;
        return false;
    default:
        return true;
    }
}

bool ada_guest_hears(AdaVgpu *v)
{
    AdaGuestFault fault = ada_fault_guest(v, true);

    /* while it is held its channels stand still, what they have to do is kept */
    return (goes_on(v, fault) || fault == ADA_GUEST_HOLD) && fault != ADA_GUEST_LOSE;
}

static void serve(AdaFunc *f, AdaVgpu *v)
{
    bool rung_setup = v->guest.ring_setup, rung_message = v->guest.ring_message;
    uint64_t word = (uint64_t)f->mailbox[r570_NV_VF_SCRATCH_REGISTER_GUEST_RPC_HI] << 32 |
                    f->mailbox[r570_NV_VF_SCRATCH_REGISTER_GUEST_RPC_LO];
    AdaGuestFault fault = ada_fault_guest(v, false);

    if (!goes_on(v, fault)) {
        return;
    }
    v->calls++;
    v->guest.ring_setup = v->guest.ring_message = false;
    /* a set-up has no result: one that is refused gets no answer */
    if (fault == ADA_GUEST_LOSE || (fault == ADA_GUEST_REFUSE && rung_setup)) {
        return;
    }
    if (!v->bus_master) {
        ada_refuse(f->gpu, "guest-bus-master", "GFID %u: the host has not allowed DMA", f->gfid);
        return;
    }
    if (rung_setup) {
        if (WORD_VALID(word)) {
            setup(f, v, word, fault);
        } else {
            teardown(f, v, fault);
        }
    }
    if (rung_message) {
        message(f, v, fault);
    }
}

void ada_guest_work(AdaState *s)
{
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        AdaVgpu *v = &s->gsp->vgpu[gfid];

        if ((v->guest.ring_setup || v->guest.ring_message) && !v->guest.held && v->state == ADA_VGPU_RUNNING &&
            s->vf[gfid - 1] && ada_gsp_running(s)) {
            serve(s->vf[gfid - 1], v);
        }
    }
}

void ada_guest_doorbell(AdaFunc *f, uint32_t val)
{
    AdaState *s = f->gpu;
    AdaVgpu *v = f->gfid && f->gfid <= ADA_MAX_GFID ? &s->gsp->vgpu[f->gfid] : NULL;

    if (!v || !ada_gsp_running(s) || v->state != ADA_VGPU_RUNNING) {
        ada_refuse(s, "doorbell-dead", "GFID %u rings %u, plugin task %s", f->gfid, val,
                   v ? ada_vgpu_state_name(v->state) : "none");
        return;
    }
    switch (val) {
    case r570_NV_DOORBELL_NOTIFY_LEAF_VF_RPC_SETUP_HANDLE:
        v->guest.ring_setup = true;
        break;
    case r570_NV_DOORBELL_NOTIFY_LEAF_VF_RPC_MESSAGE_HANDLE:
        v->guest.ring_message = true;
        break;
    default:
        ada_refuse(s, "doorbell-handle", "GFID %u rings %u", f->gfid, val);
        return;
    }
    qemu_bh_schedule(s->gsp->work);
}

void ada_guest_flr(AdaFunc *f)
{
    if (f->gfid && f->gfid <= ADA_MAX_GFID && f->gpu->gsp) {
        ada_monitor_driver(&f->gpu->gsp->vgpu[f->gfid], false);
        ada_guest_reset(&f->gpu->gsp->vgpu[f->gfid]);
    }
}
