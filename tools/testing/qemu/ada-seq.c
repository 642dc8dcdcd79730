/*
 * NVIDIA Ada GPU: what GSP-RM has the CPU do while it starts
 *
 * Before it is done with its start, GSP-RM sends a program of register accesses and of resets of its own core, the CPU
 * sequencer. Property "sequencer" chooses it:
 *
 *   seen        by kind, number and order what 535.113.01 sends on an RTX 4070 SUPER: the CPU waits for the GSP's
 *               mailbox, resets the GSP, has its falcon's DMA load a signed program block by block, starts that and
 *               waits for its end, then has GSP-RM go on: 318 writes, 103 polls and four operations on the core
 *   empty       no operation; GSP-RM does not wait
 *   registers   each operation on registers, on two of PBUS_SW_SCRATCH: GSP-RM waits for the last one and judges what
 *               the others have left
 *   resume      the same, and CORE_RESET and CORE_RESUME: the CPU resets the GSP, puts the address of the libos
 *               arguments into its mailboxes and starts SEC2, whose program lets GSP-RM go on where it was
 *
 *   assumption SEQUENCER   other releases send the same as 535.113.01. What the program is and does is not known: here
 *                          it lies in the heap outside of WPR2, and is noise that has to arrive in the falcon unchanged
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qapi/error.h"
#include "ada-gsp.h"

#define SCRATCH(i)      (0x1400 + 4 * (i))
#define RESULT          0x30
#define RESULT_VALUE    0x5eb00077u
#define END             0x31
#define END_VALUE       0x5eb0e2d5u

#define BUFFER          r570_rpc_run_cpu_sequencer_v17_00__commandBuffer
#define OP(name)        r570_GSP_SEQ_BUF_OPCODE_##name
#define FALCON(name)    (ada_falcon_gsp.base + r570_NV_PFALCON_##name)
#define BROM(name)      (ada_falcon_gsp.base + 0x1000 + r570_NV_PFALCON2_FALCON_##name)
#define FBIF(name)      (ada_falcon_gsp.base + ada_falcon_gsp.fbif + r570_NV_PFALCON_FBIF_##name)

/* the program of "seen": 318 writes and 103 polls leave room for 102 blocks; how these are divided is not known */
#define BLOCK           256
#define CODE_BLOCKS     90
#define DATA_BLOCKS     12
#define PROGRAM_SIZE    ((CODE_BLOCKS + DATA_BLOCKS) * BLOCK)
#define PROGRAM_PKC     0x100
#define PROGRAM_ENGINE  0x400
#define PROGRAM_UCODE   9
#define DMA_CODE        0x614       /* 256 bytes, IMEM, secure */
#define DMA_DATA        0x600
#define DMA_IDLE        BIT(1)
#define MAILBOX_WAITS   BIT(31)

/* mailbox0 of a program that fails, SEC2's when GSP-RM cannot go on; free choice, drivers look for 0 */
#define ERR_PROGRAM     0x5d
#define ERR_RESUME      0x5e

static const char *const programs[] = {
    [ADA_SEQ_SEEN] = "seen", [ADA_SEQ_EMPTY] = "empty", [ADA_SEQ_REGISTERS] = "registers", [ADA_SEQ_RESUME] = "resume",
};

bool ada_seq_parse(const char *name, uint32_t *program, Error **errp)
{
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        if (!strcmp(name, programs[i])) {
            *program = i;
            return true;
        }
    }
    error_setg(errp, "sequencer is one of seen, empty, registers, resume");
    return false;
}

const char *ada_seq_name(uint32_t program)
{
    return programs[program];
}

/* ---- what is asked for ------------------------------------------------------------------------------------------- */

#define ADD(ops, ...) \
    g_array_append_vals(ops, ((const uint32_t[]) { __VA_ARGS__ }), \
                        sizeof((const uint32_t[]) { __VA_ARGS__ }) / sizeof(uint32_t))

static void add_registers(GArray *ops)
{
    ADD(ops, OP(REG_WRITE), SCRATCH(RESULT), RESULT_VALUE & ~0xffu);
    ADD(ops, OP(REG_MODIFY), SCRATCH(RESULT), 0xff, RESULT_VALUE & 0xff);
    ADD(ops, OP(REG_POLL), SCRATCH(RESULT), UINT32_MAX, RESULT_VALUE, 1000, 0);
    ADD(ops, OP(DELAY_US), 10);
    ADD(ops, OP(REG_STORE), SCRATCH(RESULT), 0);
}

