/*
 * NVIDIA Ada GPU: the copy engine
 *
 * Methods of AMPERE_DMA_COPY_B. LAUNCH_DMA moves lines of elements from one pitch layout to another, at virtual or (in
 * channels that may) physical addresses. With remapping an element is up to four components of up to four bytes, and
 * each component of the destination is one of the source's, or one of two constants: with constants only it fills.
 *
 * A transfer goes on in parts, so that a large one does not hold up everything else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "ada-chan.h"

/* bytes moved at a time, in pieces; a short piece takes its time, too. Zeros take next to none */
#define PART            (256 * KiB)
#define PART_ZERO       (16 * MiB)
#define PIECE           (16 * KiB)
#define PIECE_COST      (4 * KiB)

#define REG(c, name)    ((c)->ce.reg[(r570_NVC7B5_##name - ADA_CE_FIRST) / 4])

typedef enum { CE_SRC, CE_DST } CeSide;

static AdaStep launch_error(AdaChannel *c, const char *why)
{
    return ada_chan_error(c, "ce-launch", c->engine->xid, "LAUNCH_DMA 0x%08x: %s", REG(c, LAUNCH_DMA), why);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static bool physical(AdaChannel *c, CeSide side)
{
    return side == CE_SRC ? ADA_IS(c->ce.t.launch, NVC7B5_LAUNCH_DMA_SRC_TYPE, PHYSICAL)
                          : ADA_IS(c->ce.t.launch, NVC7B5_LAUNCH_DMA_DST_TYPE, PHYSICAL);
}

static uint32_t phys_target(AdaChannel *c, CeSide side)
{
    return side == CE_SRC ? ADA_FIELD(REG(c, SET_SRC_PHYS_MODE), NVC7B5_SET_SRC_PHYS_MODE_TARGET)
                          : ADA_FIELD(REG(c, SET_DST_PHYS_MODE), NVC7B5_SET_DST_PHYS_MODE_TARGET);
}

static bool ce_access(AdaChannel *c, CeSide side, uint64_t addr, void *buf, uint64_t len, AdaAccess how)
{
    bool sysmem = phys_target(c, side) != r570_NVC7B5_SET_SRC_PHYS_MODE_TARGET_LOCAL_FB;

    if (!physical(c, side)) {
        return ada_chan_access(c, addr, buf, len, how);
    }
    if (!ada_phys_access(ada_chan_func(c), sysmem, addr, buf, len, how)) {
        ada_chan_error(c, "ce-physical", c->engine->xid, "0x%" PRIx64 " bytes at physical 0x%" PRIx64, len, addr);
        return false;
    }
    return true;
}

/* ---- components -------------------------------------------------------------------------------------------------- */

static uint32_t component(uint32_t remap, unsigned int i)
{
    /* DST_X, _Y, _Z, _W are four bits apart */
    return ADA_FIELD(remap >> 4 * i, NVC7B5_SET_REMAP_COMPONENTS_DST_X);
}

#define SRC_W       r570_NVC7B5_SET_REMAP_COMPONENTS_DST_X_SRC_W
#define CONST_A     r570_NVC7B5_SET_REMAP_COMPONENTS_DST_X_CONST_A
#define CONST_B     r570_NVC7B5_SET_REMAP_COMPONENTS_DST_X_CONST_B
#define NO_WRITE    r570_NVC7B5_SET_REMAP_COMPONENTS_DST_X_NO_WRITE

static bool remap_setup(AdaChannel *c)
{
    AdaTransfer *t = &c->ce.t;
    uint32_t remap = REG(c, SET_REMAP_COMPONENTS);
    uint32_t size = ADA_FIELD(remap, NVC7B5_SET_REMAP_COMPONENTS_COMPONENT_SIZE) + 1;
    uint32_t from = ADA_FIELD(remap, NVC7B5_SET_REMAP_COMPONENTS_NUM_SRC_COMPONENTS) + 1;
    uint32_t to = ADA_FIELD(remap, NVC7B5_SET_REMAP_COMPONENTS_NUM_DST_COMPONENTS) + 1;

    t->src_size = size * from;
    t->dst_size = size * to;
    t->from_source = false;
    for (unsigned int i = 0; i < to; i++) {
        uint32_t what = component(remap, i);

        if (what > NO_WRITE || (what <= SRC_W && what >= from)) {
            return false;
        }
        t->from_source |= what <= SRC_W;
    }
    return true;
}

/* @n elements; @dst has what is there already */
static void remap_elements(AdaChannel *c, const uint8_t *src, uint8_t *dst, uint64_t n)
{
    const AdaTransfer *t = &c->ce.t;
    uint32_t remap = REG(c, SET_REMAP_COMPONENTS);
    uint32_t size = ADA_FIELD(remap, NVC7B5_SET_REMAP_COMPONENTS_COMPONENT_SIZE) + 1;
    uint8_t constant[2][4];

    stl_le_p(constant[0], REG(c, SET_REMAP_CONST_A));
    stl_le_p(constant[1], REG(c, SET_REMAP_CONST_B));
    for (; n; n--, src += t->src_size, dst += t->dst_size) {
        for (unsigned int i = 0; i < t->dst_size / size; i++) {
            uint32_t what = component(remap, i);

            if (what != NO_WRITE) {
                g_assert(src || what > SRC_W);
                memcpy(dst + i * size, what <= SRC_W ? src + what * size : constant[what - CONST_A], size);
            }
        }
    }
}

static bool remap_keeps(AdaChannel *c)
{
    const AdaTransfer *t = &c->ce.t;
    uint32_t remap = REG(c, SET_REMAP_COMPONENTS);
    uint32_t size = ADA_FIELD(remap, NVC7B5_SET_REMAP_COMPONENTS_COMPONENT_SIZE) + 1;

    for (unsigned int i = 0; i < t->dst_size / size; i++) {
        if (component(remap, i) == NO_WRITE) {
            return true;
        }
    }
    return false;
}

/* ---- transfer ---------------------------------------------------------------------------------------------------- */

static bool remapped(const AdaTransfer *t)
{
    return ADA_IS(t->launch, NVC7B5_LAUNCH_DMA_REMAP_ENABLE, TRUE);
}

/* a fill with nothing but zero bytes */
static bool fills_zero(AdaChannel *c)
{
    uint8_t element[16];

    if (c->ce.t.from_source || remap_keeps(c)) {
        return false;
    }
    remap_elements(c, NULL, element, 1);
    return buffer_is_zero(element, c->ce.t.dst_size);
}

static bool move_piece(AdaChannel *c, uint64_t n, bool zero)
{
    static uint8_t in[PIECE], out[PIECE];
    AdaTransfer *t = &c->ce.t;
    uint64_t src = t->src + t->done * t->src_size, dst = t->dst + t->done * t->dst_size;

    if (zero) {
        return ce_access(c, CE_DST, dst, NULL, n * t->dst_size, ADA_ZERO);
    }
    if (t->from_source && !ce_access(c, CE_SRC, src, in, n * t->src_size, ADA_READ)) {
        return false;
    }
    if (!remapped(t)) {
        return ce_access(c, CE_DST, dst, in, n, ADA_WRITE);
    }
    if (remap_keeps(c) && !ce_access(c, CE_DST, dst, out, n * t->dst_size, ADA_READ)) {
        return false;
    }
    remap_elements(c, in, out, n);
    return ce_access(c, CE_DST, dst, out, n * t->dst_size, ADA_WRITE);
}

/* is fault-engine meant for this transfer, which begins */
static bool fault_comes(AdaFaults *faults)
{
    if (!faults->engine_nth || --faults->engine_nth) {
        return false;
    }
    if (faults->engine == ADA_ENGINE_HANG) {
        faults->engine_hung = true;
        return false;
    }
    faults->engine = ADA_ENGINE_OK;
    return true;
}

static AdaStep finish(AdaChannel *c)
{
    uint32_t launch = c->ce.t.launch, type = ADA_FIELD(launch, NVC7B5_LAUNCH_DMA_SEMAPHORE_TYPE);
    uint64_t va = (uint64_t)ADA_FIELD(REG(c, SET_SEMAPHORE_A), NVC7B5_SET_SEMAPHORE_A_UPPER) << 32 |
                  REG(c, SET_SEMAPHORE_B);
    uint64_t payload = (uint64_t)REG(c, SET_SEMAPHORE_PAYLOAD_UPPER) << 32 | REG(c, SET_SEMAPHORE_PAYLOAD);

    c->ce.t.active = false;
    if (type != r570_NVC7B5_LAUNCH_DMA_SEMAPHORE_TYPE_NONE &&
        !ada_chan_release(c, va, payload, ADA_IS(launch, NVC7B5_LAUNCH_DMA_SEMAPHORE_PAYLOAD_SIZE, TWO_WORD),
                          type == r570_NVC7B5_LAUNCH_DMA_SEMAPHORE_TYPE_RELEASE_SEMAPHORE_WITH_TIMESTAMP)) {
        return ADA_STEP_ERROR;
    }
    if (ADA_IS(launch, NVC7B5_LAUNCH_DMA_INTERRUPT_TYPE, NON_BLOCKING)) {
        ada_intr_raise(ada_chan_func(c), c->engine->nonstall_vector);
    }
    return ADA_STEP_DONE;
}

AdaStep ada_ce_run(AdaChannel *c)
{
    AdaFifo *fifo = c->gpu->fifo;
    AdaTransfer *t = &c->ce.t;
    bool zero = remapped(t) && fills_zero(c);
    uint64_t piece = zero ? PART_ZERO : PIECE, part = zero ? PART_ZERO : PART;

    if (c->gpu->faults.engine_hung) {
        return ADA_STEP_WAIT;
    }
    while (t->lines && part) {
        uint64_t n = MIN(t->length - t->done, piece / MAX(t->src_size, t->dst_size)), bytes = n * t->dst_size;

        if (!move_piece(c, n, zero)) {
            return ADA_STEP_ERROR;
        }
        *(t->from_source ? &fifo->bytes_copied : &fifo->bytes_filled) += bytes;
        part -= MIN(part, MAX(bytes, PIECE_COST));
        t->done += n;
        if (t->done == t->length) {
            t->done = 0;
            t->src += t->src_pitch;
            t->dst += t->dst_pitch;
            t->lines--;
        }
    }
    return t->lines ? ADA_STEP_DONE : finish(c);
}

/* ---- launch ------------------------------------------------------------------------------------------------------ */

/* what this model does not do, or no engine does */
static const char *launch_refused(AdaChannel *c)
{
    uint32_t launch = REG(c, LAUNCH_DMA);

    if (ADA_FIELD(launch, NVC7B5_LAUNCH_DMA_DATA_TRANSFER_TYPE) >
        r570_NVC7B5_LAUNCH_DMA_DATA_TRANSFER_TYPE_NON_PIPELINED) {
        return "no such transfer type";
    }
    if (ADA_FIELD(launch, NVC7B5_LAUNCH_DMA_SEMAPHORE_TYPE) >
        r570_NVC7B5_LAUNCH_DMA_SEMAPHORE_TYPE_RELEASE_SEMAPHORE_WITH_TIMESTAMP ||
        ADA_IS(launch, NVC7B5_LAUNCH_DMA_SEMAPHORE_REDUCTION_ENABLE, TRUE)) {
        return "semaphores with a condition or reduction are not modelled";
    }
    if (!ADA_IS(launch, NVC7B5_LAUNCH_DMA_INTERRUPT_TYPE, NONE) &&
        !ADA_IS(launch, NVC7B5_LAUNCH_DMA_INTERRUPT_TYPE, NON_BLOCKING)) {
        return "blocking interrupts are not modelled";
    }
    if (!ADA_IS(launch, NVC7B5_LAUNCH_DMA_VPRMODE, VPR_NONE)) {
        return "protected video memory is not modelled";
    }
    return NULL;
}

static const char *transfer_refused(AdaChannel *c)
{
    const AdaTransfer *t = &c->ce.t;

    if (!ADA_IS(t->launch, NVC7B5_LAUNCH_DMA_DST_MEMORY_LAYOUT, PITCH) ||
        (t->from_source && !ADA_IS(t->launch, NVC7B5_LAUNCH_DMA_SRC_MEMORY_LAYOUT, PITCH))) {
        return "block-linear layout is not modelled";
    }
    if (!t->length || !t->lines) {
        return "nothing to transfer";
    }
    for (CeSide side = CE_SRC; side <= CE_DST; side++) {
        if ((side == CE_SRC && !t->from_source) || !physical(c, side)) {
            continue;
        }
        if (!c->phys_ce) {
            return "physical addresses in a channel that may not";
        }
        if (phys_target(c, side) == r570_NVC7B5_SET_SRC_PHYS_MODE_TARGET_PEERMEM) {
            return "there is no peer";
        }
    }
    return NULL;
}

static AdaStep launch_dma(AdaChannel *c)
{
    uint32_t launch = REG(c, LAUNCH_DMA), condition = ADA_FIELD(REG(c, SET_RENDER_ENABLE_C),
                                                                NVC7B5_SET_RENDER_ENABLE_C_MODE);
    const char *refused = launch_refused(c);
    AdaTransfer *t = &c->ce.t;

    if (refused) {
        return launch_error(c, refused);
    }
    c->gpu->fifo->launches++;
    *t = (AdaTransfer) {
        .launch = launch, .from_source = true, .src_size = 1, .dst_size = 1,
        .src = (uint64_t)ADA_FIELD(REG(c, OFFSET_IN_UPPER), NVC7B5_OFFSET_IN_UPPER_UPPER) << 32 |
               REG(c, OFFSET_IN_LOWER),
        .dst = (uint64_t)ADA_FIELD(REG(c, OFFSET_OUT_UPPER), NVC7B5_OFFSET_OUT_UPPER_UPPER) << 32 |
               REG(c, OFFSET_OUT_LOWER),
        .src_pitch = (int32_t)REG(c, PITCH_IN), .dst_pitch = (int32_t)REG(c, PITCH_OUT),
        .length = REG(c, LINE_LENGTH_IN),
        .lines = ADA_IS(launch, NVC7B5_LAUNCH_DMA_MULTI_LINE_ENABLE, TRUE) ? REG(c, LINE_COUNT) : 1,
    };
    if (ADA_IS(launch, NVC7B5_LAUNCH_DMA_DATA_TRANSFER_TYPE, NONE)) {
        return finish(c);
    }
    if (condition > r570_NVC7B5_SET_RENDER_ENABLE_C_MODE_TRUE) {
        return launch_error(c, "conditional execution is not modelled");
    }
    if (remapped(t) && !remap_setup(c)) {
        return launch_error(c, "components that are not there");
    }
    refused = transfer_refused(c);
    if (refused) {
        return launch_error(c, refused);
    }
    if (fault_comes(&c->gpu->faults)) {
        return launch_error(c, "fault-engine wants it");
    }
    t->active = true;
    return ADA_STEP_DONE;
}

AdaStep ada_ce_method(AdaChannel *c, uint32_t method, uint32_t data)
{
    switch (method) {
    case r570_NVC7B5_NOP:
    case r570_NVC7B5_PM_TRIGGER:
    case r570_NVC7B5_PM_TRIGGER_END:
        return ADA_STEP_DONE;
    case r570_NVC7B5_SET_SEMAPHORE_A ... r570_NVC7B5_SET_SEMAPHORE_PAYLOAD_UPPER:
    case r570_NVC7B5_SET_RENDER_ENABLE_A ... r570_NVC7B5_SET_DST_PHYS_MODE:
    case r570_NVC7B5_OFFSET_IN_UPPER ... r570_NVC7B5_LINE_COUNT:
    case r570_NVC7B5_SET_REMAP_CONST_A ... r570_NVC7B5_SET_REMAP_COMPONENTS:
    /* of block-linear surfaces, as far as a driver may set them up beforehand */
    case r570_NVC7B5_SET_DST_BLOCK_SIZE ... r570_NVC7B5_SET_DST_ORIGIN:
    case r570_NVC7B5_SET_SRC_BLOCK_SIZE ... r570_NVC7B5_SET_SRC_ORIGIN:
    case r570_NVC7B5_SRC_ORIGIN_X ... r570_NVC7B5_DST_ORIGIN_Y:
        c->ce.reg[(method - ADA_CE_FIRST) / 4] = data;
        return ADA_STEP_DONE;
    case r570_NVC7B5_LAUNCH_DMA:
        c->ce.reg[(method - ADA_CE_FIRST) / 4] = data;
        return launch_dma(c);
    }
    return ada_chan_error(c, "ce-method", c->engine->xid, "method 0x%04x, data 0x%08x", method, data);
}
