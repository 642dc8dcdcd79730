/*
 * NVIDIA Ada GPU: what GSP-RM has the CPU do while it starts
 *
 * Before it is done with its start, GSP-RM sends a program of register accesses and of resets of its own core, the CPU
 * sequencer. Property "sequencer" chooses it:
 *
 *   empty       no operation; GSP-RM does not wait
 *   registers   each operation on registers, on two of PBUS_SW_SCRATCH: GSP-RM waits for the last one and judges what
 *               the others have left
 *   resume      the same, and CORE_RESET and CORE_RESUME: the CPU resets the GSP, puts the address of the libos
 *               arguments into its mailboxes and starts SEC2, whose program lets GSP-RM go on where it was
 *
 *   assumption SEQUENCER   what real firmware sends is not published. That it resets its core on Ada is inferred from
 *                          drivers, which all can do it; CORE_START is not sent, as nobody knows what would run
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

/* SEC2's mailbox0 when GSP-RM cannot go on; free choice, drivers look for 0 */
#define ERR_RESUME      0x5e

static const char *const programs[] = {
    [ADA_SEQ_EMPTY] = "empty", [ADA_SEQ_REGISTERS] = "registers", [ADA_SEQ_RESUME] = "resume",
};

bool ada_seq_parse(const char *name, uint32_t *program, Error **errp)
{
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        if (!strcmp(name, programs[i])) {
            *program = i;
            return true;
        }
    }
    error_setg(errp, "sequencer is one of empty, registers, resume");
    return false;
}

const char *ada_seq_name(uint32_t program)
{
    return programs[program];
}

void ada_seq_send(AdaState *s)
{
    static const uint32_t registers[] = {
        OP(REG_WRITE), SCRATCH(RESULT), RESULT_VALUE & ~0xffu,
        OP(REG_MODIFY), SCRATCH(RESULT), 0xff, RESULT_VALUE & 0xff,
        OP(REG_POLL), SCRATCH(RESULT), UINT32_MAX, RESULT_VALUE, 1000, 0,
        OP(DELAY_US), 10,
        OP(REG_STORE), SCRATCH(RESULT), 0,
    }, core[] = {
        OP(CORE_RESET), OP(CORE_RESUME),
    }, end[] = {
        OP(REG_WRITE), SCRATCH(END), END_VALUE,
    };
    AdaSequencer program = s->sequencer;
    uint32_t op[ARRAY_SIZE(registers) + ARRAY_SIZE(core) + ARRAY_SIZE(end)], count = 0;
    uint8_t p[BUFFER + sizeof(op)] = {};

#define APPEND(part)    (memcpy(op + count, part, sizeof(part)), count += ARRAY_SIZE(part))
    if (program != ADA_SEQ_EMPTY) {
        APPEND(registers);
        if (program == ADA_SEQ_RESUME) {
            APPEND(core);
        }
        APPEND(end);
    }
#undef APPEND
    for (uint32_t i = 0; i < count; i++) {
        stl_le_p(p + BUFFER + 4 * i, op[i]);
    }
    stl_le_p(p + r570_rpc_run_cpu_sequencer_v17_00__bufferSizeDWord, count);
    stl_le_p(p + r570_rpc_run_cpu_sequencer_v17_00__cmdIndex, count);
    s->gsp->seq = program;
    s->gsp->seq_sent = true;
    s->gsp->resumed = s->handoff = false;
    s->sw_scratch[RESULT] = s->sw_scratch[END] = 0;
    /* not a byte more: some count operations, others dwords */
    ada_gsp_event(s, RPC_EVENT(GSP_RUN_CPU_SEQUENCER), p, BUFFER + 4 * count);
}

bool ada_seq_done(AdaState *s)
{
    if (s->gsp->seq == ADA_SEQ_EMPTY) {
        return true;
    }
    if (s->sw_scratch[END] != END_VALUE) {
        return false;
    }
    if (s->sw_scratch[RESULT] != RESULT_VALUE) {
        ada_refuse(s, "sequencer-registers", "0x%06x is 0x%08x", SCRATCH(RESULT), s->sw_scratch[RESULT]);
        ada_gsp_die(s);
        return false;
    }
    if (s->gsp->seq == ADA_SEQ_RESUME && !s->gsp->resumed) {
        ada_refuse(s, "sequencer-resume", "its end has come, but no CORE_RESUME");
        ada_gsp_die(s);
        return false;
    }
    return true;
}

bool ada_seq_suspend(AdaState *s)
{
    AdaGsp *g = s->gsp;

    if (g->state != ADA_GSP_RUNNING || !g->seq_sent || g->init_done || g->seq != ADA_SEQ_RESUME || g->resumed) {
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
    g->resumed = true;
    g->state = ADA_GSP_RUNNING;
    s->handoff = true;
    ada_falcon_riscv_start(&s->gsp_falcon);
    ada_gsp_doorbell(s);
    return 0;
}