static void add_load(GArray *ops, uint64_t from, uint32_t blocks, uint32_t command)
{
    ADD(ops, OP(REG_WRITE), FALCON(FALCON_DMATRFBASE), from >> 8);
    ADD(ops, OP(REG_WRITE), FALCON(FALCON_DMATRFBASE1), from >> 40);
    for (uint32_t at = 0; at < blocks * BLOCK; at += BLOCK) {
        ADD(ops, OP(REG_WRITE), FALCON(FALCON_DMATRFMOFFS), at);
        ADD(ops, OP(REG_WRITE), FALCON(FALCON_DMATRFFBOFFS), at);
        ADD(ops, OP(REG_WRITE), FALCON(FALCON_DMATRFCMD), command);
        ADD(ops, OP(REG_POLL), FALCON(FALCON_DMATRFCMD), DMA_IDLE, DMA_IDLE, 100000, 0);
    }
}

static void add_seen(AdaState *s, GArray *ops)
{
    uint64_t program = s->wpr.nonwpr_heap;

    ADD(ops, OP(REG_POLL), FALCON(FALCON_MAILBOX0), MAILBOX_WAITS, MAILBOX_WAITS, 100000, 0);
    ADD(ops, OP(REG_WRITE), FALCON(FALCON_MAILBOX0), 0);
    ADD(ops, OP(CORE_RESET));
    ADD(ops, OP(REG_WRITE), FBIF(CTL), 0x80);           /* physical addresses, */
    ADD(ops, OP(REG_WRITE), FBIF(TRANSCFG_0), 4);       /* in framebuffer */
    add_load(ops, program, CODE_BLOCKS, DMA_CODE);
    add_load(ops, program + CODE_BLOCKS * BLOCK, DATA_BLOCKS, DMA_DATA);
    ADD(ops, OP(REG_WRITE), BROM(BROM_PARAADDR_0), PROGRAM_PKC);
    ADD(ops, OP(REG_WRITE), BROM(BROM_ENGIDMASK), PROGRAM_ENGINE);
    ADD(ops, OP(REG_WRITE), BROM(BROM_CURR_UCODE_ID), PROGRAM_UCODE);
    ADD(ops, OP(REG_WRITE), BROM(MOD_SEL), r570_NV_PFALCON2_FALCON_MOD_SEL_ALGO_RSA3K);
    ADD(ops, OP(REG_WRITE), FALCON(FALCON_BOOTVEC), 0);
    ADD(ops, OP(CORE_START));
    ADD(ops, OP(CORE_WAIT_FOR_HALT));
    ADD(ops, OP(CORE_RESUME));
}

static void program_bytes(uint8_t *p)
{
    uint32_t state = 0xada;

    for (uint32_t i = 0; i < PROGRAM_SIZE; i++) {
        state = state * 1664525 + 1013904223;
        p[i] = state >> 24;
    }
}

static void stage_program(AdaState *s)
{
    g_autofree uint8_t *p = g_malloc(PROGRAM_SIZE);

    program_bytes(p);
    ada_vram_write(s, s->wpr.nonwpr_heap, p, PROGRAM_SIZE);
    s->gsp_falcon.mailbox[0] |= MAILBOX_WAITS;
}

void ada_seq_send(AdaState *s)
{
    g_autoptr(GArray) ops = g_array_new(false, false, sizeof(uint32_t));
    g_autoptr(GByteArray) msg = g_byte_array_new();
    AdaSequencer program = s->sequencer;

    if (program == ADA_SEQ_SEEN) {
        stage_program(s);
        add_seen(s, ops);
    } else if (program != ADA_SEQ_EMPTY) {
        add_registers(ops);
        if (program == ADA_SEQ_RESUME) {
            ADD(ops, OP(CORE_RESET));
            ADD(ops, OP(CORE_RESUME));
        }
        ADD(ops, OP(REG_WRITE), SCRATCH(END), END_VALUE);
    }
    /* not a byte more: some count operations, others dwords */
    g_byte_array_set_size(msg, BUFFER + 4 * ops->len);
    memset(msg->data, 0, BUFFER);
    stl_le_p(msg->data + r570_rpc_run_cpu_sequencer_v17_00__bufferSizeDWord, ops->len);
    stl_le_p(msg->data + r570_rpc_run_cpu_sequencer_v17_00__cmdIndex, ops->len);
    for (guint i = 0; i < ops->len; i++) {
        stl_le_p(msg->data + BUFFER + 4 * i, g_array_index(ops, uint32_t, i));
    }
    s->gsp->seq = program;
    s->gsp->seq_sent = true;
    s->gsp->seq_ran = s->gsp->resumed = s->handoff = false;
    s->sw_scratch[RESULT] = s->sw_scratch[END] = 0;
    ada_gsp_event(s, RPC_EVENT(GSP_RUN_CPU_SEQUENCER), msg->data, msg->len);
}

