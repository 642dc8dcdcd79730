/*
 * NVIDIA Ada GPU: the plugin task's end of its channel to the guest's driver
 *
 * The guest puts an address into two mailbox registers of its VF and rings. There lies its control buffer, which names
 * the others: response, message, shared memory and events, in the guest's system memory or framebuffer. All of it is
 * read and written as the VF, through the IOMMU or the VMMU. One request at a time; a response is its request's number.
 *
 * The guest's layouts are known for 570 only; drivers of the 535 generation use the same first fields.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "ada-gsp.h"

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
    v->guest = (AdaGuestRpc) { .count = v->guest.count, .last_function = v->guest.last_function };
}

/* ---- set-up and teardown ----------------------------------------------------------------------------------------- */

/* the last store is the response number: the guest looks at nothing before it */
static void answer(AdaFunc *f, AdaGuestRpc *g, uint32_t request)
{
    g->request = request;
    guest_write32(f, g->response, RESPONSE(responseId), request);
}

static bool read_ctrl(AdaFunc *f, uint64_t word, uint8_t *ctrl)
{
    if (!guest_read(f, word, 0, ctrl, CTRL_USED)) {
        ada_refuse(f->gpu, "guest-buffer", "GFID %u: control buffer unreachable", f->gfid);
        return false;
    }
    return true;
}

static void setup(AdaFunc *f, AdaVgpu *v, uint64_t word)
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
    if (!word_ok(f, "response", g.response, SIZE_4K) || !word_ok(f, "message", g.message, SIZE_128K) ||
        !word_ok(f, "shared memory", ldq_le_p(ctrl + CTRL(sharedMem__addr)), SIZE_4K) ||
        !word_ok(f, "events", ldq_le_p(ctrl + CTRL(eventBuf__addr)), SIZE_4K)) {
        return;
    }
    g.version = v->guest.version;
    if (!guest_write32(f, g.response, RESPONSE(putEventBuf), 0) ||
        !guest_write32(f, g.response, RESPONSE(hostEccStatus), f->gpu->ecc) ||
        !guest_write32(f, g.response, RESPONSE(usmType), 0) ||
        !guest_write32(f, g.response, RESPONSE(enabledGspCaps), 0)) {
        ada_refuse(f->gpu, "guest-buffer", "GFID %u: response buffer unreachable", f->gfid);
        return;
    }
    v->guest = g;
    answer(f, &v->guest, ldl_le_p(ctrl + CTRL(requestId)));
}

/* an invalid address word: acknowledged in the buffers that were set up last, then they are forgotten */
static void teardown(AdaFunc *f, AdaVgpu *v)
{
    uint8_t ctrl[CTRL_USED];

    if (!v->guest.up) {
        ada_refuse(f->gpu, "guest-setup", "GFID %u: nothing to tear down", f->gfid);
        return;
    }
    if (read_ctrl(f, v->guest.ctrl, ctrl)) {
        answer(f, &v->guest, ldl_le_p(ctrl + CTRL(requestId)));
    }
    ada_guest_reset(v);
}

/* ---- RPCs -------------------------------------------------------------------------------------------------------- */

static uint32_t guest_system_info(AdaVgpu *v, uint8_t *msg, uint32_t len)
{
    uint8_t *p = msg + RPC_HDR;

    if (len < RPC_HDR + r570_rpc_set_guest_system_info_v03_00__SIZE) {
        return r570_NV_VGPU_MSG_RESULT_RPC_INVALID_MESSAGE_FORMAT;
    }
    stl_le_p(p + r570_rpc_set_guest_system_info_v03_00__vgxVersionMajorNum, r570_VGX_MAJOR_VERSION_NUMBER);
    stl_le_p(p + r570_rpc_set_guest_system_info_v03_00__vgxVersionMinorNum, r570_VGX_MINOR_VERSION_NUMBER);
    v->guest.version = r570_VGX_MAJOR_VERSION_NUMBER << 16 | r570_VGX_MINOR_VERSION_NUMBER;
    return NV(OK);
}