/* ---- whether it was done ----------------------------------------------------------------------------------------- */

/* has the CPU touched the registers that it was to touch? */
static bool registers_ok(AdaState *s)
{
    if (s->sw_scratch[RESULT] != RESULT_VALUE) {
        ada_refuse(s, "sequencer-registers", "0x%06x is 0x%08x", SCRATCH(RESULT), s->sw_scratch[RESULT]);
        return false;
    }
    if (s->gsp->seq == ADA_SEQ_RESUME && !s->gsp->resumed) {
        ada_refuse(s, "sequencer-resume", "its end has come, but no CORE_RESUME");
        return false;
    }
    return true;
}

bool ada_seq_done(AdaState *s)
{
    switch (s->gsp->seq) {
    case ADA_SEQ_EMPTY:
        return true;
    case ADA_SEQ_SEEN:
        return s->gsp->resumed;
    default:
        if (s->sw_scratch[END] != END_VALUE) {
            return false;
        }
        if (!registers_ok(s)) {
            ada_gsp_die(s);
            return false;
        }
        return true;
    }
}

/* The GSP's falcon was started while GSP-RM waits: is it the program that was to be loaded? Mailbox 0 */
uint32_t ada_seq_program(AdaState *s)
{
    g_autofree uint8_t *p = g_malloc(PROGRAM_SIZE);
    AdaFalcon *f = &s->gsp_falcon;
    const char *wrong = NULL;

    program_bytes(p);
    if (f->imem_high != CODE_BLOCKS * BLOCK || memcmp(f->imem, p, CODE_BLOCKS * BLOCK)) {
        wrong = "code";
    } else if (f->dmem_high != DATA_BLOCKS * BLOCK || memcmp(f->dmem, p + CODE_BLOCKS * BLOCK, DATA_BLOCKS * BLOCK)) {
        wrong = "data";
    } else if (f->brom_paraaddr != PROGRAM_PKC || f->brom_engid != PROGRAM_ENGINE ||
               f->brom_ucode_id != PROGRAM_UCODE ||
               f->brom_modsel != r570_NV_PFALCON2_FALCON_MOD_SEL_ALGO_RSA3K || f->bootvec) {
        wrong = "boot ROM registers";
    }
    if (wrong) {
        ada_refuse(s, "sequencer-program", "%s of what was started are not those of the sequencer", wrong);
        return ERR_PROGRAM;
    }
    s->gsp->seq_ran = true;
    ada_count_program(s, "sequencer");
    return 0;
}

/* ---- GSP-RM's core ----------------------------------------------------------------------------------------------- */

static bool wants_reset(const AdaGsp *g)
{
    return g->seq == ADA_SEQ_RESUME || g->seq == ADA_SEQ_SEEN;
}

bool ada_seq_suspend(AdaState *s)
{
    AdaGsp *g = s->gsp;

    if (g->state != ADA_GSP_RUNNING || !g->seq_sent || g->init_done || !wants_reset(g) || g->resumed) {
        return false;
    }
    g->state = ADA_GSP_SUSPENDED;
    return true;
}

bool ada_seq_suspended(AdaState *s)
{
    return s->gsp && s->gsp->state == ADA_GSP_SUSPENDED;      /* falcons are there before GSP-RM */
}

uint32_t ada_seq_resume(AdaState *s)
{
    AdaGsp *g = s->gsp;
    uint64_t args = (uint64_t)s->gsp_falcon.mailbox[1] << 32 | s->gsp_falcon.mailbox[0];

    if (args != g->libos_args) {
        ada_refuse(s, "sequencer-resume", "the GSP's mailboxes have 0x%" PRIx64 ", libos arguments are at 0x%" PRIx64,
                   args, g->libos_args);
        return ERR_RESUME;
    }
    if (g->seq == ADA_SEQ_SEEN && !g->seq_ran) {
        ada_refuse(s, "sequencer-resume", "the program that is to run before has not");
        return ERR_RESUME;
    }
    g->resumed = true;
    g->state = ADA_GSP_RUNNING;
    s->handoff = true;
    ada_falcon_riscv_start(&s->gsp_falcon);
    ada_gsp_doorbell(s);
    return 0;
}