/* assumption GUEST-RPC: this one call, all others not supported */
static uint32_t run_rpc(AdaFunc *f, AdaVgpu *v, uint8_t *msg, uint32_t len)
{
    uint32_t function = ldl_le_p(msg + RPC_OFF(function));

    v->guest.count++;
    v->guest.last_function = function;
    if (function == RPC_FN(SET_GUEST_SYSTEM_INFO)) {
        return guest_system_info(v, msg, len);
    }
    ada_refuse(f->gpu, "guest-rpc", "GFID %u: function %u", f->gfid, function);
    return NV(ERR_NOT_SUPPORTED);
}

static void message(AdaFunc *f, AdaVgpu *v)
{
    uint8_t ctrl[CTRL_USED], msg[ADA_PAGE];
    uint32_t request, len, result;

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
    if (!guest_read(f, v->guest.message, 0, msg, sizeof(msg))) {
        ada_refuse(f->gpu, "guest-buffer", "GFID %u: message buffer unreachable", f->gfid);
        return;
    }
    len = ldl_le_p(msg + RPC_OFF(length));
    if (ldl_le_p(msg + RPC_OFF(signature)) != r570_NV_VGPU_MSG_SIGNATURE_VALID ||
        ldl_le_p(msg + RPC_OFF(header_version)) != r570_NV_VGPU_MSG_HEADER_VERSION_MAJOR_TOT << 24 || len < RPC_HDR ||
        (len > sizeof(msg) && ldl_le_p(msg + RPC_OFF(function)) != RPC_FN(RM_API_CONTROL))) {
        ada_refuse(f->gpu, "guest-rpc-header", "GFID %u: signature 0x%08x, version 0x%08x, length %u", f->gfid,
                   ldl_le_p(msg + RPC_OFF(signature)), ldl_le_p(msg + RPC_OFF(header_version)), len);
        result = r570_NV_VGPU_MSG_RESULT_RPC_INVALID_MESSAGE_FORMAT;
    } else {
        result = run_rpc(f, v, msg, len);
    }
    stl_le_p(msg + RPC_OFF(rpc_result), result);
    stl_le_p(msg + RPC_OFF(rpc_result_private), result);
    if (guest_write(f, v->guest.message, 0, msg, sizeof(msg))) {
        answer(f, &v->guest, request);
    }
}

/* ---- doorbells --------------------------------------------------------------------------------------------------- */

static void serve(AdaFunc *f, AdaVgpu *v)
{
    bool rung_setup = v->guest.ring_setup, rung_message = v->guest.ring_message;
    uint64_t word = (uint64_t)f->mailbox[r570_NV_VF_SCRATCH_REGISTER_GUEST_RPC_HI] << 32 |
                    f->mailbox[r570_NV_VF_SCRATCH_REGISTER_GUEST_RPC_LO];

    v->guest.ring_setup = v->guest.ring_message = false;
    if (!v->bus_master) {
        ada_refuse(f->gpu, "guest-bus-master", "GFID %u: the host has not allowed DMA", f->gfid);
        return;
    }
    if (rung_setup) {
        if (WORD_VALID(word)) {
            setup(f, v, word);
        } else {
            teardown(f, v);
        }
    }
    if (rung_message) {
        message(f, v);
    }
}

void ada_guest_work(AdaState *s)
{
    for (uint32_t gfid = 1; gfid <= ADA_MAX_GFID; gfid++) {
        AdaVgpu *v = &s->gsp->vgpu[gfid];

        if ((v->guest.ring_setup || v->guest.ring_message) && v->state == ADA_VGPU_RUNNING && s->vf[gfid - 1]) {
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
        ada_guest_reset(&f->gpu->gsp->vgpu[f->gfid]);
    }
}
